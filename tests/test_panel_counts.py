"""Panel estimators on counts: the interval holds what it says, refusals say why, the command and the check use them."""

from __future__ import annotations

import subprocess
import sys
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from series_files import panel, write_tor

import analyzer
from analyzer import registry
from analyzer.checks import Evidence
from analyzer.checks.panel_cross_check import run as cross_check
from analyzer.errors import NotEnoughData, UnknownName
from analyzer.estimators import Estimator
from analyzer.estimators._on_counts import half_width
from analyzer.panel import Series, build_panel
from analyzer.records import Check

METHODS = ("did", "synthetic_control", "sdid", "difp")
ONSET, HORIZON = 130, 14


def world(seed: int = 0, donors: int = 24, factor: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """A treated series of counts and donors that share a wandering and a weekly cycle."""
    rng = np.random.default_rng(seed)
    steps = ONSET + HORIZON + 10
    week = np.tile(rng.normal(0, 0.1, 7), steps // 7 + 1)[:steps]
    common = np.cumsum(rng.normal(0, 0.02, steps)) + week
    level = np.log(rng.uniform(100, 2000, donors + 1))
    level[0] = np.log(400)
    z = level + common[:, None] + np.cumsum(rng.normal(0, 0.01, (steps, donors + 1)), axis=0)
    y = rng.poisson(np.exp(z)).astype(float)
    y[ONSET:, 0] *= factor
    return y[:, 0], y[:, 1:]


def ask(method: str, y: np.ndarray, donors: np.ndarray, **options: Any):
    """The estimator as the study calls it."""
    arguments = {"y": y, "donors": donors, "onset": ONSET, "horizon": HORIZON, "anticipation": 4, **options}
    return registry.load("estimators", method).run(**arguments)


def test_every_estimator_declares_itself_and_takes_the_arguments_of_a_panel():
    names = registry.names("estimators")
    assert set(names) == {"replay", *METHODS}
    y, donors = world(1)
    columns = {"treated": y, **{f"D{j}": donors[:, j] for j in range(donors.shape[1])}}
    question = build_panel(Series.of(columns), "treated", ONSET, HORIZON, anticipation=4, individual=True)
    assert len(question.donor_names) == 24
    for declared in registry.load_all("estimators").values():
        assert isinstance(declared, Estimator)
        assert declared.run(**question.arguments()).ratio == pytest.approx(1, abs=0.3)


@pytest.mark.parametrize("method", METHODS)
def test_a_doubling_is_found_and_numbers_agree(method):
    e = ask(method, *world(2, factor=2.0))
    assert 1 < e.ratio_low < 2 < e.ratio_high
    assert e.placebo_rank == 1
    assert e.excess == pytest.approx(e.observed - e.expected)
    assert e.ratio_low == pytest.approx(e.observed / e.expected_high)
    assert np.nansum(e.expected_steps) == pytest.approx(e.expected)
    assert sum(e.members.values()) == pytest.approx(1)
    assert e.minimum_detectable_ratio > 1


@pytest.mark.parametrize("method", METHODS)
def test_intervals_hold_one_where_nothing_happened(method):
    held = []
    for seed in range(100, 130):
        try:
            e = ask(method, *world(seed, donors=19))
        except NotEnoughData:
            continue
        held.append(e.ratio_low <= 1 <= e.ratio_high)
    assert len(held) >= 22
    assert sum(held) >= 0.85 * len(held)


def test_a_rank_needs_nineteen_placebos_and_fewer_give_a_t_that_says_so():
    errors = np.arange(1.0, 20.0)
    half, note = half_width(errors, 0.95)
    assert (half, note) == (19.0, "")
    wider, note = half_width(errors[:18], 0.95)
    assert "17 degrees of freedom" in note
    assert wider > np.sqrt(np.mean(errors[:18] ** 2)) * 2.1
    assert half_width(np.arange(1.0, 40.0), 0.95)[0] == 38.0
    y, donors = world(3, donors=8)
    assert any("Student's t with 7 degrees" in w for w in ask("did", y, donors).warnings)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"donors": None}, "0 usable donors; 5 needed"),
        ({"donors": world(4, donors=4)[1]}, "4 usable donors"),
        ({"scale": "rank"}, "compares counts"),
        ({"onset": 8, "anticipation": 0}, "observed steps in the base"),
    ],
)
def test_what_cannot_be_estimated_is_refused_with_the_reason(change: dict, why: str):
    y, donors = world(4)
    with pytest.raises(NotEnoughData, match=why):
        ask("sdid", y, **{"donors": donors, **change})


def test_a_level_that_no_weighting_reaches_is_refused_by_synthetic_control_alone():
    y, donors = world(5)
    with pytest.raises(NotEnoughData, match="no weighting of the donors reaches the level"):
        ask("synthetic_control", 100 * y, donors)
    assert ask("difp", 100 * y, donors).ratio == pytest.approx(ask("difp", y, donors).ratio, abs=0.02)


def test_donors_with_gaps_events_or_no_variation_are_left_out_and_named():
    y, donors = world(6)
    donors[ONSET - 40 : ONSET, 0] = np.nan
    donors[:, 1] = 5.0
    events = [()] * 24
    events[2] = [(ONSET + 2, ONSET + 9)]
    e = ask("did", y, donors, donor_events=events)
    assert e.placebo_n == 21
    left_out = [w for w in e.warnings if "is left out" in w]
    assert [w.split(" is ")[0] for w in left_out] == ["donor 0", "donor 1", "donor 2"]


def test_missing_and_masked_steps_of_the_treated_series_are_not_read():
    y, donors = world(7)
    holed = y.copy()
    holed[[20, 50, ONSET + 3]] = np.nan
    wild = y.copy()
    wild[60:70] = 1e6
    masked = ask("difp", wild, donors, other_events=[(60, 70)])
    assert ask("difp", holed, donors).ratio == pytest.approx(ask("difp", y, donors).ratio, abs=0.05)
    assert masked.ratio == pytest.approx(ask("difp", y, donors).ratio, abs=0.05)
    assert np.isnan(ask("difp", holed, donors).expected_steps[3])


# ---- the check


def check(replay: tuple[float, float, float], others: dict[str, tuple[float, float, float] | str]) -> Check:
    """The check on given ratios; a text is a refusal."""

    def effect(values: tuple[float, float, float]) -> Any:
        ratio, low, high = values
        return SimpleNamespace(
            ratio=ratio, ratio_low=low, ratio_high=high, placebo_n=20, members={"AT": 0.7, "BE": 0.3}
        )

    def compared(name: str) -> Any:
        found = others[name]
        if isinstance(found, str):
            raise NotEnoughData(found)
        return effect(found)

    evidence = SimpleNamespace(effect=effect(replay), compared=compared, estimator="replay")
    return cross_check(evidence)  # type: ignore[arg-type]


def test_the_check_passes_fails_or_informs_by_its_rule():
    rise, none, fall = (2.0, 1.5, 2.5), (1.0, 0.7, 1.4), (0.5, 0.3, 0.7)
    assert check(rise, dict.fromkeys(METHODS, rise)).outcome == "passed"
    assert check(none, dict.fromkeys(METHODS, none)).outcome == "passed"
    assert check(rise, dict.fromkeys(METHODS, none)).outcome == "failed"
    assert check(rise, dict.fromkeys(METHODS, (1.5, 0.8, 2.8))).outcome == "informative"
    assert check(none, dict.fromkeys(METHODS, (1.3, 1.1, 1.6))).outcome == "informative"
    assert check(rise, {**dict.fromkeys(METHODS, rise), "did": fall}).outcome == "informative"
    refused = check(rise, dict.fromkeys(METHODS, "3 usable donors; 5 needed"))
    assert refused.outcome == "informative"
    assert "3 usable donors" in refused.sentence
    some = check(rise, {**dict.fromkeys(METHODS, rise), "synthetic_control": "off by x3"})
    assert some.outcome == "passed"
    assert "off by x3" in some.sentence
    assert "mostly AT 0.70, BE 0.30" in some.sentence
    assert [row["estimator"] for row in some.table] == ["replay", "did", "sdid", "difp"]


def test_without_donors_the_check_says_so():
    evidence = SimpleNamespace(compared=None, estimator="replay")
    assert cross_check(evidence).outcome == "informative"  # type: ignore[arg-type]
    assert Evidence.__dataclass_fields__["compared"].default is None


# ---- the command


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store in which Sudan doubles from the block's first day on."""
    at = tmp_path_factory.mktemp("panels")
    db = analyzer.open(at / "uptake.duckdb")
    db.load(write_tor(at / "bridge.csv", panel({"sd": {date(2018, 12, 21): 2.0}})))
    return at


def test_the_chosen_estimator_is_named_with_its_weights_and_checks_stay_those_of_the_replay(folder: Path):
    study = analyzer.open(folder / "uptake.duckdb").estimate("sd-2018-12-21-social", horizons=["14d"], estimator="difp")
    row = study.estimates[0]
    assert row.method.startswith("difp; 20 donor countries, largest weights ")
    assert row.verdict == "rise"
    assert row.ratio_low < 2 < row.ratio_high
    assert row.placebo_n == 20
    outcomes = {c.name: c for c in study.checks}
    assert outcomes["panel_cross_check"].outcome == "passed"
    assert "windows of the same length" in outcomes["placebo_in_time"].sentence
    assert "rank 1 of 21 windows" not in outcomes["placebo_in_time"].sentence


def test_an_unknown_estimator_is_one_line_with_the_known_names(folder: Path):
    with pytest.raises(UnknownName, match="known: "):
        analyzer.open(folder / "uptake.duckdb").estimate("sd-2018-12-21-social", estimator="magic")
    command = [sys.executable, "-m", "analyzer", "estimate", "sd-2018-12-21-social", "--estimator", "magic"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert len(done.stderr.strip().splitlines()) == 1
    assert all(name in done.stderr for name in ("replay", *METHODS))
