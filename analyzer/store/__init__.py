"""The DuckDB file: opened for one operation at a time, private to its operator.

A connection lives as long as one operation, so that a notebook that keeps a `Store` does not lock
out the command line.  The file stays readable by any DuckDB client.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import numpy as np

from analyzer.errors import StoreBusy, StoreError
from analyzer.store.named import named

if TYPE_CHECKING:
    import numpy.typing as npt

LOCK_PATIENCE = 5.0  # seconds: a load of a Tor Metrics file ends well within it


class Store:
    """A store at `path`; created with its schema on the first write."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)

    @property
    def exists(self) -> bool:
        """True once something was written."""
        return self.path.exists()

    @contextmanager
    def reading(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A read-only connection.  Raises StoreError when there is no store or it is no store of ours."""
        if not self.exists:
            raise StoreError(f"no store at {self.path}: load or fetch something first, or name another with --db")
        with _closing(_connect(self.path, read_only=True)) as con:
            _check_is_ours(con, self.path)
            yield con

    @contextmanager
    def writing(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection inside one transaction: committed at the end, rolled back on any error.

        Raises StoreError when the disk is full, the file is locked by another process or is no store of ours.
        """
        existed = self.exists
        with _private_files(), _translated(self.path), _closing(_connect(self.path, read_only=False)) as con:
            try:
                con.execute("BEGIN")
                # Asked under the lock: another process may have made the store, or been killed while making it.
                if fetch_rows(con, "is_store", {})[0]["is_empty"]:
                    con.execute(named("schema").sql)
                else:
                    existed = True
                    _check_is_ours(con, self.path)
                yield con
                con.execute("COMMIT")
            except BaseException:
                _roll_back(con)
                if not existed:
                    _discard(con, self.path)
                raise

    def rows(self, query: str, **parameters: object) -> list[dict[str, Any]]:
        """All rows of a named query, as dicts in the query's column order."""
        with self.reading() as con:
            return fetch_rows(con, query, parameters)

    def columns(self, query: str, **parameters: object) -> dict[str, npt.NDArray[Any]]:
        """All rows of a named query as numpy columns (masked where the column holds NULL)."""
        with self.reading() as con:
            return fetch_columns(con, query, parameters)


def fetch_rows(con: duckdb.DuckDBPyConnection, query: str, parameters: Mapping[str, object]) -> list[dict[str, Any]]:
    """Rows of a named query on an open connection."""
    cursor = con.execute(named(query).sql, named(query).bind(parameters))
    names = [d[0] for d in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def fetch_columns(
    con: duckdb.DuckDBPyConnection, query: str, parameters: Mapping[str, object]
) -> dict[str, npt.NDArray[Any]]:
    """Columns of a named query on an open connection (ENUM columns as text)."""
    found = con.execute(named(query).sql, named(query).bind(parameters)).fetchnumpy()
    return {name: column if isinstance(column, np.ndarray) else np.asarray(column) for name, column in found.items()}


def _connect(path: Path, *, read_only: bool) -> duckdb.DuckDBPyConnection:
    deadline = time.monotonic() + LOCK_PATIENCE
    while True:
        try:
            return duckdb.connect(str(path), read_only=read_only)
        except duckdb.Error as error:
            text = str(error)
            if "lock" not in text.lower():
                raise StoreError(_cannot_open(path, text)) from error
            if time.monotonic() > deadline:
                raise StoreBusy(f"{path} is being written by another process; try again when it has ended") from error
            time.sleep(0.1)


def _cannot_open(path: Path, text: str) -> str:
    if "not a valid DuckDB" in text:
        return f"{path} is not a DuckDB file; name another store with --db"
    return f"cannot open {path}: {text.splitlines()[0]}"


def _check_is_ours(con: duckdb.DuckDBPyConnection, path: Path) -> None:
    if not fetch_rows(con, "is_store", {})[0]["is_store"]:
        raise StoreError(f"{path} is a DuckDB file but holds no vpn-uptake store; name another with --db")


@contextmanager
def _closing(con: duckdb.DuckDBPyConnection) -> Iterator[duckdb.DuckDBPyConnection]:
    try:
        yield con
    finally:
        con.close()


@contextmanager
def _translated(path: Path) -> Iterator[None]:
    """DuckDB's own words become one line that says what to do."""
    try:
        yield
    except duckdb.Error as error:
        first = str(error).splitlines()[0]
        full = any(sign in first for sign in ("No space left", "Could not write", "write error"))
        advice = "the disk is full: free some space and load again" if full else first
        raise StoreError(f"cannot write {path}: {advice}; the store is as it was") from error


def _roll_back(con: duckdb.DuckDBPyConnection) -> None:
    # A failed write may have ended the transaction already; the first error is the one to report.
    try:
        con.execute("ROLLBACK")
    except duckdb.Error:
        return


def _discard(con: duckdb.DuckDBPyConnection, path: Path) -> None:
    """A store whose very first write failed must not stay behind as a file without tables."""
    con.close()
    for leftover in (path, path.with_name(path.name + ".wal")):
        leftover.unlink(missing_ok=True)


@contextmanager
def _private_files() -> Iterator[None]:
    """Files made meanwhile are readable by their owner alone: a store may hold an operator's own data."""
    before = os.umask(0o077)
    try:
        yield
    finally:
        os.umask(before)
