"""estimate_effect on shares, rates, ranks and indices: what must hold on each scale."""

from __future__ import annotations

from dataclasses import asdict, replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import analyzer
from analyzer.checks import Evidence
from analyzer.checks.coverage import CHECK
from analyzer.errors import NotEnoughData, UnknownName
from analyzer.estimators import _censored, _grain, estimate_effect
from analyzer.simulate_scales import ScaleScenario, scenario, scenarios, simulate_scale
from analyzer.study.samples import as_shares, sampled

ONSET, HORIZON = 160, 14
STEPS = ONSET + HORIZON


def drawn(name: str, seed: int = 0, **changes: object):
    settings_ = replace(scenario(name), **{"before": ONSET, "horizon": HORIZON, **changes})
    return simulate_scale(settings_, np.random.default_rng([seed, 77]), name=name)


def asked(series, **changes: object):
    return estimate_effect(series.y, series.onset, series.horizon, **{**series.arguments(), **changes})


def numbers(effect) -> list[float]:
    return [value for value in asdict(effect).values() if isinstance(value, float)]


# Simulated series


@pytest.mark.parametrize("name", scenarios())
def test_every_scenario_has_a_truth_of_its_own_scale(name):
    series, again = drawn(name), drawn(name)
    assert np.array_equal(series.y, again.y, equal_nan=True)
    observed, expected = series.truth()
    assert observed == expected > 0
    if series.scale == "share" and series.exposure is not None:
        assert (series.y <= series.exposure).all()
    if series.scale == "rank":
        assert series.y.min() >= 1
        assert (series.whole[series.censored] > scenario(name).chart).all()
    if series.scale == "index":
        assert series.y.max() == 100
        assert set(series.y[series.censored]) <= {0.0}


def test_a_block_moves_the_truth_in_its_own_direction():
    assert np.diff(drawn("rank:5").truth())[0] > 100  # better ranks are smaller numbers
    assert np.diff(drawn("share:3").truth())[0] < 0
    assert np.diff(drawn("rate:3").truth())[0] < 0


def test_the_peak_of_an_index_in_the_window_leaves_small_whole_numbers_before():
    series = drawn("index:30")
    assert np.median(series.y[:ONSET]) <= 6
    assert series.y[series.window].max() == 100


def test_an_unknown_scenario_names_the_known_ones():
    with pytest.raises(UnknownName, match="rank-edge"):
        scenario("no")
    with pytest.raises(UnknownName, match="number"):
        scenario("rank:many")


# Intervals


@pytest.mark.parametrize("name", ["share", "share-rare", "share-most", "share-plain", "rate", "index-small", "rank"])
def test_a_quiet_series_is_not_called_a_change_and_a_large_one_is(name):
    quiet = [asked(drawn(name, seed)) for seed in range(6)]
    assert sum(not e.ratio_low <= 1 <= e.ratio_high for e in quiet) <= 1
    factor = 0.05 if name == "share-most" else 12
    loud = asked(drawn(name, 1, ratio=factor, halflife=100.0))
    better_is_less = name in ("rank", "share-most")
    assert loud.ratio_high < 1 if better_is_less else loud.ratio_low > 1


@pytest.mark.parametrize("name", scenarios())
@pytest.mark.parametrize("ratio", [1.0, 8.0])
def test_a_two_sided_answer_is_finite_and_ordered(name, ratio):
    effect = asked(drawn(name, 3, ratio=ratio))
    assert effect.expected_low <= effect.expected <= effect.expected_high
    assert effect.ratio_low <= effect.ratio <= effect.ratio_high
    assert effect.excess_low <= effect.excess <= effect.excess_high
    assert not np.isnan(numbers(effect)).any()
    if effect.expected_low > 0 and np.isfinite([effect.expected_high, effect.ratio_high]).all():
        assert np.isfinite(numbers(effect)).all()
    else:
        assert any("bound" in w or "at least" in w for w in effect.warnings)


# Shares and rates


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 10**6), st.integers(2, 30), st.sampled_from([1.0, 6.0]))
def test_more_of_numerator_and_denominator_keeps_the_sign(seed, factor, ratio):
    series = drawn("share", seed, ratio=ratio, exposure=(80.0, 200.0))
    plain = asked(series)
    more = estimate_effect(
        series.y * factor, ONSET, HORIZON, scale="share", exposure=np.asarray(series.exposure) * factor
    )
    assert (more.ratio > 1) == (plain.ratio > 1) or abs(np.log(plain.ratio)) < 0.1
    assert more.ratio == pytest.approx(plain.ratio, rel=0.15)


def test_numerators_and_shares_of_the_same_denominator_are_one_question():
    series = drawn("share")
    n = np.asarray(series.exposure)
    assert asked(series).ratio_low == pytest.approx(
        estimate_effect(series.y / n, ONSET, HORIZON, scale="share", exposure=n).ratio_low
    )


def test_zeros_and_ones_with_a_denominator_are_numerators():
    draw = np.random.default_rng(0)
    rare = (draw.random(STEPS) < 0.3).astype(float)
    effect = estimate_effect(rare, ONSET, HORIZON, scale="share", exposure=np.full(STEPS, 50.0))
    assert effect.expected_high < 20  # read as shares the totals would be near 200


@pytest.mark.parametrize("scale", ["share", "count"])
def test_a_day_without_a_case_is_no_fall_where_days_without_a_case_are_usual(scale):
    draw = np.random.default_rng(3)
    n = np.full(STEPS, 60.0)
    hits = draw.binomial(60, 0.03, STEPS).astype(float)
    hits[ONSET] = 0
    effect = estimate_effect(hits, ONSET, 1, scale=scale, exposure=n)
    assert (effect.expected_low, effect.ratio_high) == (0.0, np.inf)
    assert any("not one case" in w for w in effect.warnings)


def test_a_share_near_one_stays_below_its_denominator():
    series = drawn("share-most")
    effect = asked(series)
    assert effect.expected_high <= np.asarray(series.exposure)[series.window].sum()


def test_a_denominator_that_falls_with_the_block_widens_the_interval_and_is_said():
    usual, fewer = asked(drawn("share", 5)), asked(drawn("share", 5, moved=0.1))
    assert np.log(fewer.ratio_high / fewer.ratio_low) > 1.2 * np.log(usual.ratio_high / usual.ratio_low)
    assert any("the denominator is x0.1" in w for w in fewer.warnings)
    assert not any("denominator" in w for w in usual.warnings)


def test_a_rate_does_not_move_when_its_exposure_does():
    series = drawn("rate", 2, moved=0.3)
    effect = asked(series)
    assert effect.ratio_low < 1 < effect.ratio_high
    assert estimate_effect(series.y, ONSET, HORIZON).ratio_high < 1  # the bare count falls with its exposure
    assert effect.observed == series.y[series.window].sum()


def test_a_constant_exposure_changes_nothing():
    series = drawn("rate", 4)
    bare = estimate_effect(series.y, ONSET, HORIZON)
    rate = estimate_effect(series.y, ONSET, HORIZON, exposure=np.full(STEPS, 4000.0))
    assert rate.ratio == pytest.approx(bare.ratio, rel=0.01)
    assert rate.expected_high == pytest.approx(bare.expected_high, rel=0.05)


@pytest.mark.parametrize("scale", ["share", "count"])
def test_steps_without_a_denominator_are_missing(scale):
    series = drawn("share")
    n = np.asarray(series.exposure).copy()
    n[ONSET + 2] = 0
    n[40] = np.nan
    effect = estimate_effect(np.minimum(series.y, 5), ONSET, HORIZON, scale=scale, exposure=n)
    assert effect.observed == np.delete(np.minimum(series.y, 5)[series.window], 2).sum()
    n[ONSET:] = 0
    with pytest.raises(NotEnoughData, match="0 of 14 steps observed"):
        estimate_effect(series.y, ONSET, HORIZON, scale=scale, exposure=n)


def test_plain_shares_of_zero_are_not_infinitely_far_down():
    draw = np.random.default_rng(2)
    share = draw.binomial(60, 0.03, STEPS) / 60
    effect = estimate_effect(share, ONSET, HORIZON, scale="share")
    assert 0.3 < effect.ratio_low < 1 < effect.ratio_high < 3


# Ranks


def test_ranks_inside_the_chart_are_plain_logs():
    series = drawn("rank", 1)
    nothing = estimate_effect(series.y, ONSET, HORIZON, scale="rank")
    flagged = estimate_effect(series.y, ONSET, HORIZON, scale="rank", censored=np.zeros(STEPS, bool))
    assert nothing.ratio_low == flagged.ratio_low
    z = np.log(series.y)
    assert np.log(nothing.expected / HORIZON) == pytest.approx(z[ONSET - 28 : ONSET].mean(), abs=0.35)
    assert nothing.observed == series.y[series.window].sum()


def test_filling_in_is_carried_by_the_interval():
    """The same series seen whole has the narrower interval, and both hold the truth."""
    series = drawn("rank-edge", 3)
    assert 10 < series.censored[:ONSET].sum() < 80
    cut, whole = asked(series), estimate_effect(series.whole, ONSET, HORIZON, scale="rank")
    truth = series.truth()[1]
    assert cut.expected_low < truth < cut.expected_high
    assert whole.expected_low < truth < whole.expected_high
    one = _censored.COMPLETED
    assert any(f"filled in {one} times" in w for w in cut.warnings)


def test_what_comes_after_onset_takes_no_part_in_filling_in():
    series = drawn("rank-edge", 4)
    y, censored = series.y.copy(), series.censored.copy()
    y[ONSET:], censored[ONSET:] = 3.0, False
    again = estimate_effect(y, ONSET, HORIZON, scale="rank", censored=censored)
    first = estimate_effect(
        np.where(np.arange(STEPS) < ONSET, y, 90.0), ONSET, HORIZON, scale="rank", censored=censored
    )
    assert again.expected == pytest.approx(first.expected, rel=1e-9)


def test_the_same_seed_gives_the_same_answer():
    series = drawn("rank-edge", 4)
    assert asked(series, seed=3).ratio_low == asked(series, seed=3).ratio_low


def test_a_bound_that_was_not_given_is_the_end_of_the_chart():
    series = drawn("rank-edge", 5)
    holed = np.where(series.censored, np.nan, series.y)
    assert asked(replace(series, y=holed)).ratio == pytest.approx(asked(series).ratio, rel=0.1)


@pytest.mark.parametrize("seed", range(8))
def test_a_base_mostly_beyond_the_chart_gives_a_bound_that_holds(seed):
    series = drawn("rank-out", seed, ratio=25.0)
    effect = asked(series)
    observed, expected = series.truth()
    assert (effect.ratio_low, effect.expected_high) == (0.0, np.inf)
    assert effect.expected_low <= expected
    assert observed / expected <= effect.ratio_high < 1
    assert any("it entered the chart" in w for w in effect.warnings)


def test_a_window_beyond_the_chart_is_at_least_a_change():
    series = drawn("rank", 6)
    y, censored = series.y.copy(), np.zeros(STEPS, bool)
    y[ONSET:], censored[ONSET:] = 201, True
    effect = estimate_effect(y, ONSET, HORIZON, scale="rank", censored=censored)
    assert effect.ratio_low > 1
    assert effect.ratio_high == np.inf
    assert any("at least" in w for w in effect.warnings)


def test_one_day_beyond_the_chart_is_filled_in_and_not_taken_at_the_limit():
    series = drawn("rank-edge", 8, level=60.0)
    y, censored = series.y.copy(), np.zeros(STEPS, bool)
    y[ONSET + 3], censored[ONSET + 3] = 201, True
    effect = estimate_effect(y, ONSET, HORIZON, scale="rank", censored=censored)
    assert effect.observed > np.sum(y[ONSET:])
    assert np.isfinite(effect.ratio_high)


def test_rank_one_is_the_end_of_what_a_chart_can_show():
    series = drawn("rank", 7)
    y = series.y.copy()
    y[ONSET:] = 1
    effect = estimate_effect(y, ONSET, HORIZON, scale="rank")
    assert effect.ratio_low == 0
    assert effect.ratio_high < 0.1
    assert any("rank 1, the best there is" in w for w in effect.warnings)


def test_no_rank_better_than_one_is_expected():
    effect = asked(drawn("rank-top", 2))
    assert effect.expected_low >= HORIZON
    assert (effect.expected_steps_low >= 1).all()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"scale": "rank", "y": np.zeros(STEPS)}, "first rank is 1"),
        ({"scale": "count", "censored": np.ones(STEPS, bool)}, "censored goes with"),
        ({"scale": "share", "y": np.full(STEPS, 40.0)}, "between 0 and 1"),
        ({"scale": "share", "y": np.full(STEPS, 40.0), "exposure": np.full(STEPS, 30.0)}, "exposure is smaller"),
    ],
)
def test_values_that_a_scale_does_not_have_are_named(changes, words):
    arguments = {"y": np.full(STEPS, 3.0), "onset": ONSET, "horizon": HORIZON} | changes
    with pytest.raises(ValueError, match=words):
        estimate_effect(**arguments)


# Index and grain


def test_an_index_below_its_threshold_throughout_gives_a_bound():
    y = np.zeros(STEPS)
    y[ONSET:] = 60
    effect = estimate_effect(y, ONSET, HORIZON, scale="index")
    assert (effect.expected_low, effect.ratio_high) == (0.0, np.inf)
    assert effect.ratio_low == pytest.approx(60)
    assert any("one-sided" in w for w in effect.warnings)


def test_small_whole_numbers_carry_their_rounding():
    """A level that hides between 2 and 3 is not known to one per cent because it never moves."""
    still = estimate_effect(np.full(STEPS, 2.0), ONSET, HORIZON, scale="index")
    assert still.expected_low < 1.6 * HORIZON
    assert still.expected_high > 2.4 * HORIZON
    assert any("rounding" in w for w in still.warnings)
    large = estimate_effect(np.full(STEPS, 80.0), ONSET, HORIZON, scale="index")
    assert large.expected_high < 82 * HORIZON


def test_rounding_is_common_to_a_still_level_and_averages_out_of_a_moving_one():
    draw = np.random.default_rng(1)
    assert _grain.common_error(np.full(200, 3.0), 1.0) == pytest.approx(1 / 12, rel=0.2)
    assert _grain.common_error(np.round(draw.normal(3.4, 0.6, 200)), 1.0) < 1e-4


def test_the_common_error_of_rounding_is_what_levels_drawn_at_random_have():
    draw = np.random.default_rng(2)
    spread = 0.2
    means = draw.uniform(3, 4, 4000)
    values = means[:, None] + draw.normal(0, spread, (4000, 400))
    measured = np.var((np.round(values) - values).mean(axis=1))
    k = np.arange(1, 6)
    formula = np.sum(np.exp(-4 * np.pi**2 * k**2 * spread**2) / (2 * np.pi**2 * k**2))
    assert measured == pytest.approx(formula, rel=0.1)


def test_steps_of_eight_are_recognised_and_said_and_chance_is_not():
    series = drawn("grain")
    assert _grain.common_step(series.y) == 8
    assert any("steps of 8" in w for w in asked(series).warnings)
    assert _grain.common_step(np.full(200, 8.0)) == 1
    assert _grain.common_step(np.array([8.0, 16.0, 8.0])) == 1
    assert _grain.common_step(drawn("grain-users").y) == 1
    assert _grain.common_step(np.array([])) == 1


# Hostile arrays

values = st.one_of(
    st.sampled_from([0.0, 1.0, 1e-9, 1e12, float("nan")]), st.floats(0, 300), st.integers(0, 100).map(float)
)
scales = st.sampled_from(["share", "rank", "index", "count"])
arrays = st.lists(values, min_size=3, max_size=70).map(np.array)


@settings(max_examples=60, deadline=None)
@given(
    arrays,
    st.sampled_from(["share", "rank", "index", "count"]),
    st.integers(1, 9),
    st.integers(0, 10**6),
    st.booleans(),
)
def test_hostile_arrays_are_refused_or_answered_in_order(part, scale, horizon, seed, repeated):
    draw = np.random.default_rng(seed)
    y = np.resize(part, 120) if repeated else np.concatenate([draw.choice(part, 100), part])
    exposure = draw.choice(np.append(part, 50.0), y.size) if draw.random() < 0.5 else None
    censored = draw.random(y.size) < draw.choice([0.0, 0.2, 0.9]) if scale in ("rank", "index") else None
    if scale == "share" and draw.random() < 0.7:
        y = np.minimum(y, 1.0) if exposure is None else np.minimum(y, exposure)
    if scale == "rank" and draw.random() < 0.8:
        y = np.maximum(y, 1.0)
    try:
        effect = estimate_effect(y, 90, horizon, scale=scale, exposure=exposure, censored=censored, seed=seed)
    except ValueError:
        return
    assert effect.expected_low <= effect.expected <= effect.expected_high
    assert effect.ratio_low <= effect.ratio <= effect.ratio_high
    assert not np.isnan(numbers(effect)).any()
    open_ended = scale in ("rank", "index") or (exposure is not None and effect.expected_low == 0)
    assert open_ended or np.isfinite(numbers(effect)).all()


# How series reach the scale


def test_shares_with_a_sample_are_weighted_by_it_and_come_back_as_shares():
    series = drawn("share", 9)
    n = np.asarray(series.exposure)
    y, exposure, note = sampled(series.y / n, n)
    assert note == ""
    effect = as_shares(
        estimate_effect(y, ONSET, HORIZON, scale="share", exposure=exposure), (series.y / n)[ONSET:], n[ONSET:]
    )
    assert effect.observed == pytest.approx(HORIZON * series.y[ONSET:].sum() / n[ONSET:].sum())
    assert effect.ratio == pytest.approx(effect.observed / effect.expected)
    assert (effect.expected_steps_high < 1).all()


def test_a_share_without_its_sample_makes_all_of_them_plain():
    share, n = np.full(STEPS, 0.2), np.full(STEPS, 40.0)
    n[3] = np.nan
    assert sampled(share, n)[1:] == (None, "1 of 174 shares lack the sample behind them: all are taken as plain ones")
    assert sampled(share, np.full(STEPS, np.nan))[1:] == (None, "")


def test_shares_of_nothing_but_one_and_zero_are_handed_over_as_numerators():
    share = (np.arange(STEPS) % 9 == 0).astype(float)
    y, exposure, _ = sampled(share, np.full(STEPS, 40.0))
    assert y.max() == 40
    assert exposure is not None


def share_file(path: Path, *, sampled_by: int | None) -> Path:
    """Daily blocked shares of a country that double on 2018-12-21."""
    draw = np.random.default_rng(4)
    lines = ["indicator,cc,entity,t_start,t_end,value,unit,state,n"]
    for k in range(200):
        day = date(2018, 8, 1) + timedelta(days=k)
        hits = draw.binomial(sampled_by or 150, 0.2 if day < date(2018, 12, 21) else 0.4)
        value = f"{hits / (sampled_by or 150):.4f}"
        lines.append(
            f"ooni.service_blocked_share,sd,twitter,{day},{day + timedelta(days=1)},{value},"
            f"share of measurements,value,{sampled_by or ''}"
        )
    path.write_text("\n".join(lines) + "\n", encoding="ascii")
    return path


@pytest.mark.parametrize("size", [150, None])
def test_a_share_from_a_file_to_a_row(tmp_path: Path, size: int | None):
    db = analyzer.open(tmp_path / "s.duckdb")
    db.load(share_file(tmp_path / "shares.csv", sampled_by=size))
    rows = {e.horizon: e for e in db.estimate("sd-2018-12-21-social").estimates}
    fortnight = rows["14d"]
    assert fortnight.ratio_low < 2 < fortnight.ratio_high
    assert fortnight.ratio_low > 1
    assert fortnight.observed == pytest.approx(14 * 0.4, rel=0.1)  # shares of fourteen days, not numerators


def test_an_unusual_reporting_fraction_is_said_and_fails_nothing():
    quality = np.concatenate([np.full(100, 0.8) + 0.01 * np.resize([1, -1], 100), np.full(14, 0.5)])
    series = drawn("frac")
    y = np.asarray(series.y[:114])
    effect = estimate_effect(y, 100, HORIZON)
    evidence = Evidence("14d", "sd", effect, y, quality, 100, HORIZON, 4, lambda *_: effect, (), str, None, ())
    found = CHECK.run(evidence)
    assert "14 steps of the window with an unusual share of reporters (0.50, usually 0.80)" in found.sentence
    assert found.outcome == "passed"
    steady = CHECK.run(replace(evidence, quality=np.full(114, 0.8)))
    assert "unusual" not in steady.sentence


def test_levels_of_a_scenario_are_what_the_series_stand_at():
    made = simulate_scale(ScaleScenario("share", 0.3, weekly=0.0), np.random.default_rng(0))
    assert made.y.sum() / np.asarray(made.exposure).sum() == pytest.approx(0.3, abs=0.06)
