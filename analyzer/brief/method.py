"""The appendix: how it was made, checks with outcomes, data and licences, how to cite, and the footer."""

from __future__ import annotations

from analyzer import places
from analyzer.brief import published, words
from analyzer.brief.figures import tool
from analyzer.brief.indicators import meaning
from analyzer.brief.material import Material, period, source_of
from analyzer.brief.model import Fact, Link, Section, Table, Text
from analyzer.records import Check, Estimate, Snapshot, Study

MOST_MISSING = 4  # named in the box at the top; more stand where the commands that fetch them do
_VERDICTS = (
    ("rise, fall", "the whole 95 % interval lies above, or below, x1"),
    (
        "a change beyond x1.25 is ruled out",
        "the whole interval lies between 1/1.25 and x1.25, or inside the plan's own limits",
    ),
    ("inconclusive", "the interval holds x1 and reaches beyond x1.25 or 1/1.25: the data cannot tell"),
    ("no estimate", "nothing honest can be said; the reason is printed"),
)


def appendix(material: Material) -> tuple[Section, ...]:
    """Method, checks, figures in full, data, citation and addresses."""
    sections = (
        _method(material),
        _checks(material),
        _figures(material),
        _data(material),
        _citation(material),
        _addresses(material),
    )
    return tuple(s for s in sections if s)


def _method(material: Material) -> Section:
    parts: list[Text] = [(_pages(),), (_catalogue(),)]
    rows = [row for _, row in material.estimates]
    if rows:
        methods = [f"{words.or_not_stated(r.method)} (version {words.or_not_stated(r.version)})" for r in rows]
        parts.append((f"Estimators: {'; '.join(dict.fromkeys(methods))}. Verdicts by the rules of that version.",))
        parts.append((_plans(rows),))
        parts += [(text,) for text in dict.fromkeys(_base_sentence(row) for row in rows)]
    tables = (_verdict_table(),) if rows else ()
    return Section("method", "How this was made", tuple(parts), tables=tables)


def _pages() -> str:
    return (
        f"Sentences come from fixed templates (version {words.TEMPLATE_VERSION}) filled from records; none is written "
        "by hand. Times are UTC instants; an event known to the day only is kept as the whole local day."
    )


def _catalogue() -> str:
    return (
        "Published figures are printed as published. On the common scale a percentage p over a base stands as "
        "1 + p/100 times that base. They are compared with, and never enter an estimate."
    )


def _plans(rows: list[Estimate]) -> str:
    plans = sorted({words.clean(r.plan_id) for r in rows if words.clean(r.plan_id)})
    return (
        f"Plans fixed beforehand: {words.listing(plans)}." if plans else "No plan was fixed before the data were seen."
    )


def _base_sentence(row: Estimate) -> str:
    against = {
        "no_block_since_base": "the level before the first block of a chain",
        "just_before": "the path just before this block",
    }.get(row.estimand, words.or_not_stated(row.estimand))
    return f"{meaning(row.indicator, row.entity).name}: compared with {against}; base {words.or_not_stated(row.base)}."


def _verdict_table() -> Table:
    rows: tuple[tuple[Text, ...], ...] = tuple(((name,), (rule,)) for name, rule in _VERDICTS)
    return Table("verdicts", "The verdicts and their rules", ("Verdict", "Rule"), rows)


def _checks(material: Material) -> Section | None:
    pairs = [(study, check) for study in material.dossier.studies for check in study.checks]
    if not pairs:
        return None
    table = Table(
        "checks-table",
        "Attempts to break the estimates, with their outcome",
        ("Check", "Block", "Outcome", "What it found"),
        tuple(_check_row(study, check) for study, check in pairs),
    )
    return Section("checks", "Checks", tables=(table,))


def _check_row(study: Study, check: Check) -> tuple[Text, ...]:
    cells = (check.name.replace("_", " "), study.block.name, check.outcome, check.sentence)
    return tuple((words.or_not_stated(cell),) for cell in cells)


def _figures(material: Material) -> Section | None:
    if not material.published:
        return None
    text = "Each figure is the publisher's. “Read on” says whose page it was found on; the number leads to the address."
    return Section("figures", "Published figures in full", ((text,),), tables=(published.all_table(material),))


def _data(material: Material) -> Section:
    if not material.snapshots:
        text = "No file of an indicator was loaded for this country and period; there is nothing to list."
        return Section("data", "Data and licences", ((text,), (_own_tables(),)))
    table = Table(
        "snapshots",
        "Files as received",
        ("Source and origin", "Retrieved (UTC)", "SHA-256", "Rows", "Licence and attribution"),
        tuple(_snapshot_row(snapshot) for snapshot in material.snapshots),
    )
    return Section("data", "Data and licences", ((_own_tables(),),), tables=(table,))


def _own_tables() -> str:
    return "Blocks and published figures: catalogue shipped with the tool; facts in our own words, with the pages read."


def _snapshot_row(snapshot: Snapshot) -> tuple[Text, ...]:
    origin = words.tidy_path(snapshot.origin) or words.NOT_STATED
    retrieved = (
        words.instant(snapshot.retrieved_at) if snapshot.retrieved_at else "not known; nothing marked provisional"
    )
    rows = f"{snapshot.rows_loaded:,} loaded, {snapshot.rows_rejected:,} rejected"
    rights = f"{words.or_not_stated(snapshot.licence)}; {words.or_not_stated(snapshot.attribution)}"
    title = source_title(snapshot)
    return (f"{title}: {origin}",), (retrieved,), (words.clean(snapshot.sha256),), (rows,), (rights,)


def source_title(snapshot: Snapshot) -> str:
    """The title of a snapshot's source, or its name where this version does not know it."""
    source = source_of(snapshot)
    return source.title if source else words.or_not_stated(snapshot.source)


def _citation(material: Material) -> Section:
    made = material.dossier.made_at
    own = f"The vpn-uptake authors ({made.year}). {tool(material)} [software]. Brief made {words.day(made.date())}."
    sources = [_cite(s) for s in material.snapshots]
    publishers = dict.fromkeys(words.or_not_stated(p.publisher) for p in material.published)
    theirs = (
        [f"Figures of {words.listing(list(publishers))}: cite the publisher and the address."] if publishers else []
    )
    return Section("citation", "How to cite", items=tuple((text,) for text in dict.fromkeys((own, *sources, *theirs))))


def _cite(snapshot: Snapshot) -> str:
    when = f", retrieved {words.day(snapshot.retrieved_at.date())}" if snapshot.retrieved_at else ""
    who = words.clean(snapshot.attribution) or source_title(snapshot)
    return f"{who}{when}; {words.or_not_stated(snapshot.licence)}; sha256 {words.clean(snapshot.sha256)[:12]}."


def _addresses(material: Material) -> Section | None:
    if not material.addresses:
        return None
    items: tuple[Text, ...] = tuple((Link(address, address),) for address in material.addresses)
    return Section("addresses", "Addresses", items=items)


def header(material: Material) -> tuple[Fact, ...]:
    """The box at the top: where, when, from what, how fresh."""
    dossier = material.dossier
    clock = words.clock(period(dossier)[0], dossier.cc)
    facts = [
        ("Country", f"{places.country_name(dossier.cc)} ({dossier.cc}), clock {clock}"),
        ("Period", f"{words.day(dossier.period_start)} to {words.day(dossier.period_end)} (local days, both included)"),
        ("Sources of series", "; ".join(dict.fromkeys(_source_line(s) for s in material.snapshots)) or "none"),
        ("Also used", "catalogue of blocks and of publishers' figures, shipped with the tool"),
        ("Data as of", _vintage(material)),
        ("Made", f"{words.instant(dossier.made_at)} UTC, {tool(material)}"),
    ]
    late = material.provisional
    facts += [("Provisional days", " ".join(late))] if late else []
    gone = [words.or_not_stated(name) for name, _ in dossier.missing_sources]
    facts += [("Sources missing", _missing(gone))] if gone else []
    return tuple(Fact(label, (text,)) for label, text in facts)


def _missing(names: list[str]) -> str:
    if len(names) <= MOST_MISSING:
        return words.listing(names)
    return f"{len(names)}, listed under “What cannot be said”"


def _source_line(snapshot: Snapshot) -> str:
    source = source_of(snapshot)
    who = f", {source.organization}" if source else ""
    return f"{source_title(snapshot)}{who} ({words.or_not_stated(snapshot.licence)})"


def _vintage(material: Material) -> str:
    if not material.snapshots:
        return "no series; the catalogue is as old as the tool's version"
    known = sorted(s.retrieved_at for s in material.snapshots if s.retrieved_at)
    unknown = sum(1 for s in material.snapshots if not s.retrieved_at)
    when = f"retrieved {words.instant(known[0])} UTC" if known else ""
    if known and known[0] != known[-1]:
        when = f"retrieved between {words.instant(known[0])} and {words.instant(known[-1])} UTC"
    lost = f"for {words.count(unknown, 'file')} the time of retrieval is not known" if unknown else ""
    return "; ".join(part for part in (when, lost) if part)


def footer(material: Material) -> tuple[Fact, ...]:
    """Version, command and hashes: what is needed to make this page again."""
    hashes = ", ".join(words.clean(s.sha256)[:12] for s in material.snapshots) or "no data file"
    facts = (
        ("Version", f"{tool(material)}, wording {words.TEMPLATE_VERSION}"),
        ("Command", words.tidy_command(material.dossier.command) or words.NOT_STATED),
        ("Data (sha256)", hashes),
    )
    return tuple(Fact(label, (text,)) for label, text in facts)
