"""What the estimator says in steps and donor numbers, in the words of a reader: days and countries."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import timedelta

from analyzer.study.horizons import words
from analyzer.study.series import Aligned

_STEP = re.compile(r"\bstep (\d+)\b")
_DONOR = re.compile(r"donor (\d+) is left out: (.*)")


def unit(series: Aligned, *, plural: bool = True) -> str:
    """`days`, `hours` or, for longer steps, `steps of 7 days`."""
    text = words(series.step)
    if text.startswith(("a ", "an ")):
        return text.split()[-1] + ("s" if plural else "")
    return f"step{'s' if plural else ''} of {text}"


def moment(series: Aligned, step: int) -> str:
    """A step as YYYY-MM-DD, hours with THH:MM."""
    return series.time(step).strftime("%Y-%m-%d" if series.step >= timedelta(days=1) else "%Y-%m-%dT%H:%M")


def in_words(text: str, series: Aligned) -> str:
    """Step numbers as dates, counted steps as days or hours."""
    dated = _STEP.sub(lambda m: moment(series, int(m[1])), text)
    if series.step > timedelta(days=1):
        return dated
    return re.sub(r"\bsteps\b", unit(series), re.sub(r"\bstep\b", unit(series, plural=False), dated))


def without_donors(warnings: Iterable[str], names: Sequence[str], series: Aligned) -> list[str]:
    """Warnings in words, those about single donors gathered into one sentence a reason."""
    by_reason: dict[str, list[str]] = defaultdict(list)
    others = []
    for warning in warnings:
        match = _DONOR.fullmatch(warning)
        if match and int(match[1]) < len(names):
            by_reason[match[2]].append(names[int(match[1])])
        else:
            others.append(in_words(warning, series))
    gathered = [f"left out as donors: {', '.join(sorted(ccs))} ({why})" for why, ccs in by_reason.items()]
    return [*others, *(in_words(g, series) for g in gathered)]
