"""Tor Metrics: estimated bridge users of the whole world, per transport and day."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from analyzer.places import WORLD
from analyzer.records import Lines, Observation, Origin, Rejection, Request, Source
from analyzer.sources import _tor
from analyzer.sources._table import Bad

# Comment block and columns as in a genuine download; the numbers are made up.
EXAMPLE = """\
#
# The Tor Project
#
# URL: https://metrics.torproject.org/userstats-bridge-transport.csv?start=2024-02-01&end=2024-02-01&transport=!%3COR%3E
#
date,transport,users,frac
2024-02-01,!<OR>,187219,100
2024-02-01,<OR>,20114,100
2024-02-01,snowflake,61877,100
"""

# The transports that were in use from 2023 on; `!<OR>` is the sum over all pluggable ones.
ASKED = ("!<OR>", "<OR>", "<??>", "obfs4", "snowflake", "meek", "webtunnel")


def recognise(head: str) -> bool:
    return _tor.kind_of(head) == "tor_bridge_transport"


def read(lines: Lines, origin: Origin) -> Iterator[Observation | Rejection]:
    return _tor.read("tor_bridge_transport", lines, origin, _observation)


def _observation(cells: _tor.Cells) -> Observation:
    start = _tor.day(cells["date"])
    if not cells["transport"].strip():
        raise Bad("transport", "is empty")
    return Observation(
        "tor.bridge_transport_users",
        WORLD,
        start,
        start + _tor.DAY,
        _tor.users(cells),
        _tor.UNIT,
        entity=cells["transport"].strip(),
        quality=_tor.quality(cells),
    )


def requests(_cc: str, start: date, end: date) -> list[Request]:
    """One download whatever the country: the file knows only the world."""
    return [_tor.address(_tor.IDS["tor_bridge_transport"], start, end, [("transport", t) for t in ASKED])]


SOURCE = Source(
    name="tor_bridge_transport",
    title="Tor users who connect through bridges, by transport, world",
    organization=_tor.ORGANIZATION,
    info_url="https://metrics.torproject.org/userstats-bridge-transport.html",
    licence=_tor.LICENCE,
    attribution=_tor.ATTRIBUTION,
    grain="one row per UTC day and transport",
    indicators=("tor.bridge_transport_users",),
    caveat=(
        "World totals only. The entity is the transport as written: <OR> plain, !<OR> the sum over all pluggable "
        "transports (never add it to them), <??> unknown. Mean concurrent clients, not people."
    ),
    timezone="UTC",
    example=EXAMPLE,
    example_is_genuine=False,
    recognise=recognise,
    read=read,
    requests=requests,
    revised_days=_tor.REVISED_DAYS,
)
