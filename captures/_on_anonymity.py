"""Tor and its transports: vanilla TLS link, obfs4, Snowflake, meek."""

from __future__ import annotations

import _dtls
import _stun
import _tls
from _dns import look_up
from _plain import innocents
from _plan import capture
from _wire import SECOND, Trace, noise, number
from _words import FULLY_ENCRYPTED, PLAIN, label

TOR = label("tor")
BASE32 = "abcdefghijklmnopqrstuvwxyz234567"
CELL = 514  # link protocol 4: circuit id of four bytes
TOR_CIPHERS = "c02b c02f cca9 cca8 c02c c030 c00a c009 c013 c014 0033 0039 002f 0035 000a 00ff"


def random_host(tag: object, suffix: str) -> str:
    """www. and 8 to 20 base-32 letters, as Tor's link handshake draws them (tor-spec, 2.1)."""
    size = number((tag, suffix, "size"), 8, 20)
    return "www." + "".join(BASE32[b % 32] for b in noise((tag, suffix), size)) + suffix


def cells(count: int) -> int:
    """Bytes of a TLS record with that many cells."""
    return CELL * count + 24


@capture(
    "tor-tls12",
    "two relay links over TLS 1.2: random www names in SNI, certificate of www.<random>.net issued by"
    " www.<random>.com, cells of 514 bytes; ports 9001 and 443",
    "tor-spec, 2 and 3",
    "nDPI tor.pcap",
)
def tor_tls12(trace: Trace) -> None:
    innocents(trace)
    for server, port in (("203.0.113.41", 9001), ("203.0.113.42", 443)):
        tcp = trace.tcp(server, port, TOR).open()
        hello = _tls.client_hello(
            random_host(tcp.tag, ".com"), tcp.tag, tls13=False, alpn=(), ciphers=TOR_CIPHERS, pad_to=0
        )
        der = _tls.certificate(random_host((tcp.tag, "subject"), ".net"), random_host((tcp.tag, "issuer"), ".com"))
        _tls.open_12(tcp, hello, [der])
        _tls.talk(tcp, (35, -1800, cells(1), -cells(1), cells(1), -cells(1), cells(2), -cells(4), cells(1), -cells(2)))
        tcp.close()


@capture(
    "tor-tls13",
    "a relay link over TLS 1.3: the certificate is encrypted, the random name and the cell sizes remain;"
    " beside it a visit to an ordinary www name in .com",
    "tor-spec, 2",
)
def tor_tls13(trace: Trace) -> None:
    innocents(trace)
    tcp = trace.tcp("203.0.113.43", 443, TOR).open()
    hello = _tls.client_hello(
        random_host(tcp.tag, ".com"), tcp.tag, alpn=(), ciphers="1302 1303 1301 " + TOR_CIPHERS, pad_to=0
    )
    _tls.open_13(tcp, hello, flight=700)
    _tls.talk(tcp, (35, -1800, cells(1), -cells(1), cells(1), -cells(1), cells(2), -cells(4), cells(1), -cells(2)))
    tcp.close()
    _tls.session(trace.tcp("203.0.113.80", 443), "www.example.com", (310, -700))


@capture(
    "obfs4",
    "an obfs4 bridge: key exchange padded to random lengths, then frames; every byte random",
    "obfs4-spec, 4 and 5",
)
def obfs4(trace: Trace) -> None:
    innocents(trace)
    tcp = trace.tcp("203.0.113.44", 9443, FULLY_ENCRYPTED).open()
    tcp.up(noise((tcp.tag, "client"), 32 + 85 + 2744 + 32))
    tcp.down(noise((tcp.tag, "server"), 64 + 1180 + 32))
    for i in range(8):
        tcp.up(noise((tcp.tag, "up", i), 21 + 3 + 536 + number((tcp.tag, i), 0, 400)))
        tcp.down(noise((tcp.tag, "down", i), 21 + 3 + 1072 + number((tcp.tag, i, "d"), 0, 300)))
    tcp.close()


@capture(
    "snowflake",
    "broker over TLS, STUN look-up, then two DTLS data channels to volunteers without media: one with the ServerHello"
    " that only old pion sent (supported_groups, no renegotiation_info), one with a ServerHello as browsers have it,"
    " which is WebRTC and no more",
    "Snowflake technical overview, RFC 8489, 8831; MacMillan et al. 2020",
    "zeek tls_webrtc-stun.pcap (WebRTC only)",
)
def snowflake(trace: Trace) -> None:
    innocents(trace)
    broker = label("snowflake", "name", "Snowflake", kind="control")
    look_up(trace, "snowflake-broker.torproject.net", "203.0.113.45")
    _tls.session(trace.tcp("203.0.113.45", 443, broker), "snowflake-broker.torproject.net", (700, -600, 2100, -1900))
    look_up(trace, "stun.example.net", "203.0.113.46")
    port = trace.port()
    _stun.binding(trace.udp("203.0.113.46", 3478, PLAIN, sport=port))
    groups = _tls.extension(10, _tls.vector(2, bytes.fromhex("001d00170018")))
    for server, expected, answer in (
        ("203.0.113.47", label("snowflake", "statistical"), groups),
        ("203.0.113.48", label("webrtc"), None),
    ):
        channel = trace.udp(server, 51_444, expected, sport=port)
        _stun.checks(channel, "Snow", "Flke")
        _dtls.full(channel, (140, -90, 620, -1180, 70, -1180, 70, -1180, 560, -300), answer=answer)
        channel.wait(SECOND)
        _stun.checks(channel, "Snow", "Flke", rounds=1)


@capture(
    "meek",
    "a front's name in SNI, the inner host encrypted, a request every 0.1 to 5 s: nothing on the wire but an"
    " ordinary site; must stay unlabelled",
    "meek specification, Fifield et al. 2015",
)
def meek(trace: Trace) -> None:
    innocents(trace)
    look_up(trace, "cdn.example.net", "203.0.113.48")
    tcp = trace.tcp("203.0.113.48", 443).open()
    _tls.open_13(tcp, _tls.client_hello("cdn.example.net", tcp.tag))
    for i in range(6):
        _tls.talk(tcp, (420 + i, -260 - i * 150))
        tcp.wait(min(5 * SECOND, SECOND // 10 * 2**i))
    tcp.close()


@capture("tor-sites", "the project's web site: interest, not use; its page that hands out bridges", "list of names")
def tor_sites(trace: Trace) -> None:
    innocents(trace)
    for name, expected in (
        ("www.torproject.org", label("vpn_site", "name", "Tor")),
        ("bridges.torproject.org", label("vpn_api", "name", "Tor bridges")),
    ):
        look_up(trace, name, "203.0.113.49")
        _tls.session(trace.tcp("203.0.113.49", 443, expected), name)
