"""Google Play charts, as the JSON lists that clients of the store save; a mapping may say which chart it is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePath

from analyzer.errors import BadInput
from analyzer.records import Lines, Observation, Origin, Rejection, Source
from analyzer.sources import _charts, _mapping

# Shape of one client's rows; positions and the first app are made up, the second identifier is that of NordVPN.
EXAMPLE = """\
[{"title":"Example","appId":"com.example.game","url":"https://play.google.com/store/apps/details?id=com.example.game",
"developer":"Example Ltd","score":4.4,"free":true},
{"title":"NordVPN","appId":"com.nordvpn.android","developer":"Nord Security","score":4.4,"free":true}]
"""

_DATE = re.compile(r"[-_.]?(19|20)[0-9]{2}-?[0-9]{2}-?[0-9]{2}([T_-]?[0-9]{2,6}Z?)?")


def recognise(head: str) -> bool:
    return head.lstrip()[:1] == "[" and '"appId"' in head


def read(lines: Lines, origin: Origin) -> Iterator[Observation | Rejection]:
    items = _charts.json_of(lines, origin)
    if not isinstance(items, list):
        raise BadInput(f"{origin.name} is not a JSON list of apps")
    chart = _charts.Chart(
        _charts.the_country(origin, None),
        _charts.the_instant(origin, None),
        f"play/{_which(origin)}",
        _charts.entries_of(_charts.the_entries(origin, items), lambda app: app["appId"]),
    )
    yield from _charts.observations(chart, _charts.tracked("android_package"))


def _which(origin: Origin) -> str:
    """Collection and category: from the mapping, else the file's name without its date.

    The rows do not say it, and ranks of two charts must not be compared: files of one chart carry one name.
    """
    _mapping.known(origin.mapping or {}, ("collection", "category", *_mapping.STATED), "mapping")
    stated = [_charts.option(origin.mapping, key) for key in ("collection", "category")]
    if any(stated):
        return "/".join(part or "unstated" for part in stated)
    return _DATE.sub("", PurePath(origin.name).name.split(".")[0]).strip("-_. ") or "unstated"


SOURCE = Source(
    name="app_charts_play",
    title="Google Play charts: ranks of VPN apps and their families",
    organization="Google",
    info_url="https://play.google.com/store/apps",
    licence="not stated; Google Play's terms apply; fetching is left to the user",
    attribution="Google Play charts",
    grain="one file per country, chart and instant; kept per UTC day",
    indicators=("app.chart_rank",),
    caveat=(
        "Entities and absence as for app_charts_apple. The rows state neither country nor time nor chart: --cc "
        "and --retrieved (or a date in the path) are needed, and the chart is what --map says (collection, "
        "category) or else the file's name without its date. Positions lag installs by a day or more."
    ),
    timezone="UTC",
    example=EXAMPLE,
    example_is_genuine=False,
    recognise=recognise,
    read=read,
)
