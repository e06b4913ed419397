"""Ports of later IP fragments, from the first fragment of their datagram; bounded memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from analyzer.capture._ip import Headers
    from analyzer.capture._transport import Transport
    from analyzer.capture.records import Ints

DATAGRAMS = 16_384  # remembered at a time, the oldest is forgotten first
LIFETIME = 60_000_000_000  # ns: how long a datagram may take to come together (RFC 8200, section 4.5)


class First(NamedTuple):
    """What the first fragment of a datagram showed."""

    t: int
    proto: int
    sport: int
    dport: int


class Fragments:
    """Remembers first fragments by addresses, identification and (IPv4) protocol."""

    __slots__ = ("_first",)

    def __init__(self) -> None:
        """Nothing seen yet."""
        self._first: dict[tuple[int, ...], First] = {}

    def name(self, ip: Headers, found: Transport, t: Ints) -> None:
        """Give later fragments the ports (IPv6: and protocol) of a first fragment seen before; t in ns, a row each."""
        rows = np.flatnonzero(ip.more | (ip.offset > 0))
        keyed = ip.src0, ip.src1, ip.dst0, ip.dst1, ip.ident, np.where(ip.v6, -1, ip.proto.astype(np.int64))
        keys = zip(*(column[rows].tolist() for column in keyed), strict=True)
        for row, key, when in zip(rows.tolist(), keys, t[rows].tolist(), strict=True):
            if ip.offset[row]:
                self._give(ip, found, row, self._first.get(key), when)
            elif found.sport[row] or found.dport[row]:
                self._keep(key, First(when, int(ip.proto[row]), int(found.sport[row]), int(found.dport[row])))

    def _keep(self, key: tuple[int, ...], first: First) -> None:
        self._first.pop(key, None)  # so that the newest stands last
        if len(self._first) >= DATAGRAMS:
            del self._first[next(iter(self._first))]
        self._first[key] = first

    @staticmethod
    def _give(ip: Headers, found: Transport, row: int, first: First | None, when: int) -> None:
        if first is not None and abs(when - first.t) <= LIFETIME:
            found.sport[row], found.dport[row], ip.proto[row] = first.sport, first.dport, first.proto
