"""Words follow numbers by rule; the cause is never said by the size."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer import verdicts
from analyzer.records import Block, Check, Effect

EMPTY = np.array([1.0])


def effect(low: float, ratio: float, high: float, expected: float = 1000.0) -> Effect:
    """An effect with the given ratio and interval, observed = ratio x expected."""
    observed = ratio * expected
    return Effect(
        observed=observed,
        expected=expected,
        expected_low=observed / high,
        expected_high=observed / low,
        ratio=ratio,
        ratio_low=low,
        ratio_high=high,
        excess=observed - expected,
        excess_low=observed - observed / low,
        excess_high=observed - observed / high,
        steps=EMPTY,
        expected_steps=EMPTY,
        expected_steps_low=EMPTY,
        expected_steps_high=EMPTY,
        minimum_detectable_ratio=1.3,
        effective_replications=9.0,
        placebo_rank=1,
        placebo_n=50,
        members={},
    )


def block(start: str, end: str | None, *, kind: str = "social_media_block") -> Block:
    """A block known to the day."""
    onset = datetime.fromisoformat(start)
    last = datetime.fromisoformat(end) if end else None
    return Block("pk-x", "PK", "x", onset, onset, last, last, "day", "day" if last else None, kind, "", ("x",))


@pytest.mark.parametrize(
    ("low", "ratio", "high", "word"),
    [
        (1.01, 1.5, 2.0, "rise"),
        (0.2, 0.4, 0.99, "fall"),
        (0.9, 1.0, 1.1, "ruled_out"),
        (0.9, 1.0, 1.26, "inconclusive"),
        (0.79, 1.0, 1.1, "inconclusive"),
        (0.8, 1.0, 1.25, "ruled_out"),
    ],
)
def test_the_interval_decides_the_verdict(low: float, ratio: float, high: float, word: str):
    assert verdicts.verdict(effect(low, ratio, high)) == word


def test_a_small_base_is_judged_by_its_excess_and_prints_no_two_sided_ratio():
    small = effect(2.0, 4.0, 40.0, expected=6.0)
    assert verdicts.few_units(small)
    assert verdicts.verdict(small) == "rise"
    assert "at least x2.00" in verdicts.verdict_reason(small, "rise")


@given(st.floats(0.05, 20), st.floats(1.01, 5), st.floats(1.01, 5))
def test_every_reason_states_a_bound_and_never_says_no_effect(ratio: float, down: float, up: float):
    found = effect(ratio / down, ratio, ratio * up)
    said = verdicts.verdict_reason(found, verdicts.verdict(found))
    assert "x" in said
    assert "no effect" not in said


def test_supported_is_never_given():
    words = {
        verdicts.attribution(b, at, (), ())[0]
        for b in (None, block("2024-02-17", None), block("2024-02-17", "2024-02-18"))
        for at in (None, datetime(2024, 2, 17), datetime(2024, 3, 17), datetime(2024, 1, 1))
    }
    assert "supported" not in words


def test_a_change_six_days_after_a_block_of_hours_is_not_credited_to_it():
    four_hours = block("2021-04-16", "2021-04-16")
    word, reasons = verdicts.attribution(four_hours, datetime(2021, 4, 22), (), ())
    assert word == "unclear"
    assert "6 days after onset" in reasons[0]
    assert "not credited" in reasons[0]


def test_a_change_weeks_into_a_lasting_block_is_not_called_late():
    lasting = block("2024-02-17", "2025-05-07")
    assert "not credited" not in verdicts.attribution(lasting, datetime(2024, 3, 10), (), ())[1][0]


def test_a_change_well_before_the_block_is_not_credited_to_it():
    later = block("2024-02-17", None)
    early = later.onset_earliest - verdicts.LONGEST_LEAD - timedelta(days=1)
    assert "before the block" in verdicts.attribution(later, early, (), ())[1][0]


def test_a_common_movement_is_another_cause():
    together = Check("common_mode", "failed", "the median of 60 other countries moves by x1.90")
    word, reasons = verdicts.attribution(block("2024-02-17", None), None, (together,), ())
    assert word == "other_cause"
    assert reasons == (together.sentence,)


def test_another_event_in_the_window_makes_the_cause_contested():
    rival = replace(block("2024-02-18", None), block_id="pk-election", is_non_event=True)
    word, reasons = verdicts.attribution(block("2024-02-17", None), None, (), (rival,))
    assert word == "contested"
    assert "pk-election" in reasons[0]


def test_a_date_without_a_block_is_said_to_be_one():
    assert verdicts.attribution(None, None, (), ())[0] == "no_block_known"
