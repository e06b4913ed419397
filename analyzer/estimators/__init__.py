"""Estimators: arrays in, a frozen Effect out."""

from analyzer.estimators._change_points import ChangePoint, change_points
from analyzer.estimators._features import Measured
from analyzer.estimators._shape import Shape, estimate_shape
from analyzer.estimators.chains import chain_start
from analyzer.estimators.replay import PlaceboErrors, estimate_effect, placebo_errors

__all__ = [
    "ChangePoint",
    "Measured",
    "PlaceboErrors",
    "Shape",
    "chain_start",
    "change_points",
    "estimate_effect",
    "estimate_shape",
    "placebo_errors",
]
