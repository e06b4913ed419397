"""The shared real cases with their intervals and reasons, printed as they come out.

    python bench/cases.py

Bridge users by country (Tor Metrics 2018 to 2020) and direct users of pk, ru and cn (2021 to 2023), from one day to
90 days after each date.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from datetime import date
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from analyzer.errors import NotEnoughData
from analyzer.estimators import estimate_effect, placebo_errors
from analyzer.panel import Series, build_panel, lend_pool
from bench.tor import DATA, Spans, merged, read_news, read_stop, read_users, series_of

HORIZONS = (1, 7, 14, 28, 90)
BRIDGE = (("SD", "2018-12-21"), ("SD", "2019-06-03"), ("RU", "2018-04-16"), ("UG", "2018-07-01"), ("PK", "2018-11-24"))
RELAY = (("PK", "2023-02-03"), ("PK", "2021-12-11"))


def with_own(series: Series, own: Spans, days: list[date], cc: str, onset: int) -> Series:
    """The series with the country's own events of more than one province, the case itself excepted.

    Sources differ by days on when a case began; a cut in one town does not move a country's base.
    """
    wide = [((start - days[0]).days, (end - days[0]).days) for start, end in own.get(cc, [])]
    others = [event for event in wide if event[1] > 0 and abs(event[0] - onset) > 4]
    return replace(series, events={**series.events, cc: others})


def row(series: Series, own: Spans, days: list[date], *, cc: str, onset: date, horizon: int) -> str:
    """One line of the table."""
    at = (onset - days[0]).days
    try:
        lent = lend_pool(series, cc, at, horizon, placebo_errors)
        panel = build_panel(with_own(series, own, days, cc, at), cc, at, horizon, pool=lent)
        effect = estimate_effect(**panel.arguments())
    except NotEnoughData as error:
        return f"{horizon:>3} d  refused: {error}"
    verdict = "rise" if effect.ratio_low > 1 else "fall" if effect.ratio_high < 1 else "holds 1"
    return (
        f"{horizon:>3} d  x{effect.ratio:5.2f} [{effect.ratio_low:5.2f}, {effect.ratio_high:6.2f}]  {verdict:8}"
        f"observed {effect.observed:9.0f}  expected {effect.expected:9.0f}"
        f"  detectable x{effect.minimum_detectable_ratio:.2f}"
        f"  placebo rank {effect.placebo_rank} of {effect.placebo_n}  {len(panel.constituents)} donors"
        f"  {'; '.join((*panel.notes, *effect.warnings))}"
    )


def show(title: str, series: Series, own: Spans, days: list[date], cases: tuple[tuple[str, str], ...]) -> None:
    """Prints every horizon of every case."""
    for cc, day in cases:
        print(f"{title} {cc} {day}")
        for horizon in HORIZONS:
            print("  " + row(series, own, days, cc=cc, onset=date.fromisoformat(day), horizon=horizon))


def main() -> None:
    """Runs the bench."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=DATA)
    data = parser.parse_args().data
    stop = read_stop(data / "accessnow-stop/access_now_snapshot_2026-05-20.parquet")
    news = read_news(data / "tor-news-events/news.json")
    spans = merged(stop, news)
    own = merged(read_stop(data / "accessnow-stop/access_now_snapshot_2026-05-20.parquet", wide=True), news)
    days, users = read_users(data / "tor-bridge-2018-2020/userstats-bridge-country.csv")
    show("bridge", series_of(days, users, spans), own, days, BRIDGE)
    relay = {}
    for cc in ("pk", "ru", "cn"):
        days, one = read_users(data / f"tor-relay-acsac/tor-data-{cc}.csv")
        relay |= one
    show("relay", series_of(days, relay, stop, "tor.relay_users"), own, days, RELAY)


if __name__ == "__main__":
    main()
