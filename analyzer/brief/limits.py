"""What cannot be said, made from what the dossier holds and lacks."""

from __future__ import annotations

from datetime import timedelta

from analyzer.brief import words
from analyzer.brief.indicators import meaning
from analyzer.brief.material import Material, is_timed_short, length
from analyzer.brief.model import Code, Link, Section, Text
from analyzer.brief.together import people_sentences
from analyzer.records import Block

_BASE_DAYS = timedelta(days=28)


def limits(material: Material) -> Section:
    """One item per limit; every one is there because of something in this dossier."""
    parts = (
        *_no_estimate(material),
        _people(material),
        _verification(material),
        _cause(material),
        *_short(material),
        *_bases(material),
        *_ends(material),
        *_selection(material),
        *_provisional(material),
        *_warnings(material),
    )
    items: tuple[Text, ...] = (*_missing(material), *((part,) for part in parts))
    return Section("limits", "What cannot be said", items=items)


def _missing(material: Material) -> tuple[Text, ...]:
    """The sources that gave nothing, each with the command that would fetch it."""
    lost = material.dossier.missing_sources
    if not lost:
        return ()
    text: list[str | Link | Code] = ["Anything these sources would show, for nothing of theirs was given: "]
    for i, (name, command) in enumerate(lost):
        end = "." if i == len(lost) - 1 else "; "
        named = words.or_not_stated(name)
        text += [f"{named}, fetched with ", Code(words.tidy_command(command)), end] if command else [f"{named}{end}"]
    return (tuple(text),)


def _no_estimate(material: Material) -> list[str]:
    if not material.estimates:
        return ["Whether use of VPNs or other circumvention changed, and by how much: no estimate was made."]
    gone = [r for _, r in material.estimates if r.verdict == "not_estimable"]
    named = list(dict.fromkeys(f"{meaning(r.indicator, r.entity).name} over {words.horizon(r.horizon)}" for r in gone))
    return [f"What became of {words.listing(named)}: not estimable, for the reasons in the table."] if named else []


def _people(material: Material) -> str:
    if said := people_sentences(material):
        return "How many people used a VPN, beyond these ranges. " + " ".join(said)
    cautions = sorted({meaning(r.indicator).caution for _, r in material.estimates})
    units = f" What is counted here: {'; '.join(cautions)}." if cautions else ""
    return (
        "How many people used a VPN. Searches, sign-ups, downloads, connections and clients are different things; "
        "none is a number of people, and they are never added or converted." + units
    )


def _verification(material: Material) -> str:
    verdicts = sorted({r.verification.replace("_", " ") for _, r in material.estimates})
    if verdicts and verdicts != ["not verifiable"]:
        return f"Whether access was blocked everywhere and always. Verification on record: {words.listing(verdicts)}."
    return (
        "Whether the services were in fact blocked: no network measurements were checked here. The catalogue says who "
        "reported each block, and that is all."
    )


def _cause(material: Material) -> str:
    tail = " An interval speaks of the size only." if material.estimates else ""
    return (
        "That a change came from a block. Blocks fall on elections, rallies and court days, and such days move demand "
        "by themselves." + tail
    )


def _short(material: Material) -> list[str]:
    short = [b for b in material.blocks if is_timed_short(b)]
    if not short:
        return []
    named = [f"{words.began(b)}: {_share(b)}" for b in short]
    text = (
        f"Effects of blocks of a few hours ({words.listing(named)}). In daily data a short block is thinned out by the "
    )
    return [f"{text}rest of the day; only hourly data can show it."]


def _share(block: Block) -> str:
    lasted = length(block) or timedelta()
    hours = lasted.total_seconds() / 3600
    return f"{words.number(hours)} hours, {words.number(round(100 * hours / 24, 1))} % of a day"


def _bases(material: Material) -> list[str]:
    """Blocks that were in force during the 28 days before a later block: no clean level to start from."""
    held = {b: sum(1 for c in material.blocks if _reaches(b, c)) for b in material.blocks}
    reaching = {b: n for b, n in held.items() if n}
    if not reaching:
        return []
    lasting = [b for b in reaching if not is_timed_short(b) and _may_last(b)]
    named = [_base_item(b, reaching[b]) for b in sorted(lasting, key=lambda b: -reaching[b])[:3]]
    rest = len(reaching) - len(named)
    more = [f"{words.count(rest, 'other restriction')} of the period"] if rest else []
    return [f"A level free of any block. The 28 days before later blocks hold {words.listing(named + more)}."]


def _base_item(block: Block, later: int) -> str:
    known = "no end known" if block.end_latest is None else f"to {words.ending(block)[1]}"
    from_ = words.onset(block)[1]
    return f"“{words.name(block)}” (from {from_}, {known}; in the base of {words.count(later, 'later block')})"


def _reaches(earlier: Block, later: Block) -> bool:
    if earlier.onset_earliest >= later.onset_earliest:
        return False
    end = earlier.end_latest or (later.onset_earliest if _may_last(earlier) else None)
    return (end or earlier.onset_latest) > later.onset_earliest - _BASE_DAYS


def _may_last(block: Block) -> bool:
    # A block timed to the hour whose end nobody gives was reported as an evening's disruption, not as a ban.
    return block.start_precision not in ("hour", "minute")


def _ends(material: Material) -> list[str]:
    unknown = [f"{words.name(b)} ({words.began(b)})" for b in material.blocks if not b.end_latest]
    return [f"How long these lasted, no end being on record: {words.listing(unknown)}."] if unknown else []


def _selection(material: Material) -> list[str]:
    without = [b for b in material.blocks if all(p.block_id != b.block_id for p in material.published)]
    parts = []
    if material.published:
        parts.append(
            "A typical effect from the published figures: striking values get published, small and null ones rarely. "
            "Publishers differ by a factor of 2 in the median, and of 86 at worst, for one event."
        )
    if without:
        named = words.listing([words.name(b) for b in without])
        parts.append(f"No published figure is on record for: {named}. That says nothing about their effect.")
    return parts


def _provisional(material: Material) -> list[str]:
    return list(material.provisional)


def _warnings(material: Material) -> list[str]:
    return list(dict.fromkeys(words.clean(w) for s in material.dossier.studies for w in s.warnings if words.clean(w)))
