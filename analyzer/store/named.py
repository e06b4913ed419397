"""Named queries: `queries/<name>.sql`, each with a header that says what one row is and which parameters it takes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from pathlib import Path

from analyzer.errors import UnknownName

_PACKAGE = Path(__file__).parents[1]
_PARAMETER = re.compile(r"(?<![\w$])\$([a-z_]\w*)")


@dataclass(frozen=True, slots=True)
class NamedQuery:
    """One SQL file: its header as a sentence, its text, its parameters."""

    name: str
    header: str
    sql: str
    parameters: frozenset[str]

    @property
    def answers(self) -> bool:
        """True for a query meant for users, whose header has an example; the others serve the tool itself."""
        return "Example:" in self.header

    def bind(self, given: Mapping[str, object]) -> dict[str, object]:
        """The given values as parameters; raises UnknownName for a missing or superfluous one."""
        if missing := self.parameters - given.keys():
            raise UnknownName(f"query {self.name} needs -p {' -p '.join(f'{p}=...' for p in sorted(missing))}")
        if extra := given.keys() - self.parameters:
            takes = ", ".join(sorted(self.parameters)) or "none"
            raise UnknownName(f"query {self.name} takes no parameter {', '.join(sorted(extra))}; it takes: {takes}")
        return dict(given)


def folder() -> Path:
    """Where the SQL files lie: inside the installed package, or beside it in a checkout."""
    installed = _PACKAGE / "queries"
    return installed if installed.is_dir() else _PACKAGE.parent / "queries"


def query_names() -> list[str]:
    """Names of all queries, sorted."""
    return sorted(p.stem for p in folder().glob("*.sql"))


def listed() -> list[dict[str, str]]:
    """Every query a user can run: name, the first sentence of its header, its parameters."""
    queries = [named(name) for name in query_names()]
    return [
        {
            "query": q.name,
            "what": q.header.splitlines()[0].removeprefix(f"{q.name}:").strip(),
            "parameters": ", ".join(sorted(q.parameters)),
        }
        for q in queries
        if q.answers
    ]


@cache
def named(name: str) -> NamedQuery:
    """The query of that name; raises UnknownName with the nearest names."""
    path = folder() / f"{name}.sql"
    if name not in query_names():
        near = get_close_matches(name, query_names(), n=4, cutoff=0.4) or query_names()
        raise UnknownName(f"no query named {name!r}; known: {', '.join(near)}")
    text = path.read_text(encoding="utf-8")
    header = "\n".join(line[2:].strip() for line in _header(text))
    body = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("--"))
    return NamedQuery(name, header, text, frozenset(_PARAMETER.findall(body)))


def _header(text: str) -> list[str]:
    lines = text.splitlines()
    end = next((i for i, line in enumerate(lines) if not line.startswith("--")), len(lines))
    return lines[:end]
