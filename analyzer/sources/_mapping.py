r"""The mapping file of a generic table: what each column is, checked key by key before any row is read.

A field is a column's name, or a table: {column = "Name", prefix = "app:"} or {value = "a constant"}.
Fields: indicator, cc, asn, entity, value, low, high, unit, state, quality, n, scale_id.  In TOML (YAML likewise):

    indicator = { value = "app.downloads" }
    unit = { value = "downloads" }
    cc = "Country"                        # ISO codes; or { value = "PK" }; or --cc on the command line
    entity = { column = "Unified Name", prefix = "app:" }
    value = "Downloads (Absolute)"        # or, for one column per country or entity: wide = { columns = "cc" }
    scale_id = { value = "sensor-tower" } # rows with another scale_id are not comparable with these
    thousands = ","                       # none unless stated; decimal is "." unless stated
    negative = false                      # true where values below zero are meant
    header = 1                            # number of the header's line; else the first that is no comment
    delimiter = "\t"                      # else the one that cuts the header into most columns
    licence = "licensed to the user"      # and attribution: kept with the snapshot
    time = { column = "Date", format = "%Y-%m-%d", zone = "Asia/Karachi", grain = "day" }
    aggregate = "mean"                    # or median, sum: rows of the same time and place become one, with n
    states = { "<1" = "below_threshold", "NA" = "missing" }
    countries = { "all" = "XX", "Pakistan" = "PK" }

format is `iso` unless stated, `epoch` (seconds since 1970: UTC, or of the wall clock of the zone where one is stated),
or as for strptime; grain is hour, day, week or month, unless `end` names a column with the end of each interval; wide
also takes skip, only (lists of columns) and prefix.  An aggregate joins the rows, or the columns of a wide table, that
share time, country and entity (none, unless a column is named): cities to a country.  Rows that are missing or below a
threshold are left out of it; n says how many are in it, quality what part of the most that any time has.

`type = "users"` and the like are for indicators that are none of the tool's own: without a type nothing is said of
people from them, and nothing combines them with others.  One of interest (searches), acquisition (downloads, sign-ups),
connection, traffic, users (clients of a tool; of VPNs as a whole where the indicator is named `vpn.` and something),
evidence, denominator.

A unit with the word rank, share or index is read as such; one with `connectivity` or `traffic` (`traffic index`) is a
level whose zeros are zeros, while those of another index are values below its threshold.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal, cast, get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from analyzer.errors import BadInput
from analyzer.indicators import TYPES
from analyzer.records import IndicatorType, State

FIELDS = ("indicator", "cc", "asn", "entity", "value", "low", "high", "unit", "state", "quality", "n", "scale_id")
_OTHERS = (
    "time", "end", "states", "countries", "wide", "aggregate", "decimal", "thousands", "delimiter", "header",
    "negative", "type",
)  # fmt: skip
AGGREGATES = ("mean", "median", "sum")
Aggregate = Literal["", "mean", "median", "sum"]
_OF_ONE_ROW = ("low", "high", "state", "quality", "n")  # an aggregate has its own, or none
STATED = ("licence", "attribution")  # travel with the snapshot; collection and category belong to app_charts_play
STATES = ("value", "missing", "below_threshold", "suppressed")
GRAINS = ("hour", "day", "week", "month")
Grain = Literal["hour", "day", "week", "month"]


@dataclass(frozen=True, slots=True)
class Field:
    """Where a field comes from: a column (with a prefix put before its cells) or a constant."""

    column: str = ""
    value: str = ""
    prefix: str = ""
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Time:
    """Which column says when, how it is written, on which clock, and how long one row lasts."""

    column: str
    format: str = "iso"
    zone: ZoneInfo | None = None
    grain: Grain | None = None


@dataclass(frozen=True, slots=True)
class Wide:
    """A table with one column per country or per entity."""

    columns: Literal["cc", "entity"]
    skip: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    prefix: str = ""


@dataclass(frozen=True, slots=True)
class TableMapping:
    """A checked mapping."""

    fields: Mapping[str, Field]
    time: Time
    end: str = ""
    states: Mapping[str, State] = field(default_factory=dict)
    countries: Mapping[str, str] = field(default_factory=dict)
    wide: Wide | None = None
    aggregate: Aggregate = ""
    decimal: str = "."
    thousands: str = ""
    delimiter: str = ""
    header: int = 0
    negative: bool = False


def read_mapping(path: str | Path) -> dict[str, Any]:
    """The content of a TOML or YAML file.  Raises BadInput when there is none or it is neither."""
    import yaml

    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8-sig")
        found = tomllib.loads(text) if path.suffix.lower() not in (".yaml", ".yml") else yaml.safe_load(text)
    except OSError as error:
        raise BadInput(f"cannot read the mapping {path}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise BadInput(f"the mapping {path} is not valid: {' '.join(str(error).split())}") from error
    if not isinstance(found, dict):
        raise BadInput(f"the mapping {path} must be keys and values, for example: value = 'Downloads'")
    return found


def checked(given: Mapping[str, Any], tz: str | None = None) -> TableMapping:
    """A mapping whose keys, states, zone and grain exist.  Raises BadInput naming the key and near names."""
    known(given, (*FIELDS, *_OTHERS, *STATED), "mapping")
    fields = {name: _field(name, given[name]) for name in FIELDS if name in given}
    end = _field("end", given["end"]).column if "end" in given else ""
    wide = _wide(given["wide"]) if "wide" in given else None
    _complete(fields, wide)
    stated_type(given)
    return TableMapping(
        fields=fields,
        time=_time(given.get("time"), tz, has_end=bool(end)),
        end=end,
        states=cast("dict[str, State]", {"": "missing"} | _texts("states", given.get("states", {}), STATES)),
        countries=_texts("countries", given.get("countries", {})),
        wide=wide,
        aggregate=_aggregate(given.get("aggregate", ""), fields),
        decimal=_one_of("decimal", given.get("decimal", "."), (".", ",", "٫")),
        thousands=_one_of("thousands", given.get("thousands", ""), ("", ".", ",", " ", "'", "_", "\u00a0", "\u202f")),
        delimiter=_one_of("delimiter", given.get("delimiter", ""), ("", ",", ";", "\t", "|")),
        header=_line(given.get("header", 0)),
        negative=given.get("negative", False) is True,
    )


def stated_type(given: Mapping[str, Any]) -> IndicatorType | None:
    """The type that a mapping states for its indicators.  Raises BadInput for a word that is none."""
    if "type" not in given:
        return None
    word = _one_of("type", given["type"], get_args(IndicatorType))
    named = constant_indicator(given)
    if named in TYPES and TYPES[named] != word:
        raise BadInput(f"mapping: {named} is of type {TYPES[named]}, not {word}; leave type out")
    return cast("IndicatorType", word)


def constant_indicator(given: Mapping[str, Any]) -> str:
    """The indicator that a mapping states for all rows; '' where a column names it."""
    return _field("indicator", given["indicator"]).value if "indicator" in given else ""


def known(given: Mapping[str, Any], allowed: Iterable[str], where: str) -> None:
    """Raises BadInput for a key that does not exist, with near names."""
    for key in given:
        if key not in allowed:
            near = get_close_matches(str(key), list(allowed), n=3, cutoff=0.5) or list(allowed)
            raise BadInput(f"{where}: no key {key!r}; did you mean: {', '.join(near)}?")


def _table(name: str, given: Any, allowed: Iterable[str]) -> Mapping[str, Any]:
    if not isinstance(given, dict):
        raise BadInput(f"mapping: {name} must be a table with {', '.join(allowed)}, not {given!r}")
    known(given, allowed, f"mapping: {name}")
    return given


def _field(name: str, given: Any) -> Field:
    if isinstance(given, str):
        return Field(column=given)
    table = _table(name, given, ("column", "value", "prefix"))
    if len({"column", "value"} & table.keys()) != 1:
        raise BadInput(f"mapping: {name} needs either column or value")
    for key, content in table.items():
        # YAML reads the country code NO as false, and 1 as a number.
        if not isinstance(content, str):
            raise BadInput(f"mapping: {name}.{key} is {content!r}, not text; put it in quotes")
    return Field(table.get("column", ""), table.get("value", ""), table.get("prefix", ""))


def _complete(fields: Mapping[str, Field], wide: Wide | None) -> None:
    for name in ("indicator", "unit"):
        if name not in fields:
            raise BadInput(f"mapping: no {name}; state it, for example: {name} = {{ value = '...' }}")
    if ("value" in fields) == (wide is not None):
        raise BadInput("mapping: needs either value (the column that holds it) or wide (one column per cc or entity)")
    if wide and wide.columns in fields:
        raise BadInput(f"mapping: {wide.columns} is what the columns of a wide table say; leave the key out")


def _wide(given: Any) -> Wide:
    table = _table("wide", given, ("columns", "skip", "only", "prefix"))
    columns = _one_of("wide.columns", table.get("columns"), ("cc", "entity"))
    skip, only = (_columns(f"wide.{key}", table.get(key, [])) for key in ("skip", "only"))
    return Wide(cast("Literal['cc', 'entity']", columns), skip, only, str(table.get("prefix", "")))


def _aggregate(given: Any, fields: Mapping[str, Field]) -> Aggregate:
    way = _one_of("aggregate", given, ("", *AGGREGATES))
    if way and (own := [name for name in _OF_ONE_ROW if name in fields]):
        raise BadInput(f"mapping: {', '.join(own)} cannot be joined by aggregate; leave {own[0]} out")
    return cast("Aggregate", way)


def _columns(name: str, given: Any) -> tuple[str, ...]:
    if not isinstance(given, list):
        raise BadInput(f"mapping: {name} must be a list of column names, not {given!r}")
    return tuple(map(str, given))


def _time(given: Any, tz: str | None, *, has_end: bool) -> Time:
    if given is None:
        raise BadInput("mapping: no time; for example: time = { column = 'Date', zone = 'UTC', grain = 'day' }")
    table = _table("time", given, ("column", "format", "zone", "grain"))
    if not isinstance(table.get("column"), str):
        raise BadInput("mapping: time.column must name the column that says when")
    grain = table.get("grain")
    if grain is None and not has_end:
        raise BadInput(f"mapping: time.grain is missing; it is one of {', '.join(GRAINS)} (or name an end column)")
    if grain is not None:
        _one_of("time.grain", grain, GRAINS)
    return Time(table["column"], str(table.get("format", "iso")), zone(tz or table.get("zone")), cast("Grain", grain))


def zone(name: str | None) -> ZoneInfo | None:
    """The clock of that name; raises BadInput for a name nobody knows."""
    if not name:
        return None
    try:
        return ZoneInfo(str(name))
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise BadInput(f"no time zone {name!r}; it is a name such as UTC or Asia/Karachi") from error


def _texts(name: str, given: Any, allowed: Iterable[str] = ()) -> dict[str, Any]:
    if not isinstance(given, dict):
        raise BadInput(f"mapping: {name} must be a table of marker = meaning, not {given!r}")
    for meaning in given.values():
        if allowed or not isinstance(meaning, str):
            _one_of(name, meaning, tuple(allowed))
    return {str(marker): meaning for marker, meaning in given.items()}


def _one_of(name: str, given: Any, allowed: tuple[str, ...]) -> str:
    if not isinstance(given, str) or given not in allowed:
        choice = ", ".join(repr(a) for a in allowed) or "a text in quotes"
        raise BadInput(f"mapping: {name} is {given!r}; it must be one of {choice}")
    return given


def _line(given: Any) -> int:
    if not isinstance(given, int) or given < 0:
        raise BadInput(f"mapping: header is {given!r}; it must be the number of the header's line, from 1")
    return given
