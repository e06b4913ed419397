"""The catalogue: restrictions and dated events without one, who says what about them, figures of publishers.

`shipped()` needs no store.  Everything a user adds goes through the validator that the shipped tables pass.
"""

from __future__ import annotations

from analyzer.blocks.contents import (
    Catalogue,
    artefacts,
    find,
    listed,
    of_kind,
    outcome_free,
    overlaps,
    shipped,
    touches,
)
from analyzer.blocks.entry import described, import_table
from analyzer.blocks.signs import ExpectedSign, expected_sign
from analyzer.blocks.stop import import_stop
from analyzer.blocks.stored import add, catalogue, fill, import_csv, import_published
from analyzer.blocks.tables import BLOCK_KINDS, KINDS, NON_EVENT_KINDS, ROUTES, Artefact
from analyzer.blocks.times import local_span, span

__all__ = [
    "BLOCK_KINDS", "KINDS", "NON_EVENT_KINDS", "ROUTES", "Artefact", "Catalogue", "ExpectedSign", "add", "artefacts",
    "catalogue", "described", "expected_sign", "fill", "find", "import_csv", "import_published", "import_stop",
    "import_table", "listed", "local_span", "of_kind", "outcome_free", "overlaps", "shipped", "span", "touches",
]  # fmt: skip
