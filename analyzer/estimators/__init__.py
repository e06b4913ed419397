"""Estimators, one file each: arrays in, a frozen Effect out; the scan of many series for changes nobody named."""

from analyzer.estimators._chains import chain_start
from analyzer.estimators._change_points import ChangePoint, change_points
from analyzer.estimators._changes import Change, locate_change
from analyzer.estimators._declaration import Estimator
from analyzer.estimators._features import Measured
from analyzer.estimators._panel_effect import panel_effect
from analyzer.estimators._panel_methods import Fit, PanelEffect, PredictorFit
from analyzer.estimators._repeated import Asking, Repeat, compare_repeats, repeats
from analyzer.estimators._scanning import STATUS, Declared, Flag, Scan, declare, scan_series
from analyzer.estimators._shape import Outline, Shape, estimate_shape, shape_of, widened, width_of
from analyzer.estimators.replay import PlaceboErrors, estimate_effect, placebo_errors
from analyzer.estimators.synthetic_control import fit_of_weights, synthetic_control

__all__ = [
    "STATUS",
    "Asking",
    "Change",
    "ChangePoint",
    "Declared",
    "Estimator",
    "Fit",
    "Flag",
    "Measured",
    "Outline",
    "PanelEffect",
    "PlaceboErrors",
    "PredictorFit",
    "Repeat",
    "Scan",
    "Shape",
    "chain_start",
    "change_points",
    "compare_repeats",
    "declare",
    "estimate_effect",
    "estimate_shape",
    "fit_of_weights",
    "locate_change",
    "panel_effect",
    "placebo_errors",
    "repeats",
    "scan_series",
    "shape_of",
    "synthetic_control",
    "widened",
    "width_of",
]
