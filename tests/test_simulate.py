"""The simulator: its truth is true, its noise is the stated one, its files cannot be taken for measurements."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer import simulate as sim
from analyzer.errors import UnknownName
from analyzer.places import is_country


def panel(settings: sim.Scenario | str, seed: int = 1) -> sim.SimulatedPanel:
    return sim.simulate(settings, np.random.default_rng(seed))


def data_rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(line for line in file if not line.startswith("#")))


@pytest.mark.parametrize("name", sim.scenarios())
def test_every_scenario_gives_counts_and_a_complete_counterfactual(name):
    p = panel(name)
    seen = p.y[np.isfinite(p.y)]
    assert p.y.shape == p.y0.shape == p.y_before.shape == (p.onset + p.horizon,)
    assert np.isfinite(p.y0).all()
    assert (seen >= 0).all()
    assert (seen == np.round(seen)).all()


@pytest.mark.parametrize("name", sim.scenarios())
def test_without_a_block_the_observed_total_is_the_counterfactual_one(name):
    p = panel(f"{name}:zero")
    observed, expected = p.truth("just_before")
    assert observed == expected > 0


def test_the_same_seed_gives_the_same_panel_and_another_seed_another():
    assert np.array_equal(panel("mix", 3).y, panel("mix", 3).y, equal_nan=True)
    assert not np.array_equal(panel("mix", 3).y, panel("mix", 4).y, equal_nan=True)


def test_a_block_changes_nothing_before_its_onset():
    calm, hit = panel("clean:zero"), panel("clean:shift")
    assert np.array_equal(calm.y[: calm.onset], hit.y[: hit.onset])
    assert hit.y[hit.window].sum() > 2 * calm.y[calm.window].sum()


@pytest.mark.parametrize(("shape", "ratio"), [("shift", 2.5), ("shift", 0.3), ("shift", 0.0), ("zero", 2.5)])
def test_the_realised_ratio_is_the_one_asked_for(shape, ratio):
    observed, expected = panel(sim.Scenario(shape=shape, ratio=ratio, horizon=200)).truth()
    assert observed / expected == pytest.approx(1.0 if shape == "zero" else ratio, abs=0.05)


def test_shapes_take_their_course():
    def course(shape: str) -> list[float]:
        s = sim.Scenario(shape=shape, ratio=11.0, halflife=5.0, level=1e6, weekly=0.0, dispersion=0.0, horizon=10)
        p = panel(s)
        return list((p.y / p.y0)[p.window])

    assert course("spike") == pytest.approx([11.0] * 2 + [1.0] * 8, rel=0.02)
    assert course("shift") == pytest.approx([11.0] * 10, rel=0.02)
    assert course("decay")[5] == pytest.approx(6.0, rel=0.02)
    assert course("ramp") == pytest.approx([1 + 10 * min(k, 7) / 7 for k in range(1, 11)], rel=0.02)


def test_counts_vary_more_than_poisson_by_the_stated_dispersion():
    flat = sim.Scenario(before=20_000, level=100.0, weekly=0.0, dispersion=0.05)
    y0 = panel(flat).y0
    assert y0.mean() == pytest.approx(100, rel=0.02)
    assert y0.var() == pytest.approx(100 + 0.05 * 100**2, rel=0.06)


def test_the_weekly_cycle_returns_every_seven_days():
    y0 = panel(sim.Scenario(before=7000, horizon=7, weekly=0.3, dispersion=0.0)).y0
    log = np.log(y0)
    log -= log.mean()
    assert (log[7:] * log[:-7]).mean() > 0.95 * log.var()


def test_hours_repeat_by_the_week():
    p = panel("hourly")
    assert p.season == 168
    week = np.log(p.y0[: 5 * 168].reshape(5, 168))
    assert week.mean(axis=0).std() > 3 * week.std(axis=0).mean()


def test_autoregressive_noise_has_the_stated_size_and_memory():
    y0 = panel(sim.Scenario(before=20_000, level=1e6, weekly=0.0, dispersion=0.0, ar_phi=0.8, ar_sd=0.12)).y0
    log = np.log(y0) - np.log(y0).mean()
    assert log.std() == pytest.approx(0.12, rel=0.06)
    assert np.corrcoef(log[1:], log[:-1])[0, 1] == pytest.approx(0.8, abs=0.02)


def test_a_gap_may_follow_the_onset_and_the_truth_counts_only_observed_steps():
    p = panel(replace(sim.scenario("gaps:shift"), missing=0.0))
    assert np.isnan(p.y[p.onset])
    observed, expected = p.truth()
    assert observed == np.nansum(p.y[p.window])
    assert expected == p.y0[p.onset + 1 :].sum()


def test_outliers_mislead_before_onset_and_leave_the_truth_alone():
    p = panel(replace(sim.scenario("clean"), outliers=0.2))
    assert (p.y != p.y0)[: p.onset].mean() > 0.1
    assert np.array_equal(p.y[p.window], p.y0[p.window])


def test_donors_share_the_common_factor_unless_they_are_irrelevant():
    s = replace(sim.scenario("mix-donors"), before=2000, weekly=0.0, outliers=0.0, missing=0.0, holidays=0, heavy=False)
    smooth = np.ones(20) / 20
    related, others = [], []
    for seed in range(5):
        p = panel(s, seed)
        changes = [np.diff(np.convolve(np.log(x + 1), smooth, "valid")[::20]) for x in (p.y0, *p.donors.T)]
        r = np.array([np.corrcoef(changes[0], c)[0, 1] for c in changes[1:]])
        related += list(r[p.relevant])
        others += list(r[~p.relevant])
    assert np.median(related) > 0.5
    assert abs(np.median(others)) < 0.2


def test_one_donor_may_break_at_onset():
    p = panel("mix-broken:zero")
    jump = np.log(p.donors[p.window].mean(axis=0) / p.donors[p.onset - 14 : p.onset].mean(axis=0))
    assert p.broken.sum() == 1
    assert jump.argmax() == np.flatnonzero(p.broken)[0]


def test_earlier_blocks_leave_a_lift_that_the_two_estimands_tell_apart():
    totals = np.array([[*panel("overlap:zero", s).truth(), panel("overlap:zero", s).truth("just_before")[1]]
                       for s in range(10)])  # fmt: skip
    observed, never, just_before = totals.T
    assert (observed == just_before).all()
    left = sum(0.7 * 0.5 ** ((day + ago) / 12) for ago in (63, 42, 24) for day in range(14)) / 14
    assert (observed / never).mean() == pytest.approx(1 + left, abs=0.02)


def test_published_peaks_give_the_stated_sizes():
    rng = np.random.default_rng(5)
    first = [sim.draw_block(rng, first=True, lasting=True) for _ in range(4000)]
    size = np.log([s.ratio for s in first if s.shape != "zero"])
    assert np.mean([s.shape == "zero" for s in first]) == pytest.approx(0.15, abs=0.02)
    assert np.median(size) == pytest.approx(2.5, abs=0.1)
    assert min(s.halflife for s in first if s.shape != "zero") >= 2.0


def test_unknown_names_answer_with_the_known_ones():
    with pytest.raises(UnknownName, match="clean"):
        sim.scenario("tidy")
    with pytest.raises(UnknownName, match="ramp"):
        sim.scenario("clean:cliff")


@settings(max_examples=25, deadline=None)
@given(
    st.floats(0.0, 200.0), st.floats(0.0, 0.5), st.floats(0.0, 40.0), st.sampled_from(sim.SHAPES), st.integers(0, 99)
)
def test_any_setting_gives_whole_counts_of_at_least_zero(level, dispersion, ratio, shape, seed):
    p = panel(sim.Scenario(before=30, level=level, dispersion=dispersion, ratio=ratio, shape=shape), seed)
    assert (p.y >= 0).all()
    assert (p.y0 == np.round(p.y0)).all()


def test_a_file_says_that_it_is_simulated_and_names_no_country(tmp_path):
    panels = sim.named([panel("mix-donors:shift"), panel("hourly")])
    sim.write_csv(panels, tmp_path / "s.csv")
    assert (tmp_path / "s.csv").read_text(encoding="utf-8").startswith("# SIMULATED DATA")
    rows = data_rows(tmp_path / "s.csv")
    assert {r["cc"] for r in rows} == {"ZZ"}
    assert not is_country("ZZ")
    assert all(r["entity"].startswith("sim-") and r["indicator"] == "simulated.counts" for r in rows)
    assert len({r["entity"] for r in rows}) == 1 + 8 + 1


def test_a_file_holds_the_series_and_the_truth_beside_it(tmp_path):
    p = panel("gaps:shift")
    truth = sim.write_csv({"sim-001": p}, tmp_path / "s.csv")
    rows = data_rows(tmp_path / "s.csv")
    read = np.array([float(r["value"]) if r["state"] == "value" else np.nan for r in rows])
    assert np.array_equal(read, p.y, equal_nan=True)
    assert all(r["t_start"] < r["t_end"] for r in rows)
    assert [r["t_start"] for r in rows[1:]] == [r["t_end"] for r in rows[:-1]]
    (row,) = data_rows(truth)
    assert (float(row["observed"]), float(row["expected"])) == p.truth()
    assert row["onset"] == rows[p.onset]["t_start"]
    assert truth.name == "s.truth.csv"
