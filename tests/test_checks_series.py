"""What other series of a country say of an estimate: placebos, tests of the tool, parts of a share, denominators."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from measured_files import Held, Share, aligned_of, drawn, held_shares, load, stepped
from stores import empty_store

import analyzer
from analyzer.blocks.contents import make
from analyzer.checks import Composition, Evidence, Vintage, denominators, placebo_indicator, tool_blocked
from analyzer.checks.composition import judge
from analyzer.errors import NotEnoughData
from analyzer.records import Block, Check, Effect, Estimate
from analyzer.registry import load as load_rule
from analyzer.study.asked import asked_of
from analyzer.study.at_hand import AtHand
from analyzer.study.effects import find
from analyzer.study.evidence import Beside, evidence_of
from analyzer.study.horizons import Window
from analyzer.study.one_series import answer
from analyzer.study.placebo_series import is_placebo
from analyzer.study.series import Aligned, SeriesKey
from analyzer.study.tools import is_tool, names

ONSET = datetime(2024, 3, 4)
DAYS, AT = 160, 120
START = ONSET - timedelta(days=AT)
BLOCK = Block(
    "sd-2024-03-04-x", "SD", "X", ONSET, ONSET, None, None, "day", None, "social_media_block", "nationwide", ("x",)
)
TOR_BLOCK = replace(BLOCK, block_id="sd-2024-03-04-tor", kind="vpn_block", services=("tor",))
USERS = SeriesKey("tor.bridge_users", 0, "", "users", "")
TRAFFIC = SeriesKey("radar.traffic", 0, "", "traffic", "")


def steps(level: float, factor: float = 1.0, seed: int = 1, noise: float = 0.03) -> np.ndarray:
    """Daily values around a level, times a factor from the onset on."""
    y = level * np.exp(np.random.default_rng(seed).normal(0, noise, DAYS))
    y[AT:] *= factor
    return np.round(y, 2)


def series(key: SeriesKey, y: np.ndarray, n: np.ndarray | None = None) -> Aligned:
    return aligned_of(key, START, {"SD": y}, None if n is None else {"SD": n})


def check(name: str, main: Aligned, *beside: Aligned, block: Block = BLOCK) -> Check:
    """One check of one series, others of the country being at hand."""
    question = asked_of(make([block], [], []), block, main, AT)
    headline = find(question, Window("14d", AT, 14), "no_block_since_base", [AT])
    return load_rule("checks", name).run(evidence_of(question, headline, Beside(Held(main, *beside))))


def row(main: Aligned, *beside: Aligned) -> Estimate:
    """The row of one series."""
    found = answer(make([BLOCK], [], []), BLOCK, main, ["14d"], "none", at_hand=Held(main, *beside))
    assert found is not None
    return found.estimates[0]


def test_traffic_that_rises_with_the_indicator_fails_the_placebo():
    users = series(USERS, np.round(steps(400, 2.0)))
    found = check("placebo_indicator", users, series(TRAFFIC, steps(100, 1.5, seed=2)))
    assert found.outcome == "failed"
    assert "radar.traffic moved the same way" in found.sentence
    assert found.table[0]["ratio"] == pytest.approx(1.5, rel=0.05)


@pytest.mark.parametrize("factor", [1.0, 0.7])
def test_traffic_that_stays_or_falls_is_no_rival_of_a_rise(factor: float):
    """A fall at home is what traffic through servers abroad looks like."""
    users = series(USERS, np.round(steps(400, 2.0)))
    found = check("placebo_indicator", users, series(TRAFFIC, steps(100, factor, seed=2)))
    assert found.outcome == "passed"


def test_without_a_placebo_series_or_with_a_wild_one_nothing_is_claimed():
    users = series(USERS, np.round(steps(400, 1.5)))
    found = check("placebo_indicator", users)
    assert found.outcome == "informative"
    assert "placebo:" in found.sentence
    wild = check("placebo_indicator", users, series(TRAFFIC, steps(100, 1.0, seed=2, noise=1.5)))
    assert wild.outcome == "informative"
    assert "too noisy" in wild.sentence


def test_users_declare_placebo_series_and_a_shutdown_has_none_by_itself():
    declared = SeriesKey("search.interest", 0, "placebo:weather", "index", "")
    assert is_placebo(declared, BLOCK)
    assert is_placebo(declared, None)
    assert is_placebo(TRAFFIC, BLOCK)
    assert not is_placebo(TRAFFIC, None)
    assert not is_placebo(TRAFFIC, replace(BLOCK, kind="shutdown"))
    assert not is_placebo(SeriesKey("search.interest", 0, "vpn", "index", ""), BLOCK)
    assert not is_placebo(SeriesKey("ioda.connectivity", 0, "bgp", "connectivity", ""), BLOCK)


def test_many_placebo_series_are_each_held_to_a_stricter_bound():
    up = _effect(1.2, 1.02, 1.41)
    assert placebo_indicator.moves_with(up, _effect(2, 1.5, 2.6), 1)
    assert not placebo_indicator.moves_with(up, _effect(2, 1.5, 2.6), 20)
    assert not placebo_indicator.moves_with(up, _effect(0.5, 0.4, 0.7), 1)


def _effect(ratio: float, low: float, high: float) -> Effect:
    nothing = np.array([])
    return Effect(
        100, 100 / ratio, 100 / high, 100 / low, ratio, low, high, 0, 0, 0, nothing, nothing, nothing, nothing,
        1.2, 9.0, 1, 50, {},
    )  # fmt: skip


def tool_tests(shares: Mapping[tuple[str, str], Share]) -> list[Aligned]:
    """Daily shares of tool tests."""
    return held_shares(drawn(shares, first=START.date(), days=DAYS), START.date(), "ooni.tool_blocked_share")


def test_a_fall_while_the_tool_is_blocked_is_not_less_demand():
    falling = series(USERS, np.round(steps(400, 0.4)))
    found = check("tool_blocked", falling, *tool_tests({("SD", "tor"): stepped(0.05, 0.9, ONSET.date())}))
    assert found.outcome == "failed"
    assert "does not mean less demand" in found.sentence


def test_a_fall_while_the_tool_works_may_be_read_as_one():
    falling = series(USERS, np.round(steps(400, 0.4)))
    found = check("tool_blocked", falling, *tool_tests({("SD", "tor"): lambda _: 0.05}))
    assert found.outcome == "passed"


def test_a_fall_without_measurements_says_that_it_is_not_known():
    found = check("tool_blocked", series(USERS, np.round(steps(400, 0.4))))
    assert found.outcome == "informative"
    assert "not known (load ooni.tool_blocked_share of tor" in found.sentence
    assert "need not mean less demand" in found.sentence


def test_a_test_that_broke_everywhere_shows_no_block_of_the_tool():
    """torsf went to 1.0 in every country in October 2023."""
    broken = stepped(0.05, 1.0, ONSET.date())
    shares = {(cc, "torsf"): broken for cc in ("SD", "IN", "KH", "MY", "TH")}
    falling = series(replace(USERS, indicator="snowflake.users"), np.round(steps(400, 0.4)))
    found = check("tool_blocked", falling, *tool_tests(shares))
    assert found.outcome == "informative"
    assert "the test changed" in found.sentence


def test_relay_users_that_rise_under_a_listed_block_of_tor_may_be_retries():
    rising = series(replace(USERS, indicator="tor.relay_users"), np.round(steps(400, 2.0)))
    found = check("tool_blocked", rising, block=TOR_BLOCK)
    assert found.outcome == "failed"
    assert "0.4.8.22" in found.sentence
    bridges = check("tool_blocked", series(USERS, np.round(steps(400, 2.0))), block=TOR_BLOCK)
    assert bridges.outcome == "informative"


@pytest.mark.parametrize(
    ("indicator", "entity", "tests"),
    [
        ("psiphon.daily_users", "", ("psiphon",)),
        ("app.chart_rank", "Psiphon Pro", ("psiphon",)),
        ("tor.bridge_transport_users", "snowflake", ("torsf",)),
        ("app.chart_rank", "NordVPN", ()),
    ],
)
def test_series_know_the_tests_of_their_tool(indicator: str, entity: str, tests: tuple[str, ...]):
    key = SeriesKey(indicator, 0, entity, "users", "")
    assert is_tool(key)
    assert names(key) == tests


def test_searches_are_not_the_series_of_a_tool():
    assert not is_tool(SeriesKey("search.interest", 0, "vpn", "index", ""))
    assert tool_blocked.run(_bare()).outcome == "informative"


def _bare(**more: object) -> Evidence:
    made = Evidence(
        "14d",
        "SD",
        _effect(2, 1.5, 2.6),
        np.ones(60),
        np.ones(60),
        40,
        14,
        4,
        _refuse,
        (),
        lambda _: "2024-03-04",
        None,
        (),
    )
    return replace(made, **more)


def _refuse(*_: object) -> Effect:
    raise NotEnoughData("too short")


SHARE = SeriesKey("own.vpn_share", 0, "", "share", "")


def test_a_share_whose_denominator_fell_gives_no_verdict_on_uptake():
    """Half of the flows gone, the tunnels as they were: the share doubles and nobody took up anything."""
    n = np.round(steps(4000, 0.5))
    share = series(SHARE, np.round(steps(400, 1.0, seed=2)) / n, n)
    assert check("composition", share).outcome == "failed"
    told = row(share)
    assert told.ratio_low > 1.5
    assert told.verdict == "inconclusive"
    assert told.reasons.startswith("the denominator moved by x0.5")
    assert "no verdict on uptake" in told.reasons


def test_a_share_whose_numerator_alone_rose_keeps_its_verdict():
    n = np.round(steps(4000, 1.0))
    share = series(SHARE, np.round(steps(400, 2.0, seed=2)) / n, n)
    found = check("composition", share)
    assert found.outcome == "passed"
    assert [part["ratio"] for part in found.table] == pytest.approx([2.0, 1.0], rel=0.05)
    assert row(share).verdict == "rise"


def test_a_share_without_its_denominator_gives_no_verdict():
    share = series(replace(SHARE, indicator="radar.device_share"), steps(0.3, 1.5))
    assert check("composition", share).outcome == "failed"
    told = row(share)
    assert told.verdict == "inconclusive"
    assert "the denominator is not known" in told.reasons
    assert told.ratio is not None


def test_totals_of_a_capture_are_the_denominators_of_its_shares():
    key = SeriesKey("capture.byte_share", 0, "kind=tunnel", "share", "day")
    share = series(key, steps(0.1, 2.0), np.full(DAYS, 50.0))
    total = series(SeriesKey("capture.bytes", 0, "", "bytes", "day"), steps(1e6, 0.6, seed=3))
    moved = check("composition", share, total)
    assert moved.outcome == "failed"
    assert "the denominator moved by x0.6" in moved.sentence
    assert "no capture.bytes of all traffic" in check("composition", share).sentence


def test_a_share_of_measurements_keeps_its_verdict_about_itself():
    drawn_once = drawn({("SD", "x.com"): stepped(0.05, 0.8, ONSET.date())}, first=START.date(), days=DAYS)
    share = held_shares(drawn_once, START.date())[0]
    assert check("composition", share).outcome == "informative"
    assert row(share).verdict == "rise"


def test_a_denominator_that_could_have_done_anything_is_not_known():
    wide = Composition("uptake", _effect(2, 1, 4), _effect(1, 0.3, 3.3), "the sample behind each value")
    assert judge(wide)[0] == "failed"


def vintage(year: int, value: float, file: str) -> Vintage:
    return Vintage("denominator.internet_users", "", year, value, "percent", file, None)


def test_vintages_that_give_another_value_for_the_year_fail():
    """The World Bank's share of Pakistan: 18.9 for 2020 in both files, 2023 in the old and 2024 in the new one only."""
    old = [vintage(2020, 18.9, "a" * 16), vintage(2023, 27.4, "a" * 16)]
    new = [vintage(2020, 18.9, "b" * 16), vintage(2024, 57.3, "b" * 16)]
    apart = denominators.run(_bare(denominators=(*old, *new)))
    assert apart.outcome == "failed"
    assert "27.4 (2023, file aaaaaaaa)" in apart.sentence
    assert "57.3 (2024, file bbbbbbbb)" in apart.sentence
    assert "revised" not in apart.sentence
    same = denominators.run(_bare(denominators=(old[0], new[0])))
    assert same.outcome == "informative"
    revised = denominators.run(_bare(denominators=(vintage(2020, 18.9, "a" * 16), vintage(2020, 25.0, "b" * 16))))
    assert "revised between vintages: 2020 18.9 to 25" in revised.sentence
    assert denominators.run(_bare()).outcome == "informative"


def test_every_vintage_of_a_denominator_is_read_from_the_store(tmp_path: Path):
    db = analyzer.open(empty_store(tmp_path).path)
    mapping = """\
indicator = { value = "denominator.internet_users" }
unit = { value = "percent" }
cc = { value = "PK" }
value = "share"
end = "until"
time = { column = "since", zone = "Asia/Karachi" }
"""
    for name, value in (("old", 18.9), ("new", 57.3)):
        path = tmp_path / f"{name}.csv"
        path.write_text(f"since,until,share\n2020-01-01,2021-01-01,{value}\n", encoding="utf-8")
        load(db, tmp_path, path, mapping)
    found = AtHand(db.store, "PK").denominators()
    assert [(v.year, v.value) for v in found] == [(2020, v) for v in (found[0].value, found[1].value)]
    assert {v.value for v in found} == {18.9, 57.3}


def test_a_series_is_read_once_however_many_ask_for_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    store = empty_store(tmp_path)
    db = analyzer.open(store.path)
    path = tmp_path / "users.csv"
    lines = [f"{date(2024, 1, 1) + timedelta(days=k)},{100 + k}" for k in range(40)]
    path.write_text("\n".join(["day,users", *lines]) + "\n", encoding="utf-8")
    mapping = """\
indicator = { value = "own.users" }
unit = { value = "users" }
cc = { value = "SD" }
value = "users"
time = { column = "day", zone = "UTC", grain = "day" }
"""
    load(db, tmp_path, path, mapping)
    held, reads = AtHand(db.store, "SD"), []
    real = AtHand._read
    monkeypatch.setattr(AtHand, "_read", lambda self, key: reads.append(key) or real(self, key))
    (key,) = held.keys
    assert held.own(key).values["SD"].size == held.whole(key).values["SD"].size == held.take(key).length == 40
    assert held.own(key).values["SD"][0] == 100
    assert reads == [key]
