"""The placebo bench runs on the product's path and prints what the method page quotes."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.mark.shared
def test_a_small_run_prints_rates_refusals_and_seconds(shared: Path):
    command = [
        sys.executable,
        "bench/placebo_tor.py",
        "--limit",
        "40",
        "--jobs",
        "1",
        "--data",
        str(shared / "data" / "series"),
    ]
    text = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=300).stdout
    assert re.search(r"^windows \d+, refused [\d.]+ %:", text)
    rate = re.search(r"false positives at nominal 5 %: +([\d.]+) % of (\d+)", text)
    assert rate is not None
    assert float(rate[1]) < 50
    assert "seconds per window" in text
    assert "t-test on logs, naive" in text
