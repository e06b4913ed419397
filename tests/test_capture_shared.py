"""Every capture of the shared folder through the pipeline: no crash, no warning, and few packets that are not read."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import NamedTuple

import pytest
from conftest import SHARED
from mutations import analysed, faults, left_by_container

from analyzer.errors import BadInput
from analyzer.store.captures import CaptureOptions, analyse

pytestmark = pytest.mark.shared


class Odd(NamedTuple):
    """What is known of a capture with packets that give no flow."""

    unreadable: int
    tshark: int  # packets that tshark 4.0.17 shows with _ws.malformed, _ws.short, or neither ip nor ipv6
    more: int  # unreadable ones that tshark shows as sound IP
    reason: str


ODD = {
    "ndpi/fuzz-2006-09-29-28586.pcap": Odd(8, 9, 0, "fuzzed EtherTypes, and IP versions that contradict them"),
    "ndpi/fuzz-2020-02-16-11740.pcap": Odd(38, 191, 0, "fuzzed EtherTypes, and IP versions that contradict them"),
    "ndpi/fuzz-2021-10-13.pcap": Odd(1, 1, 0, "the file ends inside its only packet"),
    "ndpi/gnutella.pcap": Odd(1, 37, 0, "a frame cut before the end of its link header"),
    "tcpdump/gre-heapoverflow-1.pcap": Odd(2, 1, 1, "IPv4 EtherType before another version, which tshark reads as IP"),
    "tcpdump/l2tp-avp-overflow.pcap": Odd(2, 20, 0, "frames cut before the end of their link header"),
    "tcpdump/ppp_ip_udp_dns.pcap": Odd(1, 1, 0, "a PPP protocol that is not assigned"),
    "zeek/trunc_ip4-trunc.pcap": Odd(1, 1, 0, "a packet cut inside its IP header"),
}
WITHOUT_FLOWS = {
    "ndpi/fuzz-2021-10-13.pcap",
    "tcpdump/gre-heapoverflow-1.pcap",
    "tcpdump/ppp_ip_udp_dns.pcap",
    "zeek/trunc_ip4-trunc.pcap",
}
ALL = 251


@pytest.fixture(scope="module")
def captures() -> dict[str, Path]:
    folder = SHARED / "captures"
    return {f"{path.parent.name}/{path.name}": path for path in sorted(folder.glob("*/*"))}


@pytest.fixture(autouse=True)
def no_warnings():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def unreadable(name):
    return ODD[name].unreadable if name in ODD else 0


def test_every_packet_of_every_capture_is_in_a_flow_or_counted(captures):
    """Not read are packets that tshark finds malformed or no IP, but for named ones."""
    assert len(captures) == ALL
    for name, path in captures.items():
        raw = path.read_bytes()
        found = analysed(raw)
        assert not faults(found, left_by_container(raw)), name
        assert sum(found.tally.unreadable.values()) == unreadable(name), name
    assert all(odd.unreadable <= odd.tshark + odd.more for odd in ODD.values())


def test_every_capture_becomes_aggregates_or_is_refused_for_having_no_flow(captures):
    refused = set()
    for name, path in captures.items():
        try:
            found = analyse(path, name, CaptureOptions(k=1))
        except BadInput as error:
            assert "could be read as IP" in str(error)
            refused.add(name)
            continue
        assert found.aggregates is not None
        assert found.aggregates.rows > 0
        assert sum(found.unreadable.values()) == unreadable(name), name
    assert refused == WITHOUT_FLOWS
