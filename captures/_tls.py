"""TLS 1.2 and 1.3 as they look on the wire (RFC 8446, RFC 5246, RFC 6066, RFC 7301, RFC 7685).

Handshake messages are complete and well formed; what would be encrypted is noise of the right length.
Certificates are real X.509 signed with Ed25519 keys derived from their name, so that they are the same in every run.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from _wire import MS, Tcp, noise, number

BROWSER_CIPHERS = "1301 1302 1303 c02b c02f c02c c030 cca9 cca8 c013 c014 009c 009d 002f 0035"
BROWSER_SIGNATURES = "0403 0804 0401 0503 0805 0501 0806 0601"
WEB = ("h2", "http/1.1")


def vector(size: int, data: bytes) -> bytes:
    """Data behind its length in `size` bytes."""
    return len(data).to_bytes(size, "big") + data


def extension(kind: int, data: bytes) -> bytes:
    return struct.pack(">H", kind) + vector(2, data)


def server_name(name: str) -> bytes:
    """The server_name extension (RFC 6066, 3)."""
    return extension(0, vector(2, b"\0" + vector(2, name.encode()))) if name else b""


def alpn_extension(protocols: Iterable[str]) -> bytes:
    """The ALPN extension (RFC 7301), or nothing."""
    names = b"".join(vector(1, p.encode()) for p in protocols)
    return extension(16, vector(2, names)) if names else b""


def common_extensions(tag: object) -> bytes:
    """What browsers send beside name and ALPN, in TLS 1.2 and 1.3."""
    return b"".join(
        [
            extension(23, b""),
            extension(0xFF01, b"\0"),
            extension(10, vector(2, bytes.fromhex("001d00170018"))),
            extension(11, b"\1\0"),
            extension(35, b""),
            extension(5, bytes.fromhex("0100000000")),
            extension(13, vector(2, bytes.fromhex(BROWSER_SIGNATURES))),
        ]
    )


def tls13_extensions(tag: object) -> bytes:
    """Key share, PSK modes and the versions 1.3 and 1.2."""
    share = bytes.fromhex("001d") + vector(2, noise((tag, "share"), 32))
    return extension(51, vector(2, share)) + extension(45, b"\1\1") + extension(43, b"\4\3\4\3\3")


def handshake(kind: int, body: bytes) -> bytes:
    return bytes([kind]) + vector(3, body)


def client_hello(
    name: str,
    tag: object,
    *,
    alpn: Iterable[str] = WEB,
    tls13: bool = True,
    ciphers: str = BROWSER_CIPHERS,
    more: bytes = b"",
    pad_to: int = 512,
    session: int = 32,
) -> bytes:
    """A ClientHello message, padded (RFC 7685) to `pad_to` bytes where shorter."""
    suites = bytes.fromhex(ciphers if tls13 else ciphers.replace("1301 1302 1303 ", ""))
    extensions = server_name(name) + common_extensions(tag) + alpn_extension(alpn)
    extensions += (tls13_extensions(tag) if tls13 else b"") + more
    head = (
        b"\3\3" + noise((tag, "random"), 32) + vector(1, noise((tag, "session"), session)) + vector(2, suites) + b"\1\0"
    )
    size = 4 + len(head) + 2 + len(extensions)
    if size + 4 < pad_to:
        extensions += extension(21, bytes(pad_to - size - 4))
    return handshake(1, head + vector(2, extensions))


def server_hello(tag: object, *, tls13: bool = True, suite: str = "", alpn: str = "", session: int = 32) -> bytes:
    """A ServerHello message."""
    extensions = b""
    if tls13:
        share = bytes.fromhex("001d") + vector(2, noise((tag, "server share"), 32))
        extensions = extension(43, b"\3\4") + extension(51, share)
    else:
        extensions = extension(0xFF01, b"\0") + (alpn_extension([alpn]) if alpn else b"")
    chosen = bytes.fromhex(suite or ("1301" if tls13 else "c02f"))
    body = b"\3\3" + noise((tag, "server random"), 32) + vector(1, noise((tag, "session"), session)) + chosen + b"\0"
    return handshake(2, body + vector(2, extensions))


def record(kind: int, data: bytes, version: int = 0x0303) -> bytes:
    """TLS records of at most 2^14 bytes."""
    pieces = [data[i : i + 16_384] for i in range(0, len(data), 16_384)]
    return b"".join(struct.pack(">BHH", kind, version, len(p)) + p for p in pieces)


def hello_record(message: bytes) -> bytes:
    """The record of a first ClientHello: version 3.1, as clients write it."""
    return record(22, message, 0x0301)


def app(tag: object, size: int) -> bytes:
    """One application data record of `size` encrypted bytes."""
    return record(23, noise((tag, "app", size), size))


def certificate(subject: str, issuer: str, *, organisation: str = "", names: Iterable[str] = ()) -> bytes:
    """A DER certificate valid 2023-2024, signed with a key derived from the issuer's name."""
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding

    def name(common: str) -> x509.Name:
        parts = [x509.NameAttribute(x509.NameOID.COMMON_NAME, common)]
        if organisation:
            parts.insert(0, x509.NameAttribute(x509.NameOID.ORGANIZATION_NAME, organisation))
        return x509.Name(parts)

    key = Ed25519PrivateKey.from_private_bytes(noise(("key", subject), 32))
    signer = Ed25519PrivateKey.from_private_bytes(noise(("key", issuer), 32))
    made = x509.CertificateBuilder().subject_name(name(subject)).issuer_name(name(issuer)).public_key(key.public_key())
    made = made.serial_number(number((subject, issuer), 1, 2**63)).not_valid_before(datetime(2023, 11, 1))
    made = made.not_valid_after(datetime(2024, 11, 1))
    if names:
        made = made.add_extension(x509.SubjectAlternativeName([x509.DNSName(n) for n in names]), critical=False)
    return made.sign(signer, None).public_bytes(Encoding.DER)


def certificate_message(ders: Iterable[bytes]) -> bytes:
    """The TLS 1.2 Certificate message."""
    return handshake(11, vector(3, b"".join(vector(3, der) for der in ders)))


def server_flight_12(tag: object, ders: Iterable[bytes], *, alpn: str = "", suite: str = "") -> bytes:
    """ServerHello, Certificate, ServerKeyExchange (ECDHE x25519) and ServerHelloDone, in one record."""
    exchange = b"\3" + bytes.fromhex("001d") + vector(1, noise((tag, "ecdhe"), 32))
    exchange += bytes.fromhex("0804") + vector(2, noise((tag, "signature"), 256))
    messages = server_hello(tag, tls13=False, alpn=alpn, suite=suite) + certificate_message(ders)
    return record(22, messages + handshake(12, exchange) + handshake(14, b""))


CCS = record(20, b"\1")


def finish_12(tcp: Tcp, tag: object) -> None:
    """ClientKeyExchange, ChangeCipherSpec and Finished both ways."""
    exchange = record(22, handshake(16, vector(1, noise((tag, "client key"), 32))))
    tcp.up(exchange + CCS + record(22, noise((tag, "finished"), 40)))
    tcp.down(CCS + record(22, noise((tag, "server finished"), 40)))


def open_13(tcp: Tcp, hello: bytes, *, flight: int = 1000) -> None:
    """Handshake of TLS 1.3 on an open connection: ServerHello, then `flight` encrypted bytes, then Finished."""
    tcp.up(hello_record(hello))
    tag = tcp.tag
    answer = record(22, server_hello(tag)) + CCS + record(23, noise((tag, "certificate"), flight))
    tcp.down(answer + record(23, noise((tag, "verify"), 69)))
    tcp.up(CCS + record(23, noise((tag, "client finished"), 69)))


def open_12(tcp: Tcp, hello: bytes, ders: Iterable[bytes], *, alpn: str = "", suite: str = "") -> None:
    """Handshake of TLS 1.2 on an open connection, certificate in clear."""
    tcp.up(hello_record(hello))
    tcp.down(server_flight_12(tcp.tag, ders, alpn=alpn, suite=suite))
    finish_12(tcp, tcp.tag)


def talk(tcp: Tcp, sizes: Iterable[int]) -> None:
    """Application data: a positive size goes up, a negative one down."""
    for i, size in enumerate(sizes):
        tcp.wait(3 * MS)
        tcp.message(size > 0, app((tcp.tag, i), abs(size)))


BROWSING = (310, -700, 190, -900)


def session(tcp: Tcp, name: str, sizes: Iterable[int] = BROWSING, **options: Any) -> Tcp:
    """A whole TLS 1.3 connection: handshake, application data, close."""
    tcp.open()
    open_13(tcp, client_hello(name, tcp.tag, **options))
    talk(tcp, sizes)
    tcp.close()
    return tcp


def session_12(tcp: Tcp, name: str, ders: Iterable[bytes], sizes: Iterable[int] = BROWSING, **options: Any) -> Tcp:
    """A whole TLS 1.2 connection with its certificates in clear."""
    tcp.open()
    open_12(tcp, client_hello(name, tcp.tag, tls13=False, **options), ders)
    talk(tcp, sizes)
    tcp.close()
    return tcp
