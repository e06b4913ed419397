"""Calibration against the field's tools: coverage, interval score and power on simulated and real placebo cases.

    python bench/calibration.py run --scenarios mix ar real:torbridge --n 200 --seed 5000 --out ours.csv
    python bench/calibration.py run --scenarios mix ar --methods ucm_log_ll bsts_s7 its_hac --out peers.csv
    python bench/calibration.py report ours.csv peers.csv

Cases and peers are those of the measuring rig in shared/tools/estimation (sim.py, realdata.py, peers.py): a scenario is
noise[:effect][:H=..][:T=..][:ctrl=..][:overlap][:break] or real:NAME[:ctrl][:H=..].  The effect `double` (+100 % over
the whole window) is added here, and `ucm_log_ll_gap`, the peer with its base ending before the first of several blocks.
Peers need `pip install -e '.[peers]'`.  Scores are Winkler's at 95 %, relative to the true expected total, smaller is
better.  Monte Carlo errors take cases of one real series together.
"""

from __future__ import annotations

import argparse
import csv
import os
import re
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from bench.tor import ROOT

RIG = Path(os.environ.get("VPN_UPTAKE_SHARED") or ROOT.parent / "shared") / "tools" / "estimation"
ALPHA = 0.05
PARTS = 2  # tasks per scenario
FEWEST = 60  # cases that can be told apart by thirds
FIELDS = ("scenario", "case", "method", "observed", "expected", "point", "low", "high", "seconds", "refusal", "key",
          "volatility", "move", "trend", "size")  # fmt: skip
LINE = "{:<26}{:<16}" + "{:>8}" * 9
Case = dict[str, Any]


def cases(scenario: str, n: int, seed: int) -> Iterator[Case]:
    """The first n cases of a scenario from a seed on."""
    sys.path.insert(0, str(RIG))
    import realdata
    import sim

    if scenario.startswith("real:"):
        yield from realdata.real_cases(scenario[5:], n, seed=7 + seed)
        return
    base = sim.lift
    sim.lift = lambda effect, steps, rng=None: np.ones(steps) if effect == "double" else base(effect, steps, rng)
    noise, *parts = scenario.split(":")
    options: dict[str, Any] = {"noise": noise, "effect": "zero"}
    for part in parts:
        match = re.fullmatch(r"(H|T|ctrl)=(\d+)", part)
        if match:
            options[{"H": "H", "T": "T_pre", "ctrl": "controls"}[match[1]]] = int(match[2])
        elif part in ("overlap", "break"):
            options["overlap" if part == "overlap" else "break_control"] = True
        else:
            options["effect"] = part
    for case in range(n):
        yield sim.simulate(seed=seed + case, **options)


def ours(case: Case) -> tuple[float, float, float]:
    """Our interval; earlier blocks are handed over as events."""
    import analyzer

    earlier = [(start, start + 7) for start in case["events"] if start < case["t0"]]
    effect = analyzer.estimate_effect(
        case["y"], case["t0"], case["H"], donors=case["X"], other_events=earlier, season=7
    )
    return effect.expected, effect.expected_low, effect.expected_high


def methods(names: Iterable[str]) -> Mapping[str, Any]:
    """The named methods; peers are imported from the rig."""
    found: dict[str, Any] = {"ours": ours}
    wanted = [name for name in names if name not in found]
    if wanted:
        sys.path.insert(0, str(RIG))
        import peers
        import rollcal

        found |= {**peers.PEERS, **rollcal.OURS}
        found["ucm_log_ll_gap"] = _frozen
    return {name: found[name] for name in names}


def _frozen(case: Case) -> tuple[float, float, float]:
    """The structural peer as an expert would use it with overlapping blocks: its base ends before the first one."""
    import peers  # type: ignore[import-not-found]
    import statsmodels.api as sm

    first = case["events"][0]
    model = sm.tsa.UnobservedComponents(np.log(case["y"] + 0.5)[:first], level="local level", seasonal=7)
    fit = model.fit(disp=0, maxiter=100, method="lbfgs")
    reach = case["t0"] + case["H"] - first
    paths = np.asarray(fit.simulate(reach, anchor="end", repetitions=500, rng=1)).reshape(reach, -1).T
    found: tuple[float, float, float] = peers._cum(np.exp(paths[:, case["t0"] - first :]), case)
    return found


def judged(task: tuple[str, int, int, int, tuple[str, ...]]) -> list[dict[str, Any]]:
    """All methods on every other case of one scenario."""
    scenario, n, seed, part, names = task
    tools = methods(names)
    rows = []
    for number, case in islice(enumerate(cases(scenario, n, seed)), part, None, PARTS):
        window = slice(case["t0"], case["t0"] + case["H"])
        seen = np.isfinite(case["y"][window])
        observed, expected = float(case["y"][window][seen].sum()), float(case["y0"][window][seen].sum())
        if expected <= 0:
            continue
        traits = _traits(case)
        for name, tool in tools.items():
            began = time.process_time()
            row = {"scenario": scenario, "case": number, "method": name, "observed": observed, "expected": expected,
                   "key": case["id"], **traits}  # fmt: skip
            try:
                row["point"], row["low"], row["high"] = tool(case)
            except Exception as error:  # noqa: BLE001 - a peer may raise anything; it counts as refused
                row["refusal"] = f"{type(error).__name__}: {error}"[:120]
            rows.append({**row, "seconds": time.process_time() - began})
    return rows


def _traits(case: Case) -> dict[str, float]:
    """What the conditional coverages are told apart by, from steps before onset only; NaN where it is not known."""
    z = np.log(case["y"][: case["t0"]] + 0.5)
    weeks = np.array([_mean(z[k : k + 7]) for k in range(z.size % 7, z.size, 7)])[-8:]
    known = np.isfinite(weeks)
    slope = np.polyfit(np.arange(weeks.size)[known], weeks[known], 1)[0] if known.sum() > 3 else np.nan
    earlier = z[-31:-3][np.isfinite(z[-31:-3])]
    move = _mean(z[-3:]) - (float(np.median(earlier)) if earlier.size else np.nan)
    usual = 1.4826 * float(np.nanmedian(np.abs(z[7:] - z[:-7]))) + 1e-9
    return {
        "volatility": float(np.nanstd(np.diff(z))),
        "move": abs(move) / usual,
        "trend": abs(float(slope)),
        "size": float(np.nanmedian(np.exp(z))),
    }


def _mean(z: np.ndarray) -> float:
    known = z[np.isfinite(z)]
    return float(known.mean()) if known.size else np.nan


def run(given: argparse.Namespace) -> None:
    """Runs and writes one CSV row per case and method."""
    tasks = [
        (scenario, given.n, given.seed, part, tuple(given.methods))
        for scenario in given.scenarios
        for part in range(PARTS)
    ]
    with ProcessPoolExecutor(given.jobs) as workers, Path(given.out).open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, FIELDS, lineterminator="\n")
        writer.writeheader()
        for rows in workers.map(judged, tasks):
            writer.writerows(rows)


Row = dict[str, Any]


def read(paths: Iterable[str]) -> list[Row]:
    """The rows of several runs; '' becomes NaN."""
    rows: list[Row] = []
    for path in paths:
        with Path(path).open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                numbers = {
                    k: float(row[k] or "nan") for k in FIELDS if k not in ("scenario", "method", "refusal", "key")
                }
                rows.append({**row, **numbers})
    for row in rows:
        low, high, truth = row["low"], row["high"], row["expected"]
        row["refused"] = not np.isfinite(low + high)
        row["covered"] = low <= truth <= high
        row["width"] = (high - low) / truth
        row["score"] = row["width"] + 2 / ALPHA * (max(low - truth, 0.0) + max(truth - high, 0.0)) / truth
        row["above"] = row["observed"] > high
    return rows


def _blocked_error(rows: list[Row]) -> float:
    """Monte Carlo error of a coverage; real cases of one country, or of one month, are taken together."""

    def error(block: Callable[[Row], str]) -> float:
        groups: dict[str, list[float]] = defaultdict(list)
        for row in rows:
            groups[block(row)].append(row["covered"])
        mean = sum(row["covered"] for row in rows) / len(rows)
        return float(np.sqrt(sum((sum(g) - mean * len(g)) ** 2 for g in groups.values())) / len(rows))

    if not rows[0]["scenario"].startswith("real"):
        return error(lambda row: row["key"])
    return max(error(lambda row: row["key"].split("@")[0]), error(lambda row: str(int(row["key"].split("@")[1]) // 28)))


def _line(scenario: str, method: str, rows: list[Row]) -> str:
    kept = [r for r in rows if not r["refused"]]
    error = np.sqrt(np.mean([(r["point"] / r["expected"] - 1) ** 2 for r in kept]))
    cells = (
        f"{len(rows)}",
        f"{len(rows) - len(kept)}",
        f"{100 * np.mean([r['covered'] for r in kept]):.1f}",
        f"{100 * _blocked_error(kept):.1f}",
        f"{np.mean([r['score'] for r in kept]):.3f}",
        f"{np.median([r['width'] for r in kept]):.3f}",
        f"{error:.3f}",
        f"{100 * np.mean([r['above'] for r in kept]):.1f}",
        f"{np.median([r['seconds'] for r in kept]):.3f}",
    )
    return LINE.format(scenario, method, *cells)


def report(given: argparse.Namespace) -> None:
    """Prints the tables."""
    rows = read(given.files)
    table: dict[tuple[str, str], dict[float, Row]] = defaultdict(dict)
    for row in rows:
        table[row["scenario"], row["method"]][row["case"]] = row
    scenarios = list(dict.fromkeys(s for s, _ in table))
    print(LINE.format("scenario", "method", "n", "refused", "cover %", "+-", "score", "width", "rmse", "power %", "s"))
    for scenario in scenarios:
        for (name, method), found in table.items():
            if name == scenario and any(not r["refused"] for r in found.values()):
                print(_line(scenario, method, list(found.values())))
    _compared(table, scenarios)
    print("\ncoverage of ours by thirds and in the last tenth")
    for scenario in scenarios:
        if (scenario, "ours") in table:
            _conditional(scenario, [r for r in table[scenario, "ours"].values() if not r["refused"]])


def _compared(table: Mapping[tuple[str, str], Mapping[float, Row]], scenarios: Iterable[str]) -> None:
    """Ratios of mean scores on the same cases with a paired bootstrap, and their geometric means."""
    rng = np.random.default_rng(0)
    ratios: dict[str, list[float]] = defaultdict(list)
    print("\nscore of ours over a peer's on the same cases (95 % of a paired bootstrap)")
    for scenario in scenarios:
        mine = table.get((scenario, "ours"), {})
        for (name, method), theirs in table.items():
            if name != scenario or method == "ours" or not mine:
                continue
            both = [k for k in mine if k in theirs and not mine[k]["refused"] and not theirs[k]["refused"]]
            a, b = (np.array([t[k]["score"] for k in both]) for t in (mine, theirs))
            draws = rng.integers(0, len(both), (1000, len(both)))
            spread = np.quantile(a[draws].mean(axis=1) / b[draws].mean(axis=1), [0.025, 0.975])
            ratios[method.removesuffix("_gap").removesuffix("_s7")].append(float(a.mean() / b.mean()))
            reach = f"{a.mean() / b.mean():.2f} ({spread[0]:.2f} to {spread[1]:.2f})"
            print(f"{scenario:<26}{method:<16}{len(both):>5}  {reach}")
    for method, values in ratios.items():
        print(f"geometric mean over {len(values)} scenarios, {method}: {np.exp(np.mean(np.log(values))):.3f}")


def _conditional(scenario: str, rows: list[Row]) -> None:
    """Coverage of ours by thirds, and in the last tenth, of what was there before onset."""
    if len(rows) < FEWEST:
        return
    cells = []
    for trait in ("volatility", "move", "trend", "size"):
        there = [r for r in rows if np.isfinite(r[trait])]
        values, covered = np.array([r[trait] for r in there]), np.array([r["covered"] for r in there])
        low, high, top = np.quantile(values, [1 / 3, 2 / 3, 0.9])
        parts = (values <= low, (values > low) & (values <= high), values > high, values > top)
        cells.append(f"{trait} " + "/".join(f"{100 * covered[p].mean():.0f}" for p in parts if p.any()))
    print(f"{scenario:<26}" + "  ".join(cells))


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    running = commands.add_parser("run")
    running.add_argument("--scenarios", nargs="+", required=True)
    running.add_argument("--n", type=int, default=100)
    running.add_argument("--seed", type=int, default=0)
    running.add_argument("--methods", nargs="+", default=["ours"])
    running.add_argument("--jobs", type=int, default=2)
    running.add_argument("--out", required=True)
    running.set_defaults(act=run)
    reporting = commands.add_parser("report")
    reporting.add_argument("files", nargs="+")
    reporting.set_defaults(act=report)
    given = parser.parse_args()
    given.act(given)


if __name__ == "__main__":
    main()
