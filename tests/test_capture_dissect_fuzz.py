"""The fuzzing bench finds what it looks for, and finds nothing in the parsers."""

from __future__ import annotations

import importlib.util
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

PATH = Path(__file__).parents[1] / "bench" / "fuzz_parsers.py"


@pytest.fixture(scope="module")
def bench() -> Iterator[ModuleType]:
    spec = importlib.util.spec_from_file_location("bench_fuzz_parsers", PATH)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


def test_every_parser_takes_mutated_messages(bench: ModuleType):
    """Nothing raises, and enough stays readable that the inputs are worth their while."""
    scores = bench.run(600, seed=5)
    for name, score in scores.items():
        assert score.raised == [], name
        assert score.tried >= 600
        assert score.read > 0, name


def test_what_raises_is_counted(bench: ModuleType):
    score = bench.Score()
    score.run(lambda data: data[99], b"short")
    score.run(len, b"short")
    assert (score.tried, score.read, len(score.raised)) == (2, 1, 1)


def test_the_same_seed_gives_the_same_inputs(bench: ModuleType):
    valid = bench.samples()
    rng = random.Random(2)  # noqa: S311 - repeatable, not secret
    state = rng.getstate()
    made = [bench.mutated(valid[0], valid, rng) for _ in range(20)]
    rng.setstate(state)
    assert made == [bench.mutated(valid[0], valid, rng) for _ in range(20)]
    assert set(made) - set(valid)


def test_parsers_load_nothing_heavy_before_they_need_it():
    names = "certificates dns dtls http initial quic ssh stun tls"
    code = f"import sys\nfrom analyzer.capture.dissect import {names.replace(' ', ', ')}\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert not {"cryptography", "scapy", "numpy"} & set(done.stdout.split())
