"""Whether the tool that a series counts was blocked in the window: tests of the tool, listed blocks of it."""

from __future__ import annotations

from datetime import datetime

from analyzer.blocks import touches
from analyzer.checks import Tool
from analyzer.indicators import type_of
from analyzer.records import Block
from analyzer.study.asked import Asked
from analyzer.study.at_hand import AtHand
from analyzer.study.blocked_share import Period, share_change
from analyzer.study.series import SeriesKey

MEASURE = "ooni.tool_blocked_share"
# Tests of OONI by what they reach: `tor` the directory authorities and obfs4 bridges, `torsf` Tor by Snowflake.
_TESTS = {
    "tor.relay_users": ("tor", "vanilla_tor"),
    "tor.bridge_users": ("tor", "torsf"),
    "tor.bridge_transport_users": ("tor",),
    "tor.bridge_combined_users": ("tor",),
    "tor.bridgedb_requests": ("tor",),
    "snowflake.users": ("torsf",),
    "psiphon.daily_users": ("psiphon",),
}
_NAMED = {
    "snowflake": ("torsf",), "psiphon": ("psiphon",), "riseup": ("riseupvpn",), "openvpn": ("openvpn",),
    "orbot": ("tor",), "tor browser": ("tor",),
}  # fmt: skip
_ANY = ("vpn", "circumvention_tools")  # services of the catalogue that may be any tool but Tor


def is_tool(key: SeriesKey) -> bool:
    """Whether a series counts users or installs of a tool."""
    return key.indicator in _TESTS or bool(_by_name(key)) or type_of(key.indicator) in ("users", "acquisition")


def names(key: SeriesKey) -> tuple[str, ...]:
    """Tests that measure whether the tool of a series can be reached; () where none does."""
    return _by_name(key) or _TESTS.get(key.indicator, ())


def _by_name(key: SeriesKey) -> tuple[str, ...]:
    text = f"{key.indicator} {key.entity}".lower()
    return next((tests for word, tests in _NAMED.items() if word in text), ())


def of(asked: Asked, at_hand: AtHand, steps: int) -> Tool:
    """Measurements of the tool before and in the window, and listed blocks of it that begin there."""
    wanted = names(asked.series.key)
    start, end = asked.series.time(asked.onset), asked.series.time(asked.onset + steps)
    shares, refused = [], []
    for key in at_hand.keys:
        if key.indicator == MEASURE and key.asn == 0 and key.entity.lower() in wanted:
            found = share_change([at_hand.whole(key)], asked.cc, Period(start, end, before=asked.block.onset_earliest))
            if isinstance(found, str):
                refused.append(f"{MEASURE} {key.entity}: {found}")
            else:
                shares.append(found)
    begun, standing = _listed(asked, end)
    if standing:
        refused.append(f"listed as blocked before and through the window: {', '.join(standing)}")
    return Tool(wanted, tuple(shares), begun, tuple(refused))


def _listed(asked: Asked, end: datetime) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Listed blocks of the tool that begin between the base and the window's end, and those in force since before."""
    first = asked.series.time(max(asked.onset - asked.gap, 0))
    held = [b for b in asked.catalogue.blocks if b.cc == asked.cc and b.kind == "vpn_block" and touches(b, first, end)]
    hit = [b for b in held if _hits(b, asked.series.key)]
    begun = tuple(b.block_id for b in hit if b.onset_latest > first)
    return begun, tuple(b.block_id for b in hit if b.block_id not in begun)


def _hits(block: Block, key: SeriesKey) -> bool:
    text = f"{key.indicator} {key.entity}".lower()
    of_tor = key.indicator.startswith(("tor.", "snowflake."))
    general = not of_tor and (not block.services or any(s in _ANY for s in block.services))
    return general or any(s in text.replace(".", " ").split() or (len(s) > 3 and s in text) for s in block.services)
