"""Worlds in which attribution is measured are what they say: shocks at home and elsewhere, one block, one context."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest

from analyzer import blocks
from bench import elections, worlds
from bench.worlds import BEFORE, HOME, HORIZON, World


@pytest.mark.parametrize("factor", [0.5, 1.0, 2.5])
def test_a_shock_multiplies_its_window_and_nothing_else(factor: float):
    y = np.full(60, 10_000.0)
    y[25] = np.nan
    moved = worlds.lifted(y, 20, factor, np.random.default_rng(1))
    assert np.nanmean(moved[20 : 20 + HORIZON]) == pytest.approx(10_000 * factor, rel=0.02)
    assert (np.isnan(moved) == np.isnan(y)).all()
    assert (moved[:20] == 10_000).all()
    assert (moved[20 + HORIZON :] == 10_000).all()


def test_a_world_has_one_block_at_home_and_elections_elsewhere_before_it():
    catalogue, block, series, home = worlds.world(World(40, 2.0), 5)
    assert (block.cc, len(catalogue.non_events), catalogue.contexts_of(block.block_id)) == (HOME, 40, ("election",))
    assert HOME not in {e.cc for e in catalogue.non_events}
    assert (
        max(series.index(e.onset_earliest) for e in catalogue.non_events) < BEFORE == series.index(block.onset_earliest)
    )
    again = worlds.world(World(40, 2.0), 5)
    assert again[3] == home
    np.testing.assert_array_equal(again[2].values[HOME], series.values[HOME])


def test_the_same_world_with_a_block_has_it_in_the_window_only():
    with_block, without = (worlds.world(World(10, size), 7)[2].values[HOME] for size in (3.0, 1.0))
    np.testing.assert_array_equal(with_block[:BEFORE], without[:BEFORE])
    assert np.nansum(with_block[BEFORE:]) / np.nansum(without[BEFORE:]) == pytest.approx(3.0, rel=0.05)


def test_shocks_are_zero_in_one_of_five_and_else_around_a_fifth():
    rng = np.random.default_rng(2)
    drawn = np.array([worlds.shock(rng) for _ in range(4000)])
    assert np.mean(drawn == 0) == pytest.approx(0.2, abs=0.03)
    assert np.mean(drawn[drawn != 0]) == pytest.approx(0.2, abs=0.02)


def test_an_election_with_a_listed_block_within_a_month_is_left_out():
    _, _, series, _ = worlds.world(World(10), 3)
    catalogue, *_ = worlds.world(World(10), 3)
    first = catalogue.non_events[0]
    day = first.onset_earliest.date()
    near = {first.cc: [(day + timedelta(days=20), day + timedelta(days=21))]}
    every = list(elections.eligible(series, catalogue, "election", {}, 0.0))
    assert first in every
    assert first not in list(elections.eligible(series, catalogue, "election", near, 0.0))
    assert list(elections.eligible(series, catalogue, "rally", {}, 0.0)) == []


def test_the_shipped_elections_reach_both_real_sets():
    held = [e.onset_earliest.date() for e in blocks.shipped().non_events if e.kind == "election"]
    for first, last in ((date(2018, 3, 1), date(2020, 4, 1)), (date(2009, 11, 1), date(2011, 1, 1))):
        assert sum(first <= day < last for day in held) >= 30
