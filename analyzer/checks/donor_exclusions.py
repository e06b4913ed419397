"""Donor exclusions: the estimate with and without the countries that are listed as no control for this one."""

from __future__ import annotations

from analyzer.checks import CheckRule, Evidence, direction, excludes_one, said
from analyzer.errors import NotEnoughData
from analyzer.records import Check, Specification

NAME = "donor_exclusions"


def run(evidence: Evidence) -> Check:
    """Failed where the listed countries, taken back in, turn the verdict of the interval or move it off itself."""
    if not evidence.excluded:
        return Check(NAME, "informative", "no country is listed as no control for this one")
    listed = ", ".join(f"{cc} ({why})" for cc, why in evidence.excluded.items())
    if evidence.under is None or not evidence.donors:
        return Check(NAME, "informative", f"no donors form the no-block level; listed as no control: {listed}")
    try:
        back = evidence.under(Specification(exclusions=False))
    except NotEnoughData as error:
        return Check(NAME, "informative", f"no estimate is possible with {listed} back in: {error}")
    here = evidence.effect
    table = tuple(
        {"listed": name, "ratio": e.ratio, "ratio_low": e.ratio_low, "ratio_high": e.ratio_high}
        for name, e in (("left out", here), ("back in", back))
    )
    text = f"listed as no control and left out: {listed}; without them {said(here)}, with them back in {said(back)}"
    apart = back.ratio_low > here.ratio_high or back.ratio_high < here.ratio_low
    if apart or (direction(back) != direction(here) and (excludes_one(back) or excludes_one(here))):
        return Check(NAME, "failed", f"{text}: what is said hangs on leaving them out", table)
    return Check(NAME, "passed", text, table)


CHECK = CheckRule(NAME, "Donor exclusions", run)
