"""Decoding: bytes of packets into columns."""

from __future__ import annotations

from _blocks import accounted, address, block, payloads
from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import ARP, Dot1Q, Ether

from analyzer.capture.decode import Decoder
from analyzer.capture.records import Tally


def decode(packets, linktype=1, wire=None):
    tally = Tally()
    found = Decoder(tally).packets(block([bytes(each) for each in packets], linktype, wire))
    assert accounted(found, tally) == len(packets)
    return found, tally


def test_columns_of_plain_packets():
    """Addresses, ports, flags, lengths and payload of plain packets come out as they went in, padding left out."""
    found, tally = decode(
        [
            Ether() / IP(src="10.0.0.1", dst="10.0.0.2") / UDP(sport=5, dport=53) / b"abc" / b"",
            Ether()
            / Dot1Q(vlan=7)
            / IPv6(src="fd00::1", dst="fd00::2")
            / TCP(sport=1, dport=443, flags="PA", seq=9)
            / b"hello",
            bytes(Ether() / IP() / TCP(sport=8, dport=9, flags="S")) + b"\0" * 6,
            Ether() / ARP(),
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
    assert address(False, found.src0[0], found.src1[0]) == bytes([10, 0, 0, 1])
    assert address(True, found.dst0[1], found.dst1[1]) == bytes.fromhex("fd" + "00" * 14 + "02")
