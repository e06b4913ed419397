"""Estimators: arrays in, a frozen Effect out."""

from analyzer.estimators._change_points import ChangePoint, change_points
from analyzer.estimators._features import Measured
from analyzer.estimators._repeated import Asking, Repeat, compare_repeats, repeats
from analyzer.estimators._shape import Outline, Shape, estimate_shape, shape_of, widened, width_of
from analyzer.estimators.chains import chain_start
from analyzer.estimators.replay import PlaceboErrors, estimate_effect, placebo_errors

__all__ = [
    "Asking",
    "ChangePoint",
    "Measured",
    "Outline",
    "PlaceboErrors",
    "Repeat",
    "Shape",
    "chain_start",
    "change_points",
    "compare_repeats",
    "estimate_effect",
    "estimate_shape",
    "placebo_errors",
    "repeats",
    "shape_of",
    "widened",
    "width_of",
]
