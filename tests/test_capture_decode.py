"""Decoding: bytes of packets into columns, one way of writing them after the other."""

from __future__ import annotations

import random
import struct

import numpy as np
import pytest
from _blocks import accounted, address, block, payloads, read
from _stacks import ethernet, frames
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from scapy.config import conf
from scapy.layers.inet import ICMP, IP, TCP, UDP, fragment
from scapy.layers.inet6 import IPv6, IPv6ExtHdrFragment, IPv6ExtHdrHopByHop, Jumbo
from scapy.layers.l2 import ARP, GRE, LLC, STP, Dot1Q, Dot3, Ether

from analyzer.capture.decode import Decoder
from analyzer.capture.records import Mark, Tally

FOUR = IP(src="10.0.0.1", dst="10.0.0.2")
SIX = IPv6(src="fd00::1", dst="fd00::2")
PING = bytes(FOUR / ICMP() / b"ping")
DATA = bytes(FOUR / UDP(sport=40001, dport=40002) / b"data")
DATA6 = bytes(SIX / UDP(sport=40001, dport=40002) / b"data")
MAC = bytes.fromhex("020000000002020000000001")


def decode(packets, linktype=1, wire=None):
    """Columns and counts of one block in which every packet must be accounted for."""
    tally = Tally()
    found = Decoder(tally).packets(block([bytes(each) for each in packets], linktype, wire))
    assert accounted(found, tally) == len(packets)
    return found, tally


def inner(found):
    """Protocol and payload of the rows inside tunnels."""
    of = zip(found.proto.tolist(), payloads(found), found.marks.tolist(), strict=True)
    return [(proto, payload) for proto, payload, marks in of if marks & Mark.INNER]


def in_udp(port, payload, ip=FOUR):
    return ethernet() / ip / UDP(sport=40003, dport=port) / payload


def test_columns_of_plain_packets():
    """Addresses, ports, flags, lengths and payload of plain packets come out as they went in, padding left out."""
    tcp = TCP(sport=1, dport=443, flags="PA", seq=9)
    found, tally = decode(
        [
            ethernet() / FOUR / UDP(sport=5, dport=53) / b"abc",
            ethernet() / Dot1Q(vlan=7) / SIX / tcp / b"hello",
            bytes(ethernet() / FOUR / TCP(sport=8, dport=9, flags="S")) + b"\0" * 6,
            ethernet() / ARP(psrc="10.0.0.1", pdst="10.0.0.2"),
        ]
    )
    assert not tally.unreadable
    assert tally.notes == {"ARP, not IP": 1}
    assert payloads(found) == [b"abc", b"hello", b""]
    assert found.size.tolist() == [3, 5, 0]
    assert found.sport.tolist() == [5, 1, 8]
    assert found.dport.tolist() == [53, 443, 9]
    assert found.flags.tolist() == [0, 0x18, 2]
    assert found.seq.tolist() == [0, 9, 0]
    assert found.ip_bytes.tolist() == [31, 65, 40]
    assert found.t.tolist() == [1_000_000_000, 2_000_000_000, 3_000_000_000]
    assert address(False, found.src0[0], found.src1[0]) == bytes([10, 0, 0, 1])
    assert address(True, found.dst0[1], found.dst1[1]) == bytes.fromhex("fd" + "00" * 14 + "02")


def test_column_types_are_the_contracts():
    """Every column has the type that Packets states, empty blocks included."""
    kinds = "int64 int64 bool uint8 uint64 uint64 uint64 uint64 uint16 uint16 uint8 uint32 int64 int64 int64 uint16"
    for packets in ([], [ethernet() / FOUR / UDP()], [in_udp(4789, b"\x08" + bytes(7) + MAC + b"\x08\0" + DATA)]):
        found, _ = decode(packets)
        assert " ".join(str(column.dtype) for column in found[1:]) == kinds


@pytest.mark.parametrize(
    ("linktype", "before"),
    [
        (0, "02000000"),
        (0, "00000002"),
        (8, "00" * 16),
        (9, "0021"),
        (9, "ff030021"),
        (9, "21"),
        (10, "50" + "00" * 12 + "aaaa030000000800"),
        (12, ""),
        (14, ""),
        (50, "ff030021"),
        (50, "0f000800"),
        (51, "1100000100300021"),
        (101, ""),
        (104, "8f000800"),
        (105, "0801" + "00" * 22 + "aaaa030000000800"),
        (105, "8803" + "00" * 28 + "0000" + "aaaa030000000800"),
        (107, "184103cc"),
        (107, "18410300800000000800"),
        (107, "18410800"),
        (108, "00000002"),
        (113, "0000000100060000000000000000" + "0800"),
        (117, "3d020000" + "00" * 60),
        (127, "00000800" + "00000000" + "0801" + "00" * 22 + "aaaa030000000800"),
        (127, "00000900" + "02000000" + "20" + "8801" + "00" * 22 + "0000" + "0000" + "aaaa030000000800"),
        (192, "00000800" + "01000000" + "00" * 12 + "0800"),
        (228, ""),
        (239, "02000000" + "08000100" + "00000000" + "20000900"),
        (239, "02000000" + "00080001" + "00000000" + "00200009"),
        (276, "0800" + "00" * 18),
        (1, "00" * 12 + "8100000188a8000291000003" + "0800"),
        (1, "00" * 12 + "8847" + "00010040" + "00011140"),
        (1, "00" * 12 + "8847" + "00011140" + "00000000" + "00" * 12 + "0800"),
        (1, "00" * 12 + "8864" + "110000010030" + "0021"),
        (1, "00" * 12 + "0028" + "aaaa030000000800"),
        (1, "00" * 12 + "0028" + "060603"),
        (1, "00" * 12 + "0800"),
    ],
)
def test_link_layers(linktype, before):
    """Behind each link layer the same IPv4 packet is found."""
    found, tally = decode([bytes.fromhex(before) + DATA] * 3, linktype)
    assert payloads(found) == [b"data"] * 3, tally
    assert found.sport.tolist() == [40001] * 3


@pytest.mark.parametrize("family", [10, 23, 24, 28, 30])
def test_null_knows_every_number_of_ipv6(family):
    """AF_INET6 differs from system to system and comes in both byte orders."""
    found, _ = decode([struct.pack(order + "I", family) + DATA6 for order in "<>"], 0)
    assert found.v6.tolist() == [True, True]


@pytest.mark.parametrize(
    ("linktype", "packet", "remark"),
    [
        (1, bytes(Dot3(dst="01:80:c2:00:00:00", src="02:00:00:00:00:01") / LLC() / STP()), "spanning tree, not IP"),
        (1, MAC + bytes.fromhex("88cc0207"), "LLDP, not IP"),
        (1, MAC + bytes.fromhex("0040aaaa0300000c2000"), "CDP, not IP"),
        (1, MAC + bytes.fromhex("0040fefe0383"), "OSI, not IP"),
        (9, bytes.fromhex("ff03c02101010004"), "PPP control, not IP"),
        (9, bytes.fromhex("802101010004"), "PPP control, not IP"),
        (105, bytes.fromhex("8000") + bytes(30), "802.11 management or control, not IP"),
    ],
)
def test_what_is_not_ip_is_a_remark(linktype, packet, remark):
    """Known protocols that are not IP are told apart from what cannot be read."""
    _, tally = decode([packet], linktype)
    assert tally.notes == {remark: 1}
    assert not tally.unreadable


@pytest.mark.parametrize(
    ("linktype", "packet", "reason"),
    [
        (1, MAC, "frame ends within its link header"),
        (1, MAC + b"\x12\x34", "EtherType 0x1234 is not known"),
        (1, MAC + b"\x08\0" + DATA[:19], "frame ends within its IP header"),
        (1, MAC + b"\x08\0" + DATA6, "IP version does not match the link layer"),
        (1, MAC + b"\x08\0" + b"\x44" + DATA[1:], "IP length is below its header"),
        (1, MAC + b"\x08\0" + DATA[:2] + b"\0\x13" + DATA[4:], "IP length is below its header"),
        (1, MAC + b"\x81\0\0\1" * 40, "too many link headers"),
        (101, b"\x10" + DATA[1:], "neither IPv4 nor IPv6"),
        (105, bytes.fromhex("0841") + bytes(40), "802.11 payload encrypted"),
        (9, b"\0\x53abc", "PPP payload encrypted"),
        (0, b"\0\1\2\3" + DATA, "address family is not known"),
        (147, DATA, "link type 147 is not supported"),
    ],
)
def test_what_cannot_be_read_is_counted(linktype, packet, reason):
    """What is malformed, encrypted or unknown is counted with its reason."""
    _, tally = decode([packet, packet], linktype)
    assert tally.unreadable == {reason: 2}


def test_what_the_capture_cut_is_told_from_what_was_short():
    """A header that the capture length cut is counted as cut."""
    packet = MAC + b"\x08\0" + DATA
    _, tally = decode([packet[:13], packet[:33]], 1, [46, 46])
    reasons = {"cut before the end of the link header": 1, "cut before the end of the IP header": 1}
    assert tally.unreadable == reasons


@pytest.mark.parametrize(("kept", "ports", "seq", "flags"), [(3, 0, 0, 0), (4, 7, 0, 0), (8, 7, 5, 0), (14, 7, 5, 16)])
def test_cut_transport_headers_still_say_what_they_can(kept, ports, seq, flags):
    """Of a cut TCP header the fields that are there count; the payload is known by its length alone."""
    whole = bytes(ethernet() / FOUR / TCP(sport=7, dport=7, seq=5, flags="A") / b"12345")
    found, _ = decode([whole[: 34 + kept]], 1, [len(whole)])
    row = found.sport[0], found.dport[0], found.seq[0], found.flags[0], found.size[0], found.kept[0]
    assert row == (ports, ports, seq, flags, 5, 0)
    assert found.marks[0] == Mark.CUT


def test_cut_tcp_options_count_as_header():
    """Where the data offset was captured and the options were not, the size of the payload is still exact."""
    whole = bytes(ethernet() / FOUR / TCP(sport=7, dport=7, flags="A", options=[("NOP", None)] * 8) / b"12345")
    found, tally = decode([whole[:cut] for cut in (34 + 14, 34 + 22)], 1, [len(whole)] * 2)
    assert found.size.tolist() == [5, 5]
    assert found.marks.tolist() == [Mark.CUT] * 2
    assert not tally.notes


def test_cut_payload_is_marked():
    """Payload that the capture cut has its full size, what was kept of it, and a mark."""
    whole = bytes(ethernet() / FOUR / UDP(sport=7, dport=7) / b"12345")
    found, _ = decode([whole[:-2], whole], 1, [len(whole)] * 2)
    assert found.size.tolist() == [5, 5]
    assert found.kept.tolist() == [3, 5]
    assert found.marks.tolist() == [Mark.CUT, 0]


def test_lengths_left_out_by_the_sender():
    """Length 0 is taken from the frame (segmentation offload, BIG TCP), a jumbogram's from its option."""
    big, tcp = 70_000, TCP(sport=7, dport=7, flags="A")
    offloaded = bytes(ethernet() / IP(src="10.0.0.1", dst="10.0.0.2", len=0) / tcp / bytes(40))
    six = bytes(ethernet() / IPv6(src="fd00::1", dst="fd00::2", plen=0, nh=6) / tcp / bytes(40))
    jumbo = IPv6ExtHdrHopByHop(options=[Jumbo(jumboplen=big)])
    option = bytes(ethernet() / IPv6(src="fd00::1", dst="fd00::2", plen=0) / jumbo / tcp / bytes(40))
    empty = bytes(ethernet() / IPv6(src="fd00::1", dst="fd00::2", plen=0, nh=59)) + bytes(6)
    found, _ = decode([offloaded, offloaded, six, option, empty], 1, [len(offloaded), big, big, big + 54, len(empty)])
    assert found.ip_bytes.tolist() == [80, big - 14, big - 14, big + 40, 40]
    assert found.size.tolist() == [40, big - 54, big - 74, big - 28, 0]
    assert found.proto.tolist() == [6, 6, 6, 6, 59]


def test_lengths_that_contradict_each_other():
    """The smaller of UDP's and IP's length counts; a header that cannot be has no payload, and all are noted."""
    found, tally = decode(
        [
            ethernet() / FOUR / UDP(sport=7, dport=7, len=10) / b"12345",
            ethernet() / FOUR / UDP(sport=7, dport=7, len=99) / b"12345",
            ethernet() / FOUR / UDP(sport=7, dport=7, len=0) / b"12345",
            ethernet() / FOUR / UDP(sport=7, dport=7, len=3) / b"12345",
            ethernet() / FOUR / TCP(sport=7, dport=7, dataofs=4) / b"12345",
            ethernet() / FOUR / TCP(sport=7, dport=7, dataofs=15) / b"12345",
            ethernet() / IP(src="10.0.0.1", dst="10.0.0.2", len=500) / UDP(sport=7, dport=7, len=13) / b"12345",
        ]
    )
    assert found.size.tolist() == [2, 5, 5, 0, 0, 0, 5]
    assert found.sport.tolist() == [7] * 7
    assert tally.notes == {
        "UDP length beyond the IP length": 1,
        "UDP length is below its header": 1,
        "transport header is malformed": 2,
        "IP length beyond the end of the frame": 1,
    }


def test_payload_starts_where_each_protocol_says():
    """Behind ICMP's 8 bytes and SCTP's 12; directly behind IP for ESP, AH and what is not known."""
    packets = [
        PING,
        bytes(SIX)[:4] + b"\0\x0c\x3a\x40" + bytes(SIX)[8:] + bytes(8) + b"ping",
        bytes(IP(src="10.0.0.1", dst="10.0.0.2", proto=50) / b"spi.seq."),
        bytes(IP(src="10.0.0.1", dst="10.0.0.2", proto=51) / b"\x32\4AH"),
        bytes(IP(src="10.0.0.1", dst="10.0.0.2", proto=132) / (struct.pack(">HH", 7, 9) + bytes(8) + b"chunk")),
        bytes(IP(src="10.0.0.1", dst="10.0.0.2", proto=253) / b"anything"),
    ]
    found, _ = decode(packets, 101)
    assert payloads(found) == [b"ping", b"ping", b"spi.seq.", b"\x32\4AH", b"chunk", b"anything"]
    assert list(zip(found.sport.tolist(), found.dport.tolist(), strict=True)) == [(0, 0)] * 4 + [(7, 9), (0, 0)]


def test_later_fragments_take_the_ports_of_the_first():
    """Fragments share the ports of their first one, across blocks too; those that come before it have none."""
    pieces = [bytes(ethernet() / each) for each in fragment(FOUR / UDP(sport=7, dport=9) / bytes(3000), 1000)]
    decoder = Decoder(Tally())
    order = [pieces[1], pieces[0], pieces[2]]
    found = decoder.packets(block(order))
    assert found.sport.tolist() == [0, 7, 7]
    assert found.dport.tolist() == [0, 9, 9]
    assert found.size.tolist() == [1000, 992, 1000]
    assert set(found.marks.tolist()) == {Mark.FRAGMENT}
    again = decoder.packets(block([pieces[3]]))
    assert again.dport.tolist() == [9]
    assert again.size.tolist() == [8]


def test_fragments_of_ipv6():
    """Later fragments of IPv6 take ports and protocol from the first; a packet in one piece is no fragment."""
    udp = bytes(UDP(sport=7, dport=9, len=32)) + bytes(8)
    first = SIX / IPv6ExtHdrFragment(nh=17, m=1, id=5) / udp
    later = SIX / IPv6ExtHdrFragment(nh=17, offset=2, id=5) / bytes(16)
    whole = SIX / IPv6ExtHdrFragment(nh=17, id=6) / bytes(UDP(sport=1, dport=2, len=8))
    found, _ = decode([ethernet() / each for each in (first, later, whole)])
    assert found.sport.tolist() == [7, 7, 1]
    assert found.proto.tolist() == [17, 17, 17]
    assert found.size.tolist() == [8, 16, 0]
    assert found.marks.tolist() == [Mark.FRAGMENT, Mark.FRAGMENT, 0]


ETHERNET = MAC + b"\x08\0"
TUNNELS = {
    "ipip": ethernet() / IP(src="10.0.0.1", dst="10.0.0.2", proto=4) / DATA,
    "6in4": ethernet() / IP(src="10.0.0.1", dst="10.0.0.2", proto=41) / DATA6,
    "4in6": ethernet() / IPv6(src="fd00::1", dst="fd00::2", nh=4) / DATA,
    "gre": ethernet() / FOUR / GRE(proto=0x0800, chksum_present=1, key_present=1, seqnum_present=1) / DATA,
    "gre routed": ethernet()
    / IP(src="10.0.0.1", dst="10.0.0.2", proto=47)
    / (b"\x40\0\x08\0" + bytes(4) + b"\x08\0\0\4" + bytes(4) + bytes(4) + DATA),
    "gre ethernet": ethernet() / FOUR / GRE(proto=0x6558) / (ETHERNET + DATA),
    "gre mpls": ethernet() / FOUR / GRE(proto=0x8847) / (b"\0\1\x11\x40" + DATA),
    "gre wccp": ethernet() / FOUR / GRE(proto=0x883E) / (bytes(4) + DATA),
    "erspan 1": ethernet() / FOUR / GRE(proto=0x88BE) / (ETHERNET + DATA),
    "erspan 2": ethernet() / FOUR / GRE(proto=0x88BE, seqnum_present=1) / (b"\x10" + bytes(7) + ETHERNET + DATA),
    "erspan 3": ethernet() / FOUR / GRE(proto=0x22EB, seqnum_present=1) / (b"\x20" + bytes(11) + ETHERNET + DATA),
    "pptp": ethernet()
    / IP(src="10.0.0.1", dst="10.0.0.2", proto=47)
    / (b"\x30\x81\x88\x0b\0\x28" + bytes(10) + b"\xff\x03\0\x21" + DATA),
    "pptp compressed": ethernet()
    / IP(src="10.0.0.1", dst="10.0.0.2", proto=47)
    / (b"\x30\x01\x88\x0b\0\x28" + bytes(6) + b"\x21" + DATA),
    "etherip": ethernet() / IP(src="10.0.0.1", dst="10.0.0.2", proto=97) / (b"\x30\0" + ETHERNET + DATA),
    "mpls in ip": ethernet() / IP(src="10.0.0.1", dst="10.0.0.2", proto=137) / (b"\0\1\x11\x40" + DATA),
    "gtp": in_udp(2152, b"\x30\xff\0\x20" + bytes(4) + DATA),
    "gtp extended": in_udp(2152, b"\x34\xff\0\x2c" + bytes(4) + b"\0\0\0\x85\2\x10\0\0\0\0\0\0" + DATA),
    "vxlan": in_udp(4789, b"\x08" + bytes(7) + ETHERNET + DATA),
    "vxlan linux": in_udp(8472, b"\x08" + bytes(7) + ETHERNET + DATA),
    "vxlan policy": in_udp(4789, b"\x88\0\0\5" + bytes(4) + ETHERNET + DATA),
    "vxlan gpe": in_udp(4790, b"\x0c\0\0\1" + bytes(4) + DATA),
    "geneve": in_udp(6081, b"\x01\0\x65\x58" + bytes(8) + ETHERNET + DATA),
    "gre in udp": in_udp(4754, b"\0\0\x08\0" + DATA),
    "ayiya": in_udp(5072, b"\x42\x52\x11\x29" + bytes(40) + DATA6),
    "capwap": in_udp(5247, b"\0\x10\0\0\0\0\0\0" + ETHERNET + DATA),
    "teredo": in_udp(3544, bytes(IPv6(src="2001:0:1::1", dst="2001:4860::1") / UDP(sport=1, dport=2) / b"data")),
    "teredo authenticated": in_udp(
        3544,
        b"\0\1\0\0"
        + bytes(9)
        + b"\0\0"
        + bytes(6)
        + bytes(IPv6(src="fe80::1", dst="ff02::2") / UDP(sport=1, dport=2) / b"data"),
    ),
    "teredo elsewhere": in_udp(50000, bytes(IPv6(src="2001:0:1::1", dst="2001:4860::1") / UDP(sport=1) / b"data")),
}


@pytest.mark.parametrize("name", TUNNELS)
def test_tunnels_are_looked_into(name):
    """The packet inside each tunnel has a row of its own behind the outer one."""
    found, tally = decode([TUNNELS[name], in_udp(9, b"z")])
    assert inner(found) == [(17, b"data")], tally
    assert found.t.tolist() == [1_000_000_000, 1_000_000_000, 2_000_000_000]
    assert (found.marks & Mark.INNER).astype(bool).tolist() == [False, True, False]
    assert not tally.notes


@pytest.mark.parametrize("port", [2152, 3544, 4754, 4789, 4790, 5072, 5247, 6081, 8472, 40000])
def test_ordinary_traffic_on_a_tunnels_port_is_left_alone(port):
    """Payloads that are no tunnel are not taken for one, whatever their port."""
    generator = random.Random(port)  # noqa: S311 - a repeatable stream, no secret
    made = [generator.randbytes(generator.randint(8, 200)) for _ in range(60)]
    quic = [b"\x60" + generator.randbytes(60) for _ in range(30)]
    found, _ = decode([in_udp(port, each) for each in (DATA, bytes(40), b"GET / HTTP/1.1\r\n\r\n", *made, *quic)])
    assert not inner(found)


def test_tunnels_inside_tunnels_end_somewhere():
    """Nested tunnels are looked into to a bounded depth; what is inside and no IP leaves the outer packet alone."""
    packet = FOUR / UDP(sport=1, dport=2)
    for _ in range(30):
        packet = FOUR / GRE(proto=0x0800) / bytes(packet)
    found, tally = decode(
        [ethernet() / packet, ethernet() / FOUR / GRE(proto=0x6558) / (MAC + b"\x08\x06" + bytes(28))]
    )
    assert len(inner(found)) == 8
    assert tally.notes == {"inside a tunnel: ARP, not IP": 1}


def test_packets_quoted_by_icmp_are_no_packets():
    """The packet that an ICMP error quotes has no row."""
    found, _ = decode([ethernet() / FOUR / ICMP(type=3, code=3) / DATA])
    assert found.proto.tolist() == [1]


def test_link_types_only_scapy_knows(monkeypatch):
    """For a link type the fast path does not know scapy finds the IP header, for a bounded number of packets."""
    monkeypatch.setitem(conf.l2types.num2layer, 150, Ether)
    monkeypatch.setattr("analyzer.capture.decode.LIMIT", 3)
    found, tally = decode([in_udp(9, b"z")] * 5, 150)
    assert payloads(found) == [b"z"] * 3
    assert tally.unreadable == {"link type 150 is not supported": 2}


LINKS = [0, 1, 8, 9, 10, 12, 50, 51, 101, 104, 105, 107, 108, 113, 117, 119, 127, 163, 192, 228, 229, 239, 258, 276]
SEEDS = [bytes(each) for each in TUNNELS.values()]


def same_whatever_lies_between(packets, linktype, wire=None):
    """Decode twice, the packets laid among other bytes: nothing may be read from beyond a packet's end."""
    results = []
    for fill in (0x00, 0x45):
        tally, source = Tally(), block(packets, linktype, wire, fill)
        found = Decoder(tally).packets(source)
        assert accounted(found, tally) == len(packets)
        assert ((found.kept >= 0) & (found.kept <= found.size)).all()
        end = (source.start + source.caplen)[found.t // 1_000_000_000 - 1]
        assert (found.payload + found.kept <= end).all()
        assert (found.payload >= source.start[found.t // 1_000_000_000 - 1]).all()
        results.append((tally, [column.tolist() for column in found[1:]]))
    assert results[0] == results[1]


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck), phases=(Phase.reuse, Phase.generate))
@given(
    st.lists(
        st.one_of(frames().map(lambda made: made[1]), st.sampled_from(SEEDS), st.binary(max_size=120)), max_size=6
    ),
    st.sampled_from(LINKS),
    st.integers(0, 2**32),
)
def test_damaged_packets_never_raise(packets, linktype, seed):
    """Whatever is cut off or overwritten: every packet is accounted for and nothing is read beyond its end."""
    shuffled = random.Random(seed)  # noqa: S311 - a repeatable stream, no secret
    damaged, wire = [], []
    for packet in packets:
        bytes_ = bytearray(packet)
        for _ in range(shuffled.randint(0, 4) if bytes_ else 0):
            bytes_[shuffled.randrange(len(bytes_))] = shuffled.choice(
                [0, 1, 4, 6, 0x45, 0x60, 0x2F, 0x80, 0xFF, shuffled.randrange(256)]
            )
        wire.append(len(bytes_) + shuffled.choice([0, 0, 7, 70_000]))
        damaged.append(bytes(bytes_[: shuffled.randint(0, len(bytes_))] if shuffled.random() < 0.5 else bytes_))
    for kind in {linktype, 1}:
        same_whatever_lies_between(damaged, kind, wire)


def test_damage_without_end():
    """Thousands of packets, each with bytes overwritten and its end cut off, are all accounted for."""
    generator = random.Random(1)  # noqa: S311 - a repeatable stream, no secret
    made, wire = [], []
    for _ in range(4000):
        packet = bytearray(generator.choice(SEEDS))
        for _ in range(generator.randint(1, 3)):
            packet[generator.randrange(len(packet))] = generator.randrange(256)
        wire.append(len(packet))
        made.append(bytes(packet[: generator.randint(0, len(packet))] if generator.random() < 0.4 else packet))
    same_whatever_lies_between(made, 1, wire)
    for linktype in LINKS:
        same_whatever_lies_between([each[generator.randint(0, 14) :] for each in made[:300]], linktype)


def test_rows_are_in_file_order():
    """Rows follow the packets of the file, inner rows behind their outer one."""
    found, _ = decode([*TUNNELS.values(), in_udp(9, b"z")])
    assert np.all(np.diff(found.t) >= 0)
    assert len(found.t) == 2 * len(TUNNELS) + 1


@pytest.mark.shared
def test_real_packets_damaged(shared):
    """Damaged real packets are all accounted for, and nothing is read from beyond their end."""
    generator = random.Random(2)  # noqa: S311 - a repeatable stream, no secret
    for path in sorted((shared / "captures").glob("*/*.*"))[::4]:
        packets = read(path)[:12]
        for linktype in {each[1] for each in packets}:
            mine = [each for each in packets if each[1] == linktype]
            damaged = [damage(data, generator) for data, _, _ in mine]
            same_whatever_lies_between(damaged, linktype, [each[2] for each in mine])


def damage(data, generator):
    """The packet with up to three bytes overwritten, and half of the time its end cut off."""
    made = bytearray(data)
    for _ in range(generator.randint(0, 3) if made else 0):
        made[generator.randrange(len(made))] = generator.randrange(256)
    return bytes(made[: generator.randint(0, len(made))] if generator.random() < 0.5 else made)
