"""Other blocks in the treated series: where the base must end, what is masked, what earlier blocks left behind."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from analyzer.estimators._chains import chain_start
from analyzer.estimators._donors import posterior
from analyzer.estimators._filters import Grid, kalman

if TYPE_CHECKING:
    from analyzer.estimators._inputs import Bools, Question, Window
    from analyzer.records import Floats

HALF_LIVES = (2.0, 3.0, 4.5, 6.5, 9.0, 12.0, 16.0, 22.0, 32.0, 50.0)
WANDERS = (0.0, 0.03, 0.1, 0.25)  # sd of the level's step, relative to the noise around it
REACH = 400  # steps before the base's end; what an event further back left has halved eight times and more
RECENT = 10  # steps before the base's end from which the level is chiefly told
SETTLED = 7  # steps seen after an event's end before its decay can be told from its level


@dataclass(frozen=True, slots=True)
class Base:
    """What the level is learnt from."""

    start: int  # first step with a value
    end: int  # first step that is not part of the base
    gap: int  # steps between the base's end and onset; placebo errors are replayed with the same gap
    masked: Bools  # (T,) steps of known events
    events: tuple[Window, ...]  # earlier events that end inside the base
    warnings: tuple[str, ...]

    @property
    def length(self) -> int:
        """Steps from the first one with a value to the end."""
        return self.end - self.start


def base_of(question: Question) -> Base:
    """The base of the question under its estimand.  A base that holds a known event always warns."""
    frozen = question.estimand == "no_block_since_base"
    earlier = tuple(event for event in question.other_events if event[0] < question.onset)
    start = chain_start(earlier, question.onset, question.season) if frozen else question.onset
    end = max(start - question.anticipation, 0)
    inside = tuple(event for event in earlier if event[0] < end)
    running = tuple(event for event in inside if event[1] > end - SETTLED)
    masked = np.zeros(question.y.size, bool)
    for first, last in inside:
        if frozen or (first, last) not in running:
            masked[max(first, 0) : min(last, end)] = True
    notes = _notes(question, start, inside, () if frozen else running)
    known = np.isfinite(question.y[:end]) & ~masked[:end]
    first_seen = int(np.argmax(known)) if known.any() else 0
    settled = tuple(e for e in inside if e not in running)
    return Base(first_seen, end, question.onset - end, masked, settled, notes)


def _notes(question: Question, start: int, inside: tuple[Window, ...], running: tuple[Window, ...]) -> tuple[str, ...]:
    notes = []
    if start < question.onset:
        notes.append(f"the base ends at step {start}, before the first block of a chain that runs into this one")
    if inside:
        notes.append(f"the base holds {len(inside)} known event(s); what they left may remain in it")
    if running:
        notes.append("an earlier block still runs or ended within a week before onset: its effect is part of the path")
    later = [event for event in question.other_events if question.onset <= event[0] < question.window.stop]
    if later:
        notes.append(f"another block begins at step {later[0][0]}, inside the window: the two cannot be told apart")
    return tuple(notes)


@dataclass(frozen=True, slots=True)
class Leftover:
    """The fitted decay of what earlier events left."""

    path: Floats  # (T,) on the modelling scale, 0 where nothing was fitted
    variance: float  # of its mean over the window against that over the last steps of the base
    warnings: tuple[str, ...]


def leftovers(z: Floats, seen: Bools, base: Base, window: slice) -> Leftover:
    """Fit one exponential decay per earlier event, one half-life for all, by generalised least squares.

    What events leave are further users: the leftovers add up before the logarithm is taken.  The regression runs on
    the innovations of a local level with autoregressive noise, so that wandering of the level is not taken for a decay;
    half-lives, and how much the level wanders, are averaged by their likelihood.  Every decay is taken out, also one
    that does not stand out: leaving those in would keep what they left as level.
    """
    first = max(base.end - REACH, 0)
    recent_events = [event for event in base.events if event[1] > first]
    events = [event for event in recent_events if seen[event[1] : base.end].sum() >= SETTLED]
    notes = () if len(events) == len(recent_events) else ("an earlier block ended too near to fit what it left",)
    if not events or seen[first : base.end].sum() < 3 * SETTLED:
        return Leftover(np.zeros(z.size), 0.0, notes)
    fits = [
        _decay(z, whitener, events, half_life)
        for whitener in _whiteners(seen[: base.end], first)
        for half_life in HALF_LIVES
    ]
    weights = posterior(np.array([fit.likelihood for fit in fits]))
    paths = np.array([fit.path() for fit in fits])
    path = weights @ paths
    recent = slice(max(base.end - RECENT, 0), base.end)
    fall = paths[:, window].mean(axis=1) - paths[:, recent].mean(axis=1)
    within = np.array([fit.variance(window, recent) for fit in fits])
    variance = float(weights @ (within + (fall - weights @ fall) ** 2))
    note = f"a fitted decay of {len(events)} earlier event(s) is taken out"
    return Leftover(path, variance, (*notes, note))


@dataclass(frozen=True, slots=True)
class _Fit:
    """Decays of one half-life."""

    columns: Floats  # (T, K) of amplitude 1
    amplitude: Floats  # (K,) relative to the level
    covariance: Floats  # (K, K)
    likelihood: float  # log, up to a constant

    def path(self) -> Floats:
        return _lifted(self.columns @ self.amplitude)

    def variance(self, window: slice, recent: slice) -> float:
        slopes = self.columns / _above(self.columns @ self.amplitude)[:, None]
        slope = slopes[window].mean(axis=0) - slopes[recent].mean(axis=0)
        return float(slope @ self.covariance @ slope)


def _above(total: Floats) -> Floats:
    return np.asarray(np.maximum(1 + total, 0.05))


def _lifted(total: Floats) -> Floats:
    return np.asarray(np.log(_above(total)))


@dataclass(frozen=True, slots=True)
class _Whitener:
    """How a level that wanders by so much turns into innovations."""

    first: int  # step of the base from which it looks
    matrix: Floats  # (n, end - first) from those steps to standardised innovations
    spread: float  # half the log determinant of their covariance

    def __call__(self, columns: Floats) -> Floats:
        return np.asarray(self.matrix @ columns[self.first : self.first + self.matrix.shape[1]])


def _decay(z: Floats, whitener: _Whitener, events: list[Window], half_life: float) -> _Fit:
    """Amplitudes for one half-life, by Gauss-Newton on the log scale."""
    t = np.arange(z.size)
    age = t[:, None] - np.array([event[1] for event in events])[None, :]
    columns = np.where(age >= 0, 0.5 ** (np.maximum(age, 0) / half_life), 0.0)
    amplitude, covariance, rest = np.zeros(len(events)), np.eye(len(events)), 0.0
    for _ in range(3):
        total = columns @ amplitude
        linear = columns / _above(total)[:, None]
        # The residual at the present amplitudes, with their linear part added back.
        target = z - _lifted(total) + linear @ amplitude
        amplitude, covariance, rest = _least_squares(whitener(target), whitener(linear))
    likelihood = -0.5 * whitener.matrix.shape[0] * float(np.log(rest)) - whitener.spread
    return _Fit(columns, amplitude, covariance, likelihood)


def _least_squares(left: Floats, right: Floats) -> tuple[Floats, Floats, float]:
    """Amplitudes, their covariance and the residual sum of squares."""
    # Prior: a leftover of a few tenths of the level is usual, one of several levels is not.
    normal = right.T @ right + (float(np.mean(left**2)) + 1e-12) * np.eye(right.shape[1])
    amplitude = np.linalg.solve(normal, right.T @ left)
    rest = float(np.sum((left - right @ amplitude) ** 2)) + 1e-12
    covariance: Floats = np.linalg.inv(normal) * rest / max(left.size - right.shape[1], 1)
    return np.asarray(amplitude), covariance, rest


def _whiteners(base: Bools, first: int) -> list[_Whitener]:
    """One for each amount of wandering; the first step seen only sets the level."""
    seen = base[first:]
    wandering = Grid.of([(drift**2, 0.5, 0.7, 0.0, 1.0) for drift in WANDERS])
    filtered = kalman(np.eye(seen.size), seen, wandering)
    deviation = np.sqrt(filtered.variance[:, seen][:, 1:])
    innovations = filtered.innovation[:, seen][:, 1:]
    return [
        _Whitener(first, rows / size[:, None], float(np.log(size).sum()))
        for rows, size in zip(innovations, deviation, strict=True)
    ]
