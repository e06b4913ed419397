"""What was received and what happened: snapshots, observations, events, claims, publishers' figures."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple

from analyzer.records.words import Precision, State


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
    token_in: str = ""  # the environment variable with the user's token, for services that ask for one


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
class Context:
    """What else happened when a block began: the kind of non-event whose own effect it has to be told from."""

    block_id: str
    kind: str  # a kind of non-event: election, rally, protest ...
    note: str
    address: str


@dataclass(frozen=True, slots=True)
class DonorExclusion:
    """A country that is no control for another one, with the reason."""

    donor: str
    cc: str  # the country it is no control for; '' = for any
    indicators: tuple[str, ...]  # () = all
    start: date | None  # first day; None = always
    end: date | None  # first day after it
    reason: str  # own_block, exit_traffic, diaspora, shared_servers
    note: str
    address: str
