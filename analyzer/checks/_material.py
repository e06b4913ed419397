"""What checks are handed beside the series: measurements of a tool, parts of a share, vintages of denominators."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from analyzer.records import Effect

# Anomalies that are no blocking run at 5 to 20 % of measurements and drift: weekly shares of all web measurements in
# Pakistan went from 6 to 28 % in October 2021 without a known block.
CLEAR = 0.20  # rise of a blocked share
LEAST = 0.05  # rise below which it is drift like any other

Possible = Effect | str  # an effect, or the reason why there is none


@dataclass(frozen=True, slots=True)
class BlockedShare:
    """Share of measurements that found something blocked, before and during a window, as fractions.

    low, high: 95 % interval of the difference.  n_before, n_during: measurements.
    elsewhere: median difference of other countries over the same time, None where fewer than three were measured.
    earlier: largest difference over earlier windows of that length, None where fewer than five were measured.
    exposed: part of the time measured in which the block is said to have lasted.
    """

    indicator: str
    entity: str
    before: float
    during: float
    low: float
    high: float
    n_before: int
    n_during: int
    elsewhere: float | None = None
    elsewhere_n: int = 0
    earlier: float | None = None
    exposed: float = 1.0

    @property
    def difference(self) -> float:
        """During less before."""
        return self.during - self.before

    @property
    def of_the_measurement(self) -> bool:
        """Whether the same entity rose elsewhere by half as much or more: then the test changed, not the country."""
        return self.elsewhere is not None and self.low > 0 and self.elsewhere >= max(0.5 * self.difference, LEAST)

    @property
    def unlike_earlier(self) -> bool:
        """Whether no earlier window rose by as much."""
        return self.earlier is None or self.difference > self.earlier

    @property
    def rose(self) -> bool:
        """A rise that is neither chance nor the test's, and that is large or larger than any earlier one."""
        if self.low <= 0 or self.of_the_measurement or self.difference < LEAST:
            return False
        return self.difference >= CLEAR or self.unlike_earlier


@dataclass(frozen=True, slots=True)
class Tool:
    """What is known of a block of the tool that a series counts.

    names: the tests that measure it.  shares: what they found in the window.  blocks: listed blocks of it.
    """

    names: tuple[str, ...]
    shares: tuple[BlockedShare, ...]
    blocks: tuple[str, ...]
    refused: tuple[str, ...] = ()  # why tests that are loaded say nothing


@dataclass(frozen=True, slots=True)
class Composition:
    """Numerator and denominator of a share over the same window; each an effect, or the reason why there is none."""

    kind: str  # uptake, device or evidence: what the share speaks of
    numerator: Possible
    denominator: Possible
    source: str  # where the denominator comes from; '' where it is not known


@dataclass(frozen=True, slots=True)
class Vintage:
    """One value of a denominator as one file gave it."""

    indicator: str
    entity: str
    year: int
    value: float
    unit: str
    snapshot_id: str
    retrieved_at: datetime | None
