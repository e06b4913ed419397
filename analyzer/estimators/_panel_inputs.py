"""A panel of units and periods as the caller hands it over, checked once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

if TYPE_CHECKING:
    from analyzer.records import Floats

Missing = Literal["refuse", "drop_donors"]
FEWEST_DONORS = 2
ROUNDED = 0.02  # published weights are rounded: their sum may be off by that much


@dataclass(frozen=True, slots=True)
class PanelData:
    """Treated units, taken together, and donors over the same periods; every value is finite."""

    treated: Floats  # (N1, T)
    donors: Floats  # (K, T)
    first_post: int
    names: tuple[str, ...]  # (K,) of the donors
    rows: tuple[int, ...]  # (K,) row of each donor in the caller's panel
    treated_rows: tuple[int, ...]
    warnings: tuple[str, ...] = ()

    @property
    def target(self) -> Floats:
        """(T,) mean of the treated units."""
        return np.asarray(self.treated.mean(axis=0), dtype=float)


def check_panel(
    outcomes: Any, treated: Any, first_post: Any, names: Sequence[Any] | None = None, missing: Missing = "refuse"
) -> PanelData:
    """The checked panel.  Raises ValueError naming the argument that cannot be meant."""
    y = np.array(outcomes, dtype=float)
    if y.ndim != 2 or y.shape[1] < 2:
        raise ValueError(f"Y must be of shape (units, periods) with at least two periods, not {y.shape}")
    units = _treated_rows(treated, y.shape[0], names)
    labels = _labels(names, y.shape[0])
    start = _first_post(first_post, y.shape[1])
    rows = np.setdiff1d(np.arange(y.shape[0]), units)
    rows, warnings = _without_missing(y, units, rows, labels, missing)
    if rows.size < FEWEST_DONORS:
        raise ValueError(f"treated leaves {rows.size} donors; at least {FEWEST_DONORS} units must be untreated")
    return PanelData(
        treated=y[units],
        donors=y[rows],
        first_post=start,
        names=tuple(labels[i] for i in rows),
        rows=tuple(int(i) for i in rows),
        treated_rows=tuple(int(i) for i in units),
        warnings=warnings,
    )


def _labels(names: Sequence[Any] | None, count: int) -> tuple[str, ...]:
    if names is None:
        return tuple(str(i) for i in range(count))
    labels = tuple(str(name) for name in names)
    if len(labels) != count:
        raise ValueError(f"names has {len(labels)} entries for {count} units")
    if len(set(labels)) != count:
        raise ValueError("names holds a name twice")
    return labels


def _treated_rows(treated: Any, count: int, names: Sequence[Any] | None) -> np.ndarray[Any, np.dtype[np.intp]]:
    given = np.atleast_1d(np.asarray(treated))
    if given.dtype == bool:
        if given.shape != (count,):
            raise ValueError(f"treated has {given.size} flags for {count} units")
        rows = np.flatnonzero(given)
    elif given.dtype.kind in "iu":
        rows = given.astype(np.intp).ravel()
    else:
        rows = _named_rows(given.ravel().tolist(), names)
    if rows.size == 0 or np.unique(rows).size != rows.size or rows.min() < 0 or rows.max() >= count:
        raise ValueError(f"treated must name different rows between 0 and {count - 1}, not {given.tolist()}")
    return rows


def _named_rows(wanted: Sequence[Any], names: Sequence[Any] | None) -> np.ndarray[Any, np.dtype[np.intp]]:
    known = [] if names is None else [str(name) for name in names]
    unknown = [str(name) for name in wanted if str(name) not in known]
    if unknown:
        raise ValueError(f"treated names units that are not in names: {', '.join(unknown)}")
    return np.array([known.index(str(name)) for name in wanted], dtype=np.intp)


def _first_post(first_post: Any, periods: int) -> int:
    if isinstance(first_post, bool) or not isinstance(first_post, (int, np.integer)):
        raise ValueError(f"first_post must be the index of the first treated period, not {first_post!r}")
    if not 1 <= first_post < periods:
        raise ValueError(f"first_post {first_post} leaves no period before or after it; there are {periods} periods")
    return int(first_post)


def _without_missing(
    y: Floats,
    units: np.ndarray[Any, np.dtype[np.intp]],
    rows: np.ndarray[Any, np.dtype[np.intp]],
    labels: tuple[str, ...],
    missing: Missing,
) -> tuple[np.ndarray[Any, np.dtype[np.intp]], tuple[str, ...]]:
    if missing not in ("refuse", "drop_donors"):
        raise ValueError(f"missing must be refuse or drop_donors, not {missing!r}")
    holes = ~np.isfinite(y)
    if holes[units].any():
        raise ValueError(f"Y: {int(holes[units].sum())} values of the treated units are missing or infinite")
    bad = rows[holes[rows].any(axis=1)]
    if not bad.size:
        return rows, ()
    said = f"{bad.size} donors with missing or infinite values: {', '.join(labels[i] for i in bad[:5])}"
    if missing == "refuse":
        raise ValueError(f"Y: {said}; missing='drop_donors' leaves them out")
    return np.setdiff1d(rows, bad), (f"left out: {said}",)


def given_weights(weights: Mapping[Any, float] | Any, panel: PanelData) -> Floats:
    """(K,) donor weights from a mapping of names or an array.  Raises ValueError where they are not a mean."""
    if isinstance(weights, Mapping):
        named = {str(name): float(value) for name, value in weights.items()}
        unknown = sorted(set(named) - set(panel.names))
        if unknown:
            raise ValueError(f"weights names units that are no donors: {', '.join(unknown)}")
        found = np.array([named.get(name, 0.0) for name in panel.names])
    else:
        found = np.array(weights, dtype=float)
    if found.shape != (len(panel.names),):
        raise ValueError(f"weights must have one entry per donor ({len(panel.names)}), not shape {found.shape}")
    if not np.isfinite(found).all() or found.min() < 0 or abs(found.sum() - 1) > ROUNDED:
        raise ValueError(f"weights must be non-negative and sum to 1 (within {ROUNDED}), not to {found.sum():g}")
    return found


def check_predictors(values: Any, panel: PanelData, units: int, name: str = "predictors") -> tuple[Floats, Floats]:
    """(P,) of the treated units, averaged, and (P, K) of the donors, each over its s.d. over all units.

    Raises ValueError for missing values and for predictors that do not vary.
    """
    x = np.array(values, dtype=float)
    if x.ndim != 2 or x.shape[0] != units or x.shape[1] == 0:
        raise ValueError(f"{name} must be of shape (units, predictors) with {units} units, not {x.shape}")
    used = x[[*panel.treated_rows, *panel.rows]]
    if not np.isfinite(used).all():
        at = np.flatnonzero(~np.isfinite(used).all(axis=0))
        raise ValueError(
            f"{name}: columns {at.tolist()} hold missing values; average what is there, or leave units out"
        )
    scale = used.std(axis=0, ddof=1)
    if (scale == 0).any():
        raise ValueError(f"{name}: columns {np.flatnonzero(scale == 0).tolist()} are the same for every unit")
    scaled = used / scale
    count = len(panel.treated_rows)
    return np.asarray(scaled[:count].mean(axis=0)), np.ascontiguousarray(scaled[count:].T)
