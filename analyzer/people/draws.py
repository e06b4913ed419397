"""Inputs that are not known exactly, and what follows from them: draws on the log scale, quantiles of the result."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from typing import Literal

import numpy as np
import numpy.typing as npt

from analyzer.quantities import Quantity

Floats = npt.NDArray[np.float64]
Knowledge = Literal["exact", "interval", "stated", "survey"]

DRAWS = 8_000  # a quantile of 2.5 % then has a standard error of 0.17 points
_Z = 1.959963984540054
_TAILS = (0.025, 0.5, 0.975)


@dataclass(frozen=True, slots=True)
class Uncertain:
    """A positive number as far as it is known.

    how: `exact`; `interval`, low and high are a 95 % interval around middle (normal on logs on either side; on log
    odds for a share); `stated`, it lies between low and high, anywhere on the log scale alike; `survey`, a share of `n`
    answers (Beta with Jeffreys' prior; Brown, Cai & DasGupta 2001), n divided by the design effect already.
    Raises ValueError for numbers that are not finite, negative or out of order.
    """

    low: float
    middle: float
    high: float
    how: Knowledge = "interval"
    is_share: bool = False
    n: float = 0.0

    def __post_init__(self) -> None:
        if not all(math.isfinite(v) for v in (self.low, self.middle, self.high)):
            raise ValueError("low, middle and high must be finite numbers")
        if not 0 <= self.low <= self.middle <= self.high:
            raise ValueError(f"low, middle and high must be 0 or more and in order, not {self.low:g}, {self.middle:g}, "
                             f"{self.high:g}")  # fmt: skip
        if self.is_share and self.high > 1:
            raise ValueError(f"a share is at most 1, not {self.high:g}: per cent have to be divided by 100")
        if self.how == "stated" and self.low <= 0:
            raise ValueError("a stated range must begin above 0: it is read on the log scale")
        if self.how == "survey" and not (self.is_share and math.isfinite(self.n) and self.n >= 1):
            raise ValueError("a survey needs a share and the number of its answers")

    def draw(self, rng: np.random.Generator, size: int = DRAWS) -> Floats:
        """(size,) values it may have."""
        if self.how == "exact" or (self.low == self.high and self.how != "survey"):
            return np.full(size, self.middle)
        if self.how == "survey":
            return rng.beta(self.middle * self.n + 0.5, (1 - self.middle) * self.n + 0.5, size)
        if self.how == "stated":
            return np.exp(rng.uniform(math.log(self.low), math.log(self.high), size))
        return self._around_middle(rng.standard_normal(size))

    def _around_middle(self, z: Floats) -> Floats:
        if self.middle == 0:
            above: Floats = self.high * np.abs(z) / _Z  # nothing seen: a half-normal whose 95 % lie below high
            return np.minimum(above, 1.0) if self.is_share else above
        low, middle, high = (_scaled(v, self.middle, self.is_share) for v in (self.low, self.middle, self.high))
        side = np.where(z < 0, middle - low, high - middle) / _Z
        moved = middle + side * z
        return 1 / (1 + np.exp(-moved)) if self.is_share else np.exp(moved)


def exact(value: float, *, is_share: bool = False) -> Uncertain:
    """A number that is taken as it is."""
    return Uncertain(value, value, value, "exact", is_share)


def _scaled(value: float, middle: float, is_share: bool) -> float:
    """Its logarithm, or log odds; an end at 0 (or a share of 1) is put a million times nearer than the middle."""
    value = max(value, middle * 1e-6)
    if not is_share:
        return math.log(value)
    value = min(value, 1 - (1 - middle) * 1e-6, 1 - 1e-15)
    return math.log(value / (1 - value))


def generator(seed: int) -> np.random.Generator:
    """The same numbers for the same seed, everywhere."""
    return np.random.default_rng(seed)


def summed_up(kind: type[Quantity], values: Floats) -> tuple[float, float, float]:
    """2.5, 50 and 97.5 % quantiles; ValueError, naming the kind, where a draw is no number."""
    if not np.isfinite(values).all():
        raise ValueError(f"the inputs are too large for a number of {kind.noun}")
    low, middle, high = (float(q) for q in np.quantile(values, _TAILS))
    return low, middle, high


def at_worst(call: Callable[..., Quantity], *inputs: Uncertain) -> tuple[float, float] | None:
    """Least low and largest high of a route with every stated range at either of its ends; None where none is stated.

    The 95 % range of draws takes a stated range as if any place in it were alike; this one does not.
    """
    if not any(u.how == "stated" for u in inputs):
        return None
    corners = product(*((exact(u.low), exact(u.high)) if u.how == "stated" else (u,) for u in inputs))
    found = [call(*corner) for corner in corners]
    return min(q.low for q in found), max(q.high for q in found)
