"""Estimators, one file each: arrays in, a frozen Effect out."""

from analyzer.estimators._chains import chain_start
from analyzer.estimators._changes import Change, locate_change
from analyzer.estimators._declaration import Estimator
from analyzer.estimators.replay import PlaceboErrors, estimate_effect, placebo_errors

__all__ = [
    "Change",
    "Estimator",
    "PlaceboErrors",
    "chain_start",
    "estimate_effect",
    "locate_change",
    "placebo_errors",
]
