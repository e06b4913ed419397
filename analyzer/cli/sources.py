"""List what can be read: licence, grain, caveat."""

from __future__ import annotations

import click

from analyzer.cli._options import format_option, print_rows


@click.command()
@format_option
def command(*, fmt: str) -> None:
    """List every source: what it is, organisation, licence, grain, caveat."""
    from analyzer.registry import load_all

    columns = ["source", "title", "organization", "licence", "grain", "indicators", "fetch", "caveat", "info_url"]
    rows = [
        {
            "source": s.name,
            "title": s.title,
            "organization": s.organization,
            "licence": s.licence,
            "grain": s.grain,
            "indicators": ", ".join(s.indicators),
            "fetch": "yes" if s.requests else "no",
            "caveat": s.caveat,
            "info_url": s.info_url,
        }
        for s in load_all("sources").values()
    ]
    print_rows(columns, rows, fmt)
