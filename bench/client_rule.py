"""Client-level errors of rules "at least m labelled flows": measured on simulated clients, beside their exact values.

Clients have log-normal numbers of flows; a user sends part of them through the VPN.  A flow through the VPN is labelled
at the sensitivity, another one at the false-positive rate; with clustering every client has a false-positive rate of
its own (beta), as where one program that only some people run looks like a VPN.

The share of users is then corrected with errors measured on 2,000 other clients: of the same mix (`same`), and of one
whose clients have half as many flows (`other`), which is how rates fail to transport.

    python bench/client_rule.py --clients 20000 --share 0.026 --flows 50 500 --clustering 0 0.01 --seed 1
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analyzer.errors import NotEnoughData
from analyzer.shares import ClientRule, corrected_share, fewest_flows, flagged_probability

Ints = npt.NDArray[np.int64]
RULES = (1, 2, 4, 8)
SPREAD = 1.0  # of the logarithm of a client's number of flows
CEILING = 0.01
HEADER = (
    "flows",
    "cluster",
    "m",
    "fpr %",
    "exact %",
    "sens %",
    "flagged %",
    "false %",
    "same %",
    "other %",
    "m for 1 %",
)
LINE = "{:>6}{:>9}{:>4}" + "{:>11}" * 5 + "{:>18}" * 2 + "{:>11}"


@dataclass(frozen=True, slots=True)
class Mix:
    """A population of clients: their flows, which are users, and how many of their flows go through the VPN."""

    flows: Ints
    is_user: npt.NDArray[np.bool_]
    through: Ints


def population(rng: np.random.Generator, clients: int, share: float, median: float) -> Mix:
    """Clients with a median number of flows; a user sends 30 % of its flows through the VPN, at least one."""
    flows = np.maximum(rng.lognormal(np.log(median), SPREAD, clients).astype(np.int64), 1)
    is_user = rng.random(clients) < share
    through = np.where(is_user, np.maximum(rng.binomial(flows, 0.3), 1), 0)
    return Mix(flows, is_user, through)


def labelled(rng: np.random.Generator, mix: Mix, rates: tuple[float, float], clustering: float) -> Ints:
    """Labelled flows of each client, shape (C,)."""
    sensitivity, false = rates
    own: npt.NDArray[np.float64] | float = false
    if clustering:
        strength = (1 - clustering) / clustering
        own = rng.beta(false * strength, (1 - false) * strength, mix.flows.size)
    return np.asarray(rng.binomial(mix.through, sensitivity) + rng.binomial(mix.flows - mix.through, own))


def corrected(hits: Ints, m: int, calibration: tuple[Mix, Ints]) -> str:
    """The share of users in per cent, corrected with the errors measured on other clients."""
    mix, other = calibration[0], calibration[1] >= m
    sensitivity = (int(other[mix.is_user].sum()), int(mix.is_user.sum()))
    clear = (int((~other[~mix.is_user]).sum()), int((~mix.is_user).sum()))
    try:
        answer = corrected_share(int((hits >= m).sum()), hits.size, sensitivity, clear)
    except NotEnoughData:
        return "refused"
    return f"{100 * answer.corrected:.1f} ({100 * answer.low:.1f}-{100 * answer.high:.1f})"


def row(mix: Mix, hits: Ints, m: int, rates: tuple[float, float], clustering: float) -> tuple[str, ...]:
    """What was measured under a rule, and the exact false-positive rate, in per cent."""
    flagged, others = hits >= m, ~mix.is_user
    exact = flagged_probability(rates[1], mix.flows[others], ClientRule(m), clustering=clustering)
    false = float(others[flagged].mean()) if flagged.any() else float("nan")
    shares = (flagged[others].mean(), exact, flagged[mix.is_user].mean(), flagged.mean(), false)
    return (str(m), *(f"{100 * share:.2f}" for share in shares))


def fewest(mix: Mix, rate: float, clustering: float) -> str:
    """The m under which at most 1 % of clients without use are flagged."""
    try:
        return str(fewest_flows(rate, mix.flows[~mix.is_user], CEILING, clustering=clustering))
    except NotEnoughData:
        return "none"


def table(
    rng: np.random.Generator,
    median: float,
    clustering: float,
    *,
    clients: int,
    share: float,
    rates: tuple[float, float],
) -> list[tuple[str, ...]]:
    """One line per rule for one mix."""

    def drawn(size: int, users: float, flows: float) -> tuple[Mix, Ints]:
        mix = population(rng, size, users, flows)
        return mix, labelled(rng, mix, rates, clustering)

    mix, hits = drawn(clients, share, median)
    same, other = drawn(2000, 0.5, median), drawn(2000, 0.5, median / 2)
    least = fewest(mix, rates[1], clustering)
    head = (f"{median:g}", f"{clustering:g}")
    return [
        (*head, *row(mix, hits, m, rates, clustering), corrected(hits, m, same), corrected(hits, m, other), least)
        for m in RULES
    ]


def options() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clients", type=int, default=20_000)
    parser.add_argument("--share", type=float, default=0.026, help="of clients that are users")
    parser.add_argument("--flows", type=float, nargs="+", default=[50.0, 500.0], help="median flows of a client")
    parser.add_argument("--clustering", type=float, nargs="+", default=[0.0, 0.01])
    parser.add_argument("--sensitivity", type=float, default=0.918)
    parser.add_argument("--false-positives", type=float, default=2 / 1375)
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


def main() -> None:
    """Print one line per mix and rule."""
    given = options()
    rates = (given.sensitivity, given.false_positives)
    print(LINE.format(*HEADER))
    for i, median in enumerate(given.flows):
        for j, clustering in enumerate(given.clustering):
            rng = np.random.default_rng([given.seed, i, j])
            lines = table(rng, median, clustering, clients=given.clients, share=given.share, rates=rates)
            for line in lines:
                print(LINE.format(*line), flush=True)


if __name__ == "__main__":
    main()
