"""Which events without a block a change is ranked among, and where."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
import pytest

from analyzer.blocks import Catalogue
from analyzer.records import Block, Breakdown, Context, Effect, PlaceboWindows
from analyzer.study.asked import asked_of
from analyzer.study.effects import Found
from analyzer.study.horizons import Window
from analyzer.study.matched import MOST_MATCHED, breakdowns
from analyzer.study.series import Aligned, SeriesKey

START, DAY = datetime(2015, 1, 1), timedelta(days=1)
STEPS, ONSET, HORIZON = 500, 400, 14
BLOCK = "pk-2016-02-05-x"


def event(name: str, step: int, kind: str = "election", *, days: int = 1, **others: object) -> Block:
    """An event from a step on; its name begins with the country."""
    onset, end = START + step * DAY, START + (step + days) * DAY
    blocked = kind in ("social_media_block", "shutdown")
    made = Block(name, name[:2].upper(), name, onset, onset + DAY, end, end, "day", "day", kind, "", ("none",),
                 is_non_event=not blocked)  # fmt: skip
    return replace(made, **others)  # type: ignore[arg-type]


def effect(ratio: float, half: float = 0.2) -> Effect:
    """A ratio with an interval of `half` either way on logs, and 300 placebo windows of little size."""
    one, wide = np.ones(1), float(np.exp(half))
    placebos = PlaceboWindows(np.arange(50, 350), np.tile([0.5, -0.5], 150), half / 2, 30.0)
    return Effect(1000 * ratio, 1000.0, 1000 / wide, 1000 * wide, ratio, ratio / wide, ratio * wide, 0.0, -1.0, 1.0,
                  one, one, one, one, 1.3, 20.0, 1, 300, {}, (), placebos)  # fmt: skip


THE_BLOCK = event(BLOCK, ONSET, "social_media_block", days=40, services=("facebook",))


def found(
    events: Sequence[Block],
    *,
    contexts: Sequence[str] = ("election",),
    others: Mapping[str, float] | None = None,
    here: float = 2.0,
    half: float = 0.2,
    block: Block = THE_BLOCK,
) -> tuple[tuple[Breakdown, ...], list[tuple[str, int]]]:
    """The breakdowns of a doubling, and the (country, step) pairs that were asked; `others` are ratios by country."""
    names = {"PK", *(e.cc for e in events if e.cc != "XX")}
    series = _series(names)
    listed = Catalogue(
        blocks=(THE_BLOCK, *(e for e in events if not e.is_non_event)),
        non_events=tuple(e for e in events if e.is_non_event),
        claims=(),
        published=(),
        contexts=tuple(Context(BLOCK, kind, "", "") for kind in contexts),
    )
    asked = asked_of(listed, block, series, ONSET)
    calls: list[tuple[str, int]] = []

    def alone(cc: str, onset: int) -> Effect:
        if (cc, onset) == ("PK", ONSET):
            return effect(here)
        calls.append((cc, onset))
        return effect((others or {}).get(cc, 1.1), half)

    headline = Found(Window("14d", ONSET, HORIZON), "no_block_since_base", (effect(here),), None, "")
    return breakdowns(asked, headline, alone), calls


def _series(names: set[str]) -> Aligned:
    values = {cc: np.full(STEPS, 100.0 + i) for i, cc in enumerate(sorted(names))}
    empty = {cc: np.full(STEPS, np.nan) for cc in names}
    never = {cc: np.zeros(STEPS, bool) for cc in names}
    key = SeriesKey("psiphon.daily_users", 0, "", "users", "")
    return Aligned(key, START, DAY, values, empty, empty, never, dict.fromkeys(names, ()), {})


def many(n: int, kind: str = "election") -> list[Block]:
    """Events of n countries, one each."""
    codes = [a + b for a in "abcdefgh" for b in "abcdefghij" if a + b != "pk"]
    return [event(f"{cc}-e", 100 + i, kind) for i, cc in enumerate(codes[:n])]


def test_events_of_the_context_are_ranked_and_others_are_not():
    (b,), calls = found([event("fr-e", 200), event("de-e", 210, "draft_law"), event("it-e", 220)], others={"FR": 1.3})
    assert (b.contexts, b.placebo_n, b.rank) == (("election",), 2, 1)
    assert (b.placebo_low, b.placebo_high) == pytest.approx((1.1, 1.3))
    assert {cc for cc, _ in calls} == {"FR", "IT"}


def test_where_no_context_is_recorded_every_kind_but_holidays_counts():
    (b,), calls = found([event("fr-e", 200), event("de-e", 210, "draft_law"), event("it-e", 9, "holiday")], contexts=())
    assert (b.contexts, b.placebo_n) == ((), 2)
    assert {cc for cc, _ in calls} == {"FR", "DE"}


def test_each_kind_of_the_context_is_ranked_apart_so_that_weak_ones_dilute_nothing():
    events = [event("fr-e", 200), event("de-e", 210, "rally"), event("it-e", 220, "rally")]
    first, second = found(events, contexts=("rally", "election"), others={"FR": 3.0})[0]
    assert (first.contexts, first.placebo_n, first.rank) == (("election",), 1, 2)
    assert (second.contexts, second.placebo_n, second.rank) == (("rally",), 2, 1)


def test_an_event_of_the_country_in_the_window_is_a_context_too():
    kinds = [b.contexts for b in found([event("pk-e", ONSET + 3, "rally")])[0]]
    assert kinds == [("election",), ("rally",)]


@pytest.mark.parametrize("start", [190, 205, 213])
def test_an_election_with_a_block_near_is_no_placebo(start: int):
    assert found([event("fr-e", 200), event("fr-b", start, "shutdown", days=9)])[0][0].placebo_n == 0


def test_a_block_in_force_for_more_than_a_year_is_the_state_of_affairs():
    old = event("fr-b", -1500, "shutdown", days=4000)
    assert found([event("fr-e", 200), old])[0][0].placebo_n == 1


def test_windows_of_one_country_that_overlap_are_one_event():
    events = [event("fr-a", 200), event("fr-b", 210), event("fr-c", 214)]
    assert [at for _, at in found(events)[1]] == [200, 214]


def test_own_events_after_the_block_have_it_in_their_base_and_do_not_count():
    before, after = event("pk-a", 300), event("pk-b", 470)
    assert found([before, after])[1] == [("PK", 300)]


def test_events_known_to_the_month_or_without_a_whole_window_do_not_count():
    events = [event("fr-e", 200, start_precision="month"), event("de-e", STEPS - 5), event("it-e", 0)]
    assert found(events)[0][0].placebo_n == 0


def test_a_worldwide_event_is_one_placebo_on_the_countrys_own_series():
    assert found([event("xx-e", 200, "control"), event("fr-e", 100, "rally")], contexts=("control",))[1] == [
        ("PK", 200)
    ]


def test_a_platforms_outage_matches_a_block_of_that_platform_only():
    events = [event("xx-a", 200, "control_outage", services=("facebook",)),
              event("xx-b", 250, "control_outage", services=("x",))]  # fmt: skip
    assert found(events, contexts=())[1] == [("PK", 200)]


def test_most_are_capped_and_the_nearest_in_size_are_taken():
    (b,), calls = found(many(75))
    assert (b.placebo_n, len(calls)) == (MOST_MATCHED, MOST_MATCHED)


def test_falls_elsewhere_count_against_a_rise():
    assert found([event("fr-e", 200)], others={"FR": 0.4})[0][0].rank == 2


def test_a_ratio_against_nothing_expected_keeps_its_rank_and_is_in_no_range():
    (b,), _ = found([event("fr-e", 200), event("it-e", 200)], others={"FR": float("inf")})
    assert (b.rank, b.placebo_n) == (2, 2)
    assert (b.placebo_low, b.placebo_high) == pytest.approx((1.1, 1.1))


def test_a_quieter_series_is_given_the_noise_of_the_one_asked_about():
    asked = [event("fr-e", 200)]
    assert found(asked, others={"FR": 1.6}, here=1.7)[0][0].rank == 1
    assert found(asked, others={"FR": 1.6}, here=1.7, half=0.05)[0][0].rank == 2


def test_shock_near_is_the_end_of_the_interval_nearest_to_1():
    for here, near in ((2.0, 2.0 / np.exp(0.2)), (0.5, 0.5 * np.exp(0.2))):
        assert found([], here=here)[0][0].shock_near == pytest.approx(near)


def test_where_nothing_clearly_moved_nothing_is_asked_of_others():
    assert found([event("fr-e", 200)], here=1.1) == ((), [])


def test_ordinary_dates_are_of_the_same_weekday_and_free_of_known_events():
    (free,), _ = found([])
    assert free.ordinary_n == len([s for s in range(50, 350) if (s - ONSET) % 7 == 0])
    assert free.ordinary_rank == 1
    (fewer,), _ = found([event("pk-r", 200, "rally")])
    assert free.ordinary_n - fewer.ordinary_n == 2  # the two windows of 14 days from that weekday that hold the day


def test_an_event_is_no_placebo_of_itself():
    itself = event("pk-e", ONSET)
    (b,), calls = found([itself, event("fr-e", 200)], contexts=(), block=itself)
    assert (b.contexts, {cc for cc, _ in calls}) == (("election",), {"FR"})
