"""What the CSV files of Tor Metrics share: the comment block, countries, days, reporting fractions, addresses."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta
from functools import lru_cache
from urllib.parse import urlencode

from analyzer.places import WORLD
from analyzer.records import Lines, Observation, Origin, Rejection, Request
from analyzer.sources._places import place
from analyzer.sources._table import (
    Bad,
    check_width,
    find_header,
    header_of,
    iso_day,
    maybe_number,
    need,
    number,
    rows,
)

BASE = "https://metrics.torproject.org"
ORGANIZATION = "The Tor Project"
LICENCE = "not stated in the file; Tor Metrics data are published as CC0 by those who carry them"
ATTRIBUTION = "The Tor Project, metrics.torproject.org"
UNIT = "mean concurrent clients"
REVISED_DAYS = 9  # the last 3 to 9 days of every download seen were changed by a later one
DAY = timedelta(days=1)

COLUMNS = {
    "tor_relay_users": ("date", "country", "users", "lower", "upper", "frac"),
    "tor_bridge_users": ("date", "country", "users", "frac"),
    "tor_bridge_transport": ("date", "transport", "users", "frac"),
    "tor_bridge_combined": ("date", "country", "transport", "low", "high", "frac"),
}
IDS = {
    "tor_relay_users": "userstats-relay-country",
    "tor_bridge_users": "userstats-bridge-country",
    "tor_bridge_transport": "userstats-bridge-transport",
    "tor_bridge_combined": "userstats-bridge-combined",
}
_URL = re.compile(r"^# URL: \S*/(userstats-[a-z-]+)\.csv", re.MULTILINE)


def kind_of(head: str) -> str | None:
    """Name of the Tor source whose file begins like this.

    The address in the comment block decides, except that the combined file for all countries is the
    bridge-country file; without an address the columns do.
    """
    found = set(header_of(head))
    by_columns = _kind_by_columns(found)
    stated = _URL.search(head[:2000])
    by_address = next((n for n, i in IDS.items() if stated and stated[1] == i), None)
    if by_address == "tor_bridge_combined" and by_columns == "tor_bridge_users":
        return by_columns
    return by_address or by_columns


def _kind_by_columns(found: set[str]) -> str | None:
    if {"fingerprint", "version", "coverage"} & found:
        return None  # other files of the same family: not users by country or transport
    for name in ("tor_bridge_combined", "tor_relay_users"):
        if found.issuperset(COLUMNS[name]):
            return name
    if found.issuperset(COLUMNS["tor_bridge_users"]) and not {"lower", "upper", "transport"} & found:
        return "tor_bridge_users"
    if found.issuperset(COLUMNS["tor_bridge_transport"]) and "country" not in found:
        return "tor_bridge_transport"
    return None


Cells = Mapping[str, str]  # one row by column name


def read(
    source: str, lines: Lines, origin: Origin, build: Callable[[Cells], Observation]
) -> Iterator[Observation | Rejection]:
    """Every row as `build` makes it, or refused with the column and reason it gives."""
    header = find_header(lines, origin.name)
    header = replace(header, columns=tuple(c.lower() for c in header.columns))
    need(header, COLUMNS[source], name=origin.name, source=source)
    for row in rows(lines, header, origin.name):
        try:
            check_width(row, header)
            yield build(dict(zip(header.columns, row.cells, strict=True)))
        except Bad as bad:
            yield Rejection(row.line, bad.field, bad.reason, row.text)


@lru_cache(maxsize=8192)
def day(text: str) -> datetime:
    """The UTC day of a row."""
    return iso_day(text, "date")


@lru_cache(maxsize=1024)
def country(code: str) -> tuple[str, str]:
    """(cc, entity); the empty code stands for all countries."""
    if not code.strip():
        return WORLD, ""
    found = place(code.strip())
    if found is None:
        raise Bad("country", f"{code[:40]!r} is no country code")
    return found


def users(cells: Cells, column: str = "users") -> float:
    """A count of clients."""
    return number(cells[column], column)


def bounds(cells: Cells, low: str, high: str) -> tuple[float | None, float | None]:
    """Two bounds, either of which may not have been computed."""
    pair = maybe_number(cells[low], low), maybe_number(cells[high], high)
    if pair[0] is not None and pair[1] is not None and pair[0] > pair[1]:
        raise Bad(low, f"{cells[low]} lies above {high} {cells[high]}")
    return pair


def quality(cells: Cells) -> float | None:
    """The reporting fraction as a share, as it stands in the file up to 1.10."""
    return _share(cells["frac"])


@lru_cache(maxsize=1024)
def _share(frac: str) -> float | None:
    """Tor Metrics itself leaves out days below 10 and above 110 per cent."""
    percent = maybe_number(frac, "frac")
    if percent is not None and percent > 110:
        raise Bad("frac", f"{frac} is impossible: outside 0 to 110 per cent")
    return None if percent is None else percent / 100


def address(identifier: str, start: date, end: date, extra: list[tuple[str, str]]) -> Request:
    """The documented address for the half-open range of days [start, end); the site's own `end` is inclusive."""
    asked = [("start", start.isoformat()), ("end", (end - DAY).isoformat()), *extra]
    # `!` is left as it is: the site writes `!%3COR%3E` itself.
    return Request(f"{BASE}/{identifier}.csv?{urlencode(asked, safe='!')}", f"{identifier}.csv")


def by_country(source: str, *extra: tuple[str, str]) -> Callable[[str, date, date], list[Request]]:
    """The downloads of a file that is filtered by country; XX asks for the world total.

    The site answers `country=all` with the total over all countries (an empty country in the rows).
    """

    def requests(cc: str, start: date, end: date) -> list[Request]:
        code = "all" if cc == WORLD else cc.lower()
        request = address(IDS[source], start, end, [("country", code), *extra])
        return [Request(request.url, f"{IDS[source]}-{code}.csv")]

    return requests
