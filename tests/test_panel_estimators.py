"""Panel methods: exact weights, published tables, invariances, placebos in space."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import analyzer
from analyzer.estimators import fit_of_weights, panel_effect, synthetic_control
from analyzer.estimators._simplex import hull_of, optimality_gap, simplex_weights

METHODS = ("did", "synthetic_control", "sdid", "difp")
ADH_TABLE_2 = {"Utah": 0.334, "Nevada": 0.234, "Montana": 0.199, "Colorado": 0.164, "Connecticut": 0.069}
BASQUE = "Basque Country (Pais Vasco)"


def noise_panel(seed: int, units: int = 12, periods: int = 30) -> np.ndarray:
    """Units that wander around a common factor."""
    rng = np.random.default_rng(seed)
    common = np.cumsum(rng.normal(0, 1, periods))
    own = np.cumsum(rng.normal(0, 0.3, (units, periods)), axis=1)
    return 50 + rng.normal(0, 3, (units, 1)) + rng.uniform(0.5, 1.5, (units, 1)) * common + own


# ---- the exact solver


@settings(max_examples=150, deadline=None)
@given(
    hnp.arrays(float, st.tuples(st.integers(1, 12), st.integers(1, 15)), elements=st.floats(-1e3, 1e3, width=32)),
    st.sampled_from([0.0, 1e-6, 1.0, 1e4]),
    st.booleans(),
    st.integers(0, 2**32 - 1),
)
def test_weights_meet_the_conditions_of_optimality(a: np.ndarray, ridge: float, intercept: bool, seed: int):
    b = np.random.default_rng(seed).normal(0, 100, a.shape[0])
    w = simplex_weights(a, b, ridge=ridge, intercept=intercept)
    assert w.min() >= 0
    assert w.sum() == pytest.approx(1)
    columns = hull_of(a, b, ridge=ridge, intercept=intercept)
    assert optimality_gap(columns, w) <= 1e-8 * max(float((columns**2).sum(axis=0).max()), 1e-12)


def test_a_noiseless_mean_of_donors_gives_its_weights_back():
    rng = np.random.default_rng(4)
    donors = rng.normal(size=(8, 40)).cumsum(axis=1)
    truth = np.array([0.5, 0.3, 0.2, 0, 0, 0, 0, 0])
    y = np.vstack([truth @ donors + np.r_[np.zeros(30), np.full(10, 2.0)], donors])
    found = panel_effect(y, 0, 30, "synthetic_control")
    assert found.donor_weights == pytest.approx(truth, abs=1e-5)
    assert found.effect == pytest.approx(2, abs=1e-5)
    shifted = panel_effect(y + np.r_[7.0, np.zeros(8)][:, None], 0, 30, "difp")
    assert shifted.donor_weights == pytest.approx(truth, abs=1e-5)
    assert shifted.effect == pytest.approx(2, abs=1e-5)


# ---- published tables


def prop99(shared: Path) -> pd.DataFrame:
    table = pd.read_csv(shared / "data/panels/california_prop99.csv", sep=";")
    return table.pivot_table(index="State", columns="Year", values="PacksPerCapita")


@pytest.mark.shared
@pytest.mark.parametrize(
    ("method", "effect", "tolerance"),
    [("did", -27.349, 0.001), ("sc", -19.51, 0.12), ("sdid", -15.604, 0.005), ("difp", -11.11, 0.05)],
)
def test_california_as_in_arkhangelsky_and_others(shared: Path, method, effect: float, tolerance: float):
    y = prop99(shared)
    found = panel_effect(y, "California", 19, method, names=y.index)
    assert found.effect == pytest.approx(effect, abs=tolerance)
    assert found.placebo_n == 38
    assert 7 < found.standard_error < 20


@pytest.mark.shared
def test_the_outcome_only_synthetic_california_is_the_exact_optimum(shared: Path):
    y = prop99(shared)
    found = panel_effect(y, "California", 19, "sc", names=y.index, placebos=False)
    assert found.pre_ssr == pytest.approx(52.130, abs=0.001)
    exact = {"Utah": 0.394, "Montana": 0.232, "Nevada": 0.205, "Connecticut": 0.109, "New Hampshire": 0.045}
    assert found.top(0.02) == pytest.approx(exact, abs=0.001)


def prop99_predictors(shared: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    c = pd.read_csv(shared / "data/panels/prop99_adh_covariates.csv")

    def mean(column: str, first: int, last: int) -> pd.Series:
        return c[c.year.between(first, last)].groupby("state")[column].mean()

    parts = [mean(name, 1980, 1988) for name in ("lnincome", "retprice", "age15to24")]
    parts += [mean("beer", 1984, 1988), *(mean("cigsale", year, year) for year in (1975, 1980, 1988))]
    return c.pivot_table(index="state", columns="year", values="cigsale"), pd.concat(parts, axis=1)


@pytest.mark.shared
def test_california_as_in_abadie_diamond_and_hainmueller_table_2(shared: Path):
    y, x = prop99_predictors(shared)
    found = synthetic_control(y, "California", 19, predictors=x, names=y.index, placebos=False)
    assert found.top(0.005) == pytest.approx(ADH_TABLE_2, abs=0.005)
    assert found.gaps[-1] == pytest.approx(-26, abs=0.5)  # "by 2000 about 26 packs lower"
    published = fit_of_weights(y, "California", 19, ADH_TABLE_2, names=y.index)
    assert found.predictors is not None
    assert found.predictors.least_mspe < found.predictors.mspe <= published.objective


def basque(shared: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    c = pd.read_csv(shared / "data/panels/basque.csv")
    c = c[c.regionno != 1]

    def mean(column: str, first: int, last: int) -> pd.Series:
        return c[c.year.between(first, last)].groupby("regionname")[column].mean()

    schools = ["school.illit", "school.prim", "school.med", "school.high", "school.post.high", "invest"]
    sectors = ["agriculture", "energy", "industry", "construction", "services.venta", "services.nonventa"]
    parts = [mean(name, 1964, 1969) for name in schools] + [mean("gdpcap", 1960, 1969)]
    parts += [mean(f"sec.{name}", 1961, 1969) for name in sectors] + [mean("popdens", 1969, 1969)]
    return c.pivot_table(index="regionname", columns="year", values="gdpcap"), pd.concat(parts, axis=1)


@pytest.mark.shared
def test_the_basque_country_as_in_abadie_and_gardeazabal(shared: Path):
    y, x = basque(shared)
    years = {"first_post": 1975 - 1955, "optimise": (1960 - 1955, 1970 - 1955)}
    found = synthetic_control(y, BASQUE, predictors=x, names=y.index, placebos=False, **years)
    assert found.top(0.01) == pytest.approx({"Cataluna": 0.8508, "Madrid (Comunidad De)": 0.1492}, abs=0.025)
    assert found.effect == pytest.approx(-0.69956, rel=0.025)


@pytest.mark.shared
def test_a_global_search_says_that_the_published_basque_optimum_is_a_local_one(shared: Path):
    y, x = basque(shared)
    years = {"first_post": 20, "optimise": (5, 15)}
    found = synthetic_control(y, BASQUE, predictors=x, names=y.index, placebos=False, search="global", **years)
    published = {"Cataluna": 0.8508, "Madrid (Comunidad De)": 0.1492}
    side = fit_of_weights(y, BASQUE, 20, published, names=y.index, periods=(5, 15))
    assert found.predictors is not None
    assert found.predictors.mspe < 0.5 * side.objective
    assert found.predictors.mspe == pytest.approx(found.predictors.least_mspe, rel=1e-5)


# ---- properties


@pytest.mark.parametrize("method", METHODS)
def test_order_of_donors_and_scale_do_not_matter(method):
    y = noise_panel(1)
    order = np.r_[0, 1 + np.random.default_rng(0).permutation(11)]
    plain = panel_effect(y, 0, 20, method)
    shuffled = panel_effect(y[order], 0, 20, method)
    scaled = panel_effect(1000 * y, 0, 20, method)
    assert shuffled.effect == pytest.approx(plain.effect, abs=1e-5)
    assert shuffled.donor_weights == pytest.approx(plain.donor_weights[order[1:] - 1], abs=1e-5)
    assert scaled.effect == pytest.approx(1000 * plain.effect, abs=1e-2)
    assert (scaled.rank, shuffled.rank) == (plain.rank, plain.rank)
    assert sorted(shuffled.placebo_effects.values()) == pytest.approx(sorted(plain.placebo_effects.values()), abs=1e-5)


@pytest.mark.parametrize("method", ["did", "sdid", "difp"])
def test_a_constant_difference_of_levels_does_not_matter_where_an_intercept_is_allowed(method):
    y = noise_panel(2)
    moved = y + np.r_[500.0, np.zeros(11)][:, None]
    assert panel_effect(moved, 0, 20, method).effect == pytest.approx(panel_effect(y, 0, 20, method).effect, abs=1e-6)


@pytest.mark.parametrize("method", METHODS)
def test_an_added_effect_is_added_to_the_estimate(method):
    y = noise_panel(3)
    lifted = y.copy()
    lifted[0, 20:] += 4
    change = panel_effect(lifted, 0, 20, method).effect - panel_effect(y, 0, 20, method).effect
    assert change == pytest.approx(4, abs=1e-9)


@pytest.mark.parametrize("method", METHODS)
def test_several_treated_units_are_averaged_and_compared_with_groups_of_donors(method):
    y = noise_panel(5, units=14)
    flags = np.zeros(14, bool)
    flags[[2, 5]] = True
    y[flags, 20:] += 30
    found = panel_effect(y, flags, 20, method)
    assert found.effect == pytest.approx(30, abs=8)
    assert found.placebo_n == 200
    assert found.rank == 1
    assert found.effect == panel_effect(y, [2, 5], 20, method).effect


@pytest.mark.parametrize("method", METHODS)
def test_the_gaps_after_average_to_the_effect_and_weights_to_one(method):
    found = panel_effect(noise_panel(6), 3, 21, method)
    assert found.gaps[21:].mean() == pytest.approx(found.effect)
    assert found.donor_weights.sum() == pytest.approx(1)
    assert found.donor_weights.min() >= 0


def test_did_is_the_difference_of_differences():
    y = noise_panel(7)
    change = y[:, 20:].mean(axis=1) - y[:, :20].mean(axis=1)
    assert panel_effect(y, 0, 20, "did").effect == pytest.approx(change[0] - change[1:].mean())


def test_placebo_ranks_are_uniform_where_there_is_no_effect():
    ranks = [panel_effect(noise_panel(seed, units=10, periods=24), 0, 18, "difp").rank for seed in range(200)]
    counts = np.bincount(ranks, minlength=11)[1:]
    assert counts.sum() == 200
    assert counts.max() < 42  # 20 expected in each of ten
    assert 8 <= counts[0] <= 34


def test_no_placebos_no_p_value():
    found = panel_effect(noise_panel(8), 0, 20, placebos=False)
    assert found.rank == 0
    assert np.isnan(found.p_value)
    assert np.isnan(found.standard_error)


# ---- predictors


def test_predictors_that_hold_the_treated_unit_inside_give_the_best_fit_among_exact_matches():
    rng = np.random.default_rng(9)
    donors = rng.normal(size=(10, 20)).cumsum(axis=1)
    truth = np.r_[0.6, 0.4, np.zeros(8)]
    x = rng.normal(size=(10, 2))
    y, x = np.vstack([truth @ donors, donors]), np.vstack([truth @ x, x])
    found = synthetic_control(y, 0, 15, predictors=x, placebos=False)
    assert found.donor_weights == pytest.approx(truth, abs=1e-4)


def test_given_predictor_weights_are_used():
    y = noise_panel(10)
    x = np.random.default_rng(1).normal(size=(12, 3))
    x[0] = [9, 9, 9]  # outside: the weights decide which donor is nearest
    one = synthetic_control(y, 0, 20, predictors=x, predictor_weights=[1, 0, 0], placebos=False)
    assert one.donor_weights.argmax() == x[1:, 0].argmax()
    assert one.predictors is not None
    assert one.predictors.weights == pytest.approx([1, 0, 0])


def test_every_donor_is_a_placebo_with_predictors_too():
    y = noise_panel(11, units=7)
    x = np.column_stack([y[:, 5:10].mean(axis=1), y[:, 15]])
    found = synthetic_control(y, 0, 20, predictors=x, training_predictors=x + 0.01, optimise=(10, 20))
    assert found.placebo_n == 6
    assert found.p_value == found.rank / 7


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"Y": np.ones(5)}, "Y must be"),
        ({"treated": 99}, "treated"),
        ({"treated": []}, "treated"),
        ({"treated": "Nowhere"}, "treated"),
        ({"treated": np.ones(12, bool)}, "treated leaves"),
        ({"first_post": 0}, "first_post"),
        ({"first_post": 30}, "first_post"),
        ({"first_post": 2.5}, "first_post"),
        ({"method": "magic"}, "method"),
        ({"names": ["a"] * 12}, "names"),
        ({"names": ["a"]}, "names"),
        ({"missing": "guess"}, "missing"),
    ],
)
def test_what_cannot_be_meant_is_named(change: dict, named: str):
    with pytest.raises(ValueError, match=named):
        panel_effect(**{"Y": noise_panel(0), "treated": 0, "first_post": 20, **change})


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"predictors": np.ones((12, 2))}, "same for every unit"),
        ({"predictors": np.ones((3, 2))}, "predictors must be"),
        ({"predictors": np.full((12, 2), np.nan)}, "missing"),
        ({"predictors": None, "optimise": (0, 3)}, "need predictors"),
        ({"predictor_weights": [1]}, "predictor_weights"),
        ({"predictor_weights": [-1, 1]}, "predictor_weights"),
        ({"optimise": (5, 25)}, "optimise"),
        ({"search": "luck"}, "search"),
        ({"training_predictors": np.arange(12.0)[:, None]}, "training_predictors"),
    ],
)
def test_what_cannot_be_meant_with_predictors_is_named(change: dict, named: str):
    x = np.random.default_rng(0).normal(size=(12, 2))
    with pytest.raises(ValueError, match=named):
        synthetic_control(noise_panel(0), 0, 20, **{"predictors": x, "placebos": False, **change})


def test_missing_values_are_refused_or_their_donors_left_out():
    y = noise_panel(12)
    y[4, 3] = np.nan
    with pytest.raises(ValueError, match="1 donors with missing"):
        panel_effect(y, 0, 20)
    found = panel_effect(y, 0, 20, missing="drop_donors")
    assert "4" not in found.donors
    assert any("left out" in w for w in found.warnings)
    with pytest.raises(ValueError, match="treated units are missing"):
        panel_effect(y, 4, 20, missing="drop_donors")


def test_published_weights_must_be_a_mean_of_donors():
    y = noise_panel(13)
    with pytest.raises(ValueError, match="sum to 1"):
        fit_of_weights(y, 0, 20, {"1": 0.5})
    with pytest.raises(ValueError, match="no donors"):
        fit_of_weights(y, 0, 20, {"0": 1.0})
    own = panel_effect(y, 0, 20, "difp", placebos=False)
    side = fit_of_weights(y, 0, 20, own.donor_weights, intercept=True)
    assert side.pre_ssr == pytest.approx(own.pre_ssr)
    assert side.effect == pytest.approx(own.effect)


def test_the_calls_are_reachable_from_the_package():
    assert analyzer.panel_effect is panel_effect
    assert analyzer.synthetic_control is synthetic_control
