"""IPsec: IKE, ESP and AH, in their own protocols, in UDP and in TCP (RFC 2408, 7296, 4302, 4303, 3948, 8229)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from analyzer.capture.records import Flow, Mark, Rule, Sample
from analyzer.capture.rules._bytes import AH, ESP, TCP, UDP, grows, looks_random, stream

_KEEPALIVE = b"\xff"
_CISCO = b"\xfe\x57\x7e\x2b"


def is_ike(data: bytes, size: int, is_fragment: bool = False) -> int:
    """Major version (1 or 2) if `data`, the start of a message of `size` bytes, is an IKE header; else 0.

    Where only the first IP fragment is at hand, the stated length may exceed `size` (up to 65,535).
    """
    stated = int.from_bytes(data[24:28], "big")
    if len(data) < 28 or not any(data[:8]) or not (stated == size or (is_fragment and size < stated < 65536)):
        return 0
    following, version, exchange, flags = data[16:20]
    if version == 0x10 and (exchange in (1, 2, 3, 4, 5, 6, 32, 33)) and flags < 8:
        return 1 if following <= 21 or following in (130, 132) else 0
    if version == 0x20 and 34 <= exchange <= 45 and not flags & 0xC7:
        return 2 if following == 0 or 33 <= following <= 56 or following == 132 else 0
    return 0


def ike_message(s: Sample, is_fragment: bool = False) -> int:
    """As is_ike for a datagram, with or without the four zero bytes that mark IKE on the port of ESP (RFC 3948)."""
    if s.data[:4] == b"\0\0\0\0":
        return is_ike(s.data[4:], s.size - 4, is_fragment)
    return is_ike(s.data, s.size, is_fragment)


def _ike(flow: Flow) -> str | None:
    in_fragments = Mark.FRAGMENT in flow.marks
    versions = [v for s in flow.samples[:8] if (v := ike_message(s, in_fragments))]
    others = sum(s.size > 1 and s.data[:4] != b"\0\0\0\0" for s in flow.samples[:8]) - len(versions)
    if not versions or (others > len(versions) and not _by_spi_constant(flow) and not _answered(flow)):
        return None
    return f"IKEv{versions[0]} header whose length is the datagram's"


def _answered(flow: Flow) -> bool:
    """IKE messages in both directions with one initiator SPI."""
    spis = [(s.up, s.data[:12].removeprefix(b"\0\0\0\0")[:8]) for s in flow.samples[:8] if ike_message(s)]
    return any((not up, spi) in spis for up, spi in spis)


def _by_spi_constant(flow: Flow) -> bool:
    """What is not IKE keeps to a few SPIs, as ESP does beside it."""
    rest = [s for s in flow.samples if s.size > 28 and s.data[:4] != b"\0\0\0\0"]
    return len({s.data[:4] for s in rest}) <= 6


def _nat_t(flow: Flow) -> str | None:
    """ESP in UDP: SPI per direction, sequence numbers that grow, and its port (4501: GlobalProtect) or keep-alive."""
    known = {4500, 4501} & {flow.sport, flow.dport} or any(s.data == _KEEPALIVE and s.size == 1 for s in flow.samples)
    packets = [s for s in flow.samples if len(s.data) >= 8 and s.size >= 28 and s.data[:4] != b"\0\0\0\0"]
    if not known or len(packets) < 4 or 4 * len(packets) < 3 * len(flow.samples):
        return None
    ways = _by_spi(packets)
    counted = [w for w in ways if len(w) >= 3]
    if len(ways) <= 6 and counted and all(map(_sequence, counted)) and _ciphertext(packets):
        both = len({s.up for s in packets}) == 2
        return "ESP in UDP: constant SPI and growing sequence number" + ("" if both else "; one direction seen")
    return None


def _by_spi(packets: Sequence[Sample]) -> list[list[Sample]]:
    ways: dict[tuple[bool, bytes], list[Sample]] = {}
    for s in packets:
        ways.setdefault((s.up, s.data[:4]), []).append(s)
    return list(ways.values())


def _sequence(way: Sequence[Sample]) -> bool:
    spi = int.from_bytes(way[0].data[:4], "big")
    return spi > 255 and grows([int.from_bytes(s.data[4:8], "big") for s in way], 16)


def _ciphertext(packets: Sequence[Sample]) -> bool:
    bodies = [s.data[8:136] for s in packets[:4] if len(s.data) >= 40]
    return all(map(looks_random, bodies))


def _esp(flow: Flow) -> str | None:
    s = flow.samples[0]
    if len(s.data) < 8 or not any(s.data[:4]) or _local(flow):
        return None
    return "ESP header behind IP"


def _ah(flow: Flow) -> str | None:
    s = flow.samples[0]
    if not _is_ah(s) or _local(flow) or s.data[0] == 89:
        return None
    return "authentication header (AH) behind IP"


def _is_ah(s: Sample) -> bool:
    """Next header, length in 4-byte words less two, reserved zeros, SPI, sequence number, check value."""
    return len(s.data) >= 12 and s.data[2:4] == b"\0\0" and 12 <= 4 * (s.data[1] + 2) <= s.size and any(s.data[4:8])


def _local(flow: Flow) -> bool:
    """To a multicast group, or within the link: what routing protocols do."""
    return is_multicast(flow.dst) or is_multicast(flow.src) or (is_link_local(flow.src) and is_link_local(flow.dst))


def is_multicast(address: bytes) -> bool:
    """224.0.0.0/4 or ff00::/8."""
    return address[0] == 0xFF if len(address) == 16 else 0xE0 <= address[0] < 0xF0


def is_link_local(address: bytes) -> bool:
    """169.254.0.0/16 or fe80::/10."""
    if len(address) == 16:
        return address[0] == 0xFE and address[1] & 0xC0 == 0x80
    return address[:2] == b"\xa9\xfe"


def _routing(flow: Flow) -> str | None:
    """AH or ESP that protects a routing protocol (OSPF and its kind), not a tunnel."""
    s = flow.samples[0]
    if _local(flow) or (flow.proto == AH and _is_ah(s) and s.data[0] == 89):
        return "AH or ESP to a multicast group or within the link, as routing protocols use it"
    return None


def _tcp(flow: Flow) -> str | None:
    """RFC 8229: the stream opens with IKETCP, then length-prefixed messages."""
    for up in (True, False):
        head = stream(flow, up).at(0, 40)
        if head[:6] == b"IKETCP":
            return "IKE and ESP in TCP: stream opens with IKETCP"
        length = int.from_bytes(head[:2], "big")
        if head[2:6] == b"\0\0\0\0" and is_ike(head[6:], length - 6):
            return "IKE in TCP behind a length and the non-ESP marker"
    return None


def _cisco_udp(flow: Flow) -> str | None:
    found = [s for s in flow.samples if s.data[:4] == _CISCO]
    if len(found) >= 2 and 2 * len(found) >= len(flow.samples):
        return "Cisco IPsec over UDP: every packet opens with fe 57 7e 2b"
    return None


_IKE = Rule(
    id="ipsec.ike",
    version=1,
    family="ipsec",
    kind="tunnel",
    confidence="header",
    protos=(UDP,),
    match=_ike,
    reference="RFC 7296 section 3.1, RFC 2408 section 3.1, RFC 3948",
    priority=25,
)

RULES = (
    replace(
        _IKE,
        id="ipsec.routing",
        family="routing_authentication",
        kind="lookalike",
        protos=(ESP, AH),
        match=_routing,
        reference="RFC 4552",
        priority=10,
    ),
    replace(_IKE, id="ipsec.esp", protos=(ESP,), match=_esp, reference="RFC 4303", priority=20),
    replace(_IKE, id="ipsec.ah", protos=(AH,), match=_ah, reference="RFC 4302", priority=20),
    _IKE,
    replace(_IKE, id="ipsec.nat_t", least=4, match=_nat_t, reference="RFC 3948, RFC 4303", priority=40),
    replace(
        _IKE,
        id="ipsec.tcp",
        protos=(TCP,),
        match=_tcp,
        reference="RFC 8229",
        first=(b"IKETCP", b"\0", b"\1"),
        priority=26,
    ),
    replace(
        _IKE,
        id="ipsec.cisco_udp",
        match=_cisco_udp,
        first=(_CISCO,),
        priority=27,
        reference="nDPI, src/lib/protocols/ciscovpn.c (marker only), https://github.com/ntop/nDPI",
    ),
)
