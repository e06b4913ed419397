"""A capture built to known shares: 40 clients, four hours around a block that begins at 23:00 UTC.

`mix.flows.csv` labels every flow; `mix.shares.csv`, `mix.requests.csv` and `mix.resolvers.csv` state what must come out
when the flows are counted by hour (flow start), family, service, outcome and resolver.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Any

import _quic
import _tls
from _dns import answer, question
from _files import table
from _on_ipsec import ikev2
from _on_openvpn import data, start, tls_auth
from _on_openvpn import negotiate as negotiate_openvpn
from _on_wireguard import session
from _plan import capture
from _wire import HOUR, MS, SECOND, START, Tcp, Trace, number
from _words import FULLY_ENCRYPTED, PLAIN, Label, label

TOTAL = 720_000  # IP bytes of the whole capture, exactly
HOURS = 4
SERVICES = {
    "x": ("x.com", "203.0.113.201"),
    "facebook": ("www.facebook.com", "203.0.113.202"),
    "youtube": ("www.youtube.com", "203.0.113.203"),
}
# outcome of a request by hour, for each service: before the block, its onset, its second hour's methods, restored
OUTCOMES = {
    "x": ("answered", "reset", "no_answer", "answered"),
    "facebook": ("answered", "answered", "redirected", "answered"),
    "youtube": ("answered", "answered", "answered", "answered"),
}
# clients of each family by hour
USERS = {
    "wireguard": (10, 12, 14, 12),
    "openvpn": (2, 11, 12, 10),
    "ipsec": (1, 2, 3, 2),
    "socks": (0, 2, 2, 1),
    "tor": (1, 3, 4, 2),
    "fully_encrypted": (0, 2, 3, 1),
}
# The only addresses outside the documentation ranges: public resolvers are known by their address.
RESOLVERS = {"google": "8.8.8.8", "cloudflare": "1.1.1.1", "quad9": "9.9.9.9", "other": "198.51.100.53"}
ENCRYPTED = {"dot": ("dns.google", "8.8.8.8", "google"), "doh": ("cloudflare-dns.com", "1.1.1.1", "cloudflare")}

Counts = dict[tuple[Any, ...], list[Any]]


class Ledger:
    """What was put in, by hour."""

    def __init__(self) -> None:
        self.requests: Counts = defaultdict(lambda: [0, set()])
        self.resolvers: Counts = defaultdict(lambda: [0, set()])

    def request(self, hour: int, service: str, outcome: str, client: str) -> None:
        entry = self.requests[stamp(hour), service, outcome]
        entry[0] += 1
        entry[1].add(client)

    def resolver(self, hour: int, name: str, transport: str, client: str, count: int = 1) -> None:
        entry = self.resolvers[stamp(hour), name, transport]
        entry[0] += count
        entry[1].add(client)


def stamp(hour: int) -> str:
    """The start of an hour of the capture, ISO 8601, UTC."""
    from datetime import datetime, timedelta

    return (datetime(2023, 11, 14, 22) + timedelta(hours=hour)).isoformat(sep=" ")


def client(i: int) -> str:
    return f"192.0.2.{1 + i}"


def at(trace: Trace, hour: int, i: int, offset: int) -> None:
    """Move the clock: client `i` acts once in its minute of the hour."""
    trace.now = START + hour * HOUR + (60 + 75 * i + offset) * SECOND


def socks(trace: Trace, who: str) -> None:
    tcp = trace.tcp("203.0.113.60", 1080, label("socks"), client=who).open()
    for up, message in (
        (True, b"\5\1\0"),
        (False, b"\5\0"),
        (True, b"\5\1\0\3\x0fwww.example.com\0\x50"),
        (False, b"\5\0\0\1" + bytes(6)),
    ):
        tcp.message(up, message)
    tcp.up(b"GET / HTTP/1.1\r\nHost: www.example.com\r\n\r\n")
    tcp.down(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n" + b"x" * 500)
    tcp.close()


def tor(trace: Trace, who: str) -> None:
    from _on_anonymity import TOR_CIPHERS, cells, random_host

    tcp = trace.tcp("203.0.113.41", 9001, label("tor"), client=who).open()
    hello = _tls.client_hello(
        random_host(tcp.tag, ".com"), tcp.tag, tls13=False, alpn=(), ciphers=TOR_CIPHERS, pad_to=0
    )
    der = _tls.certificate(random_host((tcp.tag, "subject"), ".net"), random_host((tcp.tag, "issuer"), ".com"))
    _tls.open_12(tcp, hello, [der])
    _tls.talk(tcp, (35, -900, cells(1), -cells(1), cells(1), -cells(1)))
    tcp.close()


def shadowsocks(trace: Trace, who: str) -> None:
    from _on_proxies import random_stream

    tcp = trace.tcp("203.0.113.60", 8388, FULLY_ENCRYPTED, client=who).open()
    random_stream(tcp, 602, (-1400, 114, 334, -1234, 124, -700))
    tcp.close()


def openvpn(trace: Trace, who: str) -> None:
    made = start(trace.udp("203.0.113.94", 1194, label("openvpn"), client=who), tls_auth)
    negotiate_openvpn(made)
    data(made, 4)


TOOLS: dict[str, Callable[[Trace, str], object]] = {
    "wireguard": lambda trace, who: session(trace, "203.0.113.51", 51820, client=who, count=4),
    "openvpn": openvpn,
    "ipsec": lambda trace, who: ikev2(trace, "203.0.113.5", label("ipsec"), client=who, count=3),
    "socks": socks,
    "tor": tor,
    "fully_encrypted": shadowsocks,
}


def ask(trace: Trace, ledger: Ledger, hour: int, i: int) -> None:
    """A look-up in clear; in the third hour every seventh answer for x.com is a name error."""
    name, (resolver, address) = client(i), list(RESOLVERS.items())[min(3, i % 6)]
    flow = trace.udp(address, 53, PLAIN, client=name)
    ident = number((hour, i), 1, 65_535)
    blocked = hour == 2 and i % 7 == 0
    flow.up(question("x.com" if blocked else f"www{i}.example.com", ident))
    flow.down(
        answer(
            "x.com" if blocked else f"www{i}.example.com", ident, "" if blocked else "203.0.113.80", rcode=3 * blocked
        )
    )
    ledger.resolver(hour, resolver, "udp", name)
    if blocked:
        ledger.request(hour, "x", "failed", name)


def ask_encrypted(trace: Trace, ledger: Ledger, hour: int, i: int) -> None:
    """DNS over TLS or HTTPS."""
    kind = ("dot", "doh")[i % 2]
    name, address, resolver = ENCRYPTED[kind]
    provider = {"google": "Google Public DNS", "cloudflare": "Cloudflare"}[resolver]
    expected = label(kind, "header" if kind == "dot" else "name", provider)
    alpn, port = (("dot",), 853) if kind == "dot" else (("h2",), 443)
    tcp = trace.tcp(address, port, expected, client=client(i)).open()
    _tls.open_13(tcp, _tls.client_hello(name, tcp.tag, alpn=alpn, pad_to=0), flight=300)
    _tls.talk(tcp, (60, -140))
    tcp.close()
    ledger.resolver(hour, resolver, kind, client(i))


def request(trace: Trace, ledger: Ledger, hour: int, i: int, service: str) -> None:
    """A request to a platform with the outcome of the hour."""
    outcome = OUTCOMES[service][hour]
    name, address = SERVICES[service]
    ledger.request(hour, service, outcome, client(i))
    if outcome == "redirected":
        redirected(trace.tcp(address, 80, client=client(i)).open(), name)
        return
    if service == "youtube":
        _quic.session(trace.udp(address, 443, client=client(i)), name, (200, -700))
        return
    tcp = trace.tcp(address, 443, client=client(i)).open()
    hello = _tls.client_hello(name, tcp.tag, pad_to=0)
    if outcome == "answered":
        _tls.open_13(tcp, hello, flight=300)
        _tls.talk(tcp, (200, -400))
        tcp.close()
        return
    unanswered(tcp, _tls.hello_record(hello), outcome)


def redirected(tcp: Tcp, name: str) -> None:
    """HTTP that is sent to a block page."""
    tcp.up(f"GET / HTTP/1.1\r\nHost: {name}\r\n\r\n".encode())
    tcp.down(b"HTTP/1.1 302 Found\r\nLocation: http://blocked.example/\r\nContent-Length: 0\r\n\r\n")
    tcp.close()


def unanswered(tcp: Tcp, hello: bytes, outcome: str) -> None:
    """A ClientHello met by a reset, or by silence and repeated."""
    before = tcp.seq[True]
    tcp.up(hello)
    if outcome == "reset":
        tcp.reset()
        return
    for wait in (300, 600, 1200):
        tcp.seq[True] = before
        tcp.wait(wait * MS)
        tcp.up(hello)


def hour_of(trace: Trace, ledger: Ledger, hour: int) -> None:
    """Everything that happens in one hour."""
    for i in range(30):
        at(trace, hour, i, 0)
        ask(trace, ledger, hour, i)
    for i in range(14):
        at(trace, hour, i, 5)
        request(trace, ledger, hour, i, ("x", "facebook", "youtube")[i % 3] if i >= 12 else "x")
        at(trace, hour, i, 15)
        request(trace, ledger, hour, i, "facebook" if i % 3 else "youtube")
    for i in range(30, 30 + 4 + hour):
        at(trace, hour, i, 8)
        ask_encrypted(trace, ledger, hour, i)
    first = 0
    for family, counts in USERS.items():
        shift = 4 * hour if family == "ipsec" else 0  # fixed ports: another client each hour makes another flow
        for i in range(first + shift, first + shift + counts[hour]):
            at(trace, hour, i % 40, 30)
            TOOLS[family](trace, client(i % 40))
        first += 12


def fill(trace: Trace) -> None:
    """Ordinary TLS downloads until the capture holds TOTAL bytes exactly."""
    missing = TOTAL - sum(flow.bytes for flow in trace.flows)
    share = missing // 6
    for i in range(6):
        at(trace, i % HOURS, 20 + i, 45)
        tcp = trace.tcp("203.0.113.80", 443, client=client(20 + i)).open()
        _tls.open_13(tcp, _tls.client_hello("downloads.example.com", tcp.tag))
        last = i == 5
        download(tcp, missing - 5 * share if last else share)


def download(tcp: Tcp, target: int) -> None:
    """Records on an open connection until the flow holds `target` bytes, the last as long as is needed."""
    while tcp.bytes < target:
        size = min(1400, target - tcp.bytes - 40)
        if target - tcp.bytes - 40 - size < 50 and size == 1400:
            size -= 100
        tcp.segment(False, "A", _tls.app((tcp.tag, tcp.bytes), size - 5))


def shares(trace: Trace) -> str:
    """Flows, clients and bytes by hour of the flow's start and family."""
    cells: Counts = defaultdict(lambda: [0, set(), 0, 0])
    for flow in trace.flows:
        entry = cells[(stamp(int((flow.first - START) // HOUR)), *flow.expected)]
        entry[0] += 1
        entry[1].add(flow.client)
        entry[2] += flow.packets
        entry[3] += flow.bytes
    columns = ["hour", *Label._fields, "flows", "clients", "packets", "bytes", "byte_share"]
    rows = (
        (*key, n, len(who), packets, size, f"{size / TOTAL:.6f}")
        for key, (n, who, packets, size) in sorted(cells.items())
    )
    return table(columns, rows)


def counted(columns: list[str], counts: Counts) -> str:
    """Counts with distinct clients."""
    return table(columns, ((*key, n, len(who)) for key, (n, who) in sorted(counts.items())))


@capture(
    "mix",
    "four hours, 40 clients, 720,000 IP bytes exactly: families, platform requests of every outcome, resolvers; see"
    " mix.shares.csv, mix.requests.csv, mix.resolvers.csv",
    "the modules of the families",
    "",
)
def mix(trace: Trace) -> dict[str, bytes]:
    ledger = Ledger()
    for hour in range(HOURS):
        hour_of(trace, ledger, hour)
    fill(trace)
    return {
        "mix.shares.csv": shares(trace).encode(),
        "mix.requests.csv": counted(["hour", "service", "outcome", "flows", "clients"], ledger.requests).encode(),
        "mix.resolvers.csv": counted(
            ["hour", "resolver", "transport", "queries", "clients"], ledger.resolvers
        ).encode(),
    }
