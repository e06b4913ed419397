"""From a store to a sentence about people: types of own indicators, denominators by vintage, rows, the command."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from series_files import panel, write_tor

import analyzer
from analyzer.api import Database, Study
from analyzer.cli import vpn_uptake
from analyzer.errors import BadInput
from analyzer.outputs import study_text
from analyzer.people import read_anchors
from analyzer.records import PeopleRange
from analyzer.store import Store
from analyzer.store.types import stated_types
from analyzer.study import people_of
from analyzer.study.people_of import denominator

BLOCK = "sd-2018-12-21-social"
ONSET = date(2018, 12, 21)
MAPPING = """
indicator = {{ value = "{indicator}" }}
unit = {{ value = "{unit}" }}
time = {{ column = "date", zone = "Africa/Khartoum", grain = "day" }}
cc = "cc"
value = "value"
{more}
"""
ANCHORS = "cc,date_start,date_end,quantity,indicator,value,low,high,unit,n,source\n"
SURVEY = "SD,2018-11-01,2018-11-20,vpn_users_share,,10,,,percent,2000,Somebody\n"
ONLINE = "2017-01-01,SD,{value}\n"


def load(
    db: Database, folder: Path, indicator: str, rows: Mapping[date, float], *, unit: str = "users", more: str = ""
):
    name = f"{indicator}-{unit}-{len(list(folder.iterdir()))}"
    lines = "".join(f"{day},SD,{value:g}\n" for day, value in rows.items())
    (folder / f"{name}.csv").write_text(f"date,cc,value\n{lines}", encoding="utf-8")
    (folder / f"{name}.toml").write_text(MAPPING.format(indicator=indicator, unit=unit, more=more), encoding="utf-8")
    return db.load(folder / f"{name}.csv", mapping=folder / f"{name}.toml")


def doubled(level: float) -> dict[date, float]:
    """Days around a level that doubles with the block."""
    rng = np.random.default_rng(5)
    days = [ONSET - timedelta(days=k) for k in range(220, 0, -1)] + [ONSET + timedelta(days=k) for k in range(20)]
    return {d: round(level * (2 if d >= ONSET else 1) * float(np.exp(rng.normal(0, 0.03)))) for d in days}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("people")


@pytest.fixture(scope="module")
def database(folder: Path) -> Database:
    """Tor's bridge users, two indicators of one's own (one with a type) and downloads, all doubled."""
    db = analyzer.open(folder / "s.duckdb")
    db.load(write_tor(folder / "bridge.csv", {"sd": panel({"sd": {ONSET: 2.0}})["sd"]}))
    load(db, folder, "vpn.panel_users", doubled(5000), more='type = "users"')
    load(db, folder, "own.counter", doubled(400))
    load(db, folder, "app.downloads", doubled(3000), unit="downloads")
    yearly = 'time = { column = "date", zone = "UTC", grain = "month" }'
    for value in ("9000000", "10000000"):
        mapping = MAPPING.format(indicator="denominator.internet_users", unit="people", more="")
        mapping = "\n".join(line for line in mapping.splitlines() if not line.startswith("time")) + f"\n{yearly}\n"
        (folder / f"online-{value}.toml").write_text(mapping, encoding="utf-8")
        file = folder / f"online-{value}.csv"
        file.write_text(f"date,cc,value\n{ONLINE.format(value=value)}", encoding="utf-8")
        db.load(file, mapping=folder / f"online-{value}.toml", retrieved=date(2024, 1, int(value[0])))
    return db


@pytest.fixture(scope="module")
def anchors(folder: Path) -> Path:
    file = folder / "anchors.csv"
    file.write_text(ANCHORS + SURVEY, encoding="utf-8")
    return file


@pytest.fixture(scope="module")
def study(database: Database, anchors: Path) -> Study:
    return database.people(BLOCK, horizons=["14d"], anchors=anchors)


def row(study: Study, indicator: str) -> PeopleRange:
    return next(r for r in study.people if r.indicator == indicator)


def test_one_row_stands_for_each_estimate(study: Study):
    assert [(r.indicator, r.horizon) for r in study.people] == [(e.indicator, e.horizon) for e in study.estimates]


def test_users_of_vpns_with_a_survey_before_the_block_become_people(study: Study):
    found = row(study, "vpn.panel_users")
    assert found.is_of_people
    truth = 0.10 * 9e6  # the vintage retrieved first of two that differ is not the newest
    assert found.low is not None
    assert found.high is not None
    assert found.low < truth < found.high
    assert "Somebody, 2018-11-01 to 2018-11-20" in found.reasons
    assert "design effect of 2 assumed" in found.reasons


def test_the_denominator_is_named_with_its_year_vintage_and_other_vintages(study: Study):
    found = row(study, "vpn.panel_users")
    assert "in 2017" in found.denominator
    assert "other vintages: 9,000,000 to 10,000,000" in found.denominator
    assert "retrieved 2024-01-09" in found.denominator
    assert found.per_1000 == pytest.approx(1000 * (found.middle or 0) / 9e6)


def test_clients_connected_at_one_time_are_refused_and_their_rate_is_of_clients(study: Study):
    found = row(study, "tor.bridge_users")
    estimate = next(e for e in study.estimates if e.indicator == "tor.bridge_users")
    assert (found.route, found.low, found.high) == ("", None, None)
    assert "cannot be converted to people" in found.reasons
    assert "clients connected at one time" in found.quantity
    assert found.per_1000 == pytest.approx(1000 * (estimate.excess or 0) / 14 / 9e6)


def test_the_rate_of_a_tool_without_anchors_is_of_users_as_it_counts_them(database: Database, folder: Path):
    load(database, folder, "psiphon.daily_users", doubled(700), unit="users per day")
    study = database.people(BLOCK, horizons=["14d"], indicator="psiphon.daily_users")
    (found,) = study.people
    assert found.route == ""
    assert found.quantity == "users as the tool counts them, not people"
    assert found.per_1000 == pytest.approx(1000 * (study.estimates[0].excess or 0) / 14 / 9e6)


def test_downloads_become_installs_not_people(study: Study):
    found = row(study, "app.downloads")
    assert not found.is_of_people
    assert found.low is not None
    assert "installs (devices)" in found.quantity
    assert "would make" in found.reasons  # what a survey share times the change of a flow would claim


def test_an_indicator_without_a_type_is_refused(study: Study):
    assert "has no type" in row(study, "own.counter").reasons
    assert row(study, "own.counter").route == ""


def test_without_anchors_nothing_is_people_and_the_study_says_why(database: Database):
    plain = database.estimate(BLOCK, horizons=["14d"], indicator="vpn.panel_users", shapes="none")
    assert [r.is_of_people for r in plain.people] == [False]
    assert "no anchor" in plain.people[0].reasons


def test_a_survey_after_the_block_is_no_base(database: Database, folder: Path):
    late = folder / "late.csv"
    late.write_text(ANCHORS + SURVEY.replace("2018-11-", "2019-02-"), encoding="utf-8")
    found = row(database.people(BLOCK, horizons=["14d"], indicator="vpn.panel_users", anchors=late), "vpn.panel_users")
    assert found.route == ""
    assert "holds the block's own users" in found.reasons


def test_several_tools_are_bounded_by_the_largest_and_the_sum(database: Database, folder: Path):
    for name, level in (("one", 1000), ("two", 1100)):
        load(database, folder, f"{name}.users", doubled(level), more='type = "users"')
    file = folder / "tools.csv"
    rows = [f"SD,2018-12-01,,tool_daily_users,{n}.users,1000,900,1100,people,,{n}\n" for n in ("one", "two")]
    file.write_text(ANCHORS + "".join(rows), encoding="utf-8")
    studies = [database.people(BLOCK, horizons=["14d"], indicator=f"{n}.users", anchors=file) for n in ("one", "two")]
    estimates = [e for s in studies for e in s.estimates]
    views = [v for s in studies for v in s.series]
    study = replace(studies[0], estimates=tuple(estimates), series=tuple(views))
    study = replace(study, people=people_of(database.store, study, read_anchors(file)))
    one, two, both = row(study, "one.users"), row(study, "two.users"), row(study, "")
    assert both.low == pytest.approx(max(one.low or 0, two.low or 0))
    assert both.high == pytest.approx((one.high or 0) + (two.high or 0))
    assert "who used such a tool before" in both.reasons


def test_types_are_kept_by_file_and_a_word_that_is_none_is_refused(tmp_path: Path):
    db = analyzer.open(tmp_path / "s.duckdb")
    with pytest.raises(BadInput, match="mapping: type is 'people'"):
        load(db, tmp_path, "own.thing", {ONSET: 1.0}, more='type = "people"')
    with pytest.raises(BadInput, match=r"app\.downloads is of type acquisition"):
        load(db, tmp_path, "app.downloads", {ONSET: 1.0}, more='type = "users"')
    assert stated_types(db.store) == ({}, {})
    load(db, tmp_path, "own.thing", {ONSET: 1.0})
    assert stated_types(db.store) == ({}, {})
    load(db, tmp_path, "own.thing", {ONSET: 1.0}, more='type = "users"')  # the same bytes again, now with a type
    assert stated_types(db.store) == ({"own.thing": "users"}, {})
    load(db, tmp_path, "own.thing", {ONSET: 2.0}, more='type = "interest"')
    assert stated_types(db.store) == ({}, {"own.thing": ("interest", "users")})


def test_a_table_of_types_carries_comments_like_the_others(database: Database):
    with database.store.reading() as con:
        bare = con.execute(
            "SELECT count(*) FROM duckdb_columns() WHERE table_name = 'indicator_types' AND comment IS NULL"
        )
        assert bare.fetchall() == [(0,)]


def test_a_share_of_the_population_is_taken_of_that_years_population_and_later_years_are_not_seen(tmp_path: Path):
    db = analyzer.open(tmp_path / "s.duckdb")
    years = {date(2015, 1, 1): 20.0, date(2016, 1, 1): 50.0, date(2020, 1, 1): 90.0}
    load(db, tmp_path, "denominator.internet_users", years, unit="percent of population")
    load(db, tmp_path, "denominator.population", {date(2015, 1, 1): 1e6, date(2016, 1, 1): 2e6}, unit="people")
    block = next(b for b in db.blocks("SD") if b.block_id == BLOCK)
    found = denominator(db.store, block)
    assert found is not None
    assert (found.value, found.year) == (pytest.approx(1e6), 2016)
    assert "day of retrieval not known" in found.named()


def test_a_store_of_an_earlier_version_states_no_types(tmp_path: Path):
    store = Store(tmp_path / "s.duckdb")
    with store.writing():
        pass
    assert stated_types(store) == ({}, {})


def run(*arguments: str) -> tuple[int, str, str]:
    done = CliRunner().invoke(vpn_uptake, list(arguments))
    if done.exception and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.exit_code, done.stdout, done.stderr


def test_the_command_prints_ranges_and_refusals(database: Database, anchors: Path):
    shown = ("people", BLOCK, "--db", str(database.store.path), "--horizon", "14d")
    one = (*shown, "--indicator", "vpn.panel_users")
    code, out, _ = run(*one, "--anchors", str(anchors), "--format", "csv")
    assert code == 0
    rows = list(csv.DictReader(io.StringIO(out)))
    assert {r["indicator"] for r in rows} == {"vpn.panel_users"}
    code, out, _ = run(*shown, "--indicator", "tor.bridge_users")
    assert code == 3
    assert "cannot be converted" in out
    with pytest.raises(BadInput, match="cannot read the anchors"):
        run(*shown, "--anchors", "absent.csv")
    assert run("people")[0] == 2


def test_the_text_of_an_estimate_says_it_once_for_all_horizons(study: Study):
    out = study_text.render(study).decode()
    assert out.split("\nPeople\n")[1].count("clients connected at one time and") == 1


def test_convert_prints_other_units_and_checks_counts():
    code, out, _ = run("convert", "46 times", "--format", "csv")
    assert (code, "4500" in out) == (0, True)
    _, out, _ = run("convert", "700,000 against 16,000", "+4,375 %", "--format", "csv")
    assert "ratio written as percent" in out
    _, out, _ = run("convert", "x14.3", "--trailing", "--format", "csv")
    assert len(out.splitlines()) == 30
    for wrong in (("46 times", "+10 %"), ("nothing",), ("-100 %", "--trailing")):
        with pytest.raises(BadInput):
            run("convert", *wrong)
    assert run("convert", "x2", "+10 %", "--trailing")[0] == 2
