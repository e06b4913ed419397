"""Intervals that were not over when a file was retrieved: their values are parts, which the file does not say."""

from __future__ import annotations

from datetime import datetime, timedelta

from analyzer.sources._table import Bad


def usable_retrieval(retrieved: datetime | None, last_start: datetime) -> datetime | None:
    """The retrieval time, unless rows begin after it: then a date in the path meant something else."""
    return None if retrieved is None or last_start > retrieved + timedelta(days=1) else retrieved


def refuse_partial(end: datetime, retrieved: datetime | None, field: str, unit: str) -> None:
    """Raises Bad for an interval that ends after the retrieval."""
    if retrieved is not None and end > retrieved:
        raise Bad(field, f"the {unit} was not over when the file was retrieved ({retrieved:%Y-%m-%dT%H:%MZ})")
