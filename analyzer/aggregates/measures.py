"""Hourly and daily values per entity: flows, bytes, and clients by a stated rule."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from analyzer.aggregates.members import SPAN, Table, hour_of, merged, number_of, summed
from analyzer.aggregates.release import Guard, too_few

if TYPE_CHECKING:
    import numpy.typing as npt

    from analyzer.aggregates.collect import Cell, Collector
    from analyzer.aggregates.members import Ints, Members
    from analyzer.aggregates.release import Flags
    from analyzer.capture.records import Confidence

ALWAYS = ("tunnel", "control", "proxy", "anonymity", "covert")  # kinds whose absence is a zero, not a gap
UNEXPLAINED = "traffic=encrypted"  # no label, and random from the first byte
_RANKS = ("statistical", "dated_list", "name", "header")
_STATISTICAL = 0


class ClientRule(NamedTuple):
    """When a client counts as a user of what a set of labels stands for (a family, a kind) in an hour or a day.

    Its flows with labels of at least `min_confidence` must reach `min_flows` and `min_bytes` together.  1,000 bytes:
    more than an unanswered probe or a bare handshake (WireGuard's takes about 300), less than any use.  Statistical
    labels err on one flow in some hundreds (Wu et al. 2023: 0.6 %), and a client may have thousands of flows: they
    count only where `min_confidence` admits them, and then never fewer than `min_statistical` of them.
    """

    min_flows: int = 1
    min_bytes: int = 1_000
    min_confidence: Confidence = "dated_list"
    min_statistical: int = 5


DEFAULT_RULE = ClientRule()


class Values(NamedTuple):
    """One row per entity and interval."""

    period: Ints  # hours or days since 1970
    hours: Ints  # 1 or 24
    entity: npt.NDArray[np.object_]  # '' = all, 'kind=K', 'family=F', 'confidence=C', 'provider=P', 'traffic=encrypted'
    flows: Ints
    bytes: Ints
    clients: Ints  # users by the rule; for '' and the unexplained: distinct clients
    hidden: Flags  # may not be published
    few_users: Flags  # the number of users may not be published
    has_users: Flags  # False: every label of the entity is too weak for the rule, so that nothing is said of users
    total: Ints  # row of '' of the same interval


def counts_of(members: Members, groups: Ints) -> tuple[Ints, Ints]:
    """Distinct members of each of the groups, which are in order, and how many of them were counted.

    The first is an estimate where not all members were kept.
    """
    seen = occurrences(members.table().group, groups)
    return np.asarray(seen * members.share), seen


def occurrences(group: Ints, groups: Ints) -> Ints:
    """How often each of the groups, which are in order, occurs; every group that occurs must be among them."""
    return np.bincount(np.searchsorted(groups, group), minlength=len(groups))


class _Dimension(NamedTuple):
    """One way to sort cells into entities."""

    entity: Ints  # of each cell, -1 = in none
    has_rule: bool  # users by the rule, or just distinct clients

    @property
    def is_fine(self) -> bool:
        """Whether no two cells are in the same entity."""
        entities = self.entity[self.entity >= 0]
        return len(np.unique(entities)) == len(entities)


class _Rows(NamedTuple):
    """Values of entities and intervals, before anything is suppressed."""

    period: Ints
    hours: Ints
    entity: Ints
    flows: Ints
    bytes: Ints
    users: Ints
    seen: Ints  # distinct clients that were counted
    seen_users: Ints


class Suppressed(NamedTuple):
    """Suppressed rows of the flows table."""

    group: Ints
    is_small: Flags  # has too few clients itself; the others are hidden with it


class _Asked(NamedTuple):
    """What there is to add up, and how."""

    group: Ints  # rows of the flows table
    sums: tuple[Ints, ...]
    clients: Table
    strong: Ints  # how each cell counts for users
    rule: ClientRule


def values(collector: Collector, cells: list[Cell], suppressed: Suppressed, k: int, rule: ClientRule) -> Values:
    """Values of every entity, as far as they may be published beside what the flows table gives."""
    names, dimensions = _dimensions(cells)
    strong = np.array([_strength(c, rule) for c in cells], dtype=np.int64)
    asked = _Asked(*collector.flows.table(), collector.clients.table(), strong, rule)
    rows = _joined(_grains(asked, dimensions))
    concealed = _concealed(rows, suppressed, dimensions, k)
    zeros = _zeros(rows, concealed, names)
    rows = _joined((rows, zeros))
    return Values(
        period=rows.period,
        hours=rows.hours,
        entity=np.array(names, dtype=object)[rows.entity],
        flows=rows.flows,
        bytes=rows.bytes,
        clients=rows.users * collector.clients.share,
        hidden=np.concatenate((concealed, np.zeros(len(zeros.period), dtype=np.bool_))),
        few_users=(rows.seen_users > 0) & too_few(rows.seen_users, k),
        has_users=_has_users(names, cells, strong)[rows.entity],
        total=_totals(rows),
    )


def _joined(parts: Iterable[_Rows]) -> _Rows:
    return _Rows(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def _dimensions(cells: list[Cell]) -> tuple[list[str], list[_Dimension]]:
    """Names of entities, and which of them each cell belongs to."""
    names = {"": 0} | {f"kind={kind}": i for i, kind in enumerate(ALWAYS, 1)}

    def numbered(name_of: Callable[[Cell], str | None]) -> Ints:
        wanted = [name_of(c) for c in cells]
        return np.array([-1 if w is None else names.setdefault(w, len(names)) for w in wanted], dtype=np.int64)

    def labelled(field: str) -> Callable[[Cell], str | None]:
        return lambda c: f"{field}={getattr(c, field)}" if c.kind and getattr(c, field) else None

    dimensions = [
        _Dimension(numbered(lambda _: ""), False),
        _Dimension(numbered(lambda c: UNEXPLAINED if c.family == "encrypted" and not c.kind else None), False),
        *(_Dimension(numbered(labelled(f)), True) for f in ("kind", "family", "confidence", "provider")),
    ]
    return list(names), dimensions


def _strength(cell: Cell, rule: ClientRule) -> int:
    """How a cell counts for users: 2 = by itself, 1 = statistical, only as one of several flows, 0 = not at all."""
    if cell.confidence is None:
        return 0
    rank = _RANKS.index(cell.confidence)
    if rank < _RANKS.index(rule.min_confidence):
        return 0
    return 1 if rank == _STATISTICAL else 2


def _grains(asked: _Asked, dimensions: list[_Dimension]) -> Iterator[_Rows]:
    """Hourly values, then daily ones."""
    hourly = [_rows(asked, d, 1) for d in dimensions]
    yield from hourly
    hours = np.unique(hour_of(asked.group))
    if len(np.unique(hours // 24)) < len(hours):
        yield from (_rows(asked, d, 24) for d in dimensions)
    else:  # no day has flows in more than one hour
        yield from (h._replace(period=h.period // 24, hours=np.full_like(h.hours, 24)) for h in hourly)


def _rows(asked: _Asked, dimension: _Dimension, hours: int) -> _Rows:
    def regrouped(group: Ints) -> tuple[Ints, Ints]:
        entity = dimension.entity[number_of(group)]
        at = np.flatnonzero(entity >= 0)
        return at, _period(hour_of(group[at]), hours) * SPAN + entity[at]

    at, key = regrouped(asked.group)
    keys, (flows, up, down) = summed(key, *(s[at] for s in asked.sums[:3]))
    at, key = regrouped(asked.clients.group)
    found = Table(key, asked.clients.member[at], _weighed(asked, at) if dimension.has_rule else ())
    if hours > 1 or not dimension.is_fine:
        found = merged(*found)
    index = np.searchsorted(keys, found.group)
    seen = np.bincount(index, minlength=len(keys))
    users = seen
    if dimension.has_rule:
        users = np.bincount(index[_are_users(found.sums, asked.rule)], minlength=len(keys))
    return _Rows(hour_of(keys), np.full_like(keys, hours), number_of(keys), flows, up + down, users, seen, users)


def _period(hour: Ints, hours: int) -> Ints:
    return hour if hours == 1 else hour // hours


def _weighed(asked: _Asked, at: Ints) -> tuple[Ints, ...]:
    """Flows and bytes of each client by labels that count by themselves, then by those that only count as several."""
    strength = asked.strong[number_of(asked.clients.group[at])]
    return tuple(np.where(strength == wanted, s[at], 0) for wanted in (2, 1) for s in asked.clients.sums)


def _are_users(sums: tuple[Ints, ...], rule: ClientRule) -> Flags:
    flows, size, weak_flows, weak_size = sums
    by_strong = (flows >= max(rule.min_flows, 1)) & (size >= rule.min_bytes)
    enough = max(rule.min_statistical, 2)
    by_many = (weak_flows >= enough) & (flows + weak_flows >= rule.min_flows) & (size + weak_size >= rule.min_bytes)
    is_user: Flags = by_strong | by_many
    return is_user


def _concealed(rows: _Rows, suppressed: Suppressed, dimensions: list[_Dimension], k: int) -> Flags:
    """Values with too few clients, and those from which, with what else is published, one of these would follow."""
    concealed = too_few(rows.seen, k)
    entity = np.array([d.entity for d in dimensions])[:, number_of(suppressed.group)]  # dimension x suppressed cell
    hour = hour_of(suppressed.group)
    day = rows.period * rows.hours // 24
    for at in np.unique(hour // 24).tolist():
        chosen = np.flatnonzero(day == at)
        if not concealed[chosen].all():
            inside = hour // 24 == at
            _audit(rows, chosen, _Hidden(hour[inside], entity[:, inside], suppressed.is_small[inside]), concealed)
    return concealed


class _Hidden(NamedTuple):
    """Suppressed cells of one day."""

    hour: Ints
    entity: Ints  # dimension x cell
    is_small: Flags


def _audit(rows: _Rows, chosen: Ints, cells: _Hidden, concealed: Flags) -> None:
    """Walk through the values of a day, widest first, and conceal what would give away a protected one."""

    def parts(row: int) -> Ints:
        in_period = cells.hour // rows.hours[row] == rows.period[row]
        inside: Ints = (in_period & (cells.entity == rows.entity[row]).any(axis=0)).astype(np.int64)
        return inside

    small = np.eye(len(cells.hour), dtype=np.int64)[cells.is_small]
    protected = np.array([*small, *map(parts, chosen[concealed[chosen]].tolist())])
    guard = Guard(np.unique(protected, axis=0))
    order = chosen[np.lexsort((-rows.seen[chosen], rows.entity[chosen] != 0, -rows.hours[chosen]))]
    for row in order[~concealed[order]].tolist():
        concealed[row] = not guard.admits(parts(row))


def _has_users(names: list[str], cells: list[Cell], strong: Ints) -> Flags:
    """Whether the rule can say anything of an entity: not where all its labels are too weak for it."""
    able = {"", *(f"kind={kind}" for kind in ALWAYS), UNEXPLAINED}
    for field in ("kind", "family", "confidence", "provider"):
        able |= {f"{field}={getattr(c, field)}" for c, s in zip(cells, strong.tolist(), strict=True) if s}
    return np.array([name in able for name in names], dtype=np.bool_)


def _totals(rows: _Rows) -> Ints:
    """For each row the row of all flows of the same interval."""
    key = rows.period * 32 + rows.hours
    whole = np.flatnonzero(rows.entity == 0)
    order = whole[np.argsort(key[whole])]
    found: Ints = order[np.searchsorted(key[order], key)]
    return found


def _zeros(rows: _Rows, concealed: Flags, names: list[str]) -> _Rows:
    """A kind or family that the capture shows elsewhere is zero in an interval whose total is given, not missing."""
    wanted = [i for i, n in enumerate(names) if n.startswith(("kind=", "family=")) or n == UNEXPLAINED]
    whole = np.flatnonzero((rows.entity == 0) & ~concealed)
    period, hours = np.repeat(rows.period[whole], len(wanted)), np.repeat(rows.hours[whole], len(wanted))
    entity = np.tile(np.array(wanted, dtype=np.int64), len(whole))
    new = np.flatnonzero(~np.isin(_coded(period, hours, entity), _coded(rows.period, rows.hours, rows.entity)))
    zero = np.zeros(len(new), dtype=np.int64)
    return _Rows(period[new], hours[new], entity[new], zero, zero, zero, zero, zero)


def _coded(period: Ints, hours: Ints, entity: Ints) -> Ints:
    code: Ints = (period * 32 + hours) * SPAN + entity
    return code
