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

    from analyzer.capture.dissect.hello import Walked

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


def client(data: bytes, walked: Walked, transport: str) -> str:
    """JA4 of a ClientHello."""
    kinds = [kind for kind in walked.at if not fields.is_grease(kind)]
    ciphers = [code for code in fields.codes(walked.ciphers) if not fields.is_grease(code)]
    first = (fields.protocols(_value(data, walked, fields.ALPN)) or [b""])[0]
    counted = f"{min(len(ciphers), 99):02}{min(len(kinds), 99):02}"
    head = LETTERS[transport] + _version(data, walked) + ("d" if fields.SERVER_NAME in kinds else "i")
    return f"{head}{counted}{ends(first)}_{_ciphers(walked.ciphers)}_{_extensions(data, walked, kinds)}"


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


def _value(data: bytes, walked: Walked, kind: int) -> bytes:
    pos = walked.at.get(kind)
    return data[pos + 4 : pos + 4 + int.from_bytes(data[pos + 2 : pos + 4], "big")] if pos else b""


def _version(data: bytes, walked: Walked) -> str:
    """The highest offered by number, which for DTLS is the lowest."""
    listed = fields.codes(_value(data, walked, fields.VERSIONS)[1:])
    offered = [code for code in listed if not fields.is_grease(code)] or [walked.legacy]
    return VERSIONS.get(min(offered) if offered[0] >> 8 == 0xFE else max(offered), "00")


@lru_cache(1024)
def _ciphers(listed: bytes) -> str:
    return _hashed(_listed(sorted(code for code in fields.codes(listed) if not fields.is_grease(code))))


def _extensions(data: bytes, walked: Walked, kinds: Iterable[int]) -> str:
    hashed = _listed(sorted(kind for kind in kinds if kind not in (fields.SERVER_NAME, fields.ALPN)))
    signatures = fields.codes(_value(data, walked, fields.SIGNATURES)[2:])
    algorithms = _listed(code for code in signatures if not fields.is_grease(code))
    return _hashed(f"{hashed}_{algorithms}" if hashed and algorithms else hashed)


def _listed(codes: Iterable[int]) -> str:
    return ",".join(f"{code:04x}" for code in codes)


def _hashed(listed: str) -> str:
    return sha256(listed.encode("ascii")).hexdigest()[:12] if listed else NOTHING
