"""A dossier sorted for writing: what belongs to which block, and numbered addresses."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TypeVar

from analyzer import places, registry
from analyzer.brief.model import Link
from analyzer.brief.words import clean, day
from analyzer.records import Block, Claim, Dossier, Estimate, Published, SeriesView, Snapshot, Source, Study
from analyzer.verdicts import HEADLINE

T = TypeVar("T")

# Names of bodies of a state, as our catalogue writes them; the official position is made of what they say.
_OFFICIAL = re.compile(
    r"minister|ministr|government|court|judiciary|authority|regulator|president|parliament|commission|police|\barmy\b"
    r"|\b(PTA|BTK|UCC|NTA|AKEP|TCRA|NCC|NITDA|Ofcom|Arcom|Anatel|Conatel|Roskomnadzor|CDF)\b|department|attorney|senate",
    re.IGNORECASE,
)
# Words with which an official account departs from "it was blocked".
_DENIAL = re.compile(
    r"fault|technical|normal|operational|upgrade|den(y|ied|ies)|cable|not blocked|no .{0,20}blocked|investigat",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Material:
    """A dossier in reading order. `stray` are figures of other periods that name a block of this one."""

    dossier: Dossier
    blocks: tuple[Block, ...]
    non_events: tuple[Block, ...]
    claims: tuple[Claim, ...]
    published: tuple[Published, ...]
    stray: tuple[Published, ...]
    snapshots: tuple[Snapshot, ...]
    addresses: tuple[str, ...]

    @property
    def events(self) -> tuple[Block, ...]:
        """Blocks and non-events by onset."""
        return tuple(sorted((*self.blocks, *self.non_events), key=_by_onset))

    @property
    def estimates(self) -> tuple[tuple[Study, Estimate], ...]:
        """Every estimate with its study, primary questions first."""
        rank = {"primary": 0, "secondary": 1, "exploratory": 2}
        pairs = [(study, row) for study in self.dossier.studies for row in study.estimates]
        return tuple(sorted(pairs, key=lambda pair: rank[pair[1].role]))

    @property
    def questions(self) -> tuple[tuple[Study, Estimate], ...]:
        """The estimates in the order in which a reader should meet them: the horizon first that the checks speak of."""
        order = {horizon: i for i, horizon in enumerate(HEADLINE)}
        pairs = [p for p in self.estimates if p[1].verdict != "not_estimable"] or list(self.estimates)
        return tuple(sorted(pairs, key=lambda p: (p[1].role != "primary", order.get(p[1].horizon, len(order)))))

    def ref(self, address: str) -> Link | str:
        """`[3]`, leading to the list of addresses; nothing where a source has no address."""
        if not is_web(address):
            return ""
        return Link(f"[{self.addresses.index(clean(address)) + 1}]", f"#ref-{self.addresses.index(clean(address)) + 1}")

    def block(self, block_id: str) -> Block | None:
        """A block or non-event of this dossier by its id."""
        return next((b for b in self.events if b.block_id == block_id), None)

    def claims_on(self, block: Block) -> tuple[Claim, ...]:
        """What is said about a block, in the order of the catalogue."""
        return tuple(c for c in self.claims if c.block_id == block.block_id)

    @property
    def provisional(self) -> tuple[str, ...]:
        """Which days of this brief its sources will still revise."""
        ends = [view.t[-1].date() for study in self.dossier.studies for view in study.series if view.t]
        last = max([self.dossier.period_end, *ends])
        return tuple(text for s in self.snapshots if (text := provisional(s, last)))

    def disputed(self) -> tuple[Block, ...]:
        """Blocks whose official account departs from what others report."""
        return tuple(b for b in self.blocks if is_disputed(self.claims_on(b)))


def sort_out(dossier: Dossier) -> Material:
    """The dossier's records in reading order, each once, with every address numbered at its first use."""
    studies = dossier.studies
    known = {b.block_id for b in (*dossier.blocks, *dossier.non_events)}
    loose = [s.block for s in studies if s.block.block_id not in known and s.block.kind != "date"]
    blocks = _unique((*dossier.blocks, *(b for b in loose if not b.is_non_event)))
    events = _unique((*dossier.non_events, *(b for b in loose if b.is_non_event)))
    ids = {b.block_id for b in (*blocks, *events)}
    claims = _unique(dossier.claims + tuple(c for s in studies for c in s.claims))
    published = _unique(dossier.published + tuple(p for s in studies for p in s.published))
    ours = tuple(sorted((p for p in published if p.block_id in ids), key=lambda p: (p.window_start, p.window_end)))
    names = [b.name.lower() for b in blocks if b.name]
    stray = tuple(p for p in published if p.block_id not in ids and any(n in p.note.lower() for n in names))
    return Material(
        dossier=dossier,
        blocks=tuple(sorted(blocks, key=_by_onset)),
        non_events=tuple(sorted(events, key=_by_onset)),
        claims=claims,
        published=ours,
        stray=stray,
        snapshots=_unique(dossier.snapshots + tuple(x for s in studies for x in s.snapshots)),
        addresses=_addresses(
            (*(c.address for c in claims if c.block_id in ids), *(p.address for p in (*ours, *stray)))
        ),
    )


def _by_onset(block: Block) -> tuple[datetime, str]:
    return block.onset_earliest, block.block_id


def _unique(records: Iterable[T]) -> tuple[T, ...]:
    return tuple(dict.fromkeys(records))


def _addresses(found: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(clean(a) for a in found if is_web(a)))


def is_web(address: str) -> bool:
    """True for an http(s) address; nothing else ever becomes a link."""
    return re.match(r"https?://[^\s/]", clean(address)) is not None


def is_official(who: str) -> bool:
    """True for a body of a state: ministry, regulator, court, army, parliament."""
    return _OFFICIAL.search(who) is not None


def is_disputed(claims: tuple[Claim, ...]) -> bool:
    """True where an official account denies or explains away what somebody else reports."""
    denials = [c for c in claims if is_official(c.who) and _DENIAL.search(f"{c.who} {c.says}")]
    return bool(denials) and any(not is_official(c.who) for c in claims)


def source_of(snapshot: Snapshot) -> Source | None:
    """The declaration of a snapshot's source, where this version has one."""
    if snapshot.source not in registry.names("sources"):
        return None
    found = registry.load("sources", snapshot.source)
    return found if isinstance(found, Source) else None


def provisional(snapshot: Snapshot, last: date) -> str:
    """Which days up to `last` its source will still revise, and from when a new file settles them; '' if none."""
    source = source_of(snapshot)
    if source is None or not source.revised_days or snapshot.retrieved_at is None:
        return ""
    retrieved = snapshot.retrieved_at.date()
    first = retrieved - timedelta(days=source.revised_days)
    if last < first:
        return ""
    settled = retrieved + timedelta(days=source.revised_days)
    return (
        f"{clean(source.title)}: days from {day(first)} on are provisional (their source still revises them); a file "
        f"retrieved after {day(settled)} no longer holds them so."
    )


def length(block: Block) -> timedelta | None:
    """How long a block lasted by its stated times, where its end is known."""
    return block.end_earliest - block.onset_earliest if block.end_earliest else None


def is_timed_short(block: Block) -> bool:
    """True for a block timed to the hour that lasted less than a day: daily data thin it out."""
    lasted = length(block)
    timed = block.start_precision in ("hour", "minute") and block.end_precision in ("hour", "minute")
    return timed and lasted is not None and lasted < timedelta(days=1)


def period(dossier: Dossier) -> tuple[datetime, datetime]:
    """The period as instants: local midnight of its first day to local midnight after its last."""
    return places.local_midnight(dossier.period_start, dossier.cc), places.local_day(dossier.period_end, dossier.cc)[1]


def main_series(material: Material) -> tuple[Study, SeriesView, Estimate | None] | None:
    """The series a reader is shown: that of the first estimate that has one, else any."""
    for study, row in material.questions:
        for view in study.series:
            if (view.indicator, view.entity) == (row.indicator, row.entity) and row.ratio is not None and view.t:
                return study, view, row
    pairs = [(study, view) for study in material.dossier.studies for view in study.series if view.t]
    return (*pairs[0], None) if pairs else None
