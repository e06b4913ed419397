"""The ways in which a no-block level can be formed: which donors may enter, which steps of the base count."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from analyzer.panel import Panel, Series
from analyzer.study.situation import ONE_DAY

if TYPE_CHECKING:
    from analyzer.study.asked import Asked


def candidates(asked: Asked) -> Series:
    """The series from which donors are chosen: all but those that are listed, or asked to be left out."""
    out = {*asked.excluded, *asked.specification.without} - {asked.cc}
    series = asked.panel_series
    kept = [j for j, name in enumerate(series.names) if name not in out]
    if len(kept) == len(series.names):
        return series
    return replace(series, names=tuple(series.names[j] for j in kept), values=series.values[:, kept])


def shaped(asked: Asked, panel: Panel) -> Panel:
    """The panel with the base that the specification asks for."""
    wanted = asked.specification
    if not wanted.masks:
        panel = replace(panel, other_events=())
    if wanted.base_days is None:
        return panel
    first = panel.onset - panel.anticipation - -(-wanted.base_days * ONE_DAY // asked.series.step)
    y = panel.y.copy()
    y[: max(first, 0)] = np.nan
    return replace(panel, y=y)
