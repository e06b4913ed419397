"""Published units: what a text says, what it is in other units, whether its raw counts agree."""

from __future__ import annotations

import math
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from analyzer.errors import BadInput
from analyzer.people.published_units import parsed, recomputed, trailing, undone

# A loaded machine is no fault: no example is timed.
QUICK = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@pytest.mark.parametrize(
    ("text", "percent"),
    [
        ("46 times", 4500),
        ("46-fold", 4500),
        ("x46", 4500),
        ("+131 %", 131),
        ("131 percent", 131),
        ("over 500 %", 500),
        ("+182,890 %", 182_890),
        ("-60 %", -60),
        ("−60%", -60),
        ("fell by 60 per cent", -60),
        ("131 % of the previous day", 31),
        ("doubled", 100),
        ("27,815 against 321", 100 * (27_815 / 321 - 1)),
        ("27 815 searches against 321 a day", 100 * (27_815 / 321 - 1)),
        ("from 321 to 27,815", 100 * (27_815 / 321 - 1)),
        ("500,000 against 10,000", 4900),
        ("700,000 a day / 16,000", 4275),
        ("half a million: 0.5 million vs 10k", 4900),
    ],
)
def test_a_text_is_read_as_what_it_says(text: str, percent: float):
    assert parsed(text).percent == pytest.approx(percent)


@pytest.mark.parametrize(
    "text",
    ["", "many", "46", "-200 %", "5 against 0", "x", "nan %", "inf times", "% %", "\x00", "1e5 times more or less"],
)
def test_a_text_without_a_change_is_refused_in_one_line(text: str):
    try:
        assert parsed(text).multiple >= 0
    except BadInput as error:
        assert "\n" not in str(error)
    else:
        assert text == "1e5 times more or less"  # read as 5 times: the digits before `times`


def test_times_more_is_read_one_way_and_the_other_is_said():
    assert "x121" in parsed("120 times more downloads").note


@pytest.mark.parametrize(
    ("now", "base", "published", "verdict"),
    [
        (27_815, 321, "+8,565 %", "consistent"),
        (27_815, 321, "87 times", "consistent"),
        (27_815, 321, "+17,000 %", "not consistent"),
        (27_815, 321, "+8,665 %", "ratio written as percent"),
        (500_000, 10_000, "+1,200 %", "not consistent"),
        (500_000, 10_000, "+4,900 %", "consistent"),
        (700_000, 16_000, "+4,375 %", "ratio written as percent"),
        (700_000, 16_000, "+4,275 %", "consistent"),
        (540_000, 10_000, "54-fold", "consistent"),
        (13_000, 100, "+12,900 %", "consistent"),
    ],
)
def test_a_published_change_is_checked_against_its_counts(now: float, base: float, published: str, verdict: str):
    assert recomputed(now, base, published).verdict == verdict


def test_the_base_that_would_give_the_headline_is_named():
    assert "a base of 162" in recomputed(27_815, 321, "+17,000 %").sentence


@pytest.mark.parametrize(("now", "base"), [(1, 0), (-1, 2), (math.nan, 1), (1, math.inf)])
def test_counts_that_have_no_ratio_are_refused(now: float, base: float):
    with pytest.raises(BadInput):
        recomputed(now, base, "+10 %")


@QUICK
@given(st.floats(1, 1e7), st.floats(1, 1e7))
def test_percent_and_multiple_are_one_statement(now: float, base: float):
    change = parsed(f"{now:.3f} against {base:.3f}")
    assert change.percent == pytest.approx(100 * (change.multiple - 1))
    assert change.multiple == pytest.approx(now / base, rel=1e-2)


@QUICK
@given(st.text(max_size=40))
def test_no_text_breaks_the_reader(text: str):
    with suppress(BadInput):
        assert math.isfinite(parsed(text).percent)


def test_a_jump_that_stays_falls_by_itself_under_a_trailing_base():
    assert [round(trailing(14.3, day)) for day in (0, 1, 2, 3, 7, 14, 28, 40)] == [1330, 869, 633, 490, 231, 87, 0, 0]
    assert round(trailing(601, 0)) == 60_000
    assert round(trailing(601, 1)) == 2580


@QUICK
@given(st.lists(st.floats(0.05, 50), min_size=1, max_size=60), st.integers(1, 40))
def test_undoing_a_trailing_base_gives_the_levels_back(levels: list[float], k: int):
    past = [1.0] * k + levels
    published = [100 * (past[i] / (sum(past[i - k : i]) / k) - 1) for i in range(k, len(past))]
    assert undone(published, k) == pytest.approx(levels, rel=1e-6)


@pytest.mark.parametrize("bad", [(0, 1, 28), (math.nan, 1, 28), (2, -1, 28), (2, 1, 0)])
def test_a_trailing_base_of_nothing_is_refused(bad: tuple[float, int, int]):
    with pytest.raises(ValueError, match="must be"):
        trailing(*bad)
    with pytest.raises(ValueError, match="must be"):
        undone([-101.0])
