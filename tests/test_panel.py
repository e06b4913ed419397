"""What a panel promises: past-only choices, honest exclusions, artefacts that do not pass for effects."""

from __future__ import annotations

import numpy as np
import pytest

from analyzer.errors import NotEnoughData
from analyzer.estimators import estimate_effect, placebo_errors
from analyzer.panel import Artefact, Series, build_panel, lend_pool

STEPS, ONSET, HORIZON = 300, 270, 14
CHANGE = Artefact("change", 200, 205, frozenset({"gap", "level_change"}))


def countries(seed=0, number=8, steps=STEPS):
    draw = np.random.default_rng(seed)
    common = np.cumsum(draw.normal(0, 0.02, steps))
    levels = np.linspace(4, 8, number)
    made = {f"{chr(65 + k)}A": draw.poisson(np.exp(levels[k] + common)).astype(float) for k in range(number)}
    return made | {"XX": np.sum(list(made.values()), axis=0), "ZZ": made["AA"] * 3}


def test_the_world_the_unknown_and_the_treated_are_never_donors():
    panel = build_panel(Series.of(countries()), "CA", ONSET, HORIZON)
    assert set(panel.donor_names) == set(countries()) - {"XX", "ZZ", "CA"}
    assert panel.donors.shape == (STEPS, len(panel.donor_names))


def test_many_donors_enter_as_their_mean_and_a_constituents_event_is_not_in_it():
    users = countries(number=20)
    quiet = build_panel(Series.of(users), "CA", ONSET, HORIZON)
    assert quiet.donor_names == ("mean of 19",)
    assert len(quiet.constituents) == 19
    users["EA"][100:105] *= 50
    loud = build_panel(Series.of(users, {"EA": [(100, 105)]}), "CA", ONSET, HORIZON)
    assert np.allclose(np.log(loud.donors), np.log(quiet.donors), atol=0.02)


def test_a_country_with_its_own_event_nearby_is_no_donor_and_named():
    events = {"EA": [(ONSET - 40, ONSET - 38)], "FA": [(ONSET - 200, ONSET - 199)], "GA": [(ONSET + 5, ONSET + 6)]}
    panel = build_panel(Series.of(countries(), events), "CA", ONSET, HORIZON)
    assert {"EA", "GA"}.isdisjoint(panel.donor_names)
    assert any("EA, GA" in note for note in panel.notes)
    assert panel.donor_events[panel.donor_names.index("FA")] == ((ONSET - 200, ONSET - 199),)


def test_the_choice_of_donors_does_not_look_past_onset():
    before = countries()
    after = {name: values.copy() for name, values in before.items()}
    for values in after.values():
        values[ONSET:] = values[ONSET:][::-1] * 7
    chosen = [build_panel(Series.of(s), "CA", ONSET, HORIZON, most_donors=3).donor_names for s in (before, after)]
    assert chosen[0] == chosen[1]


def test_a_donor_without_values_in_the_window_is_left_out():
    series = countries()
    series["HA"][ONSET + 2 :] = np.nan
    assert "HA" not in build_panel(Series.of(series), "CA", ONSET, HORIZON).donor_names


def test_a_window_across_a_change_of_level_is_refused_by_name():
    series = Series.of(countries(), artefacts=[CHANGE])
    with pytest.raises(NotEnoughData, match="change of level change"):
        build_panel(series, "CA", 195, HORIZON)


def test_a_window_that_ends_in_the_gap_before_a_change_only_misses_days():
    users = countries()
    for values in users.values():
        values[200:205] = np.nan
    series = Series.of(users, artefacts=[CHANGE])
    panel = build_panel(series, "CA", 194, 7)
    assert estimate_effect(**panel.arguments()).observed == users["CA"][194:200].sum()
    with pytest.raises(NotEnoughData, match=r"6 of 10"):
        estimate_effect(**build_panel(series, "CA", 194, 10).arguments())
    with pytest.raises(NotEnoughData, match="change of level"):
        build_panel(series, "CA", 194, 14)


def test_an_unsettled_level_is_refused():
    with pytest.raises(NotEnoughData, match="3 observed steps between the change of level"):
        build_panel(Series.of(countries(), artefacts=[CHANGE]), "CA", 208, HORIZON)


def test_history_before_a_change_of_level_does_not_poison_the_base():
    users = countries()
    for values in users.values():
        values[200:205] = np.nan
        values[:200] *= 3
    panel = build_panel(Series.of(users, artefacts=[CHANGE]), "CA", 230, HORIZON)
    assert any("rescaled by x0.3" in note for note in panel.notes)
    effect = estimate_effect(**panel.arguments())
    assert effect.ratio_low < 1 < effect.ratio_high
    assert effect.ratio_high / effect.ratio_low < 1.7


def test_days_of_an_hourly_series_are_days():
    """An event ten days before onset bars a donor on hours too; a level of seven hours is not settled."""
    event = {"EA": [(40, 45)]}
    assert "EA" in build_panel(Series.of(countries(), event), "CA", ONSET, HORIZON).constituents
    hours = build_panel(Series.of(countries(), event, per_day=24), "CA", ONSET, HORIZON)
    assert "EA" not in hours.constituents
    assert any("EA" in note for note in hours.notes)
    with pytest.raises(NotEnoughData, match=r"steps between the change of level change and onset; 168 needed"):
        build_panel(Series.of(countries(), artefacts=[CHANGE], per_day=24), "CA", 230, HORIZON)


def test_enough_history_after_a_change_makes_the_older_one_dispensable():
    early = Artefact("early", 100, 101, frozenset({"level_change"}))
    panel = build_panel(Series.of(countries(), artefacts=[early]), "CA", ONSET, HORIZON)
    assert np.isnan(panel.y[:101]).all()
    assert np.isfinite(panel.y[101:ONSET]).all()


def test_a_spike_of_the_measurement_leaves_the_base():
    users = countries()
    for values in users.values():
        values[250] *= 4
    spike = Artefact("spike", 250, 251, frozenset({"spike"}))
    panel = build_panel(Series.of(users, artefacts=[spike]), "CA", ONSET, HORIZON)
    assert np.isnan(panel.y[250])
    assert np.isfinite(panel.y[251])


def test_a_window_may_lie_inside_an_overcount_but_not_cross_its_border():
    over = Artefact("over", 150, 290, frozenset({"overcount"}))
    series = Series.of(countries(), artefacts=[over])
    inside = build_panel(series, "CA", 260, HORIZON)
    assert np.isnan(inside.y[:150]).all()
    with pytest.raises(NotEnoughData, match="over"):
        build_panel(series, "CA", 284, HORIZON)


def test_a_block_that_began_before_the_data_and_outlasts_the_window_is_no_event_of_the_base():
    panel = build_panel(Series.of(countries(), {"CA": [(-500, STEPS), (30, 33)]}), "CA", ONSET, HORIZON)
    assert panel.other_events == ((30, 33),)
    assert any("outlasts" in note for note in panel.notes)


def test_a_pool_is_lent_by_other_series_from_before_onset():
    users = countries()
    late = {name: np.where(np.arange(STEPS) < ONSET, values, 1e6) for name, values in users.items()}
    pools = [lend_pool(Series.of(s), "CA", ONSET, HORIZON, placebo_errors) for s in (users, late)]
    assert pools[0] is not None
    assert pools[0].scales.size == 7
    assert np.array_equal(pools[0].errors, pools[1].errors)


def test_too_few_lenders_lend_nothing():
    few = {name: values for name, values in countries().items() if name in {"AA", "BA", "CA"}}
    assert lend_pool(Series.of(few), "CA", ONSET, HORIZON, placebo_errors) is None


def test_the_callers_series_stay_as_they_are():
    users = countries()
    kept = {name: values.copy() for name, values in users.items()}
    build_panel(Series.of(users, artefacts=[CHANGE]), "CA", 230, HORIZON)
    assert all(np.array_equal(users[name], kept[name]) for name in users)


def test_series_of_different_length_are_refused():
    with pytest.raises(ValueError, match="same steps"):
        Series.of({"AA": np.ones(3), "BA": np.ones(4)})


def test_a_country_without_series_is_not_estimable():
    with pytest.raises(NotEnoughData, match="no series for QQ"):
        build_panel(Series.of(countries()), "QQ", ONSET, HORIZON)
