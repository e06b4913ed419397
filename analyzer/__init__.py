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
    from analyzer.synthesis import combine_effects as combine_effects

_ON_ARRAYS = ("estimate_effect", "fit_of_weights", "panel_effect", "synthetic_control")

__all__ = [
    "__version__", "combine_effects", "estimate_effect", "fit_of_weights", "open", "panel_effect", "synthetic_control",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    # Lazy, so that `import analyzer` and `--help` pay for nothing they do not use.
    if name == "open":
        from analyzer import api

        return api.open
    if name in _ON_ARRAYS:
        from analyzer import estimators

        return getattr(estimators, name)
    if name == "combine_effects":
        from analyzer import synthesis

        return synthesis.combine_effects
    raise AttributeError(f"module 'analyzer' has no attribute {name!r}")
