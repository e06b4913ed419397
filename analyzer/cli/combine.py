"""What do several indicators, or several blocks, say together?"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import click

from analyzer.cli._options import date_type, db_option, format_option, print_rows

if TYPE_CHECKING:
    from analyzer.records import Study
    from analyzer.study.typical import Typical


@click.command(epilog="Example: vpn-uptake combine pk-2024-02-17-x-ban --horizon 14d")
@click.argument("block", required=False)
@click.option("--cc", metavar="CC", help="Country, for a date that is no block of the catalogue.")
@click.option("--date", "day", type=date_type, metavar="D", help="Local calendar day in that country.")
@click.option("--horizon", metavar="H", help="One horizon, such as 14d; without it the one that headlines speak of.")
@click.option(
    "--typical", is_flag=True, help="One indicator over all blocks of a --kind whose outcome nobody knew first."
)
@click.option("--kind", metavar="K", help="With --typical: the kind of block, such as social_media_block.")
@click.option("--indicator", metavar="I", help="With --typical: one indicator only.")
@db_option
@format_option
def command(
    *,
    block: str | None,
    cc: str | None,
    day: datetime | None,
    horizon: str | None,
    typical: bool,
    kind: str | None,
    indicator: str | None,
    db: str,
    fmt: str,
) -> None:
    """Indicators of one type as one ratio with its interval; types beside each other in a table, never as one ratio.

    Exit code 3: there were no two indicators (or blocks) that could be combined, which is a result.
    """
    if typical:
        if kind is None or block or cc or day:
            raise click.UsageError("--typical takes a --kind of block, and neither BLOCK nor --cc and --date")
        _typical(kind, indicator, horizon, db, fmt)
        return
    if (block is None) == (cc is None or day is None) or kind or indicator:
        raise click.UsageError("name a BLOCK, or --cc and --date; --kind and --indicator go with --typical")
    import analyzer

    study = analyzer.open(db).combine(block, cc=cc, date=day.date() if day else None, horizon=horizon)
    for warning in study.warnings:
        click.echo(f"Note: {warning}", err=True)
    _print(study, fmt)
    if not any(len(s.members) > 1 for s in study.syntheses):
        click.echo("Note: no two indicators of one type that could be combined", err=True)
        sys.exit(3)


def _print(study: Study, fmt: str) -> None:
    if fmt != "table":
        from analyzer.study.combined_rows import COLUMNS, rows

        print_rows(COLUMNS, rows(study), fmt)
        return
    from analyzer.outputs import _synthesis_text as text

    lines = [line for s in study.syntheses for line in text.synthesis_lines(s)]
    types = [line for c in study.concordance for line in text.concordance_lines(c)]
    click.echo("\n".join([f"{study.block.name} ({study.block.block_id})", *lines]))
    if types:
        click.echo("\n".join(["What the types of indicator say (never one ratio)", *types]))


def _typical(kind: str, indicator: str | None, horizon: str | None, db: str, fmt: str) -> None:
    import analyzer
    from analyzer.cli._progress import bar

    with bar("comparing blocks") as progress:
        found = analyzer.open(db).typical(kind, indicator=indicator, horizon=horizon or "14d", progress=progress)
    if fmt == "table":
        _print_typical(found)
    else:
        from analyzer.study.combined_rows import COLUMNS, typical_rows

        print_rows(COLUMNS, typical_rows(found), fmt)
    if not any(t.synthesis and len(t.synthesis.members) > 1 for t in found):
        click.echo(f"Note: no two blocks of kind {kind} that could be combined", err=True)
        sys.exit(3)


def _print_typical(found: Sequence[Typical]) -> None:
    from analyzer.outputs import _synthesis_text as text

    for t in found:
        lines = text.synthesis_lines(t.synthesis) if t.synthesis else []
        out = [line for block, why in t.left_out for line in text.wrapped(f"left out: {block}: {why}")]
        click.echo("\n".join([f"{t.indicator}{' ' + t.entity if t.entity else ''}, {t.kind}", *lines, *out]))
