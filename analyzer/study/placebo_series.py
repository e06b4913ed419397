"""The same window on series of the same country that the block should not move."""

from __future__ import annotations

from collections.abc import Mapping

from analyzer.blocks import expected_sign
from analyzer.blocks.tables import NON_EVENT_KINDS
from analyzer.checks import Possible
from analyzer.errors import NotEnoughData
from analyzer.indicators import type_of
from analyzer.records import Block
from analyzer.study.asked import Asked, asked_of
from analyzer.study.at_hand import AtHand
from analyzer.study.effects import alone
from analyzer.study.horizons import onset_steps, words
from analyzer.study.series import DECLARED, Aligned, SeriesKey

MOST = 20
# Without a network everything falls; where nothing was blocked there is nothing that a block should not move.
_MOVE_ALL = ("shutdown", "mobile_shutdown", "date", *NON_EVENT_KINDS)


def effects(asked: Asked, at_hand: AtHand, steps: int) -> Mapping[str, Possible]:
    """Per placebo series the effect over as long a window, without donors, or the reason why there is none."""
    length = steps * asked.series.step
    chosen = [key for key in at_hand.keys if is_placebo(key, asked.known) and _another(key, asked.series.key)][:MOST]
    found: dict[str, Possible] = {}
    for key in chosen:
        question = ("placebo", key, length, asked.block.block_id)
        if question not in at_hand.known:
            at_hand.known[question] = _effect(asked, at_hand.own(key), steps)
        found[name(key)] = at_hand.known[question]
    return found


def is_placebo(key: SeriesKey, block: Block | None) -> bool:
    """Whether a block should leave a series alone: declared so, or traffic as a whole while the network stays up."""
    if key.entity.startswith(DECLARED):
        return True
    if block is None or block.kind in _MOVE_ALL or type_of(key.indicator) != "traffic":
        return False
    return expected_sign(block.kind, key.indicator, block.services).sign == 0


def name(key: SeriesKey) -> str:
    """Indicator and entity."""
    return f"{key.indicator} {key.entity}".strip()


def _another(key: SeriesKey, asked: SeriesKey) -> bool:
    declared = key.entity.startswith(DECLARED) and not asked.entity.startswith(DECLARED)
    return key != asked and (declared or key.indicator != asked.indicator)


def _effect(asked: Asked, series: Aligned, steps: int) -> Possible:
    """The effect on the first steps after onset, as many as are as long as the window."""
    count, rest = divmod(steps * asked.series.step, series.step)
    if rest or not count:
        return f"a series in steps of {words(series.step)} has no window of that length"
    onset = onset_steps(asked.block, series)[0] if asked.cc in series.values else -1
    if not 0 < onset < series.length:
        return "the series does not reach the event"
    try:
        return alone(asked_of(asked.catalogue, asked.block, series, onset), asked.cc, onset, count)
    except (NotEnoughData, ValueError) as error:
        return str(error)
