"""Any delimited table, through a mapping file; without one, a table whose columns carry the names of our own."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import cast

from analyzer.errors import BadInput
from analyzer.places import UNKNOWN, WORLD
from analyzer.records import Lines, Observation, Origin, Rejection, Source, State
from analyzer.sources._aggregate import joined
from analyzer.sources._clock import Clock
from analyzer.sources._mapping import FIELDS, STATES, Field, TableMapping, Time, checked, zone
from analyzer.sources._places import place
from analyzer.sources._table import PEOPLE, Bad, Header, Row, check_width, find_header, header_of, need, number, rows

# Columns as in the glossary; the numbers are made up.
EXAMPLE = """\
indicator,cc,entity,t_start,t_end,value,unit,state
search.interest,PK,vpn,2024-02-16,2024-02-17,31,index,value
search.interest,PK,vpn,2024-02-17,2024-02-18,,index,below_threshold
"""

_TIDY = ("indicator", "cc", "t_start", "t_end", "value", "unit")
_OF_PEOPLE = re.compile(r"client|user|people|person|sign-?up|download|install", re.IGNORECASE)
_BELOW = re.compile(r"<\s*([0-9]+(?:\.[0-9]+)?)")


def recognise(head: str) -> bool:
    return set(header_of(head)).issuperset(_TIDY)


def read(lines: Lines, origin: Origin) -> Iterator[Observation | Rejection]:
    mapping = _tidy() if origin.mapping is None else checked(origin.mapping, origin.tz)
    header = find_header(lines, origin.name, delimiter=mapping.delimiter, at_line=mapping.header)
    table = _table(mapping, header, origin)
    items = _items(table, lines, header, origin)
    yield from joined(items, mapping.aggregate) if mapping.aggregate else items


def _items(table: _Table, lines: Lines, header: Header, origin: Origin) -> Iterator[Observation | Rejection]:
    for row in rows(lines, header, origin.name):
        try:
            check_width(row, header)
            cells = {name: row.cells[at].strip() for name, at in table.at.items()}
        except Bad as bad:
            yield Rejection(row.line, bad.field, bad.reason, row.text)
            continue
        yield from _of_row(table, row, cells)


@dataclass(frozen=True, slots=True)
class _Table:
    """A mapping and where its columns stand in one file."""

    mapping: TableMapping
    at: Mapping[str, int]
    wide_at: Mapping[int, str]  # column position -> what the header says there
    clock: Clock
    cc: str | None


def _tidy() -> TableMapping:
    fields = {name: Field(column=name, optional=name not in _TIDY) for name in FIELDS}
    return TableMapping(fields, Time("t_start", zone=zone("UTC")), end="t_end", states={"": "missing"})


def _table(mapping: TableMapping, header: Header, origin: Origin) -> _Table:
    fields = {n: f for n, f in mapping.fields.items() if not f.column or not f.optional or f.column in header.columns}
    mapping = replace(mapping, fields=fields)
    columns = {name: f.column for name, f in fields.items() if f.column}
    columns |= {"time": mapping.time.column} | ({"end": mapping.end} if mapping.end else {})
    need(header, dict.fromkeys(columns.values()), name=origin.name, source="generic_table by this mapping")
    if "cc" not in fields and not origin.cc and not (mapping.wide and mapping.wide.columns == "cc"):
        raise BadInput("mapping: no cc; name its column, or the country with --cc")
    at = {name: header.at(column) for name, column in columns.items()}
    return _Table(mapping, at, _wide_at(mapping, header, set(at.values()), origin), Clock(mapping.time), origin.cc)


def _wide_at(mapping: TableMapping, header: Header, taken: set[int], origin: Origin) -> dict[int, str]:
    wide = mapping.wide
    if wide is None:
        return {}
    need(header, (*wide.only, *wide.skip), name=origin.name, source="generic_table by wide.only and wide.skip")
    left = {i: c for i, c in enumerate(header.columns) if i not in taken and c and c not in wide.skip}
    found = {i: c for i, c in left.items() if not wide.only or c in wide.only}
    strangers = [c for c in found.values() if wide.columns == "cc" and _place(c, mapping) is None]
    if strangers:
        raise BadInput(
            f"{origin.name}: columns that are no country: {', '.join(strangers[:10])}; "
            "put them under wide.skip, or say under countries which they are"
        )
    return found


def _of_row(table: _Table, row: Row, cells: Mapping[str, str]) -> Iterator[Observation | Rejection]:
    wide = table.mapping.wide
    if wide is None:
        yield _kept(table, row, cells, "value")
    for at, column in table.wide_at.items():
        named = column if not wide or wide.columns == "cc" else "" if table.mapping.aggregate else wide.prefix + column
        yield _kept(table, row, {**cells, wide.columns if wide else "": named, "value": row.cells[at].strip()}, column)


def _kept(table: _Table, row: Row, cells: Mapping[str, str], column: str) -> Observation | Rejection:
    try:
        return _observation(table, cells)
    except Bad as bad:
        return Rejection(row.line, column if bad.field == "value" else bad.field, bad.reason, row.text)


def _observation(table: _Table, cells: Mapping[str, str]) -> Observation:
    mapping = table.mapping
    start, stop = table.clock.interval(cells["time"], cells.get("end", ""))
    cc, code = _where(table, cells)
    unit = _text(mapping, cells, "unit")
    value, state, high = _value(mapping, cells, unit)
    low, stated_high = _optional(mapping, cells, "low"), _optional(mapping, cells, "high")
    high = high if stated_high is None else stated_high
    if low is not None and high is not None and low > high:
        raise Bad("low", f"{low:g} lies above high {high:g}")
    n, asn = _optional(mapping, cells, "n", most=2**53), _text(mapping, cells, "asn").upper().removeprefix("AS")
    return Observation(
        _indicator(_text(mapping, cells, "indicator")),
        cc,
        start,
        stop,
        value,
        unit,
        asn=int(number(asn, "asn", most=2**32 - 1)) if asn else 0,
        entity=" ".join(filter(None, (code, _text(mapping, cells, "entity")))),
        low=low,
        high=high,
        state=state,
        quality=_optional(mapping, cells, "quality"),
        n=None if n is None else round(n),
        scale_id=_text(mapping, cells, "scale_id"),
    )


def _text(mapping: TableMapping, cells: Mapping[str, str], name: str) -> str:
    """A text field: the constant, or the cell behind its prefix."""
    field = mapping.fields.get(name)
    if field is None:
        return cells.get(name, "") if name == "entity" else ""  # in a wide table the header says the entity
    return field.value or field.prefix + cells[name]


def _indicator(text: str) -> str:
    if not re.fullmatch(r"[a-z0-9_]+(\.[a-z0-9_]+)*", text):
        raise Bad("indicator", f"{text[:40]!r} is no indicator; it is words such as app.downloads")
    return text


def _where(table: _Table, cells: Mapping[str, str]) -> tuple[str, str]:
    field = table.mapping.fields.get("cc")
    code = cells.get("cc", field.value if field else table.cc or "")
    found = _place(code, table.mapping)
    if found is None:
        raise Bad("cc", f"{code[:40]!r} is no country code; say under countries which it is" if code else "is empty")
    return found


def _place(code: str, mapping: TableMapping) -> tuple[str, str] | None:
    code = mapping.countries.get(code, code)
    return (code, "") if code in (WORLD, UNKNOWN) else place(code)


def _value(mapping: TableMapping, cells: Mapping[str, str], unit: str) -> tuple[float | None, State, float | None]:
    """(value, state, upper bound that the marker itself states)."""
    text = cells["value"]
    said = _text(mapping, cells, "state") or "value"
    if said not in STATES:
        raise Bad("state", f"{said[:40]!r} is none of {', '.join(STATES)}")
    marked = mapping.states.get(text, "value") if said == "value" else cast("State", said)
    if marked != "value":
        below = _BELOW.fullmatch(text) if marked == "below_threshold" else None
        return None, marked, float(below[1]) if below else None
    return _number(mapping, text, "value", most=PEOPLE if _OF_PEOPLE.search(unit) else math.inf), "value", None


def _optional(mapping: TableMapping, cells: Mapping[str, str], name: str, *, most: float = math.inf) -> float | None:
    text = _text(mapping, cells, name)
    return _number(mapping, text, name, most=most) if text else None


def _number(mapping: TableMapping, text: str, name: str, *, most: float) -> float:
    least = -math.inf if mapping.negative else 0.0
    whole, point, part = text.partition(mapping.decimal)
    if mapping.thousands and mapping.thousands in whole:
        # Groups of three, or of two before the last three as in South Asia; 1,5 is not fifteen.
        group = re.escape(mapping.thousands)
        if not re.fullmatch(rf"[+-]?[0-9]{{1,3}}({group}[0-9]{{2,3}})*{group}[0-9]{{3}}", whole):
            raise Bad(name, f"{text[:40]!r} is not grouped by {mapping.thousands!r}")
        whole = whole.replace(mapping.thousands, "")
    if mapping.decimal != "." and "." in whole + part:
        raise Bad(name, f"{text[:40]!r} is not a number with {mapping.decimal!r} before its decimals")
    return number(whole + ("." if point else "") + part, name, least=least, most=most)


SOURCE = Source(
    name="generic_table",
    title="Any CSV, TSV, ; or | table, through a mapping file",
    organization="whoever made the table",
    info_url="https://github.com/vpn-uptake/vpn-uptake",
    licence="not stated; a mapping may state it",
    attribution="not stated; a mapping may state it",
    grain="as mapped: hour, day, week or month",
    indicators=("app.downloads", "app.chart_rank", "search.interest", "psiphon.daily_users", "apnic.users"),
    caveat=(
        "Read with --map FILE (TOML or YAML); without one only a table with the columns indicator, cc, t_start, "
        "t_end, value and unit. Values are taken as they are: that series of one scale_id may be compared is for "
        "the mapping to know."
    ),
    timezone="as mapped; UTC without a mapping",
    example=EXAMPLE,
    example_is_genuine=False,
    recognise=recognise,
    read=read,
)
