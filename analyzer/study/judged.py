"""What a row of a study brings to a combination and to the count of all that was asked: sizes and placebos by date."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import stdtrit

from analyzer import verdicts
from analyzer.records import Effect
from analyzer.study import rows
from analyzer.study.asked import Asked
from analyzer.study.effects import LEVEL, Found
from analyzer.study.series import SeriesKey

if TYPE_CHECKING:
    from analyzer.records import Floats, Ints

LEAST = 1e-6  # of a standard error on the log scale
EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - times are naive UTC
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Judged:
    """One estimated row with the placebos it is judged by.

    log: of the ratio.  deviation: its standard error on the log scale, by the wider side of the interval; freedom: of
    that.  statistic: how many standard errors the interval's nearer end leaves to 1.  days: (N,) onset day of each
    placebo window, counted from 1970; standardised: (N,) its error over its deviation.  onset_day: of the row itself.
    reach: days from the base's end to the window's: neighbouring placebos share as many.  base_days: observed history.
    refusal: why the row enters neither a combination nor a family; '' where it does.
    """

    key: SeriesKey
    horizon: str
    estimand: str
    log: float
    deviation: float
    freedom: float
    statistic: float
    days: Ints
    standardised: Floats
    onset_day: int
    reach: float
    base_days: int
    refusal: str = ""

    @property
    def name(self) -> str:
        """The indicator and its entity."""
        return f"{self.key.indicator}{' ' + self.key.entity if self.key.entity else ''}"


def judged(asked: Asked, found: Found) -> Judged:
    """The row of one horizon and estimand, or why it cannot be compared with others."""
    if not found.effects:
        return _refused(asked, found, "not estimable")
    effect = rows.envelope(found.effects)
    if verdicts.few_units(effect, asked.series.key.scale) or min(effect.ratio, effect.ratio_low) <= 0:
        return _refused(asked, found, "one-sided: no ratio with two ends")
    if effect.placebos is None or not np.isfinite(effect.placebos.deviation) or effect.placebos.freedom <= 0:
        return _refused(asked, found, f"{asked.estimator.name} gives no placebos in time here")
    days, standardised = _by_day(asked, found, effect)
    deviation, statistic = _errors(effect)
    if deviation < LEAST:
        return _refused(asked, found, "its range has no width: a series that hardly changes shows no error of its own")
    seen = np.isfinite(asked.series.values[asked.cc][: asked.base_end(found.estimand)])
    return Judged(
        key=asked.series.key,
        horizon=found.window.horizon,
        estimand=found.estimand,
        log=float(np.log(effect.ratio)),
        deviation=deviation,
        freedom=effect.placebos.freedom,
        statistic=statistic,
        days=days,
        standardised=standardised,
        onset_day=(asked.series.time(asked.onset) - EPOCH) // DAY,
        reach=max((asked.gap + found.window.steps) * asked.series.step / DAY, 1.0),
        base_days=int(seen.sum() * asked.series.step / DAY),
    )


def _errors(effect: Effect) -> tuple[float, float]:
    """Standard error and statistic that the printed interval stands for, whatever widened it.

    The statistic goes by the end nearer to 1, so that p is below 5 % where the 95 % interval leaves 1 out.
    """
    assert effect.placebos is not None  # noqa: S101 - the caller has looked
    log, low, high = np.log([effect.ratio, effect.ratio_low, effect.ratio_high])
    quantile = float(stdtrit(effect.placebos.freedom, 0.5 + LEVEL / 2))
    near = max(log - low if log > 0 else high - log, 1e-12)
    return float(max(log - low, high - log)) / quantile, float(abs(log) / near) * quantile


def _by_day(asked: Asked, found: Found, effect: Effect) -> tuple[Ints, Floats]:
    """Placebos by the day on which their question's onset would have been, one a day: at the onset's time of day."""
    assert effect.placebos is not None  # noqa: S101 - the caller has looked
    series, start = asked.series, found.window.onset
    onsets = effect.placebos.starts - (start - asked.onset)
    per_day = max(DAY // series.step, 1)
    kept = (onsets - asked.onset) % per_day == 0 if series.step < DAY else np.ones(onsets.size, bool)
    first = (series.start - EPOCH) / timedelta(seconds=1)
    seconds = first + onsets[kept] * (series.step / timedelta(seconds=1))
    return (seconds // DAY.total_seconds()).astype(np.int64), effect.placebos.standardised[kept]


def _refused(asked: Asked, found: Found, why: str) -> Judged:
    return empty(asked.series.key, found.window.horizon, found.estimand, why)


def empty(key: SeriesKey, horizon: str, estimand: str, why: str) -> Judged:
    """A row that enters nothing, with the reason."""
    nan = float("nan")
    none = (np.empty(0, dtype=np.int64), np.empty(0))
    return Judged(key, horizon, estimand, nan, nan, nan, nan, *none, 0, 1.0, 0, why)


def by_date(given: Sequence[Judged], *, to_onset: bool = False) -> Floats:
    """(N, M) standardised placebo errors, a row per day that any has, NaN where one lacks it.

    to_onset: days are counted from each one's own onset, for events of different dates: errors of one and the same
    date then stand in one row only where the events began on one and the same date.
    """
    days = [j.days - j.onset_day * to_onset for j in given]
    every = np.unique(np.concatenate(days)) if days else np.empty(0, dtype=np.int64)
    table = np.full((every.size, len(given)), np.nan)
    for k, (at, row) in enumerate(zip(days, given, strict=True)):
        table[np.searchsorted(every, at), k] = row.standardised
    return table
