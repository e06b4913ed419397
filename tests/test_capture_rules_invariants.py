"""What must hold of every rule, whatever the traffic."""

from __future__ import annotations

import csv
from pathlib import Path
from random import Random
from typing import get_args

import pytest
from _rules import TCP, UDP, flow, hello, ike, noise, openvpn, wireguard
from hypothesis import given, settings
from hypothesis import strategies as st

import analyzer
from analyzer.capture.label import label, rules
from analyzer.capture.names import _FAMILIES
from analyzer.capture.records import Flow, Kind, Mark, Sample
from analyzer.capture.relate import Context, relate

DATA = Path(analyzer.__file__).parent / "data"
PROTOCOLS = sorted({p for rule in rules() for p in rule.protos})
PORTS = (53, 443, 500, 655, 853, 1080, 1194, 1701, 1723, 3128, 3544, 4500, 5004, 8080, 9001, 17771, 41641, 51820)


def test_ids_are_unique_and_versions_start_at_one() -> None:
    """An id names one rule for good, so that a stored label can be traced to it."""
    ids = [rule.id for rule in rules()]
    assert len(set(ids)) == len(ids)
    assert all(rule.version >= 1 for rule in rules())


def test_every_rule_says_where_it_comes_from() -> None:
    """No rule without a specification, paper, source or page."""
    for rule in rules():
        assert len(rule.reference) > 7, rule.id
        assert any(c.isdigit() or c == "/" for c in rule.reference), rule.id


def test_families_are_standard_lower_case_terms() -> None:
    """Families can be columns and file names."""
    for rule in rules():
        assert rule.family.replace("_", "").isalnum(), rule.id
        assert rule.family.islower(), rule.id


def test_every_family_is_documented() -> None:
    """Families of rules, of names and of the truth's table are in families.csv, with one kind each at least."""
    with (DATA / "families.csv").open(newline="", encoding="utf-8") as lines:
        documented = {row["family"]: row["kind"] for row in csv.DictReader(lines)}
    used = {rule.family for rule in rules()} | set(_FAMILIES.values()) | {"vpn_api", "vpn_tls", "vpn_site"}
    assert used <= set(documented)
    assert set(documented.values()) <= set(get_args(Kind))
    assert all(documented[rule.family] == rule.kind or rule.id.startswith(("name.", "relation.")) for rule in rules())


def test_validity_is_an_interval() -> None:
    """A rule that ends does so after it began."""
    assert all(r.valid_from < r.valid_until for r in rules() if r.valid_from and r.valid_until)


@pytest.mark.parametrize("proto", PROTOCOLS)
@pytest.mark.parametrize("port", PORTS)
def test_nothing_fires_without_payload(proto: int, port: int) -> None:
    """A SYN scan, or a flow whose payload was not captured, gets no label whatever its ports."""
    bare = flow(proto=proto, dport=port, looked_up="engage.cloudflareclient.com")
    assert label(bare) is None
    assert relate([bare], [None], Context()) == [None]
    bare.samples = (Sample(True, 0, 1200, b""), Sample(False, 0, 1200, b""))
    assert label(bare) is None


def _random_flow(seed: int) -> Flow:
    """Random bytes of random sizes between random hosts and ports, with ports and prefixes that protocols use."""
    r = Random(seed)  # noqa: S311 - a test's own choice
    heads = [p for rule in rules() for p in rule.first] + [b""]
    messages = []
    for _ in range(r.randrange(1, 40)):
        data = r.choice(heads) + r.randbytes(r.choice((0, 1, 2, 8, 16, 28, 64, 92, 148, 500, 1200, 1400)))
        messages.append((r.random() < 0.5, data))
    proto, dport = r.choice((TCP, UDP, UDP)), r.choice((*PORTS, r.randrange(65536)))
    marks = Mark.NONE if r.random() < 0.7 else Mark.MID_STREAM
    return flow(*messages, proto=proto, sport=r.randrange(65536), dport=dport, marks=marks)


def _noise_flow(seed: int) -> Flow:
    """Like `_random_flow`, with nothing but noise."""
    r = Random(seed)  # noqa: S311 - a test's own choice
    messages = [(r.random() < 0.5, r.randbytes(r.randrange(1, 1400))) for _ in range(r.randrange(1, 40))]
    return flow(*messages, proto=r.choice((TCP, UDP)), sport=r.choice(PORTS), dport=r.choice(PORTS))


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 2**32))
def test_random_payload_is_no_protocol_on_any_port(seed: int) -> None:
    """Noise gets no label with a confidence of header or name, whatever ports and addresses it has."""
    one = _noise_flow(seed)
    for sport, dport in ((one.sport, one.dport), (one.dport, one.sport), (500, 4500), (51820, 1194)):
        one.sport, one.dport = sport, dport
        for src, dst in ((one.src, one.dst), (one.dst, one.src), (bytes([162, 159, 192, 1]), bytes([8, 8, 8, 8]))):
            one.src, one.dst = src, dst
            found = label(one)
            assert found is None or found.confidence == "statistical", found


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 2**32))
def test_rules_never_raise(seed: int) -> None:
    """Hostile payload behind every prefix a rule looks for raises nothing and gives a label or none."""
    one = _random_flow(seed)
    (found,) = relate([one], [label(one)], Context())
    assert found is None or found.reason


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 2**32), st.integers(0, 60))
def test_cut_messages_never_raise(seed: int, cut: int) -> None:
    """Genuine messages cut anywhere raise nothing."""
    r = Random(seed)  # noqa: S311 - a test's own choice
    messages = r.choice((openvpn(), openvpn("tls-crypt"), wireguard(), [(True, ike()), (False, ike(answer=True))]))
    one = flow(*[(up, data[: r.randrange(len(data))] if r.random() < 0.5 else data) for up, data in messages])
    one.samples = tuple(s._replace(data=s.data[:cut]) for s in one.samples)
    label(one)


@settings(max_examples=100, deadline=None)
@given(st.binary(min_size=0, max_size=400), st.sampled_from(PROTOCOLS))
def test_any_first_bytes_in_any_protocol_raise_nothing(data: bytes, proto: int) -> None:
    """The first packet may hold anything, in every protocol a rule is for."""
    label(flow((True, data), (False, data[::-1]), proto=proto, hello=hello() if data[:1] == b"\x16" else None))


def test_permuting_ports_and_hosts_keeps_what_a_header_proves() -> None:
    """A header proves its family on every port."""
    for messages, family in ((openvpn(), "openvpn"), (wireguard(), "wireguard"), ([(True, ike())], "ipsec")):
        for sport, dport in ((40_000, 443), (1, 2), (53, 53), (65_535, 8_080)):
            found = label(flow(*messages, sport=sport, dport=dport))
            assert found is not None
            assert (found.family, found.confidence) == (family, "header")


def test_reasons_hold_no_address() -> None:
    """A reason can be printed: no address of the flow appears in it."""
    for messages in (openvpn(), wireguard(), [(True, ike())]):
        found = label(flow(*messages, src=bytes([10, 9, 8, 7])))
        assert found is not None
        assert "10.9.8.7" not in found.reason
        assert "198.51.100.7" not in found.reason


def test_validity_dates_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """A rule labels only flows of the days it is valid for; the end is exclusive."""
    from dataclasses import replace
    from datetime import date

    from analyzer.capture import label as engine

    handshake = next(r for r in rules() if r.id == "wireguard.handshake")
    day = date(2023, 11, 14)  # of _rules.START
    for valid_from, valid_until, hit in ((day, None, True), (None, day, False), (date(2024, 1, 1), None, False)):
        only = (replace(handshake, valid_from=valid_from, valid_until=valid_until),)
        monkeypatch.setattr(engine, "_candidates", lambda *_, only=only: only)
        assert (engine.label(flow(*wireguard())) is not None) is hit


def test_label_gives_way_to_the_first_match_by_priority() -> None:
    """Rules are tried in order of priority, so that the more specific one wins."""
    order = [r.priority for r in rules()]
    assert order == sorted(order)


def test_noise_alone_is_at_most_a_suspicion() -> None:
    """A TCP connection that opens with noise both ways is suspected, and no more."""
    found = label(flow((True, noise(300, 1)), (False, noise(700, 2)), (True, noise(90, 3)), proto=TCP))
    assert found is not None
    assert (found.family, found.confidence) == ("fully_encrypted", "statistical")
