"""Our own captures: made again they are the same bytes, and their golden flow logs say what scapy counts in them."""

from __future__ import annotations

import bz2
import csv
import gzip
import importlib
import ipaddress
import lzma
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from golden_flows import (
    FOLDER,
    NUMBERS,
    Key,
    Verdict,
    capture_of,
    conversations,
    differences,
    golden_lines,
    golden_rows,
    key,
    totals,
)

from analyzer.cli import vpn_uptake

CONVERSATIONS = Path(__file__).parent / "golden" / "conversations"
GOLDEN = sorted(FOLDER.glob("*.flows.csv"))
SQUEEZED = (".gz", ".zst", ".bz2", ".xz")
SAMPLE = ("openvpn-tcp", "ikev2-nat-t", "provider-api-quic", "fragments", "small", "small-sections", "tunnel-teredo")
DOCUMENTATION = [
    ipaddress.ip_network(n)
    for n in (
        "192.0.2.0/24",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "2001:db8::/32",
        "2001::/32",
        "fe80::/10",
        "ff00::/8",
    )
]
PUBLIC_RESOLVERS = {"8.8.8.8", "1.1.1.1", "9.9.9.9"}
KINDS = {"tunnel", "control", "proxy", "anonymity", "covert", "encrypted_dns", "encapsulation", "lookalike"}
CONFIDENCES = {"header", "name", "dated_list", "statistical"}


def inspected(path: Path) -> list[str]:
    """Rows of `vpn-uptake inspect` on a capture, with its addresses."""
    options = ["--show-addresses", "--all", "--format", "csv"]
    done = CliRunner().invoke(vpn_uptake, ["inspect", str(path), *options])
    assert done.exit_code == 0, done.output
    return done.stdout.splitlines()


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Some captures made again in another folder."""
    folder = tmp_path_factory.mktemp("captures")
    subprocess.run(
        [sys.executable, str(FOLDER / "make.py"), str(folder), *SAMPLE], check=True, env={"PYTHONHASHSEED": "7"}
    )
    return folder


def unpacked(path: Path) -> bytes:
    """The content of a file, decompressed."""
    data = path.read_bytes()
    if path.suffix == ".zst":
        import zstandard

        return zstandard.ZstdDecompressor().decompress(data, max_output_size=1 << 20)
    return {".gz": gzip.decompress, ".bz2": bz2.decompress, ".xz": lzma.decompress}.get(path.suffix, bytes)(data)


def test_make_writes_the_same_bytes_again(made: Path):
    names = sorted(path.name for path in made.iterdir())
    assert len(names) >= 2 * len(SAMPLE)
    for name in names:
        assert unpacked(made / name) == unpacked(FOLDER / name), name


def test_compressed_variants_hold_the_capture():
    base = (FOLDER / "small.pcap").read_bytes()
    assert all(unpacked(FOLDER / f"small.pcap{suffix}") == base for suffix in SQUEEZED)


def declared() -> list[str]:
    """Names of all captures `make.py` declares."""
    code = "import sys; sys.path.insert(0, sys.argv[1]); import make; print(*make.CAPTURES, sep='\\n')"
    done = subprocess.run([sys.executable, "-c", code, str(FOLDER)], check=True, capture_output=True, text=True)
    return done.stdout.split()


def test_readme_has_a_row_for_every_capture_and_every_capture_is_there():
    names = declared()
    rows = re.findall(r"^\| `([\w-]+)` \|", (FOLDER / "README.md").read_text(encoding="utf-8"), re.M)
    assert rows == names
    assert sorted(path.name.removesuffix(".flows.csv") for path in GOLDEN) == sorted(names)
    stems = {path.name.split(".")[0] for path in FOLDER.iterdir() if ".pcap" in path.name}
    assert stems == set(names)


def test_the_folder_stays_small():
    assert sum(path.stat().st_size for path in FOLDER.glob("*.*") if path.suffix != ".py") < 3_200_000


@pytest.mark.parametrize("path", GOLDEN, ids=lambda p: p.name.removesuffix(".flows.csv"))
def test_a_golden_flow_log_uses_the_words_and_documentation_addresses(path: Path):
    for row in csv.DictReader(path.read_text(encoding="utf-8").splitlines()):
        labelled = [bool(row[c]) for c in ("family", "kind", "confidence")]
        assert all(labelled) or not any(labelled), row
        assert row["kind"] in KINDS | {""}
        assert row["confidence"] in CONFIDENCES | {""}
        assert row["proto"] in NUMBERS
        for end in (row["src"], row["dst"]):
            listed = path.name.startswith("mix.") and end in PUBLIC_RESOLVERS
            assert listed or any(ipaddress.ip_address(end) in net for net in DOCUMENTATION), row
        assert int(row["packets"]) > 0
        assert int(row["bytes"]) >= 20 * int(row["packets"])


def test_no_flow_stands_twice_in_a_golden_flow_log():
    for path in GOLDEN:
        rows = golden_rows(path.name.removesuffix(".flows.csv"))
        flows = [key(r["proto"], r["src"], r["sport"], r["dst"], r["dport"]) for r in rows]
        assert len(set(flows)) == len(flows), path.name


def ip_packets(frame: object) -> Iterator[object]:
    """Every IP packet of a frame, outermost first."""
    from scapy.layers.inet import IP
    from scapy.layers.inet6 import IPv6

    layer = frame
    while layer:
        if isinstance(layer, IP | IPv6):
            yield layer
        layer = layer.payload


def counted(name: str) -> dict[Key, list[int]]:
    """Packets and IP bytes by flow, by scapy; later fragments go with the datagram they belong to."""
    from scapy.layers.inet import IP, TCP, UDP
    from scapy.layers.inet6 import IPv6, IPv6ExtHdrFragment
    from scapy.utils import PcapReader

    for layers in (
        "scapy.contrib.mpls",
        "scapy.layers.dot11",
        "scapy.layers.l2",
        "scapy.layers.ppp",
        "scapy.layers.vxlan",
    ):
        importlib.import_module(layers)
    flows: dict[Key, list[int]] = {}
    datagrams: dict[tuple[str, str, int], Key] = {}
    with PcapReader(str(capture_of(name))) as frames:
        for frame in frames:
            for packet in ip_packets(frame):
                piece = packet.getlayer(IPv6ExtHdrFragment) if isinstance(packet, IPv6) else None
                size = packet.len if isinstance(packet, IP) else packet.plen + 40
                proto = packet.proto if isinstance(packet, IP) else piece.nh if piece else packet.nh
                ident = (packet.src, packet.dst, piece.id if piece else getattr(packet, "id", -1))
                ports = packet.getlayer(TCP if proto == 6 else UDP) if proto in (6, 17) else None
                later = piece.offset if piece else getattr(packet, "frag", 0)
                ends = (
                    (str(ports.sport), packet.dst, str(ports.dport)) if ports and not later else ("0", packet.dst, "0")
                )
                flow = datagrams[ident] if later else key(str(proto), packet.src, *ends)
                if piece or (isinstance(packet, IP) and packet.flags.MF):
                    datagrams[ident] = flow
                entry = flows.setdefault(flow, [0, 0])
                entry[0] += 1
                entry[1] += size
    return flows


COUNTED = (
    "openvpn-udp", "esp-ipv6", "icmp-ptunnel", "pptp", "doq", "fragments", "disorder", "short-frames", "cut-snaplen",
    "one-way", "small-sections", "tunnel-6in4", "tunnel-4in6", "tunnel-gre", "tunnel-vxlan", "link-mpls", "link-sll",
    "link-ppp", "link-radiotap",
)  # fmt: skip


@pytest.mark.parametrize("name", COUNTED)
def test_a_golden_flow_log_counts_what_scapy_counts(name: str):
    expected = {
        key(r["proto"], r["src"], r["sport"], r["dst"], r["dport"]): [int(r["packets"]), int(r["bytes"])]
        for r in golden_rows(name)
    }
    assert counted(name) == expected


def test_checksums_are_right():
    from scapy.layers.inet import IP, TCP, UDP
    from scapy.utils import PcapReader

    checked: Counter[str] = Counter()
    for name in ("socks5", "dns-iodine", "icmp-hans"):
        with PcapReader(str(capture_of(name))) as frames:
            for frame in frames:
                for layer in (IP, TCP, UDP):
                    if layer in frame:
                        stated = frame[layer].chksum
                        again = frame.copy()
                        del again[layer].chksum
                        assert type(frame)(bytes(again))[layer].chksum == stated
                        checked[layer.__name__] += 1
    assert min(checked.values()) > 10


def shares(name: str) -> list[dict[str, str]]:
    return list(csv.DictReader((FOLDER / name).read_text(encoding="utf-8").splitlines()))


def test_the_known_shares_of_the_mix_are_those_of_its_flows():
    rows, table = golden_rows("mix"), shares("mix.shares.csv")
    total = sum(int(r["bytes"]) for r in rows)
    assert total == 720_000
    by_label: Counter[Verdict] = Counter()
    for r in rows:
        by_label[r["family"], r["provider"], r["kind"], r["confidence"]] += int(r["bytes"])
    stated: Counter[Verdict] = Counter()
    for r in table:
        stated[r["family"], r["provider"], r["kind"], r["confidence"]] += int(r["bytes"])
    assert stated == by_label
    assert abs(sum(float(r["byte_share"]) for r in table) - 1) < 1e-4
    assert len({r["src"] for r in rows}) >= 30
    assert len({r["hour"] for r in table}) == 4


def test_the_mix_holds_every_outcome_and_every_way_to_resolve():
    assert {r["outcome"] for r in shares("mix.requests.csv")} == {
        "answered",
        "reset",
        "no_answer",
        "redirected",
        "failed",
    }
    assert {r["transport"] for r in shares("mix.resolvers.csv")} == {"udp", "dot", "doh"}


def test_differences_tells_lost_flows_other_labels_and_false_labels():
    head = "proto,src,sport,dst,dport,family,provider,kind,confidence,packets,bytes\n"
    golden = (
        head
        + "udp,192.0.2.1,5,203.0.113.1,1194,openvpn,,tunnel,header,2,99\ntcp,192.0.2.1,6,203.0.113.1,443,,,,,2,99\n"
    )
    same = (
        head + "17,203.0.113.1,1194,192.0.2.1,5,openvpn,,tunnel,header,1,50\n17,192.0.2.1,5,203.0.113.1,1194,,,,,1,49\n"
    )
    plain = "6,192.0.2.1,6,203.0.113.1,443,,,,,2,99\n"
    stray = "17,192.0.2.9,7,203.0.113.9,53,dot,,encrypted_dns,name,1,40\n"
    assert differences(golden.splitlines(), (same + plain).splitlines()) == []
    assert len(differences(golden.splitlines(), same.splitlines())) == 1
    assert (
        len(differences(golden.splitlines(), (same + plain.replace(",,,,,", ",tor,,anonymity,name,")).splitlines()))
        == 1
    )
    assert len(differences(golden.splitlines(), (same + plain + stray).splitlines())) == 1


FILES = sorted(path for path in FOLDER.iterdir() if ".pcap" in path.name)


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.name)
def test_inspect_finds_what_the_golden_flow_log_says(path: Path):
    """In every container, compression, link type and tunnel, and nothing beside it."""
    name = path.name.split(".")[0]
    assert differences(golden_lines(name), inspected(path)) == []


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.name)
def test_inspect_counts_the_packets_and_bytes_of_the_golden_flow_log(path: Path):
    assert totals(inspected(path)) == totals(golden_lines(path.name.split(".")[0]))


RECORDED = sorted(CONVERSATIONS.glob("*.txt"))


def test_conversations_of_ten_captures_are_recorded():
    assert len(RECORDED) == 10


@pytest.mark.parametrize("path", RECORDED, ids=lambda p: p.stem)
def test_tshark_counted_the_packets_of_the_golden_flow_log(path: Path):
    text = path.read_text(encoding="utf-8")
    assert "TShark" in text.splitlines()[0]
    expected = {
        key(r["proto"], r["src"], r["sport"], r["dst"], r["dport"]): [int(r["packets"])]
        for r in golden_rows(path.stem)
        if r["proto"] in ("tcp", "udp")
    }
    assert conversations(text) == expected


def test_words_of_the_captures_are_the_contracts():
    sys.path.insert(0, str(FOLDER))
    try:
        words = importlib.import_module("_words")
    finally:
        sys.path.remove(str(FOLDER))
    assert set(words.KIND.values()) == KINDS
    assert set(words.CONFIDENCES) == CONFIDENCES
