"""What a brief says of cause, of several indicators together, of people: apart from the size of a change."""

from __future__ import annotations

from dataclasses import replace

import pytest
from brief_dossiers import sudan

from analyzer.brief import build
from analyzer.brief.model import Section
from analyzer.records import (
    Breakdown,
    Concordance,
    Dossier,
    Family,
    FamilyRow,
    PeopleRange,
    RunCount,
    Synthesis,
    Verified,
)

BREAKDOWN = Breakdown(
    "tor.relay_users", "", "7d", "no_block_since_base", 3.0, 2.5, ("election", "protest"), 0.9, 1.3, 7, 1, 60, 2
)
PEOPLE = PeopleRange(
    "tor.relay_users", "", "7d", "users anchored before the block", "people who used the tool", 900.0, 1500.0, 2600.0,
    0.06, 0.1, 0.17, "internet users, 2018, World Bank as of 2025-11", "",
)  # fmt: skip


def studied(**fields: object) -> Dossier:
    whole = sudan()
    return replace(whole, studies=(replace(whole.studies[0], **fields),))  # type: ignore[arg-type]


def section(dossier: Dossier, ident: str) -> Section | None:
    return next((s for s in build(dossier).sections if s.ident == ident), None)


def text(found: Section | None) -> str:
    assert found is not None
    return " ".join(str(part) for item in found.items for part in item)


def test_a_brief_without_these_parts_has_no_empty_sections():
    assert section(sudan(), "cause") is None
    assert section(sudan(), "together") is None


@pytest.mark.parametrize(
    ("state", "words"),
    [("confirmed", "show the block"), ("contested", "speak against it"), ("not_verifiable", "Nothing in the data")],
)
def test_the_state_of_verification_is_said_with_its_reasons(state, words):
    said = text(section(studied(verified=Verified(state, ("share of blocked tests .02 before, .81 during",))), "cause"))
    assert words in said
    assert "Share of blocked tests .02 before, .81 during." in said


def test_the_shock_that_would_explain_a_change_stands_beside_what_such_events_did():
    said = text(section(studied(breakdowns=(BREAKDOWN,)), "cause"))
    assert "a simultaneous shock of x3 would explain all of it, and one of x2.5 would leave no clear change" in said
    assert "election and protest without a block moved it by x0.9 to x1.3 (n = 7; it ranks 1 of 8; too few" in said
    assert "ranks 2 of 61" in said


@pytest.mark.parametrize(("shock", "near"), [(1.2, 0.9), (0.8, 1.1)])
def test_an_interval_that_holds_one_needs_no_shock(shock, near):
    found = replace(BREAKDOWN, shock=shock, shock_near=near, placebo_n=0, placebo_low=None, placebo_high=None)
    said = text(section(studied(breakdowns=(found,)), "cause"))
    assert "without any shock the change is not clear" in said
    assert "could be compared" in said


def test_one_indicator_is_not_called_a_combination_and_types_are_not_averaged():
    alone = Synthesis("users", "7d", "no_block_since_base", ("a",), 3.0, 2.5, 3.6, 2.0, 4.0, 0.0, 0.0)
    two = replace(alone, members=("a", "b"), band=((0.3, 2.3, 3.9), (0.8, 2.0, 4.4)))
    assert section(studied(syntheses=(alone,)), "together") is None
    said = text(section(studied(syntheses=(two,)), "together"))
    assert "2 indicators of users of tools combined, over the first 7 days: x3 (95 % interval x2.5 to x3.6)" in said
    assert "were their errors correlated by 0.8, x2 to x4.4" in said


def test_what_a_further_indicator_would_show_is_not_known_from_two():
    two = Synthesis("users", "7d", "no_block_since_base", ("a", "b"), 3.0, 2.5, 3.6, 0.0, float("inf"), 0.0, 0.0)
    said = text(section(studied(syntheses=(two,)), "together"))
    assert "is not known from so few" in said
    assert "inf" not in said


def test_types_that_disagree_each_have_their_line():
    rows = (
        Concordance("users", 2, 1, 0, 1, 0, 0, "of 2 indicators of users 1 rose"),
        Concordance("interest", 1, 0, 0, 1, 0, 0, "search interest cannot tell"),
    )
    said = text(section(studied(concordance=rows), "together"))
    assert "Of 2 indicators of users 1 rose" in said
    assert "Search interest cannot tell" in said


def test_the_count_of_questions_and_the_floor_of_p_are_printed():
    row = FamilyRow("tor.relay_users", "", "7d", "no_block_since_base", "primary", 0.01, 0.04)
    said = text(section(studied(family=Family((row,), 120, 1 / 121), runs=RunCount(12, 3)), "estimates-section"))
    assert "1 row asked at once" in said
    assert "adjusted p is 0.040" in said
    assert "none can be under 0.008" in said
    assert "12 rows run" in said
    assert "3 shown" in said


@pytest.mark.parametrize("verdict", ["rise", "fall"])
@pytest.mark.parametrize("attribution", ["supported", "unclear", "contested"])
def test_a_change_is_credited_to_a_block_only_where_the_attribution_is_supported(verdict, attribution):
    row = replace(sudan().studies[0].estimates[0], verdict=verdict, attribution=attribution)
    detail = str(build(studied(estimates=(row,))).findings[0].detail)
    assert ("supports the block as the cause" in detail) == (attribution == "supported")


def test_people_are_a_range_with_its_route_and_denominator_or_nothing():
    assert "none is a number of people" in text(section(sudan(), "limits"))
    said = text(section(studied(people=(PEOPLE, replace(PEOPLE, route="", low=None, middle=None))), "limits"))
    assert "1,500 (900 to 2,600), 0.1 (0.06 to 0.17) per 1,000 of internet users, 2018, World Bank" in said
    assert "Route: users anchored before the block." in said
