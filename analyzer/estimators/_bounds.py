"""One-sided bounds where most of the base lies beyond the chart (rank) or below the threshold (index).

The level is then not known, only on which side of the limit it lies: an app that was in no chart before a block and is
at rank 5 in it has changed by at least limit / 5, and nothing is said about how much more.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from analyzer.errors import NotEnoughData
from analyzer.estimators import _censored
from analyzer.estimators._combine import REPLICATIONS
from analyzer.estimators._scales import censored_steps, chart_limit
from analyzer.records import Effect

if TYPE_CHECKING:
    from analyzer.estimators._events import Base
    from analyzer.estimators._inputs import Bools, Question
    from analyzer.records import Floats

    Estimate = Callable[[Question, Base], Effect]


def mostly_censored(question: Question, base: Base, seen: Bools) -> bool:
    """More than half of the base is known only as a bound."""
    flagged = censored_steps(question)[: base.end] & ~base.masked[: base.end]
    return bool(flagged.sum() > 0.5 * (seen[: base.end] | flagged).sum())


def one_sided(question: Question, base: Base, estimate: Estimate) -> Effect:
    """The effect as a bound: censored steps stand at the limit, which no value beyond it is inside of.

    A lower bound of what a series cut at the limit would have brought bounds the series itself.  It is the lower one of
    two: the quantile of the base's windows, and the end of the interval that `estimate` gives for the cut series.

    Beyond the chart the limit is the least the rank can be, so `expected_low` bounds the expected rank from below and
    `expected_high` is infinite; below the threshold it is the most the index can be, and `expected_low` is 0.
    Raises NotEnoughData where fewer than 5 disjoint windows of the base are there.
    """
    values = question.y  # settled: censored steps stand at their bound
    totals = _totals(values, base, question.horizon)
    count = (totals.size - 1) // question.horizon + 1 if totals.size else 0
    if count < REPLICATIONS:
        raise NotEnoughData(f"most of the base is known only as a bound, and it holds {count} disjoint windows")
    steps = values[question.window]
    known = int(np.isfinite(steps).sum())
    tail = (1 - question.level) / 2
    beyond = question.scale == "rank"
    ends = _ends_of_cut(question, base, estimate)
    low = min(float(np.quantile(totals, tail)) * known, ends[0]) if beyond else 0.0
    high = np.inf if beyond else max(float(np.quantile(totals, 1 - tail)) * known, ends[1])
    expected = float(np.clip(np.median(totals) * known, low, high))
    return _bounded(question, steps, expected=expected, low=low, high=high, totals=totals)


def _ends_of_cut(question: Question, base: Base, estimate: Estimate) -> tuple[float, float]:
    """The interval of the expected total of the series cut at the limit; open where there is none."""
    cut = replace(question, censored=np.zeros(question.y.size, bool))
    past = question.y[: base.end][~base.masked[: base.end]]
    if np.ptp(past[np.isfinite(past)]) == 0:  # never inside the limit: nothing of its own to go by
        return np.inf, 0.0
    try:
        found = estimate(cut, base)
    except NotEnoughData:
        return np.inf, 0.0
    return found.expected_low, found.expected_high


def _totals(values: Floats, base: Base, horizon: int) -> Floats:
    """Means over the windows of the base that are seen for the greater part."""
    inside = np.where(base.masked, np.nan, values)[: base.end]
    if inside.size < horizon:
        return np.empty(0)
    rows = sliding_window_view(inside, horizon)
    seen = np.isfinite(rows)
    rows, seen = rows[seen.mean(axis=1) >= 0.6], seen[seen.mean(axis=1) >= 0.6]
    return np.asarray(np.where(seen, rows, 0.0).sum(axis=1) / np.maximum(seen.sum(axis=1), 1))


def _bounded(question: Question, steps: Floats, *, expected: float, low: float, high: float, totals: Floats) -> Effect:
    observed = float(np.nansum(steps))
    known = max(int(np.isfinite(steps).sum()), 1)
    change = np.abs(np.log(max(observed, 1e-9) / max(expected, 1e-9)))
    placebo = np.abs(np.log(np.maximum(totals, 1e-9) / max(expected / known, 1e-9)))
    farthest = _censored.most_of_window(question)
    return Effect(
        observed=observed,
        expected=expected,
        expected_low=low,
        expected_high=high,
        ratio=observed / expected,
        ratio_low=0.0 if np.isinf(high) else min(observed, farthest) / high,
        ratio_high=np.inf if low == 0 else max(observed, farthest) / low,
        excess=observed - expected,
        excess_low=min(observed, farthest) - high,
        excess_high=max(observed, farthest) - low,
        steps=steps,
        expected_steps=np.full(steps.size, expected / known),
        expected_steps_low=np.full(steps.size, low / known),
        expected_steps_high=np.full(steps.size, high / known),
        minimum_detectable_ratio=low / expected if question.scale == "rank" else high / expected,
        effective_replications=totals.size / question.horizon,
        placebo_rank=1 + int((placebo >= change).sum()),
        placebo_n=int(totals.size),
        members={"bound": 1.0},
        warnings=_notes(question),
    )


def _notes(question: Question) -> tuple[str, ...]:
    flagged, y = censored_steps(question)[question.window], question.y[question.window]
    rank = question.scale == "rank"
    side = "beyond the chart" if rank else "below the threshold"
    notes = [f"most of the base is {side}: the interval is a one-sided bound, the ratio its cautious end"]
    entered = y[np.isfinite(y) & ~flagged]
    if rank and entered.size:
        notes.append(
            f"it entered the chart: {entered.size} of {y.size} steps of the window, at best at rank {entered.min():g}; "
            f"before, most steps were known only to be at rank {chart_limit(question):g} or worse"
        )
    if flagged.any():
        notes.append(f"{int(flagged.sum())} steps of the window are {side} too")
    return tuple(notes)
