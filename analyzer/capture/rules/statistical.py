"""Suspicion, never proof: fully encrypted first payloads, and a TLS handshake seen through TLS by its sizes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby
from typing import NamedTuple

from analyzer.capture.records import Flow, Mark, Rule, Sample
from analyzer.capture.rules._bytes import TCP, bits_per_byte, heads, looks_random, printable

_PRINTABLE_RUN = re.compile(rb"[\x20-\x7e]{21,}")
_HEADER = re.compile(rb"(?:[\x16\x17]\x03[\x00-\x09])|(?:GET|PUT|POST|HEAD) ")


def is_fully_encrypted(data: bytes) -> bool:
    """The rule of Wu et al. 2023 (section 4): True if none of their five exemptions holds for a first payload."""
    if not data or not 3.4 < bits_per_byte(data) < 4.6:
        return False
    if (len(data) >= 6 and printable(data[:6])) or _PRINTABLE_RUN.search(data) or _HEADER.match(data):
        return False
    return 2 * sum(0x20 <= b <= 0x7E for b in data) <= len(data)


def _fully_encrypted(flow: Flow) -> str | None:
    """The client speaks first; its first payload, and the first answer, pass no exemption and show no length."""
    if Mark.MID_STREAM in flow.marks or Mark.LOST in flow.marks or not flow.samples[0].up:
        return None
    first = flow.samples[0]
    answer = next((s for s in flow.samples if not s.up), None)
    if len(first.data) < 48 or answer is None or len(answer.data) < 32:
        return None
    early = [s.data for s in flow.samples[:6] if len(s.data) >= 32]
    if not all(looks_random(d[:1024]) and is_fully_encrypted(d) for d in early) or _has_lengths(flow.samples):
        return None
    return (
        "first payloads of both sides are fully random: as Shadowsocks, VMess, obfs4 and other protocols without header"
    )


def _has_lengths(samples: Sequence[Sample]) -> bool:
    """A constant start or a length field: a protocol with a header of its own."""
    shown = [s for s in samples[:8] if len(s.data) >= 8]
    for width in (2, 4):
        for order in ("big", "little"):
            for offset in (0, 2, 4):
                if sum(_near(s, offset, width, order) for s in shown) >= 2:
                    return True
    return any(len({s.data[i : i + 2] for s in shown}) <= len(shown) // 2 for i in range(0, 8, 2)) and len(shown) >= 3


def _near(s: Sample, offset: int, width: int, order: str) -> bool:
    """A field that holds the payload's size, or that of what follows the field."""
    stated = int.from_bytes(s.data[offset : offset + width], "big" if order == "big" else "little")
    return s.size - 16 <= stated <= s.size


class _Burst(NamedTuple):
    up: bool
    size: int  # bytes of application data records
    first: int  # bytes of the first of them


def _bursts(flow: Flow) -> list[_Burst]:
    """Runs of packets of one direction behind the outer handshake."""
    after = _behind_handshake(heads(flow.samples))
    runs = [(up, list(run)) for up, run in groupby(after, key=lambda s: s.up)]
    return [_Burst(up, sum(s.size for s in run), _record(run[0])) for up, run in runs]


def _record(s: Sample) -> int:
    """Length of the record that a segment begins with, header included."""
    is_record = s.data[:2] == b"\x17\x03" and len(s.data) >= 5
    return int.from_bytes(s.data[3:5], "big") + 5 if is_record else s.size


def _behind_handshake(samples: Sequence[Sample]) -> list[Sample]:
    """What follows the client's last handshake segment (ChangeCipherSpec and Finished)."""
    for i, s in enumerate(samples):
        if s.up and (s.data[:3] == b"\x14\x03\x03" or b"\x14\x03\x03\x00\x01\x01" in s.data[:512]):
            rest = list(samples[i + 1 :])
            while rest and not rest[0].up and rest[0].size < 700:
                rest = rest[1:]  # session tickets, and the server's own Finished
            return rest
    return []


def _tls_in_tls(flow: Flow) -> str | None:
    """Behind the outer handshake: a ClientHello's size up, a server's flight down, a Finished up, and on.

    Sizes of TLS 1.3 and 1.2 handshakes with up to 200 bytes of proxy header and record overhead; an exchange in front
    (WebSocket upgrade) is passed over.
    """
    if flow.hello is None or flow.hello.transport != "tls":
        return None
    bursts = _bursts(flow)
    for skip in (0, 2):
        if _is_inner_handshake(bursts[skip : skip + 4]):
            return "sizes behind the TLS handshake are those of a second TLS handshake inside"
    return None


def _is_inner_handshake(bursts: Sequence[_Burst]) -> bool:
    if len(bursts) < 4 or not bursts[0].up:
        return False
    hello, flight, finished = bursts[0], bursts[1], bursts[2]
    one_record = hello.first >= hello.size - 40
    sized = 230 <= hello.size <= 950 or 1650 <= hello.size <= 2300
    return sized and one_record and 1100 <= flight.size <= 14000 and 80 <= finished.first <= 170


_ENCRYPTED = Rule(
    id="statistical.fully_encrypted",
    version=1,
    family="fully_encrypted",
    kind="proxy",
    confidence="statistical",
    protos=(TCP,),
    match=_fully_encrypted,
    reference="Wu et al., How the GFW Detects and Blocks Fully Encrypted Traffic, USENIX Security 2023, section 4",
    priority=90,
)

RULES = (
    _ENCRYPTED,
    replace(
        _ENCRYPTED,
        id="statistical.tls_in_tls",
        family="tls_in_tls",
        match=_tls_in_tls,
        reference="Xue et al., Obfuscated Proxy Traffic with Encapsulated TLS Handshakes, USENIX Security 2024",
        first=(b"\x16\x03",),
        priority=91,
    ),
)
