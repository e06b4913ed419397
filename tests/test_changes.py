"""A located change is where the series changed, and noise alone shows none."""

from __future__ import annotations

import numpy as np
import pytest

from analyzer.estimators import locate_change

ONSET = 200


def series(seed: int, level: float = 300.0) -> np.ndarray:
    """Counts with a weekly cycle and a little wandering."""
    rng = np.random.default_rng(seed)
    week = np.tile([0.1, 0.0, 0.0, 0.05, 0.0, -0.1, -0.05], 40)[:240]
    return rng.poisson(level * np.exp(week + np.cumsum(rng.normal(0, 0.004, 240)))).astype(float)


@pytest.mark.parametrize("late", [0, 3, 6])
def test_a_change_is_found_on_the_step_on_which_it_begins(late: int):
    y = series(1)
    y[ONSET + late :] *= 1.6
    found = locate_change(y, ONSET, 14)
    assert found is not None
    assert abs(found.step - (ONSET + late)) <= 1
    assert found.ratio == pytest.approx(1.6, rel=0.15)


def test_noise_alone_shows_a_change_in_few_of_many_series():
    found = [locate_change(series(seed), ONSET, 14) for seed in range(60)]
    assert sum(f is not None for f in found) <= 9


def test_a_short_history_shows_nothing():
    y = series(2)
    y[40:] *= 3
    assert locate_change(y[:54], 40, 14) is None


def test_gaps_do_not_make_a_change():
    y = series(3)
    y[ONSET - 5 : ONSET + 5] = np.nan
    assert locate_change(y, ONSET, 14) is None
