"""Proxies: Shadowsocks, VMess, Trojan, Psiphon, UltraSurf, Lantern, SOCKS, HTTP."""

from __future__ import annotations

import struct
from collections.abc import Iterable

import _tls
from _dns import look_up
from _plain import http, innocents
from _plan import capture
from _wire import Tcp, Trace, noise, number
from _words import FULLY_ENCRYPTED, PLAIN, TLS_IN_TLS, label

SOCKS, HTTP_PROXY = label("socks"), label("http_proxy")
PROXY = "203.0.113.60"
ADDRESS = bytes([203, 0, 113, 80])


def random_stream(tcp: Tcp, first: int, sizes: Iterable[int]) -> None:
    """A first message of `first` bytes, then messages; a positive size goes up. Every byte looks random."""
    tcp.up(noise((tcp.tag, "first"), first))
    for i, size in enumerate(sizes):
        tcp.message(size > 0, noise((tcp.tag, i), abs(size)))


@capture(
    "shadowsocks-aead",
    "AEAD 2017 (salt, sealed length, sealed payload) carrying a TLS request, and AEAD 2022; all bytes random",
    "shadowsocks.org: AEAD; SIP022",
    "nDPI shadowsocks.pcap",
)
def shadowsocks(trace: Trace) -> None:
    innocents(trace)
    for port, salt in ((8388, 32), (8389, 16)):
        tcp = trace.tcp(PROXY, port, FULLY_ENCRYPTED).open()
        header = 2 + 16 + 16  # sealed length, its tag, the payload's tag
        random_stream(
            tcp, salt + header + 19 + 517, (-(salt + header + 2900), 34 + 80, 34 + 300, -(34 + 1200), 34 + 90, -2000)
        )
        tcp.close()


@capture(
    "vmess",
    "VMess AEAD over TCP: authentication id, sealed header, chunks; all bytes random",
    "v2fly: VMess AEAD",
    "nDPI tls_heur__vmess-tcp.pcapng",
)
def vmess(trace: Trace) -> None:
    innocents(trace)
    tcp = trace.tcp(PROXY, 10_086, FULLY_ENCRYPTED).open()
    random_stream(tcp, 16 + 18 + 8 + 61 + 16 + 34 + 517, (-(38 + 34 + 2900), 34 + 80, 34 + 300, -1234, 34 + 90, -2034))
    tcp.close()


def inner_tls(tcp: Tcp, extra: int) -> None:
    """Records whose sizes are those of a TLS 1.3 handshake and requests inside, each `extra` bytes longer."""
    _tls.talk(tcp, (517 + 58 + extra, -(127 + 6 + 2800 + 74 + extra), 80 + extra, 93 + 340 + extra, -(590 + extra)))
    _tls.talk(tcp, (31 + extra, -(1400 + extra), -(1400 + extra), 200 + extra, -(1400 + extra), -(900 + extra)))


@capture(
    "trojan",
    "TLS with an ordinary name whose records have the sizes of another TLS handshake inside; beside it the"
    " same server visited by a browser",
    "trojan-gfw: protocol; Xue et al. 2024",
    "nDPI tls_heur__trojan-tcp-tls.pcapng",
)
def trojan(trace: Trace) -> None:
    innocents(trace)
    look_up(trace, "blog.example.org", "203.0.113.61")
    for i in range(2):
        tcp = trace.tcp("203.0.113.61", 443, TLS_IN_TLS).open()
        _tls.open_13(tcp, _tls.client_hello("blog.example.org", (tcp.tag, i)), flight=2100)
        inner_tls(tcp, 17 + 5)
        tcp.close()
    _tls.session(trace.tcp("203.0.113.61", 443), "blog.example.org", (430, -700, 120, -8000, 110, -3000))


@capture(
    "psiphon",
    "a shared certificate that names psiphon3.net, no SNI; an obfuscated-SSH tunnel (random bytes)",
    "names in public captures; psiphon-tunnel-core: obfuscator",
    "nDPI psiphon3.pcap",
)
def psiphon(trace: Trace) -> None:
    innocents(trace)
    ders = [
        _tls.certificate("cdn.example.net", "Example CA", names=["cdn.example.net", "psiphon3.net", "*.psiphon3.net"])
    ]
    tcp = trace.tcp("203.0.113.62", 443, label("psiphon", "name"))
    _tls.session_12(tcp, "", ders, (420, -900, 300, -1900))
    ssh = trace.tcp("203.0.113.63", 8022, FULLY_ENCRYPTED).open()
    random_stream(ssh, 16 + 8 + 700, (-1400, 60, -900, 540, -80, 300, -2100))
    ssh.close()


@capture(
    "ultrasurf",
    "the fixed first eight bytes of UltraSurf's own protocol; TLS to the same server and port",
    "bytes as public rule sets state",
    "nDPI ultrasurf.pcap",
)
def ultrasurf(trace: Trace) -> None:
    innocents(trace)
    expected = label("ultrasurf")
    tcp = trace.tcp("203.0.113.64", 37_898, expected).open()
    tcp.up(bytes.fromhex("cc1c30415ba43866") + noise((tcp.tag, "first"), 1280))
    tcp.down(noise((tcp.tag, "answer"), 700))
    for i in range(5):
        tcp.up(noise((tcp.tag, i), 400))
        tcp.down(noise((tcp.tag, i, "down"), 1288))
    tcp.close()
    _tls.session(trace.tcp("203.0.113.64", 37_898, expected), "", (180, -1288, 100, -2576), alpn=())


@capture(
    "lantern",
    "Lantern's own hosts named in TLS and DNS; a fronted proxy whose name is an ordinary site",
    "list of names: getlantern.org, lantern.io",
)
def lantern(trace: Trace) -> None:
    innocents(trace)
    look_up(trace, "config.getiantem.org", "203.0.113.65")
    api = label("lantern", "name", kind="control")
    _tls.session(trace.tcp("203.0.113.65", 443, api), "config.getiantem.org", (300, -2400))
    look_up(trace, "lantern.io", "203.0.113.66")
    _tls.session(trace.tcp("203.0.113.66", 443, label("vpn_site", "name", "Lantern")), "lantern.io")
    look_up(trace, "img.example.net", "203.0.113.67")
    _tls.session(trace.tcp("203.0.113.67", 443, PLAIN), "img.example.net", (600, -2100, 70, -1400))


def relay(tcp: Tcp) -> None:
    """A clear-text request through an open proxy connection."""
    tcp.up(b"GET / HTTP/1.1\r\nHost: www.example.com\r\n\r\n")
    tcp.down(b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nexample\n")
    tcp.close()


@capture(
    "socks4",
    "SOCKS4 with an address, SOCKS4a with a name, a refused request",
    "SOCKS 4 and 4A (Lee; Koblas)",
    "arkime socks4-https.pcap",
)
def socks4(trace: Trace) -> None:
    innocents(trace)
    requests = (
        (struct.pack(">BBH", 4, 1, 80) + ADDRESS + b"user\0", 0x5A),
        (struct.pack(">BBH", 4, 1, 80) + b"\0\0\0\1" + b"user\0www.example.com\0", 0x5A),
        (struct.pack(">BBH", 4, 1, 25) + ADDRESS + b"\0", 0x5B),
    )
    for request, code in requests:
        tcp = trace.tcp(PROXY, 1080, SOCKS).open()
        tcp.up(request)
        tcp.down(bytes([0, code]) + request[2:4] + ADDRESS)
        if code == 0x5A:
            relay(tcp)
        else:
            tcp.close()


def socks5_request(tcp: Tcp, address: bytes, port: int = 80, command: int = 1) -> None:
    """A SOCKS5 request and its success."""
    tcp.up(bytes([5, command, 0]) + address + struct.pack(">H", port))
    tcp.down(b"\5\0\0\1" + ADDRESS + struct.pack(">H", port))


NAME = b"\3\x0fwww.example.com"


@capture(
    "socks5",
    "SOCKS5: no authentication with a name, an address, an IPv6 address; UDP ASSOCIATE; TLS inside; odd port",
    "RFC 1928",
    "arkime socks5-http-302.pcap",
)
def socks5(trace: Trace) -> None:
    innocents(trace)
    for address, port in (
        (NAME, 1080),
        (b"\1" + ADDRESS, 9050),
        (b"\4" + bytes.fromhex("20010db8" + "0" * 22 + "80"), 7777),
    ):
        tcp = trace.tcp(PROXY, port, SOCKS).open()
        tcp.up(b"\5\1\0")
        tcp.down(b"\5\0")
        socks5_request(tcp, address)
        relay(tcp)
    tcp = trace.tcp(PROXY, 1080, SOCKS).open()
    tcp.up(b"\5\2\0\1")
    tcp.down(b"\5\0")
    socks5_request(tcp, NAME, 443)
    _tls.open_13(tcp, _tls.client_hello("www.example.com", tcp.tag))
    _tls.talk(tcp, _tls.BROWSING)
    tcp.close()
    tcp = trace.tcp(PROXY, 1080, SOCKS).open()
    tcp.up(b"\5\1\0")
    tcp.down(b"\5\0")
    socks5_request(tcp, b"\1\0\0\0\0", 0, 3)
    tcp.close()


@capture(
    "socks5-password",
    "SOCKS5 with user name and password, accepted and refused",
    "RFC 1928, 1929",
    "arkime socks-http-pass.pcap",
)
def socks5_password(trace: Trace) -> None:
    innocents(trace)
    for status in (0, 1):
        tcp = trace.tcp(PROXY, 1080, SOCKS).open()
        tcp.up(b"\5\3\0\1\2")
        tcp.down(b"\5\2")
        tcp.up(b"\1\5alice\6secret")
        tcp.down(bytes([1, status]))
        if status:
            tcp.close()
            continue
        socks5_request(tcp, NAME)
        relay(tcp)


@capture(
    "http-connect",
    "CONNECT answered with 200 (TLS inside; ports 3128 and 8443), with 407 (a proxy) and with 405 (none)",
    "RFC 9110, 9.3.6",
    "nDPI http_connect.pcap",
)
def http_connect(trace: Trace) -> None:
    innocents(trace)
    for port in (3128, 8443):
        tcp = trace.tcp(PROXY, port, HTTP_PROXY).open()
        tcp.up(b"CONNECT www.example.com:443 HTTP/1.1\r\nHost: www.example.com:443\r\n\r\n")
        tcp.down(b"HTTP/1.1 200 Connection established\r\n\r\n")
        _tls.open_13(tcp, _tls.client_hello("www.example.com", tcp.tag))
        _tls.talk(tcp, _tls.BROWSING)
        tcp.close()
    refusals = (
        ("203.0.113.60", HTTP_PROXY, "407 Proxy Authentication Required\r\nProxy-Authenticate: Basic"),
        ("203.0.113.81", PLAIN, "405 Method Not Allowed\r\nAllow: GET"),
    )
    for server, expected, status in refusals:
        refused = trace.tcp(server, 3128, expected).open()
        refused.up(b"CONNECT www.example.com:443 HTTP/1.1\r\nHost: www.example.com:443\r\n\r\n")
        refused.down(f"HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n".encode())
        refused.close()


@capture(
    "http-absolute",
    "absolute URIs through a proxy to other hosts; absolute URIs to the very host that serves them, and"
    " port 8080 with ordinary requests, are not proxies",
    "RFC 9112, 3.2.2",
    "zeek http_proxy.pcap",
)
def http_absolute(trace: Trace) -> None:
    innocents(trace)
    tcp = trace.tcp(PROXY, 8080, HTTP_PROXY).open()
    for host in ("news.example.com", "maps.example.org", "shop.example.net"):
        tcp.up(f"GET http://{host}/ HTTP/1.1\r\nHost: {host}\r\nProxy-Connection: keep-alive\r\n\r\n".encode())
        tcp.down(b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\nVia: 1.1 proxy.example.com\r\n\r\nexample\n")
    tcp.close()
    look_up(trace, "chat.example.com", "203.0.113.68")
    own = trace.tcp("203.0.113.68", 80, PLAIN).open()
    own.up(
        b"POST http://chat.example.com/mmtls/1a2b HTTP/1.1\r\nHost: chat.example.com\r\nContent-Length: 4\r\n\r\nabcd"
    )
    own.down(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nefgh")
    own.close()
    plain = trace.tcp("203.0.113.69", 8080, PLAIN).open()
    plain.up(b"GET /api/items HTTP/1.1\r\nHost: api.example.com:8080\r\n\r\n")
    plain.down(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
    plain.close()
    http(trace, path=f"/?n={number(trace.name, 1, 9)}")
