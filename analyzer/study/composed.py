"""Numerator and denominator of a share over the window of the share."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from analyzer.checks import Composition, Possible
from analyzer.checks.composition import judge
from analyzer.indicators import type_of
from analyzer.study.asked import Asked, asked_of
from analyzer.study.at_hand import AtHand
from analyzer.study.effects import Found, find
from analyzer.study.series import Aligned, Floats, SeriesKey

# Totals that captures carry beside their shares; of others only the sample behind each value is known.
_TOTALS = {
    "capture.byte_share": "capture.bytes",
    "capture.client_share": "capture.clients",
    "capture.unexplained_encrypted_share": "capture.bytes",
}


def of(asked: Asked, found: Found, at_hand: AtHand | None) -> Composition:
    """What a share is made of, over the window of an estimate."""
    kind = "evidence" if type_of(asked.series.key.indicator) == "evidence" else "uptake"
    known = _denominator(asked, at_hand)
    if isinstance(known, str):
        return Composition(kind, known, known, "")
    total, source = known
    numerator = _effect(asked, found, asked.series.values[asked.cc] * total)
    return Composition(kind, numerator, _of_denominator(asked, found, total, at_hand), source)


def no_verdict(asked: Asked, found: Found, at_hand: AtHand | None) -> str:
    """Why a share gives no verdict on uptake over a window; '' where it does, and where it speaks of blocking."""
    key = asked.series.key
    if key.scale != "share" or type_of(key.indicator) == "evidence":
        return ""
    known = _denominator(asked, at_hand)
    total, source = (known, "") if isinstance(known, str) else known
    part: Possible = total if isinstance(total, str) else _of_denominator(asked, found, total, at_hand)
    outcome, why = judge(Composition("uptake", "", part, source))
    return why if outcome == "failed" else ""


def _of_denominator(asked: Asked, found: Found, total: Floats, at_hand: AtHand | None) -> Possible:
    """The window of the share on its denominators; shares of one capture have the same and ask once."""
    values = np.where(np.isfinite(asked.series.values[asked.cc]), total, np.nan)
    known = {} if at_hand is None else at_hand.known
    window = (found.window, found.estimand, asked.onset, asked.block.block_id)
    question = ("denominator", asked.series.start, values.tobytes(), window)
    if question not in known:
        known[question] = _effect(asked, found, values)
    answer: Possible = known[question]
    return answer


def _denominator(asked: Asked, at_hand: AtHand | None) -> tuple[Floats, str] | str:
    """(T,) denominators and where they come from, or why there are none."""
    key, share = asked.series.key, asked.series.values[asked.cc]
    if key.indicator in _TOTALS and at_hand is not None:
        wanted = SeriesKey(_TOTALS[key.indicator], key.asn, "", "", key.scale_id)
        held = [k for k in at_hand.keys if replace(k, unit="") == wanted]
        if held and (total := _on_axis(at_hand.own(held[0]), asked)) is not None:
            return total, f"{held[0].indicator} of all traffic"
        return f"no {wanted.indicator} of all traffic on the same steps"
    n = asked.series.n[asked.cc]
    lacking = int((np.isfinite(share) & ~(n > 0)).sum())
    if lacking:
        return f"{lacking} of {int(np.isfinite(share).sum())} values come without the sample behind them"
    return n, "the sample behind each value"


def _on_axis(total: Aligned, asked: Asked) -> Floats | None:
    """A series on the steps of another; None where their steps differ."""
    series = asked.series
    shift, rest = divmod(total.start - series.start, series.step)
    if total.step != series.step or rest or asked.cc not in total.values:
        return None
    placed = np.full(series.length, np.nan)
    source = np.arange(series.length) - shift
    there = (source >= 0) & (source < total.length)
    placed[there] = total.values[asked.cc][source[there]]
    return placed


def _effect(asked: Asked, found: Found, values: Floats) -> Possible:
    """The window of the share on a count."""
    key = replace(asked.series.key, unit="units")
    series = replace(asked.series, key=key, values={asked.cc: values})
    counted = asked_of(asked.catalogue, asked.block, series, asked.onset)
    answer = find(counted, found.window, found.estimand, [asked.onset])
    return answer.effects[0] if answer.effects else answer.refusal
