"""Products with their own signs: SoftEther, AnyConnect, Fortinet, GlobalProtect, tinc, ZeroTier, Hamachi."""

from __future__ import annotations

import struct

import _dtls
import _tls
from _dns import look_up
from _plain import http, innocents
from _plan import capture
from _wire import SECOND, Trace, Udp, noise
from _words import PLAIN, label

SOFTETHER = label("softether")


def softether_pack(items: list[tuple[str, int, bytes]]) -> bytes:
    """SoftEther's key-value message: count, then length-prefixed name, type, count, value."""
    out = struct.pack(">I", len(items))
    for name, kind, value in items:
        out += struct.pack(">I", len(name) + 1) + name.encode() + struct.pack(">II", kind, 1) + value
    return out


def text(value: str) -> bytes:
    return struct.pack(">I", len(value)) + value.encode()


@capture(
    "softether",
    "NAT-T keepalive and registration on UDP 5004, DDNS over HTTP, and the HTTP watermark without its TLS",
    "SoftEther source: Cedar/Protocol.h, Mayaqua/Network.c; sizes as seen in public captures",
    "nDPI softether.pcap",
)
def softether(trace: Trace) -> None:
    innocents(trace)
    look_up(trace, "x1.x1.dev.servers.nat-traversal.softether-network.net", "203.0.113.20")
    udp = trace.udp("203.0.113.20", 5004, SOFTETHER)
    for i in range(5):
        udp.up(b"A")
        udp.down(b"IP=192.0.2.10,PORT=%d" % udp.sport)
        if i == 2:
            number = struct.pack(">I", 1)
            udp.up(
                softether_pack(
                    [("host_name", 2, text("vpn")), ("machine_id", 1, text("example")), ("nat_type", 0, number)]
                )
            )
            udp.down(softether_pack([("first", 0, number), ("my_ip", 2, text("192.0.2.10")), ("ok", 0, number)]))
        udp.wait(20 * SECOND)
    ddns(trace)
    softether_http(trace)


def ddns(trace: Trace) -> None:
    """Registration of a dynamic name over HTTP."""
    host = "x1.x1.servers.ddns.softether-network.net"
    look_up(trace, host, "203.0.113.21")
    tcp = trace.tcp("203.0.113.21", 80, label("softether", "name", kind="control")).open()
    body = b"data=" + noise("ddns", 200).hex().encode()
    head = f"POST /ddns/ddns.aspx?v=1234567890 HTTP/1.1\r\nHost: {host}\r\nContent-Length: {len(body)}\r\n"
    tcp.up(f"{head}Content-Type: application/x-www-form-urlencoded\r\n\r\n".encode() + body)
    tcp.down(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK")
    tcp.close()


def softether_http(trace: Trace) -> None:
    """The watermark upload: a POST to /vpnsvc/connect.cgi with an image, then the HTTP answer with a pack."""
    tcp = trace.tcp("203.0.113.22", 80, SOFTETHER).open()
    dot = bytes.fromhex("2c000000000100010000" + "0202440100" + "3b")
    image = b"GIF89a\1\0\1\0\x80\0\0\0\0\0\xff\xff\xff" + dot
    head = "POST /vpnsvc/connect.cgi HTTP/1.1\r\nHost: 203.0.113.22\r\nContent-Type: image/jpeg\r\n"
    tcp.up(f"{head}Connection: Keep-Alive\r\nContent-Length: {len(image)}\r\n\r\n".encode() + image)
    pack = softether_pack([("hello", 2, text("softether")), ("version", 0, struct.pack(">I", 443))])
    answer = f"HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: {len(pack)}\r\n\r\n"
    tcp.down(answer.encode() + pack)
    tcp.close()


@capture(
    "anyconnect",
    "TLS to a gateway, then DTLS to the same address and port: once under the pre-standard version 0x0100 that this"
    " product alone kept, once under DTLS 1.2, where only the pair shows it; DTLS to a host without TLS, and TLS to a"
    " host with media over DTLS, are none",
    "draft-mavrogiannopoulos-openconnect-04, RFC 6347",
    "nDPI anyconnect-vpn.pcap",
)
def anyconnect(trace: Trace) -> None:
    innocents(trace)
    look_up(trace, "gateway.example.com", "203.0.113.25")
    gateway(trace, "203.0.113.25", 0x0100)
    gateway(trace, "203.0.113.26", _dtls.VERSION)
    _dtls.full(trace.udp("203.0.113.36", 443, PLAIN), (60, -90) * 4)
    _tls.session(trace.tcp("203.0.113.37", 443, PLAIN), "meet.example.com")
    _dtls.full(trace.udp("203.0.113.37", 443, label("webrtc")), (), more=_tls.extension(14, b"\0\4\0\1\0\7\0"))


def gateway(trace: Trace, server: str, version: int) -> None:
    """TLS to a gateway and DTLS to the same address and port."""
    expected = label("anyconnect")
    tcp = trace.tcp(server, 443, expected)
    tcp.open()
    ders = [_tls.certificate("gateway.example.com", "Example CA", names=["gateway.example.com"])]
    _tls.open_12(tcp, _tls.client_hello("gateway.example.com", tcp.tag, tls13=False, alpn=()), ders)
    _tls.talk(tcp, (600, -400, 700, -1200))
    udp = trace.udp(server, 443, expected)
    udp.t = tcp.t
    _dtls.resumed(udp, 12, version)
    tcp.t = udp.t
    _tls.talk(tcp, (37, -37))
    tcp.close()


def certificate_vpn(trace: Trace, server: str, port: int, family: str, subject: str, organisation: str) -> None:
    """A TLS 1.2 session without a server name whose certificate names the product's maker."""
    ders = [_tls.certificate(subject, "support", organisation=organisation)]
    sizes = (320, -260, 180, -1200, 90, -600, 90, -900, 120, -150)
    _tls.session_12(trace.tcp(server, port, label(family, "name")), "", ders, sizes, alpn=())


@capture(
    "fortinet",
    "SSL VPN on TCP 10443 with the appliance's own certificate (Fortinet, FortiGate)",
    "subject of default certificates",
)
def fortinet(trace: Trace) -> None:
    innocents(trace)
    certificate_vpn(trace, "203.0.113.27", 10443, "fortinet", "FGT60F0000000001", "Fortinet")


@capture(
    "globalprotect",
    "TLS with a Palo Alto Networks portal named in SNI, and ESP in UDP 4501 to the same gateway",
    "Palo Alto Networks: ports used for GlobalProtect; list of names",
)
def globalprotect(trace: Trace) -> None:
    from _on_ipsec import esp_in_udp

    innocents(trace)
    look_up(trace, "portal.gpcloudservice.com", "203.0.113.28")
    tunnel = label("globalprotect", "name")
    _tls.session(trace.tcp("203.0.113.28", 443, tunnel), "portal.gpcloudservice.com", alpn=())
    provider = tunnel.provider  # from the look-up
    esp_in_udp(trace.udp("203.0.113.28", 4501, label("ipsec", provider=provider)), 8)


@capture(
    "tinc",
    "tinc 1.0 meta connection (ID and METAKEY lines, then cipher); its UDP data, which only the neighbour shows",
    "tinc manual, 7.2",
    "nDPI tinc.pcap (not collected)",
)
def tinc(trace: Trace) -> None:
    innocents(trace)
    tcp = trace.tcp("203.0.113.29", 655, label("tinc")).open()
    tcp.up(b"0 alpha 17\n")
    tcp.down(b"0 beta 17\n")
    for up in (True, False):
        tcp.message(up, b"1 94 64 0 0 " + noise((tcp.tag, up), 256).hex().upper().encode() + b"\n")
    for i in range(4):
        tcp.up(noise((tcp.tag, "up", i), 41 + 30 * i))
        tcp.down(noise((tcp.tag, "down", i), 60 + 50 * i))
    udp = trace.udp("203.0.113.29", 655, label("tinc"), sport=655)
    udp.t = tcp.t
    for i in range(8):
        (udp.up if i % 2 == 0 else udp.down)(noise((udp.tag, i), 120 + i * 100))


def zerotier_packet(flow: Udp, up: bool, verb: int, size: int) -> bytes:
    """Packet id, destination and source address, cipher and hops, MAC, verb, payload."""
    here, there = bytes.fromhex("89e92ceee5"), bytes.fromhex("778cde7190")
    ends = there + here if up else here + there
    body = bytes([verb]) + noise((flow.tag, up, verb, size), size)
    return noise((flow.tag, "id", up, size), 8) + ends + b"\x08" + noise((flow.tag, "mac", up, size), 8) + body


@capture(
    "zerotier", "HELLO and OK with a root server on UDP 9993, then peer traffic", "ZeroTier source: node/Packet.hpp"
)
def zerotier(trace: Trace) -> None:
    innocents(trace)
    root = trace.udp("203.0.113.31", 9993, label("zerotier"), sport=9993)
    hello = bytearray(zerotier_packet(root, True, 1, 0))
    hello[18] = 0x00  # cipher Poly1305, no encryption: a HELLO is sent in clear
    version = struct.pack(">BBBHQ", 12, 1, 12, 0, trace.now // 10**6)
    root.up(bytes(hello) + version + bytes.fromhex("89e92ceee5") + b"\0" + noise("identity", 64) + b"\0" + bytes(20))
    root.down(zerotier_packet(root, False, 3, 60))
    root.wait(5 * SECOND)
    for i in range(6):
        (root.up if i % 2 == 0 else root.down)(zerotier_packet(root, i % 2 == 0, 6, 90 + i * 110))


@capture(
    "hamachi",
    "LogMeIn Hamachi: mediation named in TLS, UDP data on 17771 with constant session bytes and a counter",
    "as the nDPI change that added it describes (pull request 2860)",
)
def hamachi(trace: Trace) -> None:
    innocents(trace)
    look_up(trace, "bibi.hamachi.cc", "203.0.113.32")
    tcp = trace.tcp("203.0.113.32", 12975, label("hamachi")).open()
    for i in range(6):
        body = noise((tcp.tag, i, "head"), 8) + b"\x7b\x7a\x0d\xad" + noise((tcp.tag, i), 320 + 40 * i)
        tcp.message(i % 2 == 0, struct.pack(">I", len(body)) + body)
    tcp.close()
    udp = trace.udp("203.0.113.33", 17771, label("hamachi"), sport=17771)
    for i in range(16):
        up = i % 2 == 0
        session = noise((udp.tag, "session", up), 6)
        data = session[:4] + struct.pack(">I", 1 + i // 2) + session[4:] + noise((udp.tag, i), 52 + i * 40)
        (udp.up if up else udp.down)(data)


@capture(
    "cisco-ipsec-udp",
    "Cisco's IPsec over UDP 10000 (fe 57 7e 2b), and clear-text HTTP on 10000 that is not",
    "as public rule sets state",
)
def cisco_ipsec_udp(trace: Trace) -> None:
    innocents(trace)
    http(trace)
    udp = trace.udp("203.0.113.34", 10_000, label("ipsec"), sport=10_000)
    for i in range(10):
        up = i % 2 == 0
        data = (
            b"\xfe\x57\x7e\x2b"
            + noise((udp.tag, "spi", up), 4)
            + struct.pack(">I", 1 + i // 2)
            + noise((udp.tag, i), 96)
        )
        (udp.up if up else udp.down)(data)
    web = trace.tcp("203.0.113.35", 10_000).open()
    web.up(b"GET /status HTTP/1.1\r\nHost: status.example.com\r\n\r\n")
    web.down(b"HTTP/1.1 204 No Content\r\n\r\n")
    web.close()
