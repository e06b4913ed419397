"""Covert tunnels: iodine and dnscat2 in DNS, ptunnel and hans in ICMP."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

from _dns import RESOLVER, answer, look_up, question
from _plain import innocents
from _plan import capture
from _wire import SECOND, Datagrams, Trace, noise
from _words import PLAIN, label
from scapy.layers.dns import DNS, DNSQR, DNSRR
from scapy.layers.inet import IP, TCP
from scapy.packet import Raw

ICMP_TUNNEL = label("icmp_tunnel")
BASE32 = "abcdefghijklmnopqrstuvwxyz012345"
ZONE = "t.example.net"


def base32(tag: object, size: int) -> str:
    """`size` letters of iodine's alphabet."""
    return "".join(BASE32[b % 32] for b in noise(tag, size))


def labels(text: str, size: int = 57) -> str:
    """Text in DNS labels."""
    return ".".join(text[i : i + size] for i in range(0, len(text), size))


def null_answer(name: str, ident: int, data: bytes) -> bytes:
    """A response with a NULL record."""
    record = DNSRR(rrname=name, type="NULL", ttl=0, rdata=data)
    return bytes(DNS(id=ident, qr=1, rd=1, ra=1, qd=[DNSQR(qname=name, qtype="NULL")], an=[record], ns=[], ar=[]))


@capture(
    "dns-iodine",
    "iodine: version, login and probe queries, then upstream data in long names and downstream in NULL records",
    "iodine: doc/proto_00000502.txt",
    "nDPI dns-tunnel-iodine.pcap",
)
def iodine(trace: Trace) -> None:
    innocents(trace)
    udp = trace.udp(RESOLVER, 53, label("dns_tunnel", "header", "iodine"))
    start = [
        ("v", 10, b"VACK" + noise("seed", 5)),
        ("l", 32, b"10.99.0.1-10.99.0.2-1130-27"),
        ("z", 60, base32("z", 60).encode()),
    ]
    for i, (letter, size, data) in enumerate(start):
        name = f"{letter}{base32(i, size)}.{ZONE}"
        udp.up(question(name, 100 + i, "NULL"))
        udp.down(null_answer(name, 100 + i, data))
    for i in range(14):
        name = f"{i % 16:x}{labels(base32((i, 'data'), 180))}.{ZONE}"
        udp.up(question(name, 4000 + 7727 * i & 0xFFFF, "NULL", edns=4096))
        udp.down(null_answer(name, 4000 + 7727 * i & 0xFFFF, bytes([0x80 | i, i]) + noise((i, "down"), 300 + 40 * i)))


@capture(
    "dns-dnscat2", "dnscat2: hexadecimal labels in TXT, CNAME and MX queries to one zone", "dnscat2: doc/protocol.md"
)
def dnscat2(trace: Trace) -> None:
    innocents(trace)
    udp = trace.udp(RESOLVER, 53, label("dns_tunnel", "header", "dnscat2"))
    for i in range(18):
        kind = ("TXT", "CNAME", "MX")[i % 3]
        session = struct.pack(">HBH", 0x5AA5 + i, 1 if i else 0, 0x1234)
        name = f"{labels((session + noise((i, 'up'), 70)).hex(), 60)}.{ZONE}"
        back = (session + noise((i, "down"), 40)).hex()
        udp.up(question(name, 900 + i, kind))
        udp.down(dnscat_answer(name, 900 + i, kind, back))


def dnscat_answer(name: str, ident: int, kind: str, back: str) -> bytes:
    """The server's data in the record type that was asked for."""
    from scapy.layers.dns import DNSRRMX

    if kind == "TXT":
        return answer(name, ident, [back.encode()], kind, ttl=60)
    host = f"{labels(back, 60)}.{ZONE}"
    if kind == "CNAME":
        return answer(name, ident, host, kind, ttl=60)
    record = DNSRRMX(rrname=name, ttl=60, preference=10, exchange=host)
    return bytes(DNS(id=ident, qr=1, rd=1, ra=1, qd=[DNSQR(qname=name, qtype=kind)], an=[record], ns=[], ar=[]))


@capture(
    "dns-busy",
    "an ordinary resolver flow: many short names, long CDN names, TXT of mail policy, an antivirus look-up with"
    " a hash in its name; no tunnel",
    "RFC 1035, 7208",
)
def dns_busy(trace: Trace) -> None:
    innocents(trace)
    udp = trace.udp(RESOLVER, 53, PLAIN)
    names: list[tuple[str, str, Any]] = [(f"www{i}.example.com", "A", "203.0.113.80") for i in range(8)]
    names += [(f"e{i}.dscx.akamai.example.net", "A", "203.0.113.81") for i in range(4)]
    names += [("example.com", "TXT", [b"v=spf1 include:_spf.example.net -all"])]
    names += [(f"{noise('hash', 16).hex()}.av.example.org", "A", "203.0.113.82")]
    for i, (name, kind, value) in enumerate(names):
        udp.up(question(name, 50 + i, kind))
        udp.down(answer(name, 50 + i, value, kind))


def inner_packet(i: int, up: bool, size: int) -> bytes:
    """An IP packet inside a tunnel."""
    src, dst = ("192.0.2.129", "203.0.113.80") if up else ("203.0.113.80", "192.0.2.129")
    ports = (50_000, 443) if up else (443, 50_000)
    head = TCP(sport=ports[0], dport=ports[1], flags="PA", seq=1 + 400 * i, ack=1)
    return bytes(IP(src=src, dst=dst, id=i, flags="DF") / head / Raw(noise(("inner", i, up), size)))


def ptunnel_head(i: int, up: bool, data: bytes) -> bytes:
    """Magic, destination, port, state, acknowledged, length, sequence, session (ptunnel packet format)."""
    state = (1 << 30 if up else 1 << 31) | 2
    target = bytes([203, 0, 113, 80])
    return b"\xd5\x20\x08\x80" + target + struct.pack(">IIIIHH", 22, state, i, len(data), i, 0x3039) + data


@capture(
    "icmp-ptunnel",
    "ptunnel: echo requests and replies with its magic, SSH inside; beside it an ordinary ping",
    "ptunnel: web page, packet format",
    "nDPI icmp-tunnel.pcap",
)
def ptunnel(trace: Trace) -> None:
    innocents(trace)
    ping(trace, PLAIN, "203.0.113.80", lambda _i, _up: bytes(range(8, 56)))
    flow = trace.ip("203.0.113.83", 1, label("icmp_tunnel", "header", "Ping Tunnel"))
    for i in range(12):
        for up in (True, False):
            data = b"SSH-2.0-OpenSSH_9.2\r\n" if i == 0 else noise((flow.tag, i, up), 80 + i * 70)
            flow.echo(up, 0x4D2, i, ptunnel_head(i, up, data))


@capture(
    "icmp-hans",
    "hans: IP packets in echo requests and replies, sizes up to the MTU and different ways round",
    "hans source: echo.h, client.cpp",
)
def hans(trace: Trace) -> None:
    innocents(trace)
    ping(trace, PLAIN, "203.0.113.80", lambda _i, _up: bytes(8) + bytes(range(0x10, 0x38)))
    flow = trace.ip("203.0.113.84", 1, ICMP_TUNNEL)
    flow.echo(True, 7001, 1, b"hanc\2" + bytes(8))
    flow.echo(False, 7001, 1, b"hans\3" + noise("challenge", 20))
    for i in range(12):
        for up in (True, False):
            magic = b"hanc" if up else b"hans"
            flow.echo(up, 7001, 2 + i, magic + b"\7" + inner_packet(i, up, 40 + 30 * i if up else 100 + 90 * i))


def ping(trace: Trace, expected: Any, server: str, data: Callable[[int, bool], bytes]) -> Datagrams:
    """Four echo requests, each answered with what was sent."""
    flow = trace.ip(server, 1, expected)
    for i in range(4):
        flow.echo(True, 0x1F40, i + 1, data(i, True))
        flow.echo(False, 0x1F40, i + 1, data(i, True))
        flow.wait(SECOND)
    look_up(trace, "ping.example.com", server)
    return flow


@capture(
    "icmp-ip",
    "bare IP packets in echo requests and replies, as icmptx sends them",
    "RFC 792; icmptx source",
    "nDPI icmp-tunnel.pcap",
)
def icmp_ip(trace: Trace) -> None:
    innocents(trace)
    flow = trace.ip("203.0.113.85", 1, ICMP_TUNNEL)
    for i in range(10):
        for up in (True, False):
            flow.echo(up, 0xFEFF, 0, inner_packet(i, up, 60 + 40 * i if up else 100 + 110 * i))
