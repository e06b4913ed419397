"""pcapng (draft-ietf-opsawg-pcapng): sections of either byte order, interfaces, and the three kinds of packet block."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from analyzer.capture._interfaces import Interface, Interfaces, columns, interface, nanoseconds
from analyzer.capture._window import LIMIT, MOST, Window, add, as_ints, chain, count, finish, halves
from analyzer.capture.records import Block, Tally

if TYPE_CHECKING:
    import numpy.typing as npt

    from analyzer.capture.records import Ints, Words

SECTION = 0x0A0D0D0A  # reads the same in either byte order
SECTION_BYTES = SECTION.to_bytes(4, "big")
BYTE_ORDER = 0x1A2B3C4D
IDB, PACKET, SIMPLE, ENHANCED = 1, 2, 3, 6
LEAST = np.array([12, 20, 32, 16, 12, 12, 32, 12])  # bytes of a block of type 0 .. 6, then of any other
SECTION_LEAST = 28
INTERFACES = 1 << 16  # in a section; the obsolete packet block can name no more
FEW = 256  # blocks looked at first behind a change of byte order: guessing further costs time if it is hostile

ORDERS = {BYTE_ORDER.to_bytes(4, "little"): "<", BYTE_ORDER.to_bytes(4, "big"): ">"}
CHAINS = {order: chain(order, 4, 0) for order in "<>"}


class _Run(NamedTuple):
    """Sound blocks that follow each other in the window, in one byte order."""

    start: Ints
    length: Ints
    type: Ints


class _Packets(NamedTuple):
    """Packets of one section as their blocks state them."""

    start: Ints  # first captured byte
    room: Ints  # bytes the block has for the captured ones
    caplen: Ints
    wirelen: Ints
    ticks: Words
    interface: Ints
    is_simple: npt.NDArray[np.bool_]
    number: Ints


class _Reader:
    """Where the reading of one file stands."""

    def __init__(self, window: Window, tally: Tally) -> None:
        self.window, self.tally = window, tally
        self.chain = CHAINS["<"]
        self.interfaces: list[Interface] = []
        self.columns: Interfaces = columns([])
        self.seen = 0  # packets, delivered or not
        self.now = 0  # time of the last packet that had one
        self.most = FEW

    def blocks(self) -> Iterator[Block]:
        """Blocks of the whole file, then its end in the tally."""
        wanted, reason = 12, ""
        while not reason and self.window.fill(wanted):
            at = 0
            while len((run := self._run(at)).start):
                for section in _sections(run):
                    yield from self._packet_blocks(section)
                at = int(run.start[-1] + run.length[-1])
            wanted, reason = self._next(at)
            self.window.drop(at)
        if reason:
            self.tally.unreadable[f"pcapng block behind packet {self.seen:,} {reason}; reading ended there"] += 1
        else:
            finish(self.window, self.tally)

    def _run(self, at: int) -> _Run:
        """The sound blocks from `at` on, as far as looked: none where there is no whole sound block of either order."""
        order = self._order(at)
        self.chain = CHAINS[order or self.chain.order]
        found = self.chain.offsets(self.window, at, self.most)
        run = self._sound(as_ints(found[:-1]))
        self.most = FEW if len(found) > 2 * len(run.start) + 2 else min(2 * self.most, MOST)
        if not len(run.start):
            run = self._sound(as_ints(self.chain.wide_offsets(self.window, at, self.most)[:-1]))
        return run

    def _order(self, at: int) -> str:
        """The byte order that a Section Header Block at `at` sets, '' where there is none."""
        head = bytes(self.window.view[at : min(at + 12, self.window.have)])
        return ORDERS.get(head[8:], "") if head.startswith(SECTION_BYTES) else ""

    def _sound(self, start: Ints) -> _Run:
        """Those of the blocks at `start` that come before the first which is cut off, unsound or of another order."""
        types, length = halves(self.window.words8(self.chain.order)[start], self.chain.order)
        words, end = self.window.words4(self.chain.order), start + length
        least = LEAST[np.minimum(types, len(LEAST) - 1)]
        is_sound = (length >= least) & (length & 3 == 0) & (end <= self.window.have) & (length <= LIMIT)
        is_sound &= words[np.where(is_sound, end - 4, 0)] == length
        is_sound[1:] &= start[1:] == end[:-1]
        if (sections := np.flatnonzero(types == SECTION)).size:
            is_sound[sections] &= (words[start[sections] + 8] == BYTE_ORDER) & (length[sections] >= SECTION_LEAST)
        size = len(start) if is_sound.all() else int(np.argmin(is_sound))
        return _Run(start[:size], length[:size], types[:size])

    def _next(self, at: int) -> tuple[int, str]:
        """Bytes to wait for until the block at `at` is whole, and why it never will be."""
        window = self.window
        if window.have - at < 12:
            return 12, ""
        kind, length, mark = (int(window.words4(self.chain.order)[at + 4 * i]) for i in range(3))
        least = SECTION_LEAST if kind == SECTION else int(LEAST[min(kind, len(LEAST) - 1)])
        if kind == SECTION and mark != BYTE_ORDER:
            return 0, "begins a section without a byte order"
        if length < least or length > LIMIT:
            return 0, f"states a length of {length:,} bytes"
        if length & 3:
            return 0, f"states a length of {length:,} bytes, no multiple of 4"
        if at + length <= window.have:
            return 0, "states two different lengths"
        return length, ""

    def _packet_blocks(self, run: _Run) -> Iterator[Block]:
        """The packets of blocks of one section, by link type."""
        if run.type[0] == SECTION:
            self.interfaces, self.columns = [], columns([])
        described = self._described(run)
        if not (run.type == ENHANCED).all():
            is_packet = np.isin(run.type, (ENHANCED, PACKET, SIMPLE))
            described = described[is_packet] if described.ndim else described
            run = _Run(*(column[is_packet] for column in run))
        if not len(run.start):
            return
        packets = self._usable(self._packets(run), described)
        t = self._times(packets)
        for linktype, those in _groups(self.columns.linktype[packets.interface]):
            yield self._block(packets, t, linktype, those)

    def _described(self, run: _Run) -> Ints:
        """How many interfaces are described before each block of `run` (or before all of them)."""
        known, at = len(self.interfaces), np.flatnonzero(run.type == IDB)[: INTERFACES - len(self.interfaces)]
        for i in at.tolist():
            data = self.window.view[run.start[i] : run.start[i] + run.length[i]]
            self.interfaces.append(interface(bytes(data), self.chain.order))
        if not len(at):
            return np.array(known)
        self.columns = columns(self.interfaces)
        return known + np.searchsorted(at, np.arange(len(run.start)))

    def _packets(self, run: _Run) -> _Packets:
        order, start = self.chain.order, run.start
        words, numbers = self.window.words8(order), self.window.words4(order)[start + 8].astype(np.int64)
        high, low = halves(words[start + 12], order)
        caplen, wirelen = halves(words[start + 20], order)
        is_simple, ids, at, room = run.type == SIMPLE, numbers, start + 28, run.length - 32
        if not (run.type == ENHANCED).all():
            ids = np.where(run.type == PACKET, numbers & 0xFFFF if order == "<" else numbers >> 16, numbers)
            ids, wirelen = np.where(is_simple, 0, ids), np.where(is_simple, numbers, wirelen)
            at, room = np.where(is_simple, start + 12, at), np.where(is_simple, run.length - 16, room)
            snaplen = (self.interfaces[0].snaplen if self.interfaces else 0) or LIMIT
            caplen = np.where(is_simple, np.minimum(np.minimum(room, snaplen), wirelen), caplen)
        number = np.arange(self.seen + 1, self.seen + 1 + len(start))
        self.seen += len(start)
        return _Packets(at, room, caplen, wirelen, (high << 32 | low).view(np.uint64), ids, is_simple, number)

    def _usable(self, packets: _Packets, described: Ints) -> _Packets:
        is_known, fits = packets.interface < described, packets.caplen <= packets.room
        if (is_known & fits).all():
            return packets
        add(self.tally.unreadable, "packet of an interface that is not described", ~is_known)
        add(self.tally.unreadable, "captured length over the length of its block", is_known & ~fits)
        usable: list[Any] = [column[is_known & fits] for column in packets]
        return _Packets(*usable)

    def _times(self, packets: _Packets) -> Ints:
        """Times; a simple packet block has none and gets that of the packet before it."""
        t, is_beyond = nanoseconds(packets.ticks, packets.interface, self.columns)
        add(self.tally.notes, "time beyond the years 1677 to 2262, set to their end", is_beyond)
        add(self.tally.notes, "packet without a time, set to that of the packet before it", packets.is_simple)
        if packets.is_simple.any():
            last = np.maximum.accumulate(np.where(packets.is_simple, -1, np.arange(len(t))))
            t = np.where(last < 0, self.now, t[last])
        add(self.tally.notes, "time before 1970", t < 0)
        self.now = int(t[-1]) if len(t) else self.now
        return t

    def _block(self, packets: _Packets, t: Ints, linktype: int, those: slice | npt.NDArray[np.bool_]) -> Block:
        columns_ = (packets.start, packets.caplen, packets.wirelen, t, packets.number)
        start, caplen, wirelen, t, number = (column[those] for column in columns_)
        block = Block(self.window.data, start, caplen, wirelen, t, linktype, number)
        snaplen = self.columns.snaplen[packets.interface[those]]
        add(self.tally.notes, "captured length over the snap length", (caplen > snaplen) & (snaplen > 0))
        count(self.tally, block, t[~packets.is_simple[those]])
        return block


def _groups(linktypes: Ints) -> Iterator[tuple[int, slice | npt.NDArray[np.bool_]]]:
    """Each link type with the packets of it, in order of appearance."""
    if len(linktypes) and (linktypes == linktypes[0]).all():
        yield int(linktypes[0]), slice(None)
        return
    for linktype in dict.fromkeys(linktypes.tolist()):
        yield linktype, linktypes == linktype


def _sections(run: _Run) -> Iterator[_Run]:
    """A run in pieces that each lie in one section."""
    cuts = np.flatnonzero(run.type == SECTION).tolist()
    for begin, end in pairwise([0, *cuts, len(run.start)]):
        if begin < end:
            yield _Run(*(column[begin:end] for column in run))


def blocks(window: Window, tally: Tally) -> Iterator[Block]:
    """Blocks of all packets; the window holds the file from its first byte."""
    return _Reader(window, tally).blocks()
