"""Every word a golden flow log may use for what a flow carries: the one place to change a word."""

from __future__ import annotations

from typing import NamedTuple


class Label(NamedTuple):
    """The label a flow must get; all empty = it must get none."""

    family: str = ""
    provider: str = ""
    kind: str = ""
    confidence: str = ""


PLAIN = Label()

_KINDS = {
    "tunnel": (
        "openvpn wireguard ipsec pptp l2tp sstp softether anyconnect fortinet globalprotect tinc zerotier hamachi"
        " tailscale cloudflare_warp amneziawg psiphon vpn_tls"
    ),
    "control": "vpn_api",
    "proxy": "ultrasurf lantern meek socks http_proxy private_relay fully_encrypted tls_in_tls",
    "anonymity": "tor snowflake",
    "covert": "dns_tunnel icmp_tunnel",
    "encrypted_dns": "dot doq doh dnscrypt odoh",
    "encapsulation": "teredo 6in4 ipip gre",
    "lookalike": "wifi_calling routing_authentication ethereum telegram whatsapp bittorrent webrtc vpn_site",
}
KIND = {family: kind for kind, families in _KINDS.items() for family in families.split()}
# Families that belong to one operator or project; a stated provider goes before it.
PROVIDERS = {
    "tor": "Tor",
    "snowflake": "Tor",
    "softether": "SoftEther",
    "ultrasurf": "Ultrasurf",
    "zerotier": "ZeroTier",
    "hamachi": "LogMeIn Hamachi",
    "tailscale": "Tailscale",
    "cloudflare_warp": "Cloudflare WARP",
    "psiphon": "Psiphon",
    "lantern": "Lantern",
    "globalprotect": "Palo Alto GlobalProtect",
    "private_relay": "iCloud Private Relay",
}
CONFIDENCES = ("header", "name", "dated_list", "statistical")


def label(family: str, confidence: str = "header", provider: str = "", kind: str = "") -> Label:
    """The label of a family, of the kind that family has unless another is stated."""
    if confidence not in CONFIDENCES:
        raise ValueError(f"no such confidence: {confidence}")
    if kind and kind not in _KINDS:
        raise ValueError(f"no such kind: {kind}")
    return Label(family, provider or PROVIDERS.get(family, ""), kind or KIND[family], confidence)


# Header-less proxies cannot be told from one another on the wire: the families are known to us, not to any tool.
FULLY_ENCRYPTED = label("fully_encrypted", "statistical")
TLS_IN_TLS = label("tls_in_tls", "statistical")
