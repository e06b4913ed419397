"""From a stated time and its precision to the instants between which it lies.

A value is written `YYYY-MM`, `YYYY-MM-DD` (local calendar, on the clock of `places.zone`) or `YYYY-MM-DDTHH:MM`
(UTC).  The result is half-open, in naive UTC: the event lies at or after the first instant and before the second.
Where both are equal it is that instant: no indicator is finer than the minute, so a minute is not widened.

    minute  the instant itself
    hour    the 60 minutes from the value on (a notice "shortly after 20:00" is written 20:00)
    day     the local calendar day; a value with an hour is a best guess within the local day that holds it
    week    that local day and three days on either side
    month   the local calendar month that holds the value
"""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from typing import get_args

from analyzer.errors import BadInput
from analyzer.places import local_midnight, to_local
from analyzer.records import Precision

PRECISIONS: tuple[Precision, ...] = get_args(Precision)
_SHAPES = ((re.compile(r"\d{4}-\d{2}$"), "month"), (re.compile(r"\d{4}-\d{2}-\d{2}$"), "day"))
_CLOCK = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}$")
_WEEK_SIDE = timedelta(days=3)

Span = tuple[datetime, datetime]


def span(value: str, precision: str, cc: str) -> Span:
    """The half-open interval in which a stated time lies.  Raises BadInput, without the place in the file."""
    finest = grain(value)
    known = _precision(precision)
    if PRECISIONS.index(known) < PRECISIONS.index(finest):
        raise BadInput(f"precision {known!r} is finer than the value {value!r}: give the hour, or a coarser precision")
    if known == "minute":
        return _clock(value), _clock(value)
    if known == "hour":
        return _clock(value), _clock(value) + timedelta(hours=1)
    return local_span(_local_date(value, cc), known, cc)


def local_span(day: date, precision: Precision, cc: str) -> Span:
    """A local day, week or month around a local date, as instants."""
    if precision == "month":
        first = day.replace(day=1)
        return local_midnight(first, cc), local_midnight((first + timedelta(days=32)).replace(day=1), cc)
    side = _WEEK_SIDE if precision == "week" else timedelta()
    return local_midnight(day - side, cc), local_midnight(day + side + timedelta(days=1), cc)


def days(value: str) -> tuple[date, date]:
    """First and last day (inclusive) of `YYYY-MM-DD`, `YYYY-MM` or `first/last`."""
    first, _, last = value.partition("/")
    start, end = _day_range(first)[0], _day_range(last or first)[1]
    if end < start:
        raise BadInput(f"the window {value!r} ends before it starts: write first/last")
    return start, end


def _day_range(value: str) -> tuple[date, date]:
    day = _calendar(value)
    if grain(value) != "month":
        return day, day
    return day, (day + timedelta(days=32)).replace(day=1) - timedelta(days=1)


def _precision(word: str) -> Precision:
    for known in PRECISIONS:
        if word == known:
            return known
    raise BadInput(f"unknown precision {word!r}: use one of {', '.join(PRECISIONS)}")


def grain(value: str) -> Precision:
    """The finest precision that the way a value is written can carry."""
    if _CLOCK.match(value):
        return "minute"
    for shape, known in _SHAPES:
        if shape.match(value):
            return _precision(known)
    raise BadInput(f"cannot read the time {value!r}: write YYYY-MM, YYYY-MM-DD or YYYY-MM-DDTHH:MM (UTC)")


def _clock(value: str) -> datetime:
    try:
        return datetime.fromisoformat(value)
    except ValueError as error:
        raise BadInput(f"no such time {value!r}: {error}") from error


def _calendar(value: str) -> date:
    full = f"{value}-01" if grain(value) == "month" else value
    try:
        return date.fromisoformat(full)
    except ValueError as error:
        raise BadInput(f"no such day {value!r}: write YYYY-MM-DD") from error


def _local_date(value: str, cc: str) -> date:
    return to_local(_clock(value), cc).date() if grain(value) == "minute" else _calendar(value)
