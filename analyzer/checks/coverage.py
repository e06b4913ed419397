"""Coverage: how much of base and window was observed, how many reporters, what may still be revised."""

from __future__ import annotations

import numpy as np

from analyzer.checks import CheckRule, Evidence, Floats
from analyzer.records import Check

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


def _provisional_steps(evidence: Evidence) -> int:
    if evidence.provisional_from is None:
        return 0
    return int(np.clip(evidence.onset + evidence.steps - evidence.provisional_from, 0, evidence.steps))


CHECK = CheckRule("coverage", "Coverage of the data", run)
