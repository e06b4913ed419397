"""What captures are like outside laboratories: cut, one-way, late, fragmented, out of order, split, padded, long."""

from __future__ import annotations

import struct

import _quic
import _tls
from _dns import answer, look_up, question
from _on_ipsec import IPSEC, spis
from _on_openvpn import OPENVPN, data, negotiate, plain, start
from _on_wireguard import Keys, handshake, session
from _on_wireguard import data as transport
from _plain import http, innocents, web
from _plan import capture
from _wire import HOUR, MS, SECOND, START, Tcp, Trace, noise
from _words import PLAIN, label

MULLVAD = label("vpn_api", "name", "Mullvad")


@capture(
    "cut-snaplen",
    "96 bytes kept of every packet: headers stand, server names are not observable (which is not 'no name');"
    " OpenVPN and WireGuard still show",
    "pcap-savefile: snapshot length",
    "zeek llc.pcap",
)
def cut_snaplen(trace: Trace) -> None:
    trace.snaplen = 96
    innocents(trace)
    negotiated = start(trace.udp("203.0.113.94", 1194, OPENVPN), plain)
    negotiate(negotiated)
    data(negotiated, 10)
    session(trace, "203.0.113.51", 51820)
    _tls.session(trace.tcp("203.0.113.163", 443, PLAIN), "api.mullvad.net")
    _quic.session(trace.udp("203.0.113.163", 443, PLAIN), "api.mullvad.net")


@capture(
    "one-way",
    "asymmetric routing: only what the client sent of TLS, SOCKS, WireGuard, DNS; only what the server sent of another",
    "none needed",
)
def one_way(trace: Trace) -> None:
    innocents(trace)
    named = trace.tcp("203.0.113.163", 443, MULLVAD)
    named.keep = {"up"}
    _tls.session(named, "api.mullvad.net")
    back = trace.tcp("203.0.113.163", 443, PLAIN)
    back.keep = {"down"}
    _tls.session(back, "api.mullvad.net")
    keys = Keys(trace.udp("203.0.113.51", 51820, label("wireguard"), client="192.0.2.12"))
    keys.flow.keep = {"up"}
    handshake(keys)
    transport(keys, 16)
    asked = trace.udp("198.51.100.53", 53)
    asked.up(question("one.example.com", 12))


@capture(
    "mid-stream",
    "TCP connections whose SYN is older than the capture: TLS data, an OpenVPN data channel, SOCKS payload",
    "none needed",
)
def mid_stream(trace: Trace) -> None:
    innocents(trace)
    web_tcp = trace.tcp("203.0.113.80", 443)
    _tls.talk(web_tcp, (300, -1300, 200, -900))
    web_tcp.close()
    late = start(trace.tcp("203.0.113.94", 443, OPENVPN), plain)
    data(late, 40, first=9_000)
    relayed = trace.tcp("203.0.113.60", 1080)
    relayed.up(b"GET /second HTTP/1.1\r\nHost: www.example.com\r\n\r\n")
    relayed.down(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
    relayed.close()


@capture(
    "fragments",
    "IPv4 and IPv6 fragments: a large DNS answer, IKE with certificates, OpenVPN data, one datagram that lacks a piece",
    "RFC 791, 8200",
    "zeek ipv4_fragmented-3.pcap",
)
def fragments(trace: Trace) -> None:
    innocents(trace)
    dns = trace.udp("198.51.100.53", 53)
    dns.up(question("big.example.com", 5, "TXT", edns=4096))
    dns.fragmented(False, answer("big.example.com", 5, [b"v=%d " % i + b"x" * 190 for i in range(8)], "TXT"))
    ike_in_fragments(trace, "203.0.113.5", "192.0.2.10")
    ike_in_fragments(trace, "2001:db8:5::5", "2001:db8:1::10")
    tunnel = start(trace.udp("203.0.113.94", 1194, OPENVPN), plain)
    negotiate(tunnel)
    tunnel.flow.fragmented(True, struct.pack(">II", 0x48000003, 1) + noise("large", 1500))  # type: ignore[attr-defined]
    data(tunnel, 6, first=2)
    lost = trace.udp("203.0.113.88", 9000)
    lost.fragmented(True, b"report " * 250)
    lost.trace.records.pop(-2)
    lost.packets -= 1
    lost.bytes -= 620


def ike_in_fragments(trace: Trace, server: str, client: str) -> None:
    """IKEv1 whose messages carry certificates and need several fragments."""
    from _on_ipsec import Payload, ike, proposal_v1

    flow = trace.udp(server, 500, IPSEC, client=client, sport=500)
    first, both = spis(flow)
    flow.up(ike(first, 0x10, 2, 0, 0, [(1, proposal_v1())]))
    flow.down(ike(both, 0x10, 2, 0, 0, [(1, proposal_v1())]))
    large: list[Payload] = [
        (4, noise((flow.tag, "ke"), 256)),
        (10, noise((flow.tag, "n"), 20)),
        (6, b"\4" + large_certificate()),
    ]
    flow.fragmented(True, ike(both, 0x10, 2, 0, 0, large))
    flow.fragmented(False, ike(both, 0x10, 2, 0, 0, large))


def large_certificate() -> bytes:
    """A certificate with many names."""
    return _tls.certificate(
        "vpn.example.com", "Example CA", names=[f"gateway{i:02d}.vpn.example.com" for i in range(45)]
    )


@capture(
    "disorder",
    "TCP segments out of order, repeated and overlapping around a ClientHello and a SOCKS request; packets written to"
    " the file twice",
    "RFC 9293",
)
def disorder(trace: Trace) -> None:
    innocents(trace)
    swapped = trace.tcp("203.0.113.163", 443, MULLVAD).open()
    hello = _tls.hello_record(_tls.client_hello("api.mullvad.net", swapped.tag, pad_to=700))
    out_of_order(swapped, hello, 300)
    swapped.down(_tls.record(22, _tls.server_hello(swapped.tag)) + _tls.CCS + _tls.app("c", 900))
    swapped.close()
    repeated = trace.tcp("203.0.113.60", 1080, label("socks")).open()
    for up, message in (
        (True, b"\5\1\0"),
        (False, b"\5\0"),
        (True, b"\5\1\0\1\xcb\0\x71\x50\0\x50"),
        (False, b"\5\0\0\1" + bytes(6)),
    ):
        before = repeated.seq[up]
        repeated.message(up, message)
        repeated.seq[up] = before
        repeated.wait(200 * MS)
        repeated.message(up, message)
    repeated.close()
    twice = web(trace, "twice.example.com")
    double(trace, twice)


def double(trace: Trace, flow: Tcp) -> None:
    """Write what this flow sent a second time, as a mirror port that sees both directions does."""
    port = struct.pack(">H", flow.sport)
    mine = [r for r in trace.records if port in (r[1][34:36], r[1][36:38])]
    trace.records += [(t + MS // 100, raw, wire) for t, raw, wire in mine]
    flow.packets, flow.bytes = 2 * flow.packets, 2 * flow.bytes


def out_of_order(tcp: Tcp, message: bytes, at: int) -> None:
    """The second part of a message before the first."""
    start_of = tcp.seq[True]
    tcp.seq[True] = (start_of + at) % 2**32
    tcp.segment(True, "PA", message[at:])
    tcp.seq[True] = start_of
    tcp.segment(True, "A", message[:at])
    tcp.seq[True] = (start_of + len(message)) % 2**32


@capture(
    "split-hello",
    "a ClientHello over two and over many TCP segments, over two TLS records, over two and three QUIC datagrams,"
    " CRYPTO frames in the wrong order",
    "RFC 8446, 5.1; RFC 9000, 19.6",
    "nDPI quic_frags_ch_in_multiple_packets.pcap",
)
def split_hello(trace: Trace) -> None:
    innocents(trace)
    for size in (260, 40):
        tcp = trace.tcp("203.0.113.163", 443, MULLVAD).open()
        message = _tls.hello_record(_tls.client_hello("api.mullvad.net", tcp.tag))
        tcp.message(True, message, size)
        tcp.down(_tls.record(22, _tls.server_hello(tcp.tag)) + _tls.CCS + _tls.app("c", 900))
        tcp.close()
    records = trace.tcp("203.0.113.163", 443, MULLVAD).open()
    whole = _tls.client_hello("api.mullvad.net", records.tag)
    records.up(_tls.hello_record(whole[:100]) + _tls.hello_record(whole[100:]))
    records.down(_tls.record(22, _tls.server_hello(records.tag)) + _tls.CCS + _tls.app("c", 900))
    records.close()
    for count in (2, 3):
        more = _tls.extension(0x6A6A, noise("grease", 1000 * count - 1000))
        udp = trace.udp("203.0.113.163", 443, MULLVAD)
        _quic.session(udp, "api.mullvad.net", datagrams=count, more=more)
    reversed_frames(trace)


def reversed_frames(trace: Trace) -> None:
    """The second half of the ClientHello first, both in one Initial."""
    udp = trace.udp("203.0.113.163", 443, MULLVAD)
    quic = _quic.connection(udp)
    hello = _quic.quic_hello("api.mullvad.net", udp.tag, scid=quic.scid)
    half = len(hello) // 2
    frames = _quic.crypto(hello[half:], half) + b"\1" + _quic.crypto(hello[:half])
    keys = _quic.initial_keys(quic.dcid, b"client in")
    udp.up(_quic.initial(quic.dcid, quic.scid, frames, 0, keys, size=1200))
    _quic.answer_hello(quic)
    _quic.exchange(quic, (200, -600))


@capture("short-frames", "Ethernet frames padded to 60 bytes: the padding is no payload", "IEEE 802.3; RFC 894")
def short_frames(trace: Trace) -> None:
    from scapy.packet import Padding

    plain_frame = trace.frame

    def padded(packet: object, up: bool) -> object:
        frame = plain_frame(packet, up)  # type: ignore[arg-type]
        return frame / Padding(bytes(max(0, 60 - len(frame))))

    trace.frame = padded  # type: ignore[assignment]
    innocents(trace)
    socks = trace.tcp("203.0.113.60", 1080, label("socks")).open()
    for up, message in (
        (True, b"\5\1\0"),
        (False, b"\5\0"),
        (True, b"\5\1\0\1\xcb\0\x71\x50\0\x50"),
        (False, b"\5\0\0\1" + bytes(6)),
    ):
        socks.message(up, message)
    socks.close()
    tiny = trace.udp("203.0.113.89", 5004)
    for i in range(3):
        tiny.up(bytes([65 + i]))
        tiny.down(b"")


@capture(
    "hours",
    "five hours from 22:10 UTC over midnight: WireGuard in the second, third and fifth, web in every one, a flow that"
    " lasts over three",
    "none needed",
)
def hours(trace: Trace) -> None:
    long = Keys(trace.udp("203.0.113.51", 51820, label("wireguard"), client="192.0.2.15"))
    long.flow.t = START + HOUR + 30 * 60 * SECOND
    handshake(long)
    for hour in range(1, 4):
        long.flow.t = max(long.flow.t, START + hour * HOUR + 31 * 60 * SECOND)
        for i in range(8):
            transport_pair(long, hour * 100 + i)
            long.flow.wait(25 * SECOND)
    for hour in range(5):
        trace.now = START + hour * HOUR + 10 * 60 * SECOND
        web(trace, f"hour{hour}.example.com", client=f"192.0.2.{30 + hour}")
        if hour in (1, 2, 4):
            session(trace, "203.0.113.52", 51820, client=f"192.0.2.{40 + hour}", count=5)
    http(trace)


def transport_pair(keys: Keys, counter: int) -> None:
    """A data message each way."""
    from _on_wireguard import transport as one

    one(keys, True, counter, 120)
    one(keys, False, counter, 400)


@capture(
    "unreadable",
    "packets no flow can be made of: ARP, LLDP, IPv4 and IPv6 headers cut short, IP version 6 under IPv4's EtherType, a"
    " header length below 20; and one look-up",
    "RFC 826, 791, 8200; IEEE 802.1AB",
)
def unreadable(trace: Trace) -> None:
    from scapy.layers.l2 import ARP, Ether

    head = bytes(Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02", type=0x0800))
    head6 = head[:12] + b"\x86\xdd"
    broken = [
        bytes(Ether(src="02:00:00:00:00:01", dst="ff:ff:ff:ff:ff:ff") / ARP(psrc="192.0.2.10", pdst="192.0.2.1")),
        bytes.fromhex("0180c200000e02000000000188cc0207040200000000010403076574683006020078") + bytes(2),
        head + b"\x45\0\0\x28\0\1",
        head + bytes.fromhex("650000280001000040060000") + bytes(8),
        head + bytes.fromhex("420000280001000040060000") + bytes(8),
        head6 + b"\x60\0\0\0\0\x10\x11\x40" + bytes(12),
    ]
    for i, raw in enumerate(broken):
        trace.records.append((START + i * SECOND, raw, len(raw)))
    look_up(trace, "only.example.com", "203.0.113.80")
