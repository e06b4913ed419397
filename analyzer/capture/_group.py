"""Packets of one batch, gathered into segments: packets of one flow, without an idle time-out, of one slice of time.

The 5-tuple is hashed so that both directions give the same key; the hash is seeded for each run, so nobody can craft
addresses whose flows are merged, and two flows of n share a key with a probability of about n^2 / 2^65.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from analyzer.capture.records import Mark

if TYPE_CHECKING:
    import numpy.typing as npt

    from analyzer.capture.records import Ints, Packets, Words

_ODD = np.uint64(0xFF51AFD7ED558CCD)
_ODD2 = np.uint64(0xC4CEB9FE1A85EC53)
_SHIFT = np.uint64(32)
_BYTES_BITS = np.uint64(40)  # a batch holds less than 2^40 bytes and 2^24 packets


class Segments(NamedTuple):
    """Segments of a batch, in order of key and time; `order` lists the packets segment by segment."""

    key: Words
    order: Ints  # packet indices
    begin: Ints  # first position in order
    end: Ints
    swapped: npt.NDArray[np.bool_]  # per packet in order: from the side whose hash is larger
    loaded: Ints  # positions in order of the packets that bear payload
    packets: Ints
    packets_swapped: Ints
    bytes: Ints
    bytes_swapped: Ints
    first: Ints
    last: Ints
    bits: npt.NDArray[np.uint32]  # OR over packets: flags | flags of swapped << 8 | marks << 16


PAYLOAD_BIT = 30  # of `bits`, above the marks: payload from the side of the smaller hash; the next bit: from the other


def _mixed(h: Words, value: Words) -> Words:
    h = (h ^ value) * _ODD
    return h ^ (h >> _SHIFT)


def _ends(p: Packets, seed: np.uint64) -> tuple[Words, Words]:
    """A hash of each end of every packet.  IPv4 needs one word for address and port."""
    src, dst = p.src0 ^ seed, p.dst0 ^ seed
    if p.v6.any():
        six = np.flatnonzero(p.v6)
        src[six] = _mixed(src[six], p.src1[six])
        dst[six] = _mixed(dst[six], p.dst1[six])
    return _mixed(src, p.sport.astype(np.uint64) << _SHIFT), _mixed(dst, p.dport.astype(np.uint64) << _SHIFT)


def keys(p: Packets, seed: np.uint64) -> tuple[Words, npt.NDArray[np.bool_]]:
    """(key, swapped) of every packet: one key for both directions, apart by protocol and by being inside a tunnel."""
    src, dst = _ends(p, seed)
    swapped = src > dst
    low, high = np.minimum(src, dst), np.maximum(src, dst)
    kind = p.proto.astype(np.uint64) | (p.marks & np.uint16(Mark.INNER)).astype(np.uint64) << np.uint64(8)
    h = (low * _ODD2) ^ high ^ (kind * _ODD)
    h = (h ^ (h >> _SHIFT)) * _ODD
    return h ^ (h >> _SHIFT), swapped


def _ordered(key: Words) -> tuple[Ints, Words]:
    """Packet indices by key and then by position, with the keys in that order.

    One sort of keys whose low bits hold the position costs a tenth of a stable sort of the keys; should two keys agree
    in all their other bits, they would interleave, and the stable sort is done after all.
    """
    low = np.uint64((1 << max(len(key) - 1, 1).bit_length()) - 1)
    packed = (key & ~low) | np.arange(len(key), dtype=np.uint64)
    packed.sort()
    order = (packed & low).astype(np.int64)
    ordered = key[order]
    change = ordered[1:] ^ ordered[:-1]
    if np.any((change != 0) & (change <= low)):
        order = np.argsort(key, kind="stable")
        ordered = key[order]
    return order, ordered


def segments(p: Packets, seed: np.uint64, idle: int, active: int) -> Segments:
    """The segments of a batch of at least one packet; idle and active: nanoseconds, see `Timeouts`."""
    key, swapped = keys(p, seed)
    order, key = _ordered(key)
    t, swapped = p.t[order], swapped[order]
    new = np.empty(len(key), bool)
    new[0] = True
    np.not_equal(key[1:], key[:-1], out=new[1:])
    new[1:] |= t[1:] - t[:-1] > idle
    if t.min() // active != t.max() // active:
        piece = t // active
        new[1:] |= piece[1:] != piece[:-1]
    begin = np.flatnonzero(new)
    end = np.append(begin[1:], len(key))
    counted = p.ip_bytes[order].astype(np.uint64) | np.uint64(1) << _BYTES_BITS
    packets, size = _sums(counted, begin, end)
    packets_swapped, size_swapped = _sums(counted * swapped, begin, end)
    loaded = p.size[order] > 0
    return Segments(
        key[begin], order, begin, end, swapped, np.flatnonzero(loaded), packets, packets_swapped, size, size_swapped,
        np.minimum.reduceat(t, begin), np.maximum.reduceat(t, begin),
        np.bitwise_or.reduceat(_bits(p, order, swapped, loaded), begin),
    )  # fmt: skip


def _sums(counted: Words, begin: Ints, end: Ints) -> tuple[Ints, Ints]:
    """(packets, bytes) of each segment."""
    running = np.cumsum(counted)
    sums = running[end - 1]
    sums[1:] -= running[begin[1:] - 1]
    return (sums >> _BYTES_BITS).astype(np.int64), (sums & np.uint64((1 << 40) - 1)).astype(np.int64)


def _bits(
    p: Packets, order: Ints, swapped: npt.NDArray[np.bool_], loaded: npt.NDArray[np.bool_]
) -> npt.NDArray[np.uint32]:
    side = loaded.astype(np.uint32) << (swapped + np.uint32(PAYLOAD_BIT))
    flags = p.flags[order].astype(np.uint32) << (swapped * np.uint32(8))
    bits: npt.NDArray[np.uint32] = flags | (p.marks[order].astype(np.uint32) << np.uint32(16)) | side
    return bits
