"""Base window: would another base, or one without weekends, have said the same?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from analyzer.checks import CheckRule, Evidence, direction, excludes_one, said
from analyzer.errors import NotEnoughData
from analyzer.records import Check, Effect, Specification

NAME = "base_window"
BASES: tuple[int | None, ...] = (28, 56, 112, None)  # days; None = the whole history


def run(evidence: Evidence) -> Check:
    """Failed where a base has an interval on the other side of 1, or one that misses the headline's.

    Passed where all that can be estimated agree in direction and overlap it; a refused base agrees with nothing.
    """
    if evidence.under is None:
        return Check(NAME, "informative", "no other base can be asked about")
    found, refused = _all(evidence)
    if not found:
        return Check(NAME, "informative", f"no other base can be estimated: {_said(refused)}", _table(found, refused))
    against = [name for name, e in found.items() if _against(evidence.effect, e)]
    text = "; ".join([*(f"{name} {said(e)}" for name, e in found.items()), *([_said(refused)] if refused else [])])
    if against:
        text += f"; against the headline's {said(evidence.effect)}: {', '.join(against)}"
    return Check(NAME, _outcome(evidence.effect, found, against), text, _table(found, refused))


def _wanted(evidence: Evidence) -> dict[str, Specification]:
    """Every base but the one of the headline itself."""
    names = {days: "the whole history" if days is None else f"{days} days" for days in BASES}
    wanted = {name: Specification(base_days=days) for days, name in names.items() if days is not None}
    if evidence.daily:
        wanted |= {
            f"{name} without weekends": Specification(base_days=days, weekends=False) for days, name in names.items()
        }
    return wanted


def _all(evidence: Evidence) -> tuple[dict[str, Effect], dict[str, str]]:
    assert evidence.under is not None  # noqa: S101 - seen to by the caller
    found, refused = {}, {}
    for name, specification in _wanted(evidence).items():
        try:
            found[name] = evidence.under(specification)
        except NotEnoughData as error:
            refused[name] = str(error)
    return found, refused


def _against(headline: Effect, other: Effect) -> bool:
    opposite = excludes_one(other) and (other.ratio > 1) != (headline.ratio > 1)
    misses = other.ratio_low > headline.ratio_high or other.ratio_high < headline.ratio_low
    return opposite or misses


def _outcome(headline: Effect, found: Mapping[str, Effect], against: list[str]) -> Any:
    if against:
        return "failed"
    if not excludes_one(headline):  # a direction that the headline does not have cannot be agreed with
        return "informative" if any(excludes_one(e) for e in found.values()) else "passed"
    same = all((e.ratio > 1) == (headline.ratio > 1) for e in found.values())
    # A base that cannot tell 1 from the headline's size contradicts nothing and confirms nothing.
    told = any(direction(e) == direction(headline) for e in found.values())
    return "passed" if same and told else "informative"


def _said(refused: Mapping[str, str]) -> str:
    """The refusals with their reasons, those of one reason together."""
    by_reason: dict[str, list[str]] = {}
    for name, why in refused.items():
        by_reason.setdefault(why, []).append(name)
    return "; ".join(f"{', '.join(names)}: no estimate ({why})" for why, names in by_reason.items())


def _table(found: Mapping[str, Effect], refused: Mapping[str, str]) -> tuple[Mapping[str, Any], ...]:
    given = [
        {"base": n, "ratio": e.ratio, "ratio_low": e.ratio_low, "ratio_high": e.ratio_high, "refused": ""}
        for n, e in found.items()
    ]
    none = [
        {"base": n, "ratio": None, "ratio_low": None, "ratio_high": None, "refused": why} for n, why in refused.items()
    ]
    return (*given, *none)


CHECK = CheckRule(NAME, "Base window", run)
