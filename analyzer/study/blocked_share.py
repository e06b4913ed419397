"""Share of measurements that found something blocked, before and during a time: counts that vary more than chance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np
from scipy.special import stdtrit

from analyzer.checks._material import BlockedShare
from analyzer.places import UNKNOWN, WORLD
from analyzer.study.series import Aligned, Bools, Floats

BEFORE = timedelta(days=28)
REACH = timedelta(days=90)  # no further back than this for days that no other block touches
# Measurements of one day share probes and networks.  Where few days are there to see by how much, this correlation of
# two measurements of a day, with the weight of as many days, stands in.
USUAL_CORRELATION, USUAL_DAYS = 0.02, 4.0
# Shares of measurements drift for reasons of their own: what windows of the last year did is the yardstick.
HISTORY = timedelta(days=400)
FEWEST_EARLIER, MOST_EARLIER = 5, 12
LEAST_APART = timedelta(days=7)
FEWEST_ELSEWHERE = 3  # other countries
FEW = 20  # measurements below which another country says nothing


@dataclass(frozen=True, slots=True)
class Period:
    """A time to be compared with the 28 days that end at `before`; `others` are times of other blocks, left out."""

    start: datetime
    end: datetime
    before: datetime
    others: Sequence[tuple[datetime, datetime]] = ()


@dataclass(frozen=True, slots=True)
class Counts:
    """(D,) measurements and (D,) of them that found it blocked, per step."""

    blocked: Floats
    n: Floats

    @property
    def total(self) -> int:
        """Measurements."""
        return round(float(self.n.sum()))

    @property
    def share(self) -> float:
        """Of all measurements, those that found it blocked."""
        return float(self.blocked.sum() / max(self.n.sum(), 1e-9))


def share_change(series: Sequence[Aligned], cc: str, period: Period) -> BlockedShare | str:
    """The change of a share in a country, or why there is none to be seen.

    series: one, or those of single networks on any axes, whose measurements are added up.
    """
    found = _all(series, cc, period)
    if isinstance(found, str):
        return found
    before, during = found
    if not during.total:
        return f"{before.total} measurements before, none during: silence is no evidence either way"
    if not before.total:
        return f"none in the {BEFORE.days} days before, {during.total} during: nothing to compare with"
    low, high = difference(before, during)
    elsewhere, earlier = _elsewhere(series, cc, period), _earlier(series, cc, period)
    key = series[0].key
    return BlockedShare(
        key.indicator,
        key.entity,
        before.share,
        during.share,
        low,
        high,
        before.total,
        during.total,
        float(np.median(elsewhere)) if len(elsewhere) >= FEWEST_ELSEWHERE else None,
        len(elsewhere),
        max(earlier) if len(earlier) >= FEWEST_EARLIER else None,
        _exposed(series[0], period),
    )


def difference(before: Counts, during: Counts) -> tuple[float, float]:
    """95 % interval of a difference of shares (Newcombe 1998, method 10), measurements of a day being correlated.

    A day of n correlated measurements counts as n / (1 + (n - 1) rho) independent ones (Kish 1965); the quantile is
    Student's for as many days as were seen.
    """
    days = int((before.n > 0).sum() + (during.n > 0).sum())
    rho = correlation((before, during))
    quantile = float(stdtrit(max(days - 2, 1) + USUAL_DAYS, 0.975))
    (a, b), (c, d) = (_wilson(part, rho, quantile) for part in (before, during))
    change = during.share - before.share
    low = change - np.hypot(during.share - c, b - before.share)
    high = change + np.hypot(d - during.share, before.share - a)
    return float(low), float(high)


def correlation(groups: Sequence[Counts]) -> float:
    """Correlation of two measurements of a day, from how much days differ (analysis of variance, Ridout 1999)."""
    seen = [(g.blocked[g.n > 0], g.n[g.n > 0]) for g in groups]
    freedom = sum(max(n.size - 1, 0) for _, n in seen)
    if not freedom:
        return USUAL_CORRELATION
    between = sum(float((n * (k / n - k.sum() / n.sum()) ** 2).sum()) for k, n in seen if n.size) / freedom
    inside = sum(float((k * (1 - k / n)).sum()) for k, n in seen)
    inside /= max(sum(float((n - 1).sum()) for _, n in seen), 1e-9)
    size = sum(float(n.sum() - (n**2).sum() / n.sum()) for _, n in seen if n.size) / freedom
    spread = between + (size - 1) * inside
    own = float(np.clip((between - inside) / spread, 0.0, 0.95)) if spread > 0 else 0.0
    return (freedom * own + USUAL_DAYS * USUAL_CORRELATION) / (freedom + USUAL_DAYS)


def _wilson(counts: Counts, rho: float, z: float) -> tuple[float, float]:
    n = float((counts.n[counts.n > 0] / (1 + (np.maximum(counts.n[counts.n > 0], 1) - 1) * rho)).sum())
    p = counts.share
    middle = (p + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2)) / (1 + z**2 / n)
    return max(float(middle - half), 0.0), min(float(middle + half), 1.0)


def _joined(parts: Sequence[Counts]) -> Counts:
    return Counts(np.concatenate([p.blocked for p in parts]), np.concatenate([p.n for p in parts]))


def _counts(series: Aligned, cc: str, period: Period) -> tuple[Counts, Counts] | str:
    """Counts before and during, or why there are none."""
    y, n = fractions(series, cc), series.n[cc]
    if y is None:
        return "values that are no shares"
    if not (np.isfinite(y) & (n > 0)).any():
        return "loaded without n: how many measurements there were is not known"
    inside, before = _steps(series, period)
    return tuple(Counts((y * n)[at], n[at]) for at in (s & np.isfinite(y) & (n > 0) for s in (before, inside)))  # type: ignore[return-value]


def fractions(series: Aligned, cc: str) -> Floats | None:
    """(T,) values as shares of one; None where they are none."""
    y = series.values[cc]
    unit = series.key.unit.lower()
    if "%" in unit or "percent" in unit or "per cent" in unit:
        y = y / 100
    known = y[np.isfinite(y)]
    return y if known.size and known.min() >= 0 and known.max() <= 1 else None


def _steps(series: Aligned, period: Period) -> tuple[Bools, Bools]:
    """Steps of the period (those wholly inside, else those that touch it) and of the days before, other blocks out."""
    start = _positions(series, (period.start, period.end, period.before))
    steps = np.arange(series.length)
    inside = (steps >= start[0]) & (steps + 1 <= start[1])
    if not inside.any():
        inside = (steps + 1 > start[0]) & (steps < start[1])
    free = (steps + 1 <= start[2]) & (steps >= start[2] - REACH / series.step)
    for a, b in period.others:
        first, last = _positions(series, (a, b))
        free &= (steps + 1 <= first) | (steps >= last)
    seen = np.flatnonzero(free)[-round(BEFORE / series.step) :]
    before = np.zeros(series.length, bool)
    before[seen] = True
    return inside, before


def _positions(series: Aligned, instants: Sequence[datetime]) -> list[float]:
    """Instants in steps of a series."""
    return [(instant - series.start) / series.step for instant in instants]


def _all(series: Sequence[Aligned], cc: str, period: Period) -> tuple[Counts, Counts] | str:
    """Counts of all series before and during, or why there are none."""
    taken = [_counts(s, cc, period) for s in series if cc in s.values]
    parts = [t for t in taken if not isinstance(t, str)]
    if not parts:
        return next((t for t in taken if isinstance(t, str)), "no measurement of this country")
    before, during = (_joined([p[i] for p in parts]) for i in (0, 1))
    return before, during


def _rise(series: Sequence[Aligned], cc: str, period: Period) -> float | None:
    """Difference of shares where both sides hold enough measurements."""
    found = _all(series, cc, period)
    if isinstance(found, str) or min(c.total for c in found) < FEW:
        return None
    return found[1].share - found[0].share


def _elsewhere(series: Sequence[Aligned], cc: str, period: Period) -> list[float]:
    """Differences of the same entity over the same time in other countries with enough measurements."""
    others = {c for s in series for c in s.values} - {cc, WORLD, UNKNOWN}
    rises = (_rise(series, other, replace(period, others=())) for other in sorted(others))
    return [r for r in rises if r is not None]


def _earlier(series: Sequence[Aligned], cc: str, period: Period) -> list[float]:
    """Differences over disjoint windows of that length before the days compared with."""
    apart = max(period.end - period.start, LEAST_APART)
    found = []
    for k in range(1, MOST_EARLIER + 1):
        shift = period.start - period.before + k * apart
        if shift > HISTORY:
            break
        start = period.start - shift
        moved = Period(start, start + (period.end - period.start), start, period.others)
        if not any(a < moved.end and b > moved.start for a, b in period.others):
            found.append(_rise(series, cc, moved))
    return [r for r in found if r is not None]


def _exposed(series: Aligned, period: Period) -> float:
    """Part of the steps taken that lies within the period."""
    inside = np.flatnonzero(_steps(series, period)[0])
    if not inside.size:
        return 1.0
    start, end = _positions(series, (period.start, period.end))
    covered = min(end, float(inside[-1] + 1)) - max(start, float(inside[0]))
    return float(np.clip(covered / inside.size, 0.0, 1.0))
