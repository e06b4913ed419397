"""DTLS hellos of every version say what they were built with, whole, fragmented or cut."""

from __future__ import annotations

from pathlib import Path

import payloads as p
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.capture.dissect import dtls, tls
from analyzer.capture.records import Hello

LISTED = [
    p.extension(10, p.sized(p.u16(29, 23, 24))),
    p.extension(13, p.sized(p.u16(0x0403, 0x0804))),
    p.extension(14, p.sized(p.u16(7, 1)) + b"\0"),
    p.server_name(p.NAME),
    p.alpn("webrtc"),
]
BODY = p.hello_body(LISTED, (0xC02B, 0xC02F), 0xFEFD, cookie=b"", session=b"")
PLAIN = p.dtls_record(p.fragment(1, BODY), version=0xFEFF)
WHOLE = Hello(p.NAME, ("webrtc",), 0xFEFD, "", False, "dtls", True)


def test_a_hello_states_name_protocols_and_version():
    assert dtls.is_dtls(PLAIN)
    assert dtls.content_types(PLAIN) == (22,)
    assert dtls.client_hello(PLAIN) == WHOLE


def test_what_tells_implementations_apart_stands_beside_it():
    found = dtls.dtls_hello(PLAIN)
    assert found is not None
    assert found[1:] == (0xFEFD, 0, (0xC02B, 0xC02F), (10, 13, 14, 0, 16), (29, 23, 24), (0x0403, 0x0804), (7, 1))


@pytest.mark.parametrize("version", [0xFEFF, 0x0100])
def test_versions_without_extensions_are_read(version: int):
    body = p.u16(version) + bytes(32) + b"\0" + p.sized(b"c" * 20, 1) + p.sized(p.u16(0x35)) + b"\1\0"
    data = p.dtls_record(p.fragment(1, body, message=1), version=version)
    assert dtls.client_hello(data) == Hello("", (), version, "", False, "dtls", True)
    found = dtls.dtls_hello(data)
    assert found is not None
    assert (found.cookie, found.ciphers) == (20, (0x35,))


def test_dtls_1_3_is_the_lowest_version_offered():
    body = p.hello_body([p.versions(0xFEFD, 0xFEFC)], version=0xFEFD, cookie=b"")
    found = dtls.client_hello(p.dtls_record(p.fragment(1, body)), with_ja4=True)
    assert found is not None
    assert found.version == 0xFEFC
    assert found.ja4.startswith("dd3i0501")


@pytest.mark.parametrize("step", [12, 50, 100])
def test_fragments_may_come_over_datagrams_in_any_order(step: int):
    datagrams = [p.dtls_record(p.fragment(1, BODY, at, at + step), sequence=at) for at in range(0, len(BODY), step)]
    assert dtls.client_hello(*reversed(datagrams)) == WHOLE
    partial = dtls.client_hello(*datagrams[:-1])
    assert partial is not None
    assert not partial.is_whole
    assert partial.name in ("", p.NAME)
    assert dtls.client_hello(b"".join(datagrams)) == WHOLE  # several records in one datagram


def test_of_two_hellos_the_one_with_the_cookie_is_read():
    second = p.hello_body(LISTED, version=0xFEFD, cookie=b"cookie", session=b"")
    found = dtls.dtls_hello(p.dtls_record(p.fragment(1, second, message=1)), PLAIN)
    assert found is not None
    assert (found.cookie, found.hello.name) == (6, p.NAME)


def test_a_cut_hello_never_gives_a_wrong_name():
    for end in range(len(PLAIN)):
        cut = dtls.client_hello(PLAIN[:end])
        assert cut is None or (not cut.is_whole and cut.name in ("", p.NAME)), end


def test_the_cookie_of_a_hello_verify_request_is_read():
    body = p.u16(0xFEFF) + p.sized(b"cookie", 1)
    data = p.dtls_record(p.fragment(3, body), version=0xFEFF)
    assert dtls.hello_verify(data) == b"cookie"
    assert [end for end in range(len(data)) if dtls.hello_verify(data[:end]) is not None] == []
    assert dtls.hello_verify(PLAIN) is None
    assert dtls.client_hello(data) is None


def test_a_server_hello_states_what_was_chosen():
    body = p.server_hello_body([p.extension(0xFF01, b"\0"), p.extension(10, p.sized(p.u16(29)))], version=0xFEFD)
    data = p.dtls_record(p.fragment(2, body))
    assert dtls.server_hello(data) == tls.ServerHello(0xFEFD, 0xC02F, "", "", False, (0xFF01, 10))
    newer = p.server_hello_body([p.extension(43, p.u16(0xFEFC))], version=0xFEFD)
    found = dtls.server_hello(p.dtls_record(p.fragment(2, newer)), with_ja4s=True)
    assert found is not None
    assert (found.version, found.ja4s[:8]) == (0xFEFC, "dd30100_")
    assert [end for end in range(len(data)) if dtls.server_hello(data[:end])] == []


def test_records_under_later_keys_are_dtls_without_a_hello():
    sealed = p.dtls_record(p.fragment(1, BODY), epoch=1)
    with_id = b"\x19\xfe\xfd\0\1" + bytes(6) + b"an id" + p.sized(bytes(30))
    for data, kind in ((sealed, 22), (with_id, 25), (p.dtls_record(bytes(40), 23, epoch=1), 23)):
        assert dtls.is_dtls(data)
        assert dtls.content_types(data) == (kind,)
        assert dtls.client_hello(data) is None


@pytest.mark.parametrize(
    "data",
    [
        b"",
        PLAIN[:12],
        p.tls_hello(),
        p.dtls_record(BODY, version=0x0303),
        p.dtls_record(b"", 22),
        p.dtls_record(bytes(40), 20),
        p.dtls_record(bytes(40), 21),
        b"\x16\xfe\xfd" + bytes(8) + b"\xff\xff" + bytes(40),
    ],
)
def test_what_is_no_dtls_is_told(data: bytes):
    assert not dtls.is_dtls(data)


def test_a_hello_of_another_protocols_version_is_none():
    body = p.hello_body(LISTED, version=0x0303, cookie=b"")
    assert dtls.client_hello(p.dtls_record(p.fragment(1, body))) is None


@given(st.binary(max_size=300), st.sampled_from(sorted(dtls.VERSIONS)), st.integers(1, 20))
def test_arbitrary_bytes_never_raise(data: bytes, version: int, kind: int):
    for changed in (data, p.dtls_record(data, version=version), p.dtls_record(p.fragment(kind, data), version=version)):
        dtls.client_hello(changed, data, with_ja4=True)
        dtls.server_hello(changed, with_ja4s=True)
        dtls.certificates(changed)
        dtls.hello_verify(changed)
        dtls.is_dtls(changed)


@given(st.integers(0, len(PLAIN) - 1), st.integers(0, 255))
def test_mutated_hellos_never_raise(at: int, byte: int):
    dtls.dtls_hello(PLAIN[:at] + bytes([byte]) + PLAIN[at + 1 :], with_ja4=True)


CAPTURED = [  # capture, packet, name, version, bytes of cookie, extensions: as tshark 4.0 shows them
    ("wireshark/udt-dtls.pcapng.gz", 1, "ws-test", 0xFEFF, 0, (0, 11, 10)),
    ("wireshark/udt-dtls.pcapng.gz", 4, "ws-test", 0xFEFF, 20, (0, 11, 10)),
    ("ndpi/dtls_old_version.pcapng", 1, "", 0x0100, 0, ()),
    ("ndpi/dtls_old_version.pcapng", 6, "", 0x0100, 20, ()),
    ("wireshark/dtls12-aes128ccm8.pcap", 3, "", 0xFEFD, 16, (5, 65281)),
    ("zeek/tls_dtls13-cid.pcap", 1, "", 0xFEFC, 0, (43, 13, 10, 22, 54, 51)),
    ("ndpi/dtls.pcap", 9, "", 0xFEFC, 0, (43, 44, 45, 13, 10, 22, 51)),
    ("ndpi/dtls_certificate_fragments.pcap", 3, "", 0xFEFD, 20, (11, 10, 35, 13, 15)),
]


@pytest.mark.shared
@pytest.mark.parametrize("case", CAPTURED)
def test_captured_hellos_read_as_in_tshark(shared: Path, case: tuple[str, int, str, int, int, tuple[int, ...]]):
    capture, packet, name, version, cookie, extensions = case
    found = dtls.dtls_hello(p.captured(shared / "captures" / capture)[packet - 1])
    assert found is not None
    assert found.hello == Hello(name, (), version, "", False, "dtls", True)
    assert (found.cookie, found.extensions) == (cookie, extensions)


@pytest.mark.shared
def test_captured_fragments_and_answers_are_read(shared: Path):
    """A hello over two datagrams, its HelloVerifyRequest, and certificates in one datagram and over two."""
    first, second, verify, *_, answer = p.captured(shared / "captures/zeek/tls_dtls1_0.pcap")[:6]
    whole = dtls.client_hello(first, second)
    assert whole == Hello("", (), 0xFEFF, "", False, "dtls", True)
    assert len(dtls.hello_verify(verify) or b"") == 20
    assert [found.subject for found in dtls.certificates(answer)] == ["CN=bro"]
    pieces = p.captured(shared / "captures/ndpi/dtls_certificate_fragments.pcap")[3:5]
    assert dtls.certificates(pieces[0]) == []
    assert len(dtls.certificates(*pieces)) == 1
    retry = dtls.server_hello(p.captured(shared / "captures/ndpi/dtls.pcap")[7])
    assert retry is not None
    assert (retry.version, retry.cipher, retry.is_hello_retry) == (0xFEFC, 0x1301, True)
