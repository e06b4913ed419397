"""Coverage where steps are missing: ordinary gaps, gaps that follow the values, gaps that begin with the block.

    python bench/gaps.py --n 300 --jobs 2
    python bench/gaps.py --n 300 --scenario mix --patterns sundays "last week of the base"

Each pattern takes steps out of simulated panels with known truth.  Ordinary gaps: coverage of the 95 % interval of the
expected total over the observed steps.  Silenced windows: how often the range of the ratio holds the ratio of the whole
window, the steps nobody saw included, beside the same figure for the interval of the observed steps alone.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace

import numpy as np

import analyzer
from analyzer.errors import NotEnoughData
from analyzer.simulate import Scenario, SimulatedPanel, scenario, simulate

Draw = np.random.Generator
Gone = Callable[[SimulatedPanel, Draw], np.ndarray]

CALM = Scenario(ar_phi=0.5, ar_sd=0.05)
AT = np.arange


def _range(start: int, end: int) -> Gone:
    """Steps start .. end, counted from onset."""
    return lambda p, _: (AT(p.y.size) >= p.onset + start) & (AT(p.y.size) < p.onset + end)


def _low(p: SimulatedPanel, draw: Draw) -> np.ndarray:
    """Steps below the 15 % quantile of the two weeks around them go missing four times in five."""
    around = [np.quantile(p.y[max(i - 7, 0) : i + 8], 0.15) for i in range(p.y.size)]
    return (p.y <= around) & (draw.random(p.y.size) < 0.8)


ORDINARY: Mapping[str, Gone] = {
    "none": lambda p, _: np.zeros(p.y.size, bool),
    "random 5 %": lambda p, draw: draw.random(p.y.size) < 0.05,
    "random 15 %": lambda p, draw: draw.random(p.y.size) < 0.15,
    "sundays": lambda p, _: AT(p.y.size) % 7 == 6,
    "every second, first half": lambda p, _: (AT(p.y.size) % 2 == 0) & (AT(p.y.size) < p.onset // 2),
    "begins with a gap": _range(-1000, -100),
    "three weeks of the base": _range(-80, -59),
    "last week of the base": _range(-7, 0),
    "last three days of the base": _range(-3, 0),
    "runs of three": lambda p, draw: np.convolve(draw.random(p.y.size) < 0.04, np.ones(3))[: p.y.size] > 0,
    "low values": _low,
}
# What the steps that nobody saw held, as a factor on their realised counts: a shutdown, or the first rush.
SILENCED: Mapping[str, tuple[Gone, float, str]] = {
    "first two, shut down": (_range(0, 2), 0.0, "shift"),
    "first two, at its height": (_range(0, 2), 1.0, "decay"),
    "last two, shut down": (_range(12, 14), 0.0, "shift"),
    "last two, back to nothing": (_range(12, 14), 0.4, "shift"),
    "day three, shut down": (_range(2, 3), 0.0, "shift"),
}


@dataclass(frozen=True, slots=True)
class Judged:
    """One window."""

    covered: bool
    plain: bool  # of the interval of the observed steps alone
    width: float
    said: bool  # the gaps were called surprising


def judge(panel: SimulatedPanel, y: np.ndarray, truth: float, seed: int) -> Judged | None:
    """truth: ratio that the range has to hold.  None where the estimator refuses."""
    try:
        effect = analyzer.estimate_effect(
            y, panel.onset, panel.horizon, season=panel.season, holidays=panel.holidays, seed=seed
        )
    except NotEnoughData:
        return None
    low, high = effect.observed / effect.expected_high, effect.observed / effect.expected_low
    said = any("silenced" in warning for warning in effect.warnings)
    return Judged(
        effect.ratio_low <= truth <= effect.ratio_high, low <= truth <= high, effect.ratio_high / effect.ratio_low, said
    )


def ordinary(settings: Scenario, name: str, seed: int, i: int) -> Judged | None:
    """A window of panel i with a pattern's gaps in it."""
    draw = np.random.default_rng([seed, i])
    panel = simulate(settings, draw)
    y = np.where(ORDINARY[name](panel, draw), np.nan, panel.y)
    observed, expected = replace(panel, y=y).truth()
    return judge(panel, y, observed / expected if expected else np.nan, seed)


def silenced(settings: Scenario, name: str, seed: int, i: int) -> Judged | None:
    """A window whose missing steps held something else than the others."""
    gone, held, shape = SILENCED[name]
    draw = np.random.default_rng([seed, i])
    panel = simulate(replace(settings, shape=shape, missing=0.0), draw)
    there = np.where(gone(panel, draw), panel.y * held, panel.y)
    inside = panel.window
    truth = float(there[inside].sum() / panel.y0[inside].sum())
    return judge(panel, np.where(gone(panel, draw), np.nan, panel.y), truth, seed)


def _one(task: tuple[Scenario, str, int, int]) -> Judged | None:
    settings, name, seed, i = task
    return (ordinary if name in ORDINARY else silenced)(settings, name, seed, i)


def row(name: str, results: list[Judged | None]) -> str:
    """One line of the table."""
    kept = [r for r in results if r]
    if not kept:
        return f"{name:<28}{len(results):>6}{'-':>9}{'-':>9}{'-':>8}{'-':>8}{len(results):>9}"
    cover, plain, said = (100 * np.mean([getattr(r, field) for r in kept]) for field in ("covered", "plain", "said"))
    width = np.median([r.width for r in kept])
    refused = len(results) - len(kept)
    return f"{name:<28}{len(results):>6}{cover:>9.1f}{plain:>9.1f}{width:>8.2f}{said:>8.0f}{refused:>9}"


def main() -> None:
    """Print one line per pattern as it is done."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument(
        "--scenario", default="", help="of `vpn-uptake simulate`; default: AR(1) of 5 %% around a level"
    )
    parser.add_argument("--patterns", nargs="+", default=[*ORDINARY, *SILENCED])
    given = parser.parse_args()
    settings = scenario(given.scenario) if given.scenario else CALM
    print(f"{'pattern':<28}{'n':>6}{'cover %':>9}{'plain %':>9}{'width':>8}{'said %':>8}{'refused':>9}")
    with ProcessPoolExecutor(given.jobs) as workers:
        for name in given.patterns:
            tasks = [(settings, name, given.seed, i) for i in range(given.n)]
            print(row(name, list(workers.map(_one, tasks, chunksize=10))), flush=True)


if __name__ == "__main__":
    main()
