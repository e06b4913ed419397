"""The house holds: borders, light start-up, documented queries and columns, nothing that must not be here."""

from __future__ import annotations

import ast
import re
import statistics
import subprocess
import sys
from pathlib import Path

import pytest

from analyzer import registry
from analyzer.cli import command_names, summary
from analyzer.store import Store
from analyzer.store.named import folder, named, query_names

ROOT = Path(__file__).parents[1]
MODULES = sorted((ROOT / "analyzer").rglob("*.py"))
HEAVY = ("duckdb", "pandas", "numpy", "scapy", "scipy", "altair", "httpx", "jinja2", "yaml")


HELP = "import analyzer.cli as c; c.vpn_uptake.main(['--help'], standalone_mode=False)"


@pytest.mark.parametrize("entry", ["import analyzer", HELP])
def test_start_up_imports_nothing_heavy(entry: str):
    code = f"import sys\n{entry}\nprint('LOADED', *[m for m in {HEAVY!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.splitlines()[-1].strip() == "LOADED"


def test_help_pays_for_click_and_hardly_anything_else():
    """Seconds are measured in bench/startup.py; here the modules that cost them."""
    code = f"import sys, click\nbefore = set(sys.modules)\n{HELP}\nprint('NEW', len(set(sys.modules) - before))"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert int(done.stdout.split()[-1]) <= 20


def test_every_function_is_short_and_every_module_is_readable():
    sizes = []
    for path in MODULES:
        text = path.read_text(encoding="utf-8")
        assert text.count("\n") <= 400, path
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                doc = ast.get_docstring(node, clean=False)
                size = (node.end_lineno or 0) - node.lineno + 1 - (doc.count("\n") + 1 if doc else 0)
                sizes.append(size)
                assert size <= 50, f"{path}: {node.name} has {size} lines"
    assert statistics.median(sizes) < 10


@pytest.mark.parametrize("name", query_names())
def test_a_query_says_what_one_row_is_and_declares_its_parameters(name: str):
    query = named(name)
    assert query.header.startswith(f"{name}:")
    assert "Parameters:" in query.header or name == "schema"
    declared = set(re.findall(r"\$(\w+)", query.header))
    assert declared == set(query.parameters)


def test_queries_are_found_beside_the_package_in_a_checkout():
    assert folder() == ROOT / "queries"


def test_every_table_and_column_of_the_store_carries_a_comment(tmp_path: Path):
    store = Store(tmp_path / "s.duckdb")
    with store.writing():
        pass
    with store.reading() as con:
        bare = con.execute(
            "SELECT table_name, column_name FROM duckdb_columns() WHERE NOT internal AND comment IS NULL"
            " UNION ALL SELECT table_name, '' FROM duckdb_tables() WHERE NOT internal AND comment IS NULL"
        ).fetchall()
    assert bare == []


def test_the_store_is_readable_by_its_owner_alone(tmp_path: Path):
    store = Store(tmp_path / "s.duckdb")
    with store.writing():
        assert all(p.stat().st_mode & 0o077 == 0 for p in tmp_path.iterdir())
    assert store.path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("group", ["sources", "estimators", "checks", "outputs"])
def test_a_declaration_carries_the_name_of_its_file(group: str):
    for name, declaration in registry.load_all(group).items():
        assert declaration.name == name


def test_sql_in_python_is_a_constant():
    """No SQL is put together from strings: an f-string or format call never begins like a statement."""
    statement = re.compile(r"^\s*(SELECT|INSERT|UPDATE|DELETE|CREATE|ATTACH|COPY|WITH)\b", re.IGNORECASE)
    for path in MODULES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.JoinedStr) and node.values and isinstance(node.values[0], ast.Constant):
                assert not statement.match(str(node.values[0].value)), f"{path}:{node.lineno}"


def test_the_first_line_of_a_command_says_what_it_does():
    for name in command_names():
        assert re.fullmatch(r"[A-Z][^\n]{10,58}[.?]", summary(name)), name


def test_the_readme_names_every_command_and_both_make_targets():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert "make brief" in readme
    assert "make test" in readme
    for command in command_names():
        assert f"vpn-uptake {command}" in readme, command


def test_pinned_versions_name_no_registry():
    pins = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    assert "://" not in pins
    assert re.search(r"^duckdb==", pins, re.MULTILINE)
