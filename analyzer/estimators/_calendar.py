"""Known regularities taken out before levels are followed: the cycle of the season, holidays, single wild steps."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

if TYPE_CHECKING:
    from analyzer.estimators._inputs import Bools
    from analyzer.records import Floats

CLIPPED = 4.0  # robust deviations; a step beyond moves a level by no more than that
WILD = 3.5  # robust deviations from the week around it; a step beyond is told apart from the ordinary noise


def _median_of_rows(rows: Floats) -> Floats:
    """Median of each row without its NaN; NaN where a row has nothing else (np.nanmedian is slow and warns)."""
    ordered = np.sort(rows, axis=1)
    count = np.isfinite(ordered).sum(axis=1)
    index = np.arange(rows.shape[0])
    low, high = np.maximum(count - 1, 0) // 2, count // 2
    return np.where(count > 0, (ordered[index, low] + ordered[index, np.minimum(high, rows.shape[1] - 1)]) / 2, np.nan)


def rolling_median(values: Floats, back: int, ahead: int) -> Floats:
    """(T,) median of the steps t - back .. t + ahead that exist."""
    padded = np.concatenate([np.full(back, np.nan), values, np.full(ahead, np.nan)])
    return _median_of_rows(sliding_window_view(padded, back + ahead + 1))


def spread(values: Floats) -> float:
    """Robust standard deviation (1.4826 x median absolute value) of residuals; 0 where there are none."""
    known = np.abs(values[np.isfinite(values)])
    return float(1.4826 * np.median(known)) if known.size else 0.0


def seasonal_factors(z: Floats, season: int) -> Floats:
    """(season,) additive factors that average 0, shrunk by what they stand out from their own noise.

    Residuals from a centred running median are clipped and averaged by phase; empirical Bayes (Morris 1983) pulls
    the averages to 0, all the way where a series has no cycle.
    """
    if season == 1:
        return np.zeros(1)
    half = min(season, 84)  # a year of weeks needs no running median of two years
    residual = z - rolling_median(z, half, half)
    wild = 3 * spread(residual)
    residual = np.clip(residual, -wild, wild)
    phase = np.arange(z.size) % season
    known = np.isfinite(residual)
    count = np.bincount(phase[known], minlength=season).astype(float)
    total = np.bincount(phase[known], residual[known], minlength=season)
    mean = total / np.maximum(count, 1)
    within = float(np.sum((residual[known] - mean[phase[known]]) ** 2)) / max(int(known.sum()) - season, 1)
    noise = within / np.maximum(count, 1)
    signal = max(float(np.mean(mean**2 - noise)), 0.0)
    factors = np.where(count >= 2, mean * signal / (signal + noise + 1e-300), 0.0)
    return np.asarray(factors - factors.mean())


def holiday_factor(z: Floats, holidays: Bools) -> float:
    """The common effect of known days on the scale of z, shrunk as if two holidays without effect had been seen."""
    residual = (z - rolling_median(np.where(holidays, np.nan, z), 7, 7))[holidays]
    known = residual[np.isfinite(residual)]
    return float(np.median(known) * known.size / (known.size + 2)) if known.size else 0.0


def clip_wild_steps(z: Floats) -> Floats:
    """z with single wild steps pulled to 4 deviations from the median of the week up to and including them.

    Only the past is looked at, so that a replay at an earlier origin sees what would have been seen then.
    """
    usual = rolling_median(z, 6, 0)
    residual = z - usual
    width = CLIPPED * spread(residual[residual != 0] if (residual != 0).any() else residual)
    return np.asarray(usual + np.clip(residual, -width, width)) if width > 0 else z.copy()


def wild_steps(z: Floats) -> Floats:
    """What single wild steps stand out from the week around them; 0 for every ordinary step.

    Both sides are looked at: a lasting change of level is not wild.
    """
    residual = z - rolling_median(z, 3, 3)
    width = WILD * spread(residual[residual != 0] if (residual != 0).any() else residual)
    return np.asarray(np.where(np.abs(residual) > max(width, 1e-9), residual, 0.0))
