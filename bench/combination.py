"""Do intervals of combined indicators hold the mean effect when all of them share a shock?

Worlds: K indicators with effects of mean 0.3 and heterogeneity tau, standard errors uniform on 0.05 to 0.25 known
with 9 degrees of freedom, errors with a common correlation rho; placebo errors of 40 to 150 dates drawn with that rho,
from windows that overlap by 14 dates.  Beside it DerSimonian & Laird (1986) with normal quantiles, and Hartung & Knapp
(2001) in the truncated form that is usual; the oracle knows every variance and correlation.

    python bench/combination.py [--n 2000] [--seed 5] [--only exchangeable]
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import stdtrit

from analyzer.synthesis import combine_effects

Floats = npt.NDArray[np.float64]
MEAN, FREEDOM, OVERLAP, NORMAL = 0.3, 9, 14, 1.96


@dataclass(frozen=True)
class World:
    """Correlations of the errors, and how single errors are drawn."""

    name: str
    members: int
    tau: float
    correlation: Floats
    tails: float = np.inf

    def draw(self, rng: np.random.Generator, rows: int) -> Floats:
        """(rows, K) errors of variance one."""
        root = np.linalg.cholesky(self.correlation + 1e-9 * np.eye(self.members))
        normal = rng.standard_normal((rows, self.members)) @ root.T
        if np.isinf(self.tails):
            return normal
        nu = self.tails
        return normal * np.sqrt((nu - 2) / rng.chisquare(nu, (rows, 1)))


@dataclass(frozen=True)
class Drawn:
    """One draw of a world."""

    logs: Floats
    true: Floats
    variances: Floats
    errors: Floats
    further: float


def exchangeable(members: int, rho: float) -> Floats:
    return np.where(np.eye(members, dtype=bool), 1.0, rho)


def blocks(members: int, rho: float) -> Floats:
    """The first half of the members share a shock, the others none."""
    out = np.eye(members)
    half = members // 2
    out[:half, :half] = exchangeable(half, rho)
    return out


def worlds() -> list[World]:
    found = [
        World(f"exchangeable {rho}", k, tau, exchangeable(k, rho))
        for k in (3, 5, 8, 15)
        for rho in (0.0, 0.3, 0.6)
        for tau in (0.0, 0.15)
    ]
    for k in (5, 15):
        found += [World("half of them 0.7", k, tau, blocks(k, 0.7)) for tau in (0.0, 0.15)]
        found += [World("negative", k, 0.0, exchangeable(k, -0.8 / (k - 1)))]
        found += [World(f"heavy tails (t4), {rho}", k, 0.15, exchangeable(k, rho), 4.0) for rho in (0.0, 0.3)]
    return [*found, *(World(f"two members, {r}", 2, t, exchangeable(2, r)) for r in (0.0, 0.3) for t in (0.0, 0.15))]


def drawn(world: World, rng: np.random.Generator) -> Drawn:
    k = world.members
    true = rng.uniform(0.05, 0.25, k)
    logs = MEAN + world.tau * rng.standard_normal(k) + true * world.draw(rng, 1)[0]
    steps = world.draw(rng, int(rng.integers(40, 151)) + OVERLAP - 1)
    running = np.cumsum(np.vstack([np.zeros((1, k)), steps]), axis=0)
    errors = (running[OVERLAP:] - running[:-OVERLAP]) / np.sqrt(OVERLAP)
    further = MEAN + world.tau * rng.standard_normal()
    return Drawn(logs, true, true**2 * rng.chisquare(FREEDOM, k) / FREEDOM, errors, further)


def dersimonian(y: Floats, v: Floats) -> tuple[float, float, float]:
    """Mean, its usual deviation, and the same after Hartung and Knapp, never smaller than by the weights alone."""
    w, k = 1 / v, y.size
    m = (w @ y) / w.sum()
    tau2 = max(0.0, (w @ (y - m) ** 2 - (k - 1)) / (w.sum() - (w @ w) / w.sum()))
    w = 1 / (v + tau2)
    m = float((w @ y) / w.sum())
    scale = max(1.0, float(w @ (y - m) ** 2) / (k - 1))
    return m, float(1 / np.sqrt(w.sum())), float(np.sqrt(scale / w.sum()))


def once(world: World, rng: np.random.Generator) -> list[float]:
    """Whether each interval holds the mean, and its width; the last two are the prediction interval's."""
    at, k = drawn(world, rng), world.members
    m, usual, knapp = dersimonian(at.logs, at.variances)
    far, wide = abs(m - MEAN), float(stdtrit(k - 1, 0.975)) * knapp
    told = {"errors": at.errors, "freedom": FREEDOM, "overlap": OVERLAP, "sensitivity": False}
    ours = combine_effects(at.logs, np.sqrt(at.variances), **told)
    covariance = world.correlation * np.outer(at.true, at.true) + world.tau**2 * np.eye(k)
    oracle = NORMAL / np.sqrt(np.linalg.solve(covariance, np.ones(k)).sum())
    return [
        far < NORMAL * usual,
        2 * NORMAL * usual,
        far < wide,
        2 * wide,
        ours.low < MEAN < ours.high,
        ours.high - ours.low,
        2 * oracle,
        ours.prediction_low < at.further < ours.prediction_high,
    ]


def main(show: Callable[[str], None] = print) -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--n", type=int, default=2000, help="draws of each world")
    parser.add_argument("--seed", type=int, default=5)
    parser.add_argument("--only", default="", help="worlds whose name begins so")
    asked = parser.parse_args()
    show(f"{'world':24}  K   tau   DL cover width   HKSJ cover width   ours cover width   oracle width   prediction")
    for world in worlds():
        if not world.name.startswith(asked.only):
            continue
        rng = np.random.default_rng(asked.seed)
        r = np.mean([once(world, rng) for _ in range(asked.n)], axis=0)
        show(
            f"{world.name:24} {world.members:2}  {world.tau:4.2f}   {r[0]:8.3f} {r[1]:5.2f}   {r[2]:10.3f} {r[3]:5.2f}"
            f"   {r[4]:10.3f} {r[5]:5.2f}   {r[6]:12.2f}   {r[7]:10.3f}"
        )


if __name__ == "__main__":
    main()
