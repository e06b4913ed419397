"""Publishers' figures: in time above the blocks, and side by side with ours. Always one axis, always marked as log."""

from __future__ import annotations

from typing import Any

import altair as alt

from analyzer.brief.model import Figure, Mark
from analyzer.outputs._lanes import lanes
from analyzer.outputs._layout import (
    PICTURE,
    SMALL,
    Frame,
    cut,
    log_domain,
    log_ticks,
    log_value,
    log_y,
    spread,
    wrap,
)
from analyzer.outputs._vega import GRID, MUTED, OURS, THEIRS, Row, at, halo, iso, panel, pixels, time_axis, values

_WIDTH, _MARGIN, _HEIGHT = 455, 190, 180  # the margin takes the labels of a crowded last week
_LINE = 17
_TEXT, _ROW = 335, 52  # of the comparison: width of the words, height of a row
_FORMAT = "'x' + format(datum.value, ',~f')"


def published(figure: Figure) -> list[Row]:
    """The figures in time, where there are any, above the blocks."""
    frame = Frame(figure.start, figure.end, _WIDTH, _MARGIN)
    return [*([_in_time(figure, frame)] if figure.marks else []), lanes(frame, figure.lanes)]


def _in_time(figure: Figure, frame: Frame) -> Row:
    low, high = log_domain([v for m in figure.marks for v in (m.multiple, m.low or m.multiple, m.high or m.multiple)])
    height = max(_HEIGHT, *(_LINE * len(cluster) + 20 for cluster in _clusters(figure, frame)))
    rows = _labelled(figure, frame, low, high, height)
    scale = alt.Scale(type="log", domain=[low, high], nice=False)
    axis = alt.Axis(values=log_ticks(low, high), labelExpr=_FORMAT, titleLimit=height)
    y = alt.Y("v:Q", scale=scale, axis=axis, title="Times publisher's base (log)")
    base = alt.Chart(values(rows))
    thin: Row = {"color": MUTED, "strokeWidth": 0.8}
    thick: Row = {"color": THEIRS, "strokeWidth": 2.5}
    x, low_y = at("t", frame), alt.Y("low:Q", scale=scale)
    grid = time_axis(frame, labels=False)
    return panel(
        base.mark_rule(**thin).encode(x=grid, x2="lx:T", y=y, y2="lv:Q"),
        base.mark_rule(**thick).encode(x=at("from", frame), x2="to:T", y=y),
        base.mark_rule(**thick).encode(x=x, y=low_y, y2="high:Q"),
        base.mark_point(filled=True, size=60, color=THEIRS, opacity=1).encode(x=x, y=y),
        *(_labels(base, frame, scale, side) for side in ("left", "right")),
        width=frame.width,
        height=height,
    )


def _labels(base: Any, frame: Frame, scale: Any, side: str) -> list[Any]:
    align, dx = ("right", -3) if side == "left" else ("left", 3)
    chosen = base.transform_filter(f"datum.side === '{side}'")
    x, y = at("lx", frame), alt.Y("lv:Q", scale=scale)
    return [text.encode(x=x, y=y, text="label:N") for text in halo(chosen, align=align, dx=dx)]


def _labelled(figure: Figure, frame: Frame, low: float, high: float, height: float) -> list[Row]:
    """Points with their labels in columns beside each cluster, so that a crowded week stays readable."""
    clusters = _clusters(figure, frame)
    edges = [(_middle(frame, c[0]), _middle(frame, c[-1])) for c in clusters]
    rows: list[Row] = []
    for i, cluster in enumerate(clusters):
        left_room = edges[i][0] - (edges[i - 1][1] if i else 0.0)
        right_room = (edges[i + 1][0] if i + 1 < len(clusters) else frame.width + frame.margin) - edges[i][1]
        is_right = right_room >= min(150.0, left_room)
        gap = 22 if len(cluster) > 1 else 4
        edge = edges[i][1] + gap if is_right else edges[i][0] - gap
        ys = spread([log_y(m.multiple, low, high, height) - (0 if len(cluster) > 1 else 10) for m in cluster], _LINE,
                    8, height - 8)  # fmt: skip
        room = max(60.0, (right_room if is_right else left_room) - gap - 6)
        for m, y in zip(cluster, ys, strict=True):
            row = {
                "lx": iso(frame.t_of(edge)),
                "lv": log_value(y, low, high, height),
                "label": cut(m.short, room, SMALL),
            }
            rows.append({**row, **_point(frame, m), "side": "right" if is_right else "left"})
    return rows


def _point(frame: Frame, m: Mark) -> Row:
    return {
        "t": iso(frame.t_of(_middle(frame, m))),
        "from": iso(frame.t_of(frame.x_of(m.start or frame.start))),
        "to": iso(frame.t_of(frame.x_of(m.end or frame.end))),
        "v": m.multiple,
        "low": m.low or m.multiple,
        "high": m.high or m.multiple,
    }


def _middle(frame: Frame, m: Mark) -> float:
    return (frame.x_of(m.start or frame.start) + frame.x_of(m.end or frame.end)) / 2


def _clusters(figure: Figure, frame: Frame) -> list[list[Mark]]:
    found: list[list[Mark]] = []
    for m in sorted(figure.marks, key=lambda m: _middle(frame, m)):
        if found and _middle(frame, m) - _middle(frame, found[-1][-1]) < 60:
            found[-1].append(m)
        else:
            found.append([m])
    return found


def comparison(figure: Figure) -> list[Row]:
    """One row per figure: in words on the left, as a point on the common scale on the right."""
    rows = _rows(figure.marks)
    low, high = log_domain([v for row in rows for v in (row["low"], row["high"])])
    height = rows[-1]["bottom"]
    axis = alt.Axis(
        values=log_ticks(low, high),
        labelExpr=_FORMAT,
        orient="bottom",
        title="Times each figure's own base (log scale)",
    )
    scale = alt.Scale(type="log", domain=[low, high], range=[_TEXT + 10, PICTURE - 30], nice=False)
    x, y = alt.X("v:Q", scale=scale, axis=axis), pixels("y", height)
    base = alt.Chart(values(rows))
    one = alt.Chart(values([{"one": 1}])).mark_rule(color=MUTED, strokeDash=[4, 3])
    middle = (low * high) ** 0.5
    return [
        panel(
            base.mark_rule(color=GRID).encode(x=alt.value(0), x2=alt.value(PICTURE - 30), y=pixels("line", height)),
            one.encode(x=alt.X("one:Q", scale=scale)),
            base.mark_rule(strokeWidth=3).encode(x=alt.X("low:Q", scale=scale), x2="high:Q", y=y, color=_color()),
            base.mark_point(filled=True, size=90, opacity=1).encode(x=x, y=y, color=_color(), shape=_shape()),
            *_words(base, height),
            _value(base.transform_filter(f"datum.v < {middle}"), scale, y, "left"),
            _value(base.transform_filter(f"datum.v >= {middle}"), scale, y, "right"),
            width=PICTURE - 20,
            height=height,
        )
    ]


def _rows(marks: tuple[Mark, ...]) -> list[Row]:
    rows: list[Row] = []
    for m in marks:
        rows.append(_row(m, rows[-1]["bottom"] if rows else 0))
    return rows


def _row(m: Mark, top: int) -> Row:
    under = wrap(f"{m.when}; base: {m.base}", SMALL, _TEXT)
    second = cut(" ".join(under[1:]), _TEXT, SMALL)
    return {
        "v": m.multiple, "low": m.low or m.multiple, "high": m.high or m.multiple, "line": top, "y": top + 20,
        "y0": top + 18, "y1": top + 33, "y2": top + 47, "bottom": top + (_ROW if second else _ROW - 13),
        "t0": cut(m.label, _TEXT, bold=True), "t1": under[0], "t2": second,
        "value": m.value_text, "who": "ours" if m.is_ours else "theirs",
    }  # fmt: skip


def _value(base: Any, scale: Any, y: Any, side: str) -> list[Any]:
    """The number beside its point, on the side with more room; paper behind it keeps grid lines off."""
    align, dx, end = ("left", 10, "high") if side == "left" else ("right", -10, "low")
    x = alt.X(f"{end}:Q", scale=scale)
    return [text.encode(x=x, y=y, text="value:N") for text in halo(base, align=align, dx=dx)]


def _words(base: Any, height: float) -> list[Any]:
    first = base.mark_text(align="left", baseline="bottom", fontWeight="bold")
    other = base.mark_text(align="left", baseline="bottom", color=MUTED, fontSize=SMALL)
    return [
        first.encode(x=alt.value(0), y=pixels("y0", height), text="t0:N"),
        other.encode(x=alt.value(0), y=pixels("y1", height), text="t1:N"),
        other.encode(x=alt.value(0), y=pixels("y2", height), text="t2:N"),
    ]


def _color() -> Any:
    return alt.Color("who:N", scale=alt.Scale(domain=["theirs", "ours"], range=[THEIRS, OURS]), legend=None)


def _shape() -> Any:
    return alt.Shape("who:N", scale=alt.Scale(domain=["theirs", "ours"], range=["circle", "diamond"]), legend=None)
