"""Synthetic control: donors weighted so that they match the treated units before the treatment, in level too."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from analyzer.estimators._declaration import Estimator
from analyzer.estimators._on_counts import on_counts
from analyzer.estimators._panel_inputs import Missing, PanelData, check_panel, check_predictors, given_weights
from analyzer.estimators._panel_methods import (
    TINY,
    Fit,
    Fitted,
    PanelEffect,
    Weights,
    answer,
    donor_weights,
    fitted,
    noise_level,
)
from analyzer.estimators._predictors import Nested, Search, donors_for, predictor_fit, regression_start, search_v

if TYPE_CHECKING:
    import numpy.typing as npt

    from analyzer.records import Floats


def fit(panel: PanelData) -> Fitted:
    """Weights that fit every earlier period, without predictors and without a difference of levels."""
    zeta = TINY * noise_level(panel)
    weights = Weights(donor_weights(panel, zeta, intercept=False), np.zeros(panel.first_post), zeta, intercept=False)
    return fitted(panel, weights)


def synthetic_control(
    Y: npt.ArrayLike,  # noqa: N803 - the letter of the literature, and of the documented call
    treated: Any,
    first_post: int,
    *,
    predictors: npt.ArrayLike | None = None,
    predictor_weights: npt.ArrayLike | None = None,
    training_predictors: npt.ArrayLike | None = None,
    optimise: Sequence[int] | None = None,
    search: Search = "usual_starts",
    names: Sequence[Any] | None = None,
    placebos: bool = True,
    missing: Missing = "refuse",
    seed: int = 0,
) -> PanelEffect:
    """The synthetic control of Abadie, Diamond & Hainmueller (2010), with a placebo for every donor.

    Y: (N, T) outcome per unit and period.  treated: row, rows, flags (N,) or names of the treated units.
    first_post: index of the first treated period.  predictors: (N, P), one row per unit (means over the periods that
    matter, the outcome in chosen periods), divided by their s.d. over all units; None matches every earlier period.
    predictor_weights: (P,) V as given; None: V with the least squared error of the outcome over the periods
    `optimise` = (first, one after the last), by default all before `first_post`.  training_predictors: (N, P) the same
    predictors of an earlier time, on which V is chosen (cross-validation of Abadie, Diamond & Hainmueller 2015).
    search: `usual_starts` goes downhill from equal and from regression weights and takes the better end, as the
    published tables did; `global` also searches all of V, several seconds a unit.  `PanelEffect.predictors` holds the
    error reached and the least error that any donor weights reach.
    names: (N,) labels.  placebos: a fit for every donor, about half a second each with predictors.  missing: `refuse`
    or `drop_donors`.  seed: of the global search and of placebo groups where several units are treated.

    Raises ValueError naming the argument that cannot be meant.
    """
    panel = check_panel(Y, treated, first_post, names, missing)
    if predictors is None:
        if predictor_weights is not None or training_predictors is not None or optimise is not None:
            raise ValueError("predictor_weights, training_predictors and optimise need predictors")
        return answer("synthetic_control", panel, fit, placebos=placebos, seed=seed)
    nested = _NestedFit(
        np.array(predictors, dtype=float),
        None if training_predictors is None else np.array(training_predictors, dtype=float),
        None if predictor_weights is None else np.array(predictor_weights, dtype=float),
        _periods(optimise, panel.first_post),
        np.shape(Y)[0],
        search,
        seed,
    )
    return answer("synthetic_control", panel, nested, placebos=placebos, seed=seed)


class _NestedFit:
    """A fit with predictors, of whichever units stand as treated."""

    def __init__(  # noqa: PLR0917 - the parts of one problem
        self,
        predictors: Floats,
        training: Floats | None,
        v: Floats | None,
        periods: slice,
        units: int,
        search: Search,
        seed: int,
    ) -> None:
        self.predictors, self.training, self.v = predictors, training, v
        self.periods, self.units, self.search, self.seed = periods, units, search, seed

    def __call__(self, panel: PanelData) -> Fitted:
        """Raises ValueError for predictors or weights that cannot be meant."""
        x1, x0 = check_predictors(self.predictors, panel, self.units)
        outcomes = panel.donors[:, self.periods].T - panel.target[self.periods, None]
        nested = Nested(x0 - x1[:, None], outcomes)
        v = self._chosen(panel, outcomes, x1.size)
        w = donors_for(nested, v)
        how = "given" if self.v is not None else self.search
        found = predictor_fit(nested, v, w, x1, how)
        return fitted(panel, Weights(w, np.zeros(panel.first_post), intercept=False), found)

    def _chosen(self, panel: PanelData, outcomes: Floats, count: int) -> Floats:
        if self.v is not None:
            return _given_v(self.v, count)
        used = self.predictors if self.training is None else self.training
        x1, x0 = check_predictors(used, panel, self.units, "predictors" if self.training is None else _TRAINING)
        if x1.size != count:
            raise ValueError(f"{_TRAINING} has {x1.size} columns where predictors has {count}")
        target = panel.target[self.periods]
        start = regression_start(np.vstack([x1, x0.T]), np.vstack([target, outcomes.T + target]))
        return search_v(Nested(x0 - x1[:, None], outcomes), start, self.search, self.seed)


_TRAINING = "training_predictors"


def _given_v(v: Floats, count: int) -> Floats:
    if v.shape != (count,) or not np.isfinite(v).all() or v.min() < 0 or v.max() <= 0:
        raise ValueError(f"predictor_weights must be {count} non-negative numbers, not all zero")
    return np.asarray(v / v.max())


def _periods(optimise: Sequence[int] | None, first_post: int) -> slice:
    if optimise is None:
        return slice(0, first_post)
    if len(optimise) != 2 or not 0 <= optimise[0] < optimise[1] <= first_post:
        raise ValueError(f"optimise must be (first, one after the last) period before {first_post}, not {optimise!r}")
    return slice(int(optimise[0]), int(optimise[1]))


def fit_of_weights(
    Y: npt.ArrayLike,  # noqa: N803
    treated: Any,
    first_post: int,
    weights: Any,
    *,
    intercept: bool = False,
    periods: Sequence[int] | None = None,
    names: Sequence[Any] | None = None,
    missing: Missing = "refuse",
) -> Fit:
    """What given donor weights (published ones, say) reach before the treatment, and the effect that follows.

    weights: a mapping of names, or (K,) in the order of the untreated rows; they must sum to 1 within 0.02.
    intercept: compare up to a constant difference of levels (DIFP).  periods: (first, one after the last) over which
    `pre_ssr`, `pre_rmspe` and `objective` (the mean squared error, no ridge) are taken, by default all before
    `first_post`.  Raises ValueError naming the argument that cannot be meant.
    """
    panel = check_panel(Y, treated, first_post, names, missing)
    w = given_weights(weights, panel)
    t0 = panel.first_post
    found = fitted(panel, Weights(w, np.full(t0, 1 / t0) if intercept else np.zeros(t0), intercept=intercept))
    part = found.gaps[_periods(periods, t0)]
    ssr = float(part @ part)
    return Fit(found.fit.effect, ssr / part.size, ssr, float(np.sqrt(ssr / part.size)))


ESTIMATOR = Estimator(
    name="synthetic_control",
    title="Synthetic control",
    reference="Abadie & Gardeazabal 2003; Abadie, Diamond & Hainmueller 2010",
    run=on_counts("synthetic_control", fit, levels=True),
)
