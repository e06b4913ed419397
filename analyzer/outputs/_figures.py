"""Pictures of a brief as SVG, drawn by Vega from its figure records.

Altair and vl-convert are imported when a picture is drawn, not before: they take most of a second.
Every picture carries its title, units, source and licence, because screenshots travel alone.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any

from analyzer.brief.model import Curve, Figure, Lane, Mark
from analyzer.outputs._layout import (
    FONT,
    WIDTH,
    fit,
    log_domain,
    log_ticks,
    spread,
    t_of,
    text_width,
    wrap,
    x_of,
)

# Okabe and Ito's palette: told apart with any common colour vision; style.css turns each into its dark twin.
INK, MUTED, GRID, PAPER = "#1b1b1b", "#595959", "#dcdcdc", "#ffffff"
THEIRS, OURS, BLOCK = "#0072b2", "#c25400", "#6e6e6e"
_TYPEFACE = "Arial, Helvetica, Liberation Sans, sans-serif"
_LANE = 36
_ROW = 52
_TOP = 230
Row = dict[str, Any]


def svg(figure: Figure) -> str:
    """The picture; ids inside it begin with the figure's own, so that several fit into one document."""
    import altair as alt
    import vl_convert

    panels = {"series": _series, "published": _published, "comparison": _comparison}[figure.kind](figure)
    chart = alt.vconcat(*panels, _footer(figure), spacing=6).properties(title=_title(figure), background=PAPER)
    version = "v" + "_".join(alt.SCHEMA_VERSION.lstrip("v").split(".")[:2])
    drawn = vl_convert.vegalite_to_svg(_styled(chart).to_dict(), vl_version=version)
    return _own_ids(str(drawn), figure.ident)


def _own_ids(drawn: str, ident: str) -> str:
    inner = re.sub(r'id="([^"]+)"', rf'id="{ident}-\1"', drawn)
    return re.sub(r"url\(#([^)]+)\)", rf"url(#{ident}-\1)", inner)


def _styled(chart: Any) -> Any:
    return (
        chart.configure(font=_TYPEFACE, aria=False, padding=8)
        .configure_view(stroke=None)
        .configure_axis(
            labelFontSize=FONT,
            titleFontSize=FONT,
            labelColor=INK,
            titleColor=INK,
            gridColor=GRID,
            tickColor=MUTED,
            domainColor=MUTED,
            titleFontWeight="normal",
        )
        .configure_title(fontSize=18, subtitleFontSize=FONT, color=INK, subtitleColor=MUTED, anchor="start", offset=12)
        .configure_text(fontSize=FONT, color=INK)
    )


def _title(figure: Figure) -> Any:
    import altair as alt

    return alt.TitleParams(
        text=wrap(figure.title, 18),
        subtitle=wrap(figure.subtitle),
        frame="bounds",
        subtitleLineHeight=17,
        lineHeight=22,
    )


def _values(rows: list[Row]) -> Any:
    import altair as alt

    return alt.InlineData(values=rows or [{}])


def _iso(t: datetime) -> str:
    return t.isoformat(timespec="seconds") + "Z"


def _text_panel(lines: list[str], color: str) -> Any:
    import altair as alt

    rows = [{"line": line, "i": i} for i, line in enumerate(lines)]
    scale = alt.Scale(domain=[0, len(lines)], range=[0, 16 * len(lines)])
    return (
        alt.Chart(_values(rows), width=WIDTH, height=16 * len(lines))
        .mark_text(align="left", baseline="top", color=color, fontSize=12)
        .encode(x=alt.value(0), y=alt.Y("i:Q", scale=scale, axis=None), text="line:N")
    )


def _footer(figure: Figure) -> Any:
    return _text_panel(wrap(figure.footer, 12, WIDTH), MUTED)


def _time_axis(figure: Figure, *, labels: bool) -> Any:
    import altair as alt

    title = "Date (UTC)" if labels else None
    near = figure.end - figure.start < timedelta(days=4)
    style = "%-d %b %H:%M" if near else "%-d %b %Y"
    axis = alt.Axis(format=style, tickCount=5, title=title, labels=labels, ticks=labels, domain=labels, labelFlush=True)
    scale = alt.Scale(type="utc", domain=[_iso(figure.start), _iso(figure.end)], nice=False)
    return alt.X("t:T", scale=scale, axis=axis)


# --- the restrictions as bars in rows of their own --------------------------------------------------------------


def _lane_row(figure: Figure, lane: Lane, i: int) -> Row:
    start, end = x_of(lane.start, figure.start, figure.end), x_of(lane.end, figure.start, figure.end)
    at, shown = fit(lane.label, start)
    return {
        "t": _iso(t_of(start, figure.start, figure.end)),
        "end": _iso(t_of(min(WIDTH, max(end, start + 3)), figure.start, figure.end)),  # 3 px: seven hours stay visible
        "at": _iso(t_of(at, figure.start, figure.end)),
        "edge": _iso(figure.end),
        "label": shown,
        "y": i * _LANE + 28,
        "text_y": i * _LANE + 19,
        "kind": "open" if lane.open_ended else "block" if lane.is_block else "event",
    }


def _lanes(figure: Figure) -> Any:
    import altair as alt

    rows = [_lane_row(figure, lane, i) for i, lane in enumerate(figure.lanes)]
    height = _LANE * len(rows) + 6
    base = alt.Chart(_values(rows), width=WIDTH, height=height)
    x, y = _time_axis(figure, labels=True), _pixels("y", height)
    is_block = "datum.kind !== 'event'"
    bars = base.transform_filter(is_block).mark_rule(strokeWidth=10, color=BLOCK).encode(x=x, x2="end:T", y=y)
    events = base.transform_filter("datum.kind === 'event'").mark_point(
        shape="diamond", size=70, color=INK, fill=PAPER, strokeWidth=1.6
    )
    arrows = base.transform_filter("datum.kind === 'open'").mark_text(text="▶", color=BLOCK, fontSize=14, dx=5)
    texts = base.mark_text(align="left", baseline="bottom", fontSize=12)
    return alt.layer(
        bars,
        events.encode(x=x, y=y),
        arrows.encode(x=_at("edge", figure), y=y),
        texts.encode(x=_at("at", figure), y=_pixels("text_y", height), text="label:N"),
    )


def _pixels(name: str, height: float) -> Any:
    import altair as alt

    return alt.Y(f"{name}:Q", scale=alt.Scale(domain=[0, height], range=[0, height]), axis=None)


def _at(name: str, figure: Figure) -> Any:
    import altair as alt

    scale = alt.Scale(type="utc", domain=[_iso(figure.start), _iso(figure.end)], nice=False)
    return alt.X(f"{name}:T", scale=scale)


# --- the published figures in time ------------------------------------------------------------------------------


def _published(figure: Figure) -> list[Any]:
    panels = [_marks_in_time(figure)] if figure.marks else []
    return [*panels, _lanes(figure)]


def _marks_in_time(figure: Figure) -> Any:
    import altair as alt

    low, high = log_domain([v for m in figure.marks for v in (m.multiple, m.low or m.multiple, m.high or m.multiple)])
    height = max(_TOP, 20 * len(figure.marks) + 30)
    rows = _dodged(figure, low, high, height)
    y_axis = alt.Axis(values=log_ticks(low, high), labelExpr="'x' + format(datum.value, ',~g')", titleLimit=height)
    scale = alt.Scale(type="log", domain=[low, high], nice=False)
    y = alt.Y("v:Q", scale=scale, axis=y_axis, title="Times the publisher's base (log)")
    base = alt.Chart(_values(rows), width=WIDTH, height=height)
    leader = base.mark_rule(color=MUTED, strokeWidth=0.8).encode(
        x=_time_axis(figure, labels=False), x2="lx:T", y=y, y2="lv:Q"
    )
    spans = base.mark_rule(color=THEIRS, strokeWidth=2.5).encode(x=_at("from", figure), x2="to:T", y=y)
    ranges = base.mark_rule(color=THEIRS, strokeWidth=2.5).encode(x=_at("t", figure), y=alt.Y("low:Q", scale=scale))
    points = base.mark_point(filled=True, size=60, color=THEIRS, opacity=1).encode(x=_at("t", figure), y=y)
    texts = [
        base.transform_filter(f"datum.side === '{side}'")
        .mark_text(align=align, baseline="middle", dx=dx, fontSize=12)
        .encode(x=_at("lx", figure), y=alt.Y("lv:Q", scale=scale), text="label:N")
        for side, align, dx in (("left", "right", -3), ("right", "left", 3))
    ]
    return alt.layer(leader, spans, ranges.encode(y2="high:Q"), points, *texts)


def _dodged(figure: Figure, low: float, high: float, height: float) -> list[Row]:
    """Points with their labels in columns beside each cluster, so that a crowded week stays readable."""
    from math import log

    def to_y(v: float) -> float:
        return height * (1 - log(v / low) / log(high / low))

    def to_v(y: float) -> float:
        return low * (high / low) ** (1 - y / height)

    rows: list[Row] = []
    for cluster in _clusters(figure):
        xs = [_middle(figure, m) for m in cluster]
        left = min(xs) > WIDTH * 0.45
        edge = min(_from(figure, m) for m in cluster) - 26 if left else max(_to(figure, m) for m in cluster) + 26
        ys = spread([to_y(m.multiple) for m in cluster], 17, 8, height - 8)
        for m, x, y in zip(cluster, xs, ys, strict=True):
            rows.append(_mark_row(figure, m, x, edge, to_v(y), "left" if left else "right"))
    return rows


def _mark_row(figure: Figure, m: Mark, x: float, edge: float, label_v: float, side: str) -> Row:
    def iso(px: float) -> str:
        return _iso(t_of(px, figure.start, figure.end))

    room = edge if side == "left" else WIDTH - edge
    most = max(8, int(room / text_width("n", 12)))
    label = m.short if len(m.short) <= most else m.short[: most - 1] + "…"
    return {
        "t": iso(x),
        "from": iso(_from(figure, m)),
        "to": iso(_to(figure, m)),
        "v": m.multiple,
        "lx": iso(edge),
        "lv": label_v,
        "label": label,
        "side": side,
        "low": m.low or m.multiple,
        "high": m.high or m.multiple,
    }


def _from(figure: Figure, m: Mark) -> float:
    return x_of(m.start or figure.start, figure.start, figure.end)


def _to(figure: Figure, m: Mark) -> float:
    return x_of(m.end or figure.end, figure.start, figure.end)


def _middle(figure: Figure, m: Mark) -> float:
    return (_from(figure, m) + _to(figure, m)) / 2


def _clusters(figure: Figure) -> list[list[Mark]]:
    found: list[list[Mark]] = []
    for m in sorted(figure.marks, key=lambda m: _middle(figure, m)):
        if found and _middle(figure, m) - _middle(figure, found[-1][-1]) < 150:
            found[-1].append(m)
        else:
            found.append([m])
    return found


# --- published figures and ours on one scale --------------------------------------------------------------------


def _comparison(figure: Figure) -> list[Any]:
    import altair as alt

    rows = [_comparison_row(m, i) for i, m in enumerate(figure.marks)]
    low, high = log_domain([v for row in rows for v in (row["low"], row["high"])])
    height = _ROW * len(rows)
    axis = alt.Axis(
        values=log_ticks(low, high),
        labelExpr="'x' + format(datum.value, ',~g')",
        orient="bottom",
        title="Times the base of each figure (log scale); x1 is the base",
    )
    scale = alt.Scale(type="log", domain=[low, high], nice=False)
    x, y = alt.X("v:Q", scale=scale, axis=axis), _pixels("y", height)
    base = alt.Chart(_values(rows), width=WIDTH, height=height)
    layers = [
        alt.Chart(_values([{"one": 1}])).mark_rule(color=MUTED, strokeDash=[4, 3]).encode(alt.X("one:Q", scale=scale)),
        base.mark_rule(strokeWidth=3).encode(x=alt.X("low:Q", scale=scale), x2="high:Q", y=y, color=_who()),
        base.mark_point(filled=True, size=90, opacity=1).encode(x=x, y=y, color=_who(), shape=_shape()),
        *_comparison_texts(base, scale, height, (low * high) ** 0.5),
    ]
    return [alt.layer(*layers)]


def _comparison_row(m: Mark, i: int) -> Row:
    label = fit(f"{m.label}; {m.value_text}", 0)[1]
    return {
        "v": m.multiple,
        "low": m.low or m.multiple,
        "high": m.high or m.multiple,
        "y": _ROW * i + 42,
        "text_y": _ROW * i + 16,
        "base_y": _ROW * i + 31,
        "label": label,
        "who": "ours" if m.is_ours else "theirs",
        "base": fit(f"base: {m.base}", 0, 12)[1],
    }


def _who() -> Any:
    import altair as alt

    return alt.Color("who:N", scale=alt.Scale(domain=["theirs", "ours"], range=[THEIRS, OURS]), legend=None)


def _shape() -> Any:
    import altair as alt

    return alt.Shape("who:N", scale=alt.Scale(domain=["theirs", "ours"], range=["circle", "diamond"]), legend=None)


def _comparison_texts(base: Any, scale: Any, height: float, _middle: float) -> list[Any]:
    import altair as alt

    label = base.mark_text(align="left", baseline="bottom", fontWeight="bold")
    below = base.mark_text(align="left", baseline="bottom", color=MUTED, fontSize=12)
    return [
        label.encode(x=alt.value(0), y=_pixels("text_y", height), text="label:N"),
        below.encode(x=alt.value(0), y=_pixels("base_y", height), text="base:N"),
    ]


# --- a series with its no-block level ---------------------------------------------------------------------------


def _series(figure: Figure) -> list[Any]:
    import altair as alt

    if figure.curve is None:
        return [_lanes(figure)]
    layers = alt.layer(*_shading(figure), *_lines(figure, figure.curve), *_base_mark(figure, figure.curve))
    panel = layers.properties(width=WIDTH, height=_TOP + 40).resolve_scale(x="shared")
    below = [_lanes(figure)] if figure.lanes else []
    return [_legend(), panel, *below]


def _lines(figure: Figure, curve: Curve) -> list[Any]:
    import altair as alt

    names = ("observed", "expected", "low", "high")
    columns = (curve.observed, curve.expected, curve.low, curve.high)
    rows = [{"t": _iso(t), **dict(zip(names, v, strict=True))} for t, *v in zip(curve.t, *columns, strict=True)]
    scale = alt.Scale(type="log" if curve.is_log else "linear", zero=not curve.is_log)
    title = f"{curve.unit} ({'log' if curve.is_log else 'linear'} scale)".capitalize()
    x = _time_axis(figure, labels=not figure.lanes)
    axis = alt.Axis(title=title, format=",~g" if curve.is_log else ",", tickCount=5)
    base = alt.Chart(_values(rows))
    within = base.transform_filter("isValid(datum.low) && isValid(datum.high)")
    return [
        within.mark_area(color=OURS, opacity=0.22).encode(x=x, y=alt.Y("low:Q", scale=scale, axis=axis), y2="high:Q"),
        base.transform_filter("isValid(datum.expected)")
        .mark_line(color=OURS, strokeDash=[6, 4], strokeWidth=2.2)
        .encode(x=x, y=alt.Y("expected:Q", scale=scale, axis=axis)),
        base.mark_line(color=THEIRS, strokeWidth=2.2).encode(x=x, y=alt.Y("observed:Q", scale=scale, axis=axis)),
    ]


def _shading(figure: Figure) -> list[Any]:
    import altair as alt

    rows = [_lane_row(figure, lane, 0) for lane in figure.lanes if lane.is_block]
    if not rows:
        return []
    shade = alt.Chart(_values(rows)).mark_rect(color=BLOCK, opacity=0.14)
    return [shade.encode(x=_time_axis(figure, labels=False), x2="end:T", y=alt.value(0), y2=alt.value(_TOP + 40))]


def _base_mark(figure: Figure, curve: Curve) -> list[Any]:
    import altair as alt

    at = x_of(curve.base_end, figure.start, figure.end)
    rows = [{"t": _iso(t_of(at, figure.start, figure.end)), "label": "base ends"}]
    base = alt.Chart(_values(rows))
    left = at > 80
    text = base.mark_text(align="right" if left else "left", baseline="top", dx=-5 if left else 5, fontSize=12)
    x = _at("t", figure)
    return [
        base.mark_rule(color=INK, strokeDash=[2, 3]).encode(x=x),
        text.encode(x=x, y=alt.value(2), text="label:N"),
    ]


_KEYS = (("observed", 0), ("expected without a block", 120), ("its 95 % interval", 325), ("block on record", 490))


def _legend() -> Any:
    """Drawn by hand: each key shows the mark itself, and no colour has to be matched from memory."""
    import altair as alt

    rows = [{"key": key, "x": x, "x2": x + 24, "tx": x + 30} for key, x in _KEYS]
    base = alt.Chart(_values(rows), width=WIDTH, height=20)
    scale = alt.Scale(domain=[0, WIDTH], range=[0, WIDTH])
    x, y = alt.X("x:Q", scale=scale, axis=None), alt.value(10)
    styles = (
        {"color": THEIRS, "strokeWidth": 2.4},
        {"color": OURS, "strokeWidth": 2.4, "strokeDash": [6, 4]},
        {"color": OURS, "strokeWidth": 12, "opacity": 0.22},
        {"color": BLOCK, "strokeWidth": 12, "opacity": 0.3},
    )
    keys = [
        base.transform_filter(f"datum.key === '{key}'").mark_rule(**style).encode(x=x, x2="x2:Q", y=y)
        for (key, _), style in zip(_KEYS, styles, strict=True)
    ]
    text = base.mark_text(align="left", baseline="middle", fontSize=12)
    return alt.layer(*keys, text.encode(x=alt.X("tx:Q", scale=scale, axis=None), y=y, text="key:N"))
