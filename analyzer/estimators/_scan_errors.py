"""Standardised errors of every series, step and statistic: a window's mean against the forecast from before it.

The error is taken less what the other series of the same step have in common (the common correlated effect, Pesaran
2006, here with coefficient one), and divided by a forecast deviation that was known before the window began.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from analyzer.estimators._scan_filter import Levels

if TYPE_CHECKING:
    import numpy.typing as npt

    from analyzer.records import Floats

    Bools = npt.NDArray[np.bool_]

FEWEST_TOGETHER = 8  # series without which nothing can be called common
SHARE_SEEN = 0.6  # of a window's steps
MEMORIES = (30.0, 120.0)  # half-lives, in steps of a day: restless weeks, and the usual
OWN_AFTER = 20.0  # independent windows at which a series' own deviation weighs as much as what all series show
SMALLEST_DEVIATION = 0.02  # of logs: smaller changes are not looked for
_EXTRA = 0.08  # deviation beside counting that makes errors at different levels comparable
_MEAN_ABSOLUTE = 1.2533
_HUBER = 2.0


@dataclass(frozen=True, slots=True)
class Statistic:
    """The mean of the last `length` steps against the forecast made `reach` steps ago."""

    name: str
    length: int
    reach: int


@dataclass(frozen=True, slots=True)
class Errors:
    """(T, N) each; NaN = the statistic does not exist there."""

    statistic: Statistic
    error: Floats  # log of the window's mean over its forecast, less what is common
    deviation: Floats  # of the error, known before the window

    @property
    def standardised(self) -> Floats:
        """Errors in units of their deviation."""
        return np.asarray(self.error / self.deviation)


def standardised_errors(
    levels: Levels, statistics: Sequence[Statistic], *, counts: bool, settle: int, per_day: int
) -> list[Errors]:
    """Errors of all statistics.

    settle: values without which a level is not known.  per_day: steps of a day, the unit of the memories.
    """
    sums, seen = _running(levels.x)
    raw = [_raw(levels, s, sums, seen, counts, settle, per_day) for s in statistics]
    scales = [_scale(r.share, s, per_day) for r, s in zip(raw, statistics, strict=True)]
    return [
        Errors(s, r.error, np.sqrt(_squeezed(scales, k) * r.base * r.restless**2 + SMALLEST_DEVIATION**2))
        for k, (s, r) in enumerate(zip(statistics, raw, strict=True))
    ]


@dataclass(frozen=True, slots=True)
class _Raw:
    error: Floats
    base: Floats  # variance of counting and a little more
    share: Floats  # absolute error in units of the base's and the step's deviation
    restless: Floats  # (T, 1) of all series at that step, over the usual


def _raw(  # noqa: PLR0917 - the steps of one computation
    levels: Levels, s: Statistic, sums: Floats, seen: Floats, counts: bool, settle: int, per_day: int
) -> _Raw:
    mean, there = _window_mean(levels.x, sums, seen, s.length)
    known = there & (lagged(levels.age.astype(float)[:-1], s.reach - 1) >= settle)
    known &= (lagged(levels.epoch.astype(float), s.reach - 1) == levels.epoch)[:, None]
    by_gain = np.where(known, mean - lagged_levels(levels.level, s.reach), np.nan)
    weight = _weights(by_gain, s.reach, per_day)
    error = np.sum(weight * by_gain, axis=0)
    expected = np.exp(mean - error)
    counting = 1 / np.maximum(expected, 0.5) * (1 / s.length + 0.15) if counts else np.zeros_like(error)
    base = counting + _EXTRA**2
    error = error - _common(error, np.sqrt(base))
    restless = _restless(error / np.sqrt(base), per_day)
    return _Raw(error, base, np.abs(error) / np.sqrt(base) / restless, restless)


def _running(x: Floats) -> tuple[Floats, Floats]:
    start = np.zeros((1, x.shape[1]))
    there = np.isfinite(x)
    return (
        np.concatenate([start, np.cumsum(np.where(there, x, 0.0), axis=0)]),
        np.concatenate([start, np.cumsum(there, axis=0)]),
    )


def _window_mean(x: Floats, sums: Floats, seen: Floats, length: int) -> tuple[Floats, Bools]:
    """Means of the `length` steps that end at each step, and where enough of them are there, the last included."""
    end = np.arange(1, x.shape[0] + 1)
    begin = np.maximum(end - length, 0)
    count = seen[end] - seen[begin]
    enough = (count >= SHARE_SEEN * length) & np.isfinite(x) & (end >= length)[:, None]
    return (sums[end] - sums[begin]) / np.maximum(count, 1), enough


def lagged(a: Floats, by: int) -> Floats:
    """Rows as they were `by` steps before; NaN where there were none."""
    out = np.full_like(a, np.nan)
    if by < a.shape[0]:
        out[by:] = a[: a.shape[0] - by]
    return out


def lagged_levels(level: Floats, reach: int) -> Floats:
    """(G, T, N) levels known before the window of `reach` steps that ends at each step."""
    out = np.full((level.shape[0], level.shape[1] - 1, level.shape[2]), np.nan)
    if reach <= out.shape[1]:
        out[:, reach - 1 :] = level[:, : out.shape[1] - reach + 1]
    return out


def smoothed(a: Floats, half_life: float) -> tuple[Floats, Floats]:
    """Exponentially weighted mean of what is there up to each step, and its effective number of values."""
    from scipy.signal import lfilter  # loads scipy.stats: only a scan needs it

    keep = 0.5 ** (1 / half_life)
    there = np.isfinite(a)
    total = lfilter([1.0], [1.0, -keep], np.where(there, a, 0.0), axis=-2)
    weight = lfilter([1.0], [1.0, -keep], there.astype(float), axis=-2)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(total / weight), np.asarray(weight)


def _weights(by_gain: Floats, reach: int, per_day: int) -> Floats:
    """Each gain by the inverse fourth power of its past mean absolute error (Bates & Granger 1969, sharpened)."""
    past = np.stack([lagged(smoothed(np.abs(e), MEMORIES[1] * per_day)[0], reach) for e in by_gain])
    power = np.where(np.isfinite(past), np.maximum(past, 1e-4), 1.0) ** -4
    return np.asarray(power / power.sum(axis=0))


def _common(error: Floats, deviation: Floats) -> Floats:
    """(T, N) what the OTHER series of the step have in common: a Huber mean by precision, the own share taken out."""
    there = np.isfinite(error)
    enough = there.sum(axis=1, keepdims=True) >= FEWEST_TOGETHER
    if not enough.any():
        return np.zeros_like(error)
    weight = np.where(there, np.minimum(deviation, 1.0) ** -2, 0.0)
    middle = _middle(error)
    spread = _middle(np.abs(error - middle) / deviation) / 0.6745
    bound = _HUBER * spread * deviation
    pull = np.where(there, middle + np.clip(error - middle, -bound, bound), 0.0) * weight
    rest = weight.sum(axis=1, keepdims=True) - weight
    others = (pull.sum(axis=1, keepdims=True) - pull) / np.maximum(rest, 1e-12)
    return np.where(enough, others, 0.0)


def _middle(a: Floats) -> Floats:
    """(T, 1) median of each row over what is there, 0 for empty rows."""
    ordered = np.sort(a, axis=1)
    count = np.isfinite(a).sum(axis=1)
    row = np.arange(a.shape[0])
    low, high = ordered[row, np.maximum(count - 1, 0) // 2], ordered[row, np.minimum(count // 2, a.shape[1] - 1)]
    return np.where(count > 0, (low + high) / 2, 0.0)[:, None]


def _restless(u: Floats, per_day: int) -> Floats:
    """(T, 1) by how much the series' errors spread more at a step than they used to; at least 1.

    A fault of the measurement moves every series, and each by another amount: what is left after the common part must
    not flag them one by one.
    """
    enough = np.isfinite(u).sum(axis=1, keepdims=True) >= FEWEST_TOGETHER
    spread = np.where(enough, _middle(np.abs(u)), np.nan)
    usual = lagged(smoothed(spread, MEMORIES[1] * per_day)[0], 1)
    ratio = np.where(np.isfinite(spread) & np.isfinite(usual), spread / np.maximum(usual, 1e-9), 1.0)
    return np.maximum(ratio, 1.0)


@dataclass(frozen=True, slots=True)
class _Scale:
    """(T, N) mean square in units of the base, known before the window, and the independent windows behind it."""

    square: Floats
    windows: Floats


def _scale(share: Floats, s: Statistic, per_day: int) -> _Scale:
    short, long = (smoothed(share, m * per_day) for m in MEMORIES)
    square = ((_MEAN_ABSOLUTE * short[0]) ** 2 + (_MEAN_ABSOLUTE * long[0]) ** 2) / 2
    return _Scale(lagged(square, s.reach), lagged(long[1], s.reach) / s.reach)


def _squeezed(scales: Sequence[_Scale], k: int) -> Floats:
    """Own mean squares drawn towards what the series' one-step errors and all series together suggest (Smyth 2004)."""
    own, one = scales[k], scales[0]
    everyone = _pooled(own.square)
    usual = _pooled(one.square)
    target = everyone * (one.square / usual) ** 0.5
    weight = own.windows / (own.windows + OWN_AFTER)
    mixed = np.exp(weight * np.log(np.maximum(own.square, 1e-6)) + (1 - weight) * np.log(np.maximum(target, 1e-6)))
    return np.asarray(np.where(np.isfinite(own.square), mixed, np.nan))


def _pooled(square: Floats) -> Floats:
    middle = _middle(square)
    return np.where(middle > 0, middle, 1.0)
