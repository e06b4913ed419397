"""The fast decoder against scapy: every column of every packet, on real captures and on made and damaged packets."""

from __future__ import annotations

import logging
import socket
from typing import NamedTuple

import pytest
from _blocks import address, block, read
from _stacks import frames
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scapy.config import conf
from scapy.layers import dot11, inet, inet6, l2, ppp, sctp, vxlan  # noqa: F401 - scapy learns a layer by its import
from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.inet6 import IPv6, IPv6ExtHdrFragment
from scapy.layers.sctp import SCTP
from scapy.main import load_contrib

from analyzer.capture.decode import Decoder
from analyzer.capture.records import Mark, Tally

logging.getLogger("scapy").setLevel(logging.CRITICAL)
for contrib in ("mpls", "gtp", "geneve", "erspan"):
    load_contrib(contrib)

EXTENSIONS = (0, 43, 44, 60, 135, 139, 140)


class Row(NamedTuple):
    """What must be equal."""

    v6: bool
    proto: int
    src: bytes
    dst: bytes
    sport: int
    dport: int
    flags: int
    seq: int
    ip_bytes: int
    size: int
    payload: bytes
    is_fragment: bool


def by_scapy(packet, wire, firsts):
    """A Row per IP header that scapy finds; quoted packets of ICMP errors are other classes there."""
    layer, rows = packet, []
    while layer:
        if (type(layer), getattr(layer, "version", 0)) in {(IP, 4), (IPv6, 6)}:
            rows.append(_row(layer, wire - (len(packet.original) - len(layer.original)), firsts))
        layer = layer.payload
    return rows


def _row(ip, room, firsts):
    """One Row; `room`: bytes on the wire from the IP header on; `firsts`: ports of first fragments, filled in."""
    is_v6 = type(ip) is IPv6
    length = (ip.plen + 40) if is_v6 else (ip.len or room)
    proto, behind, fragment, follows = (
        (ip.nh, 40, None, ip.payload) if is_v6 else (ip.proto, ip.ihl * 4, ip, ip.payload)
    )
    while is_v6 and proto in EXTENSIONS and not (fragment and fragment.offset):
        behind += 8 if proto == 44 else 8 * (ip.original[behind + 1] + 1)
        fragment = follows if type(follows) is IPv6ExtHdrFragment else fragment
        proto, follows = follows.nh, follows.payload
    is_first = not fragment or (fragment.offset == 0 if is_v6 else fragment.frag == 0)
    is_fragment = not is_first or bool(fragment and (fragment.m if is_v6 else fragment.flags.MF))
    datagram = (ip.src, ip.dst, fragment.id, None if is_v6 else proto) if is_fragment else None
    proto, sport, dport = (proto, 0, 0) if is_first else firsts.get(datagram, (proto, 0, 0))
    flags, seq, head = 0, 0, 8 if is_first and proto in {1, 58} else 0
    size = length - behind
    if is_first and type(follows) in {TCP, UDP, SCTP}:
        sport, dport, head = follows.sport, follows.dport, {TCP: 20, UDP: 8, SCTP: 12}[type(follows)]
        if type(follows) is TCP:
            flags, seq, head = int(follows.flags) & 0xFF, follows.seq, follows.dataofs * 4
        size = min(size, follows.len) if type(follows) is UDP and follows.len else size
    size = max(size - head, 0) if head >= 20 or proto != 6 or not is_first else 0
    if is_fragment and is_first:
        firsts[datagram] = (proto, sport, dport)
    source, target = (socket.inet_pton(socket.AF_INET6 if is_v6 else socket.AF_INET, each) for each in (ip.src, ip.dst))
    payload = ip.original[behind + head : behind + head + size]
    return Row(is_v6, proto, source, target, sport, dport, flags, seq, length, size, payload, is_fragment)


def by_us(found):
    """The same of our columns, with the number of the packet from 0."""
    data = found.data.tobytes()
    columns = found.sport, found.dport, found.flags, found.seq, found.ip_bytes, found.size
    for row in range(len(found.t)):
        is_v6, at = bool(found.v6[row]), int(found.payload[row])
        source = address(is_v6, found.src0[row], found.src1[row])
        target = address(is_v6, found.dst0[row], found.dst1[row])
        payload = data[at : at + int(found.kept[row])]
        numbers = (int(column[row]) for column in columns)
        is_fragment = bool(found.marks[row] & Mark.FRAGMENT)
        made = Row(is_v6, int(found.proto[row]), source, target, *numbers, payload, is_fragment)
        yield int(found.t[row]) // 1_000_000_000 - 1, made


def dissected(data, linktype):
    """scapy's layers of a packet; its reading of LINKTYPE_NULL knows one byte order only."""
    if linktype == 0:
        return (IP if data[4] >> 4 == 4 else IPv6)(data[4:])
    return conf.l2types.num2layer[linktype](data)


NOT_IN_SCAPY = {10, 107, 239}  # link types
UNLIKE = {  # capture -> number of packets on which scapy and we differ, and why
    "fuzz-2006-09-29-28586.pcap": (1, "TCP in 15 bytes has ports, which scapy leaves raw"),
    "fuzz-2021-10-13.pcap": (1, "unknown address family"),
    "gnutella.pcap": (1, "scapy raises on a cut link header"),
    "ip_fragmented_garbage.pcap": (
        None,
        "first fragments shorter than a TCP header show ports, which scapy leaves raw",
    ),
    "l2tp-avp-overflow.pcap": (2, "scapy raises on a cut link header"),
    "reasm_crash_anon.pcapng": (1, "TCP header below 20 bytes, payload unknown"),
    "teredo.pcap": (24, "scapy does not look into Teredo"),
    "tunnels_ayiya3.pcap": (32, "scapy does not look into AYIYA"),
    "wccp_redirect_gre.pcap": (1, "scapy does not look into WCCP"),
}


def unlike(packets, linktype):
    """Numbers of the packets, from 0, on which scapy and we differ, with both sides."""
    found = Decoder(Tally()).packets(block([each[0] for each in packets], linktype, [each[2] for each in packets]))
    ours = {}
    for at, row in by_us(found):
        ours.setdefault(at, []).append(row)
    firsts, differ = {}, {}
    for number, (data, _, wire) in enumerate(packets):
        try:
            theirs = by_scapy(dissected(data, linktype), wire, firsts)
        except Exception as error:  # noqa: BLE001 - scapy may fail in any way
            theirs = [error]
        if ours.get(number, []) != theirs:
            differ[number] = (ours.get(number, []), theirs)
    return differ


@pytest.mark.shared
@pytest.mark.parametrize("most", [40, pytest.param(1_000_000, marks=pytest.mark.slow)])
def test_every_column_equals_scapys(shared, most):
    """On every packet of every capture (the first 40 of each, unless slow tests run) all columns are scapy's."""
    for path in sorted((shared / "captures").glob("*/*.*")):
        packets = read(path)[:most]
        expected, reason = UNLIKE.get(path.name, (0, ""))
        for linktype in {each[1] for each in packets} - NOT_IN_SCAPY:
            differ = unlike([each for each in packets if each[1] == linktype], linktype)
            assert not differ or reason, (path.name, differ)
            assert expected is None or len(differ) <= expected, (path.name, differ)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(frames(), min_size=1, max_size=8))
def test_made_stacks_equal_scapys(made):
    """Random stacks of tags, labels, PPP, options, extension headers, fragments and tunnels decode as scapy does."""
    for linktype in {each[0] for each in made}:
        packets = [(data, linktype, len(data)) for kind, data in made if kind == linktype]
        assert not unlike(packets, linktype)
