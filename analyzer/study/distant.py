"""Windows far from onset against the base before it: for shapes and repeated blocks."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from analyzer.panel import Panel, build_panel
from analyzer.records import Effect
from analyzer.study.asked import Asked, Estimand
from analyzer.study.effects import estimate, from_level, moved_before, panel_of, spanned
from analyzer.study.horizons import Window

if TYPE_CHECKING:
    from analyzer.records import Floats


@dataclass(frozen=True, slots=True)
class Distant:
    """Windows at any distance from onset, all against the one base that ends before onset."""

    asked: Asked
    estimand: Estimand
    start: Panel  # of the first steps after onset, as many as the windows whose errors other countries lend
    early: Effect | None  # the move of the steps kept out of the base, where they moved

    @classmethod
    def of(cls, asked: Asked, estimand: Estimand, lent: int) -> Distant:
        """lent: steps of the windows.  Raises NotEnoughData where not even the first of them can be asked about."""
        panel = panel_of(asked, asked.onset, Window("", asked.onset, lent), estimand)
        return cls(asked, estimand, panel, moved_before(asked, panel, estimand))

    def level(self, start: int, steps: int) -> Effect:
        """The effect over `steps` steps from `start` steps after onset; before it where start is negative.

        Raises NotEnoughData, also where a listed change of level lies between onset and the window.
        """
        asked, first = self.asked, min(self.asked.onset, self.asked.onset + start)
        # Refuses a window beyond a change of level; donors stay those of the first window, so that levels compare.
        build_panel(asked.panel_series, asked.cc, first, max(start, 0) + steps, most_donors=0)
        panel = self._moved(self.start, start, steps)
        if start < 0:
            return estimate(asked, replace(panel, pool=None), self.estimand)
        effect = estimate(asked, panel, self.estimand)
        if self.early is None:
            return effect
        taken_in = replace(panel, anticipation=start + asked.exposed)
        return spanned(effect, estimate(asked, taken_in, self.estimand), from_level(effect, self.early.ratio))

    @property
    def y(self) -> Floats:
        """The series with listed artefacts before onset set aside."""
        return self.start.y

    @property
    def base(self) -> Floats:
        """The steps before the base's end, those of other events NaN."""
        base = self.start.y[: self.asked.base_end(self.estimand)].copy()
        for first, last in self.start.other_events:
            base[max(first, 0) : max(last, 0)] = np.nan
        return base

    def _moved(self, panel: Panel, start: int, steps: int) -> Panel:
        """The same panel asked about a window further on; events in between are part of what is asked."""
        first, end = self.asked.onset + start, self.asked.base_end(self.estimand)
        apart = tuple(event for event in panel.other_events if event[0] < end or event[0] >= first)
        return replace(panel, onset=first, horizon=steps, anticipation=first - end, other_events=apart)
