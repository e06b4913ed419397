"""What is asked of one series: the event, where it stands on the axis, what is known around it."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import Literal

from analyzer.blocks import Catalogue
from analyzer.errors import NotEnoughData
from analyzer.estimators import Estimator, chain_start, placebo_errors
from analyzer.estimators.replay import ESTIMATOR as REPLAY
from analyzer.panel import Series, lend_pool
from analyzer.places import WORLD
from analyzer.records import Block, Pool, Specification
from analyzer.study import situation
from analyzer.study.series import Aligned

Estimand = Literal["no_block_since_base", "just_before"]
USUAL = Specification()


@dataclass(frozen=True, slots=True)
class Lender:
    """Placebo errors of all countries, per onset and horizon; the same for every country that borrows them."""

    series: Series
    season: int = 7
    known: dict[tuple[int, int], Pool | None] = field(default_factory=dict)

    def pool(self, onset: int, horizon: int) -> Pool | None:
        """Errors of windows of that length before a step; None where too few series can lend."""
        if (onset, horizon) not in self.known:
            self.known[onset, horizon] = self._lent(onset, horizon)
        return self.known[onset, horizon]

    def _lent(self, onset: int, horizon: int) -> Pool | None:
        if len(self.series.names) < 2 or onset < 1:
            return None
        try:
            return lend_pool(self.series, self._any(), onset, horizon, partial(placebo_errors, season=self.season))
        except NotEnoughData:
            return None

    def _any(self) -> str:
        """The series whose artefacts are set aside with the others'; the world where it is there."""
        return WORLD if WORLD in self.series.names else self.series.names[0]


@dataclass(frozen=True, slots=True)
class Asked:
    """One event on one series, with what is known around it."""

    catalogue: Catalogue
    block: Block
    series: Aligned
    panel_series: Series
    onset: int
    known: Block | None  # the block meant: for a bare date the one the catalogue has at that date
    lender: Lender
    estimator: Estimator = REPLAY
    specification: Specification = USUAL
    week: int = 0  # days of the working week, where the axis holds no others

    @property
    def cc(self) -> str:
        """The country asked about."""
        return self.block.cc

    @property
    def gap(self) -> int:
        """Steps before onset that are kept out of the base."""
        if self.specification.gap_days is None:
            return situation.gap(self.series, self.cc, self.onset)
        return max(self.specification.gap_days * situation.ONE_DAY // self.series.step, self.exposed)

    @property
    def excluded(self) -> dict[str, str]:
        """Countries that are listed as no control for this one, with the reason; {} where the list is not applied."""
        if not self.specification.exclusions:
            return {}
        first, last = self.series.start.date(), self.series.time(self.series.length).date()
        return self.catalogue.excluded_donors(self.cc, self.series.key.indicator, first, last)

    @property
    def exposed(self) -> int:
        """1 where the step before onset is partly exposed, else 0."""
        return int(self.block.onset_earliest < self.series.time(self.onset))

    @property
    def season(self) -> int:
        """Steps of the season."""
        return self.week or situation.season(self.series)

    def base_end(self, estimand: Estimand) -> int:
        """First step that is not part of the base."""
        events = self.panel_series.events[self.cc]
        last = chain_start(events, self.onset, self.season) if estimand == "no_block_since_base" else self.onset
        return max(last - self.gap, 0)


def asked_of(
    catalogue: Catalogue,
    block: Block,
    series: Aligned,
    onset: int,
    lender: Lender | None = None,
    *,
    estimator: Estimator = REPLAY,
    specification: Specification = USUAL,
) -> Asked:
    """The event on the series; a lender is shared by questions about one series."""
    known = situation.meant(catalogue, block)
    events = {**situation.country_events(catalogue, series)}
    artefacts = situation.artefacts_of(series)
    per_day = situation.per_day(series)
    lender = lender or Lender(Series.of(series.values, events, artefacts, per_day), situation.season(series))
    events[block.cc] = situation.other_events(catalogue, known or block, series)
    panel_series = Series.of(series.values, events, artefacts, per_day)
    return Asked(catalogue, block, series, panel_series, onset, known, lender, estimator, specification)


def estimands(asked: Asked) -> tuple[Estimand, ...]:
    """Both where a chain of earlier blocks runs into this one, else the first: the two are then the same question."""
    chained = chain_start(asked.panel_series.events[asked.cc], asked.onset, asked.season) < asked.onset
    return ("no_block_since_base", "just_before") if chained else ("no_block_since_base",)
