"""What several indicators say together, how many questions were asked of the data, and what follows for people."""

from __future__ import annotations

from analyzer.brief import words
from analyzer.brief.estimates import place_in_time
from analyzer.brief.indicators import meaning
from analyzer.brief.material import Material
from analyzer.brief.model import Section, Text
from analyzer.records import Family, PeopleRange, RunCount, Study, Synthesis

_NOTHING = 1e-6  # a range as wide as this, or its inverse, says nothing
_UNKNOWN = "what a further indicator of that type would show is not known from so few"
_TYPES = {
    "users": "users of tools",
    "acquisition": "downloads, sign-ups and charts",
    "interest": "searches and page views",
    "connection": "connections",
    "traffic": "traffic",
}


def together_section(material: Material) -> Section | None:
    """Statements within a type, a line per type across them, and the count of questions; None where there are none."""
    items = [item for study in material.dossier.studies for item in _of_study(study)]
    if not items:
        return None
    lead = (
        "Indicators of one type are combined; types are never averaged, because searches, downloads, connections and "
        "users are different things."
    )
    return Section("together", "What the indicators say together", ((lead,),), tuple(items))


def _of_study(study: Study) -> list[Text]:
    where = place_in_time(study)
    said = [f"{_combined(s)} {where}{_spread(s)}" for s in study.syntheses if len(s.members) > 1]
    said += [f"{_cap(c.sentence)} {where}." for c in study.concordance if len(study.concordance) > 1]
    return [(text,) for text in said]


def questions_asked(material: Material) -> tuple[Text, ...]:
    """How many rows were asked of the data, and what is left of the smallest p once all of them count."""
    said = []
    for study in material.dossier.studies:
        where = place_in_time(study)
        said += [_runs(study.runs, where)] if study.runs else []
        said += [_family(study.family, where)] if study.family and study.family.rows else []
    return tuple((text,) for text in said)


def _combined(found: Synthesis) -> str:
    kind = _TYPES.get(found.type, found.type)
    span = f"{words.multiple(found.ratio_low)} to {words.multiple(found.ratio_high)}"
    return (
        f"{words.count(len(found.members), 'indicator')} of {kind} combined, over {words.horizon(found.horizon)}: "
        f"{words.multiple(found.ratio)} (95 % interval {span})"
    )


def _spread(found: Synthesis) -> str:
    known = found.prediction_low > _NOTHING and found.prediction_high < 1 / _NOTHING
    ends = f"{words.multiple(found.prediction_low)} and {words.multiple(found.prediction_high)}"
    ahead = f"a further indicator of that type would be expected between {ends}" if known else _UNKNOWN
    worst = max(found.band, default=None)
    shared = (
        f"; were their errors correlated by {worst[0]:.1f}, {words.multiple(worst[1])} to {words.multiple(worst[2])}"
        if worst
        else ""
    )
    return f"; {ahead}{shared}."


def _cap(text: str) -> str:
    cleaned = words.clean(text).rstrip(".")
    return cleaned[:1].upper() + cleaned[1:]


def _family(family: Family, where: str) -> str:
    least = min(family.rows, key=lambda row: (row.p_adjusted, row.p))
    name = meaning(least.indicator, least.entity).name
    return (
        f"{words.count(len(family.rows), 'row')} asked at once {where}: the smallest adjusted p is "
        f"{_p(least.p_adjusted)} ({name}, {words.horizon(least.horizon)}), from {family.dates} earlier dates; "
        f"none can be under {_p(family.floor)}."
    )


def _p(value: float) -> str:
    return f"{value:.3f}" if value < 0.1 else f"{value:.2f}"


def _runs(runs: RunCount, where: str) -> str:
    return f"{words.count(runs.run, 'row')} run {where}, {runs.shown} shown here."


def people_sentences(material: Material) -> list[str]:
    """Ranges of people where a route is sound, with their worst case; clients and installs are not among them."""
    return [
        f"{_cap(row.quantity)} {place_in_time(study)}: {_range(row)}{_per_thousand(row)}. {_route(row)}"
        for study in material.dossier.studies
        for row in study.people
        if row.is_of_people and row.low is not None
    ]


def _route(row: PeopleRange) -> str:
    reasons = words.clean(row.reasons).rstrip(".")
    return f"Route: {words.clean(row.route)}{f'; {reasons}' if reasons else ''}."


def _range(row: PeopleRange) -> str:
    ends = [words.number(value) for value in (row.low, row.high) if value is not None]
    return f"{words.number(row.middle)} ({' to '.join(ends)})" if row.middle is not None else " to ".join(ends)


def _per_thousand(row: PeopleRange) -> str:
    if row.per_1000 is None:
        return ""
    ends = f"{words.number(row.per_1000_low or 0.0)} to {words.number(row.per_1000_high or 0.0)}"
    return f", {words.number(row.per_1000)} ({ends}) per 1,000 of {words.clean(row.denominator)}"
