"""The catalogue in a store: filled from the shipped tables, added to by its user, merged when it is read."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analyzer.blocks import tables
from analyzer.blocks.contents import Catalogue, make, shipped, shipped_sha256, shipped_size
from analyzer.blocks.tables import Row
from analyzer.errors import BadInput
from analyzer.records import Block, Claim, LoadResult, Published
from analyzer.store import fetch_rows
from analyzer.store.named import named
from analyzer.version import __version__

if TYPE_CHECKING:
    import duckdb

    from analyzer.store import Store

    Connection = duckdb.DuckDBPyConnection
    Records = Sequence[Block] | Sequence[Claim] | Sequence[Published]

SHIPPED_SOURCE = "catalogue"
OWN_LICENCE = "as stated by whoever entered it"


@dataclass(frozen=True, slots=True)
class Addition:
    """Rows about to be written, and where they came from."""

    source: str
    origin: str
    sha256: str
    size: int
    events: Sequence[Block] = ()
    claims: Sequence[Claim] = ()
    published: Sequence[Published] = ()
    licence: str = OWN_LICENCE
    attribution: str = ""
    timezone: str = "UTC; values without an hour: local"

    @property
    def snapshot_id(self) -> str:
        """The first 16 digits, as for every snapshot."""
        return self.sha256[:16]

    @property
    def rows(self) -> int:
        """Events and figures; claims go with their event."""
        return len(self.events) + len(self.published)


def catalogue(store: Store | None = None) -> Catalogue:
    """The shipped catalogue, and what the user of a store added to it.

    Where both hold an id, which happens when a later version ships an event that was added before, the user's stands.
    """
    if store is None or not store.exists:
        return shipped()
    with store.reading() as con:
        own = [_event(row) for row in fetch_rows(con, "block_user_events", {})]
        claims = [Claim(**row) for row in fetch_rows(con, "block_user_claims", {})]
        figures = [Published(**row) for row in fetch_rows(con, "published_user", {})]
    taken = {b.block_id for b in own}
    base = shipped()
    kept = [b for b in base.events if b.block_id not in taken]
    said, told = [*base.claims, *claims], [*base.published, *figures]
    return make([*kept, *own], said, told, base.contexts, base.donor_exclusions)


def fill(con: Connection) -> bool:
    """Bring the shipped tables into a store on an open write; True when they were not there as they are now.

    Every write of a store should begin with it, so that SQL over the store sees the catalogue.
    """
    sha256 = shipped_sha256()
    if fetch_rows(con, "block_snapshot", {"sha256": sha256}):
        return False
    con.execute(named("block_forget_shipped").sql)
    base = shipped()
    write(con, Addition(SHIPPED_SOURCE, "analyzer/data", sha256, shipped_size(), base.events, base.claims,
                        base.published, licence="Apache-2.0", attribution="the vpn-uptake authors"))  # fmt: skip
    return True


def add(store: Store, block: Block, claims: Iterable[Claim] = ()) -> LoadResult:
    """Add one block or non-event with the claims about it; the same again changes nothing.

    Raises BadInput when it breaks a rule of the table, when a claim is about something else, or when the id stands for
    an event that differs.
    """
    said = tuple(claims)
    tables.check_block(block)
    if stray := [c for c in said if c.block_id != block.block_id]:
        raise BadInput(
            f"the claim of {stray[0].who} is about {stray[0].block_id!r}, not {block.block_id!r}: correct it"
        )
    text = json.dumps([asdict(block), [asdict(c) for c in said]], default=str, sort_keys=True).encode()
    fresh = _fresh(catalogue(store), [block], "blocks add")
    addition = Addition("blocks_add", "entered by hand", hashlib.sha256(text).hexdigest(), len(text), fresh, said)
    return commit(store, addition)


def import_csv(store: Store, path: str | Path, *, non_events: bool = False) -> LoadResult:
    """Import events in the columns of events.csv, read by header: all or nothing.

    Blocks and non-events are told apart by kind; `non_events` says that the file holds nothing else.  What the row
    itself says (confirmed_by, notes) is kept as claims.  Raises BadInput with file, line and column.
    """
    name, data = read_bytes(path)
    have = catalogue(store)
    seen, fresh = tables.Events(), []
    claims: list[Claim] = []
    for row in tables.rows_of(decoded(name, data), name, tables.EVENT_COLUMNS):
        event = _event_row(row, non_events=non_events)
        seen.add(row, event)
        if _fresh(have, [event], f"{name}: line {row.line}"):
            fresh.append(event)
            claims += tables.claims_of_event(row)
    return commit(store, _addition("events_csv", name, data, events=fresh, claims=claims))


def import_published(store: Store, path: str | Path) -> LoadResult:
    """Import publishers' figures in the columns of published_estimates.csv: all or nothing.

    Every figure has to be about an event that the catalogue knows; one that stands there already is left out.
    """
    name, data = read_bytes(path)
    have = catalogue(store)
    known, seen = {b.block_id for b in have.events}, set(have.published)
    figures: dict[Published, None] = {}
    for row in tables.rows_of(decoded(name, data), name, tables.PUBLISHED_COLUMNS):
        figure = tables.published(row)
        if figure.block_id not in known:
            row.fail("event_id", f"no event {figure.block_id!r} in the catalogue: add or import it first")
        if figure not in seen:
            figures[figure] = None
    return commit(store, _addition("published_csv", name, data, published=list(figures)))


def commit(store: Store, addition: Addition, before: Callable[[Connection], None] = lambda _: None) -> LoadResult:
    """Write an addition with its provenance in one transaction; the same bytes twice change nothing."""
    with store.writing() as con:
        fill(con)
        if known := fetch_rows(con, "block_snapshot", {"sha256": addition.sha256}):
            return LoadResult(addition.snapshot_id, str(known[0]["source"]), 0, 0, already_loaded=True)
        before(con)
        write(con, addition)
    return LoadResult(addition.snapshot_id, addition.source, addition.rows, 0, already_loaded=False)


def write(con: Connection, addition: Addition) -> None:
    """Rows of an addition and their snapshot, on an open write."""
    snapshot = addition.snapshot_id
    _run(con, "block_snapshot_insert", snapshot_id=snapshot, source=addition.source, origin=addition.origin,
         sha256=addition.sha256, bytes=addition.size, tool_version=__version__, licence=addition.licence,
         attribution=addition.attribution, timezone=addition.timezone, rows_loaded=addition.rows)  # fmt: skip
    _insert(con, "block_insert", [b for b in addition.events if not b.is_non_event], snapshot)
    _insert(con, "block_insert_non_events", [b for b in addition.events if b.is_non_event], snapshot)
    _insert(con, "block_insert_claims", addition.claims, snapshot)
    _insert(con, "published_insert", addition.published, snapshot)


def read_bytes(path: str | Path) -> tuple[str, bytes]:
    """File name (without folders, which may name a person) and content.  Raises BadInput when it cannot be read."""
    try:
        return Path(path).name, Path(path).read_bytes()
    except OSError as error:
        raise BadInput(f"cannot read {path}: {error.strerror}; check the path") from error


def decoded(name: str, data: bytes) -> str:
    """The bytes as UTF-8 text."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadInput(f"{name}: byte {error.start} is not UTF-8: save the table as UTF-8") from error


def _addition(source: str, name: str, data: bytes, **rows: Any) -> Addition:
    return Addition(source, name, hashlib.sha256(data).hexdigest(), len(data), **rows)


def _event_row(row: Row, *, non_events: bool) -> Block:
    event = tables.block(row)
    if non_events and not event.is_non_event:
        row.fail("kind", f"{event.kind!r} changes access, so it is a block: import it without --non-events")
    return event


def _fresh(have: Catalogue, events: Sequence[Block], where: str) -> list[Block]:
    """Those that the catalogue does not hold; one that it holds in another form is an error."""
    known = {b.block_id: b for b in have.events}
    for event in events:
        old = known.get(event.block_id, event)
        if other := tables.differences(old, _with_route(event, old)):
            raise BadInput(f"{where}: event_id: {event.block_id!r} stands in the catalogue with another {other}: "
                           "give it another id, or correct the row")  # fmt: skip
    return [e for e in events if e.block_id not in known]


def _with_route(event: Block, old: Block) -> Block:
    """A table written before the column was there says nothing of the route."""
    return event if event.discovery_route else replace(event, discovery_route=old.discovery_route)


def _event(row: dict[str, Any]) -> Block:
    return Block(**{**row, "services": tuple(row["services"].split(";"))})


def _insert(con: Connection, query: str, records: Records, snapshot: str) -> None:
    if not records:
        return
    columns = {f.name: [_cell(getattr(r, f.name)) for r in records] for f in fields(records[0])}
    columns.pop("is_non_event", None)
    _run(con, query, snapshot_id=snapshot, **columns)


def _cell(value: Any) -> Any:
    return ";".join(value) if isinstance(value, tuple) else value


def _run(con: Connection, query: str, **parameters: object) -> None:
    con.execute(named(query).sql, named(query).bind(parameters))
