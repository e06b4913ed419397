"""Rows as a JSON array of objects (NULL as null, times as ISO 8601 UTC)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from analyzer.outputs._values import plain
from analyzer.records import Output


def render(columns: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> bytes:
    """The rows, one object each, keys in column order."""
    objects = [{c: plain(row[c]) for c in columns} for row in rows]
    return (json.dumps(objects, ensure_ascii=False, indent=1, allow_nan=False) + "\n").encode()


OUTPUT = Output(name="json", kind="rows", suffixes=(".json",), render=render)
