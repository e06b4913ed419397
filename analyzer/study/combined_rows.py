"""Combinations as rows: the combination itself, had errors more in common, without each member, what each type says."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from analyzer.records import Study, Synthesis
from analyzer.study.typical import Typical

COLUMNS = ("block_id", "cc", "part", "type", "horizon", "estimand", "name", "ratio", "ratio_low", "ratio_high",
           "prediction_low", "prediction_high", "heterogeneity", "rho", "members", "note")  # fmt: skip


def rows(study: Study) -> list[dict[str, Any]]:
    """Rows of a study; `part` is combined, band, without or type, the keys are COLUMNS."""
    head = {"block_id": study.block.block_id, "cc": study.block.cc}
    found = [_row(**head, **row) for s in study.syntheses for row in _of(s)]
    types = (
        {"part": "type", "type": c.type, "name": c.type, "members": c.indicators, "note": c.sentence}
        for c in study.concordance
    )
    return [*found, *(_row(**head, **t) for t in types)]


def typical_rows(found: Sequence[Typical]) -> list[dict[str, Any]]:
    """Rows of typical effects: those of their combination, and one `left_out` per block that is not in it."""
    rows_: list[dict[str, Any]] = []
    for t in found:
        rows_ += [_row(**row) for row in (_of(t.synthesis) if t.synthesis else ())]
        name = f"{t.indicator}{' ' + t.entity if t.entity else ''}"
        rows_ += [_row(part="left_out", type=name, name=block, note=why) for block, why in t.left_out]
    return rows_


def _of(s: Synthesis) -> Iterator[dict[str, Any]]:
    head = {"type": s.type, "horizon": s.horizon, "estimand": s.estimand}
    yield {
        **head,
        "part": "combined",
        "name": ", ".join(s.members),
        "ratio": s.ratio,
        "ratio_low": s.ratio_low,
        "ratio_high": s.ratio_high,
        "prediction_low": s.prediction_low,
        "prediction_high": s.prediction_high,
        "heterogeneity": s.heterogeneity,
        "rho": s.rho,
        "members": len(s.members),
        "note": "; ".join(s.notes),
    }
    for rho, low, high in s.band:
        yield {**head, "part": "band", "ratio_low": low, "ratio_high": high, "rho": rho, "members": len(s.members)}
    for name, ratio, low, high in s.left_out:
        rest = {"name": name, "ratio": ratio, "ratio_low": low, "ratio_high": high, "members": len(s.members) - 1}
        yield {**head, "part": "without", **rest}


def _row(**given: Any) -> dict[str, Any]:
    return {**dict.fromkeys(COLUMNS), **given}
