"""The question with its regularities taken out: season, holidays, what earlier events left, wild steps, donors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from analyzer.estimators import _calendar, _copies, _donors, _events, _scales
from analyzer.estimators._inputs import Question, require_base
from analyzer.estimators._scales import Measure, measure

if TYPE_CHECKING:
    from analyzer.estimators._events import Base
    from analyzer.estimators._inputs import Bools
    from analyzer.records import Floats


@dataclass(frozen=True, slots=True)
class Setting:
    """The question with its regularities taken out."""

    question: Question
    base: Base
    measure: Measure
    season: int
    factors: Floats  # (T,) season, holidays and leftovers per step, on the modelling scale
    z: Floats  # (base.end,) the base without them, wild steps clipped
    wild: Floats  # (base.end,) what single wild steps stand out by
    seen: Bools  # (base.end,)
    usable: Bools  # (T,) steps that may enter window totals
    donors: _donors.Donors
    leftover_variance: float  # of what earlier events left and of holidays in the window
    warnings: tuple[str, ...]


def setting_of(question: Question, base: Base) -> Setting:
    """The regularities of the base: season, holidays, what earlier events left; wild steps, donors, what to say."""
    season, notes = _season(question.season, base.length + question.anticipation)
    measured = measure(question)
    link = np.where(base.masked, np.nan, measured.link())
    known = link[: base.end]
    cycle = _calendar.seasonal_factors(known, season)[np.arange(link.size) % season]
    if 1 < season < question.season and base.length + question.anticipation >= 2 * question.season:
        # Two weeks tell the days of the week apart before they tell each of its hours.
        cycle = cycle + _day_levels(known - cycle[: base.end], question.season)[np.arange(link.size) % question.season]
    holiday = _calendar.holiday_effects(known - cycle[: base.end], cycle, question.holidays, question.window)
    factors = cycle + holiday.path
    there = np.isfinite(link)
    bare = np.where(there, link - factors, 0.0)
    left = _events.leftovers(bare, there, base, question.window)
    factors = factors + left.path
    raw = (link - factors)[: base.end]
    factors = factors + measured.path()
    z = _calendar.clip_wild_steps(raw)
    seen = np.isfinite(z)
    require_base(np.ones(seen.size), seen)  # a share also needs its denominators
    wild = _calendar.wild_steps(raw)
    donors = _copies.left_out(_donors.usable(question, base, int(seen.sum())), base, question)
    said = _scales.notes(question, measured, slice(base.start, base.end))
    warnings = (*notes, *said, *holiday.warnings, *base.warnings, *left.warnings)
    return Setting(
        question=question,
        base=base,
        measure=measured,
        season=season,
        factors=factors,
        z=np.where(seen, z, 0.0),
        wild=wild,
        seen=seen,
        usable=~base.masked,
        donors=donors,
        leftover_variance=left.variance + holiday.variance,
        warnings=warnings,
    )


def _season(season: int, history: int) -> tuple[int, tuple[str, ...]]:
    """The season that the steps before onset can show, and what is said of it."""
    notes: tuple[str, ...] = ()
    if season % 7 == 0 and season >= 4 * 7 and history < 3 * season:  # a week of hours, or of other parts of a day
        season = season // 7
        notes = ("less than three weeks before onset: the cycle of the day is used, not that of the week",)
    if season > 1 and history < 2 * season:
        return 1, (f"less than two seasons of {season} steps before onset: no seasonal cycle is taken out",)
    return season, notes


def _day_levels(z: Floats, week: int) -> Floats:
    """(week,) the level of each seventh of a week, shrunk by its own noise."""
    day = week // 7
    parts = np.concatenate([z, np.full(-z.size % day, np.nan)]).reshape(-1, day)
    known = np.isfinite(parts)
    mean = np.where(known, parts, 0.0).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
    return np.repeat(_calendar.seasonal_factors(np.where(known.any(axis=1), mean, np.nan), 7), day)
