"""The types that mapping files state for a user's own indicators: one row per file and indicator.

The table is made by the first load that states one; a store without it states none.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from analyzer.indicators import TYPES
from analyzer.records import IndicatorType
from analyzer.sources import _mapping
from analyzer.store import Store, fetch_rows
from analyzer.store.named import named

if TYPE_CHECKING:
    import duckdb


def stated_types(store: Store) -> tuple[dict[str, IndicatorType], dict[str, tuple[str, ...]]]:
    """(indicator -> type, indicator -> types that files disagree on) of indicators that are none of the tool's own."""
    if not store.exists:
        return {}, {}
    with store.reading() as con:
        rows = fetch_rows(con, "indicator_types", {}) if _has_table(con) else []
    found: dict[str, list[IndicatorType]] = {}
    for row in rows:
        if row["indicator"] not in TYPES:
            found.setdefault(row["indicator"], []).append(row["type"])
    agreed = {name: types[0] for name, types in found.items() if len(types) == 1}
    return agreed, {name: tuple(types) for name, types in found.items() if len(types) > 1}


def state(store: Store, snapshot_id: str, mapping: Mapping[str, Any] | None) -> None:
    """Keep the type that a mapping states for a file that is in the store already; the file's last word counts."""
    if mapping is not None and _mapping.stated_type(mapping) is not None:
        with store.writing() as con:
            insert(con, snapshot_id, mapping)


def insert(con: duckdb.DuckDBPyConnection, snapshot_id: str, mapping: Mapping[str, Any] | None) -> None:
    """Keep the type that a mapping states for the indicators of a file; nothing where it states none."""
    word = _mapping.stated_type(mapping) if mapping is not None else None
    if mapping is None or word is None:
        return
    con.execute(named("indicator_types_create").sql)
    con.execute(named("indicator_types_forget").sql, {"snapshot_id": snapshot_id})
    given = {"snapshot_id": snapshot_id, "type": word, "indicator": _mapping.constant_indicator(mapping)}
    con.execute(named("indicator_types_insert").sql, given)


def _has_table(con: duckdb.DuckDBPyConnection) -> bool:
    return bool(fetch_rows(con, "indicator_types_exist", {})[0]["exists"])
