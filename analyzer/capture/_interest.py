"""Which names ask for a closer look: those from which some rule would draw a label."""

from __future__ import annotations

from typing import TYPE_CHECKING

from analyzer.capture import label, names
from analyzer.capture.records import Flow, Hello, Sample

if TYPE_CHECKING:
    from analyzer.capture.dissect.dns import Question
    from analyzer.capture.dissect.http import Request

_MOST = 100_000  # names remembered
_PLAIN_TYPES = frozenset((1, 2, 5, 6, 12, 15, 28, 33, 64, 65))  # A NS CNAME SOA PTR MX AAAA SRV SVCB HTTPS
_LONG_LABEL, _LONG_NAME = 40, 100  # characters; beyond them a name may carry data
_PROTO = {"tls": 6, "dtls": 17, "quic": 17}


class Interest:
    """Remembers, for each name, whether flows that state it need their samples kept."""

    def __init__(self) -> None:
        self._hellos: dict[tuple[object, ...], bool] = {}
        self._listed: dict[str, bool] = {}

    def in_hello(self, hello: Hello) -> bool:
        """Whether the rules label a flow with this hello and nothing else, or may do so with more of it.

        Browsers state an application protocol; Tor, gateways and many tunnels do not, nor a name.
        """
        if not hello.name or not hello.alpn:
            return True
        key = (hello.name, hello.alpn, hello.transport, hello.ech, hello.is_whole)
        known = self._hellos.get(key)
        if known is None:
            _make_room(self._hellos)
            known = self._hellos[key] = label.label(_bare(hello)) is not None
        return known

    def is_listed(self, name: str) -> bool:
        """Whether a name is on the shipped lists."""
        known = self._listed.get(name)
        if known is None:
            _make_room(self._listed)
            known = self._listed[name] = names.provider_of(name) is not None
        return known

    def in_request(self, request: Request) -> bool:
        """Whether an HTTP request is more than one for a page of a named server."""
        return (
            request.method not in ("GET", "HEAD")
            or not request.target.startswith("/")
            or request.upgrade != ""
            or self.in_host(request.host)
        )

    def in_host(self, host: str) -> bool:
        """Whether a web server states no name, or one on the lists."""
        return not any(c.isalpha() for c in host) or self.is_listed(host)

    def in_question(self, question: Question) -> bool:
        """Whether a DNS question may be more than a question."""
        longest = max(map(len, question.name.split(".")))
        return (
            question.qtype not in _PLAIN_TYPES
            or longest > _LONG_LABEL
            or len(question.name) > _LONG_NAME
            or "dnscrypt-cert" in question.name
        )


def _bare(hello: Hello) -> Flow:
    proto = _PROTO[hello.transport]
    sample = Sample(up=True, t=0, size=1, data=b"\x16")
    return Flow(proto, b"\0" * 4, 0, b"\0" * 4, 0, 1, 0, 1, 0, 0, 0, samples=(sample,), hello=hello)


def _make_room(known: dict[object, bool] | dict[str, bool] | dict[tuple[object, ...], bool]) -> None:
    if len(known) >= _MOST:
        known.clear()
