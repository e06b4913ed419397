"""The five questions of Khattak et al. (IMC 2014): captures built to known shares give those shares back exactly."""

from __future__ import annotations

import csv
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from flow_batches import DOH, OBFUSCATED, OPENVPN, TOR, WIREGUARD, Batches
from stores import empty_store, write

from analyzer.capture import engine
from analyzer.capture.records import Mark
from analyzer.store import Store
from analyzer.store.captures import CaptureOptions, Captures
from analyzer.store.loading import load_file
from analyzer.store.named import named

PCAP = bytes.fromhex("d4c3b2a1020004000000000000000000ffff000001000000")
BEFORE, BLOCKED, AFTER = date(2024, 2, 17), date(2024, 2, 18), date(2024, 2, 19)
QUERIES = ("traffic_mix", "platform_shares", "resolver_shares", "circumvention_endpoints", "request_outcomes")

Asked = Callable[..., list[dict[str, Any]]]
Loaded = Callable[..., Asked]


@pytest.fixture
def loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Loaded:
    """Load one capture per population, and ask."""
    store = empty_store(tmp_path)

    def load(*populations: Batches, k: int = 10) -> Asked:
        for i, population in enumerate(populations):
            monkeypatch.setattr(engine, "flows_of", population.engine())
            path = write(tmp_path / f"{i}.pcap", PCAP + bytes([i]))
            load_file(store, path, cc="PK", captures=Captures(CaptureOptions(k)))
        return lambda query, **more: _rows(store, query, **more)

    return load


def _rows(store: Store, query: str, **parameters: str) -> list[dict[str, Any]]:
    return store.rows(query, cc="PK", **parameters)


def by(rows: list[dict[str, Any]], column: str, value: str, day: date = BEFORE) -> dict[Any, Any]:
    return {row[column]: row[value] for row in rows if row["day"] == day}


def clear(b: Batches, day: int, shares: dict[str, int]) -> Batches:
    """Twenty clients per class of traffic, whose bytes are so many millions in sum."""
    for net, (traffic, millions) in enumerate(shares.items()):
        b.clients(20, net=net, traffic=traffic, hours=24 * day, up=0, down=millions * 1_000_000 // 20)
    return b


def test_the_mix_of_bytes_before_and_on_the_day_of_a_block(loaded: Loaded) -> None:
    """Table 7: HTTP to SSL 38 to 1 before, 3.2 to 1 on the day; what nobody could explain stands apart."""
    b = clear(Batches(), 0, {"http": 38, "tls": 1, "dns": 1})
    clear(b, 1, {"http": 32, "tls": 10, "encrypted": 5})
    b.clients(20, OPENVPN, net=8, hours=24, up=0, down=100_000).clients(20, TOR, net=9, hours=24, up=50_000, down=0)
    ask = loaded(b)
    before, blocked = (by(ask("traffic_mix"), "class", "byte_share", day) for day in (BEFORE, BLOCKED))
    assert before == {"http": 38 / 40, "tls": 1 / 40, "dns": 1 / 40}
    assert blocked == {
        "http": 32 / 50,
        "tls": 10 / 50,
        "unexplained_encrypted": 5 / 50,
        "tunnel": 2 / 50,
        "anonymity": 1 / 50,
    }
    rows = [row for row in ask("traffic_mix") if row["day"] == BLOCKED]
    assert {row["encrypted_share"] for row in rows} == {18 / 50}
    assert {row["circumvention_share"] for row in rows} == {3 / 50}


def test_the_mix_adds_up_to_one_with_what_is_suppressed(loaded: Loaded) -> None:
    b = clear(Batches(), 0, {"http": 60, "tls": 20})
    b.clients(3, OPENVPN, net=5, up=0, down=5_000_000).clients(11, WIREGUARD, net=6, up=0, down=500_000)
    mix = by(loaded(b)("traffic_mix"), "class", "bytes")
    assert mix == {"http": 60_000_000, "tls": 20_000_000, "suppressed": 20_500_000}


def test_the_mix_counts_outer_packets_only(loaded: Loaded) -> None:
    b = (
        clear(Batches(), 0, {"ip": 40})
        .clients(20, OPENVPN, marks=Mark.INNER)
        .clients(20, traffic="tls", marks=Mark.INNER)
    )
    assert by(loaded(b)("traffic_mix"), "class", "byte_share") == {"ip": 1.0, "tunnel": 0.0}


def video(b: Batches, day: int, shares: dict[str, int]) -> None:
    for net, (name, tenths) in enumerate(shares.items()):
        b.clients(
            10, net=net, traffic="tls", name=name, outcome="answered", hours=24 * day, up=0, down=tenths * 1000
        )  # ten clients: tenths of a per cent of ten millions


def test_the_share_of_a_platform_and_of_its_substitutes(loaded: Loaded) -> None:
    """Table 8: YouTube 15.8 % of video bytes on the day of its block, DailyMotion most of the rest."""
    b = Batches()
    video(b, 0, {"r1.googlevideo.com": 970, "www.dailymotion.com": 30, "example.com": 500})
    video(b, 1, {"r1.googlevideo.com": 158, "www.dailymotion.com": 690, "vimeo.com": 152, "example.com": 500})
    video(b, 2, {"tune.pk": 576, "www.dailymotion.com": 409, "vimeo.com": 15})
    b.clients(50, net=9, traffic="dns", name="youtube.com", outcome="answered")  # a look-up is no use of a platform
    ask = loaded(b)
    shares = [by(ask("platform_shares"), "service", "share_of_platform", day) for day in (BEFORE, BLOCKED, AFTER)]
    assert shares[0] == {"youtube": 0.97, "dailymotion": 0.03, "other": 1.0}
    assert shares[1] == {
        "youtube": 0.158,
        "dailymotion": 0.690,
        "vimeo": 0.152,
        "other": 1.0,
    }
    assert shares[2] == {"tune.pk": 0.576, "dailymotion": 0.409, "vimeo": 0.015}
    assert by(ask("platform_shares"), "service", "share")["youtube"] == 970 / 1500
    assert set(by(ask("platform_shares"), "service", "platform").values()) == {"youtube", "other"}


def lookups(b: Batches, day: int, shares: dict[str, int]) -> None:
    for net, (resolver, packets) in enumerate(shares.items()):
        b.clients(
            20, net=net, dst=resolver, proto=17, dport=53, traffic="dns", hours=24 * day, packets=(packets, packets)
        )


def test_the_share_of_each_resolver_with_encrypted_ones(loaded: Loaded) -> None:
    """Table 9: the provider's own resolver falls from 99 % of queries to 68 %, Google rises to 19 %."""
    b = Batches()
    lookups(b, 0, {"10.9.9.9": 99, "8.8.8.8": 1})
    lookups(b, 1, {"10.9.9.9": 68, "8.8.8.8": 19, "9.9.9.9": 3})
    for net in range(10):
        b.clients(20, net=net, dst="1.1.1.1", dport=853, traffic="tls", hours=24)
    ask = loaded(b)
    before = by(ask("resolver_shares"), "resolver", "share")
    assert before == {"other": 0.99, "google": 0.01}
    rows = {(r["resolver"], r["transport"]): r for r in ask("resolver_shares") if r["day"] == BLOCKED}
    assert {key: row["share"] for key, row in rows.items()} == {
        ("other", "udp"): 0.68,
        ("google", "udp"): 0.19,
        ("quad9", "udp"): 0.03,
        ("cloudflare", "dot"): 0.10,
    }
    assert {row["encrypted_share"] for row in rows.values()} == {0.10}
    assert rows["google", "udp"]["share_of_transport"] == 19 / 90


def proxies(b: Batches, day: int, number: int) -> Batches:
    for i in range(number):
        server = f"198.51.{i // 250}.{i % 250 + 1}"
        b.flow(f"10.0.0.{i % 20 + 1}", server, TOR, name=f"p{i}.example", hours=24 * day + i % 3)
    return b


def test_distinct_endpoints_and_domains_of_circumvention_per_day(loaded: Loaded) -> None:
    """114 web-proxy domains on the day of the block; each counts once, whatever the number of hours and clients."""
    b = proxies(proxies(Batches(), 0, 40), 1, 114)
    b.clients(30, OPENVPN, hours=24).clients(20, DOH, hours=24)
    rows = loaded(b)("circumvention_endpoints")
    found = {(r["day"], r["family"]): (r["endpoints"], r["domains"]) for r in rows}
    assert found == {(BEFORE, "tor"): (40, 40), (BLOCKED, "tor"): (114, 114), (BLOCKED, "openvpn"): (1, 0)}


def test_distinct_values_of_two_captures_of_a_day_are_bounds(loaded: Loaded) -> None:
    (row,) = loaded(proxies(Batches(), 0, 60), proxies(Batches(), 0, 80))("circumvention_endpoints")
    assert (row["endpoints"], row["endpoints_at_most"], row["captures"]) == (80, 140, 2)


def test_a_label_with_too_few_clients_has_no_number_of_endpoints(loaded: Loaded) -> None:
    (row,) = loaded(Batches().clients(9, OBFUSCATED))("circumvention_endpoints")
    assert (row["family"], row["endpoints"], row["suppressed_captures"]) == ("fully_encrypted", None, 1)


def test_what_became_of_requests_for_a_blocked_service(loaded: Loaded) -> None:
    """Table 4: 2 % of requests without an answer before, a redirect on the day, 95 % reset after."""
    b = Batches()

    def ask_for(day: int, outcomes: dict[str, int], traffic: str = "http") -> None:
        for outcome, number in outcomes.items():
            for i in range(number):
                b.flow(f"10.0.0.{i % 20}", traffic=traffic, name="www.youtube.com", outcome=outcome, hours=24 * day)

    ask_for(0, {"answered": 980, "no_answer": 20})
    ask_for(1, {"redirected": 100})
    ask_for(2, {"reset": 950, "answered": 50})
    ask_for(2, {"failed": 30, "answered": 10}, "dns")
    b.clients(20, traffic="http", name="vimeo.com", outcome="answered")
    ask = loaded(b)
    rows = {(r["day"], r["protocol"], r["outcome"]): r["share"] for r in ask("request_outcomes", service="youtube")}
    assert rows == {
        (BEFORE, "http", "answered"): 0.98,
        (BEFORE, "http", "no_answer"): 0.02,
        (BLOCKED, "http", "redirected"): 1.0,
        (AFTER, "http", "reset"): 0.95,
        (AFTER, "http", "answered"): 0.05,
        (AFTER, "dns", "failed"): 0.75,
        (AFTER, "dns", "answered"): 0.25,
    }


def test_two_captures_of_a_day_add_up(loaded: Loaded) -> None:
    """Captures are often rotated every few minutes: what is additive is added."""
    ask = loaded(clear(Batches(), 0, {"http": 30, "tls": 10}), clear(Batches(), 0, {"http": 10, "tls": 50}))
    assert by(ask("traffic_mix"), "class", "byte_share") == {"http": 0.4, "tls": 0.6}


def test_suppressed_rows_are_counted_beside_the_shares(loaded: Loaded) -> None:
    b = Batches().clients(30, traffic="tls", name="x.com", outcome="answered")
    b.clients(3, traffic="tls", name="x.com", outcome="reset").clients(
        15, traffic="tls", name="vimeo.com", outcome="answered"
    )
    rows = loaded(b)("request_outcomes", service="x")
    assert [(r["outcome"], r["flows"], r["suppressed_rows"]) for r in rows] == [("answered", 30, 0), ("reset", 0, 1)]


@pytest.mark.parametrize("name", QUERIES)
def test_a_store_without_captures_gives_no_rows(tmp_path: Path, name: str) -> None:
    more = {"service": "x"} if "service" in named(name).parameters else {}
    assert _rows(empty_store(tmp_path), name, **more) == []


@pytest.mark.parametrize("name", QUERIES)
def test_a_query_keeps_to_sql_that_other_engines_read_the_same(name: str) -> None:
    """The list of speed.md section 6: what DuckDB alone knows, or what gives another answer elsewhere."""
    body = "\n".join(line for line in named(name).sql.splitlines() if not line.startswith("--")).upper()
    for word in ("ASOF", "PIVOT", "COLUMNS(", "LIST(", "ARRAY_AGG", "QUALIFY", "EXCLUDE", "GROUP BY ALL", "::", "//"):
        assert word not in body
    assert named(name).answers


def golden(name: str) -> list[dict[str, str]]:
    with (Path(__file__).parents[1] / "captures" / f"mix.{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """Our own capture of known shares, through the real engine."""
    store = Store(tmp_path_factory.mktemp("mix") / "s.duckdb")
    load_file(store, Path(__file__).parents[1] / "captures" / "mix.pcap", captures=Captures(CaptureOptions(k=1)))
    return store


def stored(store: Store, relation: str, columns: str, where: str = "true") -> list[tuple[Any, ...]]:
    with store.reading() as con:
        return con.table(relation).filter(where).project(columns).fetchall()


def test_the_flows_of_our_own_capture_are_those_that_were_put_into_it(mixed: Store) -> None:
    found: dict[tuple[str, ...], list[int]] = {}
    columns = "t_start, family, provider, kind, confidence, flows, clients, packets, bytes_up + bytes_down"
    for start, family, provider, kind, confidence, *counts in stored(mixed, "flows", columns):
        label = (family, provider, kind, confidence) if kind else ("", "", "", "")
        before = found.setdefault((str(start), *label), [0, 0, 0, 0])
        before[:] = [a + b for a, b in zip(before, counts, strict=True)]
    expected = {
        (row["hour"], row["family"], row["provider"], row["kind"], row["confidence"]): [
            int(row[column]) for column in ("flows", "clients", "packets", "bytes")
        ]
        for row in golden("shares")
    }
    for label, counts in found.items():
        if not label[1:][0]:  # clients of several kinds of traffic cannot be added
            counts[1] = expected[label][1]
    assert found == expected


def test_the_requests_of_our_own_capture_are_those_that_were_put_into_it(mixed: Store) -> None:
    found: dict[tuple[str, ...], list[int]] = {}
    where = "(protocol <> 'dns' OR outcome = 'failed') AND service <> 'other'"
    for start, service, outcome, *counts in stored(
        mixed, "requests", "t_start, service, outcome, flows, clients", where
    ):
        before = found.setdefault((str(start), service, outcome), [0, 0])
        before[:] = [a + b for a, b in zip(before, counts, strict=True)]
    assert found == {
        (row["hour"], row["service"], row["outcome"]): [int(row["flows"]), int(row["clients"])]
        for row in golden("requests")
    }


def test_the_resolvers_of_our_own_capture_are_those_that_were_put_into_it(mixed: Store) -> None:
    columns = "t_start, resolver, transport, queries, clients"
    assert sorted((str(start), *rest) for start, *rest in stored(mixed, "resolvers", columns)) == sorted(
        (row["hour"], row["resolver"], row["transport"], int(row["queries"]), int(row["clients"]))
        for row in golden("resolvers")
    )
