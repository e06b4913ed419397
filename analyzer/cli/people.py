"""How many people, as a range, or why it cannot be said?"""

from __future__ import annotations

import sys
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from analyzer.cli._options import date_type, db_option, format_option, print_rows

if TYPE_CHECKING:
    from analyzer.records import PeopleRange


@click.command(epilog="Example: vpn-uptake people sd-2018-12-21-social --anchors anchors.csv --horizon 14d")
@click.argument("block", required=False)
@click.option("--cc", metavar="CC", help="Country, for a date that is no block of the catalogue.")
@click.option("--date", "day", type=date_type, metavar="D", help="Local calendar day in that country.")
@click.option("--indicator", metavar="I", help="One indicator only; all of the country's without it.")
@click.option("--horizon", "horizons", multiple=True, metavar="H", help="As for estimate; may be repeated.")
@click.option("--anchors", metavar="FILE", help="CSV of dated figures that tie indicators to people (docs/method.md).")
@db_option
@format_option
def command(
    *,
    block: str | None,
    cc: str | None,
    day: datetime | None,
    indicator: str | None,
    horizons: tuple[str, ...],
    anchors: str | None,
    db: str,
    fmt: str,
) -> None:
    """What an estimate says of people: a range by a stated route, or `cannot be converted to people` and why.

    One row per estimate; then, where several tools have a range, their bounds together.  Exit code 3: no row is a range
    of people, which is a result.
    """
    import analyzer

    if (block is None) == (cc is None or day is None):
        raise click.UsageError("name a BLOCK, or a country and a date with --cc and --date")
    study = analyzer.open(db).people(
        block,
        cc=cc,
        date=day.date() if day else None,
        indicator=indicator,
        horizons=horizons or None,
        anchors=anchors,
    )
    for warning in study.warnings:
        click.echo(f"Note: {warning}", err=True)
    for line in _context(study.block.cc):
        click.echo(f"Note: for comparison, in no route: {line}", err=True)
    _print(study.people, fmt)
    if not any(row.is_of_people for row in study.people):
        sys.exit(3)


def _context(cc: str) -> list[str]:
    from analyzer.people import shipped_anchors

    return [f"{a.cited()}; {a.note}" for a in shipped_anchors() if a.cc == cc and a.quantity.startswith("platform_")]


def _print(rows: tuple[PeopleRange, ...], fmt: str) -> None:
    from dataclasses import asdict, fields

    from analyzer.records import PeopleRange

    if fmt != "table":
        print_rows([f.name for f in fields(PeopleRange)], [asdict(row) for row in rows], fmt)
        return
    shown = [_read(row) for row in rows]
    columns = [c for c in ("series", "horizon", "people", "what", "per 1,000") if any(row[c] for row in shown)]
    print_rows([*columns, "route and reasons"], shown, fmt)


def _read(row: PeopleRange) -> dict[str, Any]:
    """A row as a person reads it."""
    from analyzer.outputs import _people_text

    return {
        "series": f"{row.indicator} {row.entity}".strip(),
        "horizon": row.horizon,
        "people": _people_text.size(row),
        "what": row.quantity,
        "per 1,000": _people_text.per_1000(row),
        "route and reasons": "; ".join(filter(None, (row.route, row.reasons))),
    }
