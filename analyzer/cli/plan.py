"""Fix a question by its hash, before the data are seen."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from analyzer.cli._options import date_type, db_option, format_option, print_rows

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_LISTED = ("plan_id", "frozen_at", "status", "event", "indicator", "horizon")


@click.group(invoke_without_command=True, epilog="Example: vpn-uptake plan new --cc PK --next any -o plan.toml")
@click.pass_context
def command(ctx: click.Context) -> None:
    """A question fixed before its data are seen: plan new, then plan freeze; estimate --plan asks it."""
    if ctx.invoked_subcommand is None:
        ctx.invoke(list_plans, db="uptake.duckdb", fmt="table")


@command.command(
    "new", epilog="Example: vpn-uptake plan new pk-2024-02-17-x-ban --indicator tor.bridge_users -o p.toml"
)
@click.argument("block", required=False)
@click.option("--cc", metavar="CC", help="Country, for an event that is no block of the catalogue yet.")
@click.option("--date", "day", type=date_type, metavar="D", help="Local calendar day; may lie ahead.")
@click.option("--within", type=int, metavar="N", help="With --date: the first block at most N days from it.")
@click.option("--next", "kind", metavar="KIND", help="The next block of a kind (or any) after the freezing.")
@click.option("--indicator", metavar="I", help="The primary indicator.")
@click.option("--entity", metavar="E", help="Its app, transport ... where it has one.")
@click.option("--horizon", default="14d", show_default=True, metavar="H", help="The primary horizon.")
@click.option("--estimand", metavar="E", help="no_block_since_base (the usual) or just_before.")
@click.option("--secondary", multiple=True, metavar="I", help="Another indicator, or I/ENTITY; may be repeated.")
@click.option("--secondary-horizon", multiple=True, metavar="H", help="Another horizon; may be repeated.")
@click.option("--base-days", type=int, metavar="N", help="Days of base; all history without it.")
@click.option("--gap-days", type=int, metavar="N", help="Days before onset kept out of the base; the usual without it.")
@click.option("--no-donors", is_flag=True, help="No other countries.")
@click.option("--without", multiple=True, metavar="CC", help="A country left out as donor; may be repeated.")
@click.option("--no-exclusions", is_flag=True, help="Listed donor exclusions are not applied.")
@click.option("--no-masks", is_flag=True, help="Windows of other blocks stay in the base.")
@click.option("--no-weekends", is_flag=True, help="Weekends are left out of base and window.")
@click.option("--smallest-effect", type=float, metavar="X", help="Smallest effect of interest, a multiple: 1.25.")
@click.option("--estimator", metavar="E", help="replay (the usual), did, synthetic_control, sdid or difp.")
@click.option("--question", metavar="TEXT", help="The question in your words.")
@click.option("-o", "output", type=click.Path(), metavar="FILE", help="Where the draft goes; stdout without it.")
@db_option
def new(*, db: str, output: str | None, **given: Any) -> None:
    """Write a draft to edit, as TOML: every choice with what it means."""
    import analyzer

    text = analyzer.open(db).plan_new(output, **_sections(given))
    if output is None:
        click.echo(text, nl=False)
    else:
        click.echo(f"Draft written to {output}; edit it, then: vpn-uptake plan freeze {output}", err=True)


@command.command("freeze")
@click.argument("file", type=click.Path())
@db_option
@format_option
def freeze(*, file: str, db: str, fmt: str) -> None:
    """Check a draft and write it down for good; the same content again changes nothing."""
    import analyzer

    row = analyzer.open(db).plan_freeze(file)
    said = "Frozen" if row["fresh"] else "Was frozen before, nothing was changed"
    click.echo(f"{said}: {row['plan_id']} ({row['status']})", err=True)
    _print([row], fmt)


@command.command("show")
@click.argument("plan_id", required=False, metavar="ID")
@db_option
def show(*, plan_id: str | None, db: str) -> None:
    """Print a frozen plan as its file (its only one without ID), and whether it came before its data."""
    import analyzer
    from analyzer.study import planned

    database = analyzer.open(db)
    click.echo(planned.shown(database.store, database.catalogue(), plan_id), nl=False)


@command.command("list")
@db_option
@format_option
def list_plans(*, db: str, fmt: str) -> None:
    """List the frozen plans, oldest first, each with whether it came before its data."""
    import analyzer

    _print(analyzer.open(db).plans(), fmt)


def _print(rows: Sequence[Mapping[str, Any]], fmt: str) -> None:
    from analyzer.study.planned import COLUMNS

    if fmt == "table":
        print_rows(_LISTED, [{**row, "plan_id": row["plan_id"][:12]} for row in rows], fmt)
    else:
        print_rows(COLUMNS, rows, fmt)


def _sections(given: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The options that were given, by section and field of the file."""
    day: datetime | None = given["day"]
    found = {
        "": {"question": given["question"]},
        "event": {
            "block": given["block"],
            "country": given["cc"],
            "day": day.date() if day else None,
            "within_days": given["within"],
            "kind": given["kind"],
        },
        "primary": {name: given[name] for name in ("indicator", "entity", "horizon", "estimand")},
        "secondary": {
            "indicators": list(given["secondary"]) or None,
            "horizons": list(given["secondary_horizon"]) or None,
        },
        "specification": {
            "base_days": given["base_days"],
            "gap_days": given["gap_days"],
            "without": list(given["without"]) or None,
            **{name: False if given[f"no_{name}"] else None for name in ("donors", "exclusions", "masks", "weekends")},
        },
        "analysis": {"smallest_effect": given["smallest_effect"], "estimator": given["estimator"]},
    }
    return {s: {k: v for k, v in fields.items() if v is not None} for s, fields in found.items()}
