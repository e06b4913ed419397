"""What the checks of one series look at: its window, other windows, other ways to form its level, other series."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from analyzer.checks import Evidence, said
from analyzer.errors import NotEnoughData
from analyzer.panel import DONOR_QUIET
from analyzer.places import UNKNOWN, WORLD
from analyzer.records import Effect, Specification, Verified
from analyzer.registry import load
from analyzer.study import composed, placebo_series, tools
from analyzer.study.asked import Asked
from analyzer.study.at_hand import AtHand
from analyzer.study.effects import ALREADY_MOVED, Found, alone, compared, find, panel_of, under
from analyzer.study.reasons import touching_events
from analyzer.study.situation import ONE_DAY
from analyzer.study.wording import moment


@dataclass(frozen=True, slots=True)
class Beside:
    """What is known beside the series: the store's other series of the country, whether the block is verified."""

    at_hand: AtHand | None = None
    verified: Verified | None = None


def evidence_of(asked: Asked, headline: Found, beside: Beside) -> Evidence:
    """The evidence on the headline's window."""
    series, steps = asked.series, headline.window.steps
    provisional = series.provisional_from.get(asked.cc)
    effect = headline.effects[len(headline.effects) // 2]
    key = series.key
    return Evidence(
        horizon=headline.window.horizon,
        cc=asked.cc,
        effect=effect,
        y=series.values[asked.cc],
        quality=series.quality[asked.cc],
        onset=asked.onset,
        steps=steps,
        gap=asked.gap,
        alone=_once(lambda cc, onset: alone(asked, cc, onset, steps)),
        others=_comparable(asked, steps),
        day=lambda step: moment(series, step),
        provisional_from=None if provisional is None else series.index(provisional),
        overlaps=touching_events(asked, steps),
        compared=lambda name: compared(asked, load("estimators", name), steps),
        estimator=asked.estimator.name,
        under=_once(partial(_under, asked, headline)),
        indicator=key.indicator,
        entity=key.entity,
        scale=key.scale,
        block=asked.known,
        daily=series.step == ONE_DAY,
        donors=headline.panel.constituents if headline.panel else (),
        excluded=asked.excluded,
        placebo_indicators=_where(beside.at_hand, lambda at: placebo_series.effects(asked, at, steps)),
        verified=beside.verified,
        tool=_where(beside.at_hand, lambda at: tools.of(asked, at, steps)) if tools.is_tool(key) else None,
        composition=partial(composed.of, asked, headline, beside.at_hand) if key.scale == "share" else None,
        denominators=beside.at_hand.denominators() if beside.at_hand else (),
    )


def _where(at_hand: AtHand | None, ask: Callable[[AtHand], Any]) -> Callable[[], Any] | None:
    return None if at_hand is None else partial(ask, at_hand)


def _once(ask: Callable[..., Effect]) -> Callable[..., Effect]:
    """Each question once: the effect, or the refusal, is kept."""
    known: dict[Any, Effect | NotEnoughData] = {}

    def answered(*question: Any) -> Effect:
        if question not in known:
            try:
                known[question] = ask(*question)
            except (NotEnoughData, ValueError) as error:
                known[question] = NotEnoughData(str(error))
        effect = known[question]
        if isinstance(effect, NotEnoughData):
            raise effect
        return effect

    return answered


def _under(asked: Asked, headline: Found, specification: Specification) -> Effect:
    """The window under another specification, with what the headline's own answer spares.

    Where the steps kept out had not moved off its base they are not looked at again with every other; its panel serves
    again where only the base differs.
    """
    moved = any(ALREADY_MOVED in e.warnings for e in headline.effects)
    same = replace(specification, base_days=None, weekends=True) == asked.specification
    panel = headline.panel if same and len(headline.effects) == 1 else None
    return under(asked, specification, headline.window.steps, moved=moved, panel=panel)


def with_listed(asked: Asked, found: Found) -> str:
    """The estimate with the donors that are listed as no control, in short; '' where that changes no donor."""
    if not asked.excluded or not found.effects or found.panel is None or asked.estimator.name != "replay":
        return ""
    back = replace(asked, specification=replace(asked.specification, exclusions=False))
    try:
        panel = panel_of(back, asked.onset, found.window, found.estimand)
    except NotEnoughData:
        return ""
    if panel.constituents == found.panel.constituents:
        return ""
    again = find(back, found.window, found.estimand, [asked.onset])
    shown = said(again.effects[0]) if again.effects else f"no estimate ({again.refusal})"
    return "with listed donors back in: " + shown


def _comparable(asked: Asked, steps: int) -> tuple[str, ...]:
    """Countries that could be donors by their events: quiet before onset and in the window; largest first."""
    quiet = (asked.onset - DONOR_QUIET * asked.panel_series.per_day, asked.onset + steps)
    sizes: Mapping[str, float] = {
        cc: float(np.nanmedian(y[: asked.onset]))
        for cc, y in asked.series.values.items()
        if cc not in (asked.cc, WORLD, UNKNOWN)
        and np.isfinite(y[: asked.onset]).any()
        and not any(a < quiet[1] and b > quiet[0] for a, b in asked.panel_series.events.get(cc, ()))
    }
    return tuple(sorted(sizes, key=lambda cc: (-sizes[cc], cc)))
