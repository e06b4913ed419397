"""One question answered, and what is made of it: everything an output needs, and nothing it must look up."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Literal

from analyzer.records.estimated import Check, Estimate
from analyzer.records.observed import Block, Claim, Published, Snapshot
from analyzer.records.words import Role, Verification


@dataclass(frozen=True, slots=True)
class PublisherRow:
    """The publisher's rule on our series: percent over the mean of the preceding 28 days, one day."""

    indicator: str
    entity: str
    day: date
    value: float
    mean_28_days_before: float
    percent: float


@dataclass(frozen=True, slots=True)
class SeriesView:
    """An indicator around an event, for figures: per step observed, no-block level and its band."""

    indicator: str
    entity: str
    unit: str
    t: tuple[datetime, ...]
    observed: tuple[float | None, ...]
    expected: tuple[float | None, ...]  # None before the window
    low: tuple[float | None, ...]
    high: tuple[float | None, ...]
    base_end: datetime  # first instant that is not part of the base


@dataclass(frozen=True, slots=True)
class Feature:
    """One number of the shape of an effect; value None where it cannot be given, and `note` says why.

    feature: path, peak, peak_day, half_life, residual_30d .., anticipation, overshoot, change.  An open bound is None.
    """

    feature: str
    value: float | None
    low: float | None
    high: float | None
    unit: str  # ratio, or what time is counted in
    day: str  # YYYY-MM-DD, hours with THH:MM; '' where it speaks of none
    note: str


@dataclass(frozen=True, slots=True)
class SeriesShape:
    """The shape of the effect on one series."""

    indicator: str
    entity: str
    estimand: str
    direction: Literal["rise", "fall", ""]  # '' where nothing could be estimated
    features: tuple[Feature, ...]


@dataclass(frozen=True, slots=True)
class Overlap:
    """Another block whose time touches the base or the horizon of an estimate."""

    block: Block
    touches: Literal["base", "horizon", "base and horizon"]


@dataclass(frozen=True, slots=True)
class Verified:
    """Was the service blocked, was it a blackout, was the platform down: what measurements in the store say."""

    state: Verification
    reasons: tuple[str, ...]
    evidence: tuple[Mapping[str, Any], ...] = ()  # per series: indicator, entity, before, during, n
    version: str = ""


@dataclass(frozen=True, slots=True)
class Breakdown:
    """How large a simultaneous shock would have to be to explain a change, beside what such shocks did elsewhere.

    shock: the multiple that explains all of it; shock_near: the one that leaves an interval which holds 1.
    contexts: kinds of the matched non-events; placebo_low and placebo_high: the least and largest multiple among them.
    rank: place of the change among them (1 = most extreme), of placebo_n + 1; ordinary_rank: among ordinary dates of
    the same weekday (and hour), of ordinary_n + 1.
    """

    indicator: str
    entity: str
    horizon: str
    estimand: str
    shock: float
    shock_near: float
    contexts: tuple[str, ...]
    placebo_low: float | None
    placebo_high: float | None
    placebo_n: int
    rank: int | None
    ordinary_n: int
    ordinary_rank: int | None


@dataclass(frozen=True, slots=True)
class FamilyRow:
    """One printed row among all that were asked: p alone, and adjusted for the search over all of them."""

    indicator: str
    entity: str
    horizon: str
    estimand: str
    role: Role
    p: float
    p_adjusted: float


@dataclass(frozen=True, slots=True)
class Family:
    """Multiplicity of a study: max-T over its rows from placebos of the same dates (Westfall & Young 1993)."""

    rows: tuple[FamilyRow, ...]
    dates: int
    floor: float  # 1 / (dates + 1): no p is smaller
    note: str = ""


@dataclass(frozen=True, slots=True)
class Synthesis:
    """One statement from several indicators of one type (or one indicator over several blocks), as a ratio.

    prediction_low, prediction_high: for a further indicator (or block) of that type.  heterogeneity: standard deviation
    of log ratios between them.  rho: correlation of their errors as estimated; band: (rho, low, high) for larger ones.
    left_out: (name, ratio, low, high) without each.
    """

    type: str
    horizon: str
    estimand: str
    members: tuple[str, ...]
    ratio: float
    ratio_low: float
    ratio_high: float
    prediction_low: float
    prediction_high: float
    heterogeneity: float
    rho: float
    band: tuple[tuple[float, float, float], ...] = ()
    left_out: tuple[tuple[str, float, float, float], ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Concordance:
    """What one type of indicator says: the rows of a table, never averaged over types."""

    type: str
    indicators: int
    rise: int
    fall: int
    inconclusive: int
    ruled_out: int
    not_estimable: int
    sentence: str


@dataclass(frozen=True, slots=True)
class PeopleRange:
    """What may be said about people: a range by a stated route, or the reason why there is none."""

    indicator: str
    entity: str
    horizon: str
    route: str  # '' where refused
    quantity: str  # what the range counts, in words
    low: float | None
    middle: float | None
    high: float | None
    per_1000_low: float | None
    per_1000: float | None
    per_1000_high: float | None
    denominator: str  # name, value, year and vintage; '' where none is at hand
    reasons: str

    @property
    def is_of_people(self) -> bool:
        """True for a range of people; False for a refusal and for clients, installs or downloads."""
        return bool(self.route) and self.quantity.startswith("people")


@dataclass(frozen=True, slots=True)
class RunCount:
    """How often this question was asked of this store, and how many rows of that are shown here."""

    run: int
    shown: int
    plan_id: str = ""


@dataclass(frozen=True, slots=True)
class Study:
    """One question answered: everything an output needs, and nothing it must look up."""

    block: Block  # for a bare date: a record with kind 'date' and no claims
    asked_at: datetime
    estimates: tuple[Estimate, ...]
    checks: tuple[Check, ...] = ()
    series: tuple[SeriesView, ...] = ()
    publisher_rule: tuple[PublisherRow, ...] = ()
    overlaps: tuple[Overlap, ...] = ()
    claims: tuple[Claim, ...] = ()
    published: tuple[Published, ...] = ()
    snapshots: tuple[Snapshot, ...] = ()
    warnings: tuple[str, ...] = ()
    tool_version: str = ""
    shapes: tuple[SeriesShape, ...] = ()
    verified: Verified | None = None
    breakdowns: tuple[Breakdown, ...] = ()
    family: Family | None = None
    syntheses: tuple[Synthesis, ...] = ()
    concordance: tuple[Concordance, ...] = ()
    people: tuple[PeopleRange, ...] = ()
    runs: RunCount | None = None


@dataclass(frozen=True, slots=True)
class Dossier:
    """What a brief is made of: a country and period, its catalogue, and a study per block where data allow.

    `missing_sources` names each indicator source that holds nothing for the country and period, with the
    command that would fetch it (or '' where no command can).
    """

    cc: str
    period_start: date
    period_end: date
    blocks: tuple[Block, ...]
    non_events: tuple[Block, ...]
    claims: tuple[Claim, ...]
    published: tuple[Published, ...]
    studies: tuple[Study, ...]
    snapshots: tuple[Snapshot, ...]
    missing_sources: tuple[tuple[str, str], ...]
    command: str  # the command that makes this brief again
    made_at: datetime
    tool_version: str


@dataclass(frozen=True, slots=True)
class Output:
    """Declaration of one rendering: what it renders (a brief, rows of named columns, a study) and its file endings."""

    name: str
    kind: Literal["brief", "rows", "study"]
    suffixes: tuple[str, ...]
    render: Callable[..., bytes] = field(repr=False)


@dataclass(frozen=True, slots=True)
class LoadResult:
    """What one load did."""

    snapshot_id: str
    source: str
    rows_loaded: int
    rows_rejected: int
    already_loaded: bool
    origin: str = ""  # the file as it was named
