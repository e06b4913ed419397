"""Numbers read from a course: its highest step, the day of it, and how fast the excess falls to half.

The highest of many noisy steps stands above the highest level, so its interval uses the distribution of the largest
error among the steps it was picked from (Romano & Wolf 2005, Econometrica 73, on the maximum statistic).  The second
and third highest bound the peak too, by the second and third largest error, and one wild step cannot make those.

The half-life is a first crossing found by inverting one test per step (Fieller's principle): no curve is assumed,
because published decays have two phases.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from analyzer.estimators._calendar import rolling_median
from analyzer.estimators._courses import Course, window_ratios

if TYPE_CHECKING:
    from analyzer.records import Floats

ORDERS = (0, 1, 2, 4)  # of the steps by height, whose errors bound the peak from below together
FEW_UNITS = 10.0  # expected; below it a ratio says more about chance than about people
Direction = Literal["rise", "fall"]


@dataclass(frozen=True, slots=True)
class Measured:
    """One number of a shape.

    value, low, high: None where it cannot be given or the bound is open, and `note` says why.  step: the step it speaks
    of, counted from onset (0 is the first exposed step); None where it speaks of none.
    """

    value: float | None
    low: float | None = None
    high: float | None = None
    step: int | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Reading:
    """How a course is read."""

    sign: int  # 1 for a rise, -1 for a fall
    search: int  # steps among which the peak is sought
    offset: float  # keeps zeros of counts finite
    width: int  # steps of a smoothed level
    fewest: int  # of them that must be seen
    level: float
    counts: bool

    @property
    def tails(self) -> tuple[float, float]:
        """Lower and upper tail probabilities."""
        return (1 - self.level) / 2, (1 + self.level) / 2


def highest(course: Course, reading: Reading) -> tuple[Measured, Measured]:
    """The peak (for a fall the trough) as a ratio, and its step with the range of steps that it may have been.

    The lower bound takes off what the largest error among all searched steps brings; the upper bound speaks of single
    steps, because the true peak is at one of them, whichever it is.
    """
    x = reading.sign * course.log_ratio(reading.offset)[: reading.search]
    at = np.flatnonzero(np.isfinite(x))
    if at.size < min(3, reading.search):
        return _none(f"{at.size} of the first {reading.search} steps after onset observed; 3 needed for a peak")
    x, errors = x[at], reading.sign * course.errors[:, : reading.search][:, at]
    k, (tail, head) = int(np.argmax(x)), reading.tails
    order = [j for j in ORDERS if j < x.size]
    tall, largest = _by_size(x[None, :], order)[0], _by_size(errors, order)
    low = float((tall - _joint_bounds(largest, head)).max())
    # At the true peak the j-th highest step cannot stand above it by more than errors put it there.
    apart = [_joint_bounds(largest - errors[:, [i]], reading.level) for i in range(x.size)]
    possible = np.array([(tall - x[i] <= apart[i]).all() for i in range(x.size)])
    possible[k] = True
    high = float(x[k] - np.quantile(errors[:, possible], tail, axis=0).min())
    value = float(np.clip(x[k] - _flattery(x, errors, head), low, high))
    # Among steps that cannot be told apart the one with most people more, or fewer, is named.
    excess = reading.sign * (course.observed - course.expected)[at]
    day = int(at[np.argmax(np.where(possible, excess, -np.inf))])
    when = Measured(float(day), float(at[possible].min()), float(at[possible].max()), day)
    note = f"highest step observed x{np.exp(reading.sign * x[k]):.2f}; picked from {at.size} steps"
    peak = _ratio(reading, (value, low, high), day, float(course.expected[day]), note)
    if course.observed[day] == 0 and peak.value is not None:  # the offset that keeps logs finite is no observation
        peak = replace(peak, value=0.0, low=0.0)
    return peak, when


def _by_size(rows: Floats, order: list[int]) -> Floats:
    """(n, J) the j-th largest of each row."""
    return np.asarray(np.sort(rows, axis=1)[:, ::-1][:, order])


def _joint_bounds(draws: Floats, level: float) -> Floats:
    """(J,) upper bounds that all J columns keep together with probability `level`, each equally hard to break."""
    rank = np.argsort(np.argsort(draws, axis=0), axis=0).max(axis=1)
    at = int(np.quantile(rank, level, method="higher"))
    return np.asarray(np.sort(draws, axis=0)[at])


def _none(why: str) -> tuple[Measured, Measured]:
    return Measured(None, note=why), Measured(None, note=why)


def _flattery(x: Floats, errors: Floats, head: float) -> float:
    """By how much the highest of the steps stands above the highest level in the median: drawn around a smooth path."""
    sharp = x - np.quantile(errors, head, axis=0)  # a peak of one step is no noise where it is beyond this
    smooth = np.maximum(rolling_median(x, 1, 1), sharp)
    return float(np.median((smooth + errors).max(axis=1)) - smooth.max())


def _ratio(reading: Reading, logs: tuple[float, float, float], step: int, expected: float, note: str) -> Measured:
    value, low, high = (float(np.exp(reading.sign * v)) for v in logs)
    low, high = min(low, high), max(low, high)
    if not reading.counts or expected >= FEW_UNITS:
        return Measured(value, low, high, step, note)
    few = f"{expected:.3g} expected on that step, fewer than {FEW_UNITS:g}: a bound, no ratio; {note}"
    return Measured(None, low, None, step, few) if reading.sign > 0 else Measured(None, None, high, step, few)


def half_life(course: Course, reading: Reading, peak: Measured, until: int, ends: str) -> Measured:
    """Steps from the highest smoothed excess until it is first below half of that.

    Smoothed over `width` steps from each step on: an exponential decay keeps its half-life.  until: steps that may be
    read; ends: why no more.  A crossing that is not certain by then leaves the upper bound open.
    """
    observed, drawn = window_ratios(_cut(course, until), reading.width, reading.fewest)
    searched = np.flatnonzero(np.isfinite(observed[: reading.search]))
    if not searched.size:
        return Measured(None, note=f"no {reading.width} steps in a row are observed well enough after onset")
    top = int(searched[np.argmax(reading.sign * observed[searched])])
    bound = peak.low if reading.sign > 0 else peak.high
    if bound is None or reading.sign * (bound - 1) <= 0 or reading.sign * (observed[top] - 1) <= 0:
        return Measured(None, step=top, note="at its peak the change cannot be told from none")
    return _crossing(reading, observed, drawn, top, ends)


def _cut(course: Course, until: int) -> Course:
    return Course(course.observed[:until], course.expected[:until], course.errors[:, :until])


def _crossing(reading: Reading, observed: Floats, drawn: Floats, top: int, ends: str) -> Measured:
    """First step at which excess less half of the highest excess is below zero: as it is, surely, perhaps."""
    excess, draws = reading.sign * (observed[top:] - 1), reading.sign * (drawn[:, top:] - 1)
    known = np.flatnonzero(np.isfinite(excess))
    at = known.astype(float)
    left = excess[known] - excess[0] / 2
    low, high = np.quantile(draws[:, known] - draws[:, :1] / 2, reading.tails, axis=0)
    last = int(known[-1])
    value = _first(left, at, interpolate=True)
    least = _first(low, at, interpolate=False)
    most = _first(high, at, interpolate=False)
    # A step that may be the first below half was not surely below it the step before.
    least = float(last) if least is None else max(least - 1.0, 0.0)
    if last == 0:
        return Measured(None, step=top, note=f"nothing after its height can be read: {ends}")
    if value is None:
        note = f"not below half within {last} {_steps(last)} of its height: {ends}"
        return Measured(None, least, None, top, note)
    note = "" if most is not None else f"not surely below half within {last} {_steps(last)} of its height: {ends}"
    return Measured(value, min(least, value), most, top, note)


def _steps(count: int) -> str:
    return "step" if count == 1 else "steps"


def _first(values: Floats, at: Floats, *, interpolate: bool) -> float | None:
    """The first place at which values are not above zero, by a straight line from the place before."""
    below = np.flatnonzero(values <= 0)
    if not below.size:
        return None
    k = int(below[0])
    if not interpolate or k == 0:
        return float(at[k])
    step = float(at[k] - at[k - 1])
    return float(at[k - 1]) + step * float(values[k - 1] / (values[k - 1] - values[k]))
