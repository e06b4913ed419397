"""The brief: a finished record made from a dossier, before anything is drawn or laid out.

`build` is pure: no database, no clock, no network. The same dossier gives the same brief.
"""

from __future__ import annotations

from analyzer import places
from analyzer.brief import figures, method, published, words
from analyzer.brief.cause import cause_section
from analyzer.brief.confidence import EVIDENCE_SCALE, PRECISION_SCALE
from analyzer.brief.estimates import TRAILING_BASE, estimates_table, overlaps_table, publisher_rule_table
from analyzer.brief.findings import DISAGREE, IN_FULL, findings
from analyzer.brief.limits import limits
from analyzer.brief.material import Material, sort_out
from analyzer.brief.model import Brief as Brief
from analyzer.brief.model import Finding, Section, Text
from analyzer.brief.timeline import claims_section, official_position, timeline_table
from analyzer.brief.together import together_section
from analyzer.records import Dossier

__all__ = ["Brief", "build"]


def build(dossier: Dossier) -> Brief:
    """The brief of a country and period, in reading order."""
    material = sort_out(dossier)
    country = places.country_name(dossier.cc)
    found = findings(material)
    return Brief(
        lang="en",
        title=f"{country}: internet blocks and use of VPNs",
        subtitle=f"{words.days(dossier.period_start, dossier.period_end)} · Brief",
        header=method.header(material),
        findings=found,
        precision_scale=PRECISION_SCALE,
        evidence_scale=EVIDENCE_SCALE,
        sections=_sections(material, found),
        appendix=tuple(s for s in (*method.appendix(material), claims_section(material)) if s),
        footer=method.footer(material),
        template_version=words.TEMPLATE_VERSION,
    )


def _sections(material: Material, found: tuple[Finding, ...]) -> tuple[Section, ...]:
    sections = (
        _timeline(material),
        _hero(material),
        _comparison(material),
        _disagreements(material, found),
        _estimates(material),
        cause_section(material),
        together_section(material),
        limits(material),
        official_position(material),
    )
    return tuple(s for s in sections if s)


def _timeline(material: Material) -> Section:
    if not material.events:
        text = "The catalogue holds no event for this country and period."
        return Section("timeline", "What happened when", ((text,),))
    return Section("timeline", "What happened when", tables=(timeline_table(material),))


def _hero(material: Material) -> Section | None:
    figure = figures.hero(material)
    heading = "The series and the blocks" if figure and figure.kind == "series" else "The blocks in time"
    return Section("picture", heading, figure=figure) if figure else None


def _comparison(material: Material) -> Section | None:
    figure, other = figures.comparison(material), published.other_units_table(material)
    if not figure and not other:
        return None
    tables = (other,) if other else ()
    return Section("comparison", "Publishers' figures, side by side", tables=tables, figure=figure)


def _disagreements(material: Material, found: tuple[Finding, ...]) -> Section | None:
    """In full, unless a finding has already shown all of them."""
    cases = published.conflicts(material)
    told = len(cases) <= IN_FULL and any(f.headline.startswith(DISAGREE) for f in found)
    if not cases or told:
        return None
    return Section("disagreements", "Where published figures disagree", items=tuple(c.text for c in cases))


def _estimates(material: Material) -> Section | None:
    studies = material.dossier.studies
    if not material.estimates:
        return None
    rule, overlaps = publisher_rule_table(studies), overlaps_table(studies)
    tables = (estimates_table(material.estimates), rule, overlaps)
    paragraphs: tuple[Text, ...] = ((TRAILING_BASE,),) if rule else ()
    return Section(
        "estimates-section", "Our estimates, and the publishers' rule", paragraphs, tables=tuple(t for t in tables if t)
    )
