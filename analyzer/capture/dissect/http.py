"""HTTP/1 requests and responses (RFC 9110, 9112) from the first bytes of a stream."""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import urlsplit

from analyzer.capture.dissect import fields

LONGEST = 16384  # bytes of a head that are read, our bound
METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH", "PROPFIND", "REPORT")

_request = re.compile(
    rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]{1,32}) +([^\s\0]{1,8192}) +(?:/ +)?HTTP/(\d\.\d)[ \t]*\r?\n"
).match
_simple_request = re.compile(rb"(GET) +(/[^\s\0]{0,8192})\r?\n").match  # HTTP/0.9
_cut_request = re.compile(rb"(%s) ([^\s\0]+)(?: H?T?T?P?/?\d?\.?\d?\r?)?\Z" % "|".join(METHODS).encode()).match
_response = re.compile(rb"HTTP/(\d\.\d) +(\d{3})(?:[ \t][^\r\n]*)?(\r?\n|\r?\Z)").match
_field = re.compile(rb"^([!#$%&'*+\-.^_`|~0-9A-Za-z]{1,64})[ \t]*:([^\r\n]*)\r?\n", re.M).finditer
_end = re.compile(rb"\r?\n\r?\n").search


class Request(NamedTuple):
    """The head of a request; '' = not stated, or cut."""

    method: str
    target: str
    host: str  # of the target where it states one (CONNECT, absolute URI: to a proxy), else of Host; lower case
    port: int  # stated with the host, 0 = none
    version: str
    is_to_proxy: bool  # CONNECT or an absolute URI
    user_agent: str
    content_type: str
    upgrade: str  # such as websocket, lower case
    is_websocket: bool
    is_whole: bool  # the empty line was seen


class Response(NamedTuple):
    """The head of a response; '' = not stated, or cut."""

    status: int
    version: str
    location_host: str  # lower case; '' = no Location, or a relative one
    server: str
    content_type: str
    upgrade: str
    is_whole: bool


def request(data: bytes) -> Request | None:
    """The request that data begins with; None where there is none."""
    head = data[:LONGEST]
    found = _request(head) or _simple_request(head)
    if found is None:
        return _cut(head)
    method, target = (fields.text(found.group(part)) for part in (1, 2))
    given, is_whole = _fields(head, found.end())
    authority = _authority(method, target)
    host, port = split(authority or given.get("host", ""))
    upgrade = given.get("upgrade", "").lower()
    return Request(
        method,
        target,
        host,
        port,
        found.group(3).decode("ascii") if found.re.groups == 3 else "0.9",
        bool(authority),
        given.get("user-agent", ""),
        given.get("content-type", ""),
        upgrade,
        upgrade == "websocket" and "sec-websocket-key" in given,
        is_whole,
    )


def response(data: bytes) -> Response | None:
    """The response that data begins with; None where there is none."""
    head = data[:LONGEST]
    found = _response(head)
    if found is None:
        return None
    given, is_whole = _fields(head, found.end())
    return Response(
        int(found.group(2)),
        found.group(1).decode("ascii"),
        split(_of_uri(given.get("location", "")))[0],
        given.get("server", ""),
        given.get("content-type", ""),
        given.get("upgrade", "").lower(),
        is_whole,
    )


def split(authority: str) -> tuple[str, int]:
    """Host, lower case, without brackets and last dot, and port (0 = none) of `user@host:port`."""
    place = authority.rpartition("@")[2]
    host, colon, port = place.rpartition(":")
    if not colon or place.endswith("]"):
        host, port = place, ""
    number = int(port) if port.isascii() and port.isdigit() and len(port) <= 5 else 0
    return host.strip("[]").lower().removesuffix("."), number if number < 1 << 16 else 0


def _cut(head: bytes) -> Request | None:
    """A request line of a well-known method that the data cuts; its host may be cut too and is not given."""
    found = _cut_request(head)
    if found is None:
        return None
    method, target = (fields.text(found.group(part)) for part in (1, 2))
    return Request(method, target, "", 0, "", bool(_authority(method, target)), "", "", "", False, False)


def _fields(head: bytes, pos: int) -> tuple[dict[str, str], bool]:
    """Header fields whose line is whole, the first of a name; whether the head is whole."""
    end = _end(head, max(0, pos - 2))
    given: dict[str, str] = {}
    for found in _field(head, pos, end.end() if end else len(head)):
        given.setdefault(found.group(1).decode("ascii").lower(), fields.text(found.group(2).strip(b" \t")))
    return given, end is not None


def _authority(method: str, target: str) -> str:
    """The authority that the target states; '' = none."""
    return target if method == "CONNECT" else _of_uri(target)


def _of_uri(uri: str) -> str:
    """The authority of an absolute URI, or of one without a scheme."""
    if not re.match(r"(?:[A-Za-z][A-Za-z0-9+.-]*:)?//", uri):
        return ""
    try:
        return urlsplit(uri).netloc
    except ValueError:  # brackets that are no IPv6 address
        return ""
