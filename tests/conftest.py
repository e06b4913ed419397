"""Files that are not shipped: tests marked `shared` are skipped, saying so, only where that folder is absent."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

SHARED = Path(os.environ.get("VPN_UPTAKE_SHARED") or Path(__file__).parents[2] / "shared")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if SHARED.is_dir():
        return
    absent = pytest.mark.skip(reason=f"no third-party files at {SHARED} (VPN_UPTAKE_SHARED names another folder)")
    for item in items:
        if "shared" in item.keywords:
            item.add_marker(absent)


@pytest.fixture
def shared() -> Path:
    """The folder of third-party files; for tests marked `shared`."""
    return SHARED
