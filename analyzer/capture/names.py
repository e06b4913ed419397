"""Provider names from the shipped tables: whose server a host name is, and what a connection to it shows."""

from __future__ import annotations

import csv
import re
from functools import cache, lru_cache
from pathlib import Path
from typing import Literal, NamedTuple

_DATA = Path(__file__).parents[1] / "data"

# Families of services that have a protocol or a name of their own; other names become vpn_api, vpn_tls, vpn_site.
_FAMILIES = {
    "Cloudflare WARP": "cloudflare_warp",
    "Hamachi": "hamachi",
    "Lantern": "lantern",
    "Palo Alto GlobalProtect": "globalprotect",
    "Psiphon": "psiphon",
    "Snowflake": "snowflake",
    "SoftEther": "softether",
    "Tor meek": "meek",
    "Tailscale": "tailscale",
    "Ultrasurf": "ultrasurf",
    "VPN Gate": "softether",
    "ZeroTier": "zerotier",
    "iCloud Private Relay": "private_relay",
}
_ONE_FAMILY = {"Lantern", "Psiphon", "Snowflake", "SoftEther", "Ultrasurf", "VPN Gate"}  # no API apart from the tool
_OPERATOR = re.compile(r"(?:ss\.)?epdg\.epc\.mnc\d{2,3}\.mcc\d{3}\.(?:pub\.)?3gppnetwork\.org")
_API = re.compile(r"(?:[a-z0-9\-]+-)?(?:api|control|controlplane|auth|config|broker|vpn-?api)(?:v?\d*|-[a-z0-9\-]+)")
_SERVER = re.compile(r"(?:[a-z]{2,3}(?:-[a-z0-9]{2,12}){0,4}-?\d{1,5})|relays|prod|derp\d+[a-z]?")


class Named(NamedTuple):
    """A host name on the shipped list of VPN and circumvention services."""

    provider: str
    family: str  # vpn_api, vpn_tls, vpn_site, or the service's own
    kind: Literal["control", "tunnel", "proxy", "lookalike"]
    owner: str
    domain: str  # the listed domain, never the host name
    certainty: str  # of the list: high, medium, low


class Resolver(NamedTuple):
    """A public resolver that offers encrypted DNS."""

    operator: str
    transports: frozenset[str]  # of dot, doh, doq, odoh, dnscrypt
    role: str  # resolver, or relay of Oblivious DoH


@lru_cache(maxsize=65536)
def provider_of(name: str) -> Named | None:
    """Whose name this is, by the longest listed domain it equals or lies under; None where no list has it.

    `name` is a host name in any case, with or without a final dot.
    """
    host = name.lower().rstrip(".")
    if _OPERATOR.search(host):
        return Named("", "wifi_calling", "lookalike", "mobile operator", "3gppnetwork.org", "high")
    listed = _domains()
    for domain in _suffixes(host):
        if row := listed.get(domain):
            return _named(host, domain, row)
    return None


@lru_cache(maxsize=16384)
def resolver_of(name: str) -> Resolver | None:
    """The operator of an encrypted resolver by its host name, or None."""
    listed = _resolvers()[0]
    return next((listed[d] for d in _suffixes(name.lower().rstrip(".")) if d in listed), None)


def resolver_at(address: bytes) -> Resolver | None:
    """The operator of a well-known resolver address (4 or 16 bytes, network order), or None."""
    return _resolvers()[1].get(address)


def _suffixes(host: str) -> list[str]:
    """The name and every parent of it down to two labels, longest first; at most eight."""
    labels = host.split(".")[-8:]
    return [".".join(labels[i:]) for i in range(max(1, len(labels) - 1))]


@cache
def _domains() -> dict[str, dict[str, str]]:
    with (_DATA / "vpn_domains.csv").open(newline="", encoding="utf-8") as lines:
        return {row["domain"]: row for row in csv.DictReader(lines)}


@cache
def _resolvers() -> tuple[dict[str, Resolver], dict[bytes, Resolver]]:
    from ipaddress import ip_address

    by_name: dict[str, Resolver] = {}
    by_address: dict[bytes, Resolver] = {}
    with (_DATA / "resolvers.csv").open(newline="", encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            found = Resolver(row["operator"], frozenset(row["transports"].split(";")), row["role"])
            if row["name"]:
                by_name[row["name"]] = found
            by_address.update((ip_address(a).packed, found) for a in row["addresses"].split(";") if a)
    return by_name, by_address


def _named(host: str, domain: str, row: dict[str, str]) -> Named:
    kind = _kind(host.removesuffix(domain).rstrip("."), row["role"])
    provider = row["provider"]
    if kind == "control" and provider not in _ONE_FAMILY:
        return Named(provider, "vpn_api", kind, row["family"], domain, row["confidence"])
    default = {"control": "vpn_api", "tunnel": "vpn_tls", "proxy": "vpn_tls", "lookalike": "vpn_site"}[kind]
    family = default if kind == "lookalike" else _FAMILIES.get(provider, default)
    return Named(provider, family, kind, row["family"], domain, row["confidence"])


def _kind(below: str, role: str) -> Literal["control", "tunnel", "proxy", "lookalike"]:
    """What a connection shows, by the listed role and by what stands in front of the listed domain."""
    roles = set(role.split("+"))
    first = below.split(".", 1)[0]
    if roles == {"api"} or _API.fullmatch(first) or below.endswith(".api"):
        return "control"
    if "tunnel" in roles and (roles == {"tunnel"} or any(map(_SERVER.fullmatch, below.split(".")))):
        return "tunnel"
    return "proxy" if "proxy" in roles else "lookalike"
