"""What the pictures show, in words and numbers; drawing them is left to the renderings."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from analyzer import places
from analyzer.brief import published, words
from analyzer.brief.estimates import against, place_in_time, ratio_text
from analyzer.brief.indicators import meaning
from analyzer.brief.material import Material, main_series, period, provisional, source_of
from analyzer.brief.model import Curve, Figure, Lane
from analyzer.brief.timeline import lanes
from analyzer.records import Estimate, SeriesView, Snapshot, Study

_LOG_FROM = 50.0  # a positive series whose largest value is this many times its smallest is drawn on a log scale
_MOST_LANES = 16  # more rows than this fill a page; the table has them all
_MOST_MARKS = 20


def hero(material: Material) -> Figure | None:
    """The series with its no-block level where there is one, else the blocks with the published figures."""
    found = main_series(material)
    if found:
        return _series_figure(material, *found)
    return _published_figure(material) if material.events else None


def _country(material: Material) -> str:
    return places.country_name(material.dossier.cc)


def _inside(found: tuple[Lane, ...], start: datetime, end: datetime) -> tuple[Lane, ...]:
    return tuple(lane for lane in found if lane.start < end and lane.end > start)[:_MOST_LANES]


def _series_figure(material: Material, study: Study, view: SeriesView, row: Estimate | None) -> Figure:
    name = meaning(view.indicator, view.entity)
    step = (view.t[-1] - view.t[0]) / (len(view.t) - 1) if len(view.t) > 1 else timedelta(days=1)
    start, end = view.t[0], view.t[-1] + step
    result = f" {_alt_result(row)}" if row else ""
    late = "".join(f" {text}" for s in study.snapshots if (text := provisional(s, view.t[-1].date())))
    low = f"Base ends {words.instant(view.base_end)} UTC."
    return Figure(
        ident="hero",
        kind="series",
        title=f"{_country(material)}: {name.name}, {words.days(start.date(), view.t[-1].date())}",
        subtitle=f"{_unit(view, name.caution)}. Dates are UTC. Band: 95 % interval of {against(row)}. {low}{late}",
        footer=_footer(study.snapshots or material.snapshots, material),
        alt=f"Line chart of {name.name} {place_in_time(study)}, {_extremes(view)}.{result} {low}",
        caption=f"The observed series, {against(row)}, and the blocks on record.",
        start=start,
        end=end,
        lanes=_inside(lanes(material), start, end),
        curve=_curve(view),
    )


def _unit(view: SeriesView, caution: str) -> str:
    unit = words.clean(view.unit).replace("_", " ") or "unit not stated"
    whole = caution if caution.startswith(unit) else f"{unit}; {caution}"
    return whole[0].upper() + whole[1:]


def _alt_result(row: Estimate) -> str:
    return f"Over {words.horizon(row.horizon)}: {ratio_text(row)} the expected level."


def _extremes(view: SeriesView) -> str:
    seen = [(value, t) for value, t in zip(view.observed, view.t, strict=True) if value is not None]
    if not seen:
        return "with no observed value"
    (low, low_t), (high, high_t) = min(seen), max(seen)
    return (
        f"from a lowest value of {words.number(low)} on {words.day(low_t.date())} to a highest of {words.number(high)} "
        f"on {words.day(high_t.date())}"
    )


def _curve(view: SeriesView) -> Curve:
    seen = [v for v in (*view.observed, *view.expected, *view.low, *view.high) if v is not None]
    is_log = bool(seen) and min(seen) > 0 and max(seen) / min(seen) > _LOG_FROM
    unit = words.clean(view.unit).replace("_", " ")
    return Curve(view.t, view.observed, view.expected, view.low, view.high, view.base_end, unit, is_log)


def _footer(snapshots: tuple[Snapshot, ...], material: Material) -> str:
    named = [_credit(s) for s in snapshots]
    source = "; ".join(dict.fromkeys(named)) or "source not stated"
    return f"Source: {source}. {_made(material)}"


def _made(material: Material) -> str:
    return f"Made {words.day(material.dossier.made_at.date())} with {tool(material)}."


def _credit(snapshot: Snapshot) -> str:
    source = source_of(snapshot)
    who = source.organization if source else words.clean(snapshot.attribution) or words.clean(snapshot.source)
    return f"{words.clean(who)} ({words.or_not_stated(snapshot.licence)})"


def tool(material: Material) -> str:
    """Name and version of the tool."""
    return f"vpn-uptake {words.clean(material.dossier.tool_version) or '(version not stated)'}"


def _publishers(material: Material) -> str:
    names = [words.shorten(words.or_not_stated(p.publisher), 30) for p in material.published]
    return ", ".join(dict.fromkeys(names)) or "none"


def _published_figure(material: Material) -> Figure:
    start, end = period(material.dossier)
    drawn = published.marks(material.published, material.dossier.cc)
    every = tuple(m for m in drawn if m.start and m.end and m.start < end and m.end > start)
    inside = every[:_MOST_MARKS]
    when = words.days(material.dossier.period_start, material.dossier.period_end)
    shown = _inside(lanes(material), start, end)
    scale = "Above: publishers' figures, times their own bases (log scale). " if inside else ""
    return Figure(
        ident="hero",
        kind="published",
        title=f"{_country(material)}: blocks on record, {when}",
        subtitle=f"{scale}{'Below: r' if inside else 'R'}estrictions as bars, other events as diamonds; dashes: no end "
        "known. Dates are UTC. Nothing here is an estimate of ours.",
        footer=f"Figures: {_publishers(material)}, as published. Blocks: catalogue of vpn-uptake. {_made(material)}",
        alt=f"Timeline of {words.count(len(shown), 'event')}: {'; '.join(lane.label for lane in shown)}. "
        + (
            f"Published figures: {'; '.join(f'{m.label}, {m.when}, {m.value_text}' for m in inside)}." if inside else ""
        ),
        caption="The blocks of the period"
        + (", with the publishers' figures on a log scale." if inside else ".")
        + _left_out(len(every) - len(inside), "figure")
        + _left_out(len(material.events) - len(shown), "event"),
        start=start,
        end=end,
        lanes=shown,
        marks=inside,
    )


def comparison(material: Material) -> Figure | None:
    """Press figures on one log scale, each with its base, next to ours with its interval."""
    every = published.marks(material.published, material.dossier.cc)
    theirs = every[:_MOST_MARKS]
    ours = published.our_marks(material)
    if not theirs:
        return None
    start, end = period(material.dossier)
    beside = "ours with its 95 % interval" if ours else "no estimate of ours: no series was given"
    if not ours and material.estimates:
        beside = "no estimate of ours could be given"
    listed = "; ".join(f"{m.label}, {m.when}: {m.value_text}, base: {m.base}" for m in (*theirs, *ours))
    return Figure(
        ident="comparison",
        kind="comparison",
        title=f"{_country(material)}: published figures for {words.days(*_dates(material))} on one scale",
        subtitle=f"Times the publisher's base, log scale; {beside}. Not the same input, not the same base: the rows "
        "may be read side by side, not averaged or ranked.",
        footer=f"Figures: {_publishers(material)}, as published, quoted with source. {_made(material)}"
        + (f" Ours from: {'; '.join(dict.fromkeys(map(_credit, material.snapshots)))}." if ours else ""),
        alt=f"Dot chart on a log scale. {listed}. The same figures stand as a table in the appendix.",
        caption="A figure of +100 % is x2. Bars are a publisher's stated range, or our 95 % interval."
        + _left_out(len(every) - len(theirs), "figure"),
        start=start,
        end=end,
        marks=(*ours, *theirs),
    )


def _left_out(n: int, noun: str) -> str:
    return f" {words.count(n, 'further ' + noun)} of the tables not drawn." if n > 0 else ""


def _dates(material: Material) -> tuple[date, date]:
    shown = [p for p in material.published if published.as_multiple(p) is not None]
    first, last = min(p.window_start for p in shown), max(p.window_end for p in shown)
    return first, last
