"""Conversations written packet by packet with scapy, counted as they are written.

A `Trace` is one capture: its clock is fixed, its random bytes come from a hash of a label, its addresses from RFC 5737
and RFC 3849.  Each flow carries the label that must be found in it and the packets and IP bytes it was given.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

from _words import PLAIN, Label
from scapy.layers.inet import ICMP, IP, TCP, UDP, fragment
from scapy.layers.inet6 import IPv6, IPv6ExtHdrFragment, fragment6
from scapy.layers.l2 import Ether
from scapy.packet import Packet, Raw

START = 1_700_000_000 * 10**9 - 800 * 10**9  # 2023-11-14 22:00:00 UTC
MS = 10**6
SECOND = 10**9
HOUR = 3600 * SECOND
MSS = 1400
PROTOS = {
    1: "icmp",
    4: "ipip",
    6: "tcp",
    17: "udp",
    41: "ipv6",
    47: "gre",
    50: "esp",
    51: "ah",
    58: "icmpv6",
    89: "ospf",
}

CLIENT = "192.0.2.10"
CLIENT6 = "2001:db8:1::10"
MAC_INSIDE = "02:00:00:00:00:01"
MAC_OUTSIDE = "02:00:00:00:00:02"


def noise(tag: object, size: int) -> bytes:
    """Bytes that look random and are the same in every run: SHAKE-256 of the tag."""
    return hashlib.shake_256(repr(tag).encode()).digest(size)


def number(tag: object, low: int, high: int) -> int:
    """An integer in [low, high], the same for the same tag."""
    return low + int.from_bytes(noise(tag, 8)) % (high - low + 1)


def network(src: str, dst: str, **fields: Any) -> Packet:
    """An IPv4 or IPv6 header, as the addresses say."""
    if ":" in src:
        hops = {"hlim": fields["ttl"]} if "ttl" in fields else {}
        return IPv6(src=src, dst=dst, **hops)
    return IP(src=src, dst=dst, flags=fields.pop("flags", "DF"), **fields)


def ethernet(packet: Packet, up: bool) -> Packet:
    """A frame of plain Ethernet between the inside and the outside router."""
    source, target = (MAC_INSIDE, MAC_OUTSIDE) if up else (MAC_OUTSIDE, MAC_INSIDE)
    return Ether(src=source, dst=target) / packet


class Flow:
    """One conversation: `up` is from the client."""

    proto = 0

    def __init__(self, trace: Trace, client: str, server: str, sport: int, dport: int, expected: Label) -> None:
        self.trace = trace
        self.client, self.server, self.sport, self.dport = client, server, sport, dport
        self.expected = expected
        self.packets = self.bytes = 0
        self.first = trace.now
        self.via: Flow | None = None
        self.t = trace.now
        self.gap = 20 * MS
        self._last: bool | None = None
        self.keep: set[str] = {"up", "down"}
        self.ident = number((trace.name, client, server, sport, dport, self.proto), 1, 40_000)

    @property
    def tag(self) -> tuple[str, int, int]:
        """Names this flow's random bytes."""
        return (self.trace.name, self.sport, len(self.trace.flows))

    def wait(self, nanoseconds: int) -> None:
        """Let time pass within the conversation."""
        self.t += nanoseconds

    def send(self, up: bool, layer: Packet, **fields: Any) -> None:
        """One IP packet with this layer behind the header."""
        self.t += self.gap if up != self._last else MS // 5
        self._last = up
        src, dst = (self.client, self.server) if up else (self.server, self.client)
        self.ident += 1
        if ":" not in src:
            fields = {"id": self.ident % 65_536, "ttl": 64 if up else 52} | fields
        self.emit(up, network(src, dst, **fields) / layer)

    def emit(self, up: bool, packet: Packet) -> None:
        """Count an IP packet and hand it to the tunnel this flow is in, or to the capture."""
        if ("up" if up else "down") not in self.keep:
            return
        raw = bytes(packet)
        self.packets += 1
        self.bytes += len(raw)
        if self.via is None:
            self.trace.write(self.t, packet, up)
            return
        self.via.t = self.t - (self.via.gap if up != self.via._last else MS // 5)
        self.via.carry(up, packet)

    def carry(self, up: bool, packet: Packet) -> None:
        """Wrap the packet of an inner flow; tunnels say how."""
        raise NotImplementedError

    def row(self) -> tuple[object, ...]:
        """This flow's row of the golden flow log."""
        ends = (PROTOS[self.proto], self.client, self.sport, self.server, self.dport)
        return (*ends, *self.expected, self.packets, self.bytes)


class Udp(Flow):
    """A UDP conversation."""

    proto = 17

    def up(self, data: bytes, **fields: Any) -> None:
        self.send(True, UDP(sport=self.sport, dport=self.dport) / Raw(data), **fields)

    def down(self, data: bytes, **fields: Any) -> None:
        self.send(False, UDP(sport=self.dport, dport=self.sport) / Raw(data), **fields)

    def fragmented(self, up: bool, data: bytes, size: int = 600) -> None:
        """One datagram in IP fragments of `size` payload bytes."""
        src, dst, sport, dport = (self.client, self.server, self.sport, self.dport)
        if not up:
            src, dst, sport, dport = dst, src, dport, sport
        self.ident += 1
        layer = UDP(sport=sport, dport=dport) / Raw(data)
        self.t += self.gap
        for piece in fragments(src, dst, layer, self.ident, size):
            self.t += MS // 10
            self.emit(up, piece)


def fragments(src: str, dst: str, layer: Packet, ident: int, size: int) -> list[Packet]:
    """The IPv4 or IPv6 fragments of one datagram."""
    if ":" in src:
        whole = IPv6(src=src, dst=dst) / IPv6ExtHdrFragment(id=ident) / layer
        return list(fragment6(IPv6(bytes(whole)), size + 48))
    return list(fragment(IP(src=src, dst=dst, id=ident, flags=0) / layer, fragsize=size))


class Tcp(Flow):
    """A TCP connection with right sequence numbers; acknowledgements ride on data unless asked for."""

    proto = 6

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.seq = [number((self.tag, "server"), 1, 2**31), number((self.tag, "client"), 1, 2**31)]
        self.open_called = False

    def segment(self, up: bool, flags: str, data: bytes = b"", options: list[Any] | None = None) -> None:
        """One segment; the sequence number moves on."""
        sport, dport = (self.sport, self.dport) if up else (self.dport, self.sport)
        self.send(up, self.layer(up, sport, dport, flags, data, options or []))
        self.seq[up] = (self.seq[up] + len(data) + ("S" in flags or "F" in flags)) % 2**32

    def layer(self, up: bool, sport: int, dport: int, flags: str, data: bytes, options: list[Any]) -> Packet:
        """The TCP header and payload of the next segment."""
        ack = self.seq[not up] if "A" in flags else 0
        head = TCP(sport=sport, dport=dport, seq=self.seq[up], ack=ack, flags=flags, window=64_240, options=options)
        return head / Raw(data) if data else head

    def open(self) -> Tcp:
        """The three-way handshake."""
        options = [("MSS", 1460), ("SAckOK", b""), ("NOP", None), ("WScale", 7)]
        self.segment(True, "S", options=options)
        self.segment(False, "SA", options=options)
        self.segment(True, "A")
        self.open_called = True
        return self

    def message(self, up: bool, data: bytes, size: int = MSS) -> None:
        """Application bytes, in as many segments as they need."""
        pieces = [data[i : i + size] for i in range(0, len(data), size)]
        for i, piece in enumerate(pieces):
            self.segment(up, "PA" if i == len(pieces) - 1 else "A", piece)
        if len(pieces) > 1:
            self.segment(not up, "A")

    def up(self, data: bytes) -> None:
        self.message(True, data)

    def down(self, data: bytes) -> None:
        self.message(False, data)

    def close(self) -> None:
        """FIN both ways."""
        self.segment(True, "FA")
        self.segment(False, "FA")
        self.segment(True, "A")

    def reset(self, up: bool = False) -> None:
        self.segment(up, "RA")


class Datagrams(Flow):
    """A conversation of an IP protocol without ports."""

    def __init__(self, trace: Trace, client: str, server: str, proto: int, expected: Label) -> None:
        self.proto = proto
        super().__init__(trace, client, server, 0, 0, expected)

    def packet(self, up: bool, layer: Packet) -> None:
        """One packet; the header's protocol number is this flow's."""
        field = {"nh": self.proto} if ":" in self.client else {"proto": self.proto}
        src, dst = (self.client, self.server) if up else (self.server, self.client)
        self.t += self.gap if up != self._last else MS // 5
        self._last = up
        self.ident += 1
        head = (
            IPv6(src=src, dst=dst, **field) if ":" in src else IP(src=src, dst=dst, id=self.ident, flags="DF", **field)
        )
        self.emit(up, head / layer)

    def echo(self, up: bool, ident: int, seq: int, data: bytes) -> None:
        """An ICMP echo request or reply."""
        self.packet(up, ICMP(type=8 if up else 0, id=ident, seq=seq) / Raw(data))


class Tunnel(Flow):
    """An outer flow that carries inner ones: `wrap(up, packet)` gives the layers behind its IP header."""

    def __init__(self, trace: Trace, ends: tuple[str, str, int, int], proto: int, expected: Label, wrap: Wrap) -> None:
        self.proto = proto
        super().__init__(trace, *ends, expected)
        self.wrap = wrap

    def carry(self, up: bool, packet: Packet) -> None:
        self.send(up, self.wrap(up, packet))


class Trace:
    """One capture in the making."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.now = START
        self.flows: list[Flow] = []
        self.records: list[tuple[int, bytes, int]] = []  # time, captured bytes, bytes on the wire
        self.frame: Callable[[Packet, bool], Packet] = ethernet
        self.linktype = 1
        self.snaplen = 262_144
        self.next_port = 40_000 + number(name, 0, 9_000)

    def write(self, t: int, packet: Packet, up: bool) -> None:
        """Put a packet on the wire at `t`."""
        raw = bytes(self.frame(packet, up))
        self.records.append((t, raw[: self.snaplen], len(raw)))

    def add(self, flow: Any, via: Flow | None = None) -> Any:
        """Register a flow; flows begin 150 ms apart unless the clock is moved."""
        flow.via = via
        self.flows.append(flow)
        self.now += 150 * MS
        return flow

    def port(self) -> int:
        """An ephemeral port nobody has used in this capture."""
        self.next_port += 1
        return self.next_port

    def udp(
        self, server: str, dport: int, expected: Label = PLAIN, *, client: str = CLIENT, sport: int = 0, via: Any = None
    ) -> Udp:
        """A UDP conversation that begins now."""
        return self.add(Udp(self, client, server, sport or self.port(), dport, expected), via)

    def tcp(
        self, server: str, dport: int, expected: Label = PLAIN, *, client: str = CLIENT, sport: int = 0, via: Any = None
    ) -> Tcp:
        """A TCP connection that begins now; `open()` sends the handshake."""
        return self.add(Tcp(self, client, server, sport or self.port(), dport, expected), via)

    def ip(
        self, server: str, proto: int, expected: Label = PLAIN, *, client: str = CLIENT, via: Any = None
    ) -> Datagrams:
        """A conversation of an IP protocol without ports."""
        return self.add(Datagrams(self, client, server, proto, expected), via)

    def tunnel(
        self, ends: tuple[str, str, int, int], proto: int, expected: Label, wrap: Callable[[bool, Packet], Packet]
    ) -> Tunnel:
        """An outer flow (client, server, sport, dport) for others to go through."""
        return self.add(Tunnel(self, ends, proto, expected, wrap))

    def pause(self, nanoseconds: int) -> None:
        """Let the capture's clock run."""
        self.now += nanoseconds

    def sorted(self) -> list[tuple[int, bytes, int]]:
        """The records in order of time."""
        return sorted(self.records, key=lambda record: record[0])


Wrap = Callable[[bool, Packet], Packet]
