"""Which service an entity of a measurement names: the service itself, a domain of it, or a test of it."""

from __future__ import annotations

import csv
import re
from functools import cache
from pathlib import Path

from analyzer.records import Block

DATA = Path(__file__).parents[1] / "data"
ANY_TOOL = "any tool"
_SAME = {"twitter": "x", "facebook_messenger": "messenger", "vanilla_tor": "tor", "torsf": "snowflake"}
_TESTS = {
    "whatsapp": "whatsapp", "telegram": "telegram", "signal": "signal", "messenger": "facebook_messenger",
    "tor": "tor", "snowflake": "torsf", "psiphon": "psiphon",
}  # fmt: skip
_GENERAL = ("vpn", "circumvention_tools")
# Words of the catalogue that name no one service: no single measurement shows them.
_VAGUE = (
    "none", "internet", "mobile_data", "mobile_voice", "broadband", "other", "other_apps", "app_stores", "news_sites",
    "adult_sites", "social_media",
)  # fmt: skip


def wanted(block: Block) -> tuple[str, ...]:
    """Services of a block that measurements can name, each once; any tool where it says no more than VPN."""
    found = [_SAME.get(s, s) for s in block.services if s not in _VAGUE]
    return tuple(dict.fromkeys(ANY_TOOL if s in _GENERAL else s for s in found))


def of_entity(entity: str) -> str:
    """The service that an entity names; '' where it names none that is known."""
    for token in re.split(r"[\s:/|,]+", entity.strip().lower()):
        bare = token.removeprefix("www.")
        if bare in _SAME or bare in _domains().values() or bare in _TESTS:
            return _SAME.get(bare, bare)
        if found := max((d for d in _domains() if bare == d or bare.endswith(f".{d}")), key=len, default=""):
            return _domains()[found]
    text = entity.strip().lower()
    return _SAME.get(text, text)


def test_of(service: str) -> str:
    """The test of OONI that shows a service."""
    return _TESTS.get(service, f"web_connectivity {_domain(service)}".rstrip())


def _domain(service: str) -> str:
    return next((d for d, s in _domains().items() if s == service), "")


@cache
def _domains() -> dict[str, str]:
    """Service by domain; the first of a service is its best known."""
    with (DATA / "services.csv").open(encoding="utf-8", newline="") as f:
        return {row["domain"]: row["service"] for row in csv.DictReader(f)}
