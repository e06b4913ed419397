"""The nested problem of synthetic controls with predictors: donors match predictors, predictors are weighted by fit.

For given predictor weights V the donors' weights minimise (x1 - X0 w)' V (x1 - X0 w); V minimises the squared error of
the outcome before the treatment (Abadie & Gardeazabal 2003, appendix B; Abadie, Diamond & Hainmueller 2010, Journal of
the American Statistical Association 105, section 2.3).  That outer problem has many local optima, often at the border
of V (Becker & Klößner 2018, Econometrics and Statistics 5), so V is sought on a log scale with a floor.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

from analyzer.estimators._panel_methods import PredictorFit
from analyzer.estimators._simplex import fast_nearest, nearest

if TYPE_CHECKING:
    from analyzer.records import Floats

Search = Literal["usual_starts", "global"]
FLOOR = 1e-8  # smallest predictor weight relative to the largest, as in MSCMT; at 0 the donors' weights are not unique
RESTARTS = 8
EVALUATIONS = 200  # of a simplex search between restarts, per predictor
STEP = 0.25  # first step, in decades of V: a whole decade leaps over the optima next to the usual starts
REACHED = 1e-6  # relative excess of a squared error that counts as none
IN_HULL = 1e-12  # squared distance from which the predictors can be matched whatever their weights


@dataclass(frozen=True, slots=True)
class Nested:
    """The arrays of the problem, as differences donor less treated."""

    predictors: Floats  # (P, K) over their s.d.
    outcomes: Floats  # (L, K) over the periods for which V is chosen

    def weights(self, v: Floats) -> Floats:
        """(K,) donor weights for predictor weights (P,)."""
        return nearest(np.sqrt(v)[:, None] * self.predictors)

    def mspe(self, w: Floats) -> float:
        """Mean squared error of the outcome under donor weights."""
        return float(np.mean((self.outcomes @ w) ** 2))


def search_v(nested: Nested, start: Floats, search: Search, seed: int) -> Floats:
    """(P,) predictor weights, the largest 1, with the least squared error of the outcome that the search finds."""
    if search not in get_args(Search):
        raise ValueError(f"search must be one of {', '.join(get_args(Search))}, not {search!r}")
    count = nested.predictors.shape[0]
    if count == 1 or _in_hull(nested):
        return np.ones(count)
    if search == "global" and (reached := _reaching(nested)) is not None:
        return reached
    outer = _Outer.of(nested)
    found = [_local(outer, np.zeros(count)), _local(outer, np.log10(np.maximum(start / start.max(), FLOOR)))]
    if search == "global":
        found.append(_evolved(outer, seed))
    return _weights_of(min(found, key=outer))


def donors_for(nested: Nested, v: Floats) -> Floats:
    """(K,) donor weights for V; among weights that match every predictor, those that fit the outcome best."""
    if not _in_hull(nested):
        return nested.weights(v)
    first, second = _unit(nested.predictors), _unit(nested.outcomes)
    return nearest(np.vstack([1e5 * first, second]))


def regression_start(predictors: Floats, outcomes: Floats) -> Floats:
    """(P,) squared coefficients of regressions of the outcome on the predictors over all units, summed over periods.

    predictors: (N, P) scaled; outcomes: (N, L).  The start that R's Synth uses beside equal weights.
    """
    design = np.column_stack([np.ones(predictors.shape[0]), predictors])
    slopes = np.linalg.lstsq(design, outcomes, rcond=None)[0][1:]
    found = (slopes**2).sum(axis=1)
    return np.asarray(found if found.max() > 0 else np.ones(found.size))


def predictor_fit(nested: Nested, v: Floats, w: Floats, treated: Floats, search: str) -> PredictorFit:
    """The record of a solution."""
    return PredictorFit(
        weights=v / v.sum(),
        treated=treated,
        synthetic=treated + nested.predictors @ w,
        donor_mean=treated + nested.predictors.mean(axis=1),
        mspe=nested.mspe(w),
        least_mspe=nested.mspe(nearest(nested.outcomes)),
        search=search,
    )


@dataclass(frozen=True, slots=True)
class _Outer:
    """The squared error as a function of log10 V."""

    predictors: Floats  # columns at most 1 long
    outcomes: Floats

    @classmethod
    def of(cls, nested: Nested) -> _Outer:
        return cls(_unit(nested.predictors), nested.outcomes)

    def __call__(self, log_v: Floats) -> float:
        root = np.sqrt(_weights_of(log_v))
        residual = self.outcomes @ fast_nearest(root[:, None] * self.predictors)
        return float(residual @ residual)


def _weights_of(log_v: Floats) -> Floats:
    return np.asarray(10.0 ** np.clip(log_v - log_v.max(), np.log10(FLOOR), 0.0))


def _unit(columns: Floats) -> Floats:
    return np.asarray(columns / max(float(np.sqrt((columns**2).sum(axis=0).max())), 1e-300))


def _in_hull(nested: Nested) -> bool:
    points = _unit(nested.predictors)
    reached = points @ nearest(points)
    return float(reached @ reached) < IN_HULL


def _local(outer: _Outer, start: Floats) -> Floats:
    """Nelder & Mead, started again where it stopped until that gains nothing."""
    from scipy.optimize import minimize

    at, least = start, outer(start)
    options: dict[str, Any] = {"adaptive": True, "maxfev": EVALUATIONS * at.size, "xatol": 1e-3, "fatol": 1e-9 * least}
    for _ in range(RESTARTS):
        first = np.vstack([at, at - STEP * np.eye(at.size)])
        options["initial_simplex"] = first
        found = minimize(outer, at, method="Nelder-Mead", options=options)  # type: ignore[call-overload]
        gained = least - float(found.fun)
        if gained > 0:
            at, least = np.log10(_weights_of(found.x)), float(found.fun)
        if gained <= 1e-5 * least:
            break
    return at


def _evolved(outer: _Outer, seed: int) -> Floats:
    """Differential evolution over the whole box, polished."""
    from scipy.optimize import Bounds, differential_evolution

    count = outer.predictors.shape[0]
    box = Bounds(np.full(count, np.log10(FLOOR)), np.zeros(count))
    found = differential_evolution(outer, box, seed=seed, popsize=10, maxiter=150, tol=1e-8, polish=False, init="sobol")
    return _local(outer, np.asarray(found.x))


def _reaching(nested: Nested) -> Floats | None:
    """V under which the weights that fit the outcome best are also those that match the predictors best.

    The conditions of optimality of given donor weights are linear in V; where they can be met the outer optimum is
    known, as no weights fit the outcome better.  None where they cannot.
    """
    from scipy.optimize import linprog

    w = nearest(_unit(nested.outcomes))
    points = _unit(nested.predictors)
    slopes = (points @ w)[:, None] * (points - (points @ w)[:, None])
    slopes = slopes / max(float(np.abs(slopes).max()), 1e-300)
    used = w > 1e-9
    found = linprog(
        np.zeros(points.shape[0]),
        A_ub=-slopes[:, ~used].T,
        b_ub=np.zeros(int((~used).sum())),
        A_eq=np.vstack([slopes[:, used].T, np.ones(points.shape[0])]),
        b_eq=np.append(np.zeros(int(used.sum())), 1.0),
        bounds=(FLOOR, 1.0),
    )
    if found.status != 0 or found.x is None:
        return None
    v = np.asarray(np.maximum(found.x, FLOOR) / found.x.max())
    reached = nested.mspe(nested.weights(v)) <= nested.mspe(w) * (1 + REACHED)
    return v if reached else None
