"""World Bank: population and the share of people online, by country and year, as API JSON or as the CSV download."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from itertools import chain, islice, pairwise
from typing import Any

from analyzer.errors import BadInput
from analyzer.places import WORLD, cc_of_iso3
from analyzer.records import Lines, Observation, Origin, Rejection, Request, Source
from analyzer.sources import _bytes
from analyzer.sources._answers import document_of
from analyzer.sources._table import TEXT_LIMIT, Bad, Header, check_era, check_width, number, rows, sniff, split

SHARE, POPULATION, USERS = "denominator.internet_share", "denominator.population", "denominator.internet_users"
CODES: Mapping[str, str] = {"IT.NET.USER.ZS": SHARE, "SP.POP.TOTL": POPULATION}
_UNITS = {SHARE: "percent of population", POPULATION: "people", USERS: "people"}
_MOST = {SHARE: 100.0, POPULATION: 1e10}

# Shape as documented; the numbers are made up.
EXAMPLE = """\
[{"page":1,"pages":1,"per_page":500,"total":2,"sourceid":"2","lastupdated":"2026-07-01"},
[{"indicator":{"id":"IT.NET.USER.ZS","value":"Individuals using the Internet (% of population)"},
"country":{"id":"PK","value":"Pakistan"},"countryiso3code":"PAK","date":"2023","value":31.5,"unit":"","obs_status":"",
"decimal":0},
{"indicator":{"id":"IT.NET.USER.ZS","value":"Individuals using the Internet (% of population)"},
"country":{"id":"PK","value":"Pakistan"},"countryiso3code":"PAK","date":"2022","value":null,"unit":"","obs_status":"",
"decimal":0}]]
"""

BASE = "https://api.worldbank.org/v2/country"
_PREAMBLE = 20  # lines before the header; the download has four
_NEEDED = ("country code", "indicator code")
_YEAR = re.compile(r"[12][0-9]{3}")
# Codes of its own that the Bank wrote until about 2016, where ISO has others.
_FORMER = {"ADO": "AD", "IMY": "IM", "KSV": "XK", "ROM": "RO", "TMP": "TL", "WBG": "PS", "ZAR": "CD"}


def recognise(head: str) -> bool:
    if _bytes.is_json(head):
        begin = head.lstrip()[:400]
        return begin.startswith("[") and '"pages"' in begin and '"page"' in begin and '"total"' in begin
    return any(_is_header(line) for line in head.splitlines()[:_PREAMBLE])


def _is_header(line: str) -> bool:
    cells = _cells(line)
    return set(_NEEDED) <= set(cells) and any(_YEAR.fullmatch(c) for c in cells)


def _cells(line: str) -> tuple[str, ...]:
    try:
        return tuple(c.lower() for c in split(line[:100_000], sniff(line)))
    except (csv.Error, StopIteration):
        return ()


def read(lines: Lines, origin: Origin) -> Iterator[Observation | Rejection]:
    """Shares, populations, and people online where one file gives both for a year."""
    first = next(lines, (0, ""))
    while not first[1].strip() and first[0]:
        first = next(lines, (0, ""))
    whole = chain([first], lines)
    items = _of_json(whole, origin) if _bytes.is_json(first[1]) else _of_csv(whole, origin)
    yield from _with_users(items)


@dataclass(slots=True)
class _Cell:
    """One value as a file gives it."""

    line: int
    code: str
    iso3: str
    year: str
    value: str  # '' = missing
    vintage: str
    text: str


def _observed(items: Iterable[_Cell | Rejection]) -> Iterator[Observation | Rejection]:
    """Observations; of what is left out as a whole (groups of countries, other indicators) one rejection each."""
    seen: set[str] = set()
    for item in items:
        if isinstance(item, Rejection):
            yield item
            continue
        try:
            if why := _foreign(item):
                if why[1] in seen:
                    continue
                seen.add(why[1])
                raise Bad(*why)
            yield _observation(item)
        except Bad as bad:
            yield Rejection(item.line, bad.field, bad.reason, item.text)


def _foreign(cell: _Cell) -> tuple[str, str] | None:
    """Column and reason why none of an indicator's or a place's values is loaded."""
    if cell.code not in CODES:
        return "indicator", f"{cell.code[:40]!r} is none of {', '.join(CODES)}: none of its values is loaded"
    if _country(cell.iso3) is None:
        return "country", f"{cell.iso3[:40]!r} is a group of countries or no code we know: no value of it is loaded"
    return None


def _country(iso3: str) -> str | None:
    return WORLD if iso3 == "WLD" else _FORMER.get(iso3) or cc_of_iso3(iso3)


def _observation(cell: _Cell) -> Observation:
    if not _YEAR.fullmatch(cell.year):
        raise Bad("date", f"{cell.year[:40]!r} is not a year such as 2023")
    start = datetime(int(cell.year), 1, 1)  # noqa: DTZ001 - times are naive UTC
    check_era(start, cell.year, "date")
    indicator = CODES[cell.code]
    value = number(cell.value, "value", most=_MOST[indicator]) if cell.value else None
    if value == 0 and indicator == POPULATION:
        raise Bad("value", "0 is no population")
    return Observation(
        indicator,
        _country(cell.iso3) or "",
        start,
        start.replace(year=start.year + 1),
        value,
        _UNITS[indicator],
        state="missing" if value is None else "value",
        scale_id=cell.vintage,
    )


def _with_users(items: Iterable[Observation | Rejection]) -> Iterator[Observation | Rejection]:
    """The rows, and people online where the share and the population of a year are both there.

    Values that contradict each other make products that do, so that none of them is believed.
    """
    known: dict[tuple[str, str, datetime], list[float | None]] = {}
    for item in items:
        yield item
        if isinstance(item, Rejection):
            continue
        own = known.setdefault((item.indicator, item.cc, item.t_start), [])
        if item.value not in own and len(own) < 2:  # two are enough for a contradiction
            own.append(item.value)
        other = POPULATION if item.indicator == SHARE else SHARE
        for value in known.get((other, item.cc, item.t_start), ()):
            yield _online(item, value)


def _online(row: Observation, other: float | None) -> Observation:
    bare = row._replace(indicator=USERS, unit=_UNITS[USERS])
    if row.value is None or other is None:
        return bare._replace(value=None, state="missing")
    return bare._replace(value=row.value * other / 100, state="value")


# JSON


def _of_json(lines: Lines, origin: Origin) -> Iterator[Observation | Rejection]:
    about, items = _answer(document_of(lines, origin), origin)
    vintage = _vintage(about.get("lastupdated"), origin)
    yield from _observed(_tried(item, line, vintage, origin) for line, item in enumerate(items, 1))


def _tried(item: Any, line: int, vintage: str, origin: Origin) -> _Cell | Rejection:
    try:
        return _of_item(item, line, vintage)
    except Bad as bad:
        return Rejection(line, bad.field, bad.reason, str(item)[:TEXT_LIMIT])
    except (KeyError, TypeError, AttributeError) as error:
        raise BadInput(f"{origin.name}: row {line} is not as the World Bank's API writes it ({error!r})") from error


def _answer(document: Any, origin: Origin) -> tuple[dict[str, Any], list[Any]]:
    """What the answer says of itself, and its rows; raises BadInput for errors, parts and empty answers."""
    if not isinstance(document, list) or not document or not isinstance(document[0], dict):
        raise BadInput(f"{origin.name} is no answer of the World Bank's API, which is a list: [about, rows]")
    about = document[0]
    if "message" in about:
        raise BadInput(f"{origin.name} is an error of the World Bank's API: {_message(about['message'])}")
    items = document[1] if len(document) == 2 else None
    if not items and about.get("total") == 0:
        raise BadInput(f"{origin.name} is an answer without rows: the World Bank has none for that country")
    if not isinstance(items, list) or not items:
        raise BadInput(f"{origin.name} is no answer of the World Bank's API: a list of rows is lacking")
    _check_whole(about, len(items), origin)
    return about, items


def _message(found: Any) -> str:
    one = found[0] if isinstance(found, list) and found else found
    parts = [str(one[k]) for k in ("id", "key", "value") if k in one] if isinstance(one, dict) else [str(one)]
    return " ".join(parts)[:200].encode(errors="replace").decode()


def _check_whole(about: Mapping[str, Any], held: int, origin: Origin) -> None:
    """A page of several lacks years or countries, and nobody would see which."""
    page, pages, total = (str(about.get(k)) for k in ("page", "pages", "total"))
    if (page, pages) != ("1", "1"):
        raise BadInput(f"{origin.name} is page {page[:20]} of {pages[:20]}; get it whole with per_page=32500")
    if total != str(held):
        raise BadInput(f"{origin.name} holds {held} rows and states {total[:20]}: it is cut; get it again")


def _of_item(item: Any, line: int, vintage: str) -> _Cell:
    value, iso3, identifier = item["value"], item["countryiso3code"], item["country"]["id"]
    if isinstance(value, (bool, list, dict)) or value == "":
        raise Bad("value", f"{str(value)[:40]!r} is not a number")
    if unit := item.get("unit"):
        raise Bad("unit", f"{str(unit)[:40]!r} is stated, where the World Bank states none")
    shown = "" if value is None else str(value)
    code, year = str(item["indicator"]["id"]), str(item["date"])
    stated = ", ".join(filter(None, (vintage, _status(item.get("obs_status")))))
    # The text of a dict spells what is no character: no halves of characters reach the store.
    return _Cell(line, code, _place(iso3, identifier), year, shown, stated, str(item)[:TEXT_LIMIT])


def _place(iso3: Any, identifier: Any) -> str:
    """The alpha-3 code, which groups of countries lack; raises Bad where the alpha-2 code beside it is another's."""
    place = "WLD" if identifier == "1W" else str(iso3 or identifier)
    cc = _country(place)
    if cc not in (None, WORLD, identifier):
        raise Bad("country", f"{place} is {cc}, but its id is {str(identifier)[:40]!r}")
    return place


def _status(stated: Any) -> str:
    """What the Bank remarks on a value (E estimated, F forecast)."""
    if stated and not re.fullmatch("[A-Z]{1,3}", str(stated)):
        raise Bad("obs_status", f"{str(stated)[:40]!r} is no status")
    return f"status {stated}" if stated else ""


def _vintage(stated: Any, origin: Origin) -> str:
    """`last updated DAY`, '' where the file does not say."""
    if stated in (None, ""):
        return ""
    try:
        return f"last updated {date.fromisoformat(str(stated).strip())}"
    except ValueError:
        shown = str(stated)[:40].encode(errors="replace").decode()
        raise BadInput(f"{origin.name} states the last update {shown!r}, which is no day such as 2026-07-01") from None


# CSV


def _of_csv(lines: Lines, origin: Origin) -> Iterator[Observation | Rejection]:
    header, vintage = _header(lines, origin)
    yield from _observed(_cells_of(lines, header, vintage, origin))


def _cells_of(lines: Lines, header: Header, vintage: str, origin: Origin) -> Iterator[_Cell | Rejection]:
    years = {at: name for at, name in enumerate(header.columns) if _YEAR.fullmatch(name)}
    code, iso3 = header.at("indicator code"), header.at("country code")
    for row in rows(lines, header, origin.name):
        try:
            check_width(row, header)
        except Bad as bad:
            yield Rejection(row.line, bad.field, bad.reason, row.text)
            continue
        of_row = row.cells[code].strip(), row.cells[iso3].strip()
        for at, year in years.items():
            yield _Cell(row.line, *of_row, year, row.cells[at].strip(), vintage, row.text)


def _header(lines: Lines, origin: Origin) -> tuple[Header, str]:
    """The line that names the columns, and the vintage that the lines before it state."""
    vintage = ""
    for line, text in islice(lines, _PREAMBLE):
        cells = _cells(text)
        if cells[:1] == ("last updated date",):
            vintage = _vintage(cells[1] if len(cells) > 1 else "", origin)
        if _is_header(text):
            _refuse_twins(cells, line, origin)
            return Header(line, cells, sniff(text)), vintage
    raise BadInput(
        f"{origin.name}: no line names Country Code, Indicator Code and years, as the World Bank's download does; "
        "get the file again, or name the right --source"
    )


def _refuse_twins(columns: tuple[str, ...], line: int, origin: Origin) -> None:
    twins = [a for a, b in pairwise(sorted(c for c in columns if c)) if a == b]
    if twins:
        raise BadInput(f"{origin.name}: line {line} names column {twins[0]!r} twice; rename one of them")


def requests(cc: str, start: date, end: date) -> list[Request]:  # noqa: ARG001 - one signature for all sources
    """Every year there is: the last before a block is often older than any days that are asked for."""
    place = "WLD" if cc == WORLD else cc
    asked = "format=json&per_page=500"
    return [Request(f"{BASE}/{place}/indicator/{code}?{asked}", f"{code}-{place}.json") for code in CODES]


SOURCE = Source(
    name="world_bank",
    title="Population and people online, by country and year",
    organization="World Bank",
    info_url="https://data.worldbank.org/indicator/IT.NET.USER.ZS",
    licence="CC BY 4.0",
    attribution="World Bank, World Development Indicators (people online: ITU)",
    grain="API JSON: one row per country and year; CSV download: one row per country, one column per year",
    indicators=(SHARE, POPULATION, USERS),
    caveat=(
        "The share is of a survey or an estimate of that year, revised by much between vintages: scale_id says when "
        "the file was last updated. People online are share times population where one file gives both for the year. "
        "Groups of countries are left out. An empty year is missing."
    ),
    timezone="UTC",
    example=EXAMPLE,
    example_is_genuine=False,
    recognise=recognise,
    read=read,
    requests=requests,
)
