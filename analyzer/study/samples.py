"""Shares with the sample behind them: handed to the estimator as numerators of it, and turned into shares again."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from analyzer.records import Effect

Floats = npt.NDArray[np.float64]


def sampled(y: Floats, n: Floats) -> tuple[Floats, Floats | None, str]:
    """(T,) shares and samples as y and exposure of an estimator, and what there is to say of it.

    No exposure where any share lacks its sample: a series that is half weighted would change its noise for no reason
    of its own.  Shares of nothing but 0 and 1 are handed over as numerators, which they cannot be mistaken for.
    """
    known = np.isfinite(y)
    without = int((known & ~(n > 0)).sum())
    if without == known.sum():
        return y, None, ""
    if without:
        return (
            y,
            None,
            f"{without} of {int(known.sum())} shares lack the sample behind them: all are taken as plain ones",
        )
    whole = bool((y[known] == np.round(y[known])).all())
    return (y * n if whole else y), np.where(known, n, np.nan), ""


def as_shares(effect: Effect, y: Floats, n: Floats) -> Effect:
    """An effect on numerators as one on shares: totals over the window of its mean share, weighted by the sample.

    y, n: shares and samples of the window, at most as many as its steps.
    """
    reach = effect.steps.size
    share, sample = (np.concatenate([part, np.full(reach - part.size, np.nan)]) for part in (y, n))
    seen = np.isfinite(share) & (sample > 0)
    per_unit = float(seen.sum() / sample[seen].sum())
    names = ("observed", "expected", "expected_low", "expected_high", "excess", "excess_low", "excess_high")
    steps = ("expected_steps", "expected_steps_low", "expected_steps_high")
    totals = {name: getattr(effect, name) * per_unit for name in names}
    paths = {name: getattr(effect, name) / np.where(seen, sample, np.nan) for name in steps}
    return replace(effect, steps=share, **totals, **paths)
