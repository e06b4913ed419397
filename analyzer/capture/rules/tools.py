"""Tools with a header of their own: SoftEther's NAT traversal, UltraSurf, pre-standard DTLS of AnyConnect."""

from __future__ import annotations

import re
from dataclasses import replace

from analyzer.capture.records import Flow, Rule, Sample
from analyzer.capture.rules._bytes import TCP, UDP

_ULTRASURF = bytes.fromhex("cc1c30415ba43866")
_ADDRESS = re.compile(rb"IP=[0-9A-Fa-f.:]{3,45},PORT=\d{1,5}")
_KEYS = (b"opcode", b"tran_id", b"nat_traversal_version", b"machine_key", b"session_key", b"get_token", b"cookie")


def _softether(flow: Flow) -> str | None:
    """Packs of named values in UDP, or the answer that tells a client its own address and port."""
    if any(_is_pack(s) for s in flow.samples[:8]):
        return "SoftEther NAT traversal: a pack of named values"
    asked = [s for s in flow.samples if s.size == 1 and s.data == b"A"]
    told = [s for s in flow.samples if _ADDRESS.fullmatch(s.data)]
    if asked and told and any(t.up is not a.up for t in told for a in asked[:1]):
        return "SoftEther NAT traversal: 'A' answered with IP=..,PORT=.."
    return None


def _is_pack(s: Sample) -> bool:
    """Count of elements, then for each: name length plus one, name, type 0 to 4, count of values, value."""
    d = s.data
    count, length = int.from_bytes(d[:4], "big"), int.from_bytes(d[4:8], "big")
    if len(d) < 24 or not 1 <= count <= 64 or not 2 <= length <= 64:
        return False
    name = d[8 : 7 + length]
    kind, values = (
        int.from_bytes(d[7 + length : 11 + length], "big"),
        int.from_bytes(d[11 + length : 15 + length], "big"),
    )
    well = name.isascii() and name.replace(b"_", b"").isalnum() and kind <= 4 and 1 <= values <= 16
    return well and (name in _KEYS or sum(key in d for key in _KEYS) >= 2)


def _ultrasurf(flow: Flow) -> str | None:
    if any(s.data.startswith(_ULTRASURF) for s in flow.samples[:2]):
        return "UltraSurf opening bytes"
    return None


def _old_dtls(flow: Flow) -> str | None:
    """DTLS with version 1.0 as 0x0100, which OpenSSL kept for AnyConnect alone: hellos from both ends."""
    hellos = [s for s in flow.samples[:8] if _is_old_hello(s)]
    asked, answered = ([s for s in hellos if s.data[13] in kinds] for kinds in ((1,), (2, 3)))
    if asked and any(s.up is not asked[0].up for s in answered):
        return "DTLS under the pre-standard version 0x0100 of AnyConnect"
    return None


def _is_old_hello(s: Sample) -> bool:
    d = s.data
    return d[:5] == b"\x16\x01\x00\x00\x00" and len(d) >= 25 and int.from_bytes(d[11:13], "big") + 13 <= s.size


_SOFTETHER = Rule(
    id="softether.nat_traversal",
    version=1,
    family="softether",
    kind="tunnel",
    confidence="header",
    protos=(UDP,),
    match=_softether,
    reference="SoftEther VPN source, Mayaqua/Network.c and Cedar/Pack, https://github.com/SoftEtherVPN/SoftEtherVPN",
    provider="SoftEther",
    first=(b"A", b"IP=", b"\0\0\0"),
    priority=18,
)

RULES = (
    _SOFTETHER,
    replace(
        _SOFTETHER,
        id="ultrasurf.opening",
        family="ultrasurf",
        kind="proxy",
        protos=(TCP,),
        match=_ultrasurf,
        reference="nDPI, src/lib/protocols/ultrasurf.c (the eight bytes), https://github.com/ntop/nDPI",
        provider="Ultrasurf",
        first=(_ULTRASURF,),
    ),
    replace(
        _SOFTETHER,
        id="anyconnect.old_dtls",
        family="anyconnect",
        confidence="statistical",
        match=_old_dtls,
        reference="OpenConnect, DTLS compatibility, https://www.infradead.org/openconnect/anyconnect.html",
        provider="",
        first=(b"\x16\x01\x00",),
    ),
)
