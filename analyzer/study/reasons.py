"""What a reader has to know beside the numbers of a row."""

from __future__ import annotations

from datetime import timedelta

import numpy as np

from analyzer import verdicts
from analyzer.blocks import expected_sign, overlaps
from analyzer.estimators import Change
from analyzer.panel import Panel
from analyzer.records import Overlap
from analyzer.study import rows, surroundings
from analyzer.study.asked import Asked
from analyzer.study.effects import Found
from analyzer.study.horizons import exposure_hours
from analyzer.study.series import DECLARED
from analyzer.study.wording import moment, unit, without_donors

MOST_NAMED = 6  # other blocks that a row names; all of them stand in the study


def reasons(asked: Asked, found: Found, change: Change | None) -> list[str]:
    """The sentences of one row, in the order in which they are read."""
    series, y = asked.series, asked.series.values[asked.cc]
    at = found.window
    seen = int(np.isfinite(y[at.onset : at.onset + at.steps]).sum())
    notes = [f"{seen} of {at.steps} {unit(series)} observed", *_onset_step(asked), *_on_these_steps(asked)]
    if series.key.scale == "rank":
        notes.append("a smaller rank is a better place in the chart")
    notes += changed_on(asked, change)
    provisional = series.provisional_from.get(asked.cc)
    if provisional and series.time(at.onset + at.steps) > provisional:
        notes.append(f"provisional: the source may still revise days from {provisional.date()} on")
    panel = found.panel
    warnings = [w for effect in found.effects for w in effect.warnings]
    names, said = (panel.donor_names, panel.notes) if panel else ((), ())
    return [
        *notes,
        *_direction(asked, found),
        *_overlapping(asked, found),
        *without_donors(warnings, names, series),
        *surroundings.notes(series, asked.cc, at.onset, at.steps),
        *said,
    ]


def changed_on(asked: Asked, change: Change | None) -> list[str]:
    """The located change in words; nothing without one."""
    return [f"changed on {moment(asked.series, change.step)} (x{change.ratio:.2f})"] if change else []


def _direction(asked: Asked, found: Found) -> list[str]:
    """What the kind of block leads one to expect, beside a change; a contrary sign is a finding, not a fault."""
    moved = {"rise": 1, "fall": -1}.get(verdicts.verdict(rows.envelope(found.effects), asked.series.key.scale), 0)
    if asked.series.key.entity.startswith(DECLARED):
        return ["a placebo series: it is declared to be one that no block moves"]
    if asked.known is None or not moved or found.window.after_end:
        return []
    expected = expected_sign(asked.known.kind, asked.series.key.indicator, asked.known.services)
    if expected.sign == 0:
        return [f"no direction expected: {expected.reason}"]
    word = "as expected" if expected.sign == moved else "contrary to what one expects, which is a finding"
    return [f"{word}: {expected.reason}"]


def _overlapping(asked: Asked, found: Found) -> list[str]:
    """Other blocks within the base and the window, by name."""
    touching = [o for o in touching_events(asked, reach(asked, found), found.panel) if o.block != asked.known]
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


def _on_these_steps(asked: Asked) -> list[str]:
    """What an onset known to the day means on hours."""
    if asked.series.step >= timedelta(days=1) or asked.block.start_precision in ("minute", "hour"):
        return []
    known = asked.block.start_precision
    return [
        f"onset known to the {known}: windows of {unit(asked.series)} begin with it and may hold time before the block"
    ]


def touching_events(asked: Asked, steps: int, panel: Panel | None = None) -> tuple[Overlap, ...]:
    """Other events that touch the base (the whole history before onset unless a panel cut it) or the window."""
    y = asked.series.values[asked.cc] if panel is None else panel.y
    seen = np.flatnonzero(np.isfinite(y[: asked.onset]))
    first = int(seen[0]) if seen.size else max(asked.onset - asked.gap, 0)
    return overlaps(asked.catalogue, asked.block, asked.series.time(first), asked.series.time(asked.onset + steps))


def reach(asked: Asked, found: Found) -> int:
    """Steps from the onset to the window's end."""
    return found.window.onset + found.window.steps - asked.onset
