"""From standardised errors to p-values that hold: tails learnt from the past errors of all series and of each.

The null is read from the middle of the errors, not from their extremes: per statistic and direction the 80 % and
97.5 % quantiles of all past errors give the degrees of freedom and the scale of a t distribution, which then speaks
for the tail (an empirical null; Efron 2004, section 4).  Read from the extremes, every real change would hide the next
one; and an empirical tail alone cannot give the small p-values that many tests need.  How often a series leaves the
common 95 % range says how much heavier or lighter its own tail is.  Everything is refreshed once per block, from the
blocks before it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import maximum_filter1d
from scipy.special import stdtr, stdtrit

if TYPE_CHECKING:
    import numpy.typing as npt

    from analyzer.records import Floats

    Ints = npt.NDArray[np.int64]

BLOCK = 28  # days between refreshes
_INNER, _OUTER = 0.80, 0.975  # the quantiles that fix the tail
_LEAVES = 0.05  # how often the common range is left, by definition
_OWN_PRIOR = 100.0  # values at which a series' own rate of leaving weighs as much as the common one
_OWN_RANGE = (0.4, 6.0)
_DEGREES = np.concatenate([np.arange(2.5, 10, 0.25), np.arange(10, 41, 2.0)])
_RATIOS = np.asarray(stdtrit(_DEGREES, _OUTER) / stdtrit(_DEGREES, _INNER))
_EDGES = np.linspace(0.0, 12.0, 481)  # of absolute standardised errors
_FINEST = np.linspace(0.0, 12.0, 241)  # of -log10 p
_PRIOR_DEGREES, _PRIOR_VALUES = 4.0, 1000.0
_MULTIPLE_AT = 0.02  # p at which the number of effectively independent statistics is read
_PLAIN = 1e-6  # p at which an error is no error: a series' block with one does not teach what is usual
_LIGHTEST = (4.0, 10.0, 20.0)  # of a jump, of few steps, of more: means of independent odd days have lighter tails
_TINY = 1e-300


@dataclass(frozen=True, slots=True)
class Tail:
    """One direction of one statistic during one block."""

    degrees: float
    scale: float

    def exceed(self, u: Floats) -> Floats:
        """Share of quiet errors beyond u."""
        return np.asarray(stdtr(self.degrees, -u / self.scale))


@dataclass(frozen=True, slots=True)
class Side:
    """One direction: rises or, with the errors' signs turned, falls."""

    p: Floats  # (T, N) of the step: all statistics together
    each: Floats  # (K, T, N) of each statistic, already raised by their number
    alarm: Floats  # (T,) p at or below which a series-fortnight raises an alarm at the wanted rate
    tails: tuple[tuple[Tail, ...], ...]  # per block, per statistic
    own: Floats  # (B, K, N) how much more often than others a series leaves the common range


def one_side(errors: Sequence[Floats], *, per_day: int, alarm_rate: float, fortnight: int) -> Side:
    """p-values of errors (T, N) per statistic, upwards."""
    steps, columns = errors[0].shape
    block = BLOCK * per_day
    each = np.full((len(errors), steps, columns), np.nan)
    tails, own = [], []
    counts = [_Counts(columns, lightest) for lightest in _lightest(len(errors))]
    for rows in _blocks(steps, block):
        tails.append(tuple(c.tail() for c in counts))
        own.append(np.stack([c.own() for c in counts]))
        for k, u in enumerate(errors):
            each[k, rows] = _of_series(tails[-1][k].exceed(u[rows]), own[-1][k])
            counts[k].add(np.where((each[k, rows] < _PLAIN).any(axis=0), np.nan, u[rows]), tails[-1][k])
    least = _least(each)
    each *= _multiple(least, block, len(errors))[:, None]
    np.minimum(each, 1.0, out=each)
    p = _least(each)
    return Side(p, each, _alarm(p, block, alarm_rate, fortnight), tuple(tails), np.stack(own))


def _lightest(statistics: int) -> list[float]:
    """Degrees of freedom beyond which no tail is believed: odd days are too rare to show in the middle."""
    return [_LIGHTEST[min(k, len(_LIGHTEST) - 1)] for k in range(statistics)]


def _blocks(steps: int, block: int) -> Iterator[slice]:
    return (slice(a, min(a + block, steps)) for a in range(0, steps, block))


def _of_series(p: Floats, own: Floats) -> Floats:
    """The common p-value, moved by a series' own rate where that rate was read, and less towards the middle."""
    depth = np.minimum(np.log(np.maximum(p, _TINY)) / np.log(_LEAVES), 1.0)
    return np.asarray(p * own**depth)


def _least(each: Floats) -> Floats:
    there = np.isfinite(each)
    return np.where(there.any(axis=0), np.min(np.where(there, each, np.inf), axis=0), np.nan)


class _Counts:
    """How past errors of one statistic are distributed, upwards."""

    def __init__(self, columns: int, lightest: float) -> None:
        self.lightest = lightest
        below = stdtr(_PRIOR_DEGREES, _EDGES)
        self.at_most = np.diff(below) * _PRIOR_VALUES
        self.negative = 0.5 * _PRIOR_VALUES
        self.beyond = (1 - below[-1]) * _PRIOR_VALUES
        self.left = np.full(columns, _LEAVES * _OWN_PRIOR)
        self.values = np.full(columns, _OWN_PRIOR)

    def tail(self) -> Tail:
        total = self.negative + self.at_most.sum() + self.beyond
        below = (self.negative + np.cumsum(self.at_most)) / total
        inner, outer = (float(np.interp(q, below, _EDGES[1:])) for q in (_INNER, _OUTER))
        ratio = outer / max(inner, 1e-3)
        degrees = min(float(np.interp(-ratio, -_RATIOS, _DEGREES)), self.lightest)
        return Tail(degrees, max(outer / float(stdtrit(degrees, _OUTER)), 0.3))

    def own(self) -> Floats:
        return np.asarray(np.clip(self.left / self.values / _LEAVES, *_OWN_RANGE))

    def add(self, u: Floats, tail: Tail) -> None:
        there = u[np.isfinite(u)]
        self.negative += int((there < 0).sum())
        self.at_most = self.at_most + np.histogram(there, _EDGES)[0]
        self.beyond += int((there > _EDGES[-1]).sum())
        border = tail.scale * float(stdtrit(tail.degrees, 1 - _LEAVES))
        self.left += (u > border).sum(axis=0)
        self.values += np.isfinite(u).sum(axis=0)


def _multiple(least: Floats, block: int, most: int) -> Floats:
    """(T,) by what the smallest of the statistics' p-values has to be raised to be one."""
    values, small = _PRIOR_VALUES, _PRIOR_VALUES * _MULTIPLE_AT * 0.6 * most
    out = np.empty(least.shape[0])
    for rows in _blocks(least.shape[0], block):
        out[rows] = np.clip(small / values / _MULTIPLE_AT, 1.0, most)
        values += np.isfinite(least[rows]).sum()
        small += (least[rows] <= _MULTIPLE_AT).sum()
    return out


def _alarm(p: Floats, block: int, rate: float, fortnight: int) -> Floats:
    """(T,) the p-value that the smallest of a series-fortnight undercut in that share of the past fortnights."""
    depth = np.where(np.isfinite(p), -np.log10(np.maximum(p, _TINY)), -1.0)
    deepest = maximum_filter1d(depth, fortnight, axis=0, origin=(fortnight - 1) // 2, mode="constant", cval=-1.0)
    # Before anything is known: six independent chances in a fortnight.
    prior = (1 - 10**-_FINEST) ** 6
    counts = np.diff(prior) * _PRIOR_VALUES
    out = np.empty(p.shape[0])
    for rows in _blocks(p.shape[0], block):
        share = np.cumsum(counts[::-1])[::-1] / counts.sum()
        out[rows] = 10 ** -float(np.interp(-rate, -share, _FINEST[:-1]))
        here = deepest[rows]
        counts = counts + np.histogram(np.clip(here[here >= 0], 0, 11.99), _FINEST)[0]
    return out
