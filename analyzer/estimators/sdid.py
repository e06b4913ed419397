"""Synthetic difference in differences: weights of donors and of periods, and a constant difference of levels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from analyzer.estimators._declaration import Estimator
from analyzer.estimators._on_counts import on_counts
from analyzer.estimators._panel_methods import TINY, Fitted, Weights, donor_weights, fitted, noise_level
from analyzer.estimators._simplex import simplex_weights

if TYPE_CHECKING:
    from analyzer.estimators._panel_inputs import PanelData
    from analyzer.records import Floats


def fit(panel: PanelData) -> Fitted:
    """Algorithm 1 of the paper: equations 4 to 6 with zeta = (N1 T1)^(1/4) sigma for the donors."""
    t0 = panel.first_post
    sigma = noise_level(panel)
    cells = panel.treated.shape[0] * (panel.target.size - t0)
    zeta = float(cells**0.25 * sigma)
    before, after = panel.donors[:, :t0], panel.donors[:, t0:].mean(axis=1)
    periods = _period_weights(before, after, (TINY * sigma) ** 2 * before.shape[0])
    return fitted(panel, Weights(donor_weights(panel, zeta, intercept=True), periods, zeta))


def _period_weights(before: Floats, after: Floats, ridge: float) -> Floats:
    """(T0,) weights whose mean of earlier periods foretells the later mean of each donor.

    The paper's tiny ridge only chooses among exact solutions; where there are none it costs time for nothing.
    """
    plain = simplex_weights(before, after, intercept=True)
    left = before @ plain - after
    exact = np.std(left) <= 1e-6 * max(float(np.ptp(before)), 1e-300)
    return simplex_weights(before, after, ridge=ridge, intercept=True) if exact else plain


ESTIMATOR = Estimator(
    name="sdid",
    title="Synthetic difference in differences",
    reference="Arkhangelsky, Athey, Hirshberg, Imbens & Wager 2021 (American Economic Review 111)",
    run=on_counts("sdid", fit),
)
