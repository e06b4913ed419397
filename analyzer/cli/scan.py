"""Which countries and days of the store changed, of all?"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from analyzer.cli._options import date_type, db_option, format_option, print_rows

if TYPE_CHECKING:
    from analyzer.scan import FlagRow


@click.command(epilog="Example: vpn-uptake scan --indicator tor.bridge_users --from 2018-12-01 --to 2019-02-01")
@click.option("--cc", "countries", multiple=True, metavar="CC", help="Country, such as PK; may be repeated.")
@click.option("--indicator", metavar="I", help="One indicator only.")
@click.option("--from", "start", type=date_type, metavar="D", help="First UTC day.")
@click.option("--to", "end", type=date_type, metavar="D", help="Day after the last.")
@click.option("--q", default=0.05, show_default=True, metavar="Q", type=float, help="Share of flags that may be false.")
@click.option("--alarms", is_flag=True, help="List also what only the alarm rule finds; more of it is false.")
@db_option
@format_option
def command(
    *,
    countries: tuple[str, ...],
    indicator: str | None,
    start: datetime | None,
    end: datetime | None,
    q: float,
    alarms: bool,
    db: str,
    fmt: str,
) -> None:
    """Changes of any series in the store, found without naming an event: a flag is a change of the series, not a block.

    The share of false flags over all countries, indicators and days is kept to --q. No flag is a result: exit code 0.
    """
    import analyzer
    from analyzer.api import scan_report
    from analyzer.cli._progress import bar
    from analyzer.scan import FlagRow, ScanQuestion

    first, last = start.date() if start else None, end.date() if end else None
    with bar("scanning") as progress:
        question = ScanQuestion(countries, indicator, first, last, q, alarms)
        report = scan_report(analyzer.open(db), question, progress)
    _print(report.rows, fmt, FlagRow)
    for series in report.left_out:
        click.echo(f"Note: not scanned: {series}", err=True)
    click.echo(f"Note: {report.summary}", err=True)


def _print(rows: tuple[FlagRow, ...], fmt: str, row_type: type[FlagRow]) -> None:
    from dataclasses import asdict, fields

    columns = [f.name for f in fields(row_type)]
    if fmt == "table":
        print_rows(list(_TABLE), [_read(r) for r in rows], fmt)
        return
    print_rows(columns, [asdict(r) for r in rows], fmt)


_TABLE = ("indicator", "cc", "first", "last", "change", "q", "statistic", "known")


def _read(row: FlagRow) -> dict[str, Any]:
    """A row as a person reads it."""
    form = "%Y-%m-%d" if row.first.hour == 0 else "%Y-%m-%dT%H:%M"
    near = "; ".join(t for t in (row.known, row.artefacts) if t)
    return {
        "indicator": f"{row.indicator}{'/' + row.entity if row.entity else ''}",
        "cc": row.cc,
        "first": row.first.strftime(form),
        "last": row.last.strftime(form) if row.last else "stays",
        "change": f"{row.direction} {_size(row)} ({row.ratio_low:.2f} to {row.ratio_high:.2f})",
        "q": f"{row.q_value:.2g}" if row.rule == "fdr" else "alarm only",
        "statistic": row.statistic,
        "known": near,
    }


def _size(row: FlagRow) -> str:
    """A size shrunk to nothing, because only a chance made it one of many flags, is no `x1.00`."""
    shown = f"{row.ratio:.2f}"
    return "of a size not told from none" if shown == "1.00" else f"x{shown}"
