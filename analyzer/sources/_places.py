"""Country codes as data sources write them: ISO codes in any case, and the codes that are no country."""

from __future__ import annotations

from functools import lru_cache

from analyzer.places import UNKNOWN, is_country

# GeoIP databases: a1 anonymous proxy, a2 satellite provider, ap Asia/Pacific, eu Europe; an and cs were dissolved
# in 2010 and 2006.  The code stays as the entity, so that no two of them share a row.
NO_COUNTRY = frozenset({"a1", "a2", "ap", "eu", "an", "cs"})


@lru_cache(maxsize=4096)
def place(code: str) -> tuple[str, str] | None:
    """(cc, entity) of a code, or None for a code that nobody assigned; the empty code is the caller's to judge."""
    if code == "??":
        return UNKNOWN, ""
    if code.lower() in NO_COUNTRY:
        return UNKNOWN, code.lower()
    cc = code.upper()
    return (cc, "") if is_country(cc) and cc not in (UNKNOWN, "XX") else None
