"""Levels of many series at once, each known from the past only: local-level filters on logs with a season.

Steady-state gains stand for ratios of drift to noise (Harvey 1989, section 4.1.2): a gap raises the next gain as the
Kalman filter would.  An innovation beyond three usual ones counts as three, so that one odd day does not move the
level; a second in the same direction counts double, a third four times, so that a change that stays is followed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from analyzer.records import Floats

    Bools = npt.NDArray[np.bool_]
    Ints = npt.NDArray[np.int64]

GAINS = np.array([0.6, 0.3, 0.15, 0.07, 0.03])
_USUAL = 1  # the gain whose innovations tell what is usual
_SLOW = 2  # the gain whose level the season is measured against
_CLIP = 3.0
_DIFFUSE = 1e3  # variance of an unknown level, in variances of one step's noise
_FIRST_SCALE = 0.3  # log units: what an innovation is taken to be before any was seen
_MEMORY = 0.03  # of the usual innovation, per step
_SEASON_MEMORY = 0.12  # per visit of the same phase
_SEASON_PRIOR = 3.0  # visits that a phase without any is worth
_MEAN_ABSOLUTE = 1.2533  # sd over mean absolute value of a normal


@dataclass(frozen=True, slots=True)
class Levels:
    """What was known before each step.

    x: (T, N) log values less the season known then, NaN = missing.  level: (G, T + 1, N) from the steps before.
    age: (T + 1, N) values seen since the start or the last restart.  history: (T + 1, N) values seen in all.
    """

    x: Floats
    level: Floats
    age: Ints
    history: Ints
    epoch: Ints  # (T,) restarts up to each step: windows do not reach across one


def seasons(season: int) -> tuple[int, ...]:
    """Periods whose effects add up: the hour of week is the hour of day and what the week adds to it."""
    if season <= 1:
        return ()
    return (24, season) if season > 24 and season % 24 == 0 else (season,)


def follow(z: Floats, season: int, restarts: Sequence[int] = ()) -> Levels:
    """Filter all columns of z (T, N) with all gains.  restarts: steps at which every level is unknown again."""
    steps, columns = z.shape
    state = _State(columns, seasons(season))
    x = np.empty_like(z)
    level = np.empty((GAINS.size, steps + 1, columns))
    age = np.zeros((steps + 1, columns), dtype=np.int64)
    history = np.zeros((steps + 1, columns), dtype=np.int64)
    again = frozenset(restarts)
    for t in range(steps):
        if t in again:
            state.restart()
        level[:, t], age[t], history[t] = state.level, state.age, state.history
        x[t] = state.step(t, z[t])
    level[:, steps], age[steps], history[steps] = state.level, state.age, state.history
    epoch = np.searchsorted(np.sort(np.array(restarts, dtype=np.int64)), np.arange(steps), side="right")
    return Levels(x, level, age, history, epoch)


class _State:
    """The filters between two steps."""

    def __init__(self, columns: int, periods: tuple[int, ...]) -> None:
        self.level = np.zeros((GAINS.size, columns))
        self.variance = np.full((GAINS.size, columns), _DIFFUSE)
        self.drift = (GAINS**2 / (1 - GAINS))[:, None]
        self.usual = np.full(columns, _FIRST_SCALE)
        self.run = np.zeros(columns)  # signed count of large innovations in a row
        self.age = np.zeros(columns, dtype=np.int64)
        self.history = np.zeros(columns, dtype=np.int64)
        self.periods = periods
        self.effects = [np.zeros((p, columns)) for p in periods]
        self.visits = [np.zeros((p, columns)) for p in periods]

    def restart(self) -> None:
        """Forget the levels; seasons and noise stay."""
        self.variance[:] = _DIFFUSE
        self.age[:] = 0
        self.run[:] = 0

    def step(self, t: int, z: Floats) -> Floats:
        """Take in one step; returns it less the season that was known."""
        x = z - self._season(t)
        seen = np.isfinite(x)
        innovation = np.where(seen, x - self.level, 0.0)
        settled = self.age > 0
        limit = np.where(settled, _CLIP * self.usual * 2.0 ** np.minimum(np.abs(self.run), 20), np.inf)
        variance = self.variance + self.drift
        gain = np.where(seen, variance / (variance + 1), 0.0)
        self.level += gain * np.clip(innovation, -limit, limit)
        self.variance = variance * (1 - gain)
        self._learn(t, innovation, seen & settled)
        self.age += seen
        self.history += seen
        return np.asarray(x)

    def _season(self, t: int) -> Floats:
        return np.asarray(sum((e[t % p] for e, p in zip(self.effects, self.periods, strict=True)), 0.0))

    def _learn(self, t: int, innovation: Floats, known: Bools) -> None:
        usual = innovation[_USUAL]
        large = known & (np.abs(usual) > _CLIP * self.usual)
        sign = np.sign(usual)
        self.run = np.where(known, np.where(large, np.where(self.run * sign > 0, self.run + sign, sign), 0), self.run)
        bounded = np.minimum(np.abs(usual), _CLIP * self.usual)
        memory = np.maximum(_MEMORY, 1 / (self.history + 2.0))
        self.usual += np.where(known, memory * (_MEAN_ABSOLUTE * bounded - self.usual), 0.0)
        np.maximum(self.usual, 1e-3, out=self.usual)
        # A change of level is no season: nothing is learnt of the week while large innovations follow each other.
        bound = _CLIP * self.usual
        rest = np.where(known & (self.run == 0), np.clip(innovation[_SLOW], -bound, bound), 0.0)
        for k, period in enumerate(self.periods):
            at = t % period
            self.visits[k][at] += known
            change = np.maximum(_SEASON_MEMORY, 1 / (self.visits[k][at] + _SEASON_PRIOR)) * rest
            self.effects[k][at] += change
            self.effects[k] -= change / period
            rest = rest - change
