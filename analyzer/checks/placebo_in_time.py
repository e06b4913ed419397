"""Placebo in time: the same estimate on dates before the block, where nothing is known to have happened."""

from __future__ import annotations

from analyzer.checks import CheckRule, Evidence, excludes_one
from analyzer.errors import NotEnoughData
from analyzer.records import Check

FEWEST_WINDOWS = 19  # a rank among fewer cannot reach 5 %
MOST_WINDOWS = 26


def run(evidence: Evidence) -> Check:
    """Passed where the change is among the 5 % most extreme of its placebo windows."""
    try:  # placebos of other estimators are countries, not windows
        effect = evidence.effect if evidence.estimator == "replay" else evidence.alone(evidence.cc, evidence.onset)
    except NotEnoughData as error:
        return Check("placebo_in_time", "informative", f"the replay gives no estimate: {error}")
    n = effect.placebo_n
    earlier = evidence.earlier(MOST_WINDOWS)
    alarms = sum(excludes_one(e) for e in earlier.values())
    rank = f"rank {effect.placebo_rank} of {n + 1} windows of the same length (1 = most extreme)"
    disjoint = f"{alarms} of {len(earlier)} disjoint earlier windows would have been called a change"
    table = tuple(
        {"window_start": evidence.day(s), "ratio": e.ratio, "ratio_low": e.ratio_low, "ratio_high": e.ratio_high}
        for s, e in earlier.items()
    )
    if n < FEWEST_WINDOWS:
        return Check("placebo_in_time", "informative", f"{rank}: too few for a 5 % claim; {disjoint}", table)
    extreme = effect.placebo_rank <= 0.05 * (n + 1)
    if not excludes_one(effect):
        return Check("placebo_in_time", "informative", f"{rank}; {disjoint}", table)
    return Check("placebo_in_time", "passed" if extreme else "failed", f"{rank}; {disjoint}", table)


CHECK = CheckRule("placebo_in_time", "Placebo in time", run)
