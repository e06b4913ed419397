"""World Bank: shares and populations by year and vintage, from the API and from the download."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import date, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stores import empty_store, observations, rejections, write
from test_checks_series import _bare
from test_fetch import Answer, Clock, Site, clock, patience, site  # noqa: F401 - clock and site are fixtures

import analyzer
from analyzer import sources
from analyzer.checks import denominators
from analyzer.errors import BadInput, FetchError
from analyzer.fetching import fetch, planned
from analyzer.records import Observation, Origin, Rejection
from analyzer.store.loading import load_file
from analyzer.study.ask import series_keys
from analyzer.study.at_hand import AtHand
from analyzer.study.people_of import denominator

SOURCE = sources.source_named("world_bank")
SHARE, POPULATION = "IT.NET.USER.ZS", "SP.POP.TOTL"
IDS = {"PAK": "PK", "IND": "IN", "XKX": "XK", "NAM": "NA", "": "ZH", "WLD": "1W"}


def item(iso3: str, year: int, value: Any, code: str = SHARE, **more: Any) -> dict[str, Any]:
    return {
        "indicator": {"id": code, "value": "name"},
        "country": {"id": IDS[iso3], "value": "name"},
        "countryiso3code": iso3,
        "date": str(year),
        "value": value,
        "unit": "",
        "obs_status": "",
        "decimal": 0,
    } | more


def answer(*items: Any, **about: Any) -> str:
    head = {"page": 1, "pages": 1, "per_page": 500, "total": len(items), "lastupdated": "2026-07-01"} | about
    return json.dumps([head, list(items)])


def download(*rows: str, updated: str = "2025-01-28", years: str = '"2020","2021"') -> str:
    return (
        '\ufeff"Data Source","World Development Indicators",\n\n'
        f'"Last Updated Date","{updated}",\n\n'
        f'"Country Name","Country Code","Indicator Name","Indicator Code",{years},\n' + "".join(f"{r}\n" for r in rows)
    )


def read(text: str) -> list[Observation | Rejection]:
    return list(SOURCE.read(iter(list(enumerate(text.lstrip("\ufeff").splitlines(), 1))), Origin("a")))


def good(text: str) -> list[Observation]:
    found = read(text)
    assert [r for r in found if isinstance(r, Rejection)] == []
    return [r for r in found if isinstance(r, Observation)]


def refused(text: str) -> list[tuple[str, str]]:
    return [(r.field, r.reason) for r in read(text) if isinstance(r, Rejection)]


def test_an_answer_gives_years_and_null_is_missing_and_never_zero():
    rows = good(answer(item("PAK", 2023, 31.5), item("PAK", 2022, None), item("PAK", 1985, 0)))
    assert [(r.indicator, r.cc, r.value, r.state, r.unit) for r in rows] == [
        ("denominator.internet_share", "PK", 31.5, "value", "percent of population"),
        ("denominator.internet_share", "PK", None, "missing", "percent of population"),
        ("denominator.internet_share", "PK", 0.0, "value", "percent of population"),
    ]
    assert (rows[0].t_start, rows[0].t_end) == (datetime(2023, 1, 1), datetime(2024, 1, 1))
    assert rows[0].scale_id == "last updated 2026-07-01"


def test_a_share_and_a_population_of_one_file_and_year_make_people_online():
    rows = good(answer(item("PAK", 2023, 25), item("PAK", 2022, 20), item("PAK", 2023, 2.4e8, POPULATION)))
    online = [r for r in rows if r.indicator == "denominator.internet_users"]
    assert [(r.t_start.year, r.value, r.unit) for r in online] == [(2023, 6e7, "people")]


def test_shares_that_contradict_each_other_leave_nobody_online(tmp_path: Path):
    shares = (item("PAK", 2023, 25), item("PAK", 2023, 26))
    for k, items in enumerate(
        ((*shares, item("PAK", 2023, 2e8, POPULATION)), (item("PAK", 2023, 2e8, POPULATION), *shares))
    ):
        (folder := tmp_path / str(k)).mkdir()
        store = empty_store(folder)
        load_file(store, write(folder / "a.json", answer(*items)))
        assert observations(store, "indicator") == [("denominator.population",)]


def test_groups_of_countries_are_left_out_once_each_and_the_world_is_the_world():
    text = answer(
        item("", 2023, 5), item("", 2022, 4), item("WLD", 2023, 67), item("WLD", 2022, 66, countryiso3code="")
    )
    found = read(text)
    assert [r.cc for r in found if isinstance(r, Observation)] == ["XX", "XX"]
    assert refused(text) == [("country", "'ZH' is a group of countries or no code we know: no value of it is loaded")]


def test_countries_with_codes_of_their_own_are_found():
    assert [r.cc for r in good(answer(item("XKX", 2023, 9), item("NAM", 2023, 5)))] == ["XK", "NA"]
    old = download(*(f'"x","{c}","y","{POPULATION}","1","2",' for c in ("ROM", "ZAR", "WBG")))
    assert [r.cc for r in good(old)] == ["RO", "RO", "CD", "CD", "PS", "PS"]


@pytest.mark.parametrize(
    ("row", "field", "why"),
    [
        (item("PAK", 2023, 120.5), "value", "is impossible: more than 100"),
        (item("PAK", 2023, -1), "value", "is negative"),
        (item("PAK", 2023, "n/a"), "value", "is not a number"),
        (item("PAK", 2023, ""), "value", "is not a number"),
        (item("PAK", 2023, True), "value", "is not a number"),
        (item("PAK", 2023, float("nan")), "value", "is not a number"),
        (item("PAK", 2023, 0, POPULATION), "value", "0 is no population"),
        (item("PAK", 2023, 2e11, POPULATION), "value", "is impossible"),
        (item("PAK", 2023, 5, unit="thousands"), "unit", "'thousands' is stated"),
        (item("PAK", 2023, 5, date="2023Q1"), "date", "is not a year"),
        (item("PAK", 2023, 5, obs_status="<b>"), "obs_status", "is no status"),
        (item("PAK", 2023, 5, country={"id": "IN"}), "country", "PAK is PK, but its id is 'IN'"),
        (item("PAK", 2023, 5, "NY.GDP.MKTP.CD"), "indicator", "is none of IT.NET.USER.ZS, SP.POP.TOTL"),
    ],
)
def test_a_row_that_cannot_be_right_is_refused_with_its_reason(row: dict[str, Any], field: str, why: str):
    (found,) = refused(answer(row, item("IND", 2023, 40)))
    assert found[0] == field
    assert why in found[1]


def test_a_status_of_a_value_is_kept_beside_its_vintage():
    (row,) = good(answer(item("PAK", 2023, 5, obs_status="F")))
    assert row.scale_id == "last updated 2026-07-01, status F"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('[{"message":[{"id":"120","key":"Invalid value","value":"not valid"}]}]', "120 Invalid value not valid"),
        (answer(item("PAK", 2023, 5), pages=2), "is page 1 of 2; get it whole"),
        (answer(item("PAK", 2023, 5), total=65), "holds 1 rows and states 65: it is cut"),
        ('[{"page":0,"pages":0,"per_page":0,"total":0},null]', "an answer without rows"),
        (answer(item("PAK", 2023, 5))[:-40], "is not whole JSON"),
        (answer({"date": "2023"}), "row 1 is not as the World Bank's API writes it"),
        (answer(item("PAK", 2023, 5), lastupdated="yesterday"), "the last update 'yesterday', which is no day"),
        ('{"page":1}', "is no answer of the World Bank's API"),
        ('[{"page":1,"pages":1,"total":1}]', "a list of rows is lacking"),
        ("", "no line names Country Code"),
        ('"Data Source","WDI",\n"Country","2020"\n', "no line names Country Code"),
        (download(years='"2020","2020"'), "names column '2020' twice"),
    ],
)
def test_what_is_not_the_documented_file_says_what_it_is(text: str, why: str):
    with pytest.raises(BadInput, match=why):
        read(text)


def test_a_download_loads_with_empty_years_as_missing_and_its_day_of_update(tmp_path: Path):
    store = empty_store(tmp_path)
    text = download(
        f'"Pakistan","PAK","Individuals, ""online""","{SHARE}","18.9","",',
        f'"Arab World","ARB","Individuals","{SHARE}","60","61",',
        f'"Pakistan","PAK","Population, total","{POPULATION}","1000","2000",',
        f'"Pakistan","PAK","Population, total","{POPULATION}","1',
    ).rstrip("\n")
    with pytest.raises(BadInput, match="is a quote opened there"):
        load_file(store, write(tmp_path / "cut.csv", text))
    result = load_file(store, write(tmp_path / "a.csv", text[: text.rindex("\n")]))
    assert (result.source, result.rows_loaded, result.rows_rejected) == ("world_bank", 6, 1)
    assert observations(store, "indicator, cc, t_start, value, state, scale_id") == [
        (f"denominator.{i}", "PK", datetime(y, 1, 1), v, s, "last updated 2025-01-28")
        for i, y, v, s in (
            ("internet_share", 2020, 18.9, "value"),
            ("internet_share", 2021, None, "missing"),
            ("internet_users", 2020, 189.0, "value"),
            ("internet_users", 2021, None, "missing"),
            ("population", 2020, 1000.0, "value"),
            ("population", 2021, 2000.0, "value"),
        )
    ]
    assert [(line, field) for line, field, *_ in rejections(store)] == [(7, "country")]


def test_a_row_of_another_width_is_refused_and_a_file_without_preamble_states_no_vintage():
    text = download('"P","PAK","x","SP.POP.TOTL","5",', '"P","PAK","x","SP.POP.TOTL","5","6",')
    bare = text[text.index('"Country Name"') :]
    found = read(bare)
    assert [(type(r).__name__, getattr(r, "scale_id", "")) for r in found] == [
        ("Rejection", ""),
        ("Observation", ""),
        ("Observation", ""),
    ]


@given(
    st.text(max_size=400)
    | st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(list(item("PAK", 1, 1))), inner, max_size=9)
        ),
        max_leaves=12,
    ).map(lambda rows: json.dumps([{"page": 1, "pages": 1, "total": 1, "lastupdated": "2026-07-01"}, [rows]]))
)
def test_whatever_a_file_holds_it_is_read_or_refused(text: str):
    try:
        for row in read(text):
            assert isinstance(row, (Observation, Rejection))
            repr(row).encode()
    except BadInput:
        pass


@given(
    st.lists(st.sampled_from(['"', ",", "\n", "PAK", SHARE, "1", "-", "<script>", "=1+1"]), max_size=40).map("".join)
)
def test_rows_of_a_download_may_hold_anything(text: str):
    with suppress(BadInput):
        read(download(text))


# Vintages


BLOCK = "pk-2024-02-17-x-ban"


def database(tmp_path: Path, *files: tuple[str, str | None]) -> analyzer.Database:
    db = analyzer.open(empty_store(tmp_path).path)
    for k, (text, retrieved) in enumerate(files):
        db.load(write(tmp_path / f"{k}.dat", text), retrieved=retrieved)
    return db


def people_online(db: analyzer.Database) -> Any:
    return denominator(db.store, next(b for b in db.blocks("PK") if b.block_id == BLOCK))


def test_people_online_of_the_newest_vintage_are_what_rates_are_formed_with(tmp_path: Path):
    """The older file is loaded last, and says so only by its day of update."""
    new = answer(item("PAK", 2023, 30), item("PAK", 2023, 2e8, POPULATION))
    old = download('"P","PAK","x","IT.NET.USER.ZS","27",', '"P","PAK","x","SP.POP.TOTL","200000000",', years='"2023"')
    found = people_online(database(tmp_path, (new, None), (old, None)))
    assert (found.value, found.year, found.low, found.high) == (6e7, 2023, 5.4e7, 6e7)
    assert "World Bank" in found.vintage
    assert "last updated 2026-07-01" in found.vintage


def test_a_share_and_a_population_of_two_files_are_multiplied_for_the_same_year_and_it_is_said(tmp_path: Path):
    share = answer(item("PAK", 2023, 30), item("PAK", 2022, 20))
    people = answer(item("PAK", 2022, 2e8, POPULATION), lastupdated="2025-07-01")
    found = people_online(database(tmp_path, (share, "2026-08-01"), (people, "2025-08-01")))
    assert (found.value, found.year, found.low, found.high) == (4e7, 2022, 4e7, 4e7)
    assert "a share of the population times the population of 2022" in found.named()
    assert "last updated 2025-07-01" in found.named()
    assert "retrieved 2026-08-01" in found.named()


def test_vintages_of_a_share_and_of_a_population_make_a_range(tmp_path: Path):
    files = [(answer(item("PAK", 2023, v), lastupdated=f"202{k}-07-01"), None) for k, v in ((4, 27), (6, 30), (5, 28))]
    files += [
        (answer(item("PAK", 2023, v, POPULATION), lastupdated=f"202{k}-07-01"), None) for k, v in ((6, 2e8), (5, 1e8))
    ]
    found = people_online(database(tmp_path, *files))
    assert (found.value, found.low, found.high) == (6e7, 2.7e7, 6e7)


def test_a_share_without_a_population_of_its_year_makes_nobody(tmp_path: Path):
    files = [(answer(item("PAK", 2023, 30)), None), (answer(item("PAK", 2021, 2e8, POPULATION)), None)]
    assert people_online(database(tmp_path, *files)) is None


def test_the_check_names_every_vintage_and_no_denominator_is_estimated(tmp_path: Path):
    new = answer(item("PAK", 2023, 30), item("PAK", 2023, 2e8, POPULATION))
    old = answer(item("PAK", 2023, 20), item("PAK", 2023, 2e8, POPULATION), lastupdated="2025-07-01")
    db = database(tmp_path, (old, "2025-08-01"), (new, "2026-08-01"))
    found = AtHand(db.store, "PK").denominators()
    assert [(v.indicator, v.year, v.value) for v in found if v.indicator != "denominator.population"] == [
        ("denominator.internet_share", 2023, 20.0),
        ("denominator.internet_share", 2023, 30.0),
        ("denominator.internet_users", 2023, 4e7),
        ("denominator.internet_users", 2023, 6e7),
    ]
    check = denominators.run(_bare(denominators=found))
    assert check.outcome == "failed"
    assert "4e+07 (2023, retrieved 2025-08-01), 6e+07 (2023, retrieved 2026-08-01)" in check.sentence
    assert series_keys(db.store, "PK", None) == []


# Fetching


def test_a_country_is_asked_for_whole_at_the_documented_address(site: Site, tmp_path: Path, clock: Clock):  # noqa: F811
    days = (date(2024, 2, 1), date(2024, 3, 1))
    urls = [r.url for r in planned(SOURCE, "PK", *days)]
    assert urls == [
        f"https://api.worldbank.org/v2/country/PK/indicator/{code}?format=json&per_page=500"
        for code in (SHARE, POPULATION)
    ]
    assert "/country/WLD/" in planned(SOURCE, "XX", *days)[0].url
    kind = {"Content-Type": "application/json;charset=utf-8"}
    texts = answer(item("PAK", 2023, 30)), answer(item("PAK", 2023, 2e8, POPULATION))
    site.answers = [Answer(headers=kind, body=t.encode()) for t in texts]
    paths = fetch("world_bank", "PK", *days, folder=tmp_path, endpoint=site.address, patience=patience(clock))
    assert [urlsplit(u).path for u, _ in site.asked] == [urlsplit(u).path for u in urls]
    db = database(tmp_path)
    assert [r.rows_loaded for r in db.load(*paths)] == [1, 1]
    assert people_online(db).value == 6e7


def test_an_error_with_status_200_is_no_file(site: Site, tmp_path: Path, clock: Clock):  # noqa: F811
    body = b'[{"message":[{"id":"120","key":"Invalid value","value":"The provided parameter value is not valid"}]}]'
    site.answers = [Answer(headers={"Content-Type": "application/json"}, body=body)]
    days = (date(2024, 2, 1), date(2024, 3, 1))
    with pytest.raises(FetchError, match="did not give the documented file"):
        fetch("world_bank", "PK", *days, folder=tmp_path, endpoint=site.address, patience=patience(clock))
    assert not [p for p in tmp_path.rglob("*") if p.is_file()]


@pytest.mark.shared
def test_the_workbook_says_what_to_do_and_the_cut_is_no_file_of_the_bank(shared: Path, tmp_path: Path):
    folder = shared / "data/series/denominators"
    (workbook,) = folder.glob("*.xls")
    store = empty_store(tmp_path)
    with pytest.raises(BadInput, match="save the sheet as CSV"):
        load_file(store, workbook)
    with pytest.raises(BadInput, match="no source has the columns iso3"):
        load_file(store, folder / "wb_country_year_cut.csv")


@pytest.mark.shared
def test_every_country_of_a_real_table_is_known(shared: Path):
    """The cut written as the download would have it: each of its values comes back."""
    import csv

    with (shared / "data/series/denominators/wb_country_year_cut.csv").open(encoding="utf-8", newline="") as f:
        table = list(csv.DictReader(f))
    for code, column in ((SHARE, "internet_pct"), (POPULATION, "population")):
        for row in table:
            text = download(f'"x","{row["iso3"]}","y","{code}","{row[column]}",', years=f'"{row["year"]}"')
            (found,) = good(text)
            assert found.value == (float(row[column]) if row[column] else None)
