"""What is installed works: the wheel alone, runtime dependencies alone, an empty environment, an empty folder."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import venv
from datetime import date
from pathlib import Path

import pytest
from series_files import panel, write_tor

ROOT = Path(__file__).parents[1]


def run(command: list[str | Path], folder: Path) -> str:
    """Standard output of a command that has to succeed; nothing of the checkout is on its path."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "VIRTUAL_ENV", "COV_"))}
    done = subprocess.run(command, cwd=folder, env=clean, capture_output=True, text=True, check=False, timeout=900)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The console script of a fresh environment into which only the wheel and what it needs were installed."""
    folder = tmp_path_factory.mktemp("wheel")
    run([sys.executable, "-m", "build", "--wheel", "--outdir", folder, ROOT], folder)
    (wheel,) = folder.glob("*.whl")
    venv.create(folder / "env", with_pip=True)
    pip = [folder / "env" / "bin" / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    run([*pip, "--constraint", ROOT / "constraints.txt", wheel], folder)
    return folder / "env" / "bin" / "vpn-uptake"


@pytest.mark.slow
def test_the_wheel_lists_loads_and_estimates_in_an_empty_folder(installed: Path, tmp_path: Path):
    assert "estimate" in run([installed, "--help"], tmp_path)
    sources = json.loads(run([installed, "sources", "--format", "json"], tmp_path))
    assert {"tor_bridge_users", "app_charts_apple", "generic_table"} <= {s["source"] for s in sources}
    write_tor(tmp_path / "b.csv", panel({"sd": {date(2018, 12, 21): 2.0}}))
    assert json.loads(run([installed, "load", "b.csv", "--format", "json"], tmp_path))[0]["rows_rejected"] == 0
    ask = [installed, "estimate", "sd-2018-12-21-social", "--horizon", "14d", "--format", "json"]
    assert json.loads(run(ask, tmp_path))[0]["verdict"] == "rise"
    run([installed, "brief", "sd-2018-12-21-social", "-o", "b.html"], tmp_path)
    assert "Sudan" in (tmp_path / "b.html").read_text(encoding="utf-8")
