"""Rules that turn numbers into words: a verdict on the size, an attribution on the cause, apart from each other.

Each rule set has a version that every estimate carries.  A verdict speaks of the interval only; p > .05 is never
"no effect".  `supported` is not given while no matched placebos and no block measurements exist.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from math import isfinite

from analyzer.records import Attribution, Block, Check, Effect, Estimate, Verdict

RULES_VERSION = "1"
# The horizon that checks and headlines speak of: two weeks hold two weekly cycles and most published peaks; the others
# stand in where it cannot be estimated.
HEADLINE = ("14d", "7d", "28d", "during", "90d", "1d")
# A quarter more or less: about what the field's own instruments can tell apart on a small country (docs/method.md).
SMALLEST_EFFECT_OF_INTEREST = 1.25
FEW_UNITS = 10.0  # below it a ratio says more about chance than about people
# Published peaks come 0 to 5 days after onset (Cuba 4, Iran 5, Pakistan 2023 up to 5); a change seen later
# than that after a block has ended is not credited to it.
LONGEST_LAG = timedelta(days=5)
# Announced blocks moved demand 1 to 4 days ahead (Russia 2022, Gabon 2023, Senegal and Nepal).
LONGEST_LEAD = timedelta(days=4)


def few_units(effect: Effect, scale: str = "count") -> bool:
    """True where only the excess and a one-sided bound may be printed: under 10 expected, or a bound near zero.

    Ranks, shares and indices are not units of anything: for them only an interval with an open end is one-sided.
    """
    if not (isfinite(effect.ratio_low) and isfinite(effect.ratio_high)):
        return True
    return scale == "count" and (effect.expected < FEW_UNITS or effect.expected_low < 1.0)


def verdict(effect: Effect, scale: str = "count", smallest: float = SMALLEST_EFFECT_OF_INTEREST) -> Verdict:
    """What the 95 % interval says; the excess decides where a two-sided ratio may not be printed."""
    if few_units(effect, scale):
        return "rise" if effect.excess_low > 0 else "fall" if effect.excess_high < 0 else "inconclusive"
    if effect.ratio_low > 1:
        return "rise"
    if effect.ratio_high < 1:
        return "fall"
    inside = effect.ratio_low >= 1 / smallest and effect.ratio_high <= smallest
    return "ruled_out" if inside else "inconclusive"


def verdict_reason(
    effect: Effect, word: Verdict, scale: str = "count", smallest: float = SMALLEST_EFFECT_OF_INTEREST
) -> str:
    """The verdict in words; the upper bound is always said."""
    if few_units(effect, scale):
        bound = f"at least x{effect.ratio_low:.2f}" if effect.ratio_low > 0 else "no lower bound"
        return f"fewer than {FEW_UNITS:g} units expected or a bound near zero: the excess and {bound}, no ratio"
    return {
        "rise": f"the whole interval lies above 1, up to x{effect.ratio_high:.2f}",
        "fall": f"the whole interval lies below 1, from x{effect.ratio_low:.2f} to x{effect.ratio_high:.2f}",
        "ruled_out": f"a change beyond x{smallest:g} (or 1/{smallest:g}) is ruled out",
    }.get(word, f"the interval holds 1 and reaches from x{effect.ratio_low:.2f} up to x{effect.ratio_high:.2f}")


def attribution(
    block: Block | None,
    changed_at: datetime | None,
    checks: Sequence[Check],
    rivals: Sequence[Block],
) -> tuple[Attribution, tuple[str, ...]]:
    """What may be said about the cause, with reasons.

    block: the block asked about, None for a bare date or a non-event.  changed_at: start of the detected change.
    rivals: other blocks and non-events in the window.
    """
    if shared := [c.sentence for c in checks if c.name == "common_mode" and c.outcome == "failed"]:
        return "other_cause", tuple(shared)
    if block is None:
        return "no_block_known", ("the catalogue knows no block at this date",)
    if mistimed := _mistimed(block, changed_at):
        return "unclear", (mistimed,)
    if rivals:
        names = ", ".join(sorted({r.block_id for r in rivals})[:4])
        return "contested", (f"other events fall into the same window: {names}",)
    return "unclear", ("block not verified by measurements, matched placebos not available: around the block only",)


def _mistimed(block: Block, changed_at: datetime | None) -> str:
    """Why the change does not fit the block in time; '' where it does or none was located."""
    if changed_at is None:
        return ""
    day = changed_at.date().isoformat()
    if changed_at < block.onset_earliest - LONGEST_LEAD:
        return f"the change begins on {day}, before the block: not credited to it"
    # While a block lasts people may come to a tool at any time; after it, within the longest lag.
    last = max(block.onset_latest, block.end_latest or block.onset_latest) + LONGEST_LAG
    if block.end_latest is not None and changed_at > last:
        late = (changed_at.date() - block.onset_latest.date()).days
        return f"the change begins on {day}, {late} days after onset and after the block ended: not credited to it"
    return ""


def shared_reasons(rows: Sequence[Estimate]) -> tuple[str, ...]:
    """Reasons that every estimated row has; () where fewer than two rows were estimated."""
    said = [row.reasons.split("; ") for row in rows if row.verdict != "not_estimable"]
    return tuple(r for r in said[0] if all(r in other for other in said[1:])) if len(said) > 1 else ()
