"""Encapsulation that is no circumvention by itself: Teredo, AYIYA, 6in4, IP in IP, GRE."""

from __future__ import annotations

from dataclasses import replace

from analyzer.capture.records import Flow, Rule
from analyzer.capture.rules._bytes import GRE, UDP

_TEREDO = b"\x20\x01\x00\x00"  # 2001::/32
_ORIGIN, _AUTHENTICATION = b"\0\0", b"\0\x01"


def _teredo(flow: Flow) -> str | None:
    """IPv6 in UDP, behind optional authentication and origin headers, with a Teredo address or a router's answer."""
    for s in flow.samples[:8]:
        packet = _behind_headers(s.data)
        if _is_ipv6(packet, s.size - (len(s.data) - len(packet))) and _has_teredo_end(packet):
            return "IPv6 in UDP with Teredo addresses"
    return None


def _behind_headers(data: bytes) -> bytes:
    if data[:2] == _AUTHENTICATION and len(data) > 13:
        data = data[13 + data[2] + data[3] :]
    return data[8:] if data[:2] == _ORIGIN else data


def _is_ipv6(packet: bytes, size: int) -> bool:
    return len(packet) >= 40 and packet[0] >> 4 == 6 and int.from_bytes(packet[4:6], "big") + 40 == size


def _has_teredo_end(packet: bytes) -> bool:
    ends = packet[8:24], packet[24:40]
    local = ends[0][:2] == b"\xfe\x80" and (ends[1][:2] in (b"\xff\x02", b"\xfe\x80")) and packet[6] == 58
    return any(end[:4] == _TEREDO for end in ends) or local


def _ayiya(flow: Flow) -> str | None:
    """Identity of 16 bytes as an integer, SHA-1 signature, shared-secret authentication, IPv6 behind 44 bytes."""
    for s in flow.samples[:8]:
        d = s.data
        if (
            d[:2] == b"\x41\x52"
            and d[2:3] in (b"\x11", b"\x21")
            and d[3:4] == b"\x29"
            and _is_ipv6(d[44:], s.size - 44)
        ):
            return "IPv6 in AYIYA"
    return None


def _in_ip(flow: Flow) -> str | None:
    d = flow.samples[0].data
    version = d[0] >> 4
    if flow.proto == 41 and version == 6 and len(d) >= 40:
        return "IPv6 packets behind an IP header"
    if flow.proto == 4 and version == 4 and len(d) >= 20 and d[0] & 0x0F >= 5:
        return "IPv4 packets behind an IP header"
    return None


def _gre(flow: Flow) -> str | None:
    """GRE version 0 with a payload type that is IP, Ethernet or MPLS."""
    d = flow.samples[0].data
    if len(d) >= 4 and d[1] & 0x07 == 0 and not d[0] & 0x40 and d[2:4] in _PAYLOADS:
        return "GRE version 0"
    return None


_PAYLOADS = (b"\x08\x00", b"\x86\xdd", b"\x65\x58", b"\x88\x47", b"\x88\xbe", b"\x22\xeb", b"\x88\x3e")

_TUNNEL = Rule(
    id="teredo.ipv6",
    version=1,
    family="teredo",
    kind="encapsulation",
    confidence="header",
    protos=(UDP,),
    match=_teredo,
    reference="RFC 4380 section 5.1",
    priority=50,
)

RULES = (
    _TUNNEL,
    replace(
        _TUNNEL,
        id="ayiya.ipv6",
        family="ayiya",
        match=_ayiya,
        reference="draft-massar-v6ops-ayiya-02 section 3",
        first=(b"\x41\x52",),
    ),
    replace(_TUNNEL, id="6in4.ipv6", family="6in4", protos=(41,), match=_in_ip, reference="RFC 4213 section 3"),
    replace(_TUNNEL, id="ipip.ipv4", family="ipip", protos=(4,), match=_in_ip, reference="RFC 2003 section 3"),
    replace(_TUNNEL, id="gre.plain", family="gre", protos=(GRE,), match=_gre, reference="RFC 2784 section 2"),
)
