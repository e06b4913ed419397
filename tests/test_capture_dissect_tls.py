"""TLS hellos and certificates say what they were built with, whole, split or cut."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from pathlib import Path

import payloads as p
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from analyzer.capture.dissect import fields, hello, ja4, tls
from analyzer.capture.records import Hello

PLAIN = p.tls_hello()
WHOLE = Hello(p.NAME, ("h2", "http/1.1"), 0x0304, "", False, "tls", True)
MESSAGE = PLAIN[5:]


def test_a_hello_states_name_protocols_and_highest_version():
    assert tls.client_hello(PLAIN) == WHOLE
    assert tls.server_name(PLAIN) == p.NAME


def test_bytes_behind_the_hello_change_nothing():
    assert tls.client_hello(PLAIN + p.record(b"\1", 20) + b"noise") == WHOLE


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 64, len(MESSAGE) - 1])
def test_a_hello_may_lie_over_records_of_any_size(size: int):
    assert tls.client_hello(p.records(MESSAGE, size)) == WHOLE


@pytest.mark.parametrize("data", [PLAIN, p.records(MESSAGE, 50), p.records(MESSAGE, 3)])
def test_a_cut_hello_never_gives_a_wrong_name(data: bytes):
    """None, the right name, or none and the word that it is cut; `missing` never asks for too much."""
    for end in range(len(data)):
        cut = tls.client_hello(data[:end])
        assert cut is None or (not cut.is_whole and cut.name in ("", p.NAME)), end
        assert end == 0 or 0 < tls.missing(data[:end]) <= len(data) - end, end
    assert tls.missing(data) == 0


def test_what_a_cut_hello_shows_is_read():
    cut = tls.client_hello(PLAIN[: len(PLAIN) - 6])
    assert cut == Hello(p.NAME, ("h2", "http/1.1"), 0x0304, "", False, "tls", False)


def test_missing_lets_a_caller_gather_segments():
    """Asking for what is missing, and only that, ends with the whole hello."""
    data = p.records(MESSAGE, 40) + b"more of the stream"
    end = 1
    while (more := tls.missing(data[:end])) > 0:
        end += more
    assert more == 0
    assert tls.client_hello(data[:end]) == WHOLE
    assert end == len(data) - len(b"more of the stream")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"GET / HTTP/1.1\r\n",
        p.record(b"\1\0\0\0", 21),
        p.record(p.handshake(2, p.hello_body())),  # a ServerHello's type
        p.record(p.handshake(1, p.hello_body()), version=0x0505),
        p.record(p.handshake(1, b"")),
        p.record(p.handshake(1, p.hello_body()[:-1])),  # lists longer than the message
        b"\x16\x03\x01\x00\x09\x01\xff\xff\xff" + bytes(400),  # larger than a hello can be
    ],
)
def test_what_is_no_client_hello_is_none(data: bytes):
    assert tls.client_hello(data) is None


def test_missing_says_minus_one_for_what_is_no_hello():
    for data in (b"", b"\x17\x03\x03", b"\x16\x02", b"\x16\x03\x01\0\5\2", b"SSH-2.0-", p.record(b"x" * 9, 23)):
        assert tls.missing(data) == -1, data


def test_greased_protocols_and_versions_are_not_offered():
    body = [p.alpn("\x1a\x1a", "h2"), p.versions(0xFAFA, 0x0303)]
    found = tls.client_hello(p.tls_hello(body))
    assert found is not None
    assert (found.alpn, found.version) == (("h2",), 0x0303)


@pytest.mark.parametrize(
    ("offered", "version"),
    [((0x7F1C, 0x0303), 0x0304), ((0xFB1A,), 0x0304), ((0x0301, 0x0302), 0x0302), ((0x0A0A,), 0x0303), ((), 0x0303)],
)
def test_drafts_count_as_tls_1_3_and_an_empty_offer_as_the_legacy_version(offered: tuple[int, ...], version: int):
    found = tls.client_hello(p.tls_hello([p.versions(*offered)]))
    assert found is not None
    assert found.version == version


@pytest.mark.parametrize("kind", [0xFE0D, 0xFFCE, 0xFE0A])
def test_an_encrypted_hello_is_noted(kind: int):
    found = tls.client_hello(p.tls_hello([*p.usual("outer.example"), p.extension(kind, b"\0" * 40)]))
    assert found is not None
    assert (found.name, found.ech) == ("outer.example", True)


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (p.sized(b"\0" + p.sized(b"WWW.Example.ORG.")), "www.example.org"),
        (p.sized(b"\7" + p.sized(b"other") + b"\0" + p.sized(b"second.example")), "second.example"),
        (p.sized(b"\0" + p.sized(b"caf\xe9\n")), "caf\\xe9\\x0a"),
        (p.sized(b"\0\xff\xff" + b"short"), ""),
        (b"", ""),
        (b"\0", ""),
    ],
)
def test_server_names_are_lower_case_text(value: bytes, name: str):
    found = tls.client_hello(p.tls_hello([p.extension(0, value)]))
    assert found is not None
    assert found.name == name


def test_a_hello_without_extensions_is_whole():
    body = p.u16(0x0301) + bytes(32) + b"\0" + p.sized(p.u16(0x2F, 0x35)) + b"\1\0"
    assert tls.client_hello(p.record(p.handshake(1, body))) == Hello("", (), 0x0301, "", False, "tls", True)


def test_an_sslv2_hello_states_its_version_and_no_name():
    data = p.old_hello()
    assert tls.client_hello(data) == Hello("", (), 0x0301, "", False, "tls", True)
    assert tls.missing(data) == 0
    assert tls.missing(data[:-5]) == 5
    assert tls.client_hello(p.old_hello(version=0x0505)) is None
    assert tls.client_hello(p.old_hello(ciphers=b"\0\0")) is None


def test_the_hello_behind_a_change_of_cipher_is_read():
    assert tls.client_hello(p.record(b"\1", 20, 0x0303) + PLAIN) == WHOLE
    assert tls.missing(p.record(b"\1", 20, 0x0303) + PLAIN[:-7]) == 7
    assert tls.client_hello(p.record(b"\1", 20) * 5000) is None


def test_records_stop_at_what_is_none():
    data = p.record(b"ab", 22) + p.record(b"c", 23, 0x0303) + b"\x99" * 20
    assert list(tls.records(data)) == [tls.Record(22, 0x0301, 2, 5), tls.Record(23, 0x0303, 1, 12)]


def test_ja4_of_foxios_worked_example():
    """The example of technical_details/JA4.md: a browser with 15 ciphers and 16 extensions."""
    ciphers = [
        0x2F,
        0x35,
        0x9C,
        0x9D,
        0x1301,
        0x1302,
        0x1303,
        0xC013,
        0xC014,
        0xC02B,
        0xC02C,
        0xC02F,
        0xC030,
        0xCCA8,
        0xCCA9,
    ]
    signatures = p.u16(0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0806, 0x0601)
    kinds = (0x1B, 0x33, 5, 10, 11, 0x12, 0x15, 0x17, 0x23, 0x2D, 0x4469, 0xFF01)
    listed = [p.server_name(p.NAME), p.alpn("h2", "http/1.1"), p.extension(13, p.sized(signatures))]
    listed += [
        p.versions(0x0A0A, 0x0304, 0x0303),
        p.extension(0x6A6A, b""),
        *(p.extension(kind, b"") for kind in kinds),
    ]
    data = p.tls_hello(listed, ciphers=(0x1A1A, *reversed(ciphers)))
    found = tls.client_hello(data, with_ja4=True)
    assert found is not None
    assert found.ja4 == "t13d1516h2_8daaf6152771_e5627efa2ab1"


def test_ja4_of_a_poor_hello():
    found = tls.client_hello(p.tls_hello([], version=0x0301), with_ja4=True)
    assert found is not None
    ciphers = hashlib.sha256(b"1301,1302,1303,c02b,c02f").hexdigest()[:12]
    assert found.ja4 == f"t10i050000_{ciphers}_000000000000"


@pytest.mark.parametrize(
    ("protocol", "ends"),
    [
        (b"h2", "h2"),
        (b"http/1.1", "h1"),
        (b"", "00"),
        (b"a", "aa"),
        (b"\xab", "ab"),
        (b"\xab\xcd", "ad"),
        (b"0\xab", "3b"),
    ],
)
def test_ja4_names_a_protocol_by_its_ends(protocol: bytes, ends: str):
    assert ja4.ends(protocol) == ends


def test_ja4s_of_foxios_worked_example():
    """technical_details/JA4S.md."""
    assert ja4.server("t", 0x0303, (0x05, 0x17, 0xFF01, 0), b"", 0xC030) == "t120400_c030_4e8089b08790"


def test_a_server_hello_states_what_was_chosen():
    listed = [p.extension(0x17, b""), p.alpn("h2")]
    data = p.record(p.handshake(2, p.server_hello_body(listed)))
    found = tls.server_hello(data)
    assert found == tls.ServerHello(0x0303, 0xC02F, "h2", "", False, (0x17, 16))
    alert = p.record(b"\1\x70", 21)  # unrecognized_name, a warning
    assert tls.server_hello(alert + data) == found


def test_a_server_hello_of_1_3_states_it_in_an_extension():
    body = p.server_hello_body([p.extension(43, p.u16(0x0304)), p.extension(51, bytes(36))], cipher=0x1301, session=32)
    found = tls.server_hello(p.records(p.handshake(2, body), 30), with_ja4s=True)
    assert found is not None
    assert (found.version, found.cipher, found.is_hello_retry) == (0x0304, 0x1301, False)
    assert found.ja4s == "t130200_1301_" + hashlib.sha256(b"002b,0033").hexdigest()[:12]
    retry = body[:2] + hashlib.sha256(b"HelloRetryRequest").digest() + body[34:]  # RFC 8446 section 4.1.3
    asked = tls.server_hello(p.record(p.handshake(2, retry)))
    assert asked is not None
    assert asked.is_hello_retry


def test_a_cut_or_foreign_server_hello_is_none():
    data = p.record(p.handshake(2, p.server_hello_body([p.alpn("h2")])))
    assert [end for end in range(len(data)) if tls.server_hello(data[:end])] == []
    assert tls.server_hello(PLAIN) is None


@pytest.fixture(scope="module")
def ders() -> list[bytes]:
    """A leaf of another issuer, and one that signs itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    root = x509.Name(
        [x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Root"), x509.NameAttribute(NameOID.COUNTRY_NAME, "XX")]
    )
    leaf = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Leaf.Example")])
    names = x509.SubjectAlternativeName([x509.DNSName("*.Leaf.example"), x509.DNSName("leaf.example")])
    made = []
    for subject in (leaf, root):
        builder = x509.CertificateBuilder(root, subject, key.public_key(), 7, FROM, FROM + timedelta(days=90))
        builder = builder.add_extension(names, critical=False) if subject is leaf else builder
        made.append(builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.DER))
    return made


FROM = datetime(2024, 2, 29, tzinfo=UTC)


def certificate_message(ders: list[bytes]) -> bytes:
    return p.handshake(11, p.sized(b"".join(p.sized(der, 3) for der in ders), 3))


def test_certificates_are_read_across_records(ders: list[bytes]):
    """Subject, issuer, names and validity of a chain whose messages share and cross records."""
    stream = p.handshake(2, p.server_hello_body([])) + certificate_message(ders) + p.handshake(14, b"")
    leaf, root = tls.certificates(p.records(stream, 100))
    assert (leaf.subject, leaf.issuer) == ("CN=Leaf.Example", "C=XX,O=Root")
    assert leaf.names == ("*.leaf.example", "leaf.example")
    assert (leaf.is_self_signed, root.is_self_signed, root.names) == (False, True, ())
    assert leaf.not_before == int(FROM.timestamp()) * 10**9
    assert leaf.not_after - leaf.not_before == 90 * 86400 * 10**9


def test_of_a_cut_chain_the_whole_certificates_are_read(ders: list[bytes]):
    data = p.record(p.handshake(2, p.server_hello_body([])) + certificate_message(ders))
    assert len(tls.certificates(data[:-1])) == 1
    assert tls.certificates(data[:200]) == []


def test_a_certificate_that_cannot_be_read_is_passed_over(ders: list[bytes]):
    data = p.record(certificate_message([b"\x30\x03\x02\x01\x01", ders[1]]))
    assert [found.subject for found in tls.certificates(data)] == ["C=XX,O=Root"]


@given(st.binary(max_size=600))
def test_arbitrary_bytes_never_raise(data: bytes):
    for read in (tls.client_hello, tls.missing, tls.server_hello, tls.certificates, tls.server_name):
        read(data)
        read(b"\x16\x03\x01\x01\x00" + data)
        read(b"\x16\x03\x01\x01\x00\x01\x00\x00\xfc\x03\x03" + data)
    hello.server_name(data)
    hello.protocols(data)
    hello.newest(data)
    fields.text(data)


@given(st.integers(0, len(PLAIN) - 1), st.integers(0, 255), st.integers(0, len(PLAIN)))
def test_mutated_hellos_never_raise(at: int, byte: int, end: int):
    data = PLAIN[:at] + bytes([byte]) + PLAIN[at + 1 :]
    for changed in (data, data[:end], p.records(data[5:], 1 + byte)):
        tls.client_hello(changed, with_ja4=True)
        tls.missing(changed)


def test_a_stream_of_empty_records_costs_linear_time():
    empty = p.record(b"") * 50_000
    with p.bounded():
        assert tls.client_hello(p.record(b"\1") + empty) is None
        assert tls.missing(p.record(b"\1") + empty) > 0
        assert tls.client_hello(p.records(MESSAGE, 1)[:-6] + empty + p.record(MESSAGE[-1:])) == WHOLE


CAPTURED = [  # capture, packet, name, protocols, version, ECH: as tshark 4.0 shows them
    ("ndpi/tls_ech.pcapng", 4, "performance.radar.cloudflare.com", ("h2", "http/1.1"), 0x0304, True),
    ("arkime/tls13.pcap", 4, "blog.cloudflare.com", ("h2", "http/1.1"), 0x0304, False),  # draft 18
    ("zeek/tls_tls13-ech.pcap", 7, "cloudflare-ech.com", ("h2", "http/1.1"), 0x0304, True),
    ("zeek/tls_tls13-ech.pcap", 39, "cloudflare-ech.com", ("h2", "http/1.1"), 0x0304, True),
    ("ndpi/tls_esni_sni_both.pcap", 4, "these-are-not-the-droids-youre-looking-for.com", (), 0x0304, True),
    ("ndpi/tls_esni_sni_both.pcap", 24, "you-think-thats-normal-tls-traffic-youre-seeing.com", (), 0x0304, True),
]


@pytest.mark.shared
@pytest.mark.parametrize("case", CAPTURED)
def test_captured_hellos_read_as_in_tshark(shared: Path, case: tuple[str, int, str, tuple[str, ...], int, bool]):
    capture, packet, name, spoken, version, ech = case
    data = p.captured(shared / "captures" / capture)[packet - 1]
    assert tls.client_hello(data) == Hello(name, spoken, version, "", ech, "tls", True)


@pytest.mark.shared
def test_a_captured_hello_over_segments_is_gathered(shared: Path):
    """A hello with a key share of Kyber, and one of 11 KB with a ticket."""
    kyber = p.captured(shared / "captures/zeek/tls_chrome-1250-tls-x25519-kyber.pcap")[3]
    found = tls.client_hello(kyber, with_ja4=True)
    assert found is not None
    assert (found.name, found.ja4) == ("lh3.google.com", "t13d1516h2_8daaf6152771_02713d6af862")
    segments = p.captured(shared / "captures/ndpi/tls_with_huge_ch.pcapng")
    first = next(at for at, data in enumerate(segments) if tls.missing(data) > 0)
    data = b""
    for segment in segments[first:]:
        data += segment if len(segment) > 100 else b""
        if tls.missing(data) == 0:
            break
    huge = tls.client_hello(data)
    assert huge is not None
    assert (huge.is_whole, huge.name, huge.alpn, huge.version) == (True, "", ("h2", "http/1.1"), 0x0304)


CHAINS = [  # capture, packet, subject, issuer, names of the server's certificate: the values tshark 4.0 shows
    ("ndpi/tor.pcap", 0, "CN=www.g6ghvisevf3ibuu5.net", "CN=www.xkgk7fdx362yyyxib.com", ("www.g6ghvisevf3ibuu5.net",)),
    ("wireshark/tls-renegotiation.pcap", 0, "CN=localhost", "CN=localhost", ("localhost",)),
    ("ndpi/anydesk.pcapng", 72, "CN=AnyDesk Client", "CN=AnyDesk Client", ("anydesk client",)),
    (
        "arkime/badcurveball.pcap",
        0,
        "CN=SANS ISC DShield Test,O=SANS Internet Storm Center,C=US",
        "CN=INFIGO,O=INFIGO IS,ST=Zagreb,C=HR",
        ("bad.curveballtest.com", "sans isc dshield test"),
    ),
]


@pytest.mark.shared
@pytest.mark.parametrize("case", CHAINS)
def test_captured_certificates_read_as_in_tshark(shared: Path, case: tuple[str, int, str, str, tuple[str, ...]]):
    capture, packet, subject, issuer, names = case
    chains = map(tls.certificates, p.captured(shared / "captures" / capture)[max(0, packet - 1) :])
    leaf = next(chain[0] for chain in chains if chain)
    assert leaf[:4] == (subject, issuer, names, subject == issuer)
    assert leaf.not_before < leaf.not_after
