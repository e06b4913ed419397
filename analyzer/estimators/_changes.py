"""Where a series changed level: "the series changed on D", never the block's date.

One change of level in the log series, located by least squares (the maximum of the CUSUM statistic; Page 1954,
Hinkley 1970) and judged against the same statistic in windows of the same length before onset, so that a series
that wanders must wander further than it usually does.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

FEWEST_PLACEBO_WINDOWS = 19  # below 19 a rank cannot reach the 5 % level
SHORTEST_SIDE = 3  # steps on each side of a change; fewer cannot tell a level from a spike


@dataclass(frozen=True, slots=True)
class Change:
    """A located change of level: first step of the new level, its ratio, its rank among windows before onset."""

    step: int
    ratio: float
    rank: int
    placebo_n: int


def locate_change(y: Floats, onset: int, horizon: int, *, lead: int = 14, season: int = 7) -> Change | None:
    """The change of level in [onset - lead, onset + horizon), or None where none stands out.

    y: shape (T,), counts or levels per step, NaN = missing.  The statistic of the window must be larger than in all but
    5 % of the windows of the same length that end before onset - lead.  Returns None when fewer than 19 of
    those exist.
    """
    z = _deseasoned(np.log(np.maximum(y, 0.0) + 0.5), onset, season)
    start, length = max(onset - lead, 0), min(lead, onset) + horizon
    here = _best_split(z[start : start + length])
    placebo = [_best_split(z[s : s + length]) for s in range(0, start - length + 1, max(season // 2, 1))]
    sizes = [p.size for p in placebo if p is not None]
    if here is None or len(sizes) < FEWEST_PLACEBO_WINDOWS:
        return None
    rank = 1 + sum(size >= here.size for size in sizes)
    if rank > 0.05 * (len(sizes) + 1):
        return None
    return Change(start + here.at, float(np.exp(here.shift)), rank, len(sizes))


@dataclass(frozen=True, slots=True)
class _Split:
    at: int
    shift: float
    size: float


def _best_split(z: Floats) -> _Split | None:
    """The split that lowers the squared error most; None for a window with too little in it."""
    seen = np.isfinite(z)
    if seen.sum() < 0.8 * z.size or z.size < 2 * SHORTEST_SIDE:
        return None
    x = np.where(seen, z, 0.0)
    n_left, total_left = np.cumsum(seen), np.cumsum(x)
    n_right, total_right = n_left[-1] - n_left, total_left[-1] - total_left
    allowed = (n_left >= SHORTEST_SIDE) & (n_right >= SHORTEST_SIDE)
    shift = total_right / np.maximum(n_right, 1) - total_left / np.maximum(n_left, 1)
    gain = np.where(allowed, shift**2 * n_left * n_right / n_left[-1], -np.inf)
    k = int(np.argmax(gain))
    return _Split(k + 1, float(shift[k]), float(gain[k]))


def _deseasoned(z: Floats, onset: int, season: int) -> Floats:
    """The series less its seasonal means before onset (each phase against the running mean of a season)."""
    before = z[:onset]
    if before.size < 3 * season:
        return z
    kernel = np.ones(season)
    seen = np.isfinite(before)
    level = np.convolve(np.where(seen, before, 0.0), kernel, "same") / np.maximum(np.convolve(seen, kernel, "same"), 1)
    phase = np.arange(z.size) % season
    away = before - level
    effect = np.array([_median(away[phase[:onset] == k]) for k in range(season)])
    return np.asarray(z - (effect - effect.mean())[phase])


def _median(x: Floats) -> float:
    x = x[np.isfinite(x)]
    return float(np.median(x)) if x.size else 0.0
