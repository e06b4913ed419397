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
@click.option("--cc", metavar="CC", help="Country, with --date or with a worldwide event.")
@click.option("--date", "day", type=date_type, metavar="D", help="Local calendar day in that country.")
@click.option("--indicator", metavar="I", help="One indicator only; all of the country's without it.")
@click.option(
    "--estimator",
    metavar="E",
    help="replay (the usual), or a panel method that weights donor countries: did, synthetic_control, sdid, difp.",
)
@click.option("--shape", is_flag=True, help="Peak, half-life, what is left after 30 to 90 days: a row per feature.")
@click.option("--repeated", is_flag=True, help="With --cc: what each of its blocks added to what earlier ones left.")
@click.option(
    "--horizon", "horizons", multiple=True, metavar="H", help="during, Nh, Nd or 'Nh after end'; may be repeated."
)
@click.option("--plan", metavar="ID|FILE", help="A frozen plan: its question, asked as it was fixed.")
@db_option
@format_option
def command(
    *,
    block: str | None,
    cc: str | None,
    day: datetime | None,
    indicator: str | None,
    horizons: tuple[str, ...],
    estimator: str | None,
    shape: bool,
    repeated: bool,
    plan: str | None,
    db: str,
    fmt: str,
) -> None:
    """By how much did each indicator change around a block: one row per indicator and horizon, each with its reasons.

    Exit code 3: no row could be estimated, which is a result.
    """
    import analyzer

    if repeated and plan:
        raise click.UsageError("--repeated compares blocks; a --plan is about one")
    if repeated:
        _print_repeated(block, cc, day, indicator=indicator, horizons=horizons, shape=shape, db=db, fmt=fmt)
        return
    named = block is not None or (cc is not None and day is not None)
    if (not named and not (plan and cc is None and day is None)) or (block and day):
        raise click.UsageError("name a BLOCK, or a country and a date with --cc and --date, or a --plan")
    study = analyzer.open(db).estimate(
        block,
        cc=cc,
        date=day.date() if day else None,
        indicator=indicator,
        horizons=horizons,
        estimator=estimator,
        shapes="all" if shape else "moved" if fmt == "table" else "none",
        plan=plan,
    )
    for warning in study.warnings:
        click.echo(f"Note: {warning}", err=True)
    if shape:
        _print_shapes(study, fmt)
    else:
        _print(study, fmt)
    if all(e.verdict == "not_estimable" for e in study.estimates):
        sys.exit(3)


def _print_repeated(
    block: str | None,
    cc: str | None,
    day: datetime | None,
    *,
    indicator: str | None,
    horizons: tuple[str, ...],
    shape: bool,
    db: str,
    fmt: str,
) -> None:
    import analyzer
    from analyzer.study.repeated import COLUMNS

    if cc is None or block or day or shape or len(horizons) > 1:
        raise click.UsageError("--repeated takes a country with --cc, and at most one --horizon")
    rows = analyzer.open(db).repeated(cc, indicator=indicator, horizon=horizons[0] if horizons else "14d")
    if not rows:
        click.echo("Note: no series with two blocks within 180 days of each other that could be compared", err=True)
    print_rows(COLUMNS, rows, fmt)
    if all(row["total"] is None for row in rows):
        sys.exit(3)


def _print_shapes(study: Study, fmt: str) -> None:
    from analyzer.study.shapes import COLUMNS, rows

    found = rows(study)
    print_rows(COLUMNS, found, fmt)
    if all(row["value"] is None and row["low"] is None for row in found):
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
