"""Classic pcap (draft-ietf-opsawg-pcap; libpcap's pcap-savefile(5)): both byte orders, microseconds, nanoseconds, and
the variant with longer record headers of A. Kuznetsov."""

from __future__ import annotations

from collections.abc import Iterator
from struct import unpack_from
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from analyzer.capture._window import LIMIT, NS, Chain, Window, add, as_ints, chain, count, finish, halves
from analyzer.capture.records import Block, Tally
from analyzer.errors import BadInput

if TYPE_CHECKING:
    from analyzer.capture.records import Ints

HEADER = 24

# first bytes -> byte order, nanoseconds in a tick, bytes of a record header
MAGIC: dict[bytes, tuple[str, int, int]] = {
    bytes.fromhex("d4c3b2a1"): ("<", 1000, 16),
    bytes.fromhex("a1b2c3d4"): (">", 1000, 16),
    bytes.fromhex("4d3cb2a1"): ("<", 1, 16),
    bytes.fromhex("a1b23c4d"): (">", 1, 16),
    bytes.fromhex("34cdb2a1"): ("<", 1000, 24),
    bytes.fromhex("a1b2cd34"): (">", 1000, 24),
}


class _Format(NamedTuple):
    """What the file header says."""

    tick: int
    snaplen: int  # 0 = no limit
    linktype: int
    chain: Chain


def _format(window: Window, name: str) -> _Format:
    if not window.fill(HEADER):
        raise BadInput(f"{name} ends inside the header of a packet capture (pcap); get the file again")
    order, tick, header = MAGIC[bytes(window.view[:4])]
    snaplen, link = unpack_from(f"{order}16xII", window.view)
    return _Format(tick, snaplen, link & 0xFFFF, chain(order, 8, header))  # above it: length of the FCS, class


def blocks(window: Window, name: str, tally: Tally) -> Iterator[Block]:
    """Blocks of all records; the window holds the file from its first byte.  Raises BadInput for half a file header."""
    format_ = _format(window, name)
    window.drop(HEADER)
    wanted, seen, starts = format_.chain.header, 0, [0]
    while window.fill(wanted, lambda: format_.chain.follow(window, starts)):
        format_.chain.follow(window, starts)
        offsets = _whole(window, format_.chain, starts)
        starts[:] = [0]
        if len(offsets) > 1:
            yield _block(window, format_, offsets[:-1], seen, tally)
            seen += len(offsets) - 1
        window.drop(int(offsets[-1]))
        wanted = _next_size(window, format_.chain)
        if wanted > LIMIT:
            reason = f"packet {seen + 1:,} states {wanted - format_.chain.header:,} captured bytes"
            tally.unreadable[f"{reason}; reading ended there"] += 1
            return
    finish(window, tally)


def _whole(window: Window, records: Chain, starts: list[int]) -> Ints:
    """Starts of the whole records in the window, then the first byte behind them; `starts` is what follow() found."""
    is_wide = _next_size(window, records) > 0xFFFF
    found = records.wide_offsets(window, 0) if is_wide else starts
    offsets = as_ints(found)
    lengths = window.words4(records.order)[offsets[:-1] + records.at]
    if not is_wide and (lengths > 0xFFFF).any():
        first = int(np.argmax(lengths > 0xFFFF))
        wide = as_ints(records.wide_offsets(window, found[first]))
        offsets = np.concatenate([offsets[:first], wide])
    return offsets if offsets[-1] <= window.have else offsets[:-1]


def _next_size(window: Window, records: Chain) -> int:
    if window.have < records.header:
        return records.header
    return int(records.length.unpack_from(window.view)[0]) + records.header


def _block(window: Window, format_: _Format, offsets: Ints, seen: int, tally: Tally) -> Block:
    order, words = format_.chain.order, window.words8(format_.chain.order)
    seconds, ticks = halves(words[offsets], order)
    caplen, wirelen = halves(words[offsets + 8], order)
    number = np.arange(seen + 1, seen + 1 + len(offsets))
    t = seconds * NS + ticks * format_.tick
    block = Block(window.data, offsets + format_.chain.header, caplen, wirelen, t, format_.linktype, number)
    if format_.snaplen:
        add(tally.notes, "captured length over the snap length", caplen > format_.snaplen)
    count(tally, block, t)
    return block
