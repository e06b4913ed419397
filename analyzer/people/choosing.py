"""Which route an estimate may take to people, and the reason where there is none.

A refusal is NotEnoughData with its reason, as everywhere.
"""

from __future__ import annotations

from analyzer.errors import NotEnoughData
from analyzer.people.acquired import from_acquisition
from analyzer.people.captured import from_client_share
from analyzer.people.cases import NO_ESTIMATE, Case, Denominator, Found
from analyzer.people.matching import Anchors, flow_example
from analyzer.people.used import from_users


def chosen(case: Case, anchors: Anchors, denominator: Denominator | None) -> Found:
    """The range by the route that the type of the indicator allows.  Raises NotEnoughData with the reason."""
    e = case.estimate
    if case.type is None:
        raise NotEnoughData(
            f"{e.indicator} has no type: what it counts is not known; state it in its mapping file (type = ...)"
        )
    if e.verdict == "not_estimable":
        raise NotEnoughData(NO_ESTIMATE)
    if case.type == "users":
        return from_users(case, anchors, denominator)
    if case.type == "acquisition":
        return from_acquisition(case, anchors)
    if case.type == "connection" and e.indicator == "capture.client_share":
        return from_client_share(case, anchors)
    raise NotEnoughData(_never(case, anchors))


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
