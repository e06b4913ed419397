"""Which way an indicator is expected to move, by kind of block, and why.

A contrary sign is a finding, not a reason to disbelieve: the expectation is printed beside the estimate, it never
enters it.  The sign is that of the stored VALUE: for `app.chart_rank` more demand is a smaller number.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Literal, NamedTuple

from analyzer.blocks.tables import KINDS, NON_EVENT_KINDS
from analyzer.errors import UnknownName

Sign = Literal[-1, 0, 1]
_SHUTDOWNS = ("shutdown", "mobile_shutdown")
_WANTED = ("search.interest", "app.downloads", "tor.bridgedb_requests")  # interest in a tool, not the use of one
_BLOCK_RESISTANT = ("tor.bridge_users", "tor.bridge_transport_users", "tor.bridge_combined_users", "snowflake.users")
_TRAFFIC = ("google.traffic", "radar.traffic", "ioda.connectivity", "mlab.tests", "apnic.users")
_TOOL_NAMES = {"psiphon.daily_users": "psiphon", "tor.relay_users": "tor", "snowflake.users": "snowflake"}


class ExpectedSign(NamedTuple):
    """+1, -1, or 0 where no direction is expected; with the reason."""

    sign: Sign
    reason: str


def expected_sign(kind: str, indicator: str, services: Collection[str] = ()) -> ExpectedSign:
    """The expected direction of an indicator's value under a kind of block.  Raises UnknownName for an unknown kind."""
    if kind not in KINDS:
        raise UnknownName(f"unknown kind {kind!r}; known: {', '.join(KINDS)}")
    if indicator.startswith("denominator."):
        return ExpectedSign(0, "a denominator of a year or more does not follow a block")
    if kind in NON_EVENT_KINDS:
        return ExpectedSign(0, "nothing was blocked: any change is one that happens without a block")
    if kind in _SHUTDOWNS:
        return _under_shutdown(kind, indicator)
    if kind == "vpn_block":
        return _under_tool_block(indicator, services)
    return _under_service_block(kind, indicator, services)


def _under_shutdown(kind: str, indicator: str) -> ExpectedSign:
    if indicator == "radar.device_share":
        return ExpectedSign(0, "a share falls for the devices that are cut and rises for the others")
    if indicator.startswith("ooni."):
        return ExpectedSign(0, "probes without a network send nothing: silence, not a rate")
    if indicator == "app.chart_rank":
        return ExpectedSign(0, "a chart ranks what little is left; its places say nothing about volume")
    cut = "mobile data" if kind == "mobile_shutdown" else "the network"
    return ExpectedSign(-1, f"without {cut} no tool can be reached or looked for; the rise comes when access returns")


def _under_tool_block(indicator: str, services: Collection[str]) -> ExpectedSign:
    if indicator == "ooni.tool_blocked_share":
        return ExpectedSign(1, "this is the measurement of the block itself")
    if indicator in (*_TRAFFIC, "ooni.service_blocked_share", "radar.device_share"):
        return ExpectedSign(0, "a blocked tool need not change access to services or traffic as a whole")
    return _of_tool(indicator, services)


def _of_tool(indicator: str, services: Collection[str]) -> ExpectedSign:
    if (tool := _TOOL_NAMES.get(indicator)) and tool in services:
        return ExpectedSign(-1, f"{tool} itself was blocked (tor.relay_users can rise by retries before tor 0.4.8.22)")
    if indicator in (*_BLOCK_RESISTANT, *_WANTED, "wiki.pageviews"):
        return ExpectedSign(1, "users of the blocked tool look for another, made to pass such blocks")
    if indicator == "app.chart_rank":
        return ExpectedSign(-1, "users look for another tool, and a better place is a smaller number")
    if "vpn" in services or not services:
        return ExpectedSign(0, "which tools were hit is not recorded: it lowers those and raises the others")
    return ExpectedSign(1, "another tool was blocked, and its users look for one that works")


def _under_service_block(kind: str, indicator: str, services: Collection[str]) -> ExpectedSign:
    if indicator.startswith("ooni."):
        return _measured(kind, indicator)
    if indicator == "wiki.pageviews" and "wikipedia" in services:
        return ExpectedSign(-1, "Wikipedia itself was restricted")
    if indicator == "google.traffic" and {"youtube", "google_services"} & set(services):
        return ExpectedSign(-1, "a Google service itself was restricted")
    if indicator in (*_TRAFFIC, "radar.device_share"):
        return ExpectedSign(0, "the network stays up; one service is too small a part of all traffic")
    if indicator == "app.chart_rank":
        return ExpectedSign(-1, "circumvention apps climb, and a better place is a smaller number")
    return ExpectedSign(1, "users of a restricted service turn to circumvention; some give it up or switch instead")


def _measured(kind: str, indicator: str) -> ExpectedSign:
    if indicator == "ooni.tool_blocked_share":
        return ExpectedSign(0, "tools were not the target")
    if kind in ("service_withdrawal", "age_gate", "tax_gate", "app_ban"):
        return ExpectedSign(0, "no network block: the service or the store refuses, and probes see nothing")
    return ExpectedSign(1, "this is the measurement of the block itself")
