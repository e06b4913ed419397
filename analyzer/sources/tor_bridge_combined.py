"""Tor Metrics: bounds of bridge users per country, transport and day."""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.records import Lines, Observation, Origin, Rejection, Source
from analyzer.sources import _tor
from analyzer.sources._table import Bad

# Columns as documented; the numbers are made up.
EXAMPLE = """\
date,country,transport,low,high,frac
2024-02-01,pk,snowflake,812,1405,94
2024-02-01,pk,obfs4,640,998,94
2024-02-01,pk,<OR>,12,60,94
"""


def recognise(head: str) -> bool:
    return _tor.kind_of(head) == "tor_bridge_combined"


def read(lines: Lines, origin: Origin) -> Iterator[Observation | Rejection]:
    return _tor.read("tor_bridge_combined", lines, origin, _observation)


def _observation(cells: _tor.Cells) -> Observation:
    start = _tor.day(cells["date"])
    cc, code = _tor.country(cells["country"])
    transport = cells["transport"].strip()
    low, high = _tor.bounds(cells, "low", "high")
    if not transport or low is None or high is None:
        raise Bad("transport" if not transport else "low" if low is None else "high", "is empty")
    return Observation(
        "tor.bridge_combined_users",
        cc,
        start,
        start + _tor.DAY,
        (low + high) / 2,
        _tor.UNIT,
        entity=f"{code} {transport}".strip(),  # codes that are no country all stand under ZZ
        low=low,
        high=high,
        quality=_tor.quality(cells),
    )


SOURCE = Source(
    name="tor_bridge_combined",
    title="Tor users who connect through bridges, by country and transport (bounds)",
    organization=_tor.ORGANIZATION,
    info_url="https://metrics.torproject.org/userstats-bridge-combined.html",
    licence=_tor.LICENCE,
    attribution=_tor.ATTRIBUTION,
    grain="one row per UTC day, country and transport",
    indicators=("tor.bridge_combined_users",),
    caveat=(
        "The file gives bounds from set theory (at least C+T-S, at most the smaller of C and T), not statistics; "
        "value is their midpoint, made here, and means nothing without low and high. For all countries the site "
        "answers with the bridge-country file instead."
    ),
    timezone="UTC",
    example=EXAMPLE,
    example_is_genuine=False,
    recognise=recognise,
    read=read,
    requests=_tor.by_country("tor_bridge_combined"),
    revised_days=_tor.REVISED_DAYS,
)
