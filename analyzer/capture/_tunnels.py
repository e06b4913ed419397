"""What lies inside tunnels: IP in IP, GRE, and tunnels over UDP that prove themselves by their header.

Sources: RFC 2003, 2473 and 4213 (IP in IP), 2784, 2890 and 1701 (GRE), 2637 (PPTP), 8086 (GRE in UDP), 3378 (EtherIP),
4023 (MPLS in IP), 7348 (VXLAN), draft-ietf-nvo3-vxlan-gpe, RFC 8926 (Geneve), 3GPP TS 29.281 (GTP-U), RFC 4380 and
6081 (Teredo), draft-massar-v6ops-ayiya-02, RFC 5415 (CAPWAP).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from analyzer.capture import _names as names
from analyzer.capture._link import Frames
from analyzer.capture._names import ETHERNET, IPV4, IPV6, MPLS, NIBBLE, PPP
from analyzer.capture._transport import UDP

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    from analyzer.capture._ip import Headers
    from analyzer.capture._transport import Transport
    from analyzer.capture._view import View
    from analyzer.capture.records import Ints


class Space(NamedTuple):
    """Bounds of tunnel payloads, as in Frames."""

    at: Ints
    end: Ints
    wire: Ints


Inner = tuple["Ints", "Ints", "npt.NDArray[np.bool_]"]  # kind, where it begins, whether this is such a tunnel

TEREDO = 3544
_BY_PROTOCOL = np.zeros(256, bool)
_BY_PROTOCOL[[4, 41, 47, 97, 137]] = True
_BY_PORT = np.zeros(65536, bool)
_GRE_INNER = np.array(sorted({IPV4, IPV6, ETHERNET, MPLS, 0x8848, 0x88BE, 0x22EB, 0x883E, PPP, 0x8100}))


def inside(view: View, ip: Headers, found: Transport) -> Frames | None:
    """Frames inside the tunnels among these rows (`row` as of the outer rows); None where there is no tunnel."""
    space = Space(found.payload, found.payload + found.kept, found.payload + found.size)
    parts = [*_over_ip(view, ip, space), *_over_udp(view, ip, found, space)]
    if not parts:
        return None
    return Frames(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))


def _over_ip(view: View, ip: Headers, space: Space) -> list[Frames]:
    rows = np.flatnonzero(_BY_PROTOCOL.take(ip.proto))
    if not rows.size:
        return []
    rows = rows[(ip.offset[rows] == 0) & (space.end[rows] > space.at[rows])]
    proto = ip.proto[rows]
    return [
        _frames(view, ip, space, rows[proto == number], handler)
        for number, handler in _PROTOCOLS.items()
        if (proto == number).any()
    ]


def _over_udp(view: View, ip: Headers, found: Transport, space: Space) -> list[Frames]:
    udp = np.flatnonzero(ip.proto == UDP)
    if not udp.size:
        return []
    known = _BY_PORT.take(found.sport[udp]) | _BY_PORT.take(found.dport[udp])
    first = view.data[space.at[udp]]
    perhaps = known | (first & 0xF0 == 0x60) | (first == 0)
    rows, known = udp[perhaps], known[perhaps]
    whole = (found.kept[rows] >= 8) & (ip.offset[rows] == 0)
    rows, known = rows[whole], known[whole]
    parts = [
        _frames(view, ip, space, _at_port(found, rows[known], port), _PORTS[port]) for port in _PORTS if known.any()
    ]
    parts += _over_teredo(view, ip, found, space, rows)
    return [part for part in parts if part.row.size]


def _over_teredo(view: View, ip: Headers, found: Transport, space: Space, rows: Ints) -> list[Frames]:
    begin = view.be16(space.at[rows])
    rows = rows[(begin >> 12 == 6) | (begin <= 1)]
    if not rows.size:
        return []
    usual = (found.sport[rows] == TEREDO) | (found.dport[rows] == TEREDO)
    return [_frames(view, ip, space, rows[usual], _teredo), _frames(view, ip, space, rows[~usual], _any_teredo)]


def _at_port(found: Transport, rows: Ints, port: int) -> Ints:
    here: Ints = rows[(found.sport[rows] == port) | (found.dport[rows] == port)]
    return here


def _frames(view: View, ip: Headers, space: Space, rows: Ints, handler: Callable[[View, Space], Inner]) -> Frames:
    bounds = Space(*(column[rows] for column in space))
    kind, at, is_tunnel = handler(view, bounds)
    is_tunnel = is_tunnel & (at < bounds.end)
    return Frames(kind[is_tunnel], at[is_tunnel], *(each[is_tunnel] for each in (*bounds[1:], ip.row[rows])))


def _always(kind: int) -> Callable[[View, Space], Inner]:
    def whole(_: View, space: Space) -> Inner:
        n = len(space.at)
        return np.full(n, kind, np.int64), space.at, np.ones(n, bool)

    return whole


def _etherip(view: View, space: Space) -> Inner:
    kind, at, _ = _always(ETHERNET)(view, space)
    return kind, at + 2, view.be16(at) == 0x3000


def _gre(view: View, space: Space) -> Inner:
    at = space.at
    flags, kind = view.be16(at), view.be16(at + 2)
    version = flags & 7
    key_and_sequence = 4 * (flags >> 13 & 1) + 4 * (flags >> 12 & 1)
    behind = at + 4 + 4 * (flags & 0xC000 != 0) + key_and_sequence
    mirrored = (kind == 0x88BE) & (flags & 0x1000 == 0)  # ERSPAN type I has no header of its own
    kind = np.where(mirrored, ETHERNET, kind)
    point = (version == 1) & (kind == PPP) & (flags & 0x1000 != 0)
    behind = np.where(version == 1, at + 4 + key_and_sequence + 4 * (flags >> 7 & 1), behind)
    for row in np.flatnonzero((version == 0) & (flags & 0x4000 != 0)).tolist():
        behind[row] = _routed(view, int(behind[row]), int(space.end[row]))
    return kind, behind, ((version == 0) & (kind != 0)) | point


def _routed(view: View, at: int, end: int) -> int:
    """Behind the source route entries of RFC 1701: family, offset, length; the last one is empty."""
    while at + 4 <= end:
        length = int(view.data[at + 3])
        at += 4 + length
        if not length:
            return at
    return end


def _gre_in_udp(view: View, space: Space) -> Inner:
    kind, at, is_gre = _gre(view, space)
    flags = view.be16(space.at)
    return kind, at, is_gre & (flags & 0x4FFF == 0) & np.isin(kind, _GRE_INNER)


def _gtp(view: View, space: Space) -> Inner:
    at = space.at
    flags, length = view.byte(at), view.be16(at + 2)
    is_gtp = (flags & 0xF0 == 0x30) & (view.byte(at + 1) == 255) & (at + 8 + length <= space.wire)
    behind = at + 8 + 4 * (flags & 7 != 0)
    for row in np.flatnonzero(is_gtp & (flags & 4 != 0)).tolist():
        behind[row] = _extended(view, int(behind[row]), int(space.end[row]))
    return np.full(len(at), NIBBLE, np.int64), behind, is_gtp


def _extended(view: View, at: int, end: int) -> int:
    """Behind GTP's extension headers: their length in words of four bytes comes first, the next one's type last."""
    while at < end and view.data[at - 1]:
        words = int(view.data[at])
        if not words:
            return end
        at += 4 * words
    return at


def _vxlan(view: View, space: Space) -> Inner:
    """RFC 7348: the I flag, all else zero, or the group policy extension (flag 0x80, policy in bytes 1 to 3)."""
    at = space.at
    flags, policy = view.byte(at), view.be32(at) & 0xFFFFFF
    is_vxlan = ((flags == 0x08) & (policy == 0)) | (flags == 0x88)
    is_vxlan &= (view.byte(at + 7) == 0) & (space.wire - at >= 8 + 14)
    return np.full(len(at), ETHERNET, np.int64), at + 8, is_vxlan


def _vxlan_gpe(view: View, space: Space) -> Inner:
    at, follows = space.at, view.byte(space.at + 3)
    kind = np.select([follows == number for number in (1, 2, 3, 5)], [IPV4, IPV6, ETHERNET, MPLS], 0)
    return kind, at + 8, (view.byte(at) & 0xFD == 0x0C) & (view.be16(at + 1) == 0) & (kind != 0)


def _geneve(view: View, space: Space) -> Inner:
    at, kind = space.at, view.be16(space.at + 2)
    first, reserved = view.byte(at), (view.byte(at + 1) & 0x3F) | view.byte(at + 7)
    return kind, at + 8 + 4 * (first & 0x3F), (first < 0x40) & (reserved == 0) & np.isin(kind, (ETHERNET, IPV4, IPV6))


def _ayiya(view: View, space: Space) -> Inner:
    at = space.at
    identity, signature = view.byte(at) >> 4, view.byte(at + 1) >> 4
    forward = (view.byte(at + 2) & 15 == 1) & (identity <= 5)
    kind = np.where(view.byte(at + 3) == 4, IPV4, IPV6)
    behind = at + 8 + (1 << identity) + 4 * signature
    version = view.byte(np.minimum(behind, space.end)) >> 4
    return kind, behind, forward & (version == np.where(kind == IPV4, 4, 6)) & np.isin(view.byte(at + 3), (4, 41))


def _teredo(view: View, space: Space) -> Inner:
    """On Teredo's port: an IPv6 header behind optional authentication and origin; trailers (RFC 6081) may follow."""
    at, end, wire = space
    authentication = view.be16(at) == 1
    at = np.minimum(at + authentication * (13 + view.byte(at + 2) + view.byte(at + 3)), end)
    at, ipv6, is_teredo = _behind_origin(view, Space(at, end, wire))
    local = view.be32(at + 8) >> 22 == 0xFE80 >> 6  # router solicitations and advertisements
    return np.full(len(at), IPV6, np.int64), at, (ipv6 <= wire) & (is_teredo | local) & _is_v6(view, at, end)


def _any_teredo(view: View, space: Space) -> Inner:
    """On any port: a Teredo address, and a length that fits to the byte."""
    at, ipv6, is_teredo = _behind_origin(view, space)
    return np.full(len(at), IPV6, np.int64), at, (ipv6 == space.wire) & is_teredo & _is_v6(view, at, space.end)


def _is_v6(view: View, at: Ints, end: Ints) -> npt.NDArray[np.bool_]:
    is_v6: npt.NDArray[np.bool_] = (at + 40 <= end) & (view.byte(at) >> 4 == 6)
    return is_v6


def _behind_origin(view: View, space: Space) -> Inner:
    """Where the IPv6 header begins, where its packet ends, and whether one of its addresses is Teredo's."""
    at = np.minimum(space.at + 8 * (view.be16(space.at) == 0), space.end)
    teredo = (view.be32(at + 8) == 0x20010000) | (view.be32(at + 24) == 0x20010000)
    return at, at + 40 + view.be16(at + 4), teredo


def _capwap(view: View, space: Space) -> Inner:
    """Clear data packets that are neither fragments nor keep-alives; T tells 802.11 from 802.3 frames."""
    at = space.at
    word = view.be32(at)
    header = 4 * (word >> 19 & 31)
    kind = np.where(word & 0x100 != 0, names.DOT11, ETHERNET)
    return kind, at + header, (word >> 24 == 0) & (header >= 8) & (word & 0x88 == 0)


_PROTOCOLS: dict[int, Callable[[View, Space], Inner]] = {
    4: _always(IPV4),
    41: _always(IPV6),
    47: _gre,
    97: _etherip,
    137: _always(MPLS),
}
_PORTS: dict[int, Callable[[View, Space], Inner]] = {
    2152: _gtp,
    4754: _gre_in_udp,
    4789: _vxlan,
    4790: _vxlan_gpe,
    5072: _ayiya,
    5247: _capwap,
    6081: _geneve,
    8472: _vxlan,
}
_BY_PORT[list(_PORTS)] = True
