"""What indicators of several types say of one event: a row for each type, disagreement in words, never one ratio."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from analyzer.records import Concordance, Verdict

NO_TYPE = "no type"
_MOVES = (("rise", "rose"), ("fall", "fell"))
_COUNTED: tuple[tuple[Verdict, str], ...] = (
    ("rise", "rose"),
    ("fall", "fell"),
    ("inconclusive", "inconclusive"),
    ("ruled_out", "with a larger change ruled out"),
    ("not_estimable", "not estimable"),
)


@dataclass(frozen=True, slots=True)
class Said:
    """The rows of one type: their verdicts (ranks turned, so that a rise is a better place), and one range for them.

    low, high: of their combination, or of the single row that could be estimated; None where there is none.
    """

    type: str
    verdicts: tuple[Verdict, ...]
    low: float | None = None
    high: float | None = None
    combined: bool = True  # False: what makes no statement beside others (evidence, denominators, no type)
    reason: str = ""


def concordance(said: Sequence[Said]) -> tuple[Concordance, ...]:
    """A row per type in the order given; a type that differs from another says so."""
    moves = {s.type: _move(s) for s in said if s.combined}
    return tuple(_row(s, moves) for s in said)


def _row(said: Said, moves: dict[str, str]) -> Concordance:
    counts = Counter(said.verdicts)
    parts = [_counted(said.type, counts), *_differs(said, moves)] if said.combined else [said.reason]
    return Concordance(
        type=said.type,
        indicators=len(said.verdicts),
        rise=counts["rise"],
        fall=counts["fall"],
        inconclusive=counts["inconclusive"],
        ruled_out=counts["ruled_out"],
        not_estimable=counts["not_estimable"],
        sentence="; ".join(parts),
    )


def _counted(name: str, counts: Counter[Verdict]) -> str:
    words = [f"{counts[key]} {word}" for key, word in _COUNTED if counts[key]]
    if counts.total() == 1:
        return f"the one indicator of {name}: {words[0].removeprefix('1 ')}"
    return f"of {counts.total()} indicators of {name}: {', '.join(words)}"


def _move(said: Said) -> str:
    """rise, fall, or '' where the range holds 1; 'none' where there is no range."""
    if said.low is None and said.high is None:
        return "none"
    if said.low is not None and said.low > 1:
        return "rise"
    return "fall" if said.high is not None and said.high < 1 else ""


def _differs(said: Said, moves: dict[str, str]) -> list[str]:
    own = moves[said.type]
    if own == "none":
        return []
    unlike = [(key, verb, _others(said, own, key, moves)) for key, verb in _MOVES]
    return [_unlike(said, own, key, f"{' and '.join(names)} {verb}") for key, verb, names in unlike if names]


def _others(said: Said, own: str, key: str, moves: dict[str, str]) -> list[str]:
    return [] if own == key else [name for name, move in moves.items() if move == key and name != said.type]


def _unlike(said: Said, own: str, key: str, others: str) -> str:
    if own:
        return f"{others}, {said.type} {'rose' if own == 'rise' else 'fell'}: they disagree"
    end = said.high if key == "rise" else said.low
    reach = "is open" if end is None else f"reaches x{end:.2f}"
    shown = "no rise" if key == "rise" else "no fall"
    return f"{others}, {said.type} showed {shown} that can be told from chance: their interval {reach}"
