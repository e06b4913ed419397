"""Other bases, no weekends, other donors, drifts before onset: what a check makes of an estimate formed otherwise."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta

import numpy as np
import pytest
from measured_files import aligned_of

from analyzer.blocks.contents import Catalogue, make
from analyzer.checks import Evidence, base_window, donor_exclusions, leave_one_donor_out, pre_trend
from analyzer.errors import NotEnoughData
from analyzer.places import weekend, weekends
from analyzer.records import Block, DonorExclusion, Effect, PlaceboWindows, Specification
from analyzer.study.asked import Asked, asked_of
from analyzer.study.effects import find, panel_of, under
from analyzer.study.evidence import Beside, evidence_of, with_listed
from analyzer.study.horizons import Window
from analyzer.study.series import SeriesKey
from analyzer.study.specified import without_weekends

ONSET = datetime(2024, 3, 4)  # a Monday
DAYS, AT = 260, 200
START = ONSET - timedelta(days=AT)
KEY = SeriesKey("tor.bridge_users", 0, "", "users", "")


def block(cc: str = "SD") -> Block:
    return Block(
        "sd-2024-03-04-x", cc, "X", ONSET, ONSET, None, None, "day", None, "social_media_block", "nationwide", ("x",)
    )


def counts(rng: np.random.Generator, level: float, weekend_days: frozenset[int], factor: float) -> np.ndarray:
    """Daily counts with other levels on the days of the weekend."""
    day = np.array([(START + timedelta(days=k)).weekday() for k in range(DAYS)])
    return rng.poisson(level * np.where(np.isin(day, list(weekend_days)), factor, 1.0)).astype(float)


def question(change: Callable[[np.ndarray], np.ndarray] = lambda y: y, *, donors: int = 12, cc: str = "SD") -> Asked:
    """A country and its donors around an event."""
    rng = np.random.default_rng(7)
    names = ["AT", "BE", "CH", "DE", "DK", "FI", "FR", "IE", "NL", "NO", "PL", "SE"][:donors]
    values = {name: counts(rng, 300 + 50 * i, weekend("AT", START.date())[1], 0.8) for i, name in enumerate(names)}
    values[cc] = change(counts(rng, 400, weekend(cc, START.date())[1], 0.6))
    series = aligned_of(KEY, START, values)
    return asked_of(make([block(cc)], [], []), block(cc), series, AT)


def rising(factor: float) -> Callable[[np.ndarray], np.ndarray]:
    def change(y: np.ndarray) -> np.ndarray:
        y[AT:] = np.round(y[AT:] * factor)
        return y

    return change


def evidence(asked: Asked) -> Evidence:
    return evidence_of(asked, find(asked, Window("14d", AT, 14), "no_block_since_base", [AT]), Beside())


def effect(ratio: float, low: float, high: float, placebos: PlaceboWindows | None = None) -> Effect:
    """An effect of which only the ratio matters."""
    nothing = np.array([])
    return Effect(
        100, 100 / ratio, 100 / high, 100 / low, ratio, low, high, 0, 0, 0, nothing, nothing, nothing, nothing,
        1.2, 9.0, 1, 50, {}, (), placebos,
    )  # fmt: skip


def given(headline: Effect, under: Callable[[Specification], Effect], **more: object) -> Evidence:
    """Evidence of which a check sees the headline and other ways to form it."""
    made = Evidence(
        "14d", "SD", headline, np.ones(60), np.ones(60), 40, 14, 4, _refuse, (), str, None, (), under=under, daily=True
    )
    return replace(made, **more)


def _refuse(*_: object) -> Effect:
    raise NotEnoughData("too short")


@pytest.mark.parametrize(
    ("cc", "day", "days"),
    [
        ("AE", date(2021, 12, 31), {4, 5}),
        ("AE", date(2022, 1, 1), {5, 6}),
        ("SA", date(2013, 6, 28), {3, 4}),
        ("SA", date(2013, 6, 29), {4, 5}),
        ("IR", date(2022, 9, 21), {3, 4}),
        ("PK", date(2024, 2, 17), {5, 6}),
        ("NP", date(2025, 9, 4), {5}),
    ],
)
def test_weekends_are_those_of_the_country_at_that_date(cc: str, day: date, days: set[int]):
    assert weekend(cc, day)[1] == days


def test_every_weekend_in_the_table_is_dated_in_order():
    for cc in ("AE", "BH", "DZ", "KW", "MR", "OM", "QA", "SA", "SD", "YE"):
        starts = [since for since, _ in weekends(cc)]
        assert starts[0] == date.min
        assert starts == sorted(set(starts))


def test_weekend_days_are_taken_out_of_the_axis():
    """Sudan rests on Friday and Saturday: no value of those days is left, and nothing is missing instead."""
    asked = question()
    panel = panel_of(asked, AT, Window("14d", AT, 14), "no_block_since_base")
    panel = replace(panel, other_events=((7, 14),))
    shorter, found = without_weekends(asked, panel)
    working = [k for k in range(DAYS) if (START + timedelta(days=k)).weekday() not in (4, 5)]
    np.testing.assert_array_equal(found.y, panel.y[working])
    assert found.onset == sum(k < AT for k in working)
    assert found.horizon == 10
    assert found.anticipation == sum(AT - 4 <= k < AT for k in working)
    assert found.other_events == ((sum(k < 7 for k in working), sum(k < 14 for k in working)),)
    assert shorter.season == 5
    assert found.donors.shape[0] == len(working)


def test_a_base_begins_no_earlier_than_the_weekend_it_is_compared_under():
    start = datetime(2021, 9, 1)
    y = np.random.default_rng(1).poisson(300, 260).astype(float)
    asked = asked_of(make([], [], []), block("AE"), aligned_of(KEY, start, {"AE": y}), AT)
    panel = panel_of(asked, AT, Window("14d", AT, 14), "no_block_since_base")
    found = without_weekends(asked, panel)[1]
    seen = int(np.isfinite(found.y[: found.onset]).sum())
    assert seen == np.busday_count("2022-01-01", start.date() + timedelta(days=AT))
    early = (datetime(2022, 1, 3) - start).days
    late = panel_of(replace(asked, onset=early), early, Window("7d", early, 7), "no_block_since_base")
    with pytest.raises(NotEnoughData, match="weekend changed on 2022-01-01"):
        without_weekends(replace(asked, onset=early), late)


def test_an_effect_of_working_days_alone_is_found_without_weekends():
    """A rise on working days only: with weekends in, the ratio is smaller."""

    def change(y: np.ndarray) -> np.ndarray:
        weekday = np.array([(START + timedelta(days=k)).weekday() for k in range(DAYS)])
        y[(np.arange(DAYS) >= AT) & ~np.isin(weekday, [4, 5])] *= 2
        return y

    asked = question(change)
    without = under(asked, Specification(weekends=False), 14)
    assert without.ratio_low < 2.0 < without.ratio_high
    assert under(asked, Specification(), 14).ratio < without.ratio


def test_hours_have_no_weekend_to_leave_out():
    y = np.random.default_rng(1).poisson(300, 24 * 60).astype(float)
    series = aligned_of(KEY, ONSET - timedelta(days=50), {"SD": y}, step=timedelta(hours=1))
    asked = asked_of(make([], [], []), block(), series, 24 * 50)
    with pytest.raises(NotEnoughData, match="daily"):
        under(asked, Specification(weekends=False), 24)


def test_bases_that_agree_pass_and_refusals_are_listed_apart():
    made = base_window.run(evidence(question(rising(2.0))))
    assert made.outcome == "passed"
    assert {row["base"] for row in made.table} >= {"56 days", "112 days without weekends"}

    def some(specification: Specification) -> Effect:
        return effect(2, 1.5, 2.6) if specification.base_days == 112 else _refuse()

    listed = base_window.run(given(effect(2, 1.6, 2.5), some))
    assert listed.outcome == "passed"
    assert "28 days" in listed.sentence.split("no estimate (too short)")[0]
    assert sum(row["ratio"] is None for row in listed.table) == 5
    assert base_window.run(given(effect(2, 1.6, 2.5), _refuse)).outcome == "informative"


@pytest.mark.parametrize(("low", "high"), [(0.5, 0.9), (2.8, 4.0), (1.05, 1.4)])
def test_a_base_on_the_other_side_or_off_the_headline_fails(low: float, high: float):
    other = effect(np.sqrt(low * high), low, high)
    made = base_window.run(given(effect(2, 1.6, 2.5), lambda s: other if s.base_days == 28 else effect(2, 1.5, 2.6)))
    assert made.outcome == "failed"
    assert "against the headline's" in made.sentence


def test_one_donor_that_carries_the_verdict_is_found():
    donors = ("AT", "BE", "CH")

    def hangs(specification: Specification) -> Effect:
        return effect(1.2, 0.9, 1.6) if "BE" in specification.without else effect(2, 1.6, 2.5)

    made = leave_one_donor_out.run(given(effect(2, 1.6, 2.5), hangs, donors=donors))
    assert made.outcome == "failed"
    assert "turns without BE" in made.sentence
    steady = leave_one_donor_out.run(given(effect(2, 1.6, 2.5), lambda _: effect(2.1, 1.6, 2.6), donors=donors))
    assert steady.outcome == "passed"
    assert leave_one_donor_out.run(given(effect(2, 1.6, 2.5), hangs)).outcome == "informative"


def test_many_donors_are_left_out_one_by_one_and_in_groups():
    names = tuple(f"D{i}" for i in range(30))
    parts = leave_one_donor_out.parts(names)
    assert len(parts) <= leave_one_donor_out.MOST
    assert max(map(len, parts.values())) >= 15
    assert leave_one_donor_out.run(evidence(question(rising(2.0)))).outcome == "passed"


def test_listed_donors_are_left_out_and_shown_back_in():
    catalogue: Catalogue = make([block()], [], [])
    listed = DonorExclusion("DE", "", (), None, None, "exit_traffic", "", "")
    plain = question(rising(2.0))
    asked = replace(plain, catalogue=replace(catalogue, donor_exclusions=(listed,)))
    found = find(asked, Window("14d", AT, 14), "no_block_since_base", [AT])
    assert "DE" not in found.panel.constituents
    back = with_listed(asked, found)
    same = find(plain, Window("14d", AT, 14), "no_block_since_base", [AT]).effects[0]
    expected = f"x{same.ratio:.2f} ({same.ratio_low:.2f} to {same.ratio_high:.2f})"
    assert back == f"with listed donors back in: {expected}"
    made = donor_exclusions.run(evidence_of(asked, found, Beside()))
    assert made.outcome == "passed"
    assert "DE (exit_traffic)" in made.sentence
    assert with_listed(plain, found) == ""
    assert donor_exclusions.run(evidence(plain)).outcome == "informative"


def test_an_estimate_that_hangs_on_the_listed_donors_fails():
    made = donor_exclusions.run(
        given(effect(2, 1.6, 2.5), lambda _: effect(1.1, 0.8, 1.4), donors=("AT",), excluded={"DE": "exit_traffic"})
    )
    assert made.outcome == "failed"


def windows(errors: list[float]) -> PlaceboWindows:
    """Windows side by side, 14 steps apart."""
    return PlaceboWindows(14 * np.arange(len(errors)), np.array(errors), 0.1, 20.0)


@pytest.mark.parametrize(
    ("errors", "outcome"),
    [
        ([0.2, -0.4, 0.1, 0.3, -0.2, 0.1], "passed"),
        ([0.2, -0.4, 0.1, 2.0, 2.1, 1.9], "failed"),
        ([0.0, 0.1, -0.1, 0.2, 0.0, 3.5], "failed"),
        ([-2.0, -1.2, -0.5, 0.6, 1.2, 2.1], "failed"),
        ([0.2, -0.4, 0.1, -2.0, -2.1, -1.9], "informative"),
        ([0.1, 0.2, 0.3], "informative"),
    ],
)
def test_windows_that_already_moved_the_same_way_fail(errors: list[float], outcome: str):
    headline = effect(2, 1.6, 2.5, windows(errors))
    assert pre_trend.run(given(headline, _refuse)).outcome == outcome


def test_overlapping_windows_are_counted_once():
    dense = PlaceboWindows(np.arange(60), np.zeros(60), 0.1, 20.0)
    assert pre_trend.disjoint(dense, 14)[0].tolist() == [3, 17, 31, 45, 59]


def test_a_rise_that_began_before_the_block_is_not_a_clean_one():
    def change(y: np.ndarray) -> np.ndarray:
        y[AT - 20 :] *= np.exp(0.03 * np.arange(DAYS - AT + 20))
        return rising(3.0)(y)

    drifting = pre_trend.run(evidence(question(change, donors=0)))
    assert drifting.outcome == "failed"
    assert pre_trend.run(evidence(question(rising(3.0), donors=0))).outcome == "passed"
