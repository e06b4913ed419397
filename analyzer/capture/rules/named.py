"""Flows named by their handshake: server name, HTTP host, certificate, or a name looked up just before.

A name proves use of a service or of its API, not a working tunnel: `names.provider_of` tells them apart.
"""

from __future__ import annotations

from dataclasses import replace

from analyzer.capture.dissect import dtls, http, tls
from analyzer.capture.dissect.certificates import Certificate
from analyzer.capture.names import Named, provider_of
from analyzer.capture.records import Flow, Kind, Label, Rule
from analyzer.capture.rules._bytes import TCP, UDP, looks_random, side, stream

_SHOWN = {"tunnel": "a tunnel server", "proxy": "a proxy", "control": "the API", "lookalike": "the web site"}
_ORGANISATIONS = {  # organisation in the subject of certificates that a provider signs for its servers
    "O=Private Internet Access": "Private Internet Access",
    "O=Windscribe": "Windscribe",
    "O=ExpressVPN": "ExpressVPN",
    "O=CyberGhost": "CyberGhost",
    "O=NordVPN": "NordVPN",
}


def _label(rule: str, named: Named, how: str) -> Label:
    kind: Kind = named.kind
    whose = f"{_SHOWN[kind]} of {named.provider}" if named.provider else "a gateway of a mobile operator"
    return Label(named.family, named.provider, kind, "name", rule, f"{how} under {named.domain}: {whose}")


def _server_name(flow: Flow) -> Label | None:
    """Server name of a TLS, DTLS or QUIC ClientHello, the outer one where it is encrypted."""
    if flow.hello is None or not flow.hello.name:
        return None
    named = provider_of(flow.hello.name)
    return _label("name.server", named, f"{flow.hello.transport.upper()} server name") if named else None


def _http_host(flow: Flow) -> Label | None:
    asked = http.request(stream(flow, True).at(0, 2048))
    if asked is None or asked.is_to_proxy or not asked.host:
        return None
    named = provider_of(asked.host)
    return _label("name.http_host", named, "HTTP host") if named else None


def server_certificates(flow: Flow) -> list[Certificate]:
    """What the server shows in clear (TLS up to 1.2, DTLS), as far as captured."""
    if flow.proto == UDP:
        return dtls.certificates(*[s.data for s in side(flow, False)][:8]) if side(flow, False) else []
    return tls.certificates(stream(flow, False).at(0, 12288))


def _certificate(flow: Flow) -> Label | None:
    """Names in the server's certificate, where the client stated none that says more."""
    if flow.hello is None or "." in flow.hello.name or flow.hello.transport == "quic":
        return None
    shown = server_certificates(flow)[:1]
    for certificate in shown:
        for name in certificate.names:
            if named := provider_of(name.removeprefix("*.")):
                return _label("name.certificate", _at_least_tunnel(named), "certificate for a name")
        for organisation, provider in _ORGANISATIONS.items():
            if organisation in certificate.subject:
                said = f"certificate of the organisation {provider}"
                return Label("vpn_tls", provider, "tunnel", "name", "name.certificate", said)
    return None


def _at_least_tunnel(named: Named) -> Named:
    """A client that hides the name it wants does not visit a web site."""
    return named._replace(kind="control", family="vpn_api") if named.kind == "lookalike" else named


def _fortinet(flow: Flow) -> str | None:
    """The factory certificate of a FortiGate, shown for itself (not one it signs while inspecting TLS)."""
    if flow.hello is None or flow.hello.transport == "quic":
        return None
    if flow.proto == TCP and b"Fortinet" not in stream(flow, False).at(0, 4096):
        return None
    for shown in server_certificates(flow)[:1]:
        if "O=Fortinet" in shown.subject and "OU=FortiGuard" not in shown.subject and "Forti" in shown.issuer:
            return "TLS with the factory certificate of a FortiGate gateway (its VPN portal or its own pages)"
    return None


def _looked_up(flow: Flow) -> Label | None:
    """No name in the handshake, but the client had resolved a listed name to this address."""
    if not flow.looked_up or (flow.hello is not None and flow.hello.name and not flow.hello.ech):
        return None
    named = provider_of(flow.looked_up)
    if named is None or (flow.hello is None and not (named.kind == "tunnel" and _ciphertext(flow))):
        return None
    return _label("name.looked_up", named, "the client had just looked up a name")


def _ciphertext(flow: Flow) -> bool:
    """The first bytes both ways, or of one way if there is only one, have no structure."""
    firsts = [side(flow, up)[0].data for up in (True, False) if side(flow, up)]
    return bool(firsts) and all(looks_random(data[:256]) for data in firsts)


_SERVER = Rule(
    id="name.server",
    version=1,
    family="vpn_api",
    kind="control",
    confidence="name",
    protos=(TCP, UDP),
    match=_server_name,
    reference="RFC 6066 section 3, RFC 9001; names: analyzer/data/vpn_domains.csv",
    priority=35,
)

RULES = (
    _SERVER,
    replace(
        _SERVER,
        id="name.http_host",
        protos=(TCP,),
        match=_http_host,
        reference="RFC 9110 section 7.2; names: analyzer/data/vpn_domains.csv",
        first=(b"GET ", b"POST ", b"HEAD ", b"PUT "),
        priority=36,
    ),
    replace(
        _SERVER,
        id="tls.fortinet",
        family="fortinet",
        kind="tunnel",
        match=_fortinet,
        reference="Fortinet FortiGate administration guide, default certificates, https://docs.fortinet.com/",
        first=(b"\x16",),
        priority=38,
    ),
    replace(
        _SERVER,
        id="name.certificate",
        match=_certificate,
        reference="RFC 5280 section 4.2.1.6; names: analyzer/data/vpn_domains.csv",
        first=(b"\x16",),
        priority=39,
    ),
    replace(
        _SERVER,
        id="name.looked_up",
        match=_looked_up,
        reference="RFC 1035; names: analyzer/data/vpn_domains.csv",
        priority=65,
    ),
)
