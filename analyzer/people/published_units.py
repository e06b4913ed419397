"""Units of published figures: percent over a base, multiples, raw counts, a trailing base; what they are in each other.

"46 times" is +4,500 %.  27,815 searches against 321 are +8,565 %.  500,000 against 10,000 is +4,900 %, not 1,200.
700,000 against 16,000 is +4,275 %; a text that says 4,375 has written the ratio as per cent.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from analyzer.errors import BadInput

Verdict = Literal["consistent", "ratio written as percent", "not consistent"]
DAYS = 28

_NUMBER = r"[0-9]{1,3}(?:[, \u00a0\u202f][0-9]{3})+(?:\.[0-9]+)?|[0-9]+(?:\.[0-9]+)?"
_SIGNED = rf"(?P<sign>[+\-−–]?)\s*(?P<number>{_NUMBER})"
_FALLS = re.compile(r"\b(fell|fall|falls|down|drop(ped)?|declin\w*|decreas\w*|lost|lower)\b")
_PER_CENT = re.compile(rf"{_SIGNED}\s*(%|per ?cent)(?P<of>\s+of\b)?")
_TIMES = re.compile(rf"(?:\bx\s*(?P<x>{_NUMBER}))|(?:(?P<n>{_NUMBER})[\s-]*(?:x\b|×|times\b|fold\b))")
_WORDS = {"halved": 0.5, "doubled": 2.0, "tripled": 3.0, "trebled": 3.0, "quadrupled": 4.0, "quintupled": 5.0}
_WORD = re.compile(rf"\b({'|'.join(_WORDS)})\b")
_SIZES = {"k": 1e3, "thousand": 1e3, "m": 1e6, "million": 1e6, "bn": 1e9, "billion": 1e9}


def _counted(name: str) -> str:
    return rf"(?P<{name}>{_NUMBER})\s*(?P<{name}_unit>(?:k|m|bn|thousand|million|billion)\b)?"


_AGAINST = re.compile(
    rf"{_counted('now')}[^0-9]*?(?:against|versus|\bvs\b|/|compared (?:with|to))[^0-9]*?{_counted('base')}"
)
_FROM_TO = re.compile(rf"\bfrom\s[^0-9]*?{_counted('base')}[^0-9]*?\bto\s[^0-9]*?{_counted('now')}")


@dataclass(frozen=True, slots=True)
class Change:
    """A published change as a multiple of its own base, with what had to be assumed; raw: (count, base) where given."""

    given: str
    multiple: float
    raw: tuple[float, float] | None = None
    note: str = ""

    @property
    def percent(self) -> float:
        """Per cent over the base: the multiple less one, times 100."""
        return 100 * (self.multiple - 1)


@dataclass(frozen=True, slots=True)
class Recomputed:
    """A published figure beside what its raw counts give."""

    percent: float
    published_percent: float
    verdict: Verdict
    sentence: str


def parsed(text: str) -> Change:
    """A change as texts write it: `+131 %`, `46 times`, `x4`, `doubled`, `27,815 against 321`.

    Raises BadInput for a text without a change, without a base, or with one that cannot be.
    """
    plain = " ".join(text.lower().split())
    for read in (_raw, _percent, _times, _word):
        if found := read(text, plain):
            return _checked(found)
    raise BadInput(
        f"no change can be read from {text!r}: write +131 %, 46 times, x4, doubled, 131 % of the day before, "
        "27,815 against 321 or from 321 to 27,815"
    )


def recomputed(now: float, base: float, published: str) -> Recomputed:
    """Whether a published change agrees with its raw counts, within the digits in which it is printed.

    Raises BadInput where the counts or the text cannot be meant.
    """
    change, said = _checked(Change(f"{now:g} against {base:g}", _over(now, base), (now, base))), parsed(published)
    half = _half_digit(published) * (1 if _is_percent(published) else 100)
    if abs(change.percent - said.percent) <= half:
        verdict: Verdict = "consistent"
    elif abs(100 * change.multiple - said.percent) <= half and _is_percent(published):
        verdict = "ratio written as percent"
    else:
        verdict = "not consistent"
    return Recomputed(change.percent, said.percent, verdict, _sentence(change, said, verdict))


def trailing(jump: float, day: int, k: int = DAYS) -> float:
    """Per cent over the mean of the k preceding days, `day` days after a level of 1 became `jump` and stayed.

    Falls by itself: a jump of 14.3 reads +1,330 % on day 0, +869 % on day 1 and 0 % from day k on.
    Raises ValueError for a jump of 0 or less, a day before 0 or k under 1.
    """
    if not (math.isfinite(jump) and jump > 0) or day < 0 or k < 1:
        raise ValueError("jump must be above 0, day 0 or more and k 1 or more")
    after = min(day, k)
    return 100 * (jump * k / (after * jump + (k - after)) - 1)


def undone(percents: Sequence[float], k: int = DAYS) -> list[float]:
    """Multiples of the level before onset behind daily per cents over a trailing mean of k days, day 0 first.

    The k days before the first are taken to have lain at the base.  Raises ValueError for a per cent of -100 or less.
    """
    if k < 1 or any(not math.isfinite(p) or p < -100 for p in percents):
        raise ValueError("percents must be finite and at least -100, k 1 or more")
    levels = [1.0] * k
    for percent in percents:
        levels.append((1 + percent / 100) * sum(levels[-k:]) / k)
    return levels[k:]


def _raw(text: str, plain: str) -> Change | None:
    match = _FROM_TO.search(plain) or _AGAINST.search(plain)
    if match is None or "%" in plain:
        return None
    now, base = (_number(match[name]) * _SIZES.get(match[f"{name}_unit"] or "", 1.0) for name in ("now", "base"))
    return Change(text, _over(now, base), (now, base))


def _percent(text: str, plain: str) -> Change | None:
    match = _PER_CENT.search(plain)
    if match is None:
        return None
    value = _number(match["number"])
    if match["of"]:
        return Change(text, value / 100, note="per cent of the base, not over it")
    falls = match["sign"] in ("-", "−", "–") or (not match["sign"] and _FALLS.search(plain))
    return Change(text, 1 + (-value if falls else value) / 100)


def _times(text: str, plain: str) -> Change | None:
    match = _TIMES.search(plain)
    if match is None:
        return None
    more = re.search(r"\b(more|higher|over|increase)\b", plain)
    value = _number(match["x"] or match["n"])
    note = f"read as x{value:g}; taken literally, {value:g} times more would be x{value + 1:g}" if more else ""
    return Change(text, value, note=note)


def _word(text: str, plain: str) -> Change | None:
    match = _WORD.search(plain)
    return Change(text, _WORDS[match[1]]) if match else None


def _checked(change: Change) -> Change:
    if not math.isfinite(change.multiple) or change.multiple < 0:
        raise BadInput(f"{change.given!r} cannot be: nothing falls by more than 100 %")
    return change


def _over(now: float, base: float) -> float:
    if not (math.isfinite(now) and math.isfinite(base)) or base <= 0 or now < 0:
        raise BadInput(f"{now:g} against {base:g} has no ratio: the base must be above 0 and the count not below it")
    return now / base


def _number(text: str) -> float:
    return float(re.sub(r"[, \u00a0\u202f]", "", text))


def _is_percent(text: str) -> bool:
    return _PER_CENT.search(" ".join(text.lower().split())) is not None


def _half_digit(text: str) -> float:
    """Half a unit of the last digit that is not a rounding zero: 17,000 may stand for 16,500 to 17,500."""
    plain = " ".join(text.lower().split())
    match = re.search(_NUMBER, plain)
    if match is None:
        return 0.005
    digits = re.sub(r"[, \u00a0\u202f]", "", match[0])
    if "." in digits:
        return float(0.5 * 10.0 ** -len(digits.partition(".")[2]))
    zeros = len(digits) - len(digits.rstrip("0"))
    return float(0.5 * 10.0 ** min(zeros, len(digits) - 1))


def _sentence(change: Change, said: Change, verdict: Verdict) -> str:
    now, base = change.raw or (change.multiple, 1.0)
    counts = f"{now:,.10g} against {base:,.10g} is {change.percent:+,.5g} % (x{change.multiple:,.4g})".replace(
        "+-", "-"
    )
    if verdict == "consistent":
        return f"{counts}: consistent with {said.given!r}"
    if verdict == "ratio written as percent":
        return f"{counts}: {said.given!r} is the ratio times 100, one hundred points too high"
    need = f"; a base of {now / said.multiple:,.4g} would give it" if said.multiple > 0 else ""
    return f"{counts}: not consistent with {said.given!r} ({said.percent:+,.5g} %){need}"
