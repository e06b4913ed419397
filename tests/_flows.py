"""Flows from messages: payload in, labelled columns out, without a capture file in between."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address

import numpy as np

from analyzer.capture._interest import Interest
from analyzer.capture.early import Early
from analyzer.capture.finish import Finisher
from analyzer.capture.records import SLACK, Flows, Packets
from analyzer.capture.table import SECOND, Table, Timeouts

CLIENT, SERVER = "192.0.2.1", "198.51.100.7"
SYN, ACK, PSH, RST, FIN = 2, 16, 8, 4, 1
TCP, UDP = 6, 17


@dataclass(frozen=True)
class Message:
    """One packet."""

    payload: bytes = b""
    up: bool = True
    t: float = 0.0  # seconds
    proto: int = UDP
    client: str = CLIENT
    server: str = SERVER
    sport: int = 40_000
    dport: int = 443
    flags: int = 0
    seq: int = 0
    kept: int | None = None  # captured bytes of the payload
    marks: int = 0


def packets_of(messages: Sequence[Message]) -> Packets:
    """A batch of decoded packets whose payload lies in one buffer."""
    raw = b"".join(m.payload for m in messages)
    sizes = np.array([len(m.payload) for m in messages], np.int64)
    ends = [((m.client, m.sport), (m.server, m.dport))[:: 1 if m.up else -1] for m in messages]
    (src0, src1), (dst0, dst1) = (zip(*(_words(e[i][0]) for e in ends), strict=True) for i in (0, 1))
    kept = np.array([len(m.payload) if m.kept is None else m.kept for m in messages], np.int64)
    return Packets(
        data=np.frombuffer(bytearray(raw + bytes(SLACK)), np.uint8),
        t=np.array([m.t * SECOND for m in messages], np.int64), ip_bytes=sizes + 40,
        v6=np.array([":" in m.client for m in messages]), proto=np.array([m.proto for m in messages], np.uint8),
        src0=np.array(src0, np.uint64), src1=np.array(src1, np.uint64), dst0=np.array(dst0, np.uint64),
        dst1=np.array(dst1, np.uint64), sport=np.array([e[0][1] for e in ends], np.uint16),
        dport=np.array([e[1][1] for e in ends], np.uint16), flags=np.array([m.flags for m in messages], np.uint8),
        seq=np.array([m.seq & 0xFFFFFFFF for m in messages], np.uint32), payload=np.cumsum(sizes) - sizes, size=sizes,
        kept=kept, marks=np.array([m.marks | 4 * int(k < len(m.payload)) for m, k in zip(messages, kept, strict=True)],
                                  np.uint16),
    )  # fmt: skip


def _words(text: str) -> tuple[int, int]:
    packed = ip_address(text).packed
    return int.from_bytes(packed[:8], "little"), int.from_bytes(packed[8:], "little")


@dataclass(frozen=True)
class Told:
    """One flow as told at the end."""

    name: str
    outcome: int
    traffic: int
    marks: int
    label: str  # rule id, '' = none
    packets: tuple[int, int]
    ports: tuple[int, int]


def told(
    batches: Sequence[Sequence[Message]], timeouts: Timeouts | None = None, *, relieve: bool = False
) -> list[Told]:
    """The flows of these batches, by time of first packet."""
    table = Table(timeouts or Timeouts())
    early = Early(table.rows, Interest())
    finisher = Finisher(table, early)
    for messages in batches:
        packets = packets_of(messages)
        early.take(packets, *table.update(packets))
        if relieve:
            finisher.relieve()
    table.finish()
    flows = finisher.flows(table.ended())
    assert not early.samples
    assert not early.hellos
    return [_told(flows, i) for i in range(len(flows.proto))]


def _told(f: Flows, i: int) -> Told:
    return Told(
        name=f.names[f.name[i]] if f.name[i] >= 0 else "",
        outcome=int(f.outcome[i]),
        traffic=int(f.traffic[i]),
        marks=int(f.marks[i]),
        label=f.labels[f.label[i]].rule if f.label[i] >= 0 else "",
        packets=(int(f.packets_up[i]), int(f.packets_down[i])),
        ports=(int(f.sport[i]), int(f.dport[i])),
    )
