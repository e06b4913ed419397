"""Pre-trend: did the series already drift off the path foretold before the block began?

Disjoint windows that end before the gap are answered as if the block had begun there, from what lay before each.
Their errors, over the deviation known at the time, are judged in three ways: the last, the last few together, and their
slope.  Roth 2022 (American Economic Review: Insights 4): what such a test does not find is not shown to be absent, so
it is said how much it could have seen.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import stdtr, stdtrit

from analyzer.checks import CheckRule, Evidence, Floats, direction
from analyzer.records import Check, PlaceboWindows

if TYPE_CHECKING:
    from analyzer.records import Ints

NAME = "pre_trend"
LEVEL = 0.05  # two-sided, over the three ways of looking
LOOKS = 3
TOGETHER = 3  # last disjoint windows
SLOPED = 6  # last disjoint windows in which a slope is looked for
FEWEST = 4  # disjoint windows without which neither can be told from chance


def run(evidence: Evidence) -> Check:
    """Failed where the last windows before the gap already move the way of the change, more than chance allows."""
    past = _past(evidence)
    errors = past.errors
    if errors.size < FEWEST:
        few = f"{errors.size} disjoint windows before the gap: {FEWEST} needed to see a drift"
        return Check(NAME, "informative", few)
    looks = {
        "last": together(errors[-1:], past.freedom),
        "level": together(errors, past.freedom),
        "slope": drift(errors, past.freedom),
    }
    table = tuple(
        {"window_start": evidence.day(int(s)), "standardised_error": float(e)}
        for s, e in zip(past.starts, errors, strict=True)
    )
    way = direction(evidence.effect)
    found = [name for name, (_, p) in looks.items() if p < LEVEL / LOOKS]
    same = [name for name in found if way and np.sign(looks[name][0]) == way]
    text = _sentence(errors.size, looks, _size(past))
    return Check(NAME, _outcome(way, found, same), text + _meaning(way, found, same), table)


@dataclass(frozen=True, slots=True)
class _Past:
    """Disjoint windows before the gap, oldest first: (N,) starts and standardised errors."""

    starts: Ints
    errors: Floats
    deviation: float  # of the last window
    freedom: float


def _past(evidence: Evidence) -> _Past:
    """The windows as they were answered at their time; where those are too few, as the replay of the headline has them.

    The replay knows how restless the last weeks were, and sees less in them for that.
    """
    answered = {s: e.placebos for s, e in evidence.earlier(SLOPED).items() if e.placebos and e.placebos.deviation > 0}
    if len(answered) >= FEWEST:
        found = sorted(answered.items())
        ratios = {s: e.ratio for s, e in evidence.earlier(SLOPED).items()}
        errors = np.array([np.log(max(ratios[s], 1e-9)) / p.deviation for s, p in found])
        starts = np.array([s for s, _ in found])
        return _Past(starts, errors, found[-1][1].deviation, min(p.freedom for _, p in found))
    placebos = evidence.effect.placebos
    if placebos is None:
        return _Past(np.empty(0, int), np.empty(0), 1.0, 1.0)
    return _Past(*disjoint(placebos, evidence.steps), placebos.deviation, placebos.freedom)


def disjoint(placebos: PlaceboWindows, steps: int) -> tuple[Ints, Floats]:
    """Starts and standardised errors of windows that do not overlap, counted back from the last, oldest first."""
    kept: list[int] = []
    for at in range(placebos.starts.size - 1, -1, -1):
        if not kept or placebos.starts[kept[-1]] - placebos.starts[at] >= steps:
            kept.append(at)
    order = np.array(kept[::-1], dtype=int)
    return placebos.starts[order], placebos.standardised[order]


def together(errors: Floats, freedom: float) -> tuple[float, float]:
    """Mean standardised error of the last windows, and its two-sided p."""
    last = errors[-TOGETHER:]
    mean = float(last.mean())
    return mean, _p(mean * np.sqrt(last.size), freedom)


def drift(errors: Floats, freedom: float) -> tuple[float, float]:
    """Change of the standardised error per window over the last of them, and its two-sided p."""
    last = errors[-SLOPED:]
    x = np.arange(last.size) - (last.size - 1) / 2
    slope = float(x @ last / (x @ x))
    return slope, _p(slope * np.sqrt(float(x @ x)), freedom)


def _p(statistic: float, freedom: float) -> float:
    return float(2 * stdtr(max(freedom, 1.0), -abs(statistic)))


def _size(past: _Past) -> float:
    """Ratio of a common move of the last windows that the test just sees."""
    reach = float(stdtrit(max(past.freedom, 1.0), 1 - LEVEL / (2 * LOOKS)))
    return float(np.exp(min(reach * past.deviation / np.sqrt(min(TOGETHER, past.errors.size)), 50.0)))


def _sentence(count: int, looks: Mapping[str, tuple[float, float]], size: float) -> str:
    (last, last_p), (level, level_p), (slope, slope_p) = (looks[name] for name in ("last", "level", "slope"))
    few = min(TOGETHER, count)
    return (
        f"the last window before the gap lies {last:+.2f} of its deviation off the path foretold (p {last_p:.2g}), the "
        f"last {few} {level:+.2f} (p {level_p:.2g}), changing by {slope:+.2f} a window over the last "
        f"{min(SLOPED, count)} (p {slope_p:.2g}); a move of x{size:.2f} or more in all {few} would be seen"
    )


def _meaning(way: int, found: list[str], same: list[str]) -> str:
    if same:
        return "; the series already moved the way of the change before the block"
    if found and way:
        return "; it moved before the block, but the other way"
    return "; it moved before the block" if found else ""


def _outcome(way: int, found: list[str], same: list[str]) -> Any:
    if same:
        return "failed"
    return "informative" if found or not way else "passed"


CHECK = CheckRule(NAME, "Pre-trend", run)
