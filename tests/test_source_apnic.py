"""APNIC: shares of a country's users by network."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stores import empty_store, observations, write
from test_fetch import Answer, Clock, Site, clock, patience, site  # noqa: F401 - clock and site are fixtures

from analyzer import sources
from analyzer.errors import BadInput, FetchError
from analyzer.fetching import fetch, planned
from analyzer.records import Observation, Origin, Rejection
from analyzer.store.loading import load_file
from analyzer.study.ask import series_keys

SOURCE = sources.source_named("apnic_users")
DAY = datetime(2024, 2, 17, 15)


def network(asn: Any, percent: Any, **more: Any) -> dict[str, Any]:
    return {"as": asn, "autnum": "NAME", "cc": "PK", "percent": percent} | more


def read(items: Any, name: str = "a.json", **origin: Any) -> list[Observation | Rejection]:
    text = items if isinstance(items, str) else json.dumps(items)
    known = {"retrieved_at": DAY} | origin
    return list(SOURCE.read(iter(list(enumerate(text.splitlines(), 1))), Origin(name, **known)))


def test_a_network_has_its_share_on_the_day_of_retrieval():
    rows = read([network(17557, 31.2), network("45595", "12.5")])
    assert [(r.cc, r.asn, r.value, r.unit, r.t_start, r.t_end) for r in rows if isinstance(r, Observation)] == [
        ("PK", 17557, 31.2, "percent of the country's users", datetime(2024, 2, 17), datetime(2024, 2, 18)),
        ("PK", 45595, 12.5, "percent of the country's users", datetime(2024, 2, 17), datetime(2024, 2, 18)),
    ]


@pytest.mark.parametrize(
    ("asn", "percent", "field"),
    [
        (0, 5, "as"),
        (2**32, 5, "as"),
        ("AS1", 5, "as"),
        (True, 5, "as"),
        (1, -1, "percent"),
        (1, 101, "percent"),
        (1, None, "percent"),
        (1, True, "percent"),
        (1, float("nan"), "percent"),
    ],
)
def test_a_row_that_cannot_be_right_is_refused_with_its_reason(asn: Any, percent: Any, field: str):
    found = read([network(asn, percent), network(2, 50)])
    assert [(r.line, r.field) for r in found if isinstance(r, Rejection)] == [(1, field)]
    assert len(found) == 2


@pytest.mark.parametrize(
    ("items", "origin", "why"),
    [
        ([network(1, 60), network(2, 60)], {}, "120.0 per cent together"),
        ([network(1, 0.6), network(2, 0.3)], {}, "0.9 together: fractions or a part"),
        ([network(1, 60)], {"cc": "IN"}, "is of 'IN or PK'"),
        ([network(1, 60)], {"name": "IN.asns.json"}, "is of 'IN or PK'"),
        ([network(1, 30), network(2, 30, cc="IN")], {}, "does not say of which country"),
        ([network(1, 60, cc="<b>")], {}, "ISO 3166-1 does not assign"),
        ([network(1, 60)], {"retrieved_at": None}, "does not say when it was retrieved"),
        ([network(1, 60), {"as": 2, "percent": 5}], {}, "row 2 lacks one of as, percent, autnum"),
        ([], {}, "a list without networks"),
        ({"error": "no such economy"}, {}, "is no list of networks"),
        ('[{"as":1,"autnum":"x"', {}, "is not whole JSON"),
        ("", {}, "is empty"),
    ],
)
def test_what_is_not_one_countrys_list_says_what_it_is(items: Any, origin: dict[str, Any], why: str):
    with pytest.raises(BadInput, match=why):
        read(items, **origin)


def test_a_stated_country_stands_where_rows_name_several():
    assert {r.cc for r in read([network(1, 30), network(2, 30, cc="IN")], cc="PK") if isinstance(r, Observation)} == {
        "PK"
    }


def test_a_list_larger_than_a_document_may_be_is_refused():
    with pytest.raises(BadInput, match="longer than 16 MiB"):
        read("[" + "\n".join(" " * 999_999 for _ in range(20)) + "]")


@given(
    st.lists(
        st.dictionaries(
            st.sampled_from(["as", "percent", "autnum", "cc"]),
            st.none()
            | st.booleans()
            | st.floats()
            | st.integers()
            | st.text(max_size=4)
            | st.lists(st.integers(), max_size=1),
        ),
        max_size=4,
    )
)
def test_whatever_a_file_holds_it_is_read_or_refused(items: list[dict[str, Any]]):
    with suppress(BadInput):
        for row in read(items):
            repr(row).encode()


def test_networks_of_two_days_load_side_by_side_and_none_is_estimated(tmp_path: Path):
    store = empty_store(tmp_path)
    for day, share in ((17, 30), (18, 31)):
        path = write(tmp_path / f"{day}.json", json.dumps([network(1, share)]))
        load_file(store, path, retrieved=date(2024, 2, day))
    assert observations(store, "asn, t_start, value") == [
        (1, datetime(2024, 2, 17), 30.0),
        (1, datetime(2024, 2, 18), 31.0),
    ]
    assert series_keys(store, "PK", None) == []


def test_what_is_fetched_is_of_the_country_and_day_it_was_asked_for(site: Site, tmp_path: Path, clock: Clock):  # noqa: F811
    days = (date(2024, 2, 1), date(2024, 3, 1))
    (request,) = planned(SOURCE, "PK", *days)
    assert request.url.endswith("/ipv6-measurement/Economies/PK/PK.asns.json?m=0.01")
    body = json.dumps([network(1, 30, cc=None), network(2, 5, cc=None)]).encode()
    site.answers = [Answer(headers={"Content-Type": "application/json"}, body=body)]
    (path,) = fetch("apnic_users", "PK", *days, folder=tmp_path, endpoint=site.address, patience=patience(clock))
    assert site.asked[0][0] == "/ipv6-measurement/Economies/PK/PK.asns.json?m=0.01"
    store = empty_store(tmp_path)
    load_file(store, path)
    assert observations(store, "cc, asn, t_start") == [("PK", n, datetime(2024, 3, 5)) for n in (1, 2)]
    with pytest.raises(FetchError, match="of one country each"):
        planned(SOURCE, "XX", *days)
