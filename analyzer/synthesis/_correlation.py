"""How much the errors of several series share: one common correlation from placebo errors of the same dates.

Placebo windows overlap, so that a hundred dates may hold ten windows' worth of knowledge.  The correlation is therefore
a distribution, not a number: a flat prior between 0 and 1 times the likelihood of Fisher's transform of the mean
correlation (Fisher 1925, section 40).  A common shock is never taken to be negative.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from analyzer.records import Floats

    Bools = npt.NDArray[np.bool_]

NODES = 15  # quantiles by which the distribution is handed on
LARGEST = 0.99  # series that are copies of each other
_GRID = (np.arange(400) + 0.5) / 400 * LARGEST
_WILD = 3.0  # robust deviations at which a placebo error is cut: one date is not allowed to make a correlation
_FEWEST = 4  # common dates for a pair to speak


@dataclass(frozen=True, slots=True)
class CommonShock:
    """What is known of the common correlation of errors.

    nodes: (15,) its quantiles, equally likely.  pairs: (K, K) the correlations themselves, shrunk to the mean.
    dates: effective number of dates behind it, 0 where there were none.
    """

    nodes: Floats
    mean: float
    low: float
    high: float
    pairs: Floats
    dates: float


def fixed(correlation: float, members: int) -> CommonShock:
    """A correlation that is stated, not estimated."""
    at = min(correlation, LARGEST)
    return CommonShock(np.full(1, at), at, at, at, _exchangeable(at, members), 0.0)


def unknown(members: int) -> CommonShock:
    """Nothing known: every correlation between 0 and 1 as likely as the other."""
    return _summary(np.ones(_GRID.size), members, 0.0)


def common_shock(errors: Floats, overlap: int | None = None) -> CommonShock:
    """The common correlation of the columns of (N, K) standardised errors, NaN where a series lacks a date.

    Rows are consecutive dates; overlap: how many of them one placebo window reaches over, None = as the errors' own
    course shows.  With no pair of series that shares four dates nothing is known.
    """
    members = errors.shape[1]
    cut = _cut(errors)
    seen = np.isfinite(cut)
    values = np.where(seen, cut, 0.0)
    common = seen.astype(float).T @ seen.astype(float)
    raw = _pairwise(values, seen.astype(float))
    pair = np.triu(np.isfinite(raw) & (common >= _FEWEST), 1)
    if not pair.any():
        return unknown(members)
    mean = float(np.sum(common[pair] * raw[pair]) / np.sum(common[pair]))
    share = _independent_share(cut, overlap)
    dates = float(np.mean(common[pair])) * share
    # Pairs that share no date say nothing: the mean of the others counts for as much less.
    known = _summary(_likelihood(mean, members, dates * pair.sum() / (members * (members - 1) / 2)), members, dates)
    return CommonShock(
        known.nodes, known.mean, known.low, known.high, _shrunk(raw, pair, common * share, known.mean), dates
    )


def _cut(errors: Floats) -> Floats:
    """Errors with what lies beyond three robust deviations of their own column moved there."""
    out = np.array(errors, dtype=float)
    out[~np.isfinite(out)] = np.nan
    for column in out.T:
        seen = np.isfinite(column)
        if seen.any():
            scale = float(np.median(np.abs(column[seen]))) / 0.6745 or float(np.sqrt(np.mean(column[seen] ** 2)))
            column[seen] = np.clip(column[seen], -_WILD * scale, _WILD * scale)
    return out


def _pairwise(values: Floats, seen: Floats) -> Floats:
    """Correlations about zero, which placebo errors are centred at, over the dates that both columns have."""
    cross, squares = values.T @ values, (values**2).T @ seen
    size = np.sqrt(squares * squares.T)
    return np.where(size > 0, cross / np.where(size > 0, size, 1.0), np.nan)


def _independent_share(errors: Floats, overlap: int | None) -> float:
    """Part of the dates that counts: second moments of windows overlapping by h of H have correlation (1 - h / H)^2."""
    count = errors.shape[0]
    if overlap is not None:
        return 1 / (1 + 2 / 3 * (min(overlap, count) - 1)) if overlap > 1 else 1.0
    total = 0.0
    for lag in range(1, count // 2):
        a, b = errors[:-lag], errors[lag:]
        both = np.isfinite(a) & np.isfinite(b)
        size = float(np.sqrt(np.sum(a[both] ** 2) * np.sum(b[both] ** 2)))
        at = float(np.sum(a[both] * b[both])) / size if size > 0 else 0.0
        if at < 2 / np.sqrt(max(int(both.any(axis=1).sum()), 4)):
            break
        total += at**2
    return 1 / (1 + 2 * total)


def _likelihood(mean: float, members: int, dates: float) -> Floats:
    def transformed(r: Floats | float) -> Floats:
        return np.asarray(0.5 * np.log((1 + (members - 1) * np.asarray(r)) / (1 - np.asarray(r))))

    variance = members / (2 * (members - 1) * max(dates - 1, 0.5))
    # Where correlations are negative on average no common shock shows: as a mean of zero.
    at = float(np.clip(mean, 0.0, LARGEST))
    return np.exp(-0.5 * (transformed(_GRID) - transformed(at)) ** 2 / variance)


def _summary(weight: Floats, members: int, dates: float) -> CommonShock:
    share = weight / weight.sum()
    running = np.cumsum(share)

    def quantile(p: Floats) -> Floats:
        return _GRID[np.minimum(np.searchsorted(running, p), _GRID.size - 1)]

    nodes = quantile((np.arange(NODES) + 0.5) / NODES)
    low, high = quantile(np.array([0.025, 0.975]))
    mean = float(share @ _GRID)
    return CommonShock(nodes, mean, float(low), float(high), _exchangeable(mean, members), dates)


def _exchangeable(at: float, members: int) -> Floats:
    return np.where(np.eye(members, dtype=bool), 1.0, at)


def _shrunk(raw: Floats, pair: Bools, dates: Floats, mean: float) -> Floats:
    """Each correlation drawn to the common one by how much of their spread is noise (Schäfer & Strimmer 2005)."""
    noise = float(np.mean((1 - mean**2) ** 2 / np.maximum(dates[pair] - 1, 1.0)))
    spread = float(np.mean((raw[pair] - mean) ** 2))
    kept = max(1 - noise / spread, 0.0) if spread > 0 else 0.0
    out = _exchangeable(mean, raw.shape[0])
    inside = pair | pair.T
    out[inside] = np.clip(mean + kept * (raw[inside] - mean), 0.0, LARGEST)
    return out
