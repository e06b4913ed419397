"""The catalogue: shipped tables, validator, times, claims, imports, overlaps, expected signs."""

from __future__ import annotations

import csv
import os
import shutil
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer import blocks
from analyzer.blocks import contents, stop, stored, tables
from analyzer.errors import BadInput, UnknownName
from analyzer.records import Block, Claim
from analyzer.store import Store

HEADER = (
    "event_id,country,name,start_utc,end_utc,start_precision,end_precision,services,kind,scope,"
    "confirmed_by,source_urls,notes\n"
)
ROW = (
    "mw-2031-05-20-test,MW,Test block,2031-05-20,2031-05-22,day,day,x;facebook,social_media_block,nationwide,"
    "NetBlocks;MACRA,https://example.org/a,Two days.\n"
)
FIGURES = "event_id,publisher,indicator,date_or_window,value,unit,baseline,source_url,role,source_grade,note\n"
STOP_COLUMNS = [*stop._NEEDED]
BAN = "pk-2024-02-17-x-ban"


@pytest.fixture
def new(tmp_path: Path) -> Store:
    """A store that nothing was written to yet."""
    return Store(tmp_path / "new.duckdb")


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store that holds the shipped tables; making one takes longer than copying it."""
    store = Store(tmp_path_factory.mktemp("store") / "template.duckdb")
    with store.writing() as con:
        blocks.fill(con)
    return store.path


@pytest.fixture
def store(template: Path, tmp_path: Path) -> Store:
    return Store(shutil.copy(template, tmp_path / "test.duckdb"))


@pytest.fixture(scope="module")
def stop_file() -> Path:
    root = Path(os.environ.get("VPN_UPTAKE_SHARED", Path(__file__).parents[2] / "shared"))
    path = root / "data/series/accessnow-stop/access_now_snapshot_2026-05-20.parquet"
    if not path.exists():
        pytest.skip(f"no third-party file at {path}")
    return path


def table(tmp_path: Path, text: str, name: str = "mine.csv") -> Path:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


def rows_of(name: str) -> list[dict[str, str]]:
    return list(csv.DictReader((contents.DATA / name).read_text(encoding="utf-8").splitlines()))


def at(instant: str) -> datetime:
    return datetime.fromisoformat(instant)


def one(**changes: str) -> Block:
    cells = dict(zip(HEADER.strip().split(","), next(csv.reader([ROW.strip()])), strict=True)) | changes
    return tables.block(tables.Row("mine.csv", 2, cells))


# The shipped tables


def test_every_shipped_row_passes_the_validator_that_imports_go_through():
    have = blocks.shipped()
    assert (len(have.blocks), len(have.published)) == (101, 184)
    assert len(rows_of("events.csv")) + len(rows_of("non_events.csv")) == len(have.events)
    assert all(tables.check_block(b) for b in have.events)


def test_ids_are_unique_over_blocks_and_non_events():
    ids = [b.block_id for b in blocks.shipped().events]
    assert len(set(ids)) == len(ids)


def test_kinds_that_change_no_access_are_the_non_events():
    have = blocks.shipped()
    assert {b.kind for b in have.non_events} <= set(blocks.NON_EVENT_KINDS)
    assert {b.kind for b in have.blocks} == set(blocks.BLOCK_KINDS)


def test_pakistan_has_26_events_around_blocks_of_which_22_changed_access_or_were_said_to():
    around = {r["event_id"] for r in rows_of("events.csv")}
    mine = [b for b in blocks.listed(blocks.shipped(), "pk") if b.block_id in around]
    assert len(mine) == 26
    assert {b.block_id for b in mine if b.is_non_event} == {
        "pk-2024-02-22-shc", "pk-2024-03-pta-admission", "pk-2024-04-17-shc", "pk-2025-05-22-x-outage",
        "pk-2025-05-24-x-outage",
    }  # fmt: skip


def test_every_event_has_a_claim_and_every_claim_and_figure_an_event():
    have = blocks.shipped()
    ids = {b.block_id for b in have.events}
    assert {c.block_id for c in have.claims} == ids
    assert {p.block_id for p in have.published} <= ids


def test_every_party_that_confirms_an_event_says_something_about_it():
    have = blocks.shipped()
    for row in rows_of("events.csv") + rows_of("non_events.csv"):
        heads = [c.who.casefold() for c in have.claims_about(row["event_id"])]
        for party in filter(None, row["confirmed_by"].split(";")):
            first = party.casefold().split()[0]
            assert any(first in who for who in heads), (row["event_id"], party)


def test_a_claim_is_short_and_its_page_is_one_that_was_read():
    have = blocks.shipped()
    rows = rows_of("events.csv") + rows_of("non_events.csv")
    read = {row["event_id"]: row["source_urls"].split(";") for row in rows}
    assert max(len(c.says) for c in have.claims) <= 300
    assert [c for c in have.claims if c.address and c.address not in read[c.block_id]] == []


def test_claims_that_disagree_stand_beside_each_other():
    have = blocks.shipped()
    january = " ".join(c.says for c in have.claims_about("pk-2024-01-20"))
    assert "technical fault" in january
    assert "nation-scale disruption" in january
    assert "fully operational" in january
    may = " ".join(c.says for c in have.claims_about("pk-2023-05-09-social"))
    assert "16 May" in may
    assert "18 May" in may
    july = {c.who for c in have.claims_about("pk-2024-07-firewall")}
    assert {"PTA", "WISPAP", "IT minister"} <= july


def test_every_seed_file_is_a_party_to_some_event():
    who = " ".join(c.who for c in blocks.shipped().claims)
    for seed in ("000_c8de5a61", "001_b92b8e47", "002_8cd3f4dd", "003_e7911503", "004_1e383c3d"):
        assert seed in who


def test_the_shipped_figures_keep_the_units_of_their_publishers():
    top = [p for p in blocks.shipped().published_about(BAN) if p.publisher == "Top10VPN"]
    assert {(p.window_start, p.value, p.unit) for p in top} == {
        (date(2024, 2, 18), 131.0, "percent_over_baseline"),
        (date(2024, 2, 19), 91.0, "percent_over_baseline"),
    }


def test_artefacts_name_indicators_and_half_open_days():
    known = {a.artefact_id: a for a in blocks.artefacts()}
    bridge = known["tor-bridge-authority-2018-07"]
    assert (bridge.start, bridge.end) == (date(2018, 7, 7), date(2018, 7, 20))
    assert "tor.bridge_users" in bridge.indicators
    assert bridge.effects == ("gap", "level_change")


# Times


@pytest.mark.parametrize(
    ("value", "precision", "cc", "start", "end"),
    [
        ("2024-02-10", "day", "PK", "2024-02-09T19:00", "2024-02-10T19:00"),
        ("2024-02-17T17:00", "hour", "PK", "2024-02-17T17:00", "2024-02-17T18:00"),
        ("2024-02-08T01:45", "minute", "PK", "2024-02-08T01:45", "2024-02-08T01:45"),
        ("2024-11-07T04:00", "day", "KE", "2024-11-06T21:00", "2024-11-07T21:00"),
        ("2024-11-07T22:00", "day", "KE", "2024-11-07T21:00", "2024-11-08T21:00"),
        ("2012-09", "month", "PK", "2012-08-31T19:00", "2012-09-30T19:00"),
        ("2024-03-20", "month", "PK", "2024-02-29T19:00", "2024-03-31T19:00"),
        ("2024-07-18", "week", "PK", "2024-07-14T19:00", "2024-07-21T19:00"),
        ("2024-12", "month", "XX", "2024-12-01T00:00", "2025-01-01T00:00"),
        ("2025-03-30", "day", "FR", "2025-03-29T23:00", "2025-03-30T22:00"),
    ],
)
def test_a_value_without_an_hour_is_local_and_one_with_an_hour_is_utc(value, precision, cc, start, end):
    assert blocks.span(value, precision, cc) == (datetime.fromisoformat(start), datetime.fromisoformat(end))


@pytest.mark.parametrize(
    ("value", "precision"),
    [("2024-02", "day"), ("2024-02-10", "hour"), ("2024-02-30", "day"), ("10.2.2024", "day"), ("2024-02-10", "year"),
     ("2024-02-10T25:00", "hour"), ("2024-02-10T12:00Z", "hour")],
)  # fmt: skip
def test_a_time_that_does_not_bear_its_precision_is_refused(value, precision):
    with pytest.raises(BadInput):
        blocks.span(value, precision, "PK")


@given(
    st.dates(date(2000, 1, 1), date(2030, 12, 31)), st.sampled_from(["day", "week", "month"]),
    st.sampled_from(["PK", "IR", "US", "CL", "XX", "NP"]),
)  # fmt: skip
def test_a_coarser_precision_never_excludes_what_a_finer_one_allows(day, precision, cc):
    start, end = blocks.local_span(day, "day", cc)
    wide_start, wide_end = blocks.local_span(day, precision, cc)
    assert wide_start <= start < end <= wide_end
    assert 23 <= (end - start).total_seconds() / 3600 <= 25


def test_the_ban_on_x_began_at_ten_in_the_evening_in_karachi():
    ban = blocks.find(blocks.shipped(), BAN)
    assert blocks.catalogue().events == blocks.shipped().events
    assert ban.onset_earliest == at("2024-02-17T17:00")
    assert (ban.end_earliest, ban.end_latest) == (at("2025-05-06T19:00"), at("2025-05-07T19:00"))


# The validator


@pytest.mark.parametrize(
    ("column", "value", "says"),
    [
        ("event_id", "Malawi block", "cc[-region]-YYYY-MM"),
        ("event_id", "pk-2031-05-20", "does not begin with its country"),
        ("event_id", "mw-2031-13", "cc[-region]-YYYY-MM"),
        ("country", "XQ", "ISO 3166-1"),
        ("start_utc", "2031-05-40", "no such day"),
        ("start_precision", "second", "unknown precision"),
        ("end_utc", "2031-05-01", "before its start"),
        ("kind", "outage", "use one of"),
        ("services", " ; ", "at least one service"),
        ("name", "", "is empty"),
    ],
)
def test_an_error_is_one_line_with_file_line_column_and_what_to_do(tmp_path, new, column, value, says):
    cells = dict(zip(HEADER.strip().split(","), next(csv.reader([ROW.strip()])), strict=True)) | {column: value}
    path = table(tmp_path, HEADER + ",".join(cells.values()) + "\n")
    with pytest.raises(BadInput) as error:
        blocks.import_csv(new, path)
    text = str(error.value)
    assert text.startswith("mine.csv: line 2: ")
    assert says in text
    assert "\n" not in text
    assert not new.exists


def test_a_missing_column_names_those_that_were_found(tmp_path, store):
    with pytest.raises(BadInput, match=r"no column country, .*found: event_id, name"):
        blocks.import_csv(store, table(tmp_path, "event_id,name\nmw-2031-05,a\n"))


@pytest.mark.parametrize(("column", "value"), [
    ("value", "about 5"), ("value", "inf"), ("unit", "percent"), ("date_or_window", "2024-02-10/2024-02-01"),
    ("event_id", "pk-1999-01-nothing"),
])  # fmt: skip
def test_a_figure_that_cannot_be_used_is_refused(tmp_path, store, column, value):
    cells = dict.fromkeys(FIGURES.strip().split(","), "") | {
        "event_id": BAN, "publisher": "P", "indicator": "i", "date_or_window": "2024-02", "value": "5",
        "unit": "searches",
    }  # fmt: skip
    path = table(tmp_path, FIGURES + ",".join((cells | {column: value}).values()) + "\n")
    with pytest.raises(BadInput, match=f"line 2: {column}"):
        blocks.import_published(store, path)


# Adding and importing


def test_an_unknown_block_answers_with_near_names():
    with pytest.raises(UnknownName, match=BAN):
        blocks.find(blocks.shipped(), "pk-2024-02-17-xban")


def test_what_a_user_adds_is_in_the_catalogue_and_adding_it_again_changes_nothing(store):
    mine = one()
    claim = Claim(mine.block_id, "MACRA", "Orders it", "", "2031-05-20")
    assert blocks.add(store, mine, [claim]).rows_loaded == 1
    assert blocks.add(store, mine, [claim]).already_loaded
    have = blocks.catalogue(store)
    assert blocks.find(have, mine.block_id) == mine
    assert have.claims_about(mine.block_id) == (claim,)
    assert len(have.events) == len(blocks.shipped().events) + 1


def test_an_id_that_stands_for_another_event_is_refused(store):
    with pytest.raises(BadInput, match="another services"):
        blocks.add(store, replace(blocks.find(blocks.shipped(), BAN), services=("facebook",)))


def test_a_claim_may_be_added_to_a_shipped_block(store):
    ban = blocks.find(blocks.shipped(), BAN)
    blocks.add(store, ban, [Claim(BAN, "An operator", "Removed the block at 02:10 PKT", "", "2025-05-07")])
    assert "An operator" in [c.who for c in blocks.catalogue(store).claims_about(BAN)]


def test_an_import_is_all_or_nothing(tmp_path, new):
    second = ROW.replace("mw-2031-05-20-test", "mw-2031-05-21-test").replace("day,day", "day,never")
    with pytest.raises(BadInput, match="line 3: end_utc"):
        blocks.import_csv(new, table(tmp_path, HEADER + ROW + second))
    assert not new.exists


def test_an_import_reads_columns_by_header_and_keeps_what_the_row_says(tmp_path, store):
    names = HEADER.strip().split(",")
    shuffled = ["extra", *reversed(names)]
    cells = dict(zip(names, next(csv.reader([ROW.strip()])), strict=True)) | {"extra": "1"}
    text = "\ufeff" + ",".join(shuffled) + "\n" + ",".join(cells[c] for c in shuffled) + "\n"
    assert blocks.import_csv(store, table(tmp_path, text)).rows_loaded == 1
    have = blocks.catalogue(store)
    assert blocks.find(have, "mw-2031-05-20-test") == one()
    assert {c.who for c in have.claims_about("mw-2031-05-20-test")} == {"NetBlocks", "MACRA", "notes of mine.csv"}


def test_importing_the_shipped_table_adds_nothing(tmp_path, store):
    shutil.copy(contents.DATA / "events.csv", tmp_path / "events.csv")
    assert blocks.import_csv(store, tmp_path / "events.csv").rows_loaded == 0
    assert blocks.catalogue(store) == blocks.shipped()


def test_importing_the_shipped_figures_adds_nothing(tmp_path, store):
    shutil.copy(contents.DATA / "published_estimates.csv", tmp_path / "p.csv")
    assert blocks.import_published(store, tmp_path / "p.csv").rows_loaded == 0


def test_a_table_of_non_events_may_hold_no_block(tmp_path, store):
    with pytest.raises(BadInput, match="line 2: kind: 'social_media_block' changes access"):
        blocks.import_csv(store, table(tmp_path, HEADER + ROW), non_events=True)
    quiet = ROW.replace("social_media_block", "control")
    blocks.import_csv(store, table(tmp_path, HEADER + quiet), non_events=True)
    assert blocks.find(blocks.catalogue(store), "mw-2031-05-20-test").is_non_event


def test_the_first_write_fills_the_store_with_the_shipped_tables(new):
    with new.writing() as con:
        assert blocks.fill(con)
        assert not blocks.fill(con)
        tables = ("blocks", "non_events", "block_claims", "published")
        counts = {t: con.table(t).count("*").fetchall()[0][0] for t in tables}
        names = con.execute("SELECT source, tool_version FROM snapshots").fetchall()
        services = con.execute("SELECT services FROM blocks WHERE block_id = $id", {"id": "pk-2024-01-07"}).fetchone()
    have = blocks.shipped()
    assert counts == {"blocks": len(have.blocks), "non_events": len(have.non_events),
                      "block_claims": len(have.claims), "published": len(have.published)}  # fmt: skip
    assert names == [("catalogue", "0.1.0")]
    assert services == (["x", "facebook", "instagram", "youtube"],)


def test_a_new_shipped_table_replaces_the_old_one_and_spares_what_the_user_added(store, monkeypatch):
    blocks.add(store, one())
    monkeypatch.setattr(stored, "shipped_sha256", lambda: "f" * 64)
    with store.writing() as con:
        assert blocks.fill(con)
        kept = con.execute("SELECT count(*), count(DISTINCT snapshot_id) FROM blocks").fetchone()
        snapshots = con.execute("SELECT sha256 FROM snapshots WHERE source = 'catalogue'").fetchall()
    assert kept == (len(blocks.shipped().blocks) + 1, 2)
    assert snapshots == [("f" * 64,)]
    assert one() in blocks.catalogue(store).blocks


def test_an_event_described_in_words_of_the_command_line_is_a_block_with_its_claim():
    given = {"block_id": "mw-2031-05-20-test", "cc": "mw", "name": "Test block", "start": "2031-05-20T15:00",
             "end": "2031-05", "kind": "social_media_block", "services": "x;facebook", "scope": "nationwide",
             "start_precision": "hour", "end_precision": "", "who": "MACRA", "says": "",
             "address": "https://example.org"}  # fmt: skip
    event, claims = blocks.described(given)
    assert (event.start_precision, event.end_precision) == ("hour", "month")
    assert event.onset_earliest == at("2031-05-20T15:00")
    assert claims == (Claim(event.block_id, "MACRA", "Test block", "https://example.org", ""),)
    with pytest.raises(BadInput, match="--start: no such day"):
        blocks.described(given | {"start": "2031-02-30", "start_precision": ""})


def test_a_table_is_told_by_its_columns(tmp_path, store):
    assert blocks.import_table(store, table(tmp_path, HEADER + ROW)).source == "events_csv"
    assert blocks.import_table(store, stop_table(tmp_path, stop_row())).source == stop.SOURCE
    figure = f"{BAN},P,i,2024-02,5,searches,,,,,\n"
    assert blocks.import_table(store, table(tmp_path, FIGURES + figure, "p.csv"), published=True).rows_loaded == 1


def test_a_day_begins_at_midnight_of_the_place():
    have = blocks.shipped()
    evening = "pk-2024-02-17-x-ban"  # 17:00 UTC, 22:00 in Karachi
    assert evening not in [b.block_id for b in blocks.listed(have, "PK", None, date(2024, 2, 17))]
    assert evening in [b.block_id for b in blocks.listed(have, "PK", date(2024, 2, 17), date(2024, 2, 18))]
    assert next(b.block_id for b in blocks.listed(have) if not b.is_non_event) == "pk-2011-11-porn"


# Overlaps


def test_the_january_base_holds_telegram_and_the_blocks_before_it():
    have = blocks.shipped()
    january = blocks.find(have, "pk-2024-01-20")
    found = {o.block.block_id: o.touches
             for o in blocks.overlaps(have, january, at("2023-11-20T00:00"), at("2024-02-03T00:00"))}  # fmt: skip
    assert found["pk-2023-12-16-telegram"] == "base and horizon"
    assert found["pk-2023-12-17"] == "base"
    assert "pk-2024-01-20" not in found
    assert "pk-2024-02-08-mobile" not in found
    assert "pk-2024-02-22-shc" not in found


def test_a_worldwide_outage_overlaps_an_event_of_any_country():
    have = blocks.shipped()
    sudan = blocks.find(have, "sd-2021-10-25-coup")
    found = {o.block.block_id: o.touches
             for o in blocks.overlaps(have, sudan, at("2021-09-01T00:00"), at("2021-11-18T00:00"))}  # fmt: skip
    assert found == {"xx-2021-10-04-fb-outage": "base", "xx-2021-10-08-facebook": "base"}


def test_touching_is_half_open():
    day = one(start_utc="2031-05-20T10:00", start_precision="hour", end_utc="2031-05-20T12:00", end_precision="minute")
    assert blocks.touches(day, at("2031-05-20T11:00"), at("2031-05-21T00:00"))
    assert not blocks.touches(day, at("2031-05-20T12:00"), at("2031-05-21T00:00"))
    assert not blocks.touches(day, at("2031-05-19T00:00"), at("2031-05-20T10:00"))
    assert blocks.touches(replace(day, end_earliest=None, end_latest=None), at("2032-01-01T00:00"), None)


# Expected signs


@pytest.mark.parametrize(
    ("kind", "indicator", "services", "sign"),
    [
        ("social_media_block", "tor.bridge_users", ("x",), 1),
        ("social_media_block", "app.chart_rank", ("x",), -1),
        ("social_media_block", "radar.traffic", ("x",), 0),
        ("shutdown", "tor.bridge_users", ("internet",), -1),
        ("mobile_shutdown", "search.interest", ("mobile_data",), -1),
        ("vpn_block", "psiphon.daily_users", ("psiphon",), -1),
        ("vpn_block", "tor.bridge_users", ("psiphon",), 1),
        ("vpn_block", "capture.flows", ("vpn",), 0),
        ("vpn_block", "tor.relay_users", ("tor",), -1),
        ("service_withdrawal", "ooni.service_blocked_share", ("pornhub",), 0),
        ("site_block", "ooni.service_blocked_share", ("wikipedia",), 1),
        ("site_block", "wiki.pageviews", ("wikipedia",), -1),
        ("control_outage", "tor.bridge_users", ("x",), 0),
        ("social_media_block", "denominator.population", ("x",), 0),
    ],
)
def test_the_sign_follows_the_kind_of_block(kind, indicator, services, sign):
    expected = blocks.expected_sign(kind, indicator, services)
    assert expected.sign == sign
    assert expected.reason


# Access Now STOP


def stop_row(**cells: str) -> dict[str, str]:
    base = dict.fromkeys(STOP_COLUMNS, "")
    return base | {
        "start_date": "2031-05-20", "start_date_type": "Actual", "country": "Malawi", "area_name": "Nationwide",
        "shutdown_type": "Shutdown", "affected_network": "Broadband, Mobile", "shutdown_extent": "Service-based",
        "twitter_affected": "Yes", "count_year": "2031",
    } | cells  # fmt: skip


def stop_table(tmp_path: Path, *rows: dict[str, str]) -> Path:
    path = tmp_path / f"stop{len(list(tmp_path.iterdir()))}.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, STOP_COLUMNS)
        writer.writeheader()
        writer.writerows(rows)
    return path


def test_rows_of_several_years_are_one_event_whose_latest_end_wins(tmp_path, store):
    path = stop_table(tmp_path, stop_row(count_year="2032", end_date="2032-01-05"), stop_row())
    assert blocks.import_stop(store, path).rows_loaded == 1
    have = blocks.catalogue(store)
    (event,) = blocks.listed(have, "MW")
    assert (event.end_earliest, event.end_latest) == (at("2032-01-04T22:00"), at("2032-01-05T22:00"))
    assert event.services == ("x",)
    assert [c.stated_at for c in have.claims_about(event.block_id)] == ["2031", "2032"]


def test_an_end_that_the_latest_year_leaves_empty_stays_empty(tmp_path, store):
    blocks.import_stop(store, stop_table(tmp_path, stop_row(end_date="2031-06-01"), stop_row(count_year="2032")))
    assert blocks.listed(blocks.catalogue(store), "MW")[0].end_latest is None


def test_a_newer_vintage_replaces_the_end_and_keeps_what_was_said(tmp_path, store):
    blocks.import_stop(store, stop_table(tmp_path, stop_row()))
    blocks.import_stop(store, stop_table(tmp_path, stop_row(), stop_row(count_year="2032", end_date="2032-02-01")))
    have = blocks.catalogue(store)
    (event,) = blocks.listed(have, "MW")
    assert event.end_latest == at("2032-02-01T22:00")
    assert len(have.claims_about(event.block_id)) == 2


def test_country_names_without_a_code_are_listed(tmp_path, new):
    path = stop_table(tmp_path, stop_row(country="Ruritania"), stop_row(country="Malawi; Freedonia"))
    with pytest.raises(BadInput, match="no code for Freedonia; Ruritania"):
        blocks.import_stop(new, path)
    assert not new.exists


def test_a_row_of_several_countries_is_an_event_in_each(tmp_path, store):
    blocks.import_stop(store, stop_table(tmp_path, stop_row(country="Malawi; Congo (Democratic Republic of the)")))
    assert {b.cc for b in blocks.catalogue(store).blocks if "-stop-" in b.block_id} == {"MW", "CD"}


@pytest.mark.parametrize(("cells", "kind", "services"), [
    ({}, "social_media_block", ("x",)),
    ({"shutdown_type": "Throttle"}, "throttling", ("x",)),
    ({"twitter_affected": "No", "telegram_affected": "Yes"}, "messaging_block", ("telegram",)),
    ({"twitter_affected": "Unknown", "other_affected": "VPN services"}, "vpn_block", ("vpn",)),
    ({"twitter_affected": "", "other_affected": "Grindr"}, "site_block", ("grindr",)),
    ({"twitter_affected": "", "other_affected": "online banking"}, "site_block", ("other",)),
    ({"twitter_affected": "", "other_affected": "ProtonVPN, TikTok"}, "social_media_block", ("tiktok", "vpn")),
    ({"twitter_affected": "No", "shutdown_extent": "Full network"}, "shutdown", ("internet",)),
    ({"twitter_affected": "No", "shutdown_extent": "Full network", "affected_network": "Mobile", "sms_affected": "Yes"},
     "mobile_shutdown", ("mobile_data", "sms")),
])  # fmt: skip
def test_kind_and_services_come_from_the_columns_of_the_list(tmp_path, cells, kind, services):
    (row,) = stop.read(stop_table(tmp_path, stop_row(**cells)))
    assert (row.kind, row.services) == (kind, services)


def test_an_end_before_the_start_is_said_but_not_used(tmp_path, store):
    blocks.import_stop(store, stop_table(tmp_path, stop_row(end_date="2031-05-19")))
    have = blocks.catalogue(store)
    (event,) = blocks.listed(have, "MW")
    assert event.end_latest is None
    assert "before its start, so not used" in have.claims_about(event.block_id)[0].says


def test_an_estimated_start_is_a_week(tmp_path, store):
    blocks.import_stop(store, stop_table(tmp_path, stop_row(start_date_type="Estimated")))
    assert blocks.listed(blocks.catalogue(store), "MW")[0].start_precision == "week"


def test_an_event_of_ours_gets_the_row_as_a_claim_and_no_twin(tmp_path, store):
    row = stop_row(country="Pakistan", start_date="2024-02-17", count_year="2024")
    assert blocks.import_stop(store, stop_table(tmp_path, row)).rows_loaded == 0
    claims = blocks.catalogue(store).claims_about(BAN)
    assert claims[-1].who == stop.WHO
    assert claims[-1].says.startswith("In the list of 2024: social media block of x; nationwide")


@pytest.mark.parametrize("column", ["start_date", "count_year"])
def test_a_row_of_the_list_without_day_or_year_is_named(tmp_path, new, column):
    path = stop_table(tmp_path, stop_row(), stop_row(**{column: "soon"}))
    with pytest.raises(BadInput, match=f"{path.name}: row 2: {column}: not readable"):
        blocks.import_stop(new, path)
    assert not new.exists


def test_a_file_that_is_not_the_list_is_refused(tmp_path, store):
    with pytest.raises(BadInput, match="not Access Now's STOP list"):
        blocks.import_stop(store, table(tmp_path, "a,b\n1,2\n"))


@pytest.fixture(scope="module")
def stop_rows(stop_file: Path) -> list[stop.StopRow]:
    return stop.read(stop_file)


@pytest.mark.shared
def test_the_snapshot_of_may_2026_holds_1883_events_in_2102_rows(stop_rows):
    found = stop.events(stop_rows)
    countries_beyond_the_first = 6  # three rows name 5, 2 and 2 countries
    assert len(stop_rows) - countries_beyond_the_first == 2102
    assert len(found) - countries_beyond_the_first == 1883
    assert len(stop_rows) - len(found) == 219
    assert sum(len(same) > 1 for same in found.values()) == 78


@pytest.mark.shared
def test_pakistan_has_101_rows_and_82_events_in_the_snapshot(stop_rows):
    mine = [r for r in stop_rows if r.cc == "PK"]
    assert len(mine) == 101
    assert len(stop.events(mine)) == 82
    # "68 distinct", as a study of the list has it, counts start and area of the rows that have an end.
    # It is no number of events: Telegram, Signal and five others have no end.
    assert len({(r.start, r.scope) for r in mine if r.end}) == 68


@pytest.mark.shared
def test_the_list_knows_the_ban_and_not_the_evenings_of_january(stop_rows):
    days = {r.start for r in stop_rows if r.cc == "PK"}
    assert {date(2023, 12, 16), date(2023, 12, 17), date(2024, 2, 8), date(2024, 2, 17)} <= days
    assert not {date(2024, 1, 7), date(2024, 1, 20), date(2024, 2, 10)} & days


@pytest.mark.shared
def test_the_import_of_the_snapshot_is_complete_and_idempotent(stop_file, store):
    first = blocks.import_stop(store, stop_file)
    assert blocks.import_stop(store, stop_file).already_loaded
    have = blocks.catalogue(store)
    assert first.rows_loaded == 1835
    assert len(have.blocks) == len(blocks.shipped().blocks) + 1835
    ban = [c.says for c in have.claims_about(BAN) if c.who == stop.WHO and c.stated_at in ("2024", "2025")]
    assert any("ended 2025-05-07" in says for says in ban)
    assert any("no end given" in says for says in ban)
