"""One small capture in every container, compression and link type, and inside tunnels that are no VPN."""

from __future__ import annotations

import bz2
import gzip
import lzma
import struct
from collections.abc import Callable
from typing import Any

import _tls
from _dns import look_up
from _files import enhanced, interface, pcap, section, simple
from _on_wireguard import session
from _plan import CAPTURES, Capture, capture
from _wire import CLIENT6, MAC_INSIDE, MAC_OUTSIDE, Trace, Tunnel, noise
from _words import PLAIN, label
from scapy.contrib.mpls import MPLS
from scapy.layers.dot11 import Dot11, Dot11QoS, RadioTap
from scapy.layers.inet import UDP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import GRE, LLC, SNAP, CookedLinux, Dot1AD, Dot1Q, Dot3, Ether
from scapy.layers.ppp import PPPoE
from scapy.layers.vxlan import VXLAN
from scapy.packet import Packet, Raw

SERVER6 = "2001:db8:5::80"
LINKS_PAGE = "tcpdump.org/linktypes.html"


def small(trace: Trace, *, v4: bool = True, v6: bool = True, **via: Any) -> None:
    """A look-up, a short TLS visit and a WireGuard handshake over IPv4, the last also over IPv6."""
    if v4:
        look_up(trace, "www.example.com", "203.0.113.80", **via)
        tcp = trace.tcp("203.0.113.80", 443, **via).open()
        _tls.open_13(tcp, _tls.client_hello("www.example.com", tcp.tag, pad_to=0), flight=300)
        tcp.close()
        session(trace, "203.0.113.51", 51820, count=2, **via)
    if v6:
        session(trace, SERVER6, 51820, client=CLIENT6, count=2, **via)


def zstandard(data: bytes) -> bytes:
    """A Zstandard frame."""
    import zstandard as codec

    return codec.ZstdCompressor(level=3, write_checksum=True).compress(data)


@capture(
    "small",
    "the base of all variants: little-endian, microseconds; also as .gz, .zst, .bz2 and .xz",
    "pcap file format",
    "wireshark dns+icmp.pcapng.gz",
)
def small_base(trace: Trace) -> dict[str, bytes]:
    small(trace)
    data = pcap(trace.sorted(), 1)
    squeezed = {
        ".gz": gzip.compress(data, 9, mtime=0),
        ".zst": zstandard(data),
        ".bz2": bz2.compress(data),
        ".xz": lzma.compress(data),
    }
    return {"small.pcap": data} | {f"small.pcap{suffix}": content for suffix, content in squeezed.items()}


@capture("small-nanoseconds", "classic file with nanoseconds", "pcap file format", "tcpdump tcp-handshake-nano.pcap")
def small_nanoseconds(trace: Trace) -> dict[str, bytes]:
    small(trace)
    return {"small-nanoseconds.pcap": pcap(trace.sorted(), 1, nano=True)}


@capture("small-big-endian", "classic file in big-endian order", "pcap file format", "arkime bigendian.pcap")
def small_big_endian(trace: Trace) -> dict[str, bytes]:
    small(trace)
    return {"small-big-endian.pcap": pcap(trace.sorted(), 1, order=">")}


@capture(
    "small-sections",
    "pcapng: a little-endian section with two interfaces (microseconds; 2^-20 s with an offset), a big-endian"
    " section in nanoseconds",
    "draft-ietf-opsawg-pcapng",
    "zeek pcapng-multi-interface.pcapng",
)
def small_sections(trace: Trace) -> dict[str, bytes]:
    small(trace)
    records = trace.sorted()
    half = len(records) // 2
    offset = 1_000_000_000
    blocks = [section(), interface(1), interface(1, resolution=0x94, offset=offset)]
    for i, record in enumerate(records[:half]):
        second = {"number": 1, "units": 2**20, "offset": offset} if i % 2 else {}
        blocks.append(enhanced(record, **second))
    blocks += [section(">"), interface(1, resolution=9, order=">")]
    blocks += [enhanced(record, units=10**9, order=">") for record in records[half:]]
    return {"small-sections.pcapng": b"".join(blocks)}


@capture("small-simple", "pcapng with simple packet blocks: no times", "draft-ietf-opsawg-pcapng")
def small_simple(trace: Trace) -> dict[str, bytes]:
    small(trace)
    return {"small-simple.pcapng": section() + interface(1) + b"".join(simple(record) for record in trace.sorted())}


def kind(packet: Packet) -> int:
    """The EtherType of an IP packet."""
    return 0x86DD if isinstance(packet, IPv6) else 0x0800


def ends(up: bool) -> dict[str, str]:
    """Ethernet addresses."""
    return {"src": MAC_INSIDE, "dst": MAC_OUTSIDE} if up else {"src": MAC_OUTSIDE, "dst": MAC_INSIDE}


def prefix(make: Callable[[Packet, bool], bytes]) -> Callable[[Packet, bool], Packet]:
    """A frame that is some bytes in front of the packet."""
    return lambda packet, up: Raw(make(packet, up) + bytes(packet))


def ppp_kind(packet: Packet) -> bytes:
    return b"\0\x57" if kind(packet) == 0x86DD else b"\0\x21"


def snap(packet: Packet) -> Packet:
    return LLC(dsap=0xAA, ssap=0xAA, ctrl=3) / SNAP(OUI=0, code=kind(packet)) / packet


def dot11(packet: Packet, up: bool) -> Packet:
    """A data frame from or to an access point."""
    station, router, bss = "02:00:00:00:00:01", "02:00:00:00:00:02", "02:00:00:00:00:03"
    addresses = (bss, station, router) if up else (station, bss, router)
    return (
        Dot11(type=2, subtype=8, FCfield=1 if up else 2, addr1=addresses[0], addr2=addresses[1], addr3=addresses[2])
        / Dot11QoS()
        / snap(packet)
    )


def nflog(packet: Packet, up: bool) -> bytes:
    """Family, version, group, then attributes: packet header, prefix, payload."""
    family = 10 if kind(packet) == 0x86DD else 2
    head = struct.pack("<HHHBB", 8, 1, kind(packet) >> 8 | (kind(packet) & 0xFF) << 8, 0, 0)
    name = struct.pack("<HH", 4 + 8, 10) + b"uptake\0\0"
    return struct.pack(">BBH", family, 0, 5) + head + name + struct.pack("<HH", 4 + len(packet), 9)


def sll2(packet: Packet, up: bool) -> bytes:
    address = bytes.fromhex((MAC_INSIDE if up else MAC_OUTSIDE).replace(":", "")) + bytes(2)
    return struct.pack(">HHIHBB", kind(packet), 0, 2, 1, 4 if up else 0, 6) + address


def family(order: str, six: int) -> Callable[[Packet, bool], bytes]:
    """BSD loopback: the address family of the host."""
    return lambda packet, up: struct.pack(order + "I", six if kind(packet) == 0x86DD else 2)


def pppoe(packet: Packet, up: bool) -> Packet:
    return (
        Ether(**ends(up), type=0x8864)
        / PPPoE(sessionid=0x11, len=len(packet) + 2)
        / Raw(ppp_kind(packet) + bytes(packet))
    )


def mpls(packet: Packet, up: bool) -> Packet:
    return (
        Ether(**ends(up), type=0x8847) / MPLS(label=18, s=0, ttl=62) / MPLS(label=20, s=1, ttl=62) / Raw(bytes(packet))
    )


def cooked(packet: Packet, up: bool) -> Packet:
    source = bytes.fromhex((MAC_INSIDE if up else MAC_OUTSIDE).replace(":", ""))
    return CookedLinux(pkttype=4 if up else 0, lladdrtype=1, lladdrlen=6, src=source, proto=kind(packet)) / Raw(
        bytes(packet)
    )


Frame = Callable[[Packet, bool], Packet]
LINKS: dict[str, tuple[int, str, Frame]] = {
    "vlan": (1, "802.1Q tag", lambda p, up: Ether(**ends(up)) / Dot1Q(vlan=100) / p),
    "qinq": (1, "802.1ad and 802.1Q tags", lambda p, up: Ether(**ends(up)) / Dot1AD(vlan=200) / Dot1Q(vlan=100) / p),
    "llc": (1, "IEEE 802.3 length field with LLC and SNAP", lambda p, up: Dot3(**ends(up)) / snap(p)),
    "mpls": (1, "two MPLS labels", mpls),
    "mpls-vlan": (1, "802.1Q tag, then an MPLS label",
                  lambda p, up: Ether(**ends(up)) / Dot1Q(vlan=7, type=0x8847) / MPLS(label=30, s=1) / Raw(bytes(p))),
    "pppoe": (1, "PPPoE session", pppoe),
    "ppp": (9, "PPP with address and control bytes", prefix(lambda p, up: b"\xff\x03" + ppp_kind(p))),
    "ppp-hdlc": (50, "PPP in HDLC-like framing", prefix(lambda p, up: b"\xff\x03" + ppp_kind(p))),
    "cisco-hdlc": (104, "Cisco HDLC", prefix(lambda p, up: b"\x0f\0" + struct.pack(">H", kind(p)))),
    "sll": (113, "Linux cooked capture", cooked),
    "sll2": (276, "Linux cooked capture version 2", prefix(sll2)),
    "raw-12": (12, "raw IP, link type 12", lambda p, up: p),
    "raw-14": (14, "raw IP, link type 14", lambda p, up: p),
    "raw-101": (101, "raw IP, link type 101", lambda p, up: p),
    "ipv4-228": (228, "raw IPv4", lambda p, up: p),
    "ipv6-229": (229, "raw IPv6", lambda p, up: p),
    "null": (0, "BSD loopback, little-endian family, IPv6 as 30", prefix(family("<", 30))),
    "loop": (108, "OpenBSD loopback, family in network order, IPv6 as 24", prefix(family(">", 24))),
    "wifi": (105, "802.11 QoS data frames", dot11),
    "radiotap": (127, "radiotap header, 802.11 QoS data frames", lambda p, up: RadioTap() / dot11(p, up)),
    "nflog": (239, "Linux netfilter log", prefix(nflog)),
    "frame-relay": (107, "frame relay with NLPID (RFC 2427)",
                    prefix(lambda p, up: b"\x18\x41\x03" + (b"\x8e" if kind(p) == 0x86DD else b"\xcc"))),
    "slip": (8, "SLIP with its 16-byte pseudo-header", prefix(lambda p, up: bytes([up]) + b"\x70" + bytes(14))),
}  # fmt: skip


def declare_link(name: str, linktype: int, words: str, frame: Frame) -> None:
    """One capture per link type."""

    def build(trace: Trace) -> None:
        trace.linktype, trace.frame = linktype, frame
        small(trace, v4=linktype != 229, v6=linktype != 228)

    CAPTURES[f"link-{name}"] = Capture(f"link-{name}", f"link type {linktype}: {words}", LINKS_PAGE, "", build)


for _name, (_linktype, _words_, _frame) in LINKS.items():
    declare_link(_name, _linktype, _words_, _frame)


def through(
    trace: Trace, names: tuple[str, str], ports: tuple[int, int], proto: int, family_: str, wrap: Any
) -> Tunnel:
    """An outer flow of an encapsulation."""
    return trace.tunnel((*names, *ports), proto, label(family_) if family_ else PLAIN, wrap)


OUTER, OUTER6 = ("192.0.2.1", "198.51.100.1"), ("2001:db8:a::1", "2001:db8:b::1")


@capture("tunnel-6in4", "IPv6 in IPv4 (protocol 41)", "RFC 4213", "nDPI 6in4tunnel.pcap")
def six_in_four(trace: Trace) -> None:
    small(trace, v4=False, via=through(trace, OUTER, (0, 0), 41, "6in4", lambda up, p: p))
    look_up(trace, "after.example.com", "203.0.113.80")


@capture("tunnel-4in6", "IPv4 in IPv6 (next header 4)", "RFC 2473, 6333", "nDPI 4in6tunnel.pcap")
def four_in_six(trace: Trace) -> None:
    small(trace, v6=False, via=through(trace, OUTER6, (0, 0), 4, "ipip", lambda up, p: p))
    look_up(trace, "after.example.com", "203.0.113.80")


@capture(
    "tunnel-gre",
    "IP in GRE with key and sequence number, IP in GRE without, Ethernet in GRE",
    "RFC 2784, 2890, 1701",
    "arkime gre-erspan.pcap",
)
def gre(trace: Trace) -> None:
    keyed = through(
        trace,
        OUTER,
        (0, 0),
        47,
        "gre",
        lambda up, p: (
            GRE(proto=kind(p), key_present=1, key=9, seqnum_present=1, sequence_number=len(trace.records)) / p
        ),
    )
    small(trace, via=keyed)
    bare = through(trace, ("192.0.2.2", "198.51.100.2"), (0, 0), 47, "gre", lambda up, p: GRE(proto=kind(p)) / p)
    small(trace, v6=False, via=bare)
    bridged = through(
        trace, ("192.0.2.3", "198.51.100.3"), (0, 0), 47, "gre", lambda up, p: GRE(proto=0x6558) / Ether(**ends(up)) / p
    )
    small(trace, v6=False, via=bridged)


@capture(
    "tunnel-gtp",
    "GTP-U between a base station and a gateway, with and without a sequence number",
    "3GPP TS 29.281",
    "nDPI ipv6_in_gtp.pcap",
)
def gtp(trace: Trace) -> None:
    def wrap(up: bool, packet: Packet) -> Packet:
        tunnel, body = 0x1001 if up else 0x2002, bytes(packet)
        extra = struct.pack(">HBB", len(trace.records), 0, 0) if up else b""
        head = struct.pack(">BBHI", 0x32 if up else 0x30, 0xFF, len(body) + len(extra), tunnel) + extra
        return UDP(sport=2152, dport=2152) / Raw(head + body)

    small(trace, via=through(trace, OUTER, (2152, 2152), 17, "", wrap))


class Pair:
    """Two one-way outer flows: one for what goes up, one for what comes back."""

    def __init__(self, there: Tunnel, back: Tunnel) -> None:
        self.flows = (back, there)
        self.gap, self.t, self._last = there.gap, there.t, None

    def carry(self, up: bool, packet: Packet) -> None:
        flow = self.flows[up]
        flow.t = self.t
        flow.carry(True, packet)


def vxlan_layers(port: int, up: bool, packet: Packet) -> Packet:
    """The layers of a VXLAN packet behind IP."""
    return UDP(sport=port, dport=4789) / VXLAN(vni=77, flags=8) / Ether(**ends(up)) / packet


@capture("tunnel-vxlan", "Ethernet in VXLAN, a source port per direction", "RFC 7348", "nDPI vxlan.pcap")
def vxlan(trace: Trace) -> None:
    there = through(trace, OUTER, (50_001, 4789), 17, "", lambda _, p: vxlan_layers(50_001, True, p))
    back = through(trace, OUTER[::-1], (50_002, 4789), 17, "", lambda _, p: vxlan_layers(50_002, False, p))
    small(trace, via=Pair(there, back))


TEREDO_CLIENT = "2001:0:cb00:7110:0:6fb7:3fff:fdf5"  # server 203.0.113.16, client 192.0.2.10 port 36936, both inverted


@capture(
    "tunnel-teredo",
    "router solicitation with authentication, advertisement with origin indication, then TLS and WireGuard in IPv6",
    "RFC 4380",
    "nDPI teredo.pcap",
)
def teredo(trace: Trace) -> None:
    from scapy.layers.inet6 import ICMPv6ND_RA, ICMPv6ND_RS, ICMPv6NDOptPrefixInfo

    authentication = b"\0\1\0\0" + noise("nonce", 8) + b"\0"
    origin = b"\0\0" + struct.pack(">H", 36_936 ^ 0xFFFF) + bytes(b ^ 0xFF for b in (192, 0, 2, 10))
    front = {"up": authentication, "down": authentication + origin}
    server = through(
        trace,
        ("192.0.2.10", "203.0.113.16"),
        (36_936, 3544),
        17,
        "teredo",
        lambda up, p: teredo_udp(up, front["up" if up else "down"] + bytes(p)),
    )
    solicit = trace.ip("fe80::8000:f227:34ff:8eef", 58, client="fe80::ffff:ffff:ffff", via=server)
    solicit.packet(True, ICMPv6ND_RS())
    solicit.packet(False, ICMPv6ND_RA() / ICMPv6NDOptPrefixInfo(prefix="2001:0:cb00:7110::", prefixlen=64))
    relay = through(
        trace,
        ("192.0.2.10", "203.0.113.96"),
        (36_936, 3545),
        17,
        "teredo",
        lambda up, p: teredo_udp(up, bytes(p), 3545),
    )
    tcp = trace.tcp(SERVER6, 443, client=TEREDO_CLIENT, via=relay).open()
    _tls.open_13(tcp, _tls.client_hello("www.example.com", tcp.tag), flight=300)
    tcp.close()
    session(trace, SERVER6, 51820, client=TEREDO_CLIENT, count=2, via=relay)


def teredo_udp(up: bool, data: bytes, port: int = 3544) -> Packet:
    """The UDP layer of a Teredo packet."""
    return UDP(sport=36_936 if up else port, dport=port if up else 36_936) / Raw(data)


@capture("tunnel-ipip", "IPv4 in IPv4 (protocol 4)", "RFC 2003")
def ipip(trace: Trace) -> None:
    outer = through(trace, OUTER, (0, 0), 4, "ipip", lambda up, p: p)
    small(trace, v6=False, via=outer)


@capture("tunnel-vlan-gtp", "GTP-U in IPv6 behind an 802.1Q tag", "3GPP TS 29.281, IEEE 802.1Q")
def vlan_gtp(trace: Trace) -> None:
    trace.frame = LINKS["vlan"][2]

    def wrap(up: bool, packet: Packet) -> Packet:
        body = bytes(packet)
        return UDP(sport=2152, dport=2152) / Raw(struct.pack(">BBHI", 0x30, 0xFF, len(body), 7) + body)

    small(trace, via=through(trace, OUTER6, (2152, 2152), 17, "", wrap))
