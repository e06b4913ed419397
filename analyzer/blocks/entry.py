"""What the command line hands over: an event in the words of its options, a table of any of the known kinds."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from analyzer.blocks import tables
from analyzer.blocks.stop import import_stop
from analyzer.blocks.stored import import_csv, import_published
from analyzer.blocks.tables import Row
from analyzer.blocks.times import grain
from analyzer.errors import BadInput
from analyzer.records import Block, Claim, LoadResult

if TYPE_CHECKING:
    from analyzer.store import Store

_OPTIONS = {"event_id": "block_id", "country": "cc", "start_utc": "start", "end_utc": "end", "discovery_route": "route"}
_OF_STOP = b"shutdown_type"  # a column that only Access Now's list has


def described(given: Mapping[str, str]) -> tuple[Block, tuple[Claim, ...]]:
    """An event and its claim from texts: block_id, cc, name, start, end, kind, services, scope, route, who,
    says, address.

    A precision that is not given is that of the way the time is written.  Raises BadInput with the option at fault.
    """
    cells = {column: given.get(_OPTIONS.get(column, column), "") for column in _COLUMNS}
    for which in ("start", "end"):
        if cells[f"{which}_utc"] and not cells[f"{which}_precision"]:
            cells[f"{which}_precision"] = _told(which, cells[f"{which}_utc"])
    event = _in_words_of_options(cells)
    who = given.get("who", "")
    claim = Claim(event.block_id, who, given.get("says", "") or event.name, given.get("address", ""), "")
    return event, (claim,) if who else ()


def import_table(store: Store, path: str | Path, *, non_events: bool = False, published: bool = False) -> LoadResult:
    """Import events, publishers' figures or Access Now's list; the list is told by its content."""
    if published:
        return import_published(store, path)
    if _is_stop(path):
        if non_events:
            raise BadInput(f"{Path(path).name}: this is Access Now's list of shutdowns: import it without --non-events")
        return import_stop(store, path)
    return import_csv(store, path, non_events=non_events)


_COLUMNS = (*tables.EVENT_COLUMNS, "end_utc", "end_precision", "scope", "discovery_route")


def _told(which: str, value: str) -> str:
    try:
        return grain(value)
    except BadInput as error:
        raise BadInput(f"--{which}: {error}") from error


def _in_words_of_options(cells: Mapping[str, str]) -> Block:
    try:
        return tables.block(Row("options", 1, cells))
    except BadInput as error:
        column, _, what = str(error).removeprefix("options: line 1: ").partition(": ")
        raise BadInput(f"--{_OPTIONS.get(column, column)}: {what}") from error


def _is_stop(path: str | Path) -> bool:
    try:
        with Path(path).open("rb") as file:
            head = file.read(4096)
    except OSError as error:
        raise BadInput(f"cannot read {path}: {error.strerror}; check the path") from error
    return head.startswith(b"PAR1") or _OF_STOP in head
