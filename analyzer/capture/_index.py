"""From 64-bit keys to rows: an open-addressing hash table whose lookups and insertions are whole-array operations."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from analyzer.capture.records import Ints, Words

EMPTY = -1
_FIRST_BITS = 12


class Index:
    """Rows by key.  Keys are assumed to be well mixed: their high bits choose the slot."""

    def __init__(self, bits: int = _FIRST_BITS) -> None:
        self._clear(bits)

    def _clear(self, bits: int) -> None:
        self._bits, self._mask = bits, (1 << bits) - 1
        self._slots = np.full(1 << bits, EMPTY, np.int64)
        self._used = 0

    def find(self, keys: Words, stored: Words) -> tuple[Ints, Ints]:
        """Row of each key (EMPTY = none), and the slot where it stands or would stand.

        keys: (n,) distinct keys.  stored: key of every row, as indexed by the rows handed to `put`.
        """
        at = (keys >> np.uint64(64 - self._bits)).astype(np.int64)
        rows = self._slots[at]
        wrong = np.flatnonzero((rows != EMPTY) & (stored[rows] != keys))
        while len(wrong):
            at[wrong] = (at[wrong] + 1) & self._mask
            rows[wrong] = self._slots[at[wrong]]
            wrong = wrong[(rows[wrong] != EMPTY) & (stored[rows[wrong]] != keys[wrong])]
        return rows, at

    def put(self, keys: Words, rows: Ints, stored: Words) -> None:
        """Adds rows of keys that are not in the table; `stored` must hold their keys already."""
        if (self._used + len(keys)) * 2 > self._mask:
            self._grow(self._used + len(keys), stored)
        self._used += len(keys)
        at = (keys >> np.uint64(64 - self._bits)).astype(np.int64)
        while len(rows):
            free = self._slots[at] == EMPTY
            self._slots[at[free]] = rows[free]  # of several rows that want one slot, the last stays
            lost = self._slots[at] != rows
            at, rows = (at[lost] + 1) & self._mask, rows[lost]

    def replace(self, slots: Ints, rows: Ints) -> None:
        """Lets occupied slots point to other rows of the same keys."""
        self._slots[slots] = rows

    def rows(self) -> Ints:
        """Every row in the table."""
        rows: Ints = self._slots[self._slots != EMPTY]
        return rows

    def rebuild(self, rows: Ints, stored: Words) -> None:
        """Keeps these rows only."""
        self._clear(max(_FIRST_BITS, (4 * len(rows)).bit_length()))
        self.put(stored[rows], rows, stored)

    def _grow(self, wanted: int, stored: Words) -> None:
        rows = self.rows()
        self._clear((4 * wanted).bit_length())
        self.put(stored[rows], rows, stored)
