"""Horizons as steps of a series: totals from the first step that lies wholly after onset."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from analyzer.errors import UnknownName
from analyzer.records import Block
from analyzer.study.series import Aligned

DEFAULT = ("during", "1d", "7d", "14d", "28d", "90d")
_NAME = re.compile(r"([1-9]\d{0,3})([hd])")


@dataclass(frozen=True, slots=True)
class Window:
    """The steps of one horizon; `refusal` says why there are none."""

    horizon: str
    onset: int
    steps: int
    refusal: str = ""


def check_horizon(name: str) -> str:
    """The name itself; raises UnknownName when it is neither `during` nor like 6h or 14d."""
    if name != "during" and not _NAME.fullmatch(name):
        raise UnknownName(f"no horizon {name!r}: use during, or a number with h or d such as 6h or 14d")
    return name


def window(horizon: str, block: Block, series: Aligned, onset: int) -> Window:
    """The steps of a horizon for an onset step, or the reason why it has none."""
    if horizon == "during":
        return _during(block, series, onset)
    length = _length(horizon)
    steps, rest = divmod(length, series.step)
    if steps == 0:
        return Window(horizon, onset, 0, f"a series in steps of {words(series.step)} cannot show {words(length)}")
    if rest:
        return Window(horizon, onset, 0, f"{words(length)} are no whole number of steps of {words(series.step)}")
    return Window(horizon, onset, steps)


def _during(block: Block, series: Aligned, onset: int) -> Window:
    if block.end_earliest is None:
        why = "no end is known" if block.kind != "date" else "a date has no end"
        return Window("during", onset, 0, why)
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


def _length(horizon: str) -> timedelta:
    match = _NAME.fullmatch(check_horizon(horizon))
    assert match is not None  # noqa: S101 - check_horizon has just matched the same pattern
    number, unit = int(match[1]), match[2]
    return timedelta(hours=number) if unit == "h" else timedelta(days=number)


def words(length: timedelta) -> str:
    """`a day`, `7 days`, `3 hours`."""
    hours = round(length / timedelta(hours=1))
    number, unit = (hours // 24, "day") if hours % 24 == 0 else (hours, "hour")
    return f"{'an' if unit == 'hour' else 'a'} {unit}" if number == 1 else f"{number} {unit}s"
