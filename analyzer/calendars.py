"""Public holidays of a country, moving feasts included, and Ramadan.

The dates come from the library `holidays`, which is loaded when a date is first asked for; a country that it does not
know has none.  Feasts of the moon are announced by sighting: dates may be off by a day where they were estimated.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from datetime import date, timedelta
from functools import cache

RAMADAN, SHAWWAL = 9, 10
SIGHTING = timedelta(days=2)  # how far a feast that is sighted may lie from the computed one
_JUDGED = range(1431, 1446)  # Islamic years 2010 to 2024, of which a country's calendar has to show the feast's end


def public_holidays(cc: str, first: date, last: date) -> Mapping[date, str]:
    """Name by date, both ends included, in English where the library has it; empty for a place without a calendar."""
    known = _years(cc, first.year, last.year)
    return {day: name for day, name in known.items() if first <= day <= last}


@cache
def _years(cc: str, first: int, last: int) -> Mapping[date, str]:
    from holidays import country_holidays

    try:
        with warnings.catch_warnings():  # of years before a country's calendar begins: it then has none
            warnings.simplefilter("ignore")
            found = country_holidays(cc, years=range(first, last + 1), language="en_US")
    except NotImplementedError:
        return {}
    return dict(sorted(found.items()))


def ramadan(first: date, last: date) -> tuple[tuple[date, date], ...]:
    """Months of fasting that touch the days first .. last, as half-open ranges by the computed calendar."""
    years = range(_islamic_year(first) - 1, _islamic_year(last) + 2)
    months = ((_computed(year, RAMADAN), _computed(year, SHAWWAL)) for year in years)
    return tuple((start, end) for start, end in months if start <= last and end > first)


@cache
def keeps_ramadan(cc: str) -> bool:
    """Whether the feast that ends Ramadan is a public holiday, in three years of four at least."""
    feasts = [_computed(year, SHAWWAL) for year in _JUDGED]
    days = public_holidays(cc, feasts[0] - SIGHTING, feasts[-1] + SIGHTING)
    near = [any(abs(day - feast) <= SIGHTING for day in days) for feast in feasts]
    return sum(near) >= 0.75 * len(near)


def _islamic_year(day: date) -> int:
    return (day.toordinal() - 227015) * 30 // 10631 + 1


def _computed(year: int, month: int) -> date:
    """First day of a month of the tabular Islamic calendar (Reingold & Dershowitz 2018, section 7.1)."""
    return date.fromordinal(227015 + 29 * (month - 1) + month // 2 + 354 * (year - 1) + (3 + 11 * year) // 30)
