"""Small tables of measurements as users load them, each with the mapping file that says what its columns are."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta
from pathlib import Path

import numpy as np

from analyzer.api import Database
from analyzer.study.series import Aligned, SeriesKey

OONI = """\
indicator = { value = "ooni.service_blocked_share" }
unit = { value = "share" }
cc = "probe_cc"
entity = "domain"
value = "blocked"
n = "measurements"
time = { column = "day", zone = "UTC", grain = "day" }
"""
TOOLS = OONI.replace("ooni.service_blocked_share", "ooni.tool_blocked_share")

Share = Callable[[date], float]
Table = Mapping[tuple[str, str], tuple[np.ndarray, np.ndarray]]


def stepped(before: float, during: float, start: date, end: date | None = None) -> Share:
    """A share that holds on the days [start, end) and another on all others."""
    return lambda day: during if start <= day and (end is None or day < end) else before


def drawn(shares: Mapping[tuple[str, str], Share], *, first: date, days: int, n: int = 60, seed: int = 1) -> Table:
    """(days,) shares found and (days,) measurements by (country, domain), correlated within a day."""
    rng = np.random.default_rng(seed)
    return {place: _one(share, rng, first, days, n) for place, share in shares.items()}


def _one(share: Share, rng: np.random.Generator, first: date, days: int, n: int) -> tuple[np.ndarray, np.ndarray]:
    p = np.array([share(first + timedelta(days=k)) for k in range(days)])
    sizes = rng.poisson(n, days)
    daily = np.where((p > 0) & (p < 1), rng.beta(np.maximum(p, 1e-9) * 60, np.maximum(1 - p, 1e-9) * 60), p)
    return np.where(sizes > 0, rng.binomial(sizes, daily) / np.maximum(sizes, 1), np.nan), sizes


def write_shares(
    path: Path, shares: Mapping[tuple[str, str], Share], *, first: date, days: int, **options: int
) -> Path:
    """The same as a table, a line per day, country and domain."""
    lines = ["day,probe_cc,domain,blocked,measurements"]
    for (cc, domain), (found, sizes) in drawn(shares, first=first, days=days, **options).items():
        for k in range(days):
            value = found[k] if sizes[k] else ""
            lines.append(f"{first + timedelta(days=k)},{cc},{domain},{value},{sizes[k]}")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


class Held:
    """Series at hand without a store behind them."""

    def __init__(self, *series: Aligned) -> None:
        self.known: dict[object, object] = {}
        self._series = {s.key: s for s in series}
        self.keys = tuple(self._series)

    def whole(self, key: SeriesKey) -> Aligned:
        return self._series[key]

    own = take = whole

    def denominators(self) -> tuple[()]:
        return ()


def aligned_of(
    key: SeriesKey,
    first: datetime,
    values: Mapping[str, np.ndarray],
    n: Mapping[str, np.ndarray] | None = None,
    step: timedelta = timedelta(days=1),
) -> Aligned:
    """Series of countries on one axis."""
    nothing = {cc: np.full(y.size, np.nan) for cc, y in values.items()}
    return Aligned(
        key=key,
        start=first,
        step=step,
        values={cc: np.asarray(y, float) for cc, y in values.items()},
        quality=nothing,
        n={**nothing, **{cc: np.asarray(v, float) for cc, v in (n or {}).items()}},
        censored={cc: np.zeros(y.size, bool) for cc, y in values.items()},
        snapshot_ids=dict.fromkeys(values, ("0" * 16,)),
        provisional_from={},
    )


def held_shares(table: Table, first: date, indicator: str = "ooni.service_blocked_share") -> list[Aligned]:
    """One series per domain, as a load of the table would give them."""
    made = []
    for domain in dict.fromkeys(d for _, d in table):
        of_it = {cc: part for (cc, d), part in table.items() if d == domain}
        key = SeriesKey(indicator, 0, domain, "share", "")
        values, sizes = ({cc: part[i] for cc, part in of_it.items()} for i in (0, 1))
        made.append(aligned_of(key, datetime.combine(first, time()), values, sizes))
    return made


def load(db: Database, folder: Path, path: Path, mapping: str) -> None:
    """Load a table through its mapping file."""
    stated = folder / f"{path.stem}.toml"
    stated.write_text(mapping, encoding="utf-8")
    db.load(path, mapping=stated)
