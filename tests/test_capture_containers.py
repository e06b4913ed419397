"""Containers: every record comes out once, whole and in order, whatever wraps it and however it arrives."""

from __future__ import annotations

import bz2
import gzip
import io
import itertools
import lzma
import os
import random
import threading
import tracemalloc
from collections import Counter
from pathlib import Path
from struct import pack
from typing import Any, NamedTuple

import pytest
import zstandard
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from analyzer.capture.containers import is_capture, read_blocks
from analyzer.capture.records import SLACK, Tally
from analyzer.errors import BadInput

S = 10**9
T0 = 1_707_350_400 * S
CUT = "record cut off at the end of the file"


class Packet(NamedTuple):
    number: int
    t: int
    caplen: int
    wirelen: int
    linktype: int
    data: bytes


class Trickle(io.RawIOBase):
    """A pipe that gives at most `most` bytes at a time, and cannot seek."""

    def __init__(self, data: bytes, most: int = 1 << 30) -> None:
        super().__init__()
        self._file, self._most = io.BytesIO(data), most

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        return self._file.readinto(memoryview(buffer)[: self._most])


def read(raw: bytes | io.RawIOBase, *size: int) -> tuple[list[Packet], Tally]:
    """All packets in order of their number; the promises of a block are checked on the way."""
    tally, found = Tally(), list[Packet]()
    source = Trickle(raw) if isinstance(raw, bytes) else raw
    for block in read_blocks(source, "it", tally, *size):
        assert len({len(column) for column in (block.start, block.caplen, block.wirelen, block.t, block.number)}) == 1
        assert len(block.t)
        assert (block.caplen >= 0).all()
        assert ((block.start >= 0) & (block.start + block.caplen + SLACK <= len(block.data))).all()
        assert {column.dtype.name for column in block[1:5]} == {"int64"}
        columns = (column.tolist() for column in (block.number, block.t, block.caplen, block.wirelen, block.start))
        for number, t, caplen, wirelen, start in zip(*columns, strict=True):
            data = block.data[start : start + caplen].tobytes()
            found.append(Packet(number, t, caplen, wirelen, block.linktype, data))
    assert tally.packets == len(found)
    assert tally.linktypes == Counter(p.linktype for p in found)
    assert tally.cut == sum(p.caplen < p.wirelen for p in found)
    return sorted(found), tally


def dice(seed: int) -> random.Random:
    return random.Random(seed)  # noqa: S311 - test data, no secret


def some(count: int = 50, seed: int = 1) -> list[Packet]:
    """Packets of many sizes, some of them cut."""
    rng, found = dice(seed), list[Packet]()
    for number in range(1, count + 1):
        data = rng.randbytes(rng.choice((0, 1, 3, 14, 60, 61, 255, 256, 1500)))
        t = T0 + number * 1_234_567_000 + rng.randrange(10**6) * 1000
        found.append(Packet(number, t, len(data), len(data) + rng.choice((0, 0, 7)), 1, data))
    return found


PACKETS = some()

MAGIC = {"us": 0xA1B2C3D4, "ns": 0xA1B23C4D, "modified": 0xA1B2CD34}


def pcap_header(order: str = "<", kind: str = "us", snaplen: int = 262144, link: int = 1) -> bytes:
    return pack(f"{order}IHHiIII", MAGIC[kind], 2, 4, 0, 0, snaplen, link)


def pcap(packets: list[Packet], order: str = "<", kind: str = "us", **header: int) -> bytes:
    out = [pcap_header(order, kind, **header)]
    for p in packets:
        tick = p.t % S if kind == "ns" else p.t % S // 1000
        more = pack(f"{order}IHBx", 3, 0x0800, 4) if kind == "modified" else b""
        out += [pack(f"{order}IIII", p.t // S, tick, p.caplen, p.wirelen), more, p.data]
    return b"".join(out)


def block(kind: int, body: bytes, order: str = "<") -> bytes:
    body += bytes(-len(body) % 4)
    size = pack(f"{order}I", len(body) + 12)
    return pack(f"{order}I", kind) + size + body + size


def option(code: int, value: bytes, order: str = "<") -> bytes:
    return pack(f"{order}HH", code, len(value)) + value + bytes(-len(value) % 4)


def shb(order: str = "<") -> bytes:
    return block(0x0A0D0D0A, pack(f"{order}IHHq", 0x1A2B3C4D, 1, 0, -1) + option(4, b"made here", order), order)


def idb(link: int = 1, order: str = "<", snaplen: int = 0, options: bytes = b"") -> bytes:
    return block(1, pack(f"{order}HHI", link, 0, snaplen) + options, order)


def epb(p: Packet, order: str = "<", interface: int = 0, ticks: int | None = None, options: bytes = b"") -> bytes:
    ticks = p.t // 1000 if ticks is None else ticks
    head = pack(f"{order}IIIII", interface, ticks >> 32, ticks & 0xFFFFFFFF, p.caplen, p.wirelen)
    return block(6, head + p.data + bytes(-len(p.data) % 4) + options, order)


def pcapng(packets: list[Packet], order: str = "<") -> bytes:
    return shb(order) + idb(1, order) + b"".join(epb(p, order) for p in packets)


KINDS = {
    **{f"pcap {kind} {order}": pcap(PACKETS, order, kind) for kind in MAGIC for order in "<>"},
    **{f"pcapng {order}": pcapng(PACKETS, order) for order in "<>"},
}
FILES = pytest.mark.parametrize("data", KINDS.values(), ids=KINDS)


@FILES
def test_every_record_comes_out_as_it_was_written(data: bytes):
    found, tally = read(data)
    assert found == PACKETS
    assert (tally.first, tally.last) == (PACKETS[0].t, PACKETS[-1].t)
    assert not tally.unreadable
    assert not tally.notes


def test_nanoseconds_are_kept():
    odd = [p._replace(t=p.t + 789) for p in PACKETS]
    assert read(pcap(odd, kind="ns"))[0] == odd
    assert read(shb() + idb(options=option(9, b"\x09")) + b"".join(epb(p, ticks=p.t) for p in odd))[0] == odd


@FILES
@pytest.mark.parametrize("size", [1, 23, 100, 1516, 1517, 4096])
def test_the_size_of_a_block_changes_nothing(data: bytes, size: int):
    assert read(data, size)[0] == PACKETS


@FILES
def test_a_pipe_that_gives_one_byte_at_a_time_changes_nothing(data: bytes):
    assert read(Trickle(data, 1), 500)[0] == PACKETS
    assert read(Trickle(gzip.compress(data), 1), 500)[0] == PACKETS


def test_a_record_that_ends_where_a_block_does_is_whole():
    data = pcap(PACKETS[:2])
    ends = [24 + 16 + PACKETS[0].caplen, len(data)]
    for size in (end + d - 24 for end in ends for d in (-1, 0, 1)):
        assert read(data + pcap(PACKETS[2:])[24:], size)[0] == PACKETS


def test_a_real_pipe_is_read():
    inner, outer = os.pipe()
    data = KINDS["pcap us <"] + KINDS["pcap us <"][24:] * 20

    def feed() -> None:
        with os.fdopen(outer, "wb") as file:
            file.write(data)

    thread = threading.Thread(target=feed)
    thread.start()
    with os.fdopen(inner, "rb", buffering=0) as file:
        found, _ = read(file)
    thread.join()
    assert [p.data for p in found] == [p.data for p in PACKETS] * 21


def zstd(data: bytes) -> bytes:
    return zstandard.ZstdCompressor().compress(data)


PACKING = {"gzip": gzip.compress, "bzip2": bz2.compress, "xz": lzma.compress, "zstd": zstd}
PACKED = pytest.mark.parametrize("squeeze", PACKING.values(), ids=PACKING)


@FILES
@PACKED
def test_compression_is_told_by_magic_and_members_are_joined(data: bytes, squeeze: Any):
    middle = len(data) // 3
    assert read(squeeze(data))[0] == PACKETS
    assert read(squeeze(data[:middle]) + squeeze(b"") + squeeze(data[middle:]))[0] == PACKETS
    assert read(squeeze(data[:5]) + bytes(512) + squeeze(data[5:]) + bytes(512), 700)[0] == PACKETS


@PACKED
def test_packets_before_the_missing_end_of_compressed_data_are_kept(squeeze: Any):
    packets = some(4000)  # over 900 kB: bzip2 packs that much as one
    whole = squeeze(pcap(packets))
    found, tally = read(whole[: len(whole) - 40])
    assert tally.unreadable == {"compressed data end too early": 1}
    assert found == packets[: len(found)]
    assert len(found) > 2000


@PACKED
def test_packets_before_damaged_compressed_data_are_kept(squeeze: Any):
    packets = some(400)
    whole = squeeze(pcap(packets[:300])) + squeeze(pcap(packets)[len(pcap(packets[:300])) :])
    at = len(squeeze(pcap(packets[:300]))) + 60
    found, tally = read(whole[:at] + bytes(200) + whole[at + 200 :], 10_000)
    assert found[:300] == packets[:300]
    assert sum(tally.unreadable.values()) == 1


@PACKED
def test_a_file_that_grows_hugely_when_decompressed_takes_little_memory(squeeze: Any):
    size = (1 << 24) - 64
    small = squeeze(pcap_header()) + squeeze(pack("<IIII", 1, 1, size, size) + bytes(size)) * 8
    tracemalloc.start()
    tally = Tally()
    for _ in read_blocks(Trickle(small), "it", tally):
        pass
    assert tally.packets == 8
    assert tracemalloc.get_traced_memory()[1] < 90 << 20
    tracemalloc.stop()


def test_garbage_behind_gzip_is_counted():
    found, tally = read(gzip.compress(KINDS["pcap us <"]) + b"garbage")
    assert found == PACKETS
    assert [reason for reason in tally.unreadable if "damaged" in reason]


REFUSED = {
    "empty": (b"", "it is empty"),
    "empty gzip": (gzip.compress(b""), "it is empty"),
    "text": (b"date,country\n", "it is no packet capture"),
    "snoop": (b"snoop\0\0\0" + bytes(99), "editcap"),
    "half a pcap header": (pcap_header()[:23], "ends inside the header"),
    "half a pcapng header": (shb()[:9], "ends inside the header"),
    "pcapng without a byte order": (b"\x0a\x0d\x0d\x0a" + bytes(24), "no packet capture"),
    "hardly any gzip": (gzip.compress(pcap(PACKETS))[:12], "compressed data end too early"),
    "damaged gzip": (b"\x1f\x8b\x08" + b"\xff" * 60, "damaged"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_no_capture_is_refused_in_one_sentence(case: str):
    data, saying = REFUSED[case]
    with pytest.raises(BadInput, match=saying) as caught:
        read(data)
    assert "\n" not in str(caught.value)


def test_a_disk_that_fails_is_said_so():
    class Failing(Trickle):
        def readinto(self, buffer: Any) -> int:
            return super().readinto(buffer) or self.fail()

        def fail(self) -> int:
            raise OSError(5, "Input/output error")

    with pytest.raises(BadInput, match=r"cannot be read: .*Input/output error"):
        read(Failing(KINDS["pcap us <"], 1000))


@pytest.mark.parametrize("data", [pcap([]), pcap([], ">", "ns"), shb(), shb() + idb()])
def test_a_header_alone_holds_no_packet_and_is_no_error(data: bytes):
    found, tally = read(data)
    assert (found, tally) == ([], Tally())


def test_a_capture_is_told_by_its_first_bytes():
    assert all(is_capture(data[:12]) for data in KINDS.values())
    assert not any(is_capture(data) for data in (b"", b"\x0a\x0d\x0d\x0a", b"PAR1", gzip.compress(KINDS["pcapng <"])))


@FILES
def test_a_file_cut_anywhere_gives_the_whole_records_before_the_cut(data: bytes):
    whole = {len(data)}
    for cut in dice(7).sample(range(400, len(data)), 60):
        found, tally = read(data[:cut])
        assert found == PACKETS[: len(found)]
        assert sum(p.caplen for p in found) <= cut
        assert tally.unreadable in ({CUT: 1}, {})
        whole.add(cut if not tally.unreadable else len(data))
    found, tally = read(data[:-1])
    assert (found, tally.unreadable) == (PACKETS[:-1], {CUT: 1})


def test_an_absurd_captured_length_ends_the_reading_and_names_the_packet():
    for size in (1 << 31, (1 << 24) + 1, 0xFFFFFFFF):
        bad = pack("<IIII", 1, 1, size, size)
        found, tally = read(pcap(PACKETS[:7]) + bad + bytes(5000), 400)
        assert found == PACKETS[:7]
        assert list(tally.unreadable) == [f"packet 8 states {size:,} captured bytes; reading ended there"]


def test_records_over_65535_bytes_are_read_among_small_ones():
    rng = dice(3)
    sizes = [10, 70_000, 20, 65_535, 65_536, 65_537, 30, 3_000_000, 131_072, 0, 40, 15_000_000, 9]
    big = [Packet(i, T0 + i * S, n, n, 1, rng.randbytes(n)) for i, n in enumerate(sizes, 1)]
    for data, size in itertools.product((pcap(big, snaplen=0), pcapng(big), pcapng(big, ">")), (1000, 100_000)):
        found, tally = read(data, size)
        assert found == big
        assert not tally.unreadable


def test_odd_lengths_are_delivered_and_noted():
    odd = [Packet(1, T0, 60, 50, 1, bytes(60)), Packet(2, T0, 60, 90, 1, bytes(60))]
    notes = {"captured length over the length on the wire": 1, "captured length over the snap length": 2}
    for data in (pcap(odd, snaplen=50), shb() + idb(snaplen=50) + epb(odd[0]) + epb(odd[1])):
        found, tally = read(data)
        assert (found, tally.notes) == (odd, notes)
    assert not read(pcap(PACKETS, snaplen=0))[1].notes


def test_the_link_type_is_read_without_the_bits_above_it():
    found, _ = read(pcap(PACKETS[:1], link=0x2400_0000 | 113))
    assert found[0].linktype == 113


def test_times_up_to_the_end_of_32_bits_are_exact():
    late = [Packet(1, 0xFFFFFFFF * S + 999_999_000, 0, 0, 1, b""), Packet(2, 0, 0, 0, 1, b"")]
    found, tally = read(pcap(late))
    assert found == late
    assert (tally.first, tally.last) == (0, late[0].t)
    more_than_a_second = pcap_header(kind="ns") + pack("<IIII", 5, 0xFFFFFFFF, 0, 0)
    assert read(more_than_a_second)[0][0].t == 5 * S + 0xFFFFFFFF


@pytest.mark.parametrize(
    ("resolution", "ticks", "offset", "t"),
    [
        (0, 7, 0, 7 * S),
        (3, 7_001, 0, 7_001_000_000),
        (6, (1 << 63) // 1000, 0, (1 << 63) // 1000 * 1000),
        (9, (1 << 63) - 1, 0, (1 << 63) - 1),
        (12, 1_999, 0, 1),
        (19, (1 << 64) - 1, 0, 1_844_674_407),
        (127, (1 << 64) - 1, 0, 0),
        (0x80 | 10, 3 * 1024 + 1, 0, 3 * S + 976_562),
        (0x80 | 63, (1 << 63) + 1, 0, S),
        (0x80 | 127, 1, 0, 0),
        (6, 5, 1_600_000_000, 1_600_000_000 * S + 5_000),
        (6, 5_000_000, -7, -2 * S),
    ],
)
def test_times_are_exact_in_every_resolution(resolution: int, ticks: int, offset: int, t: int):
    for order in "<>":
        options = option(9, bytes([resolution]), order) + option(14, pack(f"{order}q", offset), order)
        data = shb(order) + idb(1, order, options=options + option(0, b"", order))
        found, tally = read(data + epb(PACKETS[0], order, ticks=ticks))
        assert found[0].t == t
        assert tally.notes == ({"time before 1970": 1} if t < 0 else {})


@pytest.mark.parametrize(
    ("resolution", "ticks", "offset", "t"),
    [
        (6, (1 << 63) // 1000 + 1, 0, (1 << 63) - 1),
        (6, (1 << 64) - 1, 0, (1 << 63) - 1),
        (9, 1 << 63, 0, (1 << 63) - 1),
        (0, (1 << 64) - 1, 0, (1 << 63) - 1),
        (6, 5, (1 << 63) - 1, (1 << 63) - 1),
        (6, 5, -(1 << 63), 1 - (1 << 63)),
    ],
)
def test_times_beyond_64_bits_of_nanoseconds_are_clamped_and_noted(resolution: int, ticks: int, offset: int, t: int):
    options = option(9, bytes([resolution])) + option(14, pack("<q", offset))
    found, tally = read(shb() + idb(options=options) + epb(PACKETS[0], ticks=ticks))
    assert found[0].t == t
    assert tally.notes["time beyond the years 1677 to 2262, set to their end"] == 1


def test_options_that_run_over_their_block_are_not_read():
    for options in (b"\x09\0\xff\xff\x09", b"\x09", option(9, b""), option(14, b"\1"), b"\x09\0\1\0"):
        assert read(shb() + idb(options=options) + epb(PACKETS[0]))[0] == PACKETS[:1]


def test_interfaces_of_different_link_types_give_blocks_of_one_each():
    links = [1, 113, 101]
    mixed = [p._replace(linktype=links[p.number % 3]) for p in PACKETS]
    data = shb() + b"".join(idb(link) for link in links) + b"".join(epb(p, interface=p.number % 3) for p in mixed)
    for size in (100, 4_000_000):
        found, tally = read(data, size)
        assert found == mixed
        assert set(tally.linktypes) == set(links)
    assert len(list(read_blocks(Trickle(data), "it", Tally()))) == 3


def test_a_packet_of_an_interface_not_described_before_it_is_counted_and_skipped():
    early, late, never = PACKETS[0], PACKETS[1], PACKETS[2]
    data = shb() + idb() + epb(early) + epb(never, interface=1) + idb(113) + epb(late, interface=1)
    found, tally = read(data + epb(never, interface=0xFFFFFFFF) + epb(PACKETS[4]))
    assert found == [early, late._replace(number=3, linktype=113), PACKETS[4]]
    assert tally.unreadable == {"packet of an interface that is not described": 2}
    assert read(shb() + epb(early))[1].unreadable == {"packet of an interface that is not described": 1}


def test_sections_begin_anew_in_either_byte_order():
    parts, expected = [shb("<") + idb(9)], list[Packet]()
    for number, (p, order) in enumerate(zip(PACKETS, "<<>><>" * 9, strict=False), 1):
        parts += [shb(order), idb(number, order), epb(p, order), epb(p, order, 1)]
        expected.append(p._replace(number=2 * number - 1, linktype=number))
    for size in (64, 4_000_000):
        found, tally = read(b"".join(parts), size)
        assert found == expected
        assert tally.unreadable == {"packet of an interface that is not described": len(PACKETS)}


def test_blocks_that_hold_no_packet_are_skipped():
    others = [block(kind, os.urandom(size)) for kind, size in ((4, 40), (5, 8), (10, 100), (0xBAD, 0), (0x80000001, 5))]
    rng = dice(5)
    parts = [rng.choice(others) + epb(p, options=option(1, b"a remark")) + rng.choice(others) for p in PACKETS]
    found, tally = read(shb() + others[0] + idb() + b"".join(parts))
    assert found == PACKETS
    assert not tally.unreadable


@pytest.mark.parametrize("order", "<>")
def test_the_obsolete_packet_block_is_read(order: str):
    def obsolete(p: Packet) -> bytes:
        ticks = p.t // 1000
        head = pack(f"{order}HHIIII", 1, 0xFFFF, ticks >> 32, ticks & 0xFFFFFFFF, p.caplen, p.wirelen)
        return block(2, head + p.data, order)

    data = shb(order) + idb(9, order) + idb(1, order) + b"".join(map(obsolete, PACKETS))
    assert read(data)[0] == PACKETS


@pytest.mark.parametrize("order", "<>")
def test_a_simple_packet_block_has_the_time_of_the_packet_before_it(order: str):
    def simple(p: Packet) -> bytes:
        return block(3, pack(f"{order}I", p.wirelen) + p.data, order)

    head, whole = shb(order) + idb(1, order, snaplen=20), Packet(0, 0, 7, 7, 1, b"1234567")
    cut = Packet(0, 0, 20, 90, 1, b"12345678901234567890")
    data = head + simple(whole) + epb(PACKETS[1], order) + simple(cut) + simple(whole)
    for size in (40, 4_000_000):
        found, tally = read(data, size)
        t = PACKETS[1].t
        assert found == [
            whole._replace(number=1),
            PACKETS[1],
            cut._replace(number=3, t=t),
            whole._replace(number=4, t=t),
        ]
        assert (tally.first, tally.last) == (t, t)
        assert tally.notes["packet without a time, set to that of the packet before it"] == 3


def patched(data: bytes, at: int, value: int) -> bytes:
    return data[:at] + pack("<I", value) + data[at + 4 :]


HEAD = shb() + idb() + epb(PACKETS[0])
NEXT = epb(PACKETS[1]._replace(caplen=60, wirelen=60, data=bytes(60)))
WRONG = {
    "no multiple of 4": (patched(NEXT, 4, len(NEXT) - 1), "no multiple of 4"),
    "shorter than a packet block": (block(6, bytes(16)), "states a length of 28 bytes"),
    "shorter than any block": (patched(NEXT, 4, 8), "states a length of 8 bytes"),
    "no length": (patched(NEXT, 4, 0), "states a length of 0 bytes"),
    "over the limit": (patched(NEXT, 4, (1 << 24) + 4), "states a length of 16,777,220 bytes"),
    "another length behind": (patched(NEXT, len(NEXT) - 4, len(NEXT) + 4), "states two different lengths"),
    "a section without byte order": (block(0x0A0D0D0A, bytes(16)), "begins a section without a byte order"),
    "a section too short": (block(0x0A0D0D0A, pack("<I", 0x1A2B3C4D) + bytes(8)), "states a length of 24 bytes"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_block_length_ends_the_reading_with_its_reason(case: str):
    wrong, saying = WRONG[case]
    for size in (32, 4_000_000):
        found, tally = read(HEAD + wrong + NEXT * 3, size)
        assert found == PACKETS[:1]
        (reason,) = tally.unreadable
        assert saying in reason
        assert reason.startswith("pcapng block behind packet 1 ")


def test_a_captured_length_over_its_block_is_counted_and_skipped():
    wrong = patched(NEXT, 20, 61)
    found, tally = read(HEAD + wrong + epb(PACKETS[2]))
    assert found == [PACKETS[0], PACKETS[2]]
    assert tally.unreadable == {"captured length over the length of its block": 1}


GENERIC = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
SMALL = some(12, 9)
SEEDS = [
    pcap(SMALL),
    pcap(SMALL, ">", "modified"),
    pcapng(SMALL),
    pcapng(SMALL, ">") + pcapng(SMALL) + block(3, bytes(30)) + block(2, bytes(40)),
    gzip.compress(pcapng(SMALL)),
    zstd(pcap(SMALL)),
    lzma.compress(pcap(SMALL)),
    bz2.compress(pcap(SMALL)),
]
CHANGES = st.lists(st.tuples(st.integers(0, 1 << 14), st.binary(min_size=1, max_size=8)), max_size=6)


@given(st.sampled_from(SEEDS), CHANGES, st.integers(0, 1 << 14), st.sampled_from([1, 100, 4_000_000]))
@example(shb(), [], 28, 1)
@GENERIC
def test_damaged_files_give_packets_or_one_sentence(data: bytes, changes: Any, cut: int, size: int):
    broken = bytearray(data)
    for at, value in changes:
        place = at % len(broken)
        broken[place : place + len(value)] = value
    broken = broken[: max(1, len(broken) - cut % len(broken))] if cut % 3 else broken
    try:
        found, tally = read(bytes(broken), size)
    except BadInput:
        return
    assert [p.number for p in found] == sorted({p.number for p in found})
    assert all(reason and count > 0 for reason, count in (tally.unreadable + tally.notes).items())


@given(st.sampled_from([pcap([]), pcap([], ">"), shb() + idb(), shb(">") + idb(1, ">")]), st.binary(max_size=400))
@GENERIC
def test_any_bytes_behind_a_header_are_read_alike_in_blocks_of_any_size(head: bytes, rest: bytes):
    found, tally = read(head + rest)
    again, counted = read(head + rest, 1)
    assert (again, counted.unreadable, counted.notes) == (found, tally.unreadable, tally.notes)


def test_reading_hostile_files_takes_time_in_proportion_to_their_size():
    """Byte orders that alternate, lengths that lead nowhere: the work done in vain is bounded."""
    import time

    def cost(data: bytes) -> float:
        begin = time.process_time()
        read(data)
        return time.process_time() - begin

    unit = (shb("<") + shb(">")) * 100
    small, large = cost(unit * 2), cost(unit * 8)
    assert large < 4 * max(small, 0.02) * 3


def scapy_packets(path: Path) -> list[Packet]:
    """What scapy's raw readers give."""
    from scapy.utils import RawPcapReader

    found = list[Packet]()
    with RawPcapReader(str(path)) as reader:
        for number, (data, meta) in enumerate(reader, 1):
            if hasattr(meta, "sec"):
                t = meta.sec * S + meta.usec * (1 if reader.nano else 1000)
                found.append(Packet(number, t, meta.caplen, meta.wirelen, reader.linktype, data))
            else:
                t = ((meta.tshigh << 32) + meta.tslow) * S // meta.tsresol
                found.append(Packet(number, t, len(data), meta.wirelen, meta.linktype, data))
    return found


@pytest.mark.parametrize("name", [kind for kind in KINDS if "modified" not in kind])  # scapy does not know that one
def test_scapy_reads_the_same(name: str, tmp_path: Path):
    path = tmp_path / "x.pcap"
    path.write_bytes(KINDS[name])
    assert read(KINDS[name])[0] == scapy_packets(path)


@pytest.mark.parametrize("is_pcapng", [False, True])
def test_what_scapy_writes_is_read(is_pcapng: bool, tmp_path: Path):
    from scapy.layers.inet import IP, UDP
    from scapy.layers.l2 import Ether
    from scapy.utils import wrpcap, wrpcapng

    packets = [Ether() / IP(dst="192.0.2.1") / UDP(dport=n) / bytes(n) for n in range(40)]
    path = tmp_path / "x"
    (wrpcapng if is_pcapng else wrpcap)(str(path), packets)
    found, tally = read(path.read_bytes())
    assert [p.data for p in found] == [bytes(p) for p in packets]
    assert found == scapy_packets(path)
    assert not tally.unreadable


# Where scapy differs, and why it is not right.
DIFFERS = {
    "ndpi/fuzz-2021-10-13.pcap": "its one record is cut off by the end of the file; scapy gives what is left of it",
    "tcpdump/bigtcp-ipv4.pcap": "80,066 bytes were captured; scapy gives the first 65,535",
}


@pytest.mark.shared
def test_every_shared_capture_is_read_as_scapy_reads_it(shared: Path):
    paths = [p for p in sorted((shared / "captures").glob("*/*")) if p.is_file()]
    assert len(paths) == 251
    different = set[str]()
    for path in paths:
        with path.open("rb", buffering=0) as file:
            found, _ = read(file)
        theirs = [p._replace(linktype=p.linktype & 0xFFFF) for p in scapy_packets(path)]
        if found != theirs:
            different.add(str(path.relative_to(shared / "captures")))
    assert different == set(DIFFERS)


@pytest.mark.shared
def test_the_shared_captures_that_scapy_reads_otherwise_are_read_whole(shared: Path):
    (big,), tally = read((shared / "captures/tcpdump/bigtcp-ipv4.pcap").read_bytes())
    assert (big.caplen, big.wirelen, len(tally.unreadable)) == (80_066, 80_066, 0)
    none, tally = read((shared / "captures/ndpi/fuzz-2021-10-13.pcap").read_bytes())
    assert (none, tally.unreadable) == ([], {CUT: 1})
