"""Where a series changed around an event: which steps are searched, and on which scale."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np

from analyzer.estimators import Change, locate_change
from analyzer.study.asked import Asked
from analyzer.study.situation import MOST_OF_HISTORY, ONE_DAY, ONE_WEEK

REACH = timedelta(days=14)  # on either side
LEAD_ON_HOURS = timedelta(days=2)
AHEAD_ON_HOURS = timedelta(days=3)  # where no end is known
SETTLED = 6  # steps after the last admissible onset in which a new level can be told from a spike
WEEKEND = float(np.log(1.5))  # by as much the days of a week may differ, unseen in a history of less than two weeks
SMALL = 0.02  # of the usual level: keeps the log of a zero finite where values are no counts


def located(asked: Asked) -> Change | None:
    """The change of level around the onset, if there is one."""
    lead, ahead = _on_hours(asked) if asked.series.step < ONE_DAY else _on_days(asked)
    if ahead < 1:
        return None
    y = asked.series.values[asked.cc]
    found = locate_change(y, asked.onset, ahead, lead=lead, season=asked.season, offset=_offset(asked))
    if found and asked.series.step < ONE_DAY and _history(asked) < 2 * ONE_WEEK // asked.series.step:
        return found if abs(np.log(max(found.ratio, 1e-9))) > WEEKEND else None
    return found


def _history(asked: Asked) -> int:
    """Steps from the first value to the onset."""
    seen = np.flatnonzero(np.isfinite(asked.series.values[asked.cc][: asked.onset]))
    return asked.onset - int(seen[0]) if seen.size else 0


def _on_days(asked: Asked) -> tuple[int, int]:
    search = max(REACH // asked.series.step, 3)
    return search, search


def _on_hours(asked: Asked) -> tuple[int, int]:
    """Steps before and after the onset: no further than the block lasts, so that its end is not taken for its start.

    A short history leaves room for two windows of that length before, or for one where the onset is known to the day.
    """
    step, block = asked.series.step, asked.block
    history = _history(asked)
    lead = max(min(LEAD_ON_HOURS // step, history // MOST_OF_HISTORY), 3)
    doubt = -(-(_latest(asked) - asked.series.time(asked.onset)) // step)
    lasts = AHEAD_ON_HOURS if block.end_earliest is None else min(block.end_earliest - block.onset_earliest, REACH)
    wanted = max(lasts // step, 3, doubt + SETTLED if doubt > 1 else 3)
    room = max((history - lead) // 2 - lead, max(doubt, 0) + SETTLED)
    return lead, min(wanted, room, history - 2 * lead)


def _latest(asked: Asked) -> datetime:
    return max(asked.block.onset_latest, asked.series.time(asked.onset))


def _offset(asked: Asked) -> float:
    """Half a count; where values are levels or shares, a small part of the usual one."""
    if asked.series.key.scale not in ("level", "share"):
        return 0.5
    before = asked.series.values[asked.cc][: asked.onset]
    usual = before[np.isfinite(before) & (before > 0)]
    return SMALL * float(np.median(usual)) if usual.size else 0.5
