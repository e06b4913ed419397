"""The catalogue of blocks and non-events, with claims."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from analyzer.cli._options import date_type, db_option, format_option, print_rows

if TYPE_CHECKING:
    from analyzer.blocks import Catalogue
    from analyzer.records import Block


@click.group(invoke_without_command=True, epilog="Example: vpn-uptake blocks list --cc PK --from 2023-12-01")
@click.pass_context
def command(ctx: click.Context) -> None:
    """The catalogue of blocks and non-events: in UTC and local time, claims and their disagreements."""
    if ctx.invoked_subcommand is None:
        ctx.invoke(list_blocks, cc=None, start=None, end=None, kind=None, db="uptake.duckdb", fmt="table")


@command.command("list")
@click.option("--cc", metavar="CC", help="One country; all without it.")
@click.option("--from", "start", type=date_type, metavar="D", help="First day.")
@click.option("--to", "end", type=date_type, metavar="D", help="Day after the last.")
@click.option("--kind", metavar="KIND", help="One kind only, such as shutdown or election; block or non-event for all.")
@db_option
@format_option
def list_blocks(
    *, cc: str | None, start: datetime | None, end: datetime | None, kind: str | None, db: str, fmt: str
) -> None:
    """List blocks and non-events, oldest first."""
    import analyzer
    from analyzer import blocks

    known = analyzer.open(db).blocks(cc, start=start.date() if start else None, end=end.date() if end else None)
    found = blocks.of_kind(known, kind) if kind else known
    print_rows(_SHORT if fmt == "table" else _COLUMNS, [_row(b) for b in found], fmt)


@command.command("show")
@click.argument("block_id")
@db_option
@format_option
def show(*, block_id: str, db: str, fmt: str) -> None:
    """Show one event: its instants, every claim about it and the figures published."""
    from analyzer import blocks

    catalogue = _catalogue(db)
    block = blocks.find(catalogue, block_id)
    claims = [c for c in catalogue.claims if c.block_id == block.block_id]
    figures = [p for p in catalogue.published if p.block_id == block.block_id]
    around = [c for c in catalogue.contexts if c.block_id == block.block_id]
    expected = blocks.expected_sign(block.kind, "tor.bridge_users", block.services)
    rows = [
        *({"part": "event", "what": name, "text": value} for name, value in _row(block).items()),
        {"part": "event", "what": "expected of circumvention", "text": f"{expected.sign:+d}: {expected.reason}"},
        *({"part": "context", "what": c.kind, "text": _cited(c.note, "", c.address)} for c in around),
        *({"part": "claim", "what": c.who, "text": _cited(c.says, c.stated_at, c.address)} for c in claims),
        *({"part": "figure", "what": p.publisher, "text": _figure(p)} for p in figures),
    ]
    print_rows(["part", "what", "text"], rows, fmt)


@command.command("add", epilog="Times: YYYY-MM-DD is a local calendar day, YYYY-MM-DDTHH:MM is UTC.")
@click.argument("block_id")
@click.option("--cc", required=True, metavar="CC")
@click.option("--name", required=True)
@click.option("--start", required=True, metavar="T", help="Onset.")
@click.option("--end", default="", metavar="T", help="End; without it: in force or not known.")
@click.option("--kind", required=True, help="Such as social_media_block, shutdown, vpn_block, announcement.")
@click.option("--services", required=True, help="Names with ; between them.")
@click.option("--scope", default="nationwide", show_default=True)
@click.option("--start-precision", default="", help="minute, hour, day, week or month; told from --start without it.")
@click.option("--end-precision", default="", help="The same for --end.")
@click.option("--route", default="", help="How it came to be known: order, measurement, press, vendor or scan.")
@click.option("--who", required=True, help="Who says so.")
@click.option("--says", default="", help="What they say, in your words.")
@click.option("--address", default="", help="The page read.")
@db_option
def add(*, db: str, **given: str) -> None:
    """Add one event with the claim it rests on."""
    from analyzer import blocks
    from analyzer.store import Store

    block, claims = blocks.described(given)
    blocks.add(Store(db), block, claims)
    click.echo(f"Added {block.block_id} to {db}", err=True)


@command.command("import", epilog="Columns and formats: vpn-uptake blocks list --format csv shows an example.")
@click.argument("file", type=click.Path())
@click.option("--non-events", is_flag=True, help="The table holds events without a change of access.")
@click.option("--published", is_flag=True, help="The table holds publishers' figures.")
@db_option
@format_option
def import_table(*, file: str, non_events: bool, published: bool, db: str, fmt: str) -> None:
    """Import a table: our own columns (CSV), publishers' figures, or Access Now's STOP (Parquet or CSV)."""
    from analyzer import blocks
    from analyzer.store import Store

    if non_events and published:
        raise click.UsageError("--non-events and --published exclude each other")
    result = blocks.import_table(Store(db), file, non_events=non_events, published=published)
    columns = ["source", "rows_loaded", "rows_rejected", "already_loaded", "snapshot_id"]
    print_rows(columns, [{c: getattr(result, c) for c in columns}], fmt)


@command.command("overlaps")
@click.argument("block_id")
@click.option("--base-days", default=112, show_default=True, type=click.IntRange(1, 3650))
@click.option("--horizon-days", default=90, show_default=True, type=click.IntRange(1, 3650))
@db_option
@format_option
def overlaps(*, block_id: str, base_days: int, horizon_days: int, db: str, fmt: str) -> None:
    """List what else touches the base before a block and the horizon after it."""
    from datetime import timedelta

    from analyzer import blocks

    catalogue = _catalogue(db)
    block = blocks.find(catalogue, block_id)
    found = blocks.overlaps(
        catalogue,
        block,
        block.onset_earliest - timedelta(days=base_days),
        block.onset_latest + timedelta(days=horizon_days),
    )
    columns = ["touches", *(_SHORT if fmt == "table" else _COLUMNS)]
    print_rows(columns, [{"touches": o.touches, **_row(o.block)} for o in found], fmt)


_COLUMNS = (
    "block_id",
    "cc",
    "name",
    "onset_utc",
    "onset_local",
    "end_utc",
    "end_local",
    "precision",
    "kind",
    "services",
    "scope",
    "discovery_route",
)
_SHORT = ("block_id", "onset_local", "end_local", "kind", "services")  # what fits a terminal, in local time


def _row(block: Block) -> dict[str, Any]:
    from analyzer.places import to_local

    def local(instant: datetime | None) -> str | None:
        return f"{to_local(instant, block.cc):%Y-%m-%d %H:%M %Z}" if instant else None

    return {
        "block_id": block.block_id,
        "cc": block.cc,
        "name": block.name,
        "onset_utc": block.onset_earliest,
        "onset_local": local(block.onset_earliest),
        "end_utc": block.end_earliest,
        "end_local": local(block.end_earliest),
        "precision": "/".join(p for p in (block.start_precision, block.end_precision) if p),
        "kind": f"{block.kind} (no block)" if block.is_non_event else block.kind,
        "services": ";".join(block.services),
        "scope": block.scope,
        "discovery_route": block.discovery_route,
    }


def _cited(says: str, stated_at: str, address: str) -> str:
    return " ".join(part for part in (says, f"[{stated_at}]" if stated_at else "", address) if part)


def _figure(p: Any) -> str:
    window = f"{p.window_start} to {p.window_end}" if p.window_end != p.window_start else f"{p.window_start}"
    base = p.baseline or "not stated"
    return f"{p.value:g} {p.unit}, {p.indicator}, base: {base}, {window} ({p.source_grade}) {p.address}"


def _catalogue(db: str) -> Catalogue:
    from analyzer import api

    return api.open(db).catalogue()
