"""p values adjusted for a search over many rows: step-down max-T from placebos of the same dates.

The procedure is Westfall & Young's (1993).  Two counts are made and the larger one is kept.  One is of placebo dates on
which any row was as extreme.  Placebo windows overlap, so that three hundred dates may hold three windows of ninety
days: that count alone is too small.  The other is of draws with the rows' own Student margins and the correlation of
their placebo errors, shrunk towards none by what so few windows leave open; less correlation makes a maximum larger
(Šidák 1967), so that error is on the safe side.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import ndtri, stdtr

if TYPE_CHECKING:
    import numpy.typing as npt

    from analyzer.records import Floats, Ints

    Bools = npt.NDArray[np.bool_]

FEWEST_DATES = 39  # with fewer common dates no p of .025 can come of them
DRAWS = 10_000
_WORK = 4_000_000  # normal numbers drawn at most, but for a thousand per row
_MOST_GROWN = 2.0  # times by which placebo errors are taken to be flattered at most
_FURTHEST = 37.0  # normal scores beyond it are no numbers


@dataclass(frozen=True, slots=True)
class StepDown:
    """p: (M,) each row alone.  adjusted: (M,) for the search over all.  together: (M,) rows with enough common dates.

    dates: common dates; floor: 1 / (dates + 1), below which none of those rows' adjusted p goes; 1 / (draws + 1) where
    no row has any.
    """

    p: Floats
    adjusted: Floats
    together: Bools
    dates: int
    floor: float


def step_down(
    statistics: npt.ArrayLike,
    freedom: npt.ArrayLike,
    placebos: npt.ArrayLike,
    *,
    windows: npt.ArrayLike = 1,
    first: Sequence[int] = (),
    draws: int = DRAWS,
    seed: int = 0,
) -> StepDown:
    """Adjusted p values of M rows.

    statistics: (M,) |log ratio| over its deviation.  freedom: (M,) degrees of freedom of that.  placebos: (N, M)
    standardised errors of the same onset date in each row, NaN where a row has none.  windows: (M,) dates over which
    one placebo window reaches, so that neighbouring dates are not independent.  first: rows asked before all others;
    they are adjusted among themselves only, and no other row's p is smaller than theirs (serial gatekeeping).

    Rows without enough dates in common with the others are taken to be independent of them, which costs most.
    Raises ValueError, with the argument's name, for shapes that do not fit and statistics that are not finite.
    """
    t, nu, table, reach = _inputs(statistics, freedom, placebos, windows)
    if t.size == 0:
        return StepDown(t, t, np.zeros(0, bool), 0, 1.0)
    p = 2 * stdtr(nu, -t)
    together, dates = _common(table)
    scores = _scores(table[np.ix_(dates, together)], nu[together]) if together.any() else np.empty((0, 0))
    asked = np.zeros(t.size, bool)
    asked[list(first)] = True
    observed = _normal(p)
    draws = max(min(draws, _WORK // t.size), 1000)
    drawn = _drawn(table[np.ix_(dates, together)], together, reach, draws, seed)
    adjusted = np.ones(t.size)
    gate = 0.0
    for rows in (asked, ~asked):
        if rows.any():
            adjusted[rows] = np.maximum(_stepped(observed, drawn, scores, rows, together), gate)
            gate = float(adjusted[rows].max())
    floor = 1 / (dates.size + 1) if together.any() else 1 / (draws + 1)
    return StepDown(p, np.maximum(adjusted, p), together, int(dates.size) if together.any() else 0, floor)


def _inputs(
    statistics: npt.ArrayLike, freedom: npt.ArrayLike, placebos: npt.ArrayLike, windows: npt.ArrayLike
) -> tuple[Floats, Floats, Floats, Floats]:
    t, table = np.abs(np.asarray(statistics, float)), np.asarray(placebos, float)
    if t.ndim != 1 or not np.isfinite(t).all():
        raise ValueError("statistics must be a vector of finite numbers")
    if table.ndim != 2 or table.shape[1] != t.size:
        raise ValueError(f"placebos has shape {table.shape}: (N, {t.size}) is needed")
    nu = np.broadcast_to(np.asarray(freedom, float), t.shape)
    reach = np.broadcast_to(np.asarray(windows, float), t.shape)
    if not (nu > 0).all():
        raise ValueError("freedom must be above zero")
    if not (reach >= 1).all():
        raise ValueError("windows must be 1 date or more")
    return t, nu, table, reach


def _normal(p: Floats) -> Floats:
    """Two-sided p as the absolute normal score with the same p."""
    return np.minimum(-ndtri(np.maximum(p, 1e-300) / 2), _FURTHEST)


def _scores(table: Floats, freedom: Floats) -> Floats:
    """Placebo errors as normal scores of the same tail, without their signs.

    They are smaller than the error of a window nobody has seen, since weights and bias were learnt from them: each
    row's are first brought to the size that its Student distribution has.
    """
    few = np.maximum(freedom, 3.0)
    size = np.sqrt(np.mean(table**2, axis=0))
    grown = np.maximum(np.sqrt(few / (few - 2)) / np.maximum(size, 1 / _MOST_GROWN), 1.0)
    return _normal(2 * stdtr(freedom, -np.abs(table) * grown))


def _common(table: Floats) -> tuple[Bools, Ints]:
    """Rows kept together and the dates that all of them have: the fewest rows are put apart for 39 common dates."""
    seen = np.isfinite(table)
    kept = seen.sum(axis=0) >= FEWEST_DATES
    while kept.any():
        dates = np.flatnonzero(seen[:, kept].all(axis=1))
        if dates.size >= FEWEST_DATES:
            return kept, dates
        # The row whose leaving gives most dates back: the one that alone lacks most of them.
        lacking = (~seen[:, kept]).sum(axis=1) == 1
        alone = (~seen[:, kept])[lacking].sum(axis=0)
        worst = int(np.argmax(alone if alone.any() else -seen[:, kept].sum(axis=0)))
        kept[np.flatnonzero(kept)[worst]] = False
    return kept, np.empty(0, dtype=np.int64)


def _drawn(common: Floats, together: Bools, reach: Floats, draws: int, seed: int) -> Floats:
    """(draws, M) absolute normal scores under no effect; rows that are apart are independent."""
    random = np.random.default_rng(seed)
    found = random.standard_normal((draws, together.size))
    if together.sum() > 1:
        root = _root(_correlation(common, reach[together]))
        found[:, together] = found[:, together] @ root.T
    return np.abs(found)


def _correlation(errors: Floats, reach: Floats) -> Floats:
    """Correlation about zero, each row's shrunk by how few windows of its length the dates hold."""
    size = np.sqrt(np.sum(errors**2, axis=0))
    raw = (errors.T @ errors) / np.maximum(np.outer(size, size), 1e-300)
    squares = raw**2
    np.fill_diagonal(squares, 0.0)
    # Second moments of windows that overlap by h of H have correlation (1 - h / H)^2.
    windows = errors.shape[0] / (1 + 2 / 3 * (np.minimum(reach, errors.shape[0]) - 1))
    by_chance = (squares.shape[0] - 1) / np.maximum(windows, 1.0)  # of a row's squares, were there no correlation
    root = np.sqrt(np.maximum(1 - by_chance / np.maximum(squares.sum(axis=1), 1e-12), 0.0))
    shrunk = raw * np.outer(root, root)
    np.fill_diagonal(shrunk, 1.0)
    return shrunk


def _root(correlation: Floats) -> Floats:
    values, vectors = np.linalg.eigh(correlation)
    root = vectors * np.sqrt(np.maximum(values, 0.0))
    return np.asarray(root / np.sqrt(np.sum(root**2, axis=1))[:, None])


def _stepped(observed: Floats, drawn: Floats, scores: Floats, rows: Bools, together: Bools) -> Floats:
    """Step-down over some rows: the most extreme against the largest of all, the next against that of the rest."""
    index = np.flatnonzero(rows)
    order = index[np.argsort(observed[index])]  # least extreme first
    place = np.cumsum(together) - 1  # column of a row among those together
    most_drawn, most_placebo = np.zeros(drawn.shape[0]), np.zeros(scores.shape[0])
    found = np.ones(observed.size)
    for row in order:
        most_drawn = np.maximum(most_drawn, drawn[:, row])
        found[row] = (1 + int(np.sum(most_drawn >= observed[row]))) / (most_drawn.size + 1)
        if together[row]:
            most_placebo = np.maximum(most_placebo, scores[:, place[row]])
            by_date = (1 + int(np.sum(most_placebo >= observed[row]))) / (most_placebo.size + 1)
            found[row] = max(found[row], by_date)
    # From the most extreme on, an adjusted p is never below the one before it.
    running = 0.0
    for row in order[::-1]:
        running = max(running, float(found[row]))
        found[row] = running
    return found[index]
