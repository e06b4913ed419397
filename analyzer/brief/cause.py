"""What speaks for a block as the cause of a change and against it, apart from the size of the change."""

from __future__ import annotations

from analyzer.brief import words
from analyzer.brief.estimates import place_in_time
from analyzer.brief.indicators import meaning
from analyzer.brief.material import Material
from analyzer.brief.model import Section, Text
from analyzer.records import Breakdown, Study

FEWEST_PLACEBOS = 39  # a rank among fewer cannot reach 5 % on both sides

_STATES = {
    "confirmed": "Measurements in the data at hand show the block.",
    "likely": "Measurements in the data at hand point to a block without settling it.",
    "contested": "Measurements in the data at hand do not show the block, or speak against it.",
    "not_verifiable": "Nothing in the data at hand can show whether the services were blocked.",
}


def cause_section(material: Material) -> Section | None:
    """Per block: was it blocked, and how large a simultaneous shock would explain the change; None without any."""
    items = [item for study in material.dossier.studies for item in _of_study(study)]
    if not items:
        return None
    lead = "Size and cause are two questions: what follows speaks of the cause only."
    return Section("cause", "What speaks for the block as the cause, and against it", ((lead,),), tuple(items))


def _of_study(study: Study) -> list[Text]:
    said = [_verified(study)] if study.verified else []
    return [(text,) for text in (*said, *(_breakdown(study, b) for b in study.breakdowns))]


def _verified(study: Study) -> str:
    verified = study.verified
    assert verified is not None  # noqa: S101 - seen to by the caller
    reasons = "; ".join(words.clean(reason).rstrip(".") for reason in verified.reasons if words.clean(reason))
    return f"Verification {place_in_time(study)}: {_STATES[verified.state]}" + (
        f" {reasons[0].upper()}{reasons[1:]}." if reasons else ""
    )


def _breakdown(study: Study, found: Breakdown) -> str:
    name = meaning(found.indicator, found.entity).name
    start = f"{name[0].upper()}{name[1:]} {place_in_time(study)}, over {words.horizon(found.horizon)}"
    near = (
        f", and one of {words.multiple(found.shock_near)} would leave no clear change"
        if (found.shock_near - 1) * (found.shock - 1) > 0
        else "; without any shock the change is not clear"
    )
    return (
        f"{start}: a simultaneous shock of {words.multiple(found.shock)} would explain all of it{near}. "
        f"{_matched(found)} {_ordinary(found)}"
    ).strip()


def _matched(found: Breakdown) -> str:
    kinds = words.listing([kind.replace("_", " ") for kind in found.contexts]) or "event"
    if not found.placebo_n or found.placebo_low is None or found.placebo_high is None:
        return f"No {kinds} without a block could be compared with it."
    span = f"{words.multiple(found.placebo_low)} to {words.multiple(found.placebo_high)}"
    few = "; too few for a claim at 5 %" if found.placebo_n < FEWEST_PLACEBOS else ""
    rank = f"; it ranks {found.rank} of {found.placebo_n + 1}" if found.rank else ""
    return f"Events of the kind {kinds} without a block moved it by {span} (n = {found.placebo_n}{rank}{few})."


def _ordinary(found: Breakdown) -> str:
    if not found.ordinary_n or not found.ordinary_rank:
        return ""
    return f"Among ordinary dates of the same weekday it ranks {found.ordinary_rank} of {found.ordinary_n + 1}."
