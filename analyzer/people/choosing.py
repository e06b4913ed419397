"""Which route an estimate may take to people, and the reason where there is none.

A refusal is NotEnoughData with its reason, as everywhere.  Sources of the reasons: Tor Metrics (a user is a client
connected on average over a day; how many different ones is not known); docs/method.md for the figures compared.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from datetime import date, timedelta

import numpy as np

from analyzer.errors import NotEnoughData
from analyzer.people import retention
from analyzer.people.anchors import Anchor, nearest, stated
from analyzer.people.cases import Case, Denominator, Found
from analyzer.people.draws import Uncertain, exact
from analyzer.people.ranks import EXPONENTS, factor_of_ratio
from analyzer.people.routes import clients_from_tool, from_clients, from_counted, from_survey, from_tool
from analyzer.quantities import DailyClients, Quantity

OLDEST = timedelta(days=365)  # of an anchor: use of a tool doubles within a year without any block
WHOLE = "vpn."  # an own indicator of this name measures use of VPNs as a whole
CONCURRENT = ("tor.", "snowflake.")
CIRCUMVENTION = ("tunnel", "proxy", "anonymity", "covert")
CANNOT = "cannot be converted to people"

Anchors = Sequence[Anchor]
Route = Callable[[Case, Anchors, Denominator | None], Found]


def chosen(case: Case, anchors: Anchors, denominator: Denominator | None) -> Found:
    """The range by the route that the type of the indicator allows.  Raises NotEnoughData with the reason."""
    e = case.estimate
    if case.type is None:
        raise NotEnoughData(
            f"{e.indicator} has no type: what it counts is not known; state it in its mapping file (type = ...)"
        )
    if e.verdict == "not_estimable":
        raise NotEnoughData("there is no estimate to convert")
    if case.type == "users":
        return _users(case, anchors, denominator)
    if case.type == "acquisition":
        return _acquisition(case, anchors)
    if case.type == "connection" and e.indicator == "capture.client_share":
        return _clients(case, anchors)
    raise NotEnoughData(_never(case, anchors))


def is_concurrent(case: Case) -> bool:
    """True for clients connected at one time, of which nobody knows how many different ones there were."""
    return case.estimate.indicator.startswith(CONCURRENT) or "concurrent" in case.unit.lower()


def _never(case: Case, anchors: Anchors) -> str:
    """Why no route leaves this type."""
    if case.type == "interest":
        return f"searches and views are a flow of interest, one person makes many; {flow_example(case, anchors)}"
    return {
        "connection": "connections are no people: Belarus 2020 made 15 million of them with 1.76 million users",
        "traffic": "a share or volume of traffic says nothing of how many made it",
        "evidence": "it measures whether something was blocked, not who used what",
        "denominator": "it counts who is there, not who used what",
    }[str(case.type)]


def flow_example(case: Case, anchors: Anchors) -> str:
    """Why a survey share times the change of a flow is no number of users, with the numbers at hand."""
    text = "a survey share times the relative change of a flow is not users"
    survey, ratio = nearest(stated(anchors, "vpn_users_share", case.estimate.cc), case.estimate.cc), case.estimate.ratio
    if survey is None or ratio is None or not math.isfinite(ratio):
        return text
    made = 100 * survey.value * ratio
    return f"{text}: {100 * survey.value:.3g} % x {ratio:.3g} would make {made:.3g} % of internet users"


def _users(case: Case, anchors: Anchors, denominator: Denominator | None) -> Found:
    if is_concurrent(case):
        return _concurrent(case, anchors)
    if case.estimate.indicator.startswith(WHOLE) or _needed(case, anchors, "vpn_users_share", named=True):
        return _survey(case, anchors, denominator)
    return _tool(case, anchors)


def _needed(case: Case, anchors: Anchors, quantity: str, *, named: bool = False) -> list[Anchor]:
    e = case.estimate
    found = list(stated(anchors, quantity, e.cc, e.indicator, e.entity))
    return [a for a in found if a.indicator == e.indicator and a.entity == e.entity] if named else found


def _best(found: Sequence[Anchor], case: Case, what: str, *, needs_range: bool = True) -> Anchor:
    """The row to use.  Raises NotEnoughData, naming the row and its fault, where none can be."""
    if not found:
        raise NotEnoughData(f"no anchor: state {what} with --anchors")
    able = [a for a in found if not _fault(a, case.before, needs_range)]
    if able:
        anchor = nearest(able, case.estimate.cc)
        assert anchor is not None  # noqa: S101 - the list is not empty
        return anchor
    raise NotEnoughData("; ".join(dict.fromkeys(f"{a.cited()} {_fault(a, case.before, needs_range)}" for a in found)))


def _fault(anchor: Anchor, before: date, needs_range: bool) -> str:
    if anchor.date_end is None:
        return "has no date: whether it is from before the block cannot be told"
    if anchor.date_end >= before:
        return f"is from after the block began (base until {before}): it holds the block's own users and is no base"
    if before - anchor.date_end > OLDEST:
        return f"is {(before - anchor.date_end).days} days older than the block: too old for a level to have stayed"
    if needs_range and not anchor.has_range:
        return "states neither a range nor the number of answers: its own error is not known"
    return ""


def _timeless(case: Case, anchors: Anchors, quantity: str, what: str, *, needs_range: bool = True) -> Anchor:
    """A property of a network, a tool or a classifier, which is no level before a block: any date will do."""
    found = _needed(case, anchors, quantity)
    able = [a for a in found if a.has_range or not needs_range]
    if anchor := nearest(able, case.estimate.cc):
        return anchor
    fault = f"; {found[0].cited()} states no range" if found else ""
    raise NotEnoughData(f"no {quantity}: state {what} with --anchors{fault}")


def _assumed(anchor: Anchor) -> list[str]:
    notes = [f"anchor: {anchor.cited()}", f"that this level stayed from {anchor.when()} to the block is assumed"]
    if anchor.is_share and "online" in anchor.base.lower():
        notes.append("an online panel reaches those who are online much: its share tends to be too high")
    if anchor.is_share and anchor.low is None:
        effect = f"{anchor.design_effect:g} as stated" if anchor.design_effect else "2 assumed"
        notes.append(f"its interval is from n = {anchor.n or 0:g} and a design effect of {effect}")
    return notes


def _survey(case: Case, anchors: Anchors, denominator: Denominator | None) -> Found:
    """The share of internet users before the block, times them, times the relative change of the same use."""
    if case.estimate.entity:
        raise NotEnoughData("a survey of VPNs as a whole is no anchor for one tool")
    anchor = _best(_needed(case, anchors, "vpn_users_share"), case, "vpn_users_share from before the block")
    base, named = _internet_users(case, anchors, denominator)
    found = from_survey(case.ratio(), anchor.uncertain(), base)
    notes = (*_assumed(anchor), f"of {named}", "Monte Carlo on logs, 95 % range")
    return Found(found, "survey share before the block", "people who used a VPN beyond those expected, average step",
                 notes, is_of_tool=False)  # fmt: skip


def _internet_users(case: Case, anchors: Anchors, denominator: Denominator | None) -> tuple[Uncertain, str]:
    if denominator is not None:
        return denominator.uncertain(), denominator.named()
    found = _needed(case, anchors, "internet_users")
    if anchor := nearest(found, case.estimate.cc):
        return anchor.uncertain(), anchor.cited()
    raise NotEnoughData("no internet users to take the share of: load denominator.internet_users, or state them")


def _tool(case: Case, anchors: Anchors) -> Found:
    """The tool's own different users of a day, from before the block, times the relative change."""
    published = _needed(case, anchors, "tool_daily_users", named=True)
    if not published and _is_daily(case):
        return _daily(case, anchors)
    if not published and _needed(case, anchors, "vpn_users_share"):
        raise NotEnoughData(
            f"a survey of VPNs as a whole is no anchor for {case.estimate.indicator}: state tool_daily_users of the "
            f"tool itself (or name the indicator {WHOLE}... if it measures VPNs as a whole)"
        )
    anchor = _best(published, case, f"tool_daily_users of {case.estimate.indicator} from before the block")
    notes = [*_assumed(anchor), "a person with two devices may count twice, and one who never returned counts once"]
    if anchor.unit == "people":
        return _of_tool(from_tool(case.ratio(), anchor.uncertain()), notes)
    if per := nearest(_needed(case, anchors, "devices_per_person"), case.estimate.cc):
        return _of_tool(from_tool(case.ratio(), anchor.uncertain(), _one_over(per)), [*notes, per.cited()])
    return _of_tool(clients_from_tool(case.ratio(), anchor.uncertain()), notes)


def _is_daily(case: Case) -> bool:
    unit = case.unit.lower()
    return case.estimate.indicator == "psiphon.daily_users" or "daily" in unit or "per day" in unit or "a day" in unit


def _daily(case: Case, anchors: Anchors) -> Found:
    """An indicator that counts different clients of a day needs no level, only how many a person has."""
    per = _timeless(case, anchors, "devices_per_person", "devices_per_person (or tool_daily_users in people)")
    found = from_counted(case.mean_observed(), case.mean_expected(), _one_over(per))
    return _of_tool(found, ["different clients of a day, as the tool counts them", per.cited()])


def _concurrent(case: Case, anchors: Anchors) -> Found:
    """Clients connected at one time: only where somebody states how many different ones that are."""
    known = _needed(case, anchors, "users_per_concurrent_client", named=True)
    if not known:
        raise NotEnoughData(
            "the source counts clients connected at one time and cannot say how many different users there were; no "
            "users_per_concurrent_client is stated for it"
        )
    per = _best(known, case, "users_per_concurrent_client")
    each = nearest(_needed(case, anchors, "devices_per_person"), case.estimate.cc)
    found = from_counted(
        case.mean_observed(), case.mean_expected(), per.uncertain(), each.uncertain() if each else None
    )
    return _of_tool(found, [per.cited(), *([each.cited()] if each else [])])


def _one_over(per: Anchor) -> Uncertain:
    one = per.uncertain()
    return Uncertain(1 / one.high, 1 / one.middle, 1 / one.low, one.how)


def _of_tool(found: Quantity, notes: Sequence[str]) -> Found:
    clients = isinstance(found, DailyClients)
    what = "clients (devices) of the tool a day, not people," if clients else "people who used the tool"
    without = ("no devices_per_person is stated: clients, not people",) if clients else ()
    return Found(found, "the tool's own users before the block" if not clients else "the tool's own clients",
                 f"{what} beyond those expected, average day", (*notes, *without))  # fmt: skip


def _acquisition(case: Case, anchors: Anchors) -> Found:
    unit = case.unit.lower()
    if "rank" in unit or case.estimate.indicator == "app.chart_rank":
        return _rank(case)
    if "download" in unit or "install" in unit or case.estimate.indicator == "app.downloads":
        return _installs(case, anchors)
    raise NotEnoughData(
        "sign-ups are a flow and rise more than use (Turkey, August 2024: sign-ups x46, use x9); "
        + flow_example(case, anchors)
    )


def _rank(case: Case) -> Found:
    e = case.estimate
    at_top = case.observed is not None and float(np.nanmedian(case.observed)) <= 1
    low = 0.0 if at_top or e.ratio_low is None else max(e.ratio_low, 0.0)
    high = math.inf if e.ratio_high is None else e.ratio_high
    found = factor_of_ratio((low, high))
    open_end = ", a lower bound" if math.isinf(found.high) else ""
    power = f"{EXPONENTS[0]:g} to {EXPONENTS[1]:g}"
    assumed = (
        f"downloads are taken to fall with rank to the power {power} (Garg & Telang 2013: 0.90, 0.95 for paid apps); "
        "that is assumed, not measured, for this chart"
    )
    ceiling = ("the top of the chart is a ceiling: no upper bound",) if at_top else ()
    words = f"times the downloads{open_end}: a bound from the chart, not people"
    notes = (assumed, *ceiling, CANNOT)
    return Found(found, f"chart rank with an exponent of {power}", words, notes, is_of_tool=False, is_national=False)


def _installs(case: Case, anchors: Anchors) -> Found:
    kept, notes = _retention(case, anchors)
    if case.observed is None or case.expected is None:
        raise NotEnoughData("the path of downloads over the window is not at hand: a stock needs it day by day")
    installed = retention.Installed(case.observed, case.expected, case.total_expected(), case.step_days)
    each = nearest(_needed(case, anchors, "devices_per_person"), case.estimate.cc)
    notes = [*notes, "downloads again by the same person count again", flow_example(case, anchors)]
    if each is None or not each.has_range:
        stock: Quantity = retention.from_installs(installed, kept)
        words = "installs (devices) still in place at the end of the window beyond those expected, not people"
        return Found(stock, "stock of installs", words, (*notes, f"{CANNOT}: no devices_per_person with a range"))
    people = retention.people_from_installs(installed, kept, each.uncertain())
    words = "people with the app at the end of the window beyond those expected"
    return Found(people, "stock of installs", words, (*notes, each.cited()))


_FLOORS = {
    True: ("the block lasts", "30 to 100 %", retention.FLOOR_LASTING),
    False: ("the block was lifted", "3 to 15 %", retention.FLOOR_LIFTED),
    None: ("its end is not known", "3 to 100 %", retention.FLOOR_UNKNOWN),
}


def _retention(case: Case, anchors: Anchors) -> tuple[retention.Retention, list[str]]:
    cc = case.estimate.cc
    half = nearest(_needed(case, anchors, "retention_half_life_days"), cc)
    floor = nearest(_needed(case, anchors, "retention_floor"), cc)
    state, shown, usual = _FLOORS[case.lasting]
    notes = [a.cited() for a in (half, floor) if a]
    if half is None:
        notes.append("half-life of an install 30 to 60 days: a wide range read off published cases")
    if floor is None:
        notes.append(f"{shown} of installs are never given up ({state}): a wide range read off published cases")
    half_life = half.uncertain() if half else retention.HALF_LIFE_DAYS
    return retention.Retention(half_life, floor.uncertain() if floor else usual), notes


def _clients(case: Case, anchors: Anchors) -> Found:
    """Share of the clients of one captured network; of that network only."""
    e = case.estimate
    kind, _, name = e.entity.partition("=")
    if kind not in ("kind", "family") or (kind == "kind" and name not in CIRCUMVENTION):
        raise NotEnoughData(f"{e.entity or 'all traffic'} is no use of a circumvention tool")
    if case.networks > 1:
        raise NotEnoughData(f"the store holds {case.networks} networks of {e.cc}: which of them this is cannot be told")
    addresses = _timeless(case, anchors, "network_subscribers", "the clients of the network", needs_range=False)
    persons = _timeless(case, anchors, "persons_per_address", "how many persons are behind an address, as a range")
    hit = _timeless(case, anchors, "client_sensitivity", "the share of users among clients that is flagged")
    false = _timeless(case, anchors, "client_false_positives", "the share of other clients that is flagged")
    before = case.mean_expected(is_share=True)
    found = from_clients(before, exact(min(case.mean_observed(), 1.0), is_share=True),
                         addresses=addresses.uncertain(), persons_per_address=persons.uncertain(),
                         sensitivity=hit.uncertain(), false_positives=false.uncertain())  # fmt: skip
    notes = [a.cited() for a in (addresses, persons, hit, false)]
    notes.append("people behind the captured network only: nothing follows for the country")
    return Found(found, "share of clients behind one network",
                 f"people behind the captured network who used {name} beyond those expected, average step",
                 tuple(notes), is_national=False)  # fmt: skip
