"""The nouns of captures: what the layers from bytes to labels hand to each other.

Times are integers: nanoseconds since 1970-01-01 UTC.  Byte counts are IP bytes (header and payload, never the captured
length) unless a field says otherwise.  Columns are numpy arrays of one length.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from enum import IntFlag
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Bytes = npt.NDArray[np.uint8]
    Ints = npt.NDArray[np.int64]
    Words = npt.NDArray[np.uint64]

Kind = Literal["tunnel", "control", "proxy", "anonymity", "covert", "encrypted_dns", "encapsulation", "lookalike"]
Confidence = Literal["header", "name", "dated_list", "statistical"]

SLACK = 256  # bytes of a block's buffer that may be read past the end of any of its packets


class Block(NamedTuple):
    """Whole records of one link type, in file order; the buffer is reused when the next block is asked for."""

    data: Bytes  # the buffer, with at least SLACK readable bytes behind the last packet
    start: Ints  # first captured byte of each packet, as an index into data
    caplen: Ints  # bytes captured of each
    wirelen: Ints  # bytes it had on the wire, as the capture states it
    t: Ints
    linktype: int  # LINKTYPE_ value (tcpdump.org/linktypes.html)
    number: Ints  # number of the packet in the capture, from 1


@dataclass(slots=True)
class Tally:
    """What a capture held and what could not be used, with its reason; filled in while the capture is read."""

    packets: int = 0
    unreadable: Counter[str] = field(default_factory=Counter)  # reason -> packets (or records) without a flow
    notes: Counter[str] = field(default_factory=Counter)  # remark -> packets: decoded, but something is odd
    cut: int = 0  # packets of which the capture kept only a part
    first: int | None = None
    last: int | None = None
    linktypes: Counter[int] = field(default_factory=Counter)


class Packets(NamedTuple):
    """Decoded packets of one block: a row per IP packet, and one more per IP packet found inside a tunnel."""

    data: Bytes  # the block's buffer
    t: Ints
    ip_bytes: Ints  # IP header and payload as its own header (or BIG TCP) says
    v6: npt.NDArray[np.bool_]
    proto: npt.NDArray[np.uint8]  # of the innermost header that is no extension header
    src0: Words  # IPv4: the four address bytes as they lie, little-endian; IPv6: the first eight
    src1: Words  # IPv4: 0; IPv6: the last eight
    dst0: Words
    dst1: Words
    sport: npt.NDArray[np.uint16]  # 0 where the protocol has no ports, or a fragment does not show them
    dport: npt.NDArray[np.uint16]
    flags: npt.NDArray[np.uint8]  # of TCP, else 0
    seq: npt.NDArray[np.uint32]  # of TCP, else 0
    payload: Ints  # first payload byte behind the transport header, as an index into data
    size: Ints  # payload bytes on the wire (BIG TCP and IP length, never padding)
    kept: Ints  # payload bytes captured, 0 <= kept <= size
    marks: npt.NDArray[np.uint16]  # Mark bits: FRAGMENT, INNER, CUT


class Mark(IntFlag):
    """What is particular about a packet or a flow."""

    NONE = 0
    ONE_WAY = 1  # no packet in the other direction
    MID_STREAM = 2  # TCP without its SYN: the capture began later
    CUT = 4  # payload was not captured in full: a name may be there and not be observable
    DISORDER = 8  # TCP segments out of order
    DUPLICATE = 16  # TCP segments seen twice
    FRAGMENT = 32  # IP fragments
    INNER = 64  # found inside a tunnel; the outer flow stands beside it
    CONTINUED = 128  # goes on where an earlier record of the same flow ended (active or idle time-out)
    LOST = 256  # some of its early payload was not kept (memory bound): evidence may be missing


class Sample(NamedTuple):
    """One payload-bearing packet of a flow."""

    up: bool  # from the client
    t: int
    size: int  # payload bytes on the wire
    data: bytes  # the first bytes of them: all that was captured of early packets, a few bytes of later ones
    seq: int = 0  # TCP sequence number


class Hello(NamedTuple):
    """What a TLS, DTLS or QUIC ClientHello says in clear."""

    name: str  # server name, lower case; '' = none stated
    alpn: tuple[str, ...]
    version: int  # highest offered, 0x0304 = TLS 1.3
    ja4: str
    ech: bool  # an encrypted ClientHello: `name` is the outer one
    transport: Literal["tls", "dtls", "quic"]
    is_whole: bool = True  # False: cut, so an empty name means "not observable"


@dataclass(slots=True)
class Flow:
    """One flow as the rules see it; src is the client: who sent the SYN, else the side of the higher port."""

    proto: int
    src: bytes  # 4 or 16 bytes
    sport: int
    dst: bytes
    dport: int
    packets_up: int
    packets_down: int
    bytes_up: int
    bytes_down: int
    first: int
    last: int
    flags_up: int = 0
    flags_down: int = 0
    marks: Mark = Mark.NONE
    samples: tuple[Sample, ...] = ()  # the first payload packets in order of arrival, at most SAMPLES
    hello: Hello | None = None
    looked_up: str = ""  # name on our lists that this client resolved to dst shortly before


SAMPLES = 64  # payload packets of an undecided flow that are kept: enough for the opcode rule of Xue et al. 2022


class Label(NamedTuple):
    """What a flow carries and why we say so."""

    family: str
    provider: str  # '' = not known
    kind: Kind
    confidence: Confidence
    rule: str  # id of the rule
    reason: str  # in words, without addresses or names beyond the shipped lists


@dataclass(frozen=True, slots=True)
class Rule:
    """One way to recognise a family: `match` gets a flow with payload and gives the reason in words, or None.

    A rule never rests on a port or an address alone.  `first` lists byte prefixes of which one must begin a sample
    among the first four (empty = any): a cheap gate before `match` runs.
    """

    id: str  # stable, such as 'openvpn.reset'
    version: int
    family: str
    kind: Kind
    confidence: Confidence
    protos: tuple[int, ...]  # IP protocol numbers it applies to
    match: Callable[[Flow], str | tuple[str, str] | Label | None]  # reason, (reason, provider), or a label of its own
    reference: str  # specification, paper or page
    provider: str = ""
    first: tuple[bytes, ...] = ()
    valid_from: date | None = None  # behaviour described holds from ..
    valid_until: date | None = None  # .. until (exclusive)
    priority: int = 50  # lower runs first; the first match labels the flow
    least: int = 1  # payload packets without which it cannot match: most flows of a scan have one


class Flows(NamedTuple):
    """Finished flows, labelled: columns of one length, and the tables that their indices point to."""

    proto: npt.NDArray[np.uint8]
    v6: npt.NDArray[np.bool_]
    src0: Words  # the client, as in Packets
    src1: Words
    sport: npt.NDArray[np.uint16]
    dst0: Words
    dst1: Words
    dport: npt.NDArray[np.uint16]
    packets_up: Ints
    packets_down: Ints
    bytes_up: Ints
    bytes_down: Ints
    first: Ints
    last: Ints
    flags_up: npt.NDArray[np.uint8]  # OR of the TCP flags
    flags_down: npt.NDArray[np.uint8]
    marks: npt.NDArray[np.uint16]  # Mark bits
    label: npt.NDArray[np.int32]  # index into labels, -1 = none
    traffic: npt.NDArray[np.uint8]  # index into TRAFFIC: what an unlabelled flow looks like
    name: npt.NDArray[np.int32]  # index into names, -1 = no name was stated or observable
    outcome: npt.NDArray[np.uint8]  # index into OUTCOMES: what became of the request the flow carried
    labels: list[Label]  # grows from batch to batch: an index stays valid
    names: list[str]  # server names, HTTP hosts and DNS question names; grows likewise until a new list takes its place


# What a flow looks like on the wire, whether or not a rule labels it; `encrypted` = fully random first payload, no
# header known; `other` = a header we do not know; `none` = no payload seen; `cut` = payload not captured.
TRAFFIC = ("none", "cut", "other", "encrypted", "tls", "quic", "dtls", "http", "dns", "ssh", "stun", "ip")

# What became of a request (TLS or QUIC ClientHello, HTTP request, DNS question): `none` = the flow carried none that we
# know; `reset` = TCP RST from the server's side before any answer; `redirected` = HTTP 3xx; `failed` = DNS error code.
OUTCOMES = ("none", "answered", "no_answer", "reset", "redirected", "failed")
