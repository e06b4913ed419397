"""Rows of the same time and place joined into one: cities to a country, servers to a service."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from statistics import fmean, median

from analyzer.records import Observation, Rejection

_WAYS: dict[str, Callable[[list[float]], float]] = {"mean": fmean, "median": median, "sum": sum}


def _place(row: Observation) -> tuple[object, ...]:
    """What rows that belong together share, besides their time."""
    return (row.indicator, row.cc, row.asn, row.entity, row.unit, row.scale_id)


@dataclass(slots=True)
class _Group:
    """Rows of one place and time."""

    first: Observation
    values: list[float] = field(default_factory=list)


def joined(items: Iterable[Observation | Rejection], way: str) -> Iterator[Observation | Rejection]:
    """One observation per place and time, after the rejections, in order of first appearance.

    way: mean, median or sum of the rows that have a value; n is their number, quality their part of the most rows that
    any time of the same place has.  A time without any value is missing.
    """
    groups: dict[tuple[object, ...], _Group] = {}
    most: dict[tuple[object, ...], int] = {}
    for item in items:
        if isinstance(item, Rejection):
            yield item
            continue
        place = _place(item)
        group = groups.setdefault((*place, item.t_start, item.t_end), _Group(item))
        if item.value is not None and item.state == "value":
            group.values.append(item.value)
            most[place] = max(most.get(place, 0), len(group.values))
    for group in groups.values():
        yield _one(group, way, most.get(_place(group.first), 0))


def _one(group: _Group, way: str, most: int) -> Observation:
    n = len(group.values)
    bare = group.first._replace(low=None, high=None, n=n, quality=n / most if most else None)
    if not n:
        return bare._replace(value=None, state="missing")
    return bare._replace(value=float(_WAYS[way](group.values)), state="value")
