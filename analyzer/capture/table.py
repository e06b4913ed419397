"""The flow table: packets of a batch update rows, one row a flow; rows that have ended wait to be labelled.

A row is a set of columns at one index; the side that sent its first packet is `a`, the other `b`.  A flow ends after an
idle time-out; the active time-out (RFC 5102, flowEndReason) cuts at fixed instants, full hours unless asked otherwise,
so that every row lies within one hour.  Memory follows the flows that are alive, not the size of the capture.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from analyzer.capture._disorder import disorder
from analyzer.capture._group import PAYLOAD_BIT, Segments, segments
from analyzer.capture._index import EMPTY, Index
from analyzer.capture.records import Mark

if TYPE_CHECKING:
    import numpy.typing as npt

    from analyzer.capture.records import Ints, Packets, Words

    Shorts = npt.NDArray[np.uint16]
    Octets = npt.NDArray[np.uint8]
    Flags = npt.NDArray[np.bool_]

SECOND = 1_000_000_000

_MARKS = np.uint16((1 << (PAYLOAD_BIT - 16)) - 1)
PAYLOAD_A, PAYLOAD_B = 1, 2  # bits of the column `payload`


@dataclass(frozen=True, slots=True)
class Timeouts:
    """When a flow ends, in nanoseconds.

    idle: without a packet for longer than this, the next packet begins a new flow.
    active: a flow is continued in a new record at every multiple of this since 1970-01-01 UTC.
    """

    idle: int = 120 * SECOND
    active: int = 3600 * SECOND


class Rows:
    """Columns that grow together, and the indices that are free.

    The fields of a row lie side by side in memory: a batch touches many columns of few rows.
    """

    key: Words
    src0: Words
    src1: Words
    dst0: Words
    dst1: Words
    sport: Shorts
    dport: Shorts
    proto: Octets
    v6: Flags
    swapped: Flags  # `a` is the side whose hash is larger
    packets_a: Ints
    packets_b: Ints
    bytes_a: Ints
    bytes_b: Ints
    first: Ints
    last: Ints
    flags_a: Octets  # OR of the TCP flags
    flags_b: Octets
    first_flags: Octets  # TCP flags of the first packet
    marks: Shorts
    payload: Octets  # PAYLOAD_A | PAYLOAD_B: which side has sent any
    next_a: Ints  # TCP sequence number behind the last payload, -1 = none seen
    next_b: Ints
    stage: Octets  # what is still wanted of its payload, see _stages.py
    held: Flags  # whether samples or names are kept elsewhere for it
    hello_up: Flags  # whether the first payload came from side a
    watch: Ints  # slot of a flow whose sizes are watched, -1 = none
    traffic: Octets  # index into TRAFFIC
    status: Octets  # index into OUTCOMES where an answer told it
    name: Ints  # index into the names, -1 = none
    label: Ints  # index into the labels, -1 = none
    parent: Ints  # the row it continues, -1 = none
    continued: Flags  # whether another row continues it

    def __init__(self, capacity: int = 4096) -> None:
        self.capacity = 0
        self._free: Ints = np.empty(0, np.int64)
        self._records = np.zeros(0, _RECORD)
        self._grow(capacity)

    def _grow(self, capacity: int) -> None:
        records = np.zeros(capacity, _RECORD)
        records[: self.capacity] = self._records
        self._records = records
        for name in _KINDS:
            setattr(self, name, records[name])
        self._free = np.concatenate([np.arange(capacity - 1, self.capacity - 1, -1), self._free])
        self.capacity = capacity

    def take(self, count: int) -> Ints:
        """Indices of `count` rows, every column zero but those where -1 stands for none."""
        if count > len(self._free):
            self._grow(max(self.capacity * 3 // 2, self.capacity + count))
        left = len(self._free) - count
        taken, self._free = self._free[left:][::-1], self._free[:left]
        self._records[taken] = _BLANK
        return taken

    def copy(self, names: Iterable[str], old: Ints, new: Ints) -> None:
        """Copies columns from some rows to others."""
        for name in names:
            column = getattr(self, name)
            column[new] = column[old]

    def give_back(self, rows: Ints) -> None:
        """Makes rows free again."""
        self._free = np.concatenate([self._free, rows])

    @property
    def used(self) -> int:
        """Rows that are not free."""
        return self.capacity - len(self._free)


_TYPES = {"Words": "u8", "Shorts": "u2", "Octets": "u1", "Flags": "?", "Ints": "i8"}
_KINDS = {name: _TYPES[kind] for name, kind in Rows.__annotations__.items()}
_RECORD = np.dtype(sorted(_KINDS.items(), key=lambda item: -np.dtype(item[1]).itemsize))  # no gaps
_NONE = ("next_a", "next_b", "name", "label", "parent", "watch")
_BLANK = np.array(tuple(-1 if name in _NONE else 0 for name in _RECORD.names or ()), _RECORD)


_IDENTITY = ("src0", "src1", "dst0", "dst1", "sport", "dport", "proto", "v6")
_LEARNT = ("first_flags", "next_a", "next_b", "traffic", "status", "name", "label")
_KEPT = (*_IDENTITY, "swapped", *_LEARNT)  # by a row that continues another


class Table:
    """Flows that are alive, and those that have ended since they were last collected."""

    def __init__(self, timeouts: Timeouts, seed: int | None = None) -> None:
        self.rows = Rows()
        self.timeouts = timeouts
        self._seed = np.uint64(secrets.randbits(64) if seed is None else seed)
        self._index = Index()
        self._ended: list[Ints] = []
        self._children: dict[int, int] = {}
        self._swept_alive = 0
        self._ended_count = 0

    def update(self, p: Packets) -> tuple[Segments, Ints]:
        """Takes in a batch; gives its segments and the row of each."""
        s = segments(p, self._seed, self.timeouts.idle, self.timeouts.active)
        rows = np.empty(len(s.key), np.int64)
        again = np.zeros(len(s.key) + 1, bool)  # whether a segment continues the key of the one before; none follows
        np.equal(s.key[1:], s.key[:-1], out=again[1:-1])
        todo = np.flatnonzero(~again[:-1])
        while len(todo):
            rows[todo] = self._rows_of(p, s, todo)
            self._add(s, todo, rows[todo])
            todo = todo[again[todo + 1]] + 1
        disorder(self.rows, p, s, rows)
        return s, rows

    def _rows_of(self, p: Packets, s: Segments, seg: Ints) -> Ints:
        """The row of each of these segments (distinct keys), made where there is none."""
        rows, at = self._index.find(s.key[seg], self.rows.key)
        known = np.flatnonzero(rows != EMPTY)
        idle = s.first[seg[known]] - self.rows.last[rows[known]] > self.timeouts.idle
        active = self.timeouts.active
        old = s.first[seg[known]] // active != self.rows.first[rows[known]] // active
        over = known[idle | old]
        if len(over):
            made = self._made(p, s, seg[over])
            later = ~idle[idle | old]
            self._continued(rows[over[later]], made[later])
            self._end(rows[over])
            self._index.replace(at[over], made)
            rows[over] = made
        new = np.flatnonzero(rows == EMPTY)
        if len(new):
            rows[new] = self._made(p, s, seg[new])
            self._index.put(s.key[seg[new]], rows[new], self.rows.key)
        return rows

    def _continued(self, old: Ints, new: Ints) -> None:
        """Lets new rows keep what was learnt of the flows that they continue."""
        r = self.rows
        r.copy(_KEPT, old, new)
        r.stage[new] = r.stage[old] != 0  # what was not settled by now is settled with the row that ends
        r.parent[new], r.continued[old] = old, True
        self._children.update(zip(old.tolist(), new.tolist(), strict=True))
        r.marks[new] = Mark.CONTINUED | (r.marks[old] & Mark.INNER)

    def _made(self, p: Packets, s: Segments, seg: Ints) -> Ints:
        """New rows for these segments, with no packets yet."""
        r, rows = self.rows, self.rows.take(len(seg))
        at = s.begin[seg]
        packet = s.order[at]
        for name in _IDENTITY:
            getattr(r, name)[rows] = getattr(p, name)[packet]
        r.key[rows] = s.key[seg]
        r.swapped[rows] = s.swapped[at]
        r.first_flags[rows] = p.flags[packet]
        r.first[rows] = s.first[seg]
        r.last[rows] = s.last[seg]
        return rows

    def _add(self, s: Segments, seg: Ints, rows: Ints) -> None:
        """Adds what segments count to their rows."""
        r = self.rows
        swapped = r.swapped[rows]
        for column, total, other in (("packets", s.packets, s.packets_swapped), ("bytes", s.bytes, s.bytes_swapped)):
            of_swapped = other[seg]
            of_a = np.where(swapped, of_swapped, total[seg] - of_swapped)
            getattr(r, column + "_a")[rows] += of_a
            getattr(r, column + "_b")[rows] += total[seg] - of_a
        r.first[rows] = np.minimum(r.first[rows], s.first[seg])
        r.last[rows] = np.maximum(r.last[rows], s.last[seg])
        bits = s.bits[seg]
        plain, other_side = bits & np.uint32(0xFF), (bits >> np.uint32(8)) & np.uint32(0xFF)
        r.flags_a[rows] |= np.where(swapped, other_side, plain).astype(np.uint8)
        r.flags_b[rows] |= np.where(swapped, plain, other_side).astype(np.uint8)
        r.marks[rows] |= (bits >> np.uint32(16)).astype(np.uint16) & _MARKS
        r.payload[rows] |= _payload_bits(bits >> np.uint32(PAYLOAD_BIT), swapped)

    def _end(self, rows: Ints) -> None:
        self._ended.append(rows)
        self._ended_count += len(rows)

    def sweep(self, now: int, *, force: bool = False) -> None:
        """Ends the flows that have been idle too long at `now`.

        The table is looked through whenever the flows alive have grown by half since the last time, so that the cost
        stays in proportion to the flows that were ever made.
        """
        alive = self.rows.used - self._ended_count
        if not force and alive < 20_000 + self._swept_alive * 3 // 2:
            return
        rows = self.alive()
        idle = self.rows.last[rows] < now - self.timeouts.idle
        self._end(rows[idle])
        self._index.rebuild(rows[~idle], self.rows.key)
        self._swept_alive = len(rows) - int(idle.sum())

    def finish(self) -> None:
        """Ends every flow."""
        self._end(self.alive())
        self._index.rebuild(np.empty(0, np.int64), self.rows.key)

    def alive(self) -> Ints:
        """Rows of flows that have not ended."""
        return self._index.rows()

    def child(self, row: int) -> int:
        """The row that continues this one; told once."""
        return self._children.pop(row)

    @property
    def waiting(self) -> int:
        """Rows that have ended and were not collected."""
        return self._ended_count

    def ended(self) -> Ints:
        """Rows that have ended, by the time of their first packet; they stay filled until they are given back."""
        rows = np.concatenate([*self._ended, np.empty(0, np.int64)])
        self._ended, self._ended_count = [], 0
        r = self.rows
        tie = r.src0[rows] ^ r.dst0[rows] ^ (r.sport[rows].astype(np.uint64) << np.uint64(16)) ^ r.dport[rows]
        return rows[np.lexsort((tie, r.first[rows]))]


def _payload_bits(bits: npt.NDArray[np.uint32], swapped: Flags) -> Octets:
    """Bits 0 and 1 (smaller hash, larger hash) as PAYLOAD_A and PAYLOAD_B."""
    turned = (bits >> np.uint32(1)) | ((bits & np.uint32(1)) << np.uint32(1))
    return np.where(swapped, turned, bits).astype(np.uint8)
