"""Declarations found by listing a folder; a module is imported only when it is asked for.

A new source, check or output is one new file: its module ends in one frozen declaration
(`SOURCE = Source(...)`, `ESTIMATOR = Estimator(...)`, `CHECK = CheckRule(...)`, `OUTPUT = Output(...)`).
Files that begin with an underscore are helpers.
"""

from __future__ import annotations

import pkgutil
from difflib import get_close_matches
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

from analyzer.errors import UnknownName

ROOT = Path(__file__).parent


@cache
def names(folder: str) -> tuple[str, ...]:
    """Names of the modules in `analyzer/<folder>/`, sorted, without importing any."""
    found = pkgutil.iter_modules([str(ROOT / folder)])
    return tuple(sorted(m.name for m in found if not m.name.startswith("_")))


def load(folder: str, name: str) -> Any:
    """The declaration at the end of `analyzer/<folder>/<name>.py`.

    Raises UnknownName with the nearest known names when there is no such file.
    """
    if name not in names(folder):
        near = get_close_matches(name, names(folder), n=3, cutoff=0.4) or list(names(folder))
        raise UnknownName(f"no {folder.rstrip('s')} named {name!r}; known: {', '.join(near)}")
    module = import_module(f"analyzer.{folder}.{name}")
    return getattr(module, folder.rstrip("s").upper())


def load_all(folder: str) -> dict[str, Any]:
    """Every declaration of a folder by name."""
    return {name: load(folder, name) for name in names(folder)}
