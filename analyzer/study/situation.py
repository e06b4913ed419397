"""Where an event stands in a series: index pairs of known events, artefacts, the base's gap, the panel asked of."""

from __future__ import annotations

from calendar import day_name
from collections.abc import Mapping
from datetime import datetime, time, timedelta

import numpy as np

from analyzer import blocks
from analyzer.blocks import Catalogue
from analyzer.panel import Artefact
from analyzer.places import UNKNOWN, WORLD, to_local
from analyzer.records import Block
from analyzer.study.series import Aligned
from analyzer.verdicts import LONGEST_LEAD

Pairs = tuple[tuple[int, int], ...]

# A base that ends the day before onset may hold the first of what an announced block moved.
ANTICIPATION = LONGEST_LEAD
# How long a change of access marks a country as no donor; decays after lifted blocks had half-lives of days to weeks.
DISTURBED = timedelta(days=60)
LONG_IN_FORCE = timedelta(days=365)
ONE_HOUR = timedelta(hours=1)
ONE_DAY = timedelta(days=1)
ONE_WEEK = timedelta(days=7)
# Series of hours are often short; a gap of four days would then leave no base to speak of.
MOST_OF_HISTORY = 8  # the gap takes at most one part in so many


def season(series: Aligned) -> int:
    """Steps of the season: a week of hours or days, a year of weeks; 1, no cycle, for any other step.

    Where the history is short the estimator takes the day for the week, or nothing, and says so.
    """
    if series.step < ONE_DAY:
        return 1 if ONE_DAY % series.step else ONE_WEEK // series.step
    return {ONE_DAY: 7, ONE_WEEK: 52}.get(series.step, 1)


def per_day(series: Aligned) -> int:
    """Steps in a day; 1 for days and anything longer."""
    return max(ONE_DAY // series.step, 1)


def gap(series: Aligned, cc: str, onset: int) -> int:
    """Steps between the base's end and the onset step's successor: anticipation, and the partly exposed step.

    Four days; on hours at most an eighth of the country's history before onset.
    """
    steps = max(-(-ANTICIPATION // series.step), 1)
    if series.step >= ONE_DAY:
        return steps
    seen = np.flatnonzero(np.isfinite(series.values[cc][:onset]))
    history = onset - int(seen[0]) if seen.size else 0
    return min(steps, max(history // MOST_OF_HISTORY, 1))


def clock_changes(series: Aligned, cc: str, first: int, end: int) -> tuple[datetime, ...]:
    """Starts of the UTC days within steps [first, end) on which the country's clock was moved; () for days and longer.

    The cycle of the day is one of UTC hours: after such a day it runs an hour early or late.
    """
    if series.step >= ONE_DAY or end <= first:
        return ()
    day, last = series.time(first).replace(hour=0, minute=0, second=0, microsecond=0), series.time(end)
    days = [day + i * ONE_DAY for i in range((last - day) // ONE_DAY + 1)]
    shift = [to_local(d, cc).utcoffset() for d in (*days, days[-1] + ONE_DAY)]
    return tuple(d for d, a, b in zip(days, shift, shift[1:], strict=False) if a != b)


def unseen_weekdays(series: Aligned, cc: str, seen: range, window: range) -> tuple[str, ...]:
    """Days of the week, on the country's clock, that the window has and the base has not; () for days and longer."""
    if series.step >= ONE_DAY:
        return ()
    stride = max(ONE_HOUR // series.step, 1)
    base = {to_local(series.time(t), cc).weekday() for t in seen[::stride]}
    inside = {to_local(series.time(t), cc).weekday() for t in window[::stride]}
    return tuple(day_name[d] for d in sorted(inside - base))


def meant(catalogue: Catalogue, block: Block) -> Block | None:
    """The block itself; for a bare date a block that began within a day of it; None for a non-event or a quiet date."""
    if not block.is_non_event:
        return block
    if block.kind != "date":
        return None
    near = [b for b in catalogue.blocks if b.cc == block.cc and abs(b.onset_earliest - block.onset_earliest) <= ONE_DAY]
    return min(near, key=lambda b: abs(b.onset_earliest - block.onset_earliest), default=None)


def other_events(catalogue: Catalogue, block: Block, series: Aligned) -> Pairs:
    """The treated country's other blocks, from the step that holds the onset to the step after the end.

    A block that began before the series or more than a year before, and still runs, is the state of affairs in which
    the base lies: it is listed with every estimate but masks nothing.
    """
    others = [b for b in catalogue.blocks if b.cc in (block.cc, WORLD) and b.block_id != block.block_id]
    return _inside([_whole(b, series) for b in others if not _is_state_of_affairs(b, block, series)], series)


def _is_state_of_affairs(other: Block, block: Block, series: Aligned) -> bool:
    seen = np.flatnonzero(np.isfinite(series.values[block.cc]))
    first = series.time(int(seen[0])) if seen.size else series.start
    runs = other.end_latest is None or other.end_latest > block.onset_earliest
    return runs and other.onset_latest < max(first, block.onset_earliest - LONG_IN_FORCE)


def country_events(catalogue: Catalogue, series: Aligned) -> Mapping[str, Pairs]:
    """Per country the times in which its access had just changed."""
    found: dict[str, list[tuple[int, int]]] = {cc: [] for cc in series.values if cc not in (WORLD, UNKNOWN)}
    for b in catalogue.blocks:
        if b.cc in found:
            found[b.cc] += _changes(b, series)
    return {cc: _inside(pairs, series) for cc, pairs in found.items()}


def _whole(block: Block, series: Aligned) -> tuple[int, int]:
    last = block.end_latest or series.time(series.length)  # not known to have ended: it may still be there
    return _floor(series, block.onset_earliest), series.index(last)


def _changes(block: Block, series: Aligned) -> list[tuple[int, int]]:
    """The onset and the end of a long block with what follows them; a short block whole."""
    start = block.onset_earliest
    end = block.end_latest
    if end is not None and end - start <= DISTURBED:
        return [(_floor(series, start), series.index(end))]
    opening = (_floor(series, start), series.index(start + DISTURBED))
    return [opening] if end is None else [opening, (_floor(series, end), series.index(end + DISTURBED))]


def _floor(series: Aligned, instant: datetime) -> int:
    return (instant - series.start) // series.step


def _inside(pairs: list[tuple[int, int]], series: Aligned) -> Pairs:
    """Pairs cut to the axis, empty ones left out, in order."""
    cut = ((max(a, 0), min(b, series.length)) for a, b in pairs)
    return tuple(sorted((a, b) for a, b in cut if a < b))


def artefacts_of(series: Aligned) -> tuple[Artefact, ...]:
    """The listed faults of the measurement that touch the axis, as steps."""
    found = []
    for a in blocks.artefacts():
        if series.key.indicator in a.indicators:
            start = _floor(series, datetime.combine(a.start, time()))
            end = series.index(datetime.combine(a.end, time()))
            if end > 0 and start < series.length:
                effects = frozenset(a.effects)
                found.append(Artefact(a.artefact_id, max(start, 0), min(end, series.length), effects, a.note))
    return tuple(sorted(found, key=lambda a: a.start))
