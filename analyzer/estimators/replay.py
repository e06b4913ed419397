"""Counterfactual totals by replay: forecasters are judged on every earlier window of the same length.

Cheap one-sided forecasters and a structural model (local level, autoregressive noise), each with and without donors,
say at every past origin what the following window would bring.  Their errors choose the weights of an average and the
width of its interval.  The interval speaks of the size of the change, not of its cause.

Sources: Brodersen et al. 2015 (Annals of Applied Statistics 9, structural counterfactuals); Bates & Granger 1969
(combination); Tashman 2000 (rolling origins); Smyth 2004 (squeezed variances); Cattaneo, Feng & Titiunik 2021
(prediction intervals for counterfactuals); Harvey 1989 (structural models).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from analyzer.errors import NotEnoughData
from analyzer.estimators import _bounds, _calendar, _censored, _donors, _events, _gaps, _scales
from analyzer.estimators._combine import REPLICATIONS, Combined, Placebos, combine, gather, spread_of_total, standing
from analyzer.estimators._declaration import Estimator
from analyzer.estimators._filters import simple_forecasters
from analyzer.estimators._inputs import (
    Arrays,
    Blocks,
    Estimand,
    Options,
    Question,
    ScaleName,
    ask,
    require_base,
    require_window,
)
from analyzer.estimators._replay import PLACEBO_OBSERVED, Forecasts, Windows, forecast, windows
from analyzer.estimators._scales import Measure, censored_steps
from analyzer.estimators._setting import Setting, setting_of
from analyzer.records import Effect, PlaceboWindows

if TYPE_CHECKING:
    import numpy.typing as npt

    from analyzer.estimators._events import Base
    from analyzer.estimators._inputs import Bools
    from analyzer.records import Floats, Pool

DETECTED = 0.84  # normal quantile of 80 % power


def estimate_effect(
    y: npt.ArrayLike,
    onset: int,
    horizon: int,
    *,
    donors: npt.ArrayLike | None = None,
    other_events: Sequence[Sequence[int]] = (),
    donor_events: Sequence[Sequence[Sequence[int]]] = (),
    pool: Pool | None = None,
    anticipation: int = 0,
    season: int = 7,
    scale: ScaleName = "count",
    censored: npt.ArrayLike | None = None,
    exposure: npt.ArrayLike | None = None,
    holidays: npt.ArrayLike | None = None,
    estimand: Estimand = "no_block_since_base",
    level: float = 0.95,
    seed: int = 0,
) -> Effect:
    """By how much the total over `horizon` steps from `onset` differs from what would have been expected.

    y: (T,) one value per step, NaN = missing; for `share` the numerator of `exposure`, or shares between 0 and 1
    (zeros and ones alone are numerators); for `rank` lower is better, 1 is the best and the ratio is one of ranks; for
    `index` zeros are values below the threshold, for `level` (traffic, connectivity: measured, not counted) zeros.
    onset: index of the first wholly exposed step.  horizon: number of steps of the window.
    donors: (T, K) series without the block, NaN = missing; (K, T) when only that fits.
    other_events, donor_events: half-open (start, end) index pairs of other blocks, one sequence per donor.
    pool: placebo errors lent by other series (analyzer.panel).  anticipation: steps before onset kept out of the base.
    season: 7 for days, 168 for hours (24 with under three weeks of history), 52 for weeks, 1 for none.
    censored: (T,) steps beyond the chart (`rank`) or below the threshold (`index`); their y is
    the bound, or NaN where it is the end of the chart.  holidays: (T,) known multiplicative days.
    exposure: (T,) denominators of a `share`; with `count` y is a rate of it: expected = exposure x rate, so that the
    ratio is one of rates at the exposure observed.  Steps without a denominator are missing.
    estimand: `no_block_since_base` freezes the base before the first of a chain of blocks that runs into this one;
    `just_before` starts from the path just before.  level: of the interval.  seed: of the bootstrap of wild steps.

    Totals are over the observed steps of the window, in the unit of y (numerators for a share with exposure).  Ends are
    open (0 or infinite) where a rank or an index is known as a bound only: most of the base or of the window beyond the
    chart or below the threshold, or most of the window at rank 1; and where a share or rate may have had no case at
    all.  The warnings say so.
    Raises ValueError for arguments that cannot be meant, and NotEnoughData where nothing honest can be said: no level
    to start from, under 80 % of the window observed, fewer than 5 disjoint replications and no pool.
    """
    arrays = Arrays(y, donors, censored, exposure, holidays)
    blocks = Blocks(other_events, donor_events, anticipation, estimand)
    asked = ask(onset, horizon, arrays, blocks, Options(pool, season, scale, level, seed))
    question = _scales.settled(asked)
    require_window(question)
    question, notes = _gaps.prepared(question)
    effect = _gaps.bounded(question, _answer(question))
    return replace(effect, warnings=(*notes, *effect.warnings))


def _answer(question: Question) -> Effect:
    base = _events.base_of(question)
    seen = np.isfinite(question.y) & ~base.masked
    if _bounds.mostly_censored(question, base, seen):
        return _bounds.one_sided(question, base, _estimated)
    _require_base(question, base, seen)
    found = [_estimated(filled, base) for filled in _censored.completed(question, base)]
    return _censored.opened(_censored.pooled(found, question), question)


def _estimated(question: Question, base: Base) -> Effect:
    """The effect of a question without censored steps."""
    setting = setting_of(question, base)
    setting = replace(setting, donors=_parted(setting))
    placebos, made = _replayed(setting)
    if placebos.replications < REPLICATIONS and question.pool is None:
        raise NotEnoughData(_too_few(placebos, base, question))
    found = combine(placebos, standing(made.names), question.pool, question.level)
    return _effect(setting, placebos, found, made.names)


@dataclass(frozen=True, slots=True)
class PlaceboErrors:
    """What one series can lend to a pool."""

    errors: Floats  # (N,) standardised errors of window totals
    log_variance: float  # of the series' own placebo variance relative to its structural one
    replications: float


def placebo_errors(
    y: npt.ArrayLike, end: int, horizon: int, *, other_events: Sequence[Sequence[int]] = (), season: int = 7
) -> PlaceboErrors:
    """Standardised placebo errors of a series before step `end`, to be lent to others.

    y: (T,) counts, NaN = missing; only steps before `end` are read.  Raises NotEnoughData where fewer than two
    disjoint windows can be replayed.
    """
    before = np.asarray(y, dtype=float)[:end]
    padded = np.concatenate([before, np.full(1, np.nan)])
    past = [event for event in other_events if event[0] < end]
    blocks = Blocks(past, estimand="just_before")
    question = ask(end, horizon, Arrays(padded), blocks, Options(season=season))
    base = _events.base_of(question)
    require_base(question.y[: base.end], (np.isfinite(question.y) & ~base.masked)[: base.end])
    placebos, made = _replayed(setting_of(question, base))
    if placebos.replications < 2:
        raise NotEnoughData(f"{placebos.replications} disjoint replications to lend; 2 needed")
    found = combine(placebos, standing(made.names), None, 0.95)
    return PlaceboErrors(found.standardised, float(np.log(max(found.ratio, 1e-6))), placebos.freedom)


def _parted(setting: Setting) -> _donors.Donors:
    """The donors without those that parted from the others in the window."""
    if setting.donors.z.shape[1] < 3:
        return setting.donors
    kept = _donors.without_broken(setting.donors, _movements(setting, _windows(setting)))
    return _donors.with_mean(kept, setting.base.end)


def _replayed(setting: Setting) -> tuple[Placebos, Forecasts]:
    question, base = setting.question, setting.base
    seen, calm = _windows(setting), _windows(setting, _calm(setting))
    x = np.column_stack([setting.z, setting.donors.z[: base.end]])
    movement = _by_origin(seen.donors[:, 1:], base, question)
    made = forecast(x, setting.seen, movement, base.gap, question.horizon, common=setting.donors.common)
    # Totals of counts stand above the mean of logs; the distance is the same for all forecasters and nearly constant.
    inside = slice(0, max(base.end - question.horizon + 1, 0))
    distance = (calm.link - calm.donors[:, 0])[inside][seen.seen[inside] >= PLACEBO_OBSERVED * question.horizon]
    placebos = gather(
        made,
        calm,
        seen.link - calm.link,
        base,
        horizon=question.horizon,
        season=setting.season,
        jensen=float(np.mean(distance)) if distance.size else 0.0,
    )
    return placebos, made


def _calm(setting: Setting) -> Measure:
    """The measure with the wild steps of the base put back among their neighbours."""
    measured, end = setting.measure, setting.base.end
    wild = np.concatenate([setting.wild, np.zeros(setting.factors.size - end)])
    return replace(measured, top=np.where(wild != 0, measured.unlink(measured.link() - wild), measured.top))


def _windows(setting: Setting, measured: Measure | None = None) -> Windows:
    steps = setting.factors.size
    z = np.concatenate([setting.z, np.zeros(steps - setting.z.size)])
    columns = np.column_stack([z, setting.donors.z])
    return windows(measured or setting.measure, setting.factors, setting.usable, columns, setting.question.horizon)


def _by_origin(values: Floats, base: Base, question: Question) -> Floats:
    """(end + 1, K) rows for origins 0 .. end of values indexed by the window's first step."""
    starts = np.arange(base.end + 1) + base.gap
    found = np.full((base.end + 1, values.shape[1]), np.nan)
    there = starts < values.shape[0]
    found[there] = values[starts[there]]
    assert starts[-1] == question.onset  # noqa: S101 - the last origin is the question itself
    return found


def _movements(setting: Setting, seen: Windows) -> Floats:
    """Moves of each donor from its recent level to the windows of all origins; the last row is the question's."""
    base, question = setting.base, setting.question
    recent = simple_forecasters(setting.donors.z[: base.end], np.ones(base.end, bool))[2].level
    moved = _by_origin(seen.donors[:, 1:], base, question) - recent
    last = base.end - base.gap - question.horizon
    earlier = moved[base.start + 14 : max(last + 1, base.start + 14)]
    return np.concatenate([earlier[np.isfinite(earlier).all(axis=1)], moved[-1:]])


def _require_base(question: Question, base: Base, seen: Bools) -> None:
    try:
        require_base(question.y[: base.end], (seen | censored_steps(question))[: base.end])
    except NotEnoughData as error:
        if question.estimand == "just_before" or base.gap == question.anticipation:
            raise
        chain = f"{error}, as the base ends before the chain of blocks that runs into this one at step {base.end}"
        raise NotEnoughData(f"{chain}; the estimand just_before starts from the path just before") from None


def _too_few(placebos: Placebos, base: Base, question: Question) -> str:
    text = (
        f"{placebos.replications} disjoint replications of {question.horizon} steps in a base of {base.length} steps; "
        f"{REPLICATIONS} needed, or a pool to borrow from"
    )
    return text + (f" (the base ends {base.gap} steps before onset)" if base.gap else "")


def _effect(setting: Setting, placebos: Placebos, found: Combined, names: tuple[str, ...]) -> Effect:
    question, window = setting.question, setting.question.window
    factors, bottom = setting.factors[window], setting.measure.bottom[window]
    observed_steps = setting.measure.top[window]
    seen = np.isfinite(observed_steps) & np.isfinite(bottom)
    observed = float(observed_steps[seen].sum())

    def total(at: float) -> float:
        return float(setting.measure.steps(at, factors[seen], bottom[seen]).sum())

    size = (total(found.centre), float(bottom[seen].sum()), int(seen.sum()))
    floor = setting.measure.noise(*size)
    unseen = setting.measure.unseen(*size, slice(setting.base.start, setting.base.end))
    deviation = float(np.sqrt(max(found.deviation**2 + setting.leftover_variance, floor) + unseen))
    offsets = spread_of_total(
        found, deviation, setting.wild[setting.seen], horizon=int(seen.sum()), level=question.level, seed=question.seed
    )
    offsets = setting.measure.skewed(offsets, found.quantile, size[0], size[1])
    low, expected, high = (total(found.centre + float(np.clip(offset, -300, 300))) for offset in offsets)
    low, high = setting.measure.whole(low, high, size[1])
    nothing = ("not one case may have been expected: the ratio has no upper bound",) if low == 0 else ()
    ratio, ratio_low, ratio_high = (observed / max(v, 1e-300) if v else np.inf for v in (expected, high, low))
    step_half = found.quantile * np.sqrt(deviation**2 + _step_variance(setting))
    usual = float(np.sqrt(max(found.usual_deviation**2, floor) + unseen))
    change = abs(float(np.log(max(ratio, 1e-300))))
    return Effect(
        observed=observed,
        expected=expected,
        expected_low=low,
        expected_high=high,
        ratio=ratio,
        ratio_low=ratio_low,
        ratio_high=ratio_high,
        excess=observed - expected,
        excess_low=observed - high,
        excess_high=observed - low,
        steps=question.y[window].copy(),
        expected_steps=setting.measure.steps(found.centre, factors, bottom),
        expected_steps_low=setting.measure.steps(found.centre - step_half, factors, bottom),
        expected_steps_high=setting.measure.steps(found.centre + step_half, factors, bottom),
        minimum_detectable_ratio=float(np.exp(min((found.quantile + DETECTED) * usual, 300.0))),
        effective_replications=placebos.errors.shape[1] / question.horizon,
        placebo_rank=1 + int((np.abs(found.errors) >= change).sum()),
        placebo_n=int(found.errors.size),
        members={name: float(weight) for name, weight in zip(names, found.weights, strict=True)},
        warnings=(*setting.warnings, *nothing, *setting.donors.warnings),
        placebos=PlaceboWindows(placebos.starts, found.standardised, deviation, found.freedom),
    )


def _step_variance(setting: Setting) -> float:
    """Variance of a single step around the level; the window's own deviation knows totals only."""
    known = setting.z[setting.seen]
    usual = _calendar.rolling_median(known, 3, 3)
    return float(np.mean((known - usual) ** 2)) if known.size else 0.0


ESTIMATOR = Estimator(
    name="replay",
    title="Replay of every earlier window",
    reference="Brodersen et al. 2015; Bates & Granger 1969; Tashman 2000; Cattaneo, Feng & Titiunik 2021",
    run=estimate_effect,
)
