"""The user's own SQL: on an in-memory copy of the released tables, without files, network, extensions or settings."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import duckdb

from analyzer.errors import BadInput, StoreError
from analyzer.store import Store
from analyzer.store.named import named, query_names

Rows = list[tuple[Any, ...]]


def select(store: Store, asked: str, parameters: Mapping[str, Any]) -> tuple[list[str], Rows]:
    """Columns and rows of a named query, a `.sql` file or SQL text.

    Raises UnknownName for a name that is none of these, BadInput for SQL that DuckDB refuses.
    """
    if asked in query_names():
        query = named(asked)
        with store.reading() as con:
            return _run(con, query.sql, query.bind(parameters), asked)
    text = Path(asked).read_text(encoding="utf-8") if asked.endswith(".sql") and Path(asked).is_file() else asked
    if asked.endswith(".sql") and text == asked:
        raise BadInput(f"no such file: {asked}")
    if not any(ch.isspace() for ch in text.strip()):
        named(asked)  # one word is a mistyped name: the error lists near ones
    with _released(store) as con:
        return _run(con, text, dict(parameters), "your SQL")


def _run(con: duckdb.DuckDBPyConnection, sql: str, parameters: dict[str, Any], name: str) -> tuple[list[str], Rows]:
    try:
        cursor = con.execute(sql, parameters or None)
        return [d[0] for d in cursor.description or ()], cursor.fetchall()
    except duckdb.Error as error:
        first = next((line for line in str(error).splitlines() if line.strip()), "refused")
        raise BadInput(f"{name}: {first}") from error


def _released(store: Store) -> duckdb.DuckDBPyConnection:
    """An in-memory copy that cannot reach out and whose settings are locked."""
    if not store.exists:
        raise StoreError(f"no store at {store.path}: load or fetch something first, or name another with --db")
    con = duckdb.connect()
    try:
        con.execute(named("attach_store").sql, {"path": str(store.path)})
        con.execute(named("released").sql)
    except duckdb.Error as error:
        con.close()
        raise StoreError(f"cannot read {store.path}: {str(error).splitlines()[0]}") from error
    return con
