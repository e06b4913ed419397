"""Placebo indicator: the same window on series of the same country that the block should not move (Chang et al. 2022).

Where they move too, something moved more than circumvention: a holiday, an election, an outage, the instrument.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from scipy.special import ndtri

from analyzer.checks import CheckRule, Evidence, Possible, direction, said
from analyzer.records import Check, Effect

NAME = "placebo_indicator"
SMALLEST = float(np.log(1.1))  # a smaller move cannot be what moved the series, as in the check of common mode


def run(evidence: Evidence) -> Check:
    """Failed where such a series clearly moves the same way; passed where one could have shown as large a change."""
    asked = evidence.placebo_indicators() if evidence.placebo_indicators else {}
    found = {name: e for name, e in asked.items() if isinstance(e, Effect)}
    if not found:
        return Check(NAME, "informative", _none(asked))
    moving = [name for name, e in found.items() if moves_with(e, evidence.effect, len(found))]
    able = [name for name, e in found.items() if _would_show(e, evidence.effect)]
    text = "; ".join([*(f"{name} {said(e)}" for name, e in found.items()), *_refused(asked)])
    table = tuple(
        {"indicator": name, "ratio": e.ratio, "ratio_low": e.ratio_low, "ratio_high": e.ratio_high}
        for name, e in found.items()
    )
    if moving:
        text += f"; {', '.join(moving)} moved the same way, which the block does not explain"
        return Check(NAME, "failed", text, table)
    if not direction(evidence.effect):
        return Check(NAME, "informative", text, table)
    if not able:
        return Check(NAME, "informative", f"{text}: too noisy to have shown a change of that size", table)
    return Check(NAME, "passed", text, table)


def moves_with(placebo: Effect, headline: Effect, count: int) -> bool:
    """Whether a placebo's interval lies on the headline's side of 1, widened for as many as were looked at."""
    way = direction(headline)
    middle = np.log(max(placebo.ratio, 1e-9))
    near = np.log(max(placebo.ratio_low if way > 0 else placebo.ratio_high, 1e-9))
    wider = float(ndtri(1 - 0.025 / count) / ndtri(0.975))
    bound = middle - (middle - near) * wider
    return bool(way and way * bound > 0 and way * middle >= SMALLEST)


def _would_show(placebo: Effect, headline: Effect) -> bool:
    """Whether a change of the headline's size would have left the placebo's interval around 1."""
    reach = np.log(max(placebo.ratio_high, 1e-9)) - np.log(max(placebo.ratio_low, 1e-9))
    return bool(reach / 2 < abs(np.log(max(headline.ratio, 1e-9))))


def _none(asked: Mapping[str, Possible]) -> str:
    if asked:
        return "; ".join(_refused(asked))
    return (
        "the store holds no series of this country that the block should not move; one is declared by an entity that "
        "begins with placebo: in a mapping file"
    )


def _refused(asked: Mapping[str, Possible]) -> list[str]:
    return [f"{name}: no estimate ({why})" for name, why in asked.items() if isinstance(why, str)]


CHECK = CheckRule(NAME, "Placebo indicator", run)
