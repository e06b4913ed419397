"""What loading a capture costs beside other tools: CPU seconds (user and system, whole process tree), peak memory.

    python bench/capture_speed.py big.pcap --reference walk.c [--rounds 3] [--peers nfstream,tshark,nfpcapd,softflowd]

All commands read the same file in the same run, in interleaved rounds; medians are printed, and each as a multiple of
our own load.  `--reference` is a C program called as `a.out FILE 2`, or its source, compiled with `gcc -O2`.  scapy is
given the first packets only (`--scapy-packets`) and scaled; tools that are not installed are left out and named.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

NFSTREAM = """
import sys
from nfstream import NFStreamer
print(sum(1 for _ in NFStreamer(source=sys.argv[1], n_dissections=20, n_meters=1)))
"""

SCAPY = """
import sys
from scapy.all import IP, IPv6, TCP, UDP, PcapReader
flows = {}
for n, packet in enumerate(PcapReader(sys.argv[1])):
    if n == int(sys.argv[2]):
        break
    ip = packet.getlayer(IP) or packet.getlayer(IPv6)
    if ip is None:
        continue
    inner = packet.getlayer(TCP) or packet.getlayer(UDP)
    ports = (inner.sport, inner.dport) if inner else (0, 0)
    key = tuple(sorted([(ip.src, ports[0]), (ip.dst, ports[1])]))
    count, size = flows.get(key, (0, 0))
    flows[key] = (count + 1, size + len(ip))
print(len(flows))
"""

SHA256 = """
import hashlib, sys
digest, block = hashlib.sha256(), bytearray(4 << 20)
with open(sys.argv[1], "rb", buffering=0) as f:
    while got := f.readinto(block):
        digest.update(memoryview(block)[:got])
print(digest.hexdigest())
"""

FIELDS = (
    "frame.time_epoch", "frame.len", "ip.src", "ip.dst", "ipv6.src", "ipv6.dst", "ip.proto", "tcp.srcport",
    "tcp.dstport", "udp.srcport", "udp.dstport", "tls.handshake.extensions_server_name",
)  # fmt: skip


# Modules are compiled once, as when a package is installed; a first run that is not counted does it.
_ENVIRONMENT = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}


@dataclass
class Peer:
    """A command and what it cost in each round."""

    name: str
    command: list[str]
    scale: float = 1.0
    cpu: list[float] = field(default_factory=list)
    megabytes: list[float] = field(default_factory=list)

    def run(self) -> None:
        """One run; raises RuntimeError with the end of its error text when it fails."""
        with tempfile.TemporaryFile() as errors:
            process = subprocess.Popen(self.command, stdout=subprocess.DEVNULL, stderr=errors, env=_ENVIRONMENT)  # noqa: S603
            _, status, used = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            if process.returncode:
                errors.seek(0)
                raise RuntimeError(f"{self.name}: {errors.read()[-500:].decode(errors='replace')}")
        self.cpu.append((used.ru_utime + used.ru_stime) * self.scale)
        self.megabytes.append(used.ru_maxrss / 1024)


def reference(given: Path, folder: Path) -> str:
    """Path of the C reference, compiled where its source was given."""
    if given.suffix != ".c":
        return str(given)
    made = folder / "reference"
    subprocess.run(["gcc", "-O2", "-march=native", str(given), "-o", str(made)], check=True)  # noqa: S603, S607
    return str(made)


def peers(asked: argparse.Namespace, folder: Path) -> list[Peer]:
    """Ours first, then every peer that is here."""
    capture = str(asked.capture)
    python = sys.executable
    ours = [python, "-m", "analyzer", "load", "--db", str(folder / "store.duckdb"), capture]
    found = [Peer("vpn-uptake load", ours), Peer("sha256 alone", [python, "-c", SHA256, capture])]
    if asked.reference:
        found.append(Peer("C reference", [reference(asked.reference, folder), capture, "2"]))
    fields = [word for name in FIELDS for word in ("-e", name)]
    known = {
        "nfstream": ([python, "-c", NFSTREAM, capture], python),
        "tshark": (["tshark", "-n", "-r", capture, "-T", "fields", *fields], "tshark"),
        "nfpcapd": (["nfpcapd", "-r", capture, "-w", str(folder)], "nfpcapd"),
        "softflowd": (["softflowd", "-r", capture, "-n", "127.0.0.1:9"], "softflowd"),
    }
    for name in asked.peers.split(",") if asked.peers else []:
        command, program = known[name]
        if shutil.which(program):
            found.append(Peer(name, command))
        else:
            print(f"{name} is not installed: left out", file=sys.stderr)
    if asked.scapy_packets:
        script = [python, "-c", SCAPY, capture, str(asked.scapy_packets)]
        found.append(Peer("scapy flow loop", script, asked.packets / asked.scapy_packets))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("capture", type=Path)
    parser.add_argument("--reference", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--peers", default="nfstream,tshark,nfpcapd,softflowd")
    parser.add_argument("--scapy-packets", type=int, default=0)
    parser.add_argument("--packets", type=int, default=0, help="packets in the capture, to scale the scapy loop")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        found = peers(asked, folder)
        found[0].run()
        found[0].cpu.clear()
        for _ in range(asked.rounds):
            for peer in found:
                (folder / "store.duckdb").unlink(missing_ok=True)
                peer.run()
    mine = statistics.median(found[0].cpu)
    print(f"{'command':<18}{'CPU s':>9}{'peak MB':>9}{'x ours':>9}")
    for peer in found:
        cpu = statistics.median(peer.cpu)
        print(f"{peer.name:<18}{cpu:>9.2f}{statistics.median(peer.megabytes):>9.0f}{cpu / mine:>9.2f}")


if __name__ == "__main__":
    main()
