"""What app charts share: the tracked apps, ranks as observations, and what it means not to be in a chart.

A chart is an instant, kept under its UTC day; the instant itself is the snapshot's retrieval time.  Several charts of
one day are several snapshots, so they do not collide, and the newest one speaks for the day like any later vintage.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from analyzer.errors import BadInput
from analyzer.records import Lines, Observation, Origin, Rejection
from analyzer.sources._table import TEXT_LIMIT

INDICATOR = "app.chart_rank"
_APPS = Path(__file__).parents[1] / "data" / "vpn_apps.csv"


@dataclass(frozen=True, slots=True)
class App:
    """A tracked app as one store knows it."""

    name: str
    family: str
    identifier: str


@dataclass(frozen=True, slots=True)
class Chart:
    """One chart at one instant; entries are (position from 1, identifier or None, text as found)."""

    cc: str
    at: datetime
    scale_id: str
    entries: Sequence[tuple[int, str | None, str]]


@cache
def tracked(column: str) -> tuple[App, ...]:
    """Apps that have an identifier in that column; matched by it alone, because names are copied and changed."""
    with _APPS.open(encoding="utf-8", newline="") as f:
        return tuple(App(r["name"], r["family"], r[column]) for r in csv.DictReader(f) if r[column])


def json_of(lines: Lines, origin: Origin) -> Any:
    """The JSON document that the lines are."""
    try:
        return json.loads("\n".join(text for _, text in lines))
    except (ValueError, RecursionError) as error:  # also a number of more digits than Python reads
        raise BadInput(f"{origin.name} is not whole JSON ({error}); save the chart again") from error


def entries_of(items: Sequence[Any], identifier: Any) -> list[tuple[int, str | None, str]]:
    """Positions and identifiers of a list of apps; `identifier` takes one item and may fail on it."""
    out: list[tuple[int, str | None, str]] = []
    for position, item in enumerate(items, 1):
        try:
            found = str(identifier(item)).strip() or None
        except (KeyError, TypeError, IndexError):
            found = None
        out.append((position, found, json.dumps(item)[:TEXT_LIMIT]))
    return out


def observations(chart: Chart, apps: Sequence[App]) -> Iterator[Observation | Rejection]:
    """A rank for every tracked app and family; for those beyond the end of the chart, that they are beyond it."""
    ranks: dict[str, int] = {}
    for position, identifier, text in chart.entries:
        if identifier is None:
            yield Rejection(position, "id", "has no app identifier", text)
        elif identifier in ranks:
            yield Rejection(position, "id", f"repeats position {ranks[identifier]}", text)
        else:
            ranks[identifier] = position
    for app in apps:
        yield _rank(chart, f"app:{app.name}", ranks.get(app.identifier))
    for family in sorted({app.family for app in apps} - {""}):
        found = [ranks[a.identifier] for a in apps if a.family == family and a.identifier in ranks]
        yield _rank(chart, f"family:{family}", min(found, default=None))
        yield _row(chart, f"family_apps:{family}", "apps in the chart", float(len(found)))


def _rank(chart: Chart, entity: str, rank: int | None) -> Observation:
    if rank is not None:
        return _row(chart, entity, "rank", float(rank))
    # Right-censored: the rank is worse than the last position, so its lower bound is the one after that.
    return _row(chart, entity, "rank", None)._replace(state="below_threshold", low=float(len(chart.entries) + 1))


def _row(chart: Chart, entity: str, unit: str, value: float | None) -> Observation:
    day = chart.at.replace(hour=0, minute=0, second=0, microsecond=0)
    return Observation(
        INDICATOR,
        chart.cc,
        day,
        day + timedelta(days=1),
        value,
        unit,
        entity=entity,
        n=len(chart.entries),
        scale_id=chart.scale_id,
    )


def the_country(origin: Origin, stated: str | None) -> str:
    """The chart's country: what the file states, else what the user does; BadInput when they differ or neither does."""
    if stated and origin.cc and stated != origin.cc:
        raise BadInput(f"{origin.name} is the chart of {stated}, not of {origin.cc}; leave --cc out")
    if found := stated or origin.cc:
        return found
    raise BadInput(f"{origin.name} does not say of which country it is; name it with --cc")


def the_instant(origin: Origin, stated: datetime | None) -> datetime:
    """When the chart was so: what the file states, else when it was retrieved."""
    if found := stated or origin.retrieved_at:
        return found
    raise BadInput(f"{origin.name} does not say when it was retrieved; state it with --retrieved")


def the_entries(origin: Origin, found: Sequence[Any]) -> Sequence[Any]:
    """The list of apps; an empty one is no chart in which everything is absent."""
    if not found:
        raise BadInput(f"{origin.name} is a chart without entries: a failed download; get it again")
    return found


def option(mapping: Mapping[str, Any] | None, key: str) -> str:
    """A text from the user's mapping, or ''."""
    return str((mapping or {}).get(key, ""))
