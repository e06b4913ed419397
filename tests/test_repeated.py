"""Repeated blocks: what a later one added to what the earlier ones left, on series with known truth."""

from __future__ import annotations

import csv
import io
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from series_files import panel, write_tor

import analyzer
from analyzer.cli import vpn_uptake
from analyzer.errors import NotEnoughData, UnknownName
from analyzer.estimators import Repeat, compare_repeats
from analyzer.study.repeated import COLUMNS

FIRST, SECOND, HALF_LIFE = 250, 290, 40.0
LEFT = 1 + 2 * 0.5 ** ((SECOND - FIRST - 1) / HALF_LIFE)  # of a block that brought the level to three times


def series(second: float, *, first: float = 3.0, seed: int = 0, steps: int = 320) -> np.ndarray:
    """Counts around 400 that two blocks lift to so many times; each excess decays with a half-life of 40 steps."""
    t = np.arange(steps)
    factor = np.ones(steps)
    for onset, height in ((FIRST, first), (SECOND, second)):
        factor[onset:] = 1 + (height - 1) * 0.5 ** ((t[onset:] - onset) / HALF_LIFE)
    rng = np.random.default_rng(seed)
    return rng.poisson(400 * np.exp(np.cumsum(rng.normal(0, 0.006, steps))) * factor).astype(float)


def compared(y: np.ndarray, **options: object) -> tuple[Repeat, ...]:
    """Two short blocks over fourteen steps each."""
    asked = {"anticipation": 4, **options}
    return compare_repeats(y, [(FIRST, FIRST + 2), (SECOND, SECOND + 2)], 14, **asked)  # type: ignore[arg-type]


def mean_level(height: float) -> float:
    """The mean factor of fourteen steps of a decay from that height."""
    return float(np.mean(1 + (height - 1) * 0.5 ** (np.arange(14) / HALF_LIFE)))


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_smaller_jump_to_the_same_total_is_explained_by_the_stock(seed: int):
    first, second = compared(series(3.0, seed=seed))
    assert second.reading == "explained by the stock"
    assert second.jump.value < 0.7 * first.jump.value
    assert second.jump_to_first.high < 1
    assert second.total_to_first.low < 1 < second.total_to_first.high
    assert second.stock.low < LEFT < second.stock.high
    assert "cannot tell" in second.note


@pytest.mark.parametrize("seed", [0, 1])
def test_a_second_block_that_adds_nothing_is_smaller_in_total(seed: int):
    _, second = compared(series(LEFT, seed=seed))
    assert second.reading == "smaller in total"
    assert second.added.low < 0 < second.added.high
    assert second.added_to_first.high < 0.5


def test_a_second_block_with_the_same_jump_is_not_called_smaller():
    _, second = compared(series(3.0 * LEFT))
    assert second.reading in ("same jump", "larger")
    assert second.jump_to_first.low < 1.2
    assert second.total_to_first.low > 1.3


def test_intervals_hold_the_true_levels_and_counts():
    first, second = compared(series(3.0, seed=4))
    assert first.total.low < mean_level(3.0) < first.total.high
    assert second.total.low < mean_level(3.0) < second.total.high
    assert (first.stock.value, first.stock.low, first.stock.high) == (1, 1, 1)
    assert first.excess_total == first.excess_jump
    assert second.excess_total.value > second.excess_jump.value > 0


def test_a_first_block_without_effect_leaves_nothing_to_compare_with():
    _, second = compared(series(3.0, first=1.0, seed=3))
    assert second.reading == "cannot be told"
    assert second.added_to_first.value is None
    assert "no stock" in second.note


def test_windows_are_cut_where_the_next_block_begins_and_compared_over_equal_lengths():
    y = series(3.0)
    first, second = compare_repeats(y, [(FIRST, FIRST + 2), (FIRST + 10, FIRST + 12)], 28, anticipation=4)
    assert first.total.low < float(np.mean(1 + 2 * 0.5 ** (np.arange(10) / HALF_LIFE))) < first.total.high
    assert second.total_to_first.value == pytest.approx(0.85, abs=0.15)


def test_a_second_block_beyond_the_data_is_said():
    y = series(3.0)
    y[SECOND:] = np.nan
    first, second = compared(y)
    assert first.total.value is not None
    assert second.total.value is None
    assert second.reading == "cannot be told"
    assert "observed" in second.note


def test_a_first_block_that_cannot_be_estimated_refuses_all():
    y = series(3.0)
    y[FIRST : FIRST + 14] = np.nan
    with pytest.raises(NotEnoughData, match="first block"):
        compared(y)


def test_arguments_that_cannot_be_meant_are_named():
    y = series(3.0)
    with pytest.raises(ValueError, match="at least two onsets"):
        compare_repeats(y, [(FIRST, FIRST + 2)], 14)
    with pytest.raises(ValueError, match="horizon"):
        compare_repeats(y, [(FIRST, FIRST + 2), (SECOND, SECOND + 2)], 0)
    with pytest.raises(ValueError, match="blocks begin"):
        compare_repeats(y, [(FIRST, FIRST + 2), (y.size, y.size + 2)], 14)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sudan under its shipped block of December 2018 and one of February 2019 that a user adds."""
    folder = tmp_path_factory.mktemp("repeated")
    db = analyzer.open(folder / "s.duckdb")
    db.load(write_tor(folder / "bridge.csv", panel({"sd": {date(2018, 12, 21): 2.0, date(2019, 2, 1): 1.1}})))
    added = CliRunner().invoke(
        vpn_uptake,
        [
            *("blocks", "add", "sd-2019-02-01-test", "--db", str(db.store.path), "--cc", "SD"),
            *("--start", "2019-02-01", "--end", "2019-02-03", "--kind", "social_media_block", "--services", "x"),
            *("--name", "A second block", "--who", "a test", "--says", "made up", "--address", "https://example.org/"),
        ],
    )
    assert added.exit_code == 0, added.output
    return db.store.path


def test_the_command_prints_one_row_per_block(store: Path):
    done = CliRunner().invoke(
        vpn_uptake, ["estimate", "--cc", "SD", "--repeated", "--horizon", "7d", "--format", "csv", "--db", str(store)]
    )
    assert done.exit_code == 0, done.output
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    assert tuple(rows[0]) == COLUMNS
    assert [r["onset"] for r in rows] == ["2018-12-21", "2019-02-01"]
    assert rows[0]["reading"] == "first"
    assert float(rows[0]["total_low"]) < 2 < float(rows[0]["total_high"])
    assert float(rows[1]["stock_low"]) < 2 < float(rows[1]["stock_high"])
    assert float(rows[1]["jump"]) < float(rows[0]["jump_low"])
    assert rows[1]["note"]


def test_a_country_without_repeats_has_no_row_and_says_so(store: Path):
    done = CliRunner().invoke(vpn_uptake, ["estimate", "--cc", "PL", "--repeated", "--db", str(store)])
    assert done.exit_code == 3
    assert "no series with two blocks" in done.stderr


def test_options_that_do_not_go_together_are_refused(store: Path):
    for extra in (["--shape"], ["--date", "2019-01-01"], ["--horizon", "7d", "--horizon", "14d"]):
        done = CliRunner().invoke(vpn_uptake, ["estimate", "--cc", "SD", "--repeated", *extra, "--db", str(store)])
        assert done.exit_code == 2
    for horizon in ("during", "48h after end"):
        with pytest.raises(UnknownName, match="one length"):
            analyzer.open(store).repeated("SD", horizon=horizon)
