"""Numerator and denominator of a share from hourly cells, as ranges where a cell is suppressed or clients overlap.

Flows and bytes of cells add up.  Clients do not: one client may be in several cells of an hour, so that without a
stated total only bounds are known (the largest cell, and the sum).  Clients are counted once in each hour: over
a period the unit is the client-hour.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from analyzer.shares.rates import Level

# What counts as circumvention unless a family or kind is asked for: a provider's control traffic, encrypted DNS,
# encapsulation and look-alikes are none of it; a statistical suspicion is no label and has to be asked for.
USE = ("tunnel", "proxy", "anonymity", "covert")
FIRM = ("header", "name", "dated_list")


class Cell(NamedTuple):
    """One hour, network and label; counts are None where suppressed."""

    family: str
    kind: str
    confidence: str
    flows: int | None
    clients: int | None
    bytes: int | None
    suppressed: bool


class Count(NamedTuple):
    """A count known as a range; high None = without an upper bound."""

    low: int
    high: int | None

    @property
    def exact(self) -> int | None:
        """The count where it is known exactly."""
        return self.low if self.low == self.high else None

    def plus(self, other: Count) -> Count:
        """Sum of two ranges."""
        high = None if self.high is None or other.high is None else self.high + other.high
        return Count(self.low + other.low, high)


@dataclass(frozen=True, slots=True)
class Selection:
    """Which labels are counted: a family, a kind, or (neither) all that are use of circumvention."""

    family: str = ""
    kind: str = ""
    confidences: Collection[str] = FIRM

    def holds(self, cell: Cell) -> bool:
        """True where the cell is part of the numerator."""
        if not cell.kind or cell.confidence not in self.confidences:
            return False
        if self.family:
            return cell.family == self.family and self.kind in ("", cell.kind)
        return cell.kind == self.kind if self.kind else cell.kind in USE

    @property
    def text(self) -> str:
        """The selection in a word."""
        return self.family or self.kind or "circumvention"


@dataclass(slots=True)
class Hour:
    """The cells of one snapshot, hour and network, with the totals stated for it (entity -> level -> count)."""

    snapshot_id: str
    t_start: datetime
    cells: list[Cell] = field(default_factory=list)
    totals: dict[str, dict[str, int | None]] = field(default_factory=dict)

    def total(self, level: Level, entity: str = "") -> int | None:
        """The total stated for all labels (or a family) together, None where there is none."""
        return self.totals.get(entity, {}).get(level)


def hours(rows: Iterable[Mapping[str, Any]]) -> list[Hour]:
    """Rows of the query `share_inputs`, gathered by snapshot, hour and network, in order of time."""
    gathered: dict[tuple[str, datetime, int], Hour] = {}
    for row in rows:
        key = (row["snapshot_id"], row["t_start"], row["asn"])
        hour = gathered.setdefault(key, Hour(row["snapshot_id"], row["t_start"]))
        counts = {level: row[level] for level in ("flows", "clients", "bytes")}
        if row["part"] == "total":
            hour.totals[row["entity"]] = counts
        else:
            suppressed = row["state"] != "value"
            hour.cells.append(Cell(row["family"], row["kind"], row["confidence"], suppressed=suppressed, **counts))
    return sorted((h for h in gathered.values() if h.cells), key=lambda h: h.t_start)


def counted(hour: Hour, level: Level, selection: Selection, k: int) -> tuple[Count, Count]:
    """Numerator and denominator of one hour; k is the fewest clients a cell may show."""
    return _clients(hour, selection, k) if level == "clients" else _additive(hour, level, selection)


def _additive(hour: Hour, level: Level, selection: Selection) -> tuple[Count, Count]:
    """Flows or bytes: what is suppressed is the stated total less what is shown, or has no bound."""
    values = [(getattr(cell, level), selection.holds(cell)) for cell in hour.cells]
    shown = sum(v for v, _ in values if v is not None)
    chosen = sum(v for v, held in values if held and v is not None)
    hidden = [held for v, held in values if v is None]
    if not hidden:
        return Count(chosen, chosen), Count(shown, shown)
    total = hour.total(level)
    rest = None if total is None or total < shown else total - shown
    everything = Count(shown if rest is None else shown + rest, None if rest is None else shown + rest)
    if not any(hidden):
        return Count(chosen, chosen), everything
    low = chosen + (rest or 0) if all(hidden) else chosen
    return Count(low, None if rest is None else chosen + rest), everything


def _clients(hour: Hour, selection: Selection, k: int) -> tuple[Count, Count]:
    """Distinct clients: between the largest cell and the sum of cells, unless a total is stated."""
    cap = _largest_suppressed(hour, k)
    bounds = [(_bounds(cell, cap), selection.holds(cell)) for cell in hour.cells]
    total = hour.total("clients")
    everything = _distinct([b for b, _ in bounds])
    if total is not None and total >= everything.low:
        everything = Count(total, total)
    chosen = _distinct([b for b, held in bounds if held])
    family = hour.total("clients", selection.family) if selection.family and not selection.kind else None
    # A total of a family holds suspicions too: it serves only where the hour has none of that family.
    if family is not None and all(selection.holds(c) for c in hour.cells if c.family == selection.family):
        chosen = Count(family, family)
    if everything.high is not None:
        high = everything.high if chosen.high is None else min(chosen.high, everything.high)
        chosen = Count(min(chosen.low, high), high)
    return chosen, Count(max(everything.low, chosen.low), everything.high)


def _bounds(cell: Cell, cap: int | None) -> Count:
    if cell.clients is not None:
        return Count(cell.clients, cell.clients)
    return Count(0, cap)


def _distinct(cells: list[Count]) -> Count:
    highs = [c.high for c in cells]
    low = max((c.low for c in cells), default=0)
    return Count(low, None if None in highs else sum(h for h in highs if h is not None))


def _largest_suppressed(hour: Hour, k: int) -> int | None:
    """The most clients a suppressed cell of this hour can hold; None = not known.

    A cell is suppressed below k.  Where one cell of an hour is, a second one may have been suppressed with it so that
    the first cannot be had by subtraction; that one is the smallest of the others and may hold k or more.
    """
    if sum(c.clients is None for c in hour.cells) != 2:
        return k - 1
    return min((c.clients for c in hour.cells if c.clients is not None), default=None)


@dataclass(frozen=True, slots=True)
class Totals:
    """Numerator and denominator of a period at one level."""

    numerator: Count
    denominator: Count
    hours: int  # different hours with at least one cell
    overlapping: int  # hours that more than one snapshot holds
    suppressed: int  # suppressed cells


def summed(found: Iterable[Hour], level: Level, selection: Selection, k: int) -> Totals:
    """Sums over hours."""
    numerator = denominator = Count(0, 0)
    files: dict[datetime, set[str]] = defaultdict(set)
    suppressed = 0
    for hour in found:
        part, whole = counted(hour, level, selection, k)
        numerator, denominator = numerator.plus(part), denominator.plus(whole)
        files[hour.t_start].add(hour.snapshot_id)
        suppressed += sum(c.suppressed for c in hour.cells)
    overlapping = sum(len(names) > 1 for names in files.values())
    return Totals(numerator, denominator, len(files), overlapping, suppressed)
