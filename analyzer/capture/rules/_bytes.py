"""What rules need of payload: streams put together from segments, and simple statistics of bytes."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from analyzer.capture.records import Flow, Sample

TCP, UDP, ICMP, GRE, ESP, AH, ICMP6, L2TP = 6, 17, 1, 47, 50, 51, 58, 115
_WINDOW = 1 << 30  # a sequence number this far from the first belongs to another connection


class Stream(NamedTuple):
    """Captured bytes of one direction of a TCP flow: offsets from the first payload byte seen, and their bytes."""

    offsets: tuple[int, ...]
    pieces: tuple[bytes, ...]

    def at(self, offset: int, count: int) -> bytes:
        """Up to `count` bytes from `offset` on; fewer where a byte was not captured or not seen."""
        out = b""
        while len(out) < count:
            where = offset + len(out)
            i = bisect_right(self.offsets, where) - 1
            piece = self.pieces[i][where - self.offsets[i] :] if i >= 0 else b""
            if not piece:
                break
            out += piece[: count - len(out)]
        return out


def side(flow: Flow, up: bool) -> list[Sample]:
    """The samples of one direction in order of arrival."""
    return [s for s in flow.samples if s.up is up]


def stream(flow: Flow, up: bool) -> Stream:
    """One direction of a TCP flow; retransmissions fall on each other, the longer copy stays."""
    return joined(side(flow, up))


def joined(samples: Sequence[Sample]) -> Stream:
    """Segments of one direction by their distance from the lowest early sequence number (modulo 2**32).

    Later IP fragments have no sequence number of their own: they go on where the packet before them ended.
    """
    placed = _placed(samples)
    if not placed:
        return Stream((), ())
    base = min(_distance(seq, placed[0][0]) for seq, _ in placed[:4]) + placed[0][0]
    best: dict[int, bytes] = {}
    for seq, data in placed:
        where = _distance(seq, base)
        if 0 <= where < _WINDOW and len(data) > len(best.get(where, b"")):
            best[where] = data
    order = sorted(best)
    return Stream(tuple(order), tuple(best[o] for o in order))


def _placed(samples: Sequence[Sample]) -> list[tuple[int, bytes]]:
    """(sequence number, bytes) of samples; 0 stands for the end of the one before."""
    out: list[tuple[int, bytes]] = []
    following = 0
    for s in samples:
        seq = s.seq or following
        out.append((seq, s.data))
        following = seq + s.size
    return out


def _distance(seq: int, base: int) -> int:
    """`seq` minus `base` as a signed number of 32 bits; far away counts as another connection."""
    return ((seq - base + (1 << 31)) & 0xFFFFFFFF) - (1 << 31)


def heads(samples: Sequence[Sample]) -> list[Sample]:
    """The samples without exact retransmissions (same sequence number and size; without a number, same bytes)."""
    seen: set[tuple[int, int, bytes]] = set()
    out = []
    for s in samples:
        same = s.seq, s.size, b"" if s.seq else s.data[:32]
        if same not in seen:
            seen.add(same)
            out.append(s)
    return out


def framed(flow: Flow, up: bool, want: int = 32, most: int = 64) -> Iterator[tuple[int, bytes]]:
    """(stated length, first bytes) of messages behind a 2-byte big-endian length, from the first byte seen on.

    Behind a gap the walk goes on at the next segment, as if a message began there.
    """
    data = stream(flow, up)
    offset = 0
    for _ in range(most):
        head = data.at(offset, 2 + want)
        if len(head) < 3:
            offset = next((o for o in data.offsets if o > offset), -1)
            if offset < 0:
                return
            continue
        length = int.from_bytes(head[:2], "big")
        yield length, head[2 : 2 + length]
        offset += 2 + length


def bits_per_byte(data: bytes) -> float:
    """Mean number of set bits per byte: 4 for random bytes; 0 for none."""
    return int.from_bytes(data, "big").bit_count() / len(data) if data else 0.0


def looks_random(data: bytes) -> bool:
    """No structure to be seen in at least 16 bytes: bits balanced, few zero bytes, few repeats."""
    if len(data) < 16:
        return False
    slack = 5.7 / len(data) ** 0.5  # four standard deviations of the mean of random bytes, sqrt(2 / n) each
    balanced = abs(bits_per_byte(data) - 4) < max(0.35, slack)
    return balanced and len(set(data)) > _distinct(len(data)) and data.count(0) <= 2 + len(data) // 32


def _distinct(n: int) -> float:
    """Fewest distinct byte values to expect among n random ones: well under 256 * (1 - exp(-n / 256))."""
    return min(0.75 * n, 0.85 * 256 * (1 - 0.99611**n))


def printable(data: bytes) -> bool:
    """Every byte is printable ASCII (0x20 to 0x7e); true of no byte."""
    return all(0x20 <= b <= 0x7E for b in data)


def grows(values: Sequence[int], step: int = 64) -> bool:
    """A counter as seen in passing: distinct, almost always larger than before, never further than step per packet."""
    if len(values) < 2 or len(set(values)) < len(values):
        return False
    falls = sum(b < a for a, b in pairwise(values))
    return falls <= len(values) // 8 and max(values) - min(values) <= step * len(values)
