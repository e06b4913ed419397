"""Restrictions as bars in rows of their own, so that overlapping ones are all seen and labelled."""

from __future__ import annotations

from typing import Any

import altair as alt

from analyzer.brief.model import Lane
from analyzer.outputs._layout import SMALL, Frame, cut, text_width
from analyzer.outputs._vega import BLOCK, INK, PAPER, Row, at, halo, iso, panel, pixels, time_axis, values

_LANE = 20
_LEAST = 3  # px: seven hours in a quarter of a year would be less than one
_GAP = 7


def lanes(frame: Frame, found: tuple[Lane, ...]) -> Row:
    """Bar: from onset to end. Dashes: no end is known. Arrow: goes on beyond the picture. Diamond: no restriction."""
    rows = [lane_row(frame, lane, i) for i, lane in enumerate(found)]
    height = _LANE * len(rows) + 6
    base = alt.Chart(values(rows))
    x, y = time_axis(frame, labels=True), pixels("y", height)

    def only(test: str) -> Any:
        return base.transform_filter(f"datum.{test}")

    diamond: Row = {"shape": "diamond", "size": 70, "color": INK, "fill": PAPER, "strokeWidth": 1.6}
    mark = only("mark").mark_text(align="left", baseline="middle", color=BLOCK, dx=3)
    return panel(
        only("dashes")
        .mark_rule(strokeWidth=2, strokeDash=[3, 3], color=BLOCK)
        .encode(x=at("dash", frame), x2="edge:T", y=y),
        only("bar").mark_rule(strokeWidth=10, color=BLOCK).encode(x=x, x2="end:T", y=y),
        only("event").mark_point(**diamond).encode(x=x, y=y),
        mark.encode(x=at("edge", frame), y=y, text="mark:N"),
        *(_labels(only(f"side === '{side}'"), frame, y, side) for side in ("left", "right")),
        width=frame.width,
        height=height,
    )


def _labels(chosen: Any, frame: Frame, y: Any, side: str) -> list[Any]:
    align = "right" if side == "left" else "left"
    return [text.encode(x=at("at", frame), y=y, text="label:N") for text in halo(chosen, align=align)]


def lane_row(frame: Frame, lane: Lane, i: int) -> Row:
    """One lane in pixels and instants."""
    dashes = lane.is_block and not lane.end_is_known and not lane.is_timed
    goes_on = lane.is_block and lane.end_is_known and lane.end > frame.end
    start = frame.x_of(lane.start)
    end = max(frame.x_of(lane.end if lane.end_is_known else lane.start), start + _LEAST)
    label, place, side = _place(frame, lane.label, start, end)
    # Dashes begin behind a label that stands over them, so as not to strike it out.
    dash = place + text_width(label, SMALL) if side == "right" else end
    return {
        "t": iso(frame.t_of(start)),
        "dash": iso(frame.t_of(min(dash, frame.width))),
        "end": iso(frame.t_of(end)),
        "edge": iso(frame.end),
        "at": iso(frame.t_of(place)),
        "side": side,
        "label": label,
        "y": i * _LANE + 12,
        "bar": lane.is_block,
        "event": not lane.is_block,
        "dashes": dashes,
        "mark": "▶" if goes_on else "?" if dashes else "",
    }


def _place(frame: Frame, label: str, start: float, end: float) -> tuple[str, float, str]:
    """Beside the bar: on its right if there is room, else on its left, else over it."""
    wide = text_width(label, SMALL)
    reaches_edge = end >= frame.width - 1  # the arrow stands there
    if not reaches_edge and end + _GAP + wide <= frame.width + frame.margin:
        return label, end + _GAP, "right"
    if start - _GAP - wide >= 0:
        return label, start - _GAP, "left"
    if start > frame.width + frame.margin - end:
        return cut(label, start - _GAP, SMALL), start - _GAP, "left"
    place = (start if reaches_edge else end) + _GAP
    return cut(label, frame.width + frame.margin - place, SMALL), place, "right"
