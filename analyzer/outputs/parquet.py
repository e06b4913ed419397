"""Rows as Parquet, typed by what the columns hold; written by an in-memory DuckDB that sees nothing but the rows."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt

from analyzer.records import Output


def render(columns: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> bytes:
    """The rows as the bytes of one Parquet file; a column that holds nothing is DOUBLE."""
    table = {c: _column([row[c] for row in rows]) for c in columns}
    with tempfile.TemporaryDirectory() as folder, duckdb.connect() as con:
        path = Path(folder) / "rows.parquet"
        con.register("row_set", table)
        con.sql("FROM row_set").write_parquet(str(path))
        return path.read_bytes()


def _column(values: list[Any]) -> npt.NDArray[Any]:
    kinds = {type(v) for v in values if v is not None}
    missing = np.array([v is None for v in values], dtype=bool)
    if kinds in ({int}, {bool}):
        return np.ma.array([0 if v is None else v for v in values], mask=missing, dtype=kinds.pop())
    if kinds <= {float, int, bool}:
        return np.ma.array([0.0 if v is None else float(v) for v in values], mask=missing)
    if kinds <= {datetime, date}:
        return np.array(values, dtype="datetime64[us]")
    text = [v if v is None else ";".join(map(str, v)) if isinstance(v, (list, tuple)) else str(v) for v in values]
    return np.array(text, dtype=object)


OUTPUT = Output(name="parquet", kind="rows", suffixes=(".parquet",), render=render)
