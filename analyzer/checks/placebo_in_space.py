"""Placebo in space: the same window in countries that had no block (Abadie, Diamond & Hainmueller 2010)."""

from __future__ import annotations

from analyzer.checks import CheckRule, Evidence, excludes_one, size
from analyzer.errors import NotEnoughData
from analyzer.records import Check

FEWEST_COUNTRIES = 19  # a rank among fewer cannot reach 5 %


def run(evidence: Evidence) -> Check:
    """Passed where the change, in units of its own noise, is among the 5 % largest of all countries."""
    elsewhere = evidence.elsewhere()
    if not elsewhere:
        return Check("placebo_in_space", "informative", "no other country's series can be compared")
    try:
        here = evidence.alone(evidence.cc, evidence.onset)
    except NotEnoughData as error:
        return Check("placebo_in_space", "informative", f"without donors no estimate is possible: {error}")
    n = len(elsewhere)
    rank = 1 + sum(size(e) >= size(here) for e in elsewhere.values())
    alarms = sum(excludes_one(e) for e in elsewhere.values())
    sentence = (
        f"rank {rank} of {n + 1} countries by size in units of their own noise, without donors; "
        f"{alarms} of {n} other countries show a change in the same window"
    )
    table = tuple(
        {"cc": cc, "ratio": e.ratio, "ratio_low": e.ratio_low, "ratio_high": e.ratio_high}
        for cc, e in sorted(elsewhere.items())
    )
    if n < FEWEST_COUNTRIES or not excludes_one(evidence.effect):
        return Check("placebo_in_space", "informative", sentence, table)
    return Check("placebo_in_space", "passed" if rank <= 0.05 * (n + 1) else "failed", sentence, table)


CHECK = CheckRule("placebo_in_space", "Placebo in space", run)
