"""From the errors of a flow label to the errors of counting clients by a stated rule.

A client counts as a user when at least m of its flows are labelled, and these carry at least b bytes.  The more flows a
client has, the surer a small flow error flags it: 2 false flows in 1,375 flag half of the clients with 500 flows
under m = 1.  Probabilities are exact (binomial, Poisson-binomial) where labels of one client err independently, and
beta-binomial where `clustering` says how alike they err.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import betaln, gammaln, xlog1py, xlogy

from analyzer.errors import BadInput, NotEnoughData
from analyzer.shares.correction import Given
from analyzer.shares.rates import TRANSPORT_CAVEAT, Rate

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
BYTE_STEPS = 256  # cells of the byte sum up to min_bytes: sizes are rounded to 1/256 of it, to the cautious side
NEGLIGIBLE = 1e-12  # probability left out of a sum
INDEPENDENT = "labels of one client are taken to err independently; the same program errs again and again"


@dataclass(frozen=True, slots=True)
class ClientRule:
    """When a client counts as a user: at least so many labelled flows, carrying at least so many bytes."""

    min_flows: int = 1
    min_bytes: int = 0

    def __post_init__(self) -> None:
        if self.min_flows < 1 or self.min_bytes < 0:
            raise BadInput("a rule asks for at least one labelled flow and no negative number of bytes")

    def __str__(self) -> str:
        size = f" carrying at least {self.min_bytes:,} bytes" if self.min_bytes else ""
        return f"at least {self.min_flows} labelled flow{'s' if self.min_flows > 1 else ''}{size}"


@dataclass(frozen=True, slots=True)
class ByteSizes:
    """How large labelled flows are: bytes, shape (S,), each as likely as its weight (equal without weights)."""

    sizes: Ints
    weights: Floats | None = None

    def probabilities(self, unit: float, *, up: bool) -> Floats:
        """Probabilities of 0..BYTE_STEPS units, the last cell holding all beyond; rounded up or down."""
        units = self.sizes / unit
        cells = np.minimum(np.ceil(units) if up else np.floor(units), BYTE_STEPS).astype(np.int64)
        weights = np.ones(self.sizes.size) if self.weights is None else self.weights
        return np.asarray(np.bincount(cells, weights, BYTE_STEPS + 1) / weights.sum())


@dataclass(frozen=True, slots=True)
class ClientError:
    """Errors of a client-level rule: bounds follow the interval of the flow-level rates.

    false_positives: probability that a client without use is flagged; sensitivity: that a user is.
    """

    rule: ClientRule
    false_positives: float
    false_positives_low: float
    false_positives_high: float
    sensitivity: float
    sensitivity_low: float
    sensitivity_high: float
    warnings: tuple[str, ...] = ()
    caveats: tuple[str, ...] = (TRANSPORT_CAVEAT,)


def flagged_probability(
    rate: float | Floats,
    flows: int | Ints,
    rule: ClientRule | None = None,
    *,
    clustering: float = 0.0,
    sizes: ByteSizes | None = None,
    round_up: bool = True,
) -> float:
    """Probability that a client is flagged; the mean over clients where `flows` is an array, shape (C,).

    rate: probability that one flow is labelled; an array, shape (F,), gives the flows of one client rates of their own
    (Poisson-binomial; `flows` must then be F).  clustering: correlation of the labels of one client, in [0, 1).
    sizes: bytes of a labelled flow, needed where the rule asks for bytes; they are rounded up (an upper bound) unless
    `round_up` is False (a lower bound).  Raises BadInput for a rule on bytes without sizes.
    """
    rule = rule or ClientRule()
    if rule.min_bytes and sizes is None:
        raise BadInput("a rule on bytes needs the sizes of labelled flows")
    counts, times = np.unique(np.atleast_1d(np.asarray(flows, dtype=np.int64)), return_counts=True)
    chances = [_flagged(_count_law(rate, int(n), clustering), rule, sizes, round_up) for n in counts]
    return float(np.average(chances, weights=times))


def _count_law(rate: float | Floats, flows: int, clustering: float) -> Floats:
    """Probabilities of 0..flows labelled flows."""
    if isinstance(rate, np.ndarray):
        if rate.shape != (flows,) or clustering:
            raise BadInput("rates per flow need one rate for each flow, and no clustering")
        return poisson_binomial(rate)
    if not 0 <= clustering < 1:
        raise BadInput(f"clustering is a correlation in [0, 1), not {clustering:g}")
    return _binomial(rate, flows) if clustering == 0 or rate in (0.0, 1.0) else _clustered(rate, flows, clustering)


def _binomial(rate: float, flows: int) -> Floats:
    j = np.arange(flows + 1)
    return np.asarray(np.exp(_log_ways(j, flows) + xlogy(j, rate) + xlog1py(flows - j, -rate)))


def _clustered(rate: float, flows: int, clustering: float) -> Floats:
    """Beta-binomial: every client has a rate of its own; `clustering` correlates two labels of one client."""
    j = np.arange(flows + 1)
    strength = (1 - clustering) / clustering
    a, b = rate * strength, (1 - rate) * strength
    return np.asarray(np.exp(_log_ways(j, flows) + betaln(j + a, flows - j + b) - betaln(a, b)))


def _log_ways(j: Ints, flows: int) -> Floats:
    return np.asarray(gammaln(flows + 1) - gammaln(j + 1) - gammaln(flows - j + 1))


def poisson_binomial(rates: Floats) -> Floats:
    """Probabilities of 0..F successes in F independent trials with a rate each, shape (F,) -> (F + 1,)."""
    law = np.ones(1)
    for rate in rates:
        law = np.convolve(law, (1 - rate, rate))
    return law


def _flagged(law: Floats, rule: ClientRule, sizes: ByteSizes | None, round_up: bool) -> float:
    if not rule.min_bytes or sizes is None:
        return float(min(law[rule.min_flows :].sum(), 1.0))
    one = sizes.probabilities(rule.min_bytes / BYTE_STEPS, up=round_up)
    total, flagged = np.eye(1, BYTE_STEPS + 1)[0], 0.0
    for j in range(1, law.size):
        total = _summed(total, one)
        if j >= rule.min_flows:
            flagged += law[j] * total[-1]
        if law[j + 1 :].sum() < NEGLIGIBLE:
            break
    return float(min(flagged, 1.0))


def _summed(total: Floats, one: Floats) -> Floats:
    """The law of a sum with one flow more; the last cell holds all that reach min_bytes."""
    law = np.convolve(total, one)
    return np.append(law[:BYTE_STEPS], law[BYTE_STEPS:].sum())


def client_error(
    flow_sensitivity: Given,
    flow_fpr: Given,
    flows_per_client: int | Ints,
    rule: ClientRule | None = None,
    *,
    vpn_flows_per_user: int | Ints = 1,
    clustering: float = 0.0,
    false_sizes: ByteSizes | None = None,
    true_sizes: ByteSizes | None = None,
    level: float = 0.95,
) -> ClientError:
    """Errors of a rule for clients, from those of its flow label.

    flow_sensitivity, flow_fpr: numbers or counts (hits, n).  flows_per_client: flows of a client without use, or an
    array with one count per client.  vpn_flows_per_user: flows through the VPN of a user; a single long tunnel is 1.
    A user's false flows are not counted in its favour, so sensitivity is a lower bound by so much.
    Raises BadInput for a rule on bytes without sizes of false and of true flows.
    """
    rule = rule or ClientRule()
    hit, false = Rate.of(flow_sensitivity), Rate.of(flow_fpr)

    def of_others(rate: float) -> float:
        return flagged_probability(rate, flows_per_client, rule, clustering=clustering, sizes=false_sizes)

    def of_users(rate: float) -> float:
        return flagged_probability(
            rate, vpn_flows_per_user, rule, clustering=clustering, sizes=true_sizes, round_up=False
        )

    f, f_low, f_high = _along(of_others, false, level)
    s, s_low, s_high = _along(of_users, hit, level)
    said = [] if clustering else [INDEPENDENT]
    if hit.is_stated or false.is_stated:
        said.append("flow-level rates stated without n: the bounds leave their own error out")
    if f_high >= s:
        said.append(f"under this rule ({rule}) clients without use may be flagged as often as users")
    return ClientError(rule, f, f_low, f_high, s, s_low, s_high, tuple(said))


def _along(chance: Callable[[float], float], rate: Rate, level: float) -> tuple[float, float, float]:
    """The chance at the rate and at both ends of its interval (it grows with the rate)."""
    low, high = rate.interval(level)
    return chance(rate.value), chance(low), chance(high)


def fewest_flows(
    flow_fpr: float, flows_per_client: int | Ints, ceiling: float = 0.01, *, clustering: float = 0.0
) -> int:
    """The smallest m of "at least m labelled flows" under which at most `ceiling` of clients without use are flagged.

    Raises NotEnoughData where no m up to the largest number of flows keeps it.
    """
    counts, times = np.unique(np.atleast_1d(np.asarray(flows_per_client, dtype=np.int64)), return_counts=True)
    tails = np.zeros(int(counts[-1]) + 2)
    for n, weight in zip(counts, times / times.sum(), strict=True):
        law = _count_law(flow_fpr, int(n), clustering)
        tails[: n + 1] += weight * law[::-1].cumsum()[::-1]
    for m in range(1, int(counts[-1]) + 1):
        if tails[m] <= ceiling:
            return m
    raise NotEnoughData(f"no number of labelled flows keeps false users at or under {100 * ceiling:g} %")
