"""From flows to hourly aggregates: what is counted where, who counts as a client, and what is never given away."""

from __future__ import annotations

import subprocess
import sys
from datetime import datetime
from typing import Any

import numpy as np
import pytest
from flow_batches import DOH, OBFUSCATED, OPENVPN, TOR, WIREGUARD, Batches, at
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.aggregates import Aggregates, ClientRule, Collector, lists, tables
from analyzer.aggregates.members import Key, Members, siphash
from analyzer.aggregates.release import Guard
from analyzer.capture.records import OUTCOMES, TRAFFIC, Mark

HOUR = datetime(2024, 2, 17, 10)


def aggregated(batches: Batches, *, k: int = 1, sampling: int = 1, limit: int = 1 << 19, **more: Any) -> Aggregates:
    collector = Collector(sampling=sampling, limit=limit)
    collector.add(batches.batch())
    return tables(collector, k=k, **more)


def rows(columns: dict[str, Any], *names: str) -> list[tuple[Any, ...]]:
    texts = [columns[n].astype(object) if columns[n].dtype.kind == "M" else columns[n].tolist() for n in names]
    return sorted(zip(*texts, strict=True), key=repr)


def values(found: Aggregates, indicator: str, scale: str = "day") -> dict[str, float | None]:
    """entity -> value of the first interval; None where it is suppressed."""
    o = found.observations
    chosen = [i for i, name in enumerate(o["indicator"]) if name == indicator and o["scale_id"][i] == scale]
    return {o["entity"][i]: float(o["value"][i]) if o["state"][i] == "value" else None for i in chosen}


def test_a_flow_counts_in_the_hour_in_which_its_record_began_and_a_continuation_adds_bytes_only():
    b = Batches().flow("10.0.0.1", label=OPENVPN, hours=0.9).flow("10.0.0.1", label=OPENVPN, hours=1.1)
    b.flow("10.0.0.1", label=OPENVPN, hours=1.2, marks=Mark.CONTINUED, up=7, down=0)
    found = aggregated(b).flows
    assert rows(found, "t_start", "flows", "bytes_up", "bytes_down", "packets", "clients") == [
        (datetime(2024, 2, 17, 10), 1, 1000, 9000, 10, 1),
        (datetime(2024, 2, 17, 11), 1, 1007, 9000, 20, 1),
    ]


def test_bytes_inside_a_tunnel_are_counted_once():
    b = Batches().flow("10.0.0.1", traffic="ip", up=500, down=500)
    b.flow("10.0.0.1", label=OPENVPN, marks=Mark.INNER).flow("10.0.0.1", traffic="tls", marks=Mark.INNER)
    found = aggregated(b)
    assert rows(found.flows, "family", "flows", "bytes_up") == [("ip", 1, 500), ("openvpn", 1, 0)]
    assert values(found, "capture.bytes")[""] == 1000
    assert values(found, "capture.clients")["family=openvpn"] == 1


def test_unlabelled_flows_are_named_by_what_they_look_like_and_the_unexplained_stand_apart():
    b = (
        Batches()
        .flow("10.0.0.1", traffic="encrypted", up=100, down=200)
        .flow("10.0.0.2", traffic="tls", up=0, down=700)
    )
    found = aggregated(b)
    assert rows(found.flows, "family", "kind", "confidence") == [("encrypted", None, None), ("tls", None, None)]
    assert values(found, "capture.unexplained_encrypted_share") == {"": 0.3}
    assert values(found, "capture.byte_share")["traffic=encrypted"] == 0.3


def test_entities_name_kind_family_confidence_and_provider():
    b = Batches().clients(3, WIREGUARD).clients(1, TOR, net=1).clients(6, net=2, traffic="tls")
    found = aggregated(b)
    shares = values(found, "capture.client_share")
    assert {e: shares[e] for e in ("kind=tunnel", "family=wireguard", "provider=Mullvad", "confidence=header")} == {
        "kind=tunnel": 0.3,
        "family=wireguard": 0.3,
        "provider=Mullvad": 0.3,
        "confidence=header": 0.3,
    }
    assert shares["kind=anonymity"] == 0.1
    assert values(found, "capture.clients")[""] == 10


def test_a_kind_that_did_not_occur_is_zero_and_not_missing():
    found = aggregated(Batches().clients(3, OPENVPN, hours=0).clients(3, traffic="tls", hours=2))
    assert values(found, "capture.flows")["kind=covert"] == 0
    hourly = found.observations
    openvpn = [
        (hourly["t_start"][i].astype(datetime).hour, hourly["value"][i])
        for i in range(len(hourly["value"]))
        if (hourly["indicator"][i], hourly["entity"][i], hourly["scale_id"][i])
        == ("capture.flows", "family=openvpn", "hour")
    ]
    assert sorted(openvpn) == [(10, 3.0), (12, 0.0)]


def test_a_client_is_an_ipv4_address_or_an_ipv6_64():
    b = Batches().flow("10.0.0.1").flow("10.0.0.1").flow("10.0.0.2")
    b.flow("2001:db8::1").flow("2001:db8::ffff").flow("2001:db8:0:1::1")
    b.flow("32.1.13.184")  # the first bytes of 2001:db8::
    assert values(aggregated(b), "capture.clients")[""] == 5


def test_a_day_counts_a_client_once_and_its_hours_each():
    b = Batches().clients(5, OPENVPN, hours=0).clients(5, OPENVPN, hours=3)
    found = aggregated(b)
    assert values(found, "capture.clients")["family=openvpn"] == 5
    assert values(found, "capture.flows")["family=openvpn"] == 10
    assert rows(found.flows, "clients") == [(5,), (5,)]


@pytest.mark.parametrize(
    ("flows", "size", "rule", "users"),
    [
        (1, 999, ClientRule(), 0),
        (1, 1000, ClientRule(), 1),
        (2, 500, ClientRule(), 1),
        (2, 5000, ClientRule(min_flows=3), 0),
        (3, 5000, ClientRule(min_flows=3, min_bytes=15_001), 0),
        (3, 5000, ClientRule(min_flows=3, min_bytes=15_000), 1),
    ],
)
def test_a_client_becomes_a_user_by_flows_and_bytes_of_the_rule(flows: int, size: int, rule: ClientRule, users: int):
    b = Batches()
    for _ in range(flows):
        b.flow("10.0.0.1", label=OPENVPN, up=size, down=0)
    found = aggregated(b, rule=rule)
    assert values(found, "capture.clients")["family=openvpn"] == users
    assert rows(found.flows, "clients") == [(1,)]


@pytest.mark.parametrize(("flows", "users"), [(1, 0), (4, 0), (5, 1)])
def test_statistical_labels_never_make_a_user_by_one_flow(flows: int, users: int):
    b = Batches()
    for _ in range(flows):
        b.flow("10.0.0.1", label=OBFUSCATED)
    assert "family=fully_encrypted" not in values(aggregated(b), "capture.clients")
    admitted = aggregated(b, rule=ClientRule(min_confidence="statistical"))
    assert values(admitted, "capture.clients")["family=fully_encrypted"] == users
    greedy = aggregated(Batches().flow("10.0.0.1", label=OBFUSCATED), rule=ClientRule(0, 0, "statistical", 0))
    assert values(greedy, "capture.clients")["family=fully_encrypted"] == 0


def test_sampling_multiplies_bytes_and_packets_and_says_so():
    found = aggregated(Batches().flow("10.0.0.1", label=OPENVPN), sampling=100)
    assert rows(found.flows, "flows", "bytes_up", "packets") == [(1, 100_000, 1000)]
    assert "one in 100 packets" in found.notes[0] + found.notes[-1]


def test_requests_are_told_by_the_longest_listed_domain():
    b = Batches()
    for name, outcome in (
        ("x.com", "reset"),
        ("api.X.com.", "reset"),
        ("notx.com", "answered"),
        ("youtubei.googleapis.com", "answered"),
        ("maps.googleapis.com", "no_answer"),
        ("", "redirected"),
    ):
        b.flow("10.0.0.1", name=name, outcome=outcome, traffic="tls")
    b.flow("10.0.0.1", name="x.com", traffic="tls")  # carried no request
    assert rows(aggregated(b).requests, "service", "protocol", "outcome", "flows") == [
        ("google", "tls", "no_answer", 1),
        ("other", "tls", "answered", 1),
        ("other", "tls", "redirected", 1),
        ("x", "tls", "reset", 2),
        ("youtube", "tls", "answered", 1),
    ]


def test_resolvers_are_told_by_address_or_host_name_and_transport_by_what_is_spoken():
    b = Batches()
    dns: dict[str, Any] = {"traffic": "dns", "dport": 53}
    b.flow("10.0.0.1", "8.8.8.8", proto=17, packets=(3, 3), **dns).flow("10.0.0.2", "9.9.9.9", **dns)
    b.flow("2001:db8::1", "2606:4700:4700::1111", proto=17, packets=(1, 1), **dns)
    b.flow("10.0.0.1", "10.9.9.9", proto=17, packets=(5, 5), **dns)
    b.flow("10.0.0.1", "1.1.1.1", traffic="tls", dport=853)
    b.flow("10.0.0.1", "192.0.2.7", traffic="tls", name="dns.google")
    b.flow("10.0.0.1", "192.0.2.7", traffic="quic", proto=17, dport=853, name="me.dns.nextdns.io")
    b.flow("10.0.0.1", "192.0.2.8", DOH, traffic="tls", name="unlisted.example")
    b.flow("10.0.0.1", "8.8.8.8", traffic="tls")  # an address alone is no DNS
    b.flow("10.0.0.1", "8.8.8.8", traffic="dns", dport=5353, proto=17)  # not the service port
    assert rows(aggregated(b).resolvers, "resolver", "transport", "queries") == [
        ("cloudflare", "dot", 1),
        ("cloudflare", "udp", 1),
        ("google", "doh", 1),
        ("google", "udp", 3),
        ("nextdns", "doq", 1),
        ("other", "doh", 1),
        ("other", "udp", 5),
        ("quad9", "tcp", 1),
    ]


def test_endpoints_and_names_are_distinct_per_hour_and_per_day():
    b = Batches()
    for hours in (0, 0, 2):
        for server in ("192.0.2.1", "192.0.2.2", "2001:db8::1"):
            b.flow("2001:db8::9" if ":" in server else "10.0.0.1", server, TOR, hours=hours, name=f"n{hours}.example")
    found = aggregated(b).endpoints
    assert rows(found, "t_start", "t_end", "endpoints", "domains") == [
        (datetime(2024, 2, 17), datetime(2024, 2, 18), 3, 2),
        (datetime(2024, 2, 17, 10), datetime(2024, 2, 17, 11), 3, 1),
        (datetime(2024, 2, 17, 12), datetime(2024, 2, 17, 13), 3, 1),
    ]


def test_cells_of_fewer_than_k_clients_are_suppressed_and_so_is_the_one_that_would_give_them_away():
    b = Batches().clients(9, TOR, net=1).clients(12, OPENVPN, net=2).clients(30, WIREGUARD, net=3)
    b.clients(50, traffic="tls", net=4)
    found = aggregated(b, k=10)
    state = dict(zip(found.flows["family"], found.flows["state"], strict=True))
    assert state == {"tor": "suppressed", "openvpn": "suppressed", "wireguard": "value", "tls": "value"}
    hidden = found.flows["state"] == "suppressed"
    assert not found.flows["bytes_up"][hidden].any()
    assert not found.flows["clients"][hidden].any()
    flows = values(found, "capture.flows")
    assert flows[""] == 101
    assert flows["family=wireguard"] == 30
    assert flows["family=tor"] is flows["family=openvpn"] is flows["kind=tunnel"] is flows["kind=anonymity"] is None


def test_a_small_family_takes_another_of_its_kind_with_it_so_that_the_sum_of_the_kind_stays():
    ipsec = OPENVPN._replace(family="ipsec")
    b = Batches().clients(4, ipsec, net=1).clients(30, WIREGUARD, net=2).clients(50, traffic="tls", net=3)
    found = aggregated(b, k=10)
    flows = values(found, "capture.flows")
    assert (flows["kind=tunnel"], flows["family=ipsec"], flows["family=wireguard"]) == (34, None, None)
    assert dict(zip(found.flows["family"], found.flows["state"], strict=True))["tls"] == "value"


def test_an_hour_with_too_few_clients_cannot_be_had_from_its_day():
    b = Batches().clients(40, traffic="tls", hours=0).clients(40, traffic="tls", hours=1)
    b.clients(40, traffic="quic", hours=0).clients(40, traffic="quic", hours=1).clients(3, traffic="tls", hours=5)
    found = aggregated(b, k=10)
    hours = values_by_hour(found)
    hidden = [hour for hour, value in hours.items() if value is None]
    day = values(found, "capture.flows")[""]
    assert hours[15] is None
    assert day is None or len(hidden) >= 2


def values_by_hour(found: Aggregates) -> dict[int, float | None]:
    o = found.observations
    return {
        o["t_start"][i].astype(datetime).hour: float(o["value"][i]) if o["state"][i] == "value" else None
        for i in range(len(o["value"]))
        if (o["indicator"][i], o["entity"][i], o["scale_id"][i]) == ("capture.flows", "", "hour")
    }


populations = st.lists(
    st.tuples(st.integers(0, 3), st.sampled_from([OPENVPN, WIREGUARD, TOR, OBFUSCATED, None]), st.integers(1, 14)),
    min_size=1,
    max_size=12,
)


@given(populations)
@settings(max_examples=40, deadline=None)
def test_no_small_cell_follows_from_what_is_published(population: list[tuple[int, Any, int]]):
    """Every published number of flows is one linear equation over the cells; none may determine a small one."""
    b = Batches()
    for hours, label, number in population:
        b.clients(number, label, hours=hours, traffic="tls")
    exact, found = aggregated(b, k=1), aggregated(b, k=5)
    cells = rows(exact.flows, "t_start", "family", "kind", "confidence", "provider", "clients")
    place = {cell[:5]: i for i, cell in enumerate(cells)}
    small = [place[cell[:5]] for cell in cells if cell[5] < 5]
    published: list[Any] = []
    for key, state in zip(rows_in_order(found.flows), found.flows["state"], strict=True):
        if state == "value":
            published.append(np.eye(len(cells))[place[key]])
    o = found.observations
    for i in np.flatnonzero((o["indicator"] == "capture.flows") & (o["state"] == "value")):
        start, end = o["t_start"][i].astype(datetime), o["t_end"][i].astype(datetime)
        inside = [start <= cell[0] < end and is_part_of(cell, o["entity"][i]) for cell in cells]
        published.append(np.array(inside, dtype=float))
    known = np.array(published).reshape(-1, len(cells))
    rank = np.linalg.matrix_rank(known) if len(known) else 0
    for cell in small:
        assert np.linalg.matrix_rank(np.vstack((known, np.eye(len(cells))[cell]))) > rank


def rows_in_order(columns: dict[str, Any]) -> list[tuple[Any, ...]]:
    names = ("family", "kind", "confidence", "provider")
    times = [t.astype(datetime) for t in columns["t_start"]]
    return list(zip(times, *(columns[n].tolist() for n in names), strict=True))


def is_part_of(cell: tuple[Any, ...], entity: str) -> bool:
    _, family, kind, confidence, provider, _ = cell
    names = {"kind": kind, "family": family, "confidence": confidence, "provider": provider}
    field, _, value = entity.partition("=")
    if not entity:
        return True
    return (kind is None and value == family) if field == "traffic" else (kind is not None and names[field] == value)


def test_the_guard_refuses_the_equation_from_which_a_protected_sum_would_follow():
    guard = Guard(np.array([[1, 0, 0]]))
    assert guard.admits(np.array([1, 1, 0]))
    assert guard.admits(np.array([1, 1, 1]))  # gives the third away, which nobody protects
    assert not guard.admits(np.array([0, 1, 1]))
    assert guard.admits(np.array([2, 2, 1]))  # follows from the first two


def test_the_hash_is_siphash_2_4():
    """The vector of 16 bytes 00..0f under the key 00..0f in Aumasson and Bernstein's reference code."""
    words = [np.array([int.from_bytes(bytes(range(a, a + 8)), "little")], dtype=np.uint64) for a in (0, 8)]
    key = Key(int.from_bytes(bytes(range(8)), "little"), int.from_bytes(bytes(range(8, 16)), "little"))
    assert int(siphash(*words, key)[0]) == 0x3F2ACC7F57C29BDB


def test_two_runs_hash_the_same_client_differently():
    b = Batches().flow("10.0.0.1", label=OPENVPN).batch()
    tables_ = []
    for _ in range(2):
        collector = Collector()
        collector.add(b)
        collector.flush()
        tables_.append(int(collector.clients.table().member[0]))
    assert tables_[0] != tables_[1]


def test_counts_are_exact_up_to_the_bound_and_close_beyond_it():
    rng = np.random.default_rng(0)
    members = Members(0, limit=2000)
    hashes = rng.integers(0, 1 << 64, 100_000, dtype=np.uint64)
    for part in np.split(hashes, 50):
        members.add(np.zeros(len(part), dtype=np.int64), part)
        members.add(np.zeros(len(part), dtype=np.int64), part)
    table = members.table()
    assert len(table.group) <= 2000
    assert members.share > 1
    assert abs(len(table.group) * members.share / 100_000 - 1) < 0.15
    few = Members(0, limit=2000)
    few.add(np.zeros(4000, dtype=np.int64), np.tile(hashes[:1000], 4))
    assert (len(few.table().group), few.share) == (1000, 1)


def test_approximate_counts_say_so_and_still_suppress_by_clients_that_were_seen():
    b = Batches().clients(2000, OPENVPN).clients(11, TOR, net=99)
    found = aggregated(b, k=10, limit=256)
    assert any("approximate" in note for note in found.notes)
    clients = dict(zip(found.flows["family"], found.flows["clients"], strict=True))
    assert dict(zip(found.flows["family"], found.flows["state"], strict=True))["tor"] == "suppressed"
    assert clients["tor"] == 0


def test_batches_of_any_size_add_up_to_the_same():
    b = Batches().clients(300, OPENVPN).clients(100, TOR, hours=1, name="www.example.com")
    span = (at(0), at(2))
    whole = aggregated(b, span=span)
    collector, batch = Collector(), b.batch()
    for start in range(0, 400, 7):
        part = {f: getattr(batch, f) for f in ("labels", "names")}
        columns = {f: getattr(batch, f)[start : start + 7] for f in batch._fields if f not in part}
        collector.add(batch._replace(**columns))
        if start % 2:
            collector.flush()
    parts = tables(collector, k=1, span=span)
    for name in ("flows", "endpoints", "observations"):
        columns = list(getattr(whole, name))
        assert rows(getattr(parts, name), *columns) == rows(getattr(whole, name), *columns)


def test_an_empty_capture_gives_empty_tables():
    assert tables(Collector()).rows == 0


def test_the_shipped_lists_hold_each_value_once_and_are_told_apart():
    services, resolvers = lists.known(
        ["x.com", "a.b.x.com", "dns.google", "u.dns.nextdns.io", "com", "", "nothing.example"]
    )
    assert [lists.services()[i] for i in services] == ["x", "x", *["other"] * 5]
    assert [lists.resolvers()[i] for i in resolvers] == ["other", "other", "google", "nextdns", *["other"] * 3]
    domains = [row["domain"] for row in lists._rows("services")]
    assert len(domains) == len(set(domains))
    addresses = [a for row in lists._rows("resolvers") for a in row["addresses"].split(";") if a]
    assert len(addresses) == len(set(addresses))
    assert {row["substitute_for"] for row in lists._rows("services")} <= {*lists.services(), ""}
    assert all(row["source"] for name in ("services", "resolvers") for row in lists._rows(name))


def test_aggregation_imports_numpy_and_nothing_heavier():
    heavy = ("duckdb", "pandas", "scipy", "scapy")
    code = f"import sys, analyzer.aggregates; print([m for m in {heavy!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "[]"


def test_every_traffic_class_and_outcome_has_room_in_a_group():
    services, outcomes = len(lists.services()), len(OUTCOMES)
    assert services * len(TRAFFIC) * outcomes < 1 << 20
