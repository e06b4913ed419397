"""Fields that TLS messages are made of."""

from __future__ import annotations

from struct import Struct

SERVER_NAME, GROUPS, SIGNATURES, ALPN, VERSIONS = 0, 10, 13, 16, 43
TLS13 = 0x0304

Pieces = list[tuple[int, bytes]]  # offset in a stream or message, bytes from there on


def codes(listed: bytes) -> tuple[int, ...]:
    """16-bit codes, GREASE included."""
    return Struct(f">{len(listed) // 2}H").unpack_from(listed)


def is_grease(code: int) -> bool:
    """RFC 8701: 0x0A0A, 0x1A1A, .. 0xFAFA."""
    return code & 0x0F0F == 0x0A0A and code >> 8 == code & 0xFF


def published(version: int) -> int:
    """Drafts of TLS 1.3 (IETF 0x7Fxx, Facebook 0xFBxx) counted as TLS 1.3."""
    return TLS13 if version >> 8 in (0x7F, 0xFB) else version


def text(raw: bytes) -> str:
    """Bytes as printable text: what is no printable ASCII is escaped."""
    plain = raw.decode("ascii", "backslashreplace")
    if plain.isprintable():
        return plain
    return "".join(letter if letter.isprintable() else f"\\x{ord(letter):02x}" for letter in plain)


def protocols(extension: bytes) -> list[bytes]:
    """The names in an ALPN extension (RFC 7301), in order, GREASE included."""
    names, pos = [], 2
    while pos < len(extension):
        end = pos + 1 + extension[pos]
        if end > len(extension):
            break
        names.append(extension[pos + 1 : end])
        pos = end
    return names


def contiguous(pieces: Pieces, longest: int) -> bytes:
    """The stream from its first byte to its first gap, or a little over `longest`; of overlaps the first."""
    if len(pieces) == 1 and pieces[0][0] == 0:
        return pieces[0][1]
    parts: list[bytes] = []
    have = 0
    for offset, piece in sorted(pieces, key=_offset):
        if offset > have or have > longest:
            break
        if offset + len(piece) > have:
            parts.append(piece[have - offset :])
            have = offset + len(piece)
    return b"".join(parts)


def _offset(piece: tuple[int, bytes]) -> int:
    return piece[0]
