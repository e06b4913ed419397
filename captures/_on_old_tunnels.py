"""Older remote-access VPNs: PPTP (RFC 2637), L2TP (RFC 2661), SSTP ([MS-SSTP])."""

from __future__ import annotations

import struct
from collections.abc import Iterable

import _tls
from _dns import look_up
from _plain import innocents
from _plan import capture
from _wire import Datagrams, Tcp, Trace, Udp, noise
from _words import PLAIN, label
from scapy.packet import Raw

GATEWAY = "203.0.113.17"
COOKIE = 0x1A2B3C4D
PPTP, L2TP = label("pptp"), label("l2tp")


def pptp_message(kind: int, body: bytes) -> bytes:
    """A control message behind its 12-byte head."""
    return struct.pack(">HHIHH", 12 + len(body), 1, COOKIE, kind, 0) + body


def pptp_start(reply: bool) -> bytes:
    """Start-Control-Connection-Request or -Reply, 156 bytes."""
    result = b"\1\0" if reply else b"\0\0"
    names = b"local".ljust(64, b"\0") + b"example".ljust(64, b"\0")
    return pptp_message(2 if reply else 1, b"\1\0" + result + struct.pack(">IIHH", 3, 3, 0, 1) + names)


def pptp_call() -> tuple[bytes, bytes]:
    """Outgoing-Call-Request (168 bytes) and -Reply (32 bytes)."""
    request = struct.pack(">HHIIIIHHHH", 0x4000, 1, 300, 10**8, 3, 3, 64, 0, 0, 0) + bytes(128)
    reply = struct.pack(">HHBBHIHHI", 0x80, 0x4000, 1, 0, 0, 10**7, 64, 0, 0)
    return pptp_message(7, request), pptp_message(8, reply)


def pptp_control(tcp: Tcp) -> None:
    """A control connection up to Set-Link-Info and an echo."""
    tcp.open()
    request, reply = pptp_call()
    tcp.up(pptp_start(False))
    tcp.down(pptp_start(True))
    tcp.up(request)
    tcp.down(reply)
    tcp.up(pptp_message(15, struct.pack(">HHII", 0x80, 0, 2**32 - 1, 2**32 - 1)))
    tcp.up(pptp_message(5, struct.pack(">I", 1)))
    tcp.down(pptp_message(6, struct.pack(">IBBH", 1, 1, 0, 0)))


def lcp(code: int, ident: int, options: bytes) -> bytes:
    """An LCP packet behind its PPP protocol number (RFC 1661)."""
    return b"\xc0\x21" + struct.pack(">BBH", code, ident, 4 + len(options)) + options


LCP_OPTIONS = bytes.fromhex("0104057805061234567807020802")


def gre(call: int, sequence: int, acknowledged: int, ppp: bytes) -> bytes:
    """Enhanced GRE, version 1, protocol 0x880b, with key, sequence and acknowledgement."""
    return struct.pack(">HHHHII", 0x3081, 0x880B, len(ppp), call, sequence, acknowledged) + ppp


def pptp_data(flow: Datagrams, count: int) -> None:
    """LCP in clear, then MPPE-encrypted PPP (protocol 0x00fd) both ways."""
    for i in range(count):
        for up in (True, False):
            sealed = b"\0\xfd" + struct.pack(">H", 0x9000 | i) + noise((flow.tag, up, i), 60 + i * 97 % 900)
            ppp = b"\xff\x03" + lcp(1 + i, 1, LCP_OPTIONS) if i < 2 else sealed
            flow.packet(up, Raw(gre(0x80 if up else 0x4000, i, max(0, i - 1), ppp)))


@capture(
    "pptp",
    "control connection on TCP 1723 and GRE version 1 with LCP, then encrypted PPP",
    "RFC 2637, 1661, 3078",
    "nDPI pptp.pcap (control only)",
)
def pptp(trace: Trace) -> None:
    innocents(trace)
    tcp = trace.tcp(GATEWAY, 1723, PPTP)
    pptp_control(tcp)
    flow = trace.ip(GATEWAY, 47, PPTP)
    flow.t = tcp.t
    pptp_data(flow, 8)


@capture(
    "pptp-data",
    "GRE version 1 with encrypted PPP whose control connection is older than the capture",
    "RFC 2637",
    "zeek tunnels_gre-pptp.pcap",
)
def pptp_mid_session(trace: Trace) -> None:
    innocents(trace)
    flow = trace.ip(GATEWAY, 47, PPTP)
    for i in range(500, 510):
        for up in (True, False):
            sealed = b"\0\xfd" + struct.pack(">H", 0x9000 | i) + noise((flow.tag, up, i), 60 + i * 97 % 900)
            flow.packet(up, Raw(gre(0x80 if up else 0x4000, i, i - 1, sealed)))


def avp(kind: int, value: bytes) -> bytes:
    """A mandatory L2TP attribute."""
    return struct.pack(">HHH", 0x8000 | 6 + len(value), 0, kind) + value


def l2tp_control(tunnel: int, session: int, sent: int, received: int, avps: Iterable[bytes]) -> bytes:
    """A control message: T, L and S bits, version 2."""
    body = b"".join(avps)
    return struct.pack(">HHHHHH", 0xC802, 12 + len(body), tunnel, session, sent, received) + body


def message_type(kind: int) -> bytes:
    return avp(0, struct.pack(">H", kind))


def l2tp_session(flow: Udp, count: int) -> None:
    """Tunnel and session set-up, LCP, then compressed and encrypted PPP."""
    word = struct.Struct(">H").pack
    start = [
        avp(2, b"\1\0"),
        avp(3, bytes(3) + b"\3"),
        avp(7, b"gateway.example.com"),
        avp(9, word(7)),
        avp(10, word(8)),
    ]
    flow.up(l2tp_control(0, 0, 0, 0, [message_type(1), *start]))
    flow.down(l2tp_control(7, 0, 0, 1, [message_type(2), *start]))
    flow.up(l2tp_control(7, 0, 1, 1, [message_type(3)]))
    flow.up(l2tp_control(7, 0, 2, 1, [message_type(10), avp(14, word(21)), avp(15, bytes(3) + b"\1")]))
    flow.down(l2tp_control(7, 21, 1, 3, [message_type(11), avp(14, word(22))]))
    flow.up(l2tp_control(7, 22, 3, 2, [message_type(12), avp(24, bytes(2) + word(10**4)), avp(19, bytes(3) + b"\1")]))
    flow.down(l2tp_control(7, 0, 2, 4, []))
    for up in (True, False):
        (flow.up if up else flow.down)(struct.pack(">HHH", 2, 7, 22) + b"\xff\x03" + lcp(1 + (not up), 1, LCP_OPTIONS))
    for i in range(count):
        sealed = b"\0\xfd" + struct.pack(">H", 0x9000 | i) + noise((flow.tag, i), 80 + i * 131 % 900)
        (flow.up if i % 2 == 0 else flow.down)(struct.pack(">HHH", 2, 7, 22) + b"\xff\x03" + sealed)


@capture(
    "l2tp",
    "L2TP control (SCCRQ to ICCN) and PPP data on UDP 1701 without IPsec",
    "RFC 2661",
    "tcpdump l2tp-avp-overflow.pcap (malformed)",
)
def l2tp(trace: Trace) -> None:
    innocents(trace)
    l2tp_session(trace.udp(GATEWAY, 1701, L2TP, sport=1701), 12)


@capture(
    "sstp",
    "SSTP is TLS: only a listed server name shows it (VPN Gate, whose servers are SoftEther); to others nothing",
    "[MS-SSTP], list of names",
)
def sstp(trace: Trace) -> None:
    innocents(trace)
    for name, server, expected in (
        ("public-vpn-101.opengw.net", "203.0.113.18", label("softether", "name", "VPN Gate")),
        ("office.example.com", "203.0.113.19", PLAIN),
    ):
        look_up(trace, name, server)
        _tls.session(
            trace.tcp(server, 443, expected), name, (230, -190, 40, -60, 120, -140, 90, -700, 90, -1300), alpn=()
        )


def sstp_control(kind: int, attributes: bytes, count: int) -> bytes:
    """An SSTP control packet: version 1.0, C bit, length, message type, attributes ([MS-SSTP] 2.2.2)."""
    body = struct.pack(">HH", kind, count) + attributes
    return struct.pack(">BBH", 0x10, 1, 4 + len(body)) + body


@capture(
    "sstp-clear",
    "SSTP as a proxy that ends TLS hands it on: SSTP_DUPLEX_POST, call connect request and acknowledgement, PPP data",
    "[MS-SSTP] 2.2, 3.2.4.1",
)
def sstp_clear(trace: Trace) -> None:
    innocents(trace)
    tcp = trace.tcp("203.0.113.38", 80, label("sstp")).open()
    head = "SSTP_DUPLEX_POST /sra_{BA195980-CD49-458b-9E23-C84EE0ADCD75}/ HTTP/1.1\r\nHost: gateway.example.com\r\n"
    tcp.up(f"{head}Content-Length: 18446744073709551615\r\n\r\n".encode())
    tcp.down(b"HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551615\r\n\r\n")
    tcp.up(sstp_control(1, struct.pack(">BBHH", 0, 1, 6, 1), 1))
    binding = struct.pack(">BBHIB", 0, 4, 40, 0, 2) + noise((tcp.tag, "nonce"), 32)
    tcp.down(sstp_control(2, binding[:4] + bytes(3) + binding[8:], 1))
    for i in range(8):
        sealed = b"\xff\x03\0\xfd" + noise((tcp.tag, i), 80 + i * 97)
        tcp.message(i % 2 == 0, struct.pack(">BBH", 0x10, 0, 4 + len(sealed)) + sealed)
    tcp.close()
