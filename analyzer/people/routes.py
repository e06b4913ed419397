"""Routes from an indicator to people: users with an anchor before the block, clients behind one network.

Each route is one function: uncertain inputs in, a range of one kind out, by Monte Carlo with a fixed seed.  What a
route cannot carry raises NotEnoughData with the reason.
"""

from __future__ import annotations

import numpy as np

from analyzer.errors import NotEnoughData
from analyzer.people.draws import DRAWS, Floats, Uncertain, exact, generator, summed_up
from analyzer.quantities import DailyClients, People

ONE = exact(1.0)
_STEPS = 30  # of bisection: 1e-9 of the interval


def from_survey(
    ratio: Uncertain, share: Uncertain, internet_users: Uncertain, *, seed: int = 0, draws: int = DRAWS
) -> People:
    """People beyond those expected: internet users x share before the block x (ratio - 1).

    ratio: observed over expected of an indicator of the same use (never of a flow); share: of internet users that used
    it before the block.  Raises NotEnoughData where more people than internet users would result.
    """
    rng = generator(seed)
    before, change = share.draw(rng, draws), ratio.draw(rng, draws)
    reached = float(np.median(before * change))
    if reached > 1:
        raise NotEnoughData(
            f"{100 * share.middle:.3g} % x {ratio.middle:.3g} would make {100 * reached:.3g} % of all internet users: "
            "the share and the change are not of the same thing"
        )
    return People(*summed_up(People, internet_users.draw(rng, draws) * before * (change - 1)))


def from_tool(
    ratio: Uncertain, level: Uncertain, people_per_user: Uncertain = ONE, *, seed: int = 0, draws: int = DRAWS
) -> People:
    """People beyond those expected: the tool's own users before the block x (ratio - 1) x people per user counted.

    level: different users of one day, as the tool counted them.  people_per_user: 1 where the tool counts persons; one
    over the devices of a person where it counts devices.
    """
    rng = generator(seed)
    change = level.draw(rng, draws) * (ratio.draw(rng, draws) - 1)
    return People(*summed_up(People, change * people_per_user.draw(rng, draws)))


def clients_from_tool(ratio: Uncertain, level: Uncertain, *, seed: int = 0, draws: int = DRAWS) -> DailyClients:
    """The same in clients a day, where it is not known how many clients a person has."""
    rng = generator(seed)
    return DailyClients(*summed_up(DailyClients, level.draw(rng, draws) * (ratio.draw(rng, draws) - 1)))


def from_counted(
    observed: Uncertain, expected: Uncertain, people_per_client: Uncertain, *, seed: int = 0, draws: int = DRAWS
) -> People:
    """People beyond those expected, from clients counted on average: (observed - expected) x people per client."""
    return People(*summed_up(People, _beyond(observed, expected, people_per_client, seed, draws)))


def clients_from_counted(
    observed: Uncertain, expected: Uncertain, users_per_client: Uncertain, *, seed: int = 0, draws: int = DRAWS
) -> DailyClients:
    """The same in different clients of a day, per client connected at one time."""
    return DailyClients(*summed_up(DailyClients, _beyond(observed, expected, users_per_client, seed, draws)))


def _beyond(observed: Uncertain, expected: Uncertain, each: Uncertain, seed: int, draws: int) -> Floats:
    rng = generator(seed)
    return (observed.draw(rng, draws) - expected.draw(rng, draws)) * each.draw(rng, draws)


def from_clients(
    before: Uncertain,
    after: Uncertain,
    *,
    addresses: Uncertain,
    persons_per_address: Uncertain,
    sensitivity: Uncertain,
    false_positives: Uncertain,
    alike: tuple[float, float] = (0.0, 1.0),
    seed: int = 0,
    draws: int = DRAWS,
) -> People:
    """People behind one network beyond those expected, from shares of its clients (addresses) that were flagged.

    before, after: share expected and share observed, as flagged; addresses: clients of the network.  Shares are
    corrected for the errors of a client's flag (Rogan & Gladen 1978), then turned into persons: between those of an
    address deciding each for themselves and all alike (alike: the part of addresses that do the latter, as a range).
    Raises NotEnoughData where a classifier flags no better than chance, or flags more than its sensitivity allows.
    """
    rng = generator(seed)
    hit, false = sensitivity.draw(rng, draws), false_positives.draw(rng, draws)
    if np.median(hit - false) <= 0 or np.mean(hit <= false) > 0.025:
        raise NotEnoughData("the flag of a client is hardly better than chance: its errors leave no share to correct")
    shares = [_corrected(s.draw(rng, draws), hit, false) for s in (before, after)]
    if np.median(shares[1]) >= 1:
        raise NotEnoughData("more clients are flagged than the sensitivity allows: the rates are of another place")
    persons, same = np.maximum(persons_per_address.draw(rng, draws), 1.0), rng.uniform(*alike, draws)
    before_each, after_each = (_persons(s, persons, same) for s in shares)
    total = addresses.draw(rng, draws) * persons
    return People(*summed_up(People, total * (after_each - before_each)))


def _corrected(flagged: Floats, hit: Floats, false: Floats) -> Floats:
    return np.clip((flagged - false) / np.maximum(hit - false, 1e-9), 0.0, 1.0)


def _persons(share: Floats, persons: Floats, alike: Floats) -> Floats:
    """Share p of persons where a share of addresses has a user: share = alike p + (1 - alike)(1 - (1 - p)^persons)."""
    low, high = np.zeros_like(share), share.copy()
    for _ in range(_STEPS):
        p = (low + high) / 2
        too_many = alike * p + (1 - alike) * (1 - (1 - p) ** persons) > share
        low, high = np.where(too_many, low, p), np.where(too_many, p, high)
    return np.asarray((low + high) / 2)
