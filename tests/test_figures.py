"""What the pictures show: everything a screenshot needs, on one axis, with nothing drawn that is not known."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

import brief_dossiers as made
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.brief import build
from analyzer.brief.figures import comparison
from analyzer.brief.material import sort_out
from analyzer.brief.model import Curve, Figure, Lane
from analyzer.brief.timeline import lanes
from analyzer.outputs import _vega
from analyzer.outputs._figures import specification, svg
from analyzer.outputs._lanes import lane_row
from analyzer.outputs._layout import Frame, cut, log_ticks, log_value, log_y, spread, text_width, wrap
from analyzer.records import Dossier

STYLE = Path(_vega.__file__).parent / "templates" / "style.css"


def figures(dossier: Dossier) -> dict[str, Figure]:
    return {s.figure.ident: s.figure for s in build(dossier).sections if s.figure}


@pytest.fixture(scope="module")
def drawn() -> dict[str, str]:
    with_press = replace(made.sudan(), published=sudan_press())
    return {
        "timeline": svg(figures(made.pakistan())["hero"]),
        "press": svg(figures(made.pakistan())["comparison"]),
        "series": svg(figures(made.sudan())["hero"]),
        "both": svg(figures(with_press)["comparison"]),
    }


def sudan_press():
    figure = made.pakistan().published[0]
    return (replace(figure, block_id="sd-2018-12-21-social", unit="percent_over_baseline", value=300.0),)


def texts(drawing: str) -> str:
    found = re.findall(r"<text[^>]*>(.*?)</text>", drawing)
    return " ".join(re.sub(r"<[^>]+>", " ", text) for text in found)


def test_every_picture_carries_title_country_dates_units_and_source(drawn):
    expected = {
        "timeline": ("Pakistan", "16 Dec 2023 to 1 Mar 2024"),
        "press": ("Pakistan", "Dec 2023 to Feb 2024"),
        "series": ("Sudan", "1 Nov 2018 to 29 Jan 2019"),
    }
    for name, (country, dates) in expected.items():
        text = texts(drawn[name])
        assert country in text
        assert dates in text
        assert "vpn-uptake 0.1.0" in text


def test_the_series_carries_its_licence_and_unit(drawn):
    text = texts(drawn["series"])
    assert "Invented for a test (CC0)" in text
    assert "Average concurrent clients, not people" in " ".join(text.split())
    assert "base ends" in text
    assert "Date (UTC)" in text


def test_local_hours_stand_beside_short_blocks(drawn):
    assert "17 Dec 2023 15:00–22:00 UTC (20:00–03:00 PKT)" in texts(drawn["timeline"])


def test_the_local_day_is_named_where_it_is_not_the_utc_day():
    instagram = next(made.block(r) for r in made.rows("events.csv") if r["event_id"] == "ru-2022-03-14-instagram")
    (lane,) = lanes(sort_out(replace(made.pakistan(), cc="RU", blocks=(instagram,), non_events=())))
    assert lane.label.startswith("13 Mar 2022 21:00 UTC (14 Mar 00:00 MSK), end not known: ")


def test_a_block_of_one_day_is_written_as_one_day():
    trial = next(made.block(r) for r in made.rows("events.csv") if r["event_id"] == "pk-2024-11-10-vpn")
    (lane,) = lanes(sort_out(replace(made.pakistan(), blocks=(trial,), non_events=())))
    assert lane.label.startswith("10 Nov 2024: ")


def test_a_log_scale_says_so_and_there_is_one_scale_per_panel(drawn):
    for name in ("timeline", "press", "both"):
        assert "(log" in texts(drawn[name])
    for figure in (figures(made.pakistan())["hero"], figures(made.sudan())["hero"]):
        text = json.dumps(specification(figure))
        assert '"independent"' not in text
        assert '"orient": "right"' not in text


def test_a_linear_series_starts_at_zero_and_says_that_it_is_linear(drawn):
    text = texts(drawn["series"])
    assert "(linear scale)" in text
    assert re.search(r"\b0\b", text)


def test_a_series_over_orders_of_magnitude_is_drawn_on_a_marked_log_scale():
    whole = made.sudan()
    view = whole.studies[0].series[0]
    steep = replace(view, observed=tuple(10.0 ** (i % 4) for i in range(90)))
    study = replace(whole.studies[0], series=(steep,))
    hero = figures(replace(whole, studies=(study,)))["hero"]
    assert hero.curve is not None
    assert hero.curve.is_log
    assert "(log scale)" in texts(svg(hero))


def test_press_figures_stand_with_their_bases_and_the_warning(drawn):
    text = texts(drawn["press"])
    assert "base: mean of the 28 preceding days" in text
    assert "+131 % (x2.31)" in text
    assert "Not the same input" in " ".join(text.split())


def test_ours_is_told_from_theirs_by_shape_and_word_not_by_colour_alone(drawn):
    figure = figures(replace(made.sudan(), published=sudan_press()))["comparison"]
    assert [m.is_ours for m in figure.marks] == [True, True, True, False]
    assert "Ours: Tor clients that connect directly" in texts(drawn["both"])
    assert "diamond" in json.dumps(specification(figure))


def test_without_a_published_figure_there_is_nothing_to_compare():
    assert comparison(sort_out(made.sudan())) is None


def test_a_missing_day_is_a_gap_in_the_line_and_not_a_zero(drawn):
    lines = re.findall(rf'<path[^>]*aria-hidden|<path[^>]*d="([^"]+)"[^>]*stroke="{_vega.THEIRS}"', drawn["series"])
    observed = max(lines, key=len)
    assert observed.count("M") == 2


def test_an_unknown_end_is_not_drawn_as_a_bar_to_the_edge():
    frame = Frame(datetime(2024, 1, 1), datetime(2024, 3, 1), 600)
    start, edge = datetime(2024, 1, 10), datetime(2024, 3, 1)
    unknown = Lane("a", start, edge, end_is_known=False, is_timed=False, is_block=True)
    row = lane_row(frame, unknown, 0)
    assert row["dashes"]
    assert row["mark"] == "?"
    assert row["end"] < "2024-01-12"
    evening = lane_row(frame, replace(unknown, is_timed=True), 0)
    assert not evening["dashes"]


def test_seven_hours_in_a_quarter_of_a_year_stay_visible():
    frame = Frame(datetime(2024, 1, 1), datetime(2024, 4, 1), 600)
    start = datetime(2024, 2, 1, 15)
    row = lane_row(
        frame, Lane("a", start, start + timedelta(hours=7), end_is_known=True, is_timed=True, is_block=True), 0
    )
    ends = [datetime.fromisoformat(row[k].removesuffix("Z")) for k in ("t", "end")]
    assert frame.x_of(ends[1]) - frame.x_of(ends[0]) >= 2.9


def test_ids_of_two_pictures_do_not_collide(drawn):
    ids = [set(re.findall(r'\bid="([^"]+)"', drawn[n])) for n in ("timeline", "press")]
    assert not ids[0] & ids[1]
    for name in ("timeline", "press"):
        assert set(re.findall(r"url\(#([^)]+)\)", drawn[name])) <= set(re.findall(r'\bid="([^"]+)"', drawn[name]))


def test_a_series_without_any_value_can_still_be_drawn():
    whole = made.sudan()
    view = whole.studies[0].series[0]
    none = (None,) * len(view.t)
    study = replace(whole.studies[0], series=(replace(view, observed=none, expected=none, low=none, high=none),))
    hero = figures(replace(whole, studies=(study,)))["hero"]
    assert "with no observed value" in hero.alt
    assert svg(hero).startswith("<svg")


def test_a_series_of_one_point_or_none_does_no_harm():
    whole = made.sudan()
    view = whole.studies[0].series[0]
    one = replace(view, t=view.t[:1], observed=(5.0,), expected=(None,), low=(None,), high=(None,))
    hero = figures(replace(whole, studies=(replace(whole.studies[0], series=(one,)),)))["hero"]
    assert hero.end > hero.start
    empty = replace(one, t=(), observed=(), expected=(), low=(), high=())
    dossier = replace(whole, studies=(replace(whole.studies[0], series=(empty,)),))
    assert figures(dossier)["hero"].kind == "published"


def test_the_text_alternative_holds_every_figure_of_the_picture():
    figure = figures(made.pakistan())["comparison"]
    for mark in figure.marks:
        assert mark.value_text in figure.alt
        assert mark.base in figure.alt


def luminance(color: str) -> float:
    parts = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(a: str, b: str) -> float:
    light, dark = sorted((luminance(a), luminance(b)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_every_colour_of_a_picture_has_a_dark_twin_and_both_are_seen_on_their_paper():
    style = STYLE.read_text(encoding="utf-8")
    for color, least in ((_vega.INK, 4.5), (_vega.MUTED, 4.5), (_vega.THEIRS, 3), (_vega.OURS, 3), (_vega.BLOCK, 3)):
        assert contrast(color, _vega.PAPER) >= least
        twins = re.findall(rf'\[(?:fill|stroke)="{color}"\] {{ (?:fill|stroke): (#\w{{6}})', style)
        assert len(twins) == 2
        assert min(contrast(twin, "#14171a") for twin in twins) >= least
    assert f'[stroke="{_vega.PAPER}"]' in style


@given(st.lists(st.floats(0, 400), min_size=1, max_size=20))
@settings(max_examples=40, deadline=None)
def test_labels_keep_their_distance_and_their_order(wanted):
    placed = spread(wanted, 17, 8, 392)
    in_order = sorted(placed)
    assert all(b - a >= 17 - 1e-6 for a, b in pairwise(in_order))
    by_wish = sorted(range(len(wanted)), key=lambda i: wanted[i])
    assert [placed[i] for i in by_wish] == in_order
    assert max(placed) <= 392 + 1e-6


@given(st.text(st.characters(codec="utf-8"), max_size=300), st.integers(60, 700))
@settings(max_examples=40, deadline=None)
def test_no_line_is_wider_than_the_room_it_has(text, width):
    assert text_width(cut(text, width)) <= width
    assert all(text_width(line) <= width for line in wrap(text, width=width))


@given(st.floats(0.01, 1e5), st.floats(0, 1))
@settings(max_examples=50, deadline=None)
def test_pixels_of_a_log_scale_and_values_are_inverse(high, share):
    low, top = 0.005, high * 2
    value = low * (top / low) ** share
    assert log_value(log_y(value, low, top, 200), low, top, 200) == pytest.approx(value)
    assert all(low <= tick <= top for tick in log_ticks(low, top))


def test_a_curve_is_kept_as_it_was_given():
    hero = figures(made.sudan())["hero"]
    view = made.series()
    assert isinstance(hero.curve, Curve)
    assert hero.curve.observed == view.observed
    assert hero.curve.base_end == view.base_end
