"""IODA signals (API v2): how much of a country's or a network's address space is reachable, by data source."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any

from analyzer.errors import BadInput, FetchError
from analyzer.places import WORLD
from analyzer.records import Lines, Observation, Origin, Rejection, Request, Source
from analyzer.sources import _answers
from analyzer.sources._places import place
from analyzer.sources._table import Bad

# Envelope and fields as documented; the numbers are made up.
EXAMPLE = """\
{"type":"signals","metadata":{"requestTime":"2024-01-08T08:00:00+00:00","responseTime":"2024-01-08T08:00:01+00:00"},
"requestParameters":{"from":"1704600000","until":"1704607200","datasource":"ping-slash24"},"error":null,"perf":null,
"data":[[{"entityType":"country","entityCode":"PK","entityName":"Pakistan","datasource":"ping-slash24","subtype":"",
"from":1704600000,"until":1704607200,"step":600,"nativeStep":600,
"values":[3012,3010,3015,3011,null,3009,2950,2411,1204,350,348,351]}]],"copyright":"example"}
"""

BASE = "https://api.ioda.inetintel.cc.gatech.edu/v2"
LATEST = 7_200_000_000  # seconds since 1970: the year 2198
LONGEST = 7 * 86_400
# Days of one request: the service thins answers of more than 4,000 points, and a point of each is 5 or 10 minutes.
FETCHED = {"bgp": 13, "ping-slash24": 27}


@dataclass(frozen=True, slots=True)
class _Meaning:
    """What a data source of IODA measures, where a fall is a loss of connectivity or traffic."""

    indicator: str
    unit: str


_MEANINGS: Mapping[str, _Meaning] = {
    "bgp": _Meaning("ioda.connectivity", "connectivity (/24 networks visible in BGP)"),
    "ping-slash24": _Meaning("ioda.connectivity", "connectivity (/24 networks that answer probes)"),
    "merit-nt": _Meaning("ioda.connectivity", "connectivity (source addresses that reach a telescope)"),
    "ucsd-nt": _Meaning("ioda.connectivity", "connectivity (source addresses that reach a telescope)"),
    "gtr": _Meaning("google.traffic", "traffic of a Google product"),
}
# These fall for other reasons than those above, or rise when a network is cut: as connectivity they would mislead.
_NOT_CONNECTIVITY = ("ping-slash24-loss", "ping-slash24-latency", "gtr-norm", "gtr-sarima", "mozilla")
_SUBTYPE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_. -]{0,59}")
_ASN = re.compile(r"(?:AS)?([0-9]{1,10})", re.IGNORECASE)


def recognise(head: str) -> bool:
    """An answer of this service, an error of its own included: `read` says what it holds."""
    begin = head.lstrip()[:1] == "{"
    return begin and '"requestParameters"' in head and ('"nativeStep"' in head or '"copyright"' in head)


def read(lines: Lines, origin: Origin) -> Iterator[Observation | Rejection]:
    answer = _answers.json_of(_answers.text_of(lines, origin), origin)
    for number, found in enumerate(_signals(answer, origin), 1):
        try:
            signal = _signal(found, origin)
        except Bad as bad:
            yield _answers.refused(number, bad, found)
        else:
            yield from _rows(number, signal, found["values"])


def _signals(answer: dict[str, Any], origin: Origin) -> list[Any]:
    """The series of an answer, over its places.  Raises BadInput for an error, another answer or none at all."""
    if answer.get("error"):
        raise BadInput(f"{origin.name} is an error of IODA: {_answers.shown(answer['error'])}; ask again")
    if answer.get("type", "signals") != "signals":
        raise BadInput(f"{origin.name} is an IODA answer of type {_answers.shown(answer['type'])}, not of signals/raw")
    data = answer.get("data")
    if not isinstance(data, list) or not all(isinstance(series, list) for series in data):
        kind = type(data).__name__
        raise BadInput(f"{origin.name}: data is no list of lists of signals (found: {kind}); the service has changed")
    if found := [signal for series in data for signal in series]:
        return found
    raise BadInput(f"{origin.name} holds no signal: IODA has none for that place, data source and time")


@dataclass(frozen=True, slots=True)
class _Signal:
    """One series: where, what, and its regular points."""

    cc: str
    asn: int
    entity: str
    meaning: _Meaning
    start: datetime
    step: timedelta
    scale_id: str


def _signal(found: Any, origin: Origin) -> _Signal:
    """What a series says of itself; raises Bad where it cannot be taken for connectivity of a country or network."""
    if not isinstance(found, dict):
        raise Bad("data", "holds something that is no signal")
    source, meaning = _meaning(found)
    cc, asn, part = _place(found, origin)
    subtype = _subtype(found)
    first, step, native = (_seconds(found, field) for field in ("from", "step", "nativeStep"))
    _check_length(found, first, step)
    # How the service thins a series is not documented: thinned points do not compare with its own.
    thinned = "" if step == native else f"/{step}s"
    named = (subtype or source) if meaning.indicator == "google.traffic" else " ".join(filter(None, (source, subtype)))
    start = datetime.fromtimestamp(first, UTC).replace(tzinfo=None)
    entity = " ".join(filter(None, (part, named)))
    return _Signal(cc, asn, entity, meaning, start, timedelta(seconds=step), f"ioda/{source}{thinned}")


def _meaning(found: dict[str, Any]) -> tuple[str, _Meaning]:
    source = found.get("datasource")
    if isinstance(source, str) and source in _MEANINGS:
        return source, _MEANINGS[source]
    if source in _NOT_CONNECTIVITY:
        raise Bad("datasource", f"{source} measures no connectivity as such: it is not read")
    known = ", ".join(_MEANINGS)
    raise Bad("datasource", f"{_answers.shown(source)} is no data source whose meaning we know ({known})")


def _place(found: dict[str, Any], origin: Origin) -> tuple[str, int, str]:
    """(cc, asn, a code that is no country); a part of a country would pass for the whole of it."""
    kind, code = found.get("entityType"), found.get("entityCode")
    code = str(code) if isinstance(code, (str, int)) else ""
    if kind == "country":
        return _country(code, origin)
    number = _ASN.fullmatch(code) if kind == "asn" else None
    if number is None or int(number[1]) >= 1 << 32:
        raise Bad("entityType", f"{_answers.shown(kind)} {_answers.shown(code)} is neither a country nor a network")
    if not origin.cc:
        raise Bad("entityType", f"AS{number[1]} is a network without its country; name it with --cc")
    return origin.cc, int(number[1]), ""


def _country(code: str, origin: Origin) -> tuple[str, int, str]:
    where = place(code)
    if where is None:
        raise Bad("entityCode", f"{_answers.shown(code)} is no country code")
    if origin.cc and origin.cc != where[0]:
        raise BadInput(f"{origin.name} holds signals of {where[0]}, not of {origin.cc}; leave --cc out")
    return where[0], 0, where[1]


def _subtype(found: dict[str, Any]) -> str:
    subtype = found.get("subtype") or ""
    if subtype and not (isinstance(subtype, str) and _SUBTYPE.fullmatch(subtype)):
        raise Bad("subtype", f"{_answers.shown(subtype)} is no name")
    return subtype


def _seconds(found: dict[str, Any], field: str) -> int:
    value = found.get(field)
    most = LATEST if field in ("from", "until") else LONGEST
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value <= most:
        raise Bad(field, f"{_answers.shown(value)} is no number of seconds from 1 to {most}")
    return value


def _check_length(found: dict[str, Any], first: int, step: int) -> None:
    """A cut or padded list of values has no telling which point is which."""
    values, until = found.get("values"), _seconds(found, "until")
    if not isinstance(values, list) or not values:
        raise Bad("values", "is no list of values" if not isinstance(values, list) else "is empty")
    if any(isinstance(value, (dict, list)) for value in values):
        raise Bad("values", "holds objects where numbers were expected")
    if abs(first + step * len(values) - until) > step:
        raise Bad("values", f"are {len(values)}, where from, until and step say {max(until - first, 0) // step}")


def _rows(number: int, signal: _Signal, values: list[Any]) -> Iterator[Observation | Rejection]:
    """Hours with the share of their points that had a value; a point that is no number is refused by itself."""
    points: list[tuple[datetime, float | None]] = []
    for i, value in enumerate(values):
        try:
            amount = None if value is None else _answers.number_of(value, f"values[{i}]")
        except Bad as bad:
            yield _answers.refused(number, bad, value)
            amount = None
        points.append((signal.start + i * signal.step, amount))
    yield from map(partial(_observation, signal), _answers.hourly(points, signal.step))


def _observation(signal: _Signal, step: _answers.Step) -> Observation:
    return Observation(
        signal.meaning.indicator,
        signal.cc,
        step.start,
        step.end,
        step.value,
        signal.meaning.unit,
        asn=signal.asn,
        entity=signal.entity,
        state="missing" if step.value is None else "value",
        quality=step.quality,
        scale_id=signal.scale_id,
    )


def requests(cc: str, start: date, end: date) -> list[Request]:
    """Routing and probing of a country, in pieces that the service does not thin."""
    if cc == WORLD:
        raise FetchError("IODA has signals of countries, not of the world; name a country with --cc")
    return [_request(cc, name, *piece) for name, days in FETCHED.items() for piece in _pieces(start, end, days)]


def _pieces(start: date, end: date, days: int) -> Iterator[tuple[date, date]]:
    while start < end:
        yield start, min(start + timedelta(days=days), end)
        start += timedelta(days=days)


def _request(cc: str, source: str, start: date, end: date) -> Request:
    first, last = (int(datetime(d.year, d.month, d.day, tzinfo=UTC).timestamp()) for d in (start, end))
    url = f"{BASE}/signals/raw/country/{cc}?from={first}&until={last}&datasource={source}"
    return Request(url, f"signals-{cc.lower()}-{source}-{start}.json")


SOURCE = Source(
    name="ioda_signals",
    title="IODA signals: reachability of a country's or a network's addresses",
    organization="Georgia Institute of Technology, Internet Intelligence Lab (IODA)",
    info_url="https://ioda.inetintel.cc.gatech.edu/",
    licence="copyright Georgia Tech Research Corporation and the Regents of the University of California; "
    "academic use; not to be redistributed",
    attribution="IODA, Georgia Institute of Technology",
    grain="one series per place and data source; kept as means over UTC hours",
    indicators=("ioda.connectivity", "google.traffic"),
    caveat=(
        "Entity: the data source (bgp, ping-slash24, merit-nt, ucsd-nt); gtr is google.traffic by product. An hour "
        "with fewer than half of its points is missing; quality is the share of them that had a value. Points that "
        "the service thinned have a scale_id of their own. Loss, latency, regions and continents are refused, not "
        "read. Probing does not see behind carriers' address translation: a cut of mobile data can leave it as it is."
    ),
    timezone="UTC",
    example=EXAMPLE,
    example_is_genuine=False,
    recognise=recognise,
    read=read,
    requests=requests,
)
