"""Packet sampling, one packet in N: what can be scaled up, and what was only seen in the sample."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy.special import gammaincinv

from analyzer.errors import BadInput, NotEnoughData

Unit = Literal["packets", "bytes", "flows", "clients"]
LARGEST_PACKET = 1500  # bytes: what Ethernet carries unless told otherwise (RFC 894)


@dataclass(frozen=True, slots=True)
class Expanded:
    """A count under 1:N packet sampling.

    seen: as counted in the sample.  estimate, low, high: in the traffic itself, 95 % unless asked otherwise; None for
    flows and clients, which are not multiplied.
    """

    unit: Unit
    seen: int
    n: int
    estimate: float | None
    low: float | None
    high: float | None
    variance: float | None
    warnings: tuple[str, ...]


def expand_sampled(
    k: int, n: int, unit: Unit = "packets", *, squares: float | None = None, level: float = 0.95
) -> Expanded:
    """What k units seen under 1:n packet sampling stand for.

    Packets and bytes scale by n, with variance n (n - 1) x the sum of squared packet sizes (1 for packets; Horvitz &
    Thompson 1952) and the gamma interval of Fay & Feuer (1997).  squares: sum of squared sizes of the sampled packets;
    without it every packet is taken to have 1,500 bytes, which is the widest.  Raises BadInput for n < 1 or k < 0.
    """
    if n < 1 or k < 0:
        raise BadInput(f"1:{n} sampling of {k} {unit}: n is at least 1 and counts are not negative")
    if unit in ("flows", "clients"):
        return Expanded(unit, k, n, None, None, None, None, _seen_only(unit, n))
    largest = 1.0 if unit == "packets" else float(LARGEST_PACKET)
    summed = largest * k if squares is None or unit == "packets" else squares
    if n == 1:
        return Expanded(unit, k, n, float(k), float(k), float(k), 0.0, ())
    low, high = _gamma_interval(float(k), summed, largest, level)
    return Expanded(unit, k, n, float(n * k), n * low, n * high, n * (n - 1) * summed, _scaled(unit, n, squares))


def _gamma_interval(total: float, squares: float, largest: float, level: float) -> tuple[float, float]:
    """Of a weighted sum of Poisson counts; for packets that of Garwood (1936)."""
    tail = (1 - level) / 2
    low = 0.0 if total == 0 else squares / total * float(gammaincinv(total**2 / squares, tail))
    wider, more = squares + largest**2, total + largest
    return low, wider / more * float(gammaincinv(more**2 / wider, 1 - tail))


def _seen_only(unit: Unit, n: int) -> tuple[str, ...]:
    if n == 1:
        return ()
    return (
        (
            f"{unit} are those seen in the sample of 1:{n}, not multiplied: short flows are mostly missed, long ones "
            f"mostly seen, so a share of {unit} leans towards long flows, as tunnels are"
        ),
    )


def _scaled(unit: Unit, n: int, squares: float | None) -> tuple[str, ...]:
    said = [f"{unit} are those of the sample times {n}, the sampling rate as stated"]
    if unit == "bytes" and squares is None:
        said.append("sum of squared packet sizes not given: the interval takes every packet as 1,500 bytes")
    return tuple(said)


def chance_seen(packets: int | npt.NDArray[np.int64], n: int) -> npt.NDArray[np.float64]:
    """Probability that a flow of so many packets, shape (F,) or one number, is seen at all under 1:n sampling."""
    if n < 1:
        raise BadInput(f"1:{n} is no sampling rate")
    if np.any(np.asarray(packets) < 1):
        raise NotEnoughData("a flow has at least one packet")
    return np.asarray(1.0 - (1.0 - 1.0 / n) ** np.asarray(packets, dtype=np.float64))
