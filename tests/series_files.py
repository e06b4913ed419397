"""Small files in Tor Metrics' bridge-country form with effects that the tests know."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path

import numpy as np

FIRST = date(2018, 8, 1)
DAYS = 300
QUIET = (
    "at",
    "be",
    "bg",
    "ch",
    "cz",
    "dk",
    "fi",
    "hu",
    "ie",
    "lt",
    "lv",
    "nl",
    "no",
    "pl",
    "pt",
    "ro",
    "se",
    "si",
    "sk",
)


def counts(level: float, rng: np.random.Generator, days: int = DAYS) -> np.ndarray:
    """A wandering series of counts with a weekly cycle."""
    wander = np.cumsum(rng.normal(0, 0.008, days))
    week = np.tile(rng.normal(0, 0.06, 7), days // 7 + 1)[:days]
    return rng.poisson(level * np.exp(wander + week)).astype(float)


def panel(changes: Mapping[str, Mapping[date, float]] | None = None, seed: int = 3) -> dict[str, np.ndarray]:
    """Series of quiet countries and of `sd` and `pk`; changes: cc -> first day -> factor from that day on."""
    rng = np.random.default_rng(seed)
    series = {cc: counts(float(level), rng) for cc, level in zip((*QUIET, "sd", "pk"), _levels(), strict=True)}
    for cc, steps in (changes or {}).items():
        for day, factor in steps.items():
            at = (day - FIRST).days
            series[cc][at:] = np.round(series[cc][at:] * factor)
    return series


def _levels() -> list[int]:
    return [200 + 60 * i for i in range(len(QUIET))] + [300, 400]


def write_tor(path: Path, series: Mapping[str, np.ndarray], *, drop: Mapping[str, set[date]] | None = None) -> Path:
    """The file as Tor Metrics would serve it; `drop` leaves days of a country out, as the site does."""
    gone = drop or {}
    lines = ["#", "# The Tor Project", "#", "# URL: https://metrics.torproject.org/userstats-bridge-country.csv", "#"]
    lines.append("date,country,users,frac")
    for k in range(DAYS):
        day = FIRST + timedelta(days=k)
        for cc, values in series.items():
            if day not in gone.get(cc, set()) and np.isfinite(values[k]):
                lines.append(f"{day},{cc},{values[k]:.0f},80")
    path.write_text("\n".join(lines) + "\n", encoding="ascii")
    return path
