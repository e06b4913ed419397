"""Steps known only as a bound, filled in many times, so that the interval carries what filling in leaves open.

Multiple imputation (Rubin 1987): every censored step is drawn from a normal distribution on logs around its neighbours
and the weeks around it, cut off at the bound (Tobin 1958; Chib 1992 on drawing it in turn); each completed series is
estimated as if it had been seen, and the spread between the answers is added to the interval.  What comes after onset
takes no part in filling in what came before.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import ndtr, ndtri

from analyzer.estimators._scales import TOP, censored_steps

if TYPE_CHECKING:
    from analyzer.estimators._events import Base
    from analyzer.estimators._inputs import Bools, Question
    from analyzer.records import Effect, Floats

COMPLETED = 10  # series: with the share of censored steps below a half, more change the third digit
ROUNDS = 20  # of drawing each censored step in turn
AROUND = 10  # steps on either side that say where the level is
FARTHEST = 3.0  # on logs, beyond the bound: a chart's ladder does not go on for ever
FEWEST = 5  # steps seen, without which nothing says how far beyond the bound the others lie


def completed(question: Question, base: Base) -> tuple[Question, ...]:
    """The settled question with its censored steps filled in; itself where nothing is censored."""
    flagged = censored_steps(question)
    inside = np.arange(flagged.size) < question.window.stop
    if not (flagged & inside).any():
        return (question,)
    draw = np.random.default_rng([question.seed, 7])
    y = np.tile(question.y, (COMPLETED, 1))
    parts = (slice(0, base.end), question.window)
    law = _fill(y[:, parts[0]], (flagged & ~base.masked)[parts[0]], question.scale, draw, None)
    if not _mostly(flagged[question.window]):
        _fill(y[:, parts[1]], flagged[parts[1]], question.scale, draw, law)
    return tuple(replace(question, y=row, censored=np.zeros(flagged.size, bool)) for row in y)


def _mostly(flagged: Bools) -> bool:
    return bool(2 * flagged.sum() > flagged.size)


@dataclass(frozen=True, slots=True)
class Law:
    """How a step follows from those around it."""

    weights: Floats  # (3,) constant, mean of the two neighbours, mean of the weeks around
    spread: float  # standard deviation around that


def _fill(y: Floats, flagged: Bools, scale: str, draw: np.random.Generator, law: Law | None) -> Law | None:
    """Fill in, in place, the censored steps of (M, n) rows; returns the law that was learnt."""
    at = np.flatnonzero(np.isfinite(y[0]))
    hidden = flagged[at]
    if law is None and (~hidden).sum() < FEWEST:
        return None
    upward = scale == "rank"
    bound = np.log(y[:, at])
    if not upward:  # `<1` is below a half or below one, as its maker rounds; both are possible
        bound = bound + np.log(draw.uniform(0.5, 1.0, (bound.shape[0], 1))) * hidden
    x = bound.copy()
    now = law or _learnt(_around(x), x)
    for _ in range(ROUNDS if hidden.any() else 0):
        around = _around(x)
        now = law or _learnt(around, x)
        for turn in (0, 1):
            mine = hidden & (np.arange(at.size) % 2 == turn)
            mean = (_around(x) @ now.weights)[:, mine]
            x[:, mine] = _beyond(mean, now.spread, bound[:, mine], upward, draw)
    y[:, at] = np.where(hidden, np.exp(x), y[:, at])
    return now


def _around(x: Floats) -> Floats:
    """(M, n, 3) for every step: 1, the mean of its neighbours, the mean of the weeks around it without itself."""
    padded = np.concatenate([x[:, 1:2], x, x[:, -2:-1]], axis=1) if x.shape[1] > 1 else np.tile(x, (1, 3))
    near = (padded[:, :-2] + padded[:, 2:]) / 2
    running = np.concatenate([np.zeros((x.shape[0], 1)), np.cumsum(x, axis=1)], axis=1)
    steps = np.arange(x.shape[1])
    low, high = np.maximum(steps - AROUND, 0), np.minimum(steps + AROUND + 1, x.shape[1])
    weeks = (running[:, high] - running[:, low] - x) / np.maximum(high - low - 1, 1)
    return np.stack([np.ones_like(x), near, weeks], axis=2)


def _learnt(around: Floats, x: Floats) -> Law:
    """Least squares over all completed series, drawn towards "as the weeks around it"."""
    rows, target = around.reshape(-1, 3), x.ravel()
    prior = np.diag([1.0, 1.0, 1.0]) * 1e-3 * target.size
    weights = np.linalg.solve(rows.T @ rows + prior, rows.T @ target + prior @ np.array([0.0, 0.0, 1.0]))
    return Law(weights, float(np.std(target - rows @ weights)) + 1e-6)


def _beyond(mean: Floats, spread: float, bound: Floats, upward: bool, draw: np.random.Generator) -> Floats:
    """Normal draws beyond the bound, by the inverse of the tail, which stays exact far out."""
    sign = 1.0 if upward else -1.0
    start = sign * (bound - mean) / spread
    tail = ndtr(-start) * draw.uniform(1e-12, 1.0, start.shape)
    value = mean - sign * spread * ndtri(np.maximum(tail, 1e-300))
    far = sign * (value - bound)
    return np.asarray(bound + sign * np.clip(far, 0.0, FARTHEST))


def pooled(effects: Sequence[Effect], question: Question) -> Effect:
    """One effect from those of the completed series; the spread between them widens every end (Rubin's rules)."""
    if len(effects) == 1:
        return effects[0]
    reach = float(ndtri(0.5 + question.level / 2))
    expected = _pooled([(e.expected_low, e.expected, e.expected_high) for e in effects], reach)
    ratio = _pooled([(e.ratio_low, e.ratio, e.ratio_high) for e in effects], reach)
    observed = ratio[1] * expected[1]
    per_step = [np.mean([getattr(e, f"expected_steps{end}") for e in effects], axis=0) for end in ("", "_low", "_high")]
    return replace(
        effects[0],
        observed=observed,
        expected=expected[1],
        expected_low=expected[0],
        expected_high=expected[2],
        ratio=ratio[1],
        ratio_low=ratio[0],
        ratio_high=ratio[2],
        excess=observed - expected[1],
        excess_low=observed * (1 - 1 / ratio[0]),
        excess_high=observed * (1 - 1 / ratio[2]),
        steps=question.y[question.window].copy(),
        expected_steps=per_step[0],
        expected_steps_low=per_step[1],
        expected_steps_high=per_step[2],
        minimum_detectable_ratio=max(e.minimum_detectable_ratio for e in effects),
        warnings=(*_notes(question), *effects[0].warnings),
    )


def _pooled(ends: Sequence[tuple[float, float, float]], reach: float) -> tuple[float, float, float]:
    low, middle, high = np.log(np.maximum(np.array(ends), 1e-300)).T
    between = reach**2 * (1 + 1 / middle.size) * float(np.var(middle, ddof=1))
    centre = float(middle.mean())
    below = np.sqrt(np.mean((middle - low) ** 2) + between)
    above = np.sqrt(np.mean((high - middle) ** 2) + between)
    return float(np.exp(centre - below)), float(np.exp(centre)), float(np.exp(centre + above))


def _notes(question: Question) -> tuple[str, ...]:
    flagged = censored_steps(question)
    side = "beyond the chart" if question.scale == "rank" else "below the threshold"
    filled = f"filled in {COMPLETED} times from the steps around them; the range carries what that leaves open"
    before, inside = int(flagged[: question.onset].sum()), int(flagged[question.window].sum())
    found = [f"{before} steps before onset are known only as a bound, {side}: they are {filled}"] if before else []
    if inside and not _mostly(flagged[question.window]):
        found.append(f"{inside} steps of the window are known only as a bound, {side}: they are {filled}")
    return tuple(found)


def opened(effect: Effect, question: Question) -> Effect:
    """The effect with the end open to which a window at the end of its scale says nothing.

    Most of the window beyond the chart: the rank is at least this.  Most of it below the threshold: the index is at
    most this.  Most of it at rank 1: what a chart can show ends there.
    """
    flagged, y = censored_steps(question)[question.window], question.y[question.window]
    if question.scale == "rank" and _mostly(flagged):
        note = f"{int(flagged.sum())} steps of the window are beyond the chart: the change is at least this size"
        return replace(effect, ratio_high=np.inf, excess_high=np.inf, warnings=(*effect.warnings, note))
    if question.scale == "index" and _mostly(flagged):
        note = f"{int(flagged.sum())} steps of the window are below the threshold: the change is at least this size"
        return replace(effect, ratio_low=0.0, excess_low=-np.inf, warnings=(*effect.warnings, note))
    if question.scale == "rank" and _mostly(y[np.isfinite(y)] == TOP):
        return replace(effect, ratio_low=0.0)
    return effect


def most_of_window(question: Question) -> float:
    """The largest total the window's ranks may have, smallest for an index: inf, or 0, where too few steps are seen."""
    flagged, y = censored_steps(question)[question.window], question.y[question.window]
    if not flagged.any():
        return float(np.nansum(y))
    beyond = question.scale == "rank"
    if _mostly(flagged) or (np.isfinite(y) & ~flagged).sum() < FEWEST:
        return np.inf if beyond else 0.0
    rows = np.tile(y, (4 * COMPLETED, 1))
    _fill(rows, flagged, question.scale, np.random.default_rng([question.seed, 8]), None)
    return float(np.quantile(np.nansum(rows, axis=1), 0.5 + (question.level if beyond else -question.level) / 2))
