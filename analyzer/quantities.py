"""What is counted, as types that cannot be mixed: people, clients, searches, downloads, sign-ups, shares, ratios.

Each kind is a class.  Adding or ordering two kinds raises TypeError at run time and is an error for mypy; only flows
(things that happen) can be added at all, since people, clients and installs of two tools overlap.  One kind becomes
another by a named route of `analyzer.people` only.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, Never, NoReturn, Self

MOST_PEOPLE = 1e10  # more than live on earth


@dataclass(frozen=True, slots=True)
class Quantity:
    """A range of one kind of thing: low <= middle <= high; high may be infinite ("at least"), middle None (a bound).

    Raises ValueError for ends that are not numbers, out of order, or beyond what the kind can be.
    """

    low: float
    middle: float | None
    high: float

    noun: ClassVar[str] = "things"
    least: ClassVar[float] = -math.inf  # a difference may be negative: fewer than expected
    most: ClassVar[float] = math.inf

    def __post_init__(self) -> None:
        ends = [self.low, self.high] if self.middle is None else [self.low, self.middle, self.high]
        if any(math.isnan(e) for e in ends) or not all(math.isfinite(e) for e in ends[:-1]):
            raise ValueError(f"low, middle and high of {self.noun} must be numbers, not {ends}")
        if ends != sorted(ends):
            raise ValueError(f"low, middle and high of {self.noun} are out of order: {ends}")
        if ends[0] < self.least or (math.isfinite(self.high) and self.high > self.most):
            raise ValueError(
                f"{self.noun} lie between {self.least:g} and {self.most:g}, not {ends[0]:g} to {ends[-1]:g}"
            )

    def __lt__(self, other: Self) -> bool:
        """Wholly below."""
        return self.high < self._same(other).low

    def __gt__(self, other: Self) -> bool:
        """Wholly above."""
        return self.low > self._same(other).high

    def __radd__(self, other: Never) -> NoReturn:
        """Raises TypeError: a number without a kind is of none."""
        raise TypeError(f"{_noun(other)} and {self.noun} are different things and cannot be added")

    def _same(self, other: Self) -> Self:
        if type(other) is not type(self):
            raise TypeError(f"{self.noun} and {_noun(other)} are different things and cannot be compared")
        return other


def _noun(thing: object) -> str:
    return thing.noun if isinstance(thing, Quantity) else f"a plain {type(thing).__name__}"


class Flow(Quantity):
    """Things that happen, each once: those of two places or days can be added."""

    __slots__ = ()
    noun = "events"

    def __add__(self, other: Self) -> Self:
        """The sum; its ends are the sums of ends, which hold however the two are related."""
        if type(other) is not type(self):
            raise TypeError(f"{self.noun} and {_noun(other)} are different things and cannot be added")
        middle = None if self.middle is None or other.middle is None else self.middle + other.middle
        return type(self)(self.low + other.low, middle, self.high + other.high)


class Level(Quantity):
    """Things that are there, or a proportion: two of them overlap or have different wholes, and are never added."""

    __slots__ = ()

    def __add__(self, other: Never) -> NoReturn:
        """Raises TypeError with the reason."""
        if type(other) is not type(self):
            raise TypeError(f"{self.noun} and {_noun(other)} are different things and cannot be added")
        raise TypeError(f"{self.noun} of two tools or places may be the same ones: use analyzer.people.max_to_sum")


class Searches(Flow):
    """Look-ups, views, requests: interest."""

    __slots__ = ()
    noun = "searches"


class Downloads(Flow):
    """Installs from a store: an acquisition, which says nothing of use."""

    __slots__ = ()
    noun = "downloads"


class SignUps(Flow):
    """New accounts."""

    __slots__ = ()
    noun = "sign-ups"


class Connections(Flow):
    """Flows or sessions: one person makes many."""

    __slots__ = ()
    noun = "connections"


class People(Level):
    """Persons, each once."""

    __slots__ = ()
    noun = "people"
    least, most = -MOST_PEOPLE, MOST_PEOPLE


class ConcurrentClients(Level):
    """Clients connected at one time, on average; how many different ones there were is not known."""

    __slots__ = ()
    noun = "concurrent clients"


class DailyClients(Level):
    """Different clients (devices) of one day, as a tool counts them."""

    __slots__ = ()
    noun = "clients a day"


class Installs(Level):
    """Installs still in place: devices, not people."""

    __slots__ = ()
    noun = "installs still in place"


class Share(Level):
    """A part of a whole, between 0 and 1; never a per cent."""

    __slots__ = ()
    noun = "shares"
    least, most = 0.0, 1.0


class Ratio(Level):
    """Times as many."""

    __slots__ = ()
    noun = "ratios"
    least = 0.0
