"""Wikimedia pageviews: the documented shape, its traps, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_fetch import Answer, Clock, Site, note_of, patience, site  # noqa: F401 - a fixture

from analyzer import sources
from analyzer.errors import BadInput, FetchError
from analyzer.fetching import fetch
from analyzer.records import Observation, Origin, Rejection

SOURCE = sources.source_named("wikimedia_pageviews")


def item(**changes: Any) -> dict[str, Any]:
    return {
        "project": "en.wikipedia",
        "article": "Virtual_private_network",
        "granularity": "daily",
        "timestamp": "2024021700",
        "access": "all-access",
        "agent": "user",
        "views": 5210,
    } | changes


def read(text: str, **origin: Any) -> list[Observation | Rejection]:
    lines: Iterator[tuple[int, str]] = iter(list(enumerate(text.split("\n"), 1)))
    return list(SOURCE.read(lines, Origin(**{"name": "a.json"} | origin)))


def one(changes: dict[str, Any], **origin: Any) -> Observation | Rejection:
    (found,) = read(json.dumps({"items": [item(**changes)]}), **origin)
    return found


def test_views_of_an_article_are_of_the_world_on_a_utc_day() -> None:
    assert one({}) == Observation(
        "wiki.pageviews",
        "XX",
        datetime(2024, 2, 17),
        datetime(2024, 2, 18),
        5210.0,
        "views",
        entity="en.wikipedia Virtual_private_network",
        scale_id="daily/all-access/user",
    )


def test_a_month_ends_where_the_next_begins_and_is_another_scale() -> None:
    found = one({"granularity": "monthly", "timestamp": "2024020100"})
    assert isinstance(found, Observation)
    assert (found.t_end, found.scale_id) == (datetime(2024, 3, 1), "monthly/all-access/user")


def test_a_language_stands_for_a_country_only_where_its_user_says_so_and_it_is_not_of_many() -> None:
    found = one({"project": "fa.wikipedia.org"}, cc="IR")
    assert isinstance(found, Observation)
    assert (found.cc, found.entity) == ("IR", "fa.wikipedia Virtual_private_network")
    for project in ("en.wikipedia", "es.wikipedia", "simple.wikipedia", "www.wikidata", "commons.wikimedia"):
        with pytest.raises(BadInput, match="says nothing of IR; leave --cc out"):
            one({"project": project}, cc="IR")


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"views": "5210"}, "views"),
        ({"views": -1}, "views"),
        ({"views": True}, "views"),
        ({"views": None}, "views"),
        ({"views": 10**12}, "views"),
        ({"agent": "all-agents"}, "agent"),
        ({"access": "anywhere"}, "access"),
        ({"article": " "}, "article"),
        ({"project": None}, "project"),
        ({"granularity": "hourly"}, "granularity"),
        ({"timestamp": "2024021705"}, "timestamp"),
        ({"timestamp": "20240217"}, "timestamp"),
        ({"timestamp": "2024023100"}, "timestamp"),
        ({"timestamp": "0001010100"}, "timestamp"),
        ({"timestamp": 2024021700}, "timestamp"),
        ({"granularity": "monthly"}, "timestamp"),
    ],
)
def test_an_item_that_is_not_as_documented_is_refused_by_field(changes: dict[str, Any], field: str) -> None:
    found = one(changes)
    assert isinstance(found, Rejection)
    assert found.field == field


def test_a_day_that_was_not_over_is_refused_unless_the_retrieval_is_plainly_wrong() -> None:
    found = one({}, retrieved_at=datetime(2024, 2, 17, 20))
    assert isinstance(found, Rejection)
    assert "was not over" in found.reason
    assert isinstance(one({}, retrieved_at=datetime(2024, 2, 18)), Observation)
    assert isinstance(one({}, retrieved_at=datetime(2023, 1, 1)), Observation)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('{"items":[{"project":"en', "not whole JSON"),
        ('{"items":[]}', "without items"),
        ("[]", "no answer with page views"),
        ('{"type":"https://x/errors/not_found","title":"Not found.","detail":"No data"}', r"\(Not found. No data\)"),
        ('{"items":[{"country":"PK","access":"all-access","articles":[]}]}', "most viewed"),
        ('{"items":[{"project":"en.wikipedia","views":5}]}', "a whole project"),
        ("1" * 5000, "not whole JSON"),
        ("[" * 100_000, "not whole JSON"),
        ("<html>", "not whole JSON"),
    ],
)
def test_another_answer_is_said_to_be_one(text: str, why: str) -> None:
    with pytest.raises(BadInput, match=why):
        read(text)


junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*item(), "items"]), inner, max_size=3),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from([*item()]), junk, max_size=4), st.sampled_from([None, "IR"]))
def test_any_item_is_read_or_refused(changes: dict[str, Any], cc: str | None) -> None:
    try:
        found = one(changes, cc=cc)
    except BadInput:
        return
    if isinstance(found, Observation):
        assert found.t_start < found.t_end
        found.entity.encode()
        assert found.value is not None
        assert found.value >= 0


@given(junk)
def test_any_document_is_read_or_refused(document: Any) -> None:
    text = json.dumps(document)
    SOURCE.recognise(text)
    try:
        read(text)
    except BadInput as error:
        str(error).encode()


def test_fetch_asks_the_documented_address_and_loads_what_comes(
    site: Site,  # noqa: F811
    tmp_path: Path,
) -> None:
    clock = Clock()
    site.answers = [Answer(headers={"Content-Type": "application/json"}, body=json.dumps({"items": [item()]}).encode())]
    days = (date(2024, 2, 1), date(2024, 3, 1))
    (path,) = fetch(SOURCE, "PK", *days, folder=tmp_path, endpoint=site.address, patience=patience(clock))
    asked, headers = site.asked[0]
    assert asked.removesuffix("?") == (
        "/api/rest_v1/metrics/pageviews/per-article/en.wikipedia/all-access/user/Virtual_private_network/daily/"
        "2024020100/2024022900"
    )
    assert headers["User-Agent"].startswith("vpn-uptake/")
    assert note_of(path)["licence"] == "CC0 1.0"
    assert len(read(path.read_text())) == 1


def test_days_before_the_service_are_not_asked_for() -> None:
    assert SOURCE.requests is not None
    assert "/2015070100/" in SOURCE.requests("XX", date(2015, 1, 1), date(2015, 8, 1))[0].url
    with pytest.raises(FetchError, match="begin on 2015-07-01"):
        SOURCE.requests("XX", date(2015, 1, 1), date(2015, 7, 1))
