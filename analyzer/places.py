"""Countries and their clocks: ISO 3166-1 alpha-2 codes, the zone of a country, local days as instants.

A country with several zones is given the zone of its capital (`data/zones.csv`): a block whose
hour matters there has to be entered as a UTC instant.  Weekends are dated (`data/weekends.csv`); where a country has no
row they are Saturday and Sunday.
"""

from __future__ import annotations

import csv
from calendar import day_name
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

from analyzer.errors import UnknownName

WORLD = "XX"
UNKNOWN = "ZZ"
_DATA = Path(__file__).parent / "data"


@cache
def _zones() -> dict[str, tuple[str, str]]:
    with (_DATA / "zones.csv").open(encoding="utf-8", newline="") as f:
        return {row["cc"]: (row["zone"], row["name"]) for row in csv.DictReader(f)}


@cache
def _by_iso3() -> dict[str, str]:
    with (_DATA / "iso3.csv").open(encoding="utf-8", newline="") as f:
        return {row["iso3"]: row["cc"] for row in csv.DictReader(f)}


def cc_of_iso3(iso3: str) -> str | None:
    """The alpha-2 code of an ISO 3166-1 alpha-3 code in upper case (XKX is Kosovo); None where it is none."""
    return _by_iso3().get(iso3)


@cache
def weekends(cc: str) -> tuple[tuple[date, frozenset[int]], ...]:
    """Days of a country's weekend (Monday = 0) with the first date on which they were so, oldest first."""
    with (_DATA / "weekends.csv").open(encoding="utf-8", newline="") as f:
        rows = [row for row in csv.DictReader(f) if row["cc"] == cc]
    found = [(date.fromisoformat(r["from"]) if r["from"] else date.min, _weekdays(r["days"])) for r in rows]
    return tuple(sorted(found, key=lambda row: row[0])) or ((date.min, frozenset({5, 6})),)


def _weekdays(names: str) -> frozenset[int]:
    return frozenset(list(day_name).index(name) for name in names.split(";"))


def weekend(cc: str, day: date) -> tuple[date, frozenset[int]]:
    """Days of the weekend on a date, and since when they have been so."""
    return [row for row in weekends(cc) if row[0] <= day][-1]


def is_country(cc: str) -> bool:
    """True for an assigned ISO 3166-1 alpha-2 code in upper case."""
    return cc in _zones()


def check_country(cc: str) -> str:
    """The code in upper case; raises UnknownName when ISO 3166-1 does not assign it."""
    code = cc.strip().upper()
    if not is_country(code) and code != WORLD:
        raise UnknownName(f"{cc!r} is not an ISO 3166-1 alpha-2 country code (for example PK); {WORLD} is the world")
    return code


def country_name(cc: str) -> str:
    """English short name, `World`, or `unknown country`."""
    special = {WORLD: "World", UNKNOWN: "unknown country"}
    return special.get(cc) or _zones()[cc][1]


def zone(cc: str) -> ZoneInfo:
    """The clock of a country's capital; UTC for the world and for unknown places."""
    return ZoneInfo(_zones()[cc][0]) if cc in _zones() else ZoneInfo("UTC")


def local_midnight(day: date, cc: str) -> datetime:
    """The instant (naive UTC) at which the local calendar day begins in a country."""
    local = datetime.combine(day, time(), tzinfo=zone(cc))
    return local.astimezone(UTC).replace(tzinfo=None)


def local_day(day: date, cc: str) -> tuple[datetime, datetime]:
    """A local calendar day as a half-open interval of naive UTC instants."""
    return local_midnight(day, cc), local_midnight(day + timedelta(days=1), cc)


def to_local(instant: datetime, cc: str) -> datetime:
    """A naive UTC instant on the country's clock (aware)."""
    return instant.replace(tzinfo=UTC).astimezone(zone(cc))
