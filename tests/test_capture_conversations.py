"""Flows of the engine equal the conversations that tshark recorded of ten captures, packets and bytes both ways."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "bench"))

from conversations import Ends, Ways, differences, ours, recorded  # noqa: E402 - a bench is no package

RECORDED = sorted((Path(__file__).parent / "golden" / "conversations").glob("*.txt"))
ETHERNET, LINUX_COOKED_2 = 14, 20  # bytes of the link header
ENDS = Ends(17, ("192.0.2.1", 5), ("192.0.2.2", 53))


def test_ten_captures_have_recorded_conversations():
    assert len(RECORDED) == 10


@pytest.mark.parametrize("path", RECORDED, ids=lambda p: p.stem)
def test_flows_are_the_conversations_that_tshark_recorded(path):
    theirs = recorded(path.read_text(encoding="utf-8"))
    capture = next(p for p in (ROOT / "captures").glob(f"{path.stem}.pcap*") if p.suffix in (".pcap", ".pcapng"))
    mine = ours(capture)
    assert len(theirs) > 2
    assert sum(n is not None for ways in theirs.values() for n in ways[2:]) > 4
    assert differences(mine, theirs, LINUX_COOKED_2 if path.stem == "link-sll2" else ETHERNET) == []


@pytest.mark.parametrize("other", [Ways(2, 3, 114, 160), Ways(3, 2, 132, 160), Ways(2, 2, 115, 160), None])
def test_a_packet_or_a_byte_more_or_less_differs(other):
    mine = {ENDS: Ways(2, 2, 114, 160)}
    theirs = {ENDS: other._replace(bytes=other.bytes + 28, bytes_back=other.bytes_back + 28)} if other else {}
    assert len(differences(mine, theirs, ETHERNET)) == 1
    assert differences(mine, {ENDS: Ways(2, 2, 142, 188)}, ETHERNET) == []


def test_rows_of_tshark_are_read_from_the_lower_end_and_rounded_sizes_are_no_bytes():
    rows = "192.0.2.2:53     <-> 192.0.2.1:5      1 192 bytes       3 254 bytes       4 446 bytes     0.79    0.08\n"
    rows += "2001:db8::2:53  <-> 2001:db8::1:5    1 12 kB       3 254 bytes       4 12 kB     0.79    0.08\n"
    six = Ends(17, ("2001:db8::1", 5), ("2001:db8::2", 53))
    assert recorded("UDP Conversations\n" + rows) == {ENDS: Ways(1, 3, 192, 254), six: Ways(1, 3, None, 254)}
