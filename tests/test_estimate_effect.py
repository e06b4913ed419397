"""What estimate_effect promises, on arrays whose truth is known."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import FrozenInstanceError, asdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.errors import AnalyzerError, NotEnoughData
from analyzer.estimators import estimate_effect, placebo_errors
from analyzer.records import Pool

ONSET, HORIZON = 160, 14


def counts(seed=0, steps=ONSET + HORIZON, level=400.0, wander=0.0, noise=0.05):
    """Daily counts with a weekly cycle."""
    draw = np.random.default_rng(seed)
    path = np.log(level) + np.cumsum(draw.normal(0, wander, steps)) + draw.normal(0, noise, steps)
    return draw.poisson(np.exp(path + 0.2 * np.sin(2 * np.pi * np.arange(steps) / 7))).astype(float)


def lifted(y, factor, start=ONSET):
    out = y.copy()
    out[start:] *= factor
    return out


def common_donors(seed=1, steps=ONSET + HORIZON, number=6):
    """A treated series and donors that share a wandering path."""
    draw = np.random.default_rng(seed)
    path = np.cumsum(draw.normal(0, 0.06, steps))
    donors = draw.poisson(np.exp(6 + path[:, None] + draw.normal(0, 0.03, (steps, number)))).astype(float)
    return draw.poisson(np.exp(6 + path)).astype(float), donors


def test_no_effect_is_reported_as_no_effect():
    effect = estimate_effect(counts(), ONSET, HORIZON)
    assert effect.ratio_low < 1 < effect.ratio_high
    assert effect.ratio == pytest.approx(1, abs=0.1)


def test_a_doubling_is_found_and_its_size_is_in_the_interval():
    effect = estimate_effect(lifted(counts(), 2), ONSET, HORIZON)
    assert 1.5 < effect.ratio_low < 2 < effect.ratio_high < 2.6
    assert effect.placebo_rank == 1


def test_nine_in_ten_or_more_of_quiet_windows_are_covered():
    covered = [
        e.ratio_low <= 1 <= e.ratio_high
        for e in (estimate_effect(counts(s, wander=0.02), ONSET, HORIZON) for s in range(120))
    ]
    assert 0.9 <= np.mean(covered) < 1


def test_excess_ratio_and_expected_tell_one_story():
    effect = estimate_effect(lifted(counts(), 1.5), ONSET, HORIZON)
    assert effect.excess == pytest.approx(effect.observed - effect.expected)
    assert effect.ratio == pytest.approx(effect.observed / effect.expected)
    assert effect.excess_low == pytest.approx(effect.observed - effect.expected_high)
    assert effect.ratio_high == pytest.approx(effect.observed / effect.expected_low)
    assert sum(effect.members.values()) == pytest.approx(1)


def test_a_missing_day_is_not_a_zero():
    y = counts()
    holed = y.copy()
    holed[ONSET + 3] = np.nan
    effect = estimate_effect(holed, ONSET, HORIZON)
    assert effect.observed == np.nansum(holed[ONSET:])
    assert effect.ratio == pytest.approx(estimate_effect(y, ONSET, HORIZON).ratio, abs=0.05)
    assert np.isnan(effect.steps[3])


def test_under_80_percent_of_the_window_is_refused_with_its_count():
    y = counts()
    y[ONSET + 6 :] = np.nan
    with pytest.raises(NotEnoughData, match=r"6 of 14 steps observed; 80 % needed"):
        estimate_effect(y, ONSET, HORIZON)


def test_six_of_seven_days_are_enough():
    y = counts()
    y[ONSET + 6 :] = np.nan
    assert estimate_effect(y, ONSET, 7).observed == y[ONSET : ONSET + 6].sum()


def test_an_all_zero_base_has_no_level():
    y = np.zeros(ONSET + HORIZON)
    y[ONSET:] = 5
    with pytest.raises(NotEnoughData, match="zero"):
        estimate_effect(y, ONSET, HORIZON)


def test_a_short_history_is_refused_unless_a_pool_lends_replications():
    y = counts(steps=50 + HORIZON)
    with pytest.raises(NotEnoughData, match=r"5 needed, or a pool"):
        estimate_effect(y, 50, HORIZON)
    lent = [placebo_errors(counts(s), ONSET, HORIZON) for s in range(8)]
    pool = Pool(np.concatenate([p.errors for p in lent]), np.array([p.log_variance for p in lent]), HORIZON)
    effect = estimate_effect(y, 50, HORIZON, pool=pool)
    assert effect.ratio_low < 1 < effect.ratio_high


def test_no_steps_before_onset_is_refused_and_is_both_kinds_of_error():
    y = counts()
    y[:ONSET] = np.nan
    with pytest.raises(NotEnoughData, match="0 observed steps") as raised:
        estimate_effect(y, ONSET, HORIZON)
    assert isinstance(raised.value, AnalyzerError)
    assert isinstance(raised.value, ValueError)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"y": -counts()}, "negative"),
        ({"y": np.append(counts(), np.inf)}, "infinite"),
        ({"y": counts().reshape(2, -1)}, "one-dimensional"),
        ({"onset": 0}, "onset"),
        ({"onset": 10_000}, "outside y"),
        ({"horizon": 0}, "horizon"),
        ({"horizon": 2.5}, "whole number"),
        ({"donors": np.ones((3, 4))}, "donors"),
        ({"donors": np.ones((ONSET + HORIZON, 2)), "donor_events": [[]]}, "donor_events"),
        ({"other_events": [(9, 3)]}, "other_events"),
        ({"scale": "people"}, "scale"),
        ({"estimand": "whatever"}, "estimand"),
        ({"level": 1.0}, "level"),
        ({"holidays": np.zeros(3, bool)}, "holidays"),
        ({"exposure": np.ones(3)}, "exposure"),
        ({"anticipation": -1}, "anticipation"),
    ],
)
def test_an_argument_that_cannot_be_meant_is_named(change, words):
    arguments = {"y": counts(), "onset": ONSET, "horizon": HORIZON} | change
    with pytest.raises(ValueError, match=words):
        estimate_effect(**arguments)


def test_donors_that_share_the_path_narrow_the_interval():
    y, donors = common_donors()
    alone, helped = estimate_effect(y, ONSET, HORIZON), estimate_effect(y, ONSET, HORIZON, donors=donors)
    assert helped.ratio_low <= 1 <= helped.ratio_high
    assert np.log(helped.ratio_high / helped.ratio_low) < 0.7 * np.log(alone.ratio_high / alone.ratio_low)


def test_donors_may_lie_on_their_side():
    y, donors = common_donors()
    upright = estimate_effect(y, ONSET, HORIZON, donors=donors)
    assert estimate_effect(y, ONSET, HORIZON, donors=donors.T).ratio == upright.ratio


def test_a_donor_with_an_event_in_the_window_is_left_out_and_named():
    y, donors = common_donors()
    poisoned = donors.copy()
    poisoned[ONSET:, 2] *= 5
    events = [[], [], [(ONSET + 1, ONSET + 4)], [], [], []]
    effect = estimate_effect(y, ONSET, HORIZON, donors=poisoned, donor_events=events)
    assert any("donor 2 is left out: it has an event" in w for w in effect.warnings)
    assert effect.ratio == estimate_effect(y, ONSET, HORIZON, donors=donors, donor_events=events).ratio


def test_a_donor_that_breaks_away_unannounced_is_found_by_the_other_donors():
    y, donors = common_donors()
    donors[ONSET:, 0] *= 3
    effect = estimate_effect(y, ONSET, HORIZON, donors=donors)
    assert any("donor 0 is left out: it parted" in w for w in effect.warnings)
    assert effect.ratio_low <= 1 <= effect.ratio_high


def test_a_chain_of_earlier_blocks_freezes_the_base_before_the_first():
    y = counts(steps=320)
    y[240:] *= 1 + 0.8 * 0.5 ** (np.arange(80) / 12)
    blind = estimate_effect(y, 262, HORIZON)
    aware = estimate_effect(y, 262, HORIZON, other_events=[(240, 242)])
    truth = 1 + 0.8 * 0.5 ** (np.arange(22, 36) / 12).mean()
    assert aware.ratio_low < truth < aware.ratio_high
    assert aware.ratio > blind.ratio + 0.1
    assert any("base ends at step 240" in w for w in aware.warnings)


def test_just_before_asks_about_this_block_alone():
    y = counts(steps=320)
    y[240:] *= 1 + 0.8 * 0.5 ** (np.arange(80) / 12)
    y[262:] *= 1.5
    effect = estimate_effect(y, 262, HORIZON, other_events=[(240, 242)], estimand="just_before")
    assert effect.ratio_low < 1.5 < effect.ratio_high
    assert any("decay" in w for w in effect.warnings)


def test_a_base_that_holds_a_known_event_always_warns():
    effect = estimate_effect(counts(), ONSET, HORIZON, other_events=[(50, 53)])
    assert any("known event" in w for w in effect.warnings)


def test_a_masked_event_does_not_move_the_base():
    y = counts()
    spoiled = y.copy()
    spoiled[60:75] *= 30
    events = [(60, 75)]
    clean = estimate_effect(y, ONSET, HORIZON, other_events=events)
    assert estimate_effect(spoiled, ONSET, HORIZON, other_events=events).ratio == pytest.approx(clean.ratio, rel=1e-9)


def test_announced_steps_before_onset_stay_out_of_the_base():
    y = counts()
    y[ONSET - 3 :] *= 2
    assert estimate_effect(y, ONSET, HORIZON, anticipation=3).ratio_low > 1.5


def test_what_can_be_detected_is_known_before_onset():
    y = counts()
    quiet, loud = estimate_effect(y, ONSET, HORIZON), estimate_effect(lifted(y, 9), ONSET, HORIZON)
    assert quiet.minimum_detectable_ratio == pytest.approx(loud.minimum_detectable_ratio)
    assert 1 < quiet.minimum_detectable_ratio < 1.5


def test_a_constant_series_keeps_at_least_counting_noise():
    effect = estimate_effect(np.full(ONSET + HORIZON, 4), ONSET, HORIZON)
    assert np.log(effect.ratio_high / effect.ratio_low) > 2 * 1.9 / np.sqrt(4 * HORIZON)


def test_low_counts_do_not_pretend_precision():
    effect = estimate_effect(counts(level=0.7), ONSET, 3)
    assert effect.expected_low < effect.expected < effect.expected_high
    assert effect.expected_high / effect.expected_low > 2


def test_known_holidays_are_expected_to_be_low():
    y = counts()
    flags = np.zeros(y.size, bool)
    flags[[20, 50, 80, 110, 140, ONSET + 2]] = True
    y[flags] *= 0.4
    plain = estimate_effect(y, ONSET, 3)
    told = estimate_effect(y, ONSET, 3, holidays=flags)
    assert abs(np.log(told.ratio)) < abs(np.log(plain.ratio))
    assert told.ratio_low < 1 < told.ratio_high


def test_a_share_stays_a_share():
    draw = np.random.default_rng(3)
    exposure = draw.integers(800, 1200, ONSET + HORIZON).astype(float)
    share = np.where(np.arange(exposure.size) < ONSET, 0.8, 0.9)
    hits = draw.binomial(exposure.astype(int), share).astype(float)
    effect = estimate_effect(hits, ONSET, HORIZON, scale="share", exposure=exposure)
    assert effect.ratio_low < 0.9 / 0.8 < effect.ratio_high
    assert effect.ratio_low > 1
    assert effect.expected_high < exposure[ONSET:].sum()
    with pytest.raises(ValueError, match="between 0 and 1"):
        estimate_effect(hits, ONSET, HORIZON, scale="share")


def test_an_app_that_was_in_no_chart_gets_a_one_sided_bound():
    rank = np.full(ONSET + HORIZON, 200.0)
    outside = np.ones(rank.size, bool)
    rank[ONSET:], outside[ONSET:] = 5, False
    effect = estimate_effect(rank, ONSET, HORIZON, scale="rank", censored=outside)
    assert effect.ratio_high == pytest.approx(5 / 200)
    assert effect.ratio_low == 0
    assert any("one-sided" in w for w in effect.warnings)


def test_a_better_rank_is_a_ratio_below_one():
    draw = np.random.default_rng(5)
    rank = np.round(np.exp(draw.normal(np.log(60), 0.2, ONSET + HORIZON)))
    rank[ONSET:] = np.maximum(np.round(rank[ONSET:] / 6), 1)
    effect = estimate_effect(rank, ONSET, HORIZON, scale="rank")
    assert effect.ratio_high < 0.3


def test_an_index_below_its_threshold_is_an_interval_and_said():
    draw = np.random.default_rng(6)
    index = np.round(np.exp(draw.normal(np.log(12), 0.3, ONSET + HORIZON)))
    index[draw.random(index.size) < 0.1] = 0
    index[ONSET:] = np.clip(draw.poisson(48, HORIZON), 1, 100)
    effect = estimate_effect(index, ONSET, HORIZON, scale="index")
    assert effect.ratio_low > 1.5
    assert any("bound" in w for w in effect.warnings)


def test_hours_without_three_weeks_fall_back_to_the_cycle_of_the_day():
    steps = 24 * 16
    y = np.random.default_rng(0).poisson(np.exp(5 + np.sin(2 * np.pi * np.arange(steps) / 24))).astype(float)
    effect = estimate_effect(y, steps - 6, 6, season=168)
    assert any("three weeks" in w for w in effect.warnings)
    assert effect.ratio == pytest.approx(1, abs=0.2)


@pytest.mark.parametrize(
    "y",
    [
        np.full(ONSET + HORIZON, 10**12),
        np.full(ONSET + HORIZON, 1),
        counts() * 1e12,
        counts() * 1e-9,
        np.concatenate([np.full(60, np.nan), counts()[60:]]),
        np.where((np.arange(ONSET + HORIZON) > 70) & (np.arange(ONSET + HORIZON) < 110), np.nan, counts()),
        np.where(np.arange(ONSET + HORIZON) % 9 == 0, 1e9, counts()),
        np.random.default_rng(0).poisson(0.05, ONSET + HORIZON) + (np.arange(ONSET + HORIZON) == 4),
        np.where(np.arange(ONSET + HORIZON) < ONSET, counts(), 0),
    ],
    ids=["huge constant", "ones", "huge", "tiny", "late start", "long hole", "spikes", "rare", "silence"],
)
def test_hostile_arrays_give_finite_ordered_numbers(y):
    effect = estimate_effect(y, ONSET, HORIZON)
    numbers = [value for value in asdict(effect).values() if isinstance(value, float)]
    assert np.isfinite(numbers).all()
    assert effect.expected_low < effect.expected < effect.expected_high


def test_the_record_is_frozen():
    with pytest.raises(FrozenInstanceError):
        estimate_effect(counts(), ONSET, HORIZON).ratio = 2.0


def test_importing_the_estimator_loads_neither_pandas_nor_scipy_stats():
    code = "import sys, analyzer.estimators; print(sorted({'pandas', 'duckdb', 'scipy.stats'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


series = st.tuples(st.integers(0, 10**6), st.floats(3, 2000), st.floats(0, 0.05)).map(
    lambda t: counts(t[0], level=t[1], wander=t[2])
)


@settings(max_examples=25, deadline=None)
@given(series, st.sampled_from([1, 3, 7, 14]))
def test_bounds_are_ordered_and_hold_the_estimate(y, horizon):
    if not y[:ONSET].any():
        return
    effect = estimate_effect(y, ONSET, horizon)
    assert 0 <= effect.expected_low <= effect.expected <= effect.expected_high
    assert effect.ratio_low <= effect.ratio <= effect.ratio_high
    assert effect.excess_low <= effect.excess <= effect.excess_high
    assert 1 <= effect.placebo_rank <= effect.placebo_n + 1


@settings(max_examples=15, deadline=None)
@given(series)
def test_the_callers_arrays_stay_as_they_are_and_answers_repeat(y):
    donors = np.column_stack([counts(s) for s in range(3)])
    y_before, donors_before = y.copy(), donors.copy()
    first = estimate_effect(y, ONSET, HORIZON, donors=donors, seed=4)
    again = estimate_effect(y, ONSET, HORIZON, donors=donors, seed=4)
    assert np.array_equal(y, y_before)
    assert np.array_equal(donors, donors_before)
    assert (first.ratio, first.ratio_low, first.members) == (again.ratio, again.ratio_low, again.members)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10**6), st.integers(2, 1000))
def test_counting_in_other_units_scales_the_answer(seed, factor):
    y = counts(seed, level=5000)
    plain, scaled = estimate_effect(y, ONSET, HORIZON), estimate_effect(y * factor, ONSET, HORIZON)
    assert scaled.expected == pytest.approx(factor * plain.expected, rel=0.01)
    assert np.log(scaled.ratio_high / scaled.ratio_low) == pytest.approx(
        np.log(plain.ratio_high / plain.ratio_low), rel=0.1
    )


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10**6))
def test_what_comes_after_onset_cannot_change_what_was_expected(seed):
    y = counts(seed)
    assert estimate_effect(lifted(y, 3), ONSET, HORIZON).expected == estimate_effect(y, ONSET, HORIZON).expected
