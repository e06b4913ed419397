"""Flows and what is said of them: golden flow logs of our own captures, `vpn-uptake inspect`, tshark's tables."""

from __future__ import annotations

import csv
import ipaddress
import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

FOLDER = Path(__file__).parents[1] / "captures"
NUMBERS = {"icmp": 1, "ipip": 4, "tcp": 6, "udp": 17, "ipv6": 41, "gre": 47, "esp": 50, "ah": 51, "icmpv6": 58}
Verdict = tuple[str, str, str, str]  # family, provider, kind, confidence


class Key(NamedTuple):
    """A flow without its direction."""

    proto: int
    ends: tuple[tuple[str, int], tuple[str, int]]


def key(proto: str, src: str, sport: str, dst: str, dport: str) -> Key:
    """The same for both directions; the protocol by number or by name."""
    number = int(proto) if proto.isdigit() else NUMBERS[proto.lower()]
    first, second = sorted([(str(ipaddress.ip_address(src)), int(sport)), (str(ipaddress.ip_address(dst)), int(dport))])
    return Key(number, (first, second))


def verdicts(lines: Iterable[str]) -> dict[Key, set[Verdict]]:
    """Flow -> labels, from a golden flow log or `vpn-uptake inspect --show-addresses --all --format csv`.

    Rows of a flow that time-outs cut count as one: it has the labels of all.
    """
    found: dict[Key, set[Verdict]] = {}
    for row in csv.DictReader(lines):
        flow = key(row["proto"], row["src"], row["sport"], row["dst"], row["dport"])
        label = (row["family"], row["provider"], row["kind"], row["confidence"])
        found.setdefault(flow, set()).add(label)
    plain = {("", "", "", "")}
    return {flow: labels - plain or labels for flow, labels in found.items()}


def differences(expected: Iterable[str], inspected: Iterable[str]) -> list[str]:
    """What `inspect` says otherwise than a golden flow log: lost flows, other labels, labels on other flows."""
    wanted, got = verdicts(expected), verdicts(inspected)
    lost = [f"{flow}: no such flow, expected {labels}" for flow, labels in wanted.items() if flow not in got]
    other = [
        f"{flow}: {got[flow]}, expected {wanted[flow]}" for flow in wanted if flow in got and got[flow] != wanted[flow]
    ]
    more = [
        f"{flow}: {labels}, not in the capture"
        for flow, labels in got.items()
        if flow not in wanted and labels != {("",) * 4}
    ]
    return [*lost, *other, *more]


def totals(lines: Iterable[str]) -> dict[Key, tuple[int, int]]:
    """Packets and bytes by flow, its records added up."""
    found: Counter[tuple[Key, str]] = Counter()
    for row in csv.DictReader(lines):
        flow = key(row["proto"], row["src"], row["sport"], row["dst"], row["dport"])
        found[flow, "packets"] += int(row["packets"])
        found[flow, "bytes"] += int(row["bytes"])
    return {flow: (found[flow, "packets"], found[flow, "bytes"]) for flow, _ in found}


def golden_lines(name: str) -> list[str]:
    return (FOLDER / f"{name}.flows.csv").read_text(encoding="utf-8").splitlines()


def golden_rows(name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(golden_lines(name)))


def capture_of(name: str) -> Path:
    """The capture a golden flow log belongs to, uncompressed where both are there."""
    classic = FOLDER / f"{name}.pcap"
    return classic if classic.exists() else FOLDER / f"{name}.pcapng"


def conversations(text: str) -> dict[Key, list[int]]:
    """Frames of each TCP or UDP conversation in a recorded tshark table."""
    proto, found = 0, {}
    for line in text.splitlines():
        if line.startswith(("TCP", "UDP")):
            proto = 6 if line.startswith("TCP") else 17
        if " <-> " not in line:
            continue
        left, right = line.split(" <-> ")
        ends = [end.strip().rsplit(":", 1) for end in (left, right.split()[0])]
        # '<-' frames, bytes, unit; '->' frames, bytes, unit; total frames
        total = re.findall(r"(\d+) \d[\d.]* (?:bytes|kB|MB)|(\d+) \d+ ?(?:bytes|kB|MB)", right)
        frames = int(total[-1][0] or total[-1][1])
        found[key(str(proto), ends[0][0], ends[0][1], ends[1][0], ends[1][1])] = [frames]
    return found
