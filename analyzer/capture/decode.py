"""A block of records -> columns of packets, all packets of a block at once; tunnels are looked into."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from analyzer.capture import _names as names
from analyzer.capture._fragments import Fragments
from analyzer.capture._ip import WHY, headers
from analyzer.capture._link import peel, peel_all, take
from analyzer.capture._slow import LIMIT, find_ip
from analyzer.capture._transport import transport
from analyzer.capture._tunnels import inside
from analyzer.capture._view import View, merged, selected
from analyzer.capture.records import Mark, Packets

if TYPE_CHECKING:
    from analyzer.capture._ip import Headers
    from analyzer.capture._link import Frames
    from analyzer.capture._transport import Transport
    from analyzer.capture.records import Block, Tally

DEPTH = 8  # tunnels inside tunnels looked into

_IN_TUNNEL = "inside a tunnel: "


class Decoder:
    """Turns the blocks of one capture into packets; remembers the ports of fragmented datagrams between blocks."""

    __slots__ = ("_fragments", "_looked", "_tally")

    def __init__(self, tally: Tally) -> None:
        """`tally`: what cannot be decoded is counted in `unreadable`, what is odd or not IP in `notes`."""
        self._tally = tally
        self._fragments = Fragments()
        self._looked = 0

    def packets(self, block: Block) -> Packets:
        """A row per IP packet, in file order, and behind it one per IP packet found in a tunnel (Mark.INNER).

        Each packet of the block has a row, or is counted once: in `unreadable`, or in a note ending in "not IP".
        """
        view = View(block.data)
        ip, found, inner = self._rows(view, self._frames(view, block), block, "")
        if inner is None:
            return _columns(block, ip, found)
        return _columns(block, *self._tunnels(view, block, ip, found, inner))

    def _tunnels(
        self, view: View, block: Block, ip: Headers, found: Transport, inner: Frames | None
    ) -> tuple[Headers, Transport]:
        """The rows of outer packets and of what lies inside them."""
        levels = [(ip, found)]
        while inner is not None and len(levels) <= DEPTH:
            ip, found, inner = self._rows(view, peel_all(view, inner), block, _IN_TUNNEL)
            found.marks |= np.uint16(Mark.INNER)
            levels.append((ip, found))
        order = np.argsort(np.concatenate([ip.row for ip, _ in levels]), kind="stable")
        return merged([ip for ip, _ in levels], order), merged([found for _, found in levels], order)

    def _rows(self, view: View, frames: Frames, block: Block, where: str) -> tuple[Headers, Transport, Frames | None]:
        def note(text: str, packets: int) -> None:
            self._tally.notes[where + text] += packets

        ip = headers(view, self._refuse(frames, where), note)
        if ip.bad.any():
            ip = self._sound(ip, where)
        found = transport(ip, note)
        if ip.more.any() or ip.offset.any():
            self._fragments.name(ip, found, block.t[ip.row])
        return ip, found, inside(view, ip, found)

    def _sound(self, ip: Headers, where: str) -> Headers:
        """Count the rows whose IP header is of no use; the others."""
        for code, many in enumerate(np.bincount(ip.bad).tolist()):
            if code and many:
                self._count(WHY[code], many, where)
        return selected(ip, np.flatnonzero(ip.bad == 0))

    def _refuse(self, frames: Frames, where: str) -> Frames:
        """Count the frames that hold no IP packet; the others."""
        good = (frames.kind == names.IPV4) | (frames.kind == names.IPV6)
        if good.all():
            return frames
        kinds, many = np.unique(frames.kind[~good], return_counts=True)
        for kind, packets in zip(kinds.tolist(), many.tolist(), strict=True):
            text, is_remark = names.reason(kind)
            self._count(text, packets, where, is_remark=is_remark)
        return take(frames, np.flatnonzero(good))

    def _count(self, text: str, packets: int, where: str, *, is_remark: bool = False) -> None:
        counts = self._tally.notes if is_remark or where else self._tally.unreadable
        counts[where + text] += packets

    def _frames(self, view: View, block: Block) -> Frames:
        start = np.asarray(block.start, np.int64)
        end = start + block.caplen
        frames = peel(view, names.started(block.linktype), start, end, np.maximum(start + block.wirelen, end))
        if block.linktype not in names.LINKTYPES and self._looked < LIMIT:
            self._looked += find_ip(view, frames, block.linktype, LIMIT - self._looked)
        return frames


def _columns(block: Block, ip: Headers, found: Transport) -> Packets:
    """Every column has its final type already."""
    addresses = ip.src0, ip.src1, ip.dst0, ip.dst1
    ports = found.sport, found.dport, found.flags, found.seq
    payload = found.payload, found.size, found.kept
    return Packets(block.data, block.t[ip.row], ip.length, ip.v6, ip.proto, *addresses, *ports, *payload, found.marks)
