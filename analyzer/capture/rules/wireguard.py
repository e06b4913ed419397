"""WireGuard and what is built on its messages: TunnelBear, Cloudflare WARP, AmneziaWG.

Type (1 to 4) and three reserved bytes, little-endian indices: https://www.wireguard.com/protocol/.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from analyzer.capture.records import Flow, Rule, Sample
from analyzer.capture.rules._bytes import UDP, grows, looks_random

_PROTOCOL = "WireGuard protocol and cryptography, https://www.wireguard.com/protocol/"
_NDPI = "nDPI, src/lib/protocols/wireguard.c, https://github.com/ntop/nDPI (message lengths and types only)"
_INITIATION, _RESPONSE, _COOKIE, _DATA = 148, 92, 64, 32
_SIZES = ((1, _INITIATION), (2, _RESPONSE), (3, _COOKIE))


def _typed(samples: Sequence[Sample], kind: int) -> list[Sample]:
    start = bytes((kind, 0, 0, 0))
    return [s for s in samples if s.data.startswith(start) and len(s.data) >= 12]


def _answered(flow: Flow, sizes: tuple[int, int]) -> bool:
    """A response or cookie reply repeats the index that an initiation in the other direction announced."""
    asked = {(s.up, s.data[4:8]) for s in _typed(flow.samples, 1) if s.size == sizes[0]}
    told = {(not s.up, s.data[8:12]) for s in _typed(flow.samples, 2) if s.size == sizes[1]}
    told |= {(not s.up, s.data[4:8]) for s in _typed(flow.samples, 3) if s.size == _COOKIE}
    return bool(asked & told)


def _handshake(flow: Flow) -> str | None:
    if _answered(flow, (_INITIATION, _RESPONSE)):
        return "WireGuard handshake: the answer repeats the initiator's index"
    return None


def _sequence(flow: Flow) -> str | None:
    """Initiation, response the other way, then data and nothing else: also where indices were made anonymous."""
    first = flow.samples[:2]
    if [(s.data[:4], s.size) for s in first] != [(b"\x01\0\0\0", _INITIATION), (b"\x02\0\0\0", _RESPONSE)]:
        return None
    rest = _typed(flow.samples[2:], 4)
    whole = len(rest) == len(flow.samples) - 2 and all(s.size >= _DATA and not s.size % 16 for s in rest)
    if first[0].up is not first[1].up and len(rest) >= 4 and whole:
        return "WireGuard initiation, response and data, by types and lengths throughout"
    return None


def _tunnelbear(flow: Flow) -> tuple[str, str] | None:
    """TunnelBear's WireGuard lengthens the handshake (204 and 100 bytes); indices stay where they are."""
    if _answered(flow, (204, 100)):
        return "WireGuard handshake with TunnelBear's message lengths and matching indices", "TunnelBear"
    return None


def _transport(flow: Flow) -> str | None:
    """Data without its handshake: every receiver index keeps its own counter."""
    found = _typed(flow.samples, 4)
    opened = [s for kind, size in _SIZES for s in _typed(flow.samples, kind) if s.size == size]
    if len(found) < 4 or 10 * (len(found) + len(opened)) < 9 * len(flow.samples):
        return None
    if any(s.size % 16 or s.size < _DATA for s in found):
        return None
    ways = _by_index(found)
    enough = [w for w in ways if len(w) >= 2]
    if len(ways) > 6 or not any(len(w) >= 3 for w in enough) or not all(map(_counts, enough)):
        return None
    both = len({s.up for s in found}) == 2
    return "WireGuard data: constant receiver index, growing counter" + ("" if both else "; one direction seen")


def _by_index(found: Sequence[Sample]) -> list[list[Sample]]:
    ways: dict[tuple[bool, bytes], list[Sample]] = {}
    for s in found:
        ways.setdefault((s.up, s.data[4:8]), []).append(s)
    return list(ways.values())


def _counts(way: Sequence[Sample]) -> bool:
    return grows([int.from_bytes(s.data[8:16], "little") for s in way if len(s.data) >= 16], 256)


def _unanswered(flow: Flow) -> str | None:
    """The client repeats its initiation (a new index each time, no cookie) and nobody answers, as behind a block."""
    found = _typed(flow.samples, 1)
    if len(found) < 2 or len(found) < len(flow.samples) or len({s.up for s in found}) != 1:
        return None
    if all(s.size == _INITIATION and len(s.data) in (32, 148) and _bare(s.data) for s in found):
        return "WireGuard initiation repeated without an answer"
    return None


def _bare(data: bytes) -> bool:
    """Key material behind the index; the second MAC is zero as long as no cookie was received."""
    return data[4:8] != b"\0\0\0\0" and (len(data) < 148 or (looks_random(data[8:116]) and not any(data[132:148])))


def _warp(flow: Flow) -> str | None:
    """WireGuard with a client id in the reserved bytes, as in Cloudflare WARP; newer clients add 0xc0 to types."""
    asked = {(s.up, s.data[4:8]) for s in _based(flow.samples, 1, _INITIATION)}
    told = [s for s in _based(flow.samples, 2, _RESPONSE) if (not s.up, s.data[8:12]) in asked and any(s.data[1:4])]
    if told:
        return "WireGuard handshake with a client id in the reserved bytes; indices match"
    data = _based(flow.samples, 0xC4, _DATA)
    marked = data + _based(flow.samples, 0xC2, _RESPONSE)
    if len(data) < 4 or len(marked) + len(_based(flow.samples, 0xC1, _INITIATION)) < len(flow.samples):
        return None
    ids, ways = {s.data[1:4] for s in marked}, _by_index(data)
    if len(ids) == 1 and any(ids.pop()) and len(ways) <= 4 and all(len(w) < 2 or _counts(w) for w in ways):
        return (
            "WireGuard messages of types 0xc1 to 0xc4 with one client id, constant receiver indices, growing counters"
        )
    return None


def _based(samples: Sequence[Sample], first: int, least: int) -> list[Sample]:
    return [s for s in samples if len(s.data) >= 16 and s.data[0] == first and s.size >= least]


def _amnezia(flow: Flow) -> str | None:
    """WireGuard data under another type: one 4-byte type both ways, an index each way, a counter from the start."""
    found = [s for s in flow.samples[:48] if len(s.data) >= 16 and s.size >= _DATA and not s.size % 16]
    words = [s.data[:4] for s in found]
    if len(found) < 8:
        return None
    common = max(set(words), key=words.count)
    ways = _by_index([s for s in found if s.data[:4] == common])
    if common[1:] == b"\0\0\0" or len(ways) != 2 or ways[0][0].up is ways[1][0].up:
        return None
    if ways[0][0].data[4:8] == ways[1][0].data[4:8] or not all(len(w) >= 3 and _counts(w) for w in ways):
        return None
    if sum(map(len, ways)) * 2 >= len(flow.samples) and all(s.data[12:16] == b"\0\0\0\0" for w in ways for s in w):
        return "data as WireGuard's under another message type: index per direction, 8-byte counter, whole blocks"
    return None


_TYPES = tuple(bytes((t, 0, 0, 0)) for t in (1, 2, 3, 4))
_HANDSHAKE = Rule(
    id="wireguard.handshake",
    version=1,
    family="wireguard",
    kind="tunnel",
    confidence="header",
    protos=(UDP,),
    match=_handshake,
    reference=_PROTOCOL,
    first=_TYPES,
    priority=30,
)

RULES = (
    _HANDSHAKE,
    replace(_HANDSHAKE, id="wireguard.tunnelbear", match=_tunnelbear, reference=_NDPI, priority=31),
    replace(_HANDSHAKE, id="wireguard.data", least=4, match=_transport, priority=32),
    replace(_HANDSHAKE, id="wireguard.sequence", match=_sequence, priority=33),
    replace(_HANDSHAKE, id="wireguard.unanswered", least=2, match=_unanswered, priority=33),
    replace(
        _HANDSHAKE,
        id="wireguard.warp",
        family="cloudflare_warp",
        match=_warp,
        reference=_NDPI,
        provider="Cloudflare WARP",
        first=tuple(bytes([t]) for t in (1, 2, 4, 0xC1, 0xC2, 0xC4)),
        priority=34,
    ),
    replace(
        _HANDSHAKE,
        id="wireguard.amnezia",
        least=8,
        family="amneziawg",
        match=_amnezia,
        reference="AmneziaWG, https://docs.amnezia.org/documentation/amnezia-wg/",
        first=(),
        priority=60,
    ),
)
