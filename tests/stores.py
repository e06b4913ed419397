"""What tests of the store share: a store with something in it, and a dump to compare before with after."""

from __future__ import annotations

import tempfile
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from analyzer.store import Store
from analyzer.store.loading import load_file

HEADER = "date,country,users,frac\n"
RELAY_HEADER = "date,country,users,lower,upper,frac\n"
GOOD = HEADER + "2024-02-01,pk,1873,94\n2024-02-02,pk,1910,93\n"


def write(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


@cache
def _made_once(with_something: bool) -> bytes:
    """A store's bytes: copied, because making the schema takes longer than most tests."""
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder) / "made.duckdb")
        if with_something:
            load_file(store, write(Path(folder) / "before.csv", HEADER + "2019-01-01,ke,5,90\n"))
        else:
            with store.writing():
                pass
        return store.path.read_bytes()


def empty_store(folder: Path) -> Store:
    return Store(write(folder / "uptake.duckdb", _made_once(with_something=False)))


def store_with_something(folder: Path) -> Store:
    return Store(write(folder / "uptake.duckdb", _made_once(with_something=True)))


def dump(store: Store) -> dict[str, list[Any]]:
    """Every row of every table, and nothing for a store that is not there."""
    return _dump(store.path, store.path.read_bytes()) if store.exists else {}


@lru_cache(maxsize=4)
def _dump(path: Path, _content: bytes) -> dict[str, list[Any]]:
    """The same bytes hold the same rows: most refusals never touch the file."""
    with Store(path).reading() as con:
        tables = [name for (name,) in con.execute("SELECT table_name FROM duckdb_tables() ORDER BY 1").fetchall()]
        return {name: sorted(map(repr, con.table(name).fetchall())) for name in tables}


def observations(store: Store, columns: str = "cc, entity, t_start, value, state") -> list[tuple[Any, ...]]:
    with store.reading() as con:
        relation = con.table("observations").project(columns)
        return relation.order(", ".join(str(i + 1) for i in range(len(relation.columns)))).fetchall()


def rejections(store: Store) -> list[tuple[Any, ...]]:
    with store.reading() as con:
        return con.table("rejections").project("line, field, reason, text").order("line, reason").fetchall()
