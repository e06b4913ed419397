"""Labels that need other flows: channels beside their control connection, siblings, continuations, dated lists.

Works on a batch of flows; what later batches may need is kept in the Context, within bounds.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import Generic, TypeVar

from analyzer.capture.dissect import dtls, stun
from analyzer.capture.lists import AddressList, Index, days_apart, lookalikes
from analyzer.capture.records import Flow, Label, Mark
from analyzer.capture.rules._bytes import GRE, TCP, UDP

_HOUR = 3600 * 10**9
_SHORT = 10 * 60 * 10**9
_FRESH, _STALE = 30, 365  # days between list and flow: beyond the first it is suspicion, beyond the second no use
_MOST = 1 << 16  # entries of each memory

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class _Memory(OrderedDict[K, V], Generic[K, V]):
    """A mapping that forgets its oldest entries."""

    def keep(self, key: K, value: V) -> None:
        self[key] = value
        self.move_to_end(key)
        if len(self) > _MOST:
            self.popitem(last=False)


Pair = tuple[bytes, bytes]
End = tuple[bytes, int]
Ends = tuple[int, End, End]


class Context:
    """What was learnt of hosts and connections so far, within bounds; addresses stay in memory and die with it."""

    def __init__(self, lists: Iterable[AddressList] = ()) -> None:
        """`lists`: dated address lists of the user; raises BadInput where one cannot be read."""
        self.lists = Index(lists)
        self.labelled: _Memory[Ends, Label] = _Memory()
        self.tls: _Memory[tuple[bytes, End], int] = _Memory()  # (client, gateway) -> start of a TLS session
        self.dtls: _Memory[tuple[bytes, End], int] = _Memory()
        self.pairs: _Memory[tuple[str, Pair], int] = _Memory()  # (family, hosts) -> start
        self.servers: _Memory[tuple[str, End], int] = _Memory()  # (family, end) -> start
        self.named: _Memory[tuple[bytes, End], tuple[int, Label]] = _Memory()
        self.apis: _Memory[bytes, tuple[int, str]] = _Memory()  # client -> when it used the API of a provider
        self.peers: _Memory[bytes, frozenset[Ends]] = _Memory()  # two flows of hosts that speak BitTorrent


def relate(flows: Sequence[Flow], labels: Sequence[Label | None], context: Context) -> list[Label | None]:
    """The labels with those added or changed that other flows of this or an earlier batch give reason for."""
    for flow, found in zip(flows, labels, strict=True):
        _remember(flow, found, context)
    out = [_related(flow, found, context) for flow, found in zip(flows, labels, strict=True)]
    for flow, found in zip(flows, out, strict=True):
        if found is not None and found.confidence != "statistical":
            context.labelled.keep(_ends(flow), found)
    return out


def _ends(flow: Flow) -> Ends:
    low, high = sorted(((flow.src, flow.sport), (flow.dst, flow.dport)))
    return flow.proto, low, high


def _pair(flow: Flow) -> Pair:
    low, high = sorted((flow.src, flow.dst))
    return low, high


def _listening(flow: Flow) -> list[End]:
    """The server's end; both where the capture began too late to tell."""
    ends = [(flow.dst, flow.dport), (flow.src, flow.sport)]
    return ends if Mark.MID_STREAM in flow.marks or Mark.ONE_WAY in flow.marks else ends[:1]


def _remember(flow: Flow, found: Label | None, context: Context) -> None:
    gateway = (flow.src, (flow.dst, flow.dport))
    if flow.hello is not None and flow.hello.transport == "tls" and "stun.turn" not in flow.hello.alpn:
        context.tls.keep(gateway, flow.first)
    if _is_dtls_channel(flow, found):
        context.dtls.keep(gateway, flow.first)
    if found is None:
        return
    if found.family in ("pptp", "tinc", "wifi_calling"):
        context.pairs.keep((found.family, _pair(flow)), flow.first)
    if found.rule in ("tinc.meta", "ultrasurf.opening"):
        for end in _listening(flow):
            context.servers.keep((found.family, end), flow.first)
    if found.confidence == "name" and found.kind in ("tunnel", "proxy"):
        context.named.keep(gateway, (flow.first, found))
    if found.family == "vpn_api" and found.provider:
        start, provider = context.apis.get(flow.src, (0, found.provider))
        alone = provider == found.provider or abs(flow.first - start) > _SHORT
        context.apis.keep(flow.src, (flow.first, found.provider if alone else ""))
    if found.family == "bittorrent":
        for host in (flow.src, flow.dst):
            known = context.peers.get(host, frozenset())
            context.peers.keep(host, known if len(known) > 1 else known | {_ends(flow)})


def _is_dtls_channel(flow: Flow, found: Label | None) -> bool:
    """DTLS hellos both ways without media and without STUN: what a VPN gateway's data channel looks like."""
    if flow.proto != UDP or (found is not None and found.rule != "anyconnect.old_dtls"):
        return False
    if found is not None:
        return True
    if flow.hello is None or flow.hello.transport != "dtls" or any(stun.is_stun(s.data) for s in flow.samples[:8]):
        return False
    return any(not s.up and dtls.is_dtls(s.data) for s in flow.samples[:8])


def _related(flow: Flow, found: Label | None, context: Context) -> Label | None:
    if not flow.samples:
        return found
    for relation in _RELATIONS:
        if (better := relation(flow, found, context)) is not None:
            return better
    return found


def _is_open(found: Label | None) -> bool:
    """No label yet, or only a suspicion."""
    return found is None or found.confidence == "statistical"


def _continued(flow: Flow, found: Label | None, context: Context) -> Label | None:
    """A later record of a connection that was labelled at its start."""
    if not _is_open(found) or not flow.marks & (Mark.CONTINUED | Mark.MID_STREAM):
        return None
    before = context.labelled.get(_ends(flow))
    if before is None or (Mark.CONTINUED not in flow.marks and flow.proto == UDP):
        return None
    return before._replace(rule="relation.continued", reason=f"continues a flow labelled by {before.rule}")


def _anyconnect(flow: Flow, found: Label | None, context: Context) -> Label | None:
    """TLS and a DTLS channel of one client to one gateway and port, begun within ten minutes."""
    if not _is_open(found) or (flow.hello is None and found is None):
        return None
    gateway = (flow.src, (flow.dst, flow.dport))
    over_tls, over_udp = context.tls.get(gateway), context.dtls.get(gateway)
    if over_tls is None or over_udp is None or abs(over_udp - over_tls) > _SHORT:
        return None
    if abs(flow.first - over_udp) > _HOUR or (flow.proto == UDP and not _is_dtls_channel(flow, found)):
        return None
    reason = "TLS and a DTLS channel of one client to the same gateway and port, as AnyConnect and OpenConnect use them"
    return Label("anyconnect", "", "tunnel", "header", "relation.anyconnect", reason)


def _pptp(flow: Flow, found: Label | None, context: Context) -> Label | None:
    if flow.proto != GRE or (found is not None and found.family != "gre"):
        return None
    data = flow.samples[0].data
    if ("pptp", _pair(flow)) not in context.pairs or len(data) < 2 or data[1] & 0x07 != 1:
        return None
    return Label("pptp", "", "tunnel", "header", "relation.pptp", "GRE version 1 beside a PPTP control connection")


def _tinc(flow: Flow, found: Label | None, context: Context) -> Label | None:
    """Datagrams between hosts of a meta connection, at the port that one of them listens on."""
    if flow.proto != UDP or not _is_open(found) or ("tinc", _pair(flow)) not in context.pairs:
        return None
    if any(("tinc", end) in context.servers for end in ((flow.src, flow.sport), (flow.dst, flow.dport))):
        return Label("tinc", "", "tunnel", "header", "relation.tinc", "datagrams beside a tinc meta connection")
    return None


def _ultrasurf(flow: Flow, found: Label | None, context: Context) -> Label | None:
    """Connections to the server of a flow that opened as UltraSurf does, within ten minutes."""
    if flow.proto != TCP or not _is_open(found):
        return None
    for end in ((flow.dst, flow.dport), (flow.src, flow.sport)):
        start = context.servers.get(("ultrasurf", end))
        if start is not None and abs(flow.first - start) <= _SHORT:
            said = "same server and port as a flow with UltraSurf's opening bytes, within ten minutes"
            return Label("ultrasurf", "Ultrasurf", "proxy", "header", "relation.ultrasurf", said)
    return None


def _sibling(flow: Flow, found: Label | None, context: Context) -> Label | None:
    """No name was to be seen, but the same client named a tunnel or proxy at this server and port within an hour."""
    if flow.proto != TCP or not _is_open(found) or (flow.hello is not None and flow.hello.name):
        return None
    start, named = context.named.get((flow.src, (flow.dst, flow.dport)), (0, None))
    if named is None or abs(flow.first - start) > _HOUR:
        return None
    return named._replace(
        rule="relation.sibling", reason=f"same client, server and port as a flow labelled by {named.rule}"
    )


def _lookalike(flow: Flow, found: Label | None, context: Context) -> Label | None:
    """What explains a suspicion or an IPsec label away: BitTorrent, a messenger's own network, Wi-Fi calling."""
    if found is not None and found.family == "ipsec" and ("wifi_calling", _pair(flow)) in context.pairs:
        said = "IPsec to a gateway that the client uses for calls over Wi-Fi"
        return Label("wifi_calling", "", "lookalike", "name", "relation.wifi_calling", said)
    if found is None or found.family != "fully_encrypted":
        return None
    for published in lookalikes().holding(flow.dst):
        said = f"fully random payload to {published.name}"
        return Label(published.family, "", "lookalike", "dated_list", "relation.published_network", said)
    if any(len(context.peers.get(host, ())) > 1 for host in (flow.src, flow.dst)):
        said = "fully random payload beside BitTorrent of the same host: its obfuscated handshake"
        return Label("bittorrent", "", "lookalike", "statistical", "relation.bittorrent", said)
    return None


def _listed(flow: Flow, found: Label | None, context: Context) -> Label | None:
    """A dated list names the provider of a tunnel proved by its handshake, or what stands behind plain TLS."""
    if not context.lists:
        return None
    for one in context.lists.holding(flow.dst):
        days = days_apart(one, flow.first)
        if abs(days) <= _STALE and (better := _by_list(flow, found, one, days)) is not None:
            return better
    return None


def _after_api(flow: Flow, found: Label | None, context: Context) -> Label | None:
    """A tunnel proved by its header, from a client that used the API of one provider in the ten minutes before."""
    if found is None or found.provider or found.kind != "tunnel" or found.confidence != "header":
        return None
    start, provider = context.apis.get(flow.src, (0, ""))
    if not provider or not 0 <= flow.first - start <= _SHORT or found.family not in ("wireguard", "openvpn", "ipsec"):
        return None
    return found._replace(
        provider=provider, reason=f"{found.reason}; the client used the API of {provider} just before"
    )


def _by_list(flow: Flow, found: Label | None, one: AddressList, days: int) -> Label | None:
    said = f"address on {one.name} of {one.date}" + (_age(days) if abs(days) > _FRESH else "")
    if found is not None and found.confidence != "statistical":
        fits = (
            found.kind in ("tunnel", "proxy", "anonymity") and not found.provider and one.family in ("", found.family)
        )
        return (
            found._replace(provider=one.provider, reason=f"{found.reason}; {said}") if fits and one.provider else None
        )
    if one.family not in _OVER_TLS or flow.hello is None or flow.hello.transport == "dtls" or flow.hello.alpn:
        return None
    sure = abs(days) <= _FRESH
    kind, handshake = _OVER_TLS[one.family], "and a TLS handshake without application protocol"
    confidence = "dated_list" if sure else "statistical"
    return Label(one.family, one.provider, kind, confidence, "relation.listed", f"{said}, {handshake}")  # type: ignore[arg-type]


def _age(days: int) -> str:
    return f" ({abs(days)} days {'older' if days > 0 else 'newer'} than the flow)"


_OVER_TLS = {"tor": "anonymity", "vpn_tls": "tunnel", "psiphon": "proxy", "lantern": "proxy", "sstp": "tunnel"}

_RELATIONS: tuple[Callable[[Flow, Label | None, Context], Label | None], ...] = (
    _continued,
    _anyconnect,
    _pptp,
    _tinc,
    _ultrasurf,
    _sibling,
    _lookalike,
    _listed,
    _after_api,
)
