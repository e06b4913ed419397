"""The question asked again at every earlier origin: what each forecaster would have said, and how wrong it was.

Placebo in time: at origin o the forecasters know the steps before o and foretell the total of the window that starts
`gap` steps later and is as long as the one asked about (Tashman 2000 on rolling origins; Cattaneo, Feng & Titiunik
2021 on prediction intervals from such errors).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from analyzer.estimators._donors import Regression, posterior, regress
from analyzer.estimators._filters import Ahead, Filtered, kalman, simple_forecasters, structural_grid, window_ahead

if TYPE_CHECKING:
    from analyzer.estimators._inputs import Bools
    from analyzer.estimators._scales import Measure
    from analyzer.records import Floats

WHITENERS = (
    0,
    2,
    4,
    6,
    14,
    18,
    35,
    37,
    39,
    49,
    51,
    53,
    64,
)  # candidates spread over the grid; with donors the grid is coarser
PLACEBO_OBSERVED = 0.5  # of a placebo window's steps


@dataclass(frozen=True, slots=True)
class Windows:
    """Every window of the horizon's length, by its first step."""

    link: Floats  # (S,) level of the window's total on the modelling scale, season and holidays taken out
    donors: Floats  # (S, K) mean of each donor over the steps the window has
    seen: Floats  # (S,) steps observed
    total: Floats  # (S,)
    weight: Floats  # (S,)


def windows(measure: Measure, factors: Floats, usable: Bools, donors: Floats, horizon: int) -> Windows:
    """Sums over all windows, by differences of running sums."""
    seen = usable & np.isfinite(measure.top)
    if measure.is_share:
        seen = seen & np.isfinite(measure.bottom)
        weights = np.where(seen, np.where(np.isfinite(measure.bottom), measure.bottom, 0.0), 0.0)
        shift = _sums(weights * factors, horizon) / np.maximum(_sums(weights, horizon), 1e-300)
    else:
        weights = np.where(seen, np.exp(factors), 0.0)
        shift = np.zeros(factors.size - horizon + 1)
    count = _sums(seen.astype(float), horizon)
    total = np.maximum(_sums(np.where(seen, measure.top, 0.0), horizon), 0.0)
    weight = _sums(weights, horizon)
    some = count > 0.5
    link = np.full(count.size, np.nan)
    link[some] = measure.window_link(total[some], weight[some]) - shift[some]
    means = np.stack([_sums(np.where(seen, column, 0.0), horizon) for column in donors.T], axis=1)
    return Windows(link, means / np.maximum(count, 1)[:, None], count, total, weight)


def _sums(values: Floats, horizon: int) -> Floats:
    running = np.concatenate([[0.0], np.cumsum(values)])
    return np.asarray(running[horizon:] - running[:-horizon])


@dataclass(frozen=True, slots=True)
class Forecasts:
    """What every member says at every origin about the window `gap` steps later."""

    names: tuple[str, ...]
    level: Floats  # (M, O) on the modelling scale
    variance: Floats  # (O,) of the window's level under the structural models, coefficients' uncertainty included
    wandering: float  # part of that variance at the last origin that is of the level, not of noise around it
    recent: Floats  # (O,) recent squared one-step errors relative to the usual ones


def forecast(x: Floats, seen: Bools, movement: Floats, gap: int, horizon: int, *, common: bool = False) -> Forecasts:
    """Forecasts at origins 0 .. T.

    x: (T, 1 + K) series and donors before the base's end; movement: (T + 1, K) donors' mean over the window that
    belongs to each origin, NaN where it is not known.  common: the last donor is the mean of the others.
    """
    simple = simple_forecasters(x, seen)
    filtered = kalman(x[:, :1], seen, structural_grid())
    weight, noise = _likelihood(filtered, seen)
    ahead = window_ahead(filtered, gap, horizon)
    plain = _plain_structural(filtered, ahead, weight, noise)
    names = [member.name for member in simple]
    levels = [member.ahead(gap, horizon) for member in simple]
    rows = [level[:, 0] for level in levels] + [plain[0]]
    variance = plain[1]
    if x.shape[1] > 1:
        with_donors = _with_donors(x, seen, movement, (gap, horizon), common=common)
        rows += [level[:, 0] + np.sum((movement - level[:, 1:]) * with_donors.coefficients, axis=1) for level in levels]
        rows.append(with_donors.level)
        variance = with_donors.variance
        names = [*names, "structural", *(f"{name}, donors" for name in names), "structural, donors"]
    else:
        names = [*names, "structural"]
    recent = _recent(filtered, weight, noise, seen)
    return Forecasts(tuple(names), np.stack(rows), variance, float(weight @ ahead.wandering), recent)


def _likelihood(filtered: Filtered, seen: Bools) -> tuple[Floats, Floats]:
    """Posterior weight and noise variance of every candidate; the first week only sets the level."""
    late = seen & (np.cumsum(seen) > min(7, int(seen.sum()) // 2))
    squares = filtered.innovation[:, late, 0] ** 2 / filtered.variance[:, late]
    noise = squares.mean(axis=1) + 1e-12
    spread = np.log(filtered.variance[:, late]).sum(axis=1)
    likelihood = -0.5 * late.sum() * np.log(noise) - 0.5 * spread
    return posterior(likelihood + np.log(filtered.grid.prior)), noise


def _plain_structural(filtered: Filtered, ahead: Ahead, weight: Floats, noise: Floats) -> tuple[Floats, Floats]:
    """Mean and variance, at every origin, of the mixture of candidates."""
    each = ahead.level(filtered)[:, :, 0]
    mean = weight @ each
    return mean, weight @ (ahead.variance * noise[:, None] + (each - mean) ** 2)


def _recent(filtered: Filtered, weight: Floats, noise: Floats, seen: Bools) -> Floats:
    """(T + 1,) smoothed squared one-step errors of the likeliest candidate, each capped at 25 times the usual."""
    best = int(np.argmax(weight))
    square = filtered.innovation[best, :, 0] ** 2 / filtered.variance[best] / noise[best]
    recent = np.ones(seen.size + 1)
    for t in range(seen.size):
        recent[t + 1] = recent[t] + (0.1 * (min(square[t], 25.0) - recent[t]) if seen[t] and t > 2 else 0.0)
    return recent


@dataclass(frozen=True, slots=True)
class WithDonors:
    """The structural model with donors."""

    level: Floats  # (O,)
    variance: Floats  # (O,)
    coefficients: Floats  # (O, K) averaged over candidates, of the past of each origin only


def _with_donors(x: Floats, seen: Bools, movement: Floats, reach: tuple[int, int], *, common: bool) -> WithDonors:
    filtered = kalman(x, seen, structural_grid().take(list(WHITENERS)))
    fit = regress(filtered, seen, common=common)
    ahead = window_ahead(filtered, *reach)
    state = ahead.level(filtered)
    kept = np.flatnonzero(fit.weight > 1e-3 * fit.weight.max())  # the rest cannot show in any digit
    share = fit.weight[kept] / fit.weight[kept].sum()
    each, variance = zip(*(_pair(fit, int(pair), state, movement, ahead) for pair in kept), strict=True)
    level = share @ np.stack(each)
    between = share @ (np.stack(each) - level) ** 2
    coefficients = np.einsum("p,prk->rk", share, fit.coefficients[kept])[fit.at]
    return WithDonors(level, share @ np.stack(variance) + between, coefficients)


def _pair(fit: Regression, pair: int, state: Floats, movement: Floats, ahead: Ahead) -> tuple[Floats, Floats]:
    """Level and variance at every origin for one (candidate, penalty) pair."""
    model = int(fit.candidate[pair])
    moved = movement - state[model, :, 1:]
    level = state[model, :, 0] + np.sum(moved * fit.coefficients[pair][fit.at], axis=1)
    learnt = np.einsum("ok,okl,ol->o", moved, fit.covariance[pair][fit.at], moved)
    return level, (ahead.variance[model] + learnt) * fit.noise[pair]
