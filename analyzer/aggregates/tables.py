"""Sums and distinct clients -> the rows of the store: suppressed where too few clients stand behind them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from analyzer.aggregates import lists
from analyzer.aggregates.collect import TRANSPORTS, Cell, Collector
from analyzer.aggregates.measures import (
    DEFAULT_RULE,
    UNEXPLAINED,
    ClientRule,
    Suppressed,
    Values,
    counts_of,
    occurrences,
    values,
)
from analyzer.aggregates.members import SPAN, hour_of, merged, number_of
from analyzer.aggregates.release import complemented, too_few
from analyzer.capture.records import OUTCOMES, TRAFFIC

if TYPE_CHECKING:
    import numpy.typing as npt

    from analyzer.aggregates.members import Ints, Members, Sums
    from analyzer.aggregates.release import Flags
    from analyzer.capture.records import Kind

    Columns = dict[str, npt.NDArray[Any]]

__all__ = ["DEFAULT_K", "DEFAULT_RULE", "Aggregates", "ClientRule", "tables"]

DEFAULT_K = 10  # our choice: the usual ones lie between 3 and 20, and a block makes a place small quickly
_HOUR = np.timedelta64(1, "h")


class Aggregates(NamedTuple):
    """Columns for the tables of the store, by name of column; in measures, `state` 'suppressed' means 'not given'."""

    flows: Columns
    requests: Columns
    resolvers: Columns
    endpoints: Columns
    observations: Columns
    notes: tuple[str, ...]  # what a reader of the numbers has to know

    @property
    def rows(self) -> int:
        """Rows of the flows table."""
        return len(self.flows["state"])


def tables(
    collector: Collector,
    *,
    k: int = DEFAULT_K,
    rule: ClientRule = DEFAULT_RULE,
    span: tuple[int, int] | None = None,
) -> Aggregates:
    """What may be stored of the collected flows.

    span: first and last instant (ns) that the capture saw, which says how much of each hour and day it covers.
    """
    collector.flush()
    cells = list(collector.cells)
    group, sums = collector.flows.table()
    clients, seen = counts_of(collector.clients, group)
    hour, cell = hour_of(group), number_of(group)
    small = too_few(seen, k)
    kinds = hour * SPAN + _kind_of(cells)[cell]
    hidden = complemented(
        small, seen, (kinds,), k
    )  # first, so that the sum of a kind stays: it is what is asked for most
    hidden = complemented(hidden, seen, (hour, (hour // 24) * SPAN + cell), k)
    found = values(collector, cells, Suppressed(group[hidden], small[hidden]), k, rule)
    return Aggregates(
        flows=_flows(cells, hour, cell, (*sums, clients), hidden),
        requests=_requests(collector, k),
        resolvers=_resolvers(collector, k),
        endpoints=_endpoints(collector, cells, k),
        observations=_observations(found, span),
        notes=_notes(collector, k),
    )


def _kind_of(cells: list[Cell]) -> Ints:
    """A number per kind; cells without a label have one together: what is not in a kind is the rest of the total."""
    numbers: dict[Kind | None, int] = {}
    return np.array([numbers.setdefault(c.kind, len(numbers)) for c in cells], dtype=np.int64)


def _notes(collector: Collector, k: int) -> tuple[str, ...]:
    notes = []
    if k < DEFAULT_K:
        notes.append(f"cells of {k} clients and more are given, where {DEFAULT_K} is the default")
    if collector.share > 1:
        notes.append(f"clients and endpoints are approximate: counted from one in {collector.share}")
    if collector.sampling > 1:
        notes.append(f"one in {collector.sampling} packets was captured: bytes and packets are multiplied by it")
    return tuple(notes)


def _times(hour: Ints, hours: int = 1) -> Columns:
    """Half-open intervals of so many hours."""
    start = np.datetime64(0, "us") + hour * _HOUR
    return {"t_start": start, "t_end": start + hours * _HOUR}


def _texts(values: list[Any] | tuple[Any, ...], index: Ints) -> npt.NDArray[np.object_]:
    return np.array([*values, None], dtype=object)[index]


def _state(hidden: Flags) -> npt.NDArray[np.object_]:
    return _texts(("value", "suppressed"), hidden.astype(np.int64))


def _flows(cells: list[Cell], hour: Ints, cell: Ints, measures: tuple[Ints, ...], hidden: Flags) -> Columns:
    names = ("flows", "bytes_up", "bytes_down", "packets", "clients")
    columns = {name: np.where(hidden, 0, measure) for name, measure in zip(names, measures, strict=True)}
    labels = {field: _texts([getattr(c, field) for c in cells], cell) for field in Cell._fields}
    return _times(hour) | labels | columns | {"state": _state(hidden)}


def _counted(sums: Sums, members: Members, k: int) -> tuple[Ints, tuple[Ints, ...], Ints, Ints, Flags]:
    """Groups, sums, clients, clients counted and which have too few."""
    group, totals = sums.table()
    clients, seen = counts_of(members, group)
    return group, totals, clients, seen, too_few(seen, k)


def _requests(collector: Collector, k: int) -> Columns:
    group, sums, clients, seen, few = _counted(collector.requests, collector.request_clients, k)
    hour, code = hour_of(group), number_of(group)
    service, rest = np.divmod(code, len(TRAFFIC) * len(OUTCOMES))
    protocol, outcome = np.divmod(rest, len(OUTCOMES))
    hidden = complemented(few, seen, (hour, hour * SPAN + protocol), k)
    measures = dict(zip(("flows", "bytes_up", "bytes_down", "clients"), (*sums, clients), strict=True))
    return (
        _times(hour)
        | {"service": _texts(lists.services(), service), "protocol": _texts(TRAFFIC, protocol)}
        | {"outcome": _texts(OUTCOMES, outcome)}
        | {name: np.where(hidden, 0, measure) for name, measure in measures.items()}
        | {"state": _state(hidden)}
    )


def _resolvers(collector: Collector, k: int) -> Columns:
    group, (queries,), clients, seen, few = _counted(collector.queries, collector.query_clients, k)
    hour, code = hour_of(group), number_of(group)
    resolver, transport = np.divmod(code, len(TRANSPORTS))
    hidden = complemented(few, seen, (hour,), k)
    return _times(hour) | {
        "resolver": _texts(lists.resolvers(), resolver),
        "transport": _texts(TRANSPORTS, transport),
        "queries": np.where(hidden, 0, queries),
        "clients": np.where(hidden, 0, clients),
        "state": _state(hidden),
    }


def _endpoints(collector: Collector, cells: list[Cell], k: int) -> Columns:
    """Distinct endpoints and names per label without its provider, of each hour and of each day."""
    labels = [Cell(c.family, "", c.kind, c.confidence) for c in cells]
    at = {label: i for i, label in enumerate(dict.fromkeys(labels))}
    label = np.array([at[c] if c.kind else -1 for c in labels], dtype=np.int64)
    counted = [_labelled(m, label) for m in (collector.clients, collector.endpoints, collector.domains)]
    parts = [_endpoints_per(counted, list(at), hours, k) for hours in (1, 24)]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


class _Counted(NamedTuple):
    """Members by hour and label."""

    group: Ints
    member: npt.NDArray[np.uint64]
    share: int


def _labelled(members: Members, label: Ints) -> _Counted:
    table = members.table()
    found = label[number_of(table.group)]
    at = np.flatnonzero(found >= 0)
    return _Counted(hour_of(table.group[at]) * SPAN + found[at], table.member[at], members.share)


def _endpoints_per(counted: list[_Counted], labels: list[Cell], hours: int, k: int) -> Columns:
    found = [merged(hour_of(c.group) // hours * SPAN + number_of(c.group), c.member, ()).group for c in counted]
    groups = np.unique(np.concatenate(found))  # of a sample of clients a label may have none
    seen = [occurrences(group, groups) for group in found]
    hidden = too_few(seen[0], k)
    names = {field: _texts([getattr(c, field) for c in labels], number_of(groups)) for field in Cell._fields}
    names.pop("provider")
    counts = {
        "endpoints": np.where(hidden, 0, seen[1] * counted[1].share),
        "domains": np.where(hidden, 0, seen[2] * counted[2].share),
    }
    return _times(hour_of(groups) * hours, hours) | names | counts | {"state": _state(hidden)}


def _observations(found: Values, span: tuple[int, int] | None) -> Columns:
    """Long form: a row per indicator, entity and interval."""
    start = np.datetime64(0, "us") + found.period * found.hours * _HOUR
    is_part = found.entity != ""
    total_bytes, total_clients = found.bytes[found.total], found.clients[found.total]
    is_total_shown = ~found.hidden[found.total]
    few_clients = found.hidden | found.few_users
    blocks = [
        ("capture.flows", "flows", found.flows, found.hidden, np.ones_like(is_part)),
        ("capture.bytes", "IP bytes", found.bytes, found.hidden, np.ones_like(is_part)),
        ("capture.clients", "clients", found.clients, few_clients, found.has_users),
        ("capture.byte_share", "share of IP bytes", _ratio(found.bytes, total_bytes), found.hidden, is_part),
        ("capture.client_share", "share of clients", _ratio(found.clients, total_clients), few_clients, is_part),
        (
            "capture.unexplained_encrypted_share",
            *("share of IP bytes", _ratio(found.bytes, total_bytes), found.hidden, found.entity == UNEXPLAINED),
        ),
    ]
    parts = []
    for indicator, unit, value, hidden, chosen in blocks:
        rows = np.flatnonzero(chosen & (found.has_users | (unit not in ("clients", "share of clients"))))
        is_share = unit.startswith("share")
        concealed = hidden[rows] | (is_share & ~is_total_shown[rows])
        is_known = np.isfinite(value[rows])
        state = np.where(concealed, 1, np.where(is_known, 0, 2))
        parts.append(
            {
                "indicator": np.full(len(rows), indicator, dtype=object),
                "entity": np.where(indicator == "capture.unexplained_encrypted_share", "", found.entity[rows]),
                "t_start": start[rows],
                "t_end": start[rows] + found.hours[rows] * _HOUR,
                "value": np.where(state == 0, value[rows], np.nan).astype(np.float64),
                "unit": np.full(len(rows), unit, dtype=object),
                "state": _texts(("value", "suppressed", "missing"), state),
                "quality": _coverage(start[rows], found.hours[rows], span),
                "n": np.where(is_total_shown[rows], total_clients[rows], np.nan).astype(np.float64),
                "scale_id": _texts(("hour", "day"), (found.hours[rows] == 24).astype(np.int64)),
            }
        )
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _ratio(part: Ints, whole: Ints) -> npt.NDArray[np.float64]:
    return np.where(whole > 0, part / np.maximum(whole, 1), np.nan)


def _coverage(start: npt.NDArray[Any], hours: Ints, span: tuple[int, int] | None) -> npt.NDArray[np.float64]:
    """Share of each interval that lies between the first and the last packet; NaN when these are not known."""
    if span is None:
        return np.full(len(start), np.nan)
    first, last = (np.datetime64(at // 1000, "us") for at in span)
    inside = np.minimum(start + hours * _HOUR, last) - np.maximum(start, first)
    share: npt.NDArray[np.float64] = np.clip(inside / (hours * _HOUR), 0.0, 1.0)
    return share
