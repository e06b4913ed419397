"""One-sided forecasters, each filtered once for all origins and for the series and its donors at the same time.

All of them are linear in the data with gains that depend only on which steps are seen; a regression on donors can
therefore be applied after filtering, with the coefficients known at each origin.
State at origin o uses the steps before o only.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from analyzer.estimators._inputs import Bools
    from analyzer.records import Floats

GAINS = (0.6, 0.3, 0.15, 0.07, 0.03)  # exponential smoothing, from "the last days" to "the last months"
WIDTHS = (7, 14, 28, 56, 112, 10**9)  # means of the last steps; the last one is the mean of all
TRENDS = ((0.2, 0.03, 0.97), (0.1, 0.01, 0.985))  # gain of level, gain of slope, damping (Gardner & McKenzie 1985)


@dataclass(frozen=True, slots=True)
class Simple:
    """States of one simple forecaster."""

    name: str
    level: Floats  # (T + 1, C)
    slope: Floats | None = None  # (T + 1, C)
    damping: float = 1.0

    def ahead(self, gap: int, horizon: int) -> Floats:
        """(T + 1, C) forecast of the mean over steps gap .. gap + horizon - 1 after the origin."""
        if self.slope is None:
            return self.level
        k = np.arange(gap + 1, gap + horizon + 1)
        reach = np.mean(self.damping * (1 - self.damping**k) / (1 - self.damping))
        return np.asarray(self.level + self.slope * reach)


def simple_forecasters(x: Floats, seen: Bools) -> list[Simple]:
    """Smoothing, window means and damped trends over the steps seen; x is (T, C)."""
    packed = x[seen]
    at = np.concatenate([[0], np.cumsum(seen)])  # how many seen steps each origin has behind it
    smooth = _smoothing(packed)
    found = [Simple(f"smoothing {gain:g}", smooth[i][at]) for i, gain in enumerate(GAINS)]
    for width in WIDTHS:
        name = f"mean {width}" if width < 10**9 else "mean of all"
        found.append(Simple(name, _means(packed, width)[at]))
    for gain, turn, damping in TRENDS:
        level, slope = _damped_trend(packed, gain, turn, damping)
        found.append(Simple(f"damped trend {gain:g}", level[at], slope[at], damping))
    return found


def _smoothing(packed: Floats) -> Floats:
    gains = np.array(GAINS)[:, None]
    states = np.full((gains.size, packed.shape[0] + 1, packed.shape[1]), np.nan)
    level = np.zeros((gains.size, packed.shape[1]))
    for i, row in enumerate(packed):
        level = level + np.maximum(gains, 1 / (i + 1)) * (row - level)  # a plain mean until the gain takes over
        states[:, i + 1] = level
    return states


def _means(packed: Floats, width: int) -> Floats:
    total = np.concatenate([np.zeros((1, packed.shape[1])), np.cumsum(packed, axis=0)])
    end = np.arange(total.shape[0])
    start = np.maximum(end - width, 0)
    with np.errstate(invalid="ignore"):
        return np.asarray((total - total[start]) / (end - start)[:, None])


def _damped_trend(packed: Floats, gain: float, turn: float, damping: float) -> tuple[Floats, Floats]:
    levels = np.full((packed.shape[0] + 1, packed.shape[1]), np.nan)
    slopes = np.zeros_like(levels)
    level, slope = np.zeros(packed.shape[1]), np.zeros(packed.shape[1])
    for i, row in enumerate(packed):
        expected = level + damping * slope
        error = row - expected
        level = expected + max(gain, 1 / (i + 1)) * error
        slope = damping * slope + (turn if i > 14 else 0.0) * error
        levels[i + 1], slopes[i + 1] = level, slope
    return levels, slopes


@dataclass(frozen=True, slots=True)
class Grid:
    """Candidate structural models, variances relative to that of the noise of one step."""

    drift: Floats  # (G,) variance of the level's step
    share: Floats  # (G,) part of the noise that is autoregressive
    phi: Floats  # (G,)

    def take(self, index: Floats | list[int]) -> Grid:
        """The named candidates only."""
        return Grid(self.drift[index], self.share[index], self.phi[index])


def structural_grid() -> Grid:
    """Local level + AR(1) + noise: from a fixed level to a random walk, from white noise to slow weeks."""
    drifts = np.array([0.0, 0.01, 0.03, 0.07, 0.15, 0.35, 0.9]) ** 2
    noises = [(0.0, 0.0), (0.5, 0.6), (0.5, 0.9), (0.9, 0.4), (0.9, 0.7), (0.9, 0.85), (0.9, 0.95)]
    rows = [(drift, share, phi) for share, phi in noises for drift in drifts]
    rows += [(4.0, 0.0, 0.0), (25.0, 0.0, 0.0)]  # next to a pure random walk
    drift, share, phi = np.array(rows).T
    return Grid(drift, share, phi)


@dataclass(frozen=True, slots=True)
class Filtered:
    """Kalman states of every candidate at every origin (Harvey 1989, section 3.2; Durbin & Koopman 2012)."""

    grid: Grid
    level: Floats  # (G, T + 1, C)
    cycle: Floats  # (G, T + 1, C) the autoregressive part
    innovation: Floats  # (G, T, C) NaN where not seen
    variance: Floats  # (G, T) of the innovation, relative
    covariance: Floats  # (G, T + 1, 3): level, level-cycle, cycle


def kalman(x: Floats, seen: Bools, grid: Grid) -> Filtered:
    """Filter all columns of x (T, C) under all candidates with the gains that `seen` implies."""
    steps, columns = x.shape
    models = grid.phi.size
    level = np.empty((models, steps + 1, columns))
    cycle = np.empty_like(level)
    covariance = np.empty((models, steps + 1, 3))
    innovation = np.full((models, steps, columns), np.nan)
    variance = np.full((models, steps), np.nan)
    white, phi, phi2 = 1 - grid.share, grid.phi, grid.phi**2
    fresh = grid.share * (1 - phi2)
    first = x[int(np.argmax(seen))]
    m, a = np.tile(first, (models, 1)), np.zeros((models, columns))
    # A diffuse start: 100 noise variances around the first step seen.
    p, c, q = np.full(models, 100.0), np.zeros(models), grid.share.copy()
    for t in range(steps):
        level[:, t], cycle[:, t] = m, a
        covariance[:, t, 0], covariance[:, t, 1], covariance[:, t, 2] = p, c, q
        if seen[t]:
            to_level, to_cycle = p + c, c + q
            f = to_level + to_cycle + white
            v = x[t] - m - a
            innovation[:, t], variance[:, t] = v, f
            gain_m, gain_a = to_level / f, to_cycle / f
            m = m + gain_m[:, None] * v
            a = a + gain_a[:, None] * v
            p, c, q = p - gain_m * to_level, c - gain_m * to_cycle, q - gain_a * to_cycle
        a = phi[:, None] * a
        p, c, q = p + grid.drift, phi * c, phi2 * q + fresh
    level[:, steps], cycle[:, steps] = m, a
    covariance[:, steps] = np.stack([p, c, q], axis=1)
    return Filtered(grid, level, cycle, innovation, variance, covariance)


@dataclass(frozen=True, slots=True)
class Ahead:
    """Moments of the mean over a window `gap` steps after an origin, per candidate and relative to the noise."""

    carry: Floats  # (G,) how much of the cycle at the origin is left in the window's mean
    variance: Floats  # (G, T + 1)


def window_ahead(filtered: Filtered, gap: int, horizon: int) -> Ahead:
    """Forecast moments of the window's mean under each candidate."""
    grid = filtered.grid
    k = np.arange(gap, gap + horizon)
    carry = np.mean(grid.phi[:, None] ** k, axis=1)
    shared = np.minimum(k[:, None], k[None, :]).mean()  # random walk: cov of two steps is the nearer one's age
    fresh = np.zeros(grid.phi.size)
    for phi in np.unique(grid.phi[grid.share > 0]):
        apart = np.abs(k[:, None] - k[None, :])
        fresh[grid.phi == phi] = np.mean(phi**apart - phi ** (k[:, None] + k[None, :]))
    own = grid.drift * shared + grid.share * fresh + (1 - grid.share) / horizon
    p, c, q = np.moveaxis(filtered.covariance, 2, 0)
    return Ahead(carry, p + 2 * carry[:, None] * c + carry[:, None] ** 2 * q + own[:, None])
