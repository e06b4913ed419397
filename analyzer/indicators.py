"""What each indicator counts: types that are never added to each other and never converted silently."""

from __future__ import annotations

from collections.abc import Mapping

from analyzer.records import IndicatorType

# A type says of what kind the counted thing is: interest (a search, a view), acquisition (an install, a sign-up, a
# place in a chart), connection (a flow, an address), traffic (bytes, their share), users (clients of a tool),
# evidence (of a block or an outage), denominator (people there are).
TYPES: Mapping[str, IndicatorType] = {
    "tor.relay_users": "users",
    "tor.bridge_users": "users",
    "tor.bridge_transport_users": "users",
    "tor.bridge_combined_users": "users",
    "snowflake.users": "users",
    "psiphon.daily_users": "users",
    "app.chart_rank": "acquisition",
    "app.downloads": "acquisition",
    "search.interest": "interest",
    "wiki.pageviews": "interest",
    "tor.bridgedb_requests": "interest",
    "google.traffic": "traffic",
    "radar.traffic": "traffic",
    "radar.device_share": "traffic",
    "mlab.tests": "traffic",
    "ioda.connectivity": "evidence",
    "ooni.service_blocked_share": "evidence",
    "ooni.tool_blocked_share": "evidence",
    "apnic.users": "denominator",
    "capture.flows": "connection",
    "capture.clients": "connection",
    "capture.client_share": "connection",
    "capture.bytes": "traffic",
    "capture.byte_share": "traffic",
    "capture.unexplained_encrypted_share": "traffic",
    "denominator.internet_users": "denominator",
    "denominator.internet_share": "denominator",
    "denominator.population": "denominator",
}


def type_of(indicator: str, stated: Mapping[str, IndicatorType] | None = None) -> IndicatorType | None:
    """The type of an indicator; for one of a user's own what its mapping file stated, None where nothing did."""
    return TYPES.get(indicator) or (stated or {}).get(indicator)
