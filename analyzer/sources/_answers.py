"""Answers of web services: whole JSON of a bounded size, values that are numbers, points averaged to hours."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from analyzer.errors import BadInput
from analyzer.records import Lines, Origin, Rejection
from analyzer.sources._bytes import JSON_LIMIT
from analyzer.sources._table import TEXT_LIMIT, Bad

HOUR = timedelta(hours=1)
MOST = 1e15  # of anything counted in bytes, requests or networks


class Step(NamedTuple):
    """A half-open interval with its value, and the share of its points that had one (None where there was one)."""

    start: datetime
    end: datetime
    value: float | None
    quality: float | None


def text_of(lines: Lines, origin: Origin) -> str:
    """The whole text, of at most 16 MiB: a document is read at once.  Raises BadInput beyond that."""
    taken, size = [], 0
    for _, text in lines:
        size += len(text) + 1
        if size > JSON_LIMIT:
            raise BadInput(
                f"{origin.name} is longer than {JSON_LIMIT >> 20} MiB: ask for fewer days or series at a time"
            )
        taken.append(text)
    return "\n".join(taken)


def json_of(text: str, origin: Origin) -> dict[str, Any]:
    """The JSON object that a text is.  Raises BadInput for anything else, a cut document included."""
    found = _parsed(text, origin)
    if not isinstance(found, dict):
        raise BadInput(f"{origin.name} is a JSON {type(found).__name__}, not an object; get the file again")
    return found


def document_of(lines: Lines, origin: Origin) -> Any:
    """The JSON document that the lines are; raises BadInput for a cut, damaged, empty or larger one (16 MiB)."""
    text = text_of(lines, origin)
    if not text.strip():
        raise BadInput(f"{origin.name} is empty; get it again")
    return _parsed(text, origin)


def _parsed(text: str, origin: Origin) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:  # also a number of more digits than Python reads
        raise BadInput(f"{origin.name} is not whole JSON ({error}); get the file again") from error


def shown(value: Any) -> str:
    """A value for a message: on one line, of bounded length, with nothing in it that a terminal would obey."""
    return ascii(value)[:80]


def refused(number: int, bad: Bad, found: Any) -> Rejection:
    """What is not loaded; number: which series of the answer it is, from 1."""
    return Rejection(number, bad.field, bad.reason, json.dumps(found)[:TEXT_LIMIT])


def number_of(value: Any, field: str, *, most: float = MOST) -> float:
    """A number from 0 to `most`, written as a number or as a text; raises Bad."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise Bad(field, f"{shown(value)} is not a number")
    try:
        found = float(value)
    except (ValueError, OverflowError):
        raise Bad(field, f"{shown(value)} is not a number") from None
    if not math.isfinite(found):
        raise Bad(field, f"{shown(value)} is not a finite number")
    if not 0 <= found <= most:
        raise Bad(field, f"{shown(value)} is {'negative' if found < 0 else f'impossible: more than {most:g}'}")
    return found


def hourly(points: Iterable[tuple[datetime, float | None]], step: timedelta) -> Iterator[Step]:
    """Means over hours of points that are there; missing where fewer than half of the hour's points are.

    points: first instant and value (None = no data) of steps of that length, in order.  Steps that do not fill hours
    stay as they are.
    """
    held: list[float] = []
    hour: datetime | None = None
    each = HOUR // step
    whole = each > 1 and not HOUR % step
    for start, value in points:
        if not whole or start.minute * 60 % step.total_seconds() or start.second:
            yield Step(start, start + step, value, None)
            continue
        at = start.replace(minute=0)
        if at != hour:
            if hour is not None:
                yield _mean(hour, held, each)
            hour, held = at, []
        if value is not None:
            held.append(value)
    if hour is not None:
        yield _mean(hour, held, each)


def _mean(hour: datetime, held: list[float], each: int) -> Step:
    value = math.fsum(held) / len(held) if 2 * len(held) >= each else None
    return Step(hour, hour + HOUR, value, len(held) / each)
