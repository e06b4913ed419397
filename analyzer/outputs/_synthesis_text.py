"""What the rows of a study say together, in plain lines: combinations, types side by side, the search over rows."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from math import exp, isfinite

from analyzer.records import Concordance, Family, FamilyRow, Study, Synthesis

MOST_ROWS = 12  # of a family that the text shows; all of them are in the study


def sections(study: Study) -> list[str]:
    """A section for each of the three, without those that would repeat a single row."""
    together = [line for s in study.syntheses if len(s.members) > 1 for line in synthesis_lines(s)]
    types = [line for c in study.concordance for line in concordance_lines(c)]
    alone = len(study.concordance) == 1 and study.concordance[0].indicators == 1
    return [
        *_section("Combined within a type", together),
        *_section("What the types of indicator say (never one ratio)", [] if alone else types),
        *_section("Given how many rows were asked", list(_family(study.family)) if study.family else []),
    ]


def synthesis_lines(s: Synthesis) -> list[str]:
    """One combination: its range, that of a further one, what differs, and how it bears up."""
    ratio = _range(s.ratio, s.ratio_low, s.ratio_high)
    head = f"{s.type}, {s.horizon}, {s.estimand}: {ratio} from {len(s.members)}: {', '.join(s.members)}"
    lines = [head]
    if len(s.members) > 1:
        lines.append(_spread(s))
    if s.band:
        lines.append("had their errors more in common: " + "; ".join(_at(*b) for b in s.band))
    if len(s.left_out) > 1:
        lines.append("without " + "; without ".join(f"{name}: {_range(*rest)}" for name, *rest in s.left_out))
    return [part for line in (*lines, *s.notes) for part in wrapped(line)]


def concordance_lines(c: Concordance) -> list[str]:
    """A type and its sentence."""
    return wrapped(c.sentence)


def _spread(s: Synthesis) -> str:
    between = f"x{exp(s.heterogeneity):.2f}" if isfinite(s.heterogeneity) else "not known"
    further = "not to be told from two"
    if s.prediction_high < 1e6 and s.prediction_low > 1e-6:
        further = f"x{s.prediction_low:.2f} to {s.prediction_high:.2f}"
    elif len(s.members) > 2:
        further = "anything"
    shared = f"; correlation of errors {s.rho:.2f}" if isfinite(s.rho) else ""
    return f"a further one of this kind: {further}; typical difference between them {between}{shared}"


def _at(rho: float, low: float, high: float) -> str:
    return f"{rho:.1f}: x{low:.2f} to {high:.2f}"


def _range(middle: float, low: float, high: float) -> str:
    return f"x{middle:.2f} ({low:.2f} to {high:.2f})"


def _family(family: Family) -> Iterator[str]:
    """The primary question first, then the rows from the rarest on."""
    rows = sorted(family.rows, key=lambda r: (r.role != "primary", r.p_adjusted, r.p))
    floor = f"from {family.dates} placebo dates that all of them share" if family.dates else "from draws"
    yield f"  {len(rows)} rows, adjusted {floor}: no p is below {family.floor:.2g}"
    yield from _columns(rows[:MOST_ROWS])
    if len(rows) > MOST_ROWS:
        yield f"  and {len(rows) - MOST_ROWS} more, the rarest of them with {rows[MOST_ROWS].p_adjusted:.2g}"
    if family.note:
        yield from wrapped(family.note)


def _columns(rows: Sequence[FamilyRow]) -> Iterator[str]:
    cells = [("role", "indicator", "horizon", "against", "p alone", "p of all")]
    for r in rows:
        name = f"{r.indicator}{' ' + r.entity if r.entity else ''}"
        cells.append((r.role, name, r.horizon, r.estimand, _p(r.p), _p(r.p_adjusted)))
    widths = [max(len(row[i]) for row in cells) for i in range(len(cells[0]))]
    for row in cells:
        yield "  " + "  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip()


def _p(value: float) -> str:
    return f"{value:.2g}" if value >= 0.0001 else "< 0.0001"


def _section(title: str, lines: list[str]) -> list[str]:
    return ["\n".join([title, *lines])] if lines else []


def wrapped(line: str) -> list[str]:
    """A line folded for a terminal."""
    return textwrap.wrap(line, 110, initial_indent="  ", subsequent_indent="    ")
