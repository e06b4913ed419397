"""Missing steps: ordinary gaps cost width only; gaps that begin with the block are bounded, never passed over."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest

from analyzer.errors import NotEnoughData
from analyzer.estimators import estimate_effect
from analyzer.simulate import simulate

ONSET, HORIZON = 180, 14
STEPS = ONSET + HORIZON
PATH = Path(__file__).parents[1] / "bench" / "gaps.py"

pytestmark = pytest.mark.filterwarnings("error")


def counts(seed: int = 0, steps: int = STEPS) -> np.ndarray:
    draw = np.random.default_rng(seed)
    path = np.log(500) + draw.normal(0, 0.05, steps) + np.cumsum(draw.normal(0, 0.005, steps))
    return draw.poisson(np.exp(path + 0.2 * np.sin(2 * np.pi * np.arange(steps) / 7))).astype(float)


def without(y: np.ndarray, *steps: slice | int) -> np.ndarray:
    out = y.copy()
    for at in steps:
        out[at] = np.nan
    return out


def log_width(effect) -> float:
    return float(np.log(effect.expected_high / effect.expected_low))


def silenced(effect) -> list[str]:
    return [w for w in effect.warnings if "silenced its own measurement" in w]


@pytest.fixture(scope="module")
def bench():
    spec = importlib.util.spec_from_file_location("bench_gaps", PATH)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


def test_a_series_that_stops_on_day_six_is_refused_with_what_is_there():
    with pytest.raises(NotEnoughData, match="6 of 14 steps observed"):
        estimate_effect(without(counts(), slice(ONSET + 6, None)), ONSET, HORIZON)


@pytest.mark.parametrize("gone", [slice(ONSET, ONSET + 2), slice(ONSET + 12, STEPS), slice(ONSET + 4, ONSET + 6)])
def test_missing_steps_that_the_base_does_not_know_widen_the_range_to_what_they_could_hold(gone):
    y = counts()
    y[ONSET:] *= 2
    plain, effect = estimate_effect(y, ONSET, HORIZON), estimate_effect(without(y, gone), ONSET, HORIZON)
    assert len(silenced(effect)) == 1
    assert "2 of 14 steps of the window are missing" in silenced(effect)[0]
    assert "the base misses 0 of 180" in silenced(effect)[0]
    assert effect.ratio_low < 0.9 * plain.ratio_low
    shut = y.copy()
    shut[gone] = 0
    assert effect.ratio_low <= estimate_effect(shut, ONSET, HORIZON).ratio <= effect.ratio_high
    assert effect.excess_low <= estimate_effect(shut, ONSET, HORIZON).excess
    rush = y.copy()
    rush[gone] = y[gone] * np.nanmax(effect.steps / effect.expected_steps) / 2
    assert effect.ratio_low <= estimate_effect(rush, ONSET, HORIZON).ratio <= effect.ratio_high
    assert estimate_effect(rush, ONSET, HORIZON).excess <= effect.excess_high


def test_totals_stay_those_of_the_observed_steps():
    y = without(counts(), slice(ONSET, ONSET + 2))
    effect = estimate_effect(y, ONSET, HORIZON)
    assert effect.observed == np.nansum(y[ONSET:])
    assert effect.ratio == pytest.approx(effect.observed / effect.expected)
    assert effect.expected == pytest.approx(np.nansum(counts()[ONSET + 2 :]), rel=0.1)


def test_a_rise_that_the_missing_steps_could_undo_is_not_called_one():
    y = counts()
    y[ONSET:] *= 1.15
    assert estimate_effect(y, ONSET, HORIZON).ratio_low > 1
    assert estimate_effect(without(y, slice(ONSET, ONSET + 2)), ONSET, HORIZON).ratio_low < 1


def test_a_stop_is_called_one():
    effect = estimate_effect(without(counts(), slice(ONSET + 12, None)), ONSET, HORIZON)
    assert "the series stops early" in silenced(effect)[0]
    assert silenced(estimate_effect(counts()[: ONSET + 12], ONSET, HORIZON)) == silenced(effect)


def test_gaps_as_the_base_has_them_are_not_held_against_the_window():
    draw = np.random.default_rng(5)
    y = np.where(draw.random(STEPS) < 0.1, np.nan, counts())
    y[ONSET:] = counts()[ONSET:]
    y[ONSET + 5] = np.nan
    effect = estimate_effect(y, ONSET, HORIZON)
    assert not silenced(effect)
    assert effect.ratio_low == pytest.approx(effect.observed / effect.expected_high)


def test_chance_rarely_looks_like_silence():
    """Random gaps are called surprising at most about as often as the rule's own level says."""
    said = 0
    for seed in range(20):
        y = np.where(np.random.default_rng(seed).random(STEPS) < 0.06, np.nan, counts(seed))
        try:
            said += bool(silenced(estimate_effect(y, ONSET, HORIZON)))
        except NotEnoughData:
            continue
    assert said <= 5


def test_a_day_of_the_week_that_is_never_measured_is_not_missing():
    y = np.where(np.arange(STEPS) % 7 == 6, np.nan, counts())
    effect = estimate_effect(y, ONSET, HORIZON)
    assert effect.warnings == ()
    assert effect.ratio_low <= 1 <= effect.ratio_high


def test_a_day_of_the_week_that_only_the_window_shows_is_not_compared():
    y = np.where((np.arange(STEPS) % 7 == 6) & (np.arange(STEPS) < ONSET), np.nan, counts())
    y[np.arange(STEPS) % 7 == 6] *= 0.1
    effect = estimate_effect(y, ONSET, HORIZON)
    assert any("2 steps of the window are left out: the base never shows" in w for w in effect.warnings)
    assert effect.observed == y[ONSET:][np.arange(ONSET, STEPS) % 7 != 6].sum()
    assert effect.ratio_low <= 1 <= effect.ratio_high


def test_a_base_of_sundays_says_nothing_about_a_week():
    y = np.where((np.arange(STEPS) % 7 != 6) & (np.arange(STEPS) < ONSET), np.nan, counts())
    with pytest.raises(NotEnoughData, match="12 of 14 steps of the window fall on parts of the cycle of 7 steps"):
        estimate_effect(y, ONSET, HORIZON)


def test_a_base_whose_last_steps_are_missing_is_replayed_with_that_gap():
    y = np.exp(np.log(500) + np.cumsum(np.random.default_rng(3).normal(0, 0.05, STEPS)))
    whole, holed = (estimate_effect(v, ONSET, HORIZON) for v in (y, without(y, slice(ONSET - 10, ONSET))))
    assert any("the last 10 steps before onset are missing" in w for w in holed.warnings)
    said = estimate_effect(y, ONSET, HORIZON, anticipation=10)
    assert (holed.expected_low, holed.expected_high) == (said.expected_low, said.expected_high)
    assert (holed.expected_low, holed.expected_high) != (whole.expected_low, whole.expected_high)


def test_missing_steps_between_base_and_onset_are_said():
    effect = estimate_effect(without(counts(), slice(ONSET - 3, ONSET)), ONSET, HORIZON, anticipation=4)
    assert any("the last 3 steps before onset are missing" in w for w in effect.warnings)
    assert not estimate_effect(counts(), ONSET, HORIZON, anticipation=4).warnings


def test_gaps_where_the_series_is_low_are_said():
    y = counts()
    z = 500 * np.exp(0.3 * np.sin(np.arange(STEPS) / 1.6)) * y / 500
    low = (z < np.quantile(z, 0.2)) & (np.arange(STEPS) < ONSET)
    effect = estimate_effect(np.where(low, np.nan, z), ONSET, HORIZON)
    assert any("go missing where the series is low" in w for w in effect.warnings)


@pytest.mark.parametrize(
    "gone",
    [slice(0, 70), slice(60, 81), slice(0, ONSET // 2, 2)],
    ids=["begins with a gap", "three weeks", "every second"],
)
def test_gaps_of_the_base_leave_an_interval_that_holds_the_truth(gone):
    held = []
    for seed in range(8):
        effect = estimate_effect(without(counts(seed), gone), ONSET, HORIZON)
        held.append(effect.expected_low <= counts(seed)[ONSET:].sum() <= effect.expected_high)
    assert np.mean(held) > 0.7


def test_a_share_and_an_index_are_bounded_too():
    exposure = np.full(STEPS, 4000.0)
    effect = estimate_effect(
        without(counts(), slice(ONSET, ONSET + 2)), ONSET, HORIZON, scale="share", exposure=exposure
    )
    assert silenced(effect)
    as_share = estimate_effect(
        without(counts() / exposure, slice(ONSET, ONSET + 2)), ONSET, HORIZON, scale="share", exposure=exposure
    )
    assert as_share.ratio_high == pytest.approx(effect.ratio_high, rel=1e-6)


def test_an_error_that_all_countries_share_cancels_with_donors_and_is_noise_without():
    """A day's reporting fraction scales every country alike."""
    widths, held = [], []
    for seed in range(8):
        draw = np.random.default_rng(seed)
        shared = np.exp(draw.normal(0, 0.15, STEPS) + 0.05 * (np.arange(STEPS) >= ONSET))
        y, *others = (draw.poisson(800 * shared).astype(float) for _ in range(7))
        expected = 800 * shared[ONSET:].sum()
        effect = estimate_effect(y, ONSET, HORIZON, donors=np.column_stack(others))
        alone = estimate_effect(y, ONSET, HORIZON)
        widths.append(log_width(alone) / log_width(effect))
        held.append(effect.expected_low <= expected <= effect.expected_high)
        assert not any("repeats" in w for w in effect.warnings)
    assert np.median(widths) > 2
    assert np.mean(held) >= 0.8


# The bench


def test_the_bench_counts_what_the_range_has_to_hold(bench):
    panel = simulate(bench.CALM, np.random.default_rng(1))
    assert bench.judge(panel, panel.y, 1.0, 1).covered
    assert not bench.judge(panel, panel.y, 3.0, 1).covered
    nothing = np.full(panel.y.size, np.nan)
    assert bench.judge(panel, nothing, 1.0, 1) is None
    assert bench.row("x", [None, None]).split()[-1] == "2"


def test_the_bench_s_silenced_windows_are_covered_only_with_the_bounds(bench):
    found = [bench.silenced(bench.CALM, "last two, shut down", 1, i) for i in range(12)]
    assert np.mean([r.covered for r in found]) >= 0.8
    assert np.mean([r.plain for r in found]) < 0.3
    assert all(r.said for r in found)
