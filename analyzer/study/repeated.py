"""Repeated blocks of one country: what each added to what the earlier ones left, as rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from analyzer.blocks import Catalogue, expected_sign
from analyzer.errors import NotEnoughData, UnknownName
from analyzer.estimators import Asking, Measured, Repeat, repeats, widened, width_of
from analyzer.records import Block, Effect
from analyzer.store import Store
from analyzer.study.asked import Asked, asked_of
from analyzer.study.distant import Distant
from analyzer.study.horizons import AFTER_END, check_horizon, onset_steps, window
from analyzer.study.series import Aligned, aligned
from analyzer.study.wording import in_words, moment

# Users after a lifted block fell back within 60 to 90 days, a tenth stayed for three months (Cuba 2021, Sudan 2018):
# twice that is where a stock can no longer be told from the level.
APART = timedelta(days=180)
EPISODE = timedelta(days=7)  # onsets nearer than a week are one episode: no week of the first lies before the second
SHUTDOWNS = ("shutdown", "mobile_shutdown")  # these lower every indicator: their jumps do not compare
_MEASURES = ("total", "jump", "stock", "added", "jump_to_first", "total_to_first", "added_to_first")
_EXCESSES = ("excess_total", "excess_jump")
COLUMNS = (
    "cc", "indicator", "entity", "blocks", "onset", "horizon",
    *(f"{name}{end}" for name in (*_MEASURES[:4], *_EXCESSES, *_MEASURES[4:]) for end in ("", "_low", "_high")),
    "reading", "note",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Episode:
    """Blocks that began within a week of each other."""

    onset: int
    blocks: tuple[Block, ...]


def repeated(
    store: Store, catalogue: Catalogue, cc: str, keys: Sequence[Any], horizon: str = "14d"
) -> list[dict[str, Any]]:
    """One row per episode of blocks and series; episodes within 180 days of the one before are compared.

    cc: country.  keys: the series.  horizon: `Nh` or `Nd`.  A row that cannot be estimated says why in its note; a
    series with no two such episodes has no row.  Raises UnknownName for a horizon that is not of that form.
    """
    if check_horizon(horizon) == "during" or horizon.endswith(AFTER_END):
        raise UnknownName("repeated blocks are compared over one length: use a horizon such as 7d or 14d")
    found: list[dict[str, Any]] = []
    for key in keys:
        series = aligned(store, key, cc)
        # A smaller rank is a better place, and ranks do not add up: no stock can be read from them.
        if cc in series.values and key.scale != "rank":
            groups = _groups(catalogue, cc, series)
            found += [row for group in groups for row in _rows(catalogue, series, group, horizon)]
    return found


def _groups(catalogue: Catalogue, cc: str, series: Aligned) -> Iterator[list[Episode]]:
    """Runs of at least two episodes, none more than 180 days after the one before."""
    group: list[Episode] = []
    for episode in _episodes(catalogue, cc, series):
        if group and (episode.onset - group[-1].onset) * series.step > APART:
            if len(group) > 1:
                yield group
            group = []
        group.append(episode)
    if len(group) > 1:
        yield group


def _episodes(catalogue: Catalogue, cc: str, series: Aligned) -> list[Episode]:
    found: list[Episode] = []
    for block in sorted(_comparable(catalogue, cc, series), key=lambda b: b.onset_earliest):
        onset = onset_steps(block, series)[0]
        if not 0 < onset < series.length:
            continue
        if found and (onset - found[-1].onset) * series.step < EPISODE:
            found[-1] = Episode(found[-1].onset, (*found[-1].blocks, block))
        else:
            found.append(Episode(onset, (block,)))
    return found


def _comparable(catalogue: Catalogue, cc: str, series: Aligned) -> Iterator[Block]:
    """Blocks known to the day that one expects to move the indicator, those that lower everything left out."""
    for block in catalogue.blocks:
        if block.cc == cc and not block.is_non_event and block.kind not in SHUTDOWNS:
            sign = expected_sign(block.kind, series.key.indicator, block.services).sign
            if sign > 0 and block.start_precision not in ("week", "month"):
                yield block


def _rows(catalogue: Catalogue, series: Aligned, group: Sequence[Episode], horizon: str) -> list[dict[str, Any]]:
    at = window(horizon, group[0].blocks[0], series, group[0].onset)
    heading = [_heading(series, episode, horizon) for episode in group]
    try:
        if at.refusal:
            raise NotEnoughData(at.refusal)
        found = repeats(_asking(catalogue, series, group, at.steps), [e.onset for e in group])
    except NotEnoughData as error:
        why = in_words(str(error), series)
        return [{**dict.fromkeys(COLUMNS), **h, "reading": "cannot be told", "note": why} for h in heading]
    return [{**h, **_numbers(repeat, series)} for h, repeat in zip(heading, found, strict=True)]


def _heading(series: Aligned, episode: Episode, horizon: str) -> dict[str, Any]:
    return {
        "cc": episode.blocks[0].cc,
        "indicator": series.key.indicator,
        "entity": series.key.entity,
        "blocks": ", ".join(b.block_id for b in episode.blocks),
        "onset": moment(series, episode.onset),
        "horizon": horizon,
    }


def _asking(catalogue: Catalogue, series: Aligned, group: Sequence[Episode], steps: int) -> Asking:
    asked: dict[int, Asked] = {}
    for episode in group:
        lender = next(iter(asked.values())).lender if asked else None
        asked[episode.onset] = asked_of(catalogue, episode.blocks[0], series, episode.onset, lender)
    first = asked[group[0].onset]
    width = width_of(first.season)
    base = Distant.of(first, "no_block_since_base", width)

    def total(start: int, length: int) -> Effect:
        distance = start - first.onset
        return widened(base.level(distance, length), distance)

    def jump(start: int, length: int) -> Effect:
        return Distant.of(asked[start], "just_before", width).level(0, length)

    clean = first.base_end("no_block_since_base") == first.onset - first.gap
    return Asking(total, jump, steps, first.gap, width, series.key.scale == "count", clean)


def _numbers(repeat: Repeat, series: Aligned) -> dict[str, Any]:
    row: dict[str, Any] = {}
    for name in (*_MEASURES, *_EXCESSES):
        at: Measured = getattr(repeat, name)
        row |= {name: at.value, f"{name}_low": at.low, f"{name}_high": at.high}
    lacking = [f"{name}: {at.note}" for name in _MEASURES[:3] if (at := getattr(repeat, name)).note]
    said = "; ".join(in_words(text, series) for text in (repeat.note, *lacking) if text)
    return {**row, "reading": repeat.reading, "note": said}
