"""The parts of the engine, each on a series made to show it."""

from __future__ import annotations

import numpy as np
import pytest

import analyzer
from analyzer.estimators import _calendar, _combine, _donors, _events, _filters
from analyzer.estimators._inputs import Arrays, Blocks, Options, ask


def test_a_strong_weekend_is_a_weekend_and_no_run_of_wild_steps():
    rng = np.random.default_rng(1)
    cycle = np.array([0.0, 0.0, 0.0, 0.0, 0.0, -0.4, -0.5])
    z = 5 + cycle[np.arange(182) % 7] + rng.normal(0, 0.03, 182)
    found = _calendar.seasonal_factors(z, 7)
    assert np.allclose(found, cycle - cycle.mean(), atol=0.03)


def test_a_single_wild_day_does_not_become_a_weekday():
    rng = np.random.default_rng(2)
    z = 5 + rng.normal(0, 0.05, 182)
    z[100] += 3
    assert np.abs(_calendar.seasonal_factors(z, 7)).max() < 0.05


def test_the_filter_equals_the_textbook_recursion_in_matrices():
    """Level, damped slope and cycle as one state vector (Durbin & Koopman 2012, section 4.3)."""
    rng = np.random.default_rng(3)
    x = np.cumsum(rng.normal(0, 0.1, 60))
    seen = rng.random(60) > 0.1
    drift, share, phi, turn = 0.04, 0.5, 0.8, 0.01
    found = _filters.kalman(x[:, None], seen, _filters.Grid.of([(drift, share, phi, turn, 1.0)]))
    move = np.array([[1, 1, 0], [0, _filters.DAMPING, 0], [0, 0, phi]])
    fresh = np.diag([drift, turn, share * (1 - phi**2)])
    see = np.array([1.0, 0.0, 1.0])
    state = np.array([x[np.argmax(seen)], 0.0, 0.0])
    spread = np.diag([100.0, turn / (1 - _filters.DAMPING**2), share])
    for t in range(60):
        if seen[t]:
            f = see @ spread @ see + 1 - share
            v = x[t] - see @ state
            assert found.innovation[0, t, 0] == pytest.approx(v)
            assert found.variance[0, t] == pytest.approx(f)
            gain = spread @ see / f
            state, spread = state + gain * v, spread - np.outer(gain, see @ spread)
        state, spread = move @ state, move @ spread @ move.T + fresh
    assert found.level[0, 60, 0] == pytest.approx(state[0])
    assert found.slope[0, 60, 0] == pytest.approx(state[1])
    assert found.covariance[0, 60] == pytest.approx(
        [spread[0, 0], spread[1, 1], spread[2, 2], spread[0, 1], spread[0, 2], spread[1, 2]]
    )


@pytest.mark.parametrize("row", [(0.01, 0.5, 0.8, 0.0), (0.0, 0.0, 0.0, 0.004), (0.02, 0.9, 0.95, 0.001)])
def test_the_variance_of_a_window_is_that_of_simulated_futures(row: tuple[float, float, float, float]):
    """Mean and variance of the window's level, gap included, against 20,000 drawn paths of the same model."""
    drift, share, phi, turn = row
    gap, horizon, paths = 3, 10, 20_000
    grid = _filters.Grid.of([(*row, 1.0)])
    x = np.random.default_rng(4).normal(0, 1, (40, 1))
    filtered = _filters.kalman(x, np.ones(40, bool), grid)
    ahead = _filters.window_ahead(filtered, gap, horizon)
    p, s, q, ps, pc, sc = filtered.covariance[0, 40]
    rng = np.random.default_rng(5)
    start = rng.multivariate_normal(
        [filtered.level[0, 40, 0], filtered.slope[0, 40, 0], filtered.cycle[0, 40, 0]],
        [[p, ps, pc], [ps, s, sc], [pc, sc, q]],
        paths,
    )
    level, slope, cycle = start.T
    total = np.zeros(paths)
    for k in range(gap + horizon):
        if k >= gap:
            total += level + cycle + rng.normal(0, np.sqrt(1 - share), paths)
        level = level + slope + rng.normal(0, np.sqrt(drift), paths)
        slope = (_filters.DAMPING if turn else 0.0) * slope + rng.normal(0, np.sqrt(turn), paths)
        cycle = phi * cycle + rng.normal(0, np.sqrt(share * (1 - phi**2)), paths)
    mean = total / horizon
    assert ahead.level(filtered)[0, 40, 0] == pytest.approx(mean.mean(), abs=4 * mean.std() / np.sqrt(paths))
    assert ahead.variance[0, 40] == pytest.approx(mean.var(), rel=0.05)


def test_a_steady_trend_is_expected_to_go_on_for_a_while():
    rng = np.random.default_rng(6)
    t = np.arange(194)
    y = rng.poisson(2000 * np.exp(0.01 * t)).astype(float)
    effect = analyzer.estimate_effect(y, 180, 14)
    level = y[173:180].mean() * 14
    assert effect.expected > 1.04 * level
    assert effect.ratio_low < 1 < effect.ratio_high


def test_a_shock_that_donors_share_is_not_credited_to_the_block():
    rng = np.random.default_rng(7)
    common = np.cumsum(rng.normal(0, 0.04, 194))
    common[180:] += 0.4
    donors = rng.poisson(400 * np.exp(common[:, None] + rng.normal(0, 0.05, (194, 8)))).astype(float)
    y = rng.poisson(900 * np.exp(common + rng.normal(0, 0.05, 194))).astype(float)
    alone = analyzer.estimate_effect(y, 180, 14)
    together = analyzer.estimate_effect(y, 180, 14, donors=donors)
    assert alone.ratio > 1.25
    assert abs(np.log(together.ratio)) < 0.1
    assert together.ratio_high / together.ratio_low < alone.ratio_high / alone.ratio_low


def test_the_mean_of_donors_leans_on_the_quiet_ones():
    rng = np.random.default_rng(8)
    z = np.column_stack([rng.normal(0, 0.02, 100), rng.normal(0, 0.02, 100), rng.normal(0, 2.0, 100)])
    found = _donors.with_mean(_donors.Donors(z, (0, 1, 2), ()), 100)
    assert found.common
    assert np.abs(found.z[:, 3] - z[:, :2].mean(axis=1)).max() < 0.01
    assert not _donors.with_mean(_donors.Donors(z[:, :2], (0, 1), ()), 100).common


def test_what_two_blocks_left_adds_up_before_the_logarithm():
    rng = np.random.default_rng(9)
    t = np.arange(240)
    left = sum(np.where(t >= day, 0.8 * 0.5 ** (np.maximum(t - day, 0) / 12), 0.0) for day in (150, 170))
    z = np.log(1 + left) + rng.normal(0, 0.02, 240)
    question = ask(220, 14, Arrays(np.exp(z)), Blocks([(149, 150), (169, 170)], estimand="just_before"), Options())
    base = _events.base_of(question)
    seen = ~base.masked
    found = _events.leftovers(np.where(seen, z, 0.0), seen, base, question.window)
    assert np.abs(found.path[155:220] - np.log(1 + left)[155:220]).max() < 0.06
    assert found.variance > 0


def test_members_start_from_the_order_that_the_structural_model_leads():
    standing = _combine.standing(("mean 7", "structural", "mean 7, donors", "structural, donors"))
    assert standing[3] < standing[1] < standing[0] == standing[2]
    assert _combine.standing(("mean 7", "structural"))[1] == 1


def test_a_cycle_learnt_from_few_seasons_costs_windows_shorter_than_it():
    short = _combine._learnt_cycle(28, 1, 7)
    assert short > _combine._learnt_cycle(280, 1, 7) > 1
    assert _combine._learnt_cycle(28, 14, 7) == 1
    assert _combine._learnt_cycle(28, 1, 1) == 1


@pytest.mark.parametrize("steps", [180, 720])
def test_a_shift_of_the_whole_series_in_size_changes_no_ratio(steps: int):
    rng = np.random.default_rng(10)
    y = 1000 * np.exp(np.cumsum(rng.normal(0, 0.03, steps + 14)))
    one = analyzer.estimate_effect(y, steps, 14)
    ten = analyzer.estimate_effect(10 * y, steps, 14)
    assert ten.ratio == pytest.approx(one.ratio, rel=1e-2)
    assert ten.ratio_low == pytest.approx(one.ratio_low, rel=1e-2)
