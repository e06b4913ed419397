"""The series around the event, for figures."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import numpy as np

from analyzer.records import (
    SeriesView,
)
from analyzer.study.asked import Asked
from analyzer.study.effects import Found

SHOWN_BEFORE = timedelta(days=84)
SHOWN_AFTER = timedelta(days=28)


def view_of(asked: Asked, found: Sequence[Found]) -> SeriesView:
    """The series around the event with the no-block level of the longest window that could be estimated."""
    series, y = asked.series, asked.series.values[asked.cc]
    able = [f for f in found if f.effects and f.estimand == "no_block_since_base" and not f.window.after_end]
    longest = max(able, key=lambda f: f.window.steps, default=None)
    first = max(asked.onset - SHOWN_BEFORE // series.step, 0)
    reach = max(longest.window.steps if longest else 0, SHOWN_AFTER // series.step)
    steps = range(first, min(asked.onset + reach, series.length))
    effect = longest.effects[len(longest.effects) // 2] if longest else None

    def shown(values: np.ndarray[tuple[int], np.dtype[np.float64]] | None) -> tuple[float | None, ...]:
        return tuple(_at(values, s - asked.onset) for s in steps)

    return SeriesView(
        indicator=series.key.indicator,
        entity=series.key.entity,
        unit=series.key.unit,
        t=tuple(series.time(s) for s in steps),
        observed=tuple(_at(y, s) for s in steps),
        expected=shown(effect.expected_steps if effect else None),
        low=shown(effect.expected_steps_low if effect else None),
        high=shown(effect.expected_steps_high if effect else None),
        base_end=series.time(asked.base_end("no_block_since_base")),
    )


def _at(values: np.ndarray[tuple[int], np.dtype[np.float64]] | None, index: int) -> float | None:
    if values is None or not 0 <= index < values.size or not np.isfinite(values[index]):
        return None
    return float(values[index])
