"""Which cells and sums may be published, so that none that rests on too few clients can be worked out.

A cell with fewer than k clients is suppressed.  Because sums over cells are published too, more has to be: the
smallest other cell of an hour in which a single one would be the difference to the total, likewise of a day, and
every sum from which, together with those already published, a small cell follows by linear algebra.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from analyzer.aggregates.members import Ints

    Flags = npt.NDArray[np.bool_]

_PRIME = 1_048_573  # ranks are taken modulo this prime: exact in integers; a false zero suppresses, never publishes


def too_few(seen: Ints, k: int) -> Flags:
    """Which cells rest on fewer than k clients; 0 seen means that none of a cell's clients is in the sample."""
    return seen < k if k > 1 else np.zeros(len(seen), dtype=np.bool_)


def complemented(hidden: Flags, seen: Ints, groups: tuple[Ints, ...], k: int) -> Flags:
    """Hidden cells, and the smallest others until each group hides none, or at least two with k clients in sum.

    A group that has nothing left to hide stays as it is.  `groups` are several ways to group the same cells.
    """
    hidden = hidden.copy()
    changed = True
    while changed:
        changed = False
        for group in groups:
            more = _smallest_of_needy(hidden, seen, group, k)
            hidden[more] = True
            changed = changed or bool(len(more))
    return hidden


def _smallest_of_needy(hidden: Flags, seen: Ints, group: Ints, k: int) -> Ints:
    _, index = np.unique(group, return_inverse=True)
    number = np.bincount(index, weights=hidden)
    clients = np.bincount(index, weights=np.where(hidden, seen, 0))
    needy = (number > 0) & ((number < 2) | (clients < k))
    shown = np.flatnonzero(needy[index] & ~hidden)
    order = shown[np.lexsort((seen[shown], index[shown]))]
    _, firsts = np.unique(index[order], return_index=True)
    return order[firsts]


class Guard:
    """Admits sums of suppressed cells to publication as long as nothing protected follows from them.

    protected: one row per value to protect, one column per suppressed cell, 1 where the cell is part of the value.
    """

    def __init__(self, protected: Ints) -> None:
        self._protected = protected % _PRIME
        self._basis = np.zeros((protected.shape[1], protected.shape[1]), dtype=np.int64)  # reduced row echelon form
        self._pivots = np.empty(0, dtype=np.int64)

    def admits(self, member: Ints) -> bool:
        """Whether the sum of the cells marked 1 may be published beside those admitted before; if so, it is."""
        parts = np.flatnonzero(member[self._pivots])
        rest = (member - member[self._pivots[parts]] @ self._basis[parts]) % _PRIME
        if not rest.any():
            return True  # it follows from what is published, or holds no suppressed cell
        pivot = int(np.argmax(rest != 0))
        rest = rest * pow(int(rest[pivot]), -1, _PRIME) % _PRIME
        rows, left = _without(self._protected, pivot, rest)
        if not left.any(axis=1).all():
            return False
        self._protected[rows] = left
        rows, left = _without(self._basis, pivot, rest)
        self._basis[rows] = left
        self._basis[len(self._pivots)] = rest
        self._pivots = np.append(self._pivots, pivot)
        return True


def _without(matrix: Ints, pivot: int, row: Ints) -> tuple[Ints, Ints]:
    """The rows that have something in the pivot's column, and what they become when that is taken out."""
    rows = np.flatnonzero(matrix[:, pivot])
    return rows, (matrix[rows] - np.outer(matrix[rows, pivot], row)) % _PRIME
