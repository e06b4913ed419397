"""What the README shows works as shown."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import analyzer

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
COMMANDS = [
    line.split("#")[0].split()[1:]
    for line in README.splitlines()
    if line.startswith("vpn-uptake ") and " && " not in line
]
# These need files or a network of their own; tests of theirs run them.
ELSEWHERE = ("load", "fetch", "estimate", "inspect", "shares", "scan", "curve")


def test_commands_that_need_nothing_run_as_printed(tmp_path: Path):
    alone = [c for c in COMMANDS if c[0] not in ELSEWHERE]
    assert len(alone) >= 5
    for arguments in alone:
        done = subprocess.run(
            [sys.executable, "-m", "analyzer", *arguments], cwd=tmp_path, capture_output=True, check=False
        )
        assert done.returncode == 0, (arguments, done.stderr)


def test_every_option_that_is_shown_exists():
    for arguments in COMMANDS:
        asked = [sys.executable, "-m", "analyzer", arguments[0], "--help"]
        if arguments[0] in ("blocks", "plan") and len(arguments) > 1:
            asked.insert(-1, arguments[1])
        text = subprocess.run(asked, capture_output=True, text=True, check=True).stdout
        for option in (a for a in arguments if a.startswith("-")):
            assert option in text, arguments


def test_the_mapping_that_is_shown_loads_a_utf16_export(tmp_path: Path):
    (mapping,) = re.findall(r"```toml\n(.*?)```", README, re.DOTALL)
    (tmp_path / "map.toml").write_text(mapping, encoding="utf-8")
    columns = "Unified Name\tDate\tCountry\tDownloads (Absolute)"
    rows = f"{columns}\nSome VPN\t2024-02-17\tPK\t1200\nSome VPN\t2024-02-18\tPK\t2400\n"
    (tmp_path / "export.csv").write_bytes(rows.encode("utf-16"))
    db = analyzer.open(tmp_path / "s.duckdb")
    (result,) = db.load(tmp_path / "export.csv", mapping=tmp_path / "map.toml")
    assert (result.source, result.rows_loaded) == ("generic_table", 2)
    found = db.query("SELECT indicator, cc, entity, value FROM observations ORDER BY t_start")
    assert found.values.tolist() == [
        ["app.downloads", "PK", "Some VPN", 1200.0],
        ["app.downloads", "PK", "Some VPN", 2400.0],
    ]
