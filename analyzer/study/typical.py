"""The typical effect of a kind of block: one indicator over several blocks of which nobody knew the outcome first.

A block that became known because its effect was striking (a vendor's figure, a flag of a scan) says nothing of what is
typical; neither do published figures, which are chosen for their size: neither enters.  Blocks of one country within
half a year of each other are a chain, of which only the first starts from a level without a block.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

import numpy as np

from analyzer import blocks
from analyzer.blocks import Catalogue
from analyzer.errors import UnknownName
from analyzer.indicators import type_of
from analyzer.records import Block, Synthesis
from analyzer.store import Store
from analyzer.study.asked import Estimand, asked_of
from analyzer.study.combined import NEVER, pooled, synthesis_of
from analyzer.study.effects import find
from analyzer.study.horizons import AFTER_END, check_horizon, onset_steps, window
from analyzer.study.judged import Judged, empty, judged
from analyzer.study.series import Aligned, SeriesKey, aligned, first_starts

APART = timedelta(days=180)  # as for repeated blocks: how long what one leaves can be told from the level
ESTIMAND: Estimand = "no_block_since_base"
_BY_EFFECT = {"scan": "a flag of a scan is found by its effect: fresh data are needed"}


@dataclass(frozen=True, slots=True)
class Typical:
    """One indicator over blocks of one kind; left_out: (block, reason) of every block of that kind not in it."""

    indicator: str
    entity: str
    kind: str
    synthesis: Synthesis | None
    left_out: tuple[tuple[str, str], ...]


def typical(
    store: Store,
    catalogue: Catalogue,
    kind: str,
    *,
    indicator: str | None = None,
    horizon: str = "14d",
    progress: Callable[[int, int], None] | None = None,
) -> tuple[Typical, ...]:
    """The typical effect of blocks of a kind on each series that the store holds for their countries.

    Raises UnknownName for a kind the catalogue has no block of, an indicator the store has not, and for the horizon
    `during` or one after the end, which differ in length from block to block.
    """
    if check_horizon(horizon) == "during" or horizon.endswith(AFTER_END):
        raise UnknownName("blocks are compared over one length: use a horizon such as 7d or 14d")
    listed = [b for b in catalogue.blocks if b.kind == kind]
    if not listed:
        kinds = ", ".join(sorted({b.kind for b in catalogue.blocks}))
        raise UnknownName(f"no block of kind {kind!r} in the catalogue; kinds: {kinds}")
    eligible, left_out = selected(listed, catalogue)
    keys = _keys(store, sorted({b.cc for b in eligible}), indicator)
    found = []
    for at, (key, countries) in enumerate(keys.items()):
        if progress:
            progress(at, len(keys))
        found.append(_over_blocks(store, catalogue, key, [b for b in eligible if b.cc in countries], horizon))
    return tuple(_typical(kind, key, horizon, rows, left_out) for key, rows in zip(keys, found, strict=True))


def selected(listed: Sequence[Block], catalogue: Catalogue) -> tuple[list[Block], list[tuple[str, str]]]:
    """Blocks that may enter a typical effect, by what was known before any outcome was; the others with the reason."""
    kept: list[Block] = []
    out: list[tuple[str, str]] = []
    for block in sorted(listed, key=lambda b: (b.onset_earliest, b.block_id)):
        why = _refused(block) or _chained(block, catalogue)
        if why:
            out.append((block.block_id, why))
        else:
            kept.append(block)
    return kept, out


def _refused(block: Block) -> str:
    if not blocks.outcome_free(block.discovery_route):
        route = block.discovery_route
        known = f"it became known by {route!r}" if route else "nothing says how it became known"
        return _BY_EFFECT.get(route, f"{known}, which may depend on its effect")
    if block.start_precision in ("week", "month"):
        return f"its onset is known to the {block.start_precision} only"
    return ""


def _chained(block: Block, catalogue: Catalogue) -> str:
    """An earlier block of the country, of any kind, from which this one cannot be told apart."""
    before = [
        b
        for b in catalogue.blocks
        if b.cc == block.cc
        and b.block_id != block.block_id
        and timedelta() <= block.onset_earliest - b.onset_earliest < APART
        and (b.onset_earliest, b.block_id) < (block.onset_earliest, block.block_id)
    ]
    if not before:
        return ""
    last = max(before, key=lambda b: (b.onset_earliest, b.block_id))
    return f"in a chain: {last.block_id} began less than {APART.days} days before in the same country"


def _keys(store: Store, countries: Sequence[str], indicator: str | None) -> dict[SeriesKey, set[str]]:
    found: dict[SeriesKey, set[str]] = {}
    for cc in countries:
        for key in first_starts(store, cc):
            found.setdefault(key, set()).add(cc)
    able = {k: v for k, v in found.items() if type_of(k.indicator) not in NEVER and not k.asn}
    if indicator is None:
        return {k: v for k, v in able.items() if type_of(k.indicator) is not None}
    if indicator not in {k.indicator for k in able}:
        known = ", ".join(sorted({k.indicator for k in able})) or "none"
        raise UnknownName(f"no indicator {indicator!r} in the countries of those blocks that can be combined: {known}")
    return {k: v for k, v in able.items() if k.indicator == indicator}


def _over_blocks(
    store: Store, catalogue: Catalogue, key: SeriesKey, eligible: Sequence[Block], horizon: str
) -> list[tuple[Block, Judged]]:
    series = aligned(store, key)
    return [(b, _one(catalogue, b, series, horizon)) for b in eligible]


def _one(catalogue: Catalogue, block: Block, series: Aligned, horizon: str) -> Judged:
    """What the series of one country says of one block, by the path that every estimate takes."""
    onset = onset_steps(block, series)[0]
    inside = block.cc in series.values and 0 < onset < series.length
    if not inside:
        return empty(series.key, horizon, ESTIMAND, "the series does not reach it")
    asked = asked_of(catalogue, block, series, onset)
    found = find(asked, window(horizon, block, series, onset), ESTIMAND, [onset])
    row = judged(asked, found)
    return row if not row.refusal or not found.refusal else empty(series.key, horizon, ESTIMAND, found.refusal)


def _typical(
    kind: str,
    key: SeriesKey,
    horizon: str,
    rows: Sequence[tuple[Block, Judged]],
    left_out: Sequence[tuple[str, str]],
) -> Typical:
    kept = [(b, j) for b, j in rows if not j.refusal]
    out = (*left_out, *((b.block_id, j.refusal) for b, j in rows if j.refusal))
    found = _synthesis(key, horizon, kept) if kept else None
    return Typical(key.indicator, key.entity, kind, found, out)


def _synthesis(key: SeriesKey, horizon: str, kept: Sequence[tuple[Block, Judged]]) -> Synthesis:
    sign = -1.0 if key.scale == "rank" else 1.0
    found = pooled([j for _, j in kept], [b.block_id for b, _ in kept], np.full(len(kept), sign), to_onset=True)
    said = synthesis_of(f"{type_of(key.indicator)}: {key.indicator}", horizon, ESTIMAND, found, ())
    return replace(said, notes=(*said.notes, *_repeats([b for b, _ in kept]), _ROUTES))


_ROUTES = "only blocks that became known by an order, a measurement or the press, whatever their effect was"


def _repeats(kept: Sequence[Block]) -> Iterator[str]:
    for cc in sorted({b.cc for b in kept}):
        count = sum(b.cc == cc for b in kept)
        if count > 1:
            yield f"{count} of the {len(kept)} blocks are of {cc}: a country's own way of reacting counts that often"
