"""The verdict on the size: what a 95 % interval lets one say.  p > .05 is never "no effect"."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite

from analyzer.records import Effect, Estimate, Verdict

# The horizon that checks and headlines speak of: two weeks hold two weekly cycles and most published peaks; the others
# stand in where it cannot be estimated.
HEADLINE = ("14d", "7d", "28d", "during", "90d", "1d")
# A quarter more or less: about what the field's own instruments can tell apart on a small country (docs/method.md).
SMALLEST_EFFECT_OF_INTEREST = 1.25
FEW_UNITS = 10.0  # below it a ratio says more about chance than about people


def few_units(effect: Effect, scale: str = "count") -> bool:
    """True where only the excess and a one-sided bound may be printed: under 10 expected, or a bound near zero.

    Ranks, shares and indices are not units of anything: for them only an interval with an open end is one-sided.
    """
    if not (isfinite(effect.ratio_low) and isfinite(effect.ratio_high)):
        return True
    return scale == "count" and (effect.expected < FEW_UNITS or effect.expected_low < 1.0)


def verdict(effect: Effect, scale: str = "count", smallest: float = SMALLEST_EFFECT_OF_INTEREST) -> Verdict:
    """What the 95 % interval says; the excess decides where a two-sided ratio may not be printed.

    smallest: effect of interest, a multiple above 1; a plan may set its own.  Raises ValueError where it is not.
    """
    _check_smallest(smallest)
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
    """The verdict in words; the upper bound is always said.  Raises ValueError as `verdict` does."""
    _check_smallest(smallest)
    if few_units(effect, scale):
        bound = f"at least x{effect.ratio_low:.2f}" if effect.ratio_low > 0 else "no lower bound"
        most = f", at most {effect.excess_high:+.4g}" if isfinite(effect.excess_high) else ""
        few = f"fewer than {FEW_UNITS:g} units expected or a bound near zero"
        return f"{few}: the excess{most}, and {bound}, no ratio" if most else f"{few}: the excess and {bound}, no ratio"
    return {
        "rise": f"the whole interval lies above 1, up to x{effect.ratio_high:.2f}",
        "fall": f"the whole interval lies below 1, from x{effect.ratio_low:.2f} to x{effect.ratio_high:.2f}",
        "ruled_out": f"a change beyond x{smallest:g} (or 1/{smallest:g}) is ruled out, up to x{effect.ratio_high:.2f}",
    }.get(word, f"the interval holds 1 and reaches from x{effect.ratio_low:.2f} up to x{effect.ratio_high:.2f}")


def _check_smallest(smallest: float) -> None:
    if not (isfinite(smallest) and smallest > 1):
        raise ValueError(f"smallest must be a multiple above 1, such as 1.25, not {smallest}")


def shared_reasons(rows: Sequence[Estimate]) -> tuple[str, ...]:
    """Reasons that every estimated row has; () where fewer than two rows were estimated."""
    said = [row.reasons.split("; ") for row in rows if row.verdict != "not_estimable"]
    return tuple(r for r in said[0] if all(r in other for other in said[1:])) if len(said) > 1 else ()
