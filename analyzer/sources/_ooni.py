"""Answers of OONI's aggregation: rows of counts by day and one or two axes, as JSON or as CSV."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any, NamedTuple

from analyzer.errors import BadInput
from analyzer.records import Lines, Origin
from analyzer.sources._bytes import JSON_LIMIT, is_json
from analyzer.sources._table import TEXT_LIMIT, Bad, check_width, find_header, header_of, need, rows

DAY = "measurement_start_day"
REQUIRED = ("anomaly_count", "confirmed_count", "failure_count", "measurement_count")
# Of one measurement these say how it ended or on which lists its address is: no share can be made of a part of them.
_PARTS = ("blocking_type", "category_code")
_ASK = "ask with axis_x=measurement_start_day&time_grain=day"
_COUNT = re.compile(r"([0-9]{1,12})(\.0)?")
_RESULT = re.compile(r'"result"\s*:')


class Counts(NamedTuple):
    """Measurements of one place and time, and how they ended."""

    blocked: int  # anomalies and confirmed blocks, each measurement once
    failed: int
    n: int

    def plus(self, other: Counts) -> Counts:
        """Both together."""
        return Counts(self.blocked + other.blocked, self.failed + other.failed, self.n + other.n)


class Found(NamedTuple):
    """A row as it stands in the answer: its line (in JSON its position), its text, its cells by name."""

    line: int
    text: str
    cells: Mapping[str, str]
    bad: Bad | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """The rows of an answer and the columns that they have."""

    columns: frozenset[str]
    rows: Iterator[Found]


def recognise(head: str) -> bool:
    """An answer with results; a body that says what went wrong is none."""
    if is_json(head):
        named = '"dimension_count"' in head or '"measurement_count"' in head
        return named and head.lstrip()[0] == "{" and bool(_RESULT.search(head))
    return set(header_of(head)).issuperset(REQUIRED)


def answer_of(lines: Lines, origin: Origin) -> Answer:
    """The answer that the lines are.

    Raises BadInput for an error that the service reports, for counts without their days and for parts of shares.
    """
    first = next(((number, text) for number, text in lines if text.strip()), None)
    if first is None:
        raise BadInput(f"{origin.name} is empty")
    whole = chain([first], lines)
    found = _from_json(whole, origin) if is_json(first[1]) else _from_csv(whole, origin)
    if DAY not in found.columns:
        raise BadInput(f"{origin.name} holds counts without their days; {_ASK}")
    if parts := [c for c in _PARTS if c in found.columns]:
        raise BadInput(f"{origin.name} is cut by {parts[0]}, of which no share can be made; {_ASK} and another axis_y")
    return found


def _from_csv(lines: Lines, origin: Origin) -> Answer:
    header = find_header(lines, origin.name)
    header = replace(header, columns=tuple(c.lower() for c in header.columns))
    need(header, REQUIRED, name=origin.name, source="ooni_aggregation")

    def found() -> Iterator[Found]:
        for row in rows(lines, header, origin.name):
            try:
                check_width(row, header)
            except Bad as bad:
                yield Found(row.line, row.text, {}, bad)
                continue
            cells = {c: text.strip() for c, text in zip(header.columns, row.cells, strict=True)}
            yield Found(row.line, row.text, cells)

    return Answer(frozenset(header.columns), found())


def _from_json(lines: Lines, origin: Origin) -> Answer:
    results = _results(_document(lines, origin), origin)
    named = [r for r in results if isinstance(r, dict)]
    columns = frozenset(chain.from_iterable(named))
    if missing := [c for c in REQUIRED if c not in columns]:
        raise BadInput(f"{origin.name}: no result has {', '.join(missing)}: these are no counts of measurements")
    return Answer(columns, (_of_result(at, result) for at, result in enumerate(results, 1)))


def _document(lines: Lines, origin: Origin) -> dict[str, Any]:
    try:
        found = json.loads(_bounded(lines, origin))
    except (ValueError, RecursionError) as error:  # also a number of more digits than Python reads
        raise BadInput(f"{origin.name} is not whole JSON ({error}); get the file again") from error
    if not isinstance(found, dict):
        raise BadInput(f"{origin.name} is a JSON list, not an answer of OONI's aggregation ({{v, result}})")
    return found


def _bounded(lines: Lines, origin: Origin) -> str:
    held, size = [], 0
    for _, text in lines:
        held.append(text)
        size += len(text) + 1
        if size > JSON_LIMIT + 1:
            raise BadInput(f"{origin.name} is JSON of more than {JSON_LIMIT >> 20} MiB; ask with format=CSV")
    return "\n".join(held)


def _results(document: dict[str, Any], origin: Origin) -> list[Any]:
    """The list of results.  An error comes with HTTP 200 as well, as `msg` or `error` in place of results."""
    if "result" not in document:
        said = document.get("msg", document.get("error"))
        if said is None:
            raise BadInput(f"{origin.name} holds no result: it is no answer of OONI's aggregation")
        raise BadInput(f"{origin.name} is an error that OONI reports, not data: {_plain(said)!r}; ask again")
    if document.get("v") != 0:
        raise BadInput(f"{origin.name} is version {_plain(document.get('v'))!r} of the answer; version 0 is known")
    results = document["result"]
    if isinstance(results, dict):
        results = [results]  # counts without any axis
    if not isinstance(results, list):
        raise BadInput(f"{origin.name} holds a result that is neither a list nor an object: get the file again")
    if not results:
        raise BadInput(f"{origin.name} holds no measurement: nothing was measured, which says nothing of a block")
    return results


def _plain(value: Any) -> str:
    return (value if isinstance(value, str) else json.dumps(value))[:200]


def _of_result(at: int, result: Any) -> Found:
    text = json.dumps(result)[:TEXT_LIMIT]
    if not isinstance(result, dict):
        return Found(at, text, {}, Bad("result", "is no object"))
    try:
        return Found(at, text, {str(name): _cell(name, value) for name, value in result.items()})
    except Bad as bad:
        return Found(at, text, {}, bad)


def _cell(name: str, value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise Bad(name[:40].encode(errors="replace").decode(), "is neither a text nor a number")
    # JSON can spell halves of characters, which no file of ours could hold.
    return str(value).strip().encode(errors="replace").decode()


def counts_of(cells: Mapping[str, str]) -> Counts:
    """Counts that add up; raises Bad.

    Today's four counts are disjoint.  Until spring 2021 anomalies held the confirmed ones as well: the sum tells which
    form a row has, and without `ok_count` there is no sum.
    """
    anomaly, confirmed, failed, n = (_count(cells, name) for name in REQUIRED)
    if not cells.get("ok_count"):
        return _without_ok(anomaly, confirmed, failed, n)
    ok = _count(cells, "ok_count")
    if anomaly + confirmed + failed + ok == n:
        return Counts(anomaly + confirmed, failed, n)
    if confirmed <= anomaly and anomaly + failed + ok == n:
        return Counts(anomaly, failed, n)
    added = anomaly + confirmed + failed + ok
    raise Bad("measurement_count", f"is {n}, but the counts add up to {added}")


def _without_ok(anomaly: int, confirmed: int, failed: int, n: int) -> Counts:
    if confirmed:
        raise Bad(
            "ok_count", "is missing: no telling whether anomaly_count holds the confirmed ones; get the file again"
        )
    if anomaly + failed > n:
        raise Bad("measurement_count", f"is {n}, but the counts add up to {anomaly + failed}")
    return Counts(anomaly, failed, n)


def _count(cells: Mapping[str, str], name: str) -> int:
    text = cells.get(name, "")
    found = _COUNT.fullmatch(text)
    if found is None:
        raise Bad(name, f"{text[:40]!r} is not a count" if text else "is empty")
    return int(found[1])
