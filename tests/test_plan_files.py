"""A plan's file is read for what it says, or refused in one line that tells where and what to do."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from plan_samples import NOW, PLAN, SUDAN
from stores import empty_store, write

from analyzer import plans
from analyzer.blocks import shipped
from analyzer.errors import BadInput
from analyzer.study import planned
from analyzer.study.planned import vocabulary
from analyzer.verdicts import RULES_VERSION
from analyzer.version import __version__


@pytest.fixture(scope="module")
def words() -> plans.Vocabulary:
    """The shipped catalogue's names."""
    return vocabulary(shipped())


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
    "half a character": ('{"question": "\\ud800"}', r"question: .*half a character"),
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
        plans.parsed(text, "p.toml", vocabulary(shipped()))


def test_a_plan_for_other_rules_cannot_be_frozen(tmp_path: Path):
    path = write(tmp_path / "p.toml", WHOLE.replace(f'rules_version = "{RULES_VERSION}"', 'rules_version = "0"'))
    with pytest.raises(BadInput, match=f"analysis.rules_version is 0, at hand is {RULES_VERSION}"):
        planned.freeze(empty_store(tmp_path), shipped(), path, now=NOW)
