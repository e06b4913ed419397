"""A study in Python: its rows as a frame, its answer in text, its brief; and what gives both their date."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import UTC, datetime
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

from analyzer import records, registry
from analyzer.errors import UnknownName
from analyzer.outputs.table import number

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True)
class Study(records.Study):
    """One question answered, with ways to look at it."""

    def to_frame(self) -> pd.DataFrame:
        """One row per indicator, entity, horizon and estimand; the columns of `vpn-uptake estimate --format csv`."""
        import pandas as pd

        columns = [f.name for f in fields(records.Estimate)]
        return pd.DataFrame([[getattr(e, c) for c in columns] for e in self.estimates], columns=columns)

    def summary(self) -> str:
        """The answer in a few lines of text: every row with its range, verdict, attribution and reasons."""
        head = f"{self.block.name} ({self.block.block_id})"
        return "\n".join([head, *(_line(e) for e in self.estimates), *(f"check {_check(c)}" for c in self.checks)])

    def brief(self, path: str | PathLike[str]) -> Path:
        """Write this study as a brief; the file's ending chooses the rendering.  Returns the path."""
        from analyzer import study  # with the estimators and their libraries, which a load has no use for

        return write_brief(study.dossier_of(self), path)


def now() -> datetime:
    """The time of making (naive UTC): SOURCE_DATE_EPOCH where set, so that the same inputs give the same bytes."""
    import os

    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    at = datetime.fromtimestamp(int(epoch), UTC) if epoch else datetime.now(UTC)
    return at.replace(tzinfo=None, microsecond=0)


def write_brief(dossier: records.Dossier, path: str | PathLike[str]) -> Path:
    """Render a dossier by the file's ending.  Raises UnknownName for an ending no output writes."""
    from analyzer import brief

    target = Path(path)
    outputs = [o for o in registry.load_all("outputs").values() if o.kind == "brief"]
    chosen = next((o for o in outputs if target.suffix in o.suffixes), None)
    if chosen is None:
        known = ", ".join(s for o in outputs for s in o.suffixes)
        raise UnknownName(f"no brief can be written as {target.suffix or target.name!r}; known endings: {known}")
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(chosen.render(brief.build(dossier)))
    return target


def _line(e: records.Estimate) -> str:
    name = f"{e.indicator}{'/' + e.entity if e.entity else ''} {e.horizon} ({e.estimand})"
    if e.verdict == "not_estimable":
        return f"{name}: no estimate can be given: {e.reasons}"
    size = f"x{e.ratio:.2f} ({e.ratio_low:.2f} to {e.ratio_high:.2f})" if e.ratio is not None else "no ratio"
    excess = f"excess {_signed(e.excess)} ({_signed(e.excess_low)} to {_signed(e.excess_high)})"
    return f"{name}: {size}, {excess}; {e.verdict}, {e.attribution}: {e.reasons}"


def _signed(value: float | None) -> str:
    return "unknown" if value is None else ("+" if value > 0 else "") + number(value)


def _check(c: records.Check) -> str:
    return f"{c.name}: {c.outcome}: {c.sentence}"
