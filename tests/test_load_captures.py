"""Loading captures: told by content, read once, all or nothing, nothing of a person in the store."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import lzma
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import zstandard
from click.testing import CliRunner
from flow_batches import OPENVPN, TOR, WIREGUARD, Batches
from stores import dump, empty_store, rejections, store_with_something, write

import analyzer
from analyzer.capture import engine
from analyzer.capture.records import Flows, Tally
from analyzer.cli import vpn_uptake
from analyzer.errors import BadInput
from analyzer.store import Store
from analyzer.store.loading import is_capture, load_file
from analyzer.store.released import select

PCAP = bytes.fromhex("d4c3b2a1020004000000000000000000ffff000001000000")
PCAPNG = bytes.fromhex("0a0d0d0a1c0000004d3c2b1a01000000ffffffffffffffff1c000000")
NAME = "api.secret-name.example"

Engine = Callable[..., Iterator[Flows]]


def population() -> Batches:
    b = Batches().clients(30, OPENVPN).clients(12, WIREGUARD, net=1).clients(40, TOR, net=2, name=NAME)
    b.clients(60, net=3, traffic="tls", name="x.com", outcome="reset", hours=1)
    return b.clients(
        60, net=3, traffic="dns", dst="8.8.8.8", dport=53, proto=17, name=NAME, outcome="answered", hours=1
    )


@pytest.fixture(autouse=True)
def capture_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "flows_of", population().engine(unreadable={"no IP": 3, "truncated header": 1}))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return empty_store(tmp_path)


def snapshot(store: Store, columns: str) -> list[Any]:
    with store.reading() as con:
        return con.table("snapshots").project(columns).fetchall()


def test_a_capture_is_one_snapshot_with_its_hash_and_byte_basis(store: Store, tmp_path: Path) -> None:
    path = write(tmp_path / "a.pcap", PCAP)
    result = load_file(store, path)
    assert (result.source, result.rows_rejected, result.already_loaded) == ("capture", 4, False)
    assert result.rows_loaded == 5
    columns = "source, sha256, bytes, byte_basis, timezone, rows_loaded, rows_rejected, note"
    assert snapshot(store, columns) == [
        ("capture", hashlib.sha256(PCAP).hexdigest(), len(PCAP), "IP bytes", "UTC", 5, 4, "")
    ]


def test_every_table_of_captures_is_filled_with_utc_hours_and_the_country(store: Store, tmp_path: Path) -> None:
    load_file(store, write(tmp_path / "a.pcap", PCAP), cc="pk")
    hour = datetime(2024, 2, 17, 10)
    with store.reading() as con:
        for table in ("flows", "requests", "resolvers", "endpoint_counts"):
            assert {row[0] for row in con.table(table).project("cc").fetchall()} == {"PK"}
        assert con.table("flows").aggregate("min(t_start), max(t_end)").fetchall() == [
            (hour, datetime(2024, 2, 17, 12))
        ]
        scales = con.table("observations").project("scale_id, unit").distinct().fetchall()
    assert {scale for scale, _ in scales} == {"hour", "day"}


def test_a_country_that_nobody_states_is_unknown(store: Store, tmp_path: Path) -> None:
    load_file(store, write(tmp_path / "a.pcap", PCAP))
    with store.reading() as con:
        assert con.table("observations").project("cc").distinct().fetchall() == [("ZZ",)]


@pytest.mark.parametrize("magic", ["d4c3b2a1", "a1b2c3d4", "4d3cb2a1", "a1b23c4d", PCAPNG.hex()])
def test_captures_are_told_by_their_first_bytes(tmp_path: Path, magic: str) -> None:
    assert is_capture(write(tmp_path / "any.csv", bytes.fromhex(magic) + bytes(20)))


@pytest.mark.parametrize(
    "pack", [gzip.compress, bz2.compress, lzma.compress, zstandard.compress], ids=["gz", "bz2", "xz", "zst"]
)
def test_compressed_captures_are_told_by_content(store: Store, tmp_path: Path, pack: Callable[[bytes], bytes]) -> None:
    path = write(tmp_path / "a.txt", pack(PCAPNG))
    assert load_file(store, path).source == "capture"
    assert snapshot(store, "sha256") == [(hashlib.sha256(path.read_bytes()).hexdigest(),)]


@pytest.mark.parametrize(
    "content", [b"", b"\x1f\x8b\x08", b"BZh9", b"\x28\xb5\x2f\xfd", b"date,country\n", b"\xfd7zXZ\0"]
)
def test_what_is_no_capture_is_not_taken_for_one(tmp_path: Path, content: bytes) -> None:
    assert not is_capture(write(tmp_path / "a.pcap", content))
    assert not is_capture(tmp_path / "nowhere.pcap")


def test_the_same_bytes_twice_change_nothing_and_are_not_analysed_again(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = load_file(store, write(tmp_path / "a.pcap", PCAP))
    before = dump(store)
    monkeypatch.setattr(engine, "flows_of", None)
    again = analyzer.open(store.path).load(write(tmp_path / "b.pcap", PCAP), k=1)
    assert [(r.already_loaded, r.snapshot_id, r.rows_loaded) for r in again] == [(True, first.snapshot_id, 5)]
    after = dump(store)
    assert {name: after[name] for name in ("flows", "observations", "requests")} == {
        name: before[name] for name in ("flows", "observations", "requests")
    }


def test_another_capture_of_the_same_size_is_loaded(store: Store, tmp_path: Path) -> None:
    load_file(store, write(tmp_path / "a.pcap", PCAP))
    assert not load_file(store, write(tmp_path / "b.pcap", PCAP[:-1] + b"\1")).already_loaded


def test_nothing_of_a_person_or_server_is_in_the_store(store: Store, tmp_path: Path) -> None:
    load_file(store, write(tmp_path / "a.pcap", PCAP))
    content = repr(dump(store)) + store.path.read_bytes().decode("latin-1")
    for secret in (NAME, "secret-name", "10.2.0.", "8.8.8.8", "192.0.2.1", "x.com"):
        assert secret not in content


def test_a_packet_that_cannot_be_read_is_counted_by_its_reason_alone(store: Store, tmp_path: Path) -> None:
    load_file(store, write(tmp_path / "a.pcap", PCAP))
    assert rejections(store) == [
        (0, "packet", "no IP", "3 packets"),
        (0, "packet", "truncated header", "1 packet"),
    ]


def broken(*_: object) -> Iterator[Flows]:
    yield population().batch()
    raise BadInput("a.pcap ends in the middle")


@pytest.mark.parametrize(
    ("flows_of", "saying"),
    [
        (broken, "ends in the middle"),
        (Batches().engine(), "a capture without packets"),
        (
            Batches().engine(unreadable={"no IP": 7, "cut": 2}),
            r"none of 9 packets could be read as IP; most often \(7\): no IP",
        ),
    ],
    ids=["broken", "empty", "no IP at all"],
)
def test_a_capture_that_cannot_be_read_leaves_the_store_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, flows_of: Engine, saying: str
) -> None:
    store = store_with_something(tmp_path)
    before = dump(store)
    monkeypatch.setattr(engine, "flows_of", flows_of)
    with pytest.raises(BadInput, match=saying):
        load_file(store, write(tmp_path / "a.pcap", PCAP))
    assert dump(store) == before


def test_a_capture_that_grows_while_it_is_read_is_refused(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "a.pcap", PCAP)

    def growing(raw: Any, name: str, tally: Tally, options: object = None) -> Iterator[Flows]:
        yield from population().engine()(raw, name, tally, options)
        path.write_bytes(PCAP + b"more")

    before = dump(store)
    monkeypatch.setattr(engine, "flows_of", growing)
    with pytest.raises(BadInput, match="changed while it was read"):
        load_file(store, path)
    assert dump(store) == before


@pytest.mark.parametrize("given", [{"source": "tor_bridge_users"}, {"tz": "Asia/Karachi"}, {"mapping": {"value": "x"}}])
def test_options_of_tables_mean_nothing_for_a_capture(store: Store, tmp_path: Path, given: dict[str, Any]) -> None:
    with pytest.raises(BadInput, match="is a packet capture"):
        load_file(store, write(tmp_path / "a.pcap", PCAP), **given)


KILLED = """
import os, signal, sys
sys.path.insert(0, {tests!r})
from test_load_captures import population
from analyzer.capture import engine
from analyzer.store import Store, loading
engine.flows_of = population().engine()
def die(*_): os.kill(os.getpid(), signal.SIGKILL)
insert = loading.insert
def insert_then_die(con, query, columns, **parameters):
    insert(con, query, columns, **parameters)
    if query == sys.argv[3]:
        die()
loading.insert = insert_then_die
if sys.argv[3] == "while reading":
    loading.load_file(Store(sys.argv[1]), sys.argv[2], progress=die)
loading.load_file(Store(sys.argv[1]), sys.argv[2])
"""


@pytest.mark.parametrize("moment", ["while reading", "load_flows", "load_measures"])
def test_a_load_that_is_killed_leaves_the_store_as_it_was(tmp_path: Path, moment: str) -> None:
    store = store_with_something(tmp_path)
    before, path = dump(store), write(tmp_path / "a.pcap", PCAP)
    code = KILLED.format(tests=str(Path(__file__).parent))
    command = [sys.executable, "-c", code, str(store.path), str(path), moment]
    assert subprocess.run(command, timeout=30, check=False).returncode == -signal.SIGKILL
    assert dump(store) == before
    assert load_file(store, path).rows_loaded == 5


def named(*bad: str) -> Engine:
    """An engine that refuses files of some names, and says in the tally which process it runs in."""

    def flows_of(raw: Any, name: str, tally: Tally, options: object = None) -> Iterator[Flows]:
        if Path(name).name in bad:
            raise BadInput(f"{name} is damaged")
        yield from population().engine(unreadable={f"process {os.getpid()}": 1})(raw, name, tally, options)

    return flows_of


def three(folder: Path) -> list[Path]:
    folder.mkdir(exist_ok=True)
    return [write(folder / f"{name}.pcap", PCAP + name.encode()) for name in "abc"]


def test_several_captures_are_analysed_by_other_processes_and_written_in_order(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "flows_of", named())
    results = analyzer.open(store.path).load(*three(tmp_path / "in"))
    assert [Path(r.origin).name for r in results] == ["a.pcap", "b.pcap", "c.pcap"]
    processes = {reason for _, _, reason, _ in rejections(store)}
    assert f"process {os.getpid()}" not in processes
    assert 1 <= len(processes) <= 2


def test_one_capture_stays_in_this_process(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "flows_of", named())
    analyzer.open(store.path).load(three(tmp_path)[0])
    assert {reason for _, _, reason, _ in rejections(store)} == {f"process {os.getpid()}"}


def test_of_several_captures_those_before_a_damaged_one_stay(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "flows_of", named("b.pcap"))
    with pytest.raises(BadInput, match=r"b\.pcap is damaged"):
        analyzer.open(store.path).load(*three(tmp_path / "in"))
    assert [Path(origin).name for (origin,) in captures(store)] == ["a.pcap"]


def test_a_damaged_capture_in_a_folder_is_left_out_with_the_reason(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "flows_of", named("b.pcap"))
    three(tmp_path / "in")
    said: list[str] = []
    analyzer.open(store.path).load(tmp_path / "in", skipped=said.append)
    assert [Path(origin).name for (origin,) in captures(store)] == ["a.pcap", "c.pcap"]
    assert len(said) == 1
    assert "b.pcap is damaged" in said[0]


def captures(store: Store) -> list[Any]:
    with store.reading() as con:
        return con.table("snapshots").filter("source = 'capture'").project("origin").order("origin").fetchall()


def load(folder: Path, *arguments: str) -> Any:
    write(folder / "a.pcap", PCAP)
    command = ["load", str(folder / "a.pcap"), "--db", str(folder / "s.duckdb"), *arguments]
    return CliRunner().invoke(vpn_uptake, command, catch_exceptions=False)


def test_a_lower_k_prints_a_banner_and_stands_in_the_snapshot(tmp_path: Path) -> None:
    assert "***" not in load(tmp_path, "--k", "10").stderr
    (tmp_path / "s.duckdb").unlink()
    done = load(tmp_path, "--k", "1", "--sampling", "10")
    assert done.exit_code == 0
    assert "*** --k 1: cells of fewer than 10 clients" in done.stderr
    assert "***" not in done.stdout
    ((note,),) = [row for row in snapshot(Store(tmp_path / "s.duckdb"), "note") if row[0]]
    assert "cells of 1 clients" in note
    assert "one in 10 packets" in note


def test_suppressed_rows_hold_no_numbers_and_their_own_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    b = Batches().clients(4, TOR).clients(12, OPENVPN, net=1).clients(50, net=2, traffic="tls")
    monkeypatch.setattr(engine, "flows_of", b.engine())
    store = empty_store(tmp_path)
    load_file(store, write(tmp_path / "a.pcap", PCAP))
    with store.reading() as con:
        columns = "family, flows, clients, bytes_up, bytes_down, packets, state"
        assert con.table("flows").project(columns).order("family").fetchall() == [
            ("openvpn", None, None, None, None, None, "suppressed"),
            ("tls", 50, 50, 50_000, 450_000, 500, "value"),
            ("tor", None, None, None, None, None, "suppressed"),
        ]


def test_the_users_own_sql_sees_captures_without_providers(store: Store, tmp_path: Path) -> None:
    load_file(store, write(tmp_path / "a.pcap", PCAP))
    _, families = select(store, "SELECT family, clients FROM flows ORDER BY clients, family", {})
    assert ("wireguard", 12) in families
    assert "provider" not in select(store, "SELECT * FROM flows LIMIT 0", {})[0]
    assert select(store, "SELECT count(*) FROM observations WHERE entity LIKE 'provider=%'", {})[1] == [(0,)]
    for query in ("observed", "series_of_country"):
        more = {"indicator": "capture.flows"} if query == "observed" else {}
        entities = {row["entity"] for row in store.rows(query, cc="ZZ", **more)}
        assert "family=wireguard" in entities
        assert not any(entity.startswith("provider=") for entity in entities)
    for table in ("requests", "resolvers", "endpoint_counts", "services"):
        assert select(store, f"FROM {table} LIMIT 1", {})[1]
    with pytest.raises(BadInput):
        select(store, "SELECT text FROM rejections", {})


def test_loading_a_capture_imports_no_table_library(tmp_path: Path) -> None:
    code = f"""
import sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
from flow_batches import OPENVPN, Batches
from analyzer.capture import engine
engine.flows_of = Batches().clients(12, OPENVPN).engine()
from analyzer.cli import vpn_uptake
vpn_uptake.main(["load", sys.argv[1], "--db", sys.argv[2], "--format", "csv"], standalone_mode=False)
print(*[m for m in ("pandas", "scipy", "altair", "scapy", "httpx", "jinja2") if m in sys.modules])
"""
    command = [sys.executable, "-c", code, str(write(tmp_path / "a.pcap", PCAP)), str(tmp_path / "s.duckdb")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1].strip() == ""
