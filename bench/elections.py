"""Coverage of 95 % intervals around elections without a block, on real series.

    python bench/elections.py --kind election

Every non-event of the catalogue that falls into Tor bridge users (2018 to 2020) or direct users (2009 to 2011), with no
block of that country near, is asked through the product's path: the catalogue, base, gap, masks, donors and lent errors
of `estimate ... --horizon 14d`.  Covered: the interval holds 1.  An election may truly move the series, so a miss is no
proof of a wrong interval; at least 90 % is asked.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # matrices are small; threads would only fight over the cores

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from analyzer import blocks
from analyzer.blocks import Catalogue
from analyzer.records import Block
from analyzer.store import Store
from analyzer.store.loading import load_file
from analyzer.study.asked import Lender, asked_of
from analyzer.study.effects import find
from analyzer.study.horizons import onset_steps, window
from analyzer.study.series import Aligned, aligned, first_starts
from bench.scan import DIRECT
from bench.tor import BRIDGE, DATA, NEWS, STOP, Spans, merged, read_news, read_stop

NEAR = timedelta(days=30)  # a listed block within so many days of the event makes it no event without one
LONG_MAP = """\
indicator = { value = "tor.relay_users" }
unit = { value = "users" }
cc = "country"
value = "users"
time = { column = "date", zone = "UTC", grain = "day" }
"""


@dataclass(frozen=True, slots=True)
class Trial:
    """One event on one series."""

    event: Block
    base: float  # median before the event
    ratio: float
    low: float
    high: float

    @property
    def held(self) -> bool:
        """The interval holds 1."""
        return self.low <= 1 <= self.high


def bridge(data: Path) -> Aligned:
    """Bridge users as the product aligns them."""
    return _aligned(data / BRIDGE, None)


def direct(data: Path, folder: Path) -> Aligned:
    """Direct users of 2009 to 2011, made long and loaded through a mapping file."""
    header, *rows = [line.split(",") for line in (data / DIRECT).read_text(encoding="ascii").splitlines()]
    cells = [(r[0], cc, v) for r in rows for cc, v in zip(header[1:], r[1:], strict=True) if len(cc) == 2 and v != "NA"]
    long = folder / "direct.csv"
    lines = (f"{day},{cc.upper()},{v}" for day, cc, v in cells if cc.isalpha())
    long.write_text("date,country,users\n" + "\n".join(lines) + "\n", encoding="ascii")
    return _aligned(long, LONG_MAP)


def _aligned(path: Path, mapping: str | None) -> Aligned:
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder) / "bench.duckdb")
        load_file(store, path, **({"mapping": tomllib.loads(mapping)} if mapping else {}))
        (key,) = first_starts(store, "DE")
        return aligned(store, key)


def eligible(series: Aligned, catalogue: Catalogue, kind: str, spans: Spans, smallest: float) -> Iterator[Block]:
    """Events of a kind, known to the day, with a base of 60 observed days and no listed block within 30 days."""
    for event in catalogue.non_events:
        y = series.values.get(event.cc)
        if y is None or kind not in ("all", event.kind) or event.start_precision in ("week", "month"):
            continue
        onset = series.index(event.onset_earliest)
        if not 0 < onset <= series.length - 14 or np.isfinite(y[:onset]).sum() < 60:
            continue
        day = event.onset_earliest.date()
        listed = any(a < day + NEAR and b > day - NEAR for a, b in spans.get(event.cc, ()))
        if not listed and not _blocked(catalogue, event) and np.nanmedian(y[:onset]) >= smallest:
            yield event


def _blocked(catalogue: Catalogue, event: Block) -> bool:
    start, end = event.onset_earliest - NEAR, event.onset_earliest + NEAR
    moments = [m for b in catalogue.blocks if b.cc == event.cc for m in (b.onset_earliest, b.end_latest) if m]
    return any(start <= m < end for m in moments)


def trials(series: Aligned, catalogue: Catalogue, events: list[Block]) -> Iterator[Trial | str]:
    """The estimate of 14 days after each event; the refusal where there is none."""
    lender: Lender | None = None
    for event in sorted(events, key=lambda e: e.onset_earliest):
        (onset,) = onset_steps(event, series)
        asked = asked_of(catalogue, event, series, onset, lender)
        lender = asked.lender
        found = find(asked, window("14d", event, series, onset), "no_block_since_base", [onset])
        if found.effects:
            e = found.effects[0]
            base = float(np.nanmedian(series.values[event.cc][:onset]))
            yield Trial(event, base, e.ratio, e.ratio_low, e.ratio_high)
        else:
            yield found.refusal


def report(name: str, found: list[Trial | str]) -> None:
    """Prints the figures and the events whose interval does not hold 1."""
    given = [t for t in found if isinstance(t, Trial)]
    if not given:
        print(f"{name}: no event could be estimated, {len(found)} refused")
        return
    p = float(np.mean([t.held for t in given]))
    error = np.sqrt(p * (1 - p) / len(given))
    logs = np.log([max(t.ratio, 1e-9) for t in given])
    print(
        f"{name}: n {len(given)} ({len(found) - len(given)} refused), holds 1 {100 * p:.1f} % (s.e. {100 * error:.1f})"
    )
    print(f"  median ratio x{np.exp(np.median(logs)):.3f}, middle half x{np.exp(np.quantile(logs, 0.25)):.2f} to "
          f"x{np.exp(np.quantile(logs, 0.75)):.2f}")  # fmt: skip
    for t in given:
        if not t.held:
            print(f"  miss {t.event.block_id}: x{t.ratio:.2f} ({t.low:.2f} to {t.high:.2f}), base {t.base:.0f}")


def main() -> None:
    """Runs the bench."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--kind", default="election", help="a kind of non-event, or all")
    parser.add_argument("--smallest", type=float, default=5.0, help="median users before the event")
    options = parser.parse_args()
    catalogue = blocks.shipped()
    spans = merged(read_stop(options.data / STOP), read_news(options.data / NEWS))
    with tempfile.TemporaryDirectory() as folder:
        sets = {
            "bridge users 2018-2020": bridge(options.data),
            "direct users 2009-2011": direct(options.data, Path(folder)),
        }
    everything: list[Trial | str] = []
    for name, series in sets.items():
        events = list(eligible(series, catalogue, options.kind, spans, options.smallest))
        found = list(trials(series, catalogue, events))
        report(f"{name}, {options.kind}", found)
        everything += found
    report(f"together, {options.kind}", everything)


if __name__ == "__main__":
    main()
