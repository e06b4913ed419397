"""Several blocks of one country on one series: what a later block adds to what the earlier ones left.

Users are a stock: stock(t) = sum over s of installs(s) x S(t - s), S the share that keeps a tool.  A later block starts
from that stock, so that it can have a smaller jump above the path just before it and yet reach the same total above the
level without any block.  Three comparisons with the first block tell those readings apart as far as they can be:
the jump just before against just after, the total against the level without a block, and what was added to the stock.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from scipy.special import ndtri

from analyzer.errors import NotEnoughData
from analyzer.estimators._features import Measured
from analyzer.estimators._shape import at_distance, told, widened, width_of
from analyzer.estimators.replay import estimate_effect

if TYPE_CHECKING:
    import numpy.typing as npt

    from analyzer.records import Effect, Floats

    Levels = Callable[[int, int], Effect]

DRAWS = 4000
Reading = Literal["first", "same jump", "explained by the stock", "smaller in total", "larger", "cannot be told"]
CANNOT = (
    "a series of users cannot tell a tool kept and unused from one that was dropped, "
    "nor fewer people in need from people who had a tool already"
)


@dataclass(frozen=True, slots=True)
class Repeat:
    """One block of several, on one series; ratios to the level without a block unless said otherwise.

    total: over the horizon from onset.  jump: the same against the path just before this block.  stock: the steps just
    before onset; for the first block 1 where the base ends directly before it.  added: total less stock, in units of
    the level without a block.  excess_total, excess_jump: total and jump as counts, in the unit of the series.
    jump_to_first, total_to_first, added_to_first: against the first block's; None in each where it is the first.
    """

    onset: int
    total: Measured
    jump: Measured
    stock: Measured
    added: Measured
    excess_total: Measured
    excess_jump: Measured
    jump_to_first: Measured
    total_to_first: Measured
    added_to_first: Measured
    reading: Reading
    note: str


@dataclass(frozen=True, slots=True)
class Asking:
    """How one series is asked about several blocks: functions of (first step, steps) that raise NotEnoughData."""

    total: Levels  # against the base before the first block
    jump: Levels  # against the path just before
    horizon: int
    gap: int
    width: int
    counts: bool
    clean: bool = True  # the base ends directly before the first block, which so has no stock before it
    level: float = 0.95
    seed: int = 0


def compare_repeats(
    y: npt.ArrayLike,
    blocks: Sequence[Sequence[int]],
    horizon: int,
    *,
    anticipation: int = 0,
    season: int = 7,
    other_events: Sequence[Sequence[int]] = (),
    level: float = 0.95,
    seed: int = 0,
    **options: Any,
) -> tuple[Repeat, ...]:
    """What each of several blocks added, in order of onset.

    y: (T,) one value per step, NaN = missing.  blocks: half-open (start, end) index pairs, at least two.
    horizon: steps after each onset, cut where the next block begins.  other_events: further blocks that are not
    compared.  Further options as in `estimate_effect`.

    Raises ValueError for fewer than two blocks or an onset outside y, and NotEnoughData where the first block cannot be
    estimated.
    """
    values = np.array(y, dtype=float)
    pairs = sorted((int(a), int(b)) for a, b in blocks)
    if len({a for a, _ in pairs}) < 2:
        raise ValueError(f"blocks must hold at least two onsets to compare, not {len(pairs)}")
    if not 0 < pairs[0][0] <= pairs[-1][0] < values.size:
        raise ValueError(f"blocks begin at steps {pairs[0][0]} to {pairs[-1][0]}, y has {values.size} steps")
    if horizon < 1:
        raise ValueError(f"horizon must be at least 1, not {horizon}")
    events = [*pairs, *((int(a), int(b)) for a, b in other_events)]
    asked = {**options, "season": season, "level": level, "seed": seed}
    base_end = max(pairs[0][0] - anticipation, 0)

    def total(start: int, steps: int) -> Effect:
        # The stock before a later block is asked of steps in which the earlier block may still run.
        others = [event for event in events if event[0] != start]
        return widened(at_distance(values, start, steps, base_end, others, asked), start - base_end - anticipation)

    def jump(start: int, steps: int) -> Effect:
        others = [event for event in events if event[0] != start]
        return estimate_effect(
            values, start, steps, **{**asked, "other_events": others, "anticipation": anticipation,
                                     "estimand": "just_before"}
        )  # fmt: skip

    counts = options.get("scale", "count") == "count"
    asking = Asking(total, jump, horizon, anticipation, width_of(season), counts, level=level, seed=seed)
    return repeats(asking, [a for a, _ in pairs])


def repeats(asking: Asking, onsets: Sequence[int]) -> tuple[Repeat, ...]:
    """The comparison from functions that give effects.  Raises NotEnoughData where the first block has none."""
    ordered = sorted(set(onsets))
    following = [*ordered[1:], None]
    steps = [min(asking.horizon, (n or np.inf) - o) for o, n in zip(ordered, following, strict=True)]
    parts = [_parts(asking, o, int(s), first=i == 0) for i, (o, s) in enumerate(zip(ordered, steps, strict=True))]
    if parts[0].total.value is None:
        raise NotEnoughData(f"the first block cannot be estimated: {parts[0].total.note}")
    # One horizon for both sides of a comparison: a longer window of a decaying effect has a smaller mean.
    found = []
    for i, part in enumerate(parts):
        first = (
            parts[0] if steps[i] == steps[0] else _parts(asking, ordered[0], int(min(steps[0], steps[i])), first=True)
        )
        this = part if steps[i] <= steps[0] else _parts(asking, ordered[i], int(steps[0]), first=False)
        found.append(_repeat(asking, part, first, this, is_first=i == 0))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class _Parts:
    onset: int
    steps: int
    total: Measured
    jump: Measured
    stock: Measured
    excess_total: Measured
    excess_jump: Measured


def _parts(asking: Asking, onset: int, steps: int, *, first: bool) -> _Parts:
    total, excess_total = _level(asking, asking.total, onset, steps)
    if first and asking.clean:
        return _Parts(onset, steps, total, total, Measured(1.0, 1.0, 1.0), excess_total, excess_total)
    jump, excess_jump = _level(asking, asking.jump, onset, steps)
    before = onset - asking.gap - asking.width
    if before < 1:
        stock = Measured(None, note="no steps before it from which a stock could be read")
    else:
        stock, _ = _level(asking, asking.total, before, asking.width)
    return _Parts(onset, steps, total, jump, stock, excess_total, excess_jump)


def _level(asking: Asking, levels: Levels, start: int, steps: int) -> tuple[Measured, Measured]:
    """A window as ratio and as excess, or the reason why it has none."""
    try:
        effect = levels(start, steps)
    except NotEnoughData as error:
        none = Measured(None, step=start, note=str(error))
        return none, none
    ends = (effect.excess, effect.excess_low, effect.excess_high)
    middle, low, high = (float(v) if np.isfinite(v) else None for v in ends)
    return told(effect, start, counts=asking.counts), Measured(middle, low, high, start)


def _repeat(asking: Asking, part: _Parts, first: _Parts, this: _Parts, *, is_first: bool) -> Repeat:
    draw = np.random.default_rng(asking.seed)
    added = _combined(asking, [part.stock, part.jump], lambda s, j: s * (j - 1), draw)
    own = Measured(None, note="the first block")
    if is_first:
        compared = (own, own, own)
        reading, note = "first", ""
    else:
        compared = (
            _combined(asking, [this.jump, first.jump], lambda a, b: a / b, draw),
            _combined(asking, [this.total, first.total], lambda a, b: a / b, draw),
            _added(asking, this, first, draw),
        )
        reading, note = _read(this, first, *compared)
    return Repeat(
        part.onset, part.total, part.jump, part.stock, added, part.excess_total, part.excess_jump, *compared,
        reading, note,  # type: ignore[arg-type]
    )  # fmt: skip


def _added(asking: Asking, this: _Parts, first: _Parts, draw: np.random.Generator) -> Measured:
    """What the later block added over what the first one added."""
    low, high = first.jump.low, first.jump.high
    if low is not None and high is not None and low <= 1 <= high:
        return Measured(None, note="what the first block added cannot be told from nothing")

    def rule(stock: Floats, jump: Floats, first_stock: Floats, first_jump: Floats) -> Floats:
        added = first_stock * (first_jump - 1)
        return np.asarray(stock * (jump - 1) / np.where(np.abs(added) > 1e-9, added, np.nan))

    return _combined(asking, [this.stock, this.jump, first.stock, first.jump], rule, draw)


def _combined(
    asking: Asking, parts: Sequence[Measured], rule: Callable[..., Any], draw: np.random.Generator
) -> Measured:
    """A function of several ratios with the interval of independent draws on the log scale.

    Errors of two windows against one base have a part in common; leaving that out makes a comparison wider, not bolder.
    """
    lacking = [p for p in parts if p.value is None or p.low is None or p.high is None]
    if lacking:
        return Measured(None, note=lacking[0].note)
    drawn = rule(*(_drawn(p, asking.level, draw) for p in parts))
    value = float(rule(*(np.array(p.value) for p in parts)))
    low, high = np.nanquantile(drawn, [(1 - asking.level) / 2, (1 + asking.level) / 2])
    if not np.isfinite([value, low, high]).all():
        return Measured(None, note="the first block added nothing to compare with")
    return Measured(value, float(min(low, value)), float(max(high, value)))


def _drawn(part: Measured, level: float, draw: np.random.Generator) -> Floats:
    """Draws whose tails are those of the interval, on either side of the value."""
    if part.value is None or part.low is None or part.high is None:  # told before; for the type checker
        return np.full(DRAWS, np.nan)
    middle, low, high = (float(np.log(max(v, 1e-9))) for v in (part.value, part.low, part.high))
    unit = draw.standard_normal(DRAWS) / float(ndtri(0.5 + level / 2))
    return np.asarray(np.exp(middle + np.where(unit > 0, (high - middle) * unit, (middle - low) * unit)))


def _read(this: _Parts, first: _Parts, jump: Measured, total: Measured, added: Measured) -> tuple[Reading, str]:
    """Whether the stock explains a smaller jump, in words."""
    if jump.high is None or total.high is None:
        return "cannot be told", f"the blocks cannot be compared: {jump.note or total.note}"
    if (first.jump.low or 0.0) <= 1:
        return "cannot be told", "the first block raised nothing that can be told from chance: no stock to speak of"
    stock = _stock_words(this.stock)
    if (jump.low or 0.0) > 1:
        return "larger", f"its jump is larger than the first one's; {stock}"
    if jump.high >= 1:
        return "same jump", f"the jumps do not differ by more than chance; {stock}"
    reading, words = _read_smaller(this, total, added, stock)
    return reading, f"{words}; {CANNOT}"


def _read_smaller(this: _Parts, total: Measured, added: Measured, stock: str) -> tuple[Reading, str]:
    """A jump that is smaller for certain."""
    if total.high is not None and total.high < 1:
        why = "the stock alone does not explain that"
        return "smaller in total", f"the jump and the total above the level without a block are smaller: {why}; {stock}"
    same = "the totals do not differ by more than chance"
    if not _left_over(this.stock):
        return "cannot be told", f"the jump is smaller, {stock}; {same}"
    fewer = added.high is not None and added.high < 1
    who = "it added fewer than the first" if fewer else "whether it added fewer than the first cannot be told"
    return "explained by the stock", f"the smaller jump starts from a higher level: {stock}, and {same}; {who}"


def _left_over(stock: Measured) -> bool:
    return stock.low is not None and stock.low > 1


def _stock_words(stock: Measured) -> str:
    if stock.value is None or stock.low is None or stock.high is None:
        return f"the level left before it is not known ({stock.note})"
    held = "cannot be told from the level without a block:" if stock.low <= 1 <= stock.high else "stood at"
    return f"the level just before it {held} x{stock.value:.2f} ({stock.low:.2f} to {stock.high:.2f})"
