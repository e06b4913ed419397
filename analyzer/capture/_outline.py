"""The few bytes of common requests that settle most flows, without building records of them."""

from __future__ import annotations

from struct import Struct, error

_u16 = Struct(">H").unpack_from
_extension = Struct(">HH").unpack_from
_SERVER_NAME, _ALPN, _ECH = 0, 16, 0xFE0D

Outline = tuple[bytes, bytes, bool]


def client_hello(data: bytes) -> Outline | None:
    """(server_name extension, ALPN extension, whether ECH is there) of a TLS ClientHello that one record holds.

    None for any other: cut, spread over records, or with lengths that do not agree (RFC 8446 section 4.1.2).
    """
    try:
        record = _u16(data, 3)[0]
        if 5 + record > len(data) or (data[6] << 16) + _u16(data, 7)[0] + 4 > record:
            return None
        at = 44 + data[43]
        at += 2 + _u16(data, at)[0]
        at += 1 + data[at]
        end = at + 2 + _u16(data, at)[0]
        if end > 5 + record:
            return None
        return _extensions(data, at + 2, end)
    except (IndexError, error):
        return None


def _extensions(data: bytes, at: int, end: int) -> Outline | None:
    name, alpn, ech = b"", b"", False
    while at < end:
        kind, size = _extension(data, at)
        at += 4
        if kind == _SERVER_NAME:
            name = data[at : at + size]
        elif kind == _ALPN:
            alpn = data[at : at + size]
        elif kind == _ECH:
            ech = True
        at += size
    return (name, alpn, ech) if at == end else None
