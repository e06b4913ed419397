"""Load files, folders or standard input into the store."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import click

from analyzer.cli._options import date_type, db_option, format_option, print_rows
from analyzer.cli._progress import bar

if TYPE_CHECKING:
    from analyzer.records import LoadResult


_SAFE = 10  # as analyzer.aggregates.DEFAULT_K, which would cost numpy at every start
_BANNER = """\
*** --k {k}: cells of fewer than {safe} clients will be stored and printed. ***
*** Few clients can be recognised: only for captures of your own machines. ***"""


@click.command(epilog="Example: vpn-uptake load downloads/*.csv.gz --retrieved 2024-03-01")
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@db_option
@click.option("--source", metavar="S", help="Name of the source; without it the content tells.")
@click.option("--tz", metavar="ZONE", help="Zone of the file's times where the file states none, such as Asia/Karachi.")
@click.option("--cc", metavar="CC", help="Country of a file that states none.")
@click.option("--retrieved", type=date_type, metavar="D", help="Day on which the file was retrieved.")
@click.option("--map", "mapping", metavar="FILE", help="Column mapping (TOML or YAML) for a table of your own.")
@click.option(
    "--k", type=click.IntRange(1), metavar="K", help="Captures: clients behind a published cell.  [default: 10]"
)
@click.option(
    "--sampling", type=click.IntRange(1), default=1, metavar="N", help="Captures: one in N packets was captured."
)
@click.option(
    "--addresses",
    multiple=True,
    metavar="FILE",
    help="Captures: dated address lists (CSV: list,family,provider,date,network), such as a Tor consensus.",
)
@format_option
def command(
    *,
    paths: tuple[str, ...],
    db: str,
    source: str | None,
    tz: str | None,
    cc: str | None,
    retrieved: datetime | None,
    mapping: str | None,
    k: int | None,
    sampling: int,
    addresses: tuple[str, ...],
    fmt: str,
) -> None:
    """Load files, folders, globs or - (standard input) into the store.

    Series and packet captures (pcap, pcapng); of a capture only hourly aggregates are kept.  The format is told
    from the content; .gz .zst .bz2 .xz are unpacked.  Each file is loaded whole or not at all, and the same bytes
    twice change nothing.
    """
    import analyzer

    if k is not None and k < _SAFE:
        click.echo(_BANNER.format(k=k, safe=_SAFE), err=True)
    with bar("loading") as progress:
        results = analyzer.open(db).load(
            *paths,
            source=source,
            tz=tz,
            cc=cc,
            retrieved=retrieved.date() if retrieved else None,
            mapping=mapping,
            k=k,
            sampling=sampling,
            addresses=addresses,
            progress=progress,
            skipped=lambda why: click.echo(f"Note: {why}", err=True),
        )
    print_results(results, fmt)


def print_results(results: Sequence[LoadResult], fmt: str) -> None:
    """One row per file."""
    columns = ["origin", "source", "rows_loaded", "rows_rejected", "already_loaded", "snapshot_id"]
    print_rows(columns, [{c: getattr(r, c) for c in columns} for r in results], fmt)
    if any(r.rows_rejected for r in results):
        click.echo("Rejected rows are kept with their reasons: vpn-uptake query rejected", err=True)
