"""Estimators: arrays in, a frozen Effect out; the scan of many series for changes nobody named."""

from analyzer.estimators._scanning import STATUS, Declared, Flag, Scan, declare, scan_series
from analyzer.estimators.chains import chain_start
from analyzer.estimators.replay import PlaceboErrors, estimate_effect, placebo_errors

__all__ = [
    "STATUS",
    "Declared",
    "Flag",
    "PlaceboErrors",
    "Scan",
    "chain_start",
    "declare",
    "estimate_effect",
    "placebo_errors",
    "scan_series",
]
