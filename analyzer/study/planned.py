"""Plans beside the catalogue: drafts, freezing, and which event of the catalogue a plan is about."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime
from os import PathLike
from pathlib import Path
from typing import Any

from analyzer import blocks, plans, verdicts
from analyzer.blocks import Catalogue
from analyzer.errors import BadInput, UnknownName
from analyzer.places import to_local
from analyzer.plans import Frozen, Plan, Vocabulary
from analyzer.records import Block
from analyzer.registry import load
from analyzer.store import Store
from analyzer.study.ask import bare_date
from analyzer.study.horizons import check_horizon
from analyzer.study.roles import Planned
from analyzer.version import __version__

COLUMNS = (
    "plan_id", "frozen_at", "status", "event", "bound_to", "indicator", "entity", "horizon", "estimand",
    "smallest_effect", "rules_version",
)  # fmt: skip


def vocabulary(catalogue: Catalogue) -> Vocabulary:
    """The names a plan may use."""
    return Vocabulary(
        block=lambda block_id: blocks.find(catalogue, block_id),
        horizon=check_horizon,
        estimator=lambda name: load("estimators", name),
        kinds=blocks.BLOCK_KINDS,
    )


def draft(catalogue: Catalogue, given: Mapping[str, Mapping[str, Any]], path: Path | None = None) -> str:
    """A plan's file with what is given and the usual for the rest, written to `path`.

    Raises BadInput for what cannot be meant, and for a path that is taken or cannot be written.
    """
    versions = {"rules_version": verdicts.RULES_VERSION, "tool_version": __version__}
    words = vocabulary(catalogue)
    values = plans.drafted({**given, "analysis": {**given.get("analysis", {}), **versions}}, words)
    text = plans.written(values, words)
    if path is not None:
        _write_new(path, text)
    return text


def _write_new(path: Path, text: str) -> None:
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError as error:
        raise BadInput(f"{path} is there already: name another file") from error
    except OSError as error:
        raise BadInput(f"cannot write {path}: {error.strerror}; name another file") from error


def freeze(
    store: Store, catalogue: Catalogue, path: str | PathLike[str], *, now: datetime, clock_set: bool = False
) -> tuple[Planned, bool]:
    """Freeze the plan of a file; True where it was not frozen before.  clock_set: `now` is no clock's time.

    Raises BadInput for a file that holds no plan, or one for other rules than those at hand.
    """
    plan = plans.read_plan(path, vocabulary(catalogue))
    _check_versions(plan, path)
    block = None if plan.event.is_bound_later else bound(plan, None, catalogue)
    cc = block.cc if block else plan.event.country
    ids, made = plans.event_ids(plan.event), not store.exists
    frozen, fresh = plans.freeze(store, plan, cc=cc, block_ids=ids, now=now, clock_set=clock_set)
    if made:  # SQL over a store that a plan has made sees the catalogue too
        with store.writing() as con:
            blocks.fill(con)
    return planned(frozen, store, catalogue), fresh


def _check_versions(plan: Plan, path: str | PathLike[str]) -> None:
    at_hand = {"rules_version": verdicts.RULES_VERSION, "tool_version": __version__}
    for name, ours in at_hand.items():
        if (stated := getattr(plan, name)) != ours:
            raise BadInput(
                f'{path}: analysis.{name} is {stated}, at hand is {ours}: write {name} = "{ours}" to freeze it'
            )


def bound(plan: Plan, frozen_at: datetime | None, catalogue: Catalogue) -> Block | None:
    """The event of the catalogue that a plan is about; None where there is none yet.

    Raises UnknownName where a named block has left the catalogue.
    """
    event = plan.event
    if event.block:
        return blocks.find(catalogue, event.block)
    if event.day is not None and event.within_days is None:
        return bare_date(event.country, event.day)
    found = [b for b in catalogue.blocks if b.cc == event.country and event.kind in ("", "any", b.kind)]
    if event.day is None:
        found = [b for b in found if frozen_at is not None and b.onset_earliest > frozen_at]
    else:
        found = [b for b in found if _days_from(b, event.day) <= (event.within_days or 0)]
    return min(found, key=lambda b: (b.onset_earliest, b.block_id), default=None)


def _days_from(block: Block, day: date) -> int:
    local: date = to_local(block.onset_earliest, block.cc).date()
    return abs((local - day).days)


def every(store: Store, catalogue: Catalogue) -> list[Planned]:
    """Every frozen plan with its event, oldest first."""
    found = [_with_event(p, catalogue) for p in plans.listed(store)]
    about = Counter(p.block.block_id for p in found if p.block)
    return [replace(p, rivals=about[p.block.block_id] - 1) if p.block else p for p in found]


def _with_event(frozen: Frozen, catalogue: Catalogue) -> Planned:
    try:
        return Planned(frozen, bound(frozen.plan, frozen.frozen_at, catalogue))
    except UnknownName:  # its block has left the catalogue: the plan can be read all the same
        return Planned(frozen, None)


def planned(frozen: Frozen, store: Store, catalogue: Catalogue) -> Planned:
    """A frozen plan of the store with its event."""
    return next(p for p in every(store, catalogue) if p.frozen.plan_id == frozen.plan_id)


def named(store: Store, catalogue: Catalogue, plan: str | PathLike[str]) -> Planned:
    """The plan of an id (its first digits suffice) or of a file that is frozen as it stands.

    Raises UnknownName for an id or file that is not frozen, with the fields in which a changed file differs.
    """
    text = str(plan)
    if not (Path(text).suffix in (".toml", ".json") or Path(text).is_file()):
        return planned(plans.find(store, text), store, catalogue)
    held = plans.of_file(store, plans.read_plan(text, vocabulary(catalogue)), text)
    return planned(held, store, catalogue)


def event_of(plan: Planned) -> Block:
    """The event asked about.  Raises UnknownName where it has not come, or is not in the catalogue."""
    if plan.block is None:
        raise UnknownName(
            f"plan {plan.frozen.short_id} is about {plan.frozen.plan.event.in_words()}; the catalogue holds none yet: "
            "vpn-uptake blocks add"
        )
    return plan.block


def row(plan: Planned) -> dict[str, Any]:
    """A plan as a row of `vpn-uptake plan list`."""
    fixed, block = plan.frozen.plan, plan.block
    return {
        "plan_id": plan.frozen.plan_id,
        "frozen_at": plan.frozen.frozen_at,
        "status": plan.status,
        "event": fixed.event.in_words(),
        "bound_to": block.block_id if block else "",
        **{name: getattr(fixed, name) for name in COLUMNS[5:]},
    }


def shown(store: Store, catalogue: Catalogue, plan_id: str | None) -> str:
    """A frozen plan as its file (the only one without an id); its hash, time and status stand above as comments.

    Raises UnknownName.
    """
    held = plans.listed(store)
    if plan_id is None and len(held) != 1:
        ids = ", ".join(p.short_id for p in held) or "none yet: vpn-uptake plan freeze FILE"
        raise UnknownName(f"name one of the frozen plans: {ids}")
    plan = planned(held[0] if plan_id is None else plans.find(store, plan_id), store, catalogue)
    about = row(plan)
    bound_to = f"\n# its event is {about['bound_to']}" if about["bound_to"] else ""
    heading = f"# plan {plan.frozen.plan_id}\n# {about['status']}{bound_to}\n"
    return heading + plans.written(plans.content(plan.frozen.plan), vocabulary(catalogue))
