"""Panels with known truth: arrays for tests and benches, a file for the `simulate` command.

Without the block the mean of a series is the product of level, weekly cycle, drift (trend with change points, random
walk, AR(1)), holidays and a factor common to its donors; counts are negative binomial around it.  The block adds to the
REALISED series: lifts are further counts, losses are thinned, so that the truth is a difference of two realised totals
and not of two means.

Settings follow published peaks (docs/blocks-and-figures, section 6: sizes, lags, decay) where a block's size is drawn,
and the calibration bench of docs/estimation (section 3: length, noise, gaps, earlier blocks) for everything else.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

from analyzer.errors import UnknownName

if TYPE_CHECKING:
    import numpy.typing as npt

    from analyzer.records import Floats

    Bools = npt.NDArray[np.bool_]

Shape = Literal["zero", "spike", "decay", "shift", "ramp"]
SHAPES: tuple[Shape, ...] = get_args(Shape)
HOURS = 168


@dataclass(frozen=True, slots=True)
class Scenario:
    """How a series is made; the defaults are the clean case: level, weekly cycle and noise."""

    before: int = 180  # steps before onset
    horizon: int = 14
    season: int = 7
    level: float = 1000.0
    dispersion: float = 0.004  # of the negative binomial: variance = mean + dispersion x mean squared
    weekly: float = 0.1  # sd of the log of the day's factor
    profile: bool = False  # hours: a smooth course of the day, other on two days of the week, in place of free factors
    trend_changes: int = 0
    trend_sd: float = 0.006  # of the slope of the log level per step, redrawn at each change point
    walk_sd: float = 0.0  # random-walk level, per step
    ar_phi: float = 0.0
    ar_sd: float = 0.0
    heavy: bool = False  # steps of AR and walk from t with 3 degrees of freedom
    outliers: float = 0.0  # share of steps
    missing: float = 0.0  # share of steps, at random
    gap_days: int = 0  # steps in a row that go missing after onset: the block silences its own measurement
    holidays: int = 0
    donors: int = 0
    irrelevant: int = 0  # of the donors, those without the common factor
    broken: bool = False  # one donor is hit at onset
    earlier: tuple[int, ...] = ()  # onsets of earlier blocks, in steps before this one
    shape: Shape = "zero"
    ratio: float = 2.5  # of the block's first step, where the shape is not zero
    halflife: float = 12.0  # steps
    lift: float = 1.7  # of each earlier block: +70 %
    block_steps: int = 0  # length of each earlier block; a season where 0


@dataclass(frozen=True, slots=True)
class SimulatedPanel:
    """A treated series with its realised counterfactuals.  Arrays are per step; donors are (steps, donors)."""

    name: str
    y: Floats  # observed, NaN = missing
    y0: Floats  # what would have been observed without any block; complete, also where y is missing
    y_before: Floats  # what would have been observed with the earlier blocks only
    donors: Floats | None
    relevant: Bools  # per donor: shares the common factor
    broken: Bools  # per donor: is itself hit at onset
    onset: int  # first step with the block
    horizon: int
    season: int
    events: tuple[tuple[int, int], ...]  # earlier blocks as half-open steps, leftovers run on after them
    holidays: Bools
    shape: Shape

    @property
    def window(self) -> slice:
        """The steps of the horizon."""
        return slice(self.onset, self.onset + self.horizon)

    def truth(self, estimand: str = "no_block_since_base") -> tuple[float, float]:
        """Observed and counterfactual total over the observed steps of the window."""
        without = self.y0 if estimand == "no_block_since_base" else self.y_before
        seen = np.isfinite(self.y[self.window])
        return float(self.y[self.window][seen].sum()), float(without[self.window][seen].sum())


_MIX = Scenario(ar_phi=0.8, ar_sd=0.06, walk_sd=0.008, trend_changes=2, heavy=True, outliers=0.01, missing=0.03,
                holidays=4)  # fmt: skip
_HOURS = Scenario(before=5 * HOURS, horizon=6, season=HOURS, level=400.0, weekly=0.3, profile=True, ar_phi=0.9,
                  ar_sd=0.05, walk_sd=0.003)  # fmt: skip
_SCENARIOS: Mapping[str, Scenario] = {
    "clean": Scenario(),
    "low": Scenario(level=12.0),
    "holiday": Scenario(ar_phi=0.5, ar_sd=0.05, holidays=6),
    "trend": Scenario(trend_changes=3),
    "ar": Scenario(ar_phi=0.8, ar_sd=0.12),
    "walk": Scenario(walk_sd=0.025),
    "heavy": Scenario(ar_phi=0.3, ar_sd=0.1, heavy=True, outliers=0.02, missing=0.05),
    "gaps": Scenario(ar_phi=0.5, ar_sd=0.05, missing=0.05, gap_days=1),
    "mix": _MIX,
    "mix-donors": replace(_MIX, donors=8, irrelevant=2),
    "mix-broken": replace(_MIX, donors=8, irrelevant=2, broken=True),
    "overlap": replace(_MIX, before=365, earlier=(63, 42, 24), shape="shift"),
    "one-day": replace(_MIX, horizon=1),
    "long": replace(_MIX, before=365, horizon=60),
    "weeks": Scenario(before=130, horizon=4, season=52, ar_phi=0.5, ar_sd=0.05),
    "hourly": Scenario(before=5 * HOURS, horizon=24, season=HOURS, level=400.0, weekly=0.4, ar_phi=0.9, ar_sd=0.05),
    "hourly-3h": replace(_HOURS, horizon=3),
    "hourly-week": replace(_HOURS, horizon=HOURS, before=10 * HOURS),
    "hourly-two-weeks": replace(_HOURS, before=2 * HOURS),
    "hourly-six-days": replace(_HOURS, before=6 * 24),
    "hourly-nights": replace(_HOURS, earlier=(120, 96, 72, 48, 24), block_steps=6, halflife=3.0, shape="decay"),
    "hourly-gaps": replace(_HOURS, horizon=12, missing=0.08, heavy=True, outliers=0.01, gap_days=1),
}


def scenarios() -> tuple[str, ...]:
    """Names of the scenarios; `name:shape` gives one with a block of that shape."""
    return tuple(_SCENARIOS)


def scenario(name: str) -> Scenario:
    """The scenario of that name, such as `mix` or `mix:decay`.  Raises UnknownName with the known names."""
    base, _, shape = name.partition(":")
    if base not in _SCENARIOS:
        raise UnknownName(f"unknown scenario {base!r}; known: {', '.join(_SCENARIOS)}")
    if shape and shape not in SHAPES:
        raise UnknownName(f"unknown shape {shape!r}; known: {', '.join(SHAPES)}")
    found = _SCENARIOS[base]
    return replace(found, shape=next(s for s in SHAPES if s == shape)) if shape else found


def simulate(settings: Scenario | str, rng: np.random.Generator, *, name: str = "") -> SimulatedPanel:
    """One panel; the same settings and generator state give the same panel."""
    s = scenario(settings) if isinstance(settings, str) else settings
    steps = s.before + s.horizon
    common = _drift(s, steps, rng) if s.donors else np.zeros(steps)
    days_off = _holidays(s, steps, rng)
    mean = _mean(_own(s), common, days_off, rng)
    y0 = _counts(mean, s.dispersion, rng)
    events = tuple((s.before - ago, s.before - ago + (s.block_steps or s.season)) for ago in s.earlier)
    y_before = y0
    for start, _ in events:
        earlier = _path(steps, start, "decay", s.lift, s.halflife)
        y_before = _changed(y_before, mean, earlier, s.dispersion, rng)
    effect = _path(steps, s.before, s.shape, s.ratio, s.halflife)
    y = _changed(y_before, mean, effect, s.dispersion, rng)
    donors, relevant, broken = _donors(s, common, days_off, rng)
    return SimulatedPanel(
        name=name or (settings if isinstance(settings, str) else s.shape),
        y=_with_gaps(s, _with_outliers(s, y, rng), rng), y0=y0, y_before=y_before, donors=donors, relevant=relevant,
        broken=broken, onset=s.before, horizon=s.horizon, season=s.season, events=events, holidays=days_off,
        shape=s.shape,
    )  # fmt: skip


def draw_block(rng: np.random.Generator, *, first: bool, lasting: bool) -> Scenario:
    """A block of a size and course as published ones have: for series of demand, in days.

    ln R ~ Normal(2.5, 1.3) for a first block of a major service, Normal(1.0, 0.6) for a repeat; 15 % of blocks do
    nothing; half-life log-uniform from 2 to 70 days while the block lasts, 0.5 to 10 after lifting.
    """
    if rng.random() < 0.15:
        return replace(_MIX, shape="zero")
    size = rng.normal(2.5, 1.3) if first else rng.normal(1.0, 0.6)
    low, high = (2.0, 70.0) if lasting else (0.5, 10.0)
    halflife = float(np.exp(rng.uniform(np.log(low), np.log(high))))
    return replace(_MIX, shape="decay", ratio=float(np.exp(max(size, 0.0))), halflife=halflife)


def _mean(s: Scenario, common: Floats, days_off: Bools, rng: np.random.Generator) -> Floats:
    steps = common.size
    season = np.resize(_week_of_hours(s, rng) if s.profile else rng.normal(0.0, s.weekly, s.season), steps)
    dip = rng.normal(-0.15, 0.1) * days_off
    return s.level * np.exp(np.clip(season + dip + common + _drift(s, steps, rng), -6.0, 6.0))


def _week_of_hours(s: Scenario, rng: np.random.Generator) -> Floats:
    """(168,) two waves a day, two days of the week at another level and with a flatter course."""
    hour = np.arange(HOURS) % 24
    course = sum(
        rng.normal(0.0, s.weekly / k) * np.cos(2 * np.pi * k * hour / 24)
        + rng.normal(0.0, s.weekly / k) * np.sin(2 * np.pi * k * hour / 24)
        for k in (1, 2)
    )
    weekend = np.arange(HOURS) >= 5 * 24
    return np.asarray(np.where(weekend, 0.7 * course + rng.normal(0.0, s.weekly / 3), course))


def _own(s: Scenario) -> Scenario:
    """The drift that a series does not share with its donors: half of it, where it has any."""
    return replace(s, ar_sd=s.ar_sd / 2, walk_sd=s.walk_sd / 2, trend_changes=0) if s.donors else s


def _drift(s: Scenario, steps: int, rng: np.random.Generator) -> Floats:
    """Log level: trend with change points, random walk and AR(1), zero at the first step."""
    slopes = rng.normal(0.0, s.trend_sd, s.trend_changes + 1) * bool(s.trend_changes)
    turns = np.sort(rng.integers(1, steps, s.trend_changes))
    trend = np.cumsum(slopes[np.searchsorted(turns, np.arange(steps), side="right")])
    walk = np.cumsum(s.walk_sd * _shocks(s, steps, rng))
    return trend + walk + _autoregressive(s.ar_phi, s.ar_sd * _shocks(s, steps, rng))


def _shocks(s: Scenario, steps: int, rng: np.random.Generator) -> Floats:
    # t with 3 degrees of freedom has variance 3; scaled to 1, so that `heavy` changes the tails alone.
    return rng.standard_t(3, steps) / np.sqrt(3.0) if s.heavy else rng.standard_normal(steps)


def _autoregressive(phi: float, shocks: Floats) -> Floats:
    """AR(1) whose standard deviation is that of the shocks."""
    out = np.empty_like(shocks)
    last = 0.0
    for i, shock in enumerate(shocks * np.sqrt(1.0 - phi * phi)):
        last = phi * last + shock
        out[i] = last
    return out


def _counts(mean: Floats, dispersion: float, rng: np.random.Generator) -> Floats:
    """Negative binomial counts, Poisson where there is next to no overdispersion; a mean of 0 gives 0."""
    safe = np.maximum(mean, 1e-12)
    if dispersion < 1e-9:
        return rng.poisson(safe).astype(float)
    return rng.negative_binomial(1.0 / dispersion, 1.0 / (1.0 + dispersion * safe)).astype(float)


def _path(steps: int, onset: int, shape: Shape, ratio: float, halflife: float) -> Floats:
    """Factor on the mean, per step: 1 before onset."""
    after = np.arange(steps) - onset
    course = {
        "zero": np.zeros(steps),
        "spike": (after < 2).astype(float),
        "decay": 0.5 ** (np.maximum(after, 0) / halflife),
        "shift": np.ones(steps),
        "ramp": np.minimum((after + 1) / 7.0, 1.0),
    }[shape]
    return np.where(after >= 0, 1.0 + (ratio - 1.0) * course, 1.0)


def _changed(y: Floats, mean: Floats, factor: Floats, dispersion: float, rng: np.random.Generator) -> Floats:
    """The realised series under a factor: further counts where it lifts, thinned where it lowers."""
    more = _counts(mean * np.maximum(factor - 1.0, 0.0), dispersion, rng) * (factor > 1.0)
    kept = rng.binomial(y.astype(np.int64), np.minimum(factor, 1.0)).astype(float)
    return kept + more


def _with_outliers(s: Scenario, y: Floats, rng: np.random.Generator) -> Floats:
    """Days that were counted wrongly; only before onset, where they mislead without changing the truth."""
    hit = (rng.random(y.size) < s.outliers) & (np.arange(y.size) < s.before)
    return np.where(hit, np.round(y * np.exp(rng.normal(0.0, 1.0, y.size))), y)


def _with_gaps(s: Scenario, y: Floats, rng: np.random.Generator) -> Floats:
    gone = rng.random(y.size) < s.missing
    gone[s.before : s.before + s.gap_days] = True
    return np.where(gone, np.nan, y)


def _holidays(s: Scenario, steps: int, rng: np.random.Generator) -> Bools:
    days_off = np.zeros(steps, dtype=bool)
    days_off[rng.choice(steps, s.holidays, replace=False)] = True
    return days_off


def _donors(
    s: Scenario, common: Floats, days_off: Bools, rng: np.random.Generator
) -> tuple[Floats | None, Bools, Bools]:
    relevant, broken = np.arange(s.donors) < s.donors - s.irrelevant, np.zeros(s.donors, dtype=bool)
    if not s.donors:
        return None, relevant, broken
    broken[0] = s.broken
    own = _own(s)
    columns = []
    for shares, hit in zip(relevant, broken, strict=True):
        level = replace(own, level=float(s.level * np.exp(rng.normal(0.0, 1.0))))
        mean = _mean(level, common if shares else _drift(s, common.size, rng), days_off, rng)
        factor = _path(common.size, s.before, "shift" if hit else "zero", s.ratio, s.halflife)
        columns.append(_counts(mean * factor, s.dispersion, rng))
    return np.column_stack(columns), relevant, broken


PREAMBLE = """\
# SIMULATED DATA: drawn by a random generator, of no country and of no people. Do not publish as a measurement.
# Every row is of ZZ (no country) with an entity sim-..; the truth is in {truth}.
"""
_COLUMNS = ("indicator", "cc", "entity", "t_start", "t_end", "value", "unit", "state")
_TRUTH = ("entity", "scenario", "onset", "horizon_steps", "observed", "expected", "ratio", "earlier_blocks")
INDICATOR = "simulated.counts"
# Before any indicator of the tool exists: no simulated day can stand for a measured one, and loads refuse the future.
EPOCH = datetime.fromisoformat("2001-01-01")


def write_csv(panels: Mapping[str, SimulatedPanel], path: str | Path, *, start: datetime = EPOCH) -> Path:
    """Write panels in the tool's own long form, and the truth beside it; returns the truth's path.

    Not in Tor Metrics' shape: that has one series per country, so an invented series would have to take the code of a
    real one, or a code that its reader refuses.  The long form carries `ZZ`, which is no country, and the entity says
    what it is; it loads as it stands.  Steps are days, or hours for an hourly panel, from `start` (naive UTC) on.
    """
    target = Path(path)
    truth = target.with_name(f"{target.stem}.truth.csv")
    with target.open("w", encoding="utf-8", newline="") as file:
        file.write(PREAMBLE.format(truth=truth.name))
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(_COLUMNS)
        for entity, panel in panels.items():
            writer.writerows(_series_rows(entity, panel, start))
    with truth.open("w", encoding="utf-8", newline="") as file:
        file.write(PREAMBLE.format(truth="this file"))
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(_TRUTH)
        writer.writerows(_truth_row(entity, panel, start) for entity, panel in panels.items())
    return truth


def named(panels: list[SimulatedPanel]) -> dict[str, SimulatedPanel]:
    """Panels by the entity they get in a file: sim-001 and on; a panel's donors are sim-001-donor-1 and on."""
    return {f"sim-{i:03d}": panel for i, panel in enumerate(panels, start=1)}


def _series_rows(entity: str, panel: SimulatedPanel, start: datetime) -> list[tuple[str, ...]]:
    rows = _rows(entity, panel.y, step_of(panel), start)
    for i in range(0 if panel.donors is None else panel.donors.shape[1]):
        rows += _rows(f"{entity}-donor-{i + 1}", panel.donors[:, i], step_of(panel), start)  # type: ignore[index]
    return rows


def _rows(entity: str, y: Floats, step: timedelta, start: datetime) -> list[tuple[str, ...]]:
    times = [(start + i * step).isoformat(timespec="minutes") for i in range(y.size + 1)]
    return [
        (INDICATOR, "ZZ", entity, times[i], times[i + 1], "" if np.isnan(v) else f"{v:.0f}", "simulated counts",
         "missing" if np.isnan(v) else "value")
        for i, v in enumerate(y.tolist())
    ]  # fmt: skip


def _truth_row(entity: str, panel: SimulatedPanel, start: datetime) -> tuple[str, ...]:
    observed, expected = panel.truth()
    step = step_of(panel)
    earlier = ";".join((start + a * step).isoformat(timespec="minutes") for a, _ in panel.events)
    onset = (start + panel.onset * step).isoformat(timespec="minutes")
    ratio = f"{observed / expected:.6g}" if expected else ""
    return (entity, panel.name, onset, str(panel.horizon), f"{observed:.0f}", f"{expected:.0f}", ratio, earlier)


def step_of(panel: SimulatedPanel) -> timedelta:
    """The length of a step: an hour, a day or a week."""
    return {24: timedelta(hours=1), HOURS: timedelta(hours=1), 52: timedelta(weeks=1)}.get(
        panel.season, timedelta(days=1)
    )
