"""Error rates of a classifier: read from counts (a/b) or as stated numbers, shipped with the tool or the user's own.

A file of rates is CSV with the columns of `data/error_rates.csv`, or TOML with one `[[rates]]` table per row:

    rates_id = "ours-2024"             # a name to ask for it by
    level = "flows"                    # what was counted: flows, clients or bytes
    family = "openvpn"                 # or kind = "tunnel"; neither = every label together
    sensitivity = "1718/2000"          # labelled among the true ones; or "0.85", then without n
    false_positives = "2/1375"         # labelled among the others
    classifier = "vpn-uptake 0.1.0"    # whose errors they are
    source = "own capture, 2024-02"
    date = "2024-02-20"
    measured_on = "flows of one office network, labelled by hand"
"""

from __future__ import annotations

import csv
import math
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from scipy.special import betaincinv

from analyzer.errors import BadInput, UnknownName

Level = Literal["flows", "clients", "bytes"]
LEVELS: tuple[Level, ...] = ("flows", "clients", "bytes")
COLUMNS = (
    "rates_id",
    "level",
    "family",
    "kind",
    "sensitivity",
    "false_positives",
    "classifier",
    "source",
    "date",
    "measured_on",
    "note",
)
TRANSPORT_CAVEAT = (
    "error rates measured on curated captures do not transport to a network: its mix of applications, its users' tools "
    "and its capture differ; give rates measured on the same network where there are any"
)
_SHIPPED = Path(__file__).parents[1] / "data" / "error_rates.csv"


@dataclass(frozen=True, slots=True)
class Rate:
    """A share in [0, 1]: estimated from `hits` of `n` trials, or stated without them (both None)."""

    value: float
    hits: int | None = None
    n: int | None = None

    @classmethod
    def of(cls, given: Rate | float | tuple[int, int]) -> Rate:
        """A rate from a number or from counts (hits, n).  Raises BadInput outside [0, 1] or with n < 1."""
        if isinstance(given, Rate):
            return given
        if isinstance(given, tuple):
            return cls._counted(*given)
        if not (math.isfinite(given) and 0 <= given <= 1):
            raise BadInput(f"a rate lies between 0 and 1, not {given:g}")
        return cls(float(given))

    @classmethod
    def _counted(cls, hits: int, n: int) -> Rate:
        if n < 1 or not 0 <= hits <= n:
            raise BadInput(f"{hits}/{n} is no share: counts are hits of at least one trial, hits at most n")
        return cls(hits / n, hits, n)

    @classmethod
    def parse(cls, text: str) -> Rate:
        """`a/b`, `0.85` or `85%`.  Raises BadInput for anything else."""
        cell = text.strip()
        try:
            if "/" in cell:
                hits, n = cell.split("/")
                return cls._counted(int(hits), int(n))
            return cls.of(float(cell[:-1]) / 100 if cell.endswith("%") else float(cell))
        except ValueError as error:
            raise BadInput(f"{text!r} is no rate: write counts as 1718/2000, or a share as 0.85 or 85%") from error

    @property
    def is_stated(self) -> bool:
        """True where no counts stand behind it, so that its own error is not known."""
        return self.n is None

    @property
    def complement(self) -> Rate:
        """1 - rate, with its counts: false positives <-> specificity."""
        if self.hits is None or self.n is None:
            return Rate(1 - self.value)
        return Rate((self.n - self.hits) / self.n, self.n - self.hits, self.n)

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """Clopper & Pearson (1934); the value itself twice where the rate is stated."""
        if self.hits is None or self.n is None:
            return self.value, self.value
        return clopper_pearson(self.hits, self.n, level)

    def __str__(self) -> str:
        return f"{self.value:.4g}" if self.is_stated else f"{self.hits}/{self.n}"


def clopper_pearson(k: float, n: float, level: float) -> tuple[float, float]:
    """Exact interval of a binomial share; k and n need not be whole (an effective sample)."""
    tail = (1 - level) / 2
    low = 0.0 if k <= 0 else float(betaincinv(k, n - k + 1, tail))
    high = 1.0 if k >= n else float(betaincinv(k + 1, n - k, 1 - tail))
    return low, high


@dataclass(frozen=True, slots=True)
class ErrorRates:
    """Errors of one classifier for one family, kind or all labels; None = not published."""

    rates_id: str
    level: Level
    sensitivity: Rate | None
    false_positives: Rate | None
    family: str = ""
    kind: str = ""
    classifier: str = ""
    source: str = ""
    date: str = ""
    measured_on: str = ""
    note: str = ""

    @property
    def is_complete(self) -> bool:
        """True where both rates are there, so that a share can be corrected."""
        return self.sensitivity is not None and self.false_positives is not None


def shipped_rates() -> tuple[ErrorRates, ...]:
    """The published rates in `data/error_rates.csv`: each of its own classifier, none a default for another."""
    return load_rates(_SHIPPED)


def load_rates(path: str | Path) -> tuple[ErrorRates, ...]:
    """Rates of a CSV or TOML file.  Raises BadInput, with the row, where it is not what the module describes."""
    file = Path(path)
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{file.name}: cannot be read as text: {error.__class__.__name__}") from error
    rows = _toml_rows(file.name, text) if file.suffix == ".toml" else _csv_rows(file.name, text)
    read = tuple(_row(f"{file.name}, rates {i}", row) for i, row in enumerate(rows, start=1))
    if not read:
        raise BadInput(f"{file.name}: holds no rates")
    return read


def _toml_rows(name: str, text: str) -> Sequence[Mapping[str, Any]]:
    try:
        rows = tomllib.loads(text).get("rates", [])
    except tomllib.TOMLDecodeError as error:
        raise BadInput(f"{name}: no TOML: {error}") from error
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise BadInput(f"{name}: rates are written as [[rates]] tables")
    return rows


def _csv_rows(name: str, text: str) -> Sequence[Mapping[str, Any]]:
    reader = csv.DictReader(text.splitlines())
    needed = {"level", "sensitivity", "false_positives"}
    if missing := needed - set(reader.fieldnames or ()):
        raise BadInput(f"{name}: no column {', '.join(sorted(missing))} in line 1; columns are {', '.join(COLUMNS)}")
    try:
        return list(reader)
    except csv.Error as error:
        raise BadInput(f"{name}: no CSV: {error}") from error


def _row(where: str, row: Mapping[str, Any]) -> ErrorRates:
    if unknown := sorted(str(k) for k in row if k not in COLUMNS):
        raise BadInput(f"{where}: unknown {', '.join(unknown)}; known are {', '.join(COLUMNS)}")
    cells = {c: str(row.get(c) if row.get(c) is not None else "").strip() for c in COLUMNS}
    level = next((known for known in LEVELS if known == cells["level"]), None)
    if level is None:
        raise BadInput(f"{where}: level is one of {', '.join(LEVELS)}, not {cells['level']!r}")
    try:
        hit = Rate.parse(cells["sensitivity"]) if cells["sensitivity"] else None
        false = Rate.parse(cells["false_positives"]) if cells["false_positives"] else None
    except BadInput as error:
        raise BadInput(f"{where}: {error}") from error
    texts = {c: cells[c] for c in COLUMNS if c not in ("level", "sensitivity", "false_positives")}
    return ErrorRates(level=level, sensitivity=hit, false_positives=false, **texts)


def choose(rates: Iterable[ErrorRates], level: Level, *, family: str = "", kind: str = "") -> ErrorRates | None:
    """The complete rates that fit best: the family's, else the kind's, else those of all labels together; else None.

    Raises UnknownName where two rows fit equally well: one has to be named.
    """
    fitting = [r for r in rates if r.level == level and r.is_complete and _fits(r, family, kind)]
    ranked = sorted(fitting, key=_generality)
    if len(ranked) > 1 and _generality(ranked[0]) == _generality(ranked[1]):
        names = ", ".join(r.rates_id or "(no rates_id)" for r in ranked)
        raise UnknownName(f"more than one row of rates fits: {names}; keep one, or name it")
    return ranked[0] if ranked else None


def _fits(rates: ErrorRates, family: str, kind: str) -> bool:
    return rates.family in ("", family) and rates.kind in ("", kind)


def _generality(rates: ErrorRates) -> int:
    return 0 if rates.family else 1 if rates.kind else 2
