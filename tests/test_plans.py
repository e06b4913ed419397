"""A plan is fixed by its hash, and what it may be called follows from what was known when it was frozen."""

from __future__ import annotations

import json
import tomllib
import unicodedata
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stores import GOOD, empty_store, write

from analyzer import plans
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

SUDAN = "sd-2018-12-21-social"
NOW = datetime(2026, 1, 2, 3, 4, 5)
PLAN = Plan(
    event=Event(block=SUDAN),
    indicator="tor.bridge_users",
    type="users",
    horizon="14d",
    rules_version=RULES_VERSION,
    tool_version=__version__,
)


@pytest.fixture(scope="module")
def words() -> plans.Vocabulary:
    """The shipped catalogue's names."""
    return vocabulary(_catalogue())


def _catalogue():
    from analyzer import blocks

    return blocks.shipped()


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
    words = vocabulary(_catalogue())
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
    words = vocabulary(_catalogue())
    assert plans.parsed(unicodedata.normalize("NFD", other), "p.json", words).plan_id == plan.plan_id


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


VERSIONS = f'rules_version = "{RULES_VERSION}"\ntool_version = "{__version__}"\n'
HEAD = f'[primary]\nindicator = "tor.bridge_users"\nhorizon = "14d"\n[analysis]\n{VERSIONS}'
WHOLE = f'[event]\nblock = "{SUDAN}"\n{HEAD}'


def test_a_short_file_is_a_plan_in_the_usual_way(words: plans.Vocabulary):
    assert plans.parsed(WHOLE, "p.toml", words) == PLAN


BAD = {
    "no event": (WHOLE.replace(f'block = "{SUDAN}"\n', ""), r"line 1: event: name a block"),
    "missing field": (WHOLE.replace('horizon = "14d"\n', ""), r"p.toml: primary.horizon: is missing; add it"),
    "missing section": (f'[event]\nblock = "{SUDAN}"\n', r"primary.indicator: is missing"),
    "unknown field": (WHOLE + 'smalest_effect = 2\n', r"line 9: analysis.smalest_effect: no such field; meant"),
    "unknown section": (WHOLE + "[wishes]\nx = 1\n", r"line 9: wishes: no such field"),
    "unknown type": (WHOLE.replace("tor.bridge_users", "my.signups"), r"line 4: .*'my.signups' is not known: add p"),
    "mistyped indicator": (WHOLE.replace("tor.bridge_users", "tor.bridge_user"), r"did you mean tor.bridge_users"),
    "no such type": (WHOLE.replace('horizon =', 'type = "people"\nhorizon ='), r"line 5: primary.type: 'people' is no"),
    "wrong type": (WHOLE.replace('horizon =', 'type = "interest"\nhorizon ='), r"is of type users, not interest"),
    "denominator": (WHOLE.replace("tor.bridge_users", "denominator.population"), r"is a denominator"),
    "negative base": (WHOLE + "[specification]\nbase_days = -28\n", r"line 10: specification.base_days: -28 days"),
    "base of no days": (WHOLE + "[specification]\nbase_days = 0\n", r"0 days: write"),
    "half a day": (WHOLE + "[specification]\ngap_days = 0.5\n", r"no whole number of days"),
    "smallest effect of 1": (WHOLE + "smallest_effect = 1\n", r"line 9: analysis.smallest_effect: 1 is no s"),
    "smallest effect below 1": (WHOLE + "smallest_effect = 0.8\n", r"write a multiple above 1"),
    "NaN": (WHOLE + "smallest_effect = nan\n", r"line 9: analysis.smallest_effect: nan is no number"),
    "infinite": (WHOLE + "smallest_effect = inf\n", r"inf is no number"),
    "horizon": (WHOLE.replace('"14d"', '"a fortnight"'), r"line 5: primary.horizon: no horizon 'a fortnight': use"),
    "empty horizon": (WHOLE.replace('"14d"', '""'), r"line 5: primary.horizon: no horizon ''"),
    "second horizon": (WHOLE + '[secondary]\nhorizons = ["0d"]\n', r"line 10: secondary.horizons: no horizon '0d'"),
    "block": (WHOLE.replace(SUDAN, "sd-2018-12-21-socal"), r"line 2: event.block: .*sd-2018-12-21-social"),
    "estimator": (WHOLE + 'estimator = "ols"\n', r"line 9: analysis.estimator: no estimator.*'ols'"),
    "empty estimator": (WHOLE + 'estimator = ""\n', r"line 9: analysis.estimator: no estimator named ''"),
    "estimand": (WHOLE.replace('horizon =', 'estimand = "att"\nhorizon ='), r"'att' is none of no_block_since_base"),
    "date without country": (f"[event]\nday = 2026-12-01\n{HEAD}", r"line 1: event: a day without a country: add"),
    "country alone": (f'[event]\ncountry = "PK"\n{HEAD}', r"a country alone: add event.day"),
    "no country": (f'[event]\ncountry = "QQ"\nkind = "any"\n{HEAD}', r"line 2: event.country: 'QQ' is not an"),
    "the world": (f'[event]\ncountry = "XX"\nkind = "any"\n{HEAD}', r"a plan is about one country"),
    "no date": (f'[event]\ncountry = "PK"\nday = "soon"\n{HEAD}', r"line 3: event.day: 'soon' is no date"),
    "kind": (f'[event]\ncountry = "PK"\nkind = "ban"\n{HEAD}', r"line 3: event.kind: 'ban' is none of any, soc"),
    "two events": (WHOLE.replace("[primary]", 'country = "SD"\n[primary]'), r"a block is named: remove country"),
    "within no day": (f'[event]\ncountry = "PK"\nkind = "any"\nwithin_days = 2\n{HEAD}', r"within_days without a day"),
    "list": (WHOLE + '[specification]\nwithout = "TR"\n', r"is no list: write it as"),
    "flag": (WHOLE + '[specification]\nmasks = "yes"\n', r"'yes' is neither true nor false"),
    "line break": ('question = "a\\nb"\n' + WHOLE, r"line 1: question: holds a control character"),
    "format": ("format = 2\n" + WHOLE, r"line 1: format: 2 is not known"),
    "section as value": ('event = 3\n' + HEAD, r"is no section"),
    "key twice": (WHOLE + f'tool_version = "{__version__}"\n', r"cannot be read: .*line 9"),
    "broken": ("[event\n", r"cannot be read: .*line 1"),
    "JSON key twice": ('{"event": {}, "event": {}}', r"event stands twice"),
    "JSON NaN": ('{"analysis": {"smallest_effect": NaN}}', r"NaN is no number of a plan"),
    "deep JSON": ('{"a":' * 100_000, r"cannot be read"),
}  # fmt: skip


@pytest.mark.parametrize("what", BAD)
def test_a_bad_plan_is_refused_in_one_line_that_says_where_and_what_to_do(what: str, words: plans.Vocabulary):
    text, said = BAD[what]
    with pytest.raises(BadInput, match=said) as refusal:
        plans.parsed(text, "p.toml", words)
    assert str(refusal.value).startswith("p.toml: ")
    assert "\n" not in str(refusal.value)


def test_files_that_are_no_text_are_refused(tmp_path: Path, words: plans.Vocabulary):
    with pytest.raises(BadInput, match="not UTF-8"):
        plans.read_plan(write(tmp_path / "p.toml", b"\xff\xfe\x00"), words)
    with pytest.raises(BadInput, match="no plan"):
        plans.read_plan(write(tmp_path / "big.toml", "#" * 1_000_001), words)
    with pytest.raises(BadInput, match="cannot read"):
        plans.read_plan(tmp_path / "absent.toml", words)


@given(st.text(max_size=60))
def test_no_text_ends_in_anything_but_a_plan_or_a_refusal(text: str):
    with pytest.raises(BadInput):
        plans.parsed(text, "p.toml", vocabulary(_catalogue()))


def test_a_draft_says_every_field_and_refuses_what_cannot_be_meant():
    text = planned.draft(_catalogue(), {"event": {"block": SUDAN}, "primary": {"indicator": "tor.bridge_users"}})
    held = tomllib.loads(text)
    assert held["analysis"] == {
        "smallest_effect": 1.25, "estimator": "replay", "rules_version": RULES_VERSION, "tool_version": __version__,
    }  # fmt: skip
    for field in CHANGES:
        assert f"{field.rpartition('.')[2]} =" in text
    with pytest.raises(BadInput, match=r"analysis.smallest_effect: 0.5 is no smallest effect"):
        planned.draft(_catalogue(), {"analysis": {"smallest_effect": 0.5}})


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
        _catalogue(),
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


def test_a_plan_for_other_rules_cannot_be_frozen(tmp_path: Path):
    path = write(tmp_path / "p.toml", WHOLE.replace(f'rules_version = "{RULES_VERSION}"', 'rules_version = "0"'))
    with pytest.raises(BadInput, match=f"analysis.rules_version is 0, at hand is {RULES_VERSION}"):
        planned.freeze(empty_store(tmp_path), _catalogue(), path, now=NOW)


def test_nothing_of_ours_changes_or_deletes_what_was_frozen_or_run():
    for path in folder().glob("*.sql"):
        text = " ".join(path.read_text(encoding="utf-8").upper().split())
        for table in ("PLANS", "RUNS", "ESTIMATES", "CHECKS"):
            for verb in ("UPDATE", "DELETE FROM", "TRUNCATE", "INSERT OR REPLACE INTO", "DROP TABLE", "ALTER TABLE"):
                assert f"{verb} {table}" not in text, path
