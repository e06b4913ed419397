"""TCP segments that come again or late, told from sequence numbers packet by packet."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from analyzer.capture.records import Mark

if TYPE_CHECKING:
    from analyzer.capture._group import Segments
    from analyzer.capture.records import Ints, Packets
    from analyzer.capture.table import Rows

TCP = 6


def disorder(r: Rows, p: Packets, s: Segments, rows: Ints) -> None:
    """Marks the rows whose payload begins before the end of what the same side sent last (RFC 9293 section 3.4).

    The same sequence number and length again is a DUPLICATE, anything else DISORDER.
    """
    packet = s.order[s.loaded]
    tcp = p.proto[packet] == TCP
    loaded, packet = s.loaded[tcp], packet[tcp]
    row = np.repeat(rows, s.end - s.begin)[loaded]
    of_a = s.swapped[loaded] == r.swapped[row]
    for side, column in ((of_a, r.next_a), (~of_a, r.next_b)):
        _one_side(r, column, row[side], p.seq[packet[side]].astype(np.int64), p.size[packet[side]])


def _one_side(r: Rows, behind: Ints, row: Ints, seq: Ints, size: Ints) -> None:
    """behind: the column of sequence numbers that follow what this side sent last."""
    if not len(row):
        return
    after = (seq + size) & 0xFFFFFFFF
    before = np.empty_like(after)
    before[1:] = after[:-1]
    begins = np.ones(len(row), bool)
    np.not_equal(row[1:], row[:-1], out=begins[1:])
    before[begins] = behind[row[begins]]
    step = (seq - before) & 0xFFFFFFFF
    late = np.flatnonzero((step >= 1 << 31) & (before >= 0))
    if len(late):
        same = (after[late] == before[late]) & ((size[late] == size[late - 1]) | begins[late])
        _mark(r, row[late[same]], Mark.DUPLICATE)
        _mark(r, row[late[~same]], Mark.DISORDER)
    ends = np.append(np.flatnonzero(begins)[1:] - 1, len(row) - 1)
    behind[row[ends]] = after[ends]


def _mark(r: Rows, rows: Ints, mark: Mark) -> None:
    r.marks[rows] |= np.uint16(mark)
