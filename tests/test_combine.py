"""Indicators of a study as one statement a type: what enters, what does not and why; blocks of one kind as one."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import analyzer
from analyzer import blocks
from analyzer.api import Database, Study
from analyzer.cli import vpn_uptake
from analyzer.errors import UnknownName
from analyzer.records import Block, Published
from analyzer.study.combined import Pair, group_of, once
from analyzer.study.combined_rows import COLUMNS
from analyzer.study.judged import Judged, by_date
from analyzer.study.rows import Heading, refused
from analyzer.study.series import SeriesKey
from analyzer.study.typical import selected, typical

FIRST, DAYS, ONSET = date(2018, 1, 1), 200, date(2018, 6, 20)
# indicator, entity, unit, level, change from onset on
SERIES = (
    ("tor.bridge_users", "", "users", 400, 1.6),
    ("tor.bridge_transport_users", "obfs4", "users", 300, 1.6),
    ("psiphon.daily_users", "", "users", 900, 1.6),
    ("search.interest", "vpn", "index", 40, 1.0),
    ("wiki.pageviews", "VPN", "views", 700, 1.0),
    ("app.chart_rank", "Some VPN", "rank", 60, 0.4),
    ("ooni.service_blocked_share", "x.com", "tests", 200, 1.0),
    ("my.own_count", "", "things", 500, 1.0),
)


def write_tidy(path: Path, cc: str = "KE", seed: int = 5) -> Path:
    draw = np.random.default_rng(seed)
    shared = 0.03 * draw.standard_normal(DAYS)
    lines = ["indicator,cc,entity,t_start,t_end,value,unit"]
    for name, entity, unit, level, change in SERIES:
        factor = np.where(np.arange(DAYS) >= (ONSET - FIRST).days, change, 1.0)
        values = draw.poisson(level * factor * np.exp(shared)).clip(1, 100 if unit in ("index", "rank") else None)
        for k, value in enumerate(values):
            day = FIRST + timedelta(days=k)
            lines.append(f"{name},{cc},{entity},{day},{day + timedelta(days=1)},{value},{unit}")
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Database:
    folder = tmp_path_factory.mktemp("combine")
    db = analyzer.open(folder / "s.duckdb")
    db.load(write_tidy(folder / "tidy.csv"))
    return db


@pytest.fixture(scope="module")
def study(database: Database) -> Study:
    return database.combine(cc="KE", date=ONSET, horizon="14d")


def test_indicators_of_one_type_are_one_ratio_and_types_are_never_one(study: Study):
    types = {s.type: s for s in study.syntheses}
    assert set(types) == {"users", "interest", "acquisition (places in a chart)"}
    users = types["users"]
    assert set(users.members) == {"tor.bridge_users", "psiphon.daily_users"}
    assert users.ratio_low < 1.6 < users.ratio_high
    assert set(types["interest"].members) == {"search.interest vpn", "wiki.pageviews VPN"}


def test_a_part_gives_way_to_its_total_and_says_so(study: Study):
    (users,) = (s for s in study.syntheses if s.type == "users")
    assert "left out: tor.bridge_transport_users obfs4: counted inside tor.bridge_users" in users.notes


def test_a_better_place_in_a_chart_is_a_rise(study: Study):
    (ranks,) = (s for s in study.syntheses if s.type.startswith("acquisition"))
    assert ranks.ratio > 1.5
    (row,) = (c for c in study.concordance if c.type.startswith("acquisition"))
    assert (row.rise, row.fall) == (1, 0)


def test_evidence_and_what_has_no_type_are_named_and_never_combined(study: Study):
    said = {c.type: c.sentence for c in study.concordance}
    assert "my.own_count: not combined: nothing says what these count" in said["no type"]
    assert "never combined" in said["evidence"]


def test_types_that_disagree_say_so_in_words(study: Study):
    said = {c.type: c.sentence for c in study.concordance}
    assert "interest showed no rise that can be told from chance: their interval reaches x" in said["interest"]


def test_rows_are_adjusted_for_all_that_were_asked(study: Study):
    assert study.family is not None
    by_name = {r.indicator: r for r in study.family.rows}
    assert by_name["psiphon.daily_users"].p_adjusted <= 0.05
    assert by_name["wiki.pageviews"].p_adjusted > 0.05
    assert study.family.floor == pytest.approx(1 / (study.family.dates + 1))
    assert all(r.p_adjusted >= study.family.floor for r in study.family.rows)


def test_the_command_prints_what_was_combined_and_how_it_bears_up(database: Database):
    asked = ["combine", "--cc", "KE", "--date", str(ONSET), "--horizon", "14d", "--db", str(database.store.path)]
    done = CliRunner().invoke(vpn_uptake, asked)
    assert done.exit_code == 0, done.output
    for part in (
        "users, 14d",
        "had their errors more in common",
        "without tor.bridge_users",
        "left out: tor.bridge_tr",
    ):
        assert part in done.output
    rows = json.loads(CliRunner().invoke(vpn_uptake, [*asked, "--format", "json"]).stdout)
    assert list(rows[0]) == list(COLUMNS)
    assert {r["part"] for r in rows} == {"combined", "band", "without", "type"}
    assert all(r["rho"] <= 0.8 for r in rows if r["part"] == "band")


def test_where_nothing_can_be_combined_the_exit_code_says_so(database: Database):
    asked = ["combine", "--cc", "KE", "--date", "2018-01-03", "--db", str(database.store.path)]
    done = CliRunner().invoke(vpn_uptake, asked)
    assert done.exit_code == 3


@pytest.mark.parametrize(
    "asked",
    [[], ["--typical"], ["--typical", "--kind", "x", "some-block"], ["some-block", "--kind", "x"], ["--cc", "KE"]],
)
def test_a_question_that_cannot_be_meant_is_a_usage_error(asked: list[str]):
    assert CliRunner().invoke(vpn_uptake, ["combine", *asked]).exit_code == 2


def test_the_type_that_a_mapping_states_lets_an_indicator_of_ones_own_be_combined(tmp_path: Path):
    db = analyzer.open(tmp_path / "s.duckdb")
    rows = [line.split(",") for line in write_tidy(tmp_path / "tidy.csv").read_text().splitlines()]
    kept = [row for row in rows if row[0] in ("indicator", "tor.bridge_users")]
    (tmp_path / "tor.csv").write_text("\n".join(map(",".join, kept)))
    own = ["day,value", *(f"{row[3]},{row[5]}" for row in rows if row[0] == "my.own_count")]
    (tmp_path / "own.csv").write_text("\n".join(own))
    (tmp_path / "map.toml").write_text(
        'indicator = { value = "my.own_count" }\ncc = { value = "KE" }\nunit = { value = "things" }\n'
        'value = "value"\ntype = "users"\ntime = { column = "day", zone = "UTC", grain = "day" }\n'
    )
    db.load(tmp_path / "tor.csv")
    db.load(tmp_path / "own.csv", mapping=tmp_path / "map.toml")
    (found,) = db.combine(cc="KE", date=ONSET, horizon="14d").syntheses
    assert found.type == "users"
    assert len(found.members) == 2


# --- what is counted once ---


def judged(name: str, *, asn: int = 0, entity: str = "", unit: str = "users", scale_id: str = "", base: int = 300):
    values = np.random.default_rng(len(name) + asn + base).standard_normal(50)
    key = SeriesKey(name, asn, entity, unit, scale_id)
    days = np.arange(18000, 18050)
    log = float(values[0])
    return Judged(key, "14d", "no_block_since_base", log, 0.1, 20.0, 10 * abs(log), days, values, 18060, 14.0, base)


def pair(j: Judged) -> Pair:
    return Pair(
        refused(Heading("x", "PK", j.key.indicator, "", j.estimand, "", 0.0, "", "count"), "14d", "", "unclear"),
        j,
        group_of(j),
    )


@pytest.mark.parametrize(
    ("given", "kept", "why"),
    [
        ([judged("app.downloads"), judged("app.downloads", entity="A")], 0, "part of app.downloads as a whole"),
        ([judged("capture.flows", asn=17557), judged("capture.flows")], 1, "AS17557 is part of the country"),
        ([judged("search.interest", scale_id="pull 1"), judged("search.interest", scale_id="pull 2", base=400)], 1,
         "the same in another unit, scale or step, with a shorter base"),
        ([judged("tor.bridge_users"), judged("snowflake.users")], 0, "counted inside tor.bridge_users"),
    ],
)  # fmt: skip
def test_nothing_is_counted_twice(given: list[Judged], kept: int, why: str):
    pairs = [pair(j) for j in given]
    left, dropped = once(pairs)
    assert left == [pairs[kept]]
    assert dropped == [f"{given[1 - kept].name}: {why}"]


def test_two_names_for_one_series_are_one_member():
    a = judged("psiphon.daily_users")
    b = replace(a, key=SeriesKey("my.copy", 0, "", "users", ""))
    kept, dropped = once([pair(a), pair(b)])
    assert len(kept) == 1
    assert dropped == ["my.copy: the same values as psiphon.daily_users"]


def test_entities_without_a_whole_are_members_of_their_own():
    kept, _ = once([pair(judged("app.downloads", entity=e, base=300 + k)) for k, e in enumerate("ABC")])
    assert len(kept) == 3


def test_places_in_a_chart_are_apart_from_counts_of_the_same_type():
    assert group_of(judged("app.chart_rank", unit="rank")) != group_of(judged("app.downloads"))


def test_a_stated_type_is_believed_only_where_ours_is_silent():
    assert group_of(judged("my.own"), {"my.own": "interest"}) == "interest"
    assert group_of(judged("tor.bridge_users"), {"tor.bridge_users": "interest"}) == "users"


def test_placebos_meet_by_date_or_by_distance_from_onset():
    a, b = judged("a"), replace(judged("bb"), days=np.arange(18010, 18060), onset_day=18070)
    assert by_date([a, b]).shape == (60, 2)
    assert by_date([a, b], to_onset=True).shape == (50, 2)


# --- typical effects ---


def block(block_id: str, cc: str, day: date, route: str, kind: str = "social_media_block") -> Block:
    start = datetime(day.year, day.month, day.day)
    end = start + timedelta(days=20)
    return Block(block_id, cc, block_id, start, start, end, end, "hour", "hour", kind, "", ("x.com",), route)


EVENTS = (
    block("ke-order", "KE", ONSET, "order"),
    block("ke-again", "KE", ONSET + timedelta(days=60), "press"),
    block("ng-vendor", "NG", ONSET, "vendor"),
    block("ug-scan", "UG", ONSET, "scan"),
    block("gh-unknown", "GH", ONSET, ""),
    block("tz-press", "TZ", ONSET + timedelta(days=3), "press"),
)


def test_blocks_known_by_their_effect_enter_no_typical_effect_and_are_named():
    catalogue = blocks.contents.make(EVENTS, [], [])
    kept, out = selected(list(catalogue.blocks), catalogue)
    assert [b.block_id for b in kept] == ["ke-order", "tz-press"]
    why = dict(out)
    assert "fresh data are needed" in why["ug-scan"]
    assert "'vendor', which may depend on its effect" in why["ng-vendor"]
    assert "nothing says how it became known" in why["gh-unknown"]
    assert why["ke-again"].startswith("in a chain: ke-order began less than 180 days before")


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Database:
    folder = tmp_path_factory.mktemp("typical")
    db = analyzer.open(folder / "s.duckdb")
    for k, cc in enumerate(("KE", "TZ")):
        db.load(write_tidy(folder / f"{cc}.csv", cc, seed=11 + k))
    return db


def test_a_typical_effect_holds_that_of_its_blocks_and_published_figures_change_nothing(many: Database):
    figure = Published(
        "ke-order", "A vendor", "x", ONSET, ONSET, 4500.0, "percent", "28 days", "https://x.org", "figure", "B", ""
    )
    bare, told = (blocks.contents.make(EVENTS, [], published) for published in ([], [figure] * 50))
    asked = {"indicator": "psiphon.daily_users", "horizon": "7d"}
    (found,) = typical(many.store, bare, "social_media_block", **asked)
    (again,) = typical(many.store, told, "social_media_block", **asked)
    assert found == again
    assert found.synthesis is not None
    assert found.synthesis.members == ("ke-order", "tz-press")
    assert found.synthesis.ratio_low < 1.6 < found.synthesis.ratio_high
    assert {name for name, _ in found.left_out} == {"ke-again", "ng-vendor", "ug-scan", "gh-unknown"}


def test_published_figures_are_read_by_no_estimate():
    """Whatever forms a number names them nowhere: no pool, no prior."""
    root = Path(analyzer.__file__).parent
    files = [*(root / "synthesis").glob("*.py"), *(root / "estimators").glob("*.py"), root / "panel.py"]
    files += [root / "study" / f"{name}.py" for name in ("combined", "judged", "family", "typical", "effects", "asked")]
    for path in files:
        code = path.read_text(encoding="utf-8")
        assert "published_about" not in code, path
        assert "import Published" not in code, path
        assert ".published" not in code, path


def test_a_kind_or_horizon_that_cannot_be_meant_is_refused(many: Database):
    catalogue = blocks.contents.make(EVENTS, [], [])
    with pytest.raises(UnknownName, match="kinds: social_media_block"):
        typical(many.store, catalogue, "no_such_kind")
    with pytest.raises(UnknownName, match="one length"):
        typical(many.store, catalogue, "social_media_block", horizon="during")
    with pytest.raises(UnknownName, match="no indicator"):
        typical(many.store, catalogue, "social_media_block", indicator="no.such")
