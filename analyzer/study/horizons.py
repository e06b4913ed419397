"""Horizons as steps of a series: totals from the first step that lies wholly after onset."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from analyzer.errors import UnknownName
from analyzer.records import Block
from analyzer.study.series import Aligned

DEFAULT = ("during", "1d", "7d", "14d", "28d", "90d")
# On hours: a block of an evening is seen whole, and what follows its end is seen apart from it.
DEFAULT_OF_HOURS = ("during", "6h", "24h", "48h after end")
AFTER_END = " after end"
_NAME = re.compile(rf"([1-9]\d{{0,3}})([hd])({AFTER_END})?")


@dataclass(frozen=True, slots=True)
class Window:
    """The steps of one horizon; `refusal` says why there are none."""

    horizon: str
    onset: int  # first step of the window
    steps: int
    refusal: str = ""
    after_end: bool = False  # it begins at the block's end; its base still ends before the block's onset


def check_horizon(name: str) -> str:
    """The name itself; raises UnknownName when it is neither `during` nor like 6h, 14d or `48h after end`."""
    if name != "during" and not _NAME.fullmatch(name):
        raise UnknownName(f"no horizon {name!r}: use during, 6h, 14d (any number), or such as '48h after end'")
    return name


def of_series(names: Sequence[str], series: Aligned) -> tuple[str, ...]:
    """The horizons asked for; where none was named, those that suit the steps of the series."""
    return DEFAULT_OF_HOURS if tuple(names) == DEFAULT and series.step < timedelta(days=1) else tuple(names)


def window(horizon: str, block: Block, series: Aligned, onset: int) -> Window:
    """The steps of a horizon for an onset step, or the reason why it has none."""
    if horizon == "during":
        return _during(block, series, onset)
    if horizon.endswith(AFTER_END):
        return _after_end(horizon, block, series, onset)
    return _from_onset(horizon, series, onset)


def _from_onset(horizon: str, series: Aligned, onset: int) -> Window:
    asked = length_of(horizon)
    steps, rest = divmod(asked, series.step)
    if steps == 0:
        return Window(horizon, onset, 0, f"a series in steps of {words(series.step)} cannot show {words(asked)}")
    if rest:
        return Window(horizon, onset, 0, f"{words(asked)} are no whole number of steps of {words(series.step)}")
    return Window(horizon, onset, steps)


def _after_end(horizon: str, block: Block, series: Aligned, onset: int) -> Window:
    """As long a window from the first step that lies wholly after the latest end."""
    if block.end_latest is None:
        return Window(horizon, onset, 0, _no_end(block))
    start = max(series.index(block.end_latest), onset)
    if start >= series.length:
        return Window(horizon, onset, 0, "the series ends before the block does")
    return replace(_from_onset(horizon, series, start), after_end=True)


def _no_end(block: Block) -> str:
    return "no end is known" if block.kind != "date" else "a date has no end"


def _during(block: Block, series: Aligned, onset: int) -> Window:
    if block.end_earliest is None:
        return Window("during", onset, 0, _no_end(block))
    steps = (block.end_earliest - series.time(onset)) // series.step
    if steps < 1:
        return Window("during", onset, 0, f"no whole step of {words(series.step)} lies inside the block")
    return Window("during", onset, steps)


def onset_steps(block: Block, series: Aligned) -> list[int]:
    """Every admissible onset step: one, unless the onset is known no better than to a week or month."""
    first = series.index(block.onset_earliest)
    if block.start_precision not in ("week", "month"):
        return [first]
    last = series.index(block.onset_latest)
    stride = max((last - first) // 30, 1)  # a month of hours would be 700 onsets; 31 span the same envelope
    return list(range(first, max(last, first + 1), stride))


def exposure_hours(onset: datetime, series: Aligned) -> float:
    """Hours of the step that holds the onset which lie after it; 0 where a step begins at the onset."""
    return (series.time(series.index(onset)) - onset) / timedelta(hours=1)


def length_of(horizon: str) -> timedelta:
    """How long a horizon is that names its length: all but `during`."""
    match = _NAME.fullmatch(check_horizon(horizon))
    assert match is not None  # noqa: S101 - check_horizon has just matched the same pattern
    number, unit = int(match[1]), match[2]
    return timedelta(hours=number) if unit == "h" else timedelta(days=number)


def words(length: timedelta) -> str:
    """`a day`, `7 days`, `3 hours`, `15 minutes`."""
    minutes = round(length / timedelta(minutes=1))
    sizes = ((1440, "day"), (60, "hour"), (1, "minute"))
    number, unit = next((minutes // size, name) for size, name in sizes if minutes % size == 0)
    return f"{'an' if unit == 'hour' else 'a'} {unit}" if number == 1 else f"{number} {unit}s"
