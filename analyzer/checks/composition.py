"""Composition: a share moves with its denominator too; numerator and denominator are estimated beside it."""

from __future__ import annotations

from typing import Any

from analyzer.checks import CheckRule, Composition, Evidence, Possible, said
from analyzer.records import Check, Effect, Outcome

NAME = "composition"
KNOWN = 2.0  # an interval of the denominator that reaches further either way does not say whether it moved


def run(evidence: Evidence) -> Check:
    """Failed where the denominator moved or is not known: then the share says nothing on uptake."""
    if evidence.composition is None:
        return Check(NAME, "informative", "no share: there is no denominator")
    parts = evidence.composition()
    outcome, why = judge(parts)
    table = tuple(_row(n, e) for n, e in (("numerator", parts.numerator), ("denominator", parts.denominator)))
    shown = "; ".join(f"{name} {_shown(part)}" for name, part in _named(parts))
    return Check(NAME, outcome, f"share {said(evidence.effect)}; {shown}; {why}", table)


def judge(parts: Composition) -> tuple[Outcome, str]:
    """Whether a share says something on uptake, and why (not)."""
    if parts.kind == "evidence":
        return "informative", "a share of measurements: it speaks of blocking, not of uptake"
    if isinstance(parts.denominator, str):
        return "failed", f"the denominator is not known ({parts.denominator}): no verdict on uptake"
    if parts.denominator.ratio_low > 1 or parts.denominator.ratio_high < 1:
        return "failed", f"the denominator moved by {said(parts.denominator)}: no verdict on uptake"
    if parts.denominator.ratio_high > KNOWN or parts.denominator.ratio_low < 1 / KNOWN:
        return "failed", f"how the denominator moved is hardly known, {said(parts.denominator)}: no verdict on uptake"
    return "passed", f"no move of the denominator is seen ({parts.source})"


def _named(parts: Composition) -> tuple[tuple[str, Possible], ...]:
    return (("numerator", parts.numerator), ("denominator", parts.denominator))


def _shown(part: Possible) -> str:
    return said(part) if isinstance(part, Effect) else f"not known ({part})"


def _row(name: str, part: Possible) -> dict[str, Any]:
    if isinstance(part, str):
        return {"part": name, "ratio": None, "ratio_low": None, "ratio_high": None, "refused": part}
    ratios = {"ratio": part.ratio, "ratio_low": part.ratio_low, "ratio_high": part.ratio_high}
    return {"part": name, **ratios, "refused": ""}


CHECK = CheckRule(NAME, "Composition", run)
