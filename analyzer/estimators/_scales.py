"""Scales: how a step becomes a number on which changes are relative, and how a level becomes a total again.

`count`, `level`, `rank` and `index` are modelled on logs, `share` on logits.  A series is carried as numerator and
denominator (denominator 1 where there is none), so that windows of every scale are totals of numerators.  A count with
exposure is a rate: its level is per unit of exposure, its totals are those at the exposure that was observed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import expit, logit

from analyzer.estimators import _calendar, _grain

if TYPE_CHECKING:
    from analyzer.estimators._inputs import Bools, Question
    from analyzer.records import Floats

COUNTED = 5.0  # a usual denominator from which on it is a number of things, and not a weight near 1
Ends = tuple[float, float, float]  # low, middle, high
MOVED = 2.0  # a denominator that changes by more than this factor is said
NOTHING = 1e-9
TOP = 1.0  # the best rank


@dataclass(frozen=True, slots=True)
class Measure:
    """A series on its scale."""

    top: Floats  # (T,) numerators, NaN = missing
    bottom: Floats  # (T,) denominators
    is_share: bool
    offset: float  # keeps a zero finite: half of a count
    unit: float  # variance of one counted unit relative to its mean; 1 for counts, 0 where nothing is counted
    grain: float  # the smallest step of the values: rounding is noise too
    usual: float = 0.5  # share or rate to which steps with a small denominator are drawn; 0 = there is no denominator
    coarse: bool = False  # the grain is large enough to hide levels between two values
    least: float = 0.0  # no step can be below it

    @property
    def _prior(self) -> tuple[float, float]:
        """Counts added to numerator and denominator: half of the rarer outcome, so that the usual value stays put."""
        if self.usual <= 0:
            return self.offset, 0.0
        rarer = min(self.usual, 1 - self.usual) if self.is_share else self.usual
        return self.offset / rarer * self.usual, self.offset / rarer

    def link(self) -> Floats:
        """(T,) every step on the modelling scale."""
        above, below = self._prior
        if self.is_share:
            return _logit(self.top + above, self.bottom + below)
        return np.asarray(np.log(np.maximum(self.top + above, 1e-300)) - np.log(self.bottom + below))

    def unlink(self, link: Floats) -> Floats:
        """(T,) numerators of steps on the modelling scale."""
        above, below = self._prior
        if self.is_share:
            return np.asarray(expit(link) * (self.bottom + below) - above)
        return np.asarray(np.exp(np.minimum(link, 690.0)) * (self.bottom + below) - above)

    def path(self) -> Floats:
        """(T,) what the denominators add to every step's level: logs for a rate, nothing otherwise."""
        return np.zeros(self.bottom.size) if self.is_share else np.log(self.bottom)

    def window_link(self, total: Floats, weight: Floats) -> Floats:
        """Window totals on the modelling scale; `weight` sums exp(factors), or denominators for a share."""
        if self.is_share:
            return _logit(total + self.offset, weight + 2 * self.offset)
        return np.asarray(np.log(np.maximum(total + self.offset, 1e-300)) - np.log(weight))

    def steps(self, level: float | Floats, factors: Floats, bottom: Floats) -> Floats:
        """Expected numerators per step at `level`."""
        if self.is_share:
            return np.asarray(expit(level + factors) * bottom)
        # exp(690) is near the largest double
        return np.asarray(np.maximum(np.exp(np.minimum(level + factors, 690.0)), self.least))

    def noise(self, total: float, weight: float, steps: int) -> float:
        """The least variance a window total can have on the modelling scale: counting and rounding."""
        total = max(total, self.offset, 1e-300)
        share = min(total / weight, 1 - 1e-9) if self.is_share and weight > 0 else 0.0
        counting = self.unit / (total * (1 - share))
        rounding = max(steps, 1) / 12 * (self.grain / (total * (1 - share))) ** 2
        return float(min(counting + rounding + 1e-16, 4.0))

    def skewed(self, ends: Ends, quantile: float, total: float, weight: float) -> Ends:
        """Ends of the interval around a level, bent as counts are: further down than up where little is counted.

        Only for shares and rates.  The square root of a count has nearly constant spread (Anscombe 1948); rarities of
        the other outcome of a share bend the other way.
        """
        if self.usual <= 0 or self.unit == 0 or total <= 0:
            return ends
        parts = [total, weight - total] if self.is_share else [total, np.inf]
        down, up = _bent(parts[0] / self.unit, quantile), _bent(parts[1] / self.unit, quantile)
        low, middle, high = ends
        even = quantile**2 * sum(self.unit / max(part, self.unit) for part in parts)
        below = np.sqrt(max((middle - low) ** 2 - even, 0.0) + down[0] ** 2 + up[1] ** 2)
        above = np.sqrt(max((high - middle) ** 2 - even, 0.0) + down[1] ** 2 + up[0] ** 2)
        return float(middle - below), middle, float(middle + above)

    def whole(self, low: float, high: float, weight: float) -> tuple[float, float]:
        """Ends of a total of cases: below one case there may be none, and within one of all of them it may be all.

        Only for shares and rates, whose totals are cases.
        """
        if self.usual <= 0 or self.unit == 0:
            return low, high
        return 0.0 if low < 1 else low, weight if self.is_share and high > weight - 1 else high

    def unseen(self, total: float, weight: float, steps: int, base: slice) -> float:
        """Variance that earlier windows cannot show: levels between two printed values, denominators that shrank."""
        return min(self._between(total, steps, base) + self._fewer(weight, steps, base), 4.0)

    def _between(self, total: float, steps: int, base: slice) -> float:
        if not self.coarse:
            return 0.0
        mean = max(total / max(steps, 1), self.grain / 2)
        return _grain.common_error(self.top[base], self.grain) * (self.grain / mean) ** 2

    def _fewer(self, weight: float, steps: int, base: slice) -> float:
        """What the sampling variance of this window has more than that of a window with the usual denominators."""
        known = self.bottom[base][np.isfinite(self.top[base])]
        if self.unit == 0 or self.usual <= 0 or known.size == 0 or steps == 0:
            return 0.0
        rare = self.usual * (1 - self.usual) if self.is_share else self.usual
        fewer = max(1 / max(weight, 1e-300) - 1 / (steps * float(known.mean())), 0.0) / rare
        return fewer * self._dispersion(base, rare) if fewer > 0 else 0.0

    def _dispersion(self, base: slice, rare: float) -> float:
        """Factor on the binomial part of a step's variance, from how residuals grow as denominators shrink; at least 1.

        Squared residuals are regressed on the binomial variance with an intercept: the part that no denominator makes
        smaller (beta-binomial, Skellam 1948) is in the errors of earlier windows already.
        """
        link = self.link()[base]
        residual = (link - _calendar.rolling_median(link, 3, 3)) ** 2
        variance = 1 / (self.bottom[base] * rare)
        known = np.isfinite(residual) & np.isfinite(variance)
        if known.sum() < 20:
            return 1.0
        square, variance = residual[known] / variance[known], variance[known]
        most = float(np.mean(square))
        weight = 1 / variance - np.mean(1 / variance)
        if np.std(1 / variance) < 0.2 * np.mean(1 / variance):  # denominators that hardly vary cannot tell the parts
            return max(most, 1.0)
        slope = float(np.sum(weight * square) / np.sum(weight**2))
        return float(np.clip(most - slope * np.mean(1 / variance), 1.0, max(most, 1.0)))


def _bent(count: float, quantile: float) -> tuple[float, float]:
    """Distances on logs down to and up to the quantiles of a count, from those of its square root."""
    if not np.isfinite(count):
        return 0.0, 0.0
    part = min(quantile / (2 * np.sqrt(max(count, 1.0))), 0.9)
    return float(-2 * np.log1p(-part)), float(2 * np.log1p(part))


def _logit(top: Floats, bottom: Floats) -> Floats:
    # Clipped: sums by differences may pass a share of 0 or 1 in the last digit.
    return np.asarray(logit(np.clip(top / bottom, 1e-9, 1 - 1e-9)))


def settled(question: Question) -> Question:
    """The question with steps that cannot be read taken out, and censored ones at the bound that is known of them.

    Raises ValueError for values that the scale does not have.
    """
    if question.censored.any() and question.scale in ("count", "level", "share"):
        raise ValueError("censored goes with the scales rank and index; a count that was not given is NaN")
    flagged = censored_steps(question)
    if flagged.any():
        stated = flagged & np.isfinite(question.y) & (question.y > 0)
        bound = np.where(stated, question.y, chart_limit(question))
        return replace(question, y=np.where(flagged, bound, question.y), censored=flagged)
    if question.exposure is None or question.scale not in ("count", "share"):
        return question
    with np.errstate(invalid="ignore"):
        # Sums by differences lose what is far below the largest: such a denominator is none.
        there = question.exposure > NOTHING * np.nanmax(question.exposure, initial=0.0)
    return replace(question, y=np.where(there, question.y, np.nan))


def _counts(question: Question) -> Measure:
    y, exposure = question.y, question.exposure
    values = y[np.isfinite(y)]
    whole = bool(np.all(values == np.round(values))) and values.size > 0
    # Traffic in gigabytes is not counted in ones: its noise floor is rounding and 1 % a step, not Poisson.
    step = _grain.common_step(values) if whole else _grain.smallest_step(y)
    positive = values[values > 0]
    middle = float(np.median(positive)) if positive.size else 1.0
    unit = _grain.dispersion(values, step) if whole else 1e-4 * middle
    # Half of what is counted at once keeps the mean of logs at the log of the mean.
    half = 0.5 * unit if whole else 0.5 * float(positive.min(initial=1.0))
    made = Measure(y, np.ones_like(y), False, half, unit, step, 0.0, whole and step > 1)
    if exposure is None:
        return made
    bottom = np.where(np.isfinite(y), exposure, np.nan)
    past = np.isfinite(bottom[: question.onset])
    rate = float(y[: question.onset][past].sum() / max(bottom[: question.onset][past].sum(), 1e-300))
    return replace(made, bottom=bottom, usual=rate)


def _levels(y: Floats) -> Measure:
    """Traffic or connectivity against a level of its own: nothing is counted, and a zero is a zero."""
    positive = y[np.isfinite(y) & (y > 0)]
    middle = float(np.median(positive)) if positive.size else 1.0
    return Measure(y, np.ones_like(y), False, 0.01 * middle, 1e-4 * middle, min(_grain.smallest_step(y), 0.01 * middle))


def _shares(question: Question) -> Measure:
    y, exposure = question.y, question.exposure
    if exposure is None:
        if np.nanmax(y, initial=0.0) > 1:
            raise ValueError("a share lies between 0 and 1; hand over the denominator as exposure, or divide by 100")
        grain = _grain.smallest_step(y)
        return Measure(y, np.ones_like(y), True, _half_of_the_least(y), 0.0, grain)
    bottom = np.where(np.isfinite(y), exposure, np.nan)
    top = y * bottom if _given_as_share(y) else y
    if (top > bottom * (1 + 1e-9)).any():
        raise ValueError("exposure is smaller than y at some step: it must be the denominator of the share")
    # Denominators are counts only where they are large enough to be; weights near 1 carry no sample size.
    counted = float(np.nanmedian(bottom)) >= COUNTED if np.isfinite(bottom).any() else False
    usual = _usual_share(top[: question.onset], bottom[: question.onset]) if counted else 0.5
    return Measure(top, bottom, True, 0.5 if counted else 1e-3, 1.0 if counted else 0.0, 0.0, usual)


def _given_as_share(y: Floats) -> bool:
    """Values between 0 and 1 with a fraction among them; zeros and ones alone are numerators."""
    values = y[np.isfinite(y)]
    return bool(values.max(initial=0.0) <= 1 and (values != np.round(values)).any())


def _usual_share(top: Floats, bottom: Floats) -> float:
    known = np.isfinite(top) & np.isfinite(bottom)
    total, weight = float(top[known].sum()), float(bottom[known].sum())
    return float(np.clip((total + 0.5) / (weight + 1), 1e-9, 1 - 1e-9)) if weight > 0 else 0.5


def _half_of_the_least(y: Floats) -> float:
    """Half of what the smallest shares that are not 0 (or 1) lie away from it; nothing where no step is 0 or 1."""
    known = y[np.isfinite(y)]
    away = np.minimum(known, 1 - known)
    inside = away[away > 0]
    if inside.size == 0:
        return 0.005
    return 0.5 * float(np.quantile(inside, 0.05)) if inside.size < away.size else 0.0


def measure(question: Question) -> Measure:
    """The series of a settled question on its scale; censored steps are read at the value they stand at."""
    if question.scale == "share":
        return _shares(question)
    if question.scale == "count":
        return _counts(question)
    if question.scale == "level":
        return _levels(question.y)
    floor = np.maximum(question.y, 1e-9)
    least = TOP if question.scale == "rank" else 0.0
    return Measure(floor, np.ones_like(floor), False, 0.0, 0.0, 1.0, 0.0, True, least)


def notes(question: Question, measured: Measure, base: slice) -> tuple[str, ...]:
    """What a reader has to know of the scale of this series."""
    found = []
    if question.scale == "count" and measured.coarse:
        found.append(f"the values come in steps of {measured.grain:g}: what lies between two of them is not known")
    if question.scale == "index":
        found += _rounding_note(question.y[base])
    if question.scale == "rank":
        found += _top_note(question.y[question.window])
    if question.exposure is not None:
        found += _moved_note(measured.bottom, base, question.window)
    return tuple(found)


def _rounding_note(y: Floats) -> list[str]:
    known = y[np.isfinite(y)]
    middle = float(np.median(known)) if known.size else 0.0
    if not 0 < middle <= 5:
        return []
    return [f"the index stands at {middle:g} before onset: rounding to whole numbers alone is +-{50 / middle:.0f} %"]


def _top_note(y: Floats) -> list[str]:
    at_top = int(np.sum(y == TOP))
    return [f"{at_top} steps of the window are at rank 1, the best there is: the change is at least this size"] * bool(
        at_top
    )


def _moved_note(bottom: Floats, base: slice, window: slice) -> list[str]:
    before, now = bottom[base], bottom[window]
    if not np.isfinite(before).any() or not np.isfinite(now).any():
        return []
    change = float(np.nanmedian(now) / np.nanmedian(before))
    if 1 / MOVED < change < MOVED:
        return []
    return [
        f"the denominator is x{change:.2g} of what it was before: who is counted may have changed, not what they do"
    ]


def censored_steps(question: Question) -> Bools:
    """Steps known only as beyond the chart (rank), or below the threshold (index: flagged, or zero)."""
    if question.scale == "rank":
        return question.censored
    if question.scale == "index":
        return np.asarray(question.censored | (question.y == 0))
    return np.zeros(question.y.size, bool)


def chart_limit(question: Question) -> float:
    """The last rank the chart shows, or the threshold below which an index is not printed."""
    flagged, y = censored_steps(question), question.y
    stated = y[flagged & np.isfinite(y) & (y > 0)]
    plain = y[~flagged & np.isfinite(y)]
    if question.scale == "rank":
        return float(max(stated.max(initial=0.0), plain.max(initial=0.0), 1.0))
    if stated.size:
        return float(stated.max())
    return float(min(plain.min(initial=1.0), 1.0)) or 1.0
