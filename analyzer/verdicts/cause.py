"""The attribution: what may be said about the cause of a change, from facts that stand beside its size.

A change is credited to a block only where measurements say that there was one, it fits in time, nothing else of the
same days is known, no check failed, and neither dated events of its kind of context without a block nor ordinary dates
moved the series as much.  Design sensitivity: how large a simultaneous shock would have to be (Rosenbaum 2005,
Encyclopedia of Statistics in Behavioral Science 4, 1809-1814; VanderWeele & Ding 2017, Annals of Internal Medicine
167, 268-274); ranks among placebos: Abadie, Diamond & Hainmueller 2010.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from analyzer.records import Attribution, Block, Breakdown, Check, Verdict, Verified

OUTAGES = ("control", "control_outage")  # kinds of the catalogue in which no access was blocked
FEWEST_PLACEBOS = 39  # a two-sided 5 % claim: 2.5 % on either side is one in forty
LARGEST_SHARE = 0.05  # of the rank among placebos + 1
# Published peaks come 0 to 5 days after onset (Cuba 4, Iran 5, Pakistan 2023 up to 5); a change seen later
# than that after a block has ended is not credited to it.
LONGEST_LAG = timedelta(days=5)
# Announced blocks moved demand 1 to 4 days ahead (Russia 2022, Gabon 2023, Senegal and Nepal).
LONGEST_LEAD = timedelta(days=4)
MOST_NAMED = 4
# Checks that are no legs of their own: other blocks are weighed as rivals, the block's verification as it stands, and
# numbers of people do not bear on a ratio.
WEIGHED_OTHERWISE = ("overlap", "block_verified", "denominators")

Found = tuple[Attribution, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known about the cause of one row.

    verdict: of the row.  kind: of the event asked about.  block: the block meant, None for a date or event without one.
    changed_at: start of the located change.  checks: of the series.  rivals: other blocks and events in the window.
    outages: platforms down, power cuts and the like at that time.  verified: what measurements say, None where none
    were asked.  breakdowns: of this row, one per kind of matched event.  ranked: the horizon that was ranked among
    placebos, where it is another one.  expected: direction of the stored value that the kind of block leads one to
    expect, 0 = none.
    """

    verdict: Verdict
    kind: str
    block: Block | None
    changed_at: datetime | None = None
    checks: tuple[Check, ...] = ()
    rivals: tuple[Block, ...] = ()
    outages: tuple[Block, ...] = ()
    verified: Verified | None = None
    breakdowns: tuple[Breakdown, ...] = ()
    ranked: str = ""
    expected: int = 0

    @property
    def moved(self) -> bool:
        """There is a change to attribute."""
        return self.verdict in ("rise", "fall")

    @property
    def failed(self) -> tuple[Check, ...]:
        """The checks that failed, where there is a change that they could break."""
        return tuple(c for c in self.checks if c.outcome == "failed") if self.moved else ()


def attribution(facts: Facts) -> Found:
    """What may be said about the cause, with reasons: the first rule that has an answer gives it."""
    return next(found for rule in _RULES if (found := rule(facts)) is not None)


def _no_access_blocked(facts: Facts) -> Found | None:
    if facts.kind not in OUTAGES:
        return None
    return "other_cause", (f"the catalogue lists this as {facts.kind}: no access was blocked",)


def _outage_on_the_date(facts: Facts) -> Found | None:
    if facts.block is not None or not facts.outages:
        return None
    return "other_cause", tuple(f"the catalogue lists {o.block_id} as {o.kind} at this time" for o in facts.outages)


def _common_mode(facts: Facts) -> Found | None:
    shared = tuple(c.sentence for c in facts.failed if c.name == "common_mode")
    return ("other_cause", shared) if shared else None


def _no_block(facts: Facts) -> Found | None:
    if facts.block is not None:
        return None
    if facts.kind == "date":
        return "no_block_known", ("the catalogue knows no block at this date",)
    return "no_block_known", (f"{_a(facts.kind)} without a block: no change around it is a block's doing",)


def _mistimed(facts: Facts) -> Found | None:
    """The change does not fit the block in time."""
    if facts.block is None or facts.changed_at is None:
        return None
    block, at = facts.block, facts.changed_at
    day = at.date().isoformat()
    if at < block.onset_earliest - LONGEST_LEAD:
        return "unclear", (f"the change begins on {day}, before the block: not credited to it",)
    # While a block lasts people may come to a tool at any time; after it, within the longest lag.
    last = max(block.onset_latest, block.end_latest or block.onset_latest) + LONGEST_LAG
    if block.end_latest is None or at <= last:
        return None
    late = f"{(at.date() - block.onset_latest.date()).days} days after onset and after the block ended"
    return "unclear", (f"the change begins on {day}, {late}: not credited to it",)


def _contradicted(facts: Facts) -> Found | None:
    if facts.verified is None or facts.verified.state != "contested":
        return None
    return "contested", ("measurements do not show the block, or speak against it", *facts.verified.reasons)


def _rivalled(facts: Facts) -> Found | None:
    if not facts.rivals:
        return None
    ids = sorted({r.block_id for r in facts.rivals})
    more = f" and {len(ids) - MOST_NAMED} more" if len(ids) > MOST_NAMED else ""
    return "contested", (f"other events fall into the same window: {', '.join(ids[:MOST_NAMED])}{more}",)


def _nothing_moved(facts: Facts) -> Found | None:
    if facts.moved:
        return None
    if facts.verdict == "ruled_out":
        return "unclear", ("no change of a size that matters was found: there is nothing to attribute",)
    return "unclear", ("whether there was a change is not known: there is nothing to attribute",)


def _tool_blocked(facts: Facts) -> Found | None:
    """A fall of a tool that was itself blocked says nothing about demand, unless that is the block asked about."""
    aimed_at_tools = facts.block is not None and facts.block.kind == "vpn_block"
    said = [c.sentence for c in facts.failed if c.name == "tool_blocked"]
    if facts.verdict != "fall" or aimed_at_tools or not said:
        return None
    return "contested", ("the fall may mean that the tool itself was blocked", *said)


def _already_moving(facts: Facts) -> Found | None:
    said = tuple(c.sentence for c in facts.failed if c.name == "pre_trend")
    return ("unclear", ("the series was already moving before the block: not credited to it", *said)) if said else None


def _weighed(facts: Facts) -> Found:
    """Supported where every leg stands; else unclear, naming each that is missing."""
    missing = [said for leg in _LEGS for said in leg(facts)]
    if missing:
        return "unclear", ("the change lies around the block, no more is established", *missing)
    standing = [f"the block is {facts.verified.state} by measurements"] if facts.verified else []
    ranks = [f"rank {b.rank} of {b.placebo_n + 1} among {kind_words(b.contexts)}" for b in facts.breakdowns]
    ordinary = [f"rank {b.ordinary_rank} of {b.ordinary_n + 1} among ordinary dates" for b in facts.breakdowns[:1]]
    return "supported", (*standing, *ranks, *ordinary, "no other event in the window and no check failed")


_RULES: tuple[Callable[[Facts], Found | None], ...] = (
    _no_access_blocked, _outage_on_the_date, _common_mode, _no_block, _mistimed, _contradicted, _rivalled,
    _nothing_moved, _tool_blocked, _already_moving, _weighed,
)  # fmt: skip


def _unverified(facts: Facts) -> list[str]:
    if facts.verified is not None and facts.verified.state in ("confirmed", "likely"):
        return []
    return ["the block is not verified by measurements in this store"]


def _known_by_its_effect(facts: Facts) -> list[str]:
    if facts.block is None or facts.block.discovery_route != "scan":
        return []
    return ["the block came to be known by a scan for changes: such a change cannot confirm it"]


def _not_timed(facts: Facts) -> list[str]:
    if facts.block is None or facts.block.start_precision not in ("week", "month"):
        return []
    return [f"the onset is known to the {facts.block.start_precision} only: the change cannot be matched to it in time"]


def _broken(facts: Facts) -> list[str]:
    names = [c.name.replace("_", " ") for c in facts.failed if c.name not in WEIGHED_OTHERWISE]
    return [f"failed: {', '.join(names)}"] if names else []


def _unexpected(facts: Facts) -> list[str]:
    if facts.expected == 0:
        return ["this kind of block leads one to expect no direction of this indicator"]
    if facts.expected == {"rise": 1, "fall": -1}[facts.verdict]:
        return []
    return ["the direction is contrary to what this kind of block leads one to expect"]


def _matched(facts: Facts) -> list[str]:
    if facts.breakdowns:
        return [said for b in facts.breakdowns for said in _among(b.rank, b.placebo_n, kind_words(b.contexts))]
    if facts.ranked:
        return [f"ranked among placebos for {facts.ranked} only"]
    return ["not ranked among placebos: only a clear change over the headline horizon, with a two-sided ratio, is"]


def _ordinary(facts: Facts) -> list[str]:
    """The same for every kind of matched event."""
    same = "ordinary dates of the same weekday"
    return [said for b in facts.breakdowns[:1] for said in _among(b.ordinary_rank, b.ordinary_n, same)]


def _among(rank: int | None, n: int, what: str) -> list[str]:
    if rank is None or n == 0:
        return [f"no placebos: these series show no {what}"]
    if n < FEWEST_PLACEBOS:
        return [f"{n} {what}: below {FEWEST_PLACEBOS} no 5 % claim"]
    if rank > LARGEST_SHARE * (n + 1):
        return [f"rank {rank} of {n + 1} among {what}, which moved the series as much"]
    return []


_LEGS: Sequence[Callable[[Facts], list[str]]] = (
    _unverified, _known_by_its_effect, _not_timed, _broken, _unexpected, _matched, _ordinary,
)  # fmt: skip

_PLURALS = {
    "rally": "rallies",
    "control": "lockdowns and other upheavals",
    "control_outage": "outages",
}


def kind_words(contexts: Sequence[str]) -> str:
    """`elections without a block`; dated events of any kind where the context of a block is not recorded."""
    names = [_PLURALS.get(kind, f"{kind.replace('_', ' ')}s") for kind in contexts]
    return f"{' and '.join(names) or 'dated events of any kind'} without a block"


def _a(kind: str) -> str:
    name = kind.replace("_", " ")
    return f"{'an' if name[0] in 'aeiou' else 'a'} {name}"


def in_words(found: Breakdown) -> tuple[str, ...]:
    """The breakdown value: what would explain the change, beside what matched events did elsewhere."""
    said = (
        f"a simultaneous shock of {_times(found.shock)} would explain all of this, one of {_times(found.shock_near)} "
        "would leave no clear change"
    )
    if found.shock_near == 1.0:
        said = "no simultaneous shock is needed to explain this: the change is not clear"
    if found.placebo_low is None or found.placebo_high is None:
        return (said,)
    low, high = _times(found.placebo_low), _times(found.placebo_high)
    context = "" if found.contexts else " (no context is recorded)"
    rank = "" if found.rank is None else f", this change has rank {found.rank} of {found.placebo_n + 1}"
    return said, f"{kind_words(found.contexts)} moved it {low} to {high}, n = {found.placebo_n}{context}{rank}"


def _times(ratio: float) -> str:
    """One decimal, or two digits below 1: no more is known of a shock."""
    return f"x{ratio:.2g}" if ratio < 1 else f"x{ratio:.1f}" if ratio < 10 else f"x{ratio:.0f}"
