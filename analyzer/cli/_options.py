"""Options that several commands share, and how rows are printed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])

db_option: Callable[[F], F] = click.option(
    "--db", default="uptake.duckdb", show_default=True, metavar="FILE", help="The store."
)
format_option: Callable[[F], F] = click.option(
    "--format",
    "fmt",
    type=click.Choice(["table", "csv", "json", "parquet"]),
    default="table",
    show_default=True,
    help="How rows are printed on stdout.",
)
date_type = click.DateTime(["%Y-%m-%d"])


def print_rows(columns: Sequence[str], rows: Sequence[Mapping[str, Any]], fmt: str) -> None:
    """Rows on stdout in the chosen format."""
    from analyzer.registry import load

    if fmt == "parquet" and click.get_binary_stream("stdout").isatty():
        raise click.UsageError("parquet is not for a terminal: send it to a file with > rows.parquet")
    stream = click.get_binary_stream("stdout")
    stream.write(load("outputs", fmt).render(columns, rows))
    stream.flush()
