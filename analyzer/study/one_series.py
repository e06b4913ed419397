"""One event on one series: a row per horizon and estimand, the checks, the view for figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np

from analyzer import verdicts
from analyzer.blocks import Catalogue
from analyzer.checks import Evidence
from analyzer.errors import NotEnoughData
from analyzer.estimators import Change
from analyzer.panel import DONOR_QUIET
from analyzer.places import UNKNOWN, WORLD
from analyzer.records import (
    Attribution,
    Block,
    Check,
    Effect,
    Estimate,
    PublisherRow,
    SeriesShape,
    SeriesView,
)
from analyzer.registry import load, load_all
from analyzer.study import rows
from analyzer.study.asked import Asked, asked_of, estimands
from analyzer.study.effects import Found, alone, compared, find, under
from analyzer.study.heading import heading_of
from analyzer.study.horizons import Window, of_series, onset_steps, window, words
from analyzer.study.judged import Judged, judged
from analyzer.study.located import located
from analyzer.study.publisher import publisher_rule
from analyzer.study.reasons import changed_on, reach, reasons, touching_events
from analyzer.study.series import Aligned
from analyzer.study.shapes import Wanted, shape_of_series
from analyzer.study.view import view_of
from analyzer.study.wording import moment

_OUTAGES = ("control", "control_outage")  # kinds of the catalogue in which no access was blocked


@dataclass(frozen=True, slots=True)
class Answer:
    """What one series says about one event."""

    estimates: tuple[Estimate, ...]
    checks: tuple[Check, ...]
    view: SeriesView
    publisher_rule: tuple[PublisherRow, ...]
    snapshot_ids: tuple[str, ...]
    shapes: tuple[SeriesShape, ...]
    judged: tuple[Judged, ...] = ()  # one per estimate: what a combination and the count of all rows need


def answer(
    catalogue: Catalogue,
    block: Block,
    series: Aligned,
    horizons: Sequence[str],
    shapes: Wanted = "moved",
    *,
    estimator: str = "replay",
) -> Answer | None:
    """What a series says about an event; None where it does not reach the event at all."""
    onsets = [o for o in onset_steps(block, series) if o < series.length]
    if block.cc not in series.values or not onsets or onsets[0] <= 0:
        return None
    asked = asked_of(catalogue, block, series, onsets[0], estimator=load("estimators", estimator))
    windows = [window(h, block, series, onsets[0]) for h in of_series(horizons, series)]
    found = [find(asked, at, estimand, onsets) for estimand in estimands(asked) for at in windows]
    headline = _headline(found)
    checks = _checks(asked, headline) if headline else ()
    change = located(asked)
    short = _short_block(asked)
    estimates = tuple(_row(asked, f, checks, change, short) for f in found)
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


def _checks(asked: Asked, headline: Found) -> tuple[Check, ...]:
    evidence = _evidence(asked, headline)
    return tuple(rule.run(evidence) for rule in load_all("checks").values())


def _evidence(asked: Asked, headline: Found) -> Evidence:
    series, steps = asked.series, headline.window.steps
    known: dict[tuple[str, int], Effect | NotEnoughData] = {}

    def once(cc: str, onset: int) -> Effect:
        if (cc, onset) not in known:
            try:
                known[cc, onset] = alone(asked, cc, onset, steps)
            except (NotEnoughData, ValueError) as error:
                known[cc, onset] = NotEnoughData(str(error))
        effect = known[cc, onset]
        if isinstance(effect, NotEnoughData):
            raise effect
        return effect

    provisional = series.provisional_from.get(asked.cc)
    return Evidence(
        horizon=headline.window.horizon,
        cc=asked.cc,
        effect=headline.effects[len(headline.effects) // 2],
        y=series.values[asked.cc],
        quality=series.quality[asked.cc],
        onset=asked.onset,
        steps=steps,
        gap=asked.gap,
        alone=once,
        others=_comparable(asked, steps),
        day=lambda step: moment(series, step),
        provisional_from=None if provisional is None else series.index(provisional),
        overlaps=touching_events(asked, steps),
        compared=lambda name: compared(asked, load("estimators", name), steps),
        estimator=asked.estimator.name,
        under=lambda specification: under(asked, specification, steps),
    )


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


def _row(asked: Asked, found: Found, checks: Sequence[Check], change: Change | None, short: str) -> Estimate:
    heading = heading_of(asked, found)
    cause = _cause(asked, found, checks, change)
    if not found.effects:
        known = cause[0] in (
            "no_block_known",
            "other_cause",
        )  # known without an estimate: of the event, not of its size
        word: Attribution = cause[0] if known else "unclear"
        why = (found.refusal, *changed_on(asked, change), short, *(cause[1] if word == "other_cause" else ()))
        return rows.refused(heading, found.window.horizon, "; ".join(filter(None, why)), word)
    return rows.given(heading, found.window.horizon, found.effects, cause, [*reasons(asked, found, change), short])


def _cause(
    asked: Asked, found: Found, checks: Sequence[Check], change: Change | None
) -> tuple[Attribution, tuple[str, ...]]:
    moved = found.effects and verdicts.verdict(rows.envelope(found.effects), asked.series.key.scale) in ("rise", "fall")
    at = asked.series.time(change.step) if change else None
    if asked.block.kind in _OUTAGES:
        return "other_cause", (f"the catalogue lists this as {asked.block.kind}: no access was blocked",)
    rivals = _rivals(asked, reach(asked, found))
    if asked.known is None and (outages := _outages(asked, found)):
        return "other_cause", tuple(f"the catalogue lists {o.block_id} as {o.kind} at this time" for o in outages)
    return verdicts.attribution(asked.known, at, checks if moved else (), rivals)


def _outages(asked: Asked, found: Found) -> list[Block]:
    """Outages without a block that began within the window, or within its gap to the base."""
    start = asked.series.time(max(asked.onset - asked.gap, 0))
    end = asked.series.time(asked.onset + max(reach(asked, found), 1))
    listed = [b for b in asked.catalogue.events if b.kind in _OUTAGES and b.cc in (asked.cc, WORLD)]
    return [b for b in listed if start <= b.onset_earliest < end]


def _rivals(asked: Asked, steps: int) -> tuple[Block, ...]:
    """Other events that begin or end between the base and the window's end: they may have moved the series too."""
    start = asked.series.time(max(asked.onset - asked.gap, 0))
    end = asked.series.time(asked.onset + max(steps, 1))
    touching = (o.block for o in touching_events(asked, max(steps, 1)))
    return tuple(b for b in touching if b != asked.known and _moves_within(b, start, end))


def _moves_within(block: Block, start: datetime, end: datetime) -> bool:
    moments = (block.onset_earliest, block.end_latest)
    return any(m is not None and start <= m < end for m in moments)


def _short_block(asked: Asked) -> str:
    """How little of a step a block of known hours fills, and what change of its hours such a step could show."""
    block, step = asked.block, asked.series.step
    clocked = {block.start_precision, block.end_precision} <= {"minute", "hour"}
    if block.end_earliest is None or not clocked or not timedelta() < block.end_earliest - block.onset_earliest < step:
        return ""
    length = block.end_earliest - block.onset_earliest
    share = length / step
    text = f"{words(length)} of block are {100 * share:.3g} % of {words(step)}"
    one = find(asked, Window("", asked.onset, 1), "no_block_since_base", [asked.onset])
    if not one.effects or not np.isfinite(least := one.effects[0].minimum_detectable_ratio):
        return text
    inside = 1 + (least - 1) / share
    return (
        f"{text}: the smallest change such a step can show is x{least:.2f}, or x{inside:.1f} of the block's own hours"
    )
