"""Damage to captures: what tests and benches of the capture pipeline do to sound files, and what must hold then."""

from __future__ import annotations

import io
import random
import struct
from collections import Counter
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from analyzer.capture import engine
from analyzer.capture.containers import read_blocks
from analyzer.capture.early import Early
from analyzer.capture.records import OUTCOMES, TRAFFIC, Flows, Mark, Tally

FOLDER = Path(__file__).parents[1] / "captures"
TIMES = (0, 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)
LENGTHS = (0, 1, 13, 14, 20, 60, 255, 256, 65_535, 65_536, 1 << 20, 1 << 24, 1 << 31, 0xFFFFFFFF)
EXTREMES = (b"\0", b"\xff", b"\x45", b"\x60", b"\x7f", b"\x80", b"\0\0", b"\xff\xff", b"\x08\0", b"\x86\xdd", b"\x81\0")
CLASSIC, HEADER = b"\xd4\xc3\xb2\xa1", 24
LONGEST = 200_000


def dice(seed: int) -> random.Random:
    """Random numbers that come again."""
    return random.Random(seed)  # noqa: S311 - repeatable, not secret


class Record(NamedTuple):
    """A packet of a classic little-endian pcap."""

    seconds: int
    ticks: int
    caplen: int
    wirelen: int
    data: bytes

    def raw(self) -> bytes:
        return struct.pack("<4I", *(n & 0xFFFFFFFF for n in self[:4])) + self.data


class Trace(NamedTuple):
    """A classic pcap in pieces."""

    header: bytes
    records: tuple[Record, ...]

    def raw(self) -> bytes:
        return self.header + b"".join(record.raw() for record in self.records)


@cache
def traces() -> dict[str, Trace]:
    """Our own captures by name, those in classic little-endian pcap and not too long."""
    found = {}
    for path in sorted(FOLDER.glob("*.pcap")):
        if path.stat().st_size < LONGEST and (raw := path.read_bytes()).startswith(CLASSIC):
            found[path.stem] = trace_of(raw)
    return found


def trace_of(raw: bytes) -> Trace:
    """A sound capture in pieces."""
    records, at = [], HEADER
    while at < len(raw):
        head = struct.unpack_from("<4I", raw, at)
        records.append(Record(*head, raw[at + 16 : at + 16 + head[2]]))
        at += 16 + head[2]
    return Trace(raw[:HEADER], tuple(records))


_OUT_OF_TIME = (0, 3, 4, 5)  # changes to the order and times of records


def shuffled(trace: Trace, rng: random.Random, *, in_time: bool = False) -> Trace:
    """A capture after a change to its records: the file stays sound but for what their headers say.

    in_time: no time is changed, so that none jumps over a time-out.
    """
    records = list(trace.records)
    if not records:
        return trace
    a, b = sorted(rng.randrange(len(records)) for _ in range(2))
    one, other = records[a], records[b]
    how = rng.randrange(9)
    if in_time and how in _OUT_OF_TIME:
        records[a] = one._replace(data=bitten(one.data, rng))
    elif how == 0:
        records[a], records[b] = other, one
    elif how == 1:
        del records[a : b + 1]
    elif how == 2:
        records[a:a] = records[a : b + 1]
    elif how == 3:
        rng.shuffle(records)
    elif how == 4:
        records[a], records[b] = one._replace(seconds=other.seconds), other._replace(seconds=one.seconds)
    elif how == 5:
        records[a] = one._replace(seconds=rng.choice(TIMES), ticks=rng.choice(TIMES))
    elif how == 6:
        size = rng.randint(0, len(one.data))
        records[a] = one._replace(caplen=size, data=one.data[:size])
    elif how == 7:
        records[a] = one._replace(wirelen=rng.choice(LENGTHS))
    else:
        records[a] = one._replace(data=bitten(one.data, rng))
    return trace._replace(records=tuple(records))


def bitten(data: bytes, rng: random.Random) -> bytes:
    """Bytes of the same length, some of them changed; the headers more often than what they carry."""
    changed = bytearray(data)
    for _ in range(rng.randint(1, 4)):
        if changed:
            at = rng.randrange(min(len(changed), rng.choice((48, 96, len(changed)))))
            new = rng.choice(EXTREMES) if rng.random() < 0.5 else bytes([changed[at] ^ 1 << rng.randrange(8)])
            changed[at : at + len(new)] = new[: len(changed) - at]
    return bytes(changed)


def torn(raw: bytes, rng: random.Random) -> bytes:
    """A file after a change that knows nothing of its records."""
    a, b = sorted(rng.randint(0, len(raw)) for _ in range(2))
    how = rng.randrange(6)
    if how == 0:
        return raw[:b]
    if how == 1:
        return raw[:a] + raw[b:]
    if how == 2:
        return raw[:b] + raw[a:b] + raw[b:]
    if how == 3:
        return raw[:a] + struct.pack("<I", rng.choice(LENGTHS)) + raw[a + 4 :]
    if how == 4:
        return raw[:a] + rng.randbytes(min(b - a, 64)) + raw[b:]
    return bitten(raw, rng)


def damaged(trace: Trace, rng: random.Random, *, in_time: bool = False) -> bytes:
    """A capture after one to four changes, mostly to its records."""
    for _ in range(rng.randint(1, 4)):
        trace = shuffled(trace, rng, in_time=in_time)
    raw = trace.raw()
    return torn(raw, rng) if rng.random() < 0.3 and not in_time else raw


class Outcome(NamedTuple):
    """What the engine made of a capture."""

    batches: list[Flows]
    tally: Tally
    early: list[Early]


def analysed(raw: bytes, block_bytes: int = 4_000_000) -> Outcome:
    """What the engine makes of a capture read in blocks of some size.  Raises BadInput as the engine does."""
    made: list[Early] = []

    class Watched(Early):
        def __init__(self, *arguments: object) -> None:
            super().__init__(*arguments)  # type: ignore[arg-type]
            made.append(self)

    def blocks(source: io.RawIOBase, name: str, tally: Tally) -> object:
        return read_blocks(source, name, tally, block_bytes)

    before = engine.Early, engine.read_blocks
    engine.Early, engine.read_blocks = Watched, blocks  # type: ignore[assignment,misc]
    try:
        tally = Tally()
        batches = list(engine.flows_of(io.BytesIO(raw), "a.pcap", tally))  # type: ignore[arg-type]
    finally:
        engine.Early, engine.read_blocks = before  # type: ignore[misc]
    return Outcome(batches, tally, made)


def left_by_container(raw: bytes) -> Counter[str]:
    """What the container alone could not read."""
    tally = Tally()
    for _ in read_blocks(io.BytesIO(raw), "a.pcap", tally):  # type: ignore[arg-type]
        pass
    return tally.unreadable


def faults(found: Outcome, container: Counter[str]) -> list[str]:
    """What is wrong with what the engine made of a capture; container: see `left_by_container`."""
    wrong = [text for flows in found.batches for text in _faults_of(flows)]
    outer = sum(int(_packets(flows)[(flows.marks & Mark.INNER) == 0].sum()) for flows in found.batches)
    unreadable = sum((found.tally.unreadable - container).values())
    no_ip = sum(n for text, n in found.tally.notes.items() if text.endswith("not IP") and "tunnel" not in text)
    if found.tally.packets != outer + unreadable + no_ip:
        wrong.append(f"{found.tally.packets} packets, {outer} in flows, {unreadable} unreadable, {no_ip} not IP")
    for early in found.early:
        left = (early.samples, early.hellos, early._pending, early._asked)
        if any(left) or early.sampled_bytes:
            wrong.append(f"left behind: {[len(kept) for kept in left]}, {early.sampled_bytes} bytes")
    return wrong


def _packets(flows: Flows) -> np.ndarray:
    return flows.packets_up + flows.packets_down


def _faults_of(flows: Flows) -> list[str]:
    bounds = {"label": len(flows.labels), "name": len(flows.names), "traffic": len(TRAFFIC), "outcome": len(OUTCOMES)}
    wrong = [name for name, most in bounds.items() if (column := getattr(flows, name)).max(initial=0) >= max(most, 1)
             or column.min(initial=0) < -1]  # fmt: skip
    counts = (flows.packets_up, flows.packets_down, flows.bytes_up, flows.bytes_down)
    wrong += ["negative count" for column in counts if (column < 0).any()]
    if (_packets(flows) < 1).any():
        wrong.append("flow without packets")
    if (flows.first > flows.last).any():
        wrong.append("flow that ends before it begins")
    if len({len(column) for column in flows[:21]}) > 1:
        wrong.append("columns of different lengths")
    return wrong


def totals(batches: list[Flows]) -> Counter[tuple[object, ...]]:
    """Packets and bytes between two ends, whichever is the client and however time cuts their flows."""
    found: Counter[tuple[object, ...]] = Counter()
    for flows in batches:
        sides = [list(zip(*(getattr(flows, f"{side}{end}").tolist() for end in ("0", "1")), strict=True))
                 for side in ("src", "dst")]  # fmt: skip
        rows = zip(*sides, flows.sport.tolist(), flows.dport.tolist(), flows.proto.tolist(), strict=True)
        sizes = (flows.bytes_up + flows.bytes_down).tolist()
        for (src, dst, sport, dport, proto), packets, size in zip(rows, _packets(flows).tolist(), sizes, strict=True):
            ends = tuple(sorted([(src, sport), (dst, dport)]))
            found[proto, ends, "packets"] += packets
            found[proto, ends, "bytes"] += size
    return found


def lines(batches: list[Flows]) -> list[tuple[object, ...]]:
    """Flows as comparable rows, in an order that does not hang on the batches.

    Of a label, the rule and its reason are left out: a flow that goes on in another record may have been labelled by
    then, or be labelled with it.
    """
    found = []
    for flows in batches:
        columns = [getattr(flows, name).tolist() for name in _COMPARED]
        labels = [flows.labels[i][:4] if i >= 0 else None for i in flows.label.tolist()]
        names = [flows.names[i] if i >= 0 else "" for i in flows.name.tolist()]
        found += list(zip(*columns, labels, names, strict=True))
    return sorted(found, key=repr)


_COMPARED = (
    *("proto", "v6", "src0", "src1", "sport", "dst0", "dst1", "dport", "packets_up", "packets_down", "bytes_up"),
    *("bytes_down", "first", "last", "flags_up", "flags_down", "marks", "traffic", "outcome"),
)
