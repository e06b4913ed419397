"""What an estimator declares of itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from analyzer.records import Effect


@dataclass(frozen=True, slots=True)
class Estimator:
    """Declaration of one estimator.

    `run` takes the keyword arguments of `estimate_effect` (y, onset and horizon among them) and raises NotEnoughData
    where nothing honest can be said.
    """

    name: str
    title: str
    reference: str  # where the method is published
    run: Callable[..., Effect] = field(repr=False)
