"""The engine over whole captures: what comes out does not depend on when flows are collected and names let go."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from analyzer.aggregates import Collector, tables
from analyzer.capture import _meanings, engine
from analyzer.capture.containers import read_blocks
from analyzer.capture.records import Block, Flows, Tally

CAPTURES = Path(__file__).parents[1] / "captures"


def batches(name: str) -> list[Flows]:
    """Batches with the names that their indices meant when they came."""
    with io.FileIO(CAPTURES / name) as raw:
        return list(engine.flows_of(raw, name, Tally()))


def rows(found: list[Flows]) -> list[tuple[Any, ...]]:
    """Every flow as a tuple of its counts, name and label."""
    out = []
    for f in found:
        for i in range(len(f.proto)):
            label = f.labels[f.label[i]] if f.label[i] >= 0 else None
            name = f.names[f.name[i]] if f.name[i] >= 0 else ""
            counts = (f.packets_up[i], f.packets_down[i], f.bytes_up[i], f.bytes_down[i], f.outcome[i])
            out.append((int(f.first[i]), int(f.sport[i]), int(f.dport[i]), *map(int, counts), name, label))
    return sorted(out, key=str)


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small blocks, flows collected as soon as a few have ended, and no more than three names kept."""

    def small(raw: io.RawIOBase, name: str, tally: Tally) -> Iterator[Block]:
        return read_blocks(raw, name, tally, 2048)

    monkeypatch.setattr(engine, "read_blocks", small)
    sweep = engine.Table.sweep
    monkeypatch.setattr(engine.Table, "sweep", lambda table, now: sweep(table, now, force=True))
    monkeypatch.setattr(engine, "_WAITING", 4)
    monkeypatch.setattr(_meanings, "MOST_NAMES", 3)


@pytest.mark.parametrize("name", ["mix.pcap", "hours.pcap"])
def test_names_that_were_let_go_are_the_same_names(name: str, request: pytest.FixtureRequest) -> None:
    """Flows, names and labels of a capture, taken at leisure and in a hurry."""
    calm = batches(name)
    request.getfixturevalue("hurried")
    hasty = batches(name)
    assert len(hasty) > len(calm)
    assert {id(f.names) for f in hasty} != {id(hasty[0].names)}, "lists of names were renewed"
    assert rows(hasty) == rows(calm)


def test_aggregates_follow_renewed_names(request: pytest.FixtureRequest) -> None:
    """Services and resolvers are those of the names that a batch meant."""

    def aggregated() -> Any:
        collector = Collector()
        for flows in batches("mix.pcap"):
            collector.add(flows)
        return tables(collector, k=1)

    calm = aggregated()
    request.getfixturevalue("hurried")
    hasty = aggregated()
    for part in ("flows", "requests", "resolvers", "endpoints"):
        one, other = getattr(calm, part), getattr(hasty, part)
        as_rows = [sorted(zip(*(map(str, t[c]) for c in sorted(t)), strict=True)) for t in (one, other)]
        assert as_rows[0] == as_rows[1], part
