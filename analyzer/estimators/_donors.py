"""Donors: which can be used, and coefficients that at every origin know the past only.

Coefficients are generalised least squares on Kalman innovations (a regression with local-level errors, Harvey 1989,
section 3.4), with a ridge.  Every origin has its own, so that the errors of the replay are those of a forecaster that
had to learn them, and the interval carries their uncertainty.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from analyzer.estimators._calendar import clip_wild_steps, seasonal_factors

if TYPE_CHECKING:
    from analyzer.estimators._events import Base
    from analyzer.estimators._filters import Filtered
    from analyzer.estimators._inputs import Bools, Question
    from analyzer.records import Floats

REFRESH = 7  # steps between refreshed coefficients
PENALTIES = (4.0, 30.0, 250.0)  # in steps of prior data that say "no relation"
EASE = 0.02  # penalty of the donors' mean relative to that of one donor
LEARNABLE = 28  # observed steps of the base before a coefficient is tried
BROKEN = 4.0  # deviations from what the other donors did; a donor beyond it has an event of its own


@dataclass(frozen=True, slots=True)
class Donors:
    """Usable donors on the log scale, deseasonalised, clipped, centred on the base, without holes."""

    z: Floats  # (T, K)
    kept: tuple[int, ...]
    warnings: tuple[str, ...]
    common: bool = False  # the last column is the donors' mean


def usable(question: Question, base: Base, known: int) -> Donors:
    """Donors without an event in the window, and seen nearly throughout; the others are named in a warning."""
    kept, columns, notes = [], [], []
    if known < LEARNABLE and question.donors.shape[1]:
        notes = [
            f"donors are left out: {known} observed steps of the base, {LEARNABLE} needed to learn how they relate"
        ]
        return Donors(np.empty((question.y.size, 0)), (), tuple(notes))
    for j in range(question.donors.shape[1]):
        column, reason = _donor(question, j, base)
        if column is None:
            notes.append(f"donor {j} is left out: {reason}")
        else:
            kept.append(j)
            columns.append(column)
    z = np.column_stack(columns) if columns else np.empty((question.y.size, 0))
    return Donors(z, tuple(kept), tuple(notes))


def _donor(question: Question, j: int, base: Base) -> tuple[Floats | None, str]:
    events = question.donor_events[j] if question.donor_events else ()
    first, last = question.onset - question.anticipation, question.window.stop
    if any(start < last and stop > first for start, stop in events):
        return None, "it has an event of its own in the window"
    values = question.donors[:, j].copy()
    for start, stop in events:
        values[max(start, 0) : stop] = np.nan
    seen = np.isfinite(values)
    past = slice(base.start, base.end)
    if seen[past].sum() < 0.7 * base.length or seen[question.window].sum() < 0.8 * question.horizon:
        return None, (
            f"it has {int(seen[past].sum())} of {base.length} steps of the base and "
            f"{int(seen[question.window].sum())} of {question.horizon} of the window"
        )
    known = values[past][seen[past]]
    if not (known > 0).any() or np.ptp(known) == 0:
        return None, "it does not vary"
    return _prepared(values, question.season, past), ""


def _prepared(values: Floats, season: int, past: slice) -> Floats:
    positive = values[values > 0]
    z = np.log(values + 0.5 * min(1.0, float(np.median(positive))))
    z = z - seasonal_factors(z[: past.stop], season)[np.arange(z.size) % season]
    z = clip_wild_steps(z)
    seen, t = np.isfinite(z), np.arange(z.size)
    z = np.interp(t, t[seen], z[seen])
    return np.asarray(z - z[past].mean())


def without_broken(donors: Donors, movements: Floats) -> Donors:
    """Leave out donors that moved apart from the others in the window, judged without looking at the treated series.

    movements: (n, K) move of each donor over windows of the same length, the last row being the window itself.
    """
    alive = list(range(donors.z.shape[1]))
    notes = list(donors.warnings)
    for _ in range(donors.z.shape[1] // 3):
        if len(alive) < 3 or movements.shape[0] < 20:
            break
        apart = _apart(movements[:, alive])
        worst = int(np.argmax(apart))
        if apart[worst] < BROKEN:
            break
        notes.append(f"donor {donors.kept[alive[worst]]} is left out: it parted from the other donors in the window")
        del alive[worst]
    return Donors(donors.z[:, alive], tuple(donors.kept[j] for j in alive), tuple(notes))


def _apart(movements: Floats) -> Floats:
    """(K,) deviations of the last row from what the other columns imply, in robust deviations of earlier rows."""
    scale = movements[:-1].std(axis=0) + 1e-12
    m = movements / scale
    covariance = m[:-1].T @ m[:-1] / (m.shape[0] - 1) + 0.1 * np.eye(m.shape[1])
    precision = np.linalg.inv(covariance)
    # Regression of each column on the others, read off the precision matrix (Lauritzen 1996, section 5.1).
    residual = m @ precision / np.diag(precision)
    usual = 1.4826 * np.median(np.abs(residual[:-1]), axis=0) + 0.05
    return np.asarray(np.abs(residual[-1]) / usual)


def with_mean(donors: Donors, end: int) -> Donors:
    """The donors and, from three on, their mean as a further column, which is believed sooner than any single one.

    A shock that all share is learnt through one coefficient (a common factor; Pesaran 2006).  Noisy donors count for
    less.
    """
    if donors.z.shape[1] < 3:
        return donors
    weight = 1 / (np.var(np.diff(donors.z[:end], axis=0), axis=0) + 1e-9)
    mean = donors.z @ (weight / weight.sum())
    return replace(donors, z=np.column_stack([donors.z, mean]), common=True)


@dataclass(frozen=True, slots=True)
class Regression:
    """Coefficients of every (candidate, penalty) pair at every refresh, and how well they foretold."""

    at: Floats  # (T + 1,) index of the refresh that each origin may use
    coefficients: Floats  # (P, R, K)
    covariance: Floats  # (P, R, K, K) relative to the noise variance
    candidate: Floats  # (P,) index into the filter's candidates
    weight: Floats  # (P,) posterior weights
    noise: Floats  # (P,) noise variance


def regress(filtered: Filtered, seen: Bools, *, common: bool = False) -> Regression:
    """Fit at every refresh, weigh pairs by the likelihood of their one-step errors (coefficients of the past).

    common: the last column is the mean of the others.
    """
    whitened = filtered.innovation / np.sqrt(filtered.variance)[:, :, None]
    whitened = np.where(seen[None, :, None], whitened, 0.0)
    steps = whitened.shape[1]
    refreshes = np.arange(0, steps + REFRESH, REFRESH).clip(max=steps)
    at = np.minimum(np.arange(steps + 1) // REFRESH, refreshes.size - 1)
    at[steps] = refreshes.size - 1
    coefficients, covariance = _ridges(whitened, refreshes, common)
    models, penalties = coefficients.shape[:2]
    foretold = np.einsum("gtk,gptk->gpt", whitened[:, :, 1:], coefficients[:, :, at[:-1]])
    error = whitened[:, None, :, 0] - foretold
    late = seen & (np.cumsum(seen) > 21)
    spread = np.log(np.where(late, filtered.variance, 1.0)).sum(axis=1)
    noise = np.mean(error[:, :, late] ** 2, axis=2) + 1e-12
    likelihood = -0.5 * late.sum() * np.log(noise) - 0.5 * spread[:, None]
    weight = posterior(likelihood + np.log(filtered.grid.prior)[:, None])
    columns = coefficients.shape[-1]
    return Regression(
        at,
        coefficients.reshape(-1, refreshes.size, columns),
        covariance.reshape(-1, refreshes.size, columns, columns),
        np.repeat(np.arange(models), penalties),
        weight.ravel(),
        noise.ravel(),
    )


def posterior(log_likelihood: Floats) -> Floats:
    """Weights that sum to 1; an even prior over candidates."""
    weight = np.exp(log_likelihood - log_likelihood.max())
    return np.asarray(weight / weight.sum())


def _ridges(whitened: Floats, refreshes: Floats, common: bool) -> tuple[Floats, Floats]:
    """(G, P, R, K) coefficients and (G, P, R, K, K) inverse normal matrices; the last penalty is "no donors"."""
    products = np.cumsum(whitened[:, :, :, None] * whitened[:, :, None, 1:], axis=1)
    products = np.concatenate([np.zeros_like(products[:, :1]), products], axis=1)[:, refreshes]
    right, normal = products[:, :, 0], products[:, :, 1:]
    columns = normal.shape[-1]
    seen = np.maximum((whitened[0, :, 0] != 0).cumsum()[-1], 1)
    unit = np.einsum("grkk->gk", normal[:, -1:]) / seen + 1e-12  # whitened variance of each donor
    if common:
        unit[:, -1] *= EASE
    coefficients, covariances = [], []
    for penalty in PENALTIES:
        inverse = np.linalg.inv(normal + penalty * unit[:, None, :, None] * np.eye(columns))
        coefficients.append(np.einsum("grkl,grl->grk", inverse, right))
        covariances.append(inverse)
    coefficients.append(np.zeros_like(coefficients[0]))
    covariances.append(np.zeros_like(covariances[0]))
    return np.stack(coefficients, axis=1), np.stack(covariances, axis=1)
