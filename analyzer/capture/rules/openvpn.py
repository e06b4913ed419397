"""OpenVPN: resets, sessions and data channel by header; scrambled OpenVPN by the pattern of its opcodes.

First byte of a message: opcode in the high five bits, key id in the low three.  Control messages carry an 8-byte
session id behind it; over TCP a 2-byte length comes first (https://openvpn.net/community-resources/openvpn-protocol/).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from itertools import islice
from typing import NamedTuple

from analyzer.capture.records import Flow, Rule
from analyzer.capture.rules._bytes import TCP, UDP, framed, grows, heads, looks_random

_PROTOCOL = "OpenVPN network protocol, https://openvpn.net/community-resources/openvpn-protocol/"
_XUE = "Xue et al., OpenVPN is Open to VPN Fingerprinting, USENIX Security 2022, section 5"
_CLIENT_RESETS, _SERVER_RESETS = {1, 7, 10}, {2, 8}
_RESETS = _CLIENT_RESETS | _SERVER_RESETS
_CONTROL = frozenset({1, 2, 3, 4, 5, 7, 8, 10, 11})
_ANY = frozenset(range(32))
_OPCODES = _CONTROL | {6, 9}
_HMACS = (16, 20, 32, 64)  # bytes of MD5, SHA-1, SHA-256, SHA-512


class _Message(NamedTuple):
    up: bool
    size: int
    opcode: int
    key: int
    session: bytes
    rest: bytes  # what follows the session id, as far as captured


def _message(up: bool, size: int, data: bytes) -> _Message:
    return _Message(up, size, data[0] >> 3, data[0] & 7, data[1:9], data[9:])


def _messages(flow: Flow, opcodes: frozenset[int] = _ANY) -> list[_Message]:
    """Messages of the flow's start: datagrams with these opcodes, or what stands behind the lengths of both sides."""
    skip = 0 if flow.proto == UDP else 2
    if not any(len(s.data) > skip and s.data[skip] >> 3 in _OPCODES for s in flow.samples[:4]):
        return []
    if flow.proto == UDP:
        return [_message(s.up, s.size, s.data) for s in flow.samples if s.data and s.data[0] >> 3 in opcodes]
    both = ((up, islice(framed(flow, up, 128), 32)) for up in (True, False))
    return [_message(up, size, data) for up, found in both for size, data in found if data]


def _control(messages: Iterable[_Message]) -> list[_Message]:
    """Control messages that may be ones: known opcode, resets with key id 0, a session id that looks drawn."""
    return [
        m
        for m in messages
        if m.opcode in _CONTROL and m.size >= 14 and not (m.opcode in _RESETS and m.key) and _drawn(m.session)
    ]


def _drawn(session: bytes) -> bool:
    """Eight bytes as a random generator gives them, not a header of small numbers."""
    return len(session) == 8 and len(set(session)) >= 5 and session.count(0) <= 2


def _layout(kept: list[_Message]) -> str:
    """How the messages of one session id are wrapped, if all of them agree ('' = in no way we know)."""
    if all(map(_is_plain, kept)):
        return "plain"
    for wrapping, offset in (("tls-crypt", 0), *(("tls-auth", h) for h in _HMACS)):
        numbered = [m.rest[offset : offset + 8] for m in kept if len(m.rest) >= offset + 8]
        if len(numbered) >= 2 and _numbered(numbered):
            return wrapping
    return ""


def _is_plain(m: _Message) -> bool:
    """No HMAC: count of acknowledged ids, the ids, the peer's session id if there are any, then the own message id."""
    count = m.rest[0] if m.rest else 255
    ids = [m.rest[1 + 4 * i : 5 + 4 * i] for i in range(count + (m.opcode != 5))] if count <= 8 else [b""]
    if count and count <= 8 and m.opcode != 5:
        ids[-1] = m.rest[9 + 4 * count : 13 + 4 * count]
    exact = m.opcode != 5 or m.size == 18 + 4 * count
    return exact and all(i[:2] == b"\0\0" for i in ids)


def _numbered(words: list[bytes]) -> bool:
    """Packet ids of a young session, no two alike, each with the same time of its start.

    tls-crypt-v2 negotiates in the high half of the packet id; the low half counts.
    """
    ids = [int.from_bytes(w[2:4], "big") for w in words]
    marks, times = {w[:2] for w in words}, {w[4:] for w in words}
    if len(set(ids)) < len(ids) or not all(0 < i < 4096 for i in ids) or len(marks) > 1 or len(times) > 1:
        return False
    return len(set(times.pop())) > 1


def _reset(flow: Flow) -> str | None:
    """The server's reset acknowledges the session id of the client's reset in clear."""
    control = _control(_messages(flow, _CONTROL))
    asked = {m.session for m in control if m.opcode in _CLIENT_RESETS and m.size < 1200}
    for m in control:
        if m.opcode in _SERVER_RESETS and m.size < 1200:
            named = {s for s in asked if s != m.session and s in m.rest}
            if named and any(c.session in named and c.up is not m.up for c in control):
                return "OpenVPN server reset acknowledges the session id of the client's reset"
    return None


def _session(flow: Flow) -> str | None:
    """Both directions keep to one session id each; acknowledgements or control messages among them."""
    messages = _messages(flow)[:24]
    control = _control(messages)
    if 2 * len(control) < min(len(messages), 8):
        return None
    ours, theirs = (_kept([m for m in control if m.up is up]) for up in (True, False))
    if not ours or not theirs or ours[0].session == theirs[0].session:
        return None
    if (_layout(ours) and _layout(theirs)) or (flow.proto == TCP and _opened(ours) and _opened(theirs)):
        return "OpenVPN control messages with one session id per direction"
    return None


def _kept(control: list[_Message]) -> list[_Message]:
    """The messages of the session id that comes most often, if twice or more and with more than resets."""
    sessions = [m.session for m in control]
    if not sessions:
        return []
    common = max(set(sessions), key=sessions.count)
    same = [m for m in control if m.session == common]
    return same if len(same) >= 2 and any(m.opcode in (3, 4, 5) for m in same) else []


def _opened(kept: list[_Message]) -> bool:
    """A reset and two more messages behind exact lengths: enough where early packets were too small to show more."""
    return kept[0].opcode in _RESETS and len(kept) >= 3


def _one_way(flow: Flow) -> str | None:
    """Only one direction was captured: four or more messages of one session id, all wrapped alike."""
    messages = _messages(flow)[:24]
    if len({m.up for m in messages}) != 1:
        return None
    control = _control(messages)
    kept = _kept(control)
    if len(kept) >= 4 and 2 * len(control) >= min(len(messages), 8) and _layout(kept):
        return "OpenVPN control messages of one session id; only one direction was captured"
    return None


def _unanswered(flow: Flow) -> str | None:
    """A client repeats its reset and nobody answers, as behind a block."""
    messages = _messages(flow)
    control = _control(messages)
    if len(messages) < 3 or len(control) < len(messages) or len({m.up for m in messages}) != 1:
        return None
    same = len({m.session for m in control}) == 1 and all(m.opcode in _CLIENT_RESETS for m in control)
    if same and _layout(control):
        return "OpenVPN client reset repeated without an answer"
    return None


def _data(flow: Flow) -> str | None:
    """Data channel seen without its handshake: one opcode and peer id per direction, packet ids that grow."""
    messages = [m for m in _messages(flow) if m.size > 24]
    ways = [[m for m in messages if m.up is up] for up in (True, False)]
    ways = [w for w in ways if len(w) >= 3]
    if not ways or sum(map(len, ways)) < (8 if len(ways) == 2 else 12) or not _random_tails(flow):
        return None
    for check, words in ((_peer_ids, "packet ids that grow"), (_blocks, "lengths of whole cipher blocks")):
        if all(check(w) for w in ways):
            return f"OpenVPN data channel without its start: one opcode and peer id per direction, {words}"
    return None


def _peer_ids(way: list[_Message]) -> bool:
    """P_DATA_V2 with an AEAD cipher: 3-byte peer id, then a 4-byte packet id."""
    if _opcodes(way) != {9}:
        return False
    peers = {m.session[:3] for m in way}
    ids = [int.from_bytes(m.session[3:7], "big") for m in way]
    return len(peers) == 1 and _peer(peers.pop()) and grows(ids)


def _peer(three: bytes) -> bool:
    """Peer ids are numbered from 0 up; 0xffffff = none."""
    return three[0] == 0 or three == b"\xff\xff\xff"


def _blocks(way: list[_Message]) -> bool:
    """P_DATA_V2 with CBC: HMAC, IV and whole blocks behind the peer id, so lengths agree modulo 16."""
    if _opcodes(way) != {9} or len({m.session[:3] for m in way}) != 1 or not _peer(way[0].session[:3]):
        return False
    words = {m.session[3:] for m in way}
    return len(words) == len(way) and len({m.size % 16 for m in way}) == 1 and way[0].size % 16 in (4, 8)


def _opcodes(way: list[_Message]) -> set[int]:
    """Opcodes of a direction, if its key ids are few and next to each other (a key is renewed hourly)."""
    return {m.opcode for m in way} if len({m.key for m in way}) <= 2 else set()


def _random_tails(flow: Flow) -> bool:
    """Behind the header of early packets there is nothing but ciphertext; at least two are long enough to tell."""
    tails = [s.data[16:144] for s in flow.samples[:8] if len(s.data) >= 40]
    return len(tails) >= 2 and all(map(looks_random, tails))


def _old_data(flow: Flow) -> str | None:
    """P_DATA_V1 without its handshake: opcode 6, then an HMAC or a packet id that grows."""
    messages = [m for m in _messages(flow) if m.size > 24]
    ways = [w for w in ([m for m in messages if m.up is up] for up in (True, False)) if len(w) >= 6]
    if len(ways) < 2 or not _random_tails(flow) or any(_opcodes(w) != {6} for w in ways):
        return None
    if all(grows([int.from_bytes(m.session[:4], "big") for m in w]) for w in ways):
        return "OpenVPN data channel (version 1) without its start: one opcode, packet ids that grow"
    if all(_hashed(w) for w in ways):
        return "OpenVPN data channel (version 1) without its start: one opcode, lengths of whole cipher blocks"
    return None


def _hashed(way: list[_Message]) -> bool:
    """HMAC behind the opcode: no two alike, spread over all byte values; lengths agree modulo 8."""
    first = [m.session[0] for m in way if m.session]
    unlike = len({m.session for m in way}) == len(way) and len(set(first)) > len(first) // 2
    return (
        unlike
        and len({m.size % 8 for m in way}) == 1
        and way[0].size % 8 in (1, 5)
        and looks_random(b"".join(m.session for m in way))
    )


def _scrambled(flow: Flow) -> str | None:
    """Opcode pattern of Xue et al.: resets differ and do not come back, few values of the first byte in all."""
    values = _first_bytes(flow)
    if len(values) < 16 or len({up for up, _ in values}) < 2:
        return None
    client = next(v for up, v in values if up)
    server = next(v for up, v in values if not up)
    early, later = values[:6], [v for _, v in values[6:]]
    if client == server or client in later or server in later or len({v for _, v in early}) < 3:
        return None
    distinct = {v for _, v in values}
    if 4 <= len(distinct) <= 10 and _top(later) >= 0.6 and _unlike_known(distinct) and _random_starts(flow):
        return (
            "first bytes follow the pattern of OpenVPN opcodes (resets once, few values), the bytes themselves do not"
        )
    return None


def _first_bytes(flow: Flow) -> list[tuple[bool, int]]:
    """(direction, first byte) of messages; over TCP of those that begin a segment, if nearly all segments do."""
    if flow.proto == UDP:
        return [(s.up, s.data[0]) for s in flow.samples if s.data and s.size > 13]
    segments = heads([s for s in flow.samples if len(s.data) >= 3])
    lengths = [int.from_bytes(s.data[:2], "big") + 2 for s in segments]
    exact = sum(n == s.size for n, s in zip(lengths, segments, strict=True))
    begins = [s for n, s in zip(lengths, segments, strict=True) if 11 <= n <= s.size or n == lengths[0]]
    if 2 * exact < len(segments) or 10 * len(begins) < 7 * len(segments) or len({*lengths}) < 4:
        return []
    return [(s.up, s.data[2]) for s in begins]


def _top(values: list[int]) -> float:
    """Share of the two most frequent values (data channel, one per direction or key)."""
    counts = sorted((values.count(v) for v in set(values)), reverse=True)
    return sum(counts[:2]) / len(values) if values else 0.0


def _unlike_known(distinct: set[int]) -> bool:
    """Not RTP, STUN, TLS, DTLS, QUIC long headers or plain small opcodes."""
    small = sum(v < 4 or 20 <= v <= 25 or v in (0x80, 0x81, 0x90) for v in distinct)
    return small <= len(distinct) // 4


def _random_starts(flow: Flow) -> bool:
    """The handshake's payload is not readable; scrambling may leave patterns, so zeros and text alone speak against."""
    early = [s.data[:64] for s in flow.samples[:6] if len(s.data) >= 48]
    return bool(early) and all(d.count(0) <= 4 and sum(0x20 <= b < 0x7F for b in d) < 0.8 * len(d) for d in early)


_HEADS = tuple(
    bytes([b]) for b in (0x08, 0x10, 0x38, 0x40, 0x50, *range(0x18, 0x38), *range(0x48, 0x50), *range(0x58, 0x60))
)
_LENGTHS = tuple(bytes([b]) for b in range(8))  # high byte of a length below 2048, over TCP


_RESET = Rule(
    id="openvpn.reset",
    version=1,
    family="openvpn",
    kind="tunnel",
    confidence="header",
    protos=(TCP, UDP),
    match=_reset,
    reference=_PROTOCOL,
    first=_HEADS + _LENGTHS,
    priority=20,
)

RULES = (
    _RESET,
    replace(_RESET, id="openvpn.session", match=_session, priority=21),
    replace(_RESET, id="openvpn.one_way", match=_one_way, priority=22),
    replace(_RESET, id="openvpn.unanswered", match=_unanswered, priority=23),
    replace(_RESET, id="openvpn.data", match=_data, priority=45),
    replace(_RESET, id="openvpn.data_v1", match=_old_data, priority=46),
    replace(
        _RESET,
        id="openvpn.scrambled",
        least=16,
        confidence="statistical",
        match=_scrambled,
        reference=_XUE,
        first=(),
        priority=80,
    ),
)
