"""Whatever is handed over: an error that names the argument, a refusal with its reason, or an honest interval."""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Iterator

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.cli import vpn_uptake
from analyzer.errors import NotEnoughData
from analyzer.estimators import estimate_effect, placebo_errors
from analyzer.records import Effect, Pool

ONSET, HORIZON = 160, 14
STEPS = ONSET + HORIZON

pytestmark = pytest.mark.filterwarnings("error")


def counts(seed: int = 0, steps: int = STEPS, level: float = 400.0) -> np.ndarray:
    """Daily counts with a weekly cycle, a wandering level and noise."""
    draw = np.random.default_rng(seed)
    path = np.log(level) + np.cumsum(draw.normal(0, 0.01, steps)) + draw.normal(0, 0.05, steps)
    return draw.poisson(np.exp(path + 0.2 * np.sin(2 * np.pi * np.arange(steps) / 7))).astype(float)


def changed(value: float, at: slice | int) -> np.ndarray:
    y = counts()
    y[at] = value
    return y


def honest(effect: Effect) -> None:
    """Finite and ordered."""
    numbers = [
        getattr(effect, name) for name in Effect.__dataclass_fields__ if isinstance(getattr(effect, name), float)
    ]
    assert np.isfinite(numbers).all()
    assert effect.expected_low <= effect.expected <= effect.expected_high
    assert effect.ratio_low <= effect.ratio <= effect.ratio_high
    assert effect.excess_low <= effect.excess <= effect.excess_high


def width(effect: Effect) -> float:
    return effect.expected_high / effect.expected_low


@pytest.fixture(scope="module")
def pool() -> Pool:
    lent = [placebo_errors(counts(s), ONSET, HORIZON) for s in range(8)]
    return Pool(np.concatenate([p.errors for p in lent]), np.array([p.log_variance for p in lent]), HORIZON)


@pytest.fixture(scope="module")
def donors() -> np.ndarray:
    return np.column_stack([counts(s) for s in range(1, 5)])


REFUSED = {
    "all missing": (np.full(STEPS, np.nan), "0 of 14 steps observed"),
    "zeros": (np.zeros(STEPS), "no level to start from"),
    "a base of zeros": (changed(0, slice(0, ONSET)), "no level to start from"),
    "one single value": (np.where(np.arange(STEPS) == 50, 5.0, np.nan), "0 of 14 steps observed"),
    "tiny": (counts() * 1e-300, "no indicator counts that"),
    "huge": (counts() * 1e300, "no indicator counts that"),
    "tiny and huge": (np.where(np.arange(STEPS) % 2, 1e-300, 1e300), "no indicator counts that"),
    "an absurd step": (changed(1e20, 80), "at step 80, over a thousand million times the usual"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_series_that_says_nothing_is_refused_with_its_reason(name):
    y, words = REFUSED[name]
    with pytest.raises(NotEnoughData, match=words):
        estimate_effect(y, ONSET, HORIZON)


GIVEN = {
    "constant": np.full(STEPS, 50.0),
    "constant fraction": np.full(STEPS, 50.123),
    "one step above zero": np.where(np.arange(STEPS) == 50, 5.0, 0.0),
    "a window of zeros": changed(0, slice(ONSET, None)),
    "a giant last step of the base": changed(4e7, ONSET - 1),
    "a last step of zero": changed(0, ONSET - 1),
    "every step twice": np.repeat(counts()[: STEPS // 2], 2),
    "small fractions": counts() * 1e-20,
    "large numbers": counts() * 1e20,
    "integers": counts().astype(int),
    "single precision": counts().astype(np.float32),
    "objects": counts().astype(object),
    "a list": list(counts()),
}


@pytest.mark.parametrize("name", GIVEN)
def test_odd_series_get_finite_ordered_intervals(name):
    honest(estimate_effect(GIVEN[name], ONSET, HORIZON))


def test_a_constant_series_does_not_claim_to_know_its_future_exactly():
    for level in (50.0, 50.123, 5000.0):
        effect = estimate_effect(np.full(STEPS, level), ONSET, HORIZON)
        assert width(effect) > 1 + 2 / np.sqrt(14 * level)


def test_a_giant_last_step_does_not_raise_what_is_expected():
    usual = estimate_effect(counts(), ONSET, HORIZON)
    effect = estimate_effect(GIVEN["a giant last step of the base"], ONSET, HORIZON)
    assert effect.expected == pytest.approx(usual.expected, rel=0.15)
    assert width(effect) >= width(usual)


def test_masked_steps_are_missing_and_not_the_number_below_the_mask():
    masked = np.ma.array(changed(9e5, 100), mask=np.arange(STEPS) == 100)
    plain = estimate_effect(changed(np.nan, 100), ONSET, HORIZON)
    assert estimate_effect(masked, ONSET, HORIZON).expected == plain.expected


@pytest.mark.parametrize(
    ("name", "change"),
    [
        *[("onset", {"onset": v}) for v in (0, -1, STEPS, 10**30, 160.0, np.float64(160), True, None, "160")],
        *[("horizon", {"horizon": v}) for v in (0, -1, 14.0, None)],
        *[("y", {"y": v}) for v in ("abc", [], 5, [[1], [1, 2]], counts()[:, None], counts().astype(complex))],
        *[("y", {"y": v}) for v in (changed(np.inf, 3), changed(-1, 3), np.arange(STEPS).astype("datetime64[D]"))],
        *[("level", {"level": v}) for v in (0, 1, np.nan, -1, 2, "a", None, np.inf)],
        *[("season", {"season": v}) for v in (0, -7, 7.0)],
        *[("other_events", {"other_events": v}) for v in ([(50, 40)], [(1, 2, 3)], [5], ["ab"], None, [(0, np.inf)])],
        *[("other_events", {"other_events": v}) for v in ([(np.nan, 9)], [(1.5, 9)])],
        *[("donor", {"donors": np.full((STEPS, 2), v)}) for v in (np.inf, -1.0)],
        *[("donors", {"donors": v}) for v in ("x", np.ones((3, 4)), np.ones((STEPS, 2, 2)))],
        *[("holidays", {"holidays": v}) for v in (np.full(STEPS, np.nan), ["a"] * STEPS, np.arange(STEPS))],
        *[("pool", {"pool": v}) for v in ("x", Pool(np.array([np.nan]), np.array([np.inf]), 14))],
        ("seed", {"seed": -1}),
    ],
)
def test_an_argument_that_cannot_be_meant_is_named(name, change):
    arguments = {"y": counts(), "onset": ONSET, "horizon": HORIZON} | change
    with pytest.raises(ValueError, match=name):
        estimate_effect(**arguments)


def test_whole_numbers_of_numpy_are_whole_numbers():
    plain = estimate_effect(counts(), ONSET, HORIZON)
    assert estimate_effect(counts(), np.int64(ONSET), np.int32(HORIZON)).expected == plain.expected


@pytest.mark.parametrize("horizon", [18, 100, 10**6, 10**9, 10**18])
def test_a_window_far_beyond_the_series_is_refused_without_building_it(horizon):
    with pytest.raises(NotEnoughData, match=f"14 of {horizon} steps"):
        estimate_effect(counts(), ONSET, horizon)


def test_ten_steps_of_history_are_worth_less_than_many(pool):
    widths = []
    for before in (10, 40, 160):
        y = counts()[ONSET - before :]
        effect = estimate_effect(y, before, HORIZON, pool=pool)
        honest(effect)
        widths.append(width(effect))
    assert widths[0] > widths[1] > widths[2]
    with pytest.raises(NotEnoughData, match="disjoint replications"):
        estimate_effect(counts()[ONSET - 10 :], 10, HORIZON)


@pytest.mark.slow
def test_ten_years_of_days_take_time_in_proportion():
    def seconds(before: int) -> float:
        y = counts(steps=before + HORIZON)
        taken = []
        for _ in range(2):
            began = time.process_time()
            honest(estimate_effect(y, before, HORIZON))
            taken.append(time.process_time() - began)
        return min(taken)

    short, long = seconds(912), seconds(3650)
    assert long < 8 * short  # four times the steps; a quadratic one would take sixteen times as long
    assert long < 3


@pytest.mark.parametrize("season", [1, 2, 7, 30, 80, 100, 1000, 10**9, 168])
def test_a_season_longer_than_the_base_is_no_season(season):
    effect = estimate_effect(counts(), ONSET, HORIZON, season=season)
    honest(effect)
    if 2 * season > ONSET:
        assert any("less than" in warning for warning in effect.warnings)


# Donors


COPIES = {
    "exact": lambda y: y,
    "scaled": lambda y: 3.7 * y,
    "with 0.1 % noise": lambda y: y * np.exp(np.random.default_rng(1).normal(0, 0.001, y.size)),
    "with 1 % noise": lambda y: y * np.exp(np.random.default_rng(1).normal(0, 0.01, y.size)),
    "rounded": lambda y: np.round(y / 8) * 8,
}


@pytest.mark.parametrize("name", COPIES)
def test_a_donor_that_is_the_treated_series_does_not_explain_the_effect_away(name, donors):
    y = changed(0, 0)
    y[ONSET:] *= 2
    copy = COPIES[name](y)
    for columns in (copy[:, None], np.column_stack([donors, copy]), np.column_stack([copy, copy, copy])):
        effect = estimate_effect(y, ONSET, HORIZON, donors=columns)
        honest(effect)
        assert effect.ratio_low > 1.5
        assert any("repeats the treated series" in warning for warning in effect.warnings)


def test_a_donor_that_shares_the_path_is_no_copy():
    draw = np.random.default_rng(4)
    path = 6 + np.cumsum(draw.normal(0, 0.06, STEPS))
    y, other = (draw.poisson(np.exp(path)).astype(float) for _ in range(2))
    effect = estimate_effect(y, ONSET, HORIZON, donors=other)
    assert not any("repeats" in warning for warning in effect.warnings)
    assert width(effect) < width(estimate_effect(y, ONSET, HORIZON))


def test_a_twin_that_parts_in_the_window_is_no_copy():
    twin = counts()
    y = twin.copy()
    y[ONSET:] *= 2
    effect = estimate_effect(y, ONSET, HORIZON, donors=twin)
    assert not any("repeats" in warning for warning in effect.warnings)
    assert effect.ratio_low > 1.8


@pytest.mark.parametrize("value", [0.0, 7.0, np.nan, 1e80])
@pytest.mark.parametrize("where", ["all", "one donor", "one step", "a step of the window"])
def test_donors_of_nothing_are_left_out_or_harmless(value, where, donors):
    matrix = donors.copy()
    at = {"all": np.s_[:], "one donor": np.s_[:, 1], "one step": np.s_[80, 1], "a step of the window": np.s_[165, 1]}
    matrix[at[where]] = value
    effect = estimate_effect(counts(), ONSET, HORIZON, donors=matrix)
    honest(effect)
    if where in ("all", "one donor"):
        assert any("donor 1 is left out" in warning for warning in effect.warnings)
    assert effect.expected == pytest.approx(estimate_effect(counts(), ONSET, HORIZON).expected, rel=0.1)


def test_donors_with_holes_are_left_out_or_bridged(donors):
    holed = np.where(np.random.default_rng(0).random(donors.shape) < 0.2, np.nan, donors)
    honest(estimate_effect(counts(), ONSET, HORIZON, donors=holed))


def test_more_donors_than_steps(pool):
    many = np.random.default_rng(0).poisson(100, (60 + HORIZON, 90)).astype(float)
    honest(estimate_effect(counts(steps=60 + HORIZON), 60, HORIZON, donors=many, pool=pool))


# Events


@pytest.mark.parametrize(
    "events",
    [
        [(0, STEPS)], [(0, ONSET)], [(-(10**18), 10**18)], [(10, 50), (30, 60)], [(10, 20)] * 5,
        [(-50, -10), (500, 600)], np.array([[10, 20]]), [(i, i + 1) for i in range(0, 150, 2)],
        [(ONSET, STEPS)], [(50, 50)],
    ],
)  # fmt: skip
@pytest.mark.parametrize("estimand", ["no_block_since_base", "just_before"])
def test_any_events_give_a_refusal_or_an_interval(events, estimand):
    try:
        honest(estimate_effect(counts(), ONSET, HORIZON, other_events=events, estimand=estimand))
    except NotEnoughData as error:
        assert "step" in str(error) or "replications" in str(error)


def test_a_constant_series_with_earlier_events_is_served():
    events = [(20, 30), (20, 30), (100, 104)]
    honest(estimate_effect(np.full(STEPS, 50.0), ONSET, HORIZON, other_events=events))


def test_events_that_ended_before_the_series_or_begin_after_it_change_nothing():
    effect = estimate_effect(counts(), ONSET, HORIZON, other_events=[(-50, -10), (500, 600)])
    assert effect.expected == estimate_effect(counts(), ONSET, HORIZON).expected


def test_a_share_without_denominators_in_the_window_is_not_observed():
    exposure = changed(np.nan, slice(ONSET, None))
    with pytest.raises(NotEnoughData, match="0 of 14 steps observed"):
        estimate_effect(counts() / 1000, ONSET, HORIZON, scale="share", exposure=exposure)


def test_a_rank_below_the_first_is_no_rank():
    with pytest.raises(NotEnoughData, match="rank below 1 at step 165"):
        estimate_effect(changed(0, 165), ONSET, HORIZON, scale="rank")


values = st.one_of(
    st.floats(0, 1e6), st.sampled_from([0.0, 1.0, 1.0, 5.0, np.nan, 1e-9, 1e9, 400.0]), st.integers(0, 50).map(float)
)


@settings(max_examples=60, deadline=None)
@given(
    y=st.lists(values, min_size=12, max_size=120),
    place=st.floats(0.05, 0.99),
    horizon=st.integers(1, 30),
    season=st.sampled_from([1, 7, 24]),
    scale=st.sampled_from(["count", "index"]),
    anticipation=st.integers(0, 5),
    holes=st.floats(0, 0.5),
)
def test_no_array_gives_anything_but_a_refusal_or_an_honest_interval(
    *, y, place, horizon, season, scale, anticipation, holes
):
    array = np.array(y)
    array[np.random.default_rng(len(y)).random(array.size) < holes] = np.nan
    onset = max(int(place * array.size), 1)
    donors = np.column_stack([array[::-1], np.roll(array, 3)])
    try:
        effect = estimate_effect(
            array, onset, horizon, season=season, scale=scale, anticipation=anticipation, donors=donors
        )
    except NotEnoughData as error:
        assert str(error)
        return
    if np.isfinite([effect.expected_high, effect.ratio_high]).all():
        honest(effect)
    else:
        assert any("one-sided bound" in warning for warning in effect.warnings)


# The command


def table(series: dict[str, np.ndarray]) -> Iterator[str]:
    yield "day,country,app,people"
    for name, y in series.items():
        days = np.datetime64("2024-06-30") - np.arange(y.size)[::-1]
        yield from (f"{day},NZ,{name},{'' if np.isnan(v) else repr(float(v))}" for day, v in zip(days, y, strict=True))


HOSTILE = {
    "all missing": np.full(STEPS, np.nan),
    "zeros": np.zeros(STEPS),
    "zeros in the base": changed(0, slice(0, ONSET)),
    "constant": np.full(STEPS, 50.0),
    "huge": counts() * 1e300,
    "an absurd step": changed(8e9, 80) / np.where(np.arange(STEPS) == 80, 1, 1e4),
    "negative": changed(-5, 80),
    "infinite": changed(np.inf, 80),
    "twelve days": counts()[-12:],
    "stops in the window": changed(np.nan, slice(ONSET + 6, None)),
}
MAPPING = """indicator = { value = "app.downloads" }
unit = { value = "downloads" }
cc = "country"
entity = "app"
value = "people"
negative = true
time = { column = "day", grain = "day", zone = "UTC" }
"""


def test_the_command_never_ends_in_a_traceback(tmp_path):
    (tmp_path / "t.csv").write_text("\n".join(table(HOSTILE)) + "\n", encoding="utf-8")
    (tmp_path / "map.toml").write_text(MAPPING, encoding="utf-8")
    db = ["--db", str(tmp_path / "u.duckdb")]
    run = CliRunner().invoke
    loaded = run(vpn_uptake, ["load", *db, "--map", str(tmp_path / "map.toml"), str(tmp_path / "t.csv")])
    assert loaded.exit_code == 0, loaded.output
    asked = ["--cc", "NZ", "--date", "2024-06-17", "--horizon", "14d", "--format", "csv"]
    done = run(vpn_uptake, ["estimate", *db, *asked])
    assert done.exit_code == 0, done.output
    reasons = {row["entity"]: row for row in csv.DictReader(io.StringIO(done.stdout)) if row["horizon"] == "14d"}
    for name in ("zeros in the base", "an absurd step", "negative", "stops in the window"):
        assert reasons[name]["verdict"] == "not_estimable", name
        assert "no estimate can be given" in reasons[name]["reasons"]
        assert reasons[name]["ratio"] == ""
    assert "6 of 14 days observed" in reasons["stops in the window"]["reasons"]
    assert float(reasons["constant"]["ratio_low"]) <= 1 <= float(reasons["constant"]["ratio_high"])
