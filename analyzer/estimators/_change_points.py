"""Where a series changed level, several times perhaps: "the series changed on D", never the block's date.

Segments of the deseasonalised log series are found by exact least squares for every number of changes (segment
neighbourhood; Auger & Lawrence 1989, Bulletin of Mathematical Biology 51).  A change stands if its step in level, over
at most two weeks on either side, is larger than such steps are in the base: a series that wanders has to wander
further than it does.  The dates within which a change lies come from the profile of squared errors, with the noise
that the base's own steps in level show (Bai 1997, Review of Economics and Statistics 79, on dates of breaks).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import stdtrit

from analyzer.estimators._calendar import seasonal_factors

if TYPE_CHECKING:
    from analyzer.records import Floats

LEAD = 28  # steps before onset in which a change is looked for
SIDE = 14  # steps on either side from which a step in level is read
SHORTEST = 3  # steps of a segment; fewer cannot tell a level from a spike
MOST = 4
FEWEST_PLACES = 4  # disjoint places in the base at which nothing happened; fewer say nothing of its wandering


@dataclass(frozen=True, slots=True)
class ChangePoint:
    """The series changed on `step`: the first step of the new level.

    ratio: new level over old; low, high: first and last step within which the change lies at the level asked for.
    """

    step: int
    ratio: float
    low: int
    high: int


def change_points(
    y: Floats, onset: int, horizon: int, *, lead: int = LEAD, season: int = 7, level: float = 0.95
) -> tuple[ChangePoint, ...]:
    """Changes of level in [onset - lead, onset + horizon), in order; () where none stands out or the base is short.

    y: (T,) counts or levels per step, NaN = missing.  With no change in the series, `level` of all windows show none.
    """
    start, stop = max(onset - lead, 0), min(onset + horizon, y.size)
    z = _deseasoned(y, start, season)
    usual = _usual_steps(z[:start])
    if usual is None or stop - start < 2 * SHORTEST:
        return ()
    inside = np.flatnonzero(np.isfinite(z[start:stop])) + start
    if inside.size < 2 * SHORTEST:
        return ()
    found = _largest_set(z[inside], usual, level)
    return tuple(_change(z[inside], inside, borders, k, usual, level) for borders, k in _between(found, inside.size))


@dataclass(frozen=True, slots=True)
class Usual:
    """Steps in level of the base."""

    variance: float  # of a step in level over SIDE steps on either side
    noise: float  # variance of a single step around its level
    freedom: float  # disjoint places behind it

    def inflation(self) -> float:
        """How many times the variance of independent noise the means of this series have."""
        return max(self.variance / (2 * self.noise / SIDE), 1.0)

    def deviation(self, left: int, right: int) -> float:
        """Of the step in level between means over that many steps."""
        return float(np.sqrt(self.inflation() * self.noise * (1 / min(left, SIDE) + 1 / min(right, SIDE))))


def _deseasoned(y: Floats, end: int, season: int) -> Floats:
    """Log series without the cycle that the steps before `end` show."""
    z = np.log(np.where(y >= 0, y, np.nan) + 0.5)
    if end < 3 * season:
        return np.asarray(z)
    return np.asarray(z - seasonal_factors(z[:end], season)[np.arange(z.size) % season])


def _usual_steps(z: Floats) -> Usual | None:
    """None where the base has too few places to compare with."""
    z = z[np.isfinite(z)]
    places = z.size / SIDE - 1
    if places < FEWEST_PLACES:
        return None
    running = np.concatenate([[0.0], np.cumsum(z)])
    means = (running[SIDE:] - running[:-SIDE]) / SIDE
    steps = means[SIDE:] - means[:-SIDE]
    noise = float(np.median(np.diff(z) ** 2)) / (2 * 0.4549)  # the median of chi-squared on one degree of freedom
    return Usual(float(np.mean(steps**2)) + 1e-12, max(noise, 1e-9), places)


def _largest_set(z: Floats, usual: Usual, level: float) -> tuple[int, ...]:
    """The most changes that all stand out, at the places of least squared error for that many."""
    places = max(2 * z.size / SIDE, 1.0)  # steps in level over windows that overlap by half are all but independent
    quantile = float(stdtrit(usual.freedom, 1 - (1 - level) / (2 * places)))
    for borders in reversed(_segmentations(z)):
        cuts = (0, *borders, z.size)
        if all(_stands(z, cuts[i : i + 3], usual, quantile) for i in range(len(borders))):
            return borders
    return ()


def _stands(z: Floats, cuts: tuple[int, ...], usual: Usual, quantile: float) -> bool:
    first, k, last = cuts
    return abs(_step(z, first, k, last)) > quantile * usual.deviation(k - first, last - k)


def _step(z: Floats, first: int, k: int, last: int) -> float:
    """Step in level at k between the segments on its two sides, over at most SIDE steps each."""
    return float(z[k : min(last, k + SIDE)].mean() - z[max(first, k - SIDE) : k].mean())


def _segmentations(z: Floats) -> list[tuple[int, ...]]:
    """Borders of least squared error for 0, 1, .. MOST changes, by dynamic programming."""
    size = z.size
    one, two = np.concatenate([[0.0], np.cumsum(z)]), np.concatenate([[0.0], np.cumsum(z**2)])
    length = np.arange(size + 1)[None, :] - np.arange(size + 1)[:, None]
    cost = two[None, :] - two[:, None] - (one[None, :] - one[:, None]) ** 2 / np.maximum(length, 1)
    cost = np.where(length >= SHORTEST, cost, np.inf)
    best, cameby = cost[0], []
    found: list[tuple[int, ...]] = [()]
    for _ in range(min(MOST, size // SHORTEST - 1)):
        through = best[:, None] + cost
        cameby.append(np.argmin(through, axis=0))
        best = np.min(through, axis=0)
        found.append(_traced(cameby, size))
    return found


def _traced(cameby: list[np.ndarray[tuple[int], np.dtype[np.intp]]], size: int) -> tuple[int, ...]:
    borders, at = [], size
    for back in reversed(cameby):
        at = int(back[at])
        borders.append(at)
    return tuple(reversed(borders))


def _between(borders: tuple[int, ...], size: int) -> list[tuple[tuple[int, int], int]]:
    """Each change with the borders of the segments on its two sides."""
    cuts = (0, *borders, size)
    return [((cuts[i], cuts[i + 2]), cuts[i + 1]) for i in range(len(borders))]


def _change(  # noqa: PLR0917 - one call
    z: Floats, at: np.ndarray[tuple[int], np.dtype[np.intp]], cuts: tuple[int, int], k: int, usual: Usual, level: float
) -> ChangePoint:
    first, last = cuts
    # Further away a decay or a slope would be taken for evidence about the date.
    near = slice(max(first, k - 2 * SIDE), min(last, k + SIDE))
    kept = _dates(z[near], usual, level) + near.start
    return ChangePoint(int(at[k]), float(np.exp(_step(z, first, k, last))), int(at[kept[0]]), int(at[kept[-1]]))


def _dates(z: Floats, usual: Usual, level: float) -> np.ndarray[tuple[int], np.dtype[np.intp]]:
    """Borders that together hold `level` of the likelihood of one change in these steps."""
    size = z.size
    k = np.arange(1, size)
    one = np.cumsum(z)[:-1]
    squares = float(np.sum(z**2)) - one**2 / k - (z.sum() - one) ** 2 / (size - k)
    logs = -(squares - squares.min()) / (2 * usual.noise * usual.inflation())
    weight = np.exp(logs)
    order = np.argsort(-weight)
    share = np.cumsum(weight[order]) / weight.sum()
    return np.sort(k[order[: int(np.searchsorted(share, level)) + 1]])
