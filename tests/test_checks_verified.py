"""A block's verification state comes from measurements in the store, loaded through mapping files."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from measured_files import OONI, Held, Share, aligned_of, drawn, held_shares, stepped, write_shares

import analyzer
from analyzer import blocks
from analyzer.cli import vpn_uptake
from analyzer.records import Claim, Verified
from analyzer.study import bare_date, services
from analyzer.study.at_hand import AtHand
from analyzer.study.blocked_share import Counts, correlation, difference
from analyzer.study.series import SeriesKey
from analyzer.study.verified import denies, verify
from bench.hours import load_cities

BAN = "pk-2024-02-17-x-ban"
ONSET = date(2024, 2, 17)
FIRST = date(2023, 11, 1)


def verified(
    shares: dict[tuple[str, str], Share], block_id: str = BAN, first: date = FIRST, days: int = 140, **options: int
) -> Verified:
    """The state of a block where such daily shares are at hand."""
    table = drawn(shares, first=first, days=days, **options)
    return state_of(Held(*held_shares(table, first)), block_id)


def state_of(held: Held, block_id: str) -> Verified:
    catalogue = blocks.shipped()
    return verify(catalogue, blocks.find(catalogue, block_id), held)


def test_a_share_that_clearly_rises_with_the_block_confirms_it():
    found = verified({("PK", "twitter.com"): stepped(0.05, 0.8, ONSET)})
    assert found.state == "confirmed"
    assert "x confirmed" in found.reasons[0]
    row = found.evidence[0]
    assert row["before"] == pytest.approx(0.05, abs=0.03)
    assert row["during"] == pytest.approx(0.8, abs=0.05)
    assert row["n"] == pytest.approx(60 * 14, rel=0.15)


def test_a_small_rise_is_likely_and_few_measurements_never_confirm():
    small = verified({("PK", "x.com"): stepped(0.05, 0.17, ONSET)}, n=100)
    assert small.state == "likely"
    few = verified({("PK", "x.com"): stepped(0.0, 1.0, ONSET)}, n=1)
    assert few.evidence[0]["n"] < 20
    assert few.state == "likely"


def test_a_service_measured_and_not_up_contests_the_block():
    found = verified({("PK", "x.com"): lambda _: 0.05})
    assert found.state == "contested"
    assert "not blocked" in found.reasons[0]


def test_few_measurements_of_a_flat_share_say_nothing():
    found = verified({("PK", "x.com"): lambda _: 0.05}, n=1)
    assert found.state == "not_verifiable"


def test_silence_during_the_block_is_no_evidence():
    found = verified({("PK", "x.com"): lambda _: 0.05}, days=100)
    assert found.state == "not_verifiable"
    assert any("silence is no evidence" in reason for reason in found.reasons)


def test_a_rise_in_other_countries_as_well_is_of_the_test_or_the_platform():
    everywhere = {(cc, "x.com"): stepped(0.05, 0.8, ONSET) for cc in ("PK", "IN", "BD", "LK", "NP")}
    found = verified(everywhere)
    assert found.state == "not_verifiable"
    assert "4 other countries rose" in found.reasons[0]


def test_a_share_that_jumped_as_much_before_does_not_confirm():
    restless = stepped(0.05, 0.7, date(2023, 10, 1), date(2023, 11, 4))
    jumping = {("PK", "x.com"): lambda day: 0.45 if day >= ONSET else restless(day)}
    found = verified(jumping, first=date(2023, 5, 1), days=330)
    assert found.state == "likely"
    assert "an earlier time of that length" in found.reasons[0]


def test_another_service_says_nothing_about_the_one_that_was_blocked():
    found = verified({("PK", "wikipedia.org"): stepped(0.05, 0.9, ONSET)})
    assert found.state == "not_verifiable"
    assert "web_connectivity x.com" in found.reasons[-1]


def test_one_service_of_several_confirms_the_block_and_the_others_are_named():
    shares = {
        ("PK", "x.com"): stepped(0.05, 0.9, date(2023, 12, 17), date(2023, 12, 18)),
        ("PK", "youtube.com"): lambda _: 0.05,
    }
    found = verified(shares, "pk-2023-12-17", days=80, n=200)
    assert found.state == "confirmed"
    assert any(reason.startswith("youtube not") for reason in found.reasons)
    assert "facebook" in found.reasons[-1]


def test_a_block_of_hours_is_not_called_absent_by_a_day_that_it_hardly_fills():
    """Seven hours of 24: a day's share would rise by less than a third of what the block did."""
    flat = {("PK", s): (lambda _: 0.06) for s in ("x.com", "youtube.com", "facebook.com", "instagram.com")}
    found = verified(flat, "pk-2023-12-17", days=80)
    assert found.state == "not_verifiable"
    assert any("of the time measured" in reason for reason in found.reasons)


def test_claims_alone_confirm_nothing_and_who_denies_is_kept():
    found = state_of(Held(), "pk-2024-01-20")
    assert found.state == "not_verifiable"
    assert any(reason.startswith("PTA says otherwise") for reason in found.reasons)


@pytest.mark.parametrize(
    ("says", "expected"),
    [
        ("A technical fault caused the disruption", True),
        ("The chairman says that no VPN has been blocked to date", True),
        ("PTA denies blocking anything", True),
        ("The block was neither announced nor denied", False),
        ("X restricted nationwide", False),
        ("Orders X blocked", False),
    ],
)
def test_a_denial_is_told_from_a_report(says: str, expected: bool):
    assert denies(Claim("pk-x", "PTA", says, "", "")) is expected


def connectivity(factor: float, start: datetime, end: datetime) -> Held:
    """A connectivity index by the hour with a daily cycle, times a factor within [start, end)."""
    rng, first = np.random.default_rng(2), datetime(2019, 4, 20)
    at = [first + timedelta(hours=k) for k in range(24 * 60)]
    level = np.array([100 + 10 * np.sin(2 * np.pi * t.hour / 24) for t in at]) + rng.normal(0, 1.5, len(at))
    level *= np.array([factor if start <= t < end else 1.0 for t in at])
    key = SeriesKey("ioda.connectivity", 0, "bgp", "connectivity", "")
    return Held(aligned_of(key, first, {"SD": level}, step=timedelta(hours=1)))


@pytest.mark.parametrize(("factor", "state"), [(0.2, "confirmed"), (1.0, "contested")])
def test_a_shutdown_is_verified_by_the_fall_of_connectivity(factor: float, state: str):
    block = blocks.find(blocks.shipped(), "sd-2019-06-03-shutdown")
    held = connectivity(factor, block.onset_earliest, block.end_latest or datetime(2019, 7, 9))
    found = state_of(held, block.block_id)
    assert found.state == state
    assert found.evidence[0]["indicator"] == "ioda.connectivity"


def test_a_shutdown_without_any_signal_of_the_network_says_what_to_load():
    found = state_of(Held(), "sd-2019-06-03-shutdown")
    assert found.state == "not_verifiable"
    assert "load ioda.connectivity" in found.reasons[-1]


def test_a_fall_of_connectivity_during_a_platform_block_is_said_to_be_a_blackout_as_well():
    block = blocks.find(blocks.shipped(), "pk-2024-02-17-x-ban")
    key = SeriesKey("radar.traffic", 0, "", "traffic", "")
    level = np.random.default_rng(1).normal(100, 3, 200)
    level[140:] *= 0.5
    start = datetime(2024, 2, 18) - timedelta(days=140)
    found = verify(blocks.shipped(), block, Held(aligned_of(key, start, {"PK": level})))
    assert any(reason.startswith("a blackout as well: radar.traffic") for reason in found.reasons)
    assert found.state == "not_verifiable"  # of X itself nothing was measured


def test_a_platforms_own_outage_and_a_quiet_date_have_no_block_to_verify():
    assert "no block is to be verified" in state_of(Held(), "xx-2021-10-04-fb-outage").reasons[0]
    quiet = verify(blocks.shipped(), bare_date("PK", date(2022, 5, 1)), Held())
    assert quiet.reasons == ("the catalogue knows no block at this date",)
    of_block = verify(blocks.shipped(), bare_date("SD", date(2018, 12, 21)), Held())
    assert of_block.reasons[0] == "the date is that of sd-2018-12-21-social"


def test_rows_checks_and_the_printed_study_carry_the_state(tmp_path: Path):
    """Through the command line, from a CSV and its mapping to the words on the screen."""
    shares = {("PK", "x.com"): stepped(0.05, 0.8, ONSET)}
    path = write_shares(tmp_path / "ooni.csv", shares, first=FIRST, days=140)
    (tmp_path / "m.toml").write_text(OONI, encoding="utf-8")
    store = str(tmp_path / "s.duckdb")
    run = CliRunner().invoke
    assert run(vpn_uptake, ["load", str(path), "--map", str(tmp_path / "m.toml"), "--db", store]).exit_code == 0
    done = run(vpn_uptake, ["estimate", BAN, "--horizon", "14d", "--db", store])
    assert done.exit_code == 0, done.output
    assert "Was it blocked? confirmed (rule 1)" in done.output
    assert "block_verified passed" in done.output
    study = analyzer.open(store).estimate(BAN, horizons=("14d", "90d"), shapes="none")
    assert {e.verification for e in study.estimates} == {"confirmed"}


@pytest.mark.shared
def test_real_cuts_of_the_network_are_seen_through_a_mapping(tmp_path: Path, shared: Path):
    """Iran's shutdown of 2019-11-16 is confirmed; Venezuela's power cut is no block, and the network's fall is said."""
    db = analyzer.open(tmp_path / "h.duckdb")
    load_cities(db, shared / "data" / "series", tmp_path)
    catalogue = db.catalogue()
    cut = verify(catalogue, blocks.find(catalogue, "ir-2019-11-16-shutdown"), AtHand(db.store, "IR"))
    assert cut.state == "confirmed"
    outage = verify(catalogue, blocks.find(catalogue, "ve-2019-07-22-power"), AtHand(db.store, "VE"))
    assert outage.state == "not_verifiable"
    assert any(reason.startswith("the network itself: monash.connectivity x0.3") for reason in outage.reasons)


def test_shares_in_per_cent_and_of_single_networks_are_added_up():
    """Two networks, in per cent: neither alone has measurements enough, both together have."""
    table = drawn({("PK", "x.com"): stepped(0.05, 0.9, ONSET)}, first=FIRST, days=140, n=4)
    (one,) = held_shares(table, FIRST)
    networks = [
        replace(
            one,
            key=replace(one.key, asn=asn, unit="per cent"),
            values={"PK": 100 * one.values["PK"]},
        )
        for asn in (17557, 59257)
    ]
    alone = state_of(Held(networks[0]), BAN).evidence[0]["n"]
    both = state_of(Held(*networks), BAN)
    assert both.evidence[0]["n"] == 2 * alone
    assert both.state == "confirmed"


@pytest.mark.parametrize(
    ("values", "n", "why"),
    [
        (np.full(140, 40.0), np.full(140, 50.0), "values that are no shares"),
        (np.full(140, 0.4), np.full(140, np.nan), "how many measurements there were is not known"),
        (np.full(140, np.nan), np.full(140, 50.0), "values that are no shares"),
    ],
)
def test_what_is_no_share_or_has_no_number_behind_it_is_refused_with_the_reason(
    values: np.ndarray, n: np.ndarray, why: str
):
    key = SeriesKey("ooni.service_blocked_share", 0, "x.com", "share", "")
    found = state_of(Held(aligned_of(key, datetime(2023, 11, 1), {"PK": values}, {"PK": n})), BAN)
    assert found.state == "not_verifiable"
    assert any(why in reason for reason in found.reasons)


def test_a_block_of_a_region_is_not_contested_by_the_shares_of_a_country():
    regional = replace(blocks.find(blocks.shipped(), BAN), scope="regional (Balochistan)")
    table = drawn({("PK", "x.com"): lambda _: 0.05}, first=FIRST, days=140)
    found = verify(blocks.shipped(), regional, Held(*held_shares(table, FIRST)))
    assert found.state == "not_verifiable"


def test_a_throttled_service_that_answers_the_test_is_not_contested():
    slowed = replace(blocks.find(blocks.shipped(), BAN), kind="throttling")
    table = drawn({("PK", "x.com"): lambda _: 0.05}, first=FIRST, days=140)
    assert verify(blocks.shipped(), slowed, Held(*held_shares(table, FIRST))).state == "not_verifiable"


def test_hours_see_a_block_of_an_evening_that_a_day_hides():
    """Seven hours on 2023-12-17: an hourly share confirms it."""
    first, hours = datetime(2023, 11, 1), 24 * 60
    rng, at = np.random.default_rng(3), np.arange(24 * 60)
    start = int((datetime(2023, 12, 17, 15) - first) / timedelta(hours=1))
    n = np.full(hours, 8)
    share = rng.binomial(n, np.where((at >= start) & (at < start + 7), 0.9, 0.05)) / n
    key = SeriesKey("ooni.service_blocked_share", 0, "youtube.com", "share", "")
    held = Held(aligned_of(key, first, {"PK": share}, {"PK": n}, step=timedelta(hours=1)))
    assert state_of(held, "pk-2023-12-17").state == "confirmed"


def test_the_interval_of_a_difference_covers_it_when_days_are_correlated():
    """Beta-binomial days of unequal size: 200 draws, nominal 95 %."""
    rng, held = np.random.default_rng(4), 0
    for _ in range(200):
        parts = []
        for p, days in ((0.1, 28), (0.3, 14)):
            n = rng.poisson(25, days).astype(float)
            parts.append(Counts(rng.binomial(n.astype(int), rng.beta(p * 9, (1 - p) * 9, days)).astype(float), n))
        low, high = difference(*parts)
        held += low <= 0.2 <= high
    assert held >= 182


def test_correlated_days_are_seen_to_be_so():
    rng = np.random.default_rng(1)
    n = np.full(400, 40.0)
    loose = Counts(rng.binomial(40, 0.2, 400).astype(float), n)
    tied = Counts(rng.binomial(40, rng.beta(1.8, 7.2, 400)).astype(float), n)  # rho = 1 / (1.8 + 7.2 + 1) = 0.1
    assert correlation([loose]) < 0.02
    assert correlation([tied]) == pytest.approx(0.1, abs=0.03)


@pytest.mark.parametrize(
    ("entity", "service"),
    [
        ("x.com", "x"),
        ("https://www.twitter.com/", "x"),
        ("web_connectivity api.twitter.com", "x"),
        ("facebook_messenger", "messenger"),
        ("WhatsApp", "whatsapp"),
        ("torsf", "snowflake"),
        ("notx.com", "notx.com"),
    ],
)
def test_entities_name_services(entity: str, service: str):
    assert services.of_entity(entity) == service
