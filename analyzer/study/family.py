"""Multiplicity of a study: how surprising each printed row is, given how many were asked."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from analyzer.records import Estimate, Family, FamilyRow
from analyzer.study.judged import Judged, by_date
from analyzer.synthesis import StepDown, step_down


def family_of(estimates: Sequence[Estimate], judged: Sequence[Judged]) -> Family | None:
    """p of every two-sided row, alone and for the search over all; None where fewer than two rows have one.

    judged: one per estimate, in their order.  Rows of the primary question are tested first and among themselves; no
    other row is stated to be rarer than they are.  The same dates are dates of onset: one and the same question date.
    """
    pairs = [(e, j) for e, j in zip(estimates, judged, strict=True) if not j.refusal]
    if len(pairs) < 2:
        return None
    found = step([j for _, j in pairs], [k for k, (e, _) in enumerate(pairs) if e.role == "primary"])
    rows = tuple(_row(e, found, k) for k, (e, _) in enumerate(pairs))
    return Family(rows, found.dates, found.floor, _note(found, len(estimates) - len(pairs)))


def step(given: Sequence[Judged], first: Sequence[int] = ()) -> StepDown:
    """p of rows alone and adjusted, from placebos of the same onset dates; first: those of the primary question."""
    return step_down(
        [j.statistic for j in given],
        [j.freedom for j in given],
        by_date(given),
        windows=[_windows(j) for j in given],
        first=first,
    )


def _windows(judged: Judged) -> float:
    """Neighbouring placebo dates that share steps with one of them."""
    apart = float(np.median(np.diff(judged.days))) if judged.days.size > 1 else 1.0
    return max(judged.reach / max(apart, 1.0), 1.0)


def _row(e: Estimate, found: StepDown, k: int) -> FamilyRow:
    return FamilyRow(
        e.indicator, e.entity, e.horizon, e.estimand, e.role, p=float(found.p[k]), p_adjusted=float(found.adjusted[k])
    )


def _note(found: StepDown, outside: int) -> str:
    """What the numbers rest on, in words."""
    apart = int((~found.together).sum())
    parts = []
    if apart:
        parts.append(f"{apart} rows share too few placebo dates with the others and are taken as independent of them")
    if outside:
        parts.append(f"{outside} rows without a two-sided range or without placebos in time are not among them")
    return "; ".join(parts)
