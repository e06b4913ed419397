"""Access Now's #KeepItOn STOP list of shutdowns (Parquet or CSV, one row per event and year of counting).

What is made of its columns:

* Rows that agree in country, start, scope (geo_scope and area_name) and affected services are ONE event that was
  counted in several years.  The latest count_year's end wins; every row stays as a claim.
* Dates are local calendar days.  A start marked `Estimated` has precision week.  An empty end stays empty; an end
  before the start is left out and stands in the claim.
* kind: `throttling` where shutdown_type is Throttle alone; else, where shutdown_extent says Full network,
  `mobile_shutdown` if affected_network is Mobile alone and `shutdown` otherwise; else by the services named:
  `vpn_block` (nothing but VPNs), `social_media_block` (a platform among them), `messaging_block` (a messenger among
  them), `site_block` (the rest).
* An event that our catalogue holds (same country, same local start day, a service in common) is no second block: its
  rows become claims about ours.
"""

from __future__ import annotations

import csv
import hashlib
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from analyzer.blocks.contents import DATA, Catalogue
from analyzer.blocks.stored import Addition, catalogue, commit, read_bytes
from analyzer.blocks.tables import check_block
from analyzer.blocks.times import local_span
from analyzer.errors import BadInput
from analyzer.places import to_local
from analyzer.records import Block, Claim, LoadResult, Precision
from analyzer.store.named import named

if TYPE_CHECKING:
    from analyzer.store import Store

SOURCE = "accessnow_stop"
WHO = "Access Now STOP"

# The stranger's columns, both container formats: the same text of SQL over a table of text.
_FROM_PARQUET = "CREATE TEMP TABLE stop AS SELECT * FROM read_parquet($path)"
_FROM_CSV = "CREATE TEMP TABLE stop AS SELECT * FROM read_csv($path, header = true, all_varchar = true)"
_COLUMNS = "SELECT column_name FROM duckdb_columns() WHERE table_name = 'stop'"
_ROWS = """
SELECT
    row_number() OVER () AS line,
    TRY_CAST(TRY_CAST(start_date AS TIMESTAMP) AS DATE) AS start,
    TRY_CAST(TRY_CAST(end_date AS TIMESTAMP) AS DATE) AS "end",
    coalesce(start_date_type, '') AS start_date_type,
    coalesce(country, '') AS country,
    coalesce(geo_scope, '') AS geo_scope,
    coalesce(area_name, '') AS area_name,
    coalesce(shutdown_type, '') AS shutdown_type,
    coalesce(affected_network, '') AS affected_network,
    coalesce(shutdown_extent, '') AS shutdown_extent,
    coalesce(shutdown_status, '') AS status,
    coalesce(info_source_link, '') AS link,
    list_filter(
        [
            CASE WHEN facebook_affected = 'Yes' THEN 'facebook' END,
            CASE WHEN twitter_affected = 'Yes' THEN 'twitter' END,
            CASE WHEN whatsapp_affected = 'Yes' THEN 'whatsapp' END,
            CASE WHEN instagram_affected = 'Yes' THEN 'instagram' END,
            CASE WHEN telegram_affected = 'Yes' THEN 'telegram' END,
            CASE WHEN sms_affected = 'Yes' THEN 'sms' END, CASE WHEN phonecall_affected = 'Yes' THEN 'mobile_voice' END
        ],
        lambda service: service IS NOT NULL
    ) AS marked,
    coalesce(other_affected, '') AS other,
    TRY_CAST(count_year AS INTEGER) AS count_year
FROM stop
ORDER BY line
"""
_NEEDED = (
    "start_date", "end_date", "start_date_type", "country", "geo_scope", "area_name", "shutdown_type",
    "affected_network", "shutdown_extent", "shutdown_status", "info_source_link", "facebook_affected",
    "twitter_affected", "whatsapp_affected", "instagram_affected", "telegram_affected", "sms_affected",
    "phonecall_affected", "other_affected", "count_year",
)  # fmt: skip

_NETWORKS = {"Mobile": "mobile_data", "Broadband": "fixed_line"}  # anything else is the whole of the internet
_SCOPES = {
    "It only affected one city, county, or village": "one place",
    "It affected more than one city in the same state, province, or region": "one region",
    "It affected locations in more than one state, province, or region": "several regions",
}
_SOCIAL = (
    "youtube", "tiktok", "snapchat", "linkedin", "reddit", "pinterest", "clubhouse", "periscope", "bluesky", "threads",
    "tumblr", "mastodon", "vk", "odnoklassniki", "discord", "twitch", "facebook", "instagram", "social media",
)  # fmt: skip
_MESSAGING = (
    "signal", "viber", "skype", "wechat", "imo", "line", "voip", "facetime", "threema", "briar", "messenger", "zoom",
    "telegram", "whatsapp", "messaging",
)  # fmt: skip
_TOOLS = ("vpn",)
_WORDS = {word: word.replace(" ", "_") for word in (*_SOCIAL, *_MESSAGING, *_TOOLS, "grindr", "gmail", "google")}
_PLATFORM_NAMES = {_WORDS[w] for w in _SOCIAL} | {"facebook", "twitter", "x", "instagram"}
_MESSENGER_NAMES = {_WORDS[w] for w in _MESSAGING} | {"whatsapp", "telegram"}
_RENAMED = date(2023, 7, 23)  # Twitter becomes X
_NOT_SERVICES = {"sms", "mobile_voice"}


@dataclass(frozen=True, slots=True)
class StopRow:
    """One row of the list, in our words."""

    cc: str
    start: date
    end: date | None
    estimated: bool
    scope: str
    kind: str
    services: tuple[str, ...]
    count_year: int
    status: str
    address: str

    @property
    def key(self) -> tuple[str, date, str, tuple[str, ...]]:
        """What makes two rows one event: country, start, scope, affected services."""
        return self.cc, self.start, _folded(self.scope), self.services

    @property
    def block_id(self) -> str:
        """The id of its event: a digest of scope and services, so that it is the same in every vintage."""
        digest = hashlib.sha256(repr(self.key).encode()).hexdigest()[:8]
        return f"{self.cc.lower()}-{self.start.isoformat()}-stop-{digest}"


def import_stop(store: Store, path: str | Path) -> LoadResult:
    """Import the list: all or nothing; the same bytes twice change nothing; a newer vintage replaces an older one.

    Raises BadInput for a file without its columns and for country names that no table of ours knows.
    """
    name, data = read_bytes(path)
    rows = read(path)
    blocks, claims = against(catalogue(store), rows)
    ids = [b.block_id for b in blocks]

    def forget(con: duckdb.DuckDBPyConnection) -> None:
        query = named("block_forget")
        con.execute(query.sql, query.bind({"block_ids": ids, "source": SOURCE}))

    return commit(store, Addition(
        SOURCE, name, hashlib.sha256(data).hexdigest(), len(data), blocks, claims, licence="not stated in the file",
        attribution="Access Now, #KeepItOn STOP", timezone="local calendar days",
    ), before=forget)  # fmt: skip


def read(path: str | Path) -> list[StopRow]:
    """Every row of the file, one per country that it names."""
    raw = _raw(Path(path))
    for row in raw:
        if row["start"] is None or row["count_year"] is None:
            at = f"{Path(path).name}: row {row['line']}: {'count_year' if row['start'] else 'start_date'}"
            raise BadInput(f"{at}: not readable: write the day as YYYY-MM-DD and the year as YYYY, or remove the row")
    codes = _codes({part.strip() for row in raw for part in row["country"].split(";")}, Path(path).name)
    return [_row(row, codes[part.strip()]) for row in raw for part in row["country"].split(";")]


def events(rows: Iterable[StopRow]) -> dict[str, list[StopRow]]:
    """Rows by event, the one that decides last."""
    found: dict[str, list[StopRow]] = defaultdict(list)
    for row in rows:
        found[row.block_id].append(row)
    return {k: sorted(v, key=lambda r: (r.count_year, r.end or date.min)) for k, v in found.items()}


def against(have: Catalogue, rows: Iterable[StopRow]) -> tuple[list[Block], list[Claim]]:
    """Events that are new beside a catalogue, as blocks; and every row as a claim, about ours where it is the same."""
    ours = _by_day(have)
    blocks: list[Block] = []
    claims: list[Claim] = []
    for block_id, same in events(rows).items():
        twin = _twin(ours.get((same[-1].cc, same[-1].start), ()), same[-1])
        if not twin:
            blocks.append(_block(same[-1]))
        claims += [_claim(row, twin or block_id) for row in same]
    said = set(have.claims)  # a newer vintage repeats most of what an older one said
    return blocks, [c for c in dict.fromkeys(claims) if c not in said]


def _raw(path: Path) -> list[dict[str, Any]]:
    with duckdb.connect() as con:
        try:
            con.execute(_FROM_PARQUET if _is_parquet(path) else _FROM_CSV, {"path": str(path)})
            found = {str(name) for (name,) in con.execute(_COLUMNS).fetchall()}
            if absent := [c for c in _NEEDED if c not in found]:
                raise BadInput(f"{path.name}: no column {', '.join(absent)}: this is not Access Now's STOP list")
            cursor = con.execute(_ROWS)
            names = [d[0] for d in cursor.description or ()]
            return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
        except duckdb.Error as error:
            raise BadInput(f"{path.name}: not readable as Parquet or CSV: {str(error).splitlines()[0]}") from error


def _is_parquet(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(4) == b"PAR1"


def _codes(names: set[str], file: str) -> dict[str, str]:
    known = _country_codes()
    if unknown := sorted(n for n in names if n.casefold() not in known):
        raise BadInput(f"{file}: country: no code for {'; '.join(unknown)}: add a line to country_aliases.csv")
    return {n: known[n.casefold()] for n in names}


@cache
def _country_codes() -> dict[str, str]:
    rows = [row for table in ("zones.csv", "country_aliases.csv") for row in _cells(table)]
    return {row["name"].casefold(): row["cc"] for row in rows}


def _cells(table: str) -> list[dict[str, str]]:
    with (DATA / table).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _row(raw: Mapping[str, Any], cc: str) -> StopRow:
    services = _services(raw)
    return StopRow(
        cc=cc, start=raw["start"], end=raw["end"], estimated=raw["start_date_type"] == "Estimated",
        scope=_scope(raw), kind=_kind(raw, services), services=services, count_year=raw["count_year"],
        status=raw["status"].casefold(), address=_address(raw["link"]),
    )  # fmt: skip


def _services(raw: Mapping[str, Any]) -> tuple[str, ...]:
    full = {_NETWORKS.get(raw["affected_network"], "internet")} if "Full network" in raw["shutdown_extent"] else set()
    named_ones = {("x" if s == "twitter" and raw["start"] >= _RENAMED else s) for s in raw["marked"]}
    return tuple(sorted(full | named_ones | _in_words(raw["other"]))) or ("other",)


def _in_words(text: str) -> set[str]:
    """Services in the free text; what no word of ours matches is `other`."""
    parts = [p.strip() for p in re.split(r"[,;]|\band\b", text.casefold()) if p.strip()]
    return {next((s for w, s in _WORDS.items() if _holds(part, w)), "other") for part in parts}


def _holds(part: str, word: str) -> bool:
    # VPNs stand inside names (ProtonVPN); the others are words: `line` is a messenger, `online` is not.
    return "vpn" in part if word == "vpn" else re.search(rf"\b{word}s?\b", part) is not None


def _kind(raw: Mapping[str, Any], services: tuple[str, ...]) -> str:
    if raw["shutdown_type"] == "Throttle":
        return "throttling"
    if "Full network" in raw["shutdown_extent"]:
        return "mobile_shutdown" if raw["affected_network"] == "Mobile" else "shutdown"
    hit = set(services) - _NOT_SERVICES
    if hit == set(_TOOLS):
        return "vpn_block"
    if hit & _PLATFORM_NAMES:
        return "social_media_block"
    return "messaging_block" if hit & _MESSENGER_NAMES else "site_block"


def _scope(raw: Mapping[str, Any]) -> str:
    area = " ".join(raw["area_name"].replace("\xad", "").split())  # soft hyphens and line breaks from a spreadsheet
    if re.match(r"nation|countrywide|country-wide", area.casefold()):
        return "nationwide"
    reach = _SCOPES.get(raw["geo_scope"], "scope not stated")
    return f"{reach}: {area}" if area else reach


def _address(link: str) -> str:
    return next((word.strip(",;") for word in link.split() if word.startswith("http")), "")


def _folded(text: str) -> str:
    return re.sub(r"[^\w]+", " ", text.casefold()).strip()


def _block(row: StopRow) -> Block:
    precision: Precision = "week" if row.estimated else "day"
    onset = local_span(row.start, precision, row.cc)
    end = local_span(row.end, "day", row.cc) if row.end and row.end >= row.start else None
    return check_block(Block(
        row.block_id, row.cc, f"{row.kind.replace('_', ' ').capitalize()}, {row.scope}"[:120], *onset,
        end[0] if end else None, end[1] if end else None, precision, "day" if end else None, row.kind, row.scope,
        row.services, discovery_route="press",  # a list made of reports, whatever demand did
    ))  # fmt: skip


def _claim(row: StopRow, block_id: str) -> Claim:
    start = f"{'about ' if row.estimated else ''}{row.start}"
    end = f"ended {row.end}" if row.end else "no end given"
    if row.end and row.end < row.start:
        end += " (before its start, so not used)"
    what = f"{row.kind.replace('_', ' ')} of {', '.join(row.services)}; {row.scope}"
    status = f"; status {row.status}" if row.status else ""
    says = f"In the list of {row.count_year}: {what}; began {start}, {end}{status}"
    return Claim(block_id, WHO, says, row.address, str(row.count_year))


def _by_day(have: Catalogue) -> dict[tuple[str, date], list[Block]]:
    """Blocks that are not from the list itself, by country and local start day."""
    found: dict[tuple[str, date], list[Block]] = defaultdict(list)
    for block in have.blocks:
        if "-stop-" not in block.block_id and block.start_precision in ("minute", "hour", "day"):
            found[block.cc, to_local(block.onset_earliest, block.cc).date()].append(block)
    return found


def _twin(candidates: Iterable[Block], row: StopRow) -> str:
    """The id of the block that shares the most services, '' when none shares any."""
    shared = {b.block_id: len(_one_name(b.services) & _one_name(row.services)) for b in candidates}
    best = max(shared, key=lambda k: shared[k], default="")
    return best if shared.get(best) else ""


def _one_name(services: Iterable[str]) -> set[str]:
    return {"x" if s == "twitter" else s for s in services} - _NOT_SERVICES
