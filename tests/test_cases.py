"""Known events on real series: verdict, attribution, verification and reasons of each, word for word.

UPDATE_GOLDEN=1 writes the file anew; the difference is then read by eye.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bench import cases

GOLDEN = Path(__file__).parent / "golden" / "cases.txt"


@pytest.mark.shared
def test_the_known_events_are_told_as_they_were_read_by_eye(shared: Path, tmp_path: Path):
    db = cases.store(shared / "data" / "series", tmp_path)
    told = [cases.in_words(case, cases.study_of(db, case, shapes="none")) for case in cases.KEPT]
    text = "\n\n".join(told) + "\n"
    if os.environ.get("UPDATE_GOLDEN"):
        GOLDEN.write_text(text, encoding="utf-8")
    assert text == GOLDEN.read_text(encoding="utf-8")


def test_numbers_are_kept_to_two_digits_and_dates_as_they_are():
    assert cases.rounded("x2.6548 (2.07 to 13.4) on 2018-12-21, 14 of 14 days") == (
        "x2.7 (2.1 to 13) on 2018-12-21, 14 of 14 days"
    )
