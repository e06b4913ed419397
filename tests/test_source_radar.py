"""Cloudflare Radar: parts of each answer's own maximum, countries that are stated, a token that is never written."""

from __future__ import annotations

import json
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from stores import empty_store, write
from test_fetch import Answer, Clock, Site, clock, nothing_left, patience, site  # noqa: F401 - fixtures

from analyzer import blocks, sources
from analyzer.errors import BadInput, FetchError
from analyzer.fetching import fetch, planned
from analyzer.records import Observation, Origin, Rejection
from analyzer.store.loading import load_file
from analyzer.study.at_hand import AtHand
from analyzer.study.verified import verify

SOURCE = sources.source_named("radar_timeseries")
JSON = {"Content-Type": "application/json"}
DAYS = (date(2024, 2, 1), date(2024, 2, 20))
TOKEN = "x0-a-token-that-must-not-be-written"  # noqa: S105 - made up


def stamps(count: int, first: datetime = datetime(2024, 2, 17), step: timedelta = timedelta(hours=1)) -> list[str]:
    return [f"{first + i * step:%Y-%m-%dT%H:%M:%SZ}" for i in range(count)]


def answer(series: dict[str, Any], **meta: Any) -> str:
    stated = {"aggInterval": "ONE_HOUR", "normalization": "MIN0_MAX", "units": [{"name": "*", "value": "bytes"}]}
    return json.dumps({"success": True, "errors": [], "messages": [], "result": series | {"meta": stated | meta}})


def traffic(values: list[Any], name: str = "country_PK", **meta: Any) -> str:
    return answer({name: {"timestamps": stamps(len(values)), "values": values}}, **meta)


def read(text: str, **origin: Any) -> list[Observation | Rejection]:
    lines = iter(list(enumerate(text.splitlines(), 1)))
    return list(SOURCE.read(lines, Origin("a.json", **origin)))


def good(text: str, **origin: Any) -> list[Observation]:
    found = read(text, **origin)
    assert [r for r in found if isinstance(r, Rejection)] == []
    return [r for r in found if isinstance(r, Observation)]


def test_values_are_texts_and_parts_of_the_answers_own_maximum() -> None:
    first, second = good(traffic(["1", "0"], confidenceInfo={"level": 4, "annotations": []}))
    assert (first.indicator, first.cc, first.value, first.quality) == ("radar.traffic", "PK", 1.0, 0.8)
    assert (second.value, second.state, second.t_end) == (0.0, "value", datetime(2024, 2, 17, 2))
    assert "traffic" in first.unit


def test_two_answers_never_share_a_scale_and_two_series_of_one_answer_do() -> None:
    both = {name: {"timestamps": stamps(1), "values": [v]} for name, v in (("country_PK", "1"), ("country_IN", ".5"))}
    pk, india = good(answer(both))
    assert (pk.cc, india.cc, pk.scale_id) == ("PK", "IN", india.scale_id)
    assert good(traffic(["1"]))[0].scale_id != good(traffic(["0.5"]))[0].scale_id != pk.scale_id


def test_a_name_is_no_country() -> None:
    """`Sa` has been seen for South Africa, and is the code of Saudi Arabia."""
    text = "Sa timestamps,Sa values\n" + "".join(f"{t},0.5\n" for t in stamps(3))
    with pytest.raises(BadInput, match="does not say of which country the series 'Sa' is; name it with --cc"):
        read(text)
    assert {r.cc for r in good(text, cc="ZA")} == {"ZA"}
    assert {r.cc for r in good(text, mapping={"countries": {"Sa": "ZA"}})} == {"ZA"}


def test_several_series_need_a_mapping_of_their_names() -> None:
    rows = "".join(f"{t},0.5,{t},1\n" for t in stamps(2))
    text = f"France timestamps,France values,Canada timestamps,Canada values\n{rows}"
    with pytest.raises(BadInput, match="countries = "):
        read(text, cc="FR")
    found = good(text, mapping={"countries": {"France": "FR", "Canada": "CA"}})
    assert [(r.cc, r.value) for r in found] == [("FR", 0.5), ("FR", 0.5), ("CA", 1.0), ("CA", 1.0)]
    with pytest.raises(BadInput, match="no country code"):
        read(text, mapping={"countries": {"France": "FR", "Canada": "<script>"}})


def test_an_answer_of_one_country_is_not_loaded_as_another() -> None:
    with pytest.raises(BadInput, match="holds a series of PK, not of IN"):
        read(traffic(["1"]), cc="IN")


def test_shares_by_device_type_are_parts_of_one() -> None:
    series = {"timestamps": stamps(1), "mobile": ["60.275498"], "desktop": ["39.57812"], "other": ["0.146382"]}
    rows = good(answer({"country_ZA": series}, normalization="PERCENTAGE"))
    assert [(r.entity, r.value, r.unit) for r in rows] == [
        ("mobile", pytest.approx(0.60275498), "share of requests"),
        ("desktop", pytest.approx(0.3957812), "share of requests"),
        ("other", pytest.approx(0.00146382), "share of requests"),
    ]
    assert {r.indicator for r in rows} == {"radar.device_share"}


def test_shares_that_do_not_sum_to_a_hundred_are_refused() -> None:
    series = {"timestamps": stamps(1), "mobile": ["60"], "desktop": ["60"], "other": ["0"]}
    (found,) = read(answer({"country_ZA": series}, normalization="PERCENTAGE"))
    assert isinstance(found, Rejection)
    assert "sum to 120.0 per cent" in found.reason


def test_an_interval_that_is_counted_in_part_is_no_fall() -> None:
    ends = [{"startTime": "2024-02-17T00:00:00Z", "endTime": "2024-02-17T01:30:00Z"}]
    second, first = read(traffic(["1", "0.1"], dateRange=ends))
    assert isinstance(first, Observation)
    assert isinstance(second, Rejection)
    assert "counts a part only" in second.reason


def test_quarters_of_an_hour_become_hours() -> None:
    times = stamps(5, step=timedelta(minutes=15))
    series = {"country_PK": {"timestamps": times, "values": ["1", "0", "0.5", "0.5", "1"]}}
    whole, edge = good(answer(series, aggInterval="FIFTEEN_MINUTES"))
    assert (whole.value, whole.quality, whole.t_end - whole.t_start) == (0.5, 1.0, timedelta(hours=1))
    assert (edge.value, edge.state) == (None, "missing")


def test_a_row_that_cannot_be_read_is_refused_alone() -> None:
    text = traffic(["1", "x", None, "-1", "nan"])
    found = read(text)
    assert [r.reason for r in found if isinstance(r, Rejection)] == [
        "'x' is not a number",
        "None is not a number",
        "'-1' is negative",
        "'nan' is not a finite number",
    ]
    assert len([r for r in found if isinstance(r, Observation)]) == 1


FAILED = {"success": False, "errors": [{"code": 10000, "message": "Authentication error"}], "result": None}
SERIES = {"timestamps": stamps(2), "values": ["1", "1"]}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (json.dumps(FAILED), "is an error of Cloudflare: .*Authentication error.*expired"),
        (traffic(["1"], normalization="PERCENTAGE_CHANGE"), "normalized as 'PERCENTAGE_CHANGE'; ask for MIN0_MAX"),
        (traffic(["1"], normalization="MIN_MAX"), "normalized as 'MIN_MAX'"),
        (traffic(["1"], aggInterval="ONE_MONTH"), "aggInterval 'ONE_MONTH' is none of"),
        (traffic(["1"], dateRange=[{"startTime": 1}]), "dateRange .* is no list of times"),
        (traffic(["37"]), "holds the value 37: not parts of the answer's maximum"),
        (traffic([]), "has no timestamps or no values"),
        (answer({}), "is no Radar time series"),
        (answer({"summary_0": {"desktop": "31.2", "mobile": "68.1"}}), "is no time series; summaries"),
        (answer({"country_PK": SERIES | {"values": ["1"]}}), "other numbers of timestamps and of values"),
        (answer({"country_PK": {"timestamps": stamps(1), "IPv4": ["60"]}}), "neither values nor shares of mobile"),
        (traffic(["1", "1"])[:-9], "is not whole JSON"),
        ("Pk timestamps,Pk values\n", "no rows"),
        ("Pk timestamps,Pk values\n2024-02-17T00:00:00Z\n", "line 2 has 1 columns, the header 2: was it cut"),
        ("Pk timestamps,Pk values\n2024-02-17T00:00:00Z,1\n", "its times are too few apart"),
        ("Pk timestamps,Pk values\n2024-02-17T00:00:00Z,1\n2024-02-17T00:07:00Z,1\n", "times are 0:07:00 apart"),
        ("Pk timestamps,Pk values,Pk timestamps,Pk values\n,,,\n", "names a column twice"),
        ("Pk values,Pk timestamps\n1,2\n", "its first column is"),
        ("Pk timestamps,In values\n1,2\n", "are no timestamps of 'Pk' with its values"),
    ],
)
def test_another_answer_is_refused_as_a_whole(text: str, why: str) -> None:
    with pytest.raises(BadInput, match=why) as caught:
        read(text, cc="PK")
    assert "\n" not in str(caught.value)


TEXTS = st.sampled_from(["2024-02-17T00:00:00Z", "1", "0.5", "", "x", '"', "9999-12-31T23:59:59+00:00", "<b>", "=1"])
ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS | st.just("timestamps"), inner, max_size=3),
    max_leaves=8,
)
META = ("aggInterval", "normalization", "units", "confidenceInfo", "dateRange")


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(st.sampled_from(META), ANY, max_size=2), st.dictionaries(st.just("country_PK"), ANY))
def test_whatever_an_answer_holds_only_badinput_leaves_the_source(meta: dict[str, Any], series: dict[str, Any]) -> None:
    try:
        read(answer({"country_PK": SERIES} | series, **meta))
    except BadInput as error:
        assert "\n" not in str(error)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.lists(TEXTS, max_size=3), max_size=4))
def test_whatever_a_table_holds_only_badinput_leaves_the_source(rows: list[list[str]]) -> None:
    try:
        read("Pk timestamps,Pk values\n" + "".join(",".join(row) + "\n" for row in rows), cc="PK")
    except BadInput as error:
        assert "\n" not in str(error)


@pytest.mark.shared
@pytest.mark.parametrize(
    ("name", "cc", "rows"),
    [
        ("netflows_world_1h", "XX", 168),
        ("netflows_fr_1h", "FR", 167),
        ("netflows_ca_1h", "CA", 167),
        ("netflows_to_2022-01_1h", "TO", 103),
        ("netflows_to_2022-01_1d", "TO", 73),
        ("http_device_type_za_1h", "ZA", 168 * 3),
    ],
)
def test_the_published_tables_load_whole(shared: Path, tmp_path: Path, name: str, cc: str, rows: int) -> None:
    store = empty_store(tmp_path)
    result = load_file(store, shared / "data" / "series" / "radar-notebook" / f"{name}.csv", cc=cc)
    assert (result.source, result.rows_loaded, result.rows_rejected) == ("radar_timeseries", rows, 0)


@pytest.mark.parametrize(("during", "states"), [(0.1, {"confirmed"}), (1.0, {"contested", "not_verifiable"})])
def test_traffic_verifies_a_shutdown_and_does_not_make_one_up(tmp_path: Path, during: float, states: set[str]) -> None:
    first = datetime(2019, 9, 1)
    times = [first + timedelta(days=i) for i in range(84)]
    rng = np.random.default_rng(5)
    cut = np.array([during if datetime(2019, 11, 17) <= t else 1.0 for t in times])
    values = 0.9 * cut * rng.normal(1, 0.015, len(times))
    series = {
        "country_IR": {"timestamps": stamps(84, first, timedelta(days=1)), "values": [f"{v:.6f}" for v in values]}
    }
    store = empty_store(tmp_path)
    load_file(store, write(tmp_path / "a.json", answer(series, aggInterval="ONE_DAY")))
    catalogue, at_hand = blocks.shipped(), AtHand(store, "IR")
    assert [key.scale for key in at_hand.keys] == ["level"]
    found = verify(catalogue, blocks.find(catalogue, "ir-2019-11-16-shutdown"), at_hand)
    assert found.state in states, found.reasons


# fetch


def body_for(request: Any) -> Answer:
    path = urlsplit(request.path)
    name = parse_qs(path.query)["name"][0]
    cells = {"mobile": ["60"] * 2, "desktop": ["40"] * 2} if "device_type" in path.path else {"values": ["1", "0.5"]}
    kind = "PERCENTAGE" if "device_type" in path.path else "MIN0_MAX"
    return Answer(200, JSON, answer({name: {"timestamps": stamps(2), **cells}}, normalization=kind).encode())


def get(site: Site, folder: Path, clock: Clock, given: Any) -> list[Path]:  # noqa: F811
    site.answers = [given]
    return fetch("radar_timeseries", "PK", *DAYS, folder=folder, endpoint=site.address, patience=patience(clock))


def test_the_token_is_shown_to_the_service_and_written_nowhere(
    site: Site,  # noqa: F811
    tmp_path: Path,
    clock: Clock,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CLOUDFLARE_API_TOKEN", f" {TOKEN}\n")
    paths = get(site, tmp_path, clock, body_for)
    assert {headers["Authorization"] for _, headers in site.asked} == {f"Bearer {TOKEN}"}
    assert not any(TOKEN in p.read_text() for p in tmp_path.rglob("*") if p.is_file())
    assert [urlsplit(path).path for path, _ in site.asked] == [
        "/client/v4/radar/netflows/timeseries",
        "/client/v4/radar/http/timeseries_groups/device_type",
    ]
    asked = {k: v[0] for k, v in parse_qs(urlsplit(site.asked[0][0]).query).items()}
    assert asked["location"] == "PK"
    assert (asked["dateStart"], asked["dateEnd"]) == ("2024-02-01T00:00:00Z", "2024-02-20T00:00:00Z")
    store = empty_store(tmp_path)
    assert [load_file(store, path).rows_loaded for path in paths] == [2, 4]


@pytest.mark.parametrize("status", [400, 401, 403])
def test_an_expired_token_is_said_so_without_it(
    site: Site,  # noqa: F811
    tmp_path: Path,
    clock: Clock,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
    status: int,
) -> None:
    monkeypatch.setenv("CLOUDFLARE_API_TOKEN", TOKEN)
    with pytest.raises(FetchError, match="the token in CLOUDFLARE_API_TOKEN is expired, wrong or") as caught:
        get(site, tmp_path, clock, Answer(status, JSON, json.dumps(FAILED).encode()))
    assert TOKEN not in str(caught.value)
    assert nothing_left(tmp_path)


def test_an_error_body_with_status_200_leaves_nothing_behind(
    site: Site,  # noqa: F811
    tmp_path: Path,
    clock: Clock,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CLOUDFLARE_API_TOKEN", TOKEN)
    with pytest.raises(FetchError, match=r"is an error of Cloudflare.*Authentication error"):
        get(site, tmp_path, clock, Answer(200, JSON, json.dumps(FAILED).encode()))
    assert nothing_left(tmp_path)


@pytest.mark.parametrize(
    ("token", "endpoint", "why"),
    [
        ("", None, "asks for a token: put yours into the environment variable CLOUDFLARE_API_TOKEN"),
        ("two words", None, "is no token: copy it again"),
        ("t\u00f6ken", None, "is no token: copy it again"),
        (TOKEN, "http://mirror.example.org", "is not sent to mirror.example.org in the clear"),
    ],
)
def test_without_a_fit_token_nobody_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, token: str, endpoint: str | None, why: str
) -> None:
    monkeypatch.setenv("CLOUDFLARE_API_TOKEN", token)
    with pytest.raises(FetchError, match=why):
        fetch("radar_timeseries", "PK", *DAYS, folder=tmp_path, endpoint=endpoint)


def test_a_dry_run_needs_no_token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CLOUDFLARE_API_TOKEN", raising=False)
    assert len(fetch("radar_timeseries", "PK", *DAYS, folder=tmp_path, dry_run=True)) == 2


def test_a_range_is_never_cut_into_answers_that_do_not_compare() -> None:
    with pytest.raises(FetchError, match="at most 364 days at once"):
        planned(SOURCE, "PK", date(2023, 1, 1), date(2024, 1, 1))
    found = planned(SOURCE, "XX", date(2023, 1, 1), date(2023, 6, 1))
    assert all("location" not in r.url and "aggInterval=1d" in r.url for r in found)
