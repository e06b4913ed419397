"""Google Trends: the exported file, its traps, and what is refused."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer import sources
from analyzer.errors import BadInput
from analyzer.records import Observation, Origin, Rejection

SOURCE = sources.source_named("google_trends")
HEAD = "Category: All categories\n\n"
LATER = datetime(2025, 1, 1)


def read(text: str, **origin: Any) -> list[Observation | Rejection]:
    lines: Iterator[tuple[int, str]] = iter(list(enumerate(text.splitlines(), 1)))
    given: dict[str, Any] = {"name": "multiTimeline.csv", "retrieved_at": LATER} | origin
    return list(SOURCE.read(lines, Origin(**given)))


def good(text: str, **origin: Any) -> list[Observation]:
    found = read(text, **origin)
    assert [r for r in found if isinstance(r, Rejection)] == []
    return [r for r in found if isinstance(r, Observation)]


def refused(text: str, **origin: Any) -> list[tuple[int, str]]:
    return [(r.line, r.reason) for r in read(text, **origin) if isinstance(r, Rejection)]


DAYS = HEAD + "Day,vpn: (Pakistan),psiphon: (Pakistan)\n2024-02-16,31,<1\n2024-02-17,64,\n"


def test_days_load_as_an_index_per_term_with_their_states() -> None:
    rows = good(DAYS)
    assert [(r.entity, r.cc, r.t_start.day, r.value, r.state, r.low, r.high) for r in rows] == [
        ("vpn", "PK", 16, 31.0, "value", None, None),
        ("psiphon", "PK", 16, None, "below_threshold", 0.0, 1.0),
        ("vpn", "PK", 17, 64.0, "value", None, None),
        ("psiphon", "PK", 17, None, "missing", None, None),
    ]
    assert {(r.indicator, r.unit, r.t_end - r.t_start) for r in rows} == {("search.interest", "index", timedelta(1))}


def test_a_file_is_one_scale_and_another_export_is_another() -> None:
    (scale,) = {r.scale_id for r in good(DAYS)}
    (same,) = {r.scale_id for r in good(DAYS, name="elsewhere.csv")}
    (other,) = {r.scale_id for r in good(DAYS.replace("31", "32"))}
    (narrow,) = {r.scale_id for r in good(DAYS.replace("All categories", "Games"))}
    assert scale == same
    assert len({scale, other, narrow}) == 3
    assert narrow.endswith("Category: Games")


def test_weeks_begin_on_sunday_and_the_one_not_over_is_refused() -> None:
    text = HEAD + "Week,vpn: (Iran)\n2024-02-04,5\n2024-02-11,6\n2024-02-18,70\n"
    assert [r.t_end for r in good(text)][-1] == datetime(2024, 2, 25)
    found = read(text, retrieved_at=datetime(2024, 2, 20))
    assert [r.value for r in found if isinstance(r, Observation)] == [5.0, 6.0]
    assert "was not over" in refused(text, retrieved_at=datetime(2024, 2, 20))[0][1]
    with pytest.raises(BadInput, match="weeks from Sunday"):
        read(text.replace("2024-02-11", "2024-02-12"))


def test_without_a_retrieval_the_last_row_may_be_a_part() -> None:
    assert refused(DAYS, retrieved_at=None) == [(5, "may be part of a day: state --retrieved")]


def test_a_date_in_the_path_that_cannot_be_the_retrieval_refuses_the_last_row_only() -> None:
    assert len(refused(DAYS, retrieved_at=datetime(2023, 1, 1))) == 1


def test_months_are_read_as_months() -> None:
    rows = good(HEAD + "Month,vpn: (Worldwide)\n2023-12,50\n2024-01,100\n")
    assert [(r.cc, r.t_start, r.t_end) for r in rows][1] == ("XX", datetime(2024, 1, 1), datetime(2024, 2, 1))


def test_hours_need_the_clock_of_the_browser() -> None:
    text = HEAD + "Time,vpn: (Pakistan)\n2024-02-17T22,50\n2024-02-17T23,100\n"
    with pytest.raises(BadInput, match="name it with --tz"):
        read(text)
    rows = good(text, tz="Asia/Karachi")
    assert (rows[0].t_start, rows[0].t_end) == (datetime(2024, 2, 17, 17), datetime(2024, 2, 17, 18))


def test_steps_shorter_than_an_hour_are_refused_as_a_whole() -> None:
    with pytest.raises(BadInput, match="shorter than an hour"):
        read(HEAD + "Time,vpn: (Pakistan)\n2024-02-17T22:00,50\n2024-02-17T22:08,100\n", tz="UTC")


def test_localised_words_are_told_by_position_and_spacing_and_the_country_by_the_user() -> None:
    text = "Kategorie: Alle Kategorien\n\nWoche;vpn: (Russland)\n2024-02-04;<1\n2024-02-11;6\n"
    with pytest.raises(BadInput, match="no English name of a country"):
        read(text)
    rows = good(text, cc="RU")
    assert [(r.cc, r.t_end - r.t_start, r.state) for r in rows] == [
        ("RU", timedelta(7), "below_threshold"),
        ("RU", timedelta(7), "value"),
    ]


@pytest.mark.parametrize(
    ("name", "cc"),
    [
        ("Myanmar (Burma)", "MM"),
        ("Congo - Kinshasa", "CD"),
        ("Türkiye", "TR"),
        ("Turkey", "TR"),
        ("Côte d'Ivoire", "CI"),
        ("Bosnia and Herzegovina", "BA"),
        ("Hong Kong", "HK"),
        ("Saint Lucia", "LC"),
        ("Namibia", "NA"),
        ("United States", "US"),
    ],
)
def test_countries_are_known_by_their_english_names(name: str, cc: str) -> None:
    assert {r.cc for r in good(DAYS.replace("Pakistan", name))} == {cc}


def test_a_name_that_a_region_shares_is_the_users_to_settle() -> None:
    text = DAYS.replace("Pakistan", "Georgia")
    with pytest.raises(BadInput, match="of a country and of a region"):
        read(text)
    assert {r.cc for r in good(text, cc="GE")} == {"GE"}


def test_countries_side_by_side_share_a_scale_and_none_is_taken_for_the_users() -> None:
    text = HEAD + "Day,vpn: (Pakistan),vpn: (India)\n2024-02-16,31,5\n2024-02-17,64,6\n"
    rows = good(text)
    assert {r.cc for r in rows} == {"PK", "IN"}
    assert len({r.scale_id for r in rows}) == 1
    with pytest.raises(BadInput, match="leave --cc out"):
        read(text, cc="PK")
    with pytest.raises(BadInput, match="no English name"):
        read(text.replace("India", "Indien"), cc="PK")


def test_a_term_may_hold_commas_brackets_and_colons() -> None:
    rows = good(HEAD + 'Day,"a, b: (c): (Pakistan)"\n2024-02-16,31\n2024-02-17,64\n')
    assert {r.entity for r in rows} == {"a, b: (c)"}


@pytest.mark.parametrize("cell", ["101", "-1", "3.5", "x", "<2", "=1+1"])
def test_a_value_that_is_no_index_is_refused_and_its_neighbour_kept(cell: str) -> None:
    found = read(DAYS.replace(",31,", f",{cell},"))
    assert [r.field for r in found if isinstance(r, Rejection)] == ["vpn: (Pakistan)"]
    assert len(found) == 4


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "no header such as"),
        ("<html><body>\n", "no header such as"),
        (HEAD + "Day,vpn: (Pakistan)\n", "no rows"),
        ("Category: All categories\n\nCountry,vpn: (2/16/24 - 2/18/24)\nPakistan,100\n", "by region"),
        (HEAD + "Day,vpn: (Pakistan)\n17.02.2024,5\n", "export in English"),
        (HEAD + "Day,vpn: (Pakistan)\n2024-02-17,5\n2024-02,5\n", "times of different kinds"),
        (HEAD + "Day,vpn: (Pakistan)\n2024-02,5\n2024-03,5\n", "not what its name says"),
        (HEAD + "Tag,vpn: (Pakistan)\n2024-02-17,5\n2024-02-20,5\n", "neither days nor weeks"),
        (HEAD + "Day,vpn: (Pakistan),vpn: (Pakistan)\n2024-02-17,5,5\n", "names a term twice"),
        (HEAD + "Day,vpn: (Pakistan)\n" + "x" * (1 << 22), "no file that Google Trends exports"),
        (HEAD + 'Day,vpn: (Pakistan)\n2024-02-17,"5\n', "never closed"),
    ],
)
def test_a_file_of_another_shape_is_said_to_be_one(text: str, why: str) -> None:
    with pytest.raises(BadInput, match=why):
        read(text)


def test_only_its_own_file_is_recognised() -> None:
    assert SOURCE.recognise(DAYS)
    assert not SOURCE.recognise("TOP\nvpn,100\n\nRISING\nvpn pakistan,Breakout\n")
    assert not SOURCE.recognise("week,week_number,Afraid\n3/21/21,1,19\n")


cells = st.sampled_from(["2024-02-17", "2024-02-18", "2024-02", "2024-02-17T15", "<1", "5", "100", "", '"', ";", "é"])
words = st.sampled_from(["Day", "Week", "Month", "Time", "Tag", ""])
headers = st.sampled_from(["vpn: (Pakistan)", "vpn: (India)", "x: (Y)", '"a, b: (Iran)"', "vpn"])


@given(words, st.lists(headers, min_size=1, max_size=3), st.lists(st.lists(cells | st.text(max_size=5), max_size=4)))
def test_any_table_is_read_or_refused(word: str, header: list[str], table: list[list[str]]) -> None:
    text = HEAD + "\n".join(",".join(row) for row in [[word, *header], *table])
    SOURCE.recognise(text)
    try:
        found = read(text, tz="Asia/Karachi")
    except BadInput:
        return
    for row in found:
        assert isinstance(row, Rejection) or row.value is None or 0 <= row.value <= 100


@given(st.text(max_size=200))
def test_any_text_is_refused_in_one_way(text: str) -> None:
    SOURCE.recognise(text)
    with pytest.raises(BadInput):
        read(text)
