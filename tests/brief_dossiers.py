"""Dossiers made by hand for the tests of the brief. Series and estimates here are invented, and live only here."""

from __future__ import annotations

import csv
import math
from calendar import monthrange
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path

from analyzer import places
from analyzer.records import (
    Block,
    Check,
    Claim,
    Dossier,
    Estimate,
    Overlap,
    Published,
    PublisherRow,
    SeriesView,
    Snapshot,
    Study,
)

DATA = Path(__file__).parents[1] / "analyzer" / "data"
MADE = datetime(2026, 11, 21, 12, 0)
NON_EVENTS = ("court_order", "official_statement", "announcement", "control", "control_outage")

# What was said, from the catalogue's notes: (block, who, says, stated at).
STATEMENTS = (
    ("pk-2023-12-17", "PTA", "investigating trouble in “some areas”; overall access normal", "2023-12-18"),
    ("pk-2023-12-17", "NetBlocks", "disruption of X, Facebook, Instagram and YouTube for about 7 hours", "2023-12-17"),
    ("pk-2024-01-20", "NetBlocks", "nation-scale disruption to X, Facebook, Instagram and YouTube", "2024-01-20"),
    ("pk-2024-01-20", "PTA", "“technical fault”; “fully restored nationwide” at 22:00 PKT", "2024-01-20"),
    ("pk-2024-02-08-mobile", "Interior Ministry", "suspended for law and order", "2024-02-08"),
    ("pk-2024-02-17-x-ban", "Interior Ministry", "blocked for national security, in a court submission", "2024-04-17"),
    ("pk-2024-02-17-x-ban", "PTA", "blocked on an interior ministry letter dated 17 Feb 2024 (in court)", "2024-03"),
    ("pk-2024-02-22-shc", "Sindh High Court", "ordered that X be restored; not carried out", "2024-02-22"),
)


def rows(name: str) -> list[dict[str, str]]:
    with (DATA / name).open(encoding="utf-8", newline="") as f:
        return list(csv.DictReader(f))


def span(text: str, cc: str, precision: str) -> tuple[datetime, datetime]:
    """A catalogue time as earliest and latest instant: days, weeks from Monday on, and months are local."""
    if "T" in text:
        at = datetime.fromisoformat(text)
        return at, at
    first, last = days(text)
    if precision == "week":
        first -= timedelta(days=first.weekday())
        last = first + timedelta(days=6)
    return places.local_midnight(first, cc), places.local_day(last, cc)[1]


def days(text: str) -> tuple[date, date]:
    if len(text) == 7:
        first = date.fromisoformat(f"{text}-01")
        return first, first.replace(day=monthrange(first.year, first.month)[1])
    first = date.fromisoformat(text)
    return first, first


def block(row: dict[str, str]) -> Block:
    start = span(row["start_utc"], row["country"], row["start_precision"])
    end = span(row["end_utc"], row["country"], row["end_precision"]) if row["end_utc"] else (None, None)
    return Block(
        block_id=row["event_id"], cc=row["country"], name=row["name"],
        onset_earliest=start[0], onset_latest=start[1], end_earliest=end[0], end_latest=end[1],
        start_precision=row["start_precision"], end_precision=row["end_precision"] or None,  # type: ignore[arg-type]
        kind=row["kind"], scope=row["scope"], services=tuple(row["services"].split(";")),
        is_non_event=row["kind"] in NON_EVENTS,
    )  # fmt: skip


def published(row: dict[str, str]) -> Published:
    first, _, last = row["date_or_window"].partition("/")
    return Published(
        block_id=row["event_id"], publisher=row["publisher"], indicator=row["indicator"],
        window_start=days(first)[0], window_end=days(last or first)[1], value=float(row["value"]), unit=row["unit"],
        baseline=row["baseline"], address=row["source_url"], role=row["role"], source_grade=row["source_grade"],
        note=row["note"],
    )  # fmt: skip


def claims(found: list[dict[str, str]]) -> tuple[Claim, ...]:
    said: list[Claim] = []
    told = {(b, w) for b, w, _, _ in STATEMENTS}
    for row in found:
        address = row["source_urls"].split(";")[0]
        names = [w for w in row["confirmed_by"].split(";") if (row["event_id"], w.split(" (")[0]) not in told]
        said += [Claim(row["event_id"], who, "", address, "") for who in names if who != "PTA in court (March 2024)"]
        said += [Claim(b, w, s, address, at) for b, w, s, at in STATEMENTS if b == row["event_id"]]
    return tuple(said)


def pakistan() -> Dossier:
    """2023-12-16 to 2024-03-01 without any series."""
    found = [r for r in rows("events.csv") if r["country"] == "PK" and "2023-12-16" <= r["start_utc"] < "2024-03-01"]
    blocks = [block(r) for r in found]
    return Dossier(
        cc="PK", period_start=date(2023, 12, 16), period_end=date(2024, 3, 1),
        blocks=tuple(b for b in blocks if not b.is_non_event), non_events=tuple(b for b in blocks if b.is_non_event),
        claims=claims(found),
        published=tuple(published(r) for r in rows("published_estimates.csv") if r["event_id"].startswith("pk-")
                        and r["event_id"] < "pk-2024-03"),
        studies=(), snapshots=(),
        missing_sources=(
            ("Tor Metrics relay users", "vpn-uptake fetch tor_relay_users --cc PK --from 2023-09-01 --to 2024-03-02"),
            ("Wikipedia page views", "vpn-uptake fetch wikimedia_pageviews --cc PK --from 2023-09-01 --to 2024-03-02"),
            ("Google Trends", ""),
        ),
        command="vpn-uptake brief --cc PK --from 2023-12-16 --to 2024-03-01 -o pk.html", made_at=MADE,
        tool_version="0.1.0",
    )  # fmt: skip


SNAPSHOT = Snapshot(
    snapshot_id="s1", source="example_of_a_test", origin="/home/analyst/secret/clients-sd.csv", sha256="ab" * 32,
    bytes=12345, retrieved_at=datetime(2026, 11, 20, 8, 30), tool_version="0.1.0", licence="CC0",
    attribution="Invented for a test", timezone="UTC", rows_loaded=180, rows_rejected=0,
)  # fmt: skip


def estimate(**changes: object) -> Estimate:
    whole = Estimate(
        block_id="sd-2018-12-21-social", cc="SD", indicator="tor.relay_users", entity="", horizon="7d",
        estimand="no_block_since_base", observed=63000.0, expected=21000.0, expected_low=17500.0, expected_high=25200.0,
        ratio=3.0, ratio_low=2.5, ratio_high=3.6, excess=42000.0, excess_low=37800.0, excess_high=45500.0,
        base="2018-09-01 to 2018-12-18", exposure_hours=22.0, minimum_detectable_ratio=1.3, placebo_rank=1,
        placebo_n=60, verdict="rise", attribution="unclear", verification="not_verifiable", role="primary", plan_id="",
        reasons="changed on 2018-12-21", method="rolling_calibrated", version="1",
    )  # fmt: skip
    return replace(whole, **changes)  # type: ignore[arg-type]


def series() -> SeriesView:
    start = datetime(2018, 11, 1)
    t = tuple(start + timedelta(days=i) for i in range(90))
    level = [3000 + 250 * math.sin(2 * math.pi * i / 7) + 40 * ((i * 37) % 11 - 5) for i in range(90)]
    rise = [level[i] * (1 + 3.2 * math.exp(-max(0, i - 52) / 25)) if i >= 51 else level[i] for i in range(90)]
    window = range(51, 80)
    return SeriesView(
        indicator="tor.relay_users", entity="", unit="average concurrent clients", t=t,
        observed=tuple(None if i in (30, 31) else round(v) for i, v in enumerate(rise)),
        expected=tuple(round(level[i]) if i in window else None for i in range(90)),
        low=tuple(round(level[i] * 0.83) if i in window else None for i in range(90)),
        high=tuple(round(level[i] * 1.2) if i in window else None for i in range(90)),
        base_end=datetime(2018, 12, 18),
    )  # fmt: skip


def sudan(**changes: object) -> Dossier:
    """One study with a series; the numbers are illustrations."""
    found = [r for r in rows("events.csv") if r["event_id"] == "sd-2018-12-21-social"]
    studied = block(found[0])
    study = Study(
        block=studied, asked_at=MADE,
        estimates=(
            estimate(),
            estimate(horizon="30d", observed=200000.0, expected=88000.0, expected_low=60000.0, expected_high=130000.0,
                     ratio=2.27, ratio_low=1.54, ratio_high=3.33, excess=112000.0, excess_low=70000.0,
                     excess_high=140000.0, role="secondary"),
            estimate(indicator="tor.bridge_users", verdict="inconclusive", ratio=1.15, ratio_low=0.8, ratio_high=1.6,
                     placebo_rank=20, role="secondary", reasons="small base", observed=500.0, expected=435.0,
                     expected_low=312.0, expected_high=625.0, excess=65.0, excess_low=-125.0, excess_high=188.0),
            not_estimable("during", "no end of the block is known to the hour"),
        ),
        checks=(Check("placebo_dates", "passed", "60 ordinary dates: none moved as much."),
                Check("leave_one_out", "informative", "Without the largest donor the ratio is x2.9.")),
        series=(series(),),
        publisher_rule=tuple(PublisherRow("tor.relay_users", "", date(2018, 12, 21 + i), 9000.0 - 500 * i,
                                          3000.0 + 200 * i, 100 * ((9000 - 500 * i) / (3000 + 200 * i) - 1))
                             for i in range(4)),
        overlaps=(Overlap(replace(studied, block_id="sd-other", name="Mobile data cut"), "base and horizon"),),
        snapshots=(SNAPSHOT,), tool_version="0.1.0",
    )  # fmt: skip
    whole = Dossier(
        cc="SD", period_start=date(2018, 12, 1), period_end=date(2019, 1, 31), blocks=(studied,), non_events=(),
        claims=claims(found), published=(), studies=(study,), snapshots=(SNAPSHOT,),
        missing_sources=(("Wikipedia page views", "vpn-uptake fetch wikimedia_pageviews --cc SD"),),
        command="vpn-uptake brief sd-2018-12-21-social -o sd.html", made_at=MADE, tool_version="0.1.0",
    )  # fmt: skip
    return replace(whole, **changes)  # type: ignore[arg-type]


def not_estimable(horizon: str, reason: str) -> Estimate:
    gone = ("expected", "expected_low", "expected_high", "ratio", "ratio_low", "ratio_high", "excess", "excess_low",
            "excess_high", "minimum_detectable_ratio", "placebo_rank", "placebo_n", "observed")  # fmt: skip
    return estimate(horizon=horizon, verdict="not_estimable", reasons=reason, role="exploratory", **dict.fromkeys(gone))


def nothing_estimable() -> Dossier:
    whole = sudan()
    reasons = ("6 of 7 steps of the window are missing", "no level to start from: 9 days before onset")
    bare = replace(whole.studies[0], estimates=tuple(not_estimable("7d", r) for r in reasons), series=(),
                   publisher_rule=(), checks=(), overlaps=())  # fmt: skip
    return replace(whole, studies=(bare,))


EVIL = "<script>alert('x')</script>\"><img src=x onerror=alert(1)>{{ 7*7 }}"
HEBREW = "\u202eשלום עולם"


def hostile() -> Dossier:
    """Markup, endless names, right-to-left text, empty strings and false addresses in every text field."""
    whole = pakistan()
    blocks = tuple(replace(b, name=EVIL * 20, scope="", services=(EVIL, "")) for b in whole.blocks[:1])
    blocks += tuple(replace(b, name=HEBREW, kind="", services=()) for b in whole.blocks[1:2])
    said = (
        Claim(blocks[0].block_id, EVIL, HEBREW, "javascript:alert(1)", ""),
        Claim(blocks[0].block_id, "PTA", "", "https://evil.example/\"onmouseover=alert(1)", "</td>"),
        Claim(blocks[1].block_id, "", "", "", ""),
    )  # fmt: skip
    figures = tuple(replace(p, publisher=EVIL, indicator="", baseline="", note=HEBREW, unit=p.unit, address="data:x")
                    for p in whole.published if p.block_id == "pk-2024-02-17-x-ban")  # fmt: skip
    figures = tuple(replace(p, block_id=blocks[0].block_id) for p in figures)
    return replace(whole, blocks=blocks, non_events=(), claims=said, published=figures, command=EVIL,
                   missing_sources=((EVIL, EVIL), ("", "")), snapshots=(replace(SNAPSHOT, origin=EVIL, licence="",
                   attribution=EVIL, retrieved_at=None),), tool_version="")  # fmt: skip
