"""QUIC: the ClientHello in Initial packets (RFC 9000, 9001, 9369, drafts 21 to 34) and in Google's QUIC Q025 to T051.

Google's own handshake (versions Q..) is no TLS: its `Hello.version` is 0 and it states no ALPN.
"""

from __future__ import annotations

import re
from struct import Struct

from analyzer.capture.dissect import fields, hello, initial
from analyzer.capture.dissect.fields import Pieces
from analyzer.capture.dissect.initial import Header, Keys
from analyzer.capture.records import Hello

PADDING, PING, ACK, ACK_ECN, CRYPTO, CLOSE = 0, 1, 2, 3, 6, 0x1C
GOOGLE_CRYPTO = 8  # in T050
MOST_DATAGRAMS = 64
MOST_COALESCED = 8
Q050 = 0x51303530  # the last version with Google's own handshake, the only one of them under protection
EMPTY = Hello("", (), 0, "", False, "quic", False)

_u32 = Struct(">I").unpack_from
_run = re.compile(rb"\0*").match
_KNOWN = frozenset({initial.V1, initial.V2, initial.V2_DRAFT})


def version(data: bytes) -> int | None:
    """The version field of a long header (0 = version negotiation) or of a Google public header; None: no QUIC."""
    if len(data) < 7:
        return None
    found: int = _u32(data, 1)[0]
    if data[0] & 0x80:
        return found if _is_long(data, found) else None
    if data[0] & 0xC9 == 0x09 and len(data) >= 13 and _is_google(_u32(data, 9)[0]):
        return int(_u32(data, 9)[0])
    return None


def is_quic(data: bytes) -> bool:
    """Whether a datagram begins with a QUIC header that states a known version, or offers versions."""
    return version(data) is not None


def client_hello(data: bytes, with_ja4: bool = False) -> Hello | None:
    """The ClientHello in one datagram of the client; not whole where it goes on in the next.  None: none is there."""
    return QuicHello().add(data, with_ja4)


class QuicHello:
    """A ClientHello gathered from the datagrams of a client, in any order."""

    __slots__ = ("_datagrams", "_keys", "_pieces")

    def __init__(self) -> None:
        self._keys: Keys | None = None  # those of the first Initial: later ones carry the server's connection id
        self._pieces: Pieces = []
        self._datagrams = 0

    def add(self, data: bytes, with_ja4: bool = False) -> Hello | None:
        """The hello as far as it is known with this datagram; None: nothing of one has been seen."""
        found = version(data)
        if not found or self._datagrams >= MOST_DATAGRAMS:
            return self._hello(with_ja4)
        self._datagrams += 1
        if _is_google(found) and not initial.salts(found):
            return google_hello(data[:256], data) or self._hello(with_ja4)
        start = 0
        for _ in range(MOST_COALESCED):
            packet = initial.header(data, start)
            if packet is None:
                break
            if packet.type == initial.INITIAL:
                google = self._open(data, start, packet)
                if google is not None:
                    return google
            start = packet.end
            if start >= len(data):
                break
        return self._hello(with_ja4)

    def _open(self, data: bytes, start: int, packet: Header) -> Hello | None:
        """Keeps the pieces of the hello in a packet; a Google hello is given back at once."""
        own = initial.candidates(packet.version, packet.destination)
        for keys in own if self._keys is None or self._keys in own else (self._keys, *own):
            payload = initial.plain(data, start, packet, keys)
            if payload is None:
                continue
            if packet.version == Q050:
                return google_hello(payload[:64], payload)
            pieces = crypto_frames(payload)
            if pieces:
                self._keep(keys, pieces)
                return None
        return None

    def _keep(self, keys: Keys, pieces: Pieces) -> None:
        if self._keys is not None and keys != self._keys:
            self._pieces = []  # after a Retry the hello comes once more, under other keys
        self._keys = keys
        self._pieces += pieces

    def _hello(self, with_ja4: bool) -> Hello | None:
        if not self._pieces:
            return None
        stream = fields.contiguous(self._pieces, hello.LONGEST + 4)
        if len(stream) < 4:
            return EMPTY
        size = int.from_bytes(stream[1:4], "big")
        if stream[0] != 1 or size > hello.LONGEST:
            return None
        return hello.read(stream, 4, 4 + size, "quic", with_ja4)


def crypto_frames(payload: bytes) -> Pieces | None:
    """Pieces of the CRYPTO stream in the payload of an Initial packet (RFC 9000 section 19); None: no such payload."""
    pieces: Pieces = []
    pos = 0
    try:
        while pos < len(payload):
            kind = payload[pos]
            if kind == PADDING:
                pos = _end_of_padding(payload, pos)
            elif kind in (CRYPTO, GOOGLE_CRYPTO):
                offset, pos = initial.varint(payload, pos + 1)
                size, pos = initial.varint(payload, pos)
                if offset + size > hello.LONGEST + 4:  # no hello is that long: noise under the wrong keys
                    return None
                pieces.append((offset, payload[pos : pos + size]))
                pos += size
            elif kind in (ACK, ACK_ECN):
                pos = _end_of_ack(payload, pos)
            elif kind == PING:
                pos += 1
            else:
                return pieces if pieces or kind == CLOSE else None
    except IndexError:
        pass
    return pieces


def _end_of_padding(payload: bytes, pos: int) -> int:
    found = _run(payload, pos)
    return found.end() if found else pos + 1


def _end_of_ack(payload: bytes, pos: int) -> int:
    kind = payload[pos]
    _, pos = initial.varint(payload, pos + 1)
    _, pos = initial.varint(payload, pos)
    ranges, pos = initial.varint(payload, pos)
    for _ in range(1 + 2 * ranges + 3 * (kind == ACK_ECN)):  # ends at the end of the payload at the latest
        _, pos = initial.varint(payload, pos)
    return pos


def google_hello(head: bytes, data: bytes) -> Hello | None:
    """The CHLO message (Google's QUIC Crypto, 2016) that begins in head, a prefix of data; None: none is there."""
    at = head.find(b"CHLO")
    if at < 0:
        return None
    try:
        return _tags(data, at)
    except IndexError:
        return EMPTY


def _tags(data: bytes, at: int) -> Hello | None:
    count = data[at + 4] | data[at + 5] << 8
    values = at + 8 + 8 * count
    if not 0 < count <= 128:
        return None
    begin = 0
    for pos in range(at + 8, min(values, len(data) - 7), 8):
        end = int.from_bytes(data[pos + 4 : pos + 8], "little")
        if data[pos : pos + 4] == b"SNI\0" and begin <= end and values + end <= len(data):
            name = fields.text(data[values + begin : values + end]).lower().removesuffix(".")
            return EMPTY._replace(name=name, is_whole=True)
        begin = end
    return EMPTY._replace(is_whole=len(data) >= values + begin)


def _is_long(data: bytes, found: int) -> bool:
    """The fixed bit says nothing: endpoints may agree to clear it (RFC 9287)."""
    if _is_google(found):
        return True
    if found == initial.NEGOTIATION:
        return _offers_versions(data)
    known = found in _KNOWN or found >> 8 == 0xFACEB0 or 0xFF000001 <= found <= 0xFF000022
    return (known or (initial.is_grease(found) and data[0] & 0x40 != 0)) and data[5] <= initial.LONGEST_ID


def _offers_versions(data: bytes) -> bool:
    """Version negotiation (RFC 8999 section 6): connection ids, then versions to the end."""
    source = 6 + data[5]
    if source >= len(data):
        return False
    at = source + 1 + data[source]
    offered = [int(_u32(data, pos)[0]) for pos in range(at, len(data) - 3, 4)]
    return bool(offered) and (len(data) - at) % 4 == 0 and any(_is_offered(code) for code in offered)


def _is_offered(code: int) -> bool:
    return code in _KNOWN or _is_google(code) or code >> 8 in (0xFACEB0, 0xFF0000)


def _is_google(found: int) -> bool:
    """Q0nn, and T0nn with TLS."""
    return found >> 16 in (0x5130, 0x5430) and 0x30 <= found >> 8 & 0xFF <= 0x39 and 0x30 <= found & 0xFF <= 0x39
