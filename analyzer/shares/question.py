"""What is asked about shares, and the answer: frozen records."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, time

from analyzer.places import local_midnight
from analyzer.shares.changes import ChangeBand, Decomposition, Range
from analyzer.shares.counts import Selection
from analyzer.shares.rates import ErrorRates, Level

K = 10  # fewest clients of a published cell unless the store was filled with another


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked.  rates: errors to correct with (None = as counted only); their level may be flows under a question
    about clients: the errors of the rule "at least one labelled flow" are then derived.

    sampling: N where the capture kept one packet in N.  sensitivity_before, sensitivity_after: ranges that are thought
    possible in two periods.
    """

    cc: str
    start: date
    end: date  # day after the last
    before: date | None = None  # day after the last of the first period
    after: date | None = None  # first day of the second
    level: Level = "flows"
    selection: Selection = field(default_factory=Selection)
    rates: ErrorRates | None = None
    k: int = K
    sampling: int = 1
    design_effect: float = 1.0
    confidence: float = 0.95
    sensitivity_before: Range | None = None
    sensitivity_after: Range | None = None

    @property
    def window(self) -> tuple[datetime, datetime]:
        """The instants (naive UTC) between which cells are needed: days by the country's clock and by UTC."""
        first, last = (datetime.combine(day, time()) for day in (self.start, self.end))
        return min(first, local_midnight(self.start, self.cc)), max(last, local_midnight(self.end, self.cc))


@dataclass(frozen=True, slots=True)
class ShareRow:
    """One period; the fields are the columns of `vpn-uptake shares`.

    Counts and shares are given as low and high as well, which differ where a cell is suppressed or clients overlap; the
    plain column is then None.  corrected_low, corrected_high are an interval at the confidence asked for.
    """

    period: str
    first_day: date
    last_day: date
    hours: int
    level: Level
    selection: str
    unit: str
    numerator: int | None
    numerator_low: int
    numerator_high: int | None
    denominator: int | None
    denominator_low: int
    denominator_high: int | None
    apparent: float | None
    apparent_low: float | None
    apparent_high: float | None
    corrected: float | None = None
    corrected_low: float | None = None
    corrected_high: float | None = None
    raw: float | None = None
    clipped: bool = False
    false_flag_share: float | None = None
    false_flag_low: float | None = None
    false_flag_high: float | None = None
    sensitivity: str = ""
    false_positives: str = ""
    rates: str = ""
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ShareReport:
    """Rows, what moved the share between two periods, and what has to be said beside them."""

    rows: tuple[ShareRow, ...]
    decomposition: Decomposition | None
    band: ChangeBand | None
    notes: tuple[str, ...]
    caveats: tuple[str, ...]

    @property
    def is_estimated(self) -> bool:
        """True where a row has a corrected share, or as counted where no correction was asked for."""
        if any(r.sensitivity and r.level != "bytes" for r in self.rows):
            return any(r.corrected_low is not None for r in self.rows)
        return any(r.apparent_low is not None for r in self.rows)
