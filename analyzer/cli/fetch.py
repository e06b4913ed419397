"""Download a source's native files, then load them."""

from __future__ import annotations

from datetime import datetime

import click

from analyzer.cli._options import date_type, db_option, format_option
from analyzer.cli._progress import bar


@click.command(epilog="Example: vpn-uptake fetch tor_bridge_users --cc PK --from 2023-06-01 --to 2024-06-01")
@click.argument("source")
@click.option("--cc", required=True, metavar="CC", help="Country, such as PK; XX is all countries.")
@click.option("--from", "start", required=True, type=date_type, metavar="D", help="First day.")
@click.option("--to", "end", required=True, type=date_type, metavar="D", help="Day after the last.")
@db_option
@click.option("--folder", default="snapshots", show_default=True, help="Where the files as received are kept.")
@click.option("--endpoint", metavar="URL", help="A mirror that serves the documented paths.")
@click.option("--dry-run", is_flag=True, help="Print the requests and stop.")
@format_option
def command(
    *,
    source: str,
    cc: str,
    start: datetime,
    end: datetime,
    db: str,
    folder: str,
    endpoint: str | None,
    dry_run: bool,
    fmt: str,
) -> None:
    """Download a source's native files into a dated snapshot folder, then load them.

    Polite: one request at a time, rate limits and Retry-After honoured, broken downloads resumed.  Proxies
    (HTTPS_PROXY, ALL_PROXY, also socks5://) are honoured.
    """
    import analyzer
    from analyzer import fetching, registry
    from analyzer.cli.load import print_results

    if dry_run:
        declared = registry.load("sources", source)
        for request in fetching.planned(declared, cc, start.date(), end.date(), endpoint=endpoint):
            click.echo(request.url)
        return
    with bar(source) as progress:
        results = analyzer.open(db).fetch(
            source,
            cc=cc,
            start=start.date(),
            end=end.date(),
            folder=folder,
            endpoint=endpoint,
            progress=progress,
        )
    print_results(results, fmt)
