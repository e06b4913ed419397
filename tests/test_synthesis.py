"""Combining effects whose errors share a shock: what must hold whatever the numbers are."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import analyzer
from analyzer.synthesis import common_shock, concordance
from analyzer.synthesis._agreement import Said


def shared_errors(members: int, rho: float, dates: int = 400, seed: int = 1) -> np.ndarray:
    draw = np.random.default_rng(seed)
    return np.sqrt(rho) * draw.standard_normal((dates, 1)) + np.sqrt(1 - rho) * draw.standard_normal((dates, members))


def width(found) -> float:
    return found.high - found.low


def test_one_member_comes_back_as_it_is():
    found = analyzer.combine_effects([0.3], [0.1], freedom=9)
    assert (found.estimate, found.deviation) == (0.3, 0.1)
    assert found.high - 0.3 == pytest.approx(0.2262, abs=1e-4)  # Student's 97.5 % point with 9 degrees of freedom
    assert "nothing is combined" in found.notes[0]
    assert np.isinf(found.prediction_high)


def test_copies_of_one_series_are_worth_no_more_than_one():
    errors = np.repeat(shared_errors(1, 0.0), 8, axis=1)
    copies = analyzer.combine_effects([0.3] * 8, [0.1] * 8, errors=errors, freedom=9)
    assert copies.correlation > 0.97
    assert width(copies) > 0.95 * width(analyzer.combine_effects([0.3], [0.1], freedom=1000))


def test_independent_members_with_nothing_between_them_approach_the_usual_fixed_effect():
    draw = np.random.default_rng(2)
    logs = 0.3 + 0.1 * draw.standard_normal(100)
    found = analyzer.combine_effects(logs, [0.1] * 100, correlation=0.0, freedom=1000)
    assert found.estimate == pytest.approx(float(logs.mean()), abs=1e-6)
    assert width(found) == pytest.approx(2 * 1.98 * 0.1 / 10, rel=0.25)


def test_a_common_shock_does_not_average_out():
    """With correlation rho the variance of the mean of equal members never falls below rho times one of theirs."""
    logs = np.linspace(0.2, 0.4, 100)
    found = analyzer.combine_effects(logs, [0.1] * 100, correlation=0.4, freedom=1000)
    assert found.deviation >= np.sqrt(0.4) * 0.1


def test_the_more_the_errors_share_the_wider_the_interval_and_the_band_says_so():
    found = analyzer.combine_effects(np.linspace(0.2, 0.4, 12), [0.1] * 12, errors=shared_errors(12, 0.1))
    rhos = [rho for rho, _, _ in found.band]
    widths = [high - low for _, low, high in found.band]
    assert rhos == [0.2, 0.4, 0.6, 0.8]
    assert widths == sorted(widths)
    assert widths[-1] > 1.5 * width(found)


def test_the_correlation_is_found_in_errors_of_the_same_dates():
    for rho in (0.1, 0.3, 0.6):
        found = [common_shock(shared_errors(10, rho, seed=seed)) for seed in range(8)]
        assert np.mean([known.mean for known in found]) == pytest.approx(rho, abs=0.03)
        assert sum(known.low < rho < known.high for known in found) >= 6


def test_few_independent_dates_leave_the_correlation_open():
    steps = shared_errors(6, 0.3, 160)
    running = np.cumsum(np.vstack([np.zeros((1, 6)), steps]), axis=0)
    overlapping = (running[28:] - running[:-28]) / np.sqrt(28)
    for known in (common_shock(overlapping, 28), common_shock(overlapping)):
        assert known.dates < 20
        assert known.high - known.low > 0.3


def test_negative_correlation_is_taken_as_none():
    errors = shared_errors(2, 0.0)
    errors[:, 1] = -errors[:, 0] + 0.1 * errors[:, 1]
    known = common_shock(errors)
    assert known.low >= 0
    assert known.mean < 0.1


def test_a_single_wild_date_makes_no_correlation():
    errors = shared_errors(5, 0.0)
    errors[7] = 60.0
    assert common_shock(errors).mean < 0.1


def test_without_errors_of_the_same_dates_nothing_is_taken_for_granted():
    errors = np.full((80, 3), np.nan)
    errors[:20, 0], errors[30:50, 1], errors[60:, 2] = 1.0, 1.0, 1.0
    for given_ in ({}, {"errors": errors}):
        found = analyzer.combine_effects([0.2, 0.3, 0.4], [0.1] * 3, **given_)
        assert (found.correlation_low, found.correlation_high) == pytest.approx((0.025, 0.965), abs=0.01)
        assert any("any correlation from 0 to 1" in note for note in found.notes)


def test_a_series_without_placebos_is_taken_to_be_correlated_as_the_others_are():
    errors = shared_errors(5, 0.5)
    errors[:, 4] = np.nan
    found = analyzer.combine_effects([0.3] * 5, [0.1] * 5, errors=errors)
    assert found.correlation == pytest.approx(0.5, abs=0.1)
    assert any("1 of 5 members have no placebo errors" in note for note in found.notes)


def test_heterogeneity_is_shown_and_a_further_member_may_lie_where_the_mean_does_not():
    found = analyzer.combine_effects([-0.5, 0.0, 0.5, 1.0, 1.5, 0.2], [0.05] * 6, correlation=0.0)
    assert found.heterogeneity == pytest.approx(np.std([-0.5, 0.0, 0.5, 1.0, 1.5, 0.2], ddof=1), rel=0.2)
    assert found.prediction_low < found.low < found.high < found.prediction_high


def test_leaving_the_outlier_out_is_shown_to_matter():
    found = analyzer.combine_effects([0.1, 0.12, 0.09, 0.11, 2.0], [0.05] * 5, names="abcde", correlation=0.0)
    without = {name: (low, high) for name, _, low, high in found.left_out}
    assert without["e"][1] < 0.3 < found.high
    assert set(without) == set("abcde")


def test_two_members_are_combined_with_a_wide_interval_and_no_prediction():
    found = analyzer.combine_effects([0.2, 0.4], [0.1, 0.1], correlation=0.0)
    assert width(found) > 0.9
    assert np.isinf(found.prediction_low)
    assert "2 members" in found.notes[0]


def test_two_hundred_members_are_combined_with_everything_left_out_in_turn():
    draw = np.random.default_rng(3)
    found = analyzer.combine_effects(
        draw.normal(0.3, 0.2, 200), draw.uniform(0.05, 0.25, 200), errors=shared_errors(200, 0.2, 120)
    )
    assert found.low < 0.3 < found.high
    assert len(found.left_out) == 200


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.floats(-3, 3), st.floats(1e-4, 5)), min_size=1, max_size=7),
    st.floats(0, 0.99),
)
def test_the_interval_holds_its_centre_and_no_member_order_matters(members, rho):
    logs, deviations = map(np.array, zip(*members, strict=True))
    found = analyzer.combine_effects(logs, deviations, correlation=rho, sensitivity=False)
    turned = analyzer.combine_effects(logs[::-1], deviations[::-1], correlation=rho, sensitivity=False)
    assert found.low < found.estimate < found.high
    assert found.prediction_low <= found.low
    assert found.low == pytest.approx(turned.low, abs=1e-6 + 1e-6 * abs(found.low))
    assert (found.weights >= 0).all()
    assert found.weights.sum() == pytest.approx(1.0)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.floats(-2, 2), min_size=2, max_size=6), st.floats(-3, 3))
def test_turning_every_sign_turns_the_answer_and_a_shift_moves_it(logs, shift):
    deviations = np.linspace(0.1, 0.3, len(logs))
    plain = analyzer.combine_effects(logs, deviations, correlation=0.3, sensitivity=False)
    turned = analyzer.combine_effects(-np.array(logs), deviations, correlation=0.3, sensitivity=False)
    moved = analyzer.combine_effects(np.array(logs) + shift, deviations, correlation=0.3, sensitivity=False)
    assert turned.high == pytest.approx(-plain.low, abs=1e-6)
    assert moved.low == pytest.approx(plain.low + shift, abs=1e-5)


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        ({"logs": [], "deviations": []}, "logs"),
        ({"logs": [0.1, np.inf], "deviations": [0.1, 0.1]}, "logs"),
        ({"logs": [0.1, 0.2], "deviations": [0.1]}, "deviations"),
        ({"logs": [0.1, 0.2], "deviations": [0.1, 0.0]}, "deviations"),
        ({"logs": [0.1, 0.2], "deviations": [0.1, np.nan]}, "deviations"),
        ({"logs": [0.1, 0.2], "deviations": [0.1, 0.1], "freedom": 0}, "freedom"),
        ({"logs": [0.1, 0.2], "deviations": [0.1, 0.1], "correlation": 1.0}, "correlation"),
        ({"logs": [0.1, 0.2], "deviations": [0.1, 0.1], "correlation": -0.1}, "correlation"),
        ({"logs": [0.1, 0.2], "deviations": [0.1, 0.1], "errors": np.zeros((5, 3))}, "errors"),
        ({"logs": [0.1, 0.2], "deviations": [0.1, 0.1], "names": ["a"]}, "names"),
        ({"logs": [0.1, 0.2], "deviations": [0.1, 0.1], "level": 95}, "level"),
        ({"logs": [0.1, 0.2], "deviations": [0.1, 0.1], "overlap": 0}, "overlap"),
    ],
)
def test_what_cannot_be_meant_is_refused_by_name(arguments, name):
    with pytest.raises(ValueError, match=name):
        analyzer.combine_effects(**arguments)


def test_coverage_under_a_common_shock_is_near_nominal_where_the_usual_method_fails():
    """The bench measures this over many worlds; here the one that the usual methods cover in 60 % of draws."""
    draw = np.random.default_rng(7)
    held = []
    for _ in range(150):
        s = draw.uniform(0.05, 0.25, 15)
        logs = 0.3 + s * shared_errors(15, 0.3, 1, int(draw.integers(1 << 30)))[0]
        told = {"errors": shared_errors(15, 0.3, 12, int(draw.integers(1 << 30))), "freedom": 9, "overlap": 1}
        found = analyzer.combine_effects(logs, s * np.sqrt(draw.chisquare(9, 15) / 9), sensitivity=False, **told)
        held.append(found.low < 0.3 < found.high)
    assert np.mean(held) > 0.89  # 95 % less three standard errors


def test_types_are_counted_and_those_that_disagree_say_so():
    table = concordance(
        [
            Said("users", ("inconclusive", "inconclusive"), 0.9, 1.3),
            Said("interest", ("rise", "rise", "not_estimable"), 1.2, 2.0),
            Said("traffic", ("fall",), 0.2, 0.8),
            Said("evidence", ("rise",), combined=False, reason="never combined"),
        ]
    )
    users, interest, traffic, evidence = (row.sentence for row in table)
    assert "interest rose, users showed no rise that can be told from chance: their interval reaches x1.30" in users
    assert interest.startswith("of 3 indicators of interest: 2 rose, 1 not estimable")
    assert "traffic fell, interest rose: they disagree" in interest
    assert "interest rose, traffic fell: they disagree" in traffic
    assert evidence == "never combined"
    assert (table[1].rise, table[1].not_estimable, table[1].indicators) == (2, 1, 3)


def test_types_that_agree_say_nothing_of_each_other():
    table = concordance([Said("users", ("rise",), 1.1, 1.3), Said("interest", ("rise",), 1.2, 2.0)])
    assert [row.sentence for row in table] == [
        "the one indicator of users: rose",
        "the one indicator of interest: rose",
    ]
