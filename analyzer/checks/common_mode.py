"""Common mode: do most countries move together?  Then the instrument or the world changed, not one country."""

from __future__ import annotations

import numpy as np

from analyzer.checks import CheckRule, Evidence
from analyzer.errors import NotEnoughData
from analyzer.records import Check

FEWEST_COUNTRIES = 8
# Failed where the median country shows at least half of the change, and at least a tenth more or less: below
# that a common movement cannot carry the finding.
SHARE_OF_CHANGE = 0.5
SMALLEST_MOVE = float(np.log(1.1))


def run(evidence: Evidence) -> Check:
    """Failed where the median of the other countries moves the same way by half as much or more."""
    elsewhere = evidence.elsewhere()
    if len(elsewhere) < FEWEST_COUNTRIES:
        return Check(
            "common_mode", "informative", f"only {len(elsewhere)} other countries: a common movement stays unseen"
        )
    try:
        here = _log(evidence.alone(evidence.cc, evidence.onset).ratio)
    except NotEnoughData as error:
        return Check("common_mode", "informative", f"without donors no estimate is possible: {error}")
    logs = np.array([_log(e.ratio) for e in elsewhere.values()])
    middle = float(np.median(logs))
    together = float(np.mean(np.sign(logs) == np.sign(here)))
    sentence = (
        f"the median of {logs.size} other countries moves by x{np.exp(middle):.2f} in the same window, "
        f"this one by x{np.exp(here):.2f}; {together:.0%} move the same way"
    )
    shared = np.sign(middle) == np.sign(here) and abs(middle) >= max(SHARE_OF_CHANGE * abs(here), SMALLEST_MOVE)
    return Check("common_mode", "failed" if shared else "passed", sentence)


def _log(ratio: float) -> float:
    return float(np.log(max(ratio, 1e-6)))


CHECK = CheckRule("common_mode", "Common mode", run)
