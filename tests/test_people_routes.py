"""Routes to people: what each gives on inputs whose answer is known, and what inputs it refuses."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from analyzer.errors import NotEnoughData
from analyzer.people import max_to_sum
from analyzer.people.draws import Uncertain, at_worst, exact, generator
from analyzer.people.ranks import downloads_factor, factor_of_ratio
from analyzer.people.retention import Installed, Retention, from_installs, people_from_installs, retained
from analyzer.people.routes import from_clients, from_counted, from_survey, from_tool
from analyzer.quantities import DailyClients, Installs, People, Quantity

DOUBLED = exact(2.0)
FINITE = st.floats(0, 1e12, allow_nan=False)
# A loaded machine is no fault: no example is timed.
QUICK = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def test_a_survey_share_that_doubles_is_that_share_more_of_internet_users():
    found = from_survey(DOUBLED, exact(0.18, is_share=True), exact(1e8))
    assert (found.low, found.middle, found.high) == pytest.approx((1.8e7, 1.8e7, 1.8e7))


def test_a_share_of_18_percent_times_8_is_refused_with_the_sum():
    with pytest.raises(NotEnoughData, match="18 % x 8 would make 144 % of all internet users"):
        from_survey(exact(8.0), exact(0.18, is_share=True), exact(1e8))


def test_errors_of_independent_inputs_add_up_on_logs():
    e = 0.2
    level = Uncertain(1000 * math.exp(-1.96 * e), 1000, 1000 * math.exp(1.96 * e))
    found = from_tool(DOUBLED, level, Uncertain(math.exp(-1.96 * e), 1.0, math.exp(1.96 * e)))
    assert math.log(found.high / found.low) == pytest.approx(2 * 1.96 * e * math.sqrt(2), rel=0.04)
    assert found.middle == pytest.approx(1000, rel=0.02)


def test_a_ratio_that_spans_one_gives_a_range_that_holds_none():
    found = from_tool(Uncertain(0.8, 1.0, 1.25), exact(1000))
    assert found.low < 0 < found.high


def test_the_same_seed_gives_the_same_range_and_another_one_nearly():
    ratio, level = Uncertain(1.5, 2, 2.6), Uncertain(800, 1000, 1300)
    first = from_tool(ratio, level)
    assert from_tool(ratio, level) == first
    other = from_tool(ratio, level, seed=1)
    assert other != first
    assert other.high == pytest.approx(first.high, rel=0.03)


def test_clients_counted_come_back_as_persons_of_several_devices():
    assert from_counted(exact(300), exact(100), exact(0.5)).middle == pytest.approx(100)


def clients(before: float, after: float, persons: float = 1.0, **rates: float) -> People:
    return from_clients(
        exact(before, is_share=True),
        exact(after, is_share=True),
        addresses=exact(1000),
        persons_per_address=exact(persons),
        sensitivity=exact(rates.get("hit", 1.0), is_share=True),
        false_positives=exact(rates.get("false", 0.0), is_share=True),
    )


def test_one_person_per_address_and_flags_without_error_are_counted_as_they_are():
    assert clients(0.02, 0.05).middle == pytest.approx(30)


def test_errors_of_flags_are_taken_out_of_both_shares():
    flagged = [0.8 * p + 0.01 * (1 - p) for p in (0.02, 0.05)]
    assert clients(*flagged, hit=0.8, false=0.01).middle == pytest.approx(30)


def test_persons_behind_an_address_lie_between_one_and_all_of_them():
    found = clients(0.02, 0.05, persons=4.0)
    assert 30 < found.low < found.high < 30 * 4


def test_flags_no_better_than_chance_and_more_flags_than_users_can_make_are_refused():
    with pytest.raises(NotEnoughData, match="better than chance"):
        clients(0.02, 0.05, hit=0.1, false=0.1)
    with pytest.raises(NotEnoughData, match="more clients are flagged"):
        clients(0.02, 0.9, hit=0.5, false=0.0)


def kept(half: float, floor: float) -> Retention:
    return Retention(exact(half), exact(floor, is_share=True))


def test_half_of_what_is_given_up_is_left_after_a_half_life():
    left = retained(np.array([0.0, 30.0, 60.0]), np.array([30.0]), np.array([0.2]))
    assert left[0] == pytest.approx([1.0, 0.6, 0.4])


def test_a_stock_is_the_excess_of_each_day_times_what_is_left_of_it():
    seen = Installed(np.array([300.0, 100.0]), np.array([100.0, 100.0]), exact(200.0))
    found = from_installs(seen, kept(1.5, 0.0))
    assert isinstance(found, Installs)
    assert found.middle == pytest.approx(200 * 0.5)  # 1.5 days old
    assert people_from_installs(seen, kept(1.5, 0.0), exact(2.0)).middle == pytest.approx(50)


def test_missing_days_neither_add_nor_take():
    seen = Installed(np.array([300.0, np.nan]), np.array([100.0, 100.0]), exact(100.0))
    assert from_installs(seen, kept(1e9, 1.0)).middle == pytest.approx(200)
    nothing = Installed(np.array([np.nan]), np.array([1.0]), exact(1.0))
    with pytest.raises(NotEnoughData, match="no step"):
        from_installs(nothing, kept(30, 0.1))


def test_rank_200_to_10_is_6_to_66_times_the_downloads():
    found = downloads_factor((200, 200), (10, 10))
    assert (found.low, found.middle, found.high) == (pytest.approx(20**0.6), None, pytest.approx(20**1.4))


def test_a_fall_down_the_chart_is_bounded_too():
    found = downloads_factor((10, 10), (200, 200))
    assert (found.low, found.high) == pytest.approx((20**-1.4, 20**-0.6))


def test_an_unranked_app_has_only_a_lower_bound_and_the_top_is_a_ceiling():
    assert downloads_factor((201, math.inf), (10, 10)).high == math.inf
    assert downloads_factor((200, 200), (1, 1)).high == math.inf
    assert downloads_factor((1, 1), (10, 10)).low == 0
    assert downloads_factor((201, math.inf), (10, 10)).low == pytest.approx(20.1**0.6)
    with pytest.raises(NotEnoughData, match="neither end"):
        downloads_factor((201, math.inf), (201, math.inf))


@pytest.mark.parametrize("bad", [(0, 1), (5, 4), (math.nan, 4)])
def test_ranks_that_no_chart_has_are_refused(bad: tuple[float, float]):
    with pytest.raises(ValueError, match="before must be a range"):
        downloads_factor(bad, (1, 2))


@QUICK
@given(st.floats(1, 500), st.floats(1, 500), st.floats(0.6, 1.4))
def test_any_exponent_within_its_range_lies_within_the_bound(before: float, after: float, a: float):
    found = factor_of_ratio((after / before, after / before))
    assert found.low * (1 - 1e-9) <= (before / after) ** a <= found.high * (1 + 1e-9)


def test_several_tools_have_at_least_the_largest_and_at_most_the_sum():
    both = [People(100, 150, 200), People(120, 130, 140)]
    assert max_to_sum(both) == People(120, None, 340)
    assert max_to_sum(both, overlap=1.0).middle == 150
    assert max_to_sum(both, overlap=0.0).middle == 280


def test_bounds_mix_no_kinds_and_take_no_falls():
    with pytest.raises(TypeError, match="different things"):
        max_to_sum([People(1, 2, 3), DailyClients(1, 2, 3)])  # type: ignore[type-var]
    for few in ([People(1, 2, 3)], [People(-1, 2, 3), People(1, 2, 3)]):
        with pytest.raises(NotEnoughData):
            max_to_sum(few)
    with pytest.raises(ValueError, match="overlap"):
        max_to_sum([People(1, 2, 3)] * 2, overlap=18)


@pytest.mark.parametrize(
    "bad",
    [
        {"low": 3, "middle": 2, "high": 4},
        {"low": -1, "middle": 2, "high": 4},
        {"low": math.nan, "middle": 2, "high": 4},
        {"low": 1, "middle": 2, "high": math.inf},
        {"low": 1, "middle": 2, "high": 18, "is_share": True},
        {"low": 0, "middle": 2, "high": 4, "how": "stated"},
        {"low": 0, "middle": 0.5, "high": 1, "how": "survey", "is_share": True},
        {"low": 0, "middle": 0.5, "high": 1, "how": "survey", "n": 100},
    ],
)
def test_inputs_that_cannot_be_are_refused(bad: dict[str, object]):
    with pytest.raises(ValueError, match=r"must|needs|share"):
        Uncertain(**bad)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "known",
    [
        Uncertain(80, 100, 150),
        Uncertain(0.1, 0.18, 0.3, is_share=True),
        Uncertain(30, 42, 60, "stated"),
        Uncertain(0.01, 0.18, 1.0, "stated", is_share=True),
    ],
)
def test_draws_keep_to_what_is_known(known: Uncertain):
    values = known.draw(generator(3), 100_000)
    low, high = np.quantile(values, [0.025, 0.975])
    if known.how == "interval":
        assert (low, high) == pytest.approx((known.low, known.high), rel=0.03)
    else:
        assert known.low <= values.min() <= low < high <= values.max() <= known.high


def test_a_survey_of_400_is_as_wide_as_its_answers_make_it():
    values = Uncertain(0.0, 0.18, 1.0, "survey", is_share=True, n=400).draw(generator(3), 100_000)
    assert np.quantile(values, [0.025, 0.975]) == pytest.approx((0.145, 0.220), abs=0.004)


def test_the_worst_case_holds_every_place_within_a_stated_range():
    each, level = Uncertain(0.5, 0.7, 1.0, "stated"), Uncertain(900, 1000, 1100)
    worst = at_worst(from_tool, exact(2.0), level, each)
    assert worst is not None
    for place in (0.5, 0.6, 0.9, 1.0):
        found = from_tool(exact(2.0), level, exact(place))
        assert worst[0] <= found.low
        assert found.high <= worst[1]
    assert at_worst(from_tool, exact(2.0), level) is None


@QUICK
@given(FINITE, FINITE, FINITE, st.floats(0, 1))
def test_no_finite_input_breaks_a_route(a: float, b: float, c: float, share: float):
    """Whatever is given, a range that is one comes back, or a refusal in words."""
    low, middle, high = sorted((a, b, c))
    routes = (
        lambda: from_tool(Uncertain(low, middle, high), exact(middle), draws=200),
        lambda: from_survey(Uncertain(low, middle, high), exact(share, is_share=True), exact(high), draws=200),
        lambda: from_counted(exact(a), Uncertain(low, middle, high), exact(1.0), draws=200),
        lambda: clients(share, min(share * 2, 1.0), hit=0.9, false=0.01),
    )
    for route in routes:
        try:
            found: Quantity = route()
        except ValueError as error:  # NotEnoughData is one
            assert str(error)
        else:
            assert found.low <= found.high
