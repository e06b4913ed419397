"""Indicators of type users: VPNs as a whole by a survey, a tool by its own count; clients at one time by neither.

Tor counts requests to its directories, and by its own words cannot say how many different users make them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from analyzer.errors import NotEnoughData
from analyzer.people.anchors import Anchor, nearest
from analyzer.people.cases import CANNOT, Case, Denominator, Found
from analyzer.people.draws import Uncertain, at_worst, exact
from analyzer.people.matching import Anchors, assumed, best, needed, timeless
from analyzer.people.routes import clients_from_counted, clients_from_tool, from_counted, from_survey, from_tool
from analyzer.quantities import DailyClients, People

WHOLE = "vpn."  # an own indicator of this name measures use of VPNs as a whole
CONCURRENT = ("tor.", "snowflake.")


def is_concurrent(case: Case) -> bool:
    """True for clients connected at one time, of which nobody knows how many different ones there were."""
    return case.estimate.indicator.startswith(CONCURRENT) or "concurrent" in case.unit.lower()


def is_counted(case: Case) -> bool:
    """True where values are numbers of clients or users of a tool, and no index, share or panel."""
    unit = case.unit.lower()
    plain = any(word in unit for word in ("user", "client", "device")) and not any(
        word in unit for word in ("index", "share", "percent", "%", "rank")
    )
    return plain and not case.estimate.indicator.startswith(WHOLE)


def from_users(case: Case, anchors: Anchors, denominator: Denominator | None) -> Found:
    if is_concurrent(case):
        return _concurrent(case, anchors)
    if case.estimate.indicator.startswith(WHOLE) or needed(case, anchors, "vpn_users_share", named=True):
        return _survey(case, anchors, denominator)
    return _tool(case, anchors)


def _survey(case: Case, anchors: Anchors, denominator: Denominator | None) -> Found:
    """The share of internet users before the block, times them, times the relative change of the same use."""
    if case.estimate.entity:
        raise NotEnoughData("a survey of VPNs as a whole is no anchor for one tool")
    anchor = best(needed(case, anchors, "vpn_users_share"), case, "vpn_users_share from before the block")
    base, named = _internet_users(case, anchors, denominator)
    given = (case.ratio(), anchor.uncertain(), base)
    words = "people who used a VPN beyond those expected, average step"
    notes = (*assumed(anchor), f"of {named}")
    worst = at_worst(from_survey, *given)
    return Found(from_survey(*given), "survey share before the block", words, notes, worst, is_of_tool=False)


def _internet_users(case: Case, anchors: Anchors, denominator: Denominator | None) -> tuple[Uncertain, str]:
    if denominator is not None:
        return denominator.uncertain(), denominator.named()
    found = needed(case, anchors, "internet_users")
    if anchor := nearest(found, case.estimate.cc):
        return anchor.uncertain(), anchor.cited()
    raise NotEnoughData("no internet users to take the share of: load denominator.internet_users, or state them")


def _tool(case: Case, anchors: Anchors) -> Found:
    """The tool's own different users of a day, from before the block, times the relative change."""
    published = needed(case, anchors, "tool_daily_users", named=True)
    if not published and _is_daily(case) and needed(case, anchors, "devices_per_person"):
        return _daily(case, anchors)
    if not published and needed(case, anchors, "vpn_users_share"):
        raise NotEnoughData(
            f"a survey of VPNs as a whole is no anchor for {case.estimate.indicator}: state tool_daily_users of the "
            f"tool itself (or name the indicator {WHOLE}something if it measures VPNs as a whole)"
        )
    if not published and _is_daily(case):
        raise NotEnoughData(
            "it counts clients (devices) of a day: state devices_per_person, or tool_daily_users of "
            f"{case.estimate.indicator} in people from before the block, with --anchors"
        )
    anchor = best(published, case, f"tool_daily_users of {case.estimate.indicator} from before the block")
    notes = [*assumed(anchor), "a person with two devices may count twice, and one who never returned counts once"]
    given = (case.ratio(), anchor.uncertain())
    if anchor.unit == "people":
        return _of_tool(from_tool, given, notes)
    if each := _devices(case, anchors):
        return _of_tool(from_tool, (*given, _one_over(each)), [*notes, each.cited()])
    return _of_tool(clients_from_tool, given, notes)


def _is_daily(case: Case) -> bool:
    unit = case.unit.lower()
    return case.estimate.indicator == "psiphon.daily_users" or "daily" in unit or "per day" in unit or "a day" in unit


def _daily(case: Case, anchors: Anchors) -> Found:
    """An indicator that counts different clients of a day needs no level, only how many a person has."""
    per = timeless(case, anchors, "devices_per_person", "how many devices of one person, as a range")
    given = (exact(case.mean_observed()), case.mean_expected(), _one_over(per))
    return _of_tool(from_counted, given, ["different clients of a day, as the tool counts them", per.cited()])


def _concurrent(case: Case, anchors: Anchors) -> Found:
    """Clients connected at one time: only where somebody states how many different ones that are."""
    known = needed(case, anchors, "users_per_concurrent_client", named=True)
    if not known:
        raise NotEnoughData(
            "the source counts clients connected at one time and cannot say how many different users there were; no "
            "users_per_concurrent_client is stated for it"
        )
    per, each = best(known, case, "users_per_concurrent_client"), _devices(case, anchors)
    given = (exact(case.mean_observed()), case.mean_expected(), per.uncertain())
    notes = [per.cited(), "that the block did not change it is assumed"]
    if each is None:
        return _of_tool(clients_from_counted, given, notes)
    return _of_tool(from_counted, (*given[:2], _over(per, each)), [*notes, each.cited()])


def _devices(case: Case, anchors: Anchors) -> Anchor | None:
    """How many devices one person has, where that is stated with a range."""
    found = [a for a in needed(case, anchors, "devices_per_person") if a.has_range]
    return nearest(found, case.estimate.cc)


def _one_over(per: Anchor) -> Uncertain:
    one = per.uncertain()
    return Uncertain(1 / one.high, 1 / one.middle, 1 / one.low, one.how)


def _over(per: Anchor, each: Anchor) -> Uncertain:
    """Users per client over devices per person: the ends of both stated, so that the worst case is kept."""
    above, below = per.uncertain(), each.uncertain()
    return Uncertain(above.low / below.high, above.middle / below.middle, above.high / below.low, above.how)


def _of_tool(route: Callable[..., People | DailyClients], given: Sequence[Uncertain], notes: Sequence[str]) -> Found:
    found, worst = route(*given), at_worst(route, *given)
    if isinstance(found, People):
        words = "people who used the tool beyond those expected, average day"
        return Found(found, "the tool's own users", words, tuple(notes), worst)
    words = "clients (devices) of the tool a day, not people, beyond those expected, average day"
    return Found(
        found, "the tool's own clients", words, (*notes, f"{CANNOT}: no devices_per_person with a range"), worst
    )
