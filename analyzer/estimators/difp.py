"""De-meaned synthetic control (DIFP): weights on the simplex, and a constant difference of levels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from analyzer.estimators._declaration import Estimator
from analyzer.estimators._on_counts import on_counts
from analyzer.estimators._panel_methods import TINY, Fitted, Weights, donor_weights, fitted, noise_level

if TYPE_CHECKING:
    from analyzer.estimators._panel_inputs import PanelData


def fit(panel: PanelData) -> Fitted:
    """Donors are weighted so that their path runs parallel to the treated one before the treatment."""
    zeta, t0 = TINY * noise_level(panel), panel.first_post
    weights = Weights(donor_weights(panel, zeta, intercept=True), np.full(t0, 1 / t0), zeta)
    return fitted(panel, weights)


ESTIMATOR = Estimator(
    name="difp",
    title="De-meaned synthetic control",
    reference="Doudchenko & Imbens 2016; Ferman & Pinto 2021 (Quantitative Economics 12)",
    run=on_counts("difp", fit),
)
