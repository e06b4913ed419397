"""Estimators, one file each: arrays in, a frozen Effect out."""

from analyzer.estimators._chains import chain_start
from analyzer.estimators._changes import Change, locate_change
from analyzer.estimators._declaration import Estimator
from analyzer.estimators._panel_effect import panel_effect
from analyzer.estimators._panel_methods import Fit, PanelEffect, PredictorFit
from analyzer.estimators.replay import PlaceboErrors, estimate_effect, placebo_errors
from analyzer.estimators.synthetic_control import fit_of_weights, synthetic_control

__all__ = [
    "Change",
    "Estimator",
    "Fit",
    "PanelEffect",
    "PlaceboErrors",
    "PredictorFit",
    "chain_start",
    "estimate_effect",
    "fit_of_weights",
    "locate_change",
    "panel_effect",
    "placebo_errors",
    "synthetic_control",
]
