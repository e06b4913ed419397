"""Tunnels inside DNS and ICMP: iodine, dnscat2, dns2tcp, and IP packets in echo payloads."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from analyzer.capture.dissect import dns
from analyzer.capture.dissect.dns import Question
from analyzer.capture.records import Flow, Rule, Sample
from analyzer.capture.rules._bytes import ICMP, ICMP6, TCP, UDP, side

_NULL, _PRIVATE = 10, 65399
_DNS2TCP = re.compile(r"(?:^|\.)[A-Za-z0-9+/\-_]*=?(?:=auth|=connect|=resource)\.", re.I)
_HEX = re.compile(r"[0-9a-f]{18,}")


def _questions(flow: Flow) -> list[Question]:
    """Questions and answers among the early samples, if the flow begins with one."""
    skip = 2 if flow.proto == TCP else 0
    if dns.question(flow.samples[0].data[skip:]) is None:
        return []
    return [q for s in flow.samples[:24] if (q := dns.question(s.data[skip:])) and q.qclass == 1]


def _iodine(flow: Flow) -> str | None:
    """Version query of iodine (base32 of 0x00000502), or data of its NULL and PRIVATE record types both ways."""
    asked = _questions(flow)
    if any(q.name.lower().startswith("vaaaaka") and not q.is_response for q in asked):
        return "iodine version query"
    rare = [q for q in asked if q.qtype in (_NULL, _PRIVATE)]
    answered = any(q.is_response and q.counts[1] and q.rcode == 0 for q in rare)
    if answered and len({q.name for q in rare}) >= 4 and 2 * len(rare) >= len(asked):
        return "DNS queries of the NULL or PRIVATE type, answered, each for another name"
    return None


def _dnscat(flow: Flow) -> str | None:
    """dnscat2 packets in hexadecimal labels: random packet id, type, one session id throughout."""
    packets = [p for q in _questions(flow) if not q.is_response and (p := _dnscat_packet(q.name))]
    sessions = {p[3:5] for p in packets}
    if len(packets) >= 4 and len(sessions) == 1 and len({p[:2] for p in packets}) >= 3:
        return "dnscat2 packets with one session id in hexadecimal names"
    return None


def _dnscat_packet(name: str) -> bytes:
    """Bytes of the hexadecimal labels that a name begins with (behind an optional tag), if they make a packet."""
    labels = name.lower().removeprefix("dnscat.").split(".")
    text = ""
    for label in labels:
        if not re.fullmatch(r"[0-9a-f]+", label):
            break
        text += label
    if not _HEX.fullmatch(text) or len(text) % 2:
        return b""
    packet = bytes.fromhex(text)
    return packet if packet[2] in (0, 1, 2, 3, 255) else b""


def _dns2tcp(flow: Flow) -> str | None:
    if sum(bool(_DNS2TCP.search(q.name)) for q in _questions(flow) if not q.is_response) >= 1:
        return "dns2tcp request (=auth, =connect or =resource) in a name"
    return None


def _many_names(flow: Flow) -> str | None:
    """Many long names that never repeat under one parent: more than look-ups need."""
    names = [q.name.lower() for q in _questions(flow) if not q.is_response]
    unlike = set(names)
    if len(unlike) < 6:
        return None
    parents = [".".join(n.split(".")[-2:]) for n in unlike]
    below = [len(n) - len(p) for n, p in zip(unlike, parents, strict=True)]
    if len(set(parents)) == 1 and sum(below) / len(below) >= 50 and len(unlike) >= 0.8 * len(names):
        return "DNS names long, many and never the same under one domain"
    return None


def _icmp(flow: Flow) -> str | None:
    """Whole IP packets as echo payloads, both ways, between other addresses than the carrier's."""
    ways = [_carried(side(flow, up)) for up in (True, False)]
    if sum(map(len, ways)) < 4 or 4 * sum(map(len, ways)) < 3 * len(flow.samples):
        return None
    inside = {a for w in ways for d in w for a in _addresses(d)}
    if not inside & {flow.src, flow.dst} and (all(ways) or len(ways[0] or ways[1]) >= 8) and len(inside) <= 32:
        return "IP packets as payload of ICMP"
    return None


def _addresses(packet: bytes) -> tuple[bytes, bytes]:
    """Source and destination of an IP packet; errors quote packets of the host that receives them."""
    return (packet[8:24], packet[24:40]) if packet[0] >> 4 == 6 else (packet[12:16], packet[16:20])


def _carried(samples: Sequence[Sample]) -> list[bytes]:
    """Payloads that are IP packets whose own length is the payload's."""
    return [s.data for s in samples if _is_ip(s)]


def _is_ip(s: Sample) -> bool:
    d = s.data
    if len(d) < 20:
        return False
    if d[0] == 0x45:
        return int.from_bytes(d[2:4], "big") == s.size and d[9] in (1, 6, 17, 47, 50)
    return d[0] >> 4 == 6 and len(d) >= 40 and int.from_bytes(d[4:6], "big") + 40 == s.size and d[6] in (6, 17, 58, 0)


def _ptunnel(flow: Flow) -> str | None:
    """Ping Tunnel: magic, address and port, state, acknowledged and own number, length (28 bytes)."""
    found = [s for s in flow.samples[:16] if s.data[:4] in _PTUNNEL and s.size >= 28]
    return "Ping Tunnel packets with their magic" if len(found) >= 2 else None


def _hans(flow: Flow) -> str | None:
    """hans: "hanc" from the client, "hans" from the server, then a type from 1 to 9."""
    found = [s for s in flow.samples[:16] if s.data[:4] in _HANS and 1 <= int.from_bytes(s.data[4:5], "big") <= 9]
    return (
        "hans messages with their magic" if len(found) >= 2 and 2 * len(found) >= min(len(flow.samples), 16) else None
    )


_HANS = (b"hanc", b"hans")
_PTUNNEL = (b"\xd5\x20\x08\x80", b"\xdd\xc0\xde\xda")

_IODINE = Rule(
    id="dns_tunnel.iodine",
    version=1,
    family="dns_tunnel",
    kind="covert",
    confidence="header",
    protos=(UDP, TCP),
    match=_iodine,
    reference="iodine, doc/proto_00000502.txt, https://github.com/yarrick/iodine",
    provider="iodine",
    priority=29,
)

RULES = (
    _IODINE,
    replace(
        _IODINE,
        id="dns_tunnel.dnscat2",
        least=4,
        match=_dnscat,
        reference="dnscat2, doc/protocol.md, https://github.com/iagox86/dnscat2",
        provider="dnscat2",
    ),
    replace(
        _IODINE,
        id="dns_tunnel.dns2tcp",
        match=_dns2tcp,
        reference="dns2tcp, https://github.com/alex-sector/dns2tcp",
        provider="dns2tcp",
    ),
    replace(
        _IODINE,
        id="dns_tunnel.names",
        least=6,
        confidence="statistical",
        match=_many_names,
        reference="Farnham and Atlasis 2013, Detecting DNS Tunneling, SANS Institute, section 4",
        provider="",
        priority=68,
    ),
    replace(
        _IODINE,
        id="icmp_tunnel.ip",
        family="icmp_tunnel",
        protos=(ICMP, ICMP6),
        match=_icmp,
        reference="icmptx and hans, https://code.gerade.org/hans/; RFC 791 section 3.1, RFC 8200 section 3",
        provider="",
    ),
    replace(
        _IODINE,
        id="icmp_tunnel.ptunnel",
        family="icmp_tunnel",
        protos=(ICMP, ICMP6),
        match=_ptunnel,
        reference="Ping Tunnel, https://www.cs.uit.no/~daniels/PingTunnel/ and ptunnel-ng",
        provider="Ping Tunnel",
        first=_PTUNNEL,
    ),
    replace(
        _IODINE,
        id="icmp_tunnel.hans",
        family="icmp_tunnel",
        protos=(ICMP, ICMP6),
        match=_hans,
        reference="hans, src/client.cpp, server.cpp and worker.h, https://code.gerade.org/hans/",
        provider="",
        first=_HANS,
    ),
)
