"""From the store to aligned arrays: one indicator and entity, all countries, one regular axis."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt

from analyzer.registry import load_all
from analyzer.store import Store

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

# Ranks, shares and indices are not counts; any other unit is counted things.  Of indices those of connectivity and of
# traffic reach zero when a network is cut, where one of searches says only that there were too few.
_SCALES = {"connectivity": "level", "traffic": "level", "rank": "rank", "share": "share", "index": "index"}


DECLARED = "placebo:"  # an entity that begins so is said by its user to be nothing that a block moves


@dataclass(frozen=True, slots=True)
class SeriesKey:
    """What makes one series: values with another unit or scale are another series."""

    indicator: str
    asn: int
    entity: str
    unit: str
    scale_id: str

    @property
    def scale(self) -> str:
        """The estimator's scale: count, level, share, rank or index."""
        return next((scale for word, scale in _SCALES.items() if word in self.unit), "count")


@dataclass(frozen=True, slots=True)
class Aligned:
    """An indicator of all countries on one axis; NaN = no value.

    values, quality, n: per country, shape (T,); n is the sample behind the value.  censored: steps at which the value
    lies beyond the chart.
    """

    key: SeriesKey
    start: datetime
    step: timedelta
    values: Mapping[str, Floats]
    quality: Mapping[str, Floats]
    n: Mapping[str, Floats]
    censored: Mapping[str, Bools]
    snapshot_ids: Mapping[str, tuple[str, ...]]
    provisional_from: Mapping[str, datetime]  # per country: first step that its source may still revise

    @property
    def length(self) -> int:
        """Number of steps of the axis."""
        return next(iter(self.values.values())).size

    def time(self, step: int) -> datetime:
        """First instant of a step."""
        return self.start + step * self.step

    def index(self, instant: datetime) -> int:
        """First step that begins at or after an instant (may lie outside the axis)."""
        return -((self.start - instant) // self.step)


def first_starts(store: Store, cc: str) -> dict[SeriesKey, datetime]:
    """Every series of a country with a value above zero, each with the first instant of its first row."""
    # An app that was never in the chart has bounds and zeros only: there is no level to start from.
    rows = [r for r in store.rows("series_of_country", cc=cc) if r["rows_above_zero"]]
    return {SeriesKey(r["indicator"], r["asn"], r["entity"], r["unit"], r["scale_id"]): r["first_start"] for r in rows}


def aligned(store: Store, key: SeriesKey, cc: str = "") -> Aligned:
    """The series of all countries, newest vintages, on the regular axis that most rows lie on: those of `cc` if given.

    Hours of clocks that stand half an hour or a quarter apart lie on different axes; rows of another are left out.
    """
    c = store.columns(
        "panel_series",
        indicator=key.indicator,
        asn=key.asn,
        entity=key.entity,
        unit=key.unit,
        scale_id=key.scale_id,
    )
    starts = c["t_start"].astype("datetime64[us]")
    lengths = (c["t_end"].astype("datetime64[us]") - starts).astype(np.int64)
    own = c["cc"].astype(str) == cc if cc else np.ones(starts.size, bool)
    step = int(np.median(lengths[own if own.any() else slice(None)]))
    regular = lengths == step
    phase = starts.astype(np.int64) % step
    phases, counts = np.unique(phase[regular & own if (regular & own).any() else regular], return_counts=True)
    regular &= phase == phases[int(np.argmax(counts))]
    first = starts[regular].min()
    at = (starts - first).astype(np.int64) // step
    size = int(at[regular].max()) + 1
    value = np.ma.filled(c["value"].astype(np.float64), np.nan)
    quality = np.ma.filled(np.ma.asarray(c["quality"]).astype(np.float64), np.nan)
    beyond = np.asarray(c["state"] == "below_threshold")
    n = np.ma.filled(np.ma.asarray(c["n"]).astype(np.float64), np.nan)
    if key.scale == "rank":  # an app beyond the chart: its rank is only known to exceed the chart's length, which is n
        value = np.where(beyond & np.isnan(value), n + 1, value)
    rows = _rows_by_country(c["cc"].astype(str), regular)
    return Aligned(
        key=key,
        start=first.astype(datetime),
        step=timedelta(microseconds=step),
        values={cc: _placed(value, at, i, size) for cc, i in rows.items()},
        quality={cc: _placed(quality, at, i, size) for cc, i in rows.items()},
        n={cc: _placed(n, at, i, size) for cc, i in rows.items()},
        censored={cc: _placed(beyond.astype(float), at, i, size) == 1.0 for cc, i in rows.items()},
        snapshot_ids={cc: tuple(sorted(set(c["snapshot_id"][i].astype(str)))) for cc, i in rows.items()},
        provisional_from=_provisional(store, c, rows),
    )


def _rows_by_country(cc: npt.NDArray[np.str_], keep: Bools) -> dict[str, npt.NDArray[np.intp]]:
    """Row numbers per country; the query returns a country's rows together, in order of time."""
    names, firsts = np.unique(cc, return_index=True)
    ends = np.append(np.sort(firsts)[1:], cc.size)[np.argsort(np.argsort(firsts))]
    found = {str(n): a + np.flatnonzero(keep[a:b]) for n, a, b in zip(names, firsts, ends, strict=True)}
    return {name: rows for name, rows in found.items() if rows.size}


def _placed(column: Floats, at: npt.NDArray[np.int64], rows: npt.NDArray[np.intp], size: int) -> Floats:
    out = np.full(size, np.nan)
    out[at[rows]] = column[rows]
    return out


def _provisional(
    store: Store, c: Mapping[str, npt.NDArray[Any]], rows: Mapping[str, npt.NDArray[np.intp]]
) -> dict[str, datetime]:
    """Per country the first instant of days its newest source still revises; none where retrieval is not known."""
    out = {}
    ids = sorted(set(c["snapshot_id"].astype(str)))
    revised = {s.name: s.revised_days for s in load_all("sources").values()}
    days = {
        r["snapshot_id"]: revised.get(r["source"], 0)
        for r in store.rows("snapshots_by_id", snapshot_ids=ids)
        if r["retrieved_at"] is not None
    }
    retrieved = np.ma.asarray(c["retrieved_at"])
    for cc, i in rows.items():
        known = [
            (retrieved[k].astype("datetime64[us]").astype(datetime), days[str(c["snapshot_id"][k])])
            for k in i
            if str(c["snapshot_id"][k]) in days
        ]
        if known:
            when, back = max(known)
            if back:
                out[cc] = when - timedelta(days=back)
    return out
