"""Where a series changed level: "the series changed on D", never the block's date.

One change of level in the log series, located by least squares (the maximum of the CUSUM statistic; Page 1954,
Hinkley 1970) and judged against the same statistic in windows of the same length before onset, so that a series
that wanders must wander further than it usually does.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view
from scipy.special import stdtrit

Floats = npt.NDArray[np.float64]

FEWEST_PLACEBO_WINDOWS = 19  # below 19 a rank cannot reach the 5 % level
SHORTEST_SIDE = 3  # steps on each side of a change; fewer cannot tell a level from a spike
LEVEL = 0.95
OFF_THE_LEVEL = 4.0  # robust deviations by which a step before the split has left the old level already
UNDER_WAY = 0.25  # part of the change by which it has; measurements are often smoothed over some hours


@dataclass(frozen=True, slots=True)
class Change:
    """A located change of level: first step off the old level, its ratio, its rank among windows before onset."""

    step: int
    ratio: float
    rank: int
    placebo_n: int


def locate_change(
    y: Floats, onset: int, horizon: int, *, lead: int = 14, season: int = 7, offset: float = 0.5
) -> Change | None:
    """The change of level in [onset - lead, onset + horizon), or None where none stands out.

    y: shape (T,), counts or levels per step, NaN = missing; offset keeps the log of a zero finite.  season: as for the
    estimator; a week of hours gives way to the day's 24 below three weeks of history.  The statistic of the window must
    be larger than in all but 5 % of the windows of the same length that end before onset - lead.  Where the history
    holds fewer than 19 of those, it must be larger than in every window, whatever its first step, and beyond Student's
    bound on their root mean square with as many degrees of freedom as windows fit side by side.  None below one.
    """
    season = _shown(season, onset)
    z = _deseasoned(np.log(np.maximum(y, 0.0) + offset), onset, season)
    start, length = max(onset - lead, 0), min(lead, onset) + horizon
    here = _best_split(z[start : start + length])
    if here is None:
        return None
    sizes = _sizes(z[:start], length, max(season // 2, 1))
    few = len(sizes) < FEWEST_PLACEBO_WINDOWS
    if few:
        sizes = _sizes(z[:start], length, 1)
    rank = 1 + sum(size >= here.size for size in sizes)
    stands_out = rank == 1 and here.size > _bound(sizes, start / length) if few else rank <= 0.05 * (len(sizes) + 1)
    if not sizes or not stands_out:
        return None
    first = _first_off(z[start : start + here.at], here)
    return Change(start + first, float(np.exp(here.shift)), rank, len(sizes))


def _shown(season: int, history: int) -> int:
    """A week of hours where the history shows three of them, else a day of hours."""
    return season // 7 if season % 7 == 0 and season >= 4 * 7 and history < 3 * season else season


def _sizes(before: Floats, length: int, stride: int) -> list[float]:
    """Statistics of the windows of a length before the one asked about."""
    if before.size < length:
        return []
    _, _, size = _splits(sliding_window_view(before, length)[::stride])
    return [float(one) for one in size if np.isfinite(one)]


def _bound(sizes: list[float], disjoint: float) -> float:
    """What the statistic of one more such window stays below, were its root Student's with few degrees of freedom."""
    mean = float(np.mean(sizes)) if sizes else np.inf
    return mean * float(stdtrit(max(disjoint, 1.0), 0.5 + LEVEL / 2)) ** 2


def _first_off(left: Floats, split: _Split) -> int:
    """First step of the run before the split that has left the old level in the direction of the change.

    A change that takes hours has its sharpest step in its middle; it begins where the old level is left.
    """
    usual = float(np.median(left[np.isfinite(left)]))
    away = (left - usual) * np.sign(split.shift)
    noise = 1.4826 * float(np.median(np.abs(away[np.isfinite(away)])))
    made = np.expm1(left - usual) / np.expm1(split.shift)
    first = split.at
    while first > SHORTEST_SIDE and away[first - 1] > OFF_THE_LEVEL * noise and made[first - 1] >= UNDER_WAY:
        first -= 1
    return first


@dataclass(frozen=True, slots=True)
class _Split:
    at: int
    shift: float
    size: float


def _best_split(z: Floats) -> _Split | None:
    """The split that lowers the squared error most; None for a window with too little in it."""
    at, shift, size = (values[0] for values in _splits(z[None, :]))
    return _Split(int(at), float(shift), float(size)) if np.isfinite(size) else None


def _splits(rows: Floats) -> tuple[Floats, Floats, Floats]:
    """Per row of (N, length) its best split, the shift there and the statistic; -inf where too little is seen."""
    seen = np.isfinite(rows)
    x = np.where(seen, rows, 0.0)
    n_left, total_left = np.cumsum(seen, axis=1), np.cumsum(x, axis=1)
    n, total = n_left[:, -1:], total_left[:, -1:]
    n_right = n - n_left
    allowed = (n_left >= SHORTEST_SIDE) & (n_right >= SHORTEST_SIDE) & (n >= 0.8 * rows.shape[1])
    shift = (total - total_left) / np.maximum(n_right, 1) - total_left / np.maximum(n_left, 1)
    gain = np.where(allowed, shift**2 * n_left * n_right / np.maximum(n, 1), -np.inf)
    k, row = np.argmax(gain, axis=1), np.arange(rows.shape[0])
    return k + 1.0, shift[row, k], gain[row, k]


def _deseasoned(z: Floats, onset: int, season: int) -> Floats:
    """The series less its seasonal means before onset (each phase against the running mean of a season)."""
    before = z[:onset]
    # A day of hours is known from two days, as for the estimator.
    if before.size < (2 if season > 7 and season < 52 else 3) * season or season == 1:
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
