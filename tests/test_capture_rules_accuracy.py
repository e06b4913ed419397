"""Accuracy on other people's captures, through the engine as every user runs it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

BENCH = Path(__file__).parents[1] / "bench"


@pytest.fixture
def accuracy() -> Iterator[object]:
    """The scorer, which is a script and no module of the package."""
    sys.path.insert(0, str(BENCH))
    try:
        import accuracy

        yield accuracy
    finally:
        sys.path.remove(str(BENCH))


@pytest.mark.shared
def test_marks_are_reached(accuracy, shared: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """96 % of families, 0.93 over pairs, 97 providers, at most 2 false positives and 20 suspicions."""
    scored = accuracy.score(shared / "captures", accuracy.truth(shared / "captures"), accuracy.labelled_flows)
    assert accuracy.report(scored), capsys.readouterr().out
    named = [s for s in scored if s.row.verdict == "yes" and s.row.provider not in accuracy.NO_PROVIDER]
    assert sum(s.is_named_right for s in named) >= 97


def test_intervals_are_exact(accuracy) -> None:
    """Clopper-Pearson bounds of 0, all and some of 10 (from tables)."""
    assert accuracy.interval(0, 10) == "0 of 10 = 0.0% (0.0% to 30.8%)"
    assert accuracy.interval(10, 10) == "10 of 10 = 100.0% (69.2% to 100.0%)"
    assert accuracy.interval(5, 10) == "5 of 10 = 50.0% (18.7% to 81.3%)"
    assert accuracy.interval(0, 0) == "no cases"
