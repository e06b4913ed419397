"""Batches of labelled flows as the capture engine gives them, built from a few words each."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from ipaddress import ip_address
from typing import Any

import numpy as np

from analyzer.capture.records import OUTCOMES, TRAFFIC, Flows, Label, Mark, Tally

START = datetime(2024, 2, 17, 10, tzinfo=UTC)
SECOND = 1_000_000_000

OPENVPN = Label("openvpn", "", "tunnel", "header", "openvpn.reset", "reset and its answer name the same session")
WIREGUARD = Label("wireguard", "Mullvad", "tunnel", "header", "wireguard.handshake", "handshake with a matching index")
TOR = Label("tor", "", "anonymity", "name", "tor.name", "server name of Tor's form")
OBFUSCATED = Label("fully_encrypted", "", "proxy", "statistical", "random.bits", "no header in the first payload")
DOH = Label("doh", "", "encrypted_dns", "name", "doh.name", "name of a listed resolver")

_KINDS = {"v6": bool, "marks": np.uint16, "label": np.int32, "name": np.int32} | dict.fromkeys(
    ("proto", "flags_up", "flags_down", "traffic", "outcome"), np.uint8
)
_KINDS |= dict.fromkeys(("sport", "dport"), np.uint16) | dict.fromkeys(("src0", "src1", "dst0", "dst1"), np.uint64)


def at(hours: float = 0.0) -> int:
    """So many hours after the start of the tests' captures, in ns."""
    return int(START.timestamp()) * SECOND + int(hours * 3600) * SECOND


class Batches:
    """Flows one by one; labels and names grow as the engine's do."""

    def __init__(self) -> None:
        self.labels: list[Label] = []
        self.names: list[str] = []
        self.rows: list[dict[str, Any]] = []

    def flow(
        self,
        src: str,
        dst: str = "192.0.2.1",
        label: Label | None = None,
        *,
        hours: float = 0.0,
        up: int = 1000,
        down: int = 9000,
        packets: tuple[int, int] = (4, 6),
        traffic: str = "other",
        name: str = "",
        outcome: str = "none",
        proto: int = 6,
        dport: int = 443,
        marks: Mark = Mark.NONE,
    ) -> Batches:
        """Add one flow."""
        words = [_words(src), _words(dst)]
        self.rows.append(
            dict(zip(("src0", "src1", "dst0", "dst1"), (*words[0], *words[1]), strict=True))
            | {"proto": proto, "v6": ":" in src, "sport": 40000, "dport": dport, "marks": int(marks)}
            | {"packets_up": packets[0], "packets_down": packets[1], "bytes_up": up, "bytes_down": down}
            | {"first": at(hours), "last": at(hours) + SECOND, "flags_up": 0, "flags_down": 0}
            | {"label": _index(self.labels, label), "name": _index(self.names, name or None)}
            | {"traffic": TRAFFIC.index(traffic), "outcome": OUTCOMES.index(outcome)}
        )
        return self

    def clients(self, number: int, label: Label | None = None, *, net: int = 0, **more: Any) -> Batches:
        """The same flow from so many clients of one network."""
        for i in range(number):
            self.flow(f"10.{net}.{i // 250}.{i % 250 + 1}", label=label, **more)
        return self

    def batch(self) -> Flows:
        """All flows added so far, as one batch."""
        columns = {
            field: np.array([row[field] for row in self.rows], dtype=_KINDS.get(field, np.int64))
            for field in Flows._fields
            if field not in ("labels", "names")
        }
        return Flows(**columns, labels=self.labels, names=self.names)

    def engine(self, *, unreadable: dict[str, int] | None = None) -> Any:
        """A stand-in for `engine.flows_of` that gives these flows, whatever the bytes are, after reading them all."""

        def flows_of(raw: Any, _name: str, tally: Tally, _options: object = None) -> Iterator[Flows]:
            while raw.read(1 << 16):
                pass
            tally.packets = sum(r["packets_up"] + r["packets_down"] for r in self.rows)
            tally.unreadable.update(unreadable or {})
            tally.packets += sum((unreadable or {}).values())
            if self.rows:
                tally.first, tally.last = min(r["first"] for r in self.rows), max(r["last"] for r in self.rows)
                yield self.batch()

        return flows_of


def _words(address: str) -> tuple[int, int]:
    packed = ip_address(address).packed
    return int.from_bytes(packed[:8], "little"), int.from_bytes(packed[8:], "little")


def _index(known: list[Any], wanted: Any) -> int:
    if wanted is None:
        return -1
    if wanted not in known:
        known.append(wanted)
    return known.index(wanted)
