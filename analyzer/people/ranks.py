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

    before, after: ranks as (low, high), 1 = top; (c + 1, inf) is not in a chart of c places: before it leaves a lower
    bound only, after it an upper one.  Low 1 is a ceiling beyond which downloads may lie any way: no upper bound after
    it, no lower one before it.  Raises ValueError for ranks under 1 or out of order, NotEnoughData where neither end is
    known.
    """
    for name, (low, high) in (("before", before), ("after", after), ("exponents", exponents)):
        least = 0 if name == "exponents" else 1
        if not (least <= low <= high) or math.isinf(low) or (name == "exponents" and math.isinf(high)):
            raise ValueError(f"{name} must be a range from low to high (ranks begin at 1), not {low:g} to {high:g}")
    has_no_floor = math.isinf(after[1]) or before[0] <= 1
    smallest = 0.0 if has_no_floor else min((before[0] / after[1]) ** a for a in exponents)
    is_open = math.isinf(before[1]) or after[0] <= 1
    if is_open and smallest == 0:
        raise NotEnoughData("neither end of the change is known: no rank, or the top, on both sides")
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
