"""Sizes of changes that were picked for being large: the interval of an error that had to pass the threshold.

Given that a change was declared, its standardised error U follows t cut at the threshold c.  The size theta is read
from P(U > u | U > c; theta) = sf(u - theta) / sf(c - theta): 1/2 for the point, 0.025 and 0.975 for the bounds (Zhong
& Prentice 2008; Weinstein, Fithian & Benjamini 2013).  Just past the threshold this says "perhaps nothing"; far past it, the
size as measured.  The sign is taken as found, so that the size is drawn towards no change and never beyond it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.special import stdtr

if TYPE_CHECKING:
    from analyzer.records import Floats

_GRID = 2001


def shrunken(u: float, threshold: float, degrees: float, level: float = 0.95) -> tuple[float, float, float]:
    """Point and bounds of theta >= 0 for an observed u at or beyond the threshold, all in standard deviations."""
    reach = 40.0 if degrees < 4 else 15.0
    theta = np.linspace(0.0, u + reach, _GRID)
    beyond = _conditional(u, min(threshold, u), degrees, theta)
    tail = (1 - level) / 2
    inside = theta[(beyond >= tail) & (beyond <= 1 - tail)]
    # With heavy tails the curve can lie above the line at no change, fall below it and rise again: the last crossing
    # is the size, and no crossing is no size.
    below = np.flatnonzero(beyond <= 0.5)
    point = float(theta[below[-1]]) if below.size else 0.0
    low, high = (float(inside[0]), float(inside[-1])) if inside.size else (0.0, point)
    return point, min(low, point), max(high, point)


def _conditional(u: float, threshold: float, degrees: float, theta: Floats) -> Floats:
    return np.asarray(stdtr(degrees, theta - u) / np.maximum(stdtr(degrees, theta - threshold), 1e-300))
