"""The run log: every estimate asked for is written down, shown or not."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from analyzer.records import Study
from analyzer.store import Store, fetch_rows
from analyzer.store.named import named


def record(store: Store, study: Study, asked: Mapping[str, Any]) -> str:
    """Append the study's run, estimates and checks to the store; returns the run's id.

    Raises StoreError where the store cannot be written.
    """
    question = json.dumps({"block_id": study.block.block_id, **asked}, sort_keys=True)
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


def _sha256(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
