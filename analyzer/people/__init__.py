"""What may be said of people: a range by a stated route, or the reason why there is none."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from analyzer.errors import NotEnoughData
from analyzer.people.anchors import Anchor as Anchor
from analyzer.people.anchors import nearest, stated
from analyzer.people.anchors import read_anchors as read_anchors
from analyzer.people.anchors import shipped_anchors as shipped_anchors
from analyzer.people.bounds import MISSED
from analyzer.people.bounds import max_to_sum as max_to_sum
from analyzer.people.cases import CANNOT, Found
from analyzer.people.cases import Case as Case
from analyzer.people.cases import Denominator as Denominator
from analyzer.people.choosing import chosen
from analyzer.people.used import is_concurrent, is_counted
from analyzer.quantities import DailyClients, Installs, People
from analyzer.records import PeopleRange

_JUST_BEFORE = "against the path just before this block"


@dataclass(frozen=True, slots=True)
class _Answer:
    case: Case
    found: Found | None
    refusal: str


def people_ranges(
    cases: Sequence[Case], anchors: Sequence[Anchor], denominator: Denominator | None
) -> tuple[PeopleRange, ...]:
    """One row per case, in order; then, per horizon with several tools, their bounds together."""
    answers = [_answer(case, anchors, denominator) for case in cases]
    rows = [_row(answer, denominator) for answer in answers]
    return (*rows, *_together(answers, anchors, denominator))


def _answer(case: Case, anchors: Sequence[Anchor], denominator: Denominator | None) -> _Answer:
    try:
        return _Answer(case, chosen(case, anchors, denominator), "")
    except (NotEnoughData, ValueError) as error:
        return _Answer(case, None, str(error))


def _row(answer: _Answer, denominator: Denominator | None) -> PeopleRange:
    return _refused(answer, denominator) if answer.found is None else _given(answer.case, answer.found, denominator)


def _given(case: Case, found: Found, denominator: Denominator | None) -> PeopleRange:
    notes = [*found.notes, *_framing(case, found)]
    counted = found.is_national and isinstance(found.range, People | DailyClients | Installs)
    return _of(case, found, denominator if counted else None, notes)


def _framing(case: Case, found: Found) -> list[str]:
    notes = [_JUST_BEFORE] if case.estimate.estimand == "just_before" else []
    if found.range.low < 0 < found.range.high:
        notes.append("the range holds none at all")
    if found.worst:
        notes.append(f"stated ranges at their worst ends: {found.worst[0]:,.4g} to {found.worst[1]:,.4g}")
    return [*notes, "around the block, not because of it"]


def _of(case: Case, found: Found, denominator: Denominator | None, notes: Sequence[str]) -> PeopleRange:
    middle, high = found.range.middle, found.range.high
    per = 1000 / denominator.value if denominator else None
    return PeopleRange(
        indicator=case.estimate.indicator,
        entity=case.estimate.entity,
        horizon=case.estimate.horizon,
        route=found.route,
        quantity=found.quantity,
        low=found.range.low,
        middle=middle,
        high=high if math.isfinite(high) else None,
        per_1000_low=per * found.range.low if per else None,
        per_1000=per * middle if per and middle is not None else None,
        per_1000_high=per * high if per else None,
        denominator=denominator.named() if denominator else "",
        reasons="; ".join(notes),
    )


def _refused(answer: _Answer, denominator: Denominator | None) -> PeopleRange:
    case = answer.case
    excess = _excess(case)
    per = 1000 / denominator.value if denominator and excess else None
    notes = [f"{CANNOT}: {answer.refusal}"]
    if excess:
        low, middle, high = excess
        notes.append(f"excess of {middle:,.4g} {_clients(case)} ({low:,.4g} to {high:,.4g}), on average")
        notes.append("per 1,000 internet users: clients, not people" if per else "no denominator at hand")
    if case.estimate.estimand == "just_before":
        notes.append(_JUST_BEFORE)
    return PeopleRange(
        indicator=case.estimate.indicator,
        entity=case.estimate.entity,
        horizon=case.estimate.horizon,
        route="",
        quantity=f"{_clients(case)}, not people" if excess else "",
        low=None,
        middle=None,
        high=None,
        per_1000_low=per * excess[0] if per and excess else None,
        per_1000=per * excess[1] if per and excess else None,
        per_1000_high=per * excess[2] if per and excess else None,
        denominator=denominator.named() if per and denominator else "",
        reasons="; ".join(notes),
    )


def _clients(case: Case) -> str:
    return "clients connected at one time" if is_concurrent(case) else "users as the tool counts them"


def _excess(case: Case) -> tuple[float, float, float] | None:
    """Average clients beyond those expected, where the source counts clients or users one by one."""
    e = case.estimate
    if case.type != "users" or not case.steps or not is_counted(case):
        return None
    if e.excess is None or e.excess_low is None or e.excess_high is None:
        return None
    return e.excess_low / case.steps, e.excess / case.steps, e.excess_high / case.steps


def _together(
    answers: Sequence[_Answer], anchors: Sequence[Anchor], denominator: Denominator | None
) -> list[PeopleRange]:
    """Bounds over tools of one horizon and estimand, each kind by itself."""
    groups: dict[tuple[str, str, type], list[_Answer]] = defaultdict(list)
    for a in answers:
        if a.found and a.found.is_of_tool and a.found.is_national and a.found.range.low >= 0:
            groups[a.case.estimate.horizon, a.case.estimate.estimand, type(a.found.range)].append(a)
    return [_all_tools(found, anchors, denominator) for found in groups.values() if len(found) > 1]


def _all_tools(found: Sequence[_Answer], anchors: Sequence[Anchor], denominator: Denominator | None) -> PeopleRange:
    first = found[0]
    assert first.found is not None  # noqa: S101 - only answers with a range are grouped
    overlap = nearest(stated(anchors, "overlap_share", first.case.estimate.cc), first.case.estimate.cc)
    bounds = max_to_sum([a.found.range for a in found if a.found], overlap.value if overlap else None)  # type: ignore[type-var]
    names = [f"{a.case.estimate.indicator} {a.case.estimate.entity}".strip() for a in found]
    notes = [f"{len(names)} together: {', '.join(names)}", "at least the largest, at most the sum", MISSED]
    notes += [overlap.cited()] if overlap else []
    together = Found(bounds, "largest to sum over tools", first.found.quantity, tuple(notes))
    row = _given(first.case, together, denominator)
    return PeopleRange(
        **{**{name: getattr(row, name) for name in row.__slots__}, "indicator": "", "entity": "all tools"}
    )
