"""QUIC long headers and the protection of Initial packets, which an observer can remove (RFC 9000, 9001, 9369).

Salts of versions that were never published as RFC: the drafts of RFC 9001, and Chromium's for Q050, T050 and T051.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, lru_cache
from hashlib import sha256
from struct import Struct, error
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from hashlib import _Hash as Hash

V1, V2, V2_DRAFT, NEGOTIATION = 1, 0x6B3343CF, 0x709A50C4, 0
INITIAL, RETRY = 0, 3  # packet types as numbered in version 1
LONGEST_ID = 20

_start = Struct(">BIB").unpack_from
_VERSIONS_2 = frozenset({V2, V2_DRAFT})
_DRAFT_23 = bytes.fromhex("c3eef712c72ebb5a11a7d2432bb46365bef9f502")
_DRAFT_29 = bytes.fromhex("afbfec289993d24c9e9786f19c6111e04390a899")
_SALT_1 = bytes.fromhex("38762cf7f55934b34d179ae6a4c80cadccbb7f0a")
_SALTS = {
    V1: _SALT_1,
    V2: bytes.fromhex("0dede3def700a6db819381be6e269dcbf9bd2ed9"),
    V2_DRAFT: bytes.fromhex("a707c203a59b47184a1d62ca570406ea7ae3e5d3"),
    0xFACEB001: bytes.fromhex("7fbcdb0e7c66bbe9193a96cd21519ebd7a02644a"),
    0x51303530: bytes.fromhex("504574efd066fe2f9d945cfcdbd3a7f0d3b56b45"),  # Q050
    0x54303530: bytes.fromhex("7ff579e5acd072915580304c43a2367c60488310"),  # T050
    0x54303531: bytes.fromhex("7a4edef4e7ccee5fa4506c19124fc8ccda6e033d"),  # T051
}


class Header(NamedTuple):
    """A long header; the packet may reach beyond the data."""

    type: int  # as version 1 numbers them
    version: int
    destination: bytes  # connection id
    number: int  # where the packet number begins
    end: int  # of the packet


class Keys(NamedTuple):
    """What protects the Initial packets of a client."""

    key: bytes
    iv: bytes
    header: bytes


def salts(version: int) -> tuple[bytes, ...]:
    """Salts to try for a version; none: not known, or not protected this way."""
    if version in _SALTS:
        return (_SALTS[version],)
    if is_grease(version):
        return (_SALT_1, _DRAFT_29)
    draft = 27 if version >> 8 == 0xFACEB0 else version & 0xFF if version >> 8 == 0xFF0000 else 0
    if draft in (21, 22):
        return (_SALTS[0xFACEB001],)
    table = ((23, 28, _DRAFT_23), (29, 32, _DRAFT_29), (33, 34, _SALT_1))
    return tuple(salt for first, last, salt in table if first <= draft <= last)


def is_grease(version: int) -> bool:
    """A version that asks for version negotiation (RFC 9000 section 15)."""
    return version & 0x0F0F0F0F == 0x0A0A0A0A


def varint(data: bytes, pos: int) -> tuple[int, int]:
    """Value and position behind it (RFC 9000 section 16); raises IndexError at the end of data."""
    first = data[pos]
    size = 1 << (first >> 6)
    if pos + size > len(data):
        raise IndexError
    return int.from_bytes(data[pos : pos + size], "big") & ((1 << (8 * size - 2)) - 1), pos + size


def header(data: bytes, pos: int = 0) -> Header | None:
    """The long header at pos; of Retry and other types without a length, the end is that of the data."""
    try:
        first, version, size = _start(data, pos)
        at = pos + 6 + size
        if not first & 0x80 or not version or size > LONGEST_ID or data[at] > LONGEST_ID:
            return None
        kind = first >> 4 & 3 if version not in _VERSIONS_2 else (first >> 4) - 1 & 3
        return _sized(data, at + 1 + data[at], kind, version, data[pos + 6 : at])
    except (IndexError, error):
        return None


def _sized(data: bytes, at: int, kind: int, version: int, destination: bytes) -> Header:
    if kind == RETRY:
        return Header(kind, version, destination, at, len(data))
    if kind == INITIAL:
        size, at = varint(data, at) if data[at] else (0, at + 1)  # of the token
        at += size
    size, at = varint(data, at)
    return Header(kind, version, destination, at, at + size)


@lru_cache(4096)
def candidates(version: int, destination: bytes) -> tuple[Keys, ...]:
    """Keys to try for the Initial packets that a client sends to a connection id; none: the version is not known."""
    return tuple(keys(salt, destination, version in _VERSIONS_2) for salt in salts(version))


def keys(salt: bytes, destination: bytes, is_v2: bool) -> Keys:
    """Keys of the client's Initial packets (RFC 9001 section 5.2, RFC 9369 section 3.3.2)."""
    secret = _hmac(_pads(_hmac(_salt_pads(salt), destination)), _CLIENT)
    pads = _pads(secret)
    key, iv, hp = _LABELS_2 if is_v2 else _LABELS_1
    return Keys(_hmac(pads, key)[:16], _hmac(pads, iv)[:12], _hmac(pads, hp)[:16])


def packet_key(salt: bytes, destination: bytes) -> tuple[bytes, bytes]:
    """(key, iv) of `keys` for version 1, without the key of header protection."""
    pads = _pads(_hmac(_pads(_hmac(_salt_pads(salt), destination)), _CLIENT))
    key, iv, _ = _LABELS_1
    return _hmac(pads, key)[:16], _hmac(pads, iv)[:12]


def opener(key: bytes) -> tuple[Callable[[bytes, bytes, bytes], bytes], type[Exception]]:
    """AES-GCM decryption of (nonce, sealed, associated), and the error it raises where the tag is wrong."""
    *_, aead, invalid = _tools()
    return aead(key).decrypt, invalid


def _pads(key: bytes) -> tuple[Hash, Hash]:
    """What HMAC-SHA256 (RFC 2104) has hashed before the text comes; kept, four digests share two of them.

    Half the time of hmac.digest, of which this makes five for a datagram.
    """
    block = key.ljust(64, b"\0")
    return sha256(block.translate(_INNER)), sha256(block.translate(_OUTER))


@cache
def _salt_pads(salt: bytes) -> tuple[Hash, Hash]:
    return _pads(salt)


def _hmac(pads: tuple[Hash, Hash], text: bytes) -> bytes:
    inner, outer = pads[0].copy(), pads[1].copy()
    inner.update(text)
    outer.update(inner.digest())
    return outer.digest()


def _label(name: bytes, size: int) -> bytes:
    """First and only block of HKDF-Expand-Label (RFC 8446 section 7.1)."""
    return size.to_bytes(2, "big") + bytes([6 + len(name)]) + b"tls13 " + name + b"\0\1"


_INNER, _OUTER = bytes(byte ^ 0x36 for byte in range(256)), bytes(byte ^ 0x5C for byte in range(256))
_CLIENT = _label(b"client in", 32)
_LABELS_1 = _label(b"quic key", 16), _label(b"quic iv", 12), _label(b"quic hp", 16)
_LABELS_2 = _label(b"quicv2 key", 16), _label(b"quicv2 iv", 12), _label(b"quicv2 hp", 16)


def plain(data: bytes, start: int, packet: Header, with_keys: Keys) -> bytes | None:
    """The payload of the Initial packet at start; None: not protected with these keys, as far as can be told.

    A packet cut by the capture is decrypted as far as it goes, and without the proof of its tag.
    """
    at = packet.number
    if packet.end - at < 20 or len(data) < at + 20:
        return None
    mask = _mask(with_keys.header, data[at + 4 : at + 20])
    first = data[start] ^ mask[0] & 0x0F
    size = (first & 3) + 1
    number = (int.from_bytes(data[at : at + size], "big") ^ int.from_bytes(mask[1 : 1 + size], "big")) & 0xFFFFFFFF
    nonce = (int.from_bytes(with_keys.iv, "big") ^ number).to_bytes(12, "big")
    if packet.end > len(data):
        return _unproven(with_keys.key, nonce, data[at + size : packet.end - 16])
    associated = bytes([first]) + data[start + 1 : at] + number.to_bytes(size, "big")
    return _proven(with_keys.key, nonce, data[at + size : packet.end], associated)


def _mask(key: bytes, sample: bytes) -> bytes:
    """RFC 9001 section 5.4.3."""
    cipher, aes, ecb, *_ = _tools()
    return bytes(cipher(aes(key), ecb()).encryptor().update(sample))


def _proven(key: bytes, nonce: bytes, sealed: bytes, associated: bytes) -> bytes | None:
    *_, aead, invalid = _tools()
    try:
        return bytes(aead(key).decrypt(nonce, sealed, associated))
    except invalid:
        return None


def _unproven(key: bytes, nonce: bytes, sealed: bytes) -> bytes:
    """AES-GCM without its tag is AES-CTR from block 2 on (NIST SP 800-38D section 7.2)."""
    cipher, aes, _, ctr, *_ = _tools()
    return bytes(cipher(aes(key), ctr(nonce + b"\0\0\0\2")).decryptor().update(sealed))


@cache
def _tools() -> tuple[Any, ...]:
    """Loaded when the first Initial is met: `import analyzer` must not pay for it."""
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers import Cipher
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM
    from cryptography.hazmat.primitives.ciphers.algorithms import AES
    from cryptography.hazmat.primitives.ciphers.modes import CTR, ECB

    return Cipher, AES, ECB, CTR, AESGCM, InvalidTag
