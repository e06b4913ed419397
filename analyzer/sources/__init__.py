"""Where series come from: one file per source, and which of them a text is.

Adding a source is one new file here that ends in `SOURCE = Source(...)`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from analyzer import registry
from analyzer.errors import BadInput
from analyzer.records import Source
from analyzer.sources import _bytes
from analyzer.sources._table import header_of

GENERIC = "generic_table"


def source_named(name: str) -> Source:
    """A source by name; raises UnknownName with the nearest names."""
    return cast("Source", registry.load("sources", name))


def all_sources() -> list[Source]:
    """Every source, by name."""
    return list(registry.load_all("sources").values())


def refuse_html(head: str, name: str) -> None:
    """Raises BadInput for a web page, whatever source it is said to be."""
    if _bytes.is_html(head):
        raise BadInput(
            f"{name} is an HTML page, not data: the download was answered by a web page; "
            "open the address in a browser and save the file again"
        )


def recognise(head: str, name: str, *, mapping: Mapping[str, Any] | None = None) -> Source:
    """The one source whose files begin like `head`; a mapping asks for the generic table unless another fits.

    Raises BadInput that says what the text looks like and which format is nearest.
    """
    refuse_html(head, name)
    fitting = [source for source in all_sources() if source.recognise(head)]
    if mapping is not None and (not fitting or not _bytes.is_json(head)):
        return source_named(GENERIC)
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        raise BadInput(f"{name} could be {' or '.join(s.name for s in fitting)}; say which with --source")
    raise BadInput(_unknown(head, name))


def _unknown(head: str, name: str) -> str:
    help_ = "name its --source, or describe its columns with --map"
    if _bytes.is_json(head):
        return f"{name} is JSON of no source we know; {help_}"
    columns = header_of(head)
    if len(columns) < 2:
        return f"{name} is no table of a source we know: its first line has no columns; {help_}"
    found = ", ".join(c[:40] or "(unnamed)" for c in columns[:12])
    return f"{name}: no source has the columns {found}{_nearest(set(columns))}; {help_}"


def _nearest(columns: set[str]) -> str:
    """Which format shares most columns, and what it has besides."""
    wanted = {s.name: header_of(s.example) for s in all_sources() if not _bytes.is_json(s.example)}
    best = max(wanted, key=lambda n: len(columns & set(wanted[n])) / len(wanted[n]))
    if len(columns & set(wanted[best])) < 2:
        return ""
    lacking = ", ".join(repr(c) for c in wanted[best] if c not in columns)
    return f" (nearest: {best}, which also has {lacking})"
