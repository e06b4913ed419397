"""The run log: every estimate asked for is written down, shown or not, and counted where it is asked again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from datetime import timedelta
from typing import Any

from analyzer.errors import StoreBusy, StoreError
from analyzer.places import to_local
from analyzer.records import Block, Estimate, RunCount, Study
from analyzer.store import Store, fetch_rows
from analyzer.store.named import named
from analyzer.study.heading import SPECIFIED

ATTEMPTS = 12  # of five seconds each: a run waits for a load to end rather than go unrecorded
Key = tuple[str, ...]


def record(store: Store, study: Study, asked: Mapping[str, Any]) -> str:
    """Append the study's run, estimates and checks to the store, all or nothing; returns the run's id.

    asked: the question as plain values; `asked` names what it was asked for.  Raises StoreError where the store cannot
    be written.
    """
    question = json.dumps({"block_id": study.block.block_id, **asked}, sort_keys=True)
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return _written(store, study, question)
        except StoreBusy:
            if attempt == ATTEMPTS:
                raise
    raise AssertionError("unreachable: the last attempt returns or raises")


def _written(store: Store, study: Study, question: str) -> str:
    data_hash = _sha256(*(s.sha256 for s in study.snapshots))
    with store.writing() as con:
        count = fetch_rows(con, "count_runs", {})[0]["runs"]
        run_id = _sha256(study.asked_at.isoformat(), question, data_hash, str(count))[:16]
        run = {"run_id": run_id, "asked_at": study.asked_at, "question": question, "data_hash": data_hash}
        con.execute(named("insert_run").sql, {**run, "tool_version": study.tool_version})
        for estimate in study.estimates:
            con.execute(named("insert_estimate").sql, {"run_id": run_id, **asdict(estimate)})
        for check in study.checks:
            detail = json.dumps([dict(row) for row in check.table], default=str)
            row = {"name": check.name, "outcome": check.outcome, "sentence": check.sentence, "detail": detail}
            con.execute(named("insert_check").sql, {"run_id": run_id, **row})
    return run_id


def recorded(store: Store, study: Study, asked: Mapping[str, Any], meant: Block | None = None) -> Study:
    """The study with its place in the run log; where it cannot be written, the study says so and stands.

    meant: the block that a bare date stands for.
    """
    try:
        record(store, study, asked)
    except StoreError as error:
        study = replace(study, warnings=(*study.warnings, f"this run could not be recorded: {error}"))
    return replace(study, runs=counted(store, study, asked, meant))


def counted(store: Store, study: Study, asked: Mapping[str, Any], meant: Block | None = None) -> RunCount:
    """How many different rows this store was ever asked for about this event, these included; how many are shown.

    Rows differ by event, series, horizon, estimand, specification and estimator.  The event by its id, by its date and
    by the days beside it: a question put by date is the same question.
    """
    own = {_key(e, str(asked.get("estimator", ""))) for e in study.estimates}
    try:
        held = store.rows("run_questions", block_ids=_ids(study.block, meant))
    except StoreError:
        held = []
    ever = {_stored_key(row) for row in held}
    return RunCount(run=len(ever | own), shown=len(study.estimates), plan_id=str(asked.get("plan_id", "")))


def _key(row: Estimate, estimator: str) -> Key:
    specification = row.method.partition(SPECIFIED)[2]
    return (row.block_id, row.indicator, row.entity, row.horizon, row.estimand, specification, estimator)


def _stored_key(row: Mapping[str, Any]) -> Key:
    estimator = json.loads(row["question"]).get("estimator", "")
    at = tuple(row[name] for name in ("block_id", "indicator", "entity", "horizon", "estimand"))
    return (*at, row["method"].partition(SPECIFIED)[2], estimator)


def _ids(block: Block, meant: Block | None) -> Sequence[str]:
    """The ids under which the same event may have been asked about."""
    day = to_local(block.onset_earliest, block.cc).date()
    dates = [day + timedelta(days=shift) for shift in (-1, 0, 1)]
    near = {f"{block.cc.lower()}-{at.isoformat()}" for at in dates}
    return sorted({block.block_id, *near, *((meant.block_id,) if meant else ())})


def _sha256(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
