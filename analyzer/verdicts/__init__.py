"""Rules that turn numbers into words: a verdict on the size, an attribution on the cause, apart from each other.

Every estimate carries the version of the rules (docs/decisions/0005).
"""

from __future__ import annotations

from analyzer.verdicts.cause import (
    FEWEST_PLACEBOS,
    LARGEST_SHARE,
    LONGEST_LAG,
    LONGEST_LEAD,
    OUTAGES,
    Facts,
    attribution,
    in_words,
    kind_words,
)
from analyzer.verdicts.size import (
    FEW_UNITS,
    HEADLINE,
    SMALLEST_EFFECT_OF_INTEREST,
    few_units,
    shared_reasons,
    verdict,
    verdict_reason,
)

RULES_VERSION = "2"

__all__ = [
    "FEWEST_PLACEBOS", "FEW_UNITS", "HEADLINE", "LARGEST_SHARE", "LONGEST_LAG", "LONGEST_LEAD", "OUTAGES",
    "RULES_VERSION", "SMALLEST_EFFECT_OF_INTEREST", "Facts", "attribution", "few_units", "in_words", "kind_words",
    "shared_reasons", "verdict", "verdict_reason",
]  # fmt: skip
