"""One question from a file to an answer: horizons, reasons, checks, provenance, the run log."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
from series_files import panel, write_tor

import analyzer
from analyzer import registry
from analyzer.api import Database, Study
from analyzer.errors import BadInput, StoreError, UnknownName
from analyzer.registry import load
from analyzer.study.series import aligned, first_starts
from analyzer.study.situation import artefacts_of

BLOCK = "sd-2018-12-21-social"
ONSET = date(2018, 12, 21)


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Database:
    """Sudan rises by half from the block's first day on; nothing else changes."""
    folder = tmp_path_factory.mktemp("study")
    db = analyzer.open(folder / "s.duckdb")
    db.load(write_tor(folder / "bridge.csv", panel({"sd": {ONSET: 2.0}})))
    return db


@pytest.fixture(scope="module")
def study(database: Database) -> Study:
    """The answer for the block of December 2018 in Sudan."""
    return database.estimate(BLOCK)


def row(study: Study, horizon: str):
    """The row of one horizon under the first estimand."""
    return next(e for e in study.estimates if e.horizon == horizon)


def test_a_doubling_is_called_a_rise_and_the_interval_holds_it(study: Study):
    for horizon in ("7d", "14d"):
        e = row(study, horizon)
        assert e.verdict == "rise"
        assert e.ratio_low < 2.0 < e.ratio_high


def test_numbers_of_a_row_agree_with_each_other(study: Study):
    for e in study.estimates:
        if e.verdict != "not_estimable":
            assert e.excess == pytest.approx(e.observed - e.expected)
            assert e.ratio == pytest.approx(e.observed / e.expected)
            assert e.ratio_low == pytest.approx(e.observed / e.expected_high)
            assert e.excess_low == pytest.approx(e.observed - e.expected_high)
            assert e.expected_low < e.expected < e.expected_high


def test_a_date_only_onset_counts_from_local_midnight_and_the_partly_exposed_day_is_reported_apart(study: Study):
    e = row(study, "14d")
    assert e.exposure_hours == pytest.approx(2.0)  # Khartoum is two hours ahead of UTC
    assert "is in no horizon: it held" in e.reasons
    assert "14 of 14 days observed" in e.reasons


def test_every_row_says_why_and_carries_versions(study: Study):
    for e in study.estimates:
        assert e.reasons
        assert "rules 2" in e.version
        assert (e.role, e.plan_id, e.verification) == ("exploratory", "", "not_verifiable")
        assert e.attribution != "supported"


def test_the_base_ends_before_the_anticipation_gap(study: Study):
    last = row(study, "14d").base.split(" to ")[1][:10]
    assert date.fromisoformat(last) <= ONSET - timedelta(days=5)


def test_the_change_is_located_on_its_day(study: Study):
    assert "changed on 2018-12-21" in row(study, "14d").reasons


def test_all_checks_of_the_folder_are_made(study: Study):
    names = {c.name for c in study.checks}
    assert names == set(registry.names("checks"))
    assert next(c for c in study.checks if c.name == "common_mode").outcome == "passed"


def test_when_every_country_moves_the_change_is_given_another_cause(tmp_path: Path):
    everywhere = {cc: {ONSET: 2.0} for cc in panel()}
    db = analyzer.open(tmp_path / "s.duckdb")
    db.load(write_tor(tmp_path / "b.csv", panel(everywhere)))
    study = db.estimate(BLOCK, horizons=["14d"])
    assert next(c for c in study.checks if c.name == "common_mode").outcome == "failed"
    if row(study, "14d").verdict in ("rise", "fall"):
        assert row(study, "14d").attribution == "other_cause"


def test_a_date_with_no_block_is_served_and_named_so(database: Database):
    study = database.estimate(cc="PK", date=date(2018, 11, 24), horizons=["7d", "14d", "during"])
    assert {e.attribution for e in study.estimates} == {"no_block_known"}
    assert "a date has no end" in row(study, "during").reasons


def test_a_bare_date_on_which_a_block_began_is_told_from_a_quiet_one(database: Database):
    study = database.estimate(cc="SD", date=ONSET, horizons=["14d"])
    assert row(study, "14d").attribution != "no_block_known"
    assert row(study, "14d").ratio == pytest.approx(row(database.estimate(BLOCK), "14d").ratio)


def test_under_80_percent_of_days_no_estimate_is_given_and_what_is_there_is_said(tmp_path: Path):
    gone = {"sd": {ONSET + timedelta(days=k) for k in range(6, 14)}}
    db = analyzer.open(tmp_path / "s.duckdb")
    db.load(write_tor(tmp_path / "b.csv", panel(), drop=gone))
    study = db.estimate(BLOCK, horizons=["7d", "14d"])
    assert "6 of 7 days observed" in row(study, "7d").reasons
    assert row(study, "7d").verdict != "not_estimable"
    assert row(study, "14d").verdict == "not_estimable"
    assert "6 of 14 days" in row(study, "14d").reasons


def test_hours_cannot_be_read_from_days(database: Database):
    assert "cannot show 3 hours" in row(database.estimate(BLOCK, horizons=["3h"]), "3h").reasons


def test_the_publishers_rule_is_percent_over_the_mean_of_28_days(study: Study, database: Database):
    values = database.query(
        "SELECT CAST(t_start AS DATE) AS day, value FROM observations WHERE cc = 'SD' ORDER BY t_start"
    )
    days = [d.date() if isinstance(d, datetime) else d for d in values["day"]]
    by_day = dict(zip(days, values["value"], strict=True))
    r = next(r for r in study.publisher_rule if r.day == ONSET + timedelta(days=3))
    before = [by_day[r.day - timedelta(days=k)] for k in range(1, 29)]
    assert r.percent == pytest.approx(100 * (by_day[r.day] / (sum(before) / 28) - 1))


def test_a_permanent_rise_fades_under_the_publishers_rule(study: Study):
    by_day = {r.day: r.percent for r in study.publisher_rule}
    assert by_day[ONSET] > 60
    assert by_day[ONSET + timedelta(days=27)] < by_day[ONSET] / 2


def test_the_answer_names_the_bytes_it_rests_on(study: Study):
    (snapshot,) = study.snapshots
    assert snapshot.source == "tor_bridge_users"
    assert len(snapshot.sha256) == 64


def test_every_question_is_logged_and_a_rerun_adds(database: Database):
    before = len(database.query("SELECT * FROM runs"))
    database.estimate(BLOCK, horizons=["7d"])
    database.estimate(BLOCK, horizons=["7d"])
    runs = database.query("SELECT run_id, count(*) AS n FROM estimates GROUP BY run_id")
    assert len(database.query("SELECT * FROM runs")) == before + 2
    assert (runs["n"] >= 1).all()


def test_the_same_question_gives_the_same_digits(database: Database):
    first, second = (database.estimate(BLOCK, horizons=["14d"]).estimates for _ in range(2))
    assert first == second


def test_to_frame_has_the_columns_of_the_command(study: Study):
    frame = study.to_frame()
    assert list(frame.columns[:7]) == ["block_id", "cc", "indicator", "entity", "horizon", "estimand", "observed"]
    assert len(frame.columns) == 29
    assert len(frame) == len(study.estimates)


def test_the_summary_prints_a_range_with_every_ratio(study: Study):
    for line in study.summary().splitlines():
        if "14d" in line and line.startswith("tor."):
            assert " to " in line
            assert "rise" in line


def test_unknown_names_are_refused_with_near_ones(database: Database):
    with pytest.raises(UnknownName, match=BLOCK):
        database.estimate("sd-2018-12-21-socal")
    with pytest.raises(UnknownName, match=r"tor\.bridge_users"):
        database.estimate(BLOCK, indicator="tor.users")
    with pytest.raises(UnknownName, match="horizon"):
        database.estimate(BLOCK, horizons=["fortnight"])
    with pytest.raises(UnknownName, match="ISO 3166"):
        database.estimate(cc="QQ", date=ONSET)


def test_a_worldwide_event_is_asked_of_one_country_and_credited_to_no_block(database: Database):
    study = database.estimate("xx-2019-03-13-facebook", cc="PK", horizons=["14d"])
    assert study.block.cc == "PK"
    assert {e.attribution for e in study.estimates} == {"other_cause"}
    worldwide = database.estimate("xx-2021-10-04-fb-outage", horizons=["14d"])
    assert "--cc PK" in worldwide.warnings[0]


def test_an_event_of_another_country_is_refused_with_the_way_to_ask(database: Database):
    with pytest.raises(BadInput, match="--cc PK --date 2018-12-21"):
        database.estimate(BLOCK, cc="PK")
    assert database.estimate(BLOCK, cc="SD", horizons=["7d"]).block.cc == "SD"


def test_the_headline_carries_its_breakdown_value(study: Study):
    assert {(b.horizon, b.estimand) for b in study.breakdowns} == {("14d", "no_block_since_base")}
    e, b = row(study, "14d"), study.breakdowns[0]
    assert (b.shock, b.shock_near) == (e.ratio, e.ratio_low)
    assert "would explain all of this" in e.reasons
    assert "ranked among placebos for 14d only" in row(study, "7d").reasons
    text = load("outputs", "study_text").render(study).decode()
    assert text.count("would explain all of this") == 1


def test_without_a_store_the_next_step_is_named(tmp_path: Path):
    with pytest.raises(StoreError, match="load or fetch"):
        analyzer.open(tmp_path / "none.duckdb").estimate(BLOCK)


def test_a_country_without_series_is_told_what_to_fetch(database: Database):
    study = database.estimate("ug-2018-07-01-ott")
    assert study.estimates == ()
    assert "vpn-uptake fetch tor_bridge_users --cc UG" in study.warnings[0]


def test_your_own_sql_cannot_reach_out_or_write(database: Database):
    for sql in (
        "SELECT * FROM read_csv('/etc/passwd')",
        "COPY observations TO '/tmp/out.csv'",
        "ATTACH '/tmp/other.duckdb'",
        "SET enable_external_access = true",
        "SELECT * FROM rejections",
    ):
        with pytest.raises(BadInput):
            database.query(sql)


@pytest.mark.shared
def test_the_shared_cases_come_out_as_the_data_show(shared: Path, tmp_path: Path):
    series = shared / "data" / "series"
    db = analyzer.open(tmp_path / "s.duckdb")
    db.load(series / "tor-bridge-2018-2020" / "userstats-bridge-country.csv")
    db.load(series / "tor-relay-acsac" / "tor-data-pk.csv")
    horizons = ["7d", "14d"]
    rise = db.estimate("sd-2018-12-21-social", horizons=horizons)
    assert [e.verdict for e in rise.estimates[:2]] == ["rise", "rise"]
    fall = db.estimate("sd-2019-06-03-shutdown", horizons=horizons)
    assert {e.verdict for e in fall.estimates} == {"fall"}
    russia = row(db.estimate("ru-2018-04-16-telegram", horizons=horizons), "14d")
    assert 1.2 < russia.ratio < 1.5
    uganda = db.estimate("ug-2018-07-01-ott")
    assert "6 of 7 days observed" in row(uganda, "7d").reasons
    assert {row(uganda, h).verdict for h in ("14d", "28d", "90d", "during")} == {"not_estimable"}
    late = row(db.estimate("pk-2021-04-16-social", horizons=["14d"]), "14d")
    assert late.attribution == "unclear"
    assert "changed on 2021-04-22" in late.reasons
    assert "not credited" in late.reasons
    unknown = row(db.estimate(cc="PK", date=date(2021, 12, 11), horizons=["14d"]), "14d")
    assert (unknown.verdict, unknown.attribution) == ("rise", "no_block_known")
    for quiet in (
        db.estimate(cc="PK", date=date(2018, 11, 24), indicator="tor.bridge_users", horizons=horizons),
        db.estimate("pk-2023-02-wikipedia-block", indicator="tor.relay_users", horizons=horizons),
    ):
        assert {e.verdict for e in quiet.estimates} <= {"inconclusive", "ruled_out"}


def test_listed_artefacts_become_steps_of_the_series(database: Database):
    (key,) = first_starts(database.store, "SD")
    series = aligned(database.store, key)
    (recovery, october) = artefacts_of(series)
    assert series.time(recovery.start).date() == date(2018, 9, 14)
    assert series.time(recovery.end).date() == date(2018, 9, 19)
    assert recovery.moves_level
    assert not october.moves_level
    assert artefacts_of(replace(series, key=replace(key, indicator="wiki.pageviews"))) == ()


def test_a_move_before_onset_widens_the_range_and_is_said(tmp_path: Path):
    early = {"sd": {ONSET - timedelta(days=4): 2.0}}
    db = analyzer.open(tmp_path / "s.duckdb")
    db.load(write_tor(tmp_path / "b.csv", panel(early)))
    e = row(db.estimate(BLOCK, horizons=["14d"]), "14d")
    assert "already moved in the days kept out" in e.reasons
    assert e.ratio_low < 1.1
    assert e.ratio_high * 1.05 > 2.0
    assert e.ratio_high == pytest.approx(e.observed / e.expected_low)
    assert e.excess_low == pytest.approx(e.observed - e.expected_high)


def test_a_block_in_force_for_years_is_listed_and_masks_nothing(study: Study, database: Database):
    e = row(database.estimate(cc="PK", date=date(2019, 3, 1), horizons=["14d"]), "14d")
    assert "pk-2011-11-porn (base and horizon)" in e.reasons
    assert "masked" not in e.base
    assert e.verdict != "not_estimable"


def test_a_study_writes_its_own_brief(study: Study, tmp_path: Path):
    path = study.brief(tmp_path / "sudan.html")
    text = path.read_text(encoding="utf-8")
    assert "Sudan" in text
    assert "No series given" not in text
    with pytest.raises(UnknownName, match=r"\.html"):
        study.brief(tmp_path / "sudan.odt")


def test_blocks_in_python_are_those_of_the_command(database: Database):
    found = database.blocks("PK", start=date(2024, 1, 20), end=date(2024, 1, 21))
    assert "pk-2024-01-20" in {b.block_id for b in found}
    assert {b.cc for b in found} == {"PK"}
