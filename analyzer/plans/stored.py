"""Frozen plans in a store: written once, never changed; what was known at that moment is written down with them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from analyzer.errors import StoreError, UnknownName
from analyzer.plans.files import from_content
from analyzer.plans.plan import DIGITS, Event, Frozen, Known, Plan, canonical, differences
from analyzer.store import fetch_rows
from analyzer.store.named import named
from analyzer.version import __version__

if TYPE_CHECKING:
    import duckdb

    from analyzer.store import Store

FEWEST_DIGITS = 4  # of a plan_id that stand for all of it


def freeze(
    store: Store, plan: Plan, *, cc: str, block_ids: Sequence[str], now: datetime, clock_set: bool = False
) -> tuple[Frozen, bool]:
    """Write a plan down for good; True where it was not there before.  The same content again changes nothing.

    cc: the event's country.  block_ids: ids under which the event may have been asked about.  clock_set: `now` is not
    what the computer's clock says.  Raises StoreError.
    """
    with store.writing() as con:
        if held := fetch_rows(con, "plan_by_id", {"plan_id": plan.plan_id}):
            return _frozen(held[0]), False
        known = replace(_known(con, plan, cc, block_ids), clock_set=clock_set)
        plan_id, text = plan.plan_id, canonical(plan)
        con.execute(named("plan_insert").sql, {"plan_id": plan_id, "frozen_at": now, "content": text})
        question = {"asked": "plan freeze", "plan_id": plan_id, "cc": cc, "known": _plain(known)}
        run = {"question": json.dumps(question, sort_keys=True), "data_hash": known.snapshots_sha256}
        run_id = freezing(plan_id)
        con.execute(named("insert_run").sql, {"run_id": run_id, "asked_at": now, "tool_version": __version__, **run})
    return Frozen(plan_id, plan, now, known), True


def freezing(plan_id: str) -> str:
    """The run_id under which the freezing of a plan stands in the run log."""
    return hashlib.sha256(f"plan freeze\n{plan_id}".encode()).hexdigest()[:16]


def listed(store: Store) -> list[Frozen]:
    """Every frozen plan, oldest first."""
    return [_frozen(row) for row in store.rows("plans_frozen")] if store.exists else []


def find(store: Store, plan_id: str) -> Frozen:
    """The frozen plan whose id begins with these digits.  Raises UnknownName where none or several do."""
    wanted, plans = plan_id.strip().lower(), listed(store)
    found = [p for p in plans if p.plan_id.startswith(wanted)] if len(wanted) >= FEWEST_DIGITS else []
    if len(found) == 1:
        return found[0]
    ids = ", ".join(p.plan_id[:DIGITS] for p in (found or plans)) or "none yet: vpn-uptake plan freeze FILE"
    if len(wanted) < FEWEST_DIGITS:
        raise UnknownName(f"{plan_id!r} is too short: give at least {FEWEST_DIGITS} digits of the plan's id: {ids}")
    raise UnknownName(f"{'several plans begin' if found else 'no frozen plan begins'} with {plan_id!r}: {ids}")


def of_file(store: Store, plan: Plan, name: str) -> Frozen:
    """The frozen plan that a file holds.  Raises UnknownName, with both hashes, where the file was changed."""
    plans = listed(store)
    for held in plans:
        if held.plan_id == plan.plan_id:
            return held
    if not plans:
        raise UnknownName(f"{name} (hash {plan.plan_id[:DIGITS]}) is not frozen: vpn-uptake plan freeze {name}")
    near = min(plans, key=lambda held: (held.plan.event != plan.event, len(differences(plan, held.plan))))
    raise UnknownName(
        f"{name} has the hash {plan.plan_id[:DIGITS]}, which is not frozen; the nearest frozen plan "
        f"{near.plan_id[:DIGITS]} ({near.frozen_at:%Y-%m-%d %H:%M} UTC) differs: "
        f"{'; '.join(differences(plan, near.plan))}.  Use --plan {near.plan_id[:DIGITS]}, or freeze the changed plan"
    )


def _known(con: duckdb.DuckDBPyConnection, plan: Plan, cc: str, block_ids: Sequence[str]) -> Known:
    asked = {"cc": cc, "indicators": list(plan.indicators)}
    row = fetch_rows(con, "plan_known", {**asked, "block_ids": list(block_ids)})[0]
    hashes = [r["sha256"] for r in fetch_rows(con, "plan_snapshots", asked)]
    moments = [row[name] for name in ("newest_in_store", "newest_retrieval", "newest_run") if row[name]]
    data_hash = hashlib.sha256("\n".join(hashes).encode()).hexdigest()
    return Known(row["newest"], max(moments, default=None), row["runs"], data_hash)


def _plain(known: Known) -> dict[str, Any]:
    def moment(at: datetime | None) -> str | None:
        return at.isoformat() if at else None

    return {
        "newest": moment(known.newest),
        "latest": moment(known.latest),
        "runs": known.runs,
        "clock_set": known.clock_set,
    }


def _frozen(row: dict[str, Any]) -> Frozen:
    """A stored plan; its content must still have the hash that is its id."""
    content, plan_id = row["content"], row["plan_id"]
    if (found := hashlib.sha256(content.encode()).hexdigest()) != plan_id:
        raise StoreError(
            f"the stored plan {plan_id[:DIGITS]} was altered: its content hashes to {found[:DIGITS]}; restore the store"
        )
    said = json.loads(row["question"])["known"] if row["question"] else {}
    newest, latest = (datetime.fromisoformat(said[k]) if said.get(k) else None for k in ("newest", "latest"))
    known = Known(newest, latest, said.get("runs", 0), row["data_hash"] or "", said.get("clock_set", False))
    return Frozen(plan_id, from_content(content), row["frozen_at"], known)


def event_ids(event: Event) -> tuple[str, ...]:
    """The ids under which an event that is known may have been asked about."""
    if event.block:
        return (event.block,)
    return (f"{event.country.lower()}-{event.day.isoformat()}",) if event.day else ()
