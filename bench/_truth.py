"""The one table that maps the words of a truth file to ours; used by `accuracy.py`.

A family of the truth counts as right if the label has one of the families named here.  `STATISTICAL` are those of the
truth that show no header: a suspicion is the right answer there.
"""

from __future__ import annotations

FAMILIES: dict[str, frozenset[str]] = {
    "cisco_anyconnect": frozenset({"anyconnect"}),
    "cloudflare_warp": frozenset({"cloudflare_warp"}),
    "opera_vpn": frozenset({"vpn_tls"}),
    "psiphon": frozenset({"psiphon"}),
    "shadowsocks": frozenset({"fully_encrypted"}),
    "trojan": frozenset({"tls_in_tls"}),
    "vmess": frozenset({"fully_encrypted", "tls_in_tls"}),
    "vless": frozenset({"tls_in_tls"}),
    "obfs4": frozenset({"fully_encrypted"}),
    "vpn_provider_tls": frozenset({"vpn_api", "vpn_tls"}),
    "encrypted_dns": frozenset({"dot", "doh", "doq", "dnscrypt", "odoh"}),
}

PROVIDERS: dict[str, frozenset[str]] = {
    "ProtonVPN": frozenset({"Proton VPN"}),
    "UltraSurf": frozenset({"Ultrasurf"}),
}

# Words in the provider column that name a protocol or a tool, not an operator.
NO_PROVIDER = frozenset({"", "Cisco AnyConnect", "Shadowsocks", "Trojan", "V2Ray/VMess", "iodine"})

STATISTICAL = frozenset({"shadowsocks", "trojan", "vmess", "vless", "obfs4"})
OBFUSCATED = "obfuscated"  # in a capture's name: OpenVPN there is scrambled, and suspicion the right answer

PROTOCOLS = {
    "ICMP": 1,
    "IGMP": 2,
    "IPIP": 4,
    "TCP": 6,
    "UDP": 17,
    "IPV6": 41,
    "GRE": 47,
    "ESP": 50,
    "AH": 51,
    "ICMPV6": 58,
    "SCTP": 132,
}


def protocol(word: str) -> int:
    """Number of an IP protocol from its name or number; -1 = not known."""
    return PROTOCOLS.get(word, int(word) if word.isdigit() else -1)


def family_fits(truth: str, ours: str) -> bool:
    """Whether our family is the right one for the truth's."""
    return ours in FAMILIES.get(truth, frozenset({truth}))


def provider_fits(truth: str, ours: str) -> bool:
    """Whether our provider is the right one for the truth's."""
    return ours in PROVIDERS.get(truth, frozenset({truth}))
