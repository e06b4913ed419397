"""STUN binding requests and answers (RFC 8489) and ICE checks (RFC 8445)."""

from __future__ import annotations

import ipaddress
import struct
import zlib

from _wire import Udp, noise

COOKIE = 0x2112A442


def attribute(kind: int, value: bytes) -> bytes:
    return struct.pack(">HH", kind, len(value)) + value + bytes(-len(value) % 4)


def message(kind: int, transaction: bytes, attributes: bytes, *, fingerprint: bool = False) -> bytes:
    """A STUN message; the fingerprint is a CRC-32 of what precedes it."""
    size = len(attributes) + 8 * fingerprint
    out = struct.pack(">HHI", kind, size, COOKIE) + transaction + attributes
    return out + attribute(0x8028, struct.pack(">I", zlib.crc32(out) ^ 0x5354554E)) if fingerprint else out


def mapped(address: str, port: int) -> bytes:
    """XOR-MAPPED-ADDRESS of an IPv4 address."""
    number = int(ipaddress.IPv4Address(address)) ^ COOKIE
    return attribute(0x20, struct.pack(">BBHI", 0, 1, port ^ COOKIE >> 16, number))


def binding(flow: Udp) -> None:
    """A binding request to a server and its answer."""
    transaction = noise((flow.tag, "binding"), 12)
    flow.up(message(1, transaction, attribute(0x8022, b"example 1.0")))
    flow.down(message(0x101, transaction, mapped(flow.client, flow.sport)))


def checks(flow: Udp, ours: str, theirs: str, rounds: int = 2) -> None:
    """ICE connectivity checks in both directions."""
    for i in range(rounds):
        for up in (True, False):
            transaction = noise((flow.tag, "check", i, up, flow.packets), 12)
            user = attribute(6, f"{theirs}:{ours}".encode()) + attribute(0x24, struct.pack(">I", 1_845_501_695))
            role = attribute(0x802A if up else 0x8029, noise((flow.tag, "tie", up), 8))
            request = user + role + attribute(8, noise((flow.tag, "mac", i, up), 20))
            answer = mapped(flow.client, flow.sport) + attribute(8, noise((flow.tag, "mac 2", i, up), 20))
            (flow.up if up else flow.down)(message(1, transaction, request, fingerprint=True))
            (flow.down if up else flow.up)(message(0x101, transaction, answer, fingerprint=True))
