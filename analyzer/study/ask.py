"""A block and a store in, a `Study` out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from itertools import chain
from typing import Any

from analyzer.blocks import Catalogue, find, overlaps
from analyzer.errors import BadInput, UnknownName
from analyzer.indicators import type_of
from analyzer.places import UNKNOWN, WORLD, check_country, country_name, local_day, to_local
from analyzer.plans import specification_in_words
from analyzer.records import Block, Check, Estimate, Overlap, Snapshot, Study
from analyzer.registry import load
from analyzer.store import Store
from analyzer.store.types import stated_types
from analyzer.study.at_hand import AtHand
from analyzer.study.combined import with_combinations
from analyzer.study.family import family_of
from analyzer.study.one_series import Answer, answer
from analyzer.study.people_of import people_of
from analyzer.study.record import recorded
from analyzer.study.roles import Asking, Planned, asking, marked, missing
from analyzer.study.series import SeriesKey, first_starts
from analyzer.study.shapes import Wanted
from analyzer.study.situation import meant
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


def event(catalogue: Catalogue, block_id: str | None, cc: str | None, day: date | None) -> Block:
    """The event of that id, in a country where it is worldwide; or the local calendar day of a country.

    Raises UnknownName for what is not known, BadInput for an event of another country.
    """
    if block_id and day is None:
        found = find(catalogue, block_id)
        return _in_country(found, cc) if cc else found
    if block_id or not cc or day is None:
        raise UnknownName("name a block, or a country and a date (cc=..., date=...)")
    return bare_date(cc, day)


def _in_country(found: Block, cc: str) -> Block:
    code = check_country(cc)
    if found.cc not in (code, WORLD):
        day = to_local(found.onset_earliest, code).date()
        there = f"for its date in {country_name(code)} use --cc {code} --date {day}"
        raise BadInput(
            f"{found.block_id} is an event of {country_name(found.cc)}, not of {country_name(code)}: {there}"
        )
    return replace(found, cc=code)


def ask(
    store: Store,
    catalogue: Catalogue,
    block: Block,
    *,
    now: datetime,
    indicator: str | None = None,
    horizons: Sequence[str] = (),
    estimator: str | None = None,
    shapes: Wanted = "moved",
    plan: Planned | None = None,
    purpose: str = "estimate",
) -> Study:
    """The study of one event on every series the store holds for its country.

    horizons and estimator: those named, else those of the plan, else the usual.  shapes: `moved` gives the shape of a
    change where a headline says rise or fall, `all` that of every series.  plan: a frozen plan, whose specification
    and smallest effect of interest are used; its rows are primary or secondary, all others exploratory.  purpose: what
    the run log calls this run.  The run is recorded in the store, shown or not; where that fails, the study says so in
    its warnings.  Raises UnknownName for an unknown horizon, indicator or estimator, StoreError where there is none.
    """
    asked = asking(indicator, horizons, estimator, plan)
    load("estimators", asked.estimator)
    starts = {k: t for k, t in _starts(store, block.cc, indicator).items() if asked.wants(k.indicator, k.entity)}
    keys = [key for key, first in starts.items() if not _too_short(key, first, block)]
    touching = overlaps(catalogue, block, block.onset_earliest - BASE_REACH, block.onset_latest + HORIZON_REACH)
    at_hand = AtHand(store, block.cc)
    verified = verify(catalogue, block, at_hand)
    answers = _answers(catalogue, block, at_hand, keys, asked, {"shapes": shapes, "verified": verified})
    study = _study(block, catalogue, answers, touching, now=now)
    lacking = missing(asked, {(k.indicator, k.entity) for k in starts})
    study = replace(
        study,
        verified=verified,
        snapshots=_snapshots(store, answers),
        warnings=(*lacking, *_warnings(block, answers, [k for k in starts if k not in keys])),
    )
    study = _concluded(store, replace(study, people=people_of(store, study)), answers)
    return _recorded(store, study, asked, purpose, meant(catalogue, block))


def _answers(  # noqa: PLR0917 - what is asked of what, and how
    catalogue: Catalogue,
    block: Block,
    at_hand: AtHand,
    keys: Sequence[SeriesKey],
    asked: Asking,
    options: Mapping[str, Any],
) -> list[Answer]:
    way = {**options, "specification": asked.specification, "smallest": asked.smallest, "estimator": asked.estimator}
    found = (answer(catalogue, block, at_hand.take(k), asked.horizons, at_hand=at_hand, **way) for k in keys)
    names = Counter((k.indicator, k.entity) for k in keys)
    return [replace(a, estimates=_with_roles(a, asked, block, names)) for a in found if a is not None]


def _with_roles(given: Answer, asked: Asking, block: Block, names: Counter[tuple[str, str]]) -> tuple[Estimate, ...]:
    ambiguous = names[given.view.indicator, given.view.entity] > 1
    return marked(given.estimates, asked, block, ambiguous=ambiguous)


def series_keys(store: Store, cc: str, indicator: str | None) -> list[SeriesKey]:
    """The series of a country that can answer.  Raises UnknownName for an indicator the store does not have."""
    return list(_starts(store, cc, indicator))


def _too_short(key: SeriesKey, first: datetime, block: Block) -> bool:
    """A capture makes dozens of hourly series, most of a day at most: a line in place of a refusal for each."""
    of_hours = key.indicator.startswith("capture.") and key.scale_id == "hour"
    return of_hours and block.onset_earliest - first < SHORTEST_OF_CAPTURES


def _starts(store: Store, cc: str, indicator: str | None) -> dict[SeriesKey, datetime]:
    keys = {k: t for k, t in first_starts(store, cc).items() if type_of(k.indicator) != "denominator"}
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


def _concluded(store: Store, study: Study, answers: Sequence[Answer]) -> Study:
    """The study with what its rows say together: per type of indicator, and given how many of them were asked."""
    judged = tuple(chain.from_iterable(a.judged for a in answers))
    stated, _ = stated_types(store)
    return replace(with_combinations(study, judged, stated), family=family_of(study.estimates, judged))


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


def _recorded(store: Store, study: Study, asked: Asking, purpose: str, known: Block | None) -> Study:
    question = {
        "asked": purpose,
        "indicator": asked.indicator,
        "horizons": asked.horizons,
        "estimator": asked.estimator,
        "specification": specification_in_words(asked.specification),
        "smallest_effect": asked.smallest,
        "plan_id": asked.plan_id,
    }
    return recorded(store, study, question, known)
