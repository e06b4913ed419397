"""Run a named query, or your own SQL, read-only."""

from __future__ import annotations

import click

from analyzer.cli._options import db_option, format_option, print_rows


@click.command(epilog="Example: vpn-uptake query series_of_country -p cc=PK")
@click.argument("query", metavar="NAME|FILE|SQL", required=False)
@click.option("-p", "parameters", multiple=True, metavar="KEY=VALUE", help="A parameter of the query; may be repeated.")
@db_option
@format_option
def command(*, query: str | None, parameters: tuple[str, ...], db: str, fmt: str) -> None:
    """Run a named query, or your own SQL on a copy of the released tables.  Without a name: list the queries."""
    from analyzer.store import Store
    from analyzer.store.named import listed
    from analyzer.store.released import select

    if query is None:
        print_rows(["query", "what", "parameters"], listed(), fmt)
        return
    columns, rows = select(Store(db), query, _parsed(parameters))
    print_rows(columns, [dict(zip(columns, row, strict=True)) for row in rows], fmt)


def _parsed(parameters: tuple[str, ...]) -> dict[str, object]:
    parsed: dict[str, object] = {}
    for text in parameters:
        name, equals, value = text.partition("=")
        if not equals:
            raise click.UsageError(f"-p takes KEY=VALUE, not {text!r}")
        parsed[name] = [v for v in value.split(",") if v] if name.endswith("_ids") else value
    return parsed
