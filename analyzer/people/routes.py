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
_STEPS = 60  # of bisection: 1e-18 of the interval


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
    observed: float,
    expected: Uncertain,
    users_per_client: Uncertain,
    clients_per_person: Uncertain | None = ONE,
    *,
    seed: int = 0,
    draws: int = DRAWS,
) -> People | DailyClients:
    """Beyond those expected, from an average of clients counted: (observed - expected) x users per client.

    users_per_client: different users of a day per client connected at one time; or one over the clients of a person.
    clients_per_person: 1 where users_per_client counts persons already; None where it is not known: then clients a day.
    """
    rng = generator(seed)
    users = (observed - expected.draw(rng, draws)) * users_per_client.draw(rng, draws)
    if clients_per_person is None:
        return DailyClients(*summed_up(DailyClients, users))
    return People(*summed_up(People, users / clients_per_person.draw(rng, draws)))


def from_clients(
    before: Uncertain,
    after: Uncertain,
    *,
    addresses: Uncertain,
    persons_per_address: Uncertain,
    sensitivity: Uncertain,
    false_positives: Uncertain,
    seed: int = 0,
    draws: int = DRAWS,
) -> People:
    """People behind one network beyond those expected, from shares of its clients (addresses) that were flagged.

    before, after: share expected and share observed, as flagged; addresses: clients of the network.  Shares are
    corrected for the errors of a client's flag (Rogan & Gladen 1978), then turned into persons: between those of an
    address deciding each for themselves and all alike, how much of each not being known.
    Raises NotEnoughData where a classifier flags no better than chance, or flags more than its sensitivity allows.
    """
    rng = generator(seed)
    hit, false = sensitivity.draw(rng, draws), false_positives.draw(rng, draws)
    if np.median(hit - false) <= 0 or np.mean(hit <= false) > 0.025:
        raise NotEnoughData("the flag of a client is hardly better than chance: its errors leave no share to correct")
    shares = [_corrected(s.draw(rng, draws), hit, false) for s in (before, after)]
    if np.median(shares[1]) >= 1:
        raise NotEnoughData("more clients are flagged than the sensitivity allows: the rates are of another place")
    persons, alike = np.maximum(persons_per_address.draw(rng, draws), 1.0), rng.uniform(size=draws)
    before_each, after_each = (_persons(s, persons, alike) for s in shares)
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
