"""A progress bar on stderr for work that takes long enough to wonder about."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click

_PATIENCE = 0.7  # seconds of silence; most loads end before


@contextmanager
def bar(label: str) -> Iterator[Callable[[int, int], None]]:
    """A callback (done, total) that draws; nothing is drawn for quick work or when stderr is no terminal."""
    began = time.monotonic()
    drawn = False

    def draw(done: int, total: int) -> None:
        nonlocal drawn
        if not sys.stderr.isatty() or time.monotonic() - began < _PATIENCE:
            return
        drawn = True
        share = done / total if total else 0.0
        filled = round(30 * min(share, 1.0))
        click.echo(f"\r{label[-40:]}  [{'#' * filled}{'.' * (30 - filled)}] {share:4.0%}", nl=False, err=True)

    try:
        yield draw
    finally:
        if drawn:
            click.echo(err=True)
