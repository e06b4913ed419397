"""The ways in which a no-block level can be formed: which donors may enter, which steps of the base count."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from analyzer.errors import NotEnoughData
from analyzer.panel import Panel, Series
from analyzer.places import to_local, weekend
from analyzer.study.situation import ONE_DAY

if TYPE_CHECKING:
    import numpy.typing as npt

    from analyzer.study.asked import Asked
    from analyzer.study.series import Aligned

    Bools = npt.NDArray[np.bool_]

NOON = timedelta(hours=12)
A_WEEK = 7
A = TypeVar("A", bound=np.generic)


def candidates(asked: Asked) -> Series:
    """The series from which donors are chosen: all but those that are listed, or asked to be left out."""
    out = {*asked.excluded, *asked.specification.without} - {asked.cc}
    series = asked.panel_series
    kept = [j for j, name in enumerate(series.names) if name not in out]
    if len(kept) == len(series.names):
        return series
    return replace(series, names=tuple(series.names[j] for j in kept), values=series.values[:, kept])


def shaped(asked: Asked, panel: Panel) -> Panel:
    """The panel with the base that the specification asks for."""
    wanted = asked.specification
    if not wanted.masks:
        panel = replace(panel, other_events=())
    if wanted.base_days is None:
        return panel
    first = panel.onset - panel.anticipation - -(-wanted.base_days * ONE_DAY // asked.series.step)
    y = panel.y.copy()
    y[: max(first, 0)] = np.nan
    return replace(panel, y=y)


def settled(asked: Asked, panel: Panel) -> tuple[Asked, Panel]:
    """Question and panel as they are, or on working days alone where that is asked for.  Raises NotEnoughData."""
    return (asked, panel) if asked.specification.weekends else without_weekends(asked, panel)


def without_weekends(asked: Asked, panel: Panel) -> tuple[Asked, Panel]:
    """The question on working days alone: weekend days are taken out of the axis, so that what is left are its steps.

    They are not set missing, as a window must be observed for the greater part.  The base begins no earlier than the
    weekend of the window has been what it is.  Raises NotEnoughData for series that are not daily, and where the
    weekend changed or no working day lies in the window.
    """
    if asked.series.step != ONE_DAY:
        raise NotEnoughData("weekends are left out of daily series only")
    kept = _working(asked, panel)
    at = np.concatenate([[0], np.cumsum(kept)])  # step -> number of working days before it
    onset, end = int(at[panel.onset]), int(at[panel.onset + panel.horizon])
    if end == onset:
        raise NotEnoughData("no working day lies in the window")
    y = panel.y.copy()
    y[: _since(asked, panel)] = np.nan
    inside = kept[: panel.y.size]
    shorter = replace(
        panel,
        y=y[inside],
        onset=onset,
        horizon=end - onset,
        donors=panel.donors[inside],
        other_events=_pairs(panel.other_events, at),
        donor_events=tuple(_pairs(events, at) for events in panel.donor_events),
        anticipation=onset - int(at[panel.onset - panel.anticipation]),
        holidays=None if panel.holidays is None else panel.holidays[inside],
    )
    return _asked(asked, inside, at), shorter


def _working(asked: Asked, panel: Panel) -> Bools:
    """(T or more,) whether a step is a working day, to the end of the window."""
    series, cc = asked.series, asked.cc
    off = weekend(cc, _day(series, cc, panel.onset))[1]
    first = _day(series, cc, 0).weekday()
    steps = np.arange(max(panel.y.size, panel.onset + panel.horizon))
    return ~np.isin((first + steps) % A_WEEK, list(off))


def _since(asked: Asked, panel: Panel) -> int:
    """First step since which the weekend has been what it is in the window."""
    series, cc = asked.series, asked.cc
    start, last = _day(series, cc, panel.onset), _day(series, cc, panel.onset + panel.horizon - 1)
    since = weekend(cc, start)[0]
    if weekend(cc, last)[0] != since:
        raise NotEnoughData(f"the weekend changed on {weekend(cc, last)[0]}, within the window")
    if since == date.min:
        return 0
    found = -((series.start - datetime.combine(since, time())) // ONE_DAY)
    if found > panel.onset - panel.anticipation:
        raise NotEnoughData(f"the weekend changed on {since}, after the base")
    return max(found, 0)


def _day(series: Aligned, cc: str, step: int) -> date:
    """The country's day in the middle of a step."""
    return to_local(series.time(step) + NOON, cc).date()


def _pairs(events: Sequence[tuple[int, int]], at: npt.NDArray[np.int64]) -> tuple[tuple[int, int], ...]:
    moved = [(int(at[max(a, 0)]), int(at[min(b, at.size - 1)])) for a, b in events]
    return tuple((a, b) for a, b in moved if a < b)


def _asked(asked: Asked, kept: Bools, at: npt.NDArray[np.int64]) -> Asked:
    """The event on the working days: same onset, same gap counted in them."""
    series, onset = asked.series, int(at[asked.onset])
    cc = asked.cc

    def of(values: npt.NDArray[A]) -> dict[str, npt.NDArray[A]]:
        return {cc: values[kept]}

    shorter = replace(
        series,
        start=series.time(asked.onset) - onset * ONE_DAY,
        values=of(series.values[cc]),
        quality=of(series.quality[cc]),
        n=of(series.n[cc]),
        censored=of(series.censored[cc]),
    )
    events = {name: _pairs(pairs, at) for name, pairs in asked.panel_series.events.items()}
    gap = onset - int(at[max(asked.onset - asked.gap, 0)])
    return replace(
        asked,
        series=shorter,
        panel_series=replace(asked.panel_series, events=events),
        onset=onset,
        specification=replace(asked.specification, gap_days=gap),
        week=A_WEEK - len(weekend(cc, _day(series, cc, asked.onset))[1]),
    )
