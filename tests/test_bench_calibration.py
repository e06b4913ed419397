"""The calibration bench: cases of the rig, judged against their truth."""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

import pytest

from bench import calibration


@pytest.mark.shared
def test_a_run_judges_every_case_and_the_report_says_how(
    shared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setattr(calibration, "RIG", shared / "tools" / "estimation")
    out = tmp_path / "ours.csv"
    calibration.run(
        argparse.Namespace(scenarios=["mix:double", "clean"], n=3, seed=1, methods=["ours"], jobs=1, out=str(out))
    )
    rows = list(csv.DictReader(out.open(encoding="utf-8")))
    assert len(rows) == 6
    doubled = [r for r in rows if r["scenario"] == "mix:double"]
    assert all(float(r["observed"]) > 1.6 * float(r["expected"]) for r in doubled)
    calibration.report(argparse.Namespace(files=[str(out)]))
    said = capsys.readouterr().out
    assert "mix:double" in said
    assert "100.0" in said


def _row(**fields: object) -> dict[str, object]:
    usual = {"scenario": "real:x", "method": "ours", "case": 0, "observed": 10, "expected": 10, "point": 10, "low": 8,
             "high": 12, "seconds": 0.1, "refusal": "", "key": "x/pk@5", "volatility": 1, "move": 1, "trend": 1,
             "size": 1}  # fmt: skip
    return {**usual, **fields}


def test_scores_punish_a_miss_and_refusals_are_counted_not_scored(tmp_path: Path):
    path = tmp_path / "rows.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, calibration.FIELDS)
        writer.writeheader()
        writer.writerow(_row())
        writer.writerow(_row(case=1, low=11, high=12))
        writer.writerow(_row(case=2, low="", high="", point="", refusal="NotEnoughData"))
    hit, miss, refused = calibration.read([str(path)])
    assert hit["covered"]
    assert hit["score"] == pytest.approx(0.4)
    assert not miss["covered"]
    assert miss["score"] == pytest.approx(0.1 + 40 * 0.1)
    assert refused["refused"]
    assert not miss["refused"]
