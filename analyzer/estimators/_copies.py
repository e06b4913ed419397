"""Donors that are the treated series under another name: they carry the effect, and would explain it away.

A donor that shares what moves all series still has noise of its own, counting noise at least.  One whose every step
follows the treated series' steps, in the base and in the window alike, has none: it is a copy, a rescaling, or a total
that is made of little else.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from analyzer.estimators._donors import Donors
    from analyzer.estimators._events import Base
    from analyzer.estimators._inputs import Bools, Question
    from analyzer.records import Floats

FOLLOWS = 0.9985  # correlation of steps; direct users of Tor in Canada and the United States, 2010, reach 0.997
FEWEST = 20  # steps of the base, season's means apart; fewer correlate by chance
STAYS = 3.0  # residual deviations of the base within which the donor follows the window as well


def left_out(donors: Donors, base: Base, question: Question) -> Donors:
    """The donors without copies of the treated series, each named in a warning."""
    inside = np.zeros(question.y.size, bool)
    inside[base.start + 1 : base.end] = True
    inside &= ~base.masked
    season = question.season if question.season < base.length else 1
    steps = _steps(question.y, inside, season)
    copies = [
        k
        for k, j in enumerate(donors.kept)
        if _is_copy(steps, _steps(question.donors[:, j], inside, season), inside, question.window)
    ]
    if not copies:
        return donors
    rest = [k for k in range(len(donors.kept)) if k not in copies]
    said = tuple(f"donor {donors.kept[k]} is left out: it repeats the treated series step by step" for k in copies)
    return replace(
        donors, z=donors.z[:, rest], kept=tuple(donors.kept[k] for k in rest), warnings=(*donors.warnings, *said)
    )


def _steps(values: Floats, inside: Bools, season: int) -> Floats:
    """(T,) change of the log from the step before, without the usual change of its phase in the base."""
    positive = values[values > 0]
    z = np.log(values + 0.01 * float(np.median(positive))) if positive.size else np.full(values.size, np.nan)
    change = np.concatenate([[np.nan], np.diff(z)])
    phase = np.arange(values.size) % season
    known = inside & np.isfinite(change)
    count = np.bincount(phase[known], minlength=season)
    mean = np.bincount(phase[known], change[known], minlength=season) / np.maximum(count, 1)
    return np.asarray(np.where(count[phase] > 1, change - mean[phase], np.nan))


def _is_copy(y: Floats, donor: Floats, inside: Bools, window: slice) -> bool:
    known = inside & np.isfinite(y) & np.isfinite(donor)
    a, b = y[known], donor[known]
    if known.sum() < FEWEST or not a.any() or not b.any():
        return False
    slope = float(a @ b / (b @ b))
    rest = a - slope * b
    if 1 - float(rest @ rest / (a @ a)) < FOLLOWS**2:
        return False
    later = (y - slope * donor)[window]
    later = later[np.isfinite(later)]
    usual = float(np.sqrt(np.mean(rest**2)))
    return not later.size or float(np.sqrt(np.mean(later**2))) <= STAYS * usual + 1e-3 * float(np.sqrt(np.mean(a**2)))
