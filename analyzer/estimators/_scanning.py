"""Every step of many series looked at for a change of its own, with false discoveries kept to a stated share.

`scan_series` standardises and calibrates one set of series, `declare` controls the false discoveries over all sets.
An alternative to the detector of Danezis (2011, Tor Tech Report 2011-09-001), which compares a day with the day a week
before and cannot see what comes slowly.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt
from scipy.special import stdtrit

from analyzer.estimators._scan_episodes import Candidate, Seen, candidates
from analyzer.estimators._scan_errors import Statistic, standardised_errors
from analyzer.estimators._scan_filter import Levels, follow
from analyzer.estimators._scan_sizes import shrunken
from analyzer.estimators._scan_tails import BLOCK, Side, one_side

if TYPE_CHECKING:
    from analyzer.records import Floats

    Bools = npt.NDArray[np.bool_]
    Codes = npt.NDArray[np.int8]

SCALES = ("count", "level", "share", "rank", "index")
HISTORY = 56  # days seen before a day is scanned: eight of each weekday
SETTLED = 21  # values since a restart without which a level is not known
SMALLEST = 5.0  # level of counts below which one person more or less is a change
ALARM_RATE = 0.0125  # of all series-fortnights, per direction; large series have nearly twice that (bench/scan.py)
STATUS = ("scanned", "no value", "listed artefact", "level under the smallest", "too little history")
_LEVEL_GAIN = 3  # the gain of 0.07: the level of the last two weeks
_REFERENCE = 28  # first values of a share or index, whose median is its unit
_DAILY = (("jump", 1, 1), ("mean of 3 days", 3, 3), ("mean of 7 days", 7, 7), ("growth over 14 days", 7, 14),
          ("growth over 28 days", 7, 28))  # fmt: skip
_HOURLY = (("jump", 1, 1), ("mean of 6 hours", 6, 6), ("mean of 24 hours", 24, 24), ("growth over 3 days", 24, 72),
           ("growth over 7 days", 24, 168))  # fmt: skip
_WEEKLY = (("jump", 1, 1), ("mean of 2 weeks", 2, 2), ("mean of 4 weeks", 4, 4), ("growth over 8 weeks", 2, 8),
           ("growth over 13 weeks", 2, 13))  # fmt: skip


@dataclass(frozen=True, slots=True)
class Scan:
    """What was looked at and what stood out; arrays are (T, N), NaN where not scanned.

    p_rise, p_fall: one-sided p-values of each step, all statistics together; they use no later step.
    alarm_rise, alarm_fall: whether the step raises the alarm whose rate per series-fortnight is `ALARM_RATE`.
    status: index into `STATUS`, why a step was not scanned.
    candidates: what `declare` chooses from.
    steps, columns: (T,) and (N,) what was asked for; the rest taught what is usual and is not tested.
    """

    p_rise: Floats
    p_fall: Floats
    alarm_rise: Bools
    alarm_fall: Bools
    status: Codes
    candidates: tuple[Candidate, ...]
    steps: Bools
    columns: Bools

    @property
    def scanned(self) -> int:
        """Steps of series that were looked at."""
        return int(self.outcomes()[0])

    def outcomes(self) -> npt.NDArray[np.int64]:
        """Steps asked for by index into `STATUS`."""
        return np.bincount(self.status[self.steps][:, self.columns].ravel(), minlength=len(STATUS))

    def within(self, steps: npt.ArrayLike, columns: npt.ArrayLike) -> Scan:
        """The same scan, asked of some steps (T,) and columns (N,) only: changes that were found at those."""
        rows, cols = np.array(steps, dtype=bool), np.array(columns, dtype=bool)
        kept = tuple(c for c in self.candidates if rows[c.peak] and cols[c.column])
        return replace(self, candidates=kept, steps=rows, columns=cols)


@dataclass(frozen=True, slots=True)
class Flag:
    """A declared change of one series; a change of the series, not a block.

    first, last: steps of the change, last None where it stays.  window: half-open steps of the mean that found it.
    ratio: of that mean to the forecast from before it, drawn towards 1 for having been picked, with bounds; measured:
    the same as it was measured.  q: smallest share of false flags at which this one is declared; p: two-sided.
    rule: `fdr`, or `alarm` where only the alarm rule found it.
    """

    scan: int
    column: int
    direction: Literal["rise", "fall"]
    statistic: str
    window: tuple[int, int]
    first: int
    last: int | None
    measured: float
    ratio: float
    ratio_low: float
    ratio_high: float
    p: float
    q: float
    rule: Literal["fdr", "alarm"]


@dataclass(frozen=True, slots=True)
class Declared:
    """Flags in order of series and time, how many steps were scanned, and how many flags are expected to be false.

    returns: flags left out because they are the end of one that is listed.
    """

    flags: tuple[Flag, ...]
    scanned: int
    expected_false: float
    returns: int


def scan_series(
    values: npt.ArrayLike,
    *,
    season: int = 7,
    scale: str = "count",
    aside: npt.ArrayLike | None = None,
    restarts: Sequence[int] = (),
    history: int = HISTORY,
    smallest: float = SMALLEST,
    alarm_rate: float = ALARM_RATE,
) -> Scan:
    """Scan series of one indicator, one column each.

    values: (T, N) per step, NaN = missing.  season: 7 for days, 168 or 24 for hours, 52 for weeks, 1 for none.
    scale: `count` (counting noise is expected, and levels under `smallest` are not scanned), or level, share,
    rank, index.
    aside: (T,) or (T, N) steps inside listed artefacts.  restarts: steps from which levels do not compare with before.
    history: days (weeks for season 52) with a value before a step is scanned.

    Raises ValueError for values that are not two-dimensional, negative or infinite, and for options out of range.
    """
    y = _checked(values, season, history, alarm_rate)
    if scale not in SCALES:
        raise ValueError(f"scale must be one of {', '.join(SCALES)}, not {scale!r}")
    out = np.zeros(y.shape, dtype=bool) if aside is None else _aside(aside, y.shape)
    per_day = 24 if season in (24, 168) else 1
    again = _restarts(restarts, y.shape[0])
    levels = follow(_logs(np.where(out, np.nan, y), scale), season, again)
    errors = standardised_errors(
        levels, _statistics(season), counts=scale == "count", settle=SETTLED * per_day, per_day=per_day
    )
    status = _status(y, out, levels, history * per_day, smallest if scale == "count" else None)
    upwards = [np.where(status == 0, e.standardised, np.nan) for e in errors]
    status[(status == 0) & ~np.isfinite(upwards).any(axis=0)] = STATUS.index("too little history")
    fortnight = 2 if season == 52 else 14 * per_day
    rise, fall = (
        one_side([sign * u for u in upwards], per_day=per_day, alarm_rate=alarm_rate, fortnight=fortnight)
        for sign in (1, -1)
    )
    found = [
        c
        for sign, side in ((1, rise), (-1, fall))
        for c in candidates(Seen(side, tuple(errors), levels.x, sign, per_day, BLOCK * per_day, again))
    ]
    everything = (np.ones(n, dtype=bool) for n in y.shape)
    return Scan(rise.p, fall.p, _alarms(rise), _alarms(fall), status, tuple(found), *everything)


def _statistics(season: int) -> tuple[Statistic, ...]:
    chosen = _HOURLY if season in (24, 168) else _WEEKLY if season == 52 else _DAILY
    return tuple(Statistic(*row) for row in chosen)


def _alarms(side: Side) -> Bools:
    return np.asarray(side.p <= side.alarm[:, None])  # NaN compares false


def _checked(values: npt.ArrayLike, season: int, history: int, alarm_rate: float) -> Floats:
    y = np.array(values, dtype=float)
    if y.ndim != 2 or 0 in y.shape:
        raise ValueError(f"values must be steps by series, not of shape {y.shape}")
    if np.isinf(y).any() or (y < 0).any():
        raise ValueError("values must be zero or more, and finite or NaN")
    if season < 1:
        raise ValueError(f"season must be 1 or more, not {season}")
    if history < 1:
        raise ValueError(f"history must be 1 or more, not {history}")
    if not 0 < alarm_rate < 0.5:
        raise ValueError(f"alarm_rate must lie between 0 and 0.5, not {alarm_rate}")
    return y


def _aside(aside: npt.ArrayLike, shape: tuple[int, ...]) -> Bools:
    out = np.array(aside, dtype=bool)
    if out.shape not in (shape, shape[:1]):
        raise ValueError(f"aside must be of shape {shape} or {shape[:1]}, not {out.shape}")
    return np.broadcast_to(out[:, None] if out.ndim == 1 else out, shape).copy()


def _restarts(restarts: Sequence[int], steps: int) -> tuple[int, ...]:
    return tuple(sorted({int(r) for r in restarts if 0 < r < steps}))


def _logs(y: Floats, scale: str) -> Floats:
    """Logs with an addition against zeros: half a unit of counts and ranks, a hundredth of the level otherwise."""
    if scale in ("count", "rank"):
        return np.asarray(np.log(y + 0.5))
    reference = np.array([_reference(column) for column in y.T])
    return np.asarray(np.log(y / reference + 0.01))


def _reference(column: Floats) -> float:
    """The median of the first positive values: known before anything is scanned."""
    positive = column[column > 0][:_REFERENCE]
    return float(np.median(positive)) if positive.size else 1.0


def _status(y: Floats, out: Bools, levels: Levels, history: int, smallest: float | None) -> Codes:
    """Codes of `STATUS`; the first reason that applies."""
    low = np.zeros(y.shape, dtype=bool)
    if smallest is not None:
        low = (np.exp(levels.level[_LEVEL_GAIN, :-1]) - 0.5 < smallest) & (levels.history[:-1] > 0)
    reasons = [~np.isfinite(y) & ~out, out, low, levels.history[:-1] < history]
    return np.select(reasons, [np.int8(i + 1) for i in range(len(reasons))], np.int8(0)).astype(np.int8)


def declare(scans: Sequence[Scan], *, q: float = 0.05, alarms: bool = False) -> Declared:
    """Flags over all scans together.

    A candidate with p-value p is declared where (steps scanned) x p / (candidates at least as small) is at most q
    (Benjamini & Hochberg 1995): every step of every series is a test, but a discovery is an event and not a step
    (Siegmund, Zhang & Yakir 2011).  alarms: list also what only the alarm rule found.  Raises ValueError for q.
    """
    if not 0 < q < 1:
        raise ValueError(f"q must lie between 0 and 1, not {q}")
    every = [(i, c) for i, scan in enumerate(scans) for c in scan.candidates]
    tests = sum(scan.scanned for scan in scans)
    q_values = _step_up(np.array([c.p for _, c in every]), tests)
    largest = max((c.p for (_, c), v in zip(every, q_values, strict=True) if v <= q), default=0.0)
    chosen = [(i, c, v) for (i, c), v in zip(every, q_values, strict=True) if v <= q or (alarms and c.alarm)]
    chosen.sort(key=lambda row: (row[0], row[1].column, row[1].first))
    kept = [row for row in chosen if not _is_return(row, chosen)]
    # What any of them had to undercut, the others given.
    admitted = q * int((q_values <= q).sum()) / max(tests, 1)
    flags = tuple(_flag(i, c, float(v), q, admitted) for i, c, v in kept)
    return Declared(flags, tests, tests * largest, len(chosen) - len(kept))


def _step_up(p: Floats, tests: int) -> Floats:
    order = np.argsort(p, kind="stable")
    raised = tests * p[order] / np.arange(1, p.size + 1)
    out = np.empty(p.size)
    out[order] = np.minimum.accumulate(raised[::-1])[::-1]
    return np.minimum(out, 1.0)


def _is_return(row: tuple[int, Candidate, float], chosen: Sequence[tuple[int, Candidate, float]]) -> bool:
    """Whether a change is the way back from one that is listed: opposite, and begun within a week of its end."""
    i, c, _ = row
    return any(
        j == i and o.column == c.column and o.direction != c.direction and o.last is not None and o.first < c.first
        and c.first - c.week <= o.last + 1 <= c.peak
        for j, o, _ in chosen
    )  # fmt: skip


def _flag(scan: int, c: Candidate, q_value: float, q: float, admitted: float) -> Flag:
    found = q_value <= q
    threshold = _threshold(c, admitted if found else c.alarm_p)
    u = abs(c.log_ratio) / c.deviation
    sizes = shrunken(u, threshold, c.degrees)
    point, low, high = (float(np.exp(c.direction * c.deviation * s)) for s in sizes)
    return Flag(
        scan=scan,
        column=c.column,
        direction="rise" if c.direction > 0 else "fall",
        statistic=c.statistic,
        window=c.window,
        first=c.first,
        last=c.last,
        measured=float(np.exp(c.log_ratio)),
        ratio=point,
        ratio_low=min(low, high),
        ratio_high=max(low, high),
        p=c.p,
        q=q_value,
        rule="fdr" if found else "alarm",
    )


def _threshold(c: Candidate, p: float) -> float:
    """The standardised error from which the candidate's series and statistic would have been picked."""
    alone = min(p / 2 / max(c.raised, 1e-12), 0.5)
    return float(-stdtrit(c.degrees, max(alone, 1e-300)))
