"""One event, one candidate: the windows that see the same change are gathered under the one that sees it best.

A window belongs to a candidate when it ends no earlier than a week before the change and its forecast was made no later
than a week after the candidate's best window: its base still lies before the change, or is about to learn it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from analyzer.estimators._scan_errors import Errors
    from analyzer.estimators._scan_tails import Side
    from analyzer.records import Floats

    Bools = npt.NDArray[np.bool_]
    Ints = npt.NDArray[np.int64]

LOOSEST = 0.01  # one-sided p of a step above which nothing is a candidate
_SIGN = 0.002  # one-sided p at which a step shows a change that later steps confirm
_STAYS = 90  # days after which a change that has not gone back half its way counts as one that stays


@dataclass(frozen=True, slots=True)
class Candidate:
    """A change that may be declared.

    column: of the series.  direction: 1 or -1.  peak: last step of the best window.  first: first step of the change.
    last: last step before the series had gone back half the way, None where it did not within 90 days or before the
    data end.  p: two-sided, of the step, all statistics together.  log_ratio: of the best window's mean over its
    forecast; deviation, degrees, raised: the t distribution of its error, and by what its p-value was raised for the
    number of statistics and the series' own tail.  week: in steps.
    """

    column: int
    direction: int
    statistic: str
    window: tuple[int, int]  # half-open
    peak: int
    first: int
    last: int | None
    p: float
    log_ratio: float
    deviation: float
    degrees: float
    raised: float
    alarm: bool
    alarm_p: float
    week: int


@dataclass(frozen=True, slots=True)
class Seen:
    """What candidates are read from, one direction."""

    side: Side
    errors: tuple[Errors, ...]
    x: Floats  # (T, N) logs less season
    direction: int
    per_day: int
    block: int
    restarts: tuple[int, ...]


def candidates(seen: Seen) -> list[Candidate]:
    """Candidates of one direction, in order of series and of the smallness of p."""
    k, t, j = np.nonzero(seen.side.each <= LOOSEST)  # NaN compares false
    p = seen.side.each[k, t, j]
    order = np.lexsort((p, j))
    found: list[Candidate] = []
    for column, rows in _by_series(j[order], order):
        found += _of_series(seen, column, k[rows], t[rows])
    return found


def _by_series(j: Ints, order: Ints) -> Iterator[tuple[int, Ints]]:
    if not j.size:
        return
    columns, starts = np.unique(j, return_index=True)
    yield from zip(columns.tolist(), np.split(order, starts[1:]), strict=True)


def _of_series(seen: Seen, column: int, ks: Ints, ts: Ints) -> list[Candidate]:
    """Candidates of one series; windows come by the smallness of their p."""
    found: list[Candidate] = []
    reaches = np.array([e.statistic.reach for e in seen.errors])
    while ks.size:
        begins = ts - reaches[ks] + 1
        best = _candidate(seen, column, int(ks[0]), int(ts[0]))
        its_own = _belongs(best, begins, ts)
        its_own[0] = True
        clean = _before_the_change(seen.side.each[ks, ts, column], its_own, begins, ts)
        if clean != 0:
            best = _candidate(seen, column, int(ks[clean]), int(ts[clean]))
            its_own |= _belongs(best, begins, ts)
        found.append(best)
        ks, ts = ks[~its_own], ts[~its_own]
    return found


def _belongs(candidate: Candidate, begins: Ints, ts: Ints) -> Bools:
    return np.asarray((ts >= candidate.first - candidate.week) & (begins <= candidate.peak + candidate.week))


def _before_the_change(p: Floats, its_own: Bools, begins: Ints, ts: Ints) -> int:
    """The best window whose forecast was made before the first plain sign of the change.

    A level that has begun to follow the change makes a later window's base, and with it size and day, a mixture.
    """
    signs = ts[its_own & (p <= _SIGN)]
    clean = its_own & (begins <= signs.min()) if signs.size else np.zeros(0, dtype=bool)
    return int(np.argmax(clean)) if clean.any() else 0


def _candidate(seen: Seen, column: int, k: int, t: int) -> Candidate:
    errors = seen.errors[k]
    s = errors.statistic
    begin = t - s.reach + 1
    log_ratio, deviation = float(errors.error[t, column]), float(errors.deviation[t, column])
    window = seen.x[t - s.length + 1 : t + 1, column]
    base = float(np.nanmean(window)) - log_ratio
    away = seen.direction * (seen.x[:, column] - base)
    first = begin + onset(away[begin : t + 1])
    tail = seen.side.tails[t // seen.block][k]
    p = float(seen.side.each[k, t, column])
    alone = float(tail.exceed(np.array([seen.direction * log_ratio / deviation]))[0])
    return Candidate(
        column=column,
        direction=seen.direction,
        statistic=s.name,
        window=(t - s.length + 1, t + 1),
        peak=t,
        first=first,
        last=_last(away, t, abs(log_ratio), seen),
        p=min(2 * p, 1.0),
        log_ratio=log_ratio,
        deviation=deviation * tail.scale,
        degrees=tail.degrees,
        raised=p / max(alone, 1e-300),
        alarm=bool(p <= seen.side.alarm[t]),
        alarm_p=2 * float(seen.side.alarm[t]),
        week=7 * seen.per_day,
    )


def onset(away: Floats) -> int:
    """First step of the change within a window: the shift or the ramp that takes most of the squared distance away."""
    there = np.isfinite(away)
    r = np.where(there, away, 0.0)
    total, count = np.cumsum(r[::-1])[::-1], np.cumsum(there[::-1])[::-1]
    shift = np.where(total > 0, total**2 / np.maximum(count, 1), 0.0)
    steps = np.arange(r.size)
    rising = np.maximum(steps[None, :] - steps[:, None] + 1, 0) * there
    along = rising @ r
    ramp = np.where(along > 0, along**2 / np.maximum((rising**2).sum(axis=1), 1), 0.0)
    chosen = shift if shift.max() >= ramp.max() else ramp
    return int(np.argmax(np.where(there, chosen, -1.0)))


def _last(away: Floats, peak: int, size: float, seen: Seen) -> int | None:
    """Last step before the mean of three days had gone back half the way; None where it has not."""
    stop = min([r for r in seen.restarts if r > peak], default=away.size)
    after = away[peak + 1 : min(peak + 1 + _STAYS * seen.per_day, stop)]
    width = 3 * seen.per_day
    there = np.isfinite(after)
    known = np.flatnonzero(there)
    if known.size < width:
        return None
    total = np.concatenate([[0.0], np.cumsum(after[known])])
    back = (total[width:] - total[:-width]) / width < size / 2
    return peak + int(known[int(np.argmax(back))]) if back.any() else None
