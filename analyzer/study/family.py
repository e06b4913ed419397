"""Multiplicity of a study: how surprising each printed row is, given how many were asked."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.special import stdtrit

from analyzer.records import Estimate, Family, FamilyRow
from analyzer.study.effects import LEVEL
from analyzer.study.judged import Judged, by_date
from analyzer.synthesis import StepDown, step_down

OWN_WINDOWS = 1.5  # degrees of freedom of a window's worth of overlapping placebos
FEWEST = 3.0


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
    tails = [_tail(j) for j in given]
    return step_down(
        [statistic for statistic, _ in tails],
        [freedom for _, freedom in tails],
        by_date(given),
        windows=[_windows(j) for j in given],
        first=first,
    )


def _tail(judged: Judged) -> tuple[float, float]:
    """Statistic and degrees of freedom that leave p = 5 % at the interval's end, and go on by the row's own windows.

    An interval is calibrated where it ends; how fast p falls beyond it cannot be borrowed from a prior or other series.
    """
    own = OWN_WINDOWS * judged.days.size / (judged.reach + 3)  # as the engine counts overlapping windows
    freedom = min(judged.freedom, max(own, FEWEST))
    ends = stdtrit(np.array([freedom, judged.freedom]), 0.5 + LEVEL / 2)
    return judged.statistic * float(ends[0] / ends[1]), freedom


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
