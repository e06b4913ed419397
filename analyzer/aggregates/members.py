"""Distinct members of groups, counted by keyed hashes in bounded memory."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    Ints = npt.NDArray[np.int64]
    Words = npt.NDArray[np.uint64]

LIMIT = 1 << 19  # rows of a table: 50 MiB while twice as many are merged
_BITS = 20
SPAN = 1 << _BITS  # numbers of labels, or of services with outcomes, below one hour's: group = hour * SPAN + number
_DENSE = 1 << 18  # groups that are added up by number instead of by sorting
_ODD = np.uint64(0x9E3779B97F4A7C15)  # 2^64 / golden ratio: spreads small integers over all bits


def hour_of(group: Ints) -> Ints:
    """The hour of each group."""
    return group >> _BITS


def number_of(group: Ints) -> Ints:
    """The number of the label, or of what else is counted, of each group."""
    return group & (SPAN - 1)


class Key(NamedTuple):
    """A key for one run; it is never stored."""

    k0: int
    k1: int


def new_key() -> Key:
    """A random key."""
    return Key(secrets.randbits(64), secrets.randbits(64))


def siphash(word0: Words, word1: Words, key: Key) -> Words:
    """SipHash-2-4 of 16-byte messages given as two little-endian words each (Aumasson and Bernstein 2012)."""
    k0, k1 = np.uint64(key.k0), np.uint64(key.k1)
    shape = word0.shape
    v = [
        np.full(shape, np.uint64(start) ^ k, dtype=np.uint64)
        for start, k in (
            (0x736F6D6570736575, k0),
            (0x646F72616E646F6D, k1),
            (0x6C7967656E657261, k0),
            (0x7465646279746573, k1),
        )
    ]
    for word in (word0, word1, np.uint64(16 << 56)):
        v[3] ^= word
        _rounds(v, 2)
        v[0] ^= word
    v[2] ^= np.uint64(0xFF)
    _rounds(v, 4)
    return v[0] ^ v[1] ^ v[2] ^ v[3]


def _rounds(v: list[Words], times: int) -> None:
    a, b, c, d = v
    for _ in range(times):
        a += b
        _rotate(b, 13)
        b ^= a
        _rotate(a, 32)
        c += d
        _rotate(d, 16)
        d ^= c
        a += d
        _rotate(d, 21)
        d ^= a
        c += b
        _rotate(b, 17)
        b ^= c
        _rotate(c, 32)


def _rotate(word: Words, bits: int) -> None:
    low = word >> np.uint64(64 - bits)
    word <<= np.uint64(bits)
    word |= low


class Table(NamedTuple):
    """One row per group and member, with sums over what was added."""

    group: Ints
    member: Words
    sums: tuple[Ints, ...]


def merged(group: Ints, member: Words, sums: tuple[Ints, ...]) -> Table:
    """The rows with one row per (group, member).

    They are told apart by 64 bits mixed of both: two of n rows are confused with probability n^2 / 2^65.
    """
    if not len(group):
        return Table(group, member, sums)
    mixed = member ^ (group.astype(np.uint64) * _ODD)
    order = np.argsort(mixed)
    mixed = mixed[order]
    starts = np.flatnonzero(np.concatenate(([True], mixed[1:] != mixed[:-1])))
    kept = order[starts]
    return Table(group[kept], member[kept], tuple(np.add.reduceat(s[order], starts) for s in sums))


class Members:
    """Distinct members of each group, with sums per member.

    Exact up to `limit` rows.  Beyond it only the members whose hash lies in the lowest half stay, then the lowest
    quarter, and so on (adaptive sampling, Flajolet 1990): a member is kept in all groups or in none, and a count of
    kept members times `share` is unbiased.
    """

    def __init__(self, sums: int = 0, limit: int = LIMIT) -> None:
        self._sums, self._limit = sums, limit
        self._parts: list[Table] = []
        self._rows = 0
        self._is_merged = False
        self.share = 1  # one member in so many is kept

    def add(self, group: Ints, member: Words, *sums: Ints) -> None:
        """Rows of members seen; the same member may come any number of times."""
        if self.share > 1:
            group, member, sums = _lowest(group, member, sums, self.share)
        self._parts.append(Table(group, member, sums))
        self._rows += len(group)
        self._is_merged = False
        if self._rows > 2 * self._limit:
            self._shrink()

    def table(self) -> Table:
        """All rows, one per group and member that was kept."""
        if not self._is_merged:
            self._shrink()
        return self._parts[0]

    def _shrink(self) -> None:
        self._merge()
        while self._rows > self._limit:
            self.share *= 2
            self._parts = [Table(*_lowest(*self._parts[0], self.share))]
            self._rows = len(self._parts[0].group)

    def _merge(self) -> None:
        group = _joined([p.group for p in self._parts], np.int64)
        member = _joined([p.member for p in self._parts], np.uint64)
        sums = tuple(_joined([p.sums[i] for p in self._parts], np.int64) for i in range(self._sums))
        self._parts, self._is_merged = [merged(group, member, sums)], True
        self._rows = len(self._parts[0].group)


def _lowest(group: Ints, member: Words, sums: tuple[Ints, ...], share: int) -> tuple[Any, Any, Any]:
    keep = member < np.uint64((1 << 64) // share)
    return group[keep], member[keep], tuple(s[keep] for s in sums)


def _joined(arrays: list[Any], kind: type[np.generic]) -> Any:
    return np.concatenate(arrays) if arrays else np.empty(0, dtype=kind)


class Sums:
    """Exact sums per group."""

    def __init__(self, width: int) -> None:
        self._width = width
        self._parts: list[tuple[Ints, tuple[Ints, ...]]] = []
        self._rows = 0

    def add(self, group: Ints, *values: Ints) -> None:
        """Rows of values; a group may come any number of times."""
        self._parts.append(summed(group, *values))
        self._rows += len(self._parts[-1][0])
        if self._rows > LIMIT:
            self._parts = [self.table()]
            self._rows = len(self._parts[0][0])

    def table(self) -> tuple[Ints, tuple[Ints, ...]]:
        """Groups in order, and their sums."""
        group = _joined([g for g, _ in self._parts], np.int64)
        return summed(group, *(_joined([s[i] for _, s in self._parts], np.int64) for i in range(self._width)))


def summed(group: Ints, *values: Ints) -> tuple[Ints, tuple[Ints, ...]]:
    """Distinct groups in order, and the sum of each column of values in each."""
    if not len(group):
        return group, values
    hour, number = hour_of(group), number_of(group)
    width = int(number.max()) + 1
    first = int(hour.min())
    size = (int(hour.max()) - first + 1) * width
    if size <= _DENSE:
        code = (hour - first) * width + number
        return _summed_by_number(code, values, size, lambda at: (at // width + first) * SPAN + at % width)
    order = np.argsort(group, kind="stable")
    ordered = group[order]
    starts = np.flatnonzero(np.concatenate(([True], ordered[1:] != ordered[:-1])))
    return ordered[starts], tuple(np.add.reduceat(v[order], starts) for v in values)


def _summed_by_number(
    code: Ints, values: tuple[Ints, ...], size: int, group_of: Callable[[Ints], Ints]
) -> tuple[Ints, tuple[Ints, ...]]:
    found = np.flatnonzero(np.bincount(code, minlength=size))
    sums = (np.bincount(code, weights=v, minlength=size)[found] for v in values)  # floats are exact below 2^53
    return group_of(found), tuple(s.astype(np.int64) for s in sums)
