"""Reading header fields of many packets at once: one gather per field, at any byte offset."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from analyzer.capture.records import Bytes, Ints

Table = TypeVar("Table")  # a dataclass of columns, rows along the last axis

HEADER = 64  # bytes gathered of each IP header: covers IPv4 or IPv6 without options, and TCP behind it


class View:
    """A block's buffer as overlapping words; every index must leave SLACK bytes to the end of the buffer."""

    __slots__ = ("_rows", "_u4", "data")

    def __init__(self, data: Bytes) -> None:
        """`data`: a contiguous buffer of at least SLACK bytes."""
        self.data = data
        self._u4 = _overlapping(data, "<u4")
        self._rows = _overlapping(data, f"V{HEADER}")

    def byte(self, at: Ints) -> Ints:
        """One byte each."""
        return self.data[at].astype(np.int64)

    def be16(self, at: Ints) -> Ints:
        """16 bits in network order."""
        return (self.data[at].astype(np.int64) << 8) | self.data[at + 1]  # quicker than an unaligned gather

    def be32(self, at: Ints) -> Ints:
        """32 bits in network order."""
        return self._u4[at].byteswap(inplace=True).astype(np.int64)

    def le32(self, at: Ints) -> Ints:
        """32 bits, least byte first."""
        return self._u4[at].astype(np.int64)

    def raw32(self, at: Ints) -> npt.NDArray[np.uint32]:
        """Four bytes as they lie, little-endian."""
        return self._u4[at]

    def headers(self, at: Ints) -> Bytes:
        """The HEADER bytes from each offset on, shape (n, HEADER)."""
        return self._rows[at].view(np.uint8).reshape(len(at), HEADER)


def _overlapping(data: Bytes, dtype: str) -> npt.NDArray[Any]:
    """A value at every byte offset; no copy."""
    size = np.dtype(dtype).itemsize
    return np.ndarray((max(len(data) - size + 1, 0),), dtype, data.data, strides=(1,))


def selected(table: Table, rows: Ints) -> Table:
    """Those rows of every column."""
    return type(table)(*(getattr(table, each.name)[..., rows] for each in fields(table)))  # type: ignore[arg-type]


def merged(tables: list[Table], order: Ints) -> Table:
    """The rows of all tables, one table after the other, then brought into `order`."""
    columns = (
        np.concatenate([getattr(table, each.name) for table in tables], axis=-1)[..., order]
        for each in fields(tables[0])  # type: ignore[arg-type]
    )
    return type(tables[0])(*columns)
