"""The command line as a new user meets it: what is printed where, exit codes, one-line errors."""

from __future__ import annotations

import csv
import io
import json
import re
import subprocess
import sys
import threading
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import duckdb
import pytest
from series_files import panel, write_tor

BLOCK = "sd-2018-12-21-social"
COLUMNS = (
    "block_id,cc,indicator,entity,horizon,estimand,observed,expected,expected_low,expected_high,ratio,ratio_low,"
    "ratio_high,excess,excess_low,excess_high,base,exposure_hours,minimum_detectable_ratio,placebo_rank,placebo_n,"
    "verdict,attribution,verification,role,plan_id,reasons,method,version"
)


def run(folder: Path, *arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    """`vpn-uptake` in a folder of its own."""
    command = [sys.executable, "-m", "analyzer", *arguments]
    return subprocess.run(command, cwd=folder, input=stdin, capture_output=True, timeout=300, check=False)


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a store in which Sudan doubles from the block's first day on."""
    folder = tmp_path_factory.mktemp("cli")
    write_tor(folder / "bridge.csv", panel({"sd": {date(2018, 12, 21): 2.0}}))
    done = run(folder, "load", "bridge.csv", "--format", "json")
    assert done.returncode == 0, done.stderr
    (result,) = json.loads(done.stdout)
    assert result["source"] == "tor_bridge_users"
    assert result["rows_rejected"] == 0
    return folder


def test_estimate_prints_the_promised_columns_as_csv(loaded: Path):
    done = run(loaded, "estimate", BLOCK, "--horizon", "14d", "--format", "csv")
    assert done.returncode == 0, done.stderr
    text = done.stdout.decode()
    assert text.splitlines()[0] == COLUMNS
    (row,) = csv.DictReader(io.StringIO(text))
    assert row["verdict"] == "rise"
    assert float(row["ratio_low"]) < 2.0 < float(row["ratio_high"])


def test_the_four_formats_hold_the_same_numbers(loaded: Path):
    def printed(fmt: str) -> bytes:
        return run(loaded, "estimate", BLOCK, "--horizon", "14d", "--format", fmt).stdout

    ratio = json.loads(printed("json"))[0]["ratio"]
    (row,) = csv.DictReader(io.StringIO(printed("csv").decode()))
    assert float(row["ratio"]) == ratio
    (loaded / "rows.parquet").write_bytes(printed("parquet"))
    assert duckdb.read_parquet(str(loaded / "rows.parquet")).project("ratio").fetchall() == [(ratio,)]
    assert f"x{ratio:.2f}" in printed("table").decode()


def test_the_text_shows_local_time_beside_utc(loaded: Path):
    text = run(loaded, "estimate", BLOCK, "--horizon", "14d").stdout.decode()
    assert "2018-12-20 22:00 UTC (2018-12-21 00:00" in text
    assert "Checks" in text


def test_nothing_estimable_is_a_result_with_exit_code_3(loaded: Path):
    done = run(loaded, "estimate", BLOCK, "--horizon", "3h", "--format", "json")
    assert done.returncode == 3
    assert json.loads(done.stdout)[0]["verdict"] == "not_estimable"
    assert run(loaded, "estimate", "ug-2018-07-01-ott").returncode == 3


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("estimate", "sd-2018-12-21-socal"), b"did you mean"),
        (("estimate", "--cc", "QQ", "--date", "2018-12-21"), b"ISO 3166"),
        (("load", "nosuch.csv"), b"nosuch.csv"),
        (("query", "coverge"), b"known"),
        (("query", "SELECT nonsense"), b"nonsense"),
        (("blocks", "show", "zz-1"), b"no block"),
        (("brief", BLOCK, "-o", "x.xyz"), b".html"),
        (
            ("fetch", "app_charts_play", "--cc", "PK", "--from", "2024-01-01", "--to", "2024-01-02"),
            b"cannot be fetched",
        ),
        (("fetch", "nosuch", "--cc", "PK", "--from", "2024-01-01", "--to", "2024-01-02"), b"nosuch"),
    ],
)
def test_an_error_is_one_line_on_stderr_with_exit_code_1(loaded: Path, arguments: tuple[str, ...], says: bytes):
    done = run(loaded, *arguments)
    assert done.returncode == 1
    assert done.stdout == b""
    assert done.stderr.startswith(b"Error: ")
    assert done.stderr.count(b"\n") == 1
    assert says in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("estimate",),
        ("estimate", BLOCK, "--cc", "SD", "--date", "2018-12-21"),
        ("brief", "-o", "x.html"),
        ("brief", BLOCK, "--cc", "SD", "--from", "2018-12-01", "--to", "2019-01-01", "-o", "x.html"),
        ("query", "series_of_country", "-p", "cc"),
        ("nosuch",),
    ],
)
def test_wrong_usage_has_exit_code_2(loaded: Path, arguments: tuple[str, ...]):
    assert run(loaded, *arguments).returncode == 2


def test_standard_input_loads_and_the_same_bytes_change_nothing(tmp_path: Path):
    data = write_tor(tmp_path / "b.csv", {"sd": panel()["sd"]}).read_bytes()
    first = json.loads(run(tmp_path, "load", "-", "--format", "json", stdin=data).stdout)
    again = json.loads(run(tmp_path, "load", "b.csv", "--format", "json").stdout)
    assert (first[0]["already_loaded"], again[0]["already_loaded"]) == (False, True)
    assert first[0]["snapshot_id"] == again[0]["snapshot_id"]


def test_named_queries_are_listed_with_their_parameters_and_run(loaded: Path):
    listed = {r["query"]: r for r in json.loads(run(loaded, "query", "--format", "json").stdout)}
    assert listed["series_of_country"]["parameters"] == "cc"
    rows = json.loads(run(loaded, "query", "series_of_country", "-p", "cc=SD", "--format", "json").stdout)
    assert [r["indicator"] for r in rows] == ["tor.bridge_users"]


def test_the_catalogue_shows_claims_that_disagree(tmp_path: Path):
    text = run(tmp_path, "blocks", "show", "pk-2024-01-20", "--format", "json").stdout.decode()
    claims = {(r["what"], r["text"]) for r in json.loads(text) if r["part"] == "claim"}
    assert any(who == "NetBlocks" for who, _ in claims)
    assert any(who == "PTA" and "technical fault" in says for who, says in claims)


def test_an_added_block_is_listed_and_estimated(loaded: Path):
    given = ["--cc", "PK", "--name", "Test filter", "--start", "2019-01-15", "--kind", "social_media_block"]
    done = run(loaded, "blocks", "add", "pk-2019-01-15-test", *given, "--services", "x", "--who", "a test")
    assert done.returncode == 0, done.stderr
    listed = run(loaded, "blocks", "list", "--cc", "PK", "--from", "2019-01-01", "--to", "2019-02-01").stdout
    assert b"pk-2019-01-15-test" in listed
    assert run(loaded, "estimate", "pk-2019-01-15-test", "--horizon", "7d").returncode == 0


def test_a_brief_is_written_and_the_same_inputs_give_the_same_bytes(loaded: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    for name in ("a.html", "b.html"):
        done = run(loaded, "brief", BLOCK, "-o", name)
        assert done.returncode == 0, done.stderr
    first, second = ((loaded / n).read_text(encoding="utf-8") for n in ("a.html", "b.html"))
    assert first.replace("a.html", "b.html") == second
    assert "<script" not in first
    assert re.search(r"(src|srcset|@import|url\()[^>]{0,5}https?:", first) is None
    assert "default-src 'none'" in first


def test_a_brief_without_any_data_says_that_no_estimate_was_made(tmp_path: Path):
    done = run(tmp_path, "brief", "--cc", "PK", "--from", "2023-12-16", "--to", "2024-03-01", "-o", "pk.html")
    assert done.returncode == 0, done.stderr
    text = (tmp_path / "pk.html").read_text(encoding="utf-8")
    assert "No series given, no estimate made" in text
    assert "vpn-uptake fetch tor_bridge" in text
    assert not (tmp_path / "uptake.duckdb").exists()


def test_dry_run_prints_the_documented_address_and_touches_nothing(tmp_path: Path):
    done = run(
        tmp_path, "fetch", "tor_bridge_users", "--cc", "PK", "--from", "2024-01-01", "--to", "2024-02-01", "--dry-run"
    )
    assert done.stdout.startswith(b"https://metrics.torproject.org/userstats-bridge-country.csv?")
    assert b"country=pk" in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_a_closed_pipe_is_no_error(loaded: Path):
    shell = f"{sys.executable} -m analyzer sources --format csv | head -1"
    done = subprocess.run(["bash", "-o", "pipefail", "-c", shell], cwd=loaded, capture_output=True, check=False)
    assert b"Traceback" not in done.stderr


class TorMirror(BaseHTTPRequestHandler):
    """Answers as the documented address does: the file of the country asked for."""

    def do_GET(self) -> None:
        assert self.path.startswith("/userstats-bridge-country.csv?")
        body = b"#\ndate,country,users,frac\n2024-02-01,pk,1873,94\n2024-02-02,pk,1910,93\n"
        self.send_response(200)
        self.send_header("Content-Type", "text/csv")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: object) -> None:
        """Say nothing."""


def test_fetch_downloads_to_a_dated_folder_and_loads(tmp_path: Path):
    server = ThreadingHTTPServer(("127.0.0.1", 0), TorMirror)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        ask = [
            "fetch",
            "tor_bridge_users",
            "--cc",
            "PK",
            "--from",
            "2024-02-01",
            "--to",
            "2024-02-03",
            "--format",
            "json",
        ]
        done = run(tmp_path, *ask, "--endpoint", f"http://127.0.0.1:{server.server_port}")
    finally:
        server.shutdown()
        server.server_close()
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)[0]["rows_loaded"] == 2
    (saved,) = (tmp_path / "snapshots" / "tor_bridge_users").rglob("*.csv")
    assert re.fullmatch(r"\d{4}-\d{2}-\d{2}", saved.parent.name)
    (snapshot,) = json.loads(run(tmp_path, "query", "snapshots", "--format", "json").stdout)[-1:]
    assert snapshot["retrieved_at"]


@pytest.mark.shared
def test_the_stop_table_imports_as_claims_and_events(shared: Path, tmp_path: Path):
    table = shared / "data" / "series" / "accessnow-stop" / "access_now_snapshot_2026-05-20.parquet"
    first = run(tmp_path, "blocks", "import", str(table), "--format", "json")
    assert first.returncode == 0, first.stderr
    assert json.loads(first.stdout)[0]["rows_loaded"] > 1800
    assert json.loads(run(tmp_path, "blocks", "import", str(table), "--format", "json").stdout)[0]["already_loaded"]
    found = json.loads(run(tmp_path, "blocks", "list", "--cc", "PK", "--format", "json").stdout)
    days = {r["onset_local"][:10] for r in found}
    assert {"2023-12-16", "2023-12-17", "2024-02-08", "2024-02-17"} <= days


def test_a_bad_file_among_good_ones_stops_the_load_and_what_came_before_stays(tmp_path: Path):
    write_tor(tmp_path / "a.csv", {"sd": panel()["sd"]})
    (tmp_path / "b.csv").write_text("<html><body>busy</body></html>", encoding="utf-8")
    done = run(tmp_path, "load", "a.csv", "b.csv")
    assert done.returncode == 1
    assert b"HTML" in done.stderr
    rows = json.loads(run(tmp_path, "query", "snapshots", "--format", "json").stdout)
    assert {r["source"] for r in rows} == {"tor_bridge_users", "catalogue"}


def test_a_folder_is_loaded_but_for_what_is_no_data(tmp_path: Path):
    (tmp_path / "data").mkdir()
    write_tor(tmp_path / "data" / "a.csv", {"sd": panel()["sd"]})
    (tmp_path / "data" / "README.md").write_text("# What this is\n", encoding="utf-8")
    done = run(tmp_path, "load", "data", "--format", "json")
    assert done.returncode == 0
    assert b"left out" in done.stderr
    assert [r["source"] for r in json.loads(done.stdout)] == ["tor_bridge_users"]
