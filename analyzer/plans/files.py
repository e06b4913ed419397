"""Plans as files: a draft that a person can edit (TOML; JSON is read as well), checked line by line."""

from __future__ import annotations

import json
import re
import tomllib
from collections import Counter
from collections.abc import Mapping
from datetime import date
from difflib import get_close_matches
from os import PathLike
from pathlib import Path
from typing import Any

from analyzer.errors import AnalyzerError, BadInput
from analyzer.indicators import TYPES, type_of
from analyzer.plans.fields import Vocabulary, sections
from analyzer.plans.plan import FORMAT, Event, Plan
from analyzer.records import Specification

LARGEST = 1_000_000  # bytes; a plan has a few dozen lines
_SECTION = re.compile(r"\s*\[\s*([\w-]+)\s*\]|\s*\"([\w-]+)\"\s*:\s*\{")
_HEAD = """\
# A question fixed before its data are seen.  Edit it, then: vpn-uptake plan freeze FILE
# The hash is over the values alone: comments, order and spaces do not count.
"""


def read_plan(path: str | PathLike[str], words: Vocabulary) -> Plan:
    """The plan of a file.  Raises BadInput with file, line and field, and what to do."""
    file = Path(path)
    try:
        data = file.read_bytes()[: LARGEST + 1]
    except OSError as error:
        raise BadInput(f"cannot read {path}: {error.strerror}; check the path") from error
    if len(data) > LARGEST:
        raise BadInput(f"{file.name}: over {LARGEST:,} bytes is no plan; write one with: vpn-uptake plan new -o FILE")
    try:
        return parsed(data.decode("utf-8-sig"), file.name, words)
    except UnicodeDecodeError as error:
        raise BadInput(f"{file.name}: byte {error.start + 1} is not UTF-8: save the file as UTF-8") from error


def parsed(text: str, name: str, words: Vocabulary) -> Plan:
    """The plan of a text, TOML or JSON (a text that begins with a brace).  Raises BadInput."""
    return _made(_Text(text, name), _values(text, name), words)


def from_content(stored: str) -> Plan:
    """The plan of content that was checked when it was frozen, whatever names are known by now."""

    def anything(_: str) -> None:
        """Names are not checked again: a block may have left the catalogue since."""

    kind = json.loads(stored)["event"].get("kind", "")
    lenient = Vocabulary(anything, anything, anything, (kind,))
    return parsed(stored, "the stored plan", lenient)


def written(values: Mapping[str, Any], words: Vocabulary) -> str:
    """A plan's content, or a draft's, as TOML with a comment per field; a field that is not there as a comment."""
    lines = [_HEAD.rstrip()]
    for section, fields in sections(words).items():
        held = values.get(section, {}) if section else values
        lines += ["", f"[{section}]"] if section else [""]
        for key, field in fields.items():
            comment = f"  # {field.comment}" if field.comment else ""
            value = held.get(key)
            shown = value if key == "day" else _toml(value)
            lines.append(f"{key} = {shown}{comment}" if key in held else f"# {key} ={comment}")
    return "\n".join(lines) + "\n"


def drafted(given: Mapping[str, Mapping[str, Any]], words: Vocabulary) -> dict[str, Any]:
    """The values of a draft: those given, by section, and the usual ones; what only a person can know is left empty.

    Raises BadInput for a value that cannot be meant.
    """
    found: dict[str, Any] = {}
    for section, fields in sections(words).items():
        into = found.setdefault(section, {}) if section else found
        for key, field in fields.items():
            if key in given.get(section, {}):
                into[key] = _given(section, key, field.read, given[section][key])
            elif section != "event" and field.absent != "":
                into[key] = "" if field.absent is None else field.absent
    return found


def _given(section: str, key: str, read: Any, value: Any) -> Any:
    try:
        read(value)
    except (ValueError, AnalyzerError) as error:
        raise BadInput(f"{section}.{key}: {error}".removeprefix(".")) from error
    return value.isoformat() if isinstance(value, date) else list(value) if isinstance(value, tuple) else value


def _toml(value: Any) -> str:
    """A value as TOML; its strings are JSON's but for what JSON leaves as it is."""
    if isinstance(value, list):
        return f"[{', '.join(_toml(v) for v in value)}]"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


class _Text:
    """A file's text, to say in which line a field stands."""

    def __init__(self, text: str, name: str) -> None:
        self.lines, self.name = text.splitlines(), name

    def at(self, section: str, key: str) -> str:
        """`file: line N: section.key`, without a line for a field that is not there."""
        field = f"{section}.{key}" if section and key else section or key
        return ": ".join(filter(None, (self.name, self._line(section, key), field)))

    def _line(self, section: str, key: str) -> str:
        wanted, now = re.compile(rf"[\s{{,]*\"?{re.escape(key)}\"?\s*[=:]"), ""
        for number, line in enumerate(self.lines, 1):
            if match := _SECTION.match(line):
                now = match[1] or match[2]
            if now == (section or key) and (not section or not key or wanted.match(line)):
                return f"line {number}"
            if not section and not now and wanted.match(line):
                return f"line {number}"
        return ""


def _values(text: str, name: str) -> dict[str, Any]:
    try:
        found = _json(text) if text.lstrip().startswith("{") else tomllib.loads(text)
    except (tomllib.TOMLDecodeError, ValueError, RecursionError) as error:
        raise BadInput(f"{name}: cannot be read: {error}; correct it there") from error
    return found


def _json(text: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(text, object_pairs_hook=_once, parse_constant=_no_number)
    return found


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if twice := [key for key, count in Counter(key for key, _ in pairs).items() if count > 1]:
        raise ValueError(f"{', '.join(sorted(twice))} stands twice")
    return dict(pairs)


def _no_number(constant: str) -> None:
    raise ValueError(f"{constant} is no number of a plan")


def _made(text: _Text, values: Mapping[str, Any], words: Vocabulary) -> Plan:
    read = {section: _section(text, values, section, words) for section in sections(words)}
    if read[""]["format"] != FORMAT:
        raise BadInput(f"{text.at('', 'format')}: {read['']['format']} is not known to this version; it reads {FORMAT}")
    primary, secondary = read["primary"], read["secondary"]
    return Plan(
        event=_event(text, read["event"]),
        **{k: v for k, v in primary.items() if k != "type"},
        type=_type(text, primary),
        secondary_indicators=secondary["indicators"],
        secondary_horizons=secondary["horizons"],
        specification=Specification(**read["specification"]),
        **read["analysis"],
        question=read[""]["question"],
    )


def _section(text: _Text, values: Mapping[str, Any], section: str, words: Vocabulary) -> dict[str, Any]:
    every = sections(words)
    fields = every[section]
    held = values.get(section, {}) if section else values
    if not isinstance(held, Mapping):
        raise BadInput(f"{text.at('', section)}: is no section: write [{section}] in a line of its own")
    allowed = {*fields, *(() if section else every)}
    for key in held:
        if key not in allowed:
            near = get_close_matches(key, allowed, n=1) or sorted(allowed - {""})
            raise BadInput(f"{text.at(section, key)}: no such field; meant: {', '.join(near)}")
    return {key: _value(text, held, section, key, field.read, field.absent) for key, field in fields.items()}


def _value(  # noqa: PLR0917 - where, what and how, in that order
    text: _Text, held: Mapping[str, Any], section: str, key: str, read: Any, absent: Any
) -> Any:
    if key not in held:
        if absent is None:
            raise BadInput(f"{text.at(section, key)}: is missing; add it (vpn-uptake plan new shows every field)")
        return read(absent) if absent != "" else absent
    try:
        return "" if held[key] == absent == "" else read(held[key])
    except (ValueError, AnalyzerError) as error:
        raise BadInput(f"{text.at(section, key)}: {error}") from error


def _type(text: _Text, primary: Mapping[str, Any]) -> Any:
    """What the indicator counts; one of the user's own has to say it."""
    name, stated = primary["indicator"], primary["type"]
    ours = type_of(name)
    if ours is None and not stated:
        near = get_close_matches(name, TYPES, n=2)
        meant = f"; or did you mean {' or '.join(near)}?" if near else ""
        raise BadInput(f"{text.at('primary', 'indicator')}: the type of {name!r} is not known: add primary.type{meant}")
    if ours and stated and ours != stated:
        raise BadInput(f"{text.at('primary', 'type')}: {name} is of type {ours}, not {stated}: correct or remove it")
    return ours or stated


def _event(text: _Text, event: Mapping[str, Any]) -> Event:
    day: date | None = event["day"] or None
    within: int | None = None if event["within_days"] == "" else event["within_days"]
    found = Event(event["block"], event["country"], day, within, event["kind"])
    if fault := _fault(found):
        raise BadInput(f"{text.at('event', '')}: {fault}")
    return found


def _fault(event: Event) -> str:
    """Why no event is meant by these fields; '' where one is."""
    others = event.country or event.day or event.kind or event.within_days is not None
    if event.block:
        return "a block is named: remove country, day, within_days and kind" if others else ""
    if not event.country:
        return (
            "a day without a country: add event.country"
            if event.day
            else "name a block, or a country with a day or kind"
        )
    if event.day is None:
        if event.within_days is not None:
            return "within_days without a day: add event.day"
        return "" if event.kind else "a country alone: add event.day, or event.kind for the next block of a kind"
    if event.kind and event.within_days is None:
        return "a day with a kind: add event.within_days, or remove the kind"
    return ""
