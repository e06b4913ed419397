"""Every flow of a capture with its label and the reason, as the operator's own audit: streamed, nothing stored.

Addresses are replaced unless asked for: by tokens that only this run can tell apart, or prefix-preserving.
"""

from __future__ import annotations

import io
import secrets
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import lru_cache
from hashlib import blake2b
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from analyzer.capture.records import TRAFFIC

if TYPE_CHECKING:
    from analyzer.capture.lists import AddressList
    from analyzer.capture.records import Flows, Ints, Label, Tally

COLUMNS = (
    *("proto", "src", "sport", "dst", "dport", "family", "provider", "kind", "confidence", "rule", "reason"),
    *("packets", "bytes", "first_seen", "last_seen"),
)
Addresses = Literal["random", "cryptopan", "shown"]
_KEPT = 1 << 16  # addresses whose replacement is remembered: they come again and again

# IANA protocol numbers; the others are given as numbers
_PROTOCOLS = {1: "ICMP", 2: "IGMP", 4: "IPIP", 6: "TCP", 17: "UDP", 41: "IPv6", 47: "GRE", 50: "ESP", 51: "AH"}
_PROTOCOLS |= {58: "ICMPv6", 89: "OSPF", 94: "IPIP", 97: "EtherIP", 103: "PIM", 112: "VRRP", 115: "L2TP"}
_PROTOCOLS |= {132: "SCTP", 136: "UDPLite", 137: "MPLS"}


def rows(
    file: Path,
    name: str,
    tally: Tally,
    *,
    every: bool = False,
    addresses: Addresses = "random",
    lists: tuple[AddressList, ...] = (),
    progress: Callable[[int, int], None] | None = None,
) -> Iterator[list[dict[str, Any]]]:
    """Batches of rows in the columns COLUMNS, one per record of a labelled flow (of any flow with `every`).

    tally fills while the capture is read.  lists: the user's dated address lists.
    Raises BadInput when it is no capture.
    """
    from analyzer.capture import engine

    replaced = _replacing(addresses)
    with closing(_Watched(file, progress)) as raw:
        for flows in engine.flows_of(raw, name, tally, engine.Options(lists=lists)):
            if found := _rows(flows, every, replaced):
                yield found


class _Watched(io.RawIOBase):
    """The bytes of a file; whoever waits is told how far it is read.  No hash: nothing is kept that would need one."""

    def __init__(self, path: Path, progress: Callable[[int, int], None] | None) -> None:
        super().__init__()
        self._file, self._total, self._done = path.open("rb", buffering=0), path.stat().st_size, 0
        self._progress = progress

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        got = self._file.readinto(buffer) or 0
        self._done += got
        if self._progress and got:
            self._progress(self._done, max(self._total, self._done))
        return got

    def close(self) -> None:
        self._file.close()
        super().close()


def unreadable(tally: Tally) -> str:
    """What could not be read and what is odd, as a sentence; '' when there is nothing to say."""
    parts = []
    if tally.unreadable:
        number = sum(tally.unreadable.values())
        parts.append(f"{number} of {tally.packets} packets gave no flow: {_listed(tally.unreadable)}")
    if tally.cut:
        parts.append(f"{tally.cut} packets were captured in part: names may be missing")
    if tally.notes:
        parts.append(_listed(tally.notes))
    return "; ".join(parts)


def _listed(counts: Any) -> str:
    return ", ".join(f"{number} {reason}" for reason, number in counts.most_common())


def _rows(flows: Flows, every: bool, replaced: Callable[[bytes], str]) -> list[dict[str, Any]]:
    import numpy as np

    chosen = np.arange(len(flows.first)) if every else np.flatnonzero(flows.label >= 0)
    if not len(chosen):
        return []
    part = {
        field: getattr(flows, field)[chosen].tolist()
        for field in ("proto", "v6", "src0", "src1", "sport", "dst0", "dst1", "dport", "label", "traffic")
    }
    packets = (flows.packets_up + flows.packets_down)[chosen].tolist()
    size = (flows.bytes_up + flows.bytes_down)[chosen].tolist()
    first, last = _times(flows.first[chosen]), _times(flows.last[chosen])
    found = []
    for i, (proto, label) in enumerate(zip(part["proto"], part["label"], strict=True)):
        src = replaced(_address(part["src0"][i], part["src1"][i], part["v6"][i]))
        dst = replaced(_address(part["dst0"][i], part["dst1"][i], part["v6"][i]))
        why = _explained(flows.labels[label] if label >= 0 else None, part["traffic"][i])
        ends = (_PROTOCOLS.get(proto, str(proto)), src, part["sport"][i], dst, part["dport"][i])
        found.append(dict(zip(COLUMNS, (*ends, *why, packets[i], size[i], first[i], last[i]), strict=True)))
    return found


def _explained(label: Label | None, traffic: int) -> tuple[str, ...]:
    """Family, provider, kind, confidence, rule and reason."""
    if label is None:
        return ("", "", "", "", "", f"no rule matched; traffic looks like: {TRAFFIC[traffic]}")
    return (label.family, label.provider, label.kind, label.confidence, label.rule, label.reason)


def _times(at: Ints) -> list[str]:
    """ISO 8601 in UTC, with microseconds."""
    import numpy as np

    texts = np.datetime_as_string((at // 1000).astype("datetime64[us]"), unit="us")
    return [f"{text}Z" for text in texts.tolist()]


def _address(word0: int, word1: int, v6: bool) -> bytes:
    return word0.to_bytes(8, "little") + word1.to_bytes(8, "little") if v6 else word0.to_bytes(8, "little")[:4]


def _replacing(addresses: Addresses) -> Callable[[bytes], str]:
    if addresses == "shown":
        return lambda address: str(ip_address(address))
    if addresses == "cryptopan":
        return _prefix_preserving()
    return _tokens()


def _tokens() -> Callable[[bytes], str]:
    """The same token for the same address within this run, and nothing else in it."""
    key = secrets.token_bytes(32)

    @lru_cache(_KEPT)
    def token(address: bytes) -> str:
        return "h" + blake2b(address, digest_size=8, key=key).hexdigest()

    return token


def _prefix_preserving() -> Callable[[bytes], str]:
    """Crypto-PAn (Xu et al. 2002) under a key made for this run."""
    from yacryptopan import CryptoPAn

    anonymise = CryptoPAn(secrets.token_bytes(32)).anonymize

    @lru_cache(_KEPT)
    def replaced(address: bytes) -> str:
        return str(ip_address(anonymise(str(ip_address(address)))))

    return replaced
