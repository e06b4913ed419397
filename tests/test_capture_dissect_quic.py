"""QUIC: what an observer can read of a ClientHello, whatever the version, the order and the number of datagrams."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import payloads as p
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.capture.dissect import initial, quic
from analyzer.capture.records import Hello

MESSAGE = p.handshake(1, p.hello_body(session=b""))
WHOLE = Hello(p.NAME, ("h2", "http/1.1"), 0x0304, "", False, "quic", True)
PLAIN = p.initial(p.crypto(0, MESSAGE))
DESTINATION = bytes.fromhex("8394c8f03e515708")  # of the examples in the RFCs

EXAMPLE = bytes.fromhex(  # RFC 9001 appendix A.2: the CRYPTO frame
    "060040f1010000ed0303ebf8fa56f12939b9584a3896472ec40bb863cfd3e868"
    "04fe3a47f06a2b69484c00000413011302010000c000000010000e00000b6578"
    "616d706c652e636f6dff01000100000a00080006001d00170018001000070005"
    "04616c706e000500050100000000003300260024001d00209370b2c9caa47fba"
    "baf4559fedba753de171fa71f50f1ce15d43e994ec74d748002b000302030400"
    "0d0010000e0403050306030203080408050806002d00020101001c0002400100"
    "3900320408ffffffffffffffff05048000ffff07048000ffff08011001048000"
    "75300901100f088394c8f03e51570806048000ffff"
)
PROTECTED = {  # the first bytes of the protected packets in RFC 9001 A.2 and RFC 9369 A.2
    1: "c000000001088394c8f03e5157080000449e7b9aec34d1b1c98dd7689fb8ec11d242b123dc9b",
    0x6B3343CF: "d76b3343cf088394c8f03e5157080000449ea0c95e82ffe67b6abcdb4298b485dd04de806071",
}
KEYS = {  # RFC 9001 A.1, RFC 9369 A.1
    1: ("1f369613dd76d5467730efcbe3b1a22d", "fa044b2f42a3fd3b46fb255c", "9f50449e04a0e810283a1e9933adedd2"),
    0x6B3343CF: ("8b1a0bc121284290a29e0971b5cd045d", "91f73e2351d8fa91660e909f", "45b95e15235d6f45a6b19cbcb0294ba9"),
}


@pytest.mark.parametrize("version", KEYS)
def test_keys_are_those_of_the_rfcs(version: int):
    found = initial.keys(initial.salts(version)[0], DESTINATION, version != 1)
    assert tuple(part.hex() for part in found) == KEYS[version]


@pytest.mark.parametrize("version", PROTECTED)
def test_the_packet_of_the_rfcs_is_opened(version: int):
    data = p.initial(EXAMPLE, version, number=2)
    assert data.hex().startswith(PROTECTED[version])
    assert len(data) == 1200
    assert quic.client_hello(data) == Hello("example.com", ("alpn",), 0x0304, "", False, "quic", True)
    assert quic.version(data) == version


@pytest.mark.parametrize("version", p.SALTS)
@pytest.mark.parametrize("number_bytes", [1, 2, 3, 4])
def test_every_version_and_length_of_packet_number_is_opened(version: int, number_bytes: int):
    data = p.initial(p.crypto(0, MESSAGE), version, number=77, number_bytes=number_bytes, token=b"t" * 70)
    assert quic.client_hello(data) == WHOLE


def test_frames_may_come_in_any_order_with_others_between():
    cuts = [0, 5, 60, 61, 130, len(MESSAGE)]
    pieces = [p.crypto(a, MESSAGE[a:b]) for a, b in pairwise(cuts)]
    pieces = [pieces[at] for at in (3, 0, 4, 2, 1)]
    ack = b"\2" + p.varint(9) + p.varint(0) + p.varint(1) + p.varint(2) + p.varint(0) + p.varint(3)
    payload = b"\1".join(pieces) + ack + b"\3" + ack[1:] + b"\1\2\3" + bytes(9) + pieces[0]
    assert quic.client_hello(p.initial(payload)) == WHOLE


def test_the_first_bytes_of_the_stream_may_come_in_the_second_datagram():
    first = p.initial(p.crypto(100, MESSAGE[100:]))
    second = p.initial(p.crypto(0, MESSAGE[:120]), number=1)
    gathered = quic.QuicHello()
    assert gathered.add(first) == Hello("", (), 0, "", False, "quic", False)
    assert gathered.add(second) == WHOLE
    assert quic.client_hello(first) == Hello("", (), 0, "", False, "quic", False)


def test_a_hello_over_datagrams_is_partial_until_it_is_whole():
    gathered = quic.QuicHello()
    for end in range(20, len(MESSAGE), 20):
        found = gathered.add(p.initial(p.crypto(end - 20, MESSAGE[end - 20 : end]), number=end))
        assert found is not None
        assert not found.is_whole
        assert found.name in ("", p.NAME)
    assert gathered.add(p.initial(p.crypto(end, MESSAGE[end:]), number=999), with_ja4=True) is not None
    assert gathered.add(b"other") == WHOLE


def test_packets_to_the_connection_id_of_the_server_keep_the_first_keys():
    gathered = quic.QuicHello()
    gathered.add(p.initial(p.crypto(0, MESSAGE[:99])))
    later = p.initial(p.crypto(99, MESSAGE[99:]), destination=b"server", keyed_by=DESTINATION, number=1)
    assert quic.client_hello(later) is None
    assert gathered.add(later) == WHOLE


def test_after_a_retry_the_hello_is_read_under_the_new_keys():
    gathered = quic.QuicHello()
    gathered.add(p.initial(p.crypto(0, b"\1\0\xff\xff" + bytes(99))))
    assert gathered.add(p.initial(p.crypto(0, MESSAGE), destination=b"retried!", token=b"token")) == WHOLE


def test_coalesced_packets_are_all_read():
    half = p.initial(p.crypto(0, MESSAGE[:90]), size=400), p.initial(p.crypto(90, MESSAGE[90:]), size=400, number=1)
    zero_rtt = b"\xd0" + PLAIN[1:14] + b"\0" + p.u16(0x4000 | 30) + bytes(30)
    assert quic.client_hello(half[0] + zero_rtt + half[1]) == WHOLE


def test_a_packet_of_other_keys_is_no_hello_of_the_client():
    broken = PLAIN[:300] + bytes([PLAIN[300] ^ 1]) + PLAIN[301:]
    assert quic.is_quic(broken)
    assert quic.client_hello(broken) is None
    assert quic.client_hello(p.initial(p.crypto(0, MESSAGE), keyed_by=b"another")) is None
    assert quic.client_hello(p.initial(b"\1")) is None


def test_a_datagram_cut_by_the_capture_never_gives_a_wrong_name():
    names = set()
    for end in range(len(PLAIN)):
        found = quic.client_hello(PLAIN[:end])
        assert found is None or (found.name in ("", p.NAME) and (found.name or not found.is_whole)), end
        names.add((found.name, found.is_whole) if found else None)
    assert names == {None, ("", False), (p.NAME, False), (p.NAME, True)}
    behind = 100 + len(MESSAGE)  # the hello is there, padding and tag are not
    assert quic.client_hello(PLAIN[:behind]) == WHOLE


def test_noise_under_other_keys_is_no_hello():
    """Cut datagrams of servers cannot be checked by their tag: hardly any reads like CRYPTO frames."""
    cut = [p.initial(p.crypto(0, MESSAGE), keyed_by=b"key %d" % number, number=number)[:900] for number in range(300)]
    assert sum(quic.client_hello(data) is not None for data in cut) <= 3
    assert quic.crypto_frames(p.crypto(200_000, b"far")) is None


def test_a_version_that_asks_for_negotiation_is_tried():
    data = bytearray(p.initial(p.crypto(0, MESSAGE)))
    assert quic.client_hello(bytes(data)) == WHOLE
    data[1:5] = b"\x1a\x2a\x3a\x4a"  # the header is authenticated: this packet cannot be opened any more
    assert quic.version(bytes(data)) == 0x1A2A3A4A
    assert quic.client_hello(bytes(data)) is None


def test_negotiation_and_retry_are_quic_without_a_hello():
    ids = p.sized(b"abcd", 1) + p.sized(b"efgh", 1)
    negotiation = b"\x9f\0\0\0\0" + ids + b"\0\0\0\1" + b"\x1a\x2a\x3a\x4a"
    retry = b"\xf0\0\0\0\1" + ids + b"token" + bytes(16)
    for data, version in ((negotiation, 0), (retry, 1)):
        assert quic.version(data) == version
        assert quic.client_hello(data) is None
    assert not quic.is_quic(negotiation[:-1])
    assert not quic.is_quic(b"\x9f\0\0\0\0" + ids + b"\xde\xad\xbe\xef")


CHLO = p.chlo([(b"PAD", b"-" * 30), (b"SNI", b"Www.Example.org"), (b"VER", b"Q043"), (b"UAID", b"a browser")])


@pytest.mark.parametrize(
    "head",
    [
        b"\x09" + bytes(8) + b"Q043" + b"\1",
        b"\x0d" + bytes(8) + b"Q035" + b"\1",
        b"\x19" + bytes(8) + b"Q039" + b"\0\1",
        b"\xc3Q046\x50" + bytes(8) + b"\0\0\0\1",
    ],
)
def test_googles_hello_is_read_in_clear(head: bytes):
    data = head + bytes(12) + b"\xa0\1" + p.u16(len(CHLO)) + CHLO
    assert quic.is_quic(data)
    assert quic.client_hello(data) == Hello("www.example.org", (), 0, "", False, "quic", True)
    cut = quic.client_hello(data[: data.index(b"Www") + 3])
    assert cut == Hello("", (), 0, "", False, "quic", False)


@pytest.mark.parametrize(
    "data", [b"", b"\x40" + bytes(30), b"\xc0\0\0\0\2" + bytes(40), b"\x45" * 60, b"\x09" + bytes(40)]
)
def test_what_is_no_quic_is_none(data: bytes):
    assert not quic.is_quic(data)
    assert quic.client_hello(data) is None


@given(st.binary(max_size=200), st.sampled_from([1, 0x6B3343CF, 0xFF00001D, 0x51303530, 0x51303433, 0x1A1A1A1A, 0]))
def test_arbitrary_bytes_never_raise(data: bytes, version: int):
    for head in (b"", b"\xc3" + version.to_bytes(4, "big"), b"\xc3" + version.to_bytes(4, "big") + b"\0\0\0\x40\x40"):
        quic.client_hello(head + data)
        quic.version(head + data)


@given(st.binary(max_size=400))
def test_arbitrary_frames_never_raise(payload: bytes):
    """Payloads under the right keys: what a hostile client can send."""
    quic.client_hello(p.initial(payload, size=400), with_ja4=True)
    quic.client_hello(p.initial(p.crypto(0, MESSAGE[:40]) + payload, size=400)[:-30])


@given(st.integers(0, len(PLAIN) - 1), st.integers(0, 255), st.integers(0, len(PLAIN)))
def test_mutated_datagrams_never_give_a_wrong_name(at: int, byte: int, end: int):
    found = quic.client_hello(PLAIN[:at] + bytes([byte]) + PLAIN[at + 1 :])
    assert found is None or found == WHOLE
    quic.client_hello((PLAIN[:at] + bytes([byte]) + PLAIN[at + 1 :])[:end])


def test_hostile_frames_cost_linear_time():
    """64 KB of one-byte frames, of acknowledgements that claim endless ranges, and of pieces of one byte."""
    with p.bounded():
        for payload in (
            b"\0\1" * 32_000,
            (b"\2\0\0" + b"\xff" * 8) * 5_000,
            b"\6\0\1\1" * 16_000,
            b"\6\x40\x01\1a" * 12_000,
        ):
            quic.crypto_frames(payload)
        gathered = quic.QuicHello()
        for number in range(100):
            gathered.add(p.initial(p.crypto(number, b"\1"), number=number, size=1100))


CAPTURED = [  # capture, packet, name, protocols: as tshark 4.0 shows them
    ("ndpi/quic-v2.pcapng", 1, "test", ("h3",)),
    ("zeek/quic_quicv2-http3-443.pcap", 1, "", ("h3",)),
    ("ndpi/quic_t51.pcap", 1, "www.google.com", ("h3-T051",)),
    ("ndpi/quic_0RTT.pcap", 1, "abcd", ("h3-32",)),
    ("ndpi/quic_0RTT.pcap", 5, "ssl.gstatic.com", ("h3",)),
    ("zeek/ppp_quic-interop-retry.pcap", 5, "server4:443", ("hq-interop",)),
    ("zeek/quic_curl-8.1.2-dev-http3-www-google-de.pcap", 1, "www.google.de", ("h3", "h3-29", "h3-28", "h3-27")),
    ("zeek/quic_firefox-102.13.0esr-blog-cloudflare-com.pcap", 1, "blog.cloudflare.com", ("h3",)),
]
INTEROP = ("hq-30", "h3-30", "hq-29", "h3-29", "hq-28", "h3-28", "hq-27", "h3-27")
CAPTURED += [
    ("ndpi/quic_interop_V.pcapng", packet, name, INTEROP)
    for packet, name in enumerate(("nghttp2.org", "71.202.41.169", "quic.aiortc.org", "quic.ogre.com"), 1)
]


@pytest.mark.shared
@pytest.mark.parametrize(("capture", "packet", "name", "spoken"), CAPTURED)
def test_captured_hellos_read_as_in_tshark(shared: Path, capture: str, packet: int, name: str, spoken: tuple[str, ...]):
    data = p.captured(shared / "captures" / capture)[packet - 1]
    assert quic.client_hello(data) == Hello(name, spoken, 0x0304, "", False, "quic", True)


@pytest.mark.shared
@pytest.mark.parametrize(("capture", "name"), [("quic_q46.pcap", "play.google.com"), ("gquic.pcap", "www.gstatic.com")])
def test_captured_hellos_of_googles_quic_are_read(shared: Path, capture: str, name: str):
    """Q046 in clear and Q050 under its salt."""
    found = quic.client_hello(p.captured(shared / "captures/ndpi" / capture)[0])
    assert found == Hello(name, (), 0, "", False, "quic", True)


@pytest.mark.shared
def test_a_captured_hello_over_two_datagrams_is_gathered(shared: Path):
    first, second, *_, answered = p.captured(shared / "captures/ndpi/quic_frags_ch_in_multiple_packets.pcapng")[:4]
    gathered = quic.QuicHello()
    partial = gathered.add(first)
    assert partial is not None
    assert not partial.is_whole
    whole = gathered.add(second)
    assert whole is not None
    assert (whole.is_whole, whole.name, len(whole.alpn), whole.version) == (True, "", 18, 0x0304)
    assert quic.is_quic(answered)  # with the fixed bit cleared (RFC 9287)


@pytest.mark.shared
def test_captured_initials_of_servers_hold_no_hello(shared: Path):
    """Of the first packets of a connection only those of the client are read."""
    datagrams = p.captured(shared / "captures/zeek/quic_firefox-102.13.0esr-blog-cloudflare-com.pcap")[:40]
    assert [at for at, data in enumerate(datagrams) if quic.client_hello(data)] == [0]
