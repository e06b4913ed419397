"""The catalogue as one frozen record, readable without any store, and the questions asked of it."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Literal, TypeVar

from analyzer.blocks import tables
from analyzer.blocks.tables import Artefact, Row
from analyzer.errors import UnknownName
from analyzer.places import WORLD, check_country, local_midnight
from analyzer.records import Block, Claim, Context, DonorExclusion, Overlap, Published

DATA = Path(__file__).parents[1] / "data"
SHIPPED_TABLES = (
    "events.csv", "non_events.csv", "published_estimates.csv", "claims.csv", "contexts.csv", "donor_exclusions.csv",
)  # fmt: skip
OUTCOME_FREE = ("order", "measurement", "press")
_T = TypeVar("_T")
Touches = Literal["base", "horizon", "base and horizon"]


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Everything known of restrictions and of dated events without one, in order of country and time."""

    blocks: tuple[Block, ...]
    non_events: tuple[Block, ...]
    claims: tuple[Claim, ...]
    published: tuple[Published, ...]
    contexts: tuple[Context, ...] = ()
    donor_exclusions: tuple[DonorExclusion, ...] = ()

    @property
    def events(self) -> tuple[Block, ...]:
        """Blocks, then non-events."""
        return self.blocks + self.non_events

    def claims_about(self, block_id: str) -> tuple[Claim, ...]:
        """Who says what about an event; claims that disagree stand beside each other."""
        return tuple(c for c in self.claims if c.block_id == block_id)

    def published_about(self, block_id: str) -> tuple[Published, ...]:
        """Figures that publishers gave for an event."""
        return tuple(p for p in self.published if p.block_id == block_id)

    def contexts_of(self, block_id: str) -> tuple[str, ...]:
        """Kinds of what else happened when a block began, each once, in order; () where nothing is recorded."""
        return tuple(sorted({c.kind for c in self.contexts if c.block_id == block_id}))

    def excluded_donors(self, cc: str, indicator: str, start: date, end: date) -> dict[str, str]:
        """Countries that are no control for `cc` on an indicator within the days [start, end), with the reasons."""
        found: dict[str, list[str]] = {}
        for e in self.donor_exclusions:
            of_it = e.cc in ("", cc) and (not e.indicators or indicator in e.indicators)
            if of_it and (e.start is None or e.start < end) and (e.end is None or e.end > start):
                found.setdefault(e.donor, []).append(e.reason)
        return {donor: ", ".join(sorted(set(reasons))) for donor, reasons in sorted(found.items())}


def make(
    events: Iterable[Block],
    claims: Iterable[Claim],
    published: Iterable[Published],
    contexts: Iterable[Context] = (),
    donor_exclusions: Iterable[DonorExclusion] = (),
) -> Catalogue:
    """A catalogue in its order: by country, onset and id."""
    ordered = sorted(events, key=lambda b: (b.cc, b.onset_earliest, b.block_id))
    return Catalogue(
        blocks=tuple(b for b in ordered if not b.is_non_event),
        non_events=tuple(b for b in ordered if b.is_non_event),
        claims=tuple(claims),
        published=tuple(published),
        contexts=tuple(contexts),
        donor_exclusions=tuple(donor_exclusions),
    )


@cache
def shipped() -> Catalogue:
    """The tables that come with the tool, validated; needs no store."""
    events = [event for table in ("events.csv", "non_events.csv") for event in read_events(_text(table), table)]
    said = read_claims(_text("claims.csv"), "claims.csv")
    return make(
        events,
        [*said, *_own_claims({c.block_id for c in said})],
        [tables.published(row) for row in _shipped_rows("published_estimates.csv", tables.PUBLISHED_COLUMNS)],
        [tables.context(row) for row in _shipped_rows("contexts.csv", tables.CONTEXT_COLUMNS)],
        [tables.donor_exclusion(row) for row in _shipped_rows("donor_exclusions.csv", tables.EXCLUSION_COLUMNS)],
    )


def outcome_free(route: str) -> bool:
    """True where a block became known by a route that does not depend on what it did to circumvention.

    An official order, a measurement of reachability and a press report of the block exist whether or not anybody
    turned to a VPN.  A vendor tells of the blocks at which its demand rose and a scan finds the changes that are
    large: a typical effect formed from those is that of the striking ones.  A route that is not recorded ('') counts
    as one that may depend on it.
    """
    return route in OUTCOME_FREE


@cache
def artefacts() -> tuple[Artefact, ...]:
    """Stretches in which an indicator moved for reasons of measurement."""
    return tuple(tables.artefact(row) for row in _shipped_rows("artefacts.csv", tables.ARTEFACT_COLUMNS))


def shipped_sha256() -> str:
    """SHA-256 over the shipped tables, in order, each with its name."""
    digest = hashlib.sha256()
    for name in SHIPPED_TABLES:
        digest.update(name.encode() + b"\0" + (DATA / name).read_bytes())
    return digest.hexdigest()


def shipped_size() -> int:
    """Bytes of the shipped tables."""
    return sum((DATA / name).stat().st_size for name in SHIPPED_TABLES)


def read_events(text: str, file: str) -> list[Block]:
    """Events of a CSV text; an id that occurs twice in it is an error."""
    found = tables.Events()
    for row in tables.rows_of(text, file, tables.EVENT_COLUMNS):
        found.add(row, tables.block(row))
    return found.events


def read_claims(text: str, file: str) -> list[Claim]:
    """Claims of a CSV text."""
    return [tables.claim(row) for row in tables.rows_of(text, file, tables.CLAIM_COLUMNS)]


def find(catalogue: Catalogue, block_id: str) -> Block:
    """The block or non-event of that id; raises UnknownName with the nearest ids."""
    known = {b.block_id: b for b in catalogue.events}
    if found := known.get(block_id.strip().lower()):
        return found
    near = get_close_matches(block_id.strip().lower(), known, n=4, cutoff=0.5)
    advice = f"did you mean {', '.join(near)}?" if near else "see vpn-uptake blocks list"
    raise UnknownName(f"no block {block_id!r}: {advice}")


def listed(
    catalogue: Catalogue, cc: str | None = None, start: date | None = None, end: date | None = None
) -> tuple[Block, ...]:
    """Blocks and non-events of a country, or of all, whose time touches [start, end), oldest first.

    A datetime is a UTC instant, a date begins at midnight of the event's own place; None leaves that side open.
    """
    code = check_country(cc) if cc else None
    of_place = [b for b in catalogue.events if code in (None, b.cc)]
    found = [b for b in of_place if touches(b, _instant(start, b.cc), _instant(end, b.cc))]
    return tuple(sorted(found, key=lambda b: (b.onset_earliest, b.block_id)))


def of_kind(events: Iterable[Block], kind: str) -> list[Block]:
    """Events of one kind, or of all that are a `block` or a `non-event`.  Raises UnknownName for another word."""
    if kind in ("block", "non-event"):
        return [b for b in events if b.is_non_event == (kind == "non-event")]
    if kind not in tables.KINDS:
        raise UnknownName(f"unknown kind {kind!r}: use block, non-event or one of {', '.join(tables.KINDS)}")
    return [b for b in events if b.kind == kind]


def _instant(when: date | None, cc: str) -> datetime | None:
    return when if when is None or isinstance(when, datetime) else local_midnight(when, cc)


def touches(block: Block, start: datetime | None, end: datetime | None) -> bool:
    """True where the time of an event may meet the half-open [start, end); None leaves that side open.

    A block without an end counts as still in force: it may be, and a base that silently holds it misleads more than
    one that names it.  A non-event without an end is over when its onset is: a ruling or an announcement is a moment.
    """
    if start and end and start >= end:
        return False
    began = end is None or block.onset_earliest < end
    return began and (start is None or block.onset_earliest >= start or _lasts_beyond(block, start))


def _lasts_beyond(block: Block, instant: datetime) -> bool:
    if block.end_latest is None:
        return not block.is_non_event or block.onset_latest > instant
    return block.end_latest > instant


def overlaps(catalogue: Catalogue, block: Block, base_start: datetime, horizon_end: datetime) -> tuple[Overlap, ...]:
    """Other blocks of the country, and worldwide events of any kind, that touch base or horizon of an estimate.

    The base runs from `base_start` to the earliest onset, the horizon from there to `horizon_end`.
    """
    onset = block.onset_earliest
    found = []
    for other in _neighbours(catalogue, block):
        in_base, in_horizon = touches(other, base_start, onset), touches(other, onset, horizon_end)
        if in_base or in_horizon:
            found.append(Overlap(other, _where(in_base, in_horizon)))
    return tuple(found)


def _where(in_base: bool, in_horizon: bool) -> Touches:
    if in_base and in_horizon:
        return "base and horizon"
    return "base" if in_base else "horizon"


def _neighbours(catalogue: Catalogue, block: Block) -> list[Block]:
    own = [b for b in catalogue.blocks if b.cc == block.cc]
    return [b for b in [*own, *(e for e in catalogue.events if e.cc == WORLD)] if b.block_id != block.block_id]


def _own_claims(spoken_for: Collection[str]) -> list[Claim]:
    rows = _shipped_rows("non_events.csv", tables.EVENT_COLUMNS)
    return [c for row in rows if row.get("event_id") not in spoken_for for c in tables.claims_of_event(row)]


def _text(name: str) -> str:
    return (DATA / name).read_text(encoding="utf-8")


def _shipped_rows(name: str, columns: Sequence[str]) -> Iterable[Row]:
    return tables.rows_of(_text(name), name, columns)
