"""The shared real cases, asked as a user would ask: whole with intervals and reasons, or in a few lines each.

    python bench/cases.py            # every row, check and reason
    python bench/cases.py --brief    # verdict, attribution, verification, reasons: what tests/golden/cases.txt keeps

Bridge users by country (Tor Metrics 2018 to 2020), direct users of pk, ru and cn (2021 to 2023), hours of connectivity
(Iran and Venezuela 2019) and of traffic (Tonga 2022), loaded into a store of their own; what is not read natively
through a mapping file that states its time zone.
"""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from analyzer import api
from analyzer.outputs.study_text import render
from analyzer.records import Estimate, Study
from analyzer.verdicts import HEADLINE, SMALLEST_EFFECT_OF_INTEREST
from bench.hours import load_cities, load_radar
from bench.tor import BRIDGE, DATA

RELAY, BRIDGES, HOURS, TRAFFIC = "tor.relay_users", "tor.bridge_users", "monash.connectivity", "radar.traffic"
FACEBOOK = "xx-2021-10-04-fb-outage"
SHOWN = (*HEADLINE, "24h", "6h", "48h after end")


@dataclass(frozen=True, slots=True)
class Case:
    """A question: an event of the catalogue, worldwide ones with a country, or a country and a date."""

    block: str | None
    cc: str | None = None
    day: date | None = None
    indicator: str | None = None


# Word for word what the golden file holds.
KEPT = (
    *(Case(b) for b in ("pk-2023-12-17", "pk-2024-01-07", "pk-2024-01-20", "pk-2024-02-08-mobile", "pk-2024-02-10-x",
                        "pk-2024-02-17-x-ban")),
    Case("sd-2018-12-21-social", indicator=BRIDGES),
    Case("sd-2019-06-03-shutdown", indicator=BRIDGES),
    Case("ru-2018-04-16-telegram", indicator=BRIDGES),
    Case("ru-2021-12-01-tor", indicator=RELAY),
    Case(None, "RU", date(2021, 12, 2), RELAY),
    *(Case(FACEBOOK, cc, None, RELAY) for cc in ("PK", "RU", "CN")),
    Case(None, "PK", date(2021, 10, 4), RELAY),
    Case("ve-2019-07-22-power", indicator=HOURS),
    Case("to-2022-01-15-volcano", indicator=TRAFFIC),
)  # fmt: skip
OTHERS = (
    Case("ug-2018-07-01-ott", indicator=BRIDGES),
    Case("pk-2023-02-wikipedia-block", indicator=RELAY),
    Case("pk-2021-04-16-social", indicator=RELAY),
    Case(None, "PK", date(2018, 11, 24), BRIDGES),
    Case(None, "PK", date(2021, 12, 11), RELAY),
    Case("ir-2019-11-16-shutdown", indicator=HOURS),
)


def store(data: Path, folder: Path) -> api.Database:
    """A store with the shared series."""
    db = api.open(folder / "cases.duckdb")
    db.load(data / BRIDGE, *(data / "tor-relay-acsac" / f"tor-data-{cc}.csv" for cc in ("pk", "ru", "cn")))
    load_cities(db, data, folder)
    load_radar(db, data, folder)
    return db


def study_of(db: api.Database, case: Case, **options: object) -> Study:
    """The study of a case."""
    return db.estimate(case.block, cc=case.cc, date=case.day, indicator=case.indicator, **options)  # type: ignore[arg-type]


def in_words(case: Case, study: Study) -> str:
    """Verdict, attribution, verification and reasons of the row that heads each series; numbers to two digits."""
    asked = case.block or f"{case.cc} {case.day}"
    title = f"{asked}{f' in {case.cc}' if case.block and case.cc else ''}: {study.block.name}"
    verified = study.verified
    lines = [title, *([f"  verification {verified.state}: {'; '.join(verified.reasons)}"] if verified else [])]
    if not study.estimates:
        lines.append(f"  no series: {'; '.join(study.warnings)}")
    for row in _heads(study):
        lines += _row(row)
    return "\n".join(_wrapped(rounded(line)) for line in lines)


def _heads(study: Study) -> Iterator[Estimate]:
    """One row per series and estimand: a horizon that comes again begins another series of the same name."""
    groups: list[dict[str, Estimate]] = []
    for e in study.estimates:
        if not groups or e.horizon in groups[-1] or e.indicator != next(iter(groups[-1].values())).indicator:
            groups.append({})
        groups[-1][e.horizon] = e
    for rows in groups:
        able = [h for h, e in rows.items() if e.verdict != "not_estimable"] or list(rows)
        yield rows[next((h for h in SHOWN if h in able), able[0])]


def _row(e: Estimate) -> list[str]:
    size = f" x{e.ratio} ({e.ratio_low} to {e.ratio_high})" if e.ratio is not None else ""
    where = f"{e.indicator}{f' {e.entity}' if e.entity else ''} {e.horizon}, {e.estimand}"
    return [f"  {where}:{size} {e.verdict}, {e.attribution}, {e.verification}", f"    {e.reasons}"]


def rounded(text: str) -> str:
    """Decimal numbers to two digits, but for the smallest effect of interest: further ones differ between platforms."""

    def short(found: re.Match[str]) -> str:
        return found[0] if float(found[2]) == SMALLEST_EFFECT_OF_INTEREST else f"{found[1]}{float(found[2]):.2g}"

    return re.sub(r"(?<![\w-])(x?)(\d+\.\d+)", short, text)


def _wrapped(line: str) -> str:
    indent = " " * (len(line) - len(line.lstrip()))
    return "\n".join(textwrap.wrap(line.strip(), 116, initial_indent=indent, subsequent_indent=f"{indent}  "))


def main() -> None:
    """Runs the bench."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--brief", action="store_true", help="one paragraph of words for each case")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        db = store(options.data, Path(folder))
        for case in (*KEPT, *(() if options.brief else OTHERS)):
            if options.brief:
                print(in_words(case, study_of(db, case, shapes="none")), end="\n\n", flush=True)
            else:
                print(render(study_of(db, case)).decode(), flush=True)


if __name__ == "__main__":
    main()
