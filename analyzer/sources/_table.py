"""Delimited tables: columns by name, never by position; cells as numbers and days, or a sentence why not."""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from analyzer.errors import BadInput
from analyzer.records import Lines

PEOPLE = 8.5e9  # more than live on Earth: no count of clients or users can exceed it
TEXT_LIMIT = 500  # of a rejected line: enough to recognise it
DELIMITERS = ",;\t|"

_NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?")


class Bad(Exception):
    """A cell that cannot be used: which column, and why.  Never leaves the sources."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(field, reason)
        self.field, self.reason = field, reason


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a table: its number, its text and its cells."""

    line: int
    text: str
    cells: Sequence[str]


@dataclass(frozen=True, slots=True)
class Header:
    """The line that names the columns."""

    line: int
    columns: tuple[str, ...]
    delimiter: str

    def at(self, column: str) -> int:
        """Position of a column; -1 when there is none."""
        return self.columns.index(column) if column in self.columns else -1


class _Feed:
    """Lines for the csv module, remembering where it stands and what it has taken for the row at hand."""

    def __init__(self, lines: Lines) -> None:
        self._lines = lines
        self.first, self.taken = 0, list[str]()

    def __iter__(self) -> _Feed:
        return self

    def __next__(self) -> str:
        number, text = next(self._lines)
        if not self.taken:
            self.first = number
        self.taken.append(text)
        return text + "\n"

    def take(self) -> tuple[int, str]:
        """Number and text of the row just read."""
        row = self.first, "\n".join(self.taken)[:TEXT_LIMIT]
        self.taken.clear()
        return row


def split(text: str, delimiter: str) -> tuple[str, ...]:
    """The cells of one line."""
    return tuple(cell.strip() for cell in next(csv.reader([text], delimiter=delimiter)))


def sniff(text: str) -> str:
    """The delimiter that cuts a header into most columns."""
    return max(DELIMITERS, key=text.count)


def header_of(head: str) -> tuple[str, ...]:
    """Column names of the first line that is neither empty nor a `#` comment, lower case; () when there is none."""
    for text in head.splitlines()[:200]:
        if text.strip() and not text.startswith("#"):
            try:
                return tuple(c.lower() for c in split(text[:10_000], sniff(text)))
            except csv.Error:
                return ()
    return ()


def find_header(lines: Lines, name: str, *, delimiter: str = "", at_line: int = 0) -> Header:
    """The header: line `at_line`, or else the first that is neither empty nor a comment.

    Raises BadInput when the text ends before it or two columns share a name.
    """
    for number, text in lines:
        if number < at_line or (not at_line and (not text.strip() or text.startswith("#"))):
            continue
        cut = delimiter or sniff(text)
        columns = split(text, cut)
        _refuse_twins(columns, number, name)
        return Header(number, columns, cut)
    raise BadInput(f"{name}: no header line: there is nothing but comments in it")


def _refuse_twins(columns: Sequence[str], line: int, name: str) -> None:
    named = [c for c in columns if c]
    if twins := sorted({c for c in named if named.count(c) > 1}):
        raise BadInput(f"{name}: line {line} names column {twins[0]!r} twice; rename one of them")


def need(header: Header, required: Iterable[str], *, name: str, source: str) -> None:
    """Raises BadInput naming the file, the columns that are missing, what was found and the format tried."""
    required = tuple(required)
    if missing := [c for c in required if c not in header.columns]:
        found = ", ".join(c or "(unnamed)" for c in header.columns[:20])
        plural = "s" if len(missing) > 1 else ""
        raise BadInput(
            f"{name}: no column{plural} {', '.join(map(repr, missing))} in line {header.line} (found: {found}); "
            f"read as {source}, which has {','.join(required)}: get the file again, or name the right --source"
        )


def rows(lines: Lines, header: Header, name: str) -> Iterator[Row]:
    """Rows after the header; empty lines and `#` comments are passed over."""
    feed = _Feed((n, t) for n, t in lines if t.strip() and not t.startswith("#"))
    reader = csv.reader(feed, delimiter=header.delimiter)
    try:
        for cells in reader:
            line, text = feed.take()
            yield Row(line, text, cells)
    except csv.Error as error:
        raise BadInput(f"{name}: line {feed.first}: {error}: is a quote opened there and never closed?") from error


def check_width(row: Row, header: Header) -> None:
    """A row of another width than the header is damaged: no telling which cell is which."""
    if len(row.cells) != len(header.columns):
        raise Bad("", f"has {len(row.cells)} columns where the header has {len(header.columns)}")


def number(text: str, field: str, *, least: float = 0.0, most: float = PEOPLE) -> float:
    """A finite number within bounds; raises Bad."""
    if not _NUMBER.fullmatch(text):
        raise Bad(field, f"{text[:40]!r} is not a number" if text.strip() else "is empty")
    value = float(text)
    if not math.isfinite(value):
        raise Bad(field, f"{text[:40]} is not a finite number")
    if value < least:
        raise Bad(field, f"{text[:40]} is negative" if least == 0 else f"{text[:40]} is below {least:g}")
    if value > most:
        raise Bad(field, f"{text[:40]} is impossible: more than {most:g}")
    return value


def maybe_number(text: str, field: str, *, most: float = PEOPLE) -> float | None:
    """A number, or None for an empty cell."""
    return number(text, field, most=most) if text.strip() else None


def iso_day(text: str, field: str) -> datetime:
    """The UTC midnight of an ISO date; a time of day is allowed as long as it is midnight.  Raises Bad."""
    try:
        when = datetime.fromisoformat(text.strip())
    except ValueError:
        raise Bad(field, f"{text[:40]!r} is not a date such as 2024-02-17") from None
    if when.tzinfo is not None and when.utcoffset():
        raise Bad(field, f"{text[:40]} is not in UTC")
    when = when.replace(tzinfo=None)
    if when != when.replace(hour=0, minute=0, second=0, microsecond=0):
        raise Bad(field, f"{text[:40]} is not the start of a UTC day")
    return when
