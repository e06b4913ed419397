"""At most five findings: what may be said first, and what has to be said with it."""

from __future__ import annotations

from analyzer.brief import published, words
from analyzer.brief.estimates import finding
from analyzer.brief.material import Material, is_official, is_timed_short, length
from analyzer.brief.model import Code, Finding, Link, Text
from analyzer.records import Block, Claim, Published

MOST = 5
IN_FULL = 2  # disagreements that a finding tells in full; more stand in a section of their own
DISAGREE = "Published figures disagree in"
NO_SERIES = "No series given, no estimate made."
_NO_WORDS = ("none", "not assessed")  # no estimate of ours: no interval, and no cause was examined
_FROM_ESTIMATES = 3  # leaves room for the publishers' figures and for what sources disagree on


def findings(material: Material) -> tuple[Finding, ...]:
    """Ours first where there are any, then the record of blocks, the publishers' figures, the disagreements."""
    ours = _ours(material)
    press = [_publishers(material), _disagreement(material), _accounts(material)]
    rest = [*press, _record(material)] if ours else [_no_series(material), _record(material), *press]
    return (*ours, *(f for f in rest if f))[:MOST]


def _ours(material: Material) -> list[Finding]:
    """One per indicator and block, the question asked first; those that can be estimated go first."""
    first: dict[tuple[str, str, str], Finding] = {}
    for study, row in (*material.questions, *material.estimates):
        first.setdefault((study.block.block_id, row.indicator, row.entity), finding(study, row))
    return list(first.values())[:_FROM_ESTIMATES]


def _no_series(material: Material) -> Finding:
    commands = [words.tidy_command(c) for _, c in material.dossier.missing_sources if c]
    detail = (
        "Nothing here says whether use of VPNs rose or fell, or by how much; figures below are the publishers' own. "
    )
    if not commands:
        return Finding(NO_SERIES, (f"{detail}No command of this tool can fetch one.",), *_NO_WORDS)
    rest = words.count(len(commands) - 1, "more command")
    more = f" ({rest} under “What cannot be said”)" if len(commands) > 1 else ""
    return Finding(NO_SERIES, (f"{detail}A series is fetched with ", Code(commands[0]), f"{more}."), *_NO_WORDS)


def _record(material: Material) -> Finding | None:
    blocks = material.blocks
    if not blocks:
        text = "The catalogue holds no block for this country and period; that does not show that there was none."
        return Finding(text, (), *_NO_WORDS)
    unknown = sum(1 for b in blocks if b.end_latest is None)
    head = f"{words.count(len(blocks), 'restriction')} on record{_reporters(material)}."
    names = [f"{words.name(b)} ({words.began(b)})" for b in blocks[:8]]
    more = f" and {len(blocks) - len(names)} more" if len(blocks) > len(names) else ""
    detail = [f"{words.listing(names)}{more}."]
    if unknown:
        detail.append(f"For {unknown} of {len(blocks)} no end is known.")
    if short := [b for b in blocks if is_timed_short(b)]:
        hours = words.listing([f"{_hours(b)} hours on {words.began(b)}" for b in short])
        detail.append(f"Shorter than a day: {hours}.")
    detail.append("The record is what the organisations in the timeline report; nothing in it was measured by us.")
    return Finding(head, (" ".join(detail),), *_NO_WORDS)


def _reporters(material: Material) -> str:
    """How many blocks have one, or more than one, organisation behind them."""
    counts = [len({c.who for c in material.claims_on(b)}) for b in material.blocks]
    if len(counts) == 1:
        return f", reported by {counts[0]} {'body' if counts[0] == 1 else 'bodies'}"
    many, none = sum(n > 1 for n in counts), sum(n == 0 for n in counts)
    lost = f", {none} by none" if none else ""
    return f", {many} reported by more than one body, {len(counts) - many - none} by one{lost}"


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
    name = f"“{words.name(block)}”" if block else words.clean(block_id)
    if len(figures) == 1:
        head = f"One publisher's figure, not ours, stands beside {name}: {published.full(figures[0])}."
        return Finding(head, (material.ref(figures[0].address),), *_NO_WORDS)
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
    return Finding(head, detail, *_NO_WORDS)


def _disagreement(material: Material) -> Finding | None:
    found = published.conflicts(material)
    if not found:
        return None
    head = f"{DISAGREE} {words.count(len(found), 'case')}: {found[0].clause}."
    shown = [part for conflict in found[:IN_FULL] for part in (*conflict.text, " ")]
    more: Text = (Link("All cases", "#disagreements"),) if len(found) > IN_FULL else ()
    return Finding(head, (*shown, *more), *_NO_WORDS)


def _accounts(material: Material) -> Finding | None:
    disputed = material.disputed()
    if not disputed:
        return None
    of = words.count(len(material.blocks), "restriction")
    head = f"For {len(disputed)} of {of} the official account differs from what others report."
    shown = " ".join(_both_sides(material, block) for block in disputed[:3])
    return Finding(head, (f"{shown} Nothing here decides between them.",), *_NO_WORDS)


def _both_sides(material: Material, block: Block) -> str:
    claims = material.claims_on(block)
    others = [_says(c) for c in claims if not is_official(c.who)]
    officials = words.shorten("; ".join(_says(c) for c in claims if is_official(c.who)), 260)
    reported = words.shorten(others[0], 180) if others else "no other report on record here"
    return f"{words.began(block)}: {reported}; officially, {officials}."


def _says(claim: Claim) -> str:
    who, says = words.or_not_stated(claim.who), words.clean(claim.says)
    return f"{who}: {says}" if says else who if is_official(claim.who) else f"reported by {who}"
