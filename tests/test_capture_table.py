"""The flow table against a plain dictionary that takes one packet at a time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.capture.records import SLACK, Mark, Packets
from analyzer.capture.table import SECOND, Table, Timeouts

IDLE, ACTIVE = 10 * SECOND, 100 * SECOND


class Packet(NamedTuple):
    t: int
    src: int
    dst: int
    sport: int
    dport: int
    proto: int
    ip_bytes: int
    size: int
    flags: int = 0
    seq: int = 0
    v6: bool = False
    marks: int = 0


def batch(packets: Sequence[Packet]) -> Packets:
    columns = list(zip(*packets, strict=True))
    t, src, dst, sport, dport, proto, ip_bytes, size, flags, seq, v6, marks = (np.array(c) for c in columns)
    return Packets(
        data=np.zeros(SLACK, np.uint8), t=t.astype(np.int64), ip_bytes=ip_bytes.astype(np.int64), v6=v6.astype(bool),
        proto=proto.astype(np.uint8), src0=src.astype(np.uint64), src1=(src * 3 * v6).astype(np.uint64),
        dst0=dst.astype(np.uint64), dst1=(dst * 3 * v6).astype(np.uint64), sport=sport.astype(np.uint16),
        dport=dport.astype(np.uint16), flags=flags.astype(np.uint8), seq=seq.astype(np.uint32),
        payload=np.zeros(len(t), np.int64), size=size.astype(np.int64), kept=np.zeros(len(t), np.int64),
        marks=marks.astype(np.uint16),
    )  # fmt: skip


COUNTED = ("first", "last", "packets_a", "packets_b", "bytes_a", "bytes_b", "flags_a", "flags_b")
IDENTITY = ("src0", "dst0", "sport", "dport", "proto", "v6")


def flows(batches: Iterable[Sequence[Packet]], timeouts: Timeouts, sweep: bool = False) -> list[tuple[Any, ...]]:
    """Every row of the table once all has ended, as tuples of IDENTITY + COUNTED + (continued,)."""
    table = Table(timeouts)
    out = []
    for packets in batches:
        table.update(batch(packets))
        if sweep:
            table.sweep(packets[-1].t, force=True)
            out += told(table)
    table.finish()
    return sorted(out + told(table))


def told(table: Table) -> list[tuple[Any, ...]]:
    rows = table.ended()
    columns = [getattr(table.rows, name)[rows].tolist() for name in (*IDENTITY, *COUNTED)]
    continued = ((table.rows.marks[rows] & Mark.CONTINUED) > 0).tolist()
    table.rows.give_back(rows)
    return list(zip(*columns, continued, strict=True))


@dataclass
class Reference:
    """The same flows, by a dictionary."""

    timeouts: Timeouts
    alive: dict[Any, dict[str, Any]] = field(default_factory=dict)
    ended: list[dict[str, Any]] = field(default_factory=list)

    def add(self, p: Packet) -> None:
        ends = frozenset([(p.src, p.sport), (p.dst, p.dport)])
        key = (ends, p.proto, p.marks & Mark.INNER, p.v6)
        flow = self.alive.get(key)
        if flow and p.t - flow["last"] > self.timeouts.idle:
            flow = self.begin(key, p, continues=None)
        elif flow and p.t // self.timeouts.active != flow["first"] // self.timeouts.active:
            flow = self.begin(key, p, continues=flow)
        flow = flow or self.begin(key, p, continues=None)
        side = "a" if (p.src, p.sport) == (flow["src0"], flow["sport"]) else "b"
        flow["last"] = p.t
        flow["packets_" + side] += 1
        flow["bytes_" + side] += p.ip_bytes
        flow["flags_" + side] |= p.flags

    def begin(self, key: Any, p: Packet, continues: dict[str, Any] | None) -> dict[str, Any]:
        if key in self.alive:
            self.ended.append(self.alive[key])
        first = continues or {"src0": p.src, "dst0": p.dst, "sport": p.sport, "dport": p.dport}
        flow = {name: first[name] for name in ("src0", "dst0", "sport", "dport")}
        flow |= {"proto": p.proto, "v6": p.v6, "first": p.t, "last": p.t, "continued": continues is not None}
        flow |= dict.fromkeys(("packets_a", "packets_b", "bytes_a", "bytes_b", "flags_a", "flags_b"), 0)
        self.alive[key] = flow
        return flow

    def flows(self) -> list[tuple[Any, ...]]:
        names = (*IDENTITY, *COUNTED, "continued")
        return sorted(tuple(f[n] for n in names) for f in (*self.ended, *self.alive.values()))


one_packet = st.builds(
    Packet,
    t=st.integers(0, 30).map(lambda gap: gap * SECOND),
    src=st.integers(1, 3), dst=st.integers(1, 3), sport=st.integers(1, 3), dport=st.integers(1, 3),
    proto=st.sampled_from([6, 17]), ip_bytes=st.integers(20, 70_000), size=st.integers(0, 1),
    flags=st.sampled_from([0, 2, 16, 18, 4]), v6=st.booleans(), seq=st.just(0),
    marks=st.sampled_from([0, int(Mark.INNER)]),
)  # fmt: skip


@settings(deadline=None, max_examples=80)
@given(st.lists(one_packet, min_size=1, max_size=120), st.integers(1, 40), st.booleans())
def test_flows_equal_those_of_a_dictionary_whatever_the_batches(packets: list[Packet], size: int, sweep: bool) -> None:
    """Counts, times, sides, time-outs and continuations do not depend on how packets fall into batches."""
    t = 0
    timed = []
    for p in packets:
        t += p.t if p.t > 25 * SECOND else p.t // 10
        timed.append(p._replace(t=t))
    timeouts = Timeouts(IDLE, ACTIVE)
    reference = Reference(timeouts)
    for p in timed:
        reference.add(p)
    cut = [timed[i : i + size] for i in range(0, len(timed), size)]
    assert flows(cut, timeouts, sweep) == reference.flows()


def tcp(seq: int, size: int, t: int = 0, up: bool = True, flags: int = 16) -> Packet:
    ends = (1, 2, 40_000, 443) if up else (2, 1, 443, 40_000)
    return Packet(t, *ends, 6, 40 + size, size, flags, seq & 0xFFFFFFFF)


@pytest.mark.parametrize(
    ("segments", "mark"),
    [
        ([tcp(1, 100), tcp(101, 100), tcp(201, 50)], Mark.NONE),
        ([tcp(0xFFFFFFF0, 32), tcp(16, 100)], Mark.NONE),  # the number wraps
        ([tcp(1, 100), tcp(1, 100)], Mark.DUPLICATE),
        ([tcp(1, 100), tcp(201, 100), tcp(101, 100)], Mark.DISORDER),
        ([tcp(1, 100), tcp(5000, 100, up=False), tcp(101, 100)], Mark.NONE),  # sides have their own numbers
        ([tcp(1, 100), tcp(900, 100), tcp(1000, 9)], Mark.NONE),  # a gap is loss, not disorder
    ],
)
@pytest.mark.parametrize("size", [1, 2, 9])
def test_disorder_and_duplicates_are_told_apart(segments: list[Packet], mark: Mark, size: int) -> None:
    """Within a batch and across batches."""
    table = Table(Timeouts())
    for i in range(0, len(segments), size):
        table.update(batch(segments[i : i + size]))
    table.finish()
    (row,) = table.ended()
    assert Mark(int(table.rows.marks[row])) == mark


def test_memory_follows_the_flows_alive() -> None:
    """Half a million short flows, a thousand at a time, stay within the rows of a few."""
    table = Table(Timeouts())
    ended = 0
    for k in range(500):
        table.update(batch([Packet(k * 20 * SECOND + i, 1 + i, 9, 1000 + k, 53, 17, 60, 20) for i in range(1000)]))
        table.sweep(k * 20 * SECOND)
        if table.waiting > 10_000:
            rows = table.ended()
            ended += len(rows)
            table.rows.give_back(rows)
    table.finish()
    assert ended + table.waiting == 500_000
    assert table.rows.capacity < 80_000
