"""The list of captures: each module named `_on_*.py` adds the ones of its subject."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from _files import golden, pcap
from _wire import Trace

Build = Callable[[Trace], dict[str, bytes] | None]
NO_REAL = "self-made only"


class Capture(NamedTuple):
    """One declared capture."""

    name: str  # stem of its files
    holds: str
    source: str  # specification it is built from
    real: str  # a real capture in a public test suite that shows the same, or NO_REAL
    build: Build

    def files(self) -> dict[str, bytes]:
        """File name -> content: the capture itself and its golden flow log, or what `build` returns."""
        trace = Trace(self.name)
        extra = self.build(trace) or {}
        files = {f"{self.name}.flows.csv": golden(trace).encode()}
        if not any(name.split(".")[0] == self.name and not name.endswith(".csv") for name in extra):
            files[f"{self.name}.pcap"] = pcap(trace.sorted(), trace.linktype, snaplen=trace.snaplen)
        return files | extra


CAPTURES: dict[str, Capture] = {}


def capture(name: str, holds: str, source: str, real: str = NO_REAL) -> Callable[[Build], Build]:
    """Declare the capture a function builds."""

    def declare(build: Build) -> Build:
        if name in CAPTURES:
            raise ValueError(f"two captures named {name}")
        CAPTURES[name] = Capture(name, holds, source, real, build)
        return build

    return declare


def readme_table() -> str:
    """One row per capture: what it holds, from what it is built, which real capture there is."""
    rows = ["| capture | holds | built from | real counterpart |", "|---|---|---|---|"]
    rows += [f"| `{c.name}` | {c.holds} | {c.source} | {c.real} |" for c in CAPTURES.values()]
    return "\n".join(rows) + "\n"
