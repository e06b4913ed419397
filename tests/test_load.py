"""Loading: what stands in a file is what stands in the store, once, with its origin."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import subprocess
import sys
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from stores import GOOD, HEADER, RELAY_HEADER, dump, empty_store, observations, rejections, write

from analyzer.errors import BadInput, UnknownName
from analyzer.store import Store
from analyzer.store.loading import expand, load_file


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return empty_store(tmp_path)


def retrieved_at(store: Store) -> list[datetime | None]:
    with store.reading() as con:
        return [row[0] for row in con.table("snapshots").project("retrieved_at").fetchall()]


def test_rows_keep_value_country_day_and_quality_in_a_new_store(tmp_path: Path) -> None:
    store = Store(tmp_path / "new.duckdb")
    result = load_file(store, write(tmp_path / "a.csv", GOOD))
    assert (result.source, result.rows_loaded, result.rows_rejected, result.already_loaded) == (
        "tor_bridge_users",
        2,
        0,
        False,
    )
    assert observations(store, "t_start, t_end, cc, indicator, value, quality, state, unit") == [
        (
            datetime(2024, 2, day),
            datetime(2024, 2, day + 1),
            "PK",
            "tor.bridge_users",
            value,
            quality,
            "value",
            "mean concurrent clients",
        )
        for day, value, quality in ((1, 1873.0, 0.94), (2, 1910.0, 0.93))
    ]


def test_the_same_bytes_twice_change_nothing_whatever_their_name(store: Store, tmp_path: Path) -> None:
    first = load_file(store, write(tmp_path / "a.csv", GOOD))
    before, size = dump(store), store.path.stat().st_size
    again = load_file(store, write(tmp_path / "b.csv", GOOD))
    assert again == replace(first, already_loaded=True)
    assert dump(store) == before
    assert store.path.stat().st_size == size


def test_the_snapshot_knows_hash_size_licence_and_the_address_in_the_preamble(store: Store, tmp_path: Path) -> None:
    address = "https://metrics.torproject.org/userstats-bridge-country.csv?start=2024-02-01&end=2024-02-02"
    path = write(tmp_path / "a.csv", f"#\n# The Tor Project\n#\n# URL: {address}\n#\n{GOOD}")
    result = load_file(store, path, retrieved="2024-03-01")
    with store.reading() as con:
        snapshots = con.table("snapshots").project("origin, sha256, bytes, retrieved_at, timezone, source").fetchall()
    (found,) = snapshots
    assert found[0] == address
    assert found[1].startswith(result.snapshot_id)
    assert len(found[1]) == 64
    assert found[2:] == (path.stat().st_size, datetime(2024, 3, 1), "UTC", "tor_bridge_users")


@pytest.mark.parametrize(
    "pack",
    [
        gzip.compress,
        bz2.compress,
        lzma.compress,
        zstandard.compress,
        lambda b: gzip.compress(b[:40]) + gzip.compress(b[40:]),
        lambda b: zstandard.compress(b[:40]) + zstandard.compress(b[40:]),
    ],
    ids=["gz", "bz2", "xz", "zst", "gz in members", "zst in frames"],
)
def test_compression_is_told_by_content_not_by_name(store: Store, tmp_path: Path, pack: object) -> None:
    result = load_file(store, write(tmp_path / "a.csv", pack(GOOD.encode())))  # type: ignore[operator]
    assert result.rows_loaded == 2


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-be"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_marked_encodings_and_both_line_ends_load(store: Store, tmp_path: Path, encoding: str, newline: str) -> None:
    text = ("\ufeff" if encoding == "utf-16-be" else "") + GOOD.replace("\n", newline)
    assert load_file(store, write(tmp_path / "a.csv", text.encode(encoding))).rows_loaded == 2


def test_a_missing_day_is_not_a_zero_and_a_zero_is_a_value(store: Store, tmp_path: Path) -> None:
    load_file(store, write(tmp_path / "a.csv", HEADER + "2024-02-01,pk,0,94\n2024-02-03,pk,7,94\n"))
    assert observations(store, "t_start, value, state") == [
        (datetime(2024, 2, 1), 0.0, "value"),
        (datetime(2024, 2, 3), 7.0, "value"),
    ]


def test_a_repeated_day_keeps_the_first_and_names_its_line(store: Store, tmp_path: Path) -> None:
    result = load_file(store, write(tmp_path / "a.csv", GOOD + "2024-02-01,pk,1873,94\n2024-02-01,pk,1873,94\n"))
    assert (result.rows_loaded, result.rows_rejected) == (2, 2)
    assert rejections(store) == [
        (4, "", "repeats line 2", "2024-02-01,pk,1873,94"),
        (5, "", "repeats line 2", "2024-02-01,pk,1873,94"),
    ]


def test_days_that_contradict_each_other_are_all_refused(store: Store, tmp_path: Path) -> None:
    result = load_file(store, write(tmp_path / "a.csv", GOOD + "2024-02-01,pk,7,94\n2024-02-01,pk,1873,94\n"))
    assert (result.rows_loaded, result.rows_rejected) == (1, 3)
    assert [(line, reason) for line, _, reason, _ in rejections(store)] == [
        (2, "contradicts line 4: 1873 against 7"),
        (4, "contradicts line 2: 7 against 1873"),
        (5, "contradicts line 4: 1873 against 7"),
    ]


def test_rows_that_differ_only_in_quality_contradict_each_other_too(store: Store, tmp_path: Path) -> None:
    load_file(store, write(tmp_path / "a.csv", GOOD + "2024-02-01,pk,1873,50\n"))
    assert {reason for _, _, reason, _ in rejections(store)} == {
        "contradicts line 4: the same value, but other bounds, unit or quality",
        "contradicts line 2: the same value, but other bounds, unit or quality",
    }


def test_a_day_out_of_order_goes_where_it_belongs(store: Store, tmp_path: Path) -> None:
    load_file(store, write(tmp_path / "a.csv", GOOD + "2024-01-15,pk,3,94\n"))
    assert observations(store, "t_start, value")[0] == (datetime(2024, 1, 15), 3.0)


def test_two_vintages_of_a_day_stay_side_by_side(store: Store, tmp_path: Path) -> None:
    load_file(store, write(tmp_path / "a.csv", HEADER + "2024-02-01,pk,5,94\n"))
    load_file(store, write(tmp_path / "b.csv", HEADER + "2024-02-01,pk,6,94\n"))
    assert observations(store, "value") == [(5.0,), (6.0,)]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("2024-03-05/users.csv", datetime(2024, 3, 5)),
        ("users_20240306.csv", datetime(2024, 3, 6)),
        ("2024-03-05/users-2024-02-01_2024-02-03.csv", datetime(2024, 3, 5)),
        ("users.csv", None),
        ("2023-01-01/users.csv", None),  # older than its own rows: that date means something else
        ("users-2024-19-45.csv", None),
    ],
)
def test_the_retrieval_date_is_taken_from_the_path_when_it_can_be_one(
    store: Store, tmp_path: Path, name: str, expected: datetime | None
) -> None:
    (tmp_path / name).parent.mkdir(exist_ok=True)
    load_file(store, write(tmp_path / name, GOOD))
    assert retrieved_at(store) == [expected]


def test_the_retrieval_date_is_taken_from_the_preamble_and_the_user_has_the_last_word(
    store: Store, tmp_path: Path
) -> None:
    path = write(tmp_path / "a.csv", "# retrieved: 2024-03-07T10:00:00Z\n" + GOOD)
    load_file(store, path)
    load_file(Store(tmp_path / "other.duckdb"), path, retrieved="2024-04-01")
    assert retrieved_at(store) == [datetime(2024, 3, 7, 10)]
    assert retrieved_at(Store(tmp_path / "other.duckdb")) == [datetime(2024, 4, 1)]


def test_rows_from_after_the_retrieval_are_refused(store: Store, tmp_path: Path) -> None:
    result = load_file(store, write(tmp_path / "a.csv", GOOD + "2024-02-09,pk,3,94\n"), retrieved="2024-02-04")
    assert (result.rows_loaded, result.rows_rejected) == (2, 1)
    assert rejections(store)[0][:2] == (4, "date")


def test_rows_of_the_far_future_are_refused_without_any_retrieval_date(store: Store, tmp_path: Path) -> None:
    assert load_file(store, write(tmp_path / "a.csv", GOOD + "2999-01-01,pk,3,94\n")).rows_rejected == 1


def test_standard_input_loads_like_a_file(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(gzip.compress(GOOD.encode()))))
    result = load_file(store, "-")
    path = write(tmp_path / "a.csv.gz", gzip.compress(GOOD.encode(), mtime=0))
    assert result.rows_loaded == 2
    assert path.exists()
    with store.reading() as con:
        assert con.table("snapshots").project("origin").fetchall() == [("-",)]


def test_folders_globs_and_files_expand_to_each_file_once(tmp_path: Path) -> None:
    for name in ("b.csv", "a.csv", "deep/c.csv", ".hidden", "deep/c.csv.origin.json", "x.csv.part"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        write(tmp_path / name, GOOD)
    every = [str(tmp_path / name) for name in ("a.csv", "b.csv", "deep/c.csv")]
    assert expand([tmp_path]) == every
    assert expand([tmp_path / "*.csv", tmp_path / "a.csv", "-"]) == [*every[:2], "-"]


@pytest.mark.parametrize("given", ["nowhere.csv", "no*.csv"])
def test_a_path_that_names_nothing_is_an_error(tmp_path: Path, given: str) -> None:
    with pytest.raises(BadInput, match="no such file"):
        expand([tmp_path / given])


def test_progress_ends_at_the_size_of_the_file(store: Store, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    path = write(tmp_path / "a.csv", GOOD)
    load_file(store, path, progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (path.stat().st_size, path.stat().st_size)


def test_a_source_can_be_named_and_an_unknown_one_is_answered_with_near_names(store: Store, tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", RELAY_HEADER + "2024-02-01,pk,5,1,9,94\n")
    with pytest.raises(UnknownName, match="tor_relay_users"):
        load_file(store, path, source="tor_relay")
    assert load_file(store, path, source="tor_bridge_users").source == "tor_bridge_users"
    with pytest.raises(BadInput, match="in the store already, read as tor_bridge_users"):
        load_file(store, path, source="tor_relay_users")


LOADER = "import sys; from analyzer.store import Store; from analyzer.store.loading import load_file; "


def test_two_first_loads_of_the_same_bytes_at_once_give_one_snapshot(tmp_path: Path) -> None:
    store = Store(tmp_path / "new.duckdb")
    write(tmp_path / "a.csv", GOOD)
    code = LOADER + "print(load_file(Store(sys.argv[1]), sys.argv[2]).already_loaded)"
    command = [sys.executable, "-c", code, str(store.path), str(tmp_path / "a.csv")]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    assert sorted(p.communicate(timeout=30)[0].strip() for p in both) == ["False", "True"]
    assert len(dump(store)["snapshots"]) == 1


def test_loading_does_not_import_pandas(store: Store, tmp_path: Path) -> None:
    code = LOADER + "load_file(Store(sys.argv[1]), sys.argv[2]); print('pandas' in sys.modules)"
    command = [sys.executable, "-c", code, str(store.path), str(write(tmp_path / "a.csv", GOOD))]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip() == "False"


finite = st.floats(0, 1e12, allow_nan=False)
rows = st.lists(
    st.tuples(
        st.sampled_from(["PK", "NA", "XX", "ZZ", "NO"]),
        st.text(st.characters(exclude_categories=("Cs", "Cc", "Z")), max_size=8),
        st.integers(0, 4000),
        st.one_of(finite, st.none()),
    ),
    min_size=1,
    max_size=30,
    unique_by=lambda row: row[:3],
)


@given(rows)
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_goes_in_comes_out(tmp_path: Path, found: list[tuple[str, str, int, float | None]]) -> None:
    """Any country, entity, day and value, through a table with our own column names."""
    text = io.StringIO()
    text.write("indicator,cc,entity,t_start,t_end,value,unit,state\n")
    expected = []
    for cc, entity, day, value in found:
        start = datetime.fromordinal(datetime(2010, 1, 1).toordinal() + day)
        stop = datetime.fromordinal(start.toordinal() + 1)
        state = "missing" if value is None else "value"
        quoted = '"' + entity.replace('"', '""') + '"'
        shown = "" if value is None else repr(value)
        text.write(f"search.interest,{cc},{quoted},{start:%Y-%m-%d},{stop:%Y-%m-%d},{shown},index,{state}\n")
        expected.append((cc, entity, start, value, state))
    store = empty_store(tmp_path)
    load_file(store, write(tmp_path / "round.csv", text.getvalue()))
    assert sorted(map(repr, observations(store))) == sorted(map(repr, expected))


@pytest.mark.shared
def test_a_genuine_bridge_file_loads_whole(store: Store, shared: Path) -> None:
    result = load_file(store, shared / "data/series/tor-bridge-2018-2020/userstats-bridge-country.csv")
    assert (result.rows_loaded, result.rows_rejected) == (172_128, 0)
    with store.reading() as con:
        counts = con.table("observations").aggregate("cc, entity, count(*) AS n").fetchall()
    by_place = {(cc, entity): n for cc, entity, n in counts}
    assert by_place["XX", ""] == by_place["ZZ", ""] == 833
    assert by_place["ZZ", "a1"] == 245
    assert by_place["NA", ""] == 830


@pytest.mark.shared
def test_seven_vintages_keep_the_dates_on_which_they_were_taken(store: Store, shared: Path) -> None:
    for path in expand([shared / "data/series/tor-vintages"]):
        if path.endswith("relay-country.csv"):
            load_file(store, path)
    assert [when.isoformat()[:10] for when in sorted(filter(None, retrieved_at(store)))] == [
        "2023-05-03",
        "2023-05-20",
        "2023-06-07",
        "2023-08-03",
        "2023-10-03",
        "2023-10-17",
        "2023-11-05",
    ]
