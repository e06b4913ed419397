"""The reused buffer that a capture passes through, and what both containers do with it."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from struct import Struct
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from analyzer import packed
from analyzer.capture.records import SLACK, Block, Tally

if TYPE_CHECKING:
    import numpy.typing as npt

    from analyzer.capture.records import Bytes, Ints, Words

LIMIT = 1 << 24  # bytes of a record: a BIG TCP packet has 0.5 MiB; Wireshark reads no pcapng block beyond 16 MiB either
MOST = 1 << 17  # records looked for at once: 4 MiB of the smallest; bounds what a length that leads astray may cost
CUT = "record cut off at the end of the file"
END_OF_TIME = (1 << 63) - 1
NS = 10**9


_STRIDE = 256  # records
_PART = 1 << 19  # bytes read at once


class Window:
    """The next bytes of a stream: at least `block_bytes` of them, or one whole record, or all that is left."""

    def __init__(self, source: io.RawIOBase, block_bytes: int) -> None:
        self.data: Bytes = np.zeros(block_bytes + LIMIT + SLACK, np.uint8)  # pages not written to take no memory
        self.view = self.data.data
        self.have = 0
        self.is_all = False  # the stream has ended
        self.flaw = ""  # why, where it should not have ended there
        self._source, self._block_bytes = source, block_bytes

    def fill(self, wanted: int, follow: Callable[[], None] = lambda: None) -> bool:
        """Read on; whether `wanted` bytes (at most LIMIT) are there.

        follow: called behind every part read, while the processor's cache still holds it.
        """
        goal = max(self._block_bytes, wanted)
        try:
            while self.have < goal and not self.is_all:
                got = self._source.readinto(self.view[self.have : min(goal, self.have + _PART)]) or 0
                self.have += got
                self.is_all = not got
                follow()
        except Exception as error:
            self.is_all, self.flaw = True, packed.flaw(error) or ""
            if not self.flaw:
                raise
        return self.have >= wanted

    def drop(self, size: int) -> None:
        """Forget the first `size` bytes; blocks made of them are void."""
        rest = self.have - size
        self.view[:rest] = self.view[size : self.have]
        self.have = rest

    def words4(self, order: str) -> npt.NDArray[np.uint32]:
        """The 32-bit number at every byte of the buffer."""
        return np.lib.stride_tricks.as_strided(self.data[:4].view(f"{order}u4"), (len(self.data) - 3,), (1,))

    def words8(self, order: str) -> Words:
        """The 64-bit number at every byte of the buffer."""
        return np.lib.stride_tricks.as_strided(self.data[:8].view(f"{order}u8"), (len(self.data) - 7,), (1,))


class Chain(NamedTuple):
    """How records follow each other: each states its length, to which `header` is added to reach the next."""

    order: str  # '<' or '>'
    at: int  # where in a record its length stands
    header: int
    steps: tuple[int, ...]  # by the second byte of the length
    length: Struct

    def offsets(self, window: Window, start: int, most: int = MOST) -> list[int]:
        """Starts of at most `most` records from `start` on, then that of the next; right until a length is over 65,535.

        The length is put together from its two low bytes: of what Python offers to read a number at any byte this
        costs least, and the slices end the loop where the bytes do.  Comprehensions of _STRIDE records go first, as
        they cost a fifth less than appending; one that runs into the end is done again record by record.
        """
        found = [start]
        self.follow(window, found, most)
        return found

    def follow(self, window: Window, found: list[int], most: int = MOST) -> None:
        """Goes on in `found` from its last start, as `offsets` does."""
        low, high = (0, 1) if self.order == "<" else (3, 2)
        lows, highs = window.view[self.at + low : window.have], window.view[self.at + high : window.have]
        _strides(lows, highs, self.steps, found, most)
        add, steps, o = found.append, self.steps, found[-1]
        with suppress(IndexError):
            for _ in range(most + 1 - len(found)):
                o += lows[o] + steps[highs[o]]
                add(o)

    def wide_offsets(self, window: Window, start: int, most: int = MOST) -> list[int]:
        """The same for any length up to LIMIT; a longer one, or one shorter than 12 with its header, ends it."""
        found = [start]
        o, last = start, window.have - self.at - 4
        while o <= last and len(found) <= most:
            size = self.length.unpack_from(window.view, o)[0] + self.header
            if not 12 <= size <= LIMIT:
                break
            o += size
            found.append(o)
        return found


def _strides(lows: memoryview, highs: memoryview, steps: tuple[int, ...], found: list[int], most: int) -> None:
    """Adds the starts of whole strides of records, as far as there are any."""
    o = found[-1]
    with suppress(IndexError):
        while len(found) + _STRIDE <= most:
            found += [o := o + lows[o] + steps[highs[o]] for _ in range(_STRIDE)]


def chain(order: str, at: int, header: int) -> Chain:
    """A chain whose 32-bit lengths stand `at` bytes into each record."""
    steps = tuple((high << 8) + header for high in range(256))
    return Chain(order, at, header, steps, Struct(f"{order}{at}xI"))


def as_ints(numbers: list[int]) -> Ints:
    """An array of a list; packing it is the quickest way there."""
    return np.frombuffer(Struct(f"{len(numbers)}q").pack(*numbers), np.int64)


def halves(words: Words, order: str) -> tuple[Ints, Ints]:
    """The two 32-bit numbers that lie behind each other in each 64-bit word."""
    low, high = (words & np.uint64(0xFFFFFFFF)).view(np.int64), (words >> np.uint64(32)).view(np.int64)
    return (low, high) if order == "<" else (high, low)


def count(tally: Tally, block: Block, timed: Ints) -> None:
    """Note what a block holds; `timed` are the times of its packets that have one."""
    tally.packets += len(block.t)
    tally.linktypes[block.linktype] += len(block.t)
    tally.cut += int(np.count_nonzero(block.caplen < block.wirelen))
    add(tally.notes, "captured length over the length on the wire", block.caplen > block.wirelen)
    if len(timed):
        first, last = int(timed.min()), int(timed.max())
        tally.first = first if tally.first is None else min(tally.first, first)
        tally.last = last if tally.last is None else max(tally.last, last)


def add(counter: Counter[str], remark: str, those: npt.NDArray[np.bool_]) -> None:
    """Count those packets under `remark`, which appears only where there are any."""
    if number := int(np.count_nonzero(those)):
        counter[remark] += number


def finish(window: Window, tally: Tally) -> None:
    """Count what is left at the end of the stream."""
    if window.flaw:
        tally.unreadable[window.flaw] += 1
    elif window.have:
        tally.unreadable[CUT] += 1
