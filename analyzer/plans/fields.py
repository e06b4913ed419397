"""The fields of a plan's file: how each value is read, and what is said where it cannot be meant."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, get_args

from analyzer.errors import UnknownName
from analyzer.places import UNKNOWN, WORLD, check_country
from analyzer.records import IndicatorType

Reader = Callable[[Any], Any]
ESTIMANDS = ("no_block_since_base", "just_before")
LONGEST = 36_500  # days
LARGEST_OF_INTEREST = 1000.0  # times
_INDICATOR = re.compile(r"[a-z0-9_]+(\.[a-z0-9_]+)+")


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What the layers above know of names; each raises an AnalyzerError that says which names there are."""

    block: Callable[[str], object]
    horizon: Callable[[str], object]
    estimator: Callable[[str], object]
    kinds: Collection[str]


@dataclass(frozen=True, slots=True)
class Field:
    """One key of a section: its reader, the value where it is absent (None = it must be there), and a comment."""

    read: Reader
    absent: Any
    comment: str = ""


def text(value: Any) -> str:
    """A string without outer spaces, in NFC."""
    if not isinstance(value, str):
        raise ValueError(f"{value!r} is no text: put it in quotes")
    if any(unicodedata.category(ch) in ("Cc", "Cs") for ch in value):
        raise ValueError("holds a control character, a line break or half a character: write one line of text")
    return unicodedata.normalize("NFC", value.strip())


def flag(value: Any) -> bool:
    """true or false."""
    if not isinstance(value, bool):
        raise ValueError(f"{value!r} is neither true nor false")
    return value


def country(value: Any) -> str:
    """An assigned code; ZZ for series that belong to no country."""
    code = text(value).upper()
    if code == WORLD:
        raise UnknownName("XX is the world: a plan is about one country")
    return code if code == UNKNOWN else check_country(code)


def day(value: Any) -> date:
    """A local calendar day."""
    if isinstance(value, datetime) or not isinstance(value, date | str):
        raise ValueError(f"{value!r} is no date: write it as 2026-12-01")
    try:
        return value if isinstance(value, date) else date.fromisoformat(value.strip())
    except ValueError:
        raise ValueError(f"{value!r} is no date: write it as 2026-12-01") from None


def indicator(value: Any) -> str:
    """An indicator's id."""
    name = text(value)
    if not _INDICATOR.fullmatch(name):
        raise ValueError(f"{name!r} is no indicator: write such as tor.bridge_users")
    if name.startswith("denominator."):
        raise ValueError(f"{name} is a denominator: nobody's use is counted by it; name the indicator it divides")
    return name


def series(value: Any) -> str:
    """`indicator` or `indicator/entity`."""
    name, slash, entity = text(value).partition("/")
    return indicator(name) + slash + entity


def listed(read: Reader) -> Reader:
    """A list of such values, each once, in order of name."""

    def read_list(value: Any) -> tuple[Any, ...]:
        if not isinstance(value, list):
            raise ValueError(f"{value!r} is no list: write it as [{value!r}]")
        return tuple(sorted({read(v) for v in value}))

    return read_list


def either(word: str, read: Reader) -> Reader:
    """The word, which stands for None, or such a value."""
    return lambda value: None if value == word else read(value)


def days(least: int) -> Reader:
    """A whole number of days of at least `least`."""

    def read_days(value: Any) -> int:
        if not _is_number(value) or value != int(value):
            raise ValueError(f"{value!r} is no whole number of days")
        if not least <= value <= LONGEST:
            raise ValueError(f"{value} days: write a number from {least} to {LONGEST}")
        return int(value)

    return read_days


def multiple(value: Any) -> float:
    """A finite multiple above 1."""
    if not _is_number(value):
        raise ValueError(f"{value!r} is no number: write a multiple above 1, such as 1.25")
    if not 1 < value <= LARGEST_OF_INTEREST:
        raise ValueError(f"{value:g} is no smallest effect: write a multiple above 1, such as 1.25 for a quarter more")
    return float(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def among(words: Collection[str]) -> Reader:
    """One of the words."""

    def read_word(value: Any) -> str:
        if (word := text(value)) not in words:
            raise ValueError(f"{word!r} is none of {', '.join(words)}")
        return word

    return read_word


def known(check: Callable[[str], object]) -> Reader:
    """A name that a check lets pass."""

    def read_name(value: Any) -> str:
        check(name := text(value))
        return name

    return read_name


def filled(value: Any) -> str:
    """A text that is not empty."""
    if not (found := text(value)):
        raise ValueError("is empty: fill it in")
    return found


def sections(words: Vocabulary) -> Mapping[str, Mapping[str, Field]]:
    """Every field of a plan's file by section; '' is the head of the file."""
    return {
        "": {"format": Field(days(1), 1), "question": Field(text, "", "in your words; part of what is hashed")},
        "event": {
            "block": Field(known(words.block), "", "a block of the catalogue; or the fields below"),
            "country": Field(country, "", "ISO 3166-1 alpha-2"),
            "day": Field(day, "", "the local calendar day asked about, or about which a block is expected"),
            "within_days": Field(days(0), "", "the first block at most so many days from the day"),
            "kind": Field(among(("any", *words.kinds)), "", "without a day: the next block of that kind, or any"),
        },
        "primary": {
            "indicator": Field(indicator, None),
            "entity": Field(text, "", "app, transport ...; empty = none"),
            "type": Field(among(get_args(IndicatorType)), "", "what is counted"),
            "horizon": Field(known(words.horizon), None, "during, 6h, 14d or '48h after end'"),
            "estimand": Field(among(ESTIMANDS), ESTIMANDS[0], " or ".join(ESTIMANDS)),
        },
        "secondary": {
            "indicators": Field(listed(series), [], "indicator or indicator/entity"),
            "horizons": Field(listed(known(words.horizon)), []),
        },
        "specification": _of_specification(),
        "analysis": {
            "smallest_effect": Field(multiple, 1.25, "changes within 1/x and x are of no interest"),
            "estimator": Field(known(words.estimator), "replay"),
            "rules_version": Field(filled, None, "of verdict and attribution"),
            "tool_version": Field(filled, None),
        },
    }


def _of_specification() -> Mapping[str, Field]:
    return {
        "base_days": Field(either("all", days(1)), "all", "days of base before the gap, or all"),
        "gap_days": Field(either("usual", days(0)), "usual", "days before onset kept out, or usual"),
        "weekends": Field(flag, True, "false leaves weekends out of base and window"),
        "donors": Field(flag, True, "false takes no other countries"),
        "without": Field(listed(country), [], "countries left out as donors"),
        "exclusions": Field(flag, True, "listed donor exclusions are applied"),
        "masks": Field(flag, True, "windows of other blocks are left out of the base"),
    }
