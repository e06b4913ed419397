"""What a published change is in other units, and is it right?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from analyzer.cli._options import format_option, print_rows

if TYPE_CHECKING:
    from analyzer.people.published_units import Change

_COLUMNS = ("given", "multiple", "percent_over_base", "verdict", "note")


@click.command(
    context_settings={"ignore_unknown_options": True},  # "-60 %" is a text
    epilog='Example: vpn-uptake convert "27,815 against 321" "+17,000 %"',
)
@click.argument("text")
@click.argument("published", required=False)
@click.option("--trailing", is_flag=True, help="The change as a level that stays: what a base of 28 days makes of it.")
@format_option
def command(*, text: str, published: str | None, trailing: bool, fmt: str) -> None:
    """A change as texts write it, as a multiple and in per cent: "46 times", "+131 %", "27,815 against 321".

    With a second text: whether that published change agrees with the raw counts of the first.
    """
    from analyzer.people import published_units

    if trailing and published:
        raise click.UsageError("--trailing takes one text")
    change = published_units.parsed(text)
    if trailing:
        rows = _days(change)
        print_rows(["day", "percent_over_trailing_base"], rows, fmt)
    else:
        print_rows(_COLUMNS, [_row(change, published)], fmt)


def _days(change: Change) -> list[dict[str, Any]]:
    from analyzer.errors import BadInput
    from analyzer.people.published_units import DAYS, trailing

    if change.multiple <= 0:
        raise BadInput(f"{change.given!r} leaves nothing: there is no level that could stay")
    return [{"day": d, "percent_over_trailing_base": trailing(change.multiple, d)} for d in range(DAYS + 1)]


def _row(change: Change, published: str | None) -> dict[str, Any]:
    from analyzer.errors import BadInput
    from analyzer.people.published_units import recomputed

    row = {"given": change.given, "multiple": change.multiple, "percent_over_base": change.percent}
    if published is None:
        return {**row, "verdict": "", "note": change.note}
    if change.raw is None:
        raise BadInput(f"{change.given!r} are no raw counts: write them as 27,815 against 321")
    checked = recomputed(*change.raw, published)
    return {**row, "verdict": checked.verdict, "note": checked.sentence}
