"""Least squares on the simplex, exactly: the weights of a synthetic control.

The problem is that of the point of a convex hull nearest to a given one.  As non-negative least squares it is solved in
one call (Lawson & Hanson 1974, chapter 23: the sum of the weights is one more equation, and the solution is scaled to
sum to 1).  Active-set cycles (Wolfe 1976, Mathematical Programming 11) then solve the support again by itself and go on
until the conditions of optimality hold.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from analyzer.records import Floats

PRECISION = 1e-9  # of the conditions of optimality, relative to the squared length of the longest column
EXACT = 1e-14  # a gap of that order is rounding: nothing is left to polish
SUPPORT = 1e-12  # weights below it are none


def simplex_weights(a: Floats, b: Floats, *, ridge: float = 0.0, intercept: bool = False) -> Floats:
    """The weights w >= 0 with sum 1 that minimise |a w + c - b|^2 + ridge |w|^2; c is 0 without `intercept`.

    a: (n, K), b: (n,); both finite.  Returns (K,).  Where several weights are equally good (no ridge, K > n) one of
    them is returned.
    """
    return nearest(hull_of(a, b, ridge=ridge, intercept=intercept))


def hull_of(a: Floats, b: Floats, *, ridge: float = 0.0, intercept: bool = False) -> Floats:
    """(n or n + K, K) columns whose convex combination of least length has the weights sought."""
    away = np.asarray(a, dtype=float) - np.asarray(b, dtype=float)[:, None]
    if intercept:
        away = away - away.mean(axis=0)
    if ridge > 0:
        away = np.vstack([away, np.sqrt(ridge) * np.eye(away.shape[1])])
    return np.asarray(away, dtype=float)


def nearest(points: Floats) -> Floats:
    """(K,) weights of the point of least length in the convex hull of the columns of `points`, (n, K)."""
    size = float(np.sqrt((points**2).sum(axis=0).max(initial=0.0)))
    if size == 0.0:
        return np.full(points.shape[1], 1 / points.shape[1])
    scaled = _compact(points / size)
    found = fast_nearest(scaled)
    return found if optimality_gap(scaled, found) <= EXACT else _active_set(scaled, found)


def fast_nearest(points: Floats) -> Floats:
    """`nearest` without the polish, for searches that ask thousands of times; columns at most about 1 long."""
    from scipy.optimize import nnls

    n, k = points.shape
    rows = np.empty((n + 1, k))
    rows[:n], rows[n] = points, 1.0
    target = np.zeros(n + 1)
    target[n] = 1.0
    try:
        found = nnls(rows, target)[0]
    except RuntimeError:  # its iterations are limited; the active set takes over from the shortest column
        found = np.zeros(k)
    total = found.sum()
    if total <= 0:
        found[int(np.argmin((points**2).sum(axis=0)))] = total = 1.0
    return np.asarray(found / total, dtype=float)


def optimality_gap(points: Floats, weights: Floats) -> float:
    """How far the weights may at most be from the least squared length: 0 at the optimum (the Frank-Wolfe gap)."""
    at = points @ weights
    return float(at @ at - (at @ points).min())


def _compact(points: Floats) -> Floats:
    """At most K rows with the same lengths and angles."""
    n, k = points.shape
    return points if n <= k + 1 else np.asarray(np.linalg.qr(points, mode="r"), dtype=float)


def _active_set(points: Floats, weights: Floats) -> Floats:
    support = weights > SUPPORT
    best, least = weights, _squared(points, weights)
    for _ in range(10 * points.shape[1]):
        weights, support = _settle(points, weights, support)
        length = _squared(points, weights)
        if length <= least:
            best, least = weights, length
        pull = (points @ weights) @ points
        entering = int(np.argmin(pull))
        if length - pull[entering] <= PRECISION or support[entering]:
            break
        support = support.copy()
        support[entering] = True
    return np.asarray(best / best.sum(), dtype=float)


def _settle(points: Floats, weights: Floats, support: npt.NDArray[np.bool_]) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """The least length with the support's columns alone; columns that would need a negative weight leave."""
    weights = np.where(support, weights, 0.0)
    while True:
        aim = np.zeros(weights.size)
        aim[support] = _affine(points[:, support])
        blocked = support & (aim <= SUPPORT)
        if not blocked.any():
            return aim, support
        falling = blocked & (weights > aim)
        room = weights[falling] / (weights[falling] - aim[falling])
        step = float(room.min(initial=1.0))
        weights = np.maximum(weights + step * (aim - weights), 0.0)
        support = support & ~(blocked & (weights <= SUPPORT))


def _affine(columns: Floats) -> Floats:
    """Weights, of any sign, with sum 1 whose combination of the columns is shortest."""
    first, rest = columns[:, 0], columns[:, 1:] - columns[:, :1]
    if rest.shape[1] == 0:
        return np.ones(1)
    others = np.linalg.lstsq(rest, -first, rcond=None)[0]
    return np.concatenate([[1 - others.sum()], others])


def _squared(points: Floats, weights: Floats) -> float:
    at = points @ weights
    return float(at @ at)
