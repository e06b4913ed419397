"""Shares corrected for classifier error: the arithmetic, its intervals, clients, bands, sampling."""

from __future__ import annotations

import math
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.errors import BadInput, NotEnoughData, UnknownName
from analyzer.shares import (
    TRANSPORT_CAVEAT,
    ByteSizes,
    ClientRule,
    Rate,
    chance_seen,
    change_band,
    choose,
    client_error,
    corrected_share,
    decompose,
    expand_sampled,
    false_flag_share,
    fewest_flows,
    flagged_probability,
    load_rates,
    shipped_rates,
)
from analyzer.shares.clients import poisson_binomial
from analyzer.shares.counts import Cell, Interval, Selection, Total, counted

TWO_IN_1375 = (2, 1375)


def test_base_rates_make_a_quarter_of_the_flags_false():
    """A true share of 2.6 %, recall 70 %, false positives 0.6 %: about 24 % of flags false; at 0.0039 % about 0.2 %."""
    assert false_flag_share(0.026, 0.70, 0.006) == pytest.approx(0.243, abs=0.0005)
    assert false_flag_share(0.026, 0.70, 0.000039) == pytest.approx(0.002, abs=0.0001)
    flagged = round(100_000 * (0.026 * 0.70 + 0.974 * 0.006))
    answer = corrected_share(flagged, 100_000, 0.70, 0.994)
    assert answer.corrected == pytest.approx(0.026, abs=1e-4)
    assert answer.false_flag_share == pytest.approx(0.243, abs=0.001)
    assert answer.false_flag_low < 0.243 < answer.false_flag_high


def test_a_perfect_classifier_changes_nothing():
    answer = corrected_share(26, 1000, 1.0, 1.0)
    assert answer.corrected == pytest.approx(answer.apparent, abs=1e-15)
    assert (answer.low, answer.high) == pytest.approx((answer.apparent_low, answer.apparent_high))
    assert answer.false_flag_share == pytest.approx(0, abs=1e-12)


def test_the_exact_interval_is_the_one_of_clopper_and_pearson():
    """7 of 20: 0.1539 to 0.5922 (Clopper & Pearson 1934, by the F distribution)."""
    answer = corrected_share(7, 20, 1.0, 1.0)
    assert answer.low == pytest.approx(0.1539, abs=5e-5)
    assert answer.high == pytest.approx(0.5922, abs=5e-5)


@given(share=st.floats(0, 1), sensitivity=st.floats(0.2, 1), false=st.floats(0, 0.15), n=st.integers(10, 10**7))
def test_the_correction_undoes_the_errors_it_is_told_of(share: float, sensitivity: float, false: float, n: int):
    k = round(n * (share * sensitivity + (1 - share) * false))
    answer = corrected_share(k, n, sensitivity, 1 - false)
    assert answer.raw == pytest.approx(share, abs=0.5 / n / (sensitivity - false) + 1e-9)
    assert 0 <= answer.low <= answer.corrected <= answer.high <= 1


@given(k=st.integers(0, 500), a=st.integers(150, 243), false=st.integers(0, 40))
def test_estimated_rates_give_ordered_bounds_inside_0_and_1(k: int, a: int, false: int):
    answer = corrected_share(k, 500, (a, 243), (1375 - false, 1375))
    assert 0 <= answer.low <= answer.corrected <= answer.high <= 1
    assert answer.clipped == (answer.raw != answer.corrected)
    assert answer.method == "Lang-Reiczigel"
    assert answer.caveats == (TRANSPORT_CAVEAT,)


@pytest.mark.parametrize(("share", "n"), list(product((0.0, 0.001, 0.026, 0.2), (1_000, 10_000, 100_000))))
def test_the_interval_keeps_its_level_from_nothing_to_a_fifth(share: float, n: int):
    """Nominal 95 %: at least 94 % less what 1,000 draws can be off by; calibration (243, 1,375) is drawn as well."""
    rng = np.random.default_rng([5, n, round(1e6 * share)])
    held = 0
    for _ in range(1000):
        k = int(rng.binomial(n, share * 0.918 + (1 - share) * 2 / 1375))
        answer = corrected_share(
            k, n, (int(rng.binomial(243, 0.918)), 243), (1375 - int(rng.binomial(1375, 2 / 1375)), 1375)
        )
        held += answer.low <= share <= answer.high
    assert held / 1000 >= 0.94 - 2 * math.sqrt(0.94 * 0.06 / 1000)


def test_the_interval_of_false_flags_keeps_its_level_and_is_tight_where_most_flags_are_true():
    rng = np.random.default_rng(9)
    held, widths = 0, []
    for share, _ in product((0.001, 0.2), range(500)):
        k = int(rng.binomial(20_000, share * 0.9 + (1 - share) * 0.006))
        rates = (int(rng.binomial(243, 0.9)), 243), (1375 - int(rng.binomial(1375, 0.006)), 1375)
        answer = corrected_share(k, 20_000, *rates)
        held += answer.false_flag_low <= false_flag_share(share, 0.9, 0.006) <= answer.false_flag_high
        widths += [answer.false_flag_high - answer.false_flag_low] if share == 0.2 else []
    assert held >= 935
    assert np.median(widths) < 0.06


def test_the_error_of_the_rates_widens_the_interval():
    known = corrected_share(2600, 100_000, 0.918, 1 - 2 / 1375)
    estimated = corrected_share(2600, 100_000, (223, 243), (1373, 1375))
    assert estimated.high - estimated.low > 2 * (known.high - known.low)
    assert any("without n" in w for w in known.warnings)
    assert not any("without n" in w for w in estimated.warnings)
    half = corrected_share(2600, 100_000, 0.918, (1373, 1375))
    assert any(w.startswith("sensitivity stated without n") for w in half.warnings)


def test_fewer_flags_than_false_positives_is_0_and_says_so():
    answer = corrected_share(10, 100_000, (223, 243), (1373, 1375))
    assert (answer.corrected, answer.clipped, answer.low) == (0.0, True, 0.0)
    assert answer.raw < 0
    assert answer.false_flag_share == 1
    assert any("clipped to 0" in w for w in answer.warnings)


def test_more_flags_than_sensitivity_allows_is_1_and_says_so():
    answer = corrected_share(99, 100, 0.7, 0.99)
    assert (answer.corrected, answer.clipped, answer.high) == (1.0, True, 1.0)
    assert any("clipped to 1" in w for w in answer.warnings)


def test_no_flag_has_no_share_of_false_flags():
    assert corrected_share(0, 100, 0.9, 0.99).false_flag_share is None


@pytest.mark.parametrize(("se", "sp"), [(0.4, 0.6), (0.3, 0.5), ((1, 2), (3, 5)), ((3, 5), (4, 5))])
def test_rates_that_say_nothing_of_use_are_refused(se: object, sp: object):
    """Sensitivity + specificity at or under 1, or not above it beyond its own error."""
    with pytest.raises(NotEnoughData, match="say nothing of use"):
        corrected_share(10, 100, se, sp)


def test_a_share_of_nothing_is_refused_and_impossible_counts_too():
    with pytest.raises(NotEnoughData, match="a share of nothing is not 0"):
        corrected_share(0, 0, 0.9, 0.99)
    with pytest.raises(BadInput):
        corrected_share(5, 4, 0.9, 0.99)


def test_a_design_effect_widens_as_a_smaller_sample_does():
    alone, clustered = (corrected_share(400, 4000, 0.9, 0.99, design_effect=d) for d in (1, 4))
    smaller = corrected_share(100, 1000, 0.9, 0.99)
    assert (clustered.low, clustered.high) == pytest.approx((smaller.low, smaller.high))
    assert clustered.high - clustered.low > 1.9 * (alone.high - alone.low)


def test_two_false_flows_in_1375_flag_half_of_the_clients_with_500():
    error = client_error((223, 243), TWO_IN_1375, 500, ClientRule(1))
    assert error.false_positives == pytest.approx(1 - (1 - 2 / 1375) ** 500)
    assert 0.5 < error.false_positives < 0.53
    assert error.false_positives_low < 0.1
    assert error.false_positives_high > 0.9
    assert TRANSPORT_CAVEAT in error.caveats


def test_four_labelled_flows_keep_false_users_under_1_percent():
    m = fewest_flows(2 / 1375, 500, 0.01)
    assert m == 4
    kept, missed = (flagged_probability(2 / 1375, 500, ClientRule(flows)) for flows in (m, m - 1))
    assert kept <= 0.01 < missed
    assert fewest_flows(2 / 1375, 500, 0.01, clustering=0.01) > m


def test_no_rule_helps_where_every_flow_is_labelled():
    with pytest.raises(NotEnoughData, match="keeps false users"):
        fewest_flows(1.0, 20)


def test_a_stricter_rule_costs_users_with_one_tunnel():
    one = client_error(0.9, 0.001, 500, ClientRule(4), vpn_flows_per_user=1)
    many = client_error(0.9, 0.001, 500, ClientRule(4), vpn_flows_per_user=20)
    assert one.sensitivity == 0
    assert many.sensitivity > 0.999
    assert any("as often as users" in w for w in one.warnings)


def test_flows_of_different_rates_follow_the_poisson_binomial_law():
    rates = np.array([0.1, 0.5, 0.9])
    law = poisson_binomial(rates)
    every = [
        math.prod(r if hit else 1 - r for r, hit in zip(rates, hits, strict=True))
        for hits in product((0, 1), repeat=3)
        if sum(hits) == 2
    ]
    assert law[2] == pytest.approx(sum(every))
    assert flagged_probability(rates, 3, ClientRule(2)) == pytest.approx(law[2] + law[3])
    same = flagged_probability(np.full(40, 0.03), 40, ClientRule(2))
    assert same == pytest.approx(flagged_probability(0.03, 40, ClientRule(2)))


def test_clients_with_different_numbers_of_flows_are_averaged():
    each = [flagged_probability(0.01, n, ClientRule(2)) for n in (10, 10, 200)]
    assert flagged_probability(0.01, np.array([10, 10, 200]), ClientRule(2)) == pytest.approx(sum(each) / 3)


def test_a_rule_on_bytes_agrees_with_simulation():
    """At least 2 labelled flows carrying at least 10 kB: the exact bounds hold the simulated share."""
    rng = np.random.default_rng(3)
    sizes = rng.integers(500, 20_000, 300)
    rule = ClientRule(2, 10_000)
    counts = rng.binomial(60, 0.03, 40_000)
    totals = np.array([sizes[rng.integers(0, sizes.size, c)].sum() for c in counts])
    simulated = float(np.mean((counts >= 2) & (totals >= 10_000)))
    low, high = (flagged_probability(0.03, 60, rule, sizes=ByteSizes(sizes), round_up=up) for up in (False, True))
    assert low - 0.006 <= simulated <= high + 0.006
    assert high - low < 0.01
    with pytest.raises(BadInput, match="sizes"):
        flagged_probability(0.03, 60, rule)


def test_clustered_labels_agree_with_simulation():
    rng = np.random.default_rng(4)
    strength = 1 / 0.02 - 1
    own = rng.beta(0.01 * strength, 0.99 * strength, 200_000)
    simulated = float(np.mean(rng.binomial(100, own) >= 3))
    assert flagged_probability(0.01, 100, ClientRule(3), clustering=0.02) == pytest.approx(simulated, abs=0.003)


def test_a_doubling_survives_the_sensitivities_of_both_periods():
    band = change_band((260, 10_000), (520, 10_000), (0.85, 0.95), (0.5, 0.9), (9990, 10_000))
    assert band.direction == "rise"
    assert 1 < band.low < band.band_low < 2 < band.band_high < band.high
    assert "rose under every sensitivity" in band.sentence


def test_obfuscation_can_hide_the_sign():
    """Flags fall by a fifth, which users who are half as visible would explain twice over."""
    band = change_band((1000, 10_000), (800, 10_000), (0.85, 0.9), (0.4, 0.9), (9990, 10_000))
    assert band.direction == "not_determined"
    assert band.band_low < 1 < band.band_high
    assert "sign of the change is not determined: the sensitivities" in band.sentence
    assert band.tipping == pytest.approx(0.8, abs=0.01)


def test_too_few_flags_before_leave_no_upper_bound():
    band = change_band((3, 2000), (40, 2000), (0.9, 0.9), (0.9, 0.9), (1373, 1375))
    assert math.isinf(band.high)
    assert "no upper bound" in band.sentence


def test_the_ratio_of_the_band_keeps_its_level():
    """One known sensitivity: the range holds the true ratio in at least 95 % of draws, less what 300 can be off by."""
    rng = np.random.default_rng(8)
    held = 0
    for _ in range(300):
        pairs = [(int(rng.binomial(20_000, p * 0.8 + (1 - p) * 0.002)), 20_000) for p in (0.02, 0.03)]
        clear = 20_000 - int(rng.binomial(20_000, 0.002))
        band = change_band(pairs[0], pairs[1], (0.8, 0.8), (0.8, 0.8), (clear, 20_000))
        held += band.low <= 1.5 <= band.high
    assert held >= 277


def test_a_band_refuses_sensitivities_no_better_than_chance():
    with pytest.raises(NotEnoughData, match="does not exceed"):
        change_band((10, 100), (20, 100), (0.9, 0.9), (0.05, 0.9), (9, 10))
    with pytest.raises(BadInput, match="low before high"):
        change_band((10, 100), (20, 100), (0.9, 0.5), (0.5, 0.9), 0.99)


def test_in_a_mobile_cut_the_share_can_rise_with_no_new_user():
    parts = decompose((100, 10_000), (98, 4_000))
    assert parts.log_share == pytest.approx(parts.log_numerator - parts.log_denominator)
    assert "the share rises while what is counted is flat" in parts.sentence
    assert "no new user" in parts.sentence
    assert "while what is counted falls" in decompose((100, 10_000), (70, 4_000)).sentence
    assert "most of the change comes from what is counted" in decompose((100, 10_000), (300, 9_000)).sentence
    assert "all traffic rose" in decompose((100, 10_000), (100, 20_000)).sentence
    with pytest.raises(NotEnoughData):
        decompose((0, 10), (1, 10))


@given(st.tuples(*[st.floats(1, 1e9)] * 4))
def test_the_parts_of_a_change_add_up(counts: tuple[float, float, float, float]):
    parts = decompose(counts[:2], counts[2:])
    ratio = (counts[2] / counts[3]) / (counts[0] / counts[1])
    assert math.exp(parts.log_numerator - parts.log_denominator) == pytest.approx(ratio)
    assert math.exp(parts.log_share) == pytest.approx(ratio)


def test_flows_and_clients_seen_in_a_sample_are_never_multiplied():
    for unit in ("flows", "clients"):
        seen = expand_sampled(120, 100, unit)
        assert (seen.seen, seen.estimate, seen.low, seen.high) == (120, None, None, None)
        assert any("not multiplied" in w for w in seen.warnings)


def test_sampled_packets_and_bytes_scale_with_an_interval_that_holds():
    rng = np.random.default_rng(6)
    sizes = rng.choice([60, 576, 1500], 40_000)
    packets = octets = 0
    for _ in range(400):
        kept = sizes[rng.random(sizes.size) < 1 / 500]
        one = expand_sampled(kept.size, 500, "packets")
        other = expand_sampled(int(kept.sum()), 500, "bytes", squares=float((kept.astype(float) ** 2).sum()))
        packets += one.low <= sizes.size <= one.high
        octets += other.low <= sizes.sum() <= other.high
    assert packets >= 372
    assert octets >= 372
    assert expand_sampled(15_000, 100, "bytes").high > expand_sampled(15_000, 100, "bytes", squares=1e6).high
    assert expand_sampled(10, 1).estimate == 10


def test_short_flows_are_missed_by_sampling():
    assert chance_seen(2, 100) == pytest.approx(0.0199)
    assert chance_seen(np.array([1000]), 100)[0] > 0.9999


def test_shipped_rates_name_their_classifier_source_date_and_ground():
    rows = shipped_rates()
    assert len({r.rates_id for r in rows}) == len(rows) >= 5
    for r in rows:
        assert r.classifier
        assert r.source
        assert r.date
        assert r.measured_on
    xue = next(r for r in rows if r.rates_id == "xue-2022-openvpn")
    assert (str(xue.sensitivity), xue.false_positives.value) == ("1718/2000", 0.000039)


def test_a_users_rates_are_read_from_csv_and_toml(tmp_path: Path):
    (tmp_path / "r.csv").write_text("level,family,sensitivity,false_positives\nflows,openvpn,90/100,1/1000\n")
    (tmp_path / "r.toml").write_text('[[rates]]\nlevel = "clients"\nsensitivity = "85%"\nfalse_positives = 0.01\n')
    (row,) = load_rates(tmp_path / "r.csv")
    assert (row.level, row.family, str(row.sensitivity), row.false_positives) == (
        "flows", "openvpn", "90/100", Rate(0.001, 1, 1000)
    )  # fmt: skip
    (row,) = load_rates(tmp_path / "r.toml")
    assert (row.level, row.sensitivity, row.false_positives) == ("clients", Rate(0.85), Rate(0.01))


BAD = {
    "level.csv": "level,sensitivity,false_positives\nhours,1/2,1/2\n",
    "more.csv": "level,sensitivity,false_positives\nflows,3/2,1/2\n",
    "columns.csv": "level,recall\nflows,1/2\n",
    "unknown.csv": "level,sensitivity,false_positives,recall\nflows,1/2,1/2,3\n",
    "long.csv": "level,sensitivity,false_positives\nflows,1/2,1/2,9\n",
    "empty.csv": "level,sensitivity,false_positives\n",
    "shape.toml": 'rates = "0.9"\n',
    "none.toml": "[[rates]\n",
    "nan.toml": '[[rates]]\nlevel = "flows"\nsensitivity = nan\nfalse_positives = 0.1\n',
    "bytes.csv": b"level,\xff\xfe\n",
}


@pytest.mark.parametrize("name", BAD)
def test_rates_that_are_none_are_one_line_that_names_the_file(tmp_path: Path, name: str):
    content = BAD[name]
    (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(BadInput, match=name) as caught:
        load_rates(tmp_path / name)
    assert "\n" not in str(caught.value)


@given(st.text(max_size=12))
def test_any_text_is_a_rate_or_bad_input(text: str):
    try:
        rate = Rate.parse(text)
    except BadInput:
        return
    assert 0 <= rate.value <= 1


def test_the_rates_that_fit_best_are_chosen(tmp_path: Path):
    (tmp_path / "r.csv").write_text(
        "rates_id,level,family,kind,sensitivity,false_positives\n"
        "all,flows,,,0.9,0.01\nkind,flows,,tunnel,0.8,0.01\nfamily,flows,openvpn,,0.7,0.01\nhalf,clients,,,0.7,\n"
    )
    rows = load_rates(tmp_path / "r.csv")
    assert choose(rows, "flows", family="openvpn", kind="tunnel").rates_id == "family"
    assert choose(rows, "flows", kind="tunnel").rates_id == "kind"
    assert choose(rows, "flows", family="wireguard").rates_id == "all"
    assert choose(rows, "clients") is None
    with pytest.raises(UnknownName, match="more than one"):
        choose([*rows, rows[0]], "flows")


LABELS = [("openvpn", "tunnel", "header"), ("wireguard", "tunnel", "header"), ("openvpn", "covert", "statistical")]
LABELS += [("tor", "anonymity", "name"), ("epdg", "lookalike", "name"), ("tls", "", ""), ("dns", "", "")]
HOURS = st.lists(
    st.tuples(st.sampled_from(LABELS), st.integers(0, 900), st.sets(st.integers(0, 39), max_size=40), st.booleans()),
    min_size=1,
    max_size=7,
    unique_by=lambda cell: cell[0],
)
SELECTIONS = [Selection(), Selection(family="openvpn"), Selection(kind="tunnel"), Selection(kind="lookalike")]
SELECTIONS += [Selection(family="openvpn", kind="tunnel"), Selection(confidences=("header", "statistical"))]


def released(cells: list, k: int) -> Interval:
    """The hour as it is published: small cells hidden, others with them, and no hidden cell of k clients alone."""
    small = [len(clients) < k for _, _, clients, _ in cells]
    hidden = [s or (any(small) and more) for s, (*_, more) in zip(small, cells, strict=True)]
    shown = [
        Cell(*label, None if hide else flows, None if hide else len(clients), None)
        for (label, flows, clients, _), hide in zip(cells, hidden, strict=True)
    ]
    return Interval("a", None, 1, shown, {})


@given(cells=HOURS, selection=st.sampled_from(SELECTIONS), totals=st.sets(st.sampled_from(range(4))))
def test_the_ranges_hold_the_truth_whatever_is_suppressed(cells: list, selection: Selection, totals: set[int]):
    """Flows and clients, with any of the totals that a store may state beside the cells."""
    hour = released(cells, 10)
    stated = ["", "family=openvpn", "kind=tunnel", "kind=anonymity"]
    for i in totals:
        part = [c for c in cells if stated[i] in ("", f"family={c[0][0]}", f"kind={c[0][1]}")]
        hour.totals[stated[i]] = Total(sum(c[1] for c in part), None, None, "")
    held = [c for c in cells if selection.holds(Cell(*c[0], 0, 0, 0))]
    for level, of in (
        ("flows", lambda c: sum(x[1] for x in c)),
        ("clients", lambda c: len(set().union(*(x[2] for x in c)))),
    ):
        if level == "clients" and 0 in totals:
            hour.totals = {"": Total(None, of(cells), None, "value")}
        for found, true in zip(counted(hour, level, selection, 10), (of(held), of(cells)), strict=True):
            assert found.low <= true
            assert found.high is None or true <= found.high
    if all(c.flows is not None for c in hour.cells):
        assert counted(hour, "flows", selection, 10)[0].exact is not None
