"""What a brief says, and what it never says."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import replace
from datetime import date, datetime, timedelta
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import brief_dossiers as made
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer import registry
from analyzer.brief import build, published, words
from analyzer.brief.confidence import EVIDENCE_SCALE, PRECISION_SCALE, evidence_word, precision_word
from analyzer.brief.estimates import finding
from analyzer.brief.material import is_disputed, is_official, is_web, sort_out
from analyzer.brief.model import Brief, Code, Finding, Link, Section, Text
from analyzer.outputs.html import OUTPUT
from analyzer.records import Block, Claim, Dossier, Estimate, Study

GOLDEN = Path(__file__).parent / "golden"
BRIEFS = {name: getattr(made, name)() for name in ("pakistan", "sudan", "nothing_estimable", "hostile")}


def plain(text: Text) -> str:
    return "".join(part if isinstance(part, str) else f"`{part.text}`" if isinstance(part, Code) else part.text
                   for part in text)  # fmt: skip


def section_lines(section: Section) -> list[str]:
    lines = ["", f"## {section.heading}", *(plain(p) for p in section.paragraphs)]
    if section.figure:
        figure = section.figure
        lines += [f"[{figure.kind}] {figure.title}", figure.subtitle, figure.footer, figure.alt, figure.caption]
    lines += [f"- {plain(item)}" for item in section.items]
    for table in section.tables:
        lines += ["", f"| {table.caption}", "| " + " | ".join(table.columns)]
        lines += ["| " + " | ".join(plain(cell) for cell in row) for row in table.rows]
        lines += table.notes
    return lines


def as_text(brief: Brief) -> str:
    """Every word of a brief, in reading order."""
    lines = [brief.title, brief.subtitle, *(f"{f.label}: {plain(f.text)}" for f in brief.header)]
    for i, f in enumerate(brief.findings, 1):
        lines += ["", f"{i}. {f.headline}", plain(f.detail), f"size: {f.precision}; cause: {f.evidence}"]
    for section in (*brief.sections, *brief.appendix):
        lines += section_lines(section)
    lines += ["", *(f"{f.label}: {plain(f.text)}" for f in brief.footer)]
    return "\n".join(lines) + "\n"


@pytest.fixture(scope="module")
def pages() -> dict[str, str]:
    return {name: OUTPUT.render(build(dossier)).decode() for name, dossier in BRIEFS.items()}


def study() -> Study:
    return made.sudan().studies[0]


def say(**changes: object) -> Finding:
    return finding(study(), made.estimate(**changes))


def whole(found: Finding) -> str:
    return f"{found.headline} {plain(found.detail)}"


# --- without a series -------------------------------------------------------------------------------------------


def test_without_a_series_the_first_finding_says_so_and_names_the_command_that_fetches_one():
    first = build(made.pakistan()).findings[0]
    assert first.headline == "No series given, no estimate made."
    assert "vpn-uptake fetch tor_relay_users --cc PK" in plain(first.detail)
    assert (first.precision, first.evidence) == ("none", "not assessed")


def test_the_press_figure_given_to_the_wrong_block_stands_beside_what_its_publisher_says():
    text = " ".join(whole(f) for f in build(made.pakistan()).findings)
    assert "+6,000 % (Proton) is given by others to “X ban”" in text
    assert "+400 % (1–10 Jan 2024)" in text


def test_the_disputed_date_of_a_figure_is_told():
    text = " ".join(whole(f) for f in build(made.pakistan()).findings)
    assert "+131 %" in text
    assert "18 Feb 2024" in text
    assert "date it 19 Feb" in text


def test_the_official_account_stands_beside_the_measurement():
    table = build(made.pakistan()).sections[0].tables[0]
    row = next(row for row in table.rows if "Second PTI" in plain(row[0]))
    assert "NetBlocks" in plain(row[4])
    claims = next(s for s in build(made.pakistan()).appendix if s.ident == "claims").tables[0].rows
    assert any("nation-scale disruption" in plain(says) for _, who, says, *_ in claims if plain(who) == "NetBlocks")
    assert "PTA: “technical fault”" in plain(row[5])


def test_an_event_without_an_official_statement_does_not_claim_that_there_was_none():
    table = build(made.pakistan()).sections[0].tables[0]
    assert plain(table.rows[0][5]) == "none on record here"


def test_every_printed_figure_has_publisher_unit_base_date_and_source():
    table = published.all_table(sort_out(made.pakistan()))
    assert len(table.rows) == sum(p.block_id in {b.block_id for b in made.pakistan().blocks}
                                  for p in made.pakistan().published)  # fmt: skip
    for row in table.rows:
        cells = [plain(cell) for cell in row]
        assert all(cells), cells
        assert re.search(r"\d{4}$", cells[1]), cells
        assert re.search(r"\[\d+\]$", cells[4]), cells


def test_figures_in_other_units_never_stand_on_the_common_scale():
    material = sort_out(made.pakistan())
    names = " ".join(m.label for m in published.marks(material.published, "PK"))
    other = published.other_units_table(material)
    assert other is not None
    assert "Gallup" not in names
    assert [plain(row[0]).split(":")[0] for row in other.rows] == ["DataReportal", "PTA chairman", "Gallup Pakistan"]


@pytest.mark.parametrize(
    ("unit", "value", "times"),
    [("percent_over_baseline", 131, 2.31), ("percent_over_baseline", -60, 0.4), ("multiple_of_baseline", 4, 4),
     ("percent_over_baseline", -100, None), ("percent_over_previous_day", 50, None), ("users", 5, None),
     ("percent_of_users", -70, None)],
)  # fmt: skip
def test_only_percentages_over_a_base_and_multiples_of_it_become_multiples(unit, value, times):
    figure = replace(made.pakistan().published[0], unit=unit, value=float(value))
    assert published.as_multiple(figure) == (None if times is None else pytest.approx(times))


def test_a_stated_range_is_one_mark_and_two_values_for_one_day_are_a_disagreement():
    rows = [made.published(r) for r in made.rows("published_estimates.csv")]
    surfshark = [m for m in published.marks(rows, "PK") if m.label.startswith("Surfshark") and m.low == 4]
    assert [(m.low, m.high) for m in surfshark] == [(4.0, 5.0)]
    senegal = next(r for r in made.rows("events.csv") if r["event_id"] == "sn-2023-06-01-social")
    dossier = replace(made.pakistan(), cc="SN", blocks=(made.block(senegal),), non_events=(), claims=(),
                      published=tuple(r for r in rows if r.block_id == "sn-2023-06-01-social"))  # fmt: skip
    clauses = [c.clause for c in published.conflicts(sort_out(dossier))]
    assert any("+30,000 % and +100,000 % for 2 Jun 2023" in c for c in clauses)


# --- what may be said of an estimate ----------------------------------------------------------------------------


def test_a_rise_lies_around_the_block_and_both_confidence_words_are_given():
    found = say()
    assert "rose around the block “Social media blocked during protests”" in found.headline
    assert "x3 the level expected without a block (95 % interval x2.5 to x3.6)" in found.headline
    assert (found.precision, found.evidence) == ("fairly precise", "unclear")


def test_a_base_that_holds_blocks_is_not_called_free_of_them():
    text = whole(say(estimand="just_before"))
    assert "x3 the level expected from the path just before this block" in text
    assert "without a block" not in text


def test_tor_clients_are_never_people():
    assert "average concurrent clients, not people" in whole(say())


def test_an_inconclusive_row_prints_the_upper_bound_and_does_not_say_no_change():
    text = whole(say(verdict="inconclusive", ratio=1.1, ratio_low=0.8, ratio_high=1.6, placebo_rank=20))
    assert "the data cannot tell" in text
    assert "reaches up to x1.6" in text
    assert "no change" not in text
    assert text.count("no effect") == text.count("does not show that there was no effect") == 1


def test_ruled_out_names_the_change_that_is_ruled_out():
    found = say(verdict="ruled_out", ratio=1.02, ratio_low=0.9, ratio_high=1.15)
    assert "a change beyond x1.25 is ruled out around the block" in found.headline
    own = say(verdict="ruled_out", ratio=1.1, ratio_low=0.7, ratio_high=1.5)
    assert "x1.25" not in own.headline
    assert "set by the plan" in own.headline


def test_a_fall_may_be_the_tool_or_the_network():
    text = whole(say(verdict="fall", ratio=0.4, ratio_low=0.3, ratio_high=0.6))
    assert "the tool itself was blocked or that the network was down" in text


def test_a_small_base_gives_an_excess_and_a_lower_bound_but_no_percentage():
    found = say(expected=4.0, expected_low=0.5, expected_high=9.0, observed=70.0, excess=66.0, excess_low=61.0,
                excess_high=69.5, ratio=17.5, ratio_low=7.8, ratio_high=140.0)  # fmt: skip
    assert "+66 (+61 to +70) units above the expected total; at least x7.8" in found.headline
    assert "17.5" not in whole(found)
    assert re.search(r"\d %(?! interval)", whole(found)) is None


def test_a_row_that_cannot_be_estimated_is_a_finding_with_its_reason():
    brief = build(made.nothing_estimable())
    assert brief.findings[0].headline.startswith("No estimate can be given for Tor clients")
    assert "6 of 7 steps of the window are missing" in brief.findings[0].headline
    assert brief.findings[0].precision == "none"


def test_every_row_asked_for_is_in_the_table():
    dossier = made.sudan()
    tables = {t.ident: t for s in build(dossier).sections for t in s.tables}
    assert len(tables["estimates"].rows) == len(dossier.studies[0].estimates)
    assert "no end of the block is known to the hour" in plain(tables["estimates"].rows[-1][-1])


def test_the_publishers_rule_is_shown_beside_ours_with_its_flaw():
    section = next(s for s in build(made.sudan()).sections if s.ident == "estimates-section")
    assert [t.ident for t in section.tables] == ["estimates", "publisher-rule", "overlaps"]
    assert "swallows the event" in plain(section.paragraphs[0])
    assert [plain(c) for c in section.tables[1].rows[0]][1:] == ["21 Dec 2018", "9,000", "3,000", "+200 %"]


def test_the_publishers_rule_gives_no_percentage_over_a_small_base():
    whole_study = made.sudan()
    row = replace(whole_study.studies[0].publisher_rule[0], value=30.0, mean_28_days_before=3.0, percent=900.0)
    dossier = replace(whole_study, studies=(replace(whole_study.studies[0], publisher_rule=(row,)),))
    assert "900" not in as_text(build(dossier))


@given(
    low=st.floats(0.01, 50), width=st.floats(1.0, 40), share=st.floats(0, 1),
    verdict=st.sampled_from(["rise", "fall", "inconclusive", "ruled_out"]), rank=st.integers(1, 60),
    attribution=st.sampled_from(["supported", "contested", "other_cause", "no_block_known", "unclear"]),
)  # fmt: skip
@settings(max_examples=40, deadline=None)
def test_whatever_the_row_the_upper_bound_is_printed_and_no_cause_is_claimed(  # noqa: PLR0917 - drawn by name
    low, width, share, verdict, rank, attribution
):
    high = low * width
    found = say(verdict=verdict, ratio=low * width**share, ratio_low=low, ratio_high=high, placebo_rank=rank,
                attribution=attribution)  # fmt: skip
    text = whole(found)
    assert words.multiple(high) in text
    assert "because of" not in text
    assert "around the block" in text
    assert found.precision in dict(PRECISION_SCALE)
    assert found.evidence in dict(EVIDENCE_SCALE)


def test_a_wider_interval_is_never_called_more_precise():
    ranks = [word for word, _ in PRECISION_SCALE]
    found = [ranks.index(precision_word(made.estimate(ratio_low=1.0, ratio_high=w))) for w in (1.1, 1.5, 3, 9)]
    assert found == sorted(found) == [0, 1, 2, 3]
    assert evidence_word(made.estimate(verdict="not_estimable")) == "not assessed"


# --- limits, time, claims ---------------------------------------------------------------------------------------


def limits_of(dossier: Dossier) -> str:
    section = next(s for s in build(dossier).sections if s.ident == "limits")
    return "\n".join(plain(item) for item in section.items)


def test_limits_name_missing_sources_short_blocks_contaminated_bases_and_selection():
    text = limits_of(made.pakistan())
    assert "Wikipedia page views, fetched with `vpn-uptake fetch wikimedia_pageviews" in text
    assert "17 Dec 2023: 7 hours, 29.2 % of a day" in text
    assert "“Telegram blocked” (from 16 Dec 2023 (day only), end not known" in text or "Telegram blocked" in text
    assert "in the base of 7 later blocks" in text
    assert "striking values get published" in text
    assert "How many people used a VPN" in text


def test_the_box_at_the_top_names_few_missing_sources_and_counts_many():
    def box(missing: int) -> str:
        dossier = replace(made.pakistan(), missing_sources=tuple((f"source {i}", "") for i in range(missing)))
        return str(next(f.text for f in build(dossier).header if f.label == "Sources missing"))

    assert "source 3" in box(4)
    assert "source" not in box(5).replace("Sources", "")
    assert "5, listed under" in box(5)


def test_provisional_days_are_named_with_the_date_that_settles_them(monkeypatch):
    any_source = type("Fake", (), {"title": "Tor Metrics", "organization": "The Tor Project", "revised_days": 9})()
    for module in ("material", "method", "figures"):
        monkeypatch.setattr(sys.modules[f"analyzer.brief.{module}"], "source_of", lambda _: any_source)
    assert "provisional" not in as_text(build(made.sudan()))  # its days are long settled
    text = as_text(build(replace(made.sudan(), period_end=date(2026, 11, 15))))
    assert "days from 11 Nov 2026 on are provisional" in text
    assert "retrieved after 29 Nov 2026" in text


def test_a_day_is_kept_as_the_local_day_it_was_given_as():
    telegram = made.pakistan().blocks[0]
    assert words.onset(telegram) == ("15 Dec 2023, 19:00 at the earliest", "16 Dec 2023 (day only)")


def test_an_hour_is_about_an_hour_and_an_unknown_end_is_said_to_be_unknown():
    telethon = next(b for b in made.pakistan().blocks if b.block_id == "pk-2024-01-07")
    assert words.onset(telethon) == ("7 Jan 2024, about 12:00", "7 Jan 2024, about 17:00")
    assert words.ending(telethon) == (words.NO_END, words.NO_END)
    between = replace(telethon, onset_latest=telethon.onset_earliest + timedelta(hours=2))
    assert words.onset(between)[1] == "7 Jan 2024, between 17:00 and 19:00"


def test_the_clock_is_named_with_its_offset_and_only_the_offset_where_it_has_no_name():
    assert words.clock(datetime(2024, 1, 1), "PK") == "PKT, UTC+05:00"
    assert words.clock(datetime(2024, 1, 1), "TR") == "UTC+03:00"


@given(first=st.dates(date(2000, 1, 1), date(2030, 1, 1)), length=st.integers(0, 800))
@settings(max_examples=40, deadline=None)
def test_a_span_of_days_names_its_last_year_and_never_loses_a_day(first, length):
    last = first + timedelta(days=length)
    text = words.days(first, last)
    assert str(last.year) in text
    is_month = first.day == 1 and (last + timedelta(days=1)).day == 1 and length > 0
    assert is_month or (str(first.day) in text and str(last.day) in text)


@pytest.mark.parametrize("who", ["PTA", "Interior Ministry", "Information Minister Tarar", "Sindh High Court",
                                 "Communications Authority", "Roskomnadzor", "PTA (as 'technical fault')"])  # fmt: skip
def test_bodies_of_a_state_are_official(who):
    assert is_official(who)


@pytest.mark.parametrize(
    "who", ["NetBlocks", "OONI", "press", "Proton", "Downdetector", "telecom operators", "X engineering"]
)
def test_others_are_not_official(who):
    assert not is_official(who)


def test_a_denial_alone_is_no_dispute():
    denial = Claim("b", "PTA", "technical fault", "", "")
    assert not is_disputed((denial,))
    assert is_disputed((denial, Claim("b", "NetBlocks", "", "", "")))


def test_a_period_without_any_event_says_that_this_shows_nothing():
    empty = replace(made.pakistan(), blocks=(), non_events=(), claims=(), published=(), missing_sources=())
    text = as_text(build(empty))
    assert "holds no block for this country and period; that does not show that there was none" in text
    assert OUTPUT.render(build(empty))


def test_there_are_never_more_than_five_findings_and_ours_come_first():
    crowded = made.sudan()
    pakistan = made.pakistan()
    busy = replace(
        crowded, blocks=crowded.blocks + pakistan.blocks, claims=pakistan.claims, published=pakistan.published
    )
    found = build(busy).findings
    assert len(found) == 5
    assert found[0].headline.startswith("Tor clients that connect directly rose")


@pytest.mark.parametrize("name", ["pakistan", "sudan", "nothing_estimable"])
def test_the_words_of_a_brief_change_only_on_purpose(name):
    """The golden files are what reviewers read; UPDATE_GOLDEN=1 writes them anew."""
    path = GOLDEN / f"brief-{name}.txt"
    text = as_text(build(BRIEFS[name]))
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


# --- the document -----------------------------------------------------------------------------------------------


class Page(HTMLParser):
    """Tags with their attributes, in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {k: v or "" for k, v in attrs}))

    def all(self, *names: str) -> list[dict[str, str]]:
        return [attrs for tag, attrs in self.tags if tag in names]


@pytest.mark.parametrize("name", BRIEFS)
def test_nothing_in_a_dossier_becomes_markup_or_an_active_link(pages, name):
    page = Page(pages[name])
    assert not page.all("script", "img", "iframe", "object", "link", "form", "foreignobject", "image")
    assert not [k for _, attrs in page.tags for k in attrs if k.startswith("on")]
    for link in page.all("a"):
        assert re.match(r"https?://|#", link["href"]), link
    if name == "hostile":
        assert "&lt;script" in " ".join(re.findall(r"<svg.*?</svg>", pages[name], re.DOTALL))
    assert "49" not in re.findall(r"onerror=alert\(1\)&gt;(\S+)", pages[name])


@pytest.mark.parametrize("name", BRIEFS)
def test_a_brief_needs_no_network_and_no_script(pages, name):
    assert "@import" not in pages[name]
    assert not re.search(r"url\((?!#)", pages[name])
    assert not [a for _, a in Page(pages[name]).tags if "src" in a or "xlink:href" in a]


@pytest.mark.parametrize("name", BRIEFS)
def test_a_brief_can_be_read_by_a_screen_reader(pages, name):
    page = Page(pages[name])
    ids = [attrs["id"] for _, attrs in page.tags if "id" in attrs]
    assert len(ids) == len(set(ids))
    assert page.all("html")[0]["lang"] == "en"
    assert [len(page.all(t)) for t in ("main", "header", "footer", "h1")] == [1, 1, 1, 1]
    levels = [int(tag[1]) for tag, _ in page.tags if re.fullmatch(r"h\d", tag)]
    assert all(b - a <= 1 for a, b in pairwise(levels))
    assert len(page.all("table")) == len(page.all("caption"))
    assert all("scope" in th for th in page.all("th"))
    assert len(page.all("svg")) == len([a for _, a in page.tags if a.get("role") == "img" and a.get("aria-label")])
    refs = [a["aria-labelledby"] for _, a in page.tags if "aria-labelledby" in a]
    assert set(refs) <= set(ids)
    assert {a["href"][1:] for a in page.all("a") if a["href"].startswith("#")} <= set(ids)


def test_paths_of_the_maker_are_not_printed(pages):
    assert "/home/analyst" not in pages["sudan"]
    assert "clients-sd.csv" in pages["sudan"]
    assert words.tidy_command("vpn-uptake --db /home/ana/x.duckdb brief") == "vpn-uptake --db ~/x.duckdb brief"
    assert words.tidy_path("https://user:secret@example.org/a.csv") == "https://example.org/a.csv"


def test_a_number_walks_back_to_the_bytes_it_rests_on(pages):
    page = pages["sudan"]
    assert all(text in page for text in ("ab" * 32, "Invented for a test", "CC0", "20 Nov 2026, 08:30"))
    assert all(text in page for text in ("vpn-uptake brief sd-2018-12-21-social", "rolling_calibrated (version 1)"))


def test_text_that_runs_right_to_left_stays_in_its_place():
    assert words.clean(made.HEBREW) == "\u2068שלום עולם\u2069"
    assert words.shorten(words.clean(made.HEBREW), 6).count("\u2069") == 1


@given(st.text())
@settings(max_examples=50, deadline=None)
def test_cleaned_text_is_one_line_without_controls_and_cleaning_twice_changes_nothing(text):
    once = words.clean(text)
    assert words.clean(once) == once
    assert not re.search(r"[\x00-\x1f\u202a-\u202e]", once)


@pytest.mark.parametrize("address", ["javascript:alert(1)", "data:text/html,x", "", "//x.org", "ftp://x", "http://"])
def test_only_web_addresses_become_links(address):
    assert not is_web(address)


@given(text=st.text(max_size=60), number=st.floats(-1e6, 1e9))
@settings(max_examples=40, deadline=None)
def test_no_text_and_no_number_breaks_a_brief(text, number):
    whole = made.pakistan()
    dossier = replace(
        whole,
        blocks=tuple(replace(b, name=text, kind=text, scope=text, services=(text,)) for b in whole.blocks),
        claims=tuple(replace(c, who=text, says=text, address=text, stated_at=text) for c in whole.claims),
        published=tuple(replace(p, publisher=text, indicator=text, unit=p.unit, baseline=text, note=text, value=number,
                                address=text, role=text, source_grade=text) for p in whole.published),
        missing_sources=((text, text),), command=text,
    )  # fmt: skip
    assert len(build(dossier).findings) <= 5


def test_more_figures_than_a_page_holds_are_counted_and_stand_in_the_table():
    steps = [timedelta(days=i) for i in range(3)]
    many = tuple(replace(p, window_start=p.window_start + step, window_end=p.window_end + step)
                 for p in made.pakistan().published for step in steps)  # fmt: skip
    brief = build(replace(made.pakistan(), published=many))
    figure = next(s.figure for s in brief.sections if s.ident == "comparison" and s.figure)
    assert len(figure.marks) == 20
    assert re.search(r"\d+ further figures of the tables not drawn", figure.caption)


def test_the_same_dossier_gives_the_same_bytes_on_any_clock(pages):
    code = (
        "import sys, brief_dossiers as d; from analyzer.brief import build; from analyzer.outputs.html import OUTPUT;"
        "sys.stdout.buffer.write(OUTPUT.render(build(d.sudan())))"
    )
    path = os.pathsep.join([str(Path(__file__).parent), str(Path(__file__).parents[1])])
    env = {**os.environ, "PYTHONPATH": path, "TZ": "Asia/Karachi", "PYTHONHASHSEED": "7"}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, check=True)
    assert done.stdout.decode() == pages["sudan"]


def test_building_a_brief_imports_nothing_heavy():
    code = (
        "import sys, analyzer.brief, analyzer.outputs.html;"
        "print([m for m in ('altair', 'pandas', 'duckdb', 'vl_convert', 'jinja2', 'numpy') if m in sys.modules])"
    )
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, check=True, text=True)
    assert done.stdout.strip() == "[]"


def test_the_output_is_found_by_its_declaration():
    assert registry.load("outputs", "html") is OUTPUT
    assert (OUTPUT.kind, OUTPUT.suffixes) == ("brief", (".html",))


def luminance(color: str) -> float:
    parts = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(a: str, b: str) -> float:
    light, dark = sorted((luminance(a), luminance(b)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_text_has_the_contrast_that_wcag_aa_asks_for_in_both_modes():
    style = (Path(registry.ROOT) / "outputs/templates/style.css").read_text(encoding="utf-8")
    modes = [
        dict(re.findall(r"--(\w+): (#\w{6})", block)) for block in re.findall(r":root \{(.*?)\}", style, re.DOTALL)
    ]
    assert len(modes) == 2
    for mode in modes:
        pairs = [(front, back) for front in ("ink", "muted", "link") for back in ("paper", "panel")]
        assert min(contrast(mode[a], mode[b]) for a, b in pairs) >= 4.5


def test_numbers_are_written_as_readers_write_them():
    assert [words.number(v) for v in (1234.4, 56, 7.84, 0.123, -70)] == ["1,234", "56", "7.8", "0.12", "−70"]
    assert [words.multiple(v) for v in (2.31, 14.29, 601, 5, 0.4)] == ["x2.31", "x14.3", "x601", "x5", "x0.4"]
    assert [words.percent(v) for v in (131, -60, 234.8)] == ["+131 %", "−60 %", "+234.8 %"]
    assert [words.horizon(h) for h in ("7d", "24h", "1d", "during")] == [
        "the first 7 days", "the first 24 hours", "the first day", "the whole block"]  # fmt: skip


def test_links_and_commands_are_told_apart_from_text():
    brief = build(made.pakistan())
    kinds = {type(part) for f in brief.findings for part in f.detail}
    assert kinds == {str, Link, Code}


def test_every_estimate_names_its_place_and_time(tmp_path):
    bare: Block = replace(study().block, kind="date", name="")
    row: Estimate = made.estimate()
    assert "around 21 Dec 2018, day only" in finding(replace(study(), block=bare), row).headline
