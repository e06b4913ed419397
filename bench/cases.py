"""The shared real cases with their intervals and reasons, printed as they come out.

    python bench/cases.py

Bridge users by country (Tor Metrics 2018 to 2020), direct users of pk, ru and cn (2021 to 2023), hours of connectivity
(Iran and Venezuela 2019) and of traffic (Tonga 2022): loaded into a store of their own and asked as a user would ask.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from datetime import date
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from analyzer import api
from analyzer.outputs.study_text import render
from bench.hours import load_cities, load_radar
from bench.tor import BRIDGE, DATA

BRIDGE_CASES = ("sd-2018-12-21-social", "sd-2019-06-03-shutdown", "ru-2018-04-16-telegram", "ug-2018-07-01-ott")
HOURLY_CASES = ("ir-2019-11-16-shutdown", "ve-2019-07-22-power", "to-2022-01-15-volcano")
RELAY_CASES = ("pk-2023-02-wikipedia-block", "pk-2021-04-16-social")
DATES = (("PK", date(2018, 11, 24), "tor.bridge_users"), ("PK", date(2021, 12, 11), "tor.relay_users"))


def main() -> None:
    """Runs the bench."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, default=DATA)
    data = parser.parse_args().data
    with tempfile.TemporaryDirectory() as folder:
        db = api.open(Path(folder) / "cases.duckdb")
        db.load(data / BRIDGE, *(data / "tor-relay-acsac" / f"tor-data-{cc}.csv" for cc in ("pk", "ru", "cn")))
        load_cities(db, data, Path(folder))
        load_radar(db, data, Path(folder))
        studies = [db.estimate(block, indicator="tor.bridge_users") for block in BRIDGE_CASES]
        studies += [db.estimate(block, indicator="tor.relay_users") for block in RELAY_CASES]
        studies += [db.estimate(cc=cc, date=day, indicator=indicator) for cc, day, indicator in DATES]
        studies += [db.estimate(block, indicator=_hourly(block)) for block in HOURLY_CASES]
        for study in studies:
            print(render(study).decode())


def _hourly(block: str) -> str:
    return "radar.traffic" if block.startswith("to-") else "monash.connectivity"


if __name__ == "__main__":
    main()
