"""What one flow carries, by the rules of `analyzer/capture/rules/`."""

from __future__ import annotations

from datetime import UTC, date, datetime
from functools import cache, lru_cache
from importlib import import_module

from analyzer import registry
from analyzer.capture.names import provider_of
from analyzer.capture.records import Flow, Label, Rule

_MOST = 16  # payload packets beyond which their number makes no difference to a rule's `least`
_EARLY = 4  # samples of which one has to open with one of a rule's prefixes


@cache
def rules() -> tuple[Rule, ...]:
    """Every rule, in the order in which they are tried: by priority, then by id."""
    found = (import_module(f"analyzer.capture.rules.{name}").RULES for name in registry.names("capture/rules"))
    return tuple(sorted((rule for group in found for rule in group), key=lambda rule: (rule.priority, rule.id)))


def label(flow: Flow) -> Label | None:
    """What the flow carries by the first rule that matches; None without payload or where no rule does."""
    early = [s.data for s in flow.samples[:_EARLY] if s.data]
    if not early:
        return None
    openers = bytes((early[0][0],)) if len(early) == 1 else bytes(sorted({data[0] for data in early}))
    for rule in _candidates(flow.proto, openers, min(len(flow.samples), _MOST)):
        if rule.first and not any(data.startswith(rule.first) for data in early):
            continue
        if (rule.valid_from or rule.valid_until) and not _valid(rule, flow):
            continue
        if said := rule.match(flow):
            return _with_look_up(flow, said if isinstance(said, Label) else _labelled(rule, said))
    return None


def _labelled(rule: Rule, said: str | tuple[str, str]) -> Label:
    reason, provider = (said, rule.provider) if isinstance(said, str) else said
    return Label(rule.family, provider, rule.kind, rule.confidence, rule.id, reason)


def _with_look_up(flow: Flow, found: Label) -> Label:
    """A tunnel without a provider takes that of the listed name its client had looked up for this server."""
    if found.provider or found.kind not in ("tunnel", "proxy", "anonymity") or not flow.looked_up:
        return found
    named = provider_of(flow.looked_up)
    if not named or named.kind == "lookalike":
        return found
    return found._replace(
        provider=named.provider, reason=f"{found.reason}; the client had looked up a name of {named.domain}"
    )


@lru_cache(maxsize=8192)
def _candidates(proto: int, openers: bytes, samples: int) -> tuple[Rule, ...]:
    """Rules for a protocol and a number of samples of which no prefix, or one of these first bytes, is asked."""
    heads = set(openers)
    fitting = (r for r in rules() if proto in r.protos and samples >= min(r.least, _MOST))
    return tuple(r for r in fitting if not r.first or any(p[0] in heads for p in r.first))


def _valid(rule: Rule, flow: Flow) -> bool:
    day = datetime.fromtimestamp(flow.first // 10**9, UTC).date()
    return (rule.valid_from or date.min) <= day < (rule.valid_until or date.max)
