"""OONI aggregation: the documented answers, their traps, and a block that they verify."""

from __future__ import annotations

import json
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from measured_files import Table, drawn, stepped
from stores import empty_store, observations, rejections, write
from test_fetch import FEBRUARY, Answer, Clock, Site, clock, patience, site

import analyzer
from analyzer import blocks, sources
from analyzer.api import Database
from analyzer.errors import BadInput, FetchError
from analyzer.fetching import fetch, planned
from analyzer.records import Observation, Origin, Rejection
from analyzer.sources import _ooni, ooni_aggregation
from analyzer.store.loading import load_file
from analyzer.study.at_hand import AtHand
from analyzer.study.verified import verify

__all__ = ["clock", "site"]  # fixtures of the loopback server

HEADER = "anomaly_count,confirmed_count,failure_count,ok_count,measurement_count,measurement_start_day"
BAN, FIRST = "pk-2024-02-17-x-ban", date(2023, 11, 1)
SERVICE, TOOL = "ooni.service_blocked_share", "ooni.tool_blocked_share"


def read(text: str, name: str = "a", cc: str | None = "PK", **mapping: str) -> list[Observation | Rejection]:
    lines = iter(list(enumerate(text.splitlines(), 1)))
    return list(ooni_aggregation.SOURCE.read(lines, Origin(name, cc=cc, mapping=mapping or None)))


def good(text: str, name: str = "a", cc: str | None = "PK", **mapping: str) -> list[Observation]:
    found = read(text, name, cc, **mapping)
    assert [r for r in found if isinstance(r, Rejection)] == []
    return [r for r in found if isinstance(r, Observation)]


def refused(text: str, name: str = "a", cc: str | None = "PK", **mapping: str) -> Rejection:
    (found,) = read(text, name, cc, **mapping)
    assert isinstance(found, Rejection)
    return found


def result(**changes: Any) -> dict[str, Any]:
    row = {
        "anomaly_count": 3, "confirmed_count": 2, "failure_count": 5, "ok_count": 40, "measurement_count": 50,
        "measurement_start_day": "2024-02-17", "domain": "x.com",
    }  # fmt: skip
    return {name: value for name, value in (row | changes).items() if value is not None}


def answer(*results: Any, **document: Any) -> str:
    stats = {"row_count": 1, "bytes": 1, "total_row_count": 1, "elapsed_seconds": 0.1}
    return json.dumps({"db_stats": stats, "dimension_count": 2, "result": list(results), "v": 0} | document)


def table(columns: str, *rows: str) -> str:
    return "\n".join([f"{HEADER},{columns}", *rows]) + "\n"


# The documented shapes


def test_a_share_is_of_all_measurements_and_says_how_many_did_not_fail() -> None:
    (row,) = good(answer(result()))
    assert (row.indicator, row.entity, row.cc, row.unit, row.state, row.asn) == (
        SERVICE, "x.com", "PK", "share", "value", 0,
    )  # fmt: skip
    assert (row.value, row.n, row.quality) == (0.1, 50, pytest.approx(0.9))
    assert (row.t_start, row.t_end) == (datetime(2024, 2, 17), datetime(2024, 2, 18))


def test_json_and_csv_of_one_answer_are_the_same_rows() -> None:
    assert good(table("domain", "3,2,5,40,50,2024-02-17,x.com")) == good(answer(result()))


def test_columns_are_found_by_name_in_any_order_with_others_beside_them() -> None:
    text = (
        ",domain,ok_count,discard,measurement_start_day,measurement_count,failure_count,confirmed_count,anomaly_count\n"
        "0,X.com,40,no,2024-02-17,50,5,2,3\n"
    )
    assert good(text) == good(answer(result()))


@pytest.mark.parametrize("test", ooni_aggregation.SERVICE_TESTS)
def test_tests_of_services_are_shares_of_services(test: str) -> None:
    (row,) = good(answer(result(domain=None, test_name=test)))
    assert (row.indicator, row.entity) == (SERVICE, test)


@pytest.mark.parametrize("test", ooni_aggregation.TOOL_TESTS)
def test_tests_of_tools_are_shares_of_tools(test: str) -> None:
    (row,) = good(answer(result(domain=None, test_name=test)))
    assert (row.indicator, row.entity) == (TOOL, test)


def test_countries_and_networks_are_read_from_the_rows() -> None:
    text = table("probe_cc,probe_asn", "0,0,0,5,5,2024-02-17,NA,17557", "0,0,0,5,5,2024-02-17,ZZ,AS23674")
    rows = good(text, cc=None, test_name="whatsapp")
    assert [(r.cc, r.asn, r.entity) for r in rows] == [("NA", 17557, "whatsapp"), ("ZZ", 23674, "whatsapp")]


def test_hours_are_told_from_days_by_how_they_are_written() -> None:
    rows = good(answer(*(result(measurement_start_day=f"2024-02-17T{h:02}:00:00Z") for h in (0, 15))))
    assert [(r.t_start.hour, r.t_end - r.t_start) for r in rows] == [(0, timedelta(hours=1)), (15, timedelta(hours=1))]


def test_addresses_are_added_up_to_their_domain_and_stay_apart_from_an_answer_by_domain() -> None:
    """Both loaded, the same measurements must not count twice: the key has another scale_id, the entity is one."""
    both = [result(domain=None, input=a) for a in ("https://X.com/", "http://x.com/home?a=b")]
    (row,) = good(answer(*both, result(domain=None, input="https://x.com/", measurement_start_day="2024-02-18")))[:1]
    assert (row.entity, row.n, row.value, row.scale_id) == ("x.com", 100, 0.1, "joined from addresses")


def test_what_an_answer_leaves_out_is_stated_by_the_user_or_by_the_name_of_the_fetched_file() -> None:
    bare = answer(result(domain=None))
    assert good(bare, domain="X.com")[0].entity == "x.com"
    assert good(bare, test_name="psiphon")[0].entity == "psiphon"
    named = "snapshots/ooni-aggregation-PK-test_name=signal-2024-02-01_2024-03-01.json"
    (row,) = good(bare, named, None)
    assert (row.cc, row.entity) == ("PK", "signal")


# Traps


def test_counts_of_before_2021_hold_the_confirmed_ones_among_the_anomalies() -> None:
    """There the sum without the confirmed ones is the number of measurements."""
    (row,) = good(answer(result(anomaly_count=5, confirmed_count=2, measurement_count=50)))
    assert row.value == pytest.approx(5 / 50)


@pytest.mark.parametrize("changes", [{"measurement_count": 51}, {"ok_count": 0}, {"anomaly_count": 60}])
def test_counts_that_do_not_add_up_are_refused(changes: dict[str, int]) -> None:
    assert "the counts add up to" in refused(answer(result(**changes))).reason


def test_without_ok_count_a_row_with_confirmed_blocks_could_be_either_form() -> None:
    assert refused(answer(result(ok_count=None))).field == "ok_count"
    (row,) = good(answer(result(ok_count=None, confirmed_count=0)))
    assert row.value == 3 / 50


def test_no_measurement_is_missing_and_not_a_share_of_zero() -> None:
    none = dict.fromkeys(("anomaly_count", "confirmed_count", "failure_count", "ok_count", "measurement_count"), 0)
    (row,) = good(answer(result(**none)))
    assert (row.value, row.state, row.n) == (None, "missing", 0)


@pytest.mark.parametrize(
    "day", [0, "0", "2024-02-30", "2024-02-17T15:30:00Z", "2024-02-17T15:00:00+05:00", "17/02/2024"]
)
def test_a_date_that_is_none_is_refused(day: Any) -> None:
    assert "is neither a day" in refused(answer(result(measurement_start_day=day))).reason


@pytest.mark.parametrize(
    ("axis", "dates", "which"),
    [("week", ["2024-02-04", "2024-02-11", "2024-02-25"], "weeks"), ("month", ["2024-01-01", "2024-02-01"], "months")],
)
def test_weeks_and_months_are_not_taken_for_days(axis: str, dates: list[str], which: str) -> None:
    text = answer(*(result(measurement_start_day=d) for d in dates))
    with pytest.raises(BadInput, match=f"looks like {which}"):
        read(text)
    assert len(good(text, time_grain="day")) == len(dates)
    with pytest.raises(BadInput, match="neither day nor hour"):
        read(text, time_grain=axis)


def test_a_withheld_network_is_not_the_whole_country() -> None:
    assert "AS0" in refused(answer(result(probe_asn=0))).reason


def test_all_websites_together_are_no_service() -> None:
    assert "mixes all websites" in refused(answer(result(domain=None, test_name="web_connectivity"))).reason
    assert "neither a service nor a tool" in refused(answer(result(test_name="ndt"))).reason


@pytest.mark.parametrize("field", ["error", "msg"])
def test_an_error_with_http_200_is_quoted_and_refused(field: str) -> None:
    body = json.dumps({"v": 0, field: "Choose time_grain between day, week"})
    with pytest.raises(BadInput, match="an error that OONI reports, not data: 'Choose time_grain"):
        read(body)
    with pytest.raises(BadInput, match="JSON of no source"):
        sources.recognise(body, "a")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "is empty"),
        ("\n\n", "is empty"),
        (answer(result())[:-40], "not whole JSON"),
        (answer(), "nothing was measured"),
        (answer(result(), v=1), "version '1'"),
        (answer(result=5), "neither a list nor an object"),
        (answer(result=result(measurement_start_day=None)), "without their days"),
        (answer(result(measurement_start_day=None)), "without their days"),
        (answer(result(blocking_type="dns")), "cut by blocking_type"),
        (answer(result(measurement_count=None)), "no result has measurement_count"),
        ("[1, 2]", "a JSON list"),
        ('{"v": 0, "results": []}', "holds no result"),
        ("day,users\n2024-02-17,5\n", "no columns 'anomaly_count'"),
        (answer(result(domain=None)), "of which test or domain"),
    ],
)
def test_another_shape_is_refused_with_what_was_found(text: str, why: str) -> None:
    with pytest.raises(BadInput, match=why):
        read(text)


def test_a_country_must_be_known_and_must_not_contradict_the_name_of_the_file() -> None:
    with pytest.raises(BadInput, match="of which country"):
        read(answer(result()), cc=None)
    with pytest.raises(BadInput, match="named as that of RU"):
        read(answer(result()), "ooni-aggregation-RU-domain-2024-02-01_2024-03-01.csv")


def test_json_is_read_up_to_its_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_ooni, "JSON_LIMIT", 1000)
    with pytest.raises(BadInput, match="ask with format=CSV"):
        read(json.dumps(json.loads(answer(*[result()] * 9)), indent=1))


def test_a_damaged_row_is_refused_and_the_others_load() -> None:
    rows = read(
        table("domain", "3,2,5,40,50,2024-02-17,x.com", "3,2,5,40,50,2024-02-18", "-3,2,5,40,44,2024-02-19,x.com")
    )
    assert [type(r).__name__ for r in rows] == ["Observation", "Rejection", "Rejection"]
    assert [r.line for r in rows if isinstance(r, Rejection)] == [3, 4]


@pytest.mark.parametrize(
    "domain", ["<script>alert(1)</script>", "=1+1", "../../x", "'; DROP TABLE observations; --", "a" * 300]
)
def test_a_hostile_domain_is_no_entity(domain: str) -> None:
    assert "is no domain" in refused(answer(result(domain=domain))).reason
    assert "is no country code" in refused(answer(result(probe_cc=domain))).reason


CELLS = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.just([]) | st.just({"a": [1]})
)
NAMES = st.sampled_from([*result(), "probe_cc", "probe_asn", "test_name", "input"])


@given(st.lists(st.dictionaries(NAMES, CELLS, max_size=3) | CELLS, max_size=3), st.integers(0, 200))
def test_whatever_comes_is_read_or_refused(results: list[Any], cut: int) -> None:
    whole = answer(*(result() | r if isinstance(r, dict) else r for r in results))
    for text in (whole, whole[:cut]):
        try:
            found = read(text)
        except BadInput:
            continue
        assert len(found) == len(results) or "input" in whole
        assert all(0 <= r.value <= 1 for r in found if isinstance(r, Observation) and r.value is not None)


@given(st.text(max_size=80), st.text(max_size=20))
def test_whatever_stands_in_a_table_is_read_or_refused(row: str, cell: str) -> None:
    for text in (table("domain", row), table("input", f"3,2,5,40,50,2024-02-17,{cell}")):
        try:
            read(text)
        except BadInput:
            continue


@given(st.lists(st.integers(0, 10**6), min_size=4, max_size=4).filter(any))
def test_any_counts_that_add_up_come_back(counts: list[int]) -> None:
    anomaly, confirmed, failed, ok = counts
    (row,) = good(table("domain", f"{anomaly},{confirmed},{failed},{ok},{sum(counts)},2024-02-17,x.com"))
    assert row.value is not None
    assert round(row.value * sum(counts)) == anomaly + confirmed
    assert row.n == sum(counts)


# Fetching


def asked_of(cc: str) -> list[dict[str, str]]:
    plan = planned(ooni_aggregation.SOURCE, cc, *FEBRUARY)
    assert all(r.url.startswith("https://api.ooni.io/api/v1/aggregation?") for r in plan)
    return [{k: v for k, (v,) in parse_qs(urlsplit(r.url).query).items()} for r in plan]


def test_a_country_is_asked_by_test_and_by_domain_until_the_day_after_the_last() -> None:
    tests, domains = asked_of("PK")
    assert (tests["axis_x"], tests["axis_y"]) == ("measurement_start_day", "test_name")
    assert set(tests["test_name"].split(",")) == {*ooni_aggregation.SERVICE_TESTS, *ooni_aggregation.TOOL_TESTS}
    assert (domains["test_name"], domains["axis_y"]) == ("web_connectivity", "domain")
    assert {"x.com", "twitter.com"} <= set(domains["domain"].split(","))
    for one in (tests, domains):
        assert (one["probe_cc"], one["since"], one["until"], one["time_grain"]) == (
            "PK",
            "2024-02-01",
            "2024-03-01",
            "day",
        )


def test_all_countries_are_asked_a_test_at_a_time() -> None:
    asked = asked_of("XX")
    assert {one["axis_y"] for one in asked} == {"probe_cc"}
    assert all("probe_cc" not in one for one in asked)
    assert len({one["test_name"] for one in asked}) == len(asked)


def fetched(site: Site, folder: Path, clock: Clock, *answers: Answer) -> list[Path]:
    site.answers = list(answers)
    return fetch("ooni_aggregation", "PK", *FEBRUARY, folder=folder, endpoint=site.address, patience=patience(clock))


def test_what_was_fetched_loads_without_a_word_more(site: Site, tmp_path: Path, clock: Clock) -> None:
    tests = Answer(body=table("test_name", "0,0,0,5,5,2024-02-17,tor").encode())
    busy = Answer(status=429, headers={"Retry-After": "7"})
    domains = Answer(body=table("domain", "4,0,0,1,5,2024-02-17,x.com").encode())
    paths = fetched(site, tmp_path, clock, tests, busy, domains)
    assert clock.slept == [7.0]
    assert [path.split("?")[0] for path, _ in site.asked] == ["/api/v1/aggregation"] * 3
    store = empty_store(tmp_path)
    for path in paths:
        load_file(store, path)
    rows = observations(store, "indicator, cc, entity, value, n")
    assert rows == [(SERVICE, "PK", "x.com", 0.8, 5), (TOOL, "PK", "tor", 0.0, 5)]


@pytest.mark.parametrize(
    "body", ['{"v": 0, "msg": "Invalid since"}', '{"error": "list index out of range", "v": 0}', "<html></html>", ""]
)
def test_an_answer_that_is_no_data_is_not_kept(body: str, site: Site, tmp_path: Path, clock: Clock) -> None:
    with pytest.raises(FetchError):
        fetched(site, tmp_path, clock, Answer(body=body.encode(), headers={"Content-Type": "application/json"}))
    assert not [p for p in tmp_path.rglob("*") if p.is_file()]


# What it is for


def aggregation_of(drawn_: Table, first: date) -> str:
    """The counts behind drawn shares, as an answer by domain."""
    rows = []
    for (_, domain), (found, sizes) in drawn_.items():
        for k in range(len(sizes)):
            if sizes[k]:  # days without measurements have no row
                blocked = round(found[k] * sizes[k])
                rows.append(f"{blocked},0,0,{sizes[k] - blocked},{sizes[k]},{first + timedelta(days=k)},{domain}")
    return table("domain", *rows)


def store_of(folder: Path, during: float) -> Database:
    """Measurements of x.com in Pakistan, the share moving on the day of the ban."""
    shares = drawn({("PK", "x.com"): stepped(0.05, during, date(2024, 2, 17))}, first=FIRST, days=140)
    db = analyzer.open(folder / "s.duckdb")
    db.load(write(folder / "x.csv", aggregation_of(shares, FIRST)), cc="PK")
    return db


def test_an_aggregation_of_x_com_confirms_the_ban_in_every_estimate(tmp_path: Path) -> None:
    db = store_of(tmp_path, 0.8)
    users = "".join(f"{FIRST + timedelta(days=k)},pk,{1000 + 97 * k % 70},90\n" for k in range(130))
    db.load(write(tmp_path / "tor.csv", "date,country,users,frac\n" + users))
    study = db.estimate(BAN, indicator="tor.bridge_users", horizons=("14d",), shapes="none")
    assert {e.verification for e in study.estimates} == {"confirmed"}


def test_an_aggregation_of_x_com_that_does_not_move_contests_the_ban(tmp_path: Path) -> None:
    db = store_of(tmp_path, 0.05)
    catalogue = db.catalogue()
    assert verify(catalogue, blocks.find(catalogue, BAN), AtHand(db.store, "PK")).state == "contested"


@pytest.mark.shared
def test_the_sheet_of_the_imap_report_loads_whole(shared: Path, tmp_path: Path) -> None:
    (path,) = (shared / "data/series/ooni-imap-2024").glob("*.csv")
    store = empty_store(tmp_path)
    loaded = load_file(store, path)
    with path.open(encoding="utf-8") as file:
        lines = sum(1 for line in file if line.strip()) - 1
    assert (loaded.source, loaded.rows_loaded, loaded.rows_rejected) == ("ooni_aggregation", lines, 0)
    assert not rejections(store)
    assert len(observations(store, "entity")) == lines
