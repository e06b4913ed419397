"""Panel cross-check: do estimators that weight donor countries say the same as the replay of the series' own past?

DID, synthetic control, synthetic DID and DIFP rest on other assumptions than the replay (likeness to other countries
before onset) and have another interval (placebos in space); see docs/method.md.
"""

from __future__ import annotations

from typing import Any

from analyzer.checks import CheckRule, Evidence, excludes_one
from analyzer.errors import NotEnoughData
from analyzer.records import Check, Effect

NAME = "panel_cross_check"
METHODS = ("did", "synthetic_control", "sdid", "difp")
MOST_WEIGHTS = 3  # donors named per method


def run(evidence: Evidence) -> Check:
    """Failed where at least half of the panel estimators have an interval that misses the replay's.

    Passed where none misses it and, where the replay sees a change, at least half see it too on the same side (where
    it sees none, none does).  Informative in between, and where donors are too few.
    """
    if evidence.compared is None:
        return Check(NAME, "informative", "no donors are at hand")
    try:
        replay = evidence.effect if evidence.estimator == "replay" else evidence.compared("replay")
    except NotEnoughData as error:
        return Check(NAME, "informative", f"the replay gives no estimate to compare with: {error}")
    found, refused = _all(evidence)
    if not found:
        return Check(
            NAME, "informative", f"no panel estimator can be used: {'; '.join(dict.fromkeys(refused.values()))}"
        )
    sentence = "; ".join(
        [f"replay {_size(replay)}", *(f"{m} {_size(e)}{_from(e)}" for m, e in found.items()), *_said(refused)]
    )
    table = (_row("replay", replay), *(_row(m, e) for m, e in found.items()))
    return Check(NAME, _outcome(replay, list(found.values())), sentence, table)


def _all(evidence: Evidence) -> tuple[dict[str, Effect], dict[str, str]]:
    found, refused = {}, {}
    for method in METHODS:
        try:
            assert evidence.compared is not None  # noqa: S101 - seen to by the caller
            found[method] = evidence.compared(method)
        except NotEnoughData as error:
            refused[method] = str(error)
    return found, refused


def _outcome(replay: Effect, others: list[Effect]) -> Any:
    misses = sum(e.ratio_low > replay.ratio_high or e.ratio_high < replay.ratio_low for e in others)
    if 2 * misses >= len(others):
        return "failed"
    same = sum(excludes_one(e) and (e.ratio > 1) == (replay.ratio > 1) for e in others)
    agrees = 2 * same >= len(others) if excludes_one(replay) else not any(excludes_one(e) for e in others)
    return "passed" if agrees and misses == 0 else "informative"


def _size(effect: Effect) -> str:
    return f"x{effect.ratio:.2f} ({effect.ratio_low:.2f} to {effect.ratio_high:.2f})"


def _largest(effect: Effect) -> str:
    """The donors that weigh most; '' where all weigh the same."""
    if len(set(effect.members.values())) == 1:
        return ""
    largest = sorted(effect.members.items(), key=lambda m: (-m[1], m[0]))[:MOST_WEIGHTS]
    return ", ".join(f"{cc} {w:.2f}" for cc, w in largest if w >= 0.005)


def _from(effect: Effect) -> str:
    largest = _largest(effect)
    return f", mostly {largest}" if largest else ""


def _said(refused: dict[str, str]) -> list[str]:
    return [f"{method}: no estimate ({why})" for method, why in refused.items()]


def _row(method: str, effect: Effect) -> dict[str, Any]:
    return {
        "estimator": method,
        "ratio": effect.ratio,
        "ratio_low": effect.ratio_low,
        "ratio_high": effect.ratio_high,
        "placebo_n": effect.placebo_n,
        "weights": "" if method == "replay" else _largest(effect),
    }


CHECK = CheckRule(NAME, "Panel cross-check", run)
