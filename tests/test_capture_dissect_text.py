"""DNS, HTTP, SSH and STUN: what messages say in clear, cut or hostile ones included."""

from __future__ import annotations

from pathlib import Path

import payloads as p
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scapy.layers.dns import DNS, DNSQR, DNSRR

from analyzer.capture.dissect import dns, http, ssh, stun

QUERY = bytes(DNS(id=7, rd=1, qd=DNSQR(qname="Www.Example.com.", qtype="AAAA")))
RECORDS = [
    DNSRR(rrname="www.example.com.", type="CNAME", rdata="edge.example.net.", ttl=60),
    DNSRR(rrname="edge.example.net.", type="A", rdata="192.0.2.7", ttl=30),
    DNSRR(rrname="edge.example.net.", type="AAAA", rdata="2001:db8::7", ttl=31),
    DNSRR(rrname="edge.example.net.", type="TXT", rdata="no address"),
]
REPLY = bytes(DNS(id=7, qr=1, rd=1, qd=DNSQR(qname="www.example.com.", qtype="AAAA"), an=RECORDS, rcode=0))
SHORT = (  # RFC 1035 section 4.1.4: the answer's name points to the question, its alias to a part of it
    p.u16(9, 0x8180, 1, 2, 0, 0) + b"\3www\7example\3com\0" + p.u16(1, 1)
    + b"\xc0\x0c" + p.u16(5, 1) + b"\0\0\0\5" + p.sized(b"\4edge\xc0\x10")
    + b"\xc0\x2d" + p.u16(1, 1) + b"\0\0\0\6" + p.sized(bytes([192, 0, 2, 7]))
)  # fmt: skip


def query(name: bytes, kind: int = 1, code: int = 1, flags: int = 0x0100) -> bytes:
    return p.u16(1, flags, 1, 0, 0, 0) + name + p.u16(kind, code)


def test_a_question_is_read_over_udp_and_tcp():
    for data in (QUERY, p.sized(QUERY), p.sized(QUERY) + p.sized(QUERY)):
        assert dns.question(data) == dns.Question("www.example.com", 28, 1, False, 0, 7, (1, 0, 0, 0))
    assert dns.answers(QUERY) == []


def test_answers_are_addresses_and_aliases():
    expected = [
        dns.Answer("www.example.com", 5, 60, b"", "edge.example.net"),
        dns.Answer("edge.example.net", 1, 30, bytes([192, 0, 2, 7]), ""),
        dns.Answer("edge.example.net", 28, 31, b"\x20\1\r\xb8" + bytes(11) + b"\7", ""),
    ]
    for data in (REPLY, p.sized(REPLY)):
        found = dns.question(data)
        assert found is not None
        assert (found.is_response, found.counts) == (True, (1, 4, 0, 0))
        assert dns.answers(data) == expected


def test_compressed_names_are_followed():
    assert dns.answers(SHORT) == [
        dns.Answer("www.example.com", 5, 5, b"", "edge.example.com"),
        dns.Answer("edge.example.com", 1, 6, bytes([192, 0, 2, 7]), ""),
    ]


@pytest.mark.parametrize("data", [QUERY, p.sized(QUERY), REPLY, SHORT])
def test_a_cut_message_gives_the_right_name_or_none(data: bytes):
    name = dns.question(data)
    for end in range(len(data)):
        found = dns.question(data[:end])
        assert found is None or name is None or found.name == name.name
        for answer, whole in zip(dns.answers(data[:end]), dns.answers(data), strict=False):
            assert answer == whole


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (b"\0", ""),
        (b"\4_dns\3XYZ\0", "_dns.xyz"),
        (b"\3a.b\1\\\1\xff\1 \0", r"a\.b.\\.\255.\032"),
        (b"\x3f" + b"L" * 63 + b"\0", "l" * 63),
    ],
)
def test_bytes_that_are_no_text_are_escaped(name: bytes, text: str):
    found = dns.question(query(name))
    assert found is not None
    assert found.name == text


def test_mdns_and_llmnr_read_like_dns():
    """A question for a unicast reply, an announcement without a question, an LLMNR question."""
    asked = dns.question(query(b"\7printer\5local\0", 12, 0x8001, flags=0))
    assert asked is not None
    assert (asked.name, asked.qclass) == ("printer.local", 1)
    record = b"\7printer\5local\0" + p.u16(1, 0x8001) + b"\0\0\0\x78" + p.sized(bytes([192, 0, 2, 9]))
    announced = p.u16(0, 0x8400, 0, 1, 0, 0) + record
    assert dns.question(announced) is None
    assert dns.answers(announced) == [dns.Answer("printer.local", 1, 120, bytes([192, 0, 2, 9]), "")]
    assert dns.question(query(b"\4host\0", flags=0)) is not None


def test_netbios_names_are_no_dns():
    encoded = b"\x20" + b"CKAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" + b"\0"
    assert dns.question(query(encoded, 0x21)) is None
    assert dns.question(query(encoded, 0x20, flags=0x2910)) is None
    assert dns.question(query(encoded, 1)) is not None


@pytest.mark.parametrize(
    "data",
    [
        b"",
        bytes(12),
        query(b"\3abc\0", kind=0),
        query(b"\3abc\0", code=77),
        query(b"\3abc\0", flags=0x7800),
        query(b"\3abc\0", flags=0x0040),
        query(b"\x40" + b"a" * 64 + b"\0"),
        query(b"\1a" * 128 + b"\0"),
        query(b"\xc0\x0c"),
        query(b"\xc0\xff"),
        p.tls_hello(),
    ],
)
def test_what_is_no_dns_is_none(data: bytes):
    assert dns.question(data) is None
    assert dns.answers(data) == []


def test_pointers_that_lead_in_circles_end():
    """Forward and backward pointers, and a reply in which every record points through all before it."""
    loops = p.u16(1, 0x8180, 1, 60, 0, 0) + b"\1a\0" + p.u16(1, 1)
    names = b"".join(p.u16(0xC000 | 0x0C + 2 * at) for at in range(2000))
    assert dns.answers(loops + b"\xc0\x13" + p.u16(1, 1) + bytes(4) + p.sized(bytes(4))) == []
    assert dns.answers(loops + names) == []
    assert dns.question(p.u16(1, 0, 1, 0, 0, 0) + b"\xc0\x0e\xc0\x0c" + p.u16(1, 1)) is None


def test_a_request_states_method_host_and_fields():
    data = (
        b"GET /a?b HTTP/1.1\r\nHost: Www.Example.org:8080\r\nUser-Agent: curl/8 \r\nhost: second\r\n"
        b"Upgrade: WebSocket\r\nSec-WebSocket-Key: x\r\n\r\nUpgrade: body"
    )
    found = http.request(data)
    assert found == http.Request(
        "GET", "/a?b", "www.example.org", 8080, "1.1", False, "curl/8", "", "websocket", True, True
    )
    for end in range(len(data)):
        cut = http.request(data[:end])
        assert cut is None or (
            cut.host in ("", "www.example.org") and cut.is_whole == (end >= data.index(b"Upgrade: b"))
        )


@pytest.mark.parametrize(
    ("line", "host", "port", "is_to_proxy"),
    [
        (b"CONNECT apache.org:443 HTTP/1.1", "apache.org", 443, True),
        (b"CONNECT mail.example:25 / HTTP/1.0", "mail.example", 25, True),
        (b"CONNECT [2001:DB8::1]:22 HTTP/1.1", "2001:db8::1", 22, True),
        (b"GET http://user:pw@Site.Example:81/x HTTP/1.1", "site.example", 81, True),
        (b"GET HTTP://site.example HTTP/1.0", "site.example", 0, True),
        (b"GET http://[bad/ HTTP/1.0", "in.field", 0, False),
        (b"OPTIONS * HTTP/1.1", "in.field", 0, False),
        (b"GET /http://not.a.host/ HTTP/1.1", "in.field", 0, False),
        (b"GET /old", "", 0, False),
    ],
)
def test_the_host_is_that_of_the_target_else_of_the_field(line: bytes, host: str, port: int, is_to_proxy: bool):
    found = http.request(line + b"\r\nHost: in.field\r\n\r\n")
    assert found is not None
    assert (found.host if line != b"GET /old" else "", found.port, found.is_to_proxy) == (host, port, is_to_proxy)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"GET",
        b"get / http/1.1\r\n",
        b"SSH-2.0-x\r\n",
        b"OPTIONS sip:a SIP/2.0\r\n",
        b"\x16\3\1",
        b"GET / FTP/1.1\r\n",
    ],
)
def test_what_is_no_request_is_none(data: bytes):
    assert http.request(data) is None


def test_a_cut_request_line_keeps_its_method():
    cut = http.request(b"CONNECT example.or")
    assert cut is not None
    assert (cut.method, cut.target, cut.host, cut.is_to_proxy, cut.is_whole) == (
        "CONNECT",
        "example.or",
        "",
        True,
        False,
    )


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (
            b"HTTP/1.1 301 Moved\r\nLocation: http://Block.Example/x\r\nServer: s\r\nContent-Type: text/html\r\n\r\n",
            http.Response(301, "1.1", "block.example", "s", "text/html", "", True),
        ),
        (
            b"HTTP/1.0 302\r\nLocation: //other.example:8/\r\n",
            http.Response(302, "1.0", "other.example", "", "", "", False),
        ),
        (b"HTTP/1.1 200 OK\nLocation: /here\n\n", http.Response(200, "1.1", "", "", "", "", True)),
        (b"HTTP/1.1 101", http.Response(101, "1.1", "", "", "", "", False)),
    ],
)
def test_a_response_states_status_and_where_it_sends(data: bytes, expected: http.Response):
    assert http.response(data) == expected


def test_what_is_no_response_is_none():
    for data in (b"", b"HTTP/1.1 20", b"HTTP/1.1 2000 x\r\n", b"ICY 200 OK\r\n", b"GET / HTTP/1.1\r\n\r\n"):
        assert http.response(data) is None


@pytest.mark.parametrize(
    ("data", "banner"),
    [
        (b"SSH-2.0-OpenSSH_9.6 Debian\r\n\0\0\1", "SSH-2.0-OpenSSH_9.6 Debian"),
        (b"SSH-1.99-x\n", "SSH-1.99-x"),
        (b"SSH-2.0-drop", "SSH-2.0-drop"),
        (b"Authorised users only\r\nwelcome\r\nSSH-2.0-x\r\n", "SSH-2.0-x"),
        (b"SSH-3.0-x\r\n", None),
        (b"SSH-2", None),
        (b"\0\1\2\nSSH-2.0-x\r\n", None),
        (b"GET / HTTP/1.1\r\nX: SSH-2.0-x\r\n", None),
        (b"", None),
    ],
)
def test_ssh_banners_are_read(data: bytes, banner: str | None):
    assert ssh.banner(data) == banner


COOKIE = b"\x21\x12\xa4\x42"


def stun_message(kind: int, attributes: bytes = b"", cookie: bytes = COOKIE) -> bytes:
    return p.u16(kind, len(attributes)) + cookie + b"transaction!" + attributes


def test_stun_is_told_by_its_cookie():
    software = p.u16(0x8022) + p.sized(b"pion/1") + bytes(2)
    data = stun_message(0x0101, p.u16(0x0020) + p.sized(bytes(8)) + software)
    assert (stun.is_stun(data), stun.message_type(data), stun.software(data)) == (True, 0x0101, "pion/1")
    assert stun.is_stun(data[:20])  # cut by the capture
    assert stun.software(data[:-4]) == ""


def test_stun_without_a_cookie_has_to_fit():
    mapped = p.u16(1) + p.sized(bytes(8))
    data = stun_message(0x0101, mapped, b"clas")
    assert stun.message_type(data) == 0x0101
    assert stun.message_type(stun_message(1, cookie=b"clas")) == 1
    for other in (data[:-1], data + b"x", stun_message(0x0101, p.u16(99) + p.sized(bytes(8)), b"clas"), bytes(20)):
        assert not stun.is_stun(other)
        assert stun.message_type(other) is None


@pytest.mark.parametrize(
    "data", [b"", COOKIE * 9, b"\xc0" + stun_message(1)[1:], stun_message(1)[:3] + b"\1" + COOKIE * 8]
)
def test_what_is_no_stun_is_told(data: bytes):
    assert not stun.is_stun(data)


@given(st.binary(max_size=300))
def test_arbitrary_bytes_never_raise(data: bytes):
    for head in (
        b"",
        QUERY[:12],
        REPLY[:12],
        b"GET / HTTP/1.1\r\n",
        b"HTTP/1.1 200 OK\r\n",
        b"SSH-2.0-",
        stun_message(1),
    ):
        changed = head + data
        dns.question(changed)
        dns.answers(changed)
        http.request(changed)
        http.response(changed)
        ssh.banner(changed)
        stun.software(changed)


@given(st.sampled_from([QUERY, REPLY, SHORT]), st.data())
def test_mutated_messages_never_raise(message: bytes, data: st.DataObject):
    at = data.draw(st.integers(0, len(message) - 1))
    changed = message[:at] + bytes([data.draw(st.integers(0, 255))]) + message[at + 1 :]
    dns.question(changed)
    dns.answers(changed)


def test_hostile_heads_cost_linear_time():
    """64 KB of spaces, of names, of line ends and of pointers."""
    with p.bounded():
        for filling in (b" ", b"a", b":", b"\r\n", b"\n ", b"a: \r\n", b"\xc0\x0c"):
            long = filling * (65536 // len(filling))
            for head in (
                b"GET / HTTP/1.1\r\n",
                b"GET ",
                b"HTTP/1.1 200 ",
                b"SSH-2.0-",
                REPLY[:6] + b"\xff\xff" + REPLY[8:12],
            ):
                http.request(head + long)
                http.response(head + long)
                ssh.banner(long + head)
                dns.answers(head + long)


@pytest.mark.shared
def test_captured_messages_read_as_in_tshark(shared: Path):
    folder = shared / "captures"
    asked = dns.question(p.captured(folder / "zeek/dns_ech.pcap")[0])
    assert asked is not None
    assert (asked.name, asked.qtype) == ("defo.ie", 65)
    proxied = p.captured(folder / "ndpi/http_connect.pcap")
    sent = http.request(proxied[3])
    assert sent is not None
    assert (sent.method, sent.host, sent.port) == ("CONNECT", "apache.org", 443)
    found = dns.answers(proxied[6])
    assert [(answer.name, answer.ttl, answer.address.hex()) for answer in found] == [("apache.org", 842, "97650284")]
    moved = http.response(p.captured(folder / "ndpi/http.pcapng")[5])
    assert moved is not None
    assert (moved.status, moved.location_host, moved.server) == (301, "www.google.com", "gws")
    shell = p.captured(folder / "suricata/ssh-hassh_input.pcap")
    assert ssh.banner(shell[10]) == "SSH-2.0-OpenSSH_for_Windows_7.7"
    assert [stun.message_type(data) for data in p.captured(folder / "ndpi/stun_classic.pcap")[:3]] == [1, 0x0101, None]
