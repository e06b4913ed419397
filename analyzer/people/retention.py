"""Stocks from flows: how many installs are still in place, through a stated model of how they are given up."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analyzer.errors import NotEnoughData
from analyzer.people.draws import DRAWS, Floats, Uncertain, generator, summed_up
from analyzer.quantities import Installs, People

# Read off cases (Cuba 2021: 3.8 % of the excess twelve weeks on, second half-life 39 days; Turkey 2014: 0.7 of installs
# in use after four days; Myanmar 2021: no decay while the block lasted).  Wide, and no estimate of any one tool.
HALF_LIFE_DAYS = Uncertain(30.0, 42.0, 60.0, "stated")
FLOOR_LIFTED = Uncertain(0.03, 0.067, 0.15, "stated", is_share=True)
FLOOR_UNKNOWN = Uncertain(0.03, 0.17, 1.0, "stated", is_share=True)
FLOOR_LASTING = Uncertain(0.30, 0.55, 1.0, "stated", is_share=True)


@dataclass(frozen=True, slots=True)
class Installed:
    """Installs of a window: (T,) observed and expected per step, NaN = missing; their expected sum with its range."""

    observed: Floats
    expected: Floats
    total_expected: Uncertain
    step_days: float = 1.0


@dataclass(frozen=True, slots=True)
class Retention:
    """How installs are given up: half-life in days of those that are, share of those that never are."""

    half_life: Uncertain
    floor: Uncertain


def retained(age_days: Floats, half_life: Floats, floor: Floats) -> Floats:
    """(draws, T) still in place of what was installed `age_days` (T,) ago: floor + (1 - floor) 2^(-age / half-life)."""
    decay = np.exp2(-age_days[None, :] / half_life[:, None])
    return np.asarray(floor[:, None] + (1 - floor[:, None]) * decay, dtype=np.float64)


def from_installs(installed: Installed, kept: Retention, *, seed: int = 0, draws: int = DRAWS) -> Installs:
    """Installs beyond those expected that are still in place at the end of the window.

    Raises NotEnoughData where no step has both an observed and an expected number.
    """
    return Installs(*summed_up(Installs, _in_place(installed, kept, seed, draws)))


def people_from_installs(
    installed: Installed, kept: Retention, installs_per_person: Uncertain, *, seed: int = 0, draws: int = DRAWS
) -> People:
    """The same as people, where it is stated how many devices (or apps) one of them installs on."""
    values = _in_place(installed, kept, seed, draws)
    return People(*summed_up(People, values / installs_per_person.draw(generator(seed + 1), draws)))


def _in_place(installed: Installed, kept: Retention, seed: int, draws: int) -> Floats:
    observed, expected = installed.observed, installed.expected
    seen = np.isfinite(observed) & np.isfinite(expected)
    path = float(expected[seen].sum())
    if not seen.any() or path <= 0:
        raise NotEnoughData("no step of the window has both an observed and an expected number of installs")
    rng = generator(seed)
    ages = np.asarray((observed.size - 0.5 - np.flatnonzero(seen)) * installed.step_days, dtype=np.float64)
    size = 1 if kept.half_life.how == kept.floor.how == "exact" else draws  # the same for all draws
    left = retained(ages, kept.half_life.draw(rng, size), kept.floor.draw(rng, size))
    scale = installed.total_expected.draw(rng, draws) / path
    return np.asarray(left @ observed[seen] - scale * (left @ expected[seen]))
