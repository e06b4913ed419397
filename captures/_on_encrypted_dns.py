"""Encrypted DNS: DoT (RFC 7858), DoQ (RFC 9250), DoH (RFC 8484), DNSCrypt, ODoH (RFC 9230); Apple's relays."""

from __future__ import annotations

import struct

import _quic
import _tls
from _dns import RESOLVER, answer, look_up, question
from _plain import innocents, quic_web
from _plan import capture
from _wire import SECOND, Trace, noise
from _words import PLAIN, label

DOT, DOQ = label("dot"), label("doq")
QUERIES = (60, -140, 60, -220, 68, -180)


@capture(
    "dot",
    "resolvers on TCP 853: with ALPN dot and name, with a listed name only, with ALPN only; a backup over TLS on 853,"
    " which is none",
    "RFC 7858",
    "nDPI dns_dot.pcap",
)
def dot(trace: Trace) -> None:
    innocents(trace)
    google = label("dot", "header", "Google Public DNS")
    _tls.session(trace.tcp("203.0.113.100", 853, google), "dns.google", QUERIES, alpn=("dot",))
    listed = label("dot", "name", "Cloudflare")
    _tls.session(trace.tcp("203.0.113.104", 853, listed), "one.one.one.one", QUERIES, alpn=())
    _tls.session(trace.tcp("203.0.113.101", 853, DOT), "", QUERIES, alpn=("dot",))
    _tls.session(trace.tcp("203.0.113.102", 853, PLAIN), "backup.example.com", (9000, -60, 9000, -60), alpn=())


@capture("doq", "ALPN doq on UDP 853 and on an odd port; HTTP/3 beside it", "RFC 9250", "nDPI doq.pcapng")
def doq(trace: Trace) -> None:
    innocents(trace)
    _quic.session(trace.udp("203.0.113.103", 853, DOQ), "dns.example.net", (70, -150, 70, -190), alpn=("doq",))
    _quic.session(trace.udp("203.0.113.103", 8853, DOQ), "dns.example.net", (70, -150), alpn=("doq-i02",))
    quic_web(trace)


@capture(
    "doh",
    "listed resolvers by SNI over HTTP/2 and HTTP/3; a resolver of an unlisted name cannot be told from a site",
    "RFC 8484, 9114",
    "nDPI dns_doh.pcap",
)
def doh(trace: Trace) -> None:
    innocents(trace)
    for name, server, provider in (
        ("dns.google", "203.0.113.100", "Google Public DNS"),
        ("cloudflare-dns.com", "203.0.113.104", "Cloudflare"),
    ):
        look_up(trace, name, server)
        _tls.session(
            trace.tcp(server, 443, label("doh", "name", provider)), name, (140, -260, 75, -310, 80, -290), alpn=("h2",)
        )
    _quic.session(
        trace.udp("203.0.113.104", 443, label("doh", "name", "Cloudflare")), "cloudflare-dns.com", (150, -280, 70, -240)
    )
    _tls.session(trace.tcp("203.0.113.105", 443, PLAIN), "resolver.example.org", (140, -260, 75, -310), alpn=("h2",))


@capture(
    "dnscrypt",
    "certificate query (TXT 2.dnscrypt-cert), padded queries with the client magic, answers with r6fnvWj8",
    "DNSCrypt version 2 protocol",
    "nDPI dnscrypt-v2.pcap",
)
def dnscrypt(trace: Trace) -> None:
    innocents(trace)
    expected = label("dnscrypt")
    udp = trace.udp("203.0.113.106", 443, expected)
    name = "2.dnscrypt-cert.resolver.example.com"
    certificate = b"DNSC\0\2\0\0" + noise("signed", 64 + 32 + 8) + struct.pack(">III", 1, 1_699_900_000, 1_700_500_000)
    udp.up(question(name, 77, "TXT"))
    udp.down(answer(name, 77, [certificate], "TXT"))
    magic = noise("client magic", 8)
    for i in range(3):
        flow = trace.udp("203.0.113.106", 443, expected)
        nonce = noise((flow.tag, "nonce"), 12)
        flow.up(magic + noise("client key", 32) + nonce + noise((flow.tag, "query"), 16 + 512 + 64 * i))
        flow.down(
            b"r6fnvWj8" + nonce + noise((flow.tag, "server nonce"), 12) + noise((flow.tag, "answer"), 16 + 128 + 64 * i)
        )


@capture("odoh", "a query to the proxy of an oblivious resolver named in SNI", "RFC 9230; list of names")
def odoh(trace: Trace) -> None:
    innocents(trace)
    look_up(trace, "odoh.cloudflare-dns.com", "203.0.113.107")
    expected = label("odoh", "name", "Cloudflare")
    _tls.session(
        trace.tcp("203.0.113.107", 443, expected), "odoh.cloudflare-dns.com", (310, -420, 300, -400), alpn=("h2",)
    )


@capture(
    "private-relay",
    "iCloud Private Relay: QUIC to mask.icloud.com, TLS to mask-h2.icloud.com, its API; an ordinary Apple"
    " name beside it",
    "Apple: iCloud Private Relay overview; RFC 9298; list of names",
)
def private_relay(trace: Trace) -> None:
    innocents(trace)
    relay = label("private_relay", "name")
    look_up(trace, "mask.icloud.com", "203.0.113.108")
    _quic.session(
        trace.udp("203.0.113.108", 443, relay), "mask.icloud.com", (700, -1200, 60, -1200, 300, -1100), datagrams=1
    )
    look_up(trace, "mask-h2.icloud.com", "203.0.113.109")
    _tls.session(trace.tcp("203.0.113.109", 443, relay), "mask-h2.icloud.com", (700, -1400, 300, -2800), alpn=("h2",))
    look_up(trace, "www.icloud.com", "203.0.113.110")
    _tls.session(trace.tcp("203.0.113.110", 443, PLAIN), "www.icloud.com")


@capture("masque", "WARP over MASQUE: QUIC with the SNI of the consumer gateway", "RFC 9484; documented host name")
def masque(trace: Trace) -> None:
    innocents(trace)
    expected = label("cloudflare_warp", "name")
    udp = trace.udp("203.0.113.111", 443, expected)
    _quic.session(udp, "consumer-masque.cloudflareclient.com", (900, -1200, 60, -1200, 500, -1100, 40, -60))
    udp.wait(20 * SECOND)


@capture("dns-plain", "the same resolver in clear, over UDP and TCP: no label", "RFC 1035, 7766")
def dns_plain(trace: Trace) -> None:
    innocents(trace)
    look_up(trace, "www.example.org", "203.0.113.80")
    look_up(trace, "six.example.org", "2001:db8:80::1")
    tcp = trace.tcp(RESOLVER, 53).open()
    query, reply = question("big.example.org", 9, "TXT"), answer("big.example.org", 9, [b"x" * 200], "TXT")
    tcp.up(struct.pack(">H", len(query)) + query)
    tcp.down(struct.pack(">H", len(reply)) + reply)
    tcp.close()
