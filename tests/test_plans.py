"""A plan is fixed by its hash, and what it may be called follows from what was known when it was frozen."""

from __future__ import annotations

import json
import tomllib
import unicodedata
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from hypothesis import given, settings
from hypothesis import strategies as st
from plan_samples import NOW, PLAN, SUDAN
from stores import GOOD, empty_store, write

from analyzer import plans
from analyzer.blocks import shipped
from analyzer.cli import vpn_uptake
from analyzer.errors import BadInput, StoreError, UnknownName
from analyzer.plans import Event, Frozen, Known, Plan, canonical, content
from analyzer.records import Block, Specification
from analyzer.store import Store
from analyzer.store.loading import load_file
from analyzer.store.named import folder
from analyzer.study import planned
from analyzer.study.planned import vocabulary
from analyzer.verdicts import RULES_VERSION
from analyzer.version import __version__


@pytest.fixture(scope="module")
def words() -> plans.Vocabulary:
    """The shipped catalogue's names."""
    return vocabulary(shipped())


def text_of(plan: Plan, words: plans.Vocabulary) -> str:
    return plans.written(content(plan), words)


letters = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=12).map(str.strip)
events = st.one_of(
    st.just(Event(block=SUDAN)),
    st.builds(
        Event,
        country=st.sampled_from(["PK", "SD", "ZZ"]),
        day=st.dates(date(2000, 1, 1), date(2100, 1, 1)),
        within_days=st.one_of(st.none(), st.integers(0, 30)),
    ),
    st.builds(Event, country=st.just("PK"), kind=st.sampled_from(["any", "shutdown"])),
)
specifications = st.builds(
    Specification,
    base_days=st.one_of(st.none(), st.integers(1, 400)),
    weekends=st.booleans(),
    donors=st.booleans(),
    without=st.lists(st.sampled_from(["TR", "RU", "US"]), unique=True).map(tuple),
    exclusions=st.booleans(),
    masks=st.booleans(),
    gap_days=st.one_of(st.none(), st.integers(0, 30)),
)
any_plan = st.builds(
    Plan,
    event=events,
    indicator=st.just("tor.bridge_users"),
    type=st.just("users"),
    horizon=st.sampled_from(["14d", "during", "6h", "48h after end"]),
    rules_version=st.just(RULES_VERSION),
    tool_version=st.just(__version__),
    entity=letters,
    estimand=st.sampled_from(["no_block_since_base", "just_before"]),
    secondary_indicators=st.lists(st.sampled_from(["wiki.pageviews", "app.chart_rank/a/b"]), unique=True).map(tuple),
    secondary_horizons=st.lists(st.sampled_from(["7d", "28d"]), unique=True).map(tuple),
    specification=specifications,
    smallest_effect=st.floats(1.0625, 900, allow_nan=False),
    question=letters,
)


@settings(max_examples=40)
@given(any_plan)
def test_a_plan_written_to_a_file_and_read_again_has_the_same_hash(plan: Plan):
    words = vocabulary(shipped())
    assert plans.parsed(text_of(plan, words), "p.toml", words).plan_id == plan.plan_id
    assert plans.parsed(canonical(plan), "p.json", words).plan_id == plan.plan_id


@settings(max_examples=40)
@given(any_plan, st.randoms(use_true_random=False), st.sampled_from([None, 0, 4]))
def test_order_of_keys_and_lists_spaces_and_unicode_form_do_not_change_the_hash(plan: Plan, random, indent):
    def shuffled(value):
        if isinstance(value, dict):
            keys = random.sample(list(value), len(value))
            return {k: shuffled(value[k]) for k in keys}
        return random.sample(value, len(value)) if isinstance(value, list) else value

    other = json.dumps(shuffled(content(plan)), indent=indent, ensure_ascii=random.random() < 0.5)
    words = vocabulary(shipped())
    assert plans.parsed(unicodedata.normalize("NFD", other), "p.json", words).plan_id == plan.plan_id


@pytest.mark.parametrize("question", ["2026-01-01", "true", "12", 'say "x" \\ #', "ü\u2028x", "'''"])
def test_a_question_in_any_words_survives_its_file(question: str, words: plans.Vocabulary):
    plan = replace(PLAN, question=question)
    assert plans.parsed(text_of(plan, words), "p.toml", words).plan_id == plan.plan_id


def test_the_form_of_a_number_does_not_change_the_hash(words: plans.Vocabulary):
    text = text_of(replace(PLAN, smallest_effect=2.0, specification=Specification(base_days=56)), words)
    ids = set()
    for effect in ("2", "2.0", "2.00", "0.2e1"):
        for base in ("56", "56.0", "+56", "0x38"):
            changed = text.replace("smallest_effect = 2.0", f"smallest_effect = {effect}")
            changed = changed.replace("base_days = 56", f"base_days = {base}")
            ids.add(plans.parsed(changed, "p.toml", words).plan_id)
    assert len(ids) == 1


@settings(max_examples=40)
@given(any_plan, any_plan)
def test_plans_share_a_hash_only_where_no_field_differs_and_every_difference_is_named(a: Plan, b: Plan):
    assert (a.plan_id == b.plan_id) == (not plans.differences(a, b))


CHANGES = {
    "event.block": {"event": Event(block="sd-2019-06-03-shutdown")},
    "primary.indicator": {"indicator": "tor.relay_users"},
    "primary.entity": {"entity": "obfs4"},
    "primary.type": {"type": "connection"},
    "primary.horizon": {"horizon": "7d"},
    "primary.estimand": {"estimand": "just_before"},
    "secondary.indicators": {"secondary_indicators": ("wiki.pageviews",)},
    "secondary.horizons": {"secondary_horizons": ("7d",)},
    "specification.base_days": {"specification": Specification(base_days=56)},
    "specification.gap_days": {"specification": Specification(gap_days=4)},
    "specification.weekends": {"specification": Specification(weekends=False)},
    "specification.donors": {"specification": Specification(donors=False)},
    "specification.without": {"specification": Specification(without=("TR",))},
    "specification.exclusions": {"specification": Specification(exclusions=False)},
    "specification.masks": {"specification": Specification(masks=False)},
    "analysis.smallest_effect": {"smallest_effect": 1.2500000001},
    "analysis.estimator": {"estimator": "sdid"},
    "analysis.rules_version": {"rules_version": "0"},
    "analysis.tool_version": {"tool_version": "0.0.1"},
    "question": {"question": "How many?"},
}


@pytest.mark.parametrize("field", CHANGES)
def test_any_changed_value_changes_the_hash_and_is_named(field: str):
    changed = replace(PLAN, **CHANGES[field])
    assert changed.plan_id != PLAN.plan_id
    assert [d.split(" is ")[0] for d in plans.differences(changed, PLAN)] == [field]


def test_every_field_of_a_plan_is_part_of_its_hash():
    inside: set[str] = set()
    for section, value in content(PLAN).items():
        inside |= {f"{section}.{key}" for key in value} if isinstance(value, dict) else {section}
    assert inside - {"format"} == set(CHANGES)


def test_a_draft_says_every_field_and_refuses_what_cannot_be_meant():
    text = planned.draft(shipped(), {"event": {"block": SUDAN}, "primary": {"indicator": "tor.bridge_users"}})
    held = tomllib.loads(text)
    assert held["analysis"] == {
        "smallest_effect": 1.25, "estimator": "replay", "rules_version": RULES_VERSION, "tool_version": __version__,
    }  # fmt: skip
    for field in CHANGES:
        assert f"{field.rpartition('.')[2]} =" in text
    with pytest.raises(BadInput, match=r"analysis.smallest_effect: 0.5 is no smallest effect"):
        planned.draft(shipped(), {"analysis": {"smallest_effect": 0.5}})


def frozen(onset_known: Known, at: datetime = NOW, plan: Plan = PLAN) -> Frozen:
    return Frozen(plan.plan_id, plan, at, onset_known)


DAY = timedelta(days=1)
AFTER, BEFORE = NOW + 10 * DAY, NOW - 10 * DAY


@pytest.mark.parametrize(
    ("known", "onset", "word"),
    [
        (Known(newest=NOW - DAY, latest=NOW - DAY), AFTER, "before the data"),
        (Known(), AFTER, "before the data"),
        (Known(newest=AFTER + DAY, latest=AFTER + DAY), AFTER, "after the data"),
        (Known(newest=NOW - DAY, latest=NOW + DAY), AFTER, "time in doubt"),
        (Known(newest=BEFORE - DAY, latest=NOW), BEFORE, "after the event"),
        (Known(newest=NOW, latest=NOW), BEFORE, "after the data"),
        (Known(), NOW, "after the event"),
        (Known(), None, "no event yet"),
    ],
)
def test_only_a_plan_older_than_the_event_and_all_it_knew_is_before_the_data(known: Known, onset, word: str):
    held = frozen(known)
    assert plans.status(held, onset) == word
    said = plans.status_in_words(held, onset)
    assert ("before the event and its data" in said) == (word == "before the data")
    assert ("no pre-registration" in said) == (word not in ("before the data", "no event yet"))
    assert "; " not in said  # reasons are parted by it


def _block(block_id: str, onset: datetime, kind: str = "social_media_block", cc: str = "PK") -> Block:
    late = onset + timedelta(hours=1)
    return Block(block_id, cc, "A block", onset, late, None, None, "hour", None, kind, "nationwide", ("x",), False)


def test_an_open_trigger_is_bound_to_the_first_such_block_after_the_freezing():
    catalogue = replace(
        shipped(),
        blocks=(
            _block("pk-late", AFTER + DAY),
            _block("pk-before", BEFORE),
            _block("pk-other", NOW + DAY, kind="shutdown"),
            _block("in-first", NOW + DAY, cc="IN"),
            _block("pk-first", AFTER),
        ),
    )

    def bound(event: Event) -> str | None:
        block = planned.bound(replace(PLAN, event=event), NOW, catalogue)
        return block.block_id if block else None

    assert bound(Event(country="PK", kind="social_media_block")) == "pk-first"
    assert bound(Event(country="PK", kind="any")) == "pk-other"
    assert bound(Event(country="PK", kind="app_ban")) is None
    assert bound(Event(country="PK", day=AFTER.date() + DAY, within_days=1)) == "pk-first"
    assert bound(Event(country="PK", day=AFTER.date() - 2 * DAY, within_days=1)) is None
    assert bound(Event(country="PK", day=AFTER.date())) == f"pk-{AFTER.date()}"


def store_of_pakistan(folder: Path) -> Store:
    store = empty_store(folder)
    load_file(store, write(folder / "b.csv", GOOD))
    return store


def frozen_in(store: Store, plan: Plan = PLAN, now: datetime = NOW) -> tuple[Frozen, bool]:
    return plans.freeze(store, plan, cc="PK", block_ids=(SUDAN,), now=now)


def test_freezing_writes_down_what_was_known_and_a_second_time_changes_nothing(tmp_path: Path):
    store = store_of_pakistan(tmp_path)
    first, fresh = frozen_in(store)
    assert fresh
    assert first.known.newest == datetime(2024, 2, 3)
    again, fresh = frozen_in(store, now=NOW + DAY)
    assert not fresh
    assert again == first
    assert plans.listed(store) == [first]
    assert len(store.rows("runs_log")) == 1


def test_a_plan_is_found_by_the_first_digits_of_its_id(tmp_path: Path):
    store = store_of_pakistan(tmp_path)
    with pytest.raises(UnknownName, match="none yet: vpn-uptake plan freeze"):
        plans.find(store, "abcd")
    held, _ = frozen_in(store)
    assert plans.find(store, held.plan_id[:4].upper()) == held
    with pytest.raises(UnknownName, match="too short"):
        plans.find(store, held.plan_id[:3])
    with pytest.raises(UnknownName, match=f"no frozen plan begins with .*{held.short_id}"):
        plans.find(store, "zzzz")


def test_a_file_changed_after_freezing_is_refused_with_both_hashes_and_what_differs(tmp_path: Path):
    store = store_of_pakistan(tmp_path)
    with pytest.raises(UnknownName, match=r"is not frozen: vpn-uptake plan freeze p.toml"):
        plans.of_file(store, PLAN, "p.toml")
    held, _ = frozen_in(store)
    frozen_in(store, replace(PLAN, event=Event(country="PK", kind="any")))
    assert plans.of_file(store, PLAN, "p.toml") == held
    changed = replace(PLAN, horizon="7d", smallest_effect=2.0)
    with pytest.raises(
        UnknownName, match=r"smallest_effect is 2, frozen as 1.25; primary.horizon is 7d, frozen as 14d"
    ) as e:
        plans.of_file(store, changed, "p.toml")
    assert held.short_id in str(e.value)
    assert changed.plan_id[:12] in str(e.value)


def test_a_stored_plan_whose_content_was_altered_is_not_used(tmp_path: Path):
    store = store_of_pakistan(tmp_path)
    frozen_in(store)
    with store.writing() as con:
        con.execute("UPDATE plans SET content = replace(content, '14d', '7d')")
    with pytest.raises(StoreError, match="was altered: its content hashes to"):
        plans.listed(store)


def test_nothing_of_ours_changes_or_deletes_what_was_frozen_or_run():
    for path in folder().glob("*.sql"):
        text = " ".join(path.read_text(encoding="utf-8").upper().split())
        for table in ("PLANS", "RUNS", "ESTIMATES", "CHECKS"):
            for verb in ("UPDATE", "DELETE FROM", "TRUNCATE", "INSERT OR REPLACE INTO", "DROP TABLE", "ALTER TABLE"):
                assert f"{verb} {table}" not in text, path


def test_the_commands_write_freeze_list_and_show_a_plan(tmp_path: Path):
    def run(*arguments: str) -> Result:
        return CliRunner().invoke(vpn_uptake, ["plan", *arguments, "--db", str(tmp_path / "s.duckdb")])

    file = str(tmp_path / "p.toml")
    options = ["--indicator", "tor.bridge_users", "--secondary-horizon", "7d", "--no-donors", "--base-days", "56"]
    assert run("new", SUDAN, *options, "-o", file).exit_code == 0
    frozen = run("freeze", file, "--format", "json")
    assert frozen.exit_code == 0
    (row,) = json.loads(frozen.stdout)
    assert row["plan_id"] in frozen.stderr
    assert "no pre-registration" in frozen.stderr
    assert "nothing was changed" in run("freeze", file).stderr
    assert row["plan_id"] in run("list", "--format", "csv").stdout
    shown = run("show", row["plan_id"][:6]).stdout
    assert row["status"] in shown
    words = vocabulary(shipped())
    held = plans.parsed(shown, "p.toml", words)
    assert held.plan_id == row["plan_id"]
    assert held.specification == Specification(base_days=56, donors=False)
    assert held.secondary_horizons == ("7d",)


def test_a_draft_on_the_standard_output_is_a_plan_once_its_indicator_is_named():
    done = CliRunner().invoke(vpn_uptake, ["plan", "new", "--cc", "pk", "--next", "any"])
    words = vocabulary(shipped())
    with pytest.raises(BadInput, match=r"primary.indicator: '' is no indicator: write such as"):
        plans.parsed(done.stdout, "p.toml", words)
    filled = done.stdout.replace('indicator = ""', 'indicator = "tor.bridge_users"')
    assert plans.parsed(filled, "p.toml", words).event == Event(country="PK", kind="any")
