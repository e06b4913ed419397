"""What the command line and `analyzer.open` hand to the catalogue: one event in words, or a table of some kind."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from analyzer.blocks import tables
from analyzer.blocks.stop import import_stop
from analyzer.blocks.stored import import_csv, import_published
from analyzer.errors import BadInput
from analyzer.records import Block, Claim, LoadResult
from analyzer.store import Store

_PARQUET = b"PAR1"
_PRECISION_BY_LENGTH = {7: "month", 10: "day", 16: "minute"}
_ENTRY = "blocks add"


def described(given: Mapping[str, str]) -> tuple[Block, tuple[Claim, ...]]:
    """An event and the claim it rests on, from the options of `blocks add`; a time's length tells its precision.

    Raises BadInput that names the option at fault.
    """
    cells = {
        "event_id": given["block_id"],
        "country": given["cc"],
        "name": given["name"],
        "start_utc": given["start"],
        "end_utc": given["end"],
        "start_precision": given["start_precision"] or _precision(given["start"]),
        "end_precision": given["end_precision"] or _precision(given["end"]),
        "services": given["services"],
        "kind": given["kind"],
        "scope": given["scope"],
    }
    try:
        block = tables.block(tables.Row(_ENTRY, 1, cells))
    except BadInput as error:
        raise BadInput(str(error).removeprefix(f"{_ENTRY}: line 1: ")) from error
    return block, (Claim(block.block_id, given["who"], given["says"] or "reports it", given["address"], ""),)


def _precision(time: str) -> str:
    return _PRECISION_BY_LENGTH.get(len(time), "")


def import_table(store: Store, path: str, *, non_events: bool = False, published: bool = False) -> LoadResult:
    """Import a table of events, of publishers' figures, or Access Now's STOP, which its columns tell.

    Raises BadInput for a file that is none of these or holds a bad row; then nothing of it is kept.
    """
    if published:
        return import_published(store, path)
    if not non_events and _is_stop(Path(path)):
        return import_stop(store, path)
    return import_csv(store, path, non_events=non_events)


def _is_stop(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            head = file.read(65536)
    except OSError as error:
        raise BadInput(f"cannot read {path}: {error.strerror}") from error
    return head.startswith(_PARQUET) or b"shutdown_extent" in head.split(b"\n", 1)[0]
