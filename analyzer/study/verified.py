"""Was the service blocked?  A state from measurements in the store, by a versioned rule (docs/method.md).

Claims confirm nothing: who denies is kept beside what was measured.  A share that rises in other countries as well is
of the test or of the platform itself.  Silence of probes is no evidence that nothing was blocked.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from analyzer.blocks import Catalogue, touches
from analyzer.checks._material import CLEAR, BlockedShare
from analyzer.checks.tool_blocked import measured, not_blocked
from analyzer.places import WORLD
from analyzer.records import Block, Claim, Verification, Verified
from analyzer.study import connectivity, services
from analyzer.study.at_hand import AtHand
from analyzer.study.blocked_share import HISTORY, Period, share_change
from analyzer.study.connectivity import CUTS, Fall
from analyzer.study.series import SeriesKey
from analyzer.study.situation import meant

VERIFIED_VERSION = "1"
LONGEST = timedelta(days=14)  # of the block's own time: later, services come back in part and tests change
CLEAR_LOW = 0.10  # lower bound of a rise that confirms
FEW = 20  # measurements, before and during, below which nothing is confirmed
NATIONWIDE = ("nationwide", "global")
NOT_ON_NETWORK = ("service_withdrawal", "age_gate", "tax_gate", "app_ban")
SERVICE, TOOL = "ooni.service_blocked_share", "ooni.tool_blocked_share"
_DENIAL = re.compile(
    r"\b(den(y|ies|ied)|technical (fault|issue|problem)|system upgrade|cable (fault|cut)|fully operational"
    r"|no (vpn|platform|service|site|website|app)\w* (has|have|had|was|were) been blocked|not (been )?blocked"
    r"|no (block|blocking|ban|restriction|restrictions|filtering)\b)",
    re.IGNORECASE,
)
_NO_DENIAL = re.compile(r"\b(neither|nor denied|not denied|never denied)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Measured:
    """What is loaded about a block: shares by service, services loaded that say nothing, falls of the network."""

    shares: Mapping[str, BlockedShare]
    refused: Mapping[str, str]
    falls: tuple[Fall, ...]


def verify(catalogue: Catalogue, block: Block, at_hand: AtHand) -> Verified:
    """The state of a block, for a bare date that of the block known at it; never raises."""
    known = meant(catalogue, block)
    if known is None:
        return _no_block(catalogue, block, at_hand)
    found = _measured(catalogue, known, at_hand)
    state, reasons = _shutdown(known, found) if known.kind in CUTS else _service(known, found)
    denials = [f"{c.who} says otherwise: {c.says}" for c in catalogue.claims_about(known.block_id) if denies(c)]
    if denials and state == "not_verifiable" and found.shares and not _any_up(found):
        state = "contested"  # measured, and nothing measured shows it
    of_it = [f"the date is that of {known.block_id}"] if known != block else []
    return Verified(state, (*of_it, *reasons, *denials), _rows(found), VERIFIED_VERSION)


def denies(claim: Claim) -> bool:
    """Whether a claim says that nothing was blocked, or names a fault instead."""
    of_its_own = claim.who != "this catalogue" and not claim.who.startswith("seed ")  # these repeat what others say
    return of_its_own and bool(_DENIAL.search(claim.says)) and not _NO_DENIAL.search(claim.says)


def _measured(catalogue: Catalogue, block: Block, at_hand: AtHand) -> Measured:
    wanted = services.wanted(block)
    indicator = TOOL if block.kind == "vpn_block" else SERVICE
    groups: dict[str, list[SeriesKey]] = {}
    for key in at_hand.keys:
        service = services.of_entity(key.entity)
        if key.indicator == indicator and (service in wanted or (indicator == TOOL and services.ANY_TOOL in wanted)):
            groups.setdefault(service or key.entity, []).append(key)
    shares, refused = {}, {}
    for service, keys in groups.items():
        series = [at_hand.whole(k) for k in _country_wide(keys)]
        found = share_change(series, block.cc, _period(catalogue, block))
        if isinstance(found, str):
            refused[service] = found
        else:
            shares[service] = found
    return Measured(shares, refused, connectivity.falls(catalogue, block, at_hand, LONGEST))


def _country_wide(keys: Sequence[SeriesKey]) -> Sequence[SeriesKey]:
    """The series of the whole country where there are any, else those of its networks; each entity once."""
    chosen = [k for k in keys if k.asn == 0] or keys
    return list({(k.entity, k.asn): k for k in reversed(chosen)}.values())


def _period(catalogue: Catalogue, block: Block) -> Period:
    """The block's own time, at most its first days; times of other blocks that may show in the days before."""
    end = block.onset_latest + LONGEST
    if block.end_earliest is not None:
        end = max(min(block.end_earliest, end), block.onset_earliest + timedelta(minutes=1))
    first = block.onset_earliest - HISTORY
    near = [b for b in catalogue.blocks if b.cc == block.cc and b.block_id != block.block_id]
    same = [b for b in near if set(b.services) & set(block.services) and touches(b, first, block.onset_earliest)]
    others = tuple((b.onset_earliest, b.end_latest or block.onset_earliest) for b in same)
    start = block.onset_latest if block.start_precision in ("week", "month") else block.onset_earliest
    return Period(start, max(end, start), block.onset_earliest, others)


def _service(block: Block, found: Measured) -> tuple[Verification, tuple[str, ...]]:
    """A block of services or tools: by the shares of measurements that found them blocked."""
    if block.kind in NOT_ON_NETWORK:
        return "not_verifiable", (f"{block.kind}: nothing is blocked on the network, probes see nothing",)
    states = {service: state_of_share(block, share) for service, share in found.shares.items()}
    said = [f"{service} {states[service]}: {_sentence(share)}" for service, share in found.shares.items()]
    said += [f"{service}: {why}" for service, why in found.refused.items()]
    said += [f"a blackout as well: {fall.sentence}" for fall in found.falls if fall.fell]
    said += [fall.sentence for fall in found.falls if fall.effect is None]
    unmeasured = [s for s in services.wanted(block) if s not in found.shares and s != services.ANY_TOOL]
    if unmeasured or not found.shares:
        said.append(_advice(block, unmeasured))
    return _joint(states), tuple(said)


def _joint(states: Mapping[str, str]) -> Verification:
    """The block's state: that of the service of which most is shown."""
    if "confirmed" in states.values():
        return "confirmed"
    if "likely" in states.values():
        return "likely"
    return "contested" if states and all(s == "not blocked" for s in states.values()) else "not_verifiable"


def state_of_share(block: Block, share: BlockedShare) -> str:
    """What the measurements of one service show: confirmed, likely, not blocked, or not told."""
    few = min(share.n_before, share.n_during)
    if share.rose and share.low >= CLEAR_LOW and share.difference >= CLEAR and few >= FEW and share.unlike_earlier:
        return "confirmed"
    if share.rose:
        return "likely"
    # A slow service answers the test; shares of a country do not show what a region or a provider blocks.
    seen = block.kind != "throttling" and block.scope.startswith(NATIONWIDE)
    return "not blocked" if seen and not_blocked(share) and share.before < 0.5 else "not told"


def _sentence(share: BlockedShare) -> str:
    text = measured(share)
    if share.before >= 0.5 and share.low <= 0:
        text += "; it was blocked before already"
    if share.low > 0 and not share.unlike_earlier and share.earlier is not None:
        text += f"; an earlier time of that length rose by {100 * share.earlier:.0f} points"
    if share.exposed < 0.5:
        text += f"; the block fills {100 * share.exposed:.0f} % of the time measured"
    return text


def _shutdown(block: Block, found: Measured) -> tuple[Verification, tuple[str, ...]]:
    """A shutdown: by the fall of connectivity and traffic; what probes say is left aside."""
    said = [fall.sentence for fall in found.falls]
    if found.shares or found.refused:
        said.append("what probes measured is left aside: without a network they are silent, which shows nothing")
    if any(f.clear for f in found.falls):
        return "confirmed", tuple(said)
    if any(f.fell for f in found.falls):
        return "likely", tuple(said)
    told = [f for f in found.falls if f.stayed and not (block.kind == "mobile_shutdown" and f.misses_mobile)]
    if told and len(told) == len(found.falls) and block.scope.startswith(NATIONWIDE):
        return "contested", tuple(said)
    return "not_verifiable", (*said, _advice(block, ()))


def _advice(block: Block, unmeasured: Sequence[str]) -> str:
    """Which source would show it."""
    if block.kind in CUTS:
        return "load ioda.connectivity or radar.traffic of the days around it to verify it"
    if block.kind == "vpn_block":
        return f"load {TOOL} (OONI psiphon, tor, torsf, openvpn) to verify it"
    tests = ", ".join(services.test_of(s) for s in unmeasured) or "web_connectivity"
    return f"nothing loaded shows {', '.join(unmeasured) or 'the service'}: load {SERVICE} (OONI {tests}) to verify it"


def _any_up(found: Measured) -> bool:
    return any(s.low > 0 for s in found.shares.values()) or any(f.fell for f in found.falls)


def _no_block(catalogue: Catalogue, block: Block, at_hand: AtHand) -> Verified:
    """A non-event or a quiet date: no block is to be verified; whether network or platform was down is said."""
    if block.kind == "date":
        return Verified("not_verifiable", ("the catalogue knows no block at this date",), (), VERIFIED_VERSION)
    what = f"{block.kind}: no block is to be verified"
    found = _measured(catalogue, block, at_hand) if block.cc != WORLD else Measured({}, {}, ())
    down = [
        f"{service} failed in more measurements too, as it does when the platform itself is down: {measured(share)}"
        for service, share in found.shares.items()
        if share.low > 0
    ]
    fell = [f"the network itself: {fall.sentence}" for fall in found.falls if fall.fell]
    fell += [fall.sentence for fall in found.falls if fall.effect is None]
    return Verified("not_verifiable", (what, *down, *fell), _rows(found), VERIFIED_VERSION)


def _rows(found: Measured) -> tuple[Mapping[str, Any], ...]:
    shares = [
        {"indicator": s.indicator, "entity": s.entity, "before": s.before, "during": s.during, "low": s.low,
         "high": s.high, "n": s.n_during, "n_before": s.n_before}
        for s in found.shares.values()
    ]  # fmt: skip
    return (*shares, *(fall.row() for fall in found.falls))
