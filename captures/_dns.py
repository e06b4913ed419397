"""DNS messages and look-ups (RFC 1035, RFC 7858) with scapy's DNS layer."""

from __future__ import annotations

import ipaddress
from typing import Any

from _wire import MS, PLAIN, Trace, Udp, number
from scapy.layers.dns import DNS, DNSQR, DNSRR, DNSRROPT

RESOLVER = "198.51.100.53"


def question(name: str, ident: int, kind: str = "A", *, edns: int = 0) -> bytes:
    """A query with recursion desired; `edns` = UDP payload size of an OPT record."""
    extra = [DNSRROPT(rclass=edns)] if edns else []
    return bytes(DNS(id=ident, rd=1, qd=[DNSQR(qname=name, qtype=kind)], an=[], ns=[], ar=extra))


def answer(name: str, ident: int, value: Any, kind: str = "A", *, rcode: int = 0, ttl: int = 300) -> bytes:
    """A response with one record, or none where `value` is empty."""
    records = [DNSRR(rrname=name, type=kind, ttl=ttl, rdata=value)] if value else []
    return bytes(
        DNS(id=ident, qr=1, rd=1, ra=1, rcode=rcode, qd=[DNSQR(qname=name, qtype=kind)], an=records, ns=[], ar=[])
    )


def look_up(trace: Trace, name: str, address: str, *, resolver: str = RESOLVER, **ends: Any) -> Udp:
    """A question over UDP and its answer; the clock moves past both."""
    flow = trace.udp(resolver, 53, PLAIN, **ends)
    ident = number((trace.name, name, flow.sport), 1, 65_535)
    kind = "AAAA" if address and ipaddress.ip_address(address).version == 6 else "A"
    flow.up(question(name, ident, kind))
    flow.down(answer(name, ident, address, kind))
    trace.pause(40 * MS)
    return flow
