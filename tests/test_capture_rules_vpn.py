"""VPN protocols by their headers: what has to be found, and what looks like it and must not."""

from __future__ import annotations

from random import Random
from struct import pack

import pytest
from _rules import (
    CLIENT,
    SERVER,
    START,
    TCP,
    flow,
    hello,
    ike,
    lengths,
    noise,
    openvpn,
    openvpn_data,
    turned,
    wireguard,
    wireguard_data,
)

from analyzer.capture.label import label
from analyzer.capture.records import Flow, Label, Mark


def family(one: Flow) -> str:
    """Family that is claimed with more than suspicion, '' = none."""
    found = label(one)
    return found.family if found and found.confidence != "statistical" else ""


def rule(one: Flow) -> str:
    found = label(one)
    return found.rule if found else ""


# OpenVPN


@pytest.mark.parametrize("wrapping", ["plain", "tls-auth", "tls-crypt"])
@pytest.mark.parametrize("proto", [6, 17])
def test_openvpn_in_every_wrapping(wrapping: str, proto: int) -> None:
    """Sessions are found over UDP and TCP, with and without tls-auth and tls-crypt, in either direction."""
    messages = lengths(*openvpn(wrapping)) if proto == TCP else openvpn(wrapping)
    one = flow(*messages, proto=proto)
    assert family(one) == "openvpn"
    assert family(turned(one)) == "openvpn"


def test_openvpn_tls_crypt_v2() -> None:
    """The third client reset (opcode 10, key wrapped into it) opens a session as well."""
    assert family(flow(*openvpn("tls-crypt", client_reset=10))) == "openvpn"


def test_openvpn_over_tcp_in_any_segments() -> None:
    """Messages that share segments, or are spread over many small ones, are put together."""
    whole = {up: b"".join(d for u, d in lengths(*openvpn()) if u is up) for up in (True, False)}
    small = [(up, whole[up][i : i + 9]) for up in (True, False) for i in range(0, 180, 9)]
    assert family(flow(*small, proto=TCP)) == "openvpn"
    assert family(flow((True, whole[True]), (False, whole[False]), proto=TCP)) == "openvpn"


def test_openvpn_seen_in_one_direction() -> None:
    """Four messages of one session id prove it where the other direction was not captured."""
    one = flow(*[m for m in openvpn("tls-auth") if m[0]])
    assert rule(one) == "openvpn.one_way"


def test_openvpn_blocked() -> None:
    """A reset that is repeated and never answered is a connection that somebody stopped."""
    reset = openvpn("tls-auth")[0][1]
    tries = [(True, reset[:9] + noise(20, n) + pack(">II", n + 1, 1_700_000_000) + reset[37:]) for n in range(4)]
    assert rule(flow(*tries)) == "openvpn.unanswered"


@pytest.mark.parametrize("proto", [6, 17])
def test_openvpn_data_without_its_start(proto: int) -> None:
    """One peer id and a growing packet id per direction are enough when the capture began later."""
    messages = openvpn_data()
    messages = lengths(*messages) if proto == TCP else messages
    assert rule(flow(*messages, proto=proto, marks=Mark.MID_STREAM)) == "openvpn.data"


def test_openvpn_cbc_data_without_its_start() -> None:
    """HMAC, IV and whole blocks behind the peer id: lengths agree, nothing repeats."""
    messages = [(n % 2 == 0, b"\x48\0\0\x07" + noise(20 + 16 + 16 * (2 + n % 4), n)) for n in range(24)]
    assert rule(flow(*messages)) == "openvpn.data"


def test_openvpn_old_data_without_its_start() -> None:
    """Version 1 of the data channel has no peer id: one opcode and hashes that never repeat."""
    messages = [(n % 2 == 0, b"\x30" + noise(20 + 16 + 16 * (2 + n % 4), n)) for n in range(24)]
    assert rule(flow(*messages)) == "openvpn.data_v1"


def test_data_of_others_is_not_openvpn() -> None:
    """A magic of four letters with a counter, or a counter that jumps, is something else."""
    counted = [(n % 2 == 0, b"HELO" + pack(">I", n) + noise(96, n)) for n in range(24)]
    jumping = [(n % 2 == 0, b"\x48\0\0\x05" + noise(96 + n % 5, n)) for n in range(24)]
    plain = [(n % 2 == 0, b"\x48\0\0\x05" + pack(">I", n) + b"position=%d " % n * 9) for n in range(24)]
    for messages in (counted, jumping, plain):
        assert family(flow(*messages)) == ""


def test_quic_is_not_openvpn() -> None:
    """Short headers (0x40 to 0x7f) with a constant connection id are in the range of OpenVPN's opcodes."""
    r = Random(3)  # noqa: S311 - a test's own choice
    cids = {True: noise(8, 31), False: noise(8, 32)}
    short = [(n % 3 > 0, bytes([0x40 | r.randrange(32)]) + cids[n % 3 > 0] + noise(60 + n, n)) for n in range(40)]
    initial = (True, bytes([0xC3]) + pack(">I", 1) + b"\x08" + noise(8, 1) + noise(1186, 2))
    assert family(flow(*short)) == ""
    assert family(flow(initial, *short)) == ""


def test_short_dns_is_not_openvpn() -> None:
    """Repeated questions whose id begins with 0x38 or 0x28, as in the false positives of one-sided rules."""
    for head in (b"\x38", b"\x28", b"\x40"):
        query = head + b"\x11\x01\x00\x00\x01" + bytes(6) + b"\x03www\x07example\x03com\0\0\x01\0\x01"
        answer = head + b"\x11\x81\x80\x00\x01\x00\x01" + bytes(4) + query[12:] + noise(16, 1)
        assert family(flow(*[(True, query)] * 4, dport=53)) == ""
        assert family(flow(*[(True, query), (False, answer)] * 4, dport=53)) == ""


def test_kcp_is_not_openvpn() -> None:
    """KCP repeats a conversation id and command; games use it with ids in the range of the opcodes."""
    conversation = b"\x28\x7a\x11\x9c"
    messages = [
        (n % 2 == 0, conversation + b"\x51\0\x80\0" + pack("<III", 5000 + n, n, 0) + pack("<I", 60) + noise(60, n))
        for n in range(24)
    ]
    assert family(flow(*messages)) == ""


def _scrambled(proto: int) -> list[tuple[bool, bytes]]:
    data = [(up, noise(1, 0) and bytes([0x48]) + noise(100 + n, n)) for n, (up, _) in enumerate(openvpn_data(count=40))]
    key = bytes([0x74])
    masked = [(up, bytes([d[0] ^ key[0]]) + noise(len(d) + 40, n)) for n, (up, d) in enumerate(openvpn() + data)]
    return lengths(*masked) if proto == TCP else masked


@pytest.mark.parametrize("proto", [6, 17])
def test_scrambled_openvpn_is_a_suspicion(proto: int) -> None:
    """XOR hides the opcodes but not their pattern; that is suspicion, never proof."""
    found = label(flow(*_scrambled(proto), proto=proto))
    assert found is not None
    assert (found.rule, found.confidence) == ("openvpn.scrambled", "statistical")


# WireGuard and its kin


def test_wireguard_handshake() -> None:
    """Initiation and response with matching indices, in either direction."""
    assert rule(flow(*wireguard())) == "wireguard.handshake"
    assert rule(turned(flow(*wireguard()))) == "wireguard.handshake"


def test_wireguard_cookie_reply() -> None:
    """A cookie reply names the index of the initiation."""
    initiation = wireguard()[0]
    assert rule(flow(initiation, (False, b"\x03\0\0\0" + initiation[1][4:8] + noise(56, 3)))) == "wireguard.handshake"


def test_wireguard_data_without_its_start() -> None:
    """Receiver index and counter are enough, also in one direction and when sessions are renewed."""
    both = wireguard_data(noise(4, 1), noise(4, 2), 700, 10)
    assert rule(flow(*both)) == "wireguard.data"
    assert rule(flow(*[m for m in both if m[0]])) == "wireguard.data"
    assert rule(flow(*both, *wireguard_data(noise(4, 3), noise(4, 4), 0, 8))) == "wireguard.data"


def test_wireguard_blocked() -> None:
    """Initiations that are repeated with new indices and never answered."""
    tries = [(True, b"\x01\0\0\0" + noise(4, n) + noise(108, n + 9) + noise(16, n + 50) + bytes(16)) for n in range(3)]
    assert rule(flow(*tries)) == "wireguard.unanswered"


def test_wireguard_needs_matching_indices() -> None:
    """Lengths and types alone prove nothing."""
    messages = wireguard()[:2]
    wrong = messages[1][1][:8] + noise(4, 99) + messages[1][1][12:]
    assert family(flow(messages[0], (False, wrong))) == ""


def test_other_counters_are_not_wireguard() -> None:
    """04 00 00 00 in front of text, of sizes that are no whole blocks, or of a counter that stands still."""
    still = [(n % 2 == 0, b"\x04\0\0\0" + b"abcd" + bytes(8) + noise(64, n)) for n in range(12)]
    odd = [(n % 2 == 0, b"\x04\0\0\0abcd" + pack("<Q", n) + noise(51, n)) for n in range(12)]
    assert family(flow(*still)) == ""
    assert family(flow(*odd)) == ""


def test_tunnelbear_lengths_name_the_provider() -> None:
    """TunnelBear's handshakes are 56 and 8 bytes longer."""
    (_, initiation), (_, response) = wireguard()[:2]
    found = label(flow((True, initiation + bytes(56)), (False, response + noise(8, 1))))
    assert found is not None
    assert (found.family, found.provider) == ("wireguard", "TunnelBear")


def test_warp_client_id() -> None:
    """WARP puts a client id into the reserved bytes; newer clients add 0xc0 to the types."""
    client = b"\x02\x78\x01"
    more = wireguard_data(noise(4, 11), noise(4, 12), 2, 6, kind=0xC4, reserved=client)
    new = flow(*wireguard((0xC1, 0xC2, 0xC4), client), *more)
    for one in (flow(*wireguard(reserved=b"\x02\x78\x01")), new):
        found = label(one)
        assert found is not None
        assert (found.family, found.provider) == ("cloudflare_warp", "Cloudflare WARP")


def test_amneziawg_by_the_shape_of_its_data() -> None:
    """Message types are drawn at random; index per direction, counter and whole blocks remain."""
    kind = 0x7A
    data = wireguard_data(noise(4, 1), noise(4, 2), 0, 16, kind=kind, reserved=b"\x11\x22\x33")
    junk = [(True, noise(60 + n, n)) for n in range(3)]
    assert family(flow(*junk, *data)) == "amneziawg"


def test_tailscale_disco() -> None:
    """The magic is enough; a port is not needed."""
    ping = b"TS\xf0\x9f\x92\xac" + noise(32, 1) + noise(24, 2) + noise(30, 3)
    found = label(flow((True, ping), dport=12_345))
    assert found is not None
    assert (found.family, found.provider) == ("tailscale", "Tailscale")


# IPsec


@pytest.mark.parametrize(("version", "exchange"), [(1, 2), (1, 4), (2, 34), (2, 35)])
def test_ike(version: int, exchange: int) -> None:
    """One consistent header is enough, on any port, with and without the non-ESP marker."""
    assert family(flow((True, ike(version, exchange)), sport=10_500, dport=500)) == "ipsec"
    assert family(flow((True, bytes(4) + ike(version, exchange)), dport=4500)) == "ipsec"


def test_ike_needs_a_consistent_header() -> None:
    """A wrong length, exchange, version or empty initiator SPI is no IKE."""
    good = ike()
    wrong = (good + b"\0", good[:18] + b"\x63" + good[19:], good[:17] + b"\x30" + good[18:], bytes(8) + good[8:])
    for message in wrong:
        assert family(flow((True, message), sport=500, dport=500)) == ""


def test_ike_in_fragments() -> None:
    """Where only first fragments are there, the stated length may be larger than what is."""
    message = bytes(4) + ike(2, 35, 3000)
    cut = flow((True, message[:1432]), (True, message[:1432]), dport=4500)
    assert family(cut) == ""
    cut.marks |= Mark.FRAGMENT
    assert family(cut) == "ipsec"


def _esp(count: int = 10) -> list[tuple[bool, bytes]]:
    spis = {True: noise(4, 61), False: noise(4, 62)}
    return [(n % 2 == 0, spis[n % 2 == 0] + pack(">I", 1 + n // 2) + noise(88, n)) for n in range(count)]


def test_esp_in_udp_needs_spi_sequence_and_a_sign() -> None:
    """SPI and sequence number prove it with the keep-alive or the port; the port alone does not."""
    assert rule(flow(*_esp(), sport=14_500, dport=4500)) == "ipsec.nat_t"
    assert rule(flow(*_esp(), (True, b"\xff"), dport=9999)) == "ipsec.nat_t"
    assert family(flow(*_esp(), dport=9999)) == ""
    assert family(flow(*[(True, noise(96, n)) for n in range(10)], dport=4500)) == ""


def test_esp_and_ah_behind_ip() -> None:
    """Protocols 50 and 51 with a plausible header."""
    ah = bytes([50, 4, 0, 0]) + noise(4, 1) + pack(">I", 1) + noise(12, 2) + noise(100, 3)
    assert family(flow((True, _esp()[0][1]), proto=50, sport=0, dport=0)) == "ipsec"
    assert family(flow((True, ah), proto=51, sport=0, dport=0)) == "ipsec"


def test_routing_protocols_are_look_alikes() -> None:
    """AH or ESP to a multicast group, and AH in front of OSPF, is no VPN."""
    group = bytes.fromhex("ff020000000000000000000000000005")
    router = bytes.fromhex("fe800000000000000000000000000001")
    ospf = bytes([89, 4, 0, 0]) + noise(4, 1) + pack(">I", 1) + noise(12, 2) + noise(36, 3)
    for one in (
        flow((True, ospf), proto=51, src=router, dst=group),
        flow((True, ospf), proto=51),
        flow((True, _esp()[0][1]), proto=50, dst=bytes([224, 0, 0, 5])),
    ):
        found = label(one)
        assert found is not None
        assert found.kind == "lookalike"


def test_wifi_calling_is_a_look_alike() -> None:
    """IKE to a gateway whose operator name the client had looked up is a phone's Wi-Fi calling."""
    name = "epdg.epc.mnc001.mcc262.pub.3gppnetwork.org"
    found = label(flow((True, ike()), dport=500, looked_up=name))
    assert found is not None
    assert (found.family, found.kind) == ("wifi_calling", "lookalike")


def test_ike_in_tcp() -> None:
    """RFC 8229: IKETCP, then messages behind a length and the marker."""
    message = bytes(4) + ike()
    assert family(flow((True, b"IKETCP" + pack(">H", len(message) + 2) + message), proto=TCP, dport=4500)) == "ipsec"


# PPTP, L2TP


def test_pptp() -> None:
    """Control connection by its cookie, data by PPP in GRE version 1."""
    start = pack(">HHIHHHHIIHH", 156, 1, 0x1A2B3C4D, 1, 0, 0x100, 0, 3, 3, 0, 1) + bytes(128)
    assert family(flow((True, start), proto=TCP, dport=1723)) == "pptp"
    assert family(flow((True, b"\x30\x81\x88\x0b" + noise(40)), proto=47, sport=0, dport=0)) == "pptp"
    assert family(flow((True, noise(156)), proto=TCP, dport=1723)) == ""


def test_l2tp() -> None:
    """A control message with its message type, of version 2 and 3; data and noise on the port are none."""
    avp = pack(">HHHH", 0x8008, 0, 0, 1)
    for version in (2, 3):
        message = pack(">HHHHHH", 0xC800 | version, 20, 0, 0, 0, 0) + avp
        assert family(flow((True, message), sport=1701, dport=1701)) == "l2tp"
    assert family(flow((True, b"\xc8\x02" + noise(60)), sport=1701, dport=1701)) == ""


# Others with a header


def test_softether_nat_traversal() -> None:
    """A pack of named values, or the answer with the client's own address."""
    pack_ = (
        pack(">II", 3, 7) + b"opcode" + pack(">III", 2, 1, 9) + b"get_token" + pack(">I", 8) + b"tran_id" + bytes(16)
    )
    assert family(flow((True, pack_), dport=5004)) == "softether"
    assert family(flow((True, b"A"), (False, b"IP=192.0.2.9,PORT=51381"), dport=5004)) == "softether"
    assert family(flow((True, b"A"), (False, b"PORT"), dport=5004)) == ""


def test_tinc_meta_lines() -> None:
    """ID lines from both ends."""
    lines = [(True, b"0 alpha 17\n"), (False, b"0 beta 17\n1 94 64 0 0 " + b"A1" * 128 + b"\n")]
    assert family(flow(*lines, proto=TCP, dport=655)) == "tinc"
    assert family(flow((True, b"0 hello world\n"), (False, b"0 ok\n"), proto=TCP, dport=655)) == ""


def test_ultrasurf_opening() -> None:
    """Its eight bytes at the start, in the direction that was captured."""
    assert family(flow((True, bytes.fromhex("cc1c30415ba43866") + noise(1000)), proto=TCP)) == "ultrasurf"


def test_looked_up_name_gives_a_tunnel_its_provider() -> None:
    """A tunnel without a provider takes that of the name its client had resolved; a web site's name gives none."""
    named: Label | None = label(flow(*wireguard(), looked_up="pl128.nordvpn.com"))
    assert named is not None
    assert named.provider == "NordVPN"
    plain = label(flow(*wireguard(), looked_up="www.nordvpn.com"))
    assert plain is not None
    assert plain.provider == ""


def test_builders_are_what_they_say() -> None:
    """The flows of these tests begin at the stated time and lie between the stated hosts."""
    one = flow((True, b"x"), hello=hello("a.example"))
    assert (one.src, one.dst, one.first) == (CLIENT, SERVER, START)
