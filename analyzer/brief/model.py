"""The brief as a record: everything a rendering prints, in reading order, already in words.

Renderings (html now, others later) only lay it out: no sentence, number or choice is made there.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal


@dataclass(frozen=True, slots=True)
class Link:
    """Text that leads somewhere: a web address, or `#id` inside the document."""

    text: str
    address: str


@dataclass(frozen=True, slots=True)
class Code:
    """A command, to be typed as it stands."""

    text: str


Text = tuple[str | Link | Code, ...]  # a run of plain text, links and commands


@dataclass(frozen=True, slots=True)
class Fact:
    """A label and what stands beside it."""

    label: str
    text: Text


@dataclass(frozen=True, slots=True)
class Finding:
    """One sentence a reader may quote, what must be said with it, and two separate confidence words."""

    headline: str
    detail: Text
    precision: str  # of the size; a word of PRECISION_SCALE
    evidence: str  # for the cause; a word of EVIDENCE_SCALE


@dataclass(frozen=True, slots=True)
class Table:
    """A table with a caption and one header per column; the first cell of a row is its header."""

    ident: str
    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Text, ...], ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Lane:
    """One restriction or other dated event as a bar on the time axis."""

    label: str
    start: datetime
    end: datetime
    end_is_known: bool
    is_timed: bool  # to the hour: one whose end nobody gives was an evening, not a ban
    is_block: bool


@dataclass(frozen=True, slots=True)
class Mark:
    """One multiple on a common scale: a publisher's figure, or an estimate of ours with its interval."""

    label: str  # who, and what was counted
    when: str
    base: str  # what the multiple is of
    value_text: str
    multiple: float
    low: float | None = None
    high: float | None = None
    start: datetime | None = None
    end: datetime | None = None
    short: str = ""  # for the time axis, where there is little room
    is_ours: bool = False


@dataclass(frozen=True, slots=True)
class Curve:
    """A series around a block: one value per step, None where there is none."""

    t: tuple[datetime, ...]
    observed: tuple[float | None, ...]
    expected: tuple[float | None, ...]
    low: tuple[float | None, ...]
    high: tuple[float | None, ...]
    base_end: datetime
    unit: str
    is_log: bool


@dataclass(frozen=True, slots=True)
class Figure:
    """What a picture shows. Title, units, source and licence are inside it: screenshots travel alone."""

    ident: str
    kind: Literal["series", "published", "comparison"]
    title: str
    subtitle: str
    footer: str
    alt: str  # the text alternative: what the picture says, in sentences
    caption: str
    start: datetime
    end: datetime
    lanes: tuple[Lane, ...] = ()
    marks: tuple[Mark, ...] = ()
    curve: Curve | None = None


@dataclass(frozen=True, slots=True)
class Section:
    """A heading with paragraphs and tables below it; `ident` is its address in the document."""

    ident: str
    heading: str
    paragraphs: tuple[Text, ...] = ()
    items: tuple[Text, ...] = ()
    tables: tuple[Table, ...] = ()
    figure: Figure | None = None


@dataclass(frozen=True, slots=True)
class Brief:
    """The two pages readers see, and their appendix."""

    lang: str
    title: str
    subtitle: str
    header: tuple[Fact, ...]
    findings: tuple[Finding, ...]
    precision_scale: tuple[tuple[str, str], ...]
    evidence_scale: tuple[tuple[str, str], ...]
    sections: tuple[Section, ...]
    appendix: tuple[Section, ...]
    footer: tuple[Fact, ...]
    template_version: str
