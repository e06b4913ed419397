"""Whether a plan came before its data: computed each time from what was written down when it was frozen."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from analyzer.plans.plan import Frozen

Status = Literal["before the data", "after the event", "after the data", "time in doubt", "no event yet"]


def status(frozen: Frozen, onset: datetime | None) -> Status:
    """`before the data` only where the event's earliest onset and every value of its window came after the freezing.

    onset: earliest onset of the event (UTC), None where the plan's event has not come.  A plan whose store had, by
    then, heard of a later moment than its own time of freezing was frozen with a clock that ran behind: in doubt.
    """
    known = frozen.known
    if onset is None:
        return "no event yet"
    if known.newest is not None and known.newest > onset:
        return "after the data"
    if onset <= frozen.frozen_at:
        return "after the event"
    return "time in doubt" if known.latest is not None and known.latest > frozen.frozen_at else "before the data"


_WORDS: dict[Status, str] = {
    "before the data": "before the event and its data",
    "after the event": "after the event, of which the store then held no data: no pre-registration",
    "after the data": "with data of the event in the store: no pre-registration",
    "no event yet": "and the catalogue holds no such event yet",
}


def status_in_words(frozen: Frozen, onset: datetime | None) -> str:
    """`frozen 2026-11-22 08:00 UTC, before the event and its data`, or why it is no pre-registration."""
    word, known = status(frozen, onset), frozen.known
    said = _WORDS.get(word) or f"but the store then knew of {known.latest:%Y-%m-%d %H:%M} already: no pre-registration"
    asked = f" ({known.runs} rows had been asked of it before)" if known.runs else ""
    clock = " by a clock that was set" if known.clock_set else ""
    return f"frozen {frozen.frozen_at:%Y-%m-%d %H:%M} UTC{clock}, {said}{asked}"
