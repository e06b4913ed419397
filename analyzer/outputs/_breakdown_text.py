"""The breakdown value of a change in plain lines: what would explain it, and what matched events did elsewhere."""

from __future__ import annotations

from collections.abc import Sequence

from analyzer.records import Breakdown
from analyzer.verdicts import FEWEST_PLACEBOS, in_words, kind_words


def lines(found: Sequence[Breakdown]) -> list[str]:
    """One sentence on the shock that would explain the change, one per kind of matched event, one on ordinary dates."""
    if not found:
        return []
    first, same = found[0], "ordinary dates of the same weekday"
    rank = f", this change has rank {first.ordinary_rank} of {first.ordinary_n + 1}" if first.ordinary_rank else ""
    ordinary = f"{first.ordinary_n} {same} before the block{rank}{_few(first.ordinary_n)}"
    placebos = [f"placebos: {said}" for said in (*map(_matched, found), ordinary)]
    return [f"breakdown ({first.horizon}): {in_words(first)[0]}", *placebos]


def said_already(found: Sequence[Breakdown]) -> frozenset[str]:
    """Reasons of a row that these lines say."""
    return frozenset(said for b in found for said in in_words(b))


def _matched(b: Breakdown) -> str:
    said = in_words(b)[1:]
    return f"{said[0]}{_few(b.placebo_n)}" if said else f"these series show no {kind_words(b.contexts)}"


def _few(n: int) -> str:
    return f"; below {FEWEST_PLACEBOS} of them no 5 % claim" if n < FEWEST_PLACEBOS else ""
