"""OONI aggregation: of the measurements of a service or a tool, the share that found it blocked."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache, lru_cache
from math import gcd
from pathlib import Path, PurePath
from urllib.parse import urlencode, urlsplit

from analyzer.errors import BadInput
from analyzer.places import UNKNOWN, WORLD
from analyzer.records import Lines, Observation, Origin, Rejection, Request, Source
from analyzer.sources import _mapping, _ooni
from analyzer.sources._ooni import DAY, Counts, Found
from analyzer.sources._places import place
from analyzer.sources._table import Bad, check_era

SERVICE, TOOL = "ooni.service_blocked_share", "ooni.tool_blocked_share"
WEB = "web_connectivity"
SERVICE_TESTS = ("whatsapp", "telegram", "signal", "facebook_messenger")
TOOL_TESTS = ("psiphon", "tor", "torsf", "vanilla_tor", "riseupvpn", "openvpn")
ADDRESS = "https://api.ooni.io/api/v1/aggregation"
GROUPS = 500_000  # days of networks and domains held at a time where addresses are joined to their domains
_DOMAINS = Path(__file__).parents[1] / "data" / "services.csv"
_NAME = re.compile(r"ooni-aggregation-([A-Z]{2})-(?:domain|test_name(?:=([a-z_]+))?)-")  # as `requests` names them
_WHEN = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9]{2}:00:00Z)?")
_DOMAIN = re.compile(r"[a-z0-9_.:\[\]-]{1,260}")
_ASN = re.compile(r"(?:AS)?([0-9]{1,10})")

# The documented shape; the counts are made up.
EXAMPLE = """\
{"v":0,"dimension_count":2,
"result":[{"anomaly_count":3,"confirmed_count":0,"failure_count":1,"ok_count":40,"measurement_count":44,
"measurement_start_day":"2024-02-17","domain":"x.com"},
{"anomaly_count":0,"confirmed_count":0,"failure_count":0,"ok_count":12,"measurement_count":12,
"measurement_start_day":"2024-02-17","domain":"youtube.com"}],
"db_stats":{"row_count":12345,"bytes":67890,"total_row_count":12345,"elapsed_seconds":0.04}}
"""


@dataclass(frozen=True, slots=True)
class Stated:
    """What was asked for: an answer names only its one or two axes."""

    cc: str
    test: str
    domain: str
    grain: str


def read(lines: Lines, origin: Origin) -> Iterator[Observation | Rejection]:
    answer = _ooni.answer_of(lines, origin)
    stated = _stated(origin)
    _refuse_unstated(answer.columns, stated, origin)
    days = _Days()
    items = _items(answer, stated, days)
    yield from _joined(items, origin) if "input" in answer.columns else map(_shown, items)
    days.check(stated, origin)


def _stated(origin: Origin) -> Stated:
    """From --cc and --map, else from the name that `fetch` gave the file; raises BadInput where they differ."""
    given = origin.mapping or {}
    _mapping.known(given, ("test_name", "domain", "time_grain", *_mapping.STATED), "mapping")
    named = _NAME.match(PurePath(origin.name).name)
    of_name = (named[1], named[2] or "") if named else ("", "")
    cc, test = origin.cc or "", str(given.get("test_name", ""))
    for what, told, found in (("--cc", cc, of_name[0]), ("test_name", test, of_name[1])):
        if told and found and told != found:
            raise BadInput(
                f"{origin.name} is named as that of {found}, but {what} says {told}; rename it or leave it out"
            )
    grain = str(given.get("time_grain", "day" if named else ""))
    if grain not in ("", "day", "hour"):
        raise BadInput(f"mapping: time_grain {grain[:40]!r} is neither day nor hour; ask again with one of them")
    return Stated(cc or of_name[0], test or of_name[1], str(given.get("domain", "")).lower(), grain)


def _refuse_unstated(columns: frozenset[str], stated: Stated, origin: Origin) -> None:
    """Raises BadInput where neither the rows nor the user say of which country and service they are."""
    if "probe_cc" not in columns and not stated.cc:
        raise BadInput(
            f"{origin.name} does not say of which country it is; name it with --cc, or ask with axis_y=probe_cc"
        )
    if not {"test_name", "domain", "input"} & columns and not stated.test and not stated.domain:
        raise BadInput(
            f"{origin.name} does not say of which test or domain it is; ask with axis_y=domain or axis_y=test_name, "
            'or state it with --source ooni_aggregation --map FILE (test_name = "whatsapp" or domain = "x.com")'
        )


class _Days:
    """How far the days of an answer lie apart: a week or a month is written like its first day."""

    def __init__(self) -> None:
        self._first: datetime | None = None
        self._apart = 0  # greatest common divisor of the distances, in days
        self._all_first = True  # of a month

    def see(self, start: datetime, stop: datetime) -> None:
        if stop - start < timedelta(days=1):
            return
        self._first = self._first or start
        self._apart = gcd(self._apart, (start - self._first).days)
        self._all_first &= start.day == 1

    def check(self, stated: Stated, origin: Origin) -> None:
        """Raises BadInput for what looks like weeks, months or years unless days were stated."""
        weeks = self._apart and self._apart % 7 == 0
        if stated.grain != "day" and (weeks or (self._apart and self._all_first)):
            which = "weeks" if weeks else "months"
            raise BadInput(
                f"{origin.name} looks like {which} (every date is {self._first:%A}, or the first of a month): ask with "
                'time_grain=day, or state time_grain = "day" with --map if they are days'
            )


_Row = tuple[Observation, Counts]  # a place and time, and its counts


def _items(answer: _ooni.Answer, stated: Stated, days: _Days) -> Iterator[_Row | Rejection]:
    for found in answer.rows:
        try:
            if found.bad:
                raise found.bad
            row = _row(found, answer.columns, stated)
        except Bad as bad:
            yield Rejection(found.line, bad.field, bad.reason, found.text)
            continue
        days.see(row[0].t_start, row[0].t_end)
        yield row


def _row(found: Found, columns: frozenset[str], stated: Stated) -> _Row:
    cells = found.cells
    start, stop = _when(cells.get(DAY, ""))
    if stated.grain and (stop - start == timedelta(days=1)) != (stated.grain == "day"):
        raise Bad(DAY, f"{cells[DAY]} is no {stated.grain}")
    cc, code = _place(cells.get("probe_cc", "") if "probe_cc" in columns else stated.cc)
    indicator, entity = _measured(
        cells.get("test_name", "") if "test_name" in columns else stated.test,
        _domain(cells) or stated.domain,
    )
    asn = _network(cells.get("probe_asn", "")) if "probe_asn" in columns else 0
    entity = f"{code} {entity}".strip()
    scale = "joined from addresses" if "input" in columns else ""
    counts = _ooni.counts_of(cells)
    return Observation(indicator, cc, start, stop, None, "share", asn, entity, scale_id=scale), counts


@lru_cache(maxsize=8192)
def _when(text: str) -> tuple[datetime, datetime]:
    """A day, or an hour where the time of day is written; the service once wrote 0."""
    written = _WHEN.fullmatch(text)
    try:
        start = datetime.fromisoformat(text).replace(tzinfo=None) if written else None
    except ValueError:
        start = None
    if written is None or start is None:
        raise Bad(DAY, f"{text[:40]!r} is neither a day such as 2024-02-17 nor an hour such as 2024-02-17T15:00:00Z")
    check_era(start, text, DAY)
    return start, start + (timedelta(hours=1) if written[1] else timedelta(days=1))


@lru_cache(maxsize=1024)
def _place(code: str) -> tuple[str, str]:
    """(cc, code that is no country); ZZ is a withheld country, XX what a user calls all of them."""
    found = (code, "") if code in (UNKNOWN, WORLD) else place(code)
    if found is None:
        raise Bad("probe_cc", f"{code[:40]!r} is no country code" if code else "is empty")
    return found


def _domain(cells: Mapping[str, str]) -> str:
    """The domain of a row, or that of the address measured; '' where the row has neither."""
    if domain := cells.get("domain", ""):
        return domain.lower()
    address = cells.get("input", "")
    try:
        return (urlsplit(address).hostname or "").lower()
    except ValueError:
        raise Bad("input", f"{address[:40]!r} is no address") from None


def _network(text: str) -> int:
    found = _ASN.fullmatch(text)
    asn = int(found[1]) if found else 0
    if not found or asn >= 2**32:
        raise Bad("probe_asn", f"{text[:40]!r} is no number of a network" if text else "is empty")
    if asn == 0:  # 0 stands for the whole country with us
        raise Bad("probe_asn", "is withheld (AS0): these measurements are of no known network")
    return asn


def _measured(test: str, domain: str) -> tuple[str, str]:
    """(indicator, entity) of a test and a domain."""
    if test in SERVICE_TESTS:
        return SERVICE, test
    if test in TOOL_TESTS:
        return TOOL, test
    if test not in ("", WEB):
        raise Bad("test_name", f"{test[:40]!r} shows neither a service nor a tool")
    if not domain:
        why = f"{WEB} without a domain mixes all websites; ask with axis_y=domain" if test else "is empty"
        raise Bad("test_name", why)
    if not _DOMAIN.fullmatch(domain):
        raise Bad("domain", f"{domain[:40]!r} is no domain")
    return SERVICE, domain


def _shown(item: _Row | Rejection) -> Observation | Rejection:
    """The share of a row; a row without measurements is missing, not zero."""
    if isinstance(item, Rejection):
        return item
    row, counts = item
    if not counts.n:
        return row._replace(state="missing", n=0)
    return row._replace(value=counts.blocked / counts.n, quality=1 - counts.failed / counts.n, n=counts.n)


def _joined(items: Iterator[_Row | Rejection], origin: Origin) -> Iterator[Observation | Rejection]:
    """Addresses of one domain added up, after the rejections."""
    groups: dict[Observation, Counts] = {}
    for item in items:
        if isinstance(item, Rejection):
            yield item
            continue
        row, counts = item
        groups[row] = groups[row].plus(counts) if row in groups else counts
        if len(groups) > GROUPS:
            raise BadInput(
                f"{origin.name} holds more than {GROUPS} days of domains; ask with axis_y=domain instead of input"
            )
    yield from map(_shown, groups.items())


def requests(cc: str, start: date, end: date) -> list[Request]:
    """A country by test and by domain; for XX every country, a file a test, since an answer has but two axes."""
    if cc == WORLD:
        return [
            _request(f"XX-test_name={test}", start, end, test_name=test, axis_y="probe_cc")
            for test in (*SERVICE_TESTS, *TOOL_TESTS)
        ]
    tests, domains = ",".join((*SERVICE_TESTS, *TOOL_TESTS)), ",".join(_domains())
    return [
        _request(f"{cc}-test_name", start, end, probe_cc=cc, test_name=tests, axis_y="test_name"),
        _request(f"{cc}-domain", start, end, probe_cc=cc, test_name=WEB, domain=domains, axis_y="domain"),
    ]


def _request(name: str, start: date, end: date, **asked: str) -> Request:
    """CSV, because it can be read line by line; `until` is exclusive, as our own end is."""
    times = {"since": start.isoformat(), "until": end.isoformat(), "time_grain": "day", "axis_x": DAY}
    return Request(
        f"{ADDRESS}?{urlencode({**asked, **times, 'format': 'CSV'}, safe=',')}", f"ooni-aggregation-{name}.csv"
    )


@cache
def _domains() -> tuple[str, ...]:
    """Domains of services that blocks are about."""
    with _DOMAINS.open(encoding="utf-8", newline="") as f:
        return tuple(row["domain"] for row in csv.DictReader(f))


SOURCE = Source(
    name="ooni_aggregation",
    title="OONI aggregation: share of measurements that found a service or a tool blocked",
    organization="Open Observatory of Network Interference (OONI)",
    info_url="https://ooni.org/data/",
    licence="CC BY-NC-SA 4.0, as stated by those who use the data; confirm on ooni.org",
    attribution="OONI, api.ooni.io",
    grain="one row per day or hour and axis: domain, address, test, country or network",
    indicators=(SERVICE, TOOL),
    caveat=(
        "Value: (anomalies + confirmed) / measurements; n: measurements; quality: the part that did not fail. An "
        "anomaly is what a probe saw, with false positives; volunteers choose when and what to test, so these are no "
        "sample of users, and days without a row were not measured. An answer names only its axes: the country comes "
        "from --cc or the name that fetch gave the file; rows by domain alone count as web_connectivity. Of torsf "
        "(Snowflake) the share rose in all seven countries of a sheet of the iMAP 2024 report at once, together from "
        "13 % in July 2023 to 82 % in October, and 94 to 100 % in March to June 2024: a rise of it in those months "
        "need not be a block."
    ),
    timezone="UTC",
    example=EXAMPLE,
    example_is_genuine=False,
    recognise=_ooni.recognise,
    read=read,
    requests=requests,
    revised_days=3,
)
