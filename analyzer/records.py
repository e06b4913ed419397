"""The nouns: frozen records that the layers hand to each other.

Times are naive UTC datetimes; intervals are half-open.  None is "not known" or "not applicable",
0 is zero.  Importing this module loads nothing beyond the standard library.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

State = Literal["value", "missing", "below_threshold", "suppressed"]
Verdict = Literal["rise", "fall", "inconclusive", "ruled_out", "not_estimable"]
Attribution = Literal["supported", "contested", "other_cause", "no_block_known", "unclear"]
Verification = Literal["confirmed", "likely", "contested", "not_verifiable"]
Role = Literal["primary", "secondary", "exploratory"]
Precision = Literal["minute", "hour", "day", "week", "month"]
Outcome = Literal["passed", "failed", "informative"]


class Observation(NamedTuple):
    """One value of one indicator for one place and half-open UTC interval."""

    indicator: str
    cc: str
    t_start: datetime
    t_end: datetime
    value: float | None
    unit: str
    asn: int = 0
    entity: str = ""
    low: float | None = None
    high: float | None = None
    state: State = "value"
    quality: float | None = None  # share of reporters (Tor `frac` / 100) or coverage
    n: int | None = None  # the sample behind the value
    scale_id: str = ""  # values with different ids are not comparable


class Rejection(NamedTuple):
    """A row that was not loaded: where it stands, what is wrong, the text as found."""

    line: int
    field: str
    reason: str
    text: str


@dataclass(frozen=True, slots=True)
class Origin:
    """What is known of a file before its rows are read."""

    name: str  # path or `-`, as the user gave it
    retrieved_at: datetime | None = None
    cc: str | None = None  # a country stated by the user for files that carry none
    tz: str | None = None  # a zone stated by the user for files that carry none
    mapping: Mapping[str, Any] | None = None  # column mapping of a generic table


@dataclass(frozen=True, slots=True)
class Request:
    """One download: the documented address and the name of the file in the snapshot folder."""

    url: str
    filename: str


Lines = Iterator[tuple[int, str]]  # (1-based line number, text without its line end)


@dataclass(frozen=True, slots=True)
class Source:
    """Declaration of one source: documentation, fixture and code in one file.

    `recognise` sees the first lines of a decoded text; `read` gets every numbered line and yields
    observations and rejections in file order; it raises BadInput when the file is not what it claims.
    `requests` lists the downloads for a country and a half-open range of days.
    """

    name: str
    title: str
    organization: str
    info_url: str
    licence: str
    attribution: str
    grain: str  # what one row of the file is
    indicators: tuple[str, ...]
    caveat: str
    timezone: str  # the zone the file's times are in
    example: str  # a tiny example of the format
    example_is_genuine: bool
    recognise: Callable[[str], bool]
    read: Callable[[Lines, Origin], Iterator[Observation | Rejection]]
    requests: Callable[[str, date, date], list[Request]] | None = None
    revised_days: int = 0  # that many last days before retrieval are provisional


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A file as received."""

    snapshot_id: str
    source: str
    origin: str
    sha256: str
    bytes: int
    retrieved_at: datetime | None
    tool_version: str
    licence: str
    attribution: str
    timezone: str
    rows_loaded: int
    rows_rejected: int


@dataclass(frozen=True, slots=True)
class Claim:
    """Who says what about a block, and where."""

    block_id: str
    who: str
    says: str
    address: str
    stated_at: str  # a date as precise as known, '' when not known


@dataclass(frozen=True, slots=True)
class Block:
    """A restriction (or, with `is_non_event`, a dated event without one) as UTC instants with precision."""

    block_id: str
    cc: str
    name: str
    onset_earliest: datetime
    onset_latest: datetime
    end_earliest: datetime | None
    end_latest: datetime | None
    start_precision: Precision
    end_precision: Precision | None
    kind: str
    scope: str
    services: tuple[str, ...]
    discovery_route: str = ""
    is_non_event: bool = False


@dataclass(frozen=True, slots=True)
class Published:
    """A publisher's figure, as published."""

    block_id: str
    publisher: str
    indicator: str
    window_start: date
    window_end: date
    value: float
    unit: str
    baseline: str
    address: str
    role: str
    source_grade: str
    note: str


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
