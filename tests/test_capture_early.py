"""What early payload tells: names, outcomes, samples that are kept and samples that are let go."""

from __future__ import annotations

import struct

import pytest
from _flows import ACK, CLIENT, PSH, RST, SYN, TCP, Message, packets_of, told
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.capture import _outline
from analyzer.capture._first import CUT, DNS, HTTP, TLS
from analyzer.capture._interest import Interest
from analyzer.capture.dissect import tls
from analyzer.capture.early import Early
from analyzer.capture.records import OUTCOMES, Mark
from analyzer.capture.table import SECOND, Table, Timeouts

ANSWERED, NO_ANSWER, RESET, REDIRECTED, FAILED = (
    OUTCOMES.index(o) for o in ("answered", "no_answer", "reset", "redirected", "failed")
)


def extension(kind: int, body: bytes) -> bytes:
    return struct.pack(">HH", kind, len(body)) + body


def client_hello(name: str, extra: bytes = b"", *, padding: int = 0) -> bytes:
    """A TLS record with a ClientHello (RFC 8446 section 4.1.2)."""
    stated = struct.pack(">HBH", len(name) + 3, 0, len(name)) + name.encode()
    extensions = (
        (extension(0, stated) if name else b"") + extension(43, b"\x02\x03\x04") + extra + extension(21, bytes(padding))
    )
    body = b"\x03\x03" + bytes(range(32)) + b"\x20" + bytes(32) + b"\0\x02\x13\x01" + b"\x01\0"
    body += struct.pack(">H", len(extensions)) + extensions
    message = b"\x01" + len(body).to_bytes(3, "big") + body
    return b"\x16\x03\x01" + struct.pack(">H", len(message)) + message


def server_hello(version: int) -> bytes:
    """A ServerHello; the extension that comes first tells 1.3 from 1.2."""
    extensions = extension(43, b"\x03\x04") if version == 0x0304 else extension(0xFF01, b"\0")
    body = (
        b"\x03\x03" + bytes(32) + b"\x20" + bytes(32) + b"\x13\x01\0" + struct.pack(">H", len(extensions)) + extensions
    )
    message = b"\x02" + len(body).to_bytes(3, "big") + body
    return b"\x16\x03\x03" + struct.pack(">H", len(message)) + message


def question(name: str, *, response: bool = False, code: int = 0, address: bytes = b"") -> bytes:
    """A DNS message (RFC 1035 section 4.1) that asks for an address, or answers."""
    labels = b"".join(bytes([len(part)]) + part.encode() for part in name.split(".")) + b"\0"
    head = struct.pack(">HHHHHH", 7, (0x8180 | code) if response else 0x0100, 1, bool(address), 0, 0)
    answer = b"\xc0\x0c\0\x01\0\x01\0\0\0\x3c\0\x04" + address if address else b""
    return head + labels + b"\0\x01\0\x01" + answer


def connection(*payloads: tuple[bool, bytes], **extra: object) -> list[Message]:
    """A TCP connection with its SYN and these payloads."""
    seqs = {True: 100, False: 900}
    out = [Message(proto=TCP, flags=SYN, seq=99, **extra), Message(proto=TCP, flags=SYN | ACK, up=False, **extra)]  # type: ignore[arg-type]
    for up, payload in payloads:
        out.append(Message(payload, up=up, proto=TCP, flags=PSH | ACK, seq=seqs[up], **extra))  # type: ignore[arg-type]
        seqs[up] += len(payload)
    return out


def test_a_usual_page_is_settled_by_its_hello() -> None:
    """Name, answer, and no label; nothing of it is kept."""
    (flow,) = told([connection((True, client_hello("www.example.com")), (False, server_hello(0x0304)))])
    assert (flow.name, flow.outcome, flow.traffic, flow.label) == ("www.example.com", ANSWERED, TLS, "")


@pytest.mark.parametrize("cut", [1, 5, 60, 200])
@pytest.mark.parametrize("together", [True, False])
def test_a_hello_over_two_segments_has_its_name(cut: int, together: bool) -> None:
    """Whether both come in one batch or in two, and in the wrong order too."""
    hello = client_hello("www.example.com", padding=1800)
    one, two = hello[:-cut], hello[-cut:]
    messages = connection((True, one), (True, two), (False, server_hello(0x0304)))
    batches = [messages] if together else [[m] for m in messages]
    assert told(batches)[0].name == "www.example.com"


def test_a_hello_whose_first_part_comes_last_has_its_name() -> None:
    """Segments are joined by their sequence numbers."""
    hello = client_hello("www.example.com", padding=1800)
    start, first, second = (
        connection((True, hello[:1200]), (True, hello[1200:]))[0],
        *connection((True, hello[:1200]), (True, hello[1200:]))[2:],
    )
    begin = Message(hello[:600], proto=TCP, flags=PSH | ACK, seq=first.seq)
    rest = Message(hello[600:1200], proto=TCP, flags=PSH | ACK, seq=first.seq + 600)
    assert told([[start, begin, second, rest]])[0].name == "www.example.com"


def test_a_cut_hello_gives_no_name_and_says_so() -> None:
    """A snaplen that ends before the name: not observable, which is not `none`."""
    messages = connection((True, client_hello("www.example.com")))
    cut = Message(messages[2].payload, proto=TCP, flags=PSH | ACK, seq=100, kept=60)
    (flow,) = told([[*messages[:2], cut]])
    assert flow.name == ""
    assert Mark.CUT in Mark(flow.marks)


def test_nothing_is_kept_of_a_hello_that_is_cut_before_its_name() -> None:
    """Captures of headers are common: their flows must not cost what rules cost."""
    table = Table(Timeouts())
    early = Early(table.rows, Interest())
    hello = connection((True, client_hello("www.example.com")), (False, server_hello(0x0304)))
    initial = Message(b"\xc0\0\0\0\1\x08" + bytes(1200), kept=54)
    page = Message(
        b"GET /" + b"a" * 300 + b" HTTP/1.1\r\nHost: a.example\r\n\r\n", proto=TCP, sport=5, dport=80, kept=54
    )
    cut = [
        Message(m.payload, up=m.up, proto=TCP, flags=m.flags, seq=m.seq, kept=min(54, len(m.payload))) for m in hello
    ]
    packets = packets_of([*cut, initial, page])
    early.take(packets, *table.update(packets))
    assert not early.samples


def test_payload_of_which_nothing_was_captured_is_cut_traffic() -> None:
    """Headers only."""
    (flow,) = told([[Message(b"x" * 100, kept=0)]])
    assert (flow.traffic, flow.label) == (CUT, "")


def test_a_reset_instead_of_an_answer_is_told_from_silence() -> None:
    """RST from the server's side before any answer; and no answer at all."""
    asked = connection((True, client_hello("x.com")))
    rst = Message(up=False, proto=TCP, flags=RST)
    assert told([[*asked, rst]])[0].outcome == RESET
    assert told([asked])[0].outcome == NO_ANSWER
    assert told([[*asked, Message(server_hello(0x0304), up=False, proto=TCP), rst]])[0].outcome == ANSWERED


@pytest.mark.parametrize(("status", "outcome"), [(b"302 Found", REDIRECTED), (b"200 OK", ANSWERED)])
def test_web_requests_and_what_became_of_them(status: bytes, outcome: int) -> None:
    """Host and status."""
    request = b"GET / HTTP/1.1\r\nHost: Www.Example.com\r\n\r\n"
    (flow,) = told([connection((True, request), (False, b"HTTP/1.1 " + status + b"\r\n\r\n"), dport=80)])
    assert (flow.name, flow.outcome, flow.traffic) == ("www.example.com", outcome, HTTP)


@pytest.mark.parametrize(("code", "outcome"), [(0, ANSWERED), (3, FAILED)])
def test_names_asked_of_a_resolver(code: int, outcome: int) -> None:
    """The question's name and the answer's code."""
    asked, got = question("x.com"), question("x.com", response=True, code=code)
    (flow,) = told([[Message(asked, dport=53), Message(got, up=False, dport=53)]])
    assert (flow.name, flow.outcome, flow.traffic, flow.label) == ("x.com", outcome, DNS, "")


def test_the_client_is_who_sent_the_syn_else_the_higher_port() -> None:
    """Ports and counts are turned where the first packet came from the server."""
    late = [Message(b"abc", up=False, proto=TCP, flags=ACK), Message(b"abc", proto=TCP, flags=ACK)]
    (flow,) = told([late])
    assert flow.ports == (40_000, 443)
    assert Mark.MID_STREAM in Mark(flow.marks)
    back = [Message(up=False, proto=TCP, flags=SYN | ACK), Message(proto=TCP, flags=ACK)]
    assert told([back])[0].ports == (40_000, 443)
    server_opens = [Message(up=False, proto=TCP, flags=SYN), Message(proto=TCP, flags=SYN | ACK)]
    assert told([server_opens])[0].ports == (443, 40_000)


def socks() -> list[Message]:
    return connection((True, b"\x05\x01\x00"), (False, b"\x05\x00"), (True, b"\x05\x01\x00\x03\x0bexample.com\0P"))


def test_a_flow_that_crosses_an_hour_keeps_its_label() -> None:
    """The second record has no handshake of its own."""
    later = [Message(b"data", proto=TCP, flags=ACK, t=t, seq=500) for t in (3599, 3601, 3650)]
    early = [m.__class__(**{**vars_of(m), "t": 3550.0}) for m in socks()]
    flows = told([[*early, *later]], Timeouts(idle=100 * SECOND))
    assert [f.label for f in flows] == ["socks.v5", "socks.v5"]
    assert Mark.CONTINUED in Mark(flows[1].marks)
    assert Mark.MID_STREAM not in Mark(flows[1].marks)


def vars_of(message: Message) -> dict[str, object]:
    return {name: getattr(message, name) for name in message.__dataclass_fields__}


def test_samples_that_had_to_go_are_told() -> None:
    """Under memory pressure a flow is labelled by what there is, or marked."""
    flows = told([socks(), [Message(bytes(range(100)), sport=5)]], relieve=True)
    assert {f.label or Mark.LOST in Mark(f.marks) for f in flows} == {"socks.v5", True}


def test_a_lookup_of_a_listed_name_explains_a_flow_without_one() -> None:
    """The same client, the address it was given, shortly after."""
    address = bytes([203, 0, 113, 9])
    asked = question("api.polargrizzly.com")
    got = question("api.polargrizzly.com", response=True, address=address)
    lookup = [Message(asked, dport=53), Message(got, up=False, dport=53)]
    nameless = (True, client_hello("")), (False, server_hello(0x0304))
    flow = connection(*nameless, server="203.0.113.9", t=5.0)
    other = connection(*nameless, server="203.0.113.9", t=5.0, client="192.0.2.99")
    labels = [f.label for f in told([[*lookup, *flow, *other]])]
    assert sum(map(bool, labels)) == 1, f"only the client that asked ({CLIENT})"


@settings(deadline=None, max_examples=200)
@given(
    st.text("abcdefghijklmnopqrstuvwxyz0123456789-.", min_size=0, max_size=60),
    st.lists(st.tuples(st.sampled_from([16, 23, 51, 0xFE0D, 0x0A0A]), st.binary(max_size=60)), max_size=6),
    st.integers(0, 400),
)
def test_the_outline_of_a_hello_agrees_with_its_parser(name: str, more: list[tuple[int, bytes]], cut: int) -> None:
    """Where the short way answers, it says what the full parser says; cut data have no outline."""
    raw = client_hello(name, b"".join(extension(kind, body) for kind, body in more))
    whole = _outline.client_hello(raw)
    parsed = tls.client_hello(raw)
    assert whole is not None
    assert parsed is not None
    assert whole[2] == parsed.ech
    assert (parsed.name.encode() in whole[0].lower()) if parsed.name else True
    assert _outline.client_hello(raw[: max(len(raw) - 1 - cut, 0)]) is None
