"""Difference in differences: every donor and every earlier period counts the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from analyzer.estimators._declaration import Estimator
from analyzer.estimators._on_counts import on_counts
from analyzer.estimators._panel_methods import Fitted, Weights, fitted

if TYPE_CHECKING:
    from analyzer.estimators._panel_inputs import PanelData


def fit(panel: PanelData) -> Fitted:
    """The mean change of the treated units less the mean change of the donors."""
    k, t0 = len(panel.rows), panel.first_post
    return fitted(panel, Weights(np.full(k, 1 / k), np.full(t0, 1 / t0)))


ESTIMATOR = Estimator(
    name="did",
    title="Difference in differences",
    reference="Ashenfelter & Card 1985; Arkhangelsky et al. 2021, equation 2",
    run=on_counts("did", fit),
)
