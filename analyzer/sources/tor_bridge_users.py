"""Tor Metrics: estimated users who connect through bridges, per country and day."""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.records import Lines, Observation, Origin, Rejection, Source
from analyzer.sources import _tor

# Comment block and columns as in a genuine download; the numbers are made up.
EXAMPLE = """\
#
# The Tor Project
#
# URL: https://metrics.torproject.org/userstats-bridge-country.csv?start=2024-02-01&end=2024-02-02
#
date,country,users,frac
2024-02-01,,104211,94
2024-02-01,??,310,94
2024-02-01,na,14,94
2024-02-01,pk,1873,94
2024-02-02,pk,1910,93
"""


def recognise(head: str) -> bool:
    return _tor.kind_of(head) == "tor_bridge_users"


def read(lines: Lines, origin: Origin) -> Iterator[Observation | Rejection]:
    return _tor.read("tor_bridge_users", lines, origin, _observation)


def _observation(cells: _tor.Cells) -> Observation:
    start = _tor.day(cells["date"])
    cc, entity = _tor.country(cells["country"])
    users, quality = _tor.users(cells), _tor.quality(cells)
    return Observation(
        "tor.bridge_users", cc, start, start + _tor.DAY, users, _tor.UNIT, entity=entity, quality=quality
    )


SOURCE = Source(
    name="tor_bridge_users",
    title="Tor users who connect through bridges, by country",
    organization=_tor.ORGANIZATION,
    info_url="https://metrics.torproject.org/userstats-bridge-country.html",
    licence=_tor.LICENCE,
    attribution=_tor.ATTRIBUTION,
    grain="one row per UTC day and country",
    indicators=("tor.bridge_users",),
    caveat=(
        "Mean concurrent clients estimated from what bridges report, not people; counts are rounded to multiples "
        "of 8, so small countries are noisy. A day without a row is missing, never zero."
    ),
    timezone="UTC",
    example=EXAMPLE,
    example_is_genuine=False,
    recognise=recognise,
    read=read,
    requests=_tor.by_country("tor_bridge_users"),
    revised_days=_tor.REVISED_DAYS,
)
