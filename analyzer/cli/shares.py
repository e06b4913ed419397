"""What share of flows, clients or bytes is circumvention?"""

from __future__ import annotations

import sys
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from analyzer.cli._options import date_type, db_option, format_option, print_rows

if TYPE_CHECKING:
    from analyzer.shares.question import ShareReport, ShareRow

_RANGE = "LOW,HIGH"


@click.command(
    epilog="Example: vpn-uptake shares --cc PK --from 2024-02-10 --to 2024-02-25 --before 2024-02-17 "
    "--sensitivity 223/243 --false-positives 7/1375"
)
@click.option("--cc", required=True, metavar="CC", help="Country, such as PK.")
@click.option("--from", "start", required=True, type=date_type, metavar="D", help="First local day.")
@click.option("--to", "end", required=True, type=date_type, metavar="D", help="Day after the last.")
@click.option("--before", type=date_type, metavar="D", help="Compare two periods: day after the last of the first.")
@click.option("--after", type=date_type, metavar="D", help="First day of the second period; D of --before without it.")
@click.option("--level", type=click.Choice(["flows", "clients", "bytes"]), default="flows", show_default=True)
@click.option("--family", default="", metavar="F", help="One protocol family, such as openvpn.")
@click.option("--kind", default="", metavar="K", help="One kind; tunnel, proxy, anonymity and covert without it.")
@click.option("--suspicions", is_flag=True, help="Count labels that rest on statistics alone as well.")
@click.option("--rates", metavar="FILE|NAME", help="Error rates: .csv or .toml, or a shipped row (see docs/method.md).")
@click.option("--sensitivity", metavar="A/B", help="Labelled of the true ones, instead of --rates.")
@click.option("--false-positives", metavar="C/D", help="Labelled of the others.")
@click.option("--rates-level", type=click.Choice(["flows", "clients", "bytes"]), help="What the rates count.")
@click.option("--sensitivity-before", metavar=_RANGE, help="What it may have been in the first period.")
@click.option("--sensitivity-after", metavar=_RANGE, help="What it may have been in the second: users obfuscate.")
@click.option(
    "--k", default=10, show_default=True, type=click.IntRange(1), help="Fewest clients of a cell not suppressed."
)
@click.option("--sampling", default=1, metavar="N", type=click.IntRange(1), help="One packet in N was captured.")
@click.option(
    "--design-effect", default=1.0, show_default=True, type=click.FloatRange(1), help="Flows alike in a client."
)
@db_option
@format_option
def command(
    *,
    cc: str,
    start: datetime,
    end: datetime,
    before: datetime | None,
    after: datetime | None,
    sensitivity_before: str | None,
    sensitivity_after: str | None,
    db: str,
    fmt: str,
    **options: Any,
) -> None:
    """Share of flows, clients or bytes that is circumvention: as counted, and corrected for the classifier's errors.

    One row per local day, or one per period with --before.  Exit code 3: nothing could be estimated, which is a result.
    """
    import analyzer
    from analyzer.errors import NotEnoughData

    try:
        report = analyzer.open(db).shares(
            cc=cc,
            start=start.date(),
            end=end.date(),
            before=before.date() if before else None,
            after=after.date() if after else None,
            sensitivity_before=_range(sensitivity_before),
            sensitivity_after=_range(sensitivity_after),
            **options,
        )
    except NotEnoughData as nothing:
        click.echo(f"Note: {nothing}", err=True)
        sys.exit(3)
    _print(report, fmt)
    if not report.is_estimated:
        sys.exit(3)


def _range(text: str | None) -> tuple[float, float] | None:
    from analyzer.shares import Rate

    if text is None:
        return None
    low, comma, high = text.partition(",")
    if not comma:
        raise click.UsageError(f"a range of sensitivities is written {_RANGE}, such as 0.6,0.9, not {text!r}")
    return Rate.parse(low).value, Rate.parse(high).value


def _print(report: ShareReport, fmt: str) -> None:
    from dataclasses import fields

    from analyzer.shares.question import ShareRow

    rows = [_read(r) if fmt == "table" else _plain(r) for r in report.rows]
    columns = list(rows[0]) if fmt == "table" else [f.name for f in fields(ShareRow)]
    print_rows(columns, rows, fmt)
    for note in (*report.notes, *report.caveats):
        click.echo(f"Note: {note}", err=True)


def _plain(row: ShareRow) -> dict[str, Any]:
    from dataclasses import asdict

    return {**asdict(row), "warnings": "; ".join(row.warnings)}


def _read(row: ShareRow) -> dict[str, str]:
    """A row as a person reads it: per cent, ranges in words."""
    rates = f"sensitivity {row.sensitivity}, false positives {row.false_positives} {row.rates}".rstrip()
    return {
        "period": row.period if row.period[0].isdigit() else f"{row.period}: {row.first_day} to {row.last_day}",
        "hours": str(row.hours),
        row.selection: f"{_count(row.numerator_low, row.numerator_high)} of "
        f"{_count(row.denominator_low, row.denominator_high)} {row.unit}",
        "as counted": _share(row.apparent, row.apparent_low, row.apparent_high) or "no share can be given",
        "corrected": _share(row.corrected, row.corrected_low, row.corrected_high),
        "false flags": _share(row.false_flag_share, row.false_flag_low, row.false_flag_high),
        "rates": rates if row.sensitivity else "",
        "warnings": "; ".join(row.warnings),
    }


def _count(low: int, high: int | None) -> str:
    if high is None:
        return f"at least {low:,}"
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"


def _share(value: float | None, low: float | None, high: float | None) -> str:
    reach = "" if low is None or high is None or low == high else f"{100 * low:.3g} to {100 * high:.3g} %"
    if value is None:
        return reach
    return f"{100 * value:.3g} %{f' ({reach})' if reach else ''}"
