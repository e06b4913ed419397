"""vpn-uptake: circumvention uptake around internet blocks, with intervals, checks and provenance."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from analyzer.version import __version__

if TYPE_CHECKING:
    from analyzer.api import open as open
    from analyzer.estimators import estimate_effect as estimate_effect
    from analyzer.estimators import fit_of_weights as fit_of_weights
    from analyzer.estimators import panel_effect as panel_effect
    from analyzer.estimators import synthetic_control as synthetic_control

_ON_ARRAYS = ("estimate_effect", "fit_of_weights", "panel_effect", "synthetic_control")

__all__ = ["__version__", "estimate_effect", "fit_of_weights", "open", "panel_effect", "synthetic_control"]


def __getattr__(name: str) -> Any:
    # Lazy, so that `import analyzer` and `--help` pay for nothing they do not use.
    if name == "open":
        from analyzer import api

        return api.open
    if name in _ON_ARRAYS:
        from analyzer import estimators

        return getattr(estimators, name)
    raise AttributeError(f"module 'analyzer' has no attribute {name!r}")
