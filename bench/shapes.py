"""Coverage of the intervals of a shape on simulated panels with known truth.

    python bench/shapes.py --n 60 --cases mix:decay clean:zero --seed 1

Per case: share of panels whose 95 % interval holds the true peak, half-life and residuals at 30, 60 and 90 steps; share
of peaks told apart from 1; the median factor by which the peak's interval reaches up and down; refusals; seconds.

The true peak is the highest factor of the block on the mean; the true half-life is when the 7-step means of the excess
of that factor first fall below half of their height; residuals are realised totals.  An open upper bound holds every
larger value.  Where nothing happened the half-life should be refused.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from analyzer.errors import NotEnoughData
from analyzer.estimators import Measured, Shape, estimate_shape
from analyzer.simulate import SHAPES, Scenario, SimulatedPanel, scenario, simulate

AHEAD = 91
CASES = tuple(f"{name}:{shape}" for name in ("clean", "mix") for shape in SHAPES)
HEADER = ("case", "n", "peak %", "day %", "half %", "30 %", "60 %", "90 %", "told %", "reach", "half", "none", "s")


@dataclass(frozen=True, slots=True)
class Truth:
    """What a shape should say."""

    peak: float
    days: tuple[int, ...]  # steps at which the factor is at its highest
    half_life: float  # infinite where it does not fall to half


def factor(settings: Scenario) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """The block's factor on the mean, per step from onset; said here again, not taken from the simulator."""
    after = np.arange(AHEAD + 7.0)
    course = {
        "zero": 0 * after,
        "spike": after < 2,
        "decay": 0.5 ** (after / settings.halflife),
        "shift": 0 * after + 1,
        "ramp": np.minimum((after + 1) / 7, 1),
    }[settings.shape]
    return 1 + (settings.ratio - 1) * course


def truth(settings: Scenario) -> Truth:
    """The peak, the steps it may be on and the half-life of the smoothed excess."""
    path = factor(settings)
    means = np.convolve(path, np.ones(7) / 7, "valid") - 1
    sign = 1 if settings.ratio >= 1 else -1
    top = int(np.argmax(sign * means))
    below = np.flatnonzero(sign * means[top:] <= sign * means[top] / 2 + 1e-12)
    peak = float(path[np.argmax(sign * path)])
    half = float(below[0]) if below.size and settings.shape != "zero" else float("inf")
    return Truth(peak, tuple(np.flatnonzero(np.isclose(path, peak)).tolist()), half)


def holds(found: Measured, value: float) -> bool | None:
    """Whether the interval holds a value; None where no interval is given."""
    if found.low is None and found.high is None:
        return None
    return (found.low is None or found.low <= value) and (found.high is None or value <= found.high)


@dataclass(frozen=True, slots=True)
class Judged:
    """One shape against its truth."""

    held: tuple[bool | None, ...]  # peak, day, half-life, residuals
    told: bool
    reach: float
    half_life: float | None
    seconds: float


def judge(panel: SimulatedPanel, settings: Scenario, **options: object) -> Judged | None:
    """None where the shape is refused."""
    began = time.perf_counter()
    try:
        found = estimate_shape(panel.y, panel.onset, anticipation=4, other_events=panel.events, **options)  # type: ignore[arg-type]
    except NotEnoughData:
        return None
    return _judged(found, panel, truth(settings), time.perf_counter() - began)


def _judged(found: Shape, panel: SimulatedPanel, true: Truth, seconds: float) -> Judged:
    when = [d for d in true.days if found.peak_step.low is not None and found.peak_step.low <= d]
    day = None if found.peak_step.high is None else any(d <= found.peak_step.high for d in when)
    residuals = [holds(m, _realised(panel, at)) for at, m in found.residuals.items()]
    low, high = found.peak.low or np.nan, found.peak.high or np.nan
    return Judged(
        held=(holds(found.peak, true.peak), day, holds(found.half_life, true.half_life), *residuals),
        told=bool(low > 1 or high < 1),
        reach=float(np.sqrt(high / low)),
        half_life=found.half_life.value,
        seconds=seconds,
    )


def _realised(panel: SimulatedPanel, at: int) -> float:
    window = slice(panel.onset + at - 7, panel.onset + at)
    seen = np.isfinite(panel.y[window])
    return float(panel.y[window][seen].sum() / max(panel.y0[window][seen].sum(), 1))


def run(name: str, n: int, seed: int) -> list[Judged | None]:
    """Panels of one case; one generator per panel, so that a case gives the same panels whatever else is run."""
    settings = replace(scenario(name), horizon=AHEAD, before=240)
    panels = (simulate(settings, np.random.default_rng([seed, i])) for i in range(n))
    return [judge(panel, settings) for panel in panels]


def row(name: str, judged: Sequence[Judged | None]) -> tuple[str, ...]:
    """One line of the table."""
    kept = [j for j in judged if j]
    shares = []
    for i in range(len(HEADER[2:8])):
        held = [j.held[i] for j in kept if j.held[i] is not None]
        shares.append(f"{100 * sum(map(bool, held)) / len(held):.0f} ({len(held)})" if held else "-")
    halves = [j.half_life for j in kept if j.half_life is not None]
    return (
        name,
        str(len(judged)),
        *shares,
        f"{100 * np.mean([j.told for j in kept]):.0f}",
        f"x{np.nanmedian([j.reach for j in kept]):.2f}",
        f"{np.median(halves):.1f}" if halves else "-",
        str(len(judged) - len(kept)),
        f"{np.mean([j.seconds for j in kept]):.2f}",
    )


def main() -> None:
    """Print one line per case as it is done."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n", type=int, default=60, help="panels per case (default 60)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--cases", nargs="+", default=list(CASES), metavar="NAME:SHAPE")
    given = parser.parse_args()
    line = "{:<14}{:>5}" + "{:>10}" * 6 + "{:>8}" * 5
    print(line.format(*HEADER))
    for name in given.cases:
        print(line.format(*row(name, run(name, given.n, given.seed))), flush=True)


if __name__ == "__main__":
    main()
