"""The shape of the effect on one series: what the estimators read in steps, as days and rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from datetime import timedelta
from typing import Any, Literal

from analyzer.errors import NotEnoughData
from analyzer.estimators import ChangePoint, Measured, Outline, Shape, shape_of, width_of
from analyzer.records import Feature, SeriesShape, Study
from analyzer.study.asked import Asked, Estimand, estimands
from analyzer.study.distant import Distant
from analyzer.study.wording import in_words, moment, unit

Wanted = Literal["moved", "all", "none"]
RESIDUAL_DAYS = (30, 60, 90)
COLUMNS = ("block_id", "cc", "indicator", "entity", "estimand",
           "feature", "value", "low", "high", "unit", "day", "note")  # fmt: skip


def shape_of_series(asked: Asked) -> SeriesShape:
    """The shape against the level before the first block of a chain, or else against the path just before.

    Where neither can be estimated the only feature is the path, with the reasons.
    """
    refusals = []
    for estimand in estimands(asked):
        try:
            found = _shape(asked, estimand)
        except NotEnoughData as error:
            refusals.append(in_words(str(error), asked.series))
        else:
            return _record(asked, estimand, found.direction, tuple(_features(asked, found)))
    why = f"no shape can be given: {'; '.join(dict.fromkeys(refusals))}"
    return _record(asked, estimands(asked)[0], "", (Feature("path", None, None, None, "ratio", "", why),))


def rows(study: Study) -> list[dict[str, Any]]:
    """One row per series and feature; the keys are COLUMNS."""
    heading = {"block_id": study.block.block_id, "cc": study.block.cc}
    return [
        {**heading, "indicator": s.indicator, "entity": s.entity, "estimand": s.estimand, **asdict(feature)}
        for s in study.shapes
        for feature in s.features
    ]


def _record(
    asked: Asked, estimand: Estimand, direction: Literal["rise", "fall", ""], features: tuple[Feature, ...]
) -> SeriesShape:
    return SeriesShape(asked.series.key.indicator, asked.series.key.entity, estimand, direction, features)


def _shape(asked: Asked, estimand: Estimand) -> Shape:
    width = width_of(asked.season)
    distant = Distant.of(asked, estimand, width)
    later = [a for a, _ in asked.panel_series.events[asked.cc] if a > asked.onset]
    outline = Outline(
        y=distant.y,
        onset=asked.onset,
        base=distant.base,
        gap=asked.gap,
        exposed=asked.exposed,
        end=_end(asked),
        next_event=min(later, default=None),
        season=asked.season,
        counts=asked.series.key.scale == "count",
        residuals=tuple(_residual_steps(asked).values()),
    )
    return shape_of(distant.level, outline)


def _end(asked: Asked) -> int | None:
    """First step that lies wholly after the block; None where no end is known."""
    end = asked.block.end_latest
    if end is None or asked.block.kind == "date":
        return None
    return max(asked.series.index(end), asked.onset)


def _residual_steps(asked: Asked) -> dict[int, int]:
    """Days after onset -> steps, for the days that are a whole number of steps."""
    found = {days: divmod(timedelta(days=days), asked.series.step) for days in RESIDUAL_DAYS}
    return {days: steps for days, (steps, rest) in found.items() if not rest}


def _features(asked: Asked, found: Shape) -> Iterator[Feature]:
    days = unit(asked.series)
    yield _feature(asked, "peak", "ratio", found.peak)
    yield _dated(asked, found.peak_step, days)
    yield _feature(asked, "half_life", days, found.half_life)
    yield from _residuals(asked, found)
    yield _feature(asked, "anticipation", "ratio", found.anticipation)
    yield _feature(asked, "overshoot", "ratio", found.overshoot)
    yield from (_change(asked, change) for change in found.changes)
    notes = "; ".join(in_words(w, asked.series) for w in found.warnings if not w.startswith("donor "))
    for i, stretch in enumerate(found.path):
        yield _feature(asked, "path", "ratio", stretch, "" if i else notes)


def _residuals(asked: Asked, found: Shape) -> Iterator[Feature]:
    steps = _residual_steps(asked)
    for days in RESIDUAL_DAYS:
        why = f"{days} days are no whole number of {unit(asked.series)}"
        at = found.residuals[steps[days]] if days in steps else Measured(None, note=why)
        yield _feature(asked, f"residual_{days}d", "ratio", at)


def _feature(asked: Asked, name: str, unit_: str, at: Measured, more: str = "") -> Feature:
    day = "" if at.step is None else moment(asked.series, asked.onset + at.step)
    note = "; ".join(n for n in (in_words(at.note, asked.series), more) if n)
    return Feature(name, at.value, at.low, at.high, unit_, day, note)


def _dated(asked: Asked, at: Measured, days: str) -> Feature:
    """The step of the peak, counted from the first exposed one, with the days between which it lies in words."""
    if at.value is None or at.low is None or at.high is None:
        return _feature(asked, "peak_day", days, at)
    span = f"between {_moment(asked, at.low)} and {_moment(asked, at.high)}"
    return _feature(asked, "peak_day", f"{days} after {moment(asked.series, asked.onset)}", at, span)


def _moment(asked: Asked, step: float) -> str:
    return moment(asked.series, asked.onset + int(step))


def _change(asked: Asked, change: ChangePoint) -> Feature:
    day = moment(asked.series, change.step)
    low, high = moment(asked.series, change.low), moment(asked.series, change.high)
    span = f"the change lies between {low} and {high}" if low != high else ""
    text = "; ".join(t for t in (f"the series changed on {day}", span) if t)
    return Feature("change", change.ratio, None, None, "ratio", day, text)
