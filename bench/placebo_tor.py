"""False positives on days on which nothing is known to have happened: Tor bridge users by country, 2018 to 2020.

    python bench/placebo_tor.py --limit 6000 --jobs 2

Every window goes through the panel and the estimator that the product uses.  A false positive is a 95 % interval of
the ratio that excludes 1.  Two tests that briefs use are run on the same windows.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # matrices are small; threads would only fight over the cores

import numpy as np
from scipy.special import stdtr

sys.path.insert(0, str(Path(__file__).parent.parent))

from analyzer.errors import NotEnoughData
from analyzer.estimators import estimate_effect, placebo_errors
from analyzer.panel import NOT_COUNTRIES, Series, build_panel, lend_pool
from bench.tor import DATA, merged, read_news, read_stop, read_users, series_of

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


def eligible(series: Series, cc: str, onset: int) -> bool:
    """At least 90 days of history, and no known event from 60 days before to 30 days after."""
    y = series.column(cc)
    known = np.flatnonzero(np.isfinite(y))
    if known.size == 0 or onset - known[0] < HISTORY:
        return False
    return not any(start < onset + AFTER and end > onset - BEFORE for start, end in series.events[cc])


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


def trial(series: Series, cc: str, onset: int, horizon: int, lent: object) -> Trial:
    """One window through the product's path."""
    y = series.column(cc)
    began = time.perf_counter()
    try:
        effect = estimate_effect(**build_panel(series, cc, onset, horizon, pool=lent).arguments())
    except NotEnoughData as error:
        return Trial(cc, onset, refused=str(error))
    seconds = time.perf_counter() - began
    change = np.diff(np.log(y[max(onset - 90, 0) : onset] + 0.5))
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
        naive=naive_tests(y, onset, horizon)[0],
        corrected=naive_tests(y, onset, horizon)[1],
    )


def day(task: tuple[Series, int, tuple[str, ...], int]) -> tuple[list[Trial], float]:
    """All windows that begin on one day; other series lend their placebo errors once for all of them."""
    series, onset, countries, horizon = task
    began = time.perf_counter()
    try:
        lent = lend_pool(series, "XX", onset, horizon, placebo_errors)
    except NotEnoughData:
        lent = None
    shared = time.perf_counter() - began
    return [trial(series, cc, onset, horizon, lent) for cc in countries], shared


def tasks(series: Series, horizon: int, limit: int, seed: int) -> list[tuple[Series, int, tuple[str, ...], int]]:
    """Evenly spaced days with all their eligible countries, about `limit` windows; the seed shifts the days."""
    countries = [
        cc
        for cc in series.names
        if cc not in NOT_COUNTRIES and np.nan_to_num(np.nanmedian(series.column(cc))) >= SMALLEST
    ]
    there = [
        (series, onset, tuple(cc for cc in countries if eligible(series, cc, onset)), horizon)
        for onset in range(HISTORY, series.values.shape[0] - horizon + 1)
    ]
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


def report(trials: list[Trial], shared: float) -> None:
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
    print(f"seconds per window: median {np.median([t.seconds for t in given]):.3f}, pool per day {shared:.2f}")


def _reason(text: str) -> str:
    """The message without its numbers, so that refusals can be counted by kind."""
    return " ".join(word for word in text.split() if not word[0].isdigit())


def main() -> None:
    """Runs the bench."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--series", type=Path, default=DATA / "tor-bridge-2018-2020/userstats-bridge-country.csv")
    parser.add_argument("--stop", type=Path, default=DATA / "accessnow-stop/access_now_snapshot_2026-05-20.parquet")
    parser.add_argument("--news", type=Path, default=DATA / "tor-news-events/news.json")
    parser.add_argument("--horizon", type=int, default=14)
    parser.add_argument("--limit", type=int, default=6000)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    series = series_of(*read_users(options.series), merged(read_stop(options.stop), read_news(options.news)))
    todo = tasks(series, options.horizon, options.limit, options.seed)
    with ProcessPoolExecutor(options.jobs) as workers:
        done = list(workers.map(day, todo))
    report([t for trials, _ in done for t in trials], float(np.median([shared for _, shared in done])))


if __name__ == "__main__":
    main()
