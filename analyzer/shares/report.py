"""Shares of a country by day or for two periods, from hourly cells: as counted, corrected, and with what moved them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any, NamedTuple

from analyzer.errors import BadInput, NotEnoughData
from analyzer.places import local_midnight
from analyzer.shares.changes import ChangeBand, Decomposition, change_band, decompose
from analyzer.shares.clients import ClientRule, client_error
from analyzer.shares.correction import WITHOUT_N, CorrectedShare, corrected_share
from analyzer.shares.counts import Count, Interval, Totals, intervals, summed, usable
from analyzer.shares.question import Question, ShareReport, ShareRow
from analyzer.shares.rates import TRANSPORT_CAVEAT, ErrorRates, Rate
from analyzer.shares.sampling import expand_sampled

CLIENT_CAVEAT = (
    "a client is an address and is counted once in each interval: one person may have several, several persons may "
    "share one (NAT), and client-hours or client-days are not people"
)
FLOW_CAVEAT = (
    "flows of one client are alike: intervals take them as independent unless a design effect is given, and are then "
    "too narrow"
)


class _Period(NamedTuple):
    name: str
    start: date
    end: date


def answer(question: Question, rows: Iterable[Mapping[str, Any]]) -> ShareReport:
    """The report on rows of the query `share_inputs`.

    Raises NotEnoughData where the store holds no flows of the country in these days, BadInput for a question that
    cannot be meant.
    """
    _check(question)
    found = usable(intervals(rows), question.level)
    if not found:
        raise NotEnoughData(
            f"no flows of {question.cc} from {question.start} to {question.end} in the store: "
            "load a capture or flow log"
        )
    periods = _periods(question)
    parts = [(p, _within(found, p, question.cc)) for p in periods]
    kept = [(p, part) for p, part in parts if part]
    answered = tuple(_row(question, p, part) for p, part in kept)
    notes = [f"{len(parts) - len(kept)} of {len(parts)} periods hold no flows: no row, which is not 0"]
    decomposition, band, said = _compared(question, answered) if len(periods) == len(kept) == 2 else (None, None, [])
    return ShareReport(
        rows=answered,
        decomposition=decomposition,
        band=band,
        notes=tuple((notes if len(kept) < len(parts) else []) + said),
        caveats=_caveats(question),
    )


def _check(question: Question) -> None:
    if question.start >= question.end:
        raise BadInput(f"the period is empty: {question.start} to {question.end} (the day after the last)")
    split = question.before is not None or question.after is not None
    middle = (question.before or question.after, question.after or question.before)
    if split and not question.start < middle[0] <= middle[1] < question.end:  # type: ignore[operator]
        raise BadInput("the first period ends and the second begins inside the days asked for, in this order")
    if (question.sensitivity_before is None) != (question.sensitivity_after is None):
        raise BadInput("a band needs the sensitivities before and after")
    if question.sensitivity_before and not split:
        raise BadInput("sensitivities before and after need two periods: say where the first ends")
    if question.k < 1 or question.sampling < 1:
        raise BadInput("k and the sampling rate are at least 1")


def _periods(question: Question) -> list[_Period]:
    first, second = question.before or question.after, question.after or question.before
    if first and second:
        return [_Period("before", question.start, first), _Period("after", second, question.end)]
    days = [question.start + timedelta(days=i) for i in range((question.end - question.start).days)]
    return [_Period(f"{day}", day, day + timedelta(days=1)) for day in days]


def _within(found: Sequence[Interval], period: _Period, cc: str) -> list[Interval]:
    """Hours by the country's clock; days, which the store holds in UTC, by their date."""
    start, end = local_midnight(period.start, cc), local_midnight(period.end, cc)
    return [
        i
        for i in found
        if (start <= i.t_start < end if i.hours == 1 else period.start <= i.t_start.date() < period.end)
    ]


def _row(question: Question, period: _Period, part: Sequence[Interval]) -> ShareRow:
    totals = summed(part, question.level, question.selection, question.k)
    low, high = _apparent(totals.numerator, totals.denominator)
    row = ShareRow(
        period=period.name,
        first_day=period.start,
        last_day=period.end - timedelta(days=1),
        hours=totals.hours,
        level=question.level,
        selection=question.selection.text,
        unit=_unit(question, part),
        numerator=totals.numerator.exact,
        numerator_low=totals.numerator.low,
        numerator_high=totals.numerator.high,
        denominator=totals.denominator.exact,
        denominator_low=totals.denominator.low,
        denominator_high=totals.denominator.high,
        apparent=low if low == high else None,
        apparent_low=low,
        apparent_high=high,
        warnings=tuple(_count_warnings(question, period, totals)),
    )
    return row if low is None else _corrected(question, row, part)


def _unit(question: Question, part: Sequence[Interval]) -> str:
    if question.level != "clients":
        return question.level
    return "client-days (UTC)" if part[0].hours == 24 else "client-hours"


def _apparent(numerator: Count, denominator: Count) -> tuple[float | None, float | None]:
    if numerator.high is None or denominator.high is None or denominator.low == 0:
        return None, None
    return numerator.low / denominator.high, min(numerator.high / denominator.low, 1.0)


def _count_warnings(question: Question, period: _Period, totals: Totals) -> list[str]:
    said = []
    expected = round(
        (local_midnight(period.end, question.cc) - local_midnight(period.start, question.cc)) / timedelta(hours=1)
    )
    if totals.hours < expected:
        said.append(f"{totals.hours} of {expected} hours hold flows")
    if totals.overlapping:
        said.append(f"{totals.overlapping} intervals are held by more than one file: their counts are added")
    if totals.denominator.high is None or totals.numerator.high is None:
        said.append(
            f"{totals.ranged} intervals hold suppressed {question.level} without an upper bound: no share can be given"
        )
    elif totals.ranged:
        said.append(
            f"{totals.ranged} intervals with suppressed or overlapping counts: a range, suppressed is never taken as 0"
        )
    elif totals.denominator.low == 0:
        said.append(f"no {question.level} at all: a share of nothing is not 0")
    return said + _sampling_warnings(question, totals)


def _sampling_warnings(question: Question, totals: Totals) -> list[str]:
    if question.sampling == 1:
        return []
    # Bytes are multiplied by N when a sampled capture is loaded: what was seen is an N-th of them.
    low = totals.numerator.low
    counted = low // question.sampling if question.level == "bytes" else low
    seen = expand_sampled(counted, question.sampling, question.level, level=question.confidence)
    if seen.low is None or seen.high is None:
        return list(seen.warnings)
    return [*seen.warnings, f"sampling alone leaves the numerator between {seen.low:,.0f} and {seen.high:,.0f}"]


def _corrected(question: Question, row: ShareRow, part: Sequence[Interval]) -> ShareRow:
    """The row with what the rates make of it; where they make nothing of it, with the reason."""
    rates = question.rates
    if rates is None or rates.sensitivity is None or rates.false_positives is None:
        why = "no error rates given: the share is as counted, false flags and misses included"
        if question.level == "bytes":
            why = "bytes: no correction without error rates measured in bytes; the share is as counted"
        return _warned(row, [why])
    row = replace(
        row, sensitivity=str(rates.sensitivity), false_positives=str(rates.false_positives), rates=rates.rates_id
    )
    try:
        scenarios, said = _scenarios(question, rates, part)
        results = [r for pair in scenarios for r in _ends(question, row, pair)]
    except NotEnoughData as refused:
        return _warned(row, [f"no corrected share: {refused}"])
    return _merged(question, row, results, said)


def _warned(row: ShareRow, said: Iterable[str]) -> ShareRow:
    return replace(row, warnings=(*row.warnings, *said))


_Pair = tuple[Rate, Rate]  # sensitivity, specificity


def _scenarios(question: Question, rates: ErrorRates, part: Sequence[Interval]) -> tuple[list[_Pair], list[str]]:
    """Pairs of rates to correct with, the best first; the interval spans them all."""
    hit, false = rates.sensitivity, rates.false_positives
    if hit is None or false is None:
        raise NotEnoughData("the rates lack a sensitivity or a false-positive rate")
    if rates.level == question.level:
        return [(hit, false.complement)], []
    if (rates.level, question.level) != ("flows", "clients"):
        raise NotEnoughData(f"error rates of {rates.level} say nothing about {question.level}")
    flows = summed(part, "flows", question.selection, question.k)
    clients = summed(part, "clients", question.selection, question.k)
    per_client = _per_client(flows.denominator, clients.denominator)
    error = client_error(
        hit, false, per_client, ClientRule(), vpn_flows_per_user=_per_client(flows.numerator, clients.numerator)
    )
    said = [
        (
            f"errors of the rule '{error.rule}' derived from those of flows: with {per_client} flows a client in each "
            f"interval {100 * error.false_positives:.1f} % of clients without use are flagged "
            f"({100 * error.false_positives_low:.1f} to {100 * error.false_positives_high:.1f} %)"
        ),
        *error.warnings,
    ]
    # Misses of one client repeat (one tool, always missed): one flow's sensitivity is the cautious end.
    hits = (Rate(error.sensitivity), Rate(hit.interval()[0]), Rate(error.sensitivity_high))
    falses = (Rate(error.false_positives), Rate(error.false_positives_low), Rate(error.false_positives_high))
    pairs = [(hits[0], falses[0]), *((s, f) for s in hits[1:] for f in falses[1:])]
    if any(s.value <= f.value for s, f in pairs):
        raise NotEnoughData(f"{said[0]}; that may be as often as users are: ask for a rule of more flows")
    return [(s, f.complement) for s, f in pairs], said


def _per_client(flows: Count, clients: Count) -> int:
    """Flows a client, on average and rounded up (the chance of a flag bends down: the average overstates it)."""
    return max(math.ceil((flows.high or flows.low) / max(clients.low, 1)), 1)


def _ends(question: Question, row: ShareRow, pair: _Pair) -> list[CorrectedShare]:
    """Corrected shares at both ends of the counts; one where they are exact."""
    ends = {(row.numerator_low, row.denominator_high or 0)}
    ends.add((min(row.numerator_high or 0, row.denominator_low), row.denominator_low))
    options = {"level": question.confidence, "design_effect": question.design_effect}
    return [corrected_share(k, n, *pair, **options) for k, n in sorted(ends)]


def _merged(question: Question, row: ShareRow, results: Sequence[CorrectedShare], said: Sequence[str]) -> ShareRow:
    best = results[0]
    exact = row.apparent is not None
    warned = [*said, *(best.warnings if exact else _of_all(results))]
    if said:  # derived rates carry no n, and their own error is in the scenarios
        warned = [w for w in warned if w != WITHOUT_N]
    flags = [f for r in results for f in (r.false_flag_low, r.false_flag_high) if f is not None]
    merged = replace(
        row,
        corrected=best.corrected if exact else None,
        corrected_low=min(r.low for r in results),
        corrected_high=max(r.high for r in results),
        raw=best.raw if exact else None,
        clipped=any(r.clipped for r in (results[:1] if exact else results)),
        false_flag_share=best.false_flag_share if exact else None,
        false_flag_low=min(flags, default=None),
        false_flag_high=max(flags, default=None),
    )
    if question.level == "bytes":
        merged = replace(merged, corrected_low=None, corrected_high=None, false_flag_low=None, false_flag_high=None)
        warned = ["bytes are no independent trials: a corrected value without an interval"]
    return _warned(merged, warned)


def _of_all(results: Sequence[CorrectedShare]) -> list[str]:
    """Warnings of the ends of a range, each once; where an end was clipped, without its raw value."""
    said = list(dict.fromkeys(w for r in results for w in r.warnings if not w.startswith("estimate clipped")))
    if any(r.clipped for r in results):
        said.append("at an end of the range the estimate is clipped to 0 or 1")
    return said


def _compared(
    question: Question, rows: Sequence[ShareRow]
) -> tuple[Decomposition | None, ChangeBand | None, list[str]]:
    """What moved the share between the two rows, and the band of true ratios where sensitivities are given."""
    first, second = rows
    counts = [(r.numerator, r.denominator) for r in rows]
    if any(k is None or n is None for k, n in counts):
        return None, None, ["counts of the two periods are ranges: the change is not taken apart"]
    (k1, n1), (k2, n2) = ((k or 0, n or 0) for k, n in counts)
    said: list[str] = []
    parts: Decomposition | None = None
    band: ChangeBand | None = None
    try:
        # Per hour with flows: the periods may differ in length.
        parts = decompose((k1 / first.hours, n1 / first.hours), (k2 / second.hours, n2 / second.hours))
        said.append(f"per hour with flows: {parts.sentence}")
        if question.sensitivity_before and question.sensitivity_after:
            band = _band(question, (k1, n1), (k2, n2))
            said.append(f"{band.sentence}; {'; '.join(band.warnings)}".rstrip("; "))
    except NotEnoughData as refused:
        said.append(f"the two periods are not compared further: {refused}")
    return parts, band, said


def _band(question: Question, before: tuple[int, int], after: tuple[int, int]) -> ChangeBand:
    rates, first, second = question.rates, question.sensitivity_before, question.sensitivity_after
    if rates is None or rates.false_positives is None or rates.level != question.level or question.level == "bytes":
        raise NotEnoughData(f"a band needs false positives measured for {question.level}")
    if first is None or second is None:
        raise NotEnoughData("a band needs the sensitivities before and after")
    return change_band(before, after, first, second, rates.false_positives.complement, level=question.confidence)


def _caveats(question: Question) -> tuple[str, ...]:
    own = {"flows": (FLOW_CAVEAT,), "clients": (CLIENT_CAVEAT,), "bytes": ()}[question.level]
    return (TRANSPORT_CAVEAT, *own, *_rates_caveats(question))


def _rates_caveats(question: Question) -> list[str]:
    """Whose errors the rates are, and whether they are of the labels asked for."""
    rates, selection = question.rates, question.selection
    if rates is None:
        return []
    said = [f"rates '{rates.rates_id}': {rates.measured_on or 'not said on what they were measured'}"]
    if rates.classifier:
        said[0] += f"; they are the errors of {rates.classifier} ({rates.source}, {rates.date})"
    if (rates.family and rates.family != selection.family) or (rates.kind and rates.kind != selection.kind):
        said.append(f"the rates are of {rates.family or rates.kind}, the share is of {selection.text}")
    return said
