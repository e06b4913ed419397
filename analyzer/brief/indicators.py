"""What each indicator counts, in words that do not turn clients, searches or sign-ups into people."""

from __future__ import annotations

from typing import NamedTuple

from analyzer.brief.words import clean


class Meaning(NamedTuple):
    """A plain name, and what one unit of it is and is not."""

    name: str
    caution: str


_TOR = "average concurrent clients, not people"
_INTEREST = "interest, not use"

MEANINGS = {
    "tor.relay_users": Meaning("Tor clients that connect directly", _TOR),
    "tor.bridge_users": Meaning("Tor clients that connect through bridges", _TOR),
    "tor.bridge_transport_users": Meaning("Tor clients by bridge transport", _TOR),
    "tor.bridge_combined_users": Meaning("Tor bridge clients by country and transport", _TOR),
    "snowflake.users": Meaning("Snowflake clients", _TOR),
    "psiphon.daily_users": Meaning("Psiphon clients per day", "devices as counted by Psiphon, not people"),
    "app.chart_rank": Meaning("place of VPN apps in an app store chart", "a rank, not a number of downloads"),
    "app.downloads": Meaning("downloads of VPN apps", "downloads, not use"),
    "search.interest": Meaning("search interest in VPNs", f"a relative index; {_INTEREST}"),
    "wiki.pageviews": Meaning("views of encyclopedia pages on VPNs", _INTEREST),
    "tor.bridgedb_requests": Meaning("requests for Tor bridges", "requests, not use"),
    "google.traffic": Meaning("traffic of a Google service", "traffic, not people"),
    "radar.traffic": Meaning("internet traffic as seen by Cloudflare", "traffic, not people"),
    "ioda.connectivity": Meaning("connectivity as seen by IODA", "reachability of networks, not use"),
    "capture.flows": Meaning("flows seen in captures", "flows at one network, not people"),
    "capture.clients": Meaning("clients seen in captures", "addresses at one network, not people"),
    "capture.bytes": Meaning("bytes seen in captures", "bytes at one network, not people"),
    "capture.byte_share": Meaning("share of the bytes in captures", "a share of one network's traffic"),
    "capture.client_share": Meaning("share of the clients in captures", "a share of the addresses at one network"),
    "capture.unexplained_encrypted_share": Meaning(
        "share of bytes in captures that are encrypted and unexplained", "not known to be circumvention"
    ),
}


def meaning(indicator: str, entity: str = "") -> Meaning:
    """The words for an indicator; one that is not listed keeps its id and says that its unit is not people."""
    found = MEANINGS.get(indicator, Meaning(clean(indicator) or "unnamed indicator", "as its source counts it"))
    return Meaning(f"{found.name} ({clean(entity)})", found.caution) if clean(entity) else found
