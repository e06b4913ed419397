"""Chart ranks as bounds on downloads: d = b r^-a with an exponent that nobody has measured for free apps (no people).

Garg & Telang (2013, MISQ 37:4, 1253-1264) find 150 (iPhone) and 120 (iPad) times the downloads of rank 200 at rank 1 of
paid apps: a = 0.95 and 0.90.  VPN apps are mostly free, in other years and other countries; 0.6 to 1.4 spans them.
"""

from __future__ import annotations

import math

from analyzer.errors import NotEnoughData
from analyzer.quantities import Ratio

EXPONENTS = (0.6, 1.4)


def downloads_factor(
    before: tuple[float, float],
    after: tuple[float, float],
    *,
    exponents: tuple[float, float] = EXPONENTS,
) -> Ratio:
    """Times the downloads: (rank before / rank after)^a, least and largest over both ranges and the exponents.

    before, after: ranks as (low, high), 1 = top.  Before may be (c + 1, inf): not in a chart of c places, so that only
    a lower bound remains.  After with low 1: the top is a ceiling, downloads may lie any way beyond it: no upper bound.
    After may be (c + 1, inf) as well.  Raises ValueError for ranks under 1 or out of order, NotEnoughData where neither
    end is known.
    """
    for name, (low, high) in (("before", before), ("after", after), ("exponents", exponents)):
        least = 0 if name == "exponents" else 1
        if not (least <= low <= high) or math.isinf(low) or (name == "exponents" and math.isinf(high)):
            raise ValueError(f"{name} must be a range from low to high (ranks begin at 1), not {low:g} to {high:g}")
    smallest = 0.0 if math.isinf(after[1]) else min((before[0] / after[1]) ** a for a in exponents)
    is_open = math.isinf(before[1]) or after[0] <= 1
    if is_open and smallest == 0:
        raise NotEnoughData("neither end of the change is known: no rank on either side, or none and the top")
    return Ratio(smallest, None, math.inf if is_open else max((before[1] / after[0]) ** a for a in exponents))


def factor_of_ratio(ratio: tuple[float, float], *, exponents: tuple[float, float] = EXPONENTS) -> Ratio:
    """The same from a ratio of ranks, observed over expected: (low, high), above 1 = further down the chart."""
    low, high = ratio
    if not 0 <= low <= high or math.isnan(high):
        raise ValueError(f"a ratio of ranks must be a range from low to high above 0, not {low:g} to {high:g}")
    if high == 0 or (low == 0 and math.isinf(high)):
        raise NotEnoughData("neither end of the change of rank is known")
    smallest = 0.0 if math.isinf(high) else min((1 / high) ** a for a in exponents)
    return Ratio(smallest, None, math.inf if low == 0 else max((1 / low) ** a for a in exponents))
