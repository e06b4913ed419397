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
        self._basis = np.empty((0, protected.shape[1]), dtype=np.int64)
        self._pivots: list[int] = []

    def admits(self, member: Ints) -> bool:
        """Whether the sum of the cells marked 1 may be published beside those admitted before; if so, it is."""
        rest = (member - member[self._pivots] @ self._basis) % _PRIME
        if not rest.any():
            return True  # it follows from what is published, or holds no suppressed cell
        pivot = int(np.argmax(rest != 0))
        rest = rest * pow(int(rest[pivot]), -1, _PRIME) % _PRIME
        left = (self._protected - np.outer(self._protected[:, pivot], rest)) % _PRIME
        if not left.any(axis=1).all():
            return False
        self._protected = left
        self._basis = np.vstack(((self._basis - np.outer(self._basis[:, pivot], rest)) % _PRIME, rest))
        self._pivots.append(pivot)
        return True
