"""What was asked beside what is shown: the count of the run log, as lines of text."""

from __future__ import annotations

import textwrap

from analyzer.records import RunCount, Study


def sentence(runs: RunCount) -> str:
    """`12 run, 3 shown`, and what that counts."""
    text = f"{runs.run} run, {runs.shown} shown"
    if runs.run > runs.shown:
        text += ": the others that this store was asked about the event are in the run log (vpn-uptake query runs_log)"
    return text


def parts(study: Study) -> list[str]:
    """The part of a text that says so; none for a study that was not counted."""
    if study.runs is None:
        return []
    plan = f"under plan {study.runs.plan_id[:12]}" if study.runs.plan_id else "no plan: every row is exploratory"
    lines = textwrap.wrap(f"{sentence(study.runs)}; {plan}", 110, initial_indent="  ", subsequent_indent="    ")
    return ["\n".join(["Rows asked of this event", *lines])]
