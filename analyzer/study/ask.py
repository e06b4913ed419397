"""A block and a store in, a `Study` out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from itertools import chain
from typing import Any

from analyzer.blocks import Catalogue, overlaps
from analyzer.errors import BadInput, StoreError, UnknownName
from analyzer.places import UNKNOWN, WORLD, check_country, country_name, local_day, to_local
from analyzer.records import Block, Check, Estimate, Overlap, Snapshot, Study
from analyzer.registry import load
from analyzer.store import Store
from analyzer.study.at_hand import AtHand
from analyzer.study.horizons import check_horizon
from analyzer.study.one_series import Answer, answer
from analyzer.study.record import record
from analyzer.study.series import SeriesKey, first_starts
from analyzer.study.shapes import Wanted
from analyzer.study.verified import verify
from analyzer.version import __version__

# What the base and the longest default horizon can reach: the overlaps that every estimate lists.
BASE_REACH = timedelta(days=365)
HORIZON_REACH = timedelta(days=90)
SHORTEST_OF_CAPTURES = timedelta(days=2)  # of history: two cycles of the day


def bare_date(cc: str, day: date) -> Block:
    """A local calendar day of a country as an event that is no block; raises UnknownName for an unknown country.

    ZZ (no country) is taken too, with UTC days: series that belong to none, simulated ones among them, carry it.
    """
    code = UNKNOWN if cc.strip().upper() == UNKNOWN else check_country(cc)
    start, end = local_day(day, code)
    return Block(
        block_id=f"{code.lower()}-{day.isoformat()}",
        cc=code,
        name=f"The date {day.isoformat()}",
        onset_earliest=start,
        onset_latest=end,
        end_earliest=None,
        end_latest=None,
        start_precision="day",
        end_precision=None,
        kind="date",
        scope="",
        services=(),
        is_non_event=True,
    )


def in_country(event: Block, cc: str) -> Block:
    """A worldwide event as it is asked of one country.

    Raises UnknownName for an unknown country, BadInput where the event is one of another country.
    """
    code = check_country(cc)
    if event.cc not in (code, WORLD):
        day = to_local(event.onset_earliest, code).date()
        there = f"for its date in {country_name(code)} use --cc {code} --date {day}"
        raise BadInput(
            f"{event.block_id} is an event of {country_name(event.cc)}, not of {country_name(code)}: {there}"
        )
    return replace(event, cc=code)


def ask(
    store: Store,
    catalogue: Catalogue,
    block: Block,
    *,
    now: datetime,
    indicator: str | None = None,
    horizons: Sequence[str],
    estimator: str = "replay",
    shapes: Wanted = "moved",
) -> Study:
    """The study of one event on every series the store holds for its country.

    shapes: `moved` gives the shape of a change where a headline says rise or fall, `all` that of every series.
    The run is recorded in the store, shown or not; where that fails, the study says so in its warnings.
    Raises UnknownName for an unknown horizon, indicator or estimator, StoreError where there is no store.
    """
    load("estimators", estimator)
    names = [check_horizon(h) for h in horizons]
    starts = _starts(store, block.cc, indicator)
    keys = [key for key, first in starts.items() if not _too_short(key, first, block)]
    touching = overlaps(catalogue, block, block.onset_earliest - BASE_REACH, block.onset_latest + HORIZON_REACH)
    at_hand = AtHand(store, block.cc)
    verified = verify(catalogue, block, at_hand)
    beside: dict[str, Any] = {"estimator": estimator, "verified": verified, "at_hand": at_hand}
    found = (answer(catalogue, block, at_hand.take(key), names, shapes, **beside) for key in keys)
    answers = [a for a in found if a is not None]
    study = _study(block, catalogue, answers, touching, now=now)
    study = replace(
        study,
        verified=verified,
        snapshots=_snapshots(store, answers),
        warnings=_warnings(block, answers, [k for k in starts if k not in keys]),
    )
    return _recorded(store, study, {"indicator": indicator, "horizons": names, "estimator": estimator})


def series_keys(store: Store, cc: str, indicator: str | None) -> list[SeriesKey]:
    """The series of a country that can answer.  Raises UnknownName for an indicator the store does not have."""
    return list(_starts(store, cc, indicator))


def _too_short(key: SeriesKey, first: datetime, block: Block) -> bool:
    """A capture makes dozens of hourly series, most of a day at most: a line in place of a refusal for each."""
    of_hours = key.indicator.startswith("capture.") and key.scale_id == "hour"
    return of_hours and block.onset_earliest - first < SHORTEST_OF_CAPTURES


def _starts(store: Store, cc: str, indicator: str | None) -> dict[SeriesKey, datetime]:
    keys = {k: t for k, t in first_starts(store, cc).items() if not k.indicator.startswith("denominator.")}
    if indicator is None:
        return keys
    known = sorted({k.indicator for k in keys})
    if indicator not in known:
        held = f"it holds {', '.join(known)}" if known else "it holds no series of that country"
        raise UnknownName(f"the store has no indicator {indicator!r} for {cc}: {held}")
    return {k: t for k, t in keys.items() if k.indicator == indicator}


def _study(
    block: Block, catalogue: Catalogue, answers: Sequence[Answer], touching: Sequence[Overlap], *, now: datetime
) -> Study:
    estimates: tuple[Estimate, ...] = tuple(chain.from_iterable(a.estimates for a in answers))
    checks: tuple[Check, ...] = tuple(chain.from_iterable(a.checks for a in answers))
    return Study(
        block=block,
        asked_at=now,
        estimates=estimates,
        checks=checks,
        series=tuple(a.view for a in answers),
        publisher_rule=tuple(chain.from_iterable(a.publisher_rule for a in answers)),
        overlaps=tuple(touching),
        claims=catalogue.claims_about(block.block_id),
        published=catalogue.published_about(block.block_id),
        tool_version=__version__,
        shapes=tuple(chain.from_iterable(a.shapes for a in answers)),
        breakdowns=tuple(chain.from_iterable(a.breakdowns for a in answers)),
    )


def _snapshots(store: Store, answers: Sequence[Answer]) -> tuple[Snapshot, ...]:
    ids = sorted(set(chain.from_iterable(a.snapshot_ids for a in answers)))
    return tuple(Snapshot(**row) for row in store.rows("snapshots_by_id", snapshot_ids=ids)) if ids else ()


def _warnings(block: Block, answers: Sequence[Answer], short: Sequence[SeriesKey]) -> tuple[str, ...]:
    return (*_short_in_words(short), *(() if answers else (_what_to_fetch(block),)))


def _short_in_words(short: Sequence[SeriesKey]) -> tuple[str, ...]:
    if not short:
        return ()
    named = ", ".join(sorted({k.indicator for k in short}))
    before = f"under {SHORTEST_OF_CAPTURES.days} days before the event"
    return (f"{len(short)} hourly series of captures hold {before} and give no row: {named}",)


def _what_to_fetch(block: Block) -> str:
    if block.cc == WORLD:
        day = block.onset_earliest.date()
        own = f"name a country with --cc, as in vpn-uptake estimate {block.block_id} --cc PK"
        return f"a worldwide event, and the store holds no series of world totals on {day}: {own}"
    first = (block.onset_earliest - timedelta(days=200)).date()
    last = (block.onset_earliest + timedelta(days=91)).date()
    fetch = f"vpn-uptake fetch tor_bridge_users --cc {block.cc} --from {first} --to {last}"
    return f"the store holds no series of {country_name(block.cc)} at that time; one that can be fetched: {fetch}"


def _recorded(store: Store, study: Study, asked: Mapping[str, Any]) -> Study:
    try:
        record(store, study, asked)
    except StoreError as error:
        return replace(study, warnings=(*study.warnings, f"this run could not be recorded: {error}"))
    return study
