"""Tunnels of PPP: PPTP with its GRE channel, L2TP in UDP and in IP (RFC 2637, 2661, 3931)."""

from __future__ import annotations

from dataclasses import replace

from analyzer.capture.records import Flow, Rule
from analyzer.capture.rules._bytes import GRE, L2TP, TCP, UDP

_COOKIE = b"\x1a\x2b\x3c\x4d"


def _pptp(flow: Flow) -> str | None:
    """Control message: length, type 1, magic cookie, control type 1 to 15."""
    for s in flow.samples[:8]:
        d = s.data
        if d[2:8] == b"\x00\x01" + _COOKIE and 1 <= int.from_bytes(d[8:10], "big") <= 15:
            return "PPTP control message with its magic cookie"
    return None


def _gre(flow: Flow) -> str | None:
    """GRE version 1 with payload type PPP and the key present, as RFC 2637 has it."""
    s = flow.samples[0]
    if len(s.data) >= 8 and s.data[1] & 0x07 == 1 and s.data[2:4] == b"\x88\x0b" and s.data[0] & 0x20:
        return "PPP in GRE version 1: the data channel of PPTP"
    return None


def _l2tp(flow: Flow) -> str | None:
    return next((r for s in flow.samples[:8] if (r := _control(s.data, s.size))), None)


def _control(d: bytes, size: int) -> str | None:
    """Control message of version 2 or 3: flags T, L and S, the datagram's length, message type as first AVP."""
    if len(d) < 20 or d[0] & 0xFC != 0xC8 or d[0] & 0x03 or d[1] not in (2, 3):
        return None
    length, kind = int.from_bytes(d[2:4], "big"), int.from_bytes(d[18:20], "big")
    avp = int.from_bytes(d[12:14], "big")
    if length == size and avp & 0x3C00 == 0 and avp & 0x3FF == 8 and d[14:18] == b"\0\0\0\0" and 1 <= kind <= 29:
        return f"L2TP version {d[1]} control message of type {kind}"
    return None


def _l2tp_ip(flow: Flow) -> str | None:
    """L2TPv3 right behind IP: four zero bytes (session 0) in front of a control message."""
    for s in flow.samples[:8]:
        if s.data[:4] == b"\0\0\0\0" and (found := _control(s.data[4:], s.size - 4)):
            return found
    return None


_PPTP = Rule(
    id="pptp.control",
    version=1,
    family="pptp",
    kind="tunnel",
    confidence="header",
    protos=(TCP,),
    match=_pptp,
    reference="RFC 2637 section 2",
    priority=15,
)

RULES = (
    _PPTP,
    replace(_PPTP, id="pptp.gre", protos=(GRE,), match=_gre, reference="RFC 2637 section 4.1"),
    replace(
        _PPTP,
        id="l2tp.control",
        family="l2tp",
        protos=(UDP,),
        match=_l2tp,
        reference="RFC 2661 section 3.1",
        first=(b"\xc8",),
    ),
    replace(_PPTP, id="l2tp.ip", family="l2tp", protos=(L2TP,), match=_l2tp_ip, reference="RFC 3931 section 4.1.1"),
)
