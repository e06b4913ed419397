"""Times as tables write them -> half-open UTC intervals.  A local time without its zone is refused, never guessed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from analyzer.sources._mapping import Time
from analyzer.sources._table import Bad, check_era

_UTC = ZoneInfo("UTC")


class Clock:
    """Intervals of one table; a text that comes again is not read again."""

    def __init__(self, time: Time) -> None:
        self._time = time
        self._seen: dict[str, tuple[datetime, datetime | None]] = {}

    def interval(self, text: str, end: str = "") -> tuple[datetime, datetime]:
        """First instant and first instant after, naive UTC; raises Bad."""
        if text not in self._seen:
            if len(self._seen) > 100_000:  # bounded memory, should every row have a time of its own
                self._seen.clear()
            self._seen[text] = self._read(text)
        start, stop = self._seen[text]
        stop = self._wall(end)[1] if end or stop is None else stop
        if stop <= start:
            raise Bad(self._time.column, f"ends at {end!r}, not after its start {text!r}")
        return start, stop

    def _read(self, text: str) -> tuple[datetime, datetime | None]:
        local, instant = self._wall(text)
        grain = self._time.grain
        if grain is None:
            return instant, None
        self._aligned(local, text)
        if grain == "hour":
            return instant, instant + timedelta(hours=1)
        return instant, _naive_utc(_next(local, grain))

    def _wall(self, text: str) -> tuple[datetime, datetime]:
        """(on the table's clock, naive UTC)."""
        when = self._parsed(text.strip())
        check_era(when, text, self._time.column)
        zone = self._time.zone
        if when.tzinfo is not None:
            local = when.astimezone(zone or _UTC)
        elif zone is None:
            raise Bad(self._time.column, f"{text[:40]!r} is a local time of no stated zone; name it with --tz")
        else:
            local = when.replace(tzinfo=zone)
            self._refuse_doubtful(local, text)
        return local, _naive_utc(local)

    def _parsed(self, text: str) -> datetime:
        written = self._time.format
        try:
            if written == "epoch":
                # Seconds since 1970 in UTC, unless the mapping states a zone: some tables count the wall clock's.
                naive = datetime(1970, 1, 1) + timedelta(seconds=float(text))  # noqa: DTZ001
                return naive if self._time.zone else naive.replace(tzinfo=UTC)
            if written == "iso":
                return datetime.fromisoformat(text)
            return datetime.strptime(text, written)  # noqa: DTZ007 - the zone is judged by the caller
        except (ValueError, OverflowError):
            how = "an ISO date such as 2024-02-17" if written == "iso" else f"written as {written}"
            raise Bad(self._time.column, f"{text[:40]!r} is not {how}") from None

    def _refuse_doubtful(self, local: datetime, text: str) -> None:
        """An hour that a clock change skips or repeats has no one instant; a day's start always has."""
        if (local.hour or local.minute) and local.utcoffset() != local.replace(fold=1).utcoffset():
            zone = self._time.zone
            raise Bad(self._time.column, f"{text[:40]} does not exist or comes twice on the clock of {zone}")

    def _aligned(self, local: datetime, text: str) -> None:
        start = local.replace(minute=0, second=0, microsecond=0)
        if self._time.grain != "hour":
            start = start.replace(hour=0)
        if self._time.grain == "month":
            start = start.replace(day=1)
        if local != start:
            raise Bad(self._time.column, f"{text[:40]} is not the start of a {self._time.grain} on that clock")


def _next(local: datetime, grain: str) -> datetime:
    """The start of the next day, week or month on the same clock, whatever the clock did meanwhile."""
    if grain == "month":
        year, month = divmod(local.year * 12 + local.month, 12)
        return local.replace(year=year, month=month + 1)
    return local + timedelta(days=7 if grain == "week" else 1)


def _naive_utc(local: datetime) -> datetime:
    return local.astimezone(UTC).replace(tzinfo=None)
