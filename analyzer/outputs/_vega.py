"""What every picture has in common: palette, typeface, title, time axis, lines of text."""

from __future__ import annotations

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


def picture(figure: Figure, panels: list[Row]) -> Row:
    """The whole Vega-Lite specification: title above, panels, source and licence below."""
    title = alt.TitleParams(
        text=wrap(figure.title, 18, PICTURE - 20, bold=True),
        subtitle=wrap(figure.subtitle, FONT, PICTURE - 10),
        frame="bounds",
        subtitleLineHeight=17,
        lineHeight=22,
    )
    return {
        "$schema": alt.SCHEMA_URL,
        "background": PAPER,
        "bounds": "full",
        "config": _config().to_dict(),
        "padding": 8,
        "spacing": 6,
        "title": title.to_dict(),
        "vconcat": [*panels, _small_print(wrap(figure.footer, SMALL, PICTURE - 70))],
    }


def _config() -> Any:
    axis: Row = {"labelFontSize": FONT, "titleFontSize": FONT, "labelColor": INK, "titleColor": INK, "gridColor": GRID}
    title: Row = {"fontSize": 18, "subtitleFontSize": FONT, "color": INK, "subtitleColor": MUTED}
    return alt.Config(
        aria=False,  # the page gives the picture one text alternative; a hundred labelled marks would drown it
        font=_TYPEFACE,
        view=alt.ViewConfig(stroke=None),
        axis=alt.AxisConfig(**axis, tickColor=MUTED, domainColor=MUTED, titleFontWeight="normal"),
        title=alt.TitleConfig(**title, anchor="start", offset=12),
        text=alt.MarkConfig(fontSize=FONT, color=INK),
    )


def panel(*parts: Any, width: float, height: float) -> Row:
    """Marks on top of each other, put together here: Altair copies every part at every layering, half a second each."""
    flat = [unit for part in parts for unit in (part if isinstance(part, list) else [part])]
    return {"layer": [_unit(unit) for unit in flat], "width": width, "height": height}


def _unit(chart: Any) -> Row:
    context: Row = {"top_level": False, "datasets": {}}
    drawn: Row = chart.to_dict(context=context)
    (rows,) = context["datasets"].values()
    return {**drawn, "data": {"values": rows}}


def values(rows: list[Row]) -> Any:
    """Rows written into the specification itself."""
    return alt.InlineData(values=rows or [{}])


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


def halo(base: Any, **mark: Any) -> list[Any]:
    """Small text with paper behind it, so that lines it stands on do not strike it out."""
    style: Row = {"baseline": "middle", "fontSize": SMALL, **mark}
    return [base.mark_text(stroke=PAPER, strokeWidth=4, **style), base.mark_text(**style)]


def _small_print(lines: list[str]) -> Row:
    height = 16 * len(lines)
    rows = [{"line": line, "y": 16 * i} for i, line in enumerate(lines)]
    mark = alt.Chart(values(rows)).mark_text(align="left", baseline="top", color=MUTED, fontSize=SMALL)
    text = mark.encode(x=alt.value(0), y=pixels("y", height), text="line:N")
    return panel(text, width=PICTURE - 70, height=height)
