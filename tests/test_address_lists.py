"""Dated address lists of the user, from a file to a label."""

from __future__ import annotations

import csv
from datetime import date
from pathlib import Path

import pytest
from click.testing import CliRunner

import analyzer
from analyzer.capture.lists import read_lists
from analyzer.cli import vpn_uptake
from analyzer.errors import BadInput

CAPTURES = Path(__file__).parents[1] / "captures"
HEAD = "list,family,provider,date,network\n"


def listed(folder: Path, rows: str, head: str = HEAD) -> Path:
    path = folder / "lists.csv"
    path.write_text(head + rows, encoding="utf-8")
    return path


def labels(*arguments: str) -> dict[str, dict[str, str]]:
    """Rows of `inspect` by server port."""
    found = CliRunner().invoke(vpn_uptake, ["inspect", *arguments, "--format", "csv"])
    assert found.exit_code == 0, found.stderr
    return {row["dport"]: row for row in csv.DictReader(found.stdout.splitlines())}


def test_rows_of_one_list_and_day_belong_together(tmp_path: Path) -> None:
    """Addresses and prefixes, IPv4 and IPv6; the order of rows does not matter."""
    rows = "a,tor,Tor,2024-02-17,192.0.2.1\nb,,X,2024-02-17,2001:db8::/32\na,tor,Tor,2024-02-17,198.51.100.0/24\n"
    first, second = read_lists(listed(tmp_path, rows))
    assert (first.name, first.family, first.date) == ("a", "tor", date(2024, 2, 17))
    assert first.networks == ("192.0.2.1/32", "198.51.100.0/24")
    assert (second.family, second.provider, second.networks) == ("", "X", ("2001:db8::/32",))


@pytest.mark.parametrize(
    ("rows", "head", "says"),
    [
        ("a,tor,Tor,2024-02-17,192.0.2.300\n", HEAD, "line 2: '192.0.2.300'"),
        ("a,tor,Tor,17 Feb 2024,192.0.2.3\n", HEAD, "line 2: "),
        (",tor,Tor,2024-02-17,192.0.2.3\n", HEAD, "line 2: a list needs a name"),
        ("192.0.2.3\n", "address\n", "has the columns list, family, provider, date, network; no list here"),
    ],
)
def test_what_cannot_be_read_says_where(tmp_path: Path, rows: str, head: str, says: str) -> None:
    """File, line and what is wanted."""
    path = listed(tmp_path, rows, head)
    with pytest.raises(BadInput, match=r"lists\.csv") as caught:
        read_lists(path)
    assert says in str(caught.value)
    run = CliRunner().invoke(vpn_uptake, ["inspect", str(CAPTURES / "openvpn-udp.pcap"), "--addresses", str(path)])
    assert isinstance(run.exception, BadInput)


def test_a_fresh_list_names_the_provider_of_a_proved_tunnel_and_an_old_one_does_not(tmp_path: Path) -> None:
    """The handshake is what labels the flow; the age of the list stands in the reason."""
    capture = str(CAPTURES / "openvpn-udp.pcap")
    assert labels(capture)["1194"]["provider"] == ""
    fresh = listed(tmp_path, "servers,openvpn,Example VPN,2023-11-10,203.0.113.94\n")
    row = labels(capture, "--addresses", str(fresh))["1194"]
    assert (row["family"], row["provider"], row["confidence"]) == ("openvpn", "Example VPN", "header")
    assert "address on servers of 2023-11-10" in row["reason"]
    old = listed(tmp_path, "servers,openvpn,Example VPN,2021-11-10,203.0.113.94\n")
    assert labels(capture, "--addresses", str(old))["1194"]["provider"] == ""


def test_an_address_alone_labels_nothing(tmp_path: Path) -> None:
    """Every server of a capture on a list: no flow without a matching handshake gets a label."""
    everything = listed(tmp_path, "all,,Example VPN,2023-11-14,0.0.0.0/0\n")
    plain = labels(str(CAPTURES / "dns-plain.pcap"))
    assert labels(str(CAPTURES / "dns-plain.pcap"), "--addresses", str(everything)) == plain


def test_a_load_with_lists_says_so(tmp_path: Path) -> None:
    """Name and date of each list stand in the note of the snapshot."""
    db = analyzer.open(tmp_path / "u.duckdb")
    path = listed(tmp_path, "servers,openvpn,Example VPN,2023-11-10,203.0.113.94\n")
    db.load(CAPTURES / "openvpn-udp.pcap", addresses=[path], k=1)
    (note,) = db.query("SELECT note FROM snapshots WHERE source = 'capture'")["note"]
    assert "address list servers of 2023-11-10" in note
