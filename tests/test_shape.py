"""The shape of an effect: what it says of panels with known truth, and what it refuses to say."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from series_files import QUIET, panel, write_tor

import analyzer
from analyzer.cli import vpn_uptake
from analyzer.errors import NotEnoughData
from analyzer.estimators import Shape, change_points, estimate_effect, estimate_shape
from analyzer.outputs.study_text import render
from analyzer.simulate import SimulatedPanel, scenario, simulate
from analyzer.study.shapes import COLUMNS

BLOCK = "sd-2018-12-21-social"
ONSET = 150


def simulated(name: str, seed: int = 1, **changes: object) -> SimulatedPanel:
    """A panel of 150 steps before onset; 42 after it unless said otherwise."""
    settings = replace(scenario(name), **{"horizon": 42, "before": ONSET, **changes})  # type: ignore[arg-type]
    return simulate(settings, np.random.default_rng([5, seed]))


def shape(p: SimulatedPanel, **options: object) -> Shape:
    """Its shape, with four steps kept out of the base and residuals that 42 steps hold."""
    asked = {"anticipation": 4, "residuals": (30,), **options}
    return estimate_shape(p.y, p.onset, **asked)  # type: ignore[arg-type]


def realised(p: SimulatedPanel, at: int) -> float:
    """The true ratio of the seven steps that end `at` steps after onset."""
    window = slice(p.onset + at - 7, p.onset + at)
    seen = np.isfinite(p.y[window])
    return p.y[window][seen].sum() / p.y0[window][seen].sum()


@pytest.mark.parametrize("seed", [1, 2])
def test_intervals_hold_the_truth_of_a_decay(seed: int):
    p = simulated("clean:decay", seed, horizon=91)
    found = shape(p, residuals=(30, 60, 90))
    assert found.direction == "rise"
    assert found.peak.low < 2.5 < found.peak.high
    assert found.peak_step.low == 0
    assert found.half_life.low < 12 < found.half_life.high
    for at, residual in found.residuals.items():
        assert residual.low < realised(p, at) < residual.high
    assert found.anticipation.low < 1 < found.anticipation.high


def test_nothing_happening_gives_no_confident_peak():
    """The interval of the highest of 28 steps holds 1 in at least nine of ten series without an effect."""
    found = [shape(simulated("clean:zero", seed, horizon=28), residuals=()).peak for seed in range(20)]
    assert sum(peak.low <= 1 <= peak.high for peak in found) >= 18


def test_a_peak_of_two_days_is_found_on_them_and_falls_to_half_at_once():
    found = shape(simulated("clean:spike"))
    assert found.peak.low > 1.5
    assert found.peak.low < 2.5 < found.peak.high
    assert found.peak_step.high <= 1
    assert found.half_life.low <= 1 <= found.half_life.high <= 3


def test_a_level_that_lasts_has_a_half_life_longer_than_the_data():
    found = shape(simulated("clean:shift")).half_life
    assert found.value is None
    assert found.high is None
    assert found.low > 10
    assert "the data end" in found.note


def test_a_fall_has_a_trough():
    found = shape(simulated("clean:decay", ratio=0.3))
    assert found.direction == "fall"
    assert found.peak.low < 0.3 < found.peak.high < 1
    assert found.half_life.low < 12 < found.half_life.high


def test_a_series_that_ends_after_ten_days_refuses_what_lies_beyond():
    p = simulated("clean:decay")
    found = estimate_shape(p.y[: ONSET + 10], ONSET, anticipation=4)
    assert found.peak.value is not None
    assert all(r.value is None and r.note for r in found.residuals.values())
    assert len(found.path) == 2
    assert found.half_life.high is None


def test_a_gap_is_said_in_the_path_and_the_rest_is_read():
    p = simulated("clean:decay")
    y = p.y.copy()
    y[ONSET + 7 : ONSET + 14] = np.nan
    found = estimate_shape(y, ONSET, anticipation=4, residuals=(14, 30))
    assert found.path[1].value is None
    assert "0 of 7 steps observed" in found.path[1].note
    assert found.path[2].value is not None
    assert found.residuals[14].value is None
    assert found.residuals[30].low < realised(p, 30) < found.residuals[30].high


def test_levels_are_the_engines_own_answers():
    p = simulated("clean:decay")
    effect = estimate_effect(p.y, p.onset, 7, anticipation=4)
    first = shape(p).path[0]
    assert (first.value, first.low, first.high) == (effect.ratio, effect.ratio_low, effect.ratio_high)


def test_later_levels_have_wider_intervals_than_the_first():
    path = shape(simulated("walk:shift")).path
    widths = [np.log(s.high / s.low) for s in path]
    assert widths[-1] > widths[0]


def test_an_earlier_block_stays_out_of_the_base_of_every_window():
    """A block that ended 20 steps before onset must not enter the base of windows that begin more than 28 after it."""
    p = simulated("clean:zero", before=240)
    y = p.y.copy()
    y[215:] *= 2.0
    found = estimate_shape(y, 240, anticipation=4, residuals=(30,), other_events=[(215, 220)])
    assert found.path[0].low < 2 < found.path[0].high
    assert found.residuals[30].low < 2 < found.residuals[30].high
    assert found.residuals[30].low > 1


def test_another_block_cuts_the_half_life_and_is_said():
    p = simulated("clean:decay")
    found = shape(p, other_events=[(ONSET + 14, ONSET + 16)])
    assert "another block begins at step 164" in found.residuals[30].note
    assert found.half_life.high is None
    assert any("another block begins" in w for w in found.warnings)


def test_restoration_is_measured_against_the_level_without_a_block():
    p = simulated("clean:zero")
    y = p.y.copy()
    y[ONSET : ONSET + 5] *= 0.1
    y[ONSET + 5 : ONSET + 12] *= 3.0
    found = estimate_shape(y, ONSET, end=ONSET + 5, anticipation=4, residuals=())
    assert found.direction == "fall"
    assert found.peak.high < 0.2
    assert found.overshoot.low < 3 < found.overshoot.high
    assert found.overshoot.low > 2


def test_what_was_not_asked_is_refused_with_its_reason():
    found = shape(simulated("clean:decay"), anticipation=0)
    assert found.anticipation.value is None
    assert "kept out" in found.anticipation.note
    assert "no end" in found.overshoot.note


def test_few_units_give_bounds_and_no_ratio():
    found = shape(simulated("clean:shift", level=4.0))
    assert found.peak.value is None
    assert found.peak.high is None
    assert "fewer than 10" in found.peak.note
    assert found.peak.low > 0


def test_a_share_with_its_denominators_has_a_shape():
    p = simulated("clean:decay")
    exposure = np.full(p.y.size, 100_000.0)
    found = shape(p, scale="share", exposure=exposure)
    assert found.peak.low < 2.5 < found.peak.high


def test_hours_are_smoothed_over_a_day():
    p = simulated("hourly:shift", before=5 * 168, horizon=48)
    found = estimate_shape(p.y, p.onset, season=168, anticipation=4, residuals=())
    assert found.width == 24
    assert len(found.path) == 2
    assert found.peak.low < 2.5 < found.peak.high


def test_the_same_question_gives_the_same_digits():
    p = simulated("mix:decay", horizon=28)
    assert shape(p, residuals=()) == shape(p, residuals=())


def test_arguments_that_cannot_be_meant_are_named():
    p = simulated("clean:zero")
    with pytest.raises(ValueError, match="onset"):
        estimate_shape(p.y, p.y.size)
    with pytest.raises(ValueError, match="onset must be a whole number"):
        estimate_shape(p.y, 150.0)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="end"):
        estimate_shape(p.y, ONSET, end=ONSET - 1)
    with pytest.raises(ValueError, match="residuals"):
        estimate_shape(p.y, ONSET, residuals=(0,))


def test_silence_is_a_trough_of_nothing_with_an_upper_bound():
    y = simulated("clean:zero").y.copy()
    y[ONSET:] = 0
    found = estimate_shape(y, ONSET, anticipation=4, residuals=())
    assert (found.peak.value, found.peak.low) == (0, 0)
    assert 0 < found.peak.high < 0.1


def test_skewed_noise_is_not_taken_for_a_trough():
    held = []
    for seed in range(30):
        y = np.random.default_rng(seed).gamma(1.2, 50.0, 178).round()
        peak = estimate_shape(y, ONSET, residuals=()).peak
        held.append((peak.low or 0.0) <= 1 <= (peak.high or np.inf))
    assert np.mean(held) >= 0.9


def test_a_series_that_stops_before_onset_has_no_shape():
    y = simulated("clean:zero").y.copy()
    y[ONSET:] = np.nan
    with pytest.raises(NotEnoughData, match="no step after onset"):
        estimate_shape(y, ONSET)


def wandering(seed: int, steps: int = 300) -> np.ndarray:
    """Counts with a weekly cycle and a level that wanders a little."""
    rng = np.random.default_rng(seed)
    week = np.resize([0.1, 0.0, 0.0, 0.05, 0.0, -0.1, -0.05], steps)
    return rng.poisson(300 * np.exp(week + np.cumsum(rng.normal(0, 0.004, steps)))).astype(float)


def test_several_changes_are_found_on_their_days():
    y = wandering(1)
    y[200:220] *= 2.0
    y[220:] *= 1.4
    first, second = change_points(y, 205, 60)
    assert first.low <= 200 <= first.high
    assert second.low <= 220 <= second.high
    assert first.ratio == pytest.approx(2.0, rel=0.15)
    assert second.ratio == pytest.approx(0.7, rel=0.15)


def test_the_dates_of_a_change_hold_its_day_in_nearly_all_series():
    held = []
    for seed in range(60):
        y = wandering(seed)
        y[200:] *= 1.35
        held += [c.low <= 200 <= c.high for c in change_points(y, 195, 42) if abs(c.step - 200) < 10]
    assert len(held) >= 54
    assert np.mean(held) >= 0.93


def test_wandering_alone_shows_a_change_in_few_of_many_series():
    assert sum(bool(change_points(wandering(seed), 200, 42)) for seed in range(100, 160)) <= 6


def test_a_short_or_empty_history_shows_no_change():
    y = wandering(3)
    y[40:] *= 3
    assert change_points(y[:60], 40, 14) == ()
    assert change_points(np.full(300, np.nan), 200, 42) == ()


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> analyzer.api.Database:
    """Sudan doubles from the block's first day on; nothing else changes."""
    folder = tmp_path_factory.mktemp("shape")
    db = analyzer.open(folder / "s.duckdb")
    db.load(write_tor(folder / "bridge.csv", panel({"sd": {date(2018, 12, 21): 2.0}})))
    return db


def test_an_estimate_prints_the_shape_of_a_rise(database: analyzer.api.Database):
    study = database.estimate(BLOCK, horizons=["14d"])
    (found,) = study.shapes
    assert found.direction == "rise"
    by_name = {f.feature: f for f in found.features}
    assert by_name["peak"].low < 2 < by_name["peak"].high
    assert by_name["residual_30d"].day == "2019-01-19"
    assert by_name["half_life"].unit == "days"
    assert all(f.value is not None or f.note for f in found.features)
    text = " ".join(render(study).decode().split())
    assert f"shape: peak x{by_name['peak'].value:.2f}" in text
    assert "after 30 days x" in text


def test_without_a_change_no_shape_is_read_unless_asked_for(database: analyzer.api.Database):
    assert database.estimate(cc="PK", date=date(2018, 11, 24), horizons=["14d"]).shapes == ()
    peaks = []
    for day in (date(2018, 11, 10), date(2018, 11, 24), date(2019, 1, 12)):
        (found,) = database.estimate(cc="PK", date=day, horizons=["14d"], shapes="all").shapes
        peaks.append(next(f for f in found.features if f.feature == "peak"))
    assert sum(peak.low <= 1 <= peak.high for peak in peaks) >= 2


def test_the_command_prints_one_row_per_feature(database: analyzer.api.Database):
    asked = ["estimate", BLOCK, "--shape", "--horizon", "14d", "--format", "csv", "--db", str(database.store.path)]
    done = CliRunner().invoke(vpn_uptake, asked)
    assert done.exit_code == 0, done.output
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    assert tuple(rows[0]) == COLUMNS
    names = {row["feature"] for row in rows}
    assert {
        "peak",
        "peak_day",
        "half_life",
        "residual_30d",
        "residual_90d",
        "anticipation",
        "overshoot",
        "path",
    } <= names
    assert all(row["value"] or row["low"] or row["high"] or row["note"] for row in rows)


@pytest.mark.shared
def test_the_shared_cases_have_the_shape_the_data_show(shared: Path, tmp_path: Path):
    """Sudan peaks in its first days and is back within 90; Uganda stops on day 6."""
    whole = shared / "data" / "series" / "tor-bridge-2018-2020" / "userstats-bridge-country.csv"
    lines = whole.read_text(encoding="ascii").splitlines(keepends=True)
    cut = [line for line in lines if line.startswith(("#", "date")) or line.split(",")[1] in (*QUIET, "sd", "ug")]
    (tmp_path / "cut.csv").write_text("".join(cut), encoding="ascii")
    db = analyzer.open(tmp_path / "s.duckdb")
    db.load(tmp_path / "cut.csv")
    sudan = {f.feature: f for f in db.estimate("sd-2018-12-21-social", horizons=["14d"]).shapes[0].features}
    assert sudan["peak_day"].day == "2018-12-23"
    assert sudan["peak"].low > 1.5
    assert 0 < sudan["half_life"].low <= sudan["half_life"].value < 30
    assert sudan["residual_90d"].low < 1 < sudan["residual_90d"].high
    study = db.estimate("ug-2018-07-01-ott", horizons=["7d"], shapes="all")
    uganda = {f.feature: f for f in study.shapes[0].features}
    assert uganda["peak"].value > 1.5
    for name in ("half_life", "residual_30d", "residual_60d", "residual_90d"):
        assert uganda[name].value is None
        assert uganda[name].note
    assert all(f.day < "2018-07-07" for f in study.shapes[0].features if f.feature == "change")


def test_a_peak_is_at_most_what_its_highest_step_showed():
    """That it was picked as the highest is taken off, and the note says what was observed there."""
    for seed in range(4):
        rng = np.random.default_rng(seed)
        y = rng.poisson(300 * np.exp(rng.normal(0, 0.15, 240))).astype(float)
        y[200:] = np.round(y[200:] * (1 + 1.5 * 0.5 ** (np.arange(40) / 10)))
        peak = estimate_shape(y, 200).peak
        assert peak.value is not None
        highest = float(re.findall(r"highest step observed x([\d.]+)", peak.note)[0])
        assert peak.value <= highest + 0.01
