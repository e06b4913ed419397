"""Open proxies by their requests: SOCKS 4 and 5, HTTP CONNECT, HTTP with absolute addresses (RFC 1928, 1929, 9110)."""

from __future__ import annotations

import re
from dataclasses import replace
from ipaddress import ip_address

from analyzer.capture.records import Flow, Mark, Rule
from analyzer.capture.rules._bytes import TCP, printable, stream

_CONNECT = re.compile(rb"CONNECT [\x21-\x7e]{1,255}:\d{1,5}(?: /)? HTTP/1\.[01]\r?\n")
_STATUS = re.compile(rb"HTTP/1\.[01] (\d\d\d)")
_ABSOLUTE = re.compile(rb"(?:GET|POST|HEAD|PUT|DELETE|OPTIONS|PATCH) http://(\[?[\w.:\-]{1,255}\]?)[/ ?]", re.I)
_PROXY_FIELDS = re.compile(
    rb"\r\n(?:Proxy-Connection|Proxy-Authorization|Proxy-Authenticate|Via|X-Cache|Proxy-Agent):", re.I
)


def _socks5(flow: Flow) -> str | None:
    """Greeting and choice of method; what follows has to fit. The proxy may be the side that opened the connection."""
    for up in (True, False):
        asked, told = stream(flow, up).at(0, 64), stream(flow, not up)
        for skip in (0, 6):  # reverse proxies announce themselves with a few bytes first
            if _greeting(asked) and _choice(asked, told.at(skip, 2)) and _goes_on(asked, told.at(skip + 2, 4)):
                return "SOCKS 5 greeting and choice of method"
    return None


def _greeting(asked: bytes) -> bool:
    count = asked[1] if len(asked) > 2 else 0
    methods = asked[2 : 2 + count]
    return asked[:1] == b"\x05" and 1 <= count <= 16 and len(methods) == count == len(set(methods)) and _known(methods)


def _known(methods: bytes) -> bool:
    """None, GSSAPI, user and password, other assigned ones, or the private range (RFC 1928 section 3)."""
    return all(m <= 0x09 or 0x80 <= m <= 0xFE for m in methods)


def _choice(asked: bytes, told: bytes) -> bool:
    return len(told) == 2 and told[0] == 5 and (told[1] == 0xFF or told[1] in asked[2 : 2 + asked[1]])


def _goes_on(asked: bytes, told: bytes) -> bool:
    """Behind the greeting: nothing, a password (01), a request (05 01..03 00 01|03|04), or GSSAPI (01)."""
    rest = asked[2 + asked[1] :]
    request = rest[:1] == b"\x05" and (
        len(rest) < 4 or (rest[1] in (1, 2, 3) and rest[2] == 0 and rest[3] in (1, 3, 4))
    )
    return not rest or rest[0] == 1 or request or (rest[0] > 1 and told[:1] in (b"", b"\x01", b"\x05"))


def _socks4(flow: Flow) -> str | None:
    for up in (True, False):
        asked, told = stream(flow, up).at(0, 300), stream(flow, not up).at(0, 8)
        user, end, _ = asked[8:].partition(b"\0")
        if asked[:1] != b"\x04" or len(asked) < 9 or asked[1] not in (1, 2) or not end or not printable(user):
            continue
        if len(told) == 8 and told[0] == 0 and 0x5A <= told[1] <= 0x5D:
            return "SOCKS 4 request and reply"
    return None


def _connect(flow: Flow) -> str | None:
    """CONNECT that was granted, or for which the proxy asks a password, or of which no reply was captured."""
    if not _CONNECT.match(stream(flow, True).at(0, 600)):
        return None
    status = _STATUS.match(stream(flow, False).at(0, 12))
    if status and (status[1][:1] == b"2" or status[1] == b"407"):
        return f"HTTP CONNECT answered with {status[1].decode()}"
    if not status and Mark.ONE_WAY in flow.marks:
        return "HTTP CONNECT; the other direction was not captured"
    return None


def _absolute(flow: Flow) -> str | None:
    """A request for an absolute address, with a sign that the host asked for is not the server itself."""
    asked = stream(flow, True).at(0, 2048)
    found = _ABSOLUTE.match(asked)
    if not found:
        return None
    told = stream(flow, False).at(0, 2048).partition(b"\r\n\r\n")[0]
    if re.search(rb"\r\nProxy-(?:Connection|Authorization):", asked, re.I):
        return "HTTP request with an absolute address and fields for a proxy"
    if _PROXY_FIELDS.search(told):
        return "HTTP request with an absolute address, answered by a proxy"
    if _STATUS.match(told) and _public(found[1]) and ip_address(flow.dst).is_private:
        return "HTTP request for a public host sent to a private address"
    return None


def _public(host: bytes) -> bool:
    """A name of two or more labels that does not end in a local zone, or a public address."""
    name = host.decode("ascii", "replace").rsplit(":", 1)[0].strip("[]")
    try:
        return ip_address(name).is_global
    except ValueError:
        return "." in name and name.rsplit(".", 1)[1].lower() not in ("local", "lan", "internal", "home", "localhost")


_SOCKS5 = Rule(
    id="socks.v5",
    version=1,
    family="socks",
    kind="proxy",
    confidence="header",
    protos=(TCP,),
    match=_socks5,
    reference="RFC 1928 section 3, RFC 1929",
    first=(b"\x05",),
    priority=16,
)

RULES = (
    _SOCKS5,
    replace(
        _SOCKS5,
        id="socks.v4",
        match=_socks4,
        reference="https://www.openssh.com/txt/socks4.protocol",
        first=(b"\x04\x01", b"\x04\x02"),
    ),
    replace(
        _SOCKS5,
        id="http_proxy.connect",
        family="http_proxy",
        match=_connect,
        reference="RFC 9110 section 9.3.6",
        first=(b"CONNECT ",),
    ),
    replace(
        _SOCKS5,
        id="http_proxy.absolute",
        family="http_proxy",
        match=_absolute,
        reference="RFC 9112 section 3.2.2",
        first=tuple(m.encode() + b" " for m in ("GET", "POST", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH")),
        priority=70,
    ),
)
