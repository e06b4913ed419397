"""The blocks and non-events of the period, in UTC and local time, with every claim, also those that disagree."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from analyzer import places
from analyzer.brief import words
from analyzer.brief.material import Material, is_official, is_timed_short, period
from analyzer.brief.model import Lane, Link, Section, Table, Text
from analyzer.records import Block, Claim

_NOTE = (
    "“Day only”: the sources give a calendar day of the place and no hour. “None on record here” says that the "
    "catalogue holds no official statement, not that there was none."
)
NONE_RECORDED = "none on record here"
MOST_STATEMENTS = 2  # of officials, in a cell
MOST_REPORTERS = 4  # names that fit a cell; all of them stand in the appendix


def timeline_table(material: Material) -> Table:
    """One row per event; the official line has a column of its own beside what others report."""
    clocks = sorted({words.clock(b.onset_earliest, b.cc) for b in material.events})
    zone = clocks[0] if len(clocks) == 1 else "local"
    return Table(
        "timeline-table",
        f"Blocks and other dated events, {_period(material)}",
        ("Event", f"Local time ({zone})", "UTC", "Services", "Who reports it", "Official line"),
        tuple(_row(material, block, show_clock=len(clocks) > 1) for block in material.events),
        (_NOTE,),
    )


def _period(material: Material) -> str:
    return words.days(material.dossier.period_start, material.dossier.period_end)


def _row(material: Material, block: Block, *, show_clock: bool) -> tuple[Text, ...]:
    (utc_from, local_from), (utc_to, local_to) = words.onset(block), words.ending(block)
    clock = f" ({words.clock(block.onset_earliest, block.cc)})" if show_clock else ""
    claims = material.claims_on(block)
    return (
        (words.name(block), f": {words.kind(block)}; scope: {words.or_not_stated(block.scope)}"),
        (_from_to(block, local_from, local_to) + clock,),
        (_from_to(block, utc_from, utc_to),),
        (words.services(block),),
        _reporters(material, [c for c in claims if not is_official(c.who)], bool(block.is_non_event)),
        _claims(material, [c for c in claims if is_official(c.who)], bool(block.is_non_event)),
    )


def _from_to(block: Block, start: str, end: str) -> str:
    if block.is_non_event and block.end_latest is None:
        return start
    return start if start == end else f"{start} – {end}"


def _reporters(material: Material, claims: list[Claim], is_non_event: bool) -> Text:
    """Who reports it, each once; what they say stands in the appendix."""
    # A report cited by its file name says where a claim was read; the cell is for those who made one.
    own = [c for c in claims if not c.who.startswith("seed ")] or claims
    first = {words.or_not_stated(c.who): c for c in reversed(own)}
    names = [words.or_not_stated(c.who) for c in own]
    shown = [first[name] for name in dict.fromkeys(names)][:MOST_REPORTERS]
    if not shown:
        return ("—" if is_non_event else NONE_RECORDED,)
    parts: list[str | Link] = []
    for i, c in enumerate(shown):
        parts += [f"{', ' if i else ''}{words.or_not_stated(c.who)} ", material.ref(c.address)]
    more = len(set(names)) - len(shown)
    return tuple(p for p in (*parts, f" and {more} more" if more else "") if p)


def claims_section(material: Material) -> Section | None:
    """Every claim about every event of the period, in full: claims that disagree stand beside each other."""
    rows = [_claim_row(material, block, claim) for block in material.events for claim in material.claims_on(block)]
    if not rows:
        return None
    table = Table("claims-table", "Every claim on record", ("On", "Who", "Says", "Stated", "Source"), tuple(rows))
    return Section("claims", "Who says what", tables=(table,))


def _claim_row(material: Material, block: Block, claim: Claim) -> tuple[Text, ...]:
    says = words.clean(claim.says) or "reports it; no wording on record"
    source: Text = (material.ref(claim.address),) if material.ref(claim.address) else ("—",)
    on = f"{words.name(block)} ({words.began(block)})"
    return (on,), (words.or_not_stated(claim.who),), (says,), (words.or_not_stated(claim.stated_at),), source


def _claims(material: Material, claims: list[Claim], is_non_event: bool) -> Text:
    if not claims:
        return ("—" if is_non_event else NONE_RECORDED,)
    parts: list[str | Link] = []
    for i, c in enumerate(claims[:MOST_STATEMENTS]):
        gap = "; " if i else ""
        said = f": {words.clean(c.says)}" if words.clean(c.says) else ""
        dated = f" ({words.clean(c.stated_at)})" if words.clean(c.stated_at) else ""
        parts += [f"{gap}{words.or_not_stated(c.who)}{said}{dated} ", material.ref(c.address)]
    more = len(claims) - MOST_STATEMENTS
    return tuple(p for p in (*parts, f"; {more} more under “The official position”" if more > 0 else "") if p)


def official_position(material: Material) -> Section:
    """What ministries, regulators and courts said, quoted as claims with date and address."""
    found = [(b, c) for b in material.events for c in material.claims_on(b) if is_official(c.who)]
    if not found:
        text = "The catalogue holds no statement of a ministry, regulator or court on these events."
        return Section("official", "The official position", ((text,),))
    rows = tuple(_official_row(material, block, claim) for block, claim in found)
    columns = ("Who", "On", "What the source says they said", "Stated", "Address")
    table = Table("official-table", "Statements on record, as claims", columns, rows)
    note = "Quoted as claims: their standing here says neither that they are right nor that they are wrong."
    return Section("official", "The official position", ((note,),), tables=(table,))


def _official_row(material: Material, block: Block, claim: Claim) -> tuple[Text, ...]:
    says = words.clean(claim.says) or "named as a source; no wording on record"
    where = material.ref(claim.address)
    address: Text = (_host(claim.address), " ", where) if where else (words.NOT_STATED,)
    on = f"{words.name(block)} ({words.began(block)})"
    return (words.or_not_stated(claim.who),), (on,), (says,), (words.or_not_stated(claim.stated_at),), address


def _host(address: str) -> str:
    return words.clean(address).split("//", 1)[1].split("/", 1)[0].split("@")[-1]


def lanes(material: Material) -> tuple[Lane, ...]:
    """The events as bars, open ends drawn to the edge of the figure."""
    return tuple(_lane(material, block) for block in material.events)


def _lane(material: Material, block: Block) -> Lane:
    end = block.end_latest or (block.onset_latest if block.is_non_event else period(material.dossier)[1])
    return Lane(
        label=f"{_when(block)}: {words.shorten(words.name(block), 46)}",
        start=block.onset_earliest,
        end=max(end, block.onset_latest),
        end_is_known=block.end_latest is not None,
        is_timed=block.start_precision in ("hour", "minute"),
        is_block=not block.is_non_event,
    )


def _when(block: Block) -> str:
    """Hours in UTC and local time for a short block, else local days."""
    if is_timed_short(block) and block.end_earliest:
        return _hours(block, block.end_earliest)
    first, last = words.first_day(block), _last_day(block)
    if block.start_precision in ("hour", "minute"):
        start = _both_clocks(block)
        if last:  # the year stands once where it can: the label has little room
            start = start.replace(f" {last.year} ", " ", 1) + f" – {words.day(last)}"
    else:
        start = words.days(first, last or first) if last != first else words.began(block)
    return start if last or block.is_non_event else f"{start}, end not known"


def _last_day(block: Block) -> date | None:
    if block.is_non_event and block.end_latest is None:
        return words.first_day(block)
    if block.end_latest is None:
        return None
    inside = max(block.end_latest - timedelta(microseconds=1), block.onset_earliest)
    return places.to_local(inside, block.cc).date()


def _both_clocks(block: Block) -> str:
    """13 Mar 2022 21:00 UTC (14 Mar 00:00 MSK): the local day is given where it is another."""
    utc = block.onset_earliest
    local = places.to_local(utc, block.cc)
    other = f"{local.day} {local:%b} " if local.date() != utc.date() else ""
    return f"{words.day(utc.date())} {utc:%H:%M} UTC ({other}{local:%H:%M} {words.clock_name(utc, block.cc)})"


def _hours(block: Block, end: datetime) -> str:
    utc = block.onset_earliest
    local = [places.to_local(t, block.cc) for t in (utc, end)]
    clock = words.clock_name(utc, block.cc)
    return f"{words.day(utc.date())} {utc:%H:%M}–{end:%H:%M} UTC ({local[0]:%H:%M}–{local[1]:%H:%M} {clock})"
