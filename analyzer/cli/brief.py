"""Write the two pages: findings, timeline, figures, limits."""

from __future__ import annotations

import sys
from datetime import datetime

import click

from analyzer.cli._options import date_type, db_option


@click.command(epilog="Example: vpn-uptake brief --cc PK --from 2023-12-16 --to 2024-03-01 -o pakistan.html")
@click.argument("blocks", nargs=-1, metavar="[BLOCK]...")
@click.option("--cc", metavar="CC", help="Country, instead of named blocks.")
@click.option("--from", "start", type=date_type, metavar="D", help="First day of the period.")
@click.option("--to", "end", type=date_type, metavar="D", help="Day after the period's last.")
@click.option("-o", "--output", required=True, metavar="FILE", help="The ending chooses the rendering: .html.")
@db_option
def command(
    *,
    blocks: tuple[str, ...],
    cc: str | None,
    start: datetime | None,
    end: datetime | None,
    output: str,
    db: str,
) -> None:
    """Write the two pages: findings with ranges, timeline, figures, what cannot be said, method, data and licences.

    Works without any series: the brief then says that no estimate was made and which command fetches one.
    """
    import analyzer

    if bool(blocks) == bool(cc and start and end):
        raise click.UsageError("name blocks, or a country and a period with --cc, --from and --to")
    path = analyzer.open(db).brief(
        output,
        *blocks,
        cc=cc,
        start=start.date() if start else None,
        end=end.date() if end else None,
        command=shown_command(sys.argv[1:]),
    )
    click.echo(f"Wrote {path}", err=True)


def shown_command(arguments: list[str]) -> str:
    """The command that makes the brief again, without this machine's folders."""
    import os
    import shlex

    shown = [os.path.basename(a) if os.sep in a else a for a in arguments]  # noqa: PTH119
    return shlex.join(["vpn-uptake", *shown])
