"""From the words of a command or call to a question about shares: names checked, error rates found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from difflib import get_close_matches
from os import PathLike
from pathlib import Path
from typing import Any, get_args

from analyzer.capture.records import Confidence, Kind
from analyzer.errors import BadInput, UnknownName
from analyzer.places import check_country
from analyzer.shares.counts import FIRM, Selection
from analyzer.shares.question import Question
from analyzer.shares.rates import LEVELS, ErrorRates, Level, Rate, choose, load_rates, shipped_rates

KINDS: tuple[str, ...] = get_args(Kind)
CONFIDENCES: tuple[str, ...] = get_args(Confidence)


def question(
    cc: str,
    start: date,
    end: date,
    *,
    level: Level = "flows",
    family: str = "",
    kind: str = "",
    suspicions: bool = False,
    rates: str | PathLike[str] | None = None,
    sensitivity: str | None = None,
    false_positives: str | None = None,
    rates_level: Level | None = None,
    **options: Any,
) -> Question:
    """The question, with the rates that fit it.

    suspicions: also count labels that rest on statistics alone.  rates_level: what the rates count where that is
    not `level`.  Raises UnknownName for a country, level, kind or shipped rates that do not exist, BadInput for rates
    that are none or are given twice.
    """
    _known("level", level, LEVELS)
    _known("kind", kind, ("", *KINDS))
    selection = Selection(family, kind, CONFIDENCES if suspicions else FIRM)
    asked = Question(check_country(cc), start, end, level=level, selection=selection, **options)
    stated = _stated(sensitivity, false_positives, rates_level or level)
    if rates is None:
        return replace(asked, rates=stated)
    if stated:
        raise BadInput("give error rates once: a file or name, or a sensitivity with false positives")
    return replace(asked, rates=_found(str(rates), asked, rates_level))


def _known(what: str, given: str, known: Sequence[str]) -> None:
    if given not in known:
        raise UnknownName(f"no {what} {given!r}; known: {', '.join(k for k in known if k)}")


def _stated(sensitivity: str | None, false_positives: str | None, level: Level) -> ErrorRates | None:
    if sensitivity is None and false_positives is None:
        return None
    if sensitivity is None or false_positives is None:
        raise BadInput("a correction needs both: a sensitivity and false positives")
    return ErrorRates("as stated", level, Rate.parse(sensitivity), Rate.parse(false_positives))


def _found(name: str, asked: Question, rates_level: Level | None) -> ErrorRates:
    """Rates of a file that fit the question (of flows for clients where nothing else is there), or a shipped row."""
    if not name.endswith((".csv", ".toml")):
        return _shipped(name)
    rows = load_rates(Path(name))
    family, kind = asked.selection.family, asked.selection.kind
    levels: list[Level] = [rates_level] if rates_level else [asked.level, "flows"]
    if asked.level == "bytes":
        levels = levels[:1]
    fitting = (choose(rows, level, family=family, kind=kind) for level in levels)
    chosen = next((r for r in fitting if r), None)
    if chosen is None:
        raise BadInput(
            f"{Path(name).name}: no row with both rates for {levels[0]} of {asked.selection.text}"
            + ("; a share of bytes without them is asked for without --rates" if asked.level == "bytes" else "")
        )
    return chosen


def _shipped(name: str) -> ErrorRates:
    rows = {r.rates_id: r for r in shipped_rates() if r.is_complete}
    if name not in rows:
        near = get_close_matches(name, rows, n=3, cutoff=0.4) or list(rows)
        raise UnknownName(f"no shipped rates {name!r} (a file ends in .csv or .toml); known: {', '.join(near)}")
    return rows[name]
