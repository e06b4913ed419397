"""Scales: how a step becomes a number on which changes are relative, and how a level becomes a total again.

`count`, `level`, `rank` and `index` are modelled on logs, `share` on logits.  A series is carried as numerator and
denominator (denominator 1 where there is none), so that windows of every scale are totals of numerators.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import expit, logit

if TYPE_CHECKING:
    from analyzer.estimators._inputs import Bools, Question
    from analyzer.records import Floats


@dataclass(frozen=True, slots=True)
class Measure:
    """A series on its scale."""

    top: Floats  # (T,) numerators, NaN = missing
    bottom: Floats  # (T,) denominators
    is_share: bool
    offset: float  # keeps a zero finite: half of a count
    unit: float  # variance of one counted unit relative to its mean; 1 for counts, 0 where nothing is counted
    grain: float  # the smallest step of the values: rounding is noise too

    def link(self) -> Floats:
        """(T,) every step on the modelling scale."""
        if self.is_share:
            return _logit(self.top, self.bottom, self.offset)
        return np.asarray(np.log(np.maximum(self.top + self.offset, 1e-300)))

    def unlink(self, link: Floats) -> Floats:
        """(T,) numerators of steps on the modelling scale."""
        if self.is_share:
            return np.asarray(expit(link) * (self.bottom + 2 * self.offset) - self.offset)
        return np.asarray(np.exp(np.minimum(link, 690.0)) - self.offset)

    def window_link(self, total: Floats, weight: Floats) -> Floats:
        """Window totals on the modelling scale; `weight` sums exp(factors), or denominators for a share."""
        if self.is_share:
            return _logit(total, weight, self.offset)
        return np.asarray(np.log(np.maximum(total + self.offset, 1e-300)) - np.log(weight))

    def steps(self, level: float | Floats, factors: Floats, bottom: Floats) -> Floats:
        """Expected numerators per step at `level`."""
        if self.is_share:
            return np.asarray(expit(level + factors) * bottom)
        return np.asarray(np.exp(np.minimum(level + factors, 690.0)))  # exp(690) is near the largest double

    def noise(self, total: float, weight: float, steps: int) -> float:
        """The least variance a window total can have on the modelling scale: counting and rounding."""
        total = max(total, self.offset, 1e-300)
        share = min(total / weight, 1 - 1e-9) if self.is_share and weight > 0 else 0.0
        counting = self.unit / (total * (1 - share))
        rounding = max(steps, 1) / 12 * (self.grain / (total * (1 - share))) ** 2
        return float(min(counting + rounding + 1e-16, 4.0))


def _logit(top: Floats, bottom: Floats, offset: float) -> Floats:
    # Clipped: sums by differences may pass a share of 0 or 1 in the last digit.
    return np.asarray(logit(np.clip((top + offset) / (bottom + 2 * offset), 1e-9, 1 - 1e-9)))


def _grain(values: Floats) -> float:
    """The smallest distance between two different values, at most the smallest positive one."""
    distinct = np.unique(values[np.isfinite(values)])
    if distinct.size == 0:
        return 1.0
    positive = distinct[distinct > 0]
    gaps = np.diff(distinct)
    scale = float(positive[0]) if positive.size else 1.0
    return float(min(gaps.min(initial=scale), scale))


def _counts(y: Floats) -> Measure:
    values = y[np.isfinite(y)]
    whole = bool(np.all(values == np.round(values))) and values.size > 0
    # Traffic in gigabytes is not counted in ones: its noise floor is rounding and 1 % a step, not Poisson.
    grain = 1.0 if whole else _grain(y)
    positive = values[values > 0]
    half = 0.5 if whole else 0.5 * float(positive.min(initial=1.0))
    middle = float(np.median(positive)) if positive.size else 1.0
    return Measure(y, np.ones_like(y), False, half, 1.0 if whole else 1e-4 * middle, grain)


def _levels(y: Floats) -> Measure:
    """Traffic or connectivity against a level of its own: nothing is counted, and a zero is a zero."""
    positive = y[np.isfinite(y) & (y > 0)]
    middle = float(np.median(positive)) if positive.size else 1.0
    return Measure(y, np.ones_like(y), False, 0.01 * middle, 1e-4 * middle, min(_grain(y), 0.01 * middle))


def _shares(question: Question) -> Measure:
    y, exposure = question.y, question.exposure
    given_as_share = bool(np.nanmax(y, initial=0.0) <= 1)
    if exposure is None:
        if not given_as_share:
            raise ValueError("a share lies between 0 and 1; hand over the denominator as exposure, or divide by 100")
        return Measure(y, np.ones_like(y), True, 0.5 * min(_grain(y), 0.01), 0.0, _grain(y))
    bottom = np.where(exposure > 0, exposure, np.nan)
    top = y * bottom if given_as_share else np.where(np.isfinite(bottom), y, np.nan)
    if (top > bottom * (1 + 1e-9)).any():
        raise ValueError("exposure is smaller than y at some step: it must be the denominator of the share")
    # Denominators are counts only where they are large enough to be; weights near 1 carry no sample size.
    counted = float(np.nanmedian(bottom)) >= 5 if np.isfinite(bottom).any() else False
    return Measure(top, bottom, True, 0.5 if counted else 1e-3, 1.0 if counted else 0.0, 0.0)


def measure(question: Question) -> Measure:
    """The series of the question on its scale; censored steps are filled in by `fill_censored` before this."""
    if question.scale == "share":
        return _shares(question)
    if question.scale == "count":
        return _counts(question.y)
    if question.scale == "level":
        return _levels(question.y)
    lowest = 0.5 if question.scale == "index" else 0.0
    floor = np.maximum(question.y, 1e-9)
    return Measure(floor, np.ones_like(floor), False, lowest if question.scale == "index" else 0.0, 0.0, 1.0)


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


def fill_censored(question: Question) -> Floats:
    """y with censored steps at a value inside their interval.

    Beyond the chart: the limit times exp(half of the spread of the visible log ranks), about where the mean of the
    unseen part of a bell-shaped spread lies.  Below the threshold: half of it.
    """
    flagged = censored_steps(question)
    if not flagged.any():
        return question.y
    limit = chart_limit(question)
    if question.scale == "index":
        return np.where(flagged, limit / 2, question.y)
    plain = question.y[: question.onset][~flagged[: question.onset]]
    plain = plain[np.isfinite(plain) & (plain > 0)]
    spread = float(np.std(np.log(plain))) if plain.size > 2 else 0.5
    inside = limit * np.exp(0.5 * min(spread, 1.0))
    in_base = np.arange(flagged.size) < question.onset
    # In the window the step is only known to be beyond the chart: the limit is the value that claims least.
    return np.where(flagged, np.where(in_base, inside, limit), question.y)
