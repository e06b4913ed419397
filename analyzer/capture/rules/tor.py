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
        "[a-z]{2}",
        "th he in er an re on at en nd ti es or te of ed is it al ar st to nt ng se ha as ou io le ve co me "
        "de hi ri ro ic ne ea ra ce li ch ll be ma si om ur ca el ta la ns di fo ho pe ec pr no ct us ac ot "
        "il tr ly nc et ut ss so rs un lo wa ge ie wh ee wi em ad ol rt po we na ul ni ts mo ow pa im mi ai "
        "sh ir su id os iv ia am fi ci vi pl ig tu ev ld ry mp fe bl ab gh ty op wo sa ay ex ke fr oo av ag "
        "if ap gr od bo sp rd do uc bu ei ov by rm ep tt oc fa ef cu rn sc gi da yo cr cl du ga qu ue ff ba "
        "ey ls va um pp ua up lu go ht ru ug ds lt pi rc rr eg au ck ew mu br bi pt eb ub ob ib ",
    )
)


def drawn(name: str) -> int:
    """How many signs say that www.<base32>.com was drawn at random, as Tor does; 0 for other names, at most 5.

    Signs: digits among letters, two digits, long runs of consonants, few vowels, pairs of letters that words lack.
    """
    found = _NAME.fullmatch(name)
    if found is None:
        return 0
    label = found[1]
    pairs = re.findall("(?=([a-z]{2}))", label)
    signs = (
        bool(re.search("[a-z][2-7]+[a-z]", label)),
        sum(c in "234567" for c in label) >= 2,
        max(map(len, re.split("[aeiouy2-7]+", label))) >= 5,
        sum(c in "aeiouy" for c in label) < 0.2 * len(label),
        len(pairs) >= 3 and sum(p in _PAIRS for p in pairs) < 0.5 * len(pairs),
    )
    return sum(signs)


def _relay(flow: Flow) -> str | None:
    """Random server name; the certificate, where TLS shows it, is for another random name, signed under a third."""
    hello = flow.hello
    if hello is None or hello.transport != "tls" or hello.alpn or not _NAME.fullmatch(hello.name):
        return None
    shown = server_certificates(flow)[:1]
    if not shown:
        sure = drawn(hello.name) >= 3 and len(hello.name) >= 16 and hello.version >= 0x0303
        return "TLS server name drawn at random as Tor does, no application protocol offered" if sure else None
    names = {hello.name, *(t.removeprefix("CN=") for t in (shown[0].subject, shown[0].issuer))}
    if len(names) == 3 and all(map(_NAME.fullmatch, names)) and max(map(drawn, names)) >= 2:
        return "TLS server name and both names of the certificate drawn at random as Tor does"
    return None


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
        least=3,
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
