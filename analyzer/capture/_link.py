"""Below IP: from a link type or an EtherType to where each packet's IP header begins, all packets of a kind at once.

A frame is a kind (what lies at `at`: an EtherType, or a private code above 0xFFFF) and bounds.  Handlers take one layer
off; what no handler knows ends as a reason.  Sources: IEEE 802.1Q, 802.2; RFC 1042 (SNAP), 1661 and 1662 (PPP), 2427
(frame relay), 2516 (PPPoE), 3032 (MPLS), 4385 and 4448 (pseudowire); tcpdump.org/linktypes.html.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from analyzer.capture import _names as names
from analyzer.capture._names import ETHERNET, IPV4, IPV6, LLC, MPLS, NIBBLE, PPP
from analyzer.capture._walk import WALKERS, walk

if TYPE_CHECKING:
    from collections.abc import Callable

    from analyzer.capture._view import View
    from analyzer.capture.records import Ints

    Peeled = tuple[Ints, Ints]  # kind of the next layer, where it begins
    Handler = Callable[[View, Ints], Peeled]

LAYERS = 24  # link layers taken off before a frame is given up: stacked tags and labels come one by one


class Frames(NamedTuple):
    """What lies where: columns of one length."""

    kind: Ints
    at: Ints  # first byte
    end: Ints  # behind the last byte captured
    wire: Ints  # behind the last byte there was on the wire
    row: Ints  # packet of the block, or row of the enclosing packets


def take(frames: Frames, chosen: Ints) -> Frames:
    """Those frames."""
    return Frames(*(column[chosen] for column in frames))


def peel(view: View, kind: int, start: Ints, end: Ints, wire: Ints) -> Frames:
    """One frame per packet, all beginning with `kind`: each at its IP header, or of a kind that says why there is none.

    `end` lies behind the last captured byte, `wire` behind the last there was; start <= end <= wire.
    """
    need, handler = HANDLERS.get(kind, (0, None))
    if handler and (end - start >= need).all():
        kinds, at = handler(view, start)
        if kind != ETHERNET:  # whose header has one size
            kinds = np.where(at > end, _blame(end, wire), kinds)
    else:
        kinds, at = np.full(len(start), kind, np.int64), start.copy()
    return peel_all(view, Frames(kinds, at, end, wire, np.arange(len(start))))


def peel_all(view: View, frames: Frames) -> Frames:
    """The same for frames of any kinds; changes `kind` and `at` in place."""
    kind = frames.kind
    left = np.flatnonzero((kind != IPV4) & (kind != IPV6))
    for _ in range(LAYERS):
        if not left.size:
            return frames
        left = _peel_once(view, frames, left)
    kind[left] = names.TOO_DEEP
    return frames


def _peel_once(view: View, frames: Frames, left: Ints) -> Ints:
    """Take a layer off each frame of `left`; those that may have another one."""
    kinds = frames.kind[left]
    present = set(kinds.tolist())
    again = [
        _peel_kind(view, frames, left[kinds == one], one)
        for one in sorted(present)
        if one in HANDLERS or one in WALKERS
    ]
    return np.concatenate(again) if again else left[:0]


def _peel_kind(view: View, frames: Frames, rows: Ints, one: int) -> Ints:
    kind, at, end = frames.kind, frames.at, frames.end
    if one in WALKERS:
        kind[rows], at[rows] = walk(view, one, at[rows], end[rows])
    else:
        need, handler = HANDLERS[one]
        rows = _whole(frames, rows, at[rows] + need)
        kind[rows], at[rows] = handler(view, at[rows])
    rows = _whole(frames, rows, at[rows])
    inner = kind[rows]
    more: Ints = rows[(inner != IPV4) & (inner != IPV6)]
    return more


def _whole(frames: Frames, rows: Ints, needed: Ints) -> Ints:
    """The rows captured up to `needed`; the others become frames cut short."""
    end = frames.end[rows]
    short = needed > end
    if not short.any():
        return rows
    bad = rows[short]
    frames.kind[bad] = _blame(end[short], frames.wire[bad])
    frames.at[bad] = end[short]
    return rows[~short]


def _blame(end: Ints, wire: Ints) -> Ints:
    """Who ended a frame within a link header: the capture or the sender."""
    return np.where(end < wire, np.int64(names.CUT_LINK), np.int64(names.SHORT_LINK))


def _sized(kind: Ints) -> Ints:
    """An EtherType below 0x600 is the length of an 802.2 frame."""
    return np.where(kind < 0x600, LLC, kind)


def _ethernet(view: View, at: Ints) -> Peeled:
    kind = view.be16(at + 12)
    return _sized(kind) if (kind < 0x600).any() else kind, at + 14


def _vlan(view: View, at: Ints) -> Peeled:
    return _sized(view.be16(at + 2)), at + 4


def _llc(view: View, at: Ints) -> Peeled:
    saps = view.be16(at) & 0xFFFE  # without the bit that tells command from response
    kind = np.where(saps == 0x0606, NIBBLE, names.LLC_BASE + saps)
    return np.where((saps | 0x0100) == 0xABAA, names.SNAP, kind), at + 3


def _snap(view: View, at: Ints) -> Peeled:
    """Three bytes of who numbers the protocols, two of protocol; 0080c2 = IEEE 802.1, bridged frames."""
    maker, pid = view.be32(at) >> 8, view.be16(at + 3)
    kind = np.where((maker == 0) | (maker == 0x0000F8), pid, names.SNAP_OTHER)
    kind = np.where(maker == 0x00000C, names.CISCO_BASE + pid, kind)
    return np.where((maker == 0x0080C2) & ((pid == 1) | (pid == 7)), ETHERNET, kind), at + 5


def _nibble(view: View, at: Ints) -> Peeled:
    version = view.byte(at) >> 4
    return np.where(version == 4, IPV4, np.where(version == 6, IPV6, names.NO_IP_VERSION)), at


def _ppp(view: View, at: Ints) -> Peeled:
    at = at + 2 * (view.be16(at) == 0xFF03)
    short = view.byte(at) & 1
    number = np.where(short == 1, view.byte(at), view.be16(at))
    kind = names.PPP_BASE + number
    for protocol, inner in ((0x21, IPV4), (0x57, IPV6), (0x281, MPLS), (0x283, MPLS)):
        kind[number == protocol] = inner
    return kind, at + 2 - short


def _ppp_serial(view: View, at: Ints) -> Peeled:
    """PPP in HDLC-like framing, or Cisco's HDLC, told by the address byte (RFC 1547, section 4.3.1)."""
    cisco = np.isin(view.byte(at), (0x0F, 0x8F))
    kind, behind = _ppp(view, at)
    hdlc, payload = _hdlc(view, at)
    return np.where(cisco, hdlc, kind), np.where(cisco, payload, behind)


def _hdlc(view: View, at: Ints) -> Peeled:
    kind = view.be16(at + 2)
    slarp = kind == names.RARP  # SLARP uses the number of RARP
    kind = np.where(slarp, names.SLARP, kind)
    return np.where(kind == 0x2000, names.CISCO_BASE + 0x2000, kind), at + 4


def _pppoe(view: View, at: Ints) -> Peeled:
    session = view.be16(at) == 0x1100
    return np.where(session, PPP, names.PPPOE_OTHER), at + 6


def _mpls(view: View, at: Ints) -> Peeled:
    last = view.byte(at + 2) & 1
    return np.where(last == 1, names.MPLS_BOTTOM, MPLS), at + 4


def _bottom(view: View, at: Ints) -> Peeled:
    """Behind the last label nothing says what follows: IP by its version and length, else a pseudowire."""
    nibble = view.byte(at) >> 4
    v4 = (nibble == 4) & (view.byte(at) & 15 >= 5) & (view.be16(at + 2) >= 20)
    v6 = nibble == 6
    worded = (nibble == 0) & _is_ethernet(view, at + 4)
    bare = _is_ethernet(view, at) & ~(v4 | v6)
    kind = np.where(nibble == 1, names.MPLS_OAM, names.MPLS_OTHER)
    kind = np.where(worded | bare, ETHERNET, kind)
    return np.where(v4, IPV4, np.where(v6, IPV6, kind)), at + 4 * worded


def _is_ethernet(view: View, at: Ints) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    return np.isin(view.be16(at + 12), _PLAUSIBLE)


def _erspan(view: View, at: Ints) -> Peeled:
    """ERSPAN type II and III headers (draft-foschiano-erspan-03); type I has none and is told by its caller."""
    version = view.byte(at) >> 4
    third = 12 + 8 * (view.byte(at + 11) & 1)
    return np.where((version == 1) | (version == 2), ETHERNET, names.ERSPAN_OTHER), at + np.where(
        version == 2, third, 8
    )


def _wccp(view: View, at: Ints) -> Peeled:
    """Packets redirected by WCCP: version 1 has no header, version 2 has four bytes (draft-wilson-wrec-wccp-v2)."""
    kind, _ = _nibble(view, at)
    bare = kind == IPV4
    behind, _ = _nibble(view, at + 4)
    return np.where(bare, kind, behind), np.where(bare, at, at + 4)


def _sll(view: View, at: Ints) -> Peeled:
    return _sll_kind(view.be16(at + 14)), at + 16


def _sll2(view: View, at: Ints) -> Peeled:
    return _sll_kind(view.be16(at)), at + 20


def _sll_kind(protocol: Ints) -> Ints:
    kind = np.where(protocol == 4, LLC, protocol)
    return np.where(kind < 0x600, names.SLL_BASE + protocol, kind)


def _family(view: View, at: Ints) -> Peeled:
    """Address family in the byte order of the machine that captured: AF_INET6 is 10, 23, 24, 28 or 30."""
    little = view.le32(at)
    number = np.where(little > 0xFFFF, view.be32(at), little)
    kind = np.where(number == 2, IPV4, names.FAMILY_OTHER)
    return np.where(np.isin(number, (10, 23, 24, 28, 30)), IPV6, kind), at + 4


def _fddi(view: View, at: Ints) -> Peeled:
    frame = view.byte(at)
    return np.where(frame & 0xF0 == 0x50, LLC, names.FDDI_OTHER), at + 13


def _frame_relay(view: View, at: Ints) -> Peeled:
    """Two to four address bytes (the last has its low bit set), then RFC 2427's control and NLPID, or Cisco's type."""
    address = 2 + (view.byte(at + 1) & 1 == 0) * (1 + (view.byte(at + 2) & 1 == 0))
    at = at + address
    ietf = view.byte(at) == 3
    padded = ietf & (view.byte(at + 1) == 0)
    nlpid = view.byte(at + 1 + padded)
    kind = names.NLPID_BASE + nlpid
    for number, inner in ((0xCC, IPV4), (0x8E, IPV6), (0xCF, PPP), (0x80, names.SNAP)):
        kind[nlpid == number] = inner
    return np.where(ietf, kind, view.be16(at)), at + 2 + padded


def _slip(view: View, at: Ints) -> Peeled:
    kind, _ = _nibble(view, at + 16)
    return kind, at + 16


_PLAUSIBLE = np.array([IPV4, IPV6, names.ARP, 0x8100, 0x88A8, MPLS, 0x8864, 0x8863, 0x88CC])

HANDLERS: dict[int, tuple[int, Handler]] = {  # kind -> bytes that the handler reads at most, handler
    ETHERNET: (14, _ethernet),
    LLC: (3, _llc),
    0x8870: (3, _llc),  # jumbo frames with 802.2 inside
    NIBBLE: (1, _nibble),
    PPP: (4, _ppp),
    names.PPP_SERIAL: (4, _ppp_serial),
    names.HDLC: (4, _hdlc),
    0x8864: (6, _pppoe),
    MPLS: (4, _mpls),
    0x8848: (4, _mpls),
    names.MPLS_BOTTOM: (18, _bottom),
    0x88BE: (12, _erspan),
    0x22EB: (12, _erspan),
    0x883E: (5, _wccp),
    names.SNAP: (5, _snap),
    names.SLL: (16, _sll),
    names.SLL2: (20, _sll2),
    names.FAMILY: (4, _family),
    names.FDDI: (13, _fddi),
    names.FRAME_RELAY: (7, _frame_relay),
    names.SLIP: (17, _slip),
}
HANDLERS |= dict.fromkeys((0x8100, 0x88A8, 0x9100, 0x9200), (4, _vlan))
