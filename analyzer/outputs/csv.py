"""Rows as CSV (UTF-8, LF, NULL as an empty field), safe to open in a spreadsheet."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

from analyzer.outputs._values import plain
from analyzer.records import Output


def render(columns: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> bytes:
    """The rows under a header line."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([_cell(row[c]) for c in columns] for row in rows)
    return out.getvalue().encode()


def _cell(value: Any) -> Any:
    value = plain(value)
    if isinstance(value, (list, tuple)):
        value = ";".join(str(v) for v in value)
    # A spreadsheet runs text that begins like a formula; the apostrophe makes it text again (OWASP, CSV injection).
    if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r")):
        return "'" + value
    return value


OUTPUT = Output(name="csv", kind="rows", suffixes=(".csv",), render=render)
