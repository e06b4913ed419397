"""The operator's audit: each flow with its reason, addresses replaced, nothing stored, one document per run."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from flow_batches import OPENVPN, TOR, WIREGUARD, Batches

from analyzer.capture import engine
from analyzer.capture.records import Flows, Tally
from analyzer.cli import vpn_uptake
from analyzer.inspecting import _prefix_preserving, unreadable

PCAP = bytes.fromhex("d4c3b2a1020004000000000000000000ffff000001000000")
HEADER = "proto,src,sport,dst,dport,family,provider,kind,confidence,rule,reason,packets,bytes,first_seen,last_seen"
ADDRESSES = re.compile(r"10\.0\.0\.|192\.0\.2\.|2001:db8")


def flows() -> Batches:
    b = Batches().flow("10.0.0.1", "192.0.2.1", OPENVPN, proto=17, dport=1194)
    b.flow("10.0.0.1", "192.0.2.2", WIREGUARD, proto=17).flow("2001:db8::1", "2001:db8::2", TOR, proto=50)
    return b.flow("10.0.0.2", "192.0.2.1", traffic="tls", name="secret.example")


@pytest.fixture(autouse=True)
def capture_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "flows_of", flows().engine(unreadable={"no IP": 3}))


def inspect(folder: Path, *arguments: str) -> Any:
    (folder / "a.pcap").write_bytes(PCAP)
    return CliRunner().invoke(vpn_uptake, ["inspect", str(folder / "a.pcap"), *arguments], catch_exceptions=False)


def as_csv(folder: Path, *arguments: str) -> list[dict[str, str]]:
    done = inspect(folder, "--format", "csv", *arguments)
    assert done.exit_code == 0
    assert done.stdout.splitlines()[0] == HEADER
    return list(csv.DictReader(io.StringIO(done.stdout)))


def test_every_labelled_flow_stands_with_its_reason(tmp_path: Path) -> None:
    found = as_csv(tmp_path)
    assert [(r["proto"], r["family"], r["provider"], r["kind"], r["confidence"], r["rule"]) for r in found] == [
        ("UDP", "openvpn", "", "tunnel", "header", "openvpn.reset"),
        ("UDP", "wireguard", "Mullvad", "tunnel", "header", "wireguard.handshake"),
        ("ESP", "tor", "", "anonymity", "name", "tor.name"),
    ]
    assert found[0]["reason"] == OPENVPN.reason
    assert (found[0]["sport"], found[0]["dport"]) == ("40000", "1194")
    assert (found[0]["packets"], found[0]["bytes"]) == ("10", "10000")
    assert (found[0]["first_seen"], found[0]["last_seen"]) == (
        "2024-02-17T10:00:00.000000Z",
        "2024-02-17T10:00:01.000000Z",
    )


def test_all_flows_are_shown_on_request_and_names_never(tmp_path: Path) -> None:
    done = inspect(tmp_path, "--format", "csv", "--all")
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    assert len(rows) == 4
    assert (rows[3]["family"], rows[3]["reason"]) == ("", "no rule matched; traffic looks like: tls")
    assert "secret" not in done.output


def test_an_address_has_one_token_in_a_run_and_another_in_the_next(tmp_path: Path) -> None:
    first, second = as_csv(tmp_path, "--all"), as_csv(tmp_path, "--all")
    assert first[0]["src"] == first[1]["src"] != first[3]["src"]
    assert first[0]["dst"] == first[3]["dst"]
    assert len({row[end] for row in first for end in ("src", "dst")}) == 6
    assert {row["src"] for row in first}.isdisjoint(row["src"] for row in second)
    assert {len(row["src"]) for row in first} == {17}


@pytest.mark.parametrize("fmt", ["csv", "json", "table"])
def test_no_address_is_printed_unless_asked_for(tmp_path: Path, fmt: str) -> None:
    assert not ADDRESSES.search(inspect(tmp_path, "--all", "--format", fmt).output)
    shown = inspect(tmp_path, "--all", "--format", fmt, "--show-addresses")
    assert ADDRESSES.search(shown.stdout)
    assert "Warning: this output holds addresses" in shown.stderr


def test_crypto_pan_keeps_common_prefixes_and_nothing_else(tmp_path: Path) -> None:
    replaced = _prefix_preserving()

    def common(a: str, b: str) -> int:
        x, y = (int(ip_address(address)) for address in (a, b))
        return ip_address(a).max_prefixlen - (x ^ y).bit_length()

    for a, b in (("10.0.0.1", "10.0.0.2"), ("10.0.0.1", "192.0.2.1"), ("2001:db8::1", "2001:db8:1::1")):
        assert common(a, b) == common(replaced(ip_address(a).packed), replaced(ip_address(b).packed))
    assert not ADDRESSES.search(inspect(tmp_path, "--anonymise", "cryptopan", "--format", "csv").output)
    assert "invert" in inspect(tmp_path, "--help").stdout


def test_several_batches_make_one_document(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def twice(raw: Any, name: str, tally: Tally, options: object = None) -> Iterator[Flows]:
        yield flows().batch()
        yield Batches().flow("10.0.0.9").batch()  # nothing labelled in it
        yield flows().batch()

    monkeypatch.setattr(engine, "flows_of", twice)
    assert len(as_csv(tmp_path)) == 6
    rows = json.loads(inspect(tmp_path, "--format", "json").stdout)
    assert len(rows) == 6
    assert list(rows[0]) == HEADER.split(",")
    assert (rows[0]["sport"], rows[0]["bytes"]) == (40000, 10000)


def test_a_capture_without_labels_gives_an_empty_document(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "flows_of", Batches().flow("10.0.0.1").engine())
    assert as_csv(tmp_path) == []
    assert json.loads(inspect(tmp_path, "--format", "json").stdout) == []


def test_what_could_not_be_read_is_summed_up_on_stderr(tmp_path: Path) -> None:
    done = inspect(tmp_path, "--format", "csv")
    assert "3 of 43 packets gave no flow: 3 no IP" in done.stderr
    assert unreadable(Tally()) == ""


def test_nothing_is_stored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    inspect(tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["a.pcap"]
