"""Tool blocked: a fall of a tool's series may mean that the tool was blocked; a rise of Tor's relay users may too."""

from __future__ import annotations

from typing import Any

from analyzer.checks import CheckRule, Evidence, Tool, direction
from analyzer.checks._material import BlockedShare
from analyzer.records import Check

NAME = "tool_blocked"
ENOUGH = 50  # measurements, before and during, without which "not blocked" is not said
SMALL = 0.10  # upper bound of the rise below which it is
# Relays before tor 0.4.8.22 (2026-01-28) count a consensus download that never finishes: blocked clients try again.
RETRIES = (
    "relay users rise when Tor is blocked: relays before tor 0.4.8.22 (2026-01-28) count downloads that never finish"
)


def run(evidence: Evidence) -> Check:
    """Failed where the tool was blocked as the series changed; passed where it was measured and was not."""
    tool = evidence.tool() if evidence.tool else None
    if tool is None:
        return Check(NAME, "informative", "not the series of a tool whose blocking is measured")
    way = _demand(evidence)
    shown = [s for s in tool.shares if s.rose]
    text = "; ".join([*map(measured, tool.shares), *_listed(tool), *tool.refused])
    table = tuple(_row(s) for s in tool.shares)
    blocked = bool(shown or tool.blocks)
    if blocked and way < 0:
        return Check(NAME, "failed", f"{text}: a fall here does not mean less demand", table)
    if blocked and way > 0 and evidence.indicator == "tor.relay_users":
        return Check(NAME, "failed", f"{text}; {RETRIES}", table)
    if blocked:
        return Check(NAME, "informative", f"{text}; the series did not fall", table)
    if tool.shares and all(not_blocked(s) for s in tool.shares):
        return Check(NAME, "passed", text, table)
    return Check(NAME, "informative", _unknown(tool, text, way), table)


def _demand(evidence: Evidence) -> int:
    """The way of demand: a rank that falls in number is a rise in the chart."""
    way = direction(evidence.effect)
    return -way if evidence.scale == "rank" else way


def _unknown(tool: Tool, text: str, way: int) -> str:
    advice = f"load ooni.tool_blocked_share of {', '.join(tool.names)}" if tool.names else "no test measures it"
    unknown = f"whether the tool itself was blocked is not known ({advice})"
    if way < 0:
        unknown += ": a fall here need not mean less demand"
    return "; ".join(filter(None, (text, unknown)))


def not_blocked(share: BlockedShare) -> bool:
    """Measured enough, and a rise of ten points or more in the time exposed is ruled out."""
    return min(share.n_before, share.n_during) >= ENOUGH and share.high < SMALL * share.exposed


def measured(share: BlockedShare) -> str:
    """`ooni.tool_blocked_share tor 4 % of 812 before, 61 % of 203 during (+57, 48 to 64 points)`."""
    text = (
        f"{share.indicator} {share.entity} {100 * share.before:.0f} % of {share.n_before} before, "
        f"{100 * share.during:.0f} % of {share.n_during} during "
        f"({100 * share.difference:+.0f}, {100 * share.low:.0f} to {100 * share.high:.0f} points)"
    )
    if share.of_the_measurement:
        rose = f"{100 * (share.elsewhere or 0):.0f} points"
        text += f"; {share.elsewhere_n} other countries rose by {rose}: the test changed, or what it reaches was down"
    return text


def _listed(tool: Tool) -> list[str]:
    return [f"listed as blocked: {', '.join(tool.blocks)}"] if tool.blocks else []


def _row(share: BlockedShare) -> dict[str, Any]:
    return {
        "indicator": share.indicator,
        "entity": share.entity,
        "before": share.before,
        "during": share.during,
        "low": share.low,
        "high": share.high,
        "n_before": share.n_before,
        "n_during": share.n_during,
    }


CHECK = CheckRule(NAME, "Tool blocked", run)
