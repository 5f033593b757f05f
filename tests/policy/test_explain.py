"""Why, in words: for the person without scores, for the operator with every threshold."""

import json

import pytest

from safelight.core.category import Category
from safelight.core.signal import Observed, Signal
from safelight.policy.explain import HARMS, describe, describe_rule, explain, in_words
from safelight.policy.load import default_policy_text, load_policy
from tests.policy.words import VOCABULARY, facts, judge, lost, rule, saw, small

DEFAULT = load_policy(default_policy_text(), VOCABULARY)
HEARD = Observed(
    (
        Signal("text_undress", 0.91, "meaning@7", "turn 2", "asks to take clothing away", "leet"),
        Signal("text_undress", 0.20, "meaning@7", "turn 1", "asks for a smile", "plain"),
    )
)


def test_the_person_is_told_what_was_understood_which_rule_and_what_to_do() -> None:
    told = explain(judge(DEFAULT, HEARD, facts(photos=1)), DEFAULT).person
    assert HARMS[Category.NCII] in told
    assert "a request to undress or expose the person in the photo" in told
    assert "What was understood: asks to take clothing away." in told
    assert "dec_1" in told
    assert "0." not in told


def test_what_did_not_decide_is_not_held_against_the_person() -> None:
    assert "smile" not in explain(judge(DEFAULT, HEARD, facts(photos=1)), DEFAULT).person


def test_an_unchecked_request_is_said_not_to_be_the_persons_fault() -> None:
    told = explain(judge(DEFAULT, saw(lost("photo_nudity_one", source="image_nudity_one"))), DEFAULT)
    assert "This is not about what you asked" in told.headline
    assert "image_nudity_one" in told.person
    assert not any(account.fired for account in told.operator)


def test_an_allowance_is_said_to_be_one() -> None:
    assert explain(judge(DEFAULT, saw()), DEFAULT).person == "Allowed: no rule speaks against it."


def test_the_operator_sees_each_rule_of_the_stage_with_its_values_and_thresholds() -> None:
    told = explain(judge(DEFAULT, HEARD, facts(photos=1)), DEFAULT)
    assert [account.rule for account in told.operator] == [r.id for r in DEFAULT.rules if "input" in r.stages]
    account = next(account for account in told.operator if account.rule == "ncii_undress_photo")
    undress, photos, *_ = account.measures
    assert account.fired
    assert (undress.value, undress.bound, undress.true, undress.where) == (0.91, 0.4, True, "turn 2")
    assert (undress.source, undress.reading) == ("meaning@7", "leet")
    assert (photos.value, photos.bound, photos.true, photos.source) == (1, None, True, "")
    json.dumps(told.to_json())


def test_the_operator_sees_what_could_not_be_observed_as_unknown() -> None:
    told = explain(judge(DEFAULT, saw(lost("text_undress"))), DEFAULT)
    account = next(account for account in told.operator if account.rule == "ncii_undress_photo")
    assert (account.measures[0].value, account.measures[0].true) == (None, None)


def test_another_version_of_the_policy_explains_nothing() -> None:
    decision = judge(small(rule("text_undress >= t_undress")), HEARD)
    with pytest.raises(ValueError, match="restore that one"):
        explain(decision, DEFAULT)


def test_a_condition_is_told_with_numbers_and_words() -> None:
    policy = small(rule('!(text_undress >= t_undress) && (photos != 0 || surface in ["reply"]) && has_mask'))
    said = in_words(policy.rules[0], policy)
    assert said == 'not (text_undress ≥ 0.5) and (photos is not 0 or surface in ["reply"]) and has_mask'


def test_describing_tells_every_rule_threshold_and_name() -> None:
    described = describe(DEFAULT)
    json.dumps(described)
    assert isinstance(described["thresholds"], list)
    assert {item["name"] for item in described["thresholds"] if isinstance(item, dict)} == set(DEFAULT.thresholds)
    for entry in DEFAULT.rules:
        names = describe_rule(entry, DEFAULT)["names"]
        assert isinstance(names, dict)
        assert set(names) == set(entry.when.names)
        assert all(names.values())


def test_every_category_has_its_words() -> None:
    assert set(HARMS) == set(Category)
