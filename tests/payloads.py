"""Messages built from their specifications, independently of the parsers that read them."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import cache
from importlib import import_module
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, hmac
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import ECB
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

NAME = "host.example.net"
CIPHERS = (0x1301, 0x1302, 0x1303, 0xC02B, 0xC02F)
SALTS = {
    0x00000001: "38762cf7f55934b34d179ae6a4c80cadccbb7f0a",
    0x6B3343CF: "0dede3def700a6db819381be6e269dcbf9bd2ed9",
    0xFF00001B: "c3eef712c72ebb5a11a7d2432bb46365bef9f502",
    0xFF00001D: "afbfec289993d24c9e9786f19c6111e04390a899",
    0xFF000020: "afbfec289993d24c9e9786f19c6111e04390a899",
}


def u16(*numbers: int) -> bytes:
    return b"".join(number.to_bytes(2, "big") for number in numbers)


def sized(content: bytes, size: int = 2) -> bytes:
    """Content behind its length."""
    return len(content).to_bytes(size, "big") + content


def extension(kind: int, value: bytes) -> bytes:
    return u16(kind) + sized(value)


def server_name(name: str) -> bytes:
    return extension(0, sized(b"\0" + sized(name.encode("ascii"))))


def alpn(*names: str) -> bytes:
    return extension(16, sized(b"".join(sized(name.encode("latin-1"), 1) for name in names)))


def versions(*offered: int) -> bytes:
    return extension(43, sized(u16(*offered), 1))


def usual(name: str = NAME) -> list[bytes]:
    """Extensions of a browser, in an order of its own."""
    return [
        extension(0x1A1A, b""),
        extension(10, sized(u16(0x2A2A, 29, 23))),
        extension(13, sized(u16(0x0403, 0x0804))),
        server_name(name),
        extension(51, sized(u16(29) + sized(bytes(range(32))))),
        alpn("h2", "http/1.1"),
        versions(0x3A3A, 0x0304, 0x0303),
        extension(0xFF01, b"\0"),
    ]


def hello_body(
    extensions: Iterable[bytes] | None = None,
    ciphers: Sequence[int] = CIPHERS,
    version: int = 0x0303,
    cookie: bytes | None = None,
    session: bytes = b"s" * 32,
) -> bytes:
    body = u16(version) + bytes(range(100, 132)) + sized(session, 1)
    body += (b"" if cookie is None else sized(cookie, 1)) + sized(u16(*ciphers)) + b"\1\0"
    return body + sized(b"".join(usual() if extensions is None else extensions))


def handshake(kind: int, body: bytes) -> bytes:
    return bytes([kind]) + sized(body, 3)


def record(content: bytes, kind: int = 22, version: int = 0x0301) -> bytes:
    return bytes([kind]) + u16(version) + sized(content)


def records(message: bytes, size: int) -> bytes:
    """A message over records of some size."""
    return b"".join(record(message[at : at + size]) for at in range(0, len(message), size))


def tls_hello(extensions: Iterable[bytes] | None = None, **others: object) -> bytes:
    return record(handshake(1, hello_body(extensions, **others)))


def server_hello_body(
    extensions: Iterable[bytes], version: int = 0x0303, cipher: int = 0xC02F, session: int = 0
) -> bytes:
    body = u16(version) + bytes(range(32)) + sized(bytes(session), 1) + u16(cipher) + b"\0"
    listed = b"".join(extensions)
    return body + sized(listed) if listed else body


def dtls_record(content: bytes, kind: int = 22, version: int = 0xFEFD, epoch: int = 0, sequence: int = 0) -> bytes:
    return bytes([kind]) + u16(version, epoch) + sequence.to_bytes(6, "big") + sized(content)


def fragment(kind: int, body: bytes, begin: int = 0, end: int | None = None, message: int = 0) -> bytes:
    """A fragment of a DTLS handshake message."""
    part = body[begin:end]
    return bytes([kind]) + len(body).to_bytes(3, "big") + u16(message) + begin.to_bytes(3, "big") + sized(part, 3)


def old_hello(version: int = 0x0301, ciphers: bytes = b"\0\0\x2f\0\0\x35", challenge: bytes = bytes(16)) -> bytes:
    """An SSLv2 ClientHello."""
    body = b"\1" + u16(version, len(ciphers), 0, len(challenge)) + ciphers + challenge
    return u16(0x8000 | len(body)) + body


def varint(number: int) -> bytes:
    for size, prefix in ((1, 0), (2, 1), (4, 2), (8, 3)):
        if number < 1 << (8 * size - 2):
            return (number | prefix << (8 * size - 2)).to_bytes(size, "big")
    raise ValueError(number)


def crypto(offset: int, piece: bytes) -> bytes:
    """A CRYPTO frame."""
    return b"\6" + varint(offset) + varint(len(piece)) + piece


def hkdf(secret: bytes, label: str, size: int) -> bytes:
    info = u16(size) + sized(b"tls13 " + label.encode("ascii"), 1) + b"\0"
    return HKDFExpand(hashes.SHA256(), size, info).derive(secret)


def initial_secret(version: int, destination: bytes) -> bytes:
    extract = hmac.HMAC(bytes.fromhex(SALTS[version]), hashes.SHA256())
    extract.update(destination)
    return extract.finalize()


def initial(
    payload: bytes,
    version: int = 1,
    destination: bytes = b"\x83\x94\xc8\xf0\x3e\x51\x57\x08",
    *,
    number: int = 0,
    size: int = 1162,
    keyed_by: bytes | None = None,
    number_bytes: int = 4,
    token: bytes = b"",
) -> bytes:
    """A protected Initial packet of a client; its payload is padded to a size."""
    is_v2 = version == 0x6B3343CF
    secret = hkdf(initial_secret(version, keyed_by or destination), "client in", 32)
    word = "quicv2" if is_v2 else "quic"
    key, iv, hp = hkdf(secret, f"{word} key", 16), hkdf(secret, f"{word} iv", 12), hkdf(secret, f"{word} hp", 16)
    payload = payload.ljust(size, b"\0")
    head = bytes([0xC0 | (0x10 if is_v2 else 0) | number_bytes - 1]) + version.to_bytes(4, "big")
    head += sized(destination, 1) + sized(b"", 1) + varint(len(token)) + token
    head += (number_bytes + len(payload) + 16 | 0x4000).to_bytes(2, "big")
    plain = head + number.to_bytes(number_bytes, "big")
    nonce = (int.from_bytes(iv, "big") ^ number).to_bytes(12, "big")
    sealed = AESGCM(key).encrypt(nonce, payload, plain)
    sample = sealed[4 - number_bytes :][:16]
    mask = Cipher(AES(hp), ECB()).encryptor().update(sample)  # noqa: S305 - RFC 9001 section 5.4.3
    shown = bytes(a ^ b for a, b in zip(plain[-number_bytes:], mask[1:], strict=False))
    return bytes([plain[0] ^ mask[0] & 0x0F]) + plain[1:-number_bytes] + shown + sealed


def chlo(tags: Sequence[tuple[bytes, bytes]]) -> bytes:
    """A message of Google's QUIC Crypto."""
    index, end = b"", 0
    for tag, value in tags:
        end += len(value)
        index += tag.ljust(4, b"\0") + end.to_bytes(4, "little")
    return b"CHLO" + len(tags).to_bytes(2, "little") + b"\0\0" + index + b"".join(value for _, value in tags)


@cache
def certificate() -> bytes:
    """A certificate that signs itself, the same at every call."""
    key = Ed25519PrivateKey.from_private_bytes(bytes(32))
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAME)])
    builder = x509.CertificateBuilder(name, name, key.public_key(), 7, datetime(2024, 1, 1), datetime(2025, 1, 1))
    builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), critical=False)
    return builder.sign(key, None).public_bytes(Encoding.DER)


@cache
def captured(path: Path) -> list[bytes]:
    """Payloads of UDP and TCP of a capture, by packet number less one; b'' where there is none."""
    from scapy.layers.inet import TCP, UDP
    from scapy.utils import rdpcap

    import_module("scapy.layers.ppp")  # teaches rdpcap that link type
    packets = rdpcap(str(path))
    return [next((bytes(packet[kind].payload) for kind in (UDP, TCP) if kind in packet), b"") for packet in packets]


@contextmanager
def bounded(seconds: float = 3.0) -> Iterator[None]:
    """What runs inside costs little CPU: anything quadratic in 64 KB takes many times as much."""
    began = time.process_time()
    yield
    assert time.process_time() - began < seconds
