"""Estimated deviations drawn towards each other by how much of their spread is noise (Smyth 2004, section 6)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.special import polygamma

from analyzer.estimators._combine import inverse_trigamma

if TYPE_CHECKING:
    from analyzer.records import Floats

FEWEST = 4  # members from which a spread of deviations can be told
_LEAST = 0.05  # variance of log variances: members are never taken to have one deviation for certain


def squeezed(deviations: Floats, freedom: Floats) -> tuple[Floats, Floats]:
    """(K,) squeezed deviations and their degrees of freedom."""
    if deviations.size < FEWEST:
        return deviations, freedom
    logs = 2 * np.log(deviations)
    noise = polygamma(1, freedom / 2)
    excess = max(float(np.var(logs, ddof=1) - np.mean(noise)), _LEAST)
    prior = 2 * inverse_trigamma(excess)
    centre = float(np.mean(logs - polygamma(0, freedom / 2) + np.log(freedom / 2)))
    usual = float(np.exp(centre + polygamma(0, prior / 2) - np.log(prior / 2)))
    return np.sqrt((prior * usual + freedom * deviations**2) / (prior + freedom)), freedom + prior
