"""What DID, synthetic controls, synthetic DID and DIFP share: gaps from weights, and placebos in space.

All four compare the treated units with a weighted mean of donors; they differ in the weights and in whether a constant
difference of levels is allowed (Doudchenko & Imbens 2016; Arkhangelsky et al. 2021, American Economic Review 111(12),
section I).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from analyzer.estimators._panel_inputs import PanelData
from analyzer.estimators._simplex import simplex_weights

if TYPE_CHECKING:
    from analyzer.records import Floats

# Enough to make the least-squares weights unique and too small to be seen in them (zeta of the paper's software).
TINY = 1e-6
DRAWS = 200  # groups of donors taken as treated, where several units are


@dataclass(frozen=True, slots=True)
class Weights:
    """Of donors and of periods before the treatment, and what the donors' weights minimise."""

    donors: Floats  # (K,)
    periods: Floats  # (T0,), all zero where levels are compared as they are
    zeta: float = 0.0  # ridge of the donors' problem: |...|^2 / T0 + zeta^2 |w|^2
    intercept: bool = True


@dataclass(frozen=True, slots=True)
class PredictorFit:
    """The nested problem of Abadie, Diamond & Hainmueller: how predictors were weighted and matched."""

    weights: Floats  # (P,) diagonal of V, sums to 1
    treated: Floats  # (P,) predictors of the treated units over their s.d. over all units
    synthetic: Floats  # (P,) of the synthetic unit
    donor_mean: Floats  # (P,)
    mspe: float  # of the outcome over the periods for which V was chosen
    least_mspe: float  # that any donor weights reach there, predictors or not
    search: str


@dataclass(frozen=True, slots=True)
class PanelEffect:
    """The effect on the treated units, averaged over them and over the periods from `first_post` on."""

    method: str
    effect: float
    gaps: Floats  # (T,) treated mean less what the donors foretell
    donors: tuple[str, ...]
    donor_weights: Floats  # (K,)
    period_weights: Floats  # (T0,)
    pre_ssr: float  # squared distance of the paths before, less their mean difference where the method has an intercept
    pre_rmspe: float
    post_rmspe: float
    objective: float  # of the donors' weights, per period: pre_ssr / T0 and the ridge
    placebo_effects: Mapping[str, float]  # per donor taken as treated; per draw where several units are treated
    placebo_ratios: Mapping[str, float]  # RMSPE after over before
    standard_error: float  # of the placebo effects (Arkhangelsky et al. 2021, Algorithm 4); NaN without placebos
    rank: int  # of the treated ratio among the placebos', 1 = the largest; 0 without placebos
    p_value: float  # rank / (placebos + 1); NaN without placebos
    predictors: PredictorFit | None = None
    warnings: tuple[str, ...] = ()

    @property
    def placebo_n(self) -> int:
        """Number of placebos."""
        return len(self.placebo_effects)

    def top(self, least: float = 0.001) -> dict[str, float]:
        """Donors with a weight of at least `least`, largest first."""
        order = np.argsort(-self.donor_weights, kind="stable")
        return {self.donors[i]: float(self.donor_weights[i]) for i in order if self.donor_weights[i] >= least}


@dataclass(frozen=True, slots=True)
class Fit:
    """How well weights fit before the treatment, and the effect they give."""

    effect: float
    objective: float
    pre_ssr: float
    pre_rmspe: float


@dataclass(frozen=True, slots=True)
class Fitted:
    """One fit: weights, gaps and the effect."""

    weights: Weights
    gaps: Floats
    fit: Fit
    post_rmspe: float
    predictors: PredictorFit | None = None

    @property
    def ratio(self) -> float:
        """RMSPE after over before; with no distance before, infinite where there is one after, else 0."""
        if self.fit.pre_rmspe > 0:
            return self.post_rmspe / self.fit.pre_rmspe
        return float("inf") if self.post_rmspe > 0 else 0.0


def fitted(panel: PanelData, weights: Weights, predictors: PredictorFit | None = None) -> Fitted:
    """Gaps and fit under given weights."""
    t0 = panel.first_post
    raw = panel.target - weights.donors @ panel.donors
    gaps = raw - (weights.periods @ raw[:t0] if weights.intercept else 0.0)
    before = raw[:t0] - (raw[:t0].mean() if weights.intercept else 0.0)
    ssr = float(before @ before)
    fit = Fit(
        effect=float(gaps[t0:].mean()),
        objective=ssr / t0 + weights.zeta**2 * float(weights.donors @ weights.donors),
        pre_ssr=ssr,
        pre_rmspe=float(np.sqrt(ssr / t0)),
    )
    return Fitted(weights, gaps, fit, float(np.sqrt(np.mean(gaps[t0:] ** 2))), predictors)


def donor_weights(panel: PanelData, zeta: float, *, intercept: bool) -> Floats:
    """(K,) on the simplex: min |target - w donors - c|^2 / T0 + zeta^2 |w|^2 before the treatment."""
    t0 = panel.first_post
    ridge = zeta**2 * t0
    return simplex_weights(panel.donors[:, :t0].T, panel.target[:t0], ridge=ridge, intercept=intercept)


def noise_level(panel: PanelData) -> float:
    """Standard deviation of the donors' first differences before the treatment (the paper's sigma hat)."""
    steps = np.diff(panel.donors[:, : panel.first_post], axis=1)
    return float(np.std(steps, ddof=1)) if steps.size > 1 else 0.0


@dataclass(frozen=True, slots=True)
class Placebos:
    """Fits with donors in the place of the treated units, weights found anew."""

    fits: Mapping[str, Fitted] = field(default_factory=dict)

    def standard_error(self) -> float:
        """Root of the mean squared deviation of the placebo effects (Algorithm 4, all placebos instead of draws)."""
        return float(np.std([f.fit.effect for f in self.fits.values()])) if self.fits else float("nan")

    def rank(self, treated: Fitted) -> int:
        """Of the treated ratio, 1 = no placebo has a larger one; ties count against it; 0 without placebos."""
        return 1 + sum(f.ratio >= treated.ratio for f in self.fits.values()) if self.fits else 0


def placebo_panels(panel: PanelData, seed: int = 0) -> dict[str, PanelData]:
    """Panels in which donors stand as treated, and the treated units are left out.

    One treated unit: each donor in turn.  Several: 200 random groups of as many donors, as in Algorithm 4; none where
    fewer than two donors would be left.
    """
    count, k = len(panel.treated_rows), len(panel.rows)
    if k - count < 2:
        return {}
    if count == 1:
        return {panel.names[j]: _as_treated(panel, np.array([j])) for j in range(k)}
    rng = np.random.default_rng(seed)
    groups = [np.sort(rng.choice(k, count, replace=False)) for _ in range(DRAWS)]
    return {f"draw {i + 1}": _as_treated(panel, group) for i, group in enumerate(groups)}


def _as_treated(panel: PanelData, group: np.ndarray[tuple[int], np.dtype[np.intp]]) -> PanelData:
    from analyzer.estimators._panel_inputs import PanelData

    others = np.setdiff1d(np.arange(len(panel.rows)), group)
    return PanelData(
        treated=panel.donors[group],
        donors=panel.donors[others],
        first_post=panel.first_post,
        names=tuple(panel.names[j] for j in others),
        rows=tuple(panel.rows[j] for j in others),
        treated_rows=tuple(panel.rows[j] for j in group),
    )


FitOf = Callable[[PanelData], Fitted]


def answer(method: str, panel: PanelData, fit: FitOf, *, placebos: bool, seed: int) -> PanelEffect:
    """The effect by one method, with the same method on donors in the place of the treated units."""
    panels = placebo_panels(panel, seed) if placebos else {}
    return _result(method, panel, fit(panel), Placebos({name: fit(one) for name, one in panels.items()}))


def _result(method: str, panel: PanelData, treated: Fitted, placebos: Placebos) -> PanelEffect:
    """The record of a fit and its placebos."""
    rank = placebos.rank(treated)
    return PanelEffect(
        method=method,
        effect=treated.fit.effect,
        gaps=treated.gaps,
        donors=panel.names,
        donor_weights=treated.weights.donors,
        period_weights=treated.weights.periods,
        pre_ssr=treated.fit.pre_ssr,
        pre_rmspe=treated.fit.pre_rmspe,
        post_rmspe=treated.post_rmspe,
        objective=treated.fit.objective,
        placebo_effects={name: f.fit.effect for name, f in placebos.fits.items()},
        placebo_ratios={name: f.ratio for name, f in placebos.fits.items()},
        standard_error=placebos.standard_error(),
        rank=rank,
        p_value=rank / (len(placebos.fits) + 1) if rank else float("nan"),
        predictors=treated.predictors,
        warnings=(*panel.warnings, *_few(placebos)),
    )


def _few(placebos: Placebos) -> tuple[str, ...]:
    count = len(placebos.fits)
    if not 0 < count < 19:
        return ()
    return (f"{count} placebos: the smallest p-value they allow is {1 / (count + 1):.2f}",)
