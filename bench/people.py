"""What may be said of people, on simulated populations with known users: coverage of ranges, refusals, bounds.

    python bench/people.py [--n 1000] [--seed 1] [--draws 4000] [--route stock]

Every world has a number of people that is known because it was counted one by one (or drawn from its counts): users
before and with a block, their devices, clients behind addresses, installs given up.  What is published of it (a survey,
a tool's own count, flagged clients, downloads) is measured with its own errors and goes through the routes.  Printed:
how often a 95 % range holds the truth, how often deterministic bounds do, and every refusal with its reason.
Where a range is `stated`, truth is drawn from it (log-uniform) in the first table and put at its ends in the second.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from functools import partial

import numpy as np

from analyzer.errors import NotEnoughData
from analyzer.people import Anchor, Case, Denominator, people_ranges
from analyzer.people.bounds import max_to_sum
from analyzer.people.draws import Uncertain, at_worst, exact
from analyzer.people.ranks import downloads_factor
from analyzer.people.retention import (
    FLOOR_LIFTED,
    HALF_LIFE_DAYS,
    Installed,
    Retention,
    from_installs,
    people_from_installs,
)
from analyzer.people.routes import from_clients, from_counted, from_survey, from_tool
from analyzer.quantities import People, Quantity
from analyzer.records import Estimate

Rng = np.random.Generator
Where = str  # where in a stated range the truth lies: "inside", "low", "high"


@dataclass(frozen=True, slots=True)
class World:
    """A route with what is known of a population, and how many there truly are."""

    route: Callable[..., Quantity]
    given: tuple[Uncertain, ...]
    truth: float


def stated(rng: Rng, low: float, high: float, where: Where) -> float:
    """The truth of a quantity of which only a range is stated."""
    if where == "inside":
        return math.exp(rng.uniform(math.log(low), math.log(high)))
    return low if where == "low" else high


def measured(rng: Rng, truth: float, error: float) -> Uncertain:
    """A 95 % interval from one measurement with an error on logs."""
    middle = truth * math.exp(rng.normal(0, error))
    return Uncertain(middle * math.exp(-1.96 * error), middle, middle * math.exp(1.96 * error))


def change(rng: Rng, observed: float, expected: float, error: float) -> Uncertain:
    """Observed over an expected level that is known with an error on logs, as an estimate prints it."""
    known = measured(rng, expected, error)
    return Uncertain(observed / known.high, observed / known.middle, observed / known.low)


def survey(rng: Rng, where: Where) -> World:
    """A survey of clusters before the block; an indicator proportional to users of VPNs as a whole."""
    online, share = 10 ** rng.uniform(6, 8), rng.uniform(0.02, 0.4)
    ratio = math.exp(rng.uniform(-0.3, min(1.2, -math.log(share) - 0.2)))
    n, clusters = int(rng.choice([400, 1000, 3000])), 20
    spread = 60.0  # of shares between clusters: design effect 1 + (n / clusters - 1) / (spread + 1)
    design = 1 + (n / clusters - 1) / (spread + 1)
    answers = rng.binomial(n // clusters, rng.beta(share * spread, (1 - share) * spread, clusters)).sum()
    known = Uncertain(0.0, answers / n, 1.0, "survey", is_share=True, n=n / design)
    users = stated(rng, 0.9 * online, 1.1 * online, where)
    base = Uncertain(0.9 * online, online, 1.1 * online, "stated")
    counted = 10 ** rng.uniform(2, 5)  # the indicator's own unit is any
    seen = change(rng, counted * ratio, counted, rng.uniform(0.02, 0.3))
    return World(from_survey, (seen, known, base), users * share * (ratio - 1))


def tool(rng: Rng, where: Where) -> World:
    """A tool's own count of devices before the block, with a stated number of devices per person."""
    devices, ratio, each = 10 ** rng.uniform(3, 6), math.exp(rng.uniform(-1, 3)), stated(rng, 1.05, 1.6, where)
    level = measured(rng, devices, rng.uniform(0.02, 0.2))
    seen = change(rng, devices * ratio, devices, rng.uniform(0.02, 0.3))
    return World(
        from_tool, (seen, level, Uncertain(1 / 1.6, 1 / 1.3, 1 / 1.05, "stated")), devices * (ratio - 1) / each
    )


def concurrent(rng: Rng, where: Where) -> World:
    """Clients connected at one time, of whom it is stated how many different persons a day that is."""
    people, each = 10 ** rng.uniform(3, 6), stated(rng, 2.0, 6.0, where)
    ratio = math.exp(rng.uniform(-1, 3))
    expected = measured(rng, people / each, rng.uniform(0.02, 0.3))
    given = (exact(people * ratio / each), expected, Uncertain(2.0, 3.5, 6.0, "stated"))
    return World(from_counted, given, people * (ratio - 1))


def network(rng: Rng, where: Where) -> World:
    """People behind addresses one by one: a part of addresses decide alike, the others each person alone; flags err."""
    addresses, alike = int(rng.integers(3_000, 20_000)), rng.uniform() if where == "inside" else float(where == "high")
    mean = stated(rng, 1.5, 4.0, where)
    behind = 1 + rng.poisson(mean - 1, addresses)  # persons of each address
    hit, false, before = rng.uniform(0.6, 0.95), rng.uniform(0.001, 0.01), rng.uniform(0.01, 0.1)
    shares, people = [], []
    for p in (before, min(before * math.exp(rng.uniform(0, 1.5)), 0.5)):
        together = np.where(rng.uniform(size=addresses) < p, behind, 0)
        users = np.where(rng.uniform(size=addresses) < alike, together, rng.binomial(behind, p))
        flagged = rng.uniform(size=addresses) < np.where(users > 0, hit, false)
        caught = flagged[: addresses // 4]  # a capture sees a quarter of the network's addresses
        shares.append(sampled(max(float(caught.mean()), 1 / caught.size), caught.size))
        people.append(float(users.sum()))
    rates = (rate(rng, hit, 500), rate(rng, false, 5_000))
    given = (*shares, exact(addresses), Uncertain(1.5, 2.45, 4.0, "stated"), *rates)
    return World(behind_addresses, given, people[1] - people[0])


def behind_addresses(*given: Uncertain, draws: int, alike: tuple[float, float] = (0.0, 1.0)) -> People:
    """from_clients with its inputs in order."""
    before, after, addresses, persons, hit, false = given
    return from_clients(before, after, addresses=addresses, persons_per_address=persons, sensitivity=hit,
                        false_positives=false, alike=alike, draws=draws)  # fmt: skip


def sampled(share: float, n: int) -> Uncertain:
    """A share of n clients."""
    return Uncertain(0.0, share, 1.0, "survey", is_share=True, n=n)


def rate(rng: Rng, truth: float, n: int) -> Uncertain:
    """An error rate from n labelled clients."""
    return sampled(rng.binomial(n, truth) / n, n)


def installs(rng: Rng, where: Where) -> tuple[Installed, float]:
    """Downloads day by day, each kept for good or given up after a time of its own."""
    days, level = int(rng.integers(7, 91)), 10 ** rng.uniform(2, 4)
    half, floor = stated(rng, 30, 60, where), stated(rng, 0.03, 0.15, where)
    jump = rng.uniform(1.5, 20) * np.exp2(-np.arange(days) / rng.uniform(2, 30))
    usual, extra = rng.poisson(level, days), rng.poisson(level * jump)
    age = days - np.arange(days) - 0.5
    kept = rng.binomial(extra, floor + (1 - floor) * np.exp2(-age / half)).sum()
    total = measured(rng, level * days, rng.uniform(0.02, 0.3))
    return Installed((usual + extra).astype(float), np.full(days, total.middle / days), total), float(kept)


def stock(rng: Rng, where: Where) -> World:
    """Installs still in place (devices)."""
    seen, truth = installs(rng, where)
    return World(partial(of_installs, seen), (HALF_LIFE_DAYS, FLOOR_LIFTED), truth)


def of_installs(seen: Installed, half: Uncertain, floor: Uncertain, *each: Uncertain, draws: int) -> Quantity:
    """Installs, or people where the number of devices is stated."""
    kept = Retention(half, floor)
    return people_from_installs(seen, kept, *each, draws=draws) if each else from_installs(seen, kept, draws=draws)


def people_of_stock(rng: Rng, where: Where) -> World:
    """The same as people with a stated number of devices."""
    each = stated(rng, 1.05, 1.6, where)
    seen, truth = installs(rng, where)
    given = (HALF_LIFE_DAYS, FLOOR_LIFTED, Uncertain(1.05, 1.3, 1.6, "stated"))
    return World(partial(of_installs, seen), given, truth / each)


ROUTES: dict[str, Callable[[Rng, Where], World]] = {
    "survey before the block x change": survey,
    "tool's own users x change": tool,
    "concurrent clients x stated users": concurrent,
    "clients behind one network (NAT)": network,
    "stock of installs (devices)": stock,
    "stock of installs (people)": people_of_stock,
}


@dataclass(frozen=True, slots=True)
class Coverage:
    """Shares of 95 % ranges, and of worst cases, that hold the truth; median of high over low on logs; refusals."""

    held: float
    worst: float
    width: float
    refused: int


def coverage(make: Callable[[Rng, Where], World], n: int, seed: int, where: Where, draws: int) -> Coverage:
    """What n worlds say of a route; worst cases are asked of every tenth world."""
    held, worst, widths, refused = [], [], [], 0
    for i in range(n):
        world = make(np.random.default_rng([seed, i]), where)
        try:
            found = world.route(*world.given, draws=draws)
        except NotEnoughData:
            refused += 1
            continue
        held.append(found.low <= world.truth <= found.high)
        if i % 10 == 0:
            low, high = worst_of(world, draws)
            worst.append(low <= world.truth <= high)
        if found.low > 0:
            widths.append(math.log(found.high / found.low))
    return Coverage(float(np.mean(held)), float(np.mean(worst)), float(np.median(widths)), refused)


def worst_of(world: World, draws: int) -> tuple[float, float]:
    """The range with every stated one at its ends, and addresses deciding alone or alike."""
    ways = [{}] if world.route is not behind_addresses else [{"alike": (part, part)} for part in (0.0, 1.0)]
    found = [at_worst(partial(world.route, draws=draws, **way), *world.given) for way in ways]
    ends = [end for both in found if both for end in both]
    return min(ends), max(ends)


def rank_bounds(n: int, seed: int) -> tuple[int, int]:
    """Charts whose downloads follow a power of rank within 0.6 to 1.4, some unranked before: bounds that hold."""
    held, asked = 0, n
    for i in range(n):
        rng = np.random.default_rng([seed, 7, i])
        a, chart = rng.uniform(0.6, 1.4), 200
        before, after = (math.exp(rng.uniform(0, math.log(2_000))) for _ in range(2))
        after = min(after, chart)
        before, after = (1.0 if rank < 1.5 else rank for rank in (before, after))
        leads = [math.exp(rng.exponential(0.5)) if rank == 1 else 1.0 for rank in (before, after)]
        truth = (before / after) ** a * leads[1] / leads[0]  # the top has any lead over the second
        seen = (before, before) if before <= chart else (chart + 1.0, math.inf)
        try:
            found = downloads_factor(seen, (after, after))
        except NotEnoughData:
            asked -= 1
            continue
        held += found.low * (1 - 1e-9) <= truth <= found.high * (1 + 1e-9)
    return held, asked


def union_bounds(n: int, seed: int) -> tuple[int, int]:
    """Persons who use any of several tools, counted one by one; each tool known exactly."""
    held = 0
    for i in range(n):
        rng = np.random.default_rng([seed, 8, i])
        population, tools = 5_000, int(rng.integers(2, 6))
        leaning = rng.normal(0, rng.uniform(0, 3), population)
        uses = rng.normal(size=(tools, population)) + leaning > rng.uniform(0.5, 3, (tools, 1))
        each = [People(u, u, u) for u in uses.sum(axis=1).astype(float)]
        found = max_to_sum(each)
        held += found.low <= uses.any(axis=0).sum() <= found.high
    return held, n


def case(indicator: str, kind: str | None, **change: object) -> Case:
    """An estimate of x2.31 of an indicator of a type, for the table of refusals."""
    estimate = Estimate(
        "xx", "PK", indicator, "", "14d", "no_block_since_base", 3234.0, 1400.0, 1300.0, 1500.0, 2.31, 2.16, 2.49,
        1834.0, 1734.0, 1934.0, "", 0.0, 1.1, 1, 100, "rise", "unclear", "not_verifiable", "exploratory", "", "", "", ""
    )  # fmt: skip
    path = np.full(14, 231.0), np.full(14, 100.0)
    made = Case(estimate, "clients", kind, date(2024, 2, 17), 14, 1.0, *path)  # type: ignore[arg-type]
    entity = change.pop("entity", "")
    verdict = change.pop("verdict", "rise")
    return replace(made, estimate=replace(estimate, entity=entity, verdict=verdict), **change)  # type: ignore[arg-type]


def anchor(quantity: str, value: float, unit: str, **change: object) -> Anchor:
    """An anchor of January 2024 with a range of a tenth either way."""
    day = date(2024, 1, 15)
    made = Anchor("PK", quantity, "", "", value, value * 0.9, value * 1.1, unit, day, day, source="simulated")
    return replace(made, **change)  # type: ignore[arg-type]


def questions() -> Iterator[tuple[str, Case, list[Anchor]]]:
    """Every way in, allowed or refused."""
    survey_now = anchor("vpn_users_share", 0.18, "percent")
    own = case("vpn.panel_users", "users")
    psiphon = case("psiphon.daily_users", "users", unit="users per day")
    share = case("capture.client_share", "connection", unit="share of clients", entity="kind=tunnel")
    share = replace(share, estimate=replace(share.estimate, observed=1.4, expected=0.6, expected_low=0.5,
                                            expected_high=0.7))  # fmt: skip
    downloads = case("app.downloads", "acquisition", unit="downloads", entity="Some VPN")
    rank = case("app.chart_rank", "acquisition", unit="rank", entity="Some VPN")
    rank = replace(rank, estimate=replace(rank.estimate, ratio=0.1, ratio_low=0.05, ratio_high=0.2))
    behind = [
        anchor("network_subscribers", 50_000, "addresses"), anchor("persons_per_address", 2.5, "ratio"),
        anchor("client_sensitivity", 0.8, "percent"), anchor("client_false_positives", 0.004, "percent"),
    ]  # fmt: skip
    level = anchor("tool_daily_users", 18_000, "people", indicator="psiphon.daily_users")
    late = {"date_start": date(2025, 2, 14), "date_end": date(2025, 2, 14)}
    yield "users of VPNs, survey before", own, [survey_now]
    yield "users of VPNs, survey after", own, [replace(survey_now, **late)]  # type: ignore[arg-type]
    yield "users of VPNs, survey without date", own, [replace(survey_now, date_start=None, date_end=None)]
    yield "users of VPNs, survey without n", own, [replace(survey_now, low=None, high=None)]
    yield "users of VPNs, survey of 2021", own, [replace(survey_now, date_end=date(2021, 1, 1))]
    yield "users of VPNs, no survey", own, []
    yield "users of one tool, survey of VPNs", replace(psiphon, unit="clients"), [survey_now]
    yield "Psiphon, its own users before", psiphon, [level]
    yield "Psiphon, devices only", psiphon, [replace(level, unit="devices")]
    yield "Psiphon, no anchor", psiphon, []
    yield "Psiphon, devices per person", psiphon, [anchor("devices_per_person", 1.3, "ratio")]
    yield "Tor bridges, survey of VPNs", case("tor.bridge_users", "users"), [survey_now]
    yield "Tor bridges, stated users per client", case("tor.bridge_users", "users"), [
        anchor("users_per_concurrent_client", 3.5, "ratio", indicator="tor.bridge_users"),
        anchor("devices_per_person", 1.3, "ratio")]  # fmt: skip
    yield "client share, all stated", share, behind
    yield "client share, no errors of flags", share, behind[:2]
    yield "client share, persons without range", share, [replace(a, low=None, high=None) for a in behind]
    yield (
        "client share of DNS look-ups",
        replace(share, estimate=replace(share.estimate, entity="kind=encrypted_dns")),
        behind,
    )
    yield "client share of two networks", replace(share, networks=2), behind
    yield "flows of captures", case("capture.flows", "connection"), [survey_now]
    yield "downloads, usual retention", downloads, []
    yield "downloads, devices per person", downloads, [anchor("devices_per_person", 1.3, "ratio")]
    yield "chart rank", rank, [survey_now]
    yield "sign-ups", case("own.signups", "acquisition", unit="sign-ups"), [survey_now]
    yield "searches", case("search.interest", "interest", unit="index"), [survey_now]
    yield "traffic share", case("radar.traffic", "traffic"), [survey_now]
    yield "blocked tests", case("ooni.service_blocked_share", "evidence"), [survey_now]
    yield "internet users", case("denominator.internet_users", "denominator"), [survey_now]
    yield "an indicator without a type", case("own.thing", None), [survey_now]
    yield "no estimate", case("vpn.panel_users", "users", verdict="not_estimable"), [survey_now]


def table() -> None:
    """Every question with its answer."""
    online = Denominator(1.1e8, 2023, "simulated", 1.1e8, 1.1e8)
    for name, asked, anchors in questions():
        (row,) = people_ranges([asked], anchors, online)
        size = (
            f"{row.low:,.4g} to {'any' if row.high is None else format(row.high, ',.4g')}"
            if row.low is not None
            else ""
        )
        told = f"{size} {row.quantity} [{row.route}]" if row.route else row.reasons
        print(f"| {name} | {'allowed' if row.route else 'refused'} | {told} |")


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--draws", type=int, default=4000)
    parser.add_argument("--route", default="", help="only routes whose name holds this")
    asked = parser.parse_args()
    print("| Route | Held, % | Low ends | High ends | Worst case inside | Low | High | Width on logs | Refused |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    for name, make in ((k, v) for k, v in ROUTES.items() if asked.route in k):
        of = {w: coverage(make, asked.n, asked.seed, w, asked.draws) for w in ("inside", "low", "high")}
        cells = [f"{100 * c.held:.1f}" for c in of.values()] + [f"{100 * c.worst:.0f}" for c in of.values()]
        print(f"| {name} | {' | '.join(cells)} | {of['inside'].width:.2f} | {of['inside'].refused} |", flush=True)
    for name, bounds in (("rank to downloads", rank_bounds), ("largest to sum over tools", union_bounds)):
        held, n = bounds(asked.n, asked.seed)
        print(f"bounds, {name}: {held} of {n} hold")
    print("\n| Question | Answer | Range or reason |\n| --- | --- | --- |")
    table()


if __name__ == "__main__":
    main()
