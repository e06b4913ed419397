"""One-sided forecasters, each filtered once for all origins and for the series and its donors at the same time.

All of them are linear in the data with gains that depend only on which steps are seen; a regression on donors can
therefore be applied after filtering, with the coefficients known at each origin.
State at origin o uses the steps before o only.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
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
    turn: Floats  # (G,) variance of the slope's step; 0 = no slope
    prior: Floats  # (G,) weight before the data are seen

    def take(self, index: Floats | list[int]) -> Grid:
        """The named candidates only."""
        return Grid(self.drift[index], self.share[index], self.phi[index], self.turn[index], self.prior[index])

    @classmethod
    def of(cls, rows: list[tuple[float, float, float, float, float]]) -> Grid:
        """From rows of (drift, share, phi, turn, prior)."""
        drift, share, phi, turn, prior = np.array(rows).T
        return cls(drift, share, phi, turn, prior)


DAMPING = 0.98  # of slopes: a trend goes on for about fifty steps
DRIFTS = (0.0, 0.01, 0.03, 0.07, 0.15, 0.35, 0.9)  # sd of the level's step
NOISES = ((0.0, 0.0), (0.5, 0.6), (0.5, 0.9), (0.9, 0.4), (0.9, 0.7), (0.9, 0.85), (0.9, 0.95))
TURNS = (0.005, 0.02, 0.06)  # sd of the slope's step
RESTING = 5.0  # prior weight of a level that stays, against one that wanders
SLOPING = 0.5  # prior weight of a slope


def structural_grid() -> Grid:
    """Local level with damped slope + AR(1) + noise.

    From a fixed level to a random walk, from white noise to slow weeks; the candidates without a slope come first.
    """
    rows = [(drift**2, share, phi, 0.0, RESTING if drift == 0 else 1.0) for share, phi in NOISES for drift in DRIFTS]
    rows += [(4.0, 0.0, 0.0, 0.0, 1.0), (25.0, 0.0, 0.0, 0.0, 1.0)]  # next to a pure random walk
    noises = [NOISES[k] for k in (0, 2, 3, 5)]
    rows += [
        (drift**2, share, phi, turn**2, SLOPING) for share, phi in noises for drift in (0.0, 0.07) for turn in TURNS
    ]
    return Grid.of(rows)


@dataclass(frozen=True, slots=True)
class Filtered:
    """Kalman states of every candidate at every origin (Harvey 1989, section 3.2; Durbin & Koopman 2012)."""

    grid: Grid
    level: Floats  # (G, T + 1, C)
    slope: Floats  # (G, T + 1, C)
    cycle: Floats  # (G, T + 1, C) the autoregressive part
    innovation: Floats  # (G, T, C) NaN where not seen
    variance: Floats  # (G, T) of the innovation, relative
    covariance: Floats  # (G, T + 1, 6): level, slope, cycle, level-slope, level-cycle, slope-cycle


@dataclass(frozen=True, slots=True)
class _Gains:
    """What the filter does at each step: it depends on which steps are seen, not on what is seen there."""

    level: Floats  # (T, G, 1)
    slope: Floats
    cycle: Floats
    variance: Floats  # (G, T) NaN where not seen
    covariance: Floats  # (G, T + 1, 6)


def _gains(seen: Bools, grid: Grid) -> _Gains:
    parts = (grid.drift, grid.share, grid.phi, grid.turn)
    return _gains_of(seen.tobytes(), tuple(part.tobytes() for part in parts))


@lru_cache(maxsize=8)  # the series of a panel are mostly seen on the same days
def _gains_of(seen_steps: bytes, parts: tuple[bytes, ...]) -> _Gains:
    seen = np.frombuffer(seen_steps, bool)
    drift, share, phi, turn = (np.frombuffer(part) for part in parts)
    gains = np.zeros((3, seen.size, drift.size))
    covariance = np.empty((seen.size + 1, 6, drift.size))
    variance = np.full((seen.size, drift.size), np.nan)
    white, fresh = 1 - share, share * (1 - phi**2)
    slides = np.where(turn > 0, DAMPING, 0.0)
    # A diffuse start: 100 noise variances around the first step seen.
    p, s, q = np.full(drift.size, 100.0), turn / (1 - DAMPING**2), share.copy()
    ps, pc, sc = np.zeros(drift.size), np.zeros(drift.size), np.zeros(drift.size)
    for t in range(seen.size):
        covariance[t] = p, s, q, ps, pc, sc
        if seen[t]:
            to_level, to_slope, to_cycle = p + pc, ps + sc, pc + q
            f = to_level + to_cycle + white
            variance[t] = f
            gain_m, gain_b, gain_a = gains[:, t] = to_level / f, to_slope / f, to_cycle / f
            p, s, q = p - gain_m * to_level, s - gain_b * to_slope, q - gain_a * to_cycle
            ps, pc, sc = ps - gain_m * to_slope, pc - gain_m * to_cycle, sc - gain_b * to_cycle
        p, pc = p + 2 * ps + s + drift, phi * (pc + sc)
        ps, sc = slides * (ps + s), slides * phi * sc
        s, q = slides**2 * s + turn, phi**2 * q + fresh
    covariance[-1] = p, s, q, ps, pc, sc
    steps = gains[:, :, :, None]
    return _Gains(steps[0], steps[1], steps[2], variance.T, np.ascontiguousarray(np.moveaxis(covariance, 2, 0)))


def kalman(x: Floats, seen: Bools, grid: Grid) -> Filtered:
    """Filter all columns of x (T, C) under all candidates with the gains that `seen` implies."""
    steps, columns = x.shape
    models = grid.phi.size
    gains = _gains(seen, grid)
    states = np.empty((steps + 1, 3, models, columns))
    innovation = np.full((steps, models, columns), np.nan)
    slides, phi = np.where(grid.turn > 0, DAMPING, 0.0)[:, None], grid.phi[:, None]
    m = np.tile(x[int(np.argmax(seen))], (models, 1))
    b, a = np.zeros((models, columns)), np.zeros((models, columns))
    for t in range(steps):
        states[t] = m, b, a
        if seen[t]:
            v = x[t] - m - a
            innovation[t] = v
            m, b, a = m + gains.level[t] * v, b + gains.slope[t] * v, a + gains.cycle[t] * v
        m, b, a = m + b, slides * b, phi * a
    states[steps] = m, b, a
    level, slope, cycle = np.moveaxis(states, (1, 2), (0, 1))
    return Filtered(grid, level, slope, cycle, np.moveaxis(innovation, 1, 0), gains.variance, gains.covariance)


@dataclass(frozen=True, slots=True)
class Ahead:
    """Moments of the mean over a window `gap` steps after an origin, per candidate and relative to the noise."""

    reach: float  # how many steps of the slope at the origin are in the window's mean
    carry: Floats  # (G,) how much of the cycle at the origin is left in it
    variance: Floats  # (G, T + 1)
    wandering: Floats  # (G,) part of the variance at the last origin that is of the level, not of noise around it

    def level(self, filtered: Filtered) -> Floats:
        """(G, T + 1, C) forecast of the window's mean."""
        return np.asarray(filtered.level + self.reach * filtered.slope + self.carry[:, None, None] * filtered.cycle)


def window_ahead(filtered: Filtered, gap: int, horizon: int) -> Ahead:
    """Forecast moments of the window's mean under each candidate."""
    grid = filtered.grid
    k = np.arange(gap, gap + horizon)
    carry = np.mean(grid.phi[:, None] ** k, axis=1)
    slid = (1 - DAMPING ** np.arange(gap + horizon)) / (1 - DAMPING)  # what a slope adds to the level n steps on
    reach = float(slid[k].mean())
    shared = np.minimum(k[:, None], k[None, :]).mean()  # random walk: cov of two steps is the nearer one's age
    turned = np.array([slid[np.maximum(k - 1 - j, 0)].mean() for j in range(gap + horizon)])
    fresh = np.zeros(grid.phi.size)
    for phi in np.unique(grid.phi[grid.share > 0]):
        apart = np.abs(k[:, None] - k[None, :])
        fresh[grid.phi == phi] = np.mean(phi**apart - phi ** (k[:, None] + k[None, :]))
    moved = grid.drift * shared + grid.turn * float(np.sum(turned**2))
    own = moved + grid.share * fresh + (1 - grid.share) / horizon
    p, s, q, ps, pc, sc = np.moveaxis(filtered.covariance, 2, 0)
    c = carry[:, None]
    variance = p + reach**2 * s + c**2 * q + 2 * (reach * ps + c * pc + reach * c * sc)
    total = variance + own[:, None]
    return Ahead(reach, carry, total, (moved + p[:, -1] + reach**2 * s[:, -1]) / total[:, -1])
