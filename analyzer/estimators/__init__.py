"""Estimators: arrays in, a frozen Effect out."""

from analyzer.estimators.chains import chain_start
from analyzer.estimators.replay import PlaceboErrors, estimate_effect, placebo_errors

__all__ = ["PlaceboErrors", "chain_start", "estimate_effect", "placebo_errors"]
