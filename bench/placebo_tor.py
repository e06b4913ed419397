"""False positives on days on which nothing is known to have happened: Tor bridge users by country, 2018 to 2020.

    python bench/placebo_tor.py --limit 6000 --jobs 2

Every window is asked as a user would ask `estimate --cc CC --date D --horizon 14d` with the shipped catalogue: the same
base, gap, masks, donors and lent errors.  A false positive is a 95 % interval of the ratio that excludes 1.  Two tests
that briefs use are run on the same windows.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # matrices are small; threads would only fight over the cores

import numpy as np
from scipy.special import stdtr

sys.path.insert(0, str(Path(__file__).parents[1]))

from analyzer import blocks
from analyzer.panel import NOT_COUNTRIES, Series
from analyzer.store import Store
from analyzer.store.loading import load_file
from analyzer.study import bare_date
from analyzer.study.asked import Lender, asked_of
from analyzer.study.effects import find
from analyzer.study.horizons import onset_steps, window
from analyzer.study.series import Aligned, aligned, first_starts
from analyzer.study.situation import artefacts_of, country_events
from bench.tor import BRIDGE, DATA, NEWS, STOP, Spans, merged, read_news, read_stop

HISTORY, BEFORE, AFTER, SMALLEST = 90, 60, 30, 5.0


@dataclass(frozen=True, slots=True)
class Trial:
    """One placebo window."""

    cc: str
    onset: int
    refused: str = ""
    ratio: float = np.nan
    low: float = np.nan
    high: float = np.nan
    seconds: float = 0.0
    size: float = 0.0
    volatility: float = 0.0
    move: float = 0.0
    naive: bool = False
    corrected: bool = False

    @property
    def positive(self) -> bool:
        """The interval excludes 1."""
        return self.low > 1 or self.high < 1


def read(path: Path) -> Aligned:
    """The series as the product aligns them."""
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder) / "bench.duckdb")
        load_file(store, path)
        (key,) = first_starts(store, "XX")
        return aligned(store, key)


def eligible(series: Aligned, cc: str, day: date, spans: Spans) -> bool:
    """At least 90 days of history, and no known event from 60 days before to 30 days after."""
    known = np.flatnonzero(np.isfinite(series.values[cc]))
    if known.size == 0 or (day - series.time(int(known[0])).date()).days < HISTORY:
        return False
    first, last = day - timedelta(days=BEFORE), day + timedelta(days=AFTER)
    return not any(start < last and end > first for start, end in spans.get(cc, ()))


def naive_tests(y: np.ndarray, onset: int, horizon: int) -> tuple[bool, bool]:
    """Two-sample t-test on logs, 28 days before against the window; the same with AR(1) effective sample sizes."""
    parts = y[onset - 28 : onset], y[onset : onset + horizon]
    before, after = (np.log(part[np.isfinite(part)] + 0.5) for part in parts)
    if min(before.size, after.size) < 3:
        return False, False
    rest = np.concatenate([before - before.mean(), after - after.mean()])
    if not rest.any():
        return before.mean() != after.mean(), before.mean() != after.mean()
    rho = float(np.clip(np.sum(rest[1:] * rest[:-1]) / np.sum(rest**2), 0, 0.95))

    def rejects(shrink: float) -> bool:
        n, m = before.size * shrink, after.size * shrink
        error = np.sqrt(before.var(ddof=1) / n + after.var(ddof=1) / m) + 1e-12
        t = abs(after.mean() - before.mean()) / error
        return bool(2 * (1 - stdtr(max(n + m - 2, 1), t)) < 0.05)

    return rejects(1.0), rejects((1 - rho) / (1 + rho))


def last_move(y: np.ndarray, onset: int) -> float:
    """Mean log of the last 3 days over the median of the 28 before, in robust deviations of the series' own history."""
    z = np.log(y[:onset] + 0.5)
    moves = []
    for end in range(max(onset - 180, 40), onset + 1):
        recent, earlier = z[end - 3 : end], z[end - 31 : end - 3]
        if np.isfinite(recent).any() and np.isfinite(earlier).sum() > 10:
            moves.append(np.nanmean(recent) - np.nanmedian(earlier))
        else:
            moves.append(np.nan)
    history = np.array(moves[:-1])
    spread = 1.4826 * np.nanmedian(np.abs(history - np.nanmedian(history)))
    return float(abs(moves[-1]) / max(spread, 1e-9)) if np.isfinite(moves[-1]) else 0.0


def trial(series: Aligned, cc: str, day: date, horizon: int, lender: Lender) -> Trial:
    """One window through the product's path."""
    block = bare_date(cc, day)
    (onset,) = onset_steps(block, series)
    y = series.values[cc]
    began = time.perf_counter()
    asked = asked_of(CATALOGUE, block, series, onset, lender)
    found = find(asked, window(f"{horizon}d", block, series, onset), "no_block_since_base", [onset])
    if not found.effects:
        return Trial(cc, onset, refused=found.refusal)
    (effect,) = found.effects
    seconds = time.perf_counter() - began
    change = np.diff(np.log(y[max(onset - 90, 0) : onset] + 0.5))
    naive, corrected = naive_tests(y, onset, horizon)
    return Trial(
        cc,
        onset,
        ratio=effect.ratio,
        low=effect.ratio_low,
        high=effect.ratio_high,
        seconds=seconds,
        size=float(np.nanmedian(y[:onset])),
        volatility=float(np.nanstd(change)),
        move=last_move(y, onset),
        naive=naive,
        corrected=corrected,
    )


CATALOGUE = blocks.shipped()
Task = tuple[Aligned, date, tuple[str, ...], int]


def one_day(task: Task) -> list[Trial]:
    """All windows that begin on one day; countries lend their placebo errors once for all of them."""
    series, day, countries, horizon = task
    lender = Lender(Series.of(series.values, country_events(CATALOGUE, series), artefacts_of(series)))
    return [trial(series, cc, day, horizon, lender) for cc in countries]


def tasks(series: Aligned, spans: Spans, horizon: int, limit: int, seed: int) -> list[Task]:
    """Evenly spaced days with all their eligible countries, about `limit` windows; the seed shifts the days."""
    countries = [
        cc
        for cc, y in series.values.items()
        if cc not in NOT_COUNTRIES and np.isfinite(y).any() and np.nanmedian(y) >= SMALLEST
    ]
    days = [series.time(step).date() for step in range(HISTORY, series.length - horizon)]
    there = [(series, d, tuple(cc for cc in countries if eligible(series, cc, d, spans)), horizon) for d in days]
    every = max(sum(len(task[2]) for task in there) // max(limit, 1), 1)
    return [task for task in there[seed % every :: every] if task[2]]


def rate(trials: list[Trial]) -> str:
    """Rate of false positives with its count."""
    if not trials:
        return "     -"
    return f"{100 * np.mean([t.positive for t in trials]):5.1f} % of {len(trials)}"


def thirds(trials: list[Trial], key: str) -> list[list[Trial]]:
    """Trials by thirds of an attribute."""
    cuts = np.quantile([getattr(t, key) for t in trials], [1 / 3, 2 / 3])
    place = np.searchsorted(cuts, [getattr(t, key) for t in trials])
    return [[t for t, p in zip(trials, place, strict=True) if p == k] for k in range(3)]


def report(trials: list[Trial]) -> None:
    """Prints the figures."""
    given = [t for t in trials if not t.refused]
    refused = Counter(_reason(t.refused) for t in trials if t.refused)
    print(f"windows {len(trials)}, refused {100 * (1 - len(given) / len(trials)):.1f} %:")
    for reason, count in refused.most_common():
        print(f"  {100 * count / len(trials):5.1f} %  {reason}")
    print(f"false positives at nominal 5 %: {rate(given)}")
    rises, falls = (100 * np.mean([side(t) for t in given]) for side in (lambda t: t.low > 1, lambda t: t.high < 1))
    print(f"  rises {rises:.1f} %, falls {falls:.1f} %")
    for low, high in ((5, 20), (20, 100), (100, 1000), (1000, np.inf)):
        print(f"  median users {low:>5} to {high:>5}: {rate([t for t in given if low <= t.size < high])}")
    for name, part in zip(("calm", "middle", "restless"), thirds(given, "volatility"), strict=True):
        print(f"  third by volatility, {name:>8}: {rate(part)}")
    for low, high in ((0, 2), (2, 3), (3, np.inf)):
        print(
            f"  last move {low} to {high} of its usual deviations: {rate([t for t in given if low <= t.move < high])}"
        )
    width = np.array([np.log(t.high / t.low) for t in given if t.low > 0])
    error = np.array([abs(np.log(t.ratio)) for t in given if t.ratio > 0])
    either, whole = np.exp(np.median(width) / 2), np.exp(np.median(width))
    print(f"median interval x{either:.2f} either way (ratio high / low {whole:.2f})")
    print(f"median absolute log ratio {np.median(error):.3f}")
    ours = np.mean([t.positive for t in given])
    for name in ("naive", "corrected"):
        other = np.mean([getattr(t, name) for t in given])
        print(f"t-test on logs, {name}: {100 * other:.1f} % = {other / max(ours, 1e-9):.1f} times ours")
    seconds = [t.seconds for t in given]
    print(f"seconds per window: median {np.median(seconds):.3f}, mean with the lent errors {np.mean(seconds):.3f}")


def _reason(text: str) -> str:
    """The message without its numbers, so that refusals can be counted by kind."""
    return " ".join(word for word in text.split() if not word[0].isdigit())


def main() -> None:
    """Runs the bench."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--horizon", type=int, default=14)
    parser.add_argument("--limit", type=int, default=6000)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    series = read(options.data / BRIDGE)
    spans = merged(read_stop(options.data / STOP), read_news(options.data / NEWS))
    todo = tasks(series, spans, options.horizon, options.limit, options.seed)
    with ProcessPoolExecutor(options.jobs) as workers:
        done: Iterable[list[Trial]] = workers.map(one_day, todo)
        report([t for trials in done for t in trials])


if __name__ == "__main__":
    main()
