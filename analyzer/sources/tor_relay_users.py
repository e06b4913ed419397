"""Tor Metrics: estimated directly connecting users, per country and day."""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.records import Lines, Observation, Origin, Rejection, Source
from analyzer.sources import _tor

# Comment block and columns as in a genuine download; the numbers are made up.
EXAMPLE = """\
#
# The Tor Project
#
# URL: https://metrics.torproject.org/userstats-relay-country.csv?start=2024-02-01&end=2024-02-03&country=pk&events=off
#
date,country,users,lower,upper,frac
2024-02-01,pk,11873,9310,15022,77
2024-02-02,pk,12010,9402,15111,76
2024-02-03,pk,12144,,,76
"""


def recognise(head: str) -> bool:
    return _tor.kind_of(head) == "tor_relay_users"


def read(lines: Lines, origin: Origin) -> Iterator[Observation | Rejection]:
    return _tor.read("tor_relay_users", lines, origin, _observation)


def _observation(cells: _tor.Cells) -> Observation:
    start = _tor.day(cells["date"])
    cc, entity = _tor.country(cells["country"])
    low, high = _tor.bounds(cells, "lower", "upper")
    return Observation(
        "tor.relay_users",
        cc,
        start,
        start + _tor.DAY,
        _tor.users(cells),
        _tor.UNIT,
        entity=entity,
        low=low,
        high=high,
        quality=_tor.quality(cells),
    )


SOURCE = Source(
    name="tor_relay_users",
    title="Tor users who connect directly, by country",
    organization=_tor.ORGANIZATION,
    info_url="https://metrics.torproject.org/userstats-relay-country.html",
    licence=_tor.LICENCE,
    attribution=_tor.ATTRIBUTION,
    grain="one row per UTC day and country",
    indicators=("tor.relay_users",),
    caveat=(
        "Mean concurrent clients estimated from directory requests, not people; bridges are counted elsewhere; "
        "before tor 0.4.8.22 a blocked Tor could raise the count. low and high are Tor's band against 7 days "
        "earlier, no interval of the value. A day without a row is missing, never zero."
    ),
    timezone="UTC",
    example=EXAMPLE,
    example_is_genuine=False,
    recognise=recognise,
    read=read,
    requests=_tor.by_country("tor_relay_users", ("events", "off")),
    revised_days=_tor.REVISED_DAYS,
)
