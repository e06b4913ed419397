"""Coverage of the interval of a corrected share, on counts drawn with known truth.

Per true share and n: how often the 95 % interval holds the truth, lies above it, lies below it, and its median width.
Then the same of the share of flags that are false.  The calibration counts are drawn as well: 243 true ones and 1,375
others unless told otherwise.

    python bench/share_coverage.py --reps 20000 --sensitivity 0.918 --false-positives 0.00145 --seed 1
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from analyzer.errors import NotEnoughData
from analyzer.shares import corrected_share, false_flag_share

SHARES = (0.0, 0.001, 0.026, 0.2)
SIZES = (1_000, 10_000, 100_000)
HEADER = ("share", "n", "cover %", "above %", "below %", "width", "flags %", "width", "refused")


def draws(
    share: float, n: int, *, rates: tuple[float, float], calibration: tuple[int, int], reps: int, seed: int
) -> Iterator[tuple[int, tuple[int, int], tuple[int, int]]]:
    """Flags, sensitivity counts and specificity counts of so many studies."""
    rng = np.random.default_rng([seed, n, round(1e6 * share)])
    sensitivity, false = rates
    flags = rng.binomial(n, share * sensitivity + (1 - share) * false, reps)
    hits = rng.binomial(calibration[0], sensitivity, reps)
    clear = rng.binomial(calibration[1], 1 - false, reps)
    for k, a, c in zip(flags.tolist(), hits.tolist(), clear.tolist(), strict=True):
        yield k, (a, calibration[0]), (c, calibration[1])


@dataclass(frozen=True, slots=True)
class Coverage:
    """Shares of intervals that hold the truth, lie above it, lie below it; median width; the same for false flags."""

    held: float
    above: float
    below: float
    width: float
    flags_held: float
    flags_width: float
    refused: int


def coverage(
    share: float, n: int, *, rates: tuple[float, float], calibration: tuple[int, int], reps: int, seed: int
) -> Coverage:
    """What the intervals of so many studies do; false flags are judged where anything was flagged."""
    bounds, flags = [], []
    for k, se, sp in draws(share, n, rates=rates, calibration=calibration, reps=reps, seed=seed):
        try:
            answer = corrected_share(k, n, se, sp)
        except NotEnoughData:
            continue
        bounds.append((answer.low, answer.high))
        if answer.false_flag_low is not None:
            flags.append((answer.false_flag_low, answer.false_flag_high))
    low, high = np.array(bounds).T
    flag_low, flag_high = np.array(flags).T
    false = false_flag_share(share, *rates)
    above, below = float(np.mean(low > share)), float(np.mean(high < share))
    return Coverage(
        held=1 - above - below,
        above=above,
        below=below,
        width=float(np.median(high - low)),
        flags_held=float(np.mean((flag_low <= false) & (false <= flag_high))),
        flags_width=float(np.median(flag_high - flag_low)),
        refused=reps - len(bounds),
    )


def options() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--reps", type=int, default=5000)
    parser.add_argument("--sensitivity", type=float, default=0.918)
    parser.add_argument("--false-positives", type=float, default=2 / 1375)
    parser.add_argument("--calibration", type=int, nargs=2, default=(243, 1375), metavar=("TRUE", "OTHERS"))
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


def main() -> None:
    """Print one line per true share and n."""
    given = options()
    print(("{:>8}" + "{:>10}" * (len(HEADER) - 1)).format(*HEADER))
    for share in SHARES:
        for n in SIZES:
            c = coverage(
                share,
                n,
                rates=(given.sensitivity, given.false_positives),
                calibration=tuple(given.calibration),
                reps=given.reps,
                seed=given.seed,
            )
            shown = (f"{100 * c.held:.1f}", f"{100 * c.above:.1f}", f"{100 * c.below:.1f}", f"{c.width:.4f}")
            flags = (f"{100 * c.flags_held:.1f}", f"{c.flags_width:.3f}", str(c.refused))
            print(("{:>8}" + "{:>10}" * (len(HEADER) - 1)).format(f"{share:g}", f"{n:,}", *shown, *flags), flush=True)


if __name__ == "__main__":
    main()
