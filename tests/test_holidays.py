"""Public holidays: the calendar, what a series does on them, and what is said in a row."""

from __future__ import annotations

import subprocess
import sys
from datetime import date, datetime, timedelta

import numpy as np
import pytest

from analyzer import calendars
from analyzer.estimators import estimate_effect
from analyzer.study import surroundings
from analyzer.study.series import Aligned, SeriesKey

ONSET, HORIZON = 360, 14
STEPS = ONSET + HORIZON


def test_moving_feasts_fall_on_their_days():
    days = calendars.public_holidays("PK", date(2019, 6, 1), date(2019, 6, 30))
    assert date(2019, 6, 5) in days
    assert "Eid al-Fitr" in days[date(2019, 6, 5)]
    assert all(date(2019, 6, 1) <= day <= date(2019, 6, 30) for day in days)
    assert date(2020, 5, 25) in calendars.public_holidays("PK", date(2020, 1, 1), date(2020, 12, 31))


@pytest.mark.parametrize("cc", ["XX", "ZZ"])
def test_a_place_without_a_calendar_has_no_holidays_and_nothing_is_said(cc):
    assert calendars.public_holidays(cc, date(2019, 1, 1), date(2019, 12, 31)) == {}
    assert surroundings.holiday_flags(daily(cc, date(2019, 1, 1)), cc) is None
    assert surroundings.notes(daily(cc, date(2019, 1, 1)), cc, ONSET, HORIZON) == ()


def test_ramadan_by_the_computed_calendar_is_within_a_day_of_the_announced_one():
    announced = {2018: (5, 17), 2019: (5, 6), 2020: (4, 24), 2024: (3, 11)}
    for year, (month, day) in announced.items():
        ((start, end),) = calendars.ramadan(date(year, 3, 1), date(year, 6, 30))
        assert abs(start - date(year, month, day)) <= timedelta(days=1)
        assert 29 <= (end - start).days <= 30


def test_who_keeps_ramadan_is_read_off_the_holidays():
    assert [cc for cc in ("PK", "EG", "IR", "ID", "DE", "US", "CN", "XX") if calendars.keeps_ramadan(cc)] == [
        "PK", "EG", "IR", "ID",
    ]  # fmt: skip


def test_start_up_does_not_load_the_calendar():
    code = "import sys, analyzer.api, analyzer.study, analyzer.calendars; print('holidays' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "False"


# What a series does on them


def series(seed: int, dip: float, days: np.ndarray, own: float = 0.0) -> np.ndarray:
    draw = np.random.default_rng(seed)
    path = np.log(2000) + draw.normal(0, 0.03, STEPS) + np.where(days, dip + draw.normal(0, own, STEPS), 0.0)
    return draw.poisson(np.exp(path)).astype(float)


def some_days(*inside: int, every: int = 30) -> np.ndarray:
    days = np.arange(STEPS) % every == 5
    days[ONSET:] = False
    days[[ONSET + k for k in inside]] = True
    return days


def test_holidays_in_the_window_are_expected_to_be_as_earlier_ones():
    days = some_days(2, 3, 4)
    y = series(1, -0.5, days)
    blind, told = estimate_effect(y, ONSET, HORIZON), estimate_effect(y, ONSET, HORIZON, holidays=days)
    assert told.expected == pytest.approx(y[ONSET:].sum(), rel=0.03)
    assert blind.expected > 1.05 * told.expected
    assert told.expected_steps[2] < 0.75 * told.expected_steps[0]


def test_the_doubt_about_a_holiday_is_in_the_interval():
    days, quiet = some_days(2, 3, 4), some_days()

    def width(flags: np.ndarray, own: float) -> float:
        effect = estimate_effect(series(2, -0.5, flags, own), ONSET, HORIZON, holidays=flags)
        return float(np.log(effect.expected_high / effect.expected_low))

    assert width(days, 0.3) > 1.3 * width(quiet, 0.3)
    assert width(days, 0.3) > 1.3 * width(days, 0.0)


def test_one_day_that_is_a_holiday_covers_its_own_spread():
    held = []
    for seed in range(20):
        days = some_days(0)
        y = series(seed, -0.4, days, own=0.2)
        effect = estimate_effect(y, ONSET, 1, holidays=days)
        held.append(effect.expected_low <= y[ONSET] <= effect.expected_high)
    assert np.mean(held) >= 0.85


def test_a_first_holiday_widens_the_interval_and_is_said():
    days = np.zeros(STEPS, bool)
    plain = estimate_effect(series(3, 0, days), ONSET, 2, holidays=days)
    days[ONSET] = True
    effect = estimate_effect(series(3, 0, days), ONSET, 2, holidays=days)
    assert any("no holiday in the base" in w for w in effect.warnings)
    assert effect.expected_high / effect.expected_low > plain.expected_high / plain.expected_low
    assert plain.warnings == ()


def test_flags_that_mean_nothing_change_next_to_nothing():
    days = some_days(2)
    y = series(4, 0.0, days)
    plain, told = estimate_effect(y, ONSET, HORIZON), estimate_effect(y, ONSET, HORIZON, holidays=days)
    assert told.expected == pytest.approx(plain.expected, rel=0.01)
    assert told.expected_high / told.expected_low < 1.1 * plain.expected_high / plain.expected_low


def test_a_weekend_is_not_lost_twice():
    draw = np.random.default_rng(5)
    weekend = np.arange(STEPS) % 7 >= 5
    saturday = int(np.flatnonzero(np.arange(STEPS)[ONSET:] % 7 == 5)[0])
    days = (draw.random(STEPS) < 0.15) & (np.arange(STEPS) < ONSET)
    days[ONSET + saturday] = True
    path = np.log(2000) + draw.normal(0, 0.06, STEPS) - 0.2 * (weekend | days)
    y = draw.poisson(np.exp(path)).astype(float)
    steps = estimate_effect(y, ONSET, HORIZON, holidays=days).expected_steps
    assert steps[saturday] > 0.86 * steps[saturday + 1]  # lost twice it would be 0.82
    others = steps[np.arange(HORIZON) % 7 == (saturday - 1) % 7]
    assert steps[saturday] < 0.9 * others.mean()


# What is said


def daily(cc: str, first: date, quality: np.ndarray | None = None, step: timedelta = timedelta(days=1)) -> Aligned:
    start = datetime.combine(first, datetime.min.time())
    none = {cc: np.zeros(STEPS, bool)}
    return Aligned(
        key=SeriesKey("tor.bridge_users", 0, "", "users", ""),
        start=start,
        step=step,
        values={cc: np.full(STEPS, 100.0)},
        quality={cc: np.full(STEPS, np.nan) if quality is None else quality},
        n={cc: np.full(STEPS, np.nan)},
        censored=none,
        snapshot_ids={cc: ()},
        provisional_from={},
    )


def test_holidays_of_the_window_are_named():
    aligned = daily("DE", date(2018, 12, 24) - timedelta(days=ONSET))
    (said,) = surroundings.notes(aligned, "DE", ONSET, HORIZON)
    assert said.startswith("public holidays in the window")
    assert "2018-12-25 Christmas Day" in said
    assert "2019-01-01 New Year's Day" in said
    flags = surroundings.holiday_flags(aligned, "DE")
    assert flags is not None
    assert np.flatnonzero(flags[ONSET:]).tolist() == [1, 2, 8]


def test_series_that_are_not_daily_have_no_flags():
    assert surroundings.holiday_flags(daily("DE", date(2018, 1, 1), step=timedelta(hours=1)), "DE") is None


@pytest.mark.parametrize(
    ("cc", "onset", "words"),
    [
        ("PK", date(2019, 5, 7), "Ramadan lies in the window, not"),
        ("PK", date(2019, 6, 8), "Ramadan lies in the eight weeks before"),
        ("PK", date(2019, 5, 20), ""),
        ("PK", date(2019, 10, 1), ""),
        ("DE", date(2019, 5, 7), ""),
    ],
)
def test_ramadan_on_one_side_alone_is_said_where_it_is_kept(cc, onset, words):
    said = surroundings.notes(daily(cc, onset - timedelta(days=ONSET)), cc, ONSET, HORIZON)
    found = [note for note in said if note.startswith("Ramadan")]
    assert [note[: len(words)] for note in found] == ([words] if words else [])


def test_a_share_of_reporters_that_the_base_did_not_have_is_said():
    usual = np.clip(0.8 + np.random.default_rng(1).normal(0, 0.03, STEPS), 0, 1)
    assert surroundings.notes(daily("XX", date(2018, 1, 1), usual), "XX", ONSET, HORIZON) == ()
    low = np.where(np.arange(STEPS) >= ONSET, 0.45, usual)
    (said,) = surroundings.notes(daily("XX", date(2018, 1, 1), low), "XX", ONSET, HORIZON)
    assert said.startswith("reporters: 45 % in the window, 80 % in the base")
