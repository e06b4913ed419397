"""What is handed to a route: one estimate with its unit, type, dates and path; the denominator with its vintage."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np

from analyzer.errors import NotEnoughData
from analyzer.people.draws import Floats, Uncertain, exact
from analyzer.quantities import Quantity
from analyzer.records import Estimate, IndicatorType

CANNOT = "cannot be converted to people"
NO_ESTIMATE = "there is no estimate to convert"


@dataclass(frozen=True, slots=True)
class Denominator:
    """Internet users of a country: value, what other vintages of the same year give, and where it is from."""

    value: float
    year: int
    vintage: str  # source, file, day of retrieval
    low: float
    high: float

    def uncertain(self) -> Uncertain:
        """A range where vintages differ, else the number."""
        return exact(self.value) if self.low == self.high else Uncertain(self.low, self.value, self.high, "stated")

    def named(self) -> str:
        """Name, value, year and vintage."""
        others = f"; other vintages: {self.low:,.0f} to {self.high:,.0f}" if self.low != self.high else ""
        return f"internet users: {self.value:,.0f} in {self.year} ({self.vintage}{others})"


@dataclass(frozen=True, slots=True)
class Case:
    """One estimate and what a route has to know of it.

    before: first day that is not before the block (nor, for a chain, before its first block).  steps: observed steps of
    the window, None where they are not known.  observed, expected: (T,) path of the window, NaN = missing, None where
    it is not at hand.  lasting: the block was in force when the window ended, None = not known.  networks: how many
    networks (AS) of this country the store has for the indicator and entity.
    """

    estimate: Estimate
    unit: str
    type: IndicatorType | None
    before: date
    steps: int | None = None
    step_days: float = 1.0
    observed: Floats | None = None
    expected: Floats | None = None
    lasting: bool | None = None
    networks: int = 1

    def ratio(self) -> Uncertain:
        """Observed over expected with its interval.  Raises NotEnoughData where there is no two-sided one."""
        e = self.estimate
        if e.ratio is None or e.ratio_low is None or e.ratio_high is None or not np.isfinite(e.ratio_high):
            raise NotEnoughData("the estimate gives no two-sided ratio")
        return _ordered(e.ratio_low, e.ratio, e.ratio_high)

    def mean_expected(self, *, is_share: bool = False) -> Uncertain:
        """Expected level of an average step.  Raises NotEnoughData without an interval or the number of steps."""
        return self._expected(self._steps(), is_share)

    def total_expected(self) -> Uncertain:
        """Expected total of the window."""
        return self._expected(1, is_share=False)

    def mean_observed(self) -> float:
        """Observed level of an average step."""
        return (self.estimate.observed or 0.0) / self._steps()

    def _steps(self) -> int:
        if not self.steps:
            raise NotEnoughData("how many steps of the window were observed is not known, so that it has no average")
        return self.steps

    def _expected(self, steps: int, is_share: bool) -> Uncertain:
        e = self.estimate
        if e.expected is None or e.expected_low is None or e.expected_high is None:
            raise NotEnoughData("the estimate gives no two-sided expected level")
        found = _ordered(e.expected_low / steps, e.expected / steps, e.expected_high / steps)
        return Uncertain(found.low, found.middle, found.high, "interval", is_share)


@dataclass(frozen=True, slots=True)
class Found:
    """What a route gave: the range, the route in words, what is counted in words, what a reader has to know."""

    range: Quantity
    route: str
    quantity: str
    notes: tuple[str, ...]
    worst: tuple[float, float] | None = None  # with every stated range at its ends
    is_of_tool: bool = True  # one tool among others: bounds over several make sense
    is_national: bool = True


def _ordered(low: float, middle: float, high: float) -> Uncertain:
    """An envelope over onsets may leave the middle outside its own ends by rounding."""
    return Uncertain(max(min(low, middle), 0.0), middle, max(middle, high))
