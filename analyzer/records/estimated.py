"""Numbers about a change: what an estimator returns, how it was asked, one row of a table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from analyzer.records.words import Attribution, Outcome, Role, Verdict, Verification

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Specification:
    """How the no-block level is formed, where more than one way can be defended; as it stands, that of every estimate.

    base_days: days of base before the gap, None = the whole history.  weekends: False leaves the days of the country's
    weekend out of base and window.  donors: False takes none.  without: donors left out beside the listed ones.
    exclusions: listed donor exclusions are applied.  masks: windows of other blocks are left out of the base.
    gap_days: days before onset kept out of the base, None = the usual four.
    """

    base_days: int | None = None
    weekends: bool = True
    donors: bool = True
    without: tuple[str, ...] = ()
    exclusions: bool = True
    masks: bool = True
    gap_days: int | None = None


@dataclass(frozen=True, slots=True)
class PlaceboWindows:
    """The question put to every earlier window: what an estimate's error is judged by, date by date.

    starts: (N,) first step of each window.  standardised: (N,) errors of their totals on the modelling scale (logs of
    counts), each over the deviation that the engine gives it.  deviation: the same of the window asked about, so that
    log(ratio) / deviation compares with them.  freedom: degrees of freedom of that deviation.
    """

    starts: Ints
    standardised: Floats
    deviation: float
    freedom: float


@dataclass(frozen=True, slots=True)
class Pool:
    """Standardised placebo errors lent by other series, so that a short history borrows their tails.

    errors: placebo errors of window totals on the log scale, divided by each series' own scale.
    scales: log of each lending series' placebo variance over the variance its own structural model implies, for
        shrinking a noisy variance.
    replications: degrees of freedom behind the usual one of `scales`.
    """

    errors: Floats
    scales: Floats
    horizon: int
    replications: float = 8.0


@dataclass(frozen=True, slots=True)
class Effect:
    """A change against what would have been expected, as totals over the observed steps of the window."""

    observed: float
    expected: float
    expected_low: float
    expected_high: float
    ratio: float
    ratio_low: float
    ratio_high: float
    excess: float
    excess_low: float
    excess_high: float
    steps: Floats  # observed value per step of the window, NaN = missing
    expected_steps: Floats
    expected_steps_low: Floats
    expected_steps_high: Floats
    minimum_detectable_ratio: float
    effective_replications: float
    placebo_rank: int
    placebo_n: int
    members: Mapping[str, float]  # forecaster -> weight
    warnings: tuple[str, ...] = ()
    placebos: PlaceboWindows | None = None  # None where the estimator has none in time


@dataclass(frozen=True, slots=True)
class Check:
    """An attempt to break an estimate."""

    name: str
    outcome: Outcome
    sentence: str
    table: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class Estimate:
    """One row of `vpn-uptake estimate`; the fields are its columns, in order."""

    block_id: str
    cc: str
    indicator: str
    entity: str
    horizon: str
    estimand: str
    observed: float | None
    expected: float | None
    expected_low: float | None
    expected_high: float | None
    ratio: float | None
    ratio_low: float | None
    ratio_high: float | None
    excess: float | None
    excess_low: float | None
    excess_high: float | None
    base: str
    exposure_hours: float | None
    minimum_detectable_ratio: float | None
    placebo_rank: int | None
    placebo_n: int | None
    verdict: Verdict
    attribution: Attribution
    verification: Verification
    role: Role
    plan_id: str
    reasons: str
    method: str
    version: str
