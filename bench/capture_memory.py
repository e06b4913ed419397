"""Peak memory of loading captures: of many flows of one packet each, all alive at once, and of long ones.

    python bench/capture_memory.py --flows 10000000 --gigabytes 1

Writes made captures to a temporary folder, loads each through the command line in a process of its own, and holds its
peak resident memory against 150 MB + 500 bytes per flow.  Ends with 1 if a bound is broken.
"""

from __future__ import annotations

import argparse
import os
import struct
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np

ROOT = Path(__file__).parents[1]
BASE, PER_FLOW = 150_000_000, 500  # bytes
SECONDS = 100  # all flows begin within so many: none is idle for long enough to end before the last
START = 1_700_000_000
CHUNK = 4_000_000  # bytes written at once: a process begins with the peak memory of the one that starts it
ETHERNET = bytes.fromhex("0200000000010200000000020800")
FILE_HEADER = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262_144, 1)
FEW = 1000  # flows of the long capture


class Shape(NamedTuple):
    """What the packets of a capture look like."""

    name: str
    proto: int
    transport: bytes  # header behind the ports
    payload: int  # random bytes


SHAPES = {
    "syn": Shape("SYNs", 6, struct.pack(">IIBBHHH", 1, 0, 0x50, 2, 65_535, 0, 0), 0),
    "udp": Shape("UDP with 20 random bytes", 17, struct.pack(">HH", 28, 0), 20),
    "long": Shape("UDP with 1,400 random bytes", 17, struct.pack(">HH", 1408, 0), 1400),
}


def template(shape: Shape) -> bytes:
    """A record without times, addresses, ports and payload."""
    length = 20 + 4 + len(shape.transport) + shape.payload
    ip = struct.pack(">BBHHHBBHII", 0x45, 0, length, 0, 0x4000, 64, shape.proto, 0, 0, 0xCB007101)
    head = struct.pack("<IIII", 0, 0, 14 + length, 14 + length)
    return head + ETHERNET + ip + bytes(4) + shape.transport + bytes(shape.payload)


def records(shape: Shape, numbers: np.ndarray, flows: int, total: int, rng: np.random.Generator) -> np.ndarray:
    """Packets as rows of bytes; packet i belongs to flow i % flows."""
    blank = np.frombuffer(template(shape), np.uint8)
    rows = np.tile(blank, (len(numbers), 1))
    micros = numbers * (SECONDS * 1_000_000) // total
    times = np.stack([START + micros // 1_000_000, micros % 1_000_000], axis=1).astype("<u4")
    rows[:, :8] = times.view(np.uint8)
    flow = numbers % flows
    rows[:, 42:46] = (0x0A000000 + flow).astype(">u4").view(np.uint8).reshape(-1, 4)
    ports = np.stack([1024 + flow % 60_000, np.full_like(flow, 40_000)], axis=1).astype(">u2")
    rows[:, 50:54] = ports.view(np.uint8)
    if shape.payload:
        rows[:, -shape.payload :] = rng.integers(0, 256, (len(rows), shape.payload), np.uint8)
    return rows


def write(path: Path, shape: Shape, packets: int, flows: int) -> None:
    """A capture of so many packets."""
    rng = np.random.default_rng(1)
    step = CHUNK // len(template(shape))
    with path.open("wb") as file:
        file.write(FILE_HEADER)
        for begin in range(0, packets, step):
            numbers = np.arange(begin, min(begin + step, packets), dtype=np.int64)
            file.write(records(shape, numbers, flows, packets, rng).tobytes())


class Run(NamedTuple):
    """What a load took."""

    peak: int  # bytes
    cpu: float
    wall: float


def load(path: Path, folder: Path) -> Run:
    """Loads a capture in a process of its own.  Raises RuntimeError when that fails."""
    store = folder / "store.duckdb"
    store.unlink(missing_ok=True)
    command = [sys.executable, "-m", "analyzer", "load", str(path), "--db", str(store), "--format", "csv"]
    began = time.monotonic()
    child = os.posix_spawn(sys.executable, command, {**os.environ, "PYTHONPATH": str(ROOT)})
    _, status, usage = os.wait4(child, 0)
    if status:
        raise RuntimeError(f"loading {path.name} ended with {os.waitstatus_to_exitcode(status)}")
    return Run(usage.ru_maxrss * 1024, usage.ru_utime + usage.ru_stime, time.monotonic() - began)


def measured(mode: str, flows: int, gigabytes: float, folder: Path) -> bool:
    """Whether a capture of one mode stays within the bound; prints the figures."""
    shape, path = SHAPES[mode], folder / f"{mode}.pcap"
    many = flows if mode != "long" else FEW
    packets = flows if mode != "long" else int(gigabytes * 1e9) // len(template(shape))
    write(path, shape, packets, many)
    size, run = path.stat().st_size, load(path, folder)
    path.unlink()
    bound = BASE + PER_FLOW * many
    verdict = "within" if run.peak <= bound else "OVER"
    print(f"{shape.name:28} {packets:>11,} packets {many:>11,} flows {size / 1e6:>8,.0f} MB", end=" ")
    print(f"peak {run.peak / 1e6:>8,.0f} MB, {verdict} {bound / 1e6:,.0f} MB", end=" ")
    print(f"({(run.peak - BASE) / many:,.0f} B per flow); CPU {run.cpu:.1f} s, wall {run.wall:.1f} s", flush=True)
    return run.peak <= bound


def main() -> int:
    """Runs the bench."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--flows", type=int, default=10_000_000)
    parser.add_argument("--gigabytes", type=float, default=1.1)
    parser.add_argument("--modes", default="syn,udp,long", help="of syn, udp and long")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        modes = options.modes.split(",")
        fine = [measured(mode, options.flows, options.gigabytes, Path(name)) for mode in modes]
    return 0 if all(fine) else 1


if __name__ == "__main__":
    sys.exit(main())
