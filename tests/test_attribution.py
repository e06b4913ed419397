"""What may be said about the cause: a pure function of facts, and the placebos that feed it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer import verdicts
from analyzer.records import Block, Breakdown, Check, Verified
from analyzer.verdicts import Facts

FELL_TOGETHER = Check("common_mode", "failed", "the median of 60 other countries moves by x1.90")


def block(start: str, end: str | None = None, *, kind: str = "social_media_block") -> Block:
    """A block known to the day."""
    onset = datetime.fromisoformat(start)
    last = datetime.fromisoformat(end) if end else None
    return Block("pk-x", "PK", "x", onset, onset, last, last, "day", "day" if last else None, kind, "", ("x",))


def breakdown(n: int = 60, rank: int | None = 1, **others: Any) -> Breakdown:
    """Two-fold, and elections elsewhere moved the series by up to x1.3."""
    made = Breakdown("tor.bridge_users", "", "14d", "no_block_since_base", 2.0, 1.5, ("election",), 0.9, 1.3, n, rank,
                     60, 1)  # fmt: skip
    return replace(made, **others)


def proven(**others: Any) -> Facts:
    """Every leg stands."""
    made = Facts(
        verdict="rise",
        kind="social_media_block",
        block=block("2024-02-17"),
        changed_at=datetime(2024, 2, 17),
        checks=(Check("placebo_in_time", "passed", ""), Check("pre_trend", "passed", "")),
        verified=Verified("confirmed", ("seen by probes",)),
        breakdowns=(breakdown(),),
        expected=1,
    )
    return replace(made, **others)


def test_with_every_leg_a_change_is_credited_and_the_reasons_name_them():
    word, reasons = verdicts.attribution(proven())
    assert word == "supported"
    said = " | ".join(reasons)
    for part in ("confirmed by measurements", "rank 1 of 61 among elections", "ordinary dates", "no check failed"):
        assert part in said


WITHOUT_ONE: dict[str, dict[str, Any]] = {
    "not verified": {"verified": None},
    "not verified by": {"verified": Verified("not_verifiable", ("no OONI in the store",))},
    "failed: placebo in space": {"checks": (Check("placebo_in_space", "failed", ""),)},
    "failed: placebo indicator": {"checks": (Check("placebo_indicator", "failed", ""),)},
    "38 elections without a block: below 39 no 5 % claim": {"breakdowns": (breakdown(38),)},
    "rank 4 of 61 among elections": {"breakdowns": (breakdown(rank=4),)},
    "show no rallies": {"breakdowns": (breakdown(0, None, contexts=("rally",)),)},
    "3 rallies": {"breakdowns": (breakdown(), breakdown(3, contexts=("rally",)))},
    "12 ordinary dates": {"breakdowns": (breakdown(ordinary_n=12),)},
    "rank 9 of 61 among ordinary dates": {"breakdowns": (breakdown(ordinary_rank=9),)},
    "for 14d only": {"breakdowns": (), "ranked": "14d"},
    "only a clear change over the headline horizon": {"breakdowns": ()},
    "contrary": {"verdict": "fall"},
    "no direction": {"expected": 0},
    "month only": {"block": replace(block("2024-02-17"), start_precision="month")},
    "scan": {"block": replace(block("2024-02-17"), discovery_route="scan")},
}


@pytest.mark.parametrize("said", WITHOUT_ONE)
def test_without_any_one_leg_it_is_not_credited_and_the_missing_leg_is_named(said: str):
    word, reasons = verdicts.attribution(proven(**WITHOUT_ONE[said]))
    assert word == "unclear"
    assert said in " | ".join(reasons)


def test_every_missing_leg_is_named_at_once():
    bare = proven(verified=None, breakdowns=(breakdown(7, ordinary_n=3),), expected=0)
    reasons = verdicts.attribution(bare)[1]
    assert len(reasons) == 1 + 4  # the lead, then verification, direction, matched and ordinary placebos


@settings(deadline=None)
@given(
    st.integers(0, 80),
    st.integers(1, 81),
    st.sampled_from([None, "confirmed", "likely", "contested", "not_verifiable"]),
    st.sampled_from(["rise", "fall", "inconclusive", "ruled_out", "not_estimable"]),
    st.sampled_from(["date", "election", "control_outage", "social_media_block"]),
)
def test_supported_needs_a_block_a_change_verification_and_39_placebos(
    n: int, rank: int, state: Any, verdict: Any, kind: str
):
    known = block("2024-02-17") if kind == "social_media_block" else None
    facts = proven(
        verdict=verdict,
        kind=kind,
        block=known,
        verified=Verified(state, ()) if state else None,
        breakdowns=(breakdown(n, min(rank, n + 1) if n else None),),
    )
    if verdicts.attribution(facts)[0] == "supported":
        assert known is not None
        assert (verdict, state in ("confirmed", "likely")) == ("rise", True)
        assert n >= 39
        assert rank <= 0.05 * (n + 1)


@pytest.mark.parametrize("kind", verdicts.OUTAGES)
def test_an_outage_is_never_credited_to_a_block_whatever_else_holds(kind: str):
    word, reasons = verdicts.attribution(proven(kind=kind, block=None))
    assert word == "other_cause"
    assert "no access was blocked" in reasons[0]


def test_a_bare_date_on_an_outage_has_another_cause():
    outage = replace(block("2021-10-04", kind="control_outage"), block_id="xx-outage", is_non_event=True)
    facts = proven(kind="date", block=None, outages=(outage,))
    assert verdicts.attribution(facts) == (
        "other_cause",
        ("the catalogue lists xx-outage as control_outage at this time",),
    )


@pytest.mark.parametrize("kind", ["date", "election", "rally", "announcement"])
def test_without_a_block_nothing_is_credited_to_one(kind: str):
    word, reasons = verdicts.attribution(proven(kind=kind, block=None))
    assert word == "no_block_known"
    assert "block" in reasons[0]


@pytest.mark.parametrize(("verdict", "word"), [("rise", "other_cause"), ("inconclusive", "unclear")])
def test_a_common_movement_is_another_cause_of_a_change_only(verdict: Any, word: str):
    assert verdicts.attribution(proven(verdict=verdict, checks=(FELL_TOGETHER,)))[0] == word


def test_a_change_six_days_after_a_block_of_hours_is_not_credited_to_it():
    facts = proven(block=block("2021-04-16", "2021-04-16"), changed_at=datetime(2021, 4, 22))
    word, reasons = verdicts.attribution(facts)
    assert word == "unclear"
    assert "6 days after onset" in reasons[0]
    assert "not credited" in reasons[0]


def test_a_change_weeks_into_a_lasting_block_is_not_called_late():
    lasting = proven(block=block("2024-02-17", "2025-05-07"), changed_at=datetime(2024, 3, 10))
    assert verdicts.attribution(lasting)[0] == "supported"


def test_a_change_well_before_the_block_is_not_credited_to_it():
    early = block("2024-02-17").onset_earliest - verdicts.LONGEST_LEAD - timedelta(days=1)
    word, reasons = verdicts.attribution(proven(changed_at=early))
    assert word == "unclear"
    assert "before the block" in reasons[0]


def test_another_event_or_a_contradiction_makes_the_cause_contested():
    rival = replace(block("2024-02-18"), block_id="pk-shutdown")
    word, reasons = verdicts.attribution(proven(rivals=(rival,)))
    assert (word, "pk-shutdown" in reasons[0]) == ("contested", True)
    word, reasons = verdicts.attribution(proven(verified=Verified("contested", ("probes reached the service",))))
    assert word == "contested"
    assert "probes reached the service" in reasons


def test_a_fall_of_a_blocked_tool_says_nothing_of_demand_unless_tools_were_the_target():
    blocked = Check("tool_blocked", "failed", "71 % of measurements of Tor failed")
    fell = proven(verdict="fall", expected=-1, checks=(blocked,))
    assert verdicts.attribution(fell)[0] == "contested"
    aimed = replace(fell, block=block("2024-02-17", kind="vpn_block"))
    assert verdicts.attribution(aimed)[0] != "contested"


def test_a_series_that_was_already_moving_is_not_credited():
    word, reasons = verdicts.attribution(proven(checks=(Check("pre_trend", "failed", "x1.3 in the week before"),)))
    assert word == "unclear"
    assert "x1.3 in the week before" in reasons


def test_no_reason_holds_the_mark_that_parts_reasons_and_none_says_no_effect():
    for verdict, known, verified in product(("rise", "inconclusive", "ruled_out"), (True, False), (None, "contested")):
        facts = proven(
            verdict=verdict,
            block=block("2024-02-17") if known else None,
            kind="social_media_block" if known else "date",
            verified=Verified(verified, ()) if verified else None,
        )
        for said in (*verdicts.attribution(facts)[1], *verdicts.in_words(breakdown(7))):
            assert ";" not in said
            assert "no effect" not in said


def test_the_breakdown_value_is_said_beside_what_was_seen_elsewhere():
    first, second = verdicts.in_words(breakdown(7, shock=1.94, shock_near=1.46))
    assert first == "a simultaneous shock of x1.9 would explain all of this, one of x1.5 would leave no clear change"
    assert second == "elections without a block moved it x0.9 to x1.3, n = 7, this change has rank 1 of 8"
    (alone,) = verdicts.in_words(breakdown(0, None, placebo_low=None, placebo_high=None, shock_near=1.0))
    assert "the change is not clear" in alone
