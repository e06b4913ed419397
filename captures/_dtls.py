"""DTLS 1.2 (RFC 6347): ClientHello with cookie exchange, full and resumed handshakes, data."""

from __future__ import annotations

import struct
from collections.abc import Iterable

from _tls import certificate_message, client_hello, handshake, server_hello, vector
from _wire import Udp, noise

VERSION = 0xFEFD


class Sender:
    """Record and message counters of one side."""

    def __init__(self, flow: Udp, up: bool, version: int = VERSION) -> None:
        self.flow, self.up, self.version = flow, up, version
        self.epoch = self.sequence = self.message = 0

    def record(self, kind: int, data: bytes, version: int = 0) -> bytes:
        """One record."""
        head = struct.pack(">BHHIHH", kind, version or self.version, self.epoch, 0, self.sequence, len(data))
        self.sequence += 1
        return head + data

    def handshake(self, message: bytes, version: int = 0) -> bytes:
        """A handshake message in one record: message sequence and fragment fields go in."""
        size = message[1:4]
        whole = message[:1] + size + struct.pack(">H", self.message) + bytes(3) + size + message[4:]
        self.message += 1
        return self.record(22, whole, version)

    def change(self) -> bytes:
        """ChangeCipherSpec and an encrypted Finished."""
        data = self.record(20, b"\1")
        self.epoch, self.sequence = 1, 0
        return data + self.record(22, noise((self.flow.tag, self.up, "finished"), 40))

    def send(self, data: bytes) -> None:
        (self.flow.up if self.up else self.flow.down)(data)


def dtls_hello(tag: object, cookie: bytes, session: bytes = b"", more: bytes = b"", version: int = VERSION) -> bytes:
    """The body of RFC 6347's ClientHello: a TLS 1.2 one with a cookie behind the session id."""
    plain = client_hello("", tag, alpn=(), tls13=False, pad_to=0, session=0, more=more)
    body = plain[4:]
    head = struct.pack(">H", version) + body[2:34] + vector(1, session) + vector(1, cookie)
    return handshake(1, head + body[35:])


def dtls_server_hello(tag: object, session: int = 0, version: int = VERSION, extensions: bytes | None = None) -> bytes:
    """A ServerHello; `extensions` instead of the usual renegotiation_info."""
    body = server_hello(tag, tls13=False, session=session)[6:]
    if extensions is not None:
        body = body[: 32 + 1 + session + 3] + vector(2, extensions)
    return handshake(2, struct.pack(">H", version) + body)


def verify_request(cookie: bytes, version: int) -> bytes:
    return handshake(3, struct.pack(">H", version) + vector(1, cookie))


def cookie_exchange(
    flow: Udp, session: bytes = b"", more: bytes = b"", version: int = VERSION
) -> tuple[Sender, Sender]:
    """ClientHello, HelloVerifyRequest, ClientHello with the cookie; their records say DTLS 1.0 before 1.2 is agreed."""
    first = 0xFEFF if version == VERSION else version
    client, server = Sender(flow, True, version), Sender(flow, False, version)
    cookie = noise((flow.tag, "cookie"), 20)
    client.send(client.handshake(dtls_hello(flow.tag, b"", session, more, version), first))
    server.send(server.handshake(verify_request(cookie, first), first))
    client.send(client.handshake(dtls_hello(flow.tag, cookie, session, more, version), first))
    return client, server


def data(client: Sender, server: Sender, sizes: Iterable[int]) -> None:
    """Application data: a positive size goes up, a negative one down."""
    for i, size in enumerate(sizes):
        side = client if size > 0 else server
        side.send(side.record(23, noise((side.flow.tag, "data", i), abs(size))))


def resumed(flow: Udp, count: int, version: int = VERSION) -> None:
    """An abbreviated handshake with a session id, then tunnel packets."""
    client, server = cookie_exchange(flow, noise((flow.tag, "session"), 32), version=version)
    server.send(server.handshake(dtls_server_hello(flow.tag, 32, version)) + server.change())
    client.send(client.change())
    data(client, server, (100 + i * 40 if i % 2 == 0 else -(140 + i * 70) for i in range(count)))


def full(flow: Udp, sizes: Iterable[int], more: bytes = b"", answer: bytes | None = None) -> None:
    """A full handshake with certificates on both sides, as WebRTC has it, then data."""
    client, server = cookie_exchange(flow, more=more)
    finish(client, server, answer)
    data(client, server, sizes)


def finish(client: Sender, server: Sender, answer: bytes | None) -> None:
    """Everything behind the ClientHello of a full handshake."""
    from _tls import certificate

    der = certificate("WebRTC", "WebRTC")
    tag = server.flow.tag
    exchange = handshake(
        12, b"\3\0\x1d" + vector(1, noise((tag, "ecdhe"), 32)) + b"\4\3" + vector(2, noise((tag, "s"), 71))
    )
    request = handshake(13, vector(1, b"\x40") + vector(2, bytes.fromhex("04030804")) + vector(2, b""))
    server.send(
        server.handshake(dtls_server_hello(tag, extensions=answer)) + server.handshake(certificate_message([der]))
    )
    server.send(server.handshake(exchange) + server.handshake(request) + server.handshake(handshake(14, b"")))
    client.send(
        client.handshake(certificate_message([der])) + client.handshake(handshake(16, vector(1, noise(tag, 32))))
    )
    client.send(client.handshake(handshake(15, b"\4\3" + vector(2, noise((tag, "v"), 70)))) + client.change())
    server.send(server.change())
