"""A series with the level expected without a block, its interval, the blocks and the end of the base."""

from __future__ import annotations

from typing import Any

import altair as alt

from analyzer.brief.model import Curve, Figure
from analyzer.outputs._lanes import lane_row, lanes
from analyzer.outputs._layout import SMALL, Frame
from analyzer.outputs._vega import BLOCK, INK, OURS, THEIRS, Row, at, iso, panel, time_axis, values

_WIDTH, _HEIGHT = 620, 270
_KEYS: tuple[tuple[str, int, Row], ...] = (
    ("observed", 0, {"color": THEIRS, "strokeWidth": 2.4}),
    ("expected level", 112, {"color": OURS, "strokeWidth": 2.4, "strokeDash": [6, 4]}),
    ("its 95 % interval", 250, {"color": OURS, "strokeWidth": 12, "opacity": 0.22}),
    ("block on record", 412, {"color": BLOCK, "strokeWidth": 12, "opacity": 0.3}),
)


def series(figure: Figure) -> list[Row]:
    """Key, curve, and the blocks as rows below it."""
    frame = Frame(figure.start, figure.end, _WIDTH)
    below = [lanes(frame, figure.lanes)] if figure.lanes else []
    if figure.curve is None:
        return below
    marks = (*_shading(figure, frame), *_lines(figure, frame, figure.curve), *_base(frame, figure.curve))
    return [_key(), panel(*marks, width=_WIDTH, height=_HEIGHT), *below]


def _lines(figure: Figure, frame: Frame, curve: Curve) -> list[Any]:
    rows = [
        {"t": iso(t), "observed": o, "expected": e, "low": lo, "high": hi}
        for t, o, e, lo, hi in zip(curve.t, curve.observed, curve.expected, curve.low, curve.high, strict=True)
    ]
    scale = alt.Scale(type="log" if curve.is_log else "linear", zero=not curve.is_log)
    title = f"{curve.unit} ({'log' if curve.is_log else 'linear'} scale)".capitalize()
    axis = alt.Axis(title=title, format=",~f", tickCount=5, titleLimit=_HEIGHT)
    x, base = time_axis(frame, labels=not figure.lanes), alt.Chart(values(rows))

    def y(name: str) -> Any:
        return alt.Y(f"{name}:Q", scale=scale, axis=axis)

    banded = base.transform_filter("isValid(datum.low) && isValid(datum.high)")
    expected = base.transform_filter("isValid(datum.expected)")
    dashed: Row = {"color": OURS, "strokeDash": [6, 4], "strokeWidth": 2.2}
    return [
        banded.mark_area(color=OURS, opacity=0.22).encode(x=x, y=y("low"), y2="high:Q"),
        expected.mark_line(**dashed).encode(x=x, y=y("expected")),
        base.mark_line(color=THEIRS, strokeWidth=2.2).encode(x=x, y=y("observed")),
    ]


def _shading(figure: Figure, frame: Frame) -> list[Any]:
    """Only blocks whose end is known are shaded: grey to the edge would claim that the others went on."""
    rows = [lane_row(frame, lane, 0) for lane in figure.lanes if lane.is_block and lane.end_is_known]
    if not rows:
        return []
    shade = alt.Chart(values(rows)).mark_rect(color=BLOCK, opacity=0.14)
    return [shade.encode(x=time_axis(frame, labels=False), x2="end:T", y=alt.value(0), y2=alt.value(_HEIGHT))]


def _base(frame: Frame, curve: Curve) -> list[Any]:
    place = frame.x_of(curve.base_end)
    base = alt.Chart(values([{"t": iso(frame.t_of(place)), "label": "base ends"}]))
    side: Row = {"align": "right", "dx": -5} if place > 80 else {"align": "left", "dx": 5}
    text = base.mark_text(baseline="top", fontSize=SMALL, **side)
    return [
        base.mark_rule(color=INK, strokeDash=[2, 3]).encode(x=at("t", frame)),
        text.encode(x=at("t", frame), y=alt.value(2), text="label:N"),
    ]


def _key() -> Row:
    """Drawn by hand: each key shows the mark itself, and no colour has to be matched from memory."""
    rows = [{"key": key, "x": x, "x2": x + 24, "tx": x + 30} for key, x, _ in _KEYS]
    base = alt.Chart(values(rows))
    scale = alt.Scale(domain=[0, _WIDTH], range=[0, _WIDTH])
    x, y = alt.X("x:Q", scale=scale, axis=None), alt.value(10)
    keys = [
        base.transform_filter(f"datum.key === '{key}'").mark_rule(**style).encode(x=x, x2="x2:Q", y=y)
        for key, _, style in _KEYS
    ]
    text = base.mark_text(align="left", baseline="middle", fontSize=SMALL)
    words = text.encode(x=alt.X("tx:Q", scale=scale, axis=None), y=y, text="key:N")
    return panel(*keys, words, width=_WIDTH, height=20)
