"""The facts from which the attribution of a row is formed: other events, outages, timing, checks, placebos."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from analyzer import verdicts
from analyzer.blocks import ExpectedSign, expected_sign
from analyzer.estimators import Change
from analyzer.places import WORLD
from analyzer.records import Attribution, Block, Breakdown, Check, Verdict, Verified
from analyzer.study import rows
from analyzer.study.asked import Asked
from analyzer.study.effects import Found
from analyzer.study.matched import begins_or_ends
from analyzer.study.reasons import reach, touching_events

NO_SIGN = ExpectedSign(0, "")


@dataclass(frozen=True, slots=True)
class Known:
    """What is known about one series beside the rows: of all its horizons, and why a row has no verdict."""

    checks: tuple[Check, ...] = ()
    change: Change | None = None
    verified: Verified | None = None
    breakdowns: tuple[Breakdown, ...] = ()
    withheld: str = ""


def cause(asked: Asked, found: Found, known: Known) -> tuple[Attribution, tuple[str, ...]]:
    """What may be said about the cause of one row, with reasons."""
    sign = expected_sign(asked.known.kind, asked.series.key.indicator, asked.known.services) if asked.known else NO_SIGN
    own = tuple(b for b in known.breakdowns if (b.horizon, b.estimand) == (found.window.horizon, found.estimand))
    word, why = verdicts.attribution(
        verdicts.Facts(
            verdict="inconclusive" if known.withheld else _verdict(asked, found),
            kind=asked.block.kind,
            block=asked.known,
            changed_at=asked.series.time(known.change.step) if known.change else None,
            checks=known.checks,
            rivals=_rivals(asked, reach(asked, found)),
            outages=_outages(asked, found),
            verified=known.verified,
            breakdowns=own,
            ranked=next((b.horizon for b in known.breakdowns), ""),
            expected=sign.sign,
        )
    )
    return word, (*why, *dict.fromkeys(said for b in own for said in verdicts.in_words(b)))


def _verdict(asked: Asked, found: Found) -> Verdict:
    if not found.effects:
        return "not_estimable"
    return verdicts.verdict(rows.envelope(found.effects), asked.series.key.scale, asked.smallest)


def _outages(asked: Asked, found: Found) -> tuple[Block, ...]:
    """Outages without a block that began within the window, or within its gap to the base."""
    start = asked.series.time(max(asked.onset - asked.gap, 0))
    end = asked.series.time(asked.onset + max(reach(asked, found), 1))
    listed = [b for b in asked.catalogue.events if b.kind in verdicts.OUTAGES and b.cc in (asked.cc, WORLD)]
    return tuple(b for b in listed if start <= b.onset_earliest < end)


def _rivals(asked: Asked, steps: int) -> tuple[Block, ...]:
    """Other blocks, and outages, that begin or end between the base and the window's end: they may have moved it too.

    Elections, rallies and other dated events of the country are matched placebos instead (analyzer.study.matched).
    """
    start = asked.series.time(max(asked.onset - asked.gap, 0))
    end = asked.series.time(asked.onset + max(steps, 1))
    touching = [o.block for o in touching_events(asked, max(steps, 1))]
    outages = [e for e in asked.catalogue.non_events if e.cc == asked.cc and e.kind in verdicts.OUTAGES]
    found = {b.block_id: b for b in (*touching, *outages) if begins_or_ends(b, start, end)}
    own = {asked.block.block_id, asked.known.block_id if asked.known else ""}
    return tuple(b for block_id, b in found.items() if block_id not in own)


def shown_without_estimate(cause: tuple[Attribution, tuple[str, ...]]) -> tuple[Attribution, Sequence[str]]:
    """What of a cause holds where no size could be estimated: that of the event itself, not of its change."""
    word, why = cause
    if word == "other_cause":
        return word, why
    return (word if word == "no_block_known" else "unclear"), ()
