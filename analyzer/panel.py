"""From aligned series to a panel: what may serve as donor, what artefacts do to the base, what other series lend.

Arrays and records in, no database.  Everything that chooses or rescales looks at steps before onset only, so that the
choice cannot follow the effect; the one exception is coverage, which asks whether a donor has values in the window.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from analyzer.errors import NotEnoughData
from analyzer.records import Pool

if TYPE_CHECKING:
    import numpy.typing as npt

    from analyzer.records import Floats

    Bools = npt.NDArray[np.bool_]

Window = tuple[int, int]

NOT_COUNTRIES = frozenset({"XX", "ZZ", "", "??"})  # the world holds every country, the unknown may hold the treated one
DONOR_QUIET = 60  # days before onset in which a donor may have no event of its own: uptake falls back over weeks
DONOR_LEVEL = 20.0  # median below which a donor's counting noise drowns what it has in common with others
DONOR_COVERAGE = 0.9  # of the steps on which the treated series is there
MOST_DONORS = (
    60  # the mean of 24 gave a worse interval score on Tor bridge users (1.75 against 1.57), of 12 a worse one
)
TOGETHER = 8  # from that many on, donors enter as one series, their mean
MOST_LENDERS = 30
FRESH_BASE = 120  # observed days after a change of level that make the history before it dispensable
SETTLED = 7  # observed days after a change of level without which the new level is not known
STEP_WIDTH = 14  # days on either side from which the size of a change of level is read
STEP_SERIES = 5  # other series that must show it


@dataclass(frozen=True, slots=True)
class Artefact:
    """A listed fault of the measurement, as a half-open range of steps."""

    artefact_id: str
    start: int
    end: int
    effects: frozenset[str]  # gap, level_change, spike, overcount, freeze
    note: str = ""

    @property
    def moves_level(self) -> bool:
        """Whether values on its two sides do not compare."""
        return "level_change" in self.effects


@dataclass(frozen=True, slots=True)
class Panel:
    """Aligned series for one question; `arguments()` is what an estimator takes."""

    cc: str
    y: Floats  # (T,) NaN = missing or set aside
    onset: int
    horizon: int
    donors: Floats  # (T, K)
    donor_names: tuple[str, ...]
    constituents: tuple[str, ...]  # the series behind the donors, one each or all in their mean
    other_events: tuple[Window, ...]
    donor_events: tuple[tuple[Window, ...], ...]
    anticipation: int
    holidays: Bools | None
    pool: Pool | None
    artefacts: tuple[Artefact, ...]  # those that touch the base or the window
    notes: tuple[str, ...] = ()

    def arguments(self) -> dict[str, Any]:
        """Keyword arguments of an estimator, y, onset and horizon included."""
        return {
            "y": self.y,
            "onset": self.onset,
            "horizon": self.horizon,
            "donors": self.donors if self.donor_names else None,
            "other_events": self.other_events,
            "donor_events": self.donor_events,
            "pool": self.pool,
            "anticipation": self.anticipation,
            "holidays": self.holidays,
        }


@dataclass(frozen=True, slots=True)
class Series:
    """All series of one indicator on one axis of steps."""

    names: tuple[str, ...]
    values: Floats  # (T, N) NaN = missing
    events: Mapping[str, Sequence[Window]] = field(default_factory=dict)  # known events by name, half-open index pairs
    artefacts: tuple[Artefact, ...] = ()
    per_day: int = 1  # steps in a day; 1 for days and anything longer

    @classmethod
    def of(
        cls,
        series: Mapping[str, npt.ArrayLike],
        events: Mapping[str, Sequence[Window]] | None = None,
        artefacts: Sequence[Artefact] = (),
        per_day: int = 1,
    ) -> Series:
        """From a mapping of name to (T,) values.  Raises ValueError where lengths differ."""
        columns = {name: np.asarray(values, dtype=float) for name, values in series.items()}
        if len({column.shape for column in columns.values()}) != 1:
            raise ValueError("all series of a panel must have the same steps")
        return cls(
            tuple(columns), np.column_stack(list(columns.values())), dict(events or {}), tuple(artefacts), per_day
        )

    def column(self, name: str) -> Floats:
        """(T,) values of one series."""
        if name not in self.names:
            raise NotEnoughData(f"no series for {name}; there are {len(self.names)} others")
        return self.values[:, self.names.index(name)]


def build_panel(
    series: Series,
    treated: str,
    onset: int,
    horizon: int,
    *,
    anticipation: int = 0,
    holidays: npt.ArrayLike | None = None,
    pool: Pool | None = None,
    most_donors: int = MOST_DONORS,
    individual: bool = False,
) -> Panel:
    """The panel for one question.

    onset: first wholly exposed step; horizon: steps of the window.  individual: every donor by itself however many
    there are, for estimators that weight donors.  Raises NotEnoughData where the window crosses a listed change of
    level, or the level after such a change is not settled before onset; a gap alone only counts as missing steps.
    """
    raw = series.column(treated)
    if not 0 < onset < raw.size:
        raise ValueError(f"onset {onset} lies outside the series, which has {raw.size} steps")
    _refuse_crossing(series.artefacts, raw, onset, horizon)
    cleaned, notes = set_artefacts_aside(series, onset, treated)
    donors, donor_notes = choose_donors(series, cleaned, treated, onset, horizon, most=most_donors)
    shown = _donors_shown(series, cleaned, donors, onset, individual=individual)
    events, event_notes = _changes(series.events.get(treated, ()), raw, onset + horizon)
    return Panel(
        cc=treated,
        y=cleaned[:, series.names.index(treated)].copy(),
        onset=onset,
        horizon=horizon,
        donors=shown.values,
        donor_names=shown.names,
        constituents=tuple(series.names[j] for j in donors),
        other_events=events,
        donor_events=tuple(tuple(shown.events.get(name, ())) for name in shown.names),
        anticipation=anticipation,
        holidays=None if holidays is None else np.array(holidays, dtype=bool),
        pool=pool,
        artefacts=tuple(artefact for artefact in series.artefacts if artefact.start < onset + horizon),
        notes=(*notes, *_window_notes(series.artefacts, onset, horizon), *event_notes, *donor_notes),
    )


def _donors_shown(series: Series, cleaned: Floats, donors: tuple[int, ...], onset: int, *, individual: bool) -> Series:
    """Few donors as they are; many as one, their geometric mean (common correlated effects, Pesaran 2006).

    A shock that all countries share is seen in the mean without the counting noise of each, and one coefficient is
    learnt faster than sixty.  Steps of a constituent's own events are left out of the mean.
    """
    names = tuple(series.names[j] for j in donors)
    values = cleaned[:, list(donors)]
    if individual or len(donors) < TOGETHER:
        return Series(names, values.copy(), series.events)
    for j, name in enumerate(names):
        for start, end in series.events.get(name, ()):
            values[max(start, 0) : max(end, 0), j] = np.nan
    z = np.log(values + 0.5)
    level = np.nanmedian(z[:onset], axis=0)
    known = np.isfinite(z)
    # Around each one's own level, so that a constituent's missing day does not move the mean.
    mean = np.where(known, z - level, 0.0).sum(axis=1) / np.maximum(known.sum(axis=1), 1) + level.mean()
    mean[known.sum(axis=1) < 0.5 * len(donors)] = np.nan
    return Series((f"mean of {len(donors)}",), np.exp(mean)[:, None])


def _changes(events: Sequence[Window], y: Floats, end: int) -> tuple[tuple[Window, ...], tuple[str, ...]]:
    """Events that change something between the first value and the window's end; the others are a state of both."""
    first = int(np.argmax(np.isfinite(y)))
    changing = tuple(event for event in events if event[0] > first or event[1] < end)
    notes = ("a block that began before the data and outlasts the window is part of both",)
    return changing, notes if len(changing) < len(events) else ()


def _refuse_crossing(artefacts: Sequence[Artefact], y: Floats, onset: int, horizon: int) -> None:
    """Raises NotEnoughData where observed steps of the window lie on the far side of a change of level."""
    seen = np.flatnonzero(np.isfinite(y[onset : onset + horizon])) + onset
    for artefact in artefacts:
        borders: list[Window] = [(artefact.start, artefact.end)] if artefact.moves_level else []
        if "overcount" in artefact.effects:
            borders = [(artefact.start, artefact.start), (artefact.end, artefact.end)]
        if any(onset < max(end, start) and (seen >= start).any() for start, end in borders):
            raise NotEnoughData(
                f"the window crosses the change of level {artefact.artefact_id}: values before and after do not compare"
            )


def _window_notes(artefacts: Sequence[Artefact], onset: int, horizon: int) -> tuple[str, ...]:
    touching = [a for a in artefacts if a.start < onset + horizon and a.end > onset]
    kinds = {"gap", "spike", "freeze", "overcount"}
    return tuple(f"the window holds the artefact {a.artefact_id}" for a in touching if a.effects & kinds)


def set_artefacts_aside(series: Series, onset: int, treated: str) -> tuple[Floats, tuple[str, ...]]:
    """(T, N) values whose history before onset compares with the steps just before onset, and what was done.

    Single faults (spike, freeze, an overcount that is over) become missing.  History before a change of level is
    dropped where 120 observed days follow it, and otherwise rescaled by the median change of the other series, which
    the change has in common; the error of that shows in the replay, whose windows cross the change.
    """
    values, notes = series.values.copy(), []
    column = series.names.index(treated)
    for artefact in (a for a in series.artefacts if a.start < onset):
        if artefact.moves_level:
            notes.append(_level_change(values, artefact, onset, column, series.per_day))
        elif "overcount" in artefact.effects and artefact.end > onset:
            values[: artefact.start] = np.nan
            notes.append(f"history before {artefact.artefact_id} is set aside: the window lies inside it")
        elif artefact.effects & {"spike", "freeze", "overcount"}:
            values[artefact.start : min(artefact.end, onset)] = np.nan
            notes.append(f"steps of {artefact.artefact_id} in the base are set aside")
    return values, tuple(notes)


def _level_change(values: Floats, artefact: Artefact, onset: int, column: int, per_day: int) -> str:
    """Drop or rescale, in place, the history before a change of level; says which."""
    after = np.isfinite(values[artefact.end : onset])
    if after[:, column].sum() < SETTLED * per_day:
        raise NotEnoughData(
            f"{int(after[:, column].sum())} observed steps between the change of level {artefact.artefact_id} "
            f"and onset; {SETTLED * per_day} needed"
        )
    values[artefact.start : artefact.end] = np.nan
    if after[:, column].sum() >= FRESH_BASE * per_day:
        values[: artefact.start] = np.nan
        return f"the base starts after the change of level {artefact.artefact_id}"
    step, count = _common_step(values, artefact, onset, column, per_day)
    if count < STEP_SERIES:
        values[: artefact.start] = np.nan
        return f"the base starts after the change of level {artefact.artefact_id}; {count} other series show its size"
    values[: artefact.start] *= np.exp(step)
    return f"history before {artefact.artefact_id} is rescaled by x{np.exp(step):.2f}, the median of {count} series"


def _common_step(values: Floats, artefact: Artefact, onset: int, column: int, per_day: int) -> tuple[float, int]:
    """Median over the other series of the log ratio of means after and before the change; steps before onset only."""
    width, settled = STEP_WIDTH * per_day, SETTLED * per_day
    before = values[max(artefact.start - width, 0) : artefact.start]
    after = values[artefact.end : min(artefact.end + width, onset)]
    there = (np.isfinite(before).sum(axis=0) >= settled) & (np.isfinite(after).sum(axis=0) >= settled)
    there[column] = False
    low, high = np.nanmean(before[:, there], axis=0), np.nanmean(after[:, there], axis=0)
    large = (low >= DONOR_LEVEL) & (high > 0)
    return (float(np.median(np.log(high[large] / low[large]))), int(large.sum())) if large.any() else (0.0, 0)


def choose_donors(
    series: Series, cleaned: Floats, treated: str, onset: int, horizon: int, *, most: int = MOST_DONORS
) -> tuple[tuple[int, ...], tuple[str, ...]]:
    """Columns of the donors, and why others were excluded.

    The largest series that are countries, are there when the treated one is, and have no known event from 60 days
    before onset to the window's end.  Size, not likeness, decides: likeness would be judged on the very history on
    which the errors of the replay are measured.
    """
    if most == 0:
        return (), ()
    y, quiet = cleaned[:, series.names.index(treated)], DONOR_QUIET * series.per_day
    base = np.isfinite(y[:onset])
    window = slice(onset, onset + horizon)
    wanted = int(np.isfinite(y[window]).sum())
    past = cleaned[:onset][base]
    enough = np.isfinite(past).sum(axis=0) >= DONOR_COVERAGE * max(base.sum(), 1)
    enough &= np.isfinite(cleaned[window]).sum(axis=0) >= 0.9 * wanted
    levels = _levels(past) if past.size else np.zeros(len(series.names))
    # What counts nothing has no logarithm.
    able = enough & (levels >= DONOR_LEVEL) & ~(cleaned < 0).any(axis=0)
    found, eventful = [], []
    for j, name in enumerate(series.names):
        if name == treated or name in NOT_COUNTRIES or not able[j]:
            continue
        if any(s < onset + horizon and e > onset - quiet for s, e in series.events.get(name, ())):
            eventful.append(name)
            continue
        found.append((-levels[j], j))
    notes = (f"not donors, for known events of their own: {', '.join(sorted(eventful))}",) if eventful else ()
    return tuple(j for _, j in sorted(found)[:most]), notes


class Lent(Protocol):
    """What one series lends: standardised errors, log variance ratio, replications behind it."""

    @property
    def errors(self) -> Floats: ...
    @property
    def log_variance(self) -> float: ...
    @property
    def replications(self) -> float: ...


def lend_pool(
    series: Series,
    treated: str,
    onset: int,
    horizon: int,
    replay: Callable[..., Lent],
    *,
    most: int = MOST_LENDERS,
) -> Pool | None:
    """Placebo errors of the largest other series before onset; None where fewer than five can lend.

    replay: analyzer.estimators.placebo_errors, handed in because panel and estimators do not know each other.
    Errors of different series share dates; they lend tails and scales, not independent replications.
    """
    cleaned, _ = set_artefacts_aside(series, onset, treated)
    sizes = _medians(cleaned[:onset])
    lenders = [j for j in np.argsort(-sizes) if series.names[j] not in NOT_COUNTRIES | {treated} and sizes[j] >= 5]
    lent = []
    for j in lenders[:most]:
        try:
            lent.append(replay(cleaned[:, j], onset, horizon, other_events=series.events.get(series.names[j], ())))
        except NotEnoughData:
            continue
    if len(lent) < STEP_SERIES:
        return None
    return Pool(
        errors=np.concatenate([one.errors for one in lent]),
        scales=np.array([one.log_variance for one in lent]),
        horizon=horizon,
        replications=float(np.median([one.replications for one in lent])),
    )


def _medians(values: Floats) -> Floats:
    """Median of each column over the steps it has; -1 where it has none."""
    ordered = np.sort(values, axis=0)
    count = np.isfinite(ordered).sum(axis=0)
    at = ordered[np.maximum(count - 1, 0) // 2, np.arange(values.shape[1])]
    return np.where(count > 0, at, -1.0)


def _levels(values: Floats) -> Floats:
    """Median of each column over the steps it has, the mean of the middle two of an even number; -1 without any."""
    ordered = np.sort(values, axis=0)
    count = np.isfinite(ordered).sum(axis=0)
    each, last = np.arange(values.shape[1]), np.maximum(count - 1, 0)
    middle = (ordered[last // 2, each] + ordered[(last + 1) // 2, each]) / 2
    return np.where(count > 0, middle, -1.0)
