"""Sentences and tables on our own estimates. The size of a change and its cause are kept apart throughout."""

from __future__ import annotations

from collections.abc import Callable

from analyzer.brief import words
from analyzer.brief.confidence import evidence_word, precision_word
from analyzer.brief.indicators import meaning
from analyzer.brief.model import Finding, Table, Text
from analyzer.records import Estimate, Overlap, PublisherRow, Study
from analyzer.verdicts import FEW_UNITS, SMALLEST_EFFECT_OF_INTEREST, shared_reasons

_DAYS_SHOWN = 14  # two weeks show how the percentage falls by itself

TRAILING_BASE = (
    "A trailing base swallows the event: when a level rises and stays, the 28 days before each new day fill up with "
    "the rise, and the published percentage falls by itself. A permanent 14-fold rise reads +1,329 % on day 0, "
    "+231 % on day 7 and 0 % on day 28. Our own base is frozen before the block; both are shown."
)


def place_in_time(study: Study) -> str:
    """`around the X ban (onset 17 Feb 2024, about 22:00 PKT)`: never `because of`."""
    local = words.onset(study.block)[1].replace(" (", ", ").removesuffix(")")
    if study.block.kind == "date":
        return f"around {local}"
    clock = words.clock_name(study.block.onset_earliest, study.block.cc)
    timed = f" {clock}" if study.block.start_precision in ("hour", "minute") else ""
    return f"around the block “{words.name(study.block)}” (onset {local}{timed})"


def against(row: Estimate | None) -> str:
    """What an estimate compares with: not every base is free of blocks, and then it must not be called so."""
    if row and row.estimand == "just_before":
        return "the level expected from the path just before this block"
    return "the level expected without a block"


def _bounds(low: float | None, high: float | None, say: Callable[[float], str] = words.number) -> str:
    if low is None and high is None:
        return "no interval"
    if high is None:
        return f"at least {say(low)}" if low is not None else ""
    return f"{say(low)} to {say(high)}" if low is not None else f"at most {say(high)}"


def ratio_text(row: Estimate) -> str:
    """x2.9 (x2.1 to x4.2); for a small base only what its lower end allows."""
    small = row.expected is not None and row.expected < FEW_UNITS
    if row.ratio is None or row.ratio_high is None or small:
        return f"at least {words.multiple(row.ratio_low)}" if row.ratio_low else "no ratio (small base)"
    return f"{words.multiple(row.ratio)} ({_bounds(row.ratio_low, row.ratio_high, words.multiple)})"


def excess_text(row: Estimate) -> str:
    """+1,200 (+900 to +1,500)."""
    if row.excess is None:
        return "not given"
    bounds = [words.signed(value) for value in (row.excess_low, row.excess_high) if value is not None]
    return words.signed(row.excess) + (f" ({' to '.join(bounds)})" if bounds else "")


def finding(study: Study, row: Estimate) -> Finding:
    """The sentence for one estimate, by its verdict, with everything that has to be said in the same breath."""
    say = {
        "rise": _rise,
        "fall": _fall,
        "inconclusive": _inconclusive,
        "ruled_out": _ruled_out,
        "not_estimable": _not_estimable,
    }[row.verdict]
    headline, then = say(study, row)
    detail = [then] if then else []
    if row.verdict != "not_estimable":
        detail += _context(study, row)
    return Finding(headline, (" ".join(detail),), precision_word(row), evidence_word(row))


def _subject(row: Estimate) -> str:
    name = meaning(row.indicator, row.entity).name
    return name[0].upper() + name[1:]


def _size(row: Estimate) -> str:
    if row.expected is not None and row.expected < FEW_UNITS:
        return f"{excess_text(row)} units above the expected total; {ratio_text(row)}"
    if row.ratio is None or row.ratio_high is None:
        return f"{ratio_text(row)}, against {against(row)}"
    interval = _bounds(row.ratio_low, row.ratio_high, words.multiple)
    return f"{words.multiple(row.ratio)} {against(row)} (95 % interval {interval})"


def _rise(study: Study, row: Estimate) -> tuple[str, str]:
    head = f"{_subject(row)} rose {place_in_time(study)}: {_size(row)}, over {words.horizon(row.horizon)}."
    return head, _credited(
        row
    ) or "The rise lies around the block; whether the block is its cause is a separate question."


def _credited(row: Estimate) -> str:
    if row.attribution != "supported":
        return ""
    return (
        "The block is shown by measurements, and neither ordinary dates nor matched events without a block moved as "
        "much: the evidence supports the block as the cause."
    )


def _fall(study: Study, row: Estimate) -> tuple[str, str]:
    head = f"{_subject(row)} fell {place_in_time(study)}: {_size(row)}, over {words.horizon(row.horizon)}."
    return head, _credited(row) or (
        "A fall may mean that the tool itself was blocked or that the network was down; it does not show that fewer "
        "people wanted it."
    )


def _inconclusive(study: Study, row: Estimate) -> tuple[str, str]:
    upper = (
        f"the interval reaches up to {words.multiple(row.ratio_high)}" if row.ratio_high else "no upper end is known"
    )
    lower = f" and down to {words.multiple(row.ratio_low)}" if row.ratio_low else ""
    head = f"{_subject(row)}: the data cannot tell whether there was a change {place_in_time(study)}; {upper}{lower}."
    return head, f"Best single value over {words.horizon(row.horizon)}: {_size(row)}."


def _ruled_out(study: Study, row: Estimate) -> tuple[str, str]:
    head = f"{_subject(row)}: {_ruled_out_words(row)} {place_in_time(study)}."
    return head, f"Over {words.horizon(row.horizon)}: {_size(row)}. Smaller changes remain possible."


def _ruled_out_words(row: Estimate) -> str:
    low, high = row.ratio_low or 0.0, row.ratio_high or float("inf")
    default = low >= 1 / SMALLEST_EFFECT_OF_INTEREST and high <= SMALLEST_EFFECT_OF_INTEREST
    beyond = (
        words.multiple(SMALLEST_EFFECT_OF_INTEREST) if default else "the smallest effect of interest set by the plan"
    )
    return f"a change beyond {beyond} is ruled out"


def _not_estimable(study: Study, row: Estimate) -> tuple[str, str]:
    reason = words.or_not_stated(row.reasons).rstrip(".")
    where = f"{meaning(row.indicator, row.entity).name} {place_in_time(study)}, over {words.horizon(row.horizon)}"
    return f"No estimate can be given for {where}: {reason}.", "That is a result: nothing may be concluded either way."


def _context(study: Study, row: Estimate) -> list[str]:
    parts = [f"Unit: {meaning(row.indicator, row.entity).caution}. Base: {words.or_not_stated(row.base)}."]
    if row.observed is not None and row.expected is not None:
        expected = f"{words.number(row.expected)} ({_bounds(row.expected_low, row.expected_high)})"
        parts.append(f"Observed, summed over that time: {words.number(row.observed)}, against {expected} expected.")
    if row.minimum_detectable_ratio is not None:
        parts.append(f"A change under {words.multiple(row.minimum_detectable_ratio)} could not have been seen.")
    if row.placebo_rank is not None and row.placebo_n:
        parts.append(_placebo(row.placebo_rank, row.placebo_n))
    if others := [_other(r) for r in study.estimates if _same_series(r, row) and r.horizon != row.horizon]:
        parts.append(f"Over other times: {'; '.join(o for o in others if o)}.")
    return parts


def _same_series(one: Estimate, other: Estimate) -> bool:
    return (one.indicator, one.entity, one.estimand) == (other.indicator, other.entity, other.estimand)


def _other(row: Estimate) -> str:
    found = ratio_text(row) if row.verdict != "not_estimable" else "no estimate"
    return f"{words.horizon(row.horizon)} {found}"


def _placebo(rank: int, n: int) -> str:
    usual = rank / (n + 1) > 0.05
    tail = ", so ordinary dates move as much; that does not show that there was no effect" if usual else ""
    return f"Its size ranks {rank} of {n + 1} windows of that length up to the block, its own included{tail}."


def estimates_table(pairs: tuple[tuple[Study, Estimate], ...]) -> Table:
    """Every row asked for, those that could not be estimated included."""
    shared = {study.block.block_id: said for study, said in _shared(pairs)}
    return Table(
        "estimates",
        "Every estimate asked for, with what could not be estimated and why",
        (
            "What, and over which time",
            "Observed",
            "Expected (95 %)",
            "Times expected (95 %)",
            "Above expected (95 %)",
            "Verdict and reason",
        ),
        tuple(_estimate_row(study, row, shared[study.block.block_id]) for study, row in pairs),
        (
            "Observed and expected are totals of the steps observed in the window. Ratios say nothing about the cause.",
            *(f"Every estimate {place_in_time(s)}: {'; '.join(said)}." for s, said in _shared(pairs) if said),
        ),
    )


def _shared(pairs: tuple[tuple[Study, Estimate], ...]) -> list[tuple[Study, tuple[str, ...]]]:
    """Per study the reasons that all of its estimates have: they are said once, under the table."""
    studies = {study.block.block_id: study for study, _ in pairs}
    return [(s, shared_reasons([r for of, r in pairs if of.block.block_id == i])) for i, s in studies.items()]


def _estimate_row(study: Study, row: Estimate, shared: tuple[str, ...]) -> tuple[Text, ...]:
    name = meaning(row.indicator, row.entity)
    tail = f" ({name.caution}); {words.name(study.block)}; {row.role} question"
    what: Text = (f"{name.name}, {words.horizon(row.horizon)}", tail)
    if row.verdict == "not_estimable":
        dash = "not estimable"
        return what, (_or(row.observed),), (dash,), (dash,), (dash,), (f"no estimate: {words.clean(row.reasons)}",)
    expected = f"{_or(row.expected)} ({_bounds(row.expected_low, row.expected_high)})"
    return (
        what,
        (_or(row.observed),),
        (expected,),
        (ratio_text(row),),
        (excess_text(row),),
        (_verdict(row, shared),),
    )


def _or(value: float | None) -> str:
    return "not given" if value is None else words.number(value)


def _verdict(row: Estimate, shared: tuple[str, ...]) -> str:
    word = _ruled_out_words(row) if row.verdict == "ruled_out" else row.verdict
    cause = (
        f"evidence for the cause: {evidence_word(row)}; verification of the block: {row.verification.replace('_', ' ')}"
    )
    reasons = words.clean("; ".join(r for r in row.reasons.split("; ") if r not in shared))
    return f"{word}; {cause}" + (f". {reasons[0].upper()}{reasons[1:]}" if reasons else "")


def publisher_rule_table(studies: tuple[Study, ...]) -> Table | None:
    """The press rule on our own series, beside both numbers it is made of."""
    rows = tuple(_publisher_row(row) for study in studies for row in study.publisher_rule[:_DAYS_SHOWN])
    cut = any(len(study.publisher_rule) > _DAYS_SHOWN for study in studies)
    if not rows:
        return None
    return Table(
        "publisher-rule",
        "The publishers' rule on our own series: percent over the mean of the 28 days before, day by day",
        ("Indicator", "Day", "Value", "Mean of the 28 days before", "Percent over it"),
        rows,
        (
            "Not the same input as the press figures: the rule is theirs, the series is the one named here.",
            "Only days whose 28 preceding days were all observed.",
        )
        + ((f"The first {_DAYS_SHOWN} days of each.",) if cut else ()),
    )


def _publisher_row(row: PublisherRow) -> tuple[Text, ...]:
    small = row.mean_28_days_before < FEW_UNITS
    shown = "not shown: the base is under 10" if small else words.percent(round(row.percent))
    numbers = (words.number(row.value), words.number(row.mean_28_days_before), shown)
    return (meaning(row.indicator, row.entity).name,), (words.day(row.day),), *((text,) for text in numbers)


def overlaps_table(studies: tuple[Study, ...]) -> Table | None:
    """Other blocks that touch the base or the horizon of an estimate."""
    rows = tuple(_overlap_row(study, overlap) for study in studies for overlap in study.overlaps)
    if not rows:
        return None
    return Table(
        "overlaps",
        "Other blocks inside the base or the time studied",
        ("Block studied", "Other block", "From (local)", "To (local)", "Touches"),
        rows,
    )


def _overlap_row(study: Study, overlap: Overlap) -> tuple[Text, ...]:
    other = overlap.block
    cells = (study.block.name, other.name, words.onset(other)[1], words.ending(other)[1], overlap.touches)
    return tuple((words.clean(cell),) for cell in cells)
