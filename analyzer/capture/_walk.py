"""Link headers that are walked packet by packet: 802.11 with its capture headers, and NFLOG.

Sources: IEEE 802.11-2020, section 9.2; radiotap.org; tcpdump.org/linktypes.html (PPI, Prism, AVS, NFLOG, PKTAP, PFLOG).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from analyzer.capture import _names as names

if TYPE_CHECKING:
    from collections.abc import Callable

    from analyzer.capture._view import View
    from analyzer.capture.records import Ints

    Walker = Callable[[memoryview], tuple[int, int]]  # captured bytes -> kind of what follows, bytes before it


def walk(view: View, kind: int, at: Ints, end: Ints) -> tuple[Ints, Ints]:
    """Kind of the next layer and where it begins, for frames of one kind of WALKERS; behind `end` where that is cut."""
    walker, data = WALKERS[kind], view.data.data
    kinds, behind = np.empty(len(at), np.int64), at.copy()
    for row, (begin, stop) in enumerate(zip(at.tolist(), end.tolist(), strict=True)):
        try:
            kinds[row], skipped = walker(data[begin:stop])
        except IndexError:
            kinds[row], skipped = names.SHORT_LINK, stop - begin + 1
        behind[row] += skipped
    return kinds, behind


def _number(data: memoryview, at: int, size: int, order: Literal["big", "little"] = "little") -> int:
    """An unsigned number; IndexError where the packet ends before it does."""
    if at + size > len(data):
        raise IndexError
    return int.from_bytes(data[at : at + size], order)


def _dot11(data: memoryview, *, is_padded: bool = False) -> tuple[int, int]:
    """Data frames have an 802.2 header behind theirs; only the first part of an aggregate is read."""
    control, flags = data[0], data[1]
    if control & 0x0F != 0x08 or control & 0x40:  # not data, or data without any
        return names.DOT11_OTHER, 0
    if flags & 0x40:
        return names.DOT11_ENCRYPTED, 0
    if data[22] & 15 or flags & 0x04:
        return names.DOT11_FRAGMENT, 0
    header = 24 + 6 * (flags & 3 == 3)
    is_aggregate = False
    if control & 0x80:
        is_aggregate = data[header] & 0x80 != 0
        header += 2 + 4 * (flags >> 7)
    header += -header % 4 if is_padded else 0
    return names.LLC, header + 14 * is_aggregate


def _radiotap(data: memoryview) -> tuple[int, int]:
    length, present, at = _number(data, 2, 2), _number(data, 4, 4), 8
    word = present
    while word >> 31:
        word, at = _number(data, at, 4), at + 4
    if present & 1:
        at += -at % 8 + 8
    flags = data[at] if present & 2 else 0
    if flags & 0x40:
        return names.DOT11_BAD, 0
    kind, header = _dot11(data[length:], is_padded=flags & 0x20 != 0)
    return kind, length + header


def _ppi(data: memoryview) -> tuple[int, int]:
    return names.started(_number(data, 4, 4)), _number(data, 2, 2)


def _prism(data: memoryview) -> tuple[int, int]:
    if _number(data, 0, 2, "big") == 0x8021:
        return _avs(data)
    little, big = _number(data, 4, 4), _number(data, 4, 4, "big")
    return names.DOT11, min(little, big)


def _avs(data: memoryview) -> tuple[int, int]:
    return names.DOT11, _number(data, 4, 4, "big")


def _pktap(data: memoryview) -> tuple[int, int]:
    return names.started(_number(data, 8, 4)), _number(data, 0, 4)


def _pflog(data: memoryview) -> tuple[int, int]:
    return names.NIBBLE, data[0] + 3 & ~3


def _nflog(data: memoryview) -> tuple[int, int]:
    """Attributes in the byte order of the machine that captured; 9 is the packet."""
    for order in ("little", "big"):
        at = 4
        while at + 4 <= len(data):
            size, attribute = _number(data, at, 2, order), _number(data, at + 2, 2, order)
            if attribute & 0x7FFF == 9:
                return names.NIBBLE, at + 4
            if size < 4 or attribute > 64:
                break
            at += size + 3 & ~3
    return names.NFLOG_OTHER, 0


WALKERS: dict[int, Walker] = {
    names.DOT11: _dot11,
    names.RADIOTAP: _radiotap,
    names.PPI: _ppi,
    names.PRISM: _prism,
    names.AVS: _avs,
    names.PKTAP: _pktap,
    names.PFLOG: _pflog,
    names.NFLOG: _nflog,
}
