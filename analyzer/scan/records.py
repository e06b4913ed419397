"""What is asked of a scan and what it answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

NOTE = "a flag is a change of the series, not a block"


@dataclass(frozen=True, slots=True)
class ScanQuestion:
    """Countries and an indicator (all where none is named), UTC days [start, end), the share of false flags."""

    countries: tuple[str, ...] = ()
    indicator: str | None = None
    start: date | None = None
    end: date | None = None
    q: float = 0.05
    alarms: bool = False


@dataclass(frozen=True, slots=True)
class FlagRow:
    """One row of `vpn-uptake scan`; the fields are its columns, in order.

    first, last: first and last step of the change (UTC), last None where it had not gone back half its way within
    90 days or before the data end.  ratio with its bounds: of the mean over [window_start, window_end) to the
    forecast from before it, drawn towards 1 because it was picked; measured: the same without that.  known: blocks
    and non-events of the catalogue that begin or end near by; artefacts: listed faults of the measurement near by.
    """

    indicator: str
    entity: str
    cc: str
    first: datetime
    last: datetime | None
    direction: str
    ratio: float
    ratio_low: float
    ratio_high: float
    measured: float
    window_start: datetime
    window_end: datetime
    statistic: str
    p_value: float
    q_value: float
    rule: str
    known: str
    artefacts: str
    note: str = NOTE


@dataclass(frozen=True, slots=True)
class Report:
    """Flags, and how much was looked at: country-steps by outcome, series that could not be scanned with the reason."""

    rows: tuple[FlagRow, ...]
    series: int
    scanned: int
    not_scanned: Mapping[str, int]
    expected_false: float
    returns: int
    left_out: tuple[str, ...]

    @property
    def summary(self) -> str:
        """One line: what was looked at and what was not, how many flags, how many of them may be false."""
        outside = ", ".join(f"{count:,} {reason}" for reason, count in self.not_scanned.items() if count)
        found = sum(row.rule == "fdr" for row in self.rows)
        only = len(self.rows) - found
        parts = [
            f"{self.series:,} series, {self.scanned:,} country-days scanned",
            f"not scanned: {outside or 'none'}",
            f"{found:,} flags, of which {self.expected_false:.1f} expected to be false",
        ]
        if only:
            parts.append(f"{only:,} more by the alarm rule, which controls no share of false flags")
        if self.returns:
            parts.append(f"{self.returns:,} ends of listed changes not listed again")
        return "; ".join(parts)
