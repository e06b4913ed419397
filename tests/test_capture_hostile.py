"""Hostile and odd captures: the documented error or a load with a stated count; no crash, no hang, no half a load."""

from __future__ import annotations

import gzip
import signal
import struct
import subprocess
import sys
import time
import warnings
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from mutations import Trace, analysed, damaged, dice, faults, left_by_container, lines, totals, trace_of, traces
from stores import dump, empty_store, rejections, store_with_something, write

import analyzer
from analyzer import cli
from analyzer.capture.early import Early
from analyzer.errors import AnalyzerError, BadInput

SMALL = (Path(__file__).parents[1] / "captures" / "small.pcap").read_bytes()
TRACE = trace_of(SMALL)
FIRST = TRACE.records[0]
ENDLESS = (1 << 63) - 1
YEAR_2023 = 1_700_000_000


@pytest.fixture(autouse=True)
def no_warnings():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def pcap(*records, snaplen=262_144):
    return TRACE.header[:16] + struct.pack("<I", snaplen) + TRACE.header[20:] + b"".join(r.raw() for r in records)


def block(kind, body, first=None, last=None):
    """A pcapng block, with other lengths than its own before and behind where asked for."""
    body += bytes(-len(body) % 4)
    first = len(body) + 12 if first is None else first
    return struct.pack("<II", kind, first) + body + struct.pack("<I", first if last is None else last)


def interface(options=b""):
    return block(1, struct.pack("<HHI", 1, 0, 262_144) + options)


def offset(seconds):
    return struct.pack("<HHq", 14, 8, seconds)


def packet(number=0, ticks=YEAR_2023 * 1_000_000, **lengths):
    size = len(FIRST.data)
    head = struct.pack("<5I", number, ticks >> 32, ticks & 0xFFFFFFFF, size, size)
    return block(6, head + FIRST.data, **lengths)


SECTION = block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1))
GOOD = SECTION + interface() + packet()

REFUSED = {  # name: (bytes, part of what is said)
    "zero length": (b"", "is empty"),
    "header only": (TRACE.header, "without packets"),
    "ARP only": (
        pcap(*(r._replace(data=r.data[:12] + b"\x08\x06" + r.data[14:]) for r in TRACE.records)),
        "ARP, not IP",
    ),
    "half a header": (TRACE.header[:13], "ends inside the header"),
    "first record of 2^31 bytes": (pcap(FIRST._replace(caplen=1 << 31)), "2,147,483,648 captured bytes"),
    "pcapng header only": (SECTION, "without packets"),
    "half a pcapng header": (SECTION[:9], "pcapng"),
    "no interface at all": (SECTION + packet(), "not described"),
    "no such interface": (SECTION + interface() + packet(7), "not described"),
    "text": (b"hello\n" * 100, "no table"),
    "HTML": (b"<!DOCTYPE html><html><body>404</body></html>", "HTML page"),
    "gzip cut in its header": (gzip.compress(SMALL)[:12], "end too early"),
    "gzip of text": (gzip.compress(b"hello\n" * 100), "no table"),
    "gzip of zeros": (gzip.compress(bytes(1 << 20)), "NUL"),
    "gzip damaged at once": (gzip.compress(SMALL)[:10] + b"\xff" * 50, "decompressing"),
    "gzip with a false checksum": (gzip.compress(SMALL)[:-8] + bytes(8), "incorrect data check"),
}
WITHOUT_FLOWS = (  # sound captures without a flow: nothing to load, and an audit that is empty
    *(
        "header only",
        "pcapng header only",
        "ARP only",
        "first record of 2^31 bytes",
        "no interface at all",
        "no such interface",
    ),
)
LOADED = {  # name: (bytes, packets or records that are counted as unreadable)
    "cut in mid-record": (SMALL[:-5], 1),
    "captured length over the snap length": (pcap(*TRACE.records, snaplen=20), 0),
    "record of 2^31 bytes": (pcap(*TRACE.records[:3], FIRST._replace(caplen=1 << 31), *TRACE.records[3:]), 1),
    "captured length over wire length": (pcap(*(r._replace(wirelen=1) for r in TRACE.records)), 0),
    "wire length of 2^32": (pcap(*(r._replace(wirelen=0xFFFFFFFF) for r in TRACE.records)), 0),
    "year 2106": (pcap(*(r._replace(seconds=0xFFFFFFFF) for r in TRACE.records)), 0),
    "seconds of 2^32 microseconds": (pcap(*(r._replace(ticks=0xFFFFFFFF) for r in TRACE.records)), 0),
    "before 1970": (SECTION + interface(offset(-2 * YEAR_2023)) + packet() + packet(), 0),
    "before all times": (SECTION + interface(offset(-ENDLESS)) + packet() + packet(), 0),
    "behind all times": (SECTION + interface(offset(ENDLESS)) + packet(), 0),
    "year 586,524": (GOOD + packet(ticks=(1 << 64) - 1) + packet(), 0),
    "from the first to the last time": (
        SECTION + interface(offset(ENDLESS)) + interface(offset(-ENDLESS)) + (packet(0) + packet(1)) * 3,
        0,
    ),
    "one interface of none": (GOOD + packet(7) + packet(0xFFFFFFFF) + packet(), 2),
    "block of 0 bytes": (GOOD + packet(first=0) + packet(), 1),
    "block of 13 bytes": (GOOD + packet(first=13) + packet(), 1),
    "block of 2^32 bytes": (GOOD + packet(first=0xFFFFFFFC) + packet(), 1),
    "block over its end": (GOOD + packet(first=4096), 1),
    "two lengths": (GOOD + packet(last=12) + packet(), 1),
    "truncated gzip": (gzip.compress(SMALL)[:1000], 1),
    "gzip without its checksum": (gzip.compress(SMALL)[:-4], 1),
    "bytes behind a gzip": (gzip.compress(SMALL) + b"\1\2\3", 1),
}


def run(*arguments, monkeypatch):
    """Exit code of the command line, in this process."""
    monkeypatch.setattr(sys, "argv", ["vpn-uptake", *map(str, arguments)])
    try:
        cli.main()
    except SystemExit as end:
        return end.code or 0
    return 0


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_loaded_is_refused_in_one_line_and_changes_nothing(name, tmp_path, monkeypatch, capsys):
    raw, said = REFUSED[name]
    store, path = store_with_something(tmp_path), write(tmp_path / "a.pcap", raw)
    before = dump(store)
    with pytest.raises(AnalyzerError, match=said):
        analyzer.open(store.path).load(path)
    for command in (("load", path, "--db", store.path), ("inspect", path)):
        code = run(*command, monkeypatch=monkeypatch)
        out, err = capsys.readouterr()
        is_empty_audit = command[0] == "inspect" and name in WITHOUT_FLOWS
        assert (code, out.strip()) == ((0, err and out.strip()) if is_empty_audit else (1, ""))
        assert len(err.splitlines()) == (0 if is_empty_audit and "header" in name else 1)
    assert dump(store) == before


@pytest.mark.parametrize("name", LOADED)
def test_what_is_damaged_is_loaded_with_a_count_of_what_was_not_read(name, tmp_path, monkeypatch, capsys):
    raw, unreadable = LOADED[name]
    store, path = empty_store(tmp_path), write(tmp_path / "a.pcap", raw)
    (result,) = analyzer.open(store.path).load(path, k=1)
    assert result.rows_loaded > 0
    assert result.rows_rejected == unreadable
    assert sum(int(text.split()[0]) for *_, text in rejections(store)) == unreadable
    assert run("inspect", path, "--all", "--format", "csv", monkeypatch=monkeypatch) == 0
    out, err = capsys.readouterr()
    assert len(out.splitlines()) > 1
    assert ("gave no flow" in err) == bool(unreadable)


@pytest.mark.parametrize("command", ["load", "inspect"])
def test_a_folder_or_nothing_in_place_of_a_capture_is_one_line(command, tmp_path, monkeypatch, capsys):
    (tmp_path / "folder.pcap").mkdir()
    db = ("--db", tmp_path / "s.duckdb") if command == "load" else ()
    for path in (tmp_path / "folder.pcap", tmp_path / "nowhere.pcap"):
        code = run(command, path, *db, monkeypatch=monkeypatch)
        out, err = capsys.readouterr()
        assert (code, out) in ((1, ""), (2, ""))
        assert len(err.splitlines()) == 1 or code == 2


def test_every_cut_of_a_capture_is_refused_or_counted():
    """Whole records before the cut are flows, half a record is one that cannot be read."""
    trace = Trace(TRACE.header, TRACE.records[:6])
    ends = {len(Trace(trace.header, trace.records[:n]).raw()) for n in range(len(trace.records) + 1)}
    for size in range(max(ends) + 1):
        raw = trace.raw()[:size]
        if size < len(trace.header):
            with pytest.raises(BadInput):
                analysed(raw)
            continue
        left = left_by_container(raw)
        assert sum(left.values()) == (size not in ends)
        if size % 32 == 0 or size in ends:
            assert not faults(analysed(raw), left)


BOMB = """
import sys, time
from pathlib import Path
import analyzer
try:
    analyzer.open(sys.argv[2]).load(sys.argv[1])
except analyzer.errors.AnalyzerError as error:
    print(error)
status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
print(status["VmHWM"].split()[0], time.process_time())
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="peak memory is read from /proc")
@pytest.mark.parametrize("content", ["zeros", "packets", "one record"])
def test_a_gzip_bomb_takes_little_memory_and_time(tmp_path, content):
    size = 48 << 20
    filling = {
        "zeros": bytes(size),
        "packets": FIRST.raw() * (size // len(FIRST.raw())),
        "one record": FIRST._replace(caplen=(1 << 24) - 100, data=bytes((1 << 24) - 100)).raw() * 3,
    }
    path = write(tmp_path / "bomb.pcap", gzip.compress(TRACE.header + filling[content], 1))
    command = [sys.executable, "-c", BOMB, str(path), str(tmp_path / "s.duckdb")]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    kilobytes, seconds = done.stdout.splitlines()[-1].split()
    assert int(kilobytes) < 300_000
    assert float(seconds) < 20


KILLED = """
import os, signal, sys
import analyzer
from analyzer.store import loading
insert = loading.insert
def insert_then_die(con, query, *rest, **parameters):
    insert(con, query, *rest, **parameters)
    if query == sys.argv[3]:
        os.kill(os.getpid(), signal.SIGKILL)
loading.insert = insert_then_die
analyzer.open(sys.argv[1]).load(sys.argv[2], k=1)
"""


@pytest.mark.parametrize("moment", ["load_flows", "load_measures"])
def test_a_load_killed_half_way_leaves_the_store_as_it_was(tmp_path, moment):
    store, path = store_with_something(tmp_path), write(tmp_path / "a.pcap", SMALL)
    before = dump(store)
    command = [sys.executable, "-c", KILLED, str(store.path), str(path), moment]
    assert subprocess.run(command, timeout=60, check=False).returncode == -signal.SIGKILL
    assert dump(store) == before
    assert analyzer.open(store.path).load(path, k=1)[0].rows_loaded > 0


def test_a_capture_that_fails_in_the_middle_of_a_folder_leaves_nothing_of_itself(tmp_path, monkeypatch):
    """The capture before it is loaded, of the damaged one there is no row."""
    store, folder = empty_store(tmp_path), tmp_path / "in"
    folder.mkdir()
    write(folder / "a.pcap", SMALL)
    write(folder / "b.pcap", TRACE.header)
    run("load", folder, "--db", store.path, "--k", 1, monkeypatch=monkeypatch)
    with store.reading() as con:
        rows = con.table("snapshots").filter("source = 'capture'").project("bytes").fetchall()
    assert rows == [(len(SMALL),)]


# The engine under random damage

SEEDS = st.integers(0, (1 << 32) - 1)
CAPTURES = st.sampled_from(sorted(traces()))


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(CAPTURES, SEEDS)
def test_damaged_captures_are_refused_or_accounted_for(name, seed):
    """Every packet is in a flow or counted, nothing is left behind, and indices and counts make sense."""
    raw = damaged(traces()[name], dice(seed))
    try:
        found = analysed(raw)
    except BadInput:
        return
    assert not faults(found, left_by_container(raw))


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(CAPTURES, SEEDS, st.booleans())
def test_the_size_of_the_blocks_changes_no_flow(name, seed, in_time):
    """Where times jump over time-outs, flows may be cut elsewhere; no packet moves to another pair of ends."""
    raw = damaged(traces()[name], dice(seed), in_time=in_time)
    try:
        whole = analysed(raw)
    except BadInput:
        with pytest.raises(BadInput):
            analysed(raw, 4096)
        return
    pieces = analysed(raw, 4096)
    assert pieces.tally == whole.tally
    assert totals(pieces.batches) == totals(whole.batches)
    if in_time:
        assert lines(pieces.batches) == lines(whole.batches)


def test_payload_of_one_flow_in_several_segments_of_a_block_is_taken_in_once():
    """Where times jump back within the idle time-out, one flow has several segments."""
    for name in ("hours", "split-hello", "wireguard-full", "tor-tls13"):
        trace = traces()[name]
        begin = trace.records[0].seconds
        for gap in (119, 121, 200, 1000):
            jumping = (r._replace(seconds=begin + gap * (i % 2)) for i, r in enumerate(trace.records))
            raw = Trace(trace.header, tuple(jumping)).raw()
            assert not faults(analysed(raw), left_by_container(raw))


@pytest.mark.parametrize("name", sorted(traces()))
def test_the_size_of_the_blocks_changes_no_flow_of_a_sound_capture(name):
    raw = traces()[name].raw()
    assert lines(analysed(raw, 4096).batches) == lines(analysed(raw).batches)


@pytest.mark.parametrize("step", [200, 7200])
def test_a_flow_that_begins_again_with_every_packet_costs_no_more_the_longer_it_is(step):
    """Times that jump between two hours, or are idle in between, cost time in proportion to the packets."""

    def seconds(packets):
        records = (FIRST._replace(seconds=YEAR_2023 + (i % 2 if step == 7200 else i) * step) for i in range(packets))
        raw = pcap(*records)
        began = time.process_time()
        found = analysed(raw)
        took = time.process_time() - began
        assert not faults(found, left_by_container(raw))
        return took

    seconds(100)
    assert seconds(6000) < 12 * seconds(1500) + 1


def test_samples_count_with_what_they_cost_beside_their_data():
    """A flood of small first packets from ever new ports is held in bounded memory."""
    udp = next(r for t in traces().values() for r in t.records if len(r.data) > 80 and r.data[12:14] == b"\x08\0"
               and r.data[23] == 17 and r.data[14] == 0x45)  # fmt: skip
    head, rng, most = udp.data[:34], dice(1), 0

    def record(i):
        ip = head[:16] + struct.pack(">H", 48) + head[18:26] + struct.pack(">I", 0x0A000000 + i) + head[30:]
        data = ip + struct.pack(">4H", 20_000, 30_000, 28, 0) + rng.randbytes(20)
        return udp._replace(seconds=YEAR_2023, caplen=len(data), wirelen=len(data), data=data)

    take = Early.take

    def watched(self, *arguments):
        nonlocal most
        take(self, *arguments)
        most = max(most, len(self.samples))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("analyzer.capture.engine._SAMPLED", 200_000)
        patch.setattr(Early, "take", watched)
        raw = Trace(TRACE.header, tuple(record(i) for i in range(4000))).raw()
        assert not faults(analysed(raw, 20_000), left_by_container(raw))
    assert 0 < most < 1500


@example(bytes(64))
@settings(max_examples=25, deadline=None)
@given(st.binary(max_size=400))
def test_random_bytes_as_packets_of_any_link_type_are_accounted_for(data):
    for linktype in (0, 1, 12, 105, 113, 127, 147):
        records = (FIRST._replace(caplen=len(data), wirelen=len(data), data=data),) * 2
        raw = TRACE.header[:20] + struct.pack("<I", linktype) + b"".join(r.raw() for r in records)
        assert not faults(analysed(raw), left_by_container(raw))
