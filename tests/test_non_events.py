"""Events without a block: what is shipped, that none of them was one, contexts, donors, discovery routes, imports."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import pytest

from analyzer import blocks
from analyzer.blocks import contents, stop
from analyzer.records import Block

BEFORE, AFTER = timedelta(days=3), timedelta(days=7)
STANDING = timedelta(days=60)
OUTSIDE_KINDS = ("holiday", "control")  # come round every year, or are of sport: their own effect is what is asked


class Cut(NamedTuple):
    """A restriction in someone's list."""

    cc: str
    start: datetime
    end: datetime | None
    nationwide: bool
    source: str


def rows_of(name: str) -> list[dict[str, str]]:
    return list(csv.DictReader((contents.DATA / name).read_text(encoding="utf-8").splitlines()))


def clashes(event: Block, notes: str, cuts: Iterable[Cut]) -> Iterator[Cut]:
    """Restrictions of its country from three days before to seven after that the notes do not own to.

    What was in force for two months before and goes on is the state of affairs, not an event beside it; what touched
    a part of the country only has to be stated in the notes.
    """
    first, last = event.onset_earliest - BEFORE, (event.end_latest or event.onset_latest) + AFTER
    for cut in cuts:
        open_before = cut.end is None and cut.start < first and not cut.nationwide
        over = cut.end is not None and cut.end <= first
        standing = cut.start < event.onset_earliest - STANDING and (cut.end is None or cut.end >= last)
        if cut.start < last and not (over or open_before or standing) and (cut.nationwide or "Regional:" not in notes):
            yield cut


def stop_cuts(shared: Path) -> list[Cut]:
    path = next((shared / "data/series/accessnow-stop").glob("*.parquet"))
    return [_of_stop(row) for row in stop.read(path)]


def _of_stop(row: stop.StopRow) -> Cut:
    start = blocks.local_span(row.start, "day", row.cc)[0]
    end = blocks.local_span(row.end, "day", row.cc)[1] if row.end else None
    whole = row.scope == "nationwide" or row.scope.startswith("scope not stated")
    return Cut(row.cc, start, end if end and end > start else None, whole, f"STOP {row.start} {row.scope[:40]}")


def ioda_cuts(shared: Path) -> list[Cut]:
    path = next((shared / "data/series/ioda-outages").glob("*.csv"))
    codes = {r["name"].casefold(): r["cc"] for t in ("zones.csv", "country_aliases.csv") for r in rows_of(t)}
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = [r for r in csv.DictReader(file) if r["Cause"] in ("Government-Ordered", "Exams")]
    return [_of_ioda(row, codes) for row in rows if row["Country"].strip().casefold() in codes]


def _of_ioda(row: dict[str, str], codes: dict[str, str]) -> Cut:
    start, end = _clock(row["Begin time"]), _clock(row["End time"])
    scope = next(v for k, v in row.items() if k and k.startswith("Scope"))
    whole = scope.strip().casefold().startswith("country")
    assert start, row["Begin time"]
    return Cut(codes[row["Country"].strip().casefold()], start, end, whole, f"IODA {start} {scope[:40]}")


def _clock(text: str) -> datetime | None:
    """The time of a sheet kept by hand: "Monday, October 25, 2021, 2:30: AM", with seconds or without."""
    found = re.search(r"(\w+ \d+, \d{4}),\s*(\d+:\d+)[:\d]*\s*([AP]M)", text)
    if not found:
        return None
    return datetime.strptime(" ".join(found.groups()), "%B %d, %Y %I:%M %p").replace(tzinfo=UTC).replace(tzinfo=None)


def own_cuts() -> list[Cut]:
    parts = ("region", "state", "few", "operator", "territory (")
    return [Cut(b.cc, b.onset_earliest, b.end_latest, not b.scope.startswith(parts), b.block_id)
            for b in blocks.shipped().blocks]  # fmt: skip


def all_clashes(cuts: list[Cut]) -> list[str]:
    notes = {r["event_id"]: r["notes"] for r in rows_of("non_events.csv")}
    asked = [e for e in blocks.shipped().non_events if e.block_id in notes and e.kind not in OUTSIDE_KINDS]
    return [f"{e.block_id}: {cut.source}" for e in asked
            for cut in clashes(e, notes[e.block_id], [c for c in cuts if c.cc == e.cc])]  # fmt: skip


def test_no_shipped_non_event_has_a_block_of_our_own_beside_it():
    assert all_clashes(own_cuts()) == []


@pytest.mark.shared
def test_no_shipped_non_event_has_a_shutdown_of_the_lists_beside_it(shared):
    assert all_clashes(stop_cuts(shared)) == []
    assert all_clashes(ioda_cuts(shared)) == []
