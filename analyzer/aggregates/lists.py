"""Shipped lists: which service a name belongs to, which resolver an address or a host name is."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from functools import cache
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from analyzer.capture.records import Words

OTHER = "other"
_DATA = Path(__file__).parents[1] / "data"
_MIX = np.uint64(0x9E3779B97F4A7C15)


def _rows(name: str) -> list[dict[str, str]]:
    with (_DATA / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@cache
def services() -> tuple[str, ...]:
    """Names of services; the first is `other`."""
    return (OTHER, *dict.fromkeys(row["service"] for row in _rows("services")))


def services_table() -> dict[str, npt.NDArray[np.object_]]:
    """Columns service, category and substitute_for (itself where it is a substitute for none), a row per service."""
    rows = {row["service"]: row for row in _rows("services")}.values()
    columns = {
        "service": [row["service"] for row in rows],
        "category": [row["category"] for row in rows],
        "substitute_for": [row["substitute_for"] or row["service"] for row in rows],
    }
    return {name: np.array(column, dtype=object) for name, column in columns.items()}


@cache
def resolvers() -> tuple[str, ...]:
    """Names of resolvers; the first is `other`."""
    return (OTHER, *dict.fromkeys(row["resolver"] for row in _rows("resolvers")))


@cache
def _domains() -> dict[str, int]:
    at = {name: i for i, name in enumerate(services())}
    return {row["domain"]: at[row["service"]] for row in _rows("services")}


@cache
def _hosts() -> dict[str, int]:
    at = {name: i for i, name in enumerate(resolvers())}
    return {row["name"]: at[row["resolver"]] for row in _rows("resolvers") if row["name"]}


@cache
def _ends() -> frozenset[str]:
    """The last two labels of everything listed: most names end otherwise and need no further look."""
    return frozenset(".".join(name.rsplit(".", 2)[-2:]) for name in (*_domains(), *_hosts()))


def known(names: Sequence[str]) -> tuple[list[int], list[int]]:
    """Index into `services`, and into `resolvers`, of each name; 0 = other.

    A service by the longest listed domain that the name is or lies below; a resolver by its DoH, DoT or DoQ host
    name, or one right below it (names per user).
    """
    ends, services, resolvers = _ends(), [0] * len(names), [0] * len(names)
    for i, name in enumerate(names):
        plain = name.lower().rstrip(".")
        if plain[plain.rfind(".", 0, max(plain.rfind("."), 0)) + 1 :] in ends:
            services[i], resolvers[i] = _service_of(plain), _resolver_of(plain)
    return services, resolvers


def _resolver_of(name: str) -> int:
    hosts = _hosts()
    return hosts.get(name) or hosts.get(name.partition(".")[2], 0)


def _service_of(name: str) -> int:
    domains = _domains()
    while name:
        if (found := domains.get(name)) is not None:
            return found
        name = name.partition(".")[2]
    return 0


class _Addresses(NamedTuple):
    mixed: Words  # sorted
    word0: Words
    word1: Words
    resolver: npt.NDArray[np.int64]


@cache
def _addresses() -> _Addresses:
    at = {name: i for i, name in enumerate(resolvers())}
    listed = [
        (*_words(ip_address(address).packed), at[row["resolver"]])
        for row in _rows("resolvers")
        for address in row["addresses"].split(";")
        if address
    ]
    word0 = np.array([row[0] for row in listed], dtype=np.uint64)
    word1 = np.array([row[1] for row in listed], dtype=np.uint64)
    order = np.argsort(_mixed(word0, word1))
    resolver = np.array([row[2] for row in listed], dtype=np.int64)[order]
    return _Addresses(_mixed(word0, word1)[order], word0[order], word1[order], resolver)


def _words(packed: bytes) -> tuple[int, int]:
    return int.from_bytes(packed[:8], "little"), int.from_bytes(packed[8:], "little")


def _mixed(word0: Words, word1: Words) -> Words:
    return word0 * _MIX + word1


def resolvers_at(word0: Words, word1: Words) -> npt.NDArray[np.int64]:
    """Index into `resolvers` of each address; 0 = other.

    An IPv6 address whose last twelve bytes are zero would look like an IPv4 one; none is given to a host.
    """
    listed = _addresses()
    at = np.minimum(np.searchsorted(listed.mixed, _mixed(word0, word1)), len(listed.mixed) - 1)
    same = (listed.word0[at] == word0) & (listed.word1[at] == word1)
    return np.where(same, listed.resolver[at], 0)
