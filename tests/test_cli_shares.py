"""`vpn-uptake shares` on stores whose hourly cells were filled by hand."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from click.testing import CliRunner
from stores import empty_store

import analyzer
from analyzer.cli.shares import command
from analyzer.errors import BadInput, NotEnoughData, UnknownName
from analyzer.store import Store

FIRST = datetime(2024, 2, 9, 19)  # midnight of 2024-02-10 in Pakistan (UTC+5)
TUNNEL = ("openvpn", "tunnel", "header")
LOOKALIKE = ("wifi_calling", "lookalike", "name")
SUSPICION = ("encrypted", "covert", "statistical")
PLAIN = ("", None, None)
RATES = ("--sensitivity", "223/243", "--false-positives", "2/1375")
DAY = {"cc": "PK", "start": date(2024, 2, 10), "end": date(2024, 2, 11)}

Cell = tuple[tuple[str, str | None, str | None], int | None, int | None, int | None]


def fill(store: Store, hour: int, *cells: Cell, snapshot: str = "a", cc: str = "PK") -> None:
    """Cells ((family, kind, confidence), flows, clients, bytes) of one hour; None counts are suppressed."""
    start = FIRST + timedelta(hours=hour)
    with store.writing() as con:
        for (family, kind, confidence), flows, clients, size in cells:
            state = "value" if clients is not None else "suppressed"
            row = (snapshot, start, start + timedelta(hours=1), cc, 0, family, "", kind, confidence)
            con.execute(
                "INSERT INTO flows VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                [*row, flows, clients, size, None if size is None else 0, 0, state],
            )


def total(store: Store, hour: int, indicator: str, value: int | None, entity: str = "", *, hours: int = 1) -> None:
    """A stated total of an hour or a day; None is suppressed."""
    start = FIRST + timedelta(hours=hour)
    state = "suppressed" if value is None else "value"
    row = ("a", indicator, "PK", 0, entity, start, start + timedelta(hours=hours), value, None, None, "count", state)
    with store.writing() as con:
        con.execute("INSERT INTO observations VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, NULL, NULL, '')", row)


def shares(store: Store, **options: Any) -> Any:
    return analyzer.open(store.path).shares(**{**DAY, **options})


class Done(NamedTuple):
    returncode: int
    stdout: str
    stderr: str


def run(folder: Path, *arguments: str) -> Done:
    """The command in this process: starting one for each test would take most of their time."""
    done = CliRunner().invoke(command, [*arguments, "--db", str(folder / "uptake.duckdb")], catch_exceptions=False)
    return Done(done.exit_code, done.stdout, done.stderr)


def asked(end: str = "2024-02-11") -> tuple[str, ...]:
    return ("--cc", "PK", "--from", "2024-02-10", "--to", end)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Two hours of one day: 260 of 10,000 flows are a tunnel."""
    made = empty_store(tmp_path)
    fill(made, 0, (TUNNEL, 100, 20, 5000), (LOOKALIKE, 50, 15, 100), (PLAIN, 3850, 400, 90_000))
    fill(made, 1, (TUNNEL, 160, 25, 7000), (SUSPICION, 40, 12, 900), (PLAIN, 5800, 500, 97_000))
    return made


def test_a_share_is_printed_as_counted_and_corrected(store: Store, tmp_path: Path):
    arguments = [sys.executable, "-m", "analyzer", "shares", *asked(), *RATES, "--format", "json"]
    done = subprocess.run(arguments, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (row,) = json.loads(done.stdout)
    assert (row["numerator"], row["denominator"], row["hours"]) == (260, 10_000, 2)
    assert row["apparent"] == pytest.approx(0.026)
    assert row["corrected"] == pytest.approx((0.026 - 2 / 1375) / (223 / 243 - 2 / 1375))
    assert row["corrected_low"] < row["corrected"] < row["corrected_high"]
    assert (row["sensitivity"], row["false_positives"]) == ("223/243", "2/1375")
    assert 0 <= row["false_flag_low"] < row["false_flag_share"] < row["false_flag_high"] < 1
    assert "2 of 24 hours" in row["warnings"]
    assert "do not transport to a network" in done.stderr


def test_the_formats_hold_the_same_numbers(store: Store, tmp_path: Path):
    (row,) = csv.DictReader(io.StringIO(run(tmp_path, *asked(), *RATES, "--format", "csv").stdout))
    (same,) = json.loads(run(tmp_path, *asked(), *RATES, "--format", "json").stdout)
    assert float(row["corrected"]) == same["corrected"]
    text = run(tmp_path, *asked(), *RATES).stdout
    assert "260 of 10,000 flows" in text
    assert "2.6 %" in text


def test_look_alikes_and_suspicions_are_no_use_unless_asked_for(store: Store):
    def counted(**options: Any) -> int:
        return shares(store, **options).rows[0].numerator

    assert counted() == 260
    assert counted(suspicions=True) == 300
    assert counted(kind="lookalike") == 50
    assert counted(family="openvpn") == 260
    assert counted(family="wireguard") == 0


def test_without_rates_the_share_is_as_counted_and_says_so(store: Store, tmp_path: Path):
    done = run(tmp_path, *asked(), "--format", "json")
    (row,) = json.loads(done.stdout)
    assert done.returncode == 0
    assert row["apparent"] == pytest.approx(0.026)
    assert row["corrected"] is None
    assert "no error rates given" in row["warnings"]


def test_bytes_are_not_corrected_without_rates_in_bytes(store: Store, tmp_path: Path):
    done = run(tmp_path, *asked(), "--level", "bytes", "--format", "json")
    (row,) = json.loads(done.stdout)
    assert done.returncode == 0
    assert row["apparent"] == pytest.approx(12_000 / 200_000)
    assert (row["corrected"], row["corrected_low"]) == (None, None)
    assert "bytes: no correction without error rates measured in bytes" in row["warnings"]
    (row,) = shares(store, level="bytes", sensitivity="0.8", false_positives="0.01").rows
    assert row.corrected == pytest.approx((0.06 - 0.01) / 0.79)
    assert row.corrected_low is None
    (row,) = shares(store, level="bytes", sensitivity="0.8", false_positives="0.01", rates_level="flows").rows
    assert row.corrected is None
    assert any("rates of flows say nothing about bytes" in w for w in row.warnings)


def test_clients_of_several_cells_make_a_range(store: Store):
    """A client can be in more than one cell of an hour: between the largest cell and the sum."""
    (row,) = shares(store, level="clients", sensitivity="0.9", false_positives="0.001").rows
    assert (row.denominator_low, row.denominator_high) == (400 + 500, 435 + 537)
    assert (row.numerator, row.unit) == (45, "client-hours")
    assert row.apparent is None
    assert (row.apparent_low, row.apparent_high) == pytest.approx((45 / 972, 45 / 900))
    assert row.corrected is None
    assert row.corrected_low < 45 / 972 / 0.9 < row.corrected_high


def test_a_stated_total_makes_clients_exact(store: Store):
    for hour, value in ((0, 410), (1, 520)):
        total(store, hour, "capture.clients", value)
    (row,) = shares(store, level="clients", sensitivity="90/100", false_positives="1/1000").rows
    assert (row.numerator, row.denominator) == (45, 930)
    assert row.corrected is not None


def test_flow_errors_are_carried_to_clients_by_the_rule(store: Store):
    """About eleven flows a client-hour: 2 false in 1,375 flag some 1.6 % of clients without use."""
    report = shares(store, level="clients", sensitivity="223/243", false_positives="2/1375", rates_level="flows")
    (row,) = report.rows
    assert any("at least 1 labelled flow" in w and "% of clients without use" in w for w in row.warnings)
    assert row.corrected_low < row.apparent_low
    assert row.corrected_high > row.corrected_low
    assert not any("without n" in w for w in row.warnings)


def test_flow_errors_that_flag_everybody_are_refused_for_clients(tmp_path: Path):
    """With 500 flows a client, 2 in 1,375 flag half of those without use, and perhaps nearly all."""
    made = empty_store(tmp_path)
    fill(made, 0, (TUNNEL, 600, 550, 1), (PLAIN, 499_400, 1000, 1))
    done = run(tmp_path, *asked(), *RATES, "--level", "clients", "--rates-level", "flows", "--format", "json")
    (row,) = json.loads(done.stdout)
    assert done.returncode == 3
    assert row["corrected_low"] is None
    assert "51.7 % of clients without use are flagged" in row["warnings"]


def test_a_suppressed_cell_is_a_range_and_never_zero(tmp_path: Path):
    made = empty_store(tmp_path)
    fill(made, 0, (TUNNEL, None, None, None), (PLAIN, 4000, 400, 1))
    (row,) = shares(made, level="clients", sensitivity="0.9", false_positives="0.001").rows
    assert (row.numerator, row.numerator_low, row.numerator_high) == (None, 0, 9)
    assert (row.denominator_low, row.denominator_high) == (400, 409)
    assert (row.apparent_low, row.apparent_high) == pytest.approx((0, 9 / 400))
    assert row.corrected_high > 9 / 400
    assert any("never taken as 0" in w for w in row.warnings)
    (row,) = shares(made, level="clients", k=5).rows
    assert row.numerator_high == 4


def test_of_two_suppressed_cells_one_may_hide_the_other(tmp_path: Path):
    """The second may have been suppressed with the first and be of any size: only a total bounds them."""
    made = empty_store(tmp_path)
    fill(made, 0, (TUNNEL, None, None, None), (LOOKALIKE, None, None, None), (PLAIN, 4000, 400, 1))
    (row,) = shares(made, level="clients").rows
    assert (row.numerator_low, row.numerator_high, row.apparent_low) == (0, None, None)
    total(made, 0, "capture.clients", 430)
    (row,) = shares(made, level="clients").rows
    assert (row.numerator_low, row.numerator_high, row.denominator) == (0, 430, 430)


def test_numbers_left_in_a_suppressed_row_are_not_read(tmp_path: Path):
    """A loader may leave 0 where it suppresses."""
    made = empty_store(tmp_path)
    fill(made, 0, (TUNNEL, 0, None, 0), (PLAIN, 4000, 400, 1))
    (row,) = shares(made).rows
    assert (row.numerator, row.apparent) == (None, None)


def test_clients_are_counted_by_the_day_where_the_store_holds_days(tmp_path: Path):
    """Users of a family and all clients of a UTC day are distinct counts: no range, and no hours added up."""
    made = empty_store(tmp_path)
    fill(made, 0, (TUNNEL, 100, 20, 5000), (PLAIN, 3900, 400, 90_000))
    for hour in (5, 29):  # midnights in UTC: the second is beyond the day asked for
        for indicator, whole, part in (("capture.clients", 900, 36), ("capture.flows", 10_000, 260)):
            total(made, hour, indicator, whole, hours=24)
            for entity in ("family=openvpn", "kind=tunnel"):
                total(made, hour, indicator, part, entity, hours=24)
    asked_for = {"level": "clients", "sensitivity": "90/100", "false_positives": "1/1000"}
    for chosen in ({"family": "openvpn"}, {"kind": "tunnel"}, {}):
        (row,) = shares(made, **asked_for, **chosen).rows
        assert (row.numerator, row.denominator, row.unit) == (36, 900, "client-days (UTC)")
        assert row.corrected == pytest.approx((36 / 900 - 0.001) / 0.899)
    (row,) = shares(made, **asked_for, rates_level="flows").rows
    assert any("with 12 flows a client" in w for w in row.warnings)


def test_fewer_users_than_k_are_a_range_beside_a_stated_total(tmp_path: Path):
    """Flows of the family are given and its users are not: there are 0 to k - 1 of them."""
    made = empty_store(tmp_path)
    total(made, 5, "capture.clients", 900, hours=24)
    total(made, 5, "capture.flows", 9000, hours=24)
    total(made, 5, "capture.flows", 260, "family=openvpn", hours=24)
    total(made, 5, "capture.clients", None, "family=openvpn", hours=24)
    total(made, 5, "capture.clients", None, "family=tor", hours=24)
    (row,) = shares(made, level="clients", family="openvpn").rows
    assert (row.numerator_low, row.numerator_high) == (0, 9)
    (row,) = shares(made, level="clients", family="tor").rows
    assert (row.numerator_low, row.numerator_high) == (0, 900)
    (row,) = shares(made, level="clients", family="wireguard").rows
    assert row.numerator == 0


def test_flows_of_a_suppressed_cell_have_no_bound_without_a_total(tmp_path: Path):
    made = empty_store(tmp_path)
    fill(made, 0, (TUNNEL, None, None, None), (PLAIN, 4000, 400, 1))
    done = run(tmp_path, *asked(), *RATES, "--format", "json")
    (row,) = json.loads(done.stdout)
    assert done.returncode == 3
    assert (row["apparent"], row["apparent_low"], row["corrected_low"]) == (None, None, None)
    assert "without an upper bound" in row["warnings"]
    assert "no share can be given" in run(tmp_path, *asked()).stdout
    total(made, 0, "capture.flows", 4100)
    (row,) = shares(made).rows
    assert (row.numerator, row.denominator) == (100, 4100)
    fill(made, 0, (LOOKALIKE, None, None, None))
    (row,) = shares(made).rows
    assert (row.numerator_low, row.numerator_high, row.denominator) == (0, 100, 4100)


def test_two_periods_say_that_the_denominator_moved(store: Store, tmp_path: Path):
    """A cut of mobile data: the tunnel's flows stay, all others fall."""
    fill(store, 7 * 24, (TUNNEL, 130, 22, 6000), (PLAIN, 1500, 200, 40_000))
    given = [*asked("2024-02-18"), *RATES, "--before", "2024-02-17"]
    done = run(tmp_path, *given, "--sensitivity-before", "0.8,0.95", "--sensitivity-after", "0.4,0.95")
    assert done.returncode == 0, done.stderr
    assert "before: 2024-02-10 to 2024-02-16" in done.stdout
    assert "the share rises while what is counted is flat" in done.stderr
    assert "under every sensitivity in the ranges given" in done.stderr
    report = shares(store, end=date(2024, 2, 18), after=date(2024, 2, 17))
    assert [r.period for r in report.rows] == ["before", "after"]
    assert report.decomposition.log_numerator == pytest.approx(0)


def test_one_row_a_local_day_and_none_for_a_day_without_flows(store: Store, tmp_path: Path):
    fill(store, 48, (TUNNEL, 10, 10, 1), (PLAIN, 990, 100, 1))
    done = run(tmp_path, *asked("2024-02-13"), "--format", "json")
    assert [r["period"] for r in json.loads(done.stdout)] == ["2024-02-10", "2024-02-12"]
    assert "1 of 3 periods hold no flows" in done.stderr


def test_no_flows_at_all_is_a_result_with_exit_code_3(store: Store, tmp_path: Path):
    done = run(tmp_path, "--cc", "IR", *asked()[2:], *RATES)
    assert (done.returncode, done.stdout) == (3, "")
    assert "no flows of IR" in done.stderr
    with pytest.raises(NotEnoughData):
        shares(store, cc="IR")


def test_rates_that_say_nothing_of_use_end_with_exit_code_3(store: Store, tmp_path: Path):
    done = run(tmp_path, *asked(), "--sensitivity", "0.4", "--false-positives", "0.5", "--format", "json")
    assert done.returncode == 3
    assert "say nothing of use" in json.loads(done.stdout)[0]["warnings"]


def test_rates_come_from_a_file_or_a_shipped_row(store: Store, tmp_path: Path):
    (tmp_path / "ours.csv").write_text(
        "rates_id,level,family,sensitivity,false_positives,measured_on\n"
        "o,flows,openvpn,90/100,1/1000,an office\na,flows,,80/100,1/1000,an office\n"
    )
    done = run(tmp_path, *asked(), "--rates", str(tmp_path / "ours.csv"), "--family", "openvpn", "--format", "json")
    assert json.loads(done.stdout)[0]["rates"] == "o"
    assert "an office" in done.stderr
    assert shares(store, rates=tmp_path / "ours.csv").rows[0].sensitivity == "80/100"
    report = shares(store, rates="xue-2022-openvpn")
    assert report.rows[0].sensitivity == "1718/2000"
    assert any("the rates are of openvpn, the share is of circumvention" in c for c in report.caveats)
    assert any("errors of opcode and ACK fingerprint" in c for c in report.caveats)


def test_sampled_counts_are_not_multiplied(store: Store):
    (row,) = shares(store, sampling=100).rows
    assert row.numerator == 260
    assert any("not multiplied" in w for w in row.warnings)
    (row,) = shares(store, sampling=100, level="bytes").rows
    assert row.numerator == 12_000
    assert any("sampling alone leaves the numerator between" in w for w in row.warnings)


def test_hours_that_two_files_hold_are_said(store: Store):
    fill(store, 1, (PLAIN, 100, 20, 5), snapshot="b")
    assert any("held by more than one file" in w for w in shares(store).rows[0].warnings)


MISTAKES = [
    ({"sensitivity": "0.9"}, BadInput, "needs both"),
    ({"sensitivity": "0.9", "false_positives": "0.1", "rates": "r.csv"}, BadInput, "once"),
    ({"rates": "xue"}, UnknownName, "xue-2022"),
    ({"kind": "tunnels"}, UnknownName, "tunnel"),
    ({"cc": "QQ"}, UnknownName, "ISO"),
    ({"end": date(2024, 2, 10)}, BadInput, "empty"),
    ({"before": date(2024, 2, 20)}, BadInput, "first period"),
    ({"sensitivity_before": (0.5, 0.9)}, BadInput, "before and after"),
    ({"sensitivity": "1/0", "false_positives": "0.1"}, BadInput, "no share"),
]


@pytest.mark.parametrize(("options", "error", "says"), MISTAKES)
def test_a_question_that_cannot_be_meant_is_one_line(
    store: Store, options: dict[str, Any], error: type[Exception], says: str
):
    with pytest.raises(error, match=says):
        shares(store, **options)


def test_help_loads_nothing_heavy():
    code = (
        "import sys, analyzer.cli.shares as s\n"
        "s.command.main(['--help'], standalone_mode=False)\n"
        "print('LOADED', *[m for m in ('numpy', 'scipy', 'duckdb', 'pandas') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.splitlines()[-1].strip() == "LOADED"
    assert "Example: vpn-uptake shares" in done.stdout
