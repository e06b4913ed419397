"""Chains: blocks that follow each other so closely that one still lifts the level from which the next one starts."""

from __future__ import annotations

from collections.abc import Sequence

# Uptake after a short block falls back over weeks (bridge users in Sudan after 2018-12-21: 60 to 90 days); a block that
# ended less than four weeks before the next one still lifts the level from which that one starts.
CHAIN_STEPS = {7: 28, 24: 28 * 24, 168: 28 * 24, 52: 4}


def chain_start(events: Sequence[Sequence[int]], onset: int, season: int = 7) -> int:
    """First step of the chain of earlier events that runs into a block; onset where there is none.

    events: half-open (start, end) index pairs of other blocks of the same series.
    """
    reach = CHAIN_STEPS.get(season, 4 * season)
    start = onset
    for first, last in sorted((e for e in events if e[0] < onset), key=lambda event: -event[1]):
        if last > start - reach:
            start = min(start, first)
    return max(start, 0)
