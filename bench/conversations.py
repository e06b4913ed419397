"""Flows of captures against tshark's conversation tables: TCP and UDP packets both ways, and bytes where they compare.

    python bench/conversations.py FOLDER            # every capture below it, with the tshark that is installed

tshark counts frames and their bytes with link headers; packets are compared exactly, bytes only where every frame has
the same link header (`link`).  Prints what differs and how many conversations were equal.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
from collections import defaultdict
from ipaddress import ip_address
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parents[1]))

from analyzer.capture import engine
from analyzer.capture.containers import is_capture
from analyzer.capture.finish import address
from analyzer.capture.records import Flows, Tally

TSHARK = ("tshark", "-n", "-q", "-z", "conv,tcp", "-z", "conv,udp")
SECTION = re.compile(r"^(TCP|UDP) Conversations")
ROW = re.compile(r"^(\S+):(\d+) +<-> (\S+):(\d+) +" + r" +".join([r"(\d+) (\d+) ?(bytes|kB|MB|GB)"] * 2))


class Ends(NamedTuple):
    """A conversation: protocol, and its two ends in order."""

    proto: int
    low: tuple[str, int]
    high: tuple[str, int]


class Ways(NamedTuple):
    """Packets and bytes from the lower end to the higher, and back; bytes of None are not stated exactly."""

    packets: int = 0
    packets_back: int = 0
    bytes: int | None = 0
    bytes_back: int | None = 0

    def plus(self, other: Ways) -> Ways:
        sizes = ((a, b) for a, b in zip(self[2:], other[2:], strict=True))
        return Ways(
            self[0] + other[0], self[1] + other[1], *(None if a is None or b is None else a + b for a, b in sizes)
        )

    def turned(self) -> Ways:
        return Ways(self[1], self[0], self[3], self[2])


Table = dict[Ends, Ways]


def _add(table: Table, proto: int, src: tuple[str, int], dst: tuple[str, int], ways: Ways) -> None:
    low, high = sorted((src, dst))
    ends = Ends(proto, low, high)
    table[ends] = table.get(ends, Ways()).plus(ways if low == src else ways.turned())


def recorded(text: str) -> Table:
    """tshark's tables; several rows of the same ends (a TCP port used again) are added up."""
    table: Table = {}
    proto = 0
    for line in text.splitlines():
        if found := SECTION.match(line):
            proto = 6 if found[1] == "TCP" else 17
        elif found := ROW.match(line):
            a, a_port, b, b_port, *numbers = found.groups()
            back, size_back, unit_back, there, size, unit = numbers
            exact = (int(n) if u == "bytes" else None for n, u in ((size, unit), (size_back, unit_back)))
            ends = ((str(ip_address(a)), int(a_port)), (str(ip_address(b)), int(b_port)))
            _add(table, proto, *ends, Ways(int(there), int(back), *exact))
    return table


def ours(path: Path) -> Table:
    """TCP and UDP flows of the engine, outer and inner, whatever time-outs cut."""
    table: Table = {}
    with path.open("rb", buffering=0) as raw:
        for flows in engine.flows_of(raw, path.name, Tally()):
            _add_flows(table, flows)
    return table


def _add_flows(table: Table, flows: Flows) -> None:
    names = ("proto", "v6", "src0", "src1", "sport", "dst0", "dst1", "dport")
    counts = ("packets_up", "packets_down", "bytes_up", "bytes_down")
    columns = (getattr(flows, name).tolist() for name in (*names, *counts))
    for proto, v6, src0, src1, sport, dst0, dst1, dport, *ways in zip(*columns, strict=True):
        if proto in (6, 17):
            src, dst = (str(ip_address(address(*words, v6))) for words in ((src0, src1), (dst0, dst1)))
            _add(table, proto, (src, sport), (dst, dport), Ways(*ways))


def differences(mine: Table, theirs: Table, link: int | None = None) -> list[str]:
    """What differs, without addresses; link: bytes of the link header of every frame, None = packets alone."""
    found = []
    for ends in sorted(mine.keys() | theirs.keys()):
        a, b = mine.get(ends, Ways()), theirs.get(ends, Ways())
        what = f"{'TCP' if ends.proto == 6 else 'UDP'} ports {ends.low[1]} and {ends.high[1]}"
        if a[:2] != b[:2]:
            found.append(f"{what}: {a.packets} + {a.packets_back} packets, tshark {b.packets} + {b.packets_back}")
        elif link is not None:
            sizes = [None if n is None else n - link * k for k, n in zip(b[:2], b[2:], strict=True)]
            if any(n is not None and n != m for m, n in zip(a[2:], sizes, strict=True)):
                found.append(f"{what}: {a.bytes} + {a.bytes_back} bytes, tshark {sizes[0]} + {sizes[1]}")
    return found


def main() -> None:
    """Runs the bench."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--most", type=int, default=5, help="differences printed of one capture")
    options = parser.parse_args()
    if not shutil.which(TSHARK[0]):
        sys.exit("tshark is not installed")
    counts: defaultdict[str, int] = defaultdict(int)
    for path in sorted(p for p in options.folder.rglob("*") if p.is_file() and is_capture(p.open("rb").read(12))):
        command = [*TSHARK, "-r", str(path)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - a program of ours to call
        theirs, mine = recorded(done.stdout), ours(path)
        found = differences(mine, theirs)
        counts["captures"] += 1
        counts["captures that differ"] += bool(found)
        counts["conversations"] += len(mine.keys() | theirs.keys())
        counts["conversations that differ"] += len(found)
        for text in found[: options.most]:
            print(f"{path.relative_to(options.folder)}: {text}")
        if len(found) > options.most:
            print(f"{path.relative_to(options.folder)}: {len(found) - options.most} more")
    print("; ".join(f"{number} {what}" for what, number in counts.items()))


if __name__ == "__main__":
    main()
