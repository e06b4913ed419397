"""Labels that need other flows, and dated lists of addresses."""

from __future__ import annotations

from datetime import date, timedelta
from struct import pack

import pytest
from _rules import CLIENT, SECOND, SERVER, START, TCP, flow, hello, ike, noise, openvpn, wireguard

from analyzer.capture import relate as relations
from analyzer.capture.label import label
from analyzer.capture.lists import AddressList, Index, days_apart
from analyzer.capture.records import Flow, Label, Mark
from analyzer.capture.relate import Context, relate
from analyzer.errors import BadInput

DAY = date(2023, 11, 14)  # of START
CLIENT_HELLO = (True, b"\x16\x03\x01\x02\x00" + noise(512))
DTLS_HELLO = (True, b"\x16\xfe\xff" + bytes(8) + pack(">H", 200) + b"\x01" + noise(199))
DTLS_ANSWER = (False, b"\x16\xfe\xff" + bytes(8) + pack(">H", 35) + b"\x03" + noise(34))
OLD_HELLO = (True, b"\x16\x01\x00" + bytes(8) + pack(">H", 86) + b"\x01" + noise(85))
OLD_ANSWER = (False, b"\x16\x01\x00" + bytes(8) + pack(">H", 35) + b"\x03" + noise(34))


def related(*flows: Flow, context: Context | None = None) -> list[Label | None]:
    return relate(flows, [label(f) for f in flows], context or Context())


def families(*flows: Flow, context: Context | None = None) -> list[str]:
    return [found.family if found else "" for found in related(*flows, context=context)]


def tls(**more: object) -> Flow:
    return flow(CLIENT_HELLO, proto=TCP, **{"hello": hello("vpn.corp.example"), **more})  # type: ignore[arg-type]


def dtls(**more: object) -> Flow:
    seen = hello(version=0xFEFD, transport="dtls")
    return flow(DTLS_HELLO, DTLS_ANSWER, **{"hello": seen, "first": START + 5 * SECOND, **more})  # type: ignore[arg-type]


def test_anyconnect_is_a_pair() -> None:
    """TLS and DTLS of one client to one gateway and port; alone, to another port, or hours apart they are nothing."""
    assert families(tls(), dtls()) == ["anyconnect", "anyconnect"]
    assert families(tls()) == [""]
    assert families(dtls()) == [""]
    assert families(tls(), dtls(dport=8443)) == ["", ""]
    assert families(tls(), dtls(src=bytes([192, 0, 2, 77]))) == ["", ""]
    assert families(tls(), dtls(first=START + 7200 * SECOND)) == ["", ""]


def test_old_dtls_is_suspected_alone_and_sure_beside_tls() -> None:
    """The pre-standard version is AnyConnect's, but one flow of it is only a suspicion."""
    old = flow(OLD_HELLO, OLD_ANSWER)
    (alone,) = related(old)
    assert alone is not None
    assert alone.confidence == "statistical"
    _, beside = related(tls(), old)
    assert beside is not None
    assert (beside.family, beside.confidence) == ("anyconnect", "header")


def test_calls_are_no_anyconnect() -> None:
    """DTLS behind STUN is WebRTC, even where the page came from the same host and port."""
    binding = (True, b"\x00\x01\x00\x00\x21\x12\xa4\x42" + noise(12))
    call = flow(binding, DTLS_HELLO, DTLS_ANSWER, hello=hello(transport="dtls"))
    assert "anyconnect" not in families(tls(), call)


def test_pptp_data_beside_its_control() -> None:
    """GRE version 1 that shows no PPP belongs to the PPTP control connection of the same hosts."""
    start = pack(">HHIHH", 156, 1, 0x1A2B3C4D, 1, 0) + bytes(144)
    control = flow((True, start), proto=TCP, dport=1723)
    data = flow((True, b"\x20\x01\x00\x00" + noise(20)), proto=47, sport=0, dport=0)
    assert families(control, data) == ["pptp", "pptp"]
    assert families(data) == [""]


def test_tinc_datagrams_beside_the_meta_connection() -> None:
    """Between the same hosts, at the port that one of them listens on."""
    meta = flow((True, b"0 alpha 17\n"), (False, b"0 beta 17\n"), proto=TCP, sport=40_000, dport=655)
    data = flow((True, noise(120)), (False, noise(120, 2)), sport=655, dport=655)
    assert families(meta, data) == ["tinc", "tinc"]
    assert families(meta, flow((True, noise(120)), dport=9)) == ["tinc", ""]
    assert families(data) == [""]


def test_ultrasurf_siblings() -> None:
    """Connections to the same server and port within ten minutes, whichever side looked like the client."""
    opening = bytes.fromhex("cc1c30415ba43866") + noise(1000)
    late = flow((True, opening), proto=TCP, src=SERVER, sport=443, dst=CLIENT, dport=37_898)
    assert families(late, tls(hello=hello())) == ["ultrasurf", "ultrasurf"]
    assert families(late, tls(hello=hello(), first=START + 3600 * SECOND)) == ["ultrasurf", ""]
    assert families(late, tls(hello=hello(), dport=8443)) == ["ultrasurf", ""]


def test_siblings_of_a_named_tunnel() -> None:
    """A connection without a name to the server and port that the client had named; web sites have no siblings."""
    named, bare = tls(hello=hello("eu0.sec-tunnel.com")), tls(hello=None, marks=Mark.MID_STREAM, sport=40_001)
    assert families(named, bare) == ["vpn_tls", "vpn_tls"]
    assert families(tls(hello=hello("www.nordvpn.com")), bare) == ["vpn_site", ""]
    assert families(named, tls(hello=hello("other.example"), sport=40_001)) == ["vpn_tls", ""]


def test_continued_flows_inherit() -> None:
    """A record that goes on where a labelled one ended has its label and says so; another connection has not."""
    context = Context()
    assert families(flow(*wireguard()), context=context) == ["wireguard"]
    later = flow((True, noise(80)), marks=Mark.CONTINUED)
    (found,) = related(later, context=context)
    assert found is not None
    assert (found.family, found.rule) == ("wireguard", "relation.continued")
    assert families(flow((True, noise(80)), marks=Mark.CONTINUED, sport=50_000), context=context) == [""]
    assert families(flow((True, noise(80))), context=context) == [""]


def test_explained_suspicions() -> None:
    """Noise to Telegram's networks, and beside BitTorrent, is no proxy; elsewhere the suspicion stays."""
    both = ((True, noise(300)), (False, noise(500, 2)))
    (found,) = related(flow(*both, proto=TCP, dst=bytes([149, 154, 167, 51])))
    assert found is not None
    assert (found.family, found.kind) == ("telegram", "lookalike")
    peers = [flow((True, b"\x13BitTorrent protocol" + noise(48)), proto=TCP, dport=p) for p in (6881, 6882)]
    assert families(*peers, flow(*both, proto=TCP, dport=51_413)) == ["bittorrent"] * 3
    assert families(peers[0], flow(*both, proto=TCP, dport=51_413)) == ["bittorrent", "fully_encrypted"]


def test_wifi_calling_takes_its_esp_along() -> None:
    """What else goes between a phone and its operator's gateway is no VPN either."""
    name = "epdg.epc.mnc001.mcc262.pub.3gppnetwork.org"
    key = flow((True, ike()), dport=500, looked_up=name)
    data = flow((True, noise(4, 1) + pack(">I", 1) + noise(80)), proto=50, sport=0, dport=0)
    assert families(key, data) == ["wifi_calling", "wifi_calling"]
    assert families(data) == ["ipsec"]


def test_api_names_the_tunnel_that_follows() -> None:
    """A client that used the API of one provider just before; of two, or of none, the tunnel stays without a name."""
    api = tls(hello=hello("vpn-api.proton.me"), dst=bytes([203, 0, 113, 9]))
    other = tls(hello=hello("api.nordvpn.com"), dst=bytes([203, 0, 113, 8]))
    tunnel = flow(*wireguard(), first=START + 20 * SECOND)
    assert [f.provider for f in related(api, tunnel) if f] == ["Proton VPN", "Proton VPN"]
    assert [f.provider for f in related(api, other, tunnel) if f] == ["Proton VPN", "NordVPN", ""]
    early = flow(*wireguard(), first=START - 20 * SECOND)
    assert [f.provider for f in related(api, early) if f] == ["Proton VPN", ""]


def _list(family: str, days: int = 0, network: str = "198.51.100.0/24") -> Context:
    return Context(
        [AddressList("consensus", family, "Tor" if family == "tor" else "Mullvad", DAY - timedelta(days), (network,))]
    )


def test_list_needs_a_handshake() -> None:
    """An address on a list labels no flow by itself; with a TLS handshake as Tor's it does, and says the date."""
    plain = flow((True, noise(300)), (False, noise(300, 2)), proto=TCP)
    (found,) = related(plain, context=_list("tor"))
    assert found is not None
    assert found.family == "fully_encrypted"
    (listed,) = related(tls(hello=hello()), context=_list("tor"))
    assert listed is not None
    assert (listed.family, listed.confidence) == ("tor", "dated_list")
    assert "2023-11-14" in listed.reason
    assert families(tls(hello=hello(alpn=("h2",))), context=_list("tor")) == [""]
    assert families(tls(hello=hello()), context=_list("tor", network="203.0.113.0/24")) == [""]


@pytest.mark.parametrize(
    ("days", "confidence", "word"), [(40, "statistical", "older"), (-40, "statistical", "newer"), (400, None, "")]
)
def test_age_of_a_list_lowers_confidence(days: int, confidence: str | None, word: str) -> None:
    """A month away from the flow it is suspicion and says so; a year away it says nothing."""
    (found,) = related(tls(hello=hello()), context=_list("tor", days))
    assert (found.confidence if found else None) == confidence
    assert word in (found.reason if found else "")


def test_list_names_the_provider_of_a_proved_tunnel() -> None:
    """Family and handshake have to agree."""
    (found,) = related(flow(*wireguard()), context=_list("wireguard"))
    assert found is not None
    assert (found.provider, found.confidence) == ("Mullvad", "header")
    (other,) = related(flow(*openvpn()), context=_list("wireguard"))
    assert other is not None
    assert other.provider == ""


def test_lists_hold_networks_and_addresses_of_both_versions() -> None:
    """Overlapping and adjacent networks, single addresses, IPv6; what cannot be read is said with the list's name."""
    one = AddressList("mine", "tor", "Tor", DAY, ("10.0.0.0/8", "10.1.2.3", "11.0.0.0/8", "2001:db8::/32", "192.0.2.1"))
    index = Index([one])
    inside = [bytes([10, 0, 0, 0]), bytes([11, 255, 255, 255]), bytes([192, 0, 2, 1]), b"\x20\x01\x0d\xb8" + bytes(12)]
    outside = [bytes([9, 255, 255, 255]), bytes([12, 0, 0, 0]), bytes([192, 0, 2, 2]), bytes(16)]
    assert all(index.holding(a) == [one] for a in inside)
    assert not any(index.holding(a) for a in outside)
    assert days_apart(one, START) == 0
    with pytest.raises(BadInput, match="mine"):
        Index([one._replace(networks=("10.0.0.0/99",))])


def test_memories_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many flows come, a memory keeps the newest and no more than its bound."""
    monkeypatch.setattr(relations, "_MOST", 8)
    context = Context()
    related(*[tls(hello=hello("eu0.sec-tunnel.com"), sport=n, dport=n) for n in range(1, 60)], context=context)
    assert max(len(context.labelled), len(context.tls), len(context.named)) <= 8
    assert (CLIENT, (SERVER, 59)) in context.named
