"""How rare a row is given how many were asked: step-down over rows whose errors go together."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.outputs._synthesis_text import sections
from analyzer.records import Block, Estimate, Study
from analyzer.study.family import family_of
from analyzer.study.judged import Judged
from analyzer.study.rows import Heading, refused
from analyzer.study.series import SeriesKey
from analyzer.synthesis import step_down


def placebos(dates: int, rows: int, rho: float, seed: int = 1) -> np.ndarray:
    draw = np.random.default_rng(seed)
    return np.sqrt(rho) * draw.standard_normal((dates, 1)) + np.sqrt(1 - rho) * draw.standard_normal((dates, rows))


def test_one_row_is_adjusted_for_nothing_but_its_floor():
    found = step_down([2.0], [1000.0], placebos(400, 1, 0.0))
    assert found.p[0] == pytest.approx(0.0455, abs=0.001)
    assert found.adjusted[0] == pytest.approx(0.05, abs=0.02)


def test_independent_rows_cost_what_sidak_says():
    table = placebos(5000, 20, 0.0)
    found = step_down([3.0, *[0.1] * 19], [1e6] * 20, table)
    assert found.adjusted[0] == pytest.approx(1 - (1 - found.p[0]) ** 20, abs=0.02)


def test_copies_of_one_row_cost_nothing():
    table = np.repeat(placebos(5000, 1, 0.0), 20, axis=1)
    found = step_down([2.5] * 20, [1e6] * 20, table)
    assert (found.adjusted < 2 * found.p[0]).all()


def test_no_p_goes_below_the_floor_and_the_floor_is_one_over_dates_and_one():
    found = step_down([50.0, 0.5], [30.0, 30.0], placebos(99, 2, 0.3))
    assert found.floor == pytest.approx(0.01)
    assert found.adjusted[0] == pytest.approx(0.01)
    assert found.dates == 99


def test_dates_on_which_all_rows_jump_together_count_against_the_row():
    """Shocks on a tenth of all dates make a statistic of that size no finding, whatever its own margin says."""
    table = placebos(200, 5, 0.2)
    table[::10] = 8.0
    found = step_down([6.0, 0.1, 0.1, 0.1, 0.1], [30.0] * 5, table)
    assert found.p[0] < 1e-5
    assert found.adjusted[0] >= 0.1


def test_windows_that_overlap_do_not_pass_for_many():
    """Two hundred dates of windows of a hundred hold two windows' worth: rows count as nearly independent."""
    table = np.repeat(placebos(200, 1, 0.0), 10, axis=1)
    many = step_down([2.6] * 10, [1e6] * 10, table, windows=1)
    few = step_down([2.6] * 10, [1e6] * 10, table, windows=150)
    assert few.adjusted[0] > 2 * many.adjusted[0]


def test_rows_without_common_dates_are_put_apart_and_the_others_keep_theirs():
    table = placebos(300, 4, 0.5)
    table[30:, 3] = np.nan
    found = step_down([3.0, 1.0, 1.0, 3.0], [20.0] * 4, table)
    assert found.together.tolist() == [True, True, True, False]
    assert found.dates == 300
    assert found.adjusted[3] >= found.p[3]


def test_a_row_on_other_dates_than_the_rest_does_not_take_theirs_away():
    table = placebos(300, 4, 0.5)
    table[:150, 3] = np.nan
    table[150:, 0] = np.nan
    found = step_down([1.0] * 4, [20.0] * 4, table)
    assert found.dates >= 39
    assert found.together.sum() == 3


def test_without_any_placebos_rows_are_adjusted_as_independent_ones():
    found = step_down([3.0, 1.0, 0.5], [1e6] * 3, np.full((50, 3), np.nan))
    assert (found.dates, found.together.any()) == (0, False)
    assert found.adjusted[0] == pytest.approx(1 - (1 - found.p[0]) ** 3, abs=0.004)


def test_the_primary_question_is_tested_alone_and_nothing_is_rarer_than_it():
    table = placebos(999, 6, 0.3)
    statistics = [2.4, 9.0, 0.1, 0.2, 0.3, 0.4]
    searched = step_down(statistics, [1e6] * 6, table)
    planned = step_down(statistics, [1e6] * 6, table, first=[0])
    assert planned.adjusted[0] < 0.03 < searched.adjusted[0]
    assert planned.adjusted[1] == pytest.approx(planned.adjusted[0])


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(0, 6), min_size=1, max_size=8), st.floats(0, 0.9))
def test_adjusted_is_never_below_alone_and_keeps_the_order(statistics, rho):
    table = placebos(120, len(statistics), rho)
    found = step_down(statistics, [15.0] * len(statistics), table, draws=500)
    assert (found.adjusted >= found.p).all()
    assert ((found.adjusted > 0) & (found.adjusted <= 1)).all()
    order = np.argsort(found.p)
    assert (np.diff(found.adjusted[order]) >= -1e-12).all()


def test_family_wise_error_is_kept_and_power_is_no_less_than_bonferronis():
    """Rows and placebos with one law: rows are the next date of the same process."""
    named, found_max, found_bonferroni = [], [], []
    for seed in range(120):
        table = placebos(201, 30, 0.7, seed)
        result = step_down(table[-1], [1e6] * 30, table[:-1], draws=1000)
        named.append((result.adjusted <= 0.05).any())
        raised = table[-1].copy()
        raised[0] = 3.0
        result = step_down(raised, [1e6] * 30, table[:-1], draws=1000)
        found_max.append(result.adjusted[0] <= 0.05)
        found_bonferroni.append(result.p[0] * 30 <= 0.05)
    assert np.mean(named) <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 120)
    assert np.mean(found_max) > np.mean(found_bonferroni)


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        (([np.nan], [9.0], np.zeros((5, 1))), "statistics"),
        (([1.0], [0.0], np.zeros((5, 1))), "freedom"),
        (([1.0], [9.0], np.zeros((5, 2))), "placebos"),
    ],
)
def test_what_cannot_be_meant_is_refused_by_name(arguments, name):
    with pytest.raises(ValueError, match=name):
        step_down(*arguments)


def test_nothing_asked_is_nothing_found():
    assert step_down([], [], np.empty((0, 0))).adjusted.size == 0


# --- rows of a study ---


def judged(name: str, log: float, table: np.ndarray, horizon: str = "14d", refusal: str = "") -> Judged:
    days = np.arange(18000, 18000 + table.size)
    key = SeriesKey(name, 0, "", "users", "")
    return Judged(
        key,
        horizon,
        "no_block_since_base",
        log,
        0.1,
        20.0,
        10 * abs(log),
        days,
        table,
        18000 + table.size + 4,
        14.0,
        300,
        refusal,
    )


def row(j: Judged) -> Estimate:
    heading = Heading("x", "PK", j.key.indicator, "", j.estimand, "", 0.0, "", "count")
    return refused(heading, j.horizon, "a row for its names", "unclear")


def test_a_study_states_how_many_rows_were_asked_and_which_are_outside():
    table = placebos(300, 2, 0.5)
    rows = [judged("a", 0.9, table[:, 0]), judged("b", 0.02, table[:, 1]), judged("c", 0.0, table[:, 0], refusal="x")]
    family = family_of([row(j) for j in rows], rows)
    assert family is not None
    assert [r.indicator for r in family.rows] == ["a", "b"]
    assert family.rows[0].p_adjusted <= 0.05 < family.rows[1].p_adjusted
    assert "1 rows without a two-sided range" in family.note
    at = datetime(2024, 2, 17)
    block = Block("x", "PK", "X", at, at, None, None, "day", None, "social_media_block", "", ())
    text = "\n".join(sections(Study(block, at, (), family=family)))
    assert f"no p is below {family.floor:.2g}" in text
    assert "2 rows" in text


def test_a_study_of_one_row_was_no_search():
    only = judged("a", 0.9, placebos(300, 1, 0.0)[:, 0])
    assert family_of([row(only)], [only]) is None


def test_placebos_are_joined_by_date_whatever_their_order_and_steps():
    days = placebos(300, 1, 0.0)[:, 0]
    daily = judged("a", 0.1, days)
    late = Judged(
        daily.key, "7d", daily.estimand, 0.1, 0.1, 20.0, 1.0, daily.days[100:], days[100:], daily.onset_day, 7.0, 300
    )
    family = family_of([row(daily), row(late)], [daily, late])
    assert family is not None
    assert family.dates == 200
