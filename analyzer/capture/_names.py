"""Kinds of frames: EtherTypes, private codes above 0xFFFF, and what is said of those that hold no IP packet.

A kind that is known and holds no IP (ARP, spanning tree ..) is a remark; one that is unknown, encrypted, cut or
malformed is unreadable.  Sources: IEEE Registration Authority and IANA (ieee-802-numbers, ppp-numbers).
"""

from __future__ import annotations

IPV4, IPV6, ETHERNET, PPP, MPLS, ARP, RARP = 0x0800, 0x86DD, 0x6558, 0x880B, 0x8847, 0x0806, 0x8035

NIBBLE = 0x10001  # IP, version by its first four bits
LLC = 0x10002
SNAP = 0x10003
PPP_SERIAL = 0x10004
HDLC = 0x10005
MPLS_BOTTOM = 0x10006
SLL = 0x10007
SLL2 = 0x10008
FAMILY = 0x10009
FDDI = 0x1000A
FRAME_RELAY = 0x1000B
SLIP = 0x1000C

DOT11 = 0x1000D
RADIOTAP = 0x1000E
PPI = 0x1000F
PRISM = 0x10010
AVS = 0x10011
PKTAP = 0x10012
PFLOG = 0x10013
NFLOG = 0x10014

SLARP = 0x11001
PPPOE_OTHER = 0x11002
MPLS_OAM = 0x11003
FDDI_OTHER = 0x11004
DOT11_OTHER = 0x11005
NFLOG_OTHER = 0x11006

CUT_LINK = 0x12001
SHORT_LINK = 0x12002
TOO_DEEP = 0x12003
NO_IP_VERSION = 0x12004
MPLS_OTHER = 0x12005
ERSPAN_OTHER = 0x12006
FAMILY_OTHER = 0x12007
SNAP_OTHER = 0x12008
DOT11_ENCRYPTED = 0x12009
DOT11_BAD = 0x1200A
DOT11_FRAGMENT = 0x1200D

LLC_BASE = 0x20000  # plus both service access points
PPP_BASE = 0x30000  # plus PPP protocol
CISCO_BASE = 0x40000  # plus Cisco's SNAP protocol
SLL_BASE = 0x50000  # plus Linux's protocol below 0x600
NLPID_BASE = 0x60000  # plus network layer protocol
LINKTYPE_BASE = 0x100000  # plus link type

LINKTYPES = {  # link type -> kind of what each packet begins with
    0: FAMILY,
    1: ETHERNET,
    8: SLIP,
    9: PPP,
    10: FDDI,
    12: NIBBLE,
    14: NIBBLE,
    50: PPP_SERIAL,
    51: 0x8864,
    101: NIBBLE,
    104: HDLC,
    105: DOT11,
    107: FRAME_RELAY,
    108: FAMILY,
    113: SLL,
    117: PFLOG,
    119: PRISM,
    127: RADIOTAP,
    163: AVS,
    192: PPI,
    228: IPV4,
    229: IPV6,
    239: NFLOG,
    258: PKTAP,
    276: SLL2,
}


def started(linktype: int) -> int:
    """Kind of what a packet of a link type begins with."""
    return LINKTYPES.get(linktype, LINKTYPE_BASE + min(linktype, 0xFFFF))


_NOT_IP = {
    ARP: "ARP",
    RARP: "RARP",
    0x0200: "PUP",
    0x0842: "wake-on-LAN",
    0x22F0: "AVTP",
    0x22F3: "TRILL",
    0x6000: "DEC",
    0x6002: "DEC MOP",
    0x6003: "DECnet",
    0x6004: "DEC LAT",
    0x809B: "AppleTalk",
    0x80F3: "AppleTalk ARP",
    0x8137: "IPX",
    0x814C: "SNMP over Ethernet",
    0x8808: "Ethernet flow control",
    0x8809: "slow protocol",
    0x8863: "PPPoE discovery",
    0x886C: "HomePNA",
    0x886D: "adapter teaming",
    0x8874: "Broadcom switch",
    0x887B: "HomePlug",
    0x888E: "EAPOL",
    0x8892: "PROFINET",
    0x8899: "Realtek",
    0x88A2: "ATA over Ethernet",
    0x88A4: "EtherCAT",
    0x88B8: "GOOSE",
    0x88BA: "IEC 61850 sampled values",
    0x88C7: "802.11 pre-authentication",
    0x88CC: "LLDP",
    0x88CD: "SERCOS",
    0x88E1: "HomePlug AV",
    0x88E3: "MRP",
    0x88F5: "MVRP",
    0x88F6: "MMRP",
    0x88F7: "PTP",
    0x88FB: "PRP supervision",
    0x8902: "802.1ag",
    0x8906: "FCoE",
    0x890D: "802.11 tunnelled link setup",
    0x8914: "FCoE initialisation",
    0x8915: "RoCE",
    0x891D: "TTEthernet",
    0x892F: "HSR",
    0x893A: "IEEE 1905.1",
    0x9000: "Ethernet loopback test",
    0x9003: "vendor Ethernet test",
    0xFEFE: "OSI",
    SLARP: "Cisco SLARP",
    PPPOE_OTHER: "PPPoE discovery",
    MPLS_OAM: "MPLS OAM",
    FDDI_OTHER: "FDDI station management",
    DOT11_OTHER: "802.11 management or control",
    NFLOG_OTHER: "NFLOG record without a packet",
    LLC_BASE + 0x4242: "spanning tree",
    LLC_BASE + 0xFEFE: "OSI",
    LLC_BASE + 0xFFFE: "IPX",
    LLC_BASE + 0xE0E0: "IPX",
    LLC_BASE + 0xF0F0: "NetBEUI",
    LLC_BASE + 0x0000: "802.2 test",
    CISCO_BASE + 0x0111: "UDLD",
    CISCO_BASE + 0x0102: "Cisco DRiP",
    CISCO_BASE + 0x0104: "PAgP",
    CISCO_BASE + 0x010B: "spanning tree",
    CISCO_BASE + 0x010C: "VLAN bridge",
    CISCO_BASE + 0x2000: "CDP",
    CISCO_BASE + 0x2001: "CGMP",
    CISCO_BASE + 0x2003: "VTP",
    CISCO_BASE + 0x2004: "DTP",
    SLL_BASE + 1: "IPX",
    SLL_BASE + 3: "IPX",
    SLL_BASE + 0x0C: "CAN",
    SLL_BASE + 0x0D: "CAN",
    NLPID_BASE + 0x81: "OSI",
    NLPID_BASE + 0x82: "OSI",
    NLPID_BASE + 0x83: "OSI",
    NLPID_BASE + 0x08: "frame relay signalling",
    NLPID_BASE + 0xB1: "frame relay fragment",
}

_UNREADABLE = {
    CUT_LINK: "cut before the end of the link header",
    SHORT_LINK: "frame ends within its link header",
    TOO_DEEP: "too many link headers",
    NO_IP_VERSION: "neither IPv4 nor IPv6",
    MPLS_OTHER: "MPLS payload is not known",
    ERSPAN_OTHER: "ERSPAN version is not known",
    FAMILY_OTHER: "address family is not known",
    SNAP_OTHER: "SNAP protocol is not known",
    DOT11_ENCRYPTED: "802.11 payload encrypted",
    DOT11_BAD: "802.11 frame with a bad checksum",
    DOT11_FRAGMENT: "802.11 fragment",
    0x88E5: "MACsec payload encrypted",
    PPP_BASE + 0x53: "PPP payload encrypted",
    PPP_BASE + 0x55: "PPP payload encrypted",
    PPP_BASE + 0xFD: "PPP payload compressed",
    PPP_BASE + 0xFB: "PPP payload compressed",
    PPP_BASE + 0x3D: "PPP multilink fragment",
    PPP_BASE + 0x2D: "PPP payload compressed",
    PPP_BASE + 0x2F: "PPP payload compressed",
}

_BASES = (
    (LINKTYPE_BASE, "link type {} is not supported"),
    (NLPID_BASE, "NLPID 0x{:02x} is not known"),
    (SLL_BASE, "Linux protocol 0x{:04x} is not known"),
    (CISCO_BASE, "Cisco protocol 0x{:04x} is not known"),
    (PPP_BASE, "PPP protocol 0x{:04x} is not known"),
    (LLC_BASE, "802.2 access points 0x{:04x} are not known"),
    (0, "EtherType 0x{:04x} is not known"),
)


def reason(kind: int) -> tuple[str, bool]:
    """Why frames of a kind give no packet, and whether that is only a remark (known, and not IP)."""
    if kind in _NOT_IP:
        return f"{_NOT_IP[kind]}, not IP", True
    if kind in _UNREADABLE:
        return _UNREADABLE[kind], False
    if PPP_BASE + 0x4000 <= kind < CISCO_BASE:  # link and network control protocols (RFC 1661, section 2)
        return "PPP control, not IP", True
    base, text = next(pair for pair in _BASES if kind >= pair[0])
    return text.format(kind - base), False
