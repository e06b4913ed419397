"""Bad input: one line that says what is wrong and where, and a store that is as it was."""

from __future__ import annotations

import gzip
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from stores import GOOD, HEADER, RELAY_HEADER, dump, empty_store, observations, rejections, store_with_something, write

import analyzer.store
from analyzer import sources
from analyzer.errors import AnalyzerError, BadInput, StoreError
from analyzer.records import Origin
from analyzer.sources import _bytes
from analyzer.store import Store, loading
from analyzer.store.loading import load_file

HTML = "<!DOCTYPE html>\n<html><head><title>Sign in</title></head><body>date,country,users,frac</body></html>\n"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return store_with_something(tmp_path)


@contextmanager
def refused(store: Store, error: type[AnalyzerError], saying: str) -> Iterator[None]:
    """One line, matching `saying`, and every table as before."""
    before = dump(store)
    with pytest.raises(error, match=saying) as caught:
        yield
    assert "\n" not in str(caught.value)
    assert dump(store) == before


WHOLE = {
    "empty file": (b"", "is empty"),
    "only white space": (b" \n\n", "is empty"),
    "header only": (HEADER.encode(), "a header of tor_bridge_users but no rows"),
    "comments only": (b"#\n# The Tor Project\n#\n", "no table of a source we know"),
    "UTF-16 without mark": (GOOD.encode("utf-16-le"), "NUL bytes near byte 0.*UTF-16 without its mark"),
    "Latin-1": (GOOD.encode() + "# Côte d'Ivoire\n".encode("latin-1"), "not UTF-8 .byte 0xf4.*iconv"),
    "half of a UTF-16 file": (GOOD.encode("utf-16")[:-1], "begins like UTF-16"),
    "missing column": (b"date,country,clients,frac\n2024-02-01,pk,5,94\n", "nearest: tor_.*which also has 'users'"),
    "missing column in a file that names itself": (
        b"# URL: https://metrics.torproject.org/userstats-relay-country.csv?country=pk\ndate,country,users,frac\n",
        r"no columns 'lower', 'upper' in line 2 \(found: date, country, users, frac\); read as tor_relay_users",
    ),
    "column named twice": (
        b"date,country,users,users,frac\n2024-02-01,pk,5,6,94\n",
        "line 1 names column 'users' twice",
    ),
    "every row bad": (HEADER.encode() + b"2024-02-01,pk,x,94\n", "none of 1 row .*first line 2: users 'x' is not"),
    "every row contradicted": (GOOD.encode() + b"2024-02-01,pk,1,94\n2024-02-02,pk,1,94\n", "contradict each other"),
    "HTML": (HTML.encode(), "HTML page, not data"),
    "block page in XML": (b'<?xml version="1.0"?>\n<html></html>', "HTML page, not data"),
    "truncated gzip": (gzip.compress(GOOD.encode() * 999)[:-20], "compressed data end too early"),
    "damaged gzip": (gzip.compress(GOOD.encode())[:-8] + bytes(8), "cannot be read"),
    "truncated zstd": (bytes.fromhex("28b52ffd24") + b"\x20\x01", "compressed data"),
    "truncated xz": (bytes.fromhex("fd377a585a000004e6d6b446"), "compressed data end too early"),
    "random bytes": (bytes(range(250, 100, -1)) * 9, "not UTF-8"),
    "Parquet": (b"PAR1\x15\x04\x15", "Parquet file"),
    "Excel": (b"PK\x03\x04\x14\x00", "Excel workbook"),
    "quote never closed": (HEADER.encode() + b'2024-02-01,"pk,5,94\n' + b"2024-02-01,pk,5,94\n" * 9, "line 2: .*quote"),
    "unknown table": (b"a,b,c\n1,2,3\n", "no source has the columns a, b, c;"),
    "unknown JSON": (b'{"result": []}', "JSON of no source we know"),
    "half an App Store chart": (b'{"feed":{"results":[{"id":"1"}', "not whole JSON"),
    "App Store chart with an endless number": (b'{"feed":{"results":' + b"9" * 5000 + b"}}", "not whole JSON"),
    "App Store chart of halves of characters": (
        b'{"feed":{"title":"\\ud800","country":"pk","updated":"x\\ud800","results":[{"id":"\\ud800"}, {}]}}',
        "no instant; state it with --retrieved",
    ),
    "empty App Store chart": (
        b'{"feed":{"country":"pk","updated":"2024-02-17T10:00:00Z","results":[]}}',
        "chart without entries",
    ),
}


@pytest.mark.parametrize("case", WHOLE)
def test_a_file_that_is_not_what_it_claims_leaves_the_store_as_it_was(store: Store, tmp_path: Path, case: str) -> None:
    content, saying = WHOLE[case]
    path = write(tmp_path / "bad.csv", content)
    with refused(store, BadInput, f"bad.csv.*{saying}"):
        load_file(store, path)


ROWS = {
    "2024-02-05,qq,5,94": ("country", "'qq' is no country code"),
    "2024-02-05,xx,5,94": ("country", "'xx' is no country code"),
    "2024-02-05,pakistan,5,94": ("country", "'pakistan' is no country code"),
    "2024-02-05,pk,-5,94": ("users", "-5 is negative"),
    "2024-02-05,pk,9000000000,94": ("users", "9000000000 is impossible: more than 8.5e+09"),
    "2024-02-05,pk,nan,94": ("users", "'nan' is not a number"),
    "2024-02-05,pk,inf,94": ("users", "'inf' is not a number"),
    "2024-02-05,pk,1e999,94": ("users", "1e999 is not a finite number"),
    "2024-02-05,pk,1_000,94": ("users", "'1_000' is not a number"),
    "2024-02-05,pk,١٢,94": ("users", "'١٢' is not a number"),
    "2024-02-05,pk,,94": ("users", "is empty"),
    "2024-02-05,pk,5,111": ("frac", "111 is impossible: outside 0 to 110 per cent"),
    "2024-02-05,pk,5,-1": ("frac", "-1 is negative"),
    "2024-02-30,pk,5,94": ("date", "'2024-02-30' is not a date such as 2024-02-17"),
    "9999-12-31,pk,5,94": ("date", "'9999-12-31' is no date of this era"),
    "05/02/2024,pk,5,94": ("date", "'05/02/2024' is not a date such as 2024-02-17"),
    "2024-02-05 06:00:00,pk,5,94": ("date", "2024-02-05 06:00:00 is not the start of a UTC day"),
    "2024-02-05T00:00:00+05:00,pk,5,94": ("date", "2024-02-05T00:00:00+05:00 is not in UTC"),
    "2024-02-05,pk,5": ("", "has 3 columns where the header has 4"),
    "2024-02-05,pk,5,94,7": ("", "has 5 columns where the header has 4"),
    "date,country,users,frac": ("date", "'date' is not a date such as 2024-02-17"),
}


def test_each_bad_row_is_kept_with_line_field_reason_and_text_and_the_good_ones_load(tmp_path: Path) -> None:
    store = empty_store(tmp_path)
    result = load_file(store, write(tmp_path / "rows.csv", GOOD + "\n".join(ROWS) + "\n2024-02-20,pk,9,94\n"))
    assert (result.rows_loaded, result.rows_rejected) == (3, len(ROWS))
    found = [(line, text, (field, reason)) for line, field, reason, text in rejections(store)]
    assert found == [(line, text, expected) for line, (text, expected) in enumerate(ROWS.items(), 4)]


def test_bounds_that_cross_are_refused(tmp_path: Path) -> None:
    store = empty_store(tmp_path)
    rows = "2024-02-01,pk,5,1,9,94\n2024-02-02,pk,5,9,1,94\n2024-02-03,pk,5,,9,94\n"
    load_file(store, write(tmp_path / "rows.csv", RELAY_HEADER + rows))
    assert [(line, field) for line, field, _, _ in rejections(store)] == [(3, "lower")]


def test_the_text_of_a_refused_row_is_cut(tmp_path: Path) -> None:
    store = empty_store(tmp_path)
    load_file(store, write(tmp_path / "rows.csv", GOOD + "2024-02-05,pk,5,94," + "x" * 9000 + "\n"))
    assert len(rejections(store)[0][3]) == 500


def test_half_a_character_in_a_chart_does_not_stop_it(tmp_path: Path) -> None:
    store = empty_store(tmp_path)
    feed = b'{"feed":{"title":"\\ud800","country":"pk","results":[{"no":"\\ud800"},{"id":"905953485"}]}}'
    result = load_file(store, write(tmp_path / "chart.json", feed), retrieved="2024-02-17")
    assert result.rows_rejected == 1
    assert ("app:NordVPN", 2.0) in observations(store, "entity, value")


def test_a_web_page_is_one_whatever_source_it_is_said_to_be(store: Store, tmp_path: Path) -> None:
    with refused(store, BadInput, "HTML page, not data"):
        load_file(store, write(tmp_path / "a.csv", HTML), source="tor_bridge_users")


def test_a_folder_a_missing_path_and_a_missing_mapping_are_said_so(store: Store, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with refused(store, BadInput, "is a folder; load its files"):
        load_file(store, tmp_path / "folder")
    with refused(store, BadInput, "no such file: .*nowhere.csv"):
        load_file(store, tmp_path / "nowhere.csv")
    with refused(store, BadInput, "cannot read the mapping .*nowhere.toml"):
        load_file(store, write(tmp_path / "a.csv", GOOD), mapping=tmp_path / "nowhere.toml")


def test_a_file_that_may_not_be_read_is_said_so(store: Store, tmp_path: Path) -> None:
    """Root may read everything, so root becomes nobody for as long as it takes."""
    path = write(tmp_path / "secret.csv", GOOD)
    path.chmod(0)
    before, is_root = dump(store), os.geteuid() == 0
    if is_root:
        os.seteuid(65534)
    try:
        with pytest.raises(BadInput, match=r"cannot read .*secret\.csv: Permission denied"):
            load_file(store, path)
    finally:
        if is_root:
            os.seteuid(0)
    assert dump(store) == before


@pytest.mark.parametrize(
    "given", [{"retrieved": "yesterday"}, {"cc": "QQ"}, {"tz": "Asia/Islamabad"}, {"source": "no"}]
)
def test_an_option_that_means_nothing_is_said_so(store: Store, tmp_path: Path, given: dict[str, str]) -> None:
    with refused(store, AnalyzerError, next(iter(given.values()))):
        load_file(store, write(tmp_path / "a.csv", GOOD), **given)  # type: ignore[arg-type]


MEASURED = """
import re, sys
from pathlib import Path
from analyzer.errors import BadInput
from analyzer.store import Store
from analyzer.store.loading import load_file
# Not getrusage: its peak survives exec, so that it would be that of the test process which forked.
def peak(): return int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])
try:
    load_file(Store(sys.argv[1]), sys.argv[2])
except BadInput as error:
    print(peak() // 1024, error)
"""


def test_a_line_of_a_gigabyte_is_refused_without_holding_it(store: Store, tmp_path: Path) -> None:
    """Sixty-four gzip members of 16 MiB each: a gigabyte of text in a megabyte of file."""
    member = gzip.compress(b"7" * (1 << 24), 1)
    path = write(tmp_path / "long.csv.gz", gzip.compress(HEADER.encode()) + member * 64)
    before = dump(store)
    command = [sys.executable, "-c", MEASURED, str(store.path), str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True)
    peak, said = done.stdout.split(" ", 1)
    assert "line 2 is longer than 1 MiB: this is not a CSV of tor_bridge_users" in said
    assert int(peak) < 400  # MiB, DuckDB and numpy included; the line alone has 1,024
    assert dump(store) == before


def test_a_file_that_grows_while_it_is_read_is_refused(store: Store, tmp_path: Path) -> None:
    path = write(tmp_path / "growing.csv", GOOD)

    def grow(_done: int, _total: int) -> None:
        with path.open("a") as file:
            file.write("2024-02-03,pk,1,94\n")

    with refused(store, BadInput, "growing.csv changed while it was read"):
        load_file(store, path, progress=_once(grow))


def test_a_file_that_is_replaced_by_another_of_its_size_is_refused(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "swapped.csv", GOOD)
    stamp = path.stat().st_mtime_ns
    real = loading.facts_of

    def swap(*given: object) -> object:
        facts = real(*given)  # type: ignore[arg-type]
        write(path, GOOD.replace("1873", "7777"))
        os.utime(path, ns=(stamp, stamp))
        return facts

    monkeypatch.setattr(loading, "facts_of", swap)
    with refused(store, BadInput, "swapped.csv changed while it was read"):
        load_file(store, path)


def _once(action: object) -> object:
    """The progress callback that acts on its first call only."""
    calls: list[int] = []

    def progress(done: int, total: int) -> None:
        calls.append(done)
        if len(calls) == 1:
            action(done, total)  # type: ignore[operator]

    return progress


def many_rows(days: int) -> str:
    """A file whose rows take some megabytes in the store."""
    codes = ("pk", "ir", "ru", "cn", "ke", "ng", "br", "fr", "de", "us")
    start = date(2010, 1, 1).toordinal()
    return HEADER + "".join(
        f"{date.fromordinal(start + day)},{cc},{day * 7919 % 99991},94\n" for day in range(days) for cc in codes
    )


@contextmanager
def small_disk(folder: Path, mebibytes: int) -> Iterator[Path]:
    folder.mkdir()
    options = f"size={mebibytes}m"
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder], capture_output=True, check=False)
    if done.returncode:
        pytest.skip(f"mounting a small tmpfs is not permitted here: {done.stderr.decode().strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", folder], check=True)


def test_a_full_disk_leaves_the_store_as_it_was_and_says_so(tmp_path: Path) -> None:
    path = write(tmp_path / "many.csv", many_rows(2000))  # outside of the small disk, as is the spool of standard input
    with small_disk(tmp_path / "disk", 24) as disk:
        store = store_with_something(disk)
        free = os.statvfs(disk)
        write(disk / "filler", b"x" * (free.f_bavail * free.f_frsize - 300_000))
        with refused(store, StoreError, "disk is full: free some space.*the store is as it was"):
            load_file(store, path)
        (disk / "filler").unlink()
        assert load_file(store, path).rows_loaded == 20_000


KILLED = """
import os, signal, sys
from analyzer.store import Store, loading
def die(*_): os.kill(os.getpid(), signal.SIGKILL)
if sys.argv[3] == "while reading":
    loading.load_file(Store(sys.argv[1]), sys.argv[2], progress=die)
run = loading.run
def run_then_die(con, query, **parameters):
    run(con, query, **parameters)
    if query == sys.argv[3]:
        die()
loading.run = run_then_die
loading.load_file(Store(sys.argv[1]), sys.argv[2])
"""


@pytest.mark.parametrize(
    ("moment", "new"),
    [("while reading", False), ("load_observations", False), ("load_snapshot", False), ("load_snapshot", True)],
    ids=["while reading", "before the snapshot", "before the commit", "before the commit of a new store"],
)
def test_a_load_that_is_killed_leaves_the_store_as_it_was(tmp_path: Path, moment: str, new: bool) -> None:
    store = Store(tmp_path / "new.duckdb") if new else store_with_something(tmp_path)
    before = dump(store)
    path = write(tmp_path / "many.csv", many_rows(300))
    command = [sys.executable, "-c", KILLED, str(store.path), str(path), moment]
    assert subprocess.run(command, timeout=30, check=False).returncode == -signal.SIGKILL
    if not new:
        assert dump(store) == before
    assert load_file(store, path).rows_loaded == 3000
    assert len(dump(store)["snapshots"]) == (1 if new else 2)


HOLDER = """
import sys
from analyzer.store import Store
with Store(sys.argv[1]).writing():
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_second_load_waits_for_the_first_and_then_says_who_is_in_the_way(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "a.csv", GOOD)
    command = [sys.executable, "-c", HOLDER, str(store.path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        monkeypatch.setattr(analyzer.store, "LOCK_PATIENCE", 0.2)
        with pytest.raises(StoreError, match="being written by another process; try again"):
            load_file(store, path)
        holder.communicate("")
    assert len(dump(store)["snapshots"]) == 1
    assert load_file(store, path).rows_loaded == 2


STARTS = [
    b"",
    HEADER.encode(),
    RELAY_HEADER.encode(),
    b"\xff\xfe",
    b"\xef\xbb\xbf",
    b"\x1f\x8b\x08",
    b"BZh9",
    b'{"feed":',
]
STARTS += [b"\xfd7zXZ\x00", b"\x28\xb5\x2f\xfd", b'[{"appId":', b"indicator,cc,t_start,t_end,value,unit\n"]
hostile = st.builds(
    lambda start, parts: start + b"".join(parts),
    st.sampled_from(STARTS),
    st.lists(
        st.one_of(st.binary(max_size=40), st.sampled_from([b",", b"\n", b'"', b"2024-02-01", b"pk", b"5", b"\0"]))
    ),
)


@given(hostile)
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_hostile_bytes_are_read_or_refused_in_one_line(tmp_path: Path, content: bytes) -> None:
    path = write(tmp_path / "hostile", content)
    try:
        source = sources.recognise(_bytes.head(path, "hostile"), "hostile")
        with _bytes.Received(path) as raw:
            lines = _bytes.numbered(_bytes.chunks(raw, "hostile"), "hostile", 1 << 20, "it")
            list(source.read(lines, Origin("hostile", cc="PK")))
    except AnalyzerError as error:
        assert "\n" not in str(error)


parts = st.recursive(
    st.one_of(st.none(), st.booleans(), st.floats(), st.text(max_size=4), st.sampled_from(["pk", "2024-02-17T10:00Z"])),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from(["id", "label", "attributes", "im:id"]), inner, max_size=3),
    ),
    max_leaves=8,
)
feeds = st.dictionaries(st.sampled_from(["id", "results", "entry", "updated", "country", "title"]), parts)


@given(feeds)
@settings(max_examples=200, deadline=None)
def test_a_hostile_chart_is_read_or_refused_in_one_line(feed: dict[str, object]) -> None:
    lines = iter([(1, json.dumps({"feed": feed}))])
    try:
        list(sources.source_named("app_charts_apple").read(lines, Origin("chart", datetime(2024, 2, 17), "PK")))
    except AnalyzerError as error:
        assert "\n" not in str(error)


def test_a_bom_in_front_of_the_header_does_not_hide_the_first_column(tmp_path: Path) -> None:
    store = empty_store(tmp_path)
    load_file(store, write(tmp_path / "bom.csv", b"\xef\xbb\xbf" + GOOD.encode()))
    assert len(observations(store)) == 2
