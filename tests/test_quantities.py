"""Kinds of things cannot be mixed: not at run time, and not past the type checker."""

from __future__ import annotations

import math
import subprocess
import sys
from itertools import permutations
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from analyzer.quantities import (
    ConcurrentClients,
    Connections,
    DailyClients,
    Downloads,
    Flow,
    Installs,
    Level,
    People,
    Quantity,
    Ratio,
    Searches,
    Share,
    SignUps,
)

FLOWS = (Searches, Downloads, SignUps, Connections)
LEVELS = (People, ConcurrentClients, DailyClients, Installs, Share, Ratio)
ROOT = Path(__file__).parents[1]
# A loaded machine is no fault: no example is timed.
QUICK = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def one(kind: type[Quantity]) -> Quantity:
    return kind(0.1, 0.2, 0.3)


@pytest.mark.parametrize(("a", "b"), list(permutations((*FLOWS, *LEVELS), 2)))
def test_two_kinds_can_neither_be_added_nor_ordered(a: type[Quantity], b: type[Quantity]):
    for mix in (lambda x, y: x + y, lambda x, y: x < y, lambda x, y: x > y):
        with pytest.raises(TypeError, match="are different things"):
            mix(one(a), one(b))
    assert one(a) != one(b)


@pytest.mark.parametrize("kind", LEVELS)
def test_levels_of_one_kind_are_never_added_since_they_may_be_the_same_ones(kind: type[Level]):
    with pytest.raises(TypeError, match="max_to_sum"):
        one(kind) + one(kind)  # type: ignore[operator]


@pytest.mark.parametrize("kind", [*FLOWS, *LEVELS])
def test_a_plain_number_is_of_no_kind(kind: type[Quantity]):
    for mix in (lambda q: q + 1, lambda q: 1 + q, lambda q: q < 1, lambda q: sum([q, q])):
        with pytest.raises(TypeError, match="a plain int"):
            mix(one(kind))


@pytest.mark.parametrize("kind", FLOWS)
def test_flows_of_one_kind_add_up_end_by_end(kind: type[Flow]):
    assert kind(1, 2, 3) + kind(10, 20, math.inf) == kind(11, 22, math.inf)
    assert (kind(1, 2, 3) + kind(1, None, 3)).middle is None


def test_ranges_are_ordered_where_they_do_not_touch():
    assert People(1, 2, 3) < People(4, 5, 6)
    assert People(4, 5, 6) > People(1, 2, 3)
    assert not People(1, 2, 5) < People(4, 5, 6)


@pytest.mark.parametrize(
    ("kind", "ends"),
    [
        (People, (3, 2, 1)),
        (People, (1, 5, 4)),
        (People, (math.nan, 1, 2)),
        (People, (1, math.nan, 2)),
        (People, (-math.inf, 1, 2)),
        (People, (math.inf, math.inf, math.inf)),
        (People, (1, 2, 1e11)),
        (Share, (0.1, 0.2, 18)),
        (Share, (-0.1, 0.2, 0.3)),
        (Ratio, (-1, 0, 1)),
    ],
)
def test_what_cannot_be_is_refused_by_name(kind: type[Quantity], ends: tuple[float, float, float]):
    with pytest.raises(ValueError, match=kind.noun):
        kind(*ends)


@QUICK
@given(st.lists(st.floats(-1e9, 1e9), min_size=3, max_size=3))
def test_any_ordered_finite_ends_make_a_range_and_others_none(ends: list[float]):
    if ends == sorted(ends):
        assert People(*ends).low == ends[0]
    else:
        with pytest.raises(ValueError, match="out of order"):
            People(*ends)


def test_mypy_rejects_every_mix(tmp_path: Path):
    """One error for each marked line, none for the others."""
    (tmp_path / "quantities.py").write_text((ROOT / "analyzer" / "quantities.py").read_text(encoding="utf-8"))
    snippet = tmp_path / "snippet.py"
    snippet.write_text(
        "from quantities import Downloads, People, Searches, Share, SignUps\n"
        "s, d, p = Searches(1, 2, 3), Downloads(1, 2, 3), People(1, 2, 3)\n"
        "fine = s + s\n"
        "also = p < p\n"
        "a = s + d  # mixed\n"
        "b = p + p  # mixed\n"
        "c = p < s  # mixed\n"
        "e = d > SignUps(1, 2, 3)  # mixed\n"
        "f = Share(0, 0, 1) + p  # mixed\n"
        "g = 3 + p  # mixed\n"
        "h: People = s  # mixed\n"
    )
    run = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(tmp_path / "cache"), "--config-file="]
    done = subprocess.run([*run, str(snippet)], cwd=tmp_path, capture_output=True, text=True, check=False)
    wrong = {int(line.split(":")[1]) for line in done.stdout.splitlines() if ": error:" in line}
    marked = {i for i, line in enumerate(snippet.read_text().splitlines(), 1) if "mixed" in line}
    assert wrong == marked, done.stdout
