"""A plan: one question in all its choices, and the hash that fixes it."""

from __future__ import annotations

import hashlib
import json
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any

from analyzer.records import IndicatorType, Specification

FORMAT = 1  # of the content; a plan of another format has another hash
_USUAL = Specification()
DIGITS = 12  # of a plan_id, as it is printed


@dataclass(frozen=True, slots=True)
class Event:
    """What the question is about: a block of the catalogue, a date, a block expected about a date, or the next one.

    block: id of the catalogue.  country and day: that local calendar day; with within_days the first block whose onset
    lies at most so many days from it.  country and kind without a day: the next block of that kind after the freezing.
    kind: one of the catalogue's, `any`, or '' where the form of the event has no use for it.
    """

    block: str = ""
    country: str = ""
    day: date | None = None
    within_days: int | None = None
    kind: str = ""

    @property
    def is_bound_later(self) -> bool:
        """True where the block is not known yet when the plan is made."""
        return not self.block and (self.day is None or self.within_days is not None)

    def in_words(self) -> str:
        """The event as a reader would say it."""
        kind = "" if self.kind in ("", "any") else f" of kind {self.kind}"
        if self.block:
            return self.block
        if self.day is None:
            return f"the next block{kind} in {self.country}"
        if self.within_days is None:
            return f"{self.country} on {self.day}"
        return f"the first block{kind} in {self.country} within {self.within_days} days of {self.day}"


@dataclass(frozen=True, slots=True)
class Plan:
    """What will be asked, and how it will be answered.

    type: what the indicator counts.  secondary_indicators: `indicator` or `indicator/entity`; they and the primary one
    are asked at the secondary horizons and the primary one.  smallest_effect: a multiple above 1; changes inside
    1/smallest_effect to smallest_effect are of no interest.
    """

    event: Event
    indicator: str
    type: IndicatorType
    horizon: str
    rules_version: str
    tool_version: str
    entity: str = ""
    estimand: str = "no_block_since_base"
    secondary_indicators: tuple[str, ...] = ()
    secondary_horizons: tuple[str, ...] = ()
    specification: Specification = _USUAL
    smallest_effect: float = 1.25
    estimator: str = "replay"
    question: str = ""

    @property
    def plan_id(self) -> str:
        """SHA-256 of the canonical content, 64 hexadecimal digits."""
        return hashlib.sha256(canonical(self).encode()).hexdigest()

    @property
    def series(self) -> frozenset[tuple[str, str]]:
        """(indicator, entity) of every series the plan names."""
        return frozenset({(self.indicator, self.entity), *map(series_name, self.secondary_indicators)})

    @property
    def indicators(self) -> tuple[str, ...]:
        """Every indicator the plan names, the primary one first."""
        return tuple(dict.fromkeys((self.indicator, *(series_name(s)[0] for s in self.secondary_indicators))))

    @property
    def horizons(self) -> tuple[str, ...]:
        """Every horizon the plan names, the primary one first."""
        return tuple(dict.fromkeys((self.horizon, *self.secondary_horizons)))


@dataclass(frozen=True, slots=True)
class Known:
    """What a store held when a plan was frozen in it.

    newest: end of the newest observation of the plan's indicators in its country.  latest: the latest moment that the
    store had then heard of (observations, retrievals, questions).  runs: rows asked of the plan's event until then.
    snapshots_sha256: over the snapshots that hold those indicators.  clock_set: the time of freezing was handed in.
    """

    newest: datetime | None = None
    latest: datetime | None = None
    runs: int = 0
    snapshots_sha256: str = ""
    clock_set: bool = False


@dataclass(frozen=True, slots=True)
class Frozen:
    """A plan with its hash, the time at which it was frozen and what was known then."""

    plan_id: str
    plan: Plan
    frozen_at: datetime
    known: Known

    @property
    def short_id(self) -> str:
        """The first digits of its hash, as they are printed."""
        return self.plan_id[:DIGITS]


def series_name(text: str) -> tuple[str, str]:
    """(indicator, entity) of `indicator` or `indicator/entity`."""
    indicator, _, entity = text.partition("/")
    return indicator, entity


def content(plan: Plan) -> dict[str, Any]:
    """The plan as nested plain values: what is hashed, stored, and written into a draft."""
    event = {k: v for k, v in asdict(plan.event).items() if v not in ("", None)}
    wanted = plan.specification
    return {
        "format": FORMAT,
        "question": plan.question,
        "event": {k: v.isoformat() if isinstance(v, date) else v for k, v in event.items()},
        "primary": {name: getattr(plan, name) for name in ("indicator", "entity", "type", "horizon", "estimand")},
        "secondary": {
            "indicators": sorted(set(plan.secondary_indicators)),
            "horizons": sorted(set(plan.secondary_horizons)),
        },
        "specification": {
            "base_days": "all" if wanted.base_days is None else wanted.base_days,
            "gap_days": "usual" if wanted.gap_days is None else wanted.gap_days,
            "weekends": wanted.weekends,
            "donors": wanted.donors,
            "without": sorted(set(wanted.without)),
            "exclusions": wanted.exclusions,
            "masks": wanted.masks,
        },
        "analysis": {
            "smallest_effect": plan.smallest_effect,
            "estimator": plan.estimator,
            "rules_version": plan.rules_version,
            "tool_version": plan.tool_version,
        },
    }


def canonical(plan: Plan) -> str:
    """The content as JSON after RFC 8785: sorted keys, no spaces, numbers in shortest form; texts in NFC."""
    return json.dumps(_plain(content(plan)), sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {k: _plain(v) for k, v in value.items()}
    if isinstance(value, list):
        return sorted({_plain(v) for v in value})
    if isinstance(value, str):
        return unicodedata.normalize("NFC", value)
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def differences(changed: Plan, frozen: Plan) -> list[str]:
    """Each field in which two plans differ, as `primary.horizon is 14d, frozen as 7d`."""
    new, old = dict(_flat(_plain(content(changed)))), dict(_flat(_plain(content(frozen))))
    return [
        f"{name} is {_shown(new.get(name))}, frozen as {_shown(old.get(name))}"
        for name in sorted(new.keys() | old.keys())
        if new.get(name) != old.get(name)
    ]


def _flat(value: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    for key, inner in value.items():
        if isinstance(inner, dict):
            yield from _flat(inner, f"{above}{key}.")
        else:
            yield above + key, inner


def _shown(value: Any) -> str:
    if value is None:
        return "absent"
    text = json.dumps(value, ensure_ascii=False) if isinstance(value, list | bool) or value == "" else str(value)
    return text if len(text) <= 40 else f"{text[:37]}..."


def specification_in_words(wanted: Specification) -> str:
    """How a specification departs from the usual one; '' where it does not."""
    parts = [
        f"base of {wanted.base_days} days" if wanted.base_days is not None else "",
        f"gap of {wanted.gap_days} days" if wanted.gap_days is not None else "",
        "" if wanted.donors else "no donors",
        f"without {', '.join(sorted(wanted.without))}" if wanted.without else "",
        "" if wanted.exclusions else "donor exclusions off",
        "" if wanted.masks else "masks off",
        "" if wanted.weekends else "weekends left out",
    ]
    return "; ".join(p for p in parts if p)
