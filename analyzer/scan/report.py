"""From a store to flags: every series of all countries is scanned, the false discoveries are controlled over all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

import numpy as np

from analyzer.blocks import Catalogue
from analyzer.errors import BadInput, NotEnoughData, UnknownName
from analyzer.estimators import STATUS, Flag, Scan, declare, scan_series
from analyzer.indicators import type_of
from analyzer.places import UNKNOWN, WORLD, check_country
from analyzer.records import Block
from analyzer.scan.records import FlagRow, Report, ScanQuestion
from analyzer.store import Store
from analyzer.study.series import Aligned, SeriesKey, aligned
from analyzer.study.situation import artefacts_of

NEAR = timedelta(days=7)  # between a flag and an event of the catalogue that is named with it
DAY, WEEK = timedelta(days=1), timedelta(days=7)
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class _Scanned:
    series: Aligned
    names: tuple[str, ...]
    found: Scan


def scan(store: Store, catalogue: Catalogue, question: ScanQuestion, progress: Progress | None = None) -> Report:
    """Scan the store.

    All countries and all days are scanned, because they teach what is usual; what was not asked for is then neither
    tested nor listed.  Raises UnknownName for an unknown country or indicator, BadInput for an empty range of days or a
    q outside (0, 1), StoreError where there is no store.
    """
    question = _checked(question)
    keys = _keys(store, question.indicator)
    done, left_out = [], []
    for at, key in enumerate(keys):
        if progress:
            progress(at, len(keys))
        try:
            done += _scanned(aligned(store, key), question)
        except NotEnoughData as nothing:
            left_out.append(f"{_name(key)}: {nothing}")
    return _report(catalogue, question, done, left_out)


def _checked(q: ScanQuestion) -> ScanQuestion:
    if not 0 < q.q < 1:
        raise BadInput(f"q must lie between 0 and 1, not {q.q}")
    if q.start and q.end and q.start >= q.end:
        raise BadInput(f"the days from {q.start} to {q.end} are none: the second is the day after the last")
    codes = tuple(c if (c := cc.strip().upper()) in (WORLD, UNKNOWN) else check_country(cc) for cc in q.countries)
    return ScanQuestion(codes, q.indicator, q.start, q.end, q.q, q.alarms)


def _keys(store: Store, indicator: str | None) -> list[SeriesKey]:
    rows = [r for r in store.rows("series_of_all") if type_of(r["indicator"]) != "denominator"]
    keys = [SeriesKey(r["indicator"], r["asn"], r["entity"], r["unit"], r["scale_id"]) for r in rows]
    known = sorted({k.indicator for k in keys})
    if indicator is None or indicator in known:
        return [k for k in keys if indicator in (None, k.indicator)]
    raise UnknownName(f"the store has no indicator {indicator!r}: it holds {', '.join(known) or 'no series'}")


def _name(key: SeriesKey) -> str:
    return f"{key.indicator}{'/' + key.entity if key.entity else ''}"


def _scanned(series: Aligned, question: ScanQuestion) -> list[_Scanned]:
    """Countries teach each other what is usual; the world total, which holds them all, is scanned by itself."""
    groups = (tuple(cc for cc in series.values if cc != WORLD), (WORLD,) if WORLD in series.values else ())
    return [_group(series, names, question) for names in groups if _is_asked(names, question)]


def _is_asked(names: tuple[str, ...], question: ScanQuestion) -> bool:
    return bool(names) and (not question.countries or not set(names).isdisjoint(question.countries))


def _group(series: Aligned, names: tuple[str, ...], question: ScanQuestion) -> _Scanned:
    values = np.column_stack([series.values[cc] for cc in names])
    if (values < 0).any():
        raise NotEnoughData("it holds negative values, of which no ratio can be given")
    aside, restarts = _faults(series)
    found = scan_series(values, season=_season(series), scale=series.key.scale, aside=aside, restarts=restarts)
    return _Scanned(series, names, found.within(*_asked(series, names, question)))


def _season(series: Aligned) -> int:
    """Steps of the season; steps that are neither hours, days nor weeks cannot be scanned."""
    known = {timedelta(hours=1): 168, DAY: 7, WEEK: 52}
    if series.step not in known:
        raise NotEnoughData(f"its steps last {series.step}; hours, days and weeks are scanned")
    return known[series.step]


def _faults(series: Aligned) -> tuple[np.ndarray, list[int]]:
    """Steps inside listed artefacts, and the first steps after those that change the level."""
    aside, restarts = np.zeros(series.length, dtype=bool), []
    for a in artefacts_of(series):
        aside[a.start : a.end] = True
        if a.effects & {"level_change", "overcount"}:
            restarts.append(a.end)
    return aside, restarts


def _asked(series: Aligned, names: Sequence[str], question: ScanQuestion) -> tuple[np.ndarray, np.ndarray]:
    """Which steps and which columns were asked for."""
    steps = np.ones(series.length, dtype=bool)
    if question.start:
        steps[: max(_step(series, question.start), 0)] = False
    if question.end:
        steps[max(_step(series, question.end), 0) :] = False
    return steps, np.array([not question.countries or cc in question.countries for cc in names])


def _step(series: Aligned, day: date) -> int:
    return series.index(datetime.combine(day, time()))


def _report(catalogue: Catalogue, question: ScanQuestion, done: Sequence[_Scanned], left_out: Sequence[str]) -> Report:
    declared = declare([d.found for d in done], q=question.q, alarms=question.alarms)
    counts: Counter[str] = Counter()
    for d in done:
        counts.update({STATUS[code]: int(n) for code, n in enumerate(d.found.outcomes())})
    return Report(
        rows=tuple(_row(catalogue, done[f.scan], f) for f in declared.flags),
        series=sum(int(d.found.columns.sum()) for d in done),
        scanned=declared.scanned,
        not_scanned={reason: counts[reason] for reason in STATUS[1:]},
        expected_false=declared.expected_false,
        returns=declared.returns,
        left_out=tuple(left_out),
    )


def _row(catalogue: Catalogue, scanned: _Scanned, flag: Flag) -> FlagRow:
    series, cc = scanned.series, scanned.names[flag.column]
    first, end = series.time(flag.first), series.time(flag.window[1])
    return FlagRow(
        indicator=series.key.indicator,
        entity=series.key.entity,
        cc=cc,
        first=first,
        last=None if flag.last is None else series.time(flag.last),
        direction=flag.direction,
        ratio=flag.ratio,
        ratio_low=flag.ratio_low,
        ratio_high=flag.ratio_high,
        measured=flag.measured,
        window_start=series.time(flag.window[0]),
        window_end=end,
        statistic=flag.statistic,
        p_value=flag.p,
        q_value=flag.q,
        rule=flag.rule,
        known="; ".join(b.block_id for b in catalogue.events if b.cc in (cc, WORLD) and _near(b, first)),
        artefacts=_faults_near(series, first, end),
    )


def _faults_near(series: Aligned, start: datetime, end: datetime) -> str:
    near = [a for a in artefacts_of(series) if series.time(a.start) < end + NEAR and series.time(a.end) > start - NEAR]
    return "; ".join(a.artefact_id for a in near)


def _near(block: Block, first: datetime) -> bool:
    """Whether an event begins or ends within a week of a flag's first step."""
    begins = block.onset_earliest - NEAR <= first <= block.onset_latest + NEAR
    ends = block.end_latest is not None and abs(first - block.end_latest) <= NEAR
    return begins or ends
