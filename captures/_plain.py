"""Innocent traffic that every capture carries and that must stay without a label."""

from __future__ import annotations

import _quic
import _tls
from _dns import look_up
from _wire import SECOND, Tcp, Trace

WEB_SERVER = "203.0.113.80"


def web(trace: Trace, name: str = "www.example.com", *, server: str = WEB_SERVER, client: str = "192.0.2.10") -> Tcp:
    """A look-up and a TLS 1.3 visit."""
    look_up(trace, name, server, client=client)
    return _tls.session(trace.tcp(server, 443, client=client), name)


def quic_web(
    trace: Trace, name: str = "static.example.net", *, server: str = WEB_SERVER, client: str = "192.0.2.10"
) -> None:
    """A visit over HTTP/3."""
    _quic.session(trace.udp(server, 443, client=client), name)


def http(trace: Trace, host: str = "plain.example.org", *, path: str = "/", status: str = "200 OK") -> Tcp:
    """A clear-text request and its answer."""
    tcp = trace.tcp("203.0.113.81", 80).open()
    tcp.up(f"GET {path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: example/1.0\r\nAccept: */*\r\n\r\n".encode())
    body = b"<html><body>example</body></html>\n"
    tcp.down(f"HTTP/1.1 {status}\r\nContent-Type: text/html\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
    tcp.close()
    return tcp


def ntp(trace: Trace) -> None:
    """A clock request and its answer (RFC 5905)."""
    udp = trace.udp("198.51.100.123", 123)
    udp.up(b"\x23\0\6\xec" + bytes(44))
    udp.down(b"\x24\1\0\xe9" + bytes(8) + b"EXAM" + bytes(32))


def innocents(trace: Trace) -> None:
    """What is mixed into a capture before its subject: a look-up, a TLS visit and a clock request."""
    trace.pause(SECOND)
    web(trace)
    ntp(trace)
