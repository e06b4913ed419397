"""Traffic that is taken for VPN or proxies and is not: Ethereum, Telegram, WhatsApp, BitTorrent, WebRTC, games."""

from __future__ import annotations

import struct

import _dtls
import _quic
import _stun
import _tls
from _dns import look_up, question
from _plain import http, innocents, web
from _plan import capture
from _wire import MS, Trace, Udp, noise, number
from _words import FULLY_ENCRYPTED, PLAIN, label
from scapy.layers.inet import TCP


@capture(
    "ethereum",
    "RLPx over TCP 30303 (random from the first byte) beside node discovery on the same port over UDP, which"
    " tells what it is",
    "devp2p: rlpx.md, discv4.md",
)
def ethereum(trace: Trace) -> None:
    innocents(trace)
    expected = label("ethereum")
    server = "203.0.113.120"
    udp = trace.udp(server, 30303, PLAIN, sport=30303)
    for i, kind in enumerate((1, 2, 3, 4)):
        ends = bytes.fromhex("cb84c000020a82765f82765f") + bytes.fromhex("c984cb00717882765f80")
        body = bytes([kind]) + b"\xe0\4" + ends + b"\x84" + struct.pack(">I", trace.now // 10**9 + 60)
        packet = noise((udp.tag, "hash", i), 32) + noise((udp.tag, "signature", i), 64) + b"\1" + body
        (udp.up if i % 2 == 0 else udp.down)(packet)
    tcp = trace.tcp(server, 30303, expected).open()
    tcp.up(struct.pack(">H", 399) + b"\4" + noise((tcp.tag, "auth"), 398))
    tcp.down(struct.pack(">H", 320) + b"\4" + noise((tcp.tag, "ack"), 319))
    for i in range(4):
        tcp.up(noise((tcp.tag, i), 16 + 16 + 16 * 12 + 16))
        tcp.down(noise((tcp.tag, i, "down"), 16 + 16 + 16 * 20 + 16))
    tcp.close()


@capture(
    "telegram",
    "MTProto: abridged (0xef) and intermediate (0xeeeeeeee) transport in clear; the obfuscated transport looks"
    " fully encrypted and may only be suspected",
    "core.telegram.org/mtproto/mtproto-transports",
    "nDPI telegram.pcap",
)
def telegram(trace: Trace) -> None:
    innocents(trace)
    expected = label("telegram")
    abridged = trace.tcp("203.0.113.121", 443, expected).open()
    abridged.up(b"\xef\x0a" + mtproto(abridged.tag, 20))
    abridged.down(b"\x15" + mtproto((abridged.tag, "down"), 64))
    for i in range(4):
        abridged.up(b"\x1e" + noise((abridged.tag, i), 120))
        abridged.down(b"\x40" + noise((abridged.tag, i, "down"), 256))
    abridged.close()
    intermediate = trace.tcp("203.0.113.121", 5222, expected).open()
    intermediate.up(b"\xee\xee\xee\xee" + struct.pack("<I", 40) + mtproto(intermediate.tag, 20))
    intermediate.down(struct.pack("<I", 84) + mtproto((intermediate.tag, "down"), 64))
    intermediate.close()
    hidden = trace.tcp("203.0.113.122", 443, FULLY_ENCRYPTED).open()
    hidden.up(noise((hidden.tag, "init"), 64) + noise((hidden.tag, "first"), 105))
    for i in range(4):
        hidden.down(noise((hidden.tag, i, "down"), 300))
        hidden.up(noise((hidden.tag, i), 140))
    hidden.close()


def mtproto(tag: object, size: int) -> bytes:
    """An unencrypted MTProto message: zero key id, message id, length, body."""
    return bytes(8) + struct.pack("<Q", 0x6553F1B000000000) + struct.pack("<I", size) + noise(tag, size)


@capture(
    "whatsapp",
    "Noise over TCP with the WA prologue and client hello in clear; a call over STUN with the same service's ports",
    "public descriptions of the protocol",
    "nDPI whatsapp_login_chat.pcap",
)
def whatsapp(trace: Trace) -> None:
    innocents(trace)
    look_up(trace, "g.whatsapp.net", "203.0.113.123")
    tcp = trace.tcp("203.0.113.123", 5222, label("whatsapp")).open()
    tcp.up(b"WA\6\3" + (36).to_bytes(3, "big") + b"\x12\x22\x0a\x20" + noise((tcp.tag, "ephemeral"), 32))
    tcp.down((310).to_bytes(3, "big") + b"\x1a\xb3\2\x0a\x20" + noise((tcp.tag, "server"), 305))
    for i in range(5):
        tcp.up((80 + i).to_bytes(3, "big") + noise((tcp.tag, i), 80 + i))
        tcp.down((140 + i).to_bytes(3, "big") + noise((tcp.tag, i, "down"), 140 + i))
    tcp.close()


@capture(
    "bittorrent",
    "a clear handshake, DHT, uTP, and an encrypted (MSE) connection to a peer, which its neighbours explain",
    "BEP 3, 5, 29; Message Stream Encryption",
    "nDPI bittorrent.pcap",
)
def bittorrent(trace: Trace) -> None:
    innocents(trace)
    expected = label("bittorrent")
    dht = trace.udp("203.0.113.124", 6881, expected, sport=6881)
    ident, wanted = noise("node", 20), noise("wanted", 20)
    dht.up(b"d1:ad2:id20:" + ident + b"9:info_hash20:" + wanted + b"e1:q9:get_peers1:t2:aa1:y1:qe")
    dht.down(
        b"d1:rd2:id20:" + noise("node 2", 20) + b"5:nodes26:" + noise("nodes", 26) + b"5:token4:abcde1:t2:aa1:y1:re"
    )
    tcp = trace.tcp("203.0.113.125", 6881, expected).open()
    for up in (True, False):
        tcp.message(
            up, b"\x13BitTorrent protocol" + bytes(5) + b"\x10\0\5" + wanted + b"-EX0001-" + noise((up, "peer"), 12)
        )
    for i in range(4):
        tcp.up(struct.pack(">IBIII", 13, 6, i, 0, 16_384))
        tcp.down(struct.pack(">IBII", 9 + 1200, 7, i, 0) + noise((tcp.tag, i), 1200))
    tcp.close()
    utp(trace.udp("203.0.113.126", 51_413, expected, sport=6881), wanted)
    sealed = trace.tcp("203.0.113.127", 51_413, label("bittorrent", "statistical")).open()
    sealed.up(noise((sealed.tag, "dh"), 96 + 211))
    sealed.down(noise((sealed.tag, "dh 2"), 96 + 407))
    for i in range(4):
        sealed.up(noise((sealed.tag, i), 68 + i * 17))
        sealed.down(noise((sealed.tag, i, "down"), 1300))
    sealed.close()


def utp(flow: Udp, wanted: bytes) -> None:
    """uTP: SYN, STATE, DATA with a BitTorrent handshake."""

    def head(kind: int, sequence: int, acknowledged: int) -> bytes:
        stamp = flow.t // 1000 % 2**32
        return struct.pack(
            ">BBHIIIHH", kind << 4 | 1, 0, 0x3A01 + (kind != 4), stamp, 20_000, 65_535, sequence, acknowledged
        )

    hello = b"\x13BitTorrent protocol" + bytes(8) + wanted + b"-EX0001-" + noise("utp peer", 12)
    flow.up(head(4, 1, 0))
    flow.down(head(2, 100, 1))
    flow.up(head(0, 2, 99) + hello)
    flow.down(head(0, 100, 2) + hello)
    flow.up(head(2, 3, 100))


def rtp(flow: Udp, up: bool, sequence: int, size: int, kind: int = 111) -> None:
    """An SRTP packet."""
    source = noise((flow.tag, "ssrc", up), 4)
    data = struct.pack(">BBHI", 0x80, kind, sequence, 960 * sequence) + source + noise((flow.tag, up, sequence), size)
    (flow.up if up else flow.down)(data)


@capture(
    "webrtc",
    "a call: STUN checks, DTLS handshake, SRTP media; a DTLS game server on UDP 443 without TLS beside it",
    "RFC 8827, 5764",
    "zeek tls_webrtc-stun.pcap",
)
def webrtc(trace: Trace) -> None:
    innocents(trace)
    look_up(trace, "stun.example.net", "203.0.113.46")
    port = trace.port()
    _stun.binding(trace.udp("203.0.113.46", 3478, PLAIN, sport=port))
    call = trace.udp("203.0.113.128", 50_004, label("webrtc"), sport=port)
    _stun.checks(call, "Webr", "Call")
    _dtls.full(call, (), more=_tls.extension(14, b"\0\4\0\1\0\7\0"))
    for i in range(20):
        rtp(call, i % 2 == 0, 700 + i // 2, 90 + number((call.tag, i), 0, 60))
    game = trace.udp("203.0.113.129", 443, PLAIN)
    _dtls.full(game, (60, -90) * 6)


@capture(
    "quic-openvpn-like",
    "QUIC whose first bytes fall on OpenVPN opcodes, DNS answers of such a length, a game on UDP 1194: no label",
    "RFC 9000; published false positives of public rule sets",
)
def quic_openvpn_like(trace: Trace) -> None:
    innocents(trace)
    _quic.session(trace.udp("203.0.113.80", 1194), "static.example.net", (300, -1200, 40, -800, 38, -90, 41, -700))
    dns = trace.udp("198.51.100.53", 53)
    dns.up(struct.pack(">H", 0x3801) + question("a.example", 1)[2:])
    game = trace.udp("203.0.113.90", 1194, PLAIN)
    for i in range(12):
        game.up(struct.pack("<BI", 0x38, i) + b"pos=%03d,%03d;look=%02d" % (i * 7, i * 3, i))
        game.down(struct.pack("<BI", 0x40, i) + b"tick %05d players 12" % (i * 50))


@capture(
    "port-guesses",
    "ordinary traffic on ports known for VPNs and proxies: web on 1194 and 1080, HTTP on 1723 and 8080, text on"
    " 51820, noise-free UDP on 500 and 4500, a scan: no label",
    "none needed: a port proves nothing",
)
def port_guesses(trace: Trace) -> None:
    innocents(trace)
    for port in (1194, 1080, 9001):
        _tls.session(trace.tcp("203.0.113.80", port), "www.example.com", (310, -700))
    for port in (1723, 3128):
        tcp = trace.tcp("203.0.113.81", port).open()
        tcp.up(b"GET / HTTP/1.1\r\nHost: files.example.com\r\n\r\n")
        tcp.down(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        tcp.close()
    for port in (51820, 500, 4500, 1701, 41641, 9993, 655, 2408):
        udp = trace.udp("203.0.113.91", port)
        for i in range(3):
            udp.up(b"sensor=%d value=%d.%d\n" % (port, i, i))
            udp.down(b"ok %d\n" % i)
    for port in (22, 443, 1194, 1723, 3128, 8388, 9001):
        probe = trace.tcp("203.0.113.92", port)
        probe.segment(True, "S")
        probe.send(False, reset_of(probe))


def reset_of(probe: object) -> TCP:
    """A refusal of a SYN."""
    return TCP(sport=probe.dport, dport=probe.sport, seq=0, ack=probe.seq[True], flags="RA", window=0)  # type: ignore[attr-defined]


@capture(
    "plain-mix",
    "an hour of ordinary use: web over TLS, QUIC and HTTP, mail, SSH, a video call's media, a file sync; no label",
    "RFC 9110, 8446, 9000, 5321, 4253, 3550",
)
def plain_mix(trace: Trace) -> None:
    innocents(trace)
    for i in range(3):
        web(trace, f"site{i}.example.com", client=f"192.0.2.{20 + i}")
    _quic.session(trace.udp("203.0.113.80", 443), "static.example.net")
    http(trace)
    mail(trace)
    ssh = trace.tcp("203.0.113.86", 22).open()
    for up in (True, False):
        ssh.message(up, b"SSH-2.0-OpenSSH_9.2p1\r\n")
    for i in range(6):
        ssh.message(i % 2 == 0, kexinit(i) if i < 2 else new_keys() if i < 4 else noise((ssh.tag, i), 64))
    ssh.close()
    media = trace.udp("203.0.113.87", 40_000)
    for i in range(10):
        rtp(media, i % 2 == 0, 1000 + i, 160, 0)
        media.wait(20 * MS)


def kexinit(i: int) -> bytes:
    """An SSH key exchange offer (RFC 4253, 7.1)."""
    offers = ("curve25519-sha256", "ssh-ed25519", *("aes128-ctr",) * 2, *("hmac-sha2-256",) * 2, "none", "none", "", "")
    names = b"".join(struct.pack(">I", len(n)) + n.encode() for n in offers)
    return ssh_packet(b"\x14" + noise(("cookie", i), 16) + names + bytes(5))


def new_keys() -> bytes:
    """SSH_MSG_NEWKEYS."""
    return ssh_packet(b"\x15")


def ssh_packet(payload: bytes) -> bytes:
    """An unencrypted SSH packet, padded to eight bytes."""
    padding = 4 + -(len(payload) + 9) % 8
    return struct.pack(">IB", 1 + len(payload) + padding, padding) + payload + bytes(padding)


def mail(trace: Trace) -> None:
    """SMTP that turns to TLS."""
    tcp = trace.tcp("203.0.113.85", 587).open()
    tcp.down(b"220 mail.example.com ESMTP\r\n")
    tcp.up(b"EHLO client.example.com\r\n")
    tcp.down(b"250-mail.example.com\r\n250 STARTTLS\r\n")
    tcp.up(b"STARTTLS\r\n")
    tcp.down(b"220 go ahead\r\n")
    _tls.open_13(tcp, _tls.client_hello("mail.example.com", tcp.tag, alpn=()))
    _tls.talk(tcp, (60, -90, 900, -70))
    tcp.close()
