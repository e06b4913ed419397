"""Cloudflare Radar: traffic over time and shares of requests by device type, as JSON answers or in their CSV shape."""

from __future__ import annotations

import csv
import hashlib
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any
from urllib.parse import urlencode

from analyzer.errors import BadInput, FetchError
from analyzer.places import WORLD, is_country
from analyzer.records import Lines, Observation, Origin, Rejection, Request, Source
from analyzer.records.words import State
from analyzer.sources import _answers, _mapping
from analyzer.sources._table import TEXT_LIMIT, Bad, check_era

# Envelope and fields as documented; the numbers are made up.
EXAMPLE = """\
{"success":true,"errors":[],"messages":[],"result":{"country_PK":{"timestamps":["2024-02-17T00:00:00Z",
"2024-02-17T01:00:00Z"],"values":["1","0.702113"]},"meta":{"aggInterval":"ONE_HOUR","normalization":"MIN0_MAX",
"lastUpdated":"2024-02-18T08:00:00Z","dateRange":[{"startTime":"2024-02-17T00:00:00Z",
"endTime":"2024-02-17T02:00:00Z"}],"units":[{"name":"*","value":"bytes"}],"confidenceInfo":{"level":5,
"annotations":[]}}}}
"""

BASE = "https://api.cloudflare.com/client/v4/radar"
TOKEN_IN = "CLOUDFLARE_API_TOKEN"  # noqa: S105 - the name of the variable, not a token
HOURS_UP_TO = timedelta(days=31)  # the service's own choice for longer ranges is days
LONGEST = timedelta(days=364)
DEVICES = frozenset({"mobile", "desktop", "other"})

_STEPS: Mapping[str, timedelta] = {
    "FIFTEEN_MINUTES": timedelta(minutes=15),
    "ONE_HOUR": timedelta(hours=1),
    "ONE_DAY": timedelta(days=1),
    "ONE_WEEK": timedelta(days=7),
}
_OURS = re.compile(r"country_([a-z]{2})", re.IGNORECASE)
_COLUMN = re.compile(r"(.+) timestamps")
_Interval = tuple[datetime, datetime]


def recognise(head: str) -> bool:
    text = head.lstrip()
    if text[:1] == "{":
        return '"success"' in text and '"errors"' in text and '"result"' in text
    first = text.split("\n", 1)[0].split(",")
    name = _COLUMN.fullmatch(first[0].strip().strip('"'))
    return name is not None and len(first) > 1 and first[1].strip().strip('"').startswith(f"{name[1]} ")


@dataclass(frozen=True, slots=True)
class _Series:
    """One series as it stands in the answer: times and cells as texts, by name of the column."""

    name: str
    times: list[Any]
    columns: Mapping[str, list[Any]]
    lines: list[int]


@dataclass(frozen=True, slots=True)
class _Answer:
    """What holds for all series of an answer; None and '' where it does not say."""

    series: list[_Series]
    scale: str
    step: timedelta | None = None
    normalization: str = ""
    unit: str = ""
    quality: float | None = None
    ranges: tuple[_Interval, ...] = ()


def read(lines: Lines, origin: Origin) -> Iterator[Observation | Rejection]:
    text = _answers.text_of(lines, origin)
    scale = hashlib.sha256(text.encode(errors="replace")).hexdigest()[:12]
    is_json = text.lstrip()[:1] == "{"
    answer = _of_json(text, scale, origin) if is_json else _Answer(_of_csv(text, origin), scale)
    countries = _countries([s.name for s in answer.series], origin)
    for series in answer.series:
        yield from _rows(series, answer, countries[series.name], origin)


def _of_json(text: str, scale: str, origin: Origin) -> _Answer:
    document = _answers.json_of(text, origin)
    result = document.get("result")
    if document.get("success") is not True or document.get("errors") or not isinstance(result, dict):
        raise BadInput(
            f"{origin.name} is an error of Cloudflare: {_answers.shown(document.get('errors'))}; "
            f"check the token in {TOKEN_IN} (expired?), the country and the dates"
        )
    meta = result.get("meta")
    found = [_json_series(name, value, origin) for name, value in result.items() if name != "meta"]
    if not isinstance(meta, dict) or not found:
        raise BadInput(f"{origin.name} is no Radar time series (found: {_answers.shown(sorted(result))})")
    return _Answer(
        found,
        scale,
        _stated_step(meta, origin),
        str(meta.get("normalization", "")),
        _unit(meta),
        _confidence(meta),
        _ranges(meta, origin),
    )


def _json_series(name: str, value: Any, origin: Origin) -> _Series:
    if not isinstance(value, dict) or not all(isinstance(column, list) for column in value.values()):
        raise BadInput(f"{origin.name}: {_answers.shown(name)} is no time series; summaries and lists are not read")
    times = value.get("timestamps")
    columns = {str(k): v for k, v in value.items() if k != "timestamps"}
    if not times or not columns:
        raise BadInput(f"{origin.name}: {_answers.shown(name)} has no timestamps or no values; was the range empty?")
    if any(len(column) != len(times) for column in columns.values()):
        raise BadInput(f"{origin.name}: {_answers.shown(name)} has other numbers of timestamps and of values")
    return _Series(name, times, columns, list(range(1, len(times) + 1)))


def _stated_step(meta: Mapping[str, Any], origin: Origin) -> timedelta:
    stated = meta.get("aggInterval")
    if isinstance(stated, str) and stated in _STEPS:
        return _STEPS[stated]
    raise BadInput(f"{origin.name}: aggInterval {_answers.shown(stated)} is none of {', '.join(_STEPS)}")


def _unit(meta: Mapping[str, Any]) -> str:
    units = meta.get("units")
    first = units[0] if isinstance(units, list) and units else None
    stated = first.get("value") if isinstance(first, dict) else None
    return stated if isinstance(stated, str) and re.fullmatch(r"[a-z_ ]{1,20}", stated) else ""


def _confidence(meta: Mapping[str, Any]) -> float | None:
    """The service's level from 1 to 5, as a part of the highest."""
    info = meta.get("confidenceInfo")
    level = info.get("level") if isinstance(info, dict) else None
    return level / 5 if isinstance(level, int) and 1 <= level <= 5 else None


def _ranges(meta: Mapping[str, Any], origin: Origin) -> tuple[_Interval, ...]:
    """The times that the answer is about: an interval that reaches beyond them is only partly counted."""
    stated = meta.get("dateRange", [])
    try:
        found = tuple((_time(r["startTime"]), _time(r["endTime"])) for r in stated)
    except (KeyError, TypeError, Bad) as error:
        raise BadInput(f"{origin.name}: dateRange {_answers.shown(stated)} is no list of times") from error
    return found


def _of_csv(text: str, origin: Origin) -> list[_Series]:
    """Every series of a table that puts them side by side."""
    try:
        (_, header), *body = _table(text)
    except (csv.Error, ValueError) as error:
        raise BadInput(f"{origin.name} is no table: {error}") from error
    starts = [i for i, column in enumerate(header) if _COLUMN.fullmatch(column)]
    if not starts or starts[0]:
        raise BadInput(f"{origin.name}: its first column is {_answers.shown(header[:1])}, not '<Name> timestamps'")
    names = [header[i].removesuffix(" timestamps") for i in starts]
    if len(set(header)) < len(header):
        raise BadInput(f"{origin.name} names a column twice; rename one of the series")
    if not body:
        raise BadInput(f"{origin.name} holds a header of Radar but no rows; was the range of days empty?")
    for line, row in body:
        if len(row) != len(header):
            raise BadInput(f"{origin.name}: line {line} has {len(row)} columns, the header {len(header)}: was it cut?")
    ends = [*starts[1:], len(header)]
    return [
        _csv_series(name, header[a:b], [(line, row[a:b]) for line, row in body], origin)
        for name, a, b in zip(names, starts, ends, strict=True)
    ]


def _table(text: str) -> list[tuple[int, list[str]]]:
    reader = csv.reader(text.splitlines(), strict=True)
    return [(reader.line_num, [cell.strip() for cell in row]) for row in reader if row]


def _csv_series(name: str, header: list[str], body: list[tuple[int, list[str]]], origin: Origin) -> _Series:
    """One series from its own part of the table."""
    if len(header) < 2 or not all(c.startswith(f"{name} ") for c in header):
        found = _answers.shown(header)
        raise BadInput(f"{origin.name}: columns {found} are no timestamps of {_answers.shown(name)} with its values")
    kept = [(line, row) for line, row in body if any(row)]  # a shorter series ends before its neighbour
    columns = {c.removeprefix(f"{name} "): [row[i] for _, row in kept] for i, c in enumerate(header) if i}
    return _Series(name, [row[0] for _, row in kept], columns, [line for line, _ in kept])


def _countries(names: list[str], origin: Origin) -> dict[str, str]:
    """The country of each series: by the name that `fetch` gives, by the mapping, or by --cc where there is one series.

    Any other name is its asker's own: `Sa` has been seen for South Africa.
    """
    mapping = origin.mapping or {}
    _mapping.known(mapping, ("countries", *_mapping.STATED), "mapping")
    stated = mapping.get("countries", {})
    found = {}
    for name in names:
        ours = _OURS.fullmatch(name)
        listed = stated.get(name) if isinstance(stated, Mapping) else None
        cc = str(listed or (ours[1] if ours else "") or (origin.cc if len(names) == 1 else "") or "").upper()
        if not cc:
            raise BadInput(_nameless(name, len(names), origin))
        if cc != WORLD and not is_country(cc):
            raise BadInput(f"{origin.name}: {_answers.shown(cc)} of {_answers.shown(name)} is no country code")
        if origin.cc and origin.cc != cc:
            raise BadInput(f"{origin.name} holds a series of {cc}, not of {origin.cc}; leave --cc out")
        found[name] = cc
    return found


def _nameless(name: str, count: int, origin: Origin) -> str:
    how = "with --cc" if count == 1 else "with --source radar_timeseries and a --map of countries = { Name = 'CC' }"
    return f"{origin.name} does not say of which country the series {_answers.shown(name)} is; name it {how}"


def _rows(series: _Series, answer: _Answer, cc: str, origin: Origin) -> Iterator[Observation | Rejection]:
    columns = set(series.columns)
    if columns != {"values"} and not columns <= DEVICES:
        found = _answers.shown(sorted(columns))
        raise BadInput(f"{origin.name} has the columns {found}: neither values nor shares of mobile, desktop, other")
    is_traffic = columns == {"values"}
    _check_normalization(answer.normalization, is_traffic, origin)
    times = [_time_or_none(text) for text in series.times]
    step = answer.step or _step_of([t for t in times if t is not None], origin)
    good: list[tuple[datetime, dict[str, float]]] = []
    for i, when in enumerate(times):
        cells = {name: column[i] for name, column in series.columns.items()}
        try:
            good.append((_whole(when, series.times[i], step, answer.ranges), _values(cells, is_traffic)))
        except Bad as bad:
            text = _answers.shown([series.times[i], *cells.values()])
            yield Rejection(series.lines[i], bad.field, bad.reason, text[:TEXT_LIMIT])
    if is_traffic:
        yield from _traffic(good, cc, step, answer, origin)
    else:
        yield from _shares(good, cc, step, answer)


def _check_normalization(stated: str, is_traffic: bool, origin: Origin) -> None:
    """A scale without a true zero, or one of changes, gives no ratio; a CSV does not say its own."""
    wanted = ("", "MIN0_MAX") if is_traffic else ("", "PERCENTAGE")
    if stated not in wanted:
        raise BadInput(f"{origin.name} is normalized as {_answers.shown(stated)}; ask for {wanted[1]}")


def _step_of(times: list[datetime], origin: Origin) -> timedelta:
    """The distance that most rows have from the next."""
    apart = Counter(b - a for a, b in pairwise(times))
    common = apart.most_common(1)[0][0] if apart else None
    if common is not None and common in _STEPS.values():
        return common
    raise BadInput(
        f"{origin.name}: its times are {common or 'too few'} apart, not 15 minutes, an hour, a day or a week"
    )


def _time(value: Any) -> datetime:
    """Naive UTC of an instant that states its offset; raises Bad."""
    try:
        when = datetime.fromisoformat(value) if isinstance(value, str) else None
        if when is None or when.tzinfo is None:
            raise Bad("timestamps", f"{_answers.shown(value)} is no instant such as 2024-02-17T00:00:00Z")
        check_era(when, str(value), "timestamps")
        return when.astimezone(UTC).replace(tzinfo=None)
    except (ValueError, OverflowError):
        raise Bad("timestamps", f"{_answers.shown(value)} is no instant such as 2024-02-17T00:00:00Z") from None


def _time_or_none(value: Any) -> datetime | None:
    try:
        return _time(value)
    except Bad:
        return None


def _whole(when: datetime | None, text: Any, step: timedelta, ranges: tuple[_Interval, ...]) -> datetime:
    """The start of an interval that the answer counts from end to end; raises Bad."""
    start = _time(text) if when is None else when
    if ranges and not any(first <= start and start + step <= last for first, last in ranges):
        raise Bad("timestamps", f"{_answers.shown(text)} begins an interval of which the answer counts a part only")
    return start


def _values(cells: Mapping[str, Any], is_traffic: bool) -> dict[str, float]:
    """Values of one time; raises Bad.  Shares are per cent in the answer and parts of 1 here."""
    if is_traffic:
        return {"values": _answers.number_of(cells["values"], "values")}
    found = {name: _answers.number_of(cell, name, most=100.0) / 100 for name, cell in cells.items()}
    total = sum(found.values())
    if total > 1.01 or (found.keys() == DEVICES and total < 0.99):
        raise Bad("", f"shares sum to {100 * total:.1f} per cent")
    return found


Good = list[tuple[datetime, dict[str, float]]]


def _traffic(good: Good, cc: str, step: timedelta, answer: _Answer, origin: Origin) -> Iterator[Observation]:
    """Parts of the answer's own maximum; quarters of an hour as means over hours."""
    beyond = next((v["values"] for _, v in good if v["values"] > 1), None)
    if beyond is not None:
        raise BadInput(f"{origin.name} holds the value {beyond:g}: not parts of the answer's maximum (MIN0_MAX)")
    unit = f"traffic ({answer.unit or 'unit not stated'}, part of the answer's maximum)"
    scale = f"radar/min0_max/{answer.scale}"
    for row in _answers.hourly(((when, values["values"]) for when, values in good), step):
        state: State = "missing" if row.value is None else "value"
        quality = answer.quality if row.quality is None else row.quality
        yield Observation(
            *("radar.traffic", cc, row.start, row.end, row.value, unit), state=state, quality=quality, scale_id=scale
        )


def _shares(good: Good, cc: str, step: timedelta, answer: _Answer) -> Iterator[Observation]:
    for when, values in good:
        for device, share in values.items():
            yield Observation(
                *("radar.device_share", cc, when, when + step, share, "share of requests"),
                entity=device,
                quality=answer.quality,
                scale_id="radar/device_type",
            )


def requests(cc: str, start: date, end: date) -> list[Request]:
    """Traffic and device types of a country in one answer each: values of two answers do not compare."""
    if end - start > LONGEST:
        raise FetchError(
            f"Radar answers at most {LONGEST.days} days at once, and two answers do not compare: ask for less"
        )
    asked = {
        "name": f"country_{cc}",
        **({} if cc == WORLD else {"location": cc}),
        "dateStart": f"{start}T00:00:00Z",
        "dateEnd": f"{end}T00:00:00Z",
        "aggInterval": "1h" if end - start <= HOURS_UP_TO else "1d",
        "format": "JSON",
    }
    paths = {"netflows/timeseries": "netflows", "http/timeseries_groups/device_type": "device-type"}
    return [
        Request(f"{BASE}/{path}?{urlencode(asked)}", f"radar-{what}-{cc.lower()}.json", TOKEN_IN)
        for path, what in paths.items()
    ]


SOURCE = Source(
    name="radar_timeseries",
    title="Cloudflare Radar: traffic, and shares of requests by device type, over time",
    organization="Cloudflare",
    info_url="https://radar.cloudflare.com/",
    licence="CC BY-NC 4.0",
    attribution="Cloudflare Radar",
    grain="one row per interval (15 minutes to a week) and series; quarters of an hour of traffic are kept as hours",
    indicators=("radar.traffic", "radar.device_share"),
    caveat=(
        "Traffic is a part of its own answer's maximum: every answer has a scale_id of its own, and values of two are "
        "never compared. A name given to a series is no country: --cc says it. Who uses a VPN counts for the country "
        "of its exit, so that a block with uptake can look like a fall. A CSV does not say how it is normalized: it "
        "must be MIN0_MAX. Annotations of known outages stay in the file as received. fetch needs a token in "
        f"{TOKEN_IN}."
    ),
    timezone="UTC",
    example=EXAMPLE,
    example_is_genuine=False,
    recognise=recognise,
    read=read,
    requests=requests,
    revised_days=1,  # Radar revises recent days; for how long is not stated
)
