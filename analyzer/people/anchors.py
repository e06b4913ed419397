"""Anchors: dated figures that tie an indicator to people, read from a CSV file.

Columns (by header): cc, date_start, date_end, quantity, indicator, entity, value, low, high, unit, base, n,
design_effect, source, address, note.  Needed: cc, quantity, value, unit.  date_start and date_end are days
(YYYY-MM-DD or YYYY-MM); a row without a date is read and then refused by every route that needs one.

    quantity                     unit                      what it is
    vpn_users_share              percent, share            share of internet users (see base) that used any VPN
    tool_daily_users             people, devices           different users of one tool on one day, by the tool itself
    users_per_concurrent_client  ratio                     different users of a day per client connected at one time
    devices_per_person           ratio                     devices (or installs) of one person who uses the tool
    internet_users, population   people                    where the store holds no denominator
    network_subscribers          addresses                 clients (addresses) of the network that was captured
    persons_per_address          ratio                     persons behind one of them
    client_sensitivity           percent, share            of clients that use the tool, flagged
    client_false_positives       percent, share            of the other clients, flagged
    retention_half_life_days     days                      of installs that are given up
    retention_floor              percent, share            of installs that are never given up
    overlap_share                percent, share            of users of smaller tools who use the largest too
    platform_users, platform_left_share                    context, in no route

low and high are a 95 % interval where n is given (or low is 0), else a stated range; a share with n
alone gets its interval from n / design_effect (2 where none is stated: panels and clusters are no simple samples).
cc XX holds for every country.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from analyzer.blocks.tables import Row, rows_of
from analyzer.blocks.times import days
from analyzer.errors import BadInput
from analyzer.people.draws import Knowledge, Uncertain, exact
from analyzer.places import WORLD, check_country

DESIGN_EFFECT = 2.0
_SHARES = ("percent", "share")
UNITS = {
    "vpn_users_share": _SHARES,
    "tool_daily_users": ("people", "devices"),
    "users_per_concurrent_client": ("ratio",),
    "devices_per_person": ("ratio",),
    "internet_users": ("people",),
    "population": ("people",),
    "network_subscribers": ("addresses",),
    "persons_per_address": ("ratio",),
    "client_sensitivity": _SHARES,
    "client_false_positives": _SHARES,
    "retention_half_life_days": ("days",),
    "retention_floor": _SHARES,
    "overlap_share": _SHARES,
    "platform_users": ("people",),
    "platform_left_share": _SHARES,
}
_AT_LEAST_ONE = ("users_per_concurrent_client", "devices_per_person", "persons_per_address")
_MOST = {"people": 1e10, "devices": 1e11, "addresses": 1e11, "days": 36_500, "ratio": 10_000}
_SHIPPED = Path(__file__).parents[1] / "data" / "anchors.csv"


@dataclass(frozen=True, slots=True)
class Anchor:
    """One row: what it states, of what, when, by whom; shares from 0 to 1."""

    cc: str
    quantity: str
    indicator: str
    entity: str
    value: float
    low: float | None
    high: float | None
    unit: str
    date_start: date | None
    date_end: date | None
    base: str = ""
    n: float | None = None
    design_effect: float | None = None
    source: str = ""
    address: str = ""
    note: str = ""

    @property
    def is_share(self) -> bool:
        """True where value is a part of a whole."""
        return self.unit in _SHARES

    @property
    def has_range(self) -> bool:
        """True where its own error is known: a range, or the number of answers."""
        return self.low is not None or (self.is_share and self.n is not None)

    def uncertain(self) -> Uncertain:
        """The value with what is known of its error; exact where nothing is."""
        if self.low is not None and self.high is not None:
            how: Knowledge = "interval" if self.n is not None or self.low == 0 else "stated"
            return Uncertain(self.low, self.value, self.high, how, self.is_share)
        if self.is_share and self.n is not None:
            effective = max(self.n / (self.design_effect or DESIGN_EFFECT), 1.0)
            return Uncertain(0.0, self.value, 1.0, "survey", is_share=True, n=effective)
        return exact(self.value, is_share=self.is_share)

    def when(self) -> str:
        """Its days in words."""
        if self.date_start is None:
            return "no date"
        end = self.date_end or self.date_start
        return f"{self.date_start}" if end == self.date_start else f"{self.date_start} to {end}"

    def cited(self) -> str:
        """Value, source and date: what a reader must be able to look up."""
        shown = f"{100 * self.value:.4g} %" if self.is_share else f"{self.value:,.6g}"
        of = f" of {self.base}" if self.base else ""
        return f"{self.quantity} {shown}{of} ({', '.join(filter(None, (self.source, self.when())))})"


def read_anchors(path: str | Path) -> tuple[Anchor, ...]:
    """The rows of a file.  Raises BadInput with file, line and column for what cannot be meant."""
    file = Path(path)
    try:
        text = file.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise BadInput(f"cannot read the anchors {file}: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise BadInput(f"the anchors {file} are not text in UTF-8: save them as CSV in UTF-8") from error
    return tuple(_anchor(row) for row in rows_of(text, file.name, ("cc", "quantity", "value", "unit")))


def shipped_anchors() -> tuple[Anchor, ...]:
    """The rows shipped with the tool (`data/anchors.csv`)."""
    return read_anchors(_SHIPPED)


def _anchor(row: Row) -> Anchor:
    quantity = row.among("quantity", tuple(UNITS))
    unit = row.among("unit", UNITS[quantity])
    value, low, high = (_number(row, column, quantity, unit) for column in ("value", "low", "high"))
    if value is None:
        row.fail("value", "is empty: give a value")
    start, end = _days(row)
    found = Anchor(
        cc=row.attempt("cc", lambda: check_country(row.need("cc"))),
        quantity=quantity,
        indicator=row.get("indicator"),
        entity=row.get("entity"),
        value=value,
        low=low,
        high=high,
        unit=unit,
        date_start=start,
        date_end=end,
        base=row.get("base"),
        n=_count(row, "n", 1.0),
        design_effect=_count(row, "design_effect", 1.0),
        source=row.get("source"),
        address=row.get("address"),
        note=row.get("note"),
    )
    _check_range(row, found)
    return found


def _check_range(row: Row, found: Anchor) -> None:
    if (found.low is None) != (found.high is None):
        row.fail("low", "low and high come together: give both, or neither")
    if found.low is not None and found.high is not None and not found.low <= found.value <= found.high:
        row.fail("low", f"low, value and high are out of order: {found.low:g}, {found.value:g}, {found.high:g}")


def _number(row: Row, column: str, quantity: str, unit: str) -> float | None:
    text = row.get(column)
    if not text:
        return None
    value = _plain(row, column, text)
    if unit == "percent" and 0 <= value <= 100:
        return value / 100
    if unit in _SHARES and not 0 <= value <= 1:
        most = "100 for unit percent" if unit == "percent" else "1 for unit share (18 per cent: 0.18, or unit percent)"
        row.fail(column, f"{text} is no share: it lies between 0 and {most}")
    least = 1.0 if quantity in _AT_LEAST_ONE else 0.0
    if unit not in _SHARES and not least <= value <= _MOST[unit]:
        row.fail(column, f"{text} is not between {least:g} and {_MOST[unit]:g} {unit}")
    return value


def _count(row: Row, column: str, least: float) -> float | None:
    text = row.get(column)
    if not text:
        return None
    value = _plain(row, column, text)
    return value if value >= least else row.fail(column, f"{text} is under {least:g}")


def _plain(row: Row, column: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        row.fail(column, f"{text!r} is not a number: write digits and a point, without unit or thousands")
    return value if math.isfinite(value) else row.fail(column, f"{text!r} is not finite")


def _days(row: Row) -> tuple[date | None, date | None]:
    first, last = row.get("date_start"), row.get("date_end")
    if not first:
        return (None, None) if not last else row.fail("date_start", "is empty while date_end is not")
    start = row.attempt("date_start", lambda: days(first))
    end = row.attempt("date_end", lambda: days(last)) if last else start
    if end[1] < start[0]:
        row.fail("date_end", f"{last} lies before {first}: they are the wrong way round")
    return start[0], end[1]


def stated(
    anchors: Iterable[Anchor], quantity: str, cc: str, indicator: str = "", entity: str = ""
) -> Iterator[Anchor]:
    """Rows of a quantity for a country that speak of an indicator and entity, or of no special one."""
    for anchor in anchors:
        speaks_of_it = anchor.indicator in ("", indicator) and anchor.entity in ("", entity)
        if anchor.quantity == quantity and anchor.cc in (cc, WORLD) and speaks_of_it:
            yield anchor


def nearest(found: Iterable[Anchor], cc: str) -> Anchor | None:
    """The row of the country itself before one of the world, a special one before a general, the latest, the first."""
    ordered = sorted(
        found,
        key=lambda a: (a.cc != cc, not a.entity, not a.indicator, -(a.date_end or date.min).toordinal()),
    )
    return ordered[0] if ordered else None
