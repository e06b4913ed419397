"""Options that several commands share, and how rows are printed."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import click

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]

db_option: Decorator = click.option(
    "--db", default="uptake.duckdb", show_default=True, metavar="FILE", help="The store."
)
format_option: Decorator = click.option(
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
    from analyzer import registry

    if fmt == "parquet" and sys.stdout.isatty():
        raise click.UsageError("parquet is not for a terminal: send it to a file with > rows.parquet")
    sys.stdout.buffer.write(registry.load("outputs", fmt).render(columns, rows))
    sys.stdout.buffer.flush()
