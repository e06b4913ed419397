"""Random stacks of headers, built by scapy, for tests of what takes them apart."""

from __future__ import annotations

from hypothesis import strategies as st
from scapy.contrib.geneve import GENEVE
from scapy.contrib.gtp import GTP_U_Header
from scapy.contrib.mpls import MPLS
from scapy.layers.inet import ICMP, IP, TCP, UDP, IPOption
from scapy.layers.inet6 import (
    IPv6,
    IPv6ExtHdrDestOpt,
    IPv6ExtHdrFragment,
    IPv6ExtHdrHopByHop,
    IPv6ExtHdrRouting,
    PadN,
)
from scapy.layers.l2 import GRE, LLC, SNAP, CookedLinux, Dot1AD, Dot1Q, Dot3, Ether
from scapy.layers.ppp import PPP, PPPoE
from scapy.layers.sctp import SCTP
from scapy.layers.vxlan import VXLAN
from scapy.packet import Raw

port = st.integers(20_000, 60_000)  # no port on which scapy or we look for a tunnel
v4 = st.integers(1, 2**32 - 1).map(lambda n: ".".join(str(n >> shift & 255) for shift in (24, 16, 8, 0)))
v6 = st.integers(0, 2**64 - 1).map(
    lambda n: "fd00::" + ":".join(f"{n >> shift & 65535:x}" for shift in (48, 32, 16, 0))
)
body = st.binary(max_size=40).map(Raw)


def ethernet():
    """A header with its addresses stated: else scapy asks the network for them."""
    return Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02")


@st.composite
def transports(draw):
    """Something behind an IP header, and its protocol number where scapy does not bind one."""
    sport, dport = draw(port), draw(port)
    made = draw(st.sampled_from(["tcp", "udp", "icmp", "sctp", "esp"]))
    if made == "tcp":
        options = [("NOP", None)] * draw(st.integers(0, 8))
        return None, TCP(
            sport=sport,
            dport=dport,
            seq=draw(st.integers(0, 2**32 - 1)),
            flags=draw(st.integers(0, 255)),
            options=options,
        )
    if made == "udp":
        return None, UDP(sport=sport, dport=dport)
    if made == "sctp":
        return None, SCTP(sport=sport, dport=dport, tag=7)
    return (50, Raw(draw(st.binary(min_size=12, max_size=40)))) if made == "esp" else (None, None)


@st.composite
def ip_packets(draw, depth=2):
    """An IP packet, perhaps with a tunnel inside."""
    inner = draw(tunnels(depth)) if depth and draw(st.integers(0, 2)) == 0 else None
    number, transport = (None, inner) if inner is not None else draw(transports())
    rest = transport / draw(body) if inner is None and transport is not None else transport
    if draw(st.booleans()):
        return _v4(draw, number, rest)
    return _v6(draw, number, rest)


def _v4(draw, number, rest):
    ip = IP(
        src=draw(v4),
        dst=draw(v4),
        options=[IPOption(b"\x01")] * draw(st.integers(0, 12)),
        tos=draw(st.integers(0, 255)),
    )
    if rest is None:
        return ip / ICMP() / draw(body)
    if number:
        ip.proto = number
    ip.id, fragment = draw(st.integers(0, 3)), draw(st.integers(0, 9))
    ip.flags, ip.frag = ("MF" if fragment == 1 else draw(st.sampled_from([0, "DF"]))), 0
    return ip / rest


def _v6(draw, number, rest):
    ip = IPv6(src=draw(v6), dst=draw(v6), tc=draw(st.integers(0, 255)))
    headers = [
        IPv6ExtHdrHopByHop(options=[PadN(optdata=b"\0" * draw(st.integers(0, 20)))]),
        IPv6ExtHdrDestOpt(options=[PadN(optdata=b"\0" * draw(st.integers(0, 20)))]),
        IPv6ExtHdrRouting(addresses=["fd00::1"] * draw(st.integers(0, 2))),
        IPv6ExtHdrFragment(offset=0, m=draw(st.integers(0, 1)), id=draw(st.integers(0, 3))),
    ]
    for header in headers:
        ip = ip / header if draw(st.integers(0, 3)) == 0 else ip
    if rest is None:
        return ip / UDP(sport=draw(port), dport=draw(port)) / draw(body)
    if number:
        ip.lastlayer().nh = number
    return ip / rest


@st.composite
def tunnels(draw, depth):
    """What an IP packet carries when it is a tunnel."""
    inner = draw(ip_packets(depth - 1))
    made = draw(st.sampled_from(["ip", "gre", "gre_ethernet", "vxlan", "geneve", "gtp"]))
    if made == "ip":
        return inner
    if made.startswith("gre"):
        flags = {name: draw(st.integers(0, 1)) for name in ("chksum_present", "key_present", "seqnum_present")}
        return GRE(**flags) / (ethernet() / inner if made == "gre_ethernet" else inner)
    if made == "vxlan":
        return (
            UDP(sport=draw(port), dport=4789) / VXLAN(vni=draw(st.integers(0, 2**24 - 1)), flags=8) / ethernet() / inner
        )
    if made == "geneve":
        return UDP(sport=draw(port), dport=6081) / GENEVE(vni=5) / ethernet() / inner
    return UDP(sport=draw(port), dport=2152) / GTP_U_Header(teid=9, gtp_type=255) / inner


@st.composite
def frames(draw):
    """Link type and bytes of one packet."""
    packet = draw(ip_packets())
    link = draw(st.sampled_from(["ethernet", "raw", "cooked", "ppp", "pppoe", "snap", "mpls"]))
    if link == "raw":
        return 101, bytes(packet)
    if link == "cooked":
        return 113, bytes(CookedLinux() / packet)
    if link == "ppp":
        return 9, bytes(PPP() / packet)
    if link == "snap":
        return 1, bytes(Dot3(src="02:00:00:00:00:01", dst="02:00:00:00:00:02") / LLC() / SNAP() / packet)
    frame = ethernet()
    for tag in draw(st.lists(st.sampled_from([Dot1Q, Dot1AD]), max_size=3)):
        frame = frame / tag(vlan=draw(st.integers(0, 4095)))
    if link == "pppoe":
        frame = frame / PPPoE() / PPP()
    if link == "mpls":
        labels = draw(st.integers(1, 3))
        for label in range(labels):
            frame = frame / MPLS(label=16 + label, s=label == labels - 1, ttl=9)
    return 1, bytes(frame / packet) + bytes(draw(st.integers(0, 8)))
