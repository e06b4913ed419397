"""The coverage bench judges intervals rightly: seen on estimators whose quality is known beforehand."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest

import analyzer
from analyzer.errors import NotEnoughData
from analyzer.simulate import SimulatedPanel, simulate

PATH = Path(__file__).parents[1] / "bench" / "coverage.py"


@pytest.fixture(scope="module")
def bench() -> Iterator[ModuleType]:
    spec = importlib.util.spec_from_file_location("bench_coverage", PATH)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # where dataclasses look up the names of their annotations
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


@pytest.fixture
def panel() -> SimulatedPanel:
    return simulate("clean:zero", np.random.default_rng(1))


def interval(low: float, high: float, panel: SimulatedPanel) -> SimpleNamespace:
    observed, _ = panel.truth()
    return SimpleNamespace(expected_low=low, expected_high=high, ratio_low=observed / high, ratio_high=observed / low)


def judged(bench: ModuleType, monkeypatch: pytest.MonkeyPatch, panel: SimulatedPanel, answer):
    monkeypatch.setattr(analyzer, "estimate_effect", answer, raising=False)
    return bench.judge(panel, estimand="just_before", seed=1, use_donors=True)


def test_an_interval_that_holds_the_truth_covers_and_scores_its_width(bench, monkeypatch, panel):
    _, truth = panel.truth()
    found = judged(bench, monkeypatch, panel, lambda *_, **__: interval(0.9 * truth, 1.1 * truth, panel))
    assert (found.covered, found.false_positive) == (True, False)
    assert found.width == pytest.approx(0.2)
    assert found.score == pytest.approx(0.2)


def test_an_interval_that_misses_pays_forty_times_its_distance(bench, monkeypatch, panel):
    _, truth = panel.truth()
    found = judged(bench, monkeypatch, panel, lambda *_, **__: interval(1.1 * truth, 1.2 * truth, panel))
    assert (found.covered, found.false_positive) == (False, True)
    assert found.score == pytest.approx(0.1 + 40 * 0.1)


def test_a_refusal_is_counted_and_not_judged(bench, monkeypatch, panel):
    def refuse(*_, **__):
        raise NotEnoughData("6 of 14 steps")

    assert judged(bench, monkeypatch, panel, refuse) is None
    _, truth = panel.truth()
    good = judged(bench, monkeypatch, panel, lambda *_, **__: interval(0.9 * truth, 1.1 * truth, panel))
    cells = dict(zip(bench.HEADER, bench.row("clean", [None, good, good]), strict=True))
    assert (cells["n"], cells["refused"], cells["cover %"], cells["false %"]) == ("3", "1", "100", "0")
    assert bench.row("clean", [None])[7] == "1"


def test_the_estimator_is_asked_with_what_the_panel_knows(bench, monkeypatch):
    asked = {}

    def note(y, onset, horizon, **options):
        asked.update(options, onset=onset, horizon=horizon)
        raise NotEnoughData("only looking")

    judged(bench, monkeypatch, simulate("overlap", np.random.default_rng(1)), note)
    assert (asked["onset"], asked["horizon"], asked["season"]) == (365, 14, 7)
    assert asked["other_events"] == ((302, 309), (323, 330), (341, 348))
    assert asked["estimand"] == "just_before"
