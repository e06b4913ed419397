"""IP headers of many packets at once: fixed headers in one gather, options, extension headers and fragments apart.

Sources: RFC 791 (IPv4), 8200 (IPv6), 2675 (jumbograms), 4302 (AH), 5533 (shim6), 6275 (mobility), 7401 (HIP).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from analyzer.capture._names import IPV6

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    from analyzer.capture._link import Frames
    from analyzer.capture._view import View
    from analyzer.capture.records import Bytes, Ints, Words

    Note = Callable[[str, int], None]  # remark, packets

OPTION_HEADERS = np.zeros(256, bool)  # IPv6 headers that carry their own length: hop-by-hop, routing, destination ..
OPTION_HEADERS[[0, 43, 60, 135, 139, 140]] = True
FRAGMENT_HEADER = 44
_EXTENDED = OPTION_HEADERS.copy()
_EXTENDED[FRAGMENT_HEADER] = True
CHAIN = 24  # IPv6 extension headers followed

GOOD, CUT, SHORT, LENGTH, VERSION, CHAIN_CUT = range(6)
WHY = (
    "",
    "cut before the end of the IP header",
    "frame ends within its IP header",
    "IP length is below its header",
    "IP version does not match the link layer",
    "frame ends within its IPv6 extension headers",
)


@dataclass(slots=True)
class Headers:
    """Columns, one row per IP packet."""

    row: Ints  # as in Frames
    at: Ints  # of the IP header
    end: Ints  # behind the last captured byte of the packet, padding left out
    wire: Ints  # behind its last byte on the wire, as its length says
    length: Ints  # header and payload
    v6: npt.NDArray[np.bool_]
    proto: npt.NDArray[np.uint8]
    src0: Words
    src1: Words
    dst0: Words
    dst1: Words
    payload: Ints  # behind the IP header, its options and extension headers
    words: npt.NDArray[np.uint32]  # shape (3, n): bytes 0-3, 4-7 and 12-15 behind the IP header, little-endian
    offset: Ints  # of a fragment, in bytes; 0 = not a later fragment
    more: npt.NDArray[np.bool_]  # more fragments follow
    ident: Ints  # of the datagram that a fragment belongs to
    bad: npt.NDArray[np.uint8]  # index into WHY


def headers(view: View, frames: Frames, note: Note) -> Headers:
    """The IP headers at `frames.at` (kind IPv4 or IPv6); rows with `bad` set hold nothing else of use."""
    found, plain = _fixed(view.headers(frames.at), frames)
    odd = np.flatnonzero(~plain)
    if odd.size:
        _careful(view, found, frames, odd, note)
    return found


def _fixed(raw: Bytes, frames: Frames) -> tuple[Headers, npt.NDArray[np.bool_]]:
    """All as if plain (no options, no extension headers, not fragmented), and which of them are."""
    n = len(raw)
    u2, u4, u8 = raw.view(">u2"), raw.view("<u4"), raw.view("<u8")
    first, at = raw[:, 0], frames.at
    length, payload = u2[:, 1].astype(np.int64), at + 20
    words = np.ascontiguousarray(u4.T[[5, 6, 8]])
    proto = raw[:, 9].copy()
    src0, src1 = u8[:, 1] >> np.uint64(32), np.zeros(n, np.uint64)
    dst0, dst1 = u8[:, 2] & np.uint64(0xFFFFFFFF), np.zeros(n, np.uint64)
    v6 = frames.kind == IPV6
    plain = (first == 0x45) & (u2[:, 3] & 0xBFFF == 0) & (length >= 20)
    six = np.flatnonzero(v6)
    if six.size:
        raw = raw.take(six, axis=0)
        u2, u4, u8 = raw.view(">u2"), raw.view("<u4"), raw.view("<u8")
        length[six], payload[six] = u2[:, 2].astype(np.int64) + 40, at[six] + 40
        words[:, six] = u4.T[[10, 11, 13]]
        proto[six] = raw[:, 6]
        src0[six], src1[six], dst0[six], dst1[six] = u8[:, 1], u8[:, 2], u8[:, 3], u8[:, 4]
        plain[six] = (raw[:, 0] & 0xF0 == 0x60) & (length[six] > 40) & ~_EXTENDED[raw[:, 6]]
    wire = at + length
    end = np.minimum(frames.end, wire)
    plain &= (payload <= end) & (wire <= frames.wire)
    fragment = np.zeros(n, np.int64), np.zeros(n, bool), np.zeros(n, np.int64)
    bounds = frames.row, at, end, wire, length
    good = np.zeros(n, np.uint8)
    return Headers(*bounds, v6, proto, src0, src1, dst0, dst1, payload, words, *fragment, good), plain


def _careful(view: View, found: Headers, frames: Frames, odd: Ints, note: Note) -> None:
    """Decode anew, with every check, what is not plain."""
    six = found.v6[odd]
    for rows, decode in ((odd[~six], _careful4), (odd[six], _careful6)):
        if rows.size:
            decode(view, found, frames, rows, note)
    good = odd[found.bad[odd] == GOOD]
    end, wire = frames.end[odd], found.at[odd] + found.length[odd]
    found.wire[odd], found.end[odd] = wire, np.minimum(end, wire)
    found.payload[odd] = np.minimum(found.payload[odd], end)
    beyond = int(np.count_nonzero(found.wire[good] > frames.wire[good]))
    if beyond:
        note("IP length beyond the end of the frame", beyond)
    payload = found.payload[odd]
    for word, behind in enumerate((0, 4, 12)):
        found.words[word, odd] = view.raw32(payload + behind)


def _cut(frames: Frames, rows: Ints, needed: Ints, short: int = SHORT) -> npt.NDArray[np.uint8]:
    """GOOD where the bytes up to `needed` were captured, else who is to blame."""
    end = frames.end[rows]
    blame = np.where(end < frames.wire[rows], CUT, short)
    return np.where(needed <= end, GOOD, blame).astype(np.uint8)


def _worse(*reasons: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """The first reason of each row that is not GOOD."""
    found = reasons[0]
    for other in reasons[1:]:
        found = np.where(found == GOOD, other, found)
    return found


def _careful4(view: View, found: Headers, frames: Frames, rows: Ints, note: Note) -> None:
    at, room = found.at[rows], frames.wire[rows] - found.at[rows]
    first, length = view.byte(at), view.be16(at + 2)
    header = (first & 15) << 2
    unstated = (length == 0) & (room >= 20) & (at + 20 <= frames.end[rows])
    if unstated.any():
        note("IPv4 length 0, taken from the frame", int(unstated.sum()))
        length = np.where(unstated, room, length)
    wrong = np.where((header < 20) | (length < header), LENGTH, GOOD)
    version = np.where(first >> 4 == 4, GOOD, VERSION)
    fixed, whole = _cut(frames, rows, at + 20), _cut(frames, rows, at + header)
    found.bad[rows] = _worse(fixed, version.astype(np.uint8), wrong.astype(np.uint8), whole)
    fragment = view.be16(at + 6)
    found.offset[rows], found.more[rows] = (fragment & 0x1FFF) << 3, fragment & 0x2000 != 0
    found.ident[rows] = view.be16(at + 4)
    found.length[rows], found.payload[rows] = length, at + header


def _careful6(view: View, found: Headers, frames: Frames, rows: Ints, note: Note) -> None:
    at, room = found.at[rows], frames.wire[rows] - found.at[rows]
    length = view.be16(at + 4) + 40
    version = np.where(view.byte(at) >> 4 == 6, GOOD, VERSION).astype(np.uint8)
    found.bad[rows] = _worse(_cut(frames, rows, at + 40), version)
    for each in np.flatnonzero((length == 40) & (found.bad[rows] == GOOD) & (room > 40)).tolist():
        length[each] = _unstated(view, int(at[each]), int(frames.end[rows[each]]), int(room[each]), note)
    found.length[rows], found.payload[rows] = length, at + 40
    found.proto[rows] = view.byte(at + 6)
    for _ in range(CHAIN):
        rows = rows[(found.bad[rows] == GOOD) & _EXTENDED[found.proto[rows]] & (found.offset[rows] == 0)]
        if not rows.size:
            return
        _extension(view, found, frames, rows)
    found.bad[rows] = CHAIN_CUT


def _extension(view: View, found: Headers, frames: Frames, rows: Ints) -> None:
    """Take one extension header off each of the rows."""
    at, kind = found.payload[rows], found.proto[rows]
    fragment = kind == FRAGMENT_HEADER
    size = np.where(fragment, 8, (view.byte(at + 1) + 1) << 3)
    inside = np.where(at + size <= found.at[rows] + found.length[rows], GOOD, CHAIN_CUT).astype(np.uint8)
    whole = _cut(frames, rows, at + size, CHAIN_CUT)
    found.bad[rows] = _worse(_cut(frames, rows, at + 8, CHAIN_CUT), inside, whole)
    found.proto[rows], found.payload[rows] = view.byte(at), at + size
    if fragment.any():
        rows, at = rows[fragment], at[fragment]
        word = view.be16(at + 2)
        found.offset[rows], found.more[rows], found.ident[rows] = word & 0xFFF8, word & 1 == 1, view.be32(at + 4)


def _unstated(view: View, at: int, end: int, room: int, note: Note) -> int:
    """Length of an IPv6 packet that states a payload of 0: a jumbogram, an offloaded segment, or truly empty."""
    follows = int(view.data[at + 6])
    stated = _jumbo(view.data[at + 40 : min(end, at + 40 + 2048)].tobytes()) if follows == 0 else None
    if stated is not None:
        note("IPv6 jumbogram", 1)
        return stated + 40
    if follows == 59 or room < 40 + 20:  # what is less may be Ethernet padding
        return 40
    note("IPv6 payload length 0, taken from the frame", 1)
    return room


def _jumbo(options: bytes) -> int | None:
    """Jumbo payload length in a hop-by-hop header (RFC 2675, section 2)."""
    if len(options) < 8:
        return None
    end, at = min(len(options), (options[1] + 1) * 8), 2
    while at + 6 <= end:
        if options[at] == 0xC2 and options[at + 1] == 4:
            return int.from_bytes(options[at + 2 : at + 6], "big")
        at += 1 if options[at] == 0 else 2 + options[at + 1]
    return None
