"""Series with known truth on every scale: shares, rates, indices, ranks, coarse counts, counts over a fraction.

A latent level (weekly cycle, AR(1) and random walk) is turned into what a source would print: numerators of a small
moving denominator, an index of whole numbers whose maximum is 100, a place in a chart that ends, requests rounded up
per relay, counts divided by an estimated reporting fraction.  The truth is what the same source would have printed of
the realised series without the block, before rounding and before the end of the chart.

Sources of the settings: beta-binomial shares (Skellam 1948); ranks r = (d / c) ** (-1 / a) of downloads d with a = 0.9
(Garg & Telang 2013); Tor's rounding of directory requests up to multiples of 8 per relay and country, users = requests
/ 10 / reporting fraction (docs/estimation.md, section 5).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from analyzer.errors import UnknownName

if TYPE_CHECKING:
    import numpy.typing as npt

    from analyzer.records import Floats

    Bools = npt.NDArray[np.bool_]

Kind = Literal["share", "rate", "index", "rank", "grain", "frac"]


@dataclass(frozen=True, slots=True)
class ScaleScenario:
    """How a series on a scale is made; levels are logits for shares, logs for everything else."""

    kind: Kind
    level: (
        float  # share: the usual share; rate: per unit of exposure; index: of the peak; rank: usual rank; else counts
    )
    before: int = 180
    horizon: int = 14
    after: int = 0  # steps beyond the window
    season: int = 7
    weekly: float = 0.1
    ar_phi: float = 0.7
    ar_sd: float = 0.1
    walk_sd: float = 0.01
    ratio: float = 1.0  # of the block's first step: of odds (share), downloads (rank), else the level; 1 = no block
    halflife: float = 12.0
    exposure: tuple[float, float] = (20.0, 200.0)  # usual denominators lie between
    moved: float = 1.0  # factor on the denominators from onset on
    rho: float = 0.02  # correlation within a step of the beta-binomial
    plain: bool = False  # the share is given without its denominators
    peak: float = 30.0  # index: how far the maximum of the file stands above the usual level
    threshold: float = 0.5  # index: below it `<1` is printed
    sampled: float = 0.08  # index: sd of the sampling noise of a pull
    chart: float = 200.0  # rank: length of the chart
    exponent: float = 0.9  # rank: a of r = (d / c) ** (-1 / a)
    relays: int = 12  # grain: reporting relays
    raw: bool = True  # grain: requests as counted, not users
    donors: int = 0  # frac: countries that share the error of the fraction
    frac_sd: float = 0.06  # frac: daily error of the reporting fraction


@dataclass(frozen=True, slots=True)
class ScaleSeries:
    """A series as printed, and what it would have been.  All arrays are (T,)."""

    name: str
    scale: Literal["count", "share", "rank", "index"]
    y: Floats  # as printed
    whole: Floats  # the same before rounding and before the end of the chart
    y0: Floats  # the same without the block
    exposure: Floats | None
    censored: Bools | None
    donors: Floats | None  # (T, K)
    onset: int
    horizon: int
    season: int

    @property
    def window(self) -> slice:
        """The steps of the horizon."""
        return slice(self.onset, self.onset + self.horizon)

    def truth(self) -> tuple[float, float]:
        """Observed and counterfactual total over the window, before rounding and censoring."""
        return float(self.whole[self.window].sum()), float(self.y0[self.window].sum())

    def arguments(self) -> dict[str, object]:
        """Keyword arguments of `estimate_effect` beside y, onset and horizon."""
        return {
            "scale": self.scale,
            "exposure": self.exposure,
            "censored": self.censored,
            "donors": self.donors,
            "season": self.season,
        }


_INDEX = ScaleScenario("index", 1.0, after=40, ar_sd=0.15)
_RANK = ScaleScenario("rank", 60.0, ar_sd=0.25, weekly=0.05)
_SCENARIOS: Mapping[str, ScaleScenario] = {
    "share": ScaleScenario("share", 0.1),
    "share-half": ScaleScenario("share", 0.5),
    "share-rare": ScaleScenario("share", 0.015, rho=0.005),
    "share-most": ScaleScenario("share", 0.97, rho=0.01),
    "share-fewer": ScaleScenario("share", 0.1, moved=0.3),
    "share-more": ScaleScenario("share", 0.1, moved=3.0),
    "share-plain": ScaleScenario("share", 0.1, plain=True),
    "share-plain-large": ScaleScenario("share", 0.6, plain=True, exposure=(2000.0, 4000.0), rho=0.0005),
    "rate": ScaleScenario("rate", 0.02, exposure=(3000.0, 5000.0)),
    "rate-rare": ScaleScenario("rate", 0.0004, exposure=(3000.0, 5000.0)),
    "rate-moved": ScaleScenario("rate", 0.02, exposure=(3000.0, 5000.0), moved=0.3),
    "index": replace(_INDEX, peak=3.0),
    "index-small": replace(_INDEX, peak=35.0),
    "index-below": replace(_INDEX, peak=120.0),
    "index-out": replace(_INDEX, peak=300.0),
    "index-still": replace(_INDEX, peak=40.0, ar_sd=0.02, weekly=0.0, sampled=0.02, walk_sd=0.002),
    "rank": _RANK,
    "rank-edge": replace(_RANK, level=140.0),
    "rank-short": replace(_RANK, level=75.0, chart=100.0),
    "rank-out": replace(_RANK, level=280.0),
    "rank-far": replace(_RANK, level=900.0),
    "rank-top": replace(_RANK, level=1.3, ar_sd=0.35),
    "grain": ScaleScenario("grain", 60.0),
    "grain-one": ScaleScenario("grain", 30.0, relays=1, ar_sd=0.05, walk_sd=0.003),
    "grain-users": ScaleScenario("grain", 300.0, raw=False, relays=40),
    "frac": ScaleScenario("frac", 300.0),
    "frac-donors": ScaleScenario("frac", 300.0, donors=8),
}


def scenarios() -> tuple[str, ...]:
    """Names of the scenarios; `name:3` gives one with a block that multiplies the latent level by 3."""
    return tuple(_SCENARIOS)


def scenario(name: str) -> ScaleScenario:
    """The scenario of that name, such as `rank` or `rank:3`.  Raises UnknownName with the known names."""
    base, _, ratio = name.partition(":")
    if base not in _SCENARIOS:
        raise UnknownName(f"unknown scenario {base!r}; known: {', '.join(_SCENARIOS)}")
    try:
        return replace(_SCENARIOS[base], ratio=float(ratio)) if ratio else _SCENARIOS[base]
    except ValueError:
        raise UnknownName(f"the size of a block is a number, as in {base}:3, not {ratio!r}") from None


def simulate_scale(settings: ScaleScenario | str, rng: np.random.Generator, *, name: str = "") -> ScaleSeries:
    """One series; the same settings and generator state give the same series."""
    s = scenario(settings) if isinstance(settings, str) else settings
    made = _MAKERS[s.kind](s, _latent(s, rng), _effect(s), rng)
    return replace(made, name=name or (settings if isinstance(settings, str) else s.kind))


def _latent(s: ScaleScenario, rng: np.random.Generator) -> Floats:
    """(T,) weekly cycle, AR(1) and walk around 0; the walk is 0 at onset, so that a level is that of the window."""
    steps = s.before + s.horizon + s.after
    walk = np.cumsum(rng.normal(0.0, s.walk_sd, steps))
    season = np.resize(rng.normal(0.0, s.weekly, s.season), steps)
    return np.asarray(season + walk - walk[s.before] + _autoregressive(s.ar_phi, s.ar_sd, steps, rng))


def _autoregressive(phi: float, sd: float, steps: int, rng: np.random.Generator) -> Floats:
    shocks = rng.normal(0.0, sd * np.sqrt(1 - phi * phi), steps)
    out = np.empty(steps)
    last = float(rng.normal(0.0, sd))
    for t in range(steps):
        last = phi * last + shocks[t]
        out[t] = last
    return out


def _effect(s: ScaleScenario) -> Floats:
    """(T,) the block on the latent scale; 0 before onset."""
    age = np.arange(s.before + s.horizon + s.after) - s.before
    return np.where(age >= 0, np.log1p((s.ratio - 1.0) * 0.5 ** (np.maximum(age, 0) / s.halflife)), 0.0)


def _series(s: ScaleScenario, scale: Literal["count", "share", "rank", "index"], y: Floats, y0: Floats) -> ScaleSeries:
    return ScaleSeries("", scale, y, y, y0, None, None, None, s.before, s.horizon, s.season)


def _exposures(s: ScaleScenario, rng: np.random.Generator) -> Floats:
    """Whole denominators between the bounds, slowly wandering with a weekly cycle; moved from onset on."""
    steps = s.before + s.horizon + s.after
    low, high = s.exposure
    wander = _autoregressive(0.9, 0.25, steps, rng) + np.resize(rng.normal(0.0, 0.1, s.season), steps)
    usual = np.clip(np.sqrt(low * high) * np.exp(wander), low, high)
    factor = np.where(np.arange(steps) >= s.before, s.moved, 1.0)
    return np.asarray(np.maximum(np.round(factor * usual), 1.0))


def _share(s: ScaleScenario, latent: Floats, effect: Floats, rng: np.random.Generator) -> ScaleSeries:
    n = _exposures(s, rng)
    odds = np.log(s.level / (1 - s.level)) + latent
    p0 = 1 / (1 + np.exp(-odds))
    if s.rho > 0:
        size = (1 - s.rho) / s.rho
        p0 = np.clip(rng.beta(p0 * size, (1 - p0) * size), 1e-9, 1 - 1e-9)
    p1 = 1 / (1 + np.exp(-(np.log(p0 / (1 - p0)) + effect)))
    y0 = rng.binomial(n.astype(int), p0).astype(float)
    gained = rng.binomial((n - y0).astype(int), np.clip((p1 - p0) / (1 - p0), 0.0, 1.0))
    kept = rng.binomial(y0.astype(int), np.clip(p1 / p0, 0.0, 1.0))
    y = np.where(p1 >= p0, y0 + gained, kept).astype(float)
    if s.plain:
        return _series(s, "share", y / n, y0 / n)
    return replace(_series(s, "share", y, y0), exposure=n)


def _rate(s: ScaleScenario, latent: Floats, effect: Floats, rng: np.random.Generator) -> ScaleSeries:
    n = _exposures(s, rng)
    mean = s.level * n * np.exp(latent)
    y0 = rng.poisson(mean).astype(float)
    more, kept = rng.poisson(mean * np.clip(np.expm1(effect), 0.0, None)), np.minimum(np.exp(effect), 1.0)
    return replace(_series(s, "count", rng.binomial(y0.astype(int), kept) + more.astype(float), y0), exposure=n)


def _index(s: ScaleScenario, latent: Floats, effect: Floats, rng: np.random.Generator) -> ScaleSeries:
    """The maximum stands `peak` times above the usual level: in the window where there is a block, else after it."""
    noise = rng.normal(0.0, s.sampled, latent.size)
    level, flat = np.exp(latent + noise), not effect.any()
    outbreak = np.where(np.arange(latent.size) == latent.size - 5, s.peak, 1.0) if flat else np.ones(latent.size)
    searched = level * outbreak * np.exp(effect)
    scale = 100.0 / searched.max()
    whole, y0 = searched * scale, level * scale
    printed = np.round(whole)
    below = whole < s.threshold
    made = _series(s, "index", np.where(below, 0.0, np.maximum(printed, 1.0)), y0)
    return replace(made, whole=whole, censored=below)


def _rank(s: ScaleScenario, latent: Floats, effect: Floats, rng: np.random.Generator) -> ScaleSeries:
    """Downloads against a fixed ladder of competitors: rank r is held from c * r ** -a downloads on."""
    del rng  # the latent level is all that is random

    def placed(move: Floats) -> Floats:
        return np.maximum(np.ceil(s.level * np.exp(-move / s.exponent)), 1.0)

    whole, y0 = placed(latent + effect), placed(latent)
    beyond = whole > s.chart
    made = _series(s, "rank", np.where(beyond, s.chart + 1, whole), y0)
    return replace(made, whole=whole, censored=beyond)


def _grain(s: ScaleScenario, latent: Floats, effect: Floats, rng: np.random.Generator) -> ScaleSeries:
    """Requests per relay, each rounded up to a multiple of 8; as users divided by 10 and the reporting fraction."""
    share = rng.dirichlet(np.full(s.relays, 2.0))
    mean = s.level * np.exp(latent)
    requests = rng.poisson(mean[:, None] * share)
    more = rng.poisson((mean * np.clip(np.expm1(effect), 0.0, None))[:, None] * share)
    y0, y = (np.sum(8.0 * np.ceil(r / 8), axis=1) for r in (requests, requests + more))
    if s.raw:
        return _series(s, "count", y, y0)
    frac = np.clip(0.7 + _autoregressive(0.9, 0.05, mean.size, rng), 0.3, 0.95)
    return _series(s, "count", np.round(y / 10 / frac), np.round(y0 / 10 / frac))


def _frac(s: ScaleScenario, latent: Floats, effect: Floats, rng: np.random.Generator) -> ScaleSeries:
    """Counts over a reporting fraction that is wrong by the same factor for all countries of a day."""
    error = np.exp(rng.normal(0.0, s.frac_sd, latent.size))
    mean = s.level * np.exp(latent)
    y0 = rng.poisson(mean * error).astype(float)
    y = y0 + rng.poisson(mean * error * np.clip(np.expm1(effect), 0.0, None))
    made = _series(s, "count", y, y0)
    if not s.donors:
        return made
    others = [s.level * np.exp(rng.normal(1.0, 0.5) + _latent(s, rng)) * error for _ in range(s.donors)]
    return replace(made, donors=np.column_stack([rng.poisson(mean) for mean in others]).astype(float))


_Maker = Callable[[ScaleScenario, "Floats", "Floats", np.random.Generator], ScaleSeries]
_MAKERS: Mapping[Kind, _Maker] = {
    "share": _share,
    "rate": _rate,
    "index": _index,
    "rank": _rank,
    "grain": _grain,
    "frac": _frac,
}
