"""Frozen plans: a question fixed by hash, when that was done, and what was known then.

A plan file is read here; what its names mean (blocks, horizons, estimators) is handed in as a `Vocabulary`.
"""

from __future__ import annotations

from analyzer.plans.fields import Vocabulary
from analyzer.plans.files import drafted, parsed, read_plan, written
from analyzer.plans.plan import DIGITS, Event, Frozen, Known, Plan, canonical, content, differences, series_name
from analyzer.plans.plan import specification_in_words as specification_in_words
from analyzer.plans.status import Status, status, status_in_words
from analyzer.plans.stored import event_ids, find, freeze, freezing, listed, of_file

__all__ = [
    "DIGITS", "Event", "Frozen", "Known", "Plan", "Status", "Vocabulary", "canonical", "content", "differences",
    "drafted", "event_ids", "find", "freeze", "freezing", "listed", "of_file", "parsed", "read_plan", "series_name",
    "specification_in_words", "status", "status_in_words", "written",
]  # fmt: skip
