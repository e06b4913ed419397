"""APNIC Labs: which share of a country's internet users each network (AS) has, from where advertisements were shown."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from pathlib import PurePath
from typing import Any

from analyzer.errors import BadInput, FetchError
from analyzer.places import UNKNOWN, WORLD, is_country
from analyzer.records import Lines, Observation, Origin, Rejection, Request, Source
from analyzer.sources import _bytes
from analyzer.sources._answers import document_of
from analyzer.sources._table import TEXT_LIMIT, Bad, number

# Fields as its public clients read them; the networks (numbers for documentation) and shares are made up.
EXAMPLE = """\
[{"as":64496,"autnum":"EXAMPLE-ONE","cc":"PK","percent":31.25},
{"as":64497,"autnum":"EXAMPLE-TWO","cc":"PK","percent":12.5}]
"""

INDICATOR, UNIT = "apnic.users", "percent of the country's users"
ADDRESS = "http://v6data.data.labs.apnic.net/ipv6-measurement/Economies/{cc}/{cc}.asns.json?m=0.01"
_WHOLE = 101.0  # rounding makes sums of a little over 100
_FRACTIONS = 1.01
_FIELDS = ("as", "percent", "autnum")
_IN_NAME = re.compile(r"(?<![A-Za-z])([A-Z]{2})\.asns(?![a-z])")


def recognise(head: str) -> bool:
    begin = re.match(r"\s*\[\s*\{([^{}]*)", head)
    return begin is not None and _bytes.is_json(head) and all(f'"{name}"' in begin[1] for name in _FIELDS)


def read(lines: Lines, origin: Origin) -> Iterator[Observation | Rejection]:
    items = _items(document_of(lines, origin), origin)
    cc, day = _country(items, origin), _day(origin)
    found = [_row(line, item, cc, day) for line, item in enumerate(items, 1)]
    _check_sum([r.value for r in found if isinstance(r, Observation) and r.value is not None], origin)
    yield from found


def _items(document: Any, origin: Origin) -> Sequence[dict[str, Any]]:
    """The rows; raises BadInput where they are none of APNIC's."""
    if not isinstance(document, list):
        raise BadInput(f"{origin.name} is no list of networks as APNIC writes it; get CC.asns.json again")
    if not document:
        raise BadInput(f"{origin.name} is a list without networks: APNIC has no estimate for that country")
    for line, item in enumerate(document, 1):
        if not isinstance(item, dict) or not set(_FIELDS) <= item.keys():
            raise BadInput(f"{origin.name}: row {line} lacks one of {', '.join(_FIELDS)}: this is no list of APNIC's")
    return document


def _country(items: Sequence[dict[str, Any]], origin: Origin) -> str:
    """As the user, else the name of the file (PK.asns.json), else all rows state it; BadInput where these differ."""
    named = _IN_NAME.search(PurePath(origin.name).name)
    codes = {str(item.get("cc") or "").upper() for item in items}
    in_rows = next(iter(codes)) if len(codes) == 1 else ""
    stated = [cc for cc in (origin.cc, named[1] if named else "", in_rows) if cc]
    if not stated:
        raise BadInput(f"{origin.name} does not say of which country it is; name it with --cc")
    if len(set(stated)) > 1:
        raise BadInput(f"{origin.name} is of {' or '.join(sorted(set(stated)))!r}: name, rows or --cc are wrong")
    if not is_country(stated[0]) or stated[0] in (WORLD, UNKNOWN):
        raise BadInput(f"{origin.name} states the country {stated[0][:40]!r}, which ISO 3166-1 does not assign")
    return stated[0]


def _day(origin: Origin) -> datetime:
    if origin.retrieved_at is None:
        raise BadInput(f"{origin.name} does not say when it was retrieved; state it with --retrieved")
    return origin.retrieved_at.replace(hour=0, minute=0, second=0, microsecond=0)


def _row(line: int, item: dict[str, Any], cc: str, day: datetime) -> Observation | Rejection:
    try:
        asn, value = _asn(item["as"]), _percent(item["percent"])
    except Bad as bad:
        return Rejection(line, bad.field, bad.reason, str(item)[:TEXT_LIMIT])
    return Observation(INDICATOR, cc, day, day + timedelta(days=1), value, UNIT, asn=asn)


def _asn(found: Any) -> int:
    text = str(found) if not isinstance(found, bool) else ""
    if not re.fullmatch(r"[0-9]{1,10}", text) or not 0 < int(text) < 2**32:
        raise Bad("as", f"{str(found)[:40]!r} is no AS number")
    return int(text)


def _percent(found: Any) -> float:
    if isinstance(found, bool) or not isinstance(found, (int, float, str)):
        raise Bad("percent", f"{str(found)[:40]!r} is not a number")
    return number(str(found), "percent", most=100.0)


def _check_sum(shares: Sequence[float], origin: Origin) -> None:
    """Networks of one country share 100 per cent; those below the least that was asked for are left out."""
    whole = sum(shares)
    if whole > _WHOLE:
        raise BadInput(f"{origin.name}: the networks have {whole:.1f} per cent together: more than one country's")
    if shares and whole <= _FRACTIONS:
        raise BadInput(
            f"{origin.name}: the networks have {whole:.3g} together: fractions or a part, not per cent of all"
        )


def requests(cc: str, start: date, end: date) -> list[Request]:  # noqa: ARG001 - one signature for all sources
    """The list as it is today: no earlier ones are served.  Raises FetchError for the world."""
    if cc == WORLD:
        raise FetchError("APNIC's lists are of one country each; name it with --cc")
    return [Request(ADDRESS.format(cc=cc), f"{cc}.asns.json")]


SOURCE = Source(
    name="apnic_users",
    title="Share of a country's internet users by network (AS)",
    organization="APNIC Labs",
    info_url="https://stats.labs.apnic.net/aspop/",
    licence="not stated in the file; free use with credit",
    attribution="APNIC Labs, customer populations per AS",
    grain="one row per network of a country, as of the day of retrieval",
    indicators=(INDICATOR,),
    caveat=(
        "Estimated from where advertisements were shown in the weeks before; shares, not counts. Users of a VPN are "
        "counted where its servers stand. A network below the least share asked for is absent, which is not zero. "
        "Neither the file nor its fields are documented by APNIC: read as its public clients do."
    ),
    timezone="UTC",
    example=EXAMPLE,
    example_is_genuine=False,
    recognise=recognise,
    read=read,
    requests=requests,
)
