"""Numbers, dates and names as a policy reader meets them. The wording is versioned: TEMPLATE_VERSION."""

from __future__ import annotations

import re
import unicodedata
from datetime import date, datetime, timedelta

from analyzer import places
from analyzer.records import Block, Precision

TEMPLATE_VERSION = "brief-en-2"  # raise it when a sentence changes, so that an old brief names its wording
NOT_STATED = "not stated"
NO_END = "end not known or still in force"
_ONE_HOUR = timedelta(hours=1)
_INSTANT = timedelta(microseconds=1)

SERVICES = {
    "x": "X",
    "twitter": "Twitter",
    "facebook": "Facebook",
    "instagram": "Instagram",
    "youtube": "YouTube",
    "tiktok": "TikTok",
    "whatsapp": "WhatsApp",
    "linkedin": "LinkedIn",
    "wechat": "WeChat",
    "capcut": "CapCut",
    "vpn": "VPNs",
    "internet": "all internet access",
    "mobile_data": "mobile data",
    "mobile_voice": "mobile calls",
    "none": "no service",
    "pornhub": "Pornhub",
    "youporn": "YouPorn",
    "redtube": "RedTube",
    "broadband": "broadband",
    "social_media": "social media",
    "adult_sites": "adult sites",
    "news_sites": "news sites",
    "other": "others",
    "other_apps": "other apps",
    "app_stores": "app stores",
    "google_services": "Google services",
}

KINDS = {
    "social_media_block": "social media blocked",
    "messaging_block": "messaging blocked",
    "site_block": "site blocked",
    "mobile_shutdown": "mobile service cut",
    "shutdown": "internet cut",
    "throttling": "slowed down",
    "vpn_block": "VPNs blocked",
    "age_gate": "age check",
    "service_withdrawal": "service left by itself",
    "tax_gate": "tax on use",
    "app_ban": "apps banned",
    "court_order": "court order (no change of access)",
    "official_statement": "official statement (no change of access)",
    "announcement": "announcement, nothing blocked",
    "control": "event without a block",
    "control_outage": "outage, nothing blocked",
    "date": "date asked for",
}

GRADES = {
    "publisher": "publisher's own page",
    "publisher_quote": "publisher quoted by name",
    "press": "press copy",
    "mirror": "copy of a press text",
    "secondary": "summary of a paper",
}

HORIZONS = {"h": "hour", "d": "day"}


def name(block: Block) -> str:
    """The name of a block, shortened where it would drown the sentence it stands in."""
    return shorten(clean(block.name), 120) or "unnamed event"


def clean(text: str) -> str:
    """Text on one line without control characters; characters that turn text around cannot leak out of it."""
    kept = "".join(
        " " if c.isspace() else c for c in text if c.isspace() or unicodedata.category(c) not in ("Cc", "Cf")
    )
    flat = " ".join(kept.split())
    is_rtl = any(unicodedata.bidirectional(c) in ("R", "AL") for c in flat)
    return f"\u2068{flat}\u2069" if is_rtl else flat


def or_not_stated(text: str) -> str:
    """The text, or the words `not stated` where a source leaves it empty."""
    return clean(text) or NOT_STATED


def shorten(text: str, width: int) -> str:
    """At most `width` characters, with an ellipsis where something was cut; never leaves an isolate open."""
    if len(text) <= width:
        return text
    cut = text[: width - 1].rstrip() + "…"
    return cut + "\u2069" if cut.count("\u2068") > cut.count("\u2069") else cut


def tidy_path(text: str) -> str:
    """An address as it is; a path on somebody's disk as its last part: folders carry names of people."""
    if re.match(r"https?://", text):
        return clean(re.sub(r"//[^/@]*@", "//", text))
    return clean(re.split(r"[\\/]", text.rstrip("/\\"))[-1])


def tidy_command(text: str) -> str:
    """A command with home folders written as ~."""
    return clean(re.sub(r"(/home/|/Users/|[A-Za-z]:\\Users\\)[^/\\\s]+|/root(?=/)", "~", text))


def number(value: float) -> str:
    """1,234; 56; 7.8; 0.12; −70."""
    size = abs(value)
    whole = size >= 100 or value == int(value)
    text = f"{value:,.0f}" if whole else f"{value:.1f}" if size >= 1 else f"{value:.2g}"
    return text.replace("-", "−")


def multiple(value: float) -> str:
    """x2.31, x14.3, x601."""
    if value >= 100:
        return f"x{value:,.0f}"
    text = f"{value:.1f}" if value >= 10 else f"{value:.2f}"
    return "x" + (text.rstrip("0").rstrip(".") if value >= 0.005 else f"{value:.1g}")


def percent(value: float) -> str:
    """+131 %, −60 %."""
    return signed(value, 0 if value == int(value) else 1) + " %"


def signed(value: float, decimals: int = 0) -> str:
    """+1,200, −60."""
    return f"{value:+,.{decimals}f}".replace("-", "−")


def day(value: date) -> str:
    """18 Feb 2024."""
    return f"{value.day} {value:%b %Y}"


def days(first: date, last: date) -> str:
    """18 Feb 2024; 17-18 Feb 2024; May 2023; 5 Feb to 3 Mar 2024. `last` is included."""
    following = last + timedelta(days=1)
    if first == last:
        return day(first)
    if first.day == 1 and following.day == 1 and (first.year, first.month) == (last.year, last.month):
        return f"{first:%b %Y}"
    if (first.year, first.month) == (last.year, last.month):
        return f"{first.day}–{day(last)}"
    if first.day == 1 and following.day == 1:
        return f"{first:%b %Y} to {last:%b %Y}"
    return f"{day(first)} to {day(last)}"


def instant(value: datetime) -> str:
    """17 Feb 2024, 17:00."""
    return f"{day(value)}, {value:%H:%M}"


def clock(at: datetime, cc: str) -> str:
    """The name and offset of a country's clock at an instant: `PKT, UTC+05:00`; only the offset where no name is."""
    local = places.to_local(at, cc)
    name, shift = local.tzname() or "", f"{local:%z}"
    offset = f"UTC{shift[:3]}:{shift[3:5]}"
    return f"{name}, {offset}" if name.isalpha() and name != "UTC" else offset


def clock_name(at: datetime, cc: str) -> str:
    """The shortest name of a country's clock: `PKT`, else `UTC+03:00`."""
    return clock(at, cc).split(",")[0]


def _span(earliest: datetime, latest: datetime, slack: timedelta, about: str) -> str:
    if latest - earliest <= slack:
        return f"{day(earliest)}, {about}{earliest:%H:%M}"
    if earliest.date() == latest.date():
        return f"{day(earliest)}, between {earliest:%H:%M} and {latest:%H:%M}"
    return f"between {instant(earliest)} and {instant(latest)}"


def moment(
    earliest: datetime, latest: datetime, precision: Precision, cc: str, *, is_end: bool = False
) -> tuple[str, str]:
    """An uncertain instant in UTC and on the country's clock, with its precision in words."""
    local = (places.to_local(earliest, cc), places.to_local(latest, cc))
    if precision in ("minute", "hour"):
        slack, about = (timedelta(minutes=1), "") if precision == "minute" else (_ONE_HOUR, "about ")
        return _span(earliest, latest, slack, about), _span(*local, slack, about)
    bound = f"{instant(latest)} at the latest" if is_end else f"{instant(earliest)} at the earliest"
    utc = bound if latest > earliest else f"about {instant(earliest)}"
    first, last = local[0].date(), max(local[1] - _INSTANT, local[0]).date()
    if precision == "week" and last - first < timedelta(days=6):
        return utc, f"week of {days(first, last)}"
    return utc, f"{days(first, last)} ({precision} only)"


def onset(block: Block) -> tuple[str, str]:
    """When a block began: UTC text and local text."""
    return moment(block.onset_earliest, block.onset_latest, block.start_precision, block.cc)


def ending(block: Block) -> tuple[str, str]:
    """When a block ended: UTC text and local text, or that it is not known."""
    if block.end_earliest is None or block.end_latest is None:
        return NO_END, NO_END
    return moment(block.end_earliest, block.end_latest, block.end_precision or "day", block.cc, is_end=True)


def first_day(block: Block) -> date:
    """The local calendar day on which a block began, at the earliest."""
    return places.to_local(block.onset_earliest, block.cc).date()


def began(block: Block) -> str:
    """The day a block began, as precisely as it is known: `17 Feb 2024`, `week of 19 Feb 2024`, `Nov 2021`."""
    first = first_day(block)
    if block.start_precision == "month":
        return f"{first:%b %Y}"
    return f"week of {day(first)}" if block.start_precision == "week" else day(first)


def services(block: Block) -> str:
    """X, Facebook, VPNs."""
    named = [SERVICES.get(s, clean(s).replace("_", " ").capitalize()) for s in block.services if clean(s)]
    return ", ".join(named) or NOT_STATED


def kind(block: Block) -> str:
    """What kind of event a block record is, in words."""
    return KINDS.get(block.kind, clean(block.kind).replace("_", " ") or NOT_STATED)


def horizon(text: str) -> str:
    """`7d` -> the first 7 days; `48h after end` -> the 48 hours after the end; `during` -> the whole block."""
    match = re.fullmatch(r"(\d+)([hd])( after end)?", text)
    if not match:
        return "the whole block" if text == "during" else clean(text)
    count, unit = int(match[1]), HORIZONS[match[2]]
    if match[3]:
        return f"the {count} {unit}{'s' if count > 1 else ''} after the end"
    return f"the first {unit}" if count == 1 else f"the first {count} {unit}s"


def listing(parts: list[str] | tuple[str, ...]) -> str:
    """a; a and b; a, b and c."""
    return " and ".join([", ".join(parts[:-1]), parts[-1]]) if len(parts) > 1 else "".join(parts)


def count(n: int, noun: str) -> str:
    """1 block, 2 blocks."""
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"
