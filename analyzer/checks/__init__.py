"""Attempts to break an estimate, one file each: arrays and records in, a `Check` out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from analyzer.checks._material import Composition, Possible, Tool, Vintage
from analyzer.errors import NotEnoughData
from analyzer.records import Block, Check, Effect, Overlap, Specification, Verified

__all__ = [
    "MOST_COUNTRIES",
    "CheckRule",
    "Composition",
    "Evidence",
    "Floats",
    "Possible",
    "Tool",
    "Vintage",
    "direction",
    "excludes_one",
    "said",
    "size",
]

Floats = npt.NDArray[np.float64]
K = TypeVar("K", str, int)
MOST_COUNTRIES = 40  # enough for a rank of 2.5 %; each costs a twentieth of a second


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the checks of one series look at: the window of `horizon`, `steps` long from step `onset`.

    y, quality: shape (T,).  alone: the effect of a country at an onset step, same length, without donors
    (raises NotEnoughData).  others: countries without an event of their own, largest first.
    """

    horizon: str
    cc: str
    effect: Effect
    y: Floats
    quality: Floats
    onset: int
    steps: int
    gap: int  # steps between the base's end and onset
    alone: Callable[[str, int], Effect]
    others: tuple[str, ...]
    day: Callable[[int], str]  # a step as a date
    provisional_from: int | None  # first step that the source may still revise
    overlaps: tuple[Overlap, ...]
    # The window by another estimator of analyzer/estimators, donors in `members` by name; raises NotEnoughData.
    compared: Callable[[str], Effect] | None = None
    estimator: str = "replay"  # the one that gave `effect`
    # The window with its no-block level formed in another way; raises NotEnoughData.
    under: Callable[[Specification], Effect] | None = None
    indicator: str = ""
    entity: str = ""
    scale: str = "count"
    block: Block | None = None  # the block meant; None for a date or an event at which none is known
    daily: bool = False  # whether a step is a day
    donors: tuple[str, ...] = ()  # countries behind the no-block level, largest first
    excluded: Mapping[str, str] = field(default_factory=dict)  # listed as no control, with the reason
    # The same window on series of the country that the block should not move, or why one cannot be estimated.
    placebo_indicators: Callable[[], Mapping[str, Possible]] | None = None
    verified: Verified | None = None
    tool: Callable[[], Tool] | None = None  # None where the series is not one of a tool's users
    composition: Callable[[], Composition] | None = None  # None where the series is no share
    denominators: tuple[Vintage, ...] = ()  # as loaded, every vintage

    def elsewhere(self) -> dict[str, Effect]:
        """The same window in the other countries, where it can be estimated."""
        return _possible({cc: (cc, self.onset) for cc in self.others[:MOST_COUNTRIES]}, self.alone)

    def earlier(self, most: int) -> dict[int, Effect]:
        """Disjoint windows of the same length that end before the base does, latest first."""
        last = self.onset - self.gap - self.steps
        starts = range(last, 0, -max(self.steps, 1))
        return _possible({s: (self.cc, s) for s in list(starts)[:most]}, self.alone)


@dataclass(frozen=True, slots=True)
class CheckRule:
    """Declaration of one check."""

    name: str
    title: str
    run: Callable[[Evidence], Check]


def excludes_one(effect: Effect) -> bool:
    """True where the interval of the ratio does not hold 1."""
    return effect.ratio_low > 1 or effect.ratio_high < 1


def size(effect: Effect) -> float:
    """|log ratio| in units of the interval's half width, so that noisy series compare with quiet ones."""
    width = np.log(effect.expected_high) - np.log(max(effect.expected_low, 1e-9))
    return float(2 * abs(np.log(max(effect.ratio, 1e-9))) / max(width, 1e-9))


def said(effect: Effect) -> str:
    """`x1.93 (1.40 to 2.60)`."""
    return f"x{effect.ratio:.2f} ({effect.ratio_low:.2f} to {effect.ratio_high:.2f})"


def direction(effect: Effect) -> int:
    """1 where the whole interval of the ratio lies above 1, -1 where it lies below, else 0."""
    return int(effect.ratio_low > 1) - int(effect.ratio_high < 1)


def _possible(asked: dict[K, tuple[str, int]], alone: Callable[[str, int], Effect]) -> dict[K, Effect]:
    found = {}
    for key, (cc, onset) in asked.items():
        try:
            found[key] = alone(cc, onset)
        except NotEnoughData:
            continue
    return found
