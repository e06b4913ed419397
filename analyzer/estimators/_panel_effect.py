"""One call for the four panel methods."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from analyzer.estimators import did, difp, sdid, synthetic_control
from analyzer.estimators._panel_inputs import Missing, check_panel
from analyzer.estimators._panel_methods import FitOf, PanelEffect, answer

if TYPE_CHECKING:
    import numpy.typing as npt

Method = Literal["did", "synthetic_control", "sc", "sdid", "difp"]
_FITS: Mapping[str, FitOf] = {
    "did": did.fit,
    "synthetic_control": synthetic_control.fit,
    "sdid": sdid.fit,
    "difp": difp.fit,
}


def panel_effect(
    Y: npt.ArrayLike,  # noqa: N803 - the letter of the literature, and of the documented call
    treated: Any,
    first_post: int,
    method: Method = "sdid",
    *,
    names: Sequence[Any] | None = None,
    placebos: bool = True,
    missing: Missing = "refuse",
    seed: int = 0,
) -> PanelEffect:
    """The effect on the treated units of a panel, averaged over them and over all periods from `first_post` on.

    Y: (N, T) outcome per unit and period, in the unit in which the effect is wanted.  treated: row, rows, flags (N,) or
    names of the treated units; all of them are treated from the period with index `first_post` on.
    method: `did`, `synthetic_control` (or `sc`; outcomes only), `sdid` (Arkhangelsky et al. 2021), `difp`
    (Doudchenko & Imbens 2016).  names: (N,) labels for donors and placebos.
    placebos: find the effect anew with every donor in the place of the treated unit (with groups of donors where
    several units are treated) for the standard error, the rank of the RMSPE ratio and the p-value.
    missing: `refuse`, or `drop_donors` to leave out donors with missing values.  seed: of the placebo groups.

    Raises ValueError naming the argument that cannot be meant.
    """
    wanted = "synthetic_control" if method == "sc" else method
    if wanted not in _FITS:
        raise ValueError(f"method must be one of {', '.join(_FITS)} or sc, not {method!r}")
    panel = check_panel(Y, treated, first_post, names, missing)
    return answer(wanted, panel, _FITS[wanted], placebos=placebos, seed=seed)
