"""A JSON document that has to be whole before anything of it can be believed, of bounded size."""

from __future__ import annotations

import json
from typing import Any

from analyzer.errors import BadInput
from analyzer.records import Lines, Origin
from analyzer.sources._bytes import JSON_LIMIT


def document_of(lines: Lines, origin: Origin) -> Any:
    """The JSON document that the lines are; raises BadInput for a cut, damaged, empty or larger one (16 MiB)."""
    parts: list[str] = []
    size = 0
    for _, text in lines:
        parts.append(text)
        size += len(text) + 1
        if size > JSON_LIMIT:
            raise BadInput(f"{origin.name} is JSON of more than {JSON_LIMIT >> 20} MiB; get it in smaller parts")
    if not "".join(parts).strip():
        raise BadInput(f"{origin.name} is empty; get it again")
    try:
        return json.loads("\n".join(parts))
    except (ValueError, RecursionError) as error:  # also a number of more digits than Python reads
        raise BadInput(f"{origin.name} is not whole JSON ({error}); get it again") from error
