"""Dated lists of addresses: a user's (relays, a provider's servers) and the few published ones that ship with us."""

from __future__ import annotations

import csv
from bisect import bisect_right
from collections.abc import Iterable
from datetime import UTC, date, datetime
from functools import cache
from ipaddress import ip_network
from pathlib import Path
from typing import NamedTuple

from analyzer.errors import BadInput

_PUBLISHED = Path(__file__).parents[1] / "data" / "lookalike_networks.csv"


class AddressList(NamedTuple):
    """Networks that a family or a provider used on a day, such as Tor's consensus of that day.

    `networks` are addresses or prefixes in text; a list never labels a flow without a matching handshake.
    """

    name: str  # of the list, for the reason: such as "Tor consensus"
    family: str  # tor, openvpn, wireguard, ipsec, vpn_tls ...; '' = whatever the flow's own handshake says
    provider: str
    date: date
    networks: tuple[str, ...]


COLUMNS = ("list", "family", "provider", "date", "network")


def read_lists(path: Path) -> tuple[AddressList, ...]:
    """Address lists of a CSV file with the columns list, family, provider, date (YYYY-MM-DD), network.

    One row is one address or prefix; rows of one list, family, provider and date belong together.
    Raises BadInput that names file and line.
    """
    grouped: dict[tuple[str, str, str, date], list[str]] = {}
    try:
        with path.open(newline="", encoding="utf-8-sig") as lines:
            rows = csv.DictReader(lines)
            if missing := [c for c in COLUMNS if c not in (rows.fieldnames or ())]:
                raise BadInput(f"{path}: an address list has the columns {', '.join(COLUMNS)}; no {missing[0]} here")
            for row in rows:
                _add(grouped, row, f"{path}, line {rows.line_num}")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"cannot read {path}: {getattr(error, 'strerror', None) or 'it is not UTF-8'}") from error
    return tuple(AddressList(*key, tuple(networks)) for key, networks in grouped.items())


def _add(grouped: dict[tuple[str, str, str, date], list[str]], row: dict[str, str], where: str) -> None:
    try:
        network = str(ip_network((row["network"] or "").strip(), strict=False))
        day = date.fromisoformat((row["date"] or "").strip())
    except ValueError as error:
        raise BadInput(f"{where}: {error}; wanted are an address or prefix and a date such as 2024-02-17") from None
    key = (row["list"] or "").strip(), (row["family"] or "").strip(), (row["provider"] or "").strip(), day
    if not key[0]:
        raise BadInput(f"{where}: a list needs a name")
    grouped.setdefault(key, []).append(network)


class Index:
    """Address -> lists that hold it, by the longest prefix of each; two bisections per list."""

    __slots__ = ("_lists",)

    def __init__(self, lists: Iterable[AddressList]) -> None:
        """Raises BadInput where a network cannot be read."""
        self._lists = [(one, _ranges(one)) for one in lists]

    def __bool__(self) -> bool:
        return bool(self._lists)

    def holding(self, address: bytes) -> list[AddressList]:
        """Lists with a network that `address` (4 or 16 bytes) lies in."""
        number = int.from_bytes(address, "big")
        return [one for one, ranges in self._lists if _within(ranges.get(len(address)), number)]


_Ranges = tuple[list[int], list[int]]  # first and last addresses, merged, ascending


def _ranges(listed: AddressList) -> dict[int, _Ranges]:
    found: dict[int, list[tuple[int, int]]] = {4: [], 16: []}
    for text in listed.networks:
        try:
            network = ip_network(text, strict=False)
        except ValueError:
            raise BadInput(f"{listed.name}: not an address or network: {text!r}") from None
        found[4 if network.version == 4 else 16].append((int(network[0]), int(network[-1])))
    return {width: _merged(sorted(pairs)) for width, pairs in found.items() if pairs}


def _merged(pairs: list[tuple[int, int]]) -> _Ranges:
    starts: list[int] = []
    ends: list[int] = []
    for start, end in pairs:
        if ends and start <= ends[-1] + 1:
            ends[-1] = max(ends[-1], end)
        else:
            starts.append(start)
            ends.append(end)
    return starts, ends


def _within(ranges: _Ranges | None, number: int) -> bool:
    if ranges is None:
        return False
    i = bisect_right(ranges[0], number) - 1
    return i >= 0 and number <= ranges[1][i]


def days_apart(listed: AddressList, t: int) -> int:
    """Whole days between the list's date and a time in nanoseconds since 1970 UTC; negative: the list is newer."""
    return (datetime.fromtimestamp(t // 10**9, UTC).date() - listed.date).days


@cache
def lookalikes() -> Index:
    """Networks that messengers publish for themselves: fully encrypted traffic to them is no proxy."""
    grouped: dict[tuple[str, str], list[str]] = {}
    with _PUBLISHED.open(newline="", encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            grouped.setdefault((row["family"], row["date"]), []).append(row["network"])
    return Index(
        AddressList(f"networks published by {family.title()}", family, "", date.fromisoformat(day), tuple(networks))
        for (family, day), networks in grouped.items()
    )
