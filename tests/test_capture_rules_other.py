"""Proxies, encrypted DNS, covert tunnels, encapsulation, Tor, names, look-alikes and suspicion."""

from __future__ import annotations

import random
from struct import pack

import pytest
from _rules import TCP, A, dns_query, flow, hello, lengths, noise, turned

from analyzer.capture.label import label
from analyzer.capture.records import Flow, Hello, Label, Mark
from analyzer.capture.rules.statistical import is_fully_encrypted
from analyzer.capture.rules.tor import drawn


def named(one: Flow) -> tuple[str, str, str]:
    """Family, kind and confidence, empty where there is no label."""
    found = label(one)
    return (found.family, found.kind, found.confidence) if found else ("", "", "")


def claimed(one: Flow) -> str:
    found = label(one)
    return found.family if found and found.kind != "lookalike" and found.confidence != "statistical" else ""


def tcp(*messages: tuple[bool, bytes], **more: object) -> Flow:
    return flow(*messages, proto=TCP, **more)  # type: ignore[arg-type]


# SOCKS and HTTP


@pytest.mark.parametrize(
    "messages",
    [
        [(True, b"\x05\x01\x00"), (False, b"\x05\x00"), (True, b"\x05\x01\x00\x03\x0bexample.org\x01\xbb")],
        [(True, b"\x05\x02\x00\x01"), (False, b"\x05\xff")],
        [(True, b"\x05\x03\x00\x01\x02"), (False, b"\x05\x02"), (True, b"\x01\x04user\x04pass"), (False, b"\x01\x00")],
        [(True, b"\x04\x01\x00\x50\xc6\x33\x64\x07\0"), (False, b"\0\x5a\0\0\0\0\0\0")],
        [(True, b"\x04\x01\x00\x50\0\0\0\x01me\0example.org\0"), (False, b"\0\x5b\0\0\0\0\0\0")],
    ],
)
def test_socks(messages: list[tuple[bool, bytes]]) -> None:
    """Every method list and both versions, on any port, also where the proxy opened the connection."""
    assert claimed(tcp(*messages, dport=21_477)) == "socks"
    assert claimed(turned(tcp(*messages))) == "socks"


@pytest.mark.parametrize(
    "messages",
    [
        [(True, b"\x05\x01\x00")],
        [(True, b"\x05\x01\x00"), (False, b"\x05\x02")],
        [(True, b"\x05\x02\x00\x00"), (False, b"\x05\x00")],
        [(True, b"\x05\x01\x00"), (False, b"HTTP/1.1 400 Bad Request\r\n\r\n")],
        [(True, b"\x04\x01\x00\x50" + noise(60)), (False, noise(60, 2))],
    ],
)
def test_half_of_a_socks_exchange_is_none(messages: list[tuple[bool, bytes]]) -> None:
    """Without an answer that fits the question there is no proxy: scanners send the question to everybody."""
    assert claimed(tcp(*messages, dport=1080)) == ""


CONNECT = b"CONNECT example.org:443 HTTP/1.1\r\nHost: example.org:443\r\n\r\n"


def test_http_connect() -> None:
    """Granted, or asked for a password; refused by a web server it is none; alone only where half was captured."""
    for status, family in ((b"200 OK", "http_proxy"), (b"407 Auth", "http_proxy"), (b"405 No", ""), (b"404 No", "")):
        assert claimed(tcp((True, CONNECT), (False, b"HTTP/1.1 " + status + b"\r\n\r\n"))) == family
    assert claimed(tcp((True, CONNECT))) == "http_proxy"


def _get(target: bytes, fields: bytes = b"") -> bytes:
    return b"GET " + target + b" HTTP/1.1\r\nHost: example.org\r\n" + fields + b"\r\n"


OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n"


def test_absolute_address_needs_another_sign() -> None:
    """Some programs send absolute addresses to their own servers."""
    absolute = _get(b"http://example.org/")
    assert claimed(tcp((True, absolute), (False, OK + b"\r\n"), dst=bytes([8, 8, 4, 4]))) == ""
    assert (
        claimed(tcp((True, absolute), (False, OK + b"Via: 1.1 cache\r\n\r\n"), dst=bytes([8, 8, 4, 4]))) == "http_proxy"
    )
    assert claimed(tcp((True, absolute), (False, OK + b"\r\n"), dst=bytes([10, 0, 0, 8]))) == "http_proxy"
    local = _get(b"http://printer.local/")
    assert claimed(tcp((True, local), (False, OK + b"\r\n"), dst=bytes([10, 0, 0, 8]))) == ""
    asked = _get(b"http://example.org/", b"Proxy-Connection: keep-alive\r\n")
    assert claimed(tcp((True, asked), (False, OK + b"\r\n"), dst=bytes([8, 8, 4, 4]))) == "http_proxy"


# Encrypted DNS


def test_dnscrypt() -> None:
    """The certificate query, and the magic in front of every answer, over UDP and TCP."""
    assert claimed(flow((True, dns_query("2.dnscrypt-cert.example.org", 16)), dport=5353)) == "dnscrypt"
    answer = b"r6fnvWj8" + noise(232)
    assert claimed(flow((True, noise(512)), (False, answer))) == "dnscrypt"
    assert claimed(tcp(*lengths((True, noise(512)), (False, answer)))) == "dnscrypt"
    assert claimed(flow((True, dns_query("example.org", 16)), dport=53)) == ""


CLIENT_HELLO = (True, b"\x16\x03\x01\x02\x00" + noise(512))


@pytest.mark.parametrize(
    ("seen", "dport", "expected"),
    [
        (hello("dns.google", ("h2",)), 443, ("doh", "encrypted_dns", "name")),
        (hello("dns.google"), 853, ("dot", "encrypted_dns", "name")),
        (hello(alpn=("dot",)), 9_999, ("dot", "encrypted_dns", "header")),
        (hello("resolver.example"), 853, ("dot", "encrypted_dns", "statistical")),
        (hello("odoh.cloudflare-dns.com"), 443, ("odoh", "encrypted_dns", "name")),
        (hello("example.org", ("h2",)), 443, ("", "", "")),
    ],
)
def test_dns_over_tls_and_https(seen: Hello, dport: int, expected: tuple[str, str, str]) -> None:
    """By what was negotiated or named; the port alone makes it likely, no more."""
    assert named(tcp(CLIENT_HELLO, hello=seen, dport=dport)) == expected


def test_dns_over_tls_by_a_published_address() -> None:
    """A handshake on the port to an address that a resolver publishes is a dated list's label."""
    assert named(tcp(CLIENT_HELLO, hello=hello(), dport=853, dst=bytes([9, 9, 9, 9])))[2] == "dated_list"
    assert named(tcp(CLIENT_HELLO, hello=hello(), dport=443, dst=bytes([9, 9, 9, 9]))) == ("", "", "")


def test_dns_over_quic() -> None:
    """ALPN doq and its drafts."""
    for alpn in ("doq", "doq-i03"):
        one = flow((True, noise(1200)), hello=hello(alpn=(alpn,), transport="quic"), dport=784)
        assert named(one) == ("doq", "encrypted_dns", "header")


# Covert tunnels


def test_iodine() -> None:
    """Its version query; its NULL records where the start is missing; no other use of TXT."""
    assert claimed(flow((True, dns_query("vaaaakardli.pirate.example", 10)), dport=53)) == "dns_tunnel"
    late = [
        message
        for n in range(5)
        for name in [f"0ab{n}{noise(12, n).hex()}.t.example"]
        for message in ((True, dns_query(name, 10, n)), (False, dns_query(name, 10, n, noise(40, n))))
    ]
    assert claimed(flow(*late, dport=53)) == "dns_tunnel"
    plain = [(True, dns_query(f"host{n}.example.org", 1, n)) for n in range(12)]
    assert named(flow(*plain, dport=53)) == ("", "", "")


def test_dnscat2_and_dns2tcp() -> None:
    """One session id in hexadecimal names; the commands of dns2tcp; hashes of files are neither."""
    packets = [pack(">HBHHH", 7 * n + 3, 1, 0xBEEF, n, n) + noise(8, n) for n in range(6)]
    assert claimed(flow(*[(True, dns_query(p.hex() + ".t.example", 16)) for p in packets], dport=53)) == "dns_tunnel"
    assert claimed(flow((True, dns_query("YWJj=.=auth.t.example", 16)), dport=53)) == "dns_tunnel"
    hashes = [(True, dns_query(noise(16, n).hex() + ".reputation.example", 16)) for n in range(7)]
    assert claimed(flow(*hashes, dport=53)) == ""


def _ip(n: int, body: int = 64) -> bytes:
    return pack(">BBHHHBBH", 0x45, 0, 20 + body, n, 0, 64, 1, 0) + bytes([10, 95, 1, 1, 10, 95, 1, 2]) + noise(body, n)


def test_icmp_tunnel() -> None:
    """IP packets as echo payload both ways; pings and quoted packets in errors are none."""
    tunnel = [(n % 2 == 0, _ip(n)) for n in range(8)]
    assert claimed(flow(*tunnel, proto=1, sport=0, dport=0)) == "icmp_tunnel"
    pings = [(n % 2 == 0, pack(">Q", n) + bytes(range(16, 56))) for n in range(8)]
    assert claimed(flow(*pings, proto=1, sport=0, dport=0)) == ""
    quoted = [(False, _ip(n, 300)[:28]) for n in range(8)]
    assert claimed(flow(*quoted, proto=1, sport=0, dport=0)) == ""
    whole = [(False, _ip(n)) for n in range(12)]
    assert claimed(flow(*whole, proto=1, sport=0, dport=0, src=bytes([10, 95, 1, 1]))) == ""


# Encapsulation


def _ipv6(src: bytes, dst: bytes, body: bytes) -> bytes:
    return b"\x60\0\0\0" + pack(">HBB", len(body), 58, 64) + src + dst + body


def test_teredo() -> None:
    """IPv6 in UDP with a Teredo address, behind its two optional headers; other IPv6 in UDP is not claimed."""
    teredo, other = b"\x20\x01\0\0" + noise(12), b"\x2a\x00" + noise(14, 2)
    packet = _ipv6(teredo, other, noise(40, 3))
    for front in (b"", b"\0\0" + noise(6), b"\0\x01\0\0" + noise(9) + b"\0\0" + noise(6)):
        assert named(flow((True, front + packet), dport=3544)) == ("teredo", "encapsulation", "header")
    assert named(flow((True, _ipv6(other, other, noise(40))), dport=3544)) == ("", "", "")


def test_ip_in_ip_and_gre_are_encapsulation() -> None:
    """What carries networks is not what people use to get around a block."""
    assert named(flow((True, _ipv6(noise(16), noise(16), b"")), proto=41, sport=0, dport=0))[1] == "encapsulation"
    assert named(flow((True, _ip(1)), proto=4, sport=0, dport=0))[1] == "encapsulation"
    assert named(flow((True, b"\0\0\x08\0" + _ip(1)), proto=47, sport=0, dport=0))[1] == "encapsulation"


# Tor


def test_tor_names_are_told_from_words() -> None:
    """Long random names show at least three signs five times in six; names of sites that long hardly ever."""
    r = random.Random(1)  # noqa: S311 - a test's own choice
    letters = "abcdefghijklmnopqrstuvwxyz234567"
    names = ["www." + "".join(r.choices(letters, k=r.randrange(12, 26))) + ".com" for _ in range(400)]
    assert sum(drawn(n) >= 3 for n in names) >= 333
    sites = "wikipedia stackoverflow washingtonpost espncricinfo html5rocks schwartz "
    sites += "web24shop strengths timesofindia bankofamerica phpmyadmin rhythmsynth 4shared w3schools"
    assert not [s for s in sites.split() if drawn(f"www.{s}.com") >= 3]


def test_tor_relay_by_its_random_name() -> None:
    """A drawn name without application protocol; with one, or with a site's name, it is a browser."""
    seen = hello("www.q4cyamnc6mtokjurvdclt.com", version=0x0303)
    assert named(tcp(CLIENT_HELLO, hello=seen)) == ("tor", "anonymity", "header")
    assert named(tcp(CLIENT_HELLO, hello=seen._replace(alpn=("h2",)))) == ("", "", "")
    assert named(tcp(CLIENT_HELLO, hello=seen._replace(name="www.washingtonpost.com"))) == ("", "", "")


# Names


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("eu0.sec-tunnel.com", ("vpn_tls", "proxy", "name")),
        ("api.polargrizzly.com", ("vpn_api", "control", "name")),
        ("www.nordvpn.com", ("vpn_site", "lookalike", "name")),
        ("mask.icloud.com", ("private_relay", "proxy", "name")),
        ("consumer-masque.cloudflareclient.com", ("cloudflare_warp", "tunnel", "name")),
        ("www.example.org", ("", "", "")),
    ],
)
def test_server_names(name: str, expected: tuple[str, str, str]) -> None:
    """An API is control, a web site a look-alike, a tunnel's own name a tunnel."""
    assert named(tcp(CLIENT_HELLO, hello=hello(name, ("h2",)))) == expected
    assert named(flow((True, noise(1200)), hello=hello(name, ("h3",), transport="quic"))) == expected


def test_look_up_speaks_where_no_name_is_stated() -> None:
    """A name looked up just before counts for a handshake without a name, not for one with another."""
    looked = "engage.cloudflareclient.com"
    assert named(tcp(CLIENT_HELLO, hello=hello(), looked_up=looked))[0] == "cloudflare_warp"
    assert named(tcp(CLIENT_HELLO, hello=hello("example.org"), looked_up=looked)) == ("", "", "")


def test_http_host() -> None:
    """The host of a plain request is a name as any other."""
    ask = b"POST /ddns/ddns.aspx HTTP/1.1\r\nHost: x0.x0.dev.servers.ddns.softether-network.net\r\n\r\n"
    assert named(tcp((True, ask), dport=80))[0] == "softether"


# Look-alikes and suspicion


def test_messengers_and_peers_are_look_alikes() -> None:
    """Protocols that are taken for fully encrypted proxies have classes of their own."""
    size = 400
    shown: list[tuple[Flow, str]] = [
        (tcp((True, b"WA\x06\x03\0\0\x24" + noise(36)), (False, noise(90))), "whatsapp"),
        (tcp((True, b"\xef\x0a" + noise(40)), (False, noise(90))), "telegram"),
        (tcp((True, b"\x13BitTorrent protocol" + noise(48))), "bittorrent"),
        (flow((True, b"d1:ad2:id20:" + A * 2 + b"abcde1:q4:ping1:t2:aa1:y1:qe")), "bittorrent"),
        (
            tcp((True, pack(">H", size) + noise(size)), (False, pack(">H", size) + noise(size, 2)), dport=30_303),
            "ethereum",
        ),
        (tcp((True, noise(48)), (False, noise(80, 2)), (True, noise(144, 3)), dport=5222), "threema"),
    ]
    for one, family in shown:
        assert named(one)[:2] == (family, "lookalike")


@pytest.mark.parametrize(
    ("data", "suspect"),
    [
        (noise(200), True),
        (bytes(200), False),
        (b"\xff" * 200, False),
        (b"abcdef" + noise(200), False),
        (b"\x17\x03\x03" + noise(200), False),
        (noise(100) + b"x" * 30 + noise(100, 2), False),
        (b"", False),
    ],
)
def test_exemptions_of_wu_et_al(data: bytes, suspect: bool) -> None:
    """Bits per byte, printable starts, shares and runs, and known headers exempt a first payload."""
    assert is_fully_encrypted(data) is suspect


def test_suspicion_wants_the_start_and_an_answer() -> None:
    """No suspicion where the capture began later, the server speaks first, or nobody answered."""
    both = [(True, noise(300)), (False, noise(500, 2))]
    assert named(tcp(*both))[0] == "fully_encrypted"
    assert named(tcp(*both, marks=Mark.MID_STREAM)) == ("", "", "")
    assert named(tcp((False, noise(300)), (True, noise(300, 2)))) == ("", "", "")
    assert named(tcp(both[0])) == ("", "", "")


def test_length_fields_take_suspicion_away() -> None:
    """A protocol that states lengths in front of ciphertext has a header, if only of two bytes."""
    framed = lengths((True, noise(300)), (False, noise(500, 2)), (True, noise(200, 3)))
    assert named(tcp(*framed)) == ("", "", "")


def _record(size: int, seed: int) -> bytes:
    return b"\x17\x03\x03" + pack(">H", size - 5) + noise(size - 5, seed)


def test_tls_inside_tls() -> None:
    """Sizes of a second handshake behind the first; an ordinary exchange of requests is none."""
    opening = [
        CLIENT_HELLO,
        (False, b"\x16\x03\x03\0\x7a" + noise(1300)),
        (True, b"\x14\x03\x03\0\x01\x01" + _record(58, 1)),
    ]
    inner = [(True, _record(607, 2)), (False, _record(3000, 3)), (True, _record(102, 4)), (False, _record(600, 5))]
    web = [(True, _record(607, 2)), (False, _record(3000, 3)), (True, _record(400, 4)), (False, _record(600, 5))]
    assert named(tcp(*opening, *inner, hello=hello("test.example"))) == ("tls_in_tls", "proxy", "statistical")
    assert named(tcp(*opening, *web, hello=hello("test.example"))) == ("", "", "")


def test_labels_are_plain_records() -> None:
    """A label of a name says which listed domain it rests on, and no host name."""
    found = label(tcp(CLIENT_HELLO, hello=hello("secret-host-17.eu.sec-tunnel.com")))
    assert isinstance(found, Label)
    assert "sec-tunnel.com" in found.reason
    assert "secret-host-17" not in found.reason
