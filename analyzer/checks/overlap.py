"""Overlap: other known blocks and events that touch the base or the horizon."""

from __future__ import annotations

from analyzer.checks import CheckRule, Evidence
from analyzer.records import Check


def run(evidence: Evidence) -> Check:
    """Failed where another block touches the base or the window; informative for events without a block."""
    blocks = [o for o in evidence.overlaps if not o.block.is_non_event]
    if not evidence.overlaps:
        return Check("overlap", "passed", "no other known block or event touches base or window")
    names = ", ".join(f"{o.block.block_id} ({o.touches})" for o in evidence.overlaps)
    table = tuple({"block_id": o.block.block_id, "kind": o.block.kind, "touches": o.touches} for o in evidence.overlaps)
    return Check("overlap", "failed" if blocks else "informative", f"touched by {names}", table)


CHECK = CheckRule("overlap", "Overlap with other blocks", run)
