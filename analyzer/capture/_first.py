"""What the first payload of a flow looks like, told from its first bytes for a whole batch at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from analyzer.capture.records import TRAFFIC

if TYPE_CHECKING:
    import numpy.typing as npt

    from analyzer.capture.records import Bytes, Ints, Packets, Words

NONE, CUT, OTHER, ENCRYPTED, TLS, QUIC, DTLS, HTTP, DNS, SSH, STUN, IP = range(len(TRAFFIC))

_TCP, _UDP = 6, 17
_METHODS = np.array(
    [int.from_bytes(m, "little") for m in (b"GET ", b"POST", b"PUT ", b"HEAD", b"OPTI", b"CONN", b"DELE", b"PATC")],
    np.uint64,
)
_SSH = int.from_bytes(b"SSH-", "little")
_STUN_COOKIE = 0x42A41221  # RFC 8489 section 5, as bytes 4 to 7 lie
_QUIC_V1, _QUIC_V2, _QUIC_DRAFT = 0x01000000, 0xCF43336B, 0x0000FF  # RFC 9000, RFC 9369, drafts, as bytes 1 to 4 lie
_KEPT = np.array([(1 << 8 * n) - 1 for n in range(9)], np.uint64)


def unaligned(data: Bytes, kind: str) -> npt.NDArray[np.generic]:
    """A view that gives the value of this type at every byte offset."""
    size = np.dtype(kind).itemsize
    return np.lib.stride_tricks.as_strided(data[:size].view(kind), (len(data) - size + 1,), (1,))


def words(p: Packets, packet: Ints) -> Words:
    """The first eight payload bytes of each packet, little-endian; bytes that were not captured are zero."""
    word: Words = unaligned(p.data, "<u8")[p.payload[packet]]  # type: ignore[assignment]
    return word & _KEPT[np.minimum(p.kept[packet], 8)]


def _byte(word: Words, at: int) -> Words:
    return (word >> np.uint64(8 * at)) & np.uint64(0xFF)


def traffic_of(p: Packets, packet: Ints) -> npt.NDArray[np.uint8]:
    """Index into TRAFFIC for each of these packets, the first with payload of their flows."""
    word, proto = words(p, packet), p.proto[packet]
    tcp, udp = proto == _TCP, proto == _UDP
    kinds = np.full(len(packet), OTHER, np.uint8)
    kinds[~(tcp | udp)] = IP
    if tcp.any():
        _tcp(kinds, tcp, word)
    if udp.any():
        _udp(kinds, udp, word, p, packet)
    kinds[p.kept[packet] == 0] = CUT
    return kinds


def _tcp(kinds: npt.NDArray[np.uint8], tcp: npt.NDArray[np.bool_], word: Words) -> None:
    four = word & np.uint64(0xFFFFFFFF)
    record = _byte(word, 0)
    is_record = (record >= 20) & (record <= 24) & (_byte(word, 1) == 3) & (_byte(word, 2) <= 4)
    kinds[tcp & is_record] = TLS
    kinds[tcp & np.isin(four, _METHODS)] = HTTP
    kinds[tcp & (four == _SSH)] = SSH


def _udp(kinds: npt.NDArray[np.uint8], udp: npt.NDArray[np.bool_], word: Words, p: Packets, packet: Ints) -> None:
    at_53 = (p.sport[packet] == 53) | (p.dport[packet] == 53)
    one_question = ((word >> np.uint64(32)) & np.uint64(0xFFFF)) == 0x0100
    kinds[udp & at_53 & one_question & (_byte(word, 2) & np.uint64(0x78) == 0) & (p.kept[packet] >= 12)] = DNS
    version = (word >> np.uint64(8)) & np.uint64(0xFFFFFFFF)
    known = (version == _QUIC_V1) | (version == _QUIC_V2) | (version & np.uint64(0xFFFFFF) == _QUIC_DRAFT)
    google = np.isin(version & np.uint64(0xFFFF), [int.from_bytes(b, "little") for b in (b"Q0", b"T0")])
    kinds[udp & (known | google) & (_byte(word, 0) >= 0x80) & (p.size[packet] > 20)] = QUIC
    content = _byte(word, 0)
    dtls = ((word >> np.uint64(8)) & np.uint64(0xFF)) == 0xFE
    kinds[udp & dtls & (content >= 20) & (content <= 26)] = DTLS
    kinds[udp & (word >> np.uint64(32) == _STUN_COOKIE) & (content < 4)] = STUN


def is_client_hello(p: Packets, packet: Ints) -> npt.NDArray[np.bool_]:
    """Whether a TLS record begins a ClientHello."""
    word = words(p, packet)
    found: npt.NDArray[np.bool_] = (_byte(word, 0) == 22) & (_byte(word, 5) == 1)
    return found


def is_server_hello_13(p: Packets, packet: Ints) -> npt.NDArray[np.bool_]:
    """Whether a packet begins with a ServerHello of TLS 1.3, which hides the certificate (RFC 8446 section 4.1.3).

    Its first extension is supported_versions, key_share or pre_shared_key; no ServerHello before 1.3 has any of them.
    """
    word, start, kept = words(p, packet), p.payload[packet], p.kept[packet]
    hello = (_byte(word, 0) == 22) & (_byte(word, 5) == 2) & (kept >= 44)
    session = p.data[np.where(hello, start + 43, 0)].astype(np.int64)
    at = 44 + session + 5
    whole = hello & (session <= 32) & (kept >= at + 2)
    first = unaligned(p.data, ">u2")[np.where(whole, start + at, 0)]
    found: npt.NDArray[np.bool_] = whole & ((first == 43) | (first == 51) | (first == 41))
    return found


def status_digit(p: Packets, packet: Ints) -> npt.NDArray[np.uint8]:
    """First digit of the status of an HTTP response (RFC 9112 section 4), 0 where there is none."""
    word = words(p, packet)
    http = ((word & np.uint64(0xFFFFFFFF)) == int.from_bytes(b"HTTP", "little")) & (p.kept[packet] >= 12)
    digit = p.data[np.where(http, p.payload[packet] + 9, 0)]
    return np.where(http & (digit >= 0x31) & (digit <= 0x35), digit - np.uint8(0x30), 0).astype(np.uint8)


def dns_code(p: Packets, packet: Ints) -> npt.NDArray[np.int64]:
    """Response code of a DNS response (RFC 1035 section 4.1.1), -1 where the packet is none."""
    word = words(p, packet)
    response = (_byte(word, 2) >= 0x80) & (p.kept[packet] >= 12)
    return np.where(response, (_byte(word, 3) & np.uint64(0xF)).astype(np.int64), -1)
