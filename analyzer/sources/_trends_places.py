"""Countries as Google Trends names them in English, in the brackets of a header."""

from __future__ import annotations

import re
import unicodedata
from functools import cache

from analyzer.places import UNKNOWN, WORLD, country_name, is_country

# English names of the Unicode locale data and older ones, where they differ from the names of the time zone database.
_OTHER_NAMES = {
    "American Samoa": "AS", "Bosnia": "BA", "British Virgin Islands": "VG", "Cabo Verde": "CV",
    "Caribbean Netherlands": "BQ", "Central African Republic": "CF", "Congo - Brazzaville": "CG",
    "Congo - Kinshasa": "CD", "Congo (DRC)": "CD", "Congo (Republic)": "CG", "Cocos (Keeling) Islands": "CC",
    "Czechia": "CZ", "Democratic Republic of the Congo": "CD", "Eswatini": "SZ",
    "Falkland Islands (Islas Malvinas)": "FK",
    "Federated States of Micronesia": "FM", "French Southern Territories": "TF", "Holy See": "VA", "Ivory Coast": "CI",
    "Macao": "MO", "Macedonia": "MK", "Myanmar (Burma)": "MM", "Palestinian Territories": "PS",
    "Pitcairn Islands": "PN", "Republic of the Congo": "CG", "Russian Federation": "RU", "Samoa": "WS",
    "Sint Maarten": "SX", "St. Martin": "MF", "Swaziland": "SZ", "Timor-Leste": "TL",
    "Turks & Caicos Islands": "TC", "Türkiye": "TR", "U.S. Outlying Islands": "UM", "U.S. Virgin Islands": "VI",
    "UAE": "AE", "UK": "GB", "USA": "US", "United States of America": "US", "St. Vincent & Grenadines": "VC",
    "Viet Nam": "VN",
    "Vatican City": "VA", "Worldwide": WORLD,
}  # fmt: skip

# Regions that Trends can be asked for have these names too: a state of the USA, one of Nigeria, a province of Belgium.
ALSO_REGIONS = frozenset({"GE", "NE", "LU"})


@cache
def _codes() -> dict[str, str]:
    letters = [chr(c) for c in range(ord("A"), ord("Z") + 1)]
    every = [a + b for a in letters for b in letters if is_country(a + b) and a + b not in (UNKNOWN, WORLD)]
    return {_plain(country_name(cc)): cc for cc in every} | {_plain(n): cc for n, cc in _OTHER_NAMES.items()}


def _plain(name: str) -> str:
    """Without case, accents and punctuation; `&` and `Saint` as they are spoken and shortened."""
    text = unicodedata.normalize("NFKD", name).casefold().replace("&", " and ").replace("saint ", "st ")
    text = "".join(c for c in text if not unicodedata.combining(c))
    return " ".join(re.sub(r"[^\w]+", " ", text).split())


def named(name: str) -> str | None:
    """The code of a country by its English name, XX for Worldwide; None for any other."""
    return _codes().get(_plain(name))
