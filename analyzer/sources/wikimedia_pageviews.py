"""Wikimedia pageviews: views of one article of one project per day or month, as the REST service answers."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import quote

from analyzer.errors import BadInput, FetchError
from analyzer.places import WORLD
from analyzer.records import Lines, Observation, Origin, Rejection, Request, Source
from analyzer.sources._answers import document_of
from analyzer.sources._partial import refuse_partial, usable_retrieval
from analyzer.sources._table import TEXT_LIMIT, Bad, check_era

# Shape as documented; the numbers are made up.
EXAMPLE = """\
{"items":[{"project":"en.wikipedia","article":"Virtual_private_network","granularity":"daily",
"timestamp":"2024021600","access":"all-access","agent":"user","views":5188},
{"project":"en.wikipedia","article":"Virtual_private_network","granularity":"daily",
"timestamp":"2024021700","access":"all-access","agent":"user","views":5210}]}
"""

BASE = "https://wikimedia.org/api/rest_v1/metrics/pageviews"
FIRST = date(2015, 7, 1)  # the service has no views of earlier days
ASKED = (("en.wikipedia", "Virtual_private_network"),)
MOST = 1e10  # more than all people of the Earth: no article has so many views in a month
GRAINS = {"daily": "day", "monthly": "month"}
ACCESS = ("all-access", "desktop", "mobile-app", "mobile-web")

_ITEMS = re.compile(r'\s*\{\s*"items"\s*:\s*\[\s*\{')
_STAMP = re.compile(r"[0-9]{10}")
_EDITION = re.compile(r"([a-z]{2,3}(?:-[a-z]{2,10})*)\.wikipedia")
# Official in more than four states each, or (simple, which is English) read everywhere: no country's own edition.
_OF_MANY = frozenset({"ar", "de", "en", "es", "fr", "pt", "simple"})


def recognise(head: str) -> bool:
    return bool(_ITEMS.match(head)) and '"project"' in head and '"views' in head


def read(lines: Lines, origin: Origin) -> Iterator[Observation | Rejection]:
    items = _items(document_of(lines, origin), origin)
    starts = [when for item in items if (when := _start(item)) is not None]
    retrieved = usable_retrieval(origin.retrieved_at, max(starts)) if starts else None
    for number, item in enumerate(items, 1):
        try:
            yield _observation(item, origin, retrieved)
        except Bad as bad:
            yield Rejection(number, bad.field, bad.reason, json.dumps(item)[:TEXT_LIMIT])


def _items(document: Any, origin: Origin) -> list[Any]:
    """The items of a per-article answer.  Raises BadInput that says what the answer is instead."""
    items = document.get("items") if isinstance(document, dict) else None
    if not isinstance(items, list):
        raise BadInput(f"{origin.name} is no answer with page views{_complaint(document)}; ask for per-article views")
    if not items:
        raise BadInput(f"{origin.name} is an answer without items: no views are known for that article and those days")
    first = items[0] if isinstance(items[0], dict) else {}
    if {"articles", "countries"} & first.keys():
        raise BadInput(f"{origin.name} is a list of the most viewed, which is no series; ask for per-article views")
    if "article" not in first and "views" in first:
        raise BadInput(
            f"{origin.name} counts a whole project, not an article: no measure of interest in VPNs; "
            "ask for per-article views"
        )
    return items


def _complaint(document: Any) -> str:
    """What an error body says of itself."""
    found = [str(document[k])[:200] for k in ("title", "detail") if k in document] if isinstance(document, dict) else []
    return f" ({' '.join(found)})".encode(errors="replace").decode() if found else ""


def _start(item: Any) -> datetime | None:
    """First instant of an item, None when its stamp is no hour of this era."""
    stamp = item.get("timestamp") if isinstance(item, dict) else None
    try:
        when = datetime.strptime(str(stamp), "%Y%m%d%H") if _is_stamp(stamp) else None  # noqa: DTZ007 - days are UTC
        if when is not None:
            check_era(when, stamp or "", "timestamp")
    except (ValueError, Bad):
        return None
    return when


def _is_stamp(stamp: Any) -> bool:
    return isinstance(stamp, str) and bool(_STAMP.fullmatch(stamp)) and stamp.isascii()


def _observation(item: Any, origin: Origin, retrieved: datetime | None) -> Observation:
    if not isinstance(item, dict):
        raise Bad("items", "is no object")
    project = _text(item, "project").removesuffix(".org")
    if (agent := _text(item, "agent")) != "user":
        raise Bad("agent", f"{agent[:40]!r} counts crawlers; ask for agent=user")
    if (access := _text(item, "access")) not in ACCESS:
        raise Bad("access", f"{access[:40]!r} is none of {', '.join(ACCESS)}")
    if (grain := _text(item, "granularity")) not in GRAINS:
        raise Bad("granularity", f"{grain[:40]!r} is neither daily nor monthly")
    start, end = _interval(item, GRAINS[grain])
    refuse_partial(end, retrieved, "timestamp", GRAINS[grain])
    return Observation(
        "wiki.pageviews",
        _place(project, origin),
        start,
        end,
        _views(item),
        "views",
        entity=f"{project} {_text(item, 'article')}",
        scale_id=f"{grain}/{access}/{agent}",
    )


def _text(item: dict[str, Any], key: str) -> str:
    """A text of an item; JSON can spell halves of characters, which no file of ours could hold."""
    value = item.get(key)
    if not isinstance(value, str) or not value.strip():
        raise Bad(key, "is missing" if value is None else f"is {str(value)[:40]!r}, no text")
    return value.encode(errors="replace").decode().strip()


def _views(item: dict[str, Any]) -> float:
    views = item.get("views")
    if not isinstance(views, int) or isinstance(views, bool):
        raise Bad("views", "is missing" if views is None else f"{str(views)[:40]!r} is not a whole number")
    if not 0 <= views <= MOST:
        raise Bad("views", f"{str(views)[:40]} is impossible for one article")
    return float(views)


def _interval(item: dict[str, Any], unit: str) -> tuple[datetime, datetime]:
    start = _start(item)
    if start is None:
        raise Bad("timestamp", f"{str(item.get('timestamp'))[:40]!r} is not written like 2024021700")
    if start.hour or (unit == "month" and start.day != 1):
        raise Bad("timestamp", f"{item['timestamp']} is not the start of a UTC {unit}")
    return start, start + timedelta(days=1) if unit == "day" else (start + timedelta(days=32)).replace(day=1)


def _place(project: str, origin: Origin) -> str:
    """The world, or the country for whose readers the user says that a language's edition stands."""
    if origin.cc in (None, WORLD):
        return WORLD
    edition = _EDITION.fullmatch(project)
    if edition is None or edition[1] in _OF_MANY:
        raise BadInput(
            f"{origin.name} counts readers of {project[:60]} everywhere, which says nothing of {origin.cc}; leave --cc "
            "out: its rows are then of the world (XX)"
        )
    return str(origin.cc)


def requests(_cc: str, start: date, end: date) -> list[Request]:
    """One download per article whatever the country: views are of the world.  The service's own last day is inclusive.

    Raises FetchError for days before July 2015.
    """
    first, last = max(start, FIRST), end - timedelta(days=1)
    if last < first:
        raise FetchError(f"page views begin on {FIRST}; there are none up to {last}")
    days = f"daily/{first:%Y%m%d}00/{last:%Y%m%d}00"
    return [
        Request(
            f"{BASE}/per-article/{project}/all-access/user/{quote(title, safe='')}/{days}", f"{project}-{title}.json"
        )
        for project, title in ASKED
    ]


SOURCE = Source(
    name="wikimedia_pageviews",
    title="Views of single Wikipedia articles",
    organization="Wikimedia Foundation",
    info_url="https://wikimedia.org/api/rest_v1/",
    licence="CC0 1.0",
    attribution="Wikimedia Foundation, pageviews",
    grain="one item per project, article, kind of access and UTC day (or month)",
    indicators=("wiki.pageviews",),
    caveat=(
        "Interest, not use. Views are of a language's edition wherever its readers are, so rows are of the world (XX); "
        "with --cc the user says that an edition stands for a country, which editions of many countries are refused. "
        "A day without views has no item. Only agent=user is taken. Views of an article that was moved go on under its "
        "new title. fetch asks for the English article on VPNs."
    ),
    timezone="UTC",
    example=EXAMPLE,
    example_is_genuine=False,
    recognise=recognise,
    read=read,
    requests=requests,
)
