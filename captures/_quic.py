"""QUIC version 1 and 2 (RFC 9000, RFC 9001, RFC 9369): Initial packets are truly protected.

Initial keys follow from the client's first destination connection id; everything behind the handshake is noise.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from typing import Any, NamedTuple

from _tls import client_hello, extension, server_hello, vector
from _wire import Udp, noise

SALT = {
    1: bytes.fromhex("38762cf7f55934b34d179ae6a4c80cadccbb7f0a"),
    0x6B3343CF: bytes.fromhex("0dede3def700a6db819381be6e269dcbf9bd2ed9"),
}
PREFIX = {1: b"quic ", 0x6B3343CF: b"quicv2 "}
TYPES = {1: (0, 2), 0x6B3343CF: (1, 3)}  # long packet type of Initial and of Handshake
QUIC_CIPHERS = "1301 1302 1303"


def varint(value: int) -> bytes:
    """A variable-length integer (RFC 9000, 16)."""
    for size, prefix in ((1, 0), (2, 0x40), (4, 0x80), (8, 0xC0)):
        if value < 1 << (8 * size - 2):
            raw = bytearray(value.to_bytes(size, "big"))
            raw[0] |= prefix
            return bytes(raw)
    raise ValueError(value)


def expand(secret: bytes, name: bytes, size: int) -> bytes:
    """HKDF-Expand-Label with an empty context (RFC 8446, 7.1)."""
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

    info = struct.pack(">H", size) + vector(1, b"tls13 " + name) + b"\0"
    return HKDFExpand(SHA256(), size, info).derive(secret)


class Keys(NamedTuple):
    """Packet protection of one direction."""

    key: bytes
    iv: bytes
    mask: bytes


def initial_keys(dcid: bytes, side: bytes, version: int = 1) -> Keys:
    """Keys of Initial packets (RFC 9001, 5.2)."""
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.hmac import HMAC

    extract = HMAC(SALT[version], SHA256())
    extract.update(dcid)
    secret = expand(extract.finalize(), side, 32)
    sizes = ((b"key", 16), (b"iv", 12), (b"hp", 16))
    return Keys(*(expand(secret, PREFIX[version] + name, size) for name, size in sizes))


def protect(head: bytes, number: int, payload: bytes, keys: Keys) -> bytes:
    """AEAD and header protection (RFC 9001, 5.3 and 5.4); `head` ends before the 2-byte packet number."""
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    field = struct.pack(">H", number)
    nonce = bytes(a ^ b for a, b in zip(keys.iv, number.to_bytes(12, "big"), strict=True))
    sealed = AESGCM(keys.key).encrypt(nonce, payload, head + field)
    mask = Cipher(algorithms.AES(keys.mask), modes.ECB()).encryptor().update(sealed[2:18])
    first = head[0] ^ (mask[0] & 0x0F)
    return bytes([first]) + head[1:] + bytes(a ^ b for a, b in zip(field, mask[1:3], strict=True)) + sealed


def long_head(kind: int, version: int, dcid: bytes, scid: bytes, token: bytes | None) -> bytes:
    """A long header up to the length field, packet number of two bytes."""
    head = bytes([0xC1 | kind << 4]) + struct.pack(">I", version) + vector(1, dcid) + vector(1, scid)
    return head if token is None else head + varint(len(token)) + token


def initial(
    dcid: bytes, scid: bytes, frames: bytes, number: int, keys: Keys, *, version: int = 1, size: int = 0
) -> bytes:
    """An Initial packet, padded so that it fills `size` bytes."""
    head = long_head(TYPES[version][0], version, dcid, scid, b"")
    short = size - len(head) - 2 - 2 - 16
    frames += bytes(max(0, short - len(frames)))
    length = struct.pack(">H", 0x4000 | 2 + len(frames) + 16)
    return protect(head + length, number, frames, keys)


def crypto(data: bytes, offset: int = 0) -> bytes:
    """A CRYPTO frame."""
    return b"\6" + varint(offset) + varint(len(data)) + data


def transport_parameters(scid: bytes) -> bytes:
    """The extension of RFC 9000, 18, with usual values."""
    values = ((1, varint(30_000)), (3, varint(1472)), (4, varint(2**20)), (8, varint(100)), (15, scid))
    return extension(57, b"".join(varint(kind) + varint(len(v)) + v for kind, v in values))


def quic_hello(name: str, tag: object, *, alpn: Iterable[str] = ("h3",), scid: bytes = b"", more: bytes = b"") -> bytes:
    """The ClientHello of a QUIC connection."""
    extra = transport_parameters(scid) + more
    return client_hello(name, tag, alpn=alpn, ciphers=QUIC_CIPHERS, more=extra, pad_to=0, session=0)


def handshake_packet(tag: object, dcid: bytes, scid: bytes, size: int, version: int) -> bytes:
    """A Handshake packet of `size` encrypted bytes."""
    head = long_head(TYPES[version][1], version, dcid, scid, None)
    return head + struct.pack(">H", 0x4000 | size) + noise((tag, "handshake", size), size)


def short_packet(tag: object, dcid: bytes, size: int) -> bytes:
    """A 1-RTT packet; spin and protected bits are noise."""
    first = 0x40 | noise((tag, size), 1)[0] & 0x3F
    return bytes([first]) + dcid + noise((tag, "1rtt", size), size)


class Quic(NamedTuple):
    """One connection's ids and version over a UDP flow."""

    flow: Udp
    dcid: bytes
    scid: bytes
    server_id: bytes
    version: int = 1


def connection(flow: Udp, version: int = 1) -> Quic:
    """Connection ids derived from the flow."""
    return Quic(flow, noise((flow.tag, "dcid"), 8), noise((flow.tag, "scid"), 8), noise((flow.tag, "sid"), 8), version)


def send_hello(quic: Quic, hello: bytes, *, datagrams: int = 1) -> None:
    """The ClientHello in one or more Initial datagrams of 1,200 bytes each."""
    keys = initial_keys(quic.dcid, b"client in", quic.version)
    step = -(-len(hello) // datagrams)
    for i in range(datagrams):
        frames = crypto(hello[i * step : (i + 1) * step], i * step)
        quic.flow.up(initial(quic.dcid, quic.scid, frames, i, keys, version=quic.version, size=1200))


def answer_hello(quic: Quic) -> None:
    """ServerHello in a protected Initial, then Handshake packets both ways."""
    flow = quic.flow
    keys = initial_keys(quic.dcid, b"server in", quic.version)
    frames = b"\2\0\0\0\0" + crypto(server_hello(flow.tag, session=0))
    opening = initial(quic.scid, quic.server_id, frames, 0, keys, version=quic.version)
    flow.down(opening + handshake_packet(flow.tag, quic.scid, quic.server_id, 1200 - len(opening) - 25, quic.version))
    flow.down(handshake_packet((flow.tag, 2), quic.scid, quic.server_id, 900, quic.version))
    flow.up(handshake_packet((flow.tag, 3), quic.server_id, quic.scid, 90, quic.version))


def exchange(quic: Quic, sizes: Iterable[int]) -> None:
    """1-RTT packets: a positive size goes up, a negative one down."""
    for i, size in enumerate(sizes):
        up = size > 0
        data = short_packet((quic.flow.tag, i), quic.server_id if up else quic.scid, abs(size))
        (quic.flow.up if up else quic.flow.down)(data)


def session(flow: Udp, name: str, sizes: Iterable[int] = (300, -1200, 40, -800), **options: Any) -> Quic:
    """A whole QUIC connection: `version`, `datagrams`, and what `quic_hello` takes."""
    quic = connection(flow, options.pop("version", 1))
    datagrams = options.pop("datagrams", 1)
    send_hello(quic, quic_hello(name, flow.tag, scid=quic.scid, **options), datagrams=datagrams)
    answer_hello(quic)
    exchange(quic, sizes)
    return quic
