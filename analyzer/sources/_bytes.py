"""From bytes as received to numbered lines of text, in bounded memory whatever the size of the file.

Compression is told by magic bytes, not by file name; so are the files that are no text at all.
"""

from __future__ import annotations

import codecs
import hashlib
import io
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from analyzer import packed
from analyzer.errors import BadInput
from analyzer.records import Lines

CHUNK = 1 << 18
LINE_LIMIT = 1 << 20  # characters; the widest genuine table seen (one column per country) has lines of 1,500
JSON_LIMIT = 1 << 24  # a chart is one line of JSON: 200 entries with their summaries are about 2 MiB
HEAD = 1 << 16

Progress = Callable[[int, int], None]  # bytes done, bytes in all


@dataclass(frozen=True, slots=True)
class Digest:
    """What identifies the bytes of a file at one reading."""

    sha256: str
    bytes: int


class Received(io.RawIOBase):
    """The bytes of a file, hashed and counted as they are read."""

    def __init__(self, path: Path, progress: Progress | None = None) -> None:
        super().__init__()
        self._file = path.open("rb", buffering=0)
        self._total = path.stat().st_size
        self._hash = hashlib.sha256()
        self._done = 0
        self._progress = progress

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        got = self._file.readinto(buffer) or 0
        self._hash.update(memoryview(buffer)[:got])
        self._done += got
        if self._progress and got:
            self._progress(self._done, max(self._total, self._done))
        return got

    def digest(self) -> Digest:
        """Hash and size of the whole file: what nobody asked for yet is read first."""
        while self.read(CHUNK):
            pass
        return Digest(self._hash.hexdigest(), self._done)

    def close(self) -> None:
        self._file.close()
        super().close()


# Files that people do hand to `load`; the text says what to do with each.
_NO_TEXT: tuple[tuple[bytes, int, str], ...] = (
    (b"\xd4\xc3\xb2\xa1", 0, "a packet capture (pcap), which only load and inspect read"),
    (b"\xa1\xb2\xc3\xd4", 0, "a packet capture (pcap), which only load and inspect read"),
    (b"\x4d\x3c\xb2\xa1", 0, "a packet capture (pcap), which only load and inspect read"),
    (b"\xa1\xb2\x3c\x4d", 0, "a packet capture (pcap), which only load and inspect read"),
    (b"\x0a\x0d\x0d\x0a", 0, "a packet capture (pcapng), which only load and inspect read"),
    (b"PAR1", 0, "a Parquet file; save it as CSV first"),
    (b"PK\x03\x04", 0, "a zip archive or an Excel workbook; unpack it, or save the sheet as CSV"),
    (b"\xd0\xcf\x11\xe0", 0, "an Excel workbook of the old kind; save the sheet as CSV"),
    (b"DUCK", 8, "a DuckDB file; name it with --db"),
    (b"SQLite format 3", 0, "an SQLite file; export the table as CSV"),
    (b"%PDF", 0, "a PDF; what is wanted is the table behind it as CSV"),
    (b"\x89PNG", 0, "a PNG image; what is wanted is the table behind it as CSV"),
    (b"\xff\xd8\xff", 0, "a JPEG image; what is wanted is the table behind it as CSV"),
    (b"ustar", 257, "a tar archive; unpack it and load the files"),
)


def _refuse_non_text(first: bytes, name: str) -> None:
    for magic, at, what in _NO_TEXT:
        if first[at : at + len(magic)] == magic:
            raise BadInput(f"{name} is {what}")


def _encoding(first: bytes) -> str:
    if first.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    return "utf-8-sig"  # with or without the mark


def chunks(raw: Received, name: str) -> Iterator[str]:
    """Decoded text in pieces.  Raises BadInput for damaged, truncated, binary or wrongly encoded data."""
    try:
        yield from _decoded(io.BufferedReader(packed.opened(raw), CHUNK), name)
    except EOFError as error:
        raise BadInput(f"{name}: the compressed data end too early; get the file again") from error
    except UnicodeDecodeError as error:
        raise BadInput(_wrong_encoding(name, error)) from error
    except (OSError, zlib.error) as error:
        raise BadInput(f"{name} cannot be read: {error}") from error
    except Exception as error:
        if type(error).__name__ in ("ZstdError", "LZMAError"):  # their modules are loaded only when used
            raise BadInput(f"{name}: the compressed data are damaged ({error}); get the file again") from error
        raise


def _decoded(unpacked: IO[bytes], name: str) -> Iterator[str]:
    data = unpacked.read(CHUNK)
    _refuse_non_text(data, name)
    decoder = codecs.getincrementaldecoder(_encoding(data))()
    done = 0
    while data:
        text = decoder.decode(data)
        if "\0" in text:
            raise BadInput(
                f"{name} holds NUL bytes near byte {done}: it is UTF-16 without its mark, or no text at all; "
                "save it as UTF-8"
            )
        yield text
        done += len(data)
        data = unpacked.read(CHUNK)
    yield decoder.decode(b"", final=True)


def _wrong_encoding(name: str, error: UnicodeDecodeError) -> str:
    if error.encoding.startswith("utf-16"):
        return f"{name} begins like UTF-16 but does not go on so; save it as UTF-8"
    return (
        f"{name} is not UTF-8 (byte 0x{error.object[error.start]:02x} does not fit; perhaps Latin-1); "
        "save it as UTF-8, for example: iconv -f latin1 -t utf-8"
    )


def numbered(pieces: Iterator[str], name: str, limit: int, is_no: str) -> Lines:
    """Lines with their 1-based numbers, without line ends.

    Raises BadInput for a line beyond `limit` before more than that is held; `is_no` ends its sentence.
    """
    rest, number = "", 0
    for piece in pieces:
        *complete, rest = (rest + piece).split("\n")
        for line in complete:
            number += 1
            if len(line) > limit:
                raise BadInput(_too_long(name, number, limit, is_no))
            yield number, line.removesuffix("\r")
        if len(rest) > limit:
            raise BadInput(_too_long(name, number + 1, limit, is_no))
    if rest:
        yield number + 1, rest.removesuffix("\r")


def _too_long(name: str, number: int, limit: int, is_no: str) -> str:
    return f"{name}: line {number} is longer than {limit >> 20} MiB: this is not {is_no}"


def head(path: Path, name: str) -> str:
    """The first lines, or all of a JSON text: it names its country and time wherever it likes."""
    text = ""
    with Received(path) as raw:
        for piece in chunks(raw, name):
            text += piece
            if len(text) >= (JSON_LIMIT if is_json(text) else HEAD):
                break
    if not text.strip():
        raise BadInput(f"{name} is empty")
    return text


def is_json(text: str) -> bool:
    """Whether a text begins like a JSON object or list."""
    return text.lstrip()[:1] in ("{", "[")


def is_html(text: str) -> bool:
    """Whether a text begins like a web page: what a portal or a block page answers instead of data."""
    begin = text.lstrip()[:200].lower()
    return begin.startswith(("<!doctype", "<html", "<head", "<body", "<?xml", "<!--"))
