"""Private networks between peers: Tailscale, tinc, ZeroTier, Hamachi."""

from __future__ import annotations

import re
from dataclasses import replace

from analyzer.capture.records import Flow, Rule, Sample
from analyzer.capture.rules._bytes import TCP, UDP, grows, stream

_DISCO = b"TS\xf0\x9f\x92\xac"
_HAMACHI = b"\x7b\x7a\x0d\xad"
_HAMACHI_SOURCE = "nDPI, src/lib/protocols/hamachi.c (sizes, constants and offsets), https://github.com/ntop/nDPI"
_HAMACHI_PORTS = {17771, 32976}
_META = re.compile(rb"0 [A-Za-z0-9_^.\-]{1,64} 17(?:\.\d{1,3})?\n")
_KEYS = re.compile(rb"1 \d{1,4} \d{1,4} \d{1,3} \d{1,3} [0-9A-Fa-f]{64,2048}\n")


def _tailscale(flow: Flow) -> str | None:
    """Magic, sender's 32-byte key, 24-byte nonce, sealed box with a 16-byte tag."""
    if any(s.data[:6] == _DISCO and s.size >= 6 + 32 + 24 + 16 for s in flow.samples[:16]):
        return "Tailscale path discovery (disco) message with its magic"
    return None


def _tinc(flow: Flow) -> str | None:
    """ID lines from both ends, or an ID line with the key line behind it (META protocol 17)."""
    ours, theirs = (stream(flow, up).at(0, 2048) for up in (True, False))
    named = [d for d in (ours, theirs) if _META.match(d)]
    keys = any(_KEYS.match(d, m.end()) for d in named if (m := _META.match(d)))
    if len(named) == 2 or keys:
        return "tinc meta connection: lines with name and protocol version 17"
    return None


def _zerotier(flow: Flow) -> str | None:
    """Packets name sender and receiver by 5-byte addresses; HELLO states protocol version and the sender again."""
    for s in flow.samples[:8]:
        d = s.data
        if len(d) >= 58 and d[18] & 0xC0 == 0 and d[27] & 0x1F == 1 and _zerotier_hello(d):
            return "ZeroTier HELLO: the sender's address stands in the header and in the identity"
    return None


def _zerotier_hello(d: bytes) -> bool:
    """Verb at 27 behind id (8), receiver (5), sender (5), flags, MAC (8); version, time, identity follow."""
    return 4 <= d[28] <= 20 and d[41:46] == d[13:18] and any(d[13:18]) and d[13:18] != d[8:13] and d[46] == 0


def _hamachi_tcp(flow: Flow) -> str | None:
    """A 4-byte length that is the segment's, and a constant of the protocol at offset 12."""
    for s in flow.samples[:4]:
        if s.size > 300 and s.data[12:16] == _HAMACHI and int.from_bytes(s.data[:4], "big") == s.size - 4:
            return "Hamachi message: length and the constant behind it"
    return None


def _hamachi_udp(flow: Flow) -> str | None:
    """Openings of 76 bytes that begin with zeros, then a constant, a counter and two constant bytes per direction."""
    opened = [s for s in flow.samples[:4] if s.size == 76 and s.data[:8] == b"\0" * 8]
    rest = [s for s in flow.samples if s not in opened and len(s.data) >= 10]
    ways = [[s for s in rest if s.up is up] for up in (True, False)]
    if len(rest) + len(opened) < len(flow.samples) or any(len(w) < (2 if opened else 6) for w in ways):
        return None
    named = [{s.data[:4] + s.data[8:10] for s in w} for w in ways]
    steady = all(len(n) == 1 for n in named) and not named[0] & named[1]
    if steady and all(_hamachi_counter(w) for w in ways) and (opened or _HAMACHI_PORTS & {flow.sport, flow.dport}):
        return "Hamachi tunnel: constant session bytes and a counter per direction"
    return None


def _hamachi_counter(way: list[Sample]) -> bool:
    values = [int.from_bytes(s.data[4:8], "big") for s in way]
    return grows(values, 8) and 0 < max(values) < 65536 and all(s.size >= 46 for s in way) and any(way[0].data[:4])


def _nebula(flow: Flow) -> str | None:
    """Nebula: version 1, type, subtype, zero reserved bytes, remote index, 8-byte counter; handshake, then data."""
    packets = [s for s in flow.samples if len(s.data) >= 16 and s.data[0] == 0x10 | (s.data[0] & 0x0F)]
    opened = [
        s for s in packets if s.data[:4] == b"\x10\x00\x00\x00" and s.data[8:15] == b"\0" * 7 and 0 < s.data[15] < 3
    ]
    if not opened or {s.up for s in opened} != {True, False} or 2 * len(packets) < len(flow.samples):
        return None
    asked = [s for s in opened if s.data[4:8] == b"\0\0\0\0" and s.data[15] == 1]
    answered = [s for s in opened if s.data[4:8] != b"\0\0\0\0" and s.data[15] == 2]
    if asked and any(a.up is not s.up for a in asked for s in answered) and _messages(packets):
        return "Nebula handshake: version 1, counters 1 and 2, index from the first message in the second"
    return None


def _messages(packets: list[Sample]) -> bool:
    """Data of each direction keeps to one index and counts up."""
    ways = [[s for s in packets if s.up is up and s.data[0:2] == b"\x11\x00"] for up in (True, False)]
    return all(len({s.data[4:8] for s in w}) <= 1 for w in ways) and all(
        len(w) < 2 or grows([int.from_bytes(s.data[8:16], "big") for s in w]) for w in ways
    )


_TAILSCALE = Rule(
    id="tailscale.disco",
    version=1,
    family="tailscale",
    kind="tunnel",
    confidence="header",
    protos=(UDP,),
    match=_tailscale,
    reference="Tailscale disco package, https://pkg.go.dev/tailscale.com/disco",
    provider="Tailscale",
    first=(_DISCO,),
    priority=12,
)

RULES = (
    _TAILSCALE,
    replace(
        _TAILSCALE,
        id="tinc.meta",
        family="tinc",
        protos=(TCP,),
        match=_tinc,
        provider="",
        first=(b"0 ",),
        reference="tinc manual, Meta-protocol, https://www.tinc-vpn.org/documentation/Meta_002dprotocol.html",
    ),
    replace(
        _TAILSCALE,
        id="hamachi.tcp",
        family="hamachi",
        protos=(TCP,),
        match=_hamachi_tcp,
        provider="LogMeIn Hamachi",
        first=(b"\0",),
        reference=_HAMACHI_SOURCE,
        priority=57,
    ),
    replace(
        _TAILSCALE,
        id="hamachi.udp",
        least=5,
        family="hamachi",
        match=_hamachi_udp,
        provider="LogMeIn Hamachi",
        first=(),
        reference=_HAMACHI_SOURCE,
        priority=58,
    ),
    replace(
        _TAILSCALE,
        id="zerotier.hello",
        family="zerotier",
        match=_zerotier,
        provider="ZeroTier",
        first=(),
        reference="ZeroTier node/Packet.hpp, https://github.com/zerotier/ZeroTierOne",
        priority=55,
    ),
    replace(
        _TAILSCALE,
        id="nebula.handshake",
        family="nebula",
        match=_nebula,
        provider="",
        first=(b"\x10\x00\x00\x00",),
        reference="Nebula header package, https://github.com/slackhq/nebula",
        priority=56,
    ),
)
