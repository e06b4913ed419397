"""Rows that have ended become labelled flows.

Rules run on the flows whose samples were kept, and on those between the same two hosts, which a relation may need; all
other flows were settled by what they said in clear.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from analyzer.capture import _first as first
from analyzer.capture._stages import DONE
from analyzer.capture.label import label
from analyzer.capture.records import OUTCOMES, TRAFFIC, Flow, Flows, Hello, Label, Mark, Sample
from analyzer.capture.relate import Context, relate
from analyzer.capture.rules._bytes import looks_random
from analyzer.capture.table import PAYLOAD_A, PAYLOAD_B

if TYPE_CHECKING:
    import numpy.typing as npt

    from analyzer.capture.early import Early
    from analyzer.capture.lists import AddressList
    from analyzer.capture.records import Ints
    from analyzer.capture.table import Table

    Mask = npt.NDArray[np.bool_]

_TCP, _UDP = 6, 17
_SYN, _RST, _ACK = 2, 4, 16
_WELL_KNOWN = 1024
_NONE, _ANSWERED, _NO_ANSWER, _RESET = (OUTCOMES.index(o) for o in ("none", "answered", "no_answer", "reset"))
_MIX = np.uint64(0x9E3779B97F4A7C15)


class Finisher:
    """Labels rows and gives them as columns; indices into labels and names stay valid from batch to batch."""

    def __init__(self, table: Table, early: Early, lists: Sequence[AddressList] = ()) -> None:
        """lists: dated address lists; raises BadInput where one cannot be read."""
        self._table, self._rows, self._early = table, table.rows, early
        self.labels: list[Label] = []
        self._ids: dict[Label, int] = {}
        self._context = Context(lists)
        self._inherit: dict[int, int] = {}

    def relieve(self) -> None:
        """Labels by the samples there are, when they have become too many to be kept."""
        rows = np.array(list(self._early.samples), np.int64)
        self._label(rows, self._turned(rows))
        for row in rows.tolist():
            self._early.forget(row)
        lost = rows[self._rows.label[rows] < 0]
        self._rows.marks[lost] |= np.uint16(Mark.LOST)
        self._rows.stage[rows] = DONE

    def flows(self, rows: Ints) -> Flows:
        """Labelled flows of rows that have ended; the rows are given back."""
        turned = self._turned(rows)
        self._label(rows, turned)
        self._hand_down(rows)
        flows = self._columns(rows, turned)
        for row in rows[self._rows.held[rows]].tolist():
            self._early.forget(row)
        slots = self._rows.watch[rows]
        self._early.watch.give_back(slots[slots >= 0])
        self._rows.give_back(rows)
        return flows

    def _turned(self, rows: Ints) -> Mask:
        """Whether side b is the client: side a is, unless its first packet or its port speak against it."""
        r = self._rows
        tcp = r.proto[rows] == _TCP
        syn, ack = (r.first_flags[rows] & _SYN) > 0, (r.first_flags[rows] & _ACK) > 0
        sport, dport = r.sport[rows], r.dport[rows]
        from_server = (sport < dport) & ((tcp & ~syn) | (sport < _WELL_KNOWN))
        turned: Mask = np.where(tcp & syn, ack, from_server)
        return turned

    # Labels

    def _label(self, rows: Ints, turned: Mask) -> None:
        """Sets the label, and where a first payload is all random, the traffic, of rows that have samples."""
        chosen = np.flatnonzero(self._candidates(rows))
        if not len(chosen):
            return
        rows = rows[chosen]
        flows = self._flow_records(rows, turned[chosen])
        known = self._rows.label[rows].tolist()
        labels = [self.labels[k] if k >= 0 else label(f) for k, f in zip(known, flows, strict=True)]
        labels = relate(flows, labels, self._context)
        self._rows.label[rows] = [self._id(x) if x else -1 for x in labels]
        random = [r for r, f in zip(rows.tolist(), flows, strict=True) if f.samples and looks_random(f.samples[0].data)]
        random_rows = np.array(random, np.int64)
        self._rows.traffic[random_rows[self._rows.traffic[random_rows] == first.OTHER]] = first.ENCRYPTED

    def _candidates(self, rows: Ints) -> Mask:
        r = self._rows
        chosen: Mask = r.held[rows] | (r.label[rows] >= 0)
        watched = np.flatnonzero(r.watch[rows] >= 0)
        chosen[watched] |= self._early.watch.suspects(r.watch[rows[watched]])
        if self._early.lookups:
            addresses = np.array(self._early.lookups.words(), np.uint64)
            chosen |= np.isin(r.dst0[rows], addresses) | np.isin(r.src0[rows], addresses)
        if chosen.any() and not chosen.all():
            pairs = self._pairs(rows)
            chosen |= np.isin(pairs, pairs[chosen])
        return chosen

    def _pairs(self, rows: Ints) -> npt.NDArray[np.uint64]:
        """One number for the two hosts of each row."""
        r = self._rows
        a, b = r.src0[rows] ^ (r.src1[rows] * _MIX), r.dst0[rows] ^ (r.dst1[rows] * _MIX)
        pairs: npt.NDArray[np.uint64] = (np.minimum(a, b) * _MIX) ^ np.maximum(a, b)
        return pairs

    def _id(self, found: Label) -> int:
        known = self._ids.get(found)
        if known is None:
            known = self._ids[found] = len(self.labels)
            self.labels.append(found)
        return known

    def _hand_down(self, rows: Ints) -> None:
        """A row that continues another has its label, unless it has one of its own; rows come in order of time."""
        r = self._rows
        for row in rows[(r.parent[rows] >= 0) | r.continued[rows]].tolist():
            handed = self._inherit.pop(row, -1)
            if r.label[row] < 0:
                r.label[row] = handed
            if r.continued[row]:
                self._inherit[self._table.child(row)] = int(r.label[row])

    def _flow_records(self, rows: Ints, turned: Mask) -> list[Flow]:
        r, early = self._rows, self._early
        columns = [getattr(r, name)[rows].tolist() for name in _FLOW_COLUMNS]
        marks = self._marks(rows).tolist()
        made = []
        for row, turn, mark, *values in zip(rows.tolist(), turned.tolist(), marks, *columns, strict=True):
            flow = _flow(values, mark)
            flow.samples, flow.hello = self._evidence(row)
            if turn:
                _turn(flow)
            if early.lookups and not (flow.hello and flow.hello.name):
                flow.looked_up = early.lookups.name(_words(flow.src), flow.dst, flow.first)
            made.append(flow)
        return made

    def _evidence(self, row: int) -> tuple[tuple[Sample, ...], Hello | None]:
        """Samples and hello of a row; of one that TLS 1.3 hid, what stands for them."""
        r, early = self._rows, self._early
        kept, hello = early.samples.get(row), early.hellos.get(row)
        slot = int(r.watch[row])
        if kept is not None or slot < 0:
            return tuple(kept or ()), hello or early.late_hello(row)
        name = early.meanings.names[r.name[row]] if r.name[row] >= 0 else ""
        up = bool(r.hello_up[row])
        opening = Sample(True, int(r.first[row]), 1, b"\x16\x03\x01")
        samples = (opening, *early.watch.samples(slot))
        turned = samples if up else tuple(s._replace(up=not s.up) for s in samples)
        return turned, Hello(name, (), 0x0304, "", False, "tls")

    # Columns

    def _marks(self, rows: Ints) -> npt.NDArray[np.uint16]:
        r = self._rows
        marks: npt.NDArray[np.uint16] = r.marks[rows]
        one_way = (r.packets_a[rows] == 0) | (r.packets_b[rows] == 0)
        late = (r.proto[rows] == _TCP) & ((r.flags_a[rows] | r.flags_b[rows]) & _SYN == 0) & (r.parent[rows] < 0)
        return marks | np.where(one_way, np.uint16(Mark.ONE_WAY), 0) | np.where(late, np.uint16(Mark.MID_STREAM), 0)

    def _columns(self, rows: Ints, turned: Mask) -> Flows:
        r = self._rows

        def pair(a: str, b: str) -> tuple[Any, Any]:
            x, y = getattr(r, a)[rows], getattr(r, b)[rows]
            return np.where(turned, y, x), np.where(turned, x, y)

        src0, dst0 = pair("src0", "dst0")
        src1, dst1 = pair("src1", "dst1")
        sport, dport = pair("sport", "dport")
        packets_up, packets_down = pair("packets_a", "packets_b")
        bytes_up, bytes_down = pair("bytes_a", "bytes_b")
        flags_up, flags_down = pair("flags_a", "flags_b")
        return Flows(
            proto=r.proto[rows], v6=r.v6[rows], src0=src0, src1=src1, sport=sport, dst0=dst0, dst1=dst1, dport=dport,
            packets_up=packets_up, packets_down=packets_down, bytes_up=bytes_up, bytes_down=bytes_down,
            first=r.first[rows], last=r.last[rows], flags_up=flags_up, flags_down=flags_down,
            marks=self._marks(rows), label=r.label[rows].astype(np.int32), traffic=r.traffic[rows],
            name=r.name[rows].astype(np.int32), outcome=self._outcomes(rows, turned, flags_down),
            labels=self.labels, names=self._early.meanings.names,
        )  # fmt: skip

    def _outcomes(self, rows: Ints, turned: Mask, flags_down: npt.NDArray[np.generic]) -> npt.NDArray[np.uint8]:
        """What became of flows that carried a request with a name."""
        r = self._rows
        answered = (r.payload[rows] & np.where(turned, PAYLOAD_A, PAYLOAD_B)) > 0
        reset = (flags_down.astype(np.int64) & _RST) > 0
        told = np.where(answered, _ANSWERED, np.where(reset, _RESET, _NO_ANSWER))
        told = np.where(r.status[rows] > 0, r.status[rows], told)
        return np.where(r.name[rows] >= 0, told, _NONE).astype(np.uint8)


_FLOW_COLUMNS = (
    "proto", "v6", "src0", "src1", "sport", "dst0", "dst1", "dport", "packets_a", "packets_b", "bytes_a", "bytes_b",
    "first", "last", "flags_a", "flags_b",
)  # fmt: skip


def _flow(values: Sequence[int], mark: int) -> Flow:
    proto, v6, src0, src1, sport, dst0, dst1, dport = values[:8]
    up, down, bytes_up, bytes_down, began, ended, flags_up, flags_down = values[8:]
    src, dst = address(src0, src1, v6), address(dst0, dst1, v6)
    counts = up, down, bytes_up, bytes_down, began, ended, flags_up, flags_down
    return Flow(proto, src, sport, dst, dport, *counts, Mark(mark))


def address(word0: int, word1: int, v6: int) -> bytes:
    """The 4 or 16 bytes of an address held in two words, as in `Packets`."""
    return word0.to_bytes(8, "little") + word1.to_bytes(8, "little") if v6 else word0.to_bytes(4, "little")


def _words(raw: bytes) -> tuple[int, int]:
    return int.from_bytes(raw[:8], "little"), int.from_bytes(raw[8:], "little")


def _turn(flow: Flow) -> None:
    """Lets the other side be the client."""
    flow.src, flow.dst, flow.sport, flow.dport = flow.dst, flow.src, flow.dport, flow.sport
    flow.packets_up, flow.packets_down = flow.packets_down, flow.packets_up
    flow.bytes_up, flow.bytes_down = flow.bytes_down, flow.bytes_up
    flow.flags_up, flow.flags_down = flow.flags_down, flow.flags_up
    flow.samples = tuple(s._replace(up=not s.up) for s in flow.samples)


assert len(TRAFFIC) < 256  # noqa: S101 - indices fit their column
