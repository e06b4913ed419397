"""Blocks of records laid out from byte strings, for tests of what reads them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scapy.utils import RawPcapReader

from analyzer.capture.records import SLACK, Block, Mark, Packets, Tally

if TYPE_CHECKING:
    from collections.abc import Sequence

GAP = 16  # bytes of a record header between packets


def block(packets: Sequence[bytes], linktype: int = 1, wire: Sequence[int] | None = None, fill: int = 0xEE) -> Block:
    """One block of the packets; `wire`: their lengths on the wire, else as captured; `fill`: what lies between them."""
    caplen = np.array([len(each) for each in packets], np.int64)
    start = np.cumsum(caplen + GAP) - caplen
    data = np.full(int(caplen.sum()) + GAP * len(packets) + SLACK, fill, np.uint8)
    for at, each in zip(start.tolist(), packets, strict=True):
        data[at : at + len(each)] = np.frombuffer(each, np.uint8)
    wirelen = caplen.copy() if wire is None else np.asarray(wire, np.int64)
    number = np.arange(1, len(packets) + 1)
    return Block(data, start, caplen, wirelen, number * 1_000_000_000, linktype, number)


def payloads(packets: Packets) -> list[bytes]:
    """The captured payload of each row."""
    data = packets.data.tobytes()
    return [data[at : at + kept] for at, kept in zip(packets.payload.tolist(), packets.kept.tolist(), strict=True)]


def address(v6: bool, first: int, second: int) -> bytes:
    """The 4 or 16 bytes of an address column pair."""
    raw = int(first).to_bytes(8, "little") + int(second).to_bytes(8, "little")
    return raw if v6 else raw[:4]


def outer(packets: Packets) -> int:
    """Rows that are not inside a tunnel."""
    return int(np.count_nonzero(packets.marks & Mark.INNER == 0))


def accounted(packets: Packets, tally: Tally) -> int:
    """Packets that have a row, or are counted with a reason."""
    remarks = (text for text in tally.notes if text.endswith("not IP") and not text.startswith("inside a tunnel"))
    not_ip = sum(tally.notes[text] for text in remarks)
    return outer(packets) + sum(tally.unreadable.values()) + not_ip


def read(path):
    """Bytes, link type and wire length of each packet, by scapy's reader."""
    with RawPcapReader(str(path)) as reader:
        usual = getattr(reader, "linktype", None)
        found = []
        for data, meta in reader:
            linktype = getattr(meta, "linktype", None)
            found.append((data, (usual if linktype is None else linktype) & 0xFFFF, meta.wirelen))
        return found
