"""The capture pipeline under fire: damaged captures must give flows or BadInput, soon, and account for every packet.

    python bench/fuzz_captures.py --inputs 1000000 --seed 1

Inputs are a few packets of our own captures after changes to records, bytes and files (tests/mutations.py).  Of a
hundred, 75 go to the container readers, 22 to the decoder as well, 3 to the whole engine.  Prints inputs tried,
refusals, the slowest input and whatever was raised or did not add up; ends with 1 if anything did.
"""

from __future__ import annotations

import argparse
import ctypes
import gzip
import io
import random
import struct
import sys
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

import mutations as m

from analyzer.capture.containers import read_blocks
from analyzer.capture.decode import Decoder
from analyzer.capture.records import Tally
from analyzer.errors import BadInput

SLOW = 2.0  # CPU seconds for one input of some packets that count as a failure
PACKETS = 12  # most in an input
BLOCK_BYTES = 65_536
SHARES = (("container", 75), ("decode", 22), ("engine", 3))
LINKTYPES = (0, 1, 8, 9, 10, 12, 50, 51, 101, 104, 105, 107, 108, 109, 113, 117, 119, 127, 129, 149, 163, 192, 195, 228)
LINKTYPES += (229, 239, 240, 253, 258, 276, 999)


def lend_fresh_pages() -> None:
    """Lets glibc hand out the readers' buffers of 16 MiB as pages that cost nothing until they are written to."""
    with suppress(AttributeError, OSError):
        ctypes.CDLL(None).mallopt(-3, 1 << 20)  # M_MMAP_THRESHOLD


def container(raw: bytes) -> list[str]:
    """Reads every block."""
    for block in read_blocks(io.BytesIO(raw), "a.pcap", Tally(), BLOCK_BYTES):  # type: ignore[arg-type]
        if len({len(column) for column in (block.start, block.caplen, block.wirelen, block.t, block.number)}) > 1:
            return ["columns of different lengths"]
    return []


def decode(raw: bytes) -> list[str]:
    """Decodes every block; payload lies inside its buffer."""
    tally = Tally()
    decoder, wrong = Decoder(tally), []
    for block in read_blocks(io.BytesIO(raw), "a.pcap", tally, BLOCK_BYTES):  # type: ignore[arg-type]
        p = decoder.packets(block)
        if len(p.t) and ((p.kept < 0).any() or (p.kept > p.size).any() or (p.payload + p.kept > len(p.data)).any()):
            wrong.append("payload out of bounds")
        if (p.ip_bytes < 0).any():
            wrong.append("negative length")
    return wrong


def whole(raw: bytes) -> list[str]:
    """Runs the engine and adds up what came of every packet."""
    return m.faults(m.analysed(raw, BLOCK_BYTES), m.left_by_container(raw))


TARGETS: dict[str, Callable[[bytes], list[str]]] = {"container": container, "decode": decode, "engine": whole}


def piece(rng: random.Random) -> m.Trace:
    """Some packets of one of our captures, at times of two."""
    known = list(m.traces().values())
    trace = rng.choice(known)
    begin = rng.randrange(max(len(trace.records), 1))
    records = trace.records[begin : begin + rng.randint(1, PACKETS)]
    if rng.random() < 0.2:
        other = rng.choice(known).records
        records += other[: rng.randint(0, 4)]
    header = trace.header if rng.random() < 0.8 else trace.header[:20] + struct.pack("<I", rng.choice(LINKTYPES))
    return m.Trace(header, records)


def as_pcapng(trace: m.Trace, rng: random.Random) -> bytes:
    """The same packets in pcapng, with blocks, interfaces and options that may be wrong."""
    order = rng.choice("<>")

    def block(kind: int, body: bytes) -> bytes:
        body += bytes(-len(body) % 4)
        size = len(body) + 12 if rng.random() < 0.98 else rng.choice(m.LENGTHS)
        last = size if rng.random() < 0.98 else rng.choice(m.LENGTHS)
        return struct.pack(f"{order}II", kind, size) + body + struct.pack(f"{order}I", last)

    options = struct.pack(f"{order}HHB3x", 9, 1, rng.choice((6, 9, 0, 3, 127, 128, 148, 255)))
    options += struct.pack(f"{order}HHq", 14, 8, rng.choice((0, -1, 1 << 40, -(1 << 62)))) * (rng.random() < 0.3)
    linktype = struct.unpack_from("<I", trace.header, 20)[0] & 0xFFFF
    parts = [block(0x0A0D0D0A, struct.pack(f"{order}IHHq", 0x1A2B3C4D, 1, 0, -1))]
    parts.append(block(1, struct.pack(f"{order}HHI", linktype, 0, rng.choice((0, 68, 262_144))) + options))
    for r in trace.records:
        ticks = r.seconds * 1_000_000 + r.ticks
        head = struct.pack(
            f"{order}5I", rng.choice((0, 0, 0, 0, 0, 0, 1, 77)), ticks >> 32, ticks & 0xFFFFFFFF, *r[2:4]
        )
        kind = rng.choice((6, 6, 6, 6, 6, 2, 3, 4, 5, 0x0BAD))
        parts.append(block(kind, struct.pack(f"{order}I", r.wirelen) + r.data if kind == 3 else head + r.data))
    return b"".join(parts)


def made(rng: random.Random) -> bytes:
    """One input."""
    trace = piece(rng)
    for _ in range(rng.randint(0, 3)):
        trace = m.shuffled(trace, rng)
    raw = as_pcapng(trace, rng) if rng.random() < 0.3 else trace.raw()
    for _ in range(rng.choice((0, 0, 1, 2))):
        raw = m.torn(raw, rng)
    if rng.random() < 0.02:
        raw = gzip.compress(raw, 1)
        raw = m.torn(raw, rng) if rng.random() < 0.5 else raw
    return raw


@dataclass(slots=True)
class Score:
    """What became of the inputs of one target."""

    tried: int = 0
    refused: int = 0
    slowest: float = 0.0
    slowest_input: bytes = b""
    raised: Counter[str] = field(default_factory=Counter)
    examples: dict[str, bytes] = field(default_factory=dict)

    def run(self, target: Callable[[bytes], list[str]], raw: bytes) -> None:
        self.tried += 1
        began = time.process_time()
        wrong = []
        try:
            wrong = target(raw)
        except BadInput:
            self.refused += 1
        except Exception as error:  # noqa: BLE001 - that none comes is what this looks for
            at = traceback.extract_tb(error.__traceback__)[-1]
            wrong = [f"{type(error).__name__} {error} at {Path(at.filename).name}:{at.lineno}"]
        for text in wrong:
            self.raised[text] += 1
            self.examples.setdefault(text, raw)
        if (took := time.process_time() - began) > self.slowest:
            self.slowest, self.slowest_input = took, raw


def run(inputs: int, seed: int, seconds: float) -> dict[str, Score]:
    """Scores by target, after so many inputs or so much time."""
    rng = random.Random(seed)  # noqa: S311 - repeatable, not secret
    scores = {name: Score() for name in TARGETS}
    names, weights = zip(*SHARES, strict=True)
    end = time.monotonic() + seconds
    for _ in range(inputs):
        name = rng.choices(names, weights)[0]
        scores[name].run(TARGETS[name], made(rng))
        if time.monotonic() > end:
            break
    return scores


def main() -> int:
    """Runs the bench."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--inputs", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=86_400, help="stop after so long")
    options = parser.parse_args()
    warnings.simplefilter("error")
    lend_fresh_pages()
    scores = run(options.inputs, options.seed, options.seconds)
    print(f"{'target':10} {'tried':>9} {'refused':>9} {'failed':>7} {'slowest ms':>11}")
    for name, score in scores.items():
        failed = sum(score.raised.values())
        print(f"{name:10} {score.tried:9} {score.refused:9} {failed:7} {1000 * score.slowest:11.1f}")
        for text, number in score.raised.most_common(10):
            print(f"  {number} x {text}\n    {score.examples[text][:1500].hex()}")
    failed_targets = [name for name, score in scores.items() if score.raised or score.slowest > SLOW]
    print(f"{sum(s.tried for s in scores.values())} inputs tried; failed: {', '.join(failed_targets) or 'none'}")
    return 1 if failed_targets else 0


if __name__ == "__main__":
    sys.exit(main())
