"""Numbers as callers hand them over: read as numbers or refused by the argument's name, never guessed at."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from analyzer.errors import NotEnoughData
from analyzer.records import Pool

if TYPE_CHECKING:
    from analyzer.records import Floats

LARGEST = 1e100  # sums and logs of values between 1e-100 and 1e100 are exact enough for every later step
TALLEST = 1e9  # times the median: running sums of doubles lose ordinary steps beside a taller one


def numbers(values: Any, name: str) -> Floats:
    """A float copy of what was handed over; masked entries are NaN.  Raises ValueError where it holds no numbers."""
    if np.ma.isMaskedArray(values):
        values = np.ma.filled(values.astype(float), np.nan)
    try:
        raw = np.array(values)
        if raw.dtype.kind in "cmM":
            raise ValueError(f"it holds {raw.dtype}")
        return raw.astype(float)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} must hold one number per step, NaN where it is missing: {error}") from None


def pairs(events: Sequence[Sequence[int]], name: str) -> list[tuple[int, int]]:
    """(start, end) pairs as whole numbers.  Raises ValueError where they are anything else."""
    try:
        return [(operator.index(start), operator.index(end)) for start, end in events]
    except (TypeError, ValueError):
        shown = f"{events!r:.80}"
        raise ValueError(
            f"{name} must hold (start, end) pairs of whole steps, with end not before start: {shown}"
        ) from None


def fraction(value: Any, name: str) -> float:
    """A number between 0 and 1, neither of them."""
    try:
        given = float(value)
    except (TypeError, ValueError):
        given = np.nan
    if not 0 < given < 1:
        raise ValueError(f"{name} must lie between 0 and 1, not {value!r}")
    return given


def lent(pool: Any) -> Pool | None:
    """The pool itself.  Raises ValueError where it is none, or holds what is no number."""
    if pool is None:
        return None
    if not isinstance(pool, Pool):
        raise ValueError(f"pool must be a Pool or None, not {type(pool).__name__}")
    held = (*np.ravel(pool.errors), *np.ravel(pool.scales), pool.replications)
    if not np.isfinite(held).all():
        raise ValueError("pool holds an error or a scale that is not finite")
    return pool


def countable(y: Floats, onset: int, scale: str) -> None:
    """Raises NotEnoughData where y holds values that no indicator has and that arithmetic would not survive."""
    positive = y[y > 0]
    if positive.size and not (positive.min() >= 1 / LARGEST and positive.max() <= LARGEST):
        worst = positive.max() if positive.max() > LARGEST else positive.min()
        raise NotEnoughData(f"y holds {worst:g} at step {int(np.flatnonzero(y == worst)[0])}: no indicator counts that")
    if scale == "rank" and (y < 1).any():
        raise NotEnoughData(f"y holds a rank below 1 at step {int(np.flatnonzero(y < 1)[0])}; the first rank is 1")
    before = y[:onset]
    known = before[before > 0]
    if known.size and known.max() > TALLEST * np.median(known):
        step = int(np.flatnonzero(before == known.max())[0])
        raise NotEnoughData(
            f"y holds {known.max():g} at step {step}, over a thousand million times the usual; "
            "a faulty step has to be set to missing"
        )
