"""Google Trends: the file multiTimeline.csv that the page exports, interest in search terms over time."""

from __future__ import annotations

import csv
import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from analyzer.errors import BadInput
from analyzer.records import Lines, Observation, Origin, Rejection, Source
from analyzer.sources import _mapping
from analyzer.sources._clock import Clock
from analyzer.sources._partial import refuse_partial, usable_retrieval
from analyzer.sources._table import Bad, Header, Row, check_width, number, rows, sniff, split
from analyzer.sources._trends_places import ALSO_REGIONS, named

# Shape as in published files; the numbers are made up.  The first line is ours: Trends does not state the retrieval.
EXAMPLE = """\
# retrieved: 2024-02-20T08:00:00Z
Category: All categories

Day,vpn: (Pakistan),psiphon: (Pakistan)
2024-02-16,31,<1
2024-02-17,64,1
2024-02-18,100,
"""

LIMIT = 1 << 22  # characters; a genuine file has at most some hundred rows of five terms, about 20,000
PREAMBLE = 12  # lines in which the header must come
ALL_CATEGORIES = "Category: All categories"

_CELL = re.compile(r"(?P<term>.+): \((?P<place>.+)\)", re.DOTALL)
_LESS = re.compile(r"<\s*1")
_SHAPES: dict[str, re.Pattern[str]] = {
    "hour": re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{2,8}"),
    "day": re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}"),  # or week
    "month": re.compile(r"[0-9]{4}-[0-9]{2}"),
}
_WORDS: dict[str, _mapping.Grain] = {"day": "day", "week": "week", "month": "month"}
_SUNDAY = 6


@dataclass(frozen=True, slots=True)
class _Column:
    """A term in a place, and where it stands in a row."""

    at: int
    name: str
    term: str
    cc: str


@dataclass(frozen=True, slots=True)
class _Table:
    """The file as read: its columns, its rows, how long each lasts, and on which scale all of it is."""

    columns: tuple[_Column, ...]
    header: Header
    rows: Sequence[Row]
    grain: _mapping.Grain
    scale_id: str


def recognise(head: str) -> bool:
    return _header_in(head.splitlines()[:PREAMBLE]) is not None


def _header_in(texts: Sequence[str]) -> tuple[int, tuple[str, ...]] | None:
    """Index and cells of the first line whose cells, but for the first, all read `term: (place)`."""
    for at, text in enumerate(texts):
        try:
            cells = split(text[:100_000], sniff(text)) if ": (" in text and not text.startswith("#") else ()
        except (csv.Error, StopIteration):
            continue
        if len(cells) > 1 and all(_CELL.fullmatch(c) for c in cells[1:]):
            return at, cells
    return None


def read(lines: Lines, origin: Origin) -> Iterator[Observation | Rejection]:
    table = _table(_held(lines, origin), origin)
    clock = Clock(_time(table, origin))
    retrieved = _retrieved(table, clock, origin)
    for row in table.rows:
        try:
            check_width(row, table.header)
            start, end = _interval(row, table, clock)
            refuse_partial(end, retrieved, table.header.columns[0], table.grain)
            if retrieved is None and row is table.rows[-1]:
                raise Bad(table.header.columns[0], f"may be part of a {table.grain}: state --retrieved")
        except Bad as bad:
            yield Rejection(row.line, bad.field, bad.reason, row.text)
            continue
        yield from _cells(row, table, start, end)


def _held(lines: Lines, origin: Origin) -> list[tuple[int, str]]:
    """The whole file, because all of it is one scale; BadInput beyond 4 Mi characters."""
    held: list[tuple[int, str]] = []
    size = 0
    for line in lines:
        size += len(line[1]) + 1
        if size > LIMIT:
            raise BadInput(f"{origin.name} is longer than {LIMIT >> 20} MiB: no file that Google Trends exports")
        held.append(line)
    return held


def _table(held: list[tuple[int, str]], origin: Origin) -> _Table:
    """Raises BadInput for what is no series of a country or of the world."""
    found = _header_in([text for _, text in held[:PREAMBLE]])
    if found is None:
        first = next((text for _, text in held if text.strip()), "nothing")
        raise BadInput(
            f"{origin.name}: no header such as Day,term: (Country) (found: {first[:50]!r}); "
            "export the chart of interest over time again"
        )
    at, names = found
    header = Header(held[at][0], names, sniff(held[at][1]))
    columns = _columns(header, origin)
    body = list(rows(iter(held[at + 1 :]), header, origin.name))
    if not body:
        raise BadInput(f"{origin.name} has a header of Google Trends but no rows: too few searches, or a cut file")
    scale = hashlib.sha256("\n".join(text for _, text in held[at:]).encode()).hexdigest()[:12]
    return _Table(columns, header, body, _grain(header, body, origin), f"trends/{scale}{_category(held[:at])}")


def _category(preamble: list[tuple[int, str]]) -> str:
    """What narrows the searches, as the file says it; nothing for all categories."""
    stated = [text.strip().rstrip(",;\t") for _, text in preamble if text.strip() and not text.startswith("#")]
    return "".join(f" {text[:80]}" for text in stated if text != ALL_CATEGORIES)


def _columns(header: Header, origin: Origin) -> tuple[_Column, ...]:
    cells = [(i, name, _CELL.fullmatch(name)) for i, name in enumerate(header.columns)][1:]
    found = [(i, name, cell["term"].strip(), cell["place"].strip()) for i, name, cell in cells if cell]
    places = {place: _country(place, header, origin) for _, _, _, place in found}
    columns = tuple(_Column(i, name, term, places[place]) for i, name, term, place in found)
    if len({(c.term, c.cc) for c in columns}) < len(columns):
        raise BadInput(f"{origin.name}: line {header.line} names a term twice for one place; export it again")
    return columns


def _country(place: str, header: Header, origin: Origin) -> str:
    """The country of a bracket; the user's where the name is not certain and the whole file is of one place."""
    if re.search(r"[0-9]+/[0-9]+/[0-9]+", place):
        raise BadInput(f"{origin.name} is interest by region ({place[:40]}), not over time; export the other chart")
    found = named(place)
    if found and origin.cc and found != origin.cc:
        raise BadInput(f"{origin.name} is of {place[:60]} ({found}), not of {origin.cc}; leave --cc out")
    if found and (origin.cc or found not in ALSO_REGIONS):
        return found
    alone = all(name.endswith(f": ({place})") for name in header.columns[1:])
    if origin.cc and alone:
        return origin.cc
    raise BadInput(
        f"{origin.name}: {place[:60]!r} in line {header.line} "
        + ("is the name of a country and of a region" if found else "is no English name of a country")
        + "; if it is a whole country (XX: the world), and no other is in the file, name it with --cc"
    )


def _grain(header: Header, body: Sequence[Row], origin: Origin) -> _mapping.Grain:
    """How long a row lasts, from how its times are written and spaced; the first column's word must agree."""
    texts = [row.cells[0].strip() for row in body]
    written = [next((g for g, shape in _SHAPES.items() if shape.fullmatch(t)), "") for t in texts]
    kinds = set(written) - {""}
    if len(kinds) != 1:
        what = "times of different kinds" if kinds else f"times such as {texts[0][:40]!r}"
        raise BadInput(f"{origin.name} has {what}; 2024-02-17, 2024-02 and 2024-02-17T15 are read: export in English")
    word = _WORDS.get(header.columns[0].casefold())
    kind = kinds.pop()
    found: _mapping.Grain | None = "hour" if kind == "hour" else "month" if kind == "month" else _spaced(texts, word)
    if found is None or (word and word != found):
        raise BadInput(
            f"{origin.name}: the times of column {header.columns[0][:40]!r} are neither days nor "
            "weeks from Sunday, or not what its name says; export it again"
        )
    if found == "hour" and any(t[13:].strip(":0") for t in texts):
        raise BadInput(f"{origin.name} has steps shorter than an hour, which are not read; export a longer range")
    return found


def _spaced(texts: Sequence[str], word: _mapping.Grain | None) -> _mapping.Grain | None:
    """day or week by the shortest step between dates; what the word says where there is a single date."""
    days = sorted({d for t in texts if (d := _date(t))})
    if len(days) < 2:
        return word
    steps = {b - a for a, b in pairwise(days)}
    if word != "day" and min(steps) == timedelta(days=7) and all(d.weekday() == _SUNDAY for d in days):
        return "week"
    return "day" if word == "day" or timedelta(days=1) in steps else None


def _date(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def _time(table: _Table, origin: Origin) -> _mapping.Time:
    """Hours are on the clock of whoever asked, which the file does not state; days are taken for UTC days."""
    if table.grain == "hour" and origin.tz is None:
        raise BadInput(
            f"{origin.name} has hours on the clock of the browser that asked, and does not state it; name it with --tz"
        )
    written = "%Y-%m" if table.grain == "month" else "iso"
    return _mapping.Time(table.header.columns[0], written, _mapping.zone(origin.tz or "UTC"), table.grain)


def _interval(row: Row, table: _Table, clock: Clock) -> tuple[datetime, datetime]:
    text = row.cells[0].strip()
    if table.grain == "week" and (day := _date(text)) and day.weekday() != _SUNDAY:
        raise Bad(table.header.columns[0], f"{text[:40]} is no Sunday, on which the weeks of Google Trends begin")
    return clock.interval(text)


def _retrieved(table: _Table, clock: Clock, origin: Origin) -> datetime | None:
    starts: list[datetime] = []
    for row in table.rows:
        try:
            starts.append(_interval(row, table, clock)[0])
        except Bad:
            continue
    return usable_retrieval(origin.retrieved_at, max(starts)) if starts else None


def _cells(row: Row, table: _Table, start: datetime, end: datetime) -> Iterator[Observation | Rejection]:
    for column in table.columns:
        bare = Observation(
            "search.interest", column.cc, start, end, None, "index", entity=column.term, scale_id=table.scale_id
        )
        try:
            yield _valued(bare, row.cells[column.at].strip(), column.name)
        except Bad as bad:
            yield Rejection(row.line, bad.field, bad.reason, row.text)


def _valued(bare: Observation, text: str, field: str) -> Observation:
    """`<1` is above nothing and below one; an empty cell says nothing."""
    if not text:
        return bare._replace(state="missing")
    if _LESS.fullmatch(text):
        return bare._replace(state="below_threshold", low=0.0, high=1.0)
    value = number(text, field, most=100.0)
    if not value.is_integer():
        raise Bad(field, f"{text[:40]} is not a whole number from 0 to 100")
    return bare._replace(value=value)


SOURCE = Source(
    name="google_trends",
    title="Google Trends: interest in search terms over time",
    organization="Google",
    info_url="https://trends.google.com/trends/",
    licence="Google's terms of service; automated access is restricted, so the file is exported by hand",
    attribution="Google Trends",
    grain="one row per hour, day, week (from Sunday) or month, one column per term and place",
    indicators=("search.interest",),
    caveat=(
        "Interest, not use. 100 is the highest value of all terms in the file, so every file has its own scale_id and "
        "two files are never joined. Values come from a sample: another export of the same query differs, and not by a "
        "factor alone. <1 is below_threshold, never 0. A last row that was not over at the retrieval, or may not have "
        "been, is refused. Days are taken for UTC days, which Google does not confirm, unless --tz says otherwise."
    ),
    timezone="UTC",
    example=EXAMPLE,
    example_is_genuine=False,
    recognise=recognise,
    read=read,
)
