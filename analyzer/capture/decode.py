"""A block of records -> columns of packets, all packets of a block at once; tunnels are looked into."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from analyzer.capture import _names as names
from analyzer.capture._ip import WHY, headers
from analyzer.capture._link import Frames, peel, take
from analyzer.capture._transport import transport
from analyzer.capture._view import View
from analyzer.capture.records import Mark, Packets

if TYPE_CHECKING:
    from analyzer.capture._ip import Headers
    from analyzer.capture._transport import Transport
    from analyzer.capture.records import Block, Ints, Tally

_START = {  # link type -> kind of what each packet begins with
    0: names.FAMILY,
    1: names.ETHERNET,
    8: names.SLIP,
    9: names.PPP,
    10: names.FDDI,
    12: names.NIBBLE,
    14: names.NIBBLE,
    50: names.PPP_SERIAL,
    51: 0x8864,
    101: names.NIBBLE,
    104: names.HDLC,
    107: names.FRAME_RELAY,
    108: names.FAMILY,
    113: names.SLL,
    228: names.IPV4,
    229: names.IPV6,
    276: names.SLL2,
}


class Decoder:
    """Turns the blocks of one capture into packets; remembers the ports of fragmented datagrams between blocks."""

    __slots__ = ("_tally",)

    def __init__(self, tally: Tally) -> None:
        """`tally`: what cannot be decoded is counted in `unreadable`, what is odd or not IP in `notes`."""
        self._tally = tally

    def packets(self, block: Block) -> Packets:
        """A row per IP packet, in file order, and behind it one per IP packet found in a tunnel (Mark.INNER).

        Each packet of the block has a row, or is counted once: in `unreadable`, or in `notes` ending in "not IP".
        """
        view = View(block.data)
        frames = _frames(view, block)
        ip = self._headers(view, self._refuse(frames))
        return _columns(block, ip, transport(ip, self._note))

    def _headers(self, view: View, frames: Frames) -> Headers:
        ip = headers(view, frames, self._note)
        if not ip.bad.any():
            return ip
        for code, many in enumerate(np.bincount(ip.bad).tolist()):
            if code and many:
                self._tally.unreadable[WHY[code]] += many
        return ip.take(np.flatnonzero(ip.bad == 0))

    def _refuse(self, frames: Frames) -> Frames:
        """Count the frames that hold no IP packet; the others."""
        good = (frames.kind == names.IPV4) | (frames.kind == names.IPV6)
        if good.all():
            return frames
        for kind, many in zip(
            *(each.tolist() for each in np.unique(frames.kind[~good], return_counts=True)), strict=True
        ):
            text, is_remark = names.reason(kind)
            (self._tally.notes if is_remark else self._tally.unreadable)[text] += many
        return take(frames, np.flatnonzero(good))

    def _note(self, text: str, packets: int) -> None:
        self._tally.notes[text] += packets


def _frames(view: View, block: Block) -> Frames:
    start = np.asarray(block.start, np.int64)
    end = start + block.caplen
    kind = _START.get(block.linktype, names.LINKTYPE_BASE + block.linktype)
    return peel(view, kind, start, end, np.maximum(start + block.wirelen, end))


def _columns(block: Block, ip: Headers, found: Transport) -> Packets:
    """Every column has its final type already."""
    t: Ints = block.t if len(ip.row) == len(block.t) else block.t[ip.row]
    addresses = ip.src0, ip.src1, ip.dst0, ip.dst1
    ports = found.sport, found.dport, found.flags, found.seq
    return Packets(
        block.data,
        t,
        ip.length,
        ip.v6,
        ip.proto,
        *addresses,
        *ports,
        found.payload,
        found.size,
        found.kept,
        found.marks,
    )


__all__ = ["Decoder", "Mark"]
