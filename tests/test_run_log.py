"""Every row carries its role under a plan, and every question asked of a store stays in it."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path

import numpy as np
import pytest
from series_files import panel, write_tor

import analyzer
from analyzer import api
from analyzer.errors import BadInput, StoreBusy, StoreError, UnknownName
from analyzer.plans import specification_in_words
from analyzer.records import Specification, Study
from analyzer.store import Store
from analyzer.study import one_series, planned, record, roles

SUDAN = "sd-2018-12-21-social"
ONSET = date(2018, 12, 21)
ASKED = {"asked": "estimate", "estimator": "replay"}
EPOCH_BEFORE = str(int(datetime(2018, 11, 1).timestamp()))


@pytest.fixture(autouse=True)
def without_checks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Roles and the log have no use for them, and they cost ten times the estimate."""
    monkeypatch.setattr(one_series, "load_all", lambda _: {})


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A store in which Sudan doubles from the block's first day on, beside a few others."""
    folder = tmp_path_factory.mktemp("runs")
    db = analyzer.open(folder / "s.duckdb")
    db.load(write_tor(folder / "bridge.csv", few(panel({"sd": {ONSET: 2.0}}))))
    return db.store.path.read_bytes()


@pytest.fixture(scope="module")
def study(made: bytes, tmp_path_factory: pytest.TempPathFactory) -> Study:
    """One row of Sudan's block, recorded in a store of its own."""
    path = tmp_path_factory.mktemp("study") / "s.duckdb"
    path.write_bytes(made)
    return analyzer.open(path).estimate(SUDAN, horizons=["7d"], shapes="none")


@pytest.fixture
def db(made: bytes, tmp_path: Path) -> api.Database:
    (tmp_path / "s.duckdb").write_bytes(made)
    return analyzer.open(tmp_path / "s.duckdb")


def few(series: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {cc: series[cc] for cc in ("at", "be", "bg", "ch", "cz", "dk", "sd", "pk")}


def freeze(db: api.Database, folder: Path, **given: dict[str, object]) -> str:
    """A plan of Sudan's block, frozen; its file is plan.toml."""
    given = {"event": {"block": SUDAN}, "primary": {"indicator": "tor.bridge_users", "horizon": "7d"}, **given}
    path = folder / "plan.toml"
    path.unlink(missing_ok=True)
    db.plan_new(path, **given)
    return db.plan_freeze(path)["plan_id"]


def roles_of(study: Study) -> dict[tuple[str, str], str]:
    return {(e.indicator, e.horizon): e.role for e in study.estimates}


def test_only_the_row_a_plan_names_is_primary_listed_ones_secondary_all_others_exploratory(
    db: api.Database, tmp_path: Path
):
    plan = freeze(db, tmp_path, secondary={"horizons": ["14d"]})
    study = db.estimate(plan=plan[:8], shapes="none")
    assert roles_of(study) == {("tor.bridge_users", "7d"): "primary", ("tor.bridge_users", "14d"): "secondary"}
    assert {e.plan_id for e in study.estimates} == {plan}
    wider = db.estimate(plan=plan, horizons=["7d", "28d"], shapes="none")
    assert roles_of(wider) == {("tor.bridge_users", "7d"): "primary", ("tor.bridge_users", "28d"): "exploratory"}
    assert "this row is not in the plan" in wider.estimates[1].reasons
    other = db.estimate(cc="SD", date=ONSET, plan=plan, shapes="none")
    assert {e.role for e in other.estimates} == {"exploratory"}
    assert f"the plan is about {SUDAN}" in other.estimates[0].reasons
    without = db.estimate(SUDAN, horizons=["7d"], shapes="none")
    assert [(e.role, e.plan_id) for e in without.estimates] == [("exploratory", "")]


def test_a_plan_fixes_how_the_question_is_asked(db: api.Database, tmp_path: Path):
    spec = {"base_days": 60, "donors": False}
    plan = freeze(db, tmp_path, specification=spec, analysis={"smallest_effect": 4.0})
    row = db.estimate(plan=plan, shapes="none").estimates[0]
    usual = db.estimate(SUDAN, horizons=["7d"], shapes="none").estimates[0]
    assert row.method.endswith("specification: base of 60 days; no donors")
    assert "0 donor countries" in row.method
    assert row.base.startswith("2018-10-18 to 2018-12-16, ")
    assert row.expected != usual.expected
    assert "smallest effect of interest by the plan: x4" in row.reasons


def test_the_smallest_effect_of_a_plan_decides_what_is_ruled_out(made: bytes, tmp_path: Path):
    (tmp_path / "s.duckdb").write_bytes(made)
    db = analyzer.open(tmp_path / "s.duckdb")
    words = {}
    for smallest in (1.01, 3.0):
        plan = freeze(
            db,
            tmp_path,
            event={"country": "PK", "day": date(2018, 11, 24)},
            analysis={"smallest_effect": smallest},
        )
        row = db.estimate(plan=plan, shapes="none").estimates[0]
        assert row.ratio_low < 1 < row.ratio_high
        words[smallest] = row.verdict
        assert row.verdict != "ruled_out" or f"a change beyond x{smallest:g}" in row.reasons
    assert words == {1.01: "inconclusive", 3.0: "ruled_out"}


def test_a_block_of_the_past_is_never_called_pre_registered(db: api.Database, tmp_path: Path):
    plan = freeze(db, tmp_path)
    (listed,) = db.plans()
    reasons = db.estimate(plan=plan, shapes="none").estimates[0].reasons
    for said in (listed["status"], reasons, planned.shown(db.store, db.catalogue(), None)):
        assert "with data of the event in the store: no pre-registration" in said
        assert "before the event and its data" not in said


def test_a_backdated_freezing_is_not_believed(db: api.Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The clock can be set; what the store holds by then tells on it."""
    monkeypatch.setenv("SOURCE_DATE_EPOCH", EPOCH_BEFORE)
    freeze(db, tmp_path)
    assert db.plans()[0]["frozen_at"] < datetime(2018, 12, 1)
    assert "no pre-registration" in db.plans()[0]["status"]


def test_a_plan_frozen_before_its_event_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    db = analyzer.open(tmp_path / "s.duckdb")
    monkeypatch.setenv("SOURCE_DATE_EPOCH", EPOCH_BEFORE)
    event = {"country": "SD", "day": ONSET, "within_days": 3}
    plan = freeze(db, tmp_path, event=event)
    monkeypatch.delenv("SOURCE_DATE_EPOCH")
    db.load(write_tor(tmp_path / "bridge.csv", few(panel({"sd": {ONSET: 2.0}}))))
    study = db.estimate(plan=plan, shapes="none")
    assert study.block.block_id == SUDAN
    assert study.estimates[0].role == "primary"
    assert "by a clock that was set, before the event and its data" in study.estimates[0].reasons


def test_a_plan_without_its_event_has_nothing_to_estimate_yet(db: api.Database, tmp_path: Path):
    plan = freeze(db, tmp_path, event={"country": "SD", "kind": "any"})
    assert "no such event yet" in db.plans()[0]["status"]
    with pytest.raises(UnknownName, match="the next block in SD; the catalogue holds none yet: vpn-uptake blocks add"):
        db.estimate(plan=plan)


def test_a_plan_under_other_rules_gives_exploratory_rows_that_say_so(
    db: api.Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    with monkeypatch.context() as patch:
        patch.setattr(planned.verdicts, "RULES_VERSION", "0")
        plan = freeze(db, tmp_path)
    row = db.estimate(plan=plan, shapes="none").estimates[0]
    assert row.role == "exploratory"
    assert f"frozen under rules 0, computed with rules {roles.verdicts.RULES_VERSION}" in row.reasons


def test_another_estimator_and_donors_that_are_not_there_are_deviations(tmp_path: Path):
    db = analyzer.open(tmp_path / "s.duckdb")
    alone = {cc: y for cc, y in panel({"sd": {ONSET: 2.0}}).items() if cc == "sd"}
    db.load(write_tor(tmp_path / "bridge.csv", alone))
    plan = freeze(db, tmp_path, specification={"base_days": 250})
    row = db.estimate(plan=plan, shapes="none").estimates[0]
    assert row.role == "primary"
    assert "deviation from the plan: no donor countries were to be had" in row.reasons
    assert "a base of 250 days was asked for; it has 89 days" in row.reasons
    other = db.estimate(plan=plan, estimator="sdid", shapes="none").estimates[0]
    assert other.role == "exploratory"
    assert "estimated by sdid, planned was replay" in other.reasons


def test_a_plan_whose_indicator_is_not_in_the_store_says_that_its_question_has_no_answer(
    db: api.Database, tmp_path: Path
):
    plan = freeze(db, tmp_path, primary={"indicator": "wiki.pageviews", "horizon": "7d"})
    study = db.estimate(plan=plan)
    assert study.estimates == ()
    assert any("no series of the plan's wiki.pageviews" in w and "no answer" in w for w in study.warnings)


def test_several_plans_about_one_event_say_how_many_they_are(db: api.Database, tmp_path: Path):
    freeze(db, tmp_path, event={"block": "sd-2019-06-03-shutdown"})
    first = freeze(db, tmp_path)
    assert "plans about this event" not in planned.named(db.store, db.catalogue(), first).sentence
    freeze(db, tmp_path, primary={"indicator": "tor.bridge_users", "horizon": "28d"})
    assert "one of 2 plans about this event" in planned.named(db.store, db.catalogue(), first).sentence


def test_a_draft_is_never_written_over_another_file(db: api.Database, tmp_path: Path):
    freeze(db, tmp_path)
    with pytest.raises(BadInput, match="is there already"):
        db.plan_new(tmp_path / "plan.toml")


def test_a_study_says_how_many_rows_were_ever_asked_of_its_event(db: api.Database, study: Study):
    row = study.estimates[0]
    week, fortnight, month = (replace(row, horizon=h) for h in ("7d", "14d", "28d"))
    by_date = replace(month, block_id="sd-2018-12-21")
    counts = []
    for rows in ((week, fortnight), (week,), (month,), (by_date,)):
        runs = record.recorded(db.store, replace(study, estimates=rows), ASKED).runs
        counts.append((runs.run, runs.shown) if runs else None)
    assert counts == [(2, 2), (2, 1), (3, 1), (4, 1)]
    other = replace(study.block, block_id="pk-2018-11-24", cc="PK", onset_earliest=datetime(2018, 11, 24))
    assert record.counted(db.store, replace(study, block=other, estimates=(replace(row, cc="PK"),)), ASKED).run == 1


def test_the_log_can_be_read_and_only_grows(db: api.Database, tmp_path: Path):
    def rows() -> dict[str, list[str]]:
        with db.store.reading() as con:
            tables = ("plans", "runs", "estimates", "checks")
            return {name: sorted(map(repr, con.table(name).fetchall())) for name in tables}

    plan, seen = freeze(db, tmp_path), rows()
    steps: list[Callable[[], object]] = [
        lambda: db.estimate(plan=plan, shapes="none"),
        lambda: db.load(write_tor(tmp_path / "other.csv", few(panel(seed=4)))),
        lambda: freeze(db, tmp_path),
        lambda: db.estimate(SUDAN, horizons=["7d"], shapes="none"),
    ]
    for step in steps:
        step()
        now = rows()
        assert all(set(seen[name]) <= set(now[name]) for name in seen)
        seen = now
    log = db.query("runs_log")
    assert sorted(log["estimate_rows"]) == [0, 1, 1]
    assert sorted(log["primary_rows"]) == [0, 0, 1]
    assert sum("plan freeze" in q for q in log["question"]) == 1
    assert list(db.query("SELECT plan_id FROM plans")["plan_id"]) == [plan]


KILLED = """
import os, signal, sys
from datetime import datetime
from analyzer import blocks
from analyzer.records import Check, Study
from analyzer.store import Store
from analyzer.study import record
real = record.named
def named(query):
    if query == "insert_check":
        os.kill(os.getpid(), signal.SIGKILL)
    return real(query)
check = Check("coverage", "passed", "all there")
study = Study(blocks.find(blocks.shipped(), "sd-2018-12-21-social"), datetime(2026, 1, 1), (), (check,))
record.record(Store(sys.argv[1]), study, {"asked": "estimate"})
record.named = named
record.record(Store(sys.argv[1]), study, {"asked": "estimate"})
"""


def test_a_process_killed_while_it_records_leaves_all_or_nothing(db: api.Database):
    done = subprocess.run([sys.executable, "-c", KILLED, str(db.store.path)], check=False, capture_output=True)
    assert done.returncode == -signal.SIGKILL
    assert [len(db.query(f"FROM {name}")) for name in ("runs", "estimates", "checks")] == [1, 0, 1]


RECORDS = """
import sys
from datetime import datetime
from analyzer import blocks
from analyzer.records import Study
from analyzer.store import Store
from analyzer.study.record import record
study = Study(blocks.find(blocks.shipped(), "sd-2018-12-21-social"), datetime(2026, 1, 1), ())
for i in range(8):
    record(Store(sys.argv[1]), study, {"asked": "estimate"})
"""


def test_two_processes_at_once_lose_no_row(db: api.Database):
    command = [sys.executable, "-c", RECORDS, str(db.store.path)]
    both = [subprocess.Popen(command) for _ in range(2)]
    assert [p.wait() for p in both] == [0, 0]
    assert len(db.query("FROM runs")) == 16


def test_a_store_that_cannot_be_written_still_answers_and_says_so(db: api.Database, monkeypatch: pytest.MonkeyPatch):
    def full(_: Store) -> object:
        raise StoreError("the disk is full")

    monkeypatch.setattr(Store, "writing", full)
    study = db.estimate(SUDAN, horizons=["7d"], shapes="none")
    assert study.estimates[0].verdict == "rise"
    assert any("could not be recorded: the disk is full" in w for w in study.warnings)
    assert study.runs is not None
    assert (study.runs.run, study.runs.shown) == (1, 1)


def test_a_run_waits_for_another_process_rather_than_go_unrecorded(
    db: api.Database, study: Study, monkeypatch: pytest.MonkeyPatch
):
    real, refused = Store.writing, []

    def busy(store: Store) -> object:
        if len(refused) < 3:
            refused.append(1)
            raise StoreBusy("is being written by another process")
        return real(store)

    monkeypatch.setattr(Store, "writing", busy)
    assert record.recorded(db.store, study, ASKED).warnings == ()
    assert len(db.query("FROM runs")) == 1


def test_questions_that_differ_in_specification_or_estimator_count_apart(db: api.Database, study: Study):
    row = study.estimates[0]
    other = replace(row, method=f"{row.method}; specification: no donors")
    for shown, question in ((other, ASKED), (row, {**ASKED, "estimator": "sdid"}), (row, ASKED)):
        record.record(db.store, replace(study, estimates=(shown,)), question)
    assert record.counted(db.store, study, ASKED).run == 3


def test_a_specification_in_words_tells_every_choice():
    changes = ({"base_days": 28}, {"gap_days": 0}, {"donors": False}, {"without": ("TR",)}, {"exclusions": False},
               {"masks": False}, {"weekends": False})  # fmt: skip
    words = {specification_in_words(Specification(**change)) for change in changes}
    assert len(words - {""}) == len(changes)
    assert specification_in_words(Specification()) == ""
