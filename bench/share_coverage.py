"""Coverage of the interval of a corrected share, on counts drawn with known truth.

Per true share and n: how often the 95 % interval holds the truth, lies above it, lies below it, and its median width.
The calibration counts are drawn as well: 243 true ones and 1,375 others unless told otherwise.

    python bench/share_coverage.py --reps 20000 --sensitivity 0.918 --false-positives 0.00145 --seed 1
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator

import numpy as np

from analyzer.errors import NotEnoughData
from analyzer.shares import corrected_share

SHARES = (0.0, 0.001, 0.026, 0.2)
SIZES = (1_000, 10_000, 100_000)
HEADER = ("share", "n", "cover %", "above %", "below %", "width", "refused")


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


def coverage(
    share: float, n: int, *, rates: tuple[float, float], calibration: tuple[int, int], reps: int, seed: int
) -> tuple[float, float, float, float, int]:
    """Shares of intervals that hold the truth, lie above it, lie below it; median width; refusals."""
    bounds = []
    for k, se, sp in draws(share, n, rates=rates, calibration=calibration, reps=reps, seed=seed):
        try:
            answer = corrected_share(k, n, se, sp)
        except NotEnoughData:
            continue
        bounds.append((answer.low, answer.high))
    low, high = np.array(bounds).T
    above, below = float(np.mean(low > share)), float(np.mean(high < share))
    return 1 - above - below, above, below, float(np.median(high - low)), reps - len(bounds)


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
            held, above, below, width, refused = coverage(
                share,
                n,
                rates=(given.sensitivity, given.false_positives),
                calibration=tuple(given.calibration),
                reps=given.reps,
                seed=given.seed,
            )
            shown = (f"{100 * held:.1f}", f"{100 * above:.1f}", f"{100 * below:.1f}", f"{width:.4f}", str(refused))
            print(("{:>8}" + "{:>10}" * (len(HEADER) - 1)).format(f"{share:g}", f"{n:,}", *shown), flush=True)


if __name__ == "__main__":
    main()
