"""By how much did each indicator change around a block?"""

from __future__ import annotations

import sys
from datetime import datetime
from typing import TYPE_CHECKING

import click

from analyzer.cli._options import date_type, db_option, format_option, print_rows

if TYPE_CHECKING:
    from analyzer.records import Study


@click.command(epilog="Example: vpn-uptake estimate sd-2018-12-21-social --horizon 7d --horizon 14d")
@click.argument("block", required=False)
@click.option("--cc", metavar="CC", help="Country, for a date that is no block of the catalogue.")
@click.option("--date", "day", type=date_type, metavar="D", help="Local calendar day in that country.")
@click.option("--indicator", metavar="I", help="One indicator only; all of the country's without it.")
@click.option("--horizon", "horizons", multiple=True, metavar="H", help="during, Nh or Nd; may be repeated.")
@click.option(
    "--estimator",
    default="replay",
    show_default=True,
    metavar="E",
    help="replay, or a panel method that weights donor countries: did, synthetic_control, sdid, difp.",
)
@db_option
@format_option
def command(
    *,
    block: str | None,
    cc: str | None,
    day: datetime | None,
    indicator: str | None,
    horizons: tuple[str, ...],
    estimator: str,
    db: str,
    fmt: str,
) -> None:
    """By how much did each indicator change around a block: one row per indicator and horizon, each with its reasons.

    Exit code 3: no row could be estimated, which is a result.
    """
    import analyzer
    from analyzer.study import DEFAULT_HORIZONS

    if (block is None) == (cc is None or day is None):
        raise click.UsageError("name a BLOCK, or a country and a date with --cc and --date")
    study = analyzer.open(db).estimate(
        block,
        cc=cc,
        date=day.date() if day else None,
        indicator=indicator,
        horizons=horizons or DEFAULT_HORIZONS,
        estimator=estimator,
    )
    for warning in study.warnings:
        click.echo(f"Note: {warning}", err=True)
    _print(study, fmt)
    if all(e.verdict == "not_estimable" for e in study.estimates):
        sys.exit(3)


def _print(study: Study, fmt: str) -> None:
    from dataclasses import asdict, fields

    from analyzer.records import Estimate

    rows = [asdict(e) for e in study.estimates]
    columns = [f.name for f in fields(Estimate)]
    if fmt != "table":
        print_rows(columns, rows, fmt)
        return
    from analyzer.registry import load

    click.echo(load("outputs", "study_text").render(study), nl=False)
