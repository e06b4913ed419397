"""Leave one donor out: does the verdict hang on one donor country, or on the large or small ones among them?

Abadie 2021 (Journal of Economic Literature 59, section 8): a finding that goes with one donor is the donor's.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from analyzer.checks import CheckRule, Evidence, direction, said
from analyzer.errors import NotEnoughData
from analyzer.records import Check, Effect, Specification

NAME = "leave_one_donor_out"
MOST = 10  # re-estimates; each costs about a twentieth of a second
GROUPED = 8  # donors from which on groups of them are left out too
LARGEST = 5  # left out together


def run(evidence: Evidence) -> Check:
    """Failed where leaving out one donor, or one group of them, turns the verdict of the interval."""
    if evidence.under is None or not evidence.donors:
        return Check(NAME, "informative", "no donors form the no-block level: there is none to leave out")
    found, refused = _all(evidence)
    if not found:
        return Check(NAME, "informative", f"no donor can be left out: {'; '.join(dict.fromkeys(refused.values()))}")
    turned = [name for name, e in found.items() if direction(e) != direction(evidence.effect)]
    table = tuple(_row(name, e) for name, e in found.items())
    return Check(NAME, _outcome(found, turned), _sentence(evidence, found, turned, refused), table)


def parts(donors: tuple[str, ...]) -> Mapping[str, tuple[str, ...]]:
    """Which donors are left out together, by name: the largest one by one, and groups where there are many."""
    if len(donors) < GROUPED:
        return {donor: (donor,) for donor in donors}
    groups = {
        f"the {LARGEST} largest": donors[:LARGEST],
        "every other one, the largest among them": donors[::2],
        "every other one, the second largest among them": donors[1::2],
    }
    return {**{donor: (donor,) for donor in donors[: MOST - len(groups)]}, **groups}


def _all(evidence: Evidence) -> tuple[dict[str, Effect], dict[str, str]]:
    assert evidence.under is not None  # noqa: S101 - seen to by the caller
    found, refused = {}, {}
    for name, without in parts(evidence.donors).items():
        try:
            found[name] = evidence.under(Specification(without=without))
        except NotEnoughData as error:
            refused[name] = str(error)
    return found, refused


def _outcome(found: Mapping[str, Effect], turned: list[str]) -> Any:
    if turned:
        return "failed"
    return "passed" if len(found) > 1 else "informative"  # a single donor left out leaves none


def _sentence(evidence: Evidence, found: Mapping[str, Effect], turned: list[str], refused: Mapping[str, str]) -> str:
    ratios = [e.ratio for e in found.values()]
    text = (
        f"{said(evidence.effect)} with all {len(evidence.donors)} donors; with one of them or a group left out, "
        f"x{min(ratios):.2f} to x{max(ratios):.2f} in {len(found)} estimates"
    )
    if turned:
        text += "; the verdict turns without " + ", ".join(f"{name} ({said(found[name])})" for name in turned)
    if refused:
        text += "; no estimate without " + ", ".join(refused)
    return text


def _row(name: str, effect: Effect) -> dict[str, Any]:
    return {"left_out": name, "ratio": effect.ratio, "ratio_low": effect.ratio_low, "ratio_high": effect.ratio_high}


CHECK = CheckRule(NAME, "Leave one donor out", run)
