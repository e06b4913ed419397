"""How a study is asked, and the role of each of its rows under a frozen plan."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from analyzer import verdicts
from analyzer.plans import Frozen, status_in_words
from analyzer.records import Block, Estimate, Role, Specification
from analyzer.study.asked import USUAL
from analyzer.study.horizons import DEFAULT, check_horizon
from analyzer.version import __version__


@dataclass(frozen=True, slots=True)
class Planned:
    """A frozen plan and the event it is about; None where the catalogue holds no such event yet.

    rivals: other plans that this store holds about the same event; many plans are many questions.
    """

    frozen: Frozen
    block: Block | None
    rivals: int = 0

    @property
    def status(self) -> str:
        """Whether it came before its data, in words."""
        said = status_in_words(self.frozen, self.block.onset_earliest if self.block else None)
        return f"{said}, one of {self.rivals + 1} plans about this event" if self.rivals else said

    @property
    def sentence(self) -> str:
        """The plan's id and whether it came before its data."""
        return f"plan {self.frozen.short_id}, {self.status}"


@dataclass(frozen=True, slots=True)
class Asking:
    """What a study asks: what was named, else what the plan fixes, else the usual."""

    indicator: str | None
    horizons: tuple[str, ...]
    estimator: str
    specification: Specification = USUAL
    smallest: float = verdicts.SMALLEST_EFFECT_OF_INTEREST
    plan: Planned | None = None

    @property
    def plan_id(self) -> str:
        """The plan's hash; '' without one."""
        return self.plan.frozen.plan_id if self.plan else ""

    def wants(self, indicator: str, entity: str) -> bool:
        """Whether a series is asked about."""
        if self.indicator is not None:
            return indicator == self.indicator
        return self.plan is None or (indicator, entity) in self.plan.frozen.plan.series


def asking(
    indicator: str | None, horizons: Sequence[str], estimator: str | None, plan: Planned | None = None
) -> Asking:
    """The question in full.  Raises UnknownName for a horizon that is none."""
    named = tuple(check_horizon(h) for h in horizons)
    if plan is None:
        return Asking(indicator, named or DEFAULT, estimator or "replay")
    fixed = plan.frozen.plan
    return Asking(
        indicator,
        named or fixed.horizons,
        estimator or fixed.estimator,
        fixed.specification,
        fixed.smallest_effect,
        plan,
    )


def marked(estimates: Sequence[Estimate], asked: Asking, block: Block, *, ambiguous: bool) -> tuple[Estimate, ...]:
    """The rows of a series with their role, plan and what of the plan was not kept to.

    ambiguous: the store holds several series of that name, so that the plan's cannot be told from the others.
    """
    if asked.plan is None:
        return tuple(estimates)
    why_not = _other_question(asked, asked.plan, block)
    return tuple(_marked(e, asked.plan, why_not, ambiguous=ambiguous) for e in estimates)


def _marked(row: Estimate, plan: Planned, why_not: Sequence[str], *, ambiguous: bool) -> Estimate:
    fixed = plan.frozen.plan
    role = role_of(plan, row)
    unkept = list(why_not)
    if role == "exploratory" and not why_not:
        unkept.append("this row is not in the plan")
    if ambiguous and role != "exploratory":
        unkept.append("the store holds several series of that name, of other units or scales")
    role = "exploratory" if unkept else role
    noted = [*unkept, *_shortfalls(row, plan)]
    said = [f"{role} under {plan.sentence}", *(f"deviation from the plan: {text}" for text in noted)]
    if fixed.smallest_effect != verdicts.SMALLEST_EFFECT_OF_INTEREST:
        said.append(f"smallest effect of interest by the plan: x{fixed.smallest_effect:g}")
    return replace(row, role=role, plan_id=plan.frozen.plan_id, reasons="; ".join((row.reasons, *said)))


def role_of(plan: Planned, row: Estimate) -> Role:
    """primary: the very row the plan names; secondary: its listed rows; all others exploratory."""
    fixed = plan.frozen.plan
    series = (row.indicator, row.entity)
    if row.estimand != fixed.estimand or row.horizon not in fixed.horizons or series not in fixed.series:
        return "exploratory"
    return "primary" if series == (fixed.indicator, fixed.entity) and row.horizon == fixed.horizon else "secondary"


def _other_question(asked: Asking, plan: Planned, block: Block) -> list[str]:
    """What makes every row of this study another question than the plan's."""
    fixed, found = plan.frozen.plan, []
    if plan.block is None or plan.block.block_id != block.block_id:
        found.append(f"the plan is about {fixed.event.in_words()}")
    if asked.estimator != fixed.estimator:
        found.append(f"estimated by {asked.estimator}, planned was {fixed.estimator}")
    if fixed.rules_version != verdicts.RULES_VERSION:
        found.append(f"frozen under rules {fixed.rules_version}, computed with rules {verdicts.RULES_VERSION}")
    return found


def _shortfalls(row: Estimate, plan: Planned) -> list[str]:
    """What of the plan could not be had; the question is still the plan's."""
    fixed, found = plan.frozen.plan, []
    if fixed.specification.donors and "; 0 donor countries" in row.method:
        found.append("no donor countries were to be had")
    if fixed.tool_version != __version__:
        found.append(f"frozen with version {fixed.tool_version} of the tool, computed with {__version__}")
    return found


def missing(asked: Asking, held: set[tuple[str, str]]) -> list[str]:
    """Series that the plan names and the store does not hold, as a sentence."""
    if asked.plan is None or asked.indicator is not None:
        return []
    fixed = asked.plan.frozen.plan
    lacking = [f"{i}/{e}" if e else i for i, e in sorted(fixed.series - held)]
    primary = (fixed.indicator, fixed.entity) not in held
    role = "; the primary question has no answer" if primary else ""
    return [f"the store holds no series of the plan's {', '.join(lacking)}{role}"] if lacking else []
