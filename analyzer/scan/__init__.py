"""Every country, indicator and day of a store looked at for a change: flags, and what was not looked at."""

from __future__ import annotations

from analyzer.scan.records import NOTE, FlagRow, Report, ScanQuestion
from analyzer.scan.report import scan

__all__ = ["NOTE", "FlagRow", "Report", "ScanQuestion", "scan"]
