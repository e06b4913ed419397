"""Was the service blocked, in a few lines of text: the state, why, and what was measured."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import Any

from analyzer.outputs.table import number
from analyzer.records import Verified

_HEADINGS = ("indicator", "entity", "before", "during", "n before", "n during")


def lines(verified: Verified | None) -> list[str]:
    """The section, heading first; nothing where nothing was looked at."""
    if verified is None:
        return []
    said = [line for reason in verified.reasons for line in _wrapped(reason)]
    return [f"Was it blocked? {verified.state} (rule {verified.version})", *said, *_table(verified.evidence)]


def _wrapped(line: str) -> list[str]:
    return textwrap.wrap(line, 110, initial_indent="  ", subsequent_indent="    ")


def _table(evidence: tuple[Mapping[str, Any], ...]) -> list[str]:
    if not evidence:
        return []
    cells = [_HEADINGS, *(_cells(row) for row in evidence)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(_HEADINGS))]
    return ["  " + "  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip() for row in cells]


def _cells(row: Mapping[str, Any]) -> tuple[str, ...]:
    """Shares as per cent, levels as they are."""
    is_share = str(row["indicator"]).startswith("ooni.")
    values = tuple(_value(row[name], is_share=is_share) for name in ("before", "during"))
    counts = tuple("" if row[name] is None else str(row[name]) for name in ("n_before", "n"))
    return (row["indicator"], row["entity"], *values, *counts)


def _value(value: float | None, *, is_share: bool) -> str:
    if value is None:
        return ""
    return f"{100 * value:.1f} %" if is_share else number(value)
