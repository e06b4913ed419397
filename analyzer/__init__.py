"""vpn-uptake: circumvention uptake around internet blocks, with intervals, checks and provenance."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from analyzer.version import __version__

if TYPE_CHECKING:
    from analyzer.api import open as open
    from analyzer.estimators import estimate_effect as estimate_effect

__all__ = ["__version__", "estimate_effect", "open"]


def __getattr__(name: str) -> Any:
    # Lazy, so that `import analyzer` and `--help` pay for nothing they do not use.
    if name == "open":
        from analyzer import api

        return api.open
    if name == "estimate_effect":
        from analyzer import estimators

        return estimators.estimate_effect
    raise AttributeError(f"module 'analyzer' has no attribute {name!r}")
