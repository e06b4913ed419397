"""How often a block is confirmed that is not there: OONI's shares on fake dates, in real data without listed blocks.

python bench/verified.py ../shared/data/series/ooni-imap-2024

Daily shares of seven countries and eight tests, 2023-07 to 2024-06.  Every tenth day from the 60th on is taken for the
first of a block of 14 days; what the rule makes of each is counted.  The artefacts of those data (torsf at 1.0 in every
country, vanilla_tor at 0) are left in.
"""

from __future__ import annotations

import csv
import sys
from collections import Counter, defaultdict
from datetime import date, datetime, time, timedelta
from pathlib import Path

import numpy as np

from analyzer.checks._material import BlockedShare
from analyzer.records import Block
from analyzer.study.blocked_share import Period, share_change
from analyzer.study.series import Aligned, SeriesKey
from analyzer.study.verified import LONGEST, state_of_share

FIRST, DAYS = date(2023, 7, 1), 366
Table = dict[tuple[str, str], tuple[np.ndarray, np.ndarray]]


def read(folder: Path) -> Table:
    """(366,) anomalies and (366,) measurements that did not fail, by test and country."""
    found: Table = defaultdict(lambda: (np.zeros(DAYS), np.zeros(DAYS)))
    for path in sorted(folder.glob("*.csv")):
        with path.open(encoding="utf-8-sig", newline="") as f:
            for row in csv.DictReader(f):
                at = (date.fromisoformat(row["measurement_start_day"][:10]) - FIRST).days
                if 0 <= at < DAYS:
                    blocked, n = found[row["test_name"], row["probe_cc"]]
                    blocked[at] += float(row["anomaly_count"]) + float(row["confirmed_count"])
                    n[at] += float(row["measurement_count"]) - float(row["failure_count"])
    return dict(found)


def series(table: Table, test: str) -> Aligned:
    """One test of every country."""
    of_it = {cc: part for (name, cc), part in table.items() if name == test}
    nothing = {cc: np.full(DAYS, np.nan) for cc in of_it}
    return Aligned(
        key=SeriesKey("ooni.service_blocked_share", 0, test, "share", ""),
        start=datetime.combine(FIRST, time()),
        step=timedelta(days=1),
        values={cc: np.where(n > 0, k / np.maximum(n, 1), np.nan) for cc, (k, n) in of_it.items()},
        quality=nothing,
        n={cc: n for cc, (_, n) in of_it.items()},
        censored={cc: np.zeros(DAYS, bool) for cc in of_it},
        snapshot_ids=dict.fromkeys(of_it, ()),
        provisional_from={},
    )


def fake(cc: str, start: datetime) -> Block:
    """A block that nobody reported."""
    return Block(
        f"{cc.lower()}-fake", cc, "", start, start, None, None, "day", None, "social_media_block", "nationwide", ("x",)
    )


def main(folder: str) -> None:
    """Counts of states, and which places make up those that should not be."""
    table, states, risen = read(Path(folder)), Counter[str](), Counter[str]()
    for test in sorted({name for name, _ in table}):
        shares = series(table, test)
        for cc in shares.values:
            for at in range(60, DAYS - 14, 10):
                start = shares.time(at)
                found = share_change([shares], cc, Period(start, start + LONGEST, start))
                state = state_of_share(fake(cc, start), found) if isinstance(found, BlockedShare) else "not measured"
                states[state] += 1
                if state in ("confirmed", "likely"):
                    risen[f"{state} {test} {cc}"] += 1
    total = sum(states.values())
    for state, count in states.most_common():
        print(f"{state}: {count} of {total} ({100 * count / total:.1f} %)")
    for place, count in risen.most_common(20):
        print(f"  {place}: {count}")


if __name__ == "__main__":
    main(sys.argv[1])
