"""The body of a ClientHello (RFC 8446 section 4.1.2), which TLS, DTLS and QUIC share."""

from __future__ import annotations

from functools import lru_cache
from struct import Struct, error
from typing import Literal

from analyzer.capture.dissect import ja4
from analyzer.capture.dissect.fields import ALPN, SERVER_NAME, VERSIONS, codes, is_grease, published, text
from analyzer.capture.dissect.fields import protocols as raw_protocols
from analyzer.capture.records import Hello

ENCRYPTED = frozenset({0xFFCE, 0xFE08, 0xFE09, 0xFE0A, 0xFE0D})  # ESNI draft 1-6, ECH drafts 8-10, ECH as published
LONGEST = 131396  # bytes of the longest body that the lengths in it allow

_u16 = Struct(">H").unpack_from
_u16_pair = Struct(">HH").unpack_from


# Parts of a body: client_version; ciphers; where each extension begins, whole ones only, in order of appearance;
# whether the body is there in full.  A plain tuple, for it is made once per flow, and a named one costs much more.
Walked = tuple[int, bytes, dict[int, int], bool]


def walk(data: bytes, pos: int, end: int, has_cookie: bool = False) -> Walked | None:
    """Parts of the body data[pos:end]; data may end before `end` does.  None: no ClientHello."""
    legacy, ciphers = 0, b""
    at: dict[int, int] = {}
    try:
        legacy = _u16(data, pos)[0]
        pos += 35 + data[pos + 34]
        if has_cookie:
            pos += 1 + data[pos]
        first = pos + 2
        pos = first + _u16(data, pos)[0]
        ciphers = data[first:pos]
        pos += 1 + data[pos]
        if pos == end:  # before RFC 3546 a hello had no extensions
            return (legacy, ciphers, at, True) if ciphers else None
        stop = pos + 2 + _u16(data, pos)[0]
        pos += 2
        if stop > end or not ciphers or len(ciphers) & 1:
            return None
        while pos < stop:
            kind, size = _u16_pair(data, pos)
            at[kind] = pos
            pos += 4 + size
    except (error, IndexError):
        return (legacy, ciphers, at, False) if pos <= end > len(data) else None
    if pos > stop:
        return None
    if end <= len(data):
        return legacy, ciphers, at, True
    return legacy, ciphers, {kind: pos for kind, pos in at.items() if _ends(data, pos)}, False


def _ends(data: bytes, pos: int) -> bool:
    return pos + 4 + int(_u16(data, pos + 2)[0]) <= len(data)


def value(data: bytes, pos: int) -> bytes:
    """The value of the extension that begins at pos."""
    return data[pos + 4 : pos + 4 + _u16(data, pos + 2)[0]]


def read(
    data: bytes, pos: int, end: int, transport: Literal["tls", "dtls", "quic"], with_ja4: bool = False
) -> Hello | None:
    """The ClientHello whose body is data[pos:end]; None where it is none.

    Where it is cut before supported_versions, the version is the legacy one, which TLS 1.3 sets to that of 1.2.
    """
    walked = walk(data, pos, end, transport == "dtls")
    return walked and stated(data, walked, transport, with_ja4)


def stated(data: bytes, walked: Walked, transport: Literal["tls", "dtls", "quic"], with_ja4: bool) -> Hello:
    """What the parts say; a fingerprint only of a whole hello."""
    legacy, ciphers, at, is_whole = walked
    named, spoken, versions = at.get(SERVER_NAME), at.get(ALPN), at.get(VERSIONS)
    return Hello(
        server_name(value(data, named)) if named else "",
        protocols(value(data, spoken)) if spoken else (),
        (versions and newest(value(data, versions), transport == "dtls")) or legacy,
        ja4.client(data, legacy, ciphers, at, transport) if with_ja4 and is_whole else "",
        not ENCRYPTED.isdisjoint(at),
        transport,
        is_whole,
    )


def server_name(extension: bytes) -> str:
    """The host name of a server_name extension (RFC 6066 section 3), lower case, '' where there is none."""
    if len(extension) > 5 and extension[2] == 0 and len(extension) == 5 + (extension[3] << 8 | extension[4]):
        return text(extension[5:]).lower().removesuffix(".")
    pos = 2
    while pos + 3 <= len(extension):
        kind, size = extension[pos], _u16(extension, pos + 1)[0]
        pos += 3
        if kind == 0 and pos + size <= len(extension):
            return text(extension[pos : pos + size]).lower().removesuffix(".")
        pos += size
    return ""


@lru_cache(1024)
def protocols(extension: bytes) -> tuple[str, ...]:
    """The names in an ALPN extension (RFC 7301) that are no GREASE."""
    return tuple(text(name) for name in raw_protocols(extension) if not _is_grease_name(name))


def _is_grease_name(name: bytes) -> bool:
    return len(name) == 2 and is_grease(name[0] << 8 | name[1])


@lru_cache(1024)
def newest(extension: bytes, is_dtls: bool = False) -> int:
    """Highest version in supported_versions, drafts of TLS 1.3 counted as it; 0 where it lists none that is known.

    DTLS counts its versions down: 0xFEFC is 1.3.
    """
    offered = [published(code) for code in codes(extension[1:])]
    if is_dtls:
        return min((code for code in offered if code >> 8 == 0xFE), default=0)
    return max((code for code in offered if code >> 8 == 3), default=0)
