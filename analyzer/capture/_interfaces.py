"""Interfaces of a pcapng section, and times in their units as nanoseconds.

draft-ietf-opsawg-pcapng sections 4.2 (Interface Description Block) and 3.5 (options).
"""

from __future__ import annotations

from struct import Struct, error, unpack_from
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from analyzer.capture._window import END_OF_TIME, NS

if TYPE_CHECKING:
    import numpy.typing as npt

    from analyzer.capture.records import Ints, Words

IF_TSRESOL, IF_TSOFFSET = 9, 14


class Interface(NamedTuple):
    """What one Interface Description Block says."""

    linktype: int
    snaplen: int  # 0 = no limit
    ticks: int  # in a second
    offset: int  # seconds to be added


class Interfaces(NamedTuple):
    """The interfaces of a section as columns."""

    linktype: Ints
    snaplen: Ints
    factor: Words  # nanoseconds in a tick, 0 where that is no whole number or an offset is to be added
    all: tuple[Interface, ...]


def interface(data: bytes, order: str) -> Interface:
    """`data` is a whole Interface Description Block; options that run over its end are not read."""
    linktype, _, snaplen = unpack_from(f"{order}HHI", data, 8)
    options = _options(data[16:-4], order)
    (resolution,) = options.get(IF_TSRESOL, b"\x06")[:1] or b"\x06"
    ticks = 1 << (resolution & 0x7F) if resolution & 0x80 else 10**resolution
    try:
        (offset,) = unpack_from(f"{order}q", options.get(IF_TSOFFSET, bytes(8)))
    except error:
        offset = 0
    return Interface(linktype, snaplen, ticks, offset)


def _options(data: bytes, order: str) -> dict[int, bytes]:
    head, at, found = Struct(f"{order}HH"), 0, dict[int, bytes]()
    while at + 4 <= len(data):
        code, size = head.unpack_from(data, at)
        if not code or at + 4 + size > len(data):
            break
        found.setdefault(code, data[at + 4 : at + 4 + size])
        at += 4 + (size + 3 & ~3)
    return found


def columns(interfaces: list[Interface]) -> Interfaces:
    """Interfaces by id, as columns."""
    factors = [0 if i.offset or NS % i.ticks else NS // i.ticks for i in interfaces]
    linktypes, snaplens = ([i[field] for i in interfaces] for field in (0, 1))
    return Interfaces(
        np.array(linktypes, np.int64), np.array(snaplens, np.int64), np.array(factors, np.uint64), tuple(interfaces)
    )


def nanoseconds(ticks: Words, ids: Ints, interfaces: Interfaces) -> tuple[Ints, npt.NDArray[np.bool_]]:
    """Times of packets, and which of them were beyond 64 bits of nanoseconds (292 years from 1970) and are clamped."""
    factor = interfaces.factor[ids]
    beyond = ticks > np.uint64(END_OF_TIME) // np.maximum(factor, np.uint64(1))
    t = np.where(beyond, END_OF_TIME, (ticks * factor).view(np.int64))
    odd = np.flatnonzero(factor == 0)
    for i in odd.tolist():
        t[i], beyond[i] = _exactly(int(ticks[i]), interfaces.all[ids[i]])
    return t, beyond


def _exactly(ticks: int, of: Interface) -> tuple[int, bool]:
    t = of.offset * NS + ticks * NS // of.ticks
    clamped = min(max(t, -END_OF_TIME), END_OF_TIME)
    return clamped, clamped != t
