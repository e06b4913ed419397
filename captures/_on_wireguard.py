"""WireGuard (wireguard.com/protocol, the 2017 paper) and what is built on it."""

from __future__ import annotations

import struct
from typing import Any

from _dns import look_up
from _plain import innocents
from _plan import capture
from _wire import SECOND, Trace, Udp, noise
from _words import Label, label

PEER = "203.0.113.51"
WIREGUARD = label("wireguard")
SPECIFICATION = "wireguard.com/protocol"


class Keys:
    """The receiver indices of both sides and the first bytes of the four message types."""

    def __init__(self, flow: Udp, types: tuple[bytes, ...] = (), pads: tuple[int, int] = (0, 0)) -> None:
        self.flow = flow
        self.client, self.server = noise((flow.tag, "client index"), 4), noise((flow.tag, "server index"), 4)
        self.types = types or tuple(bytes([i, 0, 0, 0]) for i in (1, 2, 3, 4))
        self.pads = pads


def initiation(keys: Keys, again: int = 0) -> None:
    """Message 1: 148 bytes."""
    body = keys.types[0] + keys.client + noise((keys.flow.tag, "initiation", again), 32 + 48 + 28 + 16) + bytes(16)
    keys.flow.up(noise((keys.flow.tag, "junk"), keys.pads[0]) + body)


def response(keys: Keys) -> None:
    """Message 2: 92 bytes."""
    body = keys.types[1] + keys.server + keys.client + noise((keys.flow.tag, "response"), 32 + 16 + 16) + bytes(16)
    keys.flow.down(noise((keys.flow.tag, "junk 2"), keys.pads[1]) + body)


def cookie(keys: Keys) -> None:
    """Message 3: 64 bytes."""
    keys.flow.down(keys.types[2] + keys.client + noise((keys.flow.tag, "cookie"), 24 + 32))


def transport(keys: Keys, up: bool, counter: int, size: int) -> None:
    """Message 4: 32 bytes and a multiple of 16; size 0 is a keepalive."""
    sealed = noise((keys.flow.tag, up, counter), -(-size // 16) * 16 + 16)
    data = keys.types[3] + (keys.server if up else keys.client) + struct.pack("<Q", counter) + sealed
    (keys.flow.up if up else keys.flow.down)(data)


def handshake(keys: Keys) -> None:
    initiation(keys)
    response(keys)


def data(keys: Keys, count: int, first: int = 0) -> None:
    """Transport messages: small up, large down; one keepalive first."""
    transport(keys, True, first, 0)
    for i in range(1, count):
        transport(keys, True, first + i, 52 + i * 29 % 600)
        transport(keys, False, first + i - 1, 80 + i * 173 % 1300)


def session(trace: Trace, server: str, port: int, expected: Label = WIREGUARD, count: int = 12, **ends: Any) -> Keys:
    """A handshake and data both ways."""
    keys = Keys(trace.udp(server, port, expected, **ends))
    handshake(keys)
    data(keys, count)
    return keys


@capture(
    "wireguard-full",
    "handshake, keepalive, data, a re-key after two minutes; a second peer over IPv6",
    SPECIFICATION,
    "nDPI wireguard.pcap",
)
def wireguard_full(trace: Trace) -> None:
    innocents(trace)
    keys = session(trace, PEER, 51820, sport=51820)
    keys.flow.wait(120 * SECOND)
    handshake(keys)
    data(keys, 4)
    session(trace, "2001:db8:5::51", 51820, client="2001:db8:1::10")


@capture("wireguard-cookie", "a loaded peer answers with a cookie; the second initiation is accepted", SPECIFICATION)
def wireguard_cookie(trace: Trace) -> None:
    innocents(trace)
    keys = Keys(trace.udp(PEER, 51820, WIREGUARD))
    initiation(keys)
    cookie(keys)
    keys.flow.wait(5 * SECOND)
    initiation(keys, 1)
    response(keys)
    data(keys, 6)


@capture(
    "wireguard-mid-session",
    "transport data both ways, counters already high",
    SPECIFICATION,
    "CESNET ipfixprobe wg.pcap",
)
def wireguard_mid_session(trace: Trace) -> None:
    innocents(trace)
    data(Keys(trace.udp(PEER, 51820, WIREGUARD)), 14, first=90_000)


@capture("wireguard-one-way", "the server's side only: response and data", SPECIFICATION)
def wireguard_one_way(trace: Trace) -> None:
    innocents(trace)
    flow = trace.udp(PEER, 51820, WIREGUARD)
    flow.keep = {"down"}
    keys = Keys(flow)
    handshake(keys)
    data(keys, 20)


@capture(
    "wireguard-tunnelbear",
    "an API look-up, then a handshake of 204 and 100 bytes as TunnelBear's client sends",
    "message layout of wireguard.com/protocol, sizes as public rule sets state",
    "nDPI tunnelbear.pcap",
)
def wireguard_tunnelbear(trace: Trace) -> None:
    innocents(trace)
    keys = Keys(trace.udp(PEER, 51820, label("wireguard", "header", "TunnelBear")))
    start = keys.types[0] + keys.client + noise((keys.flow.tag, "initiation"), 196)
    keys.flow.up(start)
    keys.flow.down(keys.types[1] + keys.server + keys.client + noise((keys.flow.tag, "response"), 88))
    data(keys, 10)


@capture(
    "wireguard-nordlynx",
    "NordLynx is WireGuard on the wire: the provider shows only in the server's name, looked up"
    " before; a second tunnel without a look-up has no provider",
    SPECIFICATION,
)
def wireguard_nordlynx(trace: Trace) -> None:
    innocents(trace)
    look_up(trace, "pl128.nordvpn.com", "203.0.113.128")
    session(trace, "203.0.113.128", 51820, label("wireguard", "header", "NordVPN"))
    session(trace, "203.0.113.129", 51820)


@capture(
    "warp",
    "Cloudflare WARP: message types 0xc1, 0xc2, 0xc4 with client id on UDP 2408, an API look-up and a TLS visit"
    " to the API",
    "as public rule sets state",
    "nDPI cloudflare-warp.pcap",
)
def warp(trace: Trace) -> None:
    import _tls

    innocents(trace)
    look_up(trace, "api.cloudflareclient.com", "203.0.113.140")
    api = label("vpn_api", "name", "Cloudflare WARP")
    _tls.session(trace.tcp("203.0.113.140", 443, api), "api.cloudflareclient.com")
    look_up(trace, "engage.cloudflareclient.com", "203.0.113.141")
    flow = trace.udp("203.0.113.141", 2408, label("cloudflare_warp"))
    client_id = noise("warp client id", 2) + b"\0"
    keys = Keys(flow, tuple(bytes([t]) + client_id for t in (0xC1, 0xC2, 0xC3, 0xC4)))
    flow.up(b"\xc1\0\0\0" + keys.client + noise((flow.tag, "initiation"), 186))
    flow.down(keys.types[1] + keys.server + keys.client + noise((flow.tag, "response"), 766))
    data(keys, 12)


@capture(
    "warp-reserved",
    "older WARP: WireGuard types 1, 2, 4 whose reserved bytes carry a client id",
    "message layout of wireguard.com/protocol",
)
def warp_reserved(trace: Trace) -> None:
    innocents(trace)
    look_up(trace, "engage.cloudflareclient.com", "203.0.113.141")
    flow = trace.udp("203.0.113.141", 2408, label("cloudflare_warp"))
    keys = Keys(flow, tuple(bytes([t]) + noise("reserved", 3) for t in (1, 2, 3, 4)))
    handshake(keys)
    data(keys, 12)


@capture(
    "amneziawg",
    "junk datagrams, padded handshake, changed type words: a constant type word, an index each way and the counter"
    " remain. A flow with junk in front of an unchanged handshake is WireGuard to who reads on",
    "amnezia-vpn/amneziawg-go README",
)
def amneziawg(trace: Trace) -> None:
    innocents(trace)
    flow = trace.udp(PEER, 49_312, label("amneziawg"))
    keys = Keys(flow, tuple(struct.pack("<I", t) for t in (1_234_567, 2_345_678, 3_456_789, 4_567_890)), (67, 41))
    for i in range(5):
        flow.up(noise((flow.tag, "junk", i), 60 + 37 * i))
    handshake(keys)
    data(keys, 12)
    soft = trace.udp("203.0.113.52", 51820, WIREGUARD)
    for i in range(3):
        soft.up(noise((soft.tag, "junk", i), 50 + 23 * i))
    keys = Keys(soft)
    handshake(keys)
    data(keys, 12)


@capture(
    "tailscale",
    "disco ping and pong, then WireGuard data on the same ports; a DERP relay named in TLS",
    "tailscale disco package documentation",
    "nDPI tailscale.pcap",
)
def tailscale(trace: Trace) -> None:
    import _tls

    innocents(trace)
    look_up(trace, "controlplane.tailscale.com", "203.0.113.150")
    control = label("vpn_api", "name", "Tailscale")
    _tls.session(trace.tcp("203.0.113.150", 443, control), "controlplane.tailscale.com")
    flow = trace.udp("203.0.113.151", 41641, label("tailscale"), sport=41641)
    magic = "TS💬".encode()
    keys = Keys(flow)
    for up, size in ((True, 86), (False, 86), (True, 104)):
        body = magic + noise((flow.tag, "disco", up), 32) + noise((flow.tag, "sealed", up, size), size - 38)
        (flow.up if up else flow.down)(body)
    handshake(keys)
    data(keys, 10)
