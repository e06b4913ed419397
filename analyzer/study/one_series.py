"""One event on one series: a row per horizon and estimand, the checks, the view for figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np

from analyzer import verdicts
from analyzer.blocks import Catalogue, expected_sign, overlaps
from analyzer.checks import Evidence
from analyzer.errors import NotEnoughData
from analyzer.estimators.changes import Change, locate_change
from analyzer.panel import DONOR_QUIET, Panel
from analyzer.places import UNKNOWN, WORLD
from analyzer.records import (
    Attribution,
    Block,
    Check,
    Effect,
    Estimate,
    Overlap,
    PublisherRow,
    SeriesShape,
    SeriesView,
)
from analyzer.registry import load_all
from analyzer.study import rows, surroundings
from analyzer.study.effects import Asked, Found, alone, asked_of, estimands, find
from analyzer.study.horizons import exposure_hours, onset_steps, window
from analyzer.study.publisher import publisher_rule
from analyzer.study.series import Aligned
from analyzer.study.shapes import Wanted, shape_of_series
from analyzer.study.wording import moment, unit, without_donors

SHOWN_BEFORE = timedelta(days=84)
SHOWN_AFTER = timedelta(days=28)
CHANGE_SEARCH = timedelta(days=14)
MOST_NAMED = 6  # other blocks that a row names; all of them stand in the study


@dataclass(frozen=True, slots=True)
class Answer:
    """What one series says about one event."""

    estimates: tuple[Estimate, ...]
    checks: tuple[Check, ...]
    view: SeriesView
    publisher_rule: tuple[PublisherRow, ...]
    snapshot_ids: tuple[str, ...]
    shapes: tuple[SeriesShape, ...]


def answer(
    catalogue: Catalogue, block: Block, series: Aligned, horizons: Sequence[str], shapes: Wanted = "moved"
) -> Answer | None:
    """What a series says about an event; None where it does not reach the event at all."""
    onsets = [o for o in onset_steps(block, series) if o < series.length]
    if block.cc not in series.values or not onsets or onsets[0] <= 0:
        return None
    asked = asked_of(catalogue, block, series, onsets[0])
    windows = [window(h, block, series, onsets[0]) for h in horizons]
    found = [find(asked, at, estimand, onsets) for estimand in estimands(asked) for at in windows]
    headline = _headline(found)
    checks = _checks(asked, headline) if headline else ()
    change = _change(asked)
    estimates = tuple(_row(asked, f, checks, change) for f in found)
    first, last = asked.onset - 1, asked.onset + 28
    return Answer(
        estimates=estimates,
        checks=tuple(replace(c, sentence=f"{_name(series)}, {headline.window.horizon}: {c.sentence}") for c in checks)
        if headline
        else (),
        view=_view(asked, found),
        publisher_rule=publisher_rule(series, block.cc, first, last),
        snapshot_ids=series.snapshot_ids[block.cc],
        shapes=(shape_of_series(asked),) if _wants_shape(asked, headline, shapes) else (),
    )


def _wants_shape(asked: Asked, headline: Found | None, wanted: Wanted) -> bool:
    """A shape costs as much as the rest of the answer: without being asked for, only where something moved."""
    if wanted != "moved" or headline is None:
        return wanted == "all"
    return verdicts.verdict(rows.envelope(headline.effects), asked.series.key.scale) in ("rise", "fall")


def _name(series: Aligned) -> str:
    return f"{series.key.indicator}{' ' + series.key.entity if series.key.entity else ''}"


def _headline(found: Sequence[Found]) -> Found | None:
    able = {f.window.horizon: f for f in reversed(found) if f.effects}
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
        day=lambda step: series.time(step).date().isoformat(),
        provisional_from=None if provisional is None else series.index(provisional),
        overlaps=_touching(asked, steps),
    )


def _comparable(asked: Asked, steps: int) -> tuple[str, ...]:
    """Countries that could be donors by their events: quiet before onset and in the window; largest first."""
    quiet = (asked.onset - DONOR_QUIET, asked.onset + steps)
    sizes: Mapping[str, float] = {
        cc: float(np.nanmedian(y[: asked.onset]))
        for cc, y in asked.series.values.items()
        if cc not in (asked.cc, WORLD, UNKNOWN)
        and np.isfinite(y[: asked.onset]).any()
        and not any(a < quiet[1] and b > quiet[0] for a, b in asked.panel_series.events.get(cc, ()))
    }
    return tuple(sorted(sizes, key=lambda cc: (-sizes[cc], cc)))


def _touching(asked: Asked, steps: int, panel: Panel | None = None) -> tuple[Overlap, ...]:
    """Other events that touch the base (the whole history before onset unless a panel cut it) or the window."""
    y = asked.series.values[asked.cc] if panel is None else panel.y
    seen = np.flatnonzero(np.isfinite(y[: asked.onset]))
    first = int(seen[0]) if seen.size else max(asked.onset - asked.gap, 0)
    return overlaps(asked.catalogue, asked.block, asked.series.time(first), asked.series.time(asked.onset + steps))


def _change(asked: Asked) -> Change | None:
    """Where the series changed level around the onset, if it did."""
    search = max(CHANGE_SEARCH // asked.series.step, 3)
    y = asked.series.values[asked.cc]
    return locate_change(y, asked.onset, search, lead=search, season=asked.season)


def _row(asked: Asked, found: Found, checks: Sequence[Check], change: Change | None) -> Estimate:
    heading = _heading(asked, found)
    cause = _cause(asked, found, checks, change)
    if not found.effects:
        word: Attribution = cause[0] if cause[0] == "no_block_known" else "unclear"
        return rows.refused(heading, found.window.horizon, found.refusal, word)
    return rows.given(heading, found.window.horizon, found.effects, cause, _notes(asked, found, change))


def _cause(
    asked: Asked, found: Found, checks: Sequence[Check], change: Change | None
) -> tuple[Attribution, tuple[str, ...]]:
    moved = found.effects and verdicts.verdict(rows.envelope(found.effects), asked.series.key.scale) in ("rise", "fall")
    at = asked.series.time(change.step) if change else None
    if asked.block.kind in ("control", "control_outage"):
        return "other_cause", (f"the catalogue lists this as {asked.block.kind}: no access was blocked",)
    return verdicts.attribution(asked.known, at, checks if moved else (), _rivals(asked, found.window.steps))


def _rivals(asked: Asked, steps: int) -> tuple[Block, ...]:
    """Other events that begin or end between the base and the window's end: they may have moved the series too."""
    start = asked.series.time(max(asked.onset - asked.gap, 0))
    end = asked.series.time(asked.onset + max(steps, 1))
    touching = (o.block for o in _touching(asked, max(steps, 1)))
    return tuple(b for b in touching if b != asked.known and _moves_within(b, start, end))


def _moves_within(block: Block, start: datetime, end: datetime) -> bool:
    moments = (block.onset_earliest, block.end_latest)
    return any(m is not None and start <= m < end for m in moments)


def _notes(asked: Asked, found: Found, change: Change | None) -> list[str]:
    series, y = asked.series, asked.series.values[asked.cc]
    seen = int(np.isfinite(y[asked.onset : asked.onset + found.window.steps]).sum())
    notes = [f"{seen} of {found.window.steps} {unit(series)} observed", *_onset_step(asked)]
    if series.key.scale == "rank":
        notes.append("a smaller rank is a better place in the chart")
    if change is not None:
        notes.append(f"changed on {moment(series, change.step)} (x{change.ratio:.2f})")
    provisional = series.provisional_from.get(asked.cc)
    if provisional and series.time(asked.onset + found.window.steps) > provisional:
        notes.append(f"provisional: the source may still revise days from {provisional.date()} on")
    panel = found.panel
    warnings = [w for effect in found.effects for w in effect.warnings]
    names, said = (panel.donor_names, panel.notes) if panel else ((), ())
    return [
        *notes,
        *_direction(asked, found),
        *_overlapping(asked, found),
        *without_donors(warnings, names, series),
        *surroundings.notes(series, asked.cc, asked.onset, found.window.steps),
        *said,
    ]


def _direction(asked: Asked, found: Found) -> list[str]:
    """What the kind of block leads one to expect, beside a change; a contrary sign is a finding, not a fault."""
    moved = {"rise": 1, "fall": -1}.get(verdicts.verdict(rows.envelope(found.effects), asked.series.key.scale), 0)
    if asked.known is None or not moved:
        return []
    expected = expected_sign(asked.known.kind, asked.series.key.indicator, asked.known.services)
    if expected.sign == 0:
        return [f"no direction expected: {expected.reason}"]
    word = "as expected" if expected.sign == moved else "contrary to what one expects, which is a finding"
    return [f"{word}: {expected.reason}"]


def _overlapping(asked: Asked, found: Found) -> list[str]:
    """Other blocks within the base and the window, by name."""
    touching = [o for o in _touching(asked, found.window.steps, found.panel) if o.block != asked.known]
    names = [f"{o.block.block_id} ({o.touches})" for o in touching if not o.block.is_non_event]
    more = [f"and {len(names) - MOST_NAMED} more"] if len(names) > MOST_NAMED else []
    return [f"other blocks: {', '.join((*names[:MOST_NAMED], *more))}"] if names else []


def _onset_step(asked: Asked) -> list[str]:
    """The step that holds the onset belongs to no horizon; what it held is said apart."""
    hours = exposure_hours(asked.block.onset_earliest, asked.series)
    if not hours or asked.onset == 0:
        return []
    value = asked.series.values[asked.cc][asked.onset - 1]
    held = f"it held {value:g}" if np.isfinite(value) else "it was not observed"
    return [f"the {unit(asked.series, plural=False)} of onset, exposed for {hours:g} hours, is in no horizon: {held}"]


def _heading(asked: Asked, found: Found) -> rows.Heading:
    key = asked.series.key
    return rows.Heading(
        block_id=asked.block.block_id,
        cc=asked.cc,
        indicator=key.indicator,
        entity=key.entity,
        estimand=found.estimand,
        base=_base(asked, found),
        exposure_hours=exposure_hours(asked.block.onset_earliest, asked.series),
        method=_method(asked, found) if found.effects else "",
        scale=key.scale,
    )


def _method(asked: Asked, found: Found) -> str:
    donors = len(found.panel.constituents) if found.panel else 0
    together = ", entering as their mean" if found.panel and len(found.panel.donor_names) < donors else ""
    lent = "; placebo errors lent by other countries" if found.panel and found.panel.pool else ""
    return f"replay; {donors} donor countries{together}{lent}; {asked.gap} steps before onset kept out of the base"


def _base(asked: Asked, found: Found) -> str:
    """First and last day of the base and how much of it was observed."""
    panel = found.panel
    if panel is None:
        return ""
    end = asked.base_end(found.estimand)
    seen = np.flatnonzero(np.isfinite(panel.y[:end]))
    if not seen.size:
        return ""
    first, last = asked.series.time(int(seen[0])), asked.series.time(end - 1)
    # The path just before a block includes blocks that run through it: those are not masked there.
    frozen = found.estimand == "no_block_since_base"
    events = [(a, b) for a, b in panel.other_events if frozen or b <= end]
    masked = sum(max(min(b, end) - max(a, int(seen[0])), 0) for a, b in events)
    text = f"{first.date()} to {last.date()}, {seen.size} of {end - int(seen[0])} steps observed"
    return f"{text}, {masked} masked for other blocks" if masked else text


def _view(asked: Asked, found: Sequence[Found]) -> SeriesView:
    """The series around the event with the no-block level of the longest window that could be estimated."""
    series, y = asked.series, asked.series.values[asked.cc]
    able = [f for f in found if f.effects and f.estimand == "no_block_since_base"]
    longest = max(able, key=lambda f: f.window.steps, default=None)
    first = max(asked.onset - SHOWN_BEFORE // series.step, 0)
    reach = max(longest.window.steps if longest else 0, SHOWN_AFTER // series.step)
    steps = range(first, min(asked.onset + reach, series.length))
    effect = longest.effects[len(longest.effects) // 2] if longest else None

    def shown(values: np.ndarray[tuple[int], np.dtype[np.float64]] | None) -> tuple[float | None, ...]:
        return tuple(_at(values, s - asked.onset) for s in steps)

    return SeriesView(
        indicator=series.key.indicator,
        entity=series.key.entity,
        unit=series.key.unit,
        t=tuple(series.time(s) for s in steps),
        observed=tuple(_at(y, s) for s in steps),
        expected=shown(effect.expected_steps if effect else None),
        low=shown(effect.expected_steps_low if effect else None),
        high=shown(effect.expected_steps_high if effect else None),
        base_end=series.time(asked.base_end("no_block_since_base")),
    )


def _at(values: np.ndarray[tuple[int], np.dtype[np.float64]] | None, index: int) -> float | None:
    if values is None or not 0 <= index < values.size or not np.isfinite(values[index]):
        return None
    return float(values[index])
