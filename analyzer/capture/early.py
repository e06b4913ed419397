"""What early payload tells of flows: names, and the samples that rules look at.

Most flows are settled by their first payload: a ClientHello whose name is on no list, a plain DNS question, a web
request.  Only of the others are samples kept, at most SAMPLES packets each and a bounded number of bytes in all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from analyzer.capture import _first as first
from analyzer.capture import _outline as outline
from analyzer.capture._lookups import Lookups
from analyzer.capture._meanings import Meanings, Told
from analyzer.capture._stages import AWAIT_ADDRESS, AWAIT_DNS, AWAIT_HTTP, AWAIT_TLS, COLLECT, DONE, NEW, WATCH
from analyzer.capture._watch import Watch
from analyzer.capture.dissect import dns, dtls, quic, tls
from analyzer.capture.records import OUTCOMES, SAMPLES, TRAFFIC, Hello, Sample

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy.typing as npt

    from analyzer.capture._group import Segments
    from analyzer.capture._interest import Interest
    from analyzer.capture.records import Ints, Packets
    from analyzer.capture.table import Rows

    Mask = npt.NDArray[np.bool_]

FULL_SAMPLES = 12  # of that many payload packets all that was captured is kept ..
FULL_BYTES = 2048  # .. up to this; a certificate chain spans several
LATER_BYTES = 32
OVERHEAD = 300  # bytes that a sample costs beside its data: most flows of a scan or a flood have one and a list for it
TCP = 6
LEAST_INITIAL = 256  # captured bytes of a QUIC Initial below which no name can be in them
HELLO_BYTES = 16_384  # longest ClientHello that is looked at
BUSY_DNS = 20  # packets of one DNS flow beyond which it is looked at: tunnels ask on and on
_HANDSHAKE, _DTLS = 22, 0xFE  # first bytes of a DTLS handshake record (RFC 9147 section 4)
ANSWERED, REDIRECTED, FAILED = (OUTCOMES.index(o) for o in ("answered", "redirected", "failed"))

Head = tuple[int, bool, int, int, int, int, int]  # row, from side a, t, index of payload, size, kept, seq


class Early:
    """Samples, hellos and names of the rows of one table."""

    def __init__(self, rows: Rows, interest: Interest) -> None:
        self.rows = rows
        self.meanings = Meanings(interest)
        self.samples: dict[int, list[Sample]] = {}
        self.hellos: dict[int, Hello] = {}
        self.lookups = Lookups()
        self.watch = Watch()
        self.sampled_bytes = 0
        self._initials = outline.Initials()
        self._handlers: list[Callable[[Head, memoryview], Told]] = [self._keep] * len(TRAFFIC)
        self._handlers[first.CUT] = self._cut
        self._handlers[first.TLS], self._handlers[first.QUIC] = self._tls, self._quic
        self._handlers[first.HTTP], self._handlers[first.DNS] = self._http, self._dns
        self._handlers[first.DTLS] = self._dtls
        self._pending: dict[int, quic.QuicHello | None] = {}  # rows whose ClientHello spans several packets
        self._asked: dict[int, str] = {}  # listed name of a DNS question that waits for its answer

    def take(self, p: Packets, s: Segments, rows: Ints) -> None:
        """Looks at the payload of a batch that `Table.update` has taken in."""
        if not len(s.loaded):
            return
        begins = np.append(True, rows[1:] != rows[:-1])  # where times jump back, segments of one row follow each other
        if not begins.all():
            at = np.flatnonzero(begins)
            s, rows = s._replace(begin=s.begin[at], end=np.append(s.end[at[1:] - 1], s.end[-1])), rows[at]
        seen = self._firsts(p, s, rows)
        self._laters(p, s, rows, seen)

    def forget(self, row: int) -> None:
        """Drops what is kept of a row."""
        for sample in self.samples.pop(row, ()):
            self.sampled_bytes -= len(sample.data) + OVERHEAD
        self.hellos.pop(row, None)
        self._pending.pop(row, None)
        self._asked.pop(row, None)
        self.rows.held[row] = False

    # First payload of new flows

    def _firsts(self, p: Packets, s: Segments, rows: Ints) -> Mask:
        """Settles or begins what the first payload of each new flow asks for; which segments had one."""
        seen = np.zeros(len(rows), bool)
        new = np.flatnonzero(self.rows.stage[rows] == NEW)
        at = np.searchsorted(s.loaded, s.begin[new])
        position = s.loaded[np.minimum(at, len(s.loaded) - 1)]
        has = (at < len(s.loaded)) & (position < s.end[new])
        new, position = new[has], position[has]
        seen[new] = True
        packet, row = s.order[position], rows[new]
        kinds = first.traffic_of(p, packet)
        self.rows.traffic[row] = kinds
        self.rows.hello_up[row] = s.swapped[position] == self.rows.swapped[row]
        asked = np.where((kinds == first.TLS) & ~first.is_client_hello(p, packet), first.OTHER, kinds)
        data = memoryview(p.data)  # type: ignore[arg-type]  # numpy arrays are buffers
        heads = self._heads(p, s, row, position)
        told = [self._handlers[kind](h, data) for h, kind in zip(heads, asked.tolist(), strict=True)]
        if told:
            self.rows.stage[row], self.rows.name[row] = np.array(told, np.int64).T
        self.rows.held[row] |= self.rows.stage[row] == AWAIT_TLS
        return seen

    def _heads(self, p: Packets, s: Segments, row: Ints, position: Ints) -> list[Head]:
        packet = s.order[position]
        up = s.swapped[position] == self.rows.swapped[row]
        columns = (row, up, p.t[packet], p.payload[packet], p.size[packet], p.kept[packet], p.seq[packet])
        return list(zip(*(c.tolist() for c in columns), strict=True))

    def _cut(self, h: Head, data: memoryview) -> Told:
        return DONE, -1

    def _tls(self, h: Head, data: memoryview) -> Told:
        row, at, kept = h[0], h[3], h[5]
        raw = bytes(data[at : at + min(kept, HELLO_BYTES)])
        found = outline.client_hello(raw)
        if found is None:
            return self._odd_hello(h, data, raw)
        told, hello = self.meanings.tls(found, raw)
        self.hellos[row] = hello
        if told[0] == COLLECT:
            return self._keep(h, data)[0], told[1]
        return told

    def _odd_hello(self, h: Head, data: memoryview, raw: bytes) -> Told:
        """A hello that is spread over packets, cut, or malformed."""
        row, _, _, _, size, kept, _ = h
        if kept == size and tls.missing(raw) > 0:
            self._pending[row] = None
            return self._keep(h, data)
        hello = tls.client_hello(raw)
        if kept < size and not (hello and hello.name):
            return DONE, -1  # a snap length that ends before the name hides the certificate too
        if hello is None:
            return self._keep(h, data)
        self.hellos[row] = hello
        return self._keep(h, data)[0], self.meanings.name_id(hello.name)

    def _quic(self, h: Head, data: memoryview) -> Told:
        row, _, _, at, size, kept, _ = h
        if kept < min(size, LEAST_INITIAL):
            return DONE, -1
        raw = bytes(data[at : at + kept])
        message = self._initials.message(raw)
        found = outline.handshake(message) if message else None
        told, hello = self.meanings.quic(found, raw)
        if hello is None or not hello.is_whole:
            gathering = self._pending[row] = quic.QuicHello()
            gathering.add(raw)
            return self._keep(h, data)
        if told[0] == COLLECT:
            self.hellos[row] = hello
            return self._keep(h, data)[0], told[1]
        return told

    def _dtls(self, h: Head, data: memoryview) -> Told:
        """Kept whatever its name: a gateway's data channel shows beside its TLS connection."""
        row, _, _, at, _, kept, _ = h
        hello = dtls.client_hello(bytes(data[at : at + kept]))
        if hello is not None:
            self.hellos[row] = hello
        return self._keep(h, data)[0], self.meanings.name_id(hello.name if hello else "")

    def _http(self, h: Head, data: memoryview) -> Told:
        at, kept = h[3], h[5]
        raw = bytes(data[at : at + min(kept, FULL_BYTES)])
        host = outline.page(raw)
        if host is None and kept < h[4] and raw.startswith((b"GET /", b"HEAD /")) and b"\r\nHost:" not in raw:
            return AWAIT_HTTP, -1  # cut before the name
        told = self.meanings.host(host) if host else self.meanings.request(raw)
        return (self._keep(h, data)[0], told[1]) if told[0] == COLLECT else told

    def _dns(self, h: Head, data: memoryview) -> Told:
        row, _, _, at, _, kept, _ = h
        raw = bytes(data[at + 2 : at + min(kept, FULL_BYTES)])  # behind the transaction id, questions repeat
        told = self.meanings.question(raw)
        if told[0] == COLLECT:
            return self._keep(h, data)[0], told[1]
        if told[0] == AWAIT_ADDRESS:
            self._asked[row] = self.meanings.names[told[1]]
            self.rows.held[row] = True
        return told

    def _keep(self, h: Head, data: memoryview) -> Told:
        """Keeps the first sample of a row; the stage that follows, and no name."""
        self._gather(h[0], [h[1:]], data)
        return COLLECT, -1

    def _gather(self, row: int, packets: list[tuple[bool, int, int, int, int, int]], data: memoryview) -> int:
        """Keeps samples of a row (side, t, index of payload, size, kept, seq); the stage that follows."""
        samples = self.samples.get(row)
        if samples is None:
            samples = self.samples[row] = []
            self.rows.held[row] = True
        have, is_pending, held = len(samples), row in self._pending, 0
        for up, t, at, size, kept, seq in packets:
            have += 1
            most = FULL_BYTES if have <= FULL_SAMPLES or is_pending else LATER_BYTES
            raw = bytes(data[at : at + (kept if kept < most else most)])
            held += len(raw)
            samples.append(Sample(up, t, size, raw, seq))
        self.sampled_bytes += held + OVERHEAD * len(packets)
        return DONE if have >= SAMPLES else COLLECT

    # Later payload of flows that wait for something

    def _laters(self, p: Packets, s: Segments, rows: Ints, seen: Mask) -> None:
        seg = np.flatnonzero(self.rows.stage[rows] >= COLLECT)
        low = np.searchsorted(s.loaded, s.begin[seg]) + seen[seg]
        high = np.searchsorted(s.loaded, s.end[seg])
        some = high > low
        seg, low, high = seg[some], low[some], high[some]
        if not len(seg):
            return
        row = rows[seg]
        stage, packet = self.rows.stage[row], s.order[s.loaded[low]]
        for awaited, settle in ((AWAIT_TLS, self._hidden), (AWAIT_HTTP, self._status), (AWAIT_DNS, self._code)):
            which = stage == awaited
            if which.any():
                settle(p, row[which], packet[which])
        stage = self.rows.stage[row]
        wanting = (stage == COLLECT) | (stage == AWAIT_ADDRESS)
        self._collect(p, s, row[wanting], low[wanting], high[wanting])
        watched = stage == WATCH
        if watched.any():
            row = row[watched]
            slots, client = self.rows.watch[row], self.rows.swapped[row] == self.rows.hello_up[row]
            self.watch.add(p, s, slots, client, (low[watched], high[watched]))
            self.rows.stage[row[self.watch.is_full(slots)]] = DONE

    def _hidden(self, p: Packets, row: Ints, packet: Ints) -> None:
        """TLS 1.3 hides what follows but its sizes; before it, the certificate is worth the samples."""
        hidden = first.is_server_hello_13(p, packet)
        self.rows.stage[row] = np.where(hidden, WATCH, COLLECT)
        self.rows.held[row] = ~hidden
        done = row[hidden]
        self.rows.watch[done] = self.watch.take(len(done))
        for one in done.tolist():
            del self.hellos[one]

    def _status(self, p: Packets, row: Ints, packet: Ints) -> None:
        digit = first.status_digit(p, packet)
        told = digit > 0
        self.rows.status[row[told]] = np.where(digit[told] == 3, REDIRECTED, ANSWERED)
        self.rows.stage[row[told]] = DONE

    def _code(self, p: Packets, row: Ints, packet: Ints) -> None:
        code = first.dns_code(p, packet)
        told = code >= 0
        self.rows.status[row[told]] = np.where(code[told] == 0, ANSWERED, FAILED)
        busy = self.rows.packets_a[row] + self.rows.packets_b[row] > BUSY_DNS
        self.rows.stage[row[busy]] = COLLECT

    def _collect(self, p: Packets, s: Segments, row: Ints, low: Ints, high: Ints) -> None:
        if not len(row):
            return
        count = np.minimum(high - low, SAMPLES)
        before = np.cumsum(count) - count
        position = s.loaded[np.repeat(low - before, count) + np.arange(int(count.sum()))]
        heads = self._heads(p, s, np.repeat(row, count), position)
        data = memoryview(p.data)  # type: ignore[arg-type]  # numpy arrays are buffers
        told = []
        columns = (row, self.rows.stage[row], before, before + count)
        for one, stage, begin, end in zip(*(c.tolist() for c in columns), strict=True):
            more = self._more if stage == COLLECT else self._address
            told.append(more(one, heads[begin:end], data))
        self.rows.stage[row] = told

    def _more(self, row: int, heads: list[Head], data: memoryview) -> int:
        room = SAMPLES - len(self.samples.get(row, ()))
        stage = self._gather(row, [h[1:] for h in heads[:room]], data)
        for h in heads[:room]:
            at, kept = h[3], h[5]
            if row in self._pending:
                self._complete(row, bytes(data[at : at + kept]))
            elif kept > 13 and data[at] == _HANDSHAKE and data[at + 1] == _DTLS and row not in self.hellos:
                self._dtls_later(row, bytes(data[at : at + kept]))
        return stage

    def _dtls_later(self, row: int, raw: bytes) -> None:
        """A DTLS hello behind STUN, or one that repeats with a cookie."""
        hello = dtls.client_hello(raw)
        if hello is not None:
            self.hellos[row] = hello
            self.rows.name[row] = self.meanings.name_id(hello.name)

    def _complete(self, row: int, raw: bytes) -> None:
        """Adds a packet to a ClientHello that spans several."""
        gathering = self._pending[row]
        hello = self._whole(row) if gathering is None else gathering.add(raw)
        if hello is not None and hello.is_whole:
            del self._pending[row]
            self.hellos[row] = hello
            self.rows.name[row] = self.meanings.name_id(hello.name)

    def _whole(self, row: int) -> Hello | None:
        """The ClientHello of the samples of one side, in order of their sequence numbers."""
        raw = _joined(self.samples[row], self.samples[row][0])
        return tls.client_hello(raw) if tls.missing(raw) == 0 else None

    def late_hello(self, row: int) -> Hello | None:
        """The ClientHello of a row whose segments came in the wrong order, so that it was not known as one."""
        kept = self.samples.get(row, ())
        if self.rows.proto[row] != TCP or not any(s.data[:2] == b"\x16\x03" for s in kept[:8]):
            return None
        start = next(s for s in kept if s.data[:2] == b"\x16\x03")
        hello = tls.client_hello(_joined(kept, start))
        if hello is not None and hello.is_whole:
            self.hellos[row] = hello
            self.rows.name[row] = self.meanings.name_id(hello.name)
        return hello

    def _address(self, row: int, heads: list[Head], data: memoryview) -> int:
        """The addresses of a listed name, remembered for the flow that may follow without a name."""
        for _, up, t, at, _, kept, _ in heads:
            answer = bytes(data[at : at + kept])
            question = dns.question(answer)
            if question is not None and question.is_response:
                r = self.rows
                client = (r.dst0, r.dst1) if up else (r.src0, r.src1)
                given = [a.address for a in dns.answers(answer) if a.address]
                name = self._asked.pop(row, "")
                self.lookups.add((int(client[0][row]), int(client[1][row])), name, given, t)
                r.status[row] = FAILED if question.rcode else ANSWERED
                return DONE
        return AWAIT_ADDRESS


def _joined(kept: Sequence[Sample], start: Sample) -> bytes:
    """What the side of `start` sent from there on, in order of the sequence numbers."""
    mine = sorted((s for s in kept if s.up == start.up), key=lambda s: (s.seq - start.seq) & 0xFFFFFFFF)
    return b"".join(s.data for s in mine)
