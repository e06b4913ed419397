"""Indicators of acquisition: downloads as a stock of installs, chart ranks as a bound, sign-ups not at all."""

from __future__ import annotations

import math
from functools import partial

import numpy as np

from analyzer.errors import NotEnoughData
from analyzer.people import retention
from analyzer.people.anchors import nearest
from analyzer.people.cases import CANNOT, Case, Found
from analyzer.people.draws import Floats, Uncertain, at_worst
from analyzer.people.matching import Anchors, flow_example, needed
from analyzer.people.ranks import EXPONENTS, factor_of_ratio
from analyzer.quantities import Quantity


def from_acquisition(case: Case, anchors: Anchors) -> Found:
    unit = case.unit.lower()
    if "rank" in unit or case.estimate.indicator == "app.chart_rank":
        return _rank(case)
    if "download" in unit or "install" in unit or case.estimate.indicator == "app.downloads":
        return _installs(case, anchors)
    raise NotEnoughData(
        "sign-ups are a flow and rise more than use (Turkey, August 2024: sign-ups x46, use x9); "
        + flow_example(case, anchors)
    )


def _rank(case: Case) -> Found:
    e = case.estimate
    at_top, from_top = (_is_top(path) for path in (case.observed, case.expected))
    low = 0.0 if at_top or e.ratio_low is None else max(e.ratio_low, 0.0)
    high = math.inf if e.ratio_high is None or from_top else e.ratio_high
    found = factor_of_ratio((low, high))
    open_end = ", a lower bound" if math.isinf(found.high) else ""
    power = f"{EXPONENTS[0]:g} to {EXPONENTS[1]:g}"
    assumed = (
        f"downloads are taken to fall with rank to the power {power} (Garg & Telang 2013: 0.90, 0.95 for paid apps); "
        "that is assumed, not measured, for this chart"
    )
    ceiling = ("the top of the chart is a ceiling: no bound beyond it",) if at_top or from_top else ()
    words = f"times the downloads{open_end}: a bound from the chart, not people"
    notes = (assumed, *ceiling, CANNOT)
    return Found(found, f"chart rank with an exponent of {power}", words, notes, is_of_tool=False, is_national=False)


def _is_top(path: Floats | None) -> bool:
    return path is not None and bool(np.isfinite(path).any()) and float(np.nanmedian(path)) <= 1


def _installs(case: Case, anchors: Anchors) -> Found:
    kept, notes = _retention(case, anchors)
    if case.observed is None or case.expected is None:
        raise NotEnoughData("the path of downloads over the window is not at hand: a stock needs it day by day")
    installed = retention.Installed(case.observed, case.expected, case.total_expected(), case.step_days)
    each = nearest((a for a in needed(case, anchors, "devices_per_person") if a.has_range), case.estimate.cc)
    notes = [*notes, "downloads again by the same person count again", flow_example(case, anchors)]
    given = (kept.half_life, kept.floor)
    if each is None:
        devices = partial(_devices, installed)
        words = "installs (devices) still in place at the end of the window beyond those expected, not people"
        said = (*notes, f"{CANNOT}: no devices_per_person with a range")
        return Found(devices(*given), "stock of installs", words, said, at_worst(devices, *given))
    people, with_each = partial(_people, installed), (*given, each.uncertain())
    words = "people with the app at the end of the window beyond those expected"
    said = (*notes, each.cited())
    return Found(people(*with_each), "stock of installs", words, said, at_worst(people, *with_each))


def _devices(installed: retention.Installed, half_life: Uncertain, floor: Uncertain) -> Quantity:
    return retention.from_installs(installed, retention.Retention(half_life, floor))


def _people(installed: retention.Installed, half_life: Uncertain, floor: Uncertain, each: Uncertain) -> Quantity:
    return retention.people_from_installs(installed, retention.Retention(half_life, floor), each)


_FLOORS = {
    True: ("the block lasts", "30 to 100 %", retention.FLOOR_LASTING),
    False: ("the block was lifted", "3 to 15 %", retention.FLOOR_LIFTED),
    None: ("its end is not known", "3 to 100 %", retention.FLOOR_UNKNOWN),
}


def _retention(case: Case, anchors: Anchors) -> tuple[retention.Retention, list[str]]:
    cc = case.estimate.cc
    half = nearest(needed(case, anchors, "retention_half_life_days"), cc)
    floor = nearest(needed(case, anchors, "retention_floor"), cc)
    state, shown, usual = _FLOORS[case.lasting]
    notes = [a.cited() for a in (half, floor) if a]
    if half is None:
        notes.append("half-life of an install 30 to 60 days: a wide range read off published cases")
    if floor is None:
        notes.append(f"{shown} of installs are never given up ({state}): a wide range read off published cases")
    half_life = half.uncertain() if half else retention.HALF_LIFE_DAYS
    return retention.Retention(half_life, floor.uncertain() if floor else usual), notes
