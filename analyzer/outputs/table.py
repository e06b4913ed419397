"""Rows as text for a terminal: columns where they fit, else one paragraph a row."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Mapping, Sequence
from itertools import zip_longest
from typing import Any

from analyzer.outputs._values import plain
from analyzer.records import Output

_NARROWEST = 24  # characters; text wrapped into fewer is not read


def render(columns: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> bytes:
    """The rows as aligned columns, the widest wrapped to fit the terminal; else as paragraphs of `name: value`."""
    cells = [[text(row[c]) for c in columns] for row in rows]
    widths = [max([len(c), *(len(r[i]) for r in cells)]) for i, c in enumerate(columns)]
    width = max(shutil.get_terminal_size((100, 24)).columns, 60)
    fitted = _fit(widths, width - 2 * len(widths))
    lines = _columns(columns, cells, fitted) if fitted else _paragraphs(columns, cells, width)
    return ("\n".join(lines) + "\n").encode()


def _fit(widths: list[int], width: int) -> list[int] | None:
    """Widths that fit, taken from the widest columns; None where one would become too narrow to read."""
    fitted = list(widths)
    while fitted and sum(fitted) > width:
        widest = fitted.index(max(fitted))
        fitted[widest] -= 1
        if fitted[widest] < _NARROWEST:
            return None
    return fitted


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
    lines = [_line(columns, widths), _line(rule, widths)]
    for row in cells:
        wrapped = [textwrap.wrap(cell, w) or [""] for cell, w in zip(row, widths, strict=True)]
        lines += [_line(part, widths) for part in zip_longest(*wrapped, fillvalue="")]
    return lines


def _line(cells: Sequence[str], widths: list[int]) -> str:
    return "  ".join(c.ljust(w) for c, w in zip(cells, widths, strict=True)).rstrip()


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
