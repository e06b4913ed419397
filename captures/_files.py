"""Capture files and golden flow logs, byte by byte: classic pcap, pcapng, compressed forms, CSV."""

from __future__ import annotations

import csv
import struct
from collections.abc import Iterable
from pathlib import Path

from _wire import Trace

Record = tuple[int, bytes, int]
COLUMNS = ["proto", "src", "sport", "dst", "dport", "family", "provider", "kind", "confidence", "packets", "bytes"]


def pcap(
    records: Iterable[Record], linktype: int, *, order: str = "<", nano: bool = False, snaplen: int = 262_144
) -> bytes:
    """A classic capture file (draft-ietf-opsawg-pcap), microseconds unless `nano`."""
    out = [struct.pack(order + "IHHiIII", 0xA1B23C4D if nano else 0xA1B2C3D4, 2, 4, 0, 0, snaplen, linktype)]
    for t, data, wire in records:
        fraction = t % 10**9 if nano else t % 10**9 // 1000
        out += [struct.pack(order + "IIII", t // 10**9, fraction, len(data), wire), data]
    return b"".join(out)


def option(code: int, value: bytes, order: str = "<") -> bytes:
    """One pcapng option, padded to 32 bits."""
    return struct.pack(order + "HH", code, len(value)) + value + bytes(-len(value) % 4)


def block(kind: int, body: bytes, order: str = "<") -> bytes:
    """One pcapng block with its two lengths."""
    size = struct.pack(order + "I", 12 + len(body))
    return struct.pack(order + "I", kind) + size + body + size


def section(order: str = "<") -> bytes:
    """A section header of unknown length."""
    return block(0x0A0D0D0A, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1), order)


def interface(
    linktype: int, *, resolution: int = 6, snaplen: int = 262_144, order: str = "<", offset: int = 0
) -> bytes:
    """An interface description; `resolution` is if_tsresol as written (bit 7: a power of two)."""
    options = option(9, bytes([resolution]), order)
    if offset:
        options += option(14, struct.pack(order + "q", offset), order)
    return block(1, struct.pack(order + "HHI", linktype, 0, snaplen) + options + bytes(4), order)


def enhanced(record: Record, *, number: int = 0, units: int = 10**6, order: str = "<", offset: int = 0) -> bytes:
    """An enhanced packet block; `units` per second."""
    t, data, wire = record
    ticks = (t - offset * 10**9) * units // 10**9
    head = struct.pack(order + "IIIII", number, ticks >> 32, ticks & 0xFFFFFFFF, len(data), wire)
    return block(6, head + data + bytes(-len(data) % 4), order)


def simple(record: Record, order: str = "<") -> bytes:
    """A simple packet block: no time, no interface."""
    _, data, wire = record
    return block(3, struct.pack(order + "I", wire) + data + bytes(-len(data) % 4), order)


def golden(trace: Trace) -> str:
    """The golden flow log: one row per flow that is in the capture."""
    return table(COLUMNS, (flow.row() for flow in trace.flows if flow.packets))


def table(columns: list[str], rows: Iterable[Iterable[object]]) -> str:
    """CSV with a header and Unix line ends."""
    lines: list[str] = []

    class Sink:
        def write(self, text: str) -> None:
            lines.append(text)

    writer = csv.writer(Sink(), lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return "".join(lines)


def save(folder: Path, name: str, content: bytes | str) -> None:
    """Write a file."""
    data = content.encode() if isinstance(content, str) else content
    (folder / name).write_bytes(data)
