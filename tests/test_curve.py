"""The curve holds every defensible choice once, its default is the estimate, and it says no more than it knows."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from series_files import DAYS, FIRST, counts, write_tor

import analyzer
from analyzer import api, blocks
from analyzer.cli import vpn_uptake
from analyzer.errors import UnknownName
from analyzer.records import DonorExclusion, Specification
from analyzer.study import curve
from analyzer.study.ask import series_keys
from analyzer.study.effects import find
from analyzer.study.series import Aligned, aligned

SUDAN = "sd-2018-12-21-social"
ONSET = date(2018, 12, 21)
FEW = ("at", "be", "bg", "ch", "cz", "dk")


def series_of(sudan: float = 2.0) -> Mapping[str, np.ndarray]:
    """Sudan and a few others, largest last; Sudan moves by a factor from the block's first day on."""
    rng = np.random.default_rng(5)
    found = {cc: counts(300.0 + 200 * i, rng) for i, cc in enumerate(("sd", *FEW))}
    found["sd"][(ONSET - FIRST).days :] *= sudan
    return {cc: np.round(y) for cc, y in found.items()}


@pytest.fixture(scope="module")
def db(tmp_path_factory: pytest.TempPathFactory) -> api.Database:
    folder = tmp_path_factory.mktemp("curve")
    database = analyzer.open(folder / "s.duckdb")
    database.load(write_tor(folder / "bridge.csv", series_of()))
    return database


@pytest.fixture(scope="module")
def series(db: api.Database) -> Aligned:
    return aligned(db.store, series_keys(db.store, "SD", None)[0], "SD")


@pytest.fixture(scope="module")
def drawn(series: Aligned) -> curve.Drawn:
    """The curve of Sudan's block."""
    found = curve.curve_of(blocks.shipped(), blocks.find(blocks.shipped(), SUDAN), series, "14d")
    assert found is not None
    return found


@pytest.fixture
def few_choices(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the choices themselves are not what is tested."""
    monkeypatch.setattr(curve, "BASES", (28, None))
    monkeypatch.setattr(curve, "GAPS", (None,))
    monkeypatch.setattr(curve, "LARGEST", 0)


def choices_of(row: Mapping[str, object]) -> tuple[object, ...]:
    return tuple(row[c] for c in ("base_days", "gap_days", "donors", "exclusions", "masks", "weekends"))


def test_there_is_one_row_per_choice_and_no_choice_twice(drawn: curve.Drawn):
    assert len({choices_of(row) for row in drawn.rows}) == len(drawn.rows)
    for column, levels in {
        "base_days": {"28", "56", "112", "all"},
        "gap_days": {"usual", "0", "7"},
        "donors": {"usual", "none", "without DK", "without CZ", "without CH"},
    }.items():
        assert {row[column] for row in drawn.rows} >= levels, column
    assert [row["is_default"] for row in drawn.rows].count(True) == 1


def test_rows_come_in_order_of_ratio_with_their_rank(drawn: curve.Drawn):
    able = [row for row in drawn.rows if row["ratio"] is not None]
    assert [row["rank"] for row in able] == list(range(1, len(able) + 1))
    assert all(a["ratio"] <= b["ratio"] for a, b in pairwise(able))
    assert {row["rank"] for row in drawn.rows[len(able) :]} <= {None}


def test_the_default_row_is_the_estimate(db: api.Database, drawn: curve.Drawn, tmp_path: Path):
    row = next(r for r in drawn.rows if r["is_default"])
    (estimate,) = db.estimate(SUDAN, horizons=["14d"], shapes="none").estimates
    assert row["specification"] == "default"
    for name in ("ratio", "ratio_low", "ratio_high", "excess", "verdict"):
        assert row[name] == getattr(estimate, name)


def test_the_summary_says_what_the_rows_say(drawn: curve.Drawn):
    ratios = np.array([row["ratio"] for row in drawn.rows if row["ratio"] is not None])
    rise = sum(row["verdict"] == "rise" for row in drawn.rows)
    default = next(row for row in drawn.rows if row["is_default"])
    for said in (
        f"{len(drawn.rows)} specifications, {ratios.size} with a ratio",
        f"median x{np.median(ratios):.2f}, from x{ratios.min():.2f} to x{ratios.max():.2f}",
        f"above 1 in {rise} of {ratios.size} ({rise / ratios.size:.0%}), below 1 in 0",
        f"is number {default['rank']} of {ratios.size} from below",
        "their number is no test",
    ):
        assert said in drawn.summary


def test_a_choice_that_changes_nothing_is_named_and_not_crossed(drawn: curve.Drawn):
    """No donor exclusion is listed here and no other block lies in the base."""
    assert {row["exclusions"] for row in drawn.rows} == {True}
    assert {row["masks"] for row in drawn.rows} == {True}
    assert "donor exclusions off | masks off" in drawn.summary


def test_listed_exclusions_and_other_blocks_make_further_choices(series: Aligned, few_choices: None):
    catalogue = blocks.shipped()
    block = blocks.find(catalogue, SUDAN)
    start = block.onset_earliest - timedelta(days=40)
    other = replace(block, block_id="sd-2018-11", onset_earliest=start, onset_latest=start,
                    end_earliest=start + timedelta(days=6), end_latest=start + timedelta(days=6))  # fmt: skip
    exclusion = DonorExclusion("DK", "", (), None, None, "exit_traffic", "", "")
    changed = replace(catalogue, blocks=(*catalogue.blocks, other), donor_exclusions=(exclusion,))
    found = curve.curve_of(changed, block, series, "7d")
    assert found is not None
    assert {row["exclusions"] for row in found.rows} == {True, False}
    assert {row["masks"] for row in found.rows} == {True, False}


def test_each_specification_is_estimated_as_the_engine_would_alone(series: Aligned, drawn: curve.Drawn):
    from analyzer.study.asked import asked_of
    from analyzer.study.horizons import onset_steps, window

    block = blocks.find(blocks.shipped(), SUDAN)
    (onset,) = onset_steps(block, series)
    asked = asked_of(
        blocks.shipped(), block, series, onset, specification=Specification(base_days=56, gap_days=7, donors=False)
    )
    effect = find(asked, window("14d", block, series, onset), "no_block_since_base", [onset]).effects[0]
    row = next(r for r in drawn.rows if choices_of(r)[:3] == ("56", "7", "none"))
    assert (row["ratio"], row["ratio_low"]) == (effect.ratio, effect.ratio_low)


def test_a_series_that_is_too_short_gives_refusals_with_their_reason(tmp_path: Path, few_choices: None):
    db = analyzer.open(tmp_path / "s.duckdb")
    late = {"sd": {FIRST + timedelta(days=k) for k in range((ONSET - FIRST).days - 6)}}
    db.load(write_tor(tmp_path / "b.csv", series_of(), drop=late))
    frame = db.curve(SUDAN, horizon="14d")
    refused = frame[frame["verdict"] == "not_estimable"]
    assert len(refused)
    assert refused["reasons"].str.startswith("no estimate can be given: ").all()
    assert refused["ratio"].isna().all()


def test_a_horizon_that_nothing_reaches_is_refused_whole_with_exit_code_3(db: api.Database, few_choices: None):
    name = ["curve", SUDAN, "--horizon", "300d", "--db", str(db.store.path), "--format", "csv"]
    done = CliRunner().invoke(vpn_uptake, name)
    assert done.exit_code == 3
    assert "not_estimable" in done.stdout
    assert 300 + (ONSET - FIRST).days > DAYS


def test_the_curve_is_one_exploratory_run_with_a_row_per_specification(db: api.Database, few_choices: None):
    before = len(db.query("FROM runs"))
    frame = db.curve(SUDAN, horizon="6d")
    log = db.query("runs_log")
    assert len(log) == before + 1
    (entry,) = (row for row in log.to_dict("records") if json.loads(row["question"]).get("horizons") == ["6d"])
    assert json.loads(entry["question"])["asked"] == "curve"
    assert entry["estimate_rows"] == len(frame)
    assert entry["primary_rows"] == entry["secondary_rows"] == 0
    assert f"{len(frame)} shown" in frame.attrs["summary"][-1]
    again = db.curve(SUDAN, horizon="6d").attrs["summary"][-1]
    assert again == frame.attrs["summary"][-1]  # the same rows again are no new questions


def test_the_command_prints_rows_on_stdout_and_what_they_say_on_stderr(db: api.Database, few_choices: None):
    name = ["curve", SUDAN, "--horizon", "7d", "--db", str(db.store.path)]
    text = CliRunner().invoke(vpn_uptake, name)
    assert text.exit_code == 0
    assert "base of 28 days" in text.stdout
    assert "their number is no test" in text.stdout
    table = CliRunner().invoke(vpn_uptake, [*name, "--format", "csv"])
    assert table.stdout.splitlines()[0] == ",".join(curve.COLUMNS)
    assert "their number is no test" in table.stderr
    assert "their number is no test" not in table.stdout


def test_what_is_not_known_is_said(db: api.Database):
    with pytest.raises(UnknownName, match="no horizon"):
        db.curve(SUDAN, horizon="soon")
    with pytest.raises(UnknownName, match=r"no indicator 'x.y'"):
        db.curve(SUDAN, indicator="x.y")
    with pytest.raises(UnknownName, match="name a block, or a country and a date"):
        db.curve()
    assert CliRunner().invoke(vpn_uptake, ["curve", "--cc", "SD"]).exit_code == 2
