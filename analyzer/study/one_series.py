"""One event on one series: a row per horizon and estimand, the checks, the view for figures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import numpy as np

from analyzer import verdicts
from analyzer.blocks import Catalogue
from analyzer.records import (
    Block,
    Breakdown,
    Check,
    Estimate,
    PublisherRow,
    SeriesShape,
    SeriesView,
    Specification,
    Verified,
)
from analyzer.registry import load, load_all
from analyzer.study import rows
from analyzer.study.asked import USUAL, Asked, asked_of, estimands
from analyzer.study.at_hand import AtHand
from analyzer.study.cause import Known, cause, shown_without_estimate
from analyzer.study.composed import no_verdict
from analyzer.study.effects import Found, find
from analyzer.study.evidence import Beside, evidence_of, with_listed
from analyzer.study.heading import heading_of
from analyzer.study.horizons import Window, of_series, onset_steps, window, words
from analyzer.study.judged import Judged, judged
from analyzer.study.located import located
from analyzer.study.matched import breakdowns
from analyzer.study.publisher import publisher_rule
from analyzer.study.reasons import changed_on, reasons
from analyzer.study.series import Aligned
from analyzer.study.shapes import Wanted, shape_of_series
from analyzer.study.view import view_of


@dataclass(frozen=True, slots=True)
class Answer:
    """What one series says about one event."""

    estimates: tuple[Estimate, ...]
    checks: tuple[Check, ...]
    view: SeriesView
    publisher_rule: tuple[PublisherRow, ...]
    snapshot_ids: tuple[str, ...]
    shapes: tuple[SeriesShape, ...]
    breakdowns: tuple[Breakdown, ...] = ()
    judged: tuple[Judged, ...] = ()  # one per estimate: what a combination and the count of all rows need


def answer(
    catalogue: Catalogue,
    block: Block,
    series: Aligned,
    horizons: Sequence[str],
    shapes: Wanted = "moved",
    *,
    estimator: str = "replay",
    verified: Verified | None = None,
    specification: Specification = USUAL,
    smallest: float = verdicts.SMALLEST_EFFECT_OF_INTEREST,
    at_hand: AtHand | None = None,
) -> Answer | None:
    """What a series says about an event; None where it does not reach the event at all.

    verified: whether the block is, as far as the store can tell, None where nobody asked.  at_hand: the store's other
    series of the country.
    """
    onsets = [o for o in onset_steps(block, series) if o < series.length]
    if block.cc not in series.values or not onsets or onsets[0] <= 0:
        return None
    way: dict[str, Any] = {"estimator": load("estimators", estimator), "specification": specification}
    asked = asked_of(catalogue, block, series, onsets[0], smallest=smallest, **way)
    windows = [window(h, block, series, onsets[0]) for h in of_series(horizons, series)]
    found = [find(asked, at, estimand, onsets) for estimand in estimands(asked) for at in windows]
    headline = _headline(found)
    beside = Beside(at_hand, verified)
    evidence = evidence_of(asked, headline, beside) if headline else None
    checks = tuple(rule.run(evidence) for rule in load_all("checks").values()) if evidence else ()
    placebos = breakdowns(asked, headline, evidence.alone) if headline and evidence else ()
    known = Known(checks, located(asked), verified, placebos)
    short = _short_block(asked)
    estimates = tuple(_row(asked, f, known, short=short, beside=beside) for f in found)
    first, last = asked.onset - 1, asked.onset + 28
    return Answer(
        estimates=estimates,
        checks=tuple(replace(c, sentence=f"{_name(series)}, {headline.window.horizon}: {c.sentence}") for c in checks)
        if headline
        else (),
        view=view_of(asked, found),
        publisher_rule=publisher_rule(series, block.cc, first, last),
        snapshot_ids=series.snapshot_ids[block.cc],
        shapes=(shape_of_series(asked),) if _wants_shape(asked, headline, shapes) else (),
        breakdowns=placebos,
        judged=tuple(judged(asked, f) for f in found),
    )


def _wants_shape(asked: Asked, headline: Found | None, wanted: Wanted) -> bool:
    """A shape costs as much as the rest of the answer: without being asked for, only where something moved."""
    if wanted != "moved" or headline is None:
        return wanted == "all"
    return verdicts.verdict(rows.envelope(headline.effects), asked.series.key.scale) in ("rise", "fall")


def _name(series: Aligned) -> str:
    return f"{series.key.indicator}{' ' + series.key.entity if series.key.entity else ''}"


def _headline(found: Sequence[Found]) -> Found | None:
    able = {f.window.horizon: f for f in reversed(found) if f.effects and not f.window.after_end}
    return next((able[h] for h in (*verdicts.HEADLINE, *able) if h in able), None)


def _row(asked: Asked, found: Found, known: Known, *, short: str, beside: Beside) -> Estimate:
    heading = heading_of(asked, found, beside.verified)
    withheld = no_verdict(asked, found, beside.at_hand) if found.effects else ""
    why = cause(asked, found, replace(known, withheld=withheld))
    if not found.effects:
        word, said = shown_without_estimate(why)
        reasons_of = (found.refusal, *changed_on(asked, known.change), short, *said)
        return rows.refused(heading, found.window.horizon, "; ".join(filter(None, reasons_of)), word)
    notes = [*reasons(asked, found, known.change), with_listed(asked, found), short]
    return rows.given(heading, found.window.horizon, found.effects, why, notes, withheld=withheld)


def _short_block(asked: Asked) -> str:
    """How little of a step a block of known hours fills, and what change of its hours such a step could show."""
    block, step = asked.block, asked.series.step
    clocked = {block.start_precision, block.end_precision} <= {"minute", "hour"}
    if block.end_earliest is None or not clocked or not timedelta() < block.end_earliest - block.onset_earliest < step:
        return ""
    length = block.end_earliest - block.onset_earliest
    share = length / step
    what, own = ("the event", "its") if block.is_non_event else ("block", "the block's")
    text = f"{words(length)} of {what} are {100 * share:.3g} % of {words(step)}"
    one = find(asked, Window("", asked.onset, 1), "no_block_since_base", [asked.onset])
    if not one.effects or not np.isfinite(least := one.effects[0].minimum_detectable_ratio):
        return text
    inside = 1 + (least - 1) / share
    return f"{text}: the smallest change such a step can show is x{least:.2f}, or x{inside:.1f} of {own} own hours"
