"""The publisher's rule on our own series: percent over the mean of the preceding 28 days, one figure a day.

As Top10VPN words it (blocks-and-figures in docs/method.md).  Not the same input as the publisher's, and not an
estimate: a trailing base swallows a change that lasts, so that a permanent fourteenfold rise reads +1,329 % on its
first day and 0 % on day 28.
"""

from __future__ import annotations

import numpy as np

from analyzer.records import PublisherRow
from analyzer.study.series import Aligned

DAYS = 28


def publisher_rule(series: Aligned, cc: str, first: int, last: int) -> tuple[PublisherRow, ...]:
    """One row per observed day in [first, last) whose 28 preceding days were all observed; daily counts only."""
    if series.key.scale != "count" or series.step.days != 1:
        return ()
    y = series.values[cc]
    rows = []
    for step in range(max(first, DAYS), min(last, y.size)):
        mean = float(y[step - DAYS : step].mean())
        if np.isfinite(y[step]) and np.isfinite(mean) and mean > 0:
            value = float(y[step])
            day = series.time(step).date()
            percent = 100 * (value / mean - 1)
            rows.append(PublisherRow(series.key.indicator, series.key.entity, day, value, mean, percent))
    return tuple(rows)
