"""Events without a block: what is shipped, that none of them was one, contexts, donors, discovery routes, imports."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import pytest
from click.testing import CliRunner

from analyzer import blocks, indicators
from analyzer.blocks import contents, stop, tables
from analyzer.cli.blocks import command
from analyzer.errors import BadInput, UnknownName
from analyzer.places import to_local
from analyzer.records import Block
from analyzer.store import Store

BEFORE, AFTER = timedelta(days=3), timedelta(days=7)
STANDING = timedelta(days=60)
OUTSIDE_KINDS = ("holiday", "control")  # come round every year, or are of sport: their own effect is what is asked


class Cut(NamedTuple):
    """A restriction in someone's list."""

    cc: str
    start: datetime
    end: datetime | None
    nationwide: bool
    source: str


def rows_of(name: str) -> list[dict[str, str]]:
    return list(csv.DictReader((contents.DATA / name).read_text(encoding="utf-8").splitlines()))


def clashes(event: Block, notes: str, cuts: Iterable[Cut]) -> Iterator[Cut]:
    """Restrictions of its country from three days before to seven after that the notes do not own to.

    What was in force for two months before and goes on is the state of affairs, not an event beside it; what touched
    a part of the country only has to be stated in the notes.
    """
    first, last = event.onset_earliest - BEFORE, (event.end_latest or event.onset_latest) + AFTER
    for cut in cuts:
        open_before = cut.end is None and cut.start < first and not cut.nationwide
        over = cut.end is not None and cut.end <= first
        standing = cut.start < event.onset_earliest - STANDING and (cut.end is None or cut.end >= last)
        if cut.start < last and not (over or open_before or standing) and (cut.nationwide or "Regional:" not in notes):
            yield cut


def stop_cuts(shared: Path) -> list[Cut]:
    path = next((shared / "data/series/accessnow-stop").glob("*.parquet"))
    return [_of_stop(row) for row in stop.read(path)]


def _of_stop(row: stop.StopRow) -> Cut:
    start = blocks.local_span(row.start, "day", row.cc)[0]
    end = blocks.local_span(row.end, "day", row.cc)[1] if row.end else None
    whole = row.scope == "nationwide" or row.scope.startswith("scope not stated")
    return Cut(row.cc, start, end if end and end > start else None, whole, f"STOP {row.start} {row.scope[:40]}")


def ioda_cuts(shared: Path) -> list[Cut]:
    path = next((shared / "data/series/ioda-outages").glob("*.csv"))
    codes = {r["name"].casefold(): r["cc"] for t in ("zones.csv", "country_aliases.csv") for r in rows_of(t)}
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = [r for r in csv.DictReader(file) if r["Cause"] in ("Government-Ordered", "Exams")]
    return [_of_ioda(row, codes) for row in rows if row["Country"].strip().casefold() in codes]


def _of_ioda(row: dict[str, str], codes: dict[str, str]) -> Cut:
    start, end = _clock(row["Begin time"]), _clock(row["End time"])
    scope = next(v for k, v in row.items() if k and k.startswith("Scope"))
    whole = scope.strip().casefold().startswith("country")
    assert start, row["Begin time"]
    return Cut(codes[row["Country"].strip().casefold()], start, end, whole, f"IODA {start} {scope[:40]}")


def _clock(text: str) -> datetime | None:
    """The time of a sheet kept by hand: "Monday, October 25, 2021, 2:30: AM", with seconds or without."""
    found = re.search(r"(\w+ \d+, \d{4}),\s*(\d+:\d+)[:\d]*\s*([AP]M)", text)
    if not found:
        return None
    return datetime.strptime(" ".join(found.groups()), "%B %d, %Y %I:%M %p").replace(tzinfo=UTC).replace(tzinfo=None)


def own_cuts() -> list[Cut]:
    parts = ("region", "state", "few", "operator", "territory (")
    return [Cut(b.cc, b.onset_earliest, b.end_latest, not b.scope.startswith(parts), b.block_id)
            for b in blocks.shipped().blocks]  # fmt: skip


def all_clashes(cuts: list[Cut]) -> list[str]:
    notes = {r["event_id"]: r["notes"] for r in rows_of("non_events.csv")}
    asked = [e for e in blocks.shipped().non_events if e.block_id in notes and e.kind not in OUTSIDE_KINDS]
    return [f"{e.block_id}: {cut.source}" for e in asked
            for cut in clashes(e, notes[e.block_id], [c for c in cuts if c.cc == e.cc])]  # fmt: skip


def test_no_shipped_non_event_has_a_block_of_our_own_beside_it():
    assert all_clashes(own_cuts()) == []


@pytest.mark.shared
def test_no_shipped_non_event_has_a_shutdown_of_the_lists_beside_it(shared):
    assert all_clashes(stop_cuts(shared)) == []
    assert all_clashes(ioda_cuts(shared)) == []


# The shipped tables


def test_every_row_has_a_page_that_was_read_or_says_that_none_was():
    for row in rows_of("non_events.csv"):
        assert bool(row["confirmed_by"]) == bool(row["source_urls"]), row["event_id"]
        assert row["source_urls"] or "From the compiler's knowledge." in row["notes"], row["event_id"]


def test_an_id_holds_the_day_on_which_its_event_begins():
    shipped = {r["event_id"]: r["start_utc"][:10] for r in rows_of("non_events.csv")}
    assert [i for i, day in shipped.items() if f"-{day}-" not in i] == []
    for event in blocks.shipped().non_events:
        begins = to_local(event.onset_earliest, event.cc).date().isoformat()
        assert event.start_precision == "week" or begins == shipped.get(event.block_id, begins), event.block_id


def test_elections_without_a_block_suffice_for_a_claim_of_five_per_cent():
    held = [e for e in blocks.shipped().non_events if e.kind == "election"]
    of_bridges = [e for e in held if datetime(2018, 1, 1) <= e.onset_earliest < datetime(2020, 4, 19)]
    assert len(of_bridges) >= 3 * 39
    assert len({e.cc for e in of_bridges}) >= 2 * 39
    assert len({(e.cc, e.onset_earliest) for e in held}) == len(held)


def test_every_kind_of_context_has_non_events_to_be_told_from():
    have = blocks.shipped()
    known = {b.block_id for b in have.blocks}
    assert {c.block_id for c in have.contexts} <= known
    assert len({(c.block_id, c.kind) for c in have.contexts}) == len(have.contexts)
    assert {c.kind for c in have.contexts} <= {e.kind for e in have.non_events}
    assert have.contexts_of("pk-2024-02-17-x-ban") == ("election", "official_statement", "protest")
    assert have.contexts_of("tz-2025-05-20-x") == ()


def test_a_country_is_no_control_where_the_list_says_so_and_only_there():
    have = blocks.shipped()
    early, late = (date(2018, 1, 1), date(2020, 4, 26)), (date(2021, 1, 1), date(2023, 4, 1))
    assert have.excluded_donors("SD", "tor.bridge_users", *early) == dict.fromkeys(
        ("AE", "CN", "IR", "TM", "VE"), "own_block"
    )
    assert "RU" in have.excluded_donors("PK", "tor.relay_users", *late)
    assert have.excluded_donors("PK", "search.interest", *late) == {
        "AE": "diaspora", "GB": "diaspora", "NL": "exit_traffic", "SA": "diaspora", "SG": "exit_traffic",
    }  # fmt: skip
    assert "AE" not in have.excluded_donors("IN", "search.interest", *late)
    assert have.excluded_donors("PK", "ooni.service_blocked_share", *late) == {}


def test_the_list_of_donors_is_short_and_names_indicators_that_exist():
    listed = blocks.shipped().donor_exclusions
    assert {i for e in listed for i in e.indicators} <= set(indicators.TYPES)
    for indicator in indicators.TYPES:
        assert len(blocks.shipped().excluded_donors("PK", indicator, date(2018, 1, 1), date(2025, 1, 1))) <= 6


@pytest.mark.parametrize(("cell", "value", "says"), [
    ("donor", "XQ", "donor: 'XQ' is not"), ("cc", "PK;IN", "cc: 'PK;IN' names 2 countries"),
    ("end", "2018-01-01", "end: 2018-01-01 is not after 2018-02-01"), ("reason", "war", "reason: unknown 'war'"),
    ("note", "", "note: is empty"),
])  # fmt: skip
def test_a_donor_is_listed_with_country_days_and_reason(cell, value, says):
    good = {"donor": "CN", "start": "2018-02-01", "reason": "own_block", "note": "Tor is blocked."}
    assert tables.donor_exclusion(tables.Row("d.csv", 2, good)).end is None
    with pytest.raises(BadInput, match=r"d\.csv: line 2: " + says):
        tables.donor_exclusion(tables.Row("d.csv", 2, good | {cell: value}))


def test_a_context_names_a_kind_that_non_events_have():
    with pytest.raises(BadInput, match=r"c\.csv: line 2: kind: unknown 'shutdown': use one of court_order"):
        tables.context(tables.Row("c.csv", 2, {"block_id": "x", "kind": "shutdown", "note": "n"}))


# How a block came to be known


def test_every_block_says_how_it_came_to_be_known_but_those_known_from_studies_of_their_outcome():
    known = blocks.shipped().blocks
    assert {b.block_id for b in known if not b.discovery_route} == {"cn-2014-09-29-instagram", "pk-2011-11-porn"}
    sellers = {"Proton", "Proton (as cause)", "Top10VPN", "Psiphon", "Surfshark"}
    told_by = {r["event_id"]: set(r["confirmed_by"].split(";")) for r in rows_of("events.csv")}
    only_sellers = {b.block_id for b in known if told_by[b.block_id] <= sellers}
    assert {b.block_id for b in known if b.discovery_route == "vendor"} == only_sellers


@pytest.mark.parametrize(("route", "free"), [
    ("order", True), ("measurement", True), ("press", True), ("vendor", False), ("scan", False), ("", False),
])  # fmt: skip
def test_a_route_that_looks_at_demand_is_not_free_of_the_outcome(route, free):
    assert blocks.outcome_free(route) is free
    assert not route or route in blocks.ROUTES


def test_a_page_is_cited_for_the_party_in_whose_place_it_stands():
    cells = {
        "event_id": "mw-2031-06-02-rally",
        "name": "Rally",
        "kind": "rally",
        "confirmed_by": "A;B",
        "notes": "Late.",
    }
    both = tables.claims_of_event(tables.Row("m.csv", 2, cells | {"source_urls": "https://a.org;https://b.org"}))
    assert [(c.who, c.address) for c in both[:2]] == [("A", "https://a.org"), ("B", "https://b.org")]
    one = tables.claims_of_event(tables.Row("m.csv", 2, cells | {"source_urls": "https://a.org"}))
    assert [c.address for c in one] == ["https://a.org", "https://a.org", ""]
    none = tables.claims_of_event(tables.Row("m.csv", 2, cells | {"source_urls": ""}))
    assert [c.address for c in none] == ["", "", ""]


# Imports


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "new.duckdb")


HEADER = "event_id,country,name,start_utc,end_utc,start_precision,end_precision,services,kind,scope\n"
VOTE = "mw-2031-05-20-election,MW,Election,2031-05-20T04:00,2031-05-20,hour,day,none,election,nationwide\n"
RALLY = "mw-2031-06-02-rally,MW,Rally,2031-06-02,,day,,none,rally,one city\n"


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "mine.csv"
    path.write_text(HEADER + text, encoding="utf-8")
    return path


def test_non_events_of_a_file_stand_beside_the_shipped_ones(tmp_path, store):
    assert blocks.import_table(store, written(tmp_path, VOTE + RALLY), non_events=True).rows_loaded == 2
    have = blocks.catalogue(store)
    assert [b.kind for b in blocks.listed(have, "MW") if b.onset_earliest.year == 2031] == ["election", "rally"]
    assert (have.contexts, have.donor_exclusions) == (blocks.shipped().contexts, blocks.shipped().donor_exclusions)


def test_the_store_holds_every_shipped_non_event(store):
    with store.writing() as con:
        blocks.fill(con)
        (count,) = con.execute("SELECT count(*) FROM non_events WHERE kind = 'election'").fetchall()[0]
    assert count == sum(e.kind == "election" for e in blocks.shipped().non_events)


TWICE = "line 3: event_id: 'mw-2031-06-02-rally' stands in line 2 already, with "


@pytest.mark.parametrize(("text", "says"), [
    (VOTE + RALLY.replace(",rally,one", ",shutdown,one"), "line 3: kind: 'shutdown' changes access, so it is a block"),
    (RALLY + RALLY.replace(",2031-06-02", ",2031-06-03"), TWICE + "another onset_earliest, onset_latest: keep one row"),
    (RALLY + RALLY, TWICE + "the same values: keep one row"),
    (RALLY.replace(",MW,", ",MW;ZM,"), "line 2: country: 'MW;ZM' names 2 countries: write one row per country"),
    (RALLY.replace("mw-2031-06-02-rally,MW", "pk-2018-07-25-election,PK"),
     "line 2: event_id: 'pk-2018-07-25-election' stands in the catalogue with another name, onset_earliest"),
])  # fmt: skip
def test_a_table_that_contradicts_itself_or_the_catalogue_is_refused_whole(tmp_path, store, text, says):
    with pytest.raises(BadInput) as error:
        blocks.import_table(store, written(tmp_path, text), non_events=True)
    assert str(error.value).startswith(f"mine.csv: {says}")
    assert not store.exists


def test_a_list_of_shutdowns_is_no_table_of_non_events(tmp_path, store):
    (tmp_path / "stop.csv").write_text(",".join(stop._NEEDED) + "\n", encoding="utf-8")
    with pytest.raises(
        BadInput, match=r"stop\.csv: this is Access Now's list of shutdowns: import it without --non-ev"
    ):
        blocks.import_table(store, tmp_path / "stop.csv", non_events=True)


def test_an_unknown_route_is_refused_and_a_table_without_routes_is_not(tmp_path, store):
    ban = next(r for r in rows_of("events.csv") if r["event_id"] == "pk-2024-02-17-x-ban")
    row = ",".join(ban[c] for c in HEADER.strip().split(","))
    assert blocks.import_csv(store, written(tmp_path, row + "\n")).rows_loaded == 0
    with pytest.raises(BadInput, match="discovery_route: unknown 'rumour': use one of order, measurement"):
        tables.block(tables.Row("mine.csv", 2, ban | {"discovery_route": "rumour"}))
    with pytest.raises(BadInput, match="unknown discovery_route 'rumour'"):
        tables.check_block(replace(blocks.find(blocks.shipped(), ban["event_id"]), discovery_route="rumour"))


OUTER = "mw-2031-05-01-x,MW,X blocked,2031-05-01,2031-07-01,day,day,x,social_media_block,nationwide\n"
INNER = "mw-2031-05-20-cut,MW,Network cut,2031-05-20,2031-05-22,day,day,internet,shutdown,nationwide\n"
COARSE = "mw-2031-06-vpn,MW,VPNs blocked,2031-06,,month,,vpn,vpn_block,nationwide\n"


def test_a_block_inside_a_block_is_taken_and_named_as_an_overlap(tmp_path, store):
    assert blocks.import_csv(store, written(tmp_path, OUTER + INNER)).rows_loaded == 2
    have = blocks.catalogue(store)
    inner = blocks.find(have, "mw-2031-05-20-cut")
    around = inner.onset_earliest - timedelta(days=28), inner.onset_latest + timedelta(days=14)
    assert [(o.block.block_id, o.touches) for o in blocks.overlaps(have, inner, *around)] == [
        ("mw-2031-05-01-x", "base and horizon")
    ]


def test_an_onset_known_to_the_month_is_taken_and_stated_as_the_month(tmp_path, store):
    blocks.import_csv(store, written(tmp_path, COARSE))
    coarse = blocks.find(blocks.catalogue(store), "mw-2031-06-vpn")
    assert coarse.start_precision == "month"
    assert coarse.onset_latest - coarse.onset_earliest == timedelta(days=30)
    shown = CliRunner().invoke(command, ["show", "mw-2031-06-vpn", "--db", str(store.path), "--format", "csv"])
    assert "event,precision,month" in shown.output


def test_the_command_line_lists_one_kind_and_tells_contexts(store):
    end = ["--db", str(store.path), "--format", "csv"]
    listed = CliRunner().invoke(command, ["list", "--cc", "PK", "--kind", "election", *end])
    kinds = [row["kind"] for row in csv.DictReader(listed.output.splitlines())]
    assert len(kinds) == sum(e.cc == "PK" and e.kind == "election" for e in blocks.shipped().non_events)
    assert set(kinds) == {"election (no block)"}
    shown = CliRunner().invoke(command, ["show", "pk-2024-02-08-mobile", *end])
    assert "context,election,General election on the day of the suspension." in shown.output


def test_an_unknown_kind_names_those_that_exist():
    assert len(blocks.of_kind(blocks.shipped().events, "block")) == len(blocks.shipped().blocks)
    assert blocks.of_kind(blocks.shipped().events, "non-event") == list(blocks.shipped().non_events)
    with pytest.raises(UnknownName, match="use block, non-event or one of social_media_block"):
        blocks.of_kind(blocks.shipped().events, "party")
