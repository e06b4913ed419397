"""The breakdown value of a change in plain lines: what would explain it, and what matched events did elsewhere."""

from __future__ import annotations

from collections.abc import Sequence

from analyzer.records import Breakdown
from analyzer.verdicts import FEWEST_PLACEBOS, in_words, kind_words


def lines(found: Sequence[Breakdown]) -> list[str]:
    """One sentence on the shock that would explain the change, one per kind of matched event, one on ordinary dates."""
    if not found:
        return []
    first = found[0]
    matched = [_placebos(b) for b in found]
    same = f"{first.ordinary_n} ordinary dates of the same weekday before the block"
    ordinary = f"{same}{_ranked(first.ordinary_rank, first.ordinary_n)}"
    return [
        f"breakdown ({first.horizon}): {in_words(first)[0]}",
        *(f"placebos: {said}" for said in (*matched, ordinary)),
    ]


def said_already(found: Sequence[Breakdown]) -> frozenset[str]:
    """Reasons of a row that these lines say."""
    return frozenset(said for b in found for said in in_words(b))


def _placebos(b: Breakdown) -> str:
    said = in_words(b)[1:]
    return f"{said[0]}{_ranked(b.rank, b.placebo_n)}" if said else f"these series show no {kind_words(b.contexts)}"


def _ranked(rank: int | None, n: int) -> str:
    if rank is None or n == 0:
        return ""
    few = f"; below {FEWEST_PLACEBOS} of them no 5 % claim" if n < FEWEST_PLACEBOS else ""
    return f"; the change has rank {rank} of {n + 1}{few}"
