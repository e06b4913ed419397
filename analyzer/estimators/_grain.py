"""The grain of a series: the steps its values come in, and how much of a level they can hide."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from analyzer.records import Floats

CHANCE = 1e-6  # probability with which values that are no multiples look like it
WITHIN = 14  # steps over which a level is read: movement inside them takes rounding errors out of their mean
MOST = 1e6  # grains: far beyond where rounding is of any account
LARGEST = 2.0**53  # beyond it a double does not hold every whole number


def smallest_step(values: Floats) -> float:
    """The smallest distance between two different values, at most the smallest positive one."""
    distinct = np.unique(values[np.isfinite(values)])
    if distinct.size == 0:
        return 1.0
    positive = distinct[distinct > 0]
    scale = float(positive[0]) if positive.size else 1.0
    gaps = np.diff(distinct)
    gaps = gaps[gaps > 1e-9 * distinct[-1]]  # less is the last digit of a sum
    return float(min(gaps.min(initial=scale), scale))


def common_step(values: Floats) -> float:
    """The number of which all (T,) whole values are multiples, 1 where that may be chance.

    Every change of the series has to end on a multiple; a constant series says nothing of its steps.
    """
    whole = values[np.isfinite(values)]
    if whole.size == 0 or whole.max() >= LARGEST:
        return 1.0
    step = int(np.gcd.reduce(whole.astype(np.int64)))
    changes = int(np.sum((whole[1:] != whole[:-1]) & (whole[1:] > 0)))
    return float(step) if step > 1 and changes * np.log(step) > -np.log(CHANCE) else 1.0


def dispersion(values: Floats, step: float) -> float:
    """Variance over mean of steps that come in multiples of `step`, from 1 (counted in ones) to it (in steps).

    Requests rounded up are counted in something in between; the changes from step to step tell.
    """
    whole = values[np.isfinite(values)]
    mean = float(whole.mean()) if whole.size else 0.0
    if step <= 1 or mean <= 0:
        return 1.0
    return float(np.clip(np.mean(np.diff(whole) ** 2) / 2 / mean, 1.0, step))


def common_error(values: Floats, grain: float) -> float:
    """Variance, in squared grains, of the rounding error that all steps of a window have in common.

    A level that does not move is rounded the same way every day: its error has variance 1/12 and no mean takes it out.
    Movement of standard deviation s grains leaves the sum of exp(-4 pi^2 k^2 s^2) / (2 pi^2 k^2) over k (the Fourier
    series of the rounding error; Widrow 1961 on dither).  s is read off the steps themselves (Sheppard's correction).
    """
    moved = _movement(np.minimum(values[np.isfinite(values)] / grain, MOST))
    k = np.arange(1, 6)
    return float(np.sum(np.exp(-4 * np.pi**2 * k**2 * moved) / (2 * np.pi**2 * k**2)))


def _movement(values: Floats) -> float:
    """Variance of the level inside a fortnight, in squared grains: the usual one less that of rounding."""
    whole = values.size // WITHIN
    if whole == 0:
        return 0.0
    rows = values[values.size - whole * WITHIN :].reshape(whole, WITHIN)
    return max(float(np.median(rows.var(axis=1, ddof=1))) - 1 / 12, 0.0)
