"""Our own tables, row by row: every shipped row and every imported row passes the same validator.

Columns are read by header.  An error is one line: file, line, column, what is wrong, what to do.
"""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date
from typing import NoReturn, TypeVar

from analyzer.blocks.times import Span, days, span
from analyzer.errors import AnalyzerError, BadInput
from analyzer.places import check_country
from analyzer.records import Block, Claim, Context, DonorExclusion, Precision, Published

NON_EVENT_KINDS = (
    "court_order", "official_statement", "announcement", "control", "control_outage", "election", "rally", "protest",
    "draft_law", "holiday", "exam", "war", "attack", "disaster", "coup",
)  # fmt: skip
BLOCK_KINDS = (
    "social_media_block", "messaging_block", "site_block", "throttling", "mobile_shutdown", "shutdown", "vpn_block",
    "age_gate", "service_withdrawal", "tax_gate", "app_ban",
)  # fmt: skip
KINDS = BLOCK_KINDS + NON_EVENT_KINDS
RELATIVE_UNITS = ("percent_over_baseline", "percent_over_previous_day", "multiple_of_baseline")
ABSOLUTE_UNITS = (
    "users_per_day", "users", "users_concurrent", "downloads", "downloads_per_day", "searches", "searches_per_day",
    "apps_in_top10", "percent_of_users", "percent_of_internet_users", "percent_of_traffic", "percent_of_market",
    "percent_of_requests", "percent_of_subscribers",
)  # fmt: skip
UNITS = RELATIVE_UNITS + ABSOLUTE_UNITS
EVENT_COLUMNS = ("event_id", "country", "name", "start_utc", "start_precision", "services", "kind")
PUBLISHED_COLUMNS = ("event_id", "publisher", "indicator", "date_or_window", "value", "unit")
CLAIM_COLUMNS = ("block_id", "who", "says", "address", "stated_at")
ROUTES = ("order", "measurement", "press", "vendor", "scan")
EXCLUSION_REASONS = ("own_block", "exit_traffic", "diaspora", "shared_servers")
CONTEXT_COLUMNS = ("block_id", "kind", "note", "address")
EXCLUSION_COLUMNS = ("donor", "cc", "indicators", "start", "end", "reason", "note", "address")
ARTEFACT_COLUMNS = ("artefact_id", "indicators", "start", "end", "effect", "note", "address")
_T = TypeVar("_T")
_ID = re.compile(r"[a-z]{2}(-[a-z]+)?-\d{4}-(0[1-9]|1[0-2])(-(0[1-9]|[12]\d|3[01]))?(-[a-z0-9]+)*")
_SAID_AT = re.compile(r"(\d{4}(-\d{2}(-\d{2})?)?)?")


@dataclass(frozen=True, slots=True)
class Artefact:
    """A stretch in which an indicator moved for reasons of measurement, in every country unless the note says one."""

    artefact_id: str
    indicators: tuple[str, ...]
    start: date
    end: date  # first day after it
    effects: tuple[str, ...]  # gap, level_change, overcount, spike, freeze
    note: str
    address: str


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a table, with where it stands."""

    file: str
    line: int
    cells: Mapping[str, str]

    def get(self, column: str) -> str:
        """The cell without outer spaces; '' where the column is absent."""
        return self.cells.get(column, "").strip()

    def need(self, column: str) -> str:
        """The cell, which may not be empty."""
        return self.get(column) or self.fail(column, "is empty: give a value")

    def many(self, column: str) -> tuple[str, ...]:
        """The values of a cell, separated by `;`, each once."""
        return tuple(dict.fromkeys(v.strip() for v in self.get(column).split(";") if v.strip()))

    def among(self, column: str, known: Sequence[str]) -> str:
        """The cell, which has to be one of the known words."""
        word = self.need(column)
        return word if word in known else self.fail(column, f"unknown {word!r}: use one of {', '.join(known)}")

    def fail(self, column: str, what: str) -> NoReturn:
        """Raises BadInput with file, line and column."""
        raise BadInput(f"{self.file}: line {self.line}: {column}: {what}")

    def attempt(self, column: str, make: Callable[[], _T]) -> _T:
        """The result, or its error with file, line and column."""
        try:
            return make()
        except AnalyzerError as error:
            raise BadInput(f"{self.file}: line {self.line}: {column}: {error}") from error


def rows_of(text: str, file: str, columns: Sequence[str]) -> Iterator[Row]:
    """Rows of a CSV text, read by header.  Raises BadInput when a needed column is absent or a row is ragged."""
    reader = csv.DictReader(io.StringIO(text.removeprefix("\ufeff")), restkey="", strict=True)
    found = reader.fieldnames or []
    if absent := [c for c in columns if c not in found]:
        raise BadInput(f"{file}: line 1: no column {', '.join(absent)} (found: {', '.join(found) or 'nothing'})")
    try:
        for cells in reader:
            yield _row(file, reader.line_num, cells, found)
    except csv.Error as error:
        where = f"{file}: line {reader.line_num}"
        raise BadInput(f"{where}: not readable as CSV: {error}; quote fields that hold commas") from error


def _row(file: str, line: int, cells: Mapping[str | None, str | None], found: Sequence[str]) -> Row:
    if "" in cells or None in cells.values():
        raise BadInput(f"{file}: line {line}: not the {len(found)} fields of the header; quote fields that hold commas")
    return Row(file, line, {str(k): str(v) for k, v in cells.items()})


class Events:
    """Events of one table, by id, each with its line."""

    def __init__(self) -> None:
        self.found: dict[str, tuple[int, Block]] = {}

    def add(self, row: Row, event: Block) -> None:
        """Take an event in.  Raises BadInput, naming both lines, when its id stands in a line before."""
        if event.block_id in self.found:
            line, old = self.found[event.block_id]
            other = f"another {differences(old, event)}" if old != event else "the same values"
            row.fail("event_id", f"{event.block_id!r} stands in line {line} already, with {other}: keep one row "
                                 "(what others say is a claim), or give the second one another last word")  # fmt: skip
        self.found[event.block_id] = row.line, event

    @property
    def events(self) -> list[Block]:
        """All of them, in the order of the table."""
        return [event for _, event in self.found.values()]


def differences(old: Block, new: Block) -> str:
    """Names of the fields in which two records of one event differ."""
    return ", ".join(f.name for f in fields(Block) if getattr(old, f.name) != getattr(new, f.name))


def block(row: Row) -> Block:
    """A row of events.csv as a record; kind says whether it is a block or a non-event."""
    cc = row.attempt("country", lambda: _one_country(row.need("country")))
    start = _span(row, "start", cc)
    end = _span(row, "end", cc) if row.get("end_utc") else None
    kind = row.among("kind", KINDS)
    record = Block(
        block_id=_identifier(row, cc),
        cc=cc,
        name=row.need("name"),
        onset_earliest=start[0],
        onset_latest=start[1],
        end_earliest=end[0] if end else None,
        end_latest=end[1] if end else None,
        start_precision=_precision(row, "start"),
        end_precision=_precision(row, "end") if end else None,
        kind=kind,
        scope=row.get("scope"),
        services=row.many("services"),
        discovery_route=row.among("discovery_route", ROUTES) if row.get("discovery_route") else "",
        is_non_event=kind in NON_EVENT_KINDS,
    )
    row.attempt("end_utc", lambda: check_block(record))
    return record


def check_block(block: Block) -> Block:
    """A record that obeys the rules of the table, however it was made.  Raises BadInput."""
    if not _ID.fullmatch(block.block_id):
        raise BadInput(f"{block.block_id!r} is not of the form cc[-region]-YYYY-MM[-DD][-word], as pk-2024-02-17-x-ban")
    if block.block_id[:2] != check_country(block.cc).lower():
        raise BadInput(f"{block.block_id!r} does not begin with its country {block.cc.lower()!r}")
    if block.kind not in KINDS:
        raise BadInput(f"unknown kind {block.kind!r}: use one of {', '.join(KINDS)}")
    if block.is_non_event != (block.kind in NON_EVENT_KINDS):
        raise BadInput(f"kind {block.kind!r} is {'no ' if block.is_non_event else 'a '}non-event: correct is_non_event")
    if block.discovery_route not in ("", *ROUTES):
        raise BadInput(f"unknown discovery_route {block.discovery_route!r}: use one of {', '.join(ROUTES)}, or nothing")
    if not block.services or not block.name:
        raise BadInput("a block needs a name and at least one service; write internet, or none for a non-event")
    _check_order(block)
    return block


def published(row: Row) -> Published:
    """A row of published_estimates.csv as a record."""
    window = row.attempt("date_or_window", lambda: days(row.need("date_or_window")))
    return Published(
        block_id=row.need("event_id"),
        publisher=row.need("publisher"),
        indicator=row.need("indicator"),
        window_start=window[0],
        window_end=window[1],
        value=_number(row, "value"),
        unit=row.among("unit", UNITS),
        baseline=row.get("baseline"),
        address=row.get("source_url"),
        role=row.get("role"),
        source_grade=row.get("source_grade"),
        note=row.get("note"),
    )


def claim(row: Row) -> Claim:
    """A row of claims.csv as a record."""
    said_at = row.get("stated_at")
    if not _SAID_AT.fullmatch(said_at):
        row.fail("stated_at", f"cannot read {said_at!r}: write YYYY, YYYY-MM, YYYY-MM-DD or nothing")
    return Claim(row.need("block_id"), row.need("who"), row.need("says"), row.get("address"), said_at)


def claims_of_event(row: Row) -> list[Claim]:
    """The claims that a row of events.csv carries itself: who confirmed it, and its notes."""
    event, parties, pages = row.need("event_id"), row.many("confirmed_by"), row.many("source_urls")
    if len(pages) != len(parties):  # which page is whose is told by their order only where there is one for each
        pages = (*pages[:1], "")[:1] * len(parties)
    says = "Dates it" if row.get("kind") in NON_EVENT_KINDS else "Named as having measured or admitted"
    named = [Claim(event, who, f"{says}: {row.need('name')}", page, "")
             for who, page in zip(parties, pages, strict=True)]  # fmt: skip
    notes = row.get("notes")
    return [*named, Claim(event, f"notes of {row.file}", notes, "", "")] if notes else named


def context(row: Row) -> Context:
    """A row of contexts.csv as a record: what else happened when a block began."""
    kind = row.among("kind", NON_EVENT_KINDS)
    return Context(row.need("block_id"), kind, row.need("note"), row.get("address"))


def donor_exclusion(row: Row) -> DonorExclusion:
    """A row of donor_exclusions.csv as a record; an empty day leaves that side open, an empty cc means any country."""
    start, end = (_optional_day(row, column) for column in ("start", "end"))
    if start and end and end <= start:
        row.fail("end", f"{end} is not after {start}: give the first day after it, or nothing")
    return DonorExclusion(
        donor=row.attempt("donor", lambda: _one_country(row.need("donor"))),
        cc=row.attempt("cc", lambda: _one_country(row.get("cc"))) if row.get("cc") else "",
        indicators=row.many("indicators"),
        start=start,
        end=end,
        reason=row.among("reason", EXCLUSION_REASONS),
        note=row.need("note"),
        address=row.get("address"),
    )


def artefact(row: Row) -> Artefact:
    """A row of artefacts.csv as a record."""
    start = row.attempt("start", lambda: days(row.need("start"))[0])
    end = row.attempt("end", lambda: days(row.need("end"))[0])
    if end <= start:
        row.fail("end", f"{end} is not after {start}: give the first day after the artefact")
    return Artefact(row.need("artefact_id"), row.many("indicators"), start, end, row.many("effect"), row.need("note"),
                    row.get("address"))  # fmt: skip


def _optional_day(row: Row, column: str) -> date | None:
    return row.attempt(column, lambda: days(row.get(column))[0]) if row.get(column) else None


def _one_country(text: str) -> str:
    codes = [code for code in re.split(r"[;,/|+&\s]+", text) if code]
    if len(codes) > 1:
        one_each = " and ".join(f"{code.lower()}-..." for code in codes)
        raise BadInput(f"{text!r} names {len(codes)} countries: write one row per country, with ids {one_each}")
    return check_country(text)


def _identifier(row: Row, cc: str) -> str:
    word = row.need("event_id")
    if not _ID.fullmatch(word):
        row.fail("event_id", f"{word!r} is not of the form cc[-region]-YYYY-MM[-DD][-word], as pk-2024-02-17-x-ban")
    if word[:2] != cc.lower():
        row.fail("event_id", f"{word!r} does not begin with its country {cc.lower()!r}")
    return word


def _span(row: Row, which: str, cc: str) -> Span:
    column = f"{which}_utc"
    return row.attempt(column, lambda: span(row.need(column), row.need(f"{which}_precision"), cc))


def _precision(row: Row, which: str) -> Precision:
    word: Precision = row.need(f"{which}_precision")  # type: ignore[assignment]  # _span has checked it
    return word


def _check_order(block: Block) -> None:
    if block.onset_latest < block.onset_earliest:
        raise BadInput(f"the onset of {block.block_id} ends before it begins: swap earliest and latest")
    if len({part is None for part in (block.end_earliest, block.end_latest, block.end_precision)}) == 2:
        raise BadInput(f"{block.block_id} has half an end: give earliest, latest and precision of it, or none of them")
    if block.end_earliest is None or block.end_latest is None:
        return
    # A coarse end may begin before a precise onset ("in May"); it may not be over when the onset is still to come.
    over = block.end_latest == block.onset_earliest and block.end_earliest < block.end_latest
    if over or block.end_latest < max(block.onset_earliest, block.end_earliest):
        raise BadInput(f"the end of {block.block_id} lies before its start: correct it, or leave the end empty")


def _number(row: Row, column: str) -> float:
    text = row.need(column)
    try:
        number = float(text)
    except ValueError:
        row.fail(column, f"{text!r} is not a number: write digits and a point, without unit")
    return number if math.isfinite(number) else row.fail(column, f"{text!r} is not finite: leave the row out")
