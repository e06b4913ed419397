"""One packet capture into the store: read once, kept as hourly aggregates, all or nothing.

The hash is taken while the packets are read.  Only where the store holds a capture of the same size is the file
hashed first, so that loading it again costs no analysis.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from analyzer.aggregates import DEFAULT_K, Aggregates, Collector, lists, tables
from analyzer.capture import engine
from analyzer.capture.records import Tally
from analyzer.errors import BadInput, StoreError
from analyzer.records import LoadResult, Origin
from analyzer.sources import _bytes
from analyzer.store import Store, loading
from analyzer.store._files import Facts, facts_of
from analyzer.version import __version__

if TYPE_CHECKING:
    from concurrent.futures import Future

    import duckdb

    from analyzer.capture.lists import AddressList

SOURCE = "capture"
PROCESSES = 2  # captures analysed at a time: more than one disk feeds, or most machines have cores free for

Hashes = Mapping[int, frozenset[str]]  # size in bytes -> hashes of captures in the store


@dataclass(frozen=True, slots=True)
class CaptureOptions:
    """How captures are made into aggregates."""

    k: int = DEFAULT_K  # clients behind a published cell
    sampling: int = 1  # one in so many packets was captured
    lists: tuple[AddressList, ...] = ()  # the user's dated address lists

    def __post_init__(self) -> None:
        if self.k < 1 or self.sampling < 1:
            raise BadInput("--k and --sampling are whole numbers from 1")


class Analysed(NamedTuple):
    """What one capture came to."""

    digest: _bytes.Digest
    stamp: int  # time of last change of the file
    aggregates: Aggregates | None  # None: the store holds these bytes
    unreadable: dict[str, int]  # reason -> packets


def analyse(
    file: Path,
    name: str,
    options: CaptureOptions,
    known: Hashes | None = None,
    progress: _bytes.Progress | None = None,
) -> Analysed:
    """Read a capture once, from first byte to last.

    Raises BadInput when it is no capture, when no packet of it could be read, or when it changed meanwhile.
    """
    before = file.stat()
    if (hashes := (known or {}).get(before.st_size)) is not None:
        with _bytes.Received(file) as raw:
            digest = raw.digest()
        if digest.sha256 in hashes:
            return Analysed(digest, before.st_mtime_ns, None, {})
    tally, collector = Tally(), Collector(sampling=options.sampling)
    with closing(_bytes.Received(file, progress)) as raw:
        for flows in engine.flows_of(raw, name, tally, engine.Options(lists=options.lists)):
            collector.add(flows)
        digest = raw.digest()
    after = file.stat()
    if (before.st_mtime_ns, before.st_size) != (after.st_mtime_ns, digest.bytes):
        raise BadInput(f"{name} changed while it was read; nothing of it was kept; load it again when it is complete")
    span = None if tally.first is None or tally.last is None else (tally.first, tally.last)
    aggregates = tables(collector, k=options.k, span=span)
    if not aggregates.rows:
        raise BadInput(_nothing(name, tally))
    listed = sorted({f"address list {one.name} of {one.date}" for one in options.lists})
    aggregates = aggregates._replace(notes=(*aggregates.notes, *listed))
    return Analysed(digest, after.st_mtime_ns, aggregates, dict(tally.unreadable))


def _nothing(name: str, tally: Tally) -> str:
    if tally.packets and not tally.unreadable:
        number, remark = max((number, remark) for remark, number in tally.notes.items())
        return f"{name}: none of {tally.packets} packets is IP; most often ({number}): {remark}"
    if not tally.unreadable:
        return f"{name} is a capture without packets; did the capture end before anything came?"
    packets = sum(tally.unreadable.values())
    reason, number = tally.unreadable.most_common(1)[0]
    return f"{name}: none of {packets} packets could be read as IP; most often ({number}): {reason}"


def known_hashes(store: Store) -> Hashes:
    """Sizes and hashes of the captures in the store; nothing where it cannot be read now."""
    if not store.exists:
        return {}
    try:
        rows = store.rows("load_capture_hashes")
    except StoreError:
        return {}  # locked: the one who writes says what is wrong, if anything is
    sizes: dict[int, set[str]] = {}
    for row in rows:
        sizes.setdefault(row["bytes"], set()).add(row["sha256"])
    return {size: frozenset(hashes) for size, hashes in sizes.items()}


def write(store: Store, file: Path, asked: Origin, found: Analysed) -> LoadResult:
    """What a capture came to, into the store, in one transaction.  Raises StoreError when the store cannot take it."""
    facts = facts_of(file, asked, "", found.digest)
    if facts.stamp != found.stamp:
        raise BadInput(f"{asked.name} changed after it was read; nothing of it was kept; load it again")
    with store.writing() as con:
        if known := loading.known(con, facts.digest.sha256, SOURCE):
            return known
        if found.aggregates is None:
            raise StoreError(f"{store.path} lost a capture that it held a moment ago; load {asked.name} again")
        return _written(con, facts, asked, found.aggregates, found.unreadable)


def _written(
    con: duckdb.DuckDBPyConnection, facts: Facts, asked: Origin, found: Aggregates, unreadable: dict[str, int]
) -> LoadResult:
    place = {"snapshot_id": facts.snapshot_id, "cc": asked.cc or "ZZ"}
    for query, columns in _inserts(found):
        if len(columns["state"]):
            loading.insert(con, query, columns, **place)
    loading.insert(con, "load_services", lists.services_table())
    if unreadable:
        loading.insert(con, "load_rejections", _rejections(unreadable), snapshot_id=facts.snapshot_id)
    result = LoadResult(facts.snapshot_id, SOURCE, found.rows, sum(unreadable.values()), False)
    _describe(con, facts, result, found)
    return result


def _inserts(found: Aggregates) -> Iterator[tuple[str, dict[str, Any]]]:
    yield "load_flows", found.flows
    yield "load_requests", found.requests
    yield "load_resolvers", found.resolvers
    yield "load_endpoints", found.endpoints
    yield "load_measures", found.observations


def _rejections(unreadable: dict[str, int]) -> dict[str, Any]:
    """One row per reason: where a packet stands and what it holds is nobody's business."""
    number = len(unreadable)
    return {
        "line": np.zeros(number, dtype=np.int64),
        "field": np.full(number, "packet", dtype=object),
        "reason": np.array(list(unreadable), dtype=object),
        "text": np.array([f"{n} packet{'s' if n > 1 else ''}" for n in unreadable.values()], dtype=object),
    }


def _describe(con: duckdb.DuckDBPyConnection, facts: Facts, result: LoadResult, found: Aggregates) -> None:
    last: datetime = found.flows["t_start"].max().astype(datetime)
    loading.run(
        con,
        "load_snapshot",
        snapshot_id=result.snapshot_id,
        source=SOURCE,
        origin=facts.origin,
        sha256=facts.digest.sha256,
        bytes=facts.digest.bytes,
        retrieved_at=facts.retrieved_after(last),
        tool_version=__version__,
        licence="not stated: a capture of the operator's own",
        attribution="",
        timezone="UTC",
        byte_basis="IP bytes",
        rows_loaded=result.rows_loaded,
        rows_rejected=result.rows_rejected,
        note="; ".join(found.notes),
    )


class Captures:
    """How captures are made into aggregates, and what two processes find in some of them ahead of their turn."""

    def __init__(self, options: CaptureOptions, futures: Mapping[str, Future[Analysed]] | None = None) -> None:
        self.options = options
        self._futures = dict(futures or {})

    def pop(self, name: str) -> Analysed | None:
        """What was found in a capture, waiting for it; None when nobody looked.  Raises BadInput as `analyse` does."""
        future = self._futures.pop(name, None)
        if future is None:
            return None
        from concurrent.futures.process import BrokenProcessPool

        try:
            return future.result()
        except BrokenProcessPool:
            return None  # a process was killed: the file is read again, here


@contextmanager
def ahead(store: Store, names: Sequence[str], options: CaptureOptions) -> Iterator[Captures]:
    """Begin to analyse several captures at once; a single one is left to the process that writes it."""
    if len(names) < 2:
        yield Captures(options)
        return
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    # A fork shares what is imported already; elsewhere than on Linux it is not safe.
    context = get_context("fork" if sys.platform == "linux" else "spawn")
    known = known_hashes(store)
    with ProcessPoolExecutor(min(PROCESSES, len(names)), mp_context=context) as pool:
        try:
            yield Captures(options, {name: pool.submit(analyse, Path(name), name, options, known) for name in names})
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
