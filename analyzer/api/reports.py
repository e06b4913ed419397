"""What the command line prints beside records: reports with their counts and summaries."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import TYPE_CHECKING, Any

from analyzer.api.studies import event, now
from analyzer.errors import UnknownName

if TYPE_CHECKING:
    from analyzer.api.database import Database
    from analyzer.scan import Report, ScanQuestion

Progress = Callable[[int, int], None]


def plan_shown(db: Database, plan_id: str | None) -> str:
    """A frozen plan as its file, under a heading; the only one without an id.  Raises UnknownName."""
    from analyzer import plans
    from analyzer.study import planned

    catalogue, held = db.catalogue(), plans.listed(db.store)
    if plan_id is None and len(held) != 1:
        ids = ", ".join(p.short_id for p in held) or "none yet: vpn-uptake plan freeze FILE"
        raise UnknownName(f"name one of the frozen plans: {ids}")
    frozen = planned.planned(held[0] if plan_id is None else plans.find(db.store, plan_id), catalogue)
    return planned.shown(frozen, catalogue)


def curve_report(
    db: Database, block_id: str | None, cc: str | None, day: date | None, **options: Any
) -> tuple[list[dict[str, Any]], tuple[str, ...]]:
    """The rows of a specification curve, and a summary per series; options: indicator, horizon, progress."""
    from analyzer.study import curve

    catalogue = db.catalogue()
    return curve.curve(db.store, catalogue, event(catalogue, block_id, cc, day), now=now(), **options)


def scan_report(db: Database, question: ScanQuestion, progress: Progress | None = None) -> Report:
    """The scan of a store as a record, with its counts."""
    from analyzer import scan

    return scan.scan(db.store, db.catalogue(), question, progress)
