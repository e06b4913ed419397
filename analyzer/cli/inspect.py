"""Show every labelled flow of a capture, with the reason."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from analyzer.cli._progress import bar

if TYPE_CHECKING:
    from analyzer.inspecting import Addresses


@click.command(epilog="Example: vpn-uptake inspect mine.pcap --format csv > flows.csv")
@click.argument("capture", metavar="CAPTURE")
@click.option("--all", "every", is_flag=True, help="Flows without a label too.")
@click.option("--show-addresses", is_flag=True, help="Print addresses as captured: for the operator's own audit.")
@click.option(
    "--anonymise",
    type=click.Choice(["random", "cryptopan"]),
    default="random",
    show_default=True,
    help="How addresses are replaced: by random tokens of this run; or by Crypto-PAn, which keeps common prefixes, "
    "under a key made for this run. Who knows some pairs of addresses can invert parts of Crypto-PAn: it is never used "
    "in exports.",
)
@click.option(
    "--addresses",
    "listed",
    multiple=True,
    metavar="FILE",
    help="Dated address lists (CSV: list,family,provider,date,network), such as a Tor consensus.",
)
@click.option(
    "--format",
    "fmt",
    type=click.Choice(["table", "csv", "json"]),
    default="table",
    show_default=True,
    help="How rows are printed on stdout.",
)
def command(
    *, capture: str, every: bool, show_addresses: bool, anonymise: Addresses, listed: tuple[str, ...], fmt: str
) -> None:
    """Show every labelled flow of a capture (pcap, pcapng; - is standard input) with the reason for its label.

    Nothing is stored.  Addresses are replaced unless --show-addresses.  What could not be read is summed up on stderr.
    """
    from analyzer import inspecting
    from analyzer.capture.lists import read_lists
    from analyzer.capture.records import Tally
    from analyzer.store._files import received

    if show_addresses:
        click.echo("Warning: this output holds addresses of people; keep it to yourself.", err=True)
    tally, lists = Tally(), tuple(one for path in listed for one in read_lists(Path(path)))
    with received(capture) as file, bar("reading") as progress:
        addresses: Addresses = "shown" if show_addresses else anonymise
        found = inspecting.rows(file, capture, tally, every=every, addresses=addresses, lists=lists, progress=progress)
        for piece in _rendered(found, fmt):
            sys.stdout.buffer.write(piece)
    sys.stdout.buffer.flush()
    if said := inspecting.unreadable(tally):
        click.echo(f"Note: {said}", err=True)


def _rendered(batches: Iterator[list[dict[str, Any]]], fmt: str) -> Iterator[bytes]:
    """The rows batch by batch, as one document."""
    from analyzer import registry
    from analyzer.inspecting import COLUMNS

    render = registry.load("outputs", fmt).render
    if fmt == "json":
        yield from _as_one_array(render(COLUMNS, rows) for rows in batches)
        return
    heading = render(COLUMNS, [])
    yield heading if fmt == "csv" else b""
    for rows in batches:
        yield render(COLUMNS, rows).removeprefix(heading) if fmt == "csv" else render(COLUMNS, rows) + b"\n"


def _as_one_array(arrays: Iterator[bytes]) -> Iterator[bytes]:
    opening = b"[\n"
    for array in arrays:
        yield opening + array.strip().removeprefix(b"[").removesuffix(b"]").strip(b"\n")
        opening = b",\n"
    yield b"[]\n" if opening == b"[\n" else b"\n]\n"
