"""Published panel tables beside ours: `python bench/panels.py ../shared/data/panels`.

Where pysyncon is installed (`pip install -e '.[peers]'`) its answer to the same specification stands beside.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from analyzer import fit_of_weights, panel_effect, synthetic_control

PUBLISHED = {"did": -27.349, "synthetic_control": -19.51, "sdid": -15.604, "difp": -11.11}


@dataclass(frozen=True, slots=True)
class Specification:
    """A synthetic control with predictors, in the words of the paper."""

    title: str
    file: str
    unit: str
    outcome: str
    treated: str
    means: tuple[tuple[str, int, int], ...]  # column, first and last year
    optimise: tuple[int, int]  # first and last year
    treatment: int
    weights: Mapping[str, float]
    effect: float | None
    without: tuple[str, ...] = ()


ADH = Specification(
    "California, Abadie, Diamond & Hainmueller 2010, Table 2",
    "prop99_adh_covariates.csv",
    "state",
    "cigsale",
    "California",
    (
        *((name, 1980, 1988) for name in ("lnincome", "retprice", "age15to24")),
        ("beer", 1984, 1988),
        *(("cigsale", year, year) for year in (1975, 1980, 1988)),
    ),
    (1970, 1988),
    1989,
    {"Utah": 0.334, "Nevada": 0.234, "Montana": 0.199, "Colorado": 0.164, "Connecticut": 0.069},
    None,
)
SECTORS = ("agriculture", "energy", "industry", "construction", "services.venta", "services.nonventa")
BASQUE = Specification(
    "Basque Country, Abadie & Gardeazabal 2003",
    "basque.csv",
    "regionname",
    "gdpcap",
    "Basque Country (Pais Vasco)",
    (
        *((f"school.{s}", 1964, 1969) for s in ("illit", "prim", "med", "high", "post.high")),
        ("invest", 1964, 1969),
        ("gdpcap", 1960, 1969),
        *((f"sec.{s}", 1961, 1969) for s in SECTORS),
        ("popdens", 1969, 1969),
    ),
    (1960, 1969),
    1975,
    {"Cataluna": 0.8508, "Madrid (Comunidad De)": 0.1492},
    -0.69956,
    ("Spain (Espana)",),
)


def arguments(spec: Specification, table: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Outcomes by unit and year, and the arguments of `synthetic_control`."""
    y = table.pivot_table(index=spec.unit, columns="year", values=spec.outcome)
    means = [table[table.year.between(a, b)].groupby(spec.unit)[name].mean() for name, a, b in spec.means]
    first = int(y.columns[0])
    optimise = (spec.optimise[0] - first, spec.optimise[1] + 1 - first)
    x = pd.concat(means, axis=1)
    return y, {"predictors": x, "names": list(y.index), "first_post": spec.treatment - first, "optimise": optimise}


def weights_in_words(weights: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {weight:.3f}" for name, weight in weights.items() if weight >= 0.001)


def nested(spec: Specification, folder: Path) -> Iterator[str]:
    table = pd.read_csv(folder / spec.file)
    table = table[~table[spec.unit].isin(spec.without)]
    y, options = arguments(spec, table)
    yield f"\n{spec.title}"
    side = fit_of_weights(
        y, spec.treated, options["first_post"], spec.weights, names=options["names"], periods=options["optimise"]
    )
    effect = side.effect if spec.effect is None else spec.effect
    yield f"  published          MSPE {side.objective:9.5f}  effect {effect:8.4f}  {weights_in_words(spec.weights)}"
    for search in ("usual_starts", "global"):
        found = synthetic_control(y, spec.treated, placebos=False, search=search, **options)
        assert found.predictors is not None
        yield (
            f"  {search:18} MSPE {found.predictors.mspe:9.5f}  effect {found.effect:8.4f}  "
            f"{weights_in_words(found.top())}"
        )
    yield f"  least of any weights {found.predictors.least_mspe:7.5f}"
    yield from pysyncon(spec, table, y, options)


def pysyncon(spec: Specification, table: pd.DataFrame, y: pd.DataFrame, options: Mapping[str, Any]) -> Iterator[str]:
    try:
        from pysyncon import Dataprep, Synth
    except ImportError:
        yield "  pysyncon is not installed"
        return
    data = Dataprep(
        foo=table,
        predictors=[],
        predictors_op="mean",
        special_predictors=[(name, range(a, b + 1), "mean") for name, a, b in spec.means],
        dependent=spec.outcome,
        unit_variable=spec.unit,
        time_variable="year",
        treatment_identifier=spec.treated,
        controls_identifier=[name for name in y.index if name != spec.treated],
        time_predictors_prior=range(spec.optimise[0], spec.optimise[1] + 1),
        time_optimize_ssr=range(spec.optimise[0], spec.optimise[1] + 1),
    )
    for method in ("Nelder-Mead", "BFGS"):
        synth = Synth()
        synth.fit(data, optim_method=method, optim_initial="equal")
        weights = synth.weights(round=6)
        chosen = dict(weights[weights > 0.001].sort_values(ascending=False))
        whole = (weights.clip(lower=0) / weights.clip(lower=0).sum()).to_dict()
        side = fit_of_weights(
            y, spec.treated, options["first_post"], whole, names=options["names"], periods=options["optimise"]
        )
        yield (
            f"  {'pysyncon ' + method:18} MSPE {side.objective:9.5f}  effect {side.effect:8.4f}  "
            f"{weights_in_words(chosen)}"
        )


def outcomes_only(folder: Path) -> Iterator[str]:
    table = pd.read_csv(folder / "california_prop99.csv", sep=";")
    y = table.pivot_table(index="State", columns="Year", values="PacksPerCapita")
    yield "California, Arkhangelsky et al. 2021, Table 1 (reference values to more digits: their software)"
    for method, published in PUBLISHED.items():
        r = panel_effect(y, "California", 19, method, names=list(y.index))
        top = {} if method == "did" else dict(list(r.top().items())[:5])
        yield (
            f"  {method:18} published {published:8.3f}  ours {r.effect:9.4f}  placebo s.e. {r.standard_error:5.2f}  "
            f"rank {r.rank} of {r.placebo_n + 1}  pre SSR {r.pre_ssr:7.3f}  {weights_in_words(top)}"
        )


def main(folder: Path) -> None:
    for lines in (outcomes_only(folder), nested(ADH, folder), nested(BASQUE, folder)):
        for line in lines:
            print(line, flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
