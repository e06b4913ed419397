"""Sizes of changes that were picked for being large: the winner's curse taken out.

Given that a change was declared, its standardised error U had to pass the threshold c.  The size theta is read from
P(U > u | U > c; theta) = sf(u - theta) / sf(c - theta): 1/2 for the point, 0.025 and 0.975 for the bounds (Zhong &
Prentice 2008, Biostatistics 9:621; Fithian, Sun & Taylor 2014).  Errors are normal here: whether there was a change at
all is the business of the p-value with its heavy tail, and a t distribution cut in its tail says next to nothing of the
size.  The range is never narrower than the t interval without selection.  Just past the threshold it says "perhaps
nothing"; far past it, the size as measured.  The direction is taken as found: a size is drawn to no change, never
beyond it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.special import log_ndtr, stdtrit

if TYPE_CHECKING:
    from analyzer.records import Floats

_GRID = 4001
_REACH = 8.0  # standard deviations beyond u that no bound of the cut normal reaches


def shrunken(u: float, threshold: float, degrees: float, level: float = 0.95) -> tuple[float, float, float]:
    """Point, lower and upper bound of theta >= 0 for an observed u at or beyond the threshold, in deviations."""
    theta = np.linspace(0.0, u + _REACH, _GRID)
    beyond = _log_beyond(u, min(threshold, u - 1e-6), theta)
    tail = (1 - level) / 2
    low, point, high = (float(np.interp(np.log(q), beyond, theta)) for q in (tail, 0.5, 1 - tail))
    plain = float(stdtrit(degrees, 1 - tail))
    return min(point, u), max(min(low, u - plain), 0.0), max(high, u + plain)


def _log_beyond(u: float, threshold: float, theta: Floats) -> Floats:
    """log P(U > u | U > threshold; theta), which rises with theta."""
    return np.asarray(log_ndtr(theta - u) - log_ndtr(theta - threshold))
