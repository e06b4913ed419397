"""Missing steps: a block can silence its own measurement, and then the steps that are left are no sample of the window.

Steps that go missing as they always did are left out of totals and of what is expected alike.  Where the window misses
more than the base's own rate explains (Fisher 1922, exact test; the same count in the base's own windows, as gaps come
in runs; a run of missing steps from onset on), nothing is known about what was missed: the range of the change then
holds every total that the missing steps could make (worst-case bounds, Manski 1989), and says so.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from scipy.special import gammaln

from analyzer.errors import NotEnoughData
from analyzer.estimators._calendar import rolling_median, seasonal_factors
from analyzer.estimators._events import base_of
from analyzer.estimators._inputs import MINIMUM_OBSERVED

if TYPE_CHECKING:
    import numpy.typing as npt

    from analyzer.estimators._events import Base
    from analyzer.estimators._inputs import Bools, Question
    from analyzer.records import Effect, Floats

SURPRISING = 0.1  # probability under the base's own gaps below which a gap is not taken for one of them
REGULAR = 0.1  # part of the steps of a phase that are there, at most, where the phase is one that is never measured
LOWER = -3.5  # t of the steps beside a gap against all others, below which gaps are said to follow low values
TURNS = 4  # times that a phase has come before it can be called never measured


@dataclass(frozen=True, slots=True)
class Gaps:
    """Missing steps of a window beside those of its base; phases that are never measured are left out of both."""

    missing: int
    steps: int
    base_missing: int
    base_steps: int
    run: int  # missing steps in a row from onset on
    tail: int  # missing steps in a row up to the window's end
    chance: float  # of as many missing steps, or of such a run, if the window were like the base

    @property
    def surprising(self) -> bool:
        """The base's own gaps do not explain those of the window."""
        return self.missing > 0 and self.chance < SURPRISING


def prepared(question: Question) -> tuple[Question, tuple[str, ...]]:
    """The question with its base ended at the last step seen, and the window without phases the base never shows.

    A base whose last steps are missing says less about what follows: the missing steps become part of the gap that the
    replay uses.  Raises NotEnoughData where over a fifth of the window falls on phases of the season that the base
    never shows: nothing is then known about what was to be expected on them.
    """
    question, notes = _comparable(question)
    base = base_of(question)
    there = _seen(question) & ~base.masked
    notes = (*notes, *_follow_values(question, base, there[: base.end]), *_edge(question, base, there))
    tail = _run(~there[: base.end][::-1])
    if not 0 < tail < base.end:
        return question, notes
    return replace(question, anticipation=question.anticipation + tail), notes


def _edge(question: Question, base: Base, there: Bools) -> tuple[str, ...]:
    """A warning where the steps just before onset are missing, longer than the base's own gaps explain."""
    run = _run(~there[: question.onset][::-1])
    past = ~there[base.start : min(base.end, question.onset - run)]
    if not run or _run_chance(past, run) >= SURPRISING:
        return ()
    said = f"the last {run} steps before onset are missing, longer than the base's own gaps explain"
    return (f"{said}: how the series went into the block is not known",)


def _comparable(question: Question) -> tuple[Question, tuple[str, ...]]:
    base = base_of(question)
    if question.season == 1 or base.length < 2 * question.season:
        return question, ()
    phase = np.arange(question.y.size) % question.season
    there = _seen(question)
    shown = np.zeros(question.season, bool)
    shown[phase[: base.end][there[: base.end] & ~base.masked[: base.end]]] = True
    strange = there & ~shown[phase]
    strange[: question.onset] = False
    strange[question.window.stop :] = False
    count, seen = int(strange.sum()), int(there[question.window].sum())
    if not count or not shown.any():
        return question, ()
    if seen - count < MINIMUM_OBSERVED * question.horizon:
        raise NotEnoughData(
            f"{count} of {question.horizon} steps of the window fall on parts of the cycle of {question.season} "
            "steps that the base never shows"
        )
    kept = replace(question, y=np.where(strange, np.nan, question.y), censored=question.censored & ~strange)
    return kept, (f"{count} steps of the window are left out: the base never shows that part of the cycle",)


def _follow_values(question: Question, base: Base, there: Bools) -> tuple[str, ...]:
    """A warning where the steps beside a gap lie lower than the steps around them, their cycle apart."""
    regular = _never_measured(there, base.start, base.end, question.season)
    there = there | regular
    if there.all() or not there.any():
        return ()
    y = question.y[: base.end]
    z = np.where(np.isfinite(y), np.log(np.maximum(y, 0.0) + 0.5), np.nan)
    season = question.season if base.length >= 2 * question.season else 1
    z = z - seasonal_factors(z, season)[np.arange(z.size) % season]
    away = z - rolling_median(z, 7, 7)
    gone = np.concatenate([[False], ~there, [False]])
    beside, known = gone[:-2] | gone[2:], np.isfinite(away)
    low, rest = away[beside & known], away[~beside & known]
    if min(low.size, rest.size) < 10:
        return ()
    error = np.sqrt(low.var() / low.size + rest.var() / rest.size)
    if low.mean() - rest.mean() >= LOWER * error or error == 0:
        return ()
    return ("steps of the base go missing where the series is low: those that are seen stand above those that were",)


def gaps_of(question: Question) -> Gaps:
    """Missing steps of the window beside those of the base."""
    base = base_of(question)
    there = _seen(question)
    counted = ~_never_measured(there, base.start, base.end, question.season)
    gone = ~there & counted
    inside = slice(base.start, base.end)
    past = gone[inside] & ~base.masked[inside]
    known = counted[inside] & ~base.masked[inside]
    window = gone[question.window]
    missing, steps = int(window.sum()), int(counted[question.window].sum())
    run = _run(window)
    share = _share_of_windows(past, missing, question.horizon)
    together = max(_fisher(missing, steps, int(past.sum()), int(known.sum())), share)
    at_onset = _run_chance(past, run) if run else 1.0
    return Gaps(missing, steps, int(past.sum()), int(known.sum()), run, _run(window[::-1]), min(together, at_onset))


def bounded(question: Question, effect: Effect) -> Effect:
    """The effect with the range of every total that the missing steps could make, where they are not ordinary gaps.

    A missing step lies between 0 and the largest ratio of a step to what was expected of it (at least 1).  Totals and
    expected totals stay those of the observed steps; the ranges of ratio and excess become those of the whole window.
    """
    gaps = gaps_of(question)
    if not gaps.surprising:
        return effect
    gone = ~_seen(question)[question.window]
    expected = np.where(np.isfinite(effect.expected_steps), effect.expected_steps, np.nanmean(effect.expected_steps))
    weight = float(expected[~gone].sum() / max(expected.sum(), 1e-300))
    most = max(_largest(effect, expected), 1.0)
    unseen = effect.expected * (1 - weight) / weight
    return replace(
        effect,
        ratio_low=min(effect.ratio_low, weight * effect.ratio_low),
        ratio_high=max(effect.ratio_high, weight * effect.ratio_high + (1 - weight) * most),
        excess_low=min(effect.excess_low, effect.observed - effect.expected_high / weight),
        excess_high=max(effect.excess_high, effect.observed + most * unseen - effect.expected_low / weight),
        warnings=(*effect.warnings, _sentence(gaps, most)),
    )


def _sentence(gaps: Gaps, most: float) -> str:
    where = f" ({gaps.run} in a row from onset on)" if gaps.run else ""
    why = "the block may have silenced its own measurement"
    if gaps.tail == gaps.missing:
        where, why = " (the last ones)", f"the series stops early, or {why}"
    return (
        f"{gaps.missing} of {gaps.steps} steps of the window are missing{where} where the base misses "
        f"{gaps.base_missing} of {gaps.base_steps}: {why}; the range holds the whole window with every missing step "
        f"between x0 and x{most:.2f} of what was expected"
    )


def _largest(effect: Effect, expected: Floats) -> float:
    """The largest ratio of an observed step to what was expected of it, on the scale of the window's ratio."""
    seen = np.isfinite(effect.steps) & (expected > 0)
    ratios = effect.steps[seen] / expected[seen]
    mean = float(effect.steps[seen].sum() / max(expected[seen].sum(), 1e-300))
    # Shares are handed over as shares or as numerators; their mean is the window's ratio in either unit.
    return float(ratios.max(initial=0.0) * effect.ratio / mean) if mean > 0 else 0.0


def _seen(question: Question) -> Bools:
    return np.asarray(np.isfinite(question.y) | question.censored)


def _never_measured(there: Bools, start: int, end: int, season: int) -> Bools:
    """(T,) steps of phases that the base has had at least four times and next to never shows."""
    if season > end - start:
        return np.zeros(there.size, bool)
    phase = np.arange(there.size) % season
    turns = np.bincount(phase[start:end], minlength=season)
    shown = np.bincount(phase[start:end], there[start:end].astype(float), minlength=season)
    return np.asarray(((turns >= TURNS) & (shown <= REGULAR * turns))[phase])


def _run(gone: Bools) -> int:
    """Missing steps in a row from the first one on."""
    return int(gone.size if gone.all() else np.argmin(gone))


def _run_chance(gone: Bools, run: int) -> float:
    """How often as many steps in a row are missing from an arbitrary step of the base on; one more for this one."""
    if gone.size < run:
        return 1.0
    found = int(sliding_window_view(gone, run).all(axis=1).sum())
    return (found + 1) / (gone.size - run + 2)


def _share_of_windows(gone: Bools, missing: int, horizon: int) -> float:
    """Share of the base's windows that miss as many steps; 0 where it holds no window."""
    if gone.size < horizon:
        return 0.0
    running = np.concatenate([[0], np.cumsum(gone)])
    return float(np.mean(running[horizon:] - running[:-horizon] >= missing))


def _fisher(missing: int, steps: int, base_missing: int, base_steps: int) -> float:
    """One-sided exact probability of at least that many missing steps in the window, given the number in both."""
    every, gone = steps + base_steps, missing + base_missing
    k = np.arange(missing, min(steps, gone) + 1)
    k = k[gone - k <= base_steps]
    ways = _log_choose(steps, k) + _log_choose(base_steps, gone - k) - _log_choose(every, np.array([gone]))
    return float(min(np.exp(ways).sum(), 1.0))


def _log_choose(n: int, k: npt.NDArray[np.int_]) -> Floats:
    return np.asarray(gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1))
