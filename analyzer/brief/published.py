"""Publishers' figures: each with its publisher, unit, base and date, marked as theirs, never mixed with ours."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from analyzer import places
from analyzer.brief import words
from analyzer.brief.estimates import ratio_text
from analyzer.brief.indicators import meaning
from analyzer.brief.material import Material
from analyzer.brief.model import Mark, Table, Text
from analyzer.records import Published

# Words by which a note of our table reports that two sources do not agree.
_CONFLICT = re.compile(
    r"date it|dates the (same|peak)|also says|disagree|wrongly|tied it|nine times"
    r"|\d+ times (vpnMentor|Proton|less than)|later figure of the same|told the press|statement for the same"
    r"|first statement|contradict|text says|text unclear|not the \+|twice what"
    r"|sources say|\b\d+ or \d|downloads \(|sign-ups \(RTL\)",
    re.IGNORECASE,
)
_UNITS = {
    "percent_over_baseline": "over the base",
    "multiple_of_baseline": "the base",
    "percent_over_previous_day": "over the day before",
}
_COLUMNS = ("Publisher, and what it counted", "Date", "Figure and unit", "Base", "Read on", "Our note")
_NAMES = {
    "vpn_demand_index (VPN-related searches)": "VPN-related searches",
    "proton_signups": "sign-ups",
    "proton_signups_hourly": "sign-ups by the hour",
    "vpnmentor_demand (searches, web traffic, clicks)": "searches, web traffic and clicks",
}


def as_multiple(figure: Published) -> float | None:
    """The figure as times its publisher's base; None for units that are not of that kind."""
    if figure.unit == "percent_over_baseline" and figure.value > -100:
        return 1 + figure.value / 100
    return figure.value if figure.unit == "multiple_of_baseline" and figure.value > 0 else None


def unit(figure: Published) -> str:
    """The unit in words that can follow the number."""
    plain = words.clean(figure.unit).replace("_", " ") or f"unit {words.NOT_STATED}"
    return _UNITS.get(figure.unit, plain.removeprefix("percent "))


def with_unit(figure: Published) -> str:
    """+131 % over the base (x2.31); x4 the base; 18 % of internet users; 4,500,000 users."""
    times = as_multiple(figure)
    if figure.unit.startswith("percent_over"):
        tail = f" ({words.multiple(times)})" if times else ""
        return f"{words.percent(figure.value)} {unit(figure)}{tail}"
    return f"{value(figure)} {unit(figure)}"


def counted(figure: Published) -> str:
    """What the publisher counts, in words."""
    return _NAMES.get(figure.indicator, words.or_not_stated(figure.indicator).replace("_", " "))


def value(figure: Published) -> str:
    """+131 % (x2.31); x4; 4,500,000 users."""
    times = as_multiple(figure)
    if figure.unit.startswith("percent_over"):
        return words.percent(figure.value) + (f" ({words.multiple(times)})" if times else "")
    if figure.unit == "multiple_of_baseline":
        return words.multiple(figure.value)
    if figure.unit.startswith("percent"):
        return f"{words.number(figure.value)} %"
    return words.number(figure.value)


def window(figure: Published) -> str:
    """The day or days the figure is of."""
    return words.days(figure.window_start, figure.window_end)


def base(figure: Published) -> str:
    """The base as the publisher words it."""
    return words.or_not_stated(figure.baseline)


def grade(figure: Published) -> str:
    """Whose page the figure was read on."""
    return words.GRADES.get(figure.source_grade, words.or_not_stated(figure.source_grade))


def full(figure: Published) -> str:
    """A figure as a clause that can stand alone: publisher, what, value, date, base, grade."""
    who = words.or_not_stated(figure.publisher)
    return f"{who}, {counted(figure)}: {with_unit(figure)}, {window(figure)}; base: {base(figure)}; {grade(figure)}"


def _key(figure: Published) -> tuple[object, ...]:
    return figure.block_id, figure.publisher, figure.indicator, figure.window_start, figure.window_end


def marks(figures: Iterable[Published], cc: str) -> tuple[Mark, ...]:
    """Figures that are multiples of a base; a published range (low and high) becomes one mark."""
    grouped: dict[tuple[object, ...], list[Published]] = {}
    for figure in figures:
        if as_multiple(figure) is not None:
            extra = "range" if figure.role.startswith("range_") else (figure.value, figure.role)
            grouped.setdefault((*_key(figure), extra), []).append(figure)
    return tuple(_mark(group, cc) for group in grouped.values())


def _mark(group: list[Published], cc: str) -> Mark:
    ordered = sorted(group, key=lambda p: p.value)
    first, last = ordered[0], ordered[-1]
    sizes = [m for p in ordered if (m := as_multiple(p)) is not None]
    is_range = len(ordered) > 1
    text = f"{value(first)} to {value(last)}" if is_range else value(first)
    short = f"{words.percent(first.value)} to {words.percent(last.value)}" if is_range else text.split(" (")[0]
    start, end = _instants(first, cc)
    who = words.shorten(words.or_not_stated(first.publisher), 28)
    return Mark(
        label=f"{who}: {words.shorten(counted(first), 40)}",
        when=window(first),
        base=words.shorten(base(first), 90),
        value_text=text,
        multiple=(sizes[0] * sizes[-1]) ** 0.5,  # the middle of a range on a log scale
        low=sizes[0] if is_range else None,
        high=sizes[-1] if is_range else None,
        start=start,
        end=end,
        short=f"{who} {short}",
    )


def _instants(figure: Published, cc: str) -> tuple[datetime, datetime]:
    following = figure.window_end + timedelta(days=1)
    return places.local_midnight(figure.window_start, cc), places.local_midnight(following, cc)


def our_marks(material: Material) -> tuple[Mark, ...]:
    """Our estimates as multiples with intervals, at most four, the headline first; a small base gives no point."""
    rows = [row for _, row in material.questions if row.ratio and row.ratio_low and row.ratio_high]
    return tuple(
        Mark(
            label=f"Ours: {words.shorten(meaning(r.indicator, r.entity).name, 44)}",
            when=words.horizon(r.horizon),
            base=words.shorten(words.or_not_stated(r.base), 90),
            value_text=ratio_text(r),
            multiple=r.ratio or 1.0,
            low=r.ratio_low,
            high=r.ratio_high,
            is_ours=True,
        )
        for r in rows
        if r.expected is None or r.expected >= 10
    )[:4]


def all_table(material: Material) -> Table:
    """Every figure, in full: the text alternative of the pictures, and where each was read."""
    rows = tuple(_row(material, figure) for figure in material.published)
    return Table(
        "published",
        "Publishers' figures in full (theirs, not ours)",
        _COLUMNS,
        rows,
    )


def other_units_table(material: Material) -> Table | None:
    """Figures that are no multiple of a base and must not stand on the common scale."""
    figures = [p for p in material.published if as_multiple(p) is None]
    if not figures:
        return None
    return Table(
        "other-units",
        "Publishers' figures in units that cannot be compared with the others",
        _COLUMNS,
        tuple(_row(material, figure) for figure in figures),
    )


def _row(material: Material, figure: Published) -> tuple[Text, ...]:
    what = f"{words.or_not_stated(figure.publisher)}: {counted(figure)}"
    plain: tuple[Text, ...] = ((what,), (window(figure),), (with_unit(figure),), (base(figure),))
    note = words.clean(figure.note)
    return *plain, (grade(figure), " ", material.ref(figure.address)), (note,) if note else ("—",)


@dataclass(frozen=True, slots=True)
class Conflict:
    """Sources that do not agree: in one clause, and in full."""

    clause: str
    text: Text


def conflicts(material: Material) -> tuple[Conflict, ...]:
    """What sources disagree on: dates, sizes, and figures given to another event than their publisher's."""
    found = [_noted(material, p) for p in material.published if _CONFLICT.search(p.note)]
    elsewhere = [c for p in material.stray if (c := _given_elsewhere(material, p))]
    return *elsewhere, *found, *_two_values(material)


def _head(figure: Published) -> str:
    return f"{_number(figure)} ({words.or_not_stated(figure.publisher)}, {window(figure)})"


def _number(figure: Published) -> str:
    return value(figure).split(" (")[0]


def _noted(material: Material, figure: Published) -> Conflict:
    text = (f"{full(figure)}. Our note: {words.clean(figure.note)} ", material.ref(figure.address))
    return Conflict(f"{_head(figure)}: sources differ: {words.clean(figure.note)}", text)


def _given_elsewhere(material: Material, figure: Published) -> Conflict | None:
    """A figure of an older or later event that others attach to a block of this period."""
    names = [words.name(b) for b in material.blocks if b.name and b.name.lower() in figure.note.lower()]
    if not names:
        return None
    same = [p for p in material.published if (p.publisher, p.indicator) == (figure.publisher, figure.indicator)]
    beside = f" For this period the same publisher gives {listing_of(same, beside=figure)}." if same else ""
    instead = f"; the same publisher gives {words.listing([_brief(p) for p in same])} for this period" if same else ""
    clause = (
        f"{_number(figure)} ({words.or_not_stated(figure.publisher)}) is given by others to “{names[0]}”, our catalogue"
    )
    return Conflict(
        f"{clause} holds it for {window(figure)}{instead}",
        (
            f"{full(figure)}. Given by others to “{names[0]}”. Our note: {words.clean(figure.note)}.{beside} ",
            material.ref(figure.address),
        ),
    )


def _brief(figure: Published) -> str:
    return f"{_number(figure)} ({window(figure)})"


def listing_of(figures: Iterable[Published], beside: Published | None = None) -> str:
    """+400 % (x5) for 1-10 Jan 2024 (base: ...), and so on; `same base` where it is that of the figure beside."""
    parts = []
    for p in figures:
        same = beside is not None and p.baseline == beside.baseline
        parts.append(f"{value(p)} for {window(p)} ({'same base' if same else f'base: {base(p)}'})")
    return words.listing(parts)


def _two_values(material: Material) -> list[Conflict]:
    """The same publisher, indicator and days with two values that are not the ends of one stated range."""
    grouped: dict[tuple[object, ...], list[Published]] = {}
    for figure in material.published:
        if not figure.role.startswith("range_"):
            grouped.setdefault((*_key(figure), figure.unit), []).append(figure)
    groups = [g for g in grouped.values() if len({p.value for p in g}) > 1]
    return [_two_values_of(material, group) for group in groups]


def _two_values_of(material: Material, group: list[Published]) -> Conflict:
    who, when = words.or_not_stated(group[0].publisher), window(group[0])
    clause = f"{who} gives {words.listing([_number(p) for p in group])} for {when}"
    refs = (material.ref(p.address) for p in group)
    return Conflict(clause, (f"{who}, {counted(group[0])}: {listing_of(group)}. ", *refs))
