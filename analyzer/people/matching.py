"""Which anchor a route may use, and what is wrong with those it may not."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date, timedelta

from analyzer.errors import NotEnoughData
from analyzer.people.anchors import Anchor, nearest, stated
from analyzer.people.cases import Case

OLDEST = timedelta(days=365)  # of an anchor: use of a tool doubles within a year without any block

Anchors = Sequence[Anchor]


def needed(case: Case, anchors: Anchors, quantity: str, *, named: bool = False) -> list[Anchor]:
    e = case.estimate
    found = list(stated(anchors, quantity, e.cc, e.indicator, e.entity))
    return [a for a in found if a.indicator == e.indicator and a.entity == e.entity] if named else found


def best(found: Sequence[Anchor], case: Case, what: str, *, needs_range: bool = True) -> Anchor:
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


def timeless(case: Case, anchors: Anchors, quantity: str, what: str, *, needs_range: bool = True) -> Anchor:
    """A property of a network, a tool or a classifier, which is no level before a block: any date will do."""
    found = needed(case, anchors, quantity)
    able = [a for a in found if a.has_range or not needs_range]
    if anchor := nearest(able, case.estimate.cc):
        return anchor
    fault = f"; {found[0].cited()} states no range" if found else ""
    raise NotEnoughData(f"no {quantity}: state {what} with --anchors{fault}")


def assumed(anchor: Anchor) -> list[str]:
    notes = [f"anchor: {anchor.cited()}", f"that this level stayed from {anchor.when()} to the block is assumed"]
    if anchor.is_share and "online" in anchor.base.lower():
        notes.append("an online panel reaches those who are online much: its share tends to be too high")
    if anchor.is_share and anchor.low is None:
        effect = f"{anchor.design_effect:g} as stated" if anchor.design_effect else "2 assumed"
        notes.append(f"its interval is from n = {anchor.n or 0:g} and a design effect of {effect}")
    return notes


def flow_example(case: Case, anchors: Anchors) -> str:
    """Why a survey share times the change of a flow is no number of users, with the numbers at hand."""
    text = "a survey share times the relative change of a flow is not users"
    survey, ratio = nearest(stated(anchors, "vpn_users_share", case.estimate.cc), case.estimate.cc), case.estimate.ratio
    if survey is None or ratio is None or not math.isfinite(ratio):
        return text
    made = 100 * survey.value * ratio
    return f"{text}: {100 * survey.value:.3g} % x {ratio:.3g} would make {made:.3g} % of internet users"
