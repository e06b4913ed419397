"""One question answered: the estimates of a block, or of a date that is none, with checks and provenance."""

from __future__ import annotations

from analyzer.study.ask import ask, bare_date, event, series_keys
from analyzer.study.dossier import BriefQuestion, dossier, dossier_of
from analyzer.study.horizons import DEFAULT as DEFAULT_HORIZONS
from analyzer.study.people_of import people_of
from analyzer.study.repeated import repeated

__all__ = [
    "DEFAULT_HORIZONS", "BriefQuestion", "ask", "bare_date", "dossier", "dossier_of", "event", "people_of", "repeated",
    "series_keys",
]  # fmt: skip
