"""STUN (RFC 5389, 8489) and its forerunner without the magic cookie (RFC 3489)."""

from __future__ import annotations

from collections.abc import Iterator
from struct import Struct

from analyzer.capture.dissect import fields

COOKIE = bytes.fromhex("2112a442")
SOFTWARE = 0x8022
CLASSIC_TYPES = frozenset({0x0001, 0x0101, 0x0111, 0x0002, 0x0102, 0x0112})
CLASSIC_ATTRIBUTES = frozenset({*range(1, 12), 0x8020, 0x8022, 0x8023, 0x8027, 0x8028, 0x802B, 0x802C})
CHANGE_REQUEST = 3

_u16_pair = Struct(">HH").unpack_from


def is_stun(data: bytes) -> bool:
    """Whether a datagram is a STUN message; one without the cookie has to fit its length and hold known attributes."""
    if len(data) < 20 or data[0] & 0xC0:
        return False
    kind, length = _u16_pair(data)
    if length & 3:
        return False
    return data[4:8] == COOKIE or (kind in CLASSIC_TYPES and len(data) == 20 + length and _is_classic(data))


def message_type(data: bytes) -> int | None:
    """Type of a STUN message, such as 0x0001 binding request and 0x0101 its success; None: not STUN."""
    return int(_u16_pair(data)[0]) if is_stun(data) else None


def software(data: bytes) -> str:
    """The SOFTWARE attribute; '' = none."""
    if not is_stun(data):
        return ""
    for kind, at, length in attributes(data):
        if kind == SOFTWARE:
            return fields.text(data[at : at + length].rstrip(b"\0"))
    return ""


def attributes(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Type, first byte and length of the attributes that are there in full."""
    end = min(len(data), 20 + _u16_pair(data, 0)[1]) if len(data) >= 20 else 0
    pos = 20
    while pos + 4 <= end:
        kind, length = _u16_pair(data, pos)
        if pos + 4 + length > end:
            return
        yield kind, pos + 4, length
        pos += 4 + (length + 3 & ~3)


def _is_classic(data: bytes) -> bool:
    found = list(attributes(data))
    if not found:
        return len(data) == 20 and data[1] == 1 and data[0] == 0 and any(data[4:])
    _, at, length = found[-1]
    return at + length == len(data) and all(kind in CLASSIC_ATTRIBUTES for kind, *_ in found)
