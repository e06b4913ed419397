"""One file into the store: all or nothing; the same bytes twice change nothing; a refused row is kept with its reason.

The bytes are read once into a hash, which says whether they are known, and once more for their rows; a file that
differs between the two readings changed meanwhile, and nothing of it is kept.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analyzer import packed, places, sources
from analyzer.capture import containers
from analyzer.errors import BadInput, StoreError
from analyzer.records import Lines, LoadResult, Observation, Origin, Rejection, Source
from analyzer.sources import _bytes, _mapping
from analyzer.sources._table import TEXT_LIMIT
from analyzer.store import Store, fetch_rows, types
from analyzer.store._files import STDIN, Facts, expand, facts_of, received
from analyzer.store.named import named
from analyzer.version import __version__

if TYPE_CHECKING:
    import duckdb

    from analyzer.store.captures import Captures

__all__ = ["captures_ahead", "expand", "is_capture", "load_file"]

BATCH = 50_000  # rows: some 20 MB of Python objects at a time

Progress = _bytes.Progress


def load_file(
    store: Store,
    path: str | Path,
    *,
    source: str | None = None,
    retrieved: datetime | date | str | None = None,
    cc: str | None = None,
    tz: str | None = None,
    mapping: Mapping[str, Any] | str | Path | None = None,
    progress: Progress | None = None,
    captures: Captures | None = None,
) -> LoadResult:
    """Load one file, or standard input for `-`; the content tells whether it is a capture.

    captures: how captures are made into aggregates, and what was found in some of them already.
    Raises BadInput when it is not what it claims to be or no row of it is good, StoreError when the store
    cannot take it; the store is then as it was.
    """
    asked = Origin(
        name=str(path),
        retrieved_at=_instant(retrieved),
        cc=places.check_country(cc) if cc else None,
        tz=tz if _mapping.zone(tz) else None,
        mapping=_mapping.read_mapping(mapping) if isinstance(mapping, (str, Path)) else mapping,
    )
    with received(asked.name) as file:
        if is_capture(file):
            _refuse_options(asked, source)
            return _load_capture(store, file, asked, captures, progress)
        head = _bytes.head(file, asked.name)
        with _bytes.Received(file) as raw:
            digest = raw.digest()
        if before := _known_outside(store, digest.sha256, source):
            types.state(store, before.snapshot_id, asked.mapping)
            return before
        sources.refuse_html(head, asked.name)
        chosen = sources.source_named(source) if source else sources.recognise(head, asked.name, mapping=asked.mapping)
        facts = facts_of(file, asked, head, digest)
        return _Load(store, file, chosen, asked, facts, _is_no(chosen), progress).run()


def is_capture(file: Path) -> bool:
    """Whether a file is a packet capture by its first bytes, compressed or not."""
    try:
        with file.open("rb", buffering=0) as raw:
            return containers.is_capture(io.BufferedReader(packed.opened(raw)).read(containers.HEAD))
    except Exception as error:
        if isinstance(error, OSError) or packed.flaw(error):
            return False  # the one who reads it says why it cannot be read
        raise


def _refuse_options(asked: Origin, source: str | None) -> None:
    """Raises BadInput for options that mean nothing for a capture."""
    if source not in (None, "capture"):
        raise BadInput(f"{asked.name} is a packet capture, not a file of {source}; leave --source away")
    if asked.mapping is not None or asked.tz is not None:
        raise BadInput(f"{asked.name} is a packet capture: it has no columns to map, and its times are UTC")


def _load_capture(
    store: Store, file: Path, asked: Origin, ready: Captures | None, progress: Progress | None
) -> LoadResult:
    from analyzer.store import captures  # series are loaded without what packets need

    ready = ready or captures.Captures(captures.CaptureOptions())
    found = ready.pop(asked.name)
    if found is None:
        found = captures.analyse(file, asked.name, ready.options, captures.known_hashes(store), progress)
    return captures.write(store, file, asked, found)


@contextmanager
def captures_ahead(
    store: Store,
    paths: Iterable[str | PathLike[str]],
    *,
    k: int | None = None,
    sampling: int = 1,
    addresses: Sequence[str | PathLike[str]] = (),
) -> Iterator[Captures | None]:
    """The captures among the paths, analysed by two processes while the first of them is written.

    addresses: files of dated address lists.  Raises BadInput where one cannot be read.
    """
    names = [name for given in paths for name in _tried(str(given))]
    found = [name for name in dict.fromkeys(names) if name != STDIN and is_capture(Path(name))]
    if not found and k is None and sampling == 1 and not addresses:
        yield None
        return
    from analyzer.capture.lists import read_lists
    from analyzer.store import captures

    lists = tuple(one for path in addresses for one in read_lists(Path(path)))
    options = captures.CaptureOptions(sampling=sampling, lists=lists)
    options = options if k is None else replace(options, k=k)
    with captures.ahead(store, found, options) as ready:
        yield ready


def _tried(given: str) -> list[str]:
    try:
        return expand([given])
    except BadInput:
        return []  # said when its turn comes: what stands before it is loaded


def _instant(given: datetime | date | str | None) -> datetime | None:
    """When it was retrieved, as naive UTC; a date alone is its first instant."""
    if given is None:
        return None
    try:
        when = datetime.fromisoformat(given if isinstance(given, str) else given.isoformat())
    except ValueError as error:
        raise BadInput(f"--retrieved {given!r} is not a date such as 2024-02-17 or 2024-02-17T15:00") from error
    return when.astimezone(UTC).replace(tzinfo=None) if when.tzinfo else when


def _is_no(source: Source) -> str:
    return f"a {'JSON file' if _bytes.is_json(source.example) else 'CSV'} of {source.name}"


def _known_outside(store: Store, sha256: str, source: str | None) -> LoadResult | None:
    """Asked without the write lock, so that loading a folder again does not wait for anyone."""
    if not store.exists:
        return None
    try:
        with store.reading() as con:
            return known(con, sha256, source)
    except StoreError:
        return None  # locked, or no store yet: the one who opens it for writing says what is wrong, if anything is


def known(con: duckdb.DuckDBPyConnection, sha256: str, source: str | None) -> LoadResult | None:
    """What the store holds of these bytes.  Raises BadInput when they were read as another source before."""
    for row in fetch_rows(con, "load_known", {"sha256": sha256}):
        if source and row["source"] != source:
            raise BadInput(f"these bytes are in the store already, read as {row['source']}; use another --db")
        return LoadResult(row["snapshot_id"], row["source"], row["rows_loaded"], row["rows_rejected"], True)
    return None


class _Numbered:
    """Lines as they are handed to a source, remembering the last one: an observation carries no line of its own."""

    def __init__(self, lines: Lines) -> None:
        self._lines = lines
        self.line, self.text = 0, ""

    def __iter__(self) -> _Numbered:
        return self

    def __next__(self) -> tuple[int, str]:
        self.line, self.text = next(self._lines)
        return self.line, self.text


@dataclass(frozen=True, slots=True)
class _Load:
    """One load: what is read, by which source, into which store."""

    store: Store
    file: Path
    source: Source
    asked: Origin
    facts: Facts
    is_no: str
    progress: Progress | None

    def run(self) -> LoadResult:
        with self.store.writing() as con:
            # Another process may have loaded the same bytes while this one waited for the lock.
            if before := known(con, self.facts.digest.sha256, None):
                return before
            return self._written(con)

    def _written(self, con: duckdb.DuckDBPyConnection) -> LoadResult:
        con.execute(named("load_staging").sql)
        rejected, first = self._stage(con)
        con.execute(named("load_doubles").sql)
        counts = fetch_rows(con, "load_counts", {})[0]
        good = counts["staged"] - counts["doubled"]
        if not good:
            raise BadInput(self._nothing(rejected + counts["doubled"], first))
        if counts["doubled"]:
            self._reject_doubles(con)
        self._check_unchanged()
        run(con, "load_observations", snapshot_id=self.facts.snapshot_id)
        result = LoadResult(self.facts.snapshot_id, self.source.name, good, rejected + counts["doubled"], False)
        self._describe(con, result, counts["last_start"])
        types.insert(con, self.facts.snapshot_id, self.asked.mapping)
        return result

    def _stage(self, con: duckdb.DuckDBPyConnection) -> tuple[int, Rejection | None]:
        """Every row of the file into the staging table or the rejections; how many were refused, and the first."""
        seq, refused, first = 0, 0, None
        for rows, rejections in _batches(self._items()):
            if rows:
                insert(con, "load_stage", _columns_of(rows, seq))
            if rejections:
                insert(con, "load_rejections", _columns_of_rejections(rejections), snapshot_id=self.facts.snapshot_id)
                first = first or rejections[0]
            seq, refused = seq + len(rows), refused + len(rejections)
        return refused, first

    def _items(self) -> Iterator[tuple[int, Observation | Rejection]]:
        """What the source makes of the file, with line numbers; rows from after the retrieval are refused."""
        origin = replace(self.asked, retrieved_at=self.facts.retrieved_at)
        latest = self.facts.latest
        with closing(_bytes.Received(self.file, self.progress)) as raw:
            lines = _Numbered(self._lines(raw))
            for item in self.source.read(lines, origin):
                if isinstance(item, Observation) and item.t_start > latest:
                    yield lines.line, _too_late(item, lines, latest)
                else:
                    yield lines.line, item
            if raw.digest() != self.facts.digest:
                raise BadInput(self._changed())

    def _lines(self, raw: _bytes.Received) -> Lines:
        limit = _bytes.JSON_LIMIT if _bytes.is_json(self.source.example) else _bytes.LINE_LIMIT
        return _bytes.numbered(_bytes.chunks(raw, self.asked.name), self.asked.name, limit, self.is_no)

    def _reject_doubles(self, con: duckdb.DuckDBPyConnection) -> None:
        """One more reading for the text of the doubled lines: rare, and cheaper than keeping the text of all."""
        with closing(_bytes.Received(self.file)) as raw:
            batch: list[tuple[int, str]] = []
            for number, text in self._lines(raw):
                batch.append((number, text[:TEXT_LIMIT]))
                if len(batch) == BATCH:
                    self._insert_texts(con, batch)
                    batch = []
            self._insert_texts(con, batch)
            if raw.digest() != self.facts.digest:
                raise BadInput(self._changed())

    def _insert_texts(self, con: duckdb.DuckDBPyConnection, batch: list[tuple[int, str]]) -> None:
        if batch:
            columns = _columns(batch, ("line", "text"))
            insert(con, "load_double_rejections", columns, snapshot_id=self.facts.snapshot_id)

    def _check_unchanged(self) -> None:
        if self.facts.stamp != self.file.stat().st_mtime_ns:
            raise BadInput(self._changed())

    def _changed(self) -> str:
        return f"{self.asked.name} changed while it was read; nothing of it was kept; load it again when it is complete"

    def _nothing(self, refused: int, first: Rejection | None) -> str:
        if not refused:
            return f"{self.asked.name} holds a header of {self.source.name} but no rows; was the range of days empty?"
        why = f"line {first.line}: {first.field} {first.reason}" if first else "all rows contradict each other"
        rows = "row" if refused == 1 else "rows"
        return f"{self.asked.name}: none of {refused} {rows} could be read as {self.source.name}; first {why}"

    def _describe(self, con: duckdb.DuckDBPyConnection, result: LoadResult, last_start: datetime) -> None:
        mapping = self.asked.mapping or {}
        time = mapping.get("time")
        zone = self.asked.tz or (time.get("zone") if isinstance(time, dict) else None)
        run(
            con,
            "load_snapshot",
            snapshot_id=result.snapshot_id,
            source=result.source,
            origin=self.facts.origin,
            sha256=self.facts.digest.sha256,
            bytes=self.facts.digest.bytes,
            retrieved_at=self.facts.retrieved_after(last_start),
            tool_version=__version__,
            licence=str(mapping.get("licence", self.source.licence)),
            attribution=str(mapping.get("attribution", self.source.attribution)),
            timezone=str(zone or self.source.timezone),
            byte_basis=None,
            rows_loaded=result.rows_loaded,
            rows_rejected=result.rows_rejected,
            note="",
        )


def _too_late(row: Observation, lines: _Numbered, latest: datetime) -> Rejection:
    """Nothing can have been measured after the file was retrieved."""
    return Rejection(
        lines.line, "date", f"{row.t_start:%Y-%m-%d} lies after the retrieval ({latest:%Y-%m-%d})", lines.text
    )


Rows = list[tuple[int, Observation]]


def _batches(items: Iterator[tuple[int, Observation | Rejection]]) -> Iterator[tuple[Rows, list[Rejection]]]:
    rows: Rows = []
    rejections: list[Rejection] = []
    for line, item in items:
        if isinstance(item, Rejection):
            rejections.append(item._replace(text=item.text[:TEXT_LIMIT]))
        else:
            rows.append((line, item))
        if len(rows) + len(rejections) == BATCH:
            yield rows, rejections
            rows, rejections = [], []
    yield rows, rejections


_KINDS = {"line": "int64", "asn": "int64", "t_start": "datetime64[us]", "t_end": "datetime64[us]"} | dict.fromkeys(
    ("value", "low", "high", "quality", "n"), "float64"
)


def _columns_of(rows: Rows, first_seq: int) -> dict[str, Any]:
    """Observations as numpy columns; None becomes NaN."""
    import numpy as np

    columns = _columns([row for _, row in rows], Observation._fields)
    columns["seq"] = np.arange(first_seq, first_seq + len(rows))
    columns["line"] = np.array([line for line, _ in rows], dtype="int64")
    return columns


def _columns_of_rejections(rejections: list[Rejection]) -> dict[str, Any]:
    return _columns(rejections, Rejection._fields)


def _columns(rows: Any, names: tuple[str, ...]) -> dict[str, Any]:
    columns = zip(*rows, strict=True)
    return {name: _array(column, _KINDS.get(name, "object")) for name, column in zip(names, columns, strict=True)}


def _array(column: tuple[Any, ...], kind: str) -> Any:
    """A numpy column.  Few distinct days fill most columns, and turning a datetime into a number is slow."""
    import numpy as np

    if kind == "object":
        return np.array(column, dtype=object)
    distinct = {value: at for at, value in enumerate(dict.fromkeys(column))}
    values = np.array(list(distinct), dtype=kind)
    return values[np.fromiter(map(distinct.__getitem__, column), dtype=np.int64, count=len(column))]


def insert(con: duckdb.DuckDBPyConnection, query: str, columns: dict[str, Any], **parameters: object) -> None:
    con.register("batch", columns)
    try:
        run(con, query, **parameters)
    finally:
        con.unregister("batch")


def run(con: duckdb.DuckDBPyConnection, query: str, **parameters: object) -> None:
    con.execute(named(query).sql, named(query).bind(parameters))
