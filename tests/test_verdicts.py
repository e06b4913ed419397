"""Words follow numbers by rule; the cause is never said by the size."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer import verdicts
from analyzer.records import Effect

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


def test_a_plan_may_set_the_smallest_effect_of_interest():
    found = effect(0.9, 1.0, 1.1)
    assert verdicts.verdict(found, smallest=1.05) == "inconclusive"
    assert "x1.15" in verdicts.verdict_reason(found, verdicts.verdict(found, smallest=1.15), smallest=1.15)
    with pytest.raises(ValueError, match="smallest"):
        verdicts.verdict(found, smallest=0.8)


@pytest.mark.parametrize("low", [0.9, 1.1])
def test_the_upper_bound_is_always_said(low: float):
    found = effect(low, 1.15, 1.2)
    assert "up to x1.20" in verdicts.verdict_reason(found, verdicts.verdict(found))


def test_the_rules_have_a_version():
    assert verdicts.RULES_VERSION == "2"
