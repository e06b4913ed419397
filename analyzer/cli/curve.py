"""One estimate per choice of base, gap, donors and masks."""

from __future__ import annotations

import sys
from datetime import datetime

import click

from analyzer.cli._options import date_type, db_option, format_option, print_rows

_SHORT = ("specification", "ratio", "ratio_low", "ratio_high", "verdict")


@click.command(epilog="Example: vpn-uptake curve sd-2018-12-21-social --indicator tor.bridge_users --horizon 14d")
@click.argument("block", required=False)
@click.option("--cc", metavar="CC", help="Country, for a date that is no block of the catalogue.")
@click.option("--date", "day", type=date_type, metavar="D", help="Local calendar day in that country.")
@click.option("--indicator", metavar="I", help="One indicator only; all of the country's without it.")
@click.option("--horizon", default="14d", show_default=True, metavar="H", help="during, Nh, Nd or 'Nh after end'.")
@db_option
@format_option
def command(
    *, block: str | None, cc: str | None, day: datetime | None, indicator: str | None, horizon: str, db: str, fmt: str
) -> None:
    """The same question under every defensible choice: base 28, 56, 112 days or all history; gap 0, 4 or 7 days;
    donors as usual, none, each of the three largest left out, exclusions off; masks and weekends on and off.

    Rows come in order of ratio, refused ones last with their reason; rank counts from the lowest.  A summary follows
    (on stderr for csv, json and parquet).  Exit code 3: no specification could be estimated, which is a result.
    """
    from analyzer import api
    from analyzer.cli._progress import bar
    from analyzer.study import curve, event

    if (block is None) == (cc is None or day is None):
        raise click.UsageError("name a BLOCK, or a country and a date with --cc and --date")
    database = api.open(db)
    catalogue = database.catalogue()
    asked = event(catalogue, block, cc, day.date() if day else None)
    with bar("specifications") as progress:
        rows, summary = curve.curve(
            database.store, catalogue, asked, now=api.now(), indicator=indicator, horizon=horizon, progress=progress
        )
    if fmt == "table":
        _print_table(rows)
    else:
        print_rows(curve.COLUMNS, rows, fmt)
    for sentence in summary:
        click.echo(sentence, err=fmt != "table")
    if all(row["verdict"] == "not_estimable" for row in rows):
        sys.exit(3)


def _print_table(rows: list[dict[str, object]]) -> None:
    """A line per specification; a refusal stands in place of its numbers."""
    shown = [{**row, "verdict": _said(row)} for row in rows]
    several = {(row["indicator"], row["entity"]) for row in rows}
    print_rows([*(("indicator", "entity") if len(several) > 1 else ()), *_SHORT], shown, "table")


def _said(row: dict[str, object]) -> str:
    return f"{row['verdict']}: {row['reasons']}" if row["verdict"] == "not_estimable" else str(row["verdict"])
