"""Sizes and directions of the packets behind a TLS 1.3 handshake, kept as columns: TLS inside TLS shows in them.

Flows that TLS 1.3 hides are too many to keep samples of.  Of each, the size, the side and the first eight bytes of
twelve packets are held in a row of a matrix, and a wide net over whole matrices picks the few flows for the rules.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from analyzer.capture import _first as first
from analyzer.capture.records import Sample

if TYPE_CHECKING:
    import numpy.typing as npt

    from analyzer.capture._group import Segments
    from analyzer.capture.records import Ints, Packets

    Mask = npt.NDArray[np.bool_]

MOST = 12  # packets of a flow
_BURSTS = 6  # runs of one direction that matter
_CHANGE_CIPHER_SPEC = 0x030314  # record header as it lies
_TICKETS = 700  # bytes: a server speaks first behind a handshake to hand out session tickets


class Watch:
    """A matrix with a row for each flow that is watched; `slots` of the flow table's rows point to it."""

    def __init__(self) -> None:
        self._sizes = np.zeros((1024, MOST), np.int32)  # negative: from the server; 0: none
        self._words = np.zeros((1024, MOST), np.uint64)
        self._count = np.zeros(1024, np.int64)
        self._free = np.arange(1023, -1, -1)

    def take(self, count: int) -> Ints:
        """Slots for `count` flows."""
        if count > len(self._free):
            self._grow(len(self._count) + max(count, len(self._count) // 2))
        left = len(self._free) - count
        taken, self._free = self._free[left:], self._free[:left]
        self._sizes[taken] = 0
        self._count[taken] = 0
        return taken

    def _grow(self, capacity: int) -> None:
        before = len(self._count)
        for matrix in (self._sizes, self._words):
            matrix.resize((capacity, MOST), refcheck=False)
        self._count.resize(capacity, refcheck=False)
        self._free = np.concatenate([np.arange(capacity - 1, before - 1, -1), self._free])

    def give_back(self, slots: Ints) -> None:
        """Makes slots free again."""
        self._free = np.concatenate([self._free, slots])

    def add(self, p: Packets, s: Segments, slots: Ints, client: Mask, loaded: tuple[Ints, Ints]) -> None:
        """Adds the packets s.loaded[low:high] of each flow, with loaded = (low, high), as far as there is room.

        client: the value of s.swapped for packets of the client.
        """
        low, high = loaded
        count = np.minimum(high - low, MOST - self._count[slots])
        some = count > 0
        slots, client, low, count = slots[some], client[some], low[some], count[some]
        before = np.cumsum(count) - count
        within = np.arange(int(count.sum())) - np.repeat(before, count)
        position = s.loaded[np.repeat(low, count) + within]
        packet = s.order[position]
        at = np.repeat(self._count[slots], count) + within
        slot = np.repeat(slots, count)
        size = p.size[packet]
        self._sizes[slot, at] = np.where(s.swapped[position] == np.repeat(client, count), size, -size)
        self._words[slot, at] = first.words(p, packet)
        self._count[slots] += count

    def is_full(self, slots: Ints) -> Mask:
        """Whether no more packets of these flows are wanted."""
        full: Mask = self._count[slots] == MOST
        return full

    def suspects(self, slots: Ints) -> Mask:
        """Which of these flows have, behind their handshake, the outline of a second one."""
        bursts = self._bursts(slots)
        found = np.zeros(len(slots), bool)
        for skip in (0, 2):
            hello, flight, finished = bursts[:, skip], -bursts[:, skip + 1], bursts[:, skip + 2]
            found |= (hello >= 200) & (hello <= 2400) & (flight >= 1000) & (finished >= 60) & (bursts[:, skip + 3] < 0)
        return found

    def _bursts(self, slots: Ints) -> Ints:
        """Bytes of each run of one direction behind the client's ChangeCipherSpec, tickets left out; signed."""
        sizes, words = self._sizes[slots].astype(np.int64), self._words[slots]
        rows = np.arange(len(slots))
        bursts = np.zeros((len(slots), _BURSTS + 1), np.int64)  # the last column takes what no longer matters
        at = np.full(len(slots), -1)
        begun = np.zeros(len(slots), bool)
        for k in range(MOST):
            size = sizes[:, k]
            ticket = (at < 0) & (size < 0) & (size > -_TICKETS)
            active = begun & (size != 0) & ~ticket
            turn = active & ((at < 0) | ((bursts[rows, np.maximum(at, 0)] > 0) != (size > 0)))
            at = np.minimum(at + turn, _BURSTS)
            bursts[rows[active], at[active]] += size[active]
            begun |= (size > 0) & (words[:, k] & np.uint64(0xFFFFFF) == _CHANGE_CIPHER_SPEC)
        return bursts

    def samples(self, slot: int) -> tuple[Sample, ...]:
        """The packets of a flow as samples of eight bytes; retransmissions are not told from others."""
        sizes, words = self._sizes[slot].tolist(), self._words[slot].tolist()
        count = int(self._count[slot])
        kept = zip(sizes[:count], words[:count], strict=True)
        return tuple(Sample(z > 0, 0, abs(z), w.to_bytes(8, "little"), k) for k, (z, w) in enumerate(kept))
