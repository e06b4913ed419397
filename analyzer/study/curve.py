"""The specification curve: the same question under every defensible choice of base, gap, donors, masks and weekends.

Simonsohn, Simmons & Nelson (2020, Nature Human Behaviour 4, 1208-1214) lay the choices out and add a joint test; the
test is not made here: the estimates share their data, and how many point one way is no p-value.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import product
from typing import Any

import numpy as np

from analyzer import verdicts
from analyzer.blocks import Catalogue
from analyzer.plans import specification_in_words
from analyzer.records import Block, Effect, Estimate, Snapshot, Specification, Study
from analyzer.store import Store
from analyzer.study import rows
from analyzer.study.ask import series_keys
from analyzer.study.asked import Asked, asked_of
from analyzer.study.effects import Found, find
from analyzer.study.heading import heading_of
from analyzer.study.horizons import Window, check_horizon, onset_steps, window
from analyzer.study.record import recorded
from analyzer.study.series import Aligned, SeriesKey, aligned
from analyzer.version import __version__

BASES = (28, 56, 112, None)  # days; None = the whole history
GAPS = (None, 0, 7)  # days; None = the usual four
LARGEST = 3  # donors, each left out by itself
MOST_ONSETS = 3  # of an onset known to the week or month: first, middle, last
USUAL = Specification()
COLUMNS = (
    "block_id", "cc", "indicator", "entity", "horizon", "estimand", "specification", "base_days", "gap_days", "donors",
    "exclusions", "masks", "weekends", "is_default", "ratio", "ratio_low", "ratio_high", "excess", "excess_low",
    "excess_high", "verdict", "rank", "reasons",
)  # fmt: skip
Progress = Callable[[int, int], None]
Change = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Drawn:
    """The curve of one series: a row per specification in order of ratio, refused ones last; and what it says."""

    rows: tuple[dict[str, Any], ...]
    estimates: tuple[Estimate, ...]
    summary: str
    snapshot_ids: tuple[str, ...]


def curve(
    store: Store,
    catalogue: Catalogue,
    block: Block,
    *,
    now: datetime,
    indicator: str | None = None,
    horizon: str = "14d",
    progress: Progress | None = None,
) -> tuple[list[dict[str, Any]], tuple[str, ...]]:
    """The rows of every series of the event's country (or one indicator's), and sentences that sum them up.

    The curve is one run in the store's run log, its rows exploratory.  Raises UnknownName for an unknown horizon or
    indicator, StoreError where there is no store.
    """
    check_horizon(horizon)
    keys = series_keys(store, block.cc, indicator)
    drawn = [d for d in _curves(store, catalogue, block, keys, horizon, progress) if d is not None]
    ids = sorted({i for d in drawn for i in d.snapshot_ids})
    study = Study(
        block=block,
        asked_at=now,
        estimates=tuple(e for d in drawn for e in d.estimates),
        snapshots=tuple(Snapshot(**r) for r in store.rows("snapshots_by_id", snapshot_ids=ids)) if ids else (),
        tool_version=__version__,
    )
    question = {"asked": "curve", "indicator": indicator, "horizons": [horizon], "estimator": "replay", "plan_id": ""}
    study = recorded(store, study, question)
    counted = f"{study.runs.run} rows run of this event in this store, {study.runs.shown} shown" if study.runs else ""
    return [row for d in drawn for row in d.rows], (*(d.summary for d in drawn), *study.warnings, counted)


def _curves(  # noqa: PLR0917 - what is asked of what
    store: Store, catalogue: Catalogue, block: Block, keys: Sequence[SeriesKey], horizon: str, progress: Progress | None
) -> Iterator[Drawn | None]:
    for i, key in enumerate(keys):
        part = _part(progress, i, len(keys))
        yield curve_of(catalogue, block, aligned(store, key, block.cc), horizon, part)


def _part(progress: Progress | None, done: int, of: int) -> Progress:
    """Progress of one series as part of all."""

    def tell(now: int, total: int) -> None:
        if progress is not None:
            progress(done * 100 + 100 * now // max(total, 1), of * 100)

    return tell


def curve_of(
    catalogue: Catalogue, block: Block, series: Aligned, horizon: str, progress: Progress = lambda _done, _of: None
) -> Drawn | None:
    """The curve of one series; None where it does not reach the event."""
    onsets = [o for o in onset_steps(block, series) if o < series.length]
    if block.cc not in series.values or not onsets or onsets[0] <= 0:
        return None
    asked = asked_of(catalogue, block, series, onsets[0])
    tried = _Tried(asked, window(horizon, block, series, onsets[0]), _few(onsets))
    levels, same = choices(tried)
    crossed = [Specification(**{k: v for part in parts for k, v in part.items()}) for parts in product(*levels)]
    for done, specification in enumerate(crossed):
        tried.of(specification)
        progress(done + 1, len(crossed))
    return _drawn(tried, crossed, same)


def _few(onsets: Sequence[int]) -> list[int]:
    """First, middle and last of many admissible onsets."""
    if len(onsets) <= MOST_ONSETS:
        return list(onsets)
    return [onsets[0], onsets[len(onsets) // 2], onsets[-1]]


class _Tried:
    """Every specification asked once; panels and lent errors are shared by way of the question's lender."""

    def __init__(self, asked: Asked, at: Window, onsets: Sequence[int]) -> None:
        self.asked, self.at, self.onsets = asked, at, onsets
        self.known: dict[Specification, Found] = {}

    def of(self, specification: Specification) -> Found:
        if specification not in self.known:
            self.known[specification] = find(self.under(specification), self.at, "no_block_since_base", self.onsets)
        return self.known[specification]

    def under(self, specification: Specification) -> Asked:
        return replace(self.asked, specification=specification)


def choices(tried: _Tried) -> tuple[list[list[Change]], list[str]]:
    """The levels of each choice that make a difference beside the usual one, and what makes none, in words.

    A level that gives the usual estimate to the last digit (no other blocks to mask, no history beyond 112 days) is no
    further choice: crossed with the others it would only repeat them.
    """
    usual = tried.of(USUAL)
    donors: list[Change] = [{}, {"donors": False}, *({"without": (name,)} for name in _largest(usual))]
    wanted: list[list[Change]] = [
        [{"base_days": days} for days in BASES],
        [{"gap_days": days} for days in GAPS],
        [*donors, {"exclusions": False}],
        [{}, {"masks": False}],
        [{}, {"weekends": False}],
    ]
    kept: list[list[Change]] = []
    same: list[str] = []
    for levels in wanted:
        alike = [
            bool(x) and Specification(**x) != USUAL and _alike(tried.of(Specification(**x)), usual) for x in levels
        ]
        kept.append([x for x, drop in zip(levels, alike, strict=True) if not drop])
        same += [specification_in_words(Specification(**x)) for x, drop in zip(levels, alike, strict=True) if drop]
    return kept, same


def _largest(usual: Found) -> tuple[str, ...]:
    """The donors with the largest level: the panel lists them in that order."""
    return usual.panel.constituents[:LARGEST] if usual.panel else ()


def _alike(found: Found, usual: Found) -> bool:
    """Whether two specifications give the very same numbers, or both are refused for the same reason."""
    return found.refusal == usual.refusal and [*map(_numbers, found.effects)] == [*map(_numbers, usual.effects)]


def _numbers(effect: Effect) -> tuple[float, ...]:
    return (effect.observed, effect.expected, effect.expected_low, effect.expected_high)


def _drawn(tried: _Tried, crossed: Sequence[Specification], same: Sequence[str]) -> Drawn:
    pairs = [(s, _estimate(tried, s)) for s in crossed]
    pairs.sort(key=lambda p: (p[1].ratio is None, p[1].ratio or 0.0, _order(p[0])))
    able = sum(e.ratio is not None for _, e in pairs)
    named = [_row(s, e, rank + 1 if rank < able else None) for rank, (s, e) in enumerate(pairs)]
    asked = tried.asked
    return Drawn(
        rows=tuple(named),
        estimates=tuple(e for _, e in pairs),
        summary=_summary(asked, tried, pairs, same),
        snapshot_ids=asked.series.snapshot_ids[asked.cc],
    )


def _order(s: Specification) -> tuple[Any, ...]:
    return (s != USUAL, s.base_days or 10**6, s.gap_days or -1, s.donors, s.without, s.exclusions, s.masks, s.weekends)


def _estimate(tried: _Tried, specification: Specification) -> Estimate:
    """The row that `estimate` would print under that specification, without attribution: a curve is about the size."""
    found, asked = tried.of(specification), tried.under(specification)
    heading = heading_of(asked, found)
    if not found.effects:
        return rows.refused(heading, found.window.horizon, found.refusal, "unclear")
    warnings = [w for effect in found.effects for w in effect.warnings if not w.startswith("donor ")]
    return rows.given(heading, found.window.horizon, found.effects, ("unclear", ()), list(dict.fromkeys(warnings)))


def _row(s: Specification, e: Estimate, rank: int | None) -> dict[str, Any]:
    donors = "none" if not s.donors else f"without {', '.join(s.without)}" if s.without else "usual"
    return {
        **{name: getattr(e, name) for name in COLUMNS if hasattr(e, name)},
        "specification": specification_in_words(s) or "default",
        "base_days": "all" if s.base_days is None else str(s.base_days),
        "gap_days": "usual" if s.gap_days is None else str(s.gap_days),
        "donors": donors,
        "exclusions": s.exclusions,
        "masks": s.masks,
        "weekends": s.weekends,
        "is_default": s == USUAL,
        "rank": rank,
    }


def _summary(asked: Asked, tried: _Tried, pairs: Sequence[tuple[Specification, Estimate]], same: Sequence[str]) -> str:
    key = asked.series.key
    name = f"{key.indicator}{' ' + key.entity if key.entity else ''}, {tried.at.horizon}"
    ratios = np.array([e.ratio for _, e in pairs if e.ratio is not None])
    parts = [f"{name}: {len(pairs)} specifications, {ratios.size} with a ratio"]
    if ratios.size:
        parts += [_spread(ratios), _sides([e for _, e in pairs]), _place_of_default(pairs, ratios)]
    if same:
        parts.append(f"makes no difference here, so not crossed with the others: {' | '.join(same)}")
    if len(tried.onsets) > 1:
        parts.append(f"onset not known to the day: each range spans {len(tried.onsets)} admissible onsets")
    return "; ".join((*parts, "the specifications share their data: their number is no test"))


def _spread(ratios: Any) -> str:
    low, middle, high = np.quantile(ratios, (0, 0.5, 1))
    return f"median x{middle:.2f}, from x{low:.2f} to x{high:.2f}"


def _sides(estimates: Sequence[Estimate]) -> str:
    able = [e for e in estimates if e.verdict != "not_estimable"]
    rise, fall = (sum(e.verdict == word for e in able) for word in ("rise", "fall"))
    ruled = sum(e.verdict == "ruled_out" for e in able)
    said = f"whole interval above 1 in {rise} of {len(able)} ({rise / len(able):.0%}), below 1 in {fall}"
    beyond = f"x{verdicts.SMALLEST_EFFECT_OF_INTEREST:g}"
    return f"{said}; a change beyond {beyond} ruled out in {ruled}" if ruled else said


def _place_of_default(pairs: Sequence[tuple[Specification, Estimate]], ratios: Any) -> str:
    usual = next(e for s, e in pairs if s == USUAL)
    if usual.ratio is None:
        return "the default gives no ratio"
    place = int((ratios < usual.ratio).sum()) + 1
    size = f"x{usual.ratio:.2f} ({usual.ratio_low:.2f} to {usual.ratio_high:.2f})"
    return f"the default, {size}, is number {place} of {ratios.size} from below"
