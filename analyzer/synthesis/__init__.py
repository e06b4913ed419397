"""Several indicators -> one statement within a type; across types a table, never one ratio."""

from __future__ import annotations

from analyzer.synthesis._agreement import NO_TYPE, Said, concordance
from analyzer.synthesis._combining import BAND, MOST, Combined, combine_effects
from analyzer.synthesis._correlation import CommonShock, common_shock
from analyzer.synthesis._multiplicity import StepDown, step_down

__all__ = [
    "BAND", "MOST", "NO_TYPE", "Combined", "CommonShock", "Said", "StepDown", "combine_effects", "common_shock",
    "concordance", "step_down",
]  # fmt: skip
