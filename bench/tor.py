"""The files that the benches run on, and the dates of known events in them."""

from __future__ import annotations

import json
import os
from collections import defaultdict
from datetime import date, timedelta
from pathlib import Path

from analyzer.blocks import stop

ROOT = Path(__file__).parents[1]
DATA = Path(os.environ.get("VPN_UPTAKE_SHARED") or ROOT.parent / "shared") / "data" / "series"
BRIDGE = Path("tor-bridge-2018-2020") / "userstats-bridge-country.csv"
STOP = Path("accessnow-stop") / "access_now_snapshot_2026-05-20.parquet"
NEWS = Path("tor-news-events") / "news.json"

Spans = dict[str, list[tuple[date, date]]]  # cc -> half-open ranges of days


def read_stop(path: Path) -> Spans:
    """Access Now STOP: every shutdown by country; one without an end is known by its first day only."""
    spans: Spans = defaultdict(list)
    for row in stop.read(path):
        spans[row.cc].append((row.start, max(row.end or row.start, row.start) + timedelta(days=1)))
    return spans


def read_news(path: Path) -> Spans:
    """Tor Metrics news: events with places."""
    spans: Spans = defaultdict(list)
    for event in json.loads(path.read_text(encoding="utf-8")):
        if "start" in event:
            start = date.fromisoformat(event["start"])
            end = date.fromisoformat(event.get("end", event["start"]))
            for place in event.get("places", []):
                spans[place.upper()].append((start, max(start, end) + timedelta(days=1)))
    return spans


def merged(*tables: Spans) -> Spans:
    """All spans by country."""
    together: Spans = defaultdict(list)
    for table in tables:
        for cc, spans in table.items():
            together[cc] += spans
    return together
