"""Compression told by magic bytes: gzip, bzip2, xz and Zstandard as one kind of raw stream, in bounded memory.

Members, streams and frames that follow each other are read as one (RFC 1952 section 2.2, the xz file format section 2,
RFC 8878 section 3.1); zero bytes between and behind them are padding.
"""

from __future__ import annotations

import io
import zlib
from collections.abc import Callable
from typing import IO, Any, Protocol

CHUNK = 1 << 16  # compressed bytes asked for at once: each of many tiny streams costs a copy of the rest
STEP = 1 << 20  # decompressed bytes made at once: what a damaged place may cost
XZ_MEMORY = 1 << 28  # xz -9 needs 65 MiB
MAGIC = 6  # bytes that tell


class _Decoder(Protocol):
    """What bz2 and lzma offer for one stream."""

    @property
    def eof(self) -> bool: ...

    @property
    def needs_input(self) -> bool: ...

    @property
    def unused_data(self) -> bytes: ...

    def decompress(self, data: bytes, max_length: int) -> bytes: ...


class _Gzip:
    """One gzip member; zlib checks its CRC and length."""

    def __init__(self) -> None:
        self._z = zlib.decompressobj(wbits=31)

    @property
    def eof(self) -> bool:
        return self._z.eof

    @property
    def needs_input(self) -> bool:
        return not self._z.unconsumed_tail

    @property
    def unused_data(self) -> bytes:
        return self._z.unused_data

    def decompress(self, data: bytes, max_length: int) -> bytes:
        return self._z.decompress(data or self._z.unconsumed_tail, max_length)


class _Zstd:
    """One Zstandard frame; zstandard's own reader ends silently where a frame has no end."""

    SLICE = 1 << 10  # a kilobyte can stand for 32 MiB of zeros, which bounds what one step may yield

    def __init__(self) -> None:
        import zstandard

        self._frame = zstandard.ZstdDecompressor(max_window_size=1 << 27).decompressobj()
        self._packed, self._ready = memoryview(b""), memoryview(b"")

    @property
    def eof(self) -> bool:
        return self._frame.eof and not self._ready

    @property
    def needs_input(self) -> bool:
        return not self._packed and not self._ready

    @property
    def unused_data(self) -> bytes:
        return self._frame.unused_data + bytes(self._packed)

    def decompress(self, data: bytes, max_length: int) -> bytes:
        if data:
            self._packed = memoryview(data)
        if not self._ready and self._packed and not self._frame.eof:
            packed, self._packed = self._packed[: self.SLICE], self._packed[self.SLICE :]
            self._ready = memoryview(self._frame.decompress(packed))
        out, self._ready = self._ready[:max_length], self._ready[max_length:]
        return bytes(out)


def _bzip2() -> _Decoder:
    import bz2

    return bz2.BZ2Decompressor()


def _xz() -> _Decoder:
    import lzma

    return lzma.LZMADecompressor(memlimit=XZ_MEMORY)


_FORMATS: tuple[tuple[bytes, Callable[[], _Decoder]], ...] = (
    (b"\x1f\x8b", _Gzip),
    (b"BZh", _bzip2),
    (b"\xfd7zXZ\x00", _xz),
    (b"\x28\xb5\x2f\xfd", _Zstd),
)


class _Unpacked(io.RawIOBase):
    """The bytes behind compressed ones; closing it leaves the source open."""

    def __init__(self, source: IO[bytes] | io.RawIOBase, first: bytes, new: Callable[[], _Decoder]) -> None:
        super().__init__()
        self._source, self._new = source, new
        self._decoder, self._packed = new(), first
        self._inside = True  # a stream has begun and not ended

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        size = min(len(buffer), STEP)
        while size:
            if not self._inside and not self._next():
                return 0
            if self._decoder.needs_input and not self._packed:
                self._packed = self._source.read(CHUNK) or b""
                if not self._packed:
                    raise EOFError("the compressed data end too early")
            packed, self._packed = self._packed, b""
            out = self._decoder.decompress(packed, size)
            if self._decoder.eof:
                self._packed, self._inside = self._decoder.unused_data, False
            if out:
                buffer[: len(out)] = out
                return len(out)
        return 0

    def _next(self) -> bool:
        """Whether another stream of the same format follows; other bytes behind the last one are no data."""
        magic = next(magic for magic, new in _FORMATS if new is self._new)
        rest = self._packed.lstrip(b"\0")
        while len(rest) < len(magic) and (more := self._source.read(CHUNK)):
            rest = (rest + more).lstrip(b"\0")
        self._packed = rest
        if rest.startswith(magic):
            self._decoder, self._inside = self._new(), True
        elif rest and self._new is _Gzip:
            raise OSError("what follows the compressed data is no gzip")
        return self._inside


class _Rejoined(io.RawIOBase):
    """A stream whose first bytes were taken to look at."""

    def __init__(self, source: IO[bytes] | io.RawIOBase, first: bytes) -> None:
        super().__init__()
        self._source, self._first = source, first

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if not self._first:
            return self._source.readinto(buffer) or 0  # type: ignore[union-attr]
        size = min(len(buffer), len(self._first))
        buffer[:size], self._first = self._first[:size], self._first[size:]
        return size


def opened(raw: io.RawIOBase) -> io.RawIOBase:
    """The bytes of `raw`, decompressed where they are compressed; short reads are normal, closing leaves `raw` open.

    Reading raises EOFError where compressed data end too early, and where they are damaged OSError, zlib.error,
    lzma.LZMAError or zstandard.ZstdError; what was read before is sound.
    """
    first = b""
    while len(first) < MAGIC and (more := raw.read(MAGIC - len(first))):
        first += more
    for magic, new in _FORMATS:
        if first.startswith(magic):
            return _Unpacked(raw, first, new)
    return _Rejoined(raw, first)


def flaw(error: Exception) -> str | None:
    """What `error` says of compressed data, None where it is about something else (an OSError with a number)."""
    if isinstance(error, EOFError):
        return "compressed data end too early"
    if isinstance(error, OSError) and error.errno is not None:
        return None
    if isinstance(error, zlib.error | OSError) or type(error).__name__ in ("ZstdError", "LZMAError"):
        return f"compressed data are damaged ({error})"
    return None
