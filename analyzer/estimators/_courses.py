"""The course of a change step by step, and paths of what chance and the unknown level could have added to it.

The engine says how well the level of each stretch of steps is known; the base says how single steps lie around their
level.  Paths of errors join both: a level that drifts away from what is known (a martingale whose variance grows as the
engine's does) and runs of the base's own deviations (moving-block bootstrap; Kunsch 1989, Annals of Statistics 17).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from scipy.special import ndtri

from analyzer.estimators._calendar import seasonal_factors

if TYPE_CHECKING:
    from analyzer.estimators._inputs import Bools
    from analyzer.records import Effect, Floats

DRAWS = 1000
RUN = 28  # steps drawn together; longer than the wandering of a step around its four-week level
FEWEST = 28  # deviations from which the noise of a step can be told
LEAST_OF_LEVEL = 0.1  # of the engine's variance that is ascribed to the level, however noisy single steps are


@dataclass(frozen=True, slots=True)
class Course:
    """Observed and expected per step from onset, with paths of the error of log(observed / expected)."""

    observed: Floats  # (n,) NaN = missing, or in a stretch without an estimate
    expected: Floats  # (n,)
    errors: Floats  # (draws, n)

    @property
    def seen(self) -> Bools:
        """Steps with a value and an expected level."""
        return np.isfinite(self.observed) & np.isfinite(self.expected)

    def log_ratio(self, offset: float) -> Floats:
        """(n,) log of observed over expected; `offset` keeps zeros of counts finite."""
        top, bottom = self.observed + offset, self.expected + offset
        there = self.seen & (top > 0) & (bottom > 0)
        return np.where(there, np.log(np.where(there, top, 1.0) / np.where(there, bottom, 1.0)), np.nan)


def course(stretches: Sequence[tuple[int, Effect]], deviations: Floats, level: float, seed: int) -> Course:
    """stretches: (first step after onset, effect) in order; deviations: log deviations of the base's steps.

    Steps between stretches are missing.
    """
    size = max(start + effect.steps.size for start, effect in stretches)
    observed, expected = np.full(size, np.nan), np.full(size, np.nan)
    for start, effect in stretches:
        observed[start : start + effect.steps.size] = effect.steps
        expected[start : start + effect.steps.size] = effect.expected_steps
    draw = np.random.default_rng(seed)
    noise = _noise(deviations, size, draw)
    return Course(observed, expected, noise + _level_paths(stretches, noise, level, draw))


def half_width(effect: Effect) -> float:
    """Half the interval of the log ratio; infinite where a bound is open."""
    if not (effect.expected_low > 0 and np.isfinite(effect.expected_high)):
        return float("inf")
    return float(np.log(effect.expected_high / effect.expected_low)) / 2


def base_deviations(base: Floats, season: int, offset: float) -> Floats:
    """Log deviations of the steps of a base from their four-week level, cycle of the season taken out; gaps closed.

    Centred so that factors average 1, as expected values are means and not medians.
    base: (n,) NaN = missing or masked.
    """
    known = np.where(base + offset > 0, base, np.nan)
    z = np.log(known + offset)
    season = season if z.size >= 2 * season else 1
    z = z - seasonal_factors(z, season)[np.arange(z.size) % season]
    z = z[np.isfinite(z)]
    if z.size < FEWEST:
        return np.empty(0)
    half = min(max(RUN, season) // 2, z.size // 4)
    padded = np.pad(z, half, mode="reflect")
    deviations = z - sliding_window_view(padded, 2 * half + 1).mean(axis=1)
    return np.asarray(deviations - np.log(np.mean(np.exp(deviations))))


def _noise(deviations: Floats, size: int, draw: np.random.Generator) -> Floats:
    """(draws, size) runs of the base's deviations put end to end."""
    run = min(RUN, deviations.size // 2)
    runs = -(-size // run)
    first = draw.integers(0, deviations.size - run + 1, (DRAWS, runs))
    return np.asarray(deviations[first[:, :, None] + np.arange(run)].reshape(DRAWS, -1)[:, :size])


def _level_paths(
    stretches: Sequence[tuple[int, Effect]], noise: Floats, level: float, draw: np.random.Generator
) -> Floats:
    """(draws, size) errors of the level: what the engine's variance holds beyond the noise of a stretch's mean."""
    centres, variances = [], []
    for start, effect in stretches:
        stretch = slice(start, start + effect.steps.size)
        variance = (half_width(effect) / float(ndtri(0.5 + level / 2))) ** 2
        centres.append(start + (effect.steps.size - 1) / 2)
        variances.append(max(variance - float(noise[:, stretch].mean(axis=1).var()), LEAST_OF_LEVEL * variance))
    grown = np.maximum.accumulate(variances)
    path = np.interp(np.arange(noise.shape[1]), centres, grown)
    growth = np.diff(path, prepend=0.0)
    return np.asarray(np.cumsum(draw.standard_normal(noise.shape) * np.sqrt(growth), axis=1))


def window_ratios(found: Course, width: int, fewest: int) -> tuple[Floats, Floats]:
    """Ratio of the totals of the `width` steps that begin at each step: (m,) as observed, (draws, m) without errors.

    NaN where fewer than `fewest` of the steps are seen.
    """
    seen = found.seen
    top, bottom = np.where(seen, found.observed, 0.0), np.where(seen, found.expected, 0.0)
    count, total, base = (_sums(values, width) for values in (seen.astype(float), top, bottom))
    known = (count >= fewest) & (base > 0)
    base = np.where(known, base, np.nan)
    drawn = _sums(top * np.exp(-np.clip(found.errors, -30, 30)), width)
    return total / base, drawn / base


def _sums(values: Floats, width: int) -> Floats:
    running = np.cumsum(values, axis=-1)
    running = np.concatenate([np.zeros((*values.shape[:-1], 1)), running], axis=-1)
    return np.asarray(running[..., width:] - running[..., :-width])
