"""Coverage: how much of base and window was observed, how many reporters, what may still be revised."""

from __future__ import annotations

import numpy as np

from analyzer.checks import CheckRule, Evidence, Floats
from analyzer.records import Check

UNUSUAL = 3.5  # robust deviations of the logged reporting fraction from that of the base
NOTABLE = 1.1  # a smaller change of the fraction cannot be what moved a series
FEW_REPORTERS = 0.5  # Tor's own graphs are unsteady below it; kept as a caveat, never as a weight


def run(evidence: Evidence) -> Check:
    """Failed where a twentieth of the base or any day of the window is missing, or the window is provisional."""
    base, window = _parts(evidence)
    gaps = [
        f"{np.isnan(part).sum()} of {part.size} steps of the {name} missing"
        for name, part in (("base", base), ("window", window))
    ]
    few = int(np.sum(evidence.quality[: evidence.onset + evidence.steps] < FEW_REPORTERS))
    reporters = [f"{few} steps with fewer than half of the reporters"] if few else []
    reporters += _unusual(evidence)
    late = _provisional_steps(evidence)
    revised = [f"{late} steps of the window may still be revised by the source"] if late else []
    bad = np.isnan(window).any() or np.isnan(base).mean() > 0.05 or late > 0
    return Check("coverage", "failed" if bad else "passed", "; ".join(gaps + reporters + revised))


def _parts(evidence: Evidence) -> tuple[Floats, Floats]:
    """The base from its first value to the gap, and the window with what it lacks as NaN."""
    y = evidence.y
    first = int(np.argmax(np.isfinite(y))) if np.isfinite(y).any() else 0
    window = np.full(evidence.steps, np.nan)
    seen = y[evidence.onset : evidence.onset + evidence.steps]
    window[: seen.size] = seen
    return y[first : max(evidence.onset - evidence.gap, first)], window


def _unusual(evidence: Evidence) -> list[str]:
    """Steps of the window whose reporting fraction is not that of the base: said, never a weight.

    Counts are divided by it, so that its error is one that all countries of a day have in common.
    """
    base = evidence.quality[: max(evidence.onset - evidence.gap, 0)]
    window = evidence.quality[evidence.onset : evidence.onset + evidence.steps]
    base, window = base[base > 0], window[window > 0]
    if base.size < 10 or window.size == 0:
        return []
    usual = float(np.median(np.log(base)))
    spread = 1.4826 * float(np.median(np.abs(np.log(base) - usual)))
    away = np.abs(np.log(window) - usual) > max(UNUSUAL * spread, np.log(NOTABLE))
    if not away.any():
        return []
    found = float(np.median(window[away]))
    values = f"{found:.2f}, usually {np.exp(usual):.2f}"
    text = f"{int(away.sum())} steps of the window with an unusual share of reporters ({values})"
    return [f"{text}: an error in it is common to all countries of that day"]


def _provisional_steps(evidence: Evidence) -> int:
    if evidence.provisional_from is None:
        return 0
    return int(np.clip(evidence.onset + evidence.steps - evidence.provisional_from, 0, evidence.steps))


CHECK = CheckRule("coverage", "Coverage of the data", run)
