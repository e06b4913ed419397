"""Whether public holidays help: placebo windows of Tor bridge users with and without them.

    python bench/feasts.py --countries KZ IR EG DE US TH PK MX --every 5

Windows on ordinary dates, asked with donors as `estimate` asks; split by whether one holds a holiday.  Printed: root
mean square of log(observed / expected), share of 95 % intervals without 1, interval score of the log ratio.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

import analyzer
from analyzer import blocks
from analyzer.errors import NotEnoughData
from analyzer.panel import Series, build_panel
from analyzer.study.series import Aligned
from analyzer.study.situation import artefacts_of, country_events
from analyzer.study.surroundings import holiday_flags
from bench.placebo_tor import HISTORY, eligible, read
from bench.tor import BRIDGE, DATA, NEWS, STOP, merged, read_news, read_stop

GAP = 4


@dataclass(frozen=True, slots=True)
class Pair:
    """One window asked twice: log ratio and its interval without and with holidays."""

    holds: bool
    without: tuple[float, float, float]
    given: tuple[float, float, float]


def logs(series: Series, cc: str, onset: int, horizon: int, flags: np.ndarray | None) -> tuple[float, float, float]:
    """Log of ratio, its lower and its upper bound."""
    panel = build_panel(series, cc, onset, horizon, anticipation=GAP, holidays=flags)
    effect = analyzer.estimate_effect(**panel.arguments())
    return tuple(np.log([effect.ratio, effect.ratio_low, effect.ratio_high]).tolist())


def windows(task: tuple[Aligned, str, tuple[int, ...], int]) -> list[Pair]:
    """All windows of one country."""
    aligned, cc, onsets, horizon = task
    series = Series.of(aligned.values, country_events(blocks.shipped(), aligned), artefacts_of(aligned))
    flags = holiday_flags(aligned, cc)
    found = []
    for onset in onsets:
        try:
            answers = [logs(series, cc, onset, horizon, f) for f in (None, flags)]
        except NotEnoughData:
            continue
        if np.isfinite(answers).all() and flags is not None:
            found.append(Pair(bool(flags[onset : onset + horizon].any()), *answers))
    return found


def figures(pairs: list[Pair], name: str) -> str:
    """Root mean square error, false positives and interval score."""
    if not pairs:
        return f"{'-':>24}"
    middle, low, high = np.array([getattr(p, name) for p in pairs]).T
    score = (high - low) + 40 * (np.maximum(low, 0) + np.maximum(-high, 0))
    false = 100 * np.mean((low > 0) | (high < 0))
    return f"{np.sqrt(np.mean(middle**2)):8.3f}{false:8.1f}{np.mean(score):8.3f}"


def rows(name: str, pairs: list[Pair]) -> Iterator[str]:
    """Two lines: windows with a holiday and without."""
    for word, holds in (("with", True), ("without", False)):
        part = [p for p in pairs if p.holds == holds]
        yield f"{name:<8}{word:<9}{len(part):>5} |{figures(part, 'without')} |{figures(part, 'given')}"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--countries", nargs="+", default=["KZ", "IR", "EG", "DE", "US", "TH", "PK", "MX", "DZ", "TR"])
    parser.add_argument("--horizon", type=int, default=14)
    parser.add_argument("--every", type=int, default=7, help="days between windows")
    parser.add_argument("--jobs", type=int, default=2)
    given = parser.parse_args()
    aligned = read(DATA / BRIDGE)
    spans = merged(read_stop(DATA / STOP), read_news(DATA / NEWS))
    tasks = []
    countries = [cc for cc in given.countries if cc in aligned.values]
    for cc in countries:
        last = aligned.length - given.horizon
        days = range(HISTORY, last, given.every)
        quiet = (o for o in days if eligible(aligned, cc, (aligned.start + timedelta(days=o)).date(), spans))
        tasks.append((aligned, cc, tuple(quiet), given.horizon))
    print(f"{'':<17}{'n':>5} |{'no flags: rms  false %  score':>24} | flags: rms  false %  score")
    every = []
    with ProcessPoolExecutor(given.jobs) as workers:
        for cc, pairs in zip(countries, workers.map(windows, tasks), strict=True):
            every += pairs
            print(*rows(cc, pairs), sep="\n", flush=True)
    print(*rows("all", every), sep="\n")


if __name__ == "__main__":
    main()
