"""Hours and weeks from a file to a statement: cycles, clocks, short blocks, outages, short histories."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

import analyzer
from analyzer import blocks
from analyzer.api import Database
from analyzer.blocks import Catalogue
from analyzer.errors import BadInput, NotEnoughData, UnknownName
from analyzer.estimators import locate_change
from analyzer.places import local_day
from analyzer.records import Block, Estimate, Study
from analyzer.simulate import simulate
from analyzer.study.ask import ask, bare_date
from analyzer.study.horizons import DEFAULT, check_horizon, exposure_hours, of_series, window
from analyzer.study.series import Aligned, SeriesKey, aligned, first_starts
from analyzer.study.situation import clock_changes, gap, season
from bench.hours import load_cities, load_radar

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
MONDAY = datetime(2024, 1, 1)


def axis(step: timedelta, steps: int, start: datetime = MONDAY, cc: str = "PK", unit: str = "users") -> Aligned:
    """An axis with one country that is observed throughout."""
    key = SeriesKey("test.users", 0, "", unit, "")
    return Aligned(key, start, step, {cc: np.full(steps, 10.0)}, {}, {}, {}, {}, {})


def block_of(start: datetime, hours: float | None, cc: str = "PK", precision: str = "minute") -> Block:
    """A block of so many hours from an instant."""
    end = None if hours is None else start + timedelta(hours=hours)
    return Block(
        f"{cc.lower()}-test", cc, "A test", start, start, end, end, precision, None if end is None else "minute",
        "social_media_block", "nationwide", ("x",),
    )  # fmt: skip


def course(steps: int, seed: int, level: float = 400.0) -> np.ndarray:
    """Counts with a course of the day and another level on two days of the week."""
    rng = np.random.default_rng(seed)
    hour = np.arange(steps)
    log = 0.5 * np.sin(2 * np.pi * hour / 24) - 0.25 * ((hour // 24) % 7 >= 5)
    return rng.poisson(level * np.exp(log + 0.02 * rng.standard_normal(steps))).astype(float)


def write(
    path: Path, y: np.ndarray, start: datetime, cc: str = "PK", *, step: timedelta = HOUR, unit: str = "users"
) -> Path:
    """A series in the tool's own long form."""
    rows = ["indicator,cc,t_start,t_end,value,unit"]
    for i, value in enumerate(y.tolist()):
        if not np.isnan(value):
            first, last = (f"{start + k * step:%Y-%m-%dT%H:%M}" for k in (i, i + 1))
            rows.append(f"test.users,{cc},{first},{last},{value:g},{unit}")
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return path


def study_of(folder: Path, block: Block, *files: Path, horizons: tuple[str, ...] = DEFAULT) -> Study:
    """The answer for one block on files, with no other block in the catalogue."""
    db = analyzer.open(folder / "h.duckdb")
    db.load(*files)
    catalogue = Catalogue((block,), (), (), ())
    return ask(db.store, catalogue, block, now=datetime(2026, 1, 1), horizons=horizons, shapes="none")


def row(study: Study, horizon: str) -> Estimate:
    """The row of one horizon."""
    return next(e for e in study.estimates if e.horizon == horizon)


# Cycles


def test_the_season_of_a_step_is_its_week_or_year_and_nothing_where_no_whole_number_of_steps_fits():
    steps = {HOUR: 168, timedelta(minutes=15): 672, timedelta(hours=6): 28, DAY: 7, timedelta(days=7): 52}
    assert {step: season(axis(step, 10)) for step in steps} == steps
    assert season(axis(timedelta(hours=5), 10)) == 1
    assert season(axis(timedelta(days=30), 10)) == 1


@pytest.mark.parametrize(
    ("asked", "history", "word"),
    [(168, 504, ""), (168, 503, "cycle of the day"), (168, 60, "cycle of the day"), (168, 40, "no seasonal cycle"),
     (672, 1000, "cycle of the day"), (52, 104, ""), (52, 103, "no seasonal cycle"), (7, 30, "")],
)  # fmt: skip
def test_a_history_too_short_for_a_cycle_says_which_cycle_is_used(asked: int, history: int, word: str):
    y = np.random.default_rng(1).poisson(400.0, history + 2).astype(float)
    said = [w for w in analyzer.estimate_effect(y, history, 1, season=asked).warnings if "before onset" in w]
    assert bool(said) == bool(word)
    assert all(word in w for w in said)


def test_a_steep_course_of_the_day_is_no_change():
    """Three hours at the foot of the day are a third of those at its top; that is how the day goes."""
    for seed in range(3):
        y = course(4 * 168 + 3, seed)
        for onset in (4 * 168 - 18, 4 * 168 - 6, 4 * 168):
            effect = analyzer.estimate_effect(y[: onset + 3], onset, 3, season=168)
            assert 0.85 < effect.ratio < 1.18


def test_a_weekend_is_no_fall_once_three_weeks_are_known():
    y = course(4 * 168 + 144, 3)
    onset = 4 * 168 + 120
    assert analyzer.estimate_effect(y, onset, 24, season=168).ratio == pytest.approx(1.0, abs=0.06)


# Many rows to one


def joined(tmp_path: Path, way: str, extra: str = "") -> list[tuple[object, ...]]:
    """Three cities over two hours of Tehran's clock, one of them silent in the second."""
    (tmp_path / "c.csv").write_text(
        "city,when,value\nA,1573430400,100\nB,1573430400,40\nC,1573430400,10\nA,1573434000,90\nB,1573434000,NA\n"
    )
    (tmp_path / "m.toml").write_text(
        'indicator = { value = "a.b" }\nunit = { value = "connectivity" }\ncc = { value = "IR" }\nvalue = "value"\n'
        f'aggregate = "{way}"\nstates = {{ NA = "missing" }}\n{extra}'
        'time = { column = "when", format = "epoch", zone = "Asia/Tehran", grain = "hour" }\n'
    )
    db = analyzer.open(tmp_path / "a.duckdb")
    db.load(tmp_path / "c.csv", mapping=tmp_path / "m.toml")
    with db.store.reading() as con:
        return con.execute(
            "SELECT t_start, value, n, quality, entity FROM observations ORDER BY entity, t_start"
        ).fetchall()


@pytest.mark.parametrize(("way", "values"), [("mean", (50.0, 90.0)), ("median", (40.0, 90.0)), ("sum", (150.0, 90.0))])
def test_rows_of_one_time_become_one_with_their_number(tmp_path: Path, way: str, values: tuple[float, float]):
    first = datetime(2019, 11, 10, 20, 30)
    assert joined(tmp_path, way) == [
        (first, values[0], 3, 1.0, ""),
        (first + HOUR, values[1], 1, pytest.approx(1 / 3), ""),
    ]


def test_an_entity_column_keeps_cities_apart(tmp_path: Path):
    assert [r[4] for r in joined(tmp_path, "mean", 'entity = "city"\n')] == ["A", "A", "B", "B", "C"]


@pytest.mark.parametrize(("way", "extra"), [("total", ""), ("mean", 'low = "value"\n'), ("mean", 'n = "value"\n')])
def test_an_aggregate_that_cannot_be_meant_is_refused(tmp_path: Path, way: str, extra: str):
    with pytest.raises(BadInput, match="aggregate"):
        joined(tmp_path, way, extra)


# Steps, clocks and windows


def test_a_block_from_mid_hour_to_mid_hour_has_its_whole_hours_and_the_first_apart():
    series = axis(HOUR, 200)
    block = block_of(MONDAY + timedelta(hours=100, minutes=20), 3.5)  # to 03:50
    onset = series.index(block.onset_earliest)
    assert onset == 101
    assert exposure_hours(block.onset_earliest, series) == pytest.approx(2 / 3)
    assert (window("during", block, series, onset).onset, window("during", block, series, onset).steps) == (101, 2)
    after = window("48h after end", block, series, onset)
    assert (after.onset, after.steps, after.after_end) == (104, 48, True)


@pytest.mark.parametrize(("cc", "minutes"), [("IR", 30), ("NP", 15), ("IN", 30), ("PK", 0)])
def test_a_local_day_on_hours_of_utc_begins_within_an_hour_where_the_zone_has_a_half(cc: str, minutes: int):
    series = axis(HOUR, 400, cc=cc)
    start, end = local_day(date(2024, 1, 5), cc)
    assert (end - start) == DAY
    assert start.minute == minutes
    assert exposure_hours(start, series) == pytest.approx((60 - minutes) / 60 % 1)
    assert exposure_hours(start, replace(series, start=MONDAY + timedelta(minutes=minutes))) == 0


def test_hours_of_two_clocks_half_an_hour_apart_do_not_lose_the_country_asked_about(tmp_path: Path):
    db = analyzer.open(tmp_path / "h.duckdb")
    y = course(400, 1)
    db.load(
        write(tmp_path / "np.csv", y, MONDAY + timedelta(minutes=15), "NP"), write(tmp_path / "in.csv", y, MONDAY, "IN")
    )
    for cc in ("NP", "IN"):
        key = next(iter(first_starts(db.store, cc)))
        found = aligned(db.store, key, cc)
        assert found.values[cc].size == 400
        assert np.array_equal(found.values[cc], y)


def test_days_of_23_and_25_hours_are_found_and_said(tmp_path: Path):
    """Clocks in Ukraine moved on 2023-03-26 and 2023-10-29."""
    short, long = local_day(date(2023, 3, 26), "UA"), local_day(date(2023, 10, 29), "UA")
    assert (short[1] - short[0], long[1] - long[0]) == (23 * HOUR, 25 * HOUR)
    series = axis(HOUR, 24 * 300, datetime(2023, 3, 1), "UA")
    moved = clock_changes(series, "UA", 0, series.length)
    assert [m.date() for m in moved] == [date(2023, 3, 26), date(2023, 10, 29)]
    assert clock_changes(axis(DAY, 300, datetime(2023, 3, 1), "UA"), "UA", 0, 300) == ()
    file = write(tmp_path / "u.csv", course(380, 1), datetime(2023, 3, 12), "UA")
    study = study_of(tmp_path, block_of(short[1], 3.0, "UA"), file, horizons=("during",))
    assert "clocks were moved on 2023-03-26" in row(study, "during").reasons
    assert row(study, "during").verdict in ("ruled_out", "inconclusive")


def test_series_of_hours_have_horizons_of_hours_and_named_horizons_are_kept():
    assert of_series(DEFAULT, axis(HOUR, 10)) == ("during", "6h", "24h", "48h after end")
    assert of_series(DEFAULT, axis(DAY, 10)) == DEFAULT
    assert of_series(("7d",), axis(HOUR, 10)) == ("7d",)
    assert check_horizon("2d after end") == "2d after end"
    for wrong in ("after end", "0h after end", "6h after", "during after end", "6 h"):
        with pytest.raises(UnknownName):
            check_horizon(wrong)


def test_a_window_after_the_end_needs_an_end_within_the_series():
    series = axis(HOUR, 50)
    assert "no end is known" in window("48h after end", block_of(MONDAY + 10 * HOUR, None), series, 10).refusal
    assert "the series ends before" in window("6h after end", block_of(MONDAY + 10 * HOUR, 60), series, 10).refusal
    assert "a date has no end" in window("6h after end", bare_date("PK", date(2024, 1, 2)), series, 10).refusal


def test_the_gap_before_onset_leaves_a_short_history_of_hours_its_base():
    assert gap(axis(HOUR, 3000), "PK", 2500) == 96
    assert gap(axis(HOUR, 3000), "PK", 138) == 17
    assert gap(axis(HOUR, 3000), "PK", 4) == 1
    assert gap(axis(DAY, 100), "PK", 20) == 4


# From a file to a statement


def test_three_hours_are_estimated_on_hours_and_the_two_days_after_them_apart(tmp_path: Path):
    """Threefold while it lasts, by two fifths more for a day after: neither window takes in the other."""
    y, onset = course(4 * 168, 5), 25 * 24 + 18
    y[onset : onset + 3] *= 3.0
    y[onset + 3 : onset + 51] *= 1.4
    block = block_of(MONDAY + onset * HOUR, 3.0)
    study = study_of(tmp_path, block, write(tmp_path / "h.csv", y, MONDAY))
    during, after = row(study, "during"), row(study, "48h after end")
    assert (during.verdict, after.verdict) == ("rise", "rise")
    assert during.ratio_low < 3.0 < during.ratio_high
    assert during.ratio == pytest.approx(3.0, rel=0.15)
    assert after.ratio == pytest.approx(1.4, rel=0.12)
    assert "48 of 48 hours observed" in after.reasons
    assert after.base == during.base
    assert f"changed on {MONDAY + onset * HOUR:%Y-%m-%dT%H:%M}" in during.reasons
    assert [e.horizon for e in study.estimates] == ["during", "6h", "24h", "48h after end"]


def test_after_the_end_of_a_chained_block_the_base_is_that_of_the_chain(tmp_path: Path):
    y, onset = course(4 * 168, 6), 24 * 24
    block = block_of(MONDAY + onset * HOUR, 6.0)
    earlier = replace(block_of(MONDAY + (onset - 24) * HOUR, 6.0), block_id="pk-earlier")
    db = analyzer.open(tmp_path / "h.duckdb")
    db.load(write(tmp_path / "h.csv", y, MONDAY))
    found = ask(
        db.store,
        Catalogue((earlier, block), (), (), ()),
        block,
        now=datetime(2026, 1, 1),
        horizons=("6h", "6h after end"),
    )
    assert {e.estimand for e in found.estimates} == {"no_block_since_base", "just_before"}
    for estimand in ("no_block_since_base", "just_before"):
        bases = {e.base for e in found.estimates if e.estimand == estimand}
        assert len(bases) == 1
    assert all(e.verdict in ("ruled_out", "inconclusive") for e in found.estimates)


def test_on_days_three_hours_are_an_eighth_of_a_day_and_the_least_visible_change_is_said(tmp_path: Path):
    rng = np.random.default_rng(4)
    y = rng.poisson(500 * np.exp(0.05 * rng.standard_normal(200))).astype(float)
    block = block_of(MONDAY + 150 * DAY + 17 * HOUR, 3.0)
    study = study_of(tmp_path, block, write(tmp_path / "d.csv", y, MONDAY, step=DAY))
    during = row(study, "during")
    assert during.verdict == "not_estimable"
    assert "3 hours of block are 12.5 % of a day" in during.reasons
    least = row(study, "1d").minimum_detectable_ratio
    assert f"x{least:.2f}, or x{1 + 8 * (least - 1):.1f} of the block's own hours" in during.reasons
    assert "12.5 % of a day" in row(study, "7d").reasons


def test_weeks_have_a_yearly_cycle_from_two_years_on(tmp_path: Path):
    rng, first = np.random.default_rng(7), datetime(2020, 1, 6)
    week = np.arange(170)
    y = rng.poisson(900 * np.exp(0.4 * np.sin(2 * np.pi * week / 52))).astype(float)
    for onset, said in ((156, False), (90, True)):
        block = block_of(first + onset * 7 * DAY, None)
        folder = tmp_path / str(onset)
        folder.mkdir()
        study = study_of(folder, block, write(folder / "w.csv", y, first, step=7 * DAY), horizons=("28d",))
        only = row(study, "28d")
        assert ("no seasonal cycle is taken out" in only.reasons) == said
        assert only.verdict in ("ruled_out", "inconclusive") or said


def test_a_zero_of_traffic_is_a_zero_and_gives_a_finite_fall(tmp_path: Path):
    rng = np.random.default_rng(2)
    y = np.round(np.exp(0.1 * np.sin(2 * np.pi * np.arange(400) / 24) + 0.03 * rng.standard_normal(400)) / 1.3, 4)
    onset = 380
    y[onset : onset + 6] = 0.0
    block = replace(block_of(MONDAY + onset * HOUR, 6.0), kind="shutdown")
    study = study_of(
        tmp_path, block, write(tmp_path / "t.csv", y, MONDAY, unit="traffic index"), horizons=("during", "6h")
    )
    for e in study.estimates:
        assert (e.verdict, e.observed, e.ratio, e.ratio_low, e.ratio_high) == ("fall", 0.0, 0.0, 0.0, 0.0)
        assert e.excess_low < e.excess_high < 0
    assert SeriesKey("a.b", 0, "", "index", "").scale == "index"
    assert SeriesKey("a.b", 0, "", "connectivity index", "").scale == "level"


def test_short_hourly_series_of_captures_are_one_line(tmp_path: Path):
    db = analyzer.open(tmp_path / "h.duckdb")
    start = MONDAY + 200 * HOUR
    rows = ["indicator,cc,entity,t_start,t_end,value,unit,scale_id"]
    for family in range(12):
        for i in range(30):
            at = start + i * HOUR
            rows.append(f"capture.flows,PK,family={family},{at:%Y-%m-%dT%H:%M},{at + HOUR:%Y-%m-%dT%H:%M},5,flows,hour")
    (tmp_path / "c.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    db.load(tmp_path / "c.csv", write(tmp_path / "h.csv", course(300, 1), MONDAY))
    block = block_of(start + 20 * HOUR, 3.0)
    study = ask(db.store, Catalogue((block,), (), (), ()), block, now=datetime(2026, 1, 1), horizons=("6h",))
    assert {e.indicator for e in study.estimates} == {"test.users"}
    assert [w for w in study.warnings if "12 hourly series of captures" in w]


# Where a series changed


@pytest.mark.parametrize(("history", "ahead", "lead"), [(120, 37, 15), (64, 20, 8), (600, 72, 48), (1000, 6, 48)])
def test_a_cut_to_a_tenth_is_found_on_its_hour_whatever_the_history(history: int, ahead: int, lead: int):
    for seed in range(5):
        y = course(history + ahead, seed)
        y[history + 3 :] = np.round(y[history + 3 :] / 10)
        found = locate_change(y, history, ahead, lead=lead, season=168)
        assert found is not None
        assert found.step == history + 3
        assert found.ratio == pytest.approx(0.1, rel=0.4)


@pytest.mark.parametrize(
    ("history", "ahead", "lead"), [(76, 24, 9), (64, 20, 8), (27, 9, 3), (600, 72, 48), (1000, 6, 48)]
)
def test_the_course_of_the_day_is_no_change_of_level(history: int, ahead: int, lead: int):
    found = [
        locate_change(course(history + ahead, seed)[:-1], history, ahead, lead=lead, season=168) for seed in range(30)
    ]
    assert sum(f is not None for f in found) <= 4


def test_without_room_for_one_window_before_it_nothing_is_located():
    y = course(60, 1)
    y[40:] /= 10
    assert locate_change(y, 40, 20, lead=20, season=168) is None


# Simulated


@pytest.mark.parametrize("name", ["hourly-3h", "hourly-six-days", "hourly-nights", "weeks"])
def test_simulated_hours_and_weeks_are_covered_within_chance(name: str):
    inside, n = 0, 6
    for i in range(n):
        panel = simulate(name, np.random.default_rng([3, i]))
        estimand = "just_before" if panel.events else "no_block_since_base"
        effect = analyzer.estimate_effect(
            panel.y, panel.onset, panel.horizon, season=panel.season, other_events=panel.events, estimand=estimand
        )
        inside += effect.expected_low <= panel.truth(estimand)[1] <= effect.expected_high
    assert inside >= n - 2


# Real outages and shutdowns


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Database:
    """Hours of connectivity and traffic, loaded through mappings."""
    from conftest import SHARED

    folder = tmp_path_factory.mktemp("hours")
    db = analyzer.open(folder / "h.duckdb")
    load_cities(db, SHARED / "data" / "series", folder)
    load_radar(db, SHARED / "data" / "series", folder)
    return db


def changed_on(study: Study) -> datetime:
    """The hour that the reasons name."""
    found = {
        r for e in study.estimates for r in e.reasons.split("; ") if r.startswith("changed on ") and "T" in r.split()[2]
    }
    assert len(found) == 1
    return datetime.fromisoformat(found.pop().split()[2])


@pytest.mark.shared
def test_seventy_three_cities_are_one_country_on_the_clock_of_iran(real: Database):
    with real.store.reading() as con:
        held = con.execute(
            "SELECT min(t_start), count(*), min(n), min(quality) FROM observations WHERE cc = 'IR'"
        ).fetchone()
    assert held == (datetime(2019, 11, 10, 20, 30), 223, 73, 1.0)


@pytest.mark.shared
def test_the_shutdown_of_iran_is_a_fall_that_begins_in_the_evening_of_16_november(real: Database):
    study = real.estimate("ir-2019-11-16-shutdown", shapes="none")
    assert datetime(2019, 11, 16, 16, 30) <= changed_on(study) <= datetime(2019, 11, 16, 18, 30)
    six = row(study, "6h")
    assert six.verdict == "fall"
    assert 0.4 < six.ratio_low < six.ratio_high < 0.8
    assert "the cycle of the day is used" in six.reasons
    for longer in ("during", "24h"):
        assert row(study, longer).verdict == "not_estimable"


@pytest.mark.shared
def test_a_power_cut_is_a_fall_by_another_cause(real: Database):
    study = real.estimate("ve-2019-07-22-power", shapes="none")
    assert datetime(2019, 7, 22, 18) <= changed_on(study) <= datetime(2019, 7, 22, 21)
    assert row(study, "6h").verdict == "fall"
    assert {e.attribution for e in study.estimates} <= {"other_cause"}
    as_date = real.estimate(cc="VE", date=date(2019, 7, 22), horizons=["24h"], shapes="none")
    assert row(as_date, "24h").attribution == "other_cause"
    assert all(e.verdict not in ("rise", "ruled_out") for e in (*study.estimates, *as_date.estimates))


@pytest.mark.shared
def test_a_day_of_history_shows_where_traffic_stopped_and_no_size(real: Database):
    study = real.estimate("to-2022-01-15-volcano", indicator="radar.traffic")
    assert datetime(2022, 1, 15, 4) <= changed_on(study) <= datetime(2022, 1, 15, 6)
    assert {e.verdict for e in study.estimates} == {"not_estimable"}
    assert {e.attribution for e in study.estimates} == {"other_cause"}
    assert "disjoint replications" in row(study, "6h").reasons


@pytest.mark.shared
def test_quiet_hours_of_traffic_raise_no_alarm_beyond_chance(real: Database):
    alarms = asked = 0
    for cc in ("XX", "FR", "CA"):
        key = next(k for k in first_starts(real.store, cc) if k.indicator == "radar.traffic")
        series = aligned(real.store, key, cc)
        for onset in range(96, 160, 5):
            try:
                effect = analyzer.estimate_effect(
                    series.values[cc], onset, 6, season=168, scale="level", anticipation=gap(series, cc, onset)
                )
            except NotEnoughData:
                continue
            asked += 1
            alarms += effect.ratio_low > 1 or effect.ratio_high < 1
    assert asked >= 30
    assert alarms <= 0.05 * asked + 3


def test_the_catalogue_knows_the_hour_of_the_dated_outages():
    known = {b.block_id: b for b in blocks.shipped().events}
    for name in ("ir-2019-11-16-shutdown", "ve-2019-07-22-power", "to-2022-01-15-volcano"):
        assert known[name].start_precision == "hour"
