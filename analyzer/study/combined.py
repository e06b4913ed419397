"""The rows of a study as one statement per type of indicator, and what the types say beside each other.

Combined are log ratios of one type, one horizon, one estimand and one nature: places in a chart apart from the rest,
turned so that a better place is a rise.  Nothing is counted twice: a total wins over its parts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from analyzer import verdicts
from analyzer.indicators import type_of
from analyzer.records import Concordance, Estimate, IndicatorType, Study, Synthesis, Verdict
from analyzer.study.judged import Judged, by_date
from analyzer.synthesis import MOST, NO_TYPE, Combined, Said, combine_effects, concordance

if TYPE_CHECKING:
    from analyzer.records import Floats

NEVER: Mapping[str, str] = {
    "evidence": "evidence of a block or an outage is no use of a tool: never combined",
    "denominator": "people there are, not people who did anything: never combined",
    NO_TYPE: "not combined: nothing says what these count; state `type` in their mapping file",
}
# What is counted again inside another indicator of the same country: the total stands for it.
TOTALS: Mapping[str, tuple[str, ...]] = {
    "tor.bridge_transport_users": ("tor.bridge_users",),
    "tor.bridge_combined_users": ("tor.bridge_users", "tor.bridge_transport_users"),
    "snowflake.users": ("tor.bridge_users", "tor.bridge_transport_users", "tor.bridge_combined_users"),
    "capture.client_share": ("capture.clients",),
    "capture.byte_share": ("capture.bytes",),
    "capture.unexplained_encrypted_share": ("capture.byte_share", "capture.bytes"),
}
_TURNED: Mapping[Verdict, Verdict] = {"rise": "fall", "fall": "rise"}


@dataclass(frozen=True, slots=True)
class Pair:
    """A printed row and what it brings to a combination."""

    row: Estimate
    judged: Judged
    group: str  # what it may be combined with

    @property
    def turned(self) -> bool:
        """True for places in a chart, of which a smaller one is better."""
        return self.judged.key.scale == "rank"


def with_combinations(
    study: Study, judged: Sequence[Judged], stated: Mapping[str, IndicatorType] | None = None
) -> Study:
    """The study with its combinations and concordance; judged: one per estimate, in their order.

    stated: types that mapping files gave to indicators of a user's own.
    """
    pairs = [Pair(e, j, group_of(j, stated)) for e, j in zip(study.estimates, judged, strict=True)]
    at = headline(study.estimates)
    syntheses = tuple(_syntheses(pairs, at))
    return replace(study, syntheses=syntheses, concordance=_table(pairs, at, syntheses))


def headline(estimates: Iterable[Estimate]) -> str:
    """The horizon that is combined: the first of the headline's that any series could be estimated at."""
    able = {e.horizon for e in estimates if e.verdict != "not_estimable"}
    return next((h for h in (*verdicts.HEADLINE, *sorted(able)) if h in able), "")


def group_of(judged: Judged, stated: Mapping[str, IndicatorType] | None = None) -> str:
    """The type of a row, with the scale where it is one of places in a chart; `no type` where nothing says."""
    kind = type_of(judged.key.indicator, stated)
    if kind is None:
        return NO_TYPE
    return f"{kind} (places in a chart)" if judged.key.scale == "rank" else kind


def _syntheses(pairs: Sequence[Pair], horizon: str) -> Iterator[Synthesis]:
    groups = list(dict.fromkeys(p.group for p in pairs))
    for estimand in dict.fromkeys(p.row.estimand for p in pairs):
        for group in groups:
            rows = [p for p in pairs if p.group == group and p.row.estimand == estimand]
            rows = [p for p in rows if p.row.horizon == horizon]
            if rows and group not in NEVER:
                yield from _synthesis(group, rows)


def _synthesis(group: str, rows: Sequence[Pair]) -> Iterator[Synthesis]:
    kept, dropped = once([p for p in rows if not p.judged.refusal])
    dropped = [*dropped, *(f"{p.judged.name}: {p.judged.refusal}" for p in rows if p.judged.refusal)]
    if not kept:
        return
    if len(kept) > MOST:
        dropped.append(f"{len(kept) - MOST} rows with the shortest bases: at most {MOST} are combined")
        kept = sorted(kept, key=lambda p: -p.judged.base_days)[:MOST]
    members = [p.judged for p in kept]
    signs = np.array([-1.0 if p.turned else 1.0 for p in kept])
    found = pooled(members, [j.name for j in members], signs)
    yield synthesis_of(group, members[0].horizon, members[0].estimand, found, dropped)


def pooled(members: Sequence[Judged], names: Sequence[str], signs: Floats, *, to_onset: bool = False) -> Combined:
    """The members as one, the correlation of their errors from placebos of the same dates (or days before onset)."""
    errors = by_date(members, to_onset=to_onset) * signs
    return combine_effects(
        signs * np.array([j.log for j in members]),
        [j.deviation for j in members],
        errors=errors,
        freedom=[j.freedom for j in members],
        names=names,
        overlap=_overlap(members),
    )


def _overlap(members: Sequence[Judged]) -> int:
    """Dates over which one placebo window reaches: the longest of them, in steps of the finest."""
    apart = [float(np.median(np.diff(j.days))) for j in members if j.days.size > 1]
    return max(round(max(j.reach for j in members) / max(min(apart, default=1.0), 1.0)), 1)


def once(pairs: Sequence[Pair]) -> tuple[list[Pair], list[str]]:
    """Rows of which none is part of another, and why the others were left out.

    Rules, in this order: a total indicator wins over those counted inside it; the whole of an indicator over its
    entities; the country over its networks; of one thing in several units, scales or steps the longest base; of rows
    with the same values the first.
    """
    kept, dropped = list(pairs), []
    for rule in (_inside_another, _entity_of_a_whole, _network_of_a_country, _another_vintage, _same_values):
        found = [(p, rule(p, kept)) for p in kept]
        dropped += [f"{p.judged.name}: {why}" for p, why in found if why]
        kept = [p for p, why in found if not why]
    return kept, dropped


def _inside_another(pair: Pair, all_: Sequence[Pair]) -> str:
    there = {p.judged.key.indicator for p in all_}
    total = next((t for t in TOTALS.get(pair.judged.key.indicator, ()) if t in there), None)
    return f"counted inside {total}" if total else ""


def _entity_of_a_whole(pair: Pair, all_: Sequence[Pair]) -> str:
    key = pair.judged.key
    whole = any(p.judged.key.indicator == key.indicator and not p.judged.key.entity for p in all_)
    return f"part of {key.indicator} as a whole" if key.entity and whole else ""


def _network_of_a_country(pair: Pair, all_: Sequence[Pair]) -> str:
    key = pair.judged.key
    same = [p.judged.key for p in all_ if (p.judged.key.indicator, p.judged.key.entity) == (key.indicator, key.entity)]
    return f"AS{key.asn} is part of the country" if key.asn and any(not k.asn for k in same) else ""


def _another_vintage(pair: Pair, all_: Sequence[Pair]) -> str:
    def thing(p: Pair) -> tuple[str, int, str]:
        return p.judged.key.indicator, p.judged.key.asn, p.judged.key.entity

    # By the length of the base, which no effect has a say in.
    best = min((p for p in all_ if thing(p) == thing(pair)), key=lambda p: (-p.judged.base_days, str(p.judged.key)))
    return "the same in another unit, scale or step, with a shorter base" if best is not pair else ""


def _same_values(pair: Pair, all_: Sequence[Pair]) -> str:
    before = all_[: next(i for i, p in enumerate(all_) if p is pair)]
    twin = next((p for p in before if _copies(p.judged, pair.judged)), None)
    return f"the same values as {twin.judged.name}" if twin else ""


def _copies(a: Judged, b: Judged) -> bool:
    if a.days.size != b.days.size or not np.isclose(a.log, b.log, rtol=1e-9, atol=1e-12):
        return False
    return bool(np.array_equal(a.days, b.days) and np.allclose(a.standardised, b.standardised, rtol=1e-6, atol=1e-9))


def synthesis_of(group: str, horizon: str, estimand: str, found: Combined, dropped: Sequence[str]) -> Synthesis:
    """A combination of log ratios as ratios, with what was left out of it."""

    def ratio(value: float) -> float:
        return float(np.exp(min(value, 700.0))) if value < np.inf else float("inf")

    return Synthesis(
        type=group,
        horizon=horizon,
        estimand=estimand,
        members=found.names,
        ratio=ratio(found.estimate),
        ratio_low=ratio(found.low),
        ratio_high=ratio(found.high),
        prediction_low=ratio(found.prediction_low),
        prediction_high=ratio(found.prediction_high),
        heterogeneity=found.heterogeneity,
        rho=found.correlation,
        band=tuple((at, ratio(low), ratio(high)) for at, low, high in found.band),
        left_out=tuple((name, ratio(m), ratio(low), ratio(high)) for name, m, low, high in found.left_out),
        notes=(*found.notes, *(f"left out: {text}" for text in dropped)),
    )


def _table(pairs: Sequence[Pair], horizon: str, syntheses: Sequence[Synthesis]) -> tuple[Concordance, ...]:
    """A row per type at the combined horizon, under the first estimand; a series that lacks it counts as it is."""
    first = next((p.row.estimand for p in pairs), "")
    rows = [p for p in pairs if p.row.estimand == first and p.row.horizon == horizon]
    by_group = {s.type: s for s in syntheses if s.estimand == first}
    groups = dict.fromkeys(p.group for p in rows)
    return concordance([_said(group, [p for p in rows if p.group == group], by_group) for group in groups])


def _said(group: str, rows: Sequence[Pair], by_group: Mapping[str, Synthesis]) -> Said:
    words = tuple(_TURNED.get(p.row.verdict, p.row.verdict) if p.turned else p.row.verdict for p in rows)
    if group in NEVER:
        named = ", ".join(dict.fromkeys(p.judged.name for p in rows))
        return Said(group, words, combined=False, reason=f"{named}: {NEVER[group]}")
    found = by_group.get(group)
    return Said(group, words, found.ratio_low if found else None, found.ratio_high if found else None)
