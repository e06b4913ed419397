"""Encrypted DNS, reported apart from VPNs: DNSCrypt, DoT, DoQ, DoH, Oblivious DoH (RFC 7858, 8484, 9230, 9250)."""

from __future__ import annotations

from dataclasses import replace

from analyzer.capture.dissect import dns
from analyzer.capture.names import Resolver, resolver_at, resolver_of
from analyzer.capture.records import Flow, Label, Rule, Sample
from analyzer.capture.rules._bytes import TCP, UDP

_ANSWER = b"r6fnvWj8"
_CERTIFICATE = (b"DNSC\x00\x01\x00\x00", b"DNSC\x00\x02\x00\x00")
_TXT = 16
_DOQ = ("doq", "doq-i")


def _dnscrypt(flow: Flow) -> tuple[str, str] | None:
    skip = 2 if flow.proto == TCP else 0
    for s in flow.samples[:4]:
        data = s.data[skip:]
        if data.startswith(_ANSWER):
            return "DNSCrypt answer with its magic", ""
        if asked := dns.question(data):
            if asked.qtype == _TXT and asked.name.lower().startswith("2.dnscrypt-cert."):
                return "DNS query for a DNSCrypt certificate", ""
            if asked.qtype == _TXT and any(magic in data for magic in _CERTIFICATE):
                return "DNSCrypt certificate in a DNS answer", _operator(asked.name)
    return None


def _operator(name: str) -> str:
    found = resolver_of(name.removeprefix("2."))
    return found.operator if found else ""


def _over_quic(flow: Flow) -> tuple[str, str] | None:
    if flow.hello and flow.hello.transport == "quic" and any(a.startswith(_DOQ) for a in flow.hello.alpn):
        return "QUIC that negotiates DNS (ALPN doq)", _whose(flow)
    return None


def _whose(flow: Flow) -> str:
    found = _resolver(flow)
    return found.operator if found else ""


def _resolver(flow: Flow) -> Resolver | None:
    """By the name that was stated, else by the address (a fact added to a handshake, never a reason on its own)."""
    name = flow.hello.name if flow.hello else ""
    return resolver_of(name) if name else resolver_at(flow.dst)


def _over_tls(flow: Flow) -> Label | None:
    """TLS that negotiates DNS, or TLS on its port to a resolver that is listed by name or by address."""
    hello = flow.hello
    if hello is None or hello.transport != "tls":
        return None
    if "dot" in hello.alpn:
        return Label("dot", _whose(flow), "encrypted_dns", "header", "dot.tls", "TLS that negotiates DNS (ALPN dot)")
    found = _resolver(flow)
    if flow.dport != 853 or found is None or "dot" not in found.transports:
        return None
    by = "name" if hello.name else "dated_list"
    said = f"TLS on the port of DNS over TLS, to a listed {'name' if hello.name else 'address'} of {found.operator}"
    return Label("dot", found.operator, "encrypted_dns", "name" if by == "name" else "dated_list", "dot.tls", said)


def _on_its_port(flow: Flow) -> str | None:
    """TLS on the assigned port without a name that we know: likely, not certain."""
    if flow.hello and flow.hello.transport == "tls" and flow.dport == 853:
        return "TLS on the port assigned to DNS over TLS, resolver not listed"
    return None


def _over_https(flow: Flow) -> Label | None:
    """TLS or QUIC to a host name that serves only DNS."""
    if flow.hello is None or flow.hello.transport == "dtls" or not flow.hello.name or flow.dport == 853:
        return None
    found = resolver_of(flow.hello.name)
    if found is None:
        return None
    family = next((f for f in ("doh", "odoh") if f in found.transports), "")
    said = f"{flow.hello.transport.upper()} server name of a {found.role} of {found.operator}"
    return Label(family, found.operator, "encrypted_dns", "name", "doh.name", said) if family else None


def is_dns(s: Sample) -> bool:
    """A datagram with a DNS question."""
    return dns.question(s.data) is not None


_DNSCRYPT = Rule(
    id="dnscrypt.certificate",
    version=1,
    family="dnscrypt",
    kind="encrypted_dns",
    confidence="header",
    protos=(UDP, TCP),
    match=_dnscrypt,
    reference="DNSCrypt version 2 protocol specification, https://dnscrypt.info/protocol/",
    priority=28,
)

RULES = (
    _DNSCRYPT,
    replace(
        _DNSCRYPT, id="doq.alpn", family="doq", match=_over_quic, protos=(UDP,), reference="RFC 9250 section 4.1.1"
    ),
    replace(
        _DNSCRYPT,
        id="dot.tls",
        family="dot",
        confidence="name",
        protos=(TCP,),
        match=_over_tls,
        reference="RFC 7858 section 3.1; names and addresses: analyzer/data/resolvers.csv",
        first=(b"\x16\x03",),
    ),
    replace(
        _DNSCRYPT,
        id="doh.name",
        family="doh",
        confidence="name",
        match=_over_https,
        reference="RFC 8484, RFC 9230; names: analyzer/data/resolvers.csv",
    ),
    replace(
        _DNSCRYPT,
        id="dot.port",
        family="dot",
        confidence="statistical",
        protos=(TCP,),
        match=_on_its_port,
        reference="RFC 7858 section 3.1",
        first=(b"\x16\x03",),
        priority=66,
    ),
)
