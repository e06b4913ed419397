"""The few bytes of common requests that settle most flows, without building records of them.

Both functions give nothing for whatever is not plain: the parsers in `dissect` are asked then.
"""

from __future__ import annotations

from struct import Struct, error

from analyzer.capture.dissect import initial

_u16 = Struct(">H").unpack_from
_extension = Struct(">HH").unpack_from
_SERVER_NAME, _ALPN, _ECH = 0, 16, 0xFE0D
_WANTED = frozenset((_SERVER_NAME, _ALPN, _ECH))
_ECH_CODE = _ECH.to_bytes(2, "big")

Outline = tuple[bytes, bytes, bool]


def client_hello(data: bytes) -> Outline | None:
    """(server_name extension, ALPN extension, whether ECH is there) of a TLS ClientHello that one record holds.

    None for any other: cut, spread over records, or with lengths that do not agree (RFC 8446 section 4.1.2).
    """
    try:
        record = _u16(data, 3)[0]
        if 5 + record > len(data) or (data[6] << 16) + _u16(data, 7)[0] + 4 > record:
            return None
        return _body(data, 9, 5 + record)
    except (IndexError, error):
        return None


def handshake(message: bytes) -> Outline | None:
    """The same of a ClientHello message without a record around it, as QUIC carries it."""
    try:
        size = (message[1] << 16) + _u16(message, 2)[0]
        return _body(message, 4, 4 + size) if message[0] == 1 and 4 + size <= len(message) else None
    except (IndexError, error):
        return None


def _body(data: bytes, at: int, most: int) -> Outline | None:
    at += 35 + data[at + 34]  # version, random, session id
    at += 2 + _u16(data, at)[0]
    at += 1 + data[at]
    end = at + 2 + _u16(data, at)[0]
    return _extensions(data, at + 2, end) if end <= most else None


def _extensions(data: bytes, at: int, end: int) -> Outline | None:
    name, alpn, ech = b"", b"", False
    plain = data.find(_ECH_CODE, at, end) < 0  # then what follows name and ALPN does not matter
    while at < end:
        kind, size = _extension(data, at)
        if kind in _WANTED:
            value = data[at + 4 : at + 4 + size]
            if kind == _SERVER_NAME:
                name = value
            elif kind == _ALPN:
                alpn = value
            else:
                ech = True
            if plain and name and alpn:
                return (name, alpn, ech) if at + 4 + size <= end else None
        at += 4 + size
    return (name, alpn, ech) if at == end else None


def page(data: bytes) -> bytes | None:
    """The Host of a GET or HEAD request for a page that asks for nothing else (RFC 9112 section 3).

    None where the target is no path, a header is cut, or an Upgrade or a proxy's header is there.
    """
    if not data.startswith((b"GET /", b"HEAD /")):
        return None
    end = data.find(b"\r\n\r\n")
    at = data.find(b"\r\nHost: ", 0, end)
    if end < 0 or at < 0 or data.find(b"\r\nUpgrade", 0, end) > 0 or data.find(b"\r\nProxy-", 0, end) > 0:
        return None
    return data[at + 8 : data.find(b"\r\n", at + 8)]


class Initials:
    """Opens the first QUIC version 1 Initial of clients, by guessing what header protection hides.

    A client's first packet number is nearly always 0, 1 or 2, in one to four bytes: the tag of AES-GCM proves the right
    guess (RFC 9001 section 5.3), which costs a quarter of computing the mask.
    """

    def __init__(self) -> None:
        self._guesses = [(size, number) for number in (0, 1, 2) for size in (1, 2, 4)]
        self._salt = initial.salts(initial.V1)[0]

    def message(self, data: bytes) -> bytes | None:
        """The ClientHello message, where the datagram is one whole Initial that begins with all of it."""
        if len(data) < 1200 or data[0] & 0xF0 != 0xC0 or data[1:5] != b"\0\0\0\1":
            return None
        at = 6 + data[5]
        destination = data[6:at]
        at += 1 + data[at]  # source connection id
        if len(destination) > initial.LONGEST_ID or at > 48 or data[at]:
            return None  # a token: the server has answered before
        size = _u16(data, at + 1)[0] - 0x4000  # two bytes, as any length that fills a datagram
        at += 3
        if not 20 <= size <= len(data) - at:
            return None
        payload = self._opened(data, at, at + size, initial.packet_key(self._salt, destination))
        return _only_crypto(payload) if payload else None

    def _opened(self, data: bytes, start: int, end: int, keys: tuple[bytes, bytes]) -> bytes | None:
        base, head = int.from_bytes(keys[1], "big"), data[1:start]
        decrypt, invalid = initial.opener(keys[0])
        for guess in self._guesses:
            size, number = guess
            associated = bytes((0xBF + size,)) + head + number.to_bytes(size, "big")
            try:
                payload: bytes = decrypt((base ^ number).to_bytes(12, "big"), data[start + size : end], associated)
            except invalid:
                continue
            if guess is not self._guesses[0]:
                self._guesses.remove(guess)
                self._guesses.insert(0, guess)
            return payload
        return None


def _only_crypto(payload: bytes) -> bytes | None:
    """The data of a CRYPTO frame at offset 0 that opens the payload; None where more CRYPTO frames may follow it."""
    if payload[:2] != b"\x06\x00":
        return None
    size, at = initial.varint(payload, 2)
    return payload[at : at + size]
