"""JA4 and JA4S, fingerprints of TLS clients and servers.

Written from FoxIO's published description (github.com/FoxIO-LLC/ja4, technical_details/JA4.md and JA4S.md).  JA4 is
BSD-licensed there; JA4S is not (FoxIO License 1.1).
"""

from __future__ import annotations

from functools import lru_cache
from hashlib import sha256
from typing import TYPE_CHECKING

from analyzer.capture.dissect import fields

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

NOTHING = "0" * 12
VERSIONS = {
    0x0304: "13",
    0x0303: "12",
    0x0302: "11",
    0x0301: "10",
    0x0300: "s3",
    0x0002: "s2",
    0xFEFF: "d1",
    0xFEFD: "d2",
    0xFEFC: "d3",
}
LETTERS = {"tls": "t", "dtls": "d", "quic": "q"}


def client(data: bytes, legacy: int, listed: bytes, at: dict[int, int], transport: str) -> str:
    """JA4 of a ClientHello with this client_version, these ciphers and extensions at these places of data."""
    kinds = [kind for kind in at if not fields.is_grease(kind)]
    ciphers = [code for code in fields.codes(listed) if not fields.is_grease(code)]
    first = (fields.protocols(_value(data, at, fields.ALPN)) or [b""])[0]
    counted = f"{min(len(ciphers), 99):02}{min(len(kinds), 99):02}"
    version = _version(_value(data, at, fields.VERSIONS), legacy)
    head = LETTERS[transport] + version + ("d" if fields.SERVER_NAME in kinds else "i")
    return f"{head}{counted}{ends(first)}_{_ciphers(listed)}_{_extensions(_value(data, at, fields.SIGNATURES), kinds)}"


def server(letter: str, version: int, kinds: Sequence[int], protocol: bytes, cipher: int) -> str:
    """JA4S of a ServerHello."""
    head = f"{letter}{VERSIONS.get(version, '00')}{min(len(kinds), 99):02}{ends(protocol)}"
    return f"{head}_{cipher:04x}_{_hashed(_listed(kinds))}"


def ends(protocol: bytes) -> str:
    """First and last character of a protocol name, of its hexadecimal form where one of the two is not alphanumeric."""
    if not protocol:
        return "00"
    first, last = protocol[:1], protocol[-1:]
    if first.isalnum() and last.isalnum():
        return (first + last).decode("ascii")
    return first.hex()[0] + last.hex()[1]


def _value(data: bytes, at: dict[int, int], kind: int) -> bytes:
    pos = at.get(kind)
    return data[pos + 4 : pos + 4 + int.from_bytes(data[pos + 2 : pos + 4], "big")] if pos else b""


def _version(extension: bytes, legacy: int) -> str:
    """The highest offered by number, which for DTLS is the lowest."""
    offered = [code for code in fields.codes(extension[1:]) if not fields.is_grease(code)] or [legacy]
    return VERSIONS.get(min(offered) if offered[0] >> 8 == 0xFE else max(offered), "00")


@lru_cache(1024)
def _ciphers(listed: bytes) -> str:
    return _hashed(_listed(sorted(code for code in fields.codes(listed) if not fields.is_grease(code))))


def _extensions(signatures: bytes, kinds: Iterable[int]) -> str:
    hashed = _listed(sorted(kind for kind in kinds if kind not in (fields.SERVER_NAME, fields.ALPN)))
    algorithms = _listed(code for code in fields.codes(signatures[2:]) if not fields.is_grease(code))
    return _hashed(f"{hashed}_{algorithms}" if hashed and algorithms else hashed)


def _listed(codes: Iterable[int]) -> str:
    return ",".join(f"{code:04x}" for code in codes)


def _hashed(listed: str) -> str:
    return sha256(listed.encode("ascii")).hexdigest()[:12] if listed else NOTHING
