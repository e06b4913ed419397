"""What usual first payloads mean for a flow: the stage that follows and the name; remembered, as most repeat."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from analyzer.capture._stages import AWAIT_ADDRESS, AWAIT_DNS, AWAIT_HTTP, AWAIT_TLS, COLLECT, DONE
from analyzer.capture.dissect import dns, http, quic, tls
from analyzer.capture.records import Hello

if TYPE_CHECKING:
    from analyzer.capture._interest import Interest
    from analyzer.capture._outline import Outline
    from analyzer.capture.records import Ints
    from analyzer.capture.table import Rows

REMEMBERED = 50_000  # questions and hellos whose meaning is remembered
MOST_NAMES = 200_000  # some 20 MB of them

Told = tuple[int, int]  # stage, name


class Meanings:
    """Names by index, and what hellos, hosts and questions mean."""

    def __init__(self, interest: Interest) -> None:
        self.names: list[str] = []
        self._interest = interest
        self._ids: dict[str, int] = {}
        self._tls: dict[Outline, tuple[Told, Hello]] = {}
        self._quic: dict[Outline, tuple[Told, Hello | None]] = {}
        self._questions: dict[bytes, Told] = {}
        self._hosts: dict[bytes, Told] = {}

    def name_id(self, name: str) -> int:
        """Index of a name, -1 for none."""
        if not name:
            return -1
        known = self._ids.get(name)
        if known is None:
            known = self._ids[name] = len(self.names)
            self.names.append(name)
        return known

    def renew(self, rows: Rows, alive: Ints) -> None:
        """A new list with the names of these rows alone, once there are too many: names come and go."""
        if len(self.names) < MOST_NAMES:
            return
        stated = alive[rows.name[alive] >= 0]
        kept, at = np.unique(rows.name[stated], return_inverse=True)
        self.names = [self.names[i] for i in kept.tolist()]
        self._ids = {name: i for i, name in enumerate(self.names)}
        rows.name[stated] = at
        for remembered in (self._tls, self._quic, self._questions, self._hosts):
            remembered.clear()

    def tls(self, found: Outline, raw: bytes) -> tuple[Told, Hello]:
        """What a ClientHello with this outline says."""
        return self._tls.get(found) or self._new_tls(found, raw)

    def _new_tls(self, found: Outline, raw: bytes) -> tuple[Told, Hello]:
        hello = tls.client_hello(raw) or Hello("", (), 0, "", found[2], "tls")
        told = (COLLECT if self._interest.in_hello(hello) else AWAIT_TLS, self.name_id(hello.name))
        _remember(self._tls, found, (told, hello))
        return told, hello

    def quic(self, found: Outline | None, raw: bytes) -> tuple[Told, Hello | None]:
        """The same of a datagram; no hello where it does not hold all of one."""
        return (found and self._quic.get(found)) or self._new_quic(found, raw)

    def _new_quic(self, found: Outline | None, raw: bytes) -> tuple[Told, Hello | None]:
        hello = quic.client_hello(raw)
        if hello is None or not hello.is_whole:
            return (COLLECT, -1), None
        told = (COLLECT if self._interest.in_hello(hello) else DONE, self.name_id(hello.name))
        if found:
            _remember(self._quic, found, (told, hello))
        return told, hello

    def host(self, host: bytes) -> Told:
        """What the Host of a plain request for a page says."""
        return self._hosts.get(host) or self._new_host(host)

    def _new_host(self, host: bytes) -> Told:
        name = http.split(host.decode("latin-1"))[0].lower()
        told = (COLLECT if self._interest.in_host(name) else AWAIT_HTTP), self.name_id(name)
        _remember(self._hosts, host, told)
        return told

    def request(self, raw: bytes) -> Told:
        """What any other HTTP request says."""
        request = http.request(raw)
        if request is None:
            return COLLECT, -1
        return (COLLECT if self._interest.in_request(request) else AWAIT_HTTP), self.name_id(request.host)

    def question(self, raw: bytes) -> Told:
        """What a DNS message says, given from behind its transaction id on."""
        return self._questions.get(raw) or self._new_question(raw)

    def _new_question(self, raw: bytes) -> Told:
        question = dns.question(b"\0\0" + raw)
        if question is None:
            told = COLLECT, -1
        elif self._interest.in_question(question):
            told = COLLECT, self.name_id(question.name)
        elif self._interest.is_listed(question.name) and not question.is_response:
            told = AWAIT_ADDRESS, self.name_id(question.name)
        else:
            told = AWAIT_DNS, self.name_id(question.name)
        _remember(self._questions, raw, told)
        return told


def _remember(known: dict, key: object, value: object) -> None:  # type: ignore[type-arg]
    if len(known) >= REMEMBERED:
        known.clear()
    known[key] = value
