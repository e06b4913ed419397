"""A study's estimates as what may be said of people: units, types, paths and denominators from the store."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np

from analyzer.indicators import type_of
from analyzer.people import Anchor, Case, Denominator, people_ranges, shipped_anchors
from analyzer.people.draws import Floats
from analyzer.places import to_local
from analyzer.records import Block, Estimate, IndicatorType, PeopleRange, SeriesView, Study
from analyzer.store import Store
from analyzer.store.types import stated_types
from analyzer.study.horizons import AFTER_END, length_of

_UPDATED = re.compile(r"last updated ([0-9]{4}-[0-9]{2}-[0-9]{2})")
_PER_CENT = ("percent", "per cent", "%", "share")


def people_of(store: Store, study: Study, anchors: Sequence[Anchor] | None = None) -> tuple[PeopleRange, ...]:
    """One row per estimate, then bounds over tools; anchors are the shipped ones unless given."""
    types, disputed = stated_types(store)
    cases = [_case(study.block, e, view, types) for e, view in _with_views(study)]
    cases = _networked(store, study.block.cc, cases)
    given = shipped_anchors() if anchors is None else anchors
    return tuple(_told(row, disputed) for row in people_ranges(cases, given, denominator(store, study.block)))


def _told(row: PeopleRange, disputed: Mapping[str, tuple[str, ...]]) -> PeopleRange:
    """A type on which files disagree is none: which they state."""
    from dataclasses import replace

    if row.indicator not in disputed:
        return row
    return replace(row, reasons=f"{row.reasons}; files state different types: {', '.join(disputed[row.indicator])}")


def _with_views(study: Study) -> Iterator[tuple[Estimate, SeriesView | None]]:
    """Each estimate with the view of its series: both stand in the order in which series were asked."""
    at, key, seen = -1, ("", ""), set[tuple[str, str]]()
    for e in study.estimates:
        question = (e.horizon, e.estimand)
        if (e.indicator, e.entity) != key or question in seen:
            at, key, seen = at + 1, (e.indicator, e.entity), set()
        seen.add(question)
        yield e, study.series[at] if at < len(study.series) else None


def _case(block: Block, e: Estimate, view: SeriesView | None, types: Mapping[str, IndicatorType]) -> Case:
    onset = to_local(block.onset_earliest, block.cc).date()
    kind = type_of(e.indicator, types)
    if view is None or len(view.t) < 2:
        return Case(e, view.unit if view else "", kind, onset)
    before = onset if e.estimand == "just_before" else min(onset, to_local(view.base_end, block.cc).date())
    step = view.t[1] - view.t[0]
    window = _window(block, e.horizon, view, step)
    if window is None:
        return Case(e, view.unit, kind, before)
    observed, expected = _floats(view.observed[window]), _floats(view.expected[window])
    return Case(
        estimate=e,
        unit=view.unit,
        type=kind,
        before=before,
        steps=int(np.isfinite(observed).sum()) or None,
        step_days=step / timedelta(days=1),
        observed=observed,
        # Of an onset known to a week or month the path has no first step.
        expected=expected if block.start_precision not in ("week", "month") else np.full(expected.size, np.nan),
        lasting=_lasting(block, view.t[window][-1] + step),
    )


def _window(block: Block, horizon: str, view: SeriesView, step: timedelta) -> slice | None:
    """Steps of the view that are a horizon's; None where the view does not reach so far."""
    after = horizon.endswith(AFTER_END)
    begin = block.end_latest if after else block.onset_earliest
    if begin is None:
        return None
    first = next((i for i, t in enumerate(view.t) if t >= begin), len(view.t))
    if first == len(view.t) or (horizon == "during" and block.end_earliest is None):
        return None
    steps = (
        (block.end_earliest - view.t[first]) if horizon == "during" and block.end_earliest else length_of(horizon)
    ) // step
    return slice(first, first + steps) if 0 < steps <= len(view.t) - first else None


def _lasting(block: Block, window_end: datetime) -> bool | None:
    if block.kind == "date" or block.end_latest is None:
        return None
    return block.end_latest >= window_end


def _floats(values: Iterable[float | None]) -> Floats:
    return np.array([np.nan if v is None else v for v in values], dtype=np.float64)


def _networked(store: Store, cc: str, cases: list[Case]) -> list[Case]:
    """How many networks a share of clients may be of: an estimate does not say which one it is."""
    from dataclasses import replace

    if not any(c.estimate.indicator == "capture.client_share" for c in cases):
        return cases
    networks: dict[tuple[str, str], set[int]] = {}
    for row in store.rows("series_of_country", cc=cc):
        networks.setdefault((row["indicator"], row["entity"]), set()).add(row["asn"])
    return [replace(c, networks=len(networks.get((c.estimate.indicator, c.estimate.entity), {0}))) for c in cases]


def denominator(store: Store, block: Block) -> Denominator | None:
    """Internet users of the last year that began before the block, newest vintage; None where the store has none.

    Where a file gives their share of the population alone, that share times the population of the same year.
    """
    rows = [r for r in store.rows("denominators", cc=block.cc) if r["t_start"] <= block.onset_earliest]
    rows.sort(key=lambda r: (r["t_start"], _as_of(r)))
    users = list(_online(rows))
    if not users:
        return None
    year = max(_year(u.row) for u in users)
    vintages = [u for u in users if _year(u.row) == year and u.row["entity"] == ""] or [users[-1]]
    newest, sizes = vintages[-1], [v for u in vintages for v in u.values]
    return Denominator(newest.values[-1], year, newest.vintage(), min(sizes), max(sizes))


@dataclass(frozen=True, slots=True)
class _Online:
    """Internet users as a file gives them: once, or once per vintage of the population of that year, newest last."""

    row: Mapping[str, Any]
    values: tuple[float, ...]
    population: Mapping[str, Any] | None = None  # the newest, where it is another file's

    def vintage(self) -> str:
        """Which file, and which other one gives the population."""
        if self.population is None:
            return _vintage(self.row)
        of = f"a share of the population times the population of {_year(self.row)}"
        return f"{_vintage(self.row)}: {of} ({_vintage(self.population)})"


def _online(rows: Sequence[Mapping[str, Any]]) -> Iterator[_Online]:
    """Internet users by every file, in the order of the rows."""
    people: dict[tuple[int, str], list[Mapping[str, Any]]] = {}
    for row in rows:
        if row["indicator"] == "denominator.population":
            people.setdefault((_year(row), row["entity"]), []).append(row)
    counted = {_file(r) for r in rows if r["indicator"] == "denominator.internet_users"}
    for row in rows:
        # A file that gives people and their share is one vintage, not two.
        given = row["indicator"] == "denominator.internet_users"
        if given or (row["indicator"] == "denominator.internet_share" and _file(row) not in counted):
            found = _users(row, people.get((_year(row), row["entity"]), ()))
            if found is not None:
                yield found


def _file(row: Mapping[str, Any]) -> tuple[str, int, str]:
    return row["snapshot_id"], _year(row), row["entity"]


def _as_of(row: Mapping[str, Any]) -> datetime:
    """How new a vintage is: its own day of update where it states one, else when it was retrieved."""
    stated = _UPDATED.match(row["scale_id"])
    retrieved: datetime | None = row["retrieved_at"]
    return datetime.fromisoformat(stated[1]) if stated else retrieved or datetime(1, 1, 1)  # noqa: DTZ001 - naive UTC


def _year(row: Mapping[str, Any]) -> int:
    """The year that holds the middle of an interval: local years begin in the one before, as UTC has it."""
    middle: datetime = row["t_start"] + (row["t_end"] - row["t_start"]) / 2
    return middle.year


def _users(row: Mapping[str, Any], population: Sequence[Mapping[str, Any]]) -> _Online | None:
    """A row in people; a share of the population times that of the same year."""
    value, unit = float(row["value"]), str(row["unit"]).lower()
    if not any(word in unit for word in _PER_CENT):
        return _Online(row, (value,)) if value <= 1e10 else None
    share = value / 100 if "share" not in unit or value > 1 else value
    if not population or share > 1:
        return None
    own = [p for p in population if p["snapshot_id"] == row["snapshot_id"]]
    of = own or population
    return _Online(row, tuple(float(p["value"]) * share for p in of), None if own else of[-1])


def _vintage(row: Mapping[str, Any]) -> str:
    retrieved: date | None = row["retrieved_at"]
    when = f"retrieved {retrieved:%Y-%m-%d}" if retrieved else "day of retrieval not known"
    who = row["attribution"] if not str(row["attribution"]).startswith("not stated") else row["source"]
    of = f", {row['scale_id']}" if row["scale_id"] else ""
    return f"{who}{of}, file {row['snapshot_id']}, {when}"
