"""At most five findings: what may be said first, and what has to be said with it."""

from __future__ import annotations

from analyzer.brief import published, words
from analyzer.brief.estimates import finding
from analyzer.brief.material import Material, is_official, is_timed_short, length
from analyzer.brief.model import Finding, Link, Text
from analyzer.records import Block, Claim, Published

MOST = 5
_FROM_ESTIMATES = 3  # leaves room for the publishers' figures and for what sources disagree on


def findings(material: Material) -> tuple[Finding, ...]:
    """Ours first where there are any, then the record of blocks, the publishers' figures, the disagreements."""
    ours = _ours(material)
    rest = [
        None if ours else _no_series(material),
        _record(material),
        _publishers(material),
        _disagreement(material),
        _accounts(material),
    ]
    return (*ours, *(f for f in rest if f))[:MOST]


def _ours(material: Material) -> list[Finding]:
    """One per indicator and block, the question asked first; those that can be estimated go first."""
    first: dict[tuple[str, str, str], Finding] = {}
    pairs = sorted(material.estimates, key=lambda p: (p[1].verdict == "not_estimable", p[1].role != "primary"))
    for study, row in pairs:
        first.setdefault((study.block.block_id, row.indicator, row.entity), finding(study, row))
    return list(first.values())[:_FROM_ESTIMATES]


def _no_series(material: Material) -> Finding:
    commands = [words.tidy_command(c) for _, c in material.dossier.missing_sources if c]
    how = f" A series is fetched with: {commands[0]}" if commands else " No command of this tool can fetch one."
    more = f" ({len(commands) - 1} more commands stand under “What cannot be said”.)" if len(commands) > 1 else ""
    detail = (
        "Nothing here says whether use of VPNs rose or fell, or by how much; figures below are the publishers' own."
    )
    return Finding("No series given, no estimate made.", (detail + how + more,), "none", "not assessed")


def _record(material: Material) -> Finding | None:
    blocks = material.blocks
    if not blocks:
        text = "The catalogue holds no block for this country and period; that does not show that there was none."
        return Finding(text, (), "none", "not assessed")
    names = [f"{words.clean(b.name)} ({words.day(words.first_day(b))})" for b in blocks[:8]]
    unknown = sum(1 for b in blocks if b.end_latest is None)
    short = [b for b in blocks if is_timed_short(b)]
    head = f"The catalogue holds {words.count(len(blocks), 'restriction')} for this period: {words.listing(names)}."
    if len(blocks) > len(names):
        head = head[:-1] + f", and {len(blocks) - len(names)} more."
    detail = [f"For {unknown} of {len(blocks)} no end is known." if unknown else ""]
    if short:
        hours = words.listing([f"{_hours(b)} hours on {words.day(words.first_day(b))}" for b in short])
        detail.append(f"Timed to the hour and shorter than a day: {hours}.")
    detail.append("The record rests on the organisations named in the timeline; nothing in it was measured by us.")
    return Finding(head, (" ".join(d for d in detail if d),), "none", "not assessed")


def _hours(block: Block) -> str:
    lasted = length(block)
    return words.number(round(lasted.total_seconds() / 3600)) if lasted else ""


def _publishers(material: Material) -> Finding | None:
    """The block with most figures: from the smallest multiple to the largest, each against its own base."""
    grouped: dict[str, list[Published]] = {}
    for figure in material.published:
        if published.as_multiple(figure) is not None:
            grouped.setdefault(figure.block_id, []).append(figure)
    if not grouped:
        return None
    block_id, figures = max(grouped.items(), key=lambda item: (len(item[1]), item[0]))
    block = material.block(block_id)
    name = f"“{words.clean(block.name)}”" if block else words.clean(block_id)
    if len(figures) == 1:
        head = f"One publisher's figure, not ours, stands beside {name}: {published.full(figures[0])}."
        return Finding(head, (material.ref(figures[0].address),), "none", "not assessed")
    return _range_of_figures(material, name, figures)


def _range_of_figures(material: Material, name: str, figures: list[Published]) -> Finding:
    ordered = sorted(figures, key=lambda p: published.as_multiple(p) or 0)
    low, high = ordered[0], ordered[-1]
    head = (
        f"For {name} publishers give {published.value(low)} to {published.value(high)} of their own bases; these are "
        "their figures, not ours, and they count different things."
    )
    detail: Text = (
        f"Lowest: {published.full(low)} ",
        material.ref(low.address),
        f". Highest: {published.full(high)} ",
        material.ref(high.address),
        ". None comes with an interval, and small changes are rarely published.",
    )
    return Finding(head, detail, "none", "not assessed")


def _disagreement(material: Material) -> Finding | None:
    found = published.conflicts(material)
    if not found:
        return None
    head = f"Published figures disagree with each other in {words.count(len(found), 'case')}."
    shown: list[Text] = list(found[:2])
    more: Text = (" All cases: ", *_more(found)) if len(found) > 2 else ()
    return Finding(head, (*(part for text in shown for part in (*text, " ")), *more), "none", "not assessed")


def _more(found: tuple[Text, ...]) -> Text:
    return (Link(f"all {len(found)}, below", "#disagreements"),)


def _accounts(material: Material) -> Finding | None:
    disputed = material.disputed()
    if not disputed:
        return None
    head = (
        f"For {len(disputed)} of {words.count(len(material.blocks), 'restriction')} the official account differs "
        "from what others report."
    )
    block = disputed[0]
    claims = material.claims_on(block)
    officials = [c for c in claims if is_official(c.who)]
    others = [c for c in claims if not is_official(c.who)]
    text = (
        f"{words.day(words.first_day(block))}: {_says(others[:1])} {_says(officials[:1])} Both stand in the timeline."
    )
    return Finding(head, (text,), "none", "not assessed")


def _says(claims: list[Claim]) -> str:
    return " ".join(f"{words.clean(c.who)}: {words.or_not_stated(c.says)}." for c in claims)
