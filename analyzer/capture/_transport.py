"""Transport headers: ports, TCP flags, and which bytes are payload.

Sources: RFC 9293 (TCP), 768 and 2675 (UDP), 9260 (SCTP), 4340 (DCCP), 3828 (UDP-Lite), 792 and 4443 (ICMP).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from analyzer.capture.records import Mark

if TYPE_CHECKING:
    import numpy.typing as npt

    from analyzer.capture._ip import Headers, Note
    from analyzer.capture.records import Ints

TCP, UDP, SCTP, DCCP, UDP_LITE = 6, 17, 132, 33, 136

_LEAST = np.zeros(256, np.uint8)  # bytes a transport header has at least
for _proto, _size in ((TCP, 20), (UDP, 8), (SCTP, 12), (DCCP, 12), (UDP_LITE, 8), (1, 8), (58, 8)):
    _LEAST[_proto] = _size
_PORTLESS = np.ones(256, bool)
_PORTLESS[[TCP, UDP, SCTP, DCCP, UDP_LITE]] = False


@dataclass(slots=True)
class Transport:
    """Columns, one row per IP packet, as in Packets."""

    sport: npt.NDArray[np.uint16]
    dport: npt.NDArray[np.uint16]
    flags: npt.NDArray[np.uint8]
    seq: npt.NDArray[np.uint32]
    payload: Ints
    size: Ints
    kept: Ints
    marks: npt.NDArray[np.uint16]


def transport(ip: Headers, note: Note) -> Transport:
    """What lies behind the IP headers of rows that are not `bad`."""
    ports, control = ip.words[0].byteswap(), ip.words[2]
    tcp, least = ip.proto == TCP, _LEAST.take(ip.proto)
    head = least.astype(np.int64)
    stated = (control >> np.uint32(2)) & np.uint32(0x3C)  # data offset of TCP, in bytes
    np.copyto(head, stated, where=tcp)
    payload = ip.payload + head
    found = Transport(
        sport=(ports >> np.uint32(16)).astype(np.uint16),
        dport=ports.astype(np.uint16),
        flags=(control >> np.uint32(8)).astype(np.uint8) * tcp,
        seq=ip.words[1].byteswap() * tcp,
        payload=payload,
        size=ip.wire - payload,
        kept=ip.end - payload,
        marks=np.zeros(len(tcp), np.uint16),
    )
    _others(ip, found, tcp)
    _udp(ip, found, note)
    _broken(ip, found, tcp & (head < 20), least, note)
    if ip.more.any() or ip.offset.any():
        _fragments(ip, found)
    _bound(ip, found)
    return found


def _others(ip: Headers, found: Transport, tcp: npt.NDArray[np.bool_]) -> None:
    """Protocols without ports, and DCCP, whose data offset is byte 4 in words of 32 bits."""
    rows = np.flatnonzero(~(tcp | (ip.proto == UDP)))
    if not rows.size:
        return
    blind = rows[_PORTLESS[ip.proto[rows]]]
    found.sport[blind] = found.dport[blind] = 0
    dccp = rows[ip.proto[rows] == DCCP]
    if dccp.size:
        _start(
            ip,
            found,
            dccp,
            ip.payload[dccp] + np.maximum((ip.words[1][dccp] & np.uint32(0xFF)).astype(np.int64) << 2, 12),
        )


def _start(ip: Headers, found: Transport, rows: Ints, payload: Ints) -> None:
    found.payload[rows], found.size[rows], found.kept[rows] = payload, ip.wire[rows] - payload, ip.end[rows] - payload


def _udp(ip: Headers, found: Transport, note: Note) -> None:
    """Of UDP's length and IP's the smaller counts; 0 means a jumbogram or an offloaded datagram."""
    stated = ip.words[1].astype(np.uint16).byteswap()
    rows = np.flatnonzero((ip.proto == UDP) & (stated != found.size + 8))
    rows = rows[ip.end[rows] - ip.payload[rows] >= 8]
    if not rows.size:
        return
    length = stated[rows].astype(np.int64)
    for text, many in (
        ("UDP length is below its header", np.count_nonzero((length > 0) & (length < 8))),
        ("UDP length beyond the IP length", np.count_nonzero((length > found.size[rows] + 8) & ~ip.more[rows])),
    ):
        if many:
            note(text, int(many))
    stated_size = np.where(length == 0, found.size[rows], np.maximum(length - 8, 0))
    found.size[rows] = np.minimum(found.size[rows], stated_size)
    found.kept[rows] = np.minimum(found.kept[rows], found.size[rows])


def _broken(
    ip: Headers, found: Transport, below: npt.NDArray[np.bool_], least: npt.NDArray[np.uint8], note: Note
) -> None:
    """Headers that are cut, too short for what they say, or longer than their packet: no payload is known."""
    captured = ip.end - ip.payload
    rows = np.flatnonzero((captured < least) | below | (found.size < 0))
    rows = rows[ip.offset[rows] == 0]
    if not rows.size:
        return
    have, room, head = captured[rows], ip.wire[rows] - ip.payload[rows], least[rows].astype(np.int64)
    told = found.payload[rows] - ip.payload[rows]  # of TCP and DCCP by their data offset, once that was captured
    head = np.where((have >= 13) & (told > head), told, head)
    ports = have >= 4
    found.sport[rows] *= ports
    found.dport[rows] *= ports
    found.seq[rows] *= have >= 8
    found.flags[rows] *= have >= 14
    bad = (room < head) | (have >= head)
    if bad.any():
        note("transport header is malformed", int(bad.sum()))
    found.size[rows] = np.where(bad, 0, room - head)
    found.kept[rows] = np.where(bad, 0, -1)
    found.payload[rows] = ip.end[rows]


def _fragments(ip: Headers, found: Transport) -> None:
    """Later fragments show no transport header: all of them is payload."""
    later = np.flatnonzero(ip.offset)
    found.sport[later] = found.dport[later] = 0
    found.flags[later] = found.seq[later] = 0
    _start(ip, found, later, ip.payload[later])
    found.marks[ip.more | (ip.offset > 0)] |= np.uint16(Mark.FRAGMENT)


def _bound(ip: Headers, found: Transport) -> None:
    """Mark what the capture cut, its payload or already its headers (kept below 0)."""
    cut = np.flatnonzero(found.kept < found.size)
    if cut.size:
        found.marks[cut] |= np.uint16(Mark.CUT)
        found.payload[cut] = np.minimum(found.payload[cut], ip.end[cut])
        found.kept[cut] = np.maximum(found.kept[cut], 0)
