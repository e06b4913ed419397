"""Numerator and denominator of a share, as ranges where a cell is suppressed or clients overlap.

Flows and bytes of cells add up.  Clients do not: one client may be in several cells, so that without a stated total
only bounds are known (the largest cell, and the sum).  Clients are counted once in each interval: the unit over a
period is the client-day where the store holds daily totals, else the client-hour.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from analyzer.shares.rates import Level

# What counts as circumvention unless a family or kind is asked for: a provider's control traffic, encrypted DNS,
# encapsulation and look-alikes are none of it; a statistical suspicion is no label and has to be asked for.
USE = ("tunnel", "proxy", "anonymity", "covert")
FIRM = ("header", "name", "dated_list")
EVERYTHING = ""  # the entity of all flows together


class Cell(NamedTuple):
    """One hour, network and label; counts are None where suppressed."""

    family: str
    kind: str
    confidence: str
    flows: int | None
    clients: int | None
    bytes: int | None

    @property
    def entities(self) -> tuple[str, str]:
        """The entities of which the cell is a part."""
        return f"family={self.family}", f"kind={self.kind}"


class Total(NamedTuple):
    """What is stated of an entity in an interval; None = not given, `state` says why for the clients ('' = no row)."""

    flows: int | None
    clients: int | None
    bytes: int | None
    state: str


class Count(NamedTuple):
    """A count known as a range; high None = without an upper bound."""

    low: int
    high: int | None

    @property
    def exact(self) -> int | None:
        """The count where it is known exactly."""
        return self.low if self.low == self.high else None


UNKNOWN = Count(0, None)


def added(counts: Iterable[Count]) -> Count:
    """Sum of ranges."""
    listed = list(counts)
    highs = [c.high for c in listed if c.high is not None]
    return Count(sum(c.low for c in listed), sum(highs) if len(highs) == len(listed) else None)


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
    def entities(self) -> tuple[str, ...]:
        """The entities whose totals make up the numerator."""
        if self.family:
            return (f"family={self.family}",)
        return tuple(f"kind={kind}" for kind in ((self.kind,) if self.kind else USE))

    @property
    def text(self) -> str:
        """The selection in a word."""
        return self.family or self.kind or "circumvention"


@dataclass(slots=True)
class Interval:
    """The cells of one snapshot, hour and network, with totals by entity; a day (24 hours, UTC) has totals only."""

    snapshot_id: str
    t_start: datetime
    hours: int
    cells: list[Cell] = field(default_factory=list)
    totals: dict[str, Total] = field(default_factory=dict)

    def total(self, level: Level, entity: str = EVERYTHING) -> int | None:
        """The total stated for an entity, None where there is none."""
        found = self.totals.get(entity)
        value: int | None = None if found is None else getattr(found, level)
        return value


def intervals(rows: Iterable[Mapping[str, Any]]) -> list[Interval]:
    """Rows of the query `share_inputs`, gathered by snapshot, interval and network, in order of time."""
    gathered: dict[tuple[str, datetime, int, int], Interval] = {}
    for row in rows:
        key = (row["snapshot_id"], row["t_start"], row["hours"], row["asn"])
        interval = gathered.setdefault(key, Interval(*key[:3]))
        counts = (row["flows"], row["clients"], row["bytes"])
        if row["part"] == "total":
            interval.totals[row["entity"]] = Total(*counts, row["state"])
        else:
            interval.cells.append(Cell(row["family"], row["kind"], row["confidence"], *counts))
    return sorted(gathered.values(), key=lambda i: (i.t_start, i.hours))


def usable(found: Sequence[Interval], level: Level) -> list[Interval]:
    """The intervals to count in: for clients the days where any is there, else the hours that hold flows."""
    days = [i for i in found if i.hours == 24 and EVERYTHING in i.totals]
    return days if level == "clients" and days else [i for i in found if i.hours == 1 and (i.cells or i.totals)]


def counted(interval: Interval, level: Level, selection: Selection, k: int) -> tuple[Count, Count]:
    """Numerator and denominator of one interval; k is the fewest clients a cell may show."""
    if level == "clients":
        return _clients(interval, selection, k)
    return _additive(interval, level, selection)


def _additive(interval: Interval, level: Level, selection: Selection) -> tuple[Count, Count]:
    """Flows or bytes: what is suppressed is the stated total less what is shown, or has no bound."""
    total = interval.total(level)
    if not interval.cells:
        parts = [interval.total(level, e) for e in selection.entities]
        chosen = added(UNKNOWN if p is None else Count(p, p) for p in parts)
        return _within(chosen, UNKNOWN if total is None else Count(total, total))
    shown = _shown(interval.cells, level)
    is_whole = all(getattr(c, level) is not None for c in interval.cells)
    everything = Count(shown, shown) if is_whole else UNKNOWN._replace(low=shown)
    if not is_whole and total is not None and total >= shown:
        everything = Count(total, total)
    chosen = added(
        _filled([c for c in interval.cells if entity in c.entities], level, selection, interval.total(level, entity))
        for entity in selection.entities
    )
    return _within(_by_difference(chosen, interval.cells, level, selection, everything), everything)


def _shown(cells: Iterable[Cell], level: Level) -> int:
    return sum(v for c in cells if (v := getattr(c, level)) is not None)


def _filled(cells: Sequence[Cell], level: Level, selection: Selection, total: int | None) -> Count:
    """Sum over the selected of the cells of one entity, whose total is given or None."""
    chosen = _shown((c for c in cells if selection.holds(c)), level)
    hidden = [selection.holds(c) for c in cells if getattr(c, level) is None]
    if not any(hidden):
        return Count(chosen, chosen)
    left = None if total is None else total - _shown(cells, level)
    if left is None or left < 0:
        return Count(chosen, None)
    return Count(chosen + left if all(hidden) else chosen, chosen + left)


def _by_difference(part: Count, cells: Sequence[Cell], level: Level, selection: Selection, whole: Count) -> Count:
    """The part, knowing that it is the whole less the cells that are not selected."""
    others = [c for c in cells if not selection.holds(c)]
    rest = _shown(others, level)
    highs = [h for h in (part.high, None if whole.high is None else whole.high - rest) if h is not None]
    has_hidden = any(getattr(c, level) is None for c in others)
    return Count(part.low if has_hidden else max(part.low, whole.low - rest), min(highs, default=None))


def _within(part: Count, whole: Count) -> tuple[Count, Count]:
    """Both ranges, knowing that the part is not more than the whole."""
    if whole.high is None:
        return part, Count(max(whole.low, part.low), None)
    high = whole.high if part.high is None else min(part.high, whole.high)
    low = min(part.low, high)
    return Count(low, high), Count(max(whole.low, low), whole.high)


def _clients(interval: Interval, selection: Selection, k: int) -> tuple[Count, Count]:
    """Distinct clients: totals where they are stated; else between the largest cell and the sum of cells."""
    total = interval.total("clients")
    if total is not None and len(interval.totals) > 1:
        parts = [_users(interval, entity, k) for entity in selection.entities]
        return _within(_distinct(parts), Count(total, total))
    if not interval.cells:
        return UNKNOWN, UNKNOWN
    cap = _largest_suppressed(interval.cells, k)
    bounds = [(Count(0, cap) if c.clients is None else Count(c.clients, c.clients), c) for c in interval.cells]
    everything = _distinct([b for b, _ in bounds])
    if total is not None and total >= everything.low:
        everything = Count(total, total)
    return _within(_distinct([b for b, cell in bounds if selection.holds(cell)]), everything)


def _users(interval: Interval, entity: str, k: int) -> Count:
    """Users of an entity beside a stated total.

    No row: the capture never shows it.  Suppressed while its flows are given: it has users, fewer than k.  Suppressed
    altogether, or no rule for its users: not known.
    """
    found = interval.totals.get(entity)
    if found is None:
        return Count(0, 0)
    if found.clients is not None:
        return Count(found.clients, found.clients)
    return Count(0, k - 1) if found.state == "suppressed" and found.flows is not None else UNKNOWN


def _distinct(cells: Sequence[Count]) -> Count:
    return Count(max((c.low for c in cells), default=0), added(cells).high)


def _largest_suppressed(cells: Sequence[Cell], k: int) -> int | None:
    """The most clients a suppressed cell can hold: k - 1 where it is the only one; None = not known.

    Where several are, some may have been suppressed only so that the others cannot be had by subtraction.
    """
    return k - 1 if sum(c.clients is None for c in cells) <= 1 else None


@dataclass(frozen=True, slots=True)
class Totals:
    """Numerator and denominator of a period at one level."""

    numerator: Count
    denominator: Count
    hours: int  # hours of different intervals that hold something
    overlapping: int  # intervals that more than one snapshot holds
    ranged: int  # intervals whose numerator or denominator is not known exactly


def summed(found: Sequence[Interval], level: Level, selection: Selection, k: int) -> Totals:
    """Sums over intervals."""
    pairs = [counted(interval, level, selection, k) for interval in found]
    files: dict[datetime, set[str]] = defaultdict(set)
    for interval in found:
        files[interval.t_start].add(interval.snapshot_id)
    return Totals(
        numerator=added(part for part, _ in pairs),
        denominator=added(whole for _, whole in pairs),
        hours=len(files) * (found[0].hours if found else 0),
        overlapping=sum(len(names) > 1 for names in files.values()),
        ranged=sum(part.exact is None or whole.exact is None for part, whole in pairs),
    )
