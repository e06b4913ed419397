"""Sources: every declaration is documentation, fixture and code at once; every format keeps its quirks."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stores import HEADER, RELAY_HEADER, empty_store, observations, rejections, write

from analyzer import sources
from analyzer.errors import BadInput
from analyzer.records import Observation, Origin, Rejection, Source
from analyzer.sources import _mapping
from analyzer.store import Store
from analyzer.store.loading import load_file

EVERY = sources.all_sources()
NEEDED: dict[str, dict[str, str]] = {
    "apnic_users": {"retrieved": "2024-02-17"},
    "app_charts_play": {"cc": "PK", "retrieved": "2024-02-17"},
    "ooni_aggregation": {"cc": "PK"},
}
PLAY = {"cc": "PK", "retrieved_at": datetime(2024, 2, 17, 10)}


def read(source: str, text: str, **origin: Any) -> list[Observation | Rejection]:
    origin.setdefault("name", "a.csv")
    lines = iter(list(enumerate(text.splitlines(), 1)))
    return list(sources.source_named(source).read(lines, Origin(**origin)))


def good(source: str, text: str, **origin: Any) -> list[Observation]:
    found = read(source, text, **origin)
    assert [r for r in found if isinstance(r, Rejection)] == []
    return [r for r in found if isinstance(r, Observation)]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return empty_store(tmp_path)


@pytest.mark.parametrize("source", EVERY, ids=lambda s: s.name)
def test_an_example_is_recognised_by_exactly_its_source_and_loads(source: Source, store: Store, tmp_path: Path) -> None:
    assert [s.name for s in EVERY if s.recognise(source.example)] == [source.name]
    result = load_file(store, write(tmp_path / "example", source.example), **NEEDED.get(source.name, {}))
    assert (result.source, result.rows_rejected) == (source.name, 0)
    assert {row[0] for row in observations(store, "indicator")} <= set(source.indicators)


@pytest.mark.parametrize("source", EVERY, ids=lambda s: s.name)
def test_a_declaration_is_complete_and_named_like_its_file(source: Source) -> None:
    for field in ("title", "organization", "licence", "attribution", "grain", "caveat", "timezone", "example"):
        assert getattr(source, field).strip(), field
    assert source.info_url.startswith("https://")
    assert (Path(sources.__file__).parent / f"{source.name}.py").exists()


# Tor Metrics


def test_relay_and_bridge_files_differ_by_their_header_alone() -> None:
    assert sources.recognise(RELAY_HEADER, "a").name == "tor_relay_users"
    assert sources.recognise(HEADER, "a").name == "tor_bridge_users"
    assert sources.recognise("date,transport,users,frac\n", "a").name == "tor_bridge_transport"


def test_the_combined_file_for_all_countries_is_the_bridge_file() -> None:
    url = "# URL: https://metrics.torproject.org/userstats-bridge-combined.csv?country=all\n"
    assert sources.recognise(url + HEADER, "a").name == "tor_bridge_users"


@pytest.mark.parametrize(
    "columns",
    ["date,fingerprint,transport,users,num_instances,coverage", "date,version,users,frac", "date,country,requests"],
)
def test_other_files_of_the_same_family_are_not_taken_for_users(columns: str) -> None:
    with pytest.raises(BadInput, match="no source has the columns"):
        sources.recognise(columns + "\n", "a")


@pytest.mark.parametrize(
    ("code", "cc", "entity"),
    [
        ("", "XX", ""),
        ("??", "ZZ", ""),
        ("a1", "ZZ", "a1"),
        ("eu", "ZZ", "eu"),
        ("an", "ZZ", "an"),
        ("xk", "XK", ""),
        ("na", "NA", ""),
        ("NA", "NA", ""),
        ("pk", "PK", ""),
    ],
)
def test_country_codes_of_tor_metrics(code: str, cc: str, entity: str) -> None:
    (row,) = good("tor_bridge_users", f"{HEADER}2024-02-01,{code},5,94\n")
    assert (row.cc, row.entity) == (cc, entity)


def test_columns_are_found_by_name_with_an_index_column_extras_and_any_order() -> None:
    text = ',frac,extra,upper,lower,users,Country,date\n0,83,x,,307.0,7154,pk,"2021-01-01"\n'
    (row,) = good("tor_relay_users", text)
    assert (row.t_start, row.cc, row.value, row.low, row.high, row.quality) == (
        datetime(2021, 1, 1),
        "PK",
        7154.0,
        307.0,
        None,
        0.83,
    )


def test_a_day_may_carry_midnight_and_a_fraction_may_reach_110() -> None:
    rows = good("tor_bridge_users", f"{HEADER}2024-02-01 00:00:00,pk,5,110\n2024-02-02T00:00:00Z,pk,5,\n")
    assert [(r.t_start, r.t_end, r.quality) for r in rows] == [
        (datetime(2024, 2, 1), datetime(2024, 2, 2), 1.1),
        (datetime(2024, 2, 2), datetime(2024, 2, 3), None),
    ]


def test_transports_are_entities_of_the_world_as_written() -> None:
    rows = good("tor_bridge_transport", "date,transport,users,frac\n2024-02-01,!<OR>,9,94\n2024-02-01,<??>,1,94\n")
    assert [(r.cc, r.entity, r.value) for r in rows] == [("XX", "!<OR>", 9.0), ("XX", "<??>", 1.0)]


def test_the_combined_value_is_the_midpoint_and_keeps_its_bounds() -> None:
    text = "date,country,transport,low,high,frac\n2024-02-01,pk,obfs4,640,998,94\n2024-02-01,a1,obfs4,1,3,94\n"
    rows = good("tor_bridge_combined", text)
    assert [(r.cc, r.entity, r.low, r.value, r.high) for r in rows] == [
        ("PK", "obfs4", 640.0, 819.0, 998.0),
        ("ZZ", "a1 obfs4", 1.0, 2.0, 3.0),
    ]


@pytest.mark.parametrize("name", ["tor_relay_users", "tor_bridge_users", "tor_bridge_combined"])
def test_addresses_ask_for_a_country_and_an_inclusive_last_day(name: str) -> None:
    source = sources.source_named(name)
    assert source.requests is not None
    (request,) = source.requests("PK", date(2024, 2, 1), date(2024, 3, 1))
    assert request.url.startswith("https://metrics.torproject.org/userstats-")
    assert "start=2024-02-01&end=2024-02-29&country=pk" in request.url
    assert "country=all" in source.requests("XX", date(2024, 2, 1), date(2024, 3, 1))[0].url


def test_transports_are_encoded_as_the_site_writes_them() -> None:
    source = sources.source_named("tor_bridge_transport")
    assert source.requests is not None
    (request,) = source.requests("PK", date(2024, 2, 1), date(2024, 3, 1))
    assert "transport=!%3COR%3E&transport=%3COR%3E&transport=%3C%3F%3F%3E&transport=obfs4" in request.url


@given(st.integers(0, 10**9), st.integers(0, 110), st.dates(date(2011, 1, 1), date(2025, 1, 1)))
def test_any_count_day_and_fraction_comes_back(users: int, frac: int, day: date) -> None:
    (row,) = good("tor_bridge_users", f"{HEADER}{day},pk,{users},{frac}\n")
    assert (row.value, row.t_start.date(), row.quality) == (users, day, frac / 100)


# App charts


def v2(*ids: str, **feed: Any) -> str:
    entries = [{"id": i, "name": "NordVPN"} for i in ids]
    address = "https://rss.applemarketingtools.com/api/v2/pk/apps/top-free/100/apps.json"
    return json.dumps(
        {"feed": {"id": address, "updated": "Sat, 17 Feb 2024 23:30:00 +0000", "results": entries} | feed}
    )


def rss(entry: Any, **feed: Any) -> str:
    address = "https://itunes.apple.com/pk/rss/topfreeapplications/limit=200/genre=6002/json"
    updated = {"label": "2024-02-17T10:00:00-07:00"}
    return json.dumps({"feed": {"id": {"label": address}, "entry": entry, "updated": updated} | feed}, indent=1)


def entry(identifier: str) -> dict[str, Any]:
    return {"im:name": {"label": "x"}, "id": {"attributes": {"im:id": identifier}}}


def by_entity(rows: list[Observation]) -> dict[str, Observation]:
    found = {row.entity: row for row in rows}
    assert len(found) == len(rows)
    return found


def test_apps_are_matched_by_identifier_and_never_by_name() -> None:
    """Both entries are called NordVPN; the second has its identifier."""
    rows = by_entity(good("app_charts_apple", v2("1", "905953485")))
    nord = rows["app:NordVPN"]
    assert (nord.value, nord.state, nord.n, nord.cc, nord.scale_id) == (2.0, "value", 2, "PK", "apple/v2/top-free/all")
    assert (nord.t_start, nord.t_end) == (datetime(2024, 2, 17), datetime(2024, 2, 18))


def test_an_app_that_is_absent_from_a_fetched_chart_is_beyond_it_not_missing() -> None:
    absent = by_entity(good("app_charts_apple", v2("1", "905953485")))["app:ExpressVPN"]
    assert (absent.value, absent.state, absent.low, absent.high, absent.n) == (None, "below_threshold", 3.0, None, 2)


def test_a_family_has_its_best_rank_and_how_many_of_it_are_in_the_chart() -> None:
    rows = by_entity(good("app_charts_apple", v2("583009522", "1", "886492891")))  # CyberGhost, ExpressVPN
    assert rows["family:Kape Technologies"].value == 1.0
    assert (rows["family_apps:Kape Technologies"].value, rows["family_apps:Kape Technologies"].unit) == (
        2.0,
        "apps in the chart",
    )
    assert rows["family:Mullvad"].state == "below_threshold"
    assert rows["family_apps:Mullvad"].value == 0.0


@pytest.mark.parametrize("wrapped", [True, False], ids=["list", "single object"])
def test_the_older_feed_loads_with_a_list_or_a_single_entry(wrapped: bool) -> None:
    one = entry("905953485")
    nord = by_entity(good("app_charts_apple", rss([one] if wrapped else one)))["app:NordVPN"]
    assert (nord.value, nord.n, nord.cc, nord.scale_id) == (1.0, 1, "PK", "apple/rss/topfreeapplications/6002")


def test_charts_of_one_day_stay_apart_and_keep_their_instant(store: Store, tmp_path: Path) -> None:
    for hour in (10, 22):
        text = rss([entry(str(hour)), entry("905953485")], updated={"label": f"2024-02-17T{hour}:00:00Z"})
        load_file(store, write(tmp_path / f"{hour}.json", text))
    with store.reading() as con:
        instants = con.table("snapshots").project("retrieved_at").order("1").fetchall()
        ranks = con.table("observations").filter("entity = 'app:NordVPN'").project("t_start, value").fetchall()
    assert instants == [(datetime(2024, 2, 17, 10),), (datetime(2024, 2, 17, 22),)]
    assert ranks == [(datetime(2024, 2, 17), 2.0)] * 2


def test_a_chart_that_repeats_an_app_or_lacks_an_identifier_says_so() -> None:
    found = read("app_charts_apple", v2("1", "905953485", "905953485").replace('"id": "1"', '"no": "1"'))
    assert [(r.line, r.reason) for r in found if isinstance(r, Rejection)] == [
        (1, "has no app identifier"),
        (3, "repeats position 2"),
    ]


def test_a_play_list_needs_a_country_and_a_time_and_says_so() -> None:
    text = json.dumps([{"appId": "com.example"}, {"appId": "com.nordvpn.android"}])
    with pytest.raises(BadInput, match="name it with --cc"):
        read("app_charts_play", text, retrieved_at=datetime(2024, 2, 17))
    with pytest.raises(BadInput, match="state it with --retrieved"):
        read("app_charts_play", text, cc="PK")
    nord = by_entity(good("app_charts_play", text, **PLAY))["app:NordVPN"]
    assert (nord.value, nord.n, nord.cc, nord.t_start) == (2.0, 2, "PK", datetime(2024, 2, 17))


def test_which_play_chart_it_is_comes_from_the_mapping_or_the_name_of_the_file() -> None:
    def scale(**origin: Any) -> str:
        return good("app_charts_play", '[{"appId": "a"}]', **PLAY, **origin)[0].scale_id

    assert scale(name="x/TOP_FREE-TOOLS-pk-2024-02-17T1000Z.json.gz") == "play/TOP_FREE-TOOLS-pk"
    assert scale(name="x/TOP_FREE-TOOLS-pk_20240218.json") == "play/TOP_FREE-TOOLS-pk"
    assert scale(mapping={"collection": "TOP_FREE", "category": "TOOLS"}) == "play/TOP_FREE/TOOLS"


def test_a_feed_of_one_country_is_not_loaded_as_another() -> None:
    with pytest.raises(BadInput, match="is the chart of PK, not of IN"):
        read("app_charts_apple", v2("1"), cc="IN")


# Any table

SIMPLE: dict[str, Any] = {
    "indicator": {"value": "app.downloads"},
    "unit": {"value": "downloads"},
    "cc": "Country",
    "value": "N",
    "time": {"column": "Day", "zone": "UTC", "grain": "day"},
}


def mapped(text: str, **changes: Any) -> Iterator[Observation | Rejection]:
    mapping = {k: v for k, v in (SIMPLE | changes).items() if v is not None}
    return iter(read("generic_table", text, mapping=mapping))


def one(text: str, **changes: Any) -> Observation:
    (row,) = mapped(text, **changes)
    assert isinstance(row, Observation), row
    return row


def reason(text: str, **changes: Any) -> str:
    (row,) = mapped(text, **changes)
    assert isinstance(row, Rejection), row
    return f"{row.field}: {row.reason}"


def test_a_sensor_tower_export_loads_through_a_mapping(store: Store, tmp_path: Path) -> None:
    """UTF-16 with its mark, tabs, and a name that ends in .csv."""
    text = (
        "Unified Name\tUnified ID\tDate\tPlatform\tDownloads (Absolute)\tCountry\n"
        "NordVPN\t55\t2024-02-17\tiOS\t1,234\tPK\n"
        "NordVPN\t55\t2024-02-18\tiOS\t\tPK\n"
    )
    mapping = write(
        tmp_path / "map.toml",
        'indicator = { value = "app.downloads" }\nunit = { value = "downloads" }\ncc = "Country"\n'
        'value = "Downloads (Absolute)"\nentity = { column = "Unified Name", prefix = "app:" }\nthousands = ","\n'
        'licence = "Sensor Tower, licensed to the user"\n'
        'time = { column = "Date", zone = "UTC", grain = "day" }\n',
    )
    load_file(store, write(tmp_path / "export.csv", text.encode("utf-16")), mapping=mapping)
    assert observations(store) == [
        ("PK", "app:NordVPN", datetime(2024, 2, 17), 1234.0, "value"),
        ("PK", "app:NordVPN", datetime(2024, 2, 18), None, "missing"),
    ]
    with store.reading() as con:
        assert con.table("snapshots").project("licence").fetchall() == [("Sensor Tower, licensed to the user",)]


def test_the_same_mapping_in_yaml_says_the_same(tmp_path: Path) -> None:
    toml = write(tmp_path / "m.toml", 'value = "N"\nstates = { "<1" = "below_threshold" }\n')
    yaml = write(tmp_path / "m.yaml", 'value: N\nstates: { "<1": below_threshold }\n')
    with pytest.raises(BadInput, match="not valid"):
        _mapping.read_mapping(write(tmp_path / "n.toml", "value: N\n"))
    assert _mapping.read_mapping(toml) | {"value": "N"} == _mapping.read_mapping(yaml) | {"value": "N"}


@pytest.mark.parametrize("cut", [",", ";", "\t", "|"])
def test_every_delimiter_is_recognised(cut: str) -> None:
    text = "Day,Country,N\n2024-02-17,PK,5\n".replace(",", cut)
    assert one(text).value == 5.0


@pytest.mark.parametrize(
    ("cell", "options", "value"),
    [
        ("1234,5", {"decimal": ","}, 1234.5),
        ("1.234,5", {"decimal": ",", "thousands": "."}, 1234.5),
        ("12,34,567", {"thousands": ","}, 1234567.0),
        ("1\u202f234", {"thousands": "\u202f"}, 1234.0),
        ("-3", {"negative": True}, -3.0),
    ],
)
def test_numbers_are_read_as_the_mapping_says(cell: str, options: dict[str, Any], value: float) -> None:
    assert one(f"Day;Country;N\n2024-02-17;PK;{cell}\n", **options).value == value


@pytest.mark.parametrize(
    ("cell", "options", "why"),
    [
        ("1,5", {"thousands": ","}, "is not grouped by"),
        ("1.5", {"decimal": ","}, "is not a number with"),
        ("-3", {}, "is negative"),
        ("NA", {}, "is not a number"),
        ("9e10", {}, "is impossible"),
    ],
)
def test_a_number_that_could_mean_something_else_is_refused(cell: str, options: dict[str, Any], why: str) -> None:
    assert why in reason(f"Day;Country;N\n2024-02-17;PK;{cell}\n", **options)


def test_markers_become_states_and_a_bound_where_they_state_one() -> None:
    states = {"<1": "below_threshold", "NA": "missing", "*": "suppressed"}
    rows = list(mapped("Day,Country,N\n2024-02-17,NA,<1\n2024-02-18,NA,NA\n2024-02-19,NA,*\n", states=states))
    assert [(r.cc, r.value, r.state, r.high) for r in rows if isinstance(r, Observation)] == [
        ("NA", None, "below_threshold", 1.0),
        ("NA", None, "missing", None),
        ("NA", None, "suppressed", None),
    ]


@pytest.mark.parametrize(
    ("cell", "time", "start", "end"),
    [
        ("2024-02-17", {"zone": "Asia/Karachi", "grain": "day"}, "2024-02-16T19:00", "2024-02-17T19:00"),
        (
            "2024-02-17T15",
            {"format": "%Y-%m-%dT%H", "zone": "Asia/Karachi", "grain": "hour"},
            "2024-02-17T10:00",
            "2024-02-17T11:00",
        ),
        ("2/17/24", {"format": "%m/%d/%y", "zone": "UTC", "grain": "week"}, "2024-02-17T00:00", "2024-02-24T00:00"),
        ("2024-12", {"format": "%Y-%m", "zone": "UTC", "grain": "month"}, "2024-12-01T00:00", "2025-01-01T00:00"),
        ("2024-03-31", {"zone": "Europe/Berlin", "grain": "day"}, "2024-03-30T23:00", "2024-03-31T22:00"),
        ("2024-02-17T20:00:00+05:00", {"zone": None, "grain": "hour"}, "2024-02-17T15:00", "2024-02-17T16:00"),
        ("1708182000", {"format": "epoch", "grain": "hour"}, "2024-02-17T15:00", "2024-02-17T16:00"),
        (
            "1573862400",
            {"format": "epoch", "zone": "Asia/Tehran", "grain": "day"},
            "2019-11-15T20:30",
            "2019-11-16T20:30",
        ),
    ],
)
def test_rows_become_half_open_utc_intervals(cell: str, time: dict[str, Any], start: str, end: str) -> None:
    given = {"column": "Day"} | {k: v for k, v in time.items() if v}
    row = one(f"Day,Country,N\n{cell},PK,5\n", time=given)
    assert (row.t_start, row.t_end) == (datetime.fromisoformat(start), datetime.fromisoformat(end))


@pytest.mark.parametrize(
    ("cell", "time", "why"),
    [
        ("2024-02-17", {"grain": "day"}, "local time of no stated zone; name it with --tz"),
        ("2024-03-31T02:30", {"zone": "Europe/Berlin", "grain": "hour"}, "does not exist or comes twice"),
        ("2024-10-27T02:00", {"zone": "Europe/Berlin", "grain": "hour"}, "does not exist or comes twice"),
        ("2024-02-17T06:00", {"zone": "UTC", "grain": "day"}, "is not the start of a day"),
        ("2024-02-17", {"zone": "UTC", "grain": "month"}, "is not the start of a month"),
        ("2024-02-30", {"zone": "UTC", "grain": "day"}, "is not an ISO date"),
        ("17.02.2024", {"zone": "UTC", "grain": "day", "format": "%m/%d/%y"}, "is not written as %m/%d/%y"),
        ("0001-01-01", {"zone": "Asia/Karachi", "grain": "day"}, "no date of this era"),
    ],
)
def test_a_time_that_names_no_one_interval_is_refused(cell: str, time: dict[str, Any], why: str) -> None:
    assert why in reason(f"Day,Country,N\n{cell},PK,5\n", time={"column": "Day"} | time)


def test_the_zone_and_the_country_may_come_from_the_command_line() -> None:
    mapping = {k: v for k, v in SIMPLE.items() if k != "cc"} | {"time": {"column": "Day", "grain": "day"}}
    (row,) = good("generic_table", "Day,N\n2024-02-17,5\n", mapping=mapping, cc="PK", tz="Asia/Karachi")
    assert (row.cc, row.t_start) == ("PK", datetime(2024, 2, 16, 19))


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"valeu": "N"}, "no key 'valeu'; did you mean: value"),
        ({"time": {"column": "Day", "graine": "day"}}, "mapping: time: no key 'graine'; did you mean: grain"),
        ({"time": {"column": "Day", "grain": "fortnight"}}, "'fortnight'; it must be one of 'hour'"),
        ({"time": {"column": "Day", "zone": "Pakistan Time", "grain": "day"}}, "no time zone 'Pakistan Time'"),
        ({"time": None}, "no time; for example"),
        ({"indicator": None}, "no indicator; state it"),
        ({"cc": None}, "no cc; name its column, or the country with --cc"),
        ({"cc": {"value": False}}, "cc.value is False, not text; put it in quotes"),  # YAML reads NO as false
        ({"states": {"<1": "tiny"}}, "'tiny'; it must be one of 'value', 'missing'"),
        ({"value": "Number"}, r"no column 'Number' in line 1 \(found: Day, Country, N\)"),
        ({"value": None}, "needs either value .* or wide"),
        ({"wide": {"columns": "cc"}}, "needs either value .* or wide"),
        ({"value": None, "wide": {"columns": "entity", "skip": 3}}, "wide.skip must be a list of column names, not 3"),
        ({"header": -1}, "number of the header's line"),
    ],
)
def test_a_mapping_that_cannot_be_meant_is_refused_before_any_row(changes: dict[str, Any], why: str) -> None:
    with pytest.raises(BadInput, match=why):
        list(mapped("Day,Country,N\n2024-02-17,PK,5\n", **changes))


def test_the_mapping_shown_in_the_documentation_is_one(tmp_path: Path) -> None:
    shown = "\n".join(line for line in str(_mapping.__doc__).splitlines() if line.startswith("    "))
    mapping = _mapping.read_mapping(write(tmp_path / "shown.toml", textwrap.dedent(shown)))
    text = "Country\tUnified Name\tDate\tDownloads (Absolute)\nPakistan\tx\t2024-02-17\t1,234\n"
    (row,) = good("generic_table", text, mapping=mapping)
    assert (row.cc, row.entity, row.value, row.t_start) == ("PK", "app:x", 1234.0, datetime(2024, 2, 16, 19))


def test_a_wide_table_has_one_series_per_country_column() -> None:
    text = "date,na,??,all,a1\n2009-08-20,NA,734,9,1\n"
    wide = {"columns": "cc", "skip": ["a1"]}
    time = {"column": "date", "zone": "UTC", "grain": "day"}
    changes = {
        "cc": None,
        "value": None,
        "wide": wide,
        "time": time,
        "countries": {"all": "XX"},
        "states": {"NA": "missing"},
    }
    rows = [r for r in mapped(text, **changes) if isinstance(r, Observation)]
    assert [(r.cc, r.value, r.state) for r in rows] == [
        ("NA", None, "missing"),
        ("ZZ", 734.0, "value"),
        ("XX", 9.0, "value"),
    ]
    with pytest.raises(BadInput, match=r"columns that are no country: all; put them under wide\.skip"):
        list(mapped(text, **changes | {"countries": {}}))


def test_a_wide_table_has_one_series_per_term_and_a_bad_cell_spoils_only_itself() -> None:
    text = "Category: All categories\n\nDay,vpn: (Pakistan),psiphon: (Pakistan)\n2024-02-16,31,<1\n2024-02-17,x,1\n"
    changes = {"cc": {"value": "PK"}, "value": None, "wide": {"columns": "entity", "prefix": "term:"}, "header": 3}
    rows = list(mapped(text, **changes, states={"<1": "below_threshold"}, scale_id={"value": "trends:1"}))
    assert [(r.entity, r.value, r.scale_id) for r in rows if isinstance(r, Observation)] == [
        ("term:vpn: (Pakistan)", 31.0, "trends:1"),
        ("term:psiphon: (Pakistan)", None, "trends:1"),
        ("term:psiphon: (Pakistan)", 1.0, "trends:1"),
    ]
    assert [(r.line, r.field) for r in rows if isinstance(r, Rejection)] == [(5, "vpn: (Pakistan)")]


def test_a_quoted_cell_may_hold_delimiters_quotes_and_line_ends() -> None:
    text = 'Day,Country,N,App\n2024-02-17,PK,5,"a,""b""\nc"\n2024-02-18,PK,6,d\n'
    rows = list(mapped(text, entity="App"))
    assert [r.entity for r in rows if isinstance(r, Observation)] == ['a,"b"\nc', "d"]


# Genuine files


@pytest.mark.shared
def test_the_early_wide_file_loads_with_namibia_apart_from_missing(store: Store, shared: Path) -> None:
    mapping = {
        "indicator": {"value": "tor.relay_users"},
        "unit": {"value": "users"},
        "time": {"column": "date", "zone": "UTC", "grain": "day"},
        "wide": {"columns": "cc"},
        "states": {"NA": "missing"},
        "countries": {"all": "XX"},
    }
    load_file(store, shared / "data/series/tor-direct-2009-2011/direct-users.csv", mapping=mapping)
    assert rejections(store) == []
    with store.reading() as con:
        iran = con.table("observations").filter("cc = 'IR' AND t_start BETWEEN '2011-01-06' AND '2011-01-11'")
        drop = [value for (value,) in iran.project("value, t_start").order("t_start").project("value").fetchall()]
        namibia = con.table("observations").filter("cc = 'NA'").aggregate("count(*) AS n").fetchall()
    assert drop[0] > 8000
    assert drop[-1] < 1000
    assert namibia == [(489,)]


@pytest.mark.shared
@pytest.mark.parametrize("cc", ["pk", "ru", "cn"])
def test_files_with_an_index_column_load_whole(store: Store, shared: Path, cc: str) -> None:
    result = load_file(store, shared / f"data/series/tor-relay-acsac/tor-data-{cc}.csv")
    assert (result.source, result.rows_loaded, result.rows_rejected) == ("tor_relay_users", 807, 0)


@pytest.mark.shared
def test_weekly_search_terms_load_as_entities(store: Store, shared: Path) -> None:
    mapping = {
        "indicator": {"value": "search.interest"},
        "unit": {"value": "index"},
        "cc": {"value": "RU"},
        "time": {"column": "week", "format": "%m/%d/%y", "zone": "UTC", "grain": "week"},
        "wide": {"columns": "entity", "skip": ["week_number"]},
        "states": {"": "missing"},
    }
    result = load_file(store, shared / "data/series/gtrends-russia-2022/keywords_all.csv", mapping=mapping)
    assert (result.rows_loaded, result.rows_rejected) == (51 * 37 + 37, 0)
