"""A study as text for a terminal: per series a table of horizons, then the reasons, checks and overlaps."""

from __future__ import annotations

import textwrap
from datetime import datetime
from itertools import groupby

from analyzer.outputs import _breakdown_text, _shape_text, _verified_text
from analyzer.outputs.table import number, text
from analyzer.places import country_name, to_local
from analyzer.records import Block, Breakdown, Estimate, Output, Study
from analyzer.verdicts import shared_reasons

_HEADINGS = ("horizon", "observed", "expected (95 %)", "ratio (95 %)", "excess (95 %)", "verdict", "attribution")


def render(study: Study) -> bytes:
    """Everything a reader needs beside the numbers: when, what, why not more."""
    verified = "\n".join(_verified_text.lines(study.verified))
    parts = [_title(study.block), verified, *_series(study), *_checks(study), *_overlaps(study)]
    return ("\n\n".join(p for p in parts if p) + "\n").encode()


def _title(block: Block) -> str:
    onset = f"onset {when(block.onset_earliest, block.cc)}, known to the {block.start_precision}"
    end = f"end {when(block.end_earliest, block.cc)}" if block.end_earliest else "end not known or still in force"
    if block.kind == "date":
        end = "no block: a date that was asked about"
    return f"{country_name(block.cc)}: {block.name} ({block.block_id})\n{onset}; {end}"


def when(instant: datetime, cc: str) -> str:
    """An instant in UTC and on the country's clock."""
    local = to_local(instant, cc)
    return f"{instant:%Y-%m-%d %H:%M} UTC ({local:%Y-%m-%d %H:%M %Z})"


def _series(study: Study) -> list[str]:
    groups = groupby(study.estimates, key=lambda e: (e.indicator, e.entity, e.estimand))
    shapes = {(s.indicator, s.entity, s.estimand): _shape_text.lines(s) for s in study.shapes}
    return [_one_series(list(rows), shapes.get(key, []), _breakdowns(study, key)) for key, rows in groups]


def _breakdowns(study: Study, key: tuple[str, str, str]) -> list[Breakdown]:
    return [b for b in study.breakdowns if (b.indicator, b.entity, b.estimand) == key]


def _one_series(rows: list[Estimate], shape: list[str], breakdowns: list[Breakdown]) -> str:
    e = rows[0]
    name = f"{e.indicator}{' ' + e.entity if e.entity else ''}, against {_ESTIMANDS.get(e.estimand, e.estimand)}"
    cells = [_HEADINGS, *(_cells(e) for e in rows)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(_HEADINGS))]
    table = ["  " + "  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip() for row in cells]
    reasons = [line for r in _reasons(rows, _breakdown_text.said_already(breakdowns)) for line in _wrapped(r)]
    base = sorted({e.base for e in rows if e.base})
    course = [line for sentence in (*shape, *_breakdown_text.lines(breakdowns)) for line in _wrapped(sentence)]
    return "\n".join([name, *table, *course, *(f"  base {b}" for b in base), *reasons])


_ESTIMANDS = {
    "no_block_since_base": "the level before the first block of a chain",
    "just_before": "the path just before this block",
}


def _reasons(rows: list[Estimate], said: frozenset[str]) -> list[str]:
    """What holds for every estimated horizon once, then what is special to each and not said above."""
    common = [r for r in shared_reasons(rows) if r not in said]
    left_out = said.union(common)
    special = [f"{e.horizon}: {'; '.join(r for r in e.reasons.split('; ') if r not in left_out)}" for e in rows]
    return [*special, *([f"all: {'; '.join(common)}"] if common else [])]


def _cells(e: Estimate) -> tuple[str, ...]:
    if e.verdict == "not_estimable":
        return (e.horizon, text(e.observed), "", "", "", "not_estimable", e.attribution)
    ratio = _range(e.ratio, e.ratio_low, e.ratio_high, "x{:.2f}")
    if e.ratio is None and e.ratio_low:
        ratio = f"at least x{e.ratio_low:.2f}"
    return (
        e.horizon,
        text(e.observed),
        _range(e.expected, e.expected_low, e.expected_high),
        ratio,
        _range(e.excess, e.excess_low, e.excess_high),
        e.verdict,
        e.attribution,
    )


def _range(middle: float | None, low: float | None, high: float | None, form: str = "") -> str:
    if middle is None or low is None or high is None:
        return "none"
    shown = [form.format(v) if form else number(v) for v in (middle, low, high)]
    return f"{shown[0]} ({shown[1].lstrip('x')} to {shown[2].lstrip('x')})"


def _wrapped(line: str) -> list[str]:
    return textwrap.wrap(line, 110, initial_indent="  ", subsequent_indent="    ")


def _checks(study: Study) -> list[str]:
    lines = [line for c in study.checks for line in _wrapped(f"{c.name} {c.outcome}: {c.sentence}")]
    return ["\n".join(["Checks", *lines])] if lines else []


def _overlaps(study: Study) -> list[str]:
    lines = [f"  {o.block.block_id} ({o.block.kind}) touches {o.touches}" for o in study.overlaps]
    return ["\n".join(["Other known blocks and events", *lines])] if lines else []


OUTPUT = Output(name="study_text", kind="study", suffixes=(), render=render)
