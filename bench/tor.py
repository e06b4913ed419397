"""Reads the public Tor and event files that the benches run on; every reader gives arrays on one axis of days."""

from __future__ import annotations

import csv
import json
from collections import defaultdict
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd

from analyzer.panel import Series, listed_artefacts

DATA = Path("/work/shared/data/series")
INDICATOR = "tor.bridge_users"

# Names of Access Now that analyzer/data/zones.csv spells otherwise; several countries in one row are all meant.
NAMES = {
    "Burundi; Kenya; Rwanda; Tanzania, United Republic of; Uganda": "BI KE RW TZ UG",
    "Cameroon; Central African Republic": "CM CF",
    "Congo": "CG",
    "Congo (Democratic Republic of the)": "CD",
    "Côte d'Ivoire": "CI",
    "Eswatini": "SZ",
    "Iran (Islamic Republic of)": "IR",
    "Laos; Myanmar": "LA MM",
    "Palestine, State of": "PS",
    "Russian Federation": "RU",
    "Somaliland": "SO",
    "Syrian Arab Republic": "SY",
    "Tanzania, United Republic of": "TZ",
    "United States of America": "US",
    "Venezuela (Bolivarian Republic of)": "VE",
    "Viet Nam": "VN",
}

Spans = dict[str, list[tuple[date, date]]]  # cc -> half-open ranges of days


def read_users(path: Path) -> tuple[list[date], dict[str, np.ndarray]]:
    """Days without holes and one (T,) array per country of a Tor users file; a day that is not in it is NaN."""
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    rows = [(date.fromisoformat(row["date"]), row["country"], row["users"]) for row in csv.DictReader(lines)]
    first, last = min(row[0] for row in rows), max(row[0] for row in rows)
    days = [first + timedelta(days=k) for k in range((last - first).days + 1)]
    users: dict[str, np.ndarray] = defaultdict(lambda: np.full(len(days), np.nan))
    for day, country, value in rows:
        cc = {"": "XX", "??": "ZZ", "a1": "ZZ", "a2": "ZZ", "ap": "ZZ", "eu": "ZZ"}.get(country, country.upper())
        if value and cc not in {"ZZ"}:
            users[cc][(day - first).days] = float(value)
    return days, dict(users)


def read_stop(path: Path, *, wide: bool = False) -> Spans:
    """Access Now STOP: shutdowns by country, all or those of more than one province (`wide`).

    One without an end is known by its first day only.
    """
    zones = Path(__file__).parent.parent / "analyzer" / "data" / "zones.csv"
    codes = {row["name"]: row["cc"] for row in csv.DictReader(zones.open(encoding="utf-8"))}
    spans: Spans = defaultdict(list)
    for row in pd.read_parquet(path, columns=["country", "start_date", "end_date", "geo_scope"]).itertuples():
        if wide and "more than one state" not in str(row.geo_scope):
            continue
        if pd.isna(row.start_date) or pd.isna(row.country):
            continue
        end = row.start_date if pd.isna(row.end_date) else max(row.end_date, row.start_date)
        for cc in NAMES.get(row.country, codes.get(row.country, "")).split():
            spans[cc].append((row.start_date.date(), end.date() + timedelta(days=1)))
    return dict(spans)


def read_news(path: Path) -> Spans:
    """Tor Metrics news: events with places."""
    spans: Spans = defaultdict(list)
    for event in json.loads(path.read_text(encoding="utf-8")):
        if "start" not in event:
            continue
        start = date.fromisoformat(event["start"])
        end = date.fromisoformat(event.get("end", event["start"]))
        for place in event.get("places", []):
            spans[place.upper()].append((start, max(start, end) + timedelta(days=1)))
    return dict(spans)


def merged(*tables: Spans) -> Spans:
    """All spans by country."""
    together: Spans = defaultdict(list)
    for table in tables:
        for cc, spans in table.items():
            together[cc] += spans
    return dict(together)


def series_of(days: list[date], users: dict[str, np.ndarray], spans: Spans, indicator: str = INDICATOR) -> Series:
    """The matrix a panel is built from, events as index pairs on the axis."""

    def on_axis(pairs: list[tuple[date, date]]) -> list[tuple[int, int]]:
        return sorted({((start - days[0]).days, (end - days[0]).days) for start, end in pairs if end > days[0]})

    events = {cc: on_axis(spans.get(cc, [])) for cc in users}
    return Series.of(users, events, listed_artefacts(indicator, days))
