"""IPsec: IKEv1 (RFC 2408), IKEv2 (RFC 7296), NAT traversal (RFC 3948, 8229), ESP (RFC 4303), AH (RFC 4302)."""

from __future__ import annotations

import struct
from collections.abc import Iterable

from _dns import look_up
from _plain import innocents
from _plan import capture
from _wire import Datagrams, Flow, Trace, Udp, noise
from _words import PLAIN, Label, label
from scapy.layers.inet import IP, UDP
from scapy.packet import Raw

GATEWAY = "203.0.113.5"
IPSEC = label("ipsec")
MARKER = bytes(4)  # in front of IKE on port 4500

Payload = tuple[int, bytes]  # type, body


def chain(payloads: Iterable[Payload]) -> tuple[int, bytes]:
    """Type of the first payload, and all of them with generic headers."""
    listed = list(payloads)
    following = [kind for kind, _ in listed[1:]] + [0]
    parts = [struct.pack(">BBH", n, 0, 4 + len(b)) + b for n, (_, b) in zip(following, listed, strict=True)]
    return (listed[0][0] if listed else 0), b"".join(parts)


def ike(
    spis: tuple[bytes, bytes], version: int, exchange: int, flags: int, message: int, payloads: Iterable[Payload]
) -> bytes:
    """An IKE message in clear."""
    first, body = chain(payloads)
    return b"".join(spis) + struct.pack(">BBBBII", first, version, exchange, flags, message, 28 + len(body)) + body


def sealed(spis: tuple[bytes, bytes], exchange: int, flags: int, message: int, size: int, inner: int = 35) -> bytes:
    """An IKEv2 message with one Encrypted payload."""
    body = struct.pack(">BBH", inner, 0, 4 + size) + noise((spis, message, flags), size)
    return b"".join(spis) + struct.pack(">BBBBII", 46, 0x20, exchange, flags, message, 28 + len(body)) + body


def sealed_v1(spis: tuple[bytes, bytes], exchange: int, message: int, size: int, first: int = 5) -> bytes:
    """An IKEv1 message with the encryption flag."""
    body = noise((spis, message, size, first), size)
    return b"".join(spis) + struct.pack(">BBBBII", first, 0x10, exchange, 1, message, 28 + size) + body


def transforms(items: Iterable[tuple[int, int, int]]) -> bytes:
    """IKEv2 transforms (type, id, key length); attribute 14 carries the length."""
    listed = list(items)
    out = b""
    for i, (kind, ident, bits) in enumerate(listed):
        attribute = struct.pack(">HH", 0x800E, bits) if bits else b""
        out += struct.pack(">BBHBBH", 3 * (i < len(listed) - 1), 0, 8 + len(attribute), kind, 0, ident) + attribute
    return out


def proposal_v2() -> bytes:
    """AES-CBC-256, PRF and integrity SHA2-256, group 19."""
    items = ((1, 12, 256), (2, 5, 0), (3, 12, 0), (4, 19, 0))
    body = transforms(items)
    return struct.pack(">BBHBBBB", 0, 0, 8 + len(body), 1, 1, 0, len(items)) + body


def proposal_v1() -> bytes:
    """One phase-1 proposal: 3DES would be older; AES-256, SHA, group 14, pre-shared key, eight hours."""
    attributes = [(1, 7), (14, 256), (2, 2), (4, 14), (3, 1), (11, 1), (12, 28_800)]
    body = b"".join(struct.pack(">HH", 0x8000 | kind, value) for kind, value in attributes)
    transform = struct.pack(">BBHBBH", 0, 0, 8 + len(body), 1, 1, 0) + body
    return struct.pack(">II", 1, 1) + struct.pack(">BBHBBBB", 0, 0, 8 + len(transform), 1, 1, 0, 1) + transform


def spis(flow: Flow) -> tuple[tuple[bytes, bytes], tuple[bytes, bytes]]:
    """SPIs of the first message, and of all later ones."""
    initiator, responder = noise((flow.tag, "spi i"), 8), noise((flow.tag, "spi r"), 8)
    return (initiator, bytes(8)), (initiator, responder)


def vendor(hexadecimal: str) -> Payload:
    """An IKEv1 vendor id payload."""
    return (13, bytes.fromhex(hexadecimal))


DPD, XAUTH, NAT_T = "afcad71368a1f1c96b8696fc77570100", "09002689dfd6b712", "4a131c81070358455c5728f20e95452f"


def main_mode(flow: Udp, floating: Udp) -> None:
    """IKEv1 main mode; the last two messages and quick mode on port 4500."""
    first, both = spis(flow)
    flow.up(ike(first, 0x10, 2, 0, 0, [(1, proposal_v1()), vendor(DPD), vendor(XAUTH), vendor(NAT_T)]))
    flow.down(ike(both, 0x10, 2, 0, 0, [(1, proposal_v1()), vendor(DPD), vendor(NAT_T)]))
    for up in (True, False):
        exchange: list[Payload] = [(4, noise((flow.tag, "ke", up), 256)), (10, noise((flow.tag, "n", up), 20))]
        exchange += [(20, noise((flow.tag, "nat-d", up, i), 20)) for i in (1, 2)]
        (flow.up if up else flow.down)(ike(both, 0x10, 2, 0, 0, exchange))
    floating.t = flow.t
    floating.up(MARKER + sealed_v1(both, 2, 0, 64))
    floating.down(MARKER + sealed_v1(both, 2, 0, 80))
    for up, size in ((True, 168), (False, 168), (True, 56)):
        (floating.up if up else floating.down)(MARKER + sealed_v1(both, 32, 0x5A17C0DE, size, 8))


def sa_init(flow: Udp, notify: bool = True) -> tuple[bytes, bytes]:
    """IKE_SA_INIT both ways; the SPIs for what follows."""
    first, both = spis(flow)
    detection: list[Payload] = [(41, struct.pack(">BBH", 0, 0, k) + noise((flow.tag, k), 20)) for k in (16_388, 16_389)]
    for up in (True, False):
        body: list[Payload] = [(33, proposal_v2()), (34, struct.pack(">HH", 19, 0) + noise((flow.tag, "ke", up), 64))]
        body += [(40, noise((flow.tag, "nonce", up), 32)), *(detection if notify else [])]
        (flow.up if up else flow.down)(ike(first if up else both, 0x20, 34, 8 if up else 32, 0, body))
    return both


def authenticate(flow: Udp, both: tuple[bytes, bytes], marker: bytes = MARKER) -> None:
    """IKE_AUTH both ways."""
    flow.up(marker + sealed(both, 35, 8, 1, 380))
    flow.down(marker + sealed(both, 35, 32, 1, 1100))


def esp(tag: object, up: bool, sequence: int, size: int) -> bytes:
    """An ESP packet: SPI of the direction, sequence number, noise."""
    return noise((tag, "esp spi", up), 4) + struct.pack(">I", sequence) + noise((tag, up, sequence), size)


def esp_in_udp(flow: Udp, count: int, first: int = 1) -> None:
    """ESP in UDP both ways and a keepalive."""
    for i in range(count):
        flow.up(esp(flow.tag, True, first + i, 88 + i % 3 * 16))
        flow.down(esp(flow.tag, False, first + i, 120 + i * 112 % 1200))
    flow.up(b"\xff")


def raw_esp(flow: Datagrams, count: int, first: int = 1) -> None:
    """ESP straight behind IP, both ways."""
    for i in range(count):
        flow.packet(True, Raw(esp(flow.tag, True, first + i, 88 + i % 3 * 16)))
        flow.packet(False, Raw(esp(flow.tag, False, first + i, 120 + i * 112 % 1200)))


def ikev2(trace: Trace, server: str, expected: Label, client: str = "192.0.2.10", count: int = 8) -> None:
    """IKEv2 on 500, then 4500, then ESP in UDP."""
    flow = trace.udp(server, 500, expected, client=client, sport=500)
    both = sa_init(flow)
    floating = trace.udp(server, 4500, expected, client=client, sport=4500)
    floating.t = flow.t
    authenticate(floating, both)
    esp_in_udp(floating, count)


@capture(
    "ikev1-main-mode",
    "IKEv1 main mode with vendor ids and NAT detection, quick mode and ESP on 4500",
    "RFC 2408, 3947, 3948",
    "zeek-spicy-ipsec ipsec-ikev1-isakmp-main-mode.pcap",
)
def ikev1(trace: Trace) -> None:
    innocents(trace)
    flow = trace.udp(GATEWAY, 500, IPSEC, sport=500)
    floating = trace.udp(GATEWAY, 4500, IPSEC, sport=4500)
    main_mode(flow, floating)
    esp_in_udp(floating, 6)


@capture(
    "ikev2-nat-t",
    "IKE_SA_INIT on 500, IKE_AUTH on 4500, ESP in UDP, keepalive",
    "RFC 7296, 3948",
    "nDPI ipsec_isakmp_esp.pcap",
)
def ikev2_nat_t(trace: Trace) -> None:
    innocents(trace)
    ikev2(trace, GATEWAY, IPSEC)


@capture("esp-udp-mid-session", "ESP in UDP 4500 only; a game on port 4500 that is nothing of the kind", "RFC 3948")
def esp_udp_mid_session(trace: Trace) -> None:
    innocents(trace)
    esp_in_udp(trace.udp(GATEWAY, 4500, IPSEC), 10, first=81_000)
    game = trace.udp("203.0.113.90", 4500, PLAIN)
    for i in range(10):
        game.up(b"\1\0" + struct.pack("<I", i) + b"move x=%d y=%d" % (i, 2 * i))
        game.down(b"\2\0" + struct.pack("<I", i) + b"state ok tick=%d" % (100 + i))


@capture(
    "esp-ah",
    "IKEv2 on 500 without NAT, ESP, AH around IP and UDP, AH around ESP",
    "RFC 4303, 4302",
    "arkime ah-esp.pcap",
)
def esp_ah(trace: Trace) -> None:
    innocents(trace)
    flow = trace.udp(GATEWAY, 500, IPSEC, sport=500)
    authenticate(flow, sa_init(flow), b"")
    raw_esp(trace.ip(GATEWAY, 50, IPSEC), 6)
    ah = trace.ip("203.0.113.6", 51, IPSEC)
    for i in range(4):
        up = i % 2 == 0
        inner = bytes(
            IP(src="192.0.2.130", dst="203.0.113.130", id=i) / UDP(sport=4000, dport=4001) / Raw(b"report %d" % i)
        )
        ah.packet(up, Raw(auth_header(4, noise((ah.tag, up), 4), i // 2 + 1) + inner))
    both = trace.ip("203.0.113.7", 51, IPSEC)
    for i in range(4):
        up = i % 2 == 0
        both.packet(up, Raw(auth_header(50, noise((both.tag, up), 4), i // 2 + 1) + esp(both.tag, up, i // 2 + 1, 104)))


def auth_header(following: int, spi: bytes, sequence: int) -> bytes:
    """AH with a 96-bit check value."""
    return struct.pack(">BBH", following, 4, 0) + spi + struct.pack(">I", sequence) + noise(("icv", spi, sequence), 12)


@capture("esp-ipv6", "IKEv2 and ESP over IPv6", "RFC 4303, 7296", "zeek ip6_esp.pcap")
def esp_ipv6(trace: Trace) -> None:
    innocents(trace)
    flow = trace.udp("2001:db8:5::5", 500, IPSEC, client="2001:db8:1::10", sport=500)
    authenticate(flow, sa_init(flow), b"")
    raw_esp(trace.ip("2001:db8:5::5", 50, IPSEC, client="2001:db8:1::10"), 8)


@capture("ike-tcp", "IKE and ESP over TCP 4500 behind the prefix IKETCP", "RFC 8229 (obsoleted by RFC 9329)")
def ike_tcp(trace: Trace) -> None:
    innocents(trace)
    tcp = trace.tcp(GATEWAY, 4500, IPSEC).open()
    first, both = spis(tcp)
    tcp.up(b"IKETCP")
    start: list[Payload] = [
        (33, proposal_v2()),
        (34, struct.pack(">HH", 19, 0) + noise("ke", 64)),
        (40, noise("n", 32)),
    ]

    def put(up: bool, data: bytes) -> None:
        tcp.message(up, struct.pack(">H", len(data) + 2) + data)

    put(True, MARKER + ike(first, 0x20, 34, 8, 0, start))
    put(False, MARKER + ike(both, 0x20, 34, 32, 0, start))
    put(True, MARKER + sealed(both, 35, 8, 1, 380))
    put(False, MARKER + sealed(both, 35, 32, 1, 1100))
    for i in range(6):
        put(True, esp(tcp.tag, True, i + 1, 104))
        put(False, esp(tcp.tag, False, i + 1, 600))
    tcp.close()


@capture(
    "wifi-calling",
    "an operator's ePDG looked up by its 3GPP name, IKEv2 and ESP to it: IPsec, but telephony",
    "3GPP TS 23.003 19.4.2.9, GSMA IR.51",
    "nDPI ipsec_isakmp_esp.pcap (probably)",
)
def wifi_calling(trace: Trace) -> None:
    innocents(trace)
    look_up(trace, "epdg.epc.mnc001.mcc001.pub.3gppnetwork.org", "203.0.113.30")
    ikev2(trace, "203.0.113.30", label("wifi_calling", "name"))
    ikev2(trace, GATEWAY, IPSEC, client="192.0.2.11")


@capture(
    "ospf-ah",
    "OSPFv3 with AH between routers, to ff02::5 and link-local: not a VPN",
    "RFC 4552",
    "tcpdump OSPFv3_with_AH.pcap",
)
def ospf_ah(trace: Trace) -> None:
    innocents(trace)
    lookalike = label("routing_authentication")
    hello = struct.pack(">BBHIIHBB", 3, 1, 36, 0x01010101, 0, 0, 0, 0) + struct.pack(
        ">IBBHHHII", 5, 1, 0, 0x13, 10, 40, 0, 0
    )
    everyone = trace.ip("ff02::5", 51, lookalike, client="fe80::1")
    neighbour = trace.ip("fe80::2", 51, lookalike, client="fe80::1")
    for i in range(4):
        everyone.packet(True, Raw(auth_header(89, b"\0\0\1\1", i + 1) + hello))
        everyone.wait(10 * 10**9)
        neighbour.packet(i % 2 == 0, Raw(auth_header(89, b"\0\0\1\1", i + 1) + hello))
