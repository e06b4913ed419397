"""Addresses that clients were given for listed names, for the flows that go there without stating a name."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable

_MOST = 100_000
_WINDOW = 600 * 1_000_000_000  # ns: a name looked up longer ago does not explain a flow

Client = tuple[int, int]


class Lookups:
    """The latest listed name that led a client to an address."""

    def __init__(self) -> None:
        self._by_address: OrderedDict[tuple[Client, bytes], tuple[str, int]] = OrderedDict()

    def __bool__(self) -> bool:
        return bool(self._by_address)

    def add(self, client: Client, name: str, addresses: Iterable[bytes], t: int) -> None:
        """Remembers the addresses (4 or 16 bytes each) of a name answered at t (ns)."""
        for address in addresses:
            self._by_address[client, address] = (name, t)
            if len(self._by_address) > _MOST:
                self._by_address.popitem(last=False)

    def words(self) -> list[int]:
        """The first word of every address, as in `Packets`."""
        return [int.from_bytes(address[:8], "little") for _, address in self._by_address]

    def name(self, client: Client, address: bytes, t: int) -> str:
        """The listed name that this client was given the address for, less than ten minutes before t; '' = none."""
        name, answered = self._by_address.get((client, address), ("", 0))
        return name if 0 <= t - answered < _WINDOW else ""
