"""Block verified: do measurements in the store show that what is said to have been blocked was?"""

from __future__ import annotations

from typing import Any

from analyzer.checks import CheckRule, Evidence
from analyzer.records import Check

NAME = "block_verified"
# Likely is not enough to pass, and absent measurements are no failure of the estimate.
OUTCOMES: dict[str, Any] = {
    "confirmed": "passed",
    "likely": "informative",
    "contested": "failed",
    "not_verifiable": "informative",
}


def run(evidence: Evidence) -> Check:
    """Passed where measurements confirm the block, failed where they were made and do not show it."""
    verified = evidence.verified
    if verified is None:
        return Check(NAME, "informative", "not_verifiable: no measurements of the block were looked at")
    text = f"{verified.state}: {'; '.join(verified.reasons)} (rule {verified.version})"
    return Check(NAME, OUTCOMES[verified.state], text, verified.evidence)


CHECK = CheckRule(NAME, "Block verified", run)
