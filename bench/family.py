"""How often does a study of many rows name one where nothing happened, and what does it still find?

Worlds: ten daily series of counts of one country that share a wandering factor and a weekly cycle, no donors; six
horizons and two estimands (the frozen base before a chain of blocks, and the path just before this one) by the real
engine.  Nothing happens; then one series of ten is multiplied from onset on.  A study errs where any of its 120 rows
has an adjusted p of 5 % or less; beside it Bonferroni's bound with the same statistics, and no adjustment at all.
With `--quick` an exponential average stands in for the engine, judged by its own placebo errors in the same way: the
engine needs some eight seconds for a study, the average a tenth of one.

    python bench/family.py [--n 40] [--size 1.5] [--days 400] [--jobs 1] [--seed 3] [--quick]
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from datetime import datetime, timedelta
from functools import partial

import numpy as np
import numpy.typing as npt

from analyzer import blocks
from analyzer.errors import NotEnoughData
from analyzer.records import Block
from analyzer.study.asked import Asked, Estimand, asked_of, estimands
from analyzer.study.effects import Found, estimate, panel_of
from analyzer.study.family import step
from analyzer.study.horizons import Window
from analyzer.study.judged import Judged, judged
from analyzer.study.series import Aligned, SeriesKey

Floats = npt.NDArray[np.float64]
START = datetime(2020, 1, 1)  # noqa: DTZ001 - naive UTC, as in the store
SERIES, HORIZONS, LEVEL = 10, (1, 3, 7, 14, 28, 60), 0.05
EARLIER = 40  # days before onset at which the chain's first block begins; it ends twelve days before onset
SHARED = 0.6  # part of the wandering's variance that all series have in common


def counts(draw: np.random.Generator, days: int) -> Floats:
    """(days, SERIES) counts whose logs wander together."""
    common = 0.02 * np.sqrt(SHARED) * draw.standard_normal((days, 1))
    own = 0.02 * np.sqrt(1 - SHARED) * draw.standard_normal((days, SERIES))
    daily = 0.04 * (np.sqrt(SHARED) * draw.standard_normal((days, 1)) + 0.6 * draw.standard_normal((days, SERIES)))
    week = np.tile(0.08 * draw.standard_normal((7, 1)), (days // 7 + 1, 1))[:days]
    level = np.log(draw.uniform(80, 2000, SERIES))
    return draw.poisson(np.exp(level + np.cumsum(common + own, axis=0) + daily + week)).astype(float)


def event(block_id: str, start: datetime, end: datetime) -> Block:
    """A block known to the minute."""
    dates = (start, start, end, end)
    return Block(block_id, "ZZ", block_id, *dates, "minute", "minute", "social_media_block", "", ())


def rows(values: Floats, onset: int) -> Iterator[Judged]:
    """Every row of the study."""
    at = START + timedelta(days=onset)
    first = event("first", at - timedelta(days=EARLIER), at - timedelta(days=12))
    now = event("now", at, at + timedelta(days=60))
    catalogue = blocks.contents.make([first, now], [], [])
    for j in range(values.shape[1]):
        key = SeriesKey(f"bench.series_{j}", 0, "", "users", "")
        none = np.full(values.shape[0], np.nan)
        alone = {"ZZ": values[:, j]}
        rest = ({"ZZ": none}, {"ZZ": none}, {"ZZ": np.zeros(none.size, bool)}, {"ZZ": ()}, {})
        asked = asked_of(catalogue, now, Aligned(key, START, timedelta(days=1), alone, *rest), onset)
        for estimand in estimands(asked):
            for h in HORIZONS:
                yield one(asked, Window(f"{h}d", onset, h), estimand)


def one(asked: Asked, at: Window, estimand: Estimand) -> Judged:
    """The engine's answer, without the widening after moves just before onset: that only makes rows wider."""
    try:
        panel = panel_of(asked, asked.onset, at, estimand)
        found = Found(at, estimand, (estimate(asked, panel, estimand),), panel, "")
    except NotEnoughData as error:
        found = Found(at, estimand, (), None, str(error))
    return judged(asked, found)


def quick_rows(values: Floats, onset: int) -> Iterator[Judged]:
    """The same rows by an exponential average of logs, with the engine's degrees of freedom and correction."""
    logs = np.log(np.maximum(values, 0.5))
    level = np.empty_like(logs)
    level[0] = logs[:7].mean(axis=0)
    for t in range(1, len(logs)):
        level[t] = level[t - 1] + 0.15 * (logs[t - 1] - level[t - 1])
    running = np.concatenate([np.zeros((1, logs.shape[1])), np.cumsum(logs, axis=0)])
    for estimand, gap in (("no_block_since_base", EARLIER + 4), ("just_before", 4)):
        for h in HORIZONS:
            starts = np.arange(60 + gap, onset - h - gap + 1)
            errors = (running[starts + h] - running[starts]) / h - level[starts - gap]
            now = (running[onset + h] - running[onset]) / h - level[onset - gap]
            shared = (h + 0.5 * gap) / starts.size
            spread = np.sqrt(np.mean(errors**2, axis=0) * (1 + 0.8 * shared))
            freedom = 1.5 * starts.size / (h + 0.5 * gap + 3)
            for j in range(logs.shape[1]):
                key = SeriesKey(f"bench.series_{j}", 0, "", "users", "")
                t = abs(float(now[j] / spread[j]))
                own = (float(now[j]), float(spread[j]), freedom, t, starts, errors[:, j] / spread[j])
                yield Judged(key, f"{h}d", estimand, *own, onset, float(gap + h), onset)


def studied(given: list[Judged], changed: str = "") -> list[float]:
    """Whether any row is named: by max-T, by Bonferroni, by p alone; of the changed series only where one is named."""
    able = [j for j in given if not j.refusal]
    found = step(able)
    own = np.array([changed in ("", j.key.indicator) for j in able])
    bonferroni = np.minimum(found.p * len(able), 1.0)
    return [float((p[own] <= LEVEL).any()) for p in (found.adjusted, bonferroni, found.p)]


def world(seed: int, days: int, size: float, quick: bool) -> list[float]:
    """Nothing, then one series multiplied: named or not by each rule; number of rows and of common dates."""
    draw = np.random.default_rng(seed)
    onset = days - max(HORIZONS)
    values = counts(draw, days)
    rows_of = quick_rows if quick else rows
    quiet = list(rows_of(values, onset))
    moved = values[:, :1].copy()
    moved[onset:] = np.round(moved[onset:] * size)
    loud = [*rows_of(moved, onset), *(j for j in quiet if j.key.indicator != "bench.series_0")]
    able = [j for j in quiet if not j.refusal]
    return [*studied(quiet), *studied(loud, "bench.series_0"), float(len(able)), float(step(able).dates)]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--n", type=int, default=40, help="simulated studies")
    parser.add_argument("--size", type=float, default=1.5, help="what one series is multiplied by")
    parser.add_argument("--days", type=int, default=400)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--seed", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="an exponential average in the engine's place")
    asked = parser.parse_args()
    seeds = range(1000 * asked.seed, 1000 * asked.seed + asked.n)
    with ProcessPoolExecutor(asked.jobs) as pool:
        found = np.array(list(pool.map(partial(world, days=asked.days, size=asked.size, quick=asked.quick), seeds)))
    r = found.mean(axis=0)
    print(f"{asked.n} studies of {r[6]:.0f} rows, {r[7]:.0f} dates that rows have in common")
    print("                            max-T  Bonferroni  p alone")
    print(f"any row named, nothing      {r[0]:5.3f}       {r[1]:5.3f}    {r[2]:5.3f}")
    print(f"x{asked.size:g} in one series found   {r[3]:5.3f}       {r[4]:5.3f}    {r[5]:5.3f}")


if __name__ == "__main__":
    main()
