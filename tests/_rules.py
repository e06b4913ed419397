"""Flows for rules, built from the protocols' specifications."""

from __future__ import annotations

from random import Random
from struct import pack

from analyzer.capture.records import Flow, Hello, Mark, Sample

SECOND = 1_000_000_000
START = 1_700_000_000 * SECOND
CLIENT, SERVER = bytes([192, 0, 2, 1]), bytes([198, 51, 100, 7])
TCP, UDP = 6, 17


def noise(n: int, seed: int = 0) -> bytes:
    """Bytes as ciphertext has them, the same every time."""
    return Random(seed).randbytes(n)  # noqa: S311 - the same bytes every time are wanted


def flow(
    *messages: tuple[bool, bytes],
    proto: int = UDP,
    sport: int = 40_000,
    dport: int = 443,
    src: bytes = CLIENT,
    dst: bytes = SERVER,
    hello: Hello | None = None,
    marks: Mark = Mark.NONE,
    looked_up: str = "",
    first: int = START,
) -> Flow:
    """A flow of (from the client, payload) messages, a millisecond apart; TCP numbers run without gaps."""
    sent = {True: 1_000, False: 500_000}
    samples = []
    for i, (up, data) in enumerate(messages):
        seq = sent[up] if proto == TCP else 0
        sent[up] += len(data)
        kept = data[:2048] if i < 8 else data[:32]
        samples.append(Sample(up, first + i * 1_000_000, len(data), kept, seq))
    ups, downs = (sum(s.up is up for s in samples) for up in (True, False))
    return Flow(
        proto, src, sport, dst, dport, ups, downs, 100 * ups, 100 * downs, first, first + SECOND,
        marks=marks | (Mark.NONE if ups and downs else Mark.ONE_WAY), samples=tuple(samples), hello=hello,
        looked_up=looked_up,
    )  # fmt: skip


def turned(one: Flow) -> Flow:
    """The same flow with client and server exchanged, as a capture that begins late may have it."""
    samples = tuple(s._replace(up=not s.up) for s in one.samples)
    return Flow(
        one.proto, one.dst, one.dport, one.src, one.sport, one.packets_down, one.packets_up, one.bytes_down,
        one.bytes_up, one.first, one.last, marks=one.marks, samples=samples, hello=one.hello,
    )  # fmt: skip


def lengths(*messages: tuple[bool, bytes]) -> list[tuple[bool, bytes]]:
    """Each message behind its length in two bytes."""
    return [(up, pack(">H", len(data)) + data) for up, data in messages]


def hello(name: str = "", alpn: tuple[str, ...] = (), version: int = 0x0304, transport: str = "tls") -> Hello:
    """A ClientHello as the parsers give it."""
    return Hello(name, alpn, version, "", False, transport)  # type: ignore[arg-type]


A, B = noise(8, 1), noise(8, 2)


def openvpn(wrapping: str = "plain", client_reset: int = 7) -> list[tuple[bool, bytes]]:
    """The start of an OpenVPN session: resets, acknowledgements, TLS in control messages."""
    made = []
    for n, (up, opcode, acks, body) in enumerate(
        [
            (True, client_reset, (), b""),
            (False, 8, (0,), b""),
            (True, 5, (0,), b""),
            (True, 4, (), noise(220, 5)),
            (False, 4, (0, 1), noise(900, 6)),
            (False, 4, (), noise(1000, 7)),
            (True, 5, (1, 2), b""),
        ]
    ):
        own, peer = (A, B) if up else (B, A)
        listed = bytes([len(acks)]) + b"".join(pack(">I", a) for a in acks) + (peer if acks else b"")
        message = listed + (b"" if opcode == 5 else pack(">I", n)) + body
        replay = pack(">II", n + 1, 1_700_000_000)
        if wrapping == "tls-auth":
            message = noise(20, 30 + n) + replay + message
        elif wrapping == "tls-crypt":
            message = replay + noise(32, 30 + n) + noise(len(message), 60 + n)
        made.append((up, bytes([opcode << 3]) + own + message))
    return made


def openvpn_data(peer: int = 5, start: int = 900, count: int = 16) -> list[tuple[bool, bytes]]:
    """Data channel (P_DATA_V2, AEAD) from the middle of a session."""
    made = []
    for n in range(count):
        up = n % 2 == 0
        body = noise(80 + 16 * (n % 5), 100 + n)
        made.append((up, bytes([0x48]) + peer.to_bytes(3, "big") + pack(">I", start + n // 2) + body))
    return made


def wireguard(types: tuple[int, int, int] = (1, 2, 4), reserved: bytes = b"\0\0\0") -> list[tuple[bool, bytes]]:
    """Handshake and two data packets each way."""
    mine, theirs = noise(4, 11), noise(4, 12)
    initiation = bytes([types[0]]) + b"\0\0\0" + mine + noise(108, 13) + noise(16, 14) + bytes(16)
    response = bytes([types[1]]) + reserved + theirs + mine + noise(80, 15)
    made = [(True, initiation), (False, response)]
    return made + wireguard_data(mine, theirs, 0, 4, kind=types[2], reserved=reserved)


def wireguard_data(
    mine: bytes, theirs: bytes, start: int, count: int, *, kind: int = 4, reserved: bytes = b"\0\0\0"
) -> list[tuple[bool, bytes]]:
    """Data packets both ways by turns; each direction counts for itself."""
    made = []
    for n in range(count):
        up = n % 2 == 0
        head = bytes([kind]) + reserved + (theirs if up else mine) + pack("<Q", start + n // 2)
        made.append((up, head + noise(16 + 16 * (1 + n % 3), 40 + n)))
    return made


def ike(version: int = 2, exchange: int = 34, size: int = 300, answer: bool = False) -> bytes:
    """An IKE message with a consistent header."""
    flags = (0x20 if answer else 0x08) if version == 2 else 0
    following = 33 if version == 2 else 1
    head = noise(8, 21) + (noise(8, 22) if answer else bytes(8))
    head += bytes([following, version << 4, exchange, flags]) + bytes(4) + pack(">I", size)
    return head + noise(size - 28, 23)


def dns_query(name: str, qtype: int = 1, ident: int = 0x1234, answer: bytes = b"") -> bytes:
    """A DNS question, or its answer with one record of the same type."""
    flags, answers = (0x8180, 1) if answer else (0x0100, 0)
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    out = pack(">HHHHHH", ident, flags, 1, answers, 0, 0) + labels + b"\0" + pack(">HH", qtype, 1)
    return out + (b"\xc0\x0c" + pack(">HHIH", qtype, 1, 0, len(answer)) + answer if answer else b"")
