"""What is taken for a VPN or a fully encrypted proxy and is none: messengers, peer-to-peer, calls, operators."""

from __future__ import annotations

from dataclasses import replace

from analyzer.capture.dissect import dtls, stun
from analyzer.capture.names import provider_of
from analyzer.capture.records import Flow, Rule
from analyzer.capture.rules._bytes import TCP, UDP, heads, looks_random, side, stream
from analyzer.capture.rules.ipsec import ike_message

_WHATSAPP = (b"WA\x01", b"WA\x02", b"WA\x04", b"WA\x05", b"WA\x06", b"ED\x00\x01")
_BITTORRENT = b"\x13BitTorrent protocol"
_TELEGRAM = (b"\xef", b"\xee\xee\xee\xee", b"\xdd\xdd\xdd\xdd")
_DHT = (b"d1:ad2:id20:", b"d1:rd2:id20:", b"d1:el", b"d2:ip")


def _wifi_calling(flow: Flow) -> str | None:
    """IKE to a gateway whose name is that of an operator's ePDG (3GPP TS 23.003 section 19.4.2.9)."""
    named = provider_of(flow.looked_up) if flow.looked_up else None
    if named and named.family == "wifi_calling" and any(map(ike_message, flow.samples[:4])):
        return "IKE to a gateway for calls over Wi-Fi: the client had looked up the operator's name for it"
    return None


def _whatsapp(flow: Flow) -> str | None:
    """Noise handshake behind WA, protocol versions, and a 3-byte length."""
    head = stream(flow, True).at(0, 16)
    start = 7 if head[:2] == b"ED" else 0
    if head[start : start + 2] == b"WA" or head[:4] == b"ED\x00\x01":
        return "WhatsApp handshake (Noise behind the letters WA)"
    return None


def _telegram(flow: Flow) -> str | None:
    """MTProto without obfuscation: abridged or intermediate transport whose lengths fit the segment."""
    first = flow.samples[0]
    d = first.data
    if d[:1] == b"\xef" and len(d) > 1:
        words = d[1] if d[1] < 0x7F else int.from_bytes(d[2:5], "little")
        fits = 4 * words + (2 if d[1] < 0x7F else 5) == first.size
        return "MTProto, abridged transport" if fits and words else None
    if d[:4] in _TELEGRAM and int.from_bytes(d[4:8], "little") + 8 == first.size:
        return "MTProto, intermediate transport"
    return None


def _bittorrent(flow: Flow) -> str | None:
    if flow.proto == TCP:
        found = any(s.data.startswith(_BITTORRENT) for s in flow.samples[:4])
        return "BitTorrent handshake" if found else None
    if any(s.data.startswith(_DHT) and s.data.endswith(b"e") for s in flow.samples[:4]):
        return "BitTorrent distributed hash table"
    if any(s.data[20:40] == _BITTORRENT for s in flow.samples[:8]):
        return "BitTorrent handshake in uTP"
    return None


def _ethereum(flow: Flow) -> str | None:
    """RLPx handshake: 2-byte size, then as many random bytes, in both directions (EIP-8); no sizes behind it."""
    firsts = [side(flow, up)[0] for up in (True, False) if side(flow, up)]
    if len(firsts) < 2 or flow.samples[0].data[:1] not in (b"\x01", b"\x02"):
        return None
    sizes = [int.from_bytes(s.data[:2], "big") for s in firsts]
    exact = sizes[0] + 2 == firsts[0].size and sizes[1] + 2 <= firsts[1].size
    framed = sum(int.from_bytes(s.data[:2], "big") + 2 == s.size for s in flow.samples)
    if (
        exact
        and framed <= 2
        and all(190 <= n <= 1000 for n in sizes)
        and all(looks_random(s.data[2:130]) for s in firsts)
    ):
        return "RLPx handshake of Ethereum: sizes in front of random bytes, both ways"
    return None


def _threema(flow: Flow) -> str | None:
    """Sizes of the client-to-server handshake: client hello, server hello, login (144 bytes, later with extensions)."""
    sizes = [(s.up, s.size) for s in heads(flow.samples)[:3]]
    if sizes[:2] == [(True, 48), (False, 80)] and len(sizes) > 2 and sizes[2][0] and 144 <= sizes[2][1] <= 512:
        return "Threema handshake by its sizes: 48 up, 80 down, 144 or more up"
    return None


def _webrtc(flow: Flow) -> str | None:
    """DTLS that keys media (use_srtp), or that follows STUN in the same flow: a call or a browser's data channel."""
    datagrams = [s.data for s in flow.samples[:16]]
    hello = next((h for d in datagrams if d[:1] == b"\x16" and (h := dtls.dtls_hello(d))), None)
    if hello is not None and (hello.srtp or any(map(stun.is_stun, datagrams))):
        return "DTLS of WebRTC: " + ("it negotiates keys for media" if hello.srtp else "STUN in the same flow")
    return None


_CALL = Rule(
    id="lookalike.wifi_calling",
    version=1,
    family="wifi_calling",
    kind="lookalike",
    confidence="name",
    protos=(UDP,),
    match=_wifi_calling,
    reference="3GPP TS 23.003 section 19.4.2.9, GSMA IR.51",
    priority=11,
)

RULES = (
    _CALL,
    replace(
        _CALL,
        id="lookalike.whatsapp",
        family="whatsapp",
        confidence="header",
        protos=(TCP,),
        match=_whatsapp,
        reference="WhatsApp Encryption Overview, https://www.whatsapp.com/security/; https://noiseprotocol.org/noise.html",
        first=_WHATSAPP,
        priority=17,
    ),
    replace(
        _CALL,
        id="lookalike.telegram",
        family="telegram",
        confidence="header",
        protos=(TCP,),
        match=_telegram,
        reference="https://core.telegram.org/mtproto/mtproto-transports",
        first=_TELEGRAM,
        priority=17,
    ),
    replace(
        _CALL,
        id="lookalike.bittorrent",
        family="bittorrent",
        confidence="header",
        protos=(TCP, UDP),
        match=_bittorrent,
        reference="BEP 3, BEP 5, BEP 29, https://www.bittorrent.org/beps/bep_0000.html",
        priority=17,
    ),
    replace(
        _CALL,
        id="lookalike.ethereum",
        family="ethereum",
        confidence="header",
        protos=(TCP,),
        match=_ethereum,
        reference="https://github.com/ethereum/devp2p/blob/master/rlpx.md, EIP-8",
        first=(b"\x00", b"\x01", b"\x02"),
        priority=47,
    ),
    replace(
        _CALL,
        id="lookalike.threema",
        family="threema",
        confidence="statistical",
        protos=(TCP,),
        match=_threema,
        reference="Threema Cryptography Whitepaper, client-server protocol, https://threema.ch/press-files/",
        priority=85,
    ),
    replace(
        _CALL,
        id="lookalike.webrtc",
        family="webrtc",
        confidence="header",
        match=_webrtc,
        reference="RFC 5764 section 4.1, RFC 8827, RFC 7983",
        priority=64,
    ),
)
