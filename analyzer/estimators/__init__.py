"""Estimators: arrays in, a frozen Effect out."""

from analyzer.estimators.replay import PlaceboErrors, estimate_effect, placebo_errors

__all__ = ["PlaceboErrors", "estimate_effect", "placebo_errors"]
