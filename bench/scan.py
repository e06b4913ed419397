"""The scan beside Tor's censorship detector: false alarms, planted changes found, false discoveries, speed.

    python bench/scan.py tor --data-set direct    # the set that settings were chosen on
    python bench/scan.py tor --data-set bridge    # Tor bridge users by country 2018 to 2020
    python bench/scan.py panels --panels 20       # simulated panels with known changes
    python bench/scan.py speed

Tor's detector is re-stated from its description (Danezis 2011) and the published Java source: the quantiles at 1e-4 and
1 - 1e-4 of the normal week-on-week ratio of the 50 largest countries, times those of a Poisson count of the day a week
before.
Both detectors are asked about the same countries (median of at least 50, nine days in ten present) and the same quiet
days: 90 days of history, no event of Access Now's STOP or the Tor news from 60 days before to 30 after.
"""

from __future__ import annotations

import argparse
import csv
import os
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
from scipy.stats import norm, poisson

sys.path.insert(0, str(Path(__file__).parents[1]))

from analyzer import blocks
from analyzer.estimators import Scan, declare, scan_series
from analyzer.estimators._scanning import ALARM_RATE
from bench.tor import BRIDGE, DATA, NEWS, STOP, Spans, merged, read_news, read_stop

DIRECT = Path("tor-direct-2009-2011") / "direct-users.csv"
LARGEST, WEEK, TAIL = 50, 7, 1e-4
SMALLEST, PRESENT, HISTORY, BEFORE, AFTER, FORTNIGHT = 50.0, 0.9, 90, 60, 30, 14
PLANTED = (("+50 %", 1.5, 0.0), ("+100 %", 2.0, 0.0), ("+200 %", 3.0, 0.0), ("+6 % a day", 1.0, 0.06))


@dataclass(frozen=True, slots=True)
class Counts:
    """Daily users of all countries on one axis."""

    names: tuple[str, ...]
    first: date
    values: np.ndarray  # (T, N)
    aside: np.ndarray  # (T,)
    restarts: tuple[int, ...]

    def day(self, step: int) -> date:
        """The calendar day of a step."""
        return self.first + timedelta(days=step)


def read_bridge(path: Path) -> Counts:
    """Tor Metrics' long form."""
    with path.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(line for line in file if not line.startswith("#")))
    cells = [(date.fromisoformat(r["date"]), r["country"], float(r["users"])) for r in rows if r["users"]]
    return _counts([c for c in cells if c[1] not in ("", "??")], "tor.bridge_users")


def read_direct(path: Path) -> Counts:
    """The early wide form, from October 2009 on, when days stop missing."""
    with path.open(encoding="utf-8") as file:
        rows = [r for r in csv.DictReader(file) if r["date"] >= "2009-10-01"]
    none = ("date", "??", "all", "a1", "a2")
    cells = [
        (date.fromisoformat(r["date"]), cc, float(v))
        for r in rows
        for cc, v in r.items()
        if cc not in none and v != "NA"
    ]
    return _counts(cells, "tor.relay_users")


def _counts(cells: list[tuple[date, str, float]], indicator: str) -> Counts:
    names = tuple(sorted({cc for _, cc, _ in cells}))
    first, last = min(d for d, _, _ in cells), max(d for d, _, _ in cells)
    values = np.full(((last - first).days + 1, len(names)), np.nan)
    column = {cc: j for j, cc in enumerate(names)}
    for day, cc, users in cells:
        values[(day - first).days, column[cc]] = users
    aside, restarts = np.zeros(values.shape[0], dtype=bool), []
    for a in blocks.artefacts():
        start, end = (a.start - first).days, (a.end - first).days
        if indicator in a.indicators and end > 0 and start < aside.size:
            aside[max(start, 0) : end] = True
            restarts += [end] if {"level_change", "overcount"} & set(a.effects) else []
    return Counts(names, first, values, aside, tuple(restarts))


def compared(counts: Counts) -> list[int]:
    """Columns that both detectors are asked about."""
    chosen = []
    for j, y in enumerate(counts.values.T):
        known = np.flatnonzero(np.isfinite(y))
        if known.size and np.nanmedian(y) >= SMALLEST and known.size >= PRESENT * (y.size - known[0]):
            chosen.append(j)
    return chosen


def quiet_days(counts: Counts, spans: Spans) -> np.ndarray:
    """(T, N) days on which nothing is known to have happened."""
    out = np.zeros(counts.values.shape, dtype=bool)
    for j, cc in enumerate(counts.names):
        known = np.flatnonzero(np.isfinite(counts.values[:, j]))
        if known.size:
            out[known[0] + HISTORY :, j] = True
        for start, end in spans.get(cc.upper(), ()):
            first, last = (start - counts.first).days - AFTER, (end - counts.first).days + BEFORE
            out[max(first + 1, 0) : max(last, 0), j] = False
    return out


def tor_bounds(y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(T,) mean and deviation of the week-on-week ratio, NaN where fewer than 8 countries show it."""
    large = np.argsort(-np.nan_to_num(y[-1]))[:LARGEST]
    mean, deviation = np.full(y.shape[0], np.nan), np.full(y.shape[0], np.nan)
    for t in range(WEEK, y.shape[0]):
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = y[t, large] / y[t - WEEK, large]
        ratio = ratio[np.isfinite(ratio)]
        if ratio.size < 8:
            continue
        low, middle, high = np.percentile(ratio, [25, 50, 75])
        ratio = ratio[np.abs(ratio - middle) < 4 * (high - low)]
        if ratio.size >= 8:
            mean[t], deviation[t] = ratio.mean(), ratio.std()
    return mean, deviation


def tor_rises(y: np.ndarray, bounds: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    """(T, N) days above the upper bound."""
    mean, deviation = bounds
    before = np.full_like(y, np.nan)
    before[WEEK:] = y[:-WEEK]
    upper = norm.ppf(1 - TAIL, mean, deviation)[:, None] * poisson.ppf(1 - TAIL, np.nan_to_num(before))
    return np.isfinite(before) & (y > upper)


def product(counts: Counts, y: np.ndarray, rate: float = ALARM_RATE) -> Scan:
    """The scan as the product runs it."""
    return scan_series(y, aside=counts.aside, restarts=counts.restarts, alarm_rate=rate)


def fortnights(alarm: np.ndarray, seen: np.ndarray, quiet: np.ndarray) -> tuple[float, int]:
    """Share of quiet country-fortnights (every start, at least 12 of 14 days seen) with an alarm."""
    hit = total = 0
    for t in range(alarm.shape[0] - FORTNIGHT + 1):
        there = quiet[t] & (seen[t : t + FORTNIGHT].sum(axis=0) >= 12)
        total += int(there.sum())
        hit += int((alarm[t : t + FORTNIGHT].any(axis=0) & there).sum())
    return hit / max(total, 1), total


def plant(y: np.ndarray, column: int, at: int, *, factor: float, daily: float, rng: np.random.Generator) -> np.ndarray:
    """A copy with a fortnight multiplied: counts are added with Poisson noise."""
    out = y.copy()
    window = out[at : at + FORTNIGHT, column]
    more = factor * (1 + daily) ** np.arange(1, window.size + 1) - 1 if daily else np.full(window.size, factor - 1)
    out[at : at + FORTNIGHT, column] = window + rng.poisson(np.nan_to_num(window) * more)
    return out


def places(usable: np.ndarray, columns: list[int], n: int, rng: np.random.Generator) -> Iterator[list[tuple[int, int]]]:
    """Draws of six countries with a day each, until n changes are planted."""
    while n > 0:
        draw = []
        for j in rng.choice(columns, min(6, len(columns)), replace=False).tolist():
            days = np.flatnonzero(usable[: -FORTNIGHT - 1, j])
            if days.size:
                draw.append((j, int(rng.choice(days))))
        n -= len(draw)
        yield draw


def tor_bench(data: Path, name: str, *, planted: int, rate: float, seed: int) -> None:
    """False alarms and power of both detectors on one Tor file."""
    counts = read_bridge(data / BRIDGE) if name == "bridge" else read_direct(data / DIRECT)
    spans = merged(read_stop(data / STOP), read_news(data / NEWS))
    columns, quiet, y = compared(counts), quiet_days(counts, spans), counts.values
    found, bounds = product(counts, y, rate), tor_bounds(y)
    seen = found.status == 0
    print(f"{name}: {len(columns)} countries compared, {found.scanned} country-days scanned of {y.size}")
    for label, alarm in (("scan", found.alarm_rise), ("scan, falls", found.alarm_fall), ("Tor", tor_rises(y, bounds))):
        share, total = fortnights(alarm[:, columns], seen[:, columns], quiet[:, columns])
        print(f"  {label}: {100 * share:.2f} % of {total} quiet country-fortnights with an alarm")
    rng = np.random.default_rng(seed)
    level = np.nanmedian(y, axis=0)
    for label, factor, daily in PLANTED:
        rows = []
        for draw in places(quiet & seen, columns, planted, rng):
            changed = y
            for j, at in draw:
                changed = plant(changed, j, at, factor=factor, daily=daily, rng=rng)
            ours, theirs = product(counts, changed, rate).alarm_rise, tor_rises(changed, bounds)
            days = FORTNIGHT if daily else WEEK
            rows += [(level[j], ours[t : t + days, j].any(), theirs[t : t + days, j].any()) for j, t in draw]
        _print_found(label, np.array(rows, dtype=float), FORTNIGHT if daily else WEEK)


def _print_found(label: str, rows: np.ndarray, days: int) -> None:
    size, ours, theirs = rows.T
    shares = f"scan {100 * ours.mean():.0f} %, Tor {100 * theirs.mean():.0f} % of {ours.size}"
    print(f"  {label}: found within {days} days: {shares}")
    for low, high in ((50, 200), (200, 1000), (1000, np.inf)):
        part = (size >= low) & (size < high)
        if part.any():
            shares = f"scan {100 * ours[part].mean():.0f} %, Tor {100 * theirs[part].mean():.0f} %"
            print(f"    median {low} to {high}: {shares} of {int(part.sum())}")


Planted = tuple[int, int, float, str]


def simulated(rng: np.random.Generator, changes: int, *, heavy: bool, steps: int = 730, series: int = 100):
    """A panel (T, N) with walks, AR(1), weeks, a common factor with a jump, odd counts and gaps; and its changes."""

    def noise(shape: tuple[int, int]) -> np.ndarray:
        return rng.standard_t(4, shape) / np.sqrt(2) if heavy else rng.normal(size=shape)

    walk, sd = (np.exp(rng.uniform(np.log(a), np.log(b), series)) for a, b in ((0.002, 0.02), (0.01, 0.15)))
    phi, fresh, ar = rng.uniform(0, 0.8, series), noise((steps, series)), np.zeros((steps, series))
    for t in range(1, steps):
        ar[t] = phi * ar[t - 1] + np.sqrt(1 - phi**2) * fresh[t]
    z = rng.uniform(np.log(8), np.log(5000), series) + np.cumsum(noise((steps, series)) * walk, axis=0) + ar * sd
    z += rng.normal(0, 0.08, (7, series))[np.arange(steps) % 7]
    common = np.cumsum(rng.normal(0, 0.007, steps)) + rng.normal(0, 0.02, steps)
    common[steps // 2] += 0.5
    common[2 * steps // 3 :] -= 0.3
    z += common[:, None] * rng.uniform(0.7, 1.3, series)
    planted: list[Planted] = []
    for j in rng.choice(series, changes, replace=False).tolist():
        at, log = int(rng.integers(120, steps - 60)), np.log(rng.uniform(1.3, 4)) * rng.choice([1, -1])
        kind, k = str(rng.choice(["stays", "decays", "8 days", "ramp"])), np.arange(steps - at)
        shape = {"stays": np.ones(k.size), "decays": 0.5 ** (k / 14), "8 days": k < 8, "ramp": np.minimum(k / 21, 1)}
        z[at:, j] += log * shape[kind]
        planted.append((j, at, float(log), kind))
    size = np.exp(rng.uniform(np.log(5), np.log(500), series))
    mean = np.exp(np.clip(z, -3, 12))
    y = rng.negative_binomial(np.broadcast_to(size, mean.shape), size / (size + mean)).astype(float)
    y[rng.random(y.shape) < 0.02] = np.nan
    return y, planted


def panel_bench(panels: int, seed: int) -> None:
    """Null panels: the share with any flag; mixed panels: false discovery proportion, power, coverage of sizes."""
    for heavy in (False, True):
        rng = np.random.default_rng(seed)
        null = [len(declare([scan_series(simulated(rng, 0, heavy=heavy)[0])]).flags) for _ in range(panels)]
        proportions, found, inside = [], [], []
        for _ in range(panels):
            y, planted = simulated(rng, 20, heavy=heavy)
            flags = declare([scan_series(y)]).flags
            true = [[p for p in planted if p[0] == f.column and f.first >= p[1] - 10] for f in flags]
            proportions.append(sum(not t for t in true) / max(len(flags), 1))
            found += [any(f.column == p[0] and f.first >= p[1] - 10 for f in flags) for p in planted]
            inside += [
                f.ratio_low <= np.exp(t[0][2]) <= f.ratio_high
                for f, t in zip(flags, true, strict=True)
                if t and t[0][3] == "stays"
            ]
        print(f"{'t(4)' if heavy else 'normal'} noise, {panels} panels of 100 series and 730 days, q = 5 %:")
        print(f"  without changes: {sum(n > 0 for n in null)} of {panels} panels have a flag")
        share, error = 100 * np.mean(proportions), 100 * np.std(proportions) / np.sqrt(panels)
        print(f"  20 changes: false share {share:.1f} % (s.e. {error:.1f}), found {100 * np.mean(found):.0f} %")
        print(f"  sizes of steps that stay inside their range: {100 * np.mean(inside):.0f} % of {len(inside)}")


def speed_bench(seed: int) -> None:
    """Seconds by number of series and of days; the least of three runs."""
    for series, days in ((125, 547), (125, 1095), (250, 547), (250, 1095)):
        y, _ = simulated(np.random.default_rng(seed), 0, heavy=False, steps=days, series=series)
        seconds = []
        for _ in range(3):
            began = time.process_time()
            declare([scan_series(y)])
            seconds.append(time.process_time() - began)
        print(f"{series} series, {days} days: {min(seconds):.2f} s, {1e6 * min(seconds) / y.size:.1f} us a country-day")


def main() -> None:
    """Runs the bench."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("what", choices=["tor", "panels", "speed"])
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--data-set", choices=["direct", "bridge"], default="bridge")
    parser.add_argument("--planted", type=int, default=120)
    parser.add_argument("--panels", type=int, default=20)
    parser.add_argument("--alarm-rate", type=float, default=ALARM_RATE)
    parser.add_argument("--seed", type=int, default=11)
    o = parser.parse_args()
    if o.what == "tor":
        tor_bench(o.data, o.data_set, planted=o.planted, rate=o.alarm_rate, seed=o.seed)
    elif o.what == "panels":
        panel_bench(o.panels, o.seed)
    else:
        speed_bench(o.seed)


if __name__ == "__main__":
    main()
