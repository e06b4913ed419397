"""Payload parsers under fire: mutated valid messages must give a record or None, soon.

    python bench/fuzz_parsers.py --inputs 100000 --seed 1

Mutations: bytes changed, lengths pushed to extremes, parts cut, doubled, swapped, spliced from other messages.  Prints
how many inputs every parser took, how many it read, its slowest input, and whatever raised; ends with 1 if any did.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

import payloads as p

from analyzer.capture.dissect import dns, dtls, http, quic, ssh, stun, tls

SLOW = 0.25  # CPU seconds for one input of at most LONGEST bytes that count as a failure
LONGEST = 20_000
EXTREMES = (b"\0", b"\xff", b"\x7f", b"\x80", b"\0\0", b"\xff\xff", b"\0\1", b"\xc0\x0c", b"\x40\x00", b"\r\n", b" ")

Parser = Callable[[bytes], object]


def parsers() -> dict[str, Parser]:
    """Every public parser by name, under its most thorough options."""
    return {
        "tls.client_hello": lambda data: tls.client_hello(data, with_ja4=True),
        "tls.missing": tls.missing,
        "tls.server_hello": lambda data: tls.server_hello(data, with_ja4s=True),
        "tls.certificates": lambda data: tls.certificates(data) or None,
        "tls.records": lambda data: list(tls.records(data)) or None,
        "quic.client_hello": lambda data: quic.client_hello(data, with_ja4=True),
        "quic.version": quic.version,
        "quic.crypto_frames": quic.crypto_frames,
        "dtls.dtls_hello": lambda data: dtls.dtls_hello(data, data[::-1], with_ja4=True),
        "dtls.server_hello": lambda data: dtls.server_hello(data, with_ja4s=True),
        "dtls.certificates": lambda data: dtls.certificates(data) or None,
        "dtls.hello_verify": dtls.hello_verify,
        "dtls.is_dtls": lambda data: dtls.is_dtls(data) or None,
        "dns.question": dns.question,
        "dns.answers": lambda data: dns.answers(data) or None,
        "http.request": http.request,
        "http.response": http.response,
        "ssh.banner": ssh.banner,
        "stun.message_type": stun.message_type,
        "stun.software": lambda data: stun.software(data) or None,
    }


def samples() -> list[bytes]:
    """Valid messages of every protocol."""
    hello = p.handshake(1, p.hello_body())
    served = p.server_hello_body([p.alpn("h2"), p.versions(0x0304)])
    chain = p.handshake(11, p.sized(p.sized(p.certificate(), 3) * 2, 3))
    dtls_body = p.hello_body(version=0xFEFD, cookie=b"cookie")
    question = p.u16(7, 0x0100, 1, 0, 0, 0) + b"\3www\7example\3com\0" + p.u16(1, 1)
    reply = p.u16(7, 0x8180, 1, 2, 0, 0) + question[12:]
    reply += (b"\xc0\x0c" + p.u16(5, 1) + bytes(4) + p.sized(b"\4edge\xc0\x10")) * 2
    head = b"Host: a.example\r\nUpgrade: websocket\r\nLocation: http://b.example/\r\n\r\n"
    return [
        p.record(hello),
        p.records(hello, 30),
        p.old_hello(),
        p.record(p.handshake(2, served) + chain),
        p.dtls_record(p.fragment(1, dtls_body)),
        p.dtls_record(p.fragment(1, dtls_body, 0, 60)) + p.dtls_record(p.fragment(1, dtls_body, 60)),
        p.dtls_record(p.fragment(2, served)) + p.dtls_record(p.fragment(3, b"\xfe\xff\4abcd")),
        p.dtls_record(p.fragment(11, chain[4:])),
        p.crypto(0, hello[:99]) + b"\1\0\0" + p.crypto(99, hello[99:]) + b"\2\5\0\1\0\0\0",
        b"\x09"
        + bytes(8)
        + b"Q043\1"
        + bytes(12)
        + b"\xa0\1\1\0"
        + p.chlo([(b"SNI", b"a.example"), (b"VER", b"Q043")]),
        question,
        p.sized(question),
        reply,
        b"GET http://u@a.example:80/ HTTP/1.1\r\n" + head,
        b"HTTP/1.1 302 Found\r\n" + head,
        b"Welcome\r\nSSH-2.0-x y\r\n",
        p.u16(0x0101, 12) + b"\x21\x12\xa4\x42" + bytes(12) + p.u16(0x8022) + p.sized(b"pion/1") + bytes(2),
    ]


def mutated(data: bytes, others: list[bytes], rng: random.Random) -> bytes:
    """A message after one to four mutations."""
    for _ in range(rng.randint(1, 4)):
        a, b = sorted((rng.randint(0, len(data)), rng.randint(0, len(data))))
        other = rng.choice(others)
        data = rng.choice(
            (
                data[:a] + bytes([rng.randrange(256)]) + data[a + 1 :],
                data[:a] + (extreme := rng.choice(EXTREMES)) + data[a + len(extreme) :],
                data[:b],
                data[:a] + data[b:],
                data[:b] + data[a:b] * rng.randint(1, 20) + data[b:],
                data[:a] + other[: rng.randint(0, len(other))] + data[b:],
                data[:a] + rng.randbytes(b - a) + data[b:],
            )
        )[:LONGEST]
    return data


def sealed(data: bytes, rng: random.Random) -> bytes:
    """Data as the payload of an Initial packet under its right keys, at times cut: what only a client can send."""
    packet = p.initial(data[:1200], rng.choice(sorted(p.SALTS)), number_bytes=rng.randint(1, 4))
    return packet if rng.random() < 0.7 else packet[: rng.randint(0, len(packet))]


@dataclass(slots=True)
class Score:
    """What a parser did."""

    tried: int = 0
    read: int = 0
    slowest: float = 0.0
    raised: list[str] = field(default_factory=list)

    def run(self, parse: Parser, data: bytes) -> None:
        self.tried += 1
        began = time.process_time()
        try:
            self.read += parse(data) is not None
        except Exception:  # noqa: BLE001 - that none comes is what this looks for
            self.raised.append(f"{data[:200].hex()}\n{traceback.format_exc()}")
        self.slowest = max(self.slowest, time.process_time() - began)


def run(inputs: int, seed: int) -> dict[str, Score]:
    """Scores by parser; every input goes to every parser."""
    rng, valid, table = random.Random(seed), samples(), parsers()  # noqa: S311 - repeatable, not secret
    scores = {name: Score() for name in table}
    for number in range(inputs):
        data = mutated(rng.choice(valid), valid, rng)
        for name, parse in table.items():
            scores[name].run(parse, data)
        if number % 8 == 0:
            scores["quic.client_hello"].run(table["quic.client_hello"], sealed(data, rng))
    return scores


def main() -> int:
    """Runs the bench."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--inputs", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    scores = run(options.inputs, options.seed)
    print(f"{'parser':20} {'tried':>9} {'read':>9} {'raised':>7} {'slowest ms':>11}")
    for name, score in scores.items():
        print(f"{name:20} {score.tried:9} {score.read:9} {len(score.raised):7} {1000 * score.slowest:11.1f}")
        for text in score.raised[:3]:
            print(text)
    failed = [name for name, score in scores.items() if score.raised or score.slowest > SLOW]
    print(f"{sum(score.tried for score in scores.values())} inputs tried; failed: {', '.join(failed) or 'none'}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
