"""Capture files as blocks of whole records: pcap and pcapng, compressed or not, from a file or a pipe."""

from __future__ import annotations

import io
from collections.abc import Iterator

from analyzer import packed
from analyzer.capture.records import Block, Tally
from analyzer.errors import BadInput

BLOCK_BYTES = 8_000_000  # half as much costs a tenth more, twice as much gains nothing

PCAP = frozenset(map(bytes.fromhex, ("d4c3b2a1", "a1b2c3d4", "4d3cb2a1", "a1b23c4d", "34cdb2a1", "a1b2cd34")))
PCAPNG = bytes.fromhex("0a0d0d0a")
BYTE_ORDER = frozenset((bytes.fromhex("4d3c2b1a"), bytes.fromhex("1a2b3c4d")))
HEAD = 12  # bytes that tell

_OTHERS = (
    (b"snoop\0\0\0", "a snoop capture"),
    (b"RTSS", "a Network Monitor capture"),
    (b"GMBU", "a Network Monitor capture"),
    (b"TRSNIFF data", "a Sniffer capture"),
)


def is_capture(first: bytes) -> bool:
    """Whether decompressed bytes begin a pcap or pcapng file; 12 of them are enough."""
    return first[:4] in PCAP or (first[:4] == PCAPNG and first[8:12] in BYTE_ORDER)


def read_blocks(raw: io.RawIOBase, name: str, tally: Tally, block_bytes: int = BLOCK_BYTES) -> Iterator[Block]:
    """Blocks of about `block_bytes` bytes in file order, of one link type each; `tally` fills as they are read.

    raw: the file as received, compressed or not (told by magic bytes); only its `readinto` or `read` is used, short
    reads are normal.  It is read to the end of the capture's last whole record at least, not closed.
    tally: `packets` counts the packets delivered.  Damage ends the reading with a reason in `unreadable`; a packet that
    cannot be placed (its pcapng interface is not described) is counted there and skipped.
    Packets longer than the snap length, or than they were on the wire, are delivered and noted.
    Raises BadInput, when the first block is asked for, for what is no capture, or is empty; later only where the disk
    fails.
    """
    try:
        yield from _blocks(raw, name, tally, block_bytes)
    except OSError as error:
        raise BadInput(f"{name} cannot be read: {error}") from error


def _blocks(raw: io.RawIOBase, name: str, tally: Tally, block_bytes: int) -> Iterator[Block]:
    from analyzer.capture import _pcap, _pcapng
    from analyzer.capture._window import Window

    window = Window(packed.opened(raw), block_bytes)
    window.fill(HEAD)
    first = bytes(window.view[: min(HEAD, window.have)])
    if not is_capture(first):
        raise BadInput(f"{name} {_refusal(first, window.flaw)}")
    if first.startswith(PCAPNG):
        yield from _pcapng.blocks(window, tally)
    else:
        yield from _pcap.blocks(window, name, tally)


def _refusal(first: bytes, flaw: str) -> str:
    if flaw:
        return f"is no packet capture that could be read: {flaw}; get the file again"
    if not first:
        return "is empty"
    for magic, what in _OTHERS:
        if first.startswith(magic):
            return f"is {what}; convert it first: editcap -F pcapng IN OUT"
    if first[:4] in (PCAPNG, PCAPNG[: len(first)]) and len(first) < HEAD:
        return "ends inside the header of a packet capture (pcapng); get the file again"
    return "is no packet capture: it begins neither like pcap nor like pcapng"
