"""Closed lists of words that columns, options and headings share (the glossary)."""

from __future__ import annotations

from typing import Literal

State = Literal["value", "missing", "below_threshold", "suppressed"]
Verdict = Literal["rise", "fall", "inconclusive", "ruled_out", "not_estimable"]
Attribution = Literal["supported", "contested", "other_cause", "no_block_known", "unclear"]
Verification = Literal["confirmed", "likely", "contested", "not_verifiable"]
Role = Literal["primary", "secondary", "exploratory"]
Precision = Literal["minute", "hour", "day", "week", "month"]
Outcome = Literal["passed", "failed", "informative"]
IndicatorType = Literal["interest", "acquisition", "connection", "traffic", "users", "evidence", "denominator"]
