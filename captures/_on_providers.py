"""Providers' own interfaces by name: TLS, QUIC, DNS; use of an interface is not use of a tunnel, a site even less."""

from __future__ import annotations

import _quic
import _tls
from _dns import look_up
from _plain import innocents, web
from _plan import capture
from _wire import SECOND, Trace, noise
from _words import PLAIN, label

APIS = (
    ("vpn-api.proton.me", "Proton VPN"),
    ("api.polargrizzly.com", "TunnelBear"),
    ("api.nordvpn.com", "NordVPN"),
    ("api.surfshark.com", "Surfshark"),
    ("api.windscribe.com", "Windscribe"),
    ("api.mullvad.net", "Mullvad"),
)
SITES = (("nordvpn.com", "NordVPN"), ("www.expressvpn.com", "ExpressVPN"), ("surfshark.com", "Surfshark"))


@capture(
    "provider-api-tls",
    "interfaces of six providers by SNI over TLS; near misses (suffixes inside other names) beside them",
    "lists of names",
    "nDPI protonvpn.pcap, tunnelbear.pcap, opera-vpn.pcapng",
)
def provider_api_tls(trace: Trace) -> None:
    innocents(trace)
    for i, (name, provider) in enumerate(APIS):
        server = f"203.0.113.{160 + i}"
        look_up(trace, name, server)
        _tls.session(trace.tcp(server, 443, label("vpn_api", "name", provider)), name, (380, -800, 90, -400))
    for i, name in enumerate(("notmullvad.net", "api.mullvad.net.example.com", "mullvad.example.org")):
        _tls.session(trace.tcp(f"203.0.113.{170 + i}", 443, PLAIN), name, (380, -800))


@capture(
    "provider-api-quic",
    "the same over QUIC version 1 and 2, the ClientHello also over two datagrams",
    "RFC 9001, 9369; lists of names",
)
def provider_api_quic(trace: Trace) -> None:
    innocents(trace)
    proton, nord = label("vpn_api", "name", "Proton VPN"), label("vpn_api", "name", "NordVPN")
    _quic.session(trace.udp("203.0.113.160", 443, proton), "vpn-api.proton.me")
    _quic.session(trace.udp("203.0.113.162", 443, nord), "api.nordvpn.com", version=0x6B3343CF)
    long = _tls.extension(0xFE0D, b"\0\0\1\0\1\x2a\0\x20" + noise("ech key", 32) + b"\4\x80" + noise("ech", 1152))
    udp = trace.udp("203.0.113.160", 443, proton)
    _quic.session(udp, "vpn-api.proton.me", datagrams=2, more=long)
    _quic.session(trace.udp("203.0.113.80", 443), "www.example.com", version=0x6B3343CF)


@capture("provider-sites", "visits to web sites of providers: interest, not use", "list of names")
def provider_sites(trace: Trace) -> None:
    innocents(trace)
    for i, (name, provider) in enumerate(SITES):
        server = f"203.0.113.{175 + i}"
        look_up(trace, name, server)
        _tls.session(trace.tcp(server, 443, label("vpn_site", "name", provider)), name)


@capture(
    "joined-look-up",
    "a tunnel server looked up, then a flow to it without any name: OpenVPN and WireGuard get a provider"
    " from the look-up; another client that did not ask does not",
    "lists of names; RFC 1035",
)
def joined_look_up(trace: Trace) -> None:
    from _on_openvpn import openvpn_like
    from _on_wireguard import session

    innocents(trace)
    look_up(trace, "us-nyc.prod.surfshark.com", "203.0.113.181")
    openvpn_like(trace.udp("203.0.113.181", 1194, label("openvpn", "header", "Surfshark")))
    session(trace, "203.0.113.181", 51820, label("wireguard", "header", "Surfshark"))
    session(trace, "203.0.113.181", 51820, label("wireguard"), client="192.0.2.12")
    look_up(trace, "ch5.nordvpn.com", "2001:db8:9::5", client="2001:db8:1::10", resolver="2001:db8::53")
    session(trace, "2001:db8:9::5", 51820, label("wireguard", "header", "NordVPN"), client="2001:db8:1::10")
    web(trace, "mail.example.com", server="203.0.113.182")


@capture(
    "opera-proxy",
    "Opera's browser proxy: TLS to *.sec-tunnel.com by name, many short sessions",
    "list of names",
    "nDPI opera-vpn.pcapng",
)
def opera_proxy(trace: Trace) -> None:
    innocents(trace)
    expected = label("vpn_tls", "name", "Opera VPN", kind="proxy")
    for i in range(4):
        server = f"203.0.113.{185 + i}"
        name = f"eu{i}.sec-tunnel.com"
        look_up(trace, name, server)
        _tls.session(trace.tcp(server, 443, expected), name, (900, -1400, 300, -700))
        trace.pause(SECOND)
