"""The scan: quiet panels stay quiet, planted changes are found with their size and day, nothing later is used."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import date, datetime
from functools import cache
from pathlib import Path

import numpy as np
import pytest

import analyzer
from analyzer.cli.scan import _read
from analyzer.errors import BadInput, UnknownName
from analyzer.estimators import STATUS, Scan, declare, scan_series
from analyzer.estimators._scan_sizes import shrunken
from analyzer.scan.records import FlagRow
from analyzer.study.series import SeriesKey
from tests.series_files import FIRST, panel, write_tor

STEPS, COUNTRIES = 365, 30


def quiet(seed: int, steps: int = STEPS, countries: int = COUNTRIES) -> np.ndarray:
    """Counts with a weekly cycle, a wandering level, overdispersion, odd days and something in common."""
    rng = np.random.default_rng(seed)
    level = np.exp(rng.uniform(np.log(40), np.log(4000), countries))
    walk = np.cumsum(rng.normal(0, 0.008, (steps, countries)), axis=0)
    week = rng.normal(0, 0.08, (7, countries))[np.arange(steps) % 7]
    common = np.cumsum(rng.normal(0, 0.01, (steps, 1)), axis=0)
    odd = (rng.random((steps, countries)) < 0.003) * rng.normal(0, 0.4, (steps, countries))
    return rng.poisson(level * np.exp(walk + week + common + odd + rng.normal(0, 0.05, (steps, countries)))).astype(
        float
    )


@cache
def quiet_scan(seed: int) -> Scan:
    return scan_series(quiet(seed))


def stepped(column: int, at: int, factor: float, seed: int = 1) -> np.ndarray:
    y = quiet(seed)
    y[at:, column] = np.round(y[at:, column] * factor)
    return y


def test_quiet_panels_give_next_to_no_flag_and_p_values_that_are_rates():
    scans = [quiet_scan(seed) for seed in (1, 2, 3)]
    assert len(declare(scans).flags) <= 1
    for side in ("p_rise", "p_fall"):
        p = np.concatenate([getattr(s, side)[np.isfinite(getattr(s, side))] for s in scans])
        assert 0.03 < np.mean(p <= 0.05) < 0.08
        assert 0.002 < np.mean(p <= 0.01) < 0.016
    alarms = np.concatenate([s.alarm_rise for s in scans], axis=1)
    fortnights = [alarms[k : k + 14].any(axis=0) for k in range(100, STEPS - 14, 14)]
    assert np.mean(fortnights) < 0.03


@pytest.mark.parametrize("unit", ["users", "connectivity", "traffic index", "share", "rank", "index"])
def test_every_scale_that_a_series_can_have_is_scanned(unit: str):
    scale = SeriesKey("a.b", 0, "", unit, "").scale
    y = quiet(1, countries=9) / 5000
    y[200:, 0] *= 5
    found = declare([scan_series(y * 1000 if scale in ("count", "rank") else y, scale=scale)])
    assert {(f.column, f.direction) for f in found.flags} == {(0, "rise")}


@pytest.mark.parametrize(("factor", "direction"), [(3.0, "rise"), (0.3, "fall")])
def test_a_planted_step_is_one_flag_with_its_day_and_a_range_that_holds_its_size(factor: float, direction: str):
    (flag,) = [f for f in declare([scan_series(stepped(4, 220, factor))]).flags if f.column == 4]
    assert (flag.direction, flag.rule, flag.last) == (direction, "fdr", None)
    assert abs(flag.first - 220) <= 1
    assert flag.ratio_low <= factor <= flag.ratio_high
    assert abs(np.log(flag.ratio)) <= abs(np.log(flag.measured)) + 1e-9


def test_a_change_that_goes_back_is_one_flag_with_its_end():
    y = stepped(7, 200, 4.0)
    y[215:, 7] = quiet(1)[215:, 7]
    (flag,) = [f for f in declare([scan_series(y)]).flags if f.column == 7]
    assert flag.direction == "rise"
    assert flag.last is not None
    assert abs(flag.last - 214) <= 3


def test_steady_growth_is_found():
    y = quiet(2)
    y[250:271, 3] *= 1.09 ** np.arange(1, 22)
    y[271:, 3] *= 1.09**21
    found = [f for f in declare([scan_series(np.round(y))], alarms=True).flags if f.column == 3]
    found = [f for f in found if f.first >= 240]
    assert [f.direction for f in found] == ["rise"]
    assert 245 <= found[0].first <= 271


def test_what_moves_every_country_flags_none():
    y = quiet(1)
    y[200:] *= 1.8
    y[260] *= 0.5
    assert declare([scan_series(np.round(y))]).flags == ()


def test_the_order_of_countries_does_not_matter():
    y = stepped(4, 220, 3.0)
    order = np.random.default_rng(0).permutation(COUNTRIES)
    one, other = scan_series(y), scan_series(y[:, order])
    np.testing.assert_allclose(one.p_rise[:, order], other.p_rise, rtol=1e-6)
    assert declare([other]).flags[0].first == declare([one]).flags[0].first


@pytest.mark.parametrize("scale", ["index", "share"])
def test_a_constant_factor_does_not_matter(scale: str):
    y = stepped(4, 220, 3.0)
    one, other = scan_series(y, scale=scale), scan_series(y * 0.001, scale=scale)
    np.testing.assert_allclose(one.p_rise, other.p_rise, rtol=1e-6)


def test_p_values_and_alarms_use_no_later_step():
    y = stepped(4, 220, 3.0)
    changed = y.copy()
    changed[300:] = np.random.default_rng(5).poisson(50, changed[300:].shape)
    one, other = scan_series(y), scan_series(changed)
    for name in ("p_rise", "p_fall", "alarm_rise", "alarm_fall", "status"):
        np.testing.assert_array_equal(getattr(one, name)[:300], getattr(other, name)[:300])


def test_what_cannot_be_scanned_is_counted_with_its_reason():
    y = quiet(1)
    y[:, 0] = np.nan
    y[:, 1] = 0
    y[:, 2] = 500
    y[100:110, 3] = np.nan
    aside = np.zeros(STEPS, dtype=bool)
    aside[150:160] = True
    scan = scan_series(y, aside=aside, restarts=[160])
    codes = {name: i for i, name in enumerate(STATUS)}
    assert set(np.unique(scan.status[:, 0])) == {codes["no value"], codes["listed artefact"]}
    assert codes["scanned"] not in scan.status[:, 1]
    assert (scan.status[200:, 2] == codes["scanned"]).all()
    assert (scan.status[100:110, 3] == codes["no value"]).all()
    assert (scan.status[150:160] == codes["listed artefact"]).all()
    assert (scan.status[160:175, 4:] == codes["too little history"]).all()
    assert (np.isfinite(scan.p_rise) == (scan.status == 0)).all()
    assert scan.outcomes().sum() == y.size
    assert not [f for f in declare([scan]).flags if f.column <= 2]


def test_only_what_was_asked_for_is_tested():
    whole = scan_series(stepped(4, 220, 3.0))
    late = np.arange(STEPS) >= 210
    assert declare([whole.within(late, np.arange(COUNTRIES) == 4)]).scanned == late.sum()
    assert declare([whole.within(late, np.arange(COUNTRIES) == 5)]).flags == ()
    assert len(declare([whole.within(late, np.arange(COUNTRIES) == 4)]).flags) == 1


def test_hours_and_weeks_can_be_scanned():
    rng = np.random.default_rng(4)
    hours = rng.poisson(400 * np.exp(0.4 * np.sin(np.arange(24 * 130) / 24 * 2 * np.pi))[:, None], (24 * 130, 6)) * 1.0
    hours[24 * 110 :, 2] *= 2
    (flag,) = declare([scan_series(hours, season=168)]).flags
    assert (flag.column, flag.direction) == (2, "rise")
    assert abs(flag.first - 24 * 110) <= 1
    weeks = rng.poisson(800, (160, 10)) * 1.0
    weeks[120:, 1] *= 3
    assert [f.column for f in declare([scan_series(weeks, season=52)]).flags] == [1]


@pytest.mark.parametrize(
    ("values", "options", "word"),
    [
        (np.ones(5), {}, "values"),
        (-np.ones((9, 2)), {}, "values"),
        (np.full((9, 2), np.inf), {}, "values"),
        (np.ones((9, 2)), {"season": 0}, "season"),
        (np.ones((9, 2)), {"scale": "people"}, "scale"),
        (np.ones((9, 2)), {"aside": [True]}, "aside"),
        (np.ones((9, 2)), {"alarm_rate": 1.0}, "alarm_rate"),
        (np.ones((9, 2)), {"history": 0}, "history"),
    ],
)
def test_an_argument_that_cannot_be_meant_is_named(values: np.ndarray, options: dict[str, object], word: str):
    with pytest.raises(ValueError, match=word):
        scan_series(values, **options)  # type: ignore[arg-type]


def test_a_size_is_drawn_to_no_change_just_past_the_threshold_and_left_alone_far_past_it():
    near, far = shrunken(5.1, 5.0, 6.0), shrunken(12.0, 5.0, 6.0)
    assert near[0] < 4
    assert near[1] == 0
    assert abs(far[0] - 12) < 0.01
    rng = np.random.default_rng(0)
    theta, c = 5.0, 5.0
    picked = theta + rng.normal(size=4000)
    sizes = [shrunken(u, c, 30.0) for u in picked[picked > c][:500]]
    assert np.mean([low <= theta <= high for _, low, high in sizes]) > 0.93
    assert 0.4 < np.mean([point < theta for point, _, _ in sizes]) < 0.6


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("scan")
    series = panel({"sd": {date(2019, 2, 10): 3.0}})
    analyzer.open(folder / "u.duckdb").load(write_tor(folder / "userstats-bridge-country.csv", series))
    return folder / "u.duckdb"


def run(store: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "analyzer", "scan", "--db", str(store), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_command_lists_the_change_with_its_day_and_sums_up(store: Path):
    done = run(store, "--format", "json")
    assert done.returncode == 0, done.stderr
    (row,) = [r for r in json.loads(done.stdout) if r["cc"] == "SD"]
    assert row["first"].startswith("2019-02-10")
    assert row["direction"] == "rise"
    assert row["ratio_low"] < 3 < row["ratio_high"]
    assert row["note"] == "a flag is a change of the series, not a block"
    assert "country-days scanned" in done.stderr
    assert "too little history" in done.stderr
    assert "expected to be false" in done.stderr


def test_no_flag_is_a_result(store: Path):
    done = run(store, "--cc", "PK", "--to", "2019-02-01", "--format", "csv")
    assert done.returncode == 0
    assert done.stdout.splitlines() == [",".join(analyzer.open(store).scan(cc="PK", end=date(2019, 2, 1)).columns)]


def test_the_frame_has_the_rows_of_the_command(store: Path):
    frame = analyzer.open(store).scan(cc="SD", indicator="tor.bridge_users", start=FIRST)
    assert list(frame.cc) == ["SD"]
    assert "1 series" in frame.attrs["summary"]


def test_what_is_unknown_or_empty_is_one_clear_line(store: Path):
    db = analyzer.open(store)
    with pytest.raises(UnknownName, match=r"tor\.bridge_users"):
        db.scan(indicator="tor.bridges")
    with pytest.raises(UnknownName):
        db.scan(cc="QQ")
    with pytest.raises(BadInput, match="q must"):
        db.scan(q=2)
    with pytest.raises(BadInput, match="day after the last"):
        db.scan(start=date(2019, 2, 1), end=date(2019, 2, 1))


@pytest.mark.shared
def test_sudan_is_found_on_its_day_and_the_new_bridge_authority_is_no_rise_of_many_countries(
    shared: Path, tmp_path: Path
):
    db = analyzer.open(tmp_path / "u.duckdb")
    db.load(shared / "data" / "series" / "tor-bridge-2018-2020" / "userstats-bridge-country.csv")
    frame = db.scan(alarms=True)
    sudan = frame[(frame.cc == "SD") & (frame["first"] >= "2018-12-19") & (frame["first"] <= "2018-12-24")]
    assert list(sudan.direction) == ["rise"]
    assert sudan.known.str.contains("sd-2018-12-21").all()
    assert (sudan.ratio_low > 1.5).all()
    assert (frame.rule == "fdr").sum() >= 5
    july = frame[(frame["first"] >= "2018-07-01") & (frame["first"] < "2018-08-15")]
    assert len(july) <= 5
    assert not (july.rule == "fdr").any()


@pytest.mark.parametrize(("ratio", "shown"), [(1.0, "of a size not told from none"), (0.37, "x0.37")])
def test_a_size_shrunk_to_nothing_is_not_printed_as_a_change_by_one(ratio: float, shown: str):
    day = datetime.fromisoformat("2019-01-01")
    row = FlagRow("tor.bridge_users", "", "HT", day, None, "fall", ratio, 0.2, 1.0, 0.3, day, day, "jump", 0.01, 0.4,
                  "alarm", "", "")  # fmt: skip
    assert _read(row)["change"] == f"fall {shown} (0.20 to 1.00)"
