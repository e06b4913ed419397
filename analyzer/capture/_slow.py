"""Link types the fast path does not know: scapy finds the IP header, packet by packet, for a bounded number."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from analyzer.capture._names import IPV4, IPV6

if TYPE_CHECKING:
    from analyzer.capture._link import Frames
    from analyzer.capture._view import View

LIMIT = 2_000  # packets of one capture: scapy takes about 0.1 ms each


def find_ip(view: View, frames: Frames, linktype: int, left: int) -> int:
    """Set kind and start of the frames in which scapy finds IP, among the first `left`; how many it looked at."""
    dissect = _dissector(linktype)
    if dissect is None:
        return 0
    looked = min(left, len(frames.at))
    for row, (at, end) in enumerate(zip(frames.at[:looked].tolist(), frames.end[:looked].tolist(), strict=True)):
        found = _ip(dissect, view.data[at:end].tobytes())
        if found:
            frames.kind[row], frames.at[row] = found[0], end - found[1]
    return looked


def _dissector(linktype: int) -> Any:
    """Class of the packets of a link type, or None."""
    import scapy.layers.all
    from scapy.config import conf

    return conf.l2types.num2layer.get(linktype) if scapy.layers.all else None


def _ip(dissect: Any, packet: bytes) -> tuple[int, int] | None:
    """Kind of the first IP header and the bytes from it to the end of the packet."""
    from scapy.layers.inet import IP
    from scapy.layers.inet6 import IPv6

    try:
        layers = dissect(packet)
    except Exception:  # noqa: BLE001 - a dissector may fail in any way on bytes that are not what it expects
        return None
    for kind, layer in ((IPV4, layers.getlayer(IP)), (IPV6, layers.getlayer(IPv6))):
        if layer is not None and layer.original and packet.endswith(layer.original):
            return kind, len(layer.original)
    return None
