"""TLS: records, hellos, certificates (RFC 8446, 5246, 6066, 7301; SSLv2 hellos: RFC 5246 appendix E.2).

A server name may be that of an outer hello: `Hello.ech` says that an encrypted one is there, or GREASE of it, which
nobody but the server can tell apart (RFC 9849).
"""

from __future__ import annotations

from collections.abc import Iterator
from struct import Struct
from typing import NamedTuple

from analyzer.capture.dissect import certificates as x509
from analyzer.capture.dissect import fields, hello, ja4
from analyzer.capture.dissect.certificates import Certificate
from analyzer.capture.records import Hello

ALERT, HANDSHAKE = 21, 22
CLIENT_HELLO, SERVER_HELLO, CERTIFICATE = 1, 2, 11
TYPES = range(20, 25)
LONGEST_RECORD = (1 << 14) + 2048
RETRY = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")  # RFC 8446 section 4.1.3

_header = Struct(">BHH").unpack_from
_u16 = Struct(">H").unpack_from


class Record(NamedTuple):
    """Header of a record; its content may reach beyond the data."""

    type: int
    version: int
    length: int
    offset: int  # of the content


class ServerHello(NamedTuple):
    """What a ServerHello says in clear."""

    version: int  # negotiated
    cipher: int
    alpn: str  # '' = not stated, which is so in all of TLS 1.3
    ja4s: str
    is_hello_retry: bool
    extensions: tuple[int, ...]  # in order of appearance


def records(data: bytes) -> Iterator[Record]:
    """Headers of the records that data begins with, up to the first that is none."""
    pos = 0
    while pos + 5 <= len(data):
        kind, version, length = _header(data, pos)
        if kind not in TYPES or not 0x0300 <= version <= 0x0304 or length > LONGEST_RECORD:
            return
        yield Record(kind, version, length, pos + 5)
        pos += 5 + length


def handshake(data: bytes) -> bytes:
    """Content of the handshake records up to the first record of another type, alerts passed over."""
    parts = []
    for kind, _, length, offset in records(data):
        if kind == HANDSHAKE:
            parts.append(data[offset : offset + length])
        elif kind != ALERT:
            break
    return b"".join(parts)


def client_hello(data: bytes, with_ja4: bool = False) -> Hello | None:
    """The ClientHello that data begins with, whole or cut; None where there is none.

    The second hello of a connection may follow a record that says nothing (RFC 8446 appendix D.4).
    """
    if len(data) < 9 or data[0] != HANDSHAKE or data[1] != 3 or data[2] > 4 or data[5] != CLIENT_HELLO:
        return client_hello(data[6:], with_ja4) if _changes_cipher(data) else _old_client_hello(data)
    size = 4 + (data[6] << 16 | data[7] << 8 | data[8])
    length = data[3] << 8 | data[4]
    if 4 < size <= length:
        return hello.read(data, 9, 5 + size, "tls", with_ja4)
    return _over_records(data, with_ja4)


def _changes_cipher(data: bytes) -> bool:
    """Whether data begins with a change_cipher_spec record and goes on with a handshake record."""
    return data[:1] == b"\x14" and data[3:7] == b"\0\1\1\x16"


def server_name(data: bytes) -> str | None:
    """The server name of the ClientHello that data begins with: '' = none stated or cut, None = no ClientHello."""
    found = client_hello(data)
    return None if found is None else found.name


def missing(data: bytes) -> int:
    """Bytes that the ClientHello that data begins with still needs at least: 0 = it is whole, -1 = it is none."""
    if not data or data[0] != HANDSHAKE:
        return missing(data[6:]) if _changes_cipher(data) else _old_missing(data)
    if data[1:2] not in (b"", b"\3") or (len(data) > 2 and data[2] > 4) or data[5:6] not in (b"", b"\1"):
        return -1
    if len(data) < 9:
        return 9 - len(data)
    return _missing_of_records(data)


def server_hello(data: bytes, with_ja4s: bool = False) -> ServerHello | None:
    """The ServerHello that the server's stream begins with; None where there is none or it is cut."""
    message = handshake(data)
    end = 4 + int.from_bytes(message[1:4], "big")
    if len(message) < end or message[0] != SERVER_HELLO:
        return None
    return server_hello_body(message[4:end], "t" if with_ja4s else "")


def server_hello_body(body: bytes, letter: str = "") -> ServerHello | None:
    """The body of a ServerHello (RFC 8446 section 4.1.3); `letter` of the transport: a JA4S is wanted."""
    if len(body) < 38 or body[34] > 32 or len(body) < 38 + body[34]:
        return None
    at = _server_extensions(body, 38 + body[34])
    if at is None:
        return None
    version = _u16(at[fields.VERSIONS])[0] if len(at.get(fields.VERSIONS, b"")) == 2 else _u16(body)[0]
    cipher = _u16(body, 35 + body[34])[0]
    spoken = (fields.protocols(at.get(fields.ALPN, b"")) or [b""])[0]
    print_ = ja4.server(letter, version, tuple(at), spoken, cipher) if letter else ""
    return ServerHello(
        fields.published(version),
        cipher,
        fields.text(spoken),
        print_,
        body[2:34] == RETRY,
        tuple(at),
    )


def certificates(data: bytes) -> list[Certificate]:
    """The certificates that the server's stream of TLS up to 1.2 shows, those that are there in full."""
    message = handshake(data)
    pos = 0
    while pos + 4 <= len(message):
        end = pos + 4 + int.from_bytes(message[pos + 1 : pos + 4], "big")
        if message[pos] == CERTIFICATE:
            return x509.chain(message[pos + 4 : end])
        pos = end
    return []


def _server_extensions(body: bytes, pos: int) -> dict[int, bytes] | None:
    if pos == len(body):
        return {}
    if pos + 2 > len(body):
        return None
    at: dict[int, bytes] = {}
    end = pos + 2 + _u16(body, pos)[0]
    pos += 2
    while pos + 4 <= end <= len(body):
        kind, size = _u16(body, pos)[0], _u16(body, pos + 2)[0]
        at[kind] = body[pos + 4 : pos + 4 + size]
        pos += 4 + size
    return at if pos == end <= len(body) else None


def _over_records(data: bytes, with_ja4: bool) -> Hello | None:
    """A ClientHello that does not lie in one record."""
    message = handshake(data[: 2 * hello.LONGEST])
    size = int.from_bytes(message[1:4], "big")
    if len(message) < 4 or message[0] != CLIENT_HELLO or not 0 < size <= hello.LONGEST:
        return None
    return hello.read(message, 4, 4 + size, "tls", with_ja4)


def _missing_of_records(data: bytes) -> int:
    size, have, end = 4, 0, 0
    message = b""
    for kind, _, length, offset in records(data):
        if kind != HANDSHAKE:
            return -1
        message += data[offset : min(offset + length, offset + 4 - len(message))] if len(message) < 4 else b""
        have, end = have + length, offset + length
        size = 4 + int.from_bytes(message[1:4], "big") if len(message) == 4 else 4
        if size > 4 + hello.LONGEST:
            return -1
        if have >= size:
            return max(0, end - (have - size) - len(data))
    if not end or (len(data) >= end + 5):
        return -1
    return max(end + 5, end) + size - have - len(data)


def _old_client_hello(data: bytes) -> Hello | None:
    """An SSLv2 hello that offers SSLv3 or TLS."""
    version = _old_version(data)
    if version is None:
        return None
    return Hello("", (), version, "", False, "tls", _old_missing(data) == 0)


def _old_version(data: bytes) -> int | None:
    """None: not an SSLv2 hello."""
    if len(data) < 11 or not data[0] & 0x80 or data[2] != CLIENT_HELLO:
        return None
    version, ciphers, session, challenge = Struct(">HHHH").unpack_from(data, 3)
    size = (data[0] & 0x7F) << 8 | data[1]
    fits = size == 9 + ciphers + session + challenge and ciphers and ciphers % 3 == 0
    known = version == 2 or 0x0300 <= version <= 0x0303
    return version if fits and known and session in (0, 16) and 16 <= challenge <= 32 else None


def _old_missing(data: bytes) -> int:
    if _old_version(data) is None:
        return -1
    return max(0, 2 + ((data[0] & 0x7F) << 8 | data[1]) - len(data))
