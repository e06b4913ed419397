"""Provider names from the shipped tables."""

from __future__ import annotations

import csv
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest

import analyzer
from analyzer.capture.names import provider_of, resolver_at, resolver_of

DATA = Path(analyzer.__file__).parent / "data"
ROLES = {"site", "api", "tunnel", "cdn", "proxy"}


def rows(name: str) -> list[dict[str, str]]:
    with (DATA / name).open(newline="", encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


def test_domains_are_unique_lower_case_and_sourced() -> None:
    """Every listed domain is one name, once, with a role and a public source."""
    listed = rows("vpn_domains.csv")
    domains = [r["domain"] for r in listed]
    assert len(set(domains)) == len(domains)
    for row in listed:
        assert row["domain"] == row["domain"].lower().strip("."), row
        assert "." in row["domain"], row
        assert set(row["role"].split("+")) <= ROLES, row
        assert row["confidence"] in {"high", "medium", "low"}, row
        assert len(row["source"]) > 5, row
        assert row["provider"], row


def test_resolvers_are_unique_and_sourced() -> None:
    """Every resolver has a page of its operator or of a public list; addresses are public ones."""
    listed = rows("resolvers.csv")
    hosts = [r["name"] for r in listed if r["name"]]
    assert len(set(hosts)) == len(hosts)
    for row in listed:
        assert row["source"].startswith("https://"), row
        assert row["name"] or row["addresses"], row
        assert set(row["transports"].split(";")) <= {"", "dot", "doh", "doq", "odoh", "dnscrypt"}, row
        assert all(ip_address(a).is_global for a in row["addresses"].split(";") if a), row


def test_published_networks_are_valid() -> None:
    """Networks of messengers can be read and have a source and a date."""
    for row in rows("lookalike_networks.csv"):
        assert ip_network(row["network"]).is_global
        assert row["source"].startswith("https://")
        assert len(row["date"]) == 10


@pytest.mark.parametrize(
    ("name", "provider", "kind"),
    [
        ("nordvpn.com", "NordVPN", "lookalike"),
        ("WWW.NordVPN.com.", "NordVPN", "lookalike"),
        ("api.nordvpn.com", "NordVPN", "control"),
        ("pl128.nordvpn.com", "NordVPN", "tunnel"),
        ("downloads.nordcdn.com", "NordVPN", "lookalike"),
        ("de-fra.prod.surfshark.com", "Surfshark", "tunnel"),
        ("se-got-wg-001.relays.mullvad.net", "Mullvad", "tunnel"),
        ("api.mullvad.net", "Mullvad", "control"),
        ("vpn-api.proton.me", "Proton VPN", "control"),
        ("api2.sec-tunnel.com", "Opera VPN", "control"),
        ("eu0.sec-tunnel.com", "Opera VPN", "proxy"),
        ("vpn.giganews.com", "Giganews VPN", "tunnel"),
        ("www.opengw.net", "VPN Gate", "lookalike"),
        ("public-vpn-1.opengw.net", "VPN Gate", "tunnel"),
        ("derp1.tailscale.com", "Tailscale", "tunnel"),
        ("controlplane.tailscale.com", "Tailscale", "control"),
    ],
)
def test_whose_name_and_what_it_shows(name: str, provider: str, kind: str) -> None:
    """The longest listed domain names the provider; role and host tell tunnel, API and web site apart."""
    found = provider_of(name)
    assert found is not None
    assert (found.provider, found.kind) == (provider, kind)


@pytest.mark.parametrize(
    "name", ["", ".", "com", "notnordvpn.com", "nordvpn.com.example.org", "a" * 300, "proton.me", "news.giganews.com"]
)
def test_other_names_are_nobody_s(name: str) -> None:
    """A listed domain inside a longer name, or a part of one, is no match."""
    assert provider_of(name) is None
    assert resolver_of(name) is None


def test_operators_of_mobile_networks() -> None:
    """Names of ePDGs are look-alikes: calls over Wi-Fi, not VPNs."""
    found = provider_of("epdg.epc.mnc001.mcc262.pub.3gppnetwork.org")
    assert found is not None
    assert (found.family, found.kind) == ("wifi_calling", "lookalike")


def test_resolvers_by_name_and_address() -> None:
    """Names under a resolver's domain are its own; addresses are exact."""
    by_name, by_address = resolver_of("any.cloudflare-dns.com"), resolver_at(bytes([1, 1, 1, 1]))
    assert by_name is not None
    assert by_name == by_address
    assert resolver_at(bytes([1, 1, 1, 5])) is None
    assert resolver_at(ip_address("2001:4860:4860::8888").packed) is not None


def test_no_resolver_is_a_vpn() -> None:
    """A name is on one list only, or it would be counted twice."""
    both = [r["name"] for r in rows("resolvers.csv") if (n := provider_of(r["name"])) and n.kind != "lookalike"]
    assert both == []
