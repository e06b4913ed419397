"""What every picture has in common: palette, typeface, title, time axis, lines of text."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import altair as alt

from analyzer.brief.model import Figure
from analyzer.outputs._layout import FONT, PICTURE, SMALL, Frame, wrap

# Okabe and Ito's palette: told apart with any common colour vision; style.css turns each into its dark twin.
INK, MUTED, GRID, PAPER = "#1b1b1b", "#595959", "#dcdcdc", "#ffffff"
THEIRS, OURS, BLOCK = "#0072b2", "#c25400", "#6e6e6e"
_TYPEFACE = "Arial, Helvetica, Liberation Sans, sans-serif"
Row = dict[str, Any]


def picture(figure: Figure, panels: list[Any]) -> Row:
    """The whole Vega-Lite specification: title above, panels, source and licence below."""
    title = alt.TitleParams(
        text=wrap(figure.title, 18, PICTURE - 20, bold=True),
        subtitle=wrap(figure.subtitle, FONT, PICTURE - 10),
        frame="bounds",
        subtitleLineHeight=17,
        lineHeight=22,
    )
    whole = alt.vconcat(*panels, text_panel(wrap(figure.footer, SMALL, PICTURE - 70)), spacing=6, bounds="full")
    chart = whole.properties(title=title, background=PAPER, padding=8)
    return dict(_styled(chart).to_dict())


def _styled(chart: Any) -> Any:
    axis: Row = {"labelFontSize": FONT, "titleFontSize": FONT, "labelColor": INK, "titleColor": INK, "gridColor": GRID}
    return (
        chart.configure(font=_TYPEFACE, aria=False)
        .configure_view(stroke=None)
        .configure_axis(**axis, tickColor=MUTED, domainColor=MUTED, titleFontWeight="normal")
        .configure_title(fontSize=18, subtitleFontSize=FONT, color=INK, subtitleColor=MUTED, anchor="start", offset=12)
        .configure_text(fontSize=FONT, color=INK)
    )


def values(rows: list[Row]) -> Any:
    """Rows written into the specification itself; as one string, for Altair copies every object at every layering."""
    return alt.InlineData(values=json.dumps(rows or [{}]), format=alt.JsonDataFormat(type="json"))


def iso(t: datetime) -> str:
    """An instant as Vega reads it: UTC, said so."""
    return t.isoformat(timespec="seconds") + "Z"


def time_scale(frame: Frame) -> Any:
    """Exactly the frame, in UTC whatever the clock of the machine."""
    return alt.Scale(type="utc", domain=[iso(frame.start), iso(frame.end)], nice=False)


def time_axis(frame: Frame, *, labels: bool, field: str = "t") -> Any:
    """The UTC axis; without labels it still draws its grid, for a panel that stands on another."""
    near = frame.end - frame.start < timedelta(days=4)
    axis = alt.Axis(
        format="%-d %b %H:%M" if near else "%-d %b %Y",
        tickCount=5,
        title="Date (UTC)" if labels else None,
        labels=labels,
        ticks=labels,
        domain=labels,
        labelFlush=True,
    )
    return alt.X(f"{field}:T", scale=time_scale(frame), axis=axis)


def at(field: str, frame: Frame) -> Any:
    """A further field on the time scale."""
    return alt.X(f"{field}:T", scale=time_scale(frame))


def pixels(field: str, height: float) -> Any:
    """A vertical position given in pixels from the top."""
    return alt.Y(f"{field}:Q", scale=alt.Scale(domain=[0, height], range=[0, height]), axis=None)


def halo(base: Any, **mark: Any) -> Any:
    """Small text with paper behind it, so that lines it stands on do not strike it out."""
    style: Row = {"baseline": "middle", "fontSize": SMALL, **mark}
    return alt.layer(base.mark_text(stroke=PAPER, strokeWidth=4, **style), base.mark_text(**style))


def text_panel(lines: list[str]) -> Any:
    """Lines of small print."""
    height = 16 * len(lines)
    rows = [{"line": line, "y": 16 * i} for i, line in enumerate(lines)]
    text = alt.Chart(values(rows), width=PICTURE - 70, height=height)
    mark = text.mark_text(align="left", baseline="top", color=MUTED, fontSize=SMALL)
    return mark.encode(x=alt.value(0), y=pixels("y", height), text="line:N")
