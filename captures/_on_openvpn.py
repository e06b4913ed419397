"""OpenVPN (openvpn.net/community-resources/openvpn-protocol; tls-crypt-v2.txt of the OpenVPN source tree)."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from typing import NamedTuple

from _plain import http, innocents
from _plan import NO_REAL, capture
from _tls import client_hello, hello_record, record, server_flight_12
from _wire import MS, SECOND, START, Flow, Tcp, Trace, Udp, noise
from _words import label

GATEWAY = "203.0.113.94"
OPENVPN = label("openvpn")
SPECIFICATION = "OpenVPN protocol page"
RESET_CLIENT, RESET_SERVER, CONTROL, ACK, DATA_V2, RESET_CLIENT_V3 = 7, 8, 4, 5, 9, 10
TIME = struct.pack(">I", START // SECOND)

Wrapping = Callable[[bytes, bytes, int, tuple[object, ...]], bytes]


def plain(head: bytes, body: bytes, count: int, tag: tuple[object, ...]) -> bytes:
    """No HMAC."""
    return head + body


def tls_auth(head: bytes, body: bytes, count: int, tag: tuple[object, ...]) -> bytes:
    """HMAC-SHA1, packet id and time before the acknowledgements."""
    return head + noise((tag, "hmac", count), 20) + struct.pack(">I", count + 1) + TIME + body


def tls_crypt(head: bytes, body: bytes, count: int, tag: tuple[object, ...]) -> bytes:
    """Packet id and time, a 32-byte tag, then everything encrypted."""
    return head + struct.pack(">I", count + 1) + TIME + noise((tag, "crypt", count, len(body)), 32 + len(body))


class Side:
    """Session id and counters of one side."""

    def __init__(self, tag: object) -> None:
        self.session = noise(tag, 8)
        self.message = self.sent = 0


class Session(NamedTuple):
    """An OpenVPN session over a flow."""

    flow: Flow
    wrapping: Wrapping
    sides: tuple[Side, Side]  # server, client
    scramble: bytes = b""

    def put(self, up: bool, packet: bytes) -> None:
        """One OpenVPN packet, with its length in front over TCP, scrambled where a key is set."""
        if self.scramble:
            key = self.scramble * (len(packet) // len(self.scramble) + 1)
            packet = bytes(a ^ b for a, b in zip(packet, key, strict=False))
        if isinstance(self.flow, Tcp):
            packet = struct.pack(">H", len(packet)) + packet
        (self.flow.up if up else self.flow.down)(packet)  # type: ignore[attr-defined]

    def control(self, up: bool, opcode: int, acks: tuple[int, ...] = (), data: bytes = b"", tail: bytes = b"") -> None:
        """A control-channel packet that acknowledges `acks`."""
        me, peer = self.sides[up], self.sides[not up]
        body = bytes([len(acks)]) + b"".join(struct.pack(">I", a) for a in acks) + (peer.session if acks else b"")
        if opcode != ACK:
            body += struct.pack(">I", me.message) + data
            me.message += 1
        self.put(up, self.wrapping(bytes([opcode << 3]) + me.session, body, me.sent, (self.flow.tag, up)) + tail)
        me.sent += 1


def start(flow: Flow, wrapping: Wrapping, scramble: bytes = b"") -> Session:
    """Session ids derived from the flow."""
    return Session(flow, wrapping, (Side((flow.tag, "server")), Side((flow.tag, "client"))), scramble)


def pieces(data: bytes, size: int = 1100) -> Iterator[bytes]:
    """Control-channel payloads."""
    yield from (data[i : i + size] for i in range(0, len(data), size))


def negotiate(session: Session, opening: int = RESET_CLIENT, tail: bytes = b"") -> None:
    """Resets, the TLS handshake in control packets, acknowledgements."""
    flow = session.flow
    session.control(True, opening, tail=tail)
    session.control(False, RESET_SERVER, (0,))
    session.control(True, ACK, (0,))
    session.control(True, CONTROL, data=hello_record(client_hello("", flow.tag, alpn=(), tls13=False, pad_to=0)))
    flight = server_flight_12(flow.tag, [noise((flow.tag, "der"), 600), noise((flow.tag, "ca"), 500)])
    for i, piece in enumerate(pieces(flight)):
        session.control(False, CONTROL, (1,) if i == 0 else (), piece)
        session.control(True, ACK, (i + 1,))
    session.control(True, CONTROL, data=record(22, noise((flow.tag, "key"), 130)))
    session.control(False, CONTROL, (2,), record(22, noise((flow.tag, "finished"), 40)))
    server = session.sides[False]
    session.control(True, CONTROL, (server.message - 1,), record(23, noise((flow.tag, "method 2"), 360)))
    session.control(False, CONTROL, (3,), record(23, noise((flow.tag, "push"), 410)))
    session.control(True, ACK, (server.message - 1,))


def data(session: Session, count: int, *, first: int = 1, peer: int = 3) -> None:
    """AEAD data-channel packets, v2 with a peer id, both ways; every second one down and larger."""
    for i in range(count):
        up = i % 2 == 0
        head = struct.pack(">II", DATA_V2 << 27 | peer, first + i // 2)
        size = 84 + (i * 37) % 300 if up else 200 + (i * 91) % 1000
        session.put(up, head + noise((session.flow.tag, "data", i), 16 + size))


def over_udp(trace: Trace, wrapping: Wrapping, port: int = 1194, count: int = 20) -> None:
    """Innocent traffic, then a session over UDP."""
    innocents(trace)
    session = start(trace.udp(GATEWAY, port, OPENVPN), wrapping)
    negotiate(session)
    data(session, count)


@capture("openvpn-udp", "OpenVPN over UDP 1194, no HMAC, TLS handshake and data v2", SPECIFICATION, "nDPI openvpn.pcap")
def openvpn_udp(trace: Trace) -> None:
    over_udp(trace, plain)


@capture("openvpn-tls-auth", "the same with tls-auth (HMAC-SHA1)", SPECIFICATION, "zeek-spicy-openvpn openvpn.pcap")
def openvpn_tls_auth(trace: Trace) -> None:
    over_udp(trace, tls_auth)


@capture("openvpn-tls-crypt", "tls-crypt on UDP 443", SPECIFICATION, "nDPI openvpn-tlscrypt.pcap")
def openvpn_tls_crypt(trace: Trace) -> None:
    over_udp(trace, tls_crypt, 443)


@capture(
    "openvpn-tls-crypt-v2", "tls-crypt-v2: hard reset v3 with the wrapped client key", "doc/tls-crypt-v2.txt, OpenVPN"
)
def openvpn_tls_crypt_v2(trace: Trace) -> None:
    innocents(trace)
    session = start(trace.udp(GATEWAY, 1194, OPENVPN), tls_crypt)
    wrapped = noise((trace.name, "wkc"), 32 + 256 + 11)
    negotiate(session, RESET_CLIENT_V3, wrapped + struct.pack(">H", len(wrapped) + 2))
    data(session, 24)


@capture(
    "openvpn-tcp",
    "OpenVPN over TCP 443 with length prefixes, and an ordinary clear-text request",
    SPECIFICATION,
    "zeek-spicy-openvpn openvpn_tcp_nontlsauth.pcap",
)
def openvpn_tcp(trace: Trace) -> None:
    innocents(trace)
    http(trace)
    flow = trace.tcp(GATEWAY, 443, OPENVPN).open()
    session = start(flow, plain)
    negotiate(session)
    data(session, 24)
    flow.close()


@capture(
    "openvpn-mid-session",
    "data v2 packets only, both ways, of a session that began before the capture",
    SPECIFICATION,
    "CESNET ipfixprobe ovpn.pcap",
)
def openvpn_mid_session(trace: Trace) -> None:
    innocents(trace)
    session = start(trace.udp(GATEWAY, 1194, OPENVPN), plain)
    data(session, 48, first=70_311, peer=12)


@capture("openvpn-one-way", "only the client's packets of a session (asymmetric routing)", SPECIFICATION)
def openvpn_one_way(trace: Trace) -> None:
    innocents(trace)
    flow = trace.udp(GATEWAY, 1194, OPENVPN)
    flow.keep = {"up"}
    session = start(flow, tls_auth)
    negotiate(session)
    data(session, 24)


@capture(
    "openvpn-xor",
    "every byte XORed with a repeating key (the 'scramble' patch), over UDP and TCP: only the order"
    " of first bytes is left to go by",
    "Xue et al. 2022, Tunnelblick's page on the patch",
    "nDPI openvpn_obfuscated.pcapng",
)
def openvpn_xor(trace: Trace) -> None:
    innocents(trace)
    statistical = label("openvpn", "statistical")
    udp = start(trace.udp(GATEWAY, 5555, statistical), plain, b"\x9bk3yForTests")
    negotiate(udp)
    data(udp, 44)
    flow = trace.tcp(GATEWAY, 5556, statistical).open()
    tcp = start(flow, plain, b"\x2dAnotherKey")
    negotiate(tcp)
    data(tcp, 44)
    flow.close()


@capture(
    "openvpn-two-clients", "two clients of one gateway, the second reset and answered again", SPECIFICATION, NO_REAL
)
def openvpn_two_clients(trace: Trace) -> None:
    innocents(trace)
    for client in ("192.0.2.11", "192.0.2.12"):
        session = start(trace.udp(GATEWAY, 1194, OPENVPN, client=client), tls_auth)
        negotiate(session)
        data(session, 12)
    again = start(trace.udp(GATEWAY, 1194, OPENVPN, client="192.0.2.12"), tls_auth)
    again.control(True, RESET_CLIENT)
    again.flow.wait(2000 * MS)
    again.sides[True].message = 0
    negotiate(again)


@capture(
    "openvpn-static-key",
    "static-key mode: no opcode, no handshake; over UDP nothing shows it and nothing may be said",
    SPECIFICATION,
)
def openvpn_static_key(trace: Trace) -> None:
    innocents(trace)
    flow = trace.udp(GATEWAY, 1194)
    for i in range(12):
        (flow.up if i % 2 == 0 else flow.down)(noise((flow.tag, i), 20 + 16 + 64 + i * 48))


@capture(
    "blocked-tunnels",
    "tools behind a block: OpenVPN resets and WireGuard initiations repeated without an answer, IKE likewise, the"
    " provider's API met by a reset",
    "OpenVPN protocol page, wireguard.com/protocol, RFC 7296",
)
def blocked_tunnels(trace: Trace) -> None:
    import _tls
    from _on_ipsec import Payload, ike, proposal_v2, spis

    innocents(trace)
    session = start(trace.udp(GATEWAY, 1194, OPENVPN), tls_auth)
    for wait in (1, 2, 4, 8):
        session.control(True, RESET_CLIENT)
        session.sides[True].message = 0
        session.flow.wait(wait * SECOND)
    peer = trace.udp("203.0.113.51", 51820, label("wireguard"))
    for i in range(4):
        peer.up(b"\1\0\0\0" + noise((peer.tag, "index", i), 4) + noise((peer.tag, i), 32 + 48 + 28 + 16) + bytes(16))
        peer.wait(5 * SECOND)
    flow = trace.udp("203.0.113.5", 500, label("ipsec"), sport=500)
    body: list[Payload] = [(33, proposal_v2()), (34, b"\0\x13\0\0" + noise("ke", 64)), (40, noise("nonce", 32))]
    for wait in (2, 4, 8):
        flow.up(ike(spis(flow)[0], 0x20, 34, 8, 0, body))
        flow.wait(wait * SECOND)
    tcp = trace.tcp("203.0.113.162", 443, label("vpn_api", "name", "NordVPN")).open()
    tcp.up(_tls.hello_record(_tls.client_hello("api.nordvpn.com", tcp.tag)))
    tcp.reset()


def openvpn_like(flow: Udp) -> None:
    """Used by other captures: a short session over a given flow."""
    session = start(flow, plain)
    negotiate(session)
    data(session, 10)
