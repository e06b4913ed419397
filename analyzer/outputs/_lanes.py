"""Restrictions as bars in rows of their own, so that overlapping ones are all seen and labelled."""

from __future__ import annotations

from typing import Any

import altair as alt

from analyzer.brief.model import Lane
from analyzer.outputs._layout import SMALL, Frame, fit
from analyzer.outputs._vega import BLOCK, INK, PAPER, Row, at, halo, iso, pixels, time_axis, values

_LANE = 32
_LEAST = 3  # px: seven hours in a quarter of a year would be less than one


def lanes(frame: Frame, found: tuple[Lane, ...]) -> Any:
    """Bar: from onset to end. Dashes: no end is known. Arrow: goes on beyond the picture. Diamond: no restriction."""
    rows = [lane_row(frame, lane, i) for i, lane in enumerate(found)]
    height = _LANE * len(rows) + 8
    base = alt.Chart(values(rows), width=frame.width, height=height)
    x, y = time_axis(frame, labels=True), pixels("y", height)

    def only(kind: str) -> Any:
        return base.transform_filter(f"datum.{kind}")

    diamond: Row = {"shape": "diamond", "size": 70, "color": INK, "fill": PAPER, "strokeWidth": 1.6}
    return alt.layer(
        only("dashes").mark_rule(strokeWidth=2, strokeDash=[3, 3], color=BLOCK).encode(x=x, x2="edge:T", y=y),
        only("bar").mark_rule(strokeWidth=10, color=BLOCK).encode(x=x, x2="end:T", y=y),
        only("event").mark_point(**diamond).encode(x=x, y=y),
        only("mark")
        .mark_text(align="left", baseline="middle", color=BLOCK, dx=3)
        .encode(x=at("edge", frame), y=y, text="mark:N"),
        halo(base, align="left", baseline="bottom").encode(
            x=at("at", frame), y=pixels("text_y", height), text="label:N"
        ),
    )


def lane_row(frame: Frame, lane: Lane, i: int) -> Row:
    """One lane in pixels and instants."""
    known = lane.end if lane.end_is_known else lane.start
    start, end = frame.x_of(lane.start), frame.x_of(known)
    place, shown = fit(lane.label, start, frame.width + frame.margin, SMALL)
    dashes = lane.is_block and not lane.end_is_known and not lane.is_timed
    goes_on = lane.is_block and lane.end_is_known and lane.end > frame.end
    return {
        "t": iso(frame.t_of(start)),
        "end": iso(frame.t_of(max(end, start + _LEAST))),
        "edge": iso(frame.end),
        "at": iso(frame.t_of(place)),
        "label": shown,
        "y": i * _LANE + 25,
        "text_y": i * _LANE + 17,
        "bar": lane.is_block,
        "event": not lane.is_block,
        "dashes": dashes,
        "mark": "▶" if goes_on else "?" if dashes else "",
    }
