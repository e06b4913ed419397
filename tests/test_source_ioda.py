"""IODA signals: points become hours that say how many of them there were, and nothing passes for connectivity."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from stores import empty_store, observations, rejections, write
from test_fetch import Answer, Clock, Site, clock, nothing_left, patience, site  # noqa: F401 - fixtures

from analyzer import blocks, sources
from analyzer.errors import BadInput, FetchError
from analyzer.fetching import fetch, planned
from analyzer.records import Observation, Origin, Rejection
from analyzer.store.loading import load_file
from analyzer.study.at_hand import AtHand
from analyzer.study.verified import verify

SOURCE = sources.source_named("ioda_signals")
FIRST = 1_704_600_000  # 2024-01-07 04:00
JSON = {"Content-Type": "application/json"}


def signal(values: list[Any], **changes: Any) -> dict[str, Any]:
    found: dict[str, Any] = {
        "entityType": "country",
        "entityCode": "PK",
        "entityName": "Pakistan",
        "datasource": "bgp",
        "subtype": "",
        "from": FIRST,
        "step": 600,
        "nativeStep": 600,
        "values": values,
    } | changes
    return {"until": found["from"] + found["step"] * len(values)} | found


def answer(*signals: Any, **changes: Any) -> str:
    return json.dumps(
        {"type": "signals", "requestParameters": {}, "error": None, "data": [list(signals)], "copyright": "x"} | changes
    )


def read(text: str, **origin: Any) -> list[Observation | Rejection]:
    lines = iter(list(enumerate(text.splitlines(), 1)))
    return list(SOURCE.read(lines, Origin("a.json", **origin)))


def good(text: str, **origin: Any) -> list[Observation]:
    found = read(text, **origin)
    assert [r for r in found if isinstance(r, Rejection)] == []
    return [r for r in found if isinstance(r, Observation)]


def reason(*signals: Any, **origin: Any) -> str:
    (found,) = read(answer(*signals), **origin)
    assert isinstance(found, Rejection)
    return f"{found.line} {found.field}: {found.reason}"


def test_points_become_hours_and_null_is_missing_not_zero() -> None:
    first, second, third = good(answer(signal([10, 20, 30, None, None, None] + [0] * 6 + [7, 7] + [None] * 4)))
    assert (first.indicator, first.cc, first.entity, first.scale_id) == ("ioda.connectivity", "PK", "bgp", "ioda/bgp")
    assert (first.t_start, first.t_end) == (datetime(2024, 1, 7, 4), datetime(2024, 1, 7, 5))
    assert (first.value, first.quality, first.state) == (20.0, 0.5, "value")
    assert (second.value, second.state) == (0.0, "value")
    assert (third.value, third.state, third.quality) == (None, "missing", pytest.approx(1 / 3))
    assert "connectivity" in first.unit


def test_a_half_answered_hour_at_the_edge_of_an_answer_says_so() -> None:
    edge, whole = good(answer(signal([5, 5, 5] + [6] * 6, **{"from": FIRST + 1800})))
    assert (edge.t_start, edge.quality, whole.quality) == (datetime(2024, 1, 7, 4), 0.5, 1.0)


def test_thinned_points_do_not_compare_with_the_services_own() -> None:
    (thinned,) = good(answer(signal([5, 6], step=1800)))
    assert (thinned.scale_id, thinned.value) == ("ioda/bgp/1800s", 5.5)
    odd = good(answer(signal([5, 6], step=1500, nativeStep=300)))
    assert [(r.t_end - r.t_start, r.value) for r in odd] == [(timedelta(minutes=25), 5.0), (timedelta(minutes=25), 6.0)]
    (day,) = good(answer(signal([5], step=86400)))
    assert day.t_end - day.t_start == timedelta(days=1)


def test_one_answer_may_hold_several_sources_and_places() -> None:
    text = json.dumps(
        {
            "type": "signals",
            "requestParameters": {},
            "data": [
                [signal([1] * 6), signal([2] * 6, datasource="ping-slash24"), signal([3] * 6, datasource="merit-nt")],
                [signal([4] * 6, entityCode="NA"), signal([5] * 6, entityCode="??")],
            ],
        }
    )
    rows = good(text)
    assert [(r.cc, r.entity, r.value) for r in rows] == [
        ("PK", "bgp", 1.0),
        ("PK", "ping-slash24", 2.0),
        ("PK", "merit-nt", 3.0),
        ("NA", "bgp", 4.0),
        ("ZZ", "bgp", 5.0),
    ]


def test_googles_products_are_its_traffic_and_no_connectivity() -> None:
    """A block of a Google product lowers them too."""
    (row,) = good(answer(signal([9e8, 9e8], datasource="gtr", subtype="WEB_SEARCH", step=1800, nativeStep=1800)))
    assert (row.indicator, row.entity, row.scale_id) == ("google.traffic", "WEB_SEARCH", "ioda/gtr")


@pytest.mark.parametrize("source", ["ping-slash24-loss", "ping-slash24-latency", "gtr-norm", "gtr-sarima", "mozilla"])
def test_what_rises_in_an_outage_or_is_modelled_is_refused(source: str) -> None:
    assert "measures no connectivity as such" in reason(signal([1] * 6, datasource=source))


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"datasource": "new-thing"}, "1 datasource: 'new-thing' is no data source whose meaning we know"),
        ({"datasource": None}, "None is no data source"),
        ({"entityType": "region", "entityCode": "1234"}, "neither a country nor a network"),
        ({"entityType": "continent", "entityCode": "AS"}, "neither a country nor a network"),
        ({"entityType": "asn", "entityCode": "99999999999"}, "neither a country nor a network"),
        ({"entityType": "asn", "entityCode": "17557"}, "AS17557 is a network without its country; name it with --cc"),
        ({"entityCode": "QQ"}, "entityCode: 'QQ' is no country code"),
        ({"entityCode": "<script>"}, "entityCode: '<script>' is no country code"),
        ({"step": 0}, "step: 0 is no number of seconds"),
        ({"step": True}, "step: True is no number"),
        ({"nativeStep": None}, "nativeStep: None is no number"),
        ({"from": "x"}, "from: 'x' is no number"),
        ({"until": FIRST + 36000}, "values: are 6, where from, until and step say 60"),
        ({"values": []}, "values: is empty"),
        ({"values": "no"}, "values: is no list"),
        ({"values": [{"agg": 1}] * 6}, "values: holds objects where numbers were expected"),
        ({"subtype": "=cmd()"}, "subtype: '=cmd()' is no name"),
    ],
)
def test_a_series_that_cannot_be_placed_is_refused_with_its_reason(changes: dict[str, Any], why: str) -> None:
    start = FIRST
    assert why in reason({**signal([1] * 6), "from": start} | changes)


def test_a_network_needs_its_country_named() -> None:
    (row,) = good(answer(signal([1] * 6, entityType="asn", entityCode="AS17557")), cc="PK")
    assert (row.cc, row.asn, row.entity) == ("PK", 17557, "bgp")


def test_a_point_that_is_no_number_is_refused_and_its_hour_keeps_the_others() -> None:
    values = [1, "x", True, -1, float("nan"), 10**400]
    found = read(answer(signal([*values, *values[:1] * 6])))
    assert [(r.field, r.reason.split(" is ")[1]) for r in found if isinstance(r, Rejection)] == [
        ("values[1]", "not a number"),
        ("values[2]", "not a number"),
        ("values[3]", "negative"),
        ("values[4]", "not a finite number"),
        ("values[5]", "not a number"),
    ]
    hours = [r for r in found if isinstance(r, Observation)]
    assert [(h.value, h.state) for h in hours] == [(None, "missing"), (1.0, "value")]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (answer(error="no such entity"), "is an error of IODA: 'no such entity'"),
        (answer(type="outages.events"), "is an IODA answer of type 'outages.events', not of signals/raw"),
        (answer(data=[[]]), "holds no signal"),
        (answer(data=[]), "holds no signal"),
        (answer(data=None), "data is no list of lists of signals"),
        (answer(data={"signals": []}), "data is no list of lists of signals .found: dict"),
        (answer(data=[signal([1])]), "data is no list of lists of signals"),
        (answer(signal([1] * 6))[:-30], "is not whole JSON"),
        ("[" * 100_000, "is not whole JSON"),
        ("[]", "is a JSON list, not an object"),
    ],
)
def test_another_answer_is_refused_as_a_whole(text: str, why: str) -> None:
    with pytest.raises(BadInput, match=why) as caught:
        read(text)
    assert "\n" not in str(caught.value)


def test_a_document_is_bounded_however_many_lines_it_has() -> None:
    with pytest.raises(BadInput, match="longer than 16 MiB"):
        list(SOURCE.read(((i, " " * 1_000_000) for i in range(100)), Origin("a.json")))


def test_signals_of_another_country_than_stated_are_not_loaded() -> None:
    with pytest.raises(BadInput, match="holds signals of PK, not of IN"):
        read(answer(signal([1] * 6)), cc="IN")


TEXTS = st.sampled_from(["", "bgp", "gtr", "PK", "asn", "<b>", "a\nb", "\ud800", "=1"])
ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS | st.just(FIRST) | st.just("country"),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)
FIELDS = ("entityType", "entityCode", "datasource", "subtype", "from", "until", "step", "nativeStep", "values")


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(st.sampled_from(FIELDS), ANY, max_size=4), st.dictionaries(st.just("data"), ANY))
def test_whatever_an_answer_holds_only_badinput_leaves_the_source(
    fields: dict[str, Any], whole: dict[str, Any]
) -> None:
    try:
        found = read(answer(signal([1] * 6) | fields, **whole))
    except BadInput as error:
        assert "\n" not in str(error)
    else:
        assert found
        for row in found:
            assert isinstance(row, (Observation, Rejection))
            assert isinstance(row, Rejection) or row.t_start < row.t_end


@given(st.integers(0, 400))
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_a_cut_answer_is_never_half_loaded(at: int) -> None:
    text = SOURCE.example.strip()
    with pytest.raises(BadInput):
        read(text[: len(text) - 1 - at])


def test_the_same_bytes_load_once_and_rejections_are_kept(tmp_path: Path) -> None:
    store = empty_store(tmp_path)
    text = answer(signal([1] * 6), signal([1] * 6, datasource="mozilla"))
    result = load_file(store, write(tmp_path / "a.json", text))
    assert (result.source, result.rows_loaded, result.rows_rejected) == ("ioda_signals", 1, 1)
    assert observations(store) == [("PK", "bgp", datetime(2024, 1, 7, 4), 1.0, "value")]
    assert len(rejections(store)) == 1


def ir_answer(source: str, level: float, during: float, seed: int) -> str:
    """Six weeks of Iran with the shutdown of 2019-11-16 as a fall to a part of the level."""
    first, step = datetime(2019, 10, 5), timedelta(minutes=10)
    times = [first + i * step for i in range(46 * 144)]
    rng = np.random.default_rng(seed)
    day = 1 + 0.01 * np.sin(2 * np.pi * np.arange(len(times)) / 144)
    cut = np.array([during if t >= datetime(2019, 11, 16, 14, 30) else 1.0 for t in times])
    values = np.round(level * day * cut * rng.normal(1, 0.004, len(times))).astype(int).tolist()
    start = int(first.replace(tzinfo=UTC).timestamp())
    return answer(signal(values, entityCode="IR", datasource=source, **{"from": start}))


@pytest.mark.parametrize(("during", "states"), [(0.1, {"confirmed"}), (1.0, {"contested", "not_verifiable"})])
def test_signals_verify_a_shutdown_and_do_not_make_one_up(tmp_path: Path, during: float, states: set[str]) -> None:
    store = empty_store(tmp_path)
    for seed, source in enumerate(("bgp", "ping-slash24")):
        load_file(store, write(tmp_path / f"{source}.json", ir_answer(source, 40_000, during, seed)))
    catalogue = blocks.shipped()
    at_hand = AtHand(store, "IR")
    assert {key.scale for key in at_hand.keys} == {"level"}
    found = verify(catalogue, blocks.find(catalogue, "ir-2019-11-16-shutdown"), at_hand)
    assert found.state in states
    assert any("ioda.connectivity bgp" in reason for reason in found.reasons)


# fetch


def test_requests_are_pieces_that_are_not_thinned_and_leave_no_day_out() -> None:
    found = planned(SOURCE, "pk", date(2024, 1, 1), date(2024, 3, 1))
    assert len({r.filename for r in found}) == len(found)
    for source, most in (("bgp", 300 * 4000), ("ping-slash24", 600 * 4000)):
        asked = [parse_qs(urlsplit(r.url).query) for r in found if f"datasource={source}" in r.url.split("&")]
        spans = [(int(a["from"][0]), int(a["until"][0])) for a in asked]
        assert spans[0][0] == int(datetime(2024, 1, 1, tzinfo=UTC).timestamp())
        assert spans[-1][1] == int(datetime(2024, 3, 1, tzinfo=UTC).timestamp())
        assert all(a[1] == b[0] for a, b in pairwise(spans))
        assert all(b - a <= most for a, b in spans)


def test_there_are_no_signals_of_the_world() -> None:
    with pytest.raises(FetchError, match="not of the world"):
        planned(SOURCE, "XX", date(2024, 1, 1), date(2024, 1, 2))


def test_the_documented_address_is_asked_and_the_answer_loads(
    site: Site,  # noqa: F811
    tmp_path: Path,
    clock: Clock,  # noqa: F811
) -> None:
    def give(request: Any) -> Answer:
        asked = {k: v[0] for k, v in parse_qs(urlsplit(request.path).query).items()}
        first, until = int(asked["from"]), int(asked["until"])
        values = [7] * ((until - first) // 600)
        found = signal(values, datasource=asked["datasource"], **{"from": first})
        return Answer(200, JSON, answer(found).encode())

    site.answers = [give]
    days = (date(2024, 1, 1), date(2024, 1, 3))
    paths = fetch("ioda_signals", "PK", *days, folder=tmp_path, endpoint=site.address, patience=patience(clock))
    assert [urlsplit(path).path for path, _ in site.asked] == ["/v2/signals/raw/country/PK"] * 2
    store = empty_store(tmp_path)
    assert [load_file(store, path).rows_loaded for path in paths] == [48, 48]


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (answer(error="internal"), "is an error of IODA"),
        (answer(data=[[]]), "holds no signal"),
        (answer(signal([1] * 6))[:-10], "is not whole JSON"),
        ('{"detail": "x"}', "JSON of no source we know"),
    ],
)
def test_an_error_body_with_status_200_is_refused_and_nothing_is_left(
    site: Site,  # noqa: F811
    tmp_path: Path,
    clock: Clock,  # noqa: F811
    body: str,
    why: str,
) -> None:
    site.answers = [Answer(200, JSON, body.encode())]
    days = (date(2024, 1, 1), date(2024, 1, 3))
    with pytest.raises(FetchError, match=why):
        fetch("ioda_signals", "PK", *days, folder=tmp_path, endpoint=site.address, patience=patience(clock))
    assert nothing_left(tmp_path)
