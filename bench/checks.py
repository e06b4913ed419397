"""How often the checks fail where nothing is wrong: simulated countries with a true rise, and with none.

python bench/checks.py [worlds]

240 days, a level that wanders by 2 % a day, half of that common to all countries, a weekly cycle, 12 donors; a window
of 14 days after 200.  A check that fails on a true rise is a false alarm of that check.
"""

from __future__ import annotations

import sys
from collections import Counter
from datetime import date, datetime, time, timedelta

import numpy as np

from analyzer.blocks.contents import make
from analyzer.checks import Evidence
from analyzer.records import Block
from analyzer.registry import load
from analyzer.study.asked import asked_of
from analyzer.study.effects import find
from analyzer.study.evidence import Beside, evidence_of
from analyzer.study.horizons import Window
from analyzer.study.series import Aligned, SeriesKey

DAYS, AT, STEPS, WANDER = 240, 200, 14, 0.02
START = datetime.combine(date(2023, 8, 17), time())
NAMES = ("AT", "BE", "CH", "CZ", "DK", "FI", "HU", "IE", "NL", "NO", "PL", "SE", "SD")
CHECKS = ("base_window", "leave_one_donor_out", "pre_trend", "placebo_in_time", "common_mode")


def world(rng: np.random.Generator, factor: float) -> Aligned:
    """Counts of all countries; the last one's are times a factor from the onset on."""
    common = np.cumsum(rng.normal(0, WANDER * np.sqrt(0.5), DAYS))
    week = np.tile(rng.normal(0, 0.08, 7), DAYS // 7 + 1)[:DAYS]
    found = {}
    for name in NAMES:
        own = np.cumsum(rng.normal(0, WANDER * np.sqrt(0.5), DAYS))
        level = rng.uniform(200, 800) * np.exp(common + own + week)
        if name == NAMES[-1]:
            level[AT:] *= factor
        found[name] = rng.poisson(level).astype(float)
    nothing = {name: np.full(DAYS, np.nan) for name in NAMES}
    key = SeriesKey("tor.bridge_users", 0, "", "users", "")
    no = {name: np.zeros(DAYS, bool) for name in NAMES}
    return Aligned(key, START, timedelta(days=1), found, nothing, nothing, no, dict.fromkeys(NAMES, ()), {})


def evidence(series: Aligned) -> Evidence:
    """The window of two weeks around a block of platforms."""
    onset = series.time(AT)
    block = Block(
        "sd-2024-03-04-x", "SD", "", onset, onset, None, None, "day", None, "social_media_block", "nationwide", ("x",)
    )
    asked = asked_of(make([block], [], []), block, series, AT)
    return evidence_of(asked, find(asked, Window("14d", AT, STEPS), "no_block_since_base", [AT]), Beside())


def main(worlds: int) -> None:
    """Outcomes of each check by the true factor."""
    for factor in (1.0, 1.6, 2.5):
        rng, outcomes = np.random.default_rng(31), Counter[tuple[str, str]]()
        for _ in range(worlds):
            made = evidence(world(rng, factor))
            for name in CHECKS:
                outcomes[name, load("checks", name).run(made).outcome] += 1
        for name in CHECKS:
            counts = {word: outcomes[name, word] for word in ("passed", "failed", "informative")}
            print(f"x{factor:g} {name}: " + ", ".join(f"{word} {count}" for word, count in counts.items()))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 40)
