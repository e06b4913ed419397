"""DNS messages over UDP, and over TCP behind their two bytes of length (RFC 1035, 7766); mDNS and LLMNR alike.

Names are lower case, without the last dot, in the text form of RFC 1035 section 5.1: `\\.` is a dot inside a label,
`\\032` a byte that is no printable ASCII.  NetBIOS name service (RFC 1002) shares the layout but is no DNS: None.
"""

from __future__ import annotations

import re
from struct import Struct
from typing import NamedTuple

A, CNAME, AAAA = 1, 5, 28
NETBIOS_TYPES = (0x20, 0x21)  # NB and NBSTAT
OPCODES = frozenset({0, 1, 2, 4, 5})
CLASSES = frozenset({1, 3, 4, 254, 255})
MOST_JUMPS, MOST_RECORDS, MOST_QUESTIONS = 127, 512, 64

_header = Struct(">6H").unpack_from
_u16_pair = Struct(">HH").unpack_from
_record = Struct(">HHIH").unpack_from
_special = re.compile(rb"[^!#-\'*-\[\]-~]|[.]").sub  # all but printable ASCII, and what the text form escapes
_netbios = re.compile(rb"[A-P]{32}").fullmatch


class Question(NamedTuple):
    """The header and first question of a message."""

    name: str
    qtype: int
    qclass: int  # without the top bit, which mDNS uses
    is_response: bool
    rcode: int
    id: int
    counts: tuple[int, int, int, int]  # questions, answers, authorities, additional records, as the header says


class Answer(NamedTuple):
    """An address or alias record."""

    name: str
    type: int  # A, AAAA or CNAME
    ttl: int  # seconds
    address: bytes  # 4 or 16 bytes of A and AAAA, else b''
    target: str  # of CNAME, else ''


def question(data: bytes) -> Question | None:
    """The first question of the message that data holds or begins with; None: none is there in full."""
    start = _start(data)
    return None if start is None else _question(data, start)


def answers(data: bytes) -> list[Answer]:
    """Address and alias records of a response, from all its sections, as far as they are there."""
    start = _start(data)
    if start is None:
        return []
    message = data[start : start + int.from_bytes(data[:2], "big")] if start else data
    flags, questions, *counts = _header(message)[1:]
    pos = _behind_questions(message, questions) if flags & 0x8000 else None
    found: list[Answer] = []
    for _ in range(min(sum(counts), MOST_RECORDS)):
        if pos is None:
            break
        pos = _keep(message, pos, found)
    return found


def _start(data: bytes) -> int | None:
    """Where the message begins: 0 in UDP, 2 in TCP; None: no DNS."""
    if len(data) < 12:
        return None
    if len(data) >= 14 and int.from_bytes(data[:2], "big") == len(data) - 2 and _is_message(data, 2):
        return 2
    if _is_message(data, 0):
        return 0
    return 2 if len(data) >= 14 and data[:2] >= b"\0\x0c" and _is_message(data, 2) else None


def _is_message(data: bytes, start: int) -> bool:
    """Whether header and first question, or of a response without one the first record, read like DNS."""
    _, flags, questions, answered, authorities, _ = _header(data, start)
    if flags >> 11 & 15 not in OPCODES or flags & 0x40 or questions > MOST_QUESTIONS:
        return False
    if questions:
        return _question(data, start) is not None
    return bool(flags & 0x8000) and 0 < answered + authorities <= MOST_RECORDS and _has_record(data, start)


def _has_record(data: bytes, start: int) -> bool:
    read = _name(data, start + 12, start)
    if read is None or read[1] + 10 > len(data):
        return False
    kind, code, _, size = _record(data, read[1])
    return kind != 0 and code & 0x7FFF in CLASSES and read[1] + 10 + size <= len(data)


def _question(data: bytes, start: int) -> Question | None:
    number, flags, *counts = _header(data, start)
    read = _name(data, start + 12, start) if counts[0] else None
    if read is None or read[1] + 4 > len(data):
        return None
    kind, code = _u16_pair(data, read[1])
    if kind == 0 or code & 0x7FFF not in CLASSES or _is_netbios(data, start + 12, kind):
        return None
    questions, answered, authorities, additional = counts
    of = (questions, answered, authorities, additional)
    return Question(read[0], kind, code & 0x7FFF, bool(flags & 0x8000), flags & 15, number, of)


def _is_netbios(data: bytes, pos: int, kind: int) -> bool:
    return kind in NETBIOS_TYPES and data[pos] == 32 and _netbios(data, pos + 1, pos + 33) is not None


def _behind_questions(message: bytes, questions: int) -> int | None:
    pos = 12
    for _ in range(questions):
        read = _name(message, pos, 0)
        if read is None:
            return None
        pos = read[1] + 4
    return pos


def _keep(message: bytes, pos: int, found: list[Answer]) -> int | None:
    """Adds the record at pos where it is an address or alias; position behind it, None at the end."""
    read = _name(message, pos, 0)
    if read is None or read[1] + 10 > len(message):
        return None
    name, pos = read
    kind, _, ttl, size = _record(message, pos)
    begin, end = pos + 10, pos + 10 + int(size)
    if end > len(message):
        return None
    if (kind, size) in ((A, 4), (AAAA, 16)):
        found.append(Answer(name, kind, ttl, message[begin:end], ""))
    elif kind == CNAME:
        target = _name(message, begin, 0)
        if target is not None:
            found.append(Answer(name, kind, ttl, b"", target[0]))
    return end


def _name(data: bytes, pos: int, start: int) -> tuple[str, int] | None:
    """Name at pos of the message at start, and the position behind it; pointers lead back only, so they end."""
    labels: list[str] = []
    behind, length, lowest = 0, 0, pos
    for _ in range(2 * MOST_JUMPS):
        if pos >= len(data):
            return None
        size = data[pos]
        if size == 0:
            return ".".join(labels), behind or pos + 1
        if size >= 0xC0:
            behind = behind or pos + 2
            target = start + ((size & 0x3F) << 8 | data[pos + 1]) if pos + 1 < len(data) else lowest
            if not start + 12 <= target < lowest:
                return None
            pos = lowest = target
            continue
        length += size + 1
        if size > 63 or length > 254 or pos + 1 + size > len(data):
            return None
        labels.append(_label(data[pos + 1 : pos + 1 + size]))
        pos += 1 + size
    return None


def _label(raw: bytes) -> str:
    if raw.isalnum():
        return raw.decode("ascii").lower()
    return _special(_escaped, raw).decode("ascii").lower()


def _escaped(found: re.Match[bytes]) -> bytes:
    byte = found.group()
    return b"\\" + byte if 0x21 <= byte[0] <= 0x7E else b"\\%03d" % byte[0]
