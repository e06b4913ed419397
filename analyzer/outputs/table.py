"""Rows as text for a terminal: short tables as columns, wide ones as one paragraph a row."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from analyzer.outputs._values import plain
from analyzer.records import Output

_LONGEST_CELL = 44  # longer text makes columns unreadable: such rows are printed as paragraphs


def render(columns: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> bytes:
    """The rows as aligned columns when they fit the terminal, else as paragraphs of `name: value`."""
    cells = [[text(row[c]) for c in columns] for row in rows]
    widths = [max([len(c), *(len(r[i]) for r in cells)]) for i, c in enumerate(columns)]
    width = max(shutil.get_terminal_size((100, 24)).columns, 60)
    fits = sum(widths) + 2 * len(widths) <= width and max(widths, default=0) <= max(_LONGEST_CELL, width // 2)
    lines = _columns(columns, cells, widths) if fits else _paragraphs(columns, cells, width)
    return ("\n".join(lines) + "\n").encode()


def text(value: Any) -> str:
    """A value for reading: numbers to four figures, lists joined, nothing for NULL."""
    value = plain(value)
    if value is None:
        return ""
    if isinstance(value, float):
        return number(value)
    if isinstance(value, list):
        return ", ".join(text(v) for v in value)
    # A terminal would obey control characters in somebody else's text.
    return "".join(ch if ch.isprintable() else " " for ch in str(value))


def number(value: float) -> str:
    """Four significant figures below 1000, whole above, with thousands separated."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def _columns(columns: Sequence[str], cells: list[list[str]], widths: list[int]) -> list[str]:
    rule = ["-" * w for w in widths]
    lines = [list(columns), rule, *cells]
    return ["  ".join(c.ljust(w) for c, w in zip(line, widths, strict=True)).rstrip() for line in lines]


def _paragraphs(columns: Sequence[str], cells: list[list[str]], width: int) -> list[str]:
    label = max(len(c) for c in columns) + 2
    lines = []
    for row in cells:
        for name, cell in zip(columns, row, strict=True):
            if cell:
                wrapped = textwrap.wrap(cell, max(width - label, 30)) or [""]
                lines.append(f"{name + ':':<{label}}{wrapped[0]}")
                lines += [" " * label + more for more in wrapped[1:]]
        lines.append("")
    return lines[:-1]


OUTPUT = Output(name="table", kind="rows", suffixes=(".txt",), render=render)
