"""Coverage on every scale: shares, rates, indices, ranks, coarse counts; series with known truth.

Per scenario: coverage of the 95 % interval of the expected total, how often the truth lies below and above it,
false positives where nothing happened, coverage of the ratio (open where the window lies at the end of its scale),
one-sided bounds given and how many of them hold, median width of the log interval, refusals, seconds a series.

    python bench/scale_coverage.py --n 300 --scenarios share rank rank:4 --horizon 14 --before 180 --seed 1 --jobs 2

The truth is what would have been printed without the block, before rounding and before the end of the chart.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

import analyzer
from analyzer.errors import NotEnoughData
from analyzer.records import Effect
from analyzer.simulate_scales import ScaleSeries, scenario, scenarios, simulate_scale

HEADER = ("scenario", "H", "T", "n", "cover", "+-", "under", "over", "false", "ratio", "bounds", "hold", "width",
          "refused", "s")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Judged:
    """One estimate against its truth."""

    one_sided: bool
    below: bool  # the truth lies below the interval
    above: bool
    ratio_held: bool
    false_positive: bool | None  # None where there was a block
    width: float  # of the log interval
    seconds: float


def judge(series: ScaleSeries, seed: int) -> Judged | None:
    """None when the estimator refuses."""
    observed, expected = series.truth()
    began = time.process_time()
    try:
        effect: Effect = analyzer.estimate_effect(
            series.y, series.onset, series.horizon, seed=seed, **series.arguments()
        )
    except NotEnoughData:
        return None
    seconds = time.process_time() - began
    ends_open = not np.isfinite(effect.expected_high) or effect.expected_low <= 0
    ratio = observed / expected if expected else np.inf if observed else 1.0
    return Judged(
        one_sided=ends_open and series.scale in ("rank", "index"),
        below=expected < effect.expected_low * (1 - 1e-9),
        above=expected > effect.expected_high * (1 + 1e-9),
        ratio_held=effect.ratio_low * (1 - 1e-9) <= ratio <= effect.ratio_high * (1 + 1e-9),
        false_positive=not effect.ratio_low <= 1.0 <= effect.ratio_high if observed == expected else None,
        width=float(np.log(max(effect.expected_high, 1e-9) / max(effect.expected_low, 1e-3))),
        seconds=seconds,
    )


def one(number: int, *, name: str, horizon: int, before: int, seed: int) -> Judged | None:
    """The estimate of one drawn series; every series has a generator of its own."""
    settings = replace(scenario(name), horizon=horizon, before=before)
    return judge(simulate_scale(settings, np.random.default_rng([seed, number]), name=name), seed)


def row(name: str, horizon: int, before: int, outcomes: Iterable[Judged | None]) -> tuple[str, ...]:
    """One line of the table."""
    results = list(outcomes)
    kept = [r for r in results if r]
    first = (name, str(horizon), str(before), str(len(results)))
    if not kept:
        return (*first, *["-"] * 9, str(len(results)), "-")
    two = [r for r in kept if not r.one_sided]
    bounds = [r for r in kept if r.one_sided]
    silent = [r.false_positive for r in kept if r.false_positive is not None]
    cover = _share([not r.below and not r.above for r in two])
    return (
        *first,
        _percent(cover),
        _percent(math.sqrt(cover * (1 - cover) / len(two)) if two else math.nan),
        _percent(_share([r.below for r in two])),
        _percent(_share([r.above for r in two])),
        _percent(_share(silent)),
        _percent(_share([r.ratio_held for r in two])),
        str(len(bounds)),
        _percent(_share([not r.below and not r.above and r.ratio_held for r in bounds])),
        f"{np.median([r.width for r in two]):.2f}" if two else "-",
        str(len(results) - len(kept)),
        f"{np.mean([r.seconds for r in kept]):.2f}",
    )


def _share(flags: Sequence[bool]) -> float:
    return sum(flags) / len(flags) if flags else math.nan


def _percent(value: float) -> str:
    return "-" if math.isnan(value) else f"{100 * value:.1f}"


def options() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n", type=int, default=300, help="series per scenario (default 300)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--scenarios", nargs="+", default=list(scenarios()), metavar="NAME[:RATIO]")
    parser.add_argument("--horizon", nargs="+", type=int, default=[14])
    parser.add_argument("--before", nargs="+", type=int, default=[180])
    parser.add_argument("--jobs", type=int, default=1)
    return parser.parse_args()


def main() -> None:
    """Print one line per scenario, horizon and length of history as it is done."""
    given = options()
    line = "{:<18}" + "{:>5}" * 3 + "{:>8}" * (len(HEADER) - 4)
    print(line.format(*HEADER))
    with ProcessPoolExecutor(given.jobs) as workers:
        for name in given.scenarios:
            for horizon in given.horizon:
                for before in given.before:
                    task = partial(one, name=name, horizon=horizon, before=before, seed=given.seed)
                    judged = workers.map(task, range(given.n), chunksize=10)
                    print(line.format(*row(name, horizon, before, judged)), flush=True)


if __name__ == "__main__":
    main()
