"""What else was different about the days of a window: public holidays, Ramadan, how many reporters there were."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta

import numpy as np

from analyzer import calendars
from analyzer.study.series import Aligned, Bools

ONE_DAY = timedelta(days=1)
LEVEL_DAYS = 56  # before onset: the weeks that set the level from which the window is foretold
FEWEST_DAYS = 7  # of Ramadan: fewer days of a window or of those weeks are within its ordinary noise
A_FEW = 3  # days of it that do not count as having it
MOST_NAMED = 4
USUAL = 0.02  # tail of the base's own quality on either side, beyond which that of the window is not usual
NOTICEABLE = 0.1  # of the reporters


def holidays(series: Aligned, cc: str) -> Mapping[int, str]:
    """Step and name of a country's public holidays; none for series that are not daily or have no calendar."""
    if series.step != ONE_DAY:
        return {}
    first = series.time(0).date()
    found = calendars.public_holidays(cc, first, series.time(series.length - 1).date())
    return {(day - first).days: name for day, name in found.items()}


def holiday_flags(series: Aligned, cc: str) -> Bools | None:
    """(T,) steps that are public holidays; None where there are none."""
    steps = list(holidays(series, cc))
    if not steps:
        return None
    flags = np.zeros(series.length, bool)
    flags[steps] = True
    return flags


def notes(series: Aligned, cc: str, onset: int, steps: int) -> tuple[str, ...]:
    """Sentences about the days of a window, for the row that speaks of it."""
    return (
        *_holidays_inside(series, cc, onset, steps),
        *_ramadan(series, cc, onset, steps),
        *_reporters(series, cc, onset, steps),
    )


def _holidays_inside(series: Aligned, cc: str, onset: int, steps: int) -> tuple[str, ...]:
    inside = {at: name for at, name in holidays(series, cc).items() if onset <= at < onset + steps}
    if not inside:
        return ()
    named = [f"{series.time(at).date()} {name.split('; ')[0]}" for at, name in list(inside.items())[:MOST_NAMED]]
    more = [f"and {len(inside) - MOST_NAMED} more"] if len(inside) > MOST_NAMED else []
    return (f"public holidays in the window, expected to be like earlier ones: {', '.join((*named, *more))}",)


def _ramadan(series: Aligned, cc: str, onset: int, steps: int) -> tuple[str, ...]:
    """Ramadan in the window or in the weeks that set the level, but not in both."""
    if series.step > ONE_DAY:
        return ()
    start, last = series.time(onset).date(), series.time(onset + steps - 1).date()
    level = start - timedelta(days=LEVEL_DAYS)
    inside, before = _fasting(start, last + ONE_DAY), _fasting(level, start)
    one_sided = max(inside, before) >= min(FEWEST_DAYS, (last - start).days + 1) and min(inside, before) < A_FEW
    if not one_sided or not calendars.keeps_ramadan(cc):
        return ()
    where = (
        "the window, not in the eight weeks before" if inside > before else "the eight weeks before, not in the window"
    )
    return (f"Ramadan lies in {where}: days of fasting are used otherwise",)


def _fasting(start: date, end: date) -> int:
    """Days of Ramadan in the half-open range."""
    months = calendars.ramadan(start, end - ONE_DAY)
    return sum((min(b, end) - max(a, start)).days for a, b in months)


def _reporters(series: Aligned, cc: str, onset: int, steps: int) -> tuple[str, ...]:
    """The share of reporters of the window where it is not what the base was used to."""
    quality = series.quality.get(cc)
    if quality is None:
        return ()
    before, inside = (part[np.isfinite(part)] for part in (quality[:onset], quality[onset : onset + steps]))
    if before.size < 28 or not inside.size:
        return ()
    usual, now = float(np.median(before)), float(np.median(inside))
    low, high = np.quantile(before, [USUAL, 1 - USUAL])
    if low <= now <= high or abs(now - usual) < NOTICEABLE:
        return ()
    text = (
        f"reporters: {now:.0%} in the window, {usual:.0%} in the base (usually {low:.0%} to {high:.0%}): an error that "
        "all countries share on those days, which donors see and a series alone does not"
    )
    return (text.replace("%", " %"),)
