"""Denominators by vintage: which file gives which number of people, and what depends on it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from analyzer.checks import CheckRule, Evidence, Vintage
from analyzer.records import Check

NAME = "denominators"
APART = 1.1  # vintages that differ by more make a difference to a figure per 1,000 people


def run(evidence: Evidence) -> Check:
    """Informative; failed where vintages differ by more than 10 % in what they give for the year of the block."""
    groups = _groups(evidence.denominators)
    if not groups:
        return Check(NAME, "informative", "no denominator is loaded: the ratio needs none, figures per 1,000 people do")
    year = _year(evidence)
    found = [_said(name, vintages, year) for name, vintages in groups.items()]
    text = "; ".join(f for f, _ in found)
    table = tuple(_row(v) for vintages in groups.values() for v in vintages)
    ends = "the ratio does not depend on them, figures per 1,000 people do"
    return Check(NAME, "failed" if any(apart for _, apart in found) else "informative", f"{text}; {ends}", table)


def _groups(vintages: Sequence[Vintage]) -> dict[str, list[Vintage]]:
    groups: dict[str, list[Vintage]] = {}
    for v in sorted(vintages, key=lambda v: (v.indicator, v.entity, v.unit, v.year, v.snapshot_id)):
        groups.setdefault(" ".join(filter(None, (v.indicator, v.entity, v.unit))), []).append(v)
    return groups


def _year(evidence: Evidence) -> int:
    return int(evidence.day(evidence.onset)[:4])


def _said(name: str, vintages: Sequence[Vintage], year: int) -> tuple[str, bool]:
    """What each vintage gives for a year, or for the last before it, in words, and whether they differ."""
    given = {v.snapshot_id: v for v in vintages if v.year <= year}  # in order of years: the last one stays
    if not given:
        return f"{name}: nothing for {year} or before", False
    values = [v.value for v in given.values()]
    most = max(values) / min(values) if min(values) > 0 else float("inf")
    changed = _revised(vintages)
    parts = ", ".join(f"{v.value:.4g} ({v.year}, {vintage(v)})" for v in given.values())
    text = f"{name}, for {year}: {parts}"
    if len(given) > 1:
        text += f", x{most:.2f} between them"
    if changed:
        text += f"; revised between vintages: {', '.join(changed)}"
    return text, (len(given) > 1 and most > APART) or bool(changed)


def _revised(vintages: Sequence[Vintage]) -> list[str]:
    """Years for which vintages give values more than 10 % apart."""
    years: dict[int, list[float]] = {}
    for v in vintages:
        years.setdefault(v.year, []).append(v.value)
    return [f"{y} {min(x):.4g} to {max(x):.4g}" for y, x in years.items() if max(x) > APART * min(x)]


def vintage(v: Vintage) -> str:
    """A file by the day it was retrieved, else by its id."""
    return f"retrieved {v.retrieved_at:%Y-%m-%d}" if v.retrieved_at else f"file {v.snapshot_id[:8]}"


def _row(v: Vintage) -> dict[str, Any]:
    return {
        "indicator": v.indicator,
        "entity": v.entity,
        "year": v.year,
        "value": v.value,
        "unit": v.unit,
        "vintage": vintage(v),
        "snapshot_id": v.snapshot_id,
    }


CHECK = CheckRule(NAME, "Denominators by vintage", run)
