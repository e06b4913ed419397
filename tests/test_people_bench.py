"""The bench of people, small: routes hold a truth that was counted, bounds always hold, refusals say why."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

from analyzer.people import Denominator, people_ranges


def _bench() -> ModuleType:
    spec = importlib.util.spec_from_file_location("bench_people", Path(__file__).parents[1] / "bench" / "people.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # where dataclasses look up the names of their annotations
    spec.loader.exec_module(module)
    return module


bench = _bench()
ONLINE = Denominator(1.1e8, 2023, "simulated", 1.1e8, 1.1e8)
ALLOWED = {
    "users of VPNs, survey before",
    "Psiphon, its own users before",
    "Psiphon, devices only",
    "Psiphon, devices per person",
    "Tor bridges, stated users per client",
    "client share, all stated",
    "downloads, usual retention",
    "downloads, devices per person",
    "chart rank",
}
NOT_PEOPLE = {"Psiphon, devices only", "downloads, usual retention", "chart rank"}


@pytest.mark.parametrize("route", bench.ROUTES)
def test_ranges_hold_the_truth_about_as_often_as_they_say(route: str):
    found = bench.coverage(bench.ROUTES[route], 120, 3, "inside", 600)
    assert found.held >= 0.88  # two standard errors below 93 % and one for 600 draws
    assert found.worst >= 0.9


@pytest.mark.parametrize("bounds", [bench.rank_bounds, bench.union_bounds])
def test_bounds_hold_in_every_world(bounds):
    held, asked = bounds(150, 3)
    assert held == asked > 140


@pytest.mark.parametrize(("name", "case", "anchors"), list(bench.questions()), ids=[q[0] for q in bench.questions()])
def test_every_question_is_allowed_or_refused_as_listed_and_says_why(name: str, case, anchors):
    (row,) = people_ranges([case], anchors, ONLINE)
    assert row.reasons
    assert bool(row.route) == (name in ALLOWED)
    assert row.is_of_people == (name in ALLOWED - NOT_PEOPLE)
    assert ("cannot be converted to people" in row.reasons) == (not row.is_of_people)
