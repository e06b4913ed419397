"""What the caller hands over, checked once: everything after this module may trust its arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

from analyzer.errors import NotEnoughData
from analyzer.estimators._numbers import countable, fraction, lent, numbers, pairs

if TYPE_CHECKING:
    import numpy.typing as npt

    from analyzer.records import Floats, Pool

    Bools = npt.NDArray[np.bool_]

ScaleName = Literal["count", "share", "rank", "index", "level"]
Estimand = Literal["no_block_since_base", "just_before"]
Window = tuple[int, int]

MINIMUM_OBSERVED = 0.8  # of the steps of the window; below that a total says more about the gaps than about people
MINIMUM_BASE = 10  # observed steps: a weekly cycle and a little more, the least from which a level can be told
LONGEST = 1_000_000  # steps beyond the last one; no series is asked about that far ahead, and arrays are that long


@dataclass(frozen=True, slots=True)
class Question:
    """One checked question: arrays are float copies that reach at least to the window's end."""

    y: Floats  # (T,) NaN = missing
    onset: int
    horizon: int
    donors: Floats  # (T, K), K may be 0
    other_events: tuple[Window, ...]
    donor_events: tuple[tuple[Window, ...], ...]
    pool: Pool | None
    anticipation: int
    season: int
    scale: ScaleName
    censored: Bools  # (T,)
    exposure: Floats | None  # (T,)
    holidays: Bools  # (T,)
    estimand: Estimand
    level: float
    seed: int

    @property
    def window(self) -> slice:
        """The steps of the window."""
        return slice(self.onset, self.onset + self.horizon)


def _whole(value: Any, name: str, least: int) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        raise ValueError(f"{name} must be a whole number of steps, not {value!r}")
    if value < least:
        raise ValueError(f"{name} must be at least {least}, not {value}")
    return int(value)


def _one_of(value: str, allowed: tuple[str, ...], name: str) -> None:
    if value not in allowed:
        raise ValueError(f"{name} must be one of {', '.join(allowed)}, not {value!r}")


def _non_negative(values: Floats, name: str) -> Floats:
    """Raises NotEnoughData, which is a ValueError as well: a series of a store may hold what was loaded into it."""
    if np.isinf(values).any():
        raise NotEnoughData(f"{name} holds an infinite value; a missing step is NaN")
    if (values < 0).any():
        step = int(np.argwhere(values < 0)[0][0])
        raise NotEnoughData(f"{name} holds a negative value ({np.nanmin(values):g}), the first at step {step}")
    return values


def _series(values: Any, name: str, length: int | None = None) -> Floats:
    array = numbers(values, name)
    if array.ndim != 1 or array.size == 0:
        raise ValueError(f"{name} must be one-dimensional with at least one step, not of shape {array.shape}")
    if length is not None and array.size != length:
        raise ValueError(f"{name} has {array.size} steps where y has {length}")
    return _non_negative(array, name)


def _flags(values: Any, name: str, length: int) -> Bools:
    if values is None:
        return np.zeros(length, bool)
    array = numbers(values, name)
    if array.shape != (length,):
        raise ValueError(f"{name} must have one flag per step of y ({length}), not shape {array.shape}")
    if not np.isin(array, (0, 1)).all():
        raise ValueError(f"{name} must be true or false at every step")
    return np.asarray(array == 1)


def _donor_matrix(donors: Any, length: int) -> Floats:
    if donors is None:
        return np.empty((length, 0))
    matrix = numbers(donors, "donors")
    if matrix.ndim == 1:
        matrix = matrix[:, None]
    if matrix.ndim == 2 and matrix.shape[0] != length and matrix.shape[1] == length:
        matrix = np.ascontiguousarray(matrix.T)
    if matrix.ndim != 2 or matrix.shape[0] != length:
        raise ValueError(f"donors must be of shape (T, K) with T = {length}, not {matrix.shape}")
    return _non_negative(matrix, "donors")


def _windows(events: Sequence[Sequence[int]], name: str) -> tuple[Window, ...]:
    """Half-open (start, end) pairs in order of start; an event of one moment lasts one step, one of no step is none."""
    found = []
    for start, end in pairs(events, name):
        if end < start:
            raise ValueError(f"{name} must hold (start, end) pairs with end not before start, not {(start, end)!r}")
        if max(end, start + 1) > 0:
            found.append((max(start, 0), max(end, start + 1)))
    return tuple(sorted(found))


def _reach(array: Floats, length: int) -> Floats:
    """`array` with missing steps appended: a window beyond the last step is not observed."""
    short = length - array.shape[0]
    if short <= 0:
        return array
    return np.concatenate([array, np.full((short, *array.shape[1:]), np.nan)])


@dataclass(frozen=True, slots=True)
class Arrays:
    """The caller's arrays, as they came."""

    y: Any
    donors: Any = None
    censored: Any = None
    exposure: Any = None
    holidays: Any = None


@dataclass(frozen=True, slots=True)
class Blocks:
    """What is known of other blocks, as it came."""

    other_events: Sequence[Sequence[int]] = ()
    donor_events: Sequence[Sequence[Sequence[int]]] = ()
    anticipation: int = 0
    estimand: Estimand = "no_block_since_base"


@dataclass(frozen=True, slots=True)
class Options:
    """How it is to be asked."""

    pool: Pool | None = None
    season: int = 7
    scale: ScaleName = "count"
    level: float = 0.95
    seed: int = 0


def ask(onset: Any, horizon: Any, arrays: Arrays, blocks: Blocks, options: Options) -> Question:
    """The checked question.  Raises ValueError naming the argument that cannot be meant."""
    series = _series(arrays.y, "y")
    length = series.size
    onset, horizon = _whole(onset, "onset", 1), _whole(horizon, "horizon", 1)
    if onset >= length:
        raise ValueError(f"onset {onset} lies outside y, which has {length} steps")
    _one_of(options.scale, get_args(ScaleName), "scale")
    _one_of(blocks.estimand, get_args(Estimand), "estimand")
    level = fraction(options.level, "level")
    countable(series, onset, options.scale)
    if horizon > length + LONGEST:
        raise NotEnoughData(f"{length - onset} of {horizon} steps lie inside y; {MINIMUM_OBSERVED * 100:g} % needed")
    matrix = _donor_matrix(arrays.donors, length)
    if blocks.donor_events and len(blocks.donor_events) != matrix.shape[1]:
        raise ValueError(f"donor_events has {len(blocks.donor_events)} entries for {matrix.shape[1]} donors")
    end = max(length, onset + horizon)
    exposure = None if arrays.exposure is None else _series(arrays.exposure, "exposure", length)
    if exposure is not None and options.scale == "share":  # a share without a denominator is not observed
        series = np.where(exposure > 0, series, np.nan)
    return Question(
        y=_reach(series, end),
        onset=onset,
        horizon=horizon,
        donors=_reach(matrix, end),
        other_events=_windows(blocks.other_events, "other_events"),
        donor_events=tuple(_windows(pairs, "donor_events") for pairs in blocks.donor_events),
        pool=lent(options.pool),
        anticipation=_whole(blocks.anticipation, "anticipation", 0),
        season=_whole(options.season, "season", 1),
        scale=options.scale,
        censored=_reach(_flags(arrays.censored, "censored", length).astype(float), end) == 1,
        exposure=None if exposure is None else _reach(exposure, end),
        holidays=_reach(_flags(arrays.holidays, "holidays", length).astype(float), end) == 1,
        estimand=blocks.estimand,
        level=level,
        seed=_whole(options.seed, "seed", 0),
    )


def require_window(question: Question) -> None:
    """Raises NotEnoughData where under 80 % of the window is observed."""
    seen = np.isfinite(question.y[question.window]) | question.censored[question.window]
    if seen.sum() < MINIMUM_OBSERVED * question.horizon:
        raise NotEnoughData(
            f"{int(seen.sum())} of {question.horizon} steps observed; {MINIMUM_OBSERVED:.0%} needed".replace("%", " %")
        )


def require_base(y: Floats, seen: Bools) -> None:
    """Raises NotEnoughData where the steps before onset give no level to start from."""
    count = int(seen.sum())
    if count < MINIMUM_BASE:
        raise NotEnoughData(f"{count} observed steps in the base; {MINIMUM_BASE} needed for a level to start from")
    if not (y[seen] > 0).any():
        raise NotEnoughData(f"all {count} observed steps of the base are zero: no level to start from")
