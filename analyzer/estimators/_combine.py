"""From the errors of the replay to one forecast with an honest interval.

Members are averaged with weights from their placebo errors (Bates & Granger 1969); the error of the average is measured
with weights learnt elsewhere; its variance is squeezed towards what the structural model implies, or what other series
showed (Smyth 2004), and scaled by how restless the last weeks were.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import polygamma, stdtrit

from analyzer.estimators._replay import PLACEBO_OBSERVED

if TYPE_CHECKING:
    from analyzer.estimators._events import Base
    from analyzer.estimators._replay import Forecasts, Windows
    from analyzer.records import Floats, Ints, Pool

# All settings below were chosen on simulated series and on real ones other than Tor's; docs/method.md says which.
REPLICATIONS = 5  # disjoint windows; with fewer, a variance of one's own is a guess
OTHERS = 12.0  # prior squared error of the simple forecasters relative to the structural model's
PLAIN = 3.0  # the same of the structural model without donors, where there are any
SHARPNESS = 2.0  # weights are (mean squared error) ** -2: close to the best, never one alone
PRIOR_MEMBER = 20.0  # pseudo-replications behind that prior order of the members
PRIOR_DF = 16.0  # degrees of freedom of the structural variance
UNSEEN = 1.2  # what a window far away, for the length of the base, may bring that the base has not shown
FLATTERY = 0.8  # by how much errors shrink because weights, season and shift were learnt from the same windows
WANDERING = 0.15  # the same for a level that wanders: how much it does is learnt from few moves
OWN_TAIL = 20  # replications at which the quantile of one's own errors counts as much as Student's
RESTLESS = 0.4  # exponent of recent squared one-step errors in the variance
DRAWS = 2000  # of the bootstrap of wild steps
RUN = 3  # steps drawn together: holidays and faults last up to a few days
DISAGREE = 0.7  # part of the members' disagreement at an origin that adds to its variance


@dataclass(frozen=True, slots=True)
class Placebos:
    """The replay of one question."""

    errors: Floats  # (M, N) of every member at every placebo origin, without wild steps
    wild: Floats  # (N,) what the wild steps of each placebo window add to its total
    variance: Floats  # (N,) under the structural model, recent restlessness included
    level: Floats  # (M,) forecasts for the window asked about
    level_variance: float
    reach: float  # (gap + horizon) over the length of the base
    levels: Floats  # (M, N) forecasts at the placebo origins
    horizon: int
    gap: int
    wandering: float  # part of the structural variance that is of the level
    phases: float  # variance factor of a cycle learnt from the very windows it is judged on
    starts: Ints  # (N,) first step of each placebo window

    @property
    def replications(self) -> int:
        """Disjoint placebo windows."""
        count = self.errors.shape[1]
        return (count - 1) // self.horizon + 1 if count else 0

    @property
    def freedom(self) -> float:
        """Degrees of freedom: overlapping windows hold about half as much again as disjoint ones."""
        return 1.5 * int(self.errors.shape[1]) / (self.horizon + 0.5 * self.gap + 3)


def first_origin(length: int, gap: int, horizon: int, season: int) -> int:
    """Steps before the first origin: enough to know a level, few enough to leave five disjoint windows."""
    room = length - gap - horizon - (REPLICATIONS - 1) * horizon
    return int(np.clip(room, 2 * min(season, 7), max(4 * min(season, 7), min(56, length // 3))))


def gather(
    made: Forecasts, seen: Windows, wild: Floats, base: Base, *, horizon: int, season: int, jensen: float
) -> Placebos:
    """Errors at the origins whose window lies inside the base and is seen for the greater part."""
    end, gap = base.end, base.gap
    origins = np.arange(base.start, max(end - gap - horizon, base.start - 1) + 1)
    starts = origins + gap
    known = np.isfinite(seen.link[starts]) & (seen.seen[starts] >= max(1.0, PLACEBO_OBSERVED * horizon))
    known &= np.isfinite(made.level[:, origins]).all(axis=0)
    preferred = known & (origins >= base.start + first_origin(base.length, gap, horizon, season))
    if preferred.sum() <= (REPLICATIONS - 1) * horizon:  # holes in the base: begin as early as a level can be known
        preferred = known & (origins >= base.start + 2 * min(season, 7))
    origins, starts = origins[preferred], starts[preferred]
    level = made.level + jensen
    variance = made.variance * np.clip(made.recent, 0.3, 9.0) ** RESTLESS
    errors = seen.link[starts] - level[:, origins]
    return Placebos(
        errors,
        wild[starts],
        variance[origins],
        level[:, end],
        float(variance[end]),
        (gap + horizon) / base.length,
        level[:, origins],
        horizon,
        gap,
        made.wandering,
        _learnt_cycle(base.length, horizon, season),
        starts,
    )


def _learnt_cycle(length: int, horizon: int, season: int) -> float:
    """What the replay leaves out: a cycle learnt from m seasons holds an m-th of each window's own noise."""
    inside = season / length if season > 1 else 0.0
    missed = max(season - horizon, 0) / season  # a window of whole seasons does not see the cycle
    return 1 + missed * ((1 + inside) / (1 - min(inside, 0.5)) ** 2 - 1)


@dataclass(frozen=True, slots=True)
class Combined:
    """The forecast of the window on the modelling scale."""

    centre: float
    deviation: float
    quantile: float  # Student's, two-sided at the level asked for
    weights: Floats  # (M,)
    errors: Floats  # (N,) of the average, with weights learnt elsewhere, wild steps included
    standardised: Floats  # (N,) the same divided by their own deviations
    usual_deviation: float  # of a window of this length, whatever donors did in this one
    freedom: float
    ratio: float  # squeezed variance over the structural one


def combine(placebos: Placebos, standing: Floats, pool: Pool | None, level: float) -> Combined:
    """Average, correct, squeeze.  standing: (M,) prior squared errors of the members, of `standing`."""
    weights = _weights(placebos, standing)
    errors = _errors_elsewhere(placebos, standing)
    disagreement = weights @ (placebos.levels - weights @ placebos.levels) ** 2
    variance = placebos.variance + DISAGREE * disagreement + 1e-300
    freedom = max(placebos.freedom, 1.0) if errors.size else 0.0
    shift = _shrunk_bias(errors, variance, freedom)
    prior, prior_df = _prior(pool, placebos.reach)
    if errors.size:  # the prior is about the structural variance; disagreement is already more than that
        prior *= float(np.median(placebos.variance) / np.median(variance)) ** 0.5
    # The fewer windows there are, the more flattering the errors.
    flattery = 1 + FLATTERY * (placebos.horizon + 0.5 * placebos.gap) / max(errors.size, 1)
    own = flattery * float(np.mean((errors - shift) ** 2 / variance)) if errors.size else 0.0
    ratio = (freedom * own + prior_df * prior) / (freedom + prior_df)
    ratio *= 1 + WANDERING * placebos.wandering
    centre = float(weights @ placebos.level)
    now = placebos.level_variance + DISAGREE * float(weights @ (placebos.level - centre) ** 2)
    usual = float(np.median(variance)) if errors.size else now
    df = freedom + prior_df
    return Combined(
        centre + shift,
        float(np.sqrt(ratio * now * placebos.phases)),
        _quantile(df, level, (errors - shift) / np.sqrt(own * variance / flattery + 1e-300), placebos, pool),
        weights,
        errors + placebos.wild,
        (errors - shift) / np.sqrt(ratio * variance),
        float(np.sqrt(ratio * usual * placebos.phases)),
        df,
        own,
    )


def standing(names: Sequence[str]) -> Floats:
    """(M,) squared errors of the members before any is seen, relative to those of the structural model.

    The structural model with donors holds that without them as a special case.
    """
    best = "structural, donors" if "structural, donors" in names else "structural"
    return np.array([1.0 if name == best else PLAIN if name == "structural" else OTHERS for name in names])


def _scores(squares: Floats, count: Floats | float, placebos: Placebos, standing: Floats) -> Floats:
    """Mean standardised squared errors, shrunk to the prior order of members."""
    effective = count / (placebos.horizon + 0.5 * placebos.gap)
    if np.ndim(squares) == 2:
        standing = standing[:, None]
    mean = squares / np.maximum(count, 1)
    usual = np.median(mean, axis=0) + 1e-300  # the scale of the errors, so that the prior is about order only
    return np.asarray((effective * mean + PRIOR_MEMBER * standing * usual) / (effective + PRIOR_MEMBER))


def _to_weights(scores: Floats) -> Floats:
    raw = (scores / scores.min(axis=0)) ** -SHARPNESS
    return np.asarray(raw / raw.sum(axis=0))


def _weights(placebos: Placebos, standing: Floats) -> Floats:
    squares = np.sum(placebos.errors**2 / (placebos.variance + 1e-300), axis=1)
    return _to_weights(_scores(squares, float(placebos.errors.shape[1]), placebos, standing))


def _errors_elsewhere(placebos: Placebos, standing: Floats) -> Floats:
    """(N,) errors of the average whose weights come from windows that share no step with the one judged."""
    count = placebos.errors.shape[1]
    if count == 0:
        return np.empty(0)
    running = np.cumsum(placebos.errors**2 / (placebos.variance + 1e-300), axis=1)
    running = np.concatenate([np.zeros((running.shape[0], 1)), running], axis=1)
    at = np.arange(count)
    low, high = np.maximum(at - placebos.horizon, 0), np.minimum(at + placebos.horizon, count)
    elsewhere = np.maximum(running[:, -1:] - (running[:, high] - running[:, low]), 0.0)
    weights = _to_weights(_scores(elsewhere, (count - (high - low)).astype(float), placebos, standing))
    return np.asarray(np.sum(weights * placebos.errors, axis=0))


def _shrunk_bias(errors: Floats, variance: Floats, freedom: float) -> float:
    """The mean placebo error, shrunk by its own uncertainty."""
    if errors.size == 0:
        return 0.0
    weight = 1 / variance
    mean = float(np.sum(weight * errors) / np.sum(weight))
    doubt = float(np.sum(weight * (errors - mean) ** 2) / np.sum(weight)) / max(freedom / 1.5, 1.0)
    return mean * mean**2 / (mean**2 + doubt + 1e-300)


def _prior(pool: Pool | None, reach: float) -> tuple[float, float]:
    """Prior variance ratio and its degrees of freedom: moments of log variances of the pool (Smyth 2004, section 6)."""
    unseen = 1.0 + UNSEEN * min(reach, 0.5)
    if pool is None or pool.scales.size < 5:
        return unseen, PRIOR_DF
    half = max(pool.replications, 1.0) / 2
    excess = float(np.var(pool.scales, ddof=1)) - float(polygamma(1, half))
    prior_df = 2 * inverse_trigamma(max(excess, 0.05))
    centre = float(np.mean(pool.scales)) - float(polygamma(0, half)) + float(np.log(half))
    shrink = float(polygamma(0, prior_df / 2)) - float(np.log(prior_df / 2))
    # Lenders were quiet when they lent: they may say that variances are larger than the model's, not that they are
    # smaller, and lend at most 12 degrees of freedom (bench/placebo_tor.py: without, 6.3 % false positives for 4.7 %).
    return unseen * max(float(np.exp(centre + shrink)), 1.0), float(np.clip(prior_df, 2.0, 12.0))


def inverse_trigamma(value: float) -> float:
    """Newton's iteration of Smyth (2004), appendix."""
    y = 0.5 + 1 / value
    for _ in range(20):
        tri = float(polygamma(1, y))
        y += tri * (1 - tri / value) / float(polygamma(2, y))
    return y


def _quantile(df: float, level: float, standardised: Floats, placebos: Placebos, pool: Pool | None) -> float:
    """Student's quantile, drawn in logs towards the quantile that standardised errors really had.

    One's own errors count for more the more disjoint windows there are; errors lent by other series count as 30.
    """
    student = float(stdtrit(df, 0.5 + level / 2))
    effective = standardised.size / (placebos.horizon + 0.5 * placebos.gap)
    pull = _towards(student, standardised, level, effective / (effective + OWN_TAIL))
    if pool is not None and pool.errors.size >= 200:
        pull += _towards(student, pool.errors, level, 30 / (50 + effective))
    return student * float(np.exp(pull))


def _towards(student: float, standardised: Floats, level: float, weight: float) -> float:
    if standardised.size < 20:
        return 0.0
    seen = float(np.quantile(np.abs(standardised), level))
    return weight * float(np.log(np.clip(seen / student, 0.7, 2.0)))


def spread_of_total(
    found: Combined, deviation: float, wild: Floats, *, horizon: int, level: float, seed: int
) -> tuple[float, float, float]:
    """Lower bound, middle and upper bound of the window's level, relative to the forecast.

    Student's distribution plus what wild steps add: they are kept out of levels and errors, and come back as a
    bootstrap of short runs, so that rare tall steps widen the side on which they stand.
    wild: (n,) what each seen step of the base stands out by, on the modelling scale; mostly 0.
    """
    half = found.quantile * deviation
    if not wild.any():
        return -half, 0.0, half
    draw = np.random.default_rng(seed)
    grid = (np.arange(DRAWS) + 0.5) / DRAWS
    width = found.quantile / float(stdtrit(found.freedom, 0.5 + level / 2)) * deviation
    smooth = width * stdtrit(found.freedom, draw.permutation(grid))
    added = np.expm1(np.clip(wild, -20, 20))
    runs = -(-horizon // RUN)
    first = draw.integers(0, added.size, (DRAWS, runs))
    steps = added[(first[:, :, None] + np.arange(RUN)) % added.size].reshape(DRAWS, -1)[:, :horizon]
    jumps = np.log1p(np.maximum(steps.mean(axis=1), -1 + 1e-9))
    low, middle, high = np.quantile(smooth + jumps, [(1 - level) / 2, 0.5, (1 + level) / 2])
    return float(low), float(middle), float(high)
