"""What a brief is made of: a country and period, its catalogue, and a study of every block the data reach."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from analyzer.blocks import Catalogue, find, listed
from analyzer.errors import UnknownName
from analyzer.places import check_country, local_midnight
from analyzer.records import Block, Dossier, Snapshot, Source, Study
from analyzer.registry import load_all
from analyzer.store import Store
from analyzer.study.ask import ask
from analyzer.study.horizons import DEFAULT
from analyzer.version import __version__

AROUND = timedelta(days=28)  # shown before and after named blocks: the length of the publishers' own base
LONG_BEFORE = timedelta(days=365)  # a block in force for longer is the state of affairs, not an event of the period
BASE = timedelta(days=200)  # a fetch that reaches this far back gives every default horizon its replications


# What to fetch first: counts by country of those who reach Tor through a bridge, and of those who reach it directly.
_FIRST = ("tor_bridge_users", "tor_relay_users")
_ANY_TABLE = ("generic_table",)  # a way to read what a user has: nothing of it can be missing


@dataclass(frozen=True, slots=True)
class BriefQuestion:
    """Named blocks of one country, or a country and the local days [start, end)."""

    block_ids: Sequence[str]
    cc: str | None
    start: date | None
    end: date | None


def dossier(store: Store, catalogue: Catalogue, asked: BriefQuestion, *, command: str, now: datetime) -> Dossier:
    """Everything a brief needs; works without a store, which is then named as missing.

    Raises UnknownName for unknown blocks or countries, for blocks of several countries and an empty period.
    """
    named = [find(catalogue, block_id) for block_id in asked.block_ids]
    cc, start, end = _place_and_time(asked, named)
    touching = listed(catalogue, cc, local_midnight(start, cc), local_midnight(end, cc))
    shown = tuple(b for b in touching if b.onset_latest >= local_midnight(start - LONG_BEFORE, cc))
    shown = tuple(sorted({*shown, *named}, key=lambda b: (b.onset_earliest, b.block_id)))
    questions = named or [b for b in shown if not b.is_non_event and _begins_within(b, cc, start, end)]
    studies = _studies(store, catalogue, questions, now) if store.exists else []
    return _dossier(catalogue, cc, (start, end), shown, studies, _missing(store, cc, start, end), command, now)


def dossier_of(study: Study) -> Dossier:
    """The dossier of one study that is at hand: what it holds and no more."""
    block = study.block
    start = (block.onset_earliest - AROUND).date()
    last = max(block.onset_latest, block.end_latest or block.onset_latest)
    end = (min(last, block.onset_latest + 2 * AROUND) + AROUND).date()
    shown = sorted({block, *(o.block for o in study.overlaps)}, key=lambda b: (b.onset_earliest, b.block_id))
    bare = Catalogue((), (), study.claims, study.published)
    events = tuple(
        b for b in shown if b.onset_earliest.date() < end and (b.end_latest is None or b.end_latest.date() >= start)
    )
    return _dossier(bare, block.cc, (start, end), events, [study], (), "", study.asked_at)


def _dossier(  # noqa: PLR0917 - the parts of one record, in its order
    catalogue: Catalogue,
    cc: str,
    period: tuple[date, date],
    shown: Sequence[Block],
    studies: Sequence[Study],
    missing: tuple[tuple[str, str], ...],
    command: str,
    now: datetime,
) -> Dossier:
    ids = {b.block_id for b in shown}
    home = {b.block_id for b in catalogue.events if b.cc == cc} | ids
    return Dossier(
        cc=cc,
        period_start=period[0],
        period_end=period[1] - timedelta(days=1),
        blocks=tuple(b for b in shown if not b.is_non_event),
        non_events=tuple(b for b in shown if b.is_non_event and b.kind != "date"),
        claims=tuple(c for c in catalogue.claims if c.block_id in ids),
        # Figures of other periods too: the brief shows those that the press ties to a block of this one.
        published=tuple(p for p in catalogue.published if p.block_id in home),
        studies=tuple(studies),
        snapshots=_united(s.snapshots for s in studies),
        missing_sources=missing,
        command=command,
        made_at=now,
        tool_version=__version__,
    )


def _place_and_time(asked: BriefQuestion, named: Sequence[Block]) -> tuple[str, date, date]:
    if named:
        countries = {b.cc for b in named}
        if len(countries) > 1:
            raise UnknownName(f"one brief is about one country; these blocks are of {', '.join(sorted(countries))}")
        first = min(b.onset_earliest for b in named) - AROUND
        last = max(b.onset_latest for b in named) + 2 * AROUND
        return named[0].cc, first.date(), last.date()
    if not asked.cc or asked.start is None or asked.end is None:
        raise UnknownName("name blocks, or a country with the first day and the day after the last")
    if asked.start >= asked.end:
        raise UnknownName(f"the period from {asked.start} to {asked.end} holds no day")
    return check_country(asked.cc), asked.start, asked.end


def _begins_within(block: Block, cc: str, start: date, end: date) -> bool:
    return local_midnight(start, cc) <= block.onset_earliest < local_midnight(end, cc)


def _studies(store: Store, catalogue: Catalogue, questions: Iterable[Block], now: datetime) -> list[Study]:
    studies = [
        ask(store, catalogue, block, horizons=DEFAULT, now=now, shapes="none", purpose="brief") for block in questions
    ]
    return [s for s in studies if s.estimates]


def _missing(store: Store, cc: str, start: date, end: date) -> tuple[tuple[str, str], ...]:
    """Sources of series that hold nothing of the country in the period, with the command that would fetch one."""
    held = set()
    if store.exists:
        rows = store.rows("series_of_country", cc=cc)
        first, last = local_midnight(start, cc), local_midnight(end, cc)
        held = {r["indicator"] for r in rows if r["first_start"] < last and r["last_end"] > first}
    sources: list[Source] = [s for s in load_all("sources").values() if s.name not in _ANY_TABLE]
    lacking = [s for s in sources if not held.intersection(s.indicators)]
    lacking.sort(key=lambda s: (s.requests is None, s.name not in _FIRST, s.name))
    return tuple((f"{s.title} ({s.organization})", _fetch_command(s, cc, start, end)) for s in lacking)


def _fetch_command(source: Source, cc: str, start: date, end: date) -> str:
    if source.requests is None:
        return ""
    return f"vpn-uptake fetch {source.name} --cc {cc} --from {start - BASE} --to {end + AROUND}"


def _united(groups: Iterable[Sequence[Snapshot]]) -> tuple[Snapshot, ...]:
    return tuple({s.snapshot_id: s for group in groups for s in group}.values())
