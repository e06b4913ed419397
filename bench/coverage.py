"""Coverage of the interval on simulated panels with known truth.

Per scenario: coverage of the 95 % interval of the expected total, false positives at zero effect, median width and
interval score relative to the true expected total, refusals, seconds a series.

    python bench/coverage.py --n 100 --scenarios clean ar mix mix-donors --seed 1

The interval is judged for the expected total, so its coverage does not depend on the size of the effect; scenarios with
a shape show that.  False positives are counted only where nothing happened.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

import analyzer
from analyzer.errors import NotEnoughData
from analyzer.simulate import SimulatedPanel, scenarios, simulate

ALPHA = 0.05
HEADER = ("scenario", "n", "cover %", "+-", "false %", "width", "score", "refused", "s")


@dataclass(frozen=True, slots=True)
class Judged:
    """One estimate against its truth, widths and scores relative to the true expected total."""

    covered: bool
    false_positive: bool | None  # None where there was an effect
    width: float
    score: float
    seconds: float


def judge(panel: SimulatedPanel, *, estimand: str, seed: int, use_donors: bool) -> Judged | None:
    """None when the estimator refuses."""
    observed, expected = panel.truth(estimand)
    began = time.perf_counter()
    try:
        effect = analyzer.estimate_effect(
            panel.y,
            panel.onset,
            panel.horizon,
            donors=panel.donors if use_donors else None,
            other_events=panel.events,
            season=panel.season,
            holidays=panel.holidays,
            estimand=estimand,
            level=1 - ALPHA,
            seed=seed,
        )
    except NotEnoughData:
        return None
    seconds = time.perf_counter() - began
    low, high = effect.expected_low, effect.expected_high
    score = (high - low) + 2 / ALPHA * (max(low - expected, 0.0) + max(expected - high, 0.0))
    silent = observed == expected
    return Judged(
        covered=low <= expected <= high,
        false_positive=not effect.ratio_low <= 1.0 <= effect.ratio_high if silent else None,
        width=(high - low) / expected,
        score=score / expected,
        seconds=seconds,
    )


def row(name: str, outcomes: Iterable[Judged | None]) -> tuple[str, ...]:
    """One line of the table."""
    results = list(outcomes)
    kept = [r for r in results if r]
    if not kept:
        return (name, str(len(results)), *["-"] * 5, str(len(results)), "-")
    cover = sum(r.covered for r in kept) / len(kept)
    silent = [r.false_positive for r in kept if r.false_positive is not None]
    return (
        name,
        str(len(results)),
        f"{100 * cover:.0f}",
        f"{100 * math.sqrt(cover * (1 - cover) / len(kept)):.1f}",
        f"{100 * sum(silent) / len(silent):.0f}" if silent else "-",
        f"{np.median([r.width for r in kept]):.2f}",
        f"{np.mean([r.score for r in kept]):.2f}",
        str(len(results) - len(kept)),
        f"{np.mean([r.seconds for r in kept]):.2f}",
    )


def options() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n", type=int, default=50, help="panels per scenario (default 50)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--scenarios", nargs="+", default=list(scenarios()), metavar="NAME[:SHAPE]")
    parser.add_argument("--estimand", choices=("no_block_since_base", "just_before"), default="no_block_since_base")
    parser.add_argument("--no-donors", action="store_true", help="withhold the donors")
    return parser.parse_args()


def main() -> None:
    """Print one line per scenario as it is done."""
    given = options()
    print(("{:<18}" + "{:>9}" * (len(HEADER) - 1)).format(*HEADER))
    for name in given.scenarios:
        # One generator per panel, so that a scenario gives the same panels whatever else is run.
        panels = (simulate(name, np.random.default_rng([given.seed, i])) for i in range(given.n))
        judged = (judge(p, estimand=given.estimand, seed=given.seed, use_donors=not given.no_donors) for p in panels)
        print(("{:<18}" + "{:>9}" * (len(HEADER) - 1)).format(*row(name, judged)), flush=True)


if __name__ == "__main__":
    main()
