"""Batches of flows -> sums per hour and label, and distinct clients, endpoints and names as keyed hashes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from analyzer.aggregates import lists
from analyzer.aggregates.members import LIMIT, SPAN, Members, Sums, new_key, siphash
from analyzer.capture.records import OUTCOMES, TRAFFIC, Mark

if TYPE_CHECKING:
    import numpy.typing as npt

    from analyzer.aggregates.members import Key
    from analyzer.capture.records import Confidence, Flows, Ints, Kind, Words

HOUR = 3_600_000_000_000  # ns
TRANSPORTS = ("udp", "tcp", "dot", "doh", "doq")

_BATCH = 1 << 15  # flows worked on at a time: small batches cost more in calls than in numbers
_COLUMNS = (
    *("proto", "v6", "src0", "src1", "dst0", "dst1", "dport", "packets_up", "packets_down", "bytes_up", "bytes_down"),
    *("first", "marks", "label", "traffic", "name", "outcome"),
)
_DNS, _TLS, _QUIC = (TRAFFIC.index(t) for t in ("dns", "tls", "quic"))
_TCP, _UDP = 6, 17
_DOT_PORT = 853  # RFC 7858
_DOQ_PORTS = (853, 784, 8853)  # RFC 9250, and two that its drafts used


class Cell(NamedTuple):
    """What a row of the flows table is about: a label, or for flows without one what their traffic looks like."""

    family: str
    provider: str = ""
    kind: Kind | None = None
    confidence: Confidence | None = None


class Collector:
    """Adds up flows; holds no address or name beyond the batch at hand and no key beyond its own life."""

    def __init__(self, *, sampling: int = 1, limit: int = LIMIT, key: Key | None = None) -> None:
        self.sampling = sampling
        self.cells: dict[Cell, int] = {Cell(t): i for i, t in enumerate(TRAFFIC)}
        self.flows = Sums(4)  # flows, bytes up, bytes down, packets
        self.clients = Members(2, limit)  # records of flows, bytes
        self.endpoints = Members(0, limit)
        self.domains = Members(0, limit)
        self.requests = Sums(3)  # flows, bytes up, bytes down
        self.request_clients = Members(0, limit)
        self.queries = Sums(1)
        self.query_clients = Members(0, limit)
        self._key = key or new_key()
        self._waiting: list[Flows] = []
        self._rows = 0
        self._labels = _Lookup(0)  # cell of each label
        self._dns_labels = _Lookup(-1)  # transport of each label that is encrypted DNS, else -1
        self._names: list[str] = []
        self._services = _Lookup(0)  # service of each name
        self._hosts = _Lookup(0)  # resolver of each name

    def add(self, flows: Flows) -> None:
        """One batch of finished flows."""
        if self._waiting and self._waiting[-1].names is not flows.names:
            self.flush()
        self._waiting.append(flows)
        self._rows += len(flows.first)
        if self._rows >= _BATCH:
            self.flush()

    def flush(self) -> None:
        """Count what was added and not counted yet."""
        if not self._waiting:
            return
        last = self._waiting[-1]
        self._learn(last)
        columns = {c: np.concatenate([getattr(f, c) for f in self._waiting]) for c in _COLUMNS}
        self._waiting, self._rows = [], 0
        self._count(_Batch(**columns), last.names)

    @property
    def share(self) -> int:
        """One client (or endpoint) in so many was counted; 1 = all."""
        tables = (self.clients, self.endpoints, self.domains, self.request_clients, self.query_clients)
        return max(table.share for table in tables)

    def _learn(self, flows: Flows) -> None:
        """Labels and names that are new since the last batch."""
        new = flows.labels[len(self._labels) :]
        cells = [Cell(label.family, label.provider, label.kind, label.confidence) for label in new]
        self._labels.extend([self.cells.setdefault(cell, len(self.cells)) for cell in cells])
        dns = [c.kind == "encrypted_dns" and c.family in TRANSPORTS for c in cells]
        self._dns_labels.extend(
            [TRANSPORTS.index(c.family) if is_dns else -1 for c, is_dns in zip(cells, dns, strict=True)]
        )
        if flows.names is not self._names:
            self._names, self._services, self._hosts = flows.names, _Lookup(0), _Lookup(0)
        services, hosts = lists.known(flows.names[len(self._services) :])
        self._services.extend(services)
        self._hosts.extend(hosts)

    def _count(self, b: _Batch, names: list[str]) -> None:
        inner = (b.marks & Mark.INNER) != 0
        begun = ((b.marks & Mark.CONTINUED) == 0).astype(np.int64)
        hour = b.first // HOUR
        client = siphash(b.src0, b.v6.astype(np.uint64), self._key)  # IPv6 by /64: its first eight bytes
        seen = _Seen(b, hour, inner, begun, client)
        self._count_flows(seen, names)
        self._count_requests(seen)
        self._count_queries(seen)

    def _count_flows(self, s: _Seen, names: list[str]) -> None:
        b = s.batch
        is_labelled = b.label >= 0
        cell = np.where(is_labelled, self._labels.at(b.label), b.traffic.astype(np.int64))
        group = s.hour * SPAN + cell
        # Bytes of a flow inside a tunnel are in the outer flow already; without a label it would only repeat it.
        counted = ~s.inner | is_labelled
        weight = np.where(s.inner, 0, self.sampling)
        measures = (s.begun, b.bytes_up * weight, b.bytes_down * weight, (b.packets_up + b.packets_down) * weight)
        self.flows.add(group[counted], *(m[counted] for m in measures))
        evidence = (b.bytes_up + b.bytes_down) * self.sampling
        self.clients.add(group[counted], s.client[counted], np.ones_like(s.begun)[counted], evidence[counted])
        self._count_endpoints(b, group, is_labelled, names)

    def _count_endpoints(self, b: _Batch, group: Ints, chosen: npt.NDArray[np.bool_], names: list[str]) -> None:
        at = np.flatnonzero(chosen)
        address = siphash(b.dst0[at], b.dst1[at] ^ (b.v6[at].astype(np.uint64) << np.uint64(63)), self._key)
        self.endpoints.add(group[at], address)
        at = at[b.name[at] >= 0]
        distinct, back = np.unique(b.name[at], return_inverse=True)
        texts = np.array([hash(names[i]) for i in distinct.tolist()], dtype=np.int64).astype(np.uint64)
        self.domains.add(group[at], siphash(texts, np.full_like(texts, 2), self._key)[back])

    def _count_requests(self, s: _Seen) -> None:
        """Every flow that carried a request; one inside a tunnel too, as the outer flow carries none."""
        at = np.flatnonzero(s.batch.outcome)
        b = s.batch.at(at)
        service = self._services.at(b.name)
        group = s.hour[at] * SPAN + request_code(service, b.traffic.astype(np.int64), b.outcome.astype(np.int64))
        self.requests.add(group, s.begun[at], b.bytes_up * self.sampling, b.bytes_down * self.sampling)
        self.request_clients.add(group, s.client[at])

    def _count_queries(self, s: _Seen) -> None:
        host = self._hosts.at(s.batch.name)
        transport = self._transport(s.batch, host)
        at = np.flatnonzero(transport >= 0)
        b, transport, host = s.batch.at(at), transport[at], host[at]
        by_address = lists.resolvers_at(b.dst0, b.dst1)
        resolver = np.where((transport >= TRANSPORTS.index("dot")) & (host > 0), host, by_address)
        group = s.hour[at] * SPAN + resolver * len(TRANSPORTS) + transport
        # A TCP connection is one query at least: its packets without data cannot be told from those with a question.
        queries = np.where(transport == TRANSPORTS.index("udp"), b.packets_up * self.sampling, s.begun[at])
        self.queries.add(group, queries)
        self.query_clients.add(group, s.client[at])

    def _transport(self, b: _Batch, host: Ints) -> Ints:
        """Index into TRANSPORTS of each flow that asks a resolver, else -1."""
        is_53 = (b.traffic == _DNS) & (b.dport == 53)
        is_doq = (b.traffic == _QUIC) & np.isin(b.dport, _DOQ_PORTS)
        is_dot = (b.traffic == _TLS) & (b.proto == _TCP) & (b.dport == _DOT_PORT)
        is_doh = np.isin(b.traffic, (_TLS, _QUIC)) & (host > 0)
        labelled = self._dns_labels.at(b.label)
        kinds = [is_53 & (b.proto == _UDP), is_53 & (b.proto == _TCP), labelled >= 0, is_doq, is_dot, is_doh]
        at = {name: np.int64(i) for i, name in enumerate(TRANSPORTS)}
        return np.select(kinds, [at["udp"], at["tcp"], labelled, at["doq"], at["dot"], at["doh"]], default=np.int64(-1))


class _Batch(NamedTuple):
    """The columns of `Flows` that are counted."""

    proto: Any
    v6: Any
    src0: Words
    src1: Words
    dst0: Words
    dst1: Words
    dport: Any
    packets_up: Ints
    packets_down: Ints
    bytes_up: Ints
    bytes_down: Ints
    first: Ints
    marks: Any
    label: Any
    traffic: Any
    name: Any
    outcome: Any

    def at(self, rows: Ints) -> _Batch:
        """Some of the flows."""
        return _Batch(**{field: getattr(self, field)[rows] for field in self._fields})


class _Seen(NamedTuple):
    """A batch with what is worked out for each of its flows."""

    batch: _Batch
    hour: Ints  # since 1970, of the beginning of the record
    inner: npt.NDArray[np.bool_]
    begun: Ints  # 1, or 0 for the continuation of an earlier record: its bytes count, it is no further flow
    client: Words


def request_code(service: Ints, traffic: Ints, outcome: Ints) -> Ints:
    """Service, protocol and outcome as one number below SPAN."""
    return (service * len(TRAFFIC) + traffic) * len(OUTCOMES) + outcome


class _Lookup:
    """A growing table of numbers, looked up by index; -1 finds what stands for absent."""

    def __init__(self, absent: int) -> None:
        self._values = np.array([absent], dtype=np.int64)  # absent comes last, where -1 finds it

    def __len__(self) -> int:
        return len(self._values) - 1

    def extend(self, values: list[int]) -> None:
        if values:
            self._values = np.concatenate((self._values[:-1], np.array(values, dtype=np.int64), self._values[-1:]))

    def at(self, index: npt.NDArray[Any]) -> Ints:
        found: Ints = self._values[index]
        return found
