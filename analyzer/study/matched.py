"""Matched placebos: what elections, rallies and other dated events without a block did to comparable series.

Each is asked the headline's own question (same window, same gap, no donors) in the country and at the time where it
happened.  The change around the block is asked in the same way and ranked among them by its absolute log ratio: a fall
elsewhere speaks against a rise here as much as a rise does.  Countries are taken nearest in size before the event, so
that the choice cannot follow what happened.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np

from analyzer import verdicts
from analyzer.errors import NotEnoughData
from analyzer.places import WORLD
from analyzer.records import Block, Breakdown, Effect
from analyzer.study import rows, situation
from analyzer.study.asked import Asked
from analyzer.study.effects import Found

if TYPE_CHECKING:
    from analyzer.records import Ints
    from analyzer.study.series import Bools

Alone = Callable[[str, int], Effect]
Group = tuple[str, ...]  # kinds of events that are ranked together; () = any kind
Ranked = tuple[int, int | None]  # number of placebos, place among them

# The rank of the change can then be 1 in 61; each costs a fortieth of a second.
MOST_MATCHED = 60
HOLIDAY = (
    "holiday"  # in the calendar and the model already: a context only where one is recorded or falls in the window
)
IMPRECISE = ("week", "month")  # a window that may begin weeks off says nothing about such an event
ENOUGH_SEEN = 0.8  # of a window's steps


@dataclass(frozen=True, slots=True)
class Placed:
    """A dated event without a block where a series can show it."""

    cc: str
    onset: int  # first step wholly after it


def breakdowns(asked: Asked, headline: Found, alone: Alone) -> tuple[Breakdown, ...]:
    """The breakdown value of the headline with its matched placebos: one record per kind of context.

    alone: the effect of a country at an onset step, as long as the headline and without donors; raises NotEnoughData.
    () where there is no clear change to break down, or no two-sided ratio of it.
    """
    effect, scale = rows.envelope(headline.effects), asked.series.key.scale
    moved = verdicts.verdict(effect, scale) in ("rise", "fall")
    if not moved or verdicts.few_units(effect, scale) or effect.ratio <= 0:
        return ()
    steps = headline.window.steps
    kinds = contexts(asked, steps)
    ordinary = _ordinary(asked, headline, alone)
    here = _here(asked, alone)
    groups: list[Group] = [(kind,) for kind in kinds] or [()]
    most = max(MOST_MATCHED // len(groups), verdicts.FEWEST_PLACEBOS)
    answers = [_answers(asked, group, steps, alone, most) for group in groups]
    ranked = [(len(others), _rank(here, others)) for others in answers]
    blank = _blank(asked, headline, ordinary)
    return tuple(
        replace(
            blank, contexts=group, placebo_low=_end(min, others), placebo_high=_end(max, others), placebo_n=n, rank=r
        )
        for group, others, (n, r) in zip(groups, answers, ranked, strict=True)
    )


def _end(which: Callable[[list[float]], float], others: Sequence[Effect]) -> float | None:
    """Least or largest ratio; one against nothing expected has none, but keeps its rank."""
    ratios = [max(e.ratio, 1e-9) for e in others if np.isfinite(e.ratio)]
    return which(ratios) if ratios else None


def _here(asked: Asked, alone: Alone) -> Effect | None:
    """The change around the block as the placebos are asked: without donors."""
    try:
        return alone(asked.cc, asked.onset)
    except NotEnoughData:
        return None


def _blank(asked: Asked, headline: Found, ordinary: Ranked) -> Breakdown:
    """The record without matched placebos."""
    effect, key = rows.envelope(headline.effects), asked.series.key
    return Breakdown(
        indicator=key.indicator,
        entity=key.entity,
        horizon=headline.window.horizon,
        estimand=headline.estimand,
        shock=effect.ratio,
        shock_near=min(max(1.0, effect.ratio_low), effect.ratio_high),
        contexts=(),
        placebo_low=None,
        placebo_high=None,
        placebo_n=0,
        rank=None,
        ordinary_n=ordinary[0],
        ordinary_rank=ordinary[1],
    )


def contexts(asked: Asked, steps: int) -> tuple[str, ...]:
    """Kinds of what else happened: as recorded for the block, and dated events of the country in the window or its gap.

    For an event without a block its own kind.  () where nothing is recorded.
    """
    if asked.known is None and asked.block.kind != "date":
        return (asked.block.kind,)
    start, end = _span(asked, asked.onset, steps)
    own = (e for e in asked.catalogue.non_events if e.cc == asked.cc and e.block_id != asked.block.block_id)
    present = {e.kind for e in own if begins_or_ends(e, start, end)} - {*verdicts.OUTAGES}
    recorded = asked.catalogue.contexts_of(asked.known.block_id) if asked.known else ()
    return tuple(sorted({*recorded, *present}))


def begins_or_ends(event: Block, start: datetime, end: datetime) -> bool:
    """True where an event's first or last instant lies in [start, end): it may move a series there."""
    return any(m is not None and start <= m < end for m in (event.onset_earliest, event.end_latest))


def _answers(asked: Asked, group: Group, steps: int, alone: Alone, most: int) -> list[Effect]:
    """Effects around the matched events that a series can show, nearest in size first."""
    found: list[Effect] = []
    for at in _nearest(asked, list(_placed(asked, group, steps))):
        try:
            found.append(alone(at.cc, at.onset))
        except NotEnoughData:
            continue
        if len(found) == most:
            break
    return found


def _placed(asked: Asked, group: Group, steps: int) -> Iterator[Placed]:
    """Matched events without a block near, one per country and window: windows that overlap are one event."""
    events = [e for e in asked.catalogue.non_events if _matches(asked, e, group)]
    blocks = _by_country(asked.catalogue.blocks)
    taken: dict[str, list[int]] = {}
    for event in sorted(events, key=lambda e: (e.onset_earliest, e.block_id)):
        cc = asked.cc if event.cc == WORLD else event.cc
        onset = asked.series.index(event.onset_earliest)
        apart = all(abs(onset - other) >= steps for other in taken.get(cc, ()))
        near = (*blocks.get(cc, ()), *blocks.get(WORLD, ()))
        if apart and _can_show(asked, cc, onset, steps) and not _blocked(near, *_span(asked, onset, steps)):
            taken.setdefault(cc, []).append(onset)
            yield Placed(cc, onset)


def _by_country(blocks: Sequence[Block]) -> Mapping[str, Sequence[Block]]:
    found: dict[str, list[Block]] = {}
    for block in blocks:
        found.setdefault(block.cc, []).append(block)
    return found


def _matches(asked: Asked, event: Block, group: Group) -> bool:
    """Of a kind of the context; a platform's outage where the block hit that platform."""
    if event.start_precision in IMPRECISE or event.block_id == asked.block.block_id:
        return False
    if event.kind == "control_outage" and event.kind not in group:
        return bool(asked.known and set(event.services) & set(asked.known.services)) and not group
    return event.kind in group if group else event.kind != HOLIDAY


def _can_show(asked: Asked, cc: str, onset: int, steps: int) -> bool:
    """The country's series has a base and the window; the country's own event lies before the one asked about."""
    y = asked.series.values.get(cc)
    if y is None or onset < 1 or onset + steps > y.size:
        return False
    if cc == asked.cc and onset + steps > asked.onset - asked.gap:
        return False  # later ones have the change that is asked about in their base
    seen = np.isfinite(y[onset : onset + steps])
    return bool(seen.mean() >= ENOUGH_SEEN and np.isfinite(y[:onset]).any())


def _blocked(blocks: Sequence[Block], start: datetime, end: datetime) -> bool:
    """One of the blocks touches [start, end); one in force for more than a year is the state of affairs."""
    return any(_touches(b, start, end) or begins_or_ends(b, start, end) for b in blocks)


def _touches(block: Block, start: datetime, end: datetime) -> bool:
    recent = block.onset_latest >= start - situation.LONG_IN_FORCE
    return recent and block.onset_earliest < end and (block.end_latest is None or block.end_latest > start)


def _nearest(asked: Asked, found: list[Placed]) -> list[Placed]:
    """The country's own events first, then by likeness in size before onset."""
    here = _level(asked, asked.cc, asked.onset)
    far = {at: abs(_level(asked, at.cc, at.onset) - here) if at.cc != asked.cc else -1.0 for at in found}
    return sorted(found, key=lambda at: (far[at], at.cc, at.onset))


def _level(asked: Asked, cc: str, onset: int) -> float:
    """Log of the median before a step."""
    before = asked.series.values[cc][:onset]
    return float(np.log(max(float(np.nanmedian(before)), 1e-9)))


def _rank(here: Effect | None, others: Sequence[Effect]) -> int | None:
    """Place of the change among the others by absolute log ratio, 1 = most extreme; ties count against the change.

    A placebo on a quieter series is given the size it might have reached with the noise of this one.
    """
    if here is None or not others:
        return None
    own = _half_width(here)
    lent = [float(np.sqrt(max(own**2 - _half_width(e) ** 2, 0.0))) for e in others]
    return 1 + sum(_log(e) + noise >= _log(here) for e, noise in zip(others, lent, strict=True))


def _half_width(effect: Effect) -> float:
    """Of the 95 % interval on the log scale."""
    return float(np.log(max(effect.expected_high, 1e-9)) - np.log(max(effect.expected_low, 1e-9))) / 2


def _log(effect: Effect) -> float:
    return abs(float(np.log(max(effect.ratio, 1e-9))))


def _ordinary(asked: Asked, headline: Found, alone: Alone) -> Ranked:
    """Number of ordinary dates before the base's end and the place of the change among them, in units of noise.

    Ordinary: the same weekday (on hours: the same hour of it), no known event that begins or ends within the window.
    """
    effect = headline.effects[len(headline.effects) // 2]
    # Placebos of other estimators are countries, those of working days stand on an axis of their own.
    judged = effect if effect.placebos and asked.specification.weekends else _here(asked, alone)
    if judged is None or (placebos := judged.placebos) is None:
        return 0, None
    eventful = _eventful(asked, placebos.starts, headline.window.steps)
    kept = ((placebos.starts - asked.onset) % _week(asked) == 0) & ~eventful
    here = _log(judged) / max(placebos.deviation, 1e-9)
    n = int(kept.sum())
    return n, 1 + int((np.abs(placebos.standardised[kept]) >= here).sum()) if n else None


def _week(asked: Asked) -> int:
    """Steps of a week; 1 where a step is as long or weeks are no whole number of them."""
    step = asked.series.step
    return situation.ONE_WEEK // step if step < situation.ONE_WEEK and not situation.ONE_WEEK % step else 1


def _eventful(asked: Asked, starts: Ints, steps: int) -> Bools:
    """(N,) windows in which a known event of the country or the world begins or ends."""
    events = [e for e in asked.catalogue.events if e.cc in (asked.cc, WORLD)]
    moments = [m for e in events for m in (e.onset_earliest, e.end_latest) if m is not None]
    at = np.array([(m - asked.series.start) / asked.series.step for m in moments])
    inside = (starts[:, None] <= at) & (at < starts[:, None] + steps)
    return np.asarray(inside.any(axis=1), dtype=bool)


def _span(asked: Asked, onset: int, steps: int) -> tuple[datetime, datetime]:
    """From the end of the base to the end of the window."""
    return asked.series.time(max(onset - asked.gap, 0)), asked.series.time(onset + steps)
