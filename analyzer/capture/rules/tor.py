"""Tor: relay connections by their handshake, Snowflake by its DTLS, obfuscated transports elsewhere (statistical)."""

from __future__ import annotations

import re
from dataclasses import replace

from analyzer.capture.dissect import dtls, stun
from analyzer.capture.records import Flow, Rule
from analyzer.capture.rules._bytes import TCP, UDP
from analyzer.capture.rules.named import server_certificates

_NAME = re.compile(r"www\.([a-z2-7]{4,25})\.(?:com|net)")
# Pairs of letters that make up about four in five of those in English words.
_PAIRS = frozenset(
    re.findall(
        "..",
        "thheineranreonatendntiesteoofedisitalarstntngsehaasouiolevecomedehirirosicneearaceliichllbemasiomureacaeltalans"
        "difohopepecprnoctusacotiltrlyncetutssorsunlowagewhwiemadolrtponawenaulnitsmoowpaimmiaishirsuididosiviaamficivipl"
        "igtuevldrympfeblabghtyopwosaayexkefrooavagifapgrodbosprddoucbueiovbyrmepttocfaefcurnscgidayocrclduqueffbaeylsva"
        "umpupuaupgohtrubrugdsltpircrreguckewmubibrpt",
    )
)


def is_tor_name(name: str) -> bool:
    """www.<random base32>.com as Tor makes it: 4 to 25 characters of a-z2-7 that do not read like words."""
    found = _NAME.fullmatch(name)
    return found is not None and _is_drawn(found[1])


def _is_drawn(label: str) -> bool:
    """At least two of: digits among letters, two digits, long runs of consonants, few vowels, rare pairs."""
    letters = [p for p in re.findall("(?=([a-z]{2}))", label)]
    usual = sum(p in _PAIRS for p in letters) / max(len(letters), 1)
    runs = max(map(len, re.split("[aeiouy2-7]+", label)))
    signs = (
        bool(re.search("[a-z][2-7]+[a-z]", label)),
        sum(c in "234567" for c in label) >= 2,
        runs >= 5,
        sum(c in "aeiouy" for c in label) < 0.2 * len(label),
        usual < 0.5 and len(letters) >= 3,
    )
    return sum(signs) >= 2


def _relay(flow: Flow) -> str | None:
    """Random server name; the certificate, where seen, is for another random name by a third."""
    if flow.hello is None or flow.hello.transport != "tls" or flow.hello.alpn or not is_tor_name(flow.hello.name):
        return None
    shown = server_certificates(flow)[:1]
    if not shown:
        return (
            "TLS server name drawn at random as Tor does, no application protocol offered" if _is_tor_13(flow) else None
        )
    subject, issuer = shown[0].subject, shown[0].issuer
    if subject.startswith("CN=www.") and issuer.startswith("CN=www.") and flow.hello.name not in shown[0].names:
        return "TLS server name and certificate names drawn at random as Tor does, all different"
    return None


def _is_tor_13(flow: Flow) -> bool:
    """The certificate is hidden: the name has to be long enough to be sure that it was drawn."""
    return flow.hello is not None and flow.hello.version >= 0x0303 and len(flow.hello.name) >= 4 + 8 + 4


def _snowflake(flow: Flow) -> str | None:
    """DTLS data channel of an old pion library without media: the ServerHello that only it sent (until 2.0.12)."""
    datagrams = [s.data for s in flow.samples[:16]]
    if not any(map(stun.is_stun, datagrams)):
        return None
    hello = next((h for d in datagrams if (h := dtls.dtls_hello(d))), None)
    answers = [d for d in datagrams if dtls.server_hello(d)]
    if hello is None or hello.srtp or not answers:
        return None
    said = dtls.server_hello(answers[0])
    verified = any(dtls.hello_verify(d) is not None for d in datagrams)
    if said and verified and 10 in said.extensions and 65281 not in said.extensions:
        return "DTLS data channel without media; ServerHello of pion/dtls before 2.0.12, as Snowflake used it"
    return None


_RELAY = Rule(
    id="tor.relay",
    version=1,
    family="tor",
    kind="anonymity",
    confidence="header",
    protos=(TCP,),
    match=_relay,
    reference="Tor specification, tor-spec section 2, https://spec.torproject.org/; nDPI, src/lib/protocols/tls.c",
    provider="Tor",
    first=(b"\x16\x03",),
    priority=34,
)

RULES = (
    _RELAY,
    replace(
        _RELAY,
        id="tor.snowflake",
        family="snowflake",
        kind="anonymity",
        confidence="statistical",
        protos=(UDP,),
        match=_snowflake,
        reference="MacMillan, Holland, Mittal 2020, Evaluating Snowflake, https://arxiv.org/abs/2008.03254",
        provider="Tor",
        first=(),
        priority=62,
    ),
)
