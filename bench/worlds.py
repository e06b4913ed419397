"""How often a change is credited to a block that did nothing: simulated worlds in which elections move the indicator.

    python bench/worlds.py --n 60 --jobs 2

In every world an election falls on one country together with a block, and on others without one; each election moves
its country for the whole window by a shock drawn from one distribution.  The block is verified by assumption, its
context is on record.  Asked through the product's own path: the series are aligned, the catalogue holds block and
elections, and the row of 14 days is read.  `unmatched` worlds break what the rank rests on: the election on the block's
day is larger than elections elsewhere.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # matrices are small; threads would only fight over the cores

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from analyzer import verdicts
from analyzer.blocks import Catalogue
from analyzer.errors import NotEnoughData
from analyzer.places import is_country
from analyzer.records import Block, Context, Effect, Verified
from analyzer.simulate import scenario, simulate
from analyzer.study.asked import Asked, asked_of
from analyzer.study.effects import Found, alone, find
from analyzer.study.horizons import window
from analyzer.study.matched import breakdowns
from analyzer.study.one_series import answer
from analyzer.study.series import Aligned, SeriesKey

BEFORE, HORIZON = 420, 14
START = datetime.fromisoformat("2003-01-01")  # no listed artefact of any indicator
DAY = timedelta(days=1)
HOME = "AD"
KEY = SeriesKey("psiphon.daily_users", 0, "", "users", "")
CONFIRMED = Verified("confirmed", ("by assumption",))
COUNTRIES = [a + b for a in "BCDEFGHIJKLMNOPQRSTUVWXYZ" for b in "ABCDEFGHIJKLMNOPQRSTUVWXYZ" if is_country(a + b)]


@dataclass(frozen=True, slots=True)
class World:
    """How a world is made: elections elsewhere, the block's own multiple, how far the home election exceeds others."""

    elections: int
    block: float = 1.0
    larger: float = 0.0  # added to the log of the shock at home


@dataclass(frozen=True, slots=True)
class Told:
    """What the product said of one world."""

    attribution: str
    verdict: str
    low: float
    high: float
    near: float
    shock: float  # simulated, of the election at home
    seconds: float
    reasons: str


def shock(rng: np.random.Generator) -> float:
    """Log of what an election does: nothing in one of five, else .2 with a deviation of .2."""
    return 0.0 if rng.random() < 0.2 else float(rng.normal(0.2, 0.2))


def lifted(y: np.ndarray, at: int, factor: float, rng: np.random.Generator) -> np.ndarray:
    """The series with the window from step `at` on multiplied: further counts, or thinned ones."""
    window = y[at : at + HORIZON]
    known = np.nan_to_num(window)
    changed = (
        known + rng.poisson(known * max(factor - 1, 0.0)) if factor >= 1 else rng.binomial(known.astype(int), factor)
    )
    return np.concatenate([y[:at], np.where(np.isfinite(window), changed, np.nan), y[at + HORIZON :]])


def event(cc: str, step: int, kind: str) -> Block:
    """An event on one day: a block that lasts through the window, or an election."""
    onset = START + step * DAY
    end = onset + (HORIZON + 7) * DAY if kind != "election" else onset + DAY
    name = f"{cc.lower()}-{onset:%Y-%m-%d}-{kind.replace('_', '-')}"
    services = ("facebook",) if kind != "election" else ("none",)
    return Block(name, cc, name, onset, onset + DAY, end, end, "day", "day", kind, "nationwide", services,
                 is_non_event=kind == "election")  # fmt: skip


def world(settings: World, seed: int) -> tuple[Catalogue, Block, Aligned, float]:
    """The catalogue, the block, the series of all countries, and the log of the shock at home."""
    rng = np.random.default_rng(seed)
    many = max(settings.elections, 40)
    panel = simulate(replace(scenario("mix"), before=BEFORE, horizon=HORIZON, donors=many, missing=0.0), rng)
    home = shock(rng) + settings.larger
    values = {HOME: lifted(panel.y, BEFORE, float(np.exp(home)) * settings.block, rng)}
    elections = []
    for j, cc in enumerate(COUNTRIES[:many]):
        values[cc] = panel.donors[:, j]  # type: ignore[index]
        if j < settings.elections:
            at = int(rng.integers(200, BEFORE))
            values[cc] = lifted(values[cc], at, float(np.exp(shock(rng))), rng)
            elections.append(event(cc, at, "election"))
    block = event(HOME, BEFORE, "social_media_block")
    catalogue = Catalogue((block,), tuple(elections), (), (), (Context(block.block_id, "election", "", ""),))
    return catalogue, block, _aligned(values), home


def _aligned(values: dict[str, np.ndarray]) -> Aligned:
    empty = {cc: np.full(y.size, np.nan) for cc, y in values.items()}
    return Aligned(
        key=KEY, start=START, step=DAY, values=values, quality=empty, n=empty,
        censored={cc: np.zeros(y.size, bool) for cc, y in values.items()},
        snapshot_ids=dict.fromkeys(values, ()), provisional_from={},
    )  # fmt: skip


def told(task: tuple[World, int, bool]) -> Told:
    """What the product says of the 14 days after the block.

    Where the size is not clear, or ordinary dates or elections elsewhere moved their series as much, no check can
    bring `supported` about: the checks are then left out unless `whole` asks for them.
    """
    settings, seed, whole = task
    catalogue, block, series, home = world(settings, seed)
    began = time.perf_counter()
    asked = asked_of(catalogue, block, series, BEFORE)
    found = find(asked, window("14d", block, series, BEFORE), "no_block_since_base", [BEFORE])
    effect = found.effects[0]
    word, out = verdicts.verdict(effect), "checks left out"
    near = min(max(1.0, effect.ratio_low), effect.ratio_high)
    if whole or (word in ("rise", "fall") and _could_be(asked, found)):
        row = answer(catalogue, block, series, ["14d"], "none", verified=CONFIRMED).estimates[0]  # type: ignore[union-attr]
        return Told(row.attribution, word, effect.ratio_low, effect.ratio_high, near, float(np.exp(home)),
                    time.perf_counter() - began, row.reasons)  # fmt: skip
    seconds = time.perf_counter() - began
    return Told("unclear", word, effect.ratio_low, effect.ratio_high, near, float(np.exp(home)), seconds, out)


def _refuse(cc: str, onset: int) -> Effect:
    raise NotEnoughData(f"{cc} is not asked at {onset}: only ordinary dates are")


def _could_be(asked: Asked, found: Found) -> bool:
    """The change is among the 5 % most extreme of ordinary dates, then of elections elsewhere."""

    def elsewhere(cc: str, onset: int) -> Effect:
        return alone(asked, cc, onset, HORIZON)

    (first,) = breakdowns(asked, found, _refuse)
    if not _extreme(first.ordinary_rank, first.ordinary_n):
        return False
    (second,) = breakdowns(asked, found, elsewhere)
    return _extreme(second.rank, second.placebo_n)


def _extreme(rank: int | None, n: int) -> bool:
    return rank is not None and n >= verdicts.FEWEST_PLACEBOS and rank <= verdicts.LARGEST_SHARE * (n + 1)


def share(hits: list[bool]) -> str:
    """A share in per cent with its standard error."""
    if not hits:
        return "-"
    p = float(np.mean(hits))
    return f"{100 * p:5.1f} (s.e. {100 * np.sqrt(p * (1 - p) / len(hits)):.1f}) % of {len(hits)}"


def report(name: str, settings: World, found: list[Told], *, why: bool) -> None:
    """Prints one line per kind of world; `why` adds what kept `supported` away."""
    total = [t.shock * settings.block for t in found]
    print(f"{name:>34}: supported {share([t.attribution == 'supported' for t in found])}")
    print(f"{'':>36}verdict rise {share([t.verdict == 'rise' for t in found])}")
    print(f"{'':>36}interval of the shock that explains all holds it {share(_covers(found, total))}")
    near = [t.near <= s if s >= 1 else t.near >= s for t, s in zip(found, total, strict=True)]
    print(f"{'':>36}the near shock is no larger than it {share(near)}")
    if why:
        legs: dict[str, int] = {}
        for t in found:
            for said in {_kind(r) for r in t.reasons.split("; ")} - {""}:
                legs[said] = legs.get(said, 0) + 1
        print(f"{'':>36}missing legs: {', '.join(f'{k} {n}' for k, n in sorted(legs.items(), key=lambda i: -i[1]))}")


def _covers(found: list[Told], total: list[float]) -> list[bool]:
    return [t.low <= s <= t.high for t, s in zip(found, total, strict=True)]


def _kind(reason: str) -> str:
    words = {"failed:": reason, "below 39": "few placebos", "which moved": "rank", "nothing to attribute": "no change",
             "common": "common mode", "left out": "size or rank", "already moving": "pre-trend",
             "contrary": "direction", "not credited": "timing", "other events": "rivals"}  # fmt: skip
    return next((said for part, said in words.items() if part in reason), "")


def worlds() -> dict[str, World]:
    """The kinds of worlds by name."""
    found = {f"no effect, {n} elections elsewhere": World(n) for n in (10, 40, 80)}
    found |= {f"block x{b:g}, {n} elections": World(n, b) for b in (1.5, 2.0, 3.0) for n in (40, 80)}
    found["no effect, unmatched (+.2), 80"] = World(80, larger=0.2)
    found["no effect, unmatched (+.5), 80"] = World(80, larger=0.5)
    return found


def main() -> None:
    """Runs the bench."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--n", type=int, default=60, help="worlds of each kind; twice as many without an effect")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="", help="kinds whose name holds this text")
    parser.add_argument("--whole", action="store_true", help="run every check in every world")
    parser.add_argument("--why", action="store_true", help="count what kept `supported` away")
    options = parser.parse_args()
    with ProcessPoolExecutor(options.jobs) as workers:
        for name, settings in worlds().items():
            if options.only in name:
                n = options.n * (2 if settings.block == 1 and not settings.larger else 1)
                found = list(workers.map(told, [(settings, 1000 * options.seed + i, options.whole) for i in range(n)]))
                report(name, settings, found, why=options.why)
                print(f"{'':>36}seconds {np.mean([t.seconds for t in found]):.1f}", flush=True)


if __name__ == "__main__":
    main()
