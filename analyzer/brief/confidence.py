"""Two separate scales of confidence words: how precise the size is, and how good the evidence for the cause.

An interval speaks of the first only: a rise may be measured to a few per cent and have nothing to do with a block.
"""

from __future__ import annotations

from analyzer.records import Attribution, Estimate

# Upper over lower bound of the interval. The steps are ours: within x1.25 is the default smallest effect of interest,
# a factor of 2 is the median disagreement between two publishers on one event, 5 is a typical spread of a small base.
_STEPS = ((1.25, "precise"), (2.0, "fairly precise"), (5.0, "rough"))

PRECISION_SCALE = (
    ("precise", "the upper end of the 95 % interval is at most x1.25 its lower end"),
    ("fairly precise", "at most x2"),
    ("rough", "at most x5"),
    ("very rough", "more than x5, or only one end can be given"),
    ("none", "no estimate of ours, so no interval"),
)

EVIDENCE_SCALE = (
    ("supported", "the block is verified, and timing, placebo dates and other events leave no better account"),
    ("unclear", "the change lies around the block; nothing more has been established"),
    ("contested", "sources disagree on whether or how there was a block"),
    ("other cause", "something else of the same days fits better"),
    ("no block known", "a change on a date for which no block is on record"),
    ("not assessed", "no estimate of ours, so no cause was examined"),
)

_EVIDENCE: dict[Attribution, str] = {
    "supported": "supported",
    "contested": "contested",
    "other_cause": "other cause",
    "no_block_known": "no block known",
    "unclear": "unclear",
}


def precision_word(row: Estimate) -> str:
    """The word for the width of an estimate's interval."""
    if row.verdict == "not_estimable" or (row.ratio_low is None and row.excess_low is None):
        return "none"
    if not row.ratio_low or not row.ratio_high:
        return "very rough"
    width = row.ratio_high / row.ratio_low
    return next((word for limit, word in _STEPS if width <= limit), "very rough")


def evidence_word(row: Estimate) -> str:
    """The word for what speaks for the block as the cause."""
    return "not assessed" if row.verdict == "not_estimable" else _EVIDENCE[row.attribution]
