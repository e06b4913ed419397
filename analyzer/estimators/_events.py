"""Other blocks in the treated series: where the base must end, what is masked, what earlier blocks left behind."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from analyzer.estimators._chains import chain_start
from analyzer.estimators._filters import Grid, kalman

if TYPE_CHECKING:
    from analyzer.estimators._inputs import Bools, Question, Window
    from analyzer.records import Floats

HALF_LIVES = (2.0, 4.0, 8.0, 16.0, 32.0)
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
    return Base(first_seen, end, question.onset - end, masked, tuple(e for e in inside if e not in running), notes)


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
    variance: float  # of its mean over the window
    warnings: tuple[str, ...]


def leftovers(z: Floats, seen: Bools, base: Base, window: slice) -> Leftover:
    """Fit one exponential decay per earlier event, one half-life for all, by generalised least squares.

    The regression runs on the innovations of a local level with autoregressive noise, so that wandering of the level is
    not taken for a decay.  A decay that does not stand out (|t| < 2) is left in the base.
    """
    nothing = Leftover(np.zeros(z.size), 0.0, ())
    events = [event for event in base.events if seen[event[1] : base.end].sum() >= SETTLED]
    notes = () if len(events) == len(base.events) else ("an earlier block ended too near to fit what it left",)
    if not events or seen.sum() < 3 * SETTLED:
        return Leftover(nothing.path, 0.0, notes)
    fits = [_decay(z, seen, base.end, events, half_life) for half_life in HALF_LIVES]
    columns, amplitude, covariance, _ = min(fits, key=lambda fit: fit[3])
    kept = np.abs(amplitude) > 2 * np.sqrt(np.diag(covariance))
    if not kept.any():
        return Leftover(nothing.path, 0.0, notes)
    path = columns[:, kept] @ amplitude[kept]
    ahead = columns[window][:, kept].mean(axis=0)
    variance = float(ahead @ covariance[np.ix_(kept, kept)] @ ahead)
    return Leftover(path, variance, (*notes, f"a fitted decay of {int(kept.sum())} earlier event(s) is taken out"))


def _decay(
    z: Floats, seen: Bools, end: int, events: list[Window], half_life: float
) -> tuple[Floats, Floats, Floats, float]:
    """Columns, amplitudes, their covariance and the residual sum of squares for one half-life."""
    t = np.arange(z.size)
    after = np.array([event[1] for event in events])
    age = t[:, None] - after[None, :]
    columns = np.where(age >= 0, 0.5 ** (np.maximum(age, 0) / half_life), 0.0)
    x = np.column_stack([z, columns])[:end]
    filtered = kalman(x, seen[:end], Grid(np.array([0.03**2]), np.array([0.5]), np.array([0.7])))
    white = (filtered.innovation[0] / np.sqrt(filtered.variance[0])[:, None])[seen[:end]][1:]
    target, regressors = white[:, 0], white[:, 1:]
    plain = float(np.mean(target**2))
    # Prior: a leftover of a few tenths on the log scale is usual, one of several units is not.
    normal = regressors.T @ regressors + plain * np.eye(after.size)
    amplitude = np.linalg.solve(normal, regressors.T @ target)
    rest = float(np.sum((target - regressors @ amplitude) ** 2))
    return columns, amplitude, np.linalg.inv(normal) * rest / max(target.size - after.size, 1), rest
