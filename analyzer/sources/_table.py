"""Delimited tables: columns by name, never by position; cells as numbers and days, or a sentence why not."""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple

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


class Row(NamedTuple):
    """One row of a table: the number of its first line, its text and its cells."""

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
    cut = header.delimiter
    for number, text in lines:
        if '"' in text:
            yield _quoted(number, text, lines, cut, name)
        elif text and text[0] != "#" and not text.isspace():
            yield Row(number, text, text.split(cut))


def _quoted(number: int, text: str, lines: Lines, cut: str, name: str) -> Row:
    """A row with quotes: it may go on over several lines, and a cell has the bound of the csv module (128 KiB)."""
    taken = [text]

    def feed() -> Iterator[str]:
        yield text + "\n"
        for _, more in lines:
            taken.append(more)
            yield more + "\n"

    try:
        cells = next(csv.reader(feed(), delimiter=cut, strict=True))
    except csv.Error as error:
        raise BadInput(f"{name}: line {number}: {error}: is a quote opened there and never closed?") from error
    return Row(number, "\n".join(taken), cells)


def check_width(row: Row, header: Header) -> None:
    """A row of another width than the header is damaged: no telling which cell is which."""
    if len(row.cells) != len(header.columns):
        raise Bad("", f"has {len(row.cells)} columns where the header has {len(header.columns)}")


@lru_cache(maxsize=1 << 16)
def _parsed(text: str) -> float:
    """A number; the same few thousand counts make up most of a file."""
    if not _NUMBER.fullmatch(text):
        raise ValueError
    return float(text)


def number(text: str, field: str, *, least: float = 0.0, most: float = PEOPLE) -> float:
    """A finite number within bounds; raises Bad."""
    try:
        value = _parsed(text)
    except ValueError:
        raise Bad(field, f"{text[:40]!r} is not a number" if text.strip() else "is empty") from None
    if least <= value <= most and value not in (math.inf, -math.inf):
        return value
    if not math.isfinite(value):
        raise Bad(field, f"{text[:40]} is not a finite number")
    if value < least:
        raise Bad(field, f"{text[:40]} is negative")
    raise Bad(field, f"{text[:40]} is impossible: more than {most:g}")


def maybe_number(text: str, field: str, *, most: float = PEOPLE) -> float | None:
    """A number, or None for an empty cell."""
    return number(text, field, most=most) if text.strip() else None


def check_era(when: datetime, text: str, field: str) -> None:
    """A year that no series has is a slip of the pen; near the ends of the calendar there is no next day either."""
    if not 1900 <= when.year <= 2200:
        raise Bad(field, f"{text[:40]!r} is no date of this era")


def iso_day(text: str, field: str) -> datetime:
    """The UTC midnight of an ISO date; a time of day is allowed as long as it is midnight.  Raises Bad."""
    try:
        when = datetime.fromisoformat(text.strip())
    except ValueError:
        raise Bad(field, f"{text[:40]!r} is not a date such as 2024-02-17") from None
    if when.tzinfo is not None and when.utcoffset():
        raise Bad(field, f"{text[:40]} is not in UTC")
    when = when.replace(tzinfo=None)
    check_era(when, text, field)
    if when != when.replace(hour=0, minute=0, second=0, microsecond=0):
        raise Bad(field, f"{text[:40]} is not the start of a UTC day")
    return when
