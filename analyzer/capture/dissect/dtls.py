"""DTLS 1.0 to 1.3 (RFC 4347, 6347, 9147) and the version before them that OpenSSL 0.9.8 and old AnyConnect speak.

Versions are those on the wire, which count down: 0xFEFF 1.0, 0xFEFD 1.2, 0xFEFC 1.3; 0x0100 is the one before.
"""

from __future__ import annotations

from collections.abc import Iterator
from struct import Struct
from typing import NamedTuple

from analyzer.capture.dissect import certificates as x509
from analyzer.capture.dissect import fields, hello, tls
from analyzer.capture.dissect.certificates import Certificate
from analyzer.capture.dissect.fields import Pieces
from analyzer.capture.records import Hello

BEFORE_STANDARD = 0x0100
TYPES = frozenset({20, 21, 22, 23, 24, 26})
VERSIONS = frozenset({0xFEFF, 0xFEFD, 0xFEFC, BEFORE_STANDARD})
CHANGE_CIPHER, ALERT, HANDSHAKE, DATA, HEARTBEAT, WITH_ID, ACK = range(20, 27)
CLIENT_HELLO, SERVER_HELLO, HELLO_VERIFY, CERTIFICATE = 1, 2, 3, 11
SRTP = 14
EMPTY = Hello("", (), 0, "", False, "dtls", False)

_header = Struct(">BHHHIH").unpack_from


class Record(NamedTuple):
    """Header of a record; its content may reach beyond the data."""

    type: int
    version: int
    epoch: int
    sequence: int
    length: int
    offset: int  # of the content


class Fragment(NamedTuple):
    """A part of a handshake message."""

    type: int
    size: int  # of the whole message
    message: int  # its number
    offset: int
    content: bytes


class DtlsHello(NamedTuple):
    """A ClientHello with what tells implementations apart, GREASE included; empty where the hello is cut before it."""

    hello: Hello
    legacy_version: int
    cookie: int  # bytes; a hello with one answers a HelloVerifyRequest
    ciphers: tuple[int, ...]
    extensions: tuple[int, ...]  # in order of appearance
    groups: tuple[int, ...]
    signatures: tuple[int, ...]
    srtp: tuple[int, ...]  # protection profiles (RFC 5764): media, not only data channels


def records(data: bytes) -> Iterator[Record]:
    """Headers of the records of a datagram, up to the first that is none or does not state where it ends."""
    pos = 0
    while pos + 13 <= len(data):
        kind, version, epoch, high, low, length = _header(data, pos)
        if kind == WITH_ID and epoch and version in VERSIONS:
            # a connection id of a length that was agreed on stands before the length (RFC 9146): it takes the rest
            yield Record(kind, version, epoch, high << 32 | low, len(data) - pos - 11, pos + 11)
            return
        if kind not in TYPES or version not in VERSIONS or not 0 < length <= tls.LONGEST_RECORD:
            return
        yield Record(kind, version, epoch, high << 32 | low, length, pos + 13)
        pos += 13 + length


def is_dtls(data: bytes) -> bool:
    """Whether a datagram begins with a DTLS record; those of 1.3 under its short header are not told from noise."""
    first = next(records(data), None)
    if first is None:
        return False
    if first.epoch:
        return True
    if first.type == HANDSHAKE:
        return first.length >= 12
    return first.length <= 3 if first.type == CHANGE_CIPHER else first.length == 2 if first.type == ALERT else True


def content_types(data: bytes) -> tuple[int, ...]:
    """Types of the records of a datagram."""
    return tuple(record.type for record in records(data))


def fragments(data: bytes) -> Iterator[Fragment]:
    """Handshake fragments of a datagram that are in clear."""
    for record in records(data):
        if record.type != HANDSHAKE or record.epoch:
            continue
        pos, end = record.offset, min(len(data), record.offset + record.length)
        while pos + 12 <= end:
            size, offset, length = (int.from_bytes(data[pos + at : pos + at + 3], "big") for at in (1, 6, 9))
            if offset + length > size or size > hello.LONGEST:
                break
            message = data[pos + 4] << 8 | data[pos + 5]
            yield Fragment(data[pos], size, message, offset, data[pos + 12 : min(end, pos + 12 + length)])
            pos += 12 + length


def message(kind: int, *datagrams: bytes) -> tuple[bytes, int] | None:
    """The last handshake message of a type in some datagrams: its bytes up to a gap, its size; None: there is none."""
    found: dict[tuple[int, int], Pieces] = {}
    for data in datagrams:
        for part in fragments(data):
            if part.type == kind:
                found.setdefault((part.message, part.size), []).append((part.offset, part.content))
    if not found:
        return None
    last = max(found)
    return fields.contiguous(found[last], last[1])[: last[1]], last[1]


def client_hello(data: bytes, *more: bytes, with_ja4: bool = False) -> Hello | None:
    """The last ClientHello in a datagram, or in some that follow each other; None where there is none."""
    found = dtls_hello(data, *more, with_ja4=with_ja4)
    return found and found.hello


def dtls_hello(data: bytes, *more: bytes, with_ja4: bool = False) -> DtlsHello | None:
    """`client_hello` with the lists that fingerprints are made of."""
    found = message(CLIENT_HELLO, data, *more)
    if found is None:
        return None
    body, size = found
    walked = hello.walk(body, 0, size, has_cookie=True)
    if walked is None or (len(body) > 1 and walked[0] not in VERSIONS):
        return None
    legacy, ciphers, at, _ = walked
    stated = hello.stated(body, walked, "dtls", with_ja4)
    listed = [_listed(body, at.get(kind)) for kind in (fields.GROUPS, fields.SIGNATURES, SRTP)]
    return DtlsHello(stated, legacy, _cookie(body), fields.codes(ciphers), tuple(at), *listed)


def hello_verify(data: bytes) -> bytes | None:
    """The cookie of the HelloVerifyRequest in a datagram; None where there is none, or it is cut."""
    found = message(HELLO_VERIFY, data)
    if found is None or len(found[0]) < 3 or len(found[0]) < 3 + found[0][2]:
        return None
    return found[0][3 : 3 + found[0][2]]


def server_hello(data: bytes, *more: bytes, with_ja4s: bool = False) -> tls.ServerHello | None:
    """The last ServerHello in a datagram, or in some that follow each other; None where there is none, or it is cut."""
    found = message(SERVER_HELLO, data, *more)
    if found is None or len(found[0]) < found[1]:
        return None
    return tls.server_hello_body(found[0], "d" if with_ja4s else "")


def certificates(data: bytes, *more: bytes) -> list[Certificate]:
    """Certificates that a datagram, or some that follow each other, show in clear."""
    found = message(CERTIFICATE, data, *more)
    return x509.chain(found[0]) if found else []


def _cookie(body: bytes) -> int:
    at = 35 + body[34] if len(body) > 34 else len(body)
    return body[at] if at < len(body) else 0


def _listed(body: bytes, at: int | None) -> tuple[int, ...]:
    """The list of 16-bit codes that begins the value of the extension at a place."""
    if at is None:
        return ()
    value = hello.value(body, at)
    return fields.codes(value[2 : 2 + int.from_bytes(value[:2], "big")])
