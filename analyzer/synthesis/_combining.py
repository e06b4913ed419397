"""Random-effects combination of log ratios whose errors share a shock (generalised least squares, t-based intervals).

Each log ratio is `mu + u + e`: u differs between members (heterogeneity), e are errors that one common shock moves
together.  Heterogeneity is Paule & Mandel's (1982) with the errors' covariance, at the median of its statistic
(Viechtbauer 2021).  What members do not share is judged by their residuals with K - 1 degrees of freedom (Hartung &
Knapp 2001); the shared part does not average out and is added with its own uncertainty.  Standard errors are estimates:
they are squeezed towards each other (Smyth 2004), and weights made of them cost half of Meier's (1953) term.
Prediction interval: Higgins, Thompson & Spiegelhalter 2009, equation 12.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import brentq
from scipy.special import chdtri, stdtr, stdtrit

from analyzer.synthesis._correlation import CommonShock, common_shock, fixed, unknown
from analyzer.synthesis._squeeze import squeezed

if TYPE_CHECKING:
    import numpy.typing as npt

    from analyzer.records import Floats

BAND = (0.2, 0.4, 0.6, 0.8)  # correlations of the sensitivity band
FREEDOM = 9.0  # of a deviation whose degrees of freedom are not stated
MOST = 3000  # members; their correlations are a matrix
MOST_LEFT_OUT = 200  # members up to which each is left out in turn
_STEPS = 40  # halvings of the bracket around the heterogeneity


@dataclass(frozen=True, slots=True)
class Combined:
    """Several log ratios as one; everything on the log scale.

    estimate, low, high: the mean effect.  deviation, freedom: its standard error at the mean correlation and degrees of
    freedom.  prediction_low, prediction_high: for the effect of a further member; infinite for fewer than three.
    heterogeneity: standard deviation of effects between members, NaN for a single one.  correlation: of errors, with
    its 95 % range; NaN for a single one.  dates: effective number of placebo dates behind it.  weights: (K,).
    band: (correlation, low, high) had it been larger.  left_out: (name, estimate, low, high) without each.
    """

    names: tuple[str, ...]
    estimate: float
    low: float
    high: float
    deviation: float
    freedom: float
    prediction_low: float
    prediction_high: float
    heterogeneity: float
    correlation: float
    correlation_low: float
    correlation_high: float
    dates: float
    weights: Floats
    band: tuple[tuple[float, float, float], ...] = ()
    left_out: tuple[tuple[str, float, float, float], ...] = ()
    notes: tuple[str, ...] = ()


def combine_effects(
    logs: npt.ArrayLike,
    deviations: npt.ArrayLike,
    *,
    errors: npt.ArrayLike | None = None,
    correlation: float | None = None,
    freedom: npt.ArrayLike | None = None,
    level: float = 0.95,
    names: Sequence[str] = (),
    overlap: int | None = None,
    sensitivity: bool = True,
) -> Combined:
    """The mean of K effects whose errors may share a common shock.

    logs: (K,) log ratios.  deviations: (K,) their standard errors, above zero.  freedom: degrees of freedom of those,
    one number or (K,); None takes 9.  errors: (N, K) standardised placebo errors, a row per date and consecutive dates,
    NaN where a series lacks one; the correlation comes from them.  overlap: dates that one placebo window reaches over,
    None = as the errors show.  correlation: stated instead, between 0 and 1.  level: of the intervals.
    sensitivity: False leaves out the band and the results without each member; the latter are given for up to 200.

    Without `errors` and `correlation` every correlation from 0 to 1 is taken to be as likely as the other.  One member
    comes back as it is; two or three give wide intervals, since what differs between members cannot be seen in them.
    Raises ValueError, with the argument's name, for what cannot be meant: lengths that differ, values that are not
    finite, deviations or freedom that are not above zero, a correlation outside [0, 1).
    """
    y, s, nu = _members(logs, deviations, freedom)
    called = _names(names, y.size)
    if not 0 < level < 1:
        raise ValueError(f"level is {level}: between 0 and 1")
    known = _known(errors, correlation, overlap, y.size)
    if y.size == 1:
        return _single(called, y[0], s[0], nu[0], level)
    every = _Members(y, *squeezed(s, nu))
    found = _combined(every, known, called, level)
    found = replace(found, notes=_notes(y.size, errors, correlation, known))
    if not sensitivity:
        return found
    left_out = _left_out(every, known, called, level) if y.size <= MOST_LEFT_OUT else ()
    return replace(found, band=_band(every, known, level), left_out=left_out)


@dataclass(frozen=True, slots=True)
class _Members:
    y: Floats
    s: Floats
    nu: Floats

    def without(self, k: int) -> _Members:
        return _Members(np.delete(self.y, k), np.delete(self.s, k), np.delete(self.nu, k))


@dataclass(frozen=True, slots=True)
class _Fit:
    estimate: float
    half: float
    deviation: float
    freedom: float
    heterogeneity: float
    weights: Floats


def _members(logs: npt.ArrayLike, deviations: npt.ArrayLike, freedom: npt.ArrayLike | None) -> tuple[Floats, ...]:
    y, s = _vector(logs, "logs"), _vector(deviations, "deviations")
    nu = _vector(np.broadcast_to(FREEDOM if freedom is None else np.asarray(freedom, float), y.shape), "freedom")
    if s.size != y.size:
        raise ValueError(f"deviations has {s.size} values for {y.size} logs")
    if not (s > 0).all():
        raise ValueError(f"deviations must be above zero: {s.min():g} at {int(np.argmin(s))}")
    if not (nu > 0).all():
        raise ValueError(f"freedom must be above zero: {nu.min():g}")
    return y, s, nu


def _vector(values: npt.ArrayLike, name: str) -> Floats:
    out = np.asarray(values, dtype=float)
    if out.ndim != 1 or not 1 <= out.size <= MOST:
        raise ValueError(f"{name} has shape {out.shape}: a vector of 1 to {MOST} values is needed")
    if name != "freedom" and not np.isfinite(out).all():
        raise ValueError(f"{name} holds {int((~np.isfinite(out)).sum())} values that are not finite: leave them out")
    return np.minimum(out, 1e6) if name == "freedom" else out


def _names(names: Sequence[str], members: int) -> tuple[str, ...]:
    if names and len(names) != members:
        raise ValueError(f"names has {len(names)} entries for {members} logs")
    return tuple(names) or tuple(str(k) for k in range(members))


def _known(errors: npt.ArrayLike | None, correlation: float | None, overlap: int | None, members: int) -> CommonShock:
    if overlap is not None and overlap < 1:
        raise ValueError(f"overlap is {overlap}: 1 or more dates")
    if correlation is not None:
        if not 0 <= correlation < 1:
            raise ValueError(f"correlation is {correlation}: at least 0 and below 1")
        return fixed(float(correlation), members)
    if errors is None:
        return unknown(members)
    table = np.asarray(errors, dtype=float)
    if table.ndim != 2 or table.shape[1] != members:
        raise ValueError(f"errors has shape {table.shape}: (N, {members}) is needed")
    return common_shock(table, overlap) if members > 1 else unknown(members)


def _single(names: tuple[str, ...], y: float, s: float, nu: float, level: float) -> Combined:
    half = float(stdtrit(nu, 0.5 + level / 2)) * s
    note = "one member: its own interval, nothing is combined"
    nan = float("nan")
    ends = (y - half, y + half, s, nu, -np.inf, np.inf)
    return Combined(names, y, *ends, nan, nan, nan, nan, 0.0, np.ones(1), notes=(note,))


def _notes(
    members: int, errors: npt.ArrayLike | None, correlation: float | None, known: CommonShock
) -> tuple[str, ...]:
    found = []
    if members < 4:
        found.append(f"{members} members: how much they differ can hardly be seen, so that the interval is wide")
    if correlation is not None:
        found.append(f"correlation of errors stated, not estimated: {correlation:g}")
    elif known.dates == 0:
        found.append("no placebo errors of the same dates: any correlation from 0 to 1 is taken as equally likely")
    elif errors is not None:
        lacking = int((np.isfinite(np.asarray(errors, float)).sum(axis=0) == 0).sum())
        if lacking:
            found.append(f"{lacking} of {members} members have no placebo errors: taken to be correlated as the others")
    return tuple(found)


def _combined(every: _Members, known: CommonShock, names: tuple[str, ...], level: float) -> Combined:
    members = every.y.size
    fit = _fit(every, known, level)
    reach = np.inf
    if members > 2:
        reach = float(stdtrit(members - 2, 0.5 + level / 2)) * float(np.hypot(fit.heterogeneity, fit.deviation))
    return Combined(
        names=names,
        estimate=fit.estimate,
        low=fit.estimate - fit.half,
        high=fit.estimate + fit.half,
        deviation=fit.deviation,
        freedom=fit.freedom,
        prediction_low=fit.estimate - max(reach, fit.half),
        prediction_high=fit.estimate + max(reach, fit.half),
        heterogeneity=fit.heterogeneity,
        correlation=known.mean,
        correlation_low=known.low,
        correlation_high=known.high,
        dates=known.dates,
        weights=fit.weights,
    )


def _band(every: _Members, known: CommonShock, level: float) -> tuple[tuple[float, float, float], ...]:
    """The interval had the correlation been larger than it seems."""
    fits = [(at, _fit(every, fixed(at, every.y.size), level)) for at in BAND if at > known.mean]
    return tuple((at, fit.estimate - fit.half, fit.estimate + fit.half) for at, fit in fits)


def _left_out(
    every: _Members, known: CommonShock, names: tuple[str, ...], level: float
) -> tuple[tuple[str, float, float, float], ...]:
    """Without each member, at the correlation of all of them."""
    found = []
    for k, name in enumerate(names):
        rest = every.without(k)
        if rest.y.size == 1:
            half = float(stdtrit(rest.nu[0], 0.5 + level / 2)) * float(rest.s[0])
            found.append((name, float(rest.y[0]), float(rest.y[0]) - half, float(rest.y[0]) + half))
            continue
        pairs = np.delete(np.delete(known.pairs, k, axis=0), k, axis=1)
        shock = CommonShock(known.nodes, known.mean, known.low, known.high, pairs, known.dates)
        fit = _fit(rest, shock, level)
        found.append((name, fit.estimate, fit.estimate - fit.half, fit.estimate + fit.half))
    return tuple(found)


def _fit(members: _Members, known: CommonShock, level: float) -> _Fit:
    """Weights at the mean correlation; the interval over all the correlations that the placebo errors leave open."""
    y, s = members.y, members.s
    rho = np.append(known.nodes, known.mean)
    own = s**2 * (1 - rho[:, None])
    tau2, scale = _heterogeneity(y, s, own, rho)
    weights = _weights(own[-1] + tau2[-1], s, known.mean)
    apart = scale * ((own + tau2[:, None]) * weights**2).sum(axis=1)
    load = weights * s
    shared = rho * load.sum() ** 2 + _unequal(load, known)
    # Squared loads are chi-squared with the members' own degrees of freedom, less where members are copies.
    doubt = 4 * float(load @ (known.pairs**2 / np.sqrt(np.outer(members.nu, members.nu)) / 2) @ load) / load.sum() ** 2
    total = apart + shared
    # Two residuals of two members have one degree of freedom; their deviations are worth one more.
    freedom = total**2 / (apart**2 / max(y.size - 1, 2) + shared**2 * doubt / 2)
    # Weights that are made of estimated deviations prefer those that came out too small.
    deviation = np.sqrt(total * (1 + 2 * float(np.sum(weights * (1 - weights) / members.nu))))
    half = _half(deviation[:-1], freedom[:-1], level)
    tau = float(np.sqrt(tau2[-1]))
    return _Fit(float(weights @ y), half, float(deviation[-1]), float(freedom[-1]), tau, weights)


def _unequal(load: Floats, known: CommonShock) -> float:
    """What the correlations of the pairs that carry the weight have beyond the common one."""
    beyond = known.pairs - known.mean
    np.fill_diagonal(beyond, 0.0)
    return max(float(load @ beyond @ load), 0.0)


def _heterogeneity(y: Floats, s: Floats, own: Floats, rho: Floats) -> tuple[Floats, Floats]:
    """Per correlation: the variance between members, and what their residuals say of the rest where that is zero.

    (K - 1) Q has a chi-squared distribution; the variance is the one at which Q stands at its median.  Where members
    lie closer together than their deviations let one expect, the scale is below 1, with one member's worth of doubt.
    """
    freedom = y.size - 1
    target = float(chdtri(freedom, 0.5))
    at_none = _statistic(y, s, own, rho, np.zeros(rho.size))
    low, high = np.zeros(rho.size), np.full(rho.size, 100 * float(np.var(y)) + 1e-12)
    for _ in range(_STEPS):
        middle = (low + high) / 2
        above = _statistic(y, s, own, rho, middle) > target
        low, high = np.where(above, middle, low), np.where(above, high, middle)
    tau2 = np.where(at_none > target, high, 0.0)
    scale = (1 + freedom * np.minimum(at_none / target, 1.0)) / (1 + freedom)
    return tau2, scale


def _statistic(y: Floats, s: Floats, own: Floats, rho: Floats, tau2: Floats) -> Floats:
    """(R,) y' P y with the covariance diag(own + tau2) + rho s s', inverted by Woodbury's identity."""
    inverse = 1 / (own + tau2[:, None])
    loads = s * inverse
    factor = rho / (1 + rho * (s * loads).sum(axis=1))
    sy, s1 = loads @ y, loads.sum(axis=1)
    yy = inverse @ y**2 - factor * sy**2
    y1 = inverse @ y - factor * sy * s1
    ones = inverse.sum(axis=1) - factor * s1**2
    return np.asarray(yy - y1**2 / ones)


def _weights(apart: Floats, s: Floats, rho: float) -> Floats:
    """Those of generalised least squares that are not negative: a member that only carries the shock has none."""
    kept = np.arange(s.size)
    while True:
        inverse = 1 / apart[kept]
        loads = s[kept] * inverse
        raw = inverse - rho * loads * loads.sum() / (1 + rho * float(s[kept] @ loads))
        if (raw > 0).all() or kept.size == 1:
            break
        kept = kept[raw > 0] if (raw > 0).any() else kept[[int(np.argmin(s[kept]))]]
    weights = np.zeros(s.size)
    weights[kept] = raw / raw.sum() if kept.size > 1 else 1.0
    return weights


def _half(deviation: Floats, freedom: Floats, level: float) -> float:
    """Half width of the interval of a mixture of Student's distributions around one centre."""
    if deviation.size == 1:
        return float(stdtrit(freedom[0], 0.5 + level / 2) * deviation[0])
    ends = stdtrit(freedom, 0.5 + level / 2) * deviation
    if np.ptp(ends) < 1e-12 * ends.max():
        return float(ends[0])

    def beyond(half: float) -> float:
        return float(np.mean(stdtr(freedom, half / deviation))) - (0.5 + level / 2)

    return float(brentq(beyond, float(ends.min()), float(ends.max())))
