"""Known regularities taken out before levels are followed: the cycle of the season, holidays, single wild steps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

if TYPE_CHECKING:
    from analyzer.estimators._inputs import Bools
    from analyzer.records import Floats

CLIPPED = 4.0  # robust deviations; a step beyond moves a level by no more than that
UNKNOWN_DAY = 0.1  # sd of a holiday's log effect before any was seen; on Tor bridge users countries spread by 0.08
MOST_AWAY = 0.7  # of the log: a holiday further off is another event
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


def _medians_by_phase(values: Floats, season: int) -> Floats:
    """(season,) medians; 0 for a phase that is never seen."""
    short = -values.size % season
    rows = np.concatenate([values, np.full(short, np.nan)]).reshape(-1, season).T
    found = _median_of_rows(rows)
    return np.where(np.isfinite(found), found, 0.0)


def seasonal_factors(z: Floats, season: int) -> Floats:
    """(season,) additive factors that average 0, shrunk by what they stand out from their own noise.

    Residuals from a centred running median are clipped and averaged by phase; empirical Bayes (Morris 1983) pulls
    the averages to 0, all the way where a series has no cycle.
    """
    if season == 1:
        return np.zeros(1)
    half = min(season, 84)  # a year of weeks needs no running median of two years
    residual = z - rolling_median(z, half, half)
    phase = np.arange(z.size) % season
    known = np.isfinite(residual)
    # Clipped around each phase's own median: a weekend that falls by half is no wild step.
    usual = _medians_by_phase(residual, season)[phase]
    apart = residual - usual
    wild = 3 * spread(apart[apart != 0])  # with few seasons many a step is its phase's median
    residual = usual + np.clip(apart, -wild, wild)
    count = np.bincount(phase[known], minlength=season).astype(float)
    total = np.bincount(phase[known], residual[known], minlength=season)
    mean = total / np.maximum(count, 1)
    within = float(np.sum((residual[known] - mean[phase[known]]) ** 2)) / max(int(known.sum()) - season, 1)
    noise = within / np.maximum(count, 1)
    signal = max(float(np.mean(mean**2 - noise)), 0.0)
    factors = np.where(count >= 2, mean * signal / (signal + noise + 1e-300), 0.0)
    return np.asarray(factors - factors.mean())


@dataclass(frozen=True, slots=True)
class Holidays:
    """What known days do to a series."""

    path: Floats  # (T,) on the scale of z, 0 on every other step
    variance: float  # of what the factor gets wrong in the mean of the window
    warnings: tuple[str, ...] = ()


def holiday_effects(z: Floats, cycle: Floats, flags: Bools, window: slice) -> Holidays:
    """The effect of known days, learnt from those of the base, and how far the window's own may lie from it.

    z: (n,) base without its cycle; cycle, flags: (T,).  Three kinds of days: holidays, holidays on days that are low
    anyway (a weekend is not lost twice), and the day before, which east of Greenwich holds the first hours of the
    holiday in a series of UTC days.  Each kind is drawn to the plainer answer by its own noise.
    """
    if not flags.any():
        return Holidays(np.zeros(flags.size), 0.0)
    before = flags[: z.size]
    residual = z - rolling_median(np.where(before, np.nan, z), 7, 7)
    known = before & np.isfinite(residual)
    ordinary = spread(residual[~before])
    if not known.any():
        unknown = _window_variance(flags[window], UNKNOWN_DAY**2, 0.0)
        note = "no holiday in the base: the effect of holidays in the window is not known"
        return Holidays(np.zeros(flags.size), unknown, (note,) if flags[window].any() else ())
    count = int(known.sum())
    common = float(np.median(residual[known]) * count / (count + 2))
    eve = ~flags & np.append(flags[1:], False) & (flags.mean() < 0.3)
    low = cycle < -0.5 * float(np.std(cycle)) - 1e-9
    path = np.where(flags, common, 0.0)
    for kind, at in ((flags & low, common), (flags & ~low, common), (eve, 0.0)):
        path[kind] = at + _shrunk(residual[kind[: z.size]] - at, ordinary)
    away = np.clip(residual[known] - path[: z.size][known], -MOST_AWAY, MOST_AWAY)
    squares = (float(np.sum(away**2)) + 2 * UNKNOWN_DAY**2) / (count + 2)
    own = max(squares - ordinary**2, 0.0)
    return Holidays(path, _window_variance(flags[window], own, squares / (count + 2)))


def _shrunk(residual: Floats, ordinary: float) -> float:
    """The median of what is known, drawn to 0 by its own uncertainty."""
    known = residual[np.isfinite(residual)]
    if known.size < 2:
        return 0.0
    middle = float(np.median(known))
    doubt = 1.57 * max(float(np.median(np.abs(known - middle))) * 1.4826, ordinary) ** 2 / known.size
    return middle * max(1 - doubt / (middle**2 + 1e-300), 0.0)


def _window_variance(flags: Bools, own: float, shared: float) -> float:
    """Variance of the window's mean: holidays that touch share their own deviation, all share that of the factor."""
    if not flags.any():
        return 0.0
    edges = np.flatnonzero(np.diff(np.concatenate([[0], flags.astype(int), [0]])))
    lengths = (edges[1::2] - edges[::2]) / flags.size
    return float(own * np.sum(lengths**2) + shared * np.sum(lengths) ** 2)


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
