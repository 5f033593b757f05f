"""The packaged profiles: what each changes, and that the floors stay."""

import pytest

from safelight.core.category import Category, Stage
from safelight.policy.load import PROFILES, default_policy_text, load_policy, profile_text
from tests.policy.words import VOCABULARY, facts, judge, saw

DEFAULT = load_policy(default_policy_text(), VOCABULARY)
POLICIES = {name: load_policy(profile_text(name), VOCABULARY) for name in PROFILES}


@pytest.mark.parametrize("name", PROFILES)
def test_every_profile_keeps_every_locked_rule(name: str) -> None:
    locked = [(rule.id, rule.when) for rule in DEFAULT.rules if rule.locked]
    assert [(rule.id, rule.when) for rule in POLICIES[name].rules if rule.locked] == locked


@pytest.mark.parametrize("name", PROFILES)
def test_every_profile_says_what_it_is_for(name: str) -> None:
    policy = POLICIES[name]
    assert (policy.name, policy.extends) == (name, "default")
    assert policy.description


def test_general_is_the_default() -> None:
    assert POLICIES["general"].rules == DEFAULT.rules
    assert POLICIES["general"].thresholds == DEFAULT.thresholds


def test_adult_platform_makes_sexual_pictures_of_nobody_and_of_nobody_only() -> None:
    policy = POLICIES["adult_platform"]
    assert judge(policy, saw(text_sexual=0.9)).category is None
    assert judge(policy, saw(output_nudity_one=0.9, output_nudity_two=0.9), facts(Stage.OUTPUT)).category is None
    assert judge(policy, saw(text_sexual=0.9), facts(photos=1)).category is Category.NCII
    assert judge(policy, saw(text_sexual=0.9, text_person=0.9)).category is Category.NCII
    assert judge(policy, saw(text_sexual=0.9, text_minor=0.6)).category is Category.CSAM
    assert (
        judge(policy, saw(output_nudity_one=0.9, output_nudity_two=0.9), facts(Stage.OUTPUT, photos=1)).category
        is Category.NCII
    )


def test_fashion_retail_hears_the_words_of_the_trade_and_looks_harder_at_pictures() -> None:
    words, skin = saw(text_undress=0.55), saw(output_nudity_one=0.45, output_nudity_two=0.45)
    assert judge(DEFAULT, words, facts(photos=1)).category is Category.NCII
    assert judge(POLICIES["fashion_retail"], words, facts(photos=1)).category is None
    assert judge(DEFAULT, skin, facts(Stage.OUTPUT, photos=1)).category is None
    assert judge(POLICIES["fashion_retail"], skin, facts(Stage.OUTPUT, photos=1)).category is Category.NCII


def test_children_refuses_what_only_leans_towards_the_sexual() -> None:
    policy = POLICIES["children"]
    assert judge(policy, saw(text_undress=0.4)).category is Category.SEXUAL_ADULT
    assert judge(policy, saw(output_nudity_two=0.7), facts(Stage.OUTPUT)).category is Category.SEXUAL_ADULT
    assert judge(policy, saw(text_minor=1.0, text_undress=0.1), facts(photos=1)).category is None


def test_children_is_nowhere_looser_than_the_default() -> None:
    for name, threshold in POLICIES["children"].thresholds.items():
        looser = threshold.value < DEFAULT.thresholds[name].value
        assert not looser if name == "clearly_adult" else threshold.value <= DEFAULT.thresholds[name].value, name


def test_newsroom_needs_plainer_words() -> None:
    report = saw(text_sexual=0.55, text_person=0.9)
    assert judge(DEFAULT, report).category is Category.NCII
    assert judge(POLICIES["newsroom"], report).category is None
    assert judge(POLICIES["newsroom"], saw(text_sexual=0.6, text_person=0.9)).category is Category.NCII


def test_there_is_no_other_profile() -> None:
    with pytest.raises(KeyError):
        profile_text("../default")
