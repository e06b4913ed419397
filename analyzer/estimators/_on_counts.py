"""Panel methods on counts: the treated series and its donors on logs, totals and ratios out.

The interval comes from placebos in space.  Each donor in turn stands as treated; its error, the log ratio of its
observed to its expected total, is measured in units of its own distance from the donors' mean before onset, so that
quiet and noisy series compare.  The interval leaves out as many of these errors as its level allows, by rank; where
donors are too few for a rank, it is Student's t.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from analyzer.errors import NotEnoughData
from analyzer.estimators import _calendar, _events
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
from analyzer.estimators._panel_inputs import PanelData
from analyzer.estimators._panel_methods import FitOf, Fitted, placebo_panels
from analyzer.records import Effect

if TYPE_CHECKING:
    import numpy.typing as npt

    from analyzer.estimators._inputs import Bools
    from analyzer.records import Floats, Pool

LONGEST_BASE = 180  # steps; likeness of further back says little about the window
FEWEST_DONORS = 5
DONOR_COVERAGE = 0.95  # of the steps of the base and of the window; the rest is drawn straight on logs
OFF_LEVEL = float(np.log(1.1))  # mean distance before onset from which a method without intercept has no estimate
DETECTED = 0.84 / 1.96  # 80 % power beside a 95 % interval


def on_counts(name: str, fit: FitOf, *, levels: bool = False) -> Callable[..., Effect]:
    """An estimator with the arguments of `estimate_effect` from a panel method; `levels` for one without intercept."""

    def run(
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
        """The change of a series of counts against individual donors; see analyzer.estimate_effect for the arguments.

        pool, holidays and seed are taken and not needed: donors share the calendar, placebos are donors.
        Raises NotEnoughData for other scales, under 5 usable donors, and levels that no weighting reaches.
        """
        arrays = Arrays(y, donors, censored, exposure, holidays)
        blocks = Blocks(other_events, donor_events, anticipation, estimand)
        question = ask(onset, horizon, arrays, blocks, Options(pool, season, scale, level, seed))
        return _answer(question, name, fit, levels=levels)

    return run


@dataclass(frozen=True, slots=True)
class _Logs:
    """The panel on logs without its weekly cycles, and what leads back to counts."""

    panel: PanelData
    factors: Floats  # (1 + K, H) cycle of the treated series and of each donor in the window's steps
    window: Bools  # (horizon,) steps of the window that are in the panel
    warnings: tuple[str, ...]


def _answer(question: Question, name: str, fit: FitOf, *, levels: bool) -> Effect:
    require_window(question)
    if question.scale != "count":
        raise NotEnoughData(f"{name} compares counts with counts; this series has the scale {question.scale}")
    logs = _logs(question)
    treated = _Judged.of(logs.panel, fit(logs.panel), logs.factors[0])
    if levels and treated.off_level > OFF_LEVEL:
        raise NotEnoughData(
            f"no weighting of the donors reaches the level of the series: off by x{np.exp(treated.off_level):.2f} "
            "before onset; did, difp and sdid allow for a constant difference"
        )
    placebos = [
        _Judged.of(one, fit(one), logs.factors[1 + j]) for j, one in enumerate(placebo_panels(logs.panel).values())
    ]
    kept = [p for p in placebos if not levels or p.off_level <= OFF_LEVEL]
    if len(kept) < FEWEST_DONORS:
        raise NotEnoughData(f"{len(kept)} usable donors; {FEWEST_DONORS} needed for placebos in space")
    return _effect(question, logs, treated, kept)


def _logs(question: Question) -> _Logs:
    base = _events.base_of(question)
    first = max(base.end - LONGEST_BASE, 0)
    inside = np.zeros(question.y.size, bool)
    inside[first : base.end] = True
    seen = np.isfinite(question.y)
    require_base(question.y[first : base.end], (seen & ~base.masked)[first : base.end])
    before = inside & seen & ~base.masked
    window = np.zeros(question.y.size, bool)
    window[question.window] = seen[question.window]
    columns = np.column_stack([question.y, _without_events(question)])
    z = np.log(columns + 0.5)
    z[base.masked, 0] = np.nan
    kept, notes = _usable(z[:, 1:], before, window)
    cycles = np.column_stack([_cycle(z[:, j], first, base.end, question.season) for j in (0, *(1 + kept))])
    filled = np.column_stack([z[:, 0], *(_drawn(z[:, 1 + j]) for j in kept)]) - cycles
    steps = np.flatnonzero(before | window)
    panel = PanelData(
        treated=filled[steps, :1].T,
        donors=np.ascontiguousarray(filled[steps, 1:].T),
        first_post=int(before.sum()),
        names=tuple(f"donor {j}" for j in kept),
        rows=tuple(int(j) for j in kept),
        treated_rows=(-1,),
    )
    return _Logs(panel, cycles[window].T, window[question.window], (*base.warnings, *notes))


def _without_events(question: Question) -> Floats:
    """(T, K) donors without the steps of their own events."""
    donors = question.donors.copy()
    for j, events in enumerate(question.donor_events):
        for start, end in events:
            donors[max(start, 0) : max(end, 0), j] = np.nan
    return donors


def _usable(z: Floats, before: Bools, window: Bools) -> tuple[np.ndarray[Any, np.dtype[np.intp]], tuple[str, ...]]:
    """Columns of donors that are there and vary, and why others are left out."""
    known = np.isfinite(z)
    there = np.minimum(known[before].mean(axis=0), known[window].mean(axis=0)) >= DONOR_COVERAGE
    level = np.where(known[before], z[before], np.nan)
    varies = np.array([np.ptp(c[np.isfinite(c)]) > 0 if np.isfinite(c).any() else False for c in level.T], dtype=bool)
    kept = np.flatnonzero(there & varies) if z.shape[1] else np.empty(0, np.intp)
    reasons = [(j, "too little of base or window observed" if not there[j] else "it never changes in the base")
               for j in range(z.shape[1]) if j not in kept]  # fmt: skip
    if kept.size < FEWEST_DONORS:
        raise NotEnoughData(f"{kept.size} usable donors; {FEWEST_DONORS} needed for placebos in space")
    return kept, tuple(f"donor {j} is left out: {why}" for j, why in reasons)


def _cycle(z: Floats, first: int, end: int, season: int) -> Floats:
    """(T,) seasonal factors learnt in the base; zero where it holds fewer than three seasons."""
    if season == 1 or end - first < 3 * season:
        return np.zeros(z.size)
    factors = _calendar.seasonal_factors(z[first:end], season)
    return np.asarray(factors[(np.arange(z.size) - first) % season])


def _drawn(z: Floats) -> Floats:
    """The series with missing steps drawn straight between its neighbours."""
    known = np.flatnonzero(np.isfinite(z))
    return np.interp(np.arange(z.size), known, z[known])


@dataclass(frozen=True, slots=True)
class _Judged:
    """One series as treated: its totals, its error, and the yardstick of that error."""

    fitted: Fitted
    steps: Floats  # (H,) expected counts of the window's steps
    error: float  # log ratio of totals
    scale: float
    off_level: float

    @classmethod
    def of(cls, panel: PanelData, found: Fitted, cycle: Floats) -> _Judged:
        t0 = panel.first_post
        before = found.gaps[:t0]
        target = panel.target
        # Totals of counts stand above the exponential of mean logs; the distance is learnt before onset (Duan 1983).
        smear = float(np.mean(np.exp(np.clip(before - before.mean(), -5, 5))))
        steps = np.maximum(np.exp(target[t0:] - found.gaps[t0:] + cycle) * smear - 0.5, 0.0)
        observed = np.maximum(np.exp(target[t0:] + cycle) - 0.5, 0.0)
        apart = (target - panel.donors.mean(axis=0))[:t0]
        return cls(
            fitted=found,
            steps=steps,
            error=float(np.log((observed.sum() + 0.5) / (steps.sum() + 0.5))),
            scale=max(float(np.std(apart)), 1e-9),
            off_level=abs(float(before.mean())),
        )


def half_width(units: Floats, level: float) -> tuple[float, str]:
    """Half width of the interval in units of the placebos' |error|, and a warning where it rests on Student's t.

    With n placebos the k-th smallest, k = ceil(level (n + 1)), covers with that probability where treated and donors
    are exchangeable; for k > n a rank cannot say it.
    """
    from scipy.special import stdtrit

    ordered = np.sort(np.abs(units))
    k = int(np.ceil(level * (ordered.size + 1) - 1e-9))
    if k <= ordered.size:
        return float(ordered[k - 1]), ""
    freedom = ordered.size - 1
    deviation = float(np.sqrt((ordered**2).sum() / freedom))
    note = (
        f"{ordered.size} placebos in space are too few for a rank at {level:.0%}: the interval is Student's t with "
        f"{freedom} degrees of freedom"
    ).replace("%", " %")
    return float(stdtrit(freedom, (1 + level) / 2)) * deviation, note


def _effect(question: Question, logs: _Logs, treated: _Judged, placebos: Sequence[_Judged]) -> Effect:
    units = np.array([p.error / p.scale for p in placebos])
    half, note = half_width(units, question.level)
    half = min(half * treated.scale, 300.0)
    of_steps = np.concatenate([p.fitted.gaps[logs.panel.first_post :] / p.scale for p in placebos])
    step_half = min(float(np.quantile(np.abs(of_steps), question.level)) * treated.scale, 300.0)
    window = question.y[question.window]
    observed, expected = float(window[logs.window].sum()), max(float(treated.steps.sum()), 1e-300)
    low, high = expected * float(np.exp(-half)), expected * float(np.exp(half))
    steps = np.full(window.size, np.nan)
    steps[logs.window] = treated.steps
    size = abs(treated.error) / treated.scale
    return Effect(
        observed=observed,
        expected=expected,
        expected_low=low,
        expected_high=high,
        ratio=observed / expected,
        ratio_low=observed / high,
        ratio_high=observed / low,
        excess=observed - expected,
        excess_low=observed - high,
        excess_high=observed - low,
        steps=window.copy(),
        expected_steps=steps,
        expected_steps_low=steps * np.exp(-step_half),
        expected_steps_high=steps * np.exp(step_half),
        minimum_detectable_ratio=float(np.exp(min(half * (1 + DETECTED), 300.0))),
        effective_replications=float(len(placebos)),
        placebo_rank=1 + int((np.abs(units) >= size).sum()),
        placebo_n=len(placebos),
        members=dict(zip(logs.panel.names, treated.fitted.weights.donors.tolist(), strict=True)),
        warnings=(*logs.warnings, *((note,) if note else ())),
    )
