"""What may be said of people, in plain lines: ranges by their route, then why the rest cannot be converted."""

from __future__ import annotations

import math
from collections.abc import Sequence

from analyzer.outputs.table import number
from analyzer.people.cases import NO_ESTIMATE
from analyzer.records import PeopleRange


def lines(rows: Sequence[PeopleRange]) -> list[str]:
    """One line per range; refusals of one reason together, with their horizons; nothing where there was no estimate."""
    told = [row for row in rows if NO_ESTIMATE not in row.reasons]
    return [*(given(row) for row in told if row.route), *_refusals(told)]


def given(row: PeopleRange) -> str:
    """A range with its route and reasons."""
    rate = per_1000(row)
    return f"{name(row)}: {size(row)} {row.quantity}{f', {rate}' if rate else ''}; by {row.route}; {row.reasons}"


def name(row: PeopleRange) -> str:
    """The series and horizon."""
    return " ".join(part for part in (row.indicator, row.entity, row.horizon) if part)


def size(row: PeopleRange) -> str:
    """`1,500 (900 to 2,600)`, `4 to 12`, `at least 4`; '' where there is none."""
    if row.low is None:
        return ""
    if row.high is None:
        return f"at least {_rounded(row.low)}"
    ends = f"{_rounded(row.low)} to {_rounded(row.high)}"
    return ends if row.middle is None else f"{_rounded(row.middle)} ({ends})"


def per_1000(row: PeopleRange) -> str:
    """The rate per 1,000 internet users, '' where there is no denominator."""
    if row.per_1000_low is None or row.per_1000_high is None:
        return ""
    ends = f"{_rounded(row.per_1000_low)} to {_rounded(row.per_1000_high)}"
    middle = f"{_rounded(row.per_1000)} ({ends})" if row.per_1000 is not None else ends
    return f"{middle} per 1,000 of {row.denominator}"


def _rounded(value: float) -> str:
    """Three figures: a range by simulation is known no better."""
    if value == 0 or not math.isfinite(value):
        return number(value)
    digits = 2 - math.floor(math.log10(abs(value)))
    return number(round(value, digits))


def _refusals(rows: Sequence[PeopleRange]) -> list[str]:
    grouped: dict[tuple[str, str, str], list[str]] = {}
    for row in rows:
        if not row.route:
            key = (row.indicator, row.entity, row.reasons.split("; excess of ")[0])
            grouped.setdefault(key, []).append(row.horizon)
    return [
        f"{' '.join(part for part in (indicator, entity) if part)} {', '.join(dict.fromkeys(horizons))}: {reason}"
        for (indicator, entity, reason), horizons in grouped.items()
    ]
