"""Did connectivity and traffic of a country fall while a block lasted?"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from analyzer.blocks import Catalogue
from analyzer.checks import said
from analyzer.records import Block, Effect
from analyzer.study.asked import asked_of
from analyzer.study.at_hand import AtHand
from analyzer.study.effects import find
from analyzer.study.horizons import Window, words
from analyzer.study.series import Aligned, SeriesKey

INDICATORS = ("ioda.connectivity", "radar.traffic", "google.traffic")
LIKE = ".connectivity"  # indicators of a user's own that end so measure the same
CUTS = ("shutdown", "mobile_shutdown")
CLEAR = 0.8  # of the level expected; a fall by a fifth and an interval below nine tenths is no ordinary day
CLEAR_HIGH = 0.9
STAYED = 0.9  # lower bound above which a nationwide cut is not seen
# Cuts of mobile data alone leave fixed networks up; behind carriers' address translation active probing misses them
# (Padmanabhan et al. 2021).
MISSES_MOBILE = ("ioda.connectivity",)
# A base holds few windows of two weeks, of hours fewer still: the first of these that can be estimated.
_LENGTHS = (timedelta(days=14), timedelta(days=7), timedelta(days=3), timedelta(days=1), timedelta(hours=6))


@dataclass(frozen=True, slots=True)
class Fall:
    """The level of one series while a block lasted against what would have been expected."""

    key: SeriesKey
    effect: Effect | None
    steps: int
    note: str  # length of the window, or why there is no estimate
    whole: bool = True  # False where the block is shorter than the step that holds it

    @property
    def fell(self) -> bool:
        """The whole interval lies below 1."""
        return self.effect is not None and self.effect.ratio_high < 1

    @property
    def clear(self) -> bool:
        """It fell by a fifth or more, and by a tenth for certain."""
        return self.effect is not None and self.effect.ratio <= CLEAR and self.effect.ratio_high < CLEAR_HIGH

    @property
    def stayed(self) -> bool:
        """A fall by a tenth is ruled out, in steps that the block fills."""
        return self.whole and self.effect is not None and self.effect.ratio_low > STAYED

    @property
    def misses_mobile(self) -> bool:
        """Whether a cut of mobile data alone may leave it as it is."""
        return self.key.indicator in MISSES_MOBILE

    @property
    def sentence(self) -> str:
        """In words."""
        name = f"{self.key.indicator} {self.key.entity}".strip()
        return f"{name}: {self.note}" if self.effect is None else f"{name} {said(self.effect)} over {self.note}"

    def row(self) -> dict[str, Any]:
        """For the table: expected level before, level during, per step."""
        effect, count = self.effect, max(self.steps, 1)
        return {
            "indicator": self.key.indicator,
            "entity": self.key.entity,
            "before": effect.expected / count if effect else None,
            "during": effect.observed / count if effect else None,
            "low": effect.ratio_low if effect else None,
            "high": effect.ratio_high if effect else None,
            "n": self.steps,
            "n_before": None,
        }


def falls(catalogue: Catalogue, block: Block, at_hand: AtHand, longest: timedelta) -> tuple[Fall, ...]:
    """One per series of connectivity or traffic that reaches the block."""
    keys = [k for k in at_hand.keys if k.asn == 0 and (k.indicator in INDICATORS or k.indicator.endswith(LIKE))]
    own = {"youtube", "google_services"} & set(block.services)  # a fall of Google's own traffic is that block itself
    kept = [k for k in keys if not (k.indicator == "google.traffic" and own)]
    # Blocks of services leave the level of the whole network alone: only other cuts are kept out of its base.
    cuts = replace(catalogue, blocks=tuple(b for b in catalogue.blocks if b.kind in CUTS))
    found = (_fall(cuts, block, at_hand.own(key), key, longest) for key in kept)
    return tuple(f for f in found if f is not None)


def _fall(catalogue: Catalogue, block: Block, series: Aligned, key: SeriesKey, longest: timedelta) -> Fall | None:
    if block.cc not in series.values:
        return None
    onset, most, whole = _window(block, series, longest)
    if not 0 < onset < series.length:
        return None
    asked = asked_of(catalogue, block, series, onset)
    refusal = ""
    for steps in _steps(most, series.step):
        answer = find(asked, Window("", onset, steps), "no_block_since_base", [onset])
        if answer.effects:
            length = words(steps * series.step)
            length = f"the first {length}" if whole else f"{length} that holds the block"
            return Fall(key, answer.effects[0], steps, length, whole)
        refusal = refusal or answer.refusal
    return Fall(key, None, 0, f"no estimate ({refusal})")


def _window(block: Block, series: Aligned, longest: timedelta) -> tuple[int, int, bool]:
    """First step and number of steps of the block's own time; False where only a step that holds it can be taken."""
    onset = series.index(_start(block))
    end = min(block.end_earliest or _start(block) + longest, _start(block) + longest)
    steps = (end - series.time(onset)) // series.step
    return (onset, steps, True) if steps >= 1 else (onset - 1, 1, False)


def _start(block: Block) -> datetime:
    return block.onset_latest if block.start_precision in ("week", "month") else block.onset_earliest


def _steps(most: int, step: timedelta) -> list[int]:
    """Lengths to ask for, longest first, none longer than the block's own time."""
    wanted = [most, *(length // step for length in _LENGTHS)]
    return sorted({s for s in wanted if 1 <= s <= most}, reverse=True)
