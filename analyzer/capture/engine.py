"""One capture, from bytes to labelled flows, in memory that follows the flows alive and not the size of the file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from analyzer.capture._interest import Interest
from analyzer.capture.containers import read_blocks
from analyzer.capture.decode import Decoder
from analyzer.capture.early import Early
from analyzer.capture.finish import Finisher
from analyzer.capture.table import Table, Timeouts

if TYPE_CHECKING:
    import io

    from analyzer.capture.lists import AddressList
    from analyzer.capture.records import Flows, Tally

_WAITING = 32_768  # ended flows that are labelled together: relations are looked for among them
_SAMPLED = 32 << 20  # bytes of samples kept at once


@dataclass(frozen=True, slots=True)
class Options:
    """How flows are cut, and the user's dated address lists."""

    timeouts: Timeouts = field(default_factory=Timeouts)
    lists: tuple[AddressList, ...] = ()


def flows_of(raw: io.RawIOBase, name: str, tally: Tally, options: Options | None = None) -> Iterator[Flows]:
    """Labelled flows of a capture, in batches; flows that ended earlier come in earlier batches.

    raw gives the file as received, compressed or not, and is read once from its beginning to its end.  `tally` is
    complete when the last batch has come.  Raises BadInput when it is no capture.
    """
    asked = options or Options()
    table = Table(asked.timeouts)
    early = Early(table.rows, Interest())
    finisher = Finisher(table, early, asked.lists)
    decoder = Decoder(tally)
    for block in read_blocks(raw, name, tally):
        packets = decoder.packets(block)
        if not len(packets.t):
            continue
        segments, rows = table.update(packets)
        early.take(packets, segments, rows)
        _relieve(early, finisher)
        table.sweep(int(packets.t[len(packets.t) // 2]))
        if table.waiting >= _WAITING:
            yield from _finished(table, finisher)
            early.meanings.renew(table.rows, table.alive())
    table.finish()
    yield from _finished(table, finisher)


def _relieve(early: Early, finisher: Finisher) -> None:
    if early.sampled_bytes > _SAMPLED:
        finisher.relieve()


def _finished(table: Table, finisher: Finisher) -> Iterator[Flows]:
    rows = table.ended()
    for begin in range(0, len(rows), _WAITING):
        yield finisher.flows(rows[begin : begin + _WAITING])
