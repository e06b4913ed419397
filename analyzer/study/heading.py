"""What a row says of itself: the series, its base, how it was estimated."""

from __future__ import annotations

import numpy as np

from analyzer.records import Verified
from analyzer.study import rows
from analyzer.study.asked import Asked
from analyzer.study.effects import Found, named
from analyzer.study.horizons import exposure_hours
from analyzer.study.wording import moment

MOST_NAMED = 6  # donor countries


def heading_of(asked: Asked, found: Found, verified: Verified | None = None) -> rows.Heading:
    """The columns of a row that are no estimate."""
    key = asked.series.key
    return rows.Heading(
        block_id=asked.block.block_id,
        cc=asked.cc,
        indicator=key.indicator,
        entity=key.entity,
        estimand=found.estimand,
        base=_base(asked, found),
        exposure_hours=exposure_hours(asked.block.onset_earliest, asked.series),
        method=_method(asked, found) if found.effects else "",
        scale=key.scale,
        verification=verified.state if verified else "not_verifiable",
    )


def _method(asked: Asked, found: Found) -> str:
    if asked.estimator.name != "replay":
        return _panel_method(asked, found)
    donors = len(found.panel.constituents) if found.panel else 0
    together = ", entering as their mean" if found.panel and len(found.panel.donor_names) < donors else ""
    lent = "; placebo errors lent by other countries" if found.panel and found.panel.pool else ""
    return f"replay; {donors} donor countries{together}{lent}; {asked.gap} steps before onset kept out of the base"


def _panel_method(asked: Asked, found: Found) -> str:
    """An estimator that weights donors: its name and the largest weights."""
    effect = found.effects[len(found.effects) // 2]
    members = named(effect, found.panel).members if found.panel else {}
    largest = sorted(members.items(), key=lambda m: (-m[1], m[0]))[:MOST_NAMED]
    shown = "largest weights " + ", ".join(f"{cc} {weight:.2f}" for cc, weight in largest if weight >= 0.005)
    if len(set(members.values())) == 1:
        shown = "all with the same weight"
    return (
        f"{asked.estimator.name}; {len(members)} donor countries, {shown}; placebos in space; "
        f"{asked.gap} steps before onset kept out of the base"
    )


def _base(asked: Asked, found: Found) -> str:
    """First and last day of the base and how much of it was observed."""
    panel = found.panel
    if panel is None:
        return ""
    end = asked.base_end(found.estimand)
    seen = np.flatnonzero(np.isfinite(panel.y[:end]))
    if not seen.size:
        return ""
    first, last = moment(asked.series, int(seen[0])), moment(asked.series, end - 1)
    # The path just before a block includes blocks that run through it: those are not masked there.
    frozen = found.estimand == "no_block_since_base"
    events = [(a, b) for a, b in panel.other_events if frozen or b <= end]
    masked = sum(max(min(b, end) - max(a, int(seen[0])), 0) for a, b in events)
    text = f"{first} to {last}, {seen.size} of {end - int(seen[0])} steps observed"
    return f"{text}, {masked} masked for other blocks" if masked else text
