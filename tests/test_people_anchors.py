"""A file of anchors: read by header, every fault with its line; which rows a route may use."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from analyzer.errors import BadInput
from analyzer.people import Anchor, read_anchors, shipped_anchors
from analyzer.people.anchors import nearest, stated

HEADER = (
    "cc,date_start,date_end,quantity,indicator,entity,value,low,high,unit,base,n,design_effect,source,address,note\n"
)
GOOD = "PK,2023-11-01,2023-11-20,vpn_users_share,,,18,,,percent,internet users,1000,1.5,Somebody,https://x,\n"


def read(folder: Path, *rows: str, header: str = HEADER) -> tuple[Anchor, ...]:
    file = folder / "anchors.csv"
    file.write_text(header + "".join(rows), encoding="utf-8")
    return read_anchors(file)


def row(**cells: str) -> str:
    """A good row with other cells."""
    names = HEADER.strip().split(",")
    values = dict(zip(names, GOOD.strip().split(","), strict=True)) | cells
    return ",".join(values[n] for n in names) + "\n"


def test_a_row_is_read_by_header_whatever_the_order(tmp_path: Path):
    (found,) = read(
        tmp_path, "percent,18,vpn_users_share,PK,2023-11,1000\n", header="unit,value,quantity,cc,date_start,n\n"
    )
    assert (found.cc, found.value, found.n) == ("PK", pytest.approx(0.18), 1000)
    assert (found.date_start, found.date_end) == (date(2023, 11, 1), date(2023, 11, 30))


def test_per_cent_and_shares_are_told_apart(tmp_path: Path):
    both = read(tmp_path, row(), row(value="0.18", unit="share"))
    assert [a.value for a in both] == pytest.approx([0.18, 0.18])


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        ({"value": "18", "unit": "share"}, "line 2: value: 18 is no share"),
        ({"value": "118"}, "line 2: value: 118 is no share"),
        ({"value": "-1"}, "no share"),
        ({"value": "nan"}, "not finite"),
        ({"value": "1e999"}, "not finite"),
        ({"value": "many"}, "not a number"),
        ({"value": ""}, "is empty"),
        ({"cc": "PAK"}, "line 2: cc"),
        ({"quantity": "vpn_share"}, "unknown 'vpn_share'"),
        ({"unit": "people"}, "line 2: unit"),
        ({"low": "10"}, "come together"),
        ({"low": "20", "high": "30"}, "out of order"),
        ({"low": "30", "high": "10"}, "out of order"),
        ({"date_start": "2023-12-01"}, "wrong way round"),
        ({"date_start": ""}, "is empty while date_end"),
        ({"date_start": "last year", "date_end": ""}, "line 2: date_start"),
        ({"n": "0"}, "line 2: n: 0 is under 1"),
        ({"design_effect": "0.5"}, "design_effect"),
        ({"quantity": "persons_per_address", "unit": "ratio", "value": "0.5"}, "not between 1"),
        ({"quantity": "network_subscribers", "unit": "addresses", "value": "1e15"}, "not between"),
        ({"quantity": "retention_half_life_days", "unit": "days", "value": "-3"}, "not between"),
    ],
)
def test_every_fault_names_file_line_and_column(tmp_path: Path, cells: dict[str, str], said: str):
    with pytest.raises(BadInput, match=r"anchors\.csv: line 2") as caught:
        read(tmp_path, row(**cells))
    assert said in str(caught.value)


def test_a_file_that_is_none_is_refused_in_one_line(tmp_path: Path):
    with pytest.raises(BadInput, match="cannot read the anchors"):
        read_anchors(tmp_path / "absent.csv")
    with pytest.raises(BadInput, match="cannot read the anchors"):
        read_anchors(tmp_path)
    (tmp_path / "b.csv").write_bytes(b"\xff\xfe\x00c")
    with pytest.raises(BadInput, match="UTF-8"):
        read_anchors(tmp_path / "b.csv")
    with pytest.raises(BadInput, match="no column quantity"):
        read(tmp_path, header="cc,value,unit\n")
    with pytest.raises(BadInput, match="line 2: not the 16 fields"):
        read(tmp_path, "PK,1\n")


def test_n_gives_the_interval_through_the_design_effect_two_where_none_is_stated(tmp_path: Path):
    stated_one, assumed = read(tmp_path, row(), row(design_effect=""))
    assert (stated_one.uncertain().how, stated_one.uncertain().n) == ("survey", pytest.approx(1000 / 1.5))
    assert assumed.uncertain().n == 500


def test_low_and_high_are_an_interval_with_n_and_a_stated_range_without(tmp_path: Path):
    with_n, without, bare = read(
        tmp_path, row(low="15", high="21"), row(low="15", high="21", n=""), row(n="", design_effect="")
    )
    assert (with_n.uncertain().how, without.uncertain().how, bare.uncertain().how) == ("interval", "stated", "exact")
    assert not bare.has_range


def test_a_special_row_goes_before_a_general_one_a_later_before_an_earlier_a_country_before_the_world(tmp_path: Path):
    rows = read(
        tmp_path,
        row(cc="XX", source="world"),
        row(source="early", date_start="2022-01", date_end="2022-01"),
        row(source="late"),
        row(source="special", indicator="vpn.users", date_start="2022-01", date_end="2022-01"),
        row(source="other", indicator="vpn.other"),
        row(source="India", cc="IN"),
    )

    def chosen(cc: str, indicator: str) -> str:
        found = nearest(stated(rows, "vpn_users_share", cc, indicator), cc)
        return found.source if found else ""

    assert chosen("PK", "vpn.users") == "special"
    assert chosen("PK", "vpn.panel") == "late"
    assert chosen("TR", "vpn.users") == "world"


def test_shipped_rows_are_dated_sourced_and_never_a_base_for_what_came_before_them():
    rows = shipped_anchors()
    assert len(rows) >= 4
    for anchor in rows:
        assert anchor.date_start is not None
        assert anchor.source
        assert anchor.address.startswith("https://")
    gallup = next(a for a in rows if a.quantity == "vpn_users_share")
    assert (gallup.cc, gallup.value, gallup.date_end) == ("PK", pytest.approx(0.18), date(2025, 2, 14))
