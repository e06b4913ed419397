"""An effect, or the reason why there is none, as a row of `vpn-uptake estimate`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from analyzer import verdicts
from analyzer.records import Attribution, Effect, Estimate, Verification
from analyzer.version import __version__

VERSION = f"vpn-uptake {__version__}, rules {verdicts.RULES_VERSION}"


@dataclass(frozen=True, slots=True)
class Heading:
    """What the rows of one series and estimand share."""

    block_id: str
    cc: str
    indicator: str
    entity: str
    estimand: str
    base: str
    exposure_hours: float
    method: str
    scale: str
    verification: Verification = "not_verifiable"


def refused(heading: Heading, horizon: str, why: str, word: Attribution) -> Estimate:
    """A row that says why no estimate can be given."""
    return replace(_empty(heading, horizon), attribution=word, reasons=f"no estimate can be given: {why}")


def given(
    heading: Heading,
    horizon: str,
    effects: Sequence[Effect],
    cause: tuple[Attribution, tuple[str, ...]],
    notes: Sequence[str],
    *,
    withheld: str = "",
) -> Estimate:
    """A row of one effect, or of the envelope over several admissible onsets (the middle one is printed).

    withheld: why the numbers allow no verdict whatever their interval says; '' where they do.
    """
    effect = envelope(effects)
    word = verdicts.verdict(effect, heading.scale)
    one_sided = verdicts.few_units(effect, heading.scale)
    reasons = [verdicts.verdict_reason(effect, word, heading.scale), *notes, *cause[1]]
    if withheld:
        word = "inconclusive"
        reasons.insert(0, withheld)
    if len(effects) > 1:
        reasons.insert(1, f"onset not known to the day: the range spans {len(effects)} admissible onsets")
    return replace(
        _empty(heading, horizon),
        observed=effect.observed,
        expected=_finite(effect.expected),
        expected_low=_finite(effect.expected_low),
        expected_high=_finite(effect.expected_high),
        ratio=None if one_sided else effect.ratio,
        ratio_low=_finite(effect.ratio_low),
        ratio_high=None if one_sided else effect.ratio_high,
        excess=_finite(effect.excess),
        excess_low=_finite(effect.excess_low),
        excess_high=_finite(effect.excess_high),
        minimum_detectable_ratio=_finite(effect.minimum_detectable_ratio),
        placebo_rank=effect.placebo_rank,
        placebo_n=effect.placebo_n,
        verdict=word,
        attribution=cause[0],
        reasons="; ".join(dict.fromkeys(r for r in reasons if r)),
    )


def _finite(value: float) -> float | None:
    """None for an end that is open: a table has no infinity."""
    return value if np.isfinite(value) else None


def envelope(effects: Sequence[Effect]) -> Effect:
    """The middle effect with the widest range over all admissible onsets."""
    middle = effects[len(effects) // 2]
    if len(effects) == 1:
        return middle
    return replace(
        middle,
        ratio_low=min(e.ratio_low for e in effects),
        ratio_high=max(e.ratio_high for e in effects),
        excess_low=min(e.excess_low for e in effects),
        excess_high=max(e.excess_high for e in effects),
        minimum_detectable_ratio=float(np.max([e.minimum_detectable_ratio for e in effects])),
    )


def _empty(heading: Heading, horizon: str) -> Estimate:
    return Estimate(
        block_id=heading.block_id,
        cc=heading.cc,
        indicator=heading.indicator,
        entity=heading.entity,
        horizon=horizon,
        estimand=heading.estimand,
        observed=None,
        expected=None,
        expected_low=None,
        expected_high=None,
        ratio=None,
        ratio_low=None,
        ratio_high=None,
        excess=None,
        excess_low=None,
        excess_high=None,
        base=heading.base,
        exposure_hours=heading.exposure_hours,
        minimum_detectable_ratio=None,
        placebo_rank=None,
        placebo_n=None,
        verdict="not_estimable",
        attribution="unclear",
        verification=heading.verification,
        role="exploratory",
        plan_id="",
        reasons="",
        method=heading.method,
        version=VERSION,
    )
