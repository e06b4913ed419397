"""Apple App Store charts: the marketing feed (v2) and the older iTunes RSS, both as JSON."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from analyzer.errors import BadInput
from analyzer.places import is_country
from analyzer.records import Lines, Observation, Origin, Rejection, Source
from analyzer.sources import _charts

# Shape as documented by its clients; positions, names and times are made up, the identifier is that of NordVPN.
EXAMPLE = """\
{"feed":{"title":"Top Free Apps","id":"https://rss.applemarketingtools.com/api/v2/pk/apps/top-free/10/apps.json",
"country":"pk","updated":"Sat, 17 Feb 2024 10:00:00 +0000",
"results":[{"artistName":"Example Ltd","id":"1234567890","name":"Example","kind":"apps","genres":[]},
{"artistName":"Nord Security","id":"905953485","name":"NordVPN","kind":"apps","genres":[]}]}}
"""

_V2 = re.compile(r"/api/v2/([a-z]{2})/apps/([a-z-]+)/")
_RSS = re.compile(r"/([a-z]{2})/rss/([a-z]+)/([a-z0-9=/]*)")
_GENRE = re.compile(r"genre=([0-9]+)")


def recognise(head: str) -> bool:
    begin = head.lstrip()[:200]
    return begin.startswith("{") and '"feed"' in begin and ('"results"' in head or '"entry"' in head)


def read(lines: Lines, origin: Origin) -> Iterator[Observation | Rejection]:
    feed = _feed(_charts.json_of(lines, origin), origin)
    chart = _v2(feed, origin) if "results" in feed else _rss(feed, origin)
    yield from _charts.observations(chart, _charts.tracked("ios_app_id"))


def _feed(document: Any, origin: Origin) -> dict[str, Any]:
    feed = document.get("feed") if isinstance(document, dict) else None
    if not isinstance(feed, dict) or not {"results", "entry"} & feed.keys():
        raise BadInput(f"{origin.name} holds no feed.results and no feed.entry: this is not an App Store chart")
    return feed


def _v2(feed: dict[str, Any], origin: Origin) -> _charts.Chart:
    address = _V2.search(_text(feed.get("id")))
    stated = _text(feed.get("country")) or (address[1] if address else "")
    items = feed["results"] if isinstance(feed["results"], list) else []
    return _charts.Chart(
        _charts.the_country(origin, _country(stated, origin)),
        _charts.the_instant(origin, _instant(_text(feed.get("updated")), origin)),
        f"apple/v2/{address[2] if address else _text(feed.get('title'))}/all",
        _charts.entries_of(_charts.the_entries(origin, items), lambda app: app["id"]),
    )


def _rss(feed: dict[str, Any], origin: Origin) -> _charts.Chart:
    address = _RSS.search(_text(feed.get("id")))
    genre = _GENRE.search(address[3]) if address else None
    items = feed["entry"] if isinstance(feed["entry"], list) else [feed["entry"]]  # one entry is not put into a list
    return _charts.Chart(
        _charts.the_country(origin, _country(address[1] if address else "", origin)),
        _charts.the_instant(origin, _instant(_text(feed.get("updated")), origin)),
        f"apple/rss/{address[2] if address else _text(feed.get('title'))}/{genre[1] if genre else 'all'}",
        _charts.entries_of(_charts.the_entries(origin, items), lambda app: app["id"]["attributes"]["im:id"]),
    )


def _text(value: Any) -> str:
    """A text, which the older form wraps into {"label": ...}."""
    if isinstance(value, dict):
        value = value.get("label", "")
    # JSON can spell halves of characters, which no file of ours could hold.
    return value.encode(errors="replace").decode() if isinstance(value, str) else ""


def _country(code: str, origin: Origin) -> str | None:
    if not code:
        return None
    if not is_country(code.upper()):
        raise BadInput(f"{origin.name} states the country {code!r}, which ISO 3166-1 does not assign")
    return code.upper()


def _instant(text: str, origin: Origin) -> datetime | None:
    """RFC 2822 in the newer form, ISO 8601 with an offset in the older one."""
    if not text:
        return None
    for parse in (datetime.fromisoformat, parsedate_to_datetime):
        try:
            when = parse(text)
        except ValueError:
            continue
        if when.tzinfo is not None:
            return when.astimezone(UTC).replace(tzinfo=None)
    raise BadInput(f"{origin.name} states the time {text[:60]!r}, which is no instant; state it with --retrieved")


SOURCE = Source(
    name="app_charts_apple",
    title="Apple App Store charts: ranks of VPN apps and their families",
    organization="Apple",
    info_url="https://rss.marketingtools.apple.com/",
    licence="not stated; Apple's terms for its feeds apply",
    attribution="Apple App Store charts",
    grain="one file per country, chart and instant; kept per UTC day",
    indicators=("app.chart_rank",),
    caveat=(
        "Entities: app:NAME, family:NAME (best rank of its apps), family_apps:NAME (how many are in the chart). "
        "An app that is absent from a fetched chart is below_threshold with n = length of the chart and low = n + "
        "1: beyond the chart, or removed from that country's store. Ranks of different scale_id (chart, genre) "
        "are not comparable."
    ),
    timezone="UTC",
    example=EXAMPLE,
    example_is_genuine=False,
    recognise=recognise,
    read=read,
)
