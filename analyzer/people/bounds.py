"""Several tools, one population: at least the largest, at most the sum (Fréchet's bounds for a union)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from analyzer.errors import NotEnoughData
from analyzer.quantities import DailyClients, Installs, People

Counted = TypeVar("Counted", People, DailyClients, Installs)

MISSED = (
    "not in it: tools that are not in the data, one person with several devices, persons who used such a tool before "
    "and only changed it"
)


def max_to_sum(ranges: Sequence[Counted], overlap: float | None = None) -> Counted:
    """What several tools have together: at least the largest low, at most the sum of highs.

    overlap: where stated, the share (0 to 1) of what the smaller ones have that the largest has too; the middle is then
    the sum less that part, else there is none.  Raises NotEnoughData for fewer than two ranges or one that may be
    negative, TypeError for ranges of different kinds, ValueError for an overlap outside 0 to 1.
    """
    if len({type(r) for r in ranges}) > 1:
        raise TypeError(
            f"{' and '.join(sorted({r.noun for r in ranges}))} are different things: no bound holds for both"
        )
    if len(ranges) < 2 or any(r.low < 0 for r in ranges):
        raise NotEnoughData("bounds over tools need two or more whose ranges do not hold a fall")
    if overlap is not None and not 0 <= overlap <= 1:
        raise ValueError(f"overlap must be a share between 0 and 1, not {overlap:g}")
    middles = [r.middle for r in ranges if r.middle is not None]
    middle = None
    if overlap is not None and len(middles) == len(ranges):
        middle = sum(middles) - overlap * (sum(middles) - max(middles))
    kind = type(ranges[0])
    most = min(sum(r.high for r in ranges), kind.most)
    return kind(max(r.low for r in ranges), middle, most)
