"""Two periods compared: the ratio of true shares where sensitivity itself may have changed, and what moved a share.

People who come under a block obfuscate: the classifier then misses more of them than before, and the same flags stand
for more users.  The band says which ratios are possible under the sensitivities that are thought possible.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import product
from typing import Literal

import numpy as np

from analyzer.errors import BadInput, NotEnoughData
from analyzer.shares.correction import Given
from analyzer.shares.rates import TRANSPORT_CAVEAT, Rate, clopper_pearson

Direction = Literal["rise", "fall", "not_determined"]
Range = tuple[float, float]
# Ordinary days of one week differ by more than this: a smaller move of a count is called flat.
FLAT = math.log(1.05)
_GRID = 9  # values of the false-positive rate that are tried over its interval


@dataclass(frozen=True, slots=True)
class ChangeBand:
    """Ratio after / before of true shares.

    band: over the sensitivities alone, counts and false positives at their estimates (None where the share before
    is not above the false positives).  low, high: with the error of counts and false positives as well; infinite where
    the share before may be 0.  tipping: sensitivity after / before at which nothing changed (None where undefined).
    """

    band_low: float | None
    band_high: float | None
    low: float
    high: float
    tipping: float | None
    direction: Direction
    sentence: str
    warnings: tuple[str, ...] = ()
    caveats: tuple[str, ...] = (TRANSPORT_CAVEAT,)


def change_band(
    before: tuple[int, int],
    after: tuple[int, int],
    sensitivity_before_range: Range,
    sensitivity_after_range: Range,
    specificity: Given,
    *,
    level: float = 0.95,
) -> ChangeBand:
    """The range of after / before of true shares, from (flagged, all) in each period.

    The same specificity holds in both periods.  At each false-positive rate of its interval the two exact intervals
    of the apparent shares are combined into one of their ratio (Donner & Zou 2012); the range is the envelope.
    Raises NotEnoughData where a sensitivity does not exceed the false-positive rate, BadInput for a range that is none.
    """
    for k, n in (before, after):
        if n < 1 or not 0 <= k <= n:
            raise BadInput(f"{k} of {n} is no share")
    _check_range(sensitivity_before_range)
    _check_range(sensitivity_after_range)
    false = Rate.of(specificity).complement
    f_low, f_high = false.interval(level)
    if min(*sensitivity_before_range, *sensitivity_after_range) <= f_high:
        raise NotEnoughData(f"a sensitivity does not exceed the false-positive rate (up to {f_high:.3g})")
    corners = list(product(sensitivity_before_range, sensitivity_after_range))
    point = _excess_ratio(before, after, false.value)
    band = [point * _scale(b, a, false.value) for b, a in corners] if point is not None else []
    ends = [
        end * _scale(b, a, f)
        for f in np.linspace(f_low, f_high, _GRID if f_high > f_low else 1).tolist()
        for end in _ratio_interval(before, after, f, level)
        for b, a in corners
    ]
    low, high = min(ends), max(ends)
    tipping = None if point is None else false.value + point * (float(np.mean(sensitivity_before_range)) - false.value)
    direction: Direction = "rise" if low > 1 else "fall" if high < 1 else "not_determined"
    said = ("specificity stated without n: its own error is left out",) if false.is_stated else ()
    return ChangeBand(
        band_low=min(band, default=None),
        band_high=max(band, default=None),
        low=low,
        high=high,
        tipping=None if tipping is None else tipping / float(np.mean(sensitivity_before_range)),
        direction=direction,
        sentence=_sentence(direction, low, high, band),
        warnings=said,
    )


def _check_range(given: Range) -> None:
    if not 0 < given[0] <= given[1] <= 1:
        raise BadInput(f"a range of sensitivities lies in (0, 1], low before high, not {given[0]:g} to {given[1]:g}")


def _scale(before: float, after: float, f: float) -> float:
    """By how much a ratio of (apparent - f) is multiplied to be one of true shares."""
    return (before - f) / (after - f)


def _excess_ratio(before: tuple[int, int], after: tuple[int, int], f: float) -> float | None:
    first, then = before[0] / before[1] - f, after[0] / after[1] - f
    return max(then, 0.0) / first if first > 0 else None


def _ratio_interval(before: tuple[int, int], after: tuple[int, int], f: float, level: float) -> Range:
    """Interval of (apparent after - f) / (apparent before - f), each part at least 0 (Donner & Zou 2012, MOVER-R)."""
    first, then = (max(k / n - f, 0.0) for k, n in (before, after))
    (l1, u1), (l2, u2) = ([max(end - f, 0.0) for end in clopper_pearson(k, n, level)] for k, n in (before, after))
    if u1 == 0:  # nothing was there before at this false-positive rate
        return (math.inf if l2 > 0 else 0.0), math.inf
    both = first * then
    divisor = l1 * (2 * first - l1)
    under = math.sqrt(max(both**2 - l2 * u1 * (2 * then - l2) * (2 * first - u1), 0.0))
    over = math.sqrt(max(both**2 - u2 * (2 * then - u2) * divisor, 0.0))
    # The lower end with its root in the denominator: the usual form divides by zero where u1 is twice the estimate.
    low = l2 * (2 * then - l2) / (both + under) if l2 > 0 else 0.0
    return low, (both + over) / divisor if divisor > 0 else math.inf


def _sentence(direction: Direction, low: float, high: float, band: Iterable[float]) -> str:
    reach = f"x{low:.2f} to {'no upper bound' if math.isinf(high) else f'x{high:.2f}'}"
    if direction != "not_determined":
        word = "rose" if direction == "rise" else "fell"
        return f"the true share {word} under every sensitivity in the ranges given: {reach}"
    sides = {ratio > 1 for ratio in band}
    why = "the sensitivities in the ranges given" if len(sides) > 1 else "the counts and their error rates"
    return f"the sign of the change is not determined: {why} allow a rise and a fall ({reach})"


@dataclass(frozen=True, slots=True)
class Decomposition:
    """Change of a share on the log scale: share = numerator - denominator, exactly."""

    log_share: float
    log_numerator: float
    log_denominator: float
    sentence: str


def decompose(before: tuple[float, float], after: tuple[float, float]) -> Decomposition:
    """What a change of a share is made of, from (numerator, denominator) of two periods of the same length.

    Raises NotEnoughData where one of the four is not positive: a change from or to nothing has no ratio.
    """
    if min(*before, *after) <= 0:
        raise NotEnoughData("a change from or to nothing has no ratio: compare the counts themselves")
    numerator, denominator = math.log(after[0] / before[0]), math.log(after[1] / before[1])
    share = numerator - denominator
    return Decomposition(share, numerator, denominator, _composed(share, numerator, denominator))


def _composed(share: float, numerator: float, denominator: float) -> str:
    moves = f"numerator x{math.exp(numerator):.2f}, denominator x{math.exp(denominator):.2f}"
    if abs(share) <= FLAT:
        return f"the share is flat (x{math.exp(share):.2f}): {moves}"
    word = "rises" if share > 0 else "falls"
    head = f"the share {word} (x{math.exp(share):.2f}): {moves}"
    if share > 0 and numerator <= FLAT:
        how = "falls" if numerator < -FLAT else "is flat"
        return (
            f"{head}; the share rises while what is counted {how}: all traffic fell, as in a cut of mobile data, "
            "where the share can rise with no new user"
        )
    if share < 0 and numerator >= -FLAT:
        return f"{head}; the share falls while what is counted does not: all traffic rose"
    if abs(denominator) > abs(numerator):
        return f"{head}; more of the change comes from the denominator than from what is counted"
    return f"{head}; most of the change comes from what is counted"
