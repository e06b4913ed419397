"""The effects of one event on one series: the path that every estimate, check and bench takes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from analyzer.errors import NotEnoughData
from analyzer.estimators import Estimator
from analyzer.estimators.replay import ESTIMATOR as REPLAY
from analyzer.panel import MOST_DONORS, Panel, build_panel
from analyzer.records import Effect, Specification
from analyzer.study import situation, specified, surroundings
from analyzer.study.asked import Asked, Estimand
from analyzer.study.horizons import Window
from analyzer.study.samples import as_shares, sampled
from analyzer.study.wording import in_words, unit

LEVEL = 0.95
MOST_INDIVIDUAL = 40  # a rank of 2.5 %; every one of them is fitted again as a placebo
# Of the interval that the steps kept out must leave to count as moved.  On Tor bridge users false positives after large
# moves were 19 % without this rule, 4.8, 6.1 and 7.9 % at 0.8, 0.85 and 0.9; lower ones widen quiet cases for nothing.
EARLY_MOVE_LEVEL = 0.85
ALREADY_MOVED = (
    "the series had already moved in the days kept out of the base: the range spans a base with and without them"
)


@dataclass(frozen=True, slots=True)
class Found:
    """The effects of one horizon and estimand, one per admissible onset, or the reason why there are none."""

    window: Window
    estimand: Estimand
    effects: tuple[Effect, ...]
    panel: Panel | None
    refusal: str


def find(asked: Asked, at: Window, estimand: Estimand, onsets: Sequence[int]) -> Found:
    """The effects of a window, or the reason in words why there are none."""
    if at.refusal:
        return Found(at, estimand, (), None, at.refusal)
    effects, panel = [], None
    try:
        for onset in onsets:
            panel = panel_of(asked, onset, at, estimand)
            effects.append(_effect(*specified.settled(asked, panel), estimand))
    except NotEnoughData as error:
        return Found(at, estimand, (), panel, _refusal(error, asked, at))
    return Found(at, estimand, tuple(effects), panel, "")


def alone(asked: Asked, cc: str, onset: int, steps: int) -> Effect:
    """The same question to one series without donors or a pool.  Raises NotEnoughData."""
    flags = surroundings.holiday_flags(asked.series, cc)
    panel = build_panel(asked.panel_series, cc, onset, steps, anticipation=asked.gap, holidays=flags, most_donors=0)
    return estimate(replace(asked, estimator=REPLAY), panel, "no_block_since_base")


def compared(asked: Asked, estimator: Estimator, steps: int) -> Effect:
    """The same question by another estimator; donors in `members` by name.  Raises NotEnoughData."""
    other = replace(asked, estimator=estimator)
    panel = panel_of(other, asked.onset, Window("", asked.onset, steps), "no_block_since_base")
    return named(estimate(other, panel, "no_block_since_base"), panel)


def under(
    asked: Asked, specification: Specification, steps: int, *, moved: bool = True, panel: Panel | None = None
) -> Effect:
    """The headline's window with its no-block level formed in another way.  Raises NotEnoughData.

    moved: whether the steps kept out of the base are looked at too, and spanned where they moved.  panel: of the
    window with its whole history, where the specification takes the same donors and masks.
    """
    other = replace(asked, specification=specification)
    if panel is None:
        panel = panel_of(other, asked.onset, Window("", asked.onset, steps), "no_block_since_base")
    else:
        panel = specified.shaped(other, panel)
    other, panel = specified.settled(other, panel)
    answer = _effect if moved else estimate
    return named(answer(other, panel, "no_block_since_base"), panel)


def named(effect: Effect, panel: Panel) -> Effect:
    """The effect with the weights of its donors under their names."""
    names = {f"donor {j}": name for j, name in enumerate(panel.donor_names)}
    return replace(effect, members={names.get(key, key): weight for key, weight in effect.members.items()})


def panel_of(asked: Asked, onset: int, at: Window, estimand: Estimand) -> Panel:
    start = at.onset if at.after_end else onset
    if asked.estimator is not REPLAY:
        return _individual(asked, start, at.steps, asked.gap + start - onset)
    # Ranks, shares, indices and levels of other countries have scales of their own: no donors, no lenders.
    counts = asked.series.key.scale == "count"
    panel = build_panel(
        specified.candidates(asked),
        asked.cc,
        start,
        at.steps,
        anticipation=asked.gap + start - onset,
        holidays=surroundings.holiday_flags(asked.series, asked.cc),
        most_donors=MOST_DONORS if counts and asked.specification.donors else 0,
    )
    if start > onset and estimand == "no_block_since_base" and asked.base_end(estimand) < onset - asked.gap:
        # The block itself is the last of the chain: the base ends where it does for the windows inside the block.
        panel = replace(panel, other_events=(*panel.other_events, (onset, start)), anticipation=asked.gap)
    panel = specified.shaped(asked, replace(panel, notes=(*panel.notes, *_clock_notes(asked, panel))))
    return replace(panel, pool=asked.lender.pool(start - panel.anticipation, at.steps)) if counts else panel


def _clock_notes(asked: Asked, panel: Panel) -> tuple[str, ...]:
    seen = np.flatnonzero(np.isfinite(panel.y[: panel.onset]))
    first = int(seen[0]) if seen.size else panel.onset
    moved = situation.clock_changes(asked.series, asked.cc, first, panel.onset + panel.horizon)
    days = ", ".join(f"{day:%Y-%m-%d}" for day in moved)
    notes = [f"clocks were moved on {days}: the cycle of the day is one of UTC hours"] if moved else []
    base, window = range(first, panel.onset - panel.anticipation), range(panel.onset, panel.onset + panel.horizon)
    if len(base) * asked.series.step < 2 * situation.ONE_WEEK and (
        new := situation.unseen_weekdays(asked.series, asked.cc, base, window)
    ):
        notes.append(
            f"no {' or '.join(new)} in the base: that such a day has its own level cannot be told from a change"
        )
    return tuple(notes)


def _individual(asked: Asked, onset: int, steps: int, anticipation: int) -> Panel:
    """The panel with every donor by itself, and nobody who lends errors: placebos are in space."""
    most = MOST_INDIVIDUAL if asked.series.key.scale == "count" else 0
    series = specified.candidates(asked)
    panel = build_panel(series, asked.cc, onset, steps, anticipation=anticipation, most_donors=most, individual=True)
    return specified.shaped(asked, panel)


def _effect(asked: Asked, panel: Panel, estimand: Estimand) -> Effect:
    """The effect with the errors that other countries lend; said where the series alone would not have been enough."""
    effect = estimate(asked, panel, estimand)
    if early := moved_before(asked, panel, estimand):
        later = panel.anticipation - asked.gap + asked.exposed
        taken_in = estimate(asked, replace(panel, anticipation=later), estimand)
        effect = spanned(effect, taken_in, from_level(effect, early.ratio))
    if panel.pool is None or effect.effective_replications >= 5:
        return effect
    return replace(effect, warnings=(*effect.warnings, "few windows of its own: errors lent by other countries"))


def moved_before(asked: Asked, panel: Panel, estimand: Estimand) -> Effect | None:
    """The move of the steps kept out of the base, where they already lie off the path that the base foretells."""
    start, steps = panel.onset - panel.anticipation, asked.gap - asked.exposed
    if steps < 1 or asked.base_end(estimand) != asked.onset - asked.gap:
        return None
    try:
        gap = replace(panel, onset=start, horizon=steps, anticipation=0, pool=None)
        moved = estimate(asked, gap, estimand, level=EARLY_MOVE_LEVEL)
    except NotEnoughData:
        return None
    return moved if moved.ratio > 0 and (moved.ratio_low > 1 or moved.ratio_high < 1) else None


def from_level(effect: Effect, moved: float) -> Effect:
    """The same effect measured from the level of the steps kept out, which lies `moved` times off the path."""
    low, high = effect.expected_low * moved, effect.expected_high * moved
    return replace(
        effect,
        expected_low=low,
        expected_high=high,
        ratio_low=effect.ratio_low / moved,
        ratio_high=effect.ratio_high / moved,
        excess_low=effect.observed - high,
        excess_high=effect.observed - low,
        expected_steps_low=effect.expected_steps_low * moved,
        expected_steps_high=effect.expected_steps_high * moved,
    )


def spanned(kept_out: Effect, *others: Effect) -> Effect:
    """A move before onset may be people who were warned, or have nothing to do with the block: the range holds both.

    Spanned are the base without the steps kept out, the base with them, and their own level going on as it is.
    """
    every = (kept_out, *others)
    return replace(
        kept_out,
        expected_low=min(e.expected_low for e in every),
        expected_high=max(e.expected_high for e in every),
        ratio_low=min(e.ratio_low for e in every),
        ratio_high=max(e.ratio_high for e in every),
        excess_low=min(e.excess_low for e in every),
        excess_high=max(e.excess_high for e in every),
        expected_steps_low=np.fmin.reduce([e.expected_steps_low for e in every]),
        expected_steps_high=np.fmax.reduce([e.expected_steps_high for e in every]),
        minimum_detectable_ratio=max(e.minimum_detectable_ratio for e in every),
        warnings=(*kept_out.warnings, ALREADY_MOVED),
    )


def estimate(asked: Asked, panel: Panel, estimand: Estimand, *, level: float = LEVEL) -> Effect:
    options: dict[str, Any] = {**panel.arguments(), "estimand": estimand, "level": level}
    options["season"] = asked.season
    options["scale"] = asked.series.key.scale
    if asked.series.key.scale in ("rank", "index"):
        options["censored"] = asked.series.censored[panel.cc]
    if asked.series.key.scale == "share":
        return _share_effect(asked, panel, options)
    return _answered(asked, options)


def _share_effect(asked: Asked, panel: Panel, options: dict[str, Any]) -> Effect:
    """The effect on a share, weighted by the sample behind each value where every value has one."""
    y, exposure, note = sampled(panel.y, asked.series.n[panel.cc])
    effect = _answered(asked, {**options, "y": y, "exposure": exposure})
    if exposure is None:
        return replace(effect, warnings=(*effect.warnings, note)) if note else effect
    window = slice(panel.onset, panel.onset + panel.horizon)
    return as_shares(effect, panel.y[window], exposure[window])


def _answered(asked: Asked, options: dict[str, Any]) -> Effect:
    """The estimator's answer; values that the scale does not have (a share of 40, a rank of 0) are a refusal of it."""
    try:
        return asked.estimator.run(**options)
    except NotEnoughData:
        raise
    except ValueError as error:
        raise NotEnoughData(str(error)) from error


def _refusal(error: NotEnoughData, asked: Asked, at: Window) -> str:
    """Why there is no estimate, in days; and whether the series simply ends."""
    reach = asked.series.length - asked.onset
    ends = f"; the series ends {reach} {unit(asked.series)} after onset" if at.steps > reach else ""
    return in_words(str(error), asked.series) + ends
